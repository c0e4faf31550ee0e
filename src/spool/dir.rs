//! The sub-directory of one owner, its slot. Its lock tells whether the owner is alive.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::folder::{Folder, Open, sync_dir};
use super::lock::{self, LockError, SlotLock};
use crate::base::random;

/// A sub-directory that nobody else writes to while this value lives.
#[derive(Debug)]
pub(crate) struct SpoolDir {
    folder: Arc<Folder>,
    lock: SlotLock,
}

/// Why there is no directory.
#[derive(Debug)]
pub(crate) enum DirError {
    /// It can never be a spool's directory, so a retry is useless.
    Unfit(&'static str, io::Error),
    Io(io::Error),
}

impl From<io::Error> for DirError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl SpoolDir {
    /// Makes a sub-directory of `root` for a new owner; one that an ended owner has left serves where none can be made:
    /// perhaps it is what fills the disk.
    pub(crate) fn create_or_take(root: &Path, tag: &str) -> Result<Self, DirError> {
        Self::create(root, tag).or_else(|error| {
            let mut left = match error {
                DirError::Io(_) => slots(root, tag).unwrap_or_default().into_iter(),
                DirError::Unfit(..) => return Err(error),
            };
            left.find_map(|path| Self::take_over(&path).ok().flatten())
                .ok_or(error)
        })
    }

    fn create(root: &Path, tag: &str) -> Result<Self, DirError> {
        let mut builder = private_dir();
        builder.recursive(true).create(root)?;
        // Before it is locked, a new directory looks abandoned, so another process may take it over.
        for _ in 0..8 {
            let path = root.join(format!("{tag}-{:016x}", random::seed()));
            match private_dir().create(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error.into()),
            }
            match Self::lock_new(&path) {
                Ok(dir) => {
                    sync_dir(root)?;
                    return Ok(dir);
                }
                Err(DirError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let _ = fs::remove_file(path.join(lock::NAME));
                    let _ = fs::remove_dir(&path);
                    return Err(error);
                }
            }
        }
        Err(io::Error::from(io::ErrorKind::AlreadyExists).into())
    }

    /// Locks a directory that was just made.
    fn lock_new(path: &Path) -> Result<Self, DirError> {
        let folder = Folder::open(path).map_err(|error| match error.kind() {
            // What is left there could not be told from what others have put there.
            io::ErrorKind::PermissionDenied => DirError::Unfit("keeps no owner and mode", error),
            _ => error.into(),
        })?;
        match SlotLock::take(&folder, Open::Create) {
            Ok(lock) => Ok(Self {
                folder: Arc::new(folder),
                lock,
            }),
            Err(LockError::Held) => Err(io::Error::from(io::ErrorKind::NotFound).into()),
            Err(LockError::Unsupported(error)) => Err(DirError::Unfit("cannot be locked", error)),
            Err(LockError::Io(error)) => Err(error.into()),
        }
    }

    /// Takes over a sub-directory whose owner has ended; `None` if the owner lives, or nothing was left. An error
    /// means that it seems to belong to somebody else.
    pub(crate) fn take_over(path: &Path) -> io::Result<Option<Self>> {
        let folder = match Folder::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            folder => Arc::new(folder?),
        };
        match SlotLock::take(&folder, Open::Write) {
            Ok(lock) => Ok(Some(Self { folder, lock })),
            Err(LockError::Held) => Ok(None),
            Err(LockError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                Self::take_without_lock(folder)
            }
            Err(LockError::Unsupported(error) | LockError::Io(error)) => Err(error),
        }
    }

    /// A directory without a lock file is empty: its owner is about to lock it, or ended before it could. Where there
    /// is more, somebody has removed the lock, and an owner that lives finds that out.
    fn take_without_lock(folder: Arc<Folder>) -> io::Result<Option<Self>> {
        if folder.names()?.is_empty() {
            let _ = fs::remove_dir(folder.path());
            return Ok(None);
        }
        match SlotLock::take(&folder, Open::WriteOrCreate) {
            Ok(lock) => Ok(Some(Self { folder, lock })),
            Err(LockError::Held) => Ok(None),
            Err(LockError::Unsupported(error) | LockError::Io(error)) => Err(error),
        }
    }

    pub(super) fn folder(&self) -> &Arc<Folder> {
        &self.folder
    }

    /// Whether the directory is where it was, and locked by us.
    pub(super) fn is_ours(&self) -> bool {
        self.folder.is_in_place() && self.lock.is_held(&self.folder)
    }

    /// Locks the directory again if it is in place, and only its lock was removed; returns whether that was done.
    pub(super) fn lock_again(&mut self) -> bool {
        self.folder.is_in_place() && self.lock.make_again(&self.folder)
    }

    /// Removes the directory, unless it holds more than the lock.
    pub(crate) fn remove(self) {
        let only_lock = (self.folder.names()).is_ok_and(|names| names == [lock::NAME]);
        if only_lock && self.folder.is_in_place() {
            let _ = self.folder.remove_file(lock::NAME);
            let _ = fs::remove_dir(self.folder.path());
        }
    }
}

/// The sub-directories of `root` for owners with this tag.
pub(super) fn slots(root: &Path, tag: &str) -> io::Result<Vec<PathBuf>> {
    let mut slots = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().and_then(|name| name.rsplit_once('-'));
        if name.is_some_and(|(its, _)| its == tag) {
            slots.push(entry.path());
        }
    }
    Ok(slots)
}

/// Opens files for writing that only this user can read.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg_attr(not(unix), expect(unused_mut, reason = "permissions are Unix's"))]
fn private_dir() -> DirBuilder {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}
