//! Randomness that a seed repeats.

/// SplitMix64.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to and without 1.
    pub(super) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn chance(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// From `from` up to and without `until`.
    pub(super) fn between(&mut self, from: i64, until: i64) -> i64 {
        from + (self.share() * (until - from) as f64) as i64
    }

    /// Around 0, most within 1: by the central limit theorem, which is good enough for a demo.
    pub(super) fn gauss(&mut self) -> f64 {
        (0..12).map(|_| self.share()).sum::<f64>() - 6.0
    }

    /// Around `mean`, as times between arrivals are.
    pub(super) fn waiting(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.share()).ln()
    }

    pub(super) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get((self.share() * of.len() as f64) as usize)
    }

    /// One of them, each as often as its weight says.
    pub(super) fn weighted<'a, T>(
        &mut self,
        of: &'a [T],
        weight: impl Fn(&T) -> f64,
    ) -> Option<&'a T> {
        let mut left = self.share() * of.iter().map(&weight).sum::<f64>();
        of.iter().find(|one| {
            left -= weight(one);
            left < 0.0
        })
    }

    pub(super) fn hex(&mut self, digits: usize) -> String {
        let mut hex = format!("{:016x}", self.next());
        hex.truncate(digits);
        hex
    }
}
