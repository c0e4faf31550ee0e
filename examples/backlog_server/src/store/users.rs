//! Users, their roles in projects, and the browsers they are signed in with.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::secret;
use crate::store::words::words;
use crate::store::{Store, StoreError};

/// Somebody who can sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: String,
    pub email: String,
    pub name: String,
}

words! {
    /// What a project's owner pays for.
    Plan {
        Free = "free",
        Pro = "pro",
        Business = "business",
    }
}

impl Plan {
    /// Says whether agents may change things.
    #[must_use]
    pub const fn allows_writes(self) -> bool {
        !matches!(self, Self::Free)
    }
}

words! {
    /// What somebody is in a project; each may do what those before may.
    Role {
        Viewer = "viewer",
        Member = "member",
        Owner = "owner",
    }
}

/// Somebody's place in a project, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    pub project_id: String,
    pub project_name: String,
    pub role: Role,
    pub owner_id: String,
    /// The plan of the project's owner.
    pub plan: Plan,
}

impl Membership {
    fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            project_id: row.get(0)?,
            project_name: row.get(1)?,
            role: row.get(2)?,
            owner_id: row.get(3)?,
            plan: row.get(4)?,
        })
    }
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
        self.run(move |db| Ok(membership(db, &user_id, &project_id)?))
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

/// Returns somebody's place in a project, as part of a transaction.
///
/// # Errors
///
/// The database's.
pub fn membership(
    db: &Transaction<'_>,
    user_id: &str,
    project_id: &str,
) -> rusqlite::Result<Option<Membership>> {
    db.prepare_cached(
        "SELECT p.id, p.name, m.role, p.owner_id, o.plan
         FROM members m
         JOIN projects p ON p.id = m.project_id
         JOIN users o ON o.id = p.owner_id
         WHERE m.user_id = ?1 AND m.project_id = ?2",
    )?
    .query_row([user_id, project_id], Membership::of)
    .optional()
}

/// Returns somebody's places in all projects, by the projects' names.
///
/// # Errors
///
/// The database's.
pub fn memberships(db: &Transaction<'_>, user_id: &str) -> rusqlite::Result<Vec<Membership>> {
    db.prepare_cached(
        "SELECT p.id, p.name, m.role, p.owner_id, o.plan
         FROM members m
         JOIN projects p ON p.id = m.project_id
         JOIN users o ON o.id = p.owner_id
         WHERE m.user_id = ?1 ORDER BY p.name, p.id",
    )?
    .query_map([user_id], Membership::of)?
    .collect()
}

fn user_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get(0)?,
        email: row.get(1)?,
        name: row.get(2)?,
    })
}
