//! Calls in code that take a secret among their arguments, and verbs that functions are named with.

use crate::redact::class::Class;

/// The class of what the rows find.
pub(crate) const CLASS: Class = Class::Field;

/// Which argument of that number is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    Any,
    /// One that looks chosen: it may be something else as well.
    Chosen,
    /// The last one: a user stands before it, or none.
    Last,
}

/// A row: a call, and which of its arguments is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) argument: usize,
    pub(crate) takes: Takes,
    /// Whose function it is: a language, a library, or several.
    #[cfg(test)]
    pub(crate) whose: &'static str,
}

/// `whose` is for readers, and for the test of all rows: a binary does without it.
const fn call(name: &'static str, argument: usize, whose: &'static str) -> Call {
    #[cfg(not(test))]
    let _ = whose;
    Call {
        name,
        argument,
        takes: Takes::Any,
        #[cfg(test)]
        whose,
    }
}

impl Call {
    const fn chosen(mut self) -> Self {
        self.takes = Takes::Chosen;
        self
    }

    const fn last(mut self) -> Self {
        self.takes = Takes::Last;
        self
    }
}

#[rustfmt::skip] // A row is one line.
pub(crate) static CALLS: &[Call] = &[
    call("Basic", 1, "HTTP clients, as of Ruby and Kotlin"),
    call("BasicAuth", 1, "HTTP clients: httpx, aiohttp"),
    call("AES.decrypt", 1, "crypto-js").chosen(),
    call("AES.encrypt", 1, "crypto-js").chosen(),
    call("Credentials", 1, "clients of Java and Kotlin"),
    call("Credentials.basic", 1, "OkHttp"),
    call("Credentials.new", 1, "AWS SDK for Ruby"),
    call("Credentials::new", 1, "lettre"),
    call("DBI->connect", 2, "Perl"),
    call("FTP", 2, "ftplib").chosen(),
    call("Fernet", 0, "Python cryptography"),
    call("HTTPBasicAuth", 1, "Python requests"),
    call("HTTPDigestAuth", 1, "Python requests"),
    call("NetworkCredential", 1, ".NET"),
    call("PBEKeySpec", 0, "Java"),
    call("PDO", 2, "PHP"),
    call("PasswordAuthentication", 1, "Java"),
    call("PlainAuth", 2, "Go net/smtp"),
    call("SecretKeySpec", 0, "Java"),
    call("SetBasicAuth", 1, "Go net/http"),
    call("TelegramBot", 0, "node-telegram-bot-api"),
    call("TimestampSigner", 0, "itsdangerous"),
    call("URLSafeSerializer", 0, "itsdangerous"),
    call("URLSafeTimedSerializer", 0, "itsdangerous"),
    call("UsernamePasswordAuthenticationToken", 1, "Spring Security").chosen(),
    call("UsernamePasswordCredentials", 1, "Apache HttpClient"),
    call("UsernamePasswordToken", 1, "Apache Shiro"),
    call("auth=", 1, "Python requests, a pair"),
    call("authenticate", 1, "sessions of many languages"),
    call("basicAuth", 1, "JavaScript and Ktor"),
    call("basic_auth=", 1, "Elasticsearch for Python, a pair"),
    call("basic_auth", 1, "reqwest and Ruby"),
    call("bearer_auth", 0, "reqwest"),
    call("bcrypt.hash", 0, "bcrypt for Node.js"),
    call("bcrypt.hashSync", 0, "bcrypt for Node.js"),
    call("bot.login", 0, "discord.js"),
    call("client.login", 0, "discord.js"),
    call("changeUserPassword", 1, "MongoDB shell"),
    call("common.authenticate", 2, "Odoo XML-RPC"),
    call("createCipheriv", 1, "Node.js"),
    call("createHmac", 1, "Node.js"),
    call("createUserWithEmailAndPassword", 1, "Firebase"),
    call("createUserWithEmailAndPassword", 2, "Firebase"),
    call("create_superuser", 2, "Django"),
    call("create_user", 2, "Django"),
    call("crypt", 0, "PHP and Perl"),
    call("db.auth", 1, "MongoDB shell"),
    call("ftp_login", 2, "PHP"),
    call("execute_kw", 2, "Odoo XML-RPC"),
    call("getConnection", 2, "JDBC"),
    call("generate_password_hash", 0, "Werkzeug"),
    call("hashpw", 0, "bcrypt"),
    call("hash_hmac", 2, "PHP").chosen(),
    call("httpBasic", 1, "RestAssured"),
    call("hmac.new", 0, "Python"),
    call("jwt.decode", 1, "PyJWT"),
    call("jwt.encode", 1, "PyJWT"),
    call("jwt.sign", 1, "jsonwebtoken"),
    call("jwt.verify", 1, "jsonwebtoken"),
    call("keyStore.load", 1, "Java").chosen(),
    call("ks.load", 1, "Java").chosen(),
    call("login", 1, "smtplib, ftplib and others"),
    call("login=", 1, "a pair, in keyword arguments"),
    call("make_password", 0, "Django"),
    call("mysql_connect", 2, "PHP"),
    call("mysql_real_connect", 3, "C"),
    call("mysqli", 2, "PHP"),
    call("mysqli_connect", 2, "PHP"),
    call("new_from_slice", 0, "RustCrypto").chosen(),
    call("oci_connect", 1, "PHP").chosen(),
    call("odbc_connect", 2, "PHP"),
    call("openssl_decrypt", 2, "PHP").chosen(),
    call("openssl_encrypt", 2, "PHP").chosen(),
    call("password_hash", 0, "PHP"),
    call("pg_connect", 0, "PHP"),
    call("pgp_sym_decrypt", 1, "pgcrypto").chosen(),
    call("pgp_sym_encrypt", 1, "pgcrypto").chosen(),
    call("pymysql.connect", 2, "PyMySQL"),
    call("red:auth", 0, "lua-resty-redis").last(),
    call("red:auth", 1, "lua-resty-redis"),
    call("redis->auth", 0, "PHP").last(),
    call("redis->auth", 1, "PHP"),
    call("redis.auth", 0, "clients of Redis").last(),
    call("redis.auth", 1, "clients of Redis"),
    call("remote", 4, "ClickHouse").chosen(),
    call("remoteSecure", 4, "ClickHouse").chosen(),
    call("setBasicAuth", 1, "Spring"),
    call("simple_bind_s", 1, "python-ldap"),
    call("ssh2_auth_password", 2, "PHP"),
    call("signInWithEmailAndPassword", 1, "Firebase"),
    call("signInWithEmailAndPassword", 2, "Firebase"),
    call("unsafePlainText", 0, "AWS CDK"),
    call("withBasicAuth", 1, "PHP and Java"),
];

/// How the trace of an error writes that a class is made.
const CONSTRUCTORS: &[&str] = &["->__construct", "::__construct", ".__init__"];

/// Whether the call of this name, in a path of names or alone, takes a secret as its argument of that number, and which.
pub(crate) fn takes_secret(call: &[u8], index: usize) -> Option<Takes> {
    let call = CONSTRUCTORS
        .iter()
        .find_map(|of| call.strip_suffix(of.as_bytes()))
        .unwrap_or(call);
    let takes = |row: &&Call| {
        row.argument == index
            && call
                .strip_suffix(row.name.as_bytes())
                .is_some_and(|path| matches!(path.last(), None | Some(b'.' | b'=' | b'>' | b':')))
    };
    CALLS.iter().find(takes).map(|row| row.takes)
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
        let takes_secret = |call, index| takes_secret(call, index).is_some();
        assert!(takes_secret(b"app.jwt.sign", 1) && takes_secret(b"auth=", 1));
        assert!(!takes_secret(b"jwt.sign", 0) && !takes_secret(b"relogin", 1));
        assert!(!takes_secret(b"pre-login", 1));
        assert!(takes_secret(b"PDO->__construct", 2) && takes_secret(b"$ftp->login", 1));
        assert!(!takes_secret(b"PDO->__destruct", 2) && !takes_secret(b"PDO->__construct", 1));
        assert!(is_wrapper(b"Some") && !is_wrapper(b"load"));
    }
}
