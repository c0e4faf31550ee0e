//! A caller's value: still to be serialized, or captured before its event.

use serde::ser::Serialize;

use super::buffer::JsonBuffer;
use super::raw_json;
use super::scratch;
use super::writer::{Stop, UNSERIALIZABLE, ValueWriter};
use crate::redact::{Counts, Kept};

/// A value that was captured before the event it becomes part of: JSON within the limits, not yet
/// redacted except for what was cut.
#[derive(Debug)]
pub(crate) struct Captured {
    pub(super) json: JsonBuffer,
    /// What was kept of it for the redactor.
    pub(super) kept: Kept,
    /// What the redactor found in texts that were cut. Boxed, since most values have none.
    pub(super) counts: Option<Box<Counts>>,
    /// A rule failed on a text that was cut, so the event must not be sent.
    pub(super) failed: bool,
}

/// An outline is no longer than this: it is kept where there is no memory to charge it to.
const MAX_OUTLINE_BYTES: usize = 4 * 1024;

impl Captured {
    /// The memory it holds, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.json.capacity() + self.kept.bytes()
    }

    /// What is left of it without content: the names of an object's members, and how large each value is. Where
    /// these names are many and long, how large the whole is.
    pub(crate) fn outline(&self) -> Self {
        let json = str::from_utf8(self.json.as_bytes()).unwrap_or(UNSERIALIZABLE);
        let mut outline = JsonBuffer::new();
        if json.starts_with('{') {
            outline.push(b'{');
            for (n, (name, bytes)) in members(json).into_iter().enumerate() {
                if n > 0 {
                    outline.push(b',');
                }
                outline.raw(name.as_bytes());
                outline.push(b':');
                outline.string(&size_mark(bytes));
            }
            outline.push(b'}');
        } else {
            outline.string(&size_mark(json.len()));
        }
        if outline.len() > MAX_OUTLINE_BYTES {
            outline = JsonBuffer::new();
            outline.string(&size_mark(json.len()));
        }
        Self {
            json: outline,
            kept: Kept::default(),
            counts: None,
            failed: self.failed,
        }
    }
}

/// What stands in place of content of so many bytes.
pub(crate) fn size_mark(bytes: usize) -> String {
    format!("[{bytes} bytes]")
}

/// The members of a JSON object: each name, in its quotes, and the length of its value.
fn members(object: &str) -> Vec<(&str, usize)> {
    let mut members = Vec::new();
    let (mut depth, mut start, mut colon) = (0_u32, 1, None);
    let mut bytes = object.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => {
                // To the end of the string.
                while let Some((_, byte)) = bytes.next()
                    && byte != b'"'
                {
                    if byte == b'\\' {
                        bytes.next();
                    }
                }
            }
            b'{' | b'[' => depth += 1,
            b':' if depth == 1 => colon = Some(at),
            b',' | b'}' if depth == 1 => {
                if let Some(colon) = colon.take()
                    && let Some(name) = object.get(start..colon)
                {
                    members.push((name, at - colon - 1));
                }
                start = at + 1;
                depth -= u32::from(byte == b'}');
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    members
}

impl Value for Captured {
    fn write(&self, writer: &mut ValueWriter<'_, '_>) -> Result<(), Stop> {
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
        let kept = std::mem::take(&mut self.kept);
        scratch::keep_spare(std::mem::take(&mut self.json), kept);
    }
}

/// A caller's value, with its type erased: the writer is one concrete type, so this is object-safe.
pub(crate) trait Value {
    fn write(&self, writer: &mut ValueWriter<'_, '_>) -> Result<(), Stop>;

    /// The value itself, if it was captured before.
    fn captured(&self) -> Option<&Captured> {
        None
    }

    /// The value itself, if it is a name of the host's.
    fn host_name(&self) -> Option<&HostName<'_>> {
        None
    }
}

/// A name from the host's code, which is no personal data: the value of a member of an event's `meta`.
#[derive(Debug)]
pub(crate) struct HostName<'a> {
    pub(crate) name: &'a str,
    /// The host has nothing of this name: it is a client's text.
    pub(crate) is_unknown: bool,
}

impl Value for HostName<'_> {
    fn write(&self, writer: &mut ValueWriter<'_, '_>) -> Result<(), Stop> {
        self.name.serialize(writer)
    }

    fn host_name(&self) -> Option<&HostName<'_>> {
        Some(self)
    }
}

impl<T: Serialize + ?Sized> Value for T {
    fn write(&self, writer: &mut ValueWriter<'_, '_>) -> Result<(), Stop> {
        self.serialize(writer)
    }
}

/// A borrowed value of a caller's. `Sync`, so that an event may be held across an `await`.
pub(crate) type Content<'a> = &'a (dyn Value + Sync);

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(json: &str) -> String {
        let mut buffer = JsonBuffer::new();
        buffer.raw(json.as_bytes());
        let captured = Captured {
            json: buffer,
            kept: Kept::default(),
            counts: None,
            failed: false,
        };
        String::from_utf8(captured.outline().json.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn an_outline_has_names_and_sizes_and_no_content() {
        for (json, expected) in [
            ("{}", "{}"),
            ("7", r#""[1 bytes]""#),
            (r#"["a","b"]"#, r#""[9 bytes]""#),
            (
                r#"{"a":"x","b\"c":{"d":[1,{"e":2}]},"f":"}\\"}"#,
                r#"{"a":"[3 bytes]","b\"c":"[17 bytes]","f":"[5 bytes]"}"#,
            ),
        ] {
            assert_eq!(outline(json), expected, "{json}");
        }
    }
}
