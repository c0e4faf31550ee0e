//! Time, which tests may set.

use std::time::{Instant, SystemTime};

/// What the logger and its worker read and wait by.
#[derive(Debug, Clone, Default)]
pub(crate) enum Clock {
    #[default]
    System,
    #[cfg(feature = "testing")]
    Manual(crate::base::manual_clock::ManualClock),
}

impl Clock {
    pub(crate) fn now(&self) -> Instant {
        match self {
            Self::System => Instant::now(),
            #[cfg(feature = "testing")]
            Self::Manual(clock) => clock.now(),
        }
    }

    pub(crate) fn wall(&self) -> SystemTime {
        match self {
            Self::System => SystemTime::now(),
            #[cfg(feature = "testing")]
            Self::Manual(clock) => clock.wall(),
        }
    }

    /// Whether it is the system's, by which also sockets and their peers live.
    pub(crate) const fn is_system(&self) -> bool {
        matches!(self, Self::System)
    }

    pub(crate) async fn sleep_until(&self, deadline: Instant) {
        match self {
            Self::System => tokio::time::sleep_until(deadline.into()).await,
            #[cfg(feature = "testing")]
            Self::Manual(clock) => clock.sleep_until(deadline).await,
        }
    }
}

/// Returns milliseconds since 1970; 0 for an earlier time, at which no event happened.
pub(crate) fn unix_millis(at: SystemTime) -> u64 {
    at.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis() as u64
}

/// Returns nanoseconds since 1970, which a `u64` holds until 2554; 0 for an earlier time.
pub(crate) fn unix_nanos(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX)
}
