//! What the word before a value makes of it: credentials behind a scheme, a literal, an argument, a sentence.

use crate::redact::catalogue::{formats, headers};
use crate::redact::class::Class;
use crate::redact::find::look::Look;
use crate::redact::find::token::trim_end;
use crate::redact::find::{command, sentence};
use crate::redact::judge::placeholder;
use crate::redact::read::bytes::{self, at, before, is_credential, run_start};
use crate::redact::read::lex::is_assignment;
use crate::redact::read::scope::{Found, Scope};

/// Fewer characters are no credentials.
const MIN_CREDENTIALS: usize = 12;

/// What is longer names no block.
const MAX_LABEL: usize = 128;

/// Whether what begins at `start` is the last column of a line in a jar of cookies: domain, subdomains, path, secure,
/// expiry, name, value.
fn ends_cookie_line(scope: &Scope<'_>, start: usize) -> bool {
    let mut end = start - 1;
    for column in (0..6).rev() {
        let floor = scope.origin.max(end.saturating_sub(128));
        let from = run_start(scope.text, end, floor, |b| !matches!(b, b'\t' | b'\n'));
        let cell = bytes::part(scope.text, from, end);
        let fits = match column {
            4 => !cell.is_empty() && cell.iter().all(u8::is_ascii_digit),
            3 | 1 => formats::is_flag_of_jar(cell),
            _ => !cell.is_empty(),
        };
        if !fits || column > 0 && (from <= scope.origin || before(scope.text, from) != b'\t') {
            return false;
        }
        end = from.saturating_sub(1);
    }
    true
}

/// A run at `start` that holds a digit: what the word before it makes of it.
pub(crate) fn after_word(look: &Look<'_>, start: usize) -> Option<Found> {
    if look.before(start) == b'\t' && ends_cookie_line(look, start) {
        let end = look.run(start, |b| !matches!(b, b'\t' | b'\n' | b'\r'));
        let value = look.part(start, end);
        return (!placeholder::has_mark(value)).then(|| Found::new(start, end, Class::Field));
    }
    if look.before(start) == b'\n'
        && let Some(found) = command::printed(look, start)
    {
        return Some(found);
    }
    let gap = look.back(start, 4, |b| matches!(b, b' ' | b'\t' | b'"' | b'\''));
    if (look.is_near_tool(start) || at(look.text, start) == b'/' || before(look.text, gap) == b'<')
        && let Some(found) = command::argument(look, start)
    {
        return Some(found);
    }
    // No word fits before it.
    if start < look.from + 3 {
        return sentence::value(look, start);
    }
    if is_label_of_block(look, gap, start) {
        return None;
    }
    if gap == start {
        return sentence::value(look, start);
    }
    let word_start = look.back(gap, 24, bytes::is_token);
    let word = look.part(word_start, gap);
    // `$TOKEN` is a variable, and what follows it something else.
    if matches!(look.before(word_start), b'$' | b'{') {
        return None;
    }
    // `token_type=bearer token_count=1822`
    let is_value = look.before(word_start) == b'=' && is_assignment(look, start);
    if headers::is_scheme(word)
        && !is_value
        && let Some(found) = credentials(look, start, word)
    {
        return Some(found);
    }
    sentence::value(look, start)
}

/// What stands at `start` behind a scheme, if it is more than a word.
pub(crate) fn credentials(scope: &Scope<'_>, start: usize, scheme: &[u8]) -> Option<Found> {
    let end = trim_end(scope, start, scope.run(start, is_credential));
    let value = scope.part(start, end);
    // `basic understanding12` is prose.
    let word = value
        .iter()
        .take_while(|b| b.is_ascii_lowercase() || **b == b'-')
        .count();
    // The hash of a file, or of an image.
    let hash = headers::is_also_hash(scheme) && {
        let colon = memchr::memchr(b':', value).map_or(0, |n| n + 1);
        bytes::rest(value, colon).iter().all(u8::is_ascii_hexdigit)
    };
    let class = if value.starts_with(formats::JSON) {
        Class::Jwt
    } else {
        Class::Key
    };
    (value.len() >= MIN_CREDENTIALS
        && word + 2 < value.len()
        && !hash
        && !is_design(value)
        && !placeholder::is_placeholder(value))
    .then(|| Found::new(start, end, class))
}

/// Whether a value is the name of a piece of a design: `color/danger/600`, `$font.size.xl2`, `--color-danger-600`.
fn is_design(value: &[u8]) -> bool {
    let named = value.strip_prefix(b"$").or(value.strip_prefix(b"--"));
    let is_number = |part: &[u8]| part.len() <= 4 && part.iter().all(u8::is_ascii_digit);
    let is_word = |part: &[u8]| {
        let letters = part.iter().take_while(|b| b.is_ascii_lowercase()).count();
        letters > 0 && is_number(bytes::rest(part, letters))
    };
    (named.is_some() || memchr::memchr(b'/', value).is_some())
        && named
            .unwrap_or(value)
            .split(|b| matches!(b, b'/' | b'-' | b'.'))
            .all(|part| !part.is_empty() && (is_number(part) || is_word(part)))
}

/// Whether the literal at `start` is the last of those that name a block: `resource "aws_iam_access_key" "ci" {`.
fn is_label_of_block(scope: &Scope<'_>, gap: usize, start: usize) -> bool {
    if !scope.part(gap, start).ends_with(b"\" \"") {
        return false;
    }
    let close = scope.ahead(start, MAX_LABEL, |b| !matches!(b, b'"' | b'\n'));
    scope.part(close, close + 3) == b"\" {"
}

#[cfg(test)]
mod tests {
    use crate::redact::tests::{leaves, redacts};

    #[test]
    fn what_follows_a_scheme_goes_and_the_scheme_stays() {
        redacts(&[
            (
                "send Bearer hunter2hunter2x with it",
                "send Bearer [REDACTED_KEY] with it",
            ),
            ("ApiKey zebra9crossing.", "ApiKey [REDACTED_KEY]."),
            ("my token zebra9x", "my token [REDACTED_FIELD]"),
        ]);
    }

    #[test]
    fn the_value_in_a_line_of_a_cookie_jar_goes() {
        let line = |value| format!(".example.com\tTRUE\t/\tTRUE\t1893456000\tsession\t{value}\n");
        redacts(&[(&line("a8Fk39dkQ02ms8Gk"), &line("[REDACTED_FIELD]"))]);
        leaves(&["a\tTRUE\t/\tTRUE\tlater\tsession\ta8Fk39\n", "7\ta8Fk39\n"]);
    }

    #[test]
    fn prose_hashes_variables_and_names_of_blocks_stay() {
        leaves(&[
            "a basic understanding12 of it",
            "token_type=bearer token_count=1822",
            "Bearer ${TOKEN1}",
            "image digest sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "resource \"aws_iam_access_key\" \"ci7build\" {",
            "echo $TOKEN hunter2xK9",
            "token color/danger/600 is darker",
            "token $color.danger.600 is darker",
            "token --color-danger-600 is darker",
            "use token font/size/xl2 here",
        ]);
    }
}
