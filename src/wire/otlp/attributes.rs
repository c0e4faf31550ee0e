//! Attributes: names with values, of resources, spans and their events.

use std::borrow::Cow;

use super::protobuf::Message;
use crate::wire::record;

/// A value as OTLP knows it.
#[derive(Debug, PartialEq)]
pub(super) enum Value<'v> {
    Text(Cow<'v, str>),
    Flag(bool),
    Integer(i64),
    Number(f64),
    List(Vec<Cow<'v, str>>),
}

impl<'v> Value<'v> {
    /// The value that JSON says: lists of texts as lists, and other lists and objects as the JSON they are. `None` for
    /// `null`.
    pub(super) fn of(json: &'v str) -> Option<Self> {
        if json == "null" {
            return None;
        }
        if let "true" | "false" = json {
            return Some(Self::Flag(json == "true"));
        }
        if let Some(text) = record::text(json) {
            return Some(Self::Text(text));
        }
        if let Ok(integer) = json.parse() {
            return Some(Self::Integer(integer));
        }
        // Only a number parses: `inf` and the like are no JSON.
        if let Ok(number) = json.parse::<f64>()
            && number.is_finite()
        {
            return Some(Self::Number(number));
        }
        let texts =
            record::items(json).and_then(|items| items.into_iter().map(record::text).collect());
        Some(texts.map_or(Self::Text(Cow::Borrowed(json)), Self::List))
    }

    fn write(&self, value: &mut Message<'_>) {
        match self {
            Self::Text(text) => value.bytes(1, text.as_bytes()),
            Self::Flag(flag) => value.varint(2, u64::from(*flag)),
            Self::Integer(integer) => value.varint(3, *integer as u64),
            Self::Number(number) => value.double(4, *number),
            Self::List(texts) => value.message(5, |list| {
                for text in texts {
                    list.message(1, |value| value.bytes(1, text.as_bytes()));
                }
            }),
        }
    }
}

/// Attributes in a field of a message.
pub(super) struct Attributes<'m, 'b> {
    message: &'m mut Message<'b>,
    field: u8,
}

impl<'m, 'b> Attributes<'m, 'b> {
    pub(super) const fn new(message: &'m mut Message<'b>, field: u8) -> Self {
        Self { message, field }
    }

    pub(super) fn add(&mut self, name: &str, value: &Value<'_>) {
        self.message.message(self.field, |attribute| {
            attribute.bytes(1, name.as_bytes());
            attribute.message(2, |any| value.write(any));
        });
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.add(name, &Value::Text(Cow::Borrowed(text)));
    }

    /// Adds a text, if there is one.
    pub(super) fn known(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.text(name, text);
        }
    }

    /// Adds what JSON says, unless that is `null`.
    pub(super) fn json(&mut self, name: &str, json: &str) {
        if let Some(value) = Value::of(json) {
            self.add(name, &value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_becomes_the_value_that_says_the_same() {
        let text = |text: &'static str| Some(Value::Text(text.into()));
        for (json, value) in [
            ("null", None),
            ("true", Some(Value::Flag(true))),
            ("false", Some(Value::Flag(false))),
            ("-7", Some(Value::Integer(-7))),
            ("0.25", Some(Value::Number(0.25))),
            (
                "18446744073709551615",
                Some(Value::Number(18_446_744_073_709_551_615.0)),
            ),
            ("\"a\"", text("a")),
            ("\"a\\n\\u00e9\"", text("a\né")),
            (
                "[\"a\",\"b\\\"\"]",
                Some(Value::List(vec!["a".into(), "b\"".into()])),
            ),
            ("[]", Some(Value::List(Vec::new()))),
            ("[1,\"a\"]", text("[1,\"a\"]")),
            ("{\"a\":null}", text("{\"a\":null}")),
        ] {
            assert_eq!(Value::of(json), value, "{json}");
        }
    }
}
