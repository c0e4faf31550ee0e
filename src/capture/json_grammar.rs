//! The grammar of JSON numbers and string escapes (RFC 8259).

use super::writer::Stop;

/// A longer number is kept as a string: no receiver computes with so many digits.
pub(crate) const MAX_NUMBER_BYTES: usize = 64;

/// Whether a text is a JSON number.
pub(crate) fn is_number(text: &str) -> bool {
    fn digits(bytes: &[u8]) -> (&[u8], bool) {
        let count = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
        (bytes.get(count..).unwrap_or_default(), count > 0)
    }
    let bytes = text.as_bytes();
    let bytes = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let (mut rest, mut good) = match bytes.strip_prefix(b"0") {
        Some(rest) => (rest, true),
        None => digits(bytes),
    };
    if let Some(fraction) = rest.strip_prefix(b".") {
        let (after, any) = digits(fraction);
        (rest, good) = (after, good && any);
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let unsigned = exponent
            .strip_prefix(b"+")
            .or_else(|| exponent.strip_prefix(b"-"))
            .unwrap_or(exponent);
        let (after, any) = digits(unsigned);
        (rest, good) = (after, good && any);
    }
    good && rest.is_empty()
}

/// Whether a number is within what receivers can hold, which is a double: many refuse a whole request for one beyond.
/// Only an exponent takes so short a text out of it.
pub(crate) fn is_in_range(number: &str) -> bool {
    let has_exponent = number.bytes().any(|b| matches!(b, b'e' | b'E'));
    !has_exponent || number.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Replaces the escapes of a string by what they stand for; half of a surrogate pair becomes U+FFFD.
/// Ends soon after `most` bytes of text.
pub(crate) fn unescape(raw: &str, most: usize) -> Result<String, Stop> {
    let mut text = String::with_capacity(raw.len().min(most));
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        text.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        let Escape { character, bytes } = escape(rest).ok_or(Stop::Foreign)?;
        text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = rest.get(bytes..).unwrap_or_default();
        if text.len() >= most {
            return Ok(text);
        }
    }
    text.push_str(rest);
    Ok(text)
}

/// Checks that each escape is one that JSON knows. Returns `false` when half of a surrogate pair is
/// among them: a receiver refuses the whole request for it.
pub(crate) fn escapes_are_sound(raw: &str) -> Result<bool, Stop> {
    let mut rest = raw;
    let mut sound = true;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        rest = rest.get(at + 1..).unwrap_or_default();
        let Escape { character, bytes } = escape(rest).ok_or(Stop::Foreign)?;
        sound &= character.is_some();
        rest = rest.get(bytes..).unwrap_or_default();
    }
    Ok(sound)
}

/// An escape behind its backslash.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Escape {
    /// What it stands for; `None` if it is half of a surrogate pair.
    pub(crate) character: Option<char>,
    /// How many bytes spell it.
    pub(crate) bytes: usize,
}

/// Reads one escape behind its backslash; `None` when JSON does not know it.
pub(crate) fn escape(rest: &str) -> Option<Escape> {
    fn unit(rest: &str) -> Option<u32> {
        let hex = rest.get(1..5)?;
        hex.bytes().all(|b| b.is_ascii_hexdigit()).then_some(())?;
        u32::from_str_radix(hex, 16).ok()
    }
    let character = match rest.as_bytes().first()? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let first = unit(rest)?;
            let low = || {
                let next = rest.get(5..)?.strip_prefix('\\')?;
                let low = next.starts_with('u').then(|| unit(next)).flatten()?;
                (0xdc00..=0xdfff).contains(&low).then_some(low)
            };
            let (code, bytes) = match first {
                0xd800..=0xdbff => match low() {
                    Some(low) => (0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00), 11),
                    None => (first, 5),
                },
                code => (code, 5),
            };
            let character = char::from_u32(code);
            return Some(Escape { character, bytes });
        }
        _ => return None,
    };
    Some(Escape {
        character: Some(character),
        bytes: 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_grammar() {
        for good in [
            "0",
            "-0",
            "10",
            "1.0",
            "0.5",
            "1e9",
            "1E+9",
            "-1.5e-9",
            "123456789012345678901234567890",
        ] {
            assert!(is_number(good), "{good}");
        }
        for bad in [
            "", "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "1.e5", "0x1", "NaN", "1 ", " 1",
            "1-", "--1",
        ] {
            assert!(!is_number(bad), "{bad}");
        }
    }

    #[test]
    fn escapes_are_read_as_serde_json_reads_them() {
        for raw in [
            r"\n\t\r\b\f\/\\\u0041",
            r"\u00e9\u20AC",
            r"\ud83d\ude00 and \uD83D\uDE00",
            r"a\u0000b",
        ] {
            let expected: String = serde_json::from_str(&format!("\"{raw}\"")).unwrap();
            assert_eq!(unescape(raw, usize::MAX).unwrap(), expected, "{raw}");
        }
        for (raw, expected) in [
            (r"\ud83d", "\u{fffd}"),
            (r"\ud83dx", "\u{fffd}x"),
            (r"\ude00", "\u{fffd}"),
            (r"\ud83d\u0041", "\u{fffd}A"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
        ] {
            assert_eq!(unescape(raw, usize::MAX).unwrap(), expected, "{raw}");
        }
        for raw in [r"\x", r"\u12", r"\u12g4", r"\", r"\u+123", r"\ud83d\x"] {
            assert_eq!(unescape(raw, usize::MAX), Err(Stop::Foreign), "{raw}");
        }
    }

    #[test]
    fn half_of_a_surrogate_pair_is_not_sound() {
        for raw in ["", "plain", r"\n\u00e9", r"\ud83d\ude00"] {
            assert_eq!(escapes_are_sound(raw), Ok(true), "{raw}");
        }
        for raw in [r"\ud83d", r"\ude00 x", r"\ud83d\u0041"] {
            assert_eq!(escapes_are_sound(raw), Ok(false), "{raw}");
        }
        for raw in [r"\x", r"\u12", "\\"] {
            assert_eq!(escapes_are_sound(raw), Err(Stop::Foreign), "{raw}");
        }
    }
}
