//! What users approve: the code for the client, and whether it may be given at all.

use std::collections::BTreeSet;
use std::time::Duration;

use rusqlite::{Transaction, params};

use crate::grant_name::GrantName;
use crate::scope::{self, Scope};
use crate::secret;
use crate::store::{Store, StoreError, clients, users};

/// What a user has approved, before the client has redeemed the code for it.
#[derive(Clone, Debug)]
pub struct Approval {
    pub user_id: String,
    pub client_id: String,
    pub project_id: String,
    pub resource: String,
    pub scopes: BTreeSet<Scope>,
    pub redirect_uri: String,
    /// The S256 hash of the verifier that only the client knows.
    pub challenge: String,
    /// The user's word for it.
    pub name: Option<GrantName>,
}

/// Why an approval stands for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotApproved {
    /// The user is not in the project, or there is no such project.
    NotAMember,
    /// The plan of the project's owner does not allow what was approved.
    NotOnPlan,
}

impl Store {
    /// Keeps what a user has approved, and returns the code for the client.
    ///
    /// Membership and plan are read here, once, in the transaction that keeps the approval: what they were when the
    /// page was shown does not count, and they cannot change in between.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn approve(
        &self,
        approval: Approval,
        lifetime: Duration,
    ) -> Result<Result<String, NotApproved>, StoreError> {
        let expires_at = self.clock().seconds_after(lifetime);
        let now = self.clock().seconds();
        self.run(move |db| {
            let found = users::membership(db, &approval.user_id, &approval.project_id)?;
            let Some(membership) = found else {
                return Ok(Err(NotApproved::NotAMember));
            };
            let writes = approval.scopes.iter().any(|scope| scope.writes());
            if writes && !membership.plan.allows_writes() {
                return Ok(Err(NotApproved::NotOnPlan));
            }
            clients::touch(db, &approval.client_id, now)?;
            insert(db, &approval, expires_at).map(Ok)
        })
        .await
    }
}

/// Makes the code for an approval, whoever it is of.
///
/// # Errors
///
/// The database's.
pub fn insert(
    db: &Transaction<'_>,
    approval: &Approval,
    expires_at: i64,
) -> Result<String, StoreError> {
    let code = secret::new()?;
    db.execute(
        "INSERT INTO codes (hash, user_id, client_id, project_id, resource, scopes, redirect_uri,
                            challenge, expires_at, name)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            secret::hash(&code),
            approval.user_id,
            approval.client_id,
            approval.project_id,
            approval.resource,
            scope::join(&approval.scopes),
            approval.redirect_uri,
            approval.challenge,
            expires_at,
            approval.name,
        ],
    )?;
    Ok(code)
}
