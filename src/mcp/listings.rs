//! Which listings of tools were reported.

use crate::base::recent::Recent;

/// Most listings that are remembered. One that is forgotten is reported again.
const MAX_LISTINGS: usize = 1_024;

/// The listings that were reported, each told by the names of its tools: servers, tenants and roles that list other
/// tools are reported on their own.
#[derive(Debug)]
pub(crate) struct ReportedListings(Recent<()>);

impl Default for ReportedListings {
    fn default() -> Self {
        Self(Recent::new(MAX_LISTINGS))
    }
}

impl ReportedListings {
    /// Whether no listing of these tools was reported yet, in whatever order; then it counts as reported.
    pub(crate) fn is_new<'a>(&self, tools: impl Iterator<Item = &'a str>) -> bool {
        let mut tools: Vec<&str> = tools.collect();
        tools.sort_unstable();
        self.0.put(tools, ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_told_by_its_tools() {
        let reported = ReportedListings::default();
        for (tools, is_new) in [
            (&["a", "b"][..], true),
            (&["b", "a"], false),
            (&["ab"], true),
            (&["a"], true),
            (&[], true),
            (&[], false),
        ] {
            assert_eq!(reported.is_new(tools.iter().copied()), is_new, "{tools:?}");
        }
    }
}
