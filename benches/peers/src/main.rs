//! What `mcp-usage` costs beside other ways to report usage: see `README.md` beside this package.

mod alloc;
mod contenders;
mod event;
mod footprint;
mod measure;
mod number;
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
use run::Case;
use scenarios::{ALL, Scenario, Size};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

#[global_allocator]
static ALLOCATOR: alloc::Counting = alloc::Counting;

/// Measures mcp-usage and its peers, round robin, in one run.
#[derive(Debug, Parser)]
struct Arguments {
    /// Scenarios to run [default: all but `footprint`].
    scenarios: Vec<String>,
    /// A look of a minute or two: a tenth of the events, one repetition, beside OpenTelemetry alone.
    #[arg(long)]
    quick: bool,
    /// Repetitions [default: 5, with --quick 1].
    #[arg(long)]
    repetitions: Option<u32>,
    /// Only these contenders.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Contender>,
    /// Where the report, the plots and all single figures go [default: `peers` beside the program].
    #[arg(long)]
    out: Option<PathBuf>,
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
    let known = || {
        ALL.iter()
            .map(|scenario| (scenario.name, scenario.question))
    };
    let known = || known().chain([(footprint::NAME, footprint::QUESTION)]);
    if arguments.list {
        for (name, question) in known() {
            println!("{name:<12} {question}");
        }
        return Ok(());
    }
    let named = &arguments.scenarios;
    if let Some(unknown) = named
        .iter()
        .find(|name| known().all(|(known, _)| known != **name))
    {
        return Err(format!("no scenario is called {unknown:?}; see --list").into());
    }
    let beside = std::env::current_exe()?.with_file_name("peers-results");
    let out = arguments.out.clone().unwrap_or(beside);
    std::fs::create_dir_all(&out)?;
    let plan = Plan::new(arguments);
    let mut report = File::create(out.join("report.md"))?;
    let mut figures = File::create(out.join("figures.jsonl"))?;
    let mut say = |text: &str| {
        println!("{text}");
        writeln!(report, "{text}")
    };

    say(&head(&plan))?;
    let mut targets = Vec::new();
    for scenario in &ALL {
        if !named.is_empty() && !named.iter().any(|name| name == scenario.name) {
            continue;
        }
        let cases = plan.cases(scenario);
        let rows = run::rounds(
            scenario.name,
            &cases,
            plan.repetitions,
            plan.python.as_ref(),
        )?;
        for row in &rows {
            writeln!(figures, "{}", serde_json::to_string(row)?)?;
        }
        let report = (scenario.report)(Rows(&rows));
        say(&format!(
            "## {} (`{}`)\n\n{}",
            scenario.question, scenario.name, report.text
        ))?;
        for plot in &report.plots {
            plot.write(&out)?;
            say(&format!("![{}]({})", plot.title, plot.file))?;
        }
        say("")?;
        targets.extend(report.targets);
    }
    if named.iter().any(|name| name == footprint::NAME) {
        let report = footprint::run(&out.join("footprint"))?;
        say(&format!(
            "## What does it add to a program? (`{}`)\n\n{}",
            footprint::NAME,
            report.text
        ))?;
        targets.extend(report.targets);
    }
    say(&format!("## Targets\n\n{}", report::targets(&targets)))?;
    eprintln!("written to {}", out.display());
    Ok(())
}

/// What this run measures.
struct Plan {
    size: Size,
    repetitions: u32,
    only: Vec<Contender>,
    python: Option<Python>,
}

impl Plan {
    fn new(arguments: &Arguments) -> Self {
        let only = &arguments.only;
        let asks_python = only.is_empty() || only.iter().any(|one| one.is_python());
        let python = (asks_python && !arguments.quick).then(Python::prepare);
        Self {
            size: if arguments.quick {
                Size::Quick
            } else {
                Size::Full
            },
            repetitions: arguments
                .repetitions
                .unwrap_or(if arguments.quick { 1 } else { 5 }),
            only: only.clone(),
            python: python.and_then(|python| {
                python
                    .inspect_err(|why| eprintln!("without the Python peers: {why}"))
                    .ok()
            }),
        }
    }

    fn cases(&self, scenario: &Scenario) -> Vec<Case> {
        let wanted = |contender: Contender| match (self.only.is_empty(), self.size) {
            (true, Size::Quick) => contender.is_quick(),
            (true, Size::Full) => true,
            (false, _) => self.only.contains(&contender),
        };
        let can = |contender: Contender| self.python.is_some() || !contender.is_python();
        let mut cases = (scenario.cases)(self.size);
        cases.retain(|case| wanted(case.contender) && can(case.contender));
        cases
    }
}

/// When and where.
fn head(plan: &Plan) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let now = std::time::SystemTime::now();
    let date = httpdate::fmt_http_date(now);
    let bytes = event::Workload::new(event::Kind::Typical, 0, 6).mean_bytes();
    format!(
        "# mcp-usage beside its peers\n\n{date}; {model}, {cores} cores; {} repetition(s); the event has {bytes} bytes as JSON.\n\
         Medians of the repetitions; ratios are taken within a repetition. What is not equal stands in `benches/peers/README.md`.\n",
        plan.repetitions
    )
}
