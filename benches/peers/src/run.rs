//! Runs a scenario's cases round robin: each repetition goes once over all contenders, so that ratios can be taken
//! within it and a machine that is slow for a minute is slow for all.

use crate::contenders::Contender;
use crate::event::Kind;
use crate::measure::{End, Load, Measured};
use crate::python::Python;
use crate::sink::{Mode, Seen, Sink};
use serde::{Deserialize, Serialize};
use std::io::{IsTerminal, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// One thing to measure, in each repetition.
#[derive(Debug, Clone)]
pub struct Case {
    /// Which line of the scenario it belongs to.
    pub line: String,
    pub contender: Contender,
    pub mode: Mode,
    pub load: Load,
    /// It is given up after so long: some contenders take minutes to end, or never do.
    pub limit: Duration,
}

impl Case {
    /// A burst of typical events from one thread, with a queue that holds them all.
    pub fn burst(line: &str, contender: Contender, events: u64) -> Self {
        let load = Load {
            contender,
            url: String::new(),
            kind: Kind::Typical,
            argument_bytes: 0,
            tools: 6,
            events,
            rate: 0,
            threads: 1,
            queue_events: Some(usize::try_from(events + 1_000).unwrap_or(usize::MAX)),
            batch_events: None,
            warm_up: 50,
            calls_per_time: 1,
            count_allocations: false,
            end: End::Leave,
        };
        Self {
            line: line.to_owned(),
            contender,
            mode: Mode::Ok,
            load,
            limit: Duration::from_secs(90),
        }
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// What became of a case in one repetition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    pub scenario: String,
    pub line: String,
    pub contender: Contender,
    pub repetition: u32,
    pub events: u64,
    /// It did not end in time, or failed: there are no figures.
    pub gave_up: bool,
    pub measured: Measured,
    pub seen: Option<Seen>,
}

/// Measures one case. `None`: it did not end in time, or failed.
pub fn measure(
    case: &Case,
    python: Option<&Python>,
) -> std::io::Result<Option<(Measured, Option<Seen>)>> {
    let sink = Sink::start(case.mode)?;
    let load = Load {
        url: sink.url(),
        ..case.load.clone()
    };
    let load = serde_json::to_string(&load)?;
    let mut command = match python {
        Some(python) if case.contender.is_python() => python.command(),
        _ => Command::new(std::env::current_exe()?),
    };
    let mut child = command
        .args(["measure", &load])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let deadline = Instant::now() + case.limit;
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let mut line = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut line)?;
    }
    let measured = serde_json::from_str(&line);
    Ok(measured.ok().map(|measured| (measured, sink.seen())))
}

/// Runs all cases of a scenario, `repetitions` times.
pub fn rounds(
    scenario: &str,
    cases: &[Case],
    repetitions: u32,
    python: Option<&Python>,
) -> std::io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for repetition in 0..repetitions {
        for case in cases {
            progress(&format!(
                "{scenario} {}/{repetitions}: {}, {}",
                repetition + 1,
                case.line,
                case.contender.label()
            ));
            let result = measure(case, python)?;
            let (measured, seen) = result.clone().unwrap_or_default();
            rows.push(Row {
                scenario: scenario.to_owned(),
                line: case.line.clone(),
                contender: case.contender,
                repetition,
                events: case.load.events,
                gave_up: result.is_none(),
                measured,
                seen,
            });
        }
    }
    progress("");
    Ok(rows)
}

/// One line that is written over, where somebody watches.
fn progress(text: &str) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        let _ = write!(stderr, "\r\x1b[K{text}");
        let _ = stderr.flush();
    }
}
