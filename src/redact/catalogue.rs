//! What the rules know of the world, in rows: words, names, keys.

pub(crate) mod calls;
pub(crate) mod code;
pub(crate) mod keys;
pub(crate) mod languages;
pub(crate) mod names;
pub(crate) mod numbers;
pub(crate) mod places;
pub(crate) mod shaped;
pub(crate) mod tools;
pub(crate) mod vendors;
pub(crate) mod webhooks;
pub(crate) mod words;

/// A longer list is in order and searched by halving; the test below keeps it so.
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

/// As [`has`], of words in lower case, for a word in any.
pub(crate) fn has_ignoring_case(words: &[&str], word: &[u8]) -> bool {
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
