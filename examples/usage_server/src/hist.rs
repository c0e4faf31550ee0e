//! A histogram whose slots are a quarter of a power of two wide, so that a quantile read from it is within 9 %.

/// The slot of a value.
pub fn slot(value: u64) -> u8 {
    match value {
        0 => 0,
        _ => 1 + (4.0 * (value as f64).log2()) as u8,
    }
}

/// Where a slot begins.
pub fn lower_bound(slot: u8) -> f64 {
    match slot {
        0 => 0.0,
        _ => (f64::from(slot - 1) / 4.0).exp2(),
    }
}

/// The value that `share` (0 to 1) of the weight lies below: the geometric middle of its slot.
pub fn quantile(slots: &[(u8, f64)], share: f64) -> Option<f64> {
    let total: f64 = slots.iter().map(|(_, weight)| weight).sum();
    let mut sorted = slots.to_vec();
    sorted.sort_by_key(|(slot, _)| *slot);
    let mut below = 0.0;
    sorted
        .iter()
        .find(|(_, weight)| {
            below += weight;
            below > 0.0 && below >= share * total
        })
        .map(|(slot, _)| middle(*slot))
}

fn middle(slot: u8) -> f64 {
    match slot {
        0 => 0.0,
        _ => ((f64::from(slot) - 0.5) / 4.0).exp2(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_lies_in_its_slot_and_within_a_tenth_of_its_middle() {
        for value in (1..5_000).chain([1 << 20, (1 << 40) + 7, 1 << 55]) {
            let slot = slot(value);
            let value = value as f64;
            assert!(lower_bound(slot) <= value, "{value}");
            assert!(value < lower_bound(slot + 1), "{value}");
            assert!((middle(slot) - value).abs() / value < 0.0906, "{value}");
        }
    }

    #[test]
    fn a_quantile_is_read_from_the_weights() {
        let slots = [(slot(30_000), 10.0), (slot(1_000), 90.0)];
        let off = |share: f64, value: f64| (quantile(&slots, share).unwrap() / value - 1.0).abs();
        assert!(off(0.5, 1_000.0) < 0.1);
        assert!(off(0.95, 30_000.0) < 0.1);
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[(0, 3.0)], 0.5), Some(0.0));
    }
}
