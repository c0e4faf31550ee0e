//! Out of the tables, so that what was counted stays right.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Transaction, params};

use crate::record::{Kind, Outcome};
use crate::store::insert::{DAY_MS, HOUR_MS, MAX_OUTCOMES};
use crate::store::schema::COUNTED;
use crate::store::settings::hash_key;

use super::keyed_source;

/// Whose events.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    User(i64),
    Session(i64),
}

/// Leaves events up to a time as rows about nobody; returns which they were, and adds what they were for.
pub(super) fn events(
    tx: &Transaction<'_>,
    project: i64,
    of: Of,
    until_ms: i64,
    intents: &mut BTreeSet<i64>,
) -> rusqlite::Result<Vec<i64>> {
    let (column, id) = match of {
        Of::User(id) => ("user", id),
        Of::Session(id) => ("session", id),
    };
    let theirs = format!(
        "FROM event INDEXED BY event_{column} WHERE project = ?1 AND {column} = ?2 AND time_ms <= ?3"
    );
    let mut asked = BTreeMap::<(i64, i64, i64), (f64, f64)>::new();
    let mut events = tx.prepare_cached(&format!(
        "SELECT time_ms, kind, tool, class, outcome, weight, intent {theirs} AND intent > 0"
    ))?;
    let mut rows = events.query(params![project, id, until_ms])?;
    while let Some(row) = rows.next()? {
        let intent = row.get(6)?;
        intents.insert(intent);
        let (kind, class): (u8, u8) = (row.get(1)?, row.get(3)?);
        if kind == Kind::Call as u8 && class <= 1 {
            let day = row.get::<_, i64>(0)?.div_euclid(DAY_MS);
            let weight: f64 = row.get(5)?;
            let is_bad = Outcome::of_number(row.get(4)?).is_bad();
            let (sum, failed) = asked.entry((day, intent, row.get(2)?)).or_default();
            *sum += weight;
            *failed += if is_bad { weight } else { 0.0 };
        }
    }
    take_out_of_intent_days(tx, project, asked)?;
    let unnumbered = tx
        .prepare_cached(&format!("SELECT id, source_id {theirs} AND sequence = 0"))?
        .query_map(params![project, id, until_ms], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<rusqlite::Result<Vec<(i64, [u8; 16])>>>()?;
    let key = hash_key(tx)?;
    for (row, source_id) in unnumbered {
        tx.prepare_cached("UPDATE event SET source_id = ?2 WHERE id = ?1")?
            .execute(params![row, keyed_source(&key, source_id)])?;
    }
    tx.prepare_cached(&format!(
        "DELETE FROM event_body WHERE id IN (SELECT id {theirs})"
    ))?
    .execute(params![project, id, until_ms])?;
    tx.prepare_cached(&format!(
        "UPDATE event SET user = 0, session = 0, intent = 0 WHERE id IN (SELECT id {theirs})
        RETURNING id"
    ))?
    .query_map(params![project, id, until_ms], |row| row.get(0))?
    .collect()
}

fn take_out_of_intent_days(
    tx: &Transaction<'_>,
    project: i64,
    asked: BTreeMap<(i64, i64, i64), (f64, f64)>,
) -> rusqlite::Result<()> {
    for ((day, intent, tool), (weight, failed)) in asked {
        tx.prepare_cached(
            "UPDATE intent_day SET weight = weight - ?5, failed = failed - ?6
            WHERE project = ?1 AND bucket = ?2 AND intent = ?3 AND tool = ?4",
        )?
        .execute(params![project, day, intent, tool, weight, failed])?;
        tx.prepare_cached(
            "DELETE FROM intent_day
            WHERE project = ?1 AND bucket = ?2 AND intent = ?3 AND tool = ?4 AND weight < 0.001",
        )?
        .execute(params![project, day, intent, tool])?;
    }
    Ok(())
}

/// What is about people alone, up to a time. Each row is found by its whole key, or by an index of users: the keys
/// begin with the time, which has rows of everybody.
pub(super) fn rollups(
    tx: &Transaction<'_>,
    project: i64,
    user: i64,
    until_ms: i64,
) -> rusqlite::Result<()> {
    let last_day = until_ms.div_euclid(DAY_MS);
    let days: Vec<i64> = tx
        .prepare_cached(
            "DELETE FROM user_day INDEXED BY user_day_user
            WHERE project = ?1 AND user = ?2 AND bucket <= ?3 RETURNING bucket",
        )?
        .query_map(params![project, user, last_day], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut hour_of = tx
        .prepare_cached("DELETE FROM user_hour WHERE project = ?1 AND bucket = ?2 AND user = ?3")?;
    let mut tools_of = tx.prepare_cached(
        "DELETE FROM user_tool_day WHERE project = ?1 AND bucket = ?2 AND user = ?3",
    )?;
    let last_hour = until_ms.div_euclid(HOUR_MS);
    for day in days {
        for hour in (day * 24..day * 24 + 24).take_while(|hour| *hour <= last_hour) {
            hour_of.execute(params![project, hour, user])?;
        }
        tools_of.execute(params![project, day, user])?;
    }
    tx.prepare_cached(
        "DELETE FROM client_user_day INDEXED BY client_user_day_user
        WHERE project = ?1 AND user = ?2 AND bucket <= ?3",
    )?
    .execute(params![project, user, last_day])?;
    let tools = "tool IN (SELECT id FROM name WHERE project = ?1 AND kind = 1)";
    tx.prepare_cached(&format!(
        "DELETE FROM tool_user WHERE project = ?1 AND {tools} AND user = ?2 AND last_ms <= ?3"
    ))?
    .execute(params![project, user, until_ms])?;
    tx.prepare_cached(&format!(
        "UPDATE tool_user SET last_failed_ms = 0
        WHERE project = ?1 AND {tools} AND user = ?2 AND last_failed_ms <= ?3"
    ))?
    .execute(params![project, user, until_ms])?;
    Ok(())
}

pub(super) fn session(tx: &Transaction<'_>, project: i64, session: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "DELETE FROM session_hour INDEXED BY session_hour_session WHERE project = ?1 AND session = ?2",
    )?
    .execute([project, session])?;
    tx.prepare_cached("DELETE FROM session WHERE id = ?1")?
        .execute([session])?;
    Ok(())
}

/// Leaves a session to those who remain in it: to the last of them who has a name.
pub(super) fn settle_session(
    tx: &Transaction<'_>,
    project: i64,
    session: i64,
) -> rusqlite::Result<()> {
    let mut events = tx.prepare_cached(
        "SELECT e.kind, e.outcome, e.intent, e.user, e.time_ms, e.client, u.kind = 'ANONYMOUS'
        FROM event e INDEXED BY event_session LEFT JOIN user u ON u.id = e.user
        WHERE e.project = ?1 AND e.session = ?2 ORDER BY e.time_ms, e.instance, e.sequence, e.id",
    )?;
    let mut rows = events.query([project, session])?;
    let (mut calls, mut failed, mut client) = (0, 0, 0);
    let (mut named, mut anonymous) = (0, 0);
    let (mut first_ms, mut last_ms) = (None, 0);
    let (mut outcomes, mut last_outcome) = (Vec::<u8>::new(), Outcome::Unknown);
    let (mut first_intent, mut first_intent_ms) = (0, 0);
    while let Some(row) = rows.next()? {
        let (user, time_ms): (i64, i64) = (row.get(3)?, row.get(4)?);
        match row.get(6)? {
            Some(false) => named = user,
            Some(true) => anonymous = user,
            None => {}
        }
        first_ms.get_or_insert(time_ms);
        last_ms = time_ms;
        if client == 0 {
            client = row.get(5)?;
        }
        if row.get::<_, u8>(0)? != Kind::Call as u8 {
            continue;
        }
        calls += 1;
        last_outcome = Outcome::of_number(row.get(1)?);
        failed += i64::from(last_outcome.is_bad());
        if outcomes.len() < MAX_OUTCOMES {
            outcomes.push(last_outcome as u8);
        }
        let intent: i64 = row.get(2)?;
        if first_intent == 0 && intent != 0 {
            (first_intent, first_intent_ms) = (intent, time_ms);
        }
    }
    let user = if named == 0 { anonymous } else { named };
    tx.prepare_cached(
        "UPDATE session SET user = ?2, calls = ?3, failed = ?4, outcomes = ?5, last_outcome = ?6,
            first_intent = ?7, first_intent_ms = ?8, first_ms = ?9, last_ms = ?10, client = ?11 WHERE id = ?1",
    )?
    .execute(params![
        session,
        user,
        calls,
        failed,
        outcomes,
        last_outcome as u8,
        first_intent,
        first_intent_ms,
        first_ms.unwrap_or(last_ms),
        last_ms,
        client
    ])?;
    empty_hours(tx, project, session)
}

/// Removes the hours of a session that nothing is left of. Those before the oldest event stay as they are.
fn empty_hours(tx: &Transaction<'_>, project: i64, session: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(&format!(
        "DELETE FROM session_hour INDEXED BY session_hour_session
        WHERE project = ?1 AND session = ?2
            AND bucket >= (SELECT min(time_ms) FROM event WHERE project = ?1) / {HOUR_MS}
            AND NOT EXISTS (SELECT 1 FROM event INDEXED BY event_session
                WHERE project = ?1 AND session = ?2 AND class IN {COUNTED}
                    AND time_ms >= bucket * {HOUR_MS} AND time_ms < (bucket + 1) * {HOUR_MS})"
    ))?
    .execute([project, session])?;
    Ok(())
}

/// Removes what nobody else asked for, and lets no group be called by it.
pub(super) fn intents(tx: &Transaction<'_>, intents: &BTreeSet<i64>) -> rusqlite::Result<()> {
    if intents.is_empty() {
        return Ok(());
    }
    let mut is_used = tx.prepare_cached("SELECT 1 FROM event WHERE intent = ?1 AND intent > 0")?;
    for intent in intents {
        if !is_used.exists([intent])? {
            remove_intent(tx, *intent)?;
        }
    }
    remove_empty_clusters(tx)
}

/// Removes what nobody else read, got or reported: addresses of resources are a client's words, and may name a person.
/// Names that a total needs stay.
pub(super) fn names(tx: &Transaction<'_>, project: i64, rows: &[i64]) -> rusqlite::Result<()> {
    let mut names = BTreeSet::<i64>::new();
    let mut find = tx.prepare_cached(
        "SELECT tool FROM event WHERE id = ?1 AND kind IN (?2, ?3, ?4) AND tool > 0",
    )?;
    let [prompt, resource, custom] =
        [Kind::PromptGet, Kind::ResourceRead, Kind::Custom].map(|kind| kind as u8);
    for row in rows {
        let found = find.query_map(params![row, prompt, resource, custom], |row| row.get(0))?;
        for name in found {
            names.insert(name?);
        }
    }
    let rows: BTreeSet<i64> = rows.iter().copied().collect();
    for name in names {
        if is_name_of_others(tx, project, name, &rows)? {
            continue;
        }
        tx.prepare_cached("UPDATE event SET tool = 0 WHERE project = ?1 AND tool = ?2")?
            .execute([project, name])?;
        tx.prepare_cached("DELETE FROM name WHERE id = ?1")?
            .execute([name])?;
    }
    Ok(())
}

/// Whether an event that is not one of these, or a total, has a name of a tool, prompt, resource or activity.
fn is_name_of_others(
    db: &Connection,
    project: i64,
    name: i64,
    rows: &BTreeSet<i64>,
) -> rusqlite::Result<bool> {
    let mut events = db.prepare_cached("SELECT id FROM event WHERE project = ?1 AND tool = ?2")?;
    for event in events.query_map([project, name], |row| row.get::<_, i64>(0))? {
        if !rows.contains(&event?) {
            return Ok(true);
        }
    }
    for table in ["tool_listed", "tool_def", "roll_day", "redaction_day"] {
        let sql = format!("SELECT 1 FROM {table} WHERE project = ?1 AND tool = ?2");
        if db.prepare_cached(&sql)?.exists([project, name])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes an intent that no event has; a group of it alone is left without a label.
pub(in crate::store) fn remove_intent(tx: &Transaction<'_>, intent: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE intent_cluster SET label = coalesce((SELECT min(other.text) FROM intent other
                WHERE other.cluster = intent_cluster.id AND other.id <> ?1), '')
            WHERE id = (SELECT cluster FROM intent WHERE id = ?1)
                AND label = (SELECT text FROM intent WHERE id = ?1)",
    )?
    .execute([intent])?;
    tx.prepare_cached("DELETE FROM intent WHERE id = ?1")?
        .execute([intent])?;
    Ok(())
}

/// Removes the groups of which [`remove_intent`] has left nothing: once for all of them, since it reads each group.
pub(in crate::store) fn remove_empty_clusters(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM intent_cluster WHERE label = ''")?
        .execute([])?;
    Ok(())
}
