//! One bounded pass on the caller's thread: an event within its limits, serialized and redacted.

mod binary;
mod buffer;
mod cutter;
mod event_writer;
mod json_grammar;
mod key;
mod map_keys;
mod raw_json;
mod scratch;
mod serializer;
mod value;
mod writer;

pub(crate) use event_writer::{CapturePolicy, Constant, EventWriter, Written};
pub(crate) use key::{WireKey, key};
pub(crate) use scratch::{Scratch, with_scratch};
pub(crate) use value::{Captured, Content};

use std::cell::Cell;

use crate::ledger::DropReason;
use crate::limits;
use crate::redact::{Counts, Draft, RedactedJson};
use cutter::Cutter;
use scratch::SPARE;
use writer::{Capture, UNSERIALIZABLE};

/// Lets `write` write an event into the scratch, and redacts it; returns it, and the panics caught.
pub(crate) fn capture<'s>(
    scratch: &'s mut Scratch,
    rules: &CapturePolicy,
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

/// Captures a value on its own, for what must outlive its source. It is redacted with its event.
pub(crate) fn capture_value(
    rules: &CapturePolicy,
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
    let take = Capture::Value { arguments };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> CapturePolicy {
        CapturePolicy {
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
