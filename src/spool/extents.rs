//! Pure: which events stand where on disk, in runs of neighbours. Knows no file.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Weak};

use super::record::{Found, Record, Records};
use crate::queue::{OnDisk, Segment};

/// Events that are only on disk are read back in runs of about this size.
const EXTENT_BYTES: u64 = 64 * 1024;
const EXTENT_EVENTS: u32 = 64;

/// Events of one run expire together, so they are of about one age.
const EXTENT_SPAN_MILLIS: u64 = 60 * 60 * 1000;

/// Orders log files by age: milliseconds, and a number that keeps files of the same millisecond apart.
pub(super) type LogKey = (u64, u64);

/// When a segment's events were queued, in milliseconds since 1970, and since when they are kept, in milliseconds of a
/// clock that nobody sets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) queued_at: u64,
    pub(super) kept_since: u64,
}

/// A run of events in a file.
#[derive(Debug)]
pub(super) struct Extent {
    pub(super) key: LogKey,
    pub(super) bytes: Range<u64>,
    pub(super) ordinals: Range<u32>,
    pub(super) ended: BTreeSet<u32>,
    /// How many of its events have not ended.
    pub(super) alive: u64,
    /// From when to when its events were queued, by the clock of whoever queued them.
    pub(super) queued_at: Range<u64>,
    /// Since when this logger has kept them, by a monotonic clock.
    kept_since: u64,
    place: Location,
}

#[derive(Debug)]
enum Location {
    /// The worker has its events, which are those with these ordinals.
    Memory(Vec<u32>, Weak<Segment>),
    Disk,
}

impl Extent {
    /// A segment's events, written at `bytes`, except for those of `left_out`.
    pub(super) fn of_segment(
        key: LogKey,
        bytes: Range<u64>,
        ordinals: Range<u32>,
        left_out: BTreeSet<u32>,
        times: Times,
        segment: &Arc<Segment>,
    ) -> Self {
        Self {
            key,
            bytes,
            alive: u64::from(ordinals.end - ordinals.start) - left_out.len() as u64,
            ended: left_out,
            queued_at: times.queued_at..times.queued_at,
            kept_since: times.kept_since,
            place: Location::Memory(ordinals.clone().collect(), Arc::downgrade(segment)),
            ordinals,
        }
    }

    /// A single event, found at `bytes`.
    pub(super) fn of_record(
        key: LogKey,
        bytes: Range<u64>,
        record: &Record<'_>,
        kept_since: u64,
    ) -> Self {
        Self {
            key,
            bytes,
            ordinals: record.ordinal..record.ordinal.saturating_add(1),
            ended: BTreeSet::new(),
            alive: 1,
            queued_at: record.at..record.at,
            kept_since,
            place: Location::Disk,
        }
    }

    /// Whether an event of this number is one of its own.
    fn holds(&self, ordinal: u32) -> bool {
        match &self.place {
            Location::Memory(ordinals, _) => ordinals.contains(&ordinal),
            Location::Disk => self.ordinals.contains(&ordinal),
        }
    }

    /// Its events that have not ended, out of its part of the file.
    pub(super) fn events<'a>(&self, part: &'a [u8], tag: u32) -> impl Iterator<Item = Record<'a>> {
        let mut last = None;
        Records::new(part).filter_map(move |(found, _)| {
            let Found::Record(record) = found else {
                return None;
            };
            let is_wanted = record.tag == tag
                && self.ordinals.contains(&record.ordinal)
                && !self.ended.contains(&record.ordinal)
                && last.is_none_or(|last| last < record.ordinal);
            is_wanted.then(|| {
                last = Some(record.ordinal);
                record
            })
        })
    }

    /// Whether `next` follows without a gap, and both make one run.
    pub(super) fn can_join(&self, next: &Self) -> bool {
        self.bytes.end == next.bytes.start
            && self.ordinals.end == next.ordinals.start
            && self.can_join_over_gap(next)
    }

    /// Whether `next` follows, and both make one run when what lies between them has ended or is damaged. Without it a
    /// file of which every other event has ended would cost as much memory as disk.
    pub(super) fn can_join_over_gap(&self, next: &Self) -> bool {
        self.key == next.key
            && self.bytes.end <= next.bytes.start
            && self.ordinals.end <= next.ordinals.start
            && next.bytes.end - self.bytes.start <= EXTENT_BYTES
            && next.ordinals.end - self.ordinals.start <= EXTENT_EVENTS
            && next.queued_at.end.saturating_sub(self.queued_at.start) <= EXTENT_SPAN_MILLIS
    }

    pub(super) fn join(&mut self, next: Self) {
        let (at, next_at) = (&self.queued_at, &next.queued_at);
        self.queued_at = at.start.min(next_at.start)..at.end.max(next_at.end);
        self.kept_since = self.kept_since.max(next.kept_since);
        self.ended.extend(self.ordinals.end..next.ordinals.start);
        self.bytes.end = next.bytes.end;
        self.ordinals.end = next.ordinals.end;
        self.ended.extend(next.ended);
        self.alive += next.alive;
    }
}

/// Where events are that the worker has released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Released {
    OnDisk,
    /// Their file has made room for newer ones meanwhile.
    Evicted,
    /// Their file was removed by somebody else meanwhile, or could not be synced.
    Gone,
}

/// All runs, by the sequence number of their segment.
#[derive(Debug, Default)]
pub(super) struct Extents {
    by_sequence: BTreeMap<u64, Extent>,
    /// Runs that are only on disk.
    on_disk: BTreeSet<u64>,
    /// Runs taken out because their file is gone or fails, when the worker had let go of their segment and had not
    /// said so yet.
    gone: BTreeSet<u64>,
    /// Recovered events come before all that are queued now.
    next_recovered: u64,
}

impl Extents {
    /// Adds a run of an ended owner, which is only on disk.
    pub(super) fn add_recovered(&mut self, extent: Extent) {
        self.on_disk.insert(self.next_recovered);
        self.by_sequence.insert(self.next_recovered, extent);
        self.next_recovered += 1;
    }

    /// Adds a segment that has been written.
    pub(super) fn add_written(&mut self, sequence: u64, extent: Extent) {
        self.gone.remove(&sequence);
        self.by_sequence.insert(sequence, extent);
    }

    /// Notes that events of a segment have ended. Returns its file and the ordinals that are new.
    pub(super) fn end(
        &mut self,
        sequence: u64,
        events: Range<usize>,
    ) -> Option<(LogKey, Vec<u32>)> {
        self.gone.remove(&sequence);
        let extent = self.by_sequence.get_mut(&sequence)?;
        let Location::Memory(ordinals, _) = &extent.place else {
            return None;
        };
        let mut new = ordinals.get(events).unwrap_or_default().to_vec();
        new.retain(|&ordinal| extent.ended.insert(ordinal));
        extent.alive -= new.len() as u64;
        let key = extent.key;
        if extent.alive == 0 {
            self.by_sequence.remove(&sequence);
        }
        Some((key, new))
    }

    /// Events were erased, in these files those with these ordinals. Returns how many of them were only on disk, and those
    /// that had not ended.
    pub(super) fn erase(
        &mut self,
        erased: &BTreeMap<LogKey, BTreeSet<u32>>,
    ) -> (u64, Vec<(LogKey, u32)>) {
        let (mut on_disk_alone, mut ended) = (0, Vec::new());
        let on_disk = &mut self.on_disk;
        self.by_sequence.retain(|sequence, extent| {
            let of_file = erased.get(&extent.key).into_iter();
            for &ordinal in of_file.flat_map(|of_file| of_file.range(extent.ordinals.clone())) {
                if extent.alive > 0 && extent.holds(ordinal) && extent.ended.insert(ordinal) {
                    extent.alive -= 1;
                    on_disk_alone += u64::from(matches!(extent.place, Location::Disk));
                    ended.push((extent.key, ordinal));
                }
            }
            if extent.alive == 0 {
                on_disk.remove(sequence);
            }
            extent.alive > 0
        });
        (on_disk_alone, ended)
    }

    /// The worker has released what is left of a segment. Returns where all `events` are now.
    pub(super) fn release(&mut self, sequence: u64, events: u64) -> Released {
        match self.by_sequence.get_mut(&sequence) {
            Some(extent) if extent.alive == events => extent.place = Location::Disk,
            Some(_) | None if self.gone.remove(&sequence) => return Released::Gone,
            Some(_) | None => return Released::Evicted,
        }
        self.on_disk.insert(sequence);
        self.join_neighbours(sequence);
        Released::OnDisk
    }

    /// Joins a run with its neighbours, so that a long outage does not leave a great many small ones.
    fn join_neighbours(&mut self, sequence: u64) {
        let before = self.on_disk.range(..sequence).next_back().copied();
        let after = self.on_disk.range(sequence + 1..).next().copied();
        let pairs = [
            after.map(|after| (sequence, after)),
            before.map(|before| (before, sequence)),
        ];
        for (first, second) in pairs.into_iter().flatten() {
            let joins = match (self.by_sequence.get(&first), self.by_sequence.get(&second)) {
                (Some(first), Some(second)) => first.can_join(second),
                _ => false,
            };
            if joins && let Some(next) = self.by_sequence.remove(&second) {
                self.on_disk.remove(&second);
                if let Some(first) = self.by_sequence.get_mut(&first) {
                    first.join(next);
                }
            }
        }
    }

    /// The runs that are only on disk, oldest first.
    pub(super) fn on_disk(&self) -> impl Iterator<Item = (u64, &Extent)> {
        let runs = self.on_disk.iter();
        runs.filter_map(|&sequence| Some((sequence, self.by_sequence.get(&sequence)?)))
    }

    /// A run was read back: the worker has its events again, those with these ordinals.
    pub(super) fn move_to_memory(&mut self, sequence: u64, ordinals: Vec<u32>) {
        self.on_disk.remove(&sequence);
        if ordinals.is_empty() {
            self.by_sequence.remove(&sequence);
        } else if let Some(extent) = self.by_sequence.get_mut(&sequence) {
            extent.alive = ordinals.len() as u64;
            extent.place = Location::Memory(ordinals, Weak::new());
        }
    }

    /// The worker has made a segment of a run that was read back. Returns whether the run is still on disk.
    pub(super) fn set_segment(&mut self, segment: &Arc<Segment>) -> bool {
        self.gone.remove(&segment.sequence());
        let extent = self.by_sequence.get_mut(&segment.sequence());
        let Some(Location::Memory(_, its)) = extent.map(|extent| &mut extent.place) else {
            return false;
        };
        *its = Arc::downgrade(segment);
        true
    }

    /// Takes out what is only on disk and has expired as a whole.
    pub(super) fn take_expired(&mut self, is_expired: impl Fn(u64) -> bool) -> Vec<Extent> {
        let by_sequence = &mut self.by_sequence;
        let mut expired = Vec::new();
        self.on_disk.retain(|sequence| {
            let extent = by_sequence.get(sequence);
            let is_expired = extent.is_some_and(|extent| is_expired(extent.kept_since));
            if is_expired {
                expired.extend(by_sequence.remove(sequence));
            }
            !is_expired
        });
        expired
    }

    /// Takes out the runs of a file that end behind `from`. Segments in memory get `state`; returns how many
    /// events were only on disk.
    pub(super) fn forget_from(&mut self, key: LogKey, from: u64, state: OnDisk) -> u64 {
        let mut lost = 0;
        let (on_disk, gone) = (&mut self.on_disk, &mut self.gone);
        self.by_sequence.retain(|sequence, extent| {
            if extent.key != key || extent.bytes.end <= from {
                return true;
            }
            match &extent.place {
                Location::Disk => {
                    on_disk.remove(sequence);
                    lost += extent.alive;
                }
                Location::Memory(_, segment) => {
                    if let Some(segment) = segment.upgrade() {
                        segment.set_on_disk(state);
                    } else if state == OnDisk::No {
                        gone.insert(*sequence);
                    }
                }
            }
            false
        });
        lost
    }

    /// Takes out the runs of a file that end behind `from` and that the worker has, which is to have them written
    /// again. Returns their ordinals, and how many events behind `from` are only on disk.
    pub(super) fn take_doubtful(&mut self, key: LogKey, from: u64) -> (Vec<u32>, u64) {
        let (mut taken, mut on_disk) = (Vec::new(), 0);
        let gone = &mut self.gone;
        self.by_sequence.retain(|sequence, extent| {
            if extent.key != key || extent.bytes.end <= from {
                return true;
            }
            let Location::Memory(ordinals, segment) = &extent.place else {
                on_disk += extent.alive;
                return true;
            };
            if let Some(segment) = segment.upgrade() {
                segment.set_on_disk(OnDisk::No);
            } else {
                gone.insert(*sequence);
            }
            let alive = ordinals.iter().copied();
            taken.extend(alive.filter(|ordinal| !extent.ended.contains(ordinal)));
            false
        });
        (taken, on_disk)
    }

    /// How many events of a file have not ended.
    pub(super) fn alive_in(&self, key: LogKey) -> u64 {
        let extents = self.by_sequence.values();
        let extents = extents.filter(|extent| extent.key == key);
        extents.map(|extent| extent.alive).sum()
    }

    /// The run that is only on disk and begins before a place in a file and ends behind it.
    pub(super) fn across(&mut self, key: LogKey, place: u64) -> Option<&mut Extent> {
        let mut runs = self.by_sequence.values_mut();
        runs.find(|extent| {
            let is_across = extent.bytes.start < place && place < extent.bytes.end;
            extent.key == key && is_across && matches!(extent.place, Location::Disk)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: LogKey = (1_000, 0);

    fn record(ordinal: u32, at: u64) -> Record<'static> {
        Record {
            tag: 1,
            ordinal,
            id: 1,
            at,
            json: b"{}",
        }
    }

    fn extent(ordinal: u32, at: u64) -> Extent {
        let start = u64::from(ordinal) * 100;
        Extent::of_record(KEY, start..start + 100, &record(ordinal, at), at)
    }

    /// Two runs that the worker has released, with these events.
    fn released(first: (u32, u64), second: (u32, u64)) -> Extents {
        let mut extents = Extents::default();
        for (sequence, (ordinal, at)) in [(10, first), (11, second)] {
            extents.add_written(sequence, extent(ordinal, at));
            assert_eq!(extents.release(sequence, 1), Released::OnDisk);
        }
        extents
    }

    fn oldest(extents: &Extents) -> (u64, &Extent) {
        extents.on_disk().next().unwrap()
    }

    #[test]
    fn neighbours_of_one_age_are_read_back_together() {
        let mut extents = released((0, 5), (1, 6));
        let (sequence, run) = oldest(&extents);
        assert_eq!((sequence, run.alive), (10, 2));
        assert_eq!((run.bytes.clone(), run.ordinals.clone()), (0..200, 0..2));
        extents.move_to_memory(10, vec![0]);
        assert!(extents.on_disk().next().is_none());
        assert_eq!(extents.end(10, 0..1), Some((KEY, vec![0])));
        assert_eq!(extents.end(10, 0..1), None, "its last event has ended");
    }

    #[test]
    fn runs_stay_apart_over_a_gap_and_over_an_hour() {
        for second in [(2, 5), (1, 5 + EXTENT_SPAN_MILLIS + 1)] {
            let extents = released((0, 5), second);
            let (_, run) = oldest(&extents);
            assert_eq!(run.alive, 1, "{second:?}");
        }
    }

    #[test]
    fn a_run_has_a_greatest_size() {
        let mut run = extent(0, 5);
        for ordinal in 1..EXTENT_EVENTS {
            let next = extent(ordinal, 5);
            assert!(run.can_join(&next), "{ordinal}");
            run.join(next);
        }
        assert!(!run.can_join(&extent(EXTENT_EVENTS, 5)));
    }

    #[test]
    fn a_release_of_what_is_not_there_any_more_is_refused() {
        let mut extents = released((0, 5), (2, 5));
        assert_eq!(extents.forget_from((1_000, 1), 0, OnDisk::Evicted), 0);
        assert_eq!(extents.forget_from(KEY, 0, OnDisk::Evicted), 2);
        assert_eq!(extents.release(10, 1), Released::Evicted);
        assert!(extents.on_disk().next().is_none());
    }

    #[test]
    fn what_is_erased_has_ended_once_wherever_it_was() {
        let mut extents = released((0, 5), (1, 6));
        extents.add_written(12, extent(2, 7));
        extents.add_recovered(extent(9, 1));
        let erased = |ordinals: &[u32]| BTreeMap::from([(KEY, ordinals.iter().copied().collect())]);
        let (on_disk, ended) = extents.erase(&erased(&[1, 9]));
        assert_eq!((on_disk, ended), (2, vec![(KEY, 9), (KEY, 1)]));
        assert_eq!(extents.erase(&erased(&[1, 9, 7])), (0, vec![]));
        let (sequence, run) = oldest(&extents);
        assert_eq!((sequence, run.alive), (10, 1), "of one run a part is left");
        assert_eq!(
            extents.erase(&BTreeMap::from([((1_000, 1), BTreeSet::from([0]))])),
            (0, vec![])
        );
        let (on_disk, ended) = extents.erase(&erased(&[0]));
        assert_eq!((on_disk, ended), (1, vec![(KEY, 0)]));
        assert!(extents.on_disk().next().is_none());
    }

    #[test]
    fn what_expires_is_taken_out_oldest_first() {
        let mut extents = released((0, 5), (2, 9));
        let expired = extents.take_expired(|at| at < 9);
        assert_eq!(expired.len(), 1);
        assert_eq!(expired[0].ordinals, 0..1);
        assert_eq!(oldest(&extents).0, 11);
    }

    #[test]
    fn recovered_runs_come_first() {
        let mut extents = released((0, 5), (2, 5));
        extents.add_recovered(extent(7, 1));
        assert_eq!(oldest(&extents).1.ordinals, 7..8);
    }
}
