//! What is on disk, and where each event stands. Knows no thread: whoever calls waits for the disk.
//!
//! Events are appended to log files, a run of them (an extent) at a time. That an event has ended is
//! noted in a list beside its file, and a file whose events have all ended is removed. Nothing in one
//! file refers to another, so a crash between two steps costs a repeated delivery at most.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::record::{ENTRY, Found, HEADER, Record, Records};
use super::slot::{Slot, private_file, sync_dir};
use crate::base::id;
use crate::ledger::DropReason;
use crate::queue::{OnDisk, Segment};
use crate::spool::record;

/// The most bytes of a log file: small enough that a few delivered events do not hold much of the
/// disk, large enough that files are few.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Events that are on disk alone are read back in runs of about this size.
const EXTENT_BYTES: u64 = 64 * 1024;
const EXTENT_EVENTS: u32 = 64;

/// Events of one run expire together, so they are of about one age.
const EXTENT_SPAN_MILLIS: u64 = 60 * 60 * 1000;

/// What a spool is told when it is built.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) root: PathBuf,
    /// The format of the events, and the first part of a sub-directory's name.
    pub(crate) tag: String,
    pub(crate) max_bytes: u64,
    pub(crate) max_age: Duration,
}

/// By age: milliseconds, and a number that keeps files of the same millisecond apart.
type Key = (u64, u64);

/// A log file, and the list of its ended events.
#[derive(Debug)]
struct Log {
    slot: Arc<Slot>,
    path: PathBuf,
    /// Open while it is written to.
    file: Option<File>,
    bytes: u64,
    /// The ordinal of the next event.
    next: u32,
    /// Events that have not ended.
    alive: u64,
    ended: Option<File>,
    ended_bytes: u64,
    /// Ended, and not yet in the list.
    unsaved: Vec<Range<u32>>,
    dirty: bool,
    /// Its name may not survive a power loss yet.
    nameless: bool,
}

impl Log {
    fn ended_path(&self) -> PathBuf {
        self.path.with_extension("done")
    }

    fn note_ended(&mut self, ordinal: u32) {
        self.alive = self.alive.saturating_sub(1);
        match self.unsaved.last_mut() {
            Some(last) if last.end == ordinal => last.end += 1,
            _ => self.unsaved.push(ordinal..ordinal + 1),
        }
    }

    /// Appends to the list of ended events. What cannot be written is written next time.
    fn save_ended(&mut self) -> io::Result<()> {
        let mut out = Vec::with_capacity(self.unsaved.len() * ENTRY);
        for range in &self.unsaved {
            record::write_ended(range, &mut out);
        }
        let file = match &mut self.ended {
            Some(file) => file,
            None => {
                let file = private_file().create(true).open(self.ended_path())?;
                self.ended.insert(file)
            }
        };
        // At a place of our own: behind a torn entry nothing could be read.
        file.seek(SeekFrom::Start(self.ended_bytes))?;
        file.write_all(&out)?;
        self.ended_bytes += out.len() as u64;
        self.unsaved.clear();
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if let Some(file) = self.file.as_ref().filter(|_| self.dirty) {
            file.sync_data()?;
            self.dirty = false;
        }
        if self.nameless {
            sync_dir(self.slot.dir())?;
            self.nameless = false;
        }
        Ok(())
    }
}

/// A run of events in a file.
#[derive(Debug)]
struct Extent {
    key: Key,
    bytes: Range<u64>,
    ordinals: Range<u32>,
    ended: BTreeSet<u32>,
    alive: u64,
    /// When its events were queued.
    at: Range<u64>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// The worker has its events, which are those with these ordinals.
    Memory(Vec<u32>, Weak<Segment>),
    Disk,
}

/// Events that were read back.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) sequence: u64,
    /// The JSON of the events, one behind another.
    pub(crate) bytes: Vec<u8>,
    pub(crate) events: Vec<(i64, Range<usize>)>,
    /// When the oldest was queued.
    pub(crate) at: u64,
}

#[derive(Debug)]
pub(crate) struct Store {
    settings: Settings,
    tag: u32,
    /// `None` while no directory can be had.
    slot: Option<Arc<Slot>>,
    logs: BTreeMap<Key, Log>,
    /// The file that is written to.
    current: Option<Key>,
    /// By the sequence number of the segment.
    extents: BTreeMap<u64, Extent>,
    /// Those that are on disk alone.
    on_disk: BTreeSet<u64>,
    next_key: u64,
    /// Recovered events come before all that are queued now.
    next_recovered: u64,
    buffer: Vec<u8>,
    /// Events on disk alone that were lost since the last look.
    pub(crate) losses: Vec<(DropReason, u64)>,
    /// What went wrong since the last look without an event of the ledger being lost.
    pub(crate) faults: Vec<String>,
}

impl Store {
    pub(crate) fn new(settings: Settings, slot: Option<Slot>) -> Self {
        Self {
            tag: id::stable_hash(&settings.tag) as u32,
            settings,
            slot: slot.map(Arc::new),
            logs: BTreeMap::new(),
            current: None,
            extents: BTreeMap::new(),
            on_disk: BTreeSet::new(),
            next_key: 0,
            next_recovered: 0,
            buffer: Vec::new(),
            losses: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Takes over what ended owners have left; returns the number of events.
    pub(crate) fn adopt(&mut self, now: u64) -> u64 {
        let slots = match Slot::orphans(&self.settings.root, &self.settings.tag) {
            Ok(slots) => slots,
            Err(error) => {
                let root = self.settings.root.display();
                self.faults.push(format!("{root} cannot be read: {error}"));
                return 0;
            }
        };
        let mut recovered = 0;
        let mut paths = Vec::new();
        for slot in slots.into_iter().map(Arc::new) {
            let files = fs::read_dir(slot.dir()).into_iter().flatten().flatten();
            let logs = files
                .map(|file| file.path())
                .filter(|path| path.extension().is_some_and(|e| e == "log"));
            paths.extend(logs.map(|path| (path, Arc::clone(&slot))));
            if let Ok(slot) = Arc::try_unwrap(slot) {
                remove_lists(slot.dir());
                slot.remove();
            }
        }
        // Oldest first, whoever wrote them: names begin with the time.
        paths.sort_by(|(a, _), (b, _)| a.file_name().cmp(&b.file_name()));
        for (path, slot) in paths {
            match self.scan(&path, slot, now) {
                Ok(events) => recovered += events,
                Err(error) => {
                    let path = path.display();
                    self.faults.push(format!("{path} cannot be read: {error}"));
                }
            }
        }
        while self.bytes() > self.settings.max_bytes && self.evict() {}
        self.tidy(false);
        recovered
    }

    /// Reads a file of an ended owner; returns how many of its events had not ended.
    fn scan(&mut self, path: &Path, slot: Arc<Slot>, now: u64) -> io::Result<u64> {
        let bytes = fs::read(path)?;
        let list = fs::read(path.with_extension("done")).unwrap_or_default();
        let mut ended: BTreeSet<u32> = BTreeSet::new();
        for range in record::read_ended(&list) {
            // No file has more events than bytes: a list of another file may claim any number.
            ended.extend(range.start..range.end.min(bytes.len() as u32));
        }
        let millis = path
            .file_name()
            .and_then(|name| name.to_str()?.split('-').next()?.parse().ok());
        let key = (millis.unwrap_or(0), self.next_key);
        self.next_key += 1;
        let mut log = Log {
            slot,
            path: path.to_owned(),
            file: None,
            bytes: bytes.len() as u64,
            next: 0,
            alive: 0,
            ended: None,
            ended_bytes: (list.len() - list.len() % ENTRY) as u64,
            unsaved: Vec::new(),
            dirty: false,
            nameless: false,
        };
        let (mut damaged, mut recovered, mut expired) = (0_u64, 0, 0);
        let mut extent: Option<Extent> = None;
        for (found, range) in Records::new(&bytes) {
            let record = match found {
                Found::Record(record) if record.tag == self.tag => record,
                Found::Record(_) | Found::Damage => {
                    damaged += 1;
                    continue;
                }
            };
            // Each ordinal once, whatever the file says.
            if !ended.insert(record.ordinal) {
                continue;
            }
            recovered += 1;
            log.alive += 1;
            if self.is_expired(record.at, now) {
                expired += 1;
                log.note_ended(record.ordinal);
                continue;
            }
            let next = Extent {
                key,
                bytes: range.start as u64..range.end as u64,
                ordinals: record.ordinal..record.ordinal.saturating_add(1),
                ended: BTreeSet::new(),
                alive: 1,
                at: record.at..record.at,
                place: Place::Disk,
            };
            match extent.take() {
                // With a hole between them they stay apart: an ended event lies in it.
                Some(mut before) if before.can_take(&next) => {
                    before.take(next);
                    extent = Some(before);
                }
                before => {
                    if let Some(before) = before {
                        self.recovered(before);
                    }
                    extent = Some(next);
                }
            }
        }
        if let Some(last) = extent {
            self.recovered(last);
        }
        if damaged > 0 {
            let path = path.display();
            self.faults
                .push(format!("{path} is damaged in {damaged} places"));
        }
        if expired > 0 {
            self.losses.push((DropReason::Expired, expired));
        }
        self.logs.insert(key, log);
        Ok(recovered)
    }

    fn recovered(&mut self, extent: Extent) {
        self.on_disk.insert(self.next_recovered);
        self.extents.insert(self.next_recovered, extent);
        self.next_recovered += 1;
    }

    fn is_expired(&self, at: u64, now: u64) -> bool {
        u128::from(now.saturating_sub(at)) > self.settings.max_age.as_millis()
    }

    /// Writes a segment's events. None of them is on disk if this fails.
    pub(crate) fn append(&mut self, segment: &Arc<Segment>, at: u64) -> io::Result<()> {
        let events = segment.len();
        let needed = segment.slice(0..events).len() + events * HEADER;
        while self.bytes() + needed as u64 > self.settings.max_bytes && self.evict() {}
        let key = self.current_log(at)?;
        let Some(log) = self.logs.get_mut(&key) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let ordinals = log.next..log.next + events as u32;
        self.buffer.clear();
        for (event, ordinal) in ordinals.clone().enumerate() {
            let json = segment.slice(event..event + 1);
            let record = Record {
                tag: self.tag,
                ordinal,
                id: segment.id(event).unwrap_or_default(),
                at,
                json: json.strip_suffix(b",").unwrap_or(json),
            };
            record.write(&mut self.buffer);
        }
        let Some(file) = &mut log.file else {
            return Err(io::ErrorKind::NotFound.into());
        };
        if let Err(error) = file.write_all(&self.buffer) {
            // What was written in part must not stand in the way of what follows.
            let whole = file
                .set_len(log.bytes)
                .and_then(|()| file.seek(SeekFrom::Start(log.bytes)));
            if whole.is_err() {
                self.current = None;
            }
            return Err(error);
        }
        let start = log.bytes;
        log.bytes += self.buffer.len() as u64;
        log.next = ordinals.end;
        log.alive += events as u64;
        log.dirty = true;
        let extent = Extent {
            key,
            bytes: start..log.bytes,
            ordinals: ordinals.clone(),
            ended: BTreeSet::new(),
            alive: events as u64,
            at: at..at,
            place: Place::Memory(ordinals.collect(), Arc::downgrade(segment)),
        };
        self.extents.insert(segment.sequence(), extent);
        Ok(())
    }

    /// The file to write to: a new one when the last is full.
    fn current_log(&mut self, at: u64) -> io::Result<Key> {
        let max = (self.settings.max_bytes / 8).min(MAX_FILE_BYTES);
        if let Some(key) = self.current
            && let Some(log) = self.logs.get_mut(&key)
        {
            if log.bytes < max {
                return Ok(key);
            }
            let synced = log.sync();
            log.file = None;
            self.current = None;
            synced?;
        }
        let Some(slot) = &self.slot else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let key = (at, self.next_key);
        self.next_key += 1;
        let path = slot.dir().join(format!("{:013}-{:06}.log", key.0, key.1));
        let file = match private_file().create_new(true).open(&path) {
            Ok(file) => file,
            Err(error) => {
                if error.kind() == io::ErrorKind::NotFound {
                    // Somebody has removed our directory.
                    self.slot = None;
                }
                return Err(error);
            }
        };
        let log = Log {
            slot: Arc::clone(slot),
            path,
            file: Some(file),
            bytes: 0,
            next: 0,
            alive: 0,
            ended: None,
            ended_bytes: 0,
            unsaved: Vec::new(),
            dirty: false,
            nameless: true,
        };
        self.logs.insert(key, log);
        self.current = Some(key);
        Ok(key)
    }

    /// Events of a segment have ended.
    pub(crate) fn end(&mut self, sequence: u64, events: Range<usize>) {
        let Some(extent) = self.extents.get_mut(&sequence) else {
            return;
        };
        let (Place::Memory(ordinals, _), Some(log)) =
            (&extent.place, self.logs.get_mut(&extent.key))
        else {
            return;
        };
        for &ordinal in ordinals.get(events).unwrap_or_default() {
            if extent.ended.insert(ordinal) {
                extent.alive -= 1;
                log.note_ended(ordinal);
            }
        }
        if extent.alive == 0 {
            self.extents.remove(&sequence);
        }
    }

    /// The worker has let go of what is left of a segment, `events` in number.
    pub(crate) fn release(&mut self, sequence: u64, events: u64) {
        match self.extents.get_mut(&sequence) {
            Some(extent) if extent.alive == events => {
                extent.place = Place::Disk;
                self.on_disk.insert(sequence);
                self.merge(sequence);
            }
            // Its file made room for newer ones meanwhile.
            Some(_) | None => self.losses.push((DropReason::SpoolFull, events)),
        }
    }

    /// Joins a run with its neighbours, so that a long outage does not leave a great many small ones.
    fn merge(&mut self, sequence: u64) {
        let before = self.on_disk.range(..sequence).next_back().copied();
        let after = self.on_disk.range(sequence + 1..).next().copied();
        let pairs = [
            after.map(|after| (sequence, after)),
            before.map(|before| (before, sequence)),
        ];
        for (first, second) in pairs.into_iter().flatten() {
            let fits = match (self.extents.get(&first), self.extents.get(&second)) {
                (Some(first), Some(second)) => first.can_take(second),
                _ => false,
            };
            if fits && let Some(second_extent) = self.extents.remove(&second) {
                self.on_disk.remove(&second);
                if let Some(first) = self.extents.get_mut(&first) {
                    first.take(second_extent);
                }
            }
        }
    }

    /// Reads the oldest run that is on disk alone. `None` when there is none, or none can be read now.
    pub(crate) fn load(&mut self, now: u64) -> Option<Loaded> {
        let &sequence = self.on_disk.first()?;
        let extent = self.extents.get(&sequence)?;
        let log = self.logs.get(&extent.key)?;
        let file = match read_at(&log.path, &extent.bytes) {
            Ok(bytes) => bytes,
            Err(error) if lasts(&error) => {
                let path = log.path.display();
                self.faults.push(format!("{path} cannot be read: {error}"));
                Vec::new()
            }
            Err(error) => {
                let path = log.path.display();
                self.faults.push(format!("{path} cannot be read: {error}"));
                return None;
            }
        };
        let mut loaded = Loaded {
            sequence,
            bytes: Vec::with_capacity(file.len()),
            events: Vec::new(),
            at: u64::MAX,
        };
        let (mut ordinals, mut expired) = (Vec::new(), Vec::new());
        for (found, _) in Records::new(&file) {
            let Found::Record(record) = found else {
                continue;
            };
            if record.tag != self.tag
                || !extent.ordinals.contains(&record.ordinal)
                || extent.ended.contains(&record.ordinal)
                || ordinals.last().is_some_and(|&last| last >= record.ordinal)
            {
                continue;
            }
            if self.is_expired(record.at, now) {
                expired.push(record.ordinal);
                continue;
            }
            let start = loaded.bytes.len();
            loaded.bytes.extend_from_slice(record.json);
            loaded.events.push((record.id, start..loaded.bytes.len()));
            loaded.at = loaded.at.min(record.at);
            ordinals.push(record.ordinal);
        }
        self.on_disk.remove(&sequence);
        let extent = self.extents.get_mut(&sequence)?;
        let log = self.logs.get_mut(&extent.key)?;
        let lost = extent
            .alive
            .saturating_sub((ordinals.len() + expired.len()) as u64);
        if lost > 0 {
            self.losses.push((DropReason::SpoolFull, lost));
            log.alive = log.alive.saturating_sub(lost);
            let path = log.path.display();
            self.faults
                .push(format!("{path} is damaged: {lost} events are lost"));
        }
        if !expired.is_empty() {
            self.losses
                .push((DropReason::Expired, expired.len() as u64));
        }
        for ordinal in expired {
            extent.ended.insert(ordinal);
            log.note_ended(ordinal);
        }
        extent.alive = ordinals.len() as u64;
        extent.place = Place::Memory(ordinals, Weak::new());
        if extent.alive == 0 {
            self.extents.remove(&sequence);
        }
        Some(loaded)
    }

    /// Drops what is on disk alone and too old.
    pub(crate) fn expire(&mut self, now: u64) {
        let old: Vec<u64> = (self.on_disk.iter())
            .filter(|sequence| {
                (self.extents.get(sequence))
                    .is_some_and(|extent| self.is_expired(extent.at.end, now))
            })
            .copied()
            .collect();
        for sequence in old {
            self.on_disk.remove(&sequence);
            let Some(extent) = self.extents.remove(&sequence) else {
                continue;
            };
            self.losses.push((DropReason::Expired, extent.alive));
            if let Some(log) = self.logs.get_mut(&extent.key) {
                log.alive = log.alive.saturating_sub(extent.alive);
                log.unsaved.push(extent.ordinals);
            }
        }
    }

    /// Bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        let bytes = self.logs.values().map(|log| log.bytes + log.ended_bytes);
        bytes.sum()
    }

    /// Removes the oldest file; `false` when there is none.
    fn evict(&mut self) -> bool {
        let Some((key, log)) = self.logs.pop_first() else {
            return false;
        };
        self.forget(key, OnDisk::Evicted);
        self.remove(log);
        true
    }

    /// Sees whether what is written to is still there: a file that somebody has removed can be
    /// written to all the same.
    pub(crate) fn check(&mut self) {
        if let Some(key) = self.current
            && let Some(log) = self.logs.get(&key)
            && !log.path.exists()
        {
            let path = log.path.display();
            self.faults
                .push(format!("{path} was removed by somebody else"));
            if !log.slot.dir().exists() {
                self.slot = None;
            }
            self.logs.remove(&key);
            self.forget(key, OnDisk::No);
        }
    }

    /// A file is no more. What is left of its events in memory is told so.
    fn forget(&mut self, key: Key, state: OnDisk) {
        if self.current == Some(key) {
            self.current = None;
        }
        let mut lost = 0;
        let on_disk = &mut self.on_disk;
        self.extents.retain(|sequence, extent| {
            if extent.key != key {
                return true;
            }
            match &extent.place {
                Place::Disk => {
                    on_disk.remove(sequence);
                    lost += extent.alive;
                }
                // The worker still has them.
                Place::Memory(_, segment) => {
                    if let Some(segment) = segment.upgrade() {
                        segment.set_on_disk(state);
                    }
                }
            }
            false
        });
        if lost > 0 {
            self.losses.push((DropReason::SpoolFull, lost));
        }
    }

    /// First the events, then the list of those that have ended: the other way round a crash between
    /// the two would bring them all back.
    fn remove(&mut self, log: Log) {
        let ended = log.ended_path();
        if let Err(error) = fs::remove_file(&log.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            let path = log.path.display();
            self.faults
                .push(format!("{path} cannot be removed: {error}"));
        }
        let _ = fs::remove_file(ended);
        if let Ok(adopted) = Arc::try_unwrap(log.slot) {
            remove_lists(adopted.dir());
            adopted.remove();
        }
    }

    /// Removes files whose events have all ended; when `idle`, also the one that is written to.
    pub(crate) fn tidy(&mut self, idle: bool) {
        let current = self.current;
        let done: Vec<Key> = (self.logs.iter())
            .filter(|&(&key, log)| log.alive == 0 && (idle || current != Some(key)))
            .map(|(&key, _)| key)
            .collect();
        for key in done {
            if self.current == Some(key) {
                self.current = None;
            }
            if let Some(log) = self.logs.remove(&key) {
                self.remove(log);
            }
        }
    }

    /// Notes on disk which events have ended.
    pub(crate) fn save_ended(&mut self) {
        for log in self.logs.values_mut().filter(|log| !log.unsaved.is_empty()) {
            if let Err(error) = log.save_ended() {
                let path = log.path.display();
                self.faults
                    .push(format!("the list of {path} cannot be written: {error}"));
            }
        }
    }

    /// Makes what is written survive a power loss.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        let results = self.logs.values_mut().map(Log::sync);
        results.fold(Ok(()), Result::and)
    }

    /// Tries again to get a directory, if there is none.
    pub(crate) fn reopen(&mut self) -> bool {
        if self.slot.is_none()
            && let Ok(slot) = Slot::take(&self.settings.root, &self.settings.tag)
        {
            self.slot = Some(Arc::new(slot));
            return true;
        }
        false
    }

    /// Leaves the directory as the next owner is to find it: gone, if nothing is left in it.
    pub(crate) fn close(&mut self) {
        self.save_ended();
        self.tidy(true);
        if let Err(error) = self.sync() {
            self.faults.push(format!("cannot be synced: {error}"));
        }
        self.current = None;
        self.logs.clear();
        if let Some(slot) = self.slot.take()
            && let Ok(slot) = Arc::try_unwrap(slot)
        {
            slot.remove();
        }
    }
}

impl Extent {
    fn can_take(&self, next: &Self) -> bool {
        self.key == next.key
            && self.bytes.end == next.bytes.start
            && self.ordinals.end == next.ordinals.start
            && next.bytes.end - self.bytes.start <= EXTENT_BYTES
            && next.ordinals.end - self.ordinals.start <= EXTENT_EVENTS
            && next.at.end.saturating_sub(self.at.start) <= EXTENT_SPAN_MILLIS
    }

    fn take(&mut self, next: Self) {
        self.bytes.end = next.bytes.end;
        self.ordinals.end = next.ordinals.end;
        self.ended.extend(next.ended);
        self.alive += next.alive;
        self.at = self.at.start.min(next.at.start)..self.at.end.max(next.at.end);
    }
}

/// Lists of files that are gone.
fn remove_lists(dir: &Path) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        if path.extension().is_some_and(|e| e == "done") && !path.with_extension("log").exists() {
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether a file will not be readable later either.
fn lasts(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof
    )
}

/// Reads a part of a file, or what is left of it.
fn read_at(path: &Path, range: &Range<u64>) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(range.start))?;
    let mut bytes = Vec::new();
    file.take(range.end - range.start).read_to_end(&mut bytes)?;
    Ok(bytes)
}
