//! Admits, samples, redacts and queues events, and starts the worker that delivers them.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tokio::sync::mpsc;

use super::worker_thread::WorkerThread;
use crate::base::clock::Clock;
use crate::base::id::Ids;
use crate::base::process::Process;
use crate::capture::{self, Captured, Content, EventDraft};
use crate::config::Confirm;
use crate::config::resolve::PipelineSettings;
use crate::delivery::message::Control;
use crate::delivery::settings::DeliverySettings;
use crate::delivery::shared::{Ends, Shared};
use crate::delivery::{Distribution, Inbox, ShutdownReport, Store};
use crate::event::{Custom, Event, EventKind, Identity, Weight};
use crate::ledger::{DestinationReport, DropReason, Ledger, Outcome, Stats};
use crate::queue::{EndListener, Receiver, Sender, Takers};
use crate::redact::RedactedJson;
use crate::wire::parts::{self, Stamp};
use crate::wire::person::{FORGET_USER, Person};
use crate::wire::subject;
use crate::wire::{EventForm, Profile};

/// The room of a call's values in a second try: a fourth of that in the first.
const SECOND_VALUE_BYTES: usize = 7_500;

pub(crate) struct Pipeline {
    pub(crate) settings: PipelineSettings,
    /// The first destination's.
    pub(crate) shared: Arc<Shared>,
    /// Those of the other destinations; none for most loggers.
    others: Box<[Arc<Shared>]>,
    /// What callers push to: in `shared`, too, where there is one destination, and here saves a pointer: every event asks
    /// whether the queue is full.
    queue: Sender,
    control: mpsc::UnboundedSender<Control>,
    ids: Ids,
    /// The process of the worker's thread.
    process: Process,
    worker: WorkerThread,
}

impl Pipeline {
    pub(crate) fn new(
        settings: PipelineSettings,
        delivery: DeliverySettings,
        spool: Option<Store>,
    ) -> Self {
        let (shared, receiver) = Shared::new(delivery);
        let queue = shared.queue.clone();
        Self::of(settings, queue, vec![(shared, receiver, spool)], None)
    }

    /// A pipeline to the destination of `first`, and to the others.
    pub(crate) fn several(
        settings: PipelineSettings,
        first: (DeliverySettings, Option<Store>),
        others: Vec<(DeliverySettings, Option<Store>)>,
        confirm: Confirm,
    ) -> Self {
        let (mut first, spool) = first;
        let before_send = first.before_send.take();
        let (others, spools): (Vec<_>, Vec<_>) = others.into_iter().unzip();
        let others = others.into_iter().map(|other| DeliverySettings {
            before_send: None,
            ..other
        });
        let (ends, Ends { queue, receiver }) = Shared::several(first, others.collect());
        let spools = std::iter::once(spool).chain(spools);
        let ends = ends.into_iter().zip(spools);
        let ends = ends.map(|((shared, receiver), spool)| (shared, receiver, spool));
        let distribution = Distribution {
            receiver,
            before_send,
            confirms_all: confirm == Confirm::All,
        };
        Self::of(settings, queue, ends.collect(), Some(distribution))
    }

    fn of(
        settings: PipelineSettings,
        queue: Sender,
        ends: Vec<(Shared, Receiver, Option<Store>)>,
        distribution: Option<Distribution>,
    ) -> Self {
        let (control, messages) = mpsc::unbounded_channel();
        let (mut all, mut destinations) = (Vec::new(), Vec::new());
        for (shared, receiver, spool) in ends {
            all.push(Arc::new(shared));
            destinations.push((receiver, spool));
        }
        let shared = all.remove(0);
        Self {
            settings,
            queue,
            ids: Ids::new(shared.instance),
            shared,
            others: all.into(),
            control,
            process: Process::current(),
            worker: WorkerThread::new(Inbox {
                destinations,
                distribution,
                messages,
            }),
        }
    }

    /// What each destination shares with the worker, in their order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Shared>> {
        std::iter::once(&self.shared).chain(&self.others)
    }

    /// Whether any destination takes more than tool calls.
    pub(crate) fn takes_all_kinds(&self) -> bool {
        self.all()
            .any(|shared| shared.settings.wire.profile().takes_all_kinds)
    }

    /// Whether any destination takes what a tool's definition says of it.
    #[cfg(feature = "rmcp")]
    pub(crate) fn takes_descriptions(&self) -> bool {
        self.all()
            .any(|shared| shared.settings.wire.profile().takes_descriptions)
    }

    /// The properties of the first destination's wire.
    pub(crate) fn profile(&self) -> &'static Profile {
        self.shared.settings.wire.profile()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.settings.clock
    }

    /// Admits one event, asks whether it may be taken, samples, redacts and queues it.
    pub(crate) fn log(&self, event: &mut Event<'_>, listener: Option<EndListener>) -> Outcome {
        match self.refuse_if_full() {
            Some(refused) => refused,
            None => self.admit_and_push(event, listener),
        }
    }

    /// Refuses an event when the queue is full, before any other work. Several destinations need the event first: each
    /// counts what it would have taken.
    pub(crate) fn refuse_if_full(&self) -> Option<Outcome> {
        (self.others.is_empty() && self.is_full()).then(|| {
            self.shared.ledger.refuse_full();
            Outcome::Dropped(DropReason::QueueFull)
        })
    }

    /// As [`log`](Self::log), for an event that the queue had room for.
    pub(crate) fn admit_and_push(
        &self,
        event: &mut Event<'_>,
        listener: Option<EndListener>,
    ) -> Outcome {
        if !self.others.is_empty() && self.is_full() {
            return Outcome::Dropped(self.refuse_full(event));
        }
        let queued = self.admit().and_then(|now| {
            self.ask_consent(event)?;
            let weight = self.weigh(event)?;
            let left_out = event.leave_out_malformed(now);
            self.shared.ledger.leave_out(left_out);
            let takers = self.takers(event);
            let pushed = match takers.is_empty() {
                true => Err(self.refusal(&self.shared, event, DropReason::UnsupportedByWire)),
                false => self.write_and_push(event, takers, weight, now, listener),
            };
            if let (Err(_), EventKind::ToolCall(call)) = (&pushed, &event.kind) {
                self.settings.sampling.give_back(&call.tool, weight);
            }
            pushed.map(|()| takers)
        });
        match queued {
            Ok(takers) => {
                self.refuse_for_others(event, takers);
                Outcome::Queued
            }
            Err(reason) if self.others.is_empty() => {
                self.refuse(&self.shared, event, reason);
                Outcome::Dropped(reason)
            }
            Err(reason) => Outcome::Dropped(self.refuse_for_all(event, reason)),
        }
    }

    /// Which destinations an event is for. What a lone one does not take is found while it is written, but for records,
    /// which anything can be written as.
    fn takers(&self, event: &Event<'_>) -> Takers {
        if self.others.is_empty() && self.shared.settings.form != EventForm::Record {
            return Takers::FIRST;
        }
        let takes = |shared: &Shared| {
            let wire = &shared.settings.wire;
            wire.refusal(event, &self.settings.defaults).is_none()
        };
        let of_all = self.all().enumerate();
        of_all.fold(Takers::NONE, |takers, (at, shared)| match takes(shared) {
            true => takers.with(at),
            false => takers,
        })
    }

    /// Counts an event that was queued at the destinations that it is not for.
    fn refuse_for_others(&self, event: &Event<'_>, takers: Takers) {
        if self.others.is_empty() {
            return;
        }
        for (_, shared) in self.all().enumerate().filter(|(at, _)| !takers.has(*at)) {
            self.refuse(
                shared,
                event,
                self.refusal(shared, event, DropReason::UnsupportedByWire),
            );
        }
    }

    /// Counts an event that was not queued, for `reason` wherever it is for; returns the first destination's reason.
    fn refuse_for_all(&self, event: &Event<'_>, reason: DropReason) -> DropReason {
        for shared in self.all() {
            self.refuse(shared, event, self.refusal(shared, event, reason));
        }
        self.refusal(&self.shared, event, reason)
    }

    /// Counts an event that found the queue of several destinations full; returns the first destination's reason.
    fn refuse_full(&self, event: &Event<'_>) -> DropReason {
        for shared in self.all() {
            match self.refusal(shared, event, DropReason::QueueFull) {
                DropReason::QueueFull => shared.ledger.refuse_full(),
                reason => self.refuse(shared, event, reason),
            }
        }
        self.refusal(&self.shared, event, DropReason::QueueFull)
    }

    /// Why a destination does not take an event; `otherwise` where it would.
    fn refusal(&self, shared: &Shared, event: &Event<'_>, otherwise: DropReason) -> DropReason {
        let wire = &shared.settings.wire;
        wire.refusal(event, &self.settings.defaults)
            .unwrap_or(otherwise)
    }

    /// Counts an event as refused; the worker says of the first that lacks something what that is.
    fn refuse(&self, shared: &Shared, event: &Event<'_>, reason: DropReason) {
        if reason == DropReason::MissingField
            && shared.missing_field.get().is_none()
            && let Some(field) = self.missing_field(shared, event)
        {
            shared.on_missing_field(field);
        }
        shared.ledger.refuse(reason);
    }

    /// Returns what an event lacks that a destination's wire requires, and where to give it.
    pub(crate) fn missing_field(&self, shared: &Shared, event: &Event<'_>) -> Option<&'static str> {
        let wire = &shared.settings.wire;
        wire.missing_field(event, &self.settings.defaults)
    }

    fn is_full(&self) -> bool {
        // A child may have inherited a queue that is full for ever. Asking for the process id costs many
        // times as much as the rest of this function, so only one event in so many does.
        const ASK_EVERY: u64 = 64;
        let refused = || self.shared.ledger.refused_full();
        self.queue.is_full()
            && !self.shared.is_closed()
            && !(refused().is_multiple_of(ASK_EVERY) && self.is_forked())
    }

    /// Refuses every event after a shutdown or a fork. Returns the wall time, which the caller needs
    /// anyway.
    fn admit(&self) -> Result<SystemTime, DropReason> {
        if self.shared.is_closed() {
            return Err(DropReason::Closed);
        }
        let now = self.clock().wall();
        if self.process.is_forked_at(now) {
            return Err(DropReason::Forked);
        }
        // If no thread can be started now, the next event tries again.
        if self.start() {
            Ok(now)
        } else {
            Err(DropReason::Closed)
        }
    }

    /// Refuses an event about a person to whom the host's consent hook says no.
    fn ask_consent(&self, event: &Event<'_>) -> Result<(), DropReason> {
        let Some(consent) = &self.settings.consent else {
            return Ok(());
        };
        let ledger = &self.shared.ledger;
        match subject::named(event, &self.settings.defaults) {
            Some(identity) if !consent.is_given(&identity, ledger) => Err(DropReason::NoConsent),
            _ => Ok(()),
        }
    }

    /// Decides whether a call is one of those that are kept.
    fn weigh(&self, event: &Event<'_>) -> Result<Weight, DropReason> {
        match &event.kind {
            EventKind::ToolCall(call) => {
                let sampling = &self.settings.sampling;
                sampling.weigh(call, || self.clock().now())
            }
            _ => Ok(Weight::default()),
        }
    }

    fn write_and_push(
        &self,
        event: &Event<'_>,
        takers: Takers,
        weight: Weight,
        now: SystemTime,
        listener: Option<EndListener>,
    ) -> Result<(), DropReason> {
        let stamp = self.stamp(event, weight, now);
        self.with_written(event, &stamp, &self.shared.ledger, |json| {
            let seal = listener.is_some();
            let now = || self.clock().now();
            let id = stamp.event_id;
            let pushed = self.queue.push(json, id, takers, listener, seal, now);
            if pushed.wake {
                self.shared.notify.notify_one();
            }
            pushed.result
        })
    }

    fn stamp(&self, event: &Event<'_>, weight: Weight, now: SystemTime) -> Stamp {
        let (sequence, given_id) = (self.ids.next(), event.facts.event_id);
        Stamp {
            event_id: given_id.unwrap_or_else(|| self.ids.id(sequence)),
            has_given_id: given_id.is_some(),
            instance: self.ids.instance(),
            sequence,
            at: event.facts.event_at.unwrap_or(now),
            weight,
        }
    }

    /// Writes an event as its wire has it, redacted, and lets `f` use it. Panics are counted in
    /// `ledger`.
    fn with_written<R>(
        &self,
        event: &Event<'_>,
        stamp: &Stamp,
        ledger: &Ledger,
        f: impl FnOnce(&RedactedJson<'_>) -> Result<R, DropReason>,
    ) -> Result<R, DropReason> {
        let form = self.shared.settings.form;
        let PipelineSettings {
            defaults, policy, ..
        } = &self.settings;
        capture::with_scratch(|scratch| {
            // What the redactor makes too large is written again within less room.
            for value_bytes in [usize::MAX, SECOND_VALUE_BYTES, 0] {
                let mut draft = EventDraft::begin(scratch, policy, ledger);
                draft.writer.set_value_bytes(value_bytes);
                form.write_event(event, defaults, stamp, &mut draft.writer)?;
                let unredacted = draft.writer.len();
                let json = draft.seal()?;
                let grown = json.as_bytes().len().saturating_sub(unredacted);
                if !self.outgrows(json.as_bytes(), grown) {
                    return f(&json);
                }
            }
            Err(DropReason::TooLarge)
        })
    }

    /// Whether an event has values larger than its receiver takes them. A record is cut for each destination when it is
    /// framed, where there are several.
    fn outgrows(&self, event: &[u8], grown: usize) -> bool {
        let settings = &self.shared.settings;
        let is_alone = self.others.is_empty() || settings.form != EventForm::Record;
        is_alone && (settings.wire.profile().outgrows)(event, grown)
    }

    /// A person, as events name them; `None` for an anonymous identity.
    pub(super) fn person(&self, identity: &Identity<'_>) -> Option<Person> {
        let PipelineSettings {
            defaults, policy, ..
        } = &self.settings;
        Person::new(identity, &defaults.identity_policy, policy)
    }

    /// Sends the destinations that want it an event about a forgotten person. Neither consent nor sampling applies.
    pub(super) fn announce_forgotten(&self, identity: &Identity<'_>) {
        let wants = |shared: &Shared| shared.settings.announces_forgotten;
        if !self.all().any(|shared| wants(shared)) {
            return;
        }
        let defaults = &self.settings.defaults;
        let given = Custom::new(FORGET_USER).identity(identity).into();
        let Some(named) = subject::named(&given, defaults) else {
            return;
        };
        let event = Event::from(Custom::new(FORGET_USER).identity(named));
        let takes = |shared: &Shared| shared.settings.wire.refusal(&event, defaults).is_none();
        let of_all = self.all().enumerate().filter(|(_, shared)| wants(shared));
        let takers = of_all.filter(|(_, shared)| takes(shared));
        let takers = takers.fold(Takers::NONE, |takers, (at, _)| takers.with(at));
        let reason = match takers.is_empty() {
            true => Err(DropReason::MissingField),
            false => self
                .admit()
                .and_then(|now| self.write_and_push(&event, takers, Weight::default(), now, None)),
        };
        for (at, shared) in self.all().enumerate().filter(|(_, shared)| wants(shared)) {
            match reason {
                Ok(()) if takers.has(at) => {}
                Ok(()) => self.refuse(shared, &event, DropReason::MissingField),
                Err(reason) => self.refuse(shared, &event, self.refusal(shared, &event, reason)),
            }
        }
    }

    /// Captures a value within the limits, for a later event.
    pub(crate) fn capture_value(&self, content: Content<'_>, arguments: bool) -> Captured {
        let policy = &self.settings.policy;
        capture::capture_value(policy, content, arguments, &self.shared.ledger)
    }

    /// The body of a request for one event, and the event's id: not queued, not counted.
    pub(crate) fn frame_alone(&self, event: &Event<'_>) -> Result<(i64, Vec<u8>), DropReason> {
        let stamp = self.stamp(event, Weight::default(), self.clock().wall());
        let copy = |json: &RedactedJson<'_>| Ok(json.as_bytes().to_vec());
        let uncounted = Ledger::default();
        let mut json = self.with_written(event, &stamp, &uncounted, copy)?;
        json.push(b',');
        let sender = parts::SenderInfo {
            instance: self.shared.instance,
            sequence: 0,
            dropped: self.shared.ledger.dropped(),
            sent_at: self.clock().wall(),
        };
        let settings = &self.shared.settings;
        let body = settings.wire.frame(settings.form, &[&json], &sender);
        Ok((stamp.event_id, body))
    }

    /// Returns whether this is a forked child, in which no worker runs.
    pub(crate) fn is_forked(&self) -> bool {
        self.process.is_forked()
    }

    /// Starts the worker unless it runs; `false` when the system has no thread or no descriptor for it.
    #[inline]
    pub(crate) fn start(&self) -> bool {
        if self.worker.has_started() {
            return true;
        }
        let shared: Vec<Arc<Shared>> = self.all().cloned().collect();
        self.worker.start(shared)
    }

    /// Returns whether a worker accepts tasks, and starts it if need be.
    pub(super) fn has_worker(&self) -> bool {
        !self.shared.is_closed() && !self.is_forked() && self.start()
    }

    pub(crate) fn has_started(&self) -> bool {
        self.worker.has_started()
    }

    /// Sends a message to the worker; `false` when there is none, or it has ended.
    pub(crate) fn send(&self, message: Control) -> bool {
        self.has_started() && self.control.send(message).is_ok()
    }

    /// The report of a shutdown that began at `started` if no worker runs.
    pub(super) fn report(&self, started: Instant) -> ShutdownReport {
        let elapsed = self.clock().now().saturating_duration_since(started);
        ShutdownReport::new(self.stats(), elapsed, self.reports())
    }

    /// The ledgers of all destinations, the first one's first.
    pub(super) fn reports(&self) -> Vec<DestinationReport> {
        self.all().map(|shared| shared.report()).collect()
    }

    /// Whether any destination keeps events on disk.
    pub(crate) fn has_spool(&self) -> bool {
        self.all().any(|shared| shared.settings.spool_dir.is_some())
    }

    /// Events in memory that have not ended, for each destination that they are for.
    pub(crate) fn pending(&self) -> u64 {
        self.all().map(|shared| shared.ledger.pending()).sum()
    }

    /// Events that have not ended, for each destination that they are for.
    pub(crate) fn undelivered(&self) -> u64 {
        let ledgers = self.all().map(|shared| &shared.ledger);
        ledgers
            .map(|ledger| ledger.pending() + ledger.spooled())
            .sum()
    }

    /// The ledger of the first destination, with the memory that all of them hold.
    pub(crate) fn stats(&self) -> Stats {
        self.shared.ledger.snapshot(self.queue.bytes() as u64)
    }
}
