//! What a second caller costs the first.

use super::scenario::{Scenario, Size};
use crate::contenders::Contender;
use crate::report::{Report, Rows, Table, Target, maybe};
use crate::run::Case;

pub const SCENARIO: Scenario = Scenario {
    name: "threads",
    question: "What does one call cost when two threads log at once?",
    cases,
    report,
};

const ONE: &str = "one thread";
const TWO: &str = "two threads";

fn cases(size: Size) -> Vec<Case> {
    let contenders = [
        Contender::McpUsage,
        Contender::McpUsageDiscard,
        Contender::Opentelemetry,
        Contender::Posthog,
        Contender::Sentry,
    ];
    let mut cases = Vec::new();
    for contender in contenders {
        cases.push(Case::burst(ONE, contender, size.of(100_000)));
        cases
            .push(Case::burst(TWO, contender, size.of(200_000)).with(|case| case.load.threads = 2));
    }
    cases
}

fn report(rows: Rows<'_>) -> Report {
    let mut table = Table::new([
        "burst, mean ns of a call",
        ONE,
        TWO,
        "two / one",
        "two / OpenTelemetry's two",
    ]);
    let mean = |row: &crate::run::Row| Some(row.measured.mean_ns);
    for contender in rows.contenders(TWO) {
        table.row([
            contender.label().to_owned(),
            maybe(rows.median(ONE, contender, mean)),
            maybe(rows.median(TWO, contender, mean)),
            maybe(rows.ratio((TWO, contender), (ONE, contender), mean)),
            maybe(rows.to_opentelemetry(TWO, contender, mean)),
        ]);
    }
    let discarding = Contender::McpUsageDiscard;
    let targets = vec![
        Target::at_most(
            "two threads, mean / one thread's, discarding",
            "",
            1.3,
            rows.ratio((TWO, discarding), (ONE, discarding), mean),
        ),
        Target::at_most(
            "two threads, mean / OpenTelemetry's two",
            "",
            0.45,
            rows.to_opentelemetry(TWO, Contender::McpUsage, mean),
        ),
    ];
    Report {
        text: table.markdown(),
        targets,
        plots: Vec::new(),
    }
}
