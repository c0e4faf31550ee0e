//! `--demo`: a believable month of a made-up shop, and the shop itself, which stays busy.

mod asks;
mod cast;
mod directory;
mod fill;
mod month;
mod random;
mod shop;
mod tools;
mod traffic;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use mcp_usage::{UsageLogger, Wire};
use serde_json::Value;
use tokio::net::TcpListener;

pub use directory::Directory;
pub use month::{Loss, MOST_EVENTS, Month, Totals};

use crate::app::App;
use crate::intents;
use crate::store::projects;

/// The demo's month is the same for all who look at the same time.
pub const SEED: u64 = 2_026;
/// What the project of the shop is called.
pub const PROJECT: &str = "shop (demo)";
/// So soon an event of the shop is on its way.
const FLUSH_EVERY: Duration = Duration::from_millis(300);

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The shop's project, before anything is in it.
#[derive(Debug)]
pub struct Demo {
    pub project: i64,
    key: String,
}

impl Demo {
    /// Makes the project.
    ///
    /// # Errors
    ///
    /// The database's, and when it has such a project.
    pub async fn prepare(app: &App) -> Result<Self> {
        let now = app.now_ms();
        let made = app.store.write(move |tx| {
            let Some(project) = projects::create(tx, PROJECT, now)? else {
                return Ok(None);
            };
            let key = projects::add_key(tx, project, now)?;
            Ok(key.map(|key| Self {
                project,
                key: key.key,
            }))
        });
        let made = made.await?;
        made.ok_or_else(|| {
            format!("there is a project \"{PROJECT}\" already: --demo needs a new database").into()
        })
    }

    /// Fills the project, says what it has to show then, and keeps it busy unless it is to stay as it is, for as long as
    /// the task runs.
    pub async fn run(
        self,
        app: Arc<App>,
        ingest: String,
        stays_busy: bool,
        filled: impl FnOnce(&Value) + Send,
    ) {
        match self.fill(&app).await {
            Ok(known) => filled(&known),
            Err(error) => {
                tracing::error!(%error, "the demo's month is not complete");
                return;
            }
        }
        if stays_busy && let Err(error) = self.stay_busy(app, ingest).await {
            tracing::error!(%error, "the demo's shop is closed");
        }
    }

    /// Fills the project with the month, and groups what was asked for. Returns what [`Month::known`] says of it.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn fill(&self, app: &App) -> Result<Value> {
        let now = app.now_ms();
        let listed = shop::listed().await?;
        let month = tokio::task::spawn_blocking(move || Month::new(SEED, now, &listed)).await?;
        let known = month.known(now);
        fill::fill(&app.store, self.project, month).await?;
        intents::rebuild(&app.store, self.project, now).await?;
        Ok(known)
    }

    /// Opens the shop, whose agents stay busy and whose events come to this server, until the task ends.
    ///
    /// # Errors
    ///
    /// When no port is free for the shop, or a setting of its logger is wrong.
    pub async fn stay_busy(&self, app: Arc<App>, ingest: String) -> Result<()> {
        let traffic = traffic::Traffic::new(SEED, app.now_ms())?;
        let usage = UsageLogger::builder()
            .wire(Wire::ReoBatch)
            .endpoint(ingest)
            .api_key(self.key.as_str())
            .product_id("shop")
            .flush_interval(FLUSH_EVERY)
            // The demo is reachable from this machine only, so it works where telemetry is switched off too.
            .env(|_| None)
            .build()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/mcp", listener.local_addr()?);
        let door = shop::Door {
            usage,
            people: traffic.people(),
            expired: traffic.expired(),
        };
        tokio::select! {
            served = shop::serve(door, listener) => served?,
            () = traffic.run(url, SEED) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
