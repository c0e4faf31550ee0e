//! Pure: how many batches may be bisected at a time for an event on which the ingest resets, times out or sheds.
//!
//! An ingest that sheds may look as if it failed on many batches, and halves of them all would be ever more requests for it.
//! So one batch is bisected with a budget of failures, then another after a pause that doubles; what is found allows more.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// How long a bisection waits after one that has found nothing; twice as long after each that follows, up to the maximum.
const PAUSE: Duration = Duration::from_secs(30);
const MAX_DOUBLINGS: u32 = 6;

/// How many failures a bisection may have for each halving on the way to an event: a part is tried three times, and the
/// batch may hold two such events.
const FAILURES_A_HALVING: usize = 6;

/// An event is found where as many parts in a row were accepted the first time.
const MIN_AT_ONCE: usize = 4;

/// For how long what was found allows further bisections, and how many at most.
const RECENT: Duration = Duration::from_secs(60);
const MOST: usize = 8;

/// The bisections that were begun, and what they have found.
#[derive(Debug, Default)]
pub(super) struct Bisections {
    begun: u64,
    last: Option<Instant>,
    /// How many were begun since one has found an event.
    fruitless: usize,
    /// How many failures the latest ones have left.
    budgets: BTreeMap<u64, usize>,
    /// How many parts were accepted the first time since one was not.
    at_once: usize,
    /// When the last events were found.
    found: VecDeque<Instant>,
}

impl Bisections {
    fn recent(&self, now: Instant) -> usize {
        let is_recent = |at: &&Instant| now.saturating_duration_since(**at) <= RECENT;
        self.found.iter().filter(is_recent).count()
    }

    /// Whether an event was found of late.
    pub(super) fn have_found(&self, now: Instant) -> bool {
        self.recent(now) > 0
    }

    /// Whether another batch may be bisected, beside those that are.
    pub(super) fn may_open(&self, open: usize, now: Instant) -> bool {
        let found = self.recent(now);
        let pause = match self.fruitless.saturating_sub(found) {
            0 => Duration::ZERO,
            extra => PAUSE * (1 << (extra as u32 - 1).min(MAX_DOUBLINGS)),
        };
        open <= found && self.last.is_none_or(|last| now >= last + pause)
    }

    /// Begins a bisection of so many events; returns its number.
    pub(super) fn open(&mut self, events: usize, now: Instant) -> u64 {
        self.begun += 1;
        self.fruitless += 1;
        self.last = Some(now);
        self.budgets.insert(self.begun, budget(events));
        if self.budgets.len() > 2 * MOST {
            self.budgets.pop_first();
        }
        self.begun
    }

    /// A part was accepted. If it had failed before, it had failed by chance, and so may others have.
    pub(super) fn accepted(&mut self, number: u64, had_failed: bool) {
        if !had_failed {
            self.at_once = self.at_once.saturating_add(1);
            return;
        }
        self.at_once = 0;
        self.found.clear();
        if let Some(left) = self.budgets.get_mut(&number) {
            *left = left.saturating_sub(FAILURES_A_HALVING);
        }
    }

    /// A part has failed. Returns whether the bisection goes on.
    pub(super) fn failed(&mut self, number: u64) -> bool {
        let left = self.budgets.get_mut(&number).filter(|left| **left > 0);
        left.map(|left| *left -= 1).is_some()
    }

    /// An event fails alone as its batch did. Returns whether it is what was looked for: the other parts are accepted.
    pub(super) fn found(&mut self, number: u64, now: Instant) -> bool {
        if self.at_once < MIN_AT_ONCE {
            return false;
        }
        self.fruitless = 0;
        self.found.push_back(now);
        if self.found.len() > MOST {
            self.found.pop_front();
        }
        // There may be another one in the batch.
        if let Some(left) = self.budgets.get_mut(&number) {
            *left += budget(2);
        }
        true
    }
}

fn budget(events: usize) -> usize {
    let halvings = events.next_power_of_two().trailing_zeros() as usize;
    FAILURES_A_HALVING * (halvings + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_that_find_nothing_wait_ever_longer() {
        let (mut bisections, start) = (Bisections::default(), Instant::now());
        let mut now = start;
        let mut pauses = Vec::new();
        for _ in 0..9 {
            bisections.open(500, now);
            assert!(
                !bisections.may_open(1, now + 10_000 * PAUSE),
                "one at a time"
            );
            let last = now;
            while !bisections.may_open(0, now) {
                now += PAUSE;
            }
            pauses.push((now - last).as_secs());
        }
        assert_eq!(pauses, [30, 60, 120, 240, 480, 960, 1_920, 1_920, 1_920]);
    }

    fn accepting() -> Bisections {
        Bisections {
            at_once: MIN_AT_ONCE,
            ..Bisections::default()
        }
    }

    #[test]
    fn nothing_is_found_where_parts_fail_by_chance() {
        let (mut bisections, start) = (Bisections::default(), Instant::now());
        let number = bisections.open(500, start);
        for parts in 1..=MIN_AT_ONCE {
            assert!(!bisections.found(number, start), "{parts}");
            bisections.accepted(number, false);
        }
        assert!(bisections.found(number, start) && bisections.have_found(start));
        bisections.accepted(number, true);
        assert!(
            !bisections.have_found(start),
            "what was found may be chance, too"
        );
        assert!(!bisections.found(number, start));
    }

    #[test]
    fn what_was_found_allows_more_for_a_minute() {
        let (mut bisections, start) = (accepting(), Instant::now());
        bisections.open(500, start);
        assert!(!bisections.have_found(start));
        bisections.found(1, start);
        bisections.found(1, start);
        assert!(bisections.have_found(start));
        assert!(bisections.may_open(2, start) && !bisections.may_open(3, start));
        let numbers = [start; 2].map(|now| bisections.open(500, now));
        assert_eq!(numbers, [2, 3]);
        assert!(bisections.may_open(2, start), "as many as were found");
        bisections.open(500, start);
        assert!(
            !bisections.may_open(1, start),
            "they have found nothing yet"
        );
        assert!(
            bisections.may_open(0, start + 4 * PAUSE),
            "nothing is recent then"
        );
        assert!(!bisections.have_found(start + 3 * PAUSE));
    }

    #[test]
    fn a_bisection_ends_after_so_many_failures_and_goes_on_where_it_finds_something() {
        let (mut bisections, start) = (accepting(), Instant::now());
        for (events, failures) in [(2, 12), (100, 48), (500, 60)] {
            let number = bisections.open(events, start);
            assert_eq!(
                (0..1_000).filter(|_| bisections.failed(number)).count(),
                failures
            );
            bisections.found(number, start);
            assert!(bisections.failed(number));
        }
        assert!(!bisections.failed(99), "not begun");
        let number = bisections.open(2, start);
        bisections.accepted(number, true);
        assert_eq!((0..1_000).filter(|_| bisections.failed(number)).count(), 6);
    }

    #[test]
    fn memory_is_bounded() {
        let (mut bisections, start) = (accepting(), Instant::now());
        for _ in 0..1_000 {
            bisections.open(500, start);
            bisections.found(1, start);
        }
        assert_eq!(bisections.budgets.len(), 2 * MOST);
        assert!(bisections.may_open(MOST, start) && !bisections.may_open(MOST + 1, start));
    }
}
