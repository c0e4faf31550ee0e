//! Values that text assigns to sensitive names: `KEY=value`, `key: "value"`, `api key is value`.
//!
//! Where the assignment begins is the easy part. Where its value ends depends on what the text is: a quoted
//! literal, a line of a file, a query, a connection string, a sentence.

use crate::redact::calls;
use crate::redact::catalogue::words;
use crate::redact::class::{Class, MARK_START};
use crate::redact::commands;
use crate::redact::judge::phrase::spaced_kind;
use crate::redact::judge::style::Style;
use crate::redact::judge::{code, name, placeholder, value};
use crate::redact::kind::Kind;
use crate::redact::literals;
use crate::redact::pairs;
use crate::redact::read::bytes::{self, at, has_word_at, run_end, run_start};
use crate::redact::read::lex::{
    MAX_JUDGED, MAX_WORD, Name, bracketed, closes, closing_quote, ends_with, is_assignment,
    is_blank, is_name, line_end, name_before, starts_line, typographic,
};
use crate::redact::read::scope::{Found, Scope};
use crate::redact::spoken;

/// An assignment whose `=` or `:` stands at `sign`.
pub(crate) fn at_sign(
    scope: &Scope<'_>,
    sign: usize,
    judge: &dyn Fn(&[u8]) -> Kind,
    add: &mut dyn FnMut(Found),
) {
    let text = scope.text;
    let byte = at(text, sign);
    let next = scope.at(sign + 1);
    if byte == b':' && (next == b':' || scope.before(sign) == b':')
        || byte == b'=' && matches!(scope.before(sign), b'=' | b'<' | b'>' | b':' | b'+' | b'~')
    {
        return;
    }
    let unequal = byte == b'=' && scope.before(sign) == b'!';
    let mut name = name_before(scope, sign - usize::from(unequal));
    if name.text.len() < 2 && !name.quoted || name.text.iter().all(u8::is_ascii_digit) {
        if byte == b':'
            && next == b' '
            && let Some(found) = numbered_key(scope, &name, sign)
        {
            add(found);
        }
        return;
    }
    // `${TOKEN:0:4}`
    if byte == b':'
        && next.is_ascii_digit()
        && scope.part(name.start.saturating_sub(2), name.start) == b"${"
    {
        return;
    }
    // `The password is: …`
    let linked = byte == b':'
        && [
            &b"is"[..],
            b"est",
            b"ist",
            b"lautet",
            b"es",
            b"was",
            b"are",
            b"created",
            b"generated",
            b"issued",
        ]
        .iter()
        .any(|link| name.text.eq_ignore_ascii_case(link));
    if linked {
        name = name_before(scope, name.start);
    }
    if byte == b':'
        && let Some(found) = commands::user_and_password(scope, name.start, sign)
    {
        add(found);
        return;
    }
    // A variable of psql: `PASSWORD :'name'`
    if byte == b':' && next == b'\'' && name.text == b"PASSWORD" && scope.before(sign) == b' ' {
        return;
    }
    // Properties of Java: `-Dtoken=`. The parts of an ARN have colons between them.
    if byte == b'=' && name.text.starts_with(b"-D") {
        name.text = bytes::rest(name.text, 2);
    }
    if byte == b':'
        && scope.before(name.start) == b':'
        && bytes::find(
            scope.part(name.start.saturating_sub(80).max(scope.from), name.start),
            b"arn:",
        )
        .is_some()
    {
        return;
    }
    let mut kind = judge(name.text);
    // `document.querySelector('#password').value = …`
    if name.text == b".value"
        && scope.before(name.start) == b')'
        && let Some(element) = calls::place(scope, name.start)
    {
        kind = judge(element);
    }
    // `fill_in "Password", with: "…"`
    if name.text == b"with"
        && byte == b':'
        && let Some(field) = calls::argument_before(scope, name.start)
    {
        kind = judge(field);
    }
    if byte == b'=' && name.quoted && follows_password_for(scope, name.start) {
        kind = Kind::Secret;
    }
    if !matches!(kind, Kind::Secret | Kind::Secrets) && !name.quoted {
        let spaced = spaced_kind(scope, &name, true, judge);
        if spaced != Kind::Plain {
            kind = spaced;
        }
    }
    let (mut value, arrow) = match (byte, next) {
        (b':', b'=') => (sign + 2, false),
        (b'=', b'>') => (sign + 2, true),
        (b'=', b'=') => (
            run_end(text, sign, scope.to.min(sign + 3), |b| b == b'='),
            true,
        ),
        _ => (sign + 1, false),
    };
    let unspaced = value;
    value = run_end(text, value, scope.to.min(value + 64), |b| {
        is_blank(b) || b == b'*'
    });
    // `!!str 'value'` of YAML
    if byte == b':' && scope.at(value) == b'!' && scope.part(value, value + 6) == b"!!str " {
        value += 6;
    }
    // PHP dumps a value on the line below: `["password"]=>`, `string(9) "…"`.
    if arrow && name.quoted && scope.at(value) == b'\n' {
        let below = run_end(text, value, scope.to.min(value + 64), |b| {
            b.is_ascii_whitespace()
        });
        if scope.part(below, below + 7) == b"string(" {
            value = below;
        }
    }
    // `<b>Password:</b> value`
    if scope.at(value) == b'<'
        && scope.at(value + 1) == b'/'
        && let Some(close) = memchr::memchr(b'>', scope.part(value, value + 12))
    {
        value = run_end(text, value + close + 1, scope.to, is_blank);
    }
    // `api_key: &[u8] = b"…"`
    let of_bytes = || usize::from(scope.at(value) == b'b' && scope.at(value + 1) == b'"');
    if kind == Kind::Plain
        && byte == b'='
        && let typed = value + of_bytes()
        && matches!(scope.at(typed), b'"' | b'\'' | b'`')
    {
        // `api_key: String = "…"`
        let value = typed;
        let kind = typed_kind(scope, &name, judge);
        if kind.hides() || kind == Kind::Pwd {
            let close = closing_quote(scope, value + 1, scope.at(value), 0);
            // A constant that is the name of something: `b"id-PasswordBasedMAC\0"`.
            if scope.before(value) == b'b' && judge(scope.part(value + 1, close)).hides() {
                return;
            }
            if let Some(found) = literal(scope, value + 1, close, kind, b"") {
                add(found);
            }
            return;
        }
    }
    // `urn:ietf:params:oauth:jwk-thumbprint`, `session:user:1234`
    if kind == Kind::Maybe
        && byte == b':'
        && (scope.before(name.start) == b':'
            || unspaced == value
                && scope.at(run_end(text, value, scope.to.min(value + 24), is_name)) == b':')
    {
        return;
    }
    if kind == Kind::Plain
        && byte == b':'
        && matches!(next, b' ' | b'\n')
        && let Some(found) = spoken::behind_sentence(scope, sign, judge)
    {
        add(found);
        return;
    }
    match kind {
        Kind::Plain | Kind::Id => {
            pairs::named(scope, name.text, value, byte, judge, add);
            if byte == b'=' && unspaced == value {
                if name.text == b"response"
                    && let Some(found) = digest_response(scope, value)
                {
                    add(found);
                }
                signature(scope, name.text, value, add);
            }
            return;
        }
        Kind::Phone => return,
        _ => {}
    }
    // `document.cookie = "sid=…; path=/"`
    if ends_with(name.text, b"cookie")
        && (byte == b':' || name.text.ends_with(b".cookie") && scope.at(value) == b'"')
        && cookies(scope, value, name.text.len() > 6, add)
    {
        return;
    }
    if ends_with(name.text, b"authorization") && authorization(scope, value, add) {
        return;
    }
    if kind == Kind::Phrase {
        let open = run_end(text, value, scope.to.min(value + 1), |b| {
            matches!(b, b'"' | b'\'')
        });
        let end = run_end(text, open, scope.to, |b| {
            b.is_ascii_lowercase() || matches!(b, b' ' | b',')
        });
        let end = run_start(text, end, open, |b| !b.is_ascii_lowercase());
        if value::fits(scope.part(open, end), kind) {
            add(Found::new(open, end, Class::Field));
        }
        return;
    }
    // What PHP prints: `[password] => …`, to the end of its line.
    if arrow && next == b'>' && at(name.text, 0) == b'[' && name.text.ends_with(b"]") {
        let end = line_end(scope, value);
        // `stdClass Object`, whose members follow.
        if starts_line(scope, name.start)
            && !scope.part(value, end).ends_with(b" Object")
            && let Some(found) = literal(scope, value, end, kind, name.text)
        {
            add(found);
        }
        return;
    }
    // The scope of a key of AWS says nothing: `Credential=AK…/20150830/us-east-1/iam/aws4_request`.
    if byte == b'=' && unspaced == value && name.text == b"Credential" {
        let slash = run_end(text, value, scope.to.min(value + MAX_JUDGED), is_name);
        if scope.at(slash) == b'/'
            && bytes::find(scope.part(slash, slash + MAX_JUDGED), b"/aws4_request").is_some()
        {
            if !scope.part(value, slash).starts_with(MARK_START) {
                add(Found::new(value, slash, Class::Key));
            }
            return;
        }
    }
    // Without quotes or a sigil, `Name => …` is an arm of a match, unless it stands like a line of configuration.
    let own_line = linked || starts_line(scope, name.start);
    let setting = own_line
        && scope.at(value) == b'"'
        && memchr::memchr(b'_', name.text).is_some()
        && at(name.text, 0).is_ascii_lowercase();
    if arrow
        && next == b'>'
        && !name.quoted
        && !setting
        && scope.at(value) != b'\''
        && !matches!(scope.before(name.start), b':' | b'$')
        && at(name.text, 0) != b'$'
    {
        return;
    }
    let style = Style {
        equals: byte == b'=',
        spaced: value > unspaced || is_blank(scope.before(sign)),
        quoted_name: name.quoted,
        literal_only: arrow || scope.before(sign) == b'!',
        own_line,
        quote: match scope.before(name.start) {
            quote @ (b'"' | b'\'') if !name.quoted => quote,
            _ => 0,
        },
        name: name.start,
    };
    let found = value_at(scope, value, name.text, kind, style);
    // What a token is compared with is a kind of token, unless it could be nothing but a secret.
    let compared = byte == b'=' && (next == b'=' || scope.before(sign) == b'!');
    let found = found.filter(|found| {
        let value = scope.part(found.start, found.end);
        !compared
            || !value.iter().all(u8::is_ascii_alphabetic)
            || value::is_password_name(name.text)
    });
    if let Some(found) = found {
        add(found);
        // A plan of Terraform: `password = "old" -> "new"`.
        if byte == b'=' && scope.part(found.end, found.end + 6) == b"\" -> \"" {
            let new = found.end + 6;
            let close = closing_quote(scope, new, b'"', 0);
            if let Some(found) = literal(scope, new, close, kind, name.text) {
                add(found);
            }
        }
    }
}

/// What Vault is unsealed or recovered with: `Unseal Key 1: …`.
fn numbered_key(scope: &Scope<'_>, name: &Name<'_>, sign: usize) -> Option<Found> {
    let before = scope.part(name.start.saturating_sub(13).max(scope.from), name.start);
    if !before.ends_with(b"Unseal Key ") && !before.ends_with(b"Recovery Key ") {
        return None;
    }
    let start = sign + 2;
    let end = run_end(scope.text, start, scope.to.min(start + MAX_WORD), |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=')
    });
    value::looks_secret(scope.part(start, end)).then(|| Found::new(start, end, Class::Key))
}

/// What the name before a type says, where `kind` is the type: `name: &str = `.
fn typed_kind(scope: &Scope<'_>, type_name: &Name<'_>, judge: &dyn Fn(&[u8]) -> Kind) -> Kind {
    // `Dim password As String = "…"`
    if has_word_at(scope.text, type_name.start.saturating_sub(4), b" as ")
        && type_name.start >= scope.from + 4
    {
        return judge(name_before(scope, type_name.start - 4).text);
    }
    let colon = run_start(
        scope.text,
        type_name.start,
        scope.from.max(type_name.start.saturating_sub(24)),
        |b| {
            b.is_ascii_alphanumeric()
                || matches!(
                    b,
                    b' ' | b'&' | b'\'' | b'<' | b'>' | b'|' | b'_' | b'[' | b']' | b';'
                )
        },
    );
    if colon <= scope.from || scope.before(colon) != b':' {
        return Kind::Plain;
    }
    // A tag of HTML is no type.
    let tag = scope
        .part(colon, colon + 2)
        .trim_ascii_start()
        .starts_with(b"<");
    if tag {
        return Kind::Plain;
    }
    let name = name_before(scope, colon - 1).text;
    // Nor is a scheme with the first of its parameters: `Authorization: Digest username="…"`.
    let between = scope.part(colon, type_name.start).trim_ascii();
    if ends_with(name, b"authorization")
        && !between.is_empty()
        && between.iter().all(u8::is_ascii_alphanumeric)
    {
        return Kind::Plain;
    }
    judge(name)
}

/// `SET PASSWORD FOR 'user' = …`
fn follows_password_for(scope: &Scope<'_>, name: usize) -> bool {
    // `'user'@'host'`
    let name = if name >= scope.from + 2 && scope.part(name - 2, name - 1) == b"@" {
        let user = name.saturating_sub(3);
        run_start(
            scope.text,
            user,
            scope.from.max(user.saturating_sub(64)),
            |b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'),
        )
    } else {
        name
    };
    has_word_at(scope.text, name.saturating_sub(14), b"password for ") && name >= scope.from + 14
}

/// The value that begins at `start`, if it is one to hide.
pub(crate) fn value_at(
    scope: &Scope<'_>,
    start: usize,
    name: &[u8],
    kind: Kind,
    style: Style,
) -> Option<Found> {
    let text = scope.text;
    let mut open = step_into_literal(scope, start);
    let escapes = run_end(text, open, scope.to, |b| b == b'\\') - open;
    open += escapes;
    let quote = scope.at(open);
    if matches!(quote, b'"' | b'\'' | b'`') && (escapes == 0 || quote != b'`') {
        if scope.part(open, open + 3) == [quote; 3] {
            let until = memchr::memmem::find(scope.part(open + 3, scope.to), &[quote; 3])
                .map_or(scope.to, |n| open + 3 + n);
            return literal(scope, open + 3, until, kind, name);
        }
        // The quote of `"Authorization: "` closes what began before the name.
        if quote == b'"' && escapes == 0 && closes(scope, start) {
            return None;
        }
        // So does the apostrophe of `'no cookie:', error`.
        if quote == b'\''
            && escapes == 0
            && start == open
            && matches!(scope.at(open + 1), b',' | b')' | b';' | b' ')
        {
            return None;
        }
        // A shell puts the output of a command here.
        if quote == b'`'
            && style.equals
            && style.own_line
            && name.iter().all(|b| b.is_ascii_uppercase() || *b == b'_')
        {
            return None;
        }
        // `""` in a quoted cell of a CSV file, or nothing at all.
        if escapes == 0 && scope.at(open + 1) == quote {
            return None;
        }
        return literal(
            scope,
            open + 1,
            closing_quote(scope, open + 1, quote, escapes),
            kind,
            name,
        );
    }
    if escapes > 0 || style.literal_only {
        return None;
    }
    if let Some((from, to)) = typographic(scope, open) {
        return literal(scope, from, to, kind, name);
    }
    if matches!(quote, b'q' | b'[')
        && style.equals
        && let Some((from, to)) = bracketed(scope, open)
    {
        return literal(scope, from, to, kind, name);
    }
    if let Some(found) = behind_user(scope, start, name, style) {
        return Some(found);
    }
    if let Some(end) = literals::end(scope, start, name, kind, style) {
        return Some(Found::new(start, end, Class::Field));
    }
    // Connection strings of ODBC have braces around what may hold a semicolon.
    if quote == b'{'
        && style.equals
        && !style.spaced
        && let Some(close) = memchr::memchr(b'}', scope.part(open, open + MAX_JUDGED))
        && value::looks_chosen(scope.part(open + 1, open + close))
        && !placeholder::has_mark(scope.part(open + 1, open + close))
        && matches!(scope.at(open + close + 1), b';' | 0 | b'"' | b'\n')
    {
        return Some(Found::new(open + 1, open + close, Class::Field));
    }
    if matches!(quote, b'|' | b'>') && style.own_line {
        return block(scope, open);
    }
    let near = Scope {
        to: scope.to.min(start + MAX_JUDGED),
        ..*scope
    };
    let end = unquoted_end(&near, start, style);
    // `password: correct horse battery` on a line of its own, in a file of such lines.
    if style.own_line
        && scope.at(end) == b' '
        && kind != Kind::Maybe
        && is_file_of_lines(scope, end)
    {
        let line = line_end(scope, end);
        let value = scope.part(start, line);
        let code = value
            .iter()
            .any(|b| matches!(b, b'(' | b'{' | b'<' | b'[' | b'=' | b'"' | b'\'' | b';'))
            || value.starts_with(MARK_START);
        if !code
            && !placeholder::is_placeholder(value)
            && !placeholder::is_placeholder(scope.part(start, end))
            && !value::is_label(value, name)
        {
            return Some(Found::new(start, line, Class::Field));
        }
    }
    let whole = || {
        if end == near.to {
            unquoted_end(scope, end, style)
        } else {
            end
        }
    };
    if !value::is_unquoted_secret(scope, start, end, name, kind, style) {
        return None;
    }
    let mut end = whole();
    // `passwords: hunter2, hunter3`
    while kind == Kind::Secrets && matches!(scope.part(end, end + 2), b", " | b"; ") {
        let next = run_end(text, end + 2, scope.to.min(end + 66), |b| {
            !b.is_ascii_whitespace() && !matches!(b, b',' | b';' | b'"' | b'\'')
        });
        if !value::looks_chosen(scope.part(end + 2, next)) {
            break;
        }
        end = next;
    }
    Some(Found::new(start, end, Class::Field))
}

/// `creds: user / password`, `user/pass: user:password`
fn behind_user(scope: &Scope<'_>, start: usize, name: &[u8], style: Style) -> Option<Found> {
    let both = || {
        [&b"creds"[..], b"credentials", b"credential"]
            .iter()
            .any(|both| ends_with(name, both))
            || scope.before(style.name) == b'/'
    };
    if style.equals || !style.spaced || !both() {
        return None;
    }
    let user = run_end(scope.text, start, scope.to.min(start + 64), |b| {
        is_name(b) || b == b'@'
    });
    let sign = run_end(scope.text, user, scope.to.min(user + 1), is_blank);
    let first = run_end(scope.text, sign + 1, scope.to.min(sign + 2), is_blank);
    if user == start
        || !matches!(scope.at(sign), b'/' | b':')
        || (sign > user) != (first > sign + 1)
    {
        return None;
    }
    let end = run_end(scope.text, first, scope.to.min(first + MAX_WORD), |b| {
        !b.is_ascii_whitespace() && !matches!(b, b'"' | b'\'' | b',' | b';' | b')')
    });
    let value = scope.part(first, end);
    (value::is_literal(value, name) && memchr::memchr(b'/', value).is_none())
        .then(|| Found::new(first, end, Class::Field))
}

/// A quoted value between its quotes.
fn literal(scope: &Scope<'_>, from: usize, to: usize, kind: Kind, name: &[u8]) -> Option<Found> {
    let value = scope.part(from, to);
    if !value::fits(value, kind)
        || value.len() < 2
        || placeholder::has_mark(value)
        || placeholder::is_placeholder(value)
        || value::is_label(value, name)
        // `STORAGE_KEY = "access_token_2"`
        || !value::is_password_name(name) && code::is_snake(value, 2) && name::judge(value).hides()
    {
        return None;
    }
    // A scheme stays.
    let scheme = words::scheme_len(value);
    let from = from + scheme;
    if placeholder::has_mark(scope.part(from, to))
        || placeholder::is_placeholder(scope.part(from, to))
    {
        return None;
    }
    (from < to).then(|| Found::new(from, to, Class::Field))
}

/// Steps over what may stand before a literal: `b"…"`, `String::from("…")`, `Some("…")`.
fn step_into_literal(scope: &Scope<'_>, start: usize) -> usize {
    let end = run_end(scope.text, start, scope.to.min(start + 48), |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'.' | b'#' | b'@')
    });
    let word = scope.part(start, end);
    if word.is_empty() {
        return start;
    }
    // What PHP dumps: `string(9) "…"`.
    if word == b"string" && scope.at(end) == b'(' {
        let count = run_end(scope.text, end + 1, scope.to.min(end + 8), |b| {
            b.is_ascii_digit()
        });
        if scope.part(count, count + 3) == b") \"" {
            return count + 2;
        }
    }
    if matches!(scope.at(end), b'"' | b'\'') && word.len() <= 3 {
        return end;
    }
    if scope.at(end) == b'(' && matches!(scope.at(end + 1), b'"' | b'\'' | b'b') {
        let last = word
            .rsplit(|b| matches!(b, b':' | b'.'))
            .next()
            .unwrap_or(&[]);
        if matches!(
            last,
            b"from"
                | b"new"
                | b"Some"
                | b"String"
                | b"SecureString"
                | b"Secret"
                | b"SecretString"
                | b"SecretStr"
                | b"Ok"
                | b"str"
                | b"bytes"
                | b"b64decode"
                | b"atob"
                | b"quote"
                | b"SecretValue"
        ) {
            let quote = end + 1 + usize::from(scope.at(end + 1) == b'b');
            if matches!(scope.at(quote), b'"' | b'\'') {
                return quote;
            }
        }
    }
    start
}

/// Where an unquoted value ends.
fn unquoted_end(scope: &Scope<'_>, start: usize, style: Style) -> usize {
    let text = scope.text;
    let mut pos = start;
    while pos < scope.to {
        let next = scope.at(pos + 1);
        let ends = match at(text, pos) {
            b' ' | b'\t' | b'\n' | b'\r' | 0 => true,
            b'"' | b'\'' | b'`' => {
                matches!(
                    next,
                    0 | b' '
                        | b'\t'
                        | b'\n'
                        | b'\r'
                        | b','
                        | b';'
                        | b')'
                        | b'}'
                        | b']'
                        | b'&'
                        | b'.'
                        | b'>'
                        | b'\\'
                        | b'|'
                        | b':'
                        | b'/'
                        | b'<'
                ) || at(text, pos) == b'"'
            }
            b'\\' => matches!(next, b'"' | b'\'' | b'n' | b'r' | b't'),
            b'&' => {
                style.equals
                    && (next == 0
                        || is_assignment(scope, pos + 1)
                        || next == b'#'
                        || has_word_at(text, pos, b"&amp;"))
            }
            b';' => {
                matches!(next, 0 | b' ' | b'\n' | b'\r' | b'"' | b'\'')
                    || is_assignment(scope, pos + 1)
            }
            b',' => {
                matches!(next, 0 | b' ' | b'\n' | b'\r' | b'"' | b'\'')
                    || is_assignment(scope, pos + 1)
            }
            b')' | b']' | b'}' => matches!(
                next,
                0 | b' '
                    | b'\n'
                    | b'\r'
                    | b','
                    | b';'
                    | b'.'
                    | b')'
                    | b']'
                    | b'}'
                    | b'['
                    | b'('
                    | b'"'
                    | b'\''
                    | b':'
                    | b'<'
            ),
            b'<' => next == b'/' || next.is_ascii_alphabetic() || next == b'<',
            b'>' => matches!(next, 0 | b' ' | b'\n' | b'\r' | b',' | b')' | b';'),
            b'|' => matches!(next, 0 | b' '),
            b'.' | b'!' | b'?' => {
                !style.own_line && matches!(next, 0 | b' ' | b'\n' | b'\r' | b'"' | b'\'' | b')')
            }
            _ => false,
        };
        if ends {
            break;
        }
        pos += 1;
    }
    pos
}

/// Whether the next line assigns something as well.
fn is_file_of_lines(scope: &Scope<'_>, pos: usize) -> bool {
    let end = line_end(scope, pos);
    let other = run_end(scope.text, end, scope.to, |b| {
        b.is_ascii_whitespace() || b == b'-'
    });
    let name = run_end(scope.text, other, scope.to.min(other + 40), is_name);
    end < scope.to
        && name > other
        && matches!(scope.at(name), b'=' | b':')
        && scope.at(name + 1) != b'/'
}

/// A block scalar of YAML: the lines below that are indented further.
fn block(scope: &Scope<'_>, open: usize) -> Option<Found> {
    let text = scope.text;
    let mut pos = run_end(text, open, scope.to, |b| !matches!(b, b'\n' | b'\r'));
    if pos - open > 3 || pos >= scope.to {
        return None;
    }
    let line = run_start(text, open, scope.from.max(open.saturating_sub(256)), |b| {
        !matches!(b, b'\n' | b'\r')
    });
    let indent = run_end(text, line, open, |b| b == b' ') - line;
    let (mut first, mut end) = (None, pos);
    while pos < scope.to {
        let begin = run_end(text, pos, scope.to, |b| matches!(b, b'\n' | b'\r'));
        let content = run_end(text, begin, scope.to, is_blank);
        if content - begin <= indent
            && content < scope.to
            && !matches!(at(text, content), b'\n' | b'\r')
        {
            break;
        }
        pos = run_end(text, content, scope.to, |b| !matches!(b, b'\n' | b'\r'));
        if pos > content {
            first = first.or(Some(content));
            end = pos;
        }
        if pos == begin {
            break;
        }
    }
    let first = first?;
    (!scope.part(first, end).starts_with(MARK_START)).then(|| Found::new(first, end, Class::Field))
}

/// The values of a cookie header; names and attributes stay.
fn cookies(scope: &Scope<'_>, from: usize, set: bool, add: &mut dyn FnMut(Found)) -> bool {
    let text = scope.text;
    let mut pos = run_end(text, from, scope.to.min(from + 2), |b| {
        matches!(b, b'"' | b'\'')
    });
    let mut any = false;
    loop {
        let name = run_end(text, pos, scope.to, |b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'%' | b'$')
        });
        if name == pos || scope.at(name) != b'=' {
            return any;
        }
        let end = run_end(text, name + 1, scope.to, |b| {
            !b.is_ascii_whitespace() && !matches!(b, b';' | b'"' | b'\'' | b',' | b'\\')
        });
        let value = scope.part(name + 1, end);
        any = true;
        if value.len() > 1
            && !is_cookie_attribute(scope.part(pos, name))
            && !value.starts_with(MARK_START)
            && !placeholder::is_placeholder(value)
        {
            add(Found::new(name + 1, end, Class::Field));
        }
        if set || scope.at(end) != b';' {
            return true;
        }
        pos = run_end(text, end + 1, scope.to, |b| b == b' ');
    }
}

/// What says of a cookie where and how long it is sent.
fn is_cookie_attribute(name: &[u8]) -> bool {
    [
        &b"samesite"[..],
        b"path",
        b"domain",
        b"expires",
        b"max-age",
        b"priority",
    ]
    .iter()
    .any(|attribute| name.eq_ignore_ascii_case(attribute))
}

/// The credentials of an `Authorization` header; the scheme stays, and so does what is public of them.
fn authorization(scope: &Scope<'_>, start: usize, add: &mut dyn FnMut(Found)) -> bool {
    let text = scope.text;
    let begin = run_end(text, start, scope.to.min(start + 3), |b| {
        matches!(b, b'"' | b'\'' | b'\\')
    });
    let scheme = run_end(text, begin, scope.to.min(begin + 24), |b| {
        b.is_ascii_alphanumeric() || b == b'-'
    });
    if scheme == begin || !matches!(scope.at(scheme), b' ' | b'+') {
        return false;
    }
    let word = scope.part(begin, scheme);
    if has_word_at(word, 0, b"digest")
        || has_word_at(word, 0, b"aws4-hmac")
        || has_word_at(word, 0, b"oauth")
        || has_word_at(word, 0, b"signature")
        || has_word_at(word, 0, b"hawk")
    {
        // Parameters follow, and some of them are credentials.
        let end = memchr::memchr2(b'\n', b'\r', scope.part(scheme, scope.to))
            .map_or(scope.to, |n| scheme + n)
            .min(scheme + 2048);
        let mut pos = scheme;
        let mut any = false;
        while let Some(sign) = memchr::memchr(b'=', scope.part(pos, end)).map(|n| pos + n) {
            let name = scope.part(
                run_start(text, sign, pos, |b| {
                    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')
                }),
                sign,
            );
            let open = run_end(text, sign + 1, scope.to.min(sign + 3), |b| {
                matches!(b, b'"' | b'\\' | b'\'')
            });
            let close = run_end(text, open, end, |b| {
                !matches!(b, b'"' | b'\\' | b'\'' | b',' | b' ')
            });
            let secret = [
                &b"response"[..],
                b"nonce",
                b"cnonce",
                b"opaque",
                b"signature",
                b"oauth_signature",
                b"oauth_token",
                b"oauth_consumer_key",
                b"oauth_nonce",
                b"mac",
                b"credential",
            ]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known));
            // Also when it was marked before: the others stay.
            any |= secret && close > open;
            if secret && close > open && !scope.part(open, close).starts_with(MARK_START) {
                let from = if has_word_at(name, 0, b"credential") {
                    let slash =
                        memchr::memchr(b'/', scope.part(open, close)).map_or(close, |n| open + n);
                    add(Found::new(open, slash, Class::Key));
                    pos = close.max(sign + 1);
                    continue;
                } else {
                    open
                };
                add(Found::new(from, close, Class::Key));
            }
            pos = close.max(sign + 1);
        }
        if any {
            return true;
        }
    }
    let from = run_end(text, scheme, scope.to, |b| b == b' ' || b == b'+');
    let end = run_end(text, from, scope.to.min(from + 16 * 1024), |b| {
        !b.is_ascii_whitespace()
            && !matches!(
                b,
                b'"' | b'\'' | b'\\' | b'`' | b',' | b';' | b')' | b'}' | b'<' | b'>' | b'&'
            )
    });
    let value = scope.part(from, end);
    if value.len() < 4
        || value.starts_with(MARK_START)
        || memchr::memchr(b'(', value).is_some()
        || placeholder::is_placeholder(value)
        || matches!(at(value, 0), b'$' | b'{' | b'<' | b'%')
    {
        // Nothing more is to be said of it: `Bearer ${TOKEN}`.
        return true;
    }
    if !value.iter().any(u8::is_ascii_digit) && (value.len() < 12 || !is_known_scheme(word)) {
        return value.iter().all(|b| b.is_ascii_lowercase() || *b == b'.');
    }
    add(Found::new(from, end, Class::Key));
    true
}

/// The answer to a challenge, without the name of its header: `Digest username="…", …, response="…"`.
fn digest_response(scope: &Scope<'_>, value: usize) -> Option<Found> {
    let start = value + usize::from(scope.at(value) == b'"');
    let end = run_end(scope.text, start, scope.to.min(start + 65), |b| {
        b.is_ascii_hexdigit()
    });
    let before = || scope.part(value.saturating_sub(MAX_WORD).max(scope.origin), value);
    (matches!(end - start, 32 | 64)
        && (bytes::find(before(), b"Digest ").is_some()
            || bytes::find(before(), b"nonce=").is_some()))
    .then(|| Found::new(start, end, Class::Key))
}

fn is_known_scheme(word: &[u8]) -> bool {
    words::scheme_len(&[word, b" x"].concat()) > 0
}

/// Signatures of URLs, which let everyone in who has the URL.
fn signature(scope: &Scope<'_>, name: &[u8], value: usize, add: &mut dyn FnMut(Found)) {
    // The key of OpenWeather.
    if name.eq_ignore_ascii_case(b"appid") {
        let end = run_end(scope.text, value, scope.to.min(value + 40), |b| {
            b.is_ascii_hexdigit()
        });
        if end - value == 32 {
            add(Found::new(value, end, Class::Key));
        }
        return;
    }
    let last = name
        .rsplit(|b| matches!(b, b'-' | b'_' | b'.'))
        .next()
        .unwrap_or(&[]);
    // A code of OAuth is as good as the token it is exchanged for.
    let code = name == b"code";
    if !(last.eq_ignore_ascii_case(b"signature")
        || last == b"sig"
        || last.eq_ignore_ascii_case(b"hmac")
        || name.eq_ignore_ascii_case(b"policy")
        || code)
    {
        return;
    }
    if code
        && (bytes::find(
            scope.part(value.saturating_sub(120).max(scope.from), value + 160),
            b"state=",
        )
        .is_none()
            || !matches!(scope.before(value - 5), b'?' | b'&'))
    {
        return;
    }
    let limit = scope.to.min(value + 4096);
    let end = run_end(scope.text, value, limit, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'%' | b'+' | b'/' | b'~' | b'.')
    });
    let end = run_end(scope.text, end, limit.min(end + 2), |b| b == b'=');
    let text = scope.part(value, end);
    if text.len() >= 16 && text.iter().any(u8::is_ascii_digit) {
        add(Found::new(value, end, Class::Field));
    }
}

/// SQL: a quoted value after a word, `IDENTIFIED BY 'x'`, `PASSWORD 'x'`; `pos` is the opening quote.
pub(crate) fn after_word(scope: &Scope<'_>, pos: usize) -> Option<Found> {
    let gap = run_start(
        scope.text,
        pos,
        scope.from.max(pos.saturating_sub(3)),
        |b| b == b' ' || b == b'(',
    );
    if gap == pos {
        return None;
    }
    let start = run_start(
        scope.text,
        gap,
        scope.from.max(gap.saturating_sub(24)),
        |b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'),
    );
    // `SELECT '…' AS token`
    let close =
        memchr::memchr(b'\'', scope.part(pos + 1, pos + 1 + MAX_JUDGED)).map_or(0, |n| pos + 1 + n);
    if close > pos && has_word_at(scope.text, close + 1, b" as ") {
        let end = run_end(scope.text, close + 5, scope.to.min(close + 64), is_name);
        let value = scope.part(pos + 1, close);
        if name::judge(scope.part(close + 5, end)) == Kind::Secret
            && value.iter().any(u8::is_ascii_digit)
            && !placeholder::has_mark(value)
            && !placeholder::is_placeholder(value)
        {
            return Some(Found::new(pos + 1, close, Class::Field));
        }
    }
    let word = scope.part(start, gap);
    let by = word == b"BY" && {
        let end = run_start(
            scope.text,
            start,
            scope.from.max(start.saturating_sub(2)),
            |b| b == b' ',
        );
        scope
            .part(end.saturating_sub(10), end)
            .eq_ignore_ascii_case(b"identified")
    } || word == b"by"
        && scope
            .part(start.saturating_sub(11), start)
            .eq_ignore_ascii_case(b"identified ")
        && bytes::find(
            scope.part(start.saturating_sub(80).max(scope.from), start),
            b"user ",
        )
        .is_some();
    let named = word.len() >= 4 && name::judge(word) == Kind::Secret && scope.before(pos) == b' ';
    if !(by || named) {
        return None;
    }
    let end = closing_quote(scope, pos + 1, b'\'', 0);
    let value = scope.part(pos + 1, end);
    let secret =
        by || word.eq_ignore_ascii_case(b"password") || value.iter().any(u8::is_ascii_digit);
    let stated = by || word.eq_ignore_ascii_case(b"password");
    (secret
        && value.len() >= 3
        && !placeholder::has_mark(value)
        && !placeholder::is_placeholder(value)
        && (stated || !value::is_label(value, word)))
    .then(|| Found::new(pos + 1, end, Class::Field))
}
