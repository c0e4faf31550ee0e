//! The worker's dealings with its spool: what is written, what leaves memory for the disk, what comes
//! back, and what stays for the next process.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::in_memory::InMemory;
use super::message::Reply;
use super::shared::Shared;
use crate::base::clock::unix_millis;
use crate::base::log::LOG_TARGET;
use crate::error::SpoolError;
use crate::ledger::DropReason;
use crate::queue::{EventEnd, OnDisk, Segment};
use crate::spool::disk::{Disk, DiskJob, News};
use crate::spool::{Loaded, WRITE_INTERVAL};
pub(crate) use crate::spool::{
    MIN_MAX_BYTES as MIN_SPOOL_BYTES, Opened, Spool, probe as probe_spool,
};

/// How often files are synced, old events dropped, and failed writes tried again.
const TICK: Duration = Duration::from_secs(1);

/// How long the end of the worker waits for the disk, twice: within the second by which a blocking
/// wait outlasts its deadline.
const PATIENCE: Duration = Duration::from_millis(400);

/// A disk that is so many jobs behind is not asked to write; what it is not asked for stays in memory.
const MAX_DISK_JOBS: usize = 1_000;

/// What a destination keeps on disk; without a spool, nothing.
pub(super) struct Spooling(Option<Running>);

struct Running {
    disk: Disk,
    /// Ended events of segments that the disk was asked to write. Sent with the next write.
    ended: Vec<(u64, Range<usize>)>,
    next_write: Instant,
    next_tick: Instant,
    loading: Loading,
    /// The last write has failed, so events stay in memory.
    failing: bool,
    flushes: DiskFlushes,
    closed: bool,
}

/// What is read back from disk.
struct Loading {
    /// Whether it is known what earlier processes have left.
    known: bool,
    under_way: bool,
    /// Not before this time: the last one brought nothing.
    not_before: Instant,
}

/// Who waits until all that was queued before is on disk.
#[derive(Default)]
struct DiskFlushes {
    waiting: Vec<DiskFlush>,
    next_token: u64,
    /// The last sync that has ended.
    synced: Option<u64>,
}

struct DiskFlush {
    token: u64,
    sequence: u64,
    deadline: Instant,
    timeout: Duration,
    reply: Reply<Result<(), SpoolError>>,
}

impl Spooling {
    /// Starts the spool of a logger that has one.
    pub(super) fn start(shared: &Arc<Shared>, opened: Option<Opened>) -> Self {
        let Some(opened) = opened else {
            return Self(None);
        };
        let wake = Arc::clone(shared);
        let disk = Disk::start(
            opened.settings,
            opened.slot,
            Arc::clone(&shared.ledger),
            shared.settings.clock.clone(),
            move || wake.notify.notify_one(),
        );
        let disk = match disk {
            Ok(disk) => disk,
            Err(error) => {
                shared.ledger.spool_fault();
                tracing::error!(
                    target: LOG_TARGET,
                    "the usage spool has no thread, events are kept in memory: {error}"
                );
                return Self(None);
            }
        };
        let now = shared.settings.clock.now();
        Self(Some(Running {
            disk,
            ended: Vec::new(),
            next_write: now + WRITE_INTERVAL,
            next_tick: now + TICK,
            loading: Loading {
                known: false,
                under_way: false,
                not_before: now,
            },
            failing: false,
            flushes: DiskFlushes::default(),
            closed: false,
        }))
    }

    pub(super) const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Returns whether it is not known yet what earlier processes have left.
    pub(super) fn is_unknown(&self) -> bool {
        self.0.as_ref().is_some_and(|spool| !spool.loading.known)
    }

    /// When there is something to do.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let spool = self.0.as_ref()?;
        let deadlines = spool.flushes.waiting.iter().map(|flush| flush.deadline);
        Some(deadlines.fold(spool.next_write, Instant::min))
    }

    /// What is due on each turn. `is_open`: the gate lets requests through.
    pub(super) fn turn(&mut self, memory: &mut InMemory, is_open: bool, now: Instant) {
        if let Some(spool) = &mut self.0 {
            spool.turn(memory, is_open, now);
        }
    }

    /// Has a segment written.
    pub(super) fn write_to_spool(&self, shared: &Shared, segment: &Arc<Segment>) {
        if let Some(spool) = &self.0 {
            spool.write(shared, segment);
        }
    }

    /// Notes that events have ended, so that the disk need not keep them.
    pub(super) fn note_ended<'a>(
        &mut self,
        parts: impl Iterator<Item = (&'a Arc<Segment>, Range<usize>)>,
    ) {
        if let Some(spool) = &mut self.0 {
            let kept = parts.filter(|(segment, _)| segment.on_disk() != OnDisk::No);
            let kept = kept.map(|(segment, events)| (segment.sequence(), events));
            spool.ended.extend(kept);
        }
    }

    /// Writes without waiting for the next turn: a shutdown may have little time.
    pub(super) const fn write_soon(&mut self, now: Instant) {
        if let Some(spool) = &mut self.0 {
            spool.next_write = now;
        }
    }

    /// Answers `reply` when all that is queued is on disk, or at `deadline`.
    pub(super) fn flush(
        &mut self,
        memory: &mut InMemory,
        deadline: Instant,
        timeout: Duration,
        reply: Reply<Result<(), SpoolError>>,
    ) {
        let Some(spool) = &mut self.0 else {
            let _ = reply.send(Err(SpoolError::NoSpool));
            return;
        };
        let sequence = spool.write_all(memory);
        let token = spool.sync();
        spool.flushes.waiting.push(DiskFlush {
            token,
            sequence,
            deadline,
            timeout,
            reply,
        });
    }

    /// At the end: leaves to the next process what is undelivered and on disk, and the directory as
    /// that process is to find it.
    pub(super) async fn leave(&mut self, memory: &mut InMemory) {
        if let Some(spool) = &mut self.0 {
            spool.leave(memory).await;
        }
    }
}

impl Running {
    fn turn(&mut self, memory: &mut InMemory, is_open: bool, now: Instant) {
        self.drain_news(memory, now);
        let write = now >= self.next_write;
        if write {
            self.next_write = now + WRITE_INTERVAL;
            memory.backlog.receiver.seal();
        }
        // While nothing can be written, events stay where a full queue can still choose among them.
        if !self.failing && (write || memory.fullness() > 1.0 / 4.0) {
            self.pull_all(memory);
        }
        if write {
            self.send_ended();
        }
        if now >= self.next_tick {
            self.next_tick = now + TICK;
            self.disk.ask(DiskJob::Tick);
            self.offer_again(memory);
        }
        self.spill_to_disk(memory);
        self.load(memory, is_open, now);
        self.flushes.time_out(now);
    }

    /// Takes all that is sealed from the queue, and has it written.
    fn pull_all(&self, memory: &mut InMemory) {
        while let Some(segment) = memory.pull_segment() {
            self.write(&memory.shared, &segment);
        }
    }

    fn write(&self, shared: &Shared, segment: &Arc<Segment>) {
        if segment.len() > 0 && self.disk.backlog() < MAX_DISK_JOBS {
            let clock = &shared.settings.clock;
            let age = segment
                .first_at()
                .map(|at| clock.now().saturating_duration_since(at))
                .unwrap_or_default();
            let at = clock.wall().checked_sub(age).map_or(0, unix_millis);
            segment.set_on_disk(OnDisk::Asked);
            let segment = Arc::downgrade(segment);
            self.disk.ask(DiskJob::Append { segment, at });
        }
    }

    fn send_ended(&mut self) {
        if !self.ended.is_empty() {
            let ended = std::mem::take(&mut self.ended);
            self.disk.ask(DiskJob::Ended(ended));
        }
    }

    /// Asks for a sync; returns by what name its end will be told.
    fn sync(&mut self) -> u64 {
        let token = self.flushes.next_token;
        self.flushes.next_token += 1;
        self.disk.ask(DiskJob::Sync { token });
        token
    }

    /// Has written what could not be before.
    fn offer_again(&mut self, memory: &InMemory) {
        for (sequence, (segment, events)) in memory.held() {
            if segment.on_disk() != OnDisk::No {
                continue;
            }
            self.write(&memory.shared, &segment);
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

    /// Lets go of what is on disk when memory runs short, the newest first.
    fn spill_to_disk(&mut self, memory: &mut InMemory) {
        if memory.fullness() <= 1.0 / 2.0 {
            return;
        }
        let bounds = &memory.shared.settings.bounds;
        let pending = memory.shared.ledger.pending();
        let mut events_over = pending.saturating_sub(bounds.max_events as u64 * 3 / 8);
        let held = memory.backlog.receiver.bytes();
        let mut bytes_over = held.saturating_sub(bounds.max_bytes / 8 * 3);
        let mut released = BTreeMap::new();
        for (sequence, (segment, parts, events)) in spillable(memory).into_iter().rev() {
            if events_over == 0 && bytes_over == 0 {
                break;
            }
            // All of a segment goes or nothing, and nothing that somebody waits for.
            if segment.on_disk() == OnDisk::Yes
                && Arc::strong_count(segment) == parts
                && !segment.is_awaited()
            {
                events_over = events_over.saturating_sub(events);
                bytes_over = bytes_over.saturating_sub(segment.charge());
                released.insert(sequence, events);
            }
        }
        self.release(memory, &released);
    }

    /// Leaves segments, with so many events left in each, to the disk.
    fn release(&mut self, memory: &mut InMemory, segments: &BTreeMap<u64, u64>) {
        if segments.is_empty() {
            return;
        }
        let leaves = |segment: &Segment| segments.contains_key(&segment.sequence());
        let backlog = &mut memory.backlog;
        for batch in &mut backlog.retries {
            batch.remove(leaves);
        }
        backlog.retries.retain(|batch| batch.len() > 0);
        backlog.fresh.remove(leaves);
        self.send_ended();
        for (&sequence, &events) in segments {
            memory.shared.ledger.spool(events);
            self.disk.ask(DiskJob::Release { sequence, events });
        }
    }

    /// Has events read back when there is room for them and they could be sent.
    fn load(&mut self, memory: &InMemory, is_open: bool, now: Instant) {
        let loading = &mut self.loading;
        let is_wanted = memory.shared.ledger.spooled() > 0 && is_open;
        let may_load = loading.known && !loading.under_way && now >= loading.not_before;
        if !is_wanted || !may_load || memory.fullness() >= 1.0 / 4.0 {
            return;
        }
        let most = memory.shared.settings.bounds.max_events / 4;
        let room = memory.two_rounds().min(most.max(1));
        if memory.backlog.fresh.len() < room {
            loading.under_way = self.disk.ask(DiskJob::Load { events: room });
        }
    }

    fn drain_news(&mut self, memory: &mut InMemory, now: Instant) {
        while let Ok(news) = self.disk.next_news() {
            match news {
                News::Adopted { events } => {
                    self.loading.known = true;
                    memory.reporter.recovered_from_disk(events);
                }
                News::Loaded(loaded) => {
                    self.loading.under_way = false;
                    if loaded.is_empty() {
                        self.loading.not_before = now + TICK;
                    }
                    for loaded in loaded {
                        restore(memory, &loaded, now);
                    }
                }
                News::Synced { token, done } => self.flushes.synced(memory, token, done),
                News::Lost { reason, events } => {
                    let cause = "the spool did not keep them";
                    memory.reporter.dropped(events, reason, cause);
                }
                News::Fault(cause) => memory.reporter.spool_fault(&cause),
                News::Unwritten => self.failing = true,
                News::Written { again } => {
                    self.failing = false;
                    if again {
                        memory.reporter.spool_works_again();
                    }
                }
                News::Closed => self.closed = true,
            }
        }
    }

    /// Has all that is queued written; returns the sequence number that the next segment will have.
    fn write_all(&mut self, memory: &mut InMemory) -> u64 {
        let sequence = memory.backlog.receiver.seal();
        self.pull_all(memory);
        self.offer_again(memory);
        self.send_ended();
        sequence
    }

    async fn leave(&mut self, memory: &mut InMemory) {
        self.write_all(memory);
        if memory.shared.ledger.pending() > 0 {
            let token = self.sync();
            self.wait_for_disk(memory, |spool| spool.flushes.synced >= Some(token))
                .await;
            self.leave_held(memory);
        }
        self.send_ended();
        self.disk.ask(DiskJob::Close);
        self.wait_for_disk(memory, |spool| spool.closed).await;
        for flush in std::mem::take(&mut self.flushes.waiting) {
            let _ = flush.reply.send(Err(SpoolError::Closed));
        }
    }

    /// Leaves all segments that are on disk to the next process.
    fn leave_held(&mut self, memory: &mut InMemory) {
        let mut released = BTreeMap::new();
        for (sequence, (segment, ranges)) in memory.held() {
            let how = match segment.on_disk() {
                OnDisk::Yes => EventEnd::Spooled,
                // Counted by the spool, which does not have them any more.
                OnDisk::Evicted => EventEnd::Dropped(DropReason::SpoolFull),
                OnDisk::No | OnDisk::Asked => continue,
            };
            for range in ranges {
                *released.entry(sequence).or_default() += range.len() as u64;
                segment.settle(range, how);
            }
        }
        self.release(memory, &released);
    }

    /// Waits for the disk, at most [`PATIENCE`]: one that hangs must not hold up the end for long.
    /// Whatever clock a test has set, it is the disk's time that passes.
    async fn wait_for_disk(&mut self, memory: &mut InMemory, done: impl Fn(&Self) -> bool) {
        let shared = Arc::clone(&memory.shared);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            self.drain_news(memory, shared.settings.clock.now());
            if done(self) {
                return;
            }
            let news = shared.notify.notified();
            if tokio::time::timeout_at(deadline, news).await.is_err() {
                return;
            }
        }
    }
}

impl DiskFlushes {
    /// Answers those who waited for a sync that has ended.
    fn synced(&mut self, memory: &InMemory, token: u64, done: bool) {
        self.synced = Some(token);
        for flush in self.take(|flush| flush.token == token) {
            let unwritten = |segment: &Segment| {
                segment.sequence() < flush.sequence && (!done || segment.on_disk() != OnDisk::Yes)
            };
            let events: usize = (memory.held().values())
                .filter(|(segment, _)| unwritten(segment))
                .flat_map(|(_, ranges)| ranges)
                .map(|range| range.len())
                .sum();
            let _ = flush.reply.send(match events as u64 {
                0 if done => Ok(()),
                events => Err(SpoolError::NotWritten { events }),
            });
        }
    }

    fn time_out(&mut self, now: Instant) {
        for flush in self.take(|flush| flush.deadline <= now) {
            let _ = flush.reply.send(Err(SpoolError::TimedOut(flush.timeout)));
        }
    }

    fn take(&mut self, which: impl Fn(&DiskFlush) -> bool) -> Vec<DiskFlush> {
        let (taken, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|flush| which(flush));
        self.waiting = waiting;
        taken
    }
}

/// Segments that memory need not hold, by their sequence number, each with its parts and the events in
/// them. A few batches stay, so that sending need not wait for the disk.
fn spillable(memory: &InMemory) -> BTreeMap<u64, (&Arc<Segment>, usize, u64)> {
    let stays = memory.two_rounds();
    let stays = stays.min(memory.shared.settings.bounds.max_events / 4);
    let mut seen = 0;
    let mut spillable = BTreeMap::new();
    let backlog = &memory.backlog;
    let retries = backlog.retries.iter().flat_map(|batch| batch.parts());
    for (segment, events) in retries.chain(backlog.fresh.parts()) {
        if seen < stays {
            seen += events.len();
            continue;
        }
        let entry = spillable.entry(segment.sequence());
        let (_, parts, left) = entry.or_insert((segment, 0, 0));
        *parts += 1;
        *left += events.len() as u64;
    }
    spillable
}

/// Puts events that were read back from disk among those in memory.
fn restore(memory: &mut InMemory, loaded: &Loaded, now: Instant) {
    if loaded.events.is_empty() {
        return;
    }
    let wall = unix_millis(memory.shared.settings.clock.wall());
    let age = Duration::from_millis(wall.saturating_sub(loaded.at));
    let first_at = now.checked_sub(age).unwrap_or(now);
    let backlog = &mut memory.backlog;
    let segment =
        backlog
            .receiver
            .restored(loaded.sequence, &loaded.bytes, &loaded.events, first_at);
    memory.shared.ledger.load(loaded.events.len() as u64);
    backlog.fresh.insert(Arc::new(segment));
    // Events read back from disk are sent at once, without waiting for a full batch.
    backlog.send_partial = true;
}
