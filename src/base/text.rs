//! Text cut at a character.

/// The beginning of `text` of at most `most_bytes`, without half a character at its end.
#[inline]
pub(crate) fn cut_at_char(text: &str, most_bytes: usize) -> &str {
    let mut end = most_bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_in_front_of_the_character_that_does_not_fit() {
        for (text, most_bytes, expected) in [
            ("", 0, ""),
            ("", 5, ""),
            ("abc", 0, ""),
            ("abc", 2, "ab"),
            ("abc", 3, "abc"),
            ("abc", usize::MAX, "abc"),
            ("aé", 1, "a"),
            ("aé", 2, "a"),
            ("aé", 3, "aé"),
            ("😀", 3, ""),
            ("😀b", 4, "😀"),
        ] {
            assert_eq!(
                cut_at_char(text, most_bytes),
                expected,
                "{text} {most_bytes}"
            );
        }
    }
}
