//! The sub-directory of one owner. Its lock tells whether the owner is alive.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use fs4::{FileExt, TryLockError};

use crate::base::random;

const LOCK: &str = "lock";

/// A sub-directory that nobody else writes to while this value lives.
#[derive(Debug)]
pub(crate) struct SpoolDir {
    path: PathBuf,
    /// Unlocked by the system when the process ends, however it ends.
    _lock: File,
}

/// Why there is no directory.
#[derive(Debug)]
pub(crate) enum DirError {
    /// The file system cannot lock, so live and ended owners look the same.
    Lock(io::Error),
    Io(io::Error),
}

impl From<io::Error> for DirError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl SpoolDir {
    /// Makes a sub-directory of `root` for a new owner.
    pub(crate) fn create(root: &Path, tag: &str) -> Result<Self, DirError> {
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
            match lock(&path, true) {
                Ok(Some(lock)) => {
                    sync_dir(root)?;
                    return Ok(Self { path, _lock: lock });
                }
                Ok(None) => {}
                Err(DirError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let _ = fs::remove_file(path.join(LOCK));
                    let _ = fs::remove_dir(&path);
                    return Err(error);
                }
            }
        }
        Err(io::Error::from(io::ErrorKind::AlreadyExists).into())
    }

    /// Takes over the sub-directories of `root` whose owners have ended.
    pub(crate) fn take_over(root: &Path, tag: &str) -> io::Result<Vec<Self>> {
        let mut dirs = Vec::new();
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            let name = entry.file_name();
            let has_tag = name
                .to_str()
                .and_then(|name| name.rsplit_once('-'))
                .is_some_and(|(its, _)| its == tag);
            if !has_tag || !entry.file_type()?.is_dir() {
                continue;
            }
            let path = entry.path();
            match lock(&path, false) {
                Ok(Some(lock)) => dirs.push(Self { path, _lock: lock }),
                // A directory without a lock file is empty: its owner is about to lock it, or ended
                // before it could.
                Err(DirError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                    let _ = fs::remove_dir(&path);
                }
                Ok(None) | Err(_) => {}
            }
        }
        Ok(dirs)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the directory, unless it holds more than the lock.
    pub(crate) fn remove(self) {
        let only_lock = fs::read_dir(&self.path).is_ok_and(|entries| entries.count() == 1);
        if only_lock {
            let _ = fs::remove_file(self.path.join(LOCK));
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Locks a directory; `None` when it has a live owner.
fn lock(dir: &Path, create: bool) -> Result<Option<File>, DirError> {
    let path = dir.join(LOCK);
    let file = private_file().create(create).open(&path)?;
    match FileExt::try_lock(&file) {
        // The previous owner may have removed the file between its opening and its locking.
        Ok(()) => Ok(path.exists().then_some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(DirError::Lock(error)),
    }
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

/// Makes the names in a directory survive a power loss.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}
