//! Events into rows: the event, what it names, and every rollup, in the transaction of the ingest itself.
//!
//! Rows that several events of a transaction change (a user, a session, a bucket of a rollup) are changed in memory and
//! written once, at its end.

mod instances;
mod names;
mod people;
mod rollups;
mod sessions;

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};

use super::losses::Totals;
use super::normalise::normalise;
use super::{Incoming, Taken, forget, settings};
use crate::record::{Group, Kind, Record};
use instances::Instances;
pub use names::NameKind;
use names::{Name, Names};
use people::Users;
pub(super) use people::{ANONYMOUS, UNSAID};
use rollups::Rollups;
pub(super) use sessions::MAX_OUTCOMES;
use sessions::{SessionEvent, Sessions};

pub(super) const HOUR_MS: i64 = 3_600_000;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;

/// What stands for all texts, or instances, beyond as many as a project has.
const OTHERS: &str = "(others)";

/// Instances whose losses are remembered.
const MAX_CACHED_LOSSES: usize = 10_000;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is a row of `event` now.
    New(i64),
    /// It is there already, and counts once.
    Repeated,
    /// It is about somebody who was forgotten after it happened.
    Forgotten,
}

impl Inserted {
    /// The row of a new event.
    pub const fn row(self) -> Option<i64> {
        match self {
            Self::New(row) => Some(row),
            Self::Repeated | Self::Forgotten => None,
        }
    }
}

/// Inserts records as the writer does.
pub fn insert(
    tx: &Transaction<'_>,
    project: i64,
    received_ms: i64,
    records: &[Record],
) -> rusqlite::Result<Vec<Inserted>> {
    let mut caches = Caches::default();
    let mut inserter = Inserter::new(tx, &mut caches);
    let inserted = inserter.add(project, received_ms, records)?;
    inserter.finish()?;
    Ok(inserted)
}

/// What stays known from one transaction to the next. After a rollback, and after rows were removed, it is wrong.
#[derive(Default)]
pub(super) struct Caches {
    names: Names,
    losses: HashMap<i64, Totals>,
    /// The key of the keyed hashes, if anybody is forgotten.
    forgotten: Option<Option<Vec<u8>>>,
    /// Changes when another connection has written.
    data_version: i64,
}

impl Caches {
    /// Forgets all that is of another version of the database.
    pub(super) fn are_of(&mut self, data_version: i64) {
        if self.data_version != data_version {
            *self = Self {
                data_version,
                ..Self::default()
            };
        }
    }
}

/// Inserts into one transaction.
pub(super) struct Inserter<'t, 'c> {
    tx: &'t Transaction<'t>,
    caches: &'c mut Caches,
    users: Users,
    sessions: Sessions,
    instances: Instances,
    intents: HashMap<(i64, bool, String), i64>,
    rollups: Rollups,
}

impl<'t, 'c> Inserter<'t, 'c> {
    pub(super) fn new(tx: &'t Transaction<'t>, caches: &'c mut Caches) -> Self {
        Self {
            tx,
            caches,
            users: Users::default(),
            sessions: Sessions::default(),
            instances: Instances::default(),
            intents: HashMap::new(),
            rollups: Rollups::default(),
        }
    }

    /// Inserts all that a request brings.
    pub(super) fn take(&mut self, batch: &Incoming) -> rusqlite::Result<Taken> {
        let (project, day) = (batch.project, batch.received_ms.div_euclid(DAY_MS));
        for report in &batch.losses {
            let id = self.instances.report(
                self.tx,
                project,
                batch.received_ms,
                &report.instance,
                &report.sdk,
            )?;
            // A sender can make up any number of instances.
            if self.caches.losses.len() >= MAX_CACHED_LOSSES {
                self.caches.losses.clear();
            }
            let totals = self.caches.losses.entry(id).or_default();
            super::losses::add(self.tx, project, day, id, &report.dropped, totals)?;
        }
        for (reason, events) in &batch.refused {
            self.rollups.refused(project, day, reason, *events);
        }
        let inserted = self.add(project, batch.received_ms, &batch.records)?;
        Ok(Taken {
            inserted,
            records: Vec::new(),
        })
    }

    pub(super) fn add(
        &mut self,
        project: i64,
        received_ms: i64,
        records: &[Record],
    ) -> rusqlite::Result<Vec<Inserted>> {
        self.instances.begin_batch();
        records
            .iter()
            .map(|record| self.add_one(project, received_ms, record))
            .collect()
    }

    fn add_one(
        &mut self,
        project: i64,
        received_ms: i64,
        record: &Record,
    ) -> rusqlite::Result<Inserted> {
        let received_day = received_ms.div_euclid(DAY_MS);
        let is_known = forget::is_known(self.tx, project, record, self.forgotten_key()?)?;
        let is_forgotten = !is_known && self.is_forgotten(project, record)?;
        let has_come = is_known || is_forgotten && self.was_refused(project, record)?;
        let instance = self
            .instances
            .event(self.tx, project, received_ms, record, has_come)?;
        self.rollups
            .instance(project, received_day, instance, has_come);
        if is_known {
            return Ok(Inserted::Repeated);
        }
        // It has come, so that its number is not missing among those of its instance.
        if is_forgotten {
            if !has_come {
                self.rollups.refused(project, received_day, "forgotten", 1);
            }
            return Ok(Inserted::Forgotten);
        }
        let names = self.names(project, record)?;
        let user = match &record.user {
            Some(user) => Some(self.users.event(self.tx, project, user, record.time_ms)?),
            None => None,
        };
        let intent = match &record.intent {
            Some(text) => self.intent(project, record.kind == Kind::Missing, text)?,
            None => 0,
        };
        let session = match &record.session {
            Some(text) => {
                let event = SessionEvent {
                    record,
                    user,
                    client: names.client,
                    intent,
                };
                self.sessions.event(self.tx, project, text, &event)?
            }
            None => 0,
        };
        let user = user.map_or(0, |user| user.id);
        let ids = Ids {
            names,
            user,
            session,
            instance,
            intent,
        };
        let row = self.insert_event(project, received_ms, record, &ids)?;
        self.roll_up(project, record, &ids);
        self.listed(project, record)?;
        Ok(Inserted::New(row))
    }

    fn names(&mut self, project: i64, record: &Record) -> rusqlite::Result<NameIds> {
        let (tx, at) = (self.tx, record.time_ms);
        let has_answered = record.kind == Kind::Call
            && !record.unknown_tool
            && matches!(record.outcome.group(), Group::Ok | Group::Waiting);
        let mut id = |kind, text: Option<&str>, detail: Option<&str>| match text {
            Some(text) if !text.is_empty() => {
                let name = match kind {
                    NameKind::Tool if has_answered => Name::answered(text),
                    kind => Name::new(kind, text, detail.unwrap_or_default()),
                };
                self.caches.names.id(tx, project, name, at)
            }
            _ => Ok(0),
        };
        let client_version = record.client_version.as_deref();
        let error = match (record.kind, record.error.as_deref()) {
            (Kind::Refused, reason) => id(NameKind::Reason, reason, None)?,
            (Kind::Call, Some(error)) => id(NameKind::Error, Some(&normalise(error)), None)?,
            _ => 0,
        };
        Ok(NameIds {
            tool: id(NameKind::Tool, record.tool.as_deref(), None)?,
            client: id(NameKind::Client, record.client.as_deref(), client_version)?,
            release: id(NameKind::Release, record.release.as_deref(), None)?,
            protocol: id(NameKind::Protocol, record.protocol.as_deref(), None)?,
            error,
        })
    }

    fn intent(&mut self, project: i64, is_missing: bool, text: &str) -> rusqlite::Result<i64> {
        let key = (project, is_missing, text.to_owned());
        if let Some(id) = self.intents.get(&key) {
            return Ok(*id);
        }
        let known = self
            .tx
            .prepare_cached(
                "SELECT id FROM intent WHERE project = ?1 AND missing = ?2 AND text = ?3",
            )?
            .query_row(params![project, is_missing, text], |row| row.get(0))
            .optional()?;
        let id = match known {
            Some(id) => id,
            None => self
                .tx
                .prepare_cached("INSERT INTO intent (project, missing, text) VALUES (?1, ?2, ?3)")?
                .insert(params![project, is_missing, text])?,
        };
        self.intents.insert(key, id);
        Ok(id)
    }

    fn insert_event(
        &self,
        project: i64,
        received_ms: i64,
        record: &Record,
        ids: &Ids,
    ) -> rusqlite::Result<i64> {
        let row = self
            .tx
            .prepare_cached(
                "INSERT INTO event (project, source_id, instance, sequence, time_ms, received_ms, kind, tool,
                    user, session, client, class, outcome, error, duration_us, result_bytes, release, protocol,
                    weight, intent)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
            )?
            .insert(params![
                project,
                record.source_id.0,
                ids.instance,
                record.sequence.map_or(0, u64::cast_signed),
                record.time_ms,
                received_ms,
                record.kind as u8,
                ids.names.tool,
                ids.user,
                ids.session,
                ids.names.client,
                record.class as u8,
                record.outcome as u8,
                ids.names.error,
                record.duration_us.map(u64::cast_signed),
                record.result_bytes.map(u64::cast_signed),
                ids.names.release,
                ids.names.protocol,
                record.weight,
                ids.intent,
            ])?;
        if let Some(body) = body_of(record) {
            self.tx
                .prepare_cached("INSERT INTO event_body (id, body) VALUES (?1, ?2)")?
                .execute(params![row, body])?;
        }
        Ok(row)
    }

    fn roll_up(&mut self, project: i64, record: &Record, ids: &Ids) {
        let event = rollups::Event {
            project,
            hour: record.time_ms.div_euclid(HOUR_MS),
            record,
            names: ids.names,
            user: ids.user,
            session: ids.session,
            intent: ids.intent,
        };
        self.rollups.event(&event);
    }

    /// What a server says that it offers.
    fn listed(&mut self, project: i64, record: &Record) -> rusqlite::Result<()> {
        for listed in &record.listed {
            let names = &mut self.caches.names;
            let at = record.time_ms;
            let tool = names.id(self.tx, project, Name::listed(&listed.tool), at)?;
            self.rollups.listed(project, tool, at, listed);
        }
        Ok(())
    }

    /// Whether it was refused before, as it is from now on. It is no row by which it would be known.
    fn was_refused(&mut self, project: i64, record: &Record) -> rusqlite::Result<bool> {
        let tx = self.tx;
        let Some(key) = self.forgotten_key()? else {
            return Ok(false);
        };
        let hash = settings::hash_with(key, &forget::source_name(record.source_id.0));
        let added = tx
            .prepare_cached(
                "INSERT OR IGNORE INTO forgotten (project, hash, at_ms) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![project, hash, record.time_ms])?;
        Ok(added == 0)
    }

    /// The key of the keyed hashes, if anybody is forgotten.
    fn forgotten_key(&mut self) -> rusqlite::Result<Option<&[u8]>> {
        let tx = self.tx;
        let key = match &mut self.caches.forgotten {
            Some(key) => key,
            unknown => {
                let any = tx.prepare_cached("SELECT 1 FROM forgotten")?.exists([])?;
                let key = any.then(|| settings::hash_key(tx)).transpose()?;
                unknown.insert(key)
            }
        };
        Ok(key.as_deref())
    }

    fn is_forgotten(&mut self, project: i64, record: &Record) -> rusqlite::Result<bool> {
        let tx = self.tx;
        let Some(key) = self.forgotten_key()? else {
            return Ok(false);
        };
        let mut find = tx.prepare_cached(
            "SELECT 1 FROM forgotten WHERE project = ?1 AND hash = ?2 AND at_ms >= ?3",
        )?;
        for name in names_of(record) {
            let hash = settings::hash_with(key, &name);
            if find.exists(params![project, hash, record.time_ms])? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes what has changed in memory.
    pub(super) fn finish(self) -> rusqlite::Result<()> {
        self.users.write(self.tx)?;
        self.sessions.write(self.tx)?;
        self.instances.write(self.tx)?;
        self.rollups.write(self.tx)
    }
}

/// The rows of `name` that an event has.
#[derive(Debug, Clone, Copy)]
struct NameIds {
    tool: i64,
    client: i64,
    release: i64,
    protocol: i64,
    error: i64,
}

/// All rows that an event refers to.
struct Ids {
    names: NameIds,
    user: i64,
    session: i64,
    instance: i64,
    intent: i64,
}

/// All that may name somebody who was forgotten: ids and addresses, and of an event by nobody with a name its session.
fn names_of(record: &Record) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(user) = &record.user {
        names.push(user.id.clone());
        names.extend(user.email.clone());
        names.extend(forget::id_of_kind(&user.id, &user.kind));
    }
    let has_name = record
        .user
        .as_ref()
        .is_some_and(|user| user.kind != ANONYMOUS);
    if let Some(session) = record.session.as_ref().filter(|_| !has_name) {
        names.push(forget::session_name(session));
    }
    names
}

/// What the page of one event reads: all else that it said, and its error as it was.
fn body_of(record: &Record) -> Option<Vec<u8>> {
    if record.body.is_empty() && record.error.is_none() {
        return None;
    }
    let mut body = Vec::with_capacity(512);
    let written = match &record.error {
        None => serde_json::to_writer(&mut body, &record.body),
        Some(error) => {
            let mut all = record.body.clone();
            all.insert("error".to_owned(), error.as_str().into());
            serde_json::to_writer(&mut body, &all)
        }
    };
    written.is_ok().then_some(body)
}

#[cfg(test)]
mod tests;
