//! Text cut at a character, and the bytes of a short one as a number.

/// The beginning of `text` of at most `most_bytes`, without half a character at its end.
#[inline]
pub(crate) fn cut_at_char(text: &str, most_bytes: usize) -> &str {
    let mut end = most_bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

/// Fewer than sixteen bytes with zeros behind them. Of two halves that overlap the same bytes are the same.
#[inline(always)]
pub(crate) fn sixteen_of(bytes: &[u8]) -> u128 {
    let behind = |half: usize| 8 * (bytes.len() - half);
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let [first, last] = [*first, *last].map(|half| u128::from(u64::from_le_bytes(half)));
        first | (last << behind(8))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let [first, last] = [*first, *last].map(|half| u64::from(u32::from_le_bytes(half)));
        u128::from(first | (last << behind(4)))
    } else {
        let four = match *bytes {
            [a] => [a, 0, 0, 0],
            [a, b] => [a, b, 0, 0],
            [a, b, c] => [a, b, c, 0],
            _ => [0; 4],
        };
        u128::from(u32::from_le_bytes(four))
    }
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

    #[test]
    fn a_short_text_is_followed_by_zeros() {
        let text = b"abcdefghijklmno";
        for len in 0..=text.len() {
            let mut expected = [0; 16];
            expected[..len].copy_from_slice(&text[..len]);
            assert_eq!(sixteen_of(&text[..len]).to_le_bytes(), expected, "{len}");
        }
    }
}
