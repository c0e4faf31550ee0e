//! What a call costs that has no effect: the queue is full, or the logger is switched off.

use super::scenario::{Scenario, Size};
use crate::contenders::Contender;
use crate::report::{Report, Rows, Table, Target, maybe};
use crate::run::{Case, Row};
use crate::sink::Mode;

pub const SCENARIO: Scenario = Scenario {
    name: "full",
    question: "What does a call cost when the queue is full, or the logger off?",
    cases,
    report,
};

const FULL: &str = "full queue";
const OFF: &str = "switched off";
const QUEUE: usize = 1_000;

fn cases(size: Size) -> Vec<Case> {
    let contenders = [
        Contender::McpUsage,
        Contender::Opentelemetry,
        Contender::Posthog,
        Contender::Sentry,
        Contender::Nothing,
    ];
    let full = |contender| {
        Case::burst(FULL, contender, size.of(200_000)).with(|case| {
            case.mode = Mode::Hang;
            case.load.queue_events = Some(QUEUE);
            case.load.warm_up = 5_000;
            case.load.calls_per_time = 100;
        })
    };
    let mut cases: Vec<Case> = contenders.into_iter().map(full).collect();
    cases.push(
        Case::burst(OFF, Contender::McpUsageOff, size.of(1_000_000))
            .with(|case| case.load.calls_per_time = 100),
    );
    cases
}

fn report(rows: Rows<'_>) -> Report {
    let mut table = Table::new([
        "ns (100 calls timed together)",
        "mean",
        "p50",
        "p99.9",
        "says how many it lost",
    ]);
    for (line, contender) in rows
        .contenders(FULL)
        .into_iter()
        .map(|contender| (FULL, contender))
        .chain([(OFF, Contender::McpUsageOff)])
    {
        let lost = rows.median(line, contender, |row| {
            row.measured.lost.map(|lost| lost as f64)
        });
        table.row([
            format!("{line}: {}", contender.label()),
            maybe(rows.median(line, contender, |row| Some(row.measured.mean_ns))),
            maybe(rows.median(line, contender, |row| Some(row.measured.p50_ns))),
            maybe(rows.median(line, contender, |row| Some(row.measured.p999_ns))),
            lost.map_or("no", |_| "yes").to_owned(),
        ]);
    }
    // Less what the loop itself costs.
    let less_loop = |line: &str, contender| {
        let loop_ns = rows
            .median(FULL, Contender::Nothing, |row| Some(row.measured.mean_ns))
            .unwrap_or(0.0);
        rows.median(line, contender, |row| Some(row.measured.mean_ns - loop_ns))
    };
    // Everything refused is counted, and nothing else is.
    let miscounted =
        |row: &Row| Some((row.measured.lost? as f64 - row.measured.refused as f64).abs());
    let targets = vec![
        Target::at_most(
            "full queue, mean",
            " ns",
            30.0,
            less_loop(FULL, Contender::McpUsage),
        ),
        Target::at_most(
            "switched off, mean",
            " ns",
            30.0,
            less_loop(OFF, Contender::McpUsageOff),
        ),
        Target::at_most(
            "full queue, drops counted wrongly",
            "",
            0.0,
            rows.worst(FULL, Contender::McpUsage, miscounted),
        ),
    ];
    Report {
        text: table.markdown(),
        targets,
        plots: Vec::new(),
    }
}
