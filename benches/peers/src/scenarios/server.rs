//! What a call of a tool costs more when its server is instrumented, by the size of its arguments.

use super::scenario::{Scenario, Size};
use crate::contenders::Contender;
use crate::plot::Plot;
use crate::report::{Report, Rows, Table, Target, maybe, median};
use crate::run::Case;

pub const SCENARIO: Scenario = Scenario {
    name: "server",
    question: "What does a tool call cost more when its rmcp server is instrumented?",
    cases,
    report,
};

const SIZES: [(&str, usize); 4] = [
    ("1 KB", 1_024),
    ("24 KB", 24 * 1_024),
    ("128 KB", 128 * 1_024),
    ("1 MB", 1_024 * 1_024),
];
const SERVERS: [Contender; 3] = [
    Contender::PlainServer,
    Contender::InstrumentedServer,
    Contender::PosthogServer,
];

fn cases(size: Size) -> Vec<Case> {
    let mut cases = Vec::new();
    for (line, bytes) in SIZES {
        for contender in SERVERS {
            let calls = (20_000_000 / bytes as u64).clamp(100, 20_000);
            cases.push(Case::burst(line, contender, size.of(calls)).with(|case| {
                case.load.argument_bytes = bytes;
                case.load.warm_up = calls / 10;
            }));
        }
    }
    cases
}

fn report(rows: Rows<'_>) -> Report {
    let mut table = Table::new([
        "us a call (p50)",
        "plain",
        "mcp-usage, more",
        "posthog-rs `mcp`, more",
    ]);
    // The p50, because the copy of a large request, made before each call, upsets the mean of both.
    let more = |line: &str, contender| {
        let plain = rows.each(line, Contender::PlainServer, |row| {
            Some(row.measured.p50_ns / 1e3)
        });
        let with = rows.each(line, contender, |row| Some(row.measured.p50_ns / 1e3));
        median(
            with.iter()
                .zip(&plain)
                .map(|(with, plain)| with - plain)
                .collect(),
        )
    };
    let (ours, posthog) = (Contender::InstrumentedServer, Contender::PosthogServer);
    for (line, _) in SIZES {
        table.row([
            format!("{line} of arguments"),
            maybe(rows.median(line, Contender::PlainServer, |row| {
                Some(row.measured.p50_ns / 1e3)
            })),
            maybe(more(line, ours)),
            maybe(more(line, posthog)),
        ]);
    }
    let flat = || Some(more("1 MB", ours)? / more("24 KB", ours)?);
    let points = |contender| {
        let points = SIZES
            .iter()
            .filter_map(|(line, bytes)| Some((*bytes as f64, more(line, contender)?)));
        points.collect()
    };
    Report {
        text: table.markdown(),
        targets: vec![
            Target::at_most(
                "instrumented call, 1 KB, over plain",
                " us",
                3.0,
                more("1 KB", ours),
            ),
            Target::at_most(
                "instrumented call, over plain, 1 MB / 24 KB",
                "",
                1.2,
                flat(),
            ),
        ],
        plots: vec![Plot {
            file: "server.svg",
            title: "What an instrumented call costs more, by the size of its arguments",
            x: "bytes of arguments",
            y: "us more than plain",
            lines: vec![
                ("mcp-usage".to_owned(), points(ours)),
                ("posthog-rs mcp".to_owned(), points(posthog)),
            ],
        }],
    }
}
