//! Whether digits are what a state numbers a person with.

use crate::redact::catalogue::numbers::{Check, Person};
use crate::redact::read::bytes;

/// The most digits of such a number that are weighed.
const MAX_DIGITS: usize = 11;

/// Whether a text has the digits of such a number. Where its name may be that of something else, it has to be said
/// that a number follows, or its check digit has to be right.
pub(crate) fn is_number(person: &Person, text: &[u8], is_said: bool) -> bool {
    person.digits.contains(&bytes::digits(text))
        && (is_said
            || person
                .check
                .as_ref()
                .is_none_or(|check| is_right(check, text)))
}

/// Whether the check digits of a text are right.
fn is_right(check: &Check, text: &[u8]) -> bool {
    let mut digits = [0; MAX_DIGITS];
    let given = text.iter().filter(|b| b.is_ascii_digit());
    for (slot, digit) in digits.iter_mut().zip(given) {
        *slot = i32::from(digit - b'0');
    }
    match check {
        Check::Eleven(weights) => weighed(&digits, weights) % 11 == 0,
        Check::Two => [9, 10].iter().all(|at| {
            let weights = [11, 10, 9, 8, 7, 6, 5, 4, 3, 2];
            let weights = weights.get(10 - at..).unwrap_or(&[]);
            digits.get(*at) == Some(&(weighed(&digits, weights) * 10 % 11 % 10))
        }),
        Check::Iso => {
            let (last, before) = digits.split_last().unwrap_or((&0, &[]));
            let distinct = (0..10).filter(|digit| before.contains(digit)).count();
            let product = before.iter().fold(10, |product, digit| {
                let sum = (product + digit) % 10;
                2 * if sum == 0 { 10 } else { sum } % 11
            });
            (8..10).contains(&distinct) && (11 - product) % 10 == *last
        }
    }
}

/// The sum of digits, each as often as its weight says.
fn weighed(digits: &[i32], weights: &[i32]) -> i32 {
    digits
        .iter()
        .zip(weights)
        .map(|(d, weight)| d * weight)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_digit_is_told() {
        let bsn = Check::Eleven(&[9, 8, 7, 6, 5, 4, 3, 2, -1]);
        for (check, right, wrong) in [
            (&bsn, "111222333", "111222334"),
            (&Check::Two, "529.982.247-25", "529.982.247-26"),
            (&Check::Two, "529.982.247-25", "529.982.247-35"),
            (&Check::Iso, "86095742719", "86095742718"),
            (&Check::Iso, "86095742719", "20240115123"),
        ] {
            assert!(is_right(check, right.as_bytes()), "{right}");
            assert!(!is_right(check, wrong.as_bytes()), "{wrong}");
        }
    }
}
