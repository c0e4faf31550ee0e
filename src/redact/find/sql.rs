//! Passwords in statements of SQL: `IDENTIFIED BY '…'`, `ALTER ROLE ada PASSWORD '…'`.

use crate::redact::catalogue::formats;
use crate::redact::class::Class;
use crate::redact::judge::{name, value};
use crate::redact::kind::Kind;
use crate::redact::read::lex::{closing_quote, is_name};
use crate::redact::read::scope::{Found, Scope};

/// Whether the `=` at `sign` gives a user a password: `SET PASSWORD FOR 'user'@'host' = …`.
pub(crate) fn is_for_user(scope: &Scope<'_>, sign: usize) -> bool {
    let end = scope.back(sign, 4, |b| b == b' ');
    if !matches!(scope.before(end), b'\'' | b'"' | b'`') {
        return false;
    }
    let user = scope.back(end, 96, |b| is_name(b) || b"'\"`@%".contains(&b));
    formats::is_password_for(scope.last(user, 13))
}

/// SQL: a quoted value after a word, `IDENTIFIED BY 'x'`, `PASSWORD 'x'`; `pos` is the opening quote. In double quotes,
/// which sentences have too, only a statement takes one.
pub(crate) fn after_word(scope: &Scope<'_>, pos: usize) -> Option<Found> {
    let gap = scope.back(pos, 3, |b| b == b' ' || b == b'(');
    if gap == pos {
        return None;
    }
    let start = scope.back(gap, 24, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')
    });
    let word = scope.part(start, gap);
    let by = formats::is_identified_by(scope.last(start, 12).trim_ascii(), word);
    let named = word.len() >= 4 && name::judge(word) == Kind::Secret && scope.before(pos) == b' ';
    let quote = scope.at(pos);
    if !(by || named && quote == b'\'') {
        return None;
    }
    let end = closing_quote(scope, pos + 1, quote, 0);
    let value = scope.part(pos + 1, end);
    // `the key in secret 'api-db'`
    let stated = by || value::is_password_name(word) && !word.eq_ignore_ascii_case(b"secret");
    (value.len() >= 3
        && value::is_real(value)
        && (stated || value.iter().any(u8::is_ascii_digit) && !value::is_label(value, word)))
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
                "CREATE USER ada IDENTIFIED BY \"hunter2\"",
                "CREATE USER ada IDENTIFIED BY \"[REDACTED_FIELD]\"",
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
                "SET PASSWORD FOR 'bob' = 'zebra9crossing';",
                "SET PASSWORD FOR 'bob' = '[REDACTED_FIELD]';",
            ),
            (
                "SET PASSWORD FOR 'ada'@'%' = 'hunter2'",
                "SET PASSWORD FOR 'ada'@'%' = '[REDACTED_FIELD]'",
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
            "the key in secret 'api-db'",
        ] {
            assert_eq!(redact_str(text), text);
        }
    }
}
