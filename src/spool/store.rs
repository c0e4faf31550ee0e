//! Writes events to disk and notes which have ended. Knows no thread: whoever calls waits for the disk.
//!
//! Events are appended to log files, a run of them (an extent) at a time. That an event has ended is
//! noted in a list beside its file, and a file whose events have all ended is removed. Nothing in one
//! file refers to another, so a crash between two steps costs a repeated delivery at most.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::dir::SpoolDir;
use super::extents::{Extent, Extents, LogKey, Released, Times};
use super::log::Log;
use super::matches::Matches;
use super::record::{HEADER, Record};
use super::takeover::Takeover;
use crate::base::{id, random};
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

/// What went wrong since the last report to the worker.
#[derive(Debug, Default)]
pub(crate) struct Incidents {
    /// Events that were only on disk and are lost.
    pub(crate) losses: Vec<(DropReason, u64)>,
    /// How many events that were only on disk somebody else has removed, or a disk that fails may have lost, since the last
    /// sync that reported them.
    pub(crate) gone: u64,
    /// Faults by which no event of the ledger was lost.
    pub(crate) faults: Vec<String>,
}

impl Incidents {
    pub(super) fn lose(&mut self, reason: DropReason, events: u64) {
        if events > 0 {
            self.losses.push((reason, events));
        }
    }

    /// Events are gone that should be there.
    pub(super) fn miss(&mut self, events: u64) {
        self.gone += events;
        self.lose(DropReason::SpoolFull, events);
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
    pub(super) dir: Option<SpoolDir>,
    pub(super) logs: BTreeMap<LogKey, Log>,
    /// The file that is written to.
    pub(super) current: Option<LogKey>,
    next_key: u64,
    pub(super) extents: Extents,
    pub(super) takeover: Takeover,
    /// Files that could not be read when a person's events had to be erased from them, and which events.
    pub(super) unread: Vec<(LogKey, Matches)>,
    buffer: Vec<u8>,
    pub(crate) incidents: Incidents,
}

impl Store {
    pub(crate) fn new(settings: StoreSettings, dir: Option<SpoolDir>) -> Self {
        Self {
            tag: id::stable_hash(&settings.tag) as u32,
            settings,
            dir,
            logs: BTreeMap::new(),
            current: None,
            // Names that an ended owner has given in the same millisecond are others.
            next_key: random::seed() >> 34,
            extents: Extents::default(),
            takeover: Takeover::default(),
            unread: Vec::new(),
            buffer: Vec::new(),
            incidents: Incidents::default(),
        }
    }

    pub(crate) fn has_dir(&self) -> bool {
        self.dir.is_some()
    }

    /// Writes a segment's events, except for those that are forgotten. None of them is on disk if this fails.
    pub(super) fn append(&mut self, segment: &Arc<Segment>, times: Times) -> io::Result<()> {
        let queued_at = times.queued_at;
        let events = segment.len();
        let needed = segment.slice(0..events).len() + events * HEADER;
        let room = self.settings.max_bytes.saturating_sub(needed as u64);
        if !self.evict_down_to(room) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let key = self.current_log(queued_at)?;
        let log = self.logs.get_mut(&key).ok_or(io::ErrorKind::NotFound)?;
        let start = (log.bytes, log.next_ordinal);
        self.buffer.clear();
        let forgotten = segment.forgotten();
        for event in (0..events).filter(|event| !forgotten.contains(event)) {
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
        let left_out = forgotten.iter().map(|event| start.1 + *event as u32);
        let left_out: BTreeSet<u32> = left_out.collect();
        let written = (events - left_out.len()) as u64;
        if let Err(error) = log.write(&self.buffer, events as u32, written) {
            if log.cut_torn_end().is_err() {
                self.current = None;
            }
            return Err(error);
        }
        let (bytes, ordinals) = (start.0..log.bytes, start.1..log.next_ordinal);
        if written > 0 {
            let extent = Extent::of_segment(key, bytes, ordinals, left_out, times, segment);
            self.extents.add_written(segment.sequence(), extent);
        }
        Ok(())
    }

    /// The file to write to: a new one when the last is full.
    fn current_log(&mut self, queued_at: u64) -> io::Result<LogKey> {
        // A file that somebody has removed can be written to all the same.
        let current = self.current.and_then(|key| self.logs.get(&key));
        if current.is_some_and(|log| log.bytes_there() != Some(log.bytes)) {
            self.check();
        }
        let max = (self.settings.max_bytes / 8).min(MAX_FILE_BYTES);
        if let Some(key) = self.current
            && let Some(log) = self.logs.get_mut(&key)
        {
            if log.bytes < max {
                return Ok(key);
            }
            self.current = None;
            let synced = self.sync_log(key);
            if let Some(log) = self.logs.get_mut(&key) {
                log.finish();
            }
            synced?;
        }
        let key = self.new_key(queued_at);
        let dir = self.dir.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let log = Log::create(dir.folder(), key)?;
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
        match self.extents.release(sequence, events) {
            Released::OnDisk => {}
            Released::Evicted => self.incidents.lose(DropReason::SpoolFull, events),
            Released::Gone => self.incidents.miss(events),
        }
    }

    /// The worker has made a segment of a run that was read back. Returns whether the run is still on disk.
    pub(crate) fn set_segment(&mut self, segment: &Arc<Segment>) -> bool {
        self.extents.set_segment(segment)
    }

    /// Drops events that were only on disk for too long. `now` is of the monotonic clock.
    pub(crate) fn expire(&mut self, now: u64) {
        let max_age = self.settings.max_age.as_millis();
        let is_expired = |kept_since| u128::from(now.saturating_sub(kept_since)) > max_age;
        for extent in self.extents.take_expired(is_expired) {
            self.incidents.lose(DropReason::Expired, extent.alive);
            if let Some(log) = self.logs.get_mut(&extent.key) {
                log.alive = log.alive.saturating_sub(extent.alive);
                log.ended.unsaved.push(extent.ordinals);
            }
        }
    }

    /// Checks the directory, its lock, and each file again. Missing files are forgotten, so
    /// that the worker writes their events again as far as they are in memory; the rest is lost.
    pub(crate) fn check(&mut self) {
        let mut is_ours = self.dir.as_ref().is_some_and(SpoolDir::is_ours);
        // What is there need not be written again, nor read again as if another had left it.
        if !is_ours
            && let Some(dir) = &mut self.dir
            && dir.lock_again()
        {
            is_ours = true;
            let what = format_args!("had lost its lock, which somebody else has removed");
            self.incidents.fault(dir.folder().path(), what);
        }
        if !is_ours && let Some(dir) = self.dir.take() {
            let what = format_args!("was removed or replaced by somebody else");
            self.incidents.fault(dir.folder().path(), what);
        }
        let logs = self.logs.iter();
        let there = logs.map(|(&key, log)| (key, log.bytes_there().filter(|_| is_ours), log.bytes));
        let damaged: Vec<_> = there
            .filter(|(_, there, bytes)| *there != Some(*bytes))
            .collect();
        for (key, there, _) in damaged {
            self.current = self.current.filter(|&current| current != key);
            match there {
                None => self.forget(key, is_ours),
                Some(bytes) => self.forget_behind(key, bytes),
            }
        }
        if self.dir.is_none() {
            self.reopen();
        }
    }

    /// Forgets a file that is gone.
    fn forget(&mut self, key: LogKey, tell: bool) {
        if let Some(log) = self.logs.remove(&key)
            && tell
        {
            let what = format_args!("was removed or replaced by somebody else");
            self.incidents.fault(&log.path(), what);
        }
        let lost = self.extents.forget_from(key, 0, OnDisk::No);
        self.incidents.miss(lost);
    }

    /// Forgets what a file had after its first `bytes`, because somebody has cut it there.
    fn forget_behind(&mut self, key: LogKey, bytes: u64) {
        let Some(log) = self.logs.get_mut(&key) else {
            return;
        };
        log.shrink(bytes);
        let what = format_args!("was cut by somebody else");
        self.incidents.fault(&log.path(), what);
        let mut from = bytes;
        // Of the run that was hit, what is whole stays.
        if let Some(extent) = self.extents.across(key, bytes) {
            extent.bytes.end = bytes;
            if let Ok(file) = log.read(&extent.bytes) {
                let whole = extent.events(&file, self.tag).count() as u64;
                self.incidents.miss(extent.alive.saturating_sub(whole));
                extent.alive = whole;
            } else {
                // All of it is lost now: a later reading would count its events again.
                from = extent.bytes.start;
            }
        }
        let lost = self.extents.forget_from(key, from, OnDisk::No);
        self.incidents.miss(lost);
        log.alive = self.extents.alive_in(key);
    }

    /// Removes the oldest files until at most `max_bytes` are on disk; returns whether that could be. One that cannot be
    /// removed stays known with its events, and a newer one goes in its place.
    pub(super) fn evict_down_to(&mut self, max_bytes: u64) -> bool {
        let mut bytes: u64 = self.logs.values().map(Log::bytes_on_disk).sum();
        let keys: Vec<LogKey> = self.logs.keys().copied().collect();
        for key in keys {
            if bytes <= max_bytes {
                break;
            }
            let of_log = self.logs.get(&key).map_or(0, Log::bytes_on_disk);
            if self.remove(key) {
                bytes -= of_log;
                let lost = self.extents.forget_from(key, 0, OnDisk::Evicted);
                self.incidents.lose(DropReason::SpoolFull, lost);
            }
        }
        bytes <= max_bytes
    }

    /// Removes a file; returns whether it is gone. One that cannot be removed is told of once, and stays known, so that
    /// its bytes count, its list of ended events is kept, and its removal is tried again.
    fn remove(&mut self, key: LogKey) -> bool {
        let Some(log) = self.logs.get_mut(&key) else {
            return true;
        };
        if let Err(error) = log.remove() {
            if !std::mem::replace(&mut log.is_stuck, true) {
                let what = format_args!("cannot be removed: {error}");
                self.incidents.fault(&log.path(), what);
            }
            return false;
        }
        self.logs.remove(&key);
        self.current = self.current.filter(|&current| current != key);
        true
    }

    /// Removes files whose events have all ended; when `idle`, also the one that is written to.
    pub(crate) fn tidy(&mut self, idle: bool) {
        let done = self.logs.iter().filter(|(key, log)| {
            let is_kept = !idle && self.current == Some(**key);
            log.alive == 0 && !is_kept
        });
        let done: Vec<LogKey> = done.map(|(&key, _)| key).collect();
        for key in done {
            self.remove(key);
        }
    }

    /// Notes on disk which events have ended.
    pub(crate) fn save_ended(&mut self) {
        let logs = self.logs.values_mut();
        for log in logs.filter(|log| !log.ended.unsaved.is_empty()) {
            if let Err(error) = log.save_ended() {
                let path = log.path();
                let fault = format!("the list of {} cannot be written: {error}", path.display());
                self.incidents.faults.push(fault);
            }
        }
    }

    /// Makes what is written survive a power loss.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        let keys: Vec<LogKey> = self.logs.keys().copied().collect();
        let results = keys.into_iter().map(|key| self.sync_log(key));
        results.fold(Ok(()), Result::and)
    }

    /// Syncs a file. What could not be synced is written again, to another file, where the worker has it; of the rest
    /// the next sync reports that it may be lost.
    fn sync_log(&mut self, key: LogKey) -> io::Result<()> {
        let Some(log) = self.logs.get_mut(&key) else {
            return Ok(());
        };
        let Err((from, error)) = log.sync() else {
            return Ok(());
        };
        self.current = self.current.filter(|&current| current != key);
        log.finish();
        let (in_memory, on_disk) = self.extents.take_doubtful(key, from);
        for ordinal in in_memory {
            log.note_ended(ordinal);
        }
        self.incidents.gone += on_disk;
        Err(error)
    }

    /// Returns the directory that the user has named.
    pub(crate) fn path(&self) -> &Path {
        &self.settings.root
    }

    /// Tries again to get a directory, if there is none. Returns whether there is a new one.
    pub(crate) fn reopen(&mut self) -> bool {
        if self.dir.is_some() {
            return false;
        }
        self.dir = SpoolDir::create_or_take(&self.settings.root, &self.settings.tag).ok();
        self.takeover.has_read_own = false;
        self.dir.is_some()
    }

    /// Leaves the directory to the next owner, or removes it if nothing is left in it.
    pub(crate) fn close(&mut self) {
        self.check();
        self.save_ended();
        self.tidy(true);
        if let Err(error) = self.sync() {
            let what = format_args!("cannot be synced: {error}");
            self.incidents.fault(&self.settings.root, what);
        }
        self.current = None;
        self.logs.clear();
        if let Some(dir) = self.dir.take() {
            dir.remove();
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::queue::{Bounds, Ledgers, Receiver, bounded};

    /// A store in a directory that goes away with it.
    struct Scene {
        root: PathBuf,
        store: Store,
        receiver: Receiver,
    }

    impl Scene {
        fn new() -> Self {
            let root = format!("mcp-usage-store-{:016x}", random::seed());
            let root = std::env::temp_dir().join(root);
            let settings = StoreSettings {
                root: root.clone(),
                tag: "t".to_owned(),
                max_bytes: 1 << 20,
                max_age: Duration::from_secs(60),
            };
            let dir = SpoolDir::create_or_take(&root, "t").ok();
            let bounds = Bounds::for_tests(1 << 20);
            Self {
                root,
                store: Store::new(settings, dir),
                receiver: bounded(bounds, Ledgers::of_one(Arc::default())).1,
            }
        }

        /// Writes a segment of two events.
        fn append(&mut self, segment: &Arc<Segment>) {
            let times = Times {
                queued_at: 1_800_000_000_000,
                kept_since: 0,
            };
            assert!(self.store.append(segment, times).is_ok());
            segment.set_on_disk(OnDisk::Yes);
        }

        fn segment(&self, sequence: u64) -> Arc<Segment> {
            let events = [(1, 0..2), (2, 0..2)];
            let segment = self
                .receiver
                .restored(sequence, b"{}", &events, [Instant::now(); 2]);
            Arc::new(segment)
        }
    }

    impl Drop for Scene {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.root);
        }
    }

    /// After a sync that failed the next one succeeds, and the bytes are on disk or not.
    #[test]
    fn what_could_not_be_synced_is_written_again_to_another_file() {
        let mut scene = Scene::new();
        let [first, second] = [1, 2].map(|sequence| scene.segment(sequence));
        scene.append(&first);
        scene.store.sync().unwrap();
        scene.append(&second);
        let key = scene.store.current.unwrap();
        // A pipe cannot be synced, as little as a disk that has gone bad.
        let pipe = std::os::fd::OwnedFd::from(std::io::pipe().unwrap().1);
        scene
            .store
            .logs
            .get_mut(&key)
            .unwrap()
            .break_sync(pipe.into());
        scene.store.sync().unwrap_err();
        assert_eq!(
            (first.on_disk(), second.on_disk()),
            (OnDisk::Yes, OnDisk::No)
        );
        scene.append(&second);
        scene.store.sync().unwrap();
        let alive: Vec<u64> = scene.store.logs.values().map(|log| log.alive).collect();
        assert_eq!(alive, [2, 2]);
        assert_ne!(scene.store.current, Some(key));
        assert_eq!(scene.store.incidents.gone, 0);
    }

    /// The worker lets go of a segment that is on disk while its file goes.
    #[test]
    fn what_is_released_when_its_file_has_gone_is_gone_and_what_made_room_is_not() {
        let goes: [fn(&mut Scene); 3] = [
            |scene| {
                std::fs::remove_dir_all(&scene.root).unwrap();
                scene.store.check();
            },
            |scene| {
                let pipe = std::os::fd::OwnedFd::from(std::io::pipe().unwrap().1);
                let log = scene.store.logs.values_mut().next().unwrap();
                log.break_sync(pipe.into());
                scene.store.sync().unwrap_err();
            },
            |scene| assert!(scene.store.evict_down_to(0)),
        ];
        for (goes, gone) in goes.into_iter().zip([2, 2, 0]) {
            let mut scene = Scene::new();
            let segment = scene.segment(1);
            scene.append(&segment);
            drop(segment);
            goes(&mut scene);
            assert!(scene.store.incidents.losses.is_empty());
            scene.store.release(1, 2);
            assert_eq!(scene.store.incidents.gone, gone);
            let losses = std::mem::take(&mut scene.store.incidents.losses);
            assert_eq!(losses, [(DropReason::SpoolFull, 2)]);
            // A later one of that number stands for itself.
            let segment = scene.segment(1);
            scene.append(&segment);
            drop(segment);
            assert!(scene.store.evict_down_to(0));
            scene.store.release(1, 2);
            assert_eq!(scene.store.incidents.gone, gone);
        }
    }

    #[test]
    fn what_is_on_disk_alone_and_could_not_be_synced_is_reported_by_the_next_sync() {
        let mut scene = Scene::new();
        let [first, second] = [1, 2].map(|sequence| scene.segment(sequence));
        scene.append(&first);
        scene.store.release(1, 2);
        scene.store.sync().unwrap();
        scene.append(&second);
        scene.store.release(2, 2);
        let key = scene.store.current.unwrap();
        let pipe = std::os::fd::OwnedFd::from(std::io::pipe().unwrap().1);
        let log = scene.store.logs.get_mut(&key).unwrap();
        log.break_sync(pipe.into());
        scene.store.sync().unwrap_err();
        // The two runs that are only on disk are one by now.
        assert_eq!(scene.store.incidents.gone, 4);
        assert!(scene.store.incidents.losses.is_empty(), "all can be read");
        scene.store.sync().unwrap();
        assert_eq!(scene.store.incidents.gone, 4, "each counts once");
    }

    /// Ended owners are looked for again and again; a file of hundreds of megabytes is not read each time.
    #[test]
    fn a_file_that_is_too_large_is_read_again_when_its_length_changes() {
        let mut scene = Scene::new();
        let slot = scene.root.join("t-0000000000000001");
        std::fs::create_dir(&slot).unwrap();
        let file = slot.join("0000000000001-000001.log");
        let mut bytes = vec![b'j'; 9 << 20];
        let adopt = |scene: &mut Scene, bytes: &[u8]| {
            std::fs::write(&file, bytes).unwrap();
            scene.store.look_for_slots();
            scene.store.adopt(0).events
        };
        assert_eq!(adopt(&mut scene, &bytes), 0);
        let mut record = Vec::new();
        let event = Record {
            tag: scene.store.tag,
            ordinal: 0,
            id: 1,
            at: 1,
            json: b"{}",
        };
        event.write(&mut record);
        bytes[..record.len()].copy_from_slice(&record);
        assert_eq!(adopt(&mut scene, &bytes), 0);
        bytes.push(b'j');
        assert_eq!(adopt(&mut scene, &bytes), 1);
    }

    /// It takes its bytes all the same, and its events can be read.
    #[test]
    fn a_file_that_cannot_be_removed_counts_until_it_is() {
        let mut scene = Scene::new();
        let [first, second, third] = [1, 2, 3].map(|sequence| scene.segment(sequence));
        scene.append(&first);
        let locked = scene.store.current.take().unwrap();
        let path = scene.store.logs[&locked].path();
        scene.append(&second);
        let used = |store: &Store| store.logs.values().map(Log::bytes_on_disk).sum::<u64>();
        let bytes = scene.store.logs[&locked].bytes;
        // A segment is counted with its commas.
        scene.store.settings.max_bytes = 2 * bytes + 2;
        let log = scene.store.logs.get_mut(&locked).unwrap();
        log.break_remove().unwrap();

        scene.append(&third);
        assert_eq!(used(&scene.store), 2 * bytes);
        let states = [&first, &second, &third].map(|segment| segment.on_disk());
        assert_eq!(states, [OnDisk::Yes, OnDisk::Evicted, OnDisk::Yes]);
        assert!(path.exists() && !scene.store.incidents.faults.is_empty());

        let current = scene.store.current.unwrap();
        let log = scene.store.logs.get_mut(&current).unwrap();
        log.break_remove().unwrap();
        let times = Times {
            queued_at: 1_800_000_000_000,
            kept_since: 0,
        };
        let full = scene.store.append(&second, times).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        assert_eq!(used(&scene.store), 2 * bytes);
        assert_eq!(third.on_disk(), OnDisk::Yes);
    }

    /// As a cleaner of old files removes what nobody writes to.
    #[test]
    fn a_lock_that_was_removed_is_made_and_taken_again() {
        let mut scene = Scene::new();
        let [in_memory, alone] = [1, 2].map(|sequence| scene.segment(sequence));
        scene.append(&in_memory);
        scene.append(&alone);
        scene.store.release(2, 2);
        drop(alone);
        let path = scene.store.dir.as_ref().unwrap().folder().path().to_owned();
        for faults in 1..=2 {
            std::fs::remove_file(path.join("lock")).unwrap();
            scene.store.check();
            scene.store.check();
            let dir = scene.store.dir.as_ref().unwrap();
            assert!(dir.is_ours() && dir.folder().path() == path);
            assert_eq!(in_memory.on_disk(), OnDisk::Yes);
            let incidents = &scene.store.incidents;
            assert_eq!((incidents.gone, incidents.faults.len()), (0, faults));
        }
        assert_eq!(std::fs::read_dir(&scene.root).unwrap().count(), 1);

        // Where another has made one, the slot is its own.
        let lock = path.join("lock");
        std::fs::remove_file(&lock).unwrap();
        std::fs::write(&lock, "").unwrap();
        scene.store.check();
        assert_ne!(scene.store.dir.as_ref().unwrap().folder().path(), path);
        assert_eq!(scene.store.incidents.gone, 2);
    }

    #[test]
    fn two_stores_of_one_process_never_have_one_directory() {
        let scene = Scene::new();
        let path = scene.store.dir.as_ref().unwrap().folder().path().to_owned();
        assert!(SpoolDir::take_over(&path).unwrap().is_none());
        // Looking for it has not cost the first its lock.
        assert!(scene.store.dir.as_ref().unwrap().is_ours());
    }
}
