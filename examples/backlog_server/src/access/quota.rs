//! The day's calls are not used up.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction};

use crate::access::{Acting, Refusal, Stop};
use crate::store::users::Plan;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Returns how many calls a day there are, from 00:00 UTC on, over all the owner's projects.
#[must_use]
pub const fn calls_per_day(plan: Plan) -> i64 {
    match plan {
        Plan::Free => 25,
        Plan::Pro => 300,
        Plan::Business => 3_000,
    }
}

/// The day's calls are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the {} calls of the {plan} plan are used up for today; the quota resets at {resets_at}, in {minutes_left} min",
    calls_per_day(*plan)
)]
pub struct UsedUp {
    pub plan: Plan,
    /// The next midnight in UTC.
    pub resets_at: Timestamp,
    pub minutes_left: i64,
}

impl UsedUp {
    #[must_use]
    pub const fn calls_per_day(&self) -> i64 {
        calls_per_day(self.plan)
    }
}

/// Returns when the day of `now` ends, in seconds since 1970.
#[must_use]
pub const fn resets_at(now: i64) -> i64 {
    now - now.rem_euclid(DAY_SECONDS) + DAY_SECONDS
}

/// Counts a call. One statement looks and counts, so that of two calls at the last unit one passes,
/// whatever runs beside it.
///
/// # Errors
///
/// When no unit is left, and the database's.
pub fn count(acting: &Acting<'_>) -> Result<(), Stop> {
    let day = acting.now.div_euclid(DAY_SECONDS);
    let counted = acting
        .db
        .prepare_cached(
            "INSERT INTO quota (owner_id, day, calls) VALUES (?1, ?2, 1)
             ON CONFLICT DO UPDATE SET calls = calls + 1 WHERE calls < ?3
             RETURNING calls",
        )?
        .query_row((&acting.owner_id, day, calls_per_day(acting.plan)), |row| {
            row.get::<_, i64>(0)
        })
        .optional()?;
    if counted.is_some() {
        return Ok(());
    }
    let resets_at = resets_at(acting.now);
    let used_up = UsedUp {
        plan: acting.plan,
        resets_at: Timestamp::from_second(resets_at).unwrap_or(Timestamp::MAX),
        minutes_left: (resets_at - acting.now + 59) / 60,
    };
    Err(Refusal::from(used_up).into())
}

/// Returns how many calls an owner's projects have had on the day of `now`.
///
/// # Errors
///
/// The database's.
pub fn used(db: &Transaction<'_>, owner_id: &str, now: i64) -> rusqlite::Result<i64> {
    let calls = db
        .prepare_cached("SELECT calls FROM quota WHERE owner_id = ?1 AND day = ?2")?
        .query_row((owner_id, now.div_euclid(DAY_SECONDS)), |row| row.get(0))
        .optional()?;
    Ok(calls.unwrap_or(0))
}
