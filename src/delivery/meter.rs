//! Pure: how many requests a second are usual, by the last hour.

use std::time::{Duration, Instant};

const MINUTES: usize = 60;

/// Events of a shorter time say little of what is usual.
const LEAST_SPAN: Duration = Duration::from_secs(60);

/// Counts, by the minute, the requests that became due.
#[derive(Debug)]
pub(super) struct Meter {
    began: Instant,
    minute: u64,
    /// By minute, in turn.
    counts: [u64; MINUTES],
    /// The requests a second of earlier processes, whose events are not all sent.
    inherited: f64,
}

impl Meter {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            minute: 0,
            counts: [0; MINUTES],
            inherited: 0.0,
        }
    }

    /// Notes requests that became due in earlier processes, within `span`. A new process has no hour before: without them
    /// it would send what it finds on disk at one request a second.
    pub(super) fn inherit(&mut self, requests: u64, span: Duration) {
        self.inherited += requests as f64 / span.max(LEAST_SPAN).as_secs_f64();
    }

    /// Forgets earlier processes: their events are sent.
    pub(super) fn forget_inherited(&mut self) {
        self.inherited = 0.0;
    }

    pub(super) fn count(&mut self, requests: u64, now: Instant) {
        self.turn(now);
        let place = self.minute as usize % MINUTES;
        if let Some(count) = self.counts.get_mut(place) {
            *count += requests;
        }
    }

    /// The time between two requests at so many times the usual rate, but at least one a second.
    pub(super) fn interval(&mut self, speed: f64, now: Instant) -> Duration {
        let rate = speed * self.per_second(now).max(self.inherited);
        Duration::from_secs(1).div_f64(rate.max(1.0))
    }

    /// The mean of the last hour, or of the time since the beginning if that is less.
    fn per_second(&mut self, now: Instant) -> f64 {
        self.turn(now);
        let requests: f64 = self.counts.iter().map(|count| *count as f64).sum();
        let age = now.saturating_duration_since(self.began);
        // The present minute is not over.
        let full_minutes = self.minute.min(MINUTES as u64 - 1);
        let current = age.saturating_sub(Duration::from_secs(60 * self.minute));
        let time = Duration::from_secs(60 * full_minutes) + current;
        requests / time.as_secs_f64().max(1.0)
    }

    /// Forgets the minutes that are an hour old.
    fn turn(&mut self, now: Instant) {
        let minute = now.saturating_duration_since(self.began).as_secs() / 60;
        let passed = minute.saturating_sub(self.minute).min(MINUTES as u64);
        for n in 1..=passed {
            let place = (self.minute + n) as usize % MINUTES;
            if let Some(count) = self.counts.get_mut(place) {
                *count = 0;
            }
        }
        self.minute = self.minute.max(minute);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn assert_mean(meter: &mut Meter, now: Instant, expected: f64) {
        let mean = meter.per_second(now);
        assert!((mean - expected).abs() < 0.02 * expected, "{mean}");
    }

    #[test]
    fn the_mean_is_that_of_the_last_hour_or_of_what_there_is() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        meter.count(4, start);
        assert_mean(&mut meter, start, 4.0);
        assert_mean(&mut meter, start + 2 * SECOND, 2.0);
        let (mut meter, hour) = (Meter::new(start), 3_600);
        for second in 0..3 * hour {
            // Three a second in the first hour, one in the second, none in the third.
            let requests = [3, 1, 0][second as usize / hour as usize];
            meter.count(requests, start + second * SECOND);
            if second + 1 == hour / 2 {
                assert_mean(&mut meter, start + second * SECOND, 3.0);
            }
            if second + 1 == hour * 3 / 2 {
                assert_mean(&mut meter, start + second * SECOND, 2.0);
            }
        }
        let end = start + 3 * hour * SECOND;
        assert_eq!(meter.per_second(end), 0.0);
        assert_eq!(
            meter.interval(3.0, end),
            SECOND,
            "never less than one a second"
        );
        meter.count(7_200, end);
        assert_mean(&mut meter, end, 2.0);
        assert!(meter.interval(3.0, end) < SECOND / 5);
    }

    #[test]
    fn a_new_process_goes_on_at_the_rate_of_those_before_until_their_events_are_sent() {
        let now = Instant::now();
        let mut meter = Meter::new(now);
        // Of a burst the rate is that of a minute.
        for (requests, seconds, per_second) in [(1_200, 600, 2.0), (120, 5, 4.0)] {
            meter.inherit(requests, seconds * SECOND);
            let interval = meter.interval(3.0, now);
            assert_eq!(interval, SECOND.div_f64(3.0 * per_second), "{requests}");
        }
        meter.count(10, now);
        let own = SECOND.div_f64(30.0);
        assert_eq!(meter.interval(3.0, now), own, "the higher one counts");
        meter.forget_inherited();
        assert_eq!(meter.interval(3.0, now + 20 * SECOND), SECOND.div_f64(1.5));
    }
}
