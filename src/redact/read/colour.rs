//! Terminal colours: control sequences, raw or written as escapes, that stand around and inside of what a program prints.

use crate::redact::read::bytes::{at, is_token, part, run_end};
use crate::redact::read::masks::MIN_RUN;

/// What begins such a sequence.
pub(crate) const ESCAPE: u8 = 0x1B;

/// The same and the bracket behind it in one character, of which this is the first byte.
pub(crate) const INTRODUCER: u8 = 0xC2;

/// The ways to write the first in a literal.
const WRITTEN: [&[u8]; 5] = [b"u001b", b"x1b", b"e", b"033", b"u{1b}"];

/// A longer sequence is none that a terminal would follow.
const MAX_SEQUENCE: usize = 64;

/// How long the control sequence at `pos` is: `ESC [` or U+009B, its parameters, and the byte that ends it.
pub(crate) fn sequence(text: &[u8], pos: usize, to: usize) -> Option<usize> {
    let to = to.min(pos + MAX_SEQUENCE);
    let bracket = match at(text, pos) {
        ESCAPE => pos + 1,
        INTRODUCER if at(text, pos + 1) == 0x9B => pos + 1,
        b'\\' => {
            // In strings inside of strings the backslash has some of its own before it.
            let name = run_end(text, pos, to, |b| b == b'\\');
            let is = |written: &&&[u8]| {
                part(text, name, name + written.len()).eq_ignore_ascii_case(written)
            };
            name + WRITTEN.iter().find(is)?.len()
        }
        _ => return None,
    };
    let end = run_end(text, bracket + 1, to, |b| (0x20..0x40).contains(&b));
    (matches!(at(text, bracket), b'[' | 0x9B) && end < to && (0x40..0x7F).contains(&at(text, end)))
        .then_some(end + 1 - pos)
}

/// Whether the sequence that ends at `end` may have taken the first letter of a word, or the first digits and a letter of a
/// key: a terminal would, but whoever reads the raw text would not. Colours end in `m`, and lines are erased by `K`; both stand
/// before words all the time.
pub(crate) fn may_cut(text: &[u8], end: usize, to: usize) -> bool {
    // The number before it is the sequence's, unless it begins a long run.
    let least = match at(text, end - 2) {
        b'0'..=b'9' => MIN_RUN,
        _ => 1,
    };
    let last = at(text, end - 1);
    last.is_ascii_alphabetic()
        && !matches!(last, b'm' | b'K')
        && run_end(text, end, to.min(end + least), is_token) == end + least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_is_as_long_as_its_writing() {
        for text in [
            "\x1b[0m",
            "\x1b[38;5;208m",
            "\x1b[K",
            "\\x1b[1;31m",
            "\\u001B[0m",
            "\\\\u001b[0m",
            "\\e[2K",
            "\\033[0;32m",
            "\\u{1b}[3m",
            "\u{9b}1;31m",
        ] {
            let longer = format!("{text}31m");
            assert_eq!(
                sequence(longer.as_bytes(), 0, longer.len()),
                Some(text.len()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_sequence_may_cut_a_word_that_goes_on_behind_it() {
        let cuts = |text: &str, end| may_cut(text.as_bytes(), end, text.len());
        assert!(cuts("\x1b[password", 3) && cuts("\u{9b}password", 3));
        assert!(cuts("\x1b[ password", 4));
        assert!(cuts("\x1b[0x9f86d081884c7d659a2f", 4));
        assert!(
            !cuts("\x1b[mpassword", 3)
                && !cuts("\x1b[31mpassword_of_mine", 5)
                && !cuts("\x1b[0m", 4)
        );
    }

    #[test]
    fn what_only_begins_like_a_sequence_is_none() {
        for text in [
            "\x1b", "\x1b]8;;", "\u{9b}", "Л[0m", "\x1b[31", "\\e", "\\e]", "\\n[0m", "[0m",
        ] {
            assert_eq!(sequence(text.as_bytes(), 0, text.len()), None, "{text}");
        }
    }
}
