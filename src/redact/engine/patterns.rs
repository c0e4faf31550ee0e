//! The user's patterns, tried on every string.

use std::ops::Range;

use crate::redact::class;
use crate::redact::engine::edit::Edit;
use crate::redact::read::bytes::{self, part};
use crate::redact::rule_set::RuleSet;

/// No mark is longer, with a class of the user's.
const MAX_MARK: usize = 64;

impl RuleSet {
    /// Adds what the user's patterns find in a string that begins at `from`.
    pub(crate) fn patterns_on(&self, text: &[u8], from: usize, edits: &mut Vec<Edit>) {
        for pattern in &self.patterns {
            for Range { start, end } in pattern.found(text) {
                if start < end && !is_in_mark(text, start, end) {
                    edits.push(Edit::mark(from + start, from + end, pattern.class));
                }
            }
        }
    }
}

/// Whether a part of a text stands within a mark, which would be marked again by each pass.
fn is_in_mark(text: &[u8], start: usize, end: usize) -> bool {
    let floor = start.saturating_sub(MAX_MARK);
    let until = start + class::MARK_START.len();
    let Some(mark) = memchr::memmem::rfind(part(text, floor, until), class::MARK_START) else {
        return false;
    };
    let close = memchr::memchr(b']', bytes::rest(text, floor + mark));
    close.is_some_and(|close| end <= floor + mark + close + 1)
}

#[cfg(test)]
mod tests {
    use crate::redact::RedactorBuilder;

    #[test]
    fn what_a_pattern_finds_in_a_mark_stays() {
        let redactor = RedactorBuilder::default()
            .pattern("caps", "[A-Z_]{8,}")
            .build()
            .unwrap();
        let once = redactor.redact_str("password: hunter2xK9 and ACME_PARTS_X");
        assert_eq!(once, "password: [REDACTED_FIELD] and [REDACTED_CAPS]");
        assert_eq!(redactor.redact_str(&once), once);
    }
}
