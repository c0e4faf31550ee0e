//! Which listings of tools were reported.

use crate::base::recent::Recent;
use crate::event::ListedTool;

/// Most listings that are remembered. One that is forgotten is reported again.
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
    /// Whether no listing of these tools was reported yet, in whatever order; then it counts as reported.
    pub(crate) fn is_new(&self, tools: &[ListedTool<'_>]) -> bool {
        let tools = tools.iter().map(|tool| (&*tool.name, tool.definition));
        let mut tools: Vec<_> = tools.collect();
        tools.sort_unstable_by_key(|(name, _)| *name);
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
            let listed: Vec<_> = tools.iter().map(|tool| ListedTool::named(*tool)).collect();
            assert_eq!(reported.is_new(&listed), is_new, "{tools:?}");
        }
        for (definition, is_new) in [(1, true), (1, false), (2, true)] {
            let listed = [ListedTool::defined("a", &definition)];
            assert_eq!(reported.is_new(&listed), is_new, "{definition}");
        }
    }
}
