//! Hands over what callers have queued to several destinations: each event once to each that takes it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::before_send::Hook;
use super::destination::Destination;
use super::message::Forgetting;
use super::shared::Shared;
use super::source::{ForgottenOf, Source};
use crate::hooks::BeforeSend;
use crate::ledger::DropReason;
use crate::queue::{Branches, EventEnd, Receiver, Segment, Takers};
use crate::wire::person::Person;

/// How long what is queued waits for the destinations at most, where one of them keeps it on disk.
const SPOOL_INTERVAL: Duration = Duration::from_millis(50);

/// What is needed to hand events over to several destinations.
pub(crate) struct Distribution {
    /// What callers have queued.
    pub(crate) receiver: Receiver,
    /// Runs once for each event, whatever takes it.
    pub(crate) before_send: Option<BeforeSend>,
    /// Whoever waits for an event waits for all of them.
    pub(crate) confirms_all: bool,
}

pub(super) struct Distributor {
    source: Source,
    confirms_all: bool,
    /// Somebody waits for all that was queued, so that what waits for memory is sent as soon as it was handed over.
    hastens: bool,
    interval: Duration,
    next_seal: Instant,
    /// The longest time that any destination keeps an event.
    max_age: Duration,
}

impl Distributor {
    /// `None` without a destination.
    pub(super) fn new(shared: &[Arc<Shared>], distribution: Distribution) -> Option<Self> {
        let first = shared.first()?;
        let Shared {
            settings, ledger, ..
        } = &**first;
        let hook = distribution.before_send;
        let hook = hook.map(|hook| Hook::new(hook, settings.limits, &settings.redactor));
        let has_spool = |shared: &Arc<Shared>| shared.settings.spool_dir.is_some();
        let interval = match shared.iter().any(has_spool) {
            true => settings.flush_interval.min(SPOOL_INTERVAL),
            false => settings.flush_interval,
        };
        let ages = shared.iter().map(|shared| shared.settings.max_event_age);
        Some(Self {
            source: Source::new(
                distribution.receiver,
                hook,
                settings.form,
                shared
                    .iter()
                    .map(|shared| shared.settings.wire.clone())
                    .collect(),
                distribution.confirms_all,
                Arc::clone(ledger),
            ),
            confirms_all: distribution.confirms_all,
            hastens: false,
            interval,
            next_seal: settings.clock.now() + interval,
            max_age: ages.max().unwrap_or(settings.max_event_age),
        })
    }

    /// Does what is due.
    pub(super) fn turn(&mut self, destinations: &mut [Destination], now: Instant) {
        if now >= self.next_seal {
            self.next_seal = now + self.interval;
            self.source.receiver.seal();
            self.source.receiver.trim();
            if let Some(oldest) = now.checked_sub(self.max_age) {
                let is_old = |at: Option<Instant>| at.is_some_and(|at| at < oldest);
                self.drop_older(destinations, is_old, DropReason::Expired, "too old");
            }
        }
        self.hand_over(destinations);
    }

    /// When there is something to do by time.
    pub(super) fn wake_at(&self) -> Instant {
        self.next_seal
    }

    /// Hands over all that is queued so far, as far as there is memory for what the hook makes of it. Returns the sequence
    /// number that the next segment will have.
    pub(super) fn hand_over_all(&mut self, destinations: &mut [Destination]) -> u64 {
        let sequence = self.source.receiver.seal();
        self.hastens = true;
        self.hand_over(destinations);
        for destination in destinations {
            if let Some(branch) = destination.branch() {
                branch.advance(sequence);
            }
        }
        sequence
    }

    fn hand_over(&mut self, destinations: &mut [Destination]) {
        let mut lag = None;
        loop {
            let holds_nothing = destinations.iter().all(Destination::holds_nothing);
            let segment = self.source.take(
                holds_nothing,
                &mut |segment, event, takers, reason, cause| {
                    drop_event(destinations, segment, event, takers, reason, cause);
                },
            );
            let Some(segment) = segment else {
                self.hastens &= self.source.oldest().is_some();
                return;
            };
            let lag = lag.get_or_insert_with(|| Lag::of(destinations, segment.sequence()));
            let mut branches = Branches::new(segment, destinations.len(), self.confirms_all);
            for at in 0..destinations.len() {
                let made = branches.of(at, &mut || lag.make_room(destinations));
                let Some(destination) = destinations.get_mut(at) else {
                    continue;
                };
                match made {
                    Some(Ok(segment)) => destination.take_over(segment, self.hastens),
                    Some(Err(events)) => {
                        let cause = "no memory for events of which others take more";
                        destination.drop_unseen(events, DropReason::QueueFull, cause);
                    }
                    None => {}
                }
            }
        }
    }

    /// Forgets somebody in what was not handed over.
    pub(super) fn forget(
        &mut self,
        destinations: &[Destination],
        person: &Person,
        told: &Forgetting,
    ) {
        let (mut queued, of_hook) = self.source.forget(&|json| person.is_named_by(json));
        if let Some(ForgottenOf { segment, events }) = of_hook {
            for event in events {
                let takers = segment.takers(event);
                let takes = destinations.iter().enumerate();
                for (_, destination) in takes.filter(|(at, _)| takers.has(*at)) {
                    destination.end_unseen(1);
                    queued += 1;
                }
                segment.notify_end(event..event + 1, EventEnd::Dropped(DropReason::Forgotten));
            }
        }
        told.add(|forgotten| forgotten.queued += queued);
    }

    /// The sequence number of the oldest segment that was not handed over whole.
    pub(super) fn oldest_sequence(&self) -> Option<u64> {
        self.source.oldest()
    }

    /// Gives up and counts what is left.
    pub(super) fn end(&mut self, destinations: &mut [Destination]) {
        self.source.receiver.seal();
        let cause = "the shutdown's deadline passed";
        self.drop_older(destinations, |_| true, DropReason::ShutdownTimeout, cause);
    }

    fn drop_older(
        &mut self,
        destinations: &mut [Destination],
        goes: impl Fn(Option<Instant>) -> bool,
        reason: DropReason,
        cause: &str,
    ) {
        for batch in self.source.take_older(goes) {
            for (segment, events) in batch.parts() {
                for event in events {
                    let takers = segment.takers(event);
                    drop_event(destinations, segment, event, takers, reason, cause);
                }
            }
        }
    }
}

/// What each destination held before anything was handed over: more than that says nothing of who lags.
struct Lag {
    held: Vec<usize>,
    /// The sequence number of what is handed over first.
    before: u64,
}

impl Lag {
    fn of(destinations: &[Destination], before: u64) -> Self {
        Self {
            held: destinations.iter().map(Destination::held).collect(),
            before,
        }
    }

    /// The destination that holds most loses its oldest events, of those that held more than twice what the one did that
    /// held least. Returns whether there was one.
    fn make_room(&self, destinations: &mut [Destination]) -> bool {
        let least = self.held.iter().min().copied().unwrap_or_default();
        let each = destinations.iter_mut().zip(&self.held);
        let lagging = each.filter(|(_, held)| **held / 2 > least);
        let mut lagging: Vec<_> = lagging.map(|(destination, _)| destination).collect();
        lagging.sort_by_key(|destination| std::cmp::Reverse(destination.held()));
        lagging
            .into_iter()
            .any(|destination| destination.evict_before(self.before))
    }
}

/// Counts an event that was not handed over, for each destination of `takers`; whoever waits for it is told if nobody
/// else takes it.
fn drop_event(
    destinations: &mut [Destination],
    segment: &Segment,
    event: usize,
    takers: Takers,
    reason: DropReason,
    cause: &str,
) {
    for (at, destination) in destinations.iter_mut().enumerate() {
        if takers.has(at) && segment.takers(event).has(at) {
            destination.drop_unseen(1, reason, cause);
        }
    }
    if takers == segment.takers(event) {
        segment.notify_end(event..event + 1, EventEnd::Dropped(reason));
    }
}
