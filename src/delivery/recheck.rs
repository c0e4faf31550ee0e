//! What is read back from disk is looked at as if it were new: another hand may have written it, and the redactor's
//! rules may have become stricter since.
//!
//! An event that nothing is found in keeps its bytes. It costs a few times what the capture of an event costs, on the
//! spool's thread, and only for what is read back.

use std::ops::Range;
use std::sync::Arc;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::shared::Shared;
use crate::ledger::{DropReason, Ledger};
use crate::limits::{Limits, MAX_EVENT_BYTES, MAX_NAME_CHARS};
use crate::redact::{Draft, Redactor, Span};
use crate::wire::rules::{Check, Members, has_unique_names};
use crate::wire::{EventForm, Layout, Wire};

/// Most characters of a name that was cut and then redacted: a mark may be longer than what it hides.
const MAX_REDACTED_NAME_CHARS: usize = 4 * MAX_NAME_CHARS;

/// Looks at what is read back.
pub(super) struct Recheck {
    wire: Wire,
    form: EventForm,
    limits: Limits,
    redactor: Redactor,
    ledger: Arc<Ledger>,
    redacted: Vec<u8>,
    scratch: Vec<u8>,
}

impl Recheck {
    pub(super) fn new(shared: &Shared) -> Self {
        let settings = &shared.settings;
        Self {
            wire: settings.wire.clone(),
            form: settings.form,
            limits: settings.limits,
            redactor: settings.redactor.clone(),
            ledger: Arc::clone(&shared.ledger),
            redacted: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Appends an event that was queued at this time to `out`, redacted and by its format's rules; returns the number
    /// that the receiver tells it by, whatever the record says. The error is the reason to drop it.
    pub(super) fn apply(
        &mut self,
        json: &[u8],
        queued_at: u64,
        out: &mut Vec<u8>,
    ) -> Result<i64, DropReason> {
        let redacted = &mut self.redacted;
        redacted.clear();
        let form = self.wire.kept_form(self.form, json);
        let layout = form.layout();
        redact(json, layout, &self.redactor, &mut self.scratch, redacted)?;
        if !has_unique_names(redacted) {
            return Err(DropReason::SpoolFull);
        }
        let event = serde_json::from_slice::<Members>(redacted);
        let mut event = event.map_err(|_| DropReason::SpoolFull)?;
        let check = Check {
            limits: &self.limits,
            name_chars: MAX_REDACTED_NAME_CHARS,
            captured: None,
            otherwise_at: queued_at,
        };
        let changes = form.check(&mut event, &check);
        // Each event that was captured has what its wire requires.
        let changes = changes.map_err(|_| DropReason::SpoolFull)?;
        let id = form.id_of(&event).ok_or(DropReason::SpoolFull)?;
        self.ledger.leave_out(changes.left_out);
        if changes.any() {
            // Writing a tree of string keys into memory cannot fail.
            redacted.clear();
            serde_json::to_writer(&mut *redacted, &event).map_err(|_| DropReason::SpoolFull)?;
        }
        let start = out.len();
        Wire::write_kept(form, self.form, redacted, out);
        // A mark may be longer than what it hides.
        if out.len() - start > MAX_EVENT_BYTES {
            out.truncate(start);
            return Err(DropReason::TooLarge);
        }
        Ok(id)
    }
}

/// Appends an event to `out`, redacted; the error is the reason to drop it.
fn redact(
    json: &[u8],
    layout: &Layout,
    redactor: &Redactor,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<(), DropReason> {
    let spans = spans(json, layout).ok_or(DropReason::SpoolFull)?;
    let spans: Vec<_> = spans.into_iter().map(Span::from).collect();
    let draft = Draft {
        json,
        spans: &spans,
        counts_at: None,
        counts: None,
    };
    let sealed = redactor.seal(draft, scratch);
    let sealed = sealed.map_err(|_| DropReason::RedactionFailed)?;
    out.extend_from_slice(sealed.as_bytes());
    Ok(())
}

/// Where content of the user stands in an event; `None` when the bytes are no event: one JSON object of its size.
fn spans(json: &[u8], layout: &Layout) -> Option<Vec<Range<usize>>> {
    let text = str::from_utf8(json).ok()?;
    if json.len() > MAX_EVENT_BYTES || !text.starts_with('{') {
        return None;
    }
    let members = Walk {
        text,
        layout,
        in_meta: false,
        spans: Vec::new(),
    };
    members.read(text)
}

/// Reads the members of an event, or of its `meta`.
struct Walk<'a> {
    text: &'a str,
    layout: &'a Layout,
    in_meta: bool,
    spans: Vec<Range<usize>>,
}

impl<'a> Walk<'a> {
    fn read(self, object: &'a str) -> Option<Vec<Range<usize>>> {
        let mut json = serde_json::Deserializer::from_str(object);
        let spans = json.deserialize_map(self).ok()?;
        json.end().ok()?;
        Some(spans)
    }

    fn place(&self, part: &RawValue) -> Range<usize> {
        let start = part.get().as_ptr().addr() - self.text.as_ptr().addr();
        start..start + part.get().len()
    }

    /// As for what a hook returns (`before_send`): our own names hide no value, and what the caller chose to send as
    /// it is stays.
    fn add(&mut self, name: &'a RawValue, value: &'a RawValue) -> Option<()> {
        let (name_at, value_at) = (self.place(name), self.place(value));
        let name = name.get().trim_matches('"');
        let (is_fixed, is_own) = if self.in_meta {
            let is_own = (self.layout.is_own_meta_name)(name);
            (self.layout.fixed_meta_members.contains(&name), is_own)
        } else {
            let is_own = self.layout.own_members.contains(&name);
            (self.layout.fixed_members.contains(&name), is_own)
        };
        if is_fixed || self.layout.tool_members.contains(&name) {
            return Some(());
        }
        if !self.in_meta && name == "meta" && value.get().starts_with('{') {
            let meta = Self {
                text: self.text,
                layout: self.layout,
                in_meta: true,
                spans: std::mem::take(&mut self.spans),
            };
            self.spans = meta.read(value.get())?;
            return Some(());
        }
        let start = if is_own {
            value_at.start
        } else {
            name_at.start
        };
        self.spans.push(start..value_at.end);
        Some(())
    }
}

impl<'a> Visitor<'a> for Walk<'a> {
    type Value = Vec<Range<usize>>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            if self.add(name, value).is_none() {
                return Err(serde::de::Error::custom("meta must be an object"));
            }
        }
        Ok(self.spans)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(json: &str) -> Result<String, DropReason> {
        let (mut scratch, mut out) = (Vec::new(), Vec::new());
        redact(
            json.as_bytes(),
            EventForm::Reo.layout(),
            &Redactor::default(),
            &mut scratch,
            &mut out,
        )?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn an_event_that_is_redacted_keeps_its_bytes() {
        for json in [
            "{}",
            r#"{"event_id":4111111111111111,"user_id":"rachel@example.com","source":"X"}"#,
            r#"{"meta":{"tool":"max@example.com","instance":"4111111111111111","prompt":"ask [REDACTED:EMAIL]","redactions":{"email":1}},"event_at":"x"}"#,
            r#"{ "meta" : { "session_id" : "\u00e9", "own" : [1, {"b": null}] } }"#,
        ] {
            assert_eq!(again(json).as_deref(), Ok(json));
        }
    }

    #[test]
    fn what_a_stricter_redactor_finds_is_replaced() {
        let json = r#"{"user_id":"rachel@example.com","meta":{"prompt":"ask rachel@example.com","password":"hunter2"},"source":"a"}"#;
        let again = again(json).unwrap();
        assert!(again.starts_with(r#"{"user_id":"rachel@example.com","meta":{"prompt":"ask ["#));
        assert!(!again.contains("hunter2") && again.ends_with(r#","source":"a"}"#));
        assert!(
            serde_json::from_str::<serde_json::Value>(&again).is_ok(),
            "{again}"
        );
        assert_eq!(again.matches("rachel").count(), 1, "{again}");
    }

    #[test]
    fn an_event_that_its_marks_make_too_large_is_dropped() {
        let (shared, _receiver) = Shared::for_tests();
        let mut recheck = Recheck::new(&shared);
        let mut apply = |addresses: usize| {
            let list = vec!["\"a@b.co\""; addresses].join(",");
            let event = r#"{"product_id":"p","activity_type":"MCP_TOOL_CALL","source":"MCP","user_agent":"a","event_id":7,"event_at":1800000000,"user_id":"u","user_id_type":"ANONYMOUS","environment":"PRODUCTION","meta":{"tool_count":["#;
            let event = format!("{event}{list}]}}}}");
            assert!(event.len() <= MAX_EVENT_BYTES);
            let mut out = b"before".to_vec();
            let result = recheck.apply(event.as_bytes(), 0, &mut out);
            (result, out.len())
        };
        let (result, bytes) = apply(10_000);
        assert_eq!(result, Ok(7));
        assert!(bytes > 150_000, "{bytes}");
        assert_eq!(apply(25_000), (Err(DropReason::TooLarge), 6));
    }

    #[test]
    fn what_is_no_event_is_refused() {
        let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_EVENT_BYTES));
        for json in [
            "",
            "[]",
            "\"text\"",
            "{",
            "{}{}",
            "{},{}",
            "{}],[{}",
            r#"{"a":01}"#,
            r#"{"meta":{]}"#,
            " {}",
            &large,
        ] {
            assert_eq!(again(json), Err(DropReason::SpoolFull), "{json:.20}");
        }
        let mut out = Vec::new();
        let result = redact(
            b"{\"a\":\"\xc3\"}",
            EventForm::Reo.layout(),
            &Redactor::off(),
            &mut Vec::new(),
            &mut out,
        );
        assert_eq!((result, out.len()), (Err(DropReason::SpoolFull), 0));
    }
}
