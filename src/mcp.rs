//! What the integrations know of MCP.

#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) mod answers;
#[cfg(feature = "tower")]
pub(crate) mod framing;
pub mod intent;
#[cfg(feature = "tower")]
mod json;
#[cfg(feature = "tower")]
pub(crate) mod message;
#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) mod request;
#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) mod rounds;
