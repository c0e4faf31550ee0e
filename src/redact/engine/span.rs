//! Where content of the user stands in an event, and what is known of it since it was written.

use std::ops::Range;

/// One value, or members of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) seen: SpanSeen,
}

/// What was seen of it while it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanSeen {
    /// Nothing: it is read.
    Unseen,
    /// There is nothing in it that a rule has an interest in.
    Quiet,
    /// A value, whose first token and the end of whose tokens stand here.
    Tokens { first: u32, end: u32 },
}

impl From<Range<usize>> for Span {
    fn from(Range { start, end }: Range<usize>) -> Self {
        let seen = SpanSeen::Unseen;
        Self { start, end, seen }
    }
}
