//! From a builder to a logger.

use crate::config::Builder;
use crate::error::BuildError;
use crate::logger::UsageLogger;

impl Builder {
    /// Validates the settings and creates the logger. Nothing is started or sent before the first
    /// event.
    ///
    /// When the environment opts out (`DO_NOT_TRACK`, `PACKAGE_TRACKER_ANALYTICS`) or
    /// [`enabled`](Self::enabled) is false, the logger is disabled and nothing is required.
    ///
    /// # Errors
    ///
    /// [`BuildError`] names the setting, or the environment variable, and what is wrong with it.
    pub fn build(self) -> Result<UsageLogger, BuildError> {
        if let Some(variable) = self.opted_out()? {
            return Ok(UsageLogger::off(variable));
        }
        if !self.is_enabled() {
            return Ok(UsageLogger::disabled());
        }
        Ok(UsageLogger::new(self.resolve()?))
    }

    /// Builds, or logs the error (target `reo.mcp-gateway`) and returns a disabled logger: for
    /// servers that would rather run without telemetry than not at all.
    #[must_use]
    pub fn build_or_disabled(self) -> UsageLogger {
        self.build().unwrap_or_else(|error| {
            tracing::error!(target: crate::base::log::LOG_TARGET, "usage logging is off: {error}");
            UsageLogger::disabled()
        })
    }
}
