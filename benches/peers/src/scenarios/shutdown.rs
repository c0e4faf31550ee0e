//! What the end of a process costs with 10 000 events queued, and what arrives.

use super::scenario::{RUST, Scenario, Size};
use crate::contenders::{Contender, SHUTDOWN};
use crate::measure::End;
use crate::report::{Report, Rows, Table, Target, maybe};
use crate::run::{Case, Row};
use crate::sink::Mode;
use std::time::Duration;

pub const SCENARIO: Scenario = Scenario {
    name: "shutdown",
    question: "How long does the end take with 10 000 events queued, and what arrives?",
    cases,
    report,
};

const MODES: [Mode; 2] = [Mode::Ok, Mode::Hang];
const EVENTS: u64 = 10_000;
/// Longer than this, no orchestrator waits for a process to end.
const LIMIT: Duration = Duration::from_secs(15);

fn cases(_: Size) -> Vec<Case> {
    let mut cases = Vec::new();
    for mode in MODES {
        for contender in RUST
            .into_iter()
            .chain([Contender::ReoPython, Contender::McpeyePython])
        {
            cases.push(Case::burst(mode.label(), contender, EVENTS).with(|case| {
                case.mode = mode;
                case.limit = LIMIT;
                case.load.queue_events = Some(20_000);
                case.load.warm_up = 0;
                case.load.end = End::Shutdown;
            }));
        }
    }
    cases
}

fn report(rows: Rows<'_>) -> Report {
    let ms = |row: &Row| row.measured.shutdown_ms;
    let unique = |row: &Row| Some(row.seen?.unique as f64);
    let twice = |row: &Row| Some((row.seen?.events - row.seen?.unique) as f64);
    let lost = |row: &Row| Some(row.measured.lost? as f64);
    let mut table = Table::new([
        "shutdown, 10 000 queued",
        "ms",
        "arrived",
        "twice",
        "says it lost",
        "killed after 15 s",
    ]);
    for mode in MODES {
        let line = mode.label();
        for contender in rows.contenders(line) {
            table.row([
                format!("{line}: {}", contender.label()),
                maybe(rows.median(line, contender, ms)),
                maybe(rows.median(line, contender, unique)),
                maybe(rows.median(line, contender, twice)),
                maybe(rows.median(line, contender, lost)),
                rows.gave_up(line, contender).to_string(),
            ]);
        }
    }
    let ours = Contender::McpUsage;
    let (ok, hang) = (Mode::Ok.label(), Mode::Hang.label());
    let missing = |row: &Row| Some(EVENTS as f64 - unique(row)?);
    let untold = |row: &Row| Some((EVENTS as f64 - unique(row)? - lost(row)?).abs());
    let over = |row: &Row| Some(ms(row)? - SHUTDOWN.as_secs_f64() * 1e3);
    let targets = vec![
        Target::at_most(
            "shutdown, 10 000 queued",
            " ms",
            100.0,
            rows.median(ok, ours, ms),
        ),
        Target::at_most(
            "shutdown, not arrived",
            "",
            0.0,
            rows.worst(ok, ours, missing),
        ),
        Target::at_most(
            "shutdown, arrived twice",
            "",
            0.0,
            rows.worst(ok, ours, twice),
        ),
        Target::at_most(
            "shutdown against a hang, beyond its deadline of 2 s",
            " ms",
            50.0,
            rows.median(hang, ours, over),
        ),
        Target::at_most(
            "shutdown against a hang, losses not told",
            "",
            0.0,
            rows.worst(hang, ours, untold),
        ),
    ];
    Report {
        text: table.markdown(),
        targets,
        plots: Vec::new(),
    }
}
