//! What the pages ask the database: plain data out of a connection, no HTML.

pub mod clients;
pub mod connect;
pub mod intents;
pub mod logins;
pub mod names;
mod period;
pub mod quality;
mod span;
pub mod tool;
pub mod tools;

pub use period::{Period, Range};
