//! Which listings of tools were reported.

use std::hash::BuildHasher;

use crate::base::random::Keyed;
use crate::base::recent::Recent;
use crate::event::ListedTool;
use crate::ledger::{DropReason, Outcome};

/// The most listings that are remembered. A forgotten one is reported again.
const MAX_LISTINGS: usize = 1_024;

/// The listings that were reported, each told by the names of its tools and by their definitions: servers, tenants and
/// roles that list other tools are reported on their own, and so is a change of a definition.
#[derive(Debug)]
pub(crate) struct ReportedListings(Recent<()>);

impl Default for ReportedListings {
    fn default() -> Self {
        Self(Recent::new(MAX_LISTINGS))
    }
}

impl ReportedListings {
    /// Reports by `log` that these tools were listed, in whatever order, unless that was reported before. Where whoever has
    /// listed them does not consent, the next one who lists them is reported.
    pub(crate) fn report<'t>(
        &self,
        tools: Vec<ListedTool<'t>>,
        log: impl FnOnce(Vec<ListedTool<'t>>) -> Outcome,
    ) {
        let key = hash(&tools);
        if self.0.put(key, ()) && log(tools) == Outcome::Dropped(DropReason::NoConsent) {
            self.0.remove(key);
        }
    }
}

fn hash(tools: &[ListedTool<'_>]) -> u64 {
    let tools = tools.iter().map(|tool| (&*tool.name, tool.definition));
    let mut tools: Vec<_> = tools.collect();
    tools.sort_unstable_by_key(|(name, _)| *name);
    Keyed::default().hash_one(tools)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a listing is reported, with this outcome.
    fn reports(reported: &ReportedListings, tools: &[ListedTool<'_>], outcome: Outcome) -> bool {
        let mut is_reported = false;
        reported.report(tools.to_vec(), |listed| {
            is_reported = listed.len() == tools.len();
            outcome
        });
        is_reported
    }

    #[test]
    fn a_listing_is_told_by_its_tools() {
        let reported = ReportedListings::default();
        let is_new = |listed: &[ListedTool<'_>]| reports(&reported, listed, Outcome::Queued);
        for (tools, expected) in [
            (&["a", "b"][..], true),
            (&["b", "a"], false),
            (&["ab"], true),
            (&["a"], true),
            (&[], true),
            (&[], false),
        ] {
            let listed: Vec<_> = tools.iter().map(|tool| ListedTool::named(*tool)).collect();
            assert_eq!(is_new(&listed), expected, "{tools:?}");
        }
        for (definition, expected) in [(1, true), (1, false), (2, true)] {
            let listed = [ListedTool::defined("a", &definition)];
            assert_eq!(is_new(&listed), expected, "{definition}");
        }
    }

    #[test]
    fn a_listing_by_somebody_who_does_not_consent_is_reported_with_the_next() {
        let (reported, listed) = (ReportedListings::default(), [ListedTool::named("a")]);
        for (reason, expected) in [
            (DropReason::NoConsent, true),
            (DropReason::NoConsent, true),
            (DropReason::QueueFull, true),
            (DropReason::QueueFull, false),
        ] {
            let is_reported = reports(&reported, &listed, Outcome::Dropped(reason));
            assert_eq!(is_reported, expected, "{reason}");
        }
    }
}
