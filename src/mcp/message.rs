//! JSON-RPC messages, read leniently as they pass: what is not understood is passed over.
//!
//! Knows neither the transport that the messages come by nor an SDK's types.

use serde_json::Value;

use crate::event::CallOutcome;

/// Most messages of a list that are read; a list may hold any number.
const MAX_MESSAGES: usize = 100;

/// Reads a message, or a list of them.
pub(crate) fn messages(json: &[u8]) -> impl Iterator<Item = Value> {
    let messages = match serde_json::from_slice(json) {
        Ok(Value::Array(messages)) => messages,
        Ok(message) => vec![message],
        Err(_) => Vec::new(),
    };
    messages.into_iter().take(MAX_MESSAGES)
}

/// A request, which wants an answer.
pub(crate) struct Request<'a> {
    pub(crate) id: String,
    pub(crate) method: &'a str,
    pub(crate) params: &'a Value,
}

impl<'a> Request<'a> {
    /// Reads a message, unless it is none that wants an answer.
    pub(crate) fn read(message: &'a Value) -> Option<Self> {
        static NO_PARAMS: Value = Value::Null;
        Some(Self {
            method: message.get("method")?.as_str()?,
            id: id(message)?,
            params: message.get("params").unwrap_or(&NO_PARAMS),
        })
    }
}

/// Returns a message's id as JSON, so that the number 1 and the string "1" differ.
pub(crate) fn id(message: &Value) -> Option<String> {
    message.get("id").map(Value::to_string)
}

/// Returns the id of a request as it is reported.
pub(crate) fn shown_id(id: &str) -> &str {
    id.trim_matches('"')
}

/// Returns a text among the members of a message.
pub(crate) fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

/// How a request was answered.
pub(crate) enum Answer<'a> {
    Result(&'a Value),
    Error { code: i64, message: &'a str },
}

impl<'a> Answer<'a> {
    /// Reads a message, unless it is no answer.
    pub(crate) fn read(message: &'a Value) -> Option<Self> {
        match message.get("error") {
            Some(error) => Some(Self::Error {
                code: error
                    .get("code")
                    .and_then(Value::as_i64)
                    .unwrap_or_default(),
                message: text(error, "message").unwrap_or_default(),
            }),
            None => message.get("result").map(Self::Result),
        }
    }
}

/// Returns how a call ended whose result this is.
pub(crate) fn outcome(result: &Value) -> CallOutcome {
    match text(result, "resultType") {
        Some("input_required") => CallOutcome::InputRequired,
        Some("task") => CallOutcome::Task,
        _ if result.get("isError") == Some(&Value::Bool(true)) => CallOutcome::ToolError,
        _ => CallOutcome::Ok,
    }
}

/// Returns the texts of a result, which of a failed call say what went wrong.
pub(crate) fn content_text(result: &Value) -> String {
    let blocks = result.get("content").and_then(Value::as_array);
    let texts: Vec<_> = blocks
        .into_iter()
        .flatten()
        .filter_map(|block| text(block, "text"))
        .collect();
    texts.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_or_a_list_of_them_is_read_within_a_bound() {
        let read = |json: &str| messages(json.as_bytes()).collect::<Vec<_>>();
        assert_eq!(read(r#"{"id":1}"#), [json!({"id": 1})]);
        assert_eq!(read(r#"[{"id":1},7]"#), [json!({"id": 1}), json!(7)]);
        assert!(read("[]").is_empty());
        assert!(read(r#"{"id":1"#).is_empty());
        let many = serde_json::to_string(&vec![1; MAX_MESSAGES + 5]).unwrap();
        assert_eq!(read(&many).len(), MAX_MESSAGES);
    }

    #[test]
    fn a_request_has_a_method_and_an_id() {
        let message = json!({"id": "a", "method": "tools/call", "params": {"name": "search"}});
        let request = Request::read(&message).unwrap();
        assert_eq!((&*request.id, request.method), ("\"a\"", "tools/call"));
        assert_eq!(shown_id(&request.id), "a");
        assert_eq!(text(request.params, "name"), Some("search"));
        for message in [
            json!({"method": "notifications/initialized"}),
            json!({"id": 1, "result": {}}),
            json!({"id": 1, "method": 5}),
            json!("a"),
        ] {
            assert!(Request::read(&message).is_none(), "{message}");
        }
        let message = json!({"id": 1, "method": "ping"});
        assert_eq!(Request::read(&message).unwrap().params, &Value::Null);
    }

    #[test]
    fn an_answer_is_a_result_or_an_error() {
        let read = |message: Value| match Answer::read(&message) {
            Some(Answer::Result(result)) => format!("result {result}"),
            Some(Answer::Error { code, message }) => format!("error {code} {message}"),
            None => "none".to_owned(),
        };
        assert_eq!(read(json!({"result": 1})), "result 1");
        let error = json!({"code": -32602, "message": "no", "data": 1});
        assert_eq!(
            read(json!({"result": 1, "error": error})),
            "error -32602 no"
        );
        assert_eq!(read(json!({"error": null})), "error 0 ");
        assert_eq!(read(json!({"method": "sampling/createMessage"})), "none");
    }

    #[test]
    fn a_result_says_how_the_call_ended() {
        for (result, expected) in [
            (json!({"content": []}), CallOutcome::Ok),
            (json!({"isError": false}), CallOutcome::Ok),
            (json!({"isError": "true"}), CallOutcome::Ok),
            (json!({"isError": true}), CallOutcome::ToolError),
            (
                json!({"resultType": "input_required"}),
                CallOutcome::InputRequired,
            ),
            (
                json!({"resultType": "task", "isError": true}),
                CallOutcome::Task,
            ),
            (json!(null), CallOutcome::Ok),
        ] {
            assert_eq!(outcome(&result), expected, "{result}");
        }
    }

    #[test]
    fn the_texts_of_a_result_are_joined() {
        let result = json!({"content": [
            {"type": "text", "text": "no such index"},
            {"type": "image", "data": "…"},
            {"type": "text", "text": "try another"},
        ]});
        assert_eq!(content_text(&result), "no such index\ntry another");
        assert_eq!(content_text(&json!({})), "");
    }
}
