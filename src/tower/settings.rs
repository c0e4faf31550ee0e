//! The settings of a layer.

/// How much of a message is kept to be read, in bytes.
pub const DEFAULT_MAX_MESSAGE_BYTES: usize = 1024 * 1024;

#[derive(Debug, Clone)]
pub(super) struct LayerSettings {
    pub(super) arguments: bool,
    pub(super) results: bool,
    /// The argument that holds the intent; `None`: the one that a listing shows.
    pub(super) intent: Option<String>,
    pub(super) auth_rejections: bool,
    pub(super) max_message_bytes: usize,
}

impl Default for LayerSettings {
    fn default() -> Self {
        Self {
            arguments: true,
            results: false,
            intent: None,
            auth_rejections: false,
            max_message_bytes: DEFAULT_MAX_MESSAGE_BYTES,
        }
    }
}
