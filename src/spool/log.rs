//! One log file, and the list beside it of the events that have ended.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dir::{SpoolDir, private_file, sync_dir};
use super::extents::LogKey;
use super::record::{self, ENTRY};

/// A log file.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) dir: Arc<SpoolDir>,
    pub(super) path: PathBuf,
    /// Open while records are appended.
    pub(super) file: Option<File>,
    pub(super) bytes: u64,
    pub(super) next_ordinal: u32,
    /// How many of its events have not ended.
    pub(super) alive: u64,
    pub(super) ended: EndedList,
    has_unsynced_bytes: bool,
    /// A power loss may still lose the file's name.
    has_unsynced_name: bool,
}

/// The list of a file's ended events.
#[derive(Debug, Default)]
pub(super) struct EndedList {
    file: Option<File>,
    bytes: u64,
    /// Ended, and not yet in the list.
    pub(super) unsaved: Vec<Range<u32>>,
}

impl Log {
    /// Creates a file to write to.
    pub(super) fn create(dir: &Arc<SpoolDir>, key: LogKey) -> io::Result<Self> {
        let path = dir.path().join(format!("{:013}-{:06}.log", key.0, key.1));
        let file = private_file().create_new(true).open(&path)?;
        Ok(Self {
            file: Some(file),
            has_unsynced_name: true,
            ..Self::found(Arc::clone(dir), path, 0, 0)
        })
    }

    /// A file of an ended owner, which is only read.
    pub(super) fn found(dir: Arc<SpoolDir>, path: PathBuf, bytes: u64, list_bytes: usize) -> Self {
        Self {
            dir,
            path,
            file: None,
            bytes,
            next_ordinal: 0,
            alive: 0,
            ended: EndedList {
                bytes: (list_bytes - list_bytes % ENTRY) as u64,
                ..EndedList::default()
            },
            has_unsynced_bytes: false,
            has_unsynced_name: false,
        }
    }

    /// Bytes on disk, those of the list included.
    pub(super) fn bytes_on_disk(&self) -> u64 {
        self.bytes + self.ended.bytes
    }

    /// Appends the records of `events`. After an error the file may end in a torn record.
    pub(super) fn write(&mut self, records: &[u8], events: u32) -> io::Result<()> {
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.write_all(records)?;
        self.bytes += records.len() as u64;
        self.next_ordinal += events;
        self.alive += u64::from(events);
        self.has_unsynced_bytes = true;
        Ok(())
    }

    /// Removes a torn record, which would stand in front of the next one.
    pub(super) fn cut_torn_end(&mut self) -> io::Result<()> {
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.set_len(self.bytes)?;
        file.seek(SeekFrom::Start(self.bytes)).map(drop)
    }

    pub(super) fn note_ended(&mut self, ordinal: u32) {
        self.alive = self.alive.saturating_sub(1);
        match self.ended.unsaved.last_mut() {
            Some(last) if last.end == ordinal => last.end += 1,
            _ => self.ended.unsaved.push(ordinal..ordinal + 1),
        }
    }

    /// Appends to the list of ended events. What cannot be written is written next time.
    pub(super) fn save_ended(&mut self) -> io::Result<()> {
        let path = self.ended_path();
        let list = &mut self.ended;
        let mut entries = Vec::with_capacity(list.unsaved.len() * ENTRY);
        for range in &list.unsaved {
            record::write_ended(range, &mut entries);
        }
        let file = match &mut list.file {
            Some(file) => file,
            None => list.file.insert(private_file().create(true).open(path)?),
        };
        // Behind the last whole entry: behind a torn one nothing could be read.
        file.seek(SeekFrom::Start(list.bytes))?;
        file.write_all(&entries)?;
        list.bytes += entries.len() as u64;
        list.unsaved.clear();
        Ok(())
    }

    /// Makes what is written survive a power loss.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if let Some(file) = self.file.as_ref().filter(|_| self.has_unsynced_bytes) {
            file.sync_data()?;
            self.has_unsynced_bytes = false;
        }
        if self.has_unsynced_name {
            sync_dir(self.dir.path())?;
            self.has_unsynced_name = false;
        }
        Ok(())
    }

    /// Removes the file, then its list. In the other order a crash between the two would bring ended
    /// events back.
    pub(super) fn remove(&self) -> io::Result<()> {
        let removed = fs::remove_file(&self.path);
        let _ = fs::remove_file(self.ended_path());
        removed
    }

    fn ended_path(&self) -> PathBuf {
        self.path.with_extension("done")
    }
}

/// Removes the lists whose files are gone, and the directory if that leaves it empty.
pub(super) fn remove_emptied(dir: SpoolDir) {
    for path in files(dir.path(), "done") {
        if !path.with_extension("log").exists() {
            let _ = fs::remove_file(path);
        }
    }
    dir.remove();
}

/// The paths in `dir` that end in `extension`.
pub(super) fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|its| its == extension))
        .collect()
}
