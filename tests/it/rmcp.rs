//! The instrumented server, as real clients meet it: over a duplex stream, as stdio is one, and over
//! Streamable HTTP, in both eras.

mod calls;
mod consent;
mod ends;
mod facts;
mod intent;
mod layer;
mod layer_bytes;
mod layer_intent;
mod lenient;
mod ownership;
pub(crate) mod ownership_laws;
mod replay;
pub(crate) mod server;
mod users;
