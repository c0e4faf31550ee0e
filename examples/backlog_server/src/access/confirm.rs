//! A destructive call is meant: without `confirm: true` the agent is told what would happen, and
//! that costs nothing of the quota.

use crate::access::{Acting, Effect, Refusal, Stop};
use crate::tools::Tool;

/// The call is not confirmed. The text holds numbers and ids alone, no words of an end user's: it
/// is what a decision rests on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} Ask the user; if they agree, call again with `confirm: true`.")]
pub struct Unconfirmed(pub String);

/// # Errors
///
/// When the call is destructive and not confirmed, and the database's.
pub fn check<T: Tool>(acting: &Acting<'_>, call: &T) -> Result<(), Stop> {
    if T::NEEDS.effect != Effect::Destroys || call.is_confirmed() {
        return Ok(());
    }
    let would = call.consequence(acting)?;
    Err(Refusal::from(Unconfirmed(would)).into())
}
