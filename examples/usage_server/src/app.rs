//! What all requests share.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::counts::Counts;
use crate::ingest::{Door, Limits};
use crate::live::Live;
use crate::store::Store;

/// What is said when the server starts.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// What stands before each path: empty, or `/usage`.
    pub base_path: String,
    /// Where browsers reach the server, without the base path and without a slash at its end.
    pub public_url: String,
    /// The time that it is, for tests.
    pub fixed_now_ms: Option<i64>,
    /// Whether it shows made-up data.
    pub is_demo: bool,
    /// What senders are held to.
    pub limits: Limits,
}

/// What all requests share.
#[derive(Debug)]
pub struct App {
    pub config: Config,
    pub store: Store,
    pub live: Live,
    pub door: Door,
    pub counts: Counts,
    ending: watch::Sender<bool>,
}

impl App {
    pub fn new(config: Config, store: Store) -> Self {
        Self {
            door: Door::new(config.limits),
            config,
            store,
            live: Live::default(),
            counts: Counts::default(),
            ending: watch::channel(false).0,
        }
    }

    /// Says that the server is about to end: what would go on for ever ends now.
    pub fn end(&self) {
        self.ending.send_replace(true);
    }

    /// Becomes `true` when the server is about to end.
    pub fn ending(&self) -> watch::Receiver<bool> {
        self.ending.subscribe()
    }

    /// The time in Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.config.fixed_now_ms.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            since.map_or(0, |since| {
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            })
        })
    }
}
