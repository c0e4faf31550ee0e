//! What several words before a sign say together: `API key`, `password of the database`.

use crate::redact::catalogue::{names, speech};
use crate::redact::find::look::Look;
use crate::redact::judge::language;
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{is_same, last_line, part, rest};
use crate::redact::read::lex::Name;

/// What the words before a sign say: `API key`, `the client secret`.
pub(crate) fn spaced_kind(look: &Look<'_>, name: &Name<'_>, far: bool) -> Kind {
    let mut start = name.start;
    // `password of the database`
    let mut end = name.start + name.text.len();
    for step in 0..if far { 5 } else { 2 } {
        // `clé d'API`
        let elided = speech::is_elided(look.last(start, 3));
        if look.before(start) != b' ' && !elided {
            break;
        }
        let word = look.back(start - 1, 23, |b| {
            b.is_ascii_alphanumeric() || b == b'-' || b >= 0x80
        });
        let text = look.part(word, start - 1);
        if text.is_empty() {
            break;
        }
        // `/run/secrets/db-password in pod …`
        if !far && speech::parts(text) {
            return Kind::Plain;
        }
        start = word;
        if far && speech::is_of(text) {
            end = word.saturating_sub(1);
        } else if step > 0 || end < start {
            let mut kind = look.judge(look.part(start, end));
            // `clé de chiffrement`
            if !kind.hides() && end < name.start {
                let whole = look.judge(look.part(start, name.start + name.text.len()));
                kind = if whole == Kind::Plain { kind } else { whole };
            }
            // Other scripts have longer names.
            if kind != Kind::Plain || step > 0 && end > name.start && text.is_ascii() {
                return kind;
            }
        }
    }
    if start == name.start || end <= start {
        Kind::Plain
    } else {
        look.judge(look.part(start, end))
    }
}

/// Whether a name and the word before it are the catalogue's words for what is no secret: `palabra clave`.
pub(crate) fn names_other(look: &Look<'_>, name: &Name<'_>) -> bool {
    let end = name.start + name.text.len();
    let start = look.back(name.start.saturating_sub(1), 23, |b| {
        b.is_ascii_alphabetic() || b >= 0x80
    });
    let mut words = [0; 48];
    let letters = look.part(start, end).iter().filter(|b| **b != b' ');
    let mut count = 0;
    for (slot, letter) in words.iter_mut().zip(letters) {
        *slot = letter.to_ascii_lowercase();
        count += 1;
    }
    look.before(name.start) == b' ' && language::named(part(&words, 0, count)) == Some(Kind::Plain)
}

/// Whether a text begins with the name of a secret, and a preposition behind it: `API key for production`.
pub(crate) fn begins_with_name(text: &[u8], judge: impl Fn(&[u8]) -> Kind) -> bool {
    memchr::memchr_iter(b' ', text).any(|end| {
        let behind = rest(text, end);
        let is_preposition = |word: &&str| is_same(part(behind, 0, word.len()), word.as_bytes());
        speech::PREPOSITIONS.iter().any(is_preposition)
            && judge(part(text, 0, end).trim_ascii()).hides()
    })
}

/// A title without the last word that says that what it names was made: `API key created`.
pub(crate) fn without_given(title: &[u8]) -> &[u8] {
    let last = memchr::memrchr(b' ', title).unwrap_or(0);
    if speech::is_given(rest(title, last + 1)) {
        part(title, 0, last)
    } else {
        title
    }
}

/// The word for several secrets in the sentence before `end`: `Here are the Wi-Fi passwords for both floors:`.
pub(crate) fn names_many<'a>(look: &Look<'a>, end: usize) -> Option<&'a [u8]> {
    let line = look.last(end, 96);
    let line = last_line(line);
    let (mut before, mut start) = (0, 0);
    line.split(|b| !b.is_ascii_alphabetic() && *b < 0x80)
        .find(|word| {
            let end = start + word.len();
            let is_named = names::is_of_many(word)
                && (look.judge(word).hides() || look.judge(part(line, before, end)).hides());
            if !word.is_empty() {
                before = start;
            }
            start = end + 1;
            is_named
        })
}

#[cfg(test)]
mod tests {
    use super::{names_many, names_other, spaced_kind};
    use crate::redact::kind::Kind;
    use crate::redact::read::lex::name_before;
    use crate::redact::tests::with_look;

    #[test]
    fn words_say_together_what_the_last_alone_does_not() {
        for (text, far, kind) in [
            ("the API key", false, Kind::Secret),
            ("my private key", false, Kind::Secret),
            ("password of the database", true, Kind::Secret),
            ("password of the database", false, Kind::Plain),
            ("clé d'API", true, Kind::Secret),
            ("mot de passe", false, Kind::Secret),
            ("la clave del wifi", true, Kind::Secret),
            ("la clave del coche", true, Kind::Maybe),
            ("the row of the table", true, Kind::Plain),
            ("line", true, Kind::Plain),
        ] {
            with_look(text, |look| {
                let name = name_before(look, text.len());
                assert_eq!(spaced_kind(look, &name, far), kind, "{text}");
            });
        }
    }

    #[test]
    fn a_sentence_names_several_secrets() {
        for (text, many) in [
            (
                "bob:\nThese are the passwords of both floors",
                Some("passwords"),
            ),
            ("the API keys", Some("keys")),
            ("the keys of both floors", None),
            ("passwords\nthe rooms of both floors", None),
        ] {
            with_look(text, |look| {
                let found = names_many(look, text.len());
                assert_eq!(found, many.map(str::as_bytes), "{text}");
            });
        }
    }

    #[test]
    fn words_name_together_what_is_no_secret() {
        for (text, other) in [
            ("una Palabra clave", true),
            ("la clave", false),
            ("clave", false),
        ] {
            with_look(text, |look| {
                let name = name_before(look, text.len());
                assert_eq!(names_other(look, &name), other, "{text}");
            });
        }
    }
}
