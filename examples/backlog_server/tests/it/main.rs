//! The server in process, over real sockets.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic as the tests themselves"
)]

mod access;
mod agent;
mod attacks;
mod client_name;
mod connected;
mod consent;
mod day;
mod failures;
mod limits;
mod oauth;
mod pages;
mod process;
mod support;
mod tools;
