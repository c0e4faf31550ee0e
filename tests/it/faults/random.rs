//! Random sequences of faults. After each the ledger closes, and agrees with what the ingest really
//! received, event by event.
//!
//! `USAGE_FAULT_SEQUENCES` (default 1 000) is the number of sequences, `USAGE_FAULT_SEED` (default 1) the seed of
//! the first; a failure names the seed of its own, to be run alone.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use mcp_usage::testing::{Answer, ManualClock, MockIngest, Received, ReceivedEvent};
use mcp_usage::{
    ConfirmError, Confirmation, DropReason, Outcome, Stats, ToolCall, UsageLogger, WhenFull, Wire,
};

use super::AT_ONCE;
use crate::spool::TempDir;
use crate::support::{KEY, PATIENCE, assert_ledger, builder_for, reserved_port, wires};

const DEFAULT_SEQUENCES: u64 = 1_000;
const THREADS: u64 = 8;

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize].clone()
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

#[test]
fn the_ledger_agrees_with_the_ingest_after_random_faults() {
    let sequences = variable("USAGE_FAULT_SEQUENCES").unwrap_or(DEFAULT_SEQUENCES);
    let seed = variable("USAGE_FAULT_SEED").unwrap_or(1);
    eprintln!("{sequences} sequences from USAGE_FAULT_SEED={seed}");
    let next = AtomicU64::new(0);
    let totals = Totals::default();
    std::thread::scope(|scope| {
        for _ in 0..THREADS.min(sequences) {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Relaxed);
                    if n >= sequences {
                        return;
                    }
                    totals.add(&Sequence::play(seed.wrapping_add(n)));
                }
            });
        }
    });
    eprintln!("{totals:?}");
    // It would prove little if nothing had gone wrong.
    if sequences >= DEFAULT_SEQUENCES {
        assert!(totals.retries.load(Relaxed) > sequences, "{totals:?}");
        assert!(totals.dropped.load(Relaxed) > sequences, "{totals:?}");
        assert!(totals.delivered.load(Relaxed) > sequences, "{totals:?}");
    }
}

#[derive(Debug, Default)]
struct Totals {
    offered: AtomicU64,
    delivered: AtomicU64,
    dropped: AtomicU64,
    retries: AtomicU64,
    requests: AtomicU64,
}

impl Totals {
    fn add(&self, stats: &Stats) {
        self.offered.fetch_add(stats.offered, Relaxed);
        self.delivered.fetch_add(stats.delivered, Relaxed);
        self.dropped.fetch_add(stats.dropped.total(), Relaxed);
        self.retries.fetch_add(stats.retries, Relaxed);
        self.requests.fetch_add(stats.requests, Relaxed);
    }
}

/// A hook that drops some events, and adds to the others.
fn hook(mut event: serde_json::Value) -> Option<serde_json::Value> {
    let length = event["meta"]["tool"].as_str().map_or(0, str::len);
    event["meta"]["length"] = length.into();
    (!length.is_multiple_of(9)).then_some(event)
}

/// What the caller knows of one event.
enum Fate {
    Queued,
    /// Somebody waits for it.
    Waiting(Confirmation),
    Dropped(DropReason),
}

struct Sequence {
    seed: u64,
    rng: Rng,
    usage: UsageLogger,
    clock: ManualClock,
    /// `None` while it is down.
    ingest: Option<MockIngest>,
    port: u16,
    /// What arrived at ingests that are gone.
    arrived: Vec<Received>,
    fates: BTreeMap<i64, Fate>,
    /// Answers that may have got lost: then the ingest may have taken what the logger gave up.
    ambiguous: std::sync::Arc<AtomicU64>,
    /// Whether the ingest refused single events of a batch it took.
    refuses: bool,
    wire: Wire,
    /// Where a part of the sequences keeps its events.
    _spool: Option<TempDir>,
}

impl Sequence {
    fn play(seed: u64) -> Stats {
        let mut sequence = Self::new(seed);
        for _ in 0..4 + sequence.rng.below(8) {
            sequence.step();
        }
        sequence.finish()
    }

    fn new(seed: u64) -> Self {
        let mut rng = Rng(seed);
        let clock = ManualClock::new();
        let port = reserved_port();
        let up = MockIngest::builder().api_key(KEY).port(port);
        let ingest = up.start().unwrap();
        let ambiguous = std::sync::Arc::new(AtomicU64::new(0));
        let counts = std::sync::Arc::clone(&ambiguous);
        let (_, wire) = rng.one_of(&wires());
        let spool = (rng.below(8) == 0).then(TempDir::new);
        let mut builder = builder_for(&ingest, &wire)
            .clock(&clock)
            .flush_interval(Duration::from_secs(1))
            .request_timeout(Duration::from_secs(5))
            .max_in_flight(rng.one_of(&[1, 2, 8]))
            .max_queue_events(rng.one_of(&[5, 40, 10_000]))
            .when_full(rng.one_of(&[WhenFull::DropNewest, WhenFull::DropOldest]))
            .max_batch_events(rng.one_of(&[1, 3, 500]))
            .max_event_age(rng.one_of(&[Duration::from_secs(20), Duration::from_secs(3600)]))
            .on_error(move |error| {
                if error.to_string().contains("timed out") {
                    counts.fetch_add(1, Relaxed);
                }
            });
        if let Some(dir) = &spool {
            builder = builder.spool(dir.spool());
        }
        if rng.below(4) == 0 {
            builder = builder.before_send(hook);
        }
        Self {
            seed,
            rng,
            usage: builder.build().unwrap(),
            clock,
            port,
            ingest: Some(ingest),
            arrived: Vec::new(),
            fates: BTreeMap::new(),
            ambiguous,
            refuses: false,
            wire,
            _spool: spool,
        }
    }

    fn step(&mut self) {
        match self.rng.below(12) {
            0..=5 => {
                let faults = 1 + self.rng.below(4);
                let faults: Vec<Answer> = (0..faults).map(|_| self.fault()).collect();
                if let Some(ingest) = &self.ingest {
                    ingest.script(faults);
                }
            }
            6 => self.go_down(),
            7 => self.come_up(),
            8 => self
                .clock
                .set_forward(Duration::from_secs(self.rng.below(100_000))),
            9 => self
                .clock
                .set_back(Duration::from_secs(self.rng.below(100_000))),
            10 => self.clock.advance(Duration::from_secs(self.rng.below(30))),
            _ => {}
        }
        for _ in 0..self.rng.below(20) {
            self.log();
        }
        let turns = self.rng.below(6);
        self.drive(turns, |_| false);
    }

    fn fault(&mut self) -> Answer {
        let status = self.rng.one_of(&[
            200, 204, 301, 302, 307, 400, 401, 403, 404, 408, 413, 413, 413, 422, 425, 429, 429,
            500, 502, 503, 503, 504, 600,
        ]);
        let first = self.rng.below(5) as usize;
        match self.rng.below(12) {
            0 => Answer::reset_before_body(),
            1 => Answer::reset_in_body(),
            2 => Answer::reset_after_body(),
            3 => Answer::malformed(),
            4 => Answer::hang(),
            5 => Answer::truncated(),
            6 => Answer::huge(200_000),
            7 => {
                self.refuses = true;
                Answer::reject_first(first, first.is_multiple_of(2))
            }
            8 => {
                let after = self
                    .rng
                    .one_of(&["0", "3", "1.5", "99999999999999999999", "x"]);
                Answer::status(429).retry_after(after)
            }
            _ => Answer::status(status),
        }
    }

    fn log(&mut self) {
        let id = self.fates.len() as i64 + 1;
        let size = self.rng.below(300) as usize;
        // The number stands in the tool's name, which is the same on all wires.
        let event = ToolCall::new(format!("{id}_{}", "x".repeat(size % 200))).event_id(id);
        let began = Instant::now();
        let fate = if self.rng.below(2) == 0 {
            let year = Duration::from_secs(365 * 24 * 3600);
            Fate::Waiting(self.usage.log_usage_confirmed(event, year))
        } else {
            match self.usage.log_usage(event) {
                Outcome::Queued => Fate::Queued,
                Outcome::Dropped(reason) => Fate::Dropped(reason),
                other => panic!("seed {}: {other:?}", self.seed),
            }
        };
        assert!(
            began.elapsed() < AT_ONCE,
            "seed {}: a caller waited",
            self.seed
        );
        self.fates.insert(id, fate);
    }

    fn go_down(&mut self) {
        if let Some(ingest) = self.ingest.take() {
            // A request that it took may lose its answer now.
            self.ambiguous.fetch_add(1, Relaxed);
            self.arrived.push(ingest.stop());
        }
    }

    fn come_up(&mut self) {
        if self.ingest.is_none() {
            let up = MockIngest::builder().api_key(KEY).port(self.port);
            // The port of a server that is gone may be held up by its last connections.
            let deadline = Instant::now() + PATIENCE;
            while self.ingest.is_none() {
                assert!(
                    Instant::now() < deadline,
                    "seed {}: the port is taken",
                    self.seed
                );
                self.ingest = up.clone().start().ok();
            }
        }
    }

    /// Lets time pass whenever nothing else moves.
    fn drive(&self, turns: u64, done: impl Fn(&Stats) -> bool) {
        super::let_time_pass(
            &self.usage,
            &self.clock,
            Duration::from_secs(1),
            turns,
            done,
        );
    }

    fn finish(mut self) -> Stats {
        let seed = self.seed;
        self.come_up();
        // What is left of the script is a fault that nothing met.
        let ingest = self.ingest.take().unwrap();
        self.drive(10_000, |stats| stats.pending + stats.spooled == 0);
        let report = self.usage.shutdown_blocking(PATIENCE);
        assert_eq!(report.pending, 0, "seed {seed}: {report:?}");
        let stats = self.usage.stats();
        assert_ledger(&stats);
        assert_eq!(
            stats.offered,
            self.fates.len() as u64,
            "seed {seed}: {stats:?}"
        );
        assert_eq!(stats.panics, 0, "seed {seed}: {stats:?}");
        self.arrived.push(ingest.stop());
        self.compare(&stats);
        stats
    }

    /// Compares what the logger and its callers believe with what arrived.
    fn compare(self, stats: &Stats) {
        let seed = self.seed;
        let events = || self.arrived.iter().flat_map(|arrived| &arrived.events);
        let mut contents = BTreeMap::new();
        for event in events() {
            let content = contents.entry(&event.id).or_insert(&event.json);
            assert_eq!(*content, &event.json, "seed {seed}: an event has changed");
        }
        for arrived in &self.arrived {
            assert_eq!(arrived.violations, Vec::<String>::new(), "seed {seed}");
            assert_report(seed, arrived, stats);
        }
        let id = |event: &ReceivedEvent| {
            let (number, _) = event.tool()?.split_once('_')?;
            number.parse::<i64>().ok()
        };
        let accepted = events().filter(|event| event.accepted);
        let accepted: BTreeSet<i64> = accepted.map(|event| id(event).unwrap()).collect();

        let mut refused: BTreeMap<DropReason, u64> = BTreeMap::new();
        let (mut confirmed, mut dropped) = (0, 0);
        let ambiguous = self.ambiguous.load(Relaxed) > 0;
        // A 2xx stands when its body, and with it the refusal of single events, got lost.
        let unheard = ambiguous && self.refuses;
        // OTLP says how many were refused, and not which.
        let is_unnamed = self.refuses && matches!(self.wire, Wire::Otlp(_));
        for (id, fate) in self.fates {
            let arrived = accepted.contains(&id);
            match fate {
                Fate::Queued => {}
                Fate::Dropped(reason) => {
                    assert!(!arrived, "seed {seed}: {id} was refused and arrived");
                    *refused.entry(reason).or_default() += 1;
                }
                Fate::Waiting(mut confirmation) => match told(&mut confirmation) {
                    Ok(()) => {
                        assert!(
                            arrived || unheard || is_unnamed,
                            "seed {seed}: {id} is confirmed and did not arrive"
                        );
                        confirmed += 1;
                    }
                    Err(ConfirmError::Dropped(_)) => dropped += 1,
                    Err(other) => panic!("seed {seed}: {id} ended as {other}"),
                },
            }
        }
        assert!(
            confirmed <= stats.delivered && dropped <= stats.dropped.total(),
            "seed {seed}"
        );
        for (reason, count) in refused {
            assert!(
                stats.dropped.get(reason) >= count,
                "seed {seed}: {reason}: {stats:?}"
            );
        }
        let arrived = accepted.len() as u64;
        if !ambiguous {
            assert_eq!(arrived, stats.delivered, "seed {seed}: {stats:?}");
        } else {
            let most = stats.delivered + stats.dropped.total();
            let least = if unheard { 0 } else { stats.delivered };
            assert!(
                (least..=most).contains(&arrived),
                "seed {seed}: {arrived} arrived, {stats:?}"
            );
        }
    }
}

/// No loss report says more than was lost in the end.
fn assert_report(seed: u64, arrived: &Received, stats: &Stats) {
    for request in &arrived.requests {
        let Some(body) = request.json() else { continue };
        let dropped = &body["sdk"]["dropped"];
        for (name, count) in dropped.as_object().into_iter().flatten() {
            let reason = DropReason::ALL.iter().find(|r| r.as_str() == name);
            let total = stats.dropped.get(*reason.unwrap());
            assert!(
                count.as_u64().unwrap() <= total,
                "seed {seed}: {name} {count}, {stats:?}"
            );
        }
    }
}

/// What a confirmation says now; after a shutdown each has something to say.
fn told(confirmation: &mut Confirmation) -> Result<(), ConfirmError> {
    match Pin::new(confirmation).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(ConfirmError::Unknown(Duration::ZERO)),
    }
}
