//! The instrumented server, as real clients meet it: over a duplex stream, as stdio is one, and over
//! Streamable HTTP, in both eras.

mod calls;
mod consent;
mod ends;
mod facts;
mod intent;
mod layer;
mod lenient;
mod ownership;
mod ownership_laws;
mod replay;
mod server;
mod users;
