//! Writes one event: a JSON object, in which it remembers what came from the caller.

use std::time::Duration;

use super::buffer::JsonBuffer;
use super::cutter::Cutter;
use super::key::WireKey;
use super::value::{Captured, Content};
use super::writer::{Capture, Stop, UNSERIALIZABLE, ValueWriter};
use crate::base::panics;
use crate::base::text::sixteen_of;
use crate::ledger::Ledger;
use crate::limits::{self, Limits};
use crate::redact::{Buffers, Redactor, Span, SpanSeen};

/// What holds for every value that a logger captures.
#[derive(Debug)]
pub(crate) struct CapturePolicy {
    pub(crate) limits: Limits,
    pub(crate) redactor: Redactor,
}

/// Whether a caller's value had room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// All that the limits let through is written.
    Whole,
    /// It did not fit, and nothing is left of it.
    TooLarge,
}

/// Writes one event: a JSON object, in which it remembers where content of the caller's stands.
#[derive(Debug)]
pub(crate) struct EventWriter<'s> {
    pub(super) json: &'s mut JsonBuffer,
    pub(super) spans: &'s mut Vec<Span>,
    pub(super) policy: &'s CapturePolicy,
    /// Counts the panics of a caller's `Serialize`.
    pub(super) ledger: &'s Ledger,
    pub(super) cutter: Cutter<'s>,
    /// Where what is written is kept for the redactor.
    pub(super) buffers: &'s mut Buffers,
    pub(super) counts_at: Option<usize>,
    /// The most bytes of a call's values, on a wire that limits them: fewer when an event is written again.
    value_bytes: usize,
}

/// A length to go back to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    json: usize,
    spans: usize,
}

impl<'s> EventWriter<'s> {
    /// Writes behind what `json` holds, and adds to `spans`.
    #[inline]
    pub(super) fn new(
        json: &'s mut JsonBuffer,
        spans: &'s mut Vec<Span>,
        buffers: &'s mut Buffers,
        policy: &'s CapturePolicy,
        ledger: &'s Ledger,
    ) -> Self {
        Self {
            json,
            spans,
            policy,
            ledger,
            cutter: Cutter::new(&policy.redactor),
            buffers,
            counts_at: None,
            value_bytes: usize::MAX,
        }
    }

    /// The length so far, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.json.len()
    }

    pub(crate) const fn value_bytes(&self) -> usize {
        self.value_bytes
    }

    pub(crate) const fn set_value_bytes(&mut self, bytes: usize) {
        self.value_bytes = bytes;
    }

    pub(crate) fn limits(&self) -> &'s Limits {
        &self.policy.limits
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark {
            json: self.json.len(),
            spans: self.spans.len(),
        }
    }

    /// Removes what was written since `mark`.
    pub(crate) fn rewind(&mut self, mark: Mark) {
        self.json.truncate(mark.json);
        self.spans.truncate(mark.spans);
    }

    /// What was written from `start` on came from the caller.
    #[inline(always)]
    fn span(&mut self, start: usize, seen: SpanSeen) {
        let end = self.json.len();
        self.spans.push(Span { start, end, seen });
    }

    #[inline(always)]
    pub(crate) fn raw(&mut self, json: &str) {
        self.json.raw(json.as_bytes());
    }

    /// Ends the object whose members were written since the length was `start`. A comma stands in
    /// front of each member; the opening brace takes the place of the first one's.
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

    /// As [`key`](Self::key), for a name of ours that the compiler does not know.
    fn named(&mut self, name: &str) {
        self.json.raw(b",\"");
        self.json.short(name.as_bytes());
        self.json.raw(b"\":");
    }

    /// Writes a text that is not redacted: an id, a word of ours, the identity the caller chose to
    /// send.
    #[inline(always)]
    pub(crate) fn exact(&mut self, key: WireKey, text: &str) {
        self.key(key);
        self.json.string(text);
    }

    /// As [`exact`](Self::exact), for hexadecimal digits and hyphens, none of which needs an escape.
    #[inline(always)]
    pub(crate) fn digits(&mut self, key: WireKey, digits: &[u8]) {
        self.key(key);
        self.json.push(b'"');
        self.json.short(digits);
        self.json.push(b'"');
    }

    /// Writes a member that is not redacted, since it was before.
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
            self.span(start, SpanSeen::Unseen);
        }
    }

    /// Writes a short text of the caller's as an item of a list.
    pub(crate) fn item(&mut self, text: &str) {
        let start = self.json.len();
        let seen = if self.known_item(text) {
            SpanSeen::Quiet
        } else {
            self.cutter.write(self.json, text, limits::MAX_NAME_CHARS);
            SpanSeen::Unseen
        };
        self.span(start, seen);
    }

    /// Writes a text if it is one that had nothing in it before, as the names and versions of clients are: of an event
    /// with four, 1 100 instructions less.
    #[inline(always)]
    fn known_item(&mut self, text: &str) -> bool {
        let len = text.len();
        if len >= 16 {
            return false;
        }
        let sixteen = sixteen_of(text.as_bytes());
        let is_known = self.policy.redactor.knows(self.buffers, sixteen, len);
        if is_known {
            self.json.short_string(sixteen, len, b"\"");
        }
        is_known
    }

    /// Writes the name of a tool. A server's own names are no personal data, whatever they look like, and
    /// two tools must stay two. A name that no tool has is a client's text: keys and tokens in it are hidden.
    #[inline(always)]
    pub(crate) fn tool(&mut self, key: WireKey, name: &str, is_unknown: bool) {
        self.key(key);
        self.host_name(name, is_unknown);
    }

    #[inline(always)]
    fn host_name(&mut self, name: &str, is_unknown: bool) {
        if is_unknown {
            self.made_up_name(name);
        } else {
            Cutter::write_exact(self.json, name, limits::MAX_NAME_CHARS);
        }
    }

    /// Writes the name of a tool that the server has, as an item of a list.
    pub(crate) fn tool_item(&mut self, name: &str) {
        Cutter::write_exact(self.json, name, limits::MAX_NAME_CHARS);
    }

    #[cold]
    fn made_up_name(&mut self, name: &str) {
        let secrets = self.policy.redactor.of_secrets();
        let mut cutter = Cutter::new(&secrets);
        cutter.write_fitting(self.json, name, limits::MAX_NAME_CHARS);
        if let Some(counts) = &cutter.counts {
            self.cutter.counts.get_or_insert_default().merge(counts);
        }
        self.cutter.failed |= cutter.failed;
    }

    /// Writes a name, an id or another short text of the caller's, unless it is absent or empty.
    #[inline(always)]
    pub(crate) fn name(&mut self, key: WireKey, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.key(key);
            self.item(text);
        }
    }

    /// Writes the event's own text, or else the logger's.
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

    /// As [`name`](Self::name), for a text that is not empty, under a key that the compiler does not
    /// know.
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

    /// Writes a time in milliseconds with at most two decimals, in the spelling of a float. Writing a
    /// float takes several times as long.
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

    /// Writes a value of the caller's into the room up to `end`; nothing if it does not fit, or if it
    /// is `null`: a field without a value is left out.
    pub(crate) fn content(
        &mut self,
        key: WireKey,
        content: Content<'_>,
        arguments: bool,
        end: usize,
    ) -> Written {
        let mark = self.mark();
        self.key(key);
        let start = self.json.len();
        let capture = Capture::Value { arguments };
        let (written, _) = self.value(content, capture, end, mark);
        if self.written_since(start) == b"null" {
            self.rewind(mark);
        }
        written
    }

    /// What was written since the length was `start`.
    pub(crate) fn written_since(&self, start: usize) -> &[u8] {
        self.json.as_bytes().get(start..).unwrap_or_default()
    }

    /// Counts a value that was left out because it is not well formed.
    pub(crate) fn count_left_out(&self) {
        self.ledger.leave_out(1);
    }

    /// Writes a value under one of our own names that the compiler does not know.
    pub(crate) fn own_member(&mut self, name: &str, content: Content<'_>) -> Written {
        let mark = self.mark();
        self.named(name);
        let capture = Capture::Value { arguments: false };
        self.value(content, capture, usize::MAX, mark).0
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

    /// Writes a member under a name of the caller's. The redactor judges the value by that name.
    pub(crate) fn member(&mut self, name: &str, content: Content<'_>, end: usize) -> Written {
        let mark = self.mark();
        self.json.push(b',');
        let start = self.json.len();
        self.cutter.write(self.json, name, limits::MAX_NAME_CHARS);
        self.json.push(b':');
        if let Some(host) = content.host_name() {
            self.host_name(host.name, host.is_unknown);
            return Written::Whole;
        }
        let spans = self.spans.len();
        let written = self
            .value(content, Capture::Value { arguments: false }, end, mark)
            .0;
        if written == Written::Whole {
            // One span for name and value, in place of the value's own.
            self.spans.truncate(spans);
            self.span(start, SpanSeen::Unseen);
        }
        written
    }

    /// Writes a value into the room up to `end`; if it does not fit, goes back to `mark`. Returns the
    /// number of its members too, which is known only of a value that was serialized here.
    pub(super) fn value(
        &mut self,
        content: Content<'_>,
        capture: Capture,
        end: usize,
        mark: Mark,
    ) -> (Written, usize) {
        let start = self.json.len();
        let counts = self.cutter.counts.clone();
        let captured = content.captured();
        if let Some(captured) = captured {
            if let Some(counts) = &captured.counts {
                self.cutter.counts.get_or_insert_default().merge(counts);
            }
            self.cutter.failed |= captured.failed;
        }
        let mut seen = SpanSeen::Unseen;
        let (written, members) = match captured {
            Some(Captured { json, kept, .. }) if capture != Capture::NamesOnly => {
                let fits = start + json.len() <= end;
                if fits {
                    self.json.raw(json.as_bytes());
                    seen = self.policy.redactor.append(self.buffers, kept, start);
                }
                (fits.then_some(()).ok_or(Stop::Room), 0)
            }
            _ => self.serialize(content, capture, end, &mut seen),
        };
        let fits = match written {
            Err(Stop::Room) => false,
            Err(Stop::Foreign) => {
                seen = SpanSeen::Unseen;
                self.json.truncate(start);
                self.raw(UNSERIALIZABLE);
                true
            }
            // What was written until the budget was spent is closed, and stands.
            Err(Stop::Budget) | Ok(()) => self.json.len() <= end,
        };
        if !fits {
            self.rewind(mark);
            self.cutter.counts = counts;
            return (Written::TooLarge, members);
        }
        // A string of its own is read whole, whatever it has.
        if self.json.as_bytes().get(start) == Some(&b'"') {
            seen = SpanSeen::Unseen;
        }
        self.span(start, seen);
        (Written::Whole, members)
    }

    /// Runs the caller's `Serialize`, and tells what was `seen` of the value; returns the number of its members too.
    fn serialize(
        &mut self,
        content: Content<'_>,
        capture: Capture,
        end: usize,
        seen: &mut SpanSeen,
    ) -> (Result<(), Stop>, usize) {
        let limits = &self.policy.limits;
        let recorder = match capture {
            Capture::Value { .. } => self.policy.redactor.recorder(self.buffers),
            Capture::NamesOnly => None,
        };
        let mut writer = ValueWriter::new(self.json, limits, &mut self.cutter, capture, end);
        writer.recorder = recorder;
        let caught = panics::catch(|| content.write(&mut writer));
        writer.close_all();
        if let Some(recorder) = &writer.recorder {
            *seen = recorder.tape.begun();
        }
        let members = writer.members();
        let written = match caught {
            _ if writer.overflowed() => Err(Stop::Room),
            Ok(written) => written,
            Err(_) => {
                self.ledger.panics(1);
                Err(Stop::Foreign)
            }
        };
        (written, members)
    }

    /// Writes a value as an object, which the receiver asks for: any other value under the key
    /// `value`, and `null` as no member at all.
    pub(crate) fn object(&mut self, key: WireKey, content: Content<'_>, end: usize) -> Written {
        let mark = self.mark();
        self.key(key);
        let start = self.json.len();
        let written = self
            .value(content, Capture::Value { arguments: true }, end, mark)
            .0;
        if written == Written::Whole && self.written_since(start) == b"null" {
            // An `Option` of arguments was `None`.
            self.spans.truncate(mark.spans);
            self.json.truncate(start);
            self.raw("{}");
        } else if written == Written::Whole && self.json.as_bytes().get(start) != Some(&b'{') {
            const BEFORE: &str = "{\"value\":";
            self.json.insert(start, BEFORE.as_bytes());
            for span in self.spans.iter_mut().skip(mark.spans) {
                // Its tokens say where it stood.
                *span = Span::from(span.start + BEFORE.len()..span.end + BEFORE.len());
            }
            self.raw("}");
        }
        written
    }

    /// Has the counts of redactions inserted here: at the end of an object that has a member.
    pub(crate) fn counts_here(&mut self) {
        self.counts_at = Some(self.json.len());
    }
}

/// A text of the logger's, for every event that has none of its own.
#[derive(Debug)]
pub(crate) struct Constant {
    pub(crate) text: String,
    /// The text as JSON if the redactor leaves it as it is, so that it is not redacted with each event.
    pub(crate) json: Option<String>,
}

impl Constant {
    pub(crate) fn new(text: String, redactor: &Redactor) -> Self {
        let stays = text.len() <= limits::MAX_NAME_CHARS && redactor.redact_str(&text) == text;
        let json = stays.then(|| serde_json::Value::from(text.as_str()).to_string());
        Self { text, json }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::capture::{EventDraft, ThreadScratch, capture_value, key};

    fn policy() -> CapturePolicy {
        CapturePolicy {
            limits: Limits::default(),
            redactor: Redactor::default(),
        }
    }

    /// The object with the members that `write` writes, as it is sent.
    fn object(write: impl FnOnce(&mut EventWriter<'_>)) -> String {
        let (policy, ledger, mut scratch) = (policy(), Ledger::default(), ThreadScratch::default());
        let mut draft = EventDraft::begin(&mut scratch, &policy, &ledger);
        write(&mut draft.writer);
        draft.writer.close_object(0);
        let json = draft.seal().unwrap();
        String::from_utf8(json.as_bytes().to_vec()).unwrap()
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
            let written = object(|w| w.milliseconds(key!("ms"), Duration::from_micros(micros)));
            assert_eq!(written, format!("{{\"ms\":{expected}}}"));
        }
    }

    #[test]
    fn what_does_not_fit_leaves_no_trace() {
        let large = "words ".repeat(100);
        let event = object(|w| {
            w.integer(key!("n"), 1);
            let end = w.len() + 50;
            assert_eq!(
                w.content(key!("value"), &large, false, end),
                Written::TooLarge
            );
            assert_eq!(w.member("bob@example.com", &large, end), Written::TooLarge);
            w.flag(key!("kept"), true);
        });
        assert_eq!(event, r#"{"n":1,"kept":true}"#);
    }

    #[test]
    fn members_are_written_one_behind_another() {
        assert_eq!(object(|_| {}), "{}");
        let written = object(|w| {
            w.exact(key!("id"), "bob@example.com");
            w.name(key!("user_id_type"), Some("mail bob@example.com"));
            w.name(key!("empty"), Some(""));
            w.name(key!("absent"), None);
            w.fact(key!("transport"), "stdio");
            w.integer(key!("n"), -7);
            w.number(key!("rate"), 0.25);
            w.flag(key!("yes"), true);
            w.flag(key!("no"), false);
            w.unchanged("given", &json!({"mail": "bob@example.com"}));
        });
        let expected = concat!(
            r#"{"id":"bob@example.com","user_id_type":"mail [REDACTED_EMAIL]","transport":"stdio","n":-7,"#,
            r#""rate":0.25,"yes":true,"no":false,"given":{"mail":"bob@example.com"}}"#
        );
        assert_eq!(written, expected);
    }

    #[test]
    fn a_tools_name_is_written_as_it_is_unless_a_client_has_made_it_up() {
        let long = "t".repeat(limits::MAX_NAME_CHARS + 1);
        let key = format!("{}_{}", "ghp", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
        let written = object(|w| {
            w.tool(key!("known"), "bob@example.com", false);
            w.tool(key!("known_key"), &key, false);
            w.tool(key!("long"), &long, false);
            w.tool(key!("unknown"), "bob@example.com", true);
            w.tool(key!("unknown_key"), &format!("call {key}"), true);
            w.tool(key!("short"), "add", true);
        });
        let expected = json!({
            "known": "bob@example.com",
            "known_key": key,
            "long": format!("{}...", "t".repeat(limits::MAX_NAME_CHARS - 3)),
            "unknown": "bob@example.com",
            "unknown_key": "call [REDACTED_KEY]",
            "short": "add",
        });
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), expected);
    }

    #[test]
    fn a_text_of_the_events_own_wins_over_the_constant() {
        let plain = Constant::new("prod".to_owned(), &Redactor::default());
        let secret = Constant::new("bob@example.com".to_owned(), &Redactor::default());
        assert!(plain.json.is_some() && secret.json.is_none());
        let written = object(|w| {
            w.text_or(key!("own"), Some("test"), Some(&plain));
            w.text_or(key!("empty"), Some(""), Some(&plain));
            w.text_or(key!("constant"), None, Some(&plain));
            w.text_or(key!("redacted"), None, Some(&secret));
            w.text_or(key!("neither"), None, None);
        });
        let expected = json!({
            "own": "test",
            "empty": "prod",
            "constant": "prod",
            "redacted": "[REDACTED_EMAIL]",
        });
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), expected);
    }

    #[test]
    fn a_value_becomes_an_object() {
        let list = json!(["a", "bob@example.com"]);
        for (value, expected) in [
            (json!({"a": 1}), json!({"a": 1})),
            (json!(null), json!({})),
            (json!(7), json!({"value": 7})),
            (list, json!({"value": ["a", "[REDACTED_EMAIL]"]})),
        ] {
            let written = object(|w| {
                let written = w.object(key!("arguments"), &value, usize::MAX);
                assert_eq!(written, Written::Whole);
            });
            let written: Value = serde_json::from_str(&written).unwrap();
            assert_eq!(written, json!({"arguments": expected}));
        }
    }

    #[test]
    fn a_value_captured_before_is_written_as_one_that_is_serialized_now() {
        let value = json!({"a": [1, "two"], "query": "q", "contact": "bob@example.com"});
        let captured = capture_value(&policy(), &value, true, &Ledger::default());
        let both: [Content<'_>; 2] = [&value, &captured];
        let [now, before] = both.map(|content| {
            object(|w| {
                let end = w.len() + 10;
                let written = w.content(key!("too_large"), content, true, end);
                assert_eq!(written, Written::TooLarge);
                let (written, members) = w.member_names(key!("names"), content, usize::MAX);
                assert_eq!((written, members), (Written::Whole, 3));
                let _ = w.content(key!("arguments"), content, true, usize::MAX);
                let _ = w.own_member("own", content);
                let _ = w.member("custom", content, usize::MAX);
            })
        });
        assert_eq!(now, before);
        assert!(now.contains(r#""names":["a","query","contact"]"#), "{now}");
    }

    #[test]
    fn a_sensitive_name_hides_its_value_unless_the_name_is_ours() {
        let written = object(|w| {
            let _ = w.member("password", &"swordfish", usize::MAX);
            let _ = w.own_member("session_id", &"abc");
        });
        assert!(!written.contains("swordfish"), "{written}");
        assert!(written.ends_with(r#""session_id":"abc"}"#), "{written}");
    }
}
