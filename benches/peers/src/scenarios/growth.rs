//! How cost grows: with the payload, with threads, with the number of tools, with what is queued already, and with
//! the size of a batch. Each is a plot.

use super::scenario::{Scenario, Size};
use super::throughput::{cpu_us, rate};
use crate::contenders::Contender;
use crate::measure::End;
use crate::number::number;
use crate::plot::Plot;
use crate::report::{Report, Rows, Table, Target, maybe};
use crate::run::{Case, Row};
use crate::sink::Mode;

pub const SCENARIO: Scenario = Scenario {
    name: "growth",
    question: "How does the cost grow?",
    cases,
    report,
};

/// One quantity that grows.
struct Axis {
    name: &'static str,
    file: &'static str,
    title: &'static str,
    x: &'static str,
    y: &'static str,
    values: &'static [u64],
    contenders: &'static [Contender],
    set: fn(&mut Case, u64, Size),
    figure: fn(&Row) -> Option<f64>,
}

const OURS: Contender = Contender::McpUsage;
const BESIDE: &[Contender] = &[
    OURS,
    Contender::Opentelemetry,
    Contender::Posthog,
    Contender::Sentry,
];

const AXES: [Axis; 6] = [
    Axis {
        name: "payload",
        file: "payload.svg",
        title: "A call, by the size of its arguments",
        x: "bytes of arguments",
        y: "ns a call (p50)",
        values: &[100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000],
        contenders: BESIDE,
        set: |case, bytes, size| {
            case.load.argument_bytes = bytes as usize;
            case.load.events = size.of((20_000_000 / bytes).clamp(20, 20_000)).max(10);
            case.load.warm_up = 2;
            case.load.queue_events = None;
        },
        figure: p50_ns,
    },
    Axis {
        name: "threads",
        file: "threads.svg",
        title: "A call, by the number of threads that log at once",
        x: "threads",
        y: "ns a call",
        values: &[1, 2, 4, 8, 16],
        contenders: &[
            OURS,
            Contender::McpUsageDiscard,
            Contender::Opentelemetry,
            Contender::Posthog,
        ],
        set: |case, threads, size| {
            case.load.threads = threads;
            case.load.events = size.of(96_000);
        },
        // The threads share the processors: what counts is what all of them got done.
        figure: |row| Some(row.measured.offered_s * 1e9 / row.events as f64),
    },
    Axis {
        name: "tools",
        file: "tools.svg",
        title: "A call, by the number of tools",
        x: "tools",
        y: "ns a call (p50)",
        values: &[1, 10, 100, 1_000],
        contenders: BESIDE,
        set: |case, tools, size| {
            case.load.tools = tools as usize;
            case.load.events = size.of(30_000);
        },
        figure: p50_ns,
    },
    Axis {
        name: "queue depth",
        file: "depth.svg",
        title: "A call, by what is queued already (the ingest hangs)",
        x: "events queued",
        y: "ns a call",
        values: &[100, 1_000, 10_000, 100_000],
        contenders: BESIDE,
        set: |case, depth, size| {
            case.mode = Mode::Hang;
            case.load.events = if depth > 10_000 {
                size.of(depth)
            } else {
                depth
            };
            case.load.queue_events = Some(200_000);
        },
        figure: |row| Some(row.measured.last_tenth_ns),
    },
    Axis {
        name: "batch size",
        file: "batch.svg",
        title: "Events a second end to end, by the size of a batch",
        x: "events a request",
        y: "events/s",
        values: BATCHES,
        contenders: BESIDE_BATCHED,
        set: batch,
        figure: rate,
    },
    Axis {
        name: "batch size, processor",
        file: "batch-cpu.svg",
        title: "Processor time of an event, by the size of a batch",
        x: "events a request",
        y: "us an event",
        values: BATCHES,
        contenders: BESIDE_BATCHED,
        set: batch,
        figure: cpu_us,
    },
];

const BATCHES: &[u64] = &[1, 10, 100, 1_000];
const BESIDE_BATCHED: &[Contender] = &[OURS, Contender::Opentelemetry, Contender::Posthog];

fn batch(case: &mut Case, events: u64, size: Size) {
    case.load.batch_events = Some(events as usize);
    case.load.events = size.of(if events == 1 { 5_000 } else { 50_000 });
    case.load.end = End::Deliver;
}

/// A mean would show the machine's other programs.
fn p50_ns(row: &Row) -> Option<f64> {
    Some(row.measured.p50_ns)
}

fn line(axis: &Axis, value: u64) -> String {
    // The two batch plots are of the same runs.
    let name = axis.name.split(',').next().unwrap_or(axis.name);
    format!("{name} {value}")
}

fn cases(size: Size) -> Vec<Case> {
    let mut cases = Vec::new();
    for axis in AXES.iter().filter(|axis| !axis.name.contains(',')) {
        for value in axis.values {
            for contender in axis.contenders {
                let case = Case::burst(&line(axis, *value), *contender, 0);
                cases.push(case.with(|case| {
                    case.load.queue_events = Some(101_000);
                    (axis.set)(case, *value, size);
                }));
            }
        }
    }
    cases
}

fn report(rows: Rows<'_>) -> Report {
    let mut report = Report::default();
    for axis in &AXES {
        let head = axis.values.iter().map(|value| number(*value as f64));
        let mut table = Table::new(
            [format!("{}, by {}", axis.y, axis.x)]
                .into_iter()
                .chain(head),
        );
        let mut lines = Vec::new();
        for contender in axis.contenders {
            let values = axis
                .values
                .iter()
                .map(|value| rows.median(&line(axis, *value), *contender, axis.figure));
            let values: Vec<Option<f64>> = values.collect();
            if values.iter().all(Option::is_none) {
                continue;
            }
            table.row(
                [contender.label().to_owned()]
                    .into_iter()
                    .chain(values.iter().map(|value| maybe(*value))),
            );
            let points = axis
                .values
                .iter()
                .zip(values)
                .filter_map(|(x, y)| Some((*x as f64, y?)));
            lines.push((contender.label().replace('`', ""), points.collect()));
        }
        report.text += &format!("{}\n", table.markdown());
        report.plots.push(Plot {
            file: axis.file,
            title: axis.title,
            x: axis.x,
            y: axis.y,
            lines,
        });
        // An axis of rates has no growth of cost.
        if axis.y.contains("ns a call") {
            report.targets.push(growth(&rows, axis));
        }
    }
    report
}

/// By how much a step's cost grows beyond its input: 1 is in proportion. Steps of less than a microsecond are
/// the machine's own.
fn growth(rows: &Rows<'_>, axis: &Axis) -> Target {
    let steps = axis.values.windows(2).filter_map(|step| {
        let &[from, to] = step else { return None };
        let figure = |value| rows.median(&line(axis, value), OURS, axis.figure);
        Some(figure(to)? / figure(from)? / (to as f64 / from as f64))
    });
    let worst = steps.max_by(f64::total_cmp);
    Target::at_most(
        format!("growth by {}: cost / input of the steepest step", axis.x),
        "",
        1.0,
        worst,
    )
}
