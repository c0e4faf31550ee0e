//! JSON text on its way into an event: copied within the limits, without being parsed into a tree.

mod whole;

use super::json_grammar::{MAX_NUMBER_BYTES, escapes_are_sound, is_in_range, is_number, unescape};
use super::writer::{Stop, ValueWriter};
use crate::base::text::cut_at_char;
use crate::limits;

/// Writes one JSON value given as text; anything else is [`Stop::Foreign`].
pub(crate) fn write(writer: &mut ValueWriter<'_, '_>, text: &str) -> Result<(), Stop> {
    if whole::write(writer, text) {
        return Ok(());
    }
    let mut reader = Reader {
        text,
        at: 0,
        passed: 0,
    };
    reader.value(writer)?;
    reader.space();
    if reader.at == text.len() {
        Ok(())
    } else {
        Err(Stop::Foreign)
    }
}

/// Writes a number given as text.
pub(crate) fn write_number(writer: &mut ValueWriter<'_, '_>, text: &str) -> Result<(), Stop> {
    if !is_number(text) {
        return Err(Stop::Foreign);
    }
    if text.len() <= MAX_NUMBER_BYTES && is_in_range(text) {
        writer.number_text(text);
    } else {
        writer.string(text);
    }
    Ok(())
}

/// Reads JSON text that may be beyond the limits.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// Bytes passed over beyond the limits, up to [`limits::MAX_SKIPPED_BYTES`].
    passed: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The length of the run of such bytes, as far as the budget for what is passed over reaches.
    fn run(&self, class: impl Fn(u8) -> bool) -> usize {
        let rest = self.rest().iter().take(limits::MAX_SKIPPED_BYTES);
        rest.take_while(|&&b| class(b)).count()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Stop> {
        self.space();
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(Stop::Foreign)
        }
    }

    /// Writes a value. Recurses no deeper than the limit of depth, since a container beyond it is
    /// passed over.
    fn value(&mut self, writer: &mut ValueWriter<'_, '_>) -> Result<(), Stop> {
        self.space();
        match self.peek() {
            Some(b'"') => self.string(writer),
            Some(b'{') => self.container(writer, true),
            Some(b'[') => self.container(writer, false),
            Some(b't') => self.word(writer, "true"),
            Some(b'f') => self.word(writer, "false"),
            Some(b'n') => self.word(writer, "null"),
            _ => {
                let length =
                    self.run(|b| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
                let number = self.text.get(self.at..self.at + length).unwrap_or_default();
                self.at += length;
                write_number(writer, number)
            }
        }
    }

    fn word(&mut self, writer: &mut ValueWriter<'_, '_>, word: &'static str) -> Result<(), Stop> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(Stop::Foreign);
        }
        self.at += word.len();
        writer.literal(word);
        Ok(())
    }

    fn container(&mut self, writer: &mut ValueWriter<'_, '_>, is_object: bool) -> Result<(), Stop> {
        let close = if is_object { b'}' } else { b']' };
        let start = self.at;
        if !writer.open(is_object, None) {
            self.at = start;
            return self.pass_value();
        }
        self.at += 1;
        self.space();
        if self.peek() == Some(close) {
            self.at += 1;
            writer.close();
            return Ok(());
        }
        loop {
            let keep = writer.entry()?;
            if is_object {
                self.space();
                let name = self.raw_string(limits::CUT_MARGIN_BYTES)?;
                self.expect(b':')?;
                if keep {
                    match name {
                        RawString::Plain(name) => writer.key(name),
                        RawString::Unended(_) => return Err(Stop::Budget),
                        RawString::Escaped(name) => {
                            writer.key(&unescape(
                                name,
                                limits::MAX_NAME_CHARS + limits::CUT_MARGIN_BYTES,
                            )?);
                        }
                    }
                }
            }
            self.space();
            if keep && !(is_object && writer.keys_only()) {
                self.value(writer)?;
            } else {
                self.pass_value()?;
            }
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b) if b == close => {
                    self.at += 1;
                    writer.close();
                    return Ok(());
                }
                _ => return Err(Stop::Foreign),
            }
        }
    }

    fn string(&mut self, writer: &mut ValueWriter<'_, '_>) -> Result<(), Stop> {
        let most = writer.surely_kept();
        let start = self.at;
        match self.raw_string(writer.raw_window_bytes())? {
            RawString::Plain(text) if text.len() > most => writer.string(text),
            RawString::Escaped(raw) if raw.len() > most => {
                writer.string(&unescape(raw, writer.window_bytes())?);
            }
            RawString::Escaped(raw) if !escapes_are_sound(raw)? => {
                writer.string(&unescape(raw, writer.window_bytes())?);
            }
            RawString::Escaped(_) | RawString::Plain(_) => {
                writer.string_text(self.text.get(start..self.at).unwrap_or("\"\""));
            }
            RawString::Unended(raw) => {
                writer.string(&unescape(raw, writer.window_bytes())?);
                return Err(Stop::Budget);
            }
        }
        Ok(())
    }

    /// Steps over a string and returns what is between its quotes. Beyond `window` bytes its end is
    /// searched only as far as the budget for what is passed over reaches.
    fn raw_string(&mut self, window: usize) -> Result<RawString<'t>, Stop> {
        if self.peek() != Some(b'"') {
            return Err(Stop::Foreign);
        }
        let start = self.at + 1;
        let budget = window + limits::MAX_SKIPPED_BYTES.saturating_sub(self.passed);
        let bytes = cut_at_char(self.text, start + budget).as_bytes();
        let reach = bytes.len();
        let mut at = start;
        let mut escapes = false;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(found) = memchr::memchr2(b'"', b'\\', rest) else {
                return self.unended(start, at, reach);
            };
            let end = at + found;
            if bytes.get(end) == Some(&b'\\') {
                // No escape is longer than two that make up a pair.
                if end + 12 > reach && reach < self.text.len() {
                    return self.unended(start, end, end);
                }
                escapes = true;
                at = end + 2;
                continue;
            }
            self.at = end + 1;
            self.passed += (end - start).saturating_sub(window);
            let raw = self.text.get(start..end).ok_or(Stop::Foreign)?;
            if raw.bytes().any(|b| b < 0x20) {
                return Err(Stop::Foreign);
            }
            return Ok(if escapes {
                RawString::Escaped(raw)
            } else {
                RawString::Plain(raw)
            });
        }
    }

    /// A string whose end was not found up to `end`: it goes on behind, or the text is broken off.
    fn unended(&self, start: usize, at: usize, end: usize) -> Result<RawString<'t>, Stop> {
        if end >= self.text.len() || at > end {
            return Err(Stop::Foreign);
        }
        self.text
            .get(start..end)
            .map(RawString::Unended)
            .ok_or(Stop::Foreign)
    }

    /// Steps over one value unseen, without recursion.
    fn pass_value(&mut self) -> Result<(), Stop> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            self.space();
            match self.peek() {
                Some(b'"') => {
                    if let RawString::Unended(_) = self.raw_string(0)? {
                        return Err(Stop::Budget);
                    }
                }
                Some(b'{' | b'[') => {
                    self.at += 1;
                    depth += 1;
                }
                Some(b'}' | b']') if depth > 0 => {
                    self.at += 1;
                    depth -= 1;
                }
                Some(b',' | b':') if depth > 0 => self.at += 1,
                Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'a'..=b'z' | b'E') => {
                    self.at += self.run(
                        |b| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'a'..=b'z' | b'E'),
                    );
                }
                _ => return Err(Stop::Foreign),
            }
            if self.passed + (self.at - start) > limits::MAX_SKIPPED_BYTES {
                return Err(Stop::Budget);
            }
            if depth == 0 {
                self.passed += self.at - start;
                return Ok(());
            }
        }
    }
}

/// A string as it stands between its quotes.
enum RawString<'t> {
    /// Without escapes.
    Plain(&'t str),
    Escaped(&'t str),
    /// The beginning of a string that is too long to be read to its end.
    Unended(&'t str),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;
    use serde_json::{Map, Number, Value};

    use super::*;
    use crate::capture::buffer::JsonBuffer;
    use crate::capture::cutter::Cutter;
    use crate::capture::writer::Capture;
    use crate::capture::{CapturePolicy, capture_value};
    use crate::ledger::Ledger;
    use crate::limits::Limits;
    use crate::redact::Redactor;

    fn captured_within(
        limits: Limits,
        value: &(impl serde::Serialize + Sync),
        arguments: bool,
    ) -> String {
        let policy = CapturePolicy {
            limits,
            redactor: Redactor::off(),
        };
        let ledger = Ledger::default();
        let captured = capture_value(&policy, value, arguments, &ledger);
        assert_eq!(ledger.snapshot(0).panics, 0);
        String::from_utf8(captured.json.as_bytes().to_vec()).unwrap()
    }

    fn captured(value: &(impl serde::Serialize + Sync), arguments: bool) -> String {
        captured_within(Limits::default(), value, arguments)
    }

    fn number() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,2})?"
                .prop_map(|text| Value::Number(text.parse::<Number>().unwrap())),
        ]
    }

    /// Values of all shapes; `large` ones go beyond the limits, but not beyond what is passed over
    /// before the rest is left out, which trees and texts count in different units.
    fn value(large: bool) -> impl Strategy<Value = Value> {
        let (items, length) = if large { (12, 90) } else { (6, 30) };
        let text = proptest::collection::vec(
            prop_oneof![
                Just('"'),
                Just('\\'),
                Just('\n'),
                Just('\u{1}'),
                Just('é'),
                Just('😀'),
                any::<char>(),
                proptest::char::range('a', 'z'),
            ],
            0..length,
        )
        .prop_map(|chars| chars.into_iter().collect::<String>());
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            number(),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(if large { 7 } else { 4 }, 150, items, move |inner| {
            let names = prop_oneof![
                Just("query".to_owned()),
                Just("data".to_owned()),
                text.clone()
            ];
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..items as usize).prop_map(Value::from),
                proptest::collection::vec((names, inner), 0..items as usize)
                    .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
            ]
        })
    }

    fn within(value: &Value, limits: &Limits, depth: usize, top: bool) -> Result<(), String> {
        match value {
            Value::Array(items) if items.len() > limits.list_items => Err("items".to_owned()),
            Value::Array(items) => items
                .iter()
                .try_for_each(|item| within(item, limits, depth + 1, false)),
            Value::Object(members) => {
                let most = if top {
                    limits.top_keys
                } else {
                    limits.nested_keys
                };
                if members.len() > most + 1 {
                    return Err(format!("{} keys", members.len()));
                }
                members
                    .values()
                    .try_for_each(|member| within(member, limits, depth + 1, false))
            }
            Value::String(text) if text.chars().count() > limits.string_chars => {
                Err("characters".to_owned())
            }
            _ if depth > limits.depth + 1 => Err("depth".to_owned()),
            _ => Ok(()),
        }
    }

    #[test]
    fn a_name_that_its_object_has_already_gets_a_number() {
        let long = "x".repeat(300);
        for (text, expected) in [
            (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":1,"b":2,"a 3":3}"#),
            (r#"{"a":1,"\u0061":2,"a":3}"#, r#"{"a":1,"a 2":2,"a 3":3}"#),
            (r#"{"a":1,"a 2":2,"a":3}"#, r#"{"a":1,"a 2":2,"a 3":3}"#),
            (
                r#"[{"a":{"a":1},"b":{"a":1,"a":2}}]"#,
                r#"[{"a":{"a":1},"b":{"a":1,"a 2":2}}]"#,
            ),
            (
                r#"{"a":1,"a 3":2,"a":3}"#,
                r#"{"a":1,"a 3":2,"a 2092789425003139053":3}"#,
            ),
            (r#"{"":1,"":2}"#, r#"{"":1," 2":2}"#),
            (r#"["a","a"]"#, r#"["a","a"]"#),
            (
                &format!(r#"{{"{long}":1,"{long}y":2}}"#),
                &format!(r#"{{"{cut}...":1,"{cut}... 2":2}}"#, cut = "x".repeat(253)),
            ),
        ] {
            let raw = RawValue::from_string(text.to_owned()).unwrap();
            assert_eq!(captured(&raw, true), expected, "{text}");
        }
    }

    #[test]
    fn the_name_of_a_variant_is_no_second_member() {
        #[derive(serde::Serialize)]
        #[serde(rename_all = "snake_case")]
        enum Shape {
            Circle { radius: u8 },
            Line(u8, u8),
        }
        #[derive(serde::Serialize)]
        struct Drawing {
            circle: Shape,
            line: Shape,
        }
        let drawing = Drawing {
            circle: Shape::Circle { radius: 1 },
            line: Shape::Line(1, 2),
        };
        let expected = r#"{"circle":{"circle":{"radius":1}},"line":{"line":[1,2]}}"#;
        assert_eq!(captured(&drawing, true), expected);
    }

    #[test]
    fn a_number_that_no_double_holds_is_a_string() {
        for (text, expected) in [
            ("1e308", "1e308"),
            ("-1E+308", "-1E+308"),
            ("1e309", r#""1e309""#),
            ("[-2e99999]", r#"["-2e99999"]"#),
            ("1e-99999", "1e-99999"),
        ] {
            let raw = RawValue::from_string(text.to_owned()).unwrap();
            assert_eq!(captured(&raw, true), expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 200, ..ProptestConfig::default() })]

        #[test]
        fn what_is_within_the_limits_is_written_as_it_is(value in value(false)) {
            let text = captured(&value, true);
            prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), &value);
            let raw = serde_json::value::to_raw_value(&value).unwrap();
            prop_assert_eq!(captured(&raw, true), text);
        }

        #[test]
        fn a_tree_and_its_text_are_written_alike_and_within_the_limits(value in value(true), arguments: bool) {
            let limits = Limits::default()
                .max_string_chars(40)
                .max_query_chars(20)
                .max_list_items(5)
                .max_top_keys(7)
                .max_nested_keys(6)
                .max_depth(3);
            let raw = serde_json::value::to_raw_value(&value).unwrap();
            let tree = captured_within(limits, &value, arguments);
            let text = captured_within(limits, &raw, arguments);
            let tree: Value = serde_json::from_str(&tree).unwrap();
            let text: Value = serde_json::from_str(&text).unwrap();
            prop_assert!(within(&tree, &limits, 0, true).is_ok(), "{:?}", within(&tree, &limits, 0, true));
            prop_assert!(within(&text, &limits, 0, true).is_ok());
            prop_assert_eq!(tree, text);
        }

        #[test]
        fn white_space_changes_nothing(value in value(false)) {
            let pretty = RawValue::from_string(serde_json::to_string_pretty(&value).unwrap()).unwrap();
            let sent: Value = serde_json::from_str(&captured(&pretty, true)).unwrap();
            prop_assert_eq!(sent, value);
        }

        #[test]
        fn any_text_is_json_or_refused(text in "[\\[\\]{}:,\"\\\\ntrue0-9eE.+ \\-u]{0,40}") {
            let mut out = JsonBuffer::default();
            let (limits, redactor) = (Limits::default(), Redactor::off());
            let mut cutter = Cutter::new(&redactor);
            let capture = Capture::Value { arguments: false };
            let mut writer = ValueWriter::new(&mut out, &limits, &mut cutter, capture, usize::MAX);
            let written = write(&mut writer, &text);
            let valid = serde_json::from_str::<&RawValue>(&text).is_ok();
            prop_assert_eq!(written.is_ok(), valid, "{:?}", written);
            if valid {
                prop_assert!(serde_json::from_slice::<Value>(out.as_bytes()).is_ok());
            }
        }
    }
}
