//! A keyed bijection of the numbers from 1 to 2^63 - 1: what counts up goes in, what looks random comes out.

use super::random::mix;

const ROUNDS: usize = 4;

/// A Feistel network over two unequal halves of a number of 63 bits, which change by turns. Each round is its own
/// inverse, so distinct numbers stay distinct.
#[derive(Debug, Clone)]
pub(crate) struct Permutation {
    keys: [u64; ROUNDS],
}

const LOW: u64 = (1 << 32) - 1;
const HIGH: u64 = ((1 << 63) - 1) ^ LOW;

impl Permutation {
    pub(crate) fn new(key: u64) -> Self {
        let mut last = key;
        let keys = [0; ROUNDS].map(|_: u64| {
            last = mix(last);
            last
        });
        Self { keys }
    }

    /// Returns the place of a number from 1 to 2^63 - 1 among them.
    pub(crate) fn apply(&self, number: i64) -> i64 {
        self.walk(number, |number| {
            let keys = self.keys.iter().enumerate();
            keys.fold(number, |number, (at, &key)| round(number, at, key))
        })
    }

    /// Repeats a bijection of 63 bits until the number is not 0, which is outside of the domain: the cycle that a
    /// number of the domain is on leads back into it.
    fn walk(&self, number: i64, once: impl Fn(u64) -> u64) -> i64 {
        let mut number = number as u64 & (HIGH | LOW);
        loop {
            number = once(number);
            if number != 0 {
                return number as i64;
            }
        }
    }
}

/// Changes one half by the other.
fn round(number: u64, at: usize, key: u64) -> u64 {
    if at.is_multiple_of(2) {
        number ^ (mix(key ^ (number & LOW)) & HIGH)
    } else {
        number ^ (mix(key ^ (number & HIGH)) & LOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Permutation {
        fn invert(&self, number: i64) -> i64 {
            self.walk(number, |number| {
                let keys = self.keys.iter().enumerate().rev();
                keys.fold(number, |number, (at, &key)| round(number, at, key))
            })
        }
    }

    #[test]
    fn each_number_comes_back_from_its_place() {
        let mut seed = 1;
        let mut random = || {
            seed += 1;
            mix(seed)
        };
        let mut permutation = Permutation::new(0);
        for n in 0..334_000_u64 {
            if n.is_multiple_of(100) {
                permutation = Permutation::new(random());
            }
            // Sequences from 1 on, and numbers from all of the range.
            for number in [
                n as i64 + 1,
                (random() >> 1) as i64 | 1,
                i64::MAX - n as i64,
            ] {
                let place = permutation.apply(number);
                assert!(place > 0, "{number}");
                assert_eq!(permutation.invert(place), number);
            }
        }
    }

    #[test]
    fn the_number_whose_way_leads_through_0_comes_back_too() {
        for key in 0..10_000 {
            let permutation = Permutation::new(key);
            // 0 is no member of the domain, but the inverse of the plain rounds may lead to it.
            let before_0 = permutation.keys.iter().enumerate().rev();
            let before_0 = before_0.fold(0, |number, (at, &key)| round(number, at, key)) as i64;
            if before_0 != 0 {
                let place = permutation.apply(before_0);
                assert!(place > 0);
                assert_eq!(permutation.invert(place), before_0);
            }
        }
    }

    #[test]
    fn neighbours_are_far_apart_and_keys_give_other_places() {
        let (one, other) = (Permutation::new(1), Permutation::new(2));
        let mut bits = [0_u32; 63];
        for number in 1..=10_000 {
            let place = one.apply(number);
            assert_ne!(place, other.apply(number));
            let differs = (place ^ one.apply(number + 1)) as u64;
            for (at, bit) in bits.iter_mut().enumerate() {
                *bit += (differs >> at & 1) as u32;
            }
        }
        assert!(
            bits.iter().all(|&count| (4_500..5_500).contains(&count)),
            "{bits:?}"
        );
    }
}
