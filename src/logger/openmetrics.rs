//! The ledger as text that collectors of metrics read.

use std::fmt::Write;

use super::usage_logger::UsageLogger;
use crate::ledger::{DropReason, Stats};

/// What has a figure for each destination: name, kind, what it is, and where it stands.
const OF_DESTINATION: [Family; 9] = [
    Family::counter("events_offered", "Events handed to the logger.", |s| {
        s.offered
    }),
    Family::counter(
        "events_recovered",
        "Events of earlier processes, taken over from the spool.",
        |s| s.recovered,
    ),
    Family::counter(
        "events_delivered",
        "Events that the ingest confirmed.",
        |s| s.delivered,
    ),
    Family::gauge(
        "events_pending",
        "Events queued, in flight or waiting for a retry.",
        |s| s.pending,
    ),
    Family::gauge("events_spooled", "Events that are only on disk.", |s| {
        s.spooled
    }),
    Family::counter("requests", "Requests sent, retries included.", |s| {
        s.requests
    }),
    Family::counter(
        "requests_retried",
        "Requests that failed and are retried.",
        |s| s.retries,
    ),
    Family::counter("spool_faults", "Faults of the spool.", |s| s.spool_faults),
    Family::gauge("queue_bytes", "Memory that the queue holds.", |s| {
        s.queue_bytes
    }),
];

/// What is counted once for the logger.
const OF_LOGGER: [Family; 5] = [
    Family::counter("panics", "Panics caught in the host's code.", |s| s.panics),
    Family::counter(
        "identity_failures",
        "Requests without a user because the hook failed.",
        |s| s.identity_failures,
    ),
    Family::counter(
        "calls_without_content",
        "Calls recorded without some of their content.",
        |s| s.calls_without_content,
    ),
    Family::counter(
        "unread_messages",
        "Messages that were passed on unread.",
        |s| s.unread_messages,
    ),
    Family::counter(
        "fields_left_out",
        "Malformed values that were left out of events.",
        |s| s.fields_left_out,
    ),
];

/// A metric: its name behind `mcp_usage_`, whether it only grows, what it is, and its figure.
struct Family {
    name: &'static str,
    grows: bool,
    help: &'static str,
    figure: fn(&Stats) -> u64,
}

impl Family {
    const fn counter(name: &'static str, help: &'static str, figure: fn(&Stats) -> u64) -> Self {
        Self {
            name,
            grows: true,
            help,
            figure,
        }
    }

    const fn gauge(name: &'static str, help: &'static str, figure: fn(&Stats) -> u64) -> Self {
        Self {
            name,
            grows: false,
            help,
            figure,
        }
    }

    fn head(&self, text: &mut String) {
        head(text, self.name, self.grows, self.help);
        if self.name.ends_with("_bytes") {
            let _ = writeln!(text, "# UNIT mcp_usage_{} bytes", self.name);
        }
    }

    fn sample(&self, text: &mut String, labels: &str, stats: &Stats) {
        let total = if self.grows { "_total" } else { "" };
        let figure = (self.figure)(stats);
        let _ = writeln!(text, "mcp_usage_{}{total}{labels} {figure}", self.name);
    }
}

fn head(text: &mut String, name: &str, grows: bool, help: &str) {
    let kind = if grows { "counter" } else { "gauge" };
    let _ = writeln!(text, "# TYPE mcp_usage_{name} {kind}");
    let _ = writeln!(text, "# HELP mcp_usage_{name} {help}");
}

impl UsageLogger {
    /// Returns the ledger as OpenMetrics text, for the endpoint that your monitoring reads.
    ///
    /// Each metric begins with `mcp_usage_` and names its destination in a label: `mcp_usage_events_offered_total`,
    /// `…_delivered_total`, `…_pending`, `…_dropped_total` with a label for each [reason](crate::DropReason), and
    /// the other members of [`Stats`]. Metrics that are counted once for the logger have no label. A disabled logger has no
    /// metrics.
    ///
    /// Serve it with the content type `application/openmetrics-text; version=1.0.0; charset=utf-8`. To combine it with other
    /// metrics, leave out the last line, `# EOF`.
    ///
    /// ```
    /// # let usage = mcp_usage::UsageLogger::builder().env(|_| None).api_key("test-key-1").product_id("shop").build()?;
    /// let text = usage.openmetrics();
    /// assert!(text.contains("mcp_usage_events_offered_total{destination=\"reo\"} 0\n"));
    /// # Ok::<(), mcp_usage::BuildError>(())
    /// ```
    #[must_use]
    pub fn openmetrics(&self) -> String {
        let mut text = String::new();
        let destinations = self.destinations();
        let all: Vec<_> = destinations
            .iter()
            .map(|destination| (label(destination.name()), destination.stats()))
            .collect();
        if !all.is_empty() {
            for family in &OF_DESTINATION {
                family.head(&mut text);
                for (name, stats) in &all {
                    family.sample(&mut text, &format!("{{{name}}}"), stats);
                }
            }
            write_dropped(&mut text, &all);
            let stats = self.stats();
            for family in &OF_LOGGER {
                family.head(&mut text);
                family.sample(&mut text, "", &stats);
            }
        }
        text.push_str("# EOF\n");
        text
    }
}

/// Each reason has a figure, so that a rate has a beginning.
fn write_dropped(text: &mut String, all: &[(String, Stats)]) {
    head(text, "events_dropped", true, "Events lost, by reason.");
    for (name, stats) in all {
        for &reason in DropReason::ALL {
            let count = stats.dropped.get(reason);
            let _ = writeln!(
                text,
                "mcp_usage_events_dropped_total{{{name},reason=\"{reason}\"}} {count}"
            );
        }
    }
}

/// The label of a destination, whatever characters its name has.
fn label(name: &str) -> String {
    let name = name.replace('\\', "\\\\").replace('"', "\\\"");
    format!("destination=\"{}\"", name.replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::config::Destination;
    use crate::event::ToolCall;
    use crate::logger::UsageLogger;
    use crate::wire::Wire;

    /// The samples of a text whose families are in order: head, then samples, each family once.
    fn samples(text: &str) -> BTreeMap<&str, u64> {
        let body = text.strip_suffix("# EOF\n").unwrap();
        let mut family = "";
        let mut heads = Vec::new();
        let mut samples = BTreeMap::new();
        for line in body.lines() {
            if let Some(head) = line.strip_prefix("# ") {
                let mut words = head.split(' ');
                let (keyword, name) = (words.next().unwrap(), words.next().unwrap());
                if keyword == "TYPE" {
                    assert!(!heads.contains(&name), "{name} twice");
                    heads.push(name);
                    family = name;
                }
                assert_eq!(name, family, "{line}");
            } else {
                let (sample, figure) = line.rsplit_once(' ').unwrap();
                assert!(sample.starts_with(family), "{line}");
                samples.insert(sample, figure.parse().unwrap());
            }
        }
        samples
    }

    #[test]
    fn each_destination_has_its_figures_and_the_logger_its_own() {
        let builder = UsageLogger::builder().env(|_| None).api_key("test-key-1");
        let second = Destination::new(Wire::ReoBatch)
            .name("a \"b\"")
            .endpoint("http://127.0.0.1:9/")
            .api_key("test-key-2");
        let builder = builder.endpoint("http://127.0.0.1:9/").also(second);
        let usage = builder.build().unwrap();
        // It has no product, which both wires require.
        usage.log_usage(ToolCall::new("search"));
        let text = usage.openmetrics();
        let samples = samples(&text);
        for name in ["reo", "a \\\"b\\\""] {
            let of =
                |metric: &str| samples[&*format!("mcp_usage_{metric}{{destination=\"{name}\"}}")];
            assert_eq!(of("events_offered_total"), 1);
            assert_eq!(of("events_pending"), 0);
            let dropped = format!(
                "mcp_usage_events_dropped_total{{destination=\"{name}\",reason=\"missing_field\"}}"
            );
            assert_eq!(samples[&*dropped], 1);
        }
        assert_eq!(samples["mcp_usage_panics_total"], 0);
        assert!(text.contains("# UNIT mcp_usage_queue_bytes bytes\n"));
    }

    #[test]
    fn a_disabled_logger_has_no_metric() {
        assert_eq!(UsageLogger::disabled().openmetrics(), "# EOF\n");
    }
}
