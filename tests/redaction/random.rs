//! A small generator, so that cases are the same on every machine.

/// A linear congruential generator with an output mix (PCG's constants).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 >> 33) ^ self.0;
        mixed.wrapping_mul(0xFF51_AFD7_ED55_8CCD) >> 17
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    pub(crate) fn from(&mut self, alphabet: &str, length: usize) -> String {
        let bytes = alphabet.as_bytes();
        (0..length)
            .map(|_| char::from(bytes[self.below(bytes.len())]))
            .collect()
    }

    pub(crate) fn alnum(&mut self, length: usize) -> String {
        self.from(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            length,
        )
    }

    pub(crate) fn base64url(&mut self, length: usize) -> String {
        let mut text = self.from(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
            length - 2,
        );
        text.insert_str(0, &self.alnum(1));
        text + &self.alnum(1)
    }

    pub(crate) fn hex(&mut self, length: usize) -> String {
        self.from("0123456789abcdef", length)
    }

    pub(crate) fn digits(&mut self, length: usize) -> String {
        self.from("123456789", 1) + &self.from("0123456789", length - 1)
    }
}
