//! The user's hook over a finished event, whose result is redacted again.

use serde_json::{Map, Value};

use crate::base::panics;
use crate::capture::{CapturePolicy, EventDraft, EventWriter, ThreadScratch, key};
use crate::hooks::BeforeSend;
use crate::ledger::{DropReason, Ledger};
use crate::limits::Limits;
use crate::redact::{RedactedJson, Redactor};
use crate::wire::Wire;

/// The user's hook, and what its results are captured with.
pub(crate) struct Hook {
    hook: BeforeSend,
    policy: CapturePolicy,
    scratch: ThreadScratch,
}

impl Hook {
    /// The limits are wide: the event was cut to its own before, and must not be cut twice.
    pub(super) fn new(hook: BeforeSend, redactor: &Redactor) -> Self {
        let limits = Limits::default()
            .max_string_chars(65_536)
            .max_query_chars(65_536)
            .max_list_items(10_000)
            .max_top_keys(10_000)
            .max_nested_keys(10_000)
            .max_depth(64);
        Self {
            hook,
            policy: CapturePolicy {
                limits,
                redactor: redactor.clone(),
            },
            scratch: ThreadScratch::default(),
        }
    }

    /// Applies the hook to one event; returns what is to be sent. Panics are counted in `ledger`.
    pub(super) fn apply<'h>(
        &'h mut self,
        event: &[u8],
        wire: &Wire,
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
        write(&before, &after, wire, &mut draft.writer);
        draft.seal()
    }
}

fn write(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    wire: &Wire,
    w: &mut EventWriter<'_>,
) {
    let is_fixed = |name: &str| wire.profile().fixed_members.contains(&name);
    let fixed_meta = wire.profile().fixed_meta_members;
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
                    let is_own = (wire.profile().is_own_meta_name)(name);
                    let before = before.and_then(|meta| meta.get(name));
                    member(name, value, before, is_own, w);
                }
                w.close_object(start);
            }
            _ => {
                let is_own = wire.profile().own_members.contains(&name.as_str());
                member(name, value, before.get(name), is_own, w);
            }
        }
    }
    w.close_object(start);
}

/// Our own names are known to be harmless, so `session_id`, for example, does not hide its value. What
/// the hook has left as it was under one was redacted by the rules for it: a tool's name has its own.
fn member(
    name: &str,
    value: &Value,
    before: Option<&Value>,
    is_own: bool,
    w: &mut EventWriter<'_>,
) {
    let _ = if is_own && before == Some(value) {
        w.unchanged(name, value);
        return;
    } else if is_own {
        w.own_member(name, value)
    } else {
        w.member(name, value, usize::MAX)
    };
}
