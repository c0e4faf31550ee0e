//! Where segments come from: the queue and, where there is one, the user's hook over their events.

use std::sync::Arc;
use std::time::Instant;

use super::batch::Batch;
use super::before_send::Hook;
use super::rewriting::Rewriting;
use crate::ledger::{DropReason, Ledger};
use crate::queue::{EventEnd, Receiver, Rewrite, Segment, Takers};
use crate::redact::RedactedJson;
use crate::wire::{EventForm, Wire};

/// What is told of an event that is dropped before it was in any batch: its segment, its place, for which destinations it
/// is dropped, and why.
pub(super) type OnDrop<'f> = &'f mut dyn FnMut(&Segment, usize, Takers, DropReason, &str);

/// Events of a segment that were forgotten, and are not counted yet.
pub(super) struct ForgottenOf {
    pub(super) segment: Arc<Segment>,
    pub(super) events: Vec<usize>,
}

pub(super) struct Source {
    pub(super) receiver: Receiver,
    kept_for: KeptFor,
    hook: Option<Hook>,
    /// A segment that the hook has seen in part.
    rewriting: Option<Rewriting>,
    /// Counts the hook's panics, and what of its results was left out.
    ledger: Arc<Ledger>,
}

/// The destinations that keep what a hook makes of events.
struct KeptFor {
    /// What is queued for them.
    form: EventForm,
    /// Theirs, in their order.
    wires: Vec<Wire>,
    /// Whoever waits for an event waits for all of them.
    confirms_all: bool,
}

impl Source {
    pub(super) fn new(
        receiver: Receiver,
        hook: Option<Hook>,
        form: EventForm,
        wires: Vec<Wire>,
        confirms_all: bool,
        ledger: Arc<Ledger>,
    ) -> Self {
        Self {
            receiver,
            kept_for: KeptFor {
                form,
                wires,
                confirms_all,
            },
            hook,
            rewriting: None,
            ledger,
        }
    }

    /// Takes the oldest segment; where there is a hook, as much of it as memory allows. `None` when there is none, or no
    /// memory for what the hook may make of it. `holds_nothing`: no memory will be given back, so that an event for which
    /// there is none is dropped.
    pub(super) fn take(&mut self, holds_nothing: bool, on_drop: OnDrop<'_>) -> Option<Segment> {
        match self.hook {
            Some(_) => self.rewrite(holds_nothing, on_drop),
            None => self.receiver.take(),
        }
    }

    /// Lets the user's hook rewrite the oldest segment's events, once for each event. What it makes of
    /// them may be far larger: it stops where that fills a segment, or memory is full.
    fn rewrite(&mut self, holds_nothing: bool, on_drop: OnDrop<'_>) -> Option<Segment> {
        let mut source = match self.rewriting.take() {
            Some(source) => source,
            None => Rewriting::new(self.receiver.take()?),
        };
        let start = source.next;
        let mut made = self.receiver.rewrite(&source.segment, start);
        while !source.is_done() && !made.is_full() && made.reserve() {
            self.rewrite_event(&source.segment, source.next, &mut made, on_drop);
            made.release_unused();
            source.advance();
        }
        let is_stuck = source.next == start && !source.is_done();
        if is_stuck && holds_nothing {
            let cause = "no memory for before_send";
            let takers = source.segment.takers(start);
            on_drop(&source.segment, start, takers, DropReason::QueueFull, cause);
            source.advance();
        }
        let waits = source.next == start;
        if !source.is_done() {
            self.rewriting = Some(source);
        }
        (!waits).then(|| made.finish())
    }

    fn rewrite_event(
        &mut self,
        segment: &Segment,
        event: usize,
        made: &mut Rewrite,
        on_drop: OnDrop<'_>,
    ) {
        let Some(hook) = &mut self.hook else {
            return;
        };
        let bytes = segment.slice(event..event + 1);
        let json = bytes.strip_suffix(b",").unwrap_or(bytes);
        let takers = segment.takers(event);
        match hook.apply(json, self.kept_for.form, &self.ledger) {
            Ok(json) => self.kept_for.keep(&json, segment, event, made, on_drop),
            Err(reason) => on_drop(segment, event, takers, reason, "before_send"),
        }
    }

    /// Takes out the events that were not taken and that `goes` holds for. Those that the queue holds are counted and told;
    /// returns how many there were, and of a segment that the hook has seen in part, which.
    pub(super) fn forget(&mut self, goes: &dyn Fn(&[u8]) -> bool) -> (u64, Option<ForgottenOf>) {
        self.receiver.seal();
        let removed = self.receiver.remove(goes, DropReason::Forgotten);
        let of_hook = self.rewriting.as_mut().map(|source| ForgottenOf {
            segment: Arc::clone(&source.segment),
            events: source.forget(goes),
        });
        self.rewriting.take_if(|source| source.is_done());
        (removed, of_hook)
    }

    /// Whether the hook goes on once there is memory for what it makes.
    pub(super) fn waits_for_memory(&self) -> bool {
        self.rewriting.is_some()
    }

    /// The sequence number of the oldest segment that was not taken, or that the hook has not seen whole.
    pub(super) fn oldest(&self) -> Option<u64> {
        let in_part = self.rewriting.iter().map(Rewriting::sequence);
        let queued = self.receiver.oldest().map(|(sequence, _)| sequence);
        in_part.chain(queued).min()
    }

    /// Takes out the segments that `goes` holds for by their age, oldest first, as they are.
    pub(super) fn take_older(&mut self, goes: impl Fn(Option<Instant>) -> bool) -> Vec<Batch> {
        let rewriting = self
            .rewriting
            .take_if(|source| goes(source.segment.first_at()));
        let mut taken: Vec<Batch> = rewriting.map(Rewriting::rest).into_iter().collect();
        while goes(self.receiver.oldest().map(|(_, at)| at))
            && let Some(segment) = self.receiver.take()
        {
            taken.extend(Batch::of(segment));
        }
        taken
    }
}

impl KeptFor {
    /// Keeps what the hook has made of an event for the destinations that have a place for it; the others drop it.
    fn keep(
        &self,
        json: &RedactedJson<'_>,
        segment: &Segment,
        event: usize,
        made: &mut Rewrite,
        on_drop: OnDrop<'_>,
    ) {
        let takers = segment.takers(event);
        let unable = match self.form {
            EventForm::Record => without_place(&self.wires, takers, json.as_bytes()),
            EventForm::Reo | EventForm::Mcpeye => Takers::NONE,
        };
        let mut listener = segment.take_listeners(event..event + 1).pop();
        if !unable.is_empty() {
            // A lone destination misses what its wire requires, as it would if no hook had taken it out.
            let reason = match self.wires.len() {
                0 | 1 => DropReason::MissingField,
                _ => DropReason::BeforeSend,
            };
            let cause = "before_send took out what the wire requires";
            on_drop(segment, event, unable, reason, cause);
            let is_told = self.confirms_all || takers.first() == unable.first();
            if let Some(listener) = listener.take_if(|_| is_told) {
                listener(EventEnd::Dropped(reason));
            }
        }
        let able = takers.minus(unable);
        if !able.is_empty() {
            let id = segment.id(event).unwrap_or_default();
            made.push(json, id, able, listener);
        }
    }
}

/// The destinations, of those that an event is for, that have no place for what a hook has made of it.
fn without_place(wires: &[Wire], takers: Takers, record: &[u8]) -> Takers {
    let wires = wires.iter().enumerate();
    let unable = wires.filter(|(at, wire)| takers.has(*at) && !wire.takes_record(record));
    unable.fold(Takers::NONE, |unable, (at, _)| unable.with(at))
}

#[cfg(test)]
impl Source {
    /// Lets the hook wait with what it has not seen.
    pub(super) fn wait_for_hook(&mut self, segment: Segment) {
        self.rewriting = Some(Rewriting::new(segment));
    }
}
