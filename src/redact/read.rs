//! Looking at a text without judging it: bytes, masks, names and quotes, layers of escapes. Knows no rule.

pub(crate) mod bytes;
pub(crate) mod colour;
pub(crate) mod command;
pub(crate) mod decode;
pub(crate) mod kinds;
pub(crate) mod lex;
pub(crate) mod masks;
pub(crate) mod scope;
