//! Which round of a call it is whose tool asks for input in between.

use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};

use crate::base::random::Keyed;
use crate::base::recent::Recent;

/// Most unfinished calls whose rounds are counted.
const MAX_CALLS: usize = 1_024;

/// Counts rounds by the state that a server hands out and a client brings back: on the wire there is
/// no number.
#[derive(Debug)]
pub(crate) struct Rounds(Mutex<Recent<u32>>);

impl Default for Rounds {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(MAX_CALLS)))
    }
}

impl Rounds {
    /// Which round of a call it is that brings this state along.
    pub(crate) fn of(&self, request_state: Option<&str>) -> u32 {
        // A state that another process has handed out: a later round, and no saying which.
        request_state
            .and_then(|state| self.lock().get(key(state)))
            .unwrap_or(1)
    }

    /// Remembers the round that a call would come back for.
    pub(crate) fn expect(&self, request_state: &str, round: u32) {
        self.lock().put(key(request_state), round);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Recent<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(request_state: &str) -> u64 {
    Keyed::default().hash_one(request_state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_counted_by_the_state_that_comes_back() {
        let rounds = Rounds::default();
        rounds.expect("after two", 2);
        assert_eq!(rounds.of(Some("after two")), 2);
        assert_eq!(rounds.of(Some("of another process")), 1);
        assert_eq!(rounds.of(None), 1);
    }
}
