//! Writes one event: a JSON object, in which it remembers what came from the caller.

use std::ops::Range;
use std::time::Duration;

use super::buffer::JsonBuffer;
use super::cutter::Cutter;
use super::key::WireKey;
use super::value::{Captured, Content};
use super::writer::{Capture, Stop, UNSERIALIZABLE, Writer};
use crate::base::panics;
use crate::limits;
use crate::limits::Limits;
use crate::redact::Redactor;

/// What capturing needs to know of its logger.
#[derive(Debug)]
pub(crate) struct CapturePolicy {
    pub(crate) limits: Limits,
    pub(crate) redactor: Redactor,
}

/// How the writing of a caller's value went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Whole,
    /// It did not fit into its room; nothing is left of it.
    TooLarge,
}

/// Writes one event: a JSON object, in which it remembers what came from the caller.
#[derive(Debug)]
pub(crate) struct EventWriter<'s> {
    pub(super) json: &'s mut JsonBuffer,
    pub(super) spans: &'s mut Vec<Range<usize>>,
    pub(super) rules: &'s CapturePolicy,
    pub(super) cutter: Cutter<'s>,
    pub(super) counts_at: Option<usize>,
    pub(super) panics: u64,
}

/// A place to go back to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    json: usize,
    spans: usize,
}

impl<'s> EventWriter<'s> {
    /// The length so far, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.json.len()
    }

    pub(crate) fn rules(&self) -> &'s CapturePolicy {
        self.rules
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark {
            json: self.json.len(),
            spans: self.spans.len(),
        }
    }

    /// Undoes what was written since `mark`.
    pub(crate) fn rewind(&mut self, mark: Mark) {
        self.json.truncate(mark.json);
        self.spans.truncate(mark.spans);
    }

    #[inline(always)]
    pub(crate) fn raw(&mut self, json: &str) {
        self.json.raw(json.as_bytes());
    }

    /// Ends the object whose members were written since the length was `start`. Each was written
    /// with a comma in front; the first one's makes place for the brace.
    pub(crate) fn close_object(&mut self, start: usize) {
        if self.json.len() == start {
            self.json.push(b'{');
        } else {
            self.json.set(start, b'{');
        }
        self.json.push(b'}');
    }

    /// Begins a member whose name is one of our own.
    #[inline(always)]
    pub(crate) fn key(&mut self, key: WireKey) {
        self.json.raw(key.0.as_bytes());
    }

    /// As [`key`](Self::key), for a name that is not known when this is compiled.
    fn named(&mut self, name: &str) {
        self.json.raw(b",\"");
        self.json.short(name.as_bytes());
        self.json.raw(b"\":");
    }

    /// Writes what is sent as it is: ids, and the identity the caller chose to send.
    #[inline(always)]
    pub(crate) fn exact(&mut self, key: WireKey, text: &str) {
        self.key(key);
        self.json.string(text);
    }

    /// Writes a member that was checked before, as it is.
    pub(crate) fn unchanged(&mut self, name: &str, value: &serde_json::Value) {
        self.named(name);
        // Writing into memory cannot fail, and a tree has only string keys.
        let _ = serde_json::to_writer(&mut *self.json, value);
    }

    /// Writes a text of the caller's, redacted, of at most `most` characters.
    pub(crate) fn text(&mut self, key: WireKey, text: &str, most: usize) {
        self.key(key);
        let start = self.json.len();
        if !self.cutter.write_fitting(self.json, text, most) {
            self.spans.push(start..self.json.len());
        }
    }

    /// Writes a name, an id or another short text of the caller's, without a name of its own.
    pub(crate) fn item(&mut self, text: &str) {
        let start = self.json.len();
        self.cutter.write(self.json, text, limits::MAX_NAME_CHARS);
        self.spans.push(start..self.json.len());
    }

    /// Writes a name, an id or another short text of the caller's, if there is one.
    #[inline(always)]
    pub(crate) fn name(&mut self, key: WireKey, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.key(key);
            self.item(text);
        }
    }

    /// Writes the event's text, or else the logger's.
    #[inline(always)]
    pub(crate) fn text_or(&mut self, key: WireKey, own: Option<&str>, constant: Option<&Constant>) {
        match (own.filter(|own| !own.is_empty()), constant) {
            (
                None,
                Some(Constant {
                    json: Some(json), ..
                }),
            ) => {
                self.key(key);
                self.json.short(json.as_bytes());
            }
            (own, constant) => self.name(key, own.or(constant.map(|constant| &*constant.text))),
        }
    }

    /// As [`name`](Self::name), for what is known to be there.
    pub(crate) fn fact(&mut self, key: WireKey, text: &str) {
        self.json.short(key.0.as_bytes());
        self.item(text);
    }

    #[inline(always)]
    pub(crate) fn integer(&mut self, key: WireKey, integer: impl itoa::Integer) {
        self.key(key);
        let mut digits = itoa::Buffer::new();
        self.json.short(digits.format(integer).as_bytes());
    }

    pub(crate) fn number(&mut self, key: WireKey, number: f64) {
        self.key(key);
        // Writing a number into memory cannot fail.
        let _ = serde_json::to_writer(&mut *self.json, &number);
    }

    /// Writes a time in milliseconds with at most two decimals, as a float would be spelled, which
    /// takes several times as long.
    pub(crate) fn milliseconds(&mut self, key: WireKey, duration: Duration) {
        let hundredths = duration.as_secs().saturating_mul(100_000);
        let hundredths =
            hundredths.saturating_add(u64::from((duration.subsec_nanos() + 5_000) / 10_000));
        self.integer(key, hundredths / 100);
        let fraction = (hundredths % 100) as u8;
        self.json.push(b'.');
        self.json.push(b'0' + fraction / 10);
        if !fraction.is_multiple_of(10) {
            self.json.push(b'0' + fraction % 10);
        }
    }

    #[inline(always)]
    pub(crate) fn flag(&mut self, key: WireKey, flag: bool) {
        self.key(key);
        self.raw(if flag { "true" } else { "false" });
    }

    /// Writes a value of the caller's into the room up to `end`; if it does not fit, nothing.
    pub(crate) fn content(
        &mut self,
        key: WireKey,
        content: Content<'_>,
        arguments: bool,
        end: usize,
    ) -> Written {
        let mark = self.mark();
        self.key(key);
        self.value(content, Capture::Value { arguments }, end, mark)
            .0
    }

    /// Writes a value under one of our own names that is not known when this is compiled.
    pub(crate) fn own_member(&mut self, name: &str, content: Content<'_>) -> Written {
        let mark = self.mark();
        self.named(name);
        let take = Capture::Value { arguments: false };
        self.value(content, take, usize::MAX, mark).0
    }

    /// Writes the names of an object's members as a list; returns how many there are.
    pub(crate) fn member_names(
        &mut self,
        key: WireKey,
        content: Content<'_>,
        end: usize,
    ) -> (Written, usize) {
        let mark = self.mark();
        self.key(key);
        self.value(content, Capture::NamesOnly, end, mark)
    }

    /// Writes a custom member; under a sensitive name only what says nothing stays.
    pub(crate) fn member(&mut self, name: &str, content: Content<'_>, end: usize) -> Written {
        let mark = self.mark();
        self.json.push(b',');
        let start = self.json.len();
        self.cutter.write(self.json, name, limits::MAX_NAME_CHARS);
        self.json.push(b':');
        let spans = self.spans.len();
        let written = self
            .value(content, Capture::Value { arguments: false }, end, mark)
            .0;
        if written == Written::Whole {
            // The member as a whole: the redactor judges a value by its name.
            self.spans.truncate(spans);
            self.spans.push(start..self.json.len());
        }
        written
    }

    pub(super) fn value(
        &mut self,
        content: Content<'_>,
        take: Capture,
        end: usize,
        mark: Mark,
    ) -> (Written, usize) {
        let start = self.json.len();
        let counts = self.cutter.counts.clone();
        let mut members = 0;
        let captured = content.captured();
        if let Some(captured) = captured {
            if let Some(counts) = &captured.counts {
                self.cutter.counts.get_or_insert_default().merge(counts);
            }
            self.cutter.failed |= captured.failed;
        }
        let stop = match captured {
            Some(Captured { json, .. }) if take != Capture::NamesOnly => {
                if start + json.len() > end {
                    Some(Stop::Room)
                } else {
                    self.json.raw(json.as_bytes());
                    None
                }
            }
            _ => {
                let mut writer =
                    Writer::new(self.json, &self.rules.limits, &mut self.cutter, take, end);
                let caught = panics::catch(|| content.write(&mut writer));
                writer.close_all();
                members = writer.members();
                let caught = if writer.overflowed() {
                    Ok(Err(Stop::Room))
                } else {
                    caught
                };
                caught
                    .unwrap_or_else(|_| {
                        self.panics += 1;
                        Err(Stop::Foreign)
                    })
                    .err()
            }
        };
        match stop {
            Some(Stop::Room) => {
                self.rewind(mark);
                self.cutter.counts = counts;
                return (Written::TooLarge, members);
            }
            Some(Stop::Foreign) => {
                self.json.truncate(start);
                self.raw(UNSERIALIZABLE);
            }
            // What a spent budget left is closed and stands.
            Some(Stop::Budget) | None => {
                if self.json.len() > end {
                    self.rewind(mark);
                    self.cutter.counts = counts;
                    return (Written::TooLarge, members);
                }
            }
        }
        self.spans.push(start..self.json.len());
        (Written::Whole, members)
    }

    /// Writes a value as the object that the receiver asks for: another one under the key `value`.
    pub(crate) fn object(&mut self, key: WireKey, content: Content<'_>, end: usize) -> Written {
        let mark = self.mark();
        self.key(key);
        let start = self.json.len();
        let written = self
            .value(content, Capture::Value { arguments: true }, end, mark)
            .0;
        if written == Written::Whole && self.json.as_bytes().get(start..) == Some(b"null") {
            // No arguments, as an `Option` says it.
            self.spans.truncate(mark.spans);
            self.json.truncate(start);
            self.raw("{}");
        } else if written == Written::Whole && self.json.as_bytes().get(start) != Some(&b'{') {
            const BEFORE: &str = "{\"value\":";
            self.json.insert(start, BEFORE.as_bytes());
            for span in self.spans.iter_mut().skip(mark.spans) {
                *span = span.start + BEFORE.len()..span.end + BEFORE.len();
            }
            self.raw("}");
        }
        written
    }

    /// Asks for the counts of redactions here: at the end of an object with at least one member.
    pub(crate) fn counts_here(&mut self) {
        self.counts_at = Some(self.json.len());
    }
}

/// A text that is the same with every event that has none of its own.
#[derive(Debug)]
pub(crate) struct Constant {
    pub(crate) text: String,
    /// It as JSON, if the redactor has nothing against it: then it is not looked at with each event.
    pub(crate) json: Option<String>,
}

impl Constant {
    pub(crate) fn new(text: String, redactor: &Redactor) -> Self {
        let stays = text.len() <= limits::MAX_NAME_CHARS && redactor.redact_str(&text) == text;
        let json = stays.then(|| serde_json::Value::from(text.as_str()).to_string());
        Self { text, json }
    }
}
