//! What users allow clients: codes, tokens, and what ends them.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};

use crate::scope::{self, Scope};
use crate::secret;
use crate::store::{Store, StoreError};

/// What a user allows a client in one project, as one access token carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub id: String,
    pub user_id: String,
    pub client_id: String,
    pub project_id: String,
    /// The audience: the address of the project's MCP endpoint.
    pub resource: String,
    pub scopes: BTreeSet<Scope>,
}

/// Why an access token does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRefused {
    Unknown,
    Expired,
    Revoked,
}

impl Store {
    /// Returns what an access token stands for.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn grant_of(
        &self,
        access_token: &str,
    ) -> Result<Result<Grant, TokenRefused>, StoreError> {
        let hash = secret::hash(access_token);
        let now = self.clock().seconds();
        self.run(move |db| {
            let found = db
                .prepare_cached(
                    "SELECT g.id, g.user_id, g.client_id, g.project_id, g.resource, t.scopes,
                            t.expires_at, g.revoked_at IS NOT NULL
                     FROM tokens t JOIN grants g ON g.id = t.grant_id
                     WHERE t.hash = ?1 AND t.kind = 'access'",
                )?
                .query_row([hash], |row| {
                    let grant = Grant {
                        id: row.get(0)?,
                        user_id: row.get(1)?,
                        client_id: row.get(2)?,
                        project_id: row.get(3)?,
                        resource: row.get(4)?,
                        scopes: BTreeSet::new(),
                    };
                    let scopes: String = row.get(5)?;
                    let expires_at: i64 = row.get(6)?;
                    let revoked: bool = row.get(7)?;
                    Ok((grant, scopes, expires_at, revoked))
                })
                .optional()?;
            let Some((grant, scopes, expires_at, revoked)) = found else {
                return Ok(Err(TokenRefused::Unknown));
            };
            if revoked {
                return Ok(Err(TokenRefused::Revoked));
            }
            if expires_at <= now {
                return Ok(Err(TokenRefused::Expired));
            }
            let scopes = scopes_of(&scopes)?;
            Ok(Ok(Grant { scopes, ..grant }))
        })
        .await
    }

    /// Notes that a grant was used just now.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn touch(&self, grant_id: &str) -> Result<(), StoreError> {
        let grant_id = grant_id.to_owned();
        let now = self.clock().seconds();
        self.run(move |db| {
            db.prepare_cached("UPDATE grants SET last_call_at = ?2 WHERE id = ?1")?
                .execute(params![grant_id, now])?;
            Ok(())
        })
        .await
    }
}

fn scopes_of(text: &str) -> Result<BTreeSet<Scope>, StoreError> {
    scope::parse(text).map_err(|error| StoreError::Unreadable(error.to_string()))
}
