//! Error messages with what differs from one failure to the next taken out, so that those of one cause are one.

/// How long the text of an error is at most, in characters.
const MAX_CHARS: usize = 200;

/// What takes the place of a number, an id, an address or a quoted text.
const HOLE: char = '#';

/// Takes numbers, ids, addresses and quoted texts out of a message.
pub(super) fn normalise(message: &str) -> String {
    let mut normal = String::with_capacity(message.len().min(4 * MAX_CHARS));
    let mut chars = 0;
    let mut rest = message.trim();
    // What comes behind a bound is not looked at: messages may be long.
    while let Some(first) = rest.chars().next().filter(|_| chars < MAX_CHARS) {
        let (taken, word) = match first {
            '"' | '\'' | '`' => match quoted(rest, first) {
                Some(length) => (length, None),
                None => (first.len_utf8(), Some(first)),
            },
            c if c.is_whitespace() => {
                let end = rest.find(|c: char| !c.is_whitespace());
                (end.unwrap_or(rest.len()), Some(' '))
            }
            c if is_of_word(c) => {
                let end = rest.find(|c: char| !is_of_word(c)).unwrap_or(rest.len());
                let word = rest.get(..end).unwrap_or(rest);
                if !varies(word) {
                    for c in word.chars().take(MAX_CHARS - chars) {
                        normal.push(c);
                        chars += 1;
                    }
                    rest = rest.get(end..).unwrap_or_default();
                    continue;
                }
                (end, None)
            }
            c => (c.len_utf8(), Some(c)),
        };
        rest = rest.get(taken..).unwrap_or_default();
        match word {
            Some(c) if c.is_control() => {}
            Some(c) => {
                normal.push(c);
                chars += 1;
            }
            None if normal.ends_with(HOLE) => {}
            None => {
                normal.push(HOLE);
                chars += 1;
            }
        }
    }
    normal.truncate(normal.trim_end().len());
    normal
}

/// The length of a quoted text with its quotation marks, if it ends on the same line.
fn quoted(text: &str, mark: char) -> Option<usize> {
    let inner = text.get(mark.len_utf8()..)?;
    let end = inner.find([mark, '\n'])?;
    let is_closed = inner.get(end..)?.starts_with(mark);
    // An apostrophe within words opens no quotation.
    (is_closed && end > 0 && !inner.starts_with(' ')).then_some(end + 2 * mark.len_utf8())
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(
            c,
            '_' | '-' | '.' | '@' | '/' | ':' | '+' | '%' | '=' | '&' | '?'
        )
}

/// Whether a word is a number, an id, an address or a path.
fn varies(word: &str) -> bool {
    // A full stop or a colon ends a sentence, and is no part of an id.
    let word = word.trim_end_matches(['.', ':', '?']);
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let is_id = digits > 0 && (digits * 3 >= word.len() || word.len() >= 8);
    is_id || word.contains('@') || word.contains("://") || (word.starts_with('/') && word.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn what_differs_from_failure_to_failure_is_taken_out() {
        for (message, normal) in [
            ("no such index", "no such index"),
            ("timed out after 5000 ms", "timed out after # ms"),
            (
                "order 17 of 'rachel smith' not found",
                "order # of # not found",
            ),
            (
                "row 3f2504e0-4f89-11d3-9a0c-0305e82c3301 is locked",
                "row # is locked",
            ),
            ("no such thing for bob@example.com.", "no such thing for #"),
            ("GET https://example.com/a?b=1 gave 503", "GET # gave #"),
            ("can't open /var/lib/x:\n  denied", "can't open # denied"),
            ("a\u{0}b  c", "ab c"),
            ("", ""),
        ] {
            assert_eq!(normalise(message), normal, "{message}");
        }
    }

    #[test]
    fn a_long_message_is_cut() {
        assert_eq!(normalise(&"é ".repeat(10_000)).chars().count(), 199);
        assert_eq!(normalise(&"x".repeat(10_000)).len(), 200);
    }
}
