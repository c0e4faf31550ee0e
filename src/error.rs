//! What can go wrong, by operation. `Debug` of each error reads like its `Display`, and names its causes.

use std::time::Duration;

use crate::base::causes::debug_with_causes;
use crate::ledger::{DestinationReport, DropReason};

debug_with_causes!(
    BuildError,
    SpoolError,
    FlushError,
    ConfirmError,
    DeliveryError
);

/// Why a logger could not be built.
///
/// No variant holds a key, nor an endpoint that may contain one.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The wire needs an API key and none was given.
    #[error("api_key is missing: set it in code or in the environment variable {variable}")]
    MissingApiKey {
        /// The environment variable that was looked up.
        variable: &'static str,
    },
    /// The wire has no endpoint of its own and none was given.
    #[error("endpoint is missing: set it in code or in the environment variable {variable}")]
    MissingEndpoint {
        /// The environment variable that was looked up.
        variable: &'static str,
    },
    /// The value of a setting cannot be used.
    #[error("{setting} {fault}")]
    Invalid {
        /// The setter, or the environment variable, that the value came from.
        setting: &'static str,
        /// What is wrong with the value.
        fault: String,
    },
    /// Something is wrong with one of the destinations that [`Builder::also`](crate::Builder::also) adds.
    #[error("destination {name}: {fault}")]
    Destination {
        /// Its name.
        name: String,
        /// What is wrong with it.
        fault: Box<BuildError>,
    },
    /// The system has no TLS roots, so the ingest's certificate could not be checked.
    #[error(
        "no TLS roots were found on this system, which an https endpoint needs: install them (often \
         a package named ca-certificates), or write bundled_roots(true) (feature bundled-roots)"
    )]
    NoTlsRoots(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The HTTP client could not be built, for instance because of a change by the hook `http_client`.
    #[error("the HTTP client could not be built")]
    HttpClient(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The spool's directory can never be used as it is.
    #[cfg(feature = "spool")]
    #[error("the spool {} {fault}", path.display())]
    Spool {
        /// The directory, as it was given.
        path: std::path::PathBuf,
        /// What is wrong with it.
        fault: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
}

impl BuildError {
    pub(crate) fn invalid(setting: &'static str, fault: impl Into<String>) -> Self {
        Self::Invalid {
            setting,
            fault: fault.into(),
        }
    }

    pub(crate) fn of_destination(self, name: &str) -> Self {
        Self::Destination {
            name: name.to_owned(),
            fault: Box::new(self),
        }
    }
}

/// Why it is not certain that events are on disk.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The logger has no spool.
    #[error("the logger has no spool")]
    NoSpool,
    /// The timeout passed first. Writing goes on.
    #[error("timed out after {0:?}; writing goes on in the background")]
    TimedOut(Duration),
    /// The events could not be written to disk; [`Stats::spool_faults`](crate::Stats::spool_faults) counts
    /// such faults, and the log has the cause. Delivery goes on from memory, and the write is retried.
    #[error("{events} events could not be written")]
    NotWritten {
        /// Events that are only in memory.
        events: u64,
    },
    /// Events that were only on disk, and that an earlier flush may have confirmed, are lost or may be. If their files were
    /// removed or damaged since the last flush, they count as [`SpoolFull`](crate::DropReason::SpoolFull). If the disk
    /// failed to sync them, they are delivered if they can be read back. All others are on disk. Every flush that waits when
    /// the loss is found returns this error; if none waits, the next one does.
    #[error("{events} events that were only on disk are lost, or may be")]
    Lost {
        /// Events that are lost or may be.
        events: u64,
    },
    /// One of several destinations with a spool failed; this is the first.
    #[error("destination {name}: {fault}")]
    Destination {
        /// Its name.
        name: String,
        /// Its error.
        fault: Box<SpoolError>,
    },
    /// The logger shut down meanwhile.
    #[error("the logger has shut down")]
    Closed,
}

impl SpoolError {
    pub(crate) fn of_destination(self, name: &str) -> Self {
        match self {
            Self::Closed => self,
            fault => Self::Destination {
                name: name.to_owned(),
                fault: Box::new(fault),
            },
        }
    }
}

/// Why a flush did not finish.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlushError {
    /// The timeout passed first. Nothing is lost: delivery goes on.
    #[error("{pending} events are still pending{}", lagging(destinations))]
    TimedOut {
        /// Events not yet delivered or dropped, including those logged since the call, counted for each of their
        /// destinations.
        pending: u64,
        /// What it came to for each destination, the builder's own first.
        destinations: Vec<DestinationReport>,
    },
    /// The logger shut down meanwhile.
    #[error("the logger has shut down")]
    Closed,
}

impl FlushError {
    pub(crate) fn timed_out(destinations: Vec<DestinationReport>) -> Self {
        let pending = destinations.iter().map(DestinationReport::undelivered);
        Self::TimedOut {
            pending: pending.sum(),
            destinations,
        }
    }
}

/// Names those of several destinations that have events left.
fn lagging(destinations: &[DestinationReport]) -> String {
    if destinations.len() < 2 {
        return String::new();
    }
    let lag = destinations.iter().filter(|it| it.undelivered() > 0);
    let named: Vec<_> = lag
        .map(|it| format!("{}: {}", it.name, it.undelivered()))
        .collect();
    format!(" ({})", named.join(", "))
}

/// Why an event was not confirmed.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfirmError {
    /// The event was dropped.
    #[error("the event was dropped: {0}")]
    Dropped(DropReason),
    /// The timeout passed first. The event stays pending and may still be delivered.
    #[error("timed out after {0:?}; the event is still pending")]
    Unknown(Duration),
    /// The logger is switched off; nothing is sent.
    #[error("the logger is disabled")]
    Disabled,
}

/// A failed delivery, as `on_error` receives it.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// A request failed and is retried.
    #[error("request failed, {events} events are retried: {cause}")]
    Retrying {
        /// Events in the request.
        events: u64,
        /// What happened.
        cause: String,
    },
    /// Events were dropped.
    #[error("{events} events dropped ({reason}): {cause}")]
    Dropped {
        /// Events lost.
        events: u64,
        /// The reason under which they are counted.
        reason: DropReason,
        /// What happened.
        cause: String,
    },
}
