//! Secrets in sentences: `the password is hunter2`, `Passwort: …`, `| API_KEY | … |`.
//!
//! Prose about secrets holds none. What tells them apart is the value: a word with a digit and letters in it, right
//! behind the words that name it.

use crate::redact::catalogue::{names, speech};
use crate::redact::class::{Class, MARK_START};
use crate::redact::find::look::Look;
use crate::redact::find::phrase::spaced_kind;
use crate::redact::judge::{placeholder, random, value};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, at, is_spoken, part, run_end, run_start};
use crate::redact::read::lex::{MAX_WORD, Name, ends_with, is_blank};
use crate::redact::read::scope::{Found, Scope};

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') || byte >= 0x80
}

/// A value with a digit that begins at `start`, behind words that name it.
pub(crate) fn value(look: &Look<'_>, start: usize) -> Option<Found> {
    let word = word_at(look, start);
    if word.is_empty() || word.starts_with(MARK_START) || word.starts_with(b"--") {
        return None;
    }
    let found = secret(look, start, word)?;
    (!placeholder::is_placeholder(word)).then(|| with_next(look, found))
}

/// The secret in a word that begins at `start`: all of it, or what stands in it behind a user.
fn secret(look: &Look<'_>, start: usize, word: &[u8]) -> Option<Found> {
    let end = start + word.len();
    let whole = Found::new(start, end, Class::Field);
    let chosen = || value::looks_chosen(word);
    if precedes_name(look, end) && chosen() {
        return user_and_password(start, word).or(Some(whole));
    }
    if (follows_unspaced(look, start) || follows_line(look, start, end)) && chosen() {
        return Some(whole);
    }
    if let Some(name) = cell_before(look, start, end) {
        return (look.judge(name).hides() && chosen()).then_some(whole);
    }
    let (name_end, linked, cell) = name_end(look, start)?;
    if cell {
        return (names_row(look, name_end) && chosen()).then_some(whole);
    }
    let name = name_at(look, name_end)?;
    if names_other(look, &name, linked) {
        return None;
    }
    let kind = kind_of(look, &name, word, linked);
    if takes(look, &name, word, kind, linked) {
        Some(whole)
    } else if kind.hides() {
        // `creds are bob/hunter2`
        user_and_password(start, word)
    } else {
        None
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

/// The name that ends at `end`: `My password's …`.
fn name_at<'a>(look: &Look<'a>, end: usize) -> Option<Name<'a>> {
    let name_to = |end: usize| {
        let start = look.back(end, 32, is_word);
        Name {
            start,
            text: look.part(start, end),
            quoted: false,
        }
    };
    let mut name = name_to(end);
    if name.text == b"s" && look.before(name.start) == b'\'' {
        name = name_to(name.start - 1);
    }
    let letter = |b: &u8| b.is_ascii_alphabetic() || *b >= 0x80;
    (name.text.len() >= 2 && name.text.iter().any(letter)).then_some(name)
}

/// Whether a name is that of something else: `[--token TOKEN]`, `~/.ssh/deploy_key user@host`, `the password for
/// user42`, `kubectl get secret db-1`.
fn names_other(look: &Look<'_>, name: &Name<'_>, linked: bool) -> bool {
    name.text.starts_with(b"-") && look.before(name.start) == b'['
        || follows_path(look, name.start)
        || !linked && speech::is_of_place(name.text)
        || name.text.starts_with(b"secret") && names_resource(look, name.start)
}

/// What a name says of a word behind it, alone or with the words around it.
fn kind_of(look: &Look<'_>, name: &Name<'_>, word: &[u8], linked: bool) -> Kind {
    let mut kind = look.judge(name.text);
    // A flag has a value of its own.
    if kind == Kind::Plain && !name.text.starts_with(b"-") {
        kind = spaced_kind(look, name, linked);
    }
    if kind != Kind::Plain || !linked || word.len() < 10 || !value::looks_chosen(word) {
        return kind;
    }
    let strong = random::is_strong(word);
    let is_symbol = |b: &u8| b"!#$%&*".contains(b);
    if named_further(look, name.start, strong)
        || is_mine(look, name)
        || word.len() >= 12 && (strong || word.iter().any(is_symbol)) && speaks(look, name.start)
    {
        return Kind::Secret;
    }
    kind
}

/// Whether the sentence named a secret further ahead: `The API key for production is …`.
fn named_further(look: &Look<'_>, end: usize, strong: bool) -> bool {
    let line = look.last(end, 48);
    let sentence = memchr::memrchr3(b'.', b'\n', b',', line).map_or(0, |n| n + 1);
    let sentence = bytes::rest(line, sentence);
    speech::PREPOSITIONS.iter().any(|word| {
        bytes::find(sentence, word.as_bytes()).is_some_and(|end| {
            let name = part(sentence, 0, end).trim_ascii();
            look.judge(name).hides() || name.ends_with(b"key") && strong
        })
    })
}

/// `my key is …`
fn is_mine(look: &Look<'_>, name: &Name<'_>) -> bool {
    let end = name.start.saturating_sub(1);
    let owner = look.part(look.back(end, 5, is_word), end);
    name.text.eq_ignore_ascii_case(b"key") && speech::is_determiner(owner)
}

/// Whether a word under a name is a secret.
fn takes(look: &Look<'_>, name: &Name<'_>, word: &[u8], kind: Kind, linked: bool) -> bool {
    match kind {
        Kind::Secret | Kind::Secrets if name.text.starts_with(b"-") => word.len() >= 3,
        Kind::Secret | Kind::Secrets => {
            !is_number_of_key(look, name, word) && value::looks_chosen(word)
                || names::is_code_of_card(name.text) && value::is_code_of_card(word)
        }
        Kind::Pwd => value::looks_chosen(word),
        Kind::Opaque => value::fits(word, kind) && !is_number_of_key(look, name, word),
        // `user bob pass hunter2`, `PASS hunter2`
        Kind::Maybe if name.text.eq_ignore_ascii_case(b"pass") => {
            let mut before = look.last(name.start, 48).split(|b| !is_word(*b));
            value::looks_chosen(word)
                && memchr::memchr2(b'/', b'.', word).is_none()
                && (linked || before.any(speech::is_user))
        }
        Kind::Pin => value::fits(word.strip_suffix(b"#").unwrap_or(word), kind),
        _ => false,
    }
}

/// A key that is named by its algorithm is named by its number, too: `RSA key 4AEE18F83AFDEB23`.
fn is_number_of_key(look: &Look<'_>, name: &Name<'_>, word: &[u8]) -> bool {
    let end = name.start.saturating_sub(1);
    let algorithm = look.part(look.back(end, 4, is_word), end);
    word.iter().all(u8::is_ascii_hexdigit)
        && (name.text.eq_ignore_ascii_case(b"key") && speech::is_algorithm_of_key(algorithm)
            || ends_with(name.text, b"signingkey") && matches!(word.len(), 16 | 40))
}

/// A finding, and the one that it is changed to: `change the password from … to …`.
fn with_next(look: &Look<'_>, found: Found) -> Found {
    let to = look.ahead(found.end, 1, |b| matches!(b, b'"' | b'\''));
    let next = to + 4 + (to - found.end);
    if look.part(to, to + 4) == b" to " {
        let other = word_at(look, next);
        if value::looks_chosen(other) && !placeholder::has_mark(other) {
            return Found::new(found.start, next + other.len(), found.class);
        }
    }
    found
}

/// Whether the name that begins at `name` is the last part of a path.
fn follows_path(scope: &Scope<'_>, name: usize) -> bool {
    if scope.before(name) != b'/' {
        return false;
    }
    let start = scope.back(name, 64, |b| is_word(b) || matches!(b, b'/' | b'~'));
    matches!(scope.at(start), b'/' | b'~' | b'.')
}

/// Whether the word before `secret`, which begins at `name`, does something to an object of that kind.
fn names_resource(scope: &Scope<'_>, name: usize) -> bool {
    let end = name.saturating_sub(1).max(scope.from);
    let start = scope.back(end, 16, is_word);
    speech::is_done_to_resource(scope.part(start, end))
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
    let before = look.last(open, 24);
    let before = before.trim_ascii_end();
    let last = bytes::rest(before, memchr::memrchr(b' ', before).map_or(0, |n| n + 1));
    let named = speech::is_copula(last) || last == b"to";
    let name = if named {
        part(before, 0, before.len() - last.len()).trim_ascii_end()
    } else {
        before
    };
    let name = bytes::rest(name, memchr::memrchr(b' ', name).map_or(0, |n| n + 1));
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
    let start = look.ahead(sign + 1, 7, |b| b.is_ascii_whitespace());
    let value = word_at(look, start);
    let end = start + value.len();
    if !value::looks_chosen(value)
        || !matches!(look.at(end), 0 | b'\n' | b'\r')
        || memchr::memchr(b'/', value).is_some()
        || !value::is_real(value)
        || !speaks(look, sign)
    {
        return None;
    }
    Some(Found::new(start, end, Class::Field))
}

/// Whether the sentence that ends at `end` speaks of a secret, and not of something about one.
fn speaks(look: &Look<'_>, end: usize) -> bool {
    let line = look.last(end, 96);
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
    let blank = |b: u8| matches!(b, b' ' | b'\t' | b'"' | b'\'' | b'`' | b'*');
    let back = |end: usize| scope.back(end, 6, blank);
    let mut end = back(start);
    // `bob / hunter2`
    let mut user = false;
    if scope.last(end, 2) == b" /" {
        user = true;
        end = scope.back(end - 2, 32, is_word);
        end = scope.back(end, 2, |b| matches!(b, b' ' | b':'));
    }
    let mut linked = user;
    for step in 0..6 {
        let before = scope.last(end, 3);
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
        let from = scope.back(end, 12, |b| b.is_ascii_alphanumeric() || b >= 0x80);
        let word = scope.part(from, end);
        // What Cisco says of how the value is written.
        let digit = word.len() == 1 && word.iter().all(u8::is_ascii_digit);
        // `The cookie set size:36477`: only behind `to` something was set.
        let link = speech::is_link(word) && (linked || !speech::is_change(word));
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
    if look.before(start) < 0x80 && look.before(start.saturating_sub(1)) < 0x80 {
        return false;
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
    look.judge(bytes::rest(before, from)).hides()
}

fn before_is(scope: &Scope<'_>, at: usize, byte: u8) -> bool {
    scope.before(at) == byte
}

/// Whether the value that ends at `end` is said to be a secret behind it: `… as password`, `… into the password field`.
fn precedes_name(look: &Look<'_>, end: usize) -> bool {
    let mut pos = look.ahead(end, 1, |b| matches!(b, b'"' | b'\'' | b'`'));
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
    let name = look.ahead(pos, 24, |b| b.is_ascii_alphabetic() || b == b' ');
    let first = run_end(look.text, pos, name, |b| b != b' ');
    let second = run_end(look.text, (first + 1).min(name), name, |b| b != b' ');
    let field = matches!(
        look.part(first + 1, second),
        b"field" | b"input" | b"box" | b"textbox"
    );
    look.judge(look.part(pos, first)).hides() && (matches!(link, b" as " | b" is ") || field)
        || look.judge(look.part(pos, second)).hides() && matches!(link, b" as " | b" is ")
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
