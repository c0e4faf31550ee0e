//! Keys that have a shape and no prefix: the engine for the rows of the catalogue.

use crate::redact::catalogue::formats;
use crate::redact::catalogue::keys::Tail;
use crate::redact::catalogue::names;
use crate::redact::catalogue::shaped::{
    Alphabet, BY_FIRST, BY_LENGTH, CLASS, IN_BASE64, KEY_ENDS, LED, LONGEST, Looks, MIDDLES, Part,
    Rest, Rows, SHAPES, Shape,
};
use crate::redact::find::token;
use crate::redact::judge::random::{is_cased, is_filler, is_mixed, is_random, is_strong};
use crate::redact::read::bytes::{
    self, digits, each_byte, is_base64, is_token, part, run_end, run_start,
};
use crate::redact::read::scope::{Found, Scope};

/// No key has more parts.
const MAX_PARTS: usize = 8;

/// The end of a key that is base64, and of further ones behind commas.
pub(crate) fn long_end(scope: &Scope<'_>, end: usize) -> usize {
    let mut end = scope.run(end, |b| is_base64(b) || b == b'=');
    while scope.part(end, end + 3) == formats::NEXT_KEY {
        end = scope.run(end + 1, |b| is_base64(b) || b == b'=');
    }
    end
}

/// Goes on behind dots that more of the key follows.
pub(crate) fn dotted_end(scope: &Scope<'_>, run: usize) -> usize {
    let mut end = run;
    for _ in 0..4 {
        if scope.at(end) != b'.' {
            break;
        }
        let next = scope.run(end + 1, is_token);
        let more = scope.part(end + 1, next);
        if more.len() < 2 || !more.iter().any(u8::is_ascii_digit) && more.len() < 12 {
            break;
        }
        end = next;
    }
    end
}

/// A key of a shape whose run of token bytes is `start..end`, or has it as a part.
pub(crate) fn shaped(scope: &Scope<'_>, start: usize, end: usize) -> Option<Found> {
    let before = scope.before(start);
    let is_joined = |b: u8| matches!(b, b'+' | b'/');
    let mut rows = BY_LENGTH.get((end - start).min(LONGEST)).copied()?;
    rows &= match before {
        b'.' => LED,
        b'~' | b':' | b'|' | b'/' | b'$' | b'+' | b'}' => Rows::MAX,
        _ => !LED,
    };
    rows &= BY_FIRST.get(usize::from(scope.at(start) & 31)).copied()?;
    if end - start < 37 && !is_joined(before) && !is_joined(scope.at(end)) {
        rows &= !IN_BASE64;
    }
    // Where base64 goes on before the run, a shape may begin there, too.
    let may_fit = |shape: &&Shape| {
        is_joined(before) || has_sign(scope, shape.parts.get(shape.anchor..).unwrap_or(&[]), start)
    };
    let found = each(rows)
        .filter(may_fit)
        .find_map(|shape| fits(scope, shape, start));
    found.or_else(|| {
        (before != b'.' && has_a_key_word(scope.part(start, end)))
            .then(|| Found::new(start, end, CLASS))
    })
}

/// A key whose digits begin at `pos`, before a sign.
pub(crate) fn numbered(scope: &Scope<'_>, pos: usize) -> Option<Found> {
    let is_border = |b: u8| !b.is_ascii_alphanumeric() || matches!(b, b't' | b'n');
    let digits = scope.ahead(pos, 12, |b| b.is_ascii_digit());
    if scope.at(digits) != b':' || !is_border(scope.before(pos)) {
        return None;
    }
    SHAPES
        .iter()
        .filter(|shape| {
            matches!(
                shape.parts,
                [Part::Run(Alphabet::Digit, ..), Part::Is(_), ..]
            )
        })
        .find_map(|shape| fits(scope, shape, pos))
}

/// The shapes of these rows.
fn each(mut rows: Rows) -> impl Iterator<Item = &'static Shape> {
    std::iter::from_fn(move || {
        let row = rows.trailing_zeros();
        rows &= rows.wrapping_sub(1);
        SHAPES.get(row as usize)
    })
}

/// A key of this shape whose anchor is at `start`.
fn fits(scope: &Scope<'_>, shape: &Shape, start: usize) -> Option<Found> {
    let (ahead, behind) = shape.parts.split_at_checked(shape.anchor)?;
    let mut from = start;
    for piece in ahead.iter().rev() {
        from = part_start(scope, *piece, from)?;
    }
    // A long beginning says it all, whatever stands before it.
    let is_told = matches!(ahead.first(), Some(Part::Is(text)) if text.len() > 4);
    if !ahead.is_empty() && !is_told && is_token(scope.before(from)) {
        return None;
    }
    let found = fits_from(scope, shape, behind, (from, start));
    // The first part of base64 may begin before the run, where a `/` stands within it.
    if found.is_some() || !matches!(shape.parts.first(), Some(Part::Run(Alphabet::Base64, ..))) {
        return found;
    }
    let floor = scope.from.max(start.saturating_sub(32));
    let before = run_start(scope.text, start, floor, |b| has(Alphabet::Base64, b));
    (before < start && !is_token(scope.before(before)))
        .then(|| fits_from(scope, shape, behind, (before, before)))
        .flatten()
}

/// Whether the sign is there that stands at a fixed place of a shape, if one does: it is looked for before what stands
/// before it is read.
#[inline]
fn has_sign(scope: &Scope<'_>, parts: &[Part], start: usize) -> bool {
    let [Part::Run(_, least, most), Part::Is(text), ..] = parts else {
        return true;
    };
    let (at, text) = (start + least, text.as_bytes());
    // Hardly any has the first byte of it there.
    least != most || scope.at(at) == bytes::at(text, 0) && scope.part(at, at + text.len()) == text
}

/// The same from `start` on, where the parts before it begin at `from`.
fn fits_from(
    scope: &Scope<'_>,
    shape: &Shape,
    behind: &[Part],
    (from, start): (usize, usize),
) -> Option<Found> {
    if !has_sign(scope, behind, start) {
        return None;
    }
    // Each part's end, by its number.
    let mut ends = [from; MAX_PARTS];
    let mut to = start;
    for (number, slot) in ends.iter_mut().enumerate().skip(shape.anchor) {
        if let Some(piece) = behind.get(number - shape.anchor) {
            to = part_end(scope, *piece, to)?;
        }
        *slot = to;
    }
    let (looks, number) = shape.looks;
    let judged = if number >= shape.parts.len() {
        scope.part(from, to)
    } else {
        let begin = match number.checked_sub(1).and_then(|n| ends.get(n)) {
            Some(end) if number > shape.anchor => *end,
            _ => start,
        };
        scope.part(begin, *ends.get(number)?)
    };
    if !does_look(looks, judged) {
        return None;
    }
    let end = match shape.rest {
        Rest::Dotted => dotted_end(scope, to),
        Rest::Base64 => long_end(scope, to),
        Rest::Nothing if is_token(scope.at(to)) => return None,
        Rest::Nothing => scope.ahead(to, 2, |b| b == b'='),
    };
    let end = match shape.parts.last() {
        Some(Part::Run(Alphabet::Tilde | Alphabet::Dotted, ..)) => {
            token::trim_end(scope, from, end)
        }
        _ => end,
    };
    Some(Found::new(from, end, CLASS))
}

/// Where a part ends that begins at `start`, if it stands there.
fn part_end(scope: &Scope<'_>, piece: Part, start: usize) -> Option<usize> {
    match piece {
        Part::Is(text) => {
            let end = start + text.len();
            (scope.part(start, end) == text.as_bytes()).then_some(end)
        }
        Part::Of(text) => text
            .as_bytes()
            .contains(&scope.at(start))
            .then_some(start + 1),
        Part::Run(alphabet, least, most) => {
            let limit = scope.to.min(start.saturating_add(most));
            let end = run_end(scope.text, start, limit, |b| has(alphabet, b));
            (end - start >= least).then_some(end)
        }
    }
}

/// Where a part begins that ends at `end`, if it stands there.
fn part_start(scope: &Scope<'_>, piece: Part, end: usize) -> Option<usize> {
    match piece {
        Part::Is(text) => {
            let start = end.checked_sub(text.len())?.max(scope.from);
            (scope.part(start, end) == text.as_bytes()).then_some(start)
        }
        Part::Of(text) => text
            .as_bytes()
            .contains(&scope.before(end))
            .then(|| end - 1),
        Part::Run(alphabet, least, most) => {
            let floor = scope.from.max(end.saturating_sub(most));
            let start = run_start(scope.text, end, floor, |b| has(alphabet, b));
            (end - start >= least).then_some(start)
        }
    }
}

#[inline]
fn has(alphabet: Alphabet, byte: u8) -> bool {
    let alphabets = ALPHABETS.get(usize::from(byte)).copied().unwrap_or(0);
    alphabets >> alphabet as u16 & 1 == 1
}

/// Which alphabets each byte is of, a bit for each, so that no run asks which it is at each byte.
static ALPHABETS: [u16; 256] = each_byte!(|byte| {
    let token = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let hex = byte.is_ascii_hexdigit();
    (byte.is_ascii_digit() as u16) << Alphabet::Digit as u16
        | (hex as u16) << Alphabet::Hex as u16
        | ((hex || byte == b'-') as u16) << Alphabet::HexDash as u16
        | ((byte.is_ascii_uppercase() || byte.is_ascii_digit()) as u16) << Alphabet::Upper as u16
        | (byte.is_ascii_lowercase() as u16) << Alphabet::Lower as u16
        | (token as u16) << Alphabet::Token as u16
        | ((token || byte == b'.') as u16) << Alphabet::Dotted as u16
        | ((token || matches!(byte, b'.' | b'~')) as u16) << Alphabet::Tilde as u16
        | ((token || matches!(byte, b'+' | b'/')) as u16) << Alphabet::Base64 as u16
});

fn does_look(looks: Looks, text: &[u8]) -> bool {
    match looks {
        Looks::Any => true,
        Looks::Mixed => is_mixed(text) && !is_filler(text),
        Looks::Cased => is_cased(text),
        Looks::Strong => is_strong(text) && !is_filler(text),
        Looks::StrongWord => is_strong(text) && !text.iter().all(u8::is_ascii_hexdigit),
        Looks::Random => is_random(text, Tail::Strong),
        Looks::Digits(least) => (least..text.len()).contains(&digits(text)),
    }
}

/// Whether a run is a key in the manner of Stripe, of a vendor that is not listed.
fn has_a_key_word(run: &[u8]) -> bool {
    // Keys to be published say so.
    if run.len() < 24 || run.starts_with(formats::PUBLISHED) {
        return false;
    }
    let mut before: &[u8] = b"";
    let mut from = 0;
    while let Some(length) = memchr::memchr2(b'_', b'-', part(run, from, 32)) {
        let word = part(run, from, from + length);
        let tail = bytes::rest(run, from + length + 1);
        let is_public = names::is_public(before);
        let kind = if is_public {
            None
        } else if from > 0 && MIDDLES.contains(&word) {
            Some(Tail::Strong)
        } else if says_key(word, before) {
            // Behind such a word hexadecimal digits may be the hash of something.
            Some(Tail::Cased)
        } else {
            None
        };
        let is_key = |kind| tail.len() >= 20 && is_random(tail, kind) && !tail.contains(&b'_');
        if kind.is_some_and(is_key) {
            return true;
        }
        before = word;
        from += length + 1;
    }
    false
}

/// Whether a word before a separator says that a key follows, by itself or by how it ends: `acme_key_`, `tgpat_`.
fn says_key(word: &[u8], before: &[u8]) -> bool {
    let is_end = |end: &&[u8]| {
        word.strip_suffix(*end).is_some_and(|head| {
            if head.is_empty() {
                !before.is_empty()
            } else {
                head.len() <= 8
            }
        })
    };
    word.iter()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && KEY_ENDS.iter().any(is_end)
        && !names::is_harmless_key(before)
        && !names::is_harmless_token(before)
}

#[cfg(test)]
mod tests {
    use crate::redact::redact_str;

    const HEX: &str = "3f9a0c71e58b24d6a07c93f1b5e2684d7a1c0f95e38b62d4c9710fa6e5b38d20";
    const MIXED: &str =
        "Zk3Rt9Qw7Lm2Vb8Ns4Hd6Gf1Jc5Pa0Tz3Kr9Wq7Ml2Bv8Sn4Dh6Fg1Cj5Ap0Zt3Rk9Qw7Lm2Vb8Ns4Hd";

    /// Keys put together of their parts, so that no scanner takes this file for a leak, and whose they are.
    fn keys() -> Vec<(&'static str, String)> {
        let (hex, mixed) = (|n: usize| &HEX[..n], |n: usize| &MIXED[..n]);
        let id = "3f9a0c71-58b2-4d6a-97c9-f1b5e2684d7a";
        vec![
            (
                "Azure Functions",
                [mixed(44), "AzFu", "Q2w3Eg", "=="].concat(),
            ),
            (
                "Azure Container Registry",
                [mixed(42), "+ACR", "BQ2w3E"].concat(),
            ),
            (
                "Azure Event Hubs",
                [mixed(8), "/", mixed(24), "+AEh", "BQ2w3E", "="].concat(),
            ),
            (
                "Azure Storage",
                ["ab/", mixed(73), "+ASt", "Q2w3Eg", "=="].concat(),
            ),
            ("Azure Search", [mixed(42), "AzSe", "BQ2w3E"].concat()),
            ("Azure DevOps", [mixed(76), "AZDO", "2w3E"].concat()),
            ("Mailgun", [hex(32), "-", hex(8), "-", hex(8)].concat()),
            ("Infobip", [hex(32), "-", id].concat()),
            ("Jenkins", ["11", hex(32)].concat()),
            ("PayPal", ["EK", mixed(78)].concat()),
            ("New Relic", [hex(36), "FFFF", "NRAL"].concat()),
            ("Keygen", ["prod-", hex(64), "v3"].concat()),
            ("Zoho", ["1000.", hex(32), ".", hex(32)].concat()),
            (
                "Infisical",
                ["st.", hex(24), ".", hex(32), ".", hex(32)].concat(),
            ),
            (
                "Bitwarden",
                ["0.", id, ".", mixed(30), ":", mixed(22), "=="].concat(),
            ),
            (
                "DataStax Astra",
                ["Astra", "CS:", mixed(24), ":", hex(64)].concat(),
            ),
            ("Login with Amazon", ["At", "za|IwEB", mixed(60)].concat()),
            ("Ghost", [hex(24), ":", hex(64)].concat()),
            ("Close", ["api_", mixed(22), ".", mixed(22)].concat()),
            ("Meta", ["123456789012345|", mixed(27)].concat()),
            (
                "Authress",
                ["sc_", "abcdefgh1.ab1c.acc_", "abcdefgh12.", mixed(40), "="].concat(),
            ),
        ]
    }

    #[test]
    fn keys_with_a_shape_go_whole() {
        for (whose, key) in keys() {
            for (before, after) in [
                ("use ", " until Friday"),
                ("export V=", "; ./run"),
                ("", ""),
            ] {
                let once = redact_str(&format!("{before}{key}{after}")).into_owned();
                assert_eq!(
                    once,
                    format!("{before}[REDACTED_KEY]{after}"),
                    "{whose}: {key}"
                );
                assert_eq!(redact_str(&once), once, "{whose}");
            }
        }
    }

    #[test]
    fn a_key_of_an_unlisted_vendor_goes_by_the_word_before_it() {
        let key = &MIXED[..24];
        for head in [
            "acme_key_",
            "acme_api_",
            "acmepat_",
            "acme_sandbox_",
            "x7_token_",
        ] {
            let text = format!("use {head}{key} now");
            assert_eq!(redact_str(&text), "use [REDACTED_KEY] now");
        }
        for harmless in [
            format!("cache_key_{key}"),
            format!("public-sandbox-{key}"),
            format!("next_token_{key}"),
            format!("key_{}", &MIXED[..12]),
            format!("monkey_{}_{}", &MIXED[..12], &MIXED[..12]),
            format!("acme_key_{}", &HEX[..24]),
        ] {
            let text = format!("use {harmless} now");
            assert_eq!(redact_str(&text), text);
        }
    }

    #[test]
    fn what_only_looks_like_one_stays() {
        let (hex, id) = (|n: usize| &HEX[..n], "3f9a0c71-58b2-4d6a-97c9-f1b5e2684d7a");
        for harmless in [
            [hex(32), "-", hex(8)].concat(),
            [hex(32), "-", hex(8), "-", hex(7)].concat(),
            ["12", hex(32)].concat(),
            [hex(34)].concat(),
            ["prod-", hex(64)].concat(),
            ["1000.", hex(31)].concat(),
            ["1000.", "12345678901234567890123456789012"].concat(),
            ["st.", hex(24)].concat(),
            ["0.", id].concat(),
            [hex(24), ":", hex(40)].concat(),
            "api_client_configuration_v2.get_user_by_identifier".to_owned(),
            "123456789012345|harbour and lantern of the north".to_owned(),
            "sc_abcdefgh1.ab1c.account_of_the_harbour".to_owned(),
            "src/engine/AzSearchIndex/AIoTHub/APIManagement/AzCaches2".to_owned(),
        ] {
            let text = format!("it says {harmless} there");
            assert_eq!(redact_str(&text), text);
        }
    }
}
