//! A time in buckets of the rollups: whole days, and the hours behind them.

use std::ops::Range;

use super::period::{Period, Range as PeriodRange};
use crate::store::schema::{BAD, COUNTED};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Buckets since 1970. Either range can be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) days: Range<i64>,
    pub(super) hours: Range<i64>,
}

impl Span {
    /// The buckets of a period, the running one whole: nothing in it is later than now.
    pub(super) fn of(period: &Period) -> Self {
        match period.range {
            PeriodRange::Day => Self::of_hours(period.from, period.until),
            _ => Self {
                days: period.from / DAY_MS..(period.until + DAY_MS - 1) / DAY_MS,
                hours: 0..0,
            },
        }
    }

    /// The buckets of the period before, which may end within a day.
    pub(super) fn before(period: &Period) -> Self {
        match period.range {
            PeriodRange::Day => Self::of_hours(period.before_from, period.before_until),
            _ => Self::between(period.before_from, period.before_until),
        }
    }

    /// The buckets of a time that begins and ends with an hour.
    pub(super) fn between(from: i64, until: i64) -> Self {
        if from % DAY_MS != 0 || until / DAY_MS <= from / DAY_MS {
            return Self::of_hours(from, until);
        }
        Self {
            days: from / DAY_MS..until / DAY_MS,
            hours: until / DAY_MS * 24..until / HOUR_MS,
        }
    }

    /// All of it in hours.
    pub(super) fn all_hours(&self) -> Range<i64> {
        match (self.days.is_empty(), self.hours.is_empty()) {
            (true, _) => self.hours.clone(),
            (false, true) => self.days.start * 24..self.days.end * 24,
            (false, false) => self.days.start * 24..self.hours.end,
        }
    }

    /// The days that it touches, whole.
    pub(super) fn whole_days(&self) -> Self {
        let hours = self.all_hours();
        Self {
            days: hours.start / 24..(hours.end + 23) / 24,
            hours: 0..0,
        }
    }

    const fn of_hours(from: i64, until: i64) -> Self {
        Self {
            days: 0..0,
            hours: from / HOUR_MS..until / HOUR_MS,
        }
    }

    /// What the statements below name.
    pub(super) const fn params(&self, project: i64) -> [(&'static str, i64); 5] {
        [
            (":project", project),
            (":day", self.days.start),
            (":day_end", self.days.end),
            (":hour", self.hours.start),
            (":hour_end", self.hours.end),
        ]
    }

    /// The same, and `:of`: a tool, say.
    pub(super) const fn params_of(&self, project: i64, of: i64) -> [(&'static str, i64); 6] {
        let [a, b, c, d, e] = self.params(project);
        [a, b, c, d, e, (":of", of)]
    }
}

/// Columns of `roll_day` and `roll_hour`.
pub(super) fn calls(columns: &str) -> String {
    rolled("roll_day", "roll_hour", columns)
}

/// Columns of `hist_day` and `hist_hour`.
pub(super) fn hist(columns: &str) -> String {
    rolled("hist_day", "hist_hour", columns)
}

fn rolled(day: &str, hour: &str, columns: &str) -> String {
    format!(
        "SELECT {columns} FROM {day} WHERE project = :project AND bucket >= :day AND bucket < :day_end
         UNION ALL
         SELECT {columns} FROM {hour} WHERE project = :project AND bucket >= :hour AND bucket < :hour_end"
    )
}

/// Columns of a table that has days alone; for the hours, the same columns read from the events that `filter` lets
/// through.
pub(super) fn days_and_events(
    table: &str,
    columns: &str,
    event_columns: &str,
    filter: &str,
) -> String {
    format!(
        "SELECT {columns} FROM {table} WHERE project = :project AND bucket >= :day AND bucket < :day_end
         UNION ALL
         SELECT {event_columns} FROM event WHERE project = :project
             AND time_ms >= :hour * {HOUR_MS} AND time_ms < :hour_end * {HOUR_MS} AND {filter}"
    )
}

/// Columns of `roll_day` and `roll_hour`, after the time at which their bucket begins.
pub(super) fn calls_at(columns: &str) -> String {
    rolled_at("roll_day", "roll_hour", columns)
}

/// Columns of `hist_day` and `hist_hour`, after the time at which their bucket begins.
pub(super) fn hist_at(columns: &str) -> String {
    rolled_at("hist_day", "hist_hour", columns)
}

fn rolled_at(day: &str, hour: &str, columns: &str) -> String {
    format!(
        "SELECT bucket * {DAY_MS} AS at_ms, {columns} FROM {day}
             WHERE project = :project AND bucket >= :day AND bucket < :day_end
         UNION ALL
         SELECT bucket * {HOUR_MS}, {columns} FROM {hour}
             WHERE project = :project AND bucket >= :hour AND bucket < :hour_end"
    )
}

/// Columns of `user_day` and `user_hour`, of whoever called, after the time at which their bucket begins.
pub(super) fn users(columns: &str) -> String {
    format!(
        "SELECT bucket * {DAY_MS} AS at_ms, {columns} FROM user_day
             WHERE project = :project AND bucket >= :day AND bucket < :day_end AND calls > 0
         UNION ALL
         SELECT bucket * {HOUR_MS}, {columns} FROM user_hour WHERE project = :project AND bucket >= :hour AND bucket < :hour_end"
    )
}

/// `user`, `tool`, and by weight `calls` and `failed` of whoever called, by day or by event.
pub(super) fn user_tools() -> String {
    days_and_events(
        "user_tool_day",
        "user, tool, weight AS calls, failed",
        &format!(
            "user, tool, weight AS calls, CASE WHEN outcome IN {BAD} THEN weight ELSE 0.0 END AS failed"
        ),
        &format!("kind = 1 AND class IN {COUNTED} AND user <> 0"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-27 15:41:07 UTC.
    const NOW: i64 = 1_795_794_067_000;

    #[test]
    fn a_span_covers_its_period_and_no_hour_twice() {
        for range in PeriodRange::ALL {
            let period = range.until(NOW);
            let now = Span::of(&period);
            assert_eq!(
                now.days.clone().count() * 24 + now.hours.clone().count(),
                match range {
                    PeriodRange::Day => 24,
                    _ => period.buckets() * 24,
                }
            );
            let before = Span::before(&period);
            let hours = before.days.clone().count() * 24 + before.hours.clone().count();
            let length = (period.before_until - period.before_from) / HOUR_MS;
            assert_eq!(hours as i64, length, "{range:?}");
            if !before.days.is_empty() {
                assert_eq!(before.hours.start, before.days.end * 24);
            }
        }
    }
}
