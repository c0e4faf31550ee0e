//! The worker's dealings with its spool: what is written, what leaves memory for the disk, what comes
//! back, and what stays for the next process.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::message::Reply;
use crate::base::clock::unix_millis;
use crate::base::log::LOG_TARGET;
use crate::delivery::Worker;
use crate::error::SpoolError;
use crate::ledger::DropReason;
use crate::logger::pipeline::Core;
use crate::queue::EventEnd;
use crate::queue::{OnDisk, Segment};
use crate::spool::disk::{Disk, Job, News};
use crate::spool::{Loaded, WRITE_INTERVAL};

/// How often files are synced, old events dropped, and failed writes tried again.
const TICK: Duration = Duration::from_secs(1);

/// How long the end of the worker waits for the disk, twice: within the second by which a blocking
/// wait outlasts its deadline.
const PATIENCE: Duration = Duration::from_millis(400);

/// A disk that is so many jobs behind is not asked to write; what it is not asked for stays in memory.
const MAX_BACKLOG: usize = 1_000;

/// Somebody waits until all that was queued before is on disk.
struct DiskFlush {
    token: u64,
    sequence: u64,
    deadline: Instant,
    timeout: Duration,
    reply: Reply<Result<(), SpoolError>>,
}

pub(super) struct Spooling {
    disk: Disk,
    /// Ended events of segments that the spool was asked to write. Told with the next write.
    ended: Vec<(u64, Range<usize>)>,
    next_write: Instant,
    next_tick: Instant,
    /// Whether it is known what earlier processes have left.
    known: bool,
    loading: bool,
    load_at: Instant,
    /// Nothing can be written just now.
    failing: bool,
    flushes: Vec<DiskFlush>,
    next_token: u64,
    /// The last sync that has ended.
    synced: Option<u64>,
    closed: bool,
}

impl Spooling {
    /// Starts the spool of a logger that has one.
    pub(super) fn start(core: &Arc<Core>) -> Option<Self> {
        let opened = core
            .config
            .spool
            .opened
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        let disk = match Disk::start(core, opened.settings, opened.slot) {
            Ok(disk) => disk,
            Err(error) => {
                core.ledger.spool_fault();
                tracing::error!(
                    target: LOG_TARGET,
                    "the usage spool has no thread, events are kept in memory: {error}"
                );
                return None;
            }
        };
        let now = core.config.clock.now();
        Some(Self {
            disk,
            ended: Vec::new(),
            next_write: now + WRITE_INTERVAL,
            next_tick: now + TICK,
            known: false,
            loading: false,
            load_at: now,
            failing: false,
            flushes: Vec::new(),
            next_token: 0,
            synced: None,
            closed: false,
        })
    }

    fn tell_ended(&mut self) {
        if !self.ended.is_empty() {
            let ended = std::mem::take(&mut self.ended);
            self.disk.ask(Job::Ended(ended));
        }
    }

    /// Asks for a sync; returns by what name its end will be told.
    fn sync(&mut self) -> u64 {
        let token = self.next_token;
        self.next_token += 1;
        self.disk.ask(Job::Sync { token });
        token
    }

    /// When there is something to do.
    pub(super) fn wake_at(&self) -> Instant {
        let deadlines = self.flushes.iter().map(|flush| flush.deadline);
        deadlines.fold(self.next_write, Instant::min)
    }
}

impl Worker {
    /// What is due on each turn.
    pub(super) fn spool_turn(&mut self, now: Instant) {
        self.hear_disk(now);
        let Some(spool) = &mut self.spool else { return };
        let write = now >= spool.next_write;
        if write {
            spool.next_write = now + WRITE_INTERVAL;
            self.receiver.seal();
        }
        // While nothing can be written, events stay where a full queue can still choose among them.
        if !spool.failing && (write || self.fullness() > 1.0 / 4.0) {
            while self.take_in() {}
        }
        if let Some(spool) = self.spool.as_mut().filter(|_| write) {
            spool.tell_ended();
        }
        if let Some(spool) = self.spool.as_mut().filter(|spool| now >= spool.next_tick) {
            spool.next_tick = now + TICK;
            spool.disk.ask(Job::Tick);
            self.offer_again();
        }
        self.relieve();
        self.load(now);
        self.answer_disk_flushes(now);
    }

    /// The share of the queue's bounds that is in use.
    fn fullness(&self) -> f64 {
        let bounds = &self.core.config.bounds;
        let events = self.core.ledger.pending() as f64 / bounds.max_events as f64;
        let bytes = self.receiver.bytes() as f64 / bounds.max_bytes as f64;
        events.max(bytes)
    }

    /// Has a segment written.
    pub(super) fn keep(&self, segment: &Arc<Segment>) {
        if let Some(spool) = &self.spool
            && segment.len() > 0
            && spool.disk.backlog() < MAX_BACKLOG
        {
            let clock = &self.core.config.clock;
            let age = segment
                .first_at()
                .map(|at| clock.now().saturating_duration_since(at))
                .unwrap_or_default();
            let at = clock.wall().checked_sub(age).map_or(0, unix_millis);
            segment.set_on_disk(OnDisk::Asked);
            let segment = Arc::downgrade(segment);
            spool.disk.ask(Job::Append { segment, at });
        }
    }

    /// Notes that events have ended, so that the spool need not keep them.
    pub(super) fn unkeep<'a>(
        &mut self,
        parts: impl Iterator<Item = (&'a Arc<Segment>, Range<usize>)>,
    ) {
        if let Some(spool) = &mut self.spool {
            let kept = parts.filter(|(segment, _)| segment.on_disk() != OnDisk::No);
            spool
                .ended
                .extend(kept.map(|(segment, events)| (segment.sequence(), events)));
        }
    }

    /// All that is in memory and was taken from the queue, by segment.
    fn held(&self) -> BTreeMap<u64, (Arc<Segment>, Vec<Range<usize>>)> {
        let mut held: BTreeMap<u64, (Arc<Segment>, Vec<Range<usize>>)> = BTreeMap::new();
        let flying = self.flights.values().flat_map(|f| f.batch.parts());
        let again = self.again.iter().flat_map(|batch| batch.parts());
        for (segment, events) in flying.chain(again).chain(self.stock.parts()) {
            held.entry(segment.sequence())
                .or_insert_with(|| (Arc::clone(segment), Vec::new()))
                .1
                .push(events);
        }
        held
    }

    /// Has written what could not be before.
    fn offer_again(&mut self) {
        for (sequence, (segment, events)) in self.held() {
            if segment.on_disk() != OnDisk::No {
                continue;
            }
            self.keep(&segment);
            if let Some(spool) = &mut self.spool
                && segment.on_disk() != OnDisk::No
            {
                // It is written whole, though some of its events may have ended.
                for event in 0..segment.len() {
                    if !events.iter().any(|range| range.contains(&event)) {
                        spool.ended.push((sequence, event..event + 1));
                    }
                }
            }
        }
    }

    /// Lets go of what is on disk when memory runs short, the newest first.
    fn relieve(&mut self) {
        if self.spool.is_none() || self.fullness() <= 1.0 / 2.0 {
            return;
        }
        // A few batches stay, so that sending need not wait for the disk.
        let keep = 2 * self.core.config.max_in_flight * self.batch_events;
        let keep = keep.min(self.core.config.bounds.max_events / 4);
        let mut kept = 0;
        let mut candidates: BTreeMap<u64, (&Arc<Segment>, usize, u64)> = BTreeMap::new();
        let again = self.again.iter().flat_map(|batch| batch.parts());
        for (segment, events) in again.chain(self.stock.parts()) {
            if kept < keep {
                kept += events.len();
                continue;
            }
            let entry = candidates
                .entry(segment.sequence())
                .or_insert((segment, 0, 0));
            entry.1 += 1;
            entry.2 += events.len() as u64;
        }
        let bounds = &self.core.config.bounds;
        let mut events_over =
            (self.core.ledger.pending()).saturating_sub(bounds.max_events as u64 * 3 / 8);
        let mut bytes_over = (self.receiver.bytes()).saturating_sub(bounds.max_bytes / 8 * 3);
        let mut released = BTreeMap::new();
        for (sequence, (segment, parts, events)) in candidates.into_iter().rev() {
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
        self.release(&released);
    }

    /// Leaves segments, with so many events left in each, to the disk.
    fn release(&mut self, segments: &BTreeMap<u64, u64>) {
        let Some(spool) = &mut self.spool else { return };
        if segments.is_empty() {
            return;
        }
        let leaves = |segment: &Segment| segments.contains_key(&segment.sequence());
        for batch in &mut self.again {
            batch.remove(leaves);
        }
        self.again.retain(|batch| batch.len() > 0);
        self.stock.remove(leaves);
        spool.tell_ended();
        for (&sequence, &events) in segments {
            self.core.ledger.spool(events);
            spool.disk.ask(Job::Release { sequence, events });
        }
    }

    /// Has events read back when there is room for them and they could be sent.
    fn load(&mut self, now: Instant) {
        let ready = self.core.ledger.spooled() > 0
            && self.gate.reopens_at().is_none_or(|at| at <= now)
            && self.fullness() < 1.0 / 4.0;
        let enough = 2 * self.core.config.max_in_flight * self.batch_events;
        let most = self.core.config.bounds.max_events / 4;
        let room = enough.min(most.max(1));
        if let Some(spool) = &mut self.spool
            && ready
            && spool.known
            && !spool.loading
            && now >= spool.load_at
            && self.stock.len() < room
        {
            spool.loading = spool.disk.ask(Job::Load { events: room });
        }
    }

    fn hear_disk(&mut self, now: Instant) {
        while let Some(spool) = &mut self.spool
            && let Ok(news) = spool.disk.hear()
        {
            match news {
                News::Adopted { events } => {
                    spool.known = true;
                    self.reporter.recovered_from_disk(events);
                }
                News::Loaded(loaded) => {
                    spool.loading = false;
                    if loaded.is_empty() {
                        spool.load_at = now + TICK;
                    }
                    for loaded in loaded {
                        self.restore(&loaded, now);
                    }
                }
                News::Synced { token, done } => {
                    spool.synced = Some(token);
                    self.synced(token, done);
                }
                News::Lost { reason, events } => {
                    self.reporter
                        .dropped(events, reason, "the spool did not keep them");
                }
                News::Fault(cause) => self.reporter.spool_fault(&cause),
                News::Unwritten => spool.failing = true,
                News::Written { again } => {
                    spool.failing = false;
                    if again {
                        self.reporter.spool_works_again();
                    }
                }
                News::Closed => spool.closed = true,
            }
        }
    }

    fn restore(&mut self, loaded: &Loaded, now: Instant) {
        if loaded.events.is_empty() {
            return;
        }
        let wall = unix_millis(self.core.config.clock.wall());
        let age = Duration::from_millis(wall.saturating_sub(loaded.at));
        let first_at = now.checked_sub(age).unwrap_or(now);
        let segment =
            self.receiver
                .restored(loaded.sequence, &loaded.bytes, &loaded.events, first_at);
        self.core.ledger.load(loaded.events.len() as u64);
        self.stock.insert(Arc::new(segment));
        // They have waited long enough.
        self.hurry = true;
    }

    pub(super) fn flush_to_disk(
        &mut self,
        deadline: Instant,
        timeout: Duration,
        reply: Reply<Result<(), SpoolError>>,
    ) {
        if self.spool.is_none() {
            return reply(Err(SpoolError::NoSpool));
        }
        let sequence = self.write_all();
        if let Some(spool) = &mut self.spool {
            let token = spool.sync();
            spool.flushes.push(DiskFlush {
                token,
                sequence,
                deadline,
                timeout,
                reply,
            });
        }
    }

    /// Has all that is queued written; returns the sequence number that the next segment will have.
    fn write_all(&mut self) -> u64 {
        let sequence = self.receiver.seal();
        while self.take_in() {}
        self.offer_again();
        if let Some(spool) = &mut self.spool {
            spool.tell_ended();
        }
        sequence
    }

    fn synced(&mut self, token: u64, done: bool) {
        let Some(spool) = &mut self.spool else { return };
        let flushes = std::mem::take(&mut spool.flushes);
        let (ended, waiting) = flushes
            .into_iter()
            .partition::<Vec<_>, _>(|flush| flush.token == token);
        spool.flushes = waiting;
        for flush in ended {
            let unwritten = |segment: &Segment| {
                segment.sequence() < flush.sequence && (!done || segment.on_disk() != OnDisk::Yes)
            };
            let events: usize = (self.held().values())
                .filter(|(segment, _)| unwritten(segment))
                .flat_map(|(_, ranges)| ranges)
                .map(|range| range.len())
                .sum();
            (flush.reply)(match events as u64 {
                0 if done => Ok(()),
                events => Err(SpoolError::NotWritten { events }),
            });
        }
    }

    fn answer_disk_flushes(&mut self, now: Instant) {
        let Some(spool) = &mut self.spool else { return };
        if spool.flushes.iter().any(|flush| flush.deadline <= now) {
            let flushes = std::mem::take(&mut spool.flushes);
            let (over, waiting) = flushes
                .into_iter()
                .partition::<Vec<_>, _>(|flush| flush.deadline <= now);
            spool.flushes = waiting;
            for flush in over {
                (flush.reply)(Err(SpoolError::TimedOut(flush.timeout)));
            }
        }
    }

    /// Whether events are, or may be, on disk alone.
    pub(super) fn has_spooled(&self) -> bool {
        let unknown = self.spool.as_ref().is_some_and(|spool| !spool.known);
        unknown || self.core.ledger.spooled() > 0
    }

    /// Writes without waiting for the next turn: a shutdown may have little time.
    pub(super) fn write_soon(&mut self) {
        if let Some(spool) = &mut self.spool {
            spool.next_write = self.core.config.clock.now();
        }
    }

    /// At the end: leaves to the next process what is undelivered and on disk, and the directory as
    /// that process is to find it.
    pub(super) async fn leave_to_disk(&mut self) {
        if self.spool.is_none() {
            return;
        }
        for (_, flight) in std::mem::take(&mut self.flights) {
            self.again.push_back(flight.batch);
        }
        self.write_all();
        if self.core.ledger.pending() > 0
            && let Some(spool) = &mut self.spool
        {
            let token = spool.sync();
            self.wait_for_disk(|spool| spool.synced >= Some(token))
                .await;
            let mut released = BTreeMap::new();
            for (sequence, (segment, ranges)) in self.held() {
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
            self.release(&released);
        }
        if let Some(spool) = &mut self.spool {
            spool.tell_ended();
            spool.disk.ask(Job::Close);
        }
        self.wait_for_disk(|spool| spool.closed).await;
        let flushes = self
            .spool
            .as_mut()
            .map(|spool| std::mem::take(&mut spool.flushes));
        for flush in flushes.unwrap_or_default() {
            (flush.reply)(Err(SpoolError::Closed));
        }
    }

    /// A disk that hangs must not hold up the end for long. Whatever clock a test has set: it is the
    /// disk's time that passes.
    async fn wait_for_disk(&mut self, done: impl Fn(&Spooling) -> bool) {
        let core = Arc::clone(&self.core);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            self.hear_disk(core.config.clock.now());
            if self.spool.as_ref().is_none_or(&done) {
                return;
            }
            let news = core.notify.notified();
            if tokio::time::timeout_at(deadline, news).await.is_err() {
                return;
            }
        }
    }
}
