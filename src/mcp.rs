//! What the integrations know of MCP.

#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) mod answers;
pub mod intent;
#[cfg(feature = "tower")]
pub(crate) mod message;
#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) mod request;
#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) mod rounds;
