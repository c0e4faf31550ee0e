//! The calls under way, which a shutdown ends.

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::time::{Duration, Instant};

use crate::base::lock::ForkLock;

/// How often a shutdown looks whether the calls that end beside it have ended, which takes microseconds.
const LOOK: Duration = Duration::from_micros(100);

/// A call that a shutdown records as dropped.
pub(crate) trait EndsAtShutdown: Send + Sync {
    fn end(&self);
}

#[derive(Default)]
pub(crate) struct OpenCalls {
    table: ForkLock<Table>,
    /// Calls out of the table that may not be recorded yet. Raised under the table's lock.
    ending: AtomicUsize,
}

#[derive(Default)]
struct Table {
    calls: Vec<Option<Arc<dyn EndsAtShutdown>>>,
    free: Vec<usize>,
    /// A shutdown has taken the calls; what begins now is too late.
    is_closed: bool,
}

/// A call is recorded now: until this is dropped, a shutdown waits for its event.
#[must_use = "a shutdown waits only while it lives"]
pub(crate) struct Ending<'a>(&'a AtomicUsize);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, AcqRel);
    }
}

impl OpenCalls {
    /// Adds a call; returns its place: `None` after a shutdown, and in a forked child that must not wait for the lock.
    pub(crate) fn add(&self, call: Arc<dyn EndsAtShutdown>) -> Option<usize> {
        let mut table = self.table.lock().filter(|table| !table.is_closed)?;
        if let Some(at) = table.free.pop()
            && let Some(place) = table.calls.get_mut(at)
        {
            *place = Some(call);
            return Some(at);
        }
        table.calls.push(Some(call));
        Some(table.calls.len() - 1)
    }

    /// Takes a call out to record it, unless a shutdown has taken it and may still be recording it.
    pub(crate) fn begin_end<C>(&self, at: Option<usize>, call: &Arc<C>) -> Option<Ending<'_>> {
        let at = at?;
        let mut table = self.table.lock()?;
        let ending = self.ending();
        let place = table.calls.get_mut(at).filter(|place| {
            let held = place.as_ref().map(Arc::as_ptr);
            held.is_some_and(|held| ptr::addr_eq(held, Arc::as_ptr(call)))
        });
        if place.and_then(Option::take).is_some() {
            table.free.push(at);
        }
        Some(ending)
    }

    fn ending(&self) -> Ending<'_> {
        self.ending.fetch_add(1, Relaxed);
        Ending(&self.ending)
    }

    /// Ends all open calls, and waits until those that other threads end meanwhile are recorded, too. One that takes
    /// longer than `patience` is not waited for: its consent hook may be what shuts down. Returns how long that took.
    pub(super) fn end_all(&self, patience: Duration) -> Duration {
        let Some(mut table) = self.table.lock() else {
            return Duration::ZERO;
        };
        table.is_closed = true;
        let open = std::mem::take(&mut table.calls);
        let ending = self.ending();
        drop(table);
        for call in open.into_iter().flatten() {
            call.end();
        }
        drop(ending);
        // On the system's clock, since this wait is for threads and not for the worker.
        let started = Instant::now();
        while self.ending.load(Acquire) > 0 && started.elapsed() < patience {
            std::thread::sleep(LOOK);
        }
        started.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::sync::mpsc;

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
        drop(calls.begin_end(Some(0), &first));
        assert_eq!(calls.add(third), Some(0));
    }

    #[test]
    fn a_shutdown_ends_each_call_once_and_only_those_that_are_open() {
        let calls = OpenCalls::default();
        let [open, closed] = [(); 2].map(|()| Arc::new(Call::default()));
        calls.add(open.clone());
        let at = calls.add(closed.clone()).unwrap();
        drop(calls.begin_end(Some(at), &closed));
        calls.end_all(Duration::ZERO);
        calls.end_all(Duration::ZERO);
        assert_eq!((open.0.load(Relaxed), closed.0.load(Relaxed)), (1, 0));
    }

    #[test]
    fn a_call_that_begins_after_a_shutdown_has_no_place() {
        let calls = OpenCalls::default();
        let [before, after] = [(); 2].map(|()| Arc::new(Call::default()));
        let at = calls.add(before.clone()).unwrap();
        calls.end_all(Duration::ZERO);
        assert_eq!(calls.add(after.clone()), None);
        assert!(calls.begin_end(Some(at), &before).is_some());
        calls.end_all(Duration::ZERO);
        assert_eq!(after.0.load(Relaxed), 0);
    }

    /// A call that takes until it is told to end.
    struct Slow(mpsc::Sender<()>, std::sync::Mutex<mpsc::Receiver<()>>);

    impl EndsAtShutdown for Slow {
        fn end(&self) {
            self.0.send(()).unwrap();
            self.1.lock().unwrap().recv().unwrap();
        }
    }

    const LONG: Duration = Duration::from_secs(60);

    /// Whether a shutdown that begins now waits for what `end` lets end.
    fn waits(calls: &OpenCalls, end: impl FnOnce()) {
        std::thread::scope(|scope| {
            let (sender, ended) = mpsc::channel();
            scope.spawn(move || {
                calls.end_all(LONG);
                sender.send(()).unwrap();
            });
            let early = ended.recv_timeout(Duration::from_millis(50));
            assert_eq!(early, Err(mpsc::RecvTimeoutError::Timeout));
            end();
            assert_eq!(ended.recv_timeout(LONG), Ok(()));
        });
    }

    #[test]
    fn a_shutdown_waits_for_a_call_that_another_thread_ends() {
        let calls = OpenCalls::default();
        let call = Arc::new(Call::default());
        let at = calls.add(call.clone()).unwrap();
        let ending = calls.begin_end(Some(at), &call);
        waits(&calls, || drop(ending));
        assert_eq!(call.0.load(Relaxed), 0);
    }

    #[test]
    fn a_shutdown_waits_for_the_calls_that_another_shutdown_ends() {
        let calls = &OpenCalls::default();
        let (begun, begins) = mpsc::channel();
        let (lets, is_let) = mpsc::channel();
        calls.add(Arc::new(Slow(begun, is_let.into())));
        std::thread::scope(|scope| {
            scope.spawn(|| calls.end_all(Duration::ZERO));
            begins.recv().unwrap();
            waits(calls, || lets.send(()).unwrap());
        });
    }

    #[test]
    fn a_call_that_does_not_end_is_not_waited_for_beyond_the_patience() {
        let calls = OpenCalls::default();
        let call = Arc::new(Call::default());
        let at = calls.add(call.clone()).unwrap();
        let _ending = calls.begin_end(Some(at), &call);
        calls.end_all(Duration::from_millis(1));
    }
}
