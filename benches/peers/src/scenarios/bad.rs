//! What a bad ingest costs the caller, and the process its memory: below a full queue, and far above it.

use super::scenario::{Scenario, Size};
use crate::contenders::Contender;
use crate::report::{Report, Rows, Table, Target, maybe};
use crate::run::Case;
use crate::sink::Mode;

pub const SCENARIO: Scenario = Scenario {
    name: "bad",
    question: "What does a slow, failing, hanging or absent ingest cost?",
    cases,
    report,
};

const MODES: [Mode; 5] = [
    Mode::Ok,
    Mode::Slow,
    Mode::Unavailable,
    Mode::Hang,
    Mode::Refused,
];
const CONTENDERS: [Contender; 4] = [
    Contender::McpUsage,
    Contender::Opentelemetry,
    Contender::Posthog,
    Contender::Sentry,
];

/// Events offered and their rate: fewer than the queues hold, or many times as many. The queues are those of the
/// libraries' defaults: 10 000 here, 2 048 at OpenTelemetry, 10 000 at posthog-rs.
const LEVELS: [(&str, u64, u64); 2] = [("below", 2_000, 2_000), ("far above", 300_000, 200_000)];

/// `DEFAULT_MAX_QUEUE_BYTES` and what the requests under way may add.
const RESIDENT_MIB: f64 = 32.0 + 8.0;

fn line(mode: Mode, level: &str) -> String {
    format!("{}, {level}", mode.label())
}

fn cases(size: Size) -> Vec<Case> {
    let mut cases = Vec::new();
    for (level, events, rate) in LEVELS {
        for mode in MODES {
            for contender in CONTENDERS {
                let events = if level == "below" {
                    events
                } else {
                    size.of(events)
                };
                cases.push(
                    Case::burst(&line(mode, level), contender, events).with(|case| {
                        case.mode = mode;
                        case.load.rate = rate;
                        case.load.queue_events = None;
                        case.load.warm_up = 0;
                    }),
                );
            }
        }
    }
    cases
}

fn report(rows: Rows<'_>) -> Report {
    let mut text = String::new();
    let mut targets = Vec::new();
    let ours = Contender::McpUsage;
    for (level, events, rate) in LEVELS {
        let title = format!("{level} a full queue ({events} events at {rate} a second)");
        let mut table = Table::new([
            title.as_str(),
            "mean, ns",
            "p99.9, ns",
            "mean / with a good one",
            "caller waited",
            "resident more, MiB",
        ]);
        let good = line(Mode::Ok, level);
        for mode in MODES {
            let line = line(mode, level);
            for contender in rows.contenders(&line) {
                table.row([
                    format!("{}: {}", mode.label(), contender.label()),
                    maybe(rows.median(&line, contender, |row| Some(row.measured.mean_ns))),
                    maybe(rows.median(&line, contender, |row| Some(row.measured.p999_ns))),
                    maybe(rows.ratio((&line, contender), (&good, contender), |row| {
                        Some(row.measured.mean_ns)
                    })),
                    maybe(rows.median(&line, contender, |row| {
                        Some(row.measured.voluntary_switches as f64)
                    })),
                    maybe(rows.median(&line, contender, |row| {
                        Some(row.measured.resident_more_kb as f64 / 1024.0)
                    })),
                ]);
            }
        }
        text += &table.markdown();
        text.push('\n');
        let bad = MODES
            .into_iter()
            .filter(|mode| *mode != Mode::Ok)
            .map(|mode| line(mode, level));
        let bad: Vec<String> = bad.collect();
        let largest = |figure: &dyn Fn(&str) -> Option<f64>| {
            bad.iter()
                .filter_map(|line| figure(line))
                .max_by(f64::total_cmp)
        };
        let ratio = largest(&|line| {
            rows.ratio((line, ours), (&good, ours), |row| {
                Some(row.measured.mean_ns)
            })
        });
        let waits = |line: &str| {
            rows.median(line, ours, |row| {
                Some(row.measured.voluntary_switches as f64)
            })
        };
        let more_waits = largest(&|line| Some(waits(line)? - waits(&good)?));
        let resident = largest(&|line| {
            rows.worst(line, ours, |row| {
                Some(row.measured.resident_more_kb as f64 / 1024.0)
            })
        });
        // "Stays as": within what two good runs differ by on a shared machine.
        targets.push(Target::at_most(
            format!("bad ingest, {level}: mean / with a good one, the worst"),
            "",
            1.2,
            ratio,
        ));
        targets.push(Target::at_most(
            format!("bad ingest, {level}: caller's waits more than with a good one"),
            "",
            5.0,
            more_waits,
        ));
        targets.push(Target::at_most(
            format!("bad ingest, {level}: resident growth, the worst"),
            " MiB",
            RESIDENT_MIB,
            resident,
        ));
    }
    Report {
        text,
        targets,
        plots: Vec::new(),
    }
}
