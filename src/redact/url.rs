//! Passwords inside of URLs.

use super::bytes::{run_end, run_start};
use super::class::Class;
use super::text::{Found, Scope};
use super::values;

/// The password in `scheme://user:password@host`, where `pos` is the colon before `//`. Passwords may hold any of
/// `@ : / #`, which their writers forgot to encode: it ends at the last `@` that a host follows.
pub(super) fn userinfo(scope: &Scope<'_>, pos: usize) -> Option<Found> {
    let scheme = run_start(scope.text, pos, scope.from, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-')
    });
    if scheme == pos {
        return None;
    }
    let authority = pos + 3;
    let limit = scope.to.min(authority + 2048);
    let user = run_end(scope.text, authority, limit, |b| {
        !b.is_ascii_whitespace()
            && !matches!(
                b,
                b'/' | b'?' | b'#' | b'@' | b':' | b'"' | b'\'' | b'<' | b'>' | b'`' | b','
            )
    });
    if scope.at(user) != b':' {
        return None;
    }
    let start = user + 1;
    // A port and a path are no password.
    let port = run_end(scope.text, start, limit, |b| b.is_ascii_digit());
    if port > start
        && port - start <= 5
        && scope.at(port) != b'@'
        && matches!(scope.at(port), b'/' | b'?' | b'#' | 0 | b' ' | b'"')
    {
        return None;
    }
    let end = run_end(scope.text, start, limit, |b| {
        !b.is_ascii_whitespace() && !matches!(b, b'"' | b'<' | b'>' | b'`')
    });
    // The last `@` before something like a host. The first one that a plain host and the end of the authority
    // follow is enough when the rest is a path or query with an `@` of its own.
    let mut at = None;
    let mut search = start;
    while let Some(next) = memchr::memchr(b'@', scope.part(search, end)).map(|n| search + n) {
        if next > start && is_host(scope, next + 1, end) {
            let closed = memchr::memchr3(b'/', b'?', b'#', scope.part(start, next)).is_none();
            if at.is_none() || closed || !has_path_before(scope, at.unwrap_or(next) + 1, next) {
                at = Some(next);
            }
        }
        search = next + 1;
    }
    let at = at?;
    let password = scope.part(start, at);
    if values::is_mark(password) || values::is_placeholder(password) {
        return None;
    }
    Some(Found::new(start, at, Class::Password))
}

/// Whether there is a host and then a slash between two positions: what follows is a path.
fn has_path_before(scope: &Scope<'_>, from: usize, to: usize) -> bool {
    let host = run_end(scope.text, from, to, is_host_byte);
    host > from && host < to && matches!(scope.at(host), b'/' | b'?' | b'#')
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']' | b'%')
        || byte >= 0x80
}

fn is_host(scope: &Scope<'_>, from: usize, limit: usize) -> bool {
    let end = run_end(scope.text, from, limit, is_host_byte);
    // `${HOST}`, `{host}` and `<host>` are hosts too.
    end > from || matches!(scope.at(from), b'$' | b'{' | b'<' | b'/')
}
