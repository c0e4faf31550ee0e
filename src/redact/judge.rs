//! What a name says, and what a value looks like. Knows nothing of where they stand in a text.

pub(crate) mod card;
pub(crate) mod code;
pub(crate) mod id;
pub(crate) mod language;
pub(crate) mod memo;
pub(crate) mod name;
pub(crate) mod person;
pub(crate) mod placeholder;
pub(crate) mod random;
pub(crate) mod style;
pub(crate) mod value;
