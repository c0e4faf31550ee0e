//! What a value looks like: a mark, a placeholder, something that could be a secret.

use super::bytes::at;
use super::class::MARK_START;
use super::names::Kind;

/// Whether the value is nothing but one mark.
pub(super) fn is_mark(value: &[u8]) -> bool {
    value.starts_with(MARK_START) && memchr::memchr(b']', value) == Some(value.len() - 1)
}

/// Whether a string under a name of this kind goes whole.
pub(super) fn goes(value: &[u8], kind: Kind) -> bool {
    match kind {
        Kind::Plain | Kind::Phone | Kind::Id => false,
        Kind::Secret | Kind::Secrets => {
            !value.is_empty() && !is_mark(value) && !is_placeholder(value)
        }
        Kind::Maybe => looks_secret(value) && !is_mark(value) && !is_placeholder(value),
        Kind::Pin => (4..=8).contains(&value.len()) && value.iter().all(u8::is_ascii_digit),
    }
}

/// Whether a value under a name that need not be sensitive looks like a secret: one word that no one would choose
/// as the name of a thing.
pub(super) fn looks_secret(value: &[u8]) -> bool {
    if value.len() < 6 || value.iter().any(u8::is_ascii_whitespace) || value.first() == Some(&b'/')
    {
        return false;
    }
    let digit = value.iter().any(u8::is_ascii_digit);
    let letter = value.iter().any(u8::is_ascii_alphabetic);
    let symbol = value.iter().any(|b| b"!@#$%^*+=~".contains(b));
    value.len() >= 8 && digit && letter && !value.starts_with(b"http")
        || symbol && letter
        || digit && value.len() >= 12
}

/// Whether the value stands for a secret and is none: a reference to a variable, a template, asterisks, the name
/// of a type.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let (first, last) = (at(value, 0), value.last().copied().unwrap_or(0));
    if value.is_empty()
        || first == b'$' && matches!(at(value, 1), b'{' | b'(')
        || first == b'$'
            && value.len() > 1
            && value
                .iter()
                .skip(1)
                .all(|b| b.is_ascii_uppercase() || *b == b'_')
        || first == b'$'
            && value.len() > 3
            && value
                .iter()
                .skip(1)
                .all(|b| b.is_ascii_alphabetic() || *b == b'_')
        || value.starts_with(b"{{")
        || value.starts_with(b"<%")
        || first == b'<' && last == b'>'
        || first == b'%' && last == b'%' && value.len() > 2
        || first == b'['
            && last == b']'
            && value
                .iter()
                .all(|b| b.is_ascii_uppercase() || matches!(b, b'[' | b']' | b'_' | b' '))
        || value.starts_with(b"${{")
    {
        return true;
    }
    // ***, xxxx, ..., ----, with at most a few characters left to recognize it by.
    let masked = value
        .iter()
        .filter(|b| matches!(b, b'*' | b'x' | b'X' | b'.' | b'-' | b'#' | b'_' | b' '))
        .count()
        + value
            .windows(3)
            .filter(|w| matches!(w, [0xE2, 0x80, 0xA2 | 0xA6] | [0xE2, 0x97, 0x8F]))
            .count()
            * 3;
    if masked == value.len() && value.len() >= 3
        || (masked * 4 >= value.len() * 3 && masked >= 3 && value.contains(&b'*'))
    {
        return true;
    }
    if value.len() > 40 {
        return false;
    }
    let mut lower = [0u8; 40];
    for (slot, byte) in lower.iter_mut().zip(value) {
        *slot = if *byte == b'-' || *byte == b' ' {
            b'_'
        } else {
            byte.to_ascii_lowercase()
        };
    }
    let word = super::bytes::part(&lower, 0, value.len());
    is_harmless_word(word)
        || word.starts_with(b"your_")
        || word.starts_with(b"my_") && word.ends_with(b"_here")
        || word.starts_with(b"insert_")
        || word.starts_with(b"enter_")
        || word.starts_with(b"replace_")
        || word.starts_with(b"<your")
        || word.ends_with(b"_here")
        || word.starts_with(b"env:")
        || word.starts_with(b"env.")
}

/// Words that describe a secret and are none.
pub(super) fn is_harmless_word(word: &[u8]) -> bool {
    matches!(
        word,
        b"string"
            | b"str"
            | b"text"
            | b"bool"
            | b"boolean"
            | b"int"
            | b"integer"
            | b"number"
            | b"float"
            | b"any"
            | b"object"
            | b"array"
            | b"none"
            | b"null"
            | b"nil"
            | b"undefined"
            | b"true"
            | b"false"
            | b"yes"
            | b"no"
            | b"on"
            | b"off"
            | b"required"
            | b"optional"
            | b"expired"
            | b"invalid"
            | b"incorrect"
            | b"missing"
            | b"wrong"
            | b"valid"
            | b"ok"
            | b"enabled"
            | b"disabled"
            | b"hidden"
            | b"redacted"
            | b"masked"
            | b"unknown"
            | b"empty"
            | b"set"
            | b"unset"
            | b"default"
            | b"changed"
            | b"never"
            | b"always"
            | b"bearer"
            | b"basic"
            | b"oauth"
            | b"oauth2"
            | b"jwt"
            | b"password"
            | b"passwd"
            | b"passwort"
            | b"secret"
            | b"token"
            | b"api_key"
            | b"apikey"
            | b"api_token"
            | b"access_token"
            | b"inherit"
            | b"env"
            | b"vault"
            | b"present"
            | b"provided"
            | b"n/a"
            | b"na"
            | b"tbd"
            | b"todo"
            | b"varchar"
            | b"char"
            | b"bytes"
            | b"file"
            | b"public"
            | b"private"
            | b"session"
            | b"cookie"
            | b"is"
            | b"must"
            | b"the"
            | b"should"
            | b"was"
            | b"has"
            | b"not"
            | b"and"
            | b"or"
            | b"for"
            | b"with"
            | b"from"
            | b"in"
            | b"to"
            | b"of"
            | b"a"
            | b"an"
            | b"if"
            | b"refresh_token"
            | b"id_token"
            | b"[redacted]"
            | b"<redacted>"
            | b"[filtered]"
            | b"[hidden]"
            | b"(hidden)"
            | b"***"
            | b"client_secret"
            | b"authorization"
            | b"confidential"
            | b"sensitive"
            | b"placeholder"
            | b"example"
            | b"omitted"
            | b"removed"
    )
}
