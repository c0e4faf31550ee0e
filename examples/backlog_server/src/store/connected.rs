//! What a user has connected, as the page of connected apps has it.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, Row, params};

use crate::grant_name::GrantName;
use crate::scope::{self, Scope};
use crate::store::{Store, StoreError};

/// A grant, for its user to see. What the program calls itself is no part of it.
#[derive(Clone, Debug)]
pub struct ConnectedApp {
    pub grant_id: String,
    /// The user's own word for it.
    pub name: Option<GrantName>,
    pub client_id: String,
    pub redirect_host: String,
    pub project_name: String,
    pub scopes: BTreeSet<Scope>,
    pub created_at: i64,
    pub last_call_at: Option<i64>,
    pub revoked_at: Option<i64>,
}

const COLUMNS: &str = "g.id, g.name, g.client_id, g.redirect_host, p.name, g.scopes, g.created_at,
                       g.last_call_at, g.revoked_at
                       FROM grants g JOIN projects p ON p.id = g.project_id";

impl Store {
    /// Returns what a user has allowed and what still works, the newest first.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn connected_apps(&self, user_id: &str) -> Result<Vec<ConnectedApp>, StoreError> {
        let user_id = user_id.to_owned();
        let now = self.clock().seconds();
        self.run(move |db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {COLUMNS}
                 WHERE g.user_id = ?1 AND g.revoked_at IS NULL AND EXISTS (
                     SELECT 1 FROM tokens t
                     WHERE t.grant_id = g.id AND t.expires_at > ?2 AND t.used_at IS NULL)
                 ORDER BY g.created_at DESC, g.id"
            ))?;
            let rows = statement.query_map(params![user_id, now], |row| Ok(app_of(row)))?;
            rows.map(|row| row?).collect()
        })
        .await
    }

    /// Returns one of a user's grants, also when it is revoked; nothing for somebody else's.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn connected_app(
        &self,
        grant_id: &str,
        user_id: &str,
    ) -> Result<Option<ConnectedApp>, StoreError> {
        let (grant_id, user_id) = (grant_id.to_owned(), user_id.to_owned());
        self.run(move |db| {
            let select = format!("SELECT {COLUMNS} WHERE g.id = ?1 AND g.user_id = ?2");
            let found = db
                .prepare_cached(&select)?
                .query_row([grant_id, user_id], |row| Ok(app_of(row)))
                .optional()?;
            found.transpose()
        })
        .await
    }

    /// Revokes a grant at its user's word; another user's is left alone.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn revoke_grant(&self, grant_id: &str, user_id: &str) -> Result<(), StoreError> {
        let (grant_id, user_id) = (grant_id.to_owned(), user_id.to_owned());
        let now = self.clock().seconds();
        self.run(move |db| {
            db.execute(
                "UPDATE grants SET revoked_at = ?3
                 WHERE id = ?1 AND user_id = ?2 AND revoked_at IS NULL",
                params![grant_id, user_id, now],
            )?;
            Ok(())
        })
        .await
    }

    /// Names a grant at its user's word, or takes its name away; another user's is left alone.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn name_grant(
        &self,
        grant_id: &str,
        user_id: &str,
        name: Option<GrantName>,
    ) -> Result<(), StoreError> {
        let (grant_id, user_id) = (grant_id.to_owned(), user_id.to_owned());
        self.run(move |db| {
            db.execute(
                "UPDATE grants SET name = ?3 WHERE id = ?1 AND user_id = ?2",
                params![grant_id, user_id, name],
            )?;
            Ok(())
        })
        .await
    }
}

/// Reads a row of [`COLUMNS`].
fn app_of(row: &Row<'_>) -> Result<ConnectedApp, StoreError> {
    let scopes: String = row.get(5)?;
    let scopes = scope::parse(&scopes);
    Ok(ConnectedApp {
        grant_id: row.get(0)?,
        name: row.get(1)?,
        client_id: row.get(2)?,
        redirect_host: row.get(3)?,
        project_name: row.get(4)?,
        scopes: scopes.map_err(|error| StoreError::Unreadable(error.to_string()))?,
        created_at: row.get(6)?,
        last_call_at: row.get(7)?,
        revoked_at: row.get(8)?,
    })
}
