//! The format of the mcpeye wire: a batch of calls, with the identity of whoever they share.

use super::field::Presence::{Optional, Required};
use super::field::{Checked, Field, Object, Rule};
use super::field::{
    any_text, boolean, count, is_hex_groups, nonempty_text, not_null, unix_milliseconds,
};

/// The largest `arguments` and `result`, and the longest text, of an event on the mcpeye wire, in bytes.
pub const MAX_MCPEYE_FIELD_BYTES: usize = 32_768;
/// The longest `userId` and `userEmail` on the mcpeye wire, in characters.
pub const MAX_MCPEYE_USER_CHARS: usize = 256;

/// The mark that ends a text which was cut; it comes on top of the text's own limit.
const CUT_MARK: &str = "…[truncated]";

const IDENTITY: &[Rule] = &[
    ("userId", Optional, check_user),
    ("userEmail", Optional, check_user),
    ("client", Optional, nonempty_text),
    ("serverVersion", Optional, nonempty_text),
];

const EVENT_KEYS: [&str; 12] = [
    "callId",
    "toolName",
    "arguments",
    "isError",
    "timestamp",
    "durationMs",
    "result",
    "errorMessage",
    "intent",
    "intentSource",
    "userId",
    "userEmail",
];

pub(super) fn check_batch(body: &Object<'_>) -> Checked {
    body.check_closed(&[
        ("projectId", Required, nonempty_text),
        ("identity", Required, |identity| {
            identity.object()?.check_closed(IDENTITY)
        }),
        ("events", Required, |events| {
            events.batch_of(check_event, "callId")
        }),
    ])
}

fn check_event(event: &Field<'_>) -> Checked {
    let event = event.object()?;
    event.only(&EVENT_KEYS)?;
    event.check(&[
        ("callId", Required, check_call_id),
        ("toolName", Required, nonempty_text),
        ("arguments", Required, check_arguments),
    ])?;
    check_capability_request(&event)?;
    event.check(&[
        ("isError", Required, boolean),
        ("timestamp", Required, unix_milliseconds),
        ("durationMs", Required, count),
    ])?;
    if let Some(result) = event.optional("result") {
        let failed = event.field("isError").value.as_bool() == Some(true);
        result.ensure(!failed, "is given for a call that failed")?;
        check_size(&result)?;
    }
    event.check(&[
        ("errorMessage", Optional, check_text),
        ("intent", Optional, check_text),
        ("intentSource", Optional, |source| {
            source.one_of(&["mcpeye", "native"])
        }),
    ])?;
    if event.optional("intentSource").is_some() {
        event.required("intent")?;
    }
    event.check(&[
        ("userId", Optional, check_user),
        ("userEmail", Optional, check_user),
    ])
}

/// Checks the one tool of the format itself, by which a model asks for something that the server cannot do.
fn check_capability_request(event: &Object<'_>) -> Checked {
    let arguments = event.required("arguments")?.object()?;
    let cut = ["[truncated]", "[unserializable]"]
        .iter()
        .any(|mark| arguments.map.contains_key(*mark));
    if cut || event.required("toolName")?.text()? != "mcpeye_request_capability" {
        return Ok(());
    }
    arguments.check(&[
        ("capability", Required, any_text),
        ("context", Optional, any_text),
    ])
}

fn check_user(user: &Field<'_>) -> Checked {
    nonempty_text(user)?;
    user.text_up_to(MAX_MCPEYE_USER_CHARS)
}

/// A version 4 UUID, in capitals or not.
fn check_call_id(id: &Field<'_>) -> Checked {
    let text = id.text()?.to_ascii_lowercase();
    let (version, variant) = (text.as_bytes().get(14), text.as_bytes().get(19));
    id.ensure(
        is_hex_groups(&text, &[8, 4, 4, 4, 12])
            && version == Some(&b'4')
            && matches!(variant, Some(b'8' | b'9' | b'a' | b'b')),
        "is not a version 4 UUID",
    )
}

fn check_arguments(arguments: &Field<'_>) -> Checked {
    arguments.object()?;
    check_size(arguments)
}

fn check_size(value: &Field<'_>) -> Checked {
    not_null(value)?;
    let bytes = value.value.to_string().len();
    value.at_most(bytes, MAX_MCPEYE_FIELD_BYTES, "bytes")
}

fn check_text(text: &Field<'_>) -> Checked {
    let content = text.text()?;
    let content = content.strip_suffix(CUT_MARK).unwrap_or(content);
    text.at_most(content.len(), MAX_MCPEYE_FIELD_BYTES, "bytes")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn passes(check: fn(&Field<'_>) -> Checked, value: &Value) -> bool {
        check(&Field::root(value)).is_ok()
    }

    #[test]
    fn a_call_id_is_a_uuid_of_version_4_in_capitals_or_not() {
        let id = "f9e078a0-519b-4af2-b6c2-1896a6d21d1b";
        for good in [
            id,
            &id.to_uppercase(),
            "00000000-0000-4000-8000-000000000000",
        ] {
            assert!(passes(check_call_id, &json!(good)), "{good}");
        }
        for wrong in [
            "f9e078a0-519b-1af2-b6c2-1896a6d21d1b",
            "f9e078a0-519b-4af2-76c2-1896a6d21d1b",
            "f9e078a0519b4af2b6c21896a6d21d1b",
            "f9e078a0-519b-4af2-b6c2-1896a6d21d1",
            "g9e078a0-519b-4af2-b6c2-1896a6d21d1b",
            "",
        ] {
            assert!(!passes(check_call_id, &json!(wrong)), "{wrong}");
        }
    }

    #[test]
    fn a_text_has_its_limit_in_bytes_and_the_mark_of_a_cut_on_top() {
        let text = |bytes: usize, end: &str| json!("é".repeat(bytes / 2) + end);
        assert!(passes(check_text, &text(MAX_MCPEYE_FIELD_BYTES, "")));
        assert!(passes(check_text, &text(MAX_MCPEYE_FIELD_BYTES, CUT_MARK)));
        assert!(!passes(check_text, &text(MAX_MCPEYE_FIELD_BYTES, "x")));
        assert!(!passes(
            check_text,
            &text(MAX_MCPEYE_FIELD_BYTES, &CUT_MARK.repeat(2))
        ));
    }

    #[test]
    fn a_value_is_measured_as_json() {
        let text = |bytes: usize| json!("\"".repeat(bytes));
        let quoted = (MAX_MCPEYE_FIELD_BYTES - 2) / 2;
        assert!(passes(check_size, &text(quoted)));
        assert!(!passes(check_size, &text(quoted + 1)));
        assert!(!passes(check_size, &json!(null)));
    }

    #[test]
    fn a_wish_for_a_capability_names_it_unless_its_arguments_were_cut() {
        for (tool, arguments, is_sound) in [
            (
                "mcpeye_request_capability",
                json!({"capability": "x", "context": "y"}),
                true,
            ),
            ("mcpeye_request_capability", json!({"capability": ""}), true),
            ("mcpeye_request_capability", json!({"context": "y"}), false),
            ("mcpeye_request_capability", json!({"capability": 1}), false),
            (
                "mcpeye_request_capability",
                json!({"[truncated]": true}),
                true,
            ),
            (
                "mcpeye_request_capability",
                json!({"[unserializable]": true}),
                true,
            ),
            ("search", json!({}), true),
        ] {
            let event = json!({"toolName": tool, "arguments": arguments});
            let checked = check_capability_request(&Field::root(&event).object().unwrap());
            assert_eq!(checked.is_ok(), is_sound, "{event}");
        }
    }
}
