//! Pure: when the next request may go out.

use std::time::{Duration, Instant};

use super::settings::Pace;
use crate::base::random::Rng;

/// Failures in a row after which the ingest is taken to be down.
pub(crate) const BREAKER_FAILURES: u32 = 5;

/// How long nothing is sent then.
pub(crate) const BREAKER_OPEN: Duration = Duration::from_secs(30);

/// Decides when requests may go out: back-off, breaker and `Retry-After` in one state.
///
/// After a failure it is closed until a time; then a single probe goes out, and its answer opens
/// the gate or closes it for longer.
#[derive(Debug)]
pub(crate) struct Gate {
    pace: Pace,
    rng: Rng,
    state: GateState,
    failures: u32,
    /// When the last failure was counted. A request that was already under way then is no news about
    /// the ingest.
    last_failure: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GateState {
    Open,
    Closed { until: Instant },
    Probing,
}

impl Gate {
    pub(crate) fn new(pace: Pace, seed: u64) -> Self {
        Self {
            pace,
            rng: Rng::new(seed),
            state: GateState::Open,
            failures: 0,
            last_failure: None,
        }
    }

    /// Whether a request may go out now. If so it must: a closed gate takes it for the probe.
    pub(crate) fn pass(&mut self, now: Instant) -> bool {
        let passes = self.lets_through(now);
        if passes && self.state != GateState::Open {
            self.state = GateState::Probing;
        }
        passes
    }

    /// Whether a request could go out now.
    pub(crate) fn lets_through(&self, now: Instant) -> bool {
        match self.state {
            GateState::Open => true,
            GateState::Closed { until } => until <= now,
            GateState::Probing => false,
        }
    }

    /// When it reopens by itself; `None` while it is open or a probe is under way.
    pub(crate) fn reopens_at(&self) -> Option<Instant> {
        match self.state {
            GateState::Closed { until } => Some(until),
            GateState::Open | GateState::Probing => None,
        }
    }

    /// Lets one probe through now.
    pub(crate) fn allow_probe(&mut self, now: Instant) {
        if let GateState::Closed { until } = &mut self.state {
            *until = now;
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
        self.failures = 0;
        self.last_failure = None;
        self.state = GateState::Open;
        recovered
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
        let mut wait = match retry_after {
            Some(asked) => asked.min(self.pace.max_retry_after),
            None => self.backoff(),
        };
        let broke = counts && self.failures == BREAKER_FAILURES;
        if self.failures >= BREAKER_FAILURES {
            wait = wait.max(BREAKER_OPEN);
        }
        let until = now + wait;
        let until = match self.state {
            // Of several requests that fail together, the longest wait holds.
            GateState::Closed { until: before } => before.max(until),
            GateState::Open | GateState::Probing => until,
        };
        self.state = GateState::Closed { until };
        broke
    }

    /// A random share of a wait that doubles with each failure, so that many senders do not come
    /// back at the same moment ("full jitter").
    fn backoff(&mut self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(31);
        let most = self.pace.initial_backoff.saturating_mul(1 << doublings);
        most.min(self.pace.max_backoff).mul_f64(self.rng.unit())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn gate() -> Gate {
        let pace = Pace {
            initial_backoff: SECOND,
            max_backoff: 8 * SECOND,
            max_retry_after: 60 * SECOND,
        };
        Gate::new(pace, 7)
    }

    #[test]
    fn a_closed_gate_lets_one_probe_through_when_its_time_has_come() {
        let (mut gate, start) = (gate(), Instant::now());
        assert!(
            gate.pass(start) && gate.pass(start),
            "an open gate lets all pass"
        );
        gate.failed(start, start, Some(5 * SECOND));
        assert!(!gate.pass(start + 4 * SECOND));
        assert_eq!(gate.reopens_at(), Some(start + 5 * SECOND));
        let probed = start + 5 * SECOND;
        assert!(gate.pass(probed));
        assert!(
            !gate.pass(probed + 60 * SECOND),
            "one probe, however long it takes"
        );
        assert_eq!(gate.reopens_at(), None);
        assert!(gate.answered(probed), "an outage is over");
        assert!(gate.pass(probed) && gate.pass(probed));
        assert!(!gate.answered(probed), "there was none to end");
    }

    #[test]
    fn a_gate_that_allows_a_probe_lets_one_through() {
        let (mut gate, start) = (gate(), Instant::now());
        gate.failed(start, start, Some(60 * SECOND));
        gate.allow_probe(start + SECOND);
        assert!(gate.pass(start + SECOND));
        assert!(!gate.pass(start + SECOND));
        // While the probe is under way there is no other.
        gate.allow_probe(start + SECOND);
        assert!(!gate.pass(start + SECOND));
    }

    #[test]
    fn five_failures_in_a_row_break_and_requests_of_before_do_not_count() {
        let (mut gate, start) = (gate(), Instant::now());
        let at = |n: u32| start + n * 10 * SECOND;
        assert!(!gate.failed(at(0), at(1), None));
        // Seven more of the same volley.
        for _ in 0..7 {
            assert!(!gate.failed(at(0), at(1) + SECOND, None));
        }
        for n in 2..5 {
            assert!(!gate.failed(at(n), at(n) + SECOND, None), "{n}");
        }
        assert!(
            gate.failed(at(5), at(5) + SECOND, None),
            "the fifth that counts"
        );
        assert_eq!(gate.reopens_at(), Some(at(5) + SECOND + BREAKER_OPEN));
        // Told once, and open for as long after each failure that follows.
        assert!(!gate.failed(at(9), at(9), None));
        assert_eq!(gate.reopens_at(), Some(at(9) + BREAKER_OPEN));
    }

    #[test]
    fn an_answer_to_a_request_of_before_the_failure_opens_nothing() {
        let (mut gate, start) = (gate(), Instant::now());
        gate.failed(start + SECOND, start + 2 * SECOND, Some(30 * SECOND));
        assert!(!gate.answered(start));
        assert!(!gate.pass(start + 3 * SECOND));
    }

    #[test]
    fn of_failures_together_the_longest_wait_holds() {
        let (mut gate, start) = (gate(), Instant::now());
        gate.failed(start, start, Some(30 * SECOND));
        gate.failed(start, start, Some(2 * SECOND));
        assert_eq!(gate.reopens_at(), Some(start + 30 * SECOND));
    }

    proptest! {
        #[test]
        fn a_wait_is_never_longer_than_its_limit(
            failures in 1_u32..40,
            asked in proptest::option::of(0_u64..100_000),
            seed: u64,
        ) {
            let pace = Pace {
                initial_backoff: SECOND,
                max_backoff: 8 * SECOND,
                max_retry_after: 60 * SECOND,
            };
            let (mut gate, mut now) = (Gate::new(pace, seed), Instant::now());
            for failure in 1..=failures {
                gate.failed(now, now, asked.map(Duration::from_secs));
                let wait = gate.reopens_at().unwrap().duration_since(now);
                let most = match asked {
                    Some(asked) => Duration::from_secs(asked).min(60 * SECOND),
                    None => (SECOND * 2_u32.saturating_pow(failure - 1).min(1 << 20)).min(8 * SECOND),
                };
                let least = if failure >= BREAKER_FAILURES { BREAKER_OPEN } else { Duration::ZERO };
                prop_assert!(wait >= least && wait <= most.max(least), "{failure}: {wait:?}");
                now += wait;
                prop_assert!(gate.pass(now));
                now += Duration::from_millis(1);
            }
            gate.answered(now);
            prop_assert!(gate.pass(now) && gate.pass(now));
        }
    }
}
