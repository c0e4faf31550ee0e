//! The loggers that send.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{OptionalExtension, Transaction, params};

use super::OTHERS;
use crate::record::Record;

/// How many a project has: a sender can make up any number of them, and each is kept as long as rollups are.
const MAX_INSTANCES: i64 = 100_000;

#[derive(Default)]
pub(super) struct Instances {
    rows: HashMap<(i64, String), Row>,
    /// How many rows a project has, once that was asked.
    counts: HashMap<i64, i64>,
    batch: u64,
}

struct Row {
    id: i64,
    /// Whether it stands for many, whose numbers have nothing to do with each other.
    is_others: bool,
    sdk: String,
    first_ms: i64,
    last_ms: i64,
    received: i64,
    max_sequence: i64,
    repeated: i64,
    skew_ms: i64,
    lag_ms: i64,
    /// The batch that the last two are about.
    batch: u64,
}

impl Instances {
    /// Skew and lag are those of a batch.
    pub(super) fn begin_batch(&mut self) {
        self.batch += 1;
    }

    /// The instance of an event; 0 where it says none.
    pub(super) fn event(
        &mut self,
        tx: &Transaction<'_>,
        project: i64,
        received_ms: i64,
        record: &Record,
        is_repeated: bool,
    ) -> rusqlite::Result<i64> {
        let Some(text) = &record.instance else {
            return Ok(0);
        };
        let batch = self.batch;
        let row = self.row(tx, project, text, received_ms)?;
        row.last_ms = row.last_ms.max(received_ms);
        if is_repeated {
            row.repeated += 1;
            return Ok(row.id);
        }
        row.received += 1;
        let sequence = record.sequence.filter(|_| !row.is_others);
        let sequence = sequence.map_or(0, u64::cast_signed);
        row.max_sequence = row.max_sequence.max(sequence);
        let said_ms = record.time_ms.saturating_add(record.ahead_ms);
        let took = received_ms.saturating_sub(said_ms);
        (row.skew_ms, row.lag_ms) = match row.batch == batch {
            true => (row.skew_ms.min(took), row.lag_ms.max(took)),
            false => (took, took),
        };
        row.batch = batch;
        Ok(row.id)
    }

    /// The instance that a request says it is from.
    pub(super) fn report(
        &mut self,
        tx: &Transaction<'_>,
        project: i64,
        received_ms: i64,
        text: &str,
        sdk: &str,
    ) -> rusqlite::Result<i64> {
        let row = self.row(tx, project, text, received_ms)?;
        row.last_ms = row.last_ms.max(received_ms);
        if !sdk.is_empty() && row.sdk != sdk {
            sdk.clone_into(&mut row.sdk);
        }
        Ok(row.id)
    }

    fn row(
        &mut self,
        tx: &Transaction<'_>,
        project: i64,
        text: &str,
        received_ms: i64,
    ) -> rusqlite::Result<&mut Row> {
        let mut key = (project, text.to_owned());
        let mut found = None;
        if !self.rows.contains_key(&key) {
            found = Row::find(tx, project, text)?;
            if found.is_none() && text != OTHERS && self.is_full(tx, project)? {
                key.1 = OTHERS.to_owned();
                if !self.rows.contains_key(&key) {
                    found = Row::find(tx, project, OTHERS)?;
                }
            }
        }
        match self.rows.entry(key) {
            Entry::Occupied(row) => Ok(row.into_mut()),
            Entry::Vacant(place) => {
                let row = match found {
                    Some(row) => row,
                    None => {
                        if let Some(count) = self.counts.get_mut(&project) {
                            *count += 1;
                        }
                        Row::add(tx, project, &place.key().1, received_ms)?
                    }
                };
                Ok(place.insert(row))
            }
        }
    }

    fn is_full(&mut self, tx: &Transaction<'_>, project: i64) -> rusqlite::Result<bool> {
        let count = match self.counts.entry(project) {
            Entry::Occupied(count) => *count.get(),
            Entry::Vacant(place) => {
                let count = "SELECT count(*) FROM instance WHERE project = ?1";
                let count = tx
                    .prepare_cached(count)?
                    .query_row([project], |row| row.get(0))?;
                *place.insert(count)
            }
        };
        Ok(count >= MAX_INSTANCES)
    }

    pub(super) fn write(self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        for row in self.rows.values() {
            tx.prepare_cached(
                "UPDATE instance SET sdk = ?2, first_ms = ?3, last_ms = ?4, received = ?5, max_sequence = ?6,
                    repeated = ?7, skew_ms = ?8, lag_ms = ?9 WHERE id = ?1",
            )?
            .execute(params![
                row.id,
                row.sdk,
                row.first_ms,
                row.last_ms,
                row.received,
                row.max_sequence,
                row.repeated,
                row.skew_ms,
                row.lag_ms,
            ])?;
        }
        Ok(())
    }
}

impl Row {
    fn find(tx: &Transaction<'_>, project: i64, text: &str) -> rusqlite::Result<Option<Self>> {
        tx.prepare_cached(
            "SELECT id, sdk, first_ms, last_ms, received, max_sequence, repeated, skew_ms, lag_ms
            FROM instance WHERE project = ?1 AND text = ?2",
        )?
        .query_row(params![project, text], |row| {
            Ok(Self {
                id: row.get(0)?,
                is_others: text == OTHERS,
                sdk: row.get(1)?,
                first_ms: row.get(2)?,
                last_ms: row.get(3)?,
                received: row.get(4)?,
                max_sequence: row.get(5)?,
                repeated: row.get(6)?,
                skew_ms: row.get(7)?,
                lag_ms: row.get(8)?,
                batch: 0,
            })
        })
        .optional()
    }

    fn add(
        tx: &Transaction<'_>,
        project: i64,
        text: &str,
        received_ms: i64,
    ) -> rusqlite::Result<Self> {
        let id = tx
            .prepare_cached(
                "INSERT INTO instance (project, text, sdk, first_ms, last_ms, received, max_sequence, repeated,
                    skew_ms, lag_ms)
                VALUES (?1, ?2, '', ?3, ?3, 0, 0, 0, 0, 0)",
            )?
            .insert(params![project, text, received_ms])?;
        Ok(Self {
            id,
            is_others: text == OTHERS,
            sdk: String::new(),
            first_ms: received_ms,
            last_ms: received_ms,
            received: 0,
            max_sequence: 0,
            repeated: 0,
            skew_ms: 0,
            lag_ms: 0,
            batch: 0,
        })
    }
}
