//! One measurement: one contender, one load, one process. Prints a line of JSON.
//!
//! A process of its own for each, because allocators, caches and the libraries' threads remember.

use crate::contenders::{self, Contender, Library, Settings};
use crate::event::{Kind, Marker, Workload};
use crate::{alloc, process, sink};
use quanta::Clock;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// What is offered, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Load {
    pub contender: Contender,
    pub url: String,
    pub kind: Kind,
    /// Bytes of the arguments; 0: some 600.
    pub argument_bytes: usize,
    /// How many different tools are called.
    pub tools: usize,
    pub events: u64,
    /// Events a second over all threads; 0: as fast as they go.
    pub rate: u64,
    pub threads: u64,
    /// Capacity of the library's queue, in events; `None`: its own default.
    pub queue_events: Option<usize>,
    pub batch_events: Option<usize>,
    /// Events offered first and not measured: they build thread-locals and connections.
    pub warm_up: u64,
    /// Calls timed together. One for a distribution; many where a call is shorter than the clock's own cost.
    pub calls_per_time: u64,
    pub count_allocations: bool,
    pub end: End,
}

/// What happens when everything has been offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// The process ends: only the caller was of interest.
    Leave,
    /// The library's flush, then waiting until the sink has it all or gets nothing more.
    Deliver,
    /// The library's shutdown.
    Shutdown,
}

/// What was measured. Times of a call are less the clock's own cost.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Measured {
    pub mean_ns: f64,
    pub p50_ns: f64,
    pub p99_ns: f64,
    pub p999_ns: f64,
    pub max_ns: f64,
    /// The mean of the tenth of calls that came last (one thread): what a call costs when the queue is deep.
    pub last_tenth_ns: f64,
    /// Processor time of the callers' threads, for each call: what a machine's other programs cannot lengthen much.
    /// It includes the loop around the calls.
    pub caller_cpu_ns: f64,
    pub allocations: Option<f64>,
    /// How often a caller's thread waited.
    pub voluntary_switches: i64,
    pub offered_s: f64,
    /// When the sink had the last event, since the first was offered.
    pub delivered_s: Option<f64>,
    /// Processor time of the whole process from the first event until then (or until all were offered).
    pub cpu_s: f64,
    pub resident_more_kb: u64,
    pub shutdown_ms: Option<f64>,
    /// Calls that the library answered with a refusal, those of the warm-up included.
    pub refused: u64,
    /// Events the library says it has lost, at the end.
    pub lost: Option<u64>,
}

pub fn run(load: &Load) -> Measured {
    let workload = Workload::new(load.kind, load.argument_bytes, load.tools);
    let clock = Clock::new();
    let settings = Settings {
        url: load.url.clone(),
        queue_events: load.queue_events,
        batch_events: load.batch_events,
    };
    // Never dropped: what a library does then is its own affair.
    let library: &dyn Library = Box::leak(contenders::make(load.contender, &settings));
    let offer = |offered: Offered| offered.run(library, &workload, load, &clock);
    let mut warm_up = Offered::new(load, load.events, load.warm_up, 20_000);
    if load.warm_up > 0 {
        warm_up = offer(warm_up);
        std::thread::sleep(Duration::from_millis(300));
    }
    if load.count_allocations {
        alloc::count_from_now_on();
    }

    let each = load.events / load.threads;
    let threads = (0..load.threads)
        .map(|n| Offered::new(load, n * each, each, load.rate / load.threads))
        .collect::<Vec<_>>();
    process::forget_peak();
    let (resident, cpu, start) = (process::resident_kb(), process::cpu(), Instant::now());
    let offered: Vec<Offered> = if load.threads == 1 {
        threads.into_iter().map(offer).collect()
    } else {
        std::thread::scope(|scope| {
            let threads: Vec<_> = threads
                .into_iter()
                .map(|part| scope.spawn(|| offer(part)))
                .collect();
            let offered = threads.into_iter().map(|thread| thread.join());
            offered
                .collect::<Result<_, _>>()
                .expect("no contender panics")
        })
    };
    let offered_s = start.elapsed().as_secs_f64();
    let delivered_s = (load.end == End::Deliver).then(|| {
        library.flush();
        all_delivered(load, start)
    });
    let cpu_s = (process::cpu() - cpu).as_secs_f64();
    let shutdown_ms = (load.end == End::Shutdown).then(|| {
        let start = Instant::now();
        library.shutdown();
        start.elapsed().as_secs_f64() * 1e3
    });
    let resident_more_kb = process::peak_kb().saturating_sub(resident);
    let sum = |figure: fn(&Offered) -> u64| offered.iter().map(figure).sum::<u64>();
    let allocations = sum(|part| part.allocations) as f64 / load.events as f64;
    let caller_cpu = offered.iter().map(|part| part.cpu).sum::<Duration>();
    let voluntary_switches = offered.iter().map(|part| part.switches).sum();
    let refused = sum(|part| part.refused) + warm_up.refused;
    let times = offered.into_iter().flat_map(|part| part.times);
    Measured {
        caller_cpu_ns: caller_cpu.as_nanos() as f64 / load.events as f64,
        allocations: load.count_allocations.then_some(allocations),
        voluntary_switches,
        offered_s,
        delivered_s,
        cpu_s,
        resident_more_kb,
        shutdown_ms,
        refused,
        lost: library.lost(),
        ..Times(times.collect()).summary(load.calls_per_time, &clock)
    }
}

/// One thread's part: which events, and what was seen.
struct Offered {
    first: u64,
    rate: u64,
    /// Nanoseconds, the clock's own cost included.
    times: Vec<u32>,
    cpu: Duration,
    allocations: u64,
    switches: i64,
    refused: u64,
}

impl Offered {
    fn new(load: &Load, first: u64, events: u64, rate: u64) -> Self {
        Self {
            first,
            rate,
            // Touched now, so that its pages are no growth of the library's.
            times: vec![1; usize::try_from(events.div_ceil(load.calls_per_time)).unwrap_or(0)],
            cpu: Duration::ZERO,
            allocations: 0,
            switches: 0,
            refused: 0,
        }
    }

    fn run(
        mut self,
        library: &dyn Library,
        workload: &Workload,
        load: &Load,
        clock: &Clock,
    ) -> Self {
        let mut calls = workload.calls.iter().cycle();
        let mut log = |marker: &str| {
            let call = calls.next().expect("there are always more");
            u64::from(!library.log(call, marker))
        };
        let mut marker = Marker::new();
        let mut pace = Pace::new(self.rate);
        let (allocations, switches) = (alloc::count(), process::voluntary_switches());
        let (cpu, mut slept) = (process::thread_cpu(), 0);
        for (number, time) in (self.first..).zip(&mut self.times) {
            if self.rate > 0 {
                slept += pace.wait();
            }
            let marker = marker.of(number);
            let start = clock.raw();
            for _ in 0..load.calls_per_time {
                self.refused += log(marker);
            }
            let nanos = clock.delta_as_nanos(start, clock.raw());
            *time = u32::try_from(nanos).unwrap_or(u32::MAX);
        }
        self.cpu = process::thread_cpu() - cpu;
        self.allocations = alloc::count() - allocations;
        self.switches = process::voluntary_switches() - switches - slept;
        self
    }
}

/// A steady rate: a millisecond's events at each millisecond.
struct Pace {
    start: Instant,
    per_tick: u64,
    tick: Duration,
    offered: u64,
}

impl Pace {
    fn new(rate: u64) -> Self {
        let per_tick = (rate / 1_000).max(1);
        let tick = Duration::from_secs_f64(per_tick as f64 / rate.max(1) as f64);
        Self {
            start: Instant::now(),
            per_tick,
            tick,
            offered: 0,
        }
    }

    /// Waits for the next event's time. Returns how often it slept: waits that are not the library's.
    fn wait(&mut self) -> i64 {
        let tick = self.offered / self.per_tick;
        let due = self.offered.is_multiple_of(self.per_tick);
        self.offered += 1;
        if !due {
            return 0;
        }
        let at = self.start + self.tick * u32::try_from(tick).unwrap_or(u32::MAX);
        let left = at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return 0;
        }
        std::thread::sleep(left);
        1
    }
}

/// What the clock itself adds to a time: the median of many.
fn own_cost(clock: &Clock) -> f64 {
    let mut costs: Vec<u64> = (0..10_001)
        .map(|_| clock.delta_as_nanos(clock.raw(), clock.raw()))
        .collect();
    costs.sort_unstable();
    costs[costs.len() / 2] as f64
}

/// The times of calls in the order in which they were made, the clock's own cost included.
pub struct Times(pub Vec<u32>);

impl Times {
    /// `calls`: how many were timed together.
    pub fn summary(mut self, calls: u64, clock: &Clock) -> Measured {
        let own_cost = own_cost(clock);
        let per_call = |nanos: f64| (nanos - own_cost).max(0.0) / calls as f64;
        let mean = |times: &[u32]| {
            let sum: u64 = times.iter().copied().map(u64::from).sum();
            per_call(sum as f64 / times.len().max(1) as f64)
        };
        let last_tenth_ns = mean(&self.0[self.0.len() * 9 / 10..]);
        self.0.sort_unstable();
        let quantile = |q: f64| {
            let at = (self.0.len() as f64 * q) as usize;
            per_call(f64::from(self.0[at.min(self.0.len() - 1)]))
        };
        Measured {
            mean_ns: mean(&self.0),
            p50_ns: quantile(0.5),
            p99_ns: quantile(0.99),
            p999_ns: quantile(0.999),
            max_ns: quantile(1.0),
            last_tenth_ns,
            ..Measured::default()
        }
    }
}

/// Waits until the sink has every event, or has got none for two seconds. Returns when it got the last.
fn all_delivered(load: &Load, start: Instant) -> f64 {
    let (mut unique, mut since) = (0, start.elapsed());
    loop {
        let now = start.elapsed();
        let seen = sink::seen(&load.url).map_or(0, |seen| seen.unique);
        if seen > unique {
            (unique, since) = (seen, now);
        }
        if unique >= load.events + load.warm_up || now > since + Duration::from_secs(2) {
            return since.as_secs_f64();
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}
