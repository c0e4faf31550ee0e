//! Reports who uses an MCP server and how.

mod batch;
mod before_send;
mod call;
mod capture;
mod clock;
pub mod config;
mod core;
mod error;
mod event;
mod id;
mod identity;
pub mod limits;
mod logger;
mod panics;
mod queue;
mod random;
pub mod redact;
mod report;
mod retry;
mod secret;
mod stats;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;
mod wire;
mod worker;

pub use call::CallGuard;
pub use config::Builder;
pub use error::{BuildError, ConfirmError, DeliveryError, FlushError};
pub use event::{CallOutcome, Custom, Event, IdentityCapture, Init, IntentSource, ToolCall};
pub use identity::Identity;
pub use logger::{Confirmation, Outcome, ShutdownGuard, ShutdownReport, UsageLogger};
pub use queue::WhenFull;
pub use redact::{Redactor, redact_str, redact_value};
pub use stats::{DropReason, Dropped, Stats};
pub use wire::{Mcpeye, Wire};

/// The target of the log lines about delivery: where users of the other SDKs look.
const LOG_TARGET: &str = "reo.mcp-gateway";
