//! How many calls a kept call stands for.

/// What a kept call stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Weight {
    /// The share of calls that is kept, unless all are.
    pub(crate) sample_rate: Option<f64>,
    /// Calls of the same tool that its cap has dropped since the last kept one.
    pub(crate) suppressed: u64,
}
