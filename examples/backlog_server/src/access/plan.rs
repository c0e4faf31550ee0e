//! The owner's plan allows the call.

use crate::access::Effect;
use crate::store::words::words;

words! {
    /// What an owner pays for.
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

    /// Returns how many calls a day there are, from 00:00 UTC on, over all the owner's projects.
    #[must_use]
    pub const fn calls_per_day(self) -> i64 {
        match self {
            Self::Free => 25,
            Self::Pro => 300,
            Self::Business => 3_000,
        }
    }
}

/// The plan allows reading alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("on the owner's plan, {}, agents can read but change nothing", .0.as_str())]
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
