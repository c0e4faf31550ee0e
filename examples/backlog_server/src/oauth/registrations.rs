//! How many clients may register: anybody may, so one source only so many, and all together not many more.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::source::Source;

/// Registrations a minute, whoever sends them: what the database has to bear.
const OF_ALL: NonZeroU32 = NonZeroU32::new(120).unwrap();
/// Sources to remember before those are forgotten that could register as much as a new one.
const REMEMBERED: usize = 1_024;

/// Too many have registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// When to try again.
    pub(crate) wait: Duration,
}

#[derive(Debug)]
pub(crate) struct Registrations {
    of_source: DefaultKeyedRateLimiter<Source>,
    of_all: DefaultDirectRateLimiter,
}

impl Registrations {
    /// Allows one source so many at once, and as many an hour.
    pub(crate) fn new(of_source: NonZeroU32) -> Self {
        Self {
            of_source: RateLimiter::keyed(Quota::per_hour(of_source)),
            of_all: RateLimiter::direct(Quota::per_minute(OF_ALL)),
        }
    }

    /// Counts one.
    ///
    /// # Errors
    ///
    /// When the source, or all together, have had theirs. What is refused to a source is not taken from the others.
    pub(crate) fn count(&self, source: Source) -> Result<(), TooMany> {
        if self.of_source.len() > REMEMBERED {
            self.of_source.retain_recent();
        }
        let now = DefaultClock::default().now();
        self.of_source
            .check_key(&source)
            .and_then(|()| self.of_all.check())
            .map_err(|until| TooMany {
                wait: until.wait_time_from(now),
            })
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn source(number: u32) -> Source {
        Source::from(IpAddr::from(number.to_be_bytes()))
    }

    #[test]
    fn one_source_does_not_use_up_what_is_for_all() {
        let registrations = Registrations::new(NonZeroU32::new(20).unwrap());
        let passed = |source| registrations.count(source).is_ok();
        assert_eq!((0..1_000).filter(|_| passed(source(1))).count(), 20);
        assert_eq!((0..20).filter(|_| passed(source(2))).count(), 20);
        let wait = registrations.count(source(1)).unwrap_err().wait;
        // The next of twenty an hour.
        assert!(wait <= Duration::from_secs(180), "{wait:?}");
    }

    #[test]
    fn all_together_are_bounded_however_many_there_are() {
        let registrations = Registrations::new(NonZeroU32::new(20).unwrap());
        let passed = (0..1_000).filter(|n| registrations.count(source(*n)).is_ok());
        // One more each half second that the test takes.
        assert!((120..200).contains(&passed.count()));
    }
}
