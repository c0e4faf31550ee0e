//! Who events are about.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};

use crate::record::User;

/// What a sender calls those whom nobody knows by name.
pub(super) const ANONYMOUS: &str = "ANONYMOUS";

#[derive(Default)]
pub(super) struct Users {
    rows: HashMap<(i64, String), Row>,
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
        let row = match self.rows.entry((project, user.id.clone())) {
            std::collections::hash_map::Entry::Occupied(row) => row.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(Row::load(tx, project, user, at_ms)?)
            }
        };
        row.see(user, at_ms);
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

impl Row {
    fn load(tx: &Transaction<'_>, project: i64, user: &User, at_ms: i64) -> rusqlite::Result<Self> {
        let known = tx
            .prepare_cached(
                "SELECT id, kind, email, first_ms, last_ms FROM user WHERE project = ?1 AND text = ?2",
            )?
            .query_row(params![project, user.id], |row| {
                Ok(Self {
                    id: row.get(0)?,
                    kind: row.get(1)?,
                    email: row.get(2)?,
                    first_ms: row.get(3)?,
                    last_ms: row.get(4)?,
                    is_seen_at_new_time: false,
                    is_said_anew: false,
                })
            })
            .optional()?;
        if let Some(row) = known {
            return Ok(row);
        }
        let email = user.email.as_deref().map(str::to_lowercase);
        let id = tx
            .prepare_cached(
                "INSERT INTO user (project, text, kind, email, domain, first_ms, last_ms)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
            )?
            .insert(params![
                project,
                user.id,
                user.kind,
                email,
                domain(email.as_deref()),
                at_ms
            ])?;
        Ok(Self {
            id,
            kind: user.kind.clone(),
            email,
            first_ms: at_ms,
            last_ms: at_ms,
            is_seen_at_new_time: false,
            is_said_anew: false,
        })
    }

    fn see(&mut self, user: &User, at_ms: i64) {
        if at_ms < self.first_ms || at_ms > self.last_ms {
            self.first_ms = self.first_ms.min(at_ms);
            self.last_ms = self.last_ms.max(at_ms);
            self.is_seen_at_new_time = true;
        }
        if self.kind != user.kind && !user.kind.is_empty() {
            self.kind.clone_from(&user.kind);
            self.is_said_anew = true;
        }
        if let Some(email) = user.email.as_deref().map(str::to_lowercase)
            && self.email.as_ref() != Some(&email)
        {
            self.email = Some(email);
            self.is_said_anew = true;
        }
    }
}

/// What stands behind the `@` of an address.
fn domain(email: Option<&str>) -> &str {
    email
        .and_then(|email| email.rsplit_once('@'))
        .map_or("", |(_, domain)| domain)
}
