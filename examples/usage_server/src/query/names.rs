//! The texts behind numbers.

use rusqlite::{Connection, OptionalExtension};

/// The text of a name, empty for what is not known.
pub fn text(db: &Connection, id: i64) -> rusqlite::Result<String> {
    let mut statement = db.prepare_cached("SELECT text FROM name WHERE id = ?1")?;
    let text = statement.query_row([id], |row| row.get(0)).optional()?;
    Ok(text.unwrap_or_default())
}

/// A client's name and version.
pub fn client(db: &Connection, id: i64) -> rusqlite::Result<(String, String)> {
    let mut statement = db.prepare_cached("SELECT text, detail FROM name WHERE id = ?1")?;
    let client = statement
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(client.unwrap_or_default())
}

/// The id of a name of this kind.
pub fn id(db: &Connection, project: i64, kind: i64, text: &str) -> rusqlite::Result<Option<i64>> {
    let mut statement = db.prepare_cached(
        "SELECT id FROM name WHERE project = ?1 AND kind = ?2 AND text = ?3 AND detail = ''",
    )?;
    statement
        .query_row((project, kind, text), |row| row.get(0))
        .optional()
}

/// The id of a user, as senders write it.
pub fn user(db: &Connection, id: i64) -> rusqlite::Result<Option<String>> {
    let mut statement = db.prepare_cached("SELECT text FROM user WHERE id = ?1")?;
    statement.query_row([id], |row| row.get(0)).optional()
}
