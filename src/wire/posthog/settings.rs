//! What the PostHog wire can be told.

/// What the PostHog wire says about the server with each event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct PostHog {
    pub(crate) server_name: Option<String>,
    pub(super) server_version: Option<String>,
}

impl PostHog {
    /// Sends each event as PostHog's MCP analytics have it.
    pub const fn new() -> Self {
        Self {
            server_name: None,
            server_version: None,
        }
    }

    /// Sets the name of the server, by which PostHog tells servers apart. Property `$mcp_server_name`, at most 256
    /// characters. Default: the event's own `server_name`, else its product; without a product, this name is the product.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Sets the version of the server. Property `$mcp_server_version`, at most 256 characters. Default: the event's own.
    pub fn server_version(mut self, version: impl Into<String>) -> Self {
        self.server_version = Some(version.into());
        self
    }
}
