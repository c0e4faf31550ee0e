//! What the integrations know of MCP.

#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) mod answers;
pub mod intent;
#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) mod rounds;
