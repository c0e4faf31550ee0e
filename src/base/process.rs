//! Whether this process is a forked child of the one that made a logger.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

/// How long the system's answer is used. A fork takes several times as long, so an answer that a child
/// inherits is too old.
const HOLDS: Duration = Duration::from_micros(10);

thread_local! {
    /// The last answer, and when it was given.
    static ANSWER: Cell<Option<(u32, SystemTime)>> = const { Cell::new(None) };
}

/// A process. A forked child has copies of all locks of its parent, in the state of that moment, so it
/// must not wait for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process(u32);

impl Process {
    pub(crate) fn current() -> Self {
        Self(std::process::id())
    }

    /// Returns whether this code runs in a child of the process. Costs a system call (150 ns).
    pub(crate) fn is_forked(self) -> bool {
        Self::current() != self
    }

    /// As [`is_forked`](Self::is_forked), cheap enough for every event: the last answer is used for ten
    /// microseconds, so that in a burst one event in ten or more makes a system call. A clock that stands
    /// still or goes back makes every answer too old.
    pub(crate) fn is_forked_at(self, now: SystemTime) -> bool {
        let holds = |at| match now.duration_since(at) {
            Ok(age) => age > Duration::ZERO && age < HOLDS,
            Err(_) => false,
        };
        let id = match ANSWER.try_with(Cell::get).ok().flatten() {
            Some((id, at)) if holds(at) => id,
            _ => {
                let id = std::process::id();
                let _ = ANSWER.try_with(|answer| answer.set(Some((id, now))));
                id
            }
        };
        id != self.0
    }
}

#[cfg(test)]
impl Process {
    /// A process that is not this one.
    pub(crate) fn other() -> Self {
        Self(std::process::id().wrapping_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_itself_from_its_parent() {
        let now = SystemTime::now();
        assert!(!Process::current().is_forked());
        assert!(!Process::current().is_forked_at(now));
        assert!(Process::other().is_forked());
        assert!(Process::other().is_forked_at(now));
    }

    #[test]
    fn an_answer_holds_for_ten_microseconds() {
        let now = SystemTime::now();
        let given = |age: Duration| {
            ANSWER.set(Some((7, now)));
            !Process(7).is_forked_at(now + age)
        };
        assert!(given(Duration::from_micros(9)), "fresh");
        assert!(!given(Duration::from_micros(10)), "stale");
        assert!(!given(Duration::ZERO), "a clock that stands still");
        ANSWER.set(Some((7, now)));
        assert!(
            Process(7).is_forked_at(now - Duration::from_micros(1)),
            "one that goes back"
        );
    }
}
