//! The fixed words of formats: headers of tokens, methods of hashes, types of files, keys of connections.

use crate::redact::catalogue::list::List;

/// What stands behind a text that was cut short: three dots, and one sign of three.
pub(crate) const CUTS: [&[u8]; 2] = [b"...", "\u{2026}".as_bytes()];

/// How the base64 of an object of JSON begins.
pub(crate) const JSON: &[u8] = b"eyJ";

/// How the first part of a JSON Web Token begins, by the first member of its header.
const JWT_HEADS: &[&str] = &[
    "eyJhbGci", "eyJ0eXAi", "eyJraWQi", "eyJlbmMi", "eyJqa3Ui", "eyJ4NXQ", "eyJjdHki", "eyJ6aXAi",
    "eyJqd2si", "eyJwMnMi", "eyJhcHUi", "eyJlcGsi",
];

/// The token of a tunnel of Cloudflare, which is longer, has the account first.
const TUNNEL: (&str, usize) = ("eyJhIjoi", 120);

pub(crate) fn is_head_of_token(header: &[u8]) -> bool {
    JWT_HEADS
        .iter()
        .any(|head| header.starts_with(head.as_bytes()))
        || header.starts_with(TUNNEL.0.as_bytes()) && header.len() >= TUNNEL.1
}

/// Methods of hashing a password, as they stand between the first two `$` of a hash.
const CRYPT: &[&str] = &[
    "1",
    "2",
    "2a",
    "2b",
    "2y",
    "5",
    "6",
    "7",
    "8",
    "9",
    "apr1",
    "argon2d",
    "argon2i",
    "argon2id",
    "pbkdf2",
    "pbkdf2-sha256",
    "pbkdf2-sha512",
];

pub(crate) fn is_crypt(method: &[u8]) -> bool {
    CRYPT.iter().any(|known| known.as_bytes() == method)
}

/// Types of files and units that look like the last part of a domain.
#[rustfmt::skip]
const FILES: &List = &List::of(&[
    "cfg", "conf", "css", "csv", "gif", "gz", "html", "ico", "ini", "jpeg", "jpg", "js", "json", "lock", "mjs", "mount",
    "pdf", "png", "scope", "service", "slice", "socket", "svg", "tar", "target", "tgz", "timer", "toml", "ts", "txt",
    "webp", "xml", "yaml", "yml", "zip",
]);

pub(crate) fn is_type_of_file(end: &[u8]) -> bool {
    FILES.has_ignoring_case(end)
}

/// What is measured, as the last part of the name of a metric, where an address has a domain.
const MEASURES: &List = &List::of(&[
    "avg",
    "bucket",
    "count",
    "counter",
    "gauge",
    "histogram",
    "irate",
    "latency",
    "max",
    "mean",
    "median",
    "metric",
    "metrics",
    "min",
    "quantile",
    "rate",
    "stddev",
    "sum",
    "summary",
    "total",
]);

pub(crate) fn is_measure(end: &[u8]) -> bool {
    MEASURES.has_ignoring_case(end)
}

/// The keys of a connection string that say where it goes and whose it is.
const CONNECTION: &List = &List::of(&[
    "uid",
    "dsn",
    "host",
    "port",
    "user",
    "login",
    "server",
    "userid",
    "dbname",
    "driver",
    "user id",
    "sslmode",
    "hostaddr",
    "hostname",
    "username",
    "database",
    "provider",
    "endpoint",
    "data source",
    "accountname",
    "initial catalog",
]);

pub(crate) fn is_of_connection(key: &[u8]) -> bool {
    CONNECTION.has_ignoring_case(key)
}

/// Whether the driver of a database is told its network here: `user:password@tcp(…)`.
pub(crate) fn is_network(text: &[u8]) -> bool {
    text.starts_with(b"tcp(") || text.starts_with(b"unix(")
}

/// How an address of a database begins whose user has the password behind a slash.
pub(crate) const ORACLE: [&[u8]; 2] = [b"jdbc:oracle:thin:", b"jdbc:oracle:oci:"];

/// Hosts of documentation, or how they begin.
const EXAMPLES: &[&str] = &["example.", "localhost", "host", "127.0.0.1"];

pub(crate) fn is_example(host: &[u8]) -> bool {
    EXAMPLES
        .iter()
        .any(|known| host.starts_with(known.as_bytes()))
}

/// Whether words of a statement of SQL lead to a password: `IDENTIFIED BY '…'`.
pub(crate) fn is_identified_by(before: &[u8], word: &[u8]) -> bool {
    const IDENTIFIED: usize = "identified".len();
    let last = before.last_chunk::<IDENTIFIED>();
    word.eq_ignore_ascii_case(b"by")
        && last.is_some_and(|last| last.eq_ignore_ascii_case(b"identified"))
}

/// Whether they lead to the name of how the user is identified, behind which `BY '…'` stands: `IDENTIFIED WITH sha2 BY '…'`.
pub(crate) fn is_identified_with(before: &[u8]) -> bool {
    before.eq_ignore_ascii_case(b"identified with ")
}

/// Whether words of a statement of SQL lead to the user whose password it sets: `SET PASSWORD FOR 'user' = …`.
pub(crate) fn is_password_for(before: &[u8]) -> bool {
    before.eq_ignore_ascii_case(b"password for ")
}

/// Whether the value of a name in a sentence or a command is an address.
pub(crate) fn is_address(value: &[u8]) -> bool {
    value.starts_with(b"http")
}

/// How the name of a resource at AWS begins.
pub(crate) const ARN: &[u8] = b"arn:";

/// Whether a value begins as the address of a page does.
pub(crate) fn begins_http(value: &[u8]) -> bool {
    value.starts_with(b"http://") || value.starts_with(b"https://")
}

/// How the schemes of addresses end behind which a user needs no password.
pub(crate) const SHELL: &[u8] = b"ssh";

/// How the name of a program ends on Windows.
pub(crate) const PROGRAM: &[u8] = b".exe";

/// What a line of a jar of cookies says of subdomains, and of encryption.
pub(crate) fn is_flag_of_jar(cell: &[u8]) -> bool {
    matches!(cell, b"TRUE" | b"FALSE")
}

/// How a key or a certificate in armour begins.
pub(crate) const ARMOUR: &[u8] = b"-----BEGIN ";

/// What Kubernetes writes behind the length of a value that it does not show.
pub(crate) const BYTES: &[u8] = b" bytes";

/// Characters that HTML writes as names, behind `&`.
#[rustfmt::skip]
pub(crate) const ENTITIES: &[(&str, u8)] = &[
    ("quot;", b'"'), ("amp;", b'&'), ("lt;", b'<'), ("gt;", b'>'), ("apos;", b'\''), ("commat;", b'@'), ("colon;", b':'),
    ("equals;", b'='), ("period;", b'.'),
];

/// How an address of Bitcoin's later kind begins.
pub(crate) const SEGWIT: &[u8] = b"bc1";

/// Whether a member is what an element holds, and whether the first of a block is what the block's name names.
pub(crate) const VALUE: &[u8] = b"value";
pub(crate) const MEMBER_VALUE: &[u8] = b".value";

/// The attribute of a tag that has its value.
pub(crate) const VALUE_OF_TAG: &[u8] = b" value=";

/// Names of cookies' headers end so, and the member of a page does.
pub(crate) const COOKIE: &[u8] = b"cookie";
pub(crate) const MEMBER_COOKIE: &[u8] = b".cookie";

/// How public keys of SSH begin.
pub(crate) const PUBLIC_KEYS: &[&str] = &[
    "ssh-rsa",
    "ssh-ed25519",
    "ecdsa-sha2-",
    "sk-ssh-",
    "sk-ecdsa-",
    "ssh-dss",
];

/// Whether the id of an object is that of a secret in a vault of Azure.
pub(crate) fn names_secret_of_vault(id: &[u8]) -> bool {
    id.starts_with(b"https://") && memchr::memmem::find(id, b".vault.azure.net/secrets/").is_some()
}

/// The parameter of an address that a login comes back with.
pub(crate) const CODE: &[u8] = b"code";

/// The parameter that stands behind it.
pub(crate) const STATE: &[u8] = b"&state=";

/// Whether a word is the number of a published weakness.
pub(crate) fn is_advisory(word: &[u8]) -> bool {
    word.starts_with(b"GHSA-") || word.starts_with(b"CVE-")
}

/// What a language puts around a literal in place of quotes, for one inside of which quotes stand as they are.
pub(crate) const BRACKETS: &[(&str, &str)] = &[
    ("q{", "}"),
    ("q(", ")"),
    ("qq{", "}"),
    ("qq(", ")"),
    ("[[", "]]"),
];

/// What stands before a literal: a binary of Erlang, an object that holds it.
pub(crate) const LEADS: &[&str] = &["<<\"", "new "];

/// Tags of YAML that say of a value that it is a text.
pub(crate) const TAGS: &[&str] = &["!!str ", "!!binary ", "!vault "];

/// How PHP prints the type of a text, before its length.
pub(crate) const DUMPED: &[u8] = b"string(";

/// What takes no argument, and gives what stands behind it.
pub(crate) const CLOSURES: &[&str] = &["|_| ", "|| "];

/// What defines a constant in C.
pub(crate) const DEFINE: &[u8] = b"#define ";

/// What `INSERT` has before the name of a table.
pub(crate) const INTO: &[u8] = b"into";

/// Words of the lines around a key in armour.
pub(crate) const BEGIN: &[u8] = b"begin ";
pub(crate) const END: &[u8] = b"end";

/// Whether the label of an armour is that of a secret key.
pub(crate) fn is_secret_armour(label: &[u8]) -> bool {
    [&b"PRIVATE KEY"[..], b"SECRET KEY", b"Static key"]
        .iter()
        .any(|known| memchr::memmem::find(label, known).is_some())
}

/// How the labels of armour end that everybody may read.
pub(crate) const PUBLIC_ARMOURS: [&[u8]; 2] = [b"CERTIFICATE-", b"PUBLIC KEY-"];

/// The name of the number of lines in a private key of PuTTY, and how the name behind these lines begins.
pub(crate) const PUTTY: (&str, &str) = ("private-lines", "Private-");

/// What a variable of Terraform is by default, and what declares it.
pub(crate) const TERRAFORM: (&[u8], &[u8]) = (b"default", b"variable \"");

/// What says that an object of Kubernetes is a secret.
pub(crate) const KUBERNETES: &[u8] = b"kind: Secret";

/// Whether a member of such an object holds what it keeps secret.
pub(crate) fn is_data(name: &[u8]) -> bool {
    const { &List::of(&["data", "stringdata"]) }.has_ignoring_case(name)
}

/// What begins literal text in XML, and what ends it.
pub(crate) const CDATA: (&[u8], &[u8]) = (b"<![CDATA[", b"]]>");

/// The `&` of a query in HTML.
pub(crate) const AMPERSAND: &[u8] = b"&amp;";

/// The user of repositories, which is nobody's address.
pub(crate) const REPOSITORY_USER: &[u8] = b"git";

/// How a domain begins that is written in ASCII and is not.
pub(crate) const PUNYCODE: &[u8] = b"xn--";

/// How the address of an interface begins, and the shortest names for a key in one.
pub(crate) const INTERFACE: &[u8] = b"://api.";
pub(crate) const SHORT_KEYS: [&[u8]; 2] = [b"?k=", b"&k="];

/// What may stand before the name of a variable that a line sets.
pub(crate) const EXPORTS: &[&str] = &["export", "env", "set", "setx", "arg"];

/// What stands between a literal that a statement of SQL sets and the name of what it sets.
pub(crate) const WHERE: [&[u8]; 2] = [b"' WHERE ", b"' where "];

/// How a code for a phone begins that says of a network.
pub(crate) const NETWORK: &[u8] = b"WIFI:";

/// The host that everybody has.
pub(crate) const LOCALHOST: &[u8] = b"localhost";

/// Whether the last key of Fly.io's begins here, of several behind commas.
pub(crate) const NEXT_KEY: &[u8] = b",fm";

/// How keys begin that are to be published.
pub(crate) const PUBLISHED: &[u8] = b"pk_";

/// Whether a value is the fingerprint of a key as SSH shows it, which everybody may know.
pub(crate) fn is_fingerprint(value: &[u8]) -> bool {
    value.strip_prefix(b"SHA256:").is_some_and(|hash| {
        let hash = hash.strip_suffix(b"=").unwrap_or(hash);
        hash.len() == 43
    })
}

/// Whether a domain is one of those that algorithms and extensions of SSH are named by: `umac-64@openssh.com`.
pub(crate) fn names_algorithms(domain: &[u8]) -> bool {
    matches!(domain, b"openssh.com" | b"libssh.org" | b"lysator.liu.se")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::catalogue::list::assert_in_order;

    #[test]
    fn long_lists_are_in_order() {
        assert_in_order(FILES.words);
    }

    #[test]
    fn words_of_formats_are_known() {
        assert!(is_head_of_token(b"eyJhbGciOiJI") && !is_head_of_token(b"eyJhIjoiMTIz"));
        assert!(is_crypt(b"2b") && is_crypt(b"argon2id") && !is_crypt(b"3"));
        assert!(is_type_of_file(b"PNG") && !is_type_of_file(b"com"));
        assert!(is_measure(b"rate") && !is_measure(b"example"));
        assert!(is_of_connection(b"User Id") && !is_of_connection(b"password"));
        assert!(is_identified_by(b"bob Identified", b"BY") && !is_identified_by(b"order", b"by"));
        assert!(is_network(b"tcp(db") && !is_network(b"tcp:db"));
        assert!(is_example(b"localhost:80") && !is_example(b"db7"));
    }
}
