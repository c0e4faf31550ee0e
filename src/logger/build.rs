//! From settings to a logger.

use super::handle::Handle;
use super::pipeline::Pipeline;
use super::usage_logger::UsageLogger;
use crate::base::causes::WithCauses;
use crate::base::log;
use crate::config::Builder;
use crate::config::resolve::Resolved;
use crate::error::BuildError;

impl Builder {
    /// Validates the settings and creates the logger. Nothing is started or sent before the first event, except with a
    /// spool: then the worker starts at once, and delivers the events that earlier processes have left.
    ///
    /// If the environment opts out (`DO_NOT_TRACK`, `PACKAGE_TRACKER_ANALYTICS`) or [`enabled`](Self::enabled) is `false`,
    /// the logger is disabled and no setting is required; a log line says so.
    ///
    /// # Errors
    ///
    /// [`BuildError`] names the setting, or the environment variable, and what is wrong with it.
    pub fn build(self) -> Result<UsageLogger, BuildError> {
        if let Some(off_by) = self.off_by()? {
            let _ = log::info(format_args!(
                "usage logging is off by {off_by}: nothing is collected or sent"
            ));
            return Ok(UsageLogger::off(off_by));
        }
        if let Some((name, value)) = self.unclear_switch() {
            let _ = log::warn(format_args!(
                "{name} is {value:?}, which is not true: it switches nothing off"
            ));
        }
        let resolved = self.resolve()?;
        let Resolved {
            pipeline,
            delivery,
            spool,
            others,
            confirm,
            settings,
        } = resolved;
        let pipeline = match others.is_empty() {
            true => Pipeline::new(pipeline, delivery, spool),
            false => Pipeline::several(pipeline, (delivery, spool), others, confirm),
        };
        if pipeline.has_spool() {
            // Earlier processes may have left events. If no thread can be started now, the first event
            // tries again.
            pipeline.start();
        }
        Ok(UsageLogger::new(Handle::new(pipeline, settings)))
    }

    /// Builds the logger, or logs the error (target `reo.mcp-gateway`) and returns a disabled logger: for
    /// servers that should run without usage logging rather than not at all.
    #[must_use]
    pub fn build_or_disabled(self) -> UsageLogger {
        self.build().unwrap_or_else(|error| {
            let error = WithCauses(&error);
            let _ = log::error(format_args!("usage logging is off: {error}"));
            UsageLogger::disabled()
        })
    }
}
