//! The thread that does the worker's I/O, so that a slow disk does not stall sending.

use std::ops::Range;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak, mpsc};

use super::slot::Slot;
use super::store::{Loaded, Settings, Store};
use crate::base::clock::{Clock, unix_millis};
use crate::ledger::{DropReason, Ledger};
use crate::queue::{OnDisk, Segment};

/// Looks for the events of processes that have ended once in so many ticks.
const ADOPT_EVERY: u64 = 30;

/// What the worker asks of the disk. Done in order.
#[derive(Debug)]
pub(crate) enum DiskJob {
    /// Write a segment's events, queued at `at`, unless they have ended meanwhile.
    Append { segment: Weak<Segment>, at: u64 },
    /// Events of these segments have ended.
    Ended(Vec<(u64, Range<usize>)>),
    /// The worker has let go of a segment with so many events left.
    Release { sequence: u64, events: u64 },
    /// Read back about this many events.
    Load { events: usize },
    /// Make all that is written survive a power loss, and say so.
    Sync { token: u64 },
    /// About a second has passed.
    Tick,
    /// Nothing more will come.
    Close,
}

/// What the disk tells the worker.
#[derive(Debug)]
pub(crate) enum News {
    /// What earlier processes have left is known, or more of it.
    Adopted {
        events: u64,
    },
    Loaded(Vec<Loaded>),
    Synced {
        token: u64,
        done: bool,
    },
    /// Events that were on disk alone are lost; counted already.
    Lost {
        reason: DropReason,
        events: u64,
    },
    /// Something is wrong, though no event of the ledger was lost by it; counted already.
    Fault(String),
    /// A segment could not be written: what comes next will fare the same.
    Unwritten,
    /// A segment has been written, for the first time `again` since one could not be.
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
    /// Jobs that are not done.
    backlog: Arc<AtomicUsize>,
}

impl Disk {
    /// Starts the thread. It calls `wake` when it has told the worker something.
    pub(crate) fn start(
        settings: Settings,
        slot: Option<Slot>,
        ledger: Arc<Ledger>,
        clock: Clock,
        wake: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let (jobs, receiver) = mpsc::channel();
        let (sender, news) = mpsc::channel();
        let backlog = Arc::new(AtomicUsize::new(0));
        let mut thread = Thread {
            ledger,
            clock,
            wake,
            // Without a directory it is asked for again with each tick.
            failing: slot.is_none(),
            store: Store::new(settings, slot),
            news: sender,
            ticks: 0,
        };
        let undone = Arc::clone(&backlog);
        std::thread::Builder::new()
            .name("mcp-usage-spool".to_owned())
            .spawn(move || thread.run(&receiver, &undone))?;
        Ok(Self {
            jobs,
            news,
            backlog,
        })
    }

    /// Returns whether there is somebody to do it.
    pub(crate) fn ask(&self, job: DiskJob) -> bool {
        self.backlog.fetch_add(1, Relaxed);
        self.jobs.send(job).is_ok()
    }

    pub(crate) fn next_news(&self) -> Result<News, mpsc::TryRecvError> {
        self.news.try_recv()
    }

    pub(crate) fn backlog(&self) -> usize {
        self.backlog.load(Relaxed)
    }
}

struct Thread<W> {
    ledger: Arc<Ledger>,
    clock: Clock,
    wake: W,
    store: Store,
    news: mpsc::Sender<News>,
    failing: bool,
    ticks: u64,
}

impl<W: Fn()> Thread<W> {
    fn run(&mut self, jobs: &mpsc::Receiver<DiskJob>, undone: &AtomicUsize) {
        if self.failing {
            self.fault("has no directory, events are kept in memory alone".to_owned());
            self.send(News::Unwritten);
        }
        self.adopt();
        while let Ok(job) = jobs.recv() {
            let close = matches!(job, DiskJob::Close);
            if !close {
                self.handle(job);
                self.report_losses();
            }
            undone.fetch_sub(1, Relaxed);
            if close {
                break;
            }
        }
        self.store.close();
        self.report_losses();
        self.send(News::Closed);
    }

    fn now(&self) -> u64 {
        unix_millis(self.clock.wall())
    }

    fn handle(&mut self, job: DiskJob) {
        match job {
            DiskJob::Append { segment, at } => {
                if let Some(segment) = segment.upgrade() {
                    let news = self.append(&segment, at);
                    // First, since the worker lets go only of what nobody else holds.
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
            DiskJob::Load { events } => {
                let now = self.now();
                let mut loaded = Vec::new();
                let mut count = 0;
                while count < events
                    && let Some(next) = self.store.load(now)
                {
                    count += next.events.len().max(1);
                    loaded.push(next);
                }
                self.send(News::Loaded(loaded));
            }
            DiskJob::Sync { token } => {
                self.store.check();
                let synced = self.store.sync();
                if let Err(error) = &synced {
                    self.fault(format!("cannot be synced: {error}"));
                }
                self.send(News::Synced {
                    token,
                    done: synced.is_ok(),
                });
            }
            DiskJob::Tick => self.tick(),
            DiskJob::Close => {}
        }
    }

    fn append(&mut self, segment: &Arc<Segment>, at: u64) -> News {
        let written = self.store.append(segment, at);
        segment.set_on_disk(if written.is_ok() {
            OnDisk::Yes
        } else {
            OnDisk::No
        });
        match written {
            Ok(()) => News::Written {
                again: std::mem::take(&mut self.failing),
            },
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    self.fault(format!(
                        "cannot be written to, events are kept in memory alone: {error}"
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
        if let Err(error) = self.store.sync() {
            self.fault(format!("cannot be synced: {error}"));
        }
        if self.store.reopen() || self.ticks.is_multiple_of(ADOPT_EVERY) {
            self.adopt();
        }
    }

    fn adopt(&mut self) {
        let now = self.now();
        let events = self.store.adopt(now);
        self.ledger.recover(events);
        self.send(News::Adopted { events });
        self.report_losses();
    }

    /// Counts and tells what the store has lost.
    fn report_losses(&mut self) {
        for (reason, events) in std::mem::take(&mut self.store.losses) {
            self.ledger.drop_spooled(reason, events);
            self.send(News::Lost { reason, events });
        }
        for fault in std::mem::take(&mut self.store.faults) {
            self.fault(fault);
        }
    }

    fn fault(&self, cause: String) {
        self.ledger.spool_fault();
        self.send(News::Fault(cause));
    }

    /// A worker that has ended does not need to know.
    fn send(&self, news: News) {
        if self.news.send(news).is_ok() {
            (self.wake)();
        }
    }
}
