//! Field names as words: which names say that their value is a secret.
//!
//! A name is split at every change of case, digit, and separator, so that `clientSecret`, `client-secret` and
//! `user[client_secret]` are the same two words. A sensitive word counts unless a word before it
//! (`has_password`) or after it (`password_length`) says that the value is about the secret and not the secret.

use crate::redact::catalogue::names::{
    BEGINNING, ENDINGS, ID, RECORDS, SECRET, STEM_BITS, is_about, is_harmless_head,
    is_harmless_tail, is_id_word, is_moment, is_neutral_tail, is_no_id, is_whole, row,
};
use crate::redact::judge::{language, memo};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, at, each_byte};

const MAX_WORDS: usize = 12;
const MAX_BYTES: usize = 96;
/// Names in other languages have more words than in English: `clave de la API`, `código de un solo uso`.
const MAX_FOREIGN: usize = 6;

/// The words of a name, in lower case.
struct Words {
    text: [u8; MAX_BYTES],
    ends: [u8; MAX_WORDS],
    count: usize,
}

/// A letter in lower case, a byte beyond ASCII as it is, and 0 for what is no letter.
static SMALL: [u8; 256] = each_byte!(|byte| {
    if byte.is_ascii_alphabetic() || byte >= 0x80 {
        byte.to_ascii_lowercase()
    } else {
        0
    }
});

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
            let letter = SMALL.get(usize::from(byte)).copied().unwrap_or(0);
            // A capital, which alone is another letter in lower case.
            let camel = letter != byte
                && letter != 0
                && (last.is_ascii_lowercase()
                    || (last.is_ascii_uppercase() && at(name, i + 1).is_ascii_lowercase()));
            if (letter == 0 || camel) && length > start {
                words.end(length);
                start = length;
            }
            if letter != 0
                && let Some(slot) = words.text.get_mut(length)
            {
                *slot = letter;
                length += 1;
            }
            last = byte;
        }
        if length > start {
            words.end(length);
        }
        if !name.is_ascii() {
            bytes::make_lowercase(&mut words.text);
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
        self.joined(index, index + 1)
    }

    /// The words from `first` on and before `last`, written as one.
    fn joined(&self, first: usize, last: usize) -> &[u8] {
        if first >= last || last > self.count {
            return &[];
        }
        let from = if first == 0 {
            0
        } else {
            usize::from(at(&self.ends, first - 1))
        };
        bytes::part(&self.text, from, usize::from(at(&self.ends, last - 1)))
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
    if is_whole(name) {
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
        let found = core(word, before, words.get(index + 1), tail);
        // `كلمة مرور الواي فاي`
        if found == Kind::Plain
            && !word.is_ascii()
            && index > 0
            && language::named(words.joined(index - 1, index + 1)) == Some(Kind::Secret)
        {
            return Kind::Secret;
        }
        match found {
            Kind::Plain => {}
            found => {
                kind = found;
                break;
            }
        }
        if is_harmless_tail(word) {
            // `code de validation`
            return foreign(&words);
        }
        tail = if tail != Tail::Unknown && is_neutral_tail(word) {
            Tail::Neutral
        } else {
            Tail::Unknown
        };
    }
    if kind == Kind::Plain {
        return foreign(&words);
    }
    if kind == Kind::Phone {
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

/// What the last words of a text say in another language than English.
pub(crate) fn judge_foreign(text: &[u8]) -> Kind {
    foreign(&Words::of(text))
}

/// What the last words say in another language, those left out that change nothing.
fn foreign(words: &Words) -> Kind {
    let mut last = words.count;
    loop {
        for first in last.saturating_sub(MAX_FOREIGN)..last {
            if let Some(kind) = language::named(words.joined(first, last)) {
                return kind;
            }
        }
        if last < 2 || !is_neutral_tail(words.get(last - 1)) {
            return Kind::Plain;
        }
        last -= 1;
    }
}

/// What stands behind a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    None,
    Neutral,
    Unknown,
}

fn core(word: &[u8], before: &[u8], after: &[u8], tail: Tail) -> Kind {
    let is_last = tail != Tail::Unknown;
    row(word, before, after, is_last).map_or_else(|| joined(word, is_last), |row| row.says)
}

/// Words written as one, without a change of case: `PGPASSWORD`, `apikey`.
fn joined(word: &[u8], is_last: bool) -> Kind {
    // `пароль базы данных`
    if !word.is_ascii() && language::named(word) == Some(Kind::Secret) {
        return Kind::Secret;
    }
    let begins = is_last
        && word
            .strip_prefix(BEGINNING.as_bytes())
            .is_some_and(|tail| !tail.is_empty() && !is_harmless_tail(tail));
    if begins {
        return Kind::Secret;
    }
    ENDINGS
        .iter()
        .find(|row| row.fits(word, is_last))
        .map_or(Kind::Plain, |row| row.says)
}

/// Whether a sensitive name may stand over the records of secrets, `access_keys`, and not only over a secret.
pub(crate) fn may_have_records(name: &[u8]) -> bool {
    let words = Words::of(name);
    (0..words.count).any(|index| {
        let word = words.get(index);
        let word = word.strip_suffix(b"s").unwrap_or(word);
        RECORDS.iter().any(|known| word.ends_with(known.as_bytes()))
    })
}

/// What a member says of the record of a secret that it stands in, and not of the secret: `created_at`, `scopes`.
pub(crate) fn about_record(name: &[u8]) -> Option<Kind> {
    let words = Words::of(name);
    let last = words.get(words.count.saturating_sub(1));
    if is_moment(last) {
        Some(Kind::Plain)
    } else if last == ID && !words.get(words.count.saturating_sub(2)).ends_with(SECRET) {
        Some(Kind::Handle)
    } else {
        let says = is_about(last) || is_harmless_tail(last) || is_harmless_head(words.get(0));
        says.then_some(Kind::Maybe)
    }
}

/// Whether a number under this name is the name of a thing, however much it looks like a card.
pub(crate) fn is_id(name: &[u8]) -> bool {
    let words = Words::of(name);
    let last = words.get(words.count.saturating_sub(1));
    is_id_word(last) || last.ends_with(b"id") && last.len() > 3 && !is_no_id(last)
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
    fn what_may_be_an_id_is_told_from_what_is_a_secret() {
        for name in ["sessionId", "session_id", "session"] {
            assert_eq!(judge(name.as_bytes()), Kind::Handle, "{name}");
        }
    }

    /// The bits of the stems are made of the rows, so that no row waits for a stem that was forgotten.
    #[test]
    fn what_stands_before_a_common_word_makes_it_tell() {
        assert_eq!(judge(b"wallet_phrase"), Kind::Phrase);
        assert_eq!(judge(b"2fa_code"), Kind::Secret);
        assert_eq!(judge(b"one_time_code"), Kind::Pin);
        assert_eq!(judge(b"cell_number"), Kind::Phone);
        assert_eq!(judge(b"postal_code"), Kind::Plain);
        assert_eq!(judge(b"account_sid"), Kind::Plain);
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
            "client_token",
            "clientRequestToken",
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
            "passwordpolicy",
            "passwordless",
            "pagination_token",
            "authors",
            "authority",
            "session_timeout",
            "passwordVariable",
        ] {
            assert!(!judge(name.as_bytes()).hides(), "{name}");
        }
    }
}
