//! A fleet of senders, each with a gate of its own, through an outage of the ingest that they share: how hard they
//! come back, and how soon all that waited has arrived. Time is simulated; nothing is random but by a seed.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use super::gate::{Gate, Load};
use super::settings::Pace;
use crate::base::random::Rng;

const MILLI: u64 = 1_000;
const SECOND: u64 = 1_000_000;
const ROUND_TRIP: u64 = 20 * MILLI;
const MAX_IN_FLIGHT: usize = 8;
const EVENTS_PER_SECOND: u64 = 100;

/// When the ingest goes, and when it comes back.
const OUTAGE: (u64, u64) = (120 * SECOND, 720 * SECOND);
const END: u64 = OUTAGE.1 + 900 * SECOND;

/// How the ingest fails.
#[derive(Debug, Clone, Copy)]
enum Failing {
    /// It does not answer, and once it is back it works off as many requests a second as this; it sheds what
    /// finds more than a second's worth of them waiting (a token bucket).
    Silent { capacity: usize },
    /// It answers 503 and names a number of seconds, or the time of its return.
    RetryAfter(Option<u64>),
}

/// What a wire means for a fleet.
#[derive(Debug, Clone, Copy)]
struct Fleet {
    name: &'static str,
    senders: usize,
    batch: u64,
}

impl Fleet {
    /// Requests a second without an outage.
    fn usual(self) -> usize {
        let each = EVENTS_PER_SECOND.div_ceil(self.batch) as usize;
        self.senders * each
    }

    fn is_batch(self) -> bool {
        self.batch > 1
    }
}

const BATCHES: Fleet = Fleet {
    name: "ReoBatch",
    senders: 1_000,
    batch: 500,
};

const SINGLES: Fleet = Fleet {
    name: "Reo",
    senders: 20,
    batch: 1,
};

struct Sender {
    gate: Gate,
    /// When it began, within the first second.
    phase: u64,
    ticks: u64,
    send_partial: bool,
    /// Events taken out of the queue so far.
    taken: u64,
    retries: Vec<u64>,
    under_way: usize,
    delivered: u64,
    /// The next time it looks.
    wakes_at: u64,
}

impl Sender {
    fn arrived(&self, now: u64) -> u64 {
        now.saturating_sub(self.phase) * EVENTS_PER_SECOND / SECOND
    }

    fn waiting(&self, now: u64) -> u64 {
        self.arrived(now) - self.taken + self.retries.iter().sum::<u64>()
    }

    fn next_batch(&mut self, fleet: Fleet, now: u64) -> Option<u64> {
        if let Some(batch) = self.retries.pop() {
            return Some(batch);
        }
        let fresh = self.arrived(now) - self.taken;
        let is_partial = fresh < fleet.batch;
        let sends = fresh > 0 && (!is_partial || self.send_partial);
        if is_partial {
            self.send_partial = false;
            self.gate.caught_up();
        }
        let batch = fresh.min(fleet.batch);
        self.taken += if sends { batch } else { 0 };
        sends.then_some(batch)
    }
}

/// An answer on its way.
struct Reply {
    sender: usize,
    started: u64,
    batch: u64,
    /// An error with the time that the ingest asks for, if it asks for one.
    result: Result<(), Option<u64>>,
}

struct Simulation {
    fleet: Fleet,
    failing: Failing,
    start: Instant,
    senders: Vec<Sender>,
    /// Senders to look at, by time.
    wakes: BinaryHeap<Reverse<(u64, usize)>>,
    replies: VecDeque<(u64, Reply)>,
    /// Requests in each 10 ms.
    requests: Vec<usize>,
    /// Requests that the ingest has taken and not worked off at its last answer.
    backlog: f64,
    answered_at: u64,
}

/// What a fleet did.
#[derive(Debug)]
struct Figures {
    /// The most requests in 100 ms, as a multiple of the usual.
    peak: f64,
    /// Seconds from the return of the ingest until nothing waited any more.
    drained: f64,
    lost: u64,
}

impl Simulation {
    fn new(fleet: Fleet, failing: Failing) -> Self {
        let (mut rng, start) = (Rng::new(3), Instant::now());
        let pace = Pace {
            initial_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(30),
            max_retry_after: Duration::from_secs(300),
        };
        let sender = |n: usize| {
            let phase = (rng.unit() * SECOND as f64) as u64;
            Sender {
                gate: Gate::new(pace, n as u64 * 0x9e37_79b9, start),
                phase,
                ticks: 0,
                send_partial: false,
                taken: 0,
                retries: Vec::new(),
                under_way: 0,
                delivered: 0,
                wakes_at: phase,
            }
        };
        let senders: Vec<Sender> = (0..fleet.senders).map(sender).collect();
        let wakes = senders.iter().enumerate();
        Self {
            wakes: wakes.map(|(n, it)| Reverse((it.phase, n))).collect(),
            fleet,
            failing,
            start,
            senders,
            replies: VecDeque::new(),
            requests: vec![0; (END / (10 * MILLI)) as usize + 1],
            backlog: 0.0,
            answered_at: 0,
        }
    }

    fn at(&self, now: u64) -> Instant {
        self.start + Duration::from_micros(now)
    }

    fn run(mut self) -> Figures {
        let mut drained = None;
        let mut check_at = OUTAGE.1 + SECOND;
        loop {
            let reply_at = self.replies.front().map_or(u64::MAX, |(at, _)| *at);
            let wake_at = self.wakes.peek().map_or(u64::MAX, |Reverse((at, _))| *at);
            let now = reply_at.min(wake_at);
            if now >= check_at {
                // What comes in two seconds is no backlog.
                let usual = 2 * EVENTS_PER_SECOND;
                if drained.is_none() && self.senders.iter().all(|it| it.waiting(now) <= usual) {
                    drained = Some((now - OUTAGE.1) as f64 / SECOND as f64);
                }
                check_at += SECOND / 10;
            }
            if now >= END
                || drained
                    .is_some_and(|at| now as f64 > OUTAGE.1 as f64 + (at + 30.0) * SECOND as f64)
            {
                return self.figures(now, drained);
            }
            if reply_at <= wake_at {
                if let Some((_, reply)) = self.replies.pop_front() {
                    self.on_reply(&reply, now);
                }
            } else if let Some(Reverse((at, n))) = self.wakes.pop()
                && self.senders[n].wakes_at == at
            {
                self.turn(n, now);
            }
        }
    }

    fn figures(&self, now: u64, drained: Option<f64>) -> Figures {
        let after = &self.requests[(10 * SECOND / (10 * MILLI)) as usize..];
        let peak = after
            .windows(10)
            .map(|bins| bins.iter().sum::<usize>())
            .max();
        let usual = self.fleet.usual() as f64 / 10.0;
        let under_way: u64 = self.replies.iter().map(|(_, reply)| reply.batch).sum();
        let sum = |of: &dyn Fn(&Sender) -> u64| self.senders.iter().map(of).sum::<u64>();
        let arrived = sum(&|it| it.arrived(now));
        let known = sum(&|it| it.delivered + it.waiting(now)) + under_way;
        Figures {
            peak: peak.unwrap_or_default() as f64 / usual,
            drained: drained.unwrap_or(f64::INFINITY),
            lost: arrived - known,
        }
    }

    fn load(&self, n: usize, now: u64) -> Load {
        let sender = &self.senders[n];
        let is_few =
            !self.fleet.is_batch() && sender.waiting(now) + (sender.under_way as u64) < 100;
        Load {
            under_way: sender.under_way,
            is_paced: !is_few,
        }
    }

    fn turn(&mut self, n: usize, now: u64) {
        let at = self.at(now);
        let fleet = self.fleet;
        let sender = &mut self.senders[n];
        if now >= sender.phase + sender.ticks * SECOND {
            sender.ticks += 1;
            sender.send_partial = true;
            let events = if sender.ticks > 1 {
                EVENTS_PER_SECOND
            } else {
                0
            };
            sender.gate.wanted(events.div_ceil(fleet.batch), at);
        }
        loop {
            let load = self.load(n, now);
            let sender = &mut self.senders[n];
            if load.under_way >= MAX_IN_FLIGHT || !sender.gate.lets_through(at, load) {
                break;
            }
            let Some(batch) = sender.next_batch(fleet, now) else {
                break;
            };
            assert!(sender.gate.pass(at, load));
            sender.under_way += 1;
            self.send(n, batch, now);
        }
        let load = self.load(n, now);
        let sender = &self.senders[n];
        let tick = sender.phase + sender.ticks * SECOND;
        let gate = sender.gate.reopens_at(load);
        let gate = gate.map(|at| (at - self.start).as_micros() as u64 + 1);
        let gate = gate.filter(|at| *at > now);
        // On a wire of single events each is sent when it comes.
        let event = sender.phase + (sender.arrived(now) + 1) * SECOND / EVENTS_PER_SECOND + 1;
        let event = (!fleet.is_batch() && !sender.gate.is_closed()).then_some(event);
        let next = [Some(tick), gate, event].into_iter().flatten().min();
        if let Some(next) = next {
            self.senders[n].wakes_at = next;
            self.wakes.push(Reverse((next, n)));
        }
    }

    fn send(&mut self, sender: usize, batch: u64, now: u64) {
        self.requests[(now / (10 * MILLI)) as usize] += 1;
        let result = self.answer(now);
        let (started, at) = (now, now + ROUND_TRIP);
        let reply = Reply {
            sender,
            started,
            batch,
            result,
        };
        self.replies.push_back((at, reply));
    }

    fn answer(&mut self, now: u64) -> Result<(), Option<u64>> {
        let is_out = (OUTAGE.0..OUTAGE.1).contains(&now);
        match self.failing {
            Failing::Silent { .. } if is_out => Err(None),
            Failing::RetryAfter(seconds) if is_out => {
                // Until a date all wait for the same moment, whenever they were told of it.
                Err(Some(
                    seconds.map_or(OUTAGE.1 - now, |seconds| seconds * SECOND),
                ))
            }
            Failing::Silent { capacity } => {
                let capacity = capacity as f64;
                let worked_off = (now - self.answered_at) as f64 / SECOND as f64 * capacity;
                self.backlog = (self.backlog - worked_off).max(0.0);
                self.answered_at = now;
                if self.backlog + 1.0 > capacity {
                    return Err(Some(2 * SECOND));
                }
                self.backlog += 1.0;
                Ok(())
            }
            Failing::RetryAfter(_) => Ok(()),
        }
    }

    fn on_reply(&mut self, reply: &Reply, now: u64) {
        let (started, at) = (self.at(reply.started), self.at(now));
        let sender = &mut self.senders[reply.sender];
        sender.under_way -= 1;
        match reply.result {
            Ok(()) => {
                sender.delivered += reply.batch;
                sender.gate.answered(started);
            }
            Err(asked) => {
                sender.retries.push(reply.batch);
                let asked = asked.map(Duration::from_micros);
                sender.gate.failed(started, at, asked);
            }
        }
        self.turn(reply.sender, now);
    }
}

#[test]
fn a_fleet_comes_back_without_a_rush_and_loses_nothing() {
    println!("| wire | the ingest | peak in 100 ms | drained after | lost |");
    println!("|---|---|---:|---:|---:|");
    for (fleet, drains_within) in [(BATCHES, 130.0), (SINGLES, 700.0)] {
        let capacity = 2 * fleet.usual();
        for (name, failing) in [
            (
                "silent, then twice the usual, sheds",
                Failing::Silent { capacity },
            ),
            ("Retry-After: 30", Failing::RetryAfter(Some(30))),
            ("Retry-After: a date", Failing::RetryAfter(None)),
        ] {
            let figures = Simulation::new(fleet, failing).run();
            let Figures {
                peak,
                drained,
                lost,
            } = figures;
            println!(
                "| {} | {name} | {peak:.1} times the usual | {drained:.0} s | {lost} |",
                fleet.name
            );
            assert_eq!(lost, 0, "{}: {name}", fleet.name);
            assert!(
                peak <= 5.0,
                "{}: {name}: {peak} times the usual",
                fleet.name
            );
            assert!(
                drained <= drains_within,
                "{}: {name}: {drained} s",
                fleet.name
            );
        }
    }
}
