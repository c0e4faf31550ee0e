//! A copy of the database, made while the server goes on.

use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::BUSY_TIMEOUT;
use super::audit::{COMMAND_LINE, audit};

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{0}: there is a file already")]
    Exists(PathBuf),
    #[error("{path}: {error}")]
    Sqlite {
        path: PathBuf,
        error: rusqlite::Error,
    },
    #[error("{path}: {error}")]
    File {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("the database is locked by another program")]
    Locked,
}

/// Copies the database at `from` to `to`, which must not exist. The copy has its name only once it is whole and the audit
/// of `from` says that it was made.
///
/// # Errors
///
/// When a file cannot be read or written.
pub fn backup(from: &Path, to: &Path, now_ms: i64) -> Result<(), BackupError> {
    if to.exists() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let mut unfinished = to.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    let copied = copy(from, &unfinished).and_then(|()| write_line(from, now_ms));
    let named = copied.and_then(|()| {
        std::fs::rename(&unfinished, to).map_err(|error| BackupError::File {
            path: to.to_owned(),
            error,
        })
    });
    if named.is_err() {
        let _ = std::fs::remove_file(&unfinished);
    }
    named
}

/// By a connection of its own, and not by a `Store`, which would bring the schema of a running server up to date.
fn write_line(database: &Path, now_ms: i64) -> Result<(), BackupError> {
    let write = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(database, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        audit(&tx, now_ms, 0, COMMAND_LINE, "copied the database", "")?;
        tx.commit()
    };
    write().map_err(|error| BackupError::Sqlite {
        path: database.to_owned(),
        error,
    })
}

fn copy(from: &Path, to: &Path) -> Result<(), BackupError> {
    let of = |path: &Path| {
        let path = path.to_owned();
        move |error| BackupError::Sqlite { path, error }
    };
    let source = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, source).map_err(of(from))?;
    super::create_private(to).map_err(|error| BackupError::File {
        path: to.to_owned(),
        error,
    })?;
    let mut copy = Connection::open(to).map_err(of(to))?;
    {
        let backup = Backup::new(&source, &mut copy).map_err(of(to))?;
        // All in one step, which reads one state: with several it would begin anew after each commit.
        match backup.step(-1).map_err(of(to))? {
            StepResult::Done => {}
            _ => return Err(BackupError::Locked),
        }
    }
    copy.close().map_err(|(_, error)| of(to)(error))
}
