//! The crate from outside: the public API against a real ingest over sockets.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "helpers of tests are not `#[test]` functions, which clippy.toml relaxes"
)]

mod compression;
mod consent;
mod delivery;
mod destinations;
mod doctor;
mod faults;
mod fields;
mod forget;
mod guard;
mod guide;
mod ingest;
mod limits;
mod links;
mod otlp;
mod overload;
mod posthog;
mod process;
mod pseudonyms;
mod reasons;
mod redaction;
mod retry;
mod rmcp;
mod sampling;
mod sessions;
mod settings;
mod shutdown;
mod silence;
mod spool;
mod stdio;
mod support;
mod wire;
