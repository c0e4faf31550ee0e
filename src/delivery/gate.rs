//! Pure: when the next request may go out.

use std::time::{Duration, Instant};

use super::meter::Meter;
use super::settings::Pace;
use crate::base::random::Rng;

/// Failures in a row after which the ingest is taken to be down.
pub(crate) const BREAKER_FAILURES: u32 = 5;

/// How long the breaker stays open: the first time this, give or take a half; after a probe that failed at most the
/// second, and no less than a third of it.
pub(crate) const BREAKER_OPEN: Duration = Duration::from_secs(30);
pub(crate) const MAX_BREAKER_OPEN: Duration = Duration::from_secs(60);

/// The bounds of the rate after an outage, as multiples of the usual one. Each time the ingest sheds requests, the
/// rate is multiplied by the factor of RFC 9438, and then grows by a constant (additive increase, multiplicative
/// decrease). The decrease is large, since the pauses that the ingest asks for cost more than a lower rate; the
/// increase brings all senders to equal shares, and lets the last ones use what the others no longer need. At the
/// lower bound a sender catches up in little more than the time of the outage; an ingest that takes less still bounds
/// it by `Retry-After`.
const MAX_SPEED: f64 = 3.0;
const MIN_SPEED: f64 = 1.75;
const SLOWER: f64 = 0.7;
const FASTER_PER_SECOND: f64 = 0.02;

/// Decides when requests may go out: back-off, breaker and `Retry-After` in one state.
///
/// After a failure it is closed until a time; then a single probe goes out, and its answer opens
/// the gate or closes it for longer. After an outage, which is what opens the breaker or comes with a
/// `Retry-After`, requests under way grow from one, and their rate is bounded until what has waited is sent:
/// an ingest that comes back meets all of its senders at once.
#[derive(Debug)]
pub(crate) struct Gate {
    pace: Pace,
    rng: Rng,
    state: GateState,
    failures: u32,
    /// When the last failure was counted. A request that was already under way then is no news about
    /// the ingest.
    last_failure: Option<Instant>,
    /// A probe was asked for while requests were under way. They may fail although the ingest is back by now, so the next
    /// failure closes the gate for no time.
    owes_probe: bool,
    meter: Meter,
    recovery: Option<Recovery>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GateState {
    Open,
    /// `asked`: the ingest has said for how long.
    Closed {
        until: Instant,
        asked: bool,
    },
    Probing,
}

/// From an outage until nothing waits any more.
#[derive(Debug)]
struct Recovery {
    /// How many requests may be under way.
    window: usize,
    /// How many times as many requests a second as usual.
    speed: f64,
    speed_at: Instant,
    /// The time between two requests, and when the next may follow.
    interval: Duration,
    next_at: Instant,
}

/// What a sender asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Requests under way.
    pub(crate) under_way: usize,
    /// Whether the rate is bounded after an outage.
    pub(crate) is_paced: bool,
}

impl Gate {
    pub(crate) fn new(pace: Pace, seed: u64, now: Instant) -> Self {
        Self {
            pace,
            rng: Rng::new(seed),
            state: GateState::Open,
            failures: 0,
            last_failure: None,
            owes_probe: false,
            meter: Meter::new(now),
            recovery: None,
        }
    }

    /// Whether a request may go out now. If so it must: a closed gate takes it for the probe.
    pub(crate) fn pass(&mut self, now: Instant, load: Load) -> bool {
        let passes = self.lets_through(now, load);
        if passes {
            if self.state != GateState::Open {
                self.state = GateState::Probing;
            }
            if let Some(recovery) = &mut self.recovery {
                recovery.next_at = now + recovery.interval;
            }
        }
        passes
    }

    /// Whether a request could go out now.
    pub(crate) fn lets_through(&self, now: Instant, load: Load) -> bool {
        match self.state {
            GateState::Open => self.recovery.as_ref().is_none_or(|recovery| {
                load.under_way < recovery.window && (recovery.next_at <= now || !load.is_paced)
            }),
            GateState::Closed { until, .. } => until <= now,
            GateState::Probing => false,
        }
    }

    /// Whether the next request is a probe, or none can go out.
    pub(crate) fn is_closed(&self) -> bool {
        self.state != GateState::Open
    }

    /// Whether the ingest seems to be down, or has asked for a time without requests: also those are held then
    /// that need not wait for a back-off.
    pub(crate) fn holds_all(&self) -> bool {
        let asked = matches!(self.state, GateState::Closed { asked: true, .. });
        asked || self.failures >= BREAKER_FAILURES
    }

    /// When it lets the next request through by itself; `None` while it waits for nothing, or for an answer.
    pub(crate) fn reopens_at(&self, load: Load) -> Option<Instant> {
        match (self.state, &self.recovery) {
            (GateState::Closed { until, .. }, _) => Some(until),
            (GateState::Open, Some(recovery)) => {
                let is_paced = load.is_paced && load.under_way < recovery.window;
                is_paced.then_some(recovery.next_at)
            }
            (GateState::Open, None) | (GateState::Probing, _) => None,
        }
    }

    /// Whether the gate waits for no time: it is open, or an answer or a request may open it now.
    pub(crate) fn may_open(&self, now: Instant) -> bool {
        !matches!(self.state, GateState::Closed { until, .. } if until > now)
    }

    /// Whether requests are bounded, since what has waited during an outage is not sent yet.
    pub(crate) fn is_recovering(&self) -> bool {
        self.recovery.is_some()
    }

    /// Notes requests that became due in earlier processes, within `span`, and are not sent yet.
    pub(crate) fn inherit(&mut self, requests: u64, span: Duration) {
        self.meter.inherit(requests, span);
    }

    /// Counts the requests that have become due: the usual rate follows from them.
    pub(crate) fn wanted(&mut self, requests: u64, now: Instant) {
        self.meter.count(requests, now);
        if let Some(recovery) = &mut self.recovery {
            let passed = now.saturating_duration_since(recovery.speed_at);
            let faster = recovery.speed + FASTER_PER_SECOND * passed.as_secs_f64();
            (recovery.speed, recovery.speed_at) = (faster.min(MAX_SPEED), now);
            recovery.interval = self.meter.interval(recovery.speed, now);
        }
    }

    /// Lets one probe through now, or as soon as a request that is under way has failed.
    pub(crate) fn allow_probe(&mut self, now: Instant) {
        match &mut self.state {
            GateState::Closed { until, .. } => *until = now,
            GateState::Open | GateState::Probing => self.owes_probe = true,
        }
    }

    /// The ingest has answered, with any status. Returns whether this ended an outage.
    ///
    /// While the gate is closed only the probe's answer counts: a request that went out before the
    /// failure may well come back after it.
    pub(crate) fn answered(&mut self, started: Instant) -> bool {
        if self.last_failure.is_some_and(|at| started < at) {
            return false;
        }
        let recovered = self.failures > 0;
        self.owes_probe = false;
        self.failures = 0;
        self.last_failure = None;
        self.state = GateState::Open;
        if let Some(recovery) = &mut self.recovery {
            recovery.window = recovery.window.saturating_add(1);
        }
        recovered
    }

    /// The request that went out at `started` has told nothing about the ingest: if it was the probe,
    /// another may follow.
    pub(crate) fn told_nothing(&mut self, started: Instant, now: Instant) {
        let is_probe = self.last_failure.is_none_or(|at| started >= at);
        if is_probe && self.state == GateState::Probing {
            let (until, asked) = (now, false);
            self.state = GateState::Closed { until, asked };
        }
    }

    /// All that had waited is sent.
    pub(crate) fn caught_up(&mut self) {
        if self.state == GateState::Open {
            self.recovery = None;
            self.meter.forget_inherited();
        }
    }

    /// A request that went out at `started` failed at `now`. Returns whether this opened the
    /// breaker.
    pub(crate) fn failed(
        &mut self,
        started: Instant,
        now: Instant,
        retry_after: Option<Duration>,
    ) -> bool {
        let counts = self.last_failure.is_none_or(|at| started >= at);
        if counts {
            self.failures = self.failures.saturating_add(1);
            self.last_failure = Some(now);
        }
        let is_down = self.failures >= BREAKER_FAILURES;
        if is_down || retry_after.is_some() {
            self.begin_recovery(counts && self.state == GateState::Open, now);
        }
        let wait = match retry_after {
            // The pause that the ingest asks for wins over the breaker's, unless it fails again and again and asks for
            // none.
            Some(Duration::ZERO) if is_down => self.breaker(),
            Some(asked) => self.spread(asked),
            None if is_down => self.backoff().max(self.breaker()),
            None => self.backoff(),
        };
        let broke = counts && self.failures == BREAKER_FAILURES;
        let wait = if std::mem::take(&mut self.owes_probe) {
            Duration::ZERO
        } else {
            wait
        };
        let (until, asked) = (now + wait, retry_after.is_some());
        self.state = match self.state {
            // Of several requests that fail together, the longest wait holds.
            GateState::Closed {
                until: before,
                asked: asked_before,
            } => GateState::Closed {
                until: before.max(until),
                asked: asked || asked_before,
            },
            GateState::Open | GateState::Probing => GateState::Closed { until, asked },
        };
        broke
    }

    /// Begins a recovery, or goes on with one: more slowly where the request that failed was no probe, and the rate
    /// therefore too high.
    fn begin_recovery(&mut self, was_too_fast: bool, now: Instant) {
        let before = self.recovery.take();
        let (speed, next_at) = before.map_or((MAX_SPEED, now), |before| {
            let slower = if was_too_fast { SLOWER } else { 1.0 };
            ((before.speed * slower).max(MIN_SPEED), before.next_at)
        });
        self.recovery = Some(Recovery {
            window: 1,
            speed,
            speed_at: now,
            interval: self.meter.interval(speed, now),
            next_at,
        });
    }

    /// A random share of a wait that doubles with each failure, so that many senders do not come
    /// back at the same moment ("full jitter").
    fn backoff(&mut self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(31);
        let most = self.pace.initial_backoff.saturating_mul(1 << doublings);
        most.min(self.pace.max_backoff).mul_f64(self.rng.unit())
    }

    /// What the ingest has asked for, and a random time more: it has asked all of its senders.
    fn spread(&mut self, asked: Duration) -> Duration {
        let most = self.pace.max_retry_after;
        let asked = asked.min(most);
        let more = asked.div_f64(5.0).max(Duration::from_secs(1)).min(most);
        asked + more.mul_f64(self.rng.unit())
    }

    fn breaker(&mut self) -> Duration {
        let is_first = self.failures == BREAKER_FAILURES;
        let open = if is_first {
            BREAKER_OPEN
        } else {
            MAX_BREAKER_OPEN.mul_f64(2.0 / 3.0)
        };
        open.mul_f64(0.5 + self.rng.unit())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    const PACE: Pace = Pace {
        initial_backoff: SECOND,
        max_backoff: Duration::from_secs(8),
        max_retry_after: Duration::from_secs(60),
    };
    const FREE: Load = Load {
        under_way: 0,
        is_paced: false,
    };
    const PACED: Load = Load {
        is_paced: true,
        ..FREE
    };

    fn gate() -> (Gate, Instant) {
        let now = Instant::now();
        (Gate::new(PACE, 7, now), now)
    }

    #[test]
    fn a_closed_gate_lets_one_probe_through_when_its_time_has_come() {
        let (mut gate, start) = gate();
        assert!(
            gate.pass(start, PACED) && gate.pass(start, PACED),
            "an open gate lets all pass"
        );
        gate.failed(start, start, Some(5 * SECOND));
        assert!(!gate.pass(start + 4 * SECOND, FREE));
        let probed = gate.reopens_at(FREE).unwrap();
        assert!((5 * SECOND..6 * SECOND).contains(&(probed - start)));
        assert!(gate.pass(probed, FREE));
        assert!(
            !gate.pass(probed + 60 * SECOND, FREE),
            "one probe, however long it takes"
        );
        assert_eq!(gate.reopens_at(FREE), None);
        assert!(gate.answered(probed), "an outage is over");
        assert!(gate.pass(probed, FREE) && gate.pass(probed, FREE));
        assert!(!gate.answered(probed), "there was none to end");
    }

    #[test]
    fn a_gate_that_allows_a_probe_lets_one_through() {
        let (mut gate, start) = gate();
        gate.failed(start, start, Some(60 * SECOND));
        gate.allow_probe(start + SECOND);
        assert!(gate.pass(start + SECOND, FREE));
        assert!(!gate.pass(start + SECOND, FREE));
        // While the probe is under way there is no other.
        gate.allow_probe(start + SECOND);
        assert!(!gate.pass(start + SECOND, FREE));
    }

    #[test]
    fn a_probe_that_told_nothing_gives_way_to_another() {
        let (mut gate, start) = gate();
        gate.failed(start, start, None);
        let probed = start + 2 * SECOND;
        assert!(gate.pass(probed, FREE) && gate.is_closed());
        gate.told_nothing(start - SECOND, probed);
        assert!(!gate.pass(probed, FREE), "an older request is no probe");
        gate.told_nothing(probed, probed);
        assert!(gate.pass(probed, FREE));
        gate.answered(probed);
        gate.told_nothing(probed, probed);
        assert!(!gate.is_closed(), "an open gate stays open");
    }

    #[test]
    fn five_failures_in_a_row_break_and_requests_of_before_do_not_count() {
        let (mut gate, start) = gate();
        let at = |n: u32| start + n * 10 * SECOND;
        assert!(!gate.failed(at(0), at(1), None));
        // Seven more of the same volley.
        for _ in 0..7 {
            assert!(!gate.failed(at(0), at(1) + SECOND, None));
        }
        for n in 2..5 {
            assert!(!gate.failed(at(n), at(n) + SECOND, None), "{n}");
            assert!(!gate.holds_all());
        }
        assert!(
            gate.failed(at(5), at(5) + SECOND, None),
            "the fifth that counts"
        );
        assert!(gate.holds_all());
        let open = gate.reopens_at(FREE).unwrap() - (at(5) + SECOND);
        assert!(
            (BREAKER_OPEN / 2..BREAKER_OPEN * 3 / 2).contains(&open),
            "{open:?}"
        );
        // Told once, and open for longer after each failure that follows.
        for n in 1..50 {
            let now = at(10 * n);
            assert!(!gate.failed(now, now, None));
            let open = gate.reopens_at(FREE).unwrap() - now;
            assert!(
                (MAX_BREAKER_OPEN / 3..=MAX_BREAKER_OPEN).contains(&open),
                "{open:?}"
            );
        }
    }

    #[test]
    fn an_answer_to_a_request_of_before_the_failure_opens_nothing() {
        let (mut gate, start) = gate();
        gate.failed(start + SECOND, start + 2 * SECOND, Some(30 * SECOND));
        assert!(!gate.answered(start));
        assert!(!gate.pass(start + 3 * SECOND, FREE));
    }

    #[test]
    fn of_failures_together_the_longest_wait_holds() {
        let (mut gate, start) = gate();
        gate.failed(start, start, Some(30 * SECOND));
        let until = gate.reopens_at(FREE);
        gate.failed(start, start, Some(2 * SECOND));
        assert_eq!(gate.reopens_at(FREE), until);
        assert!(gate.holds_all(), "the ingest has asked for it");
    }

    #[test]
    fn what_an_ingest_asks_of_all_its_senders_is_spread() {
        for (asked, most) in [(0, 1_000), (2, 3_000), (50, 60_000), (3_600, 72_000)] {
            let now = Instant::now();
            let waits = (0..1_000).map(|seed| {
                let mut gate = Gate::new(PACE, seed, now);
                gate.failed(now, now, Some(asked * SECOND));
                (gate.reopens_at(FREE).unwrap() - now).as_millis() as u64
            });
            let mut waits: Vec<u64> = waits.collect();
            waits.sort_unstable();
            let least = u64::from(asked.min(60)) * 1_000;
            let (first, middle, last) = (waits[0], waits[500], waits[999]);
            let spread = most - least;
            assert!(first >= least && last <= most, "{asked}: {first} to {last}");
            assert!(
                middle.abs_diff(least + spread / 2) < spread / 10,
                "{asked}: {middle}"
            );
        }
    }

    #[test]
    fn after_an_outage_requests_grow_one_by_one_and_their_rate_is_bounded() {
        let (mut gate, start) = gate();
        // Two a second before the outage.
        for n in 0..100 {
            gate.wanted(2, start + n * SECOND);
        }
        let failed = start + 100 * SECOND;
        gate.failed(failed, failed, Some(Duration::ZERO));
        let mut now = gate.reopens_at(PACED).unwrap();
        let under_way = |under_way| Load { under_way, ..FREE };
        for answers in 1..=8 {
            assert!(gate.pass(now, FREE), "{answers}");
            gate.answered(now);
            assert!(gate.lets_through(now, under_way(answers)));
            assert!(!gate.lets_through(now, under_way(answers + 1)));
            assert!(!gate.lets_through(now, PACED), "the rate is bounded");
            now = gate.reopens_at(PACED).unwrap();
        }
        // As many as before are due while it catches up.
        for second in 101..200 {
            gate.wanted(2, start + second * SECOND);
        }
        let (began, mut requests) = (now, 0);
        while now < began + 60 * SECOND {
            requests += u32::from(gate.pass(now, PACED));
            now += SECOND / 100;
        }
        assert!(
            (350..=361).contains(&requests),
            "three times two a second: {requests}"
        );
        gate.caught_up();
        assert!(!gate.is_recovering());
        assert!((0..9).all(|_| gate.pass(now, PACED)));
    }

    #[test]
    fn who_waits_has_a_probe_of_its_own_although_one_that_was_under_way_fails() {
        let (mut gate, start) = gate();
        let now = start + SECOND;
        for _ in 0..BREAKER_FAILURES {
            gate.failed(now, now, None);
        }
        gate.allow_probe(now);
        assert!(gate.pass(now, FREE));
        gate.allow_probe(now);
        gate.failed(now, now, None);
        assert!(gate.pass(now, FREE), "a flush came meanwhile");
        gate.failed(now, now, None);
        assert!(!gate.pass(now, FREE), "and had its probe");
        // An answer is what it waited for.
        gate.allow_probe(now);
        assert!(gate.pass(now, FREE));
        gate.allow_probe(now);
        gate.answered(now);
        gate.failed(now, now, Some(SECOND));
        assert!(!gate.pass(now, FREE));
    }

    #[test]
    fn a_single_failure_is_no_outage() {
        let (mut gate, start) = gate();
        gate.failed(start, start, None);
        let probed = gate.reopens_at(PACED).unwrap();
        assert!(gate.pass(probed, PACED));
        gate.answered(probed);
        assert!(!gate.is_recovering() && (0..9).all(|_| gate.pass(probed, PACED)));
    }

    #[test]
    fn a_quiet_or_young_sender_may_send_once_a_second() {
        let (mut gate, start) = gate();
        gate.failed(start, start, Some(Duration::ZERO));
        let probed = gate.reopens_at(PACED).unwrap();
        assert!(gate.pass(probed, PACED));
        gate.answered(probed);
        assert_eq!(gate.reopens_at(PACED), Some(probed + SECOND));
        assert_eq!(gate.reopens_at(FREE), None);
    }

    #[test]
    fn a_young_sender_goes_on_at_the_rate_of_the_process_before_until_its_events_are_sent() {
        let (mut gate, start) = gate();
        gate.failed(start, start, Some(Duration::ZERO));
        // The disk is read meanwhile.
        gate.inherit(600, 100 * SECOND);
        gate.wanted(0, start);
        let probed = gate.reopens_at(PACED).unwrap();
        assert!(gate.pass(probed, PACED));
        gate.answered(probed);
        let next = probed + SECOND.div_f64(3.0 * 6.0);
        assert_eq!(gate.reopens_at(PACED), Some(next));
        gate.caught_up();
        gate.failed(next, next, Some(Duration::ZERO));
        let probed = gate.reopens_at(PACED).unwrap();
        assert!(gate.pass(probed, PACED));
        gate.answered(probed);
        assert_eq!(gate.reopens_at(PACED), Some(probed + SECOND));
    }

    proptest! {
        #[test]
        fn a_wait_is_never_longer_than_its_limit(
            failures in 1_u32..40,
            asked in proptest::option::of(0_u64..100_000),
            seed: u64,
        ) {
            let mut now = Instant::now();
            let mut gate = Gate::new(PACE, seed, now);
            for failure in 1..=failures {
                gate.failed(now, now, asked.map(Duration::from_secs));
                let wait = gate.reopens_at(FREE).unwrap().duration_since(now);
                let most = match asked {
                    Some(asked) => {
                        let asked = Duration::from_secs(asked).min(60 * SECOND);
                        asked + (asked / 5).max(SECOND)
                    }
                    None => (SECOND * 2_u32.saturating_pow(failure - 1).min(1 << 20)).min(8 * SECOND),
                };
                let broke = failure >= BREAKER_FAILURES;
                let least = if broke && asked.is_none_or(|asked| asked == 0) { BREAKER_OPEN / 2 } else { Duration::ZERO };
                let most = if broke { most.max(MAX_BREAKER_OPEN) } else { most };
                prop_assert!(wait >= least && wait <= most, "{failure}: {wait:?}");
                now += wait;
                prop_assert!(gate.pass(now, PACED));
                now += Duration::from_millis(1);
            }
            gate.answered(now);
            prop_assert!(gate.pass(now, FREE) && gate.pass(now, FREE));
        }
    }
}
