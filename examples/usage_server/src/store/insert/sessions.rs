//! Sessions, as their events come in: late ones and those out of order too.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{OptionalExtension, Transaction, params};

use super::people::Person;
use crate::record::{Class, Kind, Outcome, Record};

/// How many outcomes of a session are kept.
pub(in crate::store) const MAX_OUTCOMES: usize = 40;

/// The order of more calls is not asked for once some come late: each commit would read all of them.
const MOST_SORTED: i64 = 10_000;

#[derive(Default)]
pub(super) struct Sessions {
    rows: HashMap<(i64, String), Row>,
}

/// An event of a session.
pub(super) struct SessionEvent<'r> {
    pub(super) record: &'r Record,
    pub(super) user: Option<Person>,
    pub(super) client: i64,
    pub(super) intent: i64,
}

struct Row {
    id: i64,
    user: i64,
    client: i64,
    class: u8,
    first_ms: i64,
    last_ms: i64,
    calls: i64,
    failed: i64,
    first_intent: i64,
    first_intent_ms: i64,
    last_outcome: u8,
    outcomes: Vec<u8>,
    /// Calls have come that are not known to be the last, so that their order is asked of the database.
    is_out_of_order: bool,
    /// As above, for its first intent.
    is_intent_unsure: bool,
}

impl Sessions {
    /// The session of an event, which becomes a row when it is new.
    pub(super) fn event(
        &mut self,
        tx: &Transaction<'_>,
        project: i64,
        text: &str,
        event: &SessionEvent<'_>,
    ) -> rusqlite::Result<i64> {
        let row = match self.rows.entry((project, text.to_owned())) {
            Entry::Occupied(row) => row.into_mut(),
            Entry::Vacant(place) => place.insert(Row::load(tx, project, text, event)?),
        };
        row.see(tx, event)?;
        Ok(row.id)
    }

    pub(super) fn write(self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        for ((project, _), mut row) in self.rows {
            row.settle(tx, project)?;
            tx.prepare_cached(
                "UPDATE session SET user = ?2, client = ?3, class = ?4, first_ms = ?5, last_ms = ?6, calls = ?7,
                    failed = ?8, first_intent = ?9, first_intent_ms = ?10, last_outcome = ?11, outcomes = ?12
                WHERE id = ?1",
            )?
            .execute(params![
                row.id,
                row.user,
                row.client,
                row.class,
                row.first_ms,
                row.last_ms,
                row.calls,
                row.failed,
                row.first_intent,
                row.first_intent_ms,
                row.last_outcome,
                row.outcomes,
            ])?;
        }
        Ok(())
    }
}

impl Row {
    fn load(
        tx: &Transaction<'_>,
        project: i64,
        text: &str,
        event: &SessionEvent<'_>,
    ) -> rusqlite::Result<Self> {
        let known = tx
            .prepare_cached(
                "SELECT id, user, client, class, first_ms, last_ms, calls, failed, first_intent, first_intent_ms,
                    last_outcome, outcomes
                FROM session WHERE project = ?1 AND text = ?2",
            )?
            .query_row(params![project, text], |row| {
                Ok(Self {
                    id: row.get(0)?,
                    user: row.get(1)?,
                    client: row.get(2)?,
                    class: row.get(3)?,
                    first_ms: row.get(4)?,
                    last_ms: row.get(5)?,
                    calls: row.get(6)?,
                    failed: row.get(7)?,
                    first_intent: row.get(8)?,
                    first_intent_ms: row.get(9)?,
                    last_outcome: row.get(10)?,
                    outcomes: row.get(11)?,
                    is_out_of_order: false,
                    is_intent_unsure: false,
                })
            })
            .optional()?;
        if let Some(row) = known {
            return Ok(row);
        }
        let at_ms = event.record.time_ms;
        let last_outcome = Outcome::Unknown as u8;
        let id = tx
            .prepare_cached(
                "INSERT INTO session (project, text, user, client, class, first_ms, last_ms, calls, failed,
                    first_intent, first_intent_ms, last_outcome, outcomes)
                VALUES (?1, ?2, 0, 0, 0, ?3, ?3, 0, 0, 0, 0, ?4, x'')",
            )?
            .insert(params![project, text, at_ms, last_outcome])?;
        Ok(Self {
            id,
            user: 0,
            client: 0,
            class: event.record.class as u8,
            first_ms: at_ms,
            last_ms: at_ms,
            calls: 0,
            failed: 0,
            first_intent: 0,
            first_intent_ms: 0,
            last_outcome,
            outcomes: Vec::new(),
            is_out_of_order: false,
            is_intent_unsure: false,
        })
    }

    fn see(&mut self, tx: &Transaction<'_>, event: &SessionEvent<'_>) -> rusqlite::Result<()> {
        let record = event.record;
        let at_ms = record.time_ms;
        if let Some(user) = event.user
            && self.belongs_to(tx, user)?
        {
            self.user = user.id;
        }
        if self.client == 0 {
            self.client = event.client;
        }
        // Of its first counted event, as it is among the sessions of an hour from then on.
        let is_counted = |class: u8| class == Class::Unknown as u8 || class == Class::Agent as u8;
        if record.class.is_counted() && !is_counted(self.class) {
            self.class = record.class as u8;
        }
        if record.kind == Kind::Call {
            self.see_call(at_ms, record.outcome);
            if event.intent != 0 {
                self.see_intent(at_ms, event.intent);
            }
        }
        self.first_ms = self.first_ms.min(at_ms);
        self.last_ms = self.last_ms.max(at_ms);
        Ok(())
    }

    /// Whether a session is somebody's from now on: who has logged in takes the place of the anonymous one before.
    fn belongs_to(&self, tx: &Transaction<'_>, user: Person) -> rusqlite::Result<bool> {
        if self.user == 0 || self.user == user.id {
            return Ok(true);
        }
        if user.is_anonymous {
            return Ok(false);
        }
        let kind = "SELECT 1 FROM user WHERE id = ?1 AND kind = ?2";
        tx.prepare_cached(kind)?
            .exists(params![self.user, super::people::ANONYMOUS])
    }

    fn see_call(&mut self, at_ms: i64, outcome: Outcome) {
        let is_last = at_ms > self.last_ms || self.calls == 0;
        if is_last {
            self.last_outcome = outcome as u8;
            if self.outcomes.len() < MAX_OUTCOMES {
                self.outcomes.push(outcome as u8);
            }
        } else {
            self.is_out_of_order = true;
        }
        self.calls += 1;
        self.failed += i64::from(outcome.is_bad());
    }

    fn see_intent(&mut self, at_ms: i64, intent: i64) {
        if self.first_intent == 0 || at_ms < self.first_intent_ms {
            self.first_intent = intent;
            self.first_intent_ms = at_ms;
        } else if at_ms == self.first_intent_ms && intent != self.first_intent {
            self.is_intent_unsure = true;
        }
    }

    /// Asks the database for the order of what came at the same time, or late. Each index is named: without statistics,
    /// which a new database has none of, another one may be taken that leads to all events of the project.
    fn settle(&mut self, tx: &Transaction<'_>, project: i64) -> rusqlite::Result<()> {
        let call = Kind::Call as u8;
        if self.is_out_of_order && self.calls <= MOST_SORTED {
            let first = "SELECT outcome FROM event INDEXED BY event_session
                WHERE project = ?1 AND session = ?2 AND kind = ?3
                ORDER BY time_ms, instance, sequence, id LIMIT ?4";
            let keep = i64::try_from(MAX_OUTCOMES).unwrap_or(i64::MAX);
            self.outcomes = tx
                .prepare_cached(first)?
                .query_map(params![project, self.id, call, keep], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let last = "SELECT outcome FROM event INDEXED BY event_session
                WHERE project = ?1 AND session = ?2 AND kind = ?3
                ORDER BY time_ms DESC, instance DESC, sequence DESC, id DESC LIMIT 1";
            self.last_outcome = tx
                .prepare_cached(last)?
                .query_row(params![project, self.id, call], |row| row.get(0))?;
        }
        if self.is_intent_unsure {
            let first =
                "SELECT intent FROM event INDEXED BY event_session
                WHERE project = ?1 AND session = ?2 AND time_ms = ?3 AND kind = ?4 AND intent > 0 ORDER BY instance, sequence, id LIMIT 1";
            self.first_intent = tx.prepare_cached(first)?.query_row(
                params![project, self.id, self.first_intent_ms, call],
                |row| row.get(0),
            )?;
        }
        Ok(())
    }
}
