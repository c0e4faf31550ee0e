//! What one of several destinations holds of a queue.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// Its memory in bytes. What several hold counts for each.
pub(crate) type Held = Arc<AtomicUsize>;
