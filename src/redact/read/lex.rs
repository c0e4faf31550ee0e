//! Names, signs, quotes and lines in a text: where they begin and end.

use crate::redact::class::Class;
use crate::redact::read::bytes::{self, at, before, run_end, run_start};
use crate::redact::read::scope::Scope;

/// Longer names are no names.
pub(crate) const MAX_NAME: usize = 96;
/// Between a name and its sign there is not more space, also where the signs stand below each other.
const MAX_GAP: usize = 24;
/// A word in a sentence or a command is not longer; so no hostile text is read again and again.
pub(crate) const MAX_WORD: usize = 512;
/// So much of an unquoted value decides whether it is a secret. Then it goes to its end, however far that is.
pub(crate) const MAX_JUDGED: usize = 128;

/// No address of mail that is found is longer, with its host.
pub(crate) const MAX_ADDRESS: usize = 96 + 1 + 253;

#[inline]
pub(crate) fn is_name(byte: u8) -> bool {
    bytes::is_token(byte) || matches!(byte, b'.' | b'[' | b']' | b'$') || byte >= 0x80
}

#[inline]
pub(crate) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The name before a sign, and whether it was quoted.
pub(crate) struct Name<'a> {
    pub(crate) start: usize,
    pub(crate) text: &'a [u8],
    pub(crate) quoted: bool,
}

/// The name that ends before `sign`, perhaps with quotes, brackets, emphasis and spaces between.
pub(crate) fn name_before<'a>(scope: &Scope<'a>, sign: usize) -> Name<'a> {
    let text = scope.text;
    let floor = scope.from.max(sign.saturating_sub(MAX_NAME + MAX_GAP));
    let mut end = run_start(text, sign, floor.max(sign.saturating_sub(MAX_GAP)), |b| {
        is_blank(b) || matches!(b, b'*' | b'?')
    });
    // `Password (root): `
    if end > floor
        && before(text, end) == b')'
        && let Some(open) = memchr::memrchr(
            b'(',
            bytes::part(text, floor.max(end.saturating_sub(26)), end),
        )
    {
        let open = floor.max(end.saturating_sub(26)) + open;
        if open > floor && before(text, open) == b' ' {
            end = open - 1;
        }
    }
    // `<b>Password</b>: `
    if end > floor
        && before(text, end) == b'>'
        && let Some(open) = memchr::memrchr(
            b'<',
            bytes::part(text, floor.max(end.saturating_sub(12)), end),
        )
    {
        let open = floor.max(end.saturating_sub(12)) + open;
        if at(text, open + 1) == b'/' {
            end = open;
        }
    }
    let mut quoted = false;
    let bracket = end > floor
        && before(text, end) == b']'
        && end > floor + 1
        && matches!(before(text, end - 1), b'"' | b'\'');
    if bracket {
        end -= 1;
    }
    if end > floor && matches!(before(text, end), b'"' | b'\'' | b'`') {
        end = run_start(text, end - 1, floor, |b| b == b'\\');
        quoted = true;
    }
    let start = run_start(text, end, floor, is_name);
    Name {
        start,
        text: scope.part(start, end),
        quoted,
    }
}

/// Whether a word of a sentence is the address of somebody, a phone number, or the mark of one.
pub(crate) fn is_address(word: &[u8]) -> bool {
    memchr::memchr(b'@', word).is_some_and(|sign| sign > 0)
        || [Class::Email, Class::Phone].into_iter().any(|class| {
            // The last bracket is no part of a word.
            word.starts_with(class.mark().trim_end_matches(']').as_bytes())
        })
        || word.starts_with(b"+") && at(word, 1).is_ascii_digit()
}

/// A line up to the word that it ends in, and that word.
pub(crate) fn split_last(line: &[u8]) -> (&[u8], &[u8]) {
    line.split_at(run_start(line, line.len(), 0, |b| !b.is_ascii_whitespace()))
}

/// Where the address begins that a line ends in.
pub(crate) fn address_before(line: &[u8]) -> Option<usize> {
    let (before, word) = split_last(line);
    is_address(word).then_some(before.len())
}

#[inline]
pub(crate) fn ends_with(name: &[u8], word: &[u8]) -> bool {
    name.len() >= word.len()
        && bytes::rest(name, name.len() - word.len()).eq_ignore_ascii_case(word)
}

/// What a value in typographic quotes, the first of which may stand at `open`, is between them.
pub(crate) fn typographic(scope: &Scope<'_>, open: usize) -> Option<(usize, usize)> {
    if !matches!(scope.at(open), 0xC2 | 0xE2 | 0xE3) {
        return None;
    }
    let start = scope.part(open, open + 3);
    let (_, closers) = QUOTES
        .iter()
        .find(|(opener, _)| start.starts_with(opener.as_bytes()))?;
    let from = open + if scope.at(open) == 0xC2 { 2 } else { 3 };
    let value = scope.part(from, from + MAX_WORD);
    let end = memchr::memchr(b'\n', value).unwrap_or(value.len());
    let value = bytes::part(value, 0, end);
    closers
        .iter()
        .filter_map(|closer| memchr::memmem::find(value, closer.as_bytes()))
        .min()
        .map(|end| (from, from + end))
}

/// Typographic quotes, and what closes them: English, German, French, Chinese.
const QUOTES: &[(&str, &[&str])] = &[
    ("\u{201c}", &["\u{201d}"]),
    ("\u{201e}", &["\u{201c}", "\u{201d}"]),
    ("\u{2018}", &["\u{2019}"]),
    ("\u{201a}", &["\u{2018}", "\u{2019}"]),
    ("\u{ab}", &["\u{bb}"]),
    ("\u{bb}", &["\u{ab}"]),
    ("\u{300c}", &["\u{300d}"]),
];

/// Whether a quote at `pos` closes one that stands before it on its line.
pub(crate) fn closes(scope: &Scope<'_>, pos: usize) -> bool {
    let before = scope.part(scope.origin.max(pos.saturating_sub(256)), pos);
    let line = memchr::memrchr(b'\n', before).map_or(0, |n| n + 1);
    memchr::memchr_iter(b'"', bytes::rest(before, line)).count() % 2 == 1
}

/// Whether digits alone, behind a colon, are a part of the key of a cache: `ratelimit:password-reset:48213`.
pub(crate) fn is_of_key(scope: &Scope<'_>, start: usize) -> bool {
    let end = scope.ahead(start, MAX_NAME, |b| b.is_ascii_digit());
    let first = scope.back(start - 1, MAX_NAME, |b| is_name(b) && b != b'=');
    end > start
        && !is_name(scope.at(end))
        && before(scope.text, start) == b':'
        && first + 1 < start
        && scope.before(first) == b':'
        && scope.before(first - 1).is_ascii_alphanumeric()
}

/// Whether `name=` begins at `pos`.
pub(crate) fn is_assignment(scope: &Scope<'_>, pos: usize) -> bool {
    let end = run_end(scope.text, pos, scope.to.min(pos + 40), |b| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'_' | b'-' | b'.' | b' ' | b'[' | b']')
            || b >= 0x80
    });
    end > pos && matches!(scope.at(end), b'=' | b':')
}

/// The end of the line, without a comment behind the value.
pub(crate) fn line_end(scope: &Scope<'_>, pos: usize) -> usize {
    let limit = scope.to.min(pos + MAX_WORD);
    let end = memchr::memchr2(b'\n', b'\r', scope.part(pos, limit)).map_or(limit, |n| pos + n);
    let end = memchr::memmem::find(scope.part(pos, end), b" #").map_or(end, |n| pos + n);
    run_start(scope.text, end, pos, is_blank)
}

/// The closing quote of a value, or where the text was cut.
pub(crate) fn closing_quote(scope: &Scope<'_>, from: usize, quote: u8, escapes: usize) -> usize {
    let mut pos = from;
    while pos < scope.to {
        let Some(next) = memchr::memchr2(quote, b'\n', scope.part(pos, scope.to)).map(|n| pos + n)
        else {
            break;
        };
        let backslashes = next - run_start(scope.text, next, from, |b| b == b'\\');
        if at(scope.text, next) == b'\n' {
            // Literals end with their line; only the quotes of shells and templates go on.
            if quote == b'"'
                || quote == b'\'' && memchr::memchr(b'\'', scope.part(next, next + 200)).is_none()
            {
                let closes = memchr::memchr2(quote, b'=', scope.part(next, next + 400))
                    .is_some_and(|n| scope.at(next + n) == quote);
                if !closes {
                    return run_start(scope.text, next, from, |b| b == b'\r');
                }
            }
        } else if escapes == 0 && backslashes % 2 == 0 || escapes > 0 && backslashes <= escapes {
            // A doubled quote is a quote in SQL, CSV and YAML.
            if escapes == 0
                && quote != b'`'
                && scope.at(next + 1) == quote
                && is_inside(scope.at(next + 2))
            {
                pos = next + 2;
                continue;
            }
            return next - backslashes.min(escapes);
        }
        pos = next + 1;
    }
    scope.to
}

fn is_inside(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"!@#$%^*_+-=~?".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope<'_> {
        Scope {
            text: text.as_bytes(),
            from: 0,
            to: text.len(),
            origin: 0,
        }
    }

    #[test]
    fn a_name_is_read_through_what_may_stand_behind_it() {
        for (text, name, quoted) in [
            ("db.password = x", "db.password", false),
            ("\"password\": x", "password", true),
            ("Password (root): x", "Password", false),
            ("<b>Password</b>: x", "Password", false),
            ("env[\"TOKEN\"] = x", "TOKEN", true),
            ("**token**: x", "token", false),
        ] {
            let sign = text.rfind([':', '=']).unwrap();
            let read = name_before(&scope(text), sign);
            assert_eq!(
                (read.text, read.quoted),
                (name.as_bytes(), quoted),
                "{text}"
            );
        }
    }

    #[test]
    fn an_address_is_told_from_other_words() {
        for (line, start) in [
            ("sent to bob@example.com", Some(8)),
            ("sent to <bob@example.com>,", Some(8)),
            ("sent to [REDACTED_EMAIL]", Some(8)),
            ("+14155552671", Some(0)),
            ("sent to @bob", None),
            ("sent to [REDACTED_KEY]", None),
            ("sent to +", None),
            ("sent to bob@example.com ", None),
        ] {
            assert_eq!(address_before(line.as_bytes()), start, "{line}");
        }
    }

    #[test]
    fn lines_begin_and_end() {
        assert_eq!(line_end(&scope("value # why\nnext"), 0), 5);
        assert!(closes(&scope("\"a\""), 2) && !closes(&scope("\"a\" \""), 4));
        assert!(is_assignment(&scope("port=1"), 0) && !is_assignment(&scope("port 1"), 0));
    }

    #[test]
    fn literals_end_with_the_quote_that_opened_them() {
        for (text, end) in [
            ("a\" b", 1),
            ("a\\\" b\"", 5),
            ("it\"\"s\"", 5),
            ("cut", 3),
            ("a\nb", 1),
        ] {
            assert_eq!(closing_quote(&scope(text), 0, b'"', 0), end, "{text}");
        }
        assert_eq!(typographic(&scope("\u{201e}ab\u{201c}"), 0), Some((3, 5)));
    }
}
