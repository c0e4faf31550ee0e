//! Whether digits are a card number.

use crate::redact::read::bytes::{self, at};

/// Whether digits, perhaps with spaces or dashes, are a card number: issuer, length and check digit.
pub(crate) fn is_card(text: &[u8]) -> bool {
    let mut digits = [0u8; 19];
    let mut count = 0;
    for byte in text.iter().filter(|b| b.is_ascii_digit()) {
        let Some(slot) = digits.get_mut(count) else {
            return false;
        };
        *slot = byte - b'0';
        count += 1;
    }
    let separators = text.len() - count;
    if separators > 0 && !is_grouped(text) {
        return false;
    }
    let two = u32::from(at(&digits, 0)) * 10 + u32::from(at(&digits, 1));
    let four = two * 100 + u32::from(at(&digits, 2)) * 10 + u32::from(at(&digits, 3));
    let issued = match count {
        13 => two / 10 == 4,
        14 => matches!(two, 36 | 38 | 39) || matches!(four / 10, 300..=305),
        15 => matches!(two, 34 | 37),
        16 => {
            two / 10 == 4
                || matches!(two, 51..=55 | 65 | 62 | 81 | 60)
                || matches!(four, 2221..=2720 | 6011 | 6440..=6599 | 3528..=3589 | 2200..=2204 | 9792 | 5018 | 5019 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763 | 5060..=5062)
        }
        17..=19 => {
            two == 62
                || matches!(four, 6011 | 6304 | 6759 | 3528..=3589)
                || (count == 19 && two / 10 == 4 && separators > 0)
        }
        _ => false,
    };
    issued && luhn(bytes::part(&digits, 0, count))
}

/// Groups as they are printed on cards.
fn is_grouped(text: &[u8]) -> bool {
    let separator = text
        .iter()
        .copied()
        .find(|b| !b.is_ascii_digit())
        .unwrap_or(0);
    if !matches!(separator, b' ' | b'-' | b'.')
        || text.iter().any(|b| !b.is_ascii_digit() && *b != separator)
    {
        return false;
    }
    let groups: [usize; 6] = {
        let mut groups = [0; 6];
        for (index, group) in text.split(|b| *b == separator).enumerate() {
            match groups.get_mut(index) {
                Some(slot) => *slot = group.len(),
                None => return false,
            }
        }
        groups
    };
    matches!(
        groups,
        [4, 4, 4, 4, 0, 0]
            | [4, 6, 5, 0, 0, 0]
            | [4, 6, 4, 0, 0, 0]
            | [4, 4, 4, 4, 3, 0]
            | [6, 13, 0, 0, 0, 0]
            | [4, 4, 4, 1, 0, 0]
            | [4, 3, 3, 3, 0, 0]
            | [4, 4, 4, 2, 0, 0]
    )
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &d)| {
            let d = u32::from(d);
            if i % 2 == 0 {
                d
            } else if d > 4 {
                2 * d - 9
            } else {
                2 * d
            }
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|d| *d != at(digits, 0))
}
