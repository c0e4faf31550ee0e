//! Writes events to disk and notes which have ended. Knows no thread: whoever calls waits for the disk.
//!
//! Events are appended to log files, a run of them (an extent) at a time. That an event has ended is
//! noted in a list beside its file, and a file whose events have all ended is removed. Nothing in one
//! file refers to another, so a crash between two steps costs a repeated delivery at most.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::dir::SpoolDir;
use super::extents::{Extent, Extents, LogKey};
use super::log::{Log, remove_emptied};
use super::record::{HEADER, Record};
use crate::base::id;
use crate::ledger::DropReason;
use crate::queue::{OnDisk, Segment};

/// The most bytes of a log file: small enough that a few delivered events do not hold much of the
/// disk, large enough that files are few.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// What a store is built with.
#[derive(Debug)]
pub(crate) struct StoreSettings {
    pub(crate) root: PathBuf,
    /// The format of the events, and the first part of a sub-directory's name.
    pub(crate) tag: String,
    pub(crate) max_bytes: u64,
    pub(crate) max_age: Duration,
}

impl StoreSettings {
    pub(super) fn is_expired(&self, queued_at: u64, now: u64) -> bool {
        u128::from(now.saturating_sub(queued_at)) > self.max_age.as_millis()
    }
}

/// What went wrong since the last report to the worker.
#[derive(Debug, Default)]
pub(crate) struct Incidents {
    /// Events on disk alone that were lost.
    pub(crate) losses: Vec<(DropReason, u64)>,
    /// Faults by which no event of the ledger was lost.
    pub(crate) faults: Vec<String>,
}

impl Incidents {
    pub(super) fn lose(&mut self, reason: DropReason, events: u64) {
        if events > 0 {
            self.losses.push((reason, events));
        }
    }

    pub(super) fn fault(&mut self, path: &Path, what: fmt::Arguments<'_>) {
        self.faults.push(format!("{} {what}", path.display()));
    }
}

/// What is on disk, and where each event stands.
#[derive(Debug)]
pub(crate) struct Store {
    pub(super) settings: StoreSettings,
    /// Marks the records of this format.
    pub(super) tag: u32,
    /// `None` while none can be made.
    dir: Option<Arc<SpoolDir>>,
    pub(super) logs: BTreeMap<LogKey, Log>,
    /// The file that is written to.
    current: Option<LogKey>,
    next_key: u64,
    pub(super) extents: Extents,
    buffer: Vec<u8>,
    pub(crate) incidents: Incidents,
}

impl Store {
    pub(crate) fn new(settings: StoreSettings, dir: Option<SpoolDir>) -> Self {
        Self {
            tag: id::stable_hash(&settings.tag) as u32,
            settings,
            dir: dir.map(Arc::new),
            logs: BTreeMap::new(),
            current: None,
            next_key: 0,
            extents: Extents::default(),
            buffer: Vec::new(),
            incidents: Incidents::default(),
        }
    }

    pub(crate) fn has_dir(&self) -> bool {
        self.dir.is_some()
    }

    /// Writes a segment's events. None of them is on disk if this fails.
    pub(crate) fn append(&mut self, segment: &Arc<Segment>, queued_at: u64) -> io::Result<()> {
        let events = segment.len();
        let needed = segment.slice(0..events).len() + events * HEADER;
        self.evict_down_to(self.settings.max_bytes.saturating_sub(needed as u64));
        let key = self.current_log(queued_at)?;
        let log = self.logs.get_mut(&key).ok_or(io::ErrorKind::NotFound)?;
        let start = (log.bytes, log.next_ordinal);
        self.buffer.clear();
        for event in 0..events {
            let json = segment.slice(event..event + 1);
            let record = Record {
                tag: self.tag,
                ordinal: start.1 + event as u32,
                id: segment.id(event).unwrap_or_default(),
                at: queued_at,
                json: json.strip_suffix(b",").unwrap_or(json),
            };
            record.write(&mut self.buffer);
        }
        if let Err(error) = log.write(&self.buffer, events as u32) {
            if log.cut_torn_end().is_err() {
                self.current = None;
            }
            return Err(error);
        }
        let (bytes, ordinals) = (start.0..log.bytes, start.1..log.next_ordinal);
        let extent = Extent::of_segment(key, bytes, ordinals, queued_at, segment);
        self.extents.add_written(segment.sequence(), extent);
        Ok(())
    }

    /// The file to write to: a new one when the last is full.
    fn current_log(&mut self, queued_at: u64) -> io::Result<LogKey> {
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
        let key = self.new_key(queued_at);
        let dir = self.dir.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let log = Log::create(dir, key).inspect_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                // Somebody has removed our directory.
                self.dir = None;
            }
        })?;
        self.logs.insert(key, log);
        self.current = Some(key);
        Ok(key)
    }

    pub(super) fn new_key(&mut self, millis: u64) -> LogKey {
        let key = (millis, self.next_key);
        self.next_key += 1;
        key
    }

    /// Notes that events of a segment have ended.
    pub(crate) fn end(&mut self, sequence: u64, events: Range<usize>) {
        if let Some((key, ordinals)) = self.extents.end(sequence, events)
            && let Some(log) = self.logs.get_mut(&key)
        {
            for ordinal in ordinals {
                log.note_ended(ordinal);
            }
        }
    }

    /// The worker has released what is left of a segment, `events` in number.
    pub(crate) fn release(&mut self, sequence: u64, events: u64) {
        if !self.extents.release(sequence, events) {
            self.incidents.lose(DropReason::SpoolFull, events);
        }
    }

    /// Drops what is on disk alone and too old.
    pub(crate) fn expire(&mut self, now: u64) {
        let settings = &self.settings;
        let is_expired = |queued_at| settings.is_expired(queued_at, now);
        for extent in self.extents.take_expired(is_expired) {
            self.incidents.lose(DropReason::Expired, extent.alive);
            if let Some(log) = self.logs.get_mut(&extent.key) {
                log.alive = log.alive.saturating_sub(extent.alive);
                log.ended.unsaved.push(extent.ordinals);
            }
        }
    }

    /// Removes the oldest files until at most `max_bytes` are on disk.
    pub(super) fn evict_down_to(&mut self, max_bytes: u64) {
        while self.logs.values().map(Log::bytes_on_disk).sum::<u64>() > max_bytes
            && let Some((key, log)) = self.logs.pop_first()
        {
            self.forget(key, OnDisk::Evicted);
            self.remove(log);
        }
    }

    /// Checks whether the file that is written to is still there: one that somebody has removed can be
    /// written to all the same.
    pub(crate) fn check(&mut self) {
        if let Some(key) = self.current
            && let Some(log) = self.logs.get(&key)
            && !log.path.exists()
        {
            let what = format_args!("was removed by somebody else");
            self.incidents.fault(&log.path, what);
            if !log.dir.path().exists() {
                self.dir = None;
            }
            self.logs.remove(&key);
            self.forget(key, OnDisk::No);
        }
    }

    /// Forgets a removed file. Its segments in memory get `state`.
    fn forget(&mut self, key: LogKey, state: OnDisk) {
        self.current = self.current.filter(|&current| current != key);
        let lost = self.extents.forget_file(key, state);
        self.incidents.lose(DropReason::SpoolFull, lost);
    }

    /// Removes a file and, after the last one of an ended owner, its directory.
    fn remove(&mut self, log: Log) {
        if let Err(error) = log.remove()
            && error.kind() != io::ErrorKind::NotFound
        {
            let what = format_args!("cannot be removed: {error}");
            self.incidents.fault(&log.path, what);
        }
        if let Ok(dir) = Arc::try_unwrap(log.dir) {
            remove_emptied(dir);
        }
    }

    /// Removes files whose events have all ended; when `idle`, also the one that is written to.
    pub(crate) fn tidy(&mut self, idle: bool) {
        let done = self.logs.iter().filter(|(key, log)| {
            let is_kept = !idle && self.current == Some(**key);
            log.alive == 0 && !is_kept
        });
        let done: Vec<LogKey> = done.map(|(&key, _)| key).collect();
        for key in done {
            self.current = self.current.filter(|&current| current != key);
            if let Some(log) = self.logs.remove(&key) {
                self.remove(log);
            }
        }
    }

    /// Notes on disk which events have ended.
    pub(crate) fn save_ended(&mut self) {
        let logs = self.logs.values_mut();
        for log in logs.filter(|log| !log.ended.unsaved.is_empty()) {
            if let Err(error) = log.save_ended() {
                let path = log.path.display();
                let fault = format!("the list of {path} cannot be written: {error}");
                self.incidents.faults.push(fault);
            }
        }
    }

    /// Makes what is written survive a power loss.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        let results = self.logs.values_mut().map(Log::sync);
        results.fold(Ok(()), Result::and)
    }

    /// Tries again to get a directory, if there is none. Returns whether there is a new one.
    pub(crate) fn reopen(&mut self) -> bool {
        if self.dir.is_some() {
            return false;
        }
        let dir = SpoolDir::create(&self.settings.root, &self.settings.tag);
        self.dir = dir.ok().map(Arc::new);
        self.dir.is_some()
    }

    /// Leaves the directory to the next owner, or removes it if nothing is left in it.
    pub(crate) fn close(&mut self) {
        self.save_ended();
        self.tidy(true);
        if let Err(error) = self.sync() {
            let fault = format!("cannot be synced: {error}");
            self.incidents.faults.push(fault);
        }
        self.current = None;
        self.logs.clear();
        if let Some(dir) = self.dir.take()
            && let Ok(dir) = Arc::try_unwrap(dir)
        {
            dir.remove();
        }
    }
}
