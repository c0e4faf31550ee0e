//! Shuts a logger down when it is dropped.

use std::time::Duration;

use crate::logger::UsageLogger;

/// Shuts a logger down when it is dropped. Made by [`UsageLogger::shutdown_on_drop`].
#[derive(Debug)]
pub struct ShutdownGuard {
    pub(super) logger: UsageLogger,
    pub(super) timeout: Duration,
}

impl Drop for ShutdownGuard {
    fn drop(&mut self) {
        let _ = self.logger.shutdown_blocking(self.timeout);
    }
}
