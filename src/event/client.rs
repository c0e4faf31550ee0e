//! What kind of client speaks, and which of the two lifecycles of MCP it follows.

use crate::base::text::cut_at_char;

/// Which lifecycle a request belongs to. Wire key `era` in `meta`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Era {
    /// Protocol versions with an `initialize` handshake, up to 2025-11-25.
    Legacy,
    /// Protocol versions in which each request is self-contained, from 2026-07-28.
    Modern,
}

/// The first protocol version without a handshake. Versions are dates, so they compare as text.
const FIRST_MODERN: &str = "2026-07-28";

impl Era {
    /// Returns the era of a protocol version, such as `2025-11-25`.
    #[must_use]
    pub fn of(protocol_version: &str) -> Self {
        if protocol_version >= FIRST_MODERN {
            Self::Modern
        } else {
            Self::Legacy
        }
    }

    /// Returns the era as it goes over the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }
}

/// The kind of client that made a call, from its name and user agent. Wire key `client_class` in
/// `meta`.
///
/// A guess from what the client says about itself, for filtering out noise; it proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientClass {
    /// A known agent or an editor with one: a person is likely behind it.
    Agent,
    /// A directory, scanner or search engine that visits servers.
    Crawler,
    /// A monitor that checks whether the server is up.
    HealthProbe,
    /// A client that no rule knows.
    Unknown,
}

/// How much of a name is read, in bytes.
const MAX_LOOKED_AT: usize = 256;

/// Words of monitors, of crawlers and of agents, with a `|` between them, in this order of precedence.
const RULES: [(ClientClass, &str); 3] = [
    (
        ClientClass::HealthProbe,
        "health|heartbeat|kube-probe|uptime|pingdom|statuscake|site24x7|googlehc|elb-|\
        monitor|probe|liveness|readiness|blackbox",
    ),
    (
        ClientClass::Crawler,
        "crawl|spider|scanner|indexer|registry|directory|glama|smithery|pulsemcp|\
        mcp-get|bot/|bot |-bot|_bot|googlebot|bingbot|conformance|validator",
    ),
    (
        ClientClass::Agent,
        "claude|chatgpt|openai|codex|cursor|vscode|visual studio code|\
        visual-studio-code|copilot|windsurf|cline|roo|zed|gemini|goose|continue|\
        librechat|jetbrains|amp|warp|opencode|qwen|kiro|mistral|le chat|perplexity|\
        raycast|langchain|llamaindex|agent",
    ),
];

impl ClientClass {
    /// Guesses the class from a client's name and its user agent.
    ///
    /// The rules look at the first 256 bytes of each. Words of up to three letters count only as
    /// whole words.
    #[must_use]
    pub fn of(client_name: Option<&str>, user_agent: Option<&str>) -> Self {
        let texts = [client_name, user_agent].map(|text| lowered(text.unwrap_or_default()));
        RULES
            .into_iter()
            .find(|(_, words)| {
                texts
                    .iter()
                    .any(|text| words.split('|').any(|word| has(text, word)))
            })
            .map_or(Self::Unknown, |(class, _)| class)
    }

    /// Returns the class as it goes over the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Crawler => "crawler",
            Self::HealthProbe => "health_probe",
            Self::Unknown => "unknown",
        }
    }
}

/// The beginning of a text, in lower case.
fn lowered(text: &str) -> String {
    cut_at_char(text, MAX_LOOKED_AT).to_ascii_lowercase()
}

/// Whether a text contains a word; a short one, as a word of its own ("amp", not "example").
fn has(text: &str, word: &str) -> bool {
    if word.len() > 3 {
        return text.contains(word);
    }
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_apart_by_what_they_say() {
        for (name, agent, class) in [
            (Some("claude-code"), None, ClientClass::Agent),
            (Some("Visual Studio Code"), Some("node"), ClientClass::Agent),
            (Some("amp"), None, ClientClass::Agent),
            (Some("example-client"), None, ClientClass::Unknown),
            (
                Some("mcp"),
                Some("python-httpx/0.28.1"),
                ClientClass::Unknown,
            ),
            (None, Some("kube-probe/1.31"), ClientClass::HealthProbe),
            (Some("agent-health-check"), None, ClientClass::HealthProbe),
            (Some("glama"), None, ClientClass::Crawler),
            (None, Some("Googlebot/2.1"), ClientClass::Crawler),
            (None, None, ClientClass::Unknown),
        ] {
            assert_eq!(ClientClass::of(name, agent), class, "{name:?} {agent:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let name = "\u{e9}".repeat(4_000);
        assert_eq!(ClientClass::of(Some(&name), None), ClientClass::Unknown);
    }

    #[test]
    fn versions_belong_to_eras() {
        assert_eq!(Era::of("2025-11-25"), Era::Legacy);
        assert_eq!(Era::of("2026-07-28"), Era::Modern);
        assert_eq!(Era::of("2027-01-01"), Era::Modern);
    }
}
