//! The owner's plan allows the call.

use crate::access::Effect;
use crate::store::users::Plan;

/// The plan allows reading alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("on the owner's plan, {0}, agents can only read")]
pub struct ReadsOnly(pub Plan);

/// # Errors
///
/// When the plan does not allow what the tool does.
pub fn check(plan: Plan, effect: Effect) -> Result<(), ReadsOnly> {
    if plan.allows_writes() || effect == Effect::Reads {
        Ok(())
    } else {
        Err(ReadsOnly(plan))
    }
}
