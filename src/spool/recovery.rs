//! Takes over the files of owners that have ended: they move into this owner's directory.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::dir::{self, SpoolDir};
use super::extents::Extent;
use super::folder::{FileId, Folder, Open};
use super::log::{self, Log};
use super::record::{ERASED, Found, Record, read_ended};
use super::scan::{PIECE, Scanned, scan};
use super::store::Store;

/// What was taken over of earlier owners.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Adopted {
    pub(crate) events: u64,
    /// From when to when they were queued, in milliseconds since 1970.
    queued_at: Option<Range<u64>>,
}

impl Adopted {
    pub(crate) fn add(&mut self, other: Self) {
        self.events += other.events;
        self.queued_at = match (self.queued_at.take(), other.queued_at) {
            (Some(a), Some(b)) => Some(a.start.min(b.start)..a.end.max(b.end)),
            (a, b) => a.or(b),
        };
    }

    /// The time in which they were queued.
    pub(crate) fn span(&self) -> Duration {
        let millis = |at: &Range<u64>| at.end.saturating_sub(at.start);
        Duration::from_millis(self.queued_at.as_ref().map_or(0, millis))
    }
}

/// How many directories are taken over before other jobs have their turn.
const SLOTS_AT_A_TIME: usize = 16;

impl Store {
    /// Looks for what ended owners have left, which [`adopt`](Self::adopt) takes over; returns whether that could be.
    pub(crate) fn look_for_slots(&mut self) -> bool {
        let root = &self.settings.root;
        match dir::slots(root, &self.settings.tag) {
            Ok(slots) => {
                self.takeover.begin(slots);
                true
            }
            Err(error) => {
                let what = format_args!("cannot be read: {error}");
                self.incidents.fault(root, what);
                false
            }
        }
    }

    /// The same, and for what was left alone in this owner's directory.
    pub(super) fn look_for_all(&mut self) -> bool {
        self.check();
        self.takeover.has_read_own = false;
        self.look_for_slots()
    }

    /// Whether all that was found last is in this owner's directory, and nothing was left alone.
    pub(super) fn has_taken_all(&self) -> bool {
        self.has_dir() && self.takeover.has_taken_all()
    }

    /// Whether there is more to take over.
    pub(crate) fn has_slots(&self) -> bool {
        self.takeover.has_slots()
    }

    /// Takes over some of what ended owners have left, into a directory that is there.
    pub(crate) fn adopt(&mut self, now: u64) -> Adopted {
        let mut recovered = Adopted::default();
        let Some(own) = self.dir.as_ref().map(|own| Arc::clone(own.folder())) else {
            self.takeover.begin(Vec::new());
            return recovered;
        };
        if !std::mem::replace(&mut self.takeover.has_read_own, true) {
            recovered.add(self.recover_files(&own, &own, now));
        }
        for _ in 0..SLOTS_AT_A_TIME {
            let Some(path) = self.takeover.next_slot() else {
                break;
            };
            match SpoolDir::take_over(&path) {
                Ok(Some(slot)) => recovered.add(self.recover_slot(slot, &own, now)),
                Ok(None) => {}
                Err(error) => self.takeover.leave_alone(path, error),
            }
            self.evict_down_to(self.settings.max_bytes);
        }
        if !self.has_slots() {
            let left_alone = self.takeover.left_alone();
            let root = &self.settings.root;
            if let Some(what) = left_alone {
                self.incidents.fault(root, format_args!("{what}"));
            }
        }
        self.tidy(false);
        recovered
    }

    /// Takes over the files of a directory, and removes it.
    fn recover_slot(&mut self, slot: SpoolDir, own: &Arc<Folder>, now: u64) -> Adopted {
        let recovered = self.recover_files(slot.folder(), own, now);
        remove_lists(slot.folder());
        slot.remove();
        recovered
    }

    /// Takes over the files of a directory that are not known yet, the oldest first.
    fn recover_files(&mut self, from: &Arc<Folder>, own: &Arc<Folder>, now: u64) -> Adopted {
        let mut names = match from.names() {
            Ok(names) => names,
            Err(error) => {
                self.takeover.leave_alone(from.path().to_owned(), error);
                return Adopted::default();
            }
        };
        let is_own = Arc::ptr_eq(from, own);
        names.retain(|name| {
            log::key(name).is_some_and(|key| !is_own || !self.logs.contains_key(&key))
        });
        names.sort_unstable();
        let mut recovered = Adopted::default();
        for name in &names {
            match self.recover_file(from, name, own, now) {
                Ok(adopted) => recovered.add(adopted),
                Err(error) => self.takeover.leave_alone(from.path().join(name), error),
            }
        }
        recovered
    }

    /// Reads a file and moves it; returns its events that had not ended.
    fn recover_file(
        &mut self,
        from: &Folder,
        name: &str,
        own: &Arc<Folder>,
        now: u64,
    ) -> io::Result<Adopted> {
        let mut file = from.open_file(name, Open::Read)?;
        let (length, path) = (file.metadata()?.len(), from.path().join(name));
        if self.takeover.is_oversized(&path, length) {
            return Err(oversized());
        }
        let list = match read_list(from, &log::list_of(name)) {
            Ok(list) => list,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let key = self.new_key(log::key(name).map_or(0, |(millis, _)| millis));
        let mut found = FoundEvents::new(&list, self.tag);
        let Scanned { end, unread } = scan(&mut file, self.settings.max_bytes, |entry, range| {
            found.add(entry, |record| Extent::of_record(key, range, record, now));
        })?;
        if found.events == 0 && unread > 0 {
            self.takeover.note_oversized(path, length);
            return Err(oversized());
        }
        if found.damaged > 0 {
            let what = format_args!("is damaged in {} places", found.damaged);
            self.incidents.fault(&path, what);
        }
        if unread > 0 {
            let what = format_args!("is larger than the spool may be: {unread} bytes are lost");
            self.incidents.fault(&path, what);
        }
        if found.events == 0 {
            log::remove(from, name)?;
            return Ok(Adopted::default());
        }
        let new = log::name(key);
        // The list first: a crash between the two costs a repeated delivery, as does a list that is lost.
        let _ = own.take_file(from, &log::list_of(name), &log::list_of(&new));
        own.take_file(from, name, &new)?;
        let id = FileId::of(&file.metadata()?);
        let mut log = Log::found(Arc::clone(own), new, id, end, list.len());
        log.alive = found.events;
        let mut adopted = Adopted::default();
        for run in found.runs {
            adopted.add(Adopted {
                events: run.alive,
                queued_at: Some(run.queued_at.clone()),
            });
            self.extents.add_recovered(run);
        }
        self.logs.insert(key, log);
        Ok(adopted)
    }
}

fn oversized() -> io::Error {
    let fault = "is larger than the spool may be, and holds no event so far";
    io::Error::new(io::ErrorKind::FileTooLarge, fault)
}

/// What stands in a file of an ended owner, without the events that its list names.
struct FoundEvents {
    tag: u32,
    ended: Vec<Range<u32>>,
    seen: BTreeSet<u32>,
    runs: Vec<Extent>,
    /// How many events had not ended.
    events: u64,
    damaged: u64,
}

impl FoundEvents {
    fn new(list: &[u8], tag: u32) -> Self {
        Self {
            tag,
            ended: ended_ordinals(list),
            seen: BTreeSet::new(),
            runs: Vec::new(),
            events: 0,
            damaged: 0,
        }
    }

    /// Adds what comes next in the file; `run` makes a run of a single event.
    fn add(&mut self, entry: Found<'_>, run: impl FnOnce(&Record<'_>) -> Extent) {
        let record = match entry {
            Found::Record(record) if record.tag == self.tag => record,
            Found::Record(record) if record.tag == ERASED => return,
            Found::Record(_) | Found::Damage => {
                self.damaged += 1;
                return;
            }
        };
        let ended = &self.ended;
        let at = ended.partition_point(|range| range.end <= record.ordinal);
        let is_ended = (ended.get(at)).is_some_and(|range| range.contains(&record.ordinal));
        // Each ordinal once, although a damaged file may repeat one.
        if is_ended || !self.seen.insert(record.ordinal) {
            return;
        }
        self.events += 1;
        let next = run(&record);
        match self.runs.last_mut() {
            Some(run) if run.can_join_over_gap(&next) => run.join(next),
            _ => self.runs.push(next),
        }
    }
}

/// The ordinals in a list of ended events, sorted and disjoint.
fn ended_ordinals(list: &[u8]) -> Vec<Range<u32>> {
    let mut ranges: Vec<_> = read_ended(list).collect();
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, last| {
        let touches = next.start <= last.end;
        if touches {
            last.end = last.end.max(next.end);
        }
        touches
    });
    ranges
}

/// Reads a list of ended events, or as much of it as a logger can have written: what is behind is delivered again.
fn read_list(folder: &Folder, name: &str) -> io::Result<Vec<u8>> {
    let file = folder.open_file(name, Open::Read)?;
    let most = file.metadata()?.len().min(PIECE);
    let mut bytes = Vec::with_capacity(most as usize);
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Removes the lists whose files are gone.
fn remove_lists(folder: &Folder) {
    let names = folder.names().unwrap_or_default();
    for list in names.iter().filter(|name| {
        let log = name.strip_suffix(".done").map(|name| format!("{name}.log"));
        log.is_some_and(|log| !names.contains(&log))
    }) {
        let _ = folder.remove_file(list);
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::{Records, write_ended};
    use super::*;

    /// A file with records of these ordinals, and a list of those that have ended.
    fn found(ordinals: &[u32], ended: &[u32]) -> FoundEvents {
        let (mut bytes, mut list) = (Vec::new(), Vec::new());
        for &ordinal in ordinals {
            let record = Record {
                tag: 1,
                ordinal,
                id: 1,
                at: 1,
                json: b"{}",
            };
            record.write(&mut bytes);
        }
        for &ordinal in ended {
            write_ended(&(ordinal..ordinal + 1), &mut list);
        }
        let mut found = FoundEvents::new(&list, 1);
        for (entry, range) in Records::new(&bytes) {
            let range = range.start as u64..range.end as u64;
            found.add(entry, |record| Extent::of_record((1, 1), range, record, 0));
        }
        found
    }

    #[test]
    fn ended_events_between_others_cost_no_run_of_their_own() {
        let all: Vec<u32> = (0..128).collect();
        let every_other: Vec<u32> = all.iter().copied().filter(|n| n % 2 == 1).collect();
        let found = found(&all, &every_other);
        assert_eq!((found.events, found.runs.len()), (64, 2));
        let alive: u64 = found.runs.iter().map(|run| run.alive).sum();
        assert_eq!(alive, 64);
        assert!(found.runs[0].ended.contains(&1) && !found.runs[0].ended.contains(&2));
    }

    #[test]
    fn what_is_taken_over_was_queued_from_its_first_event_to_its_last() {
        let mut all = Adopted::default();
        assert_eq!(all.span(), Duration::ZERO);
        for (events, queued_at) in [
            (2, 70_000..80_000),
            (3, 10_000..20_000),
            (1, 15_000..15_000),
        ] {
            all.add(Adopted {
                events,
                queued_at: Some(queued_at),
            });
            all.add(Adopted::default());
        }
        assert_eq!((all.events, all.span()), (6, Duration::from_secs(70)));
    }

    #[test]
    fn each_ordinal_counts_once_whatever_the_order() {
        let found = found(&[5, 3, 5, 9, 3], &[9]);
        assert_eq!((found.events, found.runs.len(), found.damaged), (2, 2, 0));
    }

    #[test]
    fn a_list_may_claim_any_number() {
        let mut list = Vec::new();
        for range in [7..9, 2..4, 4..5, 0..7, 3..4, 20..u32::MAX] {
            write_ended(&range, &mut list);
        }
        assert_eq!(ended_ordinals(&list), [0..9, 20..u32::MAX]);
        assert_eq!(ended_ordinals(&list[..36]), [2..5, 7..9]);
        assert_eq!(ended_ordinals(b""), []);
    }
}
