//! Time, which tests may set.

use std::time::{Instant, SystemTime};

use super::random;

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

    /// The seed of a destination's jitter, which a manual clock fixes.
    pub(crate) fn seed(&self) -> u64 {
        match self {
            Self::System => random::seed(),
            #[cfg(feature = "testing")]
            Self::Manual(clock) => clock.seed(),
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

/// A time as RFC 3339 spells it: in UTC, to the millisecond.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rfc3339([u8; 24]);

impl Rfc3339 {
    /// Spells nanoseconds since 1970.
    pub(crate) fn new(nanos: u64) -> Self {
        const DAY: u64 = 24 * 60 * 60 * 1_000;
        let millis = nanos / 1_000_000;
        let [year, month, day] = date(millis / DAY);
        let of_day = millis % DAY;
        let (seconds, millis) = (of_day / 1_000, of_day % 1_000);
        let minutes = seconds / 60;
        let mut text = *b"0000-00-00T00:00:00.000Z";
        for (number, digits) in [
            (year, 0..4),
            (month, 5..7),
            (day, 8..10),
            (minutes / 60, 11..13),
            (minutes % 60, 14..16),
            (seconds % 60, 17..19),
            (millis, 20..23),
        ] {
            let places = text.get_mut(digits).unwrap_or_default();
            let mut rest = number;
            for place in places.iter_mut().rev() {
                *place += (rest % 10) as u8;
                rest /= 10;
            }
        }
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The year, month and day of a day since 1970.
fn date(day: u64) -> [u64; 3] {
    // Counted from the first of March of the year 0, so that the leap day ends its year: 400 years have the same days.
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Five months have 153 days.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, years) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    [era * 400 + year + years, month, day]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_is_spelled_as_it_is_read() {
        for (nanos, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999_999_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"),
            (1_772_323_200_001_000_000, "2026-03-01T00:00:00.001Z"),
            (u64::MAX, "2554-07-21T23:34:33.709Z"),
        ] {
            assert_eq!(Rfc3339::new(nanos).as_str(), text);
        }
    }

    #[test]
    fn every_day_of_five_centuries_is_that_of_another_calendar() {
        for day in 0..200_000_u64 {
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(day * 86_400);
            let other = httpdate::fmt_http_date(at);
            let mut parts = other
                .split([' ', ','])
                .filter(|part| !part.is_empty())
                .skip(1);
            let [d, m, y] = [(); 3].map(|()| parts.next().unwrap());
            const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
            let month = MONTHS.find(m).unwrap() / 3 + 1;
            let expected = format!("{y}-{month:02}-{d}T00:00:00.000Z");
            assert_eq!(Rfc3339::new(unix_nanos(at)).as_str(), expected);
        }
    }
}
