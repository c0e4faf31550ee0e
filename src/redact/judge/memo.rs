//! Names that were judged before, and what they say.

use std::cell::Cell;

use crate::redact::kind::Kind;
use crate::redact::read::bytes::hash;

/// Longer names are judged each time.
const MAX_NAME: usize = 24;

/// A name, filled up with zeros, and what it says.
#[derive(Clone, Copy)]
struct Judgement {
    name: [u8; MAX_NAME],
    kind: Kind,
}

const JUDGEMENTS: usize = 64;

thread_local! {
    /// What the names say that have the beginning of a sensitive word. Splitting one into its words costs ten times
    /// as much as finding it here.
    static JUDGED: [Cell<Judgement>; JUDGEMENTS] = const {
        [const { Cell::new(Judgement { name: [0; MAX_NAME], kind: Kind::Plain }) }; JUDGEMENTS]
    };
}

/// What `name` says, as `judge` would answer.
pub(crate) fn judged(name: &[u8], judge: impl FnOnce(&[u8]) -> Kind) -> Kind {
    let mut key = [0; MAX_NAME];
    match key.get_mut(..name.len()) {
        // A name with a zero at its end would be taken for a shorter one.
        Some(start) if !name.ends_with(b"\0") && !name.is_empty() => start.copy_from_slice(name),
        _ => return judge(name),
    }
    let mut words = [0; MAX_NAME / 8];
    for (word, eight) in words.iter_mut().zip(key.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*eight);
    }
    JUDGED.with(|judged| {
        let Some(place) = judged.get((hash(name.len(), &words) >> 58) as usize % JUDGEMENTS) else {
            return judge(name);
        };
        let known = place.get();
        if known.name == key {
            return known.kind;
        }
        let kind = judge(name);
        place.set(Judgement { name: key, kind });
        kind
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_judged_once_and_no_other_is_taken_for_it() {
        let never = |_: &[u8]| -> Kind { unreachable!() };
        assert_eq!(judged(b"once", |_| Kind::Secret), Kind::Secret);
        assert_eq!(judged(b"once", never), Kind::Secret);
        assert_eq!(judged(b"once\0", |_| Kind::Pin), Kind::Pin);
        assert_eq!(judged(b"once", never), Kind::Secret);
        let long = [b'a'; MAX_NAME + 1];
        assert_eq!(judged(&long, |_| Kind::Maybe), Kind::Maybe);
        assert_eq!(
            judged(&long, |_| Kind::Pwd),
            Kind::Pwd,
            "a long name is judged each time"
        );
    }
}
