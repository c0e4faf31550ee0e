//! Removing what is older than a project keeps, a little at a time, so that no sender waits for it.

mod names;

use rusqlite::{Transaction, params};

use super::insert::{DAY_MS, HOUR_MS};
use super::{Store, WriteError, forget, projects};

/// How many rows are removed at a time: a commit of events waits for no longer than that takes.
const CHUNK: usize = 2_000;

/// As the schema has it.
const DEFAULT_ROLLUP_DAYS: i64 = 730;

/// The tables of rollups, each with how many milliseconds a bucket has.
const ROLLUPS: [(&str, i64); 17] = [
    ("roll_hour", HOUR_MS),
    ("roll_day", DAY_MS),
    ("hist_hour", HOUR_MS),
    ("hist_day", DAY_MS),
    ("user_hour", HOUR_MS),
    ("user_day", DAY_MS),
    ("user_tool_day", DAY_MS),
    ("client_user_day", DAY_MS),
    ("session_hour", HOUR_MS),
    ("session_gap", HOUR_MS),
    ("error_day", DAY_MS),
    ("intent_day", DAY_MS),
    ("login_day", DAY_MS),
    ("unknown_tool_day", DAY_MS),
    ("lost_day", DAY_MS),
    ("instance_day", DAY_MS),
    ("refused_day", DAY_MS),
];

/// Removes what is too old from all projects.
///
/// # Errors
///
/// The database's. What was removed until then stays so.
pub async fn remove_old(store: &Store, now_ms: i64) -> Result<usize, WriteError> {
    let mut removed = store.write(move |tx| forget::prune(tx, now_ms)).await?;
    let projects = store.write(|tx| projects::list(tx)).await?;
    for project in projects {
        let id = project.id;
        let raw = project.kept_from_ms(now_ms);
        let rollup = now_ms - i64::from(project.rollup_days) * DAY_MS;
        removed += repeat(store, move |tx| events(tx, id, raw)).await?;
        removed += repeat(store, move |tx| sessions(tx, id, raw)).await?;
        for (table, bucket_ms) in ROLLUPS {
            // A bucket that is not wholly too old stays.
            let until = rollup.div_euclid(bucket_ms);
            removed += repeat(store, move |tx| buckets(tx, table, id, until)).await?;
        }
        let until = rollup.div_euclid(DAY_MS);
        removed += repeat(store, move |tx| buckets(tx, "redaction_day", id, until)).await?;
        removed += repeat(store, move |tx| tool_users(tx, id, rollup)).await?;
        removed += repeat(store, move |tx| definitions(tx, id, rollup)).await?;
        removed += repeat(store, move |tx| users(tx, id, rollup)).await?;
        removed += repeat(store, move |tx| instances(tx, id, rollup)).await?;
        removed += repeat(store, move |tx| keys(tx, id, rollup)).await?;
        removed += repeat(store, move |tx| audit(tx, id, rollup)).await?;
        removed += names::remove_unused(store, id, rollup).await?;
    }
    // What belongs to no project: as long as a project keeps it that says nothing else.
    let until = now_ms - DEFAULT_ROLLUP_DAYS * DAY_MS;
    removed += repeat(store, move |tx| audit(tx, 0, until)).await?;
    Ok(removed)
}

/// Removes chunk after chunk, and lets the ingest in between.
async fn repeat(
    store: &Store,
    chunk: impl Fn(&Transaction<'_>) -> rusqlite::Result<usize> + Copy + Send + 'static,
) -> Result<usize, WriteError> {
    let mut removed = 0;
    loop {
        let count = store.write(chunk).await?;
        removed += count;
        if count < CHUNK {
            return Ok(removed);
        }
    }
}

fn limit() -> i64 {
    i64::try_from(CHUNK).unwrap_or(i64::MAX)
}

fn events(tx: &Transaction<'_>, project: i64, until_ms: i64) -> rusqlite::Result<usize> {
    // The time up to which there are enough, so that all three statements mean the same rows.
    let sql = "SELECT id, intent, time_ms FROM event WHERE project = ?1 AND time_ms < ?2 ORDER BY time_ms, id LIMIT ?3";
    let found: Vec<(i64, i64, i64)> = tx
        .prepare_cached(sql)?
        .query_map(params![project, until_ms, limit()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut body = tx.prepare_cached("DELETE FROM event_body WHERE id = ?1")?;
    let mut event = tx.prepare_cached("DELETE FROM event WHERE id = ?1")?;
    for (id, ..) in &found {
        body.execute([id])?;
        event.execute([id])?;
    }
    let mut is_used = tx.prepare_cached("SELECT 1 FROM event WHERE intent = ?1 AND intent > 0")?;
    let mut intents: Vec<i64> = found.iter().map(|(_, intent, _)| *intent).collect();
    intents.sort_unstable();
    intents.dedup();
    for intent in intents.into_iter().filter(|intent| *intent > 0) {
        if !is_used.exists([intent])? {
            forget::remove_intent(tx, intent)?;
        }
    }
    forget::remove_empty_clusters(tx)?;
    if let Some(last_ms) = found.last().map(|(_, _, time_ms)| *time_ms) {
        projects::set_removed(tx, project, last_ms + 1)?;
    }
    Ok(found.len())
}

fn sessions(tx: &Transaction<'_>, project: i64, until_ms: i64) -> rusqlite::Result<usize> {
    let delete = "DELETE FROM session WHERE id IN
        (SELECT id FROM session WHERE project = ?1 AND last_ms < ?2 LIMIT ?3)";
    tx.prepare_cached(delete)?
        .execute(params![project, until_ms, limit()])
}

fn buckets(tx: &Transaction<'_>, table: &str, project: i64, until: i64) -> rusqlite::Result<usize> {
    // These tables have no number of a row: the key names it.
    let key: String = tx
        .prepare_cached(
            "SELECT group_concat(name) FROM (SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk)",
        )?
        .query_row([table], |row| row.get(0))?;
    tx.prepare_cached(&format!(
        "DELETE FROM {table} WHERE ({key}) IN
            (SELECT {key} FROM {table} WHERE project = ?1 AND bucket < ?2 LIMIT ?3)"
    ))?
    .execute(params![project, until, limit()])
}

fn tool_users(tx: &Transaction<'_>, project: i64, until_ms: i64) -> rusqlite::Result<usize> {
    let delete = "DELETE FROM tool_user WHERE (project, tool, user) IN (SELECT project, tool, user FROM tool_user
        WHERE project = ?1 AND last_ms < ?2 LIMIT ?3)";
    tx.prepare_cached(delete)?
        .execute(params![project, until_ms, limit()])
}

/// People of whom nothing is left, with the addresses of each.
fn users(tx: &Transaction<'_>, project: i64, until_ms: i64) -> rusqlite::Result<usize> {
    let sql = "SELECT id FROM user WHERE project = ?1 AND last_ms < ?2
        AND NOT EXISTS (SELECT 1 FROM event WHERE event.project = ?1 AND event.user = user.id) LIMIT ?3";
    let old: Vec<i64> = tx
        .prepare_cached(sql)?
        .query_map(params![project, until_ms, limit()], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for user in &old {
        forget::remove_user(tx, *user)?;
    }
    Ok(old.len())
}

fn instances(tx: &Transaction<'_>, project: i64, until_ms: i64) -> rusqlite::Result<usize> {
    // The same ones for both statements.
    let old = "(SELECT id FROM instance WHERE project = ?1 AND last_ms < ?2 ORDER BY id LIMIT ?3)";
    tx.prepare_cached(&format!(
        "DELETE FROM instance_lost WHERE instance IN {old}"
    ))?
    .execute(params![project, until_ms, limit()])?;
    tx.prepare_cached(&format!("DELETE FROM instance WHERE id IN {old}"))?
        .execute(params![project, until_ms, limit()])
}

/// Definitions that no server has listed for as long, and tools.
fn definitions(tx: &Transaction<'_>, project: i64, until_ms: i64) -> rusqlite::Result<usize> {
    let mut removed = 0;
    for (table, key) in [
        ("tool_def", "project, tool, hash"),
        ("tool_listed", "project, tool"),
    ] {
        removed = tx
            .prepare_cached(&format!(
                "DELETE FROM {table} WHERE ({key}) IN
                    (SELECT {key} FROM {table} WHERE project = ?1 AND last_ms < ?2 LIMIT ?3)"
            ))?
            .execute(params![project, until_ms, limit()])?
            .max(removed);
    }
    Ok(removed)
}

/// Keys that were revoked so long ago.
fn keys(tx: &Transaction<'_>, project: i64, until_ms: i64) -> rusqlite::Result<usize> {
    tx.prepare_cached("DELETE FROM write_key WHERE project = ?1 AND revoked_ms < ?2")?
        .execute(params![project, until_ms])
}

fn audit(tx: &Transaction<'_>, project: i64, until_ms: i64) -> rusqlite::Result<usize> {
    let delete = "DELETE FROM audit WHERE id IN
        (SELECT id FROM audit WHERE project = ?1 AND at_ms < ?2 LIMIT ?3)";
    tx.prepare_cached(delete)?
        .execute(params![project, until_ms, limit()])
}
