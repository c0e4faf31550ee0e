//! How much of arguments and results the format has room for.

use std::borrow::Cow;

use serde_json::Value;

use crate::wire::record::{Json, JsonKind, Place, Scanner, Step};

/// Most characters of a text.
const MAX_TEXT_CHARS: usize = 32_768;
/// Most characters of a key.
const MAX_KEY_CHARS: usize = 256;
/// Most entries of a list, and of an object.
const MAX_ENTRIES: usize = 100;
/// Most containers that one stands within, itself counted.
const MAX_DEPTH: usize = 10;

/// JSON within the limits of the format: the same bytes where it is within them already.
pub(super) fn within_limits(json: Json<'_>) -> Cow<'_, str> {
    let json = json.as_str();
    if is_within_limits(json) {
        return Cow::Borrowed(json);
    }
    let Ok(mut value) = serde_json::from_str(json) else {
        return Cow::Borrowed("null");
    };
    match shrink(&mut value, MAX_DEPTH) {
        true => Cow::Owned(value.to_string()),
        false => Cow::Borrowed(json),
    }
}

/// Whether JSON is surely within the limits, and has nothing in it that `serde_json` may not read.
fn is_within_limits(json: &str) -> bool {
    let holds = |holds: bool| holds.then_some(());
    // The entries of each container that is open, and those of the whole, which is one.
    let (mut entries, mut depth) = ([0; MAX_DEPTH + 1], 0);
    let mut scanner = Scanner::new(json);
    let walked = scanner.walk(&mut |step| match step {
        Step::Open => {
            *entries.get_mut(depth)? += 1;
            depth += 1;
            *entries.get_mut(depth)? = 0;
            Some(())
        }
        Step::Close => {
            holds(*entries.get(depth)? <= MAX_ENTRIES)?;
            depth -= 1;
            Some(())
        }
        // A character has a byte at least, and an escape more than what it stands for; it may be half of a pair.
        Step::Name(name) => holds(is_sound(name, MAX_KEY_CHARS, json)),
        Step::Scalar(value) => {
            *entries.get_mut(depth)? += 1;
            holds(match value.kind {
                JsonKind::Text | JsonKind::Escaped => is_sound(value, MAX_TEXT_CHARS, json),
                JsonKind::Number => is_small(value, json),
                _ => true,
            })
        }
    });
    walked.is_some()
}

fn is_sound(text: Place, most_chars: usize, json: &str) -> bool {
    let is_spelled = || {
        text.of(json)
            .is_none_or(|text| text.as_str().contains("\\u"))
    };
    text.bytes() <= most_chars && !(text.kind == JsonKind::Escaped && is_spelled())
}

/// Whether a number is surely one that a double holds.
fn is_small(number: Place, json: &str) -> bool {
    const MAX_DIGITS: usize = 64;
    let has_exponent = || {
        let number = number.of(json);
        number.is_none_or(|number| number.as_str().contains(['e', 'E']))
    };
    number.bytes() <= MAX_DIGITS && !has_exponent()
}

/// Cuts a value to its limits; returns whether anything was cut.
fn shrink(value: &mut Value, depth: usize) -> bool {
    match value {
        Value::String(text) => cut_owned(text, MAX_TEXT_CHARS),
        Value::Array(_) | Value::Object(_) if depth == 0 => {
            *value = Value::from("[max depth]");
            true
        }
        Value::Array(items) => {
            let is_long = items.len() > MAX_ENTRIES;
            items.truncate(MAX_ENTRIES);
            let shrink = |is_cut, item| shrink(item, depth - 1) | is_cut;
            items.iter_mut().fold(is_long, shrink)
        }
        Value::Object(members) => {
            let is_large = members.len() > MAX_ENTRIES;
            let has_long_key = members.keys().any(|key| cut(key, MAX_KEY_CHARS) != key);
            if is_large || has_long_key {
                let kept = std::mem::take(members).into_iter().take(MAX_ENTRIES);
                *members = kept
                    .map(|(key, value)| (cut(&key, MAX_KEY_CHARS).to_owned(), value))
                    .collect();
            }
            let shrink = |is_cut, value| shrink(value, depth - 1) | is_cut;
            members.values_mut().fold(is_large || has_long_key, shrink)
        }
        _ => false,
    }
}

fn cut_owned(text: &mut String, most: usize) -> bool {
    let kept = cut(text, most).len();
    let is_cut = kept < text.len();
    text.truncate(kept);
    is_cut
}

/// The beginning of a text, of at most so many characters.
pub(super) fn cut(text: &str, most: usize) -> &str {
    // A character has at least one byte.
    if text.len() <= most {
        return text;
    }
    let end = text.char_indices().nth(most);
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shrunk(value: &Value) -> Value {
        serde_json::from_str(&within_limits(Json::read(&value.to_string()))).unwrap()
    }

    #[test]
    fn what_is_within_the_limits_keeps_its_bytes() {
        let json = r#"{ "b":[1,2.50,"x"],  "a":{"c":null} }"#;
        assert!(matches!(within_limits(Json::read(json)), Cow::Borrowed(same) if same == json));
    }

    #[test]
    fn texts_keys_entries_and_levels_end_at_their_limits() {
        let text = |length: usize| "é".repeat(length);
        assert_eq!(shrunk(&json!(text(40_000))), json!(text(32_768)));
        assert_eq!(shrunk(&json!({text(300): 1})), json!({text(256): 1}));
        assert_eq!(shrunk(&json!(vec![1; 101])), json!(vec![1; 100]));
        let members = |count: usize| {
            (0..count)
                .map(|n| (n.to_string(), json!(1)))
                .collect::<serde_json::Map<_, _>>()
        };
        assert_eq!(shrunk(&members(101).into()).as_object().unwrap().len(), 100);
        let nested = |levels: usize| (0..levels).fold(json!(1), |value, _| json!([value]));
        assert_eq!(shrunk(&nested(10)), nested(10));
        let deep = shrunk(&nested(11)).to_string();
        assert_eq!(
            deep,
            format!("{}\"[max depth]\"{}", "[".repeat(10), "]".repeat(10))
        );
    }
}
