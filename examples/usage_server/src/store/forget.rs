//! Taking a person out of the database, so that what was counted stays right.
//!
//! Their events stay as rows that are about nobody: without user, session, intent and body. So each total still equals
//! the rows that it counts. What is about people alone (who was there, who used what) goes with them.

mod rebuild;
mod take_out;
mod whom;

use std::collections::{BTreeSet, HashSet};

use rusqlite::{Connection, Transaction, params};

use super::audit::audit;
use super::insert::DAY_MS;
use super::settings::{hash_key, hash_with, keyed_hash};
use crate::record::{AHEAD_MS, Record, SourceId};
use take_out::Of;
pub(super) use take_out::{remove_empty_clusters, remove_intent};
pub use whom::{Person, people};
pub(super) use whom::{id_of_kind, session_name};

/// How long late events of somebody are refused, at least.
pub const REFUSED_DAYS: i64 = 90;

/// Whom to forget, and what of them.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// An id, or an address.
    pub who: &'a str,
    /// As senders say it of an id: that of another kind is another person's. `None`: whom the pages call so.
    pub kind: Option<&'a str>,
    /// What happened up to then goes, and is refused when it comes late.
    pub until_ms: i64,
    /// Whether what they have done since then goes as well.
    pub is_all: bool,
}

/// What was found of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Rows of `event` that are about nobody now.
    pub rows: HashSet<i64>,
    pub sessions: usize,
}

impl Forgotten {
    /// Adds what was found of another one.
    pub fn and(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.sessions += other.sessions;
    }
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
    let asked = Asked {
        who,
        kind: None,
        // An event that happened before is dated later by a clock that is ahead.
        until_ms: now_ms + AHEAD_MS,
        is_all: true,
    };
    forget_as_asked(tx, project, asked, now_ms, by)
}

/// Forgets somebody as a sender asks for it: what they have done since stays, and they with it.
pub fn forget_as_asked(
    tx: &Transaction<'_>,
    project: i64,
    asked: Asked<'_>,
    now_ms: i64,
    by: &str,
) -> rusqlite::Result<Forgotten> {
    let who = asked.who.trim();
    let found = match asked.kind {
        None => people(tx, project, who)?,
        Some(kind) => whom::people_of_kind(tx, project, who, kind)?,
    };
    let mut users: BTreeSet<i64> = found.iter().map(|person| person.id).collect();
    let (sessions, of_others) = whom::sessions_of_all(tx, project, &mut users)?;
    let until_ms = if asked.is_all {
        i64::MAX
    } else {
        asked.until_ms
    };

    let Names {
        mut refused,
        audited,
    } = names_of(tx, project, asked, &users)?;
    let mut forgotten = Forgotten::default();
    let mut intents = BTreeSet::new();
    for user in &users {
        let rows = take_out::events(tx, project, Of::User(*user), until_ms, &mut intents)?;
        forgotten.rows.extend(rows);
        take_out::rollups(tx, project, *user, until_ms)?;
    }
    for session in sessions {
        if !of_others.contains(&session) {
            // What was said before anybody had an id was theirs too.
            let of = Of::Session(session);
            let rows = take_out::events(tx, project, of, until_ms, &mut intents)?;
            forgotten.rows.extend(rows);
        }
        if has_events(tx, project, Of::Session(session))? {
            take_out::settle_session(tx, project, session)?;
            continue;
        }
        forgotten.sessions += 1;
        refused.insert(session_name(&text_of_session(tx, session)?));
        take_out::session(tx, project, session)?;
    }
    take_out::intents(tx, &intents)?;
    let rows: Vec<i64> = forgotten.rows.iter().copied().collect();
    take_out::names(tx, project, &rows)?;
    for user in users {
        match has_events(tx, project, Of::User(user))? {
            true => stay(tx, project, user, until_ms)?,
            false => remove_user(tx, user)?,
        }
    }
    refuse(tx, project, &refused, asked.until_ms)?;
    take_out_of_audit(tx, project, &audited)?;
    let stands_for = keyed_hash(tx, who)?;
    audit(tx, now_ms, project, by, "forgot", &hex(&stands_for))?;
    Ok(forgotten)
}

/// What people are called.
struct Names {
    /// By late events of theirs, as the keyed hashes have it.
    refused: BTreeSet<String>,
    /// By lines of the audit.
    audited: BTreeSet<String>,
}

/// All that people are called, and what they were asked for by: nobody may have that name yet.
fn names_of(
    db: &Connection,
    project: i64,
    asked: Asked<'_>,
    users: &BTreeSet<i64>,
) -> rusqlite::Result<Names> {
    let who = asked.who.trim().to_owned();
    let with_kind = asked.kind.and_then(|kind| id_of_kind(&who, kind));
    let mut refused = BTreeSet::from([with_kind.unwrap_or_else(|| who.clone())]);
    let mut audited = BTreeSet::from([who]);
    let mut text = db.prepare_cached("SELECT text FROM user WHERE id = ?1")?;
    for user in users {
        let names = whom::names_in_events(db, project, *user, users)?;
        // An id with its kind is in no line of the audit, which has ids as the pages show them.
        audited.extend(names.iter().filter(|name| !whom::is_of_kind(name)).cloned());
        audited.insert(text.query_row([user], |row| row.get(0))?);
        refused.extend(names);
    }
    Ok(Names { refused, audited })
}

fn has_events(db: &Connection, project: i64, of: Of) -> rusqlite::Result<bool> {
    let (sql, id) = match of {
        Of::User(id) => (
            "SELECT 1 FROM event INDEXED BY event_user WHERE project = ?1 AND user = ?2",
            id,
        ),
        Of::Session(id) => (
            "SELECT 1 FROM event INDEXED BY event_session WHERE project = ?1 AND session = ?2",
            id,
        ),
    };
    db.prepare_cached(sql)?.exists([project, id])
}

fn text_of_session(db: &Connection, session: i64) -> rusqlite::Result<String> {
    db.prepare_cached("SELECT text FROM session WHERE id = ?1")?
        .query_row([session], |row| row.get(0))
}

/// Leaves somebody with what they have done since.
fn stay(tx: &Transaction<'_>, project: i64, user: i64, until_ms: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE user SET first_ms = (SELECT min(time_ms) FROM event INDEXED BY event_user
            WHERE project = ?1 AND user = ?2) WHERE id = ?2",
    )?
    .execute([project, user])?;
    rebuild::rollups(tx, project, user, until_ms)
}

/// Removes somebody of whom no event is left, with their addresses.
pub(super) fn remove_user(tx: &Transaction<'_>, user: i64) -> rusqlite::Result<()> {
    for delete in [
        "DELETE FROM user_address WHERE user = ?1",
        "DELETE FROM user WHERE id = ?1",
    ] {
        tx.prepare_cached(delete)?.execute([user])?;
    }
    Ok(())
}

fn refuse(
    tx: &Transaction<'_>,
    project: i64,
    names: &BTreeSet<String>,
    until_ms: i64,
) -> rusqlite::Result<()> {
    for name in names {
        let hash = keyed_hash(tx, name)?;
        tx.prepare_cached(
            "INSERT INTO forgotten (project, hash, at_ms) VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET at_ms = max(at_ms, excluded.at_ms)",
        )?
        .execute(params![project, hash, until_ms])?;
    }
    Ok(())
}

fn take_out_of_audit(
    tx: &Transaction<'_>,
    project: i64,
    names: &BTreeSet<String>,
) -> rusqlite::Result<()> {
    for name in names {
        let subject = hex(&keyed_hash(tx, name)?);
        tx.prepare_cached(
            "UPDATE audit SET subject = ?3 WHERE project = ?1 AND lower(trim(subject)) = lower(?2)
                AND (trim(subject) = ?2 OR instr(?2, '@'))",
        )?
        .execute(params![project, name, subject])?;
    }
    Ok(())
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
    tx.execute(
        "DELETE FROM forgotten WHERE at_ms < ?3 * (?1 - max(?2,
            coalesce((SELECT raw_days FROM project WHERE id = forgotten.project), 0)))",
        params![now_ms.div_euclid(DAY_MS), REFUSED_DAYS, DAY_MS],
    )
}

/// What tells an event from others, as the keyed hashes have it.
pub(super) fn source_name(source_id: [u8; 16]) -> String {
    format!("event\0{}", hex(&source_id))
}

/// The id of an event without a number once it is about nobody. Senders make the id out of whose it is, so that whoever
/// has the database could try names.
pub(super) fn keyed_source(key: &[u8], source_id: [u8; 16]) -> [u8; 16] {
    let hash = hash_with(key, &source_name(source_id));
    std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default())
}

/// Whether an event is a row already, which may be about somebody who was forgotten with this key.
pub(super) fn is_known(
    db: &Connection,
    project: i64,
    record: &Record,
    key: Option<&[u8]>,
) -> rusqlite::Result<bool> {
    let mut find =
        db.prepare_cached("SELECT 1 FROM event WHERE project = ?1 AND source_id = ?2")?;
    let source_id = record.source_id.0;
    if find.exists(params![project, source_id])? {
        return Ok(true);
    }
    match key {
        Some(key) if record.sequence.is_none() => {
            find.exists(params![project, keyed_source(key, source_id)])
        }
        _ => Ok(false),
    }
}

/// Gives an event that asks to forget somebody the id of one about nobody. Returns whether it is a row already: earlier
/// versions have kept it as it came.
pub fn key_request(
    tx: &Transaction<'_>,
    project: i64,
    request: &mut Record,
) -> rusqlite::Result<bool> {
    let key = hash_key(tx)?;
    let is_known = is_known(tx, project, request, Some(&key))?;
    if request.sequence.is_none() {
        request.source_id = SourceId(keyed_source(&key, request.source_id.0));
    }
    Ok(is_known)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
