//! One event a request: the wire of the Python SDK.

use super::scenario::{Scenario, Size};
use super::throughput::{cpu_us, rate};
use crate::contenders::Contender;
use crate::measure::End;
use crate::report::{Report, Rows, Table, Target, maybe};
use crate::run::{Case, Row};

pub const SCENARIO: Scenario = Scenario {
    name: "reo",
    question: "How many events a second arrive when each takes a request?",
    cases,
    report,
};

const LINE: &str = "one event a request";

fn cases(size: Size) -> Vec<Case> {
    let contenders = [
        Contender::McpUsageReo,
        Contender::Spawn,
        Contender::ReoPython,
    ];
    let case = |contender| {
        Case::burst(LINE, contender, size.of(20_000)).with(|case| case.load.end = End::Deliver)
    };
    contenders.into_iter().map(case).collect()
}

fn report(rows: Rows<'_>) -> Report {
    let mut table = Table::new([
        LINE,
        "events/s",
        "CPU us an event",
        "connections",
        "arrived",
    ]);
    for contender in rows.contenders(LINE) {
        table.row([
            contender.label().to_owned(),
            maybe(rows.median(LINE, contender, rate)),
            maybe(rows.median(LINE, contender, cpu_us)),
            maybe(rows.median(LINE, contender, |row| Some(row.seen?.connections as f64))),
            maybe(rows.median(LINE, contender, |row| {
                Some((row.seen?.unique as f64 / row.events as f64 * 100.0).min(100.0))
            })) + " %",
        ]);
    }
    let to_python = |figure: fn(&Row) -> Option<f64>| {
        rows.ratio(
            (LINE, Contender::McpUsageReo),
            (LINE, Contender::ReoPython),
            figure,
        )
    };
    let targets = vec![
        Target::at_least(
            "`Wire::Reo`, events/s / the Python SDK's",
            "",
            3.0,
            to_python(rate),
        ),
        Target::at_most(
            "`Wire::Reo`, CPU of an event / the Python SDK's",
            "",
            0.2,
            to_python(cpu_us),
        ),
    ];
    Report {
        text: table.markdown(),
        targets,
        plots: Vec::new(),
    }
}
