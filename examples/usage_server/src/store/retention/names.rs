//! Names that nothing refers to any more: a client can make up any number of them.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use crate::store::{ReadError, Store, WriteError};

/// Each lists numbers of names that are in use. Calls are counted by their names in the rollups, which are kept longer than
/// events are; what is rare among events has indexes of its own.
const IN_USE: [&str; 7] = [
    "SELECT tool, client, release, protocol FROM roll_day WHERE project = ?1",
    "SELECT tool, error FROM error_day WHERE project = ?1",
    "SELECT tool FROM intent_day WHERE project = ?1",
    "SELECT reason, client FROM login_day WHERE project = ?1",
    "SELECT tool FROM redaction_day WHERE project = ?1",
    "SELECT tool, client, error, release, protocol FROM event INDEXED BY event_other
        WHERE project = ?1 AND kind <> 1",
    "SELECT tool, client, error, release, protocol FROM event INDEXED BY event_left_out
        WHERE project = ?1 AND class >= 2",
];

/// As above. A listing may name a tool without an event of it, so these are read once more before names are removed.
const LISTED: [&str; 2] = [
    "SELECT tool FROM tool_def WHERE project = ?1",
    "SELECT tool FROM tool_listed WHERE project = ?1",
];

/// As above, of the events that have come since one.
const SINCE: &str =
    "SELECT tool, client, error, release, protocol FROM event WHERE project = ?1 AND id > ?2";

/// Removes those that were first seen before a time. They are looked for aside from the writer, which looks only at what
/// has come since.
pub(super) async fn remove_unused(
    store: &Store,
    project: i64,
    until_ms: i64,
) -> Result<usize, WriteError> {
    let found = store.read(move |db| unused(db, project, until_ms)).await;
    let (last_event, mut unused) = match found {
        Ok(found) => found,
        // There is a next time.
        Err(ReadError::TooLong) => return Ok(0),
        Err(ReadError::Sqlite(error)) => return Err(WriteError::Sqlite(error)),
        Err(ReadError::BrokeOff) => return Err(WriteError::BrokeOff),
    };
    if unused.is_empty() {
        return Ok(0);
    }
    let removed = store.write(move |tx| {
        take_used(tx, SINCE, &[project, last_event], &mut unused)?;
        for sql in LISTED {
            take_used(tx, sql, &[project], &mut unused)?;
        }
        let mut delete = tx.prepare_cached("DELETE FROM name WHERE id = ?1")?;
        for name in &unused {
            delete.execute([name])?;
        }
        Ok(unused.len())
    });
    removed.await
}

/// The newest event, and the names that are of nothing.
fn unused(db: &Connection, project: i64, until_ms: i64) -> rusqlite::Result<(i64, HashSet<i64>)> {
    let last = "SELECT coalesce(max(id), 0) FROM event";
    let last = db.prepare_cached(last)?.query_row([], |row| row.get(0))?;
    // The vendor of an agent is no number of an event's.
    let mut unused: HashSet<i64> = db
        .prepare_cached("SELECT id FROM name WHERE project = ?1 AND first_ms < ?2 AND kind <> 7")?
        .query_map(params![project, until_ms], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for sql in IN_USE.into_iter().chain(LISTED) {
        take_used(db, sql, &[project], &mut unused)?;
    }
    Ok((last, unused))
}

fn take_used(
    db: &Connection,
    sql: &str,
    values: &[i64],
    unused: &mut HashSet<i64>,
) -> rusqlite::Result<()> {
    if unused.is_empty() {
        return Ok(());
    }
    let mut statement = db.prepare_cached(sql)?;
    let columns = statement.column_count();
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            unused.remove(&row.get(column)?);
        }
    }
    Ok(())
}
