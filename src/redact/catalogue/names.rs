//! The words that names are made of: which make a name sensitive, and which say that the value is about a secret.

use crate::redact::kind::Kind;

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

    /// Whether the row fits a word in lower case between two others.
    pub(crate) fn fits(&self, word: &[u8], behind: &[u8], before: &[u8], is_last: bool) -> bool {
        has(self.words, word)
            && (is_last || !self.is_last)
            && (self.behind.is_empty() || has(self.behind, behind))
            && (self.before.is_empty() || has(self.before, before))
    }
}

fn has(words: &[&str], word: &[u8]) -> bool {
    words.iter().any(|known| known.as_bytes() == word)
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
    word(&["pass"], Kind::Secret).last().behind(&[
        "db", "auth", "user", "smtp", "ftp", "sftp", "mysql", "pg", "postgres", "redis", "admin", "root", "mail", "email",
        "imap", "ldap", "rabbitmq", "mongo", "key", "wifi", "login", "ssh", "proxy", "database", "become", "ansible", "sudo",
        "bind", "keystore", "store", "ssl", "cert", "account", "default", "mqtt", "vpn", "http", "basic", "broker", "smb",
        "router", "vnc", "rdp", "system", "elastic", "grafana",
    ]),
    word(&["pass"], Kind::Maybe).last(),
    // Keys and tokens.
    word(&["secret", "credential", "creds", "cred", "authorization", "authorisation"], Kind::Secret).last(),
    word(&["secrets", "credentials"], Kind::Secrets).last(),
    word(&["token"], Kind::Handle).last().behind(&["client"]),
    word(&["token"], Kind::Plain).last().behind(HARMLESS_TOKENS),
    word(&["token", "otp", "totp", "jwt", "bearer"], Kind::Secret).last(),
    word(&["tokens"], Kind::Secrets).last()
        .behind(&["access", "auth", "api", "refresh", "bearer", "session", "secret", "oauth"]),
    word(&["key", "keys"], Kind::Secret).last().behind(KEY_QUALIFIERS),
    word(&["verifier"], Kind::Secret).behind(&["code"]),
    word(&["assertion"], Kind::Secret).behind(&["client"]),
    word(&["auth", "oauth"], Kind::Maybe).last(),
    word(&["mnemonic"], Kind::Phrase).last(),
    word(&["phrase", "words"], Kind::Phrase).behind(&["seed", "recovery", "wallet", "backup", "mnemonic"]).common(),
    word(&["phrase"], Kind::Secret).behind(&["pass"]).common(),
    // Sessions.
    word(&["cookie"], Kind::Secret).last(),
    word(&["cookies"], Kind::Secrets).last(),
    word(&["id", "ids"], Kind::Handle).last().behind(&["session", "sess"]).common(),
    word(&["session", "sessionid", "sessid", "sid"], Kind::Handle).last(),
    word(&["phpsessid", "jsessionid", "sessiontoken"], Kind::Secret).last(),
    // Codes.
    word(&["code"], Kind::Pin).behind(&["verification", "login", "auth", "authentication", "time"]).common(),
    word(&["code", "codes"], Kind::Secret)
        .behind(&["wifi", "otp", "mfa", "totp", "recovery", "fa", "backup", "device"]).common(),
    word(&["pin"], Kind::Secret).last().behind(PIN_OF),
    word(&["pin"], Kind::Secret).behind(PIN_OF).before(&["code", "number", "no"]),
    // In India it is a place.
    word(&["pin"], Kind::Plain).before(&["code"]),
    word(&["pin"], Kind::Pin).last(),
    word(&["pin"], Kind::Pin).before(&["number", "no"]),
    word(&["security"], Kind::Secret).before(&["code", "answer"]),
    // Persons.
    word(&["ssn", "cvv", "cvc", "nino", "msisdnsecret"], Kind::Secret).last(),
    word(&["security"], Kind::Secret).behind(&["social"]).before(&["number", "no", "nr", "num", ""]),
    word(&["insurance"], Kind::Secret).behind(&["national"]).before(&["number", "no", ""]).common(),
    word(&["number", "numbers", "no", "nr", "nbr"], Kind::Phone).last()
        .behind(&["phone", "telephone", "mobile", "tel", "fax", "whatsapp", "cell", "cellphone", "contact"]).common(),
    word(&["number", "numbers", "no", "nr", "nbr"], Kind::Secret).last()
        .behind(&["card", "insurance", "passport", "licence", "license"]).common(),
    word(PHONES, Kind::Phone).last(),
    word(PHONES, Kind::Phone).before(&["number", "numbers", "no", "nr"]),
    word(&["phones"], Kind::Phone).last(),
];

const PHONES: &[&str] = &[
    "phone",
    "telephone",
    "mobile",
    "tel",
    "fax",
    "msisdn",
    "whatsapp",
    "cellphone",
    "phonenumber",
    "mobilenumber",
];

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
    ending(&["key", "keys"], Kind::Secret, |head| has(KEY_QUALIFIERS, head) && head != b"host"),
    ending(&["token"], Kind::Secret,
        |head| has(KEY_QUALIFIERS, head) || has(&["refresh", "bearer", "id", "csrf", "xsrf", "bot"], head)),
    ending(&["secret"], Kind::Secret, |head| !head.is_empty()),
    ending(&["pass", "pwd", "pw"], Kind::Secret, |head| {
        head.ends_with(b"store")
            || has(&["db", "trust", "key", "my", "pg", "mysql", "smtp", "ftp", "user", "admin", "root"], head)
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

/// The word for a password in other alphabets, without what may be added to it.
const FOREIGN_PASSWORDS: &[&str] = &[
    "contraseña",
    "пароль",
    "Пароль",
    "密码",
    "密碼",
    "口令",
    "パスワード",
    "비밀번호",
    "hasło",
    "şifre",
    "lösenord",
    "Lösenord",
    "hasła",
    "jelszó",
    "parolă",
    "Şifre",
    "пароля",
    "парола",
    "סיסמה",
    "סיסמא",
    "المرور",
    "السر",
    "khẩu",
    "पासवर्ड",
    "รหัสผ่าน",
    "adgangskode",
];

/// Whether a word in another alphabet is that for a password.
pub(crate) fn is_foreign_password(word: &[u8]) -> bool {
    FOREIGN_PASSWORDS
        .iter()
        .any(|known| word.starts_with(known.as_bytes()) && word.len() <= known.len() + 4)
}

/// Words that make the `key` behind them a secret.
#[rustfmt::skip]
const KEY_QUALIFIERS: &[&str] = &[
    "api", "apis", "access", "private", "priv", "signing", "signature", "sign", "encryption", "encrypt", "enc",
    "decryption", "decrypt", "secret", "secretaccess", "auth", "authentication", "authorization", "master", "root",
    "account", "shared", "sharedaccess", "service", "server", "ssh", "gpg", "pgp", "rsa", "aes", "hmac", "crypto",
    "cipher", "webhook", "admin", "app", "application", "consumer", "license", "licence", "subscription", "function",
    "deploy", "deployment", "write", "ingest", "ingestion", "integration", "developer", "client", "role", "host",
    "session", "jwt", "otp", "totp", "recovery", "wallet", "tls", "ssl", "vapid", "pre", "preshared", "psk", "wpa",
    "wifi", "openai", "anthropic", "claude", "gemini", "mistral", "groq", "cohere", "stripe", "sendgrid", "mailgun",
    "mailchimp", "postmark", "twilio", "datadog", "dd", "newrelic", "aws", "azure", "gcp", "google", "maps", "github",
    "gitlab", "slack", "algolia", "cloudflare", "digitalocean", "heroku", "sentry", "posthog", "segment", "linear",
    "notion", "airtable", "supabase", "firebase", "shopify", "pinecone", "elevenlabs", "tavily", "exa", "fastly",
    "serpapi", "serper", "brave", "figma", "resend", "grafana", "okta", "xai", "deepseek", "openrouter", "perplexity",
    "hf", "huggingface", "replicate", "together", "voyage", "weather", "openweather", "alchemy", "infura", "etherscan",
    "binance", "coinbase", "fernet", "functions", "ai", "hub", "labs", "router", "grid", "storage", "cookie", "unseal",
    "bot", "mapbox", "rapidapi", "polygon", "finnhub", "tmdb", "deepgram", "assemblyai", "cerebras", "fireworks",
    "nvidia", "jina", "firecrawl", "langchain", "langsmith", "langfuse", "smithery", "composio",
];

/// Words that make the `token` behind them a place in a list, a piece of text, or a sign that makes a request repeatable.
#[rustfmt::skip]
const HARMLESS_TOKENS: &[&str] = &[
    "page", "next", "previous", "prev", "continuation", "continue", "pagination", "paging", "cursor", "sync", "resume",
    "eos", "bos", "unk", "pad", "cls", "sep", "mask", "stop", "special", "per", "input", "output", "prompt",
    "completion", "cancellation", "cancel", "progress", "idempotency", "syntax", "lexer", "design", "erc", "nft",
    "unexpected", "invalid", "every", "first", "last", "time", "end", "start", "begin", "change", "color", "theme",
    "delta", "watch", "skip", "string", "identifier", "keyword", "operator", "starting", "ending", "retry", "dedup",
    "deduplication", "scroll", "marker", "bookmark", "checkpoint", "fencing", "pager", "repeat",
];

/// Words behind a sensitive one that say: this is about the secret.
pub(crate) fn is_harmless_tail(word: &[u8]) -> bool {
    matches!(
        word,
        b"count"
            | b"counts"
            | b"type"
            | b"types"
            | b"name"
            | b"names"
            | b"url"
            | b"urls"
            | b"uri"
            | b"path"
            | b"paths"
            | b"file"
            | b"filename"
            | b"dir"
            | b"policy"
            | b"policies"
            | b"length"
            | b"len"
            | b"enabled"
            | b"disabled"
            | b"expires"
            | b"expiry"
            | b"expiration"
            | b"expired"
            | b"expire"
            | b"limit"
            | b"limits"
            | b"size"
            | b"min"
            | b"max"
            | b"id"
            | b"ids"
            | b"hint"
            | b"label"
            | b"title"
            | b"description"
            | b"desc"
            | b"required"
            | b"valid"
            | b"version"
            | b"format"
            | b"status"
            | b"state"
            | b"at"
            | b"date"
            | b"time"
            | b"timestamp"
            | b"age"
            | b"ttl"
            | b"rotation"
            | b"strength"
            | b"reset"
            | b"changed"
            | b"change"
            | b"updated"
            | b"prompt"
            | b"placeholder"
            | b"pattern"
            | b"regex"
            | b"rule"
            | b"rules"
            | b"algorithm"
            | b"alg"
            | b"algo"
            | b"usage"
            | b"used"
            | b"budget"
            | b"index"
            | b"num"
            | b"consent"
            | b"domain"
            | b"timeout"
            | b"duration"
            | b"lifetime"
            | b"endpoint"
            | b"issuer"
            | b"audience"
            | b"scope"
            | b"scopes"
            | b"arn"
            | b"ref"
            | b"reference"
            | b"field"
            | b"input"
            | b"attempts"
            | b"attempt"
            | b"retries"
            | b"error"
            | b"errors"
            | b"message"
            | b"msg"
            | b"provider"
            | b"method"
            | b"methods"
            | b"mode"
            | b"manager"
            | b"store"
            | b"storage"
            | b"vault"
            | b"source"
            | b"header"
            | b"prefix"
            | b"suffix"
            | b"rate"
            | b"link"
            | b"page"
            | b"exists"
            | b"present"
            | b"set"
            | b"configured"
            | b"visible"
            | b"visibility"
            | b"encoding"
            | b"charset"
            | b"cmd"
            | b"than"
            | b"preferences"
            | b"banner"
            | b"settings"
            | b"config"
            | b"options"
            | b"kind"
            | b"class"
            | b"category"
            | b"owner"
            | b"user"
            | b"users"
            | b"requirements"
            | b"complexity"
            | b"history"
            | b"protected"
            | b"verified"
            | b"confirmed"
            | b"supported"
            | b"ring"
            | b"board"
            | b"stroke"
            | b"frame"
            | b"word"
            | b"words"
            | b"pair"
            | b"spec"
            | b"schema"
            | b"alias"
            | b"by"
            | b"count_total"
            | b"tokenizer"
            | b"secure"
            | b"samesite"
            | b"key_id"
            | b"region"
            | b"host"
            | b"port"
            | b"refresh"
            | b"revoked"
            | b"validation"
            | b"validator"
            | b"generator"
            | b"service"
            | b"server"
            | b"client"
            | b"env"
            | b"handler"
            | b"helper"
            | b"parser"
            | b"factory"
            | b"model"
            | b"column"
            | b"columns"
            | b"stats"
            | b"selector"
            | b"hashing"
            | b"hasher"
            | b"mgr"
            | b"short"
            | b"less"
            | b"long"
            | b"weak"
            | b"mismatch"
            | b"help"
            | b"criteria"
            | b"locator"
            | b"xpath"
            | b"element"
            | b"button"
            | b"form"
            | b"permission"
            | b"permissions"
            | b"fingerprint"
            | b"thumbprint"
    )
}

/// Words behind a sensitive one that change nothing.
pub(crate) fn is_neutral_tail(word: &[u8]) -> bool {
    matches!(
        word,
        b"confirmation"
            | b"confirm"
            | b"old"
            | b"new"
            | b"current"
            | b"value"
            | b"val"
            | b"plain"
            | b"plaintext"
            | b"text"
            | b"hash"
            | b"hashed"
            | b"salt"
            | b"encrypted"
            | b"raw"
            | b"string"
            | b"str"
            | b"data"
            | b"prod"
            | b"production"
            | b"dev"
            | b"development"
            | b"test"
            | b"live"
            | b"staging"
            | b"stage"
            | b"local"
            | b"backup"
            | b"primary"
            | b"secondary"
            | b"again"
            | b"repeat"
            | b"b"
            | b"base"
            | b"v"
            | b"a"
            | b"x"
            | b"pem"
            | b"hex"
            | b"eu"
            | b"us"
            | b"global"
            | b"default"
            | b"here"
            | b"digest"
    )
}

/// Words before a sensitive one that say: this is about the secret.
pub(crate) fn is_harmless_head(word: &[u8]) -> bool {
    matches!(
        word,
        b"has"
            | b"is"
            | b"get"
            | b"max"
            | b"min"
            | b"num"
            | b"total"
            | b"avg"
            | b"requires"
            | b"require"
            | b"required"
            | b"needs"
            | b"show"
            | b"hide"
            | b"enable"
            | b"enabled"
            | b"disable"
            | b"disabled"
            | b"allow"
            | b"allows"
            | b"allowed"
            | b"uses"
            | b"should"
            | b"can"
            | b"supports"
            | b"forgot"
            | b"count"
            | b"public"
            | b"without"
            | b"missing"
            | b"invalid"
            | b"expired"
            | b"supported"
            | b"remaining"
            | b"load"
            | b"from"
            | b"existing"
            | b"import"
    )
}

/// Words that end the name of an id, or of a number that counts or measures.
#[rustfmt::skip]
const IDS: &[&str] = &[
    "id", "ids", "uid", "uuid", "guid", "isbn", "ean", "upc", "gtin", "sku", "asin", "imei", "serial", "time",
    "timestamp", "ts", "at", "date", "ns", "ms", "us", "epoch", "nonce", "version", "hash", "checksum", "crc", "offset",
    "size", "bytes", "count", "total", "sequence", "seq", "tracking", "snowflake", "barcode", "seed", "revision",
    "build", "order", "invoice", "ticket", "trace", "span", "price", "amount", "balance", "lat", "lon", "lng",
    "latitude", "longitude", "duration", "elapsed", "inode", "pid", "cursor", "case", "reference", "ref", "claim",
    "shipment", "parcel", "part", "item", "batch", "lot", "po", "rma", "incident", "bug", "issue", "article",
    "bestellung", "auftrag", "rechnung", "commande", "facture", "pedido", "factura", "ordine", "fattura",
];

/// Whether a number under a name that ends in this word is the name of a thing.
pub(crate) fn is_id_word(word: &[u8]) -> bool {
    has(IDS, word)
}

/// Whether a word says that a number follows.
pub(crate) fn is_number_word(word: &[u8]) -> bool {
    ["number", "no", "no.", "nr", "nr.", "num"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}
