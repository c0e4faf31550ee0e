//! A clock that moves when it is told to.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

/// Time for a logger under test: it stands still until [`advance`](Self::advance).
///
/// Clones share one time. Given to a logger by [`Builder::clock`](crate::Builder::clock), it drives
/// the flush interval, timeouts, back-off, ages and deadlines; sockets stay as fast as they are.
#[derive(Debug, Clone, Default)]
pub struct ManualClock {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    start: Instant,
    wall_start: SystemTime,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    elapsed: Duration,
    /// How far the wall clock was set apart from the time that passed, forward and back.
    ahead: Duration,
    behind: Duration,
    sleepers: Vec<Waker>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            wall_start: SystemTime::now(),
            state: Mutex::default(),
        }
    }
}

impl ManualClock {
    /// Creates a clock that shows the present, and stops there.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets time pass, and wakes who has slept long enough.
    pub fn advance(&self, time: Duration) {
        self.change(|state| state.elapsed += time);
    }

    /// Sets the wall clock forward, as a correction of the system's time would.
    pub fn set_forward(&self, by: Duration) {
        self.change(|state| state.ahead += by);
    }

    /// Sets the wall clock back.
    pub fn set_back(&self, by: Duration) {
        self.change(|state| state.behind += by);
    }

    pub(crate) fn now(&self) -> Instant {
        self.shared.start + self.state().elapsed
    }

    pub(crate) fn wall(&self) -> SystemTime {
        let state = self.state();
        let wall = self.shared.wall_start + state.elapsed + state.ahead;
        wall.checked_sub(state.behind)
            .unwrap_or(SystemTime::UNIX_EPOCH)
    }

    pub(crate) fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep {
            clock: self.clone(),
            deadline,
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let sleepers = {
            let mut state = self.state();
            change(&mut state);
            std::mem::take(&mut state.sleepers)
        };
        for sleeper in sleepers {
            sleeper.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resolves when the clock has reached a time.
#[derive(Debug)]
pub(crate) struct Sleep {
    clock: ManualClock,
    deadline: Instant,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.state();
        if self.clock.shared.start + state.elapsed >= self.deadline {
            return Poll::Ready(());
        }
        if !state
            .sleepers
            .iter()
            .any(|sleeper| sleeper.will_wake(cx.waker()))
        {
            state.sleepers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}
