//! Somebody who was forgotten up to a time and has come back since: what they did after it, out of their events.

use rusqlite::{Transaction, named_params};

use crate::record::Kind;
use crate::store::insert::{DAY_MS, HOUR_MS};
use crate::store::schema::{BAD, COUNTED};

/// Counts the rest of the hour and of the day in which the time lies; the rollups of later ones are untouched.
pub(super) fn rollups(
    tx: &Transaction<'_>,
    project: i64,
    user: i64,
    until_ms: i64,
) -> rusqlite::Result<()> {
    let call = Kind::Call as u8;
    let failed = format!("total(weight) FILTER (WHERE kind = {call} AND outcome IN {BAD})");
    let calls = format!("count(*) FILTER (WHERE kind = {call})");
    let weight = format!("total(weight) FILTER (WHERE kind = {call})");
    let (login, identity, refused) = (Kind::Login as u8, Kind::Identity as u8, Kind::Refused as u8);
    let tables = [
        (HOUR_MS, format!("user_hour (project, bucket, user, calls, failed, weight)
            SELECT :project, :bucket, :user, {calls}, {failed}, {weight}"), true, "user"),
        (DAY_MS, format!("user_day (project, bucket, user, calls, failed, weight, logins, refused, others)
            SELECT :project, :bucket, :user, {calls}, {failed}, {weight},
                count(*) FILTER (WHERE kind IN ({login}, {identity})), count(*) FILTER (WHERE kind = {refused}),
                count(*) FILTER (WHERE kind NOT IN ({call}, {login}, {identity}, {refused}))"), false, "user"),
        (DAY_MS, format!("user_tool_day (project, bucket, user, tool, calls, failed, weight)
            SELECT :project, :bucket, :user, tool, {calls}, {failed}, {weight}"), true, "tool"),
        (DAY_MS, "client_user_day (project, bucket, client, user)
            SELECT :project, :bucket, client, :user".to_owned(), true, "client"),
    ];
    for (bucket_ms, insert, of_calls, group) in tables {
        let bucket = until_ms.div_euclid(bucket_ms);
        let kinds = if of_calls { "AND kind = 1" } else { "" };
        tx.prepare_cached(&format!(
            "INSERT INTO {insert} FROM event INDEXED BY event_user
            WHERE project = :project AND user = :user AND time_ms > :until AND time_ms < :end
                AND class IN {COUNTED} {kinds} GROUP BY {group}"
        ))?
        .execute(named_params! {
            ":project": project,
            ":user": user,
            ":bucket": bucket,
            ":until": until_ms,
            ":end": (bucket + 1) * bucket_ms,
        })?;
    }
    Ok(())
}
