//! Providers' keys, known by how they begin.
//!
//! A key needs a left border and a tail that looks random; then everything to the right that could belong to it
//! goes. How long the vendor makes its keys does not matter: a cut key goes, too.

use super::auth;
use super::bytes::{at, run_end};
use super::class::Class;
use super::text::{Found, Scope};

/// How a provider's key begins and what follows.
struct Prefix {
    text: &'static str,
    /// The shortest tail that is taken for a key.
    min: usize,
    /// Whether dots belong to the tail.
    dots: bool,
}

const fn p(text: &'static str, min: usize) -> Prefix {
    Prefix {
        text,
        min,
        dots: false,
    }
}

const fn dotted(text: &'static str, min: usize) -> Prefix {
    Prefix {
        text,
        min,
        dots: true,
    }
}

/// By first byte, so that few are compared.
static PREFIXES: &[Prefix] = &[
    p("sk-ant-", 8),
    p("sk-proj-", 8),
    p("sk-or-", 8),
    p("sk-svcacct-", 8),
    p("sk-admin-", 8),
    p("sk-", 14),
    p("sk_live_", 8),
    p("sk_test_", 8),
    p("rk_live_", 8),
    p("rk_test_", 8),
    p("whsec_", 10),
    p("ghp_", 10),
    p("gho_", 10),
    p("ghu_", 10),
    p("ghs_", 10),
    p("ghr_", 10),
    p("github_pat_", 10),
    dotted("glpat-", 10),
    p("AKIA", 10),
    p("ASIA", 10),
    p("AIza", 16),
    p("xoxb-", 10),
    p("xoxp-", 10),
    p("xoxa-", 10),
    p("xoxr-", 10),
    p("xoxs-", 10),
    p("xapp-", 10),
    p("npm_", 12),
    p("pypi-", 16),
    p("hf_", 14),
    p("dop_v1_", 10),
    p("SK", 32),
];

/// A key at `start`, where a run of token bytes begins.
pub(super) fn key(scope: &Scope<'_>, start: usize) -> Option<Found> {
    let start = step_past_escape(scope, start);
    if scope.part(start, start + 3) == b"eyJ" {
        return auth::jwt(scope, start);
    }
    for prefix in PREFIXES {
        if at(scope.text, start) != prefix.text.as_bytes().first().copied().unwrap_or(0)
            || scope.part(start, start + prefix.text.len()) != prefix.text.as_bytes()
        {
            continue;
        }
        let body = start + prefix.text.len();
        let end = run_end(scope.text, body, scope.to, |b| {
            b.is_ascii_alphanumeric() || b == b'_' || b == b'-' || prefix.dots && b == b'.'
        });
        if end - body >= prefix.min
            && (prefix.text.starts_with('A') || looks_random(scope.part(body, end)))
        {
            return Some(Found::new(start, end, Class::Key));
        }
    }
    None
}

/// A literal `\n` or `%3D` before the key is a border, though its last letter belongs to the run.
fn step_past_escape(scope: &Scope<'_>, start: usize) -> usize {
    match scope.before(start) {
        b'\\' => match scope.at(start) {
            b'n' | b'r' | b't' | b'f' | b'b' => start + 1,
            b'u' => start + 5,
            b'x' => start + 3,
            _ => start,
        },
        b'%' => start + 2,
        _ => start,
    }
}

/// Whether a tail looks like a key and not like words: a digit in it, or capital and small letters mixed.
fn looks_random(tail: &[u8]) -> bool {
    let digits = tail.iter().filter(|b| b.is_ascii_digit()).count();
    let turns = tail
        .windows(2)
        .filter(|w| matches!(w, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()))
        .count();
    digits >= 2 || turns >= 2
}
