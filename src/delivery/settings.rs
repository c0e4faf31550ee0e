//! The settings of a destination's worker.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

use crate::base::clock::Clock;
use crate::hooks::{BeforeSend, OnError};
use crate::limits::Limits;
use crate::queue::Bounds;
use crate::redact::Redactor;
use crate::transport::Transport;
use crate::transport::api_key::KeyCell;
use crate::wire::{EventForm, Wire};

/// How a gate waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) initial_backoff: Duration,
    pub(crate) max_backoff: Duration,
    pub(crate) max_retry_after: Duration,
}

/// What the worker of a destination needs; validated.
pub(crate) struct DeliverySettings {
    /// What it is called in lines of the log and by [`destinations`](crate::UsageLogger::destinations).
    pub(crate) name: String,
    pub(crate) wire: Wire,
    /// What is queued for it.
    pub(crate) form: EventForm,
    pub(crate) bounds: Bounds,
    pub(crate) max_batch_events: usize,
    pub(crate) max_batch_bytes: usize,
    pub(crate) flush_interval: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) max_in_flight: usize,
    pub(crate) pace: Pace,
    pub(crate) max_event_age: Duration,
    pub(crate) before_send: Option<BeforeSend>,
    /// How much is kept of an event.
    pub(crate) limits: Limits,
    /// Redacts what `before_send` returns.
    pub(crate) redactor: Redactor,
    pub(crate) on_error: Option<OnError>,
    pub(crate) verbose: bool,
    pub(crate) clock: Clock,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) key: Arc<KeyCell>,
    /// Where requests go; `None` where the transport is a file or memory.
    pub(crate) endpoint: Option<Url>,
    /// Where the spool is, if there is one.
    pub(crate) spool_dir: Option<PathBuf>,
    /// Whether it is told who was forgotten.
    pub(crate) announces_forgotten: bool,
}
