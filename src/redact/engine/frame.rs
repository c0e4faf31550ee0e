//! An object or array that a walk through JSON is in: what is known of it until it is closed.

use crate::redact::kind::{Kind, Role};
use crate::redact::read::bytes::part;

/// Where something stands. In four bytes each, since a frame is copied twice for each container: in eight, JSON of
/// twelve levels takes 300 instructions more (of 31 840).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    from: u32,
    to: u32,
}

impl Place {
    /// The walk looks at texts that this is wide enough for.
    pub(crate) fn new(from: usize, to: usize) -> Self {
        Self {
            from: from as u32,
            to: to as u32,
        }
    }

    pub(crate) fn range(self) -> (usize, usize) {
        (self.from as usize, self.to as usize)
    }

    pub(crate) fn of(self, text: &[u8]) -> &[u8] {
        part(text, self.from as usize, self.to as usize)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.from == self.to
    }
}

/// An object or array that is not closed yet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Frame {
    pub(crate) start: usize,
    pub(crate) array: bool,
    /// What stands around everything that is walked through: a value, or members of an object.
    pub(crate) root: Option<Start>,
    /// The object describes fields: its members are named like secrets and hold none.
    pub(crate) schema: bool,
    /// Of an array under the plural of a sensitive name: the elements are secrets where they look like some.
    pub(crate) list: bool,
    /// Elements so far, of an array.
    pub(crate) items: u32,
    /// What the name of the current member says, and what it says in the record of a secret.
    pub(crate) kind: Kind,
    pub(crate) kind_in_record: Kind,
    /// Where the name of the current member stands.
    pub(crate) name: Place,
    pub(crate) role: Role,
    /// Name/value pairs: where the `name` member is until it is judged, what it says, and where the `value` member is.
    pub(crate) said: Place,
    pub(crate) label: Kind,
    pub(crate) value: Option<(Place, Shape)>,
    /// The last element was an option that a user and a password follow.
    pub(crate) user_next: bool,
    /// Which of the columns, named before their rows, are sensitive.
    pub(crate) columns: u64,
    /// Which of them are of phone numbers.
    pub(crate) phones: u64,
    pub(crate) kubernetes: Place,
    pub(crate) is_secret: bool,
    /// The members say something about fields.
    pub(crate) about: bool,
    pub(crate) patch: bool,
    /// The members are named by what their tokens are for.
    pub(crate) tokens: bool,
    /// Cookies, one object or `Set-Cookie` each: the values go, names and attributes stay.
    pub(crate) cookies: bool,
    /// Names and values take turns: `rawHeaders`.
    pub(crate) turns: bool,
    /// The lines of a private key follow.
    pub(crate) armour: bool,
    /// The elements are variables of an environment: `["NAME=value"]`.
    pub(crate) variables: bool,
    /// The record of a secret, whose members are secret unless they say something about it.
    pub(crate) record: bool,
    /// A JSON Web Key, some of whose members are private.
    pub(crate) jwk: bool,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    String,
    Number,
    Word,
    Nested,
}

/// Where a walk begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// At a value; further values may follow after white space.
    Values,
    /// At a member of an object.
    Members,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_part_of_its_text_and_nothing_of_another() {
        let place = Place::new(2, 4);
        assert_eq!(place.range(), (2, 4));
        assert_eq!(place.of(b"abcdef"), b"cd");
        assert_eq!(place.of(b"abc"), b"c");
        assert_eq!(place.of(b"a"), b"");
        assert!(!place.is_empty() && Place::default().is_empty());
    }

    #[test]
    fn a_frame_is_small_enough_to_be_copied_for_each_container() {
        assert!(size_of::<Frame>() <= 128, "{}", size_of::<Frame>());
    }
}
