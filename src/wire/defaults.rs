//! What an event gets where it says nothing of its own.

use super::naming::IdentityPolicy;
use super::session_ids::{SessionHasher, SessionIds};
use crate::capture::{Captured, Constant};
use crate::event::{Identity, Session};

/// What an event gets where it says nothing of its own.
#[derive(Debug)]
pub(crate) struct Defaults {
    pub(crate) identity: Option<Identity<'static>>,
    pub(crate) identity_policy: IdentityPolicy,
    pub(crate) product_id: Option<Constant>,
    pub(crate) source: Constant,
    pub(crate) environment: Constant,
    pub(crate) user_agent: Constant,
    pub(crate) ip_addr: Option<Constant>,
    pub(crate) session: Session<'static>,
    pub(crate) session_ids: SessionIds,
    pub(crate) session_hasher: SessionHasher,
    /// JSON within the limits; redacted with each event.
    pub(crate) meta: Vec<(String, Captured)>,
}

#[cfg(test)]
impl Defaults {
    /// Defaults that say nothing but what a wire cannot do without.
    pub(super) fn for_tests() -> Self {
        let constant = || Constant::new("constant".to_owned(), &crate::redact::Redactor::default());
        Self {
            identity: None,
            identity_policy: IdentityPolicy::default(),
            product_id: None,
            source: constant(),
            environment: constant(),
            user_agent: constant(),
            ip_addr: None,
            session: Session::new(),
            session_ids: SessionIds::default(),
            session_hasher: SessionHasher::new("p", None),
            meta: Vec::new(),
        }
    }
}
