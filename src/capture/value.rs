//! What a caller hands over, and what it becomes once it is captured.

use serde::ser::Serialize;

use super::buffer::JsonBuffer;
use super::raw_json;
use super::scratch;
use super::writer::{Stop, UNSERIALIZABLE, Writer};
use crate::redact::Counts;

/// A value that was captured before the event it becomes part of: JSON within the limits.
#[derive(Debug)]
pub(crate) struct Captured {
    pub(super) json: JsonBuffer,
    /// `None`: there is none, as mostly.
    pub(super) counts: Option<Box<Counts>>,
    pub(super) failed: bool,
}

impl Value for Captured {
    fn write(&self, writer: &mut Writer<'_, '_>) -> Result<(), Stop> {
        // It was written here, as UTF-8.
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

    /// What was captured before, as it is.
    fn captured(&self) -> Option<&Captured> {
        None
    }
}

impl<T: Serialize + ?Sized> Value for T {
    fn write(&self, writer: &mut Writer<'_, '_>) -> Result<(), Stop> {
        self.serialize(writer)
    }
}

/// A caller's value, still to be serialized or captured before (`Sync`, so that events may be held
/// across an `await`).
pub(crate) type Content<'a> = &'a (dyn Value + Sync);
