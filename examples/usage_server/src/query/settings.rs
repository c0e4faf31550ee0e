//! What the page of settings shows.

use rusqlite::{Connection, params};

use crate::store::forget::people;
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
    /// Ids that are theirs too.
    pub other_ids: Vec<String>,
    /// Of all ids.
    pub events: i64,
}

/// Whom an id or an e-mail address names; `None` for somebody who is not here.
pub fn person(db: &Connection, project: i64, named: &str) -> rusqlite::Result<Option<Person>> {
    let mut statement =
        db.prepare_cached("SELECT count(*) FROM event WHERE project = ?1 AND user = ?2")?;
    let (mut ids, mut events) = (Vec::new(), 0);
    for person in people(db, project, named)? {
        events += statement.query_row(params![project, person.id], |row| row.get::<_, i64>(0))?;
        ids.push(person.text);
    }
    let mut ids = ids.into_iter();
    Ok(ids.next().map(|id| Person {
        id,
        other_ids: ids.collect(),
        events,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::fixture::{Fixture, NOW, PROJECT};
    use crate::record::{Kind, Record, SourceId, User};

    #[test]
    fn an_address_names_all_who_have_it_with_the_events_of_each() {
        let of = |id: &str, email: Option<&str>| Record {
            user: Some(User {
                id: id.to_owned(),
                kind: "INTERNAL".to_owned(),
                email: email.map(str::to_owned),
            }),
            ..Record::new(SourceId([0; 16]), NOW, Kind::Call)
        };
        let address = Some("Rachel@example.com");
        let fixture = Fixture::with([
            of("r-1", address),
            of("r-2", address),
            of("r-2", address),
            of("RACHEL@example.com", None),
            of("sam", Some("sam@example.com")),
        ]);
        for named in ["rachel@EXAMPLE.com", "r-1"] {
            let found = person(&fixture.db, PROJECT, named).unwrap().unwrap();
            assert_eq!((found.events, found.other_ids.len()), (4, 2), "{named}");
        }
        assert_eq!(person(&fixture.db, PROJECT, "R-1").unwrap(), None);
    }
}
