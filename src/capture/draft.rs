//! The two ends of a pass: what is begun as a draft leaves as redacted JSON, or as a captured value.

use super::event_writer::{CapturePolicy, EventWriter, Written};
use super::scratch::{self, ThreadScratch};
use super::value::{Captured, Content};
use super::writer::{Capture, UNSERIALIZABLE};
use crate::ledger::{DropReason, Ledger};
use crate::limits;
use crate::redact::{Draft, RedactedJson, SpanSeen};

/// An event that is being written into a thread's scratch.
#[derive(Debug)]
pub(crate) struct EventDraft<'s> {
    pub(crate) writer: EventWriter<'s>,
    redacted: &'s mut Vec<u8>,
}

impl<'s> EventDraft<'s> {
    /// Begins an event. A panic of the caller's code is counted in `ledger` when it is caught, and so
    /// also for an event that is given up before it is sealed.
    #[inline]
    pub(crate) fn begin(
        scratch: &'s mut ThreadScratch,
        policy: &'s CapturePolicy,
        ledger: &'s Ledger,
    ) -> Self {
        let ThreadScratch {
            json,
            spans,
            buffers,
            redacted,
        } = scratch;
        json.clear();
        spans.clear();
        buffers.tape.clear();
        let writer = EventWriter::new(json, spans, buffers, policy, ledger);
        Self { writer, redacted }
    }

    /// Redacts the event.
    #[inline]
    pub(crate) fn seal(self) -> Result<RedactedJson<'s>, DropReason> {
        let EventWriter {
            json,
            spans,
            policy,
            ledger,
            cutter,
            buffers,
            counts_at,
            ..
        } = self.writer;
        let draft = Draft {
            json: json.as_bytes(),
            spans,
            counts_at,
            counts: cutter.counts.as_ref(),
        };
        let sealed = if cutter.failed {
            None
        } else {
            let redactor = &policy.redactor;
            redactor.seal_recorded(draft, buffers, self.redacted).ok()
        };
        let Some(json) = sealed else {
            // A rule of the user's has panicked.
            ledger.panics(1);
            return Err(DropReason::RedactionFailed);
        };
        // A mark may be longer than what it hides, so the size is judged now.
        if json.as_bytes().len() > limits::MAX_EVENT_BYTES {
            return Err(DropReason::TooLarge);
        }
        Ok(json)
    }
}

/// Captures a value on its own, for what must outlive its source. It is redacted with its event.
pub(crate) fn capture_value(
    policy: &CapturePolicy,
    content: Content<'_>,
    arguments: bool,
    ledger: &Ledger,
) -> Captured {
    let (mut json, mut kept) = scratch::take_spare();
    scratch::with_scratch(|scratch| {
        let ThreadScratch { spans, buffers, .. } = scratch;
        spans.clear();
        buffers.tape.clear();
        let mut writer = EventWriter::new(&mut json, spans, buffers, policy, ledger);
        let mark = writer.mark();
        let capture = Capture::Value { arguments };
        let (written, _) = writer.value(content, capture, limits::MAX_EVENT_BYTES, mark);
        let (counts, failed) = (writer.cutter.counts, writer.cutter.failed);
        if written == Written::TooLarge {
            json.raw(UNSERIALIZABLE.as_bytes());
        }
        let seen = spans.last().map_or(SpanSeen::Unseen, |span| span.seen);
        policy.redactor.keep(buffers, seen, &mut kept, json.len());
        Captured {
            json,
            kept,
            counts: counts.map(Box::new),
            failed,
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;
    use crate::capture::key;
    use crate::limits::Limits;
    use crate::redact::{Redactor, Span};

    fn policy() -> CapturePolicy {
        CapturePolicy {
            limits: Limits::default(),
            redactor: Redactor::default(),
        }
    }

    fn sealed(
        scratch: &mut ThreadScratch,
        write: impl FnOnce(&mut EventWriter<'_>) -> Result<(), DropReason>,
    ) -> Result<String, DropReason> {
        let (policy, ledger) = (policy(), Ledger::default());
        let mut draft = EventDraft::begin(scratch, &policy, &ledger);
        write(&mut draft.writer)?;
        let json = draft.seal()?;
        Ok(String::from_utf8(json.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn a_scratch_carries_nothing_from_one_event_to_the_next() {
        let mut scratch = ThreadScratch::default();
        let first = sealed(&mut scratch, |w| {
            let start = w.len();
            w.text(key!("a"), "mail bob@example.com", 100);
            w.close_object(start);
            Ok(())
        });
        assert_eq!(first.unwrap(), r#"{"a":"mail [REDACTED_EMAIL]"}"#);
        let failed = sealed(&mut scratch, |w| {
            w.raw("{\"half");
            Err(DropReason::MissingField)
        });
        assert_eq!(failed, Err(DropReason::MissingField));
        let second = sealed(&mut scratch, |w| {
            let start = w.len();
            w.integer(key!("n"), 1);
            w.close_object(start);
            Ok(())
        });
        assert_eq!(second.unwrap(), r#"{"n":1}"#);
    }

    #[test]
    fn an_event_is_too_large_by_what_it_is_after_redaction() {
        let mut scratch = ThreadScratch::default();
        let mails = "a@b.co ".repeat(limits::MAX_EVENT_BYTES / 10);
        assert!(mails.len() < limits::MAX_EVENT_BYTES);
        let event = sealed(&mut scratch, |w| {
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

    struct Panics;

    impl serde::Serialize for Panics {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("in a caller's `Serialize`")
        }
    }

    #[test]
    fn a_panic_is_counted_when_it_is_caught_and_so_for_an_event_that_is_given_up() {
        let (policy, ledger, mut scratch) = (policy(), Ledger::default(), ThreadScratch::default());
        let mut draft = EventDraft::begin(&mut scratch, &policy, &ledger);
        let written = draft
            .writer
            .content(key!("result"), &Panics, false, usize::MAX);
        assert_eq!(written, Written::Whole);
        assert_eq!(ledger.snapshot(0).panics, 1);
        let captured = capture_value(&policy, &Panics, false, &ledger);
        assert_eq!(captured.json.as_bytes(), UNSERIALIZABLE.as_bytes());
        assert_eq!(ledger.snapshot(0).panics, 2);
    }

    /// An event with a value of the caller's, sealed by what was kept of it while it was written, and by its text.
    fn sealed_twice(scratch: &mut ThreadScratch, content: Content<'_>) -> [String; 2] {
        let (policy, ledger) = (policy(), Ledger::default());
        let mut draft = EventDraft::begin(scratch, &policy, &ledger);
        let writer = &mut draft.writer;
        writer.name(key!("client"), Some("a client"));
        writer.content(key!("arguments"), content, true, usize::MAX);
        writer.own_member("note", content);
        writer.close_object(0);
        let mut out = Vec::new();
        let spans = writer
            .spans
            .iter()
            .map(|span| Span::from(span.start..span.end));
        let text = Draft {
            json: writer.json.as_bytes(),
            spans: &spans.collect::<Vec<_>>(),
            counts_at: None,
            counts: writer.cutter.counts.as_ref(),
        };
        let by_text = policy.redactor.seal(text, &mut out).unwrap();
        let by_text = by_text.as_bytes().to_vec();
        let recorded = draft.seal().map(|json| json.as_bytes().to_vec());
        [recorded.unwrap_or_default(), by_text].map(|json| String::from_utf8(json).unwrap())
    }

    /// Pieces of which names, strings and structures that the rules know are made.
    fn piece() -> impl Strategy<Value = String> {
        const WORDS: &[&str] = &[
            "name",
            "value",
            "password",
            "token",
            "tokens",
            "key",
            "api",
            "env",
            "kind",
            "Secret",
            "data",
            "type",
            "path",
            "op",
            "kty",
            "oct",
            "k",
            "d",
            "columns",
            "rows",
            "headers",
            "cookies",
            "Set-Cookie",
            "error",
            "schema",
            "properties",
            "login",
            "pass",
            "auth",
            "secrets",
            "session_id",
            "rawHeaders",
            "element",
            "text",
            "-u",
            "-p",
            "--password",
            "mysql",
            "bob:hunter2xK",
            "hunter2xK9",
            "ann@example.com",
            "+14155550123",
            "a word or two",
            "query",
            "id",
            "4111111111111111",
            "zX9kQ2mW7vB4tR12",
            "a\u{e9}\n\"b\\",
            "-----BEGIN",
            "https://u:p4ss@example.com/x",
            "environment",
            "logprob",
            "pin",
            "",
            "x",
        ];
        prop_oneof![
            8 => proptest::sample::select(WORDS).prop_map(str::to_owned),
            1 => "[ -~]{0,80}",
            1 => "\\PC{0,30}",
        ]
    }

    fn value() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::Value;
        let leaf = prop_oneof![
            4 => piece().prop_map(Value::from),
            1 => any::<u64>().prop_map(Value::from),
            1 => (0_u32..100).prop_map(Value::from),
            1 => any::<f64>().prop_map(Value::from),
            1 => proptest::sample::select(vec![Value::Null, true.into(), false.into()]),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::vec((piece(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn what_was_kept_of_a_value_says_what_its_text_says(value in value()) {
            let text = RawValue::from_string(value.to_string()).unwrap();
            let mut scratch = ThreadScratch::default();
            // The second time its names are known.
            let captured = capture_value(&policy(), &value, true, &Ledger::default());
            for content in [&value as Content<'_>, &text, &value, &captured] {
                let [recorded, by_text] = sealed_twice(&mut scratch, content);
                prop_assert_eq!(&recorded, &by_text, "{}", value);
            }
        }
    }

    #[test]
    fn a_name_that_its_object_has_gets_a_number_whether_it_is_known_or_not() {
        let text = r#"{"name":1,"within":{"name":2},"name":3,"within":4}"#;
        let text = RawValue::from_string(text.to_owned()).unwrap();
        let mut scratch = ThreadScratch::default();
        // The second time its names are known.
        let [first, second] = [(); 2].map(|()| sealed_twice(&mut scratch, &text));
        assert_eq!(first, second);
        let [event, _] = second;
        for member in [r#""name":1"#, r#""within":{"name":2}"#] {
            assert!(event.contains(member), "{event}");
        }
        for again in [r#""name":3"#, r#""within":4"#] {
            assert!(!event.contains(again), "{event}");
        }
        // A name behind which the text ends is the same name.
        let text = RawValue::from_string(r#"{"a":1,"a":2}"#.to_owned()).unwrap();
        for _ in 0..2 {
            let [event, again] = sealed_twice(&mut scratch, &text);
            assert_eq!(event, again);
            assert!(!event.contains(r#""a":2"#), "{event}");
        }
    }

    #[test]
    fn what_was_kept_of_a_call_says_what_its_text_says() {
        let mut scratch = ThreadScratch::default();
        let corpora = [
            include_str!("../../tests/redaction/measure/calls.jsonl"),
            include_str!("../../tests/redaction/measure/more_calls.jsonl"),
            include_str!("../../tests/redaction/measure/sentences.jsonl"),
            include_str!("../../tests/redaction/measure/written_forms.jsonl"),
            include_str!("../../tests/redaction/measure/keys.jsonl"),
        ];
        // The marks of the secrets in them are texts like others here, except for those that are in them as they are.
        for line in corpora.iter().flat_map(|corpus| corpus.lines()) {
            let line = line.replace(['\u{a6}', '\u{27e6}', '\u{27e7}'], "");
            let value: serde_json::Value = serde_json::from_str(&line).unwrap();
            let [recorded, by_text] = sealed_twice(&mut scratch, &value);
            assert_eq!(recorded, by_text, "{line}");
        }
    }

    #[test]
    fn a_rule_that_panics_drops_the_event_and_is_counted_once() {
        let policy = CapturePolicy {
            limits: Limits::default(),
            redactor: Redactor::custom(|_| panic!("in a rule")),
        };
        let (ledger, mut scratch) = (Ledger::default(), ThreadScratch::default());
        let mut draft = EventDraft::begin(&mut scratch, &policy, &ledger);
        draft.writer.text(key!("prompt"), &"words ".repeat(100), 50);
        draft.writer.close_object(0);
        assert_eq!(draft.seal().err(), Some(DropReason::RedactionFailed));
        assert_eq!(ledger.snapshot(0).panics, 1);
    }

    #[test]
    fn a_value_that_is_too_large_for_an_event_is_named_unserializable() {
        let ledger = Ledger::default();
        let limits = Limits::default().max_list_items(10_000);
        let policy = CapturePolicy { limits, ..policy() };
        let large = vec!["x".repeat(4_000); 100];
        let captured = capture_value(&policy, &large, false, &ledger);
        assert_eq!(captured.json.as_bytes(), UNSERIALIZABLE.as_bytes());
    }
}
