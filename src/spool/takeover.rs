//! Pure: which files are not yet taken over, and which were left alone. Does no I/O.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, Default)]
pub(super) struct Takeover {
    slots: Vec<PathBuf>,
    /// Whether what was found in this owner's directory is known: it may be one that another has left.
    pub(super) has_read_own: bool,
    /// Entries that seem to belong to somebody else; the first with its cause.
    left_alone: usize,
    first: Option<(PathBuf, io::Error)>,
    /// How many were reported last.
    reported: usize,
    /// Files of which all that may be was read without an event, and how long they were.
    oversized: BTreeMap<PathBuf, u64>,
}

impl Takeover {
    /// Begins to look through the directories of ended owners.
    pub(super) fn begin(&mut self, slots: Vec<PathBuf>) {
        self.slots = slots;
        self.left_alone = 0;
        self.first = None;
    }

    pub(super) fn next_slot(&mut self) -> Option<PathBuf> {
        self.slots.pop()
    }

    pub(super) fn has_slots(&self) -> bool {
        !self.slots.is_empty()
    }

    /// Whether nothing is left to take over, and nothing was left alone.
    pub(super) fn has_taken_all(&self) -> bool {
        self.has_read_own && self.slots.is_empty() && self.left_alone == 0
    }

    pub(super) fn leave_alone(&mut self, path: PathBuf, cause: io::Error) {
        self.left_alone += 1;
        self.first.get_or_insert((path, cause));
    }

    /// A file is left alone, and is not read again unless its length changes.
    pub(super) fn note_oversized(&mut self, path: PathBuf, length: u64) {
        self.oversized.insert(path, length);
    }

    pub(super) fn is_oversized(&self, path: &Path, length: u64) -> bool {
        self.oversized.get(path) == Some(&length)
    }

    /// What was left alone, in words; once, as long as it is the same number.
    pub(super) fn left_alone(&mut self) -> Option<String> {
        let count = self.left_alone;
        if std::mem::replace(&mut self.reported, count) == count {
            return None;
        }
        let (path, cause) = self.first.take()?;
        let first = path.display();
        Some(format!(
            "holds {count} things that are left alone, the first {first}: {cause}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_alone_is_reported_once() {
        let mut takeover = Takeover::default();
        let mut look = |things: usize| {
            takeover.begin(Vec::new());
            for n in 0..things {
                let cause = io::Error::other("is no file");
                takeover.leave_alone(PathBuf::from(n.to_string()), cause);
            }
            takeover.left_alone()
        };
        assert_eq!(look(0), None);
        let reported = look(2).unwrap();
        assert_eq!(
            reported,
            "holds 2 things that are left alone, the first 0: is no file"
        );
        assert_eq!(look(2), None);
        assert!(look(3).is_some());
        assert_eq!(look(0), None);
    }
}
