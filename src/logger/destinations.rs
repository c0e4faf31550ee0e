//! A logger's destinations, one by one.

use std::fmt;
use std::sync::Arc;

use super::usage_logger::UsageLogger;
use crate::delivery::shared::Shared;
use crate::error::BuildError;
use crate::ledger::Stats;
use crate::transport::api_key::ApiKey;

/// One of a logger's destinations, with a ledger of its own.
///
/// From [`UsageLogger::destinations`] and [`UsageLogger::destination`]. It does not keep the worker alive.
#[derive(Clone)]
pub struct DestinationHandle(Arc<Shared>);

impl DestinationHandle {
    /// Returns its name: the one that [`Destination::name`](crate::Destination::name) sets, otherwise that of its wire.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.settings.name
    }

    /// Returns its ledger: what happened to the events that are for it. Panics, failed identities, calls without content,
    /// unread messages and left-out fields are counted once for the logger, in [`UsageLogger::stats`].
    ///
    /// With several destinations, [`queue_bytes`](Stats::queue_bytes) is the memory of the events that this one holds.
    /// Events that several hold are in memory once, and count for each.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }

    /// Replaces its API key, for requests from now on.
    ///
    /// # Errors
    ///
    /// As [`UsageLogger::set_api_key`].
    pub fn set_api_key(&self, key: &str) -> Result<(), BuildError> {
        self.0.settings.key.set(ApiKey::parse("api_key", key)?)
    }
}

impl fmt::Debug for DestinationHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DestinationHandle")
            .field("name", &self.name())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl UsageLogger {
    /// Returns the destinations, the builder's own first; none if the logger is disabled.
    ///
    /// ```
    /// # let usage = mcp_usage::UsageLogger::disabled();
    /// for destination in usage.destinations() {
    ///     eprintln!("{}: {}", destination.name(), destination.stats());
    /// }
    /// ```
    #[must_use]
    pub fn destinations(&self) -> Vec<DestinationHandle> {
        let all = self.handle().map(|handle| handle.pipeline.all());
        let all = all.into_iter().flatten();
        all.map(|shared| DestinationHandle(Arc::clone(shared)))
            .collect()
    }

    /// Returns the destination of this name, if there is one.
    #[must_use]
    pub fn destination(&self, name: &str) -> Option<DestinationHandle> {
        let mut all = self.destinations().into_iter();
        all.find(|destination| destination.name() == name)
    }
}
