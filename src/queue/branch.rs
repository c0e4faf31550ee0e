//! One queue for several destinations: its segments are shared, and each destination holds its own of them.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::buffer::Buffer;
use super::end_listener::{EndListener, EventEnd};
use super::held::Held;
use super::segment::{Events, Segment};
use super::takers::Takers;
use crate::base::lock::lock;
use crate::ledger::DropReason;

/// The end of one destination: the segments that it was given and has not taken.
pub(crate) struct Branch {
    held: Held,
    waiting: VecDeque<Segment>,
    /// The number that the next segment will have.
    sequence: u64,
}

impl Branch {
    pub(super) fn new(held: Held) -> Self {
        Self {
            held,
            waiting: VecDeque::new(),
            sequence: super::FIRST_SEQUENCE,
        }
    }

    /// Hands over a segment that is held by this destination.
    pub(crate) fn push(&mut self, segment: Segment) {
        let segment = self.hold(segment);
        self.waiting.push_back(segment);
    }

    /// Counts a segment's memory as held by this destination, until it is dropped.
    pub(super) fn hold(&self, mut segment: Segment) -> Segment {
        self.held.fetch_add(segment.charge(), Relaxed);
        segment.held = Some(Arc::clone(&self.held));
        segment
    }

    /// All segments before this number were handed over.
    pub(crate) fn advance(&mut self, sequence: u64) {
        self.sequence = sequence;
    }

    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Forgets the events for which `goes` is true, and notifies their listeners. Returns how many there were.
    pub(crate) fn forget(
        &mut self,
        mut goes: impl FnMut(&[u8]) -> bool,
        reason: DropReason,
    ) -> u64 {
        let mut forgotten = 0;
        self.waiting.retain(|segment| {
            for event in 0..segment.len() {
                if goes(segment.json(event)) && segment.forget(event) {
                    forgotten += 1;
                    segment.notify_end(event..event + 1, EventEnd::Dropped(reason));
                }
            }
            segment.forgotten().len() < segment.len()
        });
        forgotten
    }

    pub(super) fn take(&mut self) -> Option<Segment> {
        self.waiting.pop_front()
    }

    pub(super) fn oldest(&self) -> Option<(u64, Instant)> {
        let front = self.waiting.front()?;
        Some((front.sequence(), front.first_at()?))
    }
}

/// One segment for several destinations: its events, shared, and their listeners.
pub(crate) struct Branches {
    events: Arc<Events>,
    listeners: Vec<(usize, Listeners)>,
}

/// The listeners of an event, as each destination is to notify them.
enum Listeners {
    /// The first destination notifies them.
    First(Option<EndListener>),
    /// The last destination notifies them, for all.
    All(Arc<Countdown>),
}

impl Branches {
    /// Prepares a segment for so many destinations; `waits_for_all`: whoever waits for an event waits for each of them.
    pub(crate) fn new(segment: Segment, destinations: usize, waits_for_all: bool) -> Self {
        let events = Arc::clone(&segment.events);
        let listeners = std::mem::take(&mut *lock(&segment.listeners));
        let listeners = listeners.into_iter().map(|(event, listener)| {
            let takers = segment.takers(event);
            let left = (0..destinations).filter(|at| takers.has(*at)).count();
            let listeners = match waits_for_all {
                true => Listeners::All(Arc::new(Countdown::new(left, listener))),
                false => Listeners::First(Some(listener)),
            };
            (event, listeners)
        });
        Self {
            listeners: listeners.collect(),
            events,
        }
    }

    /// The segment of the destination in this place: shared, where it takes all events, else a copy of those that it
    /// takes. `None` if it takes none; how many they are where there is no memory for the copy, nor `make_room` has made
    /// any, and whoever waits for one of them is told.
    pub(crate) fn of(
        &mut self,
        destination: usize,
        make_room: &mut dyn FnMut() -> bool,
    ) -> Option<Result<Segment, u64>> {
        let entries = &self.events.buffer.entries;
        let takes = |event: &usize| {
            let entry = entries.get(*event);
            entry.is_some_and(|entry| entry.takers.has(destination))
        };
        let taken: Vec<usize> = (0..entries.len()).filter(takes).collect();
        if taken.is_empty() {
            return None;
        }
        let mut listeners = Vec::new();
        for (event, of) in &mut self.listeners {
            if let Ok(place) = taken.binary_search(event) {
                listeners.extend(of.listener().map(|listener| (place, listener)));
            }
        }
        let events = match taken.len() == entries.len() {
            true => Some(Arc::clone(&self.events)),
            false => self.copy(&taken, make_room),
        };
        let Some(events) = events else {
            for (_, listener) in listeners {
                listener(EventEnd::Dropped(DropReason::QueueFull));
            }
            return Some(Err(taken.len() as u64));
        };
        Some(Ok(Segment::of(events, listeners)))
    }

    /// Copies a part of the events, while copies leave a quarter of the memory to what all take.
    fn copy(&self, taken: &[usize], make_room: &mut dyn FnMut() -> bool) -> Option<Arc<Events>> {
        let of = &self.events.buffer;
        let range = |event: usize| {
            let before = event
                .checked_sub(1)
                .and_then(|before| of.entries.get(before));
            let end = of.entries.get(event).map_or(0, |entry| entry.end());
            before.map_or(0, |entry| entry.end())..end
        };
        let bytes = taken.iter().map(|event| range(*event).len()).sum();
        let mut buffer = Buffer::new(bytes, taken.len());
        for &event in taken {
            let json = of.bytes.get(range(event)).unwrap_or_default();
            let id = of.entries.get(event).map_or(0, |entry| entry.id);
            let json = json.strip_suffix(b",").unwrap_or(json);
            buffer.append(json, id, Takers::ALL, None);
        }
        buffer.first_at = of.first_at;
        buffer.sequence = of.sequence;
        let channel = Arc::clone(&self.events.channel);
        while !channel.try_charge(buffer.charge, channel.bounds.max_bytes / 4 * 3) {
            if !make_room() {
                return None;
            }
        }
        Some(Arc::new(Events { buffer, channel }))
    }
}

impl Listeners {
    /// What one destination is to call.
    fn listener(&mut self) -> Option<EndListener> {
        match self {
            Self::First(listener) => listener.take(),
            Self::All(countdown) => {
                let countdown = Arc::clone(countdown);
                Some(Box::new(move |end| countdown.end(end)))
            }
        }
    }
}

/// Collects the ends of one event at several destinations, and reports the first that is not a delivery, if any.
struct Countdown(Mutex<Ends>);

struct Ends {
    left: usize,
    end: EventEnd,
    listener: Option<EndListener>,
}

impl Countdown {
    fn new(left: usize, listener: EndListener) -> Self {
        Self(Mutex::new(Ends {
            left,
            end: EventEnd::Delivered,
            listener: Some(listener),
        }))
    }

    fn end(&self, end: EventEnd) {
        let mut ends = lock(&self.0);
        ends.left = ends.left.saturating_sub(1);
        if ends.end == EventEnd::Delivered {
            ends.end = end;
        }
        let told = (ends.left == 0).then(|| (ends.listener.take(), ends.end));
        drop(ends);
        // Without the lock: it wakes whoever waits.
        if let Some((Some(listener), end)) = told {
            listener(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::queue::{Bounds, Ledgers, Receiver, Sender, bounded};

    const FIRST: Takers = Takers::FIRST;
    const SECOND: Takers = Takers::NONE.with(1);

    fn queue() -> (Sender, Receiver) {
        bounded(
            Bounds::for_tests(1 << 20),
            Ledgers::new(Arc::default(), Box::new([Arc::default()])),
        )
    }

    /// A segment of events for these takers, each with a listener that sends its place and its end.
    fn segment(
        queue: &Receiver,
        takers: &[Takers],
    ) -> (Segment, mpsc::Receiver<(usize, EventEnd)>) {
        let (ends, told) = mpsc::channel();
        let mut buffer = Buffer::new(64, takers.len());
        for (place, takers) in takers.iter().enumerate() {
            let ends = ends.clone();
            let listener: EndListener = Box::new(move |end| ends.send((place, end)).unwrap());
            let json = format!("[{place}]");
            buffer.append(json.as_bytes(), place as i64, *takers, Some(listener));
        }
        buffer.first_at = Some(Instant::now());
        buffer.sequence = 100;
        queue.channel.charge(buffer.charge);
        (Segment::new(buffer, Arc::clone(&queue.channel)), told)
    }

    fn ids(segment: &Segment) -> Vec<i64> {
        (0..segment.len()).filter_map(|at| segment.id(at)).collect()
    }

    #[test]
    fn what_all_take_is_shared_and_charged_once() {
        let (sender, receiver) = queue();
        let (segment, _told) = segment(&receiver, &[Takers::ALL; 3]);
        let charge = segment.charge();
        let [(one, mut of_one), (two, mut of_two)] = [(); 2].map(|()| sender.branch());
        let mut branches = Branches::new(segment, 2, false);
        for (at, receiver) in [&mut of_one, &mut of_two].into_iter().enumerate() {
            let segment = branches.of(at, &mut || false).unwrap().unwrap();
            receiver.branch().unwrap().push(segment);
        }
        drop(branches);
        assert_eq!([sender.bytes(), one.bytes(), two.bytes()], [charge; 3]);
        assert_eq!(of_one.oldest().map(|(sequence, _)| sequence), Some(100));
        let taken = of_one.take().unwrap();
        assert_eq!(
            (ids(&taken), taken.slice(1..3)),
            (vec![0, 1, 2], &b"[1],[2],"[..])
        );
        drop(taken);
        assert_eq!(
            [sender.bytes(), one.bytes(), two.bytes()],
            [charge, 0, charge]
        );
        drop(of_two.take());
        assert_eq!([sender.bytes(), two.bytes()], [0; 2]);
    }

    #[test]
    fn who_takes_a_part_gets_a_copy_of_it_and_who_takes_nothing_no_segment() {
        let (sender, receiver) = queue();
        let (segment, told) = segment(&receiver, &[FIRST, Takers::ALL, FIRST, Takers::ALL]);
        let mut branches = Branches::new(segment, 2, false);
        let first = branches.of(0, &mut || false).unwrap().unwrap();
        let second = branches.of(1, &mut || false).unwrap().unwrap();
        assert!(
            branches
                .of(7, &mut || false)
                .is_some_and(|all| ids(&all.unwrap()) == [1, 3])
        );
        drop(branches);
        assert_eq!((ids(&first), ids(&second)), (vec![0, 1, 2, 3], vec![1, 3]));
        assert_eq!(
            (second.slice(0..2), second.sequence()),
            (&b"[1],[3],"[..], 100)
        );
        second.notify_end(0..2, EventEnd::Delivered);
        assert_eq!(told.try_iter().count(), 0, "the first destination tells");
        first.notify_end(1..2, EventEnd::Delivered);
        assert_eq!(
            told.try_iter().collect::<Vec<_>>(),
            [(1, EventEnd::Delivered)]
        );
        drop((first, second));
        assert_eq!(sender.bytes(), 0);
        let (segment, _told) = self::segment(&receiver, &[SECOND; 2]);
        assert!(
            Branches::new(segment, 2, false)
                .of(0, &mut || false)
                .is_none()
        );
    }

    #[test]
    fn who_waits_for_all_is_told_once_by_the_last_of_them() {
        let (_sender, receiver) = queue();
        let (segment, told) = segment(&receiver, &[Takers::ALL, Takers::ALL, SECOND]);
        let mut branches = Branches::new(segment, 2, true);
        let [first, second] = [0, 1].map(|at| branches.of(at, &mut || false).unwrap().unwrap());
        let expired = EventEnd::Dropped(DropReason::Expired);
        first.notify_end(0..1, EventEnd::Delivered);
        first.notify_end(1..2, expired);
        assert_eq!(told.try_iter().count(), 0);
        second.notify_end(0..3, EventEnd::Delivered);
        let mut ends: Vec<_> = told.try_iter().collect();
        ends.sort_by_key(|(place, _)| *place);
        let delivered = EventEnd::Delivered;
        assert_eq!(ends, [(0, delivered), (1, expired), (2, delivered)]);
    }

    #[test]
    fn what_one_destination_forgets_is_marked_and_a_segment_without_others_goes() {
        let (sender, receiver) = queue();
        let [(_, mut of_one), (_, mut of_two)] = [(); 2].map(|()| sender.branch());
        let mut all_told = Vec::new();
        for takers in [&[Takers::ALL; 3][..], &[Takers::ALL; 1]] {
            let (segment, told) = segment(&receiver, takers);
            all_told.push(told);
            let mut branches = Branches::new(segment, 2, false);
            for (at, receiver) in [&mut of_one, &mut of_two].into_iter().enumerate() {
                let segment = branches.of(at, &mut || false).unwrap().unwrap();
                receiver.branch().unwrap().push(segment);
            }
        }
        let is_first = |json: &[u8]| json == b"[0]";
        let branch = of_one.branch().unwrap();
        assert_eq!(branch.forget(is_first, DropReason::Forgotten), 2);
        assert_eq!(branch.forget(is_first, DropReason::Forgotten), 0);
        let left = of_one.take().unwrap();
        assert_eq!(left.runs(0..3), [(0..1, true), (1..3, false)]);
        assert!(of_one.take().is_none());
        let other = of_two.take().unwrap();
        assert_eq!(other.runs(0..3), [(0..3, false)]);
        let told = all_told.iter().flat_map(mpsc::Receiver::try_iter);
        assert!(told.eq([(0, EventEnd::Dropped(DropReason::Forgotten)); 2]));
    }

    #[test]
    fn a_branch_knows_how_far_the_queue_has_come() {
        let (sender, _receiver) = queue();
        let (_, mut receiver) = sender.branch();
        assert_eq!(
            (receiver.seal(), receiver.oldest()),
            (super::super::FIRST_SEQUENCE, None)
        );
        receiver.branch().unwrap().advance(7);
        assert_eq!(receiver.seal(), 7);
        assert!(receiver.take().is_none());
    }
}
