//! What common agents read about a server, ready to paste.

use serde_json::{Value, json};

/// The settings of one agent.
pub(super) struct AgentConfig {
    pub(super) agent: &'static str,
    /// Where the agent reads it.
    pub(super) file: &'static str,
    pub(super) json: String,
}

/// Returns the settings with which agents connect to a project. Nothing in them is a secret: each asks for its own
/// access when it connects first.
pub(super) fn configs(project_id: &str, address: &str) -> Vec<AgentConfig> {
    let server = format!("backlog-{project_id}");
    let of = |agent, file, list: &str, server_settings: Value| AgentConfig {
        agent,
        file,
        json: format!("{:#}", json!({list: {&*server: server_settings}})),
    };
    vec![
        of(
            "Claude Code",
            ".mcp.json",
            "mcpServers",
            json!({"type": "http", "url": address}),
        ),
        of(
            "Cursor",
            ".cursor/mcp.json",
            "mcpServers",
            json!({"url": address}),
        ),
        of(
            "VS Code",
            ".vscode/mcp.json",
            "servers",
            json!({"type": "http", "url": address}),
        ),
        of(
            "Windsurf",
            "~/.codeium/windsurf/mcp_config.json",
            "mcpServers",
            json!({"serverUrl": address}),
        ),
        of(
            "Gemini CLI",
            ".gemini/settings.json",
            "mcpServers",
            json!({"httpUrl": address}),
        ),
    ]
}
