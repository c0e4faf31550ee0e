//! Pure: what an answer means for a batch, and when the next request may go out.

use std::time::{Duration, Instant, SystemTime};

use crate::random::Rng;
use crate::stats::DropReason;

/// What becomes of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Delivered,
    /// Sent again; `after` is what the ingest asked for.
    Retry {
        after: Option<Duration>,
    },
    /// Too large for the ingest: sent again in halves.
    Split,
    Drop(DropReason),
}

/// Judges an answer by its status. `retry_after` is the header's value.
pub(crate) fn judge(status: u16, retry_after: Option<&str>, now: SystemTime) -> Verdict {
    match status {
        200..=299 => Verdict::Delivered,
        401 | 403 => Verdict::Drop(DropReason::Unauthorized),
        413 => Verdict::Split,
        408 | 425 | 429 | 500..=599 => Verdict::Retry {
            after: retry_after.and_then(|value| parse_retry_after(value, now)),
        },
        // Anything else will be answered the same next time: other 4xx, a redirect (which is not
        // followed, since it would carry the key along), and what is not HTTP.
        _ => Verdict::Drop(DropReason::Rejected),
    }
}

/// Reads a `Retry-After`: seconds, with or without a fraction, or a date. `None` if it is neither.
///
/// A date in the past is a wait of nothing.
pub(crate) fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    // More digits than a u64 holds: longer than any clamp.
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::MAX);
    }
    if value.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Duration::try_from_secs_f64(value.parse().ok()?).ok();
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// How a gate waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) initial_backoff: Duration,
    pub(crate) max_backoff: Duration,
    pub(crate) max_retry_after: Duration,
}

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
    state: State,
    failures: u32,
    /// When the last failure was counted: a request that was already under way then says nothing
    /// new about the ingest.
    last_failure: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Closed { until: Instant },
    Probing,
}

impl Gate {
    pub(crate) fn new(pace: Pace, seed: u64) -> Self {
        Self {
            pace,
            rng: Rng::new(seed),
            state: State::Open,
            failures: 0,
            last_failure: None,
        }
    }

    /// Whether a request may go out now. If so it must: a closed gate takes it for the probe.
    pub(crate) fn pass(&mut self, now: Instant) -> bool {
        match self.state {
            State::Open => true,
            State::Closed { until } if until <= now => {
                self.state = State::Probing;
                true
            }
            State::Closed { .. } | State::Probing => false,
        }
    }

    /// When it reopens by itself; `None` while it is open or a probe is under way.
    pub(crate) fn reopens_at(&self) -> Option<Instant> {
        match self.state {
            State::Closed { until } => Some(until),
            State::Open | State::Probing => None,
        }
    }

    /// Lets one probe through now.
    pub(crate) fn hurry(&mut self, now: Instant) {
        if let State::Closed { until } = &mut self.state {
            *until = now;
        }
    }

    /// The ingest has answered, whatever it said. Returns whether this ended an outage.
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
        self.state = State::Open;
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
            State::Closed { until: before } => before.max(until),
            State::Open | State::Probing => until,
        };
        self.state = State::Closed { until };
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
