//! A caller's value: still to be serialized, or captured before its event.

use serde::ser::Serialize;

use super::buffer::JsonBuffer;
use super::raw_json;
use super::scratch;
use super::writer::{Stop, UNSERIALIZABLE, Writer};
use crate::redact::Counts;

/// A value that was captured before the event it becomes part of: JSON within the limits, not yet
/// redacted but for what was cut.
#[derive(Debug)]
pub(crate) struct Captured {
    pub(super) json: JsonBuffer,
    /// What the redactor found in texts that were cut. Boxed, since most values have none.
    pub(super) counts: Option<Box<Counts>>,
    /// A rule failed on a text that was cut, so the event must not be sent.
    pub(super) failed: bool,
}

impl Value for Captured {
    fn write(&self, writer: &mut Writer<'_, '_>) -> Result<(), Stop> {
        // `JsonBuffer` was given UTF-8 alone.
        raw_json::write(
            writer,
            str::from_utf8(self.json.as_bytes()).unwrap_or(UNSERIALIZABLE),
        )
    }

    fn captured(&self) -> Option<&Captured> {
        Some(self)
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        scratch::keep_spare(std::mem::take(&mut self.json));
    }
}

/// A caller's value, with its type erased: the writer is one concrete type, so this is object-safe.
pub(crate) trait Value {
    fn write(&self, writer: &mut Writer<'_, '_>) -> Result<(), Stop>;

    /// The value itself, if it was captured before.
    fn captured(&self) -> Option<&Captured> {
        None
    }
}

impl<T: Serialize + ?Sized> Value for T {
    fn write(&self, writer: &mut Writer<'_, '_>) -> Result<(), Stop> {
        self.serialize(writer)
    }
}

/// A borrowed value of a caller's. `Sync`, so that an event may be held across an `await`.
pub(crate) type Content<'a> = &'a (dyn Value + Sync);
