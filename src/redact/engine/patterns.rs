//! The user's patterns, tried on every string.

use crate::redact::class;
use crate::redact::engine::edit::Edit;
use crate::redact::rule_set::RuleSet;

impl RuleSet {
    /// Adds what the user's patterns find in a string that begins at `from`.
    pub(crate) fn patterns_on(&self, text: &[u8], from: usize, edits: &mut Vec<Edit>) {
        for pattern in &self.patterns {
            if pattern.anchor.find(text).is_none() {
                continue;
            }
            for found in pattern.regex.find_iter(text) {
                if found.start() < found.end() && !found.as_bytes().starts_with(class::MARK_START) {
                    edits.push(Edit::mark(
                        from + found.start(),
                        from + found.end(),
                        pattern.tag,
                    ));
                }
            }
        }
    }
}
