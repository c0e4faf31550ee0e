//! Pure: whether the process stood still for a while: its connections may then be dead without an error so far.

use std::time::{Duration, Instant, SystemTime};

/// How late something that was due may be done.
const MAX_LATE: Duration = Duration::from_secs(5);

/// How far the wall clock may move against the monotonic one, which stands still while some machines sleep.
const MAX_MOVED: Duration = Duration::from_secs(30);

/// Compares the two clocks, turn by turn of the worker.
#[derive(Debug)]
pub(super) struct Stillness {
    at: Instant,
    wall: SystemTime,
}

impl Stillness {
    pub(super) const fn new(at: Instant, wall: SystemTime) -> Self {
        Self { at, wall }
    }

    /// Notes the time at which something is done that was `due`; returns whether the process stood still before it.
    pub(super) fn look(&mut self, now: Instant, wall: SystemTime, due: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at);
        let moved = match wall.duration_since(self.wall) {
            Ok(forward) => forward.abs_diff(passed),
            Err(back) => back.duration() + passed,
        };
        let late = now.saturating_duration_since(due);
        (self.at, self.wall) = (now, wall);
        late > MAX_LATE || moved > MAX_MOVED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_tick_and_a_moved_clock_are_seen_once_each() {
        let (start, wall) = (Instant::now(), SystemTime::now());
        let seconds = Duration::from_secs;
        let mut stillness = Stillness::new(start, wall);
        let mut look = |at: u64, wall_at: i64, due: u64| {
            let wall = if wall_at < 0 {
                wall - seconds(wall_at.unsigned_abs())
            } else {
                wall + seconds(wall_at.unsigned_abs())
            };
            stillness.look(start + seconds(at), wall, start + seconds(due))
        };
        assert!(!look(1, 1, 1) && !look(6, 6, 1), "a little late");
        assert!(look(16, 16, 10));
        assert!(!look(17, 40, 17), "a clock that was set");
        assert!(look(18, 80, 18), "a machine that slept");
        assert!(!look(19, 81, 19));
        assert!(look(20, 40, 20), "a clock that was set back");
        assert!(look(21, -40, 21));
        assert!(!look(30, -31, 400), "nothing was due");
    }
}
