//! A directory and its files where the system is no Unix: reached by their paths, and not judged by owner and mode.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Tells a file from none: its name is all there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId;

impl FileId {
    pub(super) fn of(_: &Metadata) -> Self {
        Self
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
}

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if !fs::symlink_metadata(path)?.is_dir() {
            return Err(refused("is no directory"));
        }
        let path = path.to_owned();
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether its name still leads here.
    pub(super) fn is_in_place(&self) -> bool {
        match fs::symlink_metadata(&self.path) {
            Ok(meta) => meta.is_dir(),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Opens a regular file.
    pub(super) fn open_file(&self, name: &str, how: Open) -> io::Result<File> {
        let path = self.path.join(name);
        if fs::symlink_metadata(&path).is_ok_and(|meta| !meta.is_file()) {
            return Err(refused("is not a regular file"));
        }
        OpenOptions::new()
            .read(how == Open::Read)
            .write(how != Open::Read)
            .create(how == Open::WriteOrCreate)
            .create_new(how == Open::Create)
            .open(path)
    }

    /// What is there under a name, and its size; `None` when nothing is.
    pub(super) fn look(&self, name: &str) -> io::Result<Option<(FileId, u64)>> {
        match fs::symlink_metadata(self.path.join(name)) {
            Ok(meta) => Ok(Some((FileId, meta.len()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The names in it.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    /// Moves a file of another directory here, under a name that nothing has.
    pub(super) fn take_file(&self, from: &Self, name: &str, new: &str) -> io::Result<()> {
        fs::rename(from.path.join(name), self.path.join(new))
    }

    pub(super) fn remove_file(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "names are synced on Unix"
    )]
    pub(super) const fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Where the next bytes of a file are that are no hole, which cannot be told here.
#[expect(clippy::unnecessary_wraps, reason = "it can be told on Unix")]
pub(super) const fn next_data(_: &File, at: u64) -> Option<u64> {
    Some(at)
}

pub(super) const fn can_be_written_by_everybody(_: &Path) -> bool {
    false
}

#[expect(clippy::unnecessary_wraps, reason = "names are synced on Unix")]
pub(super) const fn sync_dir(_: &Path) -> io::Result<()> {
    Ok(())
}

fn refused(fault: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, fault)
}
