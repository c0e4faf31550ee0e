//! What users allow clients: codes, tokens, and what ends them.

use std::collections::BTreeSet;
use std::time::Duration;

use mcp_usage::AuthRejection;
use rusqlite::{OptionalExtension, Transaction, params};

use crate::config::Config;
use crate::oauth::redirect;
use crate::scope::{self, Scope};
use crate::secret;
use crate::store::consents::Approval;
use crate::store::{Store, StoreError, clients};

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
    /// What the program called itself in its last `initialize`: for usage events alone.
    pub client: Option<ClientName>,
}

/// What a program calls itself: its own word, which nothing proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientName {
    pub name: String,
    pub version: String,
}

/// Why an access token does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRefused {
    Unknown,
    Expired,
    Revoked,
}

/// A client's try to redeem a code. Not to be printed.
#[derive(Clone)]
pub struct Redemption {
    pub code: String,
    pub client_id: String,
    /// As sent, where it was: OAuth 2.1 no longer asks for it.
    pub redirect_uri: Option<String>,
    /// The S256 hash of the verifier that was sent.
    pub challenge: String,
    pub resource: Option<String>,
}

/// A client's try to use a refresh token. Not to be printed.
#[derive(Clone)]
pub struct Refresh {
    pub token: String,
    pub client_id: String,
    /// Fewer scopes than were granted, where it asks for that.
    pub scopes: Option<BTreeSet<Scope>>,
    pub resource: Option<String>,
}

/// A pair of tokens; the only time that they are seen, and not to be printed.
#[derive(Clone)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
    pub scopes: BTreeSet<Scope>,
    /// How long the access token works.
    pub expires_in: Duration,
}

/// Why a code or a refresh token gives no tokens. The client is told `invalid_grant` for most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantRefused {
    #[error("unknown, or of another client")]
    Unknown,
    #[error("expired")]
    Expired,
    #[error("already used; the grant is revoked")]
    Reused,
    #[error("revoked")]
    Revoked,
    #[error("the redirect_uri is not the one the code was sent to")]
    WrongRedirect,
    #[error("the code_verifier is wrong")]
    WrongVerifier,
    #[error("the resource is not the one that was granted")]
    WrongResource,
    #[error("more scopes than were granted")]
    WiderScope,
}

impl GrantRefused {
    /// Returns what is reported of it: the class of reason, and which check refused.
    #[must_use]
    pub const fn reason(self) -> (AuthRejection, &'static str) {
        match self {
            Self::Unknown => (AuthRejection::Invalid, "grant:unknown"),
            Self::Expired => (AuthRejection::Expired, "grant:expired"),
            Self::Reused => (AuthRejection::Revoked, "grant:reused"),
            Self::Revoked => (AuthRejection::Revoked, "grant:revoked"),
            Self::WrongRedirect => (AuthRejection::Invalid, "grant:wrong_redirect"),
            Self::WrongVerifier => (AuthRejection::Invalid, "grant:wrong_verifier"),
            Self::WrongResource => (AuthRejection::WrongAudience, "grant:wrong_resource"),
            Self::WiderScope => (AuthRejection::Forbidden, "grant:wider_scope"),
        }
    }
}

/// Most characters that are kept of a program's name, and of its version.
const MAX_CLIENT_NAME: usize = 200;

/// How long tokens are to live.
#[derive(Clone, Copy, Debug)]
struct Lifetimes {
    access: Duration,
    refresh: Duration,
}

impl From<&Config> for Lifetimes {
    fn from(config: &Config) -> Self {
        Self {
            access: config.access_lifetime,
            refresh: config.refresh_lifetime,
        }
    }
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
            let Some(found) = token(db, &hash, "access")? else {
                return Ok(Err(TokenRefused::Unknown));
            };
            Ok(if found.revoked {
                Err(TokenRefused::Revoked)
            } else if found.expires_at <= now {
                Err(TokenRefused::Expired)
            } else {
                Ok(found.grant)
            })
        })
        .await
    }

    /// Gives tokens for a code, once. A code that comes a second time with the right verifier was stolen together
    /// with it: what it gave the first time is revoked.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn redeem(
        &self,
        redemption: Redemption,
        config: &Config,
    ) -> Result<Result<Tokens, GrantRefused>, StoreError> {
        let lifetimes = Lifetimes::from(config);
        let now = self.clock().seconds();
        self.run(move |db| {
            let hash = secret::hash(&redemption.code);
            let Some(code) = code(db, &hash)? else {
                return Ok(Err(GrantRefused::Unknown));
            };
            let approval = code.approval;
            let other = |sent: &Option<String>, bound: &str| {
                sent.as_ref().is_some_and(|sent| sent != bound)
            };
            // A wrong try does not use the code up, nor end what it gave: whoever saw it pass could otherwise keep
            // its owner out.
            if approval.client_id != redemption.client_id {
                return Ok(Err(GrantRefused::Unknown));
            }
            if other(&redemption.redirect_uri, &approval.redirect_uri) {
                return Ok(Err(GrantRefused::WrongRedirect));
            }
            if other(&redemption.resource, &approval.resource) {
                return Ok(Err(GrantRefused::WrongResource));
            }
            if !secret::same(&redemption.challenge, &approval.challenge) {
                return Ok(Err(GrantRefused::WrongVerifier));
            }
            // Also long after its minute.
            if let Some(grant_id) = code.redeemed_as {
                revoke(db, &grant_id, now)?;
                return Ok(Err(GrantRefused::Reused));
            }
            if code.expires_at <= now {
                return Ok(Err(GrantRefused::Expired));
            }
            let grant_id = insert_grant(db, &approval, now)?;
            db.execute(
                "UPDATE codes SET grant_id = ?2 WHERE hash = ?1",
                params![hash, grant_id],
            )?;
            let scopes = &approval.scopes;
            insert_tokens(db, &grant_id, scopes, scopes, lifetimes, now).map(Ok)
        })
        .await
    }

    /// Gives new tokens for a refresh token, once. One that comes a second time was stolen: its
    /// grant is revoked, and with it the tokens of whoever was first.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn refresh(
        &self,
        refresh: Refresh,
        config: &Config,
    ) -> Result<Result<Tokens, GrantRefused>, StoreError> {
        let lifetimes = Lifetimes::from(config);
        let now = self.clock().seconds();
        self.run(move |db| {
            let hash = secret::hash(&refresh.token);
            let Some(found) = token(db, &hash, "refresh")? else {
                return Ok(Err(GrantRefused::Unknown));
            };
            let grant = found.grant;
            if grant.client_id != refresh.client_id {
                return Ok(Err(GrantRefused::Unknown));
            }
            if found.used {
                revoke(db, &grant.id, now)?;
                return Ok(Err(GrantRefused::Reused));
            }
            if found.revoked {
                return Ok(Err(GrantRefused::Revoked));
            }
            if found.expires_at <= now {
                return Ok(Err(GrantRefused::Expired));
            }
            if refresh.resource.is_some_and(|sent| sent != grant.resource) {
                return Ok(Err(GrantRefused::WrongResource));
            }
            let scopes = refresh.scopes.unwrap_or_else(|| grant.scopes.clone());
            if !scopes.is_subset(&grant.scopes) {
                return Ok(Err(GrantRefused::WiderScope));
            }
            db.execute(
                "UPDATE tokens SET used_at = ?2 WHERE hash = ?1",
                params![hash, now],
            )?;
            clients::touch(db, &grant.client_id, now)?;
            // The new refresh token stands for as much as the old one.
            insert_tokens(db, &grant.id, &scopes, &grant.scopes, lifetimes, now).map(Ok)
        })
        .await
    }

    /// Revokes the grant of a token, at a client's word. A token nobody knows is as good as revoked.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn revoke_token(
        &self,
        token: &str,
        client_id: &str,
    ) -> Result<Result<(), GrantRefused>, StoreError> {
        let hash = secret::hash(token);
        let client_id = client_id.to_owned();
        let now = self.clock().seconds();
        self.run(move |db| {
            let found: Option<(String, String)> = db
                .query_row(
                    "SELECT g.id, g.client_id FROM tokens t JOIN grants g ON g.id = t.grant_id
                     WHERE t.hash = ?1",
                    [hash],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            match found {
                Some((_, of)) if of != client_id => Ok(Err(GrantRefused::Unknown)),
                Some((grant_id, _)) => revoke(db, &grant_id, now).map(Ok),
                None => Ok(Ok(())),
            }
        })
        .await
    }

    /// Returns what the program called itself that a token or a code was given to, also when it works no more.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn client_of(&self, credential: &str) -> Result<Option<ClientName>, StoreError> {
        let hash = secret::hash(credential);
        self.run(move |db| {
            let found = db
                .prepare_cached(
                    "SELECT client_name, client_version FROM grants WHERE id IN (
                         SELECT grant_id FROM tokens WHERE hash = ?1
                         UNION ALL SELECT grant_id FROM codes WHERE hash = ?1)",
                )?
                .query_row([hash], |row| Ok(client_of(row.get(0)?, row.get(1)?)))
                .optional()?;
            Ok(found.flatten())
        })
        .await
    }

    /// Removes what has expired and nothing refers to any more. Used refresh tokens and codes stay
    /// until then, so that a thief's second use is known for what it is; an access token for as long as its refresh token,
    /// so that a client that comes back with it is known.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn prune(&self, refresh_lifetime: Duration) -> Result<(), StoreError> {
        let now = self.clock().seconds();
        let last_access = now.saturating_sub_unsigned(refresh_lifetime.as_secs());
        self.run(move |db| {
            db.execute("DELETE FROM sessions WHERE expires_at <= ?1", [now])?;
            db.execute(
                "DELETE FROM tokens WHERE expires_at <= iif(kind = 'access', ?2, ?1)",
                [now, last_access],
            )?;
            // A code outlives its minute for as long as what it gave.
            db.execute(
                "DELETE FROM codes WHERE expires_at <= ?1 AND NOT EXISTS (
                     SELECT 1 FROM tokens WHERE grant_id = codes.grant_id)",
                [now],
            )?;
            db.execute(
                "DELETE FROM grants WHERE NOT EXISTS (
                     SELECT 1 FROM tokens WHERE grant_id = grants.id)
                 AND NOT EXISTS (SELECT 1 FROM codes WHERE grant_id = grants.id)",
                [],
            )?;
            clients::prune(db, now)
        })
        .await
    }
}

/// Notes that a grant was used for a call.
///
/// # Errors
///
/// The database's.
pub fn touch(db: &Transaction<'_>, grant_id: &str, now: i64) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE grants SET last_call_at = ?2 WHERE id = ?1")?
        .execute(params![grant_id, now])?;
    Ok(())
}

/// Keeps what a program calls itself, as much of it as a name may be long.
///
/// # Errors
///
/// The database's.
pub fn name_client(
    db: &Transaction<'_>,
    grant_id: &str,
    client: &ClientName,
) -> Result<(), StoreError> {
    let kept = |text: &str| text.chars().take(MAX_CLIENT_NAME).collect::<String>();
    db.prepare_cached("UPDATE grants SET client_name = ?2, client_version = ?3 WHERE id = ?1")?
        .execute(params![grant_id, kept(&client.name), kept(&client.version)])?;
    Ok(())
}

fn client_of(name: Option<String>, version: Option<String>) -> Option<ClientName> {
    Some(ClientName {
        name: name?,
        version: version.unwrap_or_default(),
    })
}

struct FoundToken {
    /// With the token's scopes.
    grant: Grant,
    expires_at: i64,
    used: bool,
    revoked: bool,
}

fn token(db: &Transaction<'_>, hash: &str, kind: &str) -> Result<Option<FoundToken>, StoreError> {
    let found = db
        .prepare_cached(
            "SELECT g.id, g.user_id, g.client_id, g.project_id, g.resource, t.scopes,
                    t.expires_at, t.used_at IS NOT NULL, g.revoked_at IS NOT NULL,
                    g.client_name, g.client_version
             FROM tokens t JOIN grants g ON g.id = t.grant_id
             WHERE t.hash = ?1 AND t.kind = ?2",
        )?
        .query_row([hash, kind], |row| {
            let scopes: String = row.get(5)?;
            let found = FoundToken {
                grant: Grant {
                    id: row.get(0)?,
                    user_id: row.get(1)?,
                    client_id: row.get(2)?,
                    project_id: row.get(3)?,
                    resource: row.get(4)?,
                    scopes: BTreeSet::new(),
                    client: client_of(row.get(9)?, row.get(10)?),
                },
                expires_at: row.get(6)?,
                used: row.get(7)?,
                revoked: row.get(8)?,
            };
            Ok((found, scopes))
        })
        .optional()?;
    found
        .map(|(mut found, scopes)| {
            found.grant.scopes = scopes_of(&scopes)?;
            Ok(found)
        })
        .transpose()
}

struct FoundCode {
    approval: Approval,
    expires_at: i64,
    redeemed_as: Option<String>,
}

fn code(db: &Transaction<'_>, hash: &str) -> Result<Option<FoundCode>, StoreError> {
    let found = db
        .query_row(
            "SELECT user_id, client_id, project_id, resource, redirect_uri, challenge, expires_at,
                    grant_id, scopes, name
             FROM codes WHERE hash = ?1",
            [hash],
            |row| {
                let scopes: String = row.get(8)?;
                let found = FoundCode {
                    approval: Approval {
                        user_id: row.get(0)?,
                        client_id: row.get(1)?,
                        project_id: row.get(2)?,
                        resource: row.get(3)?,
                        scopes: BTreeSet::new(),
                        redirect_uri: row.get(4)?,
                        challenge: row.get(5)?,
                        name: row.get(9)?,
                    },
                    expires_at: row.get(6)?,
                    redeemed_as: row.get(7)?,
                };
                Ok((found, scopes))
            },
        )
        .optional()?;
    found
        .map(|(mut found, scopes)| {
            found.approval.scopes = scopes_of(&scopes)?;
            Ok(found)
        })
        .transpose()
}

/// A client that asks for more, as after an `insufficient_scope`, need not say its name again: it has that of its last grant.
fn insert_grant(db: &Transaction<'_>, approval: &Approval, now: i64) -> Result<String, StoreError> {
    let id = secret::new_id()?;
    db.execute(
        "INSERT INTO grants (id, user_id, client_id, project_id, resource, scopes, redirect_host,
                             created_at, name, client_name, client_version)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, last.client_name, last.client_version
         FROM (SELECT 1) LEFT JOIN (
             SELECT client_name, client_version FROM grants
             WHERE user_id = ?2 AND client_id = ?3 AND client_name IS NOT NULL
             ORDER BY created_at DESC LIMIT 1) AS last",
        params![
            id,
            approval.user_id,
            approval.client_id,
            approval.project_id,
            approval.resource,
            scope::join(&approval.scopes),
            redirect::host_of(&approval.redirect_uri),
            now,
            approval.name,
        ],
    )?;
    Ok(id)
}

fn insert_tokens(
    db: &Transaction<'_>,
    grant_id: &str,
    scopes: &BTreeSet<Scope>,
    refreshable: &BTreeSet<Scope>,
    lifetimes: Lifetimes,
    now: i64,
) -> Result<Tokens, StoreError> {
    let (access, refresh) = (secret::new()?, secret::new()?);
    for (token, kind, scopes, lifetime) in [
        (&access, "access", scopes, lifetimes.access),
        (&refresh, "refresh", refreshable, lifetimes.refresh),
    ] {
        db.prepare_cached(
            "INSERT INTO tokens (hash, kind, grant_id, scopes, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            secret::hash(token),
            kind,
            grant_id,
            scope::join(scopes),
            now.saturating_add_unsigned(lifetime.as_secs()),
        ])?;
    }
    Ok(Tokens {
        access,
        refresh,
        scopes: scopes.clone(),
        expires_in: lifetimes.access,
    })
}

fn revoke(db: &Transaction<'_>, grant_id: &str, now: i64) -> Result<(), StoreError> {
    db.execute(
        "UPDATE grants SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
        params![grant_id, now],
    )?;
    Ok(())
}

fn scopes_of(text: &str) -> Result<BTreeSet<Scope>, StoreError> {
    scope::parse(text).map_err(|error| StoreError::Unreadable(error.to_string()))
}
