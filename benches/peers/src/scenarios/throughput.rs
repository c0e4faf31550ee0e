//! How many events arrive a second, and what processor time each takes from the first call to the ingest's answer.

use super::scenario::{DESTINATIONS, Scenario, Size, burst_events, rust_and_rules_off};
use crate::contenders::Contender;
use crate::measure::End;
use crate::report::{Report, Rows, Table, Target, maybe};
use crate::run::{Case, Row};

pub const SCENARIO: Scenario = Scenario {
    name: "throughput",
    question: "How many events a second arrive, and what does each cost in all?",
    cases,
    report,
};

const LINE: &str = "throughput";

fn cases(size: Size) -> Vec<Case> {
    let others = [
        Contender::McpUsageMcpeye,
        Contender::ReoPython,
        Contender::McpeyePython,
    ];
    let case = |contender| {
        let events = match contender {
            Contender::McpUsage
            | Contender::McpUsageRulesOff
            | Contender::McpUsageMcpeye
            | Contender::McpUsageOtlp
            | Contender::McpUsageTwo
            | Contender::McpUsageThree
            | Contender::Opentelemetry => 200_000,
            other => burst_events(other),
        };
        Case::burst(LINE, contender, size.of(events)).with(|case| case.load.end = End::Deliver)
    };
    let all = rust_and_rules_off().chain(DESTINATIONS).chain(others);
    all.map(case).collect()
}

/// Events that arrived, a second.
pub fn rate(row: &Row) -> Option<f64> {
    Some(row.seen?.unique as f64 / row.measured.delivered_s?)
}

/// Processor time of an event that arrived, in microseconds.
pub fn cpu_us(row: &Row) -> Option<f64> {
    Some(row.measured.cpu_s * 1e6 / row.seen?.unique as f64)
}

fn report(rows: Rows<'_>) -> Report {
    let mut table = Table::new([
        "end to end",
        "events/s",
        "CPU us an event",
        "events/s / OpenTelemetry's",
        "CPU / OpenTelemetry's",
        "events a request",
        "bytes an event",
        "arrived",
    ]);
    for contender in rows.contenders(LINE) {
        let seen = |figure: fn(&Row, f64) -> Option<f64>| {
            maybe(rows.median(LINE, contender, |row| figure(row, row.seen?.unique as f64)))
        };
        table.row([
            contender.label().to_owned(),
            maybe(rows.median(LINE, contender, rate)),
            maybe(rows.median(LINE, contender, cpu_us)),
            maybe(rows.to_opentelemetry(LINE, contender, rate)),
            maybe(rows.to_opentelemetry(LINE, contender, cpu_us)),
            seen(|row, unique| Some(unique / row.seen?.requests as f64)),
            seen(|row, unique| Some(row.seen?.bytes as f64 / unique)),
            // The events of the warm-up arrive, too.
            seen(|row, unique| Some((unique / row.events as f64 * 100.0).min(100.0))) + " %",
        ]);
    }
    let ours = Contender::McpUsage;
    let targets = vec![
        Target::at_least(
            "end to end, events/s",
            "",
            500_000.0,
            rows.median(LINE, ours, rate),
        ),
        Target::at_most(
            "end to end, CPU of an event",
            " us",
            2.0,
            rows.median(LINE, ours, cpu_us),
        ),
        Target::at_least(
            "end to end, events/s / OpenTelemetry's",
            "",
            3.0,
            rows.to_opentelemetry(LINE, ours, rate),
        ),
        // Like beside like: both send Protocol Buffers to the same sink.
        Target::at_least(
            "end to end on OTLP, events/s / OpenTelemetry's",
            "",
            1.3,
            rows.to_opentelemetry(LINE, Contender::McpUsageOtlp, rate),
        ),
        Target::at_most(
            "end to end on OTLP, CPU of an event / OpenTelemetry's",
            "",
            1.0,
            rows.to_opentelemetry(LINE, Contender::McpUsageOtlp, cpu_us),
        ),
    ];
    Report {
        text: table.markdown(),
        targets,
        plots: Vec::new(),
    }
}
