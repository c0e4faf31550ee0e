//! Field names as words: which names say that their value is a secret.
//!
//! A name is split at every change of case, digit, and separator, so that `clientSecret`, `client-secret` and
//! `user[client_secret]` are the same two words. A sensitive word counts unless a word before it
//! (`has_password`) or after it (`password_length`) says that the value is about the secret and not the secret.

use crate::redact::catalogue::names::{
    STEM_BITS, is_foreign_password, is_harmless_head, is_harmless_tail, is_harmless_token,
    is_key_qualifier, is_neutral_tail,
};
use crate::redact::judge::memo;
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, at};

const MAX_WORDS: usize = 12;
const MAX_BYTES: usize = 96;

/// The words of a name, in lower case.
struct Words {
    text: [u8; MAX_BYTES],
    ends: [u8; MAX_WORDS],
    count: usize,
}

impl Words {
    fn of(name: &[u8]) -> Self {
        let mut words = Self {
            text: [0; MAX_BYTES],
            ends: [0; MAX_WORDS],
            count: 0,
        };
        // The end of a long path of names says what it is: `spring.cloud.config.server.git.password`.
        let name = bytes::rest(name, name.len().saturating_sub(MAX_BYTES));
        let mut length = 0;
        let mut start = 0;
        let mut last = 0u8;
        for (i, &byte) in name.iter().enumerate() {
            let is_word = byte.is_ascii_alphabetic() || byte >= 0x80;
            let next = at(name, i + 1);
            let camel = byte.is_ascii_uppercase()
                && (last.is_ascii_lowercase()
                    || (last.is_ascii_uppercase() && next.is_ascii_lowercase()));
            if (!is_word || camel) && length > start {
                words.end(length);
                start = length;
            }
            if is_word && let Some(slot) = words.text.get_mut(length) {
                *slot = byte.to_ascii_lowercase();
                length += 1;
            }
            last = byte;
        }
        if length > start {
            words.end(length);
        }
        words
    }

    fn end(&mut self, length: usize) {
        if self.count == MAX_WORDS {
            // Only the last words matter; the first ones become one.
            self.ends.copy_within(1.., 0);
            self.count -= 1;
        }
        if let Some(slot) = self.ends.get_mut(self.count) {
            *slot = length as u8;
            self.count += 1;
        }
    }

    fn get(&self, index: usize) -> &[u8] {
        if index >= self.count {
            return &[];
        }
        let from = if index == 0 {
            0
        } else {
            usize::from(at(&self.ends, index - 1))
        };
        bytes::part(&self.text, from, usize::from(at(&self.ends, index)))
    }
}

/// Whether the name has the beginning of any sensitive word.
#[inline]
fn may_matter(name: &[u8]) -> bool {
    let mut three = 0usize;
    for &byte in name {
        // Digits and separators are no letters: otherwise every other random key would look like a name.
        let letter = if byte >= b'@' { byte & 31 } else { 0 };
        three = (three << 5 | usize::from(letter)) & 0x7FFF;
        let stem = STEM_BITS.get(three / 64).copied().unwrap_or(0);
        if byte >= 0x80 || stem >> (three % 64) & 1 == 1 {
            return true;
        }
    }
    false
}

/// What `name` says about its value.
#[inline]
pub(crate) fn judge(name: &[u8]) -> Kind {
    if may_matter(name) {
        memo::judged(name, judge_words)
    } else {
        Kind::Plain
    }
}

fn judge_words(name: &[u8]) -> Kind {
    if bytes::find(name, b"://").is_some() {
        return Kind::Plain;
    }
    // In `.npmrc` it is user and password.
    if name == b"_auth" {
        return Kind::Secret;
    }
    // Terraform names them by their hosts.
    if name.starts_with(b"TF_TOKEN_") {
        return Kind::Secret;
    }
    let words = Words::of(name);
    let mut kind = Kind::Plain;
    let mut index = words.count;
    // From the end: the last words decide, and a harmless one ends the search.
    let mut tail = Tail::None;
    while index > 0 {
        index -= 1;
        let word = words.get(index);
        let before = if index > 0 { words.get(index - 1) } else { &[] };
        match core(word, before, words.get(index + 1), tail) {
            Kind::Plain => {}
            found => {
                kind = found;
                break;
            }
        }
        if is_harmless_tail(word) {
            return Kind::Plain;
        }
        tail = if tail != Tail::Unknown && is_neutral_tail(word) {
            Tail::Neutral
        } else {
            Tail::Unknown
        };
    }
    if kind == Kind::Plain || kind == Kind::Phone {
        return kind;
    }
    let mut head = 0;
    while head < index {
        if is_harmless_head(words.get(head)) {
            return Kind::Plain;
        }
        head += 1;
    }
    kind
}

/// What stands behind a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    None,
    Neutral,
    Unknown,
}

fn core(word: &[u8], before: &[u8], after: &[u8], tail: Tail) -> Kind {
    let last = tail != Tail::Unknown;
    match word {
        b"password" | b"passwd" | b"passphrase" | b"passcode" | b"pword" | b"passwrd"
        | b"passwort" | b"kennwort" | b"contrasena" | b"senha" | b"wachtwoord" | b"motdepasse"
        | b"pswd" => Kind::Secret,
        b"passe" if before == b"de" => Kind::Secret,
        b"parola" | b"lozinka" | b"heslo" | b"salasana" | b"adgangskode" | b"losenord"
        | b"jelszo" | b"sifre" | b"haslo" | b"passord" | b"parool" | b"geslo" | b"zaporka"
        | b"slaptazodis" | b"katasandi" | b"pw" | b"psk" | b"sshpass"
            if last =>
        {
            Kind::Secret
        }
        b"sandi" if before == b"kata" => Kind::Secret,
        b"zugangsdaten" if last => Kind::Secrets,
        b"mnemonic" if last => Kind::Phrase,
        b"code"
            if matches!(
                before,
                b"verification" | b"login" | b"auth" | b"authentication" | b"time"
            ) =>
        {
            Kind::Pin
        }
        b"passwords" | b"passphrases" | b"passwds" if last => Kind::Secrets,
        b"pwd" | b"psw" if last => {
            if before.is_empty() {
                Kind::Pwd
            } else {
                Kind::Secret
            }
        }
        b"pass" if last => {
            if matches!(
                before,
                b"db"
                    | b"auth"
                    | b"user"
                    | b"smtp"
                    | b"ftp"
                    | b"sftp"
                    | b"mysql"
                    | b"pg"
                    | b"postgres"
                    | b"redis"
                    | b"admin"
                    | b"root"
                    | b"mail"
                    | b"email"
                    | b"imap"
                    | b"ldap"
                    | b"rabbitmq"
                    | b"mongo"
                    | b"key"
                    | b"wifi"
                    | b"login"
                    | b"ssh"
                    | b"proxy"
                    | b"database"
                    | b"become"
                    | b"ansible"
                    | b"sudo"
                    | b"bind"
                    | b"keystore"
                    | b"store"
                    | b"ssl"
                    | b"cert"
                    | b"account"
                    | b"default"
                    | b"mqtt"
                    | b"vpn"
                    | b"http"
                    | b"basic"
                    | b"broker"
                    | b"smb"
                    | b"router"
                    | b"vnc"
                    | b"rdp"
                    | b"system"
                    | b"elastic"
                    | b"grafana"
            ) {
                Kind::Secret
            } else {
                Kind::Maybe
            }
        }
        b"verifier" if before == b"code" => Kind::Secret,
        b"assertion" if before == b"client" => Kind::Secret,
        b"authtok" if last => Kind::Secret,
        b"userpass" | b"dbpass" | b"requirepass" | b"masterauth" if last => Kind::Secret,
        b"secret" if last => Kind::Secret,
        b"secrets" if last => Kind::Secrets,
        b"token" if last => {
            if is_harmless_token(before) {
                Kind::Plain
            } else {
                Kind::Secret
            }
        }
        b"tokens" if last => {
            if matches!(
                before,
                b"access"
                    | b"auth"
                    | b"api"
                    | b"refresh"
                    | b"bearer"
                    | b"session"
                    | b"secret"
                    | b"oauth"
            ) {
                Kind::Secrets
            } else {
                Kind::Plain
            }
        }
        b"key" | b"keys" if last && is_key_qualifier(before) => Kind::Secret,
        b"credential" | b"creds" | b"cred" if last => Kind::Secret,
        b"credentials" if last => Kind::Secrets,
        b"authorization" | b"authorisation" if last => Kind::Secret,
        b"cookie" if last => Kind::Secret,
        b"cookies" if last => Kind::Secrets,
        b"id" | b"ids" if matches!(before, b"session" | b"sess") && last => Kind::Secret,
        b"sessionid" | b"sessid" | b"phpsessid" | b"jsessionid" | b"sessiontoken" if last => {
            Kind::Secret
        }
        b"sid" if last => Kind::Maybe,
        b"session" | b"auth" | b"oauth" if last => Kind::Maybe,
        b"ssn" | b"cvv" | b"cvc" | b"nino" | b"msisdnsecret" if last => Kind::Secret,
        b"security"
            if matches!(after, b"number" | b"no" | b"nr" | b"num") && before == b"social" =>
        {
            Kind::Secret
        }
        b"security" if before == b"social" && tail == Tail::None => Kind::Secret,
        b"security" if matches!(after, b"code" | b"answer") => Kind::Secret,
        b"insurance"
            if before == b"national"
                && (after.is_empty() || matches!(after, b"number" | b"no")) =>
        {
            Kind::Secret
        }
        b"otp" | b"totp" | b"jwt" | b"bearer" if last => Kind::Secret,
        b"code" | b"codes"
            if matches!(
                before,
                b"wifi" | b"otp" | b"mfa" | b"totp" | b"recovery" | b"fa" | b"backup" | b"device"
            ) =>
        {
            Kind::Secret
        }
        b"phrase" | b"words"
            if matches!(
                before,
                b"seed" | b"recovery" | b"wallet" | b"backup" | b"mnemonic"
            ) =>
        {
            Kind::Phrase
        }
        b"phrase" if before == b"pass" => Kind::Secret,
        b"pin" if last || matches!(after, b"code" | b"number" | b"no") => {
            if matches!(
                before,
                b"card"
                    | b"atm"
                    | b"debit"
                    | b"credit"
                    | b"sim"
                    | b"user"
                    | b"login"
                    | b"security"
                    | b"account"
                    | b"bank"
                    | b"access"
                    | b"door"
                    | b"unlock"
                    | b"device"
            ) {
                Kind::Secret
            } else if after == b"code" {
                Kind::Plain
            } else {
                Kind::Pin
            }
        }
        b"number" | b"numbers" | b"no" | b"nr" | b"nbr" if last => match before {
            b"phone" | b"telephone" | b"mobile" | b"tel" | b"fax" | b"whatsapp" | b"cell"
            | b"cellphone" | b"contact" => Kind::Phone,
            b"card" | b"security" | b"insurance" | b"passport" | b"licence" | b"license"
                if before != b"security" =>
            {
                Kind::Secret
            }
            _ => Kind::Plain,
        },
        b"phone" | b"telephone" | b"mobile" | b"tel" | b"fax" | b"msisdn" | b"whatsapp"
        | b"cellphone" | b"phonenumber" | b"mobilenumber" => {
            if last || matches!(after, b"number" | b"numbers" | b"no" | b"nr") {
                Kind::Phone
            } else {
                Kind::Plain
            }
        }
        b"phones" if last => Kind::Phone,
        _ => joined(word, last),
    }
}

/// Words written as one, without a change of case: `PGPASSWORD`, `apikey`.
fn joined(word: &[u8], last: bool) -> Kind {
    if word.iter().any(|b| *b >= 0x80) && is_foreign_password(word) {
        return Kind::Secret;
    }
    // In German what it confirms comes first.
    if last && (word.ends_with(b"tigungscode") || word.ends_with(b"verifizierungscode")) {
        return Kind::Pin;
    }
    if word.len() > 8
        && (word.ends_with(b"password") || word.ends_with(b"passwort") || word.ends_with(b"passwd"))
        || word.ends_with(b"passphrase")
    {
        return Kind::Secret;
    }
    if word.starts_with(b"password") && last && word != b"passwordless" {
        return Kind::Secret;
    }
    if !last {
        return Kind::Plain;
    }
    for suffix in [
        &b"key"[..],
        b"keys",
        b"token",
        b"secret",
        b"pass",
        b"pwd",
        b"pw",
    ] {
        if let Some(head) = word.strip_suffix(suffix) {
            let known = match suffix {
                b"key" | b"keys" => {
                    is_key_qualifier(head) && head != b"hot" && head != b"user" && head != b"host"
                }
                b"token" => {
                    is_key_qualifier(head)
                        || matches!(
                            head,
                            b"refresh" | b"bearer" | b"id" | b"csrf" | b"xsrf" | b"bot"
                        )
                }
                b"secret" => !head.is_empty(),
                _ => {
                    head.ends_with(b"store")
                        || head != b"com"
                            && matches!(
                                head,
                                b"db"
                                    | b"store"
                                    | b"trust"
                                    | b"key"
                                    | b"my"
                                    | b"pg"
                                    | b"mysql"
                                    | b"smtp"
                                    | b"ftp"
                                    | b"user"
                                    | b"admin"
                                    | b"root"
                            )
                }
            };
            if known {
                return Kind::Secret;
            }
        }
    }
    Kind::Plain
}

/// Whether a sensitive name may stand over the records of secrets, `access_keys`, and not only over a secret.
pub(crate) fn may_have_records(name: &[u8]) -> bool {
    let words = Words::of(name);
    (0..words.count).any(|index| {
        let word = words.get(index);
        let word = word.strip_suffix(b"s").unwrap_or(word);
        [
            &b"key"[..],
            b"token",
            b"bearer",
            b"secret",
            b"credential",
            b"authorization",
            b"jwt",
            b"cookie",
        ]
        .iter()
        .any(|known| word.ends_with(known))
    })
}

/// What a member says of the record of a secret that it stands in, and not of the secret: `created_at`, `scopes`.
pub(crate) fn about_record(name: &[u8]) -> Option<Kind> {
    let words = Words::of(name);
    let last = words.get(words.count.saturating_sub(1));
    match last {
        b"at" | b"date" | b"time" | b"timestamp" | b"created" | b"updated" | b"expires"
        | b"modified" => Some(Kind::Plain),
        b"username" | b"created_by" | b"roles" | b"tags" | b"active" | b"email"
        | b"permissions" | b"algorithm" => Some(Kind::Maybe),
        _ => (is_harmless_tail(last) || is_harmless_head(words.get(0))).then_some(Kind::Maybe),
    }
}

/// Whether a number under this name is the name of a thing, however much it looks like a card.
pub(crate) fn is_id(name: &[u8]) -> bool {
    let words = Words::of(name);
    let last = words.get(words.count.saturating_sub(1));
    matches!(
        last,
        b"id"
            | b"ids"
            | b"uid"
            | b"uuid"
            | b"guid"
            | b"isbn"
            | b"ean"
            | b"upc"
            | b"gtin"
            | b"sku"
            | b"asin"
            | b"imei"
            | b"serial"
            | b"time"
            | b"timestamp"
            | b"ts"
            | b"at"
            | b"date"
            | b"ns"
            | b"ms"
            | b"us"
            | b"epoch"
            | b"nonce"
            | b"version"
            | b"hash"
            | b"checksum"
            | b"crc"
            | b"offset"
            | b"size"
            | b"bytes"
            | b"count"
            | b"total"
            | b"sequence"
            | b"seq"
            | b"tracking"
            | b"snowflake"
            | b"barcode"
            | b"seed"
            | b"revision"
            | b"build"
            | b"order"
            | b"invoice"
            | b"ticket"
            | b"trace"
            | b"span"
            | b"price"
            | b"amount"
            | b"balance"
            | b"lat"
            | b"lon"
            | b"lng"
            | b"latitude"
            | b"longitude"
            | b"duration"
            | b"elapsed"
            | b"inode"
            | b"pid"
            | b"cursor"
    ) || last.ends_with(b"id")
        && last.len() > 3
        && !matches!(last, b"paid" | b"grid" | b"valid" | b"prepaid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sensitive_names_are_found_in_every_spelling() {
        for name in [
            "password",
            "db_password",
            "dbPassword",
            "DB_PASSWORD",
            "PGPASSWORD",
            "clientSecret",
            "client-secret",
            "x-api-key",
            "X-API-Key",
            "apiKey",
            "APIKey",
            "apikey",
            "refreshToken",
            "access_token",
            "user[password]",
            "spring.datasource.password",
            "Authorization",
            "proxy-authorization",
            "Set-Cookie",
            "cookie",
            "sessionId",
            "session_id",
            "ssn",
            "cvv",
            "cvv2",
            "private_key",
            "signingKey",
            "encryption_key",
            "secret",
            "token",
            "passphrase",
            "password_confirmation",
            "newPassword",
            "password2",
            "card_pin",
            "credentials",
            "aws_secret_access_key",
            "MYSQL_ROOT_PASSWORD",
            "password_hash",
            "openai_api_key",
            "_authToken",
        ] {
            assert!(judge(name.as_bytes()).hides(), "{name}");
        }
    }

    #[test]
    fn names_about_secrets_are_left_alone() {
        for name in [
            "token_count",
            "max_tokens",
            "secretary",
            "author",
            "primary_key",
            "password_min_length",
            "cookie_consent",
            "card_type",
            "pass_rate",
            "has_password",
            "tokenizer",
            "next_page_token",
            "public_key",
            "keyboard",
            "key",
            "monkey",
            "password_policy",
            "token_type",
            "token_url",
            "auth_url",
            "authenticated",
            "passenger",
            "compass",
            "keywords",
            "session_count",
            "cookie_policy",
            "secret_name",
            "prompt_tokens",
            "total_tokens",
            "is_secret",
            "bypass",
            "passive",
            "pagination_token",
            "authors",
            "authority",
            "session_timeout",
        ] {
            assert!(!judge(name.as_bytes()).hides(), "{name}");
        }
    }
}
