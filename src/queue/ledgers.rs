//! The ledgers of all destinations that a queue's events are for.

use std::sync::Arc;

use super::buffer::Buffer;
use super::takers::Takers;
use crate::ledger::{DropReason, Ledger};

pub(crate) struct Ledgers {
    first: Arc<Ledger>,
    others: Box<[Arc<Ledger>]>,
}

impl Ledgers {
    pub(crate) fn new(first: Arc<Ledger>, others: Box<[Arc<Ledger>]>) -> Self {
        Self { first, others }
    }

    /// The ledger of a lone destination.
    pub(crate) fn of_one(ledger: Arc<Ledger>) -> Self {
        Self::new(ledger, Box::default())
    }

    /// Each with its place.
    fn iter(&self) -> impl Iterator<Item = (usize, &Ledger)> {
        let others = self.others.iter().map(|ledger| &**ledger);
        std::iter::once(&*self.first).chain(others).enumerate()
    }

    /// The most events that are pending for any destination.
    pub(super) fn pending(&self) -> u64 {
        let first = self.first.pending();
        match &*self.others {
            [] => first,
            others => (others.iter()).fold(first, |most, ledger| most.max(ledger.pending())),
        }
    }

    /// An event was offered to its takers, and queued; returns how many are pending.
    pub(super) fn queue(&self, takers: Takers) -> u64 {
        if self.others.is_empty() {
            return self.first.queue();
        }
        for (_, ledger) in self.iter().filter(|(at, _)| takers.has(*at)) {
            ledger.queue();
        }
        self.pending()
    }

    /// Queued events were given up. Returns how many, for each destination that they were for.
    pub(super) fn give_up(&self, events: &[Takers], reason: DropReason) -> u64 {
        if self.others.is_empty() {
            self.first.drop_pending(reason, events.len() as u64);
            return events.len() as u64;
        }
        let of_each = self.iter().map(|(at, ledger)| {
            let count = events.iter().filter(|takers| takers.has(at)).count() as u64;
            ledger.drop_pending(reason, count);
            count
        });
        of_each.sum()
    }

    /// Queued events were evicted for newer ones.
    pub(super) fn evict(&self, buffer: &Buffer) {
        let reason = DropReason::Evicted;
        if self.others.is_empty() {
            return self.first.drop_pending(reason, buffer.entries.len() as u64);
        }
        let takers: Vec<Takers> = buffer.entries.iter().map(|entry| entry.takers).collect();
        self.give_up(&takers, reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_counts_where_it_is_taken_alone() {
        let [first, second] = [(); 2].map(|()| Arc::<Ledger>::default());
        let ledgers = Ledgers::new(Arc::clone(&first), Box::new([Arc::clone(&second)]));
        let mut buffer = Buffer::new(64, 4);
        for takers in [
            Takers::FIRST,
            Takers::ALL,
            Takers::NONE.with(1),
            Takers::ALL,
        ] {
            ledgers.queue(takers);
            buffer.append(b"{}", 1, takers, None);
        }
        assert_eq!(
            [first.pending(), second.pending(), ledgers.pending()],
            [3, 3, 3]
        );
        ledgers.queue(Takers::NONE.with(1));
        assert_eq!([first.pending(), ledgers.pending()], [3, 4]);
        ledgers.evict(&buffer);
        assert_eq!([first.pending(), second.pending()], [0, 1]);
        let evicted = |ledger: &Ledger| ledger.dropped().get(DropReason::Evicted);
        assert_eq!([evicted(&first), evicted(&second)], [3, 3]);
    }
}
