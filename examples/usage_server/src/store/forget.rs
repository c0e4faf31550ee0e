//! Taking a person out of the database, so that what was counted stays right.
//!
//! Their events stay as rows that are about nobody: without user, session, intent and body. So each total still equals
//! the rows that it counts. What is about people alone (who was there, who used what) goes with them.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use rusqlite::{Connection, Transaction, params};

use super::audit::audit;
use super::insert::{DAY_MS, HOUR_MS, MAX_OUTCOMES};
use super::settings::keyed_hash;
use crate::record::{Kind, Outcome};

/// How long late events of somebody are refused.
pub const REFUSED_DAYS: i64 = 90;

/// What was found of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Ids and addresses that were theirs.
    pub names: Vec<String>,
    /// Rows of `event` that are about nobody now.
    pub rows: HashSet<i64>,
    pub sessions: usize,
}

/// Forgets whoever has this id or e-mail address, and refuses events of theirs that happened before and are still under
/// way. `by`: who asked for it.
pub fn forget(
    tx: &Transaction<'_>,
    project: i64,
    who: &str,
    now_ms: i64,
    by: &str,
) -> rusqlite::Result<Forgotten> {
    let who = who.trim();
    let known = people(tx, project, who)?;
    let mut users: BTreeSet<i64> = known.iter().map(|person| person.id).collect();
    let (sessions, of_others) = sessions_of_all(tx, project, &mut users)?;
    let mut names: BTreeSet<String> = [who.to_owned()].into();
    for user in &users {
        let person = person(tx, *user)?;
        names.extend([Some(person.text), person.email].into_iter().flatten());
    }
    let mut forgotten = Forgotten {
        sessions: sessions.len() - of_others.len(),
        ..Forgotten::default()
    };
    let mut intents = BTreeSet::new();
    for user in &users {
        let rows = take_out_of_events(tx, project, Of::User(*user), &mut intents)?;
        forgotten.rows.extend(rows);
        take_out_of_rollups(tx, project, *user)?;
    }
    for session in &sessions {
        if of_others.contains(session) {
            settle_session(tx, project, *session)?;
        } else {
            // What was said before anybody had an id was theirs too.
            let of = Of::Session(*session);
            let rows = take_out_of_events(tx, project, of, &mut intents)?;
            forgotten.rows.extend(rows);
            remove_session(tx, project, *session)?;
        }
    }
    take_out_intents(tx, &intents)?;
    take_out_names(tx, project, &forgotten.rows)?;
    for user in &users {
        let delete = "DELETE FROM user WHERE id = ?1";
        tx.prepare_cached(delete)?.execute([user])?;
    }
    let stands_for = keyed_hash(tx, who)?;
    for name in &names {
        let hash = keyed_hash(tx, name)?;
        tx.prepare_cached(
            "INSERT INTO forgotten (project, hash, at_ms) VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET at_ms = max(at_ms, excluded.at_ms)",
        )?
        .execute(params![project, hash, now_ms])?;
        let subject = hex(&hash);
        tx.prepare_cached(
            "UPDATE audit SET subject = ?3 WHERE project = ?1
                AND (trim(subject) = ?2 OR (instr(?2, '@') AND lower(trim(subject)) = lower(?2)))",
        )?
        .execute(params![project, name, subject])?;
    }
    audit(tx, now_ms, project, by, "forgot", &hex(&stands_for))?;
    forgotten.names = names.into_iter().collect();
    Ok(forgotten)
}

/// Those among events of people's, or of sessions', that are about nobody any more.
pub fn forgotten_among(db: &Connection, rows: &[i64]) -> rusqlite::Result<HashSet<i64>> {
    let sql = "SELECT 1 FROM event WHERE id = ?1 AND user = 0 AND session = 0";
    let mut is_forgotten = db.prepare_cached(sql)?;
    let mut forgotten = HashSet::new();
    for row in rows {
        if is_forgotten.exists([row])? {
            forgotten.insert(*row);
        }
    }
    Ok(forgotten)
}

/// Forgets whom it was that is no longer waited for: events that come so late are refused by their age.
pub(super) fn prune(tx: &Transaction<'_>, now_ms: i64) -> rusqlite::Result<usize> {
    let until = now_ms - REFUSED_DAYS * DAY_MS;
    tx.execute("DELETE FROM forgotten WHERE at_ms < ?1", [until])
}

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

/// Whoever has an id or an address, and whoever has an id or an address of theirs: somebody may have several of both.
/// Those who are named themselves come first.
pub fn people(db: &Connection, project: i64, who: &str) -> rusqlite::Result<Vec<Person>> {
    let mut found = Vec::<Person>::new();
    let mut asked = BTreeSet::new();
    let mut names = VecDeque::from([who.trim().to_owned()]);
    while let Some(name) = names.pop_front() {
        if !asked.insert(name.clone()) {
            continue;
        }
        for person in named(db, project, &name)? {
            if found.iter().all(|known| known.id != person.id) {
                names.push_back(person.text.clone());
                names.extend(person.email.clone());
                found.push(person);
            }
        }
    }
    Ok(found)
}

/// Whoever has this id or address. Addresses are the same in either case.
fn named(db: &Connection, project: i64, name: &str) -> rusqlite::Result<Vec<Person>> {
    let address = name.to_lowercase();
    let sql = "SELECT id, text, email FROM user
        WHERE project = ?1 AND (text = ?2 OR email = ?3 OR (instr(?3, '@') AND lower(text) = ?3))
        ORDER BY text = ?2 DESC, last_ms DESC";
    db.prepare_cached(sql)?
        .query_map(params![project, name, address], Person::of_row)?
        .collect()
}

fn person(db: &Connection, user: i64) -> rusqlite::Result<Person> {
    db.prepare_cached("SELECT id, text, email FROM user WHERE id = ?1")?
        .query_row([user], Person::of_row)
}

/// All sessions of people, and those among them in which somebody else took part who has a name. Adds to `users` who
/// they were before they logged in, somebody anonymous, whose other sessions are theirs too.
fn sessions_of_all(
    db: &Connection,
    project: i64,
    users: &mut BTreeSet<i64>,
) -> rusqlite::Result<(BTreeSet<i64>, BTreeSet<i64>)> {
    loop {
        let sessions = sessions_of(db, project, users)?;
        let of_others = sessions_with_others(db, &sessions, users)?;
        let before = users.len();
        for session in sessions.difference(&of_others) {
            users.extend(users_in(db, *session)?);
        }
        if users.len() == before {
            return Ok((sessions, of_others));
        }
    }
}

fn sessions_of(
    db: &Connection,
    project: i64,
    users: &BTreeSet<i64>,
) -> rusqlite::Result<BTreeSet<i64>> {
    let mut found = BTreeSet::new();
    let mut find = db.prepare_cached(
        "SELECT id FROM session WHERE project = ?1 AND user = ?2
        UNION SELECT session FROM event WHERE project = ?1 AND user = ?2 AND session > 0",
    )?;
    for user in users {
        for session in find.query_map(params![project, user], |row| row.get(0))? {
            found.insert(session?);
        }
    }
    Ok(found)
}

/// Those in which somebody else took part who has a name.
fn sessions_with_others(
    db: &Connection,
    sessions: &BTreeSet<i64>,
    users: &BTreeSet<i64>,
) -> rusqlite::Result<BTreeSet<i64>> {
    let mut found = BTreeSet::new();
    let mut others = db.prepare_cached(
        "SELECT DISTINCT event.user FROM event JOIN session ON session.id = event.session
        JOIN user ON user.id = event.user
        WHERE event.project = session.project AND event.session = ?1 AND user.kind <> 'ANONYMOUS'",
    )?;
    for session in sessions {
        for user in others.query_map([session], |row| row.get::<_, i64>(0))? {
            if !users.contains(&user?) {
                found.insert(*session);
            }
        }
    }
    Ok(found)
}

fn users_in(db: &Connection, session: i64) -> rusqlite::Result<Vec<i64>> {
    let sql = "SELECT DISTINCT event.user FROM session
        JOIN event ON event.project = session.project AND event.session = session.id
        WHERE session.id = ?1 AND event.user > 0";
    db.prepare_cached(sql)?
        .query_map([session], |row| row.get(0))?
        .collect()
}

/// Whose events.
#[derive(Debug, Clone, Copy)]
enum Of {
    User(i64),
    Session(i64),
}

/// Leaves events as rows about nobody; returns which they were, and adds what they were for.
fn take_out_of_events(
    tx: &Transaction<'_>,
    project: i64,
    of: Of,
    intents: &mut BTreeSet<i64>,
) -> rusqlite::Result<Vec<i64>> {
    let (column, id) = match of {
        Of::User(id) => ("user", id),
        Of::Session(id) => ("session", id),
    };
    let mut asked = BTreeMap::<(i64, i64, i64), (f64, f64)>::new();
    let mut events = tx.prepare_cached(&format!(
        "SELECT time_ms, kind, tool, class, outcome, weight, intent FROM event
        WHERE project = ?1 AND {column} = ?2 AND intent > 0"
    ))?;
    let mut rows = events.query(params![project, id])?;
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
    tx.prepare_cached(&format!(
        "DELETE FROM event_body WHERE id IN (SELECT id FROM event WHERE project = ?1 AND {column} = ?2)"
    ))?
    .execute(params![project, id])?;
    tx.prepare_cached(&format!(
        "UPDATE event SET user = 0, session = 0, intent = 0 WHERE project = ?1 AND {column} = ?2
        RETURNING id"
    ))?
    .query_map(params![project, id], |row| row.get(0))?
    .collect()
}

fn take_out_of_rollups(tx: &Transaction<'_>, project: i64, user: i64) -> rusqlite::Result<()> {
    let days: Vec<i64> = tx
        .prepare_cached("SELECT bucket FROM user_day WHERE project = ?1 AND user = ?2")?
        .query_map(params![project, user], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    // The others are found by their keys, which begin with project and time.
    for day in days {
        for (table, first, last) in [
            ("user_hour", day * 24, day * 24 + 23),
            ("user_tool_day", day, day),
        ] {
            tx.prepare_cached(&format!(
                "DELETE FROM {table} WHERE project = ?1 AND bucket BETWEEN ?2 AND ?3 AND user = ?4"
            ))?
            .execute(params![project, first, last, user])?;
        }
        tx.prepare_cached(
            "DELETE FROM client_user_day WHERE project = ?1 AND bucket = ?2 AND user = ?3",
        )?
        .execute(params![project, day, user])?;
    }
    tx.prepare_cached("DELETE FROM tool_user WHERE project = ?1 AND user = ?2")?
        .execute(params![project, user])?;
    tx.prepare_cached("DELETE FROM user_day WHERE project = ?1 AND user = ?2")?
        .execute(params![project, user])?;
    Ok(())
}

fn remove_session(tx: &Transaction<'_>, project: i64, session: i64) -> rusqlite::Result<()> {
    let times = "SELECT first_ms, last_ms FROM session WHERE id = ?1";
    let (first, last) = tx.prepare_cached(times)?.query_row([session], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    })?;
    let (first, last) = (first.div_euclid(HOUR_MS), last.div_euclid(HOUR_MS));
    tx.prepare_cached(
        "DELETE FROM session_hour WHERE project = ?1 AND bucket BETWEEN ?2 AND ?3 AND session = ?4",
    )?
    .execute(params![project, first, last, session])?;
    tx.prepare_cached("DELETE FROM session WHERE id = ?1")?
        .execute([session])?;
    Ok(())
}

/// Leaves a session to those who remain in it.
fn settle_session(tx: &Transaction<'_>, project: i64, session: i64) -> rusqlite::Result<()> {
    let mut events = tx.prepare_cached(
        "SELECT kind, outcome, intent, user, time_ms FROM event WHERE project = ?1 AND session = ?2
        ORDER BY time_ms, sequence, id",
    )?;
    let mut rows = events.query(params![project, session])?;
    let (mut calls, mut failed, mut user) = (0, 0, 0);
    let (mut outcomes, mut last_outcome) = (Vec::<u8>::new(), Outcome::Unknown);
    let (mut first_intent, mut first_intent_ms) = (0, 0);
    while let Some(row) = rows.next()? {
        user = match row.get(3)? {
            0 => user,
            user => user,
        };
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
            (first_intent, first_intent_ms) = (intent, row.get::<_, i64>(4)?);
        }
    }
    tx.prepare_cached(
        "UPDATE session SET user = ?2, calls = ?3, failed = ?4, outcomes = ?5, last_outcome = ?6,
            first_intent = ?7, first_intent_ms = ?8 WHERE id = ?1",
    )?
    .execute(params![
        session,
        user,
        calls,
        failed,
        outcomes,
        last_outcome as u8,
        first_intent,
        first_intent_ms
    ])?;
    Ok(())
}

/// Removes what nobody else asked for, and lets no group be called by it.
fn take_out_intents(tx: &Transaction<'_>, intents: &BTreeSet<i64>) -> rusqlite::Result<()> {
    for intent in intents {
        let is_used = tx
            .prepare_cached("SELECT 1 FROM event WHERE intent = ?1 AND intent > 0")?
            .exists([intent])?;
        if is_used {
            continue;
        }
        remove_intent(tx, *intent)?;
    }
    remove_empty_clusters(tx)
}

/// Removes what nobody else read, got or reported: addresses of resources are a client's words, and may name a person.
/// Names that a total needs stay.
fn take_out_names(tx: &Transaction<'_>, project: i64, rows: &HashSet<i64>) -> rusqlite::Result<()> {
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
    for name in names {
        if is_name_of_others(tx, project, name, rows)? {
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
    rows: &HashSet<i64>,
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
pub(super) fn remove_intent(tx: &Transaction<'_>, intent: i64) -> rusqlite::Result<()> {
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
pub(super) fn remove_empty_clusters(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM intent_cluster WHERE label = ''")?
        .execute([])?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
