//! What the exchanges of a layer share.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::base::recent::Recent;
use crate::mcp::intent::ToolIntent;
use crate::mcp::rounds::Rounds;

/// Most sessions whose client is remembered.
const MAX_SESSIONS: usize = 10_000;

/// Most tools that are remembered.
pub(super) const MAX_TOOLS: usize = 4_096;

/// What is remembered from one exchange to the next.
#[derive(Debug)]
pub(super) struct LayerMemory {
    is_reported: AtomicBool,
    /// What listings have shown of the tools, by their names.
    pub(super) tools: Recent<ToolIntent>,
    pub(super) rounds: Rounds,
    /// The names and versions of the clients of the older protocol's sessions, by the session's id.
    pub(super) clients: Recent<(String, String)>,
}

impl Default for LayerMemory {
    fn default() -> Self {
        Self {
            is_reported: AtomicBool::new(false),
            tools: Recent::new(MAX_TOOLS),
            rounds: Rounds::default(),
            clients: Recent::new(MAX_SESSIONS),
        }
    }
}

impl LayerMemory {
    /// Whether a listing is the first, which is reported.
    pub(super) fn is_first_listing(&self) -> bool {
        !self.is_reported.swap(true, Relaxed)
    }
}
