//! What the answers of MCP servers mean.

use crate::base::text::cut_at_char;

const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;

/// How much of a message is looked at, in bytes.
const MAX_MESSAGE_BYTES: usize = 1_024;

/// The beginning of the TypeScript SDK's errors.
const PREFIX: &str = "MCP error -32602:";

/// What the Java SDK says about every unknown tool, as an example of the specification does.
const JAVA: &str = "Unknown tool: invalid_tool_name";

/// What precedes the kind of the missing thing.
const IN_FRONT: [&str; 2] = ["unknown", "no such"];

/// What follows the kind, or its name.
const BEHIND: [&str; 9] = [
    "not found",
    "was not found",
    "is not found",
    "could not be found",
    "does not exist",
    "doesn't exist",
    "is not registered",
    "is unknown",
    "unknown",
];

/// Whether a JSON-RPC error says that there is no `kind` of this name: no `tool`, no `prompt`.
///
/// A tool's own code may answer with the same code that an order was not found, in a tool called `order`. So the message
/// has to begin with the kind, and the name beside it; every SDK says both, or the kind alone.
pub(crate) fn denies(kind: &str, name: &str, code: i64, message: &str) -> bool {
    match code {
        METHOD_NOT_FOUND => true,
        INVALID_PARAMS => {
            let text = cut_at_char(message, MAX_MESSAGE_BYTES).trim();
            let text = after(text, PREFIX).unwrap_or(text);
            let text = ["the", "this"]
                .iter()
                .find_map(|word| after(text, word))
                .unwrap_or(text);
            says_none(kind, name, text) || (kind == "tool" && text == JAVA)
        }
        _ => false,
    }
}

fn says_none(kind: &str, name: &str, text: &str) -> bool {
    let any_of = |text, words: &[&str]| words.iter().find_map(|words| after(text, words));
    if let Some(rest) = any_of(text, &IN_FRONT).and_then(|rest| after(rest, kind)) {
        return is_end(rest) || after_name(rest, name).is_some();
    }
    let Some(rest) = after(text, kind) else {
        return false;
    };
    match any_of(rest, &BEHIND) {
        Some(rest) => is_end(rest) || after_name(rest, name).is_some(),
        None => after_name(rest, name).is_some_and(|rest| any_of(rest, &BEHIND).is_some()),
    }
}

/// Returns what follows whole words, in any case, at the start of a text.
fn after<'t>(text: &'t str, words: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(words.len())?;
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let is_whole = !rest.starts_with(is_part) || !words.ends_with(is_part);
    let is_there = start.eq_ignore_ascii_case(words) && is_whole;
    is_there.then(|| rest.trim_start_matches([' ', ':']))
}

/// Returns what follows a name, quoted or not, at the start of a text.
fn after_name<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    const QUOTES: [char; 3] = ['\'', '"', '`'];
    if name.is_empty() {
        return None;
    }
    let quoted = text.strip_prefix(QUOTES);
    let rest = quoted.unwrap_or(text).strip_prefix(name)?;
    let is_whole = match quoted {
        Some(_) => rest.starts_with(QUOTES),
        // A dot or a colon may be a part of a longer name.
        None => {
            let rest = rest.trim_start_matches(['.', ',', ';', ':', '!']);
            rest.is_empty() || rest.starts_with(char::is_whitespace)
        }
    };
    is_whole.then(|| rest.trim_start_matches(QUOTES).trim_start())
}

/// Whether a statement ends here, though more may follow.
fn is_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(['.', ',', ';', '!', '('])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_tool_is_told_by_the_words_of_every_sdk() {
        for (sdk, message) in [
            ("rmcp", "tool not found"),
            ("TypeScript", "Tool order not found"),
            ("TypeScript", "MCP error -32602: Tool order not found"),
            ("Python", "Unknown tool: order"),
            ("Go", "unknown tool \"order\""),
            ("mcp-go", "tool 'order' not found: tool not found"),
            ("C#", "Unknown tool: 'order'"),
            ("Java", "Unknown tool: invalid_tool_name"),
            ("Ruby", "Tool not found: order"),
            ("PHP", "Tool not found: \"order\"."),
            ("by hand", "no such tool"),
            ("by hand", "The tool `order` does not exist."),
            ("by hand", "this tool does not exist"),
            ("by hand", "Unknown tool: order. Did you mean orders?"),
            ("by hand", "unknown tool (see tools/list)"),
        ] {
            let denied = denies("tool", "order", INVALID_PARAMS, message);
            assert!(denied, "{sdk}: {message}");
            assert!(!denies("tool", "order", -32603, message), "{message}");
        }
        assert!(denies("tool", "order", METHOD_NOT_FOUND, ""));
    }

    #[test]
    fn an_error_of_the_tools_own_does_not_deny_the_tool() {
        for message in [
            "",
            "order 17 not found",
            "order not found",
            "'order' not found",
            "order: not found",
            "unknown order",
            "tool orders not found",
            "tool order.line not found",
            "tool 'order 17' not found",
            "Unknown tool: order_17",
            "Unknown tool: 'order_17'",
            "Unknown toolorder",
            "tool order not founded",
            "Unknown tool: order.line",
            "unknown tool type 5",
            "tool not found in the workshop",
            "tooltip not found",
            "the order's tool was not found",
            "tool order needs a number; 17 not found",
            "this tool wants a number",
            "missing field `order`",
            "prompt order not found",
        ] {
            let denied = denies("tool", "order", INVALID_PARAMS, message);
            assert!(!denied, "{message}");
        }
        assert!(!denies("tool", "", INVALID_PARAMS, "tool '' not found"));
    }

    #[test]
    fn an_unknown_prompt_is_told_as_a_tool_is() {
        for message in [
            "prompt 'order' not found",
            "MCP error -32602: Prompt order not found",
            "Unknown prompt: order",
            "unknown prompt \"order\"",
        ] {
            assert!(denies("prompt", "order", INVALID_PARAMS, message));
            assert!(!denies("tool", "order", INVALID_PARAMS, message));
        }
        assert!(!denies("prompt", "order", INVALID_PARAMS, JAVA));
    }

    #[test]
    fn only_the_start_of_a_message_is_looked_at() {
        let name = "\u{e9}".repeat(MAX_MESSAGE_BYTES);
        let message = format!("Unknown tool: {name}");
        assert!(!denies("tool", &name, INVALID_PARAMS, &message));
    }
}
