//! What the integrations know about MCP.

#[cfg(any(feature = "rmcp", feature = "stdio", feature = "tower"))]
pub(crate) mod answers;
pub(crate) mod arguments;
#[cfg(any(feature = "rmcp", feature = "stdio", feature = "tower"))]
pub(crate) mod caller_key;
#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) mod client_address;
#[cfg(any(feature = "stdio", feature = "tower"))]
pub(crate) mod event_text;
#[cfg(any(feature = "stdio", feature = "tower"))]
pub(crate) mod framing;
#[cfg(any(feature = "stdio", feature = "tower"))]
pub(crate) mod held_messages;
pub mod intent;
#[cfg(any(feature = "stdio", feature = "tower"))]
mod json;
#[cfg(any(feature = "rmcp", feature = "stdio", feature = "tower"))]
pub(crate) mod listings;
#[cfg(any(feature = "stdio", feature = "tower"))]
pub(crate) mod message;
#[cfg(any(feature = "stdio", feature = "tower"))]
mod outline;
pub(crate) mod ownership;
#[cfg(any(feature = "rmcp", feature = "stdio", feature = "tower"))]
pub(crate) mod refused_arguments;
#[cfg(any(feature = "rmcp", feature = "stdio", feature = "tower"))]
pub(crate) mod request;
#[cfg(any(feature = "rmcp", feature = "stdio", feature = "tower"))]
pub(crate) mod result_size;
#[cfg(any(feature = "rmcp", feature = "stdio", feature = "tower"))]
pub(crate) mod rounds;
#[cfg(any(feature = "stdio", feature = "tower"))]
pub(crate) mod splice;
