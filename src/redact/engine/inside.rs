//! What a walk through JSON and the rules for text share, and what they ask of the redaction around them.
//!
//! A text may hold JSON, JSON holds strings, and a run of bytes in a text may be base64 of another text. The trait
//! stands for that ring: the walk (`json`) and the rules (`text`) call it and know no engine, which implements it.

use std::cell::Cell;

use crate::redact::engine::edit::Edit;
use crate::redact::engine::frame::Frame;
use crate::redact::engine::memo::Known;
use crate::redact::find::look::Tools;
use crate::redact::find::url::Bare;
use crate::redact::kind::Kind;
use crate::redact::read::decode::Decoded;
use crate::redact::read::masks::{MaskMemory, Masks};
use crate::redact::read::scope::Found;
use crate::redact::rule_set::RuleSet;

/// How many texts inside texts are looked into.
pub(crate) const MAX_DEPTH: u8 = 4;

/// A buffer this large is kept for the next call; a larger one goes back.
pub(crate) const KEEP_BYTES: usize = 512 * 1024;

/// What is looked at inside of a text or a JSON value.
pub(crate) trait Inside<'r> {
    /// What was found so far.
    fn findings(&mut self) -> &mut Findings<'r>;

    /// The content of one JSON string: its escapes are decoded where it has any.
    #[expect(
        clippy::too_many_arguments,
        reason = "the place of a string in its text takes this many words"
    )]
    fn string(
        &mut self,
        text: &[u8],
        masks: &Masks<'_>,
        place: (usize, usize),
        escaped: bool,
        kind: Kind,
        depth: u8,
        is_key: bool,
    );

    /// A run that may be base64 of a text: it goes whole when the text holds anything.
    fn base64(&mut self, text: &[u8], place: (usize, usize), depth: u8) -> bool;
}

/// What a redaction that is going on has found, the rules it goes by, and the buffers it needs.
pub(crate) struct Findings<'r> {
    pub(crate) rules: &'r RuleSet,
    pub(crate) edits: &'r mut Vec<Edit>,
    pub(crate) frames: &'r mut Vec<Frame>,
    pub(crate) side: &'r mut Vec<u8>,
    pub(crate) progress: Progress,
    /// What rules report that find several at one place, until it is among the edits.
    pub(crate) hidden: &'r mut Vec<Found>,
    pub(crate) known: &'r mut Known,
    /// What labels say, which stand in the value of a member: `{"name": "token", "value": …}`.
    pub(crate) labels: &'r mut Known,
    /// What was put in place could be read otherwise than what stood there: a second pass has to make sure.
    pub(crate) unsure: bool,
    pub(crate) pool: &'r mut Vec<(Decoded, MaskMemory)>,
}

/// How far the rules are in a text. A text inside of it has its own.
#[derive(Clone, Default)]
pub(crate) struct Progress {
    /// The last digit that asked for the word before it.
    pub(crate) asked: usize,
    /// Where an id ends that no rule is to be tried within.
    pub(crate) settled: usize,
    /// Signs in addresses that no host follows.
    pub(crate) bare: Bare,
    /// The tools that the text names.
    pub(crate) tools: Cell<Tools>,
    /// The sentence of the last address or key.
    pub(crate) sentence: Option<Sentence>,
}

/// A sentence that findings are words of: addresses and keys.
#[derive(Clone, Copy)]
pub(crate) struct Sentence {
    /// Where the text begins that its rules read: behind the last finding that is no word of it.
    pub(crate) from: usize,
    /// The last finding that is one.
    pub(crate) word: Found,
    /// Whether one of them is longer than its mark.
    pub(crate) is_long: bool,
}

impl Findings<'_> {
    /// A decoded text with its masks; goes back with [`give`](Self::give).
    pub(crate) fn take(&mut self) -> (Decoded, MaskMemory) {
        self.pool.pop().unwrap_or_default()
    }

    pub(crate) fn give(&mut self, mut pair: (Decoded, MaskMemory)) {
        pair.0.trim(KEEP_BYTES);
        pair.1.trim(KEEP_BYTES);
        if self.pool.len() < usize::from(MAX_DEPTH) + 2 {
            self.pool.push(pair);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_go_back_and_are_used_again() {
        let rules = RuleSet::default();
        let (mut known, mut labels) = (Known::default(), Known::default());
        let mut findings = Findings {
            rules: &rules,
            edits: &mut Vec::new(),
            frames: &mut Vec::new(),
            side: &mut Vec::new(),
            progress: Progress::default(),
            hidden: &mut Vec::new(),
            known: &mut known,
            labels: &mut labels,
            unsure: false,
            pool: &mut Vec::new(),
        };
        let mut pair = findings.take();
        pair.0.text.extend_from_slice(b"a text of before");
        let buffer = pair.0.text.as_ptr();
        findings.give(pair);
        let pair = findings.take();
        assert!(pair.0.text.is_empty());
        assert_eq!(pair.0.text.as_ptr(), buffer);
        // Texts inside of texts end somewhere, and so do the buffers kept for them.
        let most = usize::from(MAX_DEPTH) + 2;
        let pairs: Vec<_> = (0..2 * most).map(|_| findings.take()).collect();
        for mut pair in pairs {
            pair.0.text.reserve(2 * KEEP_BYTES);
            findings.give(pair);
        }
        assert_eq!(findings.pool.len(), most);
        assert!(
            findings
                .pool
                .iter()
                .all(|pair| pair.0.text.capacity() <= KEEP_BYTES)
        );
    }
}
