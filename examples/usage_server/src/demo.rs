//! `--demo`: a believable month of a made-up shop, and the shop itself, which stays busy.

mod asks;
mod cast;
mod month;
mod random;
mod shop;
mod tools;
mod traffic;

pub use month::{Loss, MOST_EVENTS, Month, Totals};
