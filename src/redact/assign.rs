//! Values that text assigns to sensitive names: `KEY=value`, `key: "value"`, `--key value`, `<key>value</key>`.

use super::bytes::{at, run_end, run_start};
use super::class::Class;
use super::names::{self, Kind};
use super::text::{Found, Scope};
use super::values;

/// Longer names are no names.
const MAX_NAME: usize = 96;

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']' | b'$')
        || byte >= 0x80
}

/// An assignment whose `=` or `:` stands at `pos`.
pub(super) fn at_sign(scope: &Scope<'_>, pos: usize, add: &mut dyn FnMut(Found)) {
    let text = scope.text;
    // The name ends before the sign, perhaps with a quote and spaces between.
    let mut end = run_start(text, pos, scope.from.max(pos.saturating_sub(3)), |b| {
        b == b' ' || b == b'\t'
    });
    let quote = match scope.before(end) {
        quote @ (b'"' | b'\'' | b'`') => {
            end -= 1;
            if scope.before(end) == b'\\' {
                end -= 1;
            }
            quote
        }
        _ => 0,
    };
    let start = run_start(
        text,
        end,
        scope.from.max(end.saturating_sub(MAX_NAME)),
        is_name,
    );
    let name = scope.part(start, end);
    if name.len() < 2 {
        return;
    }
    let kind = names::judge(name);
    if !matches!(kind, Kind::Secret | Kind::Secrets | Kind::Maybe | Kind::Pin) {
        return;
    }
    // `==`, `:=`, `=>`, `::` and `!=`
    let mut value = pos + 1;
    match (at(text, pos), scope.at(value)) {
        (b':', b':') => return,
        (b':', b'=') | (b'=', b'>' | b'=') => value += 1,
        _ => {}
    }
    if scope.at(value) == b'=' {
        value += 1;
    }
    let spaced = value;
    value = run_end(text, value, scope.to, |b| b == b' ' || b == b'\t');
    let name = name.to_ascii_lowercase();
    if name.ends_with(b"cookie") {
        cookies(scope, value, name.starts_with(b"set"), add);
        return;
    }
    if let Some(found) = value_at(scope, start, value, kind, quote != 0, value > spaced) {
        add(found);
    }
    let _ = quote;
}

fn value_at(
    scope: &Scope<'_>,
    line: usize,
    start: usize,
    kind: Kind,
    quoted_name: bool,
    spaced: bool,
) -> Option<Found> {
    let text = scope.text;
    let mut open = start;
    let mut escapes = 0;
    while scope.at(open) == b'\\' {
        open += 1;
        escapes += 1;
    }
    if matches!(scope.at(open), b'"' | b'\'' | b'`') {
        let quote = scope.at(open);
        let end = closing_quote(scope, open + 1, quote, escapes);
        let value = scope.part(open + 1, end);
        if value.is_empty()
            || values::is_mark(value)
            || values::is_placeholder(value)
            || !takes(value, kind)
        {
            return None;
        }
        return Some(Found::new(open + 1, end, Class::Field));
    }
    let (mut from, mut end) = (start, start);
    end = run_end(text, end, scope.to, |b| {
        !b.is_ascii_whitespace()
            && !matches!(
                b,
                b',' | b';' | b'&' | b'"' | b'\'' | b'`' | b'<' | b'>' | b')' | b'}' | b']'
            )
    });
    // A scheme before the credentials: `Authorization: Bearer …`.
    if scope.at(end) == b' ' && is_scheme(scope.part(from, end)) {
        from = end + 1;
        end = run_end(text, from, scope.to, |b| {
            !b.is_ascii_whitespace()
                && !matches!(
                    b,
                    b',' | b';' | b'"' | b'\'' | b'`' | b'<' | b'>' | b')' | b'}' | b']'
                )
        });
    }
    let value = scope.part(from, end);
    if value.is_empty()
        || value.starts_with(super::class::MARK_START)
        || values::is_placeholder(value)
        || is_code(scope, value, end)
        || !takes(value, kind)
    {
        return None;
    }
    let plain = value
        .iter()
        .all(|b| b.is_ascii_lowercase() || *b == b'-' || *b == b'.');
    if plain && (spaced || value.len() < 4) && !quoted_name {
        // A word after a colon is prose unless the line is nothing but the assignment.
        let line_start = run_start(text, line, scope.from, |b| {
            matches!(b, b' ' | b'\t' | b'-' | b'>')
        });
        let alone = (line_start == scope.from || matches!(scope.before(line_start), b'\n' | b'\r'))
            && matches!(scope.at(end), 0 | b'\n' | b'\r');
        if !alone {
            return None;
        }
    }
    Some(Found::new(from, end, Class::Field))
}

fn takes(value: &[u8], kind: Kind) -> bool {
    match kind {
        Kind::Secret | Kind::Secrets => value.len() >= 2,
        Kind::Maybe => values::looks_secret(value),
        Kind::Pin => (4..=8).contains(&value.len()) && value.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

fn is_scheme(word: &[u8]) -> bool {
    [
        &b"bearer"[..],
        b"basic",
        b"token",
        b"digest",
        b"negotiate",
        b"apikey",
    ]
    .iter()
    .any(|s| word.eq_ignore_ascii_case(s))
}

/// Whether an unquoted value is an expression: a call, a path of names, a type.
fn is_code(scope: &Scope<'_>, value: &[u8], end: usize) -> bool {
    let first = at(value, 0);
    if matches!(first, b'(' | b'{' | b'[' | b'$' | b'&' | b'*' | b'<' | b'|') {
        return first != b'$' && first != b'*' && first != b'&'
            || value.len() < 4
            || value
                .iter()
                .all(|b| is_name(*b) || matches!(b, b'{' | b'}' | b'&' | b'*'));
    }
    if memchr::memchr(b'(', value)
        .is_some_and(|paren| value.iter().take(paren).all(|b| is_name(*b) || *b == b':'))
    {
        return true;
    }
    let names = value.split(|b| *b == b'.').all(|word| {
        word.first()
            .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
            && word
                .iter()
                .all(|b| b.is_ascii_alphabetic() || *b == b'_' || *b == b'[')
    });
    if names && memchr::memchr(b'.', value).is_some() {
        return true;
    }
    memchr::memchr(b'[', value).is_some() && names && matches!(scope.at(end), b'"' | b'\'')
}

/// The closing quote of a value, or where the text was cut.
fn closing_quote(scope: &Scope<'_>, from: usize, quote: u8, escapes: usize) -> usize {
    let mut pos = from;
    while pos < scope.to {
        let Some(next) =
            memchr::memchr2(quote, b'\n', super::bytes::part(scope.text, pos, scope.to))
                .map(|n| pos + n)
        else {
            break;
        };
        let backslashes = next - run_start(scope.text, next, from, |b| b == b'\\');
        if at(scope.text, next) == b'\n' {
            if quote != b'`' {
                return next;
            }
        } else if escapes == 0 && backslashes % 2 == 0 || escapes > 0 && backslashes <= escapes {
            if quote == b'\'' && scope.at(next + 1) == b'\'' && escapes == 0 {
                pos = next + 2;
                continue;
            }
            return next - backslashes.min(escapes);
        }
        pos = next + 1;
    }
    scope.to
}

/// The values of a cookie header; attributes stay.
fn cookies(scope: &Scope<'_>, from: usize, first_only: bool, add: &mut dyn FnMut(Found)) {
    let text = scope.text;
    let mut pos = from;
    if matches!(scope.at(pos), b'"' | b'\'') {
        pos += 1;
    }
    loop {
        let name = run_end(text, pos, scope.to, |b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')
        });
        if name == pos || scope.at(name) != b'=' {
            return;
        }
        let end = run_end(text, name + 1, scope.to, |b| {
            !b.is_ascii_whitespace() && !matches!(b, b';' | b'"' | b'\'' | b',')
        });
        let value = scope.part(name + 1, end);
        if !value.is_empty() && !value.starts_with(super::class::MARK_START) {
            add(Found::new(name + 1, end, Class::Field));
        }
        if first_only || scope.at(end) != b';' {
            return;
        }
        pos = run_end(text, end + 1, scope.to, |b| b == b' ');
    }
}

/// The content of an XML element with a sensitive name, whose `<` stands at `pos`.
pub(super) fn element(scope: &Scope<'_>, pos: usize) -> Option<Found> {
    let end = run_end(scope.text, pos + 1, scope.to.min(pos + MAX_NAME), |b| {
        is_name(b) || b == b':'
    });
    let kind = names::judge(scope.part(pos + 1, end));
    if !kind.hides() {
        return None;
    }
    let close = memchr::memchr(b'>', scope.part(end, end + 256))? + end;
    if scope.before(close) == b'/' {
        return None;
    }
    let until =
        memchr::memchr(b'<', scope.part(close + 1, scope.to)).map_or(scope.to, |n| close + 1 + n);
    let value = scope.part(close + 1, until);
    let lead = value.iter().take_while(|b| b.is_ascii_whitespace()).count();
    let value = value.trim_ascii();
    if value.is_empty()
        || values::is_mark(value)
        || values::is_placeholder(value)
        || value.starts_with(b"<")
    {
        return None;
    }
    Some(Found::new(
        close + 1 + lead,
        close + 1 + lead + value.len(),
        Class::Field,
    ))
}

/// SQL: a quoted value after a word, `IDENTIFIED BY 'x'`, `PASSWORD 'x'`; `pos` is the opening quote.
pub(super) fn after_word(scope: &Scope<'_>, pos: usize) -> Option<Found> {
    let gap = run_start(
        scope.text,
        pos,
        scope.from.max(pos.saturating_sub(3)),
        |b| b == b' ',
    );
    if gap == pos {
        return None;
    }
    let start = run_start(
        scope.text,
        gap,
        scope.from.max(gap.saturating_sub(16)),
        |b| b.is_ascii_alphabetic(),
    );
    let word = scope.part(start, gap);
    let by = word.eq_ignore_ascii_case(b"by") && {
        let end = run_start(
            scope.text,
            start,
            scope.from.max(start.saturating_sub(2)),
            |b| b == b' ',
        );
        scope
            .part(end.saturating_sub(10), end)
            .eq_ignore_ascii_case(b"identified")
    };
    if !by && !word.eq_ignore_ascii_case(b"password") {
        return None;
    }
    let end = closing_quote(scope, pos + 1, b'\'', 0);
    let value = scope.part(pos + 1, end);
    (!value.is_empty() && !values::is_mark(value) && !values::is_placeholder(value))
        .then(|| Found::new(pos + 1, end, Class::Field))
}

/// `--password value`, where the dashes stand at `pos`.
pub(super) fn flag(scope: &Scope<'_>, pos: usize) -> Option<Found> {
    let end = run_end(scope.text, pos, scope.to.min(pos + MAX_NAME), |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')
    });
    if end - pos < 5 || scope.at(end) != b' ' || !names::judge(scope.part(pos, end)).hides() {
        return None;
    }
    let start = run_end(scope.text, end, scope.to, |b| b == b' ');
    if scope.at(start) == b'-' {
        return None;
    }
    value_at(scope, pos, start, Kind::Secret, true, false)
}

/// A value with a digit, at `start`, after a flag or a sensitive word: `password hunter2`.
pub(super) fn spoken(
    scope: &Scope<'_>,
    _word_start: usize,
    word: &[u8],
    start: usize,
) -> Option<Found> {
    let end = run_end(scope.text, start, scope.to, |b| {
        !b.is_ascii_whitespace() && !matches!(b, b'"' | b'\'' | b',' | b';' | b')' | b'`')
    });
    let value = scope.part(start, end);
    let mixed = value.iter().any(u8::is_ascii_alphabetic) && value.len() >= 6;
    (mixed && word.len() >= 4 && !values::is_placeholder(value)).then(|| {
        Found::new(
            start,
            super::auth::trim_end(scope, start, end),
            Class::Field,
        )
    })
}
