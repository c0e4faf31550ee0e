//! SipHash-2-4 with 128 bits (Aumasson and Bernstein): a keyed hash of short texts, the same on every machine.

/// Hashes a message under a key. The hash is a key in its turn, to hash the next part of a message with.
pub(crate) fn siphash128(key: [u8; 16], message: &[u8]) -> [u8; 16] {
    let key = u128::from_le_bytes(key);
    let [k0, k1] = [key as u64, (key >> 64) as u64];
    let mut state = SipState([
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ]);
    let (words, rest) = message.as_chunks::<8>();
    for word in words {
        state.absorb(u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    state.absorb(u64::from_le_bytes(last) | (message.len() as u64) << 56);
    let low = state.squeeze(|[_, _, v2, _]| *v2 ^= 0xee);
    let high = state.squeeze(|[_, v1, _, _]| *v1 ^= 0xdd);
    (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
}

struct SipState([u64; 4]);

impl SipState {
    fn round(&mut self) {
        let [v0, v1, v2, v3] = &mut self.0;
        *v0 = v0.wrapping_add(*v1);
        *v2 = v2.wrapping_add(*v3);
        *v1 = v1.rotate_left(13) ^ *v0;
        *v3 = v3.rotate_left(16) ^ *v2;
        *v0 = v0.rotate_left(32);
        *v2 = v2.wrapping_add(*v1);
        *v0 = v0.wrapping_add(*v3);
        *v1 = v1.rotate_left(17) ^ *v2;
        *v3 = v3.rotate_left(21) ^ *v0;
        *v2 = v2.rotate_left(32);
    }

    fn absorb(&mut self, word: u64) {
        let [_, _, _, v3] = &mut self.0;
        *v3 ^= word;
        self.round();
        self.round();
        let [v0, ..] = &mut self.0;
        *v0 ^= word;
    }

    fn squeeze(&mut self, tweak: impl FnOnce(&mut [u64; 4])) -> u64 {
        tweak(&mut self.0);
        for _ in 0..4 {
            self.round();
        }
        self.0.iter().fold(0, |all, v| all ^ v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of the reference implementation (`vectors_sip128`): the key is the bytes from 0 to 15, and
    /// the message of each row the bytes from 0 up to the row's number.
    const VECTORS: [&str; 16] = [
        "a3817f04ba25a8e66df67214c7550293",
        "da87c1d86b99af44347659119b22fc45",
        "8177228da4a45dc7fca38bdef60affe4",
        "9c70b60c5267a94e5f33b6b02985ed51",
        "f88164c12d9c8faf7d0f6e7c7bcd5579",
        "1368875980776f8854527a07690e9627",
        "14eeca338b208613485ea0308fd7a15e",
        "a1f1ebbed8dbc153c0b84aa61ff08239",
        "3b62a9ba6258f5610f83e264f31497b4",
        "264499060ad9baabc47f8b02bb6d71ed",
        "00110dc378146956c95447d3f3d0fbba",
        "0151c568386b6677a2b4dc6f81e5dc18",
        "d626b266905ef35882634df68532c125",
        "9869e247e9c08b10d029934fc4b952f7",
        "31fcefac66d7de9c7ec7485fe4494902",
        "5493e99933b0a8117e08ec0f97cfc3d9",
    ];

    #[test]
    fn the_vectors_of_the_reference_hold() {
        let bytes: Vec<u8> = (0..16).collect();
        let key = <[u8; 16]>::try_from(&*bytes).unwrap();
        for (length, expected) in VECTORS.iter().enumerate() {
            let hash = siphash128(key, &bytes[..length]);
            let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hash, *expected, "{length}");
        }
    }

    #[test]
    fn keys_and_messages_that_differ_in_a_bit_have_other_hashes() {
        let base = siphash128([0; 16], &[0; 24]);
        for bit in 0..128 {
            let key = (1_u128 << bit).to_le_bytes();
            assert_ne!(siphash128(key, &[0; 24]), base, "{bit}");
        }
        for length in 0..40 {
            assert_eq!(siphash128([0; 16], &vec![0; length]) == base, length == 24);
        }
    }
}
