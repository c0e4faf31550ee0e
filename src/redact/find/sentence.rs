//! Secrets in sentences: `the password is hunter2`, `Passwort: …`, `| API_KEY | … |`.
//!
//! Prose about secrets holds none. What tells them apart is the value: a word with a digit and letters in it, right
//! behind the words that name it.

use crate::redact::catalogue::names;
use crate::redact::class::{Class, MARK_START};
use crate::redact::find::look::Look;
use crate::redact::find::phrase::spaced_kind;
use crate::redact::judge::{placeholder, random, value};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, at, is_spoken, part, run_end, run_start};
use crate::redact::read::lex::{MAX_WORD, Name, ends_with, is_blank};
use crate::redact::read::scope::{Found, Scope};

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

/// What may stand between such a word and its value.
const PARTICLES: &[&str] = &[
    "\u{ff1a}", ":", "=", " ", "\u{662f}", "\u{4e3a}", "\u{70ba}", "\u{306f}", "\u{304c}",
    "\u{3092}", "\u{c740}", "\u{b294}", "\u{c774}", "\u{b97c}", "\u{300c}", "\u{201c}", "\"", "'",
];

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') || byte >= 0x80
}

/// A value with a digit that begins at `start`, behind words that name it.
pub(crate) fn value(look: &Look<'_>, start: usize) -> Option<Found> {
    let value = word_at(look, start);
    if value.is_empty() || value.starts_with(MARK_START) || value.starts_with(b"--") {
        return None;
    }
    let found = Some(Found::new(start, start + value.len(), Class::Field));
    if (look.before(start) >= 0x80 || look.before(start.saturating_sub(1)) >= 0x80)
        && value::looks_chosen(value)
        && follows_unspaced(look, start)
        && !placeholder::is_placeholder(value)
    {
        return found;
    }
    let behind = start + value.len();
    let named = precedes_name(look, behind);
    if (named || follows_line(look, start, behind))
        && value::looks_chosen(value)
        && !placeholder::is_placeholder(value)
    {
        let pair = if named {
            user_and_password(start, value)
        } else {
            None
        };
        return pair.or(found);
    }
    if matches!(look.at(behind), 0 | b',' | b'\n' | b'\r')
        && let Some(name) = cell_before(look, start)
    {
        return found.filter(|_| {
            value::looks_chosen(value)
                && look.judge(name).hides()
                && !placeholder::is_placeholder(value)
        });
    }
    let (end, linked, cell) = name_end(look, start)?;
    if cell {
        // A row of a table: the name stands in the cell before.
        let floor = look.from.max(end.saturating_sub(48));
        let cell = memchr::memrchr2(b'|', b'\n', look.part(floor, end))
            .map(|n| floor + n + 1)
            .or((floor == look.origin).then_some(floor))?;
        let name = look.part(cell, end).trim_ascii();
        let plain = name.iter().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b' ' | b'_' | b'-' | b'`' | b'*') || *b >= 0x80
        });
        let line = memchr::memrchr(b'\n', look.part(floor, cell)).map_or(floor, |n| floor + n + 1);
        let row = cell == line || look.at(run_end(look.text, line, cell, |b| b == b' ')) == b'|';
        return (plain
            && row
            && value::looks_chosen(value)
            && look.judge(name).hides()
            && !placeholder::is_placeholder(value))
        .then_some(found)
        .flatten();
    }
    let from = run_start(
        look.text,
        end,
        look.from.max(end.saturating_sub(32)),
        is_word,
    );
    let mut name = Name {
        start: from,
        text: look.part(from, end),
        quoted: false,
    };
    // `My password's …`
    if name.text == b"s" && matches!(look.before(from), b'\'') {
        let end = from - 1;
        let from = run_start(
            look.text,
            end,
            look.from.max(end.saturating_sub(32)),
            is_word,
        );
        name = Name {
            start: from,
            text: look.part(from, end),
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
    // `[--token TOKEN]`, `~/.ssh/deploy_key user@host`, `the password for user42`, `kubectl get secret db-1`
    let usage = name.text.starts_with(b"-") && look.before(name.start) == b'[';
    if usage
        || follows_path(look, name.start)
        || !linked && matches!(name.text, b"for" | b"of" | b"at" | b"in")
        || name.text.starts_with(b"secret") && names_resource(look, name.start)
    {
        return None;
    }
    let mut kind = look.judge(name.text);
    if kind == Kind::Plain {
        kind = if name.text.eq_ignore_ascii_case(b"identified")
            && look.part(end, end + 4).eq_ignore_ascii_case(b" by ")
        {
            Kind::Secret
        } else if name.text.starts_with(b"-") {
            // A flag has a value of its own.
            Kind::Plain
        } else {
            spaced_kind(look, &name, linked)
        };
    }
    let before =
        |most: usize| look.part(name.start.saturating_sub(most).max(look.from), name.start);
    if kind == Kind::Plain && linked && value::looks_chosen(value) && value.len() >= 10 {
        // `The API key for production is …`
        let sentence = before(48);
        let sentence = bytes::rest(
            sentence,
            memchr::memrchr3(b'.', b'\n', b',', sentence).map_or(0, |n| n + 1),
        );
        for word in [
            " for",
            " to",
            " of",
            " on",
            " in",
            " du",
            " de la",
            " del",
            " do ",
            " von",
            " \u{43e}\u{442} ",
        ] {
            if let Some(end) = bytes::find(sentence, word.as_bytes()) {
                let name = part(sentence, 0, end).trim_ascii();
                kind = look.judge(name);
                if name.ends_with(b"key") && random::is_strong(value) {
                    kind = Kind::Secret;
                }
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
    // `The API token you need is …`
    if kind == Kind::Plain
        && linked
        && value.len() >= 12
        && value::looks_chosen(value)
        && (random::is_strong(value) || value.iter().any(|b| b"!#$%&*".contains(b)))
        && speaks(look, name.start)
    {
        kind = Kind::Secret;
    }
    // A key that is named by its algorithm is named by its number, too: `RSA key 4AEE18F83AFDEB23`.
    let numbered = value.iter().all(|b| b.is_ascii_hexdigit())
        && name.text.eq_ignore_ascii_case(b"key")
        && [&b"rsa "[..], b"dsa ", b"pgp ", b"gpg "]
            .iter()
            .any(|word| before(4).eq_ignore_ascii_case(word));
    let signing = ends_with(name.text, b"signingkey") && matches!(value.len(), 16 | 40);
    if numbered || signing && value.iter().all(u8::is_ascii_hexdigit) {
        return None;
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
            if value::looks_chosen(value) {
                true
            } else {
                // `creds are bob/hunter2`
                return user_and_password(start, value);
            }
        }
        Kind::Pwd => value::looks_chosen(value),
        Kind::Opaque => value::fits(value, kind),
        // `user bob pass hunter2`, `PASS hunter2`
        Kind::Maybe if name.text.eq_ignore_ascii_case(b"pass") => {
            let line = before(48);
            let user = [&b"user"[..], b"USER", b"User", b"login"]
                .iter()
                .any(|word| bytes::find(line, word).is_some());
            value::looks_chosen(value)
                && memchr::memchr2(b'/', b'.', value).is_none()
                && (user || linked)
        }
        Kind::Pin => value::fits(value.strip_suffix(b"#").unwrap_or(value), kind),
        _ => false,
    };
    (takes && !placeholder::is_placeholder(value)).then(|| {
        // `change the password from … to …`
        let end = start + value.len();
        let to = run_end(look.text, end, look.to.min(end + 1), |b| {
            matches!(b, b'"' | b'\'')
        });
        let next = to + 4 + usize::from(to > end);
        if look.part(to, to + 4) == b" to " {
            let other = word_at(look, next);
            if value::looks_chosen(other) && !placeholder::has_mark(other) {
                return Found::new(start, next + other.len(), Class::Field);
            }
        }
        Found::new(start, end, Class::Field)
    })
}

/// Whether the name that begins at `name` is the last part of a path.
fn follows_path(scope: &Scope<'_>, name: usize) -> bool {
    if scope.before(name) != b'/' {
        return false;
    }
    let start = run_start(
        scope.text,
        name,
        scope.from.max(name.saturating_sub(64)),
        |b| is_word(b) || matches!(b, b'/' | b'~'),
    );
    matches!(scope.at(start), b'/' | b'~' | b'.')
}

/// Whether the word before `secret`, which begins at `name`, does something to an object of that kind.
fn names_resource(scope: &Scope<'_>, name: usize) -> bool {
    let end = name.saturating_sub(1).max(scope.from);
    let start = run_start(
        scope.text,
        end,
        scope.from.max(end.saturating_sub(16)),
        is_word,
    );
    matches!(
        scope.part(start, end),
        b"get"
            | b"delete"
            | b"describe"
            | b"edit"
            | b"patch"
            | b"create"
            | b"inspect"
            | b"rm"
            | b"apply"
            | b"label"
            | b"annotate"
    )
}

/// A value at `start` that nothing stands before: `hunter2 is my password`.
pub(crate) fn before_name(look: &Look<'_>, start: usize) -> Option<Found> {
    let value = word_at(look, start);
    let end = start + value.len();
    (precedes_name(look, end) && value::looks_chosen(value) && !placeholder::has_mark(value))
        .then(|| Found::new(start, end, Class::Field))
}

/// A word in quotes, the first of which stands at `open`: `the password is "…"`.
pub(crate) fn quoted(look: &Look<'_>, open: usize) -> Option<Found> {
    let before = look.part(open.saturating_sub(24).max(look.from), open);
    let before = before.trim_ascii_end();
    let named = [&b" is"[..], b" was", b" to", b" ist", b" est", b" es"]
        .iter()
        .find_map(|link| before.strip_suffix(*link));
    let name = named.unwrap_or(before);
    let name = bytes::rest(name, memchr::memrchr(b' ', name).map_or(0, |n| n + 1));
    if !name.iter().all(|b| b.is_ascii_alphabetic() || *b >= 0x80)
        || !value::is_password_name(name)
        || look.judge(name) != Kind::Secret
    {
        return None;
    }
    let end = run_end(look.text, open + 1, look.to.min(open + 64), |b| {
        !matches!(b, b'"' | b'\n')
    });
    let value = look.part(open + 1, end);
    // Words in quotes may be a rule for passwords: `at least 8 characters`.
    let phrase = memchr::memchr(b' ', value).is_some();
    let mixed =
        value.iter().any(u8::is_ascii_digit) && value.iter().any(|b| b"!@#$%^&*?".contains(b));
    // Without a verb the quotes may be those of a name: `the password "admin" rule`.
    let sure = named.is_some() || value.iter().any(|b| !b.is_ascii_lowercase());
    (look.at(end) == b'"'
        && sure
        && (mixed || !phrase)
        && value.len() >= 5
        && value::is_literal(value, name))
    .then(|| Found::new(open + 1, end, Class::Field))
}

/// A password at `start`, behind an address and a colon.
pub(crate) fn behind_address(scope: &Scope<'_>, start: usize) -> Option<Found> {
    let value = word_at(scope, start);
    (value::looks_chosen(value)
        && memchr::memchr(b'/', value).is_none()
        && !placeholder::has_mark(value))
    .then(|| Found::new(start, start + value.len(), Class::Field))
}

/// The word of a sentence at `start`.
fn word_at<'a>(scope: &Scope<'a>, start: usize) -> &'a [u8] {
    let limit = scope.to.min(start + MAX_WORD);
    let end = run_end(scope.text, start, limit, is_spoken);
    let end = run_start(scope.text, end, start, |b| {
        matches!(b, b'.' | b'!' | b'?' | b':')
    });
    scope.part(start, end)
}

/// A value behind a sentence about a secret and the colon at `sign`: `A password was generated for root: …`.
pub(crate) fn behind_sentence(look: &Look<'_>, sign: usize) -> Option<Found> {
    let start = run_end(look.text, sign + 1, look.to.min(sign + 8), |b| {
        b.is_ascii_whitespace()
    });
    let value = word_at(look, start);
    let end = start + value.len();
    if !value::looks_chosen(value)
        || !matches!(look.at(end), 0 | b'\n' | b'\r')
        || memchr::memchr(b'/', value).is_some()
        || placeholder::has_mark(value)
        || placeholder::is_placeholder(value)
        || !speaks(look, sign)
    {
        return None;
    }
    Some(Found::new(start, end, Class::Field))
}

/// Whether the sentence that ends at `end` speaks of a secret, and not of something about one.
fn speaks(look: &Look<'_>, end: usize) -> bool {
    let line = look.part(end.saturating_sub(96).max(look.from), end);
    let line = bytes::rest(line, memchr::memrchr(b'\n', line).map_or(0, |n| n + 1));
    let line = bytes::rest(line, bytes::find(line, b". ").map_or(0, |n| n + 2));
    // What was found ends a sentence, before and after it was marked.
    let line = bytes::rest(
        line,
        memchr::memchr_iter(b']', line)
            .rfind(|end| {
                let head = part(line, 0, *end);
                memchr::memrchr(b'[', head)
                    .is_some_and(|open| bytes::rest(head, open).starts_with(MARK_START))
            })
            .map_or(0, |n| n + 1),
    );
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_') || *b >= 0x80;
    let mut words = line
        .split(|b| !is_word(b))
        .filter(|word| !word.is_empty())
        .peekable();
    let mut before: &[u8] = &[];
    let mut spoken = false;
    while let Some(word) = words.next() {
        let next = words.peek().copied().unwrap_or(&[]);
        let named = look.judge(word).hides()
            || word.eq_ignore_ascii_case(b"key") && look.judge(&[before, b"_key"].concat()).hides();
        let harmless = names::is_harmless_tail(&next.to_ascii_lowercase());
        spoken |= named && !harmless && !before.eq_ignore_ascii_case(b"invalid");
        if word.eq_ignore_ascii_case(b"not") || word.eq_ignore_ascii_case(b"no") {
            return false;
        }
        before = word;
    }
    spoken
}

/// Where the name before `start` ends, whether words or signs linked it to the value, and whether it stands in the
/// cell of a table.
fn name_end(scope: &Scope<'_>, start: usize) -> Option<(usize, bool, bool)> {
    let text = scope.text;
    let blank = |b: u8| matches!(b, b' ' | b'\t' | b'"' | b'\'' | b'`' | b'*');
    let back = |end: usize| run_start(text, end, scope.from.max(end.saturating_sub(6)), blank);
    let mut end = back(start);
    // `bob / hunter2`
    let mut user = false;
    if scope.part(end.saturating_sub(2).max(scope.from), end) == b" /" {
        user = true;
        end = run_start(
            text,
            end - 2,
            scope.from.max(end.saturating_sub(34)),
            is_word,
        );
        end = run_start(text, end, scope.from.max(end.saturating_sub(2)), |b| {
            matches!(b, b' ' | b':')
        });
    }
    let mut linked = user;
    for step in 0..6 {
        let before = scope.part(end.saturating_sub(3).max(scope.from), end);
        let sign = if before.ends_with(b"->") || before.ends_with(b"=>") {
            2
        } else if matches!(
            before,
            b"\xE2\x80\x93" | b"\xE2\x80\x94" | b"\xEF\xBC\x9A" | b"\xEF\xBC\x9D"
        ) {
            // A dash, or a sign of full width.
            3
        } else if before.ends_with(b"<-") || before.ends_with(b"~>") {
            2
        } else if before.ends_with(b" .") && is_pair(scope, end - 2, start) {
            // `(password . "…")`
            1
        } else if before.ends_with(b" -") {
            1
        } else if before.ends_with(b"|") && step == 0 && end < start {
            return Some((end - 1, true, true));
        } else if before.ends_with(b"(") && step == 0 {
            1
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
        // `The cookie set size:36477`: only behind `to` something was set.
        let was = matches!(
            word,
            b"set" | b"changed" | b"reset" | b"updated" | b"rotated" | b"from"
        );
        let link = link && (linked || !was || word == b"from");
        if from == scope.from || scope.before(from) != b' ' || !(link || digit && !linked) {
            break;
        }
        end = back(from);
        linked = true;
        // `The password (prod) is …`
        if before_is(scope, end, b')') {
            let floor = scope.from.max(end.saturating_sub(24));
            if let Some(open) = memchr::memrchr(b'(', scope.part(floor, end)) {
                end = back(floor + open);
            }
        }
    }
    (end < start || linked).then_some((end, linked, false))
}

/// Whether the name that ends at `name` and the quoted value at `value` are a pair of Lisp: `(password . "…")`.
fn is_pair(scope: &Scope<'_>, name: usize, value: usize) -> bool {
    let floor = scope.from.max(name.saturating_sub(32));
    let start = run_start(scope.text, name, floor, |b| is_word(b) || b == b':');
    scope.before(value) == b'"' && scope.before(start) == b'('
}

/// Whether the name of a secret stands right before `start`, in a language that sets no spaces.
fn follows_unspaced(look: &Look<'_>, start: usize) -> bool {
    let mut before = look.part(start.saturating_sub(40).max(look.from), start);
    for _ in 0..4 {
        let Some(shorter) = PARTICLES
            .iter()
            .find_map(|particle| before.strip_suffix(particle.as_bytes()))
        else {
            break;
        };
        before = shorter;
    }
    let floor = before.len().saturating_sub(24);
    let from = run_start(before, before.len(), floor, |b| {
        b >= 0x80 || b.is_ascii_alphabetic()
    });
    // A character begins with another byte than it goes on with.
    let from = run_end(before, from, before.len(), |b| matches!(b, 0x80..0xC0));
    look.judge(bytes::rest(before, from)).hides()
}

fn before_is(scope: &Scope<'_>, at: usize, byte: u8) -> bool {
    scope.before(at) == byte
}

/// Whether the value that ends at `end` is said to be a secret behind it: `… as password`, `… into the password field`.
fn precedes_name(look: &Look<'_>, end: usize) -> bool {
    let mut pos = run_end(look.text, end, look.to.min(end + 1), |b| {
        matches!(b, b'"' | b'\'' | b'`')
    });
    let is = |pos: usize, word: &[u8]| look.part(pos, pos + word.len()) == word;
    let links: [&[u8]; 4] = [b" as ", b" into ", b" in ", b" is "];
    let Some(link) = links.into_iter().find(|link| is(pos, link)) else {
        return false;
    };
    pos += link.len();
    let direct = link == b" is "
        && ![&b"the "[..], b"your ", b"my ", b"our "]
            .iter()
            .any(|filler| is(pos, filler));
    if direct {
        return false;
    }
    for filler in [
        &b"our "[..],
        b"the ",
        b"your ",
        b"my ",
        b"his ",
        b"her ",
        b"a ",
    ] {
        if is(pos, filler) {
            pos += filler.len();
        }
    }
    let name = run_end(look.text, pos, look.to.min(pos + 24), |b| {
        b.is_ascii_alphabetic() || b == b' '
    });
    let first = run_end(look.text, pos, name, |b| b != b' ');
    let second = run_end(look.text, (first + 1).min(name), name, |b| b != b' ');
    let field = matches!(
        look.part(first + 1, second),
        b"field" | b"input" | b"box" | b"textbox"
    );
    look.judge(look.part(pos, first)).hides() && (matches!(link, b" as " | b" is ") || field)
        || look.judge(look.part(pos, second)).hides() && matches!(link, b" as " | b" is ")
}

/// The first cell of a line of CSV, if the value is the second.
fn cell_before<'a>(scope: &Scope<'a>, start: usize) -> Option<&'a [u8]> {
    if scope.before(start) != b',' {
        return None;
    }
    let floor = scope.from.max(start.saturating_sub(48));
    let from = run_start(scope.text, start - 1, floor, |b| is_word(b) || b == b' ');
    (from == scope.origin || scope.before(from) == b'\n').then(|| scope.part(from, start - 1))
}

/// Whether the value stands on a line of its own, below a line that names it: indented, in a block of Markdown, in a form.
fn follows_line(look: &Look<'_>, start: usize, end: usize) -> bool {
    let around =
        |b: u8| is_blank(b) || matches!(b, b'`' | b'*' | b'"' | b'\'' | b'>' | b'|' | b'_' | b'~');
    let after = run_end(look.text, end, look.to.min(end + 8), around);
    if !matches!(look.at(after), 0 | b'\n' | b'\r') {
        return false;
    }
    let margin = run_start(
        look.text,
        start,
        look.from.max(start.saturating_sub(24)),
        around,
    );
    if look.before(margin) != b'\n' {
        return false;
    }
    let between = |b: u8| around(b) || matches!(b, b'\r' | b'\n' | b':' | b'-' | b'=');
    let floor = look.from.max(margin.saturating_sub(48));
    let close = run_start(look.text, margin, floor, between);
    let floor = look.from.max(close.saturating_sub(40));
    let line = look.part(floor, close);
    let begin = memchr::memrchr(b'\n', line).map_or(0, |n| n + 1);
    if begin == 0 && floor > look.origin && look.before(floor) != b'\n' {
        return false;
    }
    let name = bytes::rest(line, begin);
    // `## Password`, `- **Password**`, `2. Password`
    let lead = name
        .iter()
        .take_while(|b| !b.is_ascii_alphabetic() && **b < 0x80)
        .count();
    let name = bytes::rest(name, lead);
    !name.is_empty()
        && lead <= 8
        && name
            .iter()
            .all(|b| b.is_ascii_alphabetic() || matches!(b, b' ' | b'_' | b'-') || *b >= 0x80)
        && look.judge(name).hides()
}

/// `bob/hunter2` and `bob:hunter2`, behind a word for both.
fn user_and_password(start: usize, value: &[u8]) -> Option<Found> {
    let sign = memchr::memchr2(b'/', b':', value)?;
    let password = bytes::rest(value, sign + 1);
    let user = part(value, 0, sign);
    (sign > 0
        && user
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        && at(password, 0) != b'/'
        && value::looks_chosen(password))
    .then(|| Found::new(start + sign + 1, start + value.len(), Class::Field))
}

#[cfg(test)]
mod tests {
    use crate::redact::tests::{leaves, marked};

    #[test]
    fn a_value_on_the_line_below_its_name_goes() {
        marked(&[
            "Password:\n  {}",
            "User\nbob\nPassword\n{}\nRole\nadmin",
            "## Password\n\n{}\n",
            "**API key:**\n\n    {}\n\nKeep it.",
            "- Password:\n  `{}`\n- Host: db",
            "Passwort:\r\n\t{}\r\n",
            "API token:\n```\n{}\n```\n",
            "secret: |\n  {}\nnext: 1",
            "secret: >-\n  {}\nnext: 1",
        ]);
    }

    #[test]
    fn a_line_below_another_stays() {
        leaves(&[
            "Host:\n  hunter2xK9",
            "Password policy:\n  hunter2xK9",
            "Password:\n  required",
            "the old password\n\nhunter2xK9 is a character of a film",
        ]);
    }

    #[test]
    fn a_cell_behind_its_name_and_a_pair_of_lisp_go() {
        marked(&[
            "db_password,{},active",
            "user,role\napi key,{},active",
            "((user . \"bob\") (password . \"{}\"))",
        ]);
        leaves(&[
            "reset the password,abc123x did it",
            "$password . \"hunter2xK9\"",
        ]);
    }

    #[test]
    fn values_behind_names_in_scripts_without_spaces_go() {
        marked(&[
            "数据库密码是{}",
            "管理员密码：{}",
            "パスワードは「{}」です",
            "비밀번호는 {}",
        ]);
    }
}
