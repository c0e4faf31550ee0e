//! Where log lines about delivery go.

/// The target of the log lines about delivery: where users of the other SDKs look.
pub(crate) const LOG_TARGET: &str = "reo.mcp-gateway";
