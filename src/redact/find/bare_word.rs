//! Places where a bare word can only be a literal: connection strings, lines of configuration, maps of YAML.
//!
//! `password: tangerine` is as well a sentence, and `password = MyDogRex` a variable. What stands around it decides:
//! a connection string refers to nothing, and neither does a file whose other lines hold literals.

use crate::redact::catalogue::formats;
use crate::redact::judge::style::Given;
use crate::redact::judge::{code, value};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{at, is_paired, part, rest, run_end, run_start};
use crate::redact::read::lex::{is_blank, is_name};
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
    let Given {
        ref scope,
        start,
        name,
        kind,
        style,
    } = *given;
    let says = match kind {
        Kind::Secret | Kind::Pwd => true,
        Kind::Secrets => !name.ends_with(b"ecrets"),
        Kind::Maybe => rest(name, name.len().saturating_sub(4)).eq_ignore_ascii_case(b"pass"),
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
        (true, true) => section(given),
        (true, false) => connection(given).or_else(|| setting(given)),
        (false, _) if matches!(first, b'!' | b'&' | b'*') => None,
        (false, true) => line(given),
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

/// A line of a file of settings: `DB_PASSWORD=…`.
fn setting(given: &Given<'_>) -> Option<usize> {
    let (scope, start, name, style) = (&given.scope, given.start, given.name, given.style);
    if !style.own_line {
        return None;
    }
    let end = alone(scope, start)?;
    let code = matches!(
        scope.part(start, end).last(),
        Some(b',' | b';' | b')' | b'{' | b'\\')
    );
    (!code && (is_shouted(name) || beside(given, end, |line| is_setting(line, b'='))))
        .then_some(end)
}

/// A line of a section of an ini file, whose head stands above it: `[client]`.
fn section(given: &Given<'_>) -> Option<usize> {
    let (scope, start, style) = (&given.scope, given.start, given.style);
    if !style.own_line {
        return None;
    }
    let end = alone(scope, start)?;
    let floor = scope.origin.max(style.name.saturating_sub(2 * NEAR));
    let is_head = |line: &[u8]| {
        let line = line.trim_ascii();
        line.strip_prefix(b"[")
            .and_then(|line| line.strip_suffix(b"]"))
            .is_some_and(|name| {
                !name.is_empty() && name.iter().all(|b| is_name(*b) && *b != b'[' || *b == b' ')
            })
    };
    scope
        .part(floor, style.name)
        .split(|b| *b == b'\n')
        .any(is_head)
        .then_some(end)
}

/// A line of YAML.
fn line(given: &Given<'_>) -> Option<usize> {
    let (scope, start, name, style) = (&given.scope, given.start, given.name, given.style);
    if !style.own_line {
        return None;
    }
    let end = alone(scope, start)?;
    let code = matches!(
        scope.part(start, end).last(),
        Some(b',' | b';' | b')' | b'{' | b'?')
    );
    (!code
        && (is_shouted(name)
            || beside(given, end, |line| is_setting(line, b':'))
            || value::is_password_name(name) && !beside(given, end, is_declaration)))
    .then_some(end)
}

/// Where the line that `pos` stands on begins, or what is looked at of it.
fn line_start(scope: &Scope<'_>, pos: usize) -> usize {
    let floor = scope.origin.max(pos.saturating_sub(NEAR));
    memchr::memrchr(b'\n', scope.part(floor, pos)).map_or(floor, |n| floor + n + 1)
}

/// The end of the one word that the rest of the line is; a comment may follow it.
fn alone(scope: &Scope<'_>, start: usize) -> Option<usize> {
    let end = scope.ahead(start, NEAR, |b| {
        !b.is_ascii_whitespace() && !matches!(b, b'"' | b'\'' | b'`')
    });
    let next = scope.ahead(end, 16, is_blank);
    let comment = next > end && scope.at(next) == b'#';
    (comment || matches!(scope.at(next), 0 | b'\n' | b'\r')).then_some(end)
}

/// `POSTGRES_PASSWORD`: variables of an environment.
fn is_shouted(name: &[u8]) -> bool {
    name.len() >= 4
        && name
            .iter()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
        && memchr::memchr(b'_', name).is_some()
}

/// Whether the line above or below is as far indented and is one of these.
fn beside(given: &Given<'_>, end: usize, is: impl Fn(&[u8]) -> bool) -> bool {
    let (scope, start) = (&given.scope, given.start);
    let text = scope.text;
    let begin = line_start(scope, given.style.name);
    let indent = scope.part(begin, given.style.name);
    let same = |line: &[u8]| {
        let lead = line
            .iter()
            .take_while(|b| is_blank(**b) || **b == b'-')
            .count();
        lead == indent.len() && is(rest(line, lead))
    };
    let above = begin > scope.origin && same(scope.part(line_start(scope, begin - 1), begin - 1));
    above || {
        let limit = scope.to.min(start + 2 * NEAR);
        let next = run_end(text, end, limit, |b| b != b'\n') + 1;
        let to = scope.ahead(next, NEAR, |b| b != b'\n');
        same(scope.part(next, to))
    }
}

/// Whether a line says of what type something is: `name: String`.
fn is_declaration(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let line = line
        .strip_suffix(b",")
        .or_else(|| line.strip_suffix(b";"))
        .unwrap_or(line);
    memchr::memchr(b':', line).is_some_and(|sign| {
        let value = rest(line, sign + 1).trim_ascii();
        code::is_type(value.strip_suffix(b"!").unwrap_or(value))
    })
}

/// Whether a line assigns something that is no type and no expression.
fn is_setting(line: &[u8], sign: u8) -> bool {
    let line = line.trim_ascii();
    let name = line.iter().take_while(|b| is_name(**b)).count();
    if name < 2 || at(line, name) != sign {
        return false;
    }
    let value = rest(line, name + 1);
    if sign == b'=' {
        return !value.is_empty()
            && !is_blank(at(value, 0))
            && !matches!(value.last(), Some(b',' | b';' | b')' | b'(' | b'{'));
    }
    if value.is_empty() {
        return !matches!(
            part(line, 0, name),
            b"else" | b"try" | b"finally" | b"default"
        );
    }
    let value = value.trim_ascii();
    let first = at(value, 0);
    let code = matches!(
        value.last(),
        Some(b',' | b';' | b'{' | b'(' | b'[' | b')' | b'}' | b'?' | b'!')
    ) || memchr::memchr2(b'=', b'(', value).is_some()
        && memchr::memchr(b'/', value).is_none();
    let word = value.iter().all(|b| {
        b.is_ascii_lowercase()
            || b.is_ascii_digit()
            || matches!(b, b'-' | b'_' | b'.' | b'/' | b':')
    });
    !code
        && is_blank(at(line, name + 1))
        && (first.is_ascii_digit()
            || matches!(first, b'"' | b'\'' | b'/')
            || matches!(value, b"true" | b"false" | b"yes" | b"no")
            || word && !code::is_type(value))
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
