//! Clients that have registered themselves.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::secret;
use crate::store::{Store, StoreError};

/// How long a registration is kept that nobody has approved anything for, in seconds.
const UNUSED: i64 = 24 * 60 * 60;
/// How long one is kept that was used once, and of whose grants nothing is left. Its client could not ask again with the
/// same id, and clients that get an error for theirs do not all register anew.
const FORSAKEN: i64 = 90 * 24 * 60 * 60;

impl Store {
    /// Registers a client with its redirect addresses, and returns its id.
    ///
    /// Anybody can register; what came to nothing is removed by [`prune`](Store::prune).
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

/// Notes that a client was used.
pub(super) fn touch(db: &Transaction<'_>, client_id: &str, now: i64) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE clients SET used_at = ?2 WHERE id = ?1")?
        .execute(params![client_id, now])?;
    Ok(())
}

/// Removes the clients that nobody uses.
pub(super) fn prune(db: &Transaction<'_>, now: i64) -> Result<(), StoreError> {
    db.execute(
        "DELETE FROM clients
         WHERE CASE WHEN used_at IS NULL THEN created_at < ?1 ELSE used_at < ?2 END
         AND NOT EXISTS (SELECT 1 FROM grants WHERE client_id = clients.id)
         AND NOT EXISTS (SELECT 1 FROM codes WHERE client_id = clients.id)",
        [now - UNUSED, now - FORSAKEN],
    )?;
    Ok(())
}
