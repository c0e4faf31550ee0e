//! What the rules know of the world, in rows: words, names, keys.

pub(crate) mod calls;
pub(crate) mod code;
pub(crate) mod formats;
pub(crate) mod headers;
pub(crate) mod keys;
pub(crate) mod labels;
pub(crate) mod languages;
pub(crate) mod list;
pub(crate) mod names;
pub(crate) mod numbers;
pub(crate) mod patterns;
pub(crate) mod places;
pub(crate) mod roles;
pub(crate) mod shaped;
pub(crate) mod signs;
pub(crate) mod speech;
pub(crate) mod tools;
pub(crate) mod vendors;
pub(crate) mod webhooks;
pub(crate) mod words;

#[cfg(test)]
mod tests;
