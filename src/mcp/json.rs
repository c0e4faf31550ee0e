//! JSON as other implementations write it, read leniently.
//!
//! Beyond the standard these are read: lone surrogates and bytes that are not UTF-8, as U+FFFD; control
//! characters in strings; numbers in any spelling, and those that JSON does not have, `NaN` among them,
//! as null; a key that comes twice, with its last value; a comma too many; any depth.

use serde_json::{Map, Number, Value};

/// Most containers that one may stand within; what is deeper is passed over, and null stands for it. It
/// is deeper than any event is captured.
const MAX_DEPTH: usize = 80;

/// Reads values, one after another.
pub(super) struct JsonReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> JsonReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes: bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes),
            at: 0,
        }
    }

    /// Begins to read at a place of a text.
    pub(super) const fn at(bytes: &'a [u8], place: usize) -> Self {
        Self { bytes, at: place }
    }

    /// Where it is.
    pub(super) const fn place(&self) -> usize {
        self.at
    }

    /// Returns the next byte that is not blank.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let rest = self.bytes.get(self.at..)?;
        let blanks = rest.iter().take_while(|byte| byte.is_ascii_whitespace());
        self.at += blanks.count();
        self.bytes.get(self.at).copied()
    }

    /// Passes over a byte, if it comes next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let comes = self.peek() == Some(byte);
        self.at += usize::from(comes);
        comes
    }

    /// Reads a value; `None` if there is none.
    pub(super) fn value(&mut self) -> Option<Value> {
        self.value_within(0)
    }

    fn value_within(&mut self, depth: usize) -> Option<Value> {
        match self.peek()? {
            b'{' | b'[' if depth == MAX_DEPTH => self.skip().map(|()| Value::Null),
            b'{' => self.object(depth + 1),
            b'[' => self.list(depth + 1),
            b'"' => self.string().map(Value::String),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        let mut members = Map::new();
        self.at += 1;
        while !self.take(b'}') {
            if self.peek()? != b'"' {
                return None;
            }
            let name = self.string()?;
            if !self.take(b':') {
                return None;
            }
            members.insert(name, self.value_within(depth)?);
            if !self.take(b',') && self.peek()? != b'}' {
                return None;
            }
        }
        Some(Value::Object(members))
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        self.at += 1;
        while !self.take(b']') {
            items.push(self.value_within(depth)?);
            if !self.take(b',') && self.peek()? != b']' {
                return None;
            }
        }
        Some(Value::Array(items))
    }

    /// Passes over a value of any depth; `None` if there is none.
    pub(super) fn skip(&mut self) -> Option<()> {
        let mut open = 0_usize;
        loop {
            match self.peek()? {
                b'{' | b'[' => {
                    open += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    open = open.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' if open > 0 => self.at += 1,
                b'"' => drop(self.quoted()?),
                _ => drop(self.word()?),
            }
            if open == 0 {
                return Some(());
            }
        }
    }

    /// Reads a number, `true`, `false` or `null`.
    fn word(&mut self) -> Option<Value> {
        let rest = self.bytes.get(self.at..)?;
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-._".contains(byte);
        let length = rest.iter().take_while(is_part).count();
        let word = str::from_utf8(rest.get(..length)?).ok()?;
        let value = match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            _ => number(word)?,
        };
        self.at += length;
        Some(value)
    }

    /// Returns what stands between the quotes of a string, escapes and all.
    fn quoted(&mut self) -> Option<&'a [u8]> {
        let start = self.at + 1;
        let mut end = start;
        loop {
            end += memchr::memchr2(b'"', b'\\', self.bytes.get(end..)?)?;
            if self.bytes.get(end) == Some(&b'"') {
                break;
            }
            end += 2;
        }
        self.at = end + 1;
        self.bytes.get(start..end)
    }

    pub(super) fn string(&mut self) -> Option<String> {
        self.quoted().map(unescaped)
    }
}

/// Reads a number in any spelling; null stands for one that JSON does not have.
fn number(word: &str) -> Option<Value> {
    if let Ok(number) = word.parse::<Number>() {
        return Some(Value::Number(number));
    }
    let number = word.parse::<f64>().ok()?;
    Some(Number::from_f64(number).map_or(Value::Null, Value::Number))
}

/// Returns a string without its escapes.
fn unescaped(quoted: &[u8]) -> String {
    let mut text = String::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at(at);
        text.push_str(&String::from_utf8_lossy(plain));
        let (character, length) = match escape.get(1) {
            Some(b'b') => (Some('\u{8}'), 2),
            Some(b'f') => (Some('\u{c}'), 2),
            Some(b'n') => (Some('\n'), 2),
            Some(b'r') => (Some('\r'), 2),
            Some(b't') => (Some('\t'), 2),
            Some(b'\\') => (Some('\\'), 2),
            Some(b'u') => {
                let (character, length) = code_point(escape);
                (Some(character), length)
            }
            // A quote or a slash; what needs no escape stands for itself, too.
            _ => (None, 1),
        };
        text.extend(character);
        rest = escape.get(length..).unwrap_or_default();
    }
    text.push_str(&String::from_utf8_lossy(rest));
    text
}

/// Reads the character of `\uXXXX`, or of two that are one; returns how long it is, too.
fn code_point(escape: &[u8]) -> (char, usize) {
    const HALF: usize = 6;
    let Some(unit) = code_unit(escape) else {
        return (char::REPLACEMENT_CHARACTER, 2);
    };
    let low = || escape.get(HALF..).and_then(code_unit);
    let is_high = (0xD800..0xDC00).contains(&unit);
    match low() {
        Some(low) if is_high && (0xDC00..0xE000).contains(&low) => {
            let joined = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            let joined = char::from_u32(joined);
            (joined.unwrap_or(char::REPLACEMENT_CHARACTER), 2 * HALF)
        }
        _ => {
            let alone = char::from_u32(unit);
            (alone.unwrap_or(char::REPLACEMENT_CHARACTER), HALF)
        }
    }
}

fn code_unit(escape: &[u8]) -> Option<u32> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: impl AsRef<[u8]>) -> Option<Value> {
        let mut reader = JsonReader::new(text.as_ref());
        let value = reader.value()?;
        reader.peek().is_none().then_some(value)
    }

    #[test]
    fn what_the_standard_does_not_allow_is_read_all_the_same() {
        for (text, expected) in [
            (&b"\xef\xbb\xbf {\"a\":1} "[..], json!({"a": 1})),
            (
                br#""\ud83d\ude00 \ud800x \udc00\ud800\u0041""#,
                json!("\u{1f600} \u{fffd}x \u{fffd}\u{fffd}A"),
            ),
            (
                br#""\u12 \q \" \\ \/ \n\u00e9""#,
                json!("\u{fffd}12 q \" \\ / \n\u{e9}"),
            ),
            (b"\"a\nb\x00\xffc\"", json!("a\nb\u{0}\u{fffd}c")),
            (br#"{"a":1,"b":2,"a":3,}"#, json!({"a": 3, "b": 2})),
            (b"[01, +2, .5, 1., 1,]", json!([1.0, 2.0, 0.5, 1.0, 1])),
            (b"[NaN, Infinity, -Infinity]", json!([null, null, null])),
            (b"[true,false,null]", json!([true, false, null])),
        ] {
            let shown = String::from_utf8_lossy(text);
            assert_eq!(read(text), Some(expected), "{shown}");
        }
    }

    #[test]
    fn what_is_no_json_is_not_read() {
        for text in [
            "",
            " ",
            "{",
            "[1",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{a:1}",
            "{\"a\" 1}",
            "[1 2]",
            "[,]",
            "\"a",
            "\"a\\",
            "hello",
            "<html>",
            "{\"a\":}",
            "]",
            "{]",
            "\u{e9}",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn depth_beyond_what_is_captured_is_passed_over() {
        for depth in [MAX_DEPTH, MAX_DEPTH + 1, 100_000] {
            let (open, close) = ("[{\"a\":".repeat(depth / 2), "}]".repeat(depth / 2));
            let text = format!("[{open}\"}}]\"{close},\"next\"]");
            let value = read(text).unwrap();
            assert_eq!(value[1], "next");
            let mut within = 0;
            let mut at = &value;
            while let Some(next) = at.get(0).or_else(|| at.get("a")) {
                at = next;
                within += 1;
            }
            assert_eq!(within, MAX_DEPTH.min(depth / 2 * 2 + 1));
        }
    }

    proptest! {
        #[test]
        fn what_is_json_is_read_as_it_is(text in any::<String>(), number in any::<i64>(), more in any::<f64>()) {
            let value = json!({"text": text, text.clone(): [number, more, {"a": []}, true]});
            let written = value.to_string();
            prop_assert_eq!(read(&written), Some(serde_json::from_str(&written).unwrap()));
        }

        #[test]
        fn nothing_panics_and_what_is_passed_over_is_what_is_read(bytes in "[\\[\\]{}:,\"\\\\u0-9a-fn. \u{e9}]{0,40}") {
            let mut reads = JsonReader::new(bytes.as_bytes());
            let mut skips = JsonReader::new(bytes.as_bytes());
            if reads.value().is_some() {
                prop_assert!(skips.skip().is_some());
                prop_assert_eq!(reads.at, skips.at);
            }
        }
    }
}
