//! What waits in memory to be sent: in the queue, taken from it, or to be repeated.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::batch::{Batch, Size, Stock};
use super::before_send::Hook;
use super::report::Reporter;
use super::settings::DeliverySettings;
use super::shared::Shared;
use crate::queue::{EventEnd, Receiver, Segment};

pub(crate) struct Backlog {
    pub(super) receiver: Receiver,
    hook: Option<Hook>,
    /// Taken from the queue, not yet in a batch.
    pub(super) fresh: Stock,
    /// Batches that are sent again, oldest first. They go before what is fresh.
    pub(super) retries: VecDeque<Batch>,
    /// What there is, is sent, be the batch full or not.
    pub(super) send_partial: bool,
    /// The batch size in use: halved when batches time out, doubled when they get through.
    pub(super) batch_events: usize,
}

impl Backlog {
    pub(super) fn new(receiver: Receiver, settings: &DeliverySettings) -> Self {
        let hook = settings.before_send.clone();
        Self {
            receiver,
            hook: hook.map(|hook| Hook::new(hook, &settings.redactor)),
            fresh: Stock::default(),
            retries: VecDeque::new(),
            send_partial: false,
            batch_events: settings.max_batch_events,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.retries.is_empty() && self.fresh.is_empty() && self.receiver.oldest().is_none()
    }

    /// Moves the oldest segment from the queue to what is fresh, through the user's hook; `None` when
    /// there is none.
    pub(super) fn pull_segment(
        &mut self,
        shared: &Shared,
        reporter: &mut Reporter,
    ) -> Option<Arc<Segment>> {
        let segment = self.receiver.take()?;
        // Somebody waits for one of these events, so they do not wait for a batch.
        self.send_partial |= segment.is_awaited();
        let segment = Arc::new(self.hooked(segment, shared, reporter));
        self.fresh.add(Arc::clone(&segment));
        Some(segment)
    }

    /// Lets the user's hook rewrite a segment's events, once for each event.
    fn hooked(&mut self, segment: Segment, shared: &Shared, reporter: &mut Reporter) -> Segment {
        let Some(hook) = &mut self.hook else {
            return segment;
        };
        let mut rewrite = self.receiver.rewritten(&segment);
        for event in 0..segment.len() {
            let bytes = segment.slice(event..event + 1);
            let json = bytes.strip_suffix(b",").unwrap_or(bytes);
            match hook.apply(json, &shared.settings.wire, &shared.ledger) {
                Ok(json) => {
                    let waiter = segment.take_waiters(event..event + 1).pop();
                    rewrite.push(&json, segment.id(event).unwrap_or_default(), waiter);
                }
                Err(reason) => {
                    shared.ledger.drop_pending(reason, 1);
                    segment.settle(event..event + 1, EventEnd::Dropped(reason));
                    reporter.dropped(1, reason, "before_send");
                }
            }
        }
        rewrite.finish()
    }

    /// What is worth a request before the tick: a whole batch, unless the queue is full before it
    /// holds two.
    pub(super) fn worth_sending(&self, shared: &Shared) -> Size {
        let bounds = &shared.settings.bounds;
        let size = self.size(shared);
        Size {
            max_events: size.max_events.min(bounds.worth_events()),
            max_bytes: size.max_bytes.min(bounds.worth_bytes()),
        }
    }

    fn size(&self, shared: &Shared) -> Size {
        Size {
            max_events: self.batch_events,
            max_bytes: shared.settings.max_batch_bytes,
        }
    }

    /// Takes the next batch: one that is repeated, else what is fresh.
    pub(super) fn next_batch(&mut self, shared: &Shared) -> Option<Batch> {
        let size = self.size(shared);
        self.retries.pop_front().or_else(|| self.fresh.take(size))
    }

    /// Puts a batch where it belongs by age: first in, first out.
    pub(super) fn requeue(&mut self, batch: Batch) {
        let key = batch.order();
        let at = self.retries.partition_point(|other| other.order() < key);
        self.retries.insert(at, batch);
    }

    /// Puts a batch back in halves; a single event, as it is.
    pub(super) fn requeue_halves(&mut self, batch: Batch) {
        let (first, second) = batch.halve();
        if let Some(second) = second {
            self.requeue(second);
        }
        self.requeue(first);
    }

    /// A batch got through: the next ones may be larger, up to the limit.
    pub(super) fn grow_batches(&mut self, max_batch_events: usize) {
        self.batch_events = (self.batch_events * 2).min(max_batch_events);
    }

    /// Takes out what was queued before `oldest`.
    pub(super) fn take_expired(&mut self, oldest: Instant) -> Vec<Batch> {
        let expired = |first_at: Option<Instant>| first_at.is_some_and(|at| at < oldest);
        let retries = std::mem::take(&mut self.retries);
        let (mut old, young) = retries
            .into_iter()
            .partition::<Vec<_>, _>(|batch| expired(batch.first_at()));
        self.retries = young.into();
        while expired(self.fresh.first_at())
            && let Some(batch) = self.fresh.take_segment()
        {
            old.push(batch);
        }
        while expired(self.receiver.oldest().map(|(_, at)| at))
            && let Some(segment) = self.receiver.take()
        {
            old.extend(Batch::of(segment));
        }
        old
    }

    /// Takes out all there is.
    pub(super) fn take_all(&mut self) -> Vec<Batch> {
        let mut all: Vec<Batch> = self.retries.drain(..).collect();
        while let Some(batch) = self.fresh.take_segment() {
            all.push(batch);
        }
        while let Some(segment) = self.receiver.take() {
            all.extend(Batch::of(segment));
        }
        all
    }

    /// The sequence number of the oldest segment.
    pub(super) fn oldest_sequence(&self) -> Option<u64> {
        let retries = self.retries.iter().flat_map(Batch::sequences);
        let queued = self.receiver.oldest().map(|(sequence, _)| sequence);
        retries.chain(self.fresh.sequence()).chain(queued).min()
    }
}
