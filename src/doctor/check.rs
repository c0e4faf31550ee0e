//! Looks at what delivery depends on.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::report::State::{Bad, Doubtful, Good, Skipped};
use super::report::{Finding, Report};
use crate::base::causes::WithCauses;
use crate::base::clock::Clock;
use crate::config::Builder;
use crate::config::setting::Setting;
use crate::delivery::probe_spool;
use crate::delivery::settings::DeliverySettings;
use crate::delivery::shared::Shared;
use crate::error::BuildError;
use crate::event::{Identity, ToolCall};
use crate::logger::{Handle, Pipeline, UsageLogger, Wait};

/// How far the clocks of this machine and of the ingest may be apart.
pub const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);

impl UsageLogger {
    /// Checks everything that delivery depends on, without sending an event: the settings and where each came
    /// from, opt-out, name resolution, connection and TLS, the clock, the ledger, the spool.
    ///
    /// One `OPTIONS` request goes to the endpoint, without the key: any answer shows that it can be
    /// reached. Only [`check_delivery`](Self::check_delivery) shows whether the key and the path are right. The check takes at
    /// most twice the request timeout for each destination. Findings about the destinations that
    /// [`also`](crate::Builder::also) adds begin with their names.
    pub async fn check(&self) -> Report {
        match self.handle() {
            Some(handle) => start_check(handle).await,
            None => report_off(self.off_by()),
        }
    }

    /// [`check`](Self::check) for plain threads.
    pub fn check_blocking(&self) -> Report {
        match self.handle() {
            Some(handle) => start_check(handle).block(),
            None => report_off(self.off_by()),
        }
    }
}

impl Builder {
    /// Checks what [`UsageLogger::check`] checks. The findings include every fault in the settings of every destination
    /// that prevents the logger from being built, not only the first. What only an attempt to build it shows, such as a
    /// spool's directory that cannot be used, is looked for if there is no such fault.
    ///
    /// ```
    /// # use mcp_usage::UsageLogger;
    /// let builder = UsageLogger::builder().env(|_| None).endpoint("").max_in_flight(0);
    /// let report = builder.check_blocking();
    /// assert_eq!(report.findings.len(), 3, "{report}");
    /// ```
    pub fn check(self) -> impl Future<Output = Report> + Send + use<> {
        let built = self.build_or_report();
        async {
            match built {
                Ok(usage) => usage.check().await,
                Err(report) => report,
            }
        }
    }

    /// [`check`](Self::check) for plain threads.
    pub fn check_blocking(self) -> Report {
        let built = self.build_or_report();
        built.map_or_else(|report| report, |usage| usage.check_blocking())
    }

    fn build_or_report(mut self) -> Result<UsageLogger, Report> {
        if let Ok(Some(off_by)) = self.off_by() {
            return Err(report_off(off_by));
        }
        self.leave_out_disabled();
        let mut settings = self.settings();
        let mut faults = self.faults(&mut settings);
        if faults.is_empty() {
            match self.build() {
                Ok(usage) => return Ok(usage),
                Err(fault) => faults.push(fault),
            }
        }
        Err(report_faults(settings, faults))
    }
}

/// The report of a logger that cannot be built.
fn report_faults(settings: Vec<Setting>, faults: Vec<BuildError>) -> Report {
    let finding = |fault| Finding::new("settings", Bad, WithCauses(&fault).to_string());
    Report {
        settings,
        findings: faults.into_iter().map(finding).collect(),
    }
}

/// Has the worker make the report.
fn start_check(handle: &Handle) -> Wait<Report> {
    let pipeline = Arc::clone(&handle.pipeline);
    let settings = handle.settings.clone();
    let look = async move {
        let mut findings = known(&pipeline);
        for (n, shared) in pipeline.all().enumerate() {
            let mut of_one = Vec::from_iter(spool(shared).await);
            of_one.extend(reach(&shared.settings).await);
            if n > 0 {
                for finding in &mut of_one {
                    finding.detail = format!("{}: {}", shared.settings.name, finding.detail);
                }
            }
            findings.extend(of_one);
        }
        Report { settings, findings }
    };
    let pipeline = Arc::clone(&handle.pipeline);
    let settings = handle.settings.clone();
    handle.run(look, move || without_worker(&pipeline, &settings))
}

/// The report of a logger that is off.
fn report_off(off_by: &str) -> Report {
    let detail = format!("off by {off_by}: nothing is collected or sent");
    Report {
        settings: Vec::new(),
        findings: vec![Finding::new("opt-out", Doubtful, detail)],
    }
}

/// The report of a logger whose worker has ended, is held up, or is the parent process's.
fn without_worker(pipeline: &Pipeline, settings: &[Setting]) -> Report {
    let mut findings = known(pipeline);
    let detail = if pipeline.is_forked() {
        "this process was forked: build a new logger in it"
    } else if pipeline.shared.is_closed() {
        "the logger has shut down"
    } else {
        "blocked by a subscriber, a hook or a callback of the host"
    };
    findings.push(Finding::new("worker", Bad, detail));
    Report {
        settings: settings.to_vec(),
        findings,
    }
}

/// The findings that need no waiting.
fn known(pipeline: &Pipeline) -> Vec<Finding> {
    let mut findings = vec![Finding::new("opt-out", Good, "none: events are collected")];
    let call = ToolCall::new("any").identity(Identity::anonymous()).into();
    for (n, shared) in pipeline.all().enumerate() {
        let of_one = |text: String| match n {
            0 => text,
            _ => format!("{}: {text}", shared.settings.name),
        };
        let stats = match n {
            0 => pipeline.stats(),
            _ => shared.stats(),
        };
        let state = if stats.dropped.total() > 0 {
            Doubtful
        } else {
            Good
        };
        findings.push(Finding::new("ledger", state, of_one(stats.to_string())));
        let missing = pipeline.missing_field(shared, &call);
        findings.extend(
            missing.map(|field| Finding::new("fields", Doubtful, of_one(field.to_owned()))),
        );
    }
    findings
}

/// Writes a file into the spool's directory, and removes it.
async fn spool(shared: &Shared) -> Option<Finding> {
    let settings = &shared.settings;
    let dir = settings.spool_dir.clone()?;
    let shown = dir.display().to_string();
    let probe = tokio::task::spawn_blocking(move || probe_spool(&dir));
    let probed = within(&settings.clock, settings.request_timeout, probe).await;
    let (state, detail) = match probed {
        Some(Ok(Ok(()))) => {
            let spooled = shared.ledger.spooled();
            let detail = format!("{shown} is writable; {spooled} events are only on disk");
            (Good, detail)
        }
        // Delivery goes on from memory.
        Some(Ok(Err(error))) => (Doubtful, format!("{shown}: {error}")),
        Some(Err(_)) | None => (Doubtful, format!("{shown} does not answer")),
    };
    Some(Finding::new("spool", state, detail))
}

/// Resolves the endpoint's name, and probes the endpoint.
async fn reach(settings: &DeliverySettings) -> Vec<Finding> {
    let (Some(endpoint), Some(probe)) = (&settings.endpoint, settings.transport.probe()) else {
        let detail = "nothing is sent: the logger writes to a file or to memory";
        return vec![Finding::new("connection", Skipped, detail)];
    };
    let host = endpoint.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = endpoint.port_or_known_default().unwrap_or_default();
    let (clock, timeout) = (&settings.clock, settings.request_timeout);
    let resolved = within(clock, timeout, tokio::net::lookup_host((host, port))).await;
    let probed = within(clock, timeout, probe).await;
    let (state, detail) = match resolved {
        Some(Ok(addresses)) => {
            let mut addresses: Vec<String> = addresses.map(|a| a.ip().to_string()).collect();
            addresses.dedup();
            (Good, format!("{host}: {}", addresses.join(", ")))
        }
        // Behind a proxy only the proxy has to resolve the name.
        _ if matches!(probed, Some(Ok(_))) => {
            let detail = format!("{host} does not resolve here, but was reached (through a proxy)");
            (Doubtful, detail)
        }
        Some(Err(error)) => (Bad, format!("{host}: {error}")),
        None => (Bad, format!("{host}: no answer in {timeout:?}")),
    };
    let mut findings = vec![Finding::new("name", state, detail)];
    let (state, detail) = match &probed {
        Some(Ok(answer)) => {
            let tls = if endpoint.scheme() == "https" {
                "over"
            } else {
                "without"
            };
            let status = answer.status;
            // Some ingests know the path for `POST` alone, so it is no more than a doubt.
            let (state, hint) = match status {
                404 | 410 => (Doubtful, ": perhaps the endpoint's path is wrong"),
                _ => (Good, ""),
            };
            let detail = format!("reached {tls} TLS; OPTIONS was answered {status}{hint}");
            (state, detail)
        }
        Some(Err(error)) => (Bad, error.to_string()),
        None => (Bad, format!("no answer in {timeout:?}")),
    };
    findings.push(Finding::new("connection", state, detail));
    if settings.key.is_set() {
        let detail = "not tested here: `check_delivery` sends an event with it";
        findings.push(Finding::new("key", Skipped, detail));
    }
    if let Some(Ok(answer)) = probed {
        findings.push(compare_clocks(answer.date.as_deref(), clock.wall()));
    }
    findings
}

/// Compares the clock of this machine with the ingest's.
fn compare_clocks(date: Option<&str>, now: SystemTime) -> Finding {
    const NAME: &str = "clock";
    let Some(date) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else {
        return Finding::new(NAME, Skipped, "the answer has no date");
    };
    let (skew, side) = match now.duration_since(date) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let seconds = skew.as_secs();
    let detail = format!("{seconds} s {side} the ingest's");
    let state = if skew > MAX_CLOCK_SKEW {
        Doubtful
    } else {
        Good
    };
    Finding::new(NAME, state, detail)
}

/// Returns a future's output; `None` when its time is up first.
pub(super) async fn within<T>(
    clock: &Clock,
    timeout: Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    let deadline = clock.now() + timeout;
    tokio::select! {
        output = future => Some(output),
        () = clock.sleep_until(deadline) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_differ_a_little_in_either_direction() {
        let ingest = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let second = Duration::from_secs(1);
        for (now, state, detail) in [
            (ingest, Good, "0 s ahead of the ingest's"),
            (ingest + MAX_CLOCK_SKEW, Good, "ahead of the ingest's"),
            (ingest - MAX_CLOCK_SKEW, Good, "behind the ingest's"),
            (
                ingest + MAX_CLOCK_SKEW + second,
                Doubtful,
                "ahead of the ingest's",
            ),
            (
                ingest - MAX_CLOCK_SKEW - second,
                Doubtful,
                "behind the ingest's",
            ),
        ] {
            let finding = compare_clocks(date, now);
            assert_eq!(finding.state, state, "{finding}");
            assert!(finding.detail.ends_with(detail), "{finding}");
        }
        for none in [None, Some("yesterday")] {
            assert_eq!(compare_clocks(none, ingest).state, Skipped);
        }
    }
}
