//! What a sender has left in its texts is taken out here: others redact less well than this crate.

use std::borrow::Cow;

use mcp_usage::{Redactor, redact::Class};
use serde_json::Value;

use super::bounds::{CLIENTS_NAMES, NAME_CHARS};
use crate::record::{Kind, Record};

/// Members of the body that hold what people and tools say. The others are ids, names and addresses, which stay.
const TEXTS: [&str; 6] = [
    "arguments",
    "argument_keys",
    "result",
    "refused_arguments",
    "input_request_methods",
    "meta",
];

/// Redacts a record whose texts are whole, and counts the marks that this leaves.
pub(super) fn redact(record: &mut Record, redactor: &Redactor) {
    let mut marks = Marks::default();
    // A tool that there is keeps its name: two tools have to stay two.
    let is_tool = matches!(record.kind, Kind::Call | Kind::Missing) && !record.unknown_tool;
    let texts = [
        record.intent.as_mut(),
        record.error.as_mut(),
        record.tool.as_mut().filter(|_| !is_tool),
        record.client.as_mut(),
        record.client_version.as_mut(),
    ];
    let named = record.body.iter_mut().filter_map(|(name, value)| {
        let text = match value {
            Value::String(text) => text,
            _ => return None,
        };
        CLIENTS_NAMES.contains(&name.as_str()).then_some(text)
    });
    for text in texts.into_iter().flatten().chain(named) {
        if let Cow::Owned(redacted) = redactor.redact_str(text) {
            marks.count(text, &redacted);
            *text = redacted;
        }
    }
    for (name, value) in &mut record.body {
        if !TEXTS.contains(&name.as_str()) && is_short(value) {
            continue;
        }
        let json = value.to_string();
        if let Cow::Owned(redacted) = redactor.redact_json(&json) {
            marks.count(&json, &redacted);
            // What is no JSON any more is not known to be harmless.
            let unreadable = |_| Value::from("[REDACTED_FIELD]");
            *value = serde_json::from_str(&redacted).unwrap_or_else(unreadable);
        }
    }
    record.redacted_here = marks.0;
}

/// Whether a fact is of the kind that it is known for: an id, a name, a number.
fn is_short(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() <= NAME_CHARS,
        Value::Array(_) | Value::Object(_) => false,
        _ => true,
    }
}

#[derive(Default)]
struct Marks(Vec<(String, u64)>);

impl Marks {
    fn count(&mut self, before: &str, after: &str) {
        for class in Class::ALL {
            let marks = |text: &str| text.matches(class.mark()).count() as u64;
            let new = marks(after).saturating_sub(marks(before));
            if new == 0 {
                continue;
            }
            match self.0.iter_mut().find(|(known, _)| known == class.name()) {
                Some((_, marks)) => *marks += new,
                None => self.0.push((class.name().to_owned(), new)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::{SourceId, User};

    #[test]
    fn texts_are_redacted_and_who_it_was_stays() {
        let user = User {
            id: "rachel@example.com".to_owned(),
            kind: "EMAIL".to_owned(),
            email: Some("rachel@example.com".to_owned()),
        };
        let Value::Object(body) = json!({
            "arguments": {"to": "sam@example.com", "password": "hunter2"},
            "meta": {"note": "call sam@example.com"},
            "request_id": "rachel@example.com",
            "round": {"password": "hunter2"},
            "era": format!("{} of sam@example.com", "long ".repeat(60)),
        }) else {
            unreachable!()
        };
        let mut record = Record {
            user: Some(user.clone()),
            tool: Some("mail@example.com".to_owned()),
            intent: Some("mail bob@example.com".to_owned()),
            error: Some("no bob@example.com [REDACTED_EMAIL]".to_owned()),
            body,
            ..Record::new(SourceId([0; 16]), 0, Kind::Call)
        };
        redact(&mut record, &Redactor::default());
        assert_eq!(record.user, Some(user));
        assert_eq!(record.tool.as_deref(), Some("mail@example.com"));
        assert_eq!(record.intent.as_deref(), Some("mail [REDACTED_EMAIL]"));
        let expected = json!({
            "arguments": {"to": "[REDACTED_EMAIL]", "password": "[REDACTED_FIELD]"},
            "meta": {"note": "call [REDACTED_EMAIL]"},
            "request_id": "rachel@example.com",
            "round": {"password": "[REDACTED_FIELD]"},
            "era": format!("{} of [REDACTED_EMAIL]", "long ".repeat(60)),
        });
        assert_eq!(Value::Object(record.body.clone()), expected);
        record.redacted_here.sort();
        let marks = [("email".to_owned(), 5), ("field".to_owned(), 2)];
        assert_eq!(record.redacted_here, marks);

        let before = record.clone();
        redact(&mut record, &Redactor::default());
        assert!(record.redacted_here.is_empty());
        assert_eq!(record.body, before.body);
    }

    #[test]
    fn what_clients_name_is_redacted_and_tools_keep_their_names() {
        let named = |kind| Record {
            tool: Some("mail bob@example.com".to_owned()),
            client: Some("bob@example.com's".to_owned()),
            ..Record::new(SourceId([0; 16]), 0, kind)
        };
        for kind in [Kind::PromptGet, Kind::ResourceRead, Kind::Custom] {
            let mut record = named(kind);
            redact(&mut record, &Redactor::default());
            assert_eq!(record.tool.as_deref(), Some("mail [REDACTED_EMAIL]"));
        }
        let mut record = named(Kind::Call);
        record
            .body
            .insert("user_agent".to_owned(), "bob@example.com/1".into());
        redact(&mut record, &Redactor::default());
        assert_eq!(record.tool.as_deref(), Some("mail bob@example.com"));
        assert_eq!(record.client.as_deref(), Some("[REDACTED_EMAIL]'s"));
        assert_eq!(record.body["user_agent"], "[REDACTED_EMAIL]/1");
    }

    #[test]
    fn the_name_of_a_tool_that_there_is_not_is_a_clients_text() {
        let mut record = Record {
            tool: Some("mail bob@example.com".to_owned()),
            unknown_tool: true,
            ..Record::new(SourceId([0; 16]), 0, Kind::Call)
        };
        redact(&mut record, &Redactor::default());
        assert_eq!(record.tool.as_deref(), Some("mail [REDACTED_EMAIL]"));
    }
}
