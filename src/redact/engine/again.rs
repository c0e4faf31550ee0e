//! The same secret at other places: what was found under a name goes wherever else it stands.

use crate::redact::class::{Class, MOST_NAMED, Tag};
use crate::redact::engine::edit::{Edit, merge};
use crate::redact::engine::span::Span;
use crate::redact::judge::random;
use crate::redact::read::bytes::{at, before, part, run_start, word as eight};

/// A shorter one may be a word that stands elsewhere by chance; a longer one is no word at all.
const LENGTHS: std::ops::RangeInclusive<usize> = 12..=256;

/// Adds the other places, within `spans` of `text`, of the secrets that `edits` hide, which stand in order, and of those
/// that were `named` elsewhere. Returns whether there are any: a mark where no rule found one could be read otherwise than
/// what stood there.
pub(crate) fn again(
    text: &[u8],
    spans: &[Span],
    edits: &mut Vec<Edit>,
    named: &[Box<[u8]>],
) -> bool {
    let found = edits.len();
    if found == 0 && named.is_empty() {
        return false;
    }
    let mut looked_for: [&[u8]; MOST_NAMED] = [&[]; MOST_NAMED];
    let mut count = 0;
    for index in 0..found {
        let Some(&edit) = edits.get(index) else { break };
        let word = part(text, edit.start, edit.end);
        let known = looked_for.get(..count).unwrap_or_default();
        if !is_sought(&edit, word) || known.contains(&word) {
            continue;
        }
        let Some(slot) = looked_for.get_mut(count) else {
            break;
        };
        *slot = word;
        count += 1;
        if let Some(tag) = edit.tag() {
            places(text, spans, (word, tag), found, edits);
        }
    }
    let known = looked_for.get(..count).unwrap_or_default();
    for word in named.iter().filter(|word| !known.contains(&&***word)) {
        places(text, spans, (word, Class::Field.tag()), found, edits);
    }
    let any = edits.len() > found;
    if any {
        merge(edits, 0);
    }
    any
}

/// Whether a finding is one whose text is looked for at other places.
fn is_sought(edit: &Edit, word: &[u8]) -> bool {
    LENGTHS.contains(&word.len()) && is_named(edit)
}

/// The secrets among findings that are looked for at other places, also in other texts.
pub(crate) fn sought<'t>(text: &'t [u8], edits: &'t [Edit]) -> impl Iterator<Item = &'t [u8]> {
    edits.iter().filter_map(|edit| {
        let word = part(text, edit.start, edit.end);
        (is_sought(edit, word) && is_unique(word)).then_some(word)
    })
}

/// Adds the places of a secret that the first of the edits, `found` of them, do not hide.
fn places(
    text: &[u8],
    spans: &[Span],
    (word, tag): (&[u8], Tag),
    found: usize,
    edits: &mut Vec<Edit>,
) {
    let (rare, byte) = rarest(word);
    let head = eight(word, 0);
    // What stands elsewhere is judged only then, since hardly any secret does.
    let (mut is_judged, mut behind) = (false, 0);
    for span in spans {
        if span.start + word.len() > span.end {
            continue;
        }
        for place in memchr::memchr_iter(byte, part(text, span.start, span.end)) {
            let Some(start) = place.checked_sub(rare).map(|offset| span.start + offset) else {
                continue;
            };
            let end = start + word.len();
            // Its first bytes stand at hardly any place, and to compare all costs a call.
            let begins = eight(text, start) == head;
            if !begins || end > span.end || part(text, start, end) != word {
                continue;
            }
            let before = |edit: &Edit| edit.end <= start;
            while behind < found && edits.get(behind).is_some_and(before) {
                behind += 1;
            }
            let hides = |edit: &Edit| edit.start <= start && end <= edit.end;
            if behind < found && edits.get(behind).is_some_and(hides) {
                continue;
            }
            if !is_judged && !is_unique(word) {
                return;
            }
            is_judged = true;
            if !is_escaped(text, start) {
                edits.push(Edit::mark(start, end, tag));
            }
        }
    }
}

/// Where a byte of a word stands that other texts have seldom, and the byte: a capital or a rare letter, else a digit.
fn rarest(word: &[u8]) -> (usize, u8) {
    let is_rare = |b: &u8| matches!(b, b'A'..=b'Z' | b'j' | b'q' | b'x' | b'z');
    let digit = || word.iter().position(u8::is_ascii_digit);
    let rare = word.iter().position(is_rare).or_else(digit).unwrap_or(0);
    (rare, at(word, rare))
}

fn is_named(edit: &Edit) -> bool {
    [Class::Field, Class::Password, Class::Key]
        .iter()
        .any(|class| edit.tag() == Some(class.tag()))
}

/// Whether a secret is one word that stands nowhere by chance, and in JSON within strings alone: no number, no sign of
/// JSON and no escape.
fn is_unique(secret: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"_-+/=.~!@#$%^*?".contains(b);
    secret.iter().all(plain)
        && secret
            .iter()
            .any(|b| b.is_ascii_alphabetic() && !matches!(b, b'e' | b'E'))
        && random::is_issued(secret)
}

/// Whether the byte at `pos` may be part of an escape, which a mark would cut.
fn is_escaped(text: &[u8], pos: usize) -> bool {
    let code = run_start(text, pos, pos.saturating_sub(3), |b| b.is_ascii_hexdigit());
    let from = if before(text, code) == b'u' {
        code - 1
    } else {
        pos
    };
    before(text, pos) == b'\\' || before(text, from) == b'\\'
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::is_escaped;
    use crate::redact::tests::{key, leaves, redacts, sealed};
    use crate::redact::{Redactor, redact_str, redact_value};

    #[test]
    fn what_was_found_under_a_name_goes_before_and_behind_it() {
        redacts(&[
            (
                "try zX9kQ2mW7vB4tR now\npassword=zX9kQ2mW7vB4tR\nretry /zX9kQ2mW7vB4tR/a",
                "try [REDACTED_FIELD] now\npassword=[REDACTED_FIELD]\nretry /[REDACTED_FIELD]/a",
            ),
            (
                "https://bob:zX9kQ2mW7vB4tR@db.example.com/ was zX9kQ2mW7vB4tR",
                "https://bob:[REDACTED_PASSWORD]@db.example.com/ was [REDACTED_PASSWORD]",
            ),
        ]);
    }

    #[test]
    fn it_goes_in_every_field_that_the_caller_gave_and_in_no_other() {
        let json = r#"{"id":"zX9kQ2mW7vB4tR","a":{"q":"use zX9kQ2mW7vB4tR"},"b":{"token":"zX9kQ2mW7vB4tR"},"c":["zX9kQ2mW7vB4tR"]}"#;
        let spans: Vec<Range<usize>> = [
            r#"{"q":"use zX9kQ2mW7vB4tR"}"#,
            r#"{"token":"zX9kQ2mW7vB4tR"}"#,
            r#"["zX9kQ2mW7vB4tR"]"#,
        ]
        .map(|part| json.find(part).map_or(0..0, |at| at..at + part.len()))
        .to_vec();
        assert_eq!(
            sealed(&Redactor::default(), json, &spans, Some(json.len() - 1)),
            r#"{"id":"zX9kQ2mW7vB4tR","a":{"q":"use [REDACTED_FIELD]"},"b":{"token":"[REDACTED_FIELD]"},"c":["[REDACTED_FIELD]"],"redactions":{"field":3}}"#
        );
        let value: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
        assert!(!redact_value(&value).to_string().contains("zX9kQ2mW7vB4tR"));
    }

    #[test]
    fn a_word_that_someone_chose_goes_where_it_is_named_alone() {
        let text = "password=production-2024 for production-2024, secret=zX9kQ2m in zX9kQ2m";
        let redacted =
            "password=[REDACTED_FIELD] for production-2024, secret=[REDACTED_FIELD] in zX9kQ2m";
        redacts(&[(text, redacted)]);
        leaves(&["zX9kQ2mW7vB4tR again zX9kQ2mW7vB4tR"]);
    }

    #[test]
    fn what_ends_where_a_secret_begins_again_is_found() {
        let text = |key: &str, number: &str| format!("{key} and {number}{key}");
        let redacted = redact_str(&text(&key(), "123-45-6789")).into_owned();
        assert_eq!(redacted, text("[REDACTED_KEY]", "[REDACTED_SSN]"));
    }

    #[test]
    fn nine_secrets_are_more_than_are_remembered() {
        let secret = |n: usize| format!("zX9kQ2mW7vB4t{n}");
        let named: String = (0..9).map(|n| format!("token={}\n", secret(n))).collect();
        let text = format!("{named}{} {}", secret(7), secret(8));
        let redacted = redact_str(&text).into_owned();
        assert!(
            redacted.ends_with(&format!("\n[REDACTED_FIELD] {}", secret(8))),
            "{redacted}"
        );
    }

    #[test]
    fn a_secret_that_is_named_often_is_remembered_once() {
        let text = |often: &str, once: &str| {
            let named = format!("token={often}\n").repeat(9);
            format!("{named}secret={once}\nand {once}")
        };
        redacts(&[(
            &text("zX9kQ2mW7vB4tR", "aB3xY9kQ2mZ7wL"),
            &text("[REDACTED_FIELD]", "[REDACTED_FIELD]"),
        )]);
    }

    #[test]
    fn an_escape_is_not_cut() {
        for (text, at) in [(r"\nX", 1), (r"\u00e9X", 4), (r"\u00e9X", 2)] {
            assert!(is_escaped(text.as_bytes(), at), "{text}");
        }
        for (text, at) in [(r"nX", 0), (r"\nX", 2), (r"\u00e9X", 6), ("u00e9", 3)] {
            assert!(!is_escaped(text.as_bytes(), at), "{text}");
        }
    }
}
