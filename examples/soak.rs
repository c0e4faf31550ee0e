//! Logs at full rate for a long time while the ingest goes up and down, and checks that nothing grows:
//! memory and file handles stay flat, and the ledger adds up. A second logger logs slowly, and the ingest fails on one in
//! a thousand of its events: such an event ends as `refused`, or still waits, and costs no other event.
//!
//! ```sh
//! cargo run --release --example soak -- 600   # seconds; 60 without an argument
//! ```
//!
//! The ingest is a process of its own, so that only the logger's memory counts. You should see a line
//! every few seconds, and at the end the ledger and `flat: …`; it exits with 1 if something grew. For
//! Linux, whose `/proc` it reads.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example that prints"
)]

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use mcp_usage::testing::{Answer, MockIngest};
use mcp_usage::{
    CallOutcome, DropReason, Identity, Outcome, ShutdownReport, ToolCall, UsageLogger, Wire,
};
use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const KEY: &str = "test-key-1";
const PORT: &str = "SOAK_PORT";
/// The tool on whose events the ingest fails.
const POISONED: &str = "poisoned_tool";
/// How many events a second the logger logs of whose events one in [`POISONED_ONE_IN`] is poisoned. To find such an event
/// takes some 25 requests, of which one a second goes out where the ingest is down every now and then.
const POISONED_RATE: u32 = 25;
const POISONED_ONE_IN: u64 = 1_000;
/// How long the ingest is up, and then down.
const UP: Duration = Duration::from_secs(12);
const DOWN: Duration = Duration::from_secs(3);
/// So small that the first time without an ingest fills it, also where the logger is not optimized.
const MAX_QUEUE_BYTES: usize = 4 * 1024 * 1024;
/// How many events the ingest takes before it fails twice, without being down.
const EVENTS_BETWEEN_FAULTS: u64 = 500_000;
/// What an allocator may keep beyond the level of the first quarter.
const SLACK_BYTES: u64 = 8 * 1024 * 1024;
/// Each logger may have as many connections more.
const SLACK_HANDLES: u64 = 2 * 4;

fn main() -> Result<ExitCode> {
    if let Ok(port) = std::env::var(PORT) {
        return ingest(port.parse()?);
    }
    let seconds = std::env::args().nth(1).map_or(Ok(60), |arg| arg.parse())?;
    soak(Duration::from_secs(seconds))
}

// ---- the ingest ----

/// Runs until its input ends, and then says what it has received.
fn ingest(port: u16) -> Result<ExitCode> {
    let ingest = MockIngest::builder()
        .api_key(KEY)
        .port(port)
        .unchecked()
        .start()?;
    ingest.answer_holding(POISONED, Answer::status(500));
    println!("{}", ingest.address().port());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (ingest, over) = (&ingest, &over);
        scope.spawn(move || {
            let mut next_at = EVENTS_BETWEEN_FAULTS;
            while !over.load(Relaxed) {
                std::thread::sleep(Duration::from_millis(100));
                // By events, not by time: a logger that asks seldom would meet nothing else.
                let accepted = ingest.counts().accepted;
                if accepted >= next_at {
                    ingest.script([Answer::status(503), Answer::reset_after_body()]);
                    next_at = accepted + EVENTS_BETWEEN_FAULTS;
                }
            }
        });
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        over.store(true, Relaxed);
    });
    // To its end: what it still answers counts.
    let counts = ingest.stop().counts;
    println!("{} {}", counts.accepted, counts.bytes);
    std::io::stdout().flush()?;
    // With all connections as they are.
    std::process::exit(0)
}

/// The ingest's process, and what it says.
struct Remote {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Remote {
    fn start(port: u16) -> Result<(Self, u16)> {
        let mut child = Command::new(std::env::current_exe()?)
            .env(PORT, port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut line = String::new();
        said.read_line(&mut line)?;
        let port = line.trim().parse()?;
        Ok((Self { child, said }, port))
    }

    /// Ends it, and returns the events it took and the bytes it received.
    fn stop(mut self) -> Result<(u64, u64)> {
        drop(self.child.stdin.take());
        let mut line = String::new();
        self.said.read_line(&mut line)?;
        self.child.wait()?;
        let mut numbers = line.split_whitespace().map(str::parse);
        let mut number = || numbers.next().ok_or("the ingest said nothing");
        Ok((number()??, number()??))
    }
}

// ---- the logger ----

fn soak(time: Duration) -> Result<ExitCode> {
    let (first, port) = Remote::start(0)?;
    let mut remote = Some(first);
    let endpoint = format!("http://127.0.0.1:{port}/api/product/usage");
    let logger = |product_id: &str| {
        UsageLogger::builder()
            .env(|_| None)
            .api_key(KEY)
            .endpoint(&endpoint)
            .wire(Wire::ReoBatch)
            .product_id(product_id)
            .max_queue_bytes(MAX_QUEUE_BYTES)
            .build()
    };
    let (usage, poisoned_usage) = (logger("soak")?, logger("soak-poisoned")?);
    let (over, poisoned) = (AtomicBool::new(false), AtomicU64::new(0));
    let (mut accepted, mut bytes) = (0, 0);
    let mut samples: Vec<(u64, u64)> = Vec::new();
    let began = Instant::now();
    std::thread::scope(|scope| -> Result<()> {
        for thread in 0..2 {
            let (usage, over) = (&usage, &over);
            scope.spawn(move || log(usage, thread, over));
        }
        let (poisoned_usage, over, poisoned) = (&poisoned_usage, &over, &poisoned);
        scope.spawn(move || log_poisoned(poisoned_usage, poisoned, over));
        let mut changes_at = UP;
        while began.elapsed() < time {
            std::thread::sleep(Duration::from_secs(1).min(time));
            samples.push((resident_bytes()?, handles()?));
            if samples.len() % 15 == 1 {
                let (resident, handles) = samples.last().copied().unwrap_or_default();
                println!(
                    "{:>4} s: {:>5} KiB resident, {handles} handles, {}; poisoned: {}",
                    began.elapsed().as_secs(),
                    resident / 1024,
                    usage.stats(),
                    poisoned_usage.stats()
                );
            }
            if began.elapsed() < changes_at {
                continue;
            }
            changes_at += match remote.take() {
                Some(up) => {
                    let (more_accepted, more_bytes) = up.stop()?;
                    accepted += more_accepted;
                    bytes += more_bytes;
                    DOWN
                }
                None => {
                    remote = Some(Remote::start(port)?.0);
                    UP
                }
            };
        }
        over.store(true, Relaxed);
        Ok(())
    })?;
    if remote.is_none() {
        remote = Some(Remote::start(port)?.0);
    }
    // What is poisoned still waits then, so the shutdown takes all of its time.
    let reports =
        [poisoned_usage, usage].map(|usage| usage.shutdown_blocking(Duration::from_secs(20)));
    if let Some(up) = remote {
        let (more_accepted, more_bytes) = up.stop()?;
        accepted += more_accepted;
        bytes += more_bytes;
    }
    let [
        ShutdownReport {
            stats: of_poisoned,
            pending,
            ..
        },
        ShutdownReport { stats, .. },
    ] = reports;
    println!(
        "{stats}; poisoned: {of_poisoned}\nthe ingest took {accepted} events in {} MB",
        bytes / 1_000_000
    );
    let poisoned = poisoned.into_inner();
    let refused = of_poisoned.dropped.get(DropReason::Refused);
    println!(
        "{poisoned} events were poisoned: {refused} refused, {pending} undelivered at the end"
    );
    // Without other events a poisoned one waits: it is not known then whose fault it is.
    let ended = refused <= poisoned
        && pending <= poisoned - refused
        && of_poisoned.dropped.total() == refused;
    let delivered = stats.delivered + of_poisoned.delivered;
    let closed = stats.balances() && of_poisoned.balances() && ended && accepted >= delivered;
    let flat = is_flat(&samples);
    Ok(if closed && flat && stats.delivered > 0 {
        ExitCode::SUCCESS
    } else {
        eprintln!("closed: {closed}, flat: {flat}");
        ExitCode::FAILURE
    })
}

fn log(usage: &UsageLogger, thread: u64, over: &AtomicBool) {
    let rachel = Identity::email("rachel@example.com");
    let arguments = json!({"query": "ruby on rails", "limit": 50, "password": "hunter2"});
    let mut n = 0_u64;
    while !over.load(Relaxed) {
        n += 1;
        let event = ToolCall::new("search")
            .identity(&rachel)
            .arguments(&arguments)
            .prompt("Which repositories of mail@example.com use Ruby on Rails?")
            .request_id((thread << 48 | n).to_string())
            .duration(Duration::from_micros(n % 90_000))
            .outcome(CallOutcome::Ok);
        if usage.log_usage(event) != Outcome::Queued {
            // Full: there is nothing to learn from refusals at full rate.
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Logs at leisure, one event in a thousand poisoned.
fn log_poisoned(usage: &UsageLogger, poisoned: &AtomicU64, over: &AtomicBool) {
    for n in 0_u64.. {
        if over.load(Relaxed) {
            return;
        }
        let is_poisoned = n % POISONED_ONE_IN == POISONED_ONE_IN / 2;
        let tool = if is_poisoned { POISONED } else { "browse" };
        if usage.log_usage(ToolCall::new(tool)) == Outcome::Queued && is_poisoned {
            poisoned.fetch_add(1, Relaxed);
        }
        std::thread::sleep(Duration::from_secs(1) / POISONED_RATE);
    }
}

/// Whether the last quarter needed no more than the first.
fn is_flat(samples: &[(u64, u64)]) -> bool {
    let quarter = samples.len() / 4;
    let most = |samples: &[(u64, u64)]| {
        let resident = samples.iter().map(|sample| sample.0).max().unwrap_or(0);
        let handles = samples.iter().map(|sample| sample.1).max().unwrap_or(0);
        (resident, handles)
    };
    let (first, last) = samples.split_at(quarter);
    let first = most(first);
    let last = most(last.get(last.len() - quarter..).unwrap_or_default());
    println!(
        "flat: {} KiB and {} handles at most in the first quarter, {} KiB and {} in the last",
        first.0 / 1024,
        first.1,
        last.0 / 1024,
        last.1
    );
    last.0 <= first.0 + SLACK_BYTES && last.1 <= first.1 + SLACK_HANDLES
}

fn resident_bytes() -> Result<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split_whitespace().nth(1).ok_or("no resident pages")?;
    Ok(pages.parse::<u64>()? * 4096)
}

fn handles() -> Result<u64> {
    Ok(std::fs::read_dir("/proc/self/fd")?.count() as u64)
}
