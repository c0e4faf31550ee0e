//! Values that text assigns to sensitive names: `KEY=value`, `key: "value"`, `api key is value`.
//!
//! Where the assignment begins is the easy part. Where its value ends depends on what the text is: a quoted
//! literal, a line of a file, a query, a connection string, a sentence.

use crate::redact::class::{Class, MARK_START};
use crate::redact::find::header::{authorization, cookies, digest_response, signature};
use crate::redact::find::look::Look;
use crate::redact::find::phrase::spaced_kind;
use crate::redact::find::sql::follows_password_for;
use crate::redact::find::value::{literal, value_at};
use crate::redact::find::{code, command, markup, sentence};
use crate::redact::judge::style::Style;
use crate::redact::judge::value;
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, at, has_word_at, run_end, run_start};
use crate::redact::read::lex::{
    MAX_JUDGED, MAX_WORD, Name, closing_quote, ends_with, is_blank, is_name, line_end, name_before,
    starts_line,
};
use crate::redact::read::scope::{Found, Scope};

/// An assignment whose `=` or `:` stands at `sign`.
pub(crate) fn at_sign(look: &mut Look<'_>, sign: usize) {
    let text = look.text;
    let byte = at(text, sign);
    let next = look.at(sign + 1);
    if byte == b':' && (next == b':' || look.before(sign) == b':')
        || byte == b'=' && matches!(look.before(sign), b'=' | b'<' | b'>' | b':' | b'+' | b'~')
    {
        return;
    }
    let unequal = byte == b'=' && look.before(sign) == b'!';
    let mut name = name_before(look, sign - usize::from(unequal));
    if name.text.len() < 2 && !name.quoted || name.text.iter().all(u8::is_ascii_digit) {
        if byte == b':'
            && next == b' '
            && let Some(found) = numbered_key(look, &name, sign)
        {
            look.report(found);
        }
        return;
    }
    // `${TOKEN:0:4}`
    if byte == b':'
        && next.is_ascii_digit()
        && look.part(name.start.saturating_sub(2), name.start) == b"${"
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
        name = name_before(look, name.start);
    }
    if byte == b':'
        && let Some(found) = command::user_and_password(look, name.start, sign)
    {
        look.report(found);
        return;
    }
    // A variable of psql: `PASSWORD :'name'`
    if byte == b':' && next == b'\'' && name.text == b"PASSWORD" && look.before(sign) == b' ' {
        return;
    }
    // Properties of Java: `-Dtoken=`. The parts of an ARN have colons between them.
    if byte == b'=' && name.text.starts_with(b"-D") {
        name.text = bytes::rest(name.text, 2);
    }
    if byte == b':'
        && look.before(name.start) == b':'
        && bytes::find(
            look.part(name.start.saturating_sub(80).max(look.from), name.start),
            b"arn:",
        )
        .is_some()
    {
        return;
    }
    let mut kind = look.judge(name.text);
    // `document.querySelector('#password').value = …`
    if name.text == b".value"
        && look.before(name.start) == b')'
        && let Some(element) = code::place(look, name.start)
    {
        kind = look.judge(element);
    }
    // `fill_in "Password", with: "…"`
    if name.text == b"with"
        && byte == b':'
        && let Some(field) = code::argument_before(look, name.start)
    {
        kind = look.judge(field);
    }
    if byte == b'=' && name.quoted && follows_password_for(look, name.start) {
        kind = Kind::Secret;
    }
    if !matches!(kind, Kind::Secret | Kind::Secrets) && !name.quoted {
        let spaced = spaced_kind(look, &name, true);
        if spaced != Kind::Plain {
            kind = spaced;
        }
    }
    let (mut value, arrow) = match (byte, next) {
        (b':', b'=') => (sign + 2, false),
        (b'=', b'>') => (sign + 2, true),
        (b'=', b'=') => (
            run_end(text, sign, look.to.min(sign + 3), |b| b == b'='),
            true,
        ),
        _ => (sign + 1, false),
    };
    let unspaced = value;
    value = run_end(text, value, look.to.min(value + 64), |b| {
        is_blank(b) || b == b'*'
    });
    // `!!str 'value'` of YAML
    if byte == b':' && look.at(value) == b'!' && look.part(value, value + 6) == b"!!str " {
        value += 6;
    }
    // PHP dumps a value on the line below: `["password"]=>`, `string(9) "…"`.
    if arrow && name.quoted && look.at(value) == b'\n' {
        let below = run_end(text, value, look.to.min(value + 64), |b| {
            b.is_ascii_whitespace()
        });
        if look.part(below, below + 7) == b"string(" {
            value = below;
        }
    }
    // `<b>Password:</b> value`
    if look.at(value) == b'<'
        && look.at(value + 1) == b'/'
        && let Some(close) = memchr::memchr(b'>', look.part(value, value + 12))
    {
        value = run_end(text, value + close + 1, look.to, is_blank);
    }
    // `api_key: &[u8] = b"…"`
    let of_bytes = || usize::from(look.at(value) == b'b' && look.at(value + 1) == b'"');
    if kind == Kind::Plain
        && byte == b'='
        && let typed = value + of_bytes()
        && matches!(look.at(typed), b'"' | b'\'' | b'`')
    {
        // `api_key: String = "…"`
        let value = typed;
        let kind = typed_kind(look, &name);
        if kind.hides() || kind == Kind::Pwd {
            let close = closing_quote(look, value + 1, look.at(value), 0);
            // A constant that is the name of something: `b"id-PasswordBasedMAC\0"`.
            if look.before(value) == b'b' && look.judge(look.part(value + 1, close)).hides() {
                return;
            }
            look.report(literal(look, value + 1, close, kind, b""));
            return;
        }
    }
    // `urn:ietf:params:oauth:jwk-thumbprint`, `session:user:1234`
    if matches!(kind, Kind::Maybe | Kind::Handle)
        && byte == b':'
        && (look.before(name.start) == b':'
            || unspaced == value
                && look.at(run_end(text, value, look.to.min(value + 24), is_name)) == b':')
    {
        return;
    }
    if kind == Kind::Plain
        && byte == b':'
        && matches!(next, b' ' | b'\n')
        && let Some(found) = sentence::behind_sentence(look, sign)
    {
        look.report(found);
        return;
    }
    match kind {
        Kind::Plain | Kind::Id => {
            markup::named(look, name.text, value, byte);
            if byte == b'=' && unspaced == value {
                if name.text == b"response" {
                    look.report(digest_response(look, value));
                }
                look.report(signature(look, name.text, value));
            }
            return;
        }
        Kind::Phone => return,
        _ => {}
    }
    // `document.cookie = "sid=…; path=/"`
    if ends_with(name.text, b"cookie")
        && (byte == b':' || name.text.ends_with(b".cookie") && look.at(value) == b'"')
        && cookies(look, value, name.text.len() > 6)
    {
        return;
    }
    if ends_with(name.text, b"authorization") && authorization(look, value) {
        return;
    }
    if kind == Kind::Phrase {
        let open = run_end(text, value, look.to.min(value + 1), |b| {
            matches!(b, b'"' | b'\'')
        });
        let end = run_end(text, open, look.to, |b| {
            b.is_ascii_lowercase() || matches!(b, b' ' | b',')
        });
        let end = run_start(text, end, open, |b| !b.is_ascii_lowercase());
        if value::fits(look.part(open, end), kind) {
            look.hide(open, end, Class::Field);
        }
        return;
    }
    // What PHP prints: `[password] => …`, to the end of its line.
    if arrow && next == b'>' && at(name.text, 0) == b'[' && name.text.ends_with(b"]") {
        let end = line_end(look, value);
        // `stdClass Object`, whose members follow.
        if starts_line(look, name.start)
            && !look.part(value, end).ends_with(b" Object")
            && let Some(found) = literal(look, value, end, kind, name.text)
        {
            look.report(found);
        }
        return;
    }
    // The look of a key of AWS says nothing: `Credential=AK…/20150830/us-east-1/iam/aws4_request`.
    if byte == b'=' && unspaced == value && name.text == b"Credential" {
        let slash = run_end(text, value, look.to.min(value + MAX_JUDGED), is_name);
        if look.at(slash) == b'/'
            && bytes::find(look.part(slash, slash + MAX_JUDGED), b"/aws4_request").is_some()
        {
            if !look.part(value, slash).starts_with(MARK_START) {
                look.hide(value, slash, Class::Key);
            }
            return;
        }
    }
    // Without quotes or a sigil, `Name => …` is an arm of a match, unless it stands like a line of configuration.
    let own_line = linked || starts_line(look, name.start);
    let setting = own_line
        && look.at(value) == b'"'
        && memchr::memchr(b'_', name.text).is_some()
        && at(name.text, 0).is_ascii_lowercase();
    if arrow
        && next == b'>'
        && !name.quoted
        && !setting
        && look.at(value) != b'\''
        && !matches!(look.before(name.start), b':' | b'$')
        && at(name.text, 0) != b'$'
    {
        return;
    }
    let style = Style {
        equals: byte == b'=',
        spaced: value > unspaced || is_blank(look.before(sign)),
        quoted_name: name.quoted,
        literal_only: arrow || look.before(sign) == b'!',
        own_line,
        quote: match look.before(name.start) {
            quote @ (b'"' | b'\'') if !name.quoted => quote,
            _ => 0,
        },
        name: name.start,
    };
    let found = value_at(look, value, name.text, kind, style);
    // What a token is compared with is a kind of token, unless it could be nothing but a secret.
    let compared = byte == b'=' && (next == b'=' || look.before(sign) == b'!');
    let found = found.filter(|found| {
        let value = look.part(found.start, found.end);
        !compared
            || !value.iter().all(u8::is_ascii_alphabetic)
            || value::is_password_name(name.text)
    });
    if let Some(found) = found {
        look.report(found);
        // A plan of Terraform: `password = "old" -> "new"`.
        if byte == b'=' && look.part(found.end, found.end + 6) == b"\" -> \"" {
            let new = found.end + 6;
            let close = closing_quote(look, new, b'"', 0);
            look.report(literal(look, new, close, kind, name.text));
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
fn typed_kind(look: &Look<'_>, type_name: &Name<'_>) -> Kind {
    // `Dim password As String = "…"`
    if has_word_at(look.text, type_name.start.saturating_sub(4), b" as ")
        && type_name.start >= look.from + 4
    {
        return look.judge(name_before(look, type_name.start - 4).text);
    }
    let colon = run_start(
        look.text,
        type_name.start,
        look.from.max(type_name.start.saturating_sub(24)),
        |b| {
            b.is_ascii_alphanumeric()
                || matches!(
                    b,
                    b' ' | b'&' | b'\'' | b'<' | b'>' | b'|' | b'_' | b'[' | b']' | b';'
                )
        },
    );
    if colon <= look.from || look.before(colon) != b':' {
        return Kind::Plain;
    }
    // A tag of HTML is no type.
    let tag = look
        .part(colon, colon + 2)
        .trim_ascii_start()
        .starts_with(b"<");
    if tag {
        return Kind::Plain;
    }
    let name = name_before(look, colon - 1).text;
    // Nor is a scheme with the first of its parameters: `Authorization: Digest username="…"`.
    let between = look.part(colon, type_name.start).trim_ascii();
    if ends_with(name, b"authorization")
        && !between.is_empty()
        && between.iter().all(u8::is_ascii_alphanumeric)
    {
        return Kind::Plain;
    }
    look.judge(name)
}
