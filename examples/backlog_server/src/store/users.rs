//! Users, their roles in projects, and the browsers they are signed in with.

use std::fmt;
use std::str::FromStr;

use rusqlite::{OptionalExtension, params};

use crate::secret;
use crate::store::{Store, StoreError};

/// Somebody who can sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: String,
    pub email: String,
    pub name: String,
}

/// What a project's owner pays for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    Free,
    Pro,
    Business,
}

impl Plan {
    /// Says whether agents may change things.
    #[must_use]
    pub const fn allows_writes(self) -> bool {
        !matches!(self, Self::Free)
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Pro => "pro",
            Self::Business => "business",
        }
    }
}

/// What somebody is in a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Viewer,
    Member,
    Owner,
}

impl Role {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Owner => "owner",
        }
    }
}

/// Somebody's place in a project, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    pub project_name: String,
    pub role: Role,
    /// The plan of the project's owner.
    pub plan: Plan,
}

impl Store {
    /// Returns the user with an e-mail address, and the hash of their password.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<(User, String)>, StoreError> {
        let email = email.trim().to_owned();
        self.run(move |db| {
            let found = db
                .prepare_cached(
                    "SELECT id, email, name, password_hash FROM users WHERE email = ?1",
                )?
                .query_row([email], |row| Ok((user_of(row)?, row.get(3)?)))
                .optional()?;
            Ok(found)
        })
        .await
    }

    /// Returns somebody's place in a project, or nothing when they have none, or there is no such
    /// project.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn membership(
        &self,
        user_id: &str,
        project_id: &str,
    ) -> Result<Option<Membership>, StoreError> {
        let (user_id, project_id) = (user_id.to_owned(), project_id.to_owned());
        self.run(move |db| {
            let found = db
                .prepare_cached(
                    "SELECT p.name, m.role, o.plan
                     FROM members m
                     JOIN projects p ON p.id = m.project_id
                     JOIN users o ON o.id = p.owner_id
                     WHERE m.user_id = ?1 AND m.project_id = ?2",
                )?
                .query_row(params![user_id, project_id], |row| {
                    let texts: (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
                    Ok(texts)
                })
                .optional()?;
            found
                .map(|(project_name, role, plan)| {
                    Ok(Membership {
                        project_name,
                        role: role.parse()?,
                        plan: plan.parse()?,
                    })
                })
                .transpose()
        })
        .await
    }

    /// Signs a user in, and returns the secret that their browser keeps.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn start_session(
        &self,
        user_id: &str,
        lifetime: std::time::Duration,
    ) -> Result<String, StoreError> {
        let secret = secret::new()?;
        let (hash, user_id) = (secret::hash(&secret), user_id.to_owned());
        let expires_at = self.clock().seconds_after(lifetime);
        self.run(move |db| {
            db.execute(
                "INSERT INTO sessions (hash, user_id, expires_at) VALUES (?1, ?2, ?3)",
                params![hash, user_id, expires_at],
            )?;
            Ok(())
        })
        .await?;
        Ok(secret)
    }

    /// Returns who is signed in with a secret.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn user_of_session(&self, secret: &str) -> Result<Option<User>, StoreError> {
        let hash = secret::hash(secret);
        let now = self.clock().seconds();
        self.run(move |db| {
            let found = db
                .prepare_cached(
                    "SELECT u.id, u.email, u.name FROM sessions s JOIN users u ON u.id = s.user_id
                     WHERE s.hash = ?1 AND s.expires_at > ?2",
                )?
                .query_row(params![hash, now], user_of)
                .optional()?;
            Ok(found)
        })
        .await
    }

    /// Signs a browser out.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn end_session(&self, secret: &str) -> Result<(), StoreError> {
        let hash = secret::hash(secret);
        self.run(move |db| {
            db.execute("DELETE FROM sessions WHERE hash = ?1", [hash])?;
            Ok(())
        })
        .await
    }
}

fn user_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get(0)?,
        email: row.get(1)?,
        name: row.get(2)?,
    })
}

impl FromStr for Plan {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        [Self::Free, Self::Pro, Self::Business]
            .into_iter()
            .find(|plan| plan.as_str() == text)
            .ok_or_else(|| StoreError::Unreadable(format!("plan {text:?}")))
    }
}

impl FromStr for Role {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        [Self::Viewer, Self::Member, Self::Owner]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| StoreError::Unreadable(format!("role {text:?}")))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
