//! The token is for this project: one that was issued for another is not valid here (RFC 8707).

use crate::config::PublicUrl;
use crate::store::grants::Grant;

/// The token is for another resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token is for another resource")]
pub struct WrongAudience;

/// # Errors
///
/// When the grant's resource is not this project's endpoint.
pub fn check(grant: &Grant, public: &PublicUrl, project_id: &str) -> Result<(), WrongAudience> {
    let is_here =
        grant.project_id == project_id && grant.resource == public.resource_of(project_id);
    is_here.then_some(()).ok_or(WrongAudience)
}
