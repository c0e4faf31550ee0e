//! One look at every byte: where strings end, and where a rule might begin.
//!
//! A rule is tried only at a candidate: a trigger such as `@`, the first digit of a word, or the start of a run of
//! token bytes that is long enough for a key. All of this is kept as bits, 64 bytes to a word, so that the walk and
//! the rules step from one place of interest to the next.

use wide::u8x16;

use crate::redact::read::bytes::{self, at};

#[derive(Clone, Copy, Debug, Default)]
struct Block {
    /// Quotes and backslashes.
    ends: u64,
    /// Where a rule might begin.
    candidates: u64,
    /// `%`, `&`, `'`, `(`, line feeds and escapes, of which layers and tables are made.
    odd: u64,
}

/// The masks of one text.
#[derive(Debug, Default)]
pub(crate) struct Masks {
    blocks: Vec<Block>,
}

/// The classes of 64 bytes, a bit for each byte.
#[derive(Clone, Copy, Default)]
struct Bits {
    ends: u64,
    letter: u64,
    digit: u64,
    /// `-` and `_`.
    joint: u64,
    trigger: u64,
    odd: u64,
}

impl Bits {
    fn word(&self) -> u64 {
        self.letter | self.digit
    }

    fn token(&self) -> u64 {
        self.word() | self.joint
    }
}

/// How the block before ended.
#[derive(Clone, Copy, Default)]
struct Carry {
    token: u64,
    word: u64,
    joint: u64,
    /// In a word that has had no digit yet.
    letters: u64,
}

/// Looks at 64 bytes, 16 at a time: SSE2 on x86-64, NEON on AArch64, plain loops elsewhere.
#[inline(always)]
fn classify(block: &[u8; 64]) -> Bits {
    let mut bits = Bits::default();
    let (sixteens, _) = block.as_chunks::<16>();
    for (index, &sixteen) in sixteens.iter().enumerate() {
        let bytes = u8x16::new(sixteen);
        let is = |byte: u8| bytes.cmp_eq(u8x16::splat(byte));
        let within = |bytes: u8x16, first: u8, count: u8| {
            let offset = bytes - u8x16::splat(first);
            offset.min(u8x16::splat(count - 1)).cmp_eq(offset)
        };
        // `<` and `=` differ in their last bit.
        let angle = (bytes | u8x16::splat(1)).cmp_eq(u8x16::splat(b'='));
        let trigger = angle | is(b'@') | is(b':') | is(b'\'');
        let mask = |bytes: u8x16| u64::from(bytes.move_mask() as u16) << (16 * index);
        bits.ends |= mask(is(b'"') | is(b'\\'));
        bits.letter |= mask(within(bytes | u8x16::splat(0x20), b'a', 26));
        bits.digit |= mask(within(bytes, b'0', 10));
        bits.joint |= mask(is(b'-') | is(b'_'));
        bits.trigger |= mask(trigger);
        // A line feed and an escape differ in two bits; the two other bytes that do are in no text.
        let control = (bytes & u8x16::splat(!0x11)).cmp_eq(u8x16::splat(b'\n'));
        bits.odd |= mask(within(bytes, b'%', 4) | control);
    }
    bits
}

impl Masks {
    /// Looks at `text` and forgets what it knew before.
    pub(crate) fn fill(&mut self, text: &[u8]) {
        self.blocks.clear();
        self.blocks.reserve(text.len() / 64 + 1);
        let (whole, rest) = text.as_chunks::<64>();
        let mut end = [0; 64];
        for (slot, byte) in end.iter_mut().zip(rest) {
            *slot = *byte;
        }
        let mut carry = Carry::default();
        let mut bits = whole.first().map_or_else(|| classify(&end), classify);
        // A block is complete when the one behind it is known.
        for next in whole.iter().skip(1).chain(std::iter::once(&end)) {
            let after = classify(next);
            self.blocks.push(block(&mut carry, &bits, &after));
            bits = after;
        }
        self.blocks.push(block(&mut carry, &bits, &Bits::default()));
    }

    /// The first quote or backslash in `from..to`, or `to`.
    #[inline]
    pub(crate) fn next_end(&self, from: usize, to: usize) -> usize {
        self.next(from, to, |block| block.ends)
    }

    /// The first candidate in `from..to`, or `to`.
    #[inline]
    pub(crate) fn next_candidate(&self, from: usize, to: usize) -> usize {
        self.next(from, to, |block| block.candidates)
    }

    /// The first candidate, quote or backslash in `from..to`, or `to`.
    #[inline]
    pub(crate) fn next_candidate_or_end(&self, from: usize, to: usize) -> usize {
        self.next(from, to, |block| block.candidates | block.ends)
    }

    /// The first `%`, `&`, `'`, `(`, line feed or escape in `from..to`, or `to`.
    #[inline]
    pub(crate) fn next_odd(&self, from: usize, to: usize) -> usize {
        self.next(from, to, |block| block.odd)
    }

    #[inline(always)]
    fn next(&self, from: usize, to: usize, of: impl Fn(&Block) -> u64) -> usize {
        if from >= to {
            return to;
        }
        let mut index = from / 64;
        let Some(block) = self.blocks.get(index) else {
            return to;
        };
        let mut bits = of(block) & (u64::MAX << (from % 64));
        while bits == 0 {
            index += 1;
            if index * 64 >= to {
                return to;
            }
            let Some(block) = self.blocks.get(index) else {
                return to;
            };
            bits = of(block);
        }
        (index * 64 + bits.trailing_zeros() as usize).min(to)
    }

    /// Gives memory back after an unusually large text.
    pub(crate) fn trim(&mut self, bytes: usize) {
        self.blocks.clear();
        self.blocks.shrink_to(bytes / 64);
    }
}

/// Shorter runs are no keys: the shortest formats in use, prefix included, are longer, and what is cut shorter has
/// lost most of its secret.
pub(crate) const MIN_RUN: usize = 12;

#[inline(always)]
fn block(carry: &mut Carry, bits: &Bits, after: &Bits) -> Block {
    let (token, word) = (bits.token(), bits.word());
    let run_starts = token & !((token << 1) | carry.token);
    // A bit stays where it and the next 11 are token bytes: `MIN_RUN` in all.
    let window = u128::from(token) | (u128::from(after.token()) << 64);
    let two = window & (window >> 1);
    let four = two & (two >> 2);
    let eight = four & (four >> 4);
    let twelve = (eight & (four >> 8)) as u64;
    // `--` begins a flag or an armour line, `-x` a flag.
    let joints =
        bits.joint & ((bits.joint >> 1) | (after.joint << 63)) & !((bits.joint << 1) | carry.joint);
    let flags = bits.joint & run_starts & ((bits.letter >> 1) | (after.letter << 63));
    let first_digits = first_digits(carry, bits);
    carry.token = token >> 63;
    carry.word = word >> 63;
    carry.joint = bits.joint >> 63;
    Block {
        ends: bits.ends,
        candidates: bits.trigger | first_digits | (run_starts & twelve) | joints | flags,
        odd: bits.odd,
    }
}

/// The first digit of each word of letters and digits: of the twelve groups in a UUID five are left.
///
/// The addition carries a bit from the start of a word over its letters to what stands behind them.
#[inline(always)]
fn first_digits(carry: &mut Carry, bits: &Bits) -> u64 {
    let word = bits.word();
    let starts = (word & !((word << 1) | carry.word)) | (carry.letters & word);
    let (behind, carried) = bits.letter.overflowing_add(starts & bits.letter);
    carry.letters = u64::from(carried);
    bits.digit & (starts | (behind & !bits.letter))
}

/// Whether a run of token bytes starts at `position`.
#[inline]
pub(crate) fn is_run_start(text: &[u8], position: usize) -> bool {
    bytes::is_token(at(text, position)) && !bytes::is_token(bytes::before(text, position))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a rule might begin, told byte by byte.
    fn is_candidate(text: &[u8], pos: usize) -> bool {
        let (last, byte, next) = (bytes::before(text, pos), at(text, pos), at(text, pos + 1));
        let is_joint = |byte: u8| matches!(byte, b'-' | b'_');
        let word = bytes::run_start(text, pos, 0, |b| b.is_ascii_alphanumeric());
        let is_first_digit =
            || byte.is_ascii_digit() && !text[word..pos].iter().any(u8::is_ascii_digit);
        let run = bytes::run_end(text, pos, text.len(), bytes::is_token) - pos;
        matches!(byte, b'@' | b':' | b'\'' | b'<' | b'=')
            || is_first_digit()
            || is_run_start(text, pos) && run >= MIN_RUN
            || is_joint(byte) && is_joint(next) && !is_joint(last)
            || is_joint(byte) && is_run_start(text, pos) && next.is_ascii_alphabetic()
    }

    fn places(text: &[u8], next: impl Fn(usize, usize) -> usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut pos = next(0, text.len());
        while pos < text.len() {
            found.push(pos);
            pos = next(pos + 1, text.len());
        }
        found
    }

    /// Compares what the masks of a text say with a look at each byte alone.
    fn compare(text: &[u8], masks: &mut Masks) {
        masks.fill(text);
        let all = |is: &dyn Fn(usize) -> bool| -> Vec<usize> {
            (0..text.len()).filter(|&pos| is(pos)).collect()
        };
        let is_end = |pos: usize| matches!(text[pos], b'"' | b'\\');
        let is_odd = |pos: usize| matches!(text[pos], b'%' | b'&' | b'\'' | b'(' | b'\n' | ESC);
        let candidates = places(text, |from, to| masks.next_candidate(from, to));
        let wanted = all(&|pos| is_candidate(text, pos));
        assert_eq!(candidates, wanted, "{}", text.escape_ascii());
        assert_eq!(
            places(text, |from, to| masks.next_end(from, to)),
            all(&is_end)
        );
        assert_eq!(
            places(text, |from, to| masks.next_odd(from, to)),
            all(&is_odd)
        );
        assert_eq!(
            places(text, |from, to| masks.next_candidate_or_end(from, to)),
            all(&|pos| is_end(pos) || is_candidate(text, pos))
        );
    }

    #[test]
    fn each_byte_is_seen_as_if_it_were_looked_at_alone() {
        let letters = b"aZ09-_=:@'\"\\<%&(\n\x1b. \xc3\xa9{";
        let mut state = 7_usize;
        let mut masks = Masks::default();
        for length in [0, 1, 63, 64, 65, 127, 128, 129, 1_000] {
            let text: Vec<u8> = (0..length)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    // Runs long enough for a key need the same kind of byte several times.
                    letters[(state >> 33) % [2, 6, letters.len()][(state >> 50) % 3]]
                })
                .collect();
            compare(&text, &mut masks);
        }
        // What begins in one block and ends in the next.
        for offset in 40..=64 {
            for part in [
                "-x",
                "--",
                "_-a",
                "abc1",
                "a1-2",
                "abcdefghijkl",
                "abc-efg_ijk0",
            ] {
                let text = [" ".repeat(offset).as_bytes(), part.as_bytes(), b" "].concat();
                compare(&text, &mut masks);
            }
        }
    }

    const ESC: u8 = 0x1B;

    #[test]
    fn nothing_is_found_outside_of_what_is_asked_for() {
        let text = [b" ".repeat(100), b"@".to_vec(), b" ".repeat(100)].concat();
        let mut masks = Masks::default();
        masks.fill(&text);
        assert_eq!(masks.next_candidate(1, 100), 100);
        assert_eq!(masks.next_candidate(65, 90), 90);
        assert_eq!(masks.next_candidate(1, 101), 100);
        assert_eq!(masks.next_candidate(101, 201), 201);
        assert_eq!(masks.next_candidate(201, 201), 201);
        masks.fill(b"@   ");
        assert_eq!(masks.next_candidate(1, 4), 4);
    }
}
