//! What was recorded, for the tests that play it: see README.md.

use mcp_usage::intent;

/// The calls of a session, in the order of their ends: tool and outcome.
pub(crate) type Calls = &'static [(&'static str, &'static str)];

/// The SDK that speaks, what was recorded, and the calls.
pub(crate) const SESSIONS: [(&str, &str, Calls); 5] = [
    (
        "Python 1.30.0",
        include_str!("python-1.30.0.jsonl"),
        &[
            ("add", "ok"),
            ("add", "ok"),
            ("add", "ok"),
            ("add", "ok"),
            ("add", "tool_error"),
            ("fail", "tool_error"),
            ("ask", "ok"),
            ("absent", "tool_error"),
        ],
    ),
    (
        "Python 2.3.0",
        include_str!("python-2.3.0.jsonl"),
        &[
            ("add", "ok"),
            ("add", "ok"),
            ("add", "ok"),
            ("add", "ok"),
            ("fail", "tool_error"),
            ("count", "ok"),
            ("wait", "cancelled"),
            ("absent", "tool_error"),
        ],
    ),
    (
        "TypeScript 1.32.2",
        include_str!("typescript-1.32.2.jsonl"),
        &[
            ("add", "ok"),
            ("add", "ok"),
            ("add", "ok"),
            ("add", "ok"),
            ("add", "tool_error"),
            ("fail", "tool_error"),
            ("ask", "ok"),
            ("wait", "cancelled"),
            ("absent", "tool_error"),
        ],
    ),
    (
        "rmcp 3.11.0",
        include_str!("rmcp-3.11.0.jsonl"),
        &[
            ("add", "ok"),
            ("add", "ok"),
            ("add", "ok"),
            ("add", "ok"),
            ("add", "tool_error"),
            ("fail", "tool_error"),
            ("absent", "protocol_error"),
            ("wait", "cancelled"),
        ],
    ),
    (
        "rust-mcp-sdk 2.0.0",
        include_str!("rust-mcp-sdk-2.0.0.jsonl"),
        &[
            ("add", "ok"),
            ("add", "ok"),
            ("add", "ok"),
            ("add", "ok"),
            ("add", "tool_error"),
            ("fail", "tool_error"),
            ("absent", "tool_error"),
        ],
    ),
];

/// What is said, in the pieces that were read: whether it is the client who says it, and what.
pub(crate) fn pieces_of(recorded: &str) -> Vec<(bool, Vec<u8>)> {
    let mut pieces = Vec::new();
    for line in recorded.lines() {
        let said: Vec<String> = serde_json::from_str(line).unwrap();
        // The end of a stream has no piece.
        if let [who, piece] = &*said {
            pieces.push((who == "client", piece.clone().into_bytes()));
        }
    }
    pieces
}

/// What the client says and what the server says.
pub(crate) fn said(pieces: &[(bool, Vec<u8>)]) -> [String; 2] {
    [true, false].map(|of| {
        let side = pieces.iter().filter(|(who, _)| *who == of);
        let side = side.flat_map(|(_, piece)| piece.clone()).collect();
        String::from_utf8(side).unwrap()
    })
}

/// Checks what the server and the client saw with the intent beside what was said: the list got the property, and the call of a
/// tool of it that had the argument lost it.
pub(crate) fn check_with_intent(session: &str, said: &[String; 2], seen: &[String; 2]) {
    let ([asked, answered], [server_sees, client_sees]) = (said, seen);
    let mut lists = 0;
    for (sent, seen) in pairs(answered, client_sees) {
        if sent.contains("\"tools\":[") {
            lists += 1;
            without_property(seen, sent);
        } else {
            assert_eq!(seen, sent, "{session}");
        }
    }
    assert_eq!(lists, 1, "{session}");
    let mut taken = 0;
    for (sent, seen) in pairs(asked, server_sees) {
        let without = sent.replace(",\"prompt\":\"To know the sum\"", "");
        taken += usize::from(without != sent);
        assert_eq!(seen, without, "{session}");
    }
    assert_eq!(taken, 1, "{session}");
}

/// The lines of two texts, which are as many.
fn pairs<'t>(sent: &'t str, seen: &'t str) -> impl Iterator<Item = (&'t str, &'t str)> {
    assert_eq!(sent.lines().count(), seen.lines().count());
    sent.lines().zip(seen.lines())
}

/// A list is what the server sent but for the property of each tool, by the letter.
fn without_property(seen: &str, sent: &str) {
    let member = format!("\"prompt\":{}", intent::schema());
    assert_eq!(
        seen.matches(&member).count(),
        sent.matches("\"inputSchema\":").count()
    );
    // The place of a property may have been made for it.
    let none = ",\"properties\":{}";
    let without = seen.replace(&format!(",{member}"), "");
    let without = without.replace(&member, "").replace(none, "");
    assert_eq!(without, sent.replace(none, ""));
}
