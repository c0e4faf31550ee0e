//! What all requests share.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::Transaction;
use tokio::sync::watch;

use crate::counts::Counts;
use crate::ingest::{Door, Limits};
use crate::live::{Live, LiveEvent};
use crate::store::forget::{Forgotten, forget, forgotten_among};
use crate::store::{ReadError, Store, WriteError};

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

    /// Forgets whoever has an id or an e-mail address. `by`: who asked for it.
    ///
    /// # Errors
    ///
    /// The database's; nothing was forgotten then.
    pub async fn forget(
        self: &Arc<Self>,
        project: i64,
        who: &str,
        by: &str,
    ) -> Result<Forgotten, WriteError> {
        let (now_ms, who, by) = (self.now_ms(), who.to_owned(), by.to_owned());
        self.forget_by(project, move |tx| forget(tx, project, &who, now_ms, &by))
            .await
    }

    /// Runs what forgets people of a project as one transaction. What has begun is done whether or not somebody still
    /// waits for it: also what watchers see and what the log holds is gone then.
    ///
    /// # Errors
    ///
    /// The database's; nobody was forgotten then.
    pub async fn forget_by(
        self: &Arc<Self>,
        project: i64,
        forget: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<Forgotten> + Send + 'static,
    ) -> Result<Forgotten, WriteError> {
        let app = Arc::clone(self);
        let done = tokio::spawn(async move {
            let forgotten = app.store.write(forget).await?;
            app.live.forget(project, &forgotten.rows);
            app.store.empty_log().await;
            Ok(forgotten)
        });
        done.await.unwrap_or(Err(WriteError::BrokeOff))
    }

    /// A project's newest events after the one with this id, as `Live::since`, but for those of people who were
    /// forgotten: by another process, or between the commit of an event and its way to who watches.
    ///
    /// # Errors
    ///
    /// The database's; nothing is to be shown then.
    pub async fn newest(&self, project: i64, after: u64) -> Result<Vec<Arc<LiveEvent>>, ReadError> {
        let mut events = self.live.since(project, after);
        let of_somebody = events.iter().filter(|event| event.is_of_somebody());
        let rows: Vec<i64> = of_somebody.map(|event| event.row).collect();
        if rows.is_empty() {
            return Ok(events);
        }
        let read = self.store.read(move |db| forgotten_among(db, &rows));
        let forgotten = read.await?;
        if !forgotten.is_empty() {
            self.live.forget(project, &forgotten);
            events.retain(|event| !forgotten.contains(&event.row));
        }
        Ok(events)
    }

    /// The time in Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.config.fixed_now_ms.unwrap_or_else(system_now_ms)
    }
}

/// The time of the system's clock in Unix milliseconds.
pub fn system_now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
