//! The lock that tells whether a slot's owner is alive, where the system is no Unix and no process forks.

use std::fs::File;
use std::io;

use fs4::{FileExt, TryLockError};

use super::folder::{Folder, Open};

pub(super) const NAME: &str = "lock";

/// Unlocked by the system when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct SlotLock {
    _file: File,
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
        let file = slot.open_file(NAME, how)?;
        match FileExt::try_lock(&file) {
            Ok(()) if matches!(slot.look(NAME), Ok(Some(_))) => Ok(Self { _file: file }),
            Ok(()) | Err(TryLockError::WouldBlock) => Err(LockError::Held),
            Err(TryLockError::Error(error)) => Err(LockError::Unsupported(error)),
        }
    }

    #[expect(clippy::unused_self, reason = "a handle's lock is never lost")]
    pub(super) fn is_held(&self, slot: &Folder) -> bool {
        matches!(slot.look(NAME), Ok(Some(_)))
    }
    /// Makes the lock file again if it was removed, and locks it; returns whether that was done. If there is one, the slot
    /// belongs to its maker.
    pub(super) fn make_again(&mut self, slot: &Folder) -> bool {
        let again = Self::take(slot, Open::Create);
        let is_made = again.is_ok();
        if let Ok(again) = again {
            *self = again;
        }
        is_made
    }
}
