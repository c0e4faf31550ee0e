//! Counts the rounds of a call whose tool asks for input in between.

use crate::base::recent::Recent;

/// Most unfinished calls whose rounds are counted.
const MAX_CALLS: usize = 1_024;

/// Counts rounds by the state that a server hands out and a client brings back, since the protocol
/// numbers none.
#[derive(Debug)]
pub(crate) struct Rounds(Recent<u32>);

impl Default for Rounds {
    fn default() -> Self {
        Self(Recent::new(MAX_CALLS))
    }
}

impl Rounds {
    /// Returns the round of a call that brings this state along.
    pub(crate) fn of(&self, request_state: Option<&str>) -> u32 {
        // A state that another process has handed out: a later round, but which one is not known.
        request_state
            .and_then(|state| self.0.get(state))
            .unwrap_or(1)
    }

    /// Remembers the round that a call comes back for.
    pub(crate) fn expect(&self, request_state: &str, round: u32) {
        self.0.put(request_state, round);
    }
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
