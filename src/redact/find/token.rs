//! JSON Web Tokens, hashes of `crypt`, and keys in armour.

use crate::redact::catalogue::formats;
use crate::redact::class::Class;
use crate::redact::read::bytes::{self, has_word_at, run_end, run_start};
use crate::redact::read::scope::{Found, Scope};

/// Full stops and commas at the end belong to the sentence.
pub(crate) fn trim_end(scope: &Scope<'_>, start: usize, end: usize) -> usize {
    run_start(scope.text, end, start, |b| {
        matches!(b, b'.' | b',' | b':' | b'|')
    })
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// A JSON Web Token at `start`, which begins with `eyJ`: whole, without its signature, or cut in its header.
pub(crate) fn jwt(scope: &Scope<'_>, start: usize) -> Option<Found> {
    let part = |from| {
        scope.run(from, |b| {
            b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')
        })
    };
    let mut end = part(start);
    if end - start < 10 {
        return None;
    }
    let header = scope.part(start, end);
    let mut parts = 1;
    while scope.at(end) == b'.' && parts < 5 {
        let next = part(end + 1);
        if next == end + 1 && parts > 2 {
            break;
        }
        // `..` stands for an empty part: a detached payload, a direct key.
        end = next;
        parts += 1;
    }
    (formats::is_head_of_token(header) || parts > 1 && end - start > header.len() + 4)
        .then(|| Found::new(start, trim_end(scope, start, end), Class::Jwt))
}

/// A hash of a password in the form of `crypt`: `$6$salt$hash`; `pos` is the first digit of the method.
pub(crate) fn crypt(scope: &Scope<'_>, pos: usize) -> Option<Found> {
    let is_method = |b: u8| bytes::is_token(b) && b != b'_';
    let method = run_end(scope.text, pos, scope.to.min(pos + 10), is_method);
    if scope.at(method) != b'$' {
        return None;
    }
    let from = scope.from.max(pos.saturating_sub(9));
    let dollar = scope.part(from, pos).iter().rposition(|b| *b == b'$')?;
    let start = from + dollar + 1;
    let method = scope.ahead(pos, 10, is_method);
    // `$y$j9T$…`: the digit is one of the parameters.
    let is_yescrypt = scope.last(start, 3) == b"$y$" && scope.at(start) == b'j';
    if scope.at(method) != b'$' || !is_yescrypt && !formats::is_crypt(scope.part(start, method)) {
        return None;
    }
    let end = scope.run(method, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'$' | b'.' | b'/' | b'=' | b',' | b'+')
    });
    let begin = if is_yescrypt { start - 3 } else { start - 1 };
    (end - method >= 16).then(|| Found::new(begin, end, Class::Key))
}

/// A longer key is none, and a shorter line may be a word.
const MAX_HEADLESS: usize = 8_192;
const MIN_LINE: usize = 32;

/// A private key in armour that begins with dashes at `start`, to the end of its last line or to where it was cut.
pub(crate) fn armour(scope: &Scope<'_>, start: usize) -> Option<Found> {
    let line = scope.part(start, start + 80);
    let begin = line.iter().position(|&b| b != b'-' && b != b' ')?;
    if has_word_at(line, begin, formats::END) {
        return headless(scope, start, bytes::rest(line, begin));
    }
    if !has_word_at(line, begin, formats::BEGIN) {
        return None;
    }
    let label_end = bytes::rest(line, begin + 6)
        .windows(4)
        .position(|four| four == b"----")?
        + begin
        + 6;
    let label = bytes::part(line, begin, label_end);
    if !formats::is_secret_armour(label) {
        return None;
    }
    let body = scope.run(start + label_end, |b| b == b'-');
    if scope.at(body) == b'`' {
        return None;
    }
    // A key goes on below its first line; in a sentence about the line, words do.
    let next = scope.ahead(body, 8, |b| b == b' ');
    let word = scope.run(next, is_base64);
    if next > body && word - next < 16 {
        return None;
    }
    match armour_end(scope, body) {
        ArmourEnd::Line(dashes, label) => has_body(scope.part(body, dashes)).then(|| {
            let end = scope.run(label, |b| b == b'-');
            Found::new(start, end, Class::PrivateKey)
        }),
        ArmourEnd::Cut(pos) => {
            let end = cut_end(scope, body, pos);
            (end > body).then(|| Found::new(start, end, Class::PrivateKey))
        }
    }
}

/// What is left of a private key whose first line was cut off, before its last one at `last`.
fn headless(scope: &Scope<'_>, last: usize, label: &[u8]) -> Option<Found> {
    let end = memchr::memchr(b'-', label)?;
    if !formats::is_secret_armour(bytes::part(label, 0, end)) {
        return None;
    }
    let body = scope.back(last, MAX_HEADLESS, |b| {
        is_base64(b) || matches!(b, b'=' | b'\n' | b'\r')
    });
    let body = scope.run(body, |b| b.is_ascii_whitespace());
    let line = scope.ahead(body, 80, is_base64);
    (line - body >= MIN_LINE).then(|| Found::new(body, last, Class::PrivateKey))
}

/// How an armour ends.
enum ArmourEnd {
    /// With a line of its own, whose dashes begin and whose label ends there.
    Line(usize, usize),
    /// Without one; what may be of a key reaches so far.
    Cut(usize),
}

/// The end of an armour whose first line ends at `body`.
fn armour_end(scope: &Scope<'_>, body: usize) -> ArmourEnd {
    let mut pos = body;
    while pos < scope.to {
        let byte = scope.at(pos);
        if byte == b'-' && scope.part(pos, pos + 4) == b"----" {
            let word = scope.run(pos, |b| b == b'-' || b == b' ');
            if has_word_at(scope.text, word, formats::END) {
                let label = scope.run(word, |b| b.is_ascii_alphanumeric() || b == b' ');
                return ArmourEnd::Line(pos, label);
            }
            break;
        }
        if !is_base64(byte) && !b"\n\r\t \\\"',-:.()>|#*".contains(&byte) {
            break;
        }
        pos += 1;
    }
    ArmourEnd::Cut(pos)
}

/// The end of the last run between `body` and `pos` that looks like key material.
fn cut_end(scope: &Scope<'_>, body: usize, pos: usize) -> usize {
    let mut end = body;
    let mut at = body;
    while at < pos {
        let run = run_end(scope.text, at, pos, is_base64);
        if run - at >= 16 {
            end = run;
        }
        at = run.max(at) + 1;
    }
    // Cut behind its first bytes.
    let cut = || {
        let rest = scope.part(body, scope.to).trim_ascii_start();
        let rest = rest.strip_prefix(b"\\n").unwrap_or(rest);
        (1..80).contains(&rest.len()) && rest.iter().all(|b| is_base64(*b))
    };
    if end == body && cut() { scope.to } else { end }
}

/// Whether there is a key between the lines of an armour; code that looks for them has none there.
fn has_body(body: &[u8]) -> bool {
    let runs = body.split(|b| !is_base64(*b));
    let longest = runs.map(<[u8]>::len).max().unwrap_or(0);
    longest >= 12 || body.trim_ascii().len() == longest && longest > 0
}

#[cfg(test)]
mod tests {
    use crate::redact::redact_str;

    #[test]
    fn a_private_key_goes_whole_or_cut() {
        for (text, redacted) in [
            (
                r#"-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0B
-----END PRIVATE KEY-----"#,
                r#"[REDACTED_PRIVATE_KEY]"#,
            ),
            (
                r#"-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0B"#,
                r#"[REDACTED_PRIVATE_KEY]"#,
            ),
            (
                "-----BEGIN OpenVPN Static key V1-----\n3f9a0c71e58b24d6a07c93f1b5e2684d\n7a1c0f95e38b62d4c9710fa6e5b38d20\n-----END OpenVPN Static key V1-----",
                "[REDACTED_PRIVATE_KEY]",
            ),
            (
                r#"ada:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7:20110"#,
                r#"ada:[REDACTED_KEY]:20110"#,
            ),
            (
                r#"root:$6$saltsalt$3f9a0c71e58b24d6a07c93:19000"#,
                r#"root:[REDACTED_KEY]:19000"#,
            ),
        ] {
            assert_eq!(redact_str(text), redacted);
        }
        for text in [
            r#"-----BEGIN CERTIFICATE-----"#,
            r#"the line `-----BEGIN PRIVATE KEY-----` begins it"#,
        ] {
            assert_eq!(redact_str(text), text);
        }
    }
}
