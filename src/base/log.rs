//! The crate's log lines: the one place that calls the host's `tracing` subscriber, and the one that
//! writes to stderr. Neither a subscriber that panics nor a closed stderr costs more than the line.

use std::fmt;
use std::io::{self, Write};

use super::panics::{self, Panicked};

/// The target of all log lines of the crate, which the other SDKs use, too.
pub const LOG_TARGET: &str = "reo.mcp-gateway";

pub(crate) fn error(line: fmt::Arguments<'_>) -> Result<(), Panicked> {
    panics::catch(|| tracing::error!(target: LOG_TARGET, "{line}"))
}

pub(crate) fn warn(line: fmt::Arguments<'_>) -> Result<(), Panicked> {
    panics::catch(|| tracing::warn!(target: LOG_TARGET, "{line}"))
}

pub(crate) fn info(line: fmt::Arguments<'_>) -> Result<(), Panicked> {
    panics::catch(|| tracing::info!(target: LOG_TARGET, "{line}"))
}

/// Prints a line to stderr, for `PACKAGE_TRACKER_VERBOSE`. A stderr that is closed loses it.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "mcp-usage: {line}");
}
