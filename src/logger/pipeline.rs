//! What the handles and the worker of a logger share.

use std::any::Any;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::SystemTime;

use once_cell::sync::OnceCell;
use tokio::sync::{Notify, mpsc};

use super::logins::Logins;
use super::open_calls::OpenCalls;
use crate::base::clock::unix_millis;
use crate::base::id::Ids;
use crate::base::{process, random};
use crate::capture::EventDraft;
use crate::delivery::Worker;
use crate::delivery::message::{Control, Job};
use crate::delivery::settings::Config;
use crate::event::{Event, Kind, Weight};
use crate::ledger::{DropReason, Ledger, Outcome, Stats};
use crate::queue::EndListener;
use crate::queue::Receiver;
use crate::wire::parts::{Sender, Stamp};
use crate::{capture, queue};

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) ledger: Arc<Ledger>,
    /// Wakes the worker. Set by callers when there is a batch to send, never for each event.
    pub(crate) notify: Notify,
    /// Names this logger in loss reports.
    pub(crate) instance: String,
    pub(crate) calls: OpenCalls,
    pub(crate) logins: Logins,
    /// What an integration keeps for as long as the logger lives.
    #[cfg_attr(
        not(feature = "rmcp"),
        expect(dead_code, reason = "of use to the integration alone")
    )]
    pub(crate) integration: OnceCell<Arc<dyn Any + Send + Sync>>,
    queue: queue::Sender,
    control: mpsc::UnboundedSender<Control>,
    ids: Ids,
    /// The process that the worker lives in.
    pid: u32,
    closed: AtomicBool,
    /// Set once the worker's thread runs: with the first event.
    worker: OnceCell<()>,
    /// What the worker takes along when it starts.
    seat: Mutex<Option<(Receiver, mpsc::UnboundedReceiver<Control>)>>,
}

impl Core {
    pub(crate) fn new(config: Config) -> Self {
        let ledger = Arc::new(Ledger::default());
        let (queue, receiver) = queue::channel(config.bounds, Arc::clone(&ledger));
        let (control, messages) = mpsc::unbounded_channel();
        Self {
            config,
            ledger,
            notify: Notify::new(),
            instance: format!("{:016x}", random::seed()),
            calls: OpenCalls::default(),
            logins: Logins::default(),
            integration: OnceCell::new(),
            queue,
            control,
            ids: Ids::new(),
            pid: std::process::id(),
            closed: AtomicBool::new(false),
            worker: OnceCell::new(),
            seat: Mutex::new(Some((receiver, messages))),
        }
    }

    /// The way of an event from the caller into the queue.
    pub(crate) fn log(self: &Arc<Self>, event: &Event<'_>, waiter: Option<EndListener>) -> Outcome {
        match self.turn_away() {
            Some(refused) => refused,
            None => self.take(event, waiter),
        }
    }

    /// Refuses an event when the queue is full, before any other work.
    pub(crate) fn turn_away(&self) -> Option<Outcome> {
        self.turns_away().then(|| {
            self.ledger.turn_away();
            Outcome::Dropped(DropReason::QueueFull)
        })
    }

    /// The way of an event that was not turned away.
    pub(crate) fn take(
        self: &Arc<Self>,
        event: &Event<'_>,
        waiter: Option<EndListener>,
    ) -> Outcome {
        let taken = self.admit().and_then(|now| {
            let weight = self.weigh(event)?;
            self.enqueue(event, weight, now, waiter)
        });
        match taken {
            Ok(()) => Outcome::Queued,
            Err(reason) => {
                self.ledger.refuse(reason);
                Outcome::Dropped(reason)
            }
        }
    }

    fn turns_away(&self) -> bool {
        // A child may have inherited a queue that is full for ever. Asking for the process costs many
        // times as much as all else here, so it is asked for now and then.
        const EVERY: u64 = 64;
        self.queue.is_full()
            && !self.closed.load(Relaxed)
            && !(self.ledger.turned_away().is_multiple_of(EVERY) && self.is_forked())
    }

    /// The rest of the door: what refuses every event. Returns the time.
    fn admit(self: &Arc<Self>) -> Result<SystemTime, DropReason> {
        if self.closed.load(Relaxed) {
            return Err(DropReason::Closed);
        }
        let now = self.config.clock.wall();
        if process::id(now) != self.pid {
            return Err(DropReason::Forked);
        }
        // A thread that cannot be had now may be had for the next event.
        self.worker
            .get_or_try_init(|| self.start())
            .map_or(Err(DropReason::Closed), |()| Ok(now))
    }

    /// Decides whether a call is one of those that are kept.
    fn weigh(&self, event: &Event<'_>) -> Result<Weight, DropReason> {
        match &event.kind {
            Kind::ToolCall(call) => {
                let config = &self.config;
                config.sampling.weigh(call, || config.clock.now())
            }
            _ => Ok(Weight::default()),
        }
    }

    fn enqueue(
        &self,
        event: &Event<'_>,
        weight: Weight,
        now: SystemTime,
        waiter: Option<EndListener>,
    ) -> Result<(), DropReason> {
        let result = self.write(event, weight, now, waiter);
        if let (Err(_), Kind::ToolCall(call)) = (&result, &event.kind) {
            self.config.sampling.give_back(&call.tool, weight);
        }
        result
    }

    fn write(
        &self,
        event: &Event<'_>,
        weight: Weight,
        now: SystemTime,
        waiter: Option<EndListener>,
    ) -> Result<(), DropReason> {
        let config = &self.config;
        let event_id = event
            .facts
            .event_id
            .unwrap_or_else(|| self.ids.next(unix_millis(now)));
        let stamp = Stamp {
            event_id,
            unix_millis: unix_millis(event.facts.event_at.unwrap_or(now)),
            weight,
        };
        capture::with_scratch(|scratch| {
            let mut draft = EventDraft::begin(scratch, &config.rules, &self.ledger);
            config
                .wire
                .write_event(event, &config.defaults, &stamp, &mut draft.writer)?;
            let json = draft.seal()?;
            let seal = waiter.is_some();
            let now = || config.clock.now();
            let pushed = self.queue.push(&json, event_id, waiter, seal, now);
            if pushed.wake {
                self.notify.notify_one();
            }
            pushed.result
        })
    }

    /// Whether this is a child of the process that the worker lives in. The child has copies of
    /// all locks, in whatever state they were, so it must not wait for one.
    pub(crate) fn is_forked(&self) -> bool {
        std::process::id() != self.pid
    }

    /// Locks what callers share; `None` in a forked child that finds it held. Only then is the
    /// process asked for, which costs more than all else a call does with a lock.
    pub(crate) fn lock<'m, T>(&self, mutex: &'m Mutex<T>) -> Option<MutexGuard<'m, T>> {
        match mutex.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if self.is_forked() => None,
            Err(TryLockError::WouldBlock) => {
                Some(mutex.lock().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }

    /// Starts the worker on a thread of its own, with a runtime of its own: it outlives the host's,
    /// and never stalls with it.
    fn start(self: &Arc<Self>) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let core = Arc::clone(self);
        let run = move || {
            let seat = core
                .seat
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some((receiver, messages)) = seat {
                let closes = Arc::clone(&core);
                let worker = Worker::new(core, receiver, messages);
                // Should the worker ever fail, events are refused rather than kept for nobody.
                let _close = CloseOnDrop(closes);
                runtime.block_on(worker.run());
                runtime.shutdown_background();
            }
        };
        std::thread::Builder::new()
            .name("mcp-usage".to_owned())
            .spawn(run)
            .map(drop)
    }

    /// Runs a future on the worker's runtime; `false` when there is no worker to be had.
    pub(crate) fn run(self: &Arc<Self>, future: Job) -> bool {
        !self.closed.load(Relaxed)
            && !self.is_forked()
            && self.worker.get_or_try_init(|| self.start()).is_ok()
            && self.tell(Control::Run(future))
    }

    /// An event as it would be sent, and its id: past the queue, and not counted.
    pub(crate) fn frame_alone(&self, event: &Event<'_>) -> Result<(i64, Vec<u8>), DropReason> {
        let config = &self.config;
        let now = unix_millis(config.clock.wall());
        let stamp = Stamp {
            event_id: self.ids.next(now),
            unix_millis: now,
            weight: Weight::default(),
        };
        let uncounted = Ledger::default();
        let mut json = capture::with_scratch(|scratch| {
            let mut draft = EventDraft::begin(scratch, &config.rules, &uncounted);
            config
                .wire
                .write_event(event, &config.defaults, &stamp, &mut draft.writer)?;
            draft.seal().map(|json| json.as_bytes().to_vec())
        })?;
        json.push(b',');
        let sender = Sender {
            instance: &self.instance,
            sequence: 0,
            dropped: self.ledger.dropped(),
        };
        Ok((stamp.event_id, config.wire.frame(&[&json], &sender)))
    }

    /// Starts the worker before the first event: a spool may have events from before.
    #[cfg(feature = "spool")]
    pub(crate) fn start_early(self: &Arc<Self>) {
        // If there is no thread to be had now, the first event tries again.
        let _ = self.worker.get_or_try_init(|| self.start());
    }

    pub(crate) fn has_started(&self) -> bool {
        self.worker.get().is_some()
    }

    /// Sends a message to the worker; `false` when there is none, or it has ended.
    pub(crate) fn tell(&self, message: Control) -> bool {
        self.has_started() && self.control.send(message).is_ok()
    }

    /// Refuses every later event.
    pub(crate) fn close(&self) {
        self.closed.store(true, Relaxed);
        self.queue.close();
    }

    pub(crate) fn stats(&self) -> Stats {
        self.ledger.snapshot(self.queue.bytes() as u64)
    }
}

struct CloseOnDrop(Arc<Core>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}
