//! The database: opening it, and the one place that runs its blocking work.

pub mod clients;
pub mod connected;
pub mod consents;
pub mod grants;
pub mod seed;
pub mod users;
pub(crate) mod words;

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::Mutex;

use crate::clock::Clock;

/// What can go wrong in the database; a client is told no more than that something did.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the work on the database was interrupted: {0}")]
    BrokeOff(#[from] tokio::task::JoinError),
    #[error("no randomness: {0}")]
    Random(#[from] getrandom::Error),
    #[error("the database contains data that this version cannot read: {0}")]
    Unreadable(String),
}

/// The database. Clones share it.
///
/// There is one connection: SQLite has a single writer anyway, a check and the write that depends
/// on it are then one step, and a database in memory lives in its connection. Whoever wants it
/// waits without a thread, and its work runs where blocking is allowed.
#[derive(Clone, Debug)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
    clock: Clock,
}

impl Store {
    /// Opens a database in memory.
    ///
    /// # Errors
    ///
    /// When SQLite refuses.
    pub fn in_memory(clock: Clock) -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory()?, clock)
    }

    /// Opens a database file, and creates it when it is not there.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened, or is of a newer version.
    pub fn open(path: &Path, clock: Clock) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        Self::prepare(connection, clock)
    }

    fn prepare(mut connection: Connection, clock: Clock) -> Result<Self, StoreError> {
        connection.pragma_update(None, "foreign_keys", true)?;
        migrate(&mut connection)?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            clock,
        })
    }

    /// Returns the clock that tells what has expired.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Runs work on the database as one transaction: all of it happens, or, when it fails, nothing.
    ///
    /// It runs to its end even when the caller goes away.
    ///
    /// # Errors
    ///
    /// The work's own, and the commit's.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut connection = Arc::clone(&self.connection).lock_owned().await;
        tokio::task::spawn_blocking(move || {
            let transaction = connection.transaction()?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
        .await?
    }
}

/// The schema's steps, in order; a database remembers the number of the last one it has taken.
const MIGRATIONS: &[(u32, &str)] = &[
    (1, include_str!("store/accounts.sql")),
    (2, include_str!("store/backlog.sql")),
    (3, include_str!("store/connections.sql")),
];

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let taken: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if MIGRATIONS.last().is_some_and(|(newest, _)| taken > *newest) {
        return Err(StoreError::Unreadable(format!("schema version {taken}")));
    }
    for (number, sql) in MIGRATIONS.iter().filter(|(number, _)| *number > taken) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}
