//! Whether a value could be a secret: by the kind of its name, by what it is made of, and by how it is assigned.

use crate::redact::catalogue::headers::scheme_len;
use crate::redact::catalogue::words::{
    OF_ONES_OWN, OF_PASSWORDS, SHORT_PASSWORD, is_complaint, is_of_secrets, is_of_sentences,
    is_outcome,
};
use crate::redact::catalogue::{formats, names, words};
use crate::redact::class::MARK_START;
use crate::redact::judge::code::{
    has_upper_const, is_algorithm, is_expression, is_rooted, is_snake, is_type, is_word_and_number,
};
use crate::redact::judge::id::{is_id, is_numbered, is_resource, is_slug, is_uuid, may_be_cuid2};
use crate::redact::judge::placeholder::{has_mark, is_mark, is_placeholder};
use crate::redact::judge::style::{Given, Style};
use crate::redact::judge::{card, language, name, random};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, at, has_word_at, part, rest};
use crate::redact::read::kinds::{
    COLON, DASH, DIGIT, DOT, HIGH, Kinds, LETTER, SLASH, SQUARE, STAR, UNDERSCORE,
};
use crate::redact::read::lex;
use crate::redact::read::scope::Scope;

/// What is longer is no label.
const MAX_LABEL: usize = 200;

/// Whether a string under a name of this kind goes whole.
pub(crate) fn goes(value: &[u8], kind: Kind, name: &[u8]) -> bool {
    let takes = match kind {
        Kind::Plain | Kind::Phone | Kind::Id => false,
        Kind::Secret | Kind::Secrets => !value.is_empty(),
        Kind::Maybe | Kind::Handle | Kind::Opaque | Kind::Pin | Kind::Pwd | Kind::Phrase => {
            fits(value, kind)
        }
    };
    // `Bearer ${TOKEN}` holds no more than `${TOKEN}`.
    let bare = rest(value, scheme_len(value));
    takes
        && !is_mark(value)
        && !is_placeholder(value)
        && (bare.len() == value.len() || !is_placeholder(bare) && !is_mark(bare))
        && !is_label(value, name)
        && !is_token_of_other_kind(value, name)
        && !is_reference(value)
        && !is_plain_address(value)
}

/// Whether a value is an address that lets nobody in: without a user, a query, and a part made at random.
pub(crate) fn is_plain_address(value: &[u8]) -> bool {
    let Some(sign) = bytes::find(value, b"://").filter(|sign| *sign > 0) else {
        return false;
    };
    let place = rest(value, sign + 3);
    let query = memchr::memchr(b'?', place).unwrap_or(place.len());
    let (place, query) = place.split_at(query);
    part(value, 0, sign)
        .iter()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'+' | b'-'))
        && at(place, 0).is_ascii_alphanumeric()
        && place
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"/.-_~:".contains(b))
        && !place.split(|b| *b == b'/').any(random::is_opaque)
        && rest(query, 1).split(|b| *b == b'&').all(is_plain_parameter)
}

/// `sslmode=verify-full`
fn is_plain_parameter(pair: &[u8]) -> bool {
    let sign = memchr::memchr(b'=', pair).unwrap_or(pair.len());
    name::judge(part(pair, 0, sign)) == Kind::Plain
        && rest(pair, sign + 1)
            .iter()
            .all(|b| b.is_ascii_lowercase() || *b == b'-')
}

/// Whether there is something to hide in a value: it stands for nothing else, and no part of it is hidden already.
pub(crate) fn is_real(value: &[u8]) -> bool {
    !has_mark(value) && !is_placeholder(value)
}

/// Whether a value under `token` alone is a token of another kind: a currency, a piece of a design, a number of them.
pub(crate) fn is_token_of_other_kind(value: &[u8], name: &[u8]) -> bool {
    // A one-time code has six digits and more.
    let number = || value.len() <= 5 && value.iter().all(u8::is_ascii_digit);
    let ticker = || is_ticker(value);
    // `color.primary.500`, `--spacing-4`, `$color-danger`
    let design = || {
        let named = value.strip_prefix(b"--").or(value.strip_prefix(b"$"));
        let value = named.unwrap_or(value);
        is_slug(value) && value.iter().all(|b| !b.is_ascii_uppercase())
    };
    let repeated = || value.len() >= 8 && value.iter().all(|b| *b == at(value, 0));
    // Nine digits that are nobody's.
    let made_up = || {
        let is_of_number = |b: &u8| b.is_ascii_digit() || matches!(b, b'-' | b' ');
        value.iter().all(is_of_number) && !card::is_social_security(value)
    };
    let of_key = || {
        names::names_row(name) && !random::is_key_in_base64(value)
            || names::names_session(name) && value.try_into().is_ok_and(is_uuid)
            || names::names_by_fingerprint(name) && is_number_of_key(value)
    };
    names::is_token(name) && (number() || ticker() || design() || is_constant(value))
        || formats::is_fingerprint(value) && !is_password_name(name)
        // They end in `key`.
        || matches!(name.last(), Some(b'y' | b'Y')) && of_key()
        || words::is_length(value)
        || lex::ends_with(name, names::ID) && may_be_cuid2(value)
        || names::is_social_security(name) && bytes::digits(value) == 9 && made_up()
        || (words::is_stand_in(value) || repeated() || is_name_of_stand_in(value))
            && !is_password_name(name)
}

/// `NAV_UP`
fn is_constant(value: &[u8]) -> bool {
    memchr::memchr(b'_', value).is_some()
        && value.iter().all(|b| b.is_ascii_uppercase() || *b == b'_')
}

/// The number of a key of PGP: the last digits of its fingerprint, or all of them.
fn is_number_of_key(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"0x").unwrap_or(value);
    matches!(digits.len(), 8 | 16 | 40) && digits.iter().all(u8::is_ascii_hexdigit)
}

/// Words and a number, of which some say that it is a key and that it is none: `sk-fake-key-123`.
fn is_name_of_stand_in(value: &[u8]) -> bool {
    let words = || value.split(|b| matches!(b, b'-' | b'_'));
    // Most secrets are one word.
    memchr::memchr2(b'-', b'_', value).is_some()
        && words().any(words::is_stand_in)
        && words().any(is_of_secrets)
        && words().all(is_word_and_number)
}

/// The short name of a currency: `USDC`, `stETH`, `USDC.e`. What is wrapped has small letters before it, and what was
/// bridged behind it.
fn is_ticker(value: &[u8]) -> bool {
    let small = value.iter().take_while(|b| b.is_ascii_lowercase()).count();
    let capital = rest(value, small)
        .iter()
        .take_while(|b| b.is_ascii_uppercase())
        .count();
    (2..=6).contains(&capital) && small <= 3 && matches!(rest(value, small + capital), b"" | b".e")
}

/// Whether a value is one that a name of this kind stands over when it is a secret.
pub(crate) fn fits(value: &[u8], kind: Kind) -> bool {
    match kind {
        Kind::Maybe => looks_secret(value),
        Kind::Handle => looks_secret(value) && !is_id(value) && !is_numbered(value),
        Kind::Opaque => random::is_opaque(value) || random::is_key_in_base64(value),
        Kind::Pin => {
            // `4821#`, as a keypad takes it.
            let digits = value.strip_suffix(b"#").unwrap_or(value);
            (4..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
        }
        Kind::Pwd => {
            value.len() >= 3
                && memchr::memchr2(b'/', b'\\', value).is_none()
                && value != b"."
                && value != b".."
        }
        Kind::Phrase => {
            looks_secret(value)
                || value.iter().filter(|b| **b == b' ').count() >= 10
                    && value
                        .iter()
                        .all(|b| b.is_ascii_lowercase() || matches!(b, b' ' | b','))
        }
        _ => true,
    }
}

/// Whether a value under a name that need not be sensitive looks like a secret: one word that no one would choose
/// as the name of a thing.
pub(crate) fn looks_secret(value: &[u8]) -> bool {
    if value.len() < 6 || matches!(at(value, 0), b'/' | b'.' | b'~') {
        return false;
    }
    // `0.375rem`
    if memchr::memchr(b'.', value).is_some() && is_measure(value) || is_moment(value) {
        return false;
    }
    let (mut digits, mut letter, mut symbol) = (0, false, false);
    for byte in value {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'a'..=b'z' | b'A'..=b'Z' => letter = true,
            b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' => return false,
            b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'*' | b'+' | b'=' | b'~' => symbol = true,
            _ => {}
        }
    }
    value.len() >= 8 && digits > 0 && letter && !formats::is_address(value)
        || symbol && letter
        || digits >= 12
}

/// `2026-03-01T13:00:00Z`
fn is_moment(value: &[u8]) -> bool {
    let date = value
        .iter()
        .enumerate()
        .take(10)
        .all(|(index, b)| match index {
            4 | 7 => *b == b'-',
            _ => b.is_ascii_digit(),
        });
    let is_of_time = |b: &u8| b.is_ascii_digit() || b"TZ:.+- ".contains(b);
    date && value.len() >= 10 && rest(value, 10).iter().all(is_of_time)
}

/// What a literal types, without the end of the line; nothing if a command in brackets reads it: `[lindex $argv 0]`.
pub(crate) fn typed(literal: &[u8]) -> &[u8] {
    let mut typed = literal;
    while let [before @ .., b'\\', b'n' | b'r'] | [before @ .., b'\n' | b'\r'] = typed {
        typed = before;
    }
    match typed {
        [b'[', call @ .., b']'] if call.contains(&b' ') => &[],
        _ => typed,
    }
}

/// Whether a word in a sentence can only be a secret: letters and digits mixed, or symbols among them.
pub(crate) fn looks_chosen(value: &[u8]) -> bool {
    // Words and numbers are short, or have no digit or no letter, and nothing more is asked of them.
    if value.len() < 6 || !value.iter().any(u8::is_ascii_alphabetic) {
        return false;
    }
    let digits = bytes::digits(value);
    if digits == 0 && !random::is_scrambled(value) {
        return false;
    }
    let symbol = value.iter().any(|b| b"!@#$%^*+=~&?".contains(b));
    // `from=md5`, `wpa2-psk=…`
    let is_name = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    let is_assigned = |sign: usize| {
        sign + 1 < value.len()
            && at(value, 0).is_ascii_lowercase()
            && part(value, 0, sign).iter().all(is_name)
    };
    (value.len() >= 7 || symbol || digits >= 2)
        && !is_algorithm(value)
        && (symbol || !is_measure(value))
        && !memchr::memchr(b'=', value).is_some_and(is_assigned)
        && memchr::memchr_iter(b':', value).count() < 2
        && !is_named_number(value)
        && !is_snake(value, 3)
        && !formats::is_address(value)
        && !formats::is_advisory(value)
        && !is_place_in_code(value)
        && (at(value, 0) != b'/' || is_base64_like_path(value))
        && at(value, 0) != b'('
        && memchr::memchr(b'(', value).is_none()
        && memchr::memchr(b'/', value).is_none_or(|_| value.len() >= 20)
}

/// Words and a number, with colons between them: `size:36477`, `newer_than:7d`, `attempts:user:48213`.
fn is_named_number(value: &[u8]) -> bool {
    let Some(colon) = memchr::memrchr(b':', value) else {
        return false;
    };
    let number = rest(value, colon + 1);
    let number = match number.split_last() {
        Some((unit, number)) if unit.is_ascii_lowercase() => number,
        _ => number,
    };
    number.iter().all(u8::is_ascii_digit)
        && part(value, 0, colon)
            .iter()
            .all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b':' | b'-'))
}

/// `PasswordEncoder.java:44`, as frames of stacks have it.
fn is_place_in_code(value: &[u8]) -> bool {
    let colon = memchr::memrchr(b':', value).unwrap_or(0);
    let line = rest(value, colon + 1);
    let mut parts = part(value, 0, colon).rsplit(|b| *b == b'.');
    let is_type =
        |end: &[u8]| (1..=5).contains(&end.len()) && end.iter().all(u8::is_ascii_lowercase);
    colon > 0
        && !line.is_empty()
        && line.iter().all(u8::is_ascii_digit)
        && parts.next().is_some_and(is_type)
        && parts.next().is_some_and(is_word_and_number)
}

/// Whether a value that begins like a path is 40 characters of base64, which no path is by chance.
fn is_base64_like_path(value: &[u8]) -> bool {
    value.len() == 40
        && value
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'+'))
        && value.iter().filter(|b| **b == b'/').count() <= 3
        && value.iter().filter(|b| b.is_ascii_uppercase()).count() >= 5
        && value.iter().filter(|b| b.is_ascii_lowercase()).count() >= 5
}

/// A number and its unit: `256-bit`, `32bytes`, `0.375rem`.
fn is_measure(value: &[u8]) -> bool {
    let lead = value
        .iter()
        .take_while(|b| b.is_ascii_digit() || **b == b'.')
        .count();
    lead > 0
        && rest(value, lead)
            .iter()
            .all(|b| b.is_ascii_lowercase() || *b == b'-')
}

/// Whether the value is what a person reads beside a field: the field's own name, or a sentence about it.
pub(crate) fn is_label(value: &[u8], name: &[u8]) -> bool {
    let value = value.trim_ascii();
    !value.is_empty()
        && value.len() <= MAX_LABEL
        && is_spelled(value)
        && (is_complaint(value)
            || is_phrase_under_code(value, name)
            || is_of_another_alphabet(value)
            || is_name_itself(value, name)
            || is_name_in_another_language(value)
            || is_about_field(value))
}

/// Whether a value has letters and the signs of sentences alone, and numbers no earlier than a sentence has them:
/// `Use at least 8 characters`.
fn is_spelled(value: &[u8]) -> bool {
    value.iter().enumerate().all(|(index, b)| {
        b.is_ascii_alphabetic()
            || *b >= 0x80
            || b" '?!.,:-_()/".contains(b)
            || b.is_ascii_digit() && index > 3 && matches!(at(value, index - 1), b' ' | b'0'..=b'9')
    })
}

/// No key, token or code is words of another alphabet than ASCII, as passwords may be: `Do\u{11f}rulama kodu`.
fn is_phrase_under_code(value: &[u8], name: &[u8]) -> bool {
    memchr::memchr(b' ', value).is_some()
        && !value.is_ascii()
        && !value.iter().any(u8::is_ascii_digit)
        && name.is_ascii()
        && !is_password_name(name)
}

fn is_of_another_alphabet(value: &[u8]) -> bool {
    // Chinese and Japanese set no spaces.
    let is_sentence = value.len() >= 24 && at(value, 0) >= 0xE3;
    (is_sentence || memchr::memchr(b' ', value).is_some())
        && value.iter().all(|b| *b >= 0x80 || *b == b' ')
}

fn letters(text: &[u8]) -> impl Iterator<Item = u8> {
    text.iter()
        .filter(|b| b.is_ascii_alphabetic())
        .map(u8::to_ascii_lowercase)
}

fn is_name_itself(value: &[u8], name: &[u8]) -> bool {
    letters(value).eq(letters(name))
}

/// `Mot de passe`
fn is_name_in_another_language(value: &[u8]) -> bool {
    let is_foreign = memchr::memchr(b' ', value).is_some() || value.iter().any(|b| *b >= 0x80);
    (is_foreign || language::is_word(value))
        && value.len() <= 40
        && value.split(|b| *b == b' ').all(|word| word.len() >= 2)
        && matches!(name::judge(value), Kind::Secret | Kind::Pin)
}

/// Whether a value is words about a secret, or a sentence with the small words of one.
fn is_about_field(value: &[u8]) -> bool {
    let words = value
        .split(|b| !b.is_ascii_alphabetic() && *b != b'\'')
        .filter(|word| !word.is_empty());
    let counted = value.split(|b| matches!(b, b' ' | b',' | b'.'));
    let mut counted = counted.skip_while(|word| !word.iter().all(u8::is_ascii_digit));
    let is_count = counted.next().is_some_and(|count| !count.is_empty());
    if is_count && counted.next().is_some_and(words::is_counted) {
        return true;
    }
    let is_capital = value.first().is_some_and(u8::is_ascii_uppercase);
    let (mut count, mut of_secrets, mut of_sentences) = (0, false, false);
    for word in words {
        count += 1;
        of_secrets |= is_of_secrets(word);
        of_sentences |= is_capital && is_of_sentences(word);
    }
    // `my password is secret` is nobody's label.
    count >= 2 && of_secrets && !has_word_at(value, 0, OF_ONES_OWN) || count >= 4 && of_sentences
}

/// Whether an unquoted value that ends at `to` is a secret and not code, prose or a placeholder.
pub(crate) fn is_unquoted_secret(given: &Given<'_>, to: usize) -> bool {
    let (scope, from, name) = (&given.scope, given.start, given.name);
    let (kind, style) = (given.kind, given.style);
    let value = scope.part(from, to);
    let kinds = Kinds::of(value);
    let digits = if kinds.any(DIGIT) {
        bytes::digits(value)
    } else {
        0
    };
    // `otp:attempts:48213`
    if is_nothing(value, kinds, name) || !style.spaced && !style.equals && is_named_number(value) {
        return false;
    }
    match kind {
        Kind::Maybe | Kind::Handle | Kind::Opaque | Kind::Pwd | Kind::Phrase
            if !fits(value, kind) =>
        {
            return false;
        }
        Kind::Pin => return fits(value, kind),
        Kind::Secrets
            if digits == value.len() || names::names_resources(name) && is_resource(value) =>
        {
            return false;
        }
        _ => {}
    }
    if digits == value.len() {
        let last = rest(name, name.len().saturating_sub(3));
        let long = value.len() >= 4 || names::is_code_of_card(last);
        return long && !(style.spaced && style.equals && ends_statement(scope, to));
    }
    // `String!`
    if value.ends_with(b"!") && is_type(value)
        || is_code_of_scope(scope, from, to, style) && !is_chosen_in_parts(given, to)
        || !style.equals && style.spaced && is_list_of_its_own(value)
    {
        return false;
    }
    if kinds.only(LETTER | DIGIT | UNDERSCORE | DASH | DOT) {
        return is_secret_of_words(given, to, digits);
    }
    // A word of another alphabet is one of a sentence, unless nothing else stands on its line.
    let is_spelled = |b: &u8| b.is_ascii_alphabetic() || *b >= 0x80 || matches!(b, b'-' | b'\'');
    if kinds.any(HIGH) && value.iter().all(is_spelled) {
        return style.own_line && matches!(scope.at(to), 0 | b'\n' | b'\r');
    }
    // `credentials: AWS/IAM`
    kind != Kind::Secrets || !kinds.only(LETTER | SLASH)
}

/// Whether a value is none, stands for another, or says how something is kept.
fn is_nothing(value: &[u8], kinds: Kinds, name: &[u8]) -> bool {
    value.len() < 2
        || kinds.any(COLON) && is_place_in_code(value)
        // `token: C1`
        || value.len() < 4 && kinds.any(LETTER) && !is_password_name(name)
        || value.starts_with(MARK_START)
        || is_placeholder(value)
        || is_token_of_other_kind(value, name)
        || is_algorithm(value)
        || is_address_in_memory(value)
        || kinds.any(HIGH) && is_name_in_another_language(value)
        // What names of many are matched with: `login:token:count:*`.
        || kinds.any(STAR) && value.ends_with(b":*")
        // `password.rs:42:18`
        || kinds.any(COLON) && kinds.only(DIGIT | COLON)
        || kinds.any(SLASH) && (is_reference(value) || kinds.any(COLON) && is_plain_address(value))
}

/// Words with signs between them, and a slash, as stores of secrets name what they hold: `kv/data/db:password`.
pub(crate) fn is_reference(value: &[u8]) -> bool {
    let words = || value.split(|b| matches!(b, b'/' | b':' | b'#' | b'.' | b'-' | b'_'));
    memchr::memchr(b'/', value).is_some()
        && words().count() >= 3
        && words().all(|word| {
            !at(word, 0).is_ascii_digit()
                && word
                    .iter()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                && is_word_and_number(word)
        })
        && words().filter(|word| word.len() >= 2).count() >= 3
}

/// `0x02`
fn is_address_in_memory(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"0x").unwrap_or_default();
    (1..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit)
}

/// Whether a value of letters, digits and the signs of names is a secret, and no reference, type or constant.
fn is_secret_of_words(given: &Given<'_>, to: usize, digits: usize) -> bool {
    let (scope, start, name) = (&given.scope, given.start, given.name);
    let value = scope.part(start, to);
    // `pub cookie: u32,`
    let is_sized =
        digits > 0 && given.style.spaced && is_type(value.strip_prefix(b"__").unwrap_or(value));
    if is_sized || is_variable_beside_quotes(given, to, value) {
        return false;
    }
    // In a query nothing refers to anything.
    let in_query = matches!(
        scope.before(start.saturating_sub(1 + name.len())),
        b'?' | b'&'
    );
    let refers = !in_query && digits <= 1 && name::judge(value) != Kind::Plain;
    if refers || digits == 0 && has_upper_const(value) {
        return false;
    }
    digits > 0 || is_secret_of_letters(given, to)
}

/// Beside quoted names a word without quotes is a variable: `"x-api-key": key1 }`.
fn is_variable_beside_quotes(given: &Given<'_>, to: usize, value: &[u8]) -> bool {
    let (scope, style) = (&given.scope, given.style);
    style.quoted_name
        && !style.equals
        && to < scope.to
        && matches!(next_sign(scope, to), b',' | b'}' | b')')
        && value.len() < 16
        && bytes::digits(value) <= 2
        && value.first().is_some_and(u8::is_ascii_alphabetic)
        && value
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

/// Whether the value before `to` stands in a statement that goes on or ends there as only code does.
fn ends_statement(scope: &Scope<'_>, to: usize) -> bool {
    scope.at(to) == b';' && !lex::is_assignment(scope, to + 1)
        || to < scope.to && matches!(scope.at(to), b'(' | b'<' | b'[' | b'{' | b'!')
}

/// Whether a value is an expression by what stands around it.
fn is_code_of_scope(scope: &Scope<'_>, from: usize, to: usize, style: Style) -> bool {
    // `token: Type = value`
    let typed = !style.equals && scope.at(to) == b' ' && next_sign(scope, to) == b'=';
    // A parameter of SQL: `token = @token`
    let value = scope.part(from, to);
    let parameter = style.equals && at(value, 0) == b'@' && name::judge(rest(value, 1)).hides();
    typed || parameter || is_expression(scope, from, to, style)
}

/// `dragon.slayer9` under the name of a password: no path of names ends in a number there, but where it is an argument.
fn is_chosen_in_parts(given: &Given<'_>, to: usize) -> bool {
    let (scope, name, style) = (&given.scope, given.name, given.style);
    let value = scope.part(given.start, to);
    let is_argument = style.spaced || b",;()[]{}".contains(&scope.at(to));
    given.kind == Kind::Secret
        && !(style.equals && is_argument)
        && value.last().is_some_and(u8::is_ascii_digit)
        && value
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || *b == b'.')
        && is_password_name(name)
        && !is_rooted(value)
        && name::judge(value) == Kind::Plain
}

fn next_sign(scope: &Scope<'_>, to: usize) -> u8 {
    at(scope.text, scope.ahead(to, 4, |b| b == b' '))
}

/// `jwt: alg=RS256`: a list of its own follows.
fn is_list_of_its_own(value: &[u8]) -> bool {
    let is_key = |b: &u8| b.is_ascii_lowercase() || *b == b'_';
    memchr::memchr(b'=', value).is_some_and(|sign| {
        sign + 1 < value.len()
            && part(value, 0, sign).iter().all(is_key)
            && at(value, sign + 1) != b'='
    })
}

/// Whether a word of letters is a secret: where it is not prose, a type, or the name of something.
fn is_secret_of_letters(given: &Given<'_>, to: usize) -> bool {
    let (scope, start, name) = (&given.scope, given.start, given.name);
    let (kind, style) = (given.kind, given.style);
    let value = scope.part(start, to);
    // `imagePullSecrets: regcred`
    if value.len() < 4 || kind == Kind::Secrets && names::names_resources(name) {
        return false;
    }
    if style.equals && (!style.spaced || style.quoted_name) {
        // `login.password.confirm=Confirmez le mot de passe`
        let line = scope.part(start, lex::line_end(scope, to));
        if style.own_line && line.len() > value.len() && is_label(line, name) {
            return false;
        }
        // Behind an option a sign ends a command.
        let is_of_code = !name.starts_with(b"-") && ends_statement(scope, to);
        return !is_of_code && memchr::memchr(b'.', value).is_none();
    }
    let is_lower = value
        .iter()
        .all(|b| b.is_ascii_lowercase() || matches!(b, b'-' | b'_'));
    // A word after a colon is prose or a type unless the line is nothing but the assignment.
    let is_alone = style.own_line
        && (style.spaced || is_password_name(name))
        && matches!(scope.at(to), 0 | b'\n' | b'\r');
    // `"token:count"` is the name of something.
    let is_quoted = style.quote != 0 && scope.at(to) == style.quote;
    (is_alone || is_quoted && (style.spaced || is_password_name(name)))
        && is_lower
        && !(style.equals && memchr::memchr(b'[', name).is_some())
}

/// Whether a name is that of a password: what stands under it is hardly ever the name of a thing.
pub(crate) fn is_password_name(name: &[u8]) -> bool {
    let begins_one = |byte: u8| BEGIN_PASSWORDS >> (byte & 31) & 1 == 1;
    let has_one = |at: usize| {
        let mut words = OF_PASSWORDS.iter();
        words.any(|word| has_word_at(name, at, word.as_bytes()))
    };
    name.iter()
        .enumerate()
        .any(|(at, &byte)| byte >= 0x80 || begins_one(byte) && has_one(at))
        || lex::ends_with(name, SHORT_PASSWORD)
}

/// A bit for the first letter of each of these words, since most letters of a name begin none.
const BEGIN_PASSWORDS: u32 = {
    let (mut letters, mut words) = (0, OF_PASSWORDS);
    while let [word, rest @ ..] = words {
        if let Some(first) = word.as_bytes().first() {
            letters |= 1 << (*first & 31);
        }
        words = rest;
    }
    letters
};

/// Whether a word that can only be a literal where it stands is a secret, and not a placeholder or a reference.
pub(crate) fn is_literal(value: &[u8], name: &[u8]) -> bool {
    let kinds = Kinds::of(value);
    let letters = || value.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let refers =
        || !kinds.any(DIGIT) && (name::judge(value) != Kind::Plain || has_upper_const(value));
    // `ENC[…]`, `Vec<u8>`, a call.
    let expression = || {
        let is_word = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
        let head = value.iter().take_while(is_word).count();
        head > 0 && matches!(at(value, head), b'(' | b'[' | b'<' | b'{')
    };
    let is_plain = kinds.only(LETTER | DIGIT | UNDERSCORE);
    value.len() >= 4
        && letters() >= 2
        && (is_plain || !expression())
        && !refers()
        && !(kinds.any(DOT) && is_rooted(value))
        && !(kinds.any(SQUARE) && has_mark(value))
        && !is_placeholder(value)
        && !is_type(value)
        && !is_outcome(value)
        && !is_label(value, name)
        && !is_token_of_other_kind(value, name)
        && (is_plain || !has_place_or_substitution(value))
}

/// Whether a value has a place in code, a reference, an address, or a substitution.
fn has_place_or_substitution(value: &[u8]) -> bool {
    is_place_in_code(value)
        || is_reference(value)
        || [&b"://"[..], b"${", b"$(", b"{{"]
            .iter()
            .any(|sign| bytes::find(value, sign).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_under_a_name_goes_by_what_it_is() {
        for (value, kind, name) in [
            ("hunter2", Kind::Secret, "password"),
            ("66126abc", Kind::Maybe, "auth"),
            (
                "9f86d081884c7d659a2feaa0c55ad015",
                Kind::Handle,
                "session_id",
            ),
            ("482913", Kind::Pin, "pin"),
            ("tz4a98xxat96iws9zmbrgj3a", Kind::Handle, "session"),
            ("kLmnOP", Kind::Secret, "token"),
            ("s3cret", Kind::Pwd, "PWD"),
            ("Bearer abc", Kind::Secret, "authorization"),
        ] {
            assert!(goes(value.as_bytes(), kind, name.as_bytes()), "{value}");
        }
        for (value, kind, name) in [
            ("", Kind::Secret, "password"),
            ("${DB_PASSWORD}", Kind::Secret, "password"),
            ("Bearer ${TOKEN}", Kind::Secret, "authorization"),
            ("oauth2", Kind::Maybe, "auth"),
            (
                "0b7f5c3a-6b4e-4d3f-9e21-0a1b2c3d4e5f",
                Kind::Handle,
                "session_id",
            ),
            ("48291", Kind::Secret, "token"),
            ("0000000000000000", Kind::Secret, "api_key"),
            ("sk-fake-key-123", Kind::Secret, "api_key"),
            ("s3://bucket1/secrets/pw", Kind::Secret, "password"),
            ("kms:projects/p1/locations/l1", Kind::Secret, "password"),
            ("min 8 characters, 1 digit", Kind::Secret, "password"),
            ("USDC", Kind::Secret, "token"),
            ("stETH", Kind::Secret, "token"),
            ("USDC.e", Kind::Secret, "token"),
            ("tz4a98xxat96iws9zmbrgj3a", Kind::Handle, "sessionId"),
            ("color.primary.500", Kind::Secret, "token"),
            ("GPIO17", Kind::Pin, "pin"),
            ("/home/ada", Kind::Pwd, "PWD"),
            ("Enter your password", Kind::Secret, "password"),
        ] {
            assert!(!goes(value.as_bytes(), kind, name.as_bytes()), "{value}");
        }
    }

    #[test]
    fn words_that_stand_for_a_key_or_name_one_stay() {
        crate::redact::tests::leaves(&[
            "process.env.API_KEY ??= \"test\";",
            "{\"token\":\"Zugangstoken\",\"otp\":\"\u{9a8c}\u{8bc1}\u{7801}\"}",
            "{\"otp\":\"Do\u{11f}rulama kodu\"}",
            "{\"tokens\":{\"radius.md\":\"0.375rem\"}}",
        ]);
    }

    #[test]
    fn labels_are_told_from_passwords() {
        for label in [
            "Password",
            "is too short",
            "Mot de passe",
            "\u{53e3} \u{4ee4}",
            "Use at least 8 characters",
        ] {
            assert!(is_label(label.as_bytes(), b"password"), "{label}");
        }
        for value in [
            "correct 8 horses",
            "my password is secret",
            "hunter2",
            "correct horse",
            "",
        ] {
            assert!(!is_label(value.as_bytes(), b"password"), "{value}");
        }
    }

    #[test]
    fn chosen_words_are_told_from_measures_and_names() {
        for value in ["s3cr3tpass", "Tr0ub4dor&3", "abc1234"] {
            assert!(looks_chosen(value.as_bytes()), "{value}");
        }
        for value in [
            "256-bit",
            "32bytes",
            "v2.1",
            "sha256",
            "size:36477",
            "from=md5",
            "/usr/lib64",
            "fn_2(x)",
        ] {
            assert!(!looks_chosen(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn passwords_names_are_known() {
        for name in [
            "password",
            "db_passwd",
            "contrase\u{f1}a",
            "dbpw",
            "client_secret",
        ] {
            assert!(is_password_name(name.as_bytes()), "{name}");
        }
        assert!(!is_password_name(b"token") && !is_password_name(b"api_key"));
    }
}
