//! How a value is assigned.

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
