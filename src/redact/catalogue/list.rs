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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_its_words_and_no_other() {
        let long: Vec<String> = (0..2 * LONG).map(|n| format!("w{n:02}")).collect();
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        assert_in_order(&long);
        for words in [&long[..], &["b", "w07", "a"]] {
            assert!(has(words, b"w07") && !has(words, b"w7") && !has(words, b""));
            assert!(has_ignoring_case(words, b"W07"));
            assert!(!has_ignoring_case(words, &[b'w'; MAX_WORD + 1]));
        }
    }
}
