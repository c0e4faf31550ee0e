//! The thread that does the worker's I/O, so that a slow disk does not stall sending.

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Weak, mpsc};
use std::time::Instant;

use super::erasure::Erased;
use super::extents::Times;
use super::matches::Matches;
use super::read_back::{Loaded, Recheck};
use super::recovery::Adopted;
use super::store::Store;
use crate::base::clock::Clock;
use crate::base::threads;
use crate::ledger::{DropReason, Ledger};
use crate::queue::{OnDisk, Segment};

/// Events of processes that have ended are looked for once in so many ticks.
const ADOPT_EVERY: u64 = 30;

/// The worker's jobs for the disk, done in order.
#[derive(Debug)]
pub(crate) enum DiskJob {
    /// Write a segment's events, unless they have ended meanwhile.
    Append {
        segment: Weak<Segment>,
        queued_at: u64,
    },
    /// Events of these segments have ended.
    Ended(Vec<(u64, Range<usize>)>),
    /// The worker has released a segment with so many events left.
    Release { sequence: u64, events: u64 },
    /// Read back about this many events, or bytes of them.
    Load { events: usize, bytes: usize },
    /// A run that was read back is this segment.
    Loaded(Weak<Segment>),
    /// Make all that is written survive a power loss; answered with [`News::Synced`].
    Sync { token: u64 },
    /// Erase events; answered with [`News::Erased`].
    Erase { matches: Matches, token: u64 },
    /// About a second has passed.
    Tick,
    /// No more jobs will follow.
    Close,
}

/// The disk's reports to the worker.
#[derive(Debug)]
pub(crate) enum News {
    /// Events of earlier processes were taken over: reported once at the start, even if there are none, and later
    /// whenever there are. `more`: not all is known yet.
    Adopted {
        adopted: Adopted,
        more: bool,
    },
    Loaded(Vec<Loaded>),
    /// `gone`: so many events that were only on disk were removed by somebody else, or may be lost by a disk that fails, since
    /// the sync before.
    Synced {
        token: u64,
        done: bool,
        gone: u64,
    },
    /// Events were erased, those that were only on disk counted already.
    Erased {
        token: u64,
        erased: Erased,
    },
    /// Events that were only on disk are lost; counted already.
    Lost(DropReason, u64),
    /// Something is wrong, though no event of the ledger was lost by it; counted already.
    Fault(String),
    /// A segment could not be written; the next ones will not be either.
    Unwritten,
    /// A segment has been written; `again`: the one before could not be.
    Written {
        again: bool,
    },
    Closed,
}

/// The worker's end.
#[derive(Debug)]
pub(crate) struct Disk {
    jobs: mpsc::Sender<DiskJob>,
    news: mpsc::Receiver<News>,
    undone: Arc<Undone>,
}

/// Jobs that the thread has not done yet.
#[derive(Debug, Default)]
struct Undone {
    jobs: AtomicUsize,
    /// Whether one of them is a tick.
    tick: AtomicBool,
}

impl Disk {
    /// Starts the thread. It calls `wake` when there is news for the worker.
    pub(crate) fn start(
        store: Store,
        ledger: Arc<Ledger>,
        clock: Clock,
        recheck: Recheck,
        wake: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let (jobs, receiver) = mpsc::channel();
        let (sender, news) = mpsc::channel();
        let undone = Arc::new(Undone::default());
        let mut thread = Thread {
            ledger,
            started: clock.now(),
            clock,
            recheck,
            wake,
            // Without a directory one is asked for again with each tick.
            failing: !store.has_dir(),
            store,
            news: sender,
            ticks: 0,
        };
        let of_thread = Arc::clone(&undone);
        threads::spawn("mcp-usage-spool", move || {
            thread.run(&receiver, &of_thread);
        })?;
        Ok(Self { jobs, news, undone })
    }

    /// Sends a job; `false` when the thread has ended.
    pub(crate) fn send(&self, job: DiskJob) -> bool {
        self.undone.jobs.fetch_add(1, Relaxed);
        self.jobs.send(job).is_ok()
    }

    /// Says that about a second has passed, unless the last time is still to be done: on a disk that hangs, ticks would
    /// pile up in front of what is asked for.
    pub(crate) fn tick(&self) {
        if !self.undone.tick.swap(true, Relaxed) {
            self.send(DiskJob::Tick);
        }
    }

    /// A disk that does nothing: its jobs, and the sender of its news.
    #[cfg(test)]
    pub(crate) fn for_tests() -> (Self, mpsc::Receiver<DiskJob>, mpsc::Sender<News>) {
        let (jobs, receiver) = mpsc::channel();
        let (sender, news) = mpsc::channel();
        let undone = Arc::default();
        (Self { jobs, news, undone }, receiver, sender)
    }

    pub(crate) fn next_news(&self) -> Option<News> {
        self.news.try_recv().ok()
    }

    pub(crate) fn waiting_jobs(&self) -> usize {
        self.undone.jobs.load(Relaxed)
    }
}

struct Thread<W> {
    ledger: Arc<Ledger>,
    started: Instant,
    clock: Clock,
    recheck: Recheck,
    wake: W,
    store: Store,
    news: mpsc::Sender<News>,
    failing: bool,
    ticks: u64,
}

impl<W: Fn()> Thread<W> {
    fn run(&mut self, jobs: &mpsc::Receiver<DiskJob>, undone: &Undone) {
        if self.failing {
            let path = self.store.path().display();
            self.fault(format!(
                "{path} cannot be used; events are kept in memory only"
            ));
            self.send(News::Unwritten);
        }
        self.store.look_for_slots();
        self.adopt();
        while let Some(job) = self.next_job(jobs)
            && !matches!(job, DiskJob::Close)
        {
            let is_tick = matches!(job, DiskJob::Tick);
            self.handle(job);
            self.report_incidents();
            undone.jobs.fetch_sub(1, Relaxed);
            if is_tick {
                undone.tick.store(false, Relaxed);
            }
        }
        self.store.close();
        self.report_incidents();
        self.send(News::Closed);
    }

    /// The next job; until there is one, what is left to be taken over is.
    fn next_job(&mut self, jobs: &mpsc::Receiver<DiskJob>) -> Option<DiskJob> {
        while self.store.has_slots() {
            match jobs.try_recv() {
                Ok(job) => return Some(job),
                Err(mpsc::TryRecvError::Disconnected) => return None,
                Err(mpsc::TryRecvError::Empty) => self.adopt(),
            }
        }
        jobs.recv().ok()
    }

    /// Milliseconds of a monotonic clock.
    fn now(&self) -> u64 {
        let now = self.clock.now();
        now.saturating_duration_since(self.started).as_millis() as u64
    }

    fn handle(&mut self, job: DiskJob) {
        match job {
            DiskJob::Append { segment, queued_at } => {
                if let Some(segment) = segment.upgrade() {
                    let news = self.append(&segment, queued_at);
                    // Before the news: the worker releases only segments that nobody else holds.
                    drop(segment);
                    self.send(news);
                }
            }
            DiskJob::Ended(ended) => {
                for (sequence, events) in ended {
                    self.store.end(sequence, events);
                }
                self.store.tidy(false);
                self.store.save_ended();
            }
            DiskJob::Release { sequence, events } => self.store.release(sequence, events),
            DiskJob::Load { events, bytes } => {
                let mut loaded = Vec::new();
                let (mut count, mut size) = (0, 0);
                while count < events
                    && size < bytes
                    && let Some(next) = self.store.load(&mut self.recheck)
                {
                    count += next.events.len().max(1);
                    size += next.bytes.len();
                    loaded.push(next);
                }
                self.send(News::Loaded(loaded));
            }
            DiskJob::Loaded(segment) => {
                if let Some(segment) = segment.upgrade()
                    && !self.store.set_segment(&segment)
                {
                    // Its file is gone meanwhile.
                    segment.set_on_disk(OnDisk::No);
                }
            }
            DiskJob::Sync { token } => {
                self.store.check();
                let done = self.sync();
                let gone = std::mem::take(&mut self.store.incidents.gone);
                // What is lost is counted before somebody hears of it.
                self.report_incidents();
                self.send(News::Synced { token, done, gone });
            }
            DiskJob::Erase { matches, token } => {
                // What owners have left that have ended by now is this one's as well.
                let is_looked_for = self.store.look_for_all();
                self.adopt();
                while self.store.has_slots() {
                    self.adopt();
                }
                let mut erased = self.store.erase(&matches);
                erased.complete &= is_looked_for && self.store.has_taken_all();
                let reason = DropReason::Forgotten;
                self.ledger.drop_spooled(reason, erased.spooled);
                self.send(News::Erased { token, erased });
            }
            DiskJob::Tick => self.tick(),
            DiskJob::Close => {}
        }
    }

    fn append(&mut self, segment: &Arc<Segment>, queued_at: u64) -> News {
        let times = Times {
            queued_at,
            kept_since: self.now(),
        };
        match self.store.append(segment, times) {
            Ok(()) => {
                segment.set_on_disk(OnDisk::Yes);
                let again = std::mem::take(&mut self.failing);
                News::Written { again }
            }
            Err(error) => {
                segment.set_on_disk(OnDisk::No);
                if !std::mem::replace(&mut self.failing, true) {
                    let path = self.store.path().display();
                    self.fault(format!(
                        "{path} cannot be written to; events are kept in memory only: {error}"
                    ));
                }
                News::Unwritten
            }
        }
    }

    fn tick(&mut self) {
        self.ticks += 1;
        self.store.check();
        self.store.tidy(true);
        self.store.save_ended();
        let now = self.now();
        self.store.expire(now);
        self.sync();
        if self.store.reopen() || self.ticks.is_multiple_of(ADOPT_EVERY) {
            self.store.look_for_slots();
            self.adopt();
        }
    }

    /// Returns whether all that is written survives a power loss from now on.
    fn sync(&mut self) -> bool {
        let synced = self.store.sync();
        if let Err(error) = &synced {
            let path = self.store.path().display();
            self.fault(format!("{path} cannot be synced: {error}"));
        }
        synced.is_ok()
    }

    fn adopt(&mut self) {
        let now = self.now();
        let adopted = self.store.adopt(now);
        self.ledger.recover(adopted.events);
        let more = self.store.has_slots();
        self.send(News::Adopted { adopted, more });
        self.report_incidents();
    }

    /// Counts and reports what went wrong in the store.
    fn report_incidents(&mut self) {
        let incidents = &mut self.store.incidents;
        let (losses, faults) = (
            std::mem::take(&mut incidents.losses),
            std::mem::take(&mut incidents.faults),
        );
        for (reason, events) in losses {
            self.ledger.drop_spooled(reason, events);
            self.send(News::Lost(reason, events));
        }
        for fault in faults {
            self.fault(fault);
        }
    }

    fn fault(&self, cause: String) {
        self.ledger.spool_fault();
        self.send(News::Fault(cause));
    }

    /// Sends news to the worker. One that has ended is no error.
    fn send(&self, news: News) {
        if self.news.send(news).is_ok() {
            (self.wake)();
        }
    }
}
