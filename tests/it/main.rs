//! The crate from outside: the public API against a real ingest over sockets.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests are not `#[test]` functions, which clippy.toml relaxes"
)]

mod delivery;
mod support;
