//! Tools for tests of code that reports usage: a mock ingest to send to.
//!
//! [`MockIngest`] is a real HTTP/1.1 server on loopback. It runs on its own thread, so it works in async and in plain
//! tests. It checks what it receives against the wire formats, keeps it for assertions, and plays scripted [`Answer`]s,
//! faults included.
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
//! // The code under test sends its events to `ingest.endpoint()`. Here, by hand:
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
//! - [`delivered`](MockIngest::delivered) returns the events that the ingest accepted, and [`events`](MockIngest::events) all
//!   that arrived, once per attempt. [`duplicates`](MockIngest::duplicates) returns the ids that were accepted more than
//!   once.
//! - [`violations`](MockIngest::violations) should be empty at the end of a test. The ingest answers a body that breaks the
//!   format with 400 and the reason; the sender only counts it as rejected.
//! - Wait for an event with a generous timeout, and never for a fixed time: with
//!   [`wait_for_events`](MockIngest::wait_for_events) in a plain thread, or with
//!   [`events_arrived`](MockIngest::events_arrived) in async code.
//! - Use [`answer_holding`](MockIngest::answer_holding) for an ingest that fails on single events, and
//!   [`max_requests_per_second`](MockIngestBuilder::max_requests_per_second) for one that sheds load.
//!
//! The rules that a body must follow are in [`contract`].

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
