//! Fewer events of busy tools: a share of the calls that went well, and at most so many a minute.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::tool_call::Call;
use super::weight::Weight;
use crate::base::lock::lock;
use crate::base::random;
use crate::ledger::DropReason;

/// The time over which a cap counts.
const WINDOW: Duration = Duration::from_secs(60);

/// Most tools with a count of their own. The others share one: an agent may make up names.
const MAX_TOOLS: usize = 1_024;

/// Which calls are kept. Set by the builder.
#[derive(Debug)]
pub(crate) struct Sampling {
    pub(crate) rate: f64,
    pub(crate) rates: HashMap<String, f64>,
    pub(crate) cap: Option<u32>,
    pub(crate) caps: HashMap<String, u32>,
    counts: Mutex<HashMap<Box<str>, Count>>,
    draws: AtomicU64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            rate: 1.0,
            rates: HashMap::new(),
            cap: None,
            caps: HashMap::new(),
            counts: Mutex::default(),
            draws: AtomicU64::new(random::seed()),
        }
    }
}

/// The calls of a tool in the window that is open.
#[derive(Debug)]
struct Count {
    opened: Instant,
    calls: u32,
    /// Calls dropped since an event last reported them.
    suppressed: u64,
}

impl Sampling {
    /// Decides whether a call is kept.
    pub(crate) fn weigh(
        &self,
        call: &Call<'_>,
        now: impl FnOnce() -> Instant,
    ) -> Result<Weight, DropReason> {
        let failed = call.outcome().is_some_and(|outcome| outcome.is_error());
        let rate = self.rates.get(&*call.tool).copied().unwrap_or(self.rate);
        let sample_rate = if failed || rate >= 1.0 {
            None
        } else if self.draw() < rate {
            Some(rate)
        } else {
            return Err(DropReason::Sampled);
        };
        let suppressed = match self.caps.get(&*call.tool).copied().or(self.cap) {
            // The clock is read only for a tool that has a cap.
            Some(cap) => self.count(&call.tool, cap, now())?,
            None => 0,
        };
        Ok(Weight {
            sample_rate,
            suppressed,
        })
    }

    /// Takes back the dropped calls that an event was to report, since it was not queued after all.
    pub(crate) fn give_back(&self, tool: &str, weight: Weight) {
        if weight.suppressed > 0 {
            let mut counts = lock(&self.counts);
            let tool = if counts.contains_key(tool) { tool } else { "" };
            if let Some(count) = counts.get_mut(tool) {
                count.suppressed += weight.suppressed;
            }
        }
    }

    /// Counts a call. Returns how many were dropped before it, or an error if it is one too many.
    fn count(&self, tool: &str, cap: u32, now: Instant) -> Result<u64, DropReason> {
        let mut counts = lock(&self.counts);
        let tool = if counts.len() < MAX_TOOLS || counts.contains_key(tool) {
            tool
        } else {
            ""
        };
        if !counts.contains_key(tool) {
            let count = Count {
                opened: now,
                calls: 0,
                suppressed: 0,
            };
            counts.insert(tool.into(), count);
        }
        let Some(count) = counts.get_mut(tool) else {
            return Ok(0);
        };
        if now.saturating_duration_since(count.opened) >= WINDOW {
            count.opened = now;
            count.calls = 0;
        }
        if count.calls >= cap {
            count.suppressed += 1;
            return Err(DropReason::RateCapped);
        }
        count.calls += 1;
        Ok(std::mem::take(&mut count.suppressed))
    }

    /// A number in `0.0..1.0`.
    fn draw(&self) -> f64 {
        random::unit(self.draws.fetch_add(1, Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::CallOutcome;

    fn call(tool: &'static str, outcome: CallOutcome) -> Call<'static> {
        Call {
            tool: tool.into(),
            outcome: Some(outcome),
            ..Call::default()
        }
    }

    #[test]
    fn about_the_share_is_kept_and_failures_all() {
        let mut sampling = Sampling::default();
        sampling.rates.insert("ping".to_owned(), 0.1);
        let now = Instant::now();
        let kept = |outcome| {
            (0..10_000)
                .filter(|_| sampling.weigh(&call("ping", outcome), || now).is_ok())
                .count()
        };
        assert!((800..1_200).contains(&kept(CallOutcome::Ok)));
        assert_eq!(kept(CallOutcome::Cancelled), 10_000);
        let weight = sampling.weigh(&call("search", CallOutcome::Ok), || now);
        assert_eq!(weight, Ok(Weight::default()));
    }

    #[test]
    fn a_cap_counts_exactly_what_it_drops() {
        let sampling = Sampling {
            cap: Some(3),
            ..Sampling::default()
        };
        let start = Instant::now();
        let mut said = 0;
        let mut dropped = 0;
        for second in 0..300 {
            let now = start + Duration::from_secs(second);
            match sampling.weigh(&call("ping", CallOutcome::Ok), || now) {
                Ok(weight) => said += weight.suppressed,
                Err(DropReason::RateCapped) => dropped += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(dropped, 300 - 5 * 3);
        // The last window's are said by the next event.
        let now = start + Duration::from_secs(300);
        let weight = sampling
            .weigh(&call("ping", CallOutcome::Ok), || now)
            .unwrap();
        assert_eq!(said + weight.suppressed, dropped);
        sampling.give_back("ping", weight);
        let again = sampling
            .weigh(&call("ping", CallOutcome::Ok), || now)
            .unwrap();
        assert_eq!(again.suppressed, weight.suppressed);
    }

    #[test]
    fn made_up_names_share_a_count() {
        let sampling = Sampling {
            cap: Some(1),
            ..Sampling::default()
        };
        let now = Instant::now();
        let kept = (0..5_000)
            .filter(|n| sampling.count(&n.to_string(), 1, now).is_ok())
            .count();
        assert_eq!(kept, MAX_TOOLS + 1);
    }
}
