//! What time it is, by the system or by a test.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// A clock; clones tell the same time. Default: the system's.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// How far a test has moved it, in seconds.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// Returns the time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let ahead = jiff::SignedDuration::from_secs(self.ahead.load(Ordering::Relaxed));
        Timestamp::now()
            .saturating_add(ahead)
            .unwrap_or(Timestamp::MAX)
    }

    /// Returns the seconds since 1970, as times are stored.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.now().as_second()
    }

    /// Returns when something that lasts from now on ends.
    #[must_use]
    pub fn seconds_after(&self, lifetime: Duration) -> i64 {
        self.seconds().saturating_add_unsigned(lifetime.as_secs())
    }

    /// Moves the clock, for tests of what expires.
    pub fn advance(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
    }
}
