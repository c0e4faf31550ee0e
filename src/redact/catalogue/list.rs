//! Lists of words, and whether one has a word.

use crate::redact::read::bytes::make_lowercase;

/// A longer list is in order and searched by halving; the tests beside the lists keep it so.
const LONG: usize = 24;

/// No word of a list is longer.
const MAX_WORD: usize = 24;

/// Whether a list of the catalogue has a word.
pub(crate) fn has(words: &[&str], word: &[u8]) -> bool {
    if words.len() > LONG {
        words
            .binary_search_by(|known| known.as_bytes().cmp(word))
            .is_ok()
    } else {
        words.iter().any(|known| known.as_bytes() == word)
    }
}

/// A list that is asked for most words of a text, nearly all of which it has not.
pub(crate) struct List {
    pub(crate) words: &'static [&'static str],
    /// Which beginnings and lengths its words have: most others are told by that.
    heads: [u64; HEADS],
}

/// So many bits tell most words from those of the longest list.
const BITS: usize = 12;
const HEADS: usize = (1 << BITS) / 64;

/// Beginnings of words, and which first two letters they have.
pub(crate) struct Beginnings(List);

impl Beginnings {
    pub(crate) const fn of(words: &'static [&'static str]) -> Self {
        Self(List::cut(words, 2))
    }

    /// Whether a text begins with one of them.
    pub(crate) fn begin(&self, text: &[u8]) -> bool {
        let begins = |known: &&str| text.starts_with(known.as_bytes());
        self.may_begin(text) && self.0.words.iter().any(begins)
    }

    /// Whether a text, its letters in either case, may begin with one of them.
    #[inline]
    pub(crate) fn may_begin(&self, text: &[u8]) -> bool {
        self.0.may_have(text.get(..2).unwrap_or(text))
    }
}

impl List {
    pub(crate) const fn of(words: &'static [&'static str]) -> Self {
        Self::cut(words, usize::MAX)
    }

    /// With bits for so much of each word.
    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated by the compiler, which would refuse"
    )]
    const fn cut(words: &'static [&'static str], most: usize) -> Self {
        let mut heads = [0; HEADS];
        let mut index = 0;
        while index < words.len() {
            let word = words[index].as_bytes();
            let (start, _) = word.split_at(if word.len() < most { word.len() } else { most });
            // As it is, with a capital first letter, and in capitals.
            let cases = [0, 1, start.len()];
            let mut case = 0;
            while case < cases.len() {
                let capitals = with_capitals(start, cases[case]);
                let head = Self::head(capitals.split_at(start.len()).0);
                heads[head / 64] |= 1 << (head % 64);
                case += 1;
            }
            index += 1;
        }
        Self { words, heads }
    }

    /// The number of the bit for a word, which is the same for its ASCII letters in either case.
    const fn head(word: &[u8]) -> usize {
        let (first, second, last) = match word {
            [first, second] => (*first as usize, *second as usize, *second as usize),
            [first, second, .., last] => (*first as usize, *second as usize, *last as usize),
            [first] => (*first as usize, 0, 0),
            [] => (0, 0, 0),
        };
        let ends = first & 31 | (second & 31) << 5 | (last & 31) << 10 | word.len() << 15;
        // The highest of the bits that all have a part in.
        (ends as u32).wrapping_mul(0x9E37_79B9) as usize >> (32 - BITS)
    }

    /// Whether it may have a word, its letters in either case.
    #[inline]
    pub(crate) fn may_have(&self, word: &[u8]) -> bool {
        let head = Self::head(word);
        let heads = self.heads.get(head / 64).copied().unwrap_or(0);
        heads >> (head % 64) & 1 == 1
    }

    #[inline]
    pub(crate) fn has(&self, word: &[u8]) -> bool {
        self.may_have(word) && has(self.words, word)
    }

    /// The same of words in lower case, for a word in any.
    #[inline]
    pub(crate) fn has_ignoring_case(&self, word: &[u8]) -> bool {
        self.may_have(word) && has_lower(self.words, word)
    }
}

/// A word whose letters beyond ASCII that begin before `to` are capitals, as far as two bytes are enough for them.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn with_capitals(word: &[u8], to: usize) -> [u8; MAX_WORD] {
    let mut capitals = [0; MAX_WORD];
    let mut index = 0;
    while index < word.len() {
        capitals[index] = word[index];
        if index > 0 && index <= to && matches!(word[index - 1], 0xC3..=0xD4) {
            let code = capital((word[index - 1] as u32 & 31) << 6 | word[index] as u32 & 63);
            capitals[index - 1] = 0xC0 | (code >> 6) as u8;
            capitals[index] = 0x80 | (code & 63) as u8;
        }
        index += 1;
    }
    capitals
}

/// The capital of a small letter: Latin, Greek or Cyrillic.
const fn capital(letter: u32) -> u32 {
    match letter {
        0xE0..=0xF6 | 0xF8..=0xFE | 0x3B1..=0x3C1 | 0x3C3..=0x3C9 | 0x430..=0x44F => letter - 0x20,
        0x3AC => letter - 38,
        0x3AD..=0x3AF => letter - 37,
        0x3CC => letter - 64,
        0x3CD | 0x3CE => letter - 63,
        0x450..=0x45F => letter - 0x50,
        // A capital and its small letter take turns.
        0x139..=0x148 | 0x179..=0x17E => (letter - 1) | 1,
        0x100..=0x130 | 0x132..=0x137 | 0x14A..=0x177 | 0x218..=0x21B => letter & !1,
        0x460..=0x481 | 0x48A..=0x4BF | 0x4D0..=0x52F => letter & !1,
        _ => letter,
    }
}

/// Hardly any word comes here, and the code of those who ask stays short without it.
#[inline(never)]
fn has_lower(words: &[&str], word: &[u8]) -> bool {
    let mut lower = [0; MAX_WORD];
    let Some(lower) = lower.get_mut(..word.len()) else {
        return false;
    };
    lower.copy_from_slice(word);
    make_lowercase(lower);
    has(words, lower)
}

/// No word of a list has a digit before something else than digits.
#[cfg(test)]
pub(crate) fn assert_no_digit_within(words: &[&str]) {
    for word in words {
        let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
        assert!(!name.contains(|c: char| c.is_ascii_digit()), "{word}");
    }
}

#[cfg(test)]
pub(crate) fn assert_in_order(words: &[&str]) {
    for pair in words.windows(2) {
        assert!(words.len() <= LONG || pair[0] < pair[1], "{pair:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: &[&str] = &["b", "w07", "a"];
    const MANY: &[&str] = &[
        "w00", "w01", "w02", "w03", "w04", "w05", "w06", "w07", "w08", "w09", "w10", "w11", "w12",
        "w13", "w14", "w15", "w16", "w17", "w18", "w19", "w20", "w21", "w22", "w23", "w24",
    ];

    #[test]
    fn a_list_has_its_words_and_no_other() {
        assert!(SHORT.len() <= LONG && MANY.len() > LONG);
        for words in [SHORT, MANY] {
            assert_in_order(words);
            let list = List::of(words);
            for word in words {
                assert!(list.has(word.as_bytes()), "{word}");
                assert!(list.has_ignoring_case(word.to_uppercase().as_bytes()));
            }
            assert!(has(words, b"w07") && !has(words, b"w7") && !has(words, b""));
            assert!(!list.has(b"w7") && !list.has(b"w7x") && !list.has(b""));
            assert!(!list.has(b"W07") && !list.has_ignoring_case(b"w7x"));
            assert!(!list.has_ignoring_case(&[b'w'; MAX_WORD + 3]));
        }
    }

    #[test]
    fn a_word_of_any_alphabet_is_had_in_capitals() {
        let list = const {
            &List::of(&[
                "č", "έτη", "ёж", "код", "łza", "őz", "ž", "ün", "número", "їжак",
            ])
        };
        for word in list.words {
            let (first, rest) = word.split_at(word.chars().next().unwrap().len_utf8());
            let title = first.to_uppercase() + rest;
            for written in [word.to_uppercase(), title] {
                assert!(list.has_ignoring_case(written.as_bytes()), "{written}");
                assert!(!list.has(written.as_bytes()));
            }
        }
        // As far as the rule goes, it is that of Unicode.
        for letter in (0xE0..0x250)
            .chain(0x3AC..0x3CF)
            .chain(0x430..0x530)
            .filter_map(char::from_u32)
        {
            let capital = char::from_u32(capital(letter.into())).unwrap();
            assert!(
                capital == letter || capital.to_lowercase().eq([letter]),
                "{letter}"
            );
        }
    }

    #[test]
    fn a_text_begins_with_a_beginning_or_not() {
        let beginnings = const { Beginnings::of(&["su_", "arn:"]) };
        assert!(beginnings.begin(b"su_key") && beginnings.begin(b"arn:"));
        for text in ["", "s", "su", "sum", "xarn:", "ar"] {
            assert!(!beginnings.begin(text.as_bytes()), "{text}");
        }
    }
}
