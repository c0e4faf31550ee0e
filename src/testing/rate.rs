//! How much the mock ingest takes in a second.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::answer::Answer;

const SECOND: Duration = Duration::from_secs(1);

/// The most that is taken in any second, and what a request over it is told.
#[derive(Clone, Debug, Default)]
pub(super) struct RateLimit {
    pub(super) requests: Option<usize>,
    pub(super) events: Option<usize>,
    pub(super) retry_after: Option<String>,
}

/// The requests taken in the last second: when, and how many events each had.
#[derive(Debug, Default)]
pub(super) struct Taken(VecDeque<(Instant, usize)>);

impl Taken {
    /// Counts a request, or returns the answer to one that is too many.
    pub(super) fn take(
        &mut self,
        limit: &RateLimit,
        events: usize,
        now: Instant,
    ) -> Option<Answer> {
        if limit.requests.is_none() && limit.events.is_none() {
            return None;
        }
        let is_old = |at: Instant| now.saturating_duration_since(at) >= SECOND;
        self.0.retain(|(at, _)| !is_old(*at));
        let taken: usize = self.0.iter().map(|(_, events)| events).sum();
        for (sum, most, unit) in [
            (self.0.len() + 1, limit.requests, "requests"),
            // A request is taken by an idle ingest, however many events it has.
            (
                taken + if taken == 0 { 0 } else { events },
                limit.events,
                "events",
            ),
        ] {
            if let Some(most) = most.filter(|most| sum > *most) {
                let answer =
                    Answer::refusal(429, format!("rate: more than {most} {unit} a second"));
                let retry_after = limit.retry_after.as_deref().unwrap_or("1");
                return Some(answer.retry_after(retry_after));
            }
        }
        self.0.push_back((now, events));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_in_any_second_is_bounded() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let limit = RateLimit {
            requests: Some(3),
            events: Some(10),
            retry_after: None,
        };
        let mut taken = Taken::default();
        let mut take = |events, millis| taken.take(&limit, events, at(millis)).is_none();
        assert!(take(20, 0), "one request is always taken");
        assert!(!take(1, 999), "and then no other");
        assert!(take(4, 1_000) && take(5, 1_001));
        assert!(!take(2, 1_002), "eleven events");
        assert!(take(1, 1_003));
        assert!(!take(0, 1_004), "four requests");
        assert!(take(0, 2_000));
    }

    #[test]
    fn without_a_limit_nothing_is_remembered() {
        let mut taken = Taken::default();
        let answer = taken.take(&RateLimit::default(), 9, Instant::now());
        assert!(answer.is_none() && taken.0.is_empty());
    }
}
