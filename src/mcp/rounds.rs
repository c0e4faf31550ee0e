//! Counts the rounds of a call whose tool asks for input in between.

use super::caller_key::CallerKey;
use crate::base::recent::Recent;

/// Most unfinished calls whose rounds are counted.
const MAX_CALLS: usize = 1_024;

/// Counts rounds by the state that a server hands out and a client brings back, since the protocol
/// numbers none. Each caller has rounds of its own: two servers may hand out the same state.
#[derive(Debug)]
pub(crate) struct Rounds(Recent<u32>);

impl Default for Rounds {
    fn default() -> Self {
        Self(Recent::new(MAX_CALLS))
    }
}

impl Rounds {
    /// Returns the round of a caller's call that brings this state along.
    pub(crate) fn of(&self, caller: CallerKey, request_state: Option<&str>) -> u32 {
        // A state that another process has handed out: a later round, but which one is not known.
        request_state
            .and_then(|state| self.0.get((caller, state)))
            .unwrap_or(1)
    }

    /// Remembers the round with which a caller's call will return.
    pub(crate) fn expect(&self, caller: CallerKey, request_state: &str, round: u32) {
        self.0.put((caller, request_state), round);
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Uri};

    use super::*;

    #[test]
    fn rounds_are_counted_by_the_state_that_comes_back_and_for_each_caller() {
        let rounds = Rounds::default();
        let [one, other] = ["/a", "/b"].map(|path| {
            let uri = Uri::from_static(path);
            CallerKey::of_request(&uri, &HeaderMap::new(), None, |_| false, |_| false)
        });
        rounds.expect(one, "after two", 2);
        assert_eq!(rounds.of(one, Some("after two")), 2);
        assert_eq!(rounds.of(other, Some("after two")), 1);
        assert_eq!(rounds.of(one, Some("of another process")), 1);
        assert_eq!(rounds.of(one, None), 1);
    }
}
