//! What a value is assigned to, and how.

use crate::redact::kind::Kind;
use crate::redact::read::scope::Scope;

/// A value that text assigns to a name.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) scope: Scope<'a>,
    /// Where the value begins.
    pub(crate) start: usize,
    pub(crate) name: &'a [u8],
    /// What the name says of the value.
    pub(crate) kind: Kind,
    pub(crate) style: Style,
}

/// How a value is assigned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// By `=` and not by `:`.
    pub(crate) equals: bool,
    /// With spaces around the sign.
    pub(crate) spaced: bool,
    /// The name is in quotes: JSON and the like.
    pub(crate) quoted_name: bool,
    /// By `=>` or `==`, which only a literal can follow.
    pub(crate) literal_only: bool,
    /// The name is the first thing on its line.
    pub(crate) own_line: bool,
    /// The quote right before the name, which the value ends with, or 0.
    pub(crate) quote: u8,
    /// Where the name begins.
    pub(crate) name: usize,
}
