//! What the mock ingest has seen: requests, the events in them, and plain counts.

use std::fmt;
use std::time::Instant;

use serde_json::Value;

use super::contract::ReceivedWire;
use super::http::header;

/// Headers that carry a key; [`ReceivedRequest`]'s `Debug` does not print their values.
const KEY_HEADERS: [&str; 3] = ["x-api-key", "x-mcpeye-secret", "authorization"];

/// One request as it arrived, and how it was answered.
#[derive(Clone)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The method, `POST` for a request that is meant for an ingest.
    pub method: String,
    /// The request target as sent: path and query.
    pub path: String,
    /// The headers in their order, names as sent.
    pub headers: Vec<(String, String)>,
    /// The body with its transfer coding removed, or what had arrived of it.
    pub body: Vec<u8>,
    /// Whether the body arrived to its end.
    pub body_complete: bool,
    /// The wire the body is written in, where it could be told.
    pub wire: Option<ReceivedWire>,
    /// The status answered; `None` before the answer, and where a fault was played in place of one.
    pub status: Option<u16>,
    /// Why it was refused, where one of the ingest's checks did: what the answer said.
    pub refusal: Option<String>,
    /// When the request had been read.
    pub at: Instant,
    /// Which connection it came over, counted from 1: equal numbers show that a connection was kept alive.
    pub connection: u64,
    pub(super) unexpected: bool,
}

impl ReceivedRequest {
    /// Returns a header's first value; the case of the name does not matter.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Parses the body; `None` where it is not JSON.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

impl fmt::Debug for ReceivedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(name, value): &(String, String)| {
            let secret = KEY_HEADERS
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known));
            (
                name.clone(),
                if secret {
                    String::from("(hidden)")
                } else {
                    value.clone()
                },
            )
        };
        f.debug_struct("ReceivedRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field(
                "headers",
                &self.headers.iter().map(shown).collect::<Vec<_>>(),
            )
            .field("body", &String::from_utf8_lossy(&self.body))
            .field("body_complete", &self.body_complete)
            .field("wire", &self.wire)
            .field("status", &self.status)
            .field("refusal", &self.refusal)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// One event out of a request.
///
/// The same event shows up once per request that carried it, so a retried one is here more than once.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReceivedEvent {
    /// The wire it came over.
    pub wire: ReceivedWire,
    /// Its `event_id` (Reo) or `callId` (mcpeye) as text; empty where it has none.
    pub id: String,
    /// The event as it stood in the body: one payload of the Reo wires, one item of mcpeye's `events`.
    pub json: Value,
    /// Whether the ingest took it: a 2xx was answered, and did not turn this event down.
    pub accepted: bool,
    /// When its request had been read.
    pub at: Instant,
    /// mcpeye's `identity`, which stands once per batch beside the events.
    pub(super) identity: Option<Value>,
}

impl ReceivedEvent {
    /// Returns the kind of event, such as `MCP_TOOL_CALL`, the only kind there is on the mcpeye wire.
    #[must_use]
    pub fn activity(&self) -> &str {
        match self.wire {
            ReceivedWire::Mcpeye => "MCP_TOOL_CALL",
            ReceivedWire::Reo | ReceivedWire::ReoBatch => {
                self.text("activity_type").unwrap_or_default()
            }
        }
    }

    /// Returns who the event is about: `user_id`, or on the mcpeye wire `userId`, else `userEmail`, of the event, else of
    /// its batch.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        if self.wire != ReceivedWire::Mcpeye {
            return self.text("user_id");
        }
        let of = |owner: &'_ Value| {
            ["userId", "userEmail"]
                .into_iter()
                .find(|key| owner.get(key).is_some())
        };
        let owner = [Some(&self.json), self.identity.as_ref()]
            .into_iter()
            .flatten()
            .find(|it| of(it).is_some())?;
        owner.get(of(owner)?)?.as_str()
    }

    /// Returns the kind of [`user_id`](Self::user_id), such as `EMAIL`. The mcpeye wire has none.
    #[must_use]
    pub fn user_id_type(&self) -> Option<&str> {
        self.text("user_id_type")
    }

    /// Returns the name of the tool, of an event that is about one.
    #[must_use]
    pub fn tool(&self) -> Option<&str> {
        match self.wire {
            ReceivedWire::Mcpeye => self.text("toolName"),
            ReceivedWire::Reo | ReceivedWire::ReoBatch => self.meta("tool")?.as_str(),
        }
    }

    /// Returns the arguments of the tool call.
    #[must_use]
    pub fn arguments(&self) -> Option<&Value> {
        match self.wire {
            ReceivedWire::Mcpeye => self.json.get("arguments"),
            ReceivedWire::Reo | ReceivedWire::ReoBatch => self.meta("tool_arguments"),
        }
    }

    /// Returns how long the tool call took, in milliseconds.
    #[must_use]
    pub fn duration_ms(&self) -> Option<f64> {
        match self.wire {
            ReceivedWire::Mcpeye => self.json.get("durationMs")?.as_f64(),
            ReceivedWire::Reo | ReceivedWire::ReoBatch => self.meta("duration_ms")?.as_f64(),
        }
    }

    /// Returns the text of the tool call's error.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match self.wire {
            ReceivedWire::Mcpeye => self.text("errorMessage"),
            ReceivedWire::Reo | ReceivedWire::ReoBatch => self.meta("error")?.as_str(),
        }
    }

    /// Returns a key of the event's `meta`; on the mcpeye wire, which has no `meta`, a field of the event itself.
    #[must_use]
    pub fn meta(&self, key: &str) -> Option<&Value> {
        match self.wire {
            ReceivedWire::Mcpeye => self.json.get(key),
            ReceivedWire::Reo | ReceivedWire::ReoBatch => self.json.get("meta")?.get(key),
        }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.json.get(key)?.as_str()
    }
}

/// How much arrived, since the start or since the last [`clear`](super::MockIngest::clear) or
/// [`take`](super::MockIngest::take).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Requests, also those that did not arrive to their end.
    pub requests: u64,
    /// Events in them; a retried event counts again.
    pub events: u64,
    /// Events the ingest took.
    pub accepted: u64,
    /// Bytes of bodies, transfer codings removed.
    pub bytes: u64,
    /// Connections opened.
    pub connections: u64,
}

/// All that [`MockIngest::take`](super::MockIngest::take) takes out at one moment.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Received {
    /// The requests, in the order in which they had been read.
    pub requests: Vec<ReceivedRequest>,
    /// The events in them, in the same order.
    pub events: Vec<ReceivedEvent>,
    /// Violations of the contract.
    pub violations: Vec<String>,
    /// The counts up to this moment.
    pub counts: Counts,
}
