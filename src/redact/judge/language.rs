//! Names in other languages: which of the catalogue's words a name ends in.

use std::sync::LazyLock;

use crate::redact::catalogue::languages::LANGUAGES;
use crate::redact::kind::Kind;
use crate::redact::read::bytes::at;

/// A longer text is no name in the catalogue, endings included.
const MAX_BYTES: usize = 96;
/// Words of many languages have endings that depend on the sentence: so many bytes of another script, which has two
/// and more for a letter.
const MAX_ENDING: usize = 4;

/// Between a word with an ending and the word itself stand as many in order at most.
const NEAR: usize = 4;

/// The catalogue's words without spaces, in order.
struct Table {
    words: Vec<(Box<str>, Kind)>,
    /// How long the ASCII words are that begin with a byte, a bit each: most names fit none.
    lengths: [u64; 128],
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let written =
        |word: &str| -> Box<str> { small(word).filter(|c| !matches!(c, ' ' | '\'')).collect() };
    let rows = LANGUAGES.iter();
    let mut words: Vec<(Box<str>, Kind)> = rows
        .flat_map(|(_, kind, words)| words.iter().map(|word| (written(word), *kind)))
        .collect();
    words.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let mut lengths = [0; 128];
    for (word, _) in words.iter().filter(|(word, _)| word.is_ascii()) {
        if let Some(bits) = lengths.get_mut(usize::from(at(word.as_bytes(), 0))) {
            *bits |= 1 << (word.len() % 64);
        }
    }
    Table { words, lengths }
});

/// What `word`, some last words of a name written as one and in lower case as far as ASCII goes, is the name of.
pub(crate) fn named(word: &[u8]) -> Option<Kind> {
    if word.is_ascii() {
        let bits = TABLE.lengths.get(usize::from(at(word, 0))).copied();
        return if word.len() < 64 && bits.unwrap_or(0) >> word.len() & 1 == 1 {
            found(word)
        } else {
            None
        };
    }
    let text = std::str::from_utf8(word).ok()?;
    let mut lower = [0; MAX_BYTES];
    let mut length = 0;
    for letter in small(text) {
        let slot = lower.get_mut(length..length + letter.len_utf8())?;
        letter.encode_utf8(slot);
        length += letter.len_utf8();
    }
    let lower = std::str::from_utf8(lower.get(..length)?).ok()?;
    if let Some(kind) = found(lower.as_bytes()) {
        return Some(kind);
    }
    // Chinese and Japanese set no spaces before the words, Korean and others none before endings.
    let starts = lower.char_indices().map(|(start, _)| start);
    let spaceless = |start: &usize| {
        *start == 0
            || at(lower.as_bytes(), *start) >= 0xE3
            || at(lower.as_bytes(), *start - 1) >= 0x80 && at(lower.as_bytes(), *start) < 0x80
    };
    starts
        .filter(spaceless)
        .filter_map(|start| lower.get(start..))
        .find_map(|word| found(word.as_bytes()))
}

/// Whether an ASCII word is one of the catalogue, whatever its case.
pub(crate) fn is_word(word: &[u8]) -> bool {
    word.is_ascii() && named_in_any_case(word).is_some()
}

/// What a word in any case is the name of.
pub(crate) fn named_in_any_case(word: &[u8]) -> Option<Kind> {
    let mut lower = [0; MAX_BYTES];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    named(lower)
}

/// The letters in lower case; a Greek one that has two forms in the one that does not end words. The Turkish ones are as
/// those of other languages, whose capitals they may be, unless that leaves a word that another language may have: `sır`.
fn small(text: &str) -> impl Iterator<Item = char> {
    const DOT: char = '\u{307}';
    let is_turkish = text
        .chars()
        .any(|letter| !letter.is_ascii() && letter != 'ı');
    text.chars()
        .flat_map(char::to_lowercase)
        .filter(|letter| *letter != DOT)
        .map(move |letter| match letter {
            'ς' => 'σ',
            'ı' if is_turkish => 'i',
            other => other,
        })
}

/// The row of a word, or of one that the word is but for its ending.
fn found(word: &[u8]) -> Option<Kind> {
    let behind = TABLE
        .words
        .partition_point(|(known, _)| known.as_bytes() <= word);
    let before = TABLE.words.get(..behind)?.iter().rev().take(NEAR);
    before
        .filter_map(|(known, kind)| {
            let ending = word.strip_prefix(known.as_bytes())?;
            (ending.is_empty() || !known.is_ascii() && ending.len() <= MAX_ENDING).then_some(*kind)
        })
        .next()
}

#[cfg(test)]
mod tests {
    use crate::redact::catalogue::languages::LANGUAGES;
    use crate::redact::judge::name::judge;
    use crate::redact::kind::Kind;
    use crate::redact::tests::{in_capitals, leaves, redacts};

    #[test]
    fn every_word_of_every_language_names_what_its_row_says() {
        for (language, kind, words) in LANGUAGES {
            for word in *words {
                let joined = word.replace([' ', '\''], "_");
                let [title, capitals] = in_capitals(&joined);
                for name in [
                    (*word).to_owned(),
                    title,
                    capitals,
                    format!("db_{joined}"),
                    joined,
                ] {
                    let said = judge(name.as_bytes());
                    // A one-time password is a password, too.
                    let hides = kind.hides() || *kind == Kind::Pin;
                    let fits = said == *kind || hides && said.hides();
                    assert!(fits, "{language}: {name} is {said:?}");
                }
            }
        }
    }

    #[test]
    fn what_stands_under_the_words_goes() {
        for (_, kind, words) in LANGUAGES {
            let value = match kind {
                Kind::Pin => "482913",
                Kind::Plain => continue,
                Kind::Phone => "0612345678",
                _ => "hunter2xK",
            };
            let capitals = words.iter().flat_map(|word| in_capitals(word));
            for word in words.iter().map(ToString::to_string).chain(capitals) {
                let text = |value: &str| {
                    let name = word.replace([' ', '\''], "_");
                    format!("{name}=\"{value}\"\n{word}: {value}\n")
                };
                let class = if *kind == Kind::Phone {
                    "PHONE"
                } else {
                    "FIELD"
                };
                redacts(&[(&text(value), &text(&format!("[REDACTED_{class}]")))]);
            }
        }
    }

    #[test]
    fn words_that_contain_them_stay() {
        leaves(&[
            "palabra_clave=\"redactor2025\"",
            "classe=\"hunter2xK\"",
            "Passwort: erforderlich",
            "behavior = \"hunter2xK\"",
        ]);
    }
}
