//! How large a result is: the texts, the data and the structured content that an agent gets.

use serde_json::Value;

/// Most values of structured content that are looked at, and how deep they may stand; a larger one has no size.
const MAX_VALUES: usize = 10_000;
const MAX_DEPTH: usize = 80;

/// Returns the size of a result as it came.
#[cfg(any(feature = "stdio", feature = "tower"))]
pub(crate) fn result_bytes(result: &Value) -> Option<u64> {
    let blocks = result.get("content").and_then(Value::as_array);
    let content = blocks.into_iter().flatten().map(block_bytes).sum::<usize>();
    let structured = result
        .get("structuredContent")
        .map_or(Some(0), json_bytes)?;
    Some((content + structured) as u64)
}

/// The size of a block: of its text or its data, or of those of the resource within.
#[cfg(any(feature = "stdio", feature = "tower"))]
fn block_bytes(block: &Value) -> usize {
    let of = |object: &Value, names: [&str; 2]| -> usize {
        let texts = names
            .into_iter()
            .filter_map(|name| object.get(name)?.as_str());
        texts.map(str::len).sum()
    };
    let resource = block.get("resource");
    of(block, ["text", "data"]) + resource.map_or(0, |resource| of(resource, ["text", "blob"]))
}

/// Returns the size of a value as compact JSON without escapes: strings are not looked into.
pub(crate) fn json_bytes(value: &Value) -> Option<usize> {
    let mut left = MAX_VALUES;
    bytes_within(value, &mut left, MAX_DEPTH)
}

fn bytes_within(value: &Value, left: &mut usize, depth: usize) -> Option<usize> {
    *left = left.checked_sub(1)?;
    let depth = depth.checked_sub(1)?;
    // Brackets, and a comma between two.
    let around = |items: usize| 2 + items.saturating_sub(1);
    Some(match value {
        Value::Null | Value::Bool(true) => 4,
        Value::Bool(false) => 5,
        Value::Number(number) => digits(number),
        Value::String(text) => text.len() + 2,
        Value::Array(items) => {
            let mut bytes = around(items.len());
            for item in items {
                bytes += bytes_within(item, left, depth)?;
            }
            bytes
        }
        Value::Object(members) => {
            let mut bytes = around(members.len());
            for (name, member) in members {
                bytes += name.len() + 3 + bytes_within(member, left, depth)?;
            }
            bytes
        }
    })
}

/// The length of a number, without memory for it.
fn digits(number: &serde_json::Number) -> usize {
    struct Length(usize);
    impl std::fmt::Write for Length {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    let mut length = Length(0);
    // It takes every text.
    let _ = std::fmt::write(&mut length, format_args!("{number}"));
    length.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn structured_content_has_the_size_of_its_json() {
        for value in [
            json!(null),
            json!([true, false, null]),
            json!({"a": [], "b": {}, "c": [{"d": "\u{e9}"}, -1.25, 17, 1e300]}),
            json!(""),
        ] {
            assert_eq!(json_bytes(&value), Some(value.to_string().len()), "{value}");
        }
    }

    #[test]
    fn what_is_too_large_to_be_looked_at_has_no_size() {
        let long = json!("x".repeat(10_000_000));
        assert_eq!(json_bytes(&long), Some(10_000_002));
        assert_eq!(json_bytes(&Value::from(vec![0; MAX_VALUES])), None);
        let deep = (0..=MAX_DEPTH).fold(json!(1), |value, _| json!([value]));
        assert_eq!(json_bytes(&deep), None);
    }

    #[cfg(any(feature = "stdio", feature = "tower"))]
    #[test]
    fn a_result_has_the_size_of_all_that_an_agent_gets() {
        let result = json!({
            "content": [
                {"type": "text", "text": "four"},
                {"type": "image", "data": "AAAA", "mimeType": "image/png"},
                {"type": "resource", "resource": {"uri": "a:b", "text": "text"}},
                {"type": "resource", "resource": {"uri": "a:b", "blob": "AAAA"}},
                {"type": "resource_link", "uri": "a:b"},
                7,
            ],
            "structuredContent": {"a": 1},
            "isError": false,
        });
        assert_eq!(result_bytes(&result), Some(16 + 7));
        assert_eq!(result_bytes(&json!({})), Some(0));
        assert_eq!(result_bytes(&json!({"content": 7})), Some(0));
    }
}
