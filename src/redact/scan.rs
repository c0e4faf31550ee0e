//! One look at every byte: where strings end, and where a rule might begin.
//!
//! A rule is tried only at a candidate: a trigger such as `@`, the first digit of a group of digits, or the
//! start of a run of token bytes that is long enough for a key. All of this is kept as bits, 64 bytes to a word.

use super::bytes::at;

const END: u8 = 1;
const TOKEN: u8 = 2;
const DIGIT: u8 = 4;
const TRIGGER: u8 = 8;
const DASH: u8 = 16;

static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        let mut class = 0;
        if b.is_ascii_alphanumeric() || b == b'_' || b == b'-' {
            class |= TOKEN;
        }
        if b.is_ascii_digit() {
            class |= DIGIT;
        }
        if b == b'-' {
            class |= DASH;
        }
        if b == b'"' || b == b'\\' {
            class |= END;
        }
        if matches!(b, b'@' | b'=' | b':' | b'<' | b'\'') {
            class |= TRIGGER;
        }
        table[byte] = class;
        byte += 1;
    }
    table
}

#[derive(Clone, Copy, Debug, Default)]
struct Block {
    /// Quotes and backslashes.
    ends: u64,
    /// Where a rule might begin.
    candidates: u64,
}

/// The masks of one text.
#[derive(Debug, Default)]
pub(super) struct Masks {
    blocks: Vec<Block>,
}

/// The classes of 64 bytes, a bit for each byte.
#[derive(Clone, Copy, Default)]
struct Bits {
    ends: u64,
    token: u64,
    digit: u64,
    trigger: u64,
    dash: u64,
}

fn classify(block: &[u8]) -> Bits {
    let mut bits = Bits::default();
    for (i, &byte) in block.iter().enumerate() {
        let class = u64::from(CLASS[usize::from(byte)]);
        bits.ends |= (class & 1) << i;
        bits.token |= ((class >> 1) & 1) << i;
        bits.digit |= ((class >> 2) & 1) << i;
        bits.trigger |= ((class >> 3) & 1) << i;
        bits.dash |= ((class >> 4) & 1) << i;
    }
    bits
}

impl Masks {
    /// Looks at `text` and forgets what it knew before.
    pub(super) fn fill(&mut self, text: &[u8]) {
        self.blocks.clear();
        self.blocks.reserve(text.len() / 64 + 1);
        let mut last = Bits::default();
        let mut carry = Bits::default();
        let mut first = true;
        for chunk in text.chunks(64) {
            let bits = classify(chunk);
            if !first {
                self.blocks.push(block(carry, last, bits));
            }
            first = false;
            carry = last;
            last = bits;
        }
        if !first {
            self.blocks.push(block(carry, last, Bits::default()));
        }
    }

    /// The first quote or backslash in `from..to`, or `to`.
    #[inline]
    pub(super) fn next_end(&self, from: usize, to: usize) -> usize {
        self.next(from, to, |block| block.ends)
    }

    /// The first candidate in `from..to`, or `to`.
    #[inline]
    pub(super) fn next_candidate(&self, from: usize, to: usize) -> usize {
        self.next(from, to, |block| block.candidates)
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
    pub(super) fn trim(&mut self, bytes: usize) {
        self.blocks.clear();
        self.blocks.shrink_to(bytes / 64);
    }
}

fn block(before: Bits, bits: Bits, after: Bits) -> Block {
    let run_starts = bits.token & !((bits.token << 1) | (before.token >> 63));
    let digit_starts = bits.digit & !((bits.digit << 1) | (before.digit >> 63));
    // A bit stays where it and the next 11 are token bytes. Shorter runs are no keys: the shortest formats in use,
    // prefix included, are longer, and what is cut shorter has lost most of its secret.
    let window = u128::from(bits.token) | (u128::from(after.token) << 64);
    let two = window & (window >> 1);
    let four = two & (two >> 2);
    let eight = four & (four >> 4);
    let twelve = (eight & (four >> 8)) as u64;
    // `--` begins a flag or an armour line.
    let next_dash = (bits.dash >> 1) | (after.dash << 63);
    let dashes = bits.dash & next_dash & !((bits.dash << 1) | (before.dash >> 63));
    Block {
        ends: bits.ends,
        candidates: bits.trigger | digit_starts | (run_starts & twelve) | dashes,
    }
}

/// Whether a run of token bytes starts at `position`.
pub(super) fn is_run_start(text: &[u8], position: usize) -> bool {
    super::bytes::is_token(at(text, position))
        && !super::bytes::is_token(super::bytes::before(text, position))
}
