//! Secrets in sentences: `the password is hunter2`, `Passwort: …`, `| API_KEY | … |`.
//!
//! Prose about secrets holds none. What tells them apart is the value: a word with a digit and letters in it, right
//! behind the words that name it.

use super::assign::{MAX_WORD, Name, spaced_kind};
use super::bytes::{at, part, run_end, run_start};
use super::class::{Class, MARK_START};
use super::names::Kind;
use super::text::{Found, Scope};
use super::values;

/// Words between a name and its value that say nothing of their own.
const LINKS: &[&str] = &[
    "is",
    "was",
    "are",
    "to",
    "as",
    "by",
    "be",
    "been",
    "has",
    "have",
    "will",
    "now",
    "still",
    "currently",
    "set",
    "changed",
    "reset",
    "updated",
    "rotated",
    "from",
    "ist",
    "lautet",
    "war",
    "est",
    "es",
    "sera",
    "jest",
    "je",
    "este",
    "er",
    "\u{e8}",
    "\u{e9}",
    "\u{e4}r",
    "\u{44d}\u{442}\u{43e}",
    "adalah",
    "on",
    "with",
];

/// Words for secrets in languages that set no spaces.
const UNSPACED: &[&str] = &[
    "\u{5bc6}\u{7801}",
    "\u{5bc6}\u{78bc}",
    "\u{53e3}\u{4ee4}",
    "\u{4ee4}\u{724c}",
    "\u{5bc6}\u{94a5}",
    "\u{79d8}\u{94a5}",
    "\u{30d1}\u{30b9}\u{30ef}\u{30fc}\u{30c9}",
    "\u{30c8}\u{30fc}\u{30af}\u{30f3}",
    "\u{bc00}\u{bc88}\u{d638}",
    "\u{d1a0}\u{d070}",
    "API\u{30ad}\u{30fc}",
];

/// What may stand between such a word and its value.
const PARTICLES: &[&str] = &[
    "\u{ff1a}", ":", "=", " ", "\u{662f}", "\u{4e3a}", "\u{70ba}", "\u{306f}", "\u{304c}",
    "\u{3092}", "\u{c740}", "\u{b294}", "\u{c774}", "\u{b97c}", "\u{300c}", "\u{201c}", "\"", "'",
];

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') || byte >= 0x80
}

/// A value with a digit that begins at `start`, behind words that name it.
pub(super) fn value(
    scope: &Scope<'_>,
    start: usize,
    judge: &dyn Fn(&[u8]) -> Kind,
) -> Option<Found> {
    let value = word_at(scope, start);
    if value.is_empty() || value.starts_with(MARK_START) {
        return None;
    }
    let found = Some(Found::new(start, start + value.len(), Class::Field));
    if scope.before(start) >= 0x80 || scope.before(start.saturating_sub(1)) >= 0x80 {
        if values::looks_chosen(value)
            && follows_unspaced(scope, start)
            && !values::is_placeholder(value)
        {
            return found;
        }
    }
    let (end, linked, cell) = name_end(scope, start)?;
    if cell {
        // A row of a table: the name stands in the cell before.
        let floor = scope.from.max(end.saturating_sub(48));
        let cell =
            memchr::memrchr2(b'|', b'\n', scope.part(floor, end)).map_or(floor, |n| floor + n + 1);
        let name = scope.part(cell, end).trim_ascii();
        return (values::looks_chosen(value)
            && judge(name).hides()
            && !values::is_placeholder(value))
        .then_some(found)
        .flatten();
    }
    let from = run_start(
        scope.text,
        end,
        scope.from.max(end.saturating_sub(32)),
        is_word,
    );
    let mut name = Name {
        start: from,
        text: scope.part(from, end),
        quoted: false,
    };
    // `My password's …`
    if name.text == b"s" && matches!(scope.before(from), b'\'') {
        let end = from - 1;
        let from = run_start(
            scope.text,
            end,
            scope.from.max(end.saturating_sub(32)),
            is_word,
        );
        name = Name {
            start: from,
            text: scope.part(from, end),
            quoted: false,
        };
    }
    if name.text.len() < 2
        || !name
            .text
            .iter()
            .any(|b| b.is_ascii_alphabetic() || *b >= 0x80)
    {
        return None;
    }
    let mut kind = judge(name.text);
    if kind == Kind::Plain {
        kind = if name.text.eq_ignore_ascii_case(b"identified") {
            Kind::Secret
        } else {
            spaced_kind(scope, &name, judge)
        };
    }
    let before =
        |most: usize| scope.part(name.start.saturating_sub(most).max(scope.from), name.start);
    if kind == Kind::Plain && linked && values::looks_chosen(value) && value.len() >= 10 {
        // `The API key for production is …`
        let sentence = before(48);
        let sentence = super::bytes::rest(
            sentence,
            memchr::memrchr3(b'.', b'\n', b',', sentence).map_or(0, |n| n + 1),
        );
        for word in [" for", " to", " of", " on", " in"] {
            if let Some(end) = super::bytes::find(sentence, word.as_bytes()) {
                kind = judge(part(sentence, 0, end).trim_ascii());
                if kind.hides() {
                    break;
                }
            }
        }
        // `my key is …`
        let mine = [&b"my "[..], b"our ", b"your ", b"this "]
            .iter()
            .any(|word| before(5).to_ascii_lowercase().ends_with(word));
        if mine && name.text.eq_ignore_ascii_case(b"key") {
            kind = Kind::Secret;
        }
    }
    // `snmp-server community …`
    if name.text == b"community" && before(12) == b"snmp-server " {
        kind = Kind::Secret;
    }
    let flag = name.text.starts_with(b"-");
    let takes = match kind {
        Kind::Secret | Kind::Secrets if flag => value.len() >= 3,
        Kind::Secret if name.text.len() <= 4 && value.len() <= 4 => {
            value.len() >= 3
                && value.iter().all(u8::is_ascii_digit)
                && [&b"cvv"[..], b"cvc", b"cvv2"]
                    .iter()
                    .any(|n| name.text.eq_ignore_ascii_case(n))
        }
        Kind::Secret | Kind::Secrets => {
            if values::looks_chosen(value) {
                true
            } else {
                // `creds are bob/hunter2`
                return user_and_password(start, value);
            }
        }
        Kind::Pwd => values::looks_chosen(value),
        // `user bob pass hunter2`, `PASS hunter2`
        Kind::Maybe if name.text.eq_ignore_ascii_case(b"pass") => {
            let line = before(48);
            let user = [&b"user"[..], b"USER", b"User", b"login"]
                .iter()
                .any(|word| super::bytes::find(line, word).is_some());
            values::looks_chosen(value)
                && memchr::memchr2(b'/', b'.', value).is_none()
                && (user || linked)
        }
        Kind::Pin => (4..=8).contains(&value.len()) && value.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    (takes && !values::is_placeholder(value))
        .then_some(found)
        .flatten()
}

/// The word of a sentence at `start`.
fn word_at<'a>(scope: &Scope<'a>, start: usize) -> &'a [u8] {
    let limit = scope.to.min(start + MAX_WORD);
    let end = run_end(scope.text, start, limit, |b| {
        !b.is_ascii_whitespace()
            && !matches!(
                b,
                b'"' | b'\'' | b',' | b';' | b')' | b'`' | b'<' | b'>' | b'\\'
            )
    });
    let end = run_start(scope.text, end, start, |b| {
        matches!(b, b'.' | b'!' | b'?' | b':')
    });
    // In a sentence without spaces the value ends where the letters change.
    let word = scope.part(start, end);
    let end = word.iter().position(|b| *b >= 0xE3).unwrap_or(word.len());
    part(word, 0, end)
}

/// Where the name before `start` ends, whether words or signs linked it to the value, and whether it stands in the
/// cell of a table.
fn name_end(scope: &Scope<'_>, start: usize) -> Option<(usize, bool, bool)> {
    let text = scope.text;
    let blank = |b: u8| matches!(b, b' ' | b'\t' | b'"' | b'\'' | b'`' | b'*');
    let back = |end: usize| run_start(text, end, scope.from.max(end.saturating_sub(6)), blank);
    let mut end = back(start);
    let mut linked = false;
    for step in 0..6 {
        let before = scope.part(end.saturating_sub(3).max(scope.from), end);
        let sign = if before.ends_with(b"->") || before.ends_with(b"=>") {
            2
        } else if before == "\u{2013}".as_bytes() || before == "\u{2014}".as_bytes() {
            3
        } else if before.ends_with(b" -") {
            1
        } else if before.ends_with(b"|") && step == 0 && end < start {
            return Some((end - 1, true, true));
        } else {
            0
        };
        if sign > 0 {
            end = back(end - sign);
            linked = true;
            continue;
        }
        let from = run_start(text, end, scope.from.max(end.saturating_sub(12)), |b| {
            b.is_ascii_alphanumeric() || b >= 0x80
        });
        let word = scope.part(from, end);
        // What Cisco says of how the value is written.
        let digit = word.len() == 1 && word.iter().all(u8::is_ascii_digit);
        let link = LINKS
            .iter()
            .any(|link| word.eq_ignore_ascii_case(link.as_bytes()));
        if from == scope.from || scope.before(from) != b' ' || !(link || digit && !linked) {
            break;
        }
        end = back(from);
        linked = true;
    }
    (end < start || linked).then_some((end, linked, false))
}

/// Whether the name of a secret stands right before `start`, in a language that sets no spaces.
fn follows_unspaced(scope: &Scope<'_>, start: usize) -> bool {
    let mut before = scope.part(start.saturating_sub(40).max(scope.from), start);
    for _ in 0..4 {
        let Some(shorter) = PARTICLES
            .iter()
            .find_map(|particle| before.strip_suffix(particle.as_bytes()))
        else {
            break;
        };
        before = shorter;
    }
    UNSPACED
        .iter()
        .any(|word| before.ends_with(word.as_bytes()))
}

/// `bob/hunter2` and `bob:hunter2`, behind a word for both.
fn user_and_password(start: usize, value: &[u8]) -> Option<Found> {
    let sign = memchr::memchr2(b'/', b':', value)?;
    let password = super::bytes::rest(value, sign + 1);
    let user = part(value, 0, sign);
    (sign > 0
        && user
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        && at(password, 0) != b'/'
        && values::looks_chosen(password))
    .then(|| Found::new(start + sign + 1, start + value.len(), Class::Field))
}
