//! Fault by fault: what may go wrong between a logger and its ingest, and in the host, each over real
//! sockets, and the same laws after each.
//!
//! - The ledger closes: offered = delivered + dropped by reason, and nothing is pending at the end.
//! - The caller never waits: each event is taken at once, whatever the ingest does.
//! - Nothing reaches the host: no panic, and the next event after the fault is delivered.
//! - What could be delivered was, once per id after deduplication, and always with the same bytes.

mod answers;
mod bridge;
mod child;
mod fleet;
mod foreign;
mod held_up;
mod host;
mod memory;
mod network;
mod poison;
mod process;
mod proxy;
mod random;
mod system;
mod tls;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mcp_usage::testing::{ManualClock, MockIngest};
use mcp_usage::{Builder, DeliveryError, DropReason, Outcome, Stats, UsageLogger, Wire};

use crate::support::{PATIENCE, assert_ledger, call, errors, on_wires, wires};

/// How long the taking of one event may last: far more than it does on the slowest machine, and far
/// less than any timeout of a request.
const AT_ONCE: Duration = Duration::from_secs(1);

/// What becomes of the events that a fault meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// All are delivered.
    Delivered,
    /// All are delivered, and the ingest sees at least one of them twice.
    Twice,
    /// The answer says that they were taken, and so they count as delivered, though this ingest plays
    /// that answer without taking them.
    Claimed,
    /// The event of a request that holds one is dropped; the events of a batch are sent again in parts, and
    /// delivered.
    Searched,
    /// Those of the request that met the fault are dropped, the others delivered.
    Dropped(DropReason),
}

fn on_all_wires(play: impl Fn(&str, &Wire) + Sync) {
    on_wires(&wires().map(|(name, _)| name), play);
}

/// The wires whose queued forms and requests differ in kind.
const FORMS: [&str; 3] = ["reo batch", "otlp", "posthog"];

/// A logger, its ingest, and what was logged so far.
struct Scene {
    name: String,
    ingest: MockIngest,
    usage: UsageLogger,
    errors: Receiver<DeliveryError>,
    offered: u64,
}

impl Scene {
    fn new(name: impl Into<String>, ingest: MockIngest, builder: Builder) -> Self {
        let (builder, errors) = errors(builder);
        Self {
            name: name.into(),
            ingest,
            usage: builder.build().unwrap(),
            errors,
            offered: 0,
        }
    }

    /// Logs events; each has to be taken, and at once.
    #[track_caller]
    fn log(&mut self, events: u64) {
        for _ in 0..events {
            assert_eq!(self.offer(), Outcome::Queued, "{}", self.name);
        }
    }

    /// Logs an event, which has to end at the door or in the queue at once.
    #[track_caller]
    fn offer(&mut self) -> Outcome {
        self.offered += 1;
        let began = Instant::now();
        let outcome = self.usage.log_usage(call(self.offered));
        let took = began.elapsed();
        assert!(took < AT_ONCE, "{}: a caller waited {took:?}", self.name);
        outcome
    }

    /// Waits until a request has failed, and returns why.
    #[track_caller]
    fn failure(&self) -> String {
        match self.errors.recv_timeout(PATIENCE) {
            Ok(DeliveryError::Retrying { cause, .. }) => cause,
            other => panic!("{}: {other:?}", self.name),
        }
    }

    /// Delivers what there is. Each flush sends one probe through a closed gate, and the first may
    /// still have met the fault.
    #[track_caller]
    fn flush(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.usage.flush_blocking(AT_ONCE).is_err() {
            let stats = self.usage.stats();
            assert!(Instant::now() < deadline, "{}: {stats:?}", self.name);
        }
    }

    /// The fault is over: one more event has to arrive, and then the laws have to hold.
    #[track_caller]
    fn recover(mut self) -> Stats {
        let before = self.usage.stats().delivered;
        self.log(1);
        self.flush();
        let after = self.usage.stats().delivered;
        assert_eq!(
            after,
            before + 1,
            "{}: the event after the fault",
            self.name
        );
        self.end()
    }

    /// Shuts down, and checks the laws.
    #[track_caller]
    fn end(self) -> Stats {
        let stats = self.close(PATIENCE);
        let accepted = accepted(&self.ingest);
        assert_eq!(
            accepted.len() as u64,
            stats.delivered,
            "{}: {stats:?}, and the ingest took {accepted:?}",
            self.name
        );
        stats
    }

    /// Shuts down within a time, and checks what holds also of an ingest that lied.
    #[track_caller]
    fn close(&self, timeout: Duration) -> Stats {
        let began = Instant::now();
        let report = self.usage.shutdown_blocking(timeout);
        let late = began.elapsed().saturating_sub(timeout);
        assert!(late < 2 * AT_ONCE, "{}: {late:?} too late", self.name);
        assert_ledger(&report.stats);
        let stats = self.usage.stats();
        assert_ledger(&stats);
        assert_eq!(stats.pending, 0, "{}: {stats:?}", self.name);
        assert_eq!(stats.offered, self.offered, "{}: {stats:?}", self.name);
        assert_same_bytes(&self.name, &self.ingest);
        let violations = self.ingest.violations();
        assert_eq!(violations, Vec::<String>::new(), "{}", self.name);
        stats
    }
}

/// How long nothing may move before a manual clock does.
const STILL: Duration = Duration::from_millis(5);

/// Moves a manual clock whenever nothing else moves, so that a request that is merely slow does not
/// seem to last for ever. Ends when it is done, or after so many steps.
fn let_time_pass(
    usage: &UsageLogger,
    clock: &ManualClock,
    step: Duration,
    steps: u64,
    done: impl Fn(&Stats) -> bool,
) {
    for _ in 0..steps {
        let mut seen = usage.stats();
        let mut since = Instant::now();
        while since.elapsed() < STILL {
            let now = usage.stats();
            if done(&now) {
                return;
            }
            if now != seen {
                (seen, since) = (now, Instant::now());
            }
            // Leaves the processor to what is to move.
            std::thread::park_timeout(STILL / 20);
        }
        clock.advance(step);
    }
}

/// The ids of the events that the ingest took, each once.
fn accepted(ingest: &MockIngest) -> BTreeSet<String> {
    let events = ingest.delivered();
    events.into_iter().map(|event| event.id).collect()
}

/// An event that arrived more than once arrived with the same id and the same content.
#[track_caller]
fn assert_same_bytes(name: &str, ingest: &MockIngest) {
    let mut contents: BTreeMap<String, serde_json::Value> = BTreeMap::new();
    let mut numbers: BTreeMap<String, String> = BTreeMap::new();
    for event in ingest.events() {
        let number = event.meta("request_id").map(ToString::to_string);
        // The events that a barrier costs all have the same.
        let number = number.filter(|number| number != "\"999999\"");
        if let Some(number) = number {
            let id = numbers.entry(number).or_insert_with(|| event.id.clone());
            assert_eq!(*id, event.id, "{name}: an event has changed its id");
        }
        let content = contents.entry(event.id).or_insert(event.json.clone());
        assert_eq!(*content, event.json, "{name}: an event has changed");
    }
}

/// Where the name of the ingest leads to; it may change while a logger runs.
#[derive(Clone)]
struct Directory(Arc<Mutex<Entry>>);

#[derive(Clone)]
enum Entry {
    Addresses(Vec<SocketAddr>),
    Unknown,
    Silence,
}

impl Directory {
    fn new(entry: Entry) -> Self {
        Self(Arc::new(Mutex::new(entry)))
    }

    fn lead_to(&self, address: SocketAddr) {
        *self.0.lock().unwrap() = Entry::Addresses(vec![address]);
    }
}

impl reqwest::dns::Resolve for Directory {
    fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let entry = self.0.lock().unwrap().clone();
        Box::pin(async move {
            match entry {
                Entry::Addresses(addresses) => {
                    Ok(Box::new(addresses.into_iter()) as reqwest::dns::Addrs)
                }
                Entry::Unknown => Err("no such host".into()),
                Entry::Silence => std::future::pending().await,
            }
        })
    }
}
