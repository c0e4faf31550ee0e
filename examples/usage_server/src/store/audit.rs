//! Who looked at, exported or removed what.

use rusqlite::{Transaction, params};

/// Whoever has the program and the database's file.
pub const COMMAND_LINE: &str = "the command line";

/// Writes a line. `subject`: whom or what it was about.
pub fn audit(
    tx: &Transaction<'_>,
    at_ms: i64,
    project: i64,
    who: &str,
    action: &str,
    subject: &str,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO audit (at_ms, project, who, action, subject) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![at_ms, project, who, action, subject])?;
    Ok(())
}
