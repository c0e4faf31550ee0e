//! Whether anything of a project has arrived: the four lights of its first page.

use rusqlite::{Connection, OptionalExtension, params};

use super::names;
use crate::record::{Kind, Outcome};

/// What came first of each kind; `None` while nothing has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lights {
    pub server: Option<Server>,
    pub listing: Option<Listing>,
    pub login: Option<Login>,
    pub call: Option<Call>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub instance: String,
    pub sdk: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    pub client: String,
    pub version: String,
    pub tools: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub tool: String,
    pub outcome: Outcome,
    pub duration_us: Option<i64>,
}

impl Lights {
    pub const fn are_all_on(&self) -> bool {
        self.server.is_some()
            && self.listing.is_some()
            && self.login.is_some()
            && self.call.is_some()
    }
}

/// Whether the project has an event at all: without one, each page leads to the first one.
pub fn has_events(db: &Connection, project: i64) -> rusqlite::Result<bool> {
    let mut statement =
        db.prepare_cached("SELECT EXISTS (SELECT 1 FROM event WHERE project = ?1)")?;
    let has_raw: bool = statement.query_row([project], |row| row.get(0))?;
    if has_raw {
        return Ok(true);
    }
    let mut statement =
        db.prepare_cached("SELECT EXISTS (SELECT 1 FROM roll_day WHERE project = ?1)")?;
    statement.query_row([project], |row| row.get(0))
}

pub fn lights(db: &Connection, project: i64) -> rusqlite::Result<Lights> {
    Ok(Lights {
        server: server(db, project)?,
        listing: listing(db, project)?,
        login: login(db, project)?,
        call: call(db, project)?,
    })
}

fn server(db: &Connection, project: i64) -> rusqlite::Result<Option<Server>> {
    let mut statement = db.prepare_cached(
        "SELECT text, sdk FROM instance WHERE project = ?1 ORDER BY first_ms, id LIMIT 1",
    )?;
    let server = |row: &rusqlite::Row<'_>| {
        Ok(Server {
            instance: row.get(0)?,
            sdk: row.get(1)?,
        })
    };
    statement.query_row([project], server).optional()
}

fn listing(db: &Connection, project: i64) -> rusqlite::Result<Option<Listing>> {
    let Some(client) = first_of(db, project, &[Kind::Listing], "client")? else {
        return Ok(None);
    };
    let (client, version) = names::client(db, client)?;
    let mut statement = db.prepare_cached("SELECT count(*) FROM tool_listed WHERE project = ?1")?;
    Ok(Some(Listing {
        client,
        version,
        tools: statement.query_row([project], |row| row.get(0))?,
    }))
}

fn login(db: &Connection, project: i64) -> rusqlite::Result<Option<Login>> {
    let Some(user) = first_of(db, project, &Kind::LOGINS, "user")? else {
        return Ok(None);
    };
    let mut statement = db.prepare_cached("SELECT text, kind FROM user WHERE id = ?1")?;
    let login = |row: &rusqlite::Row<'_>| {
        Ok(Login {
            user: row.get(0)?,
            kind: row.get(1)?,
        })
    };
    let known = statement.query_row([user], login).optional()?;
    Ok(Some(known.unwrap_or(Login {
        user: String::new(),
        kind: String::new(),
    })))
}

fn first_of(
    db: &Connection,
    project: i64,
    kinds: &[Kind],
    column: &str,
) -> rusqlite::Result<Option<i64>> {
    let mut first: Option<(i64, i64)> = None;
    for kind in kinds {
        let mut statement = db.prepare_cached(&format!(
            "SELECT time_ms, {column} FROM event WHERE project = ?1 AND kind <> 1 AND kind = ?2 ORDER BY time_ms LIMIT 1"
        ))?;
        let of_kind = statement
            .query_row(params![project, *kind as u8], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        first = first
            .into_iter()
            .chain(of_kind)
            .min_by_key(|(time_ms, _)| *time_ms);
    }
    Ok(first.map(|(_, value)| value))
}

fn call(db: &Connection, project: i64) -> rusqlite::Result<Option<Call>> {
    // The rollup says which tool: events of other kinds may be many.
    let mut statement = db.prepare_cached(
        "SELECT tool, outcome FROM roll_day WHERE project = ?1 ORDER BY bucket, tool LIMIT 1",
    )?;
    let first = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let Some((tool, outcome)) = statement.query_row([project], first).optional()? else {
        return Ok(None);
    };
    let mut statement = db.prepare_cached(
        "SELECT duration_us, outcome FROM event WHERE project = ?1 AND tool = ?2 AND kind = 1
         ORDER BY time_ms LIMIT 1",
    )?;
    let first = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let raw = statement
        .query_row(params![project, tool], first)
        .optional()?;
    let (duration_us, outcome) = raw.unwrap_or((None, outcome));
    Ok(Some(Call {
        tool: names::text(db, tool)?,
        outcome: Outcome::of_number(outcome),
        duration_us,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::fixture::{Fixture, MINUTE, PROJECT, call, event, user};
    use crate::record::{Listed, Record};

    #[test]
    fn each_light_comes_on_with_its_first_event() {
        let mut fixture = Fixture::new();
        let of = |fixture: &Fixture| lights(&fixture.db, PROJECT).unwrap();
        assert_eq!(of(&fixture), Lights::default());
        assert!(!has_events(&fixture.db, PROJECT).unwrap());
        let listed = Listed {
            tool: "search".to_owned(),
            definition: None,
        };
        fixture.take([Record {
            instance: Some("web-1".to_owned()),
            sequence: Some(1),
            client: Some("cursor".to_owned()),
            client_version: Some("1.4".to_owned()),
            listed: vec![listed],
            ..event(Kind::Listing, MINUTE)
        }]);
        assert!(has_events(&fixture.db, PROJECT).unwrap());
        let now = of(&fixture);
        assert_eq!(
            now.server.as_ref().map(|server| server.instance.as_str()),
            Some("web-1")
        );
        assert_eq!(
            now.listing,
            Some(Listing {
                client: "cursor".to_owned(),
                version: "1.4".to_owned(),
                tools: 1
            })
        );
        assert_eq!((&now.login, &now.call), (&None, &None));
        fixture.take([
            Record {
                user: user("maya@example.com"),
                ..event(Kind::Login, 0)
            },
            call(0),
        ]);
        let now = of(&fixture);
        assert!(now.are_all_on());
        assert_eq!(
            now.login.map(|login| login.user),
            Some("maya@example.com".to_owned())
        );
        assert_eq!(
            now.call,
            Some(Call {
                tool: "search".to_owned(),
                outcome: Outcome::Ok,
                duration_us: Some(40_000)
            })
        );
    }
    #[test]
    fn the_first_login_is_the_first_of_either_kind() {
        let by = |kind, id, ago| Record {
            user: user(id),
            ..event(kind, ago)
        };
        let fixture = Fixture::with([
            by(Kind::Login, "noor@example.com", 0),
            by(Kind::Identity, "maya@example.com", MINUTE),
        ]);
        let first = lights(&fixture.db, PROJECT)
            .unwrap()
            .login
            .map(|login| login.user);
        assert_eq!(first.as_deref(), Some("maya@example.com"));
    }
}
