//! Lists of words, and whether one has a word.

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
            let head = Self::head(start);
            heads[head / 64] |= 1 << (head % 64);
            index += 1;
        }
        Self { words, heads }
    }

    /// The number of the bit for a word, which is the same for its letters in either case.
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

fn has_lower(words: &[&str], word: &[u8]) -> bool {
    let mut lower = [0; MAX_WORD];
    let Some(lower) = lower.get_mut(..word.len()) else {
        return false;
    };
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    has(words, lower)
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
    fn a_text_begins_with_a_beginning_or_not() {
        let beginnings = const { Beginnings::of(&["su_", "arn:"]) };
        assert!(beginnings.begin(b"su_key") && beginnings.begin(b"arn:"));
        for text in ["", "s", "su", "sum", "xarn:", "ar"] {
            assert!(!beginnings.begin(text.as_bytes()), "{text}");
        }
    }
}
