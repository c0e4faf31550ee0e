//! Settings whose name and value are words side by side on a line: the engine for the rows of places.

use crate::redact::catalogue::places::{self, CLASS, Looks, PLACES, Place, Takes};
use crate::redact::find::look::Look;
use crate::redact::find::table;
use crate::redact::judge::value;
use crate::redact::read::bytes::{self, at, part, run_end, run_start};
use crate::redact::read::lex::is_blank;
use crate::redact::read::scope::Found;

/// A longer line is none of a file of settings.
const MAX_LINE: usize = 256;
/// So much is looked at of a place whose words stand on several lines.
const MAX_PLACE: usize = 2 * MAX_LINE;

/// Whether the first line could be such a setting; so a text of one line is not looked at in vain.
pub(crate) fn may_begin(text: &[u8], from: usize) -> bool {
    let near = part(text, from, from + MAX_LINE);
    places::may_begin(at(near, 0), at(near, 1))
        && PLACES.iter().any(|place| {
            first_words(place).any(|word| {
                near.starts_with(word.as_bytes())
                    && (place.takes == Takes::Joined || is_blank(at(near, word.len())))
            })
        })
}

fn first_words(place: &Place) -> impl Iterator<Item = &'static str> {
    place.words.split(' ').next().unwrap_or_default().split('|')
}

/// Reports the values of such settings.
pub(crate) fn settings(look: &mut Look<'_>) {
    let mut line = look.from;
    let mut above = None;
    while line < look.to {
        let end = look.line_end(line);
        let start = run_end(look.text, line, end, is_blank);
        match look.at(start) {
            b'|' if look.at(start + 1) == b'|' => table::under_strokes(look, start, end),
            b'|' | b'+' | b'-' | b':' => {
                // The table that a text begins with was looked at.
                if let Some((first, last)) = above
                    && first > look.from
                    && table::is_rule(look.part(start, end))
                {
                    table::under_rule(look, first, last, end);
                }
            }
            _ => {}
        }
        setting(look, start, end);
        above = Some((line, end));
        line = end + 1;
    }
}

/// A setting that begins at `start`, on a line that ends at `end`.
fn setting(look: &mut Look<'_>, start: usize, end: usize) {
    let prompt = prompt(look.part(start, end.min(start + 64)));
    let start = start + prompt;
    if !places::may_begin(look.at(start), look.at(start + 1)) {
        return;
    }
    let near = look.part(start, look.to.min(start + MAX_PLACE));
    let word = near.iter().take_while(|b| !is_blank(**b)).count();
    if word == near.len() && !near.starts_with(b"::") {
        return;
    }
    for place in PLACES {
        let is_first = first_words(place).any(|first| {
            let first = first.as_bytes();
            part(near, 0, word) == first || place.takes == Takes::Joined && near.starts_with(first)
        });
        if is_first && let Some(behind) = behind(place, near) {
            let looks = match place.looks {
                // Words alone are a heading, unless a client asked for them.
                Looks::Chosen if prompt > 0 => Looks::Literal,
                looks => looks,
            };
            take(look, place.takes, looks, start + behind);
        }
    }
}

/// How long the prompt of a client is, `127.0.0.1:6379> `.
fn prompt(line: &[u8]) -> usize {
    let is_host =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'-' | b'_' | b'(' | b')');
    bytes::find(line, b"> ")
        .filter(|end| part(line, 0, *end).iter().all(is_host))
        .map_or(0, |n| n + 2)
}

/// Where the words of a place end in a text that begins with the first of them.
fn behind(place: &Place, text: &[u8]) -> Option<usize> {
    if place.takes == Takes::Joined {
        return Some(place.words.len());
    }
    let mut pos = 0;
    for pattern in place.words.split(' ') {
        let start = run_end(text, pos, text.len(), |b| b.is_ascii_whitespace());
        pos = run_end(text, start, text.len(), |b| !b.is_ascii_whitespace());
        let word = part(text, start, pos);
        let fits = |known: &str| known == "*" && !word.is_empty() || known.as_bytes() == word;
        if !pattern.split('|').any(fits) {
            return None;
        }
    }
    Some(pos)
}

/// Reports what stands behind the words of a place, which end at `behind`.
fn take(look: &mut Look<'_>, takes: Takes, looks: Looks, behind: usize) {
    let line_end = memchr::memchr(b'\n', look.part(behind, look.to.min(behind + MAX_LINE)))
        .map_or(look.to.min(behind + MAX_LINE), |n| behind + n);
    let end = run_start(look.text, line_end, behind, |b| b.is_ascii_whitespace());
    let word_end = |from: usize| run_end(look.text, from, end, |b| !is_blank(b));
    let mut first = run_end(look.text, behind, end, is_blank);
    // How the secret is written, in a digit: `secret 5 …`.
    if word_end(first) == first + 1 && look.at(first).is_ascii_digit() && first + 1 < end {
        first = run_end(look.text, first + 1, end, is_blank);
    }
    match takes {
        Takes::Next => hide(look, looks, first, word_end(first)),
        Takes::Joined => hide(look, looks, behind, end),
        Takes::Last => {
            let last = run_start(look.text, end, first, |b| !is_blank(b));
            hide(look, looks, last, end);
        }
        Takes::Only => only(look, looks, first, end),
        Takes::Named => {
            let to = word_end(first);
            let name = look.part(first, to);
            if memchr::memchr(b'=', name).is_none() && look.judge(name).hides() {
                let value = run_end(look.text, to, end, is_blank);
                only(look, looks, value, end);
            }
        }
        Takes::Marked(sign) => {
            let mut pos = first;
            while pos < end {
                let to = run_end(look.text, pos, end, |b| !is_blank(b));
                if look.at(pos) == sign {
                    hide(look, looks, pos + 1, to);
                }
                pos = run_end(look.text, to, end, is_blank);
            }
        }
    }
}

/// Reports one word, or a literal, that reaches to the end of its line, without the line end that it types.
fn only(look: &mut Look<'_>, looks: Looks, from: usize, end: usize) {
    let quote = look.at(from);
    let is_quote = matches!(quote, b'"' | b'\'') && end > from + 1;
    let literal = look.part(from, end);
    // It may go on on the next line, and ends with the line that it types.
    let is_open = is_quote && memchr::memchr_iter(quote, literal).count() == 1;
    if is_open || is_quote && literal.last() == Some(&quote) {
        let typed = value::typed(look.part(from + 1, end - usize::from(!is_open)));
        hide(look, looks, from + 1, from + 1 + typed.len());
    } else if !literal.iter().any(|b| is_blank(*b)) {
        hide(look, looks, from, end);
    }
}

/// Reports a value that looks as it must.
fn hide(look: &mut Look<'_>, looks: Looks, from: usize, to: usize) {
    let is_quoted = to > from + 2 && look.at(from) == b'"' && look.before(to) == b'"';
    let (from, to) = if is_quoted {
        (from + 1, to - 1)
    } else {
        (from, to)
    };
    let value = look.part(from, to);
    let is_chosen = |b: &u8| b.is_ascii_digit() || b"!@#$%^&*_".contains(b);
    let takes = value::is_real(value)
        && match looks {
            Looks::Any => true,
            Looks::Literal => value::is_literal(value, b""),
            Looks::Chosen => value::is_literal(value, b"") && value.iter().any(is_chosen),
        };
    look.report(takes.then(|| Found::new(from, to, CLASS)));
}

#[cfg(test)]
mod tests {
    use crate::redact::redact_str;
    use crate::redact::tests::{leaves, redacts};

    #[test]
    fn a_client_asked_for_what_it_is_given() {
        let text = "127.0.0.1:6379> AUTH Schmetterling\nOK\n";
        assert_eq!(
            redact_str(text),
            "127.0.0.1:6379> AUTH [REDACTED_FIELD]\nOK\n"
        );
        let text = "AUTH Schmetterling\nOK\n";
        assert_eq!(redact_str(text), text);
    }

    #[test]
    fn what_is_typed_stays_between_its_quotes() {
        for sent in [
            "expect \"password:\" send \"{}\\n\"",
            "expect \"password:\" send \"{}\n\"",
            "expect \"password:\" send \"{}\\r\"",
            "expect \"password:\"\nsend \"{}\\r\"",
            "expect \"password:\"\nsend \"{}\n\"",
            "expect \"Password:\"\nsend \"{}\\n\"",
        ] {
            let with = |value: &str| sent.replace("{}", value);
            redacts(&[(&with("hunter2xK9"), &with("[REDACTED_FIELD]"))]);
            for other in ["$pw", "[lindex $argv 0]", "yes"] {
                leaves(&[&with(other)]);
            }
        }
    }

    #[test]
    fn a_setting_names_its_value_or_stays() {
        let text = "FROM app\nENV DB_PASSWORD \"tangerine moon\"\n";
        assert_eq!(
            redact_str(text),
            "FROM app\nENV DB_PASSWORD \"[REDACTED_FIELD]\"\n"
        );
        let text = "FROM app\nENV MODE \"tangerine moon\"\n";
        assert_eq!(redact_str(text), text);
    }
}
