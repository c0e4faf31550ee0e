//! Which process this is. Asking is a system call (150 ns), and every event must know, so that a child
//! of a fork leaves the locks alone that it has inherited in whatever state they were.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

/// How long an answer holds: a fork takes several times as long, so what a child inherits is stale.
const HOLDS: Duration = Duration::from_micros(10);

thread_local! {
    /// The last answer, and when it was given.
    static ANSWER: Cell<Option<(u32, SystemTime)>> = const { Cell::new(None) };
}

/// Returns the id of the process, which at `now` is asked for unless it just was: in a burst for one
/// event in ten or more. A clock that stands still or goes back makes every answer stale.
pub(crate) fn id(now: SystemTime) -> u32 {
    let holds = |at| match now.duration_since(at) {
        Ok(age) => age > Duration::ZERO && age < HOLDS,
        Err(_) => false,
    };
    match ANSWER.try_with(Cell::get).ok().flatten() {
        Some((id, at)) if holds(at) => id,
        _ => {
            let id = std::process::id();
            let _ = ANSWER.try_with(|answer| answer.set(Some((id, now))));
            id
        }
    }
}
