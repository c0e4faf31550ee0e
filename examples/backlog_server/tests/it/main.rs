//! The server in process, over real sockets.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic as the tests themselves"
)]

mod oauth;
mod pages;
mod support;
