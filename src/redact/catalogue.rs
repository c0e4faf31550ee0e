//! What the rules know by heart: words of names, words of values, prefixes of keys.

pub(crate) mod keys;
pub(crate) mod names;
pub(crate) mod words;
