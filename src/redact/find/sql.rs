//! Passwords in statements of SQL and files of databases: `IDENTIFIED BY '…'`, `db.example.com:5432:shop:ada:…`.

use crate::redact::catalogue::{formats, names};
use crate::redact::class::Class;
use crate::redact::judge::{name, value};
use crate::redact::kind::Kind;
use crate::redact::read::lex::{Name, closing_quote, is_name};
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

/// The name of a variable whose type, with its length, ends at `end`: `DECLARE @password NVARCHAR(50) = `.
pub(crate) fn declared<'a>(scope: &Scope<'a>, end: usize) -> Option<Name<'a>> {
    let end = scope.back(end, 4, |b| b == b' ');
    let close = end.checked_sub(1).filter(|_| scope.before(end) == b')')?;
    let open = scope.back(close, 8, |b| b.is_ascii_alphanumeric() || b == b',');
    let of_type = scope.back(open.checked_sub(1)?, 16, |b| b.is_ascii_alphanumeric());
    let name = scope.back(of_type, 2, |b| b == b' ');
    let start = scope.back(name, 48, is_name);
    (scope.before(open) == b'(' && start < name && name < of_type && of_type + 1 < open).then(
        || Name {
            start,
            text: scope.part(start, name),
            quoted: false,
        },
    )
}

/// The password of a line in a file of passwords, `host:port:database:user:password`, where the colon behind the user
/// stands at `sign`.
pub(crate) fn of_passfile(scope: &Scope<'_>, user: &Name<'_>, sign: usize) -> Option<Found> {
    if scope.before(user.start) != b':' {
        return None;
    }
    let line = scope.back(sign, 160, |b| b.is_ascii_graphic());
    if line > scope.origin && scope.before(line) != b'\n' {
        return None;
    }
    let mut fields = scope.part(line, sign).split(|b| *b == b':');
    let is_port = |port: &[u8]| {
        port == b"*" || (2..=5).contains(&port.len()) && port.iter().all(u8::is_ascii_digit)
    };
    let (host, port) = (fields.next()?, fields.next()?);
    let is_host = !host.is_empty() && !host.iter().all(u8::is_ascii_digit);
    let end = scope.ahead(sign + 1, 128, |b| b.is_ascii_graphic() && b != b':');
    let value = scope.part(sign + 1, end);
    (is_host
        && is_port(port)
        && fields.count() == 2
        && matches!(scope.at(end), 0 | b'\n' | b'\r')
        && value::is_literal(value, b""))
    .then(|| Found::new(sign + 1, end, Class::Field))
}

/// Whether a statement says that a user is identified by the word at `start`, without quotes.
pub(crate) fn follows_identified(scope: &Scope<'_>, start: usize) -> bool {
    let by = scope.last(start, 4).trim_ascii();
    formats::is_identified_by(scope.last(start.saturating_sub(4), 12).trim_ascii(), by)
}

/// Whether a statement says with what a user is identified before the `BY` at `by`.
fn is_identified_with(scope: &Scope<'_>, by: usize) -> bool {
    let end = scope.back(by, 1, |b| b == b' ');
    let start = scope.back(end, 40, |b| is_name(b) || matches!(b, b'\'' | b'"' | b'`'));
    start < end && formats::is_identified_with(scope.last(start, 16))
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
    let by = formats::is_identified_by(scope.last(start, 12).trim_ascii(), word)
        || word.eq_ignore_ascii_case(b"by") && is_identified_with(scope, start);
    let named = word.len() >= 4 && name::judge(word) == Kind::Secret && scope.before(pos) == b' ';
    let quote = scope.at(pos);
    if !(by || named && quote == b'\'') {
        return None;
    }
    let end = closing_quote(scope, pos + 1, quote, 0);
    let value = scope.part(pos + 1, end);
    // `the key in secret 'api-db'`
    let stated = by || value::is_password_name(word) && !names::is_secret(word);
    (value.len() >= 3
        && value::is_real(value)
        && !value::is_reference(value)
        && (stated || value.iter().any(u8::is_ascii_digit) && !value::is_label(value, word)))
    .then(|| Found::new(pos + 1, end, Class::Field))
}

#[cfg(test)]
mod tests {
    use crate::redact::redact_str;
    use crate::redact::tests::{leaves, marked};

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
                "CREATE USER ada IDENTIFIED WITH caching_sha2_password BY 'two words' REQUIRE SSL",
                "CREATE USER ada IDENTIFIED WITH caching_sha2_password BY '[REDACTED_FIELD]' REQUIRE SSL",
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
    fn the_password_of_a_line_in_a_file_of_passwords_goes() {
        marked(&[
            "db.example.com:5432:shop:ops:{}",
            "create user hr identified by {} default tablespace users;",
            "*:*:*:postgres:{}\ndb:5432:*:bob:x",
        ]);
        leaves(&[
            "12:5432:shop:ops:hunter2xK9",
            "MD5:65:96:2d:fc:e8:d5:a9:11:64:0c",
            "db:5432:ops:hunter2xK9",
            "at db:5432:shop:ops:hunter2xK9 of",
        ]);
    }

    #[test]
    fn other_literals_of_statements_stay() {
        for text in [
            "SELECT password FROM users WHERE name = 'ada7'",
            "PASSWORD '${PW}'",
            "ORDER BY 'name1'",
            "CREATE USER x IDENTIFIED WITH ldap_simple AS 'cn=x1'",
            "CREATE USER x IDENTIFIED WITH 'auth_socket'",
            "grouped with sha2 by 'week 12'",
            "GROUP WITH rollup BY 'week 12'",
            "SELECT identified_with FROM t ORDER BY 'week 12'",
            "the key in secret 'api-db'",
        ] {
            assert_eq!(redact_str(text), text);
        }
    }
}
