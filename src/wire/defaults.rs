//! What an event gets that does not say otherwise.

use super::naming::Names;
use crate::capture::{Captured, Constant};
use crate::event::{Identity, Session};

/// What an event gets that does not say otherwise.
#[derive(Debug)]
pub(crate) struct Defaults {
    pub(crate) identity: Option<Identity<'static>>,
    pub(crate) names: Names,
    pub(crate) product_id: Option<Constant>,
    pub(crate) source: Constant,
    pub(crate) environment: Constant,
    pub(crate) user_agent: Constant,
    pub(crate) ip_addr: Option<Constant>,
    pub(crate) session: Session<'static>,
    /// JSON within the limits; redacted with each event.
    pub(crate) meta: Vec<(String, Captured)>,
}
