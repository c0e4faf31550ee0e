//! Attributes: names with values, of resources, spans and their events.

use super::protobuf::{Message, field_size, integer_size};
use crate::wire::record::{Json, JsonKind, Piece};

/// A value as OTLP knows it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Value<'v> {
    Text(&'v str),
    /// A text of so many bytes that has escapes in the JSON it stands in.
    Escaped(Json<'v>, usize),
    Flag(bool),
    Integer(i64),
    Number(f64),
    /// A list whose items are texts.
    List(Json<'v>),
}

impl<'v> Value<'v> {
    /// The value that JSON says: lists of texts as lists, and other lists and objects as the JSON they are. `None` for
    /// `null`.
    fn of(json: Json<'v>) -> Option<Self> {
        let as_it_is = Self::Text(json.as_str());
        Some(match json.kind {
            JsonKind::Absent | JsonKind::Null => return None,
            JsonKind::True | JsonKind::False => Self::Flag(json.is_true()),
            JsonKind::Text | JsonKind::Escaped => Self::text(json).unwrap_or(as_it_is),
            JsonKind::Number => match json.number() {
                Some(integer) => Self::Integer(integer),
                None => {
                    let number = json.number().filter(|number: &f64| number.is_finite());
                    number.map_or(as_it_is, Self::Number)
                }
            },
            JsonKind::List => match json.items().all(|item| Self::text(item).is_some()) {
                true => Self::List(json),
                false => as_it_is,
            },
            JsonKind::Object => as_it_is,
        })
    }

    /// The text that JSON is, if it is one.
    fn text(json: Json<'v>) -> Option<Self> {
        if json.kind == JsonKind::Escaped {
            let mut pieces = json.pieces();
            let bytes = pieces.try_fold(0, |bytes, piece| Some(bytes + piece?.bytes()));
            return Some(Self::Escaped(json, bytes?));
        }
        json.plain().map(Self::Text)
    }

    /// The bytes of an `AnyValue` that holds it.
    #[inline]
    fn size(&self) -> usize {
        match *self {
            Self::Text(text) => field_size(text.len()),
            Self::Escaped(_, bytes) => field_size(bytes),
            Self::Flag(_) => 2,
            Self::Integer(integer) => integer_size(integer as u64),
            Self::Number(_) => 1 + size_of::<f64>(),
            Self::List(list) => field_size(list_size(list)),
        }
    }

    #[inline]
    fn write(&self, value: &mut Message<'_>) {
        match *self {
            Self::Text(text) => value.bytes(1, text.as_bytes()),
            Self::Escaped(text, bytes) => {
                value.head(1, bytes);
                for piece in text.pieces().flatten() {
                    match piece {
                        Piece::Plain(plain) => value.raw(plain.as_bytes()),
                        Piece::Escaped(character) => {
                            value.raw(character.encode_utf8(&mut [0; 4]).as_bytes());
                        }
                    }
                }
            }
            Self::Flag(flag) => value.varint(2, u64::from(flag)),
            Self::Integer(integer) => value.varint(3, integer as u64),
            Self::Number(number) => value.double(4, number),
            Self::List(list) => {
                value.head(5, list_size(list));
                for text in list.items().filter_map(Self::text) {
                    value.head(1, text.size());
                    text.write(value);
                }
            }
        }
    }
}

/// The bytes of the `ArrayValue` of a list of texts.
fn list_size(list: Json<'_>) -> usize {
    let texts = list.items().filter_map(Value::text);
    texts.map(|text| field_size(text.size())).sum()
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

    /// Adds an attribute whose name is that of two parts.
    fn add(&mut self, name: [&str; 2], value: &Value<'_>) {
        let size = value.size();
        self.begin(name, size);
        self.message.head(2, size);
        value.write(self.message);
    }

    /// As [`add`](Self::add), for a text, as most are.
    #[inline]
    fn add_text(&mut self, name: [&str; 2], text: &[u8]) {
        let size = field_size(text.len());
        self.begin(name, size);
        self.message.heads([(2, size), (1, text.len())]);
        self.message.raw(text);
    }

    /// Begins an attribute whose value has so many bytes.
    #[inline(always)]
    fn begin(&mut self, [prefix, name]: [&str; 2], size: usize) {
        let name_bytes = prefix.len() + name.len();
        let bytes = field_size(name_bytes) + field_size(size);
        self.message.heads([(self.field, bytes), (1, name_bytes)]);
        if !prefix.is_empty() {
            self.message.raw(prefix.as_bytes());
        }
        self.message.raw(name.as_bytes());
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.add_text(["", name], text.as_bytes());
    }

    /// Adds a text, if there is one.
    pub(super) fn some(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.text(name, text);
        }
    }

    /// Adds the text that JSON says, if it says one that is not empty.
    pub(super) fn known(&mut self, name: &str, json: Json<'_>) {
        match (json.plain_bytes(), json.kind) {
            (Some(text), _) if !text.is_empty() => self.add_text(["", name], text),
            (None, JsonKind::Escaped) => {
                if let Some(text) = Value::text(json) {
                    self.add(["", name], &text);
                }
            }
            _ => {}
        }
    }

    /// Adds what JSON says, unless that is `null`.
    pub(super) fn json(&mut self, name: &str, json: Json<'_>) {
        self.named(["", name], json);
    }

    /// As [`json`](Self::json), under a name of two parts.
    pub(super) fn named(&mut self, name: [&str; 2], json: Json<'_>) {
        if let Some(text) = json.plain_bytes() {
            self.add_text(name, text);
        } else if let Some(value) = Value::of(json) {
            self.add(name, &value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attributes as their names with the bytes of their values.
    fn written(json: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let value = Value::of(Json::read(json))?;
        value.write(&mut Message::new(&mut bytes));
        assert_eq!(bytes.len(), value.size(), "{json}");
        Some(bytes)
    }

    #[test]
    fn json_becomes_the_value_that_says_the_same() {
        let text = |text: &str| Some([&[0x0a, text.len() as u8], text.as_bytes()].concat());
        let double = |number: f64| Some([&[0x21][..], &number.to_le_bytes()].concat());
        let negative = [&[0x18, 0xf9][..], &[0xff; 8], &[0x01]].concat();
        for (json, value) in [
            ("null", None),
            ("true", Some(vec![0x10, 1])),
            ("false", Some(vec![0x10, 0])),
            ("300", Some(vec![0x18, 0xac, 0x02])),
            ("-7", Some(negative)),
            ("0.25", double(0.25)),
            ("18446744073709551615", double(18_446_744_073_709_551_615.0)),
            ("1e999", text("1e999")),
            ("\"a\"", text("a")),
            ("\"\"", text("")),
            ("\"a\\n\\u00e9\\ud83d\\ude00\"", text("a\né😀")),
            ("\"\\ud83d\"", text("\"\\ud83d\"")),
            (
                "[ \"a\" , \"b\\\"\" ]",
                Some(b"\x2a\x0b\x0a\x03\x0a\x01a\x0a\x04\x0a\x02b\"".to_vec()),
            ),
            ("[]", Some(vec![0x2a, 0])),
            ("[1,\"a\"]", text("[1,\"a\"]")),
            ("[\"\\ud83d\"]", text("[\"\\ud83d\"]")),
            ("{\"a\":null}", text("{\"a\":null}")),
        ] {
            assert_eq!(written(json), value, "{json}");
        }
    }

    #[test]
    fn an_attribute_has_the_length_of_its_name_and_its_value() {
        for length in [0, 1, 100, 120, 127, 128, 16_384] {
            let text = "x".repeat(length);
            let mut bytes = Vec::new();
            let mut message = Message::new(&mut bytes);
            let mut attributes = Attributes::new(&mut message, 9);
            attributes.add(["prefix.", "name"], &Value::Text(&text));
            let mut expected = Vec::new();
            let mut message = Message::new(&mut expected);
            message.message(9, super::super::protobuf::Size::Medium, |attribute| {
                attribute.bytes(1, b"prefix.name");
                let size = super::super::protobuf::Size::Large;
                attribute.message(2, size, |value| value.bytes(1, text.as_bytes()));
            });
            assert!(bytes == expected, "{length}");
        }
    }
}
