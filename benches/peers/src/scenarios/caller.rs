//! What a call costs the thread that makes it: a burst from one thread, with a queue that holds everything.

use super::scenario::{DESTINATIONS, Scenario, Size, burst_events, rust_and_rules_off};
use crate::contenders::Contender;
use crate::event::Kind;
use crate::report::{Report, Rows, Table, Target, maybe};
use crate::run::{Case, Row};

pub const SCENARIO: Scenario = Scenario {
    name: "caller",
    question: "What does one call cost the thread that makes it?",
    cases,
    report,
};

const KINDS: [(&str, Kind); 3] = [
    ("typical", Kind::Typical),
    ("clean", Kind::Clean),
    ("JSON text", Kind::Text),
];
const ALLOCATIONS: &str = "allocations";

fn cases(size: Size) -> Vec<Case> {
    let mut cases = Vec::new();
    for (line, kind) in KINDS {
        let python = [Contender::ReoPython, Contender::McpeyePython];
        for contender in rust_and_rules_off().chain(DESTINATIONS).chain(python) {
            let events = size.of(burst_events(contender));
            cases.push(Case::burst(line, contender, events).with(|case| case.load.kind = kind));
        }
    }
    for contender in rust_and_rules_off() {
        cases.push(
            Case::burst(ALLOCATIONS, contender, size.of(40_000)).with(|case| {
                case.load.count_allocations = true;
                // A steady rate, and only when the library's own buffers have their size.
                case.load.rate = 20_000;
                case.load.warm_up = 20_000;
                case.load.queue_events = None;
            }),
        );
    }
    cases
}

/// Unlike the mean, it hardly knows of the machine's other programs. The Python peers don't say.
fn cpu(row: &Row) -> Option<f64> {
    Some(row.measured.caller_cpu_ns).filter(|ns| *ns > 0.0)
}

fn report(rows: Rows<'_>) -> Report {
    let mut text = String::new();
    for (line, _) in KINDS {
        let mut table = Table::new([
            &format!("{line}, ns"),
            "mean",
            "p50",
            "p99",
            "p99.9",
            "max",
            "mean / OpenTelemetry's",
            "p50 / OpenTelemetry's",
            "CPU",
            "CPU / OpenTelemetry's",
            "allocations",
        ]);
        for contender in rows.contenders(line) {
            let median = |figure: fn(&crate::measure::Measured) -> f64| {
                maybe(rows.median(line, contender, |row| Some(figure(&row.measured))))
            };
            table.row([
                contender.label().to_owned(),
                median(|m| m.mean_ns),
                median(|m| m.p50_ns),
                median(|m| m.p99_ns),
                median(|m| m.p999_ns),
                median(|m| m.max_ns),
                maybe(rows.to_opentelemetry(line, contender, |row| Some(row.measured.mean_ns))),
                maybe(rows.to_opentelemetry(line, contender, |row| Some(row.measured.p50_ns))),
                maybe(rows.median(line, contender, cpu)),
                maybe(rows.to_opentelemetry(line, contender, cpu)),
                maybe(rows.median(ALLOCATIONS, contender, |row| row.measured.allocations)),
            ]);
        }
        text += &table.markdown();
        text.push('\n');
    }
    let ours = Contender::McpUsage;
    let mean = |line: &str| rows.to_opentelemetry(line, ours, |row| Some(row.measured.mean_ns));
    let micros = |figure: fn(&crate::measure::Measured) -> f64| {
        rows.median("typical", ours, |row| Some(figure(&row.measured) / 1e3))
    };
    let to_posthog_mcp = rows.ratio(
        ("typical", ours),
        ("typical", Contender::PosthogMcp),
        |row| Some(row.measured.mean_ns),
    );
    let targets = vec![
        Target::at_most(
            "caller, typical event, mean / OpenTelemetry's",
            "",
            0.40,
            mean("typical"),
        ),
        Target::at_most(
            "caller, typical event, p50",
            " us",
            1.0,
            micros(|m| m.p50_ns),
        ),
        Target::at_most(
            "caller, typical event, p99.9",
            " us",
            10.0,
            micros(|m| m.p999_ns),
        ),
        Target::at_most(
            "caller, clean event, mean / OpenTelemetry's",
            "",
            0.35,
            mean("clean"),
        ),
        Target::at_most(
            "caller, JSON text, mean / OpenTelemetry's",
            "",
            0.30,
            mean("JSON text"),
        ),
        Target::at_most(
            "caller, typical event, mean / that of posthog-rs `mcp`",
            "",
            0.03,
            to_posthog_mcp,
        ),
        Target::at_most(
            "caller, typical event, p50 more with a second destination",
            " us",
            0.3,
            rows.more(
                ("typical", Contender::McpUsageTwo),
                ("typical", ours),
                |row| Some(row.measured.p50_ns / 1e3),
            ),
        ),
        // One in a thousand is a segment more, when another program has kept the worker from its processor.
        // `tests/allocations.rs` holds a steady state to none at all.
        Target::at_most(
            "caller, allocations per event",
            "",
            0.001,
            rows.median(ALLOCATIONS, ours, |row| row.measured.allocations),
        ),
    ];
    Report {
        text,
        targets,
        plots: Vec::new(),
    }
}
