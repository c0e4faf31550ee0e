//! Which loggers record a request: a server may be instrumented more than once.

use std::sync::{Arc, Weak};

use ::rmcp::RoleServer;
use ::rmcp::service::RequestContext;
use smallvec::SmallVec;

use crate::logger::Handle;

/// Travels with a request from one instrumentation to the inner one, so that each logger records it once.
#[derive(Clone, Default)]
pub(super) struct RecordedBy {
    /// Nearly always one: no memory of its own saves an allocation for each request.
    loggers: SmallVec<[Weak<Handle>; 1]>,
    /// No client has made the request, so nobody records it.
    is_internal: bool,
}

impl RecordedBy {
    /// Notes that a logger records a request; `false` if it must not, or already does.
    pub(super) fn note(context: &mut RequestContext<RoleServer>, by: &Arc<Handle>) -> bool {
        let noted = context.extensions.get_or_insert_default::<Self>();
        let is_new = !noted.is_internal
            && !noted
                .loggers
                .iter()
                .any(|known| known.as_ptr() == Arc::as_ptr(by));
        if is_new {
            noted.loggers.push(Arc::downgrade(by));
        }
        is_new
    }

    /// Notes that an instrumentation itself makes a request.
    pub(super) fn note_internal(context: &mut RequestContext<RoleServer>) {
        context.extensions.insert(Self {
            loggers: SmallVec::new(),
            is_internal: true,
        });
    }
}
