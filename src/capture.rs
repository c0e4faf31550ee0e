//! One bounded pass on the caller's thread: an event within its limits, serialized and redacted.

mod binary;
mod json;
mod out;
mod text;

use std::cell::Cell;
use std::ops::Range;
use std::time::Duration;

pub(crate) use json::Value;
use json::{Cutter, Stop, Take, UNSERIALIZABLE, Writer};
use out::Out;

use crate::config::Constant;
use crate::event::Content;
use crate::limits::{self, Limits};
use crate::panics;
use crate::redact::{Counts, Draft, RedactedJson, Redactor};
use crate::stats::DropReason;

/// What a thread reuses from event to event, so that logging one allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    draft: Out,
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
    static SPARE: Cell<Out> = const { Cell::new(Out::new()) };
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

/// A member's name as it is written: behind a comma, quoted, with a colon. Made by [`key!`], so that
/// it is stored in one go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key(pub(crate) &'static str);

impl Key {
    pub(crate) fn name(self) -> &'static str {
        self.0.trim_matches([',', '"', ':'])
    }
}

/// The [`Key`] of one of our own names, which need no escaping.
macro_rules! key {
    ($name:literal) => {
        $crate::capture::Key(concat!(",\"", $name, "\":"))
    };
}
pub(crate) use key;

/// Writes one event: a JSON object, in which it remembers what came from the caller.
#[derive(Debug)]
pub(crate) struct EventWriter<'s> {
    json: &'s mut Out,
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
    pub(crate) fn key(&mut self, key: Key) {
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
    pub(crate) fn exact(&mut self, key: Key, text: &str) {
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
    pub(crate) fn text(&mut self, key: Key, text: &str, most: usize) {
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
    pub(crate) fn name(&mut self, key: Key, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.key(key);
            self.item(text);
        }
    }

    /// Writes the event's text, or else the logger's.
    #[inline(always)]
    pub(crate) fn text_or(&mut self, key: Key, own: Option<&str>, constant: Option<&Constant>) {
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
    pub(crate) fn fact(&mut self, key: Key, text: &str) {
        self.json.short(key.0.as_bytes());
        self.item(text);
    }

    #[inline(always)]
    pub(crate) fn integer(&mut self, key: Key, integer: impl itoa::Integer) {
        self.key(key);
        let mut digits = itoa::Buffer::new();
        self.json.short(digits.format(integer).as_bytes());
    }

    pub(crate) fn number(&mut self, key: Key, number: f64) {
        self.key(key);
        // Writing a number into memory cannot fail.
        let _ = serde_json::to_writer(&mut *self.json, &number);
    }

    /// Writes a time in milliseconds with at most two decimals, as a float would be spelled, which
    /// takes several times as long.
    pub(crate) fn milliseconds(&mut self, key: Key, duration: Duration) {
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
    pub(crate) fn flag(&mut self, key: Key, flag: bool) {
        self.key(key);
        self.raw(if flag { "true" } else { "false" });
    }

    /// Writes a value of the caller's into the room up to `end`; if it does not fit, nothing.
    pub(crate) fn content(
        &mut self,
        key: Key,
        content: Content<'_>,
        arguments: bool,
        end: usize,
    ) -> Written {
        let mark = self.mark();
        self.key(key);
        self.value(content, Take::Value { arguments }, end, mark).0
    }

    /// Writes a value under one of our own names that is not known when this is compiled.
    pub(crate) fn own_member(&mut self, name: &str, content: Content<'_>) -> Written {
        let mark = self.mark();
        self.named(name);
        let take = Take::Value { arguments: false };
        self.value(content, take, usize::MAX, mark).0
    }

    /// Writes the names of an object's members as a list; returns how many there are.
    pub(crate) fn member_names(
        &mut self,
        key: Key,
        content: Content<'_>,
        end: usize,
    ) -> (Written, usize) {
        let mark = self.mark();
        self.key(key);
        self.value(content, Take::Keys, end, mark)
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
        content: Content<'_>,
        take: Take,
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
            Some(Captured { json, .. }) if take != Take::Keys => {
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
    pub(crate) fn object(&mut self, key: Key, content: Content<'_>, end: usize) -> Written {
        let mark = self.mark();
        self.key(key);
        let start = self.json.len();
        let written = self
            .value(content, Take::Value { arguments: true }, end, mark)
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
        ref cutter,
        ..
    } = writer;
    if let Err(reason) = written {
        return (Err(reason), panics);
    }
    if cutter.failed {
        return (Err(DropReason::RedactionFailed), panics + 1);
    }
    let none = Counts::default();
    let draft = Draft {
        json: writer.json.as_bytes(),
        spans: writer.spans,
        counts_at,
        counts: cutter.counts.as_ref().unwrap_or(&none),
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
    json: Out,
    /// `None`: there is none, as mostly.
    counts: Option<Box<Counts>>,
    failed: bool,
}

impl Value for Captured {
    fn write(&self, writer: &mut Writer<'_, '_>) -> Result<(), Stop> {
        // It was written here, as UTF-8.
        text::write(
            writer,
            str::from_utf8(self.json.as_bytes()).unwrap_or(UNSERIALIZABLE),
        )
    }

    fn captured(&self) -> Option<&Captured> {
        Some(self)
    }
}

/// Captures a value on its own, for what must outlive its source. It is redacted with its event.
pub(crate) fn capture_value(
    rules: &Rules,
    content: Content<'_>,
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
        json.raw(UNSERIALIZABLE.as_bytes());
    }
    let captured = Captured {
        json,
        counts: counts.map(Box::new),
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
    fn milliseconds_have_at_most_two_decimals() {
        for (micros, expected) in [
            (0, "0.0"),
            (4, "0.0"),
            (5, "0.01"),
            (930, "0.93"),
            (12_000, "12.0"),
            (999_995, "1000.0"),
            (5_072_524, "5072.52"),
            (5_072_525, "5072.53"),
            (u64::from(u32::MAX), "4294967.3"),
        ] {
            let written = captured(&mut Scratch::default(), |w| {
                let start = w.len();
                w.milliseconds(key!("ms"), Duration::from_micros(micros));
                w.close_object(start);
                Ok(())
            });
            assert_eq!(written.unwrap(), format!("{{\"ms\":{expected}}}"));
        }
    }

    #[test]
    fn a_scratch_is_taken_so_that_a_call_within_a_call_gets_its_own() {
        with_scratch(|outer| {
            outer.draft.raw(b"outer");
            with_scratch(|inner| {
                assert!(inner.draft.as_bytes().is_empty());
                inner.draft.raw(b"inner");
            });
            assert_eq!(outer.draft.as_bytes(), b"outer");
        });
        // What comes next gets one of the two, with its memory.
        with_scratch(|next| assert!(next.draft.capacity() >= 5));
    }

    #[test]
    fn a_scratch_that_has_grown_large_is_given_back() {
        with_scratch(|scratch| scratch.draft.raw(&vec![0; MAX_KEPT_BYTES]));
        with_scratch(|scratch| assert!(scratch.draft.capacity() <= MAX_KEPT_BYTES));
    }

    #[test]
    fn a_scratch_carries_nothing_from_one_event_to_the_next() {
        let mut scratch = Scratch::default();
        let first = captured(&mut scratch, |w| {
            let start = w.len();
            w.text(key!("a"), "mail bob@example.com", 100);
            w.close_object(start);
            Ok(())
        });
        assert_eq!(first.unwrap(), r#"{"a":"mail [REDACTED_EMAIL]"}"#);
        let failed = captured(&mut scratch, |w| {
            w.raw("{\"half");
            Err(DropReason::MissingField)
        });
        assert_eq!(failed, Err(DropReason::MissingField));
        let second = captured(&mut scratch, |w| {
            let start = w.len();
            w.integer(key!("n"), 1);
            w.close_object(start);
            Ok(())
        });
        assert_eq!(second.unwrap(), r#"{"n":1}"#);
    }

    #[test]
    fn what_does_not_fit_leaves_no_trace() {
        let mut scratch = Scratch::default();
        let large = "words ".repeat(100);
        let event = captured(&mut scratch, |w| {
            let start = w.len();
            w.integer(key!("n"), 1);
            let end = w.len() + 50;
            assert_eq!(
                w.content(key!("value"), &large, false, end),
                Written::TooLarge
            );
            assert_eq!(w.member("bob@example.com", &large, end), Written::TooLarge);
            w.flag(key!("kept"), true);
            w.close_object(start);
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
            let start = w.len();
            w.key(key!("list"));
            w.raw("[");
            for (n, mail) in mails.split_inclusive(' ').enumerate() {
                if n > 0 {
                    w.raw(",");
                }
                w.item(mail);
            }
            w.raw("]");
            w.close_object(start);
            Ok(())
        });
        assert_eq!(event, Err(DropReason::TooLarge));
    }
}
