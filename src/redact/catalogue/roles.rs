//! Names of members, and what each is for in its object; what members say of their object and of each other.

use crate::redact::kind::{Interest, Kind, Role};

/// No name of the list is longer.
const MAX_NAME: usize = 17;

/// The names in lower case, in order.
pub(crate) static ROLES: &[(&str, Role)] = &[
    ("$defs", Role::Schema),
    ("aria-label", Role::Element),
    ("arialabel", Role::Element),
    ("attribute", Role::Label),
    ("attributename", Role::Label),
    ("attributevalue", Role::Value),
    ("code", Role::Code),
    ("column_names", Role::Columns),
    ("columnnames", Role::Columns),
    ("columns", Role::Columns),
    ("constraints", Role::About),
    ("content", Role::Value),
    ("d", Role::KeyPart),
    ("data", Role::Value),
    ("defaultvalue", Role::Value),
    ("definitions", Role::Schema),
    ("dp", Role::KeyPart),
    ("dq", Role::KeyPart),
    ("element", Role::Element),
    ("encoded", Role::Issued),
    ("env", Role::Label),
    ("env_name", Role::Label),
    ("env_value", Role::Value),
    ("envname", Role::Label),
    ("envvalue", Role::Value),
    ("envvar", Role::Label),
    ("error", Role::About),
    ("errors", Role::About),
    ("field", Role::Label),
    ("field_name", Role::Label),
    ("field_value", Role::Value),
    ("fieldname", Role::Label),
    ("fields", Role::Columns),
    ("fieldvalue", Role::Value),
    ("header", Role::Label),
    ("header_name", Role::Label),
    ("header_value", Role::Value),
    ("headername", Role::Label),
    ("headers", Role::Columns),
    ("headervalue", Role::Value),
    ("hints", Role::About),
    ("i18n", Role::About),
    ("id", Role::Label),
    ("k", Role::Label),
    ("key", Role::Label),
    ("keyname", Role::Label),
    ("kind", Role::Kind),
    ("kty", Role::KeyType),
    ("label", Role::Label),
    ("labels", Role::About),
    ("locator", Role::Element),
    ("messages", Role::About),
    ("name", Role::Label),
    ("new_value", Role::Value),
    ("newvalue", Role::Value),
    ("old_value", Role::Value),
    ("oldvalue", Role::Value),
    ("op", Role::Operation),
    ("option", Role::Label),
    ("option_name", Role::Label),
    ("option_value", Role::Value),
    ("optionname", Role::Label),
    ("optionvalue", Role::Value),
    ("order_by", Role::About),
    ("orderby", Role::About),
    ("p", Role::KeyPart),
    ("param", Role::Label),
    ("parameter", Role::Label),
    ("parameter_name", Role::Label),
    ("parameter_value", Role::Value),
    ("parameterkey", Role::Label),
    ("parametername", Role::Label),
    ("parametervalue", Role::Value),
    ("path", Role::Path),
    ("patternproperties", Role::Schema),
    ("permissions", Role::About),
    ("placeholder", Role::Element),
    ("placeholders", Role::About),
    ("projection", Role::About),
    ("properties", Role::Schema),
    ("property", Role::Label),
    ("q", Role::KeyPart),
    ("qi", Role::KeyPart),
    ("raw_headers", Role::Turns),
    ("rawheaders", Role::Turns),
    ("rawtrailers", Role::Turns),
    ("rules", Role::About),
    ("schema", Role::Schema),
    ("schemas", Role::Schema),
    ("secret_id", Role::Issued),
    ("secret_name", Role::Label),
    ("secret_value", Role::Value),
    ("secretname", Role::Label),
    ("secretstring", Role::Value),
    ("secretvalue", Role::Value),
    ("securityschemes", Role::About),
    ("selector", Role::Element),
    ("setting", Role::Label),
    ("sort", Role::About),
    ("stringdata", Role::Data),
    ("stringvalue", Role::Value),
    ("system", Role::Label),
    ("text", Role::Typed),
    ("tooltips", Role::About),
    ("translations", Role::About),
    ("type", Role::Type),
    ("v", Role::Value),
    ("val", Role::Value),
    ("validation", Role::About),
    ("validations", Role::About),
    ("value", Role::Value),
    ("values", Role::Value),
    ("var", Role::Label),
    ("variable", Role::Label),
    ("variable_name", Role::Label),
    ("variable_value", Role::Value),
    ("variablename", Role::Label),
    ("variablevalue", Role::Value),
];

/// What a member of this name is for.
pub(crate) fn role(name: &[u8]) -> Role {
    // Of Kubernetes, whose names are written so.
    if name == b"data" {
        return Role::Data;
    }
    let mut lower = [0; MAX_NAME];
    let Some(lower) = lower.get_mut(..name.len()) else {
        return Role::Other;
    };
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    ROLES
        .binary_search_by(|(known, _)| known.as_bytes().cmp(lower))
        .ok()
        .and_then(|row| ROLES.get(row))
        .map_or(Role::Other, |(_, role)| *role)
}

/// How an object begins that refers to a secret and is none.
#[rustfmt::skip]
pub(crate) const REFERENCES: &[&str] = &[
    "\"$ref\"", "\"$value\"", "\"env\"", "\"valueFrom\"", "\"secretKeyRef\"", "\"secretRef\"", "\"fromSecret\"",
    "\"from_secret\"", "\"$exists\"", "\"$ne\":null", "\"$ne\": null",
];

/// Ends of the names of members that say what a message is: `templateId`, `subject`.
pub(crate) const MESSAGES: &[&str] = &[
    "emplate",
    "emplateId",
    "emplate_id",
    "emplateName",
    "emplate_name",
    "emplateAlias",
    "emplate_alias",
    "ubject",
    "entity_id",
];

/// Parts of the names of messages that tell somebody a code.
#[rustfmt::skip]
const TELLING: &[&str] = &[
    "2fa", "alarm", "authenticat", "log-in", "login", "magic", "mfa", "one-time", "one_time", "onetime", "otp", "passcode", "password",
    "lock.", "sign-in", "sign_in", "signin", "two-factor", "two_factor", "twofactor", "verif",
];

/// Whether a message of this name tells somebody a code: `verify_email`.
pub(crate) fn tells_code(message: &[u8]) -> bool {
    TELLING.iter().any(|known| {
        message
            .windows(known.len())
            .any(|part| part.eq_ignore_ascii_case(known.as_bytes()))
    })
}

/// How the token of a parser begins.
pub(crate) const TOKEN_BEGINNINGS: &[&str] = &["\"kind\"", "\"type\""];

/// Where it was read.
#[rustfmt::skip]
pub(crate) const PLACES: &[&str] = &[
    "\"start\"", "\"line\"", "\"range\"", "\"loc\"", "\"pos\"", "\"span\"",
];

/// Members of what describes a field.
#[rustfmt::skip]
pub(crate) const DESCRIPTIONS: &[&str] = &[
    "\"type\"", "\"$ref\"", "\"anyOf\"", "\"oneOf\"", "\"allOf\"", "\"enum\"", "\"description\"", "\"title\"",
];

/// The words of JSON that are values.
#[inline]
pub(crate) fn is_word(text: &[u8]) -> bool {
    matches!(text, b"true" | b"false" | b"null")
}

/// Whether an array under this name holds variables of an environment.
#[inline]
pub(crate) fn is_environment(name: &[u8]) -> bool {
    matches!(name.first(), Some(b'e' | b'E' | b'b' | b'v'))
        && [
            &b"env"[..],
            b"environment",
            b"envs",
            b"variables",
            b"buildargs",
            b"build_args",
        ]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// An option of a list of arguments that a user and a password follow, in one.
#[inline]
pub(crate) fn leads_to_user(argument: &[u8]) -> bool {
    matches!(argument, b"-u" | b"--user" | b"--proxy-user")
}

/// How the lines of armour begin, and how that of a private key does, of those that open one.
pub(crate) const ARMOUR: &[u8] = b"-----";
const OPENS: &[u8] = b"-----BEGIN";
const OF_KEY: &[u8] = b"PRIVATE KEY";

/// Whether a line opens the armour of a private key.
pub(crate) fn opens_key(line: &[u8]) -> bool {
    line.len() <= 64
        && line.starts_with(OPENS)
        && line.ends_with(ARMOUR)
        && memchr::memmem::find(line, OF_KEY).is_some()
}

/// What a name in an object that stands under another name ends with: `{"api": {"key": …}}` is an `api_key`.
pub(crate) const KEY: &[u8] = b"_key";

/// Members before a `key` that say whose it is, and so what.
pub(crate) const KEYS_OF: &[(&str, Kind)] =
    &[("\"ssid\"", Kind::Secret), ("\"username\"", Kind::Opaque)];

/// The member before an object of parameters that says where they are sent.
pub(crate) const ADDRESS: &[u8] = b"\"url\"";

/// Names of such an object.
pub(crate) const QUERIES: &[&[u8]] = &[b"params", b"query", b"queryParams", b"query_params"];

/// Members that have a key where another stands beside them: of Elasticsearch, id and key as one; of Vault's AppRole; what
/// OAuth exchanges for a token.
const ISSUED: &[(&str, &str)] = &[
    ("code", "grant_type"),
    ("code", "redirect_uri"),
    ("encoded", "api_key"),
    ("secret_id", "role_id"),
];

/// Whether a member of this name has a key where one of the other name stands beside it.
pub(crate) fn is_issued_with(name: &[u8], beside: &[u8]) -> bool {
    ISSUED
        .iter()
        .any(|row| (row.0.as_bytes(), row.1.as_bytes()) == (name, beside))
}

/// Whether a name is that of the header that sets a cookie, or has a list of them.
pub(crate) fn sets_cookies(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"set-cookie")
}

/// Whether a name is that of a list of cookies.
pub(crate) fn names_cookies(name: &[u8]) -> bool {
    name.ends_with(b"ookies")
}

/// Whether a name is that of what a parser reads, too.
pub(crate) fn names_tokens(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"token") || name.eq_ignore_ascii_case(b"tokens")
}

/// The types of a JSON Web Key.
pub(crate) fn is_key_type(kty: &[u8]) -> bool {
    matches!(kty, b"RSA" | b"EC" | b"OKP" | b"oct")
}

/// The private numbers of a JSON Web Key, by their names.
pub(crate) fn is_key_part(name: &[u8]) -> bool {
    matches!(name, b"d" | b"p" | b"q" | b"dp" | b"dq" | b"qi" | b"k")
}

/// The kind of a Kubernetes object whose data are secrets.
pub(crate) fn is_kind_of_secrets(kind: &[u8]) -> bool {
    kind == b"Secret"
}

/// Whether a type says that the value beside it is a secret: `{"type": "password", "value": …}`.
pub(crate) fn is_type_of_secret(kind: &[u8]) -> bool {
    kind.eq_ignore_ascii_case(b"password") || kind.eq_ignore_ascii_case(b"secret")
}

/// What such a name says depends on that of its object: `{"rotateKey": {"key": …}}`.
#[inline]
pub(crate) fn is_key(name: &[u8]) -> bool {
    name == b"key"
}

/// What a language model made, with how likely each piece was.
pub(crate) fn is_piece(name: &[u8]) -> bool {
    name == b"token"
}

pub(crate) const HOW_LIKELY: &[u8] = b"\"logprob\"";

/// An object of tokens, whose members are named by what these are for.
#[inline]
pub(crate) fn is_tokens(name: &[u8]) -> bool {
    name == b"tokens"
}

/// Whether the walk through an event has an interest in a member of this name, which says this.
pub(crate) fn interest(name: &[u8], kind: Kind, role: Role) -> Interest {
    match (kind, role) {
        (Kind::Plain, Role::Other) if is_tokens(name) => Interest::Always,
        (Kind::Plain, Role::Other) => Interest::None,
        (Kind::Plain, Role::Label) if is_key(name) => Interest::Always,
        (Kind::Plain, Role::Label | Role::Element | Role::Kind | Role::Path | Role::Type) => {
            Interest::Label
        }
        (Kind::Plain, Role::Value | Role::Typed) => Interest::Labelled,
        (Kind::Plain, Role::Operation) => Interest::Beside,
        _ => Interest::Always,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_in_order_and_fit() {
        assert!(ROLES.is_sorted_by(|(a, _), (b, _)| a < b));
        assert!(ROLES.iter().all(|(name, _)| name.len() <= MAX_NAME));
    }

    #[test]
    fn a_name_has_one_role_in_any_case() {
        for (name, wanted) in [
            ("name", Role::Label),
            ("optionName", Role::Label),
            ("value", Role::Value),
            ("data", Role::Data),
            ("Data", Role::Value),
            ("stringData", Role::Data),
            ("$defs", Role::Schema),
            ("names", Role::Other),
            ("", Role::Other),
            ("a_name_that_is_longer", Role::Other),
        ] {
            assert_eq!(role(name.as_bytes()), wanted, "{name}");
        }
    }

    #[test]
    fn a_name_is_of_interest_for_what_it_says() {
        for (name, kind, role, wanted) in [
            ("query", Kind::Plain, Role::Other, Interest::None),
            ("tokens", Kind::Plain, Role::Other, Interest::Always),
            ("name", Kind::Plain, Role::Label, Interest::Label),
            ("key", Kind::Plain, Role::Label, Interest::Always),
            ("value", Kind::Plain, Role::Value, Interest::Labelled),
            ("op", Kind::Plain, Role::Operation, Interest::Beside),
            ("password", Kind::Secret, Role::Other, Interest::Always),
        ] {
            assert_eq!(interest(name.as_bytes(), kind, role), wanted, "{name}");
        }
    }
}
