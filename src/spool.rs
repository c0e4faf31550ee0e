//! Keeps queued events on disk until the ingest has confirmed them: [`Spool`] and its limits.
//!
//! # How it works
//!
//! ```text
//! queue ─► worker ─► gate ─► ingest
//!            │ ▲
//!  write, ended, let go │ read back
//!            ▼ │
//!          thread ─► <dir>/<tag>-<random>/{lock, <time>-<n>.log, <time>-<n>.done}
//! ```
//!
//! Every 100 ms, independently of sending, the worker takes the queued events, runs the hook, and passes each segment (a
//! run of events) to the spool's thread through a weak reference, so events that are delivered before the disk is ready
//! are never written. The worker keeps the segment in memory. At the same interval it reports which events have ended; the
//! thread notes them in the list (`.done`) beside their file, and removes a file whose events have all ended. When memory
//! is half full, the worker releases segments that are on disk, the newest first. It reads the oldest back when there is
//! room and the gate is open. Files of owners that have ended move into the directory of the owner that finds them.
//!
//! The tag names the wire and, on the mcpeye wire, its project: events wait for a logger with the same tag.
//!
//! # Why it works this way
//!
//! - **A log of its own**, with `crc32fast` (2 more crates) and `rustix` (2 more). The work is that of a
//!   queue: append, forget, read once after a restart. `redb` 4.5 (1 crate, 10 s to build, needs Rust 1.90) is a B-tree
//!   whose file does not shrink by itself. What it has not committed durably is lost with the process, so an interval of
//!   100 ms would mean ten syncs a second, and a damaged page costs the branch below it. `fjall` 3.1 (42 crates, 33 s) is an
//!   LSM tree with threads and a compaction that a queue does not need.
//! - **One record per event**, with a mark that no UTF-8 text contains, a checksum, and its number in the file. Damage
//!   costs only the damaged records; the reader searches for the next intact one.
//! - **No file refers to another.** The list of ended events is beside the file it describes, and the events are removed
//!   before the list. A crash between any two steps costs at most a repeated delivery.
//! - **New files only.** What an earlier owner left is read and removed, never appended to, so nothing is ever written
//!   after a torn record. The bytes of a failed write are cut off again.
//! - **Directories are synced** for each new file, because its name would otherwise not survive a power loss.
//! - **A sub-directory for each owner.** The owner that gets its lock moves the files, so a server that was killed a thousand
//!   times leaves no open descriptors to pay for. The system releases the lock when the process ends, however it ends and
//!   whatever children it has forked (`lock.rs`).
//! - **Files are checked again**: each before it is appended to, and all of them every second, before a flush is answered
//!   and at the end. Files that somebody has removed, moved, cut or replaced are written again from memory, as far as their
//!   events are still there. After a failed sync the next one would succeed without the bytes, so they go to another file.
//! - **The content of a file is checked, not its location.** Directories and files are opened without following links and
//!   without waiting, and must be regular ones of this user that not everybody can write; anything else is left alone. A
//!   file is read in pieces of 8 MiB, up to the spool's bound, and in linear time (`record.rs`). The rest is logged and
//!   counted as a fault, and a file without an event up to the bound is left alone. Events pass the redactor again: only this
//!   user can write the files, but the rules may have become stricter, and a record that is not an event would break the
//!   request it is sent in.
//! - **Ages on disk use a monotonic clock**: the time for which this process has kept the events. The wall-clock age of an
//!   event that was read back counts only once the ingest has answered a request with it, because a network outage at a
//!   restart does not make that clock trustworthy.
//! - **The bound applies to whole files**, the oldest first. Their events that are still in memory are delivered from there.
//! - **While nothing can be written, the worker leaves events in the queue**, where `when_full` can choose among them,
//!   and offers what it holds again every second.
//! - **Forgotten events are overwritten in place**, ended ones included, by a record of the same length without content: no
//!   file moves, and the next owner sees no damage. Segments that are written later omit them.
//! - **A flush also waits for events on disk**, and a shutdown uses its time for them.

mod dir;
pub(crate) mod disk;
mod erasure;
mod extents;
#[cfg(unix)]
mod folder;
#[cfg(not(unix))]
#[path = "spool/folder_by_path.rs"]
mod folder;
#[cfg(unix)]
mod lock;
#[cfg(not(unix))]
#[path = "spool/lock_by_handle.rs"]
mod lock;
mod log;
mod matches;
mod read_back;
mod record;
mod recovery;
mod scan;
mod store;
mod takeover;

pub(crate) use erasure::Erased;
pub(crate) use matches::Matches;
pub(crate) use read_back::Loaded;
pub(crate) use recovery::Adopted;
pub(crate) use store::Store;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::log as lines;
use crate::error::BuildError;
use dir::{DirError, SpoolDir};
use store::StoreSettings;

/// The most bytes that a spool keeps on disk: enough for hours of outage on a busy server, and little for a disk.
pub const DEFAULT_MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The least that `max_bytes` may be: a few events of the largest size.
pub const MIN_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// The age at which an event in a spool is dropped.
pub const DEFAULT_MAX_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long an event is only in memory: a process that is killed loses the events of this time.
pub(crate) const WRITE_INTERVAL: Duration = Duration::from_millis(100);

/// Keeps queued events on disk, redacted, until the ingest has confirmed them.
///
/// Given to [`Builder::spool`](crate::Builder::spool). However the process ends, the next logger with the same directory and
/// wire delivers the events that were undelivered, with the same ids. During a long outage the disk holds the events that
/// memory has no room for.
///
/// # What is promised
///
/// - A process that is killed loses at most the events of its last 100 ms, because queued events are written that often,
///   independently of sending. A slower disk (a sync under load may take longer) adds its delay. Events that
///   [`flush_to_disk`](crate::UsageLogger::flush_to_disk) has confirmed are never lost.
/// - A power loss costs what was not synced: the events of about the last second, and none that
///   `flush_to_disk` has confirmed.
/// - Files that are removed while the logger runs are written again within a second, as far as their events are still in
///   memory; `flush_to_disk` checks the files first, and [says](crate::SpoolError::Lost) what is lost for good.
/// - Delivery is at least once. After a kill the ingest may receive again events that it confirmed in the last
///   100 ms, under the same ids.
/// - A disk that is full, slow or gone never stops delivery, which then goes on from memory.
///
/// # The directory
///
/// Several processes, and several loggers in one process, may share a directory: each locks a sub-directory of its own in it
/// (mode 0700, files 0600). When an owner has ended, another logger of the same user takes over what it left. Files of
/// other users, and those that everybody can write, are left alone, and logged. A directory that everybody can write, such
/// as a volume of mode 0777, is used with a warning. Events wait for a logger of the same wire, so give loggers that send
/// to different places different directories. Network file systems often cannot lock, or keep no owners;
/// [`build`](crate::Builder::build) then fails.
#[derive(Debug, Clone)]
#[must_use = "a spool does nothing until it is given to a builder"]
pub struct Spool {
    dir: PathBuf,
    max_bytes: u64,
    max_age: Duration,
}

impl Spool {
    /// Begins to configure a spool in a directory, which is created (mode 0700) if it does not exist.
    pub fn dir(path: impl Into<PathBuf>) -> Self {
        Self {
            dir: path.into(),
            max_bytes: DEFAULT_MAX_BYTES,
            max_age: DEFAULT_MAX_AGE,
        }
    }

    /// Sets how many bytes this logger keeps on disk. Beyond that the oldest events are dropped, some
    /// thousand at a time, as [`SpoolFull`](crate::DropReason::SpoolFull). Default:
    /// [`DEFAULT_MAX_BYTES`]; at least [`MIN_MAX_BYTES`].
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets how old an event may get before it is dropped as
    /// [`Expired`](crate::DropReason::Expired), in place of `max_event_age`. Events of an earlier process may seem older
    /// than they are, because that process's clock may have been wrong: they are kept until the ingest has answered a
    /// request with them, whatever the answer, or until this process has kept them for that long. Default:
    /// [`DEFAULT_MAX_AGE`]; 1 s to 30 days, and longer than `flush_interval`.
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.max_bytes
    }

    pub(crate) const fn age(&self) -> Duration {
        self.max_age
    }

    /// Makes a sub-directory for this owner. An error that may pass (no space, no permission) does not
    /// fail the build: delivery then goes on from memory, and the spool is tried again.
    pub(crate) fn open(self, tag: String) -> Result<Store, BuildError> {
        let refuse = |path, fault, source| {
            Err(BuildError::Spool {
                path,
                fault,
                source,
            })
        };
        let dir = match SpoolDir::create_or_take(&self.dir, &tag) {
            Ok(dir) => Some(dir),
            Err(DirError::Unfit(fault, error)) => return refuse(self.dir, fault, error),
            Err(DirError::Io(error)) if is_permanent(&self.dir, &error) => {
                return refuse(self.dir, "is no directory", error);
            }
            Err(DirError::Io(error)) => {
                let path = self.dir.display();
                let _ = lines::error(format_args!(
                    "the usage spool {path} cannot be used, events are kept in memory: {error}"
                ));
                None
            }
        };
        if folder::can_be_written_by_everybody(&self.dir) {
            let path = self.dir.display();
            let _ = lines::warn(format_args!(
                "the usage spool {path} is world-writable; other users can delete its files"
            ));
        }
        let settings = StoreSettings {
            root: self.dir,
            tag,
            max_bytes: self.max_bytes,
            max_age: self.max_age,
        };
        Ok(Store::new(settings, dir))
    }
}

/// Whether the error is permanent: the path is not a directory, or is invalid.
fn is_permanent(dir: &Path, error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, NotADirectory};
    dir.as_os_str().is_empty()
        || (dir.exists() && !dir.is_dir())
        || matches!(error.kind(), NotADirectory | InvalidInput)
}

/// Checks that a spool's directory can be written to: writes a file and removes it.
pub(crate) fn probe(dir: &Path) -> io::Result<()> {
    let path = dir.join(format!("check-{:016x}", crate::base::random::seed()));
    let mut file = dir::private_file().create_new(true).open(&path)?;
    let written = io::Write::write_all(&mut file, b"check").and_then(|()| file.sync_all());
    std::fs::remove_file(&path)?;
    written
}
