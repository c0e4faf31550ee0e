//! Names that were judged before, and what they say.

use std::cell::Cell;

use crate::redact::kind::Kind;
use crate::redact::read::bytes::hash;

/// Longer names stand apart, since hardly any is.
const MAX_SHORT: usize = 24;
/// Longer names are judged each time.
const MAX_NAME: usize = 64;

/// A name, filled up with zeros, and what it says.
#[derive(Clone, Copy)]
struct Judgement<const N: usize> {
    name: [u8; N],
    kind: Kind,
}

impl<const N: usize> Judgement<N> {
    const NONE: Self = Self {
        name: [0; N],
        kind: Kind::Plain,
    };
}

const SHORT: usize = 64;
/// The names around a sign are judged several times.
const LONG: usize = 8;

thread_local! {
    /// What the names say that have the beginning of a sensitive word. Splitting one into its words costs ten times
    /// as much as finding it here.
    static JUDGED: [Cell<Judgement<MAX_SHORT>>; SHORT] = const {
        [const { Cell::new(Judgement::NONE) }; SHORT]
    };
    static JUDGED_LONG: [Cell<Judgement<MAX_NAME>>; LONG] = const {
        [const { Cell::new(Judgement::NONE) }; LONG]
    };
}

/// What `name` says, as `judge` would answer.
pub(crate) fn judged(name: &[u8], judge: impl FnOnce(&[u8]) -> Kind) -> Kind {
    // A name with a zero at its end would be taken for a shorter one.
    if name.ends_with(b"\0") || name.is_empty() || name.len() > MAX_NAME {
        judge(name)
    } else if name.len() <= MAX_SHORT {
        JUDGED.with(|judged| found(judged, name, judge))
    } else {
        JUDGED_LONG.with(|judged| found(judged, name, judge))
    }
}

/// What is remembered of a name, or else judged and remembered.
#[inline]
fn found<const N: usize>(
    judged: &[Cell<Judgement<N>>],
    name: &[u8],
    judge: impl FnOnce(&[u8]) -> Kind,
) -> Kind {
    let mut key = [0; N];
    match key.get_mut(..name.len()) {
        Some(start) => start.copy_from_slice(name),
        None => return judge(name),
    }
    let mut words = [0; MAX_NAME / 8];
    for (word, eight) in words.iter_mut().zip(key.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*eight);
    }
    let hash = hash(name.len(), words.get(..N / 8).unwrap_or_default());
    let Some(place) = judged.get((hash >> 58) as usize % judged.len()) else {
        return judge(name);
    };
    let known = place.get();
    if known.name == key {
        return known.kind;
    }
    let kind = judge(name);
    place.set(Judgement { name: key, kind });
    kind
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
        for length in [MAX_SHORT, MAX_SHORT + 1, MAX_NAME] {
            let name = vec![b'b'; length];
            assert_eq!(judged(&name, |_| Kind::Secret), Kind::Secret);
            assert_eq!(judged(&name, never), Kind::Secret, "{length}");
        }
        let long = [b'a'; MAX_NAME + 1];
        assert_eq!(judged(&long, |_| Kind::Maybe), Kind::Maybe);
        assert_eq!(
            judged(&long, |_| Kind::Pwd),
            Kind::Pwd,
            "a long name is judged each time"
        );
    }
}
