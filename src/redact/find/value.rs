//! Where a value begins and ends: a quoted literal, a line of a file, a query, a block of YAML.
//!
//! That is the hard part of an assignment, and depends on what the text is.

use crate::redact::catalogue::{calls, speech, words};
use crate::redact::class::{Class, MARK_START};
use crate::redact::find::bare_word;
use crate::redact::judge::style::{Given, Style};
use crate::redact::judge::{code, name, placeholder, value};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{at, has_word_at, run_end};
use crate::redact::read::lex::{
    MAX_JUDGED, MAX_WORD, bracketed, closes, closing_quote, ends_with, is_assignment, is_blank,
    is_name, line_end, typographic,
};
use crate::redact::read::scope::{Found, Scope};

/// The value of a name, if it is one to hide.
pub(crate) fn value_at(given: &Given<'_>) -> Option<Found> {
    let Given {
        ref scope,
        start,
        name,
        kind,
        style,
    } = *given;
    let mut open = step_into_literal(scope, start);
    let escapes = scope.run(open, |b| b == b'\\') - open;
    open += escapes;
    let quote = scope.at(open);
    if matches!(quote, b'"' | b'\'') || escapes == 0 && quote == b'`' {
        let (from, to) = quoted(given, open, escapes)?;
        return literal(scope, from, to, kind, name);
    }
    if escapes > 0 || style.literal_only {
        return None;
    }
    let bracketed = || {
        (matches!(quote, b'q' | b'[') && style.equals)
            .then(|| bracketed(scope, open))
            .flatten()
    };
    if let Some((from, to)) = typographic(scope, open).or_else(bracketed) {
        return literal(scope, from, to, kind, name);
    }
    if let Some(found) = behind_user(given) {
        return found;
    }
    if let Some(end) = bare_word::end(given) {
        return Some(Found::new(start, end, Class::Field));
    }
    if let Some(found) = in_braces(scope, open, style) {
        return Some(found);
    }
    if matches!(quote, b'|' | b'>') && style.own_line {
        return block(scope, open);
    }
    unquoted(given)
}

/// What stands between the quotes that open at `open`, behind so many backslashes, if they open a value.
fn quoted(given: &Given<'_>, open: usize, escapes: usize) -> Option<(usize, usize)> {
    let (scope, style) = (&given.scope, given.style);
    let quote = scope.at(open);
    if scope.part(open, open + 3) == [quote; 3] {
        let until = memchr::memmem::find(scope.part(open + 3, scope.to), &[quote; 3])
            .map_or(scope.to, |n| open + 3 + n);
        return Some((open + 3, until));
    }
    // The quote of `"Authorization: "` closes what began before the name, and so does the apostrophe of
    // `'no cookie:', error`.
    let closes_other = escapes == 0
        && (quote == b'"' && closes(scope, given.start)
            || quote == b'\''
                && given.start == open
                && matches!(scope.at(open + 1), b',' | b')' | b';' | b' '));
    // A shell puts the output of a command here.
    let is_output = quote == b'`'
        && style.equals
        && style.own_line
        && given
            .name
            .iter()
            .all(|b| b.is_ascii_uppercase() || *b == b'_');
    // `""` in a quoted cell of a CSV file, or nothing at all.
    let is_empty = escapes == 0 && scope.at(open + 1) == quote;
    (!closes_other && !is_output && !is_empty)
        .then(|| (open + 1, closing_quote(scope, open + 1, quote, escapes)))
}

/// Connection strings of ODBC have braces around what may hold a semicolon.
fn in_braces(scope: &Scope<'_>, open: usize, style: Style) -> Option<Found> {
    if scope.at(open) != b'{' || !style.equals || style.spaced {
        return None;
    }
    let close = open + memchr::memchr(b'}', scope.part(open, open + MAX_JUDGED))?;
    let value = scope.part(open + 1, close);
    (value::looks_chosen(value)
        && !placeholder::has_mark(value)
        && matches!(scope.at(close + 1), b';' | 0 | b'"' | b'\n'))
    .then(|| Found::new(open + 1, close, Class::Field))
}

/// A value without quotes: a word, or the line where lines are what values are.
fn unquoted(given: &Given<'_>) -> Option<Found> {
    let (scope, start, style) = (&given.scope, given.start, given.style);
    let near = Scope {
        to: scope.to.min(start + MAX_JUDGED),
        ..*scope
    };
    let mut end = unquoted_end(&near, start, style);
    if let Some(found) = phrase(given, end) {
        return Some(found);
    }
    if !value::is_unquoted_secret(given, end) {
        return None;
    }
    if end == near.to {
        end = unquoted_end(scope, end, style);
    }
    if given.kind == Kind::Secrets {
        end = list_end(scope, end);
    }
    Some(Found::new(start, end, Class::Field))
}

/// `password: correct horse battery` on a line of its own, in a file of such lines.
fn phrase(given: &Given<'_>, end: usize) -> Option<Found> {
    let (scope, start) = (&given.scope, given.start);
    if !given.style.own_line
        || scope.at(end) != b' '
        || matches!(given.kind, Kind::Maybe | Kind::Handle)
        || !is_file_of_lines(scope, end)
    {
        return None;
    }
    let line = line_end(scope, end);
    let value = scope.part(start, line);
    let is_code = value.iter().any(|b| b"({<[=\"';".contains(b));
    (!is_code
        && !value.starts_with(MARK_START)
        && !placeholder::is_placeholder(value)
        && !placeholder::is_placeholder(scope.part(start, end))
        && !value::is_label(value, given.name))
    .then(|| Found::new(start, line, Class::Field))
}

/// Where a list ends whose first value ends at `end`: `passwords: hunter2, hunter3`.
fn list_end(scope: &Scope<'_>, mut end: usize) -> usize {
    while matches!(scope.part(end, end + 2), b", " | b"; ") {
        let next = scope.ahead(end + 2, 64, |b| {
            !b.is_ascii_whitespace() && !matches!(b, b',' | b';' | b'"' | b'\'')
        });
        if !value::looks_chosen(scope.part(end + 2, next)) {
            break;
        }
        end = next;
    }
    end
}

/// `creds: user / password`, `user/pass: user:password`. Where a mark is the password, the user is no secret.
fn behind_user(given: &Given<'_>) -> Option<Option<Found>> {
    let Given {
        ref scope,
        start,
        name,
        style,
        ..
    } = *given;
    let both = || {
        speech::BOTH
            .iter()
            .any(|both| ends_with(name, both.as_bytes()))
            || scope.before(style.name) == b'/'
    };
    if style.equals || !style.spaced || !both() {
        return None;
    }
    let user = scope.ahead(start, 64, |b| is_name(b) || b == b'@');
    let sign = scope.ahead(user, 1, is_blank);
    let first = scope.ahead(sign + 1, 1, is_blank);
    if user == start
        || !matches!(scope.at(sign), b'/' | b':')
        || (sign > user) != (first > sign + 1)
    {
        return None;
    }
    let end = scope.ahead(first, MAX_WORD, |b| {
        !b.is_ascii_whitespace() && !matches!(b, b'"' | b'\'' | b',' | b';' | b')')
    });
    let value = scope.part(first, end);
    if value.starts_with(MARK_START) {
        return Some(None);
    }
    (value::is_literal(value, name) && memchr::memchr(b'/', value).is_none())
        .then(|| Some(Found::new(first, end, Class::Field)))
}

/// A quoted value between its quotes.
pub(crate) fn literal(
    scope: &Scope<'_>,
    from: usize,
    to: usize,
    kind: Kind,
    name: &[u8],
) -> Option<Found> {
    let value = scope.part(from, to);
    if !value::fits(value, kind)
        || value.len() < 2
        || !value::is_real(value)
        || value::is_label(value, name)
        || value::is_token_of_other_kind(value, name)
        // `STORAGE_KEY = "access_token_2"`
        || !value::is_password_name(name) && code::is_snake(value, 2) && name::judge(value).hides()
    {
        return None;
    }
    // A scheme stays.
    let scheme = words::scheme_len(value);
    let from = from + scheme;
    if !value::is_real(scope.part(from, to)) {
        return None;
    }
    (from < to).then(|| Found::new(from, to, Class::Field))
}

/// Steps over what may stand before a literal: `b"…"`, `String::from("…")`, `Some("…")`.
fn step_into_literal(scope: &Scope<'_>, start: usize) -> usize {
    let end = scope.ahead(start, 48, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'.' | b'#' | b'@')
    });
    let word = scope.part(start, end);
    if word.is_empty() {
        return start;
    }
    // What PHP dumps: `string(9) "…"`.
    if word == b"string" && scope.at(end) == b'(' {
        let count = scope.ahead(end + 1, 7, |b| b.is_ascii_digit());
        if scope.part(count, count + 3) == b") \"" {
            return count + 2;
        }
    }
    if matches!(scope.at(end), b'"' | b'\'') && word.len() <= 3 {
        return end;
    }
    if scope.at(end) == b'(' && matches!(scope.at(end + 1), b'"' | b'\'' | b'b') {
        let last = word
            .rsplit(|b| matches!(b, b':' | b'.'))
            .next()
            .unwrap_or(&[]);
        if calls::is_wrapper(last) {
            let quote = end + 1 + usize::from(scope.at(end + 1) == b'b');
            if matches!(scope.at(quote), b'"' | b'\'') {
                return quote;
            }
        }
    }
    start
}

/// Where an unquoted value ends.
fn unquoted_end(scope: &Scope<'_>, start: usize, style: Style) -> usize {
    let mut pos = start;
    while pos < scope.to && !ends_unquoted(scope, pos, style) {
        pos += 1;
    }
    pos
}

/// Whether an unquoted value ends before the byte at `pos`, by that byte and the one behind it.
fn ends_unquoted(scope: &Scope<'_>, pos: usize, style: Style) -> bool {
    let next = scope.at(pos + 1);
    let gap = matches!(next, 0 | b' ' | b'\n' | b'\r');
    match at(scope.text, pos) {
        b' ' | b'\t' | b'\n' | b'\r' | 0 | b'"' => true,
        b'\'' | b'`' => gap || b"\t,;)}]&.>\\|:/<".contains(&next),
        b'\\' => matches!(next, b'"' | b'\'' | b'n' | b'r' | b't'),
        b'&' => {
            style.equals
                && (next == 0
                    || is_assignment(scope, pos + 1)
                    || next == b'#'
                    || has_word_at(scope.text, pos, b"&amp;"))
        }
        b';' | b',' => gap || matches!(next, b'"' | b'\'') || is_assignment(scope, pos + 1),
        b')' | b']' | b'}' => gap || b",;.)]}[(\"':<".contains(&next),
        b'<' => next == b'/' || next.is_ascii_alphabetic() || next == b'<',
        b'>' => gap || matches!(next, b',' | b')' | b';'),
        b'|' => matches!(next, 0 | b' '),
        b'.' | b'!' | b'?' => !style.own_line && (gap || matches!(next, b'"' | b'\'' | b')')),
        _ => false,
    }
}

/// Whether the next line assigns something as well.
fn is_file_of_lines(scope: &Scope<'_>, pos: usize) -> bool {
    let end = line_end(scope, pos);
    let other = scope.run(end, |b| b.is_ascii_whitespace() || b == b'-');
    let name = scope.ahead(other, 40, is_name);
    end < scope.to
        && name > other
        && matches!(scope.at(name), b'=' | b':')
        && scope.at(name + 1) != b'/'
}

/// A block scalar of YAML: the lines below that are indented further.
fn block(scope: &Scope<'_>, open: usize) -> Option<Found> {
    let text = scope.text;
    let mut pos = scope.run(open, |b| !matches!(b, b'\n' | b'\r'));
    if pos - open > 3 || pos >= scope.to {
        return None;
    }
    let line = scope.back(open, 256, |b| !matches!(b, b'\n' | b'\r'));
    let indent = run_end(text, line, open, |b| b == b' ') - line;
    let (mut first, mut end) = (None, pos);
    while pos < scope.to {
        let begin = scope.run(pos, |b| matches!(b, b'\n' | b'\r'));
        let content = scope.run(begin, is_blank);
        if content - begin <= indent
            && content < scope.to
            && !matches!(at(text, content), b'\n' | b'\r')
        {
            break;
        }
        pos = scope.run(content, |b| !matches!(b, b'\n' | b'\r'));
        if pos > content {
            first = first.or(Some(content));
            end = pos;
        }
        if pos == begin {
            break;
        }
    }
    let first = first?;
    (!scope.part(first, end).starts_with(MARK_START)).then(|| Found::new(first, end, Class::Field))
}

#[cfg(test)]
mod tests {
    use crate::redact::redact_str;

    #[test]
    fn a_value_ends_where_its_writing_ends() {
        for (text, redacted) in [
            (
                "password = \"hunter 2\", x",
                "password = \"[REDACTED_FIELD]\", x",
            ),
            (
                "password = \"\"\"hun\nter2\"\"\" x",
                "password = \"\"\"[REDACTED_FIELD]\"\"\" x",
            ),
            ("PASSWORD={hunter;2};x=1", "PASSWORD={[REDACTED_FIELD]};x=1"),
            (
                "the password: hunter2. Then",
                "the password: [REDACTED_FIELD]. Then",
            ),
            ("a?password=hunter2&b=1", "a?password=[REDACTED_FIELD]&b=1"),
            (
                "passwords: hunter2, hunter3 and more",
                "passwords: [REDACTED_FIELD] and more",
            ),
            (
                "password: |\n  hunter2\nuser: ada",
                "password: |\n  [REDACTED_FIELD]\nuser: ada",
            ),
            (
                "user: ada\npassword: correct horse battery\nport: 1",
                "user: ada\npassword: [REDACTED_FIELD]\nport: 1",
            ),
        ] {
            assert_eq!(redact_str(text), redacted);
        }
    }

    #[test]
    fn what_is_no_value_stays() {
        for text in [
            "password = \"\"",
            "'no password:', error",
            "TOKEN=`cat token`",
            "password: String::new()",
        ] {
            assert_eq!(redact_str(text), text);
        }
    }
}
