//! The libraries, each used as its documentation says, with its own defaults. Only the queue's and
//! the batch's size are set, and only where a scenario says so.

mod library;
mod mcp_usage;
mod opentelemetry;
mod posthog;
mod sentry;
mod spawn;

use crate::event::Call;
pub use library::{Library, Settings};
pub use mcp_usage::{SHUTDOWN, usage_logger};
pub use posthog::analytics as posthog_analytics;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Contender {
    /// This crate: the batch wire, all default rules of redaction.
    McpUsage,
    /// The same on the wire of the Python SDK: one event a request.
    McpUsageReo,
    /// The same on the wire of mcpeye.
    McpUsageMcpeye,
    /// The same as spans, on the wire that OpenTelemetry's exporter speaks.
    McpUsageOtlp,
    /// The same in batches and as spans at once.
    McpUsageTwo,
    /// The same in batches, as spans and as PostHog's events at once.
    McpUsageThree,
    /// The same with a transport that forgets what it is given.
    McpUsageDiscard,
    /// The same without a rule: like beside like with those that redact nothing.
    McpUsageRulesOff,
    /// The same, switched off.
    McpUsageOff,
    /// opentelemetry_sdk's batch log processor with opentelemetry-otlp over HTTP, protobuf.
    Opentelemetry,
    /// posthog-rs, events as its client takes them.
    Posthog,
    /// posthog-rs with its feature `mcp`, which redacts.
    PosthogMcp,
    /// sentry's structured logs.
    Sentry,
    /// What is written in an afternoon: a task and a POST per event.
    Spawn,
    /// reo-census-mcp, in Python.
    ReoPython,
    /// mcpeye, in Python, which redacts.
    McpeyePython,
    /// An rmcp server as it is.
    PlainServer,
    /// The same, instrumented by this crate.
    InstrumentedServer,
    /// The same, instrumented by posthog-rs.
    PosthogServer,
    /// Nothing at all: what the loop and the machine add.
    Nothing,
}

impl Contender {
    pub const fn label(self) -> &'static str {
        match self {
            Self::McpUsage => "mcp-usage",
            Self::McpUsageReo => "mcp-usage, `Wire::Reo`",
            Self::McpUsageMcpeye => "mcp-usage, `Wire::Mcpeye`",
            Self::McpUsageOtlp => "mcp-usage, `Wire::Otlp`",
            Self::McpUsageTwo => "mcp-usage, two destinations",
            Self::McpUsageThree => "mcp-usage, three destinations",
            Self::McpUsageDiscard => "mcp-usage, discarding",
            Self::McpUsageRulesOff => "mcp-usage, rules off",
            Self::McpUsageOff => "mcp-usage, switched off",
            Self::Opentelemetry => "OpenTelemetry",
            Self::Posthog => "posthog-rs",
            Self::PosthogMcp => "posthog-rs `mcp`",
            Self::Sentry => "sentry logs",
            Self::Spawn => "a task per event",
            Self::ReoPython => "reo-census-mcp (Python)",
            Self::McpeyePython => "mcpeye (Python)",
            Self::PlainServer => "plain server",
            Self::InstrumentedServer => "mcp-usage, instrumented server",
            Self::PosthogServer => "posthog-rs `mcp`, instrumented server",
            Self::Nothing => "(nothing)",
        }
    }

    /// Whether a quick look is about it: this crate, OpenTelemetry, and what they are measured against.
    pub const fn is_quick(self) -> bool {
        !matches!(
            self,
            Self::Posthog
                | Self::PosthogMcp
                | Self::PosthogServer
                | Self::Sentry
                | Self::Spawn
                | Self::ReoPython
                | Self::McpeyePython
        )
    }

    pub const fn is_server(self) -> bool {
        matches!(
            self,
            Self::PlainServer | Self::InstrumentedServer | Self::PosthogServer
        )
    }

    pub const fn is_python(self) -> bool {
        matches!(self, Self::ReoPython | Self::McpeyePython)
    }
}

pub fn make(contender: Contender, settings: &Settings) -> Box<dyn Library> {
    match contender {
        Contender::McpUsage => mcp_usage::batch(settings),
        Contender::McpUsageReo => mcp_usage::reo(settings),
        Contender::McpUsageMcpeye => mcp_usage::mcpeye(settings),
        Contender::McpUsageOtlp => mcp_usage::otlp(settings),
        Contender::McpUsageTwo => mcp_usage::two(settings),
        Contender::McpUsageThree => mcp_usage::three(settings),
        Contender::McpUsageDiscard => mcp_usage::discarding(settings),
        Contender::McpUsageRulesOff => mcp_usage::rules_off(settings),
        Contender::McpUsageOff => mcp_usage::off(),
        Contender::Opentelemetry => Box::new(opentelemetry::Logs::new(settings)),
        Contender::Posthog => Box::new(posthog::Events::new(settings)),
        Contender::PosthogMcp => Box::new(posthog::Mcp::new(settings)),
        Contender::Sentry => Box::new(sentry::Logs::new(settings)),
        Contender::Spawn => Box::new(spawn::Spawn::new(settings)),
        Contender::Nothing => Box::new(Nothing),
        Contender::PlainServer | Contender::InstrumentedServer | Contender::PosthogServer => {
            unreachable!("server.rs measures the servers")
        }
        Contender::ReoPython | Contender::McpeyePython => {
            unreachable!("python/peers.py measures the Python ones")
        }
    }
}

struct Nothing;

impl Library for Nothing {
    fn log(&self, call: &Call, marker: &str) -> bool {
        std::hint::black_box((call, marker));
        true
    }

    fn flush(&self) {}

    fn shutdown(&self) {}
}
