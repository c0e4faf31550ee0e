//! What is wrong with a body, and where.

use std::fmt;

use crate::base::causes::debug_with_causes;

/// What is wrong with a body, and where.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The path of the offending field, such as `payload[3].event_id`; `body` for the whole.
    pub field: String,
    /// What is wrong with it. Says nothing of the value but its type or length, so that it can go into a log.
    pub reason: String,
}

impl Violation {
    pub(crate) fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

impl std::error::Error for Violation {}

debug_with_causes!(Violation);
