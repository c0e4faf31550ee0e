//! JSON-RPC messages, read leniently while they pass: what is not understood is skipped and counted.
//!
//! Knows neither the transport nor an SDK's types.

use serde_json::Value;

use super::json::JsonReader;
use crate::event::CallOutcome;

/// Most messages of a text that are read; a list may hold any number.
const MAX_MESSAGES: usize = 100;

/// The messages of a text.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    pub(crate) read: Vec<Value>,
    /// How many were not read: those beyond the bound, and what is no JSON as one.
    pub(crate) unread: u64,
}

impl Messages {
    /// Reads a message, a list of them, or several one after another.
    pub(crate) fn read(text: &[u8]) -> Self {
        let mut messages = Self::default();
        let mut reader = JsonReader::new(text);
        while reader.peek().is_some() {
            if messages.take_next(&mut reader).is_none() {
                messages.unread += 1;
                break;
            }
        }
        messages
    }

    /// Takes a message, or a list of them; `None` where neither comes next.
    fn take_next(&mut self, reader: &mut JsonReader<'_>) -> Option<()> {
        if !reader.take(b'[') {
            return self.take_message(reader);
        }
        while !reader.take(b']') {
            self.take_message(reader)?;
            if !reader.take(b',') && reader.peek() != Some(b']') {
                return None;
            }
        }
        Some(())
    }

    fn take_message(&mut self, reader: &mut JsonReader<'_>) -> Option<()> {
        if self.read.len() < MAX_MESSAGES {
            self.read.push(reader.value()?);
        } else {
            reader.skip()?;
            self.unread += 1;
        }
        Some(())
    }
}

/// The id that a request and its answer share; the number 1 and the string "1" differ.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum MessageId {
    /// A number, in one spelling whatever the message's.
    Number(String),
    Text(String),
    /// There is none, as in an answer to what could not be read.
    Absent,
}

impl MessageId {
    pub(crate) fn of(message: &Value) -> Self {
        Self::read(message.get("id"))
    }

    /// Reads an id, as the one of a request that a notification names.
    pub(crate) fn read(id: Option<&Value>) -> Self {
        /// Up to this, a number with a fraction of zero is a whole one, and no digit is lost.
        const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
        match id {
            Some(Value::String(id)) => Self::Text(id.clone()),
            Some(Value::Number(id)) => match id.as_f64() {
                // Adding zero makes -0 the same.
                Some(number) if number.abs() < MAX_EXACT => {
                    Self::Number((number + 0.0).to_string())
                }
                _ => Self::Number(id.to_string()),
            },
            _ => Self::Absent,
        }
    }

    /// Returns the id as it is reported.
    pub(crate) fn shown(&self) -> Option<&str> {
        match self {
            Self::Number(id) | Self::Text(id) => Some(id),
            Self::Absent => None,
        }
    }
}

/// A request, or a notification, which has no id.
pub(crate) struct RpcRequest<'a> {
    pub(crate) id: MessageId,
    pub(crate) method: &'a str,
    pub(crate) params: &'a Value,
}

impl<'a> RpcRequest<'a> {
    /// Reads a message, unless it names no method.
    pub(crate) fn read(message: &'a Value) -> Option<Self> {
        static NO_PARAMS: Value = Value::Null;
        Some(Self {
            method: message.get("method")?.as_str()?,
            id: MessageId::of(message),
            params: message.get("params").unwrap_or(&NO_PARAMS),
        })
    }
}

/// Returns a text among the members of a message.
pub(crate) fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

/// How a request was answered.
pub(crate) enum RpcResponse<'a> {
    Result(&'a Value),
    Error { code: i64, message: &'a str },
}

impl<'a> RpcResponse<'a> {
    /// Reads a message, unless it is no answer.
    pub(crate) fn read(message: &'a Value) -> Option<Self> {
        // An older JSON-RPC has both members in every answer, one of them null.
        match message.get("error").filter(|error| !error.is_null()) {
            Some(error) => Some(Self::Error {
                code: error.get("code").and_then(whole).unwrap_or_default(),
                message: text(error, "message")
                    .or(error.as_str())
                    .unwrap_or_default(),
            }),
            None => message.get("result").map(Self::Result),
        }
    }
}

/// Returns a whole number in any spelling.
fn whole(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_f64().map(|number| number as i64))
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

/// Returns the methods of what a round asks the client for, in the order of its keys.
pub(crate) fn input_request_methods(result: &Value) -> Vec<&str> {
    let asks = result.get("inputRequests").and_then(Value::as_object);
    let named = asks.into_iter().flatten();
    let mut named: Vec<_> = named
        .filter_map(|(key, ask)| Some((key, text(ask, "method")?)))
        .collect();
    named.sort_unstable();
    named.into_iter().map(|(_, method)| method).collect()
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
    fn a_message_a_list_or_several_are_read_within_a_bound_and_the_others_counted() {
        let read = |json: &str| {
            let Messages { read, unread } = Messages::read(json.as_bytes());
            (read, unread)
        };
        let (one, two) = (json!({"id": 1}), json!({"id": 2}));
        assert_eq!(read(r#"{"id":1}"#), (vec![one.clone()], 0));
        assert_eq!(read(r#"[{"id":1},7]"#), (vec![one.clone(), json!(7)], 0));
        let both = vec![one.clone(), two];
        assert_eq!(read("{\"id\":1}\n{\"id\":2}\n"), (both, 0));
        for nothing in ["", " \n", "[]"] {
            assert_eq!(read(nothing), (Vec::new(), 0), "{nothing:?}");
        }
        for (broken, before) in [
            (r#"{"id":1"#, vec![]),
            ("<html>", vec![]),
            (r#"[{"id":1},"#, vec![one.clone()]),
            (r#"{"id":1} and more"#, vec![one.clone()]),
        ] {
            assert_eq!(read(broken), (before, 1), "{broken}");
        }
        let many = serde_json::to_string(&vec![&one; MAX_MESSAGES + 5]).unwrap();
        let (within, beyond) = read(&many);
        assert_eq!((within.len(), beyond), (MAX_MESSAGES, 5));
    }

    #[test]
    fn an_id_is_the_same_in_any_spelling_and_a_number_is_no_text() {
        let id = |id: &str| {
            let text = format!(r#"{{"id":{id}}}"#);
            MessageId::of(&Messages::read(text.as_bytes()).read[0])
        };
        let one = MessageId::Number("1".to_owned());
        for spelling in ["1", "1.0", "1e0", "10E-1", "01", "+1"] {
            assert_eq!(id(spelling), one, "{spelling}");
        }
        assert_eq!(id("-0"), id("0.0"));
        assert_eq!(id("1.50"), id("1.5"));
        assert_ne!(id("9007199254740993"), id("9007199254740992"));
        assert_eq!(
            id(r#""\u0061\ud800""#),
            MessageId::Text("a\u{fffd}".to_owned())
        );
        assert_ne!(id(r#""1""#), one);
        for none in ["null", "true", "[1]"] {
            assert_eq!(id(none), MessageId::Absent, "{none}");
        }
        assert_eq!(
            (id(r#""a""#).shown(), id("7").shown()),
            (Some("a"), Some("7"))
        );
    }

    #[test]
    fn a_request_has_a_method_and_a_notification_no_id() {
        let message = json!({"id": "a", "method": "tools/call", "params": {"name": "search"}});
        let request = RpcRequest::read(&message).unwrap();
        assert_eq!(
            (request.id.shown(), request.method),
            (Some("a"), "tools/call")
        );
        assert_eq!(text(request.params, "name"), Some("search"));
        for message in [
            json!({"id": 1, "result": {}}),
            json!({"id": 1, "method": 5}),
            json!("a"),
        ] {
            assert!(RpcRequest::read(&message).is_none(), "{message}");
        }
        let message = json!({"method": "ping"});
        let request = RpcRequest::read(&message).unwrap();
        assert_eq!(
            (request.id, request.params),
            (MessageId::Absent, &Value::Null)
        );
    }

    #[test]
    fn an_answer_is_a_result_or_an_error() {
        let read = |message: Value| match RpcResponse::read(&message) {
            Some(RpcResponse::Result(result)) => format!("result {result}"),
            Some(RpcResponse::Error { code, message }) => format!("error {code} {message}"),
            None => "none".to_owned(),
        };
        assert_eq!(read(json!({"result": 1})), "result 1");
        let error = json!({"code": -32602, "message": "no", "data": 1});
        assert_eq!(
            read(json!({"result": 1, "error": error})),
            "error -32602 no"
        );
        assert_eq!(read(json!({"result": 1, "error": null})), "result 1");
        assert_eq!(read(json!({"error": "no"})), "error 0 no");
        assert_eq!(read(json!({"error": {"code": -32601.0}})), "error -32601 ");
        assert_eq!(read(json!({"error": null})), "none");
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
    fn a_round_names_the_methods_of_what_it_asks_for_in_the_order_of_its_keys() {
        let result = json!({"inputRequests": {
            "b": {"method": "roots/list"},
            "a": {"method": "elicitation/create", "params": {}},
            "c": {"method": "roots/list"},
            "d": {"method": 7},
            "e": "roots/list",
        }});
        let methods = ["elicitation/create", "roots/list", "roots/list"];
        assert_eq!(input_request_methods(&result), methods);
        for none in [json!({}), json!({"inputRequests": null}), json!(7)] {
            assert!(input_request_methods(&none).is_empty(), "{none}");
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
