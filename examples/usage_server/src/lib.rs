//! An ingest of one's own for MCP usage, with pages that show who uses a server, and how.
//!
//! `main.rs` reads its settings and starts it.

pub mod app;
pub mod counts;
pub mod demo;
pub mod hist;
pub mod ingest;
pub mod intents;
pub mod live;
pub mod options;
pub mod page;
pub mod query;
pub mod record;
pub mod server;
pub mod store;
pub mod web;
