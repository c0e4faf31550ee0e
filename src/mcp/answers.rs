//! What the answers of MCP servers say.

/// Whether a JSON-RPC error says that there is no such tool. Servers agree on neither code nor words.
#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) fn says_unknown(code: i64, message: &str) -> bool {
    const METHOD_NOT_FOUND: i64 = -32601;
    const INVALID_PARAMS: i64 = -32602;
    const LOOKED_AT: usize = 1_024;
    let mut end = message.len().min(LOOKED_AT);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    let message = message.get(..end).unwrap_or_default().to_ascii_lowercase();
    code == METHOD_NOT_FOUND
        || code == INVALID_PARAMS
            && ["not found", "unknown tool", "no such tool", "not exist"]
                .iter()
                .any(|words| message.contains(words))
}
