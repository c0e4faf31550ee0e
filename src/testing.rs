//! Tools for tests of code that reports usage: a mock ingest to send to.
//!
//! [`MockIngest`] is a real HTTP/1.1 server on loopback. It runs on a thread of its own, so it works in async tests and
//! in plain ones; it checks what it receives against the wire formats, keeps it for assertions, and plays scripted
//! [`Answer`]s, faults included.
//!
//! # A first test
//! ```
//! use std::time::Duration;
//! use mcp_usage::testing::MockIngest;
//! # use std::io::{Read, Write};
//! # fn post(ingest: &MockIngest, path: &str, body: &str) -> std::io::Result<String> {
//! #     let mut stream = std::net::TcpStream::connect(ingest.address())?;
//! #     write!(
//! #         stream,
//! #         "POST {path} HTTP/1.1\r\nHost: ingest\r\nX-API-KEY: test-key-1\r\nContent-Type: application/json\r\n\
//! #          Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
//! #         body.len()
//! #     )?;
//! #     let mut answer = String::new();
//! #     stream.read_to_string(&mut answer)?;
//! #     Ok(answer)
//! # }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ingest = MockIngest::builder().api_key("test-key-1").start()?;
//!
//! // What is tested sends its events to `ingest.endpoint()`. Here, by hand:
//! let body = r#"{"payload":{"activity_type":"MCP_TOOL_CALL","source":"PRODUCT_CLOUD",
//!     "environment":"PRODUCTION","user_id":"rachel@reo.dev","user_id_type":"EMAIL",
//!     "product_id":"reoWebApp","event_id":1731000000123456789,"event_at":1731000000,
//!     "user_agent":"doc/1.0","meta":{"tool":"search","duration_ms":12.5}}}"#;
//! post(&ingest, "/api/product/usage", body)?;
//!
//! let events = ingest.wait_for_events(1, Duration::from_secs(10))?;
//! assert_eq!(events[0].tool(), Some("search"));
//! assert_eq!(events[0].user_id(), Some("rachel@reo.dev"));
//! assert!(events[0].accepted);
//! assert_eq!(ingest.violations(), Vec::<String>::new());
//! # Ok(())
//! # }
//! ```
//!
//! # Asserting on delivery
//! - [`delivered`](MockIngest::delivered) holds the events the ingest accepted; [`events`](MockIngest::events) all that
//!   arrived, once per attempt. [`duplicates`](MockIngest::duplicates) names events that were accepted more than once.
//! - [`violations`](MockIngest::violations) should be empty at the end of a test: the ingest answers a body that breaks
//!   the format with 400 and the reason, which a sender counts as rejected and goes on.
//! - Wait for something that happens, with a generous timeout, and never for a fixed time:
//!   [`wait_for_events`](MockIngest::wait_for_events) in a plain thread, its twin
//!   [`events_arrived`](MockIngest::events_arrived) in async code.
//! - An ingest that fails on one event in many is [`answer_holding`](MockIngest::answer_holding); one that sheds load is
//!   [`max_requests_per_second`](MockIngestBuilder::max_requests_per_second).
//!
//! The rules a body has to follow are in [`contract`].

mod answer;
mod check_request;
pub mod contract;
mod head;
mod hidden_key;
mod http;
mod ingest;
mod rate;
mod received;
mod serve;
mod store;

pub use self::answer::Answer;
pub use self::contract::ReceivedWire;
pub use self::ingest::{MockIngest, MockIngestBuilder};
pub use self::received::{Counts, Received, ReceivedEvent, ReceivedRequest};
pub use self::store::WaitError;
pub use crate::base::manual_clock::ManualClock;
pub use crate::transport::memory::MemoryTransport;
