//! What an ingest received, for a person to read.

use std::fmt::Write;

use jiff::Timestamp;
use mcp_usage::testing::ReceivedEvent;

/// Returns an event as one line: when, who, which project, what, how it ended, why.
#[must_use]
pub fn line(event: &ReceivedEvent) -> String {
    let text = |key| event.meta(key).and_then(|value| value.as_str());
    let at = event
        .json
        .get("event_at")
        .and_then(serde_json::Value::as_i64);
    let at = Timestamp::from_second(at.unwrap_or_default()).unwrap_or_default();
    let what = match event.activity() {
        "MCP_TOOL_CALL" => event.tool().unwrap_or("-"),
        "MCP_IDENTITY_CAPTURE" => "signs in with an agent",
        "MCP_AUTH_REJECTED" => "is not let in",
        "MCP_REQUEST_REFUSED" => "sends what is refused",
        "MCP_INIT" => "lists the tools",
        other => other,
    };
    let how = text("refused").or_else(|| text("outcome")).unwrap_or("-");
    let mut line = format!(
        "{}  {:<24}  {:<10}  {:<24}  {:<22}",
        at.strftime("%H:%M:%S"),
        event.user_id().unwrap_or("-"),
        text("project").unwrap_or("-"),
        what,
        how,
    );
    if let Some(duration) = event.duration_ms() {
        let _ = write!(line, "{duration:>8.1} ms");
    }
    if let Some(intent) = text("prompt") {
        let _ = write!(line, "  {intent:?}");
    }
    // What came over the network must not steer the terminal.
    line.trim_end().replace(char::is_control, "\u{fffd}")
}
