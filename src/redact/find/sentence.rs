//! Secrets in sentences: `the password is hunter2`, `Passwort: …`, `| API_KEY | … |`.
//!
//! Prose about secrets holds none. What tells them apart is the value: a word with a digit and letters in it, right
//! behind the words that name it.

use crate::redact::catalogue::{names, speech};
use crate::redact::class::Class;
use crate::redact::find::look::Look;
use crate::redact::find::phrase::{self, spaced_kind};
use crate::redact::find::sql;
use crate::redact::judge::{placeholder, value};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, at, is_spoken, run_end, run_start};
use crate::redact::read::lex::{
    MAX_ADDRESS, MAX_WORD, Name, address_before, is_address, is_assignment, is_blank, split_last,
};
use crate::redact::read::scope::{Found, Scope};

/// Signs between a name and its value.
const SIGNS: &[&str] = &[
    "->", "=>", "<-", "~>", "\u{2192}", "\u{2013}", "\u{2014}", "\u{ff1a}", "\u{ff1d}",
];

/// So many items of a list stand between its last one and the line that names them, and none is longer.
const MAX_ABOVE: usize = 24;
const MAX_ITEM: usize = 64;

/// What leads from a name to its value in a list of settings; fewer dots may end a sentence.
const LEADER: &[u8] = b"....";

fn is_word(byte: u8) -> bool {
    bytes::is_token(byte) || byte == b'.' || byte >= 0x80
}

/// A value with a digit that begins at `start`, behind words that name it.
pub(crate) fn value(look: &Look<'_>, start: usize) -> Option<Found> {
    // No words stand around it, which one search tells before the word is read.
    if start == look.from && memchr::memchr(b' ', look.part(start, start + MAX_WORD + 2)).is_none()
    {
        return None;
    }
    let word = word_at(look, start);
    let end = start + word.len();
    (!word.is_empty()
        && !word.starts_with(b"--")
        && may_be_one(word)
        && is_named(look, start, word)
        && !placeholder::is_placeholder(word))
    .then(|| Found::new(start, end, Class::Field))
}

/// Whether a word could be a secret under a name of any kind. Short numbers could not, and the words around them are not
/// looked at, which costs thirty times as much.
fn may_be_one(word: &[u8]) -> bool {
    word.len() >= 6 && word.iter().any(u8::is_ascii_alphabetic) || value::fits(word, Kind::Pin)
}

/// Whether words around the one that begins at `start` name it as a secret.
fn is_named(look: &Look<'_>, start: usize, word: &[u8]) -> bool {
    let end = start + word.len();
    let chosen = || value::looks_chosen(word);
    if precedes_name(look, end) {
        return chosen();
    }
    // Nothing stands before it that could name it.
    if start == look.from {
        return false;
    }
    if follows_line(look, start, end) {
        return chosen();
    }
    // In a language that sets no spaces a number behind the word for a password is one.
    let unspaced = follows_unspaced(look, start);
    if unspaced.hides() || unspaced == Kind::Pin {
        let behind = look.ahead(end, 1, is_blank);
        let counted = speech::counts(look.part(behind, behind + 9));
        return unspaced.hides() && chosen() || !counted && value::fits(word, Kind::Pin);
    }
    if let Some(name) = cell_before(look, start, end) {
        return look.judge(name).hides() && chosen();
    }
    if is_led(look, start) {
        return chosen();
    }
    match name_end(look, start) {
        Some((end, Link::Cell)) => names_row(look, end) && chosen(),
        Some((end, link)) => {
            let linked = link == Link::Word;
            let end = if linked {
                before_address(look, end)
            } else {
                end
            };
            let name = name_at(look, end);
            if link == Link::User {
                let signed = || word.iter().any(|b| b"!#$%^*".contains(b));
                let is_of_user = |word| is_address(word) || at(word, 0) == b'@';
                let mut between = look.part(end, start).split(|b| *b == b' ');
                let address = between.any(is_of_user);
                return (speech::is_login(name.text)
                    || address && signed() && !is_numbered(word)
                    || speech::is_used(name.text) && signed()
                    || look.at(end) == b':'
                        && looks_mixed(word)
                        && named_further(look, name.start)
                    || look.judge(name.text).hides())
                    && chosen();
            }
            !names_other(look, &name, linked) && takes(look, &name, word, linked)
        }
        None => false,
    }
}

/// Whether the cell of a table that ends at `end` is a name, and the first of its row.
fn names_row(look: &Look<'_>, end: usize) -> bool {
    let floor = look.from.max(end.saturating_sub(48));
    let row = memchr::memrchr(b'\n', look.part(floor, end)).map(|n| floor + n + 1);
    let Some(row) = row.or((floor == look.origin).then_some(floor)) else {
        return false;
    };
    let name = look.part(row, end).trim_ascii();
    let name = name.strip_prefix(b"|").unwrap_or(name).trim_ascii();
    let plain = |b: &u8| {
        b.is_ascii_alphanumeric() || matches!(b, b' ' | b'_' | b'-' | b'`' | b'*') || *b >= 0x80
    };
    name.iter().all(plain) && look.judge(name).hides()
}

/// Whether a word is a number and what it is of, `Ticket#4821`, and not a password with a year, `Summer#2024`.
fn is_numbered(word: &[u8]) -> bool {
    let Some(sign) = memchr::memchr(b'#', word) else {
        return false;
    };
    let number = bytes::rest(word, sign + 1).trim_ascii_end();
    let is_year = number.len() == 4 && matches!(number, [b'1', b'9', ..] | [b'2', b'0', ..]);
    bytes::part(word, 0, sign)
        .iter()
        .all(u8::is_ascii_alphabetic)
        && !number.is_empty()
        && number.iter().all(u8::is_ascii_digit)
        && !is_year
}

/// Where the name ends whose owner is the address that ends at `end`: `the password for bob@example.com is …`. An address
/// is no name itself.
fn before_address(look: &Look<'_>, end: usize) -> usize {
    let line = look.last(end, MAX_ADDRESS);
    let Some(address) = address_before(line).map(|start| end - line.len() + start) else {
        return end;
    };
    let gap = address.saturating_sub(1);
    let of = look.back(gap, 12, |b| b.is_ascii_alphabetic() || b >= 0x80);
    let is_owner = look.before(address) == b' '
        && look.before(of) == b' '
        && speech::is_of(look.part(of, gap));
    if is_owner { of - 1 } else { end }
}

/// Where the name of a user begins that a line ends in, or the address or the mark of one. A sign before it is no part of
/// it: `login:bob@example.com`.
fn user_before(line: &[u8], is_user: impl Fn(u8) -> bool) -> usize {
    let word = split_last(line).0.len();
    let start = memchr::memrchr(b':', bytes::rest(line, word)).map_or(word, |n| word + n + 1);
    if is_address(bytes::rest(line, start)) {
        return start;
    }
    run_start(line, line.len(), 0, is_user)
}

/// The name that ends at `end`.
fn name_at<'a>(look: &Look<'a>, end: usize) -> Name<'a> {
    let start = look.back(end, 32, is_word);
    Name {
        start,
        text: look.part(start, end),
        quoted: false,
    }
}

/// Whether a name is none, or that of something else: `the password for user42`, `~/.ssh/deploy_key user@host`,
/// `kubectl get secret db-1`.
fn names_other(look: &Look<'_>, name: &Name<'_>, linked: bool) -> bool {
    let letter = |b: &u8| b.is_ascii_alphabetic() || *b >= 0x80;
    name.text.len() < 2
        || !name.text.iter().any(letter)
        || !linked && speech::is_of_place(name.text)
        || follows_path(look, name.start)
        || names::is_of_resource(name.text) && names_resource(look, name.start)
}

/// Whether a word under a name is a secret.
fn takes(look: &Look<'_>, name: &Name<'_>, word: &[u8], linked: bool) -> bool {
    let mut kind = look.judge(name.text);
    // A flag has a value of its own.
    if kind == Kind::Plain && !name.text.starts_with(b"-") {
        kind = spaced_kind(look, name, linked);
    }
    let is_open = matches!(kind, Kind::Plain | Kind::Maybe | Kind::Handle);
    if is_open && linked && word.len() >= 10 && named_further(look, name.start) {
        kind = Kind::Secret;
    }
    match kind {
        // `worker-passwords   e2-small`
        Kind::Secrets if !linked && memchr::memchr(b'-', name.text).is_some() => false,
        Kind::Secret | Kind::Secrets | Kind::Pwd => {
            value::looks_chosen(word)
                && !is_number_of_key(look, name, word)
                && !value::is_token_of_other_kind(word, name.text)
        }
        Kind::Opaque | Kind::Pin => value::fits(word, kind),
        _ => false,
    }
}

/// Whether the sentence named a secret further ahead: `The API key for production is …`.
pub(crate) fn named_further(look: &Look<'_>, end: usize) -> bool {
    let line = look.last(end, 64);
    let sentence = memchr::memrchr3(b'.', b'\n', b',', line).map_or(0, |n| n + 1);
    phrase::begins_with_name(bytes::rest(line, sentence), |name| look.judge(name))
}

/// What stands before a word for a password at the end of a line, with a space or a sign between: `user bob, pass `.
fn before_password(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_suffix(b" ")?;
    let line = line.strip_suffix(b":").unwrap_or(line);
    let word = run_start(line, line.len(), 0, |b| {
        b.is_ascii_alphabetic() || b >= 0x80
    });
    let (before, word) = line.split_at(word);
    let before = before.strip_suffix(b" ")?;
    let before = before.strip_suffix(b" /").unwrap_or(before);
    let before = before.strip_suffix(b",").unwrap_or(before);
    // `the wifi harbour with key …`
    let before = speech::WITH
        .iter()
        .find_map(|with| before.strip_suffix(with.trim_end().as_bytes()))
        .unwrap_or(before);
    speech::is_short_for_password(word).then_some(before)
}

/// Whether a word before the one at `start` that says nothing alone leads to it from what does.
fn is_led(look: &Look<'_>, start: usize) -> bool {
    if look.before(start) != b' ' {
        return false;
    }
    let end = look.back(start - 1, 1, |b| b == b':');
    let word = look.back(end, 10, |b| b.is_ascii_alphabetic() || b >= 0x80);
    speech::leads(look.part(word, end))
        && (follows_login(look, start)
            || follows_change(look, start)
            || sql::follows_identified(look, start))
}

/// Whether someone logs in right before `start`, and with what: `log in as bob with …`, `credentials are bob and …`.
fn follows_login(scope: &Scope<'_>, start: usize) -> bool {
    let line = scope.last(start, 64 + MAX_ADDRESS);
    if let Some(line) = before_password(line) {
        let mut words = line
            .rsplit(|b| b" :=\"'`\n".contains(b))
            .filter(|word| !word.is_empty());
        return words.nth(1).is_some_and(speech::is_user);
    }
    let Some(line) = speech::WITH
        .iter()
        .find_map(|link| line.strip_suffix(link.as_bytes()))
    else {
        return false;
    };
    let user = user_before(line, |b| is_word(b) || matches!(b, b'@' | b'[' | b']'));
    let verb = bytes::part(line, 0, user);
    user < line.len()
        && speech::LOGS_IN.iter().any(|words| {
            let tail = bytes::rest(verb, verb.len().saturating_sub(words.len()));
            tail.eq_ignore_ascii_case(words.as_bytes())
        })
}

/// Whether the value is what a secret was changed to, from another one: `changed the password from … to …`.
fn follows_change(look: &Look<'_>, start: usize) -> bool {
    let line = look.last(start, 128);
    let strip = |line: &'_ [u8], links: &[&str]| {
        links
            .iter()
            .find(|link| {
                let tail = bytes::rest(line, line.len().saturating_sub(link.len()));
                bytes::is_same(tail, link.as_bytes())
            })
            .map(|link| line.len() - link.len())
    };
    let Some(old) = strip(line, speech::TO) else {
        return false;
    };
    let floor = old.saturating_sub(48);
    let old = run_start(line, old, floor, |b| !b.is_ascii_whitespace());
    let Some(name) = strip(bytes::part(line, 0, old), speech::FROM) else {
        return false;
    };
    let name = name_at(look, before_address(look, start - line.len() + name));
    look.judge(name.text).hides() || spaced_kind(look, &name, true).hides()
}

/// A key that is named by its algorithm is named by its number, too: `RSA key 4AEE18F83AFDEB23`.
fn is_number_of_key(look: &Look<'_>, name: &Name<'_>, word: &[u8]) -> bool {
    let end = name.start.saturating_sub(1);
    let algorithm = look.part(look.back(end, 4, is_word), end);
    word.iter().all(u8::is_ascii_hexdigit)
        && (speech::is_key(name.text) && speech::is_algorithm_of_key(algorithm)
            || names::signs(name.text))
}

/// Whether the name that begins at `name` is the last part of a path.
fn follows_path(scope: &Scope<'_>, name: usize) -> bool {
    let start = scope.back(name, 64, |b| is_word(b) || matches!(b, b'/' | b'~'));
    scope.before(name) == b'/' && matches!(scope.at(start), b'/' | b'~' | b'.')
}

/// Whether the word before `secret`, which begins at `name`, does something to an object of that kind.
fn names_resource(scope: &Scope<'_>, name: usize) -> bool {
    let end = name.saturating_sub(1).max(scope.from);
    let start = scope.back(end, 16, is_word);
    speech::is_done_to_resource(scope.part(start, end))
}

/// A password at `start`, behind an address and a colon.
pub(crate) fn behind_address(scope: &Scope<'_>, start: usize) -> Option<Found> {
    let value = word_at(scope, start);
    (value::looks_chosen(value)
        && memchr::memchr(b'/', value).is_none()
        && !placeholder::has_mark(value))
    .then(|| Found::new(start, start + value.len(), Class::Field))
}

/// A word in quotes, the first of which stands at `open`: `the password is "…"`.
pub(crate) fn quoted(look: &Look<'_>, open: usize) -> Option<Found> {
    let last_word = |text: &[u8]| memchr::memrchr(b' ', text).map_or(0, |n| n + 1);
    let before = look.last(open, 24).trim_ascii_end();
    let (head, link) = before.split_at(last_word(before));
    let named = speech::is_copula(link) || speech::is_change(link);
    let name = if named { head.trim_ascii_end() } else { before };
    let name = bytes::rest(name, last_word(name));
    if !name.iter().all(|b| b.is_ascii_alphabetic() || *b >= 0x80)
        || !value::is_password_name(name)
        || look.judge(name) != Kind::Secret
    {
        return None;
    }
    let end = look.ahead(open + 1, 63, |b| !matches!(b, b'"' | b'\n'));
    let value = look.part(open + 1, end);
    // Words in quotes may be a rule for passwords: `at least 8 characters`.
    let phrase = memchr::memchr(b' ', value).is_some();
    let mixed =
        value.iter().any(u8::is_ascii_digit) && value.iter().any(|b| b"!@#$%^&*?".contains(b));
    // Without a verb the quotes may be those of a name: `the password "admin" rule`.
    let sure = named || value.iter().any(|b| !b.is_ascii_lowercase());
    (look.at(end) == b'"'
        && sure
        && (mixed || !phrase)
        && value.len() >= 5
        && value::is_literal(value, name))
    .then(|| Found::new(open + 1, end, Class::Field))
}

/// Whether a row of dots leads to the value at `start`: `password......hunter2`.
pub(crate) fn is_led_by_dots(scope: &Scope<'_>, start: usize) -> bool {
    scope.last(start, LEADER.len()) == LEADER
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

/// How a name stands before its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    Space,
    /// Words or signs lead from one to the other.
    Word,
    /// The name of a user stands between them: `login: bob / hunter2`.
    User,
    /// In the cell of a table.
    Cell,
}

/// Where the name before `start` ends, and how it leads to the value.
fn name_end(scope: &Scope<'_>, start: usize) -> Option<(usize, Link)> {
    if is_led_by_dots(scope, start) {
        return Some((scope.back(start, MAX_WORD, |b| b == b'.'), Link::Word));
    }
    let blank = |b: u8| matches!(b, b' ' | b'\t' | b'"' | b'\'' | b'`' | b'*');
    let mut end = scope.back(start, 6, blank);
    let mut link = Link::Space;
    if scope.last(end, 2) == b" /" {
        return before_user(scope, end);
    }
    for step in 0..6 {
        let before = scope.last(end, 3);
        let sign = if let Some(sign) = sign_at_end(before) {
            sign.len()
        } else if before.ends_with(b" .") && is_pair(scope, end - 2, start)
            || before.ends_with(b" -")
            || before.ends_with(b"(") && step == 0
        {
            1
        } else if before.ends_with(b"|") && step == 0 && end < start {
            return Some((end - 1, Link::Cell));
        } else {
            0
        };
        if sign == 0 {
            let from = scope.back(end, 12, |b| b.is_ascii_alphanumeric() || b >= 0x80);
            let word = scope.part(from, end);
            let linked = link == Link::Word;
            if let Some(before) = refers_back(scope, end)
                && may_be_said_back(word_at(scope, start))
            {
                end = before;
                link = Link::Word;
                continue;
            }
            // What Cisco says of how the value is written.
            let digit = !linked && word.len() == 1 && word.iter().all(u8::is_ascii_digit);
            // `The cookie set size:36477`: only behind `to` something was set.
            let is_link = speech::is_link(word) && (linked || !speech::is_change(word))
                || leads_into(scope, word, start) && speech::speaks_of_change(scope.last(from, 48));
            if from == scope.from || scope.before(from) != b' ' || !is_link && !digit {
                break;
            }
            end = from;
        }
        end = scope.back(end - sign, 6, blank);
        link = Link::Word;
    }
    (end < start || link == Link::Word).then_some((end, link))
}

/// Where the name ends before the user whose name, with a stroke behind it, ends at `end`: `login: bob / hunter2`.
fn before_user(scope: &Scope<'_>, end: usize) -> Option<(usize, Link)> {
    let line = scope.last(end - 2, MAX_ADDRESS);
    let user = end - 2 - line.len() + user_before(line, |b| is_word(b) || b == b'@');
    let mut name = scope.back(user, 3, |b| matches!(b, b' ' | b':'));
    if let Some(sign) = SIGNS
        .iter()
        .find(|sign| scope.last(name, 3).ends_with(sign.as_bytes()))
    {
        name = scope.back(name - sign.len(), 3, |b| b == b' ');
    }
    let word = scope.back(name, 12, is_word);
    let name = if speech::is_copula(scope.part(word, name)) {
        scope.back(word, 1, is_blank)
    } else {
        name
    };
    (name < user && user + 2 < end).then_some((name, Link::User))
}

/// Whether a word leads into what something is changed to, which begins at `start`.
fn leads_into(scope: &Scope<'_>, word: &[u8], start: usize) -> bool {
    speech::leads_into(word)
        || speech::leads_into_or_for(word) && looks_mixed(word_at(scope, start))
}

/// Whether a word is what a password looks like and names do not, where little else says that it is one: it has signs, is
/// a key, or mixes capitals and digits. Names may end in a number: `Beta-Team-1`, `Produção2`.
fn looks_mixed(word: &[u8]) -> bool {
    let letter = |b: u8| b.is_ascii_alphabetic() || b >= 0x80;
    let number = bytes::rest(word, run_end(word, 0, word.len(), letter));
    let is_numbered = number.iter().all(u8::is_ascii_digit) || memchr::memchr(b'-', word).is_some();
    let has = |of: fn(&u8) -> bool| word.iter().any(of);
    word.len() >= 8
        && (has(|b| b"!#$%^*=".contains(b))
            || has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit) && !is_numbered
            || value::fits(word, Kind::Opaque))
}

/// Whether a word behind a copula that refers back is no version and no name with a number: `c'est v2.3.1x`.
fn may_be_said_back(word: &[u8]) -> bool {
    memchr::memchr2(b'-', b'.', word).is_none() || looks_mixed(word)
}

/// Where the words end that a copula right before `end` refers back to: `le mot de passe, c'est …`.
fn refers_back(scope: &Scope<'_>, end: usize) -> Option<usize> {
    let is_before = |words: &&&str| scope.last(end, words.len()) == words.as_bytes();
    (scope.before(end) == b't')
        .then(|| speech::REFERS_BACK.iter().find(is_before))
        .flatten()
        .map(|words| end - words.len())
}

/// The sign that a text ends in. Most texts are told by their last byte.
fn sign_at_end(text: &[u8]) -> Option<&'static str> {
    let mut signs = SIGNS.iter().copied();
    matches!(text.last(), Some(b'>' | b'-' | 0x80..))
        .then(|| signs.find(|sign| text.ends_with(sign.as_bytes())))
        .flatten()
}

/// Whether the name that ends at `name` and the quoted value at `value` are a pair of Lisp: `(password . "…")`.
fn is_pair(scope: &Scope<'_>, name: usize, value: usize) -> bool {
    let floor = scope.from.max(name.saturating_sub(32));
    let start = run_start(scope.text, name, floor, |b| is_word(b) || b == b':');
    scope.before(value) == b'"' && scope.before(start) == b'('
}

/// What the name says that stands right before `start`, in a language that sets no spaces.
fn follows_unspaced(look: &Look<'_>, start: usize) -> Kind {
    // `인증번호 [482913]`
    let start = look.back(start, 1, |b| b == b'[');
    if look.before(start) < 0x80 && look.before(start.saturating_sub(1)) < 0x80 {
        return Kind::Plain;
    }
    let mut before = look.last(start, 40);
    for _ in 0..4 {
        let Some(shorter) = speech::PARTICLES
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
    look.judge(bytes::rest(before, from))
}

/// Whether the value that ends at `end` is said to be a secret behind it: `… as password`, `… into the password field`.
fn precedes_name(look: &Look<'_>, end: usize) -> bool {
    let from = look.ahead(end, 1, |b| matches!(b, b'"' | b'\'' | b'`'));
    let behind = look.part(from, from + 40);
    if at(behind, 0) != b' ' {
        return false;
    }
    let mut words = words(behind);
    let link = words.next().unwrap_or_default();
    if speech::is_copula(link) {
        return is_said_to_be(look, behind);
    }
    if !speech::leads_to_field(link) {
        return false;
    }
    let is_article = |word: &[u8]| speech::is_determiner(word) || speech::is_foreign_article(word);
    let mut words = words.filter(|word| !is_article(word));
    let mut name = words.next().unwrap_or_default();
    let next = words.next().unwrap_or_default();
    // `as the new password`
    if speech::names(link) && speech::is_new(name) {
        name = next;
    } else if speech::is_field(next) {
        return look.judge(name).hides();
    }
    speech::names(link) && look.judge(name).hides() && is_whole(behind, name, b" ")
}

/// Whether what stands behind a value says that it is a secret: `is my new password`.
fn is_said_to_be(look: &Look<'_>, behind: &[u8]) -> bool {
    let mut words = words(behind).skip(1).take(4);
    words.next().is_some_and(speech::is_determiner)
        && words
            .find(|word| look.judge(word).hides())
            // `is our password: manager`
            .is_some_and(|name| is_whole(behind, name, b" :"))
}

/// Whether a name in a text is not the first part of that of something else: `password manager`. The words of that are
/// joined by these signs alone: `password, type it in`.
fn is_whole(text: &[u8], name: &[u8], signs: &[u8]) -> bool {
    let end = memchr::memmem::find(text, name).map_or(text.len(), |n| n + name.len());
    let behind = bytes::rest(text, end);
    let clause = behind.split(|b| !is_word(*b) && !signs.contains(b)).next();
    let tail = words(clause.unwrap_or_default()).next();
    name.ends_with(b".") || !tail.is_some_and(names::is_harmless_tail)
}

/// The words of a text.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| !is_word(*b)).filter(|word| !word.is_empty())
}

/// The first cell of a line of CSV, if the value from `start` to `end` is the second.
fn cell_before<'a>(scope: &Scope<'a>, start: usize, end: usize) -> Option<&'a [u8]> {
    if scope.before(start) != b',' || !matches!(scope.at(end), 0 | b',' | b'\n' | b'\r') {
        return None;
    }
    let from = scope.back(start - 1, 47, |b| is_word(b) || b == b' ');
    (from == scope.origin || scope.before(from) == b'\n').then(|| scope.part(from, start - 1))
}

/// Whether the value stands on a line of its own, below a line that names it: indented, in a block of Markdown, in a form.
fn follows_line(look: &Look<'_>, start: usize, end: usize) -> bool {
    let around =
        |b: u8| is_blank(b) || matches!(b, b'`' | b'*' | b'"' | b'\'' | b'>' | b'|' | b'_' | b'~');
    let after = look.ahead(end, 8, around);
    if !matches!(look.at(after), 0 | b'\n' | b'\r') {
        return false;
    }
    let margin = look.back(start, 24, around);
    // A line that assigns is named by itself.
    if look.before(margin) != b'\n' || is_assignment(look, start) {
        return false;
    }
    let first = first_item(look, margin);
    let limit = if first < margin {
        look.origin
    } else {
        look.from
    };
    let between = |b: u8| around(b) || matches!(b, b'\r' | b'\n' | b':' | b'-' | b'=');
    let floor = limit.max(first.saturating_sub(48));
    let close = run_start(look.text, first, floor, between);
    let floor = limit.max(close.saturating_sub(40));
    let line = bytes::part(look.text, floor, close);
    let begin = memchr::memrchr(b'\n', line).map_or(0, |n| n + 1);
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
        && look.judge(phrase::without_given(name)).hides()
        && (first == margin || name.split(|b| *b == b' ').any(names::is_of_many))
}

/// Where the lines above one begin that are single words and look chosen, as items of a list do.
pub(crate) fn first_item(look: &Scope<'_>, mut line: usize) -> usize {
    for _ in 0..MAX_ABOVE {
        let end = line.saturating_sub(1);
        let floor = look.origin.max(end.saturating_sub(MAX_ITEM));
        let begin = run_start(look.text, end, floor, |b| b != b'\n');
        let item = bytes::part(look.text, begin, end).trim_ascii();
        if begin <= look.origin
            || bytes::before(look.text, begin) != b'\n'
            || item.contains(&b' ')
            || !value::looks_chosen(item)
        {
            break;
        }
        line = begin;
    }
    line
}

#[cfg(test)]
mod tests {
    use crate::redact::tests::{leaves, marked, redacts};

    #[test]
    fn a_wifi_and_its_key_are_told_on_one_line() {
        marked(&[
            "Notes\n\nWifi: Harbour_5G, clave {}\nPuerta 2",
            "connect to the wifi harbour with key {}",
            "รหัสผ่านคือ {}",
        ]);
        leaves(&["connect to the server harbour with key hunter2xK9"]);
    }

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
            "Keep these recovery codes safe:\n  {}\n  {}\n  {}\n",
        ]);
        redacts(&[(
            "Keep the recovery code safe\n  hunter2xK9\n  build-42a1\n",
            "Keep the recovery code safe\n  [REDACTED_FIELD]\n  build-42a1\n",
        )]);
    }

    #[test]
    fn a_value_goes_that_dots_or_a_user_lead_to() {
        marked(&[
            "DEBUG password........................{}\nDEBUG poolName........................\"main\"",
            "password........... {}",
        ]);
        redacts(&[(
            "I used bob7 / Hunter!2xK9 and failed",
            "I used bob7 / [REDACTED_FIELD] and failed",
        )]);
        redacts(&[(
            "Credentials for the gate: bob / Hunter2xK9 (port 22)",
            "Credentials for the gate: bob / [REDACTED_FIELD] (port 22)",
        )]);
        leaves(&[
            "Passwords for staging: see wiki / page-twelve-12",
            "Passwords for env: dev / staging-01",
            "Passwords for teams: alpha / beta-team-1",
            "Passwords for teams: Alpha / Beta-Team-1",
            "Secrets in folder: prod / api-keys-v2",
            "Secrets in folder: prod / ApiKeysV2",
            "Credentials for tests: unit / integration2",
            "Credentials for tests: Unit / Integration2",
            "Password fields in forms: login / register-v2",
            "Passwords for Q3: done / pending-12",
            "Credentials for the hosts: db1 / web2x",
            "Seats for the gate: bob / Hunter2xK9",
            "Credentials for the gate: bob / harbour",
            "Credentials for the gate, on page bob / Hunter2xK9",
            "I used node18x / react17y and failed",
            "maximumPoolSize.................10x7abc",
            "NAME            TYPE\nworker-passwords   e2-small   10.8.0.19",
        ]);
    }

    #[test]
    fn what_is_said_to_be_a_secret_behind_it_or_stands_in_quotes_goes() {
        marked(&[
            "{} is my password",
            "{} is my password, type it in",
            "{} is my new, password for prod",
            "use {} as password/type",
            "the password you should use first time: {}",
            "Le mot de passe du NAS, c'est {}",
            "Le mot de passe, c\u{2019}est {} depuis hier",
            "I set {} as the new password for staging",
            "nimm {} als Passwort",
            "usa {} como contraseña",
            "I set {} as the password, policy requires it",
            "I set {} as the new password, policy requires it",
            "I set {} as the password. policy requires it",
            "use {} as password, type it in",
            "use {} as password (page 3)",
            "{} is your new password for the staging site",
            "the password is \"{}\"",
            "I set the password to \"{}\" yesterday",
        ]);
        redacts(&[(
            "the password is \"tangerine\" ok",
            "the password is \"[REDACTED_FIELD]\" ok",
        )]);
        leaves(&[
            "the password you should use has at least 12characters in it",
            "the token you can use in v2.3.1 is short",
            "Le mot de passe, c'est la cl\u{e9}",
            "Le mot de passe, c'est au moins 12 lettres",
            "Le jeton, c\u{2019}est pas build-42",
            "Le jeton, c'est v2.3.1x",
            "Le token c'est build-42x",
            "le navire, c'est hunter2xK9",
            "user42 is my password manager",
            "user42 is password protected",
            "ES256X9 es el algoritmo de token",
            "user42xx ist der Token Besitzer",
            "user42 as the new hire",
            "user42 as the third password",
            "argon2id-v19 as the new password hashing scheme",
            "we chose scrypt-v2 as the password hashing function",
            "the password \"admin\" rule",
            "the password must be \"at least 8 characters\"",
        ]);
    }

    #[test]
    fn a_name_behind_a_value_may_stand_behind_signs_and_on_the_next_line() {
        marked(&[
            "{} is my new\npassword",
            "{} is my\npassword for staging",
            "use {} as the\npassword",
            "use {} as the new\npassword",
            "type {} into the password\nfield",
            "{} is my (new) password",
            "{} is our guest (wifi) password",
            "use {} as (temporary) password",
            "nimm {} als (neues) Passwort",
            "enter {} in (password) field",
            "enter {} into: password field",
            "{} is the root:admin password",
            "{} is my new, secret password",
            "{} is my long, strong password",
            "use {} as new the password",
            "enter {} into password the field",
        ]);
        leaves(&[
            "user42xx is our password: manager",
            "user42xx is my (new) password manager",
        ]);
    }

    #[test]
    fn what_someone_logs_in_with_goes() {
        marked(&[
            "log in as bob with {}",
            "please login with bob and {} today",
            "the credentials are bob and {}",
            "Login: bob / {}",
            "Admin login is bob / {}",
            "acc\u{e8}s: bob / {}",
            "log in with user bob pass {}",
            "username: bob, pass {} on staging",
            "WLAN: Gast / Schlüssel: {}",
            "customer pasted user bob / pass {} there",
            "el acceso: usuario bob, clave {}.",
            "Staging login \u{2192} bob@staging / {}",
            "GİRİŞ BİLGİLERİ: bob / {}",
            "KULLANICI bob pass {}",
        ]);
        leaves(&[
            "log in with your account and hunter2xK9",
            "we met bob and hunter2xK9",
            "page: bob / hunter2xK9",
            "the tests pass hunter2xK9",
            "all users of bob pass hunter2xK9",
        ]);
    }

    #[test]
    fn what_someone_logs_in_with_goes_however_the_user_is_written() {
        // The user may have been hidden before, or right now.
        for user in [
            "@bob",
            "[admin]",
            "[REDACTED_KEY]",
            "[REDACTED_FIELD]",
            "[REDACTED_NAME]",
            "[EMAIL]",
        ] {
            marked(&[&format!("log in as {user} with {{}}")]);
        }
        redacts(&[
            (
                "credentials: bob7x and hunter2xK9",
                "credentials: [REDACTED_FIELD] and [REDACTED_FIELD]",
            ),
            (
                "login credentials: bob7x with hunter2xK9",
                "login credentials: [REDACTED_FIELD] with [REDACTED_FIELD]",
            ),
            (
                "credentials: bob@example.com and hunter2xK9",
                "credentials: [REDACTED_FIELD] and [REDACTED_FIELD]",
            ),
            (
                "credentials: ada7 and tangerine7x",
                "credentials: [REDACTED_FIELD] and [REDACTED_FIELD]",
            ),
        ]);
        redacts(&[(
            "log in as <bob@example.com> with hunter2xK9",
            "log in as <[REDACTED_EMAIL]> with [REDACTED_FIELD]",
        )]);
        // A name may stand right before an address, and a sign before a user.
        for name in ["login:", "Login:", "Account:", "user:"] {
            redacts(&[(
                &format!("{name}bob@example.com / Hunter!2xK9"),
                &format!("{name}[REDACTED_EMAIL] / [REDACTED_FIELD]"),
            )]);
        }
        for before in [
            "Login: @bob7 /",
            "account @bob7 /",
            "I tried @bob7 /",
            "Films: @bob7 /",
        ] {
            redacts(&[(
                &format!("{before} Hunter!2xK9 and failed"),
                &format!("{before} [REDACTED_FIELD] and failed"),
            )]);
        }
    }

    #[test]
    fn what_a_sentence_names_before_an_address_goes() {
        for (text, secret) in [
            ("the password for @ is {}", "hunter2xK9"),
            ("Passwort für @ lautet {}", "hunter2xK9"),
            ("the password of @ was changed to {}", "hunter2xK9"),
            ("log in as @ with {}", "hunter2xK9"),
            ("the credentials are @ and {}", "hunter2xK9"),
            ("Login: @ / {}", "hunter2xK9"),
            ("Films: @ / {} (profile 3)", "hunter2!xK9"),
            ("Films: @ / {} (profile 3)", "Summer#2024"),
            ("of @: use {} as the new `password`", "hunter2xK9"),
            ("The verification code sent to @ is {}", "482913"),
        ] {
            let with = |who: &str, what: &str| text.replace('@', who).replace("{}", what);
            let marks = with("[REDACTED_EMAIL]", "[REDACTED_FIELD]");
            let far = format!("bob@{}example.com", "north-harbour.".repeat(17));
            for address in ["bob@shop.example.io", "[REDACTED_EMAIL]", &far] {
                redacts(&[(&with(address, secret), &marks)]);
            }
        }
        redacts(&[
            (
                "write to bob@shop.example.io by hunter2xK9",
                "write to [REDACTED_EMAIL] by hunter2xK9",
            ),
            (
                "mail reset-password@acme.io is build42x",
                "mail [REDACTED_EMAIL] is build42x",
            ),
            (
                "reset the password for bob@shop.example.io build42x",
                "reset the password for [REDACTED_EMAIL] build42x",
            ),
            (
                "Assigned to bob@shop.example.io / Ticket#4821",
                "Assigned to [REDACTED_EMAIL] / Ticket#4821",
            ),
            (
                "Reviewer: bob@shop.example.io / PLAT#1423",
                "Reviewer: [REDACTED_EMAIL] / PLAT#1423",
            ),
            (
                "moved from bob@shop.example.io / Sprint#42 to bob",
                "moved from [REDACTED_EMAIL] / Sprint#42 to bob",
            ),
            (
                "the ticket of bob@shop.example.io is 482913",
                "the ticket of [REDACTED_EMAIL] is 482913",
            ),
        ]);
    }

    #[test]
    fn what_a_sentence_names_further_ahead_goes() {
        marked(&[
            "The API key for staging is {}",
            "La clave de API de pruebas es {}",
            "He cambiado mi contraseña a {}.",
            "Ho cambiato la mia password in {}.",
            "我把密码改成了 {}。",
            "テスト用のAPIキーは {} です",
            "كلمة مرور الواي فاي للضيوف: {}",
            "heslo k databázi je {}, díky",
            "parola pentru panou este {}",
            "lozinka za server je {}",
            "пароль до сервера це {}",
            "הסיסמה לשרת היא {}, תודה",
            "mật khẩu của máy chủ là {}",
            "la pasvorto de la servilo estas {}",
            "Hola, la contraseña nueva es {} y el usuario no cambia",
            "a senha do roteador mudou para {} ontem",
            "La contraseña ha cambiado para {}.",
        ]);
        leaves(&[
            "La contraseña ha cambiado para usuario42",
            "La senha foi mudada para user42",
            "A senha do servidor mudou para produção2",
            "A senha do servidor mudou para Produção2",
            "which secret is mounted at /run/secrets/db-password in pod api-7d9f8c6b5-x2x4q?",
            "the password in config2.yml",
            "Password Pro version is 8b12c4d",
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
            "수신 비밀번호는 {} 입니다",
        ]);
        redacts(&[(
            "[Acme] 인증번호 [482913]를 입력",
            "[Acme] 인증번호 [[REDACTED_FIELD]]를 입력",
        )]);
        leaves(&["주문번호 [482913]를 입력", "[482913] 인증"]);
    }
}
