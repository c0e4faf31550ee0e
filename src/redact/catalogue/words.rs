//! The words that values are made of: placeholders, outcomes, schemes, examples of documentation.

use crate::redact::read::bytes::{self, has_word_at};

/// A user and a password of documentation.
pub(crate) fn is_documented(user: &[u8], password: &[u8]) -> bool {
    matches!(user, b"user" | b"username" | b"usr" | b"u")
        && matches!(password, b"pass" | b"passwd" | b"pwd" | b"pw" | b"password")
}

/// How long a scheme such as `Bearer ` at the start of a value is.
pub(crate) fn scheme_len(value: &[u8]) -> usize {
    [
        &b"bearer "[..],
        b"basic ",
        b"token ",
        b"digest ",
        b"negotiate ",
        b"apikey ",
        b"api-key ",
        b"ssws ",
        b"bot ",
    ]
    .iter()
    .find(|scheme| has_word_at(value, 0, scheme) && value.len() > scheme.len())
    .map_or(0, |scheme| scheme.len())
}

/// Whether a text says what is wrong with a field: `is too short`, `must be at least 8 characters`.
pub(crate) fn is_complaint(value: &[u8]) -> bool {
    let mut words = value.split(|b| *b == b' ');
    let verb = matches!(
        words.next(),
        Some(
            b"is"
                | b"must"
                | b"can't"
                | b"cannot"
                | b"should"
                | b"has"
                | b"was"
                | b"does"
                | b"may"
                | b"too"
                | b"not"
        )
    );
    let said = matches!(
        words.next(),
        Some(
            b"a" | b"too"
                | b"be"
                | b"not"
                | b"required"
                | b"invalid"
                | b"incorrect"
                | b"wrong"
                | b"missing"
                | b"weak"
                | b"blank"
                | b"empty"
                | b"expired"
                | b"match"
                | b"contain"
                | b"have"
                | b"been"
                | b"already"
                | b"valid"
                | b"only"
                | b"short"
                | b"long"
                | b"set"
                | b"allowed"
                | b"found"
                | b"secure"
                | b"reserved"
                | b"unavailable"
        )
    );
    verb && said
}

/// How values begin that only stand for a secret: in lower case, with `_` for `-` and for spaces.
#[rustfmt::skip]
const STAND_INS: &[&str] = &[
    "your_", "my_secret_here", "insert_", "enter_", "replace_", "<your", "env:", "env.", "vault:", "op://", "secret://",
    "projects/", "ssm:", "file:", "example_", "dummy_", "placeholder", "changeme_", "todo_", "fill_", "put_your",
    "add_your", "some_", "process.env", "os.environ", "secrets.", "var.", "arn:",
];

/// Whether a value, in lower case and with `_` for `-` and for spaces, only stands for a secret.
pub(crate) fn stands_for_secret(value: &[u8]) -> bool {
    is_harmless_word(value)
        || bytes::find(value, b"_your_").is_some()
        || STAND_INS
            .iter()
            .any(|head| value.starts_with(head.as_bytes()))
        || ["_here", "_placeholder"]
            .iter()
            .any(|tail| value.ends_with(tail.as_bytes()))
}

/// Words that describe a secret and are none.
pub(crate) fn is_harmless_word(word: &[u8]) -> bool {
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
            | b"not_configured"
            | b"not_set"
            | b"configured"
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
            | b"(hidden)"
            | b"client_secret"
            | b"(redacted)"
            | b"(set)"
            | b"(unset)"
            | b"(none)"
            | b"(empty)"
            | b"authorization"
            | b"confidential"
            | b"sensitive"
            | b"placeholder"
            | b"example"
            | b"omitted"
            | b"removed"
            | b"self"
            | b"this"
            | b"void"
            | b"auto"
            | b"dynamic"
            | b"var"
            | b"let"
            | b"const"
            | b"static"
            | b"final"
            | b"uuid"
            | b"date"
            | b"datetime"
            | b"timestamp"
            | b"blob"
            | b"json"
            | b"binary"
            | b"base64"
            | b"hex"
            | b"secretstring"
            | b"securestring"
            | b"secretstr"
            | b"credentials"
            | b"credential"
            | b"rotated"
            | b"revoked"
            | b"stale"
            | b"absent"
            | b"failed"
            | b"ready"
            | b"stored"
            | b"generated"
            | b"encrypted"
            | b"unchanged"
            | b"accepted"
            | b"rejected"
            | b"declined"
            | b"denied"
            | b"allowed"
            | b"disallowed"
            | b"blocked"
            | b"granted"
            | b"input"
            | b"email"
            | b"username"
            | b"user"
            | b"active"
            | b"inactive"
            | b"manual"
            | b"automatic"
            | b"yes_please"
            | b"changeme"
            | b"reset"
            | b"change"
            | b"forgot"
            | b"verify"
            | b"confirm"
            | b"change_me"
            | b"changeit"
            | b"include"
            | b"omit"
            | b"same_origin"
            | b"read"
            | b"write"
            | b"asc"
            | b"desc"
            | b"erforderlich"
            | b"falsch"
            | b"obligatoire"
            | b"obligatorio"
            | b"obbligatorio"
            | b"requerido"
            | b"richiesto"
            | b"verplicht"
            | b"wymagane"
    )
}

/// Whether a word says what became of a field: `Password: mismatch`.
pub(crate) fn is_outcome(value: &[u8]) -> bool {
    [
        "done",
        "success",
        "successful",
        "successfully",
        "click",
        "mismatch",
        "match",
        "matches",
        "updated",
        "complete",
        "completed",
        "strong",
        "weak",
        "medium",
        "good",
        "visible",
        "short",
        "protected",
        "secured",
        "forgotten",
        "mandatory",
        "needed",
        "show",
        "hide",
        "hashed",
        "leaked",
        "compromised",
        "pending",
        "prompt",
        "interactive",
        "admin",
        "root",
        "bcrypt",
        "plaintext",
        "plain",
        "encrypted",
        "later",
        "again",
        "here",
        "below",
        "above",
    ]
    .iter()
    .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
}
