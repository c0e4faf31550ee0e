//! What every kind of event may say.

use std::borrow::Cow;
use std::time::SystemTime;

use super::client::{ClientClass, Era};
use super::identity::Identity;
use super::session::Session;
use crate::capture::Content;

/// A text that is borrowed until `log_usage` returns, or owned.
pub(crate) type Text<'a> = Cow<'a, str>;

/// What any event may carry.
#[derive(Default)]
pub(crate) struct Facts<'a> {
    pub(crate) event_id: Option<i64>,
    pub(crate) event_at: Option<SystemTime>,
    pub(crate) identity: Option<Identity<'a>>,
    pub(crate) email: Option<Text<'a>>,
    pub(crate) product_id: Option<Text<'a>>,
    pub(crate) source: Option<Text<'a>>,
    pub(crate) environment: Option<Text<'a>>,
    pub(crate) user_agent: Option<Text<'a>>,
    pub(crate) ip_addr: Option<Text<'a>>,
    pub(crate) session: Session<'a>,
    pub(crate) era: Option<Era>,
    pub(crate) client_class: Option<ClientClass>,
    pub(crate) traceparent: Option<Text<'a>>,
    /// Custom keys.
    pub(crate) meta: Vec<(Text<'a>, Content<'a>)>,
}
