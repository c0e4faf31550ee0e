//! The part of a text that the rules look at, and what a rule reports.

use crate::redact::class::Class;
use crate::redact::read::bytes::{at, before, is_credential, part, run_end, run_start};

/// What a rule found: bytes `start..end` are a secret of this class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) class: Class,
}

impl Found {
    #[inline]
    pub(crate) fn new(start: usize, end: usize, class: Class) -> Self {
        Self { start, end, class }
    }
}

/// The part of a text that rules look at, and how far findings reach already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) text: &'a [u8],
    /// No rule looks back beyond this: the start of the text, or the end of the last finding.
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Where the text itself starts.
    pub(crate) origin: usize,
}

impl<'a> Scope<'a> {
    /// Where the line ends that goes on at `from`.
    #[inline]
    pub(crate) fn line_end(&self, from: usize) -> usize {
        memchr::memchr(b'\n', self.part(from, self.to)).map_or(self.to, |n| from + n)
    }

    #[inline]
    pub(crate) fn at(&self, position: usize) -> u8 {
        if position < self.to {
            at(self.text, position)
        } else {
            0
        }
    }

    #[inline]
    pub(crate) fn before(&self, position: usize) -> u8 {
        if position > self.from {
            before(self.text, position)
        } else {
            0
        }
    }

    #[inline]
    pub(crate) fn part(&self, from: usize, to: usize) -> &'a [u8] {
        part(self.text, from, to.min(self.to))
    }

    /// At most so many bytes before `pos`.
    #[inline]
    pub(crate) fn last(&self, pos: usize, most: usize) -> &'a [u8] {
        self.part(self.from.max(pos.saturating_sub(most)), pos)
    }

    /// The end of the run of bytes that `keep` accepts, from `pos` on.
    #[inline]
    pub(crate) fn run(&self, pos: usize, keep: impl FnMut(u8) -> bool) -> usize {
        run_end(self.text, pos, self.to, keep)
    }

    /// The same, of at most so many bytes.
    #[inline]
    pub(crate) fn ahead(&self, pos: usize, most: usize, keep: impl FnMut(u8) -> bool) -> usize {
        run_end(self.text, pos, self.to.min(pos.saturating_add(most)), keep)
    }

    /// The start of the run of bytes that `keep` accepts before `pos`, of at most so many.
    #[inline]
    pub(crate) fn back(&self, pos: usize, most: usize, keep: impl Fn(u8) -> bool) -> usize {
        run_start(
            self.text,
            pos,
            self.from.max(pos.saturating_sub(most)),
            keep,
        )
    }
}

/// Where the word begins that `pos` stands in, not before `floor`: what a password may be made of, and the letters of
/// Latin scripts beyond ASCII, `grünerTee88`.
pub(crate) fn word_start(text: &[u8], pos: usize, floor: usize) -> usize {
    let mut start = pos;
    loop {
        start = run_start(text, start, floor, |b| {
            is_credential(b) || matches!(b, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*')
        });
        let latin = start >= floor + 2
            && matches!(before(text, start), 0x80..=0xBF)
            && matches!(at(text, start - 2), 0xC3..=0xC5);
        if !latin {
            return start;
        }
        start -= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_seen_beyond_a_scope() {
        let scope = Scope {
            text: b"abcdef",
            from: 2,
            to: 4,
            origin: 0,
        };
        assert_eq!((scope.at(3), scope.at(4)), (b'd', 0));
        assert_eq!((scope.before(2), scope.before(3)), (0, b'c'));
        assert_eq!(scope.part(3, 6), b"d");
    }

    #[test]
    fn a_word_of_a_password_may_have_signs_and_letters_of_latin_scripts() {
        let text = "a gr\u{fc}ner!Tee8".as_bytes();
        assert_eq!(word_start(text, text.len() - 1, 0), 2);
        assert_eq!(word_start(text, text.len() - 1, 6), 6);
        assert_eq!(word_start(b"say (x8", 6, 0), 5);
    }
}
