//! The format of the PostHog wire: a batch of events, with the assertions that the vendor's own check makes of them.

use serde_json::Value;

use super::field::Presence::{Optional, Required};
use super::field::{Checked, Field, Object, Rule};
use super::field::{any_text, boolean, is_hex_groups, nonempty_text, not_null};

/// The largest event on the PostHog wire, in bytes.
pub const MAX_POSTHOG_EVENT_BYTES: usize = 102_400;

/// Most characters of a name, and of an intent or an error.
const MAX_NAME_CHARS: usize = 256;
const MAX_PROSE_CHARS: usize = 2_048;
/// Most characters of a `distinct_id`.
const MAX_ID_CHARS: usize = 200;

/// The limits of arguments and results.
const MAX_VALUE_CHARS: usize = 32_768;
const MAX_ENTRIES: usize = 100;
const MAX_DEPTH: usize = 10;

/// What a failure may be called.
const ERROR_TYPES: [&str; 10] = [
    "validation",
    "permission",
    "missing_context",
    "timeout",
    "rate_limited",
    "api_4xx",
    "api_5xx",
    "cancelled",
    "input_required",
    "internal",
];

const EVENT: &[Rule] = &[
    ("uuid", Required, |id| {
        let is_uuid = is_hex_groups(id.text()?, &[8, 4, 4, 4, 12]);
        id.ensure(is_uuid, "is not a UUID")
    }),
    ("event", Required, name),
    ("distinct_id", Required, |id| {
        // The receiver refuses white space, and keeps so many characters.
        id.ensure(!id.text()?.trim().is_empty(), "is blank")?;
        id.text_up_to(MAX_ID_CHARS)
    }),
    ("timestamp", Required, check_time),
    ("properties", Required, check_properties),
];

/// The properties that have a form wherever they stand.
const PROPERTIES: &[Rule] = &[
    ("$lib", Required, name),
    ("$lib_version", Required, name),
    ("$mcp_source", Required, |source| {
        source.one_of(&["posthog_mcp_analytics"])
    }),
    ("$session_id", Required, |session| {
        name(session)?;
        session.ensure(
            session.text()?.starts_with("ses_"),
            "is no session of the format",
        )
    }),
    ("$mcp_server_name", Required, name),
    ("$mcp_server_version", Optional, name),
    ("$mcp_client_name", Optional, name),
    ("$mcp_vendor_client", Optional, name),
    ("$mcp_client_version", Optional, name),
    ("$mcp_protocol_version", Optional, name),
    ("$mcp_client_user_agent", Optional, name),
    ("$mcp_tool_name", Optional, name),
    ("$mcp_resource_name", Optional, name),
    ("$mcp_tool_description", Optional, |description| {
        nonempty_text(description)?;
        prose(description)
    }),
    ("$mcp_conversation_id", Optional, |id| {
        let is_uuid = is_hex_groups(id.text()?, &[8, 4, 4, 4, 12]);
        id.ensure(
            is_uuid && id.text()?.as_bytes().get(14) == Some(&b'7'),
            "is no UUID of version 7",
        )
    }),
    ("$mcp_duration_ms", Optional, |duration| {
        duration.ensure(duration.number()? >= 0.0, "is negative")
    }),
    ("$mcp_is_error", Optional, boolean),
    ("$mcp_error_type", Optional, |kind| {
        kind.one_of(&ERROR_TYPES)
    }),
    ("$mcp_error_message", Optional, prose),
    ("$mcp_intent", Optional, |intent| {
        prose(intent)?;
        intent.ensure(!matches!(intent.text()?.trim(), "" | "{}"), "is empty")
    }),
    ("$mcp_intent_source", Optional, |source| {
        source.one_of(&["context_parameter", "inferred"])
    }),
    ("$mcp_listed_tool_names", Optional, texts),
    ("$mcp_input_request_methods", Optional, texts),
    ("$mcp_parameters", Optional, check_parameters),
    ("$mcp_response", Optional, |response| {
        not_null(response)?;
        within_limits(response, response.value, MAX_DEPTH)
    }),
    ("$ip", Optional, name),
    ("$geoip_disable", Optional, boolean),
    ("$process_person_profile", Optional, |is_person| {
        is_person.ensure(is_person.value == &Value::Bool(false), "is not false")
    }),
    ("$set", Optional, |person| {
        person
            .object()?
            .check_closed(&[("email", Required, nonempty_text)])
    }),
];

/// What the events of a name have to have beside.
const OF_EVENTS: [(&str, &[&str]); 6] = [
    (
        "$mcp_tool_call",
        &["$mcp_tool_name", "$mcp_is_error", "$mcp_duration_ms"],
    ),
    ("$mcp_unknown_tool", &["$mcp_tool_name"]),
    (
        "$mcp_input_required",
        &[
            "$mcp_tool_name",
            "$mcp_duration_ms",
            "$mcp_input_request_methods",
        ],
    ),
    ("$mcp_tools_list", &["$mcp_listed_tool_names"]),
    ("$mcp_prompt_get", &["$mcp_resource_name", "$mcp_is_error"]),
    (
        "$mcp_resource_read",
        &["$mcp_resource_name", "$mcp_is_error"],
    ),
];

/// The other events of the vendor's.
const OTHER_EVENTS: [&str; 3] = ["$mcp_initialize", "$mcp_missing_capability", "$identify"];

pub(super) fn check_batch(body: &Object<'_>) -> Checked {
    body.check_closed(&[
        // The mock ingest has looked for it already: a body that was kept has another text there.
        ("api_key", Optional, nonempty_text),
        ("historical_migration", Required, |flag| {
            flag.ensure(flag.value == &Value::Bool(false), "is not false")
        }),
        ("sent_at", Required, check_time),
        ("batch", Required, |events| {
            events.batch_of(check_event, "uuid")
        }),
    ])
}

fn check_event(field: &Field<'_>) -> Checked {
    let event = field.object()?;
    event.check_closed(EVENT)?;
    let bytes = field.value.to_string().len();
    field.at_most(bytes, MAX_POSTHOG_EVENT_BYTES, "bytes")?;
    let properties = event.required("properties")?.object()?;
    let named = event.field("event");
    let name = named.text()?;
    let of_name = OF_EVENTS.iter().find(|(known, _)| *known == name);
    if of_name.is_none() && name.starts_with('$') {
        named.ensure(
            OTHER_EVENTS.contains(&name),
            "is none of the vendor's events",
        )?;
    }
    for required in of_name.into_iter().flat_map(|(_, required)| *required) {
        properties.required(required)?;
    }
    check_failure(&properties)?;
    if properties.optional("$mcp_intent").is_some() {
        properties.required("$mcp_intent_source")?;
    }
    if name != "$mcp_tool_call" {
        for of_calls in ["$mcp_parameters", "$mcp_response", "$mcp_tool_description"] {
            let found = properties.optional(of_calls);
            found.map_or(Ok(()), |found| Err(found.violation("is of a call alone")))?;
        }
    }
    let id = event.field("distinct_id");
    let session = properties.field("$session_id");
    if properties.optional("$process_person_profile").is_some() {
        id.ensure(
            id.value == session.value,
            "is not the session of somebody anonymous",
        )?;
        let is_nobody = properties.optional("$set").is_none() && name != "$identify";
        id.ensure(is_nobody, "is of nobody, who is described")
    } else {
        id.ensure(
            id.value != session.value,
            "is a session, and not said to be no person",
        )
    }
}

/// A failure has its kind and its message, and what is none has neither.
fn check_failure(properties: &Object<'_>) -> Checked {
    let failed = properties.field("$mcp_is_error").value.as_bool() == Some(true);
    for name in ["$mcp_error_type", "$mcp_error_message"] {
        match properties.optional(name) {
            None if failed => properties.required(name).map(drop)?,
            Some(found) => found.ensure(failed, "is of a failure alone")?,
            None => {}
        }
    }
    Ok(())
}

fn check_properties(properties: &Field<'_>) -> Checked {
    let properties = properties.object()?;
    properties.check(PROPERTIES)?;
    for property in properties.fields() {
        not_null(&property)?;
    }
    for (name, value) in properties.map {
        let property = properties.field(name);
        let is_ours = name.starts_with("mcp_usage_");
        // What has neither prefix may mean something to the receiver: a token, say, or another id.
        property.ensure(
            is_ours || PROPERTIES.iter().any(|(known, ..)| known == name),
            "is no property of the format",
        )?;
        match value {
            Value::Object(_) => property.ensure(!is_ours, "is nested")?,
            Value::Array(_) if is_ours => texts(&property)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_parameters(parameters: &Field<'_>) -> Checked {
    within_limits(parameters, parameters.value, MAX_DEPTH + 3)?;
    let request = parameters.object()?.required("request")?.object()?;
    request.check_closed(&[
        ("method", Required, |method| method.one_of(&["tools/call"])),
        ("params", Required, |params| {
            params.object()?.check_closed(&[
                ("name", Required, name),
                ("arguments", Required, |arguments| {
                    within_limits(arguments, arguments.value, MAX_DEPTH)
                }),
            ])
        }),
    ])
}

fn within_limits(field: &Field<'_>, value: &Value, depth: usize) -> Checked {
    let is_container = value.is_array() || value.is_object();
    field.ensure(!is_container || depth > 0, "is nested too deep")?;
    match value {
        Value::String(text) => field.at_most(text.chars().count(), MAX_VALUE_CHARS, "characters"),
        Value::Array(items) => {
            field.at_most(items.len(), MAX_ENTRIES, "entries")?;
            let mut items = items.iter();
            items.try_for_each(|item| within_limits(field, item, depth - 1))
        }
        Value::Object(members) => {
            field.at_most(members.len(), MAX_ENTRIES, "entries")?;
            members.iter().try_for_each(|(key, value)| {
                field.at_most(key.chars().count(), MAX_NAME_CHARS, "characters of a key")?;
                within_limits(field, value, depth - 1)
            })
        }
        _ => Ok(()),
    }
}

fn name(field: &Field<'_>) -> Checked {
    nonempty_text(field)?;
    field.text_up_to(MAX_NAME_CHARS)
}

fn prose(field: &Field<'_>) -> Checked {
    field.text_up_to(MAX_PROSE_CHARS)
}

fn texts(list: &Field<'_>) -> Checked {
    list.array()?.iter().try_for_each(any_text)
}

/// A time by RFC 3339, in UTC, between 2020 and 2100.
fn check_time(time: &Field<'_>) -> Checked {
    let text = time.text()?;
    let as_digits: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let year = text.get(..4).and_then(|year| year.parse::<u16>().ok());
    let is_time = as_digits == "0000-00-00T00:00:00.000Z"
        && year.is_some_and(|year| (2020..=2100).contains(&year));
    time.ensure(is_time, "is no time of the format")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body() -> Value {
        json!({
            "api_key": "[key]", "historical_migration": false, "sent_at": "2026-03-01T00:00:00.001Z",
            "batch": [{
                "uuid": "f9e078a0-519b-4af2-b6c2-1896a6d21d1b", "event": "$mcp_tool_call",
                "distinct_id": "u-1", "timestamp": "2026-03-01T00:00:00.000Z",
                "properties": {
                    "$lib": "mcp-usage", "$lib_version": "0.1.0",
                    "$mcp_source": "posthog_mcp_analytics", "$session_id": "ses_1",
                    "$mcp_server_name": "shop", "$mcp_tool_name": "search",
                    "$mcp_is_error": false, "$mcp_duration_ms": 1.5,
                    "$set": {"email": "ann@example.com"}, "mcp_usage_meta_plan": "pro",
                    "$mcp_intent": "why", "$mcp_intent_source": "inferred",
                    "$mcp_parameters": {"request": {"method": "tools/call", "params": {"name": "search", "arguments": {"a": 1}}}},
                },
            }],
        })
    }

    fn fault(body: &Value) -> Option<String> {
        let checked = check_batch(&Field::root(body).object().unwrap());
        checked.err().map(|violation| violation.field)
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        assert_eq!(fault(&body()), None);
        let long = "x".repeat(257);
        let nested = (0..11).fold(json!(1), |value, _| json!([value]));
        let properties = [
            ("$mcp_source", json!("posthog-js")),
            ("$mcp_tool_name", json!("")),
            ("$mcp_tool_name", json!(long)),
            ("$mcp_tool_name", Value::Null),
            ("$mcp_server_name", Value::Null),
            ("$mcp_server_name", json!("")),
            ("$session_id", Value::Null),
            ("$session_id", json!("")),
            ("$session_id", json!("s-1")),
            ("$mcp_is_error", Value::Null),
            ("$mcp_is_error", json!("false")),
            ("$mcp_duration_ms", Value::Null),
            ("$mcp_duration_ms", json!("1.5")),
            ("$mcp_duration_ms", json!(-1)),
            ("$mcp_intent_source", Value::Null),
            ("$mcp_intent_source", json!("native")),
            ("$mcp_intent", json!(" ")),
            ("$mcp_intent", json!("x".repeat(2_049))),
            ("$mcp_error_type", json!("timeout")),
            ("$mcp_error_type", json!("Error")),
            ("$mcp_response", json!(nested)),
            ("$mcp_response", json!(vec![1; 101])),
            ("$mcp_response", json!("x".repeat(32_769))),
            (
                "$mcp_conversation_id",
                json!("f9e078a0-519b-4af2-b6c2-1896a6d21d1b"),
            ),
            ("token", json!("phc_other")),
            ("distinct_id", json!("u-2")),
            ("mcp_usage_meta_plan", json!({"a": 1})),
            ("mcp_usage_meta_plan", json!([1])),
        ];
        for (name, value) in properties {
            let mut body = body();
            let members = body["batch"][0]["properties"].as_object_mut().unwrap();
            match value {
                Value::Null => drop(members.remove(name)),
                ref value => drop(members.insert(name.to_owned(), value.clone())),
            }
            let found = fault(&body);
            let expected = format!("batch[0].properties.{name}");
            let is_named = found.is_some_and(|found| found.starts_with(&expected));
            assert!(is_named, "{name}: {value}");
        }
    }

    #[test]
    fn an_event_is_of_a_user_or_of_a_session() {
        for (pointer, value, is_sound) in [
            ("/distinct_id", json!(" "), false),
            ("/distinct_id", json!("x".repeat(201)), false),
            ("/distinct_id", json!("ses_1"), false),
            ("/properties/$process_person_profile", json!(false), false),
            ("/uuid", json!("7"), false),
            ("/timestamp", json!("2026-03-01T00:00:00Z"), false),
            ("/timestamp", json!("1970-03-01T00:00:00.000Z"), false),
            ("/event", json!("$pageview"), false),
            ("/event", json!("checkout"), false),
            ("/distinct_id", json!("u-2"), true),
        ] {
            let mut body = body();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let parent = body["batch"][0].pointer_mut(parent).unwrap();
            parent[name] = value.clone();
            assert_eq!(fault(&body).is_none(), is_sound, "{pointer}: {value}");
        }
    }

    #[test]
    fn a_failure_says_what_and_an_event_has_its_bytes() {
        let mut failed = body();
        let properties = &mut failed["batch"][0]["properties"];
        properties["$mcp_is_error"] = json!(true);
        assert!(fault(&failed).is_some());
        let properties = &mut failed["batch"][0]["properties"];
        properties["$mcp_error_type"] = json!("timeout");
        properties["$mcp_error_message"] = json!("it took too long");
        assert_eq!(fault(&failed), None);
        failed["batch"][0]["properties"]["mcp_usage_meta_plan"] =
            json!("x".repeat(MAX_POSTHOG_EVENT_BYTES));
        assert_eq!(fault(&failed).as_deref(), Some("batch[0]"));
    }
}
