//! A directory that is held open, and the files in it. Each file is checked after it was opened, because a name may lead to
//! something that somebody else has put there, and to something else the next time.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, Mode, OFlags};

/// Opening does not block, follows no link, and child programs do not inherit the file.
const SAFELY: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

/// Write permission for everybody. The group's is harmless: only the owner or root can have given it, and volumes of a
/// cluster get it at each start.
const EVERYBODY_WRITES: u32 = 0o002;

/// Distinguishes a file or directory from any other with the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    number: u64,
}

impl FileId {
    pub(super) fn of(meta: &Metadata) -> Self {
        Self {
            device: meta.dev(),
            number: meta.ino(),
        }
    }
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Open {
    Read,
    Write,
    /// For writing; made if there is none.
    WriteOrCreate,
    /// For writing; an error if there is one.
    Create,
}

#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    dir: File,
    id: FileId,
}

impl Folder {
    /// Opens a directory of this user's.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = SAFELY | OFlags::DIRECTORY;
        let dir = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits() as i32)
            .open(path)?;
        let meta = dir.metadata()?;
        judge(&meta)?;
        Ok(Self {
            path: path.to_owned(),
            id: FileId::of(&meta),
            dir,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn id(&self) -> FileId {
        self.id
    }

    /// Whether its name still leads here, as far as can be seen: an error that says nothing about it does not count.
    pub(super) fn is_in_place(&self) -> bool {
        match fs::symlink_metadata(&self.path) {
            Ok(meta) => FileId::of(&meta) == self.id,
            Err(error) => !is_absence(&error),
        }
    }

    /// Opens a regular file of this user's.
    pub(super) fn open_file(&self, name: &str, how: Open) -> io::Result<File> {
        let flags = match how {
            Open::Read => OFlags::RDONLY,
            Open::Write => OFlags::WRONLY,
            Open::WriteOrCreate => OFlags::WRONLY | OFlags::CREATE,
            Open::Create => OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL,
        };
        let mode = Mode::RUSR | Mode::WUSR;
        let file = File::from(rustix::fs::openat(&self.dir, name, flags | SAFELY, mode)?);
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(refused("is not a regular file"));
        }
        judge(&meta)?;
        Ok(file)
    }

    /// What is there under a name, and its size; `None` when nothing is.
    pub(super) fn look(&self, name: &str) -> io::Result<Option<(FileId, u64)>> {
        match fs::symlink_metadata(self.path.join(name)) {
            Ok(meta) => Ok(Some((FileId::of(&meta), meta.len()))),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The names in it.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.dir)? {
            // A name that is no UTF-8 is none of ours.
            if let Ok(name) = entry?.file_name().to_str()
                && name != "."
                && name != ".."
            {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// Moves a file of another directory here, under a name that nothing has.
    pub(super) fn take_file(&self, from: &Self, name: &str, new: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&from.dir, name, &self.dir, new)?)
    }

    pub(super) fn remove_file(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.dir, name, AtFlags::empty())?)
    }

    /// Makes the names in it survive a power loss.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.dir.sync_all()
    }
}

/// Where the next bytes of a file are that are no hole, at `at` or behind it; `None` when there are none.
#[cfg(any(target_vendor = "apple", target_os = "freebsd", target_os = "linux"))]
pub(super) fn next_data(file: &File, at: u64) -> Option<u64> {
    match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(at)) {
        Ok(data) => Some(data),
        Err(rustix::io::Errno::NXIO) => None,
        // A file system that cannot tell.
        Err(_) => Some(at),
    }
}

#[cfg(not(any(target_vendor = "apple", target_os = "freebsd", target_os = "linux")))]
#[expect(clippy::unnecessary_wraps, reason = "other systems can tell")]
pub(super) const fn next_data(_: &File, at: u64) -> Option<u64> {
    Some(at)
}

/// Whether everybody may add to a directory, and remove what is in it.
pub(super) fn can_be_written_by_everybody(dir: &Path) -> bool {
    fs::metadata(dir).is_ok_and(|meta| meta.mode() & EVERYBODY_WRITES != 0)
}

/// Makes the names in a directory survive a power loss.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Refuses files that others may have written.
fn judge(meta: &Metadata) -> io::Result<()> {
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused("belongs to another user"));
    }
    if meta.mode() & EVERYBODY_WRITES != 0 {
        return Err(refused("is world-writable"));
    }
    Ok(())
}

fn refused(fault: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, fault)
}

fn is_absence(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}
