//! One look at every byte: where strings end, and where a rule might begin.
//!
//! A rule is tried only at a candidate: a trigger such as `@`, the first digit of a word, or the start of a run of
//! token bytes that is long enough for a key. All of this is kept as bits, 64 bytes to a word, so that the walk and
//! the rules step from one place of interest to the next.

use wide::u8x16;

use crate::base::text::sixteen_of;
use crate::redact::catalogue::signs::TRIGGERS;
use crate::redact::read::bytes::{self, among, at};

#[derive(Clone, Copy, Debug, Default)]
struct Block {
    /// Quotes and backslashes.
    ends: u64,
    /// Where a rule might begin.
    candidates: u64,
    /// `%`, `&`, `'`, `(`, line feeds and escapes, of which layers and tables are made.
    odd: u64,
    /// Letters, digits, `-` and `_`.
    token: u64,
}

/// The memory of masks. What they say is asked of [`Masks`], which only a look at a text makes: masks of nothing would
/// find nothing, silently.
#[derive(Debug, Default)]
pub(crate) struct MaskMemory {
    blocks: Vec<Block>,
}

/// The masks of one text, or of a part of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Masks<'m> {
    blocks: &'m [Block],
    /// Where the first block begins.
    base: usize,
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

    /// Those of the first bytes alone, fewer than 64.
    fn first(self, bytes: usize) -> Self {
        let kept = !(u64::MAX << bytes);
        Self {
            ends: self.ends & kept,
            letter: self.letter & kept,
            digit: self.digit & kept,
            joint: self.joint & kept,
            trigger: self.trigger & kept,
            odd: self.odd & kept,
        }
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

/// Adds what is seen of 16 bytes, the `index`th of a block: SSE2 on x86-64, NEON on AArch64, plain loops elsewhere.
/// Control bytes are ends to a string that is written (`WRITES`) and not looked for elsewhere: of 20 000 bytes of clean
/// JSON 5 820 instructions less (of 249 000).
#[inline(always)]
fn classify_sixteen<const WRITES: bool>(bits: &mut Bits, index: usize, sixteen: [u8; 16]) {
    let bytes = u8x16::new(sixteen);
    let is = |byte: u8| bytes.cmp_eq(u8x16::splat(byte));
    let within = |bytes: u8x16, first: u8, count: u8| {
        let offset = bytes - u8x16::splat(first);
        offset.min(u8x16::splat(count - 1)).cmp_eq(offset)
    };
    let sign = |(bit, sign): (u8, u8)| among(bytes, bit, sign);
    let [first, second, third, fourth] = TRIGGERS;
    let trigger = sign(first) | sign(second) | sign(third) | sign(fourth);
    let mask = |bytes: u8x16| u64::from(bytes.move_mask() as u16) << (16 * index);
    let mut ends = is(b'"') | is(b'\\');
    if WRITES {
        ends |= bytes.min(u8x16::splat(0x1F)).cmp_eq(bytes);
    }
    bits.ends |= mask(ends);
    bits.letter |= mask(within(bytes | u8x16::splat(0x20), b'a', 26));
    bits.digit |= mask(within(bytes, b'0', 10));
    bits.joint |= mask(is(b'-') | is(b'_'));
    bits.trigger |= mask(trigger);
    // A line feed, an escape and the last byte of U+009B differ in three bits; the other bytes that do are in few texts.
    let control = (bytes & u8x16::splat(!0x91)).cmp_eq(u8x16::splat(b'\n'));
    bits.odd |= mask(within(bytes, b'%', 4) | control);
}

/// Looks at 64 bytes.
#[inline(always)]
fn classify<const WRITES: bool>(block: &[u8; 64]) -> Bits {
    let mut bits = Bits::default();
    let (sixteens, _) = block.as_chunks::<16>();
    for (index, &sixteen) in sixteens.iter().enumerate() {
        classify_sixteen::<WRITES>(&mut bits, index, sixteen);
    }
    bits
}

/// Looks at the last bytes of a string, fewer than 64, and at no more. With a copy of 64 bytes in its place, an event
/// with six sensitive names takes 400 instructions more (of 33 900), a typical one 120 (of 21 900).
#[inline(always)]
fn classify_last(string: &[u8], last: &[u8]) -> Bits {
    let mut bits = Bits::default();
    let (sixteens, rest) = last.as_chunks::<16>();
    for (index, &sixteen) in sixteens.iter().enumerate() {
        classify_sixteen::<true>(&mut bits, index, sixteen);
    }
    if rest.is_empty() {
        return bits;
    }
    let sixteen = if let Some(end) = string.last_chunk::<16>() {
        u128::from_le_bytes(*end) >> (8 * (16 - rest.len()))
    } else {
        sixteen_of(rest)
    };
    classify_sixteen::<true>(&mut bits, sixteens.len(), sixteen.to_le_bytes());
    // The zeros behind the string are no control bytes of its.
    bits.ends &= !(u64::MAX << last.len());
    bits
}

/// What is seen of a string, sixteen bytes at a time, that is made of letters, spaces and the signs of sentences, and of
/// no word that is long enough for a key: no rule begins in it. Most strings of an event are so, and masks cost more:
/// without it, a typical event takes 2 010 instructions more (of 21 900).
#[derive(Debug, Default)]
pub(crate) struct Prose {
    /// The letters among the last sixteen bytes.
    letters: u32,
    /// Bits where `MIN_RUN` of them began in a row.
    long: u32,
}

impl Prose {
    /// A shorter string has no key in it.
    pub(crate) const MIN_RUN: usize = MIN_RUN;

    /// How many of the next sixteen bytes it goes on with; behind fewer it ends.
    #[inline(always)]
    pub(crate) fn reach(&mut self, sixteen: &[u8; 16]) -> usize {
        let (fits, mut letters) = Self::classify(sixteen);
        let mut reach = 16;
        if fits != 0xFFFF {
            reach = (!fits).trailing_zeros();
            letters &= !(u32::MAX << reach);
        }
        let window = self.letters | (letters << 16);
        let two = window & (window >> 1);
        let four = two & (two >> 2);
        self.letters = letters;
        self.long |= four & (four >> 4) & (four >> 8);
        reach as usize
    }

    /// Whether a string of `len` bytes, fewer than a key has, is prose: no long word is looked for.
    #[inline(always)]
    pub(crate) fn is_short(sixteen: &[u8; 16], len: usize) -> bool {
        let (fits, _) = Self::classify(sixteen);
        (!fits).trailing_zeros() as usize >= len
    }

    /// A bit for each byte of prose, the first one's lowest, and for each letter.
    #[inline(always)]
    fn classify(sixteen: &[u8; 16]) -> (u32, u32) {
        let bytes = u8x16::new(*sixteen);
        // Of each pair of signs one has a bit that the other lacks.
        let pair = |bit: u8, sign: u8| among(bytes, bit, sign);
        let offset = (bytes | u8x16::splat(0x20)) - u8x16::splat(b'a');
        let letter = offset.min(u8x16::splat(25)).cmp_eq(offset);
        let sign = pair(1, b'!') | pair(2, b'.') | pair(4, b'?') | pair(1, b')');
        // Beyond ASCII, where the highest bit is set, are letters of other alphabets, of which no key is made.
        let fits = (letter | sign | bytes).move_mask() as u32;
        (fits, letter.move_mask() as u32)
    }

    /// Whether no word was long enough for a key.
    #[inline(always)]
    pub(crate) fn is_quiet(&self) -> bool {
        self.long == 0
    }
}

/// Where a memory keeps the masks of a string that was [seen](MaskMemory::see): nothing else makes one. Without it, a
/// typical event takes 1 680 instructions more (of 21 900), one with six secrets 2 150 (of 54 100).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeenAt(u32);

impl SeenAt {
    /// The same in a memory to which the masks were [added](MaskMemory::append), behind so many blocks.
    pub(crate) const fn behind(self, blocks: u32) -> Self {
        Self(self.0 + blocks)
    }

    /// For tapes of tests, which are not gone through.
    #[cfg(test)]
    pub(crate) const FIRST: Self = Self(0);
}

/// What was seen of a string when it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It has nothing that a rule could begin with.
    Quiet,
    /// It has what a rule could begin with.
    Masks(SeenAt),
    /// It has bytes that are escaped in JSON, or escapes.
    Escaped,
    /// Nobody looked at it.
    Unseen,
}

impl MaskMemory {
    /// Looks at a whole text.
    pub(crate) fn look(&mut self, text: &[u8]) -> Masks<'_> {
        self.look_at(text, 0, text.len())
    }

    /// Looks at a part of a text, in front of which no run of token bytes ends and behind which none goes on: the
    /// content of a string.
    pub(crate) fn look_at(&mut self, text: &[u8], from: usize, to: usize) -> Masks<'_> {
        self.blocks.clear();
        let part = text.get(from..to).unwrap_or_default();
        self.blocks.reserve(part.len() / 64 + 1);
        let (whole, rest) = part.as_chunks::<64>();
        let mut carry = Carry::default();
        let mut bits = Bits::default();
        // A block is complete when the one behind it is known.
        for (index, next) in whole.iter().enumerate() {
            let after = classify::<false>(next);
            if index > 0 {
                self.blocks.push(block(&mut carry, &bits, &after));
            }
            bits = after;
        }
        let after = classify_end(text, to - rest.len(), rest);
        if !whole.is_empty() {
            self.blocks.push(block(&mut carry, &bits, &after));
        }
        self.blocks
            .push(block(&mut carry, &after, &Bits::default()));
        self.masks(from)
    }

    /// What was looked at last, which began at `from`.
    pub(crate) fn masks(&self, from: usize) -> Masks<'_> {
        self.masks_of(SeenAt(0), from)
    }

    /// The masks of a string that was [seen](Self::see), and now begins at `from` of a text.
    pub(crate) fn masks_of(&self, seen: SeenAt, from: usize) -> Masks<'_> {
        Masks {
            blocks: self.blocks.get(seen.0 as usize..).unwrap_or_default(),
            base: from,
        }
    }

    /// Looks at a string that is being written, and keeps its masks beside those of others where it has candidates.
    /// What nobody has looked at stays on the tape: without this, a typical event takes 2 500 instructions more (of
    /// 21 900), one whose strings stand under sensitive names 1 190 fewer (of 33 900).
    #[inline(never)]
    pub(crate) fn see(&mut self, string: &[u8]) -> Seen {
        let first = self.blocks.len();
        let mut carry = Carry::default();
        let (mut candidates, mut ends) = (0, 0);
        let (whole, last) = string.as_chunks::<64>();
        let mut bits = None;
        for next in whole {
            let after = classify::<true>(next);
            if let Some(bits) = bits.replace(after) {
                let block = block(&mut carry, &bits, &after);
                (candidates, ends) = (candidates | block.candidates, ends | block.ends);
                self.blocks.push(block);
            }
        }
        let after = classify_last(string, last);
        // Saves a quarter on a short string that is no prose and has nothing to look at: `>=`, `#fff`.
        let plain = after.ends | after.digit | after.trigger | after.joint == 0;
        if plain && string.len() < MIN_RUN {
            return Seen::Quiet;
        }
        if let Some(bits) = bits {
            let block = block(&mut carry, &bits, &after);
            (candidates, ends) = (candidates | block.candidates, ends | block.ends);
            self.blocks.push(block);
        }
        let block = block(&mut carry, &after, &Bits::default());
        if ends | block.ends == 0 && candidates | block.candidates != 0 {
            self.blocks.push(block);
            return Seen::Masks(SeenAt(first as u32));
        }
        self.blocks.truncate(first);
        if ends | block.ends == 0 {
            Seen::Quiet
        } else {
            Seen::Escaped
        }
    }

    pub(crate) fn clear(&mut self) {
        self.blocks.clear();
    }

    /// How many blocks there are.
    pub(crate) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// The memory held, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.blocks.capacity() * size_of::<Block>()
    }

    /// Adds the masks of strings that were seen elsewhere; returns how many blocks stand before them.
    pub(crate) fn append(&mut self, other: &Self) -> u32 {
        let before = self.blocks.len() as u32;
        self.blocks.extend_from_slice(&other.blocks);
        before
    }

    /// Gives memory back after an unusually large text.
    pub(crate) fn trim(&mut self, bytes: usize) {
        self.blocks.clear();
        self.blocks.shrink_to(bytes / 64);
    }
}

/// Looks at the last bytes of a text, fewer than 64, which begin at `from`. Where more of the text stands behind them,
/// 64 are looked at in place and the bits of those behind are dropped: a third of what a copy costs.
#[inline(always)]
fn classify_end(text: &[u8], from: usize, rest: &[u8]) -> Bits {
    if let Some(block) = text.get(from..).and_then(<[u8]>::first_chunk) {
        return classify::<false>(block).first(rest.len());
    }
    let mut end = [0; 64];
    if let Some(start) = end.get_mut(..rest.len()) {
        start.copy_from_slice(rest);
    }
    classify::<false>(&end)
}

impl Masks<'_> {
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

    /// Where the run of token bytes ends that goes on at `from`, or `to`: of a key, a tenth of what a look at each byte
    /// costs.
    #[inline]
    pub(crate) fn token_end(&self, from: usize, to: usize) -> usize {
        self.next(from, to, |block| !block.token)
    }

    #[inline(always)]
    fn next(&self, from: usize, to: usize, of: impl Fn(&Block) -> u64) -> usize {
        if from >= to {
            return to;
        }
        debug_assert!(from >= self.base && (from - self.base) / 64 < self.blocks.len());
        let (from, end) = (from - self.base, to - self.base);
        let mut index = from / 64;
        let Some(block) = self.blocks.get(index) else {
            return to;
        };
        let mut bits = of(block) & (u64::MAX << (from % 64));
        while bits == 0 {
            index += 1;
            if index * 64 >= end {
                return to;
            }
            let Some(block) = self.blocks.get(index) else {
                return to;
            };
            bits = of(block);
        }
        self.base + (index * 64 + bits.trailing_zeros() as usize).min(end)
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
        token,
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
    fn compare(text: &[u8], memory: &mut MaskMemory) {
        let masks = memory.look(text);
        let all = |is: &dyn Fn(usize) -> bool| -> Vec<usize> {
            (0..text.len()).filter(|&pos| is(pos)).collect()
        };
        let is_end = |pos: usize| matches!(text[pos], b'"' | b'\\');
        let is_control = |byte: u8| matches!(byte, b'\n' | ESC | 0x8A | 0x8B | 0x9A | 0x9B);
        let is_odd =
            |pos: usize| matches!(text[pos], b'%' | b'&' | b'\'' | b'(') || is_control(text[pos]);
        let candidates = places(text, |from, to| masks.next_candidate(from, to));
        let wanted = all(&|pos| is_candidate(text, pos));
        assert_eq!(candidates, wanted, "{}", text.escape_ascii());
        assert_eq!(
            places(text, |from, to| masks.next_end(from, to)),
            all(&is_end)
        );
        let no_token = |pos: usize| !bytes::is_token(text[pos]);
        assert_eq!(
            places(text, |from, to| masks.token_end(from, to)),
            all(&no_token)
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
        let letters = b"aZ09-_=:@'\"\\<%&(\n\x1b. \xc3\xa9\xc2\x9b{";
        let mut state = 7_usize;
        let mut masks = MaskMemory::default();
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

    fn is_prose(string: &[u8]) -> bool {
        let (mut prose, mut reached) = (Prose::default(), 0);
        let padded = [string, &[0; 16]].concat();
        for sixteen in padded.as_chunks().0 {
            if string.len() < MIN_RUN {
                return Prose::is_short(sixteen, string.len());
            }
            let reach = prose.reach(sixteen);
            reached += reach;
            if reach < 16 {
                break;
            }
        }
        reached == string.len() && prose.is_quiet()
    }

    #[test]
    fn a_string_that_is_written_is_seen_as_one_that_is_looked_at() {
        let letters = b"abcdeXYZ  .,;!?()\xc3\xa9-_09=:@'<\"\\\n\x01%";
        let mut state = 11_usize;
        let (mut seen, mut looked) = (MaskMemory::default(), MaskMemory::default());
        let mut kinds = [0; 3];
        for round in 0..6_000 {
            let length = round % 140;
            let kind = [5, 17, 19, letters.len()][round % 4];
            let string: Vec<u8> = (0..length)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    letters[(state >> 33) % kind]
                })
                .collect();
            let escaped = string.iter().any(|b| matches!(b, b'"' | b'\\' | ..0x20));
            let masks = looked.look(&string);
            let quiet = masks.next_candidate(0, length) == length;
            let shown = string.escape_ascii();
            assert!(!is_prose(&string) || quiet && !escaped, "{shown}");
            match seen.see(&string) {
                Seen::Escaped => assert!(escaped, "{shown}"),
                Seen::Quiet => assert!(!escaped && quiet, "{shown}"),
                Seen::Masks(first) => {
                    assert!(!escaped && !quiet, "{shown}");
                    // Where the string stands in a text makes no difference.
                    let moved = seen.masks_of(first, 7);
                    for from in 0..length {
                        let next = masks.next_candidate(from, length);
                        assert_eq!(moved.next_candidate(from + 7, length + 7), next + 7);
                        let next = masks.next_odd(from, length);
                        assert_eq!(moved.next_odd(from + 7, length + 7), next + 7);
                    }
                }
                Seen::Unseen => panic!("{shown}"),
            }
            let kind = match (is_prose(&string), escaped || quiet) {
                (true, _) => 0,
                (false, true) => 1,
                (false, false) => 2,
            };
            kinds[kind] += 1;
        }
        assert!(kinds.iter().all(|count| *count > 100), "{kinds:?}");
    }

    const ESC: u8 = 0x1B;

    #[test]
    fn nothing_is_found_outside_of_what_is_asked_for() {
        let text = [b" ".repeat(100), b"@".to_vec(), b" ".repeat(100)].concat();
        let mut memory = MaskMemory::default();
        let masks = memory.look(&text);
        assert_eq!(masks.next_candidate(1, 100), 100);
        assert_eq!(masks.next_candidate(65, 90), 90);
        assert_eq!(masks.next_candidate(1, 101), 100);
        assert_eq!(masks.next_candidate(101, 201), 201);
        assert_eq!(masks.next_candidate(201, 201), 201);
        let masks = memory.look(b"@   ");
        assert_eq!(masks.next_candidate(1, 4), 4);
    }
}
