//! Finds secrets and personal data in strings and JSON, and puts marks in their place.
//!
//! The same redactor works on every event before it is queued. It also works on its own, on any text:
//!
//! ```
//! use mcp_usage::redact_str;
//!
//! let text = redact_str("ask rachel@example.com, password: hunter2");
//! assert_eq!(text, "ask [REDACTED_EMAIL], password: [REDACTED_FIELD]");
//! ```
//!
//! Strings without a finding keep their bytes exactly, and a second pass over a redacted text changes nothing.

mod builder;
mod catalogue;
mod class;
mod engine;
mod find;
mod judge;
mod kind;
mod read;
mod redactor;
mod rule_set;
mod seal;

pub use self::builder::{RedactorBuilder, RedactorError};
pub use self::class::Class;
pub(crate) use self::class::Counts;
pub(crate) use self::engine::Buffers;
pub(crate) use self::engine::memo::PLACES as KNOWN_NAMES;
pub(crate) use self::engine::span::{Span, SpanSeen};
pub(crate) use self::engine::tape::{Kept, Recorder};
pub(crate) use self::read::masks::{Prose, Seen};
pub use self::redactor::{Redactor, redact_str, redact_value};
pub(crate) use self::rule_set::RuleFailed;
pub(crate) use self::seal::{Draft, RedactedJson};

#[cfg(test)]
mod tests;
