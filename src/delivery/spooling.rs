//! The worker's side of its spool: what is written, what leaves memory for the disk, what is read back,
//! and what stays for the next process.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::backlog::Backlog;
use super::batch::{Batch, Size};
use super::message::{DiskFlush, Forgetting, answer};
use super::recheck::Recheck;
use super::shared::Shared;
use crate::base::clock::unix_millis;
use crate::base::log;
use crate::error::SpoolError;
use crate::ledger::DropReason;
use crate::queue::{EventEnd, OnDisk, Segment};
use crate::spool::disk::{Disk, DiskJob, News};
use crate::spool::{Adopted, Erased, Loaded, Matches, WRITE_INTERVAL};
pub(crate) use crate::spool::{
    MIN_MAX_BYTES as MIN_SPOOL_BYTES, Spool, Store, probe as probe_spool,
};
use crate::wire::person::Person;

/// How often files are synced, old events dropped, and failed writes tried again.
const TICK: Duration = Duration::from_secs(1);

/// How often a flush has written again what somebody had removed, before it says that it could not.
const MAX_REWRITES: u32 = 3;

/// A disk that has so many jobs to do is not asked to write; those events stay in memory.
const MAX_DISK_JOBS: usize = 1_000;

/// What a destination keeps on disk.
pub(super) struct Spooling {
    disk: Disk,
    /// Ended events of segments that the disk was asked to write. Sent with the next write.
    ended: Vec<(u64, Range<usize>)>,
    next_write: Instant,
    next_tick: Instant,
    loading: Loading,
    /// Events of earlier processes that the gate was not told of yet.
    inherited: Adopted,
    /// The last write has failed, so events stay in memory.
    failing: bool,
    flushes: DiskFlushes,
    erasures: Vec<Erasure>,
    next_erasure: u64,
    /// The worker ends, so nothing more leaves the disk.
    leaving: bool,
    closed: bool,
}

/// What is read back from disk.
struct Loading {
    /// Whether it is known what earlier processes have left.
    knows_recovered: bool,
    under_way: bool,
    /// Nothing is read back before this time, since the last reading brought nothing.
    not_before: Instant,
}

/// The flushes to disk that are waited for.
#[derive(Default)]
struct DiskFlushes {
    waiting: Vec<WaitingFlush>,
    next_token: u64,
    /// The last sync that has ended.
    synced: Option<u64>,
    /// Events that were lost, and of which nobody was told who waited.
    untold: u64,
}

/// An erasure that the disk was asked for. Until it has answered, what it hands over is looked at here.
struct Erasure {
    token: u64,
    person: Arc<Person>,
    deadline: Instant,
    /// `None` once its time is up.
    told: Option<Arc<Forgetting>>,
}

/// A flush that waits for a sync, for the segments before a sequence number.
struct WaitingFlush {
    /// That of the sync; `None` until it is asked for with the next write.
    token: Option<u64>,
    sequence: u64,
    /// Events that were lost, and how often others were written again.
    lost: u64,
    rewrites: u32,
    /// Whether events that it waits for were left only to the disk since the sync was asked for: it cannot say whether
    /// their file was still there.
    has_released: bool,
    flush: DiskFlush,
}

impl Spooling {
    /// Starts the thread that does the I/O; `None`, and a log line, when none can be started.
    pub(super) fn start(shared: &Arc<Shared>, store: Store) -> Option<Self> {
        let wake = Arc::clone(shared);
        let clock = shared.settings.clock.clone();
        let now = clock.now();
        let wake = move || {
            wake.spool_news.notify_one();
            wake.notify.notify_one();
        };
        let mut recheck = Recheck::new(shared);
        let recheck =
            move |json: &[u8], queued_at, out: &mut Vec<u8>| recheck.apply(json, queued_at, out);
        let ledger = Arc::clone(&shared.ledger);
        let disk = Disk::start(store, ledger, clock, Box::new(recheck), wake)
            .inspect_err(|error| {
                shared.ledger.spool_fault();
                let _ = log::error(format_args!(
                    "the usage spool has no thread, events are kept in memory: {error}"
                ));
            })
            .ok()?;
        Some(Self {
            disk,
            ended: Vec::new(),
            next_write: now + WRITE_INTERVAL,
            next_tick: now + TICK,
            loading: Loading {
                knows_recovered: false,
                under_way: false,
                not_before: now,
            },
            inherited: Adopted::default(),
            failing: false,
            flushes: DiskFlushes::default(),
            erasures: Vec::new(),
            next_erasure: 0,
            leaving: false,
            closed: false,
        })
    }

    /// Returns whether it is known what earlier processes have left.
    pub(super) fn knows_recovered(&self) -> bool {
        self.loading.knows_recovered
    }

    /// Takes out the number of events that were taken over of earlier processes since the last call, and the time in which
    /// they were queued.
    pub(super) fn take_inherited(&mut self) -> (u64, Duration) {
        let inherited = std::mem::take(&mut self.inherited);
        (inherited.events, inherited.span())
    }

    /// When there is something to do.
    pub(super) fn wake_at(&self) -> Instant {
        let deadlines = self
            .flushes
            .waiting
            .iter()
            .map(|waiting| waiting.flush.deadline);
        let erasures = self
            .erasures
            .iter()
            .filter(|erasure| erasure.told.is_some());
        let deadlines = deadlines.chain(erasures.map(|erasure| erasure.deadline));
        deadlines.fold(self.next_write, Instant::min)
    }

    /// Does what is due. `is_open`: the gate lets requests through.
    pub(super) fn turn(&mut self, backlog: &mut Backlog, is_open: bool, now: Instant) {
        self.drain_news(backlog, now);
        let write = now >= self.next_write;
        if write {
            self.next_write = now + WRITE_INTERVAL;
            backlog.source.receiver.seal();
        }
        // While nothing can be written, events stay in the queue, where a full one can still choose
        // among them.
        if !self.failing && (write || backlog.fullness() > 1.0 / 4.0) {
            self.pull_all(backlog);
        }
        if write {
            self.send_ended();
            self.sync_waiting();
        }
        if now >= self.next_tick {
            self.next_tick = now + TICK;
            self.disk.tick();
            self.write_again(backlog);
        }
        self.spill_to_disk(backlog);
        self.load(backlog, is_open, now);
        self.flushes.time_out(now);
        let late = self.erasures.iter_mut();
        for erasure in late.filter(|erasure| erasure.deadline <= now) {
            erasure.is_incomplete();
        }
    }

    /// Takes all that is sealed from the queue, and has it written.
    fn pull_all(&self, backlog: &mut Backlog) {
        while let Some(segment) = backlog.pull_segment() {
            self.write(&backlog.shared, &segment);
        }
    }

    /// Has a segment written.
    pub(super) fn write(&self, shared: &Shared, segment: &Arc<Segment>) {
        if segment.len() > 0 && self.disk.waiting_jobs() < MAX_DISK_JOBS {
            let clock = &shared.settings.clock;
            let age = segment
                .first_at()
                .map(|at| clock.now().saturating_duration_since(at))
                .unwrap_or_default();
            let queued_at = clock.wall().checked_sub(age).map_or(0, unix_millis);
            segment.set_on_disk(OnDisk::Asked);
            let segment = Arc::downgrade(segment);
            self.disk.send(DiskJob::Append { segment, queued_at });
        }
    }

    /// Has what could not be written before written again.
    fn write_again(&mut self, backlog: &Backlog) {
        for (sequence, (segment, events)) in backlog.held() {
            if segment.on_disk() != OnDisk::No {
                continue;
            }
            self.write(&backlog.shared, &segment);
            if segment.on_disk() != OnDisk::No {
                // It is written whole, though some of its events may have ended.
                for event in 0..segment.len() {
                    if !events.iter().any(|range| range.contains(&event)) {
                        self.ended.push((sequence, event..event + 1));
                    }
                }
            }
        }
    }

    /// Notes that the events of a batch have ended, so that the disk need not keep them.
    pub(super) fn note_ended(&mut self, batch: &Batch) {
        let parts = batch.parts();
        let kept = parts.filter(|(segment, _)| segment.on_disk() != OnDisk::No);
        let kept = kept.map(|(segment, events)| (segment.sequence(), events));
        self.ended.extend(kept);
    }

    fn send_ended(&mut self) {
        if !self.ended.is_empty() {
            let ended = std::mem::take(&mut self.ended);
            self.disk.send(DiskJob::Ended(ended));
        }
    }

    /// Writes without waiting for the next interval: a shutdown may have little time.
    pub(super) fn write_soon(&mut self, now: Instant) {
        self.next_write = now;
    }

    /// Asks for a sync; returns the token that its [`News::Synced`] will bear.
    fn sync(&mut self) -> u64 {
        let token = self.flushes.next_token;
        self.flushes.next_token += 1;
        self.disk.send(DiskJob::Sync { token });
        token
    }

    /// Asks for the sync of the flushes that have none.
    fn sync_waiting(&mut self) {
        let has_none = |waiting: &WaitingFlush| waiting.token.is_none();
        if self.flushes.waiting.iter().any(has_none) {
            let token = self.sync();
            for waiting in &mut self.flushes.waiting {
                waiting.token.get_or_insert(token);
            }
        }
    }

    /// Releases what is on disk when memory runs short, the newest first.
    fn spill_to_disk(&mut self, backlog: &mut Backlog) {
        if backlog.fullness() <= 1.0 / 2.0 {
            return;
        }
        let bounds = &backlog.shared.settings.bounds;
        let pending = backlog.shared.ledger.pending();
        let mut events_over = pending.saturating_sub((bounds.max_events as u128 * 3 / 8) as u64);
        let held = backlog.shared.queue.bytes();
        let mut bytes_over = held.saturating_sub(bounds.max_bytes / 8 * 3);
        let mut released = BTreeMap::new();
        let stays = Size {
            max_events: backlog.two_rounds().min(bounds.max_events / 4),
            max_bytes: bounds.max_bytes / 4,
        };
        for (sequence, spillable) in spillable(backlog.waiting(), stays).into_iter().rev() {
            if events_over == 0 && bytes_over == 0 {
                break;
            }
            let segment = spillable.segment;
            // A segment leaves whole or not at all, and not while somebody waits for one of its events.
            if segment.on_disk() == OnDisk::Yes
                && Arc::strong_count(segment) == spillable.parts
                && !segment.is_awaited()
            {
                events_over = events_over.saturating_sub(spillable.events);
                bytes_over = bytes_over.saturating_sub(segment.charge());
                released.insert(sequence, spillable.events);
            }
        }
        self.release(backlog, &released);
    }

    /// Leaves segments, with so many events left in each, to the disk.
    fn release(&mut self, backlog: &mut Backlog, segments: &BTreeMap<u64, u64>) {
        if segments.is_empty() {
            return;
        }
        let goes = |segment: &Segment| segments.contains_key(&segment.sequence());
        for batch in &mut backlog.retries {
            batch.remove(goes);
        }
        backlog.retries.retain(|batch| !batch.is_empty());
        backlog.fresh.remove(goes);
        self.send_ended();
        for waiting in &mut self.flushes.waiting {
            waiting.has_released |= segments.range(..waiting.sequence).next().is_some();
        }
        for (&sequence, &events) in segments {
            backlog.shared.ledger.spool(events);
            self.disk.send(DiskJob::Release { sequence, events });
        }
    }

    /// Has events read back when there is room for them and they could be sent.
    fn load(&mut self, backlog: &Backlog, is_open: bool, now: Instant) {
        let loading = &mut self.loading;
        let is_wanted = backlog.shared.ledger.spooled() > 0 && is_open;
        let may_load = loading.knows_recovered && !loading.under_way && now >= loading.not_before;
        if !is_wanted || !may_load || backlog.fullness() >= 1.0 / 4.0 {
            return;
        }
        let bounds = &backlog.shared.settings.bounds;
        let events = backlog.two_rounds().min((bounds.max_events / 4).max(1));
        let bytes = bounds.max_bytes / 4;
        if backlog.fresh.len() < events {
            loading.under_way = self.disk.send(DiskJob::Load { events, bytes });
        }
    }

    fn drain_news(&mut self, backlog: &mut Backlog, now: Instant) {
        while let Some(news) = self.disk.next_news() {
            match news {
                News::Adopted { adopted, more } => {
                    self.loading.knows_recovered |= !more;
                    backlog.reporter.recovered_from_disk(adopted.events);
                    self.inherited.add(adopted);
                }
                News::Loaded(loaded) => {
                    self.loading.under_way = false;
                    if loaded.is_empty() {
                        self.loading.not_before = now + TICK;
                    }
                    for loaded in loaded {
                        if self.leaving {
                            // What was read while the worker came to its end stays for the next process.
                            let (sequence, events) = (loaded.sequence, loaded.events.len() as u64);
                            let events = events - self.forget_unloaded(backlog, &loaded);
                            self.send_ended();
                            self.disk.send(DiskJob::Release { sequence, events });
                        } else if let Some(segment) = restore(backlog, &loaded, now) {
                            self.forget_loaded(backlog, &segment);
                            self.disk.send(DiskJob::Loaded(segment));
                        }
                    }
                }
                News::Synced { token, done, gone } => self.synced(backlog, token, done, gone),
                News::Erased { token, erased } => self.erased(token, &erased),
                News::Lost(reason, events) => {
                    let cause = "the spool did not keep them";
                    backlog.reporter.dropped(events, reason, cause);
                }
                News::Fault(cause) => backlog.reporter.spool_fault(&cause),
                News::Unwritten => self.failing = true,
                News::Written { again } => {
                    self.failing = false;
                    if again {
                        backlog.reporter.spool_works_again();
                    }
                }
                News::Closed => self.closed = true,
            }
        }
    }

    /// Erases somebody's events from the disk.
    pub(super) fn erase(
        &mut self,
        person: &Arc<Person>,
        deadline: Instant,
        told: &Arc<Forgetting>,
    ) {
        let token = self.next_erasure;
        self.next_erasure += 1;
        let theirs = Arc::clone(person);
        let matches = Matches::new(move |event: &[u8]| theirs.is_named_by(event));
        self.send_ended();
        let mut erasure = Erasure {
            token,
            person: Arc::clone(person),
            deadline,
            told: Some(Arc::clone(told)),
        };
        if self.disk.send(DiskJob::Erase { matches, token }) {
            self.erasures.push(erasure);
        } else {
            erasure.is_incomplete();
        }
    }

    fn erased(&mut self, token: u64, erased: &Erased) {
        let ended = |erasure: &mut Erasure| erasure.token == token;
        for erasure in self.erasures.extract_if(.., ended) {
            if let Some(told) = erasure.told {
                told.add(|forgotten| {
                    forgotten.spooled += erased.spooled;
                    forgotten.complete &= erased.complete;
                });
            }
        }
    }

    /// Forgets, in what was just read back, whom the disk had not erased by then.
    fn forget_loaded(&mut self, backlog: &mut Backlog, loaded: &Weak<Segment>) {
        let Some(segment) = loaded.upgrade() else {
            return;
        };
        let mut all = Vec::new();
        for erasure in &self.erasures {
            for event in 0..segment.len() {
                if erasure.person.is_named_by(segment.json(event)) {
                    segment.forget(event);
                }
            }
            let forgotten = backlog.take_forgotten();
            for batch in &forgotten {
                let events = batch.len() as u64;
                backlog
                    .shared
                    .ledger
                    .drop_pending(DropReason::Forgotten, events);
                erasure.found(events);
            }
            all.extend(forgotten);
        }
        // The disk does not know them where it cannot read their file.
        for batch in &all {
            self.note_ended(batch);
        }
    }

    /// The same in what is not taken back into memory; returns how many events there were.
    fn forget_unloaded(&mut self, backlog: &Backlog, loaded: &Loaded) -> u64 {
        let mut all = 0;
        for (event, (_, range)) in loaded.events.iter().enumerate() {
            let json = loaded.bytes.get(range.clone()).unwrap_or_default();
            let mut erasures = self.erasures.iter();
            if let Some(erasure) = erasures.find(|erasure| erasure.person.is_named_by(json)) {
                erasure.found(1);
                self.ended.push((loaded.sequence, event..event + 1));
                all += 1;
            }
        }
        (backlog.shared.ledger).drop_spooled(DropReason::Forgotten, all);
        all
    }

    /// Has all that is queued written; returns the sequence number that the next segment will have.
    fn write_all(&mut self, backlog: &mut Backlog) -> u64 {
        let sequence = backlog.source.receiver.seal();
        self.pull_all(backlog);
        self.write_again(backlog);
        self.send_ended();
        sequence
    }

    /// Answers a flush when all that is queued is on disk, or at its deadline.
    pub(super) fn flush(&mut self, backlog: &mut Backlog, flush: DiskFlush) {
        let sequence = self.write_all(backlog);
        let token = self.sync();
        self.flushes.waiting.push(WaitingFlush {
            token: Some(token),
            sequence,
            lost: self.flushes.untold,
            rewrites: 0,
            has_released: false,
            flush,
        });
    }

    /// Answers those who waited for a sync that has ended. What turned out to be on disk no longer is written again
    /// first, and what the hook has not seen for want of memory has its turn: while there is none, one sync an interval.
    fn synced(&mut self, backlog: &mut Backlog, token: u64, done: bool, gone: u64) {
        self.flushes.synced = Some(token);
        self.flushes.lose(gone);
        for mut waiting in self.flushes.take(|waiting| waiting.token == Some(token)) {
            let events = unwritten(backlog, waiting.sequence, done);
            let has_released = std::mem::take(&mut waiting.has_released);
            let unpulled = backlog.source.oldest();
            let goes_on = done && unpulled.is_some_and(|oldest| oldest < waiting.sequence);
            let is_again =
                (events > 0 || !done) && !self.failing && waiting.rewrites < MAX_REWRITES;
            if goes_on || is_again {
                waiting.rewrites += u32::from(!goes_on);
                self.pull_all(backlog);
                self.write_again(backlog);
                self.send_ended();
                let is_stuck = goes_on && backlog.source.oldest() == unpulled;
                waiting.token = (!is_stuck).then(|| self.sync());
                self.flushes.waiting.push(waiting);
                continue;
            }
            if has_released {
                waiting.token = Some(self.sync());
                self.flushes.waiting.push(waiting);
                continue;
            }
            let answered = match (events, waiting.lost) {
                (0, 0) if done => Ok(()),
                (0, events @ 1..) => {
                    let is_heard = !waiting.flush.reply.is_closed();
                    self.flushes.untold *= u64::from(!is_heard);
                    Err(SpoolError::Lost { events })
                }
                (events, _) => Err(SpoolError::NotWritten { events }),
            };
            answer(waiting.flush.reply, answered);
        }
    }

    /// Waits until what is in memory is on disk, as far as it can be: twice where the first sync finds that
    /// something has gone.
    async fn sync_held(&mut self, backlog: &mut Backlog, until: tokio::time::Instant) {
        for _ in 0..2 {
            let token = self.sync();
            let has_synced = |spooling: &Self| spooling.flushes.synced >= Some(token);
            let is_synced = self.wait_for_disk(backlog, until, has_synced).await;
            if !is_synced || self.failing || unwritten(backlog, u64::MAX, true) == 0 {
                break;
            }
            self.write_again(backlog);
            self.send_ended();
        }
    }

    /// At the end: leaves to the next process what is undelivered and on disk by this time.
    pub(super) async fn leave(&mut self, backlog: &mut Backlog, until: tokio::time::Instant) {
        self.leaving = true;
        let mut before = None;
        loop {
            self.write_all(backlog);
            let unpulled = backlog.source.oldest();
            if backlog.shared.ledger.pending() > 0 {
                self.sync_held(backlog, until).await;
                self.leave_held(backlog);
            }
            // What the hook had no memory for has its turn when the rest has left memory.
            if unpulled.is_none() || unpulled == before || tokio::time::Instant::now() >= until {
                break;
            }
            before = unpulled;
        }
    }

    /// Leaves the directory as the next process is to find it, at most until this time.
    pub(super) async fn close(&mut self, backlog: &mut Backlog, until: tokio::time::Instant) {
        self.send_ended();
        self.disk.send(DiskJob::Close);
        self.wait_for_disk(backlog, until, |spooling| spooling.closed)
            .await;
        for WaitingFlush { flush, .. } in self.flushes.take(|_| true) {
            answer(flush.reply, Err(SpoolError::Closed));
        }
        self.erasures.iter_mut().for_each(Erasure::is_incomplete);
    }

    /// Leaves all segments that are on disk to the next process.
    fn leave_held(&mut self, backlog: &mut Backlog) {
        let mut released = BTreeMap::new();
        for (sequence, (segment, ranges)) in backlog.held() {
            let end = match segment.on_disk() {
                OnDisk::Yes => EventEnd::Spooled,
                // The spool has counted these events when it evicted them.
                OnDisk::Evicted => EventEnd::Dropped(DropReason::SpoolFull),
                OnDisk::No | OnDisk::Asked => continue,
            };
            for range in ranges {
                *released.entry(sequence).or_default() += range.len() as u64;
                segment.notify_end(range, end);
            }
        }
        self.release(backlog, &released);
    }

    /// Waits for the disk until a time, since a disk that hangs must not delay the end for long. The time is the
    /// system's, also where a test has set a clock of its own.
    async fn wait_for_disk(
        &mut self,
        backlog: &mut Backlog,
        until: tokio::time::Instant,
        done: impl Fn(&Self) -> bool,
    ) -> bool {
        let shared = Arc::clone(&backlog.shared);
        loop {
            self.drain_news(backlog, shared.settings.clock.now());
            if done(self) {
                return true;
            }
            let news = shared.spool_news.notified();
            if tokio::time::timeout_at(until, news).await.is_err() {
                return false;
            }
        }
    }
}

impl Erasure {
    /// Events were read back before the disk came to erase them.
    fn found(&self, events: u64) {
        if let Some(told) = &self.told {
            told.add(|forgotten| forgotten.spooled += events);
        }
    }

    /// Nobody waits for it any longer.
    fn is_incomplete(&mut self) {
        if let Some(told) = self.told.take() {
            told.add(|forgotten| forgotten.complete = false);
        }
    }
}

impl DiskFlushes {
    /// Events that were only on disk are gone, or may be. Whoever waits may wait for them, and if nobody hears of it, the next
    /// flush does: an earlier one may have confirmed them.
    fn lose(&mut self, events: u64) {
        self.untold += events;
        for waiting in &mut self.waiting {
            waiting.lost += events;
        }
    }

    fn time_out(&mut self, now: Instant) {
        for WaitingFlush { flush, .. } in self.take(|waiting| waiting.flush.deadline <= now) {
            answer(flush.reply, Err(SpoolError::TimedOut(flush.timeout)));
        }
    }

    fn take(&mut self, which: impl Fn(&WaitingFlush) -> bool) -> Vec<WaitingFlush> {
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let (taken, waiting) = waiting.partition(|waiting| which(waiting));
        self.waiting = waiting;
        taken
    }
}

/// How many events of the segments before `sequence` are not on disk, as far as is known.
fn unwritten(backlog: &Backlog, sequence: u64, synced: bool) -> u64 {
    let is_unwritten = |segment: &Segment| {
        segment.sequence() < sequence && (!synced || segment.on_disk() != OnDisk::Yes)
    };
    let held = backlog.held();
    let segments = held.values().filter(|(segment, _)| is_unwritten(segment));
    let ranges = segments.flat_map(|(_, ranges)| ranges);
    ranges.map(|range| range.len() as u64).sum()
}

/// What waits of one segment, and need not be in memory.
struct Spillable<'a> {
    segment: &'a Arc<Segment>,
    parts: usize,
    events: u64,
}

/// Segments that memory need not hold, by their sequence number. The first events stay, up to `stays`, so
/// that sending need not wait for the disk.
fn spillable<'a>(
    waiting: impl Iterator<Item = (&'a Arc<Segment>, Range<usize>)>,
    stays: Size,
) -> BTreeMap<u64, Spillable<'a>> {
    let (mut seen, mut bytes) = (0, 0);
    let mut spillable = BTreeMap::new();
    for (segment, events) in waiting {
        if seen < stays.max_events && bytes < stays.max_bytes {
            seen += events.len();
            bytes += segment.slice(events).len();
            continue;
        }
        let entry = spillable.entry(segment.sequence()).or_insert(Spillable {
            segment,
            parts: 0,
            events: 0,
        });
        entry.parts += 1;
        entry.events += events.len() as u64;
    }
    spillable
}

/// Puts events that were read back from disk among those in memory.
fn restore(backlog: &mut Backlog, loaded: &Loaded, now: Instant) -> Option<Weak<Segment>> {
    if loaded.events.is_empty() {
        return None;
    }
    let wall = unix_millis(backlog.shared.settings.clock.wall());
    let age = Duration::from_millis(wall.saturating_sub(loaded.queued_at));
    let first_at = now.checked_sub(age).unwrap_or(now);
    let Loaded {
        sequence,
        bytes,
        events,
        ..
    } = loaded;
    let segment = backlog
        .source
        .receiver
        .restored(*sequence, bytes, events, [first_at, now]);
    backlog.shared.ledger.load(events.len() as u64);
    let segment = Arc::new(segment);
    let weak = Arc::downgrade(&segment);
    backlog.fresh.insert(segment);
    // Events read back from disk are sent at once, without waiting for a full batch.
    backlog.send_partial = true;
    Some(weak)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_events_stay_in_memory_and_the_rest_is_counted_by_segment() {
        let (_shared, receiver) = Shared::for_tests();
        let segment = |sequence| {
            let events = [0, 1, 2, 3].map(|id| (id, 0..2));
            Arc::new(receiver.restored(sequence, b"{}", &events, [Instant::now(); 2]))
        };
        let [first, second] = [1, 2].map(segment);
        let waiting = || {
            let parts = [
                (&first, 0..2),
                (&first, 2..4),
                (&second, 0..1),
                (&second, 3..4),
            ];
            parts.into_iter()
        };
        let counts = |max_events, max_bytes| {
            let stays = Size {
                max_events,
                max_bytes,
            };
            let spillable = spillable(waiting(), stays).into_iter();
            let counts = spillable.map(|(sequence, of)| (sequence, of.parts, of.events));
            counts.collect::<Vec<_>>()
        };
        assert_eq!(counts(0, 100), [(1, 2, 4), (2, 2, 2)]);
        assert_eq!(counts(1, 100), [(1, 1, 2), (2, 2, 2)]);
        assert_eq!(counts(3, 100), [(2, 2, 2)]);
        assert_eq!(counts(100, 100), []);
        // An event is `{}` and a comma.
        assert_eq!(counts(100, 0), [(1, 2, 4), (2, 2, 2)]);
        assert_eq!(counts(100, 6), [(1, 1, 2), (2, 2, 2)]);
        assert_eq!(counts(100, 7), [(2, 2, 2)]);
    }

    /// A spooling with nothing in memory, whose disk nobody hears.
    struct Scene {
        dir: std::path::PathBuf,
        spooling: Spooling,
        backlog: Backlog,
        now: Instant,
    }

    impl Scene {
        fn new() -> Self {
            let (shared, receiver) = Shared::for_tests();
            let shared = Arc::new(shared);
            let dir = format!("mcp-usage-flushes-{:016x}", crate::base::random::seed());
            let dir = std::env::temp_dir().join(dir);
            let store = Spool::dir(&dir).open("t".to_owned()).unwrap();
            let spooling = Spooling::start(&shared, store).unwrap();
            Self {
                dir,
                now: spooling.next_write,
                spooling,
                backlog: Backlog::new(shared, receiver),
            }
        }

        fn flush(&mut self) -> tokio::sync::oneshot::Receiver<Result<(), SpoolError>> {
            let (reply, answered) = tokio::sync::oneshot::channel();
            let flush = DiskFlush {
                deadline: self.now + TICK,
                timeout: TICK,
                reply,
            };
            self.spooling.flush(&mut self.backlog, flush);
            answered
        }

        /// The next sync has ended.
        fn synced(&mut self, done: bool, gone: u64) {
            let token = self.spooling.flushes.synced.map_or(0, |last| last + 1);
            assert!(token < self.spooling.flushes.next_token);
            self.spooling.synced(&mut self.backlog, token, done, gone);
        }
    }

    impl Drop for Scene {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }

    #[test]
    fn each_flush_that_waits_hears_of_what_is_gone_and_else_the_next_one() {
        let mut scene = Scene::new();
        let lost = |events| Ok(Err(SpoolError::Lost { events }));
        let (mut first, mut second) = (scene.flush(), scene.flush());
        scene.synced(true, 3);
        scene.synced(true, 0);
        assert_eq!((first.try_recv(), second.try_recv()), (lost(3), lost(3)));
        let mut third = scene.flush();
        scene.synced(true, 0);
        assert_eq!(third.try_recv(), Ok(Ok(())), "it was told");

        // Nobody hears of it who waits no longer.
        let mut late = scene.flush();
        drop(scene.flush());
        scene.spooling.flushes.time_out(scene.now);
        assert!(late.try_recv().is_err());
        scene.spooling.flushes.time_out(scene.now + TICK);
        assert_eq!(late.try_recv(), Ok(Err(SpoolError::TimedOut(TICK))));
        drop(scene.flush());
        for gone in [2, 0, 0] {
            scene.synced(true, gone);
        }
        let mut next = scene.flush();
        scene.synced(true, 1);
        assert_eq!(next.try_recv(), lost(3));
    }

    #[test]
    fn a_flush_hears_of_the_files_of_what_was_left_to_the_disk_while_it_waits() {
        let mut scene = Scene::new();
        let mut flush = scene.flush();
        let sequence = scene.spooling.flushes.waiting[0].sequence;
        let later = BTreeMap::from([(sequence, 1)]);
        scene.spooling.release(&mut scene.backlog, &later);
        assert!(!scene.spooling.flushes.waiting[0].has_released);
        let awaited = BTreeMap::from([(sequence - 1, 1)]);
        scene.spooling.release(&mut scene.backlog, &awaited);
        scene.synced(true, 0);
        assert!(flush.try_recv().is_err(), "this sync may have been first");
        scene.synced(true, 1);
        assert_eq!(flush.try_recv(), Ok(Err(SpoolError::Lost { events: 1 })));
    }

    #[test]
    fn a_flush_beside_one_whose_sync_fails_hears_of_what_may_be_lost() {
        let mut scene = Scene::new();
        let lost = |events| Ok(Err(SpoolError::Lost { events }));
        let (mut first, mut second) = (scene.flush(), scene.flush());
        scene.synced(false, 4);
        assert!(first.try_recv().is_err(), "it is synced again");
        scene.synced(true, 0);
        scene.synced(true, 0);
        assert_eq!((first.try_recv(), second.try_recv()), (lost(4), lost(4)));
        // Nor is it left in doubt while nothing can be written.
        let mut third = scene.flush();
        scene.spooling.failing = true;
        scene.synced(false, 5);
        assert_eq!(third.try_recv(), lost(5));
    }

    #[test]
    fn a_flush_syncs_once_an_interval_while_the_hook_waits_for_memory() {
        const QUEUE: usize = 1 << 20;
        let (shared, receiver) = Shared::for_tests_of(crate::Wire::ReoBatch, |builder| {
            builder.before_send(Some).max_queue_bytes(QUEUE)
        });
        let shared = Arc::new(shared);
        let dir = format!("mcp-usage-spooling-{:016x}", crate::base::random::seed());
        let dir = std::env::temp_dir().join(dir);
        let store = Spool::dir(&dir).open("t".to_owned()).unwrap();
        let mut spooling = Spooling::start(&shared, store).unwrap();
        // Its own time: on a busy machine it may have started long after any other.
        let now = spooling.next_write - WRITE_INTERVAL;
        // One event fills the memory, as if it were under way, and the hook has not seen the one behind it.
        let full = Arc::new(receiver.restored(1, &[b' '; QUEUE], &[(1, 0..QUEUE)], [now; 2]));
        let unseen = receiver.restored(2, b"{}", &[(2, 0..2)], [now; 2]);
        let mut backlog = Backlog::new(Arc::clone(&shared), receiver);
        backlog.fresh.insert(Arc::clone(&full));
        backlog.wait_for_hook(unseen);
        let (reply, _answered) = tokio::sync::oneshot::channel();
        let timeout = Duration::from_secs(3_600);
        let deadline = now + timeout;
        spooling.flushes.waiting.push(WaitingFlush {
            token: Some(0),
            sequence: 3,
            lost: 0,
            rewrites: 0,
            has_released: false,
            flush: DiskFlush {
                deadline,
                timeout,
                reply,
            },
        });
        for syncs in 1..5 {
            let now = now + 2 * WRITE_INTERVAL * (syncs - 1) as u32;
            if syncs == 1 {
                spooling.sync();
            }
            let give_up = Instant::now() + Duration::from_secs(30);
            while spooling.flushes.synced < Some(syncs - 1) {
                spooling.turn(&mut backlog, false, now);
                assert!(Instant::now() < give_up, "the disk does not answer");
                std::thread::yield_now();
            }
            assert_eq!(spooling.flushes.next_token, syncs);
        }
        assert_eq!(spooling.flushes.waiting.len(), 1);
        drop(full);
        drop(spooling);
        let _ = std::fs::remove_dir_all(dir);
    }

    #[tokio::test]
    async fn what_a_slow_disk_writes_within_the_time_of_an_end_stays_for_the_next_process() {
        let mut scene = Scene::new();
        let shared = Arc::clone(&scene.backlog.shared);
        let store = Spool::dir(&scene.dir).open("t".to_owned()).unwrap();
        let (ledger, clock) = (Arc::clone(&shared.ledger), shared.settings.clock.clone());
        let wake = Arc::clone(&shared);
        let stall = std::sync::Once::new();
        let wake = move || {
            stall.call_once(|| std::thread::sleep(Duration::from_millis(450)));
            wake.spool_news.notify_one();
        };
        let recheck = Box::new(|_: &[u8], _, _: &mut Vec<u8>| Ok(1));
        scene.spooling.disk = Disk::start(store, ledger, clock, recheck, wake).unwrap();

        let loaded = Loaded {
            sequence: 5,
            bytes: b"{}".to_vec(),
            events: vec![(9, 0..2)],
            queued_at: unix_millis(shared.settings.clock.wall()),
        };
        shared.ledger.recover(1);
        let segment = restore(&mut scene.backlog, &loaded, scene.now).unwrap();
        segment.upgrade().unwrap().set_on_disk(OnDisk::No);
        let until = tokio::time::Instant::now() + TICK;
        scene.spooling.leave(&mut scene.backlog, until).await;
        scene.spooling.close(&mut scene.backlog, until).await;
        let ledger = &shared.ledger;
        assert_eq!((ledger.pending(), ledger.spooled()), (0, 1));
        assert!(scene.spooling.closed);
    }

    /// The disk counts what it is left: it may not have been able to read the file when it was to erase them.
    #[test]
    fn what_is_forgotten_as_it_is_read_back_has_ended_on_disk_too() {
        use crate::capture::CapturePolicy;
        use crate::event::Identity;
        use crate::wire::naming::IdentityPolicy;

        for leaving in [true, false] {
            let mut scene = Scene::new();
            let (disk, jobs, news) = Disk::for_tests();
            scene.spooling.disk = disk;
            scene.spooling.leaving = leaving;
            let shared = Arc::clone(&scene.backlog.shared);
            let policy = CapturePolicy {
                limits: shared.settings.limits,
                redactor: shared.settings.redactor.clone(),
            };
            let identity = Identity::new("sam", "INTERNAL");
            let person = Person::new(&identity, &IdentityPolicy::default(), &policy).unwrap();
            scene.spooling.erasures.push(Erasure {
                token: 0,
                person: Arc::new(person),
                deadline: scene.now + TICK,
                told: None,
            });
            let [eve, sam] = ["eve", "sam"].map(|id| format!(r#"{{"userId":"{id}"}}"#));
            let each = sam.len();
            let loaded = Loaded {
                sequence: 5,
                bytes: [&*sam, &*eve, &*sam].concat().into_bytes(),
                events: (0..3)
                    .map(|n| (n as i64, n * each..(n + 1) * each))
                    .collect(),
                queued_at: unix_millis(shared.settings.clock.wall()),
            };
            shared.ledger.recover(3);
            news.send(News::Loaded(vec![loaded])).unwrap();
            scene.spooling.drain_news(&mut scene.backlog, scene.now);
            if !leaving {
                assert!(matches!(jobs.try_recv(), Ok(DiskJob::Loaded(_))));
                scene.spooling.send_ended();
            }
            let Ok(DiskJob::Ended(ended)) = jobs.try_recv() else {
                panic!("the disk does not hear of them: {leaving}");
            };
            assert_eq!(ended, [(5, 0..1), (5, 2..3)]);
            if leaving {
                let job = jobs.try_recv();
                assert!(matches!(
                    job,
                    Ok(DiskJob::Release {
                        sequence: 5,
                        events: 1
                    })
                ));
            }
            let ledger = &shared.ledger;
            assert_eq!(ledger.pending() + ledger.spooled(), 1);
        }
    }

    #[test]
    fn events_that_are_read_back_keep_their_age_and_are_sent_at_once() {
        let (shared, receiver) = Shared::for_tests();
        let (wall, now) = (shared.settings.clock.wall(), Instant::now());
        shared.ledger.recover(1);
        let mut backlog = Backlog::new(Arc::new(shared), receiver);
        let loaded = Loaded {
            sequence: 5,
            bytes: b"{}".to_vec(),
            events: vec![(9, 0..2)],
            queued_at: unix_millis(wall) - 60_000,
        };
        restore(&mut backlog, &loaded, now);
        let (segment, _) = backlog.fresh.parts().next().unwrap();
        let first_at = segment.first_at().unwrap();
        let age = now.duration_since(first_at);
        assert!((60..120).contains(&age.as_secs()), "{age:?}");
        assert!(backlog.send_partial && backlog.fresh.len() == 1);
        let ledger = &backlog.shared.ledger;
        assert_eq!((ledger.pending(), ledger.spooled()), (1, 0));
    }
}
