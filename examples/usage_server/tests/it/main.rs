//! The server as senders and browsers see it: over sockets, with a database of its own.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests are no tests themselves"
)]

mod browser;
mod contrast;
mod demo;
mod forget;
mod hostile;
mod ingest;
mod lifecycle;
mod links;
mod otlp;
mod pages;
mod plans;
mod process;
#[cfg(unix)]
mod program;
mod retention;
mod security;
mod senders;
mod support;
