//! What a collector's answers mean.

use std::time::SystemTime;

use serde_json::Value;

use crate::ledger::DropReason;
use crate::wire::answer::{Receipt, Verdict, parse_retry_after};

/// Says what an answer means for its batch, by its status: OTLP names the four after which a request may be sent
/// again. A connection that breaks is the only other cause; a timeout breaks it. What may mean an event rather than the
/// request is looked for in parts.
pub(crate) fn classify_answer(status: u16, retry_after: Option<&str>, now: SystemTime) -> Verdict {
    match status {
        200..=299 => Verdict::Delivered,
        429 | 502..=504 => Verdict::Retry {
            after: retry_after.and_then(|value| parse_retry_after(value, now)),
        },
        413 => Verdict::Split,
        400 | 500 => Verdict::Search,
        401 | 403 => Verdict::Drop(DropReason::Unauthorized),
        _ => Verdict::Drop(DropReason::Rejected),
    }
}

/// Reads the partial success of a 2xx answer, whichever of its two encodings a receiver writes.
pub(crate) fn receipt(answer: &[u8]) -> Receipt {
    // No message of this kind is JSON as well: it would have to go on with a control character.
    let (rejected, has_message) = match serde_json::from_slice::<Value>(answer) {
        Ok(answer) => of_json(&answer),
        Err(_) => of_protobuf(answer).unwrap_or_default(),
    };
    match (u64::try_from(rejected), has_message) {
        (Ok(rejected @ 1..), _) => Receipt::Rejected(rejected),
        (_, true) => Receipt::Warning,
        _ => Receipt::Taken,
    }
}

/// The number of spans that were rejected, and whether there is a message. Either may be absent or null, and so may
/// the whole. JSON has 64 bits as text.
fn of_json(answer: &Value) -> (i64, bool) {
    let success = answer.get("partialSuccess");
    let success = success.or_else(|| answer.get("partial_success"));
    let member = |[name, other]: [&str; 2]| {
        let member = |name| success?.get(name);
        member(name).or_else(|| member(other))
    };
    let rejected = member(["rejectedSpans", "rejected_spans"]);
    let as_text = || rejected?.as_str()?.parse().ok();
    let rejected = rejected.and_then(Value::as_i64).or_else(as_text);
    let message = member(["errorMessage", "error_message"]).and_then(Value::as_str);
    (
        rejected.unwrap_or_default(),
        message.is_some_and(|message| !message.is_empty()),
    )
}

/// As [`of_json`]; `None` where the bytes are none of the format.
fn of_protobuf(answer: &[u8]) -> Option<(i64, bool)> {
    let (mut rejected, mut has_message) = (0, false);
    for field in Fields(answer) {
        let (1, Field::Bytes(success)) = field? else {
            continue;
        };
        for field in Fields(success) {
            match field? {
                (1, Field::Varint(spans)) => rejected = spans as i64,
                (2, Field::Bytes(message)) => has_message = !message.is_empty(),
                _ => {}
            }
        }
    }
    Some((rejected, has_message))
}

enum Field<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Other,
}

/// The fields of a message with their numbers; `None` for what is none, after which nothing follows.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, bytes: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(bytes).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn field(&mut self) -> Option<(u64, Field<'a>)> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => self.take(8).map(|_| Field::Other)?,
            2 => {
                let length = self.varint()?;
                Field::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Field::Other)?,
            _ => return None,
        };
        Some((tag >> 3, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Field<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn four_statuses_are_sent_again_three_in_parts_and_no_other() {
        let verdict = |status| classify_answer(status, Some("3"), SystemTime::now());
        let after = Some(Duration::from_secs(3));
        for status in 0..=u16::MAX {
            let expected = match status {
                200..=299 => Verdict::Delivered,
                429 | 502 | 503 | 504 => Verdict::Retry { after },
                413 => Verdict::Split,
                400 | 500 => Verdict::Search,
                401 | 403 => Verdict::Drop(DropReason::Unauthorized),
                _ => Verdict::Drop(DropReason::Rejected),
            };
            assert_eq!(verdict(status), expected, "{status}");
        }
    }

    #[test]
    fn a_partial_success_is_read_in_both_encodings() {
        for (answer, expected) in [
            (&b""[..], Receipt::Taken),
            (b"{}", Receipt::Taken),
            (b"OK", Receipt::Taken),
            (br#"{"partialSuccess":null}"#, Receipt::Taken),
            (br#"{"partialSuccess":{}}"#, Receipt::Taken),
            (
                br#"{"partialSuccess":{"rejectedSpans":null,"errorMessage":null}}"#,
                Receipt::Taken,
            ),
            (
                br#"{"partialSuccess":{"rejectedSpans":"0","errorMessage":""}}"#,
                Receipt::Taken,
            ),
            (
                br#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"x"}}"#,
                Receipt::Rejected(3),
            ),
            (
                br#"{"partialSuccess":{"rejectedSpans":3}}"#,
                Receipt::Rejected(3),
            ),
            (
                br#"{"partial_success":{"rejected_spans":3}}"#,
                Receipt::Rejected(3),
            ),
            (
                br#"{"partialSuccess":{"rejectedSpans":-3}}"#,
                Receipt::Taken,
            ),
            (
                br#"{"partialSuccess":{"errorMessage":"x"}}"#,
                Receipt::Warning,
            ),
            (b"\x0a\x00", Receipt::Taken),
            (b"\x0a\x02\x08\x03", Receipt::Rejected(3)),
            (b"\x0a\x05\x08\x80\x01\x12\x00", Receipt::Rejected(128)),
            (b"\x0a\x05\x12\x03abc", Receipt::Warning),
            (b"\x0a\x07\x08\x01\x12\x03abc", Receipt::Rejected(1)),
            // A field that is not known, and a message that ends too soon.
            (b"\x10\x07\x0a\x02\x08\x03", Receipt::Rejected(3)),
            (b"\x0a\x05\x08\x03", Receipt::Taken),
            (b"\x0a\x02\x08\xff", Receipt::Taken),
        ] {
            assert_eq!(receipt(answer), expected, "{answer:?}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(answer in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = receipt(&answer);
        }
    }
}
