//! Runs an MCP server that speaks over stdio, in any language, and reports its tool calls.
//!
//! `main.rs` reads the command line.

pub mod child;
pub mod ends;
pub mod pump;
pub mod report;
pub mod run;
pub mod settings;
pub mod supervisor;
