//! Providers' keys, known by how they begin.
//!
//! A key needs a left border and a tail that looks random; then everything to the right that could belong to it
//! goes. How long the vendor makes its keys does not matter, and no checksum is asked: a cut key goes, too.

use crate::redact::catalogue::formats;
use crate::redact::catalogue::keys::{
    self, BEFORE_DOT, Body, FIRST, HEADS, PAIRS, PREFIXES, Tail::Any, Tail::Random, Tail::Strong,
};
use crate::redact::find::shaped_key::{dotted_end, long_end, shaped};
use crate::redact::find::token;
use crate::redact::judge::code::is_word_and_number;
use crate::redact::judge::placeholder::is_placeholder;
use crate::redact::judge::random::is_random;
use crate::redact::read::bytes::{self, at, is_base64, is_token, run_end};
use crate::redact::read::scope::{Found, Scope};

/// Of a key that was cut short so many characters of its tail are too many to be left.
const MIN_CUT: usize = 5;

/// A key at `start`, where a run of token bytes begins that ends at `end`.
pub(crate) fn key(scope: &Scope<'_>, start: usize, end: usize) -> Option<Found> {
    if scope.part(start, start + 3) == formats::JSON {
        return token::jwt(scope, start)
            .or_else(|| shaped(scope, start, end))
            .or_else(|| listed(scope, (start, end)));
    }
    listed(scope, (start, end)).or_else(|| shaped(scope, start, end))
}

fn listed(scope: &Scope<'_>, run: (usize, usize)) -> Option<Found> {
    let (start, _) = run;
    if let Some(found) = listed_at(scope, start, Some(run)) {
        return Some(found);
    }
    if scope.before(start) != b'.' {
        return None;
    }
    // Some prefixes end in a dot, and the run that began a candidate stands behind it.
    let head = scope.back(start, BEFORE_DOT, |b| is_token(b) || b == b'.');
    (head < start)
        .then(|| listed_at(scope, head, Some(run)))
        .flatten()
}

/// A key with a known prefix at `start`, near which a `known` run of token bytes stands.
pub(crate) fn listed_at(
    scope: &Scope<'_>,
    start: usize,
    known: Option<(usize, usize)>,
) -> Option<Found> {
    let text = scope.text;
    if start > scope.from && scope.before(start).is_ascii_alphanumeric() {
        return None;
    }
    let pair = usize::from(at(text, start)) << 8 | usize::from(scope.at(start + 1));
    if PAIRS
        .get(pair / 64)
        .is_none_or(|bits| bits >> (pair % 64) & 1 == 0)
    {
        return None;
    }
    let range = usize::from(*FIRST.get(pair / 8)?)..usize::from(*FIRST.get(pair / 8 + 1)?);
    let (near, heads) = (PREFIXES.get(range.clone())?, HEADS.get(range)?);
    let here = bytes::word(text, start);
    // The longest prefix that fits is the last one in order. Heads alone are gone through, and the row of one that fits.
    let mut heads = heads;
    while let [others @ .., (head, bits)] = heads {
        heads = others;
        if here & bits != *head {
            continue;
        }
        let row = near.get(others.len())?;
        if row.begins.len() > 8 && !bytes::rest(text, start).starts_with(row.begins.as_bytes()) {
            continue;
        }
        let body = start + row.begins.len();
        let run = match known {
            Some((from, to)) if (from..=to).contains(&body) => to,
            _ => scope.run(body, is_token),
        };
        let end = match row.body {
            Body::Run => run,
            Body::Dotted => dotted_end(scope, run),
            // As much as is judged; the rest follows when it is a key.
            Body::Base64 => {
                let limit = scope.to.min(run.max(body + 96));
                run_end(text, run, limit, is_base64)
            }
        };
        if matches!(row.tail, Any | Random) && is_cut(scope, body, run) {
            return Some(Found::new(start, run, keys::CLASS));
        }
        if end - body >= usize::from(row.least) && is_random(scope.part(body, end), row.tail) {
            let end = match row.body {
                Body::Base64 => long_end(scope, end),
                _ if row.with_secret => with_secret(scope, end),
                _ => end,
            };
            return Some(Found::new(
                start,
                token::trim_end(scope, start, end),
                keys::CLASS,
            ));
        }
    }
    None
}

/// Whether the tail of a key was cut short by who wrote it, and a sign says so: `ghp_x9Kq2mW…`.
fn is_cut(scope: &Scope<'_>, body: usize, end: usize) -> bool {
    let tail = scope.part(body, end);
    let is_marked = || {
        formats::CUTS
            .iter()
            .any(|cut| scope.part(end, end + 3) == *cut)
    };
    tail.len() >= MIN_CUT
        && is_marked()
        && tail.iter().any(u8::is_ascii_digit)
        && tail.iter().any(u8::is_ascii_alphabetic)
        && !tail
            .split(|b| matches!(b, b'-' | b'_'))
            .all(is_word_and_number)
        && !is_placeholder(tail)
}

/// The secret of AWS often stands right behind its id: `AKIA…:…`.
fn with_secret(scope: &Scope<'_>, end: usize) -> usize {
    if !matches!(scope.at(end), b':' | b',' | b'/' | b' ' | b'\t' | b'|') {
        return end;
    }
    let secret = scope.run(end + 1, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')
    });
    // Behind a space another word of this length may stand.
    let is_secret = scope.at(end) != b' ' || is_random(scope.part(end + 1, secret), Strong);
    if secret - end == 41 && is_secret {
        secret
    } else {
        end
    }
}

#[cfg(test)]
mod tests {
    use crate::redact::redact_str;

    #[test]
    fn at_most_four_characters_are_left_of_a_key_that_was_cut_short() {
        for cut in ["...", "\u{2026}"] {
            for tail in ["x9Kq2", "x9Kq2mW7v"] {
                let text = |key: &str| format!("with {key}{cut} as before");
                let key = format!("ghp_{tail}");
                assert_eq!(redact_str(&text(&key)), text("[REDACTED_KEY]"));
            }
            for key in [
                "ghp_",
                "ghp_x9Kq",
                "ghp_xxxxxxxx",
                "ghp_north7",
                "ak_x9Kq2mW7v",
            ] {
                let text = format!("with {key}{cut} as before");
                assert_eq!(redact_str(&text), text);
            }
        }
        let text = "with ghp_x9Kq2mW7v as before";
        assert_eq!(redact_str(text), text);
    }

    #[test]
    fn a_key_needs_a_border_and_a_tail() {
        for (text, redacted) in [
            (
                r#"use ghp_16C7e42F292c6912E7710c838347Ae178B4a now"#,
                r#"use [REDACTED_KEY] now"#,
            ),
            (
                r#"\nghp_16C7e42F292c6912E7710c838347Ae178B4a"#,
                r#"\n[REDACTED_KEY]"#,
            ),
        ] {
            assert_eq!(redact_str(text), redacted);
        }
        for text in [
            r#"a ghp_ prefix says it all"#,
            r#"xghp_of_a_harbour_and_a_lantern"#,
        ] {
            assert_eq!(redact_str(text), text);
        }
    }
}
