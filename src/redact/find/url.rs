//! Passwords inside of URLs.

use crate::redact::catalogue::{formats, webhooks, words};
use crate::redact::class::Class;
use crate::redact::judge::random::MIN_OPAQUE;
use crate::redact::judge::{placeholder, random, value};
use crate::redact::read::bytes::{self, run_end, run_start};
use crate::redact::read::scope::{Found, Scope};

/// No password has more `@` in it; a hostile text has them everywhere.
const MAX_SIGNS: usize = 8;
/// So much says before a user that an address is one of Oracle.
const MAX_DRIVER: usize = 20;
/// The last part of that is no longer.
const MAX_DRIVER_NAME: usize = 4;
/// So far into a path a link has its token.
const MAX_LINK: usize = 256;
/// A longer user or password is none.
const MAX_CUT: usize = 128;
/// A longer host is none, and neither is a port in words.
const MAX_HOST: usize = 254;

/// Signs of one address, from the first to the last, behind which nothing stands that is surely a host. A hostile text has
/// addresses one in another, and each would ask for the same signs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bare {
    first: usize,
    last: usize,
}

/// The password in `scheme://user:password@host`, where `pos` is the colon before `//`. Passwords may hold any of
/// `@ : / #`, which their writers forgot to encode: it ends at the last `@` that a host follows.
pub(crate) fn userinfo(scope: &Scope<'_>, pos: usize, bare: &mut Bare) -> Option<Found> {
    let scheme = run_start(scope.text, pos, scope.from, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-')
    });
    if scheme == pos {
        return None;
    }
    let authority = pos + 3;
    let limit = scope.to.min(authority + 320);
    let user = run_end(scope.text, authority, limit, |b| {
        !b.is_ascii_whitespace()
            && !matches!(
                b,
                b'/' | b'?' | b'#' | b'@' | b':' | b'"' | b'\'' | b'<' | b'>' | b'`' | b','
            )
    });
    if scope.at(user) == b'@' {
        return token(scope, (scheme, pos), authority, user);
    }
    if scope.at(user) != b':' {
        return None;
    }
    let start = user + 1;
    memchr::memchr(b'@', scope.part(start, limit))?;
    // A port and a path are no password.
    let port = run_end(scope.text, start, limit, |b| b.is_ascii_digit());
    if port > start
        && port - start <= 5
        && scope.at(port) != b'@'
        && matches!(scope.at(port), b'/' | b'?' | b'#' | 0 | b' ' | b'"')
    {
        return None;
    }
    let at = last_sign(scope, start, limit, bare)?;
    let password = scope.part(start, at);
    let documented = words::is_documented(scope.part(authority, user), password)
        && formats::is_example(scope.part(at + 1, limit));
    if placeholder::is_mark(password) || placeholder::is_placeholder(password) || documented {
        // Nothing to hide, and what stands on both sides of the `@` is no address.
        return Some(Found::new(at + 1, at + 1, Class::Password));
    }
    Some(Found::new(start, at, Class::Password))
}

/// The `@` that a password ends at which begins at `start`: the first before something like a host, unless that is a
/// bare word and a better host follows.
fn last_sign(scope: &Scope<'_>, start: usize, limit: usize, bare: &mut Bare) -> Option<usize> {
    // A query has addresses of its own, and no `#` follows a bare word that is a host: `user:p@ss#word@host`.
    let hashed = |last: usize| {
        let end = run_end(scope.text, last + 1, limit, |b| b.is_ascii_alphanumeric());
        scope.at(end) == b'#'
    };
    let mut at = None;
    let mut search = start;
    let mut signs = Bare::default();
    for count in 0..MAX_SIGNS {
        // No sign counts behind what is no part of an address, such as those of the next URL.
        let next = bytes::authority_end(scope.text, search, limit);
        if next >= limit || scope.at(next) != b'@' {
            break;
        }
        if count == 0 {
            signs.first = next;
        }
        signs.last = next;
        if next > start
            && let Some(good) = host(scope, next + 1)
        {
            let better = at.is_none_or(|(last, is_hashed)| {
                (good || is_hashed) && memchr::memchr(b'?', scope.part(last, next)).is_none()
            });
            if better {
                at = Some((next, !good && hashed(next)));
            }
            if good {
                return at.map(|(last, _)| last);
            }
        }
        search = next + 1;
        // Behind this sign only a good host makes another one the last.
        if matches!(at, Some((_, false))) && (bare.first..bare.last).contains(&next) {
            signs.last = bare.last;
            search = bare.last + 1;
        }
    }
    *bare = signs;
    at.map(|(last, _)| last)
}

/// A token in place of the user: `https://TOKEN@host`, between `start` and the `@` at `end`.
fn token(scope: &Scope<'_>, scheme: (usize, usize), start: usize, end: usize) -> Option<Found> {
    let user = scope.part(start, end);
    // The public key of a service for errors reports them and reads nothing: its path is the number of a project.
    let host = scope.ahead(end + 1, 254, |b| bytes::is_domain(b) || b == b':');
    let project = scope.run(host + 1, |b| b.is_ascii_digit());
    let is_dsn = user.iter().all(u8::is_ascii_hexdigit)
        && scope.at(host) == b'/'
        && project > host + 1
        && !scope.at(project).is_ascii_alphanumeric();
    let takes = user.len() >= 12
        && !is_dsn
        && (random::is_strong(user) || is_unnamed(user))
        && !placeholder::is_placeholder(user)
        && !scope.part(scheme.0, scheme.1).ends_with(formats::SHELL)
        && memchr::memchr(b'.', user).is_none();
    takes.then(|| Found::new(start, end, Class::Password))
}

/// Whether a user is no one's name: a long word with digits all over it.
fn is_unnamed(user: &[u8]) -> bool {
    let digits = bytes::digits(user);
    let letters = user.iter().filter(|b| b.is_ascii_alphabetic()).count();
    user.len() >= 16
        && digits >= 3
        && letters >= 6
        && !user.contains(&b'_')
        && !user.contains(&b'-')
}

/// `user:password@tcp(host:port)/database` of Go's drivers, where `at` is the `@`.
pub(crate) fn database(scope: &Scope<'_>, at: usize) -> Option<Found> {
    if !formats::is_network(scope.part(at + 1, at + 6)) {
        return None;
    }
    let start = scope.back(at, 96, |b| {
        !b.is_ascii_whitespace() && !matches!(b, b'"' | b'\'' | b'`' | b'<' | b'>' | b'=' | b',')
    });
    let colon = memchr::memchr(b':', scope.part(start, at))?;
    password(scope, start + colon + 1, at)
}

/// `jdbc:oracle:thin:user/password@…`, where the user begins at `user` behind the colon of a name.
pub(crate) fn of_oracle(scope: &Scope<'_>, name: &[u8], user: usize) -> Option<Found> {
    // Most names are longer, and what stands before them is not compared.
    if name.len() > MAX_DRIVER_NAME {
        return None;
    }
    let driver = scope.last(user, MAX_DRIVER);
    if !formats::ORACLE.iter().any(|known| driver.ends_with(known)) {
        return None;
    }
    let is_of_it = |b: u8| !b.is_ascii_whitespace() && !matches!(b, b'"' | b'\'' | b'@');
    let at = scope.ahead(user, MAX_CUT, is_of_it);
    let slash = memchr::memchr(b'/', scope.part(user, at))?;
    (scope.at(at) == b'@')
        .then(|| password(scope, user + slash + 1, at))
        .flatten()
}

fn password(scope: &Scope<'_>, start: usize, end: usize) -> Option<Found> {
    let value = scope.part(start, end);
    value::is_real(value).then(|| Found::new(start, end, Class::Password))
}

/// The path of a webhook, where `pos` is the colon before `//`.
pub(crate) fn webhook_at(scope: &Scope<'_>, host_start: usize) -> Option<Found> {
    let host_end = scope.ahead(host_start, 100, bytes::is_domain);
    let host = scope.part(host_start, host_end);
    if scope.at(host_end) != b'/' {
        return None;
    }
    let path = webhooks::beginning(host, bytes::rest(scope.text, host_end))?;
    let start = host_end + path.len();
    let end = scope.run(start, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'@' | b'.' | b'%')
    });
    let end = run_start(scope.text, end, start, |b| b == b'.');
    (end - start >= 12
        && scope.part(start, end).iter().any(u8::is_ascii_digit)
        && !placeholder::is_placeholder(scope.part(start, end)))
    .then(|| Found::new(start, end, webhooks::CLASS))
}

/// What lets whoever opens an address in, as a segment behind a word that says so: `https://example.com/reset/…`. The
/// host begins at `host`.
pub(crate) fn link(scope: &Scope<'_>, host: usize) -> Option<Found> {
    let path = scope.ahead(host, 100, |b| bytes::is_domain(b) || b == b':');
    let end = scope.ahead(path, MAX_LINK, |b| bytes::is_token(b) || b == b'/');
    let mut at = path;
    let mut before: &[u8] = b"";
    for segment in scope.part(path, end).split(|b| *b == b'/') {
        if segment.len() >= MIN_OPAQUE && words::lets_in(before) && random::is_opaque(segment) {
            return Some(Found::new(at, at + segment.len(), Class::Key));
        }
        before = segment;
        at += segment.len() + 1;
    }
    // `https://example.com/magic?t=…`
    if scope.at(end) != b'?' || !words::lets_in(before) {
        return None;
    }
    let sign = scope.ahead(end + 1, 16, bytes::is_token);
    let token = scope.ahead(sign + 1, MAX_LINK, bytes::is_token);
    (scope.at(sign) == b'=' && random::is_opaque(scope.part(sign + 1, token)))
        .then(|| Found::new(sign + 1, token, Class::Key))
}

/// The password of a database's address that was cut behind it: `postgres://bob:…`, without the host.
pub(crate) fn cut(scope: &Scope<'_>, pos: usize) -> Option<Found> {
    let floor = scope.from.max(pos.saturating_sub(16));
    let scheme = run_start(scope.text, pos, floor, |b| {
        b.is_ascii_alphanumeric() || b == b'+'
    });
    if !words::is_of_database(scope.part(scheme, pos)) {
        return None;
    }
    let user = pos + 3;
    let sign = scope.ahead(user, MAX_CUT, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'%')
    });
    let start = sign + 1;
    let end = scope.ahead(start, MAX_CUT, |b| {
        !b.is_ascii_whitespace()
            && !matches!(
                b,
                b'"' | b'\'' | b'`' | b'/' | b'@' | b'<' | b'>' | b',' | b';'
            )
    });
    let end = run_start(scope.text, end, start, |b| b == b'.');
    let password = scope.part(start, end);
    let is_hosted = scope.at(end) == b'@' && host(scope, end + 1).is_some();
    let digits = bytes::digits(password);
    // A port has five digits at most, and a variable that names one has none.
    let is_word = password.iter().any(u8::is_ascii_lowercase) || digits > 0;
    (scope.at(sign) == b':'
        && scope.at(end) != b'/'
        && !is_hosted
        && password.len() >= 3
        && is_word
        && (digits < password.len() || digits > 5)
        && scope.part(user, sign) != formats::LOCALHOST
        && memchr::memchr(b'.', scope.part(user, sign)).is_none()
        && !words::is_documented(scope.part(user, sign), password)
        && value::is_real(password))
    .then(|| Found::new(start, end, Class::Password))
}

/// Whether there is a host at `from`: `Some(true)` for one with a dot, a port or a bracket, `Some(false)` for a
/// bare word.
fn host(scope: &Scope<'_>, from: usize) -> Option<bool> {
    if matches!(scope.at(from), b'$' | b'{' | b'<' | b'%' | b'[') {
        // `${HOST}`, `{host}`, `<host>` and addresses in brackets are hosts too.
        return Some(true);
    }
    let mut has_dot = false;
    let limit = scope.to.min(from + MAX_HOST);
    let end = run_end(scope.text, from, limit, |b| {
        has_dot |= b == b'.';
        bytes::is_domain(b) || b == b'_'
    });
    if end == from {
        return matches!(scope.at(from), b'/').then_some(false);
    }
    let mut good = has_dot || scope.part(from, end) == formats::LOCALHOST;
    let mut after = end;
    if scope.at(end) == b':' {
        after = run_end(scope.text, end + 1, limit, |b| {
            b.is_ascii_digit() || matches!(b, b'$' | b'{' | b'}')
        });
        if after == end + 1 {
            return (after >= limit || matches!(scope.at(after), b'/' | b',')).then_some(good);
        }
        good = true;
    }
    let is_end = |byte: u8| {
        matches!(
            byte,
            b'/' | b'?' | b'#' | b',' | b';' | b')' | b']' | b'}' | b'\'' | b'\\' | b'.' | b'*'
        ) || matches!(
            byte,
            b'|' | b'&'
                | b'%'
                | b':'
                | b'_'
                | b' '
                | b'"'
                | b'`'
                | b'<'
                | b'>'
                | b'\n'
                | b'\r'
                | b'\t'
        )
    };
    (after >= limit || is_end(scope.at(after))).then_some(good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::redact_str;
    use crate::redact::tests::{leaves, redacts};

    #[test]
    fn what_is_remembered_of_signs_changes_nothing() {
        let address = format!("https://user:{}@", "p".repeat(35));
        let part = address.repeat(12);
        let text = format!("{part}db.example.com/x {part}");
        let scope = Scope {
            text: text.as_bytes(),
            from: 0,
            to: text.len(),
            origin: 0,
        };
        let mut bare = Bare::default();
        let mut last = |start| {
            let limit = scope.to.min(start + 320);
            let found = last_sign(&scope, start, limit, &mut bare);
            assert_eq!(found, last_sign(&scope, start, limit, &mut Bare::default()));
            found
        };
        let starts = text.match_indices(":p").map(|(colon, _)| colon + 1);
        let lasts: Vec<_> = starts.map(&mut last).collect();
        let reach = lasts.iter().filter(|at| **at == text.find("@db.")).count();
        assert_eq!(reach, 6);
    }

    #[test]
    fn the_token_of_a_link_that_lets_in_goes() {
        let with = |token: &str| format!("https://example.com:8080/app/reset-password/{token}?x=1");
        redacts(&[
            (&with("a8Fk29dLq0Zx7Bn4Vm1C"), &with("[REDACTED_KEY]")),
            (
                "https://example.com/magic?t=a8Fk29dLq0Zx7Bn4Vm1C",
                "https://example.com/magic?t=[REDACTED_KEY]",
            ),
        ]);
        leaves(&[
            "https://example.com/reset/of-your-password",
            "https://example.com/items/a8Fk29dLq0Zx7Bn4Vm1C",
        ]);
    }

    #[test]
    fn a_password_behind_a_slash_goes_in_addresses_of_oracle() {
        for address in ["db.example.com:1521:orcl", "//db.example.com:1521/orcl"] {
            let with = |password: &str| format!("jdbc:oracle:thin:scott/{password}@{address}");
            redacts(&[(&with("t1gerK9x"), &with("[REDACTED_PASSWORD]"))]);
        }
        leaves(&["jdbc:oracle:thin:@//db.example.com:1521/orcl"]);
    }

    #[test]
    fn a_password_goes_where_nothing_but_the_sign_follows() {
        for text in [
            "postgres://bob:{}@",
            "{\"dsn\":\"mysql://root:{}@\"}",
            "mysql://root:{}",
        ] {
            for password in ["QW3RT9KL7MZ", "48291375620", "hunter2xK9"] {
                let with = |value: &str| text.replace("{}", value);
                redacts(&[(&with(password), &with("[REDACTED_PASSWORD]"))]);
            }
        }
        leaves(&[
            "postgres://db:5432",
            "mysql://db:PORT",
            "redis://cache:6379/0",
        ]);
    }

    #[test]
    fn a_password_that_a_cut_left_without_its_host_goes() {
        for text in [
            "DATABASE_URL=postgres://bob:{}",
            "connect to mysql://root:{} failed",
            "redis://:{}",
            "url: \"amqp://app:{}\"",
            "mongodb+srv://app:{}...",
        ] {
            let with = |value: &str| text.replace("{}", value);
            redacts(&[(&with("hunter2xK9"), &with("[REDACTED_PASSWORD]"))]);
        }
    }

    #[test]
    fn a_token_in_the_place_of_the_user_goes() {
        for text in [
            "git clone https://{}@git.example.com/x.git",
            "remote: http://{}@10.0.0.7:3000/a",
        ] {
            let with = |value: &str| text.replace("{}", value);
            redacts(&[(&with("a8Fk39dkQ02ms8Gk20dk"), &with("[REDACTED_PASSWORD]"))]);
        }
        leaves(&[
            "git clone https://deploy-bot@git.example.com/x.git",
            "git clone ssh://a8Fk39dkQ02ms8Gk20dk@git.example.com/x.git",
            "https://0a1b2c3d4e5f60718293a4b5c6d7e8f9@errors.example.com/4505",
            "https://YOUR_TOKEN_GOES_HERE@git.example.com/x.git",
        ]);
    }

    #[test]
    fn hosts_and_ports_stay() {
        leaves(&[
            "redis://cache:6379",
            "postgres://db.internal:pgport",
            "mysql://localhost:port",
            "postgres://user:password",
            "redis://cache:PORT/0",
            "amqp://app:${PASSWORD}",
            "https://app:hunter2xK9",
        ]);
    }

    #[test]
    fn a_webhook_needs_no_scheme() {
        let path = ["T0AB1CD2E", "B0AB1CD2E", "x7Yz8Wv9Ut1Sr2Qp3On4Ml5K"].join("/");
        let with = |value: &str| format!("post to hooks.slack.com/services/{value} daily");
        redacts(&[(&with(&path), &with("[REDACTED_KEY]"))]);
        leaves(&["see docs.example.com/services/T0AB1CD2E/v2"]);
    }

    #[test]
    fn the_password_of_a_url_goes() {
        for (text, redacted) in [
            (
                r#"postgres://app:p@ss/w#rd@db.example.com/x"#,
                r#"postgres://app:[REDACTED_PASSWORD]@db.example.com/x"#,
            ),
            (
                r#"mysql://r:p@ssw0rd#77Kq@h/db"#,
                r#"mysql://r:[REDACTED_PASSWORD]@h/db"#,
            ),
            (
                r#"redis://a:tangerine@cache/0 amqp://b:hunter2xK9@mq.example.com/x"#,
                r#"redis://a:[REDACTED_PASSWORD]@cache/0 amqp://b:[REDACTED_PASSWORD]@mq.example.com/x"#,
            ),
            (
                r#"app:tangerine@tcp(db:3306)/shop"#,
                r#"app:[REDACTED_PASSWORD]@tcp(db:3306)/shop"#,
            ),
            (
                r#"https://hooks.zapier.com/hooks/catch/123456/abcdef7/"#,
                r#"https://hooks.zapier.com/hooks/catch/[REDACTED_KEY]"#,
            ),
        ] {
            assert_eq!(redact_str(text), redacted);
        }
        for text in [
            r#"https://example.com:8080/a@b"#,
            r#"https://user:password@example.com/"#,
            r#"https://make.com/en/pricing-2026-for-teams"#,
        ] {
            assert_eq!(redact_str(text), text);
        }
    }
}
