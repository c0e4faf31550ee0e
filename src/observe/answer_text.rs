//! An answer in the text that it came in, which may be changed.

use std::ops::Range;

use crate::mcp::splice::Splices;

/// Where an answer stands in a text, and what changes there.
pub(super) struct AnswerText<'t> {
    pub(super) json: &'t [u8],
    pub(super) message: Range<usize>,
    pub(super) splices: &'t mut Splices,
}
