//! The words that values are made of: placeholders, outcomes, schemes, examples of documentation.

use crate::redact::catalogue::list::{Beginnings, List, has};
use crate::redact::read::bytes;

/// What AWS ends the keys of its manuals with.
pub(crate) const EXAMPLE: &[u8] = b"EXAMPLE";

/// A user and a password of documentation.
pub(crate) fn is_documented(user: &[u8], password: &[u8]) -> bool {
    matches!(user, b"user" | b"username" | b"usr" | b"u")
        && matches!(password, b"pass" | b"passwd" | b"pwd" | b"pw" | b"password")
}

/// Schemes of addresses of databases, queues and mailboxes, where users have passwords.
#[rustfmt::skip]
const DATABASES: &List = &List::of(&[
    "amqp", "amqps", "bolt", "cassandra", "clickhouse", "cockroachdb", "couchdb", "ftp", "ftps", "imap",
    "imaps", "ldap", "ldaps", "mariadb", "mongodb", "mongodb+srv", "mqtt", "mqtts", "mssql", "mysql",
    "nats", "neo4j", "oracle", "postgres", "postgresql", "redis", "rediss", "sftp", "smtp", "smtps",
    "sqlserver", "valkey",
]);

pub(crate) fn is_of_database(scheme: &[u8]) -> bool {
    DATABASES.has(scheme)
}

/// What begins a remark on a field, and what goes on: `is too short`, `must be at least 8 characters`.
#[rustfmt::skip]
const COMPLAINT_VERBS: &[&str] = &[
    "can't", "cannot", "does", "has", "is", "may", "must", "not", "should", "too", "was",
];

#[rustfmt::skip]
const COMPLAINTS: &[&str] = &[
    "a", "allowed", "already", "be", "been", "blank", "contain", "empty", "expired", "found", "have", "incorrect",
    "invalid", "long", "match", "missing", "not", "only", "required", "reserved", "secure", "set", "short", "too",
    "unavailable", "valid", "weak", "wrong",
];

/// Whether a value is a length on a page: `6px`.
pub(crate) fn is_length(value: &[u8]) -> bool {
    let number = value
        .iter()
        .take_while(|b| b.is_ascii_digit() || **b == b'.')
        .count();
    let (number, unit) = value.split_at(number);
    !number.is_empty() && matches!(unit, b"px" | b"rem" | b"em" | b"pt" | b"vh" | b"vw")
}

/// Whether a text says what is wrong with a field.
pub(crate) fn is_complaint(value: &[u8]) -> bool {
    let mut words = value.split(|b| *b == b' ');
    let mut next = |known| words.next().is_some_and(|word| has(known, word));
    next(COMPLAINT_VERBS) && next(COMPLAINTS)
}

/// How values begin that only stand for a secret: in lower case, with `_` for `-` and for spaces.
#[rustfmt::skip]
const STAND_INS: &Beginnings = &Beginnings::of(&[
    "your_", "my_secret_here", "insert_", "enter_", "replace_", "<your", "env:", "env.", "example_", "dummy_",
    "placeholder", "changeme_", "todo_", "fill_", "put_your", "add_your", "some_", "process.env", "os.environ",
    "secrets.", "var.",
]);

/// How values begin that say where a secret is kept, written in the same way.
#[rustfmt::skip]
const REFERENCES: &Beginnings = &Beginnings::of(&[
    "!getatt_", "!ref_", "!sub_", "[use_'op_", "arn:", "aws_ssm:", "awssm:", "file:", "gcp:secretmanager:", "keyring:",
    "microsoft.keyvault(", "op://", "projects/", "ref+", "secret://", "secretref:", "sm://", "ssm:", "vault:",
]);

/// Whether a value, in lower case and with `_` for `-` and for spaces, begins as one that says where a secret is kept.
pub(crate) fn begins_reference(value: &[u8]) -> bool {
    REFERENCES.begin(value)
}

/// What opens and closes the place of a value in a text, the longer openings first.
#[rustfmt::skip]
pub(crate) const SLOTS: &[(&str, &str)] = &[
    ("{{", "}}"), ("${", "}"), ("#{", "}"), ("%{", "}"), ("@{", "}"), ("$(", ")"), ("%(", ")s"), ("<%=", "%>"), ("{", "}"),
];

/// What names a variable of the environment in PowerShell.
pub(crate) const ENVIRONMENT: &[u8] = b"$env:";

/// Whether a value finds an element of a page by what it says of itself: `css=#pw`.
pub(crate) fn is_locator(value: &[u8]) -> bool {
    ["css=", "xpath="]
        .iter()
        .any(|engine| value.starts_with(engine.as_bytes()))
}

/// Whether a value, in lower case and with `_` for `-` and for spaces, only stands for a secret.
pub(crate) fn stands_for_secret(value: &[u8]) -> bool {
    is_harmless_word(value) || is_owned(value) || STAND_INS.begin(value) || begins_reference(value)
}

/// Whether words within such a value, with `_` between them, say that a secret is to stand there.
pub(crate) fn says_whose(value: &[u8]) -> bool {
    bytes::find(value, b"_your_").is_some()
        || ["_here", "_placeholder"]
            .iter()
            .any(|tail| value.ends_with(tail.as_bytes()))
}

/// Whether a value without `_`, `-` and spaces may stand for a secret, in any case: nearly all others are told by how
/// they begin and end.
pub(crate) fn may_stand_for_secret(value: &[u8]) -> bool {
    HARMLESS.may_have(value)
        || OWNED.may_begin(value)
        || STAND_INS.may_begin(value)
        || REFERENCES.may_begin(value)
}

/// Whether a word stands for a key or a token where none is needed: nobody gives out such a key, though people choose
/// such passwords.
pub(crate) fn is_stand_in(word: &[u8]) -> bool {
    matches!(
        word,
        b"test"
            | b"testing"
            | b"demo"
            | b"dev"
            | b"dummy"
            | b"example"
            | b"fake"
            | b"foo"
            | b"local"
            | b"mock"
            | b"sample"
    )
}

/// Whether a word says what a text is made of, of which a number stands before it: `at least 8 characters`.
pub(crate) fn is_counted(word: &[u8]) -> bool {
    #[rustfmt::skip]
    const COUNTED: &List = &List::of(&[
        "caracteres", "caratteri", "characters", "chars", "digit", "digits", "letters", "symbol", "symbols", "tekens",
        "zeichen", "znaków",
    ]);
    COUNTED.has_ignoring_case(word)
}

/// How a value begins that says whose the secret is that is to stand there: `sua-senha`, `dein_passwort`.
#[rustfmt::skip]
const OWNED: &Beginnings = &Beginnings::of(&[
    "dein_", "deine_", "ihr_", "ihre_", "jouw_", "seu_", "su_", "sua_", "tu_", "tua_", "tuo_", "twoje_", "uw_", "votre_",
]);

fn is_owned(value: &[u8]) -> bool {
    OWNED.begin(value) && !value.iter().any(u8::is_ascii_digit)
}

/// Words that describe a secret and are none.
#[rustfmt::skip]
const HARMLESS: &List = &List::of(&[
    "a", "absent", "accepted", "access_token",
    "active", "allowed", "always", "an", "and", "any", "api_key", "api_token", "apikey", "array", "asc",
    "authorization", "auto", "automatic", "base64", "basic", "bearer", "binary", "blob", "blocked", "bool", "boolean",
    "bytes", "change", "change_me", "changed", "changeit", "changeme", "char", "client_secret", "confidential",
    "configured", "confirm", "const", "cookie", "credential", "credentials", "date", "datetime", "declined",
    "default", "denied", "desc", "disabled", "disallowed", "dynamic", "email", "empty", "enabled", "encrypted", "env",
    "erforderlich", "evet", "example", "expired", "failed", "falsch", "false", "file", "final", "float", "for",
    "forgot", "from", "generated", "granted", "has", "hayır", "hex", "hidden", "id_token", "if", "in", "inactive",
    "include", "incorrect", "inherit", "input", "int", "integer", "invalid", "is", "ja", "json", "jwt", "let",
    "manual", "masked", "missing", "must", "n/a", "na", "nee", "nein", "never", "nie", "nil", "no", "non", "none",
    "not", "not_configured", "not_set", "null", "number", "não", "oauth", "oauth2", "obbligatorio", "object",
    "obligatoire", "obligatorio", "of", "off", "ok", "omit", "omitted", "on", "on_create", "optional", "or", "oui", "passwd",
    "password", "passwort", "present", "private", "provided", "public", "read", "ready", "redacted",
    "refresh_token", "rejected", "removed", "replace", "requerido", "required", "reset", "revoked", "richiesto", "rotated",
    "same_origin", "secret", "secretstr", "secretstring", "securestring", "self", "sensitive", "session", "set",
    "should", "si", "sim", "stale", "static", "stored", "str", "string", "sì", "sí", "tak", "tbd", "text", "the",
    "this", "timestamp", "to", "todo", "token", "true", "unchanged", "undefined", "unknown", "unset", "user",
    "username", "uuid", "valid", "var", "varchar", "vault", "verify", "verplicht", "void", "was", "with", "write",
    "wrong", "wymagane", "yes", "yes_please", "да", "нет", "لا", "نعم", "いいえ", "はい", "否", "是", "아니오", "예",
]);

pub(crate) fn is_harmless_word(word: &[u8]) -> bool {
    HARMLESS.has(word)
}

/// Words that say what became of a field: `Password: mismatch`.
#[rustfmt::skip]
const OUTCOMES: &List = &List::of(&[
    "above", "admin", "again", "bcrypt", "below", "click", "complete", "completed", "compromised", "custom",
    "deleted", "done", "forgotten", "good", "hashed", "here", "hide", "interactive", "later", "leaked", "limited", "locked",
    "mandatory", "match", "matches", "medium", "mismatch", "needed", "pending", "plain", "plaintext", "prompt",
    "protected", "root", "secured", "short", "show", "standard", "strict", "strong", "success", "successful",
    "successfully", "suspended", "unlimited", "unlocked", "updated", "visible", "weak",
]);

pub(crate) fn is_outcome(value: &[u8]) -> bool {
    OUTCOMES.has_ignoring_case(value)
}

/// Words for secrets that a label has.
#[rustfmt::skip]
const OF_SECRETS: &List = &List::of(&[
    "api", "authorization", "code", "cookie", "cookies", "credentials", "key", "keys", "login", "passphrase",
    "password", "passwords", "pin", "secret", "secrets", "session", "token", "tokens",
]);

pub(crate) fn is_of_secrets(word: &[u8]) -> bool {
    OF_SECRETS.has_ignoring_case(word)
}

/// The small words of sentences on fields.
#[rustfmt::skip]
const OF_SENTENCES: &List = &List::of(&[
    "an", "and", "are", "at", "by", "change", "characters", "confirm", "current", "enter", "expired", "for", "forgot",
    "from", "has", "in", "incorrect", "invalid", "is", "least", "missing", "must", "new", "no", "not", "of", "old",
    "on", "optional", "or", "please", "repeat", "required", "reset", "the", "to", "used", "via", "was", "with", "wrong",
    "your",
]);

pub(crate) fn is_of_sentences(word: &[u8]) -> bool {
    OF_SENTENCES.has_ignoring_case(word)
}

/// What the names of passwords have in them, whatever they say besides.
#[rustfmt::skip]
pub(crate) const OF_PASSWORDS: &[&str] = &["pass", "pwd", "secret", "kennwort", "contrase", "senha", "heslo", "parola"];

/// A name that ends so is that of a password.
pub(crate) const SHORT_PASSWORD: &[u8] = b"pw";

/// How a text about a field never begins.
pub(crate) const OF_ONES_OWN: &[u8] = b"my ";

/// What is asked of a field, in the rules of a form.
pub(crate) fn is_validator(rule: &[u8]) -> bool {
    has(
        &[
            "required",
            "string",
            "nullable",
            "sometimes",
            "min",
            "max",
            "confirmed",
            "bail",
        ],
        rule,
    )
}

/// Whether a word is that of whoever reads a manual: `your-api-key`.
pub(crate) fn is_of_reader(word: &[u8]) -> bool {
    ["your", "YOUR", "Your"]
        .iter()
        .any(|known| word.starts_with(known.as_bytes()))
}

/// Segments of an address behind which stands what lets in whoever opens it.
const LINKS: &List = &List::of(&[
    "activate",
    "activation",
    "confirm",
    "confirm-email",
    "invitation",
    "invite",
    "magic",
    "magic-link",
    "magiclink",
    "password-reset",
    "passwordreset",
    "reset",
    "reset-password",
    "reset_password",
    "unlock",
    "verify",
    "verify-email",
]);

pub(crate) fn lets_in(segment: &[u8]) -> bool {
    LINKS.has_ignoring_case(segment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::catalogue::list::{assert_in_order, assert_no_digit_within};

    #[test]
    fn a_harmless_word_has_no_digit_within() {
        assert_no_digit_within(HARMLESS.words);
    }

    #[test]
    fn long_lists_are_in_order() {
        for list in [
            COMPLAINT_VERBS,
            COMPLAINTS,
            DATABASES.words,
            HARMLESS.words,
            OUTCOMES.words,
            OF_SECRETS.words,
            OF_SENTENCES.words,
        ] {
            assert_in_order(list);
        }
    }

    #[test]
    fn what_is_said_of_a_field_is_known() {
        for value in [
            "is too short",
            "must be at least 8 characters",
            "cannot be blank",
        ] {
            assert!(is_complaint(value.as_bytes()), "{value}");
        }
        for value in ["is hunter2", "must", "be short"] {
            assert!(!is_complaint(value.as_bytes()), "{value}");
        }
        assert!(is_outcome(b"Mismatch") && !is_outcome(b"hunter2"));
    }
}
