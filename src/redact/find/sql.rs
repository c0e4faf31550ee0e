//! Passwords in statements of SQL: `IDENTIFIED BY '…'`, `SET PASSWORD FOR 'user' = …`.

use crate::redact::class::Class;
use crate::redact::judge::{name, value};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, has_word_at};
use crate::redact::read::lex::{MAX_JUDGED, closing_quote, is_name};
use crate::redact::read::scope::{Found, Scope};

/// `SET PASSWORD FOR 'user' = …`
pub(crate) fn follows_password_for(scope: &Scope<'_>, name: usize) -> bool {
    // `'user'@'host'`
    let name = if name >= scope.from + 2 && scope.part(name - 2, name - 1) == b"@" {
        let user = name.saturating_sub(3);
        scope.back(user, 64, |b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')
        })
    } else {
        name
    };
    has_word_at(scope.text, name.saturating_sub(14), b"password for ") && name >= scope.from + 14
}

/// SQL: a quoted value after a word, `IDENTIFIED BY 'x'`, `PASSWORD 'x'`; `pos` is the opening quote.
pub(crate) fn after_word(scope: &Scope<'_>, pos: usize) -> Option<Found> {
    let gap = scope.back(pos, 3, |b| b == b' ' || b == b'(');
    if gap == pos {
        return None;
    }
    let start = scope.back(gap, 24, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')
    });
    // `SELECT '…' AS token`
    let close =
        memchr::memchr(b'\'', scope.part(pos + 1, pos + 1 + MAX_JUDGED)).map_or(0, |n| pos + 1 + n);
    if close > pos && has_word_at(scope.text, close + 1, b" as ") {
        let end = scope.ahead(close + 5, 59, is_name);
        let value = scope.part(pos + 1, close);
        if name::judge(scope.part(close + 5, end)) == Kind::Secret
            && value.iter().any(u8::is_ascii_digit)
            && value::is_real(value)
        {
            return Some(Found::new(pos + 1, close, Class::Field));
        }
    }
    let word = scope.part(start, gap);
    let by = word == b"BY" && {
        let end = scope.back(start, 2, |b| b == b' ');
        scope
            .part(end.saturating_sub(10), end)
            .eq_ignore_ascii_case(b"identified")
    } || word == b"by"
        && scope
            .part(start.saturating_sub(11), start)
            .eq_ignore_ascii_case(b"identified ")
        && bytes::find(scope.last(start, 80), b"user ").is_some();
    let named = word.len() >= 4 && name::judge(word) == Kind::Secret && scope.before(pos) == b' ';
    if !(by || named) {
        return None;
    }
    let end = closing_quote(scope, pos + 1, b'\'', 0);
    let value = scope.part(pos + 1, end);
    let secret =
        by || word.eq_ignore_ascii_case(b"password") || value.iter().any(u8::is_ascii_digit);
    let stated = by || word.eq_ignore_ascii_case(b"password");
    (secret
        && value.len() >= 3
        && value::is_real(value)
        && (stated || !value::is_label(value, word)))
    .then(|| Found::new(pos + 1, end, Class::Field))
}

#[cfg(test)]
mod tests {
    use crate::redact::redact_str;

    #[test]
    fn passwords_of_statements_go() {
        for (text, redacted) in [
            (
                "CREATE USER ada IDENTIFIED BY 'hunter2'",
                "CREATE USER ada IDENTIFIED BY '[REDACTED_FIELD]'",
            ),
            (
                "ALTER ROLE ada PASSWORD 'hunter2'",
                "ALTER ROLE ada PASSWORD '[REDACTED_FIELD]'",
            ),
            (
                "SET PASSWORD FOR 'ada'@'localhost' = 'hunter2'",
                "SET PASSWORD FOR 'ada'@'localhost' = '[REDACTED_FIELD]'",
            ),
            (
                "SELECT 'a1b2c3' AS token",
                "SELECT '[REDACTED_FIELD]' AS token",
            ),
        ] {
            assert_eq!(redact_str(text), redacted);
        }
    }

    #[test]
    fn other_literals_of_statements_stay() {
        for text in [
            "SELECT password FROM users WHERE name = 'ada7'",
            "PASSWORD '${PW}'",
            "ORDER BY 'name1'",
            "SELECT 'a' AS token",
        ] {
            assert_eq!(redact_str(text), text);
        }
    }
}
