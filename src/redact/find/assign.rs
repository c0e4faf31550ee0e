//! Values that text assigns to sensitive names: `KEY=value`, `key: "value"`, `api key is value`.
//!
//! Where the assignment begins is the easy part. Where its value ends depends on what the text is: a quoted
//! literal, a line of a file, a query, a connection string, a sentence.

use crate::redact::catalogue::{formats, headers, labels, names, roles, speech};
use crate::redact::class::{Class, MARK_START};
use crate::redact::find::header::{cookies, digest_response, signature};
use crate::redact::find::look::Look;
use crate::redact::find::phrase::{self, spaced_kind};
use crate::redact::find::value::{literal, value_at};
use crate::redact::find::word::credentials;
use crate::redact::find::{code, command, markup, sentence, sql, url};
use crate::redact::judge::code::{is_snake, is_word_and_number};
use crate::redact::judge::style::{Given, Style};
use crate::redact::judge::{id, name, random, value};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, at, run_start};
use crate::redact::read::lex::{
    MAX_JUDGED, MAX_WORD, Name, closing_quote, ends_with, is_blank, is_name, is_of_key, name_before,
};
use crate::redact::read::scope::{Found, Scope};

/// A shorter item may be a piece of a word.
const MIN_ISSUED: usize = 12;
/// Fewer capitals may be a word, and fewer digits a year.
const MIN_SPELLED: usize = 16;
const MIN_DIGITS: usize = 6;
/// Fewer digits are no code of a list.
const MIN_CODE: usize = 4;
/// A shorter plural need not be one of secrets: `tokens`.
const MAX_PLAIN: usize = 6;
/// A longer list is read so far.
const MAX_ITEMS: usize = 64;
/// What is longer labels no item.
const MAX_LABEL: usize = 40;

/// A sign that puts a value under a name, and what stands around it.
#[derive(Clone, Copy)]
struct Sign {
    at: usize,
    byte: u8,
    next: u8,
    /// Where the operator begins that it is the last of.
    operator: usize,
}

/// A name and where its value begins.
struct Assigned<'a> {
    sign: Sign,
    name: Name<'a>,
    /// `The password is: …`
    linked: bool,
    kind: Kind,
    value: usize,
    /// Where the value would begin without spaces.
    unspaced: usize,
    arrow: bool,
}

/// An assignment whose `=` or `:` stands at `sign`.
pub(crate) fn at_sign(look: &mut Look<'_>, sign: usize) {
    let Some(operator) = operator(look, sign) else {
        return;
    };
    let sign = Sign {
        at: sign,
        byte: at(look.text, sign),
        next: look.at(sign + 1),
        operator,
    };
    if sign.byte == b'=' && sign.next == b'=' {
        literal_compared(look, operator, sign.at);
    }
    let mut name = name_before(look, operator);
    if name.text.is_empty() {
        name = sql::declared(look, name.start).unwrap_or(name);
    }
    if sign.byte == b':' && by_place(look, &name, sign) {
        return;
    }
    let for_user = sign.byte == b'=' && sql::is_for_user(look, operator);
    let is_name = name.text.len() >= 2 || name.quoted;
    if !for_user && (!is_name || name.text.iter().all(u8::is_ascii_digit)) {
        return;
    }
    // `subject:password is:unread` is a query.
    let is_spaced = is_blank(look.at(sign.at + 1)) || look.at(sign.at + 1) == b'\n';
    let linked = sign.byte == b':'
        && is_spaced
        && (speech::is_copula(name.text) || speech::is_given(name.text));
    if linked {
        name = name_before(look, name.start);
    }
    // The parts of the key of a cache, and of an ARN, have colons between them.
    if look.before(name.start) == b':'
        && (sign.byte == b':' && is_of_key(look, sign.at + 1)
            || bytes::find(look.last(name.start, 80), formats::ARN).is_some())
    {
        return;
    }
    // Properties of Java and of Gradle: `-Dtoken=`, `-PapiKey=`.
    if sign.byte == b'=' && matches!(name.text, [b'-', b'D' | b'P', ..]) {
        name.text = bytes::rest(name.text, 2);
    }
    let kind = if for_user {
        Kind::Secret
    } else {
        kind_of(look, &name, sign)
    };
    let (unspaced, value, arrow) = value_start(look, sign);
    if begins_attribute(look, &name, sign, value == unspaced) {
        return;
    }
    let assigned = Assigned {
        kind: if kind == Kind::Opaque && !is_opaque_at(look, value) {
            Kind::Plain
        } else {
            kind
        },
        sign,
        name,
        linked,
        value,
        unspaced,
        arrow,
    };
    if !otherwise(look, &assigned) {
        one_value(look, &assigned);
    }
}

/// Whether a sign is one of an attribute that binds an expression to a name: `:token="resetToken"` of Vue, also behind a
/// value in quotes.
fn begins_attribute(look: &Look<'_>, name: &Name<'_>, sign: Sign, unspaced: bool) -> bool {
    if sign.byte == b':' {
        return name.quoted && unspaced && is_blank(look.before(sign.at));
    }
    look.before(name.start) == b':'
        && is_blank(look.before(name.start - 1))
        && look.at(sign.at + 1) == b'"'
}

/// Reports what the place of a colon makes a secret, whatever stands before it; whether nothing more is to be asked.
fn by_place(look: &mut Look<'_>, name: &Name<'_>, sign: Sign) -> bool {
    let is_default = look.before(name.start) == b'{' && matches!(sign.next, b'-' | b'=');
    let found = if is_default {
        default_of(look, name, sign.at + 2)
    } else {
        command::user_option(look, name.start, sign.at)
            .or_else(|| sql::of_passfile(look, name, sign.at))
            .or_else(|| of_relay(look, name, sign.at + 1))
            .or_else(|| of_wifi(look, name, sign.at + 1))
            .or_else(|| url::of_oracle(look, name.text, sign.at + 1))
    };
    look.report(found);
    is_default || found.is_some()
}

/// The password in a map of the relays of mail, behind host and user: `[smtp.example.com]:587 bob:…`.
fn of_relay(scope: &Scope<'_>, user: &Name<'_>, start: usize) -> Option<Found> {
    let port = scope.back(user.start, 8, is_blank);
    let colon = scope.back(port, 5, |b| b.is_ascii_digit());
    if port == user.start || colon == port || scope.last(colon, 2) != b"]:" {
        return None;
    }
    let end = scope.ahead(start, MAX_WORD, |b| !b.is_ascii_whitespace());
    value::is_literal(scope.part(start, end), b"").then(|| Found::new(start, end, Class::Field))
}

/// The password in what a code for a phone says of a network: `WIFI:T:WPA;S:Home;P:hunter2;;`.
fn of_wifi(scope: &Scope<'_>, name: &Name<'_>, start: usize) -> Option<Found> {
    if name.text != b"P" || scope.before(name.start) != b';' {
        return None;
    }
    bytes::find(scope.last(start, 96), formats::NETWORK)?;
    let end = scope.ahead(start, MAX_WORD, |b| !matches!(b, b';' | b'\n' | b'"'));
    value::is_real(scope.part(start, end)).then(|| Found::new(start, end, Class::Field))
}

/// What a variable of a shell is where it is not set, which begins at `start`: `${DB_PASSWORD:-hunter2}`.
fn default_of(look: &Look<'_>, name: &Name<'_>, start: usize) -> Option<Found> {
    let end = start + memchr::memchr(b'}', look.part(start, start + MAX_WORD))?;
    let quoted = matches!(look.at(start), b'"' | b'\'') && look.before(end) == look.at(start);
    let (from, to) = if quoted {
        (start + 1, end - 1)
    } else {
        (start, end)
    };
    let kind = look.judge(name.text);
    // A word by itself is what comes with the image: `:-postgres`.
    (kind.hides() && value::looks_chosen(look.part(from, to)))
        .then(|| literal(look, from, to, kind, name.text))
        .flatten()
}

/// What the name says of the value, or what it belongs to does.
fn kind_of(look: &Look<'_>, name: &Name<'_>, sign: Sign) -> Kind {
    let mut kind = look.judge(name.text);
    // `document.querySelector('#password').value = …`
    if name.text == formats::MEMBER_VALUE
        && look.before(name.start) == b')'
        && let Some(element) = code::place(look, name.start)
    {
        kind = look.judge(element);
    }
    if sign.byte == b':' && (look.before(name.start) == b'@' || name.text.starts_with(MARK_START)) {
        kind = kind_for(look, name);
    }
    if name.text == formats::VALUE && sign.byte == b'=' {
        kind = look.judge(block_name(look, name.start));
    }
    // What a login gives to the address that asked for it: `…/callback?code=…&state=…`.
    if name.text == formats::CODE
        && (matches!(look.before(name.start), b'?' | b'&')
            || bytes::find(look.part(sign.at, sign.at + MAX_WORD), formats::STATE).is_some())
        && is_opaque_at(look, sign.at + 1)
    {
        kind = Kind::Secret;
    }
    if kind == Kind::Plain
        && sign.byte == b':'
        && roles::is_key(name.text)
        && look
            .judge(&[name_above(look, name.start), roles::KEY].concat())
            .hides()
    {
        kind = Kind::Opaque;
    }
    // `{user: 'bob', pass: '…'}`
    if kind == Kind::Maybe
        && names::is_pass(name.text)
        && speech::names_user(look.last(name.start, 64))
    {
        kind = Kind::Secret;
    }
    if kind == Kind::Maybe && phrase::names_other(look, name) {
        return Kind::Plain;
    }
    // A flag has a name of its own.
    // `password repo:acme/app` is one, too.
    let is_query = || sign.byte == b':' && speech::is_qualifier(name.text);
    if !kind.hides() && !name.quoted && !name.text.starts_with(b"--") && !is_query() {
        let spaced = spaced_kind(look, name, true);
        // `- name: DB_PASSWORD valueFrom: …`
        if spaced != Kind::Plain && !labels::refers(name.text) {
            kind = spaced;
        }
    }
    if !kind.hides() && is_told(look, name, sign) {
        kind = Kind::Secret;
    }
    kind
}

/// Whether the sentence before a colon named a secret, which stands behind it: `Mot de passe donné au téléphone : …`.
fn is_told(look: &Look<'_>, name: &Name<'_>, sign: Sign) -> bool {
    // Most signs are told by what stands around them.
    sign.byte == b':' && is_blank(sign.next) && !name.quoted && look.before(name.start) == b' ' && {
        let value = look.ahead(sign.at + 1, 2, is_blank);
        let end = look.ahead(value, MAX_WORD, |b| !b.is_ascii_whitespace());
        value::looks_chosen(look.part(value, end)) && sentence::named_further(look, sign.at)
    }
}

/// What is said to be for someone whose address ends with this name, or is hidden: `password is generated for
/// root@localhost: …`.
fn kind_for(look: &Look<'_>, address: &Name<'_>) -> Kind {
    let user = look.back(address.start, 48, |b| is_name(b) || b == b'@');
    let end = look.back(user, 1, is_blank);
    let Some(end) = end
        .checked_sub(3)
        .filter(|_| speech::is_of(look.last(end, 3)))
    else {
        return Kind::Plain;
    };
    let mut named = name_before(look, end);
    for _ in 0..2 {
        if speech::is_given(named.text) || speech::is_copula(named.text) {
            named = name_before(look, named.start);
        }
    }
    look.judge(named.text)
}

/// Where the value begins without and with spaces, and whether the operator is an arrow or compares.
fn value_start(look: &Look<'_>, sign: Sign) -> (usize, usize, bool) {
    let (unspaced, arrow) = match (sign.byte, sign.next) {
        (b':', b'=') => (sign.at + 2, false),
        (b'=', b'>') => (sign.at + 2, true),
        (b'=', b'=') => (look.ahead(sign.at, 3, |b| b == b'='), true),
        _ => (sign.at + 1, false),
    };
    let mut value = look.ahead(unspaced, 64, |b| is_blank(b) || b == b'*');
    if arrow {
        // PHP dumps a value on the line below its name.
        let below = look.ahead(value, 64, |b| b.is_ascii_whitespace());
        if look.part(below, below + formats::DUMPED.len()) == formats::DUMPED {
            value = below;
        }
    }
    // A tag of YAML says the type of what follows.
    if look.at(value) == b'!'
        && let Some(tag) = formats::TAGS
            .iter()
            .find(|tag| look.part(value, value + tag.len()) == tag.as_bytes())
    {
        value += tag.len();
    }
    // `<b>Password:</b> value`
    if look.at(value) == b'<'
        && look.at(value + 1) == b'/'
        && let Some(close) = memchr::memchr(b'>', look.part(value, value + 12))
    {
        value = look.run(value + close + 1, is_blank);
    }
    (unspaced, value, arrow)
}

/// Whether something else names the value than the name itself, which may say nothing, or the value has a form of its
/// own: a type, a plural, a phrase, cookies. It is reported then.
fn otherwise(look: &mut Look<'_>, assigned: &Assigned<'_>) -> bool {
    let (sign, name, value) = (assigned.sign, &assigned.name, assigned.value);
    let kind = assigned.kind;
    if kind == Kind::Plain && sign.byte == b'=' {
        of_type(look, name, value);
    }
    let plural = kind.hides() || kind == Kind::Plain && look.judge_plural(name.text);
    let chosen = kind.hides() || name.text.len() > MAX_PLAIN;
    let lines = matches!(look.at(value), b'\n' | b'\r');
    let below = sign.byte == b':' && lines;
    let many = below.then(|| phrase::names_many(look, sign.at)).flatten();
    let listed = (plural || many.is_some()) && {
        plural && mapped(look, name, value)
            || (lines || look.at(value) == b'[') && {
                // What a sentence names may be whose they are: `The passwords of these hosts:`.
                let own = names::is_of_many(name.text)
                    || plural && look.judge(name.text).hides()
                    || look.judge_plural(name.text);
                let many = many.unwrap_or(name.text);
                listed(look, many, value, (plural && chosen, own))
            }
            || !below && kind.hides() && of_codes(look, kind, sign.at, value)
            || kind == Kind::Secrets && in_line(look, name.text, value)
    };
    if listed {
        return true;
    }
    if matches!(kind, Kind::Plain | Kind::Id) {
        markup::named(look, name.text, value, sign.byte);
        if sign.byte == b':' && markup::is_of_snapshot(look, name) {
            look.report(markup::of_snapshot(look, name.start, value));
        }
        if sign.byte == b'=' && assigned.unspaced == value {
            if headers::is_response(name.text) {
                look.report(digest_response(look, value));
            }
            look.report(signature(look, name.text, value));
        }
    }
    match kind {
        Kind::Plain | Kind::Id | Kind::Phone => true,
        Kind::Phrase => {
            phrase(look, value);
            true
        }
        _ if headers::is_authorization(name.text) => {
            let end = look.ahead(value, 24, |b| b.is_ascii_alphanumeric() || b == b'-');
            let scheme = look.part(value, end);
            let found = (is_blank(look.at(end)) && headers::is_scheme(scheme))
                .then(|| credentials(look, end + 1, scheme))
                .flatten();
            look.report(found);
            found.is_some()
        }
        // `document.cookie = "sid=…; path=/"`
        _ => {
            ends_with(name.text, formats::COOKIE)
                && (sign.byte == b':'
                    || name.text.ends_with(formats::MEMBER_COOKIE) && look.at(value) == b'"')
                && cookies(look, value, name.text.len() > formats::COOKIE.len())
        }
    }
}

/// Whether the name before a type names the literal at `value`: `api_key: String = "…"`.
fn of_type(look: &mut Look<'_>, type_name: &Name<'_>, value: usize) {
    // `api_key: &[u8] = b"…"`
    let open = look.ahead(value, 1, |b| b == b'b');
    if !matches!(look.at(open), b'"' | b'\'' | b'`') {
        return;
    }
    let kind = typed_kind(look, type_name);
    if kind.hides() || kind == Kind::Pwd {
        let close = closing_quote(look, open + 1, look.at(open), 0);
        look.report(literal(look, open + 1, close, kind, b""));
    }
}

/// The words of a wallet.
fn phrase(look: &mut Look<'_>, value: usize) {
    let open = look.ahead(value, 1, |b| matches!(b, b'"' | b'\''));
    let end = look.run(open, |b| b.is_ascii_lowercase() || matches!(b, b' ' | b','));
    let end = run_start(look.text, end, open, |b| !b.is_ascii_lowercase());
    if value::fits(look.part(open, end), Kind::Phrase) {
        look.hide(open, end, Class::Field);
    }
}

/// The value of a sensitive name.
fn one_value(look: &mut Look<'_>, assigned: &Assigned<'_>) {
    let (sign, name, value) = (assigned.sign, &assigned.name, assigned.value);
    let (kind, arrow) = (assigned.kind, assigned.arrow);
    // A second pass has one for each finding of the first.
    let open = look.ahead(value, 1, |b| matches!(b, b'"' | b'\''));
    if look.part(open, open + MARK_START.len()) == MARK_START {
        return;
    }
    let last = look.before(sign.at);
    let own_line = assigned.linked
        || starts_line(look, name.start)
        || follows_pair(look, name.start)
        || begins_line_in_words(look, name);
    let printed = || {
        let end = look.ahead(value, MAX_WORD, |b| !b.is_ascii_whitespace());
        own_line && name.text.ends_with(b"]") && value::looks_chosen(look.part(value, end))
    };
    let style = Style {
        equals: sign.byte == b'=',
        spaced: value > assigned.unspaced || is_blank(last),
        quoted_name: name.quoted,
        // What PHP prints: `[password] => …`.
        literal_only: arrow && !printed()
            || sign.operator < sign.at
                && !matches!(last, b'?' | b':')
                && !(last == b'+' && adds_word(look, assigned)),
        own_line,
        quote: match look.before(name.start) {
            quote @ (b'"' | b'\'') if !name.quoted => quote,
            _ => 0,
        },
        name: name.start,
    };
    let given = Given {
        scope: **look,
        start: value,
        name: name.text,
        kind,
        style,
    };
    // `MasterSecret => "master"` is an arm of a match: what stands before an arrow is quoted, or in small letters.
    let is_arm = arrow && !name.quoted && sign.next == b'>' && is_pascal(name.text);
    let Some(found) = value_at(&given).filter(|_| !is_arm) else {
        return;
    };
    let written = look.part(found.start, found.end);
    if last == b'+' && sign.operator < sign.at && !is_added(written, name.text) {
        return;
    }
    // What a token is compared with is a kind of token, unless it could be nothing but a secret.
    let compared = sign.byte == b'=' && (sign.next == b'=' || last == b'!');
    if compared
        && written.iter().all(u8::is_ascii_alphabetic)
        && !value::is_password_name(name.text)
    {
        return;
    }
    // `credentials: bob / hunter2`
    let Some(found) = behind_user(look, kind, found) else {
        return;
    };
    look.report(found);
    // A plan of Terraform: `password = "old" -> "new"`.
    if sign.byte == b'=' && look.part(found.end, found.end + 6) == b"\" -> \"" {
        let new = found.end + 6;
        let close = closing_quote(look, new, b'"', 0);
        look.report(literal(look, new, close, kind, name.text));
    }
}

/// Whether a name is that of a variable as shells have them, capitals alone.
fn is_of_shell(name: &[u8]) -> bool {
    name.iter()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
}

/// Whether `+=` may add a word without quotes: a variable of a shell, or at the end of a line a secret that is no name of
/// anything: `password += x9Kq2mW7`.
fn adds_word(look: &Look<'_>, assigned: &Assigned<'_>) -> bool {
    let (name, start) = (assigned.name.text, assigned.value);
    let end = look.ahead(start, MAX_WORD, |b| !b.is_ascii_whitespace());
    let word = look.part(start, end);
    is_of_shell(name) && start == assigned.unspaced
        || (value::is_password_name(name) || random::is_opaque(word))
            && matches!(look.at(end), 0 | b'\r' | b'\n')
            && value::looks_chosen(word)
            && !is_word_and_number(word)
            && !word.ends_with(b";")
}

/// Whether what `+=` adds is a secret and no piece of a text: `cookie += "; Secure"`, `token += "_suffix"`.
fn is_added(value: &[u8], name: &[u8]) -> bool {
    at(value, 0).is_ascii_alphanumeric()
        && if value::is_password_name(name) {
            value::is_literal(value, name)
        } else {
            value::looks_chosen(value)
        }
}

/// What is hidden of a user and a password under a name for both, of which the user was found: the password, or nothing
/// where it is a mark already: `` credentials: `bob` / `hunter2` ``.
fn behind_user(look: &Look<'_>, kind: Kind, user: Found) -> Option<Found> {
    let quote = |b: u8| matches!(b, b'`' | b'"' | b'\'' | b'*');
    let sign = look.ahead(user.end, 2, quote);
    if kind != Kind::Secrets || look.part(sign, sign + 3) != b" / " {
        return Some(user);
    }
    let start = look.ahead(sign + 3, 2, quote);
    let end = look.ahead(start, MAX_WORD, |b| !b.is_ascii_whitespace() && !quote(b));
    let value = look.part(start, end);
    if value.starts_with(MARK_START) {
        return None;
    }
    let takes = value::looks_chosen(value) && value::is_real(value);
    Some(if takes {
        Found::new(start, end, Class::Field)
    } else {
        user
    })
}

/// Whether nothing but indentation, `export` and the like stands before the name on its line.
fn starts_line(scope: &Scope<'_>, name: usize) -> bool {
    let mut start = run_start(
        scope.text,
        name,
        scope.from.max(name.saturating_sub(64)),
        |b| is_blank(b) || matches!(b, b'-' | b'"' | b'\'' | b'$' | b'>' | b'*'),
    );
    let exports = if scope.before(start).is_ascii_alphabetic() {
        formats::EXPORTS
    } else {
        &[]
    };
    for word in exports {
        let begin = start.saturating_sub(word.len());
        if begin >= scope.from
            && scope
                .part(begin, start)
                .eq_ignore_ascii_case(word.as_bytes())
        {
            start = run_start(scope.text, begin, scope.from, is_blank);
            break;
        }
    }
    start == scope.origin || start > scope.from && matches!(scope.before(start), b'\n' | b'\r')
}

/// Whether a name stands behind another with its value on one line, which is no code: `user: bob, password: swordfish`.
fn follows_pair(look: &Look<'_>, name: usize) -> bool {
    if !matches!(look.last(name, 2), [b',' | b';', b' ']) {
        return false;
    }
    let line = look.last(name, 96);
    let line = bytes::last_line(line);
    let Some(before) = line
        .strip_suffix(b", ")
        .or_else(|| line.strip_suffix(b"; "))
        .filter(|line| !line.iter().any(|b| b"({[<$\"".contains(b)))
    else {
        return false;
    };
    let value = memchr::memrchr(b' ', before).map_or(0, |n| n + 1);
    let label = bytes::part(before, 0, value);
    value < before.len()
        && label.ends_with(b": ")
        && label
            .iter()
            .rev()
            .nth(2)
            .is_some_and(u8::is_ascii_alphanumeric)
}

/// Whether a line begins with the words of a name that its last word alone is not: `Mot de passe : …`.
fn begins_line_in_words(look: &Look<'_>, name: &Name<'_>) -> bool {
    if look.before(name.start) != b' ' {
        return false;
    }
    let is_word = |b: u8| b.is_ascii_alphabetic() || b >= 0x80 || is_blank(b) || b == b'-';
    let start = look.back(name.start, 40, is_word);
    let line = look
        .part(start, name.start + name.text.len())
        .trim_ascii_start();
    start < name.start
        && (start == look.origin || look.before(start) == b'\n')
        && look.judge(name.text) == Kind::Plain
        && look.judge(line).hides()
}

fn is_pascal(name: &[u8]) -> bool {
    name.first().is_some_and(u8::is_ascii_uppercase)
        && name.iter().any(u8::is_ascii_lowercase)
        && name.iter().all(u8::is_ascii_alphanumeric)
}

/// Where the operator begins whose last sign this is, or the only one: `=`, `:`, `:=`, `?=`, `||=`, `!=`;
/// nothing if it puts no value under a name, as `<=` and `::` do not.
fn operator(look: &Look<'_>, sign: usize) -> Option<usize> {
    let (byte, last) = (at(look.text, sign), look.before(sign));
    if byte == b':' {
        let next = look.at(sign + 1);
        // `TOKEN ::= …` of make.
        return match last {
            b':' => {
                (next == b'=' || is_hidden(look, sign)).then(|| look.back(sign, 2, |b| b == b':'))
            }
            _ => (next != b':').then_some(sign),
        };
    }
    match last {
        b'=' | b'<' | b'>' | b'~' | b':' => None,
        b'!' | b'+' => Some(sign - 1),
        b'|' | b'?' | b'.' | b'&' => Some(look.back(sign, 2, |b| b == last)),
        _ => Some(sign),
    }
}

/// Whether a field of Jsonnet is hidden by the colons that end at `sign`, and has a text: `password:: '…'`.
fn is_hidden(look: &Look<'_>, sign: usize) -> bool {
    let value = look.ahead(sign + 1, 4, is_blank);
    matches!(look.at(value), b'"' | b'\'') && value > sign + 1
}

/// Whether a value, in quotes or not, could be nothing but a key.
fn is_opaque_at(scope: &Scope<'_>, value: usize) -> bool {
    let start = scope.ahead(value, 1, |b| matches!(b, b'"' | b'\'' | b'`'));
    let end = scope.ahead(start, MAX_WORD, bytes::is_token);
    let whole = scope.ahead(end, MAX_WORD, |b| bytes::is_base64(b) || b == b'=');
    random::is_opaque(scope.part(start, end)) || random::is_key_in_base64(scope.part(start, whole))
}

/// The name of the block whose first line the name at `start` begins: `docker_password {`.
fn block_name<'a>(scope: &Scope<'a>, start: usize) -> &'a [u8] {
    let floor = scope.from.max(start.saturating_sub(MAX_JUDGED));
    let space = |b: u8| b.is_ascii_whitespace();
    let brace = run_start(scope.text, start, floor, space);
    if scope.before(brace) != b'{' {
        return b"";
    }
    let close = run_start(scope.text, brace - 1, floor, |b| is_blank(b) || b == b'"');
    let open = run_start(scope.text, close, floor, is_name);
    scope.part(open, close)
}

/// The name in YAML that the one at `start` stands under: `encryption:` and `  key: …` on the line below.
fn name_above<'a>(scope: &Scope<'a>, start: usize) -> &'a [u8] {
    let line = scope.back(start, MAX_WORD, is_blank);
    if scope.before(line) != b'\n' {
        return b"";
    }
    let end = scope.back(line - 1, 1, |b| b == b'\r');
    let above = scope.back(end, MAX_WORD, |b| b != b'\n');
    let name = scope.ahead(above, MAX_WORD, is_blank);
    match scope.part(name, end).strip_suffix(b":") {
        Some(text) if name - above < start - line && text.iter().copied().all(is_name) => text,
        _ => b"",
    }
}

/// Reports what a sensitive name is compared with before it: `"…" == password`.
fn literal_compared(look: &mut Look<'_>, operator: usize, sign: usize) {
    let before = name_before(look, operator);
    let start = look.ahead(look.ahead(sign, 3, |b| b == b'='), 4, is_blank);
    let name = look.part(start, look.ahead(start, MAX_JUDGED, is_name));
    let close = before.start + before.text.len();
    let quote = at(look.text, close);
    // Symbols are no part of a name.
    let open = look.back(close, MAX_JUDGED, |b| b != quote && b != b'\n');
    if before.quoted
        && open < close
        && look.before(open) == quote
        && look.judge(name).hides()
        && value::looks_chosen(look.part(open, close))
    {
        look.report(literal(look, open, close, Kind::Secret, name));
    }
}

/// Reports the items of a list that begins at `start`, between brackets or on lines of their own, which look chosen or
/// made at random, or the latter alone: the `tokens` of a language model are pieces of words. The list ends before an
/// item that is more than a word: other rules are for that.
///
/// What is labelled in a list goes by its label, too: `1. Ground floor: …`.
fn listed(look: &mut Look<'_>, name: &[u8], start: usize, (chosen, own): (bool, bool)) -> bool {
    let lines = look.at(start) != b'[';
    let mut pos = start + 1;
    let mut any = false;
    for _ in 0..MAX_ITEMS {
        let (mut chosen, mut own) = (chosen, own);
        pos = look.ahead(pos, 64, |b| b.is_ascii_whitespace());
        if lines {
            // `- `, `1. `
            let mark = look.ahead(pos, 3, |b| b.is_ascii_digit());
            let is_numbered = mark > pos && matches!(look.at(mark), b'.' | b')');
            let is_marked = mark == pos && matches!(look.at(mark), b'-' | b'*');
            // Lines that assign are no items.
            if !is_numbered && !is_marked && look.before(start) == b'=' {
                break;
            }
            if (is_numbered || is_marked) && look.at(mark + 1) == b' ' {
                pos = look.ahead(mark + 1, 7, is_blank);
                if let Some(from) = behind_label(look, pos) {
                    pos = from;
                    (chosen, own) = (value::is_password_name(name), true);
                }
            }
        }
        let quote = look.at(pos);
        let quoted = matches!(quote, b'"' | b'\'' | b'`');
        if !quoted && !lines {
            break;
        }
        let from = pos + usize::from(quoted);
        let to = look.ahead(from, MAX_WORD, |b| {
            if quoted {
                b != quote && b != b'\n'
            } else {
                !b.is_ascii_whitespace()
            }
        });
        let item = look.part(from, to);
        pos = to + usize::from(quoted);
        let ends = if lines {
            matches!(look.at(pos), 0 | b'\n' | b'\r')
        } else {
            pos += usize::from(look.at(pos) == b',');
            quoted
        };
        // A list of the names of secrets: `- db_password1`.
        let is_named = memchr::memchr(b'_', item).is_some() && look.judge(item).hides();
        let is_other = is_named || !own && id::is_resource(item);
        if ends && is_item(item, chosen) && value::is_real(item) && !is_other {
            look.hide(from, to, Class::Field);
            any = true;
        } else if !ends || !item.iter().all(u8::is_ascii_alphabetic) {
            break;
        }
    }
    any
}

/// Where what is labelled begins on the line of an item that begins at `start`, unless the label says that it is no
/// secret: `Ground floor: …`.
fn behind_label(look: &Look<'_>, start: usize) -> Option<usize> {
    let is_label = |b: u8| b.is_ascii_alphanumeric() || b >= 0x80 || b" _-.()".contains(&b);
    let end = look.ahead(start, MAX_LABEL, is_label);
    let value = look.ahead(end + 1, 4, is_blank);
    let is_label = end > start && look.at(end) == b':' && value > end + 1;
    (is_label && name::about_record(look.part(start, end)).is_none()).then_some(value)
}

/// Reports the values of a map under a plural, which begins at `start`, on lines of their own or in braces: those that
/// were made at random, and of passwords those that look chosen. The map ends where a line is none of its pairs.
fn mapped(look: &mut Look<'_>, name: &Name<'_>, start: usize) -> bool {
    let braced = look.at(start) == b'{';
    if !braced && look.at(start) != b'\n' {
        return false;
    }
    let indent = |look: &Look<'_>, at: usize| at - look.back(at, 256, |b| b != b'\n');
    let margin = indent(look, name.start);
    let chosen = value::is_password_name(name.text) && !names::names_resources(name.text);
    let quote = |b: u8| matches!(b, b'"' | b'\'');
    let mut pos = start + usize::from(braced);
    let mut any = false;
    for _ in 0..MAX_ITEMS {
        let between = |b: u8| b.is_ascii_whitespace() || braced && b == b',';
        let item = look.ahead(pos, 64, between);
        if !braced && (item == pos || indent(look, item) <= margin) {
            break;
        }
        let open = look.ahead(item, 1, quote);
        let close = look.ahead(open, MAX_LABEL, |b| is_name(b) && !quote(b));
        let label = look.part(open, close);
        let sign = look.ahead(close, 1, quote);
        if label.is_empty() || look.at(sign) != b':' {
            break;
        }
        let from = look.ahead(sign + 1, 64, |b| {
            is_blank(b) || braced && b.is_ascii_whitespace()
        });
        let quoted = quote(look.at(from));
        let from = from + usize::from(quoted);
        let to = look.ahead(from, MAX_WORD, |b| !quote(b) && !b.is_ascii_whitespace());
        pos = to + usize::from(quoted);
        if to == from || quoted && !quote(look.at(to)) || braced && !quoted {
            break;
        }
        let value = look.part(from, to);
        if is_item(value, chosen) && value::is_real(value) && name::about_record(label).is_none() {
            look.hide(from, to, Class::Field);
            any = true;
        }
    }
    any
}

/// Reports the items of a list without brackets and quotes that begins at `start`: `passwords: hunter2, Tr0ub4dor`. It
/// ends with its line, or where two words stand with no more than a space between them.
fn in_line(look: &mut Look<'_>, name: &[u8], start: usize) -> bool {
    let mut pos = start;
    let mut any = false;
    for count in 0..MAX_ITEMS {
        let end = look.ahead(pos, MAX_WORD, |b| !b.is_ascii_whitespace());
        // `, `, and what ends a sentence.
        let to = run_start(look.text, end, pos, |b| matches!(b, b',' | b';' | b'.'));
        let item = look.part(pos, to);
        let next = look.ahead(end, 4, is_blank);
        let word = look.ahead(next, 4, |b| !b.is_ascii_whitespace());
        let joined = speech::joins(look.part(next, word));
        // Codes may stand with no more than spaces between them.
        let spaced = to == end && is_code_of(name, item);
        if count == 0 && to == end && !joined && !spaced {
            return false;
        }
        let is_secret = is_secret_item(item, name) || is_code_of(name, item);
        if is_secret && value::is_real(item) && !look.judge(item).hides() {
            look.hide(pos, to, Class::Field);
            any = true;
        } else if !item.iter().all(|b| b.is_ascii_alphabetic() || *b == b'-') {
            break;
        }
        if to == end && !joined && !spaced || matches!(look.at(next), 0 | b'\n' | b'\r') {
            break;
        }
        pos = if joined {
            look.ahead(word, 4, is_blank)
        } else {
            next
        };
    }
    any
}

/// The codes of a list on one line that the words before a sign name: `Backup codes of bob: 4829-1037, …`.
fn of_codes(look: &mut Look<'_>, kind: Kind, sign: usize, start: usize) -> bool {
    let end = look.ahead(start, MAX_LABEL, |b| b.is_ascii_alphanumeric() || b == b'-');
    if bytes::digits(look.part(start, end)) < MIN_CODE
        || !matches!(look.at(end), b',' | b';' | b' ')
    {
        return false;
    }
    let line = look.last(sign, 64);
    let line = bytes::last_line(line);
    let mut words = line.split(|b| !b.is_ascii_alphabetic() && *b < 0x80);
    let many = match kind {
        Kind::Secrets => words.find(|word| names::is_codes(word)),
        _ => phrase::names_many(look, sign).filter(|many| names::is_codes(many)),
    };
    many.is_some_and(|many| in_line(look, many, start))
}

/// Whether an item under a name for codes is one: `4829-1037`.
fn is_code_of(name: &[u8], item: &[u8]) -> bool {
    names::is_codes(name)
        && bytes::digits(item) >= MIN_CODE
        && item.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
}

/// Whether an item of a list is a secret: a word that somebody chose, or one made at random.
pub(crate) fn is_item(item: &[u8], chosen: bool) -> bool {
    value::looks_chosen(item)
        && !item.ends_with(b":")
        && !is_snake(item, 2)
        && (chosen || item.len() >= MIN_ISSUED && random::is_issued(item))
}

/// Whether an item of a list whose name says that it holds secrets is one, and no name of one: it looks chosen or random,
/// has signs among its letters, or is a user with a password.
pub(crate) fn is_secret_item(item: &[u8], name: &[u8]) -> bool {
    let resources = names::names_resources(name);
    let one_word = !item.iter().any(u8::is_ascii_whitespace);
    let (letters, digits) = (
        item.iter().any(|b| b.is_ascii_alphabetic() || *b >= 0x80),
        bytes::digits(item),
    );
    let behind = bytes::rest(item, 1);
    let signed = || behind.iter().any(|b| b"!#$%^&*~".contains(b));
    let paired = || memchr::memchr_iter(b':', behind).count() == 1 && !item.ends_with(b":");
    let spelled = || {
        item.iter()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    if resources && id::is_resource(item) {
        return false;
    }
    is_item(item, true)
        || one_word
            && letters
            && item.len() >= 6
            && (signed() || paired() && !resources || digits > 0 && !item.is_ascii())
        || one_word && item.len() >= MIN_SPELLED && spelled()
        || !letters && digits >= MIN_DIGITS && value::is_password_name(name)
}

/// What the name before a type says, where `kind` is the type: `name: &str = `.
fn typed_kind(look: &Look<'_>, type_name: &Name<'_>) -> Kind {
    let colon = look.back(type_name.start, 24, |b| {
        b.is_ascii_alphanumeric()
            || matches!(
                b,
                b' ' | b'&' | b'\'' | b'<' | b'>' | b'|' | b'_' | b'[' | b']' | b';'
            )
    });
    if colon <= look.from || look.before(colon) != b':' {
        return Kind::Plain;
    }
    let name = name_before(look, colon - 1).text;
    // A scheme with the first of its parameters is no type: `Authorization: Digest username="…"`.
    if headers::is_scheme(look.part(colon, type_name.start).trim_ascii()) {
        return Kind::Plain;
    }
    look.judge(name)
}

#[cfg(test)]
mod tests {
    use crate::redact::tests::{leaves, marked, redacts};

    #[test]
    fn what_stands_around_a_name_says_what_it_is() {
        const KEY: &str = "kT7vq2mZx9Lw4bR8sN5cD1hY3gJ6";
        for text in [
            "query: code={}&state=Zx9Lw4bR8s",
            "api:\n  encryption:\n    key: \"{}\"\nota: on",
        ] {
            let with = |value: &str| text.replace("{}", value);
            redacts(&[(&with(KEY), &with("[REDACTED_FIELD]"))]);
        }
        leaves(&[
            "query: code=4711&state=Zx9Lw4bR8s",
            &format!("query: code={KEY}&page=2"),
            &format!("cache:\n  key: {KEY}"),
            "encryption:\n  key: /etc/ssl/web2.key",
            &format!("encryption: on\nkey: {KEY}"),
        ]);
        marked(&["Mot de passe temporaire au comptoir : {}"]);
        leaves(&["Le rendez-vous au comptoir : hunter2xK9"]);
    }

    #[test]
    fn what_php_prints_of_an_array_goes() {
        marked(&["Array\n(\n    [user] => bob\n    [password] => {}\n)\n"]);
    }

    #[test]
    fn a_word_stands_alone_on_its_line_behind_what_sets_it() {
        for (text, found) in [
            (
                "export PASSWORD: swordfish",
                "export PASSWORD: [REDACTED_FIELD]",
            ),
            (
                "x\n  password: swordfish",
                "x\n  password: [REDACTED_FIELD]",
            ),
        ] {
            redacts(&[(text, found)]);
        }
        leaves(&["the password: swordfish"]);
    }

    #[test]
    fn a_password_in_parts_is_told_from_a_member() {
        redacts(&[(
            "web2 become_pass=dragon.slayer9 port=22",
            "web2 become_pass=[REDACTED_FIELD] port=22",
        )]);
        leaves(&[
            "connect(password=field.name9, port=22)",
            "password = field.name9",
            "password=config.name9 port=22",
            "token=field.name9",
        ]);
    }

    #[test]
    fn a_flag_is_not_named_by_the_words_before_it() {
        leaves(&["gcloud sql users set-password app --instance=main"]);
    }

    #[test]
    fn the_password_of_a_network_in_a_code_for_a_phone_goes() {
        marked(&["WIFI:T:WPA;S:Home;P:{};;"]);
        leaves(&["a;P:hunter2xK9;;"]);
    }

    #[test]
    fn what_is_said_to_be_for_someone_goes() {
        marked(&[
            "A temporary password is generated for root@localhost: {}",
            "Password for [REDACTED_EMAIL]: {}",
            "bob@db's address, the password for bob@db: {}",
        ]);
        leaves(&["A place is kept for root@localhost: hunter2xK9"]);
    }

    #[test]
    fn a_password_of_letters_goes_behind_a_pair_a_user_and_the_words_of_its_name() {
        for text in [
            "user: bob, password: {}",
            "SSID: Guest; password: {}",
            "Mot de passe : {}",
            "{user: 'bob', pass: '{}'}",
            "{\"login\":\"bob\",\"pass\":\"{}\"}",
        ] {
            let with = |value: &str| text.replacen("{}", value, 1);
            redacts(&[(&with("swordfish"), &with("[REDACTED_FIELD]"))]);
        }
        leaves(&[
            "Note: bob, password: required",
            "we met, password: swordfish",
            "login(user: name, password: swordfish)",
            "{at: 'bob', pass: 'swordfish'}",
            "{\"at\":\"bob\",\"pass\":\"swordfish\"}",
        ]);
    }

    #[test]
    fn the_password_behind_a_user_goes_and_the_user_stays() {
        marked(&[
            "Staging credentials: `qa-lead` / `{}` (VPN required)",
            "credentials: \"bob\" / \"{}\"",
        ]);
    }

    #[test]
    fn every_operator_that_puts_a_value_under_a_name_is_known() {
        marked(&[
            "db_password = \"{}\"",
            "db_password: '{}'",
            "db_password := \"{}\"",
            "DB_PASSWORD ?= {}",
            "DB_PASSWORD ::= {}",
            "password: ${DB_PASSWORD:-{}}",
            "echo ${DB_PASSWORD:=\"{}\"}",
            "DECLARE @password NVARCHAR(50) = '{}';",
            "v_password VARCHAR2(30) := '{}';",
            "db_password |= \"{}\"",
            "db_password ||= \"{}\"",
            "db_password ??= \"{}\"",
            "db_password &&= \"{}\"",
            "db_password += \"{}\"",
            "./gradlew -PapiKey={} publish",
            "DB_PASSWORD+={}",
            "password += {}",
            "- textbox \"Password\" [ref=e14]: {}",
            "- textbox \"API key\" [ref=s1e4]: \"{}\"",
            "'db_password' => '{}'",
            "db_password -> {}",
            "db_password <- \"{}\"",
            "db_password ~> {}",
            "password:: '{}'",
            "{ db_password::: \"{}\" }",
            "password：{}",
            "password ＝ {}",
            "if password == \"{}\":",
            "if \"{}\" == dbPassword:",
            "if ('{}' === password) {",
        ]);
    }

    #[test]
    fn each_code_of_a_list_on_one_line_goes() {
        for text in [
            "Backup codes (each works once): {}, {}, {}",
            "Recovery codes for ada: {}, {}",
            "2FA backup codes: {} {} {}",
            "Codes de secours : {}, {}",
            "Códigos de respaldo: {}, {}",
            "Wiederherstellungscodes: {}, {}",
        ] {
            for code in ["48291037", "4829-1037", "a1b2c-3d4e5"] {
                let marked = text.replace("{}", "[REDACTED_FIELD]");
                redacts(&[(&text.replace("{}", code), &marked)]);
            }
        }
        leaves(&["Postal codes: 10115, 20095", "Backup codes: none left, ask"]);
    }

    #[test]
    fn a_reference_to_a_secret_stays() {
        leaves(&[
            "- name: DB_PASSWORD valueFrom: secretKeyRef: name: db key: password",
            "- {name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: x1}}}",
        ]);
    }

    #[test]
    fn what_compares_or_tests_stays() {
        leaves(&[
            "password <= 12345678",
            "token =~ /abc123x/",
            "password += chars[i]",
            "cookie += \"; Secure1\"",
            "token += \"_suffix\"",
            "password =~ \"abc123x\"",
            "tokens += 1024",
            "password += chr1",
            "token += buf2",
            "if \"required\" == password:",
            "if token1 == token2:",
            "std::token::hunter2xK9",
            "            MasterSecret => b\"exp master\",",
            "fn contains(&self, token: C1) -> bool {",
            "password: ${DB_PASSWORD:-changeme}",
            "${REGION:-hunter2xK9}",
            "DECLARE @name NVARCHAR(50) = 'hunter2xK9';",
        ]);
    }

    #[test]
    fn a_block_with_a_value_is_named_on_its_first_line() {
        marked(&[
            "docker_password {\n  value = \"{}\"\n}",
            "\"api_key\" {\n\n    value = \"{}\"\n}",
        ]);
        leaves(&["SMTP_PASSWORD=\nPASSWORD_MIN_LENGTH=12\nTOKEN_TTL_SECONDS=3600\n"]);
        leaves(&["region {\n  value = \"hunter2xK9\"\n}"]);
    }

    #[test]
    fn the_items_of_a_list_of_secrets_go_one_by_one() {
        marked(&[
            "Recovery codes:\n  {}\n  {}\n",
            "Backup codes:\n1. {}\n2. {}",
            "passwords:\n  - {}\n  - \"{}\"\n  - swordfish\nnext: 1",
            "service_tokens = [\"{}\", '{}']",
            "api_keys: [\n  \"{}\",\n  \"{}\"\n]",
            "passwords: {}, {}, correct-horse",
            "The passwords: {} and {}. Then",
            "passwords = hunter, {}",
        ]);
        leaves(&[
            "secrets: db-main, app",
            "secrets: app-1, db-2, cache-3",
            "passwords: none, db-password1 and app",
            "secrets: load(a1, b2c3d4e5)",
        ]);
        redacts(&[
            (
                "tokens: ['Eri8Ba9bG6BGuG9SfPf2ro', 'hunter2xK9']",
                "tokens: ['[REDACTED_FIELD]', 'hunter2xK9']",
            ),
            (
                r#"{"n": 1, "tokens": ["Eri8Ba9bG6BGuG9SfPf2ro", "hunter2xK9"], "service_tokens": ["hunter2xK9", "none"]}"#,
                r#"{"n": 1, "tokens": ["[REDACTED_FIELD]", "hunter2xK9"], "service_tokens": ["[REDACTED_FIELD]", "none"]}"#,
            ),
        ]);
    }

    #[test]
    fn the_values_of_a_map_under_a_plural_go() {
        for text in [
            "tokens:\n  ci: \"{}\"\n  deploy: {}\nttl: 86400",
            "client_secrets:\n  staging: {}\nids:\n  staging: web1-stg22\n",
            "\"encryption_keys\": {\n  \"v1\":\n    \"{}\",\n  \"v2\": \"{}\"\n},\n\"n\": 1",
        ] {
            let with = |value: &str| text.replace("{}", value);
            redacts(&[(&with("Eri8Ba9bG6BGuG9SfPf2ro"), &with("[REDACTED_FIELD]"))]);
        }
        marked(&["passwords:\n  bob: {}\n  ada: none\n"]);
        leaves(&[
            "tokens:\n  prompt: 1822\n  model: \"gpt4turbo16k\"",
            "api_keys:\n  created_at: 2024-01-01T00:00:00Z\n  name: prod-web1",
            "credentials:\n  provider: aws-sso2\n  region: us-east-1\n  profile: team42b",
            "secrets:\n  db: app-secret-1\n  web: k8s-web-2",
            "tokens:\nci: gRYHm0vuMiK_V08eEPmN2",
        ]);
    }

    #[test]
    fn what_is_labelled_in_a_list_under_a_sentence_goes() {
        marked(&[
            "Here are the Wi-Fi passwords for both floors:\n1. Ground floor: {}\n2. First floor: {}\nNone else.",
            "Kennwörter:\n{}\n{}\nBitte ändern.",
            "passwords:\n  - bob: {}\n  - name: web-db1\n",
        ]);
        leaves(&[
            "We rotate API keys for these services:\n- web-01\n- db2x-prod",
            "The rooms of both floors:\n1. Ground floor: lemongrass-tea-9",
        ]);
    }

    #[test]
    fn the_password_of_a_relay_of_mail_goes() {
        marked(&["# /etc/postfix/sasl_passwd\n[smtp.example.com]:587 bob:{}\n"]);
        leaves(&[
            "smtp.example.com:587 bob:hunter2xK9",
            "[a]:587 bob: see above",
        ]);
    }

    #[test]
    fn the_first_of_two_keys_is_told_from_the_key_of_a_row() {
        let key = "VKoI/jMVpSLRYkvIluHKMohzFK\u{6e}fEzI+/9P4IZ/YW9d=";
        for text in [
            "{\"primaryKey\":\"{}\"}",
            "primary_key = \"{}\"",
            "primaryKey: {}",
        ] {
            let with = |value: &str| text.replace("{}", value);
            redacts(&[(&with(key), &with("[REDACTED_FIELD]"))]);
            leaves(&[
                &with("01J4DFQ0PSHT7Q2K6JNJP8TTQX"),
                &with("gzg5onBacU3lzDPXzaLLkP"),
                &with("user_id"),
            ]);
        }
    }

    #[test]
    fn what_names_or_measures_is_no_secret() {
        leaves(&[
            "host key: SHA256:1iJsvXAh4qJBLFEgocuw+0AoazX4aNB/Owj3HI3r1ix (ED25519)",
            "\"token\":\"NAV_UP\"",
            "\"radius.input-password\": \"6px\"",
            "GPG_KEY=69E58B081006F7E3DFC967A64CB14028D512C979",
            "{\"signingKeys\":[{\"kid\":\"2024-01\"},{\"kid\":\"2024-02\"}],\"alg\":\"HS256\"}",
            "{{ with secret \"database/creds/readonly\" }}",
            "[\"GPG_KEY=69E58B081006F7E3DFC967A64CB14028D512C979\"]",
            "DB_SECRET=postgres://db.example.com:5432/shop?sslmode=verify-full",
            "sessionKey=4ab7082d-92d0-4630-b554-08566ac92ff1",
            "password must not be empty\n\tat com.example.PasswordEncoder.encode(PasswordEncoder.java:44)",
        ]);
        for (text, redacted) in [
            ("\"token\":\"NAV_UP7\"", "\"token\":\"[REDACTED_FIELD]\""),
            ("password=6pxq", "password=[REDACTED_FIELD]"),
            ("GPG_KEY=69E58B081006F7E3", "GPG_KEY=69E58B081006F7E3"),
            ("GPG_KEY=hunter2xK9", "GPG_KEY=[REDACTED_FIELD]"),
            (
                "DB_SECRET=postgres://db.example.com/shop?key=ab7XvLq9",
                "DB_SECRET=[REDACTED_FIELD]",
            ),
            (
                "sessionKey=4ab7082d92d04630b554",
                "sessionKey=[REDACTED_FIELD]",
            ),
        ] {
            redacts(&[(text, redacted)]);
        }
    }

    #[test]
    fn the_tokens_of_a_language_model_stay() {
        leaves(&[
            "tokens: [\"Hel\", \"lo\", \"covid19\", \" w0rld\"]",
            r#"{"tokens": ["Hel", "lo", "covid19", "gpt4turbo", "_ing9"], "prompt_tokens": ["abc123x"]}"#,
            "stop_tokens:\n  - im_end2\n  - user42x",
        ]);
    }
}
