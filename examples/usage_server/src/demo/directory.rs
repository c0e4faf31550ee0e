//! Where a demo has its database: in a directory that is gone with it.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};

const PREFIX: &str = "usage-demo-";
/// Held by the demo whose directory it is.
const LOCK: &str = "lock";

/// A directory of its own, which its owner alone reads. What a demo has left that was killed is removed by the next.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Makes it among the temporary files.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn make() -> io::Result<Self> {
        Self::make_in(&std::env::temp_dir())
    }

    fn make_in(parent: &Path) -> io::Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        let path = parent.join(format!("{PREFIX}{:016x}", u64::from_ne_bytes(random)));
        #[cfg_attr(not(unix), expect(unused_mut, reason = "elsewhere it has no mode"))]
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        let lock = File::create(path.join(LOCK))?;
        is_locked_now(&lock);
        // Ours is locked, and is not among them.
        remove_left(parent, &path);
        Ok(Self { path, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes directories of the same owner whose demo has ended. What fails stays for the next.
fn remove_left(parent: &Path, ours: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_demo = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX));
        let path = entry.path();
        if !is_demo || path == ours || !has_same_owner(&path, ours) {
            continue;
        }
        // One that is being made has no lock yet.
        if let Ok(lock) = File::open(path.join(LOCK))
            && is_locked_now(&lock)
        {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// Locks a file unless another process holds it. The end of a process, however it comes, gives its locks back.
#[cfg(unix)]
fn is_locked_now(file: &File) -> bool {
    use rustix::fs::{FlockOperation, flock};
    flock(file, FlockOperation::NonBlockingLockExclusive).is_ok()
}

#[cfg(not(unix))]
fn is_locked_now(_: &File) -> bool {
    false
}

/// Whether both are directories, and no links to one, of the same user.
#[cfg(unix)]
fn has_same_owner(path: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let owner = |path| {
        let directory = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_dir);
        directory.map(|directory| directory.uid())
    };
    owner(path).is_some() && owner(path) == owner(other)
}

#[cfg(not(unix))]
fn has_same_owner(_: &Path, _: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_demo_has_left_is_removed_by_the_next_and_what_runs_stays() {
        let parent = std::env::temp_dir().join(format!("usage-demos-{}", std::process::id()));
        fs::create_dir_all(&parent).unwrap();
        let running = Directory::make_in(&parent).unwrap();
        let left = parent.join("usage-demo-0");
        let being_made = parent.join("usage-demo-1");
        let elsewhere = parent.join("elsewhere");
        for directory in [&left, &being_made, &elsewhere] {
            fs::create_dir(directory).unwrap();
        }
        fs::write(left.join(LOCK), "").unwrap();
        fs::write(left.join("usage.db"), "a month").unwrap();
        fs::write(elsewhere.join(LOCK), "").unwrap();
        std::os::unix::fs::symlink(&elsewhere, parent.join("usage-demo-2")).unwrap();
        let next = Directory::make_in(&parent).unwrap();
        assert!(!left.exists());
        for kept in [running.path(), next.path(), &being_made, &elsewhere] {
            assert!(kept.exists(), "{}", kept.display());
        }
        let gone = next.path().to_owned();
        drop(next);
        assert!(!gone.exists() && running.path().exists());
        fs::remove_dir_all(&parent).unwrap();
    }
}
