//! The directory of one owner: a lock says that the owner lives.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use fs4::{FileExt, TryLockError};

use crate::base::random;

const LOCK: &str = "lock";

/// A sub-directory that nobody else writes to while this value lives.
#[derive(Debug)]
pub(crate) struct Slot {
    dir: PathBuf,
    /// Unlocked by the system when the process ends, however it ends.
    _lock: File,
}

/// Why there is no slot.
#[derive(Debug)]
pub(crate) enum NoSlot {
    /// The file system cannot lock, so owners could not be told apart.
    Lock(io::Error),
    Io(io::Error),
}

impl From<io::Error> for NoSlot {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Slot {
    /// Makes a sub-directory of its own for this owner.
    pub(crate) fn take(root: &Path, tag: &str) -> Result<Self, NoSlot> {
        let mut builder = private_dir();
        builder.recursive(true).create(root)?;
        // Another process may take a new directory for an abandoned one before it is locked.
        for _ in 0..8 {
            let dir = root.join(format!("{tag}-{:016x}", random::seed()));
            match private_dir().create(&dir) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error.into()),
            }
            match lock(&dir, true) {
                Ok(Some(lock)) => {
                    sync_dir(root)?;
                    return Ok(Self { dir, _lock: lock });
                }
                Ok(None) => {}
                Err(NoSlot::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let _ = fs::remove_file(dir.join(LOCK));
                    let _ = fs::remove_dir(&dir);
                    return Err(error);
                }
            }
        }
        Err(io::Error::from(io::ErrorKind::AlreadyExists).into())
    }

    /// Takes over the sub-directories whose owners have ended.
    pub(crate) fn orphans(root: &Path, tag: &str) -> io::Result<Vec<Self>> {
        let mut slots = Vec::new();
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            let name = entry.file_name();
            let of_tag = name
                .to_str()
                .and_then(|name| name.rsplit_once('-'))
                .is_some_and(|(its, _)| its == tag);
            if !of_tag || !entry.file_type()?.is_dir() {
                continue;
            }
            let dir = entry.path();
            match lock(&dir, false) {
                Ok(Some(lock)) => slots.push(Self { dir, _lock: lock }),
                // Without a lock there is nothing else: its owner is about to make it, or never will.
                Err(NoSlot::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                    let _ = fs::remove_dir(&dir);
                }
                Ok(None) | Err(_) => {}
            }
        }
        Ok(slots)
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Removes the directory, unless there is still something in it.
    pub(crate) fn remove(self) {
        let only_lock = fs::read_dir(&self.dir).is_ok_and(|entries| entries.count() == 1);
        if only_lock {
            let _ = fs::remove_file(self.dir.join(LOCK));
            let _ = fs::remove_dir(&self.dir);
        }
    }
}

/// Locks a directory; `None` when it has an owner.
fn lock(dir: &Path, create: bool) -> Result<Option<File>, NoSlot> {
    let path = dir.join(LOCK);
    let file = private_file().create(create).open(&path)?;
    match FileExt::try_lock(&file) {
        // The owner before may have removed it meanwhile.
        Ok(()) => Ok(path.exists().then_some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(NoSlot::Lock(error)),
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
