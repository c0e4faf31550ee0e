//! A database with the events of a test.

use rusqlite::Connection;

use super::{Period, Range};
use crate::record::{Class, Kind, Outcome, Record, SourceId, User};
use crate::store::insert::insert;

/// 2026-11-27 15:41:07 UTC, a Friday.
pub(crate) const NOW: i64 = 1_795_794_067_000;
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const DAY: i64 = 86_400_000;
pub(crate) const PROJECT: i64 = 1;

pub(crate) struct Fixture {
    pub(crate) db: Connection,
    taken: u64,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let db = crate::store::schema::in_memory();
        Self { db, taken: 0 }
    }

    pub(crate) fn with(records: impl IntoIterator<Item = Record>) -> Self {
        let mut fixture = Self::new();
        fixture.take(records);
        fixture
    }

    /// Each is an event of its own.
    pub(crate) fn take(&mut self, records: impl IntoIterator<Item = Record>) {
        let records: Vec<Record> = records
            .into_iter()
            .map(|record| {
                self.taken += 1;
                let source_id = SourceId(u128::from(self.taken).to_be_bytes());
                Record {
                    source_id,
                    ..record
                }
            })
            .collect();
        let tx = self.db.transaction().unwrap();
        insert(&tx, PROJECT, NOW, &records).unwrap();
        tx.commit().unwrap();
    }
}

pub(crate) fn week() -> Period {
    Range::Week.until(NOW)
}

pub(crate) fn user(id: &str) -> Option<User> {
    Some(User {
        id: id.to_owned(),
        kind: "EMAIL".to_owned(),
        email: Some(id.to_owned()).filter(|id| id.contains('@')),
    })
}

/// A call of `search` that took 40 ms, so long ago.
pub(crate) fn call(ago: i64) -> Record {
    Record {
        tool: Some("search".to_owned()),
        user: user("maya@example.com"),
        session: Some("s-1".to_owned()),
        client: Some("claude-code".to_owned()),
        client_version: Some("2.1".to_owned()),
        class: Class::Agent,
        release: Some("1.0".to_owned()),
        protocol: Some("2025-11-25".to_owned()),
        duration_us: Some(40_000),
        result_bytes: Some(1_000),
        ..event(Kind::Call, ago)
    }
}

pub(crate) fn failed(ago: i64, error: &str) -> Record {
    Record {
        outcome: Outcome::ToolError,
        error: Some(error.to_owned()),
        ..call(ago)
    }
}

pub(crate) fn event(kind: Kind, ago: i64) -> Record {
    Record::new(SourceId([0; 16]), NOW - ago, kind)
}
