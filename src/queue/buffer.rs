//! Events one behind another, in memory that is charged.

use std::time::Instant;

use super::end_listener::{EndListener, EventEnd};
use super::takers::Takers;

/// What a segment costs beside its events: the places where it is listed, from the queue to a request.
const OVERHEAD: usize = 512;

/// What somebody who waits for an event costs.
pub(super) const WAITER: usize = 512;

/// Events one behind another, each followed by a comma.
pub(crate) struct Buffer {
    pub(super) bytes: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    /// By the place of their event.
    pub(super) listeners: Vec<(usize, EndListener)>,
    /// When the first event was queued.
    pub(super) first_at: Option<Instant>,
    pub(super) sequence: u64,
    /// The memory that the queue is charged with.
    pub(super) charge: usize,
}

#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// Four bytes, so that an entry is no larger for its takers: no segment comes near 4 GiB.
    end: u32,
    pub(super) takers: Takers,
    pub(super) id: i64,
}

impl Entry {
    pub(super) const fn end(&self) -> usize {
        self.end as usize
    }
}

impl Buffer {
    pub(super) fn new(bytes: usize, events: usize) -> Self {
        let mut buffer = Self {
            bytes: Vec::with_capacity(bytes),
            entries: Vec::with_capacity(events),
            listeners: Vec::new(),
            first_at: None,
            sequence: 0,
            charge: 0,
        };
        buffer.charge = buffer.capacity();
        buffer
    }

    /// The memory, in bytes, of a buffer for so many bytes and events.
    pub(super) const fn size(bytes: usize, events: usize) -> usize {
        bytes + events * size_of::<Entry>() + OVERHEAD
    }

    /// Its memory, in bytes.
    pub(super) fn capacity(&self) -> usize {
        let waiters = self.listeners.len() * WAITER;
        Self::size(self.bytes.capacity(), self.entries.capacity()) + waiters
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.listeners.clear();
        self.first_at = None;
        self.charge = self.capacity();
    }

    pub(super) fn has_room(&self, event: usize) -> bool {
        self.entries.len() < self.entries.capacity()
            && self.bytes.len() + event < self.bytes.capacity()
    }

    pub(super) fn append(
        &mut self,
        event: &[u8],
        id: i64,
        takers: Takers,
        listener: Option<EndListener>,
    ) {
        self.bytes.extend_from_slice(event);
        self.bytes.push(b',');
        if let Some(listener) = listener {
            self.listeners.push((self.entries.len(), listener));
        }
        self.entries.push(Entry {
            end: u32::try_from(self.bytes.len()).unwrap_or(u32::MAX),
            takers,
            id,
        });
    }

    /// The JSON of an event.
    pub(super) fn json(&self, event: usize) -> &[u8] {
        let start = match event.checked_sub(1) {
            Some(before) => self.entries.get(before).map_or(0, Entry::end),
            None => 0,
        };
        let end = self.entries.get(event).map_or(start, Entry::end);
        let json = self.bytes.get(start..end).unwrap_or_default();
        json.strip_suffix(b",").unwrap_or(json)
    }

    /// Takes out events, whose places grow: the others move together. Returns for whom they were, and who waits for them.
    pub(super) fn remove(&mut self, events: &[usize]) -> (Vec<Takers>, Vec<EndListener>) {
        let goes = |event: usize| events.binary_search(&event).is_ok();
        let bytes = &mut self.bytes;
        let (mut event, mut start, mut end, mut takers) = (0, 0, 0, Vec::new());
        self.entries.retain_mut(|entry| {
            let range = std::mem::replace(&mut start, entry.end())..entry.end();
            let stays = !goes(event);
            event += 1;
            if stays {
                let length = range.len();
                bytes.copy_within(range, end);
                end += length;
                // It is no later than before.
                entry.end = end as u32;
            } else {
                takers.push(entry.takers);
            }
            stays
        });
        // Of what was taken out nothing stays behind.
        if let Some(behind) = self.bytes.get_mut(end..) {
            behind.fill(0);
        }
        self.bytes.truncate(end);
        let mut told = Vec::new();
        for (event, listener) in std::mem::take(&mut self.listeners) {
            let before = events.partition_point(|gone| *gone < event);
            if goes(event) {
                told.push(listener);
            } else {
                self.listeners.push((event - before, listener));
            }
        }
        (takers, told)
    }

    pub(super) fn notify_all(&mut self, end: EventEnd) {
        for (_, listener) in self.listeners.drain(..) {
            listener(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::ledger::DropReason;

    #[test]
    fn events_stand_one_behind_another_and_their_memory_is_the_charge() {
        let mut buffer = Buffer::new(64, 4);
        let (listener, ends) = mpsc::channel();
        buffer.append(b"{\"a\":1}", 7, Takers::FIRST, None);
        assert_eq!(buffer.charge, buffer.capacity(), "no memory has grown");
        buffer.append(
            b"{}",
            8,
            Takers::FIRST,
            Some(Box::new(move |end| listener.send(end).unwrap())),
        );
        assert_eq!(buffer.bytes, b"{\"a\":1},{},");
        let entries = buffer.entries.iter();
        let entries: Vec<_> = entries.map(|entry| (entry.end(), entry.id)).collect();
        assert_eq!(entries, [(8, 7), (11, 8)]);
        assert!(buffer.capacity() > buffer.charge, "a listener takes memory");

        let end = EventEnd::Dropped(DropReason::Evicted);
        buffer.notify_all(end);
        buffer.notify_all(EventEnd::Delivered);
        assert_eq!(ends.try_iter().collect::<Vec<_>>(), [end], "once, its own");
    }

    #[test]
    fn events_that_are_taken_out_leave_the_others_as_they_were() {
        let (ends, told) = mpsc::channel();
        let events = [&b"{\"a\":1}"[..], b"{}", b"[22]", b"7"];
        let second = Takers::NONE.with(1);
        let takers = [Takers::FIRST, second, Takers::ALL, Takers::FIRST];
        for gone in [&[][..], &[0], &[3], &[1, 2], &[0, 1, 2, 3]] {
            let mut buffer = Buffer::new(64, 4);
            let charge = buffer.charge;
            for (place, (json, takers)) in events.iter().zip(takers).enumerate() {
                let ends = ends.clone();
                let listener: EndListener = Box::new(move |end| ends.send((place, end)).unwrap());
                buffer.append(json, place as i64, takers, Some(listener));
            }
            assert_eq!(buffer.json(2), events[2]);
            let (of, listeners) = buffer.remove(gone);
            let expected: Vec<_> = gone.iter().map(|event| takers[*event]).collect();
            assert_eq!((of, buffer.charge), (expected, charge));
            let places = |told: &mpsc::Receiver<(usize, EventEnd)>| {
                told.try_iter().map(|(place, _)| place).collect::<Vec<_>>()
            };
            listeners
                .into_iter()
                .for_each(|told| told(EventEnd::Dropped(DropReason::Forgotten)));
            assert_eq!(places(&told), gone);
            let left = (0..4).filter(|event| !gone.contains(event));
            for (at, event) in left.clone().enumerate() {
                assert_eq!(buffer.json(at), events[event]);
                assert_eq!(buffer.entries[at].id, event as i64);
            }
            assert!(
                buffer
                    .listeners
                    .iter()
                    .map(|(at, _)| *at)
                    .eq(0..left.clone().count())
            );
            buffer.notify_all(EventEnd::Delivered);
            assert!(places(&told).into_iter().eq(left));
        }
    }

    #[test]
    fn there_is_room_for_an_event_with_its_comma_and_its_entry() {
        let mut buffer = Buffer::new(64, 2);
        let room = buffer.bytes.capacity();
        assert!(buffer.has_room(room - 1) && !buffer.has_room(room));
        while buffer.entries.len() < buffer.entries.capacity() {
            assert!(buffer.has_room(2));
            buffer.append(b"{}", 1, Takers::FIRST, None);
        }
        assert!(!buffer.has_room(2), "no entry is left");
        buffer.clear();
        assert!(buffer.has_room(2) && buffer.bytes.is_empty());
    }
}
