//! What the integrations know of MCP.

#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) mod answers;
#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) mod caller_key;
#[cfg(feature = "tower")]
pub(crate) mod framing;
pub mod intent;
#[cfg(feature = "tower")]
mod json;
#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) mod listings;
#[cfg(feature = "tower")]
pub(crate) mod message;
#[cfg(feature = "tower")]
mod outline;
#[cfg_attr(
    not(feature = "rmcp"),
    expect(dead_code, reason = "only an instrumented server adds and takes")
)]
pub(crate) mod ownership;
#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) mod refused_arguments;
#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) mod request;
#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) mod result_size;
#[cfg(any(feature = "rmcp", feature = "tower"))]
pub(crate) mod rounds;
