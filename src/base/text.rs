//! Cutting text.

/// Returns the longest start of a text that has at most so many bytes and ends between characters.
pub(crate) fn cut_at_char(text: &str, max_bytes: usize) -> &str {
    let mut end = text.len().min(max_bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut_at_char("a\u{e9}b", 10), "a\u{e9}b");
        assert_eq!(cut_at_char("a\u{e9}b", 3), "a\u{e9}");
        assert_eq!(cut_at_char("a\u{e9}b", 2), "a");
        assert_eq!(cut_at_char("\u{1f980}", 3), "");
    }
}
