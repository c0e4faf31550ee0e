//! The pages: HTML out of plain data, no database.
//!
//! `frame.rs` is the document around each of them, `part.rs` and `chart.rs` what they are put together from, `text.rs`
//! how texts from outside, numbers, times and links are written. Nothing here has inline styles or scripts, which the
//! Content-Security-Policy forbids.

pub mod asset;
pub mod calls;
pub mod chart;
pub mod clients;
pub mod connect;
pub mod frame;
pub mod intents;
pub mod live;
pub mod logins;
pub mod overview;
pub mod part;
pub mod people;
pub mod person;
pub mod quality;
pub mod session;
pub mod sessions;
pub mod settings;
pub mod sign_in;
pub mod text;
pub mod tool;
pub mod tools;

#[cfg(test)]
pub(crate) mod check;
#[cfg(test)]
mod tests;
