//! What is measured, a file each: its cases, its tables, and the targets it is held to.

mod bad;
mod caller;
mod full;
mod growth;
mod reo;
mod server;
mod shutdown;
mod steady;
mod threads;
mod throughput;

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

pub const ALL: [Scenario; 10] = [
    caller::SCENARIO,
    steady::SCENARIO,
    threads::SCENARIO,
    full::SCENARIO,
    throughput::SCENARIO,
    reo::SCENARIO,
    bad::SCENARIO,
    shutdown::SCENARIO,
    server::SCENARIO,
    growth::SCENARIO,
];

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
const RUST: [Contender; 6] = [
    Contender::McpUsage,
    Contender::Opentelemetry,
    Contender::Posthog,
    Contender::PosthogMcp,
    Contender::Sentry,
    Contender::Spawn,
];

/// Fewer events for those that would take minutes.
const fn burst_events(contender: Contender) -> u64 {
    match contender {
        Contender::PosthogMcp => 30_000,
        Contender::Spawn | Contender::ReoPython => 20_000,
        Contender::McpeyePython => 10_000,
        _ => 100_000,
    }
}
