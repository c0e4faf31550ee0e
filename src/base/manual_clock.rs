//! A clock that moves only when a test moves it.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use super::lock::lock;
use super::random::mix;

/// Time for a logger under test, which stands still until [`advance`](Self::advance) is called.
///
/// Clones share one time. Given to a logger with [`Builder::clock`](crate::Builder::clock), it drives
/// the flush interval, timeouts, back-off, ages and deadlines, but not sockets. The jitter of back-off is the same in
/// each run that builds its loggers in the same order.
#[derive(Debug, Clone, Default)]
pub struct ManualClock {
    time: Arc<Mutex<Time>>,
}

#[derive(Debug)]
struct Time {
    now: Instant,
    wall: SystemTime,
    sleepers: Vec<Waker>,
    /// How many seeds were given out.
    seeds: u64,
}

impl Default for Time {
    fn default() -> Self {
        Self {
            now: Instant::now(),
            wall: SystemTime::now(),
            sleepers: Vec::new(),
            seeds: 0,
        }
    }
}

impl ManualClock {
    /// Creates a clock that shows the current time and stands still.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets time pass, and wakes tasks whose deadline has passed.
    pub fn advance(&self, time: Duration) {
        self.change(|now, wall| {
            *now += time;
            *wall += time;
        });
    }

    /// Sets the wall clock forward, as a correction of the system time does.
    pub fn set_forward(&self, by: Duration) {
        self.change(|_, wall| *wall += by);
    }

    /// Sets the wall clock back.
    pub fn set_back(&self, by: Duration) {
        self.change(|_, wall| {
            *wall = wall.checked_sub(by).unwrap_or(SystemTime::UNIX_EPOCH);
        });
    }

    pub(crate) fn now(&self) -> Instant {
        lock(&self.time).now
    }

    pub(crate) fn wall(&self) -> SystemTime {
        lock(&self.time).wall
    }

    pub(crate) fn seed(&self) -> u64 {
        let mut time = lock(&self.time);
        time.seeds += 1;
        mix(time.seeds)
    }

    pub(crate) async fn sleep_until(&self, deadline: Instant) {
        poll_fn(|cx| {
            let mut time = lock(&self.time);
            if time.now >= deadline {
                return Poll::Ready(());
            }
            let mut sleepers = time.sleepers.iter();
            if !sleepers.any(|sleeper| sleeper.will_wake(cx.waker())) {
                time.sleepers.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    fn change(&self, change: impl FnOnce(&mut Instant, &mut SystemTime)) {
        let sleepers = {
            let time = &mut *lock(&self.time);
            change(&mut time.now, &mut time.wall);
            std::mem::take(&mut time.sleepers)
        };
        for sleeper in sleepers {
            sleeper.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use std::task::{Context, Wake};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn each_clock_repeats_its_seeds_and_no_two_are_alike() {
        let seeds = || {
            let clock = ManualClock::new();
            [clock.seed(), clock.seed()]
        };
        assert_eq!(seeds(), seeds());
        let [one, other] = seeds();
        assert_ne!(one, other);
    }

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn a_sleeper_is_woken_by_time_and_ends_at_its_deadline() {
        let clock = ManualClock::new();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut sleep = pin!(clock.sleep_until(clock.now() + 2 * SECOND));
        for _ in 0..3 {
            assert!(sleep.as_mut().poll(&mut context).is_pending());
        }
        clock.clone().advance(SECOND);
        assert_eq!(
            woken.0.load(Relaxed),
            1,
            "once, however often it was polled"
        );
        assert!(sleep.as_mut().poll(&mut context).is_pending());
        clock.advance(SECOND);
        assert_eq!(woken.0.load(Relaxed), 2);
        assert!(sleep.as_mut().poll(&mut context).is_ready());
    }

    #[test]
    fn the_wall_clock_is_set_without_time_passing() {
        let clock = ManualClock::new();
        let (now, wall) = (clock.now(), clock.wall());
        clock.set_forward(5 * SECOND);
        assert_eq!((clock.now(), clock.wall()), (now, wall + 5 * SECOND));
        clock.set_back(7 * SECOND);
        assert_eq!((clock.now(), clock.wall()), (now, wall - 2 * SECOND));
        clock.advance(SECOND);
        assert_eq!((clock.now(), clock.wall()), (now + SECOND, wall - SECOND));
        clock.set_back(Duration::MAX);
        assert_eq!(clock.wall(), SystemTime::UNIX_EPOCH);
    }
}
