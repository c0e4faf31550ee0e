//! What a logger can tell about its own health: its settings, and whether its ingest can be reached.
//!
//! [`UsageLogger::check`] sends no event; [`UsageLogger::check_delivery`] sends one that is marked. Both
//! print as a list:
//!
//! ```
//! # use mcp_usage::UsageLogger;
//! # let ingest = mcp_usage::testing::MockIngest::start()?;
//! # let builder = UsageLogger::builder().env(|_| None).api_key("test-key-1").endpoint(ingest.endpoint());
//! let usage = builder.product_id("reoWebApp").build()?;
//! let report = usage.check_blocking();
//! println!("{report}");
//! assert!(report.is_healthy());
//! assert!(!report.to_string().contains("test-key-1"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::base::clock::Clock;
use crate::delivery::probe_spool;
use crate::delivery::settings::DeliverySettings;
use crate::event::{Identity, ToolCall};
use crate::ledger::DropReason;
use crate::logger::{Handle, Pipeline, UsageLogger, Wait};
use crate::transport::{Answer, Request, SendError};
use crate::wire::answer::{Verdict, is_page};

use State::{Bad, Doubtful, Good, Skipped};

pub use crate::config::setting::{Origin, Setting};

/// The tool name of the event that [`UsageLogger::check_delivery`] sends.
pub const CHECK_TOOL: &str = "mcp_usage_check";

/// How far the clocks of this machine and of the ingest may be apart.
pub const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);

/// How much of an answer's body a report shows.
const MAX_SHOWN_CHARS: usize = 300;

/// The result of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It is as it should be.
    Good,
    /// It works, but should be looked into.
    Doubtful,
    /// It keeps events from being delivered.
    Bad,
    /// It was not checked; the detail says why.
    Skipped,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What was checked.
    pub name: &'static str,
    /// The result.
    pub state: State,
    /// What was found.
    pub detail: String,
}

impl Finding {
    fn new(name: &'static str, state: State, detail: impl Into<String>) -> Self {
        Self {
            name,
            state,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.state {
            State::Good => "ok",
            State::Doubtful => "warn",
            State::Bad => "FAIL",
            State::Skipped => "-",
        };
        write!(f, "{mark:<5}{:<16}{}", self.name, self.detail)
    }
}

/// The result of [`UsageLogger::check`]. Prints as a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The settings in force; none when the logger is off.
    pub settings: Vec<Setting>,
    /// What was checked, in order.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Returns whether nothing was found that keeps events from being delivered. A logger that is
    /// off delivers none.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.findings.iter().all(|f| f.state != State::Bad)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Setting {
            name,
            value,
            origin,
        } in &self.settings
        {
            writeln!(f, "     {name:<20}{value} ({origin})")?;
        }
        for (n, finding) in self.findings.iter().enumerate() {
            let end = if n > 0 { "\n" } else { "" };
            write!(f, "{end}{finding}")?;
        }
        Ok(())
    }
}

/// The result of [`UsageLogger::check_delivery`]. Prints as a line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryReport {
    /// Whether the ingest has taken the event.
    pub delivered: bool,
    /// The event's id; `None` when none was made.
    pub event_id: Option<i64>,
    /// The status of the ingest's answer; `None` when there was none.
    pub status: Option<u16>,
    /// The answer, or why there is none. Of a body only the beginning, redacted.
    pub detail: String,
}

impl DeliveryReport {
    fn unsent(detail: impl Into<String>) -> Self {
        Self {
            delivered: false,
            event_id: None,
            status: None,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for DeliveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.delivered { "ok" } else { "FAIL" };
        write!(f, "{mark:<5}{:<16}{}", "delivery", self.detail)
    }
}

impl UsageLogger {
    /// Checks what delivery depends on, and sends no event: the settings and where each came
    /// from, opt-out, name resolution, connection and TLS, the clock, the ledger, the spool.
    ///
    /// One `OPTIONS` request goes to the endpoint, without the key: any answer shows that it can be
    /// reached. Whether the key is right only [`check_delivery`](Self::check_delivery) shows. It takes at
    /// most twice the request timeout.
    pub async fn check(&self) -> Report {
        match self.handle() {
            Some(handle) => start_check(handle).await,
            None => report_off(self.off_by()),
        }
    }

    /// [`check`](Self::check) for plain threads.
    pub fn check_blocking(&self) -> Report {
        match self.handle() {
            Some(handle) => start_check(handle)
                .block(Duration::MAX)
                .unwrap_or_else(|| without_worker(&handle.pipeline, &handle.settings)),
            None => report_off(self.off_by()),
        }
    }

    /// Sends one event and reports what the ingest answered: an anonymous call of the tool
    /// [`CHECK_TOOL`], marked by `check: true` in its `meta` where the wire has one.
    ///
    /// It goes past the queue, the gate and `before_send`, is sent once, and does not count in
    /// [`stats`](Self::stats). It takes at most the request timeout.
    pub async fn check_delivery(&self) -> DeliveryReport {
        match self.handle() {
            Some(handle) => start_delivery(handle).await,
            None => DeliveryReport::unsent(format!("off by {}", self.off_by())),
        }
    }

    /// [`check_delivery`](Self::check_delivery) for plain threads.
    pub fn check_delivery_blocking(&self) -> DeliveryReport {
        match self.handle() {
            Some(handle) => start_delivery(handle)
                .block(Duration::MAX)
                .unwrap_or_else(ended),
            None => DeliveryReport::unsent(format!("off by {}", self.off_by())),
        }
    }
}

/// Has the worker make the report.
fn start_check(handle: &Handle) -> Wait<Report> {
    let pipeline = Arc::clone(&handle.pipeline);
    let settings = handle.settings.clone();
    let look = async move {
        let mut findings = known(&pipeline);
        findings.extend(spool(&pipeline).await);
        findings.extend(reach(&pipeline.shared.settings).await);
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

/// The report of a logger whose worker has ended, or is the parent process's.
fn without_worker(pipeline: &Pipeline, settings: &[Setting]) -> Report {
    let mut findings = known(pipeline);
    let detail = if pipeline.is_forked() {
        "this process is a fork; it has to build a logger of its own"
    } else {
        "the logger has shut down"
    };
    findings.push(Finding::new("worker", Bad, detail));
    Report {
        settings: settings.to_vec(),
        findings,
    }
}

/// Has the worker send the event, unless it cannot be written.
fn start_delivery(handle: &Handle) -> Wait<DeliveryReport> {
    let event = ToolCall::new(CHECK_TOOL)
        .identity(Identity::anonymous())
        .meta("check", &true);
    let (event_id, body) = match handle.pipeline.frame_alone(&event.into()) {
        Ok(framed) => framed,
        Err(reason) => return Wait::known(DeliveryReport::unsent(why_not(reason))),
    };
    let pipeline = Arc::clone(&handle.pipeline);
    let send = async move {
        let mut report = deliver(&pipeline, body).await;
        report.event_id = Some(event_id);
        report
    };
    handle.run(send, ended)
}

fn ended() -> DeliveryReport {
    DeliveryReport::unsent("the logger has shut down, or its process was forked")
}

fn why_not(reason: DropReason) -> String {
    match reason {
        DropReason::MissingField => "product_id is missing: the wire requires it".to_owned(),
        reason => format!("the event was dropped: {reason}"),
    }
}

/// The findings that need no waiting.
fn known(pipeline: &Pipeline) -> Vec<Finding> {
    let stats = pipeline.stats();
    let ledger = if stats.dropped.total() > 0 {
        Doubtful
    } else {
        Good
    };
    vec![
        Finding::new("opt-out", Good, "none: events are collected"),
        Finding::new("ledger", ledger, stats.to_string()),
    ]
}

/// Writes a file into the spool's directory, and removes it.
async fn spool(pipeline: &Pipeline) -> Option<Finding> {
    let settings = &pipeline.shared.settings;
    let dir = settings.spool_dir.clone()?;
    let shown = dir.display().to_string();
    let probe = tokio::task::spawn_blocking(move || probe_spool(&dir));
    let probed = within(&settings.clock, settings.request_timeout, probe).await;
    let (state, detail) = match probed {
        Some(Ok(Ok(()))) => {
            let spooled = pipeline.shared.ledger.spooled();
            let detail = format!("{shown} can be written to; {spooled} events are there alone");
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
            let detail = format!("{host} is not known here, but is reached all the same");
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
            (
                Good,
                format!("reached {tls} TLS; OPTIONS was answered {status}"),
            )
        }
        Some(Err(error)) => (Bad, error.to_string()),
        None => (Bad, format!("no answer in {timeout:?}")),
    };
    findings.push(Finding::new("connection", state, detail));
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

/// Sends a body once, without a retry.
async fn deliver(pipeline: &Pipeline, body: Vec<u8>) -> DeliveryReport {
    let config = &pipeline.shared.settings;
    let exchange = async {
        let Answer {
            status,
            retry_after,
            body,
        } = config.transport.send(Request::new(body)).await?;
        Ok::<_, SendError>((status, retry_after, body.await))
    };
    match within(&config.clock, config.request_timeout, exchange).await {
        Some(Ok((status, retry_after, body))) => {
            let (profile, now) = (config.wire.profile(), config.clock.wall());
            let verdict = (profile.classify_answer)(status, retry_after.as_deref(), now);
            let is_taken = !is_page(&body) && (profile.receipt)(&body).takes_all(1);
            let delivered = verdict == Verdict::Delivered && is_taken;
            DeliveryReport {
                delivered,
                event_id: None,
                status: Some(status),
                detail: format!("{status}{}{}", hint(status), shown(pipeline, &body)),
            }
        }
        Some(Err(error)) => DeliveryReport::unsent(error.to_string()),
        None => DeliveryReport::unsent(SendError::Timeout.to_string()),
    }
}

/// What a user can do about a status.
fn hint(status: u16) -> &'static str {
    match status {
        300..=399 => " (a redirect, which is never followed: correct the endpoint)",
        401 | 403 => " (the key is not accepted)",
        404 | 405 => " (perhaps the endpoint's path is wrong)",
        415 => " (perhaps the ingest does not take gzip)",
        _ => "",
    }
}

/// Returns the beginning of a body, without control characters, and redacted: it may repeat what was
/// sent.
fn shown(pipeline: &Pipeline, body: &[u8]) -> String {
    let key = &pipeline.shared.settings.key;
    let text = key.conceal(&String::from_utf8_lossy(body));
    let text: String = text
        .chars()
        .take(MAX_SHOWN_CHARS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let text = text.trim();
    if text.is_empty() {
        return String::new();
    }
    let redacted = pipeline.settings.policy.redactor.redact_str(text);
    format!(": {redacted}")
}

/// Returns a future's output; `None` when its time is up first.
async fn within<T>(clock: &Clock, timeout: Duration, future: impl Future<Output = T>) -> Option<T> {
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

    #[test]
    fn a_status_that_asks_for_something_has_a_hint() {
        for (status, expected) in [
            (302, "redirect"),
            (401, "key"),
            (403, "key"),
            (404, "path"),
            (415, "gzip"),
        ] {
            assert!(hint(status).contains(expected), "{status}");
        }
        assert_eq!(hint(200), "");
        assert_eq!(hint(503), "");
    }
}
