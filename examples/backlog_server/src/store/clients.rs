//! Clients that have registered themselves.

use rusqlite::{OptionalExtension, params};

use crate::secret;
use crate::store::{Store, StoreError};

/// How long a registration is kept that nobody has approved anything for.
const UNUSED: i64 = 24 * 60 * 60;

impl Store {
    /// Registers a client with its redirect addresses, and returns its id.
    ///
    /// Anybody can register: those that came to nothing are forgotten after a day. One that was
    /// approved once keeps its id, or it could not ask again when all that it had has expired.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn register_client(&self, redirect_uris: &[String]) -> Result<String, StoreError> {
        let id = secret::new_id()?;
        let uris = serde_json::Value::from(redirect_uris).to_string();
        let now = self.clock().seconds();
        let new = id.clone();
        self.run(move |db| {
            db.execute(
                "DELETE FROM clients WHERE created_at < ?1 AND NOT approved",
                [now - UNUSED],
            )?;
            db.execute(
                "INSERT INTO clients (id, redirect_uris, created_at) VALUES (?1, ?2, ?3)",
                params![new, uris, now],
            )?;
            Ok(())
        })
        .await?;
        Ok(id)
    }

    /// Returns the redirect addresses of a client.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn redirect_uris(&self, client_id: &str) -> Result<Option<Vec<String>>, StoreError> {
        let client_id = client_id.to_owned();
        self.run(move |db| {
            let found: Option<String> = db
                .query_row(
                    "SELECT redirect_uris FROM clients WHERE id = ?1",
                    [client_id],
                    |row| row.get(0),
                )
                .optional()?;
            found
                .map(|uris| {
                    serde_json::from_str(&uris)
                        .map_err(|error| StoreError::Unreadable(error.to_string()))
                })
                .transpose()
        })
        .await
    }
}
