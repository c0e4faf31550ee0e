//! Reads from the text of an error for which arguments a call was refused.

use crate::base::text::cut_at_char;

const INVALID_PARAMS: i64 = -32602;

/// How much of a message is looked at, in bytes.
const MAX_MESSAGE_BYTES: usize = 4 * 1024;

/// Most names that are read.
const MAX_NAMES: usize = 20;

/// Where an error of arguments that is a tool's result says so, in bytes: behind a prefix, and the tool's name.
const MAX_START_BYTES: usize = 256;

/// What an error of arguments begins with that is a tool's result. A tool's own error may have the same words later.
const STARTS: [&str; 6] = [
    // rmcp
    "failed to deserialize parameters",
    // TypeScript
    "invalid arguments for tool",
    "input validation error",
    // Python
    "validation error for ",
    "validation errors for ",
    // Go
    "validating \"arguments\"",
];

/// What stands in front of names in quotes.
const IN_FRONT: [&str; 12] = [
    // serde
    "unknown field",
    "missing field",
    "duplicate field",
    // JSON Schema
    "required property",
    "required properties:",
    "missing properties:",
    "additional properties",
    // zod
    "unrecognized key(s) in object:",
    "unrecognized key:",
    "unrecognized keys:",
    "\"keys\":",
    // The first name is the argument, and the others are within it.
    PATH,
];

const PATH: &str = "\"path\":";

const QUOTES: [char; 3] = ['`', '\'', '"'];

/// Returns the names of the arguments for which a call was refused; none where the error is another.
pub(crate) fn refused_arguments(code: Option<i64>, message: &str) -> Vec<&str> {
    let start = cut_at_char(message, MAX_START_BYTES).to_ascii_lowercase();
    if code != Some(INVALID_PARAMS) && !STARTS.iter().any(|words| start.contains(words)) {
        return Vec::new();
    }
    let text = cut_at_char(message, MAX_MESSAGE_BYTES);
    let mut names = Names::default();
    let lower = text.to_ascii_lowercase();
    for words in IN_FRONT {
        let most = if words == PATH { 1 } else { MAX_NAMES };
        for (at, _) in lower.match_indices(words) {
            let rest = text.get(at + words.len()..).unwrap_or_default();
            quoted(rest).take(most).for_each(|name| names.add(name));
        }
    }
    in_lines(text).for_each(|name| names.add(name));
    names.0
}

#[derive(Default)]
struct Names<'t>(Vec<&'t str>);

impl<'t> Names<'t> {
    fn add(&mut self, name: &'t str) {
        if !name.is_empty() && self.0.len() < MAX_NAMES && !self.0.contains(&name) {
            self.0.push(name);
        }
    }
}

/// The names in quotes with which a text begins, behind a bracket, if it is a list.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let between = |c: char| c.is_whitespace() || matches!(c, ',' | '[');
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(between);
        let quote = rest.chars().next().filter(|c| QUOTES.contains(c))?;
        let (name, behind) = rest.strip_prefix(quote)?.split_once(quote)?;
        rest = behind;
        Some(name)
    })
}

/// The names that pydantic puts on a line of their own, above an indented one that says what is wrong.
fn in_lines(text: &str) -> impl Iterator<Item = &str> {
    let pairs = text.lines().zip(text.lines().skip(1));
    let named = pairs.filter(|(line, next)| {
        !line.starts_with(' ') && next.starts_with("  ") && next.contains("[type=")
    });
    named.map(|(line, _)| line.split_once('.').map_or(line, |(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_read_from_the_words_of_every_sdk() {
        for (sdk, message, expected) in [
            (
                "rmcp",
                "failed to deserialize parameters: unknown field `more`, expected `text`",
                &["more"][..],
            ),
            (
                "rmcp",
                "failed to deserialize parameters: missing field `text`",
                &["text"],
            ),
            (
                "rmcp",
                "failed to deserialize parameters: invalid type: string \"a\", expected u32",
                &[],
            ),
            (
                "TypeScript",
                "MCP error -32602: Input validation error: Invalid arguments for tool add: [\n  {\n    \"code\": \
                 \"invalid_type\",\n    \"expected\": \"number\",\n    \"path\": [\n      \"b\",\n      \"x\"\n    ],\n    \
                 \"message\": \"Required\"\n  },\n  {\n    \"code\": \"unrecognized_keys\",\n    \"keys\": [\n      \
                 \"c\",\n      \"d\"\n    ],\n    \"path\": [],\n    \"message\": \"Unrecognized key(s) in object: 'c', \
                 'd'\"\n  }\n]",
                &["c", "d", "b"],
            ),
            (
                "Python",
                "Error executing tool add: 2 validation errors for addArguments\nb\n  Field required [type=missing, \
                 input_value={'a': 1}, input_type=dict]\n    For further information visit https://errors.example\n\
                 a.0.x\n  Input should be a valid integer [type=int_parsing, input_value='q', input_type=str]",
                &["b", "a"],
            ),
            (
                "Go",
                "validating \"arguments\": validating root: required: missing properties: [\"b\" \"c\"]",
                &["b", "c"],
            ),
            (
                "Go",
                "validating \"arguments\": validating root: unexpected additional properties [\"d\"]",
                &["d"],
            ),
            (
                "a JSON Schema",
                "Input validation error: must have required property 'b'",
                &["b"],
            ),
        ] {
            assert_eq!(refused_arguments(None, message), expected, "{sdk}");
        }
        let by_code =
            refused_arguments(Some(INVALID_PARAMS), "missing field `a`, missing field `a`");
        assert_eq!(by_code, ["a"]);
    }

    #[test]
    fn an_error_of_the_tools_own_refuses_no_argument() {
        for message in [
            "",
            "missing field `id` in the answer of the shop",
            "the order has unknown field `x`",
            "2 errors\nb\n  Field required [type=missing]",
            "no such index",
        ] {
            assert!(refused_arguments(None, message).is_empty(), "{message}");
            assert!(refused_arguments(Some(-32603), message).is_empty());
        }
        assert!(refused_arguments(Some(INVALID_PARAMS), "tool 'order' not found").is_empty());
    }

    #[test]
    fn what_is_read_is_bounded() {
        let many: Vec<_> = (0..1_000).map(|n| format!("missing field `{n}`")).collect();
        let message = many.join(", ");
        assert_eq!(
            refused_arguments(Some(INVALID_PARAMS), &message).len(),
            MAX_NAMES
        );
        let late = format!("{} missing field `a`", "\u{e9}".repeat(MAX_MESSAGE_BYTES));
        assert!(refused_arguments(Some(INVALID_PARAMS), &late).is_empty());
        for open in [
            "missing field `a",
            "missing field",
            "\"path\":[",
            "missing field ``",
        ] {
            assert!(
                refused_arguments(Some(INVALID_PARAMS), open).is_empty(),
                "{open}"
            );
        }
    }
}
