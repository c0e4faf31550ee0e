//! The lock that tells whether a slot's owner is alive.
//!
//! A record lock (`fcntl`) belongs to the process, so a forked child has none of its parent's, and the parent's end
//! frees the slot while the child lives; a lock of `flock` would live on in the child. The price: a process always gets
//! a record lock of its own again, and loses it when it closes the file, however often it has it open. So what this
//! process holds is noted, and its files are not opened a second time.

use std::fs::File;
use std::io;
use std::sync::LazyLock;

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;

use super::folder::{FileId, Folder, Open};
use crate::base::lock::ForkLock;
use crate::base::process::Process;

pub(super) const NAME: &str = "lock";

/// The slots that this process holds. A child inherits the list, so each entry names its process.
static HELD: LazyLock<ForkLock<Vec<(Process, FileId)>>> = LazyLock::new(ForkLock::default);

/// Unlocked by the system when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct SlotLock {
    // Closed before the slot is free for others of this process, whose lock the closing would take.
    file: File,
    _claim: Claim,
}

/// Why a slot is not locked.
#[derive(Debug)]
pub(super) enum LockError {
    /// Its owner lives.
    Held,
    /// The file system cannot lock, so live and ended owners look the same.
    Unsupported(io::Error),
    Io(io::Error),
}

impl From<io::Error> for LockError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl SlotLock {
    /// Locks a slot by its lock file, which is made for a new one.
    pub(super) fn take(slot: &Folder, how: Open) -> Result<Self, LockError> {
        let claim = Claim::new(slot.id()).ok_or(LockError::Held)?;
        let file = slot.open_file(NAME, how)?;
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::AGAIN | Errno::ACCESS) => return Err(LockError::Held),
            Err(error) => return Err(LockError::Unsupported(error.into())),
        }
        let lock = Self {
            file,
            _claim: claim,
        };
        // The previous owner may have removed the file between its opening and its locking.
        if lock.is_of(slot) {
            Ok(lock)
        } else {
            Err(LockError::Held)
        }
    }

    /// Whether this process still holds the lock of the slot: the file may have been removed, or closed by the host.
    pub(super) fn is_held(&self, slot: &Folder) -> bool {
        let locked = fcntl_lock(&self.file, FlockOperation::NonBlockingLockExclusive);
        !matches!(locked, Err(Errno::AGAIN | Errno::ACCESS)) && self.is_of(slot)
    }

    /// Makes the lock file again if it was removed, and locks it; returns whether that was done. If there is one, the slot
    /// belongs to its maker.
    pub(super) fn make_again(&mut self, slot: &Folder) -> bool {
        let Ok(file) = slot.open_file(NAME, Open::Create) else {
            return false;
        };
        if fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return false;
        }
        self.file = file;
        self.is_of(slot)
    }

    fn is_of(&self, slot: &Folder) -> bool {
        match (slot.look(NAME), self.file.metadata()) {
            (Ok(there), Ok(meta)) => there.is_some_and(|(id, _)| id == FileId::of(&meta)),
            // It cannot be looked at, which says nothing.
            (Err(_), _) | (_, Err(_)) => true,
        }
    }
}

/// A slot's place in the list of this process.
#[derive(Debug)]
struct Claim(Process, FileId);

impl Claim {
    /// `None` when a logger of this process has the slot, or, in a forked child, when that cannot be known.
    fn new(slot: FileId) -> Option<Self> {
        let entry = (Process::current(), slot);
        let mut held = HELD.lock()?;
        if held.contains(&entry) {
            return None;
        }
        held.push(entry);
        Some(Self(entry.0, entry.1))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(mut held) = HELD.lock() {
            held.retain(|entry| *entry != (self.0, self.1));
        }
    }
}
