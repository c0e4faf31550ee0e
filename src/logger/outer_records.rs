//! Leaves one record of a request that passes two integrations of the same logger.

use std::sync::{Arc, Weak};

use super::handle::Handle;

/// A record that is given up where an integration further within, which knows more, makes one.
pub(crate) trait GivesWay: Send + Sync {
    fn give_way(&self);
}

/// The records that integrations outside of the server make of a request, each with its logger. Travels with the
/// request.
#[derive(Clone, Default)]
pub(crate) struct OuterRecords(Vec<(Weak<Handle>, Weak<dyn GivesWay>)>);

impl OuterRecords {
    /// Adds a record.
    pub(crate) fn push(&mut self, handle: &Arc<Handle>, record: Weak<dyn GivesWay>) {
        self.0.push((Arc::downgrade(handle), record));
    }

    /// Takes over what is recorded for a logger. Records for other loggers go on.
    pub(crate) fn take_over(&self, handle: &Arc<Handle>) {
        for (of, record) in &self.0 {
            if of.as_ptr() == Arc::as_ptr(handle)
                && let Some(record) = record.upgrade()
            {
                record.give_way();
            }
        }
    }
}
