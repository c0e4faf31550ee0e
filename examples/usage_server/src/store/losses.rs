//! What senders say that they have lost.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};

/// What a sender says of itself with a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LossReport {
    pub instance: String,
    /// Name and version of its library.
    pub sdk: String,
    /// How many events it has lost since it started, by reason.
    pub dropped: Vec<(String, u64)>,
}

/// The last totals of one instance by reason, so that a report that says nothing new writes nothing.
pub(super) type Totals = HashMap<String, u64>;

/// Adds what an instance has lost since its last report. Totals only grow: a report that was overtaken changes nothing.
pub(super) fn add(
    tx: &Transaction<'_>,
    project: i64,
    day: i64,
    instance: i64,
    dropped: &[(String, u64)],
    totals: &mut Totals,
) -> rusqlite::Result<()> {
    for (reason, total) in dropped {
        if totals.get(reason).is_some_and(|known| known >= total) {
            continue;
        }
        let known = tx
            .prepare_cached("SELECT total FROM instance_lost WHERE instance = ?1 AND reason = ?2")?
            .query_row(params![instance, reason], |row| row.get::<_, i64>(0))
            .optional()?
            .unwrap_or(0);
        let known = u64::try_from(known).unwrap_or_default();
        if let Some(grown) = total.checked_sub(known).filter(|grown| *grown > 0) {
            tx.prepare_cached(
                "INSERT INTO instance_lost (instance, reason, total) VALUES (?1, ?2, ?3)
                ON CONFLICT DO UPDATE SET total = excluded.total",
            )?
            .execute(params![instance, reason, total.cast_signed()])?;
            tx.prepare_cached(
                "INSERT INTO lost_day (project, bucket, instance, reason, events) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT DO UPDATE SET events = events + excluded.events",
            )?
            .execute(params![project, day, instance, reason, grown.cast_signed()])?;
        }
        totals.insert(reason.clone(), *total.max(&known));
    }
    Ok(())
}
