//! The database: one writer, readers of their own.

pub mod administration;
pub mod audit;
pub mod backup;
pub mod forget;
pub mod insert;
pub mod losses;
mod normalise;
pub mod projects;
mod readers;
pub mod retention;
pub(crate) mod schema;
pub mod settings;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, Transaction};

pub use losses::LossReport;
pub use writer::WriterFigures;

use crate::record::Record;
use insert::Inserted;
use readers::Readers;
use writer::Writer;

/// How long the writer waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How many queries of pages run at a time.
pub const PAGES_READERS: usize = 4;

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether a commit waits until the disk has it, so that a power cut loses nothing that was answered.
    pub durable: bool,
    /// How much may wait for the writer before more is turned away.
    pub queue_events: usize,
    pub queue_bytes: usize,
    /// How much has to be free on the disk for more to be taken.
    pub min_free_bytes: u64,
    /// How long a query of a page may take.
    pub read_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durable: false,
            queue_events: 20_000,
            queue_bytes: 64 << 20,
            min_free_bytes: 256 << 20,
            read_timeout: Duration::from_secs(5),
        }
    }
}

/// What a request brings for a project.
#[derive(Debug, Default)]
pub struct Incoming {
    pub project: i64,
    pub received_ms: i64,
    /// How much memory it takes, for the bound of what waits.
    pub bytes: usize,
    pub records: Vec<Record>,
    pub losses: Vec<LossReport>,
    /// Events of the request that were not taken, by reason.
    pub refused: Vec<(&'static str, u64)>,
}

/// What became of a request's records, in their order.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Taken {
    pub inserted: Vec<Inserted>,
    pub records: Vec<Record>,
}

impl Taken {
    /// The records that were not there before.
    pub fn new_events(&self) -> usize {
        let new = |inserted: &&Inserted| matches!(inserted, Inserted::New(_));
        self.inserted.iter().filter(new).count()
    }

    /// The records that were there already.
    pub fn repeated_events(&self) -> usize {
        let repeated = |inserted: &&Inserted| **inserted == Inserted::Repeated;
        self.inserted.iter().filter(repeated).count()
    }
}

/// Nothing more can be taken now: the sender comes back later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    #[error("the write queue is full")]
    QueueFull,
    #[error("the disk is full, or nearly so")]
    DiskFull,
    #[error("the database could not be written")]
    Failed,
    #[error("the server is about to end")]
    Ending,
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("database {path}: {error}")]
    Sqlite {
        path: PathBuf,
        error: rusqlite::Error,
    },
    #[error("database {path}: its schema has version {version}, and this program knows {known}")]
    Newer {
        path: PathBuf,
        version: u32,
        known: u32,
    },
    #[error(
        "database {path}: its tables are not those of version {version}: they were made by another program, or by a \
        revision before the first release; start with a new file"
    )]
    Foreign { path: PathBuf, version: u32 },
    #[error("database {path}: {error}")]
    File {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("no thread for the database's writer: {0}")]
    Thread(std::io::Error),
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The query took too long and was interrupted.
    #[error("the query took too long")]
    TooLong,
    #[error("database: {0}")]
    Sqlite(rusqlite::Error),
    #[error("the query broke off")]
    BrokeOff,
}

#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("the disk is full")]
    DiskFull,
    #[error("database: {0}")]
    Sqlite(rusqlite::Error),
    #[error("the change broke off")]
    BrokeOff,
    #[error("the server is about to end")]
    Ending,
}

/// The database. Clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    writer: Writer,
    readers: Readers,
    /// Of the ingest's own: pages that read for long do not hold it up.
    ingest: Readers,
}

impl Store {
    /// Opens a database, creates it when it is not there, and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened, or is of a newer version.
    pub fn open(path: &Path, options: Options) -> Result<Self, StoreError> {
        let failed = |error| StoreError::Sqlite {
            path: path.to_owned(),
            error,
        };
        // What people did is in it: nobody else on this machine reads it.
        create_private(path).map_err(|error| StoreError::File {
            path: path.to_owned(),
            error,
        })?;
        let mut connection = Connection::open(path).map_err(failed)?;
        prepare(&connection, options.durable).map_err(failed)?;
        schema::migrate(&mut connection, path)?;
        let readers = Readers::open(path, options.read_timeout, PAGES_READERS).map_err(failed)?;
        let ingest = Readers::open(path, options.read_timeout, 1).map_err(failed)?;
        let writer = Writer::start(connection, path, options).map_err(StoreError::Thread)?;
        Ok(Self {
            shared: Arc::new(Shared {
                path: path.to_owned(),
                writer,
                readers,
                ingest,
            }),
        })
    }

    /// The database's file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Takes what a request brings; resolves once it is committed.
    ///
    /// # Errors
    ///
    /// When the queue or the disk is full. Nothing of the request was kept then.
    pub async fn take(&self, batch: Incoming) -> Result<Taken, Busy> {
        self.shared.writer.take(batch).await
    }

    /// Reads what a page shows, as one state of the database.
    ///
    /// # Errors
    ///
    /// The query's own, and when it takes too long.
    pub async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.shared.readers.read(f).await
    }

    /// As [`read`](Self::read), for the little that the ingest and a look at the server's health need: it does not wait
    /// for pages.
    ///
    /// # Errors
    ///
    /// The query's own, and when it takes too long.
    pub async fn read_for_ingest<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.shared.ingest.read(f).await
    }

    /// Runs work on the writer's thread as one transaction: all of it happens or, when it fails, nothing.
    ///
    /// # Errors
    ///
    /// The work's own, and the commit's.
    pub async fn write<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, WriteError> {
        self.shared.writer.write(f).await
    }

    /// Moves what is in the log into the database, and empties the log: what was removed is in no file then. It waits
    /// for readers that are in the way, and says in the server's own log when one stays there too long.
    pub async fn empty_log(&self) {
        self.shared.writer.empty_log().await;
    }

    /// Commits what waits, takes no more, and ends the writer.
    pub async fn close(&self) {
        self.shared.writer.close().await;
    }

    /// Whether the writer is there. Without it nothing can be taken.
    pub fn is_writer_alive(&self) -> bool {
        self.shared.writer.is_alive()
    }

    /// Has the writer look whether there is room on the disk, as it does before each commit: what
    /// [`figures`](Self::figures) say of it is right a moment later, though nothing is sent meanwhile.
    pub fn look_at_disk(&self) {
        self.shared.writer.look_at_disk();
    }

    /// Changes how much has to be free on the disk for more to be taken.
    pub fn set_min_free(&self, bytes: u64) {
        self.shared.writer.set_min_free(bytes);
    }

    /// What the writer has done so far.
    pub fn figures(&self) -> WriterFigures {
        self.shared.writer.figures()
    }
}

fn prepare(connection: &Connection, durable: bool) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let synchronous = if durable { "FULL" } else { "NORMAL" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    // A checkpoint after 16 MiB, and no log that stays larger than 64.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.pragma_update(None, "cache_size", -65_536)?;
    // What is removed is overwritten: a person who is forgotten is not left in a free page.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Makes a file that its owner alone reads, unless it is there already.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Bytes that nobody can guess.
pub(crate) fn random_bytes<const N: usize>() -> rusqlite::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    Ok(bytes)
}

/// Whether it failed because there is no room on the disk, or the disk does not write.
fn is_disk_full(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure)
    )
}
