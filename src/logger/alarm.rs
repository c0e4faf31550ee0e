//! Wakes the tasks that wait for the worker at a deadline, even while the worker is blocked: by a subscriber,
//! a hook or a callback of the host, or by a stderr that nobody reads.
//!
//! A thread does this. It exists only while an alarm is set.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, PoisonError};
use std::task::Waker;
use std::time::Instant;

use crate::base::lock::ForkLock;
use crate::base::{panics, threads};

/// The alarms that are set, by time.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    set: ForkLock<Set>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Set {
    wakers: BTreeMap<(Instant, u64), Waker>,
    next: u64,
    has_thread: bool,
}

/// One alarm, which ends when it is dropped.
#[derive(Debug)]
pub(super) struct Alarm {
    alarms: Arc<Alarms>,
    at: Instant,
    /// Distinguishes it from others of the same time, once it is set.
    number: Option<u64>,
}

impl Alarm {
    pub(super) fn new(alarms: &Arc<Alarms>, at: Instant) -> Self {
        Self {
            alarms: Arc::clone(alarms),
            at,
            number: None,
        }
    }

    /// Has `waker` woken at the time, in place of the one before. Does nothing in a forked child, which
    /// has no worker to wait for.
    pub(super) fn set(&mut self, waker: &Waker) {
        let waker = waker.clone();
        let Some(mut set) = self.alarms.set.lock() else {
            return;
        };
        let number = *self.number.get_or_insert(set.next);
        set.next = set.next.max(number + 1);
        let before = set.wakers.insert((self.at, number), waker);
        if set.has_thread {
            self.alarms.changed.notify_one();
        } else {
            let alarms = Arc::clone(&self.alarms);
            // Where there is no thread to be had, the worker's own answer is waited for.
            set.has_thread = threads::spawn("mcp-usage-alarm", move || alarms.ring()).is_ok();
        }
        drop(set);
        // A waker is the host's code, so none is dropped under the lock.
        drop(before);
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let Some(number) = self.number else {
            return;
        };
        if let Some(mut set) = self.alarms.set.lock() {
            let waker = set.wakers.remove(&(self.at, number));
            if set.wakers.is_empty() {
                self.alarms.changed.notify_one();
            }
            drop(set);
            drop(waker);
        }
    }
}

impl Alarms {
    /// Wakes the tasks whose time has come, until no alarm is set.
    fn ring(&self) {
        let Some(mut set) = self.set.lock() else {
            return;
        };
        while let Some(&(next, _)) = set.wakers.keys().next() {
            let left = next.saturating_duration_since(Instant::now());
            set = if left.is_zero() {
                let rung = set.wakers.pop_first();
                drop(set);
                let _ = panics::catch(|| rung.map(|(_, waker)| waker.wake()));
                match self.set.lock() {
                    Some(set) => set,
                    None => return,
                }
            } else {
                let waited = self.changed.wait_timeout(set, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            };
        }
        set.has_thread = false;
    }
}
