//! What of a destination is in memory: it waits to be sent, or is under way.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::backlog::Backlog;
use super::flights::Flights;
use super::report::Reporter;
use super::shared::Shared;
use crate::queue::{Receiver, Segment};

/// Segments by their sequence number, each with those of its events that are in memory.
pub(super) type Held = BTreeMap<u64, (Arc<Segment>, Vec<Range<usize>>)>;

pub(super) struct InMemory {
    pub(super) shared: Arc<Shared>,
    pub(super) backlog: Backlog,
    pub(super) flights: Flights,
    pub(super) reporter: Reporter,
}

impl InMemory {
    pub(super) fn new(shared: Arc<Shared>, receiver: Receiver) -> Self {
        let settings = &shared.settings;
        let ledger = Arc::clone(&shared.ledger);
        Self {
            backlog: Backlog::new(receiver, settings),
            flights: Flights::default(),
            reporter: Reporter::new(ledger, settings.on_error.clone(), settings.verbose),
            shared,
        }
    }

    /// Moves the oldest segment from the queue to what is fresh; `None` when there is none.
    pub(super) fn pull_segment(&mut self) -> Option<Arc<Segment>> {
        self.backlog.pull_segment(&self.shared, &mut self.reporter)
    }

    /// All that was taken from the queue.
    pub(super) fn held(&self) -> Held {
        let mut held = Held::new();
        let flying = self.flights.batches().flat_map(|batch| batch.parts());
        let retries = self.backlog.retries.iter().flat_map(|batch| batch.parts());
        for (segment, events) in flying.chain(retries).chain(self.backlog.fresh.parts()) {
            held.entry(segment.sequence())
                .or_insert_with(|| (Arc::clone(segment), Vec::new()))
                .1
                .push(events);
        }
        held
    }

    /// The share of the queue's bounds that is in use.
    pub(super) fn fullness(&self) -> f64 {
        let bounds = &self.shared.settings.bounds;
        let events = self.shared.ledger.pending() as f64 / bounds.max_events as f64;
        let bytes = self.backlog.receiver.bytes() as f64 / bounds.max_bytes as f64;
        events.max(bytes)
    }

    /// How many events two rounds of full requests hold.
    pub(super) fn two_rounds(&self) -> usize {
        2 * self.shared.settings.max_in_flight * self.backlog.batch_events
    }
}
