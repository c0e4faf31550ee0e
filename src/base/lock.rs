//! Locks that ignore poison, and one that a forked child never waits for.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use super::process::Process;

/// Locks, also after a thread has panicked with the lock held: for state that is valid after every
/// statement under the lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A lock that a forked child never waits for: a thread of the parent may have held it at the fork, and
/// no thread of the child will ever release it.
#[derive(Debug)]
pub(crate) struct ForkLock<T> {
    value: Mutex<T>,
    owner: Process,
}

impl<T: Default> Default for ForkLock<T> {
    fn default() -> Self {
        Self {
            value: Mutex::default(),
            owner: Process::current(),
        }
    }
}

impl<T> ForkLock<T> {
    /// Locks; `None` in a forked child that finds the lock held. The process id, whose system call costs
    /// more than an uncontended lock, is asked for only then.
    pub(crate) fn lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.value.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if self.owner.is_forked() => None,
            Err(TryLockError::WouldBlock) => Some(lock(&self.value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_poisoned_lock_opens() {
        let shared = Arc::new(ForkLock::<u32>::default());
        let panicking = Arc::clone(&shared);
        let panicked = std::thread::spawn(move || {
            let mut guard = panicking.lock().unwrap();
            *guard = 7;
            panic!("with the lock held");
        })
        .join();
        assert!(panicked.is_err());
        assert_eq!(shared.lock().as_deref(), Some(&7));
    }

    #[test]
    fn only_a_child_does_not_wait_for_a_held_lock() {
        let inherited = ForkLock {
            owner: Process::other(),
            ..ForkLock::<u32>::default()
        };
        let held = inherited.lock();
        assert!(held.is_some(), "free: taken in a child, too");
        std::thread::scope(|scope| {
            let child = scope.spawn(|| inherited.lock().is_none());
            assert!(child.join().unwrap(), "held: not waited for");
        });
    }

    #[test]
    fn the_owner_waits() {
        let shared = ForkLock::<u32>::default();
        let held = shared.lock();
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| *shared.lock().unwrap());
            if let Some(mut value) = held {
                *value = 3;
            }
            assert_eq!(waits.join().unwrap(), 3);
        });
    }
}
