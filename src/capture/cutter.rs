//! Cuts what is too long; a cut never halves a secret.

use super::buffer::JsonBuffer;
use crate::limits;
use crate::redact::{Counts, Redactor, RuleFailed};

/// How every mark of the redactor begins.
pub(crate) const MARK_START: &str = "[REDACTED_";

/// Cuts what is too long, and remembers what the redactor found in it.
#[derive(Debug)]
pub(crate) struct Cutter<'r> {
    redactor: &'r Redactor,
    /// `None` until something long was redacted: most events need no room for counts here.
    pub(super) counts: Option<Counts>,
    /// A rule failed, so the event must not be sent.
    pub(super) failed: bool,
}

impl<'r> Cutter<'r> {
    pub(super) fn new(redactor: &'r Redactor) -> Self {
        Self {
            redactor,
            counts: None,
            failed: false,
        }
    }

    /// Writes `text` as a JSON string of at most `most` characters; a cut never halves a secret.
    #[inline]
    pub(super) fn write(&mut self, out: &mut JsonBuffer, text: &str, most: usize) {
        // A character has one byte or more.
        if text.len() <= most {
            out.string(text);
        } else {
            self.write_long(out, text, most);
        }
    }

    #[cold]
    fn write_long(&mut self, out: &mut JsonBuffer, text: &str, most: usize) {
        match cut_at(text, most) {
            None => out.string(text),
            Some(cut) => self.write_cut(out, text, cut, most),
        }
    }

    /// As [`write`](Self::write), for a text whose limit the receiver checks: it also holds for
    /// the marks, which may be longer than what they hide. Returns whether the text is redacted.
    pub(super) fn write_fitting(&mut self, out: &mut JsonBuffer, text: &str, most: usize) -> bool {
        /// The longest mark, of a class with a name of 40 characters, may hide a single one.
        const GROWTH: usize = 56;
        let cut = cut_at(text, most).or((text.len() > most / GROWTH).then_some(text.len()));
        match cut {
            Some(cut) => self.write_cut(out, text, cut, most),
            None => out.string(text),
        }
        cut.is_some()
    }

    /// Writes `text` up to `cut`, redacted with a look at what comes behind.
    fn write_cut(&mut self, out: &mut JsonBuffer, text: &str, cut: usize, most: usize) {
        let mut end = (cut + limits::CUT_MARGIN_BYTES).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let window = text.get(..end).unwrap_or(text);
        let counts = self.counts.get_or_insert_default();
        match self.redactor.redact_cut(window, cut, counts) {
            Ok(redacted) if cut < text.len() || cut_at(&redacted, most).is_some() => {
                out.string(shortened(&redacted, most));
                out.truncate(out.len() - 1);
                out.raw(b"...\"");
            }
            Ok(redacted) => out.string(&redacted),
            Err(RuleFailed) => {
                self.failed = true;
                out.string("");
            }
        }
    }
}

/// The beginning of `text` that leaves room for three dots; a mark stays whole or goes.
pub(crate) fn shortened(text: &str, most: usize) -> &str {
    let Some((end, _)) = text.char_indices().nth(most.saturating_sub(3)) else {
        return text;
    };
    let kept = text.get(..end).unwrap_or(text);
    match kept.rfind(MARK_START) {
        Some(mark) if !kept.get(mark..).unwrap_or_default().contains(']') => {
            kept.get(..mark).unwrap_or(kept)
        }
        _ => kept,
    }
}

/// Returns where to cut `text` so that three dots make up `most` characters, if it has more.
pub(crate) fn cut_at(text: &str, most: usize) -> Option<usize> {
    if text.len() <= most {
        return None;
    }
    let keep = most.saturating_sub(3);
    if text.as_bytes().get(..=most).is_some_and(<[u8]>::is_ascii) {
        return Some(keep);
    }
    let mut starts = text.char_indices().map(|(at, _)| at);
    let cut = starts.nth(keep)?;
    starts.nth(most - keep - 1).map(|_| cut)
}
