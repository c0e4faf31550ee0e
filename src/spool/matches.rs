//! Which events are to be erased.

use std::fmt;
use std::sync::Arc;

type Says = dyn Fn(&[u8]) -> bool + Send + Sync;

/// Says of an event whether it is one of those that are to go.
#[derive(Clone)]
pub(crate) struct Matches(Arc<Says>);

impl Matches {
    pub(crate) fn new(matches: impl Fn(&[u8]) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(matches))
    }

    pub(super) fn are_in(&self, event: &[u8]) -> bool {
        (self.0)(event)
    }
}

impl fmt::Debug for Matches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Matches")
    }
}
