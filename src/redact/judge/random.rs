//! How random a word looks: as a key does, and no name of a thing.

use wide::u8x16;

use crate::base::text::sixteen_of;
use crate::redact::catalogue::keys::{
    Tail, Tail::Any, Tail::Capital, Tail::Cased, Tail::Hex, Tail::Parted, Tail::Random,
    Tail::Strong,
};
use crate::redact::catalogue::words;
use crate::redact::judge::code;
use crate::redact::judge::id::is_uuid;
use crate::redact::read::bytes::{among, digits, each_byte, is_base64, part};
use crate::redact::read::kinds::{self, Kinds};

/// Whether a tail looks like a key and not like words.
pub(crate) fn is_random(tail: &[u8], kind: Tail) -> bool {
    // What does not look random so far will not further on.
    let tail = part(tail, 0, 64);
    let found = match kind {
        Any => true,
        Hex => {
            tail.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-')
                && digits(tail) >= 4
                // An account, an order: of sixteen random digits one is a letter, all but once in two thousand times.
                && tail.iter().any(u8::is_ascii_alphabetic)
        }
        Strong => is_strong(tail),
        Parted => memchr::memchr(b'_', tail).is_some() && is_strong(tail),
        Cased => is_cased(tail),
        Capital => {
            digits(tail) >= 4
                && tail
                    .iter()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'-')
        }
        Random => is_mixed(tail),
    };
    found
        && !tail.ends_with(words::EXAMPLE)
        && !is_filler(tail)
        && (!code::is_snake(tail, 2) || turns(tail) >= 4)
        && (matches!(kind, Any | Hex | Capital) || !is_spelled_out(tail))
        && (!matches!(kind, Cased | Strong) || !is_of_words(tail))
}

/// Both cases and digits, or hexadecimal digits.
pub(crate) fn is_strong(tail: &[u8]) -> bool {
    let is_hex = |b: &u8| b.is_ascii_hexdigit() || *b == b'-';
    is_cased(tail) || tail.len() >= 16 && digits(tail) >= 5 && tail.iter().all(is_hex)
}

/// Whether a word was made by a machine that gives out secrets: random by its letters, or by how often letters and
/// digits take turns.
pub(crate) fn is_issued(word: &[u8]) -> bool {
    let turn = |two: &[u8]| {
        matches!(two, [a, b] if a.is_ascii_digit() && b.is_ascii_alphabetic()
            || a.is_ascii_alphabetic() && b.is_ascii_digit())
    };
    is_strong(word) || word.windows(2).filter(|two| turn(two)).count() >= 4
}

/// A shorter word need not be a key where its name says so little.
pub(crate) const MIN_OPAQUE: usize = 20;
/// Fewer letters may be an abbreviation.
const MIN_SCRAMBLED: usize = 12;
/// A shorter word of base64 may be a path, and a longer one a file.
const MIN_BASE64: usize = 40;
const MAX_BASE64: usize = 128;

/// A shorter word may be of a few letters by chance.
const MIN_FILLER: usize = 8;

/// Whether a word could be nothing but a key or the id of something, and is no id by its form.
pub(crate) fn is_opaque(word: &[u8]) -> bool {
    let kinds = Kinds::of(word);
    word.len() >= MIN_OPAQUE
        && kinds.only(kinds::TOKEN)
        && kinds.any(kinds::LETTER)
        && kinds.any(kinds::DIGIT)
        && !word.try_into().is_ok_and(is_uuid)
        && is_issued(word)
        && !code::is_snake(word, 3)
        && !is_of_words(word)
}

/// Whether letters alone are no words, since capitals stand all over them: `ekQPpqGMlVBnWxaV`.
pub(crate) fn is_scrambled(word: &[u8]) -> bool {
    let capitals = word.iter().filter(|b| b.is_ascii_uppercase()).count();
    word.len() >= MIN_SCRAMBLED
        && word.iter().all(u8::is_ascii_alphabetic)
        && capitals >= 3
        && word.len() - capitals >= 3
        && !is_of_words(word)
}

/// Whether a word is a key in base64, and no path.
pub(crate) fn is_base64_key(word: &[u8]) -> bool {
    let slashes = || memchr::memchr_iter(b'/', word).count();
    word.len() >= MIN_BASE64
        && is_cased(word)
        && !word.starts_with(b"/")
        && slashes() <= 1 + word.len() / 20
        && digits(word) >= 3
}

/// Whether a value is a key in base64 from its beginning to its end.
pub(crate) fn is_key_in_base64(value: &[u8]) -> bool {
    value.len() <= MAX_BASE64
        && value.iter().all(|b| is_base64(*b) || *b == b'=')
        && is_base64_key(value)
}

/// Whether most of a word is words in camel case: `NewSessionTicketPayloadTls13`. Of random letters and digits a third
/// stands in such pieces.
fn is_of_words(word: &[u8]) -> bool {
    let piece = |run: usize, capital: bool| usize::from(run >= 2) * (run + usize::from(capital));
    let (mut spelled, mut run, mut capital) = (0, 0, false);
    for byte in word {
        if byte.is_ascii_lowercase() {
            run += 1;
        } else {
            spelled += piece(run, capital);
            (run, capital) = (0, byte.is_ascii_uppercase());
        }
    }
    (spelled + piece(run, capital)) * 10 >= word.len() * 7
}

/// Where the count of a kind of bytes stands in a sum of 64 bits, so that a byte of any kind is counted by one addition:
/// no word has two million bytes.
const UPPER: u8 = 0;
const LOWER: u8 = 21;
const DIGIT: u8 = 42;
const OTHER: u8 = 63;

static COUNTS: [u8; 256] = each_byte!(|byte| match byte {
    b'A'..=b'Z' => UPPER,
    b'a'..=b'z' => LOWER,
    b'0'..=b'9' => DIGIT,
    _ => OTHER,
});

/// How many bytes of a kind were counted.
fn count(sum: u64, kind: u8) -> u64 {
    sum >> kind & ((1 << LOWER) - 1)
}

/// Both cases and digits. Of 24 random letters and digits one in twelve has a single digit at most, and then the
/// cases still turn more often than words in camel case do.
pub(crate) fn is_cased(tail: &[u8]) -> bool {
    let (mut all, mut part, mut length) = (0_u64, 0_u64, 0);
    let mut any_mixed = false;
    for &byte in tail {
        if matches!(byte, b'_' | b'-') {
            any_mixed |= length >= 7 && mixes(part);
            all = all.wrapping_add(part);
            (part, length) = (0, 0);
            continue;
        }
        let kind = COUNTS.get(usize::from(byte)).copied().unwrap_or(OTHER);
        part = part.wrapping_add(1 << kind);
        length += 1;
    }
    any_mixed |= length >= 7 && mixes(part);
    all = all.wrapping_add(part);
    let capitals = |two: &&[u8]| two.iter().all(u8::is_ascii_uppercase);
    let digits = count(all, DIGIT);
    any_mixed
        && count(all, UPPER) >= 2
        && count(all, LOWER) >= 2
        && (digits >= 2
            || digits == 1 && tail.len() >= 16 && tail.windows(2).filter(capitals).count() >= 2)
}

/// Whether a part of a word mixes anything: `X509_EXTENSION_new` is made of words.
fn mixes(part: u64) -> bool {
    let any = |kind: u8| usize::from(count(part, kind) > 0);
    let cases = any(UPPER) + any(LOWER);
    (count(part, DIGIT) != 1 || cases == 2) && cases + any(DIGIT) >= 2
}

/// How often a capital letter follows a small one.
fn turns(tail: &[u8]) -> usize {
    tail.windows(2)
        .filter(|two| matches!(two, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()))
        .count()
}

/// Two digits, or two words in camel case, or one of either in a long word; and one word of six bytes at least.
/// Most keys show it within their first bytes.
pub(crate) fn is_mixed(tail: &[u8]) -> bool {
    let (mut digits, mut turns, mut word, mut longest) = (0, 0, 0, 0);
    let mut last = 0u8;
    for &byte in tail {
        word += 1;
        match byte {
            b'0'..=b'9' => digits += 1,
            b'A'..=b'Z' => turns += usize::from(last.is_ascii_lowercase()),
            b'a'..=b'z' => {}
            _ => word = 0,
        }
        longest = word.max(longest);
        last = byte;
        if longest >= 6 && (digits >= 2 || turns >= 2 || digits + turns >= 1 && longest >= 10) {
            return true;
        }
    }
    // The alphabet of base64 for URLs has dashes, and they may stand close together.
    tail.len() >= 16 && is_strong(tail)
}

/// Whether a word has an `x`, a `y`, a `*` or a `.`, as each has that is spelled out. Nothing else is asked of most keys:
/// sixteen bytes at a time cost a quarter of three searches.
fn has_cross(word: &[u8]) -> bool {
    let has = |sixteen: &[u8; 16]| {
        let bytes = u8x16::new(*sixteen);
        (among(bytes, b'x' ^ b'Y', b'y') | among(bytes, b'*' ^ b'.', b'.')).any()
    };
    let (whole, rest) = word.as_chunks();
    whole.iter().any(has) || has(&sixteen_of(rest).to_le_bytes())
}

/// Tails such as `your-key-here` and `xxxxxxxxxxxx`.
fn is_spelled_out(tail: &[u8]) -> bool {
    if !has_cross(tail) {
        return false;
    }
    let crosses = tail
        .iter()
        .filter(|b| matches!(b, b'x' | b'X' | b'*' | b'.'))
        .count();
    // `your` as a word: by chance it stands in the middle of a key, too.
    crosses * 2 > tail.len()
        || tail
            .split(|b| matches!(b, b'-' | b'_'))
            .any(words::is_of_reader)
}

/// Letters and digits, as they follow one another in counting: after which of them a digit or a letter begins anew, and
/// which those are. A table, since most words are asked: a fifth of what it costs to compare.
static IN_ROW: [u8; 256] = each_byte!(|byte| {
    let counted = match byte {
        b'9' | b'f' | b'F' | b'z' | b'Z' => BEFORE_DIGIT | BEFORE_LETTER,
        b'0' => BEFORE_LETTER | (BEFORE_DIGIT << BEGINS),
        b'1' => BEFORE_DIGIT << BEGINS,
        b'a' | b'A' => (BEFORE_DIGIT | BEFORE_LETTER) << BEGINS,
        _ => 0,
    };
    let counts = byte.is_ascii_alphanumeric();
    counted | if counts { COUNTS_IN_ROW } else { 0 }
});
const BEFORE_DIGIT: u8 = 1;
const BEFORE_LETTER: u8 = 2;
/// So much higher stand the bits of what begins anew.
const BEGINS: u8 = 2;
const COUNTS_IN_ROW: u8 = 128;

/// Whether most bytes of a word are the ones before them, or follow them in the alphabet or in counting, as in no random
/// word: `000000000000`, `1234567890abcdef`, `xxxx-xxxx`.
pub(crate) fn is_filler(word: &[u8]) -> bool {
    if word.len() < MIN_FILLER {
        return false;
    }
    let role = |byte: u8| IN_ROW.get(usize::from(byte)).copied().unwrap_or(0);
    let most = word.len().div_ceil(5);
    let mut counted = word
        .iter()
        .copied()
        .filter(|b| role(*b) & COUNTS_IN_ROW != 0);
    let (mut last, mut pairs, mut breaks) = (counted.next().unwrap_or(0), 0, 0);
    for byte in counted {
        let follows = byte.wrapping_sub(last) <= 1 || role(last) & (role(byte) >> BEGINS) & 3 != 0;
        (last, pairs) = (byte, pairs + 1);
        breaks += usize::from(!follows);
        // Most keys are told by their first bytes.
        if breaks >= most {
            return false;
        }
    }
    breaks * 5 <= pairs && word.iter().all(|b| is_base64(*b) || b"-_.".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types_are_no_keys() {
        for name in ["NewSessionTicketPayloadTls13", "EcPrivateKeyRfc5915DerType"] {
            assert!(!is_opaque(name.as_bytes()), "{name}");
            let tail = name.split_at(2).1.as_bytes();
            assert!(!is_random(tail, Cased), "{name}");
        }
        assert!(is_opaque(b"Eri8Ba9bG6BGuG9SfPf2ro"));
    }

    #[test]
    fn tails_of_keys_are_told_from_words() {
        for (tail, kind) in [
            ("anything", Any),
            ("3f9a0c7158b24d6e", Hex),
            ("3f9a0c7158b24d6e", Strong),
            ("aB3xY9kQ2mZ7", Strong),
            ("aB3xY9kQ_2mZ7aB3xY9kQ", Parted),
            ("aB3xY9kQ2mZ7", Cased),
            ("AB3DE6GH9K2", Capital),
            ("x9y8z7w6", Random),
        ] {
            assert!(is_random(tail.as_bytes(), kind), "{tail}");
        }
        for (tail, kind) in [
            ("abcdefabcdef", Hex),
            ("X509_EXTENSION_new", Strong),
            ("aB3xY9kQ2mZ7aB3xY9kQ", Parted),
            ("0123456789abcdef", Cased),
            ("ABCDEFG", Capital),
            ("create_string_utf16", Random),
            ("IOSFODNN7EXAMPLE", Any),
            ("0000000000000000", Hex),
            ("0123456789abcdef0123456789abcdef", Strong),
            ("1234567890ABCDEF", Any),
            ("XXXXXXXX.YYYYYYYY", Any),
        ] {
            assert!(!is_random(tail.as_bytes(), kind), "{tail}");
        }
    }
}
