//! The words that names are made of: which make a name sensitive, and which say that the value is about a secret.

use crate::redact::catalogue::languages::LANGUAGES;
use crate::redact::catalogue::list::{List, has};
use crate::redact::class::Class;
use crate::redact::kind::Kind;
use crate::redact::read::bytes::is_same;

/// A word of a name: what a name with it says of its value, and where in the name the word has to stand.
///
/// Of a word's rows the first one counts that fits.
pub(crate) struct Word {
    words: &'static [&'static str],
    pub(crate) says: Kind,
    is_last: bool,
    is_common: bool,
    behind: &'static [&'static str],
    before: &'static [&'static str],
}

impl Word {
    /// Behind it stand none but words that change nothing: `token`, `token_value`.
    const fn last(mut self) -> Self {
        self.is_last = true;
        self
    }

    /// One of these stands right before it; "" is the beginning of the name.
    const fn behind(mut self, words: &'static [&'static str]) -> Self {
        self.behind = words;
        self
    }

    /// One of these stands right behind it; "" is the end of the name.
    const fn before(mut self, words: &'static [&'static str]) -> Self {
        self.before = words;
        self
    }

    /// The word is in many a name: what stands before it makes it tell.
    const fn common(mut self) -> Self {
        self.is_common = true;
        self
    }

    /// What tells the row from others.
    #[cfg(test)]
    fn asks(&self) -> [&[&str]; 3] {
        [self.words, self.behind, self.before]
    }

    /// Names that the row decides on.
    #[cfg(test)]
    pub(crate) fn names(&self) -> Vec<String> {
        // Each of its words, and the first of them between all others that it asks for.
        let (behind, before) = (
            self.behind.first().unwrap_or(&"acme"),
            self.before.first().unwrap_or(&""),
        );
        let word = &self.words[0];
        let words = self.words.iter().map(|word| [behind, word, before]);
        let behinds = self.behind.iter().map(|behind| [behind, word, before]);
        let befores = self.before.iter().map(|before| [behind, word, before]);
        let names = words
            .chain(behinds)
            .chain(befores)
            .filter(|[behind, word, before]| {
                let is_last = before.is_empty();
                let (behind, before) = (behind.as_bytes(), before.as_bytes());
                let first = row(word.as_bytes(), behind, before, is_last);
                first.is_some_and(|row| row.asks() == self.asks())
            });
        names
            .map(|name| {
                name.map(|word| *word)
                    .join("_")
                    .trim_matches('_')
                    .to_owned()
            })
            .collect()
    }

    /// Whether the row fits a word in lower case between two others.
    fn fits(&self, word: &[u8], behind: &[u8], before: &[u8], is_last: bool) -> bool {
        has(self.words, word)
            && (is_last || !self.is_last)
            && (self.behind.is_empty() || has(self.behind, behind))
            && (self.before.is_empty() || has(self.before, before))
    }
}

const fn word(words: &'static [&'static str], says: Kind) -> Word {
    Word {
        words,
        says,
        is_last: false,
        is_common: false,
        behind: &[],
        before: &[],
    }
}

/// The class of what stands under a name, whose word is a row here or of another language; numbers of telephones have
/// their own.
pub(crate) const CLASS: Class = Class::Field;

/// The words that tell.
#[rustfmt::skip]
pub(crate) const WORDS: &[Word] = &[
    // Passwords.
    word(&["password", "passwd", "passphrase", "passcode", "pword", "passwrd", "pswd"], Kind::Secret),
    word(&["passwort", "kennwort", "contrasena", "senha", "wachtwoord", "motdepasse"], Kind::Secret),
    word(&["parola", "lozinka", "heslo", "salasana", "adgangskode", "losenord", "jelszo", "sifre", "haslo", "passord", "parool",
        "geslo", "zaporka", "slaptazodis", "katasandi"], Kind::Secret).last(),
    word(&["passe"], Kind::Secret).behind(&["de"]),
    word(&["sandi"], Kind::Secret).behind(&["kata"]),
    word(&["passwords", "passphrases", "passwds", "zugangsdaten"], Kind::Secrets).last(),
    word(&["pw", "psk", "sshpass", "userpass", "dbpass", "requirepass", "masterauth", "authtok"], Kind::Secret).last(),
    word(&["pwd", "psw"], Kind::Pwd).last().behind(&[""]),
    word(&["pwd", "psw"], Kind::Secret).last(),
    word(&["pass"], Kind::Secret).last().behind(PASS_OF),
    word(&["pass"], Kind::Maybe).last(),
    // Keys and tokens.
    word(&["secret", "credential", "creds", "cred", "authorization", "authorisation"], Kind::Secret).last(),
    word(&["secrets", "credentials"], Kind::Secrets).last(),
    word(&["token"], Kind::Plain).last().behind(HARMLESS_TOKENS),
    word(&["token", "otp", "totp", "jwt", "bearer"], Kind::Secret).last(),
    word(&["tokens"], Kind::Secrets).last()
        .behind(&["access", "auth", "api", "refresh", "bearer", "session", "secret", "oauth"]),
    word(&["user"], Kind::Handle).behind(&["pushover"]).common(),
    word(&["key", "keys"], Kind::Secret).last().behind(KEY_QUALIFIERS),
    // Of the two that Azure gives out; those of tables look otherwise.
    word(&["key"], Kind::Opaque).last().behind(&["primary"]),
    word(&["key"], Kind::Plain).last().behind(HARMLESS_KEYS),
    word(&["key"], Kind::Opaque).last(),
    // What Windows shows of a network.
    word(&["content"], Kind::Secret).last().behind(&["key"]).common(),
    word(&["verifier"], Kind::Secret).behind(&["code"]),
    word(&["assertion"], Kind::Secret).behind(&["client"]),
    // What a framework signs and hashes with; the salt of one password stands beside its hash.
    word(&["salt"], Kind::Secret).last().behind(&["auth", "encryption", "nonce", "session", "signing"]),
    word(&["salt"], Kind::Secret).last().behind(&["in"]).common(),
    word(&["csrf", "xsrf", "csrfmiddlewaretoken", "bypass"], Kind::Opaque).last(),
    word(&["auth", "oauth"], Kind::Maybe).last(),
    word(&["mnemonic"], Kind::Phrase).last(),
    word(&["phrase", "words"], Kind::Phrase).behind(&["seed", "recovery", "wallet", "backup", "mnemonic"]).common(),
    word(&["phrase"], Kind::Secret).behind(&["pass"]).common(),
    // Sessions.
    word(&["me"], Kind::Opaque).last().behind(&["remember"]).common(),
    word(&["cookie"], Kind::Secret).last(),
    word(&["cookies"], Kind::Secrets).last(),
    word(&["id", "ids"], Kind::Handle).last().behind(&["session", "sess"]).common(),
    // Of Twilio.
    word(&["sid"], Kind::Plain).last().behind(&["account", "call", "conversation", "message", "service", "workspace"]),
    word(&["session", "sessionid", "sessid", "sid"], Kind::Handle).last(),
    word(&["phpsessid", "jsessionid", "sessiontoken"], Kind::Secret).last(),
    // Codes.
    word(&["code"], Kind::Maybe).last().behind(&["authorization"]),
    word(&["code"], Kind::Pin).behind(CODE_OF),
    word(&["code", "codes"], Kind::Secret)
        .behind(&["wifi", "otp", "mfa", "totp", "recovery", "fa", "backup", "device"]),
    word(&["pin"], Kind::Secret).last().behind(PIN_OF),
    word(&["pin"], Kind::Secret).behind(PIN_OF).before(&["code", "number", "no"]),
    // In India it is a place.
    word(&["pin"], Kind::Plain).before(&["code"]),
    word(&["pin", "puk"], Kind::Pin).last(),
    word(&["pin"], Kind::Pin).before(&["number", "no"]),
    word(&["security"], Kind::Secret).before(&["code", "answer"]),
    // Persons.
    word(&["iban"], Kind::Secret).last(),
    word(&["ssn", "cvv", "cvc", "nino", "msisdnsecret"], Kind::Secret).last(),
    word(&["security"], Kind::Secret).behind(&["social"]).before(&["number", "no", "nr", ""]),
    word(&["num"], Kind::Secret).last().behind(&["security"]).common(),
    word(&["insurance"], Kind::Secret).behind(&["national"]).before(&["number", "no", ""]).common(),
    word(&["number", "numbers", "no", "nr", "nbr"], Kind::Phone)
        .behind(&["phone", "telephone", "mobile", "tel", "fax", "whatsapp", "cell", "cellphone", "contact"]).common(),
    word(&["number", "numbers", "no", "nr", "nbr", "num"], Kind::Secret).last()
        .behind(&["card", "insurance", "passport", "licence", "license"]).common(),
];

/// The first row that fits a word in lower case between two others.
pub(crate) fn row(
    word: &[u8],
    behind: &[u8],
    before: &[u8],
    is_last: bool,
) -> Option<&'static Word> {
    let first = word.first().copied().unwrap_or(0) % 32;
    let mut rows = BY_FIRST.get(usize::from(first)).copied()?;
    while let Some(row) = WORDS.get(rows.trailing_zeros() as usize) {
        if row.fits(word, behind, before, is_last) {
            return Some(row);
        }
        rows &= rows - 1;
    }
    None
}

/// The rows with a word that begins with this byte, by its lowest five bits, a bit for each: most words begin few.
static BY_FIRST: [u64; 32] = by_first();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn by_first() -> [u64; 32] {
    assert!(WORDS.len() < u64::BITS as usize);
    let mut table = [0; 32];
    let mut row = 0;
    while row < WORDS.len() {
        let mut word = 0;
        while word < WORDS[row].words.len() {
            let first = WORDS[row].words[word].as_bytes()[0];
            table[first as usize % table.len()] |= 1 << row;
            word += 1;
        }
        row += 1;
    }
    table
}

#[rustfmt::skip]
const PASS_OF: &[&str] = &[
    "account", "admin", "ansible", "auth", "basic", "become", "bind", "broker", "cert", "database", "db", "default",
    "elastic", "email", "ftp", "grafana", "http", "imap", "key", "keystore", "ldap", "login", "mail", "mongo", "mqtt",
    "mysql", "pg", "postgres", "proxy", "rabbitmq", "rdp", "redis", "root", "router", "sftp", "smb", "smtp", "ssh",
    "ssl", "store", "sudo", "system", "user", "vnc", "vpn", "wifi",
];

#[rustfmt::skip]
const CODE_OF: &[&str] = &[
    "access", "activation", "alarm", "alarmanlage", "auth", "authentication", "authenticator", "bypass", "confirm", "confirmation", "door", "entry", "factor", "garage",
    "gate", "keybox", "keypad", "lock", "lockbox", "login", "pairing", "pass", "puk", "safe", "signin", "sms", "time", "unlock", "user", "verification", "verify",
];

#[rustfmt::skip]
const PIN_OF: &[&str] = &[
    "card", "atm", "debit", "credit", "sim", "user", "login", "security", "account", "bank",
    "access", "door", "unlock", "device",
];

/// How a word ends that was made of several without a change of case: `PGPASSWORD`, `apikey`.
pub(crate) struct Ending {
    ends: &'static [&'static str],
    pub(crate) says: Kind,
    is_last: bool,
    head: fn(&[u8]) -> bool,
}

impl Ending {
    /// Names that the row is for.
    #[cfg(test)]
    pub(crate) fn names(&self) -> Vec<String> {
        let heads = ["api", "store", "refresh", "acme", "user"];
        let head = heads.into_iter().find(|head| (self.head)(head.as_bytes()));
        let head = head.unwrap_or_default();
        self.ends.iter().map(|end| format!("{head}{end}")).collect()
    }

    pub(crate) fn fits(&self, word: &[u8], is_last: bool) -> bool {
        (is_last || !self.is_last)
            && self
                .ends
                .iter()
                .any(|end| word.strip_suffix(end.as_bytes()).is_some_and(self.head))
    }
}

const fn ending(ends: &'static [&'static str], says: Kind, head: fn(&[u8]) -> bool) -> Ending {
    Ending {
        ends,
        says,
        is_last: true,
        head,
    }
}

/// The endings that tell, behind heads of some kind.
#[rustfmt::skip]
pub(crate) const ENDINGS: &[Ending] = &[
    Ending { is_last: false, ..ending(&["password", "passwort", "passwd", "passphrase"], Kind::Secret, |head| !head.is_empty()) },
    // In German what it confirms comes first.
    ending(&["tigungscode", "verifizierungscode"], Kind::Pin, |_| true),
    ending(&["code"], Kind::Pin, |head| head == b"user"),
    ending(&["key", "keys"], Kind::Secret, |head| has(KEY_QUALIFIERS, head) && head != b"host"),
    ending(&["key"], Kind::Opaque, |head| head.len() >= 4 && !has(HARMLESS_KEYS, head)),
    ending(&["token"], Kind::Secret,
        |head| has(KEY_QUALIFIERS, head) || has(&["refresh", "bearer", "id", "csrf", "xsrf", "bot"], head)),
    ending(&["secret"], Kind::Secret, |head| !head.is_empty()),
    ending(&["pass", "pwd", "pw"], Kind::Secret, |head| {
        head.ends_with(b"store")
            || has(&["db", "trust", "key", "my", "pg", "mysql", "smtp", "imap", "remote", "ftp", "user", "admin", "root"], head)
    }),
];

/// What may be written as one with the word behind it: `passwordconfirm`. It tells unless that word says that the value
/// is about the secret.
pub(crate) const BEGINNING: &str = "password";

/// The first three letters of what can make a name sensitive. A name without any of them needs no splitting, and most
/// names have none.
pub(crate) static STEM_BITS: [u64; 512] = stem_bits();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn stem_bits() -> [u64; 512] {
    let mut bits = with_stems([0; 512], &[BEGINNING]);
    let mut i = 0;
    while i < WORDS.len() {
        let stems = if WORDS[i].is_common {
            WORDS[i].behind
        } else {
            WORDS[i].words
        };
        bits = with_stems(bits, stems);
        i += 1;
    }
    i = 0;
    while i < ENDINGS.len() {
        bits = with_stems(bits, ENDINGS[i].ends);
        i += 1;
    }
    i = 0;
    while i < LANGUAGES.len() {
        bits = with_phrases(bits, LANGUAGES[i].2);
        i += 1;
    }
    bits
}

/// Adds what tells phrases of another language: a stem that is there and stands in one will do, and what is not ASCII
/// needs none.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn with_phrases(mut bits: [u64; 512], phrases: &[&str]) -> [u64; 512] {
    let mut i = 0;
    while i < phrases.len() {
        let phrase = phrases[i].as_bytes();
        let (mut at, mut is_told, mut rarest) = (0, !phrases[i].is_ascii(), 0);
        while at + 3 <= phrase.len() {
            let (a, b, c) = (phrase[at], phrase[at + 1], phrase[at + 2]);
            if a.is_ascii_lowercase() && b.is_ascii_lowercase() && c.is_ascii_lowercase() {
                let index = trigram(a, b, c);
                is_told |= bits[index / 64] >> (index % 64) & 1 == 1;
                // The last three letters of a word are rarer in English than its first.
                rarest = index;
            }
            at += 1;
        }
        if !is_told {
            bits[rarest / 64] |= 1 << (rarest % 64);
        }
        i += 1;
    }
    bits
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn with_stems(mut bits: [u64; 512], words: &[&str]) -> [u64; 512] {
    let mut i = 0;
    while i < words.len() {
        let word = words[i].as_bytes();
        // Two letters may stand behind whatever: `dbpw`.
        let mut first = 0;
        while first < if word.len() == 2 { 32 } else { 1 } {
            let index = match *word {
                [a, b] => trigram(first, a, b),
                [a, b, c, ..] => trigram(a, b, c),
                _ => 0,
            };
            bits[index / 64] |= 1 << (index % 64);
            first += 1;
        }
        i += 1;
    }
    bits
}

/// Three letters as a number of 15 bits; case does not matter.
const fn trigram(a: u8, b: u8, c: u8) -> usize {
    ((a & 31) as usize) << 10 | ((b & 31) as usize) << 5 | (c & 31) as usize
}

/// Words that make the `key` behind them a secret.
#[rustfmt::skip]
const KEY_QUALIFIERS: &[&str] = &[
    "access", "account", "activation", "admin", "aes", "ai", "airtable", "alchemy", "algolia", "anthropic", "api",
    "apis", "app", "application", "assemblyai", "auth", "authentication", "authorization", "aws", "azure", "binance",
    "bot", "brave", "cerebras", "cipher", "claude", "client", "cloudflare", "cohere", "coinbase", "composio",
    "consumer", "cookie", "crypto", "datadog", "dd", "decrypt", "decryption", "deepgram", "deepseek", "deploy",
    "deployment", "developer", "digitalocean", "elevenlabs", "enc", "encrypt", "encryption", "enrollment", "etherscan",
    "exa", "fastly", "fernet", "figma", "finnhub", "firebase", "firecrawl", "fireworks", "function", "functions", "gcp",
    "gemini", "github", "gitlab", "google", "gpg", "grafana", "grid", "groq", "heroku", "hf", "hmac", "host", "hub",
    "hubspot", "huggingface", "infura", "ingest", "ingestion", "integration", "jina", "jwt", "labs", "langchain",
    "langfuse", "langsmith", "licence", "license", "linear", "mailchimp", "mailgun", "mapbox", "maps", "master",
    "mistral", "newrelic", "notion", "nvidia", "okta", "openai", "openrouter", "openweather", "otp", "pairing",
    "perplexity", "pgp", "pinecone", "polygon", "posthog", "postmark", "pragma", "pre", "preshared", "priv", "private",
    "provisioning", "psk", "rapidapi", "recovery", "registration", "replicate", "resend", "role", "root", "router",
    "rsa", "secret", "secretaccess", "segment", "sendgrid", "sentry", "serpapi", "serper", "server", "service",
    "session", "shared", "sharedaccess", "shopify", "sign", "signature", "signing", "slack", "smithery", "ssh", "ssl",
    "storage", "stripe", "subscription", "supabase", "tavily", "tls", "tmdb", "together", "totp", "twilio", "unlock",
    "unseal", "vapid", "voyage", "wallet", "weather", "webhook", "wifi", "wpa", "write", "xai",
];

/// Words that make the `key` behind them the name of a thing, one of a keyboard, or one that everybody may have.
#[rustfmt::skip]
const HARMLESS_KEYS: &[&str] = &[
    "", "a", "alt", "answer", "any", "argument", "array", "arrow", "artifact", "asset", "attribute", "b", "blob",
    "block", "bucket", "build", "bus", "business", "by", "c", "cache", "cached", "caching", "campaign", "candidate",
    "captcha", "channel", "checksum", "child", "chunk", "cluster", "color", "colour", "column", "commit", "component",
    "composite", "compound", "config", "configuration", "conflict", "content", "continuation", "conversation",
    "correlation", "ctrl", "cursor", "customer", "d", "data", "dedup", "dedupe", "deduplication", "delete", "design",
    "dict", "digest", "doc", "document", "don", "down", "drive", "duplicate", "e", "each", "element", "end", "enter",
    "entity", "etag", "evaluated", "event", "experiment", "f", "feature", "field", "file", "fingerprint", "first",
    "flag", "folder", "foreign", "form", "g", "group", "grouping", "h", "hash", "header", "hoc", "home", "host", "hot",
    "i", "idempotence", "idempotency", "idempotent", "image", "index", "input", "issue", "item", "j", "job", "joc",
    "join", "json", "k", "kafka", "keyserver", "known", "l", "label", "lang", "language", "last", "left", "legend",
    "list", "locale", "lock", "lookup", "m", "manifest", "map", "media", "memcached", "menu", "message", "metadata",
    "modifier", "mon", "msg", "mutex", "n", "natural", "next", "no", "node", "notebook", "o", "object", "offset",
    "option", "order", "other", "p", "package", "page", "pagination", "param", "parameter", "parent", "partition",
    "peer", "press", "pressed", "previous", "primary", "process", "product", "project", "property", "pub", "public",
    "publishable", "q", "query", "r", "range", "rate", "recaptcha", "receive", "record", "recv", "redis", "ref",
    "release", "remote", "reply", "request", "resource", "right", "route", "row", "s", "same", "search",
    "set", "setting", "shard", "sharding", "shift", "shortcut", "site", "sku", "slot", "sort", "sorting", "start",
    "state", "step", "storage", "store", "stored", "style", "surrogate", "sync", "t", "tab", "table", "tag",
    "task", "template", "tenant", "that", "the", "theme", "this", "thread", "ticket", "topic", "trace", "transaction",
    "translation", "trusted", "tur", "tx", "u", "unique", "up", "upload", "user", "v", "variant", "verification",
    "verify", "verifying", "version", "video", "view", "w", "whis", "widget", "workflow", "x", "y", "z",
];

pub(crate) fn is_harmless_key(word: &[u8]) -> bool {
    !word.is_empty() && has(HARMLESS_KEYS, word)
}

/// Words that make the `token` behind them a place in a list, a piece of text, or a sign that makes a request repeatable.
/// The client tokens that let somebody in have forms of their own.
#[rustfmt::skip]
const HARMLESS_TOKENS: &[&str] = &[
    "begin", "bookmark", "bos", "cancel", "cancellation", "change", "checkpoint", "client", "cls", "color", "completion",
    "continuation", "continue", "cursor", "dedup", "deduplication", "delta", "design", "end", "ending", "eos", "erc",
    "every", "fencing", "first", "idempotency", "identifier", "input", "invalid", "keyword", "last", "lexer", "marker",
    "mask", "next", "nft", "operator", "output", "pad", "page", "pager", "pagination", "paging", "per", "prev",
    "previous", "progress", "prompt", "repeat", "request", "resume", "retry", "scroll", "sep", "skip", "special", "start",
    "starting", "stop", "string", "sync", "syntax", "theme", "time", "unexpected", "unk", "watch",
];

pub(crate) fn is_harmless_token(word: &[u8]) -> bool {
    has(HARMLESS_TOKENS, word)
}

/// Words behind a sensitive one that say: this is about the secret.
#[rustfmt::skip]
const HARMLESS_TAILS: &List = &List::of(&[
    "age", "alg", "algo", "algorithm", "alias", "arn", "at", "attempt", "attempts", "audience", "banner", "board",
    "budget", "button", "by", "category", "change", "changed", "changes", "charset", "checks", "class", "client", "cmd",
    "column", "columns", "complexity", "config", "configured", "confirmed", "consent", "count", "count_total", "counts",
    "criteria", "date", "desc", "description", "dir", "disabled", "domain", "duration", "element", "enabled",
    "encoding", "endpoint", "env", "error", "errors", "exists", "expiration", "expire", "expired", "expires", "expiry",
    "factory", "failures", "field", "file", "filename", "fingerprint", "form", "format", "frame", "generator",
    "handler", "hasher", "hashing", "header", "help", "helper", "hint", "history", "host", "id", "ids", "index",
    "input", "issuer", "key_id", "kind", "label", "len", "length", "less", "lifetime", "limit", "limits", "link",
    "locator", "long", "manager", "max", "message", "method", "methods", "mgr", "min", "mismatch", "mode", "model",
    "msg", "name", "names", "num", "options", "owner", "page", "pair", "parser", "path", "paths", "pattern",
    "permission", "permissions", "placeholder", "policies", "policy", "port", "preferences", "prefix", "present",
    "prompt", "property", "protected", "provider", "rate", "ref", "reference", "refresh", "refreshes", "regex",
    "region", "required", "requirements", "reset", "resets", "retries", "revoked", "ring", "rotation", "rotations",
    "rule", "rules", "samesite", "schema", "scheme", "scope", "scopes", "secure", "selector", "server", "service", "set",
    "settings", "short", "size", "source", "spec", "state", "stats", "status", "storage", "store", "strategy",
    "strength", "stroke", "suffix", "supported", "than", "thumbprint", "time", "timeout", "timestamp", "title",
    "tokenizer", "ttl", "type", "types", "updated", "uri", "url", "urls", "usage", "used", "user", "users", "valid",
    "validation", "validator", "variable", "variables", "vault", "verified", "version", "visibility", "visible", "weak",
    "word", "words", "xpath",
]);

pub(crate) fn is_harmless_tail(word: &[u8]) -> bool {
    HARMLESS_TAILS.has(word)
}

/// Words behind a sensitive one that change nothing.
#[rustfmt::skip]
const NEUTRAL_TAILS: &List = &List::of(&[
    "a", "again", "b", "backup", "base", "communiqué", "confirm", "confirmation", "current", "data", "default", "dev",
    "development", "digest", "encrypted", "eu", "global", "généré", "hash", "hashed", "here", "hex", "live", "local",
    "new", "old", "pem", "plain", "plaintext", "primary", "prod", "production", "provisoire", "raw", "repeat", "salt",
    "secondary", "stage", "staging", "str", "string", "temporaire", "temporal", "test", "text", "us", "v", "val",
    "value", "x",
]);

pub(crate) fn is_neutral_tail(word: &[u8]) -> bool {
    NEUTRAL_TAILS.has(word)
}

/// Words before a sensitive one that say: this is about the secret.
#[rustfmt::skip]
const HARMLESS_HEADS: &List = &List::of(&[
    "allow", "allowed", "allows", "avg", "can", "count", "disable", "disabled", "enable", "enabled", "existing",
    "expired", "forgot", "from", "get", "has", "hide", "import", "invalid", "is", "load", "max", "min", "missing",
    "needs", "num", "public", "remaining", "require", "required", "requires", "should", "show", "supported", "supports",
    "total", "uses", "without",
]);

pub(crate) fn is_harmless_head(word: &[u8]) -> bool {
    HARMLESS_HEADS.has(word)
}

/// Words that end the name of an id, or of a number that counts or measures.
#[rustfmt::skip]
const IDS: &List = &List::of(&[
    "amount", "article", "asin", "at", "auftrag", "balance", "barcode", "batch", "bestellung", "bug", "build", "bytes",
    "case", "checksum", "claim", "commande", "count", "crc", "cursor", "date", "duration", "ean", "elapsed", "epoch",
    "factura", "facture", "fattura", "gtin", "guid", "hash", "id", "ids", "imei", "incident", "inode", "invoice",
    "isbn", "issue", "item", "lat", "latitude", "lng", "lon", "longitude", "lot", "ms", "nonce", "ns", "offset",
    "order", "ordine", "parcel", "part", "pedido", "pid", "po", "price", "rechnung", "ref", "reference", "revision",
    "rma", "seed", "seq", "sequence", "serial", "shipment", "size", "sku", "snowflake", "span", "ticket", "time",
    "timestamp", "total", "trace", "tracking", "ts", "uid", "upc", "us", "uuid", "version",
]);

/// Whether a number under a name that ends in this word is the name of a thing.
pub(crate) fn is_id_word(word: &[u8]) -> bool {
    IDS.has(word)
}

/// Names that are known as they are written, whatever their words say.
pub(crate) fn is_whole(name: &[u8]) -> bool {
    // In `.npmrc` it is user and password; Terraform names tokens by their hosts.
    name == b"_auth" || name.starts_with(b"TF_TOKEN_")
}

/// The end of a name that names a thing, and the word before it in the name of a secret half of a pair.
pub(crate) const ID: &[u8] = b"id";
pub(crate) const SECRET: &[u8] = b"secret";

/// Whether a word ends as the name of an id does, and is none.
pub(crate) fn is_no_id(word: &[u8]) -> bool {
    has(&["paid", "grid", "valid", "prepaid"], word)
}

/// Words of names that may stand over the records of secrets.
pub(crate) const RECORDS: &[&str] = &[
    "key",
    "token",
    "bearer",
    "secret",
    "credential",
    "authorization",
    "jwt",
    "cookie",
];

/// Whether a member of the record of a secret says when something was.
pub(crate) fn is_moment(word: &[u8]) -> bool {
    has(
        &[
            "at",
            "date",
            "time",
            "timestamp",
            "created",
            "updated",
            "expires",
            "modified",
            "rotated",
        ],
        word,
    )
}

/// Whether a member of the record of a secret says whose it is, and what for.
pub(crate) fn is_about(word: &[u8]) -> bool {
    has(
        &[
            "username",
            "created_by",
            "roles",
            "tags",
            "active",
            "email",
            "permissions",
            "algorithm",
            "kid",
        ],
        word,
    )
}

/// Whether a word before a key says that everybody may have it.
pub(crate) fn is_public(word: &[u8]) -> bool {
    has(&["public", "pub", "publishable", "pk"], word)
}

/// Whether a word says that a number follows.
pub(crate) fn is_number_word(word: &[u8]) -> bool {
    ["number", "no", "no.", "nr", "nr.", "num"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether a plural mostly stands over the names of secrets: `imagePullSecrets`.
pub(crate) fn names_resources(name: &[u8]) -> bool {
    name.ends_with(b"ecrets")
}

/// Whether a word says that several secrets follow: `recovery codes`.
pub(crate) fn is_of_many(word: &[u8]) -> bool {
    ["codes", "keys", "passwords", "secrets", "tokens"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether a word says that codes follow.
pub(crate) fn is_codes(word: &[u8]) -> bool {
    let tail = word.get(word.len().saturating_sub("codes".len())..);
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(b"codes"))
        || ["códigos", "codigos", "codici"]
            .iter()
            .any(|known| is_same(word, known.as_bytes()))
}

/// Whether a name may be that of other tokens than secrets.
pub(crate) fn is_token(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"token")
}

/// Whether a name may be that of the key of a row: `primaryKey`.
pub(crate) fn names_row(name: &[u8]) -> bool {
    ["primarykey", "primary_key", "primary-key", "primary key"]
        .iter()
        .any(|known| {
            let tail = name.get(name.len().saturating_sub(known.len())..);
            tail.is_some_and(|tail| tail.eq_ignore_ascii_case(known.as_bytes()))
        })
}

/// Whether a name may be that of the id of a session: `sessionKey`.
pub(crate) fn names_session(name: &[u8]) -> bool {
    let tail = name.get(name.len().saturating_sub("ession_key".len())..);
    tail.is_some_and(|tail| {
        tail.ends_with(b"essionKey") || tail.eq_ignore_ascii_case(b"ession_key")
    })
}

/// Whether a name is that of a key that mostly stands for its fingerprint: `GPG_KEY`.
pub(crate) fn names_by_fingerprint(name: &[u8]) -> bool {
    ["gpg_key", "pgp_key", "gpgkey"].iter().any(|known| {
        let tail = name.get(name.len().saturating_sub(known.len())..);
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(known.as_bytes()))
    })
}

/// Whether a name is that of a social security number.
pub(crate) fn is_social_security(name: &[u8]) -> bool {
    const SSN: &[u8; 3] = b"ssn";
    name.last_chunk()
        .is_some_and(|last: &[u8; SSN.len()]| last.eq_ignore_ascii_case(SSN))
}

/// Whether a name may be that of what nobody else knows, such as what a dish has in it.
pub(crate) fn is_secret(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"secret")
}

/// Whether a name is short for a password where a user stands before it.
pub(crate) fn is_pass(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"pass")
}

/// Whether a name may also be that of a kind of objects: `kubectl get secret db-1`.
pub(crate) fn is_of_resource(name: &[u8]) -> bool {
    name.starts_with(b"secret")
}

/// Whether a name is that of a key to sign with, which may also be its number.
pub(crate) fn signs(name: &[u8]) -> bool {
    const SIGNING_KEY: &[u8; 10] = b"signingkey";
    name.last_chunk()
        .is_some_and(|last: &[u8; SIGNING_KEY.len()]| last.eq_ignore_ascii_case(SIGNING_KEY))
}

/// Whether a name is that of the code on the back of a card.
pub(crate) fn is_code_of_card(name: &[u8]) -> bool {
    ["cvv", "cvc", "cvv2"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::catalogue::list::assert_in_order;

    #[test]
    fn long_lists_are_in_order() {
        for list in [
            HARMLESS_TAILS.words,
            HARMLESS_KEYS,
            NEUTRAL_TAILS.words,
            HARMLESS_HEADS.words,
            KEY_QUALIFIERS,
            HARMLESS_TOKENS,
            IDS.words,
            PASS_OF,
            PIN_OF,
        ] {
            assert_in_order(list);
        }
        for row in WORDS {
            assert_in_order(row.words);
            assert_in_order(row.behind);
        }
    }

    /// A row whose word has no stem would never be asked.
    #[test]
    fn every_row_can_be_reached() {
        for row in WORDS {
            for word in row.words {
                let behind = row.behind.first().unwrap_or(&"acme");
                let before = row.before.first().unwrap_or(&"");
                let name = format!("{behind}_{word}_{before}");
                let said = crate::redact::judge::name::judge(name.as_bytes());
                assert_eq!(said, row.says, "{name}");
            }
        }
    }
}
