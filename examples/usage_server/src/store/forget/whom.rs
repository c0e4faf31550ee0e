//! Whom an id or an address names, and which sessions were theirs.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use crate::store::insert::UNSAID;

/// An anonymous id with more sessions is not one person's.
const MOST_SESSIONS_OF_ONE: usize = 1_000;

/// A row of `user`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub id: i64,
    pub text: String,
    pub email: Option<String>,
}

impl Person {
    fn of_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            text: row.get(1)?,
            email: row.get(2)?,
        })
    }
}

/// Whoever has an id or an address, and whoever has an address of theirs: somebody may have several of both. Those who
/// are named themselves come first.
pub fn people(db: &Connection, project: i64, who: &str) -> rusqlite::Result<Vec<Person>> {
    with_addresses(db, project, named(db, project, who.trim())?)
}

/// The same of an id as senders say it, which is another person's where its kind is another one.
pub(super) fn people_of_kind(
    db: &Connection,
    project: i64,
    id: &str,
    kind: &str,
) -> rusqlite::Result<Vec<Person>> {
    if id.contains('@') {
        return people(db, project, id);
    }
    let [empty, unsaid] = UNSAID;
    let sql = "SELECT id, text, email FROM user
        WHERE project = ?1 AND said = ?2 AND (?3 IN (?4, ?5) OR kind IN (?3, ?4, ?5))
        ORDER BY kind = ?3 DESC, last_ms DESC";
    let found = db
        .prepare_cached(sql)?
        .query_map(
            params![project, id.trim(), kind, empty, unsaid],
            Person::of_row,
        )?
        .collect::<rusqlite::Result<_>>()?;
    with_addresses(db, project, found)
}

fn with_addresses(
    db: &Connection,
    project: i64,
    mut found: Vec<Person>,
) -> rusqlite::Result<Vec<Person>> {
    let (mut asked, mut next) = (BTreeSet::new(), 0);
    while let Some(user) = found.get(next).map(|person| person.id) {
        next += 1;
        for address in addresses(db, user)? {
            if !asked.insert(address.clone()) {
                continue;
            }
            for person in named(db, project, &address)? {
                if found.iter().all(|known| known.id != person.id) {
                    found.push(person);
                }
            }
        }
    }
    Ok(found)
}

/// All that somebody has had, in lower case.
pub(super) fn addresses(db: &Connection, user: i64) -> rusqlite::Result<Vec<String>> {
    db.prepare_cached("SELECT address FROM user_address WHERE user = ?1")?
        .query_map([user], |row| row.get(0))?
        .collect()
}

/// Whoever is called so, or has this address. Addresses are the same in either case.
fn named(db: &Connection, project: i64, name: &str) -> rusqlite::Result<Vec<Person>> {
    let sql = "SELECT id, text, email FROM user
        WHERE id IN (SELECT id FROM user WHERE project = ?1 AND text = ?2
            UNION SELECT user FROM user_address WHERE project = ?1 AND address = ?3)
        ORDER BY text = ?2 DESC, last_ms DESC";
    db.prepare_cached(sql)?
        .query_map(params![project, name, name.to_lowercase()], Person::of_row)?
        .collect()
}

/// What late events of somebody would name them by: addresses, and the id with its kind; without it as well, unless
/// that is another person's too.
pub(super) fn names_in_events(
    db: &Connection,
    project: i64,
    user: i64,
    users: &BTreeSet<i64>,
) -> rusqlite::Result<Vec<String>> {
    let mut names = addresses(db, user)?;
    let (said, kind): (String, String) = db
        .prepare_cached("SELECT said, kind FROM user WHERE id = ?1")?
        .query_row([user], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut same = db.prepare_cached("SELECT id FROM user WHERE project = ?1 AND said = ?2")?;
    let mut is_theirs = true;
    for other in same.query_map(params![project, said], |row| row.get(0))? {
        is_theirs &= users.contains(&other?);
    }
    names.extend(id_of_kind(&said, &kind));
    if is_theirs {
        names.push(said);
    }
    Ok(names)
}

/// An id with its kind, as the keyed hashes have it; `None` where its kind does not tell it from others.
pub(in crate::store) fn id_of_kind(id: &str, kind: &str) -> Option<String> {
    let is_told_apart = !id.contains('@') && !UNSAID.contains(&kind);
    is_told_apart.then(|| format!("{}\0{kind}", id.trim()))
}

/// Whether a name is an id with its kind.
pub(super) fn is_of_kind(name: &str) -> bool {
    name.contains('\0')
}

/// A session, as the keyed hashes have it.
pub(in crate::store) fn session_name(session: &str) -> String {
    format!("session\0{session}")
}

/// All sessions of people, and those among them in which somebody else took part who has a name. Adds to `users` who
/// they were before they logged in, somebody anonymous, whose other sessions are theirs too.
pub(super) fn sessions_of_all(
    db: &Connection,
    project: i64,
    users: &mut BTreeSet<i64>,
) -> rusqlite::Result<(BTreeSet<i64>, BTreeSet<i64>)> {
    let mut asked = users.clone();
    loop {
        let sessions = sessions_of(db, project, users)?;
        let of_others = sessions_with_others(db, project, &sessions, users)?;
        let before = users.len();
        for session in sessions.difference(&of_others) {
            for user in users_in(db, project, *session)? {
                if asked.insert(user) && is_one_person(db, project, user, users)? {
                    users.insert(user);
                }
            }
        }
        if users.len() == before {
            return Ok((sessions, of_others));
        }
    }
}

/// Whether an anonymous id is that of these people alone: some senders give one id to everybody who has no name. Reads
/// no further than the sessions that decide it, since such an id has those of all.
fn is_one_person(
    db: &Connection,
    project: i64,
    user: i64,
    users: &BTreeSet<i64>,
) -> rusqlite::Result<bool> {
    let mut sessions = BTreeSet::new();
    add_sessions(db, project, user, MOST_SESSIONS_OF_ONE + 1, &mut sessions)?;
    Ok(sessions.len() <= MOST_SESSIONS_OF_ONE
        && sessions_with_others(db, project, &sessions, users)?.is_empty())
}

fn sessions_of(
    db: &Connection,
    project: i64,
    users: &BTreeSet<i64>,
) -> rusqlite::Result<BTreeSet<i64>> {
    let mut found = BTreeSet::new();
    for user in users {
        add_sessions(db, project, *user, usize::MAX, &mut found)?;
    }
    Ok(found)
}

/// Adds somebody's sessions, until there are so many.
fn add_sessions(
    db: &Connection,
    project: i64,
    user: i64,
    enough: usize,
    found: &mut BTreeSet<i64>,
) -> rusqlite::Result<()> {
    for sql in SESSIONS_OF {
        let mut find = db.prepare_cached(sql)?;
        let mut sessions = find.query([project, user])?;
        while found.len() < enough
            && let Some(row) = sessions.next()?
        {
            found.insert(row.get(0)?);
        }
    }
    Ok(())
}

/// Those in which somebody else took part who has a name.
fn sessions_with_others(
    db: &Connection,
    project: i64,
    sessions: &BTreeSet<i64>,
    users: &BTreeSet<i64>,
) -> rusqlite::Result<BTreeSet<i64>> {
    let mut found = BTreeSet::new();
    let mut named = db.prepare_cached(NAMED_IN)?;
    for session in sessions {
        for user in named.query_map([project, *session], |row| row.get::<_, i64>(0))? {
            if !users.contains(&user?) {
                found.insert(*session);
                break;
            }
        }
    }
    Ok(found)
}

fn users_in(db: &Connection, project: i64, session: i64) -> rusqlite::Result<Vec<i64>> {
    db.prepare_cached(USERS_IN)?
        .query_map([project, session], |row| row.get(0))?
        .collect()
}

/// Each names its index: without it, events of all others are read as well.
const SESSIONS_OF: [&str; 2] = [
    "SELECT id FROM session INDEXED BY session_user WHERE project = ?1 AND user = ?2",
    "SELECT DISTINCT session FROM event INDEXED BY event_user
        WHERE project = ?1 AND user = ?2 AND session > 0",
];
const NAMED_IN: &str = "SELECT event.user FROM event INDEXED BY event_session CROSS JOIN user
    WHERE user.id = event.user AND event.project = ?1 AND event.session = ?2 AND user.kind <> 'ANONYMOUS'";
const USERS_IN: &str = "SELECT DISTINCT user FROM event INDEXED BY event_session
    WHERE project = ?1 AND session = ?2 AND user > 0";
