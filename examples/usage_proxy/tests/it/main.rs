//! The proxy between a client and a server, as processes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod calls;
mod process;
mod puppet;
mod sessions;
mod support;
