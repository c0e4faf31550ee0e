//! Places where a bare word can only be a literal: connection strings, lines of configuration, maps of YAML.
//!
//! `password: tangerine` is as well a sentence, and `password = MyDogRex` a variable. What stands around it decides:
//! a connection string refers to nothing, and neither does a file whose other lines hold literals.

use crate::redact::catalogue::{formats, names};
use crate::redact::judge::style::Given;
use crate::redact::judge::value;
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{is_paired, is_token, part, run_end, run_start};
use crate::redact::read::lex::{is_assignment, is_blank, is_name};
use crate::redact::read::scope::Scope;

/// So far around a value its place is looked at.
const NEAR: usize = 200;

/// Of a connection string so many pairs on each side of a value are looked at, and so many bytes of each.
const MAX_PAIRS: usize = 3;
const MAX_PAIR: usize = 64;

/// Whether a pair of a connection stands in `text`.
fn is_pair(text: &[u8]) -> bool {
    let mut begin = 0;
    // No key is longer.
    for (at, byte) in part(text, 0, 48).iter().enumerate() {
        match byte {
            // `jdbc:sqlserver://host;user=`, `mysql:host=`
            b':' | b'?' => begin = at + 1,
            b'=' => return formats::is_of_connection(part(text, begin, at).trim_ascii()),
            _ => {}
        }
    }
    false
}

/// Where the value that begins at `start` ends, if it stands where only a literal can and is none that says nothing.
pub(crate) fn end(given: &Given<'_>) -> Option<usize> {
    let (scope, start, name) = (&given.scope, given.start, given.name);
    let (kind, style) = (given.kind, given.style);
    let says = match kind {
        Kind::Secret | Kind::Pwd => true,
        Kind::Secrets => !names::names_resources(name),
        Kind::Maybe => value::is_password_name(name),
        _ => false,
    };
    let first = scope.at(start);
    if !says
        // The directory that a command was run in.
        || kind == Kind::Pwd && first == b'/'
        || style.quoted_name
        || first.is_ascii_whitespace()
        || matches!(
            first,
            0 | b'"' | b'\'' | b'`' | b'$' | b'{' | b'(' | b'[' | b'<' | b'|' | b'>'
        )
    {
        return None;
    }
    let end = match (style.equals, style.spaced) {
        (true, true) => line(given).filter(|_| is_in_section(given)),
        (true, false) => connection(given).or_else(|| line(given).filter(|_| is_shouted(name))),
        (false, _) if matches!(first, b'!' | b'&' | b'*') => None,
        (false, true) => line(given).filter(|_| is_shouted(name) || value::is_password_name(name)),
        (false, false) => None,
    }?;
    value::is_literal(scope.part(start, end), name).then_some(end)
}

/// `Server=db;User Id=app;Password=…;`
fn connection(given: &Given<'_>) -> Option<usize> {
    let (scope, start, style) = (&given.scope, given.start, given.style);
    let name = style.name;
    let led = scope.before(scope.back(name, 1, is_blank)) == b';';
    if !led {
        memchr::memchr(b';', scope.part(start, start + NEAR))?;
    }
    let end = scope.ahead(start, NEAR, is_paired);
    if !led && scope.at(end) != b';' {
        return None;
    }
    // The pairs next to it tell.
    let before = || {
        let mut to = name;
        (0..MAX_PAIRS).any(|_| {
            let floor = scope.origin.max(to.saturating_sub(MAX_PAIR));
            let from = run_start(scope.text, to, floor, is_paired);
            let pair = scope.part(from, to);
            to = from.saturating_sub(1);
            is_pair(pair)
        })
    };
    let behind = || {
        let mut from = end + 1;
        (0..MAX_PAIRS).any(|_| {
            let to = scope.ahead(from, MAX_PAIR, is_paired);
            let pair = scope.part(from, to);
            from = to + 1;
            is_pair(pair)
        })
    };
    if end < start + 4 || !before() && !behind() {
        return None;
    }
    // The last one may be followed by the rest of a sentence.
    let closed = matches!(scope.at(end), b';' | b'"' | b'\'' | b'`' | b'<');
    let word = || run_end(scope.text, start, end, |b| !b.is_ascii_whitespace());
    Some(if closed { end } else { word() })
}

/// A line of a file of settings that is a name and a word, and nothing else.
fn line(given: &Given<'_>) -> Option<usize> {
    if !given.style.own_line {
        return None;
    }
    let end = alone(&given.scope, given.start)?;
    let code = matches!(
        given.scope.part(given.start, end).last(),
        Some(b',' | b';' | b')' | b'{' | b'?' | b'\\')
    );
    (!code).then_some(end)
}

/// Whether the head of a section of an ini file stands above a line: `[client]`.
fn is_in_section(given: &Given<'_>) -> bool {
    let is_name = |b: &u8| is_name(*b) && *b != b'[' || *b == b' ';
    let is_head = |line: &[u8]| {
        let inner = line.trim_ascii().strip_prefix(b"[");
        let name = inner.and_then(|line| line.strip_suffix(b"]"));
        name.is_some_and(|name| !name.is_empty() && name.iter().all(is_name))
    };
    let name = given.style.name;
    let above = given
        .scope
        .part(given.scope.origin.max(name.saturating_sub(2 * NEAR)), name);
    above.split(|b| *b == b'\n').any(is_head)
}

/// The end of the one word that the rest of the line is; a comment may follow it.
fn alone(scope: &Scope<'_>, start: usize) -> Option<usize> {
    let end = scope.ahead(start, NEAR, |b| {
        is_token(b) || !b.is_ascii_whitespace() && !matches!(b, b'"' | b'\'' | b'`')
    });
    // A line may end in two characters that stand for its end: `\n`.
    let escape = memchr::memchr_iter(b'\\', scope.part(start, end))
        .map(|n| start + n)
        .find(|at| scope.at(at + 1) == b'n' && is_assignment(scope, at + 2));
    if escape.is_some() {
        return escape;
    }
    let next = scope.ahead(end, 16, is_blank);
    matches!(scope.at(next), 0 | b'#' | b'\n' | b'\r').then_some(end)
}

/// `POSTGRES_PASSWORD`: variables of an environment.
fn is_shouted(name: &[u8]) -> bool {
    name.len() >= 4
        && name
            .iter()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
        && memchr::memchr(b'_', name).is_some()
}

#[cfg(test)]
mod tests {
    use crate::redact::redact_str;

    #[test]
    fn a_bare_word_goes_where_only_a_literal_can_stand() {
        for (text, redacted) in [
            (
                r#"Server=db;User Id=app;Password=tangerine;"#,
                r#"Server=db;User Id=app;Password=[REDACTED_FIELD];"#,
            ),
            (
                r#"host=db user=app password=tangerine dbname=crm"#,
                r#"host=db user=app password=[REDACTED_FIELD] dbname=crm"#,
            ),
            (
                r#"DB_HOST=db1
DB_PASSWORD=tangerine
"#,
                r#"DB_HOST=db1
DB_PASSWORD=[REDACTED_FIELD]
"#,
            ),
        ] {
            assert_eq!(redact_str(text), redacted);
        }
        for text in [
            r#"password: string;"#,
            r#"let password = input;
"#,
        ] {
            assert_eq!(redact_str(text), text);
        }
    }
}
