//! One bounded pass on the caller's thread: an event within its limits, serialized and redacted.

mod binary;
mod json;
mod text;

use std::cell::Cell;
use std::ops::Range;

pub(crate) use json::Value;
use json::{Cutter, Stop, Take, UNSERIALIZABLE, Writer};

use crate::event::Content;
use crate::limits::{self, Limits};
use crate::panics;
use crate::redact::{Counts, Draft, RedactedJson, Redactor};
use crate::stats::DropReason;

/// What a thread reuses from event to event, so that logging one allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    draft: Vec<u8>,
    spans: Vec<Range<usize>>,
    redacted: Vec<u8>,
}

/// A scratch that has grown beyond this is given back to the system.
const MAX_KEPT_BYTES: usize = 512 * 1024;

/// The memory of a captured value is kept up to this: calls with large arguments are rare, and may
/// be open for long.
const MAX_SPARE_BYTES: usize = 32 * 1024;

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
    /// The memory of a captured value that is done with, for the next one.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends `f` the thread's scratch. It is taken, not borrowed: a caller's `Serialize` that logs an
/// event of its own gets a fresh one, and so does a thread that is ending.
pub(crate) fn with_scratch<R>(f: impl FnOnce(&mut Scratch) -> R) -> R {
    let mut scratch = SCRATCH
        .try_with(Cell::take)
        .ok()
        .flatten()
        .unwrap_or_default();
    let result = f(&mut scratch);
    if scratch.draft.capacity() + scratch.redacted.capacity() <= MAX_KEPT_BYTES {
        let _ = SCRATCH.try_with(|cell| cell.set(Some(scratch)));
    }
    result
}

/// What capturing needs to know of its logger.
#[derive(Debug)]
pub(crate) struct Rules {
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
    json: &'s mut Vec<u8>,
    spans: &'s mut Vec<Range<usize>>,
    rules: &'s Rules,
    cutter: Cutter<'s>,
    counts_at: Option<usize>,
    panics: u64,
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

    pub(crate) fn rules(&self) -> &'s Rules {
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

    pub(crate) fn raw(&mut self, json: &str) {
        self.json.extend_from_slice(json.as_bytes());
    }

    /// Begins a member whose name is one of our own, which needs no escaping.
    pub(crate) fn key(&mut self, name: &str) {
        let first = matches!(self.json.last(), None | Some(b'{'));
        self.raw(if first { "\"" } else { ",\"" });
        self.raw(name);
        self.raw("\":");
    }

    /// Writes what is sent as it is: ids, and the identity the caller chose to send.
    pub(crate) fn exact(&mut self, name: &str, text: &str) {
        self.key(name);
        json::escaped(self.json, text);
    }

    /// Writes a member that was checked before, as it is.
    pub(crate) fn unchanged(&mut self, name: &str, value: &serde_json::Value) {
        self.key(name);
        // Writing into memory cannot fail, and a tree has only string keys.
        let _ = serde_json::to_writer(&mut *self.json, value);
    }

    /// Writes a text of the caller's, redacted, of at most `most` characters.
    pub(crate) fn text(&mut self, name: &str, text: &str, most: usize) {
        self.key(name);
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
    pub(crate) fn name(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.key(name);
            self.item(text);
        }
    }

    pub(crate) fn number(&mut self, name: &str, number: impl serde::Serialize) {
        self.key(name);
        // Writing a number into memory cannot fail.
        let _ = serde_json::to_writer(&mut *self.json, &number);
    }

    pub(crate) fn flag(&mut self, name: &str, flag: bool) {
        self.key(name);
        self.raw(if flag { "true" } else { "false" });
    }

    /// Writes a value of the caller's into the room up to `end`; if it does not fit, nothing.
    pub(crate) fn content(
        &mut self,
        name: &str,
        content: &Content<'_>,
        arguments: bool,
        end: usize,
    ) -> Written {
        let mark = self.mark();
        self.key(name);
        self.value(content, Take::Value { arguments }, end, mark).0
    }

    /// Writes the names of an object's members as a list; returns how many there are.
    pub(crate) fn member_names(
        &mut self,
        name: &str,
        content: &Content<'_>,
        end: usize,
    ) -> (Written, usize) {
        let mark = self.mark();
        self.key(name);
        self.value(content, Take::Keys, end, mark)
    }

    /// Writes a custom member; under a sensitive name only what says nothing stays.
    pub(crate) fn member(&mut self, name: &str, content: &Content<'_>, end: usize) -> Written {
        let mark = self.mark();
        if !matches!(self.json.last(), None | Some(b'{')) {
            self.json.push(b',');
        }
        let start = self.json.len();
        self.cutter.write(self.json, name, limits::MAX_NAME_CHARS);
        self.json.push(b':');
        let spans = self.spans.len();
        let written = self
            .value(content, Take::Value { arguments: false }, end, mark)
            .0;
        if written == Written::Whole {
            // The member as a whole: the redactor judges a value by its name.
            self.spans.truncate(spans);
            self.spans.push(start..self.json.len());
        }
        written
    }

    fn value(
        &mut self,
        content: &Content<'_>,
        take: Take,
        end: usize,
        mark: Mark,
    ) -> (Written, usize) {
        let start = self.json.len();
        let counts = self.cutter.counts.clone();
        let mut members = 0;
        let stop = match content {
            Content::Captured(captured) => {
                let json = &captured.json;
                if let Some(counts) = &captured.counts {
                    self.cutter.counts.merge(counts);
                }
                self.cutter.failed |= captured.failed;
                if take == Take::Keys {
                    let mut writer =
                        Writer::new(self.json, &self.rules.limits, &mut self.cutter, take, end);
                    // It was written here, as UTF-8.
                    let json = str::from_utf8(json).unwrap_or(UNSERIALIZABLE);
                    let stop = text::write(&mut writer, json).err();
                    writer.close_all();
                    members = writer.members();
                    if writer.overflowed() {
                        Some(Stop::Room)
                    } else {
                        stop
                    }
                } else if start + json.len() > end {
                    Some(Stop::Room)
                } else {
                    self.json.extend_from_slice(json);
                    None
                }
            }
            Content::Borrowed(value) => {
                let mut writer =
                    Writer::new(self.json, &self.rules.limits, &mut self.cutter, take, end);
                let caught = panics::catch(|| value.write(&mut writer));
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
    pub(crate) fn object(&mut self, name: &str, content: &Content<'_>, end: usize) -> Written {
        let mark = self.mark();
        self.key(name);
        let start = self.json.len();
        let written = self
            .value(content, Take::Value { arguments: true }, end, mark)
            .0;
        if written == Written::Whole && self.json.get(start..) == Some(b"null") {
            // No arguments, as an `Option` says it.
            self.spans.truncate(mark.spans);
            self.json.truncate(start);
            self.raw("{}");
        } else if written == Written::Whole && self.json.get(start) != Some(&b'{') {
            const BEFORE: &str = "{\"value\":";
            self.json.splice(start..start, BEFORE.bytes());
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

/// Lets `write` write an event into the scratch, and redacts it; returns it, and the panics caught.
pub(crate) fn capture<'s>(
    scratch: &'s mut Scratch,
    rules: &Rules,
    write: impl FnOnce(&mut EventWriter<'_>) -> Result<(), DropReason>,
) -> (Result<RedactedJson<'s>, DropReason>, u64) {
    scratch.draft.clear();
    scratch.spans.clear();
    let mut writer = EventWriter {
        json: &mut scratch.draft,
        spans: &mut scratch.spans,
        rules,
        cutter: Cutter::new(&rules.redactor),
        counts_at: None,
        panics: 0,
    };
    let written = write(&mut writer);
    let EventWriter {
        counts_at,
        panics,
        cutter: Cutter { counts, failed, .. },
        ..
    } = writer;
    if let Err(reason) = written {
        return (Err(reason), panics);
    }
    if failed {
        return (Err(DropReason::RedactionFailed), panics + 1);
    }
    let draft = Draft {
        json: &scratch.draft,
        spans: &scratch.spans,
        counts_at,
        counts: &counts,
    };
    match rules.redactor.seal(draft, &mut scratch.redacted) {
        // A mark may be longer than what it hides, so the size is judged now.
        Ok(json) if json.as_bytes().len() > limits::MAX_EVENT_BYTES => {
            (Err(DropReason::TooLarge), panics)
        }
        Ok(json) => (Ok(json), panics),
        Err(_) => (Err(DropReason::RedactionFailed), panics + 1),
    }
}

/// A value that was captured before the event it becomes part of: JSON within the limits.
#[derive(Debug)]
pub(crate) struct Captured {
    json: Vec<u8>,
    /// `None`: there is none, as mostly.
    counts: Option<Box<Counts>>,
    failed: bool,
}

/// Captures a value on its own, for what must outlive its source. It is redacted with its event.
pub(crate) fn capture_value(
    rules: &Rules,
    content: &Content<'_>,
    arguments: bool,
) -> (Captured, u64) {
    let mut json = SPARE.try_with(Cell::take).unwrap_or_default();
    json.clear();
    let mut writer = EventWriter {
        json: &mut json,
        spans: &mut Vec::new(),
        rules,
        cutter: Cutter::new(&rules.redactor),
        counts_at: None,
        panics: 0,
    };
    let mark = writer.mark();
    let take = Take::Value { arguments };
    let (written, _) = writer.value(content, take, limits::MAX_EVENT_BYTES, mark);
    let EventWriter {
        panics,
        cutter: Cutter { counts, failed, .. },
        ..
    } = writer;
    if written == Written::TooLarge {
        json.extend_from_slice(UNSERIALIZABLE.as_bytes());
    }
    let captured = Captured {
        json,
        counts: counts.any().then(|| Box::new(counts)),
        failed,
    };
    (captured, panics)
}

impl Drop for Captured {
    fn drop(&mut self) {
        let json = std::mem::take(&mut self.json);
        if json.capacity() <= MAX_SPARE_BYTES {
            let _ = SPARE.try_with(|spare| spare.set(json));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules {
            limits: Limits::default(),
            redactor: Redactor::default(),
        }
    }

    fn captured(
        scratch: &mut Scratch,
        write: impl FnOnce(&mut EventWriter<'_>) -> Result<(), DropReason>,
    ) -> Result<String, DropReason> {
        let (json, _) = capture(scratch, &rules(), write);
        json.map(|json| String::from_utf8(json.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn a_scratch_is_taken_so_that_a_call_within_a_call_gets_its_own() {
        with_scratch(|outer| {
            outer.draft.extend_from_slice(b"outer");
            with_scratch(|inner| {
                assert!(inner.draft.is_empty());
                inner.draft.extend_from_slice(b"inner");
            });
            assert_eq!(outer.draft, b"outer");
        });
        // What comes next gets one of the two, with its memory.
        with_scratch(|next| assert!(next.draft.capacity() >= 5));
    }

    #[test]
    fn a_scratch_that_has_grown_large_is_given_back() {
        with_scratch(|scratch| scratch.draft.reserve(MAX_KEPT_BYTES + 1));
        with_scratch(|scratch| assert!(scratch.draft.capacity() <= MAX_KEPT_BYTES));
    }

    #[test]
    fn a_scratch_carries_nothing_from_one_event_to_the_next() {
        let mut scratch = Scratch::default();
        let first = captured(&mut scratch, |w| {
            w.raw("{");
            w.text("a", "mail bob@example.com", 100);
            w.raw("}");
            Ok(())
        });
        assert_eq!(first.unwrap(), r#"{"a":"mail [REDACTED_EMAIL]"}"#);
        let failed = captured(&mut scratch, |w| {
            w.raw("{\"half");
            Err(DropReason::MissingField)
        });
        assert_eq!(failed, Err(DropReason::MissingField));
        let second = captured(&mut scratch, |w| {
            w.raw("{");
            w.number("n", 1);
            w.raw("}");
            Ok(())
        });
        assert_eq!(second.unwrap(), r#"{"n":1}"#);
    }

    #[test]
    fn what_does_not_fit_leaves_no_trace() {
        let mut scratch = Scratch::default();
        let large = "words ".repeat(100);
        let event = captured(&mut scratch, |w| {
            w.raw("{");
            w.number("n", 1);
            let end = w.len() + 50;
            assert_eq!(
                w.content("value", &Content::Borrowed(&large), false, end),
                Written::TooLarge
            );
            assert_eq!(
                w.member("bob@example.com", &Content::Borrowed(&large), end),
                Written::TooLarge
            );
            w.flag("kept", true);
            w.raw("}");
            Ok(())
        });
        assert_eq!(event.unwrap(), r#"{"n":1,"kept":true}"#);
    }

    #[test]
    fn an_event_is_too_large_by_what_it_is_after_redaction() {
        let mut scratch = Scratch::default();
        let mails = "a@b.co ".repeat(limits::MAX_EVENT_BYTES / 10);
        assert!(mails.len() < limits::MAX_EVENT_BYTES);
        let event = captured(&mut scratch, |w| {
            w.raw("{");
            w.key("list");
            w.raw("[");
            for (n, mail) in mails.split_inclusive(' ').enumerate() {
                if n > 0 {
                    w.raw(",");
                }
                w.item(mail);
            }
            w.raw("]}");
            Ok(())
        });
        assert_eq!(event, Err(DropReason::TooLarge));
    }
}
