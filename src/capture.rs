//! One bounded pass on the caller's thread: an event within its limits, serialized and redacted.

mod binary;
mod buffer;
mod cutter;
mod draft;
mod event_writer;
mod json_grammar;
mod key;
mod names;
mod raw_json;
mod scratch;
mod serializer;
mod text_serializer;
mod value;
mod writer;

pub(crate) use buffer::escapes;
pub(crate) use draft::{EventDraft, capture_value};
pub(crate) use event_writer::{CapturePolicy, Constant, EventWriter, Written};
pub(crate) use json_grammar::escape;
pub(crate) use key::{WireKey, key};
pub(crate) use scratch::{ThreadScratch, with_scratch};
#[cfg(feature = "rmcp")]
pub(crate) use value::HostName;
pub(crate) use value::{Captured, Content, size_mark};
