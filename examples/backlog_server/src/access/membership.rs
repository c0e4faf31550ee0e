//! The user is on the team, and has the role. Both are read for each call, so that removing somebody from the team stops
//! their agents at once.

use rusqlite::Transaction;

use crate::access::{Refusal, Stop};
use crate::store::grants::Grant;
use crate::store::users::{self, Membership, Role};

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

/// # Errors
///
/// When the user is not on the team or has too low a role, and the database's.
pub fn check(db: &Transaction<'_>, grant: &Grant, needed: Role) -> Result<Membership, Stop> {
    let found = users::membership(db, &grant.user_id, &grant.project_id)?;
    let membership = found.ok_or(Refusal::from(NotAMember))?;
    check_role(membership.role, needed).map_err(Refusal::from)?;
    Ok(membership)
}

/// # Errors
///
/// When the role is too low.
pub fn check_role(has: Role, needed: Role) -> Result<(), RoleTooLow> {
    if has < needed {
        return Err(RoleTooLow { needed, has });
    }
    Ok(())
}
