//! The signs that a rule begins at, and what begins there: the masks stop at them, and the engine asks the rules.

/// What may begin at a sign. At any other place of interest a run of letters and digits does, or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begins {
    /// The host of an address, behind its user: `bob@example.com`, `mysql://bob:…@db`.
    Host,
    /// A value under the name before the sign, an address of version 6, or what stands behind a scheme.
    ValueOrAddress,
    /// A value under the name before the sign.
    Value,
    /// An element of XML or HTML.
    Element,
    /// A literal in single quotes.
    Single,
    /// A literal in double quotes, which every string of JSON is: the masks keep these apart.
    Double,
    /// An escape, at which no rule begins: the masks keep these apart, too.
    Escape,
    /// An option or armour. Of dashes the masks stop at those alone that a letter or another follows.
    Dash,
    Run,
}

/// What may begin at a byte.
#[inline(always)]
pub(crate) const fn begins(byte: u8) -> Begins {
    match byte {
        b'@' => Begins::Host,
        b':' => Begins::ValueOrAddress,
        b'=' => Begins::Value,
        b'<' => Begins::Element,
        b'\'' => Begins::Single,
        b'"' => Begins::Double,
        b'\\' => Begins::Escape,
        b'-' => Begins::Dash,
        _ => Begins::Run,
    }
}

/// The signs that the masks stop at wherever they stand, as few comparisons: the bit in which the byte may differ from
/// the sign, and the sign.
pub(crate) const TRIGGERS: [(u8, u8); 4] = triggers();

/// Whether the masks stop at a byte, whatever stands around it.
const fn is_trigger(byte: usize) -> bool {
    matches!(
        begins(byte as u8),
        Begins::Host | Begins::ValueOrAddress | Begins::Value | Begins::Element | Begins::Single
    )
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn triggers() -> [(u8, u8); 4] {
    let mut found = [(0, 0); 4];
    let (mut count, mut byte) = (0, 0);
    while byte < 256 {
        let is_pair = byte % 2 == 0 && is_trigger(byte + 1);
        if is_trigger(byte) && is_pair {
            // The two differ in their last bit.
            found[count] = (1, byte as u8 + 1);
            count += 1;
            byte += 2;
        } else {
            if is_trigger(byte) {
                found[count] = (0, byte as u8);
                count += 1;
            }
            byte += 1;
        }
    }
    assert!(count == found.len());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comparisons_find_the_signs_and_no_other_byte() {
        for byte in 0..=u8::MAX {
            let is_found = TRIGGERS.iter().any(|(bit, sign)| byte | bit == *sign);
            assert_eq!(is_found, b"@:=<'".contains(&byte), "{byte}");
        }
    }
}
