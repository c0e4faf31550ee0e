//! Who events are about.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::record::User;

/// What a sender calls those whom nobody knows by name.
pub(in crate::store) const ANONYMOUS: &str = "ANONYMOUS";

/// What stands for the kind of an id where a sender says none.
pub(in crate::store) const UNSAID: [&str; 2] = ["", "ID"];

#[derive(Default)]
pub(super) struct Users {
    /// By project, id and kind.
    ids: HashMap<(i64, String, String), i64>,
    rows: HashMap<i64, Row>,
}

/// A user as an event has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) id: i64,
    pub(super) is_anonymous: bool,
}

struct Row {
    id: i64,
    kind: String,
    email: Option<String>,
    first_ms: i64,
    last_ms: i64,
    is_seen_at_new_time: bool,
    is_said_anew: bool,
}

impl Users {
    /// The user of an event, who becomes a row when they are new.
    pub(super) fn event(
        &mut self,
        tx: &Transaction<'_>,
        project: i64,
        user: &User,
        at_ms: i64,
    ) -> rusqlite::Result<Person> {
        let id = match self
            .ids
            .entry((project, user.id.clone(), user.kind.clone()))
        {
            Entry::Occupied(id) => *id.get(),
            Entry::Vacant(place) => *place.insert(find_or_add(tx, project, user, at_ms)?),
        };
        let row = match self.rows.entry(id) {
            Entry::Occupied(row) => row.into_mut(),
            Entry::Vacant(place) => place.insert(Row::load(tx, id)?),
        };
        if let Some(email) = row.see(user, at_ms) {
            add_address(tx, project, id, email)?;
        }
        Ok(Person {
            id: row.id,
            is_anonymous: row.kind == ANONYMOUS,
        })
    }

    pub(super) fn write(self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        for row in self.rows.values() {
            if row.is_said_anew {
                let email = row.email.as_deref();
                tx.prepare_cached(
                    "UPDATE user SET kind = ?2, email = ?3, domain = ?4, first_ms = ?5, last_ms = ?6 WHERE id = ?1",
                )?
                .execute(params![
                    row.id, row.kind, email, domain(email), row.first_ms, row.last_ms
                ])?;
            } else if row.is_seen_at_new_time {
                tx.prepare_cached("UPDATE user SET first_ms = ?2, last_ms = ?3 WHERE id = ?1")?
                    .execute(params![row.id, row.first_ms, row.last_ms])?;
            }
        }
        Ok(())
    }
}

/// The row of whoever has an id, by its kind: another kind's is another person. An address is one person's whatever its
/// kind, and an id whose kind is not said is that of whoever has it.
fn find_or_add(
    tx: &Transaction<'_>,
    project: i64,
    user: &User,
    at_ms: i64,
) -> rusqlite::Result<i64> {
    let of_kind = "SELECT id FROM user WHERE project = ?1 AND said = ?2 AND kind = ?3";
    let of_any_kind =
        "SELECT id FROM user WHERE project = ?1 AND said = ?2 ORDER BY last_ms DESC, id LIMIT 1";
    let is_unsaid = UNSAID.contains(&user.kind.as_str());
    if is_unsaid || user.id.contains('@') {
        let found = tx
            .prepare_cached(of_any_kind)?
            .query_row(params![project, user.id], |row| row.get(0))
            .optional()?;
        return found.map_or_else(|| add(tx, project, user, at_ms), Ok);
    }
    let mut find = tx.prepare_cached(of_kind)?;
    for kind in [user.kind.as_str()].into_iter().chain(UNSAID) {
        let found = find.query_row(params![project, user.id, kind], |row| row.get(0));
        let Some(id) = found.optional()? else {
            continue;
        };
        if kind != user.kind {
            // At once: whoever has the same id by another kind is looked for by it.
            tx.prepare_cached("UPDATE user SET kind = ?2 WHERE id = ?1")?
                .execute(params![id, user.kind])?;
        }
        return Ok(id);
    }
    add(tx, project, user, at_ms)
}

fn add(tx: &Transaction<'_>, project: i64, user: &User, at_ms: i64) -> rusqlite::Result<i64> {
    let email = user.email.as_deref().map(str::to_lowercase);
    let id = tx
        .prepare_cached(
            "INSERT INTO user (project, text, said, kind, email, domain, first_ms, last_ms)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
        )?
        .insert(params![
            project,
            free_text(tx, project, user)?,
            user.id,
            user.kind,
            email,
            domain(email.as_deref()),
            at_ms
        ])?;
    if user.id.contains('@') {
        add_address(tx, project, id, &user.id.to_lowercase())?;
    }
    if let Some(email) = email {
        add_address(tx, project, id, &email)?;
    }
    Ok(id)
}

/// Notes an address of somebody's: who has another one later is still found by it when they are to be forgotten.
fn add_address(
    tx: &Transaction<'_>,
    project: i64,
    user: i64,
    address: &str,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO user_address (project, address, user) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?
    .execute(params![project, address, user])?;
    Ok(())
}

/// What the pages call somebody: their id, and its kind with it where another person has the same one.
fn free_text(db: &Connection, project: i64, user: &User) -> rusqlite::Result<String> {
    let mut is_taken = db.prepare_cached("SELECT 1 FROM user WHERE project = ?1 AND text = ?2")?;
    let mut text = user.id.clone();
    let mut number = 1;
    while is_taken.exists(params![project, text])? {
        text = match number {
            1 => format!("{} ({})", user.id, user.kind),
            number => format!("{} ({} {number})", user.id, user.kind),
        };
        number += 1;
    }
    Ok(text)
}

impl Row {
    fn load(tx: &Transaction<'_>, id: i64) -> rusqlite::Result<Self> {
        tx.prepare_cached("SELECT kind, email, first_ms, last_ms FROM user WHERE id = ?1")?
            .query_row([id], |row| {
                Ok(Self {
                    id,
                    kind: row.get(0)?,
                    email: row.get(1)?,
                    first_ms: row.get(2)?,
                    last_ms: row.get(3)?,
                    is_seen_at_new_time: false,
                    is_said_anew: false,
                })
            })
    }

    /// Returns an address that is new.
    fn see(&mut self, user: &User, at_ms: i64) -> Option<&str> {
        if at_ms < self.first_ms || at_ms > self.last_ms {
            self.first_ms = self.first_ms.min(at_ms);
            self.last_ms = self.last_ms.max(at_ms);
            self.is_seen_at_new_time = true;
        }
        if self.kind != user.kind && !UNSAID.contains(&user.kind.as_str()) {
            self.kind.clone_from(&user.kind);
            self.is_said_anew = true;
        }
        if let Some(email) = user.email.as_deref().map(str::to_lowercase)
            && self.email.as_ref() != Some(&email)
        {
            self.is_said_anew = true;
            return Some(self.email.insert(email));
        }
        None
    }
}

/// What stands behind the `@` of an address.
fn domain(email: Option<&str>) -> &str {
    email
        .and_then(|email| email.rsplit_once('@'))
        .map_or("", |(_, domain)| domain)
}
