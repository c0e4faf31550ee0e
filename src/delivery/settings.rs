//! The settings of delivery.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

use crate::base::clock::Clock;
use crate::capture::CapturePolicy;
use crate::event::Sampling;
use crate::hooks::{BeforeSend, OnError};
use crate::queue::Bounds;
use crate::transport::Transport;
use crate::transport::api_key::KeyCell;
use crate::wire::Wire;
use crate::wire::defaults::Defaults;

/// How a gate waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) initial_backoff: Duration,
    pub(crate) max_backoff: Duration,
    pub(crate) max_retry_after: Duration,
}

/// Validated settings of a logger that is on.
pub(crate) struct Config {
    pub(crate) wire: Wire,
    pub(crate) defaults: Defaults,
    pub(crate) rules: CapturePolicy,
    pub(crate) bounds: Bounds,
    pub(crate) max_batch_events: usize,
    pub(crate) max_batch_bytes: usize,
    pub(crate) flush_interval: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) max_in_flight: usize,
    pub(crate) pace: Pace,
    pub(crate) max_event_age: Duration,
    pub(crate) before_send: Option<BeforeSend>,
    pub(crate) on_error: Option<OnError>,
    pub(crate) sampling: Sampling,
    pub(crate) verbose: bool,
    pub(crate) clock: Clock,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) key: Arc<KeyCell>,
    /// Where requests go; `None` where they go nowhere.
    pub(crate) endpoint: Option<Url>,
    /// Where the spool is, if there is one.
    pub(crate) spool_dir: Option<PathBuf>,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("wire", &self.wire)
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}
