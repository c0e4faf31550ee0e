//! Shuts a logger down at the end of `main`.

use std::time::Duration;

use super::usage_logger::UsageLogger;

/// Shuts a logger down when it is dropped. Made by [`UsageLogger::shutdown_on_drop`].
#[derive(Debug)]
pub struct ShutdownGuard {
    logger: UsageLogger,
    timeout: Duration,
}

impl UsageLogger {
    /// Returns a guard that shuts the logger down when it is dropped, and blocks for it at most
    /// `timeout`: for `main`.
    #[must_use = "the guard shuts down when it is dropped, so it must be kept"]
    pub fn shutdown_on_drop(&self, timeout: Duration) -> ShutdownGuard {
        ShutdownGuard {
            logger: self.clone(),
            timeout,
        }
    }
}

impl Drop for ShutdownGuard {
    fn drop(&mut self) {
        let _ = self.logger.shutdown_blocking(self.timeout);
    }
}
