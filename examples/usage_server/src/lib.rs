//! An ingest of one's own for MCP usage, with pages that show who uses a server, and how.
//!
//! `main.rs` reads its settings and starts it.

pub mod hist;
pub mod query;
pub mod record;
pub mod store;
