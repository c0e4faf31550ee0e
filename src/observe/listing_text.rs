//! A listing in the text that it came in, for what is ours to be put into it.

use std::ops::Range;

use crate::mcp::splice::Splices;

/// Where a listing stands in a text, and what changes there.
pub(super) struct ListingText<'t> {
    pub(super) json: &'t [u8],
    pub(super) message: Range<usize>,
    pub(super) splices: &'t mut Splices,
}
