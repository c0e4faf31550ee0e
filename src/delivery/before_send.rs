//! The user's hook over a finished event, whose result is redacted and checked again.

use serde_json::{Map, Value};

use crate::base::panics;
use crate::capture::{CapturePolicy, EventDraft, EventWriter, ThreadScratch, key};
use crate::event::is_traceparent;
use crate::hooks::BeforeSend;
use crate::ledger::{DropReason, Ledger};
use crate::limits::{self, Limits};
use crate::redact::{RedactedJson, Redactor};
use crate::wire::rules::{Changes, Check, has_unique_names};
use crate::wire::{EventForm, Layout};

/// The user's hook, and what its results are captured with.
pub(crate) struct Hook {
    hook: BeforeSend,
    policy: CapturePolicy,
    /// How much is kept of a text that has a limit of its own.
    limits: Limits,
    scratch: ThreadScratch,
    /// For an event that is written once more, since the check has changed it.
    checked: ThreadScratch,
}

impl Hook {
    /// The limits are wide: the event was cut to its own before, and must not be cut twice.
    pub(super) fn new(hook: BeforeSend, limits: Limits, redactor: &Redactor) -> Self {
        let wide = Limits::default()
            .max_string_chars(65_536)
            .max_query_chars(65_536)
            .max_list_items(10_000)
            .max_top_keys(10_000)
            .max_nested_keys(10_000)
            .max_depth(64);
        Self {
            hook,
            policy: CapturePolicy {
                limits: wide,
                redactor: redactor.clone(),
            },
            limits,
            scratch: ThreadScratch::default(),
            checked: ThreadScratch::default(),
        }
    }

    /// Applies the hook to one event; returns what is to be sent. Panics, and values that are left out, are counted
    /// in `ledger`.
    pub(super) fn apply<'h>(
        &'h mut self,
        event: &[u8],
        form: EventForm,
        ledger: &'h Ledger,
    ) -> Result<RedactedJson<'h>, DropReason> {
        let Ok(Value::Object(before)) = serde_json::from_slice(event) else {
            return Err(DropReason::BeforeSend);
        };
        let given = Value::Object(before.clone());
        let after = match panics::catch(|| (self.hook)(given)) {
            Ok(Some(Value::Object(after))) => after,
            Ok(_) => return Err(DropReason::BeforeSend),
            Err(_) => {
                ledger.panics(1);
                return Err(DropReason::BeforeSend);
            }
        };
        let mut draft = EventDraft::begin(&mut self.scratch, &self.policy, ledger);
        write(&before, &after, form.layout(), &mut draft.writer);
        let sealed = draft.seal()?;
        // Behind the redactor, whose marks may be longer than what they hide.
        let mut event = match serde_json::from_slice(sealed.as_bytes()) {
            Ok(Value::Object(event)) => event,
            _ => return Err(DropReason::BeforeSend),
        };
        let check = Check {
            limits: &self.limits,
            name_chars: limits::MAX_NAME_CHARS,
            captured: Some(&before),
            otherwise_at: 0,
        };
        let mut changes = form.check(&mut event, &check)?;
        if !has_unique_names(sealed.as_bytes()) {
            // Names that were cut, or hidden, to the same.
            changes += Changes::left_out(1);
        }
        if !changes.any() {
            return Ok(sealed);
        }
        ledger.leave_out(changes.left_out);
        let mut draft = EventDraft::begin(&mut self.checked, &self.policy, ledger);
        let start = draft.writer.len();
        for (name, value) in &event {
            draft.writer.unchanged(name, value);
        }
        draft.writer.close_object(start);
        draft.seal()
    }
}

fn write(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    layout: &Layout,
    w: &mut EventWriter<'_>,
) {
    let is_fixed = |name: &str| layout.fixed_members.contains(&name);
    let fixed_meta = layout.fixed_meta_members;
    let start = w.len();
    for (name, value) in before.iter().filter(|(name, _)| is_fixed(name)) {
        w.unchanged(name, value);
    }
    for (name, value) in after.iter().filter(|(name, _)| !is_fixed(name)) {
        match value {
            Value::Object(meta) if name == "meta" => {
                w.key(key!("meta"));
                let start = w.len();
                let before = before.get("meta");
                for name in fixed_meta {
                    if let Some(value) = before.and_then(|meta| meta.get(name)) {
                        w.unchanged(name, value);
                    }
                }
                let members = meta
                    .iter()
                    .filter(|(name, _)| !fixed_meta.contains(&&***name));
                for (name, value) in members {
                    let is_own = (layout.is_own_meta_name)(name);
                    let before = before.and_then(|meta| meta.get(name));
                    member(name, value, before, is_own, w);
                }
                w.close_object(start);
            }
            _ => {
                let is_own = layout.own_members.contains(&name.as_str());
                member(name, value, before.get(name), is_own, w);
            }
        }
    }
    w.close_object(start);
}

/// Our own names are known to be harmless, so `session_id`, for example, does not hide its value. What
/// the hook has left as it was under one was redacted by the rules for it: a tool's name has its own. A trace context
/// of its form holds nothing but digits, which a rule would take for a key.
fn member(
    name: &str,
    value: &Value,
    before: Option<&Value>,
    is_own: bool,
    w: &mut EventWriter<'_>,
) {
    let is_trace = || name == "traceparent" && value.as_str().is_some_and(is_traceparent);
    let _ = if is_own && (before == Some(value) || is_trace()) {
        w.unchanged(name, value);
        return;
    } else if is_own {
        w.own_member(name, value)
    } else {
        w.member(name, value, usize::MAX)
    };
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    /// What becomes of an event on its way through a hook, and how many panics were counted.
    fn apply(
        form: EventForm,
        event: &str,
        hook: impl Fn(Value) -> Option<Value> + Send + Sync + 'static,
    ) -> (Result<Value, DropReason>, u64) {
        let ledger = Ledger::default();
        let mut hook = Hook::new(Arc::new(hook), Limits::default(), &Redactor::default());
        let sent = hook.apply(event.as_bytes(), form, &ledger);
        let sent = sent.map(|json| serde_json::from_slice(json.as_bytes()).unwrap());
        (sent, ledger.snapshot(0).panics)
    }

    fn event() -> Value {
        json!({
            "activity_type": "MCP_TOOL_CALL", "user_id": "u1", "user_id_type": "ANONYMOUS_ID", "event_id": 7,
            "event_at": 1_800_000_000, "environment": "test", "source": "s", "product_id": "p", "user_agent": "a",
            "meta": {"tool": "search", "instance": "00000000000000ab", "sequence": 3, "session_id": "h1"},
        })
    }

    fn sent(hook: impl Fn(&mut Value) + Send + Sync + 'static) -> Value {
        let apply = apply(EventForm::Reo, &event().to_string(), move |mut event| {
            hook(&mut event);
            Some(event)
        });
        apply.0.unwrap()
    }

    #[test]
    fn what_says_whose_and_which_event_it_is_cannot_be_changed() {
        assert_eq!(sent(|_| ()), event());
        let changed = sent(|event| {
            for name in ["activity_type", "user_id", "user_id_type", "event_id"] {
                event[name] = json!("changed");
            }
            event.as_object_mut().unwrap().remove("event_at");
            event["meta"]["instance"] = json!("changed");
            event["meta"].as_object_mut().unwrap().remove("sequence");
        });
        assert_eq!(changed, event());
    }

    #[test]
    fn other_members_may_be_changed_added_and_removed() {
        let changed = sent(|event| {
            event["environment"] = json!("production");
            event["meta"]["team"] = json!("search");
            event["meta"].as_object_mut().unwrap().remove("tool");
        });
        let mut expected = event();
        expected["environment"] = json!("production");
        expected["meta"]["team"] = json!("search");
        expected["meta"].as_object_mut().unwrap().remove("tool");
        assert_eq!(changed, expected);
        let bare = sent(|event| drop(event.as_object_mut().unwrap().remove("meta")));
        assert_eq!(
            bare.get("meta"),
            None,
            "without `meta` nothing of it is left"
        );
    }

    #[test]
    fn what_a_hook_puts_in_is_redacted_and_what_it_leaves_is_not_read_again() {
        let changed = sent(|event| {
            event["environment"] = json!("mail to rachel@example.com");
            event["meta"]["password"] = json!("correct horse");
            event["meta"]["session_id"] = json!("rachel@example.com");
        });
        assert_eq!(changed["environment"], "mail to [REDACTED_EMAIL]");
        assert_eq!(changed["meta"]["password"], "[REDACTED_FIELD]");
        assert_eq!(changed["meta"]["session_id"], "[REDACTED_EMAIL]");
        // A tool's name is not redacted, also when it looks like an address.
        let mut named = event();
        named["meta"]["tool"] = json!("rachel@example.com");
        let (sent, _) = apply(EventForm::Reo, &named.to_string(), Some);
        assert_eq!(sent, Ok(named));
    }

    #[test]
    fn an_event_that_a_hook_does_not_return_as_an_object_is_dropped() {
        type Returns = fn(Value) -> Option<Value>;
        let returns: [(Returns, u64); 4] = [
            (|_| None, 0),
            (|_| Some(json!([1])), 0),
            (|_| Some(json!("text")), 0),
            (|_| panic!("a fault of the hook's"), 1),
        ];
        for (hook, panics) in returns {
            let dropped = apply(EventForm::Reo, &event().to_string(), hook);
            assert_eq!(dropped, (Err(DropReason::BeforeSend), panics));
        }
        let no_event = apply(EventForm::Reo, "[1]", |_| {
            panic!("a hook sees objects alone")
        });
        assert_eq!(no_event, (Err(DropReason::BeforeSend), 0));
    }
}
