//! Who may do what: the checks that a request passes, in this order, each with its own error.
//!
//! | step | what is checked | refused with |
//! |---|---|---|
//! | [`body_time`] | the body arrives in time, whoever reads it | 408 |
//! | [`host`] | the request was meant for this server | 403 |
//! | [`bearer`] | there is a token | 401 |
//! | [`token`] | it is known, unexpired and unrevoked | 401 `invalid_token` |
//! | [`audience`] | it is for this project | 401 `invalid_token` |
//! | [`scope`] | it allows this tool | `FORBIDDEN_SCOPE`, and 403 `insufficient_scope` |
//! | [`membership`] | the user is on the team now, and has the role | `FORBIDDEN_MEMBERSHIP`, `FORBIDDEN_ROLE` |
//! | [`plan`] | the owner's plan allows writes | `FORBIDDEN_PLAN` |
//! | [`resource`] | the arguments refer only to this project | `INVALID_ARGUMENTS`, `NOT_FOUND` |
//! | [`confirm`] | a destructive call is confirmed | `CONFIRM_REQUIRED` |
//! | [`quota`] | the day's calls are not used up | `QUOTA_EXCEEDED` |
//!
//! The first two are around every route. Those up to [`audience`] are the [`door`]'s, before anything reads the request's
//! body. The others are
//! [`admit`]'s: they need to know the tool, and run in one transaction with it. A missing scope is
//! the client's to repair by asking for more, so the door then answers with the status and the
//! challenge that MCP's authorization specification gives it; the rest is for the agent to read.

pub mod audience;
pub mod bearer;
pub mod body_time;
pub mod confirm;
pub mod door;
pub mod host;
pub mod membership;
pub mod plan;
pub mod quota;
pub mod resource;
pub mod scope;
pub mod token;

use rmcp::model::JsonObject;
use rusqlite::Transaction;

use crate::scope::Scope;
use crate::store::StoreError;
use crate::store::grants::Grant;
use crate::store::users::{Membership, Plan, Role};
use crate::tools::Tool;

/// What a tool does to the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Reads,
    Writes,
    /// It removes or publishes something for good, so the call must be confirmed.
    Destroys,
}

/// What a tool asks of whoever calls it.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    pub scope: Scope,
    pub role: Role,
    pub effect: Effect,
}

/// Who acts on what: what a tool gets to work with once its call is admitted.
#[derive(Debug)]
pub struct Acting<'a> {
    pub db: &'a Transaction<'a>,
    pub project_id: &'a str,
    pub user_id: &'a str,
    pub owner_id: String,
    pub plan: Plan,
    /// Seconds since 1970.
    pub now: i64,
}

/// Why a call is not run.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error(transparent)]
    Scope(#[from] scope::NotGranted),
    #[error(transparent)]
    Membership(#[from] membership::NotAMember),
    #[error(transparent)]
    Role(#[from] membership::RoleTooLow),
    #[error(transparent)]
    Plan(#[from] plan::ReadsOnly),
    #[error(transparent)]
    Arguments(#[from] resource::Unreadable),
    #[error(transparent)]
    Resource(#[from] resource::NotHere),
    #[error(transparent)]
    Confirm(#[from] confirm::Unconfirmed),
    #[error(transparent)]
    Quota(#[from] quota::UsedUp),
}

impl Refusal {
    /// Returns the word that the answer begins with, for programs; it never changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Scope(_) => "FORBIDDEN_SCOPE",
            Self::Membership(_) => "FORBIDDEN_MEMBERSHIP",
            Self::Role(_) => "FORBIDDEN_ROLE",
            Self::Plan(_) => "FORBIDDEN_PLAN",
            Self::Arguments(_) => "INVALID_ARGUMENTS",
            Self::Resource(_) => "NOT_FOUND",
            Self::Confirm(_) => "CONFIRM_REQUIRED",
            Self::Quota(_) => "QUOTA_EXCEEDED",
        }
    }

    /// Returns the step that refused, as it is reported.
    #[must_use]
    pub const fn step(&self) -> &'static str {
        match self {
            Self::Scope(_) => "forbidden:scope",
            Self::Membership(_) => "forbidden:membership",
            Self::Role(_) => "forbidden:role",
            Self::Plan(_) => "forbidden:plan",
            Self::Arguments(_) => "invalid_arguments",
            Self::Resource(_) => "forbidden:resource",
            Self::Confirm(_) => "confirm_required",
            Self::Quota(_) => "quota_exceeded",
        }
    }
}

/// How a check can end other than well.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Says whether the grant, the role and the plan allow what a tool needs, as far as that can be told without a call.
#[must_use]
pub fn allows(grant: &Grant, membership: &Membership, needs: Needs) -> bool {
    scope::check(grant, needs.scope).is_ok()
        && membership::check_role(membership.role, needs.role).is_ok()
        && plan::check(membership.plan, needs.effect).is_ok()
}

/// Lets a call through to its tool, or says which step refuses it.
///
/// # Errors
///
/// The first refusal, or the database's.
pub fn admit<'a, T: Tool>(
    db: &'a Transaction<'a>,
    grant: &'a Grant,
    arguments: JsonObject,
    now: i64,
) -> Result<(T, Acting<'a>), Stop> {
    scope::check(grant, T::NEEDS.scope).map_err(Refusal::from)?;
    let membership = membership::check(db, grant, T::NEEDS.role)?;
    let acting = Acting {
        db,
        project_id: &grant.project_id,
        user_id: &grant.user_id,
        owner_id: membership.owner_id,
        plan: membership.plan,
        now,
    };
    plan::check(acting.plan, T::NEEDS.effect).map_err(Refusal::from)?;
    let call: T = resource::check(&acting, arguments)?;
    confirm::check(&acting, &call)?;
    quota::count(&acting)?;
    Ok((call, acting))
}
