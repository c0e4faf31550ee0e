//! The calls under way, which a shutdown ends.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::guard::OpenCall;
use super::pipeline::Core;
use crate::event::CallOutcome;

/// The calls under way.
#[derive(Default)]
pub(crate) struct OpenCalls(Mutex<Table>);

#[derive(Default)]
pub(crate) struct Table {
    calls: Vec<Option<Arc<OpenCall>>>,
    free: Vec<usize>,
}

impl OpenCalls {
    pub(super) fn add(&self, core: &Core, call: Arc<OpenCall>) -> Option<usize> {
        let mut table = core.lock(&self.0)?;
        if let Some(at) = table.free.pop()
            && let Some(slot) = table.calls.get_mut(at)
        {
            *slot = Some(call);
            return Some(at);
        }
        table.calls.push(Some(call));
        Some(table.calls.len() - 1)
    }

    pub(super) fn remove(&self, core: &Core, at: usize, call: &Arc<OpenCall>) {
        let Some(mut table) = core.lock(&self.0) else {
            return;
        };
        // After a shutdown the slot may be another's.
        let slot = table.calls.get_mut(at);
        let own = slot.filter(|slot| slot.as_ref().is_some_and(|held| Arc::ptr_eq(held, call)));
        if own.and_then(Option::take).is_some() {
            table.free.push(at);
        }
    }

    /// Records all calls under way as dropped.
    pub(crate) fn end_all(&self, core: &Arc<Core>) {
        let table = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for call in table.calls.into_iter().flatten() {
            if let Some(record) = call.take() {
                call.log(core, record, CallOutcome::Dropped);
            }
        }
    }
}

impl fmt::Debug for OpenCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenCalls")
    }
}
