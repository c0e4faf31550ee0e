//! Lets a tool add to the event of the call under way.

use std::fmt;
use std::sync::Arc;

use crate::logger::{CallGuard, OpenCall};

/// Adds keys to the event of the current call, from inside the tool: the step that refused it, or how much it found.
///
/// A tool of an instrumented server finds it in the extensions of the call's request. It has no effect if the logger is off,
/// and after the call has ended.
///
/// ```
/// use mcp_usage::rmcp::CallMeta;
/// # use rmcp::RoleServer;
/// # use rmcp::service::RequestContext;
///
/// fn refuse(context: &RequestContext<RoleServer>) {
///     if let Some(meta) = context.extensions.get::<CallMeta>() {
///         meta.set("refused", &"forbidden:scope");
///     }
/// }
/// ```
#[derive(Clone)]
pub struct CallMeta {
    call: Option<Arc<OpenCall>>,
}

impl CallMeta {
    /// Returns a handle that adds to no event, for a logger that is off.
    pub(super) const fn of_no_call() -> Self {
        Self { call: None }
    }

    /// Returns what adds to the record of a call.
    pub(super) fn of(guard: &CallGuard) -> Self {
        Self {
            call: guard.open_call(),
        }
    }

    /// Sets a key of your own in `meta`, as [`ToolCall::meta`](crate::ToolCall::meta), captured now. The last value of a key
    /// is sent.
    pub fn set<T: serde::Serialize + Sync>(&self, key: impl Into<String>, value: &T) {
        if let Some(call) = &self.call {
            call.set_meta(key.into(), value);
        }
    }
}

impl fmt::Debug for CallMeta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallMeta")
    }
}
