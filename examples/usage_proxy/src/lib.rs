//! Runs an MCP server that speaks over stdio, in any language, and reports its tool calls.
//!
//! `main.rs` reads the command line.

pub mod child;
pub mod pump;
pub mod run;
pub mod settings;
