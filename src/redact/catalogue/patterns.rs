//! Rows of the user's own: as any other, each has an anchor, how the value looks, and the class that it is reported by.

use std::ops::Range;

use memchr::memmem::Finder;
use regex::bytes::Regex;

use crate::redact::class::Tag;

/// A pattern of the user. Unlike an anchor of ours it is looked for in the whole of every text.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    /// What stands in every match; nothing stands everywhere.
    anchor: Finder<'static>,
    looks: Regex,
    pub(crate) class: Tag,
}

impl Pattern {
    pub(crate) fn new(anchor: &str, looks: Regex, class: Tag) -> Self {
        Self {
            anchor: Finder::new(anchor).into_owned(),
            looks,
            class,
        }
    }

    /// Where a text has matches of it.
    pub(crate) fn found<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = Range<usize>> + 't {
        let has_anchor = self.anchor.find(text).is_some();
        let found = has_anchor.then(|| self.looks.find_iter(text));
        found.into_iter().flatten().map(|found| found.range())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::class::Class;

    #[test]
    fn a_text_without_the_anchor_has_no_match() {
        let looks = Regex::new("(?-u)[A-Z]+-[0-9]+").unwrap();
        let row = |anchor| Pattern::new(anchor, looks.clone(), Class::Key.tag());
        let found = |row: Pattern, text: &str| row.found(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(found(row(""), "A-1, B-2"), [0..3, 5..8]);
        assert_eq!(found(row("B-"), "A-1, B-2"), [0..3, 5..8]);
        assert!(found(row("B-"), "A-1").is_empty());
    }
}
