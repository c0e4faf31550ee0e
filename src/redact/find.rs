//! The rules: each finds one kind of secret at a place where it can begin.

pub(crate) mod account;
pub(crate) mod address;
pub(crate) mod assign;
pub(crate) mod bare_word;
pub(crate) mod code;
pub(crate) mod command;
pub(crate) mod context;
pub(crate) mod email;
pub(crate) mod header;
pub(crate) mod key;
pub(crate) mod look;
pub(crate) mod markup;
pub(crate) mod number;
pub(crate) mod one_time;
pub(crate) mod phone;
pub(crate) mod phrase;
pub(crate) mod place;
pub(crate) mod sentence;
pub(crate) mod shaped_key;
pub(crate) mod sql;
pub(crate) mod table;
pub(crate) mod token;
pub(crate) mod url;
pub(crate) mod value;
pub(crate) mod word;
