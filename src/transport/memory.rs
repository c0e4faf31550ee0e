//! A transport that keeps requests in memory, for tests without sockets.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::exchange::{IncomingResponse, ProbeFuture, Request, SendError, SendFuture, Transport};
use crate::base::lock::lock;

/// Keeps the requests of a logger instead of sending them, and answers 200 unless
/// [`answer`](Self::answer) sets another status.
///
/// Clones share the requests. Given to a logger with
/// [`Builder::memory_transport`](crate::Builder::memory_transport), which then needs neither key nor
/// endpoint.
///
/// ```
/// use mcp_usage::testing::MemoryTransport;
/// use mcp_usage::{ToolCall, UsageLogger};
/// use std::time::Duration;
///
/// let sent = MemoryTransport::new();
/// let usage = UsageLogger::builder()
///     .env(|_| None)
///     .memory_transport(&sent)
///     .product_id("demo")
///     .build()?;
/// usage.log_usage(ToolCall::new("search"));
/// usage.flush_blocking(Duration::from_secs(5))?;
/// assert_eq!(sent.events()[0]["meta"]["tool"], "search");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct MemoryTransport {
    state: Arc<Mutex<MemoryState>>,
}

#[derive(Debug, Default)]
struct MemoryState {
    discards: bool,
    bodies: Vec<Vec<u8>>,
    answers: VecDeque<u16>,
}

impl MemoryTransport {
    /// Creates a transport without requests.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a transport that discards the requests, for benchmarks.
    #[must_use]
    pub fn discarding() -> Self {
        let transport = Self::default();
        lock(&transport.state).discards = true;
        transport
    }

    /// Answers the next requests with these statuses, one each; 0 means no answer.
    pub fn answer(&self, statuses: impl IntoIterator<Item = u16>) {
        lock(&self.state).answers.extend(statuses);
    }

    /// Returns the bodies of the requests so far, in order, retries included.
    #[must_use]
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        lock(&self.state).bodies.clone()
    }

    /// Returns the events of the requests so far, in order, in the wire's format; none on the OTLP wire, which is not
    /// JSON.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        let bodies = self.bodies();
        let bodies = bodies
            .iter()
            .filter_map(|body| serde_json::from_slice::<Value>(body).ok());
        let events = bodies.filter_map(|mut body| {
            let mut names = ["payload", "events", "batch"].into_iter();
            names.find_map(|name| body.get_mut(name).map(Value::take))
        });
        events
            .flat_map(|events| match events {
                Value::Array(events) => events,
                event => vec![event],
            })
            .collect()
    }
}

impl Transport for MemoryTransport {
    fn send(&self, request: Request) -> SendFuture {
        let mut state = lock(&self.state);
        if !state.discards {
            state.bodies.push(request.body);
        }
        let status = state.answers.pop_front().unwrap_or(200);
        Box::pin(std::future::ready(match status {
            0 => Err(SendError::Network("no answer".to_owned())),
            status => Ok(IncomingResponse {
                status,
                retry_after: None,
                content_type: None,
                body: Box::pin(std::future::ready(Vec::new())),
            }),
        }))
    }

    fn probe(&self) -> Option<ProbeFuture> {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn send(transport: &MemoryTransport, body: &str) -> Result<u16, SendError> {
        let sent = transport.send(Request::new(body.as_bytes().to_vec()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::pin!(sent).poll(&mut context) {
            std::task::Poll::Ready(answer) => answer.map(|answer| answer.status),
            std::task::Poll::Pending => panic!("memory answers at once"),
        }
    }

    #[test]
    fn statuses_are_answered_in_order_and_then_200() {
        let transport = MemoryTransport::new();
        transport.answer([503]);
        transport.answer([0, 400]);
        assert_eq!(send(&transport, "1"), Ok(503));
        let clone = transport.clone();
        assert!(matches!(send(&clone, "2"), Err(SendError::Network(_))));
        assert_eq!(
            [send(&transport, "3"), send(&transport, "4")],
            [Ok(400), Ok(200)]
        );
        assert_eq!(
            transport.bodies(),
            [b"1", b"2", b"3", b"4"],
            "whatever was answered"
        );
    }

    #[test]
    fn events_are_read_from_the_bodies_of_each_wire() {
        let transport = MemoryTransport::new();
        for body in [
            r#"{"payload":{"n":1}}"#,
            r#"{"payload":[{"n":2},{"n":3}],"sdk":{}}"#,
            r#"{"projectId":"p","events":[{"n":4}]}"#,
            "no JSON",
            r#"{"other":[{"n":5}]}"#,
        ] {
            send(&transport, body).unwrap();
        }
        let events: Vec<_> = (1..=4).map(|n| json!({"n": n})).collect();
        assert_eq!(transport.events(), events);
    }

    #[test]
    fn one_that_discards_answers_and_keeps_nothing() {
        let transport = MemoryTransport::discarding();
        transport.answer([429]);
        assert_eq!(
            [send(&transport, "1"), send(&transport, "2")],
            [Ok(429), Ok(200)]
        );
        assert!(transport.bodies().is_empty());
    }
}
