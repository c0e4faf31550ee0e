//! Reports who uses an MCP server and how.
//!
//! A [`UsageLogger`] takes an [`IdentityCapture`] at login and a [`ToolCall`] per tool call, redacts
//! them, queues them within hard bounds, and delivers them in the background to an ingest.
//!
//! ```text
//! log_usage ─► capture + redact ─► queue ─► frame ─► retry ─► transport ─► ingest
//! └─ caller's thread, never waits ─┘       └──── one background thread ────┘
//!      every event ends once: delivered, or dropped with a reason and counted
//! ```
//!
//! The [`guide`] has a page for each question, from [getting started](guide::getting_started) to
//! [each line of the log with its cause](guide::troubleshooting). The other modules are [`config`], [`doctor`],
//! [`intent`], [`limits`], [`redact`], and those of the [features](#features).
//!
//! # Example
//!
//! ```
//! use mcp_usage::{Identity, IdentityCapture, ToolCall, UsageLogger};
//! use std::time::Duration;
//! # let ingest = mcp_usage::testing::MockIngest::start()?;
//!
//! let usage = UsageLogger::builder()
//!     .api_key("test-key-1") // by default from REO_API_KEY
//!     .product_id("reoWebApp")
//! #   .env(|_| None)
//! #   .endpoint(ingest.endpoint())
//!     .build()?;
//!
//! let rachel = Identity::email("rachel@example.com");
//! usage.log_usage(IdentityCapture::new(&rachel));
//! usage.log_usage(
//!     ToolCall::new("search")
//!         .identity(&rachel)
//!         .arguments(&serde_json::json!({"query": "ruby on rails"}))
//!         .duration(Duration::from_millis(12)),
//! );
//!
//! let report = usage.shutdown_blocking(Duration::from_secs(5));
//! assert_eq!(report.pending, 0);
//! # assert_eq!(report.stats.delivered, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A server on the official Rust SDK needs only one line; see the module [`rmcp`].
//!
//! # What is promised
//!
//! - [`log_usage`](UsageLogger::log_usage) never blocks, never panics and does no I/O. Its cost is bounded whatever
//!   the size of the event, because a value is not read beyond the [`limits`].
//! - Nothing unredacted is queued. If a redaction rule fails, the event is dropped.
//! - Every event is counted as delivered, as pending, or as dropped for a reason: see [`Stats`]. Memory is bounded in
//!   bytes.
//! - The API key is sent to the configured origin and nowhere else, and never appears in `Debug` output, log lines or
//!   errors. Nothing is written to stdout, because a stdio server uses it for the protocol.
//! - An ingest that fails, is slow, never answers or answers nonsense does not affect the host.
//!
//! What is *not* promised: that an event was delivered, unless
//! [`log_usage_confirmed`](UsageLogger::log_usage_confirmed) or [`shutdown`](UsageLogger::shutdown) says so; and that
//! it was delivered only once, because the ingest's answer can be lost. A repeated event keeps its id.
//!
//! # Runtimes
//!
//! The worker runs on its own thread with its own runtime, which the first event starts, so the host may use tokio,
//! another runtime, or none. Every wait has an async form and a blocking form, and ends at its deadline whatever the
//! worker is doing. The names of the crate's threads begin with `mcp-usage`, and [`is_own_thread`] is true on them.
//!
//! # Features
//!
//! - `rmcp`: the module [`rmcp`], one line that instruments a server on the official Rust SDK.
//! - `stdio`: the module [`stdio`], which reads the tool calls of any MCP server over a pair of byte streams.
//! - `tower`: the module [`tower`], a layer that reads the tool calls of any MCP server over HTTP.
//! - `testing`: the module [`testing`], a mock ingest over real HTTP, an in-memory transport and a manual
//!   clock, for tests of servers that embed the crate.
//! - `pseudonyms`: [`Builder::pseudonyms`] sends keyed hashes in place of user ids and e-mail addresses, so that people
//!   can be counted without being named. See the module [`pseudonym`].
//! - `gzip`: `Builder::gzip`, compressed requests on the batch wires.
//! - `http2`: HTTP/2, if the ingest offers it in the TLS handshake.
//! - `bundled-roots`: `Builder::bundled_roots`, Mozilla's TLS roots in place of the system's.
//! - `spool`: [`Builder::spool`] also keeps queued events on disk until the ingest has confirmed them, through restarts
//!   and long outages. See the module [`spool`].
//!
//! # Foreign types
//!
//! [`serde_json::Value`] in [`Builder::meta`] and [`Builder::before_send`], and
//! `reqwest::ClientBuilder` in [`Builder::http_client`]: a new major version of either crate requires a new major version
//! of this crate.

#![cfg_attr(docsrs, feature(doc_cfg))]
// What only some features use is compiled in all builds, so that no `cfg` cuts through the modules. Code
// that nothing uses shows in a build with all features.
#![cfg_attr(
    not(all(
        feature = "rmcp",
        feature = "spool",
        feature = "stdio",
        feature = "tower"
    )),
    allow(
        dead_code,
        unreachable_pub,
        unused_imports,
        reason = "used by the features alone"
    )
)]

mod base;
mod capture;
pub mod config;
mod delivery;
pub mod doctor;
mod error;
mod event;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod guide;
mod hooks;
mod ledger;
pub mod limits;
mod logger;
mod mcp;
#[cfg(any(feature = "stdio", feature = "tower"))]
mod observe;
#[cfg(feature = "pseudonyms")]
pub mod pseudonym;
mod queue;
pub mod redact;
#[cfg(feature = "rmcp")]
pub mod rmcp;
#[cfg(feature = "spool")]
pub mod spool;
#[cfg(feature = "stdio")]
pub mod stdio;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tower")]
pub mod tower;
mod transport;
mod wire;

pub use base::log::LOG_TARGET;
pub use base::threads::is_own_thread;
pub use config::{Builder, Confirm, Destination};
pub use delivery::{Forgotten, ShutdownReport};
pub use error::{BuildError, ConfirmError, DeliveryError, FlushError};
pub use event::{
    AuthRejected, AuthRejection, CallOutcome, Caller, ClientClass, Custom, Era, Event, Identity,
    IdentityCapture, Init, IntentSource, Session, ToolCall,
};
pub use ledger::{DestinationReport, DropReason, Dropped, Outcome, Stats};
pub use logger::{
    CallGuard, Confirmation, DestinationHandle, FORGET_TIMEOUT, LOGIN_MEMORY, MAX_LOGINS, Recorded,
    ShutdownGuard, UsageLogger,
};
pub use mcp::arguments::Arguments;
pub use mcp::intent;
pub use queue::WhenFull;
pub use redact::{Redactor, redact_str, redact_value};
pub use wire::{Mcpeye, Otlp, PostHog, SessionIds, Wire};
#[cfg(feature = "spool")]
pub use {error::SpoolError, spool::Spool};

/// The README's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
