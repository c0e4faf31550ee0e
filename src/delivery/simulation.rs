//! A destination under simulated time: minutes of traffic in a second, against an ingest that is a function.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not `#[test]` functions, which clippy.toml relaxes"
)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::yield_now;

use super::batch::Size;
use super::destination::Destination;
use super::shared::Shared;
use crate::Builder;
use crate::base::clock::Clock;
use crate::base::lock::lock;
use crate::base::manual_clock::ManualClock;
use crate::base::random::Rng;
use crate::capture::{CapturePolicy, EventDraft, ThreadScratch};
use crate::ledger::{DropReason, Stats};
use crate::limits::Limits;
use crate::queue::Takers;
use crate::redact::Redactor;
use crate::transport::{IncomingResponse, ProbeFuture, Request, SendError, SendFuture, Transport};
use crate::wire::{Mcpeye, Wire};

const STEP: Duration = Duration::from_millis(25);
const ROUND_TRIP: Duration = Duration::from_millis(50);
const SECOND: Duration = Duration::from_secs(1);

/// The "status" of a connection that is reset.
const RESET: u16 = 0;

/// The "status" of a request that is never answered.
const HANG: u16 = 1;

/// The "status" of a 503 that asks for a pause of so many seconds.
const ASKS: u16 = 2;
const ASKED: u64 = 200;

/// The "status" of a 200 that asks for every event again.
const AGAIN: u16 = 3;

/// Says by which status a request is answered, by the numbers of its events.
type Script = Box<dyn FnMut(&[u64], Duration) -> u16 + Send>;

/// What the ingest has seen.
#[derive(Default)]
struct Seen {
    delivered: HashMap<u64, Duration>,
    twice: u64,
    requests: Vec<(Duration, u16)>,
}

struct Ingest {
    clock: ManualClock,
    start: Instant,
    script: Mutex<Script>,
    seen: Arc<Mutex<Seen>>,
}

impl std::fmt::Debug for Ingest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ingest")
    }
}

impl Transport for Ingest {
    fn send(&self, request: Request) -> SendFuture {
        let body = String::from_utf8(request.body).unwrap();
        let numbers = body.split("\"n\":").skip(1);
        let numbers = numbers.map(|rest| rest.split('}').next().unwrap().parse().unwrap());
        let numbers: Vec<u64> = numbers.collect();
        let now = self.clock.now();
        let at = now - self.start;
        let status = lock(&self.script)(&numbers, at);
        let (clock, seen) = (self.clock.clone(), Arc::clone(&self.seen));
        lock(&seen).requests.push((at, status));
        Box::pin(async move {
            clock.sleep_until(now + ROUND_TRIP).await;
            let mut body = Vec::new();
            if status == AGAIN {
                let again = |n: &u64| format!("{{\"event_id\":{},\"retry\":true}}", n + 1);
                let again: Vec<String> = numbers.iter().map(again).collect();
                body = format!("{{\"rejected\":[{}]}}", again.join(",")).into_bytes();
            }
            if status == 200 {
                let mut seen = lock(&seen);
                for number in numbers {
                    let before = seen.delivered.insert(number, at);
                    seen.twice += u64::from(before.is_some());
                }
            }
            if status == HANG {
                std::future::pending::<()>().await;
            }
            if status == RESET {
                return Err(SendError::Network("reset".to_owned()));
            }
            let asks = status == ASKS;
            Ok(IncomingResponse {
                status: match status {
                    ASKS => 503,
                    AGAIN => 200,
                    _ => status,
                },
                retry_after: asks.then(|| ASKED.to_string()),
                content_type: None,
                body: Box::pin(std::future::ready(body)),
            })
        })
    }

    fn probe(&self) -> Option<ProbeFuture> {
        None
    }
}

struct Simulation {
    clock: ManualClock,
    start: Instant,
    shared: Arc<Shared>,
    destination: Destination,
    seen: Arc<Mutex<Seen>>,
    offered: u64,
}

impl Simulation {
    fn new(wire: Wire, script: impl FnMut(&[u64], Duration) -> u16 + Send + 'static) -> Self {
        Self::with(wire, |builder| builder, script)
    }

    /// With such settings.
    fn with(
        wire: Wire,
        change: impl FnOnce(Builder) -> Builder,
        script: impl FnMut(&[u64], Duration) -> u16 + Send + 'static,
    ) -> Self {
        let clock = ManualClock::new();
        let (mut shared, receiver) = Shared::for_tests_of(wire, |builder| {
            let builder = builder.clock(&clock).flush_interval(SECOND);
            change(builder.max_queue_events(1_000_000).max_queue_bytes(1 << 30))
        });
        let (start, seen) = (clock.now(), Arc::default());
        shared.settings.transport = Arc::new(Ingest {
            clock: clock.clone(),
            start,
            script: Mutex::new(Box::new(script)),
            seen: Arc::clone(&seen),
        });
        assert!(matches!(shared.settings.clock, Clock::Manual(_)));
        let shared = Arc::new(shared);
        Self {
            destination: Destination::new(Arc::clone(&shared), receiver, None),
            clock,
            start,
            shared,
            seen,
            offered: 0,
        }
    }

    fn offer(&mut self) {
        let policy = CapturePolicy {
            limits: Limits::default(),
            redactor: Redactor::off(),
        };
        let mut scratch = ThreadScratch::default();
        let mut draft = EventDraft::begin(&mut scratch, &policy, &self.shared.ledger);
        let json = format!("{{\"n\":{}}}", self.offered);
        draft.writer.raw(&json);
        let event = draft.seal().unwrap();
        let (id, clock) = (self.offered as i64 + 1, &self.clock);
        let pushed = self
            .shared
            .queue
            .push(&event, id, Takers::FIRST, None, false, || clock.now());
        pushed.result.unwrap();
        self.offered += 1;
    }

    /// Lets time pass, with so many events a second, and looks after each step.
    async fn run(&mut self, time: Duration, rate: u64, mut look: impl FnMut(Duration, &Stats)) {
        let steps = (time.as_millis() / STEP.as_millis()) as u64;
        let by = |step: u64| step * rate * STEP.as_millis() as u64 / 1_000;
        for step in 0..steps {
            for _ in by(step)..by(step + 1) {
                self.offer();
            }
            self.clock.advance(STEP);
            self.settle().await;
            look(self.elapsed(), &self.shared.ledger.snapshot(0));
        }
    }

    async fn settle(&mut self) {
        loop {
            self.destination.turn(self.clock.now());
            // The requests' tasks run.
            yield_now().await;
            yield_now().await;
            let mut has_ended = false;
            while let Some(ended) = self.destination.backlog.flights.try_next() {
                self.destination.on_answer(ended);
                has_ended = true;
            }
            if !has_ended {
                return;
            }
        }
    }

    fn elapsed(&self) -> Duration {
        self.clock.now() - self.start
    }

    fn stats(&self) -> Stats {
        self.shared.ledger.snapshot(0)
    }
}

fn wires() -> [Wire; 3] {
    [Wire::Reo, Wire::ReoBatch, Wire::Mcpeye(Mcpeye::new("p"))]
}

const MINUTES: u64 = 10;
const RATE: u64 = 100;

/// One event in a thousand is one on which the ingest fails, for ten minutes.
fn is_poisoned(number: u64) -> bool {
    number % 1_000 == 500 && number < MINUTES * 60 * RATE
}

/// When the event with this number is offered.
fn offered_at(number: u64) -> Duration {
    Duration::from_millis(10 * number)
}

/// How long the last of the innocent events took.
fn slowest_innocent(simulation: &Simulation) -> Option<Duration> {
    let seen = lock(&simulation.seen);
    let took = seen.delivered.iter().map(|(n, at)| *at - offered_at(*n));
    took.max()
}

#[tokio::test]
async fn poisoned_events_end_and_all_others_arrive_soon() {
    for wire in wires() {
        let mut simulation = Simulation::new(wire.clone(), |events, _| {
            let fails = events.iter().copied().any(is_poisoned);
            if fails { 500 } else { 200 }
        });
        let mut ended = Vec::new();
        let mut look = |now, stats: &Stats| {
            while (ended.len() as u64) < stats.dropped.get(DropReason::Refused) {
                ended.push(now);
            }
        };
        let minutes = Duration::from_secs(60 * MINUTES);
        simulation.run(minutes, RATE, &mut look).await;
        simulation.run(100 * SECOND, RATE, &mut look).await;
        simulation.run(2 * SECOND, 0, &mut look).await;

        let stats = simulation.stats();
        let poisoned: Vec<u64> = (0..simulation.offered)
            .filter(|n| is_poisoned(*n))
            .collect();
        assert_eq!(
            stats.dropped.get(DropReason::Refused),
            poisoned.len() as u64
        );
        assert!(stats.balances() && stats.pending == 0, "{wire:?}: {stats}");
        assert_eq!(
            (stats.dropped.total(), lock(&simulation.seen).twice),
            (poisoned.len() as u64, 0)
        );
        let late = slowest_innocent(&simulation);
        assert!(
            late < Some(60 * SECOND),
            "{wire:?}: an innocent event took {late:?}"
        );
        // They end in any order, so the n-th end is compared with the n-th offer.
        let late = ended
            .iter()
            .zip(&poisoned)
            .map(|(at, n)| *at - offered_at(*n))
            .max();
        assert!(
            late < Some(300 * SECOND),
            "{wire:?}: a poisoned event took {late:?}"
        );
    }
}

/// What is no verdict on an event costs it its age, and no other event anything.
#[tokio::test]
async fn events_that_fail_in_any_way_wait_alone_and_all_others_arrive_soon() {
    for (wire, status) in wires().into_iter().zip([RESET, 429, 408]) {
        let name = format!("{wire:?}, {status}");
        let mut simulation = Simulation::new(wire, move |events, _| {
            let fails = events.iter().copied().any(is_poisoned);
            if fails { status } else { 200 }
        });
        let minutes = Duration::from_secs(60 * MINUTES);
        simulation.run(minutes, RATE, |_, _| {}).await;
        simulation.run(62 * SECOND, 0, |_, _| {}).await;
        let (stats, poisoned) = (simulation.stats(), simulation.offered / 1_000);
        let innocent = simulation.offered - poisoned;
        assert_eq!(
            (stats.delivered, stats.dropped.total()),
            (innocent, 0),
            "{name}: {stats}"
        );
        let late = slowest_innocent(&simulation);
        assert!(
            late < Some(60 * SECOND),
            "{name}: an innocent event took {late:?}"
        );
        simulation.run(minutes * 2, 0, |_, _| {}).await;
        let stats = simulation.stats();
        let expired = stats.dropped.get(DropReason::Expired);
        assert_eq!((expired, stats.pending), (poisoned, 0), "{name}: {stats}");
    }
}

/// An event that is refused says nothing of how others fare.
#[tokio::test]
async fn events_that_are_refused_do_not_hide_those_that_fail() {
    let mut simulation = Simulation::new(Wire::ReoBatch, move |events, _| {
        let has = |rest: u64| events.iter().any(|n| n % 1_000 == rest);
        match (has(250), has(750)) {
            (true, _) => 400,
            (_, true) => 500,
            _ => 200,
        }
    });
    let minutes = Duration::from_secs(60 * MINUTES);
    simulation.run(minutes, RATE, |_, _| {}).await;
    let stats = simulation.stats();
    let each = simulation.offered / 1_000;
    assert_eq!(stats.dropped.get(DropReason::Rejected), each, "{stats}");
    // The last ones need half a minute, and others that are accepted.
    let refused = stats.dropped.get(DropReason::Refused);
    assert!(refused + 10 >= each, "{stats}");
    let late = slowest_innocent(&simulation);
    assert!(late < Some(60 * SECOND), "an innocent event took {late:?}");
}

/// What has waited goes out in batches so large that most of them hold such an event.
#[tokio::test]
async fn a_backlog_with_events_that_fail_in_any_way_is_delivered_all_but_those() {
    const OUTAGE: u32 = 300;
    // A step of this simulation is longer than the pause between single events at the higher rate.
    for ((wire, rate), status) in wires()
        .into_iter()
        .zip([10, 100, 100])
        .zip([429, RESET, 408])
    {
        let name = format!("{wire:?}, {status}");
        let mut simulation = Simulation::new(wire, move |events, at| {
            let is_down = (60..60 + u64::from(OUTAGE)).contains(&at.as_secs());
            match events.iter().copied().any(is_poisoned) {
                _ if is_down => 503,
                true => status,
                false => 200,
            }
        });
        simulation
            .run((60 + OUTAGE) * SECOND, rate, |_, _| {})
            .await;
        simulation.run(400 * SECOND, rate, |_, _| {}).await;
        simulation.run(62 * SECOND, 0, |_, _| {}).await;
        let stats = simulation.stats();
        let poisoned = (0..simulation.offered).filter(|n| is_poisoned(*n));
        assert_eq!(
            (stats.pending, stats.dropped.total()),
            (poisoned.count() as u64, 0),
            "{name}: {stats}"
        );
        let seen = lock(&simulation.seen);
        let last = seen
            .delivered
            .keys()
            .filter(|n| **n < u64::from(60 + OUTAGE) * rate);
        let last = last.map(|n| seen.delivered[n]).max();
        assert!(
            last < Some((60 + OUTAGE + 300) * SECOND),
            "{name}: what waited arrived until {last:?}"
        );
    }
}

/// The bounds of requests are what such an ingest got from a logger that suspects no event.
#[tokio::test]
async fn a_brown_out_drops_nothing() {
    for (status, wire, rate, most) in [
        (503, Wire::Reo, 5, 6_000),
        (503, Wire::ReoBatch, 100, 1_400),
        (RESET, Wire::Reo, 5, 5_400),
        (RESET, Wire::ReoBatch, 100, 900),
        (429, Wire::ReoBatch, 100, 900),
    ] {
        let mut rng = Rng::new(7);
        let minutes = Duration::from_secs(60 * MINUTES);
        let mut simulation = Simulation::new(wire.clone(), move |_, at| {
            if at < minutes && rng.unit() < 0.5 {
                status
            } else {
                200
            }
        });
        simulation.run(minutes, rate, |_, _| {}).await;
        simulation.run(400 * SECOND, rate, |_, _| {}).await;
        simulation.run(5 * SECOND, 0, |_, _| {}).await;
        let stats = simulation.stats();
        assert_eq!(
            (stats.dropped.total(), stats.pending),
            (0, 0),
            "{wire:?}: {stats}"
        );
        assert!(stats.requests <= most, "{status}, {wire:?}: {stats:?}");
    }
}

/// An ingest that takes one request in two seconds, of a logger that has one a second: for it many batches fail again
/// and again while others are accepted. A logger that suspects no event sends it 1 600 to 2 200 requests.
#[tokio::test]
async fn an_ingest_that_sheds_gets_no_more_requests_for_it() {
    for status in [429, RESET] {
        let mut free_at = Duration::ZERO;
        let mut simulation = Simulation::new(Wire::ReoBatch, move |_, at| {
            if at < free_at {
                return status;
            }
            free_at = at + 2 * SECOND;
            200
        });
        simulation.run(300 * SECOND, RATE, |_, _| {}).await;
        simulation.run(400 * SECOND, 0, |_, _| {}).await;
        let stats = simulation.stats();
        // Chance decides when back-off ends: between 370 and 970 in some hundred runs. Two a second are fewer than an
        // ingest sees that is searched for events at fault.
        assert!(stats.requests < 1_400, "{status}: {stats:?}");
        assert_eq!(stats.dropped.total(), 0, "{status}: {stats}");
        // Batches of at least a hundred events were not broken up for it.
        let seen = lock(&simulation.seen);
        let accepted = seen.requests.iter().filter(|(_, status)| *status == 200);
        let accepted = accepted.count() as u64;
        assert!(
            stats.delivered >= 80 * accepted,
            "{status}, {accepted}: {stats}"
        );
    }
}

/// An answer that takes nothing says by its status that the ingest is well, and is a failure all the same.
#[tokio::test]
async fn an_ingest_that_asks_for_every_event_again_gets_ever_longer_pauses() {
    let minutes = Duration::from_secs(60 * MINUTES);
    let mut simulation = Simulation::new(
        Wire::ReoBatch,
        move |_, at| {
            if at < minutes { AGAIN } else { 200 }
        },
    );
    simulation.run(minutes, 1, |_, _| {}).await;
    let requests = simulation.stats().requests;
    assert!(requests < 30, "{requests} in {MINUTES} minutes");
    simulation.run(120 * SECOND, 1, |_, _| {}).await;
    simulation.run(2 * SECOND, 0, |_, _| {}).await;
    let stats = simulation.stats();
    assert!(
        stats.delivered == simulation.offered && stats.dropped.total() == 0,
        "{stats}"
    );
}

/// Six in a row would close the gate for half a minute.
#[tokio::test]
async fn a_request_that_the_process_stood_still_under_is_sent_again_and_tells_the_gate_nothing() {
    let mut hangs = 6;
    let mut simulation = Simulation::new(Wire::ReoBatch, move |_, _| {
        let hangs_now = hangs > 0;
        hangs -= i32::from(hangs_now);
        if hangs_now { HANG } else { 200 }
    });
    simulation.run(SECOND, 10, |_, _| {}).await;
    for requests in 1..=6 {
        simulation.run(SECOND / 2, 0, |_, _| {}).await;
        assert_eq!(simulation.stats().requests, requests);
        let now = simulation.clock.now();
        simulation.destination.stood_still(now);
        simulation.settle().await;
        // As long as an answer that is there may take to be read.
        simulation.run(SECOND + STEP, 0, |_, _| {}).await;
    }
    simulation.run(SECOND / 2, 0, |_, _| {}).await;
    let stats = simulation.stats();
    assert_eq!((stats.delivered, stats.retries, stats.requests), (10, 6, 7));
}

/// While the ingest is down, a suspect may be all that is left to see by whether it is back.
#[tokio::test]
async fn a_suspect_is_no_probe_before_the_time_that_the_ingest_has_asked_for() {
    let script = |events: &[u64], at: Duration| match (events.contains(&0), at.as_secs()) {
        (true, ..8) => 503,
        (true, _) => ASKS,
        (false, ..30) => 200,
        (false, _) => RESET,
    };
    let mut simulation = Simulation::new(Wire::ReoBatch, script);
    simulation.run(100 * SECOND, 1, |_, _| {}).await;
    simulation.run(2 * SECOND, 0, |_, _| {}).await;
    let count = |simulation: &Simulation, status| {
        let seen = lock(&simulation.seen);
        let requests = seen.requests.iter().filter(|(_, of)| *of == status);
        requests.count()
    };
    let failed = [RESET, ASKS].map(|status| count(&simulation, status));
    assert!(failed[0] >= 5 && failed[1] == 1, "{failed:?}");
    // As a spool takes what waits from memory.
    let backlog = &mut simulation.destination.backlog;
    backlog.retries.retain(|batch| batch.history.is_suspect);
    let suspects = std::mem::take(&mut backlog.retries);
    backlog.take_all();
    backlog.retries = suspects;
    assert_eq!((backlog.retries.len(), backlog.flights.len()), (1, 0));
    simulation.run(90 * SECOND, 0, |_, _| {}).await;
    assert_eq!(count(&simulation, ASKS), 1, "it is not its time");
    simulation.run(40 * SECOND, 0, |_, _| {}).await;
    assert_eq!(count(&simulation, ASKS), 2);
}

/// A request that hangs holds its place until its time is up.
#[tokio::test]
async fn suspects_that_hang_leave_a_place_or_every_other_turn_to_others() {
    const SUSPECTS: u64 = 20;
    for (max_in_flight, most) in [(1, 15), (2, 3), (3, 3)] {
        let mut simulation = Simulation::with(
            Wire::ReoBatch,
            |builder| builder.max_in_flight(max_in_flight),
            |events, _| match events.iter().any(|n| *n < SUSPECTS) {
                true => HANG,
                false => 200,
            },
        );
        (0..SUSPECTS).for_each(|_| simulation.offer());
        let backlog = &mut simulation.destination.backlog;
        backlog.source.receiver.seal();
        while backlog.pull_segment().is_some() {}
        let alone = Size {
            max_events: 1,
            max_bytes: 1,
        };
        while let Some(mut event) = backlog.fresh.take(alone) {
            event.history.asked_again(1, simulation.start);
            backlog.requeue(event);
        }
        simulation.run(120 * SECOND, 10, |_, _| {}).await;
        simulation.run(15 * SECOND, 0, |_, _| {}).await;

        let seen = lock(&simulation.seen);
        let hung = seen.requests.iter().filter(|(_, status)| *status == HANG);
        assert!(hung.count() >= 12, "{max_in_flight}");
        let took = (SUSPECTS..simulation.offered).map(|n| {
            let offered_at = (n - SUSPECTS) as u32 * SECOND / 10;
            let arrived_at = seen.delivered.get(&n);
            arrived_at.map_or(Duration::MAX, |at| at.saturating_sub(offered_at))
        });
        let slowest = took.max();
        assert!(
            slowest < Some(most * SECOND),
            "{max_in_flight} at a time: {slowest:?}"
        );
    }
}
