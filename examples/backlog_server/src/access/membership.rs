//! Who acts is on the team, and has the role: read anew for each call, so that removing somebody
//! disarms their agents at once.

use rusqlite::{OptionalExtension, Transaction};

use crate::access::{Refusal, Stop};
use crate::store::grants::Grant;
use crate::store::users::{Plan, Role};

/// The user is not on the team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the user is not on this project's team")]
pub struct NotAMember;

/// The user's role does not allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this needs the role {needed}, and the user is a {has}")]
pub struct RoleTooLow {
    pub needed: Role,
    pub has: Role,
}

/// How things stand in a project at this moment.
#[derive(Clone, Debug)]
pub struct Standing {
    pub role: Role,
    pub owner_id: String,
    pub plan: Plan,
}

/// # Errors
///
/// When the user is not on the team or has too low a role, and the database's.
pub fn check(db: &Transaction<'_>, grant: &Grant, needed: Role) -> Result<Standing, Stop> {
    let standing = db
        .prepare_cached(
            "SELECT m.role, p.owner_id, o.plan
             FROM members m JOIN projects p ON p.id = m.project_id JOIN users o ON o.id = p.owner_id
             WHERE m.project_id = ?1 AND m.user_id = ?2",
        )?
        .query_row([&grant.project_id, &grant.user_id], |row| {
            Ok(Standing {
                role: row.get(0)?,
                owner_id: row.get(1)?,
                plan: row.get(2)?,
            })
        })
        .optional()?;
    let standing = standing.ok_or(Refusal::from(NotAMember))?;
    if standing.role < needed {
        let has = standing.role;
        return Err(Refusal::from(RoleTooLow { needed, has }).into());
    }
    Ok(standing)
}
