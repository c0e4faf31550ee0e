//! Calls in code that take a secret among their arguments, and verbs that functions are named with.

use crate::redact::class::Class;

/// The class of what the rows find.
pub(crate) const CLASS: Class = Class::Field;

/// A call, and which of its arguments is a secret.
#[rustfmt::skip] // A row is one line.
pub(crate) static CALLS: &[(&str, usize)] = &[
    ("Basic", 1),
    ("BasicAuth", 1),
    ("Credentials", 1),
    ("Credentials::new", 1),
    ("Fernet", 0),
    ("HTTPBasicAuth", 1),
    ("HTTPDigestAuth", 1),
    ("NetworkCredential", 1),
    ("PDO", 2),
    ("PasswordAuthentication", 1),
    ("PlainAuth", 2),
    ("SecretKeySpec", 0),
    ("SetBasicAuth", 1),
    ("TelegramBot", 0),
    ("UsernamePasswordCredentials", 1),
    ("UsernamePasswordToken", 1),
    ("auth=", 1),
    ("authenticate", 1),
    ("basicAuth", 1),
    ("basic_auth=", 1),
    ("basic_auth", 1),
    ("bearer_auth", 0),
    ("bot.login", 0),
    ("client.login", 0),
    ("changeUserPassword", 1),
    ("common.authenticate", 2),
    ("createCipheriv", 1),
    ("createHmac", 1),
    ("createUserWithEmailAndPassword", 1),
    ("createUserWithEmailAndPassword", 2),
    ("create_superuser", 2),
    ("create_user", 2),
    ("crypt", 0),
    ("db.auth", 1),
    ("execute_kw", 2),
    ("getConnection", 2),
    ("hashpw", 0),
    ("httpBasic", 1),
    ("hmac.new", 0),
    ("jwt.decode", 1),
    ("jwt.encode", 1),
    ("jwt.sign", 1),
    ("jwt.verify", 1),
    ("login", 1),
    ("login=", 1),
    ("mysql_connect", 2),
    ("mysqli", 2),
    ("mysqli_connect", 2),
    ("pg_connect", 0),
    ("setBasicAuth", 1),
    ("signInWithEmailAndPassword", 1),
    ("signInWithEmailAndPassword", 2),
    ("unsafePlainText", 0),
    ("withBasicAuth", 1),
];

/// Whether the call of this name, in a path of names or alone, takes a secret as its argument of that number.
pub(crate) fn takes_secret(call: &[u8], index: usize) -> bool {
    CALLS.iter().any(|(name, place)| {
        *place == index
            && call
                .strip_suffix(name.as_bytes())
                .is_some_and(|path| matches!(path.last(), None | Some(b'.' | b'=')))
    })
}

/// What the name of a function begins with that puts something somewhere.
pub(crate) const SETTERS: &[&str] = &[
    "set", "with", "add", "change", "new", "Set", "With", "Add", "Change",
];

/// What the name of a function begins with that reads something or makes it.
pub(crate) const READERS: &[&str] = &[
    "get", "read", "fetch", "load", "find", "use", "is", "has", "validate", "check", "verify",
    "parse", "Get", "clear", "delete", "remove", "create", "generate", "forget",
];

/// Methods that give what they are told where there is no value.
const DEFAULTS: &[&str] = &[
    "unwrap_or",
    "unwrap_or_else",
    "getOrElse",
    "get_or_else",
    "orElse",
    "value_or",
];

pub(crate) fn is_default(call: &[u8]) -> bool {
    DEFAULTS.iter().any(|known| known.as_bytes() == call)
}

/// How the names of methods begin that give what the rest of the name says.
pub(crate) const GETTERS: &[&str] = &["get_", "get"];

/// How the names of functions begin that compare what a test got.
const ASSERTIONS: &[&str] = &["assert", "Assert", "XCTAssert", "expect"];

pub(crate) fn is_assertion(call: &[u8]) -> bool {
    ASSERTIONS
        .iter()
        .any(|known| call.starts_with(known.as_bytes()))
}

/// Calls that give a value to the bare word that is their first argument.
pub(crate) fn is_definition(call: &[u8]) -> bool {
    matches!(call, b"define" | b"put")
}

/// Functions that type into an element of a page.
pub(crate) const TYPERS: &[&str] = &[
    "fill",
    "type",
    "sendKeys",
    "send_keys",
    "setValue",
    "set_value",
    "set",
    "pressSequentially",
    "press_sequentially",
    "val",
];

/// Calls that give back what they are given, or hold it.
const WRAPPERS: &[&str] = &[
    "from",
    "new",
    "Some",
    "String",
    "SecureString",
    "Secret",
    "SecretString",
    "SecretStr",
    "Ok",
    "str",
    "bytes",
    "b64decode",
    "atob",
    "quote",
    "SecretValue",
];

pub(crate) fn is_wrapper(call: &[u8]) -> bool {
    WRAPPERS.iter().any(|known| known.as_bytes() == call)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_stands_once() {
        for (index, row) in CALLS.iter().enumerate() {
            assert!(!CALLS[..index].contains(row), "{row:?}");
        }
        assert!(takes_secret(b"app.jwt.sign", 1) && takes_secret(b"auth=", 1));
        assert!(!takes_secret(b"jwt.sign", 0) && !takes_secret(b"relogin", 1));
        assert!(is_wrapper(b"Some") && !is_wrapper(b"load"));
    }
}
