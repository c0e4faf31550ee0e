//! What the page of settings shows.

use rusqlite::{Connection, OptionalExtension, params};

use crate::store::projects::{self, Project, WriteKey};

/// Lines of the audit that are shown.
const MAX_LINES: i64 = 100;

#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub project: Project,
    pub keys: Vec<WriteKey>,
    /// Newest first: of the project, and what belongs to none.
    pub audit: Vec<AuditLine>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    pub at_ms: i64,
    pub who: String,
    pub action: String,
    pub subject: String,
}

pub fn settings(db: &Connection, project: &Project) -> rusqlite::Result<Settings> {
    let mut statement = db.prepare_cached(
        "SELECT at_ms, who, action, subject FROM audit WHERE project IN (0, ?1) ORDER BY id DESC LIMIT ?2",
    )?;
    let lines = statement.query_map(params![project.id, MAX_LINES], |row| {
        Ok(AuditLine {
            at_ms: row.get(0)?,
            who: row.get(1)?,
            action: row.get(2)?,
            subject: row.get(3)?,
        })
    })?;
    Ok(Settings {
        project: project.clone(),
        keys: projects::keys(db, project.id)?,
        audit: lines.collect::<rusqlite::Result<_>>()?,
    })
}

/// Somebody who may be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub id: String,
    pub events: i64,
}

/// Whom an id or an e-mail address names; `None` for somebody who is not here.
pub fn person(db: &Connection, project: i64, named: &str) -> rusqlite::Result<Option<Person>> {
    let mut statement = db.prepare_cached(
        "SELECT id, text FROM user WHERE project = ?1 AND (text = ?2 OR email = ?3)
         ORDER BY text = ?2 DESC, last_ms DESC LIMIT 1",
    )?;
    let email = named.to_lowercase();
    let found = statement
        .query_row(params![project, named, email], |row| {
            Ok((row.get::<_, i64>(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((user, id)) = found else {
        return Ok(None);
    };
    let mut statement =
        db.prepare_cached("SELECT count(*) FROM event WHERE project = ?1 AND user = ?2")?;
    let events = statement.query_row(params![project, user], |row| row.get(0))?;
    Ok(Some(Person { id, events }))
}
