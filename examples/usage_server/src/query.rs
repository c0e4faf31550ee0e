//! What the pages ask the database: plain data out of a connection, no HTML.

pub mod calls;
pub mod clients;
pub mod connect;
pub mod export;
#[cfg(test)]
pub(crate) mod fixture;
pub mod intents;
pub mod logins;
pub mod names;
pub mod overview;
pub mod people;
mod period;
pub mod person;
pub mod quality;
mod rows;
mod search;
pub mod session;
pub mod sessions;
pub mod settings;
mod span;
pub mod tool;
pub mod tools;
pub mod whom;

pub use period::{Period, Range};
