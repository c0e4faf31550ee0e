//! The key in a body, which the mock ingest looks for and then takes out: what it keeps may be printed.

use std::ops::Range;

use memchr::memmem;
use serde_json::Value;

/// The member of a body that holds the key.
pub(super) const BODY_KEY: &str = "api_key";

/// What stands in the place of a key.
const HIDDEN: &[u8] = b"[key]";

/// The key of a whole body, which is the first member.
pub(super) fn find(body: &[u8]) -> Option<String> {
    let range = range(body).filter(|_| body.starts_with(b"{\"api_key\":\""))?;
    let text = body.get(range.start - 1..=range.end)?;
    match serde_json::from_slice(text) {
        Ok(Value::String(key)) if !key.is_empty() => Some(key),
        _ => None,
    }
}

/// Puts another text in the place of the key, also where the body ends within it.
pub(super) fn hide(body: &mut Vec<u8>) {
    if let Some(range) = range(body) {
        body.splice(range, HIDDEN.iter().copied());
    }
}

/// Where the first key stands, without its quotes.
fn range(body: &[u8]) -> Option<Range<usize>> {
    let name = br#""api_key":""#;
    let start = memmem::find(body, name)? + name.len();
    let mut escaped = false;
    let ends = |byte: &u8| {
        let is_end = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        is_end
    };
    let length = body.get(start..)?.iter().position(ends);
    Some(start..length.map_or(body.len(), |length| start + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_and_hidden_also_where_its_body_breaks_off() {
        for (body, key, hidden) in [
            (
                r#"{"api_key":"k-1","batch":[]}"#,
                Some("k-1"),
                r#"{"api_key":"[key]","batch":[]}"#,
            ),
            (
                r#"{"api_key":"k\"\\","b":"x"}"#,
                Some("k\"\\"),
                r#"{"api_key":"[key]","b":"x"}"#,
            ),
            (r#"{"api_key":"k-1"#, None, r#"{"api_key":"[key]"#),
            (
                r#"{"api_key":"","b":1}"#,
                None,
                r#"{"api_key":"[key]","b":1}"#,
            ),
            (
                r#"{"b":{"api_key":"k-1"}}"#,
                None,
                r#"{"b":{"api_key":"[key]"}}"#,
            ),
            (r#"{"batch":[]}"#, None, r#"{"batch":[]}"#),
            ("", None, ""),
        ] {
            assert_eq!(find(body.as_bytes()).as_deref(), key, "{body}");
            let mut bytes = body.as_bytes().to_vec();
            hide(&mut bytes);
            assert_eq!(String::from_utf8(bytes).unwrap(), hidden);
        }
    }
}
