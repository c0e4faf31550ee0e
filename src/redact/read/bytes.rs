//! Looking at bytes without a way to panic: outside of the text there is a 0 or nothing.

use wide::u8x16;

/// A table with an entry for each byte, made by the compiler: `each_byte!(|byte| byte.is_ascii_digit())`.
macro_rules! each_byte {
    (|$byte:ident| $entry:expr) => {{
        let $byte = 0_u8;
        let mut table = [$entry; 256];
        let mut index = 1;
        while index < table.len() {
            let $byte = index as u8;
            #[expect(
                clippy::indexing_slicing,
                reason = "evaluated by the compiler, which would refuse"
            )]
            let slot = &mut table[index];
            *slot = $entry;
            index += 1;
        }
        table
    }};
}
pub(crate) use each_byte;

/// The byte at `at`, or 0 outside of the text.
#[inline(always)]
pub(crate) fn at(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

/// The byte before `at`, or 0 at the start.
#[inline(always)]
pub(crate) fn before(text: &[u8], at: usize) -> u8 {
    if at == 0 { 0 } else { self::at(text, at - 1) }
}

/// The part `from..to`, or nothing where the text does not reach.
#[inline(always)]
pub(crate) fn part(text: &[u8], from: usize, to: usize) -> &[u8] {
    text.get(from..to.min(text.len())).unwrap_or(&[])
}

/// Everything from `from` on.
#[inline(always)]
pub(crate) fn rest(text: &[u8], from: usize) -> &[u8] {
    text.get(from..).unwrap_or(&[])
}

/// What stands behind the last end of a line.
pub(crate) fn last_line(text: &[u8]) -> &[u8] {
    rest(text, memchr::memrchr(b'\n', text).map_or(0, |n| n + 1))
}

/// The eight bytes from `from` on, the first of them the lowest; zeros outside of the text.
#[inline(always)]
pub(crate) fn word(text: &[u8], from: usize) -> u64 {
    let rest = rest(text, from);
    match rest.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => rest
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// Whether `word` stands at `at`, letters in either case. `word` is in lower case.
#[inline]
pub(crate) fn has_word_at(text: &[u8], at: usize, word: &[u8]) -> bool {
    part(text, at, at + word.len()).eq_ignore_ascii_case(word)
}

/// How long the letter is that begins with a byte.
fn letter_length(byte: u8) -> usize {
    match byte {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 1,
    }
}

/// Puts letters of any script in lower case where the small one is as long as the capital, and leaves what is no text.
#[inline]
pub(crate) fn make_lowercase(text: &mut [u8]) {
    text.make_ascii_lowercase();
    if !text.is_ascii() {
        lower_beyond_ascii(text);
    }
}

#[cold]
fn lower_beyond_ascii(text: &mut [u8]) {
    let mut pos = 0;
    while pos < text.len() {
        let length = letter_length(at(text, pos));
        let letter = std::str::from_utf8(part(text, pos, pos + length));
        let mut small = letter
            .unwrap_or_default()
            .chars()
            .flat_map(char::to_lowercase);
        if let (Some(small), None) = (small.next(), small.next())
            && small.len_utf8() == length
            && let Some(slot) = text.get_mut(pos..pos + length)
        {
            small.encode_utf8(slot);
        }
        pos += length;
    }
}

/// Whether a text is `word`, letters of any script in either case. `word` is in lower case.
#[inline]
pub(crate) fn is_same(text: &[u8], word: &[u8]) -> bool {
    text.eq_ignore_ascii_case(word)
        || text.len() == word.len() && !word.is_ascii() && is_same_beyond_ascii(text, word)
}

#[cold]
fn is_same_beyond_ascii(text: &[u8], word: &[u8]) -> bool {
    match (std::str::from_utf8(text), std::str::from_utf8(word)) {
        (Ok(text), Ok(word)) => text.chars().flat_map(char::to_lowercase).eq(word.chars()),
        _ => false,
    }
}

/// Where `word` stands in a short text. A search that is prepared first costs more than it saves there.
pub(crate) fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    let first = at(word, 0);
    let mut from = 0;
    while let Some(place) = memchr::memchr(first, rest(text, from)).map(|n| from + n) {
        if rest(text, place).starts_with(word) {
            return Some(place);
        }
        from = place + 1;
    }
    None
}

/// How many digits a text has.
pub(crate) fn digits(text: &[u8]) -> usize {
    text.iter().filter(|b| b.is_ascii_digit()).count()
}

/// Which of sixteen bytes are `sign`, or differ from it in some of these bits, which it has.
#[inline(always)]
pub(crate) fn among(bytes: u8x16, bits: u8, sign: u8) -> u8x16 {
    (bytes | u8x16::splat(bits)).cmp_eq(u8x16::splat(sign))
}

/// What kind of byte each is, so that a run is read with one look at each byte.
static KINDS: [u8; 256] = each_byte!(|byte| {
    let kind = match byte {
        b'0'..=b'9' | b'A'..=b'Z' => TOKEN | KEYED | CREDENTIAL | DOMAIN | LOCAL | SPOKEN,
        b'a'..=b'z' | b'-' => TOKEN | CREDENTIAL | DOMAIN | LOCAL | SPOKEN,
        b'_' => TOKEN | CREDENTIAL | LOCAL | SPOKEN,
        b'.' => CREDENTIAL | DOMAIN | LOCAL | SPOKEN,
        b'~' | b'+' | b'|' => CREDENTIAL | LOCAL | SPOKEN,
        b'/' | b'=' | b':' => CREDENTIAL | SPOKEN,
        b'\'' => LOCAL,
        b'%' | b'!' | b'#' | b'$' | b'*' | b'^' | b'{' | b'}' => LOCAL | SPOKEN,
        b'\t' | b'\n' | 0x0C | b'\r' | b' ' | b'"' | b',' | b';' | b')' | b'`' | b'<' | b'>'
        | b'\\' => 0,
        // In a sentence without spaces a value ends where the letters change.
        0xE3.. => DOMAIN | LOCAL,
        0x80.. => DOMAIN | LOCAL | SPOKEN,
        _ => SPOKEN,
    };
    let paired = match byte {
        b'"' | b'\'' | b'`' | b'\n' | b'\r' | b'<' | b'>' | b'{' | b';' => 0,
        _ => PAIRED,
    };
    let authority = match byte {
        b'\t' | b'\n' | 0x0C | b'\r' | b' ' | b'@' | b'"' | b'<' | b'>' | b'`' => 0,
        _ => AUTHORITY,
    };
    kind | paired | authority
});

const TOKEN: u8 = 1;
/// A digit or a capital letter.
const KEYED: u8 = 2;
const CREDENTIAL: u8 = 4;
const DOMAIN: u8 = 8;
const LOCAL: u8 = 16;
const SPOKEN: u8 = 32;
const PAIRED: u8 = 64;
const AUTHORITY: u8 = 128;

#[inline(always)]
fn kind(byte: u8) -> u8 {
    KINDS.get(usize::from(byte)).copied().unwrap_or(0)
}

/// A byte of a token: letters, digits, `_`, `-`.
#[inline(always)]
pub(crate) fn is_token(byte: u8) -> bool {
    kind(byte) & TOKEN != 0
}

/// A digit or a capital letter.
#[inline(always)]
pub(crate) fn is_keyed(byte: u8) -> bool {
    kind(byte) & KEYED != 0
}

/// A byte of base64 of either alphabet, but for its padding.
#[inline(always)]
pub(crate) fn is_base64(byte: u8) -> bool {
    is_token(byte) || matches!(byte, b'+' | b'/')
}

/// A byte of what stands behind `Bearer`: one of a token, or of base64 and what is joined by dots and colons.
#[inline(always)]
pub(crate) fn is_credential(byte: u8) -> bool {
    kind(byte) & CREDENTIAL != 0
}

/// Where the run of bytes ends that an address may have before its `@`, from `from` on: sixteen are looked at at a time,
/// since a hostile text has an `@` behind many.
pub(crate) fn authority_end(text: &[u8], from: usize, to: usize) -> usize {
    let to = to.min(text.len());
    let mut pos = from;
    while pos < to {
        let Some(sixteen) = rest(text, pos).first_chunk::<16>() else {
            return run_end(text, pos, to, is_authority);
        };
        let bytes = u8x16::new(*sixteen);
        let ends = among(bytes, b'@' ^ b'`', b'`')
            | among(bytes, b'<' ^ b'>', b'>')
            | among(bytes, b' ' ^ b'"', b'"')
            | among(bytes, b'\t' ^ b'\r', b'\r')
            | among(bytes, 0, b'\n')
            | among(bytes, 0, 0x0C);
        let ends = ends.move_mask() as u32;
        if ends != 0 {
            return to.min(pos + ends.trailing_zeros() as usize);
        }
        pos += 16;
    }
    to.max(from)
}

/// A byte of the domain in an e-mail address.
#[inline(always)]
pub(crate) fn is_domain(byte: u8) -> bool {
    kind(byte) & DOMAIN != 0
}

/// A byte of what stands before the `@` of an e-mail address.
#[inline(always)]
pub(crate) fn is_local(byte: u8) -> bool {
    kind(byte) & LOCAL != 0
}

/// A byte of a value in a sentence: anything but what ends a word or a quotation.
#[inline(always)]
pub(crate) fn is_spoken(byte: u8) -> bool {
    kind(byte) & SPOKEN != 0
}

/// A byte of one pair in a connection string.
#[inline(always)]
pub(crate) fn is_paired(byte: u8) -> bool {
    kind(byte) & PAIRED != 0
}

/// A byte of what stands before the `@` of a URL's authority, however its writer forgot to encode it.
#[inline(always)]
pub(crate) fn is_authority(byte: u8) -> bool {
    kind(byte) & AUTHORITY != 0
}

/// The end of the run of bytes that `keep` accepts, from `from` on and before `limit`.
#[inline]
pub(crate) fn run_end(
    text: &[u8],
    from: usize,
    limit: usize,
    mut keep: impl FnMut(u8) -> bool,
) -> usize {
    let run = part(text, from, limit);
    from + run
        .iter()
        .position(|byte| !keep(*byte))
        .unwrap_or(run.len())
}

/// The start of the run of bytes that `keep` accepts and that ends before `to`, not before `limit`.
#[inline]
pub(crate) fn run_start(text: &[u8], to: usize, limit: usize, keep: impl Fn(u8) -> bool) -> usize {
    let run = part(text, limit, to);
    to - run
        .iter()
        .rev()
        .position(|byte| !keep(*byte))
        .unwrap_or(run.len())
}

/// A hash whose highest bits are mixed best. One multiplication for all words: two strings in one place cost time,
/// and nothing else.
#[inline(always)]
pub(crate) fn hash(length: usize, words: &[u64]) -> u64 {
    let fold = |all: u64, word: &u64| all.rotate_left(23) ^ word;
    words
        .iter()
        .fold(length as u64, fold)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_of_a_text_is_nothing() {
        let text = b"abc";
        assert_eq!((at(text, 2), at(text, 3)), (b'c', 0));
        assert_eq!((before(text, 0), before(text, 3)), (0, b'c'));
        assert_eq!(part(text, 1, 9), b"bc");
        assert_eq!(part(text, 2, 1), b"");
        assert_eq!((rest(text, 1), rest(text, 4)), (&b"bc"[..], &b""[..]));
        assert_eq!(word(text, 1), u64::from_le_bytes(*b"bc\0\0\0\0\0\0"));
        assert_eq!(word(b"12345678x", 0), u64::from_le_bytes(*b"12345678"));
    }

    #[test]
    fn words_and_runs_are_found() {
        assert!(has_word_at(b"x Bearer", 2, b"bearer") && !has_word_at(b"bear", 0, b"bearer"));
        assert!(is_same("ÄNDER".as_bytes(), "änder".as_bytes()) && is_same(b"ON", b"on"));
        assert!(!is_same("änder".as_bytes(), b"onder") && !is_same(b"\xC3x", b"\xC3y"));
        assert_eq!(find(b"ababc", b"abc"), Some(2));
        assert_eq!(find(b"abab", b"abc"), None);
        assert_eq!(run_end(b"aab", 0, 3, |b| b == b'a'), 2);
        assert_eq!(run_end(b"aaa", 0, 2, |b| b == b'a'), 2);
        assert_eq!(run_start(b"baa", 3, 0, |b| b == b'a'), 1);
        assert_eq!(run_start(b"aaa", 3, 1, |b| b == b'a'), 1);
    }

    #[test]
    fn letters_of_any_script_are_put_in_lower_case_in_place() {
        for (text, lower) in [
            ("Ab1", "ab1"),
            ("ÄŁČĹŸ×ß", "äłčĺÿ×ß"),
            ("ПАРОЛЬ Ё Ї", "пароль ё ї"),
            ("ΚΩΔΙΚΌΣ", "κωδικόσ"),
            ("MẬT KHẨU", "mật khẩu"),
            // The small letter is longer.
            ("İ", "İ"),
            ("密码", "密码"),
        ] {
            let mut bytes = text.as_bytes().to_vec();
            make_lowercase(&mut bytes);
            assert_eq!(bytes, lower.as_bytes(), "{text}");
        }
        let mut cut = b"\x9F\xD0\x9F\xD0".to_vec();
        make_lowercase(&mut cut);
        assert_eq!(cut, b"\x9F\xD0\xBF\xD0");
    }

    #[test]
    fn an_authority_ends_where_its_bytes_do() {
        for byte in 0..=u8::MAX {
            for place in [0, 3, 15, 16, 21, 40] {
                let mut text = [b'a'; 44];
                text[place] = byte;
                for to in [2, 16, 30, 44, 60] {
                    for from in [0, 2, 43, 44] {
                        let wanted = run_end(&text, from, to.min(text.len()), is_authority);
                        assert_eq!(
                            authority_end(&text, from, to),
                            wanted,
                            "{byte} {place} {from} {to}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn each_byte_has_its_kinds() {
        assert!(is_token(b'_') && !is_token(b'.'));
        assert!(is_keyed(b'0') && is_keyed(b'A') && !is_keyed(b'a'));
        assert!(is_credential(b'=') && !is_credential(b'"'));
        assert!(is_domain(b'.') && !is_domain(b'_'));
        assert!(is_local(b'\'') && !is_local(b','));
        assert!(is_spoken(b'!') && !is_spoken(b' '));
        assert!(is_paired(b' ') && !is_paired(b';'));
        assert!(is_authority(b'#') && !is_authority(b'@'));
    }
}
