//! What the answers of MCP servers say.

use crate::base::text::cut_at_char;

const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;

/// How much of a message is looked at, in bytes.
const MAX_MESSAGE_BYTES: usize = 1_024;

/// Whether a JSON-RPC error says that there is no tool of this name, read by itself: servers agree on neither code nor
/// words, and a tool's own error may say that something else was not found.
pub(crate) fn denies_tool(name: &str, code: i64, message: &str) -> bool {
    match code {
        METHOD_NOT_FOUND => true,
        INVALID_PARAMS => {
            let start = cut_at_char(message, MAX_MESSAGE_BYTES);
            let small = start.to_ascii_lowercase();
            says_not_found(&small) && (has_word(&small, "tool") || has_word(start, name))
        }
        _ => false,
    }
}

/// Whether a text has a word, and not only as a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    text.match_indices(word).any(|(at, _)| {
        let (before, behind) = (text.get(..at), text.get(at + word.len()..));
        !before.is_some_and(|text| text.ends_with(is_part))
            && !behind.is_some_and(|text| text.starts_with(is_part))
    })
}

fn says_not_found(message: &str) -> bool {
    ["not found", "unknown tool", "no such tool", "not exist"]
        .iter()
        .any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_unknown_by_the_code_or_by_the_code_and_the_words() {
        for (code, message, is_unknown) in [
            (METHOD_NOT_FOUND, "", true),
            (INVALID_PARAMS, "Tool not found", true),
            (INVALID_PARAMS, "Unknown tool: serach", true),
            (INVALID_PARAMS, "no such tool", true),
            (INVALID_PARAMS, "The tool `serach` does not exist.", true),
            (INVALID_PARAMS, "missing field `query`", false),
            (-32603, "Tool not found", false),
        ] {
            let denies = denies_tool("serach", code, message);
            assert_eq!(denies, is_unknown, "{code} {message}");
        }
    }

    #[test]
    fn an_error_of_the_tools_own_does_not_deny_the_tool() {
        for (code, message, denies) in [
            (METHOD_NOT_FOUND, "", true),
            (INVALID_PARAMS, "Tool not found", true),
            (INVALID_PARAMS, "serach not found", true),
            (INVALID_PARAMS, "order 17 not found", false),
            (INVALID_PARAMS, "this tool wants a query", false),
        ] {
            assert_eq!(denies_tool("serach", code, message), denies, "{message}");
        }
    }

    #[test]
    fn a_part_of_a_word_names_no_tool() {
        for (name, message, denies) in [
            ("add", "address not found", false),
            ("add", "tooltip not found", false),
            ("get", "widget `get_all` not found", false),
            ("add", "add: not found", true),
            ("add", "'add' not found", true),
            ("add", "this tool does not exist", true),
        ] {
            assert_eq!(
                denies_tool(name, INVALID_PARAMS, message),
                denies,
                "{message}"
            );
        }
    }

    #[test]
    fn only_the_start_of_a_message_is_looked_at() {
        let message = format!("{} not found", "\u{e9}".repeat(MAX_MESSAGE_BYTES));
        assert!(!denies_tool("serach", INVALID_PARAMS, &message));
    }
}
