//! One log file, and the list beside it of the events that have ended.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::extents::LogKey;
use super::folder::{FileId, Folder, Open};
use super::record::{self, ENTRY, ERASED, Found, erased};
use super::scan::scan;

/// A log file.
#[derive(Debug)]
pub(super) struct Log {
    folder: Arc<Folder>,
    name: String,
    id: FileId,
    /// Open while records are appended.
    file: Option<File>,
    pub(super) bytes: u64,
    synced_bytes: u64,
    /// A power loss may still lose the file's name.
    has_unsynced_name: bool,
    pub(super) next_ordinal: u32,
    /// How many of its events have not ended.
    pub(super) alive: u64,
    pub(super) ended: EndedList,
    /// It was reported that the file cannot be removed.
    pub(super) is_stuck: bool,
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
    pub(super) fn create(folder: &Arc<Folder>, key: LogKey) -> io::Result<Self> {
        let name = name(key);
        let file = folder.open_file(&name, Open::Create)?;
        let id = FileId::of(&file.metadata()?);
        Ok(Self {
            file: Some(file),
            ..Self::found(Arc::clone(folder), name, id, 0, 0)
        })
    }

    /// A file of an ended owner, which is only read.
    pub(super) fn found(
        folder: Arc<Folder>,
        name: String,
        id: FileId,
        bytes: u64,
        list_bytes: usize,
    ) -> Self {
        Self {
            folder,
            name,
            id,
            file: None,
            bytes,
            synced_bytes: bytes,
            has_unsynced_name: true,
            next_ordinal: 0,
            alive: 0,
            ended: EndedList {
                bytes: (list_bytes - list_bytes % ENTRY) as u64,
                ..EndedList::default()
            },
            is_stuck: false,
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    /// Bytes on disk, those of the list included.
    pub(super) fn bytes_on_disk(&self) -> u64 {
        self.bytes + self.ended.bytes
    }

    /// How many of its bytes are still there: fewer when somebody has cut the file, `None` when it was removed or
    /// replaced. What cannot be looked at now counts as there.
    pub(super) fn bytes_there(&self) -> Option<u64> {
        match self.folder.look(&self.name) {
            Ok(Some((id, bytes))) if id == self.id => Some(bytes.min(self.bytes)),
            Ok(_) => None,
            Err(_) => Some(self.bytes),
        }
    }

    /// Appends the records of so many events, for which so many ordinals are used up. After an error the file may end in a
    /// torn record.
    pub(super) fn write(&mut self, records: &[u8], ordinals: u32, events: u64) -> io::Result<()> {
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.write_all(records)?;
        self.bytes += records.len() as u64;
        self.next_ordinal += ordinals;
        self.alive += events;
        Ok(())
    }

    /// Removes a torn record, which would stand in front of the next one.
    pub(super) fn cut_torn_end(&mut self) -> io::Result<()> {
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.set_len(self.bytes)?;
        file.seek(SeekFrom::Start(self.bytes)).map(drop)
    }

    /// Nothing more is written to it.
    pub(super) fn finish(&mut self) {
        self.file = None;
    }

    /// Somebody has cut the file.
    pub(super) fn shrink(&mut self, bytes: u64) {
        self.file = None;
        self.bytes = bytes;
        self.synced_bytes = self.synced_bytes.min(bytes);
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
        let list = &mut self.ended;
        let mut entries = Vec::with_capacity(list.unsaved.len() * ENTRY);
        for range in &list.unsaved {
            record::write_ended(range, &mut entries);
        }
        let file = match &mut list.file {
            Some(file) => file,
            None => list.file.insert(
                self.folder
                    .open_file(&list_of(&self.name), Open::WriteOrCreate)?,
            ),
        };
        // Behind the last whole entry: behind a torn one nothing could be read.
        file.seek(SeekFrom::Start(list.bytes))?;
        file.write_all(&entries)?;
        list.bytes += entries.len() as u64;
        list.unsaved.clear();
        Ok(())
    }

    /// Makes what is written survive a power loss. After an error nobody knows what of the bytes that were not synced
    /// is on disk, and the next sync would succeed without them: returns where they begin.
    pub(super) fn sync(&mut self) -> Result<(), (u64, io::Error)> {
        if self.synced_bytes < self.bytes {
            let file = self.file.as_ref().ok_or(io::ErrorKind::NotFound.into());
            if let Err(error) = file.and_then(File::sync_data) {
                let from = std::mem::replace(&mut self.synced_bytes, self.bytes);
                return Err((from, error));
            }
            self.synced_bytes = self.bytes;
        }
        if self.has_unsynced_name {
            self.folder.sync().map_err(|error| (self.bytes, error))?;
            self.has_unsynced_name = false;
        }
        Ok(())
    }

    /// Reads a part of the file, or what is left of it.
    pub(super) fn read(&self, range: &Range<u64>) -> io::Result<Vec<u8>> {
        let mut file = self.folder.open_file(&self.name, Open::Read)?;
        if FileId::of(&file.metadata()?) != self.id {
            return Err(io::ErrorKind::NotFound.into());
        }
        file.seek(SeekFrom::Start(range.start))?;
        let mut bytes = Vec::new();
        file.take(range.end - range.start).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Finds events, whether they have ended or not: their ordinals, and where they stand.
    pub(super) fn find(
        &self,
        mut is_one: impl FnMut(&[u8]) -> bool,
    ) -> io::Result<Vec<(u32, Range<u64>)>> {
        let mut file = self.folder.open_file(&self.name, Open::Read)?;
        if FileId::of(&file.metadata()?) != self.id {
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut found = Vec::new();
        scan(&mut file, u64::MAX, |entry, range| {
            if let Found::Record(record) = entry
                && record.tag != ERASED
                && is_one(record.json)
            {
                found.push((record.ordinal, range));
            }
        })?;
        Ok(found)
    }

    /// Overwrites what was found, and syncs the file. A record is told by a checksum, so one that is overwritten in part is
    /// none any more.
    pub(super) fn erase(&self, found: &[(u32, Range<u64>)]) -> io::Result<()> {
        if found.is_empty() {
            return Ok(());
        }
        let mut file = self.folder.open_file(&self.name, Open::Write)?;
        if FileId::of(&file.metadata()?) != self.id {
            return Err(io::ErrorKind::NotFound.into());
        }
        for (_, range) in found {
            file.seek(SeekFrom::Start(range.start))?;
            file.write_all(&erased((range.end - range.start) as usize))?;
        }
        file.sync_data()
    }

    /// Removes the file, then its list. In the other order a crash between the two would bring ended
    /// events back.
    pub(super) fn remove(&self) -> io::Result<()> {
        // What stands in its place is not ours to remove.
        if self.bytes_there().is_none() {
            let _ = self.folder.remove_file(&list_of(&self.name));
            return Ok(());
        }
        remove(&self.folder, &self.name)
    }
}

/// Removes a log file, then its list, which has to last as long as the file.
pub(super) fn remove(folder: &Folder, name: &str) -> io::Result<()> {
    match folder.remove_file(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => {
            let _ = folder.remove_file(&list_of(name));
            Ok(())
        }
    }
}

/// The name of a log file.
pub(super) fn name(key: LogKey) -> String {
    format!("{:013}-{:06}.log", key.0, key.1)
}

/// The key of a log file with this name, if it is one.
pub(super) fn key(name: &str) -> Option<LogKey> {
    let (millis, number) = name.strip_suffix(".log")?.split_once('-')?;
    Some((millis.parse().ok()?, number.parse().ok()?))
}

/// The name of the list of ended events beside a log file.
pub(super) fn list_of(name: &str) -> String {
    format!("{}.done", name.strip_suffix(".log").unwrap_or(name))
}

#[cfg(all(test, unix))]
impl Log {
    /// Lets the next sync fail with what is put in place of the file.
    pub(super) fn break_sync(&mut self, file: File) {
        self.file = Some(file);
    }

    /// Puts a directory in place of the file, which cannot be removed as one.
    pub(super) fn break_remove(&mut self) -> io::Result<()> {
        let path = self.path();
        std::fs::remove_file(&path)?;
        std::fs::create_dir(&path)?;
        self.id = FileId::of(&std::fs::metadata(path)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_our_own_are_log_files() {
        assert_eq!(
            key(&name((1_800_000_000_000, 7))),
            Some((1_800_000_000_000, 7))
        );
        assert_eq!(key("0000000000001-000002.log"), Some((1, 2)));
        for other in [
            "lock",
            "1-2.done",
            "server.log",
            "1-2.log.old",
            "-.log",
            "1-2-3.log",
        ] {
            assert_eq!(key(other), None, "{other}");
        }
        assert_eq!(list_of("1-2.log"), "1-2.done");
    }

    #[test]
    fn the_list_of_a_file_that_cannot_be_removed_stays() {
        let root = format!("mcp-usage-log-{:016x}", crate::base::random::seed());
        let root = std::env::temp_dir().join(root);
        // A directory is no file to remove.
        std::fs::create_dir_all(root.join("1-2.log")).unwrap();
        std::fs::write(root.join("1-2.done"), "").unwrap();
        let folder = Folder::open(&root).unwrap();
        remove(&folder, "1-2.log").unwrap_err();
        assert!(root.join("1-2.done").exists());
        std::fs::remove_dir(root.join("1-2.log")).unwrap();
        remove(&folder, "1-2.log").unwrap();
        assert!(!root.join("1-2.done").exists());
        std::fs::remove_dir_all(root).unwrap();
    }
}
