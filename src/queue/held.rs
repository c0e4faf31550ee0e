//! The memory of a queue that one of several destinations holds.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// Its memory in bytes. What several hold counts for each.
pub(crate) type Held = Arc<AtomicUsize>;
