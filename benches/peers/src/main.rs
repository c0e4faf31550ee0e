//! What `mcp-usage` costs beside other ways to report usage: see `README.md` beside this package.

mod alloc;
mod contenders;
mod event;
mod measure;
mod plot;
mod process;
mod python;
mod report;
mod run;
mod scenarios;
mod server;
mod sink;

use clap::{Parser, Subcommand};
use contenders::Contender;
use python::Python;
use report::Rows;
use scenarios::{Scenario, Size};
use std::path::PathBuf;

#[global_allocator]
static ALLOCATOR: alloc::Counting = alloc::Counting;

/// Measures mcp-usage and its peers, round robin, in one run.
#[derive(Debug, Parser)]
struct Arguments {
    /// Scenarios to run; all but `footprint` when none is named.
    scenarios: Vec<String>,
    /// A look of about a minute: a tenth of the events, one repetition, no Python.
    #[arg(long)]
    quick: bool,
    /// Repetitions [default: 5, with --quick 1].
    #[arg(long)]
    repetitions: Option<u32>,
    /// Only these contenders.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Contender>,
    /// Where the report goes.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/results"))]
    out: PathBuf,
    /// Lists the scenarios.
    #[arg(long)]
    list: bool,
    #[command(subcommand)]
    child: Option<ChildProcess>,
}

/// What the harness starts of itself.
#[derive(Debug, Subcommand)]
enum ChildProcess {
    #[command(hide = true)]
    Measure { load: String },
    #[command(hide = true)]
    Sink { mode: String },
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    match &arguments.child {
        Some(ChildProcess::Sink { mode }) => Ok(sink::serve(serde_json::from_str(mode)?)?),
        Some(ChildProcess::Measure { load }) => {
            let load: measure::Load = serde_json::from_str(load)?;
            let measured = if load.contender.is_server() {
                server::run(&load)
            } else {
                measure::run(&load)
            };
            println!("{}", serde_json::to_string(&measured)?);
            // At once: what a library would still do is not asked.
            std::process::exit(0)
        }
        None => run_all(&arguments),
    }
}

fn run_all(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    if arguments.list {
        for scenario in scenarios::ALL {
            println!("{:<12} {}", scenario.name, scenario.question);
        }
        return Ok(());
    }
    let chosen = |scenario: &Scenario| {
        arguments.scenarios.is_empty()
            || arguments.scenarios.iter().any(|name| name == scenario.name)
    };
    if let Some(unknown) = arguments
        .scenarios
        .iter()
        .find(|name| scenarios::ALL.iter().all(|known| known.name != **name))
    {
        return Err(format!("no scenario is called {unknown:?}; see --list").into());
    }
    let size = if arguments.quick {
        Size::Quick
    } else {
        Size::Full
    };
    let repetitions = arguments
        .repetitions
        .unwrap_or(if arguments.quick { 1 } else { 5 });
    let python = match Python::prepare() {
        _ if arguments.quick => None,
        Ok(python) => Some(python),
        Err(why) => {
            eprintln!("without the Python peers: {why}");
            None
        }
    };
    println!(
        "The event: {} bytes as JSON.\n",
        event::Workload::new(event::Kind::Typical, 0, 6).mean_bytes()
    );
    let mut targets = Vec::new();
    for scenario in scenarios::ALL.iter().filter(|scenario| chosen(scenario)) {
        let mut cases = (scenario.cases)(size);
        cases.retain(|case| arguments.only.is_empty() || arguments.only.contains(&case.contender));
        cases.retain(|case| python.is_some() || !case.contender.is_python());
        let rows = run::rounds(scenario.name, &cases, repetitions, python.as_ref())?;
        let report = (scenario.report)(Rows(&rows));
        println!("## {}\n\n{}", scenario.question, report.text);
        std::fs::create_dir_all(&arguments.out)?;
        for plot in &report.plots {
            plot.write(&arguments.out)?;
        }
        targets.extend(report.targets);
    }
    println!("## Targets\n\n{}", report::targets(&targets));
    Ok(())
}
