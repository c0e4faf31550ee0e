//! Connections that only read. In WAL mode they neither wait for the writer nor hold it up.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use tokio::sync::Semaphore;

use super::ReadError;

/// How many steps of SQLite's machine pass between two looks at the clock: a few hundred microseconds.
const STEPS_BETWEEN_LOOKS: i32 = 20_000;

#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    timeout: Duration,
    turn: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    /// `at_once`: how many queries run at a time. Each has its connection from the start: later there may be no files
    /// left to open.
    pub(super) fn open(path: &Path, timeout: Duration, at_once: usize) -> rusqlite::Result<Self> {
        let idle = (0..at_once).map(|_| open(path));
        Ok(Self {
            path: path.to_owned(),
            timeout,
            turn: Arc::new(Semaphore::new(at_once)),
            idle: Arc::new(Mutex::new(idle.collect::<rusqlite::Result<_>>()?)),
        })
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        let turn = Arc::clone(&self.turn).acquire_owned().await;
        let turn = turn.map_err(|_| ReadError::BrokeOff)?;
        let (path, timeout, idle) = (self.path.clone(), self.timeout, Arc::clone(&self.idle));
        let read = tokio::task::spawn_blocking(move || {
            let known = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = match known {
                Some(connection) => connection,
                // A query before broke off, and its connection was closed.
                None => open(&path)?,
            };
            let deadline = Instant::now() + timeout;
            let is_over = move || Instant::now() >= deadline;
            connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(is_over))?;
            let read = run(&mut connection, f);
            let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(connection);
            drop(turn);
            read
        });
        match read.await {
            Ok(Ok(read)) => Ok(read),
            Ok(Err(error)) => Err(match error.sqlite_error_code() {
                Some(ErrorCode::OperationInterrupted) => ReadError::TooLong,
                _ => ReadError::Sqlite(error),
            }),
            Err(_) => Err(ReadError::BrokeOff),
        }
    }
}

/// Runs a page's queries in one transaction, so that all of them see the same state.
fn run<T>(
    connection: &mut Connection,
    f: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let read = f(&transaction)?;
    transaction.commit()?;
    Ok(read)
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -8_192)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(64);
    // SQLite opens the log and its index with the first read.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}
