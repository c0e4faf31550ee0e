//! The host's consent hook, called before an event about a user is accepted.

use std::fmt;
use std::sync::Arc;

use super::identity::Identity;
use crate::base::panics;
use crate::ledger::Ledger;

/// The host's answer to whether an event about a user may be accepted.
pub(crate) struct Consent(Arc<dyn Fn(&Identity<'_>) -> bool + Send + Sync>);

impl Consent {
    pub(crate) fn new(asks: impl Fn(&Identity<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(asks))
    }

    /// Asks the host. A panic counts as no, and in `ledger`.
    pub(crate) fn is_given(&self, identity: &Identity<'_>, ledger: &Ledger) -> bool {
        let answer = panics::catch(|| (self.0)(identity));
        answer.unwrap_or_else(|panics::Panicked| {
            ledger.panics(1);
            false
        })
    }
}

impl fmt::Debug for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Consent")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_no_and_is_counted() {
        let consent = Consent::new(|identity| match identity.id() {
            "boom" => panic!("a fault of the host's"),
            id => id == "yes",
        });
        let ledger = Ledger::default();
        let answers = ["yes", "no", "boom"].map(|id| {
            let identity = Identity::new(id, "T");
            (
                consent.is_given(&identity, &ledger),
                ledger.snapshot(0).panics,
            )
        });
        assert_eq!(answers, [(true, 0), (false, 0), (false, 1)]);
    }
}
