//! What the answers of MCP servers say.

use crate::base::text::cut_at_char;

/// Whether a JSON-RPC error says that there is no such tool. Servers agree on neither code nor words.
pub(crate) fn says_unknown(code: i64, message: &str) -> bool {
    const METHOD_NOT_FOUND: i64 = -32601;
    const INVALID_PARAMS: i64 = -32602;
    const LOOKED_AT: usize = 1_024;
    let message = cut_at_char(message, LOOKED_AT).to_ascii_lowercase();
    code == METHOD_NOT_FOUND
        || code == INVALID_PARAMS
            && ["not found", "unknown tool", "no such tool", "not exist"]
                .iter()
                .any(|words| message.contains(words))
}
