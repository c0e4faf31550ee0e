//! The user's hook over a finished event, whose result is redacted again.

use serde_json::{Map, Value};

use crate::base::panics;
use crate::capture::{CapturePolicy, EventDraft, EventWriter, Scratch, key};
use crate::hooks::BeforeSend;
use crate::ledger::{DropReason, Ledger};
use crate::limits::Limits;
use crate::redact::{RedactedJson, Redactor};
use crate::wire::Wire;

/// The rules for a second pass: the event has had its limits, and may not lose anything to them
/// twice.
pub(crate) fn rules(redactor: &Redactor) -> CapturePolicy {
    CapturePolicy {
        limits: Limits::default()
            .max_string_chars(65_536)
            .max_query_chars(65_536)
            .max_list_items(10_000)
            .max_top_keys(10_000)
            .max_nested_keys(10_000)
            .max_depth(64),
        redactor: redactor.clone(),
    }
}

/// Lets the hook look at one event; returns what is to be sent. Panics are counted in `ledger`.
pub(crate) fn apply<'s>(
    hook: &BeforeSend,
    event: &[u8],
    wire: &Wire,
    rules: &'s CapturePolicy,
    scratch: &'s mut Scratch,
    ledger: &'s Ledger,
) -> Result<RedactedJson<'s>, DropReason> {
    let Ok(Value::Object(before)) = serde_json::from_slice(event) else {
        return Err(DropReason::BeforeSend);
    };
    let given = Value::Object(before.clone());
    let after = match panics::catch(|| hook(given)) {
        Ok(Some(Value::Object(after))) => after,
        Ok(_) => return Err(DropReason::BeforeSend),
        Err(_) => {
            ledger.panics(1);
            return Err(DropReason::BeforeSend);
        }
    };
    let mut draft = EventDraft::begin(scratch, rules, ledger);
    write(&before, &after, wire, &mut draft.writer);
    draft.seal()
}

fn write(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    wire: &Wire,
    w: &mut EventWriter<'_>,
) {
    let fixed = wire.fixed_members();
    let start = w.len();
    for (name, value) in before
        .iter()
        .filter(|(name, _)| fixed.contains(&name.as_str()))
    {
        w.unchanged(name, value);
    }
    for (name, value) in after
        .iter()
        .filter(|(name, _)| !fixed.contains(&name.as_str()))
    {
        match value {
            Value::Object(meta) if name == "meta" => {
                w.key(key!("meta"));
                let start = w.len();
                // Our own counts, which no hook has any business with.
                if let Some(counts) = before.get("meta").and_then(|meta| meta.get("redactions")) {
                    w.unchanged("redactions", counts);
                }
                let members = meta.iter().filter(|(name, _)| *name != "redactions");
                for (name, value) in members {
                    member(name, value, wire.is_own_name(name), w);
                }
                w.close_object(start);
            }
            _ => member(name, value, wire.own_members().contains(&name.as_str()), w),
        }
    }
    w.close_object(start);
}

/// Our own names are known to be harmless, so that `session_id`, say, does not hide its value.
fn member(name: &str, value: &Value, is_own: bool, w: &mut EventWriter<'_>) {
    let _ = if is_own {
        w.own_member(name, value)
    } else {
        w.member(name, value, usize::MAX)
    };
}
