//! The same call at a rate that a busy server has, where caches are cold between two calls.

use super::scenario::{Scenario, Size, rust_and_rules_off};
use crate::contenders::Contender;
use crate::measure::{End, Measured};
use crate::report::{Report, Rows, Table, Target, maybe};
use crate::run::{Case, Row};

pub const SCENARIO: Scenario = Scenario {
    name: "steady",
    question: "What does one call cost at a steady 20 000 a second?",
    cases,
    report,
};

const LINE: &str = "20 000/s";
const WARM_UP: u64 = 50;

fn cases(size: Size) -> Vec<Case> {
    let case = |contender| {
        Case::burst(LINE, contender, size.of(60_000)).with(|case| {
            case.load.rate = 20_000;
            case.load.warm_up = WARM_UP;
            case.load.queue_events = None;
            case.load.end = End::Deliver;
        })
    };
    rust_and_rules_off()
        .chain([Contender::Nothing])
        .map(case)
        .collect()
}

/// Of the events offered, in per cent. A library that drops a call at its door looks fast.
fn arrived(row: &Row) -> Option<f64> {
    let all = row.events + WARM_UP;
    Some(row.seen?.unique as f64 / all as f64 * 100.0)
}

fn report(rows: Rows<'_>) -> Report {
    let mut table = Table::new([
        "20 000 calls a second, ns",
        "mean",
        "p50",
        "p99",
        "p99.9",
        "max",
        "mean / OpenTelemetry's",
        "caller waited",
        "arrived",
    ]);
    for contender in rows.contenders(LINE) {
        let median = |figure: fn(&Measured) -> f64| {
            maybe(rows.median(LINE, contender, |row| Some(figure(&row.measured))))
        };
        table.row([
            contender.label().to_owned(),
            median(|m| m.mean_ns),
            median(|m| m.p50_ns),
            median(|m| m.p99_ns),
            median(|m| m.p999_ns),
            median(|m| m.max_ns),
            maybe(rows.to_opentelemetry(LINE, contender, |row| Some(row.measured.mean_ns))),
            median(|m| m.voluntary_switches as f64),
            maybe(rows.median(LINE, contender, arrived)) + " %",
        ]);
    }
    let ours = Contender::McpUsage;
    let targets = vec![
        Target::at_most(
            "steady 20 000/s, mean / OpenTelemetry's",
            "",
            0.65,
            rows.to_opentelemetry(LINE, ours, |row| Some(row.measured.mean_ns)),
        ),
        Target::at_most(
            "steady 20 000/s, p50",
            " us",
            1.8,
            rows.median(LINE, ours, |row| Some(row.measured.p50_ns / 1e3)),
        ),
        Target::at_most(
            "steady 20 000/s, p99.9 / OpenTelemetry's",
            "",
            0.25,
            rows.to_opentelemetry(LINE, ours, |row| Some(row.measured.p999_ns)),
        ),
        Target::at_least(
            "steady 20 000/s, arrived",
            " %",
            100.0,
            rows.median(LINE, ours, arrived),
        ),
    ];
    Report {
        text: table.markdown(),
        targets,
        plots: Vec::new(),
    }
}
