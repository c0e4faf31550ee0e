//! One marked event, and what the ingest answers to it.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use super::check::within;
use crate::event::{Event, Identity, ToolCall};
use crate::logger::{Handle, Pipeline, UsageLogger, Wait};
use crate::transport::{IncomingResponse, MAX_ANSWER_BYTES, Request, SendError};
use crate::wire::answer::{Verdict, is_page};

/// The tool name of the event that [`UsageLogger::check_delivery`] sends.
pub const CHECK_TOOL: &str = "mcp_usage_check";

/// How much of an answer's body a report shows on request.
const MAX_SHOWN_CHARS: usize = 300;

/// The result of [`UsageLogger::check_delivery`]. Prints as a line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryReport {
    /// Whether the ingest accepted the event.
    pub delivered: bool,
    /// The event's id; `None` if no event was made.
    pub event_id: Option<i64>,
    /// The status of the ingest's answer; `None` if there was none.
    pub status: Option<u16>,
    /// The answer's status and the type and length of its body, or why there is none. The body itself is included only with
    /// [`show_answer`](DeliveryCheck::show_answer).
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

/// A check that sends one event. Made by [`UsageLogger::check_delivery`]; it starts when it is awaited, or with
/// [`block`](Self::block).
#[must_use = "a check does nothing until it is awaited"]
#[derive(Debug)]
pub struct DeliveryCheck {
    usage: UsageLogger,
    shows_answer: bool,
}

impl DeliveryCheck {
    /// Sets whether the report shows the beginning of the answer's body. Default: no.
    ///
    /// An ingest may repeat what it received, including the key, in an encoding that no search finds. The body is redacted,
    /// and the key is removed if it appears literally.
    pub const fn show_answer(mut self, show: bool) -> Self {
        self.shows_answer = show;
        self
    }

    /// Waits for the report, on a plain thread.
    pub fn block(self) -> DeliveryReport {
        self.start().block()
    }

    /// Begins the check. `self` has to outlive it: the worker ends with the last handle.
    fn start(&self) -> Wait<DeliveryReport> {
        match self.usage.handle() {
            Some(handle) => start_delivery(handle, self.shows_answer),
            None => {
                let off = format!("off by {}", self.usage.off_by());
                Wait::known(DeliveryReport::unsent(off))
            }
        }
    }
}

impl IntoFuture for DeliveryCheck {
    type Output = DeliveryReport;
    type IntoFuture = Pin<Box<dyn Future<Output = DeliveryReport> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.start().await })
    }
}

impl UsageLogger {
    /// Sends one event and reports what the ingest answered: an anonymous call of the tool
    /// [`CHECK_TOOL`], marked by `check: true` in its `meta` where the wire has one.
    ///
    /// With several destinations, the first gets it. It bypasses the queue, the gate and `before_send`, is sent once, and does
    /// not count in [`stats`](Self::stats). The check takes at most the request timeout.
    ///
    /// ```
    /// # use mcp_usage::UsageLogger;
    /// # async fn check(usage: UsageLogger) {
    /// eprintln!("{}", usage.check_delivery().await);
    /// eprintln!("{}", usage.check_delivery().show_answer(true).await);
    /// # }
    /// ```
    pub fn check_delivery(&self) -> DeliveryCheck {
        DeliveryCheck {
            usage: self.clone(),
            shows_answer: false,
        }
    }

    /// [`check_delivery`](Self::check_delivery) for plain threads.
    pub fn check_delivery_blocking(&self) -> DeliveryReport {
        self.check_delivery().block()
    }
}

/// Has the worker send the event, unless it cannot be written.
fn start_delivery(handle: &Handle, shows_answer: bool) -> Wait<DeliveryReport> {
    let event: Event<'_> = ToolCall::new(CHECK_TOOL)
        .identity(Identity::anonymous())
        .meta("check", &true)
        .into();
    let (event_id, body) = match handle.pipeline.frame_alone(&event) {
        Ok(framed) => framed,
        Err(reason) => {
            let missing = handle
                .pipeline
                .missing_field(&handle.pipeline.shared, &event)
                .map(str::to_owned);
            let why = missing.unwrap_or_else(|| format!("the event was dropped: {reason}"));
            return Wait::known(DeliveryReport::unsent(why));
        }
    };
    let pipeline = Arc::clone(&handle.pipeline);
    let send = async move {
        let mut report = deliver(&pipeline, body, shows_answer).await;
        report.event_id = Some(event_id);
        report
    };
    handle.run(send, ended)
}

fn ended() -> DeliveryReport {
    DeliveryReport::unsent(
        "the logger has shut down, its process was forked, or its worker is blocked",
    )
}

/// Sends a body once, without a retry.
async fn deliver(pipeline: &Pipeline, body: Vec<u8>, shows_answer: bool) -> DeliveryReport {
    let config = &pipeline.shared.settings;
    let exchange = async {
        let IncomingResponse {
            status,
            retry_after,
            content_type,
            body,
        } = config.transport.send(Request::new(body)).await?;
        Ok::<_, SendError>((status, retry_after, content_type, body.await))
    };
    match within(&config.clock, config.request_timeout, exchange).await {
        Some(Ok((status, retry_after, content_type, body))) => {
            let (profile, now) = (config.wire.profile(), config.clock.wall());
            let verdict = (profile.classify_answer)(status, retry_after.as_deref(), now);
            let is_accepted = verdict == Verdict::Delivered;
            let (delivered, but) = if is_accepted && is_page(&body) {
                (false, "; a web page, so a proxy may have answered")
            } else if is_accepted && !(profile.receipt)(&body).takes_all(1) {
                (false, "; it refuses the event")
            } else {
                (is_accepted, "")
            };
            let about = about(content_type.as_deref(), &body);
            let shown = shows_answer.then(|| shown(pipeline, &body));
            let shown = shown.unwrap_or_default();
            DeliveryReport {
                delivered,
                event_id: None,
                status: Some(status),
                detail: format!("{status}{}{but}, {about}{shown}", hint(status)),
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

/// Returns the type and the length of a body, and nothing of its content.
fn about(content_type: Option<&str>, body: &[u8]) -> String {
    let content_type = content_type.unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let is_part = |c: char| c.is_ascii_alphanumeric() || "/+.-".contains(c);
    let is_plain = (1..=80).contains(&essence.len()) && essence.chars().all(is_part);
    let essence = if is_plain { essence } else { "no type" };
    match body.len() {
        0 => "without a body".to_owned(),
        MAX_ANSWER_BYTES.. => format!("{essence}, {MAX_ANSWER_BYTES} bytes or more"),
        bytes => format!("{essence}, {bytes} bytes"),
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

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn of_a_body_only_its_type_and_length_are_told() {
        for (content_type, body, said) in [
            (
                Some("text/html; charset=utf-8"),
                "abc",
                "text/html, 3 bytes",
            ),
            (None, "abc", "no type, 3 bytes"),
            (Some("a key"), "abc", "no type, 3 bytes"),
            (Some("text/html"), "", "without a body"),
        ] {
            assert_eq!(about(content_type, body.as_bytes()), said);
        }
        let large = vec![0; MAX_ANSWER_BYTES];
        assert_eq!(about(None, &large), "no type, 65536 bytes or more");
    }
}
