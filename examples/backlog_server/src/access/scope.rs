//! The user has granted the client what the tool needs.

use crate::scope::Scope;
use crate::store::grants::Grant;

/// The scope was not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this needs the scope {0}, which the user has not granted")]
pub struct NotGranted(pub Scope);

/// # Errors
///
/// When the scope is not among those granted.
pub fn check(grant: &Grant, scope: Scope) -> Result<(), NotGranted> {
    let is_granted = grant.scopes.contains(&scope);
    is_granted.then_some(()).ok_or(NotGranted(scope))
}
