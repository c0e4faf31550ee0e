//! The open calls, which a shutdown ends.

use std::ptr;
use std::sync::Arc;

use crate::base::lock::ForkLock;

/// A call that a shutdown records as dropped.
pub(super) trait EndsAtShutdown: Send + Sync {
    fn end(&self);
}

#[derive(Default)]
pub(super) struct OpenCalls(ForkLock<Table>);

#[derive(Default)]
struct Table {
    calls: Vec<Option<Arc<dyn EndsAtShutdown>>>,
    free: Vec<usize>,
}

impl OpenCalls {
    /// Adds a call; returns its place, or `None` in a forked child that must not wait for the lock.
    pub(super) fn add(&self, call: Arc<dyn EndsAtShutdown>) -> Option<usize> {
        let mut table = self.0.lock()?;
        if let Some(at) = table.free.pop()
            && let Some(place) = table.calls.get_mut(at)
        {
            *place = Some(call);
            return Some(at);
        }
        table.calls.push(Some(call));
        Some(table.calls.len() - 1)
    }

    /// Removes a call, unless its place is another's by now, as after a shutdown.
    pub(super) fn remove<C>(&self, at: usize, call: &Arc<C>) {
        let Some(mut table) = self.0.lock() else {
            return;
        };
        let place = table.calls.get_mut(at).filter(|place| {
            let held = place.as_ref().map(Arc::as_ptr);
            held.is_some_and(|held| ptr::addr_eq(held, Arc::as_ptr(call)))
        });
        if place.and_then(Option::take).is_some() {
            table.free.push(at);
        }
    }

    /// Ends all open calls.
    pub(super) fn end_all(&self) {
        let table = self.0.lock().map(|mut table| std::mem::take(&mut *table));
        for call in table.unwrap_or_default().calls.into_iter().flatten() {
            call.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use super::*;

    #[derive(Default)]
    struct Call(AtomicU32);

    impl EndsAtShutdown for Call {
        fn end(&self) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn a_place_is_used_again() {
        let calls = OpenCalls::default();
        let [first, second, third] = [(); 3].map(|()| Arc::new(Call::default()));
        assert_eq!(calls.add(first.clone()), Some(0));
        assert_eq!(calls.add(second), Some(1));
        calls.remove(0, &first);
        assert_eq!(calls.add(third), Some(0));
    }

    #[test]
    fn a_shutdown_ends_each_call_once_and_only_those_that_are_open() {
        let calls = OpenCalls::default();
        let [open, closed] = [(); 2].map(|()| Arc::new(Call::default()));
        calls.add(open.clone());
        let at = calls.add(closed.clone()).unwrap();
        calls.remove(at, &closed);
        calls.end_all();
        calls.end_all();
        assert_eq!((open.0.load(Relaxed), closed.0.load(Relaxed)), (1, 0));
    }

    #[test]
    fn a_call_of_before_a_shutdown_does_not_remove_one_of_after() {
        let calls = OpenCalls::default();
        let [before, after] = [(); 2].map(|()| Arc::new(Call::default()));
        let at = calls.add(before.clone()).unwrap();
        calls.end_all();
        assert_eq!(calls.add(after.clone()), Some(at));
        calls.remove(at, &before);
        calls.end_all();
        assert_eq!(after.0.load(Relaxed), 1);
    }
}
