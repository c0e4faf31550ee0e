//! What a scenario is made of, and what several of them share.

use crate::contenders::Contender;
use crate::report::{Report, Rows};
use crate::run::Case;

/// A question, and how it is answered.
pub struct Scenario {
    pub name: &'static str,
    pub question: &'static str,
    pub cases: fn(Size) -> Vec<Case>,
    pub report: fn(Rows<'_>) -> Report,
}

/// How much is offered: all, or a tenth for a quick look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Full,
    Quick,
}

impl Size {
    pub const fn of(self, events: u64) -> u64 {
        match self {
            Self::Full => events,
            Self::Quick => events / 10,
        }
    }
}

/// The contenders written in Rust.
pub const RUST: [Contender; 6] = [
    Contender::McpUsage,
    Contender::Opentelemetry,
    Contender::Posthog,
    Contender::PosthogMcp,
    Contender::Sentry,
    Contender::Spawn,
];

/// The same and this crate without its rules: what a caller pays where nothing is redacted.
pub fn rust_and_rules_off() -> impl Iterator<Item = Contender> {
    RUST.into_iter().chain([Contender::McpUsageRulesOff])
}

/// This crate into the backends that others have: as OpenTelemetry sends, and to several at once.
pub const DESTINATIONS: [Contender; 3] = [
    Contender::McpUsageOtlp,
    Contender::McpUsageTwo,
    Contender::McpUsageThree,
];

/// Fewer events for those that would take minutes.
pub const fn burst_events(contender: Contender) -> u64 {
    match contender {
        Contender::PosthogMcp => 30_000,
        Contender::Spawn | Contender::ReoPython => 20_000,
        Contender::McpeyePython => 10_000,
        _ => 100_000,
    }
}
