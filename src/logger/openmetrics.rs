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
        let destinations = self.destinations();
        let all: Vec<_> = destinations
            .iter()
            .map(|destination| (label(destination.name()), destination.stats()))
            .collect();
        render(&all, &self.stats())
    }
}

/// The text of the destinations' ledgers, each behind its label, and of what is counted once for the logger.
fn render(destinations: &[(String, Stats)], logger: &Stats) -> String {
    let mut text = String::new();
    if !destinations.is_empty() {
        for family in &OF_DESTINATION {
            family.head(&mut text);
            for (name, stats) in destinations {
                family.sample(&mut text, &format!("{{{name}}}"), stats);
            }
        }
        write_dropped(&mut text, destinations);
        for family in &OF_LOGGER {
            family.head(&mut text);
            family.sample(&mut text, "", logger);
        }
    }
    text.push_str("# EOF\n");
    text
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

    use super::{label, render};
    use crate::config::Destination;
    use crate::event::ToolCall;
    use crate::ledger::{DropReason, Ledger, Stats};
    use crate::logger::UsageLogger;
    use crate::wire::Wire;

    /// The samples of a text that the format allows: each family once, its type before its samples, the names of counters
    /// with their suffix, each sample once, and the mark of the end.
    fn samples(text: &str) -> BTreeMap<&str, u64> {
        let body = text.strip_suffix("# EOF\n").unwrap();
        let (mut family, mut suffix) = ("", "");
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
                    suffix = match words.next().unwrap() {
                        "counter" => "_total",
                        "gauge" => "",
                        other => panic!("{other}"),
                    };
                }
                assert_eq!(name, family, "{line}");
            } else {
                let (sample, figure) = line.rsplit_once(' ').unwrap();
                let name = sample.split('{').next().unwrap();
                assert_eq!(name.strip_suffix(suffix), Some(family), "{line}");
                let before = samples.insert(sample, figure.parse().unwrap());
                assert_eq!(before, None, "{line}");
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

    /// A ledger whose figures are all different from `first` on, in the order of the members; and dropped events.
    fn distinct(first: u64, ledger: &Ledger) -> Stats {
        Stats {
            offered: first,
            recovered: first + 1,
            delivered: first + 2,
            pending: first + 3,
            spooled: first + 4,
            dropped: ledger.dropped(),
            requests: first + 5,
            retries: first + 6,
            queue_bytes: first + 7,
            panics: first + 8,
            identity_failures: first + 9,
            calls_without_content: first + 10,
            unread_messages: first + 11,
            fields_left_out: first + 12,
            spool_faults: first + 13,
        }
    }

    #[test]
    fn each_sample_is_the_figure_of_its_name() {
        let ledger = Ledger::default();
        for (n, &reason) in DropReason::ALL.iter().enumerate() {
            (0..=n).for_each(|_| ledger.refuse(reason));
        }
        let (one, other) = (
            distinct(1_000, &ledger),
            distinct(2_000, &Ledger::default()),
        );
        let logger = distinct(3_000, &Ledger::default());
        let text = render(&[(label("one"), one), (label("other"), other)], &logger);
        let mut expected = BTreeMap::new();
        for (name, stats) in [("one", &one), ("other", &other)] {
            for (metric, figure) in [
                ("events_offered_total", stats.offered),
                ("events_recovered_total", stats.recovered),
                ("events_delivered_total", stats.delivered),
                ("events_pending", stats.pending),
                ("events_spooled", stats.spooled),
                ("requests_total", stats.requests),
                ("requests_retried_total", stats.retries),
                ("spool_faults_total", stats.spool_faults),
                ("queue_bytes", stats.queue_bytes),
            ] {
                let sample = format!("mcp_usage_{metric}{{destination=\"{name}\"}}");
                expected.insert(sample, figure);
            }
            for &reason in DropReason::ALL {
                let labels = format!("destination=\"{name}\",reason=\"{reason}\"");
                let sample = format!("mcp_usage_events_dropped_total{{{labels}}}");
                expected.insert(sample, stats.dropped.get(reason));
            }
        }
        for (metric, figure) in [
            ("panics", logger.panics),
            ("identity_failures", logger.identity_failures),
            ("calls_without_content", logger.calls_without_content),
            ("unread_messages", logger.unread_messages),
            ("fields_left_out", logger.fields_left_out),
        ] {
            expected.insert(format!("mcp_usage_{metric}_total"), figure);
        }
        let samples = samples(&text).into_iter();
        let samples: BTreeMap<_, _> = samples.map(|(name, n)| (name.to_owned(), n)).collect();
        assert_eq!(samples, expected);
    }

    #[test]
    fn a_disabled_logger_has_no_metric() {
        assert_eq!(UsageLogger::disabled().openmetrics(), "# EOF\n");
    }
}
