//! The newest events, in memory, for who watches them come in.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Map;
use tokio::sync::watch;

use crate::record::Record;

/// How many events of a project are kept.
pub const MAX_EVENTS: usize = 500;

/// An event that has come in since the server started.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveEvent {
    /// Grows with each event of any project, from 1: what `Last-Event-ID` says.
    pub id: u64,
    /// Its row of `event`.
    pub row: i64,
    pub project: i64,
    pub received_ms: i64,
    /// Without its body.
    pub record: Record,
}

impl LiveEvent {
    /// Whether its row leads to a person, or did so when it came.
    pub const fn is_of_somebody(&self) -> bool {
        self.record.user.is_some() || self.record.session.is_some()
    }
}

#[derive(Debug)]
pub struct Live {
    rings: Mutex<Rings>,
    last: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Rings {
    last: u64,
    of_project: HashMap<i64, VecDeque<Arc<LiveEvent>>>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            rings: Mutex::default(),
            last: watch::channel(0).0,
        }
    }
}

impl Live {
    /// Adds events that were committed, each with its row.
    pub fn add(
        &self,
        project: i64,
        received_ms: i64,
        committed: impl IntoIterator<Item = (i64, Record)>,
    ) {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let before = rings.last;
        for (row, record) in committed {
            rings.last += 1;
            let event = LiveEvent {
                id: rings.last,
                row,
                project,
                received_ms,
                record: Record {
                    body: Map::new(),
                    listed: Vec::new(),
                    ..record
                },
            };
            let ring = rings.of_project.entry(project).or_default();
            if ring.len() >= MAX_EVENTS {
                ring.pop_front();
            }
            ring.push_back(Arc::new(event));
        }
        let last = rings.last;
        drop(rings);
        if last > before {
            self.last.send_replace(last);
        }
    }

    /// A project's events after the one with this id, in the order in which they came. 0: all that are kept. What is
    /// shown goes through `App::newest`, which knows who was forgotten.
    pub fn since(&self, project: i64, id: u64) -> Vec<Arc<LiveEvent>> {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = rings.of_project.get(&project);
        let after = |event: &&Arc<LiveEvent>| event.id > id;
        ring.map(|ring| ring.iter().filter(after).cloned().collect())
            .unwrap_or_default()
    }

    /// Says when there are more: its value is the newest event's id.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// Forgets the events with these rows.
    pub fn forget(&self, project: i64, rows: &HashSet<i64>) {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ring) = rings.of_project.get_mut(&project) {
            ring.retain(|event| !rows.contains(&event.row));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Kind, SourceId};

    fn records(count: i64) -> impl Iterator<Item = (i64, Record)> {
        (1..=count).map(|row| (row, Record::new(SourceId([0; 16]), row, Kind::Call)))
    }

    #[test]
    fn the_newest_events_of_each_project_are_kept() {
        let live = Live::default();
        let mut changed = live.changed();
        live.add(1, 0, records(700));
        live.add(2, 0, records(1));
        assert_eq!(live.since(1, 0).len(), MAX_EVENTS);
        assert_eq!(live.since(1, 690).len(), 10);
        assert_eq!(live.since(2, 0).first().map(|event| event.id), Some(701));
        assert_eq!(*changed.borrow_and_update(), 701);
    }

    #[test]
    fn nothing_new_wakes_nobody() {
        let live = Live::default();
        let changed = live.changed();
        live.add(1, 0, records(0));
        assert!(!changed.has_changed().unwrap());
    }
}
