//! What tells two sendings of one event from two events.

use sha2::{Digest, Sha256};

use crate::record::SourceId;

/// An event's own number at the logger that captured it.
pub(super) fn of_instance(instance: &str, sequence: u64) -> Option<SourceId> {
    let instance = instance_number(instance)?;
    let packed = u128::from(instance) << 64 | u128::from(sequence);
    (sequence > 0).then(|| SourceId(packed.to_be_bytes()))
}

/// What a sender without instances tells its events apart by.
pub(super) fn of_parts(wire: &str, parts: &[&[u8]]) -> SourceId {
    let mut hash = Sha256::new_with_prefix(wire.as_bytes());
    for part in parts {
        // The length keeps two parts from being one.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let hash: [u8; 32] = hash.finalize().into();
    let [first, _] = hash.as_chunks().0 else {
        return SourceId([0; 16]);
    };
    SourceId(*first)
}

/// The number behind the 16 digits of an instance.
fn instance_number(digits: &str) -> Option<u64> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_instance = digits.len() == 16 && digits.bytes().all(is_digit);
    is_instance
        .then(|| u64::from_str_radix(digits, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_the_same_for_the_same_event_and_others_for_others() {
        let ids = [
            of_instance("00000000000000a1", 1),
            of_instance("00000000000000a1", 2),
            of_instance("00000000000000a2", 1),
            Some(of_parts("reo", &[b"1", b"2"])),
            Some(of_parts("reo", &[b"12"])),
            Some(of_parts("reo", &[b"12", b""])),
            Some(of_parts("mcpeye", &[b"12"])),
        ];
        let different: HashSet<_> = ids.iter().map(|id| id.unwrap()).collect();
        assert_eq!(different.len(), ids.len());
        assert_eq!(of_parts("reo", &[b"12"]), of_parts("reo", &[b"12"]));
    }

    #[test]
    fn what_is_no_instance_or_no_sequence_has_no_such_id() {
        for (instance, sequence) in [
            ("00000000000000A1", 1),
            ("a1", 1),
            ("", 1),
            ("+0000000000000a1", 1),
            ("00000000000000a1", 0),
        ] {
            assert_eq!(of_instance(instance, sequence), None, "{instance}");
        }
    }
}
