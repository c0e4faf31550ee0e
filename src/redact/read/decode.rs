//! Texts inside texts: what an escaped text says, and where each byte of it came from.
//!
//! Rules are written for plain text. A JSON string with escapes, a percent-encoded query or an escaped snippet is
//! decoded into a buffer, the rules look at that, and what they find is mapped back to the bytes it was decoded
//! from. So bytes that are not part of a finding stay exactly as they were.

use crate::redact::catalogue::formats::ENTITIES;
use crate::redact::read::bytes::{at, each_byte, part, rest, run_end};
use crate::redact::read::colour::{ESCAPE, INTRODUCER, sequence};

/// A decoded text with the way back.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) text: Vec<u8>,
    /// Where decoding changed something, in order.
    steps: Vec<Step>,
    /// Where the last step ends, in the decoded text and in the raw one.
    ends: (usize, usize),
}

/// Steps that are tried one by one before they are searched by halving.
const NEAR: usize = 4;

/// `raw_len` bytes at `raw` became `len` bytes at `decoded`.
#[derive(Clone, Copy, Debug)]
struct Step {
    decoded: usize,
    raw: usize,
    len: u8,
    raw_len: u8,
    /// How many times in a row; a text of nothing but escapes is one step.
    times: u32,
}

impl Decoded {
    fn clear(&mut self) {
        self.text.clear();
        self.steps.clear();
        self.ends = (usize::MAX, 0);
    }

    /// Gives memory back after an unusually large text.
    pub(crate) fn trim(&mut self, bytes: usize) {
        self.clear();
        self.text.shrink_to(bytes);
        self.steps.shrink_to(bytes / 32);
    }

    #[inline]
    fn step(&mut self, raw: usize, raw_len: usize, decoded: &[u8]) {
        let at = self.text.len();
        match decoded {
            [one] => self.text.push(*one),
            more => self.text.extend_from_slice(more),
        }
        let goes_on = self.ends == (at, raw);
        self.ends = (self.text.len(), raw + raw_len);
        let (len, raw_len) = (decoded.len() as u8, raw_len as u8);
        if goes_on
            && let Some(last) = self.steps.last_mut()
            && last.len == len
            && last.raw_len == raw_len
            && last.times < u32::MAX
        {
            last.times += 1;
            return;
        }
        self.steps.push(Step {
            decoded: at,
            raw,
            len,
            raw_len,
            times: 1,
        });
    }

    fn step_char(&mut self, raw: usize, raw_len: usize, c: char) {
        self.step(raw, raw_len, c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// Decodes the content of a JSON string, `raw` bytes of `source`.
    pub(crate) fn json(&mut self, source: &[u8], from: usize, to: usize) {
        self.clear();
        let mut pos = from;
        while pos < to {
            if at(source, pos) != b'\\' {
                let plain = memchr::memchr(b'\\', part(source, pos, to)).map_or(to, |n| pos + n);
                self.text.extend_from_slice(part(source, pos, plain));
                pos = plain;
            }
            if pos < to {
                let used = self.escape(source, pos, to).unwrap_or_else(|| {
                    self.text.push(b'\\');
                    1
                });
                pos += used
                    + if used == 2 {
                        self.again(source, pos, to)
                    } else {
                        0
                    };
            }
        }
        self.end(to);
    }

    /// Decodes everything in a plain text that looks like an escape: backslash escapes, percent-encoded bytes and
    /// character references. Returns whether there was anything to decode.
    pub(crate) fn layers(&mut self, source: &[u8], from: usize, to: usize) -> bool {
        self.clear();
        let mut pos = from;
        while pos < to {
            if !matches!(at(source, pos), b'\\' | b'%' | b'&') {
                let plain = memchr::memchr3(b'\\', b'%', b'&', part(source, pos, to))
                    .map_or(to, |n| pos + n);
                self.text.extend_from_slice(part(source, pos, plain));
                pos = plain;
            }
            if pos == to {
                break;
            }
            let used = match at(source, pos) {
                b'\\' => self.escape(source, pos, to),
                b'%' => self.percent(source, pos, to),
                _ => self.reference(source, pos, to),
            };
            pos += used.unwrap_or_else(|| {
                self.text.push(at(source, pos));
                1
            });
        }
        self.end(to)
    }

    /// Leaves out terminal colours, raw and written as escapes, with `gap` in the place of each.
    pub(crate) fn colours(&mut self, source: &[u8], from: usize, to: usize, gap: &[u8]) -> bool {
        self.clear();
        let mut pos = from;
        while pos < to {
            let plain = memchr::memchr3(ESCAPE, INTRODUCER, b'\\', part(source, pos, to))
                .map_or(to, |n| pos + n);
            self.text.extend_from_slice(part(source, pos, plain));
            pos = plain;
            if pos == to {
                break;
            }
            if let Some(length) = sequence(source, pos, to) {
                self.step(pos, length, gap);
                pos += length;
                continue;
            }
            // More backslashes than a sequence may have: the last of them may begin one.
            let last = run_end(source, pos + 1, to, |b| b == b'\\') - 1;
            let next = if at(source, pos) == b'\\' && last > pos {
                last
            } else {
                pos + 1
            };
            self.text.extend_from_slice(part(source, pos, next));
            pos = next;
        }
        self.end(to)
    }

    /// The escape of two bytes at `pos`, which was decoded, as often as it comes again at once; returns how many bytes it
    /// has there. A text of nothing but quotes is read without a step for each: with them, it takes 2.2 times as many
    /// instructions.
    #[inline]
    fn again(&mut self, source: &[u8], pos: usize, to: usize) -> usize {
        let (pairs, _) = part(source, pos, to).as_chunks::<2>();
        let Some((first, rest)) = pairs.split_first() else {
            return 0;
        };
        if rest.first() != Some(first) {
            return 0;
        }
        let count = rest.iter().take_while(|pair| *pair == first).count();
        let (Some(last), Some(&byte)) = (self.steps.last_mut(), self.text.last()) else {
            return 0;
        };
        let Some(times) = u32::try_from(count)
            .ok()
            .and_then(|count| last.times.checked_add(count))
        else {
            return 0;
        };
        last.times = times;
        self.text.resize(self.text.len() + count, byte);
        self.ends = (self.text.len(), self.ends.1 + 2 * count);
        2 * count
    }

    /// The decoded text ends; whether anything was decoded.
    fn end(&mut self, to: usize) -> bool {
        let changed = !self.steps.is_empty();
        self.steps.push(Step {
            decoded: self.text.len(),
            len: 0,
            raw: to,
            raw_len: 0,
            times: 1,
        });
        changed
    }

    /// Decodes base64, if what it says is clearly text.
    pub(crate) fn base64(&mut self, digits: &[u8]) -> bool {
        self.clear();
        for four in digits.chunks(4) {
            let (bytes, known) = three_bytes(four);
            let bytes = part(&bytes, 0, known);
            if !is_text(bytes) {
                return false;
            }
            self.text.extend_from_slice(bytes);
            if known < 3 {
                break;
            }
        }
        self.text.len() >= 12 && std::str::from_utf8(&self.text).is_ok()
    }

    fn escape(&mut self, source: &[u8], pos: usize, to: usize) -> Option<usize> {
        if pos + 1 >= to {
            return None;
        }
        let one = match at(source, pos + 1) {
            byte @ (b'"' | b'\\' | b'/' | b'\'') => byte,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'f' => 12,
            b'u' => {
                let high = hex(part(source, pos + 2, (pos + 6).min(to)), 4)?;
                if (0xD800..0xDC00).contains(&high) && part(source, pos + 6, pos + 8) == b"\\u" {
                    let low = hex(part(source, pos + 8, (pos + 12).min(to)), 4).unwrap_or(0);
                    if (0xDC00..0xE000).contains(&low) {
                        let c = char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))?;
                        self.step_char(pos, 12, c);
                        return Some(12);
                    }
                }
                // A lone surrogate is no character; what stands beside it still is judged.
                self.step_char(
                    pos,
                    6,
                    char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER),
                );
                return Some(6);
            }
            b'x' => {
                let byte = hex(part(source, pos + 2, (pos + 4).min(to)), 2)?;
                self.step_char(pos, 4, char::from_u32(byte)?);
                return Some(4);
            }
            _ => return None,
        };
        self.step(pos, 2, &[one]);
        Some(2)
    }

    fn percent(&mut self, source: &[u8], pos: usize, to: usize) -> Option<usize> {
        let byte = hex(part(source, pos + 1, (pos + 3).min(to)), 2)?;
        // Beyond ASCII a character has two bytes and more: `%DB_PASSWORD%` is a variable.
        if byte >= 0x80 && at(source, pos + 3) != b'%' && at(source, pos.wrapping_sub(3)) != b'%' {
            return None;
        }
        self.step(pos, 3, &[byte as u8]);
        Some(3)
    }

    fn reference(&mut self, source: &[u8], pos: usize, to: usize) -> Option<usize> {
        let text = part(source, pos, (pos + 10).min(to));
        let text = text.strip_prefix(b"&")?;
        for (name, byte) in ENTITIES {
            if text.starts_with(name.as_bytes()) {
                self.step(pos, name.len() + 1, &[*byte]);
                return Some(name.len() + 1);
            }
        }
        let digits = text.strip_prefix(b"#")?;
        let end = memchr::memchr(b';', digits)?;
        let number = part(digits, 0, end);
        let code = match number {
            [b'x' | b'X', hexes @ ..] if !hexes.is_empty() => hex(hexes, hexes.len())?,
            _ => std::str::from_utf8(number).ok()?.parse().ok()?,
        };
        self.step_char(pos, end + 3, char::from_u32(code)?);
        Some(end + 3)
    }

    /// The number of steps before a position, which is that of an `end`. The search begins at `near`, the number for the
    /// last position, which becomes that for this one.
    fn steps_before(&self, position: usize, end: bool, near: &mut usize) -> usize {
        let is_before = |step: &Step| step.decoded < position || !end && step.decoded == position;
        let is_behind = near
            .checked_sub(1)
            .and_then(|last| self.steps.get(last))
            .is_none_or(is_before);
        let from = if is_behind { *near } else { 0 };
        let rest = self.steps.get(from..).unwrap_or(&[]);
        let few = rest
            .iter()
            .take(NEAR)
            .take_while(|step| is_before(step))
            .count();
        let more = if few < NEAR {
            few
        } else {
            rest.partition_point(is_before)
        };
        *near = from + more;
        *near
    }

    /// Where the decoded position came from; `end` asks for the end of what was decoded there.
    fn raw(&self, position: usize, from: usize, end: bool, near: &mut usize) -> usize {
        let index = self.steps_before(position, end, near);
        let Some(step) = index.checked_sub(1).and_then(|i| self.steps.get(i)) else {
            return from + position;
        };
        let (len, raw_len, times) = (
            usize::from(step.len),
            usize::from(step.raw_len),
            step.times as usize,
        );
        let inside = position - step.decoded;
        if inside < len * times {
            // In the middle of what was decoded the whole escape counts.
            let escapes = if end {
                inside.div_ceil(len)
            } else {
                inside / len
            };
            step.raw + escapes * raw_len
        } else {
            step.raw + raw_len * times + (inside - len * times)
        }
    }

    /// The raw range that `start..end` was decoded from; `from` is where decoding began. `near` is 0 for the first,
    /// and the step at which the last one ended for the next: what comes in order is found without a search.
    pub(crate) fn raw_range(
        &self,
        start: usize,
        end: usize,
        from: usize,
        near: &mut usize,
    ) -> (usize, usize) {
        (
            self.raw(start, from, false, near),
            self.raw(end, from, true, near),
        )
    }
}

/// The value of each digit of base64, in both alphabets; 255 for other bytes.
static BASE64: [u8; 256] = each_byte!(|byte| match byte {
    b'A'..=b'Z' => byte - b'A',
    b'a'..=b'z' => byte - b'a' + 26,
    b'0'..=b'9' => byte - b'0' + 52,
    b'+' | b'-' => 62,
    b'/' | b'_' => 63,
    _ => 0xFF,
});

/// What four digits of base64 say, and how many bytes of it they do say.
fn three_bytes(four: &[u8]) -> ([u8; 3], usize) {
    let mut bits = 0u32;
    let mut known = 0_usize;
    for &digit in four {
        let value = BASE64.get(usize::from(digit)).copied().unwrap_or(0xFF);
        if value > 63 {
            break;
        }
        bits = bits << 6 | u32::from(value);
        known += 1;
    }
    bits <<= 6 * (4 - known);
    let [_, bytes @ ..] = bits.to_be_bytes();
    (bytes, known.saturating_sub(1))
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes
        .iter()
        .any(|&byte| byte < b' ' && !matches!(byte, b'\n' | b'\r' | b'\t') || byte == 0x7F)
}

/// Whether the first digits of what may be base64 say text: most words and ids do not, and need no buffer then.
pub(crate) fn begins_text(digits: &[u8]) -> bool {
    let (first, second) = (
        three_bytes(part(digits, 0, 4)),
        three_bytes(part(digits, 4, 8)),
    );
    let ([a, b, c], [d, e, f]) = (first.0, second.0);
    let six = [a, b, c, d, e, f];
    let utf8 = std::str::from_utf8(&six).err();
    first.1 + second.1 == 6 && is_text(&six) && utf8.is_none_or(|error| error.error_len().is_none())
}

fn hex(digits: &[u8], count: usize) -> Option<u32> {
    if digits.len() != count || count > 6 {
        return None;
    }
    let mut value = 0;
    for &digit in digits {
        value = value * 16 + char::from(digit).to_digit(16)?;
    }
    Some(value)
}

/// Whether the text at `pos`, a `\`, `%` or `&`, is an escape that hides something from the rules.
pub(crate) fn is_layer(text: &[u8], pos: usize) -> bool {
    match at(text, pos) {
        b'\\' => matches!(
            at(text, pos + 1),
            b'"' | b'\\' | b'/' | b'\'' | b'n' | b'r' | b't' | b'u' | b'x'
        ),
        b'%' => at(text, pos + 1).is_ascii_hexdigit() && at(text, pos + 2).is_ascii_hexdigit(),
        b'&' => {
            let rest = rest(text, pos + 1);
            at(rest, 0) == b'#'
                || ENTITIES
                    .iter()
                    .any(|(name, _)| rest.starts_with(name.as_bytes()))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_map_back_to_the_escapes_they_came_from() {
        let source = br#"x\u0041b\n\"c\ud83d\ude00d"#;
        let mut decoded = Decoded::default();
        decoded.json(source, 1, source.len());
        assert_eq!(decoded.text, "Ab\n\"c\u{1f600}d".as_bytes());
        let mut near = 0;
        assert_eq!(decoded.raw_range(0, 1, 1, &mut near), (1, 7));
        assert_eq!(decoded.raw_range(1, 2, 1, &mut near), (7, 8));
        assert_eq!(decoded.raw_range(2, 4, 1, &mut near), (8, 12));
        assert_eq!(decoded.raw_range(4, 5, 1, &mut near), (12, 13));
        assert_eq!(decoded.raw_range(5, 9, 1, &mut near), (13, 25));
        assert_eq!(decoded.raw_range(9, 10, 1, &mut near), (25, 26));
        assert_eq!(decoded.raw_range(0, 10, 1, &mut near), (1, 26));
    }

    #[test]
    fn a_finding_maps_back_to_the_same_wherever_the_last_one_was() {
        let source = br"ab\nc\n\n\u00e4".repeat(30);
        let mut decoded = Decoded::default();
        decoded.json(&source, 0, source.len());
        let mut near = 0;
        for index in 0..4096 {
            let start = index * 37 % decoded.text.len();
            let end = start + index % (decoded.text.len() - start);
            let mapped = decoded.raw_range(start, end, 0, &mut near);
            assert_eq!(
                mapped,
                decoded.raw_range(start, end, 0, &mut 0),
                "{start} {end}"
            );
        }
    }

    #[test]
    fn colours_around_a_finding_stay_and_those_inside_of_it_go_with_it() {
        let source = b"\x1b[1mkey\x1b[0m\x1b[2m=\x1b[0m\\x1b[31mab\x1b[Kcd\x1b[0m\x1b[1m;";
        let mut decoded = Decoded::default();
        assert!(decoded.colours(source, 0, source.len(), b""));
        assert_eq!(decoded.text, b"key=abcd;");
        let (start, end) = decoded.raw_range(4, 8, 0, &mut 0);
        assert_eq!(&source[start..end], b"ab\x1b[Kcd");
        assert!(decoded.colours(source, 0, source.len(), b" "));
        assert_eq!(decoded.text, b" key  =  ab cd  ;");
    }

    #[test]
    fn a_colour_behind_any_number_of_backslashes_is_left_out() {
        for (before, kept) in [(1, 0), (8, 0), (63, 62), (64, 63), (100, 99)] {
            let source = format!("{}e[0mab", "\\".repeat(before));
            let mut decoded = Decoded::default();
            assert!(
                decoded.colours(source.as_bytes(), 0, source.len(), b""),
                "{before}"
            );
            assert_eq!(decoded.text.len(), kept + 2, "{before}");
        }
        let mut decoded = Decoded::default();
        assert!(decoded.colours(b"\x1b\\e[0mab", 0, 8, b""));
        assert_eq!(decoded.text, b"\x1bab");
    }

    #[test]
    fn layers_decode_percent_and_references() {
        let source = b"a%40b&quot;c&#64;d'lt;";
        let mut decoded = Decoded::default();
        assert!(decoded.layers(source, 0, source.len()));
        assert_eq!(decoded.text, b"a@b\"c@d'lt;");
        assert_eq!(decoded.raw_range(0, 3, 0, &mut 0), (0, 5));
        assert_eq!(decoded.raw_range(4, 7, 0, &mut 0), (11, 18));
    }
}
