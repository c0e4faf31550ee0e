//! Keeps what is queued on disk until the ingest has confirmed it: [`Spool`] and its limits.
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
//! Every 100 ms, apart from sending, the worker takes what is queued, runs the hook, and hands each segment (a run of
//! events) to the spool's thread, by a weak reference: what is delivered before the disk comes to it is never written.
//! It goes on with the segment in memory. Ended events are told in the same rhythm, and are noted in the list (`.done`)
//! beside their file; a file whose events have all ended is removed. When memory is half full the worker lets go of
//! segments that are on disk, the newest first, and reads the oldest back when there is room and the gate is open.
//! Files of owners that have ended move into the directory of whoever finds them.
//!
//! The tag names the wire and, on the mcpeye wire, its project: events wait for a logger with the same one.
//!
//! # Why it works so
//!
//! - **A log of its own**, some 1 500 lines with `crc32fast` (2 crates more) and `rustix` (2 more). The work is that of a
//!   queue: append, forget, read once after a restart. `redb` 4.5 (1 crate, 10 s to build, needs Rust 1.90) is a B-tree
//!   whose file does not shrink by itself; what it has not committed durably is gone with the process, so that a tick of
//!   100 ms is ten syncs a second, and a damaged page costs the branch below it. `fjall` 3.1 (42 crates, 33 s) is an LSM
//!   tree with threads and a compaction that a queue has no use for.
//! - **One record per event**, with a mark that no UTF-8 text holds, a checksum, and its number in the file. Damage
//!   costs the records it hits; the reader looks for the next one that is whole.
//! - **No file refers to another.** What has ended stands beside the file it is about, and the events are removed
//!   before the list. A crash between any two steps costs a repeated delivery at most.
//! - **New files only.** What an ended owner left is read and removed, never appended to, so nothing is ever written
//!   behind a torn record. A write that fails is cut off again.
//! - **Directories are synced** when a file is new: its name would not survive a power loss otherwise.
//! - **A sub-directory for each owner**, whose files are moved by whoever gets its lock, so that the leavings of a server
//!   that was killed a thousand times cost no descriptors. The system unlocks it when the process ends, however it ends
//!   and whatever children it has forked (`lock.rs`).
//! - **What is relied on is looked at again**: each file before it is appended to, all of them each second, before a
//!   flush is answered and at the end. What somebody has removed, moved, cut or replaced is written anew as far as it is
//!   in memory, too. After a sync that failed the next one succeeds without the bytes, so they go to another file.
//! - **What is read is judged, not where it stands.** Directories and files are opened without following links or
//!   waiting, and must be regular ones of this user that not everybody can write; all else is left alone. A file
//!   is read in pieces of 8 MiB, no further than the spool's bound, and in linear time (`record.rs`); what is behind the
//!   bound is told and counted as a fault, and a file without an event before it is left alone. Events pass the redactor again: whoever can write the files is this
//!   user, but the rules may have become stricter, and a record that is no event would break the request it is sent in.
//! - **Ages on disk are by a clock that nobody sets**: since when this process keeps the events. The wall
//!   clock's age of an event that is read back is looked at once the ingest has answered a request with it: an outage of
//!   the network at a restart is no reason to believe that clock.
//! - **The bound falls on whole files**, the oldest first. Events of theirs that are still in memory are delivered from
//!   there.
//! - **While nothing can be written, the worker leaves events in the queue**, where `when_full` can choose among them,
//!   and offers again each second what it holds.
//! - **Who is forgotten is overwritten in place**, in every record, ended or not, by one of the same length that says
//!   nothing: no file moves, and the next owner sees no damage. A segment that is written later is written without them.
//! - **A flush waits for what is on disk too**, and a shutdown uses its time for it.

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
pub(crate) use store::Store;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::log as lines;
use crate::error::BuildError;
use dir::{DirError, SpoolDir};
use store::StoreSettings;

/// Most bytes that a spool holds on disk: hours of outage of a busy server, and little for a disk.
pub const DEFAULT_MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Least that `max_bytes` may be: a few events of the largest size.
pub const MIN_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// How old an event may get in a spool before it is dropped.
pub const DEFAULT_MAX_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long an event stays in memory alone: a process that is killed loses the events of this time.
pub(crate) const WRITE_INTERVAL: Duration = Duration::from_millis(100);

/// Keeps what is queued on disk, redacted, until the ingest has confirmed it.
///
/// Given to [`Builder::spool`](crate::Builder::spool). What is undelivered when the process ends, by
/// whatever means, is delivered by the next logger with the same directory and wire, with the same
/// ids. During a long outage the disk takes what the memory has no room for.
///
/// # What is promised
///
/// - A process that is killed loses at most the events of its last 100 ms, because queued events are
///   written that often, apart from sending. A disk that is slower than that (a sync under load may take longer)
///   adds its delay. Events that [`flush_to_disk`](crate::UsageLogger::flush_to_disk) has confirmed are never lost.
/// - A power loss costs what was not synced: the events of about the last second, none that
///   `flush_to_disk` has confirmed.
/// - Files that are removed under a running logger are written anew within a second, as far as their events are still in
///   memory; `flush_to_disk` checks the files first, and [says](crate::SpoolError::Lost) what is gone for good.
/// - Delivery is at least once. After a kill the ingest may receive again events that it confirmed in the last
///   100 ms, under the same ids.
/// - A disk that is full, slow or gone never stops delivery, which then goes on from memory.
///
/// # The directory
///
/// Several processes, and several loggers in one, may share a directory: each has a sub-directory of
/// its own in it (mode 0700, files 0600) and locks it. When an owner has ended, another logger of the same user takes over
/// what it left. Files of other users, and those that everybody can write, are left alone, with a line in the log. A directory that everybody can
/// write, such as a volume of mode 0777, is used with a warning. Events wait for a logger that speaks their wire:
/// give loggers that send to different places different directories. Network file systems often
/// cannot lock, or keep no owners; [`build`](crate::Builder::build) then fails.
#[derive(Debug, Clone)]
#[must_use = "a spool does nothing until it is given to a builder"]
pub struct Spool {
    dir: PathBuf,
    max_bytes: u64,
    max_age: Duration,
}

impl Spool {
    /// Begins to configure a spool in a directory, which is made (mode 0700) if there is none.
    pub fn dir(path: impl Into<PathBuf>) -> Self {
        Self {
            dir: path.into(),
            max_bytes: DEFAULT_MAX_BYTES,
            max_age: DEFAULT_MAX_AGE,
        }
    }

    /// Sets how many bytes this logger keeps on disk. Over it the oldest events are dropped, some
    /// thousand at a time, as [`SpoolFull`](crate::DropReason::SpoolFull). Default:
    /// [`DEFAULT_MAX_BYTES`]; at least [`MIN_MAX_BYTES`].
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets how old an event may get before it is dropped as
    /// [`Expired`](crate::DropReason::Expired), in place of `max_event_age`. What an earlier process has
    /// left may seem older than it is, since that process's clock may have been wrong: it is kept until the
    /// ingest has answered a request with it, whatever the answer, or until this process has had it for as
    /// long. Default: [`DEFAULT_MAX_AGE`]; 1 s to 30 days, and longer than `flush_interval`.
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
                "the usage spool {path} can be written by everybody, who may remove what is in it"
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

/// Whether the error is permanent: the path is no directory, or is invalid.
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
