//! The time a page is about, and the time it is held against.

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What a page's address says: `range=7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Range {
    /// `24h`: the last 24 hours, with the running one.
    Day,
    /// `7d`: the last seven days, with today. The default.
    #[default]
    Week,
    /// `28d`.
    FourWeeks,
    /// `91d`.
    Quarter,
}

/// Two times of equal length in Unix milliseconds, `[from, until)` and the one before, and the buckets that they
/// consist of.
///
/// Both begin with a bucket. `until` is the end of the running hour, and the running bucket is not over; the time
/// before ends as long before the same point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub range: Range,
    pub now: i64,
    pub from: i64,
    pub until: i64,
    pub before_from: i64,
    pub before_until: i64,
    /// The length of a bucket: an hour or a day.
    pub bucket_ms: i64,
}

impl Range {
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::FourWeeks, Self::Quarter];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::FourWeeks => "28d",
            Self::Quarter => "91d",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.word() == word)
    }

    const fn days(self) -> i64 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::FourWeeks => 28,
            Self::Quarter => 91,
        }
    }

    /// The period of this range that ends now.
    pub fn until(self, now: i64) -> Period {
        let until = (now.div_euclid(HOUR_MS) + 1) * HOUR_MS;
        let (bucket_ms, from, back) = match self {
            // The same hours a week ago.
            Self::Day => (HOUR_MS, until - DAY_MS, 7 * DAY_MS),
            _ => {
                let midnight = (now.div_euclid(DAY_MS) + 1) * DAY_MS;
                let span = self.days() * DAY_MS;
                (DAY_MS, midnight - span, span)
            }
        };
        Period {
            range: self,
            now,
            from,
            until,
            before_from: from - back,
            before_until: until - back,
            bucket_ms,
        }
    }
}

impl Period {
    /// How many buckets there are.
    pub fn buckets(&self) -> usize {
        let spans = (self.until - self.from + self.bucket_ms - 1) / self.bucket_ms;
        usize::try_from(spans).unwrap_or_default()
    }

    /// The bucket of a time within the period.
    pub fn bucket_of(&self, time_ms: i64) -> usize {
        usize::try_from((time_ms - self.from) / self.bucket_ms).unwrap_or_default()
    }

    /// The first millisecond of a bucket.
    pub fn bucket_start(&self, bucket: usize) -> i64 {
        self.from + bucket as i64 * self.bucket_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-27 15:41:07 UTC.
    const NOW: i64 = 1_795_794_067_000;

    #[test]
    fn a_week_has_seven_days_with_today_and_is_held_against_the_same_part_of_the_week_before() {
        let week = Range::Week.until(NOW);
        assert_eq!(week.buckets(), 7);
        assert_eq!(week.from % DAY_MS, 0);
        assert_eq!(week.until % HOUR_MS, 0);
        assert_eq!(week.bucket_of(NOW), 6);
        assert_eq!(week.until - week.from, week.before_until - week.before_from);
        assert_eq!(week.from - week.before_from, 7 * DAY_MS);
    }

    #[test]
    fn a_day_has_24_hours_and_is_held_against_the_same_hours_a_week_ago() {
        let day = Range::Day.until(NOW);
        assert_eq!(day.buckets(), 24);
        assert_eq!(day.bucket_of(NOW), 23);
        assert_eq!(day.from - day.before_from, 7 * DAY_MS);
        assert_eq!(day.before_until - day.before_from, DAY_MS);
    }
}
