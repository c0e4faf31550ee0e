//! A bounded map of the latest values.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::sync::Mutex;

use super::lock::lock;
use super::random::Keyed;

/// How many values in use are passed over for one that is not: a new one is not to wait for all of them.
const MAX_PASSED_OVER: usize = 16;

/// The latest values, each under a hash of its key; the oldest that is not in use is forgotten first.
///
/// The hash stands for the key, which is not kept: it may be a credential, as a session's id is.
#[derive(Debug)]
pub(crate) struct Recent<T>(Mutex<FifoMap<T>>);

#[derive(Debug)]
struct FifoMap<T> {
    values: HashMap<u64, Entry<T>, Keyed>,
    order: VecDeque<u64>,
    max_entries: usize,
}

#[derive(Debug)]
struct Entry<T> {
    value: T,
    /// It was asked for, or set again, since its turn to be forgotten came last.
    is_used: bool,
}

impl<T: Clone> Recent<T> {
    pub(crate) fn new(max_entries: usize) -> Self {
        Self(Mutex::new(FifoMap {
            values: HashMap::default(),
            order: VecDeque::new(),
            max_entries,
        }))
    }

    pub(crate) fn get(&self, key: impl Hash) -> Option<T> {
        let mut entries = lock(&self.0);
        let entry = entries.values.get_mut(&hash(key))?;
        entry.is_used = true;
        Some(entry.value.clone())
    }

    /// Sets the value of a key; returns whether there was none.
    pub(crate) fn put(&self, key: impl Hash, value: T) -> bool {
        let key = hash(key);
        let mut entries = lock(&self.0);
        if let Some(entry) = entries.values.get_mut(&key) {
            *entry = Entry {
                value,
                is_used: true,
            };
            return false;
        }
        entries.make_room();
        let is_used = false;
        entries.values.insert(key, Entry { value, is_used });
        entries.order.push_back(key);
        true
    }

    /// Forgets a key.
    pub(crate) fn remove(&self, key: impl Hash) {
        let key = hash(key);
        let mut entries = lock(&self.0);
        if entries.values.remove(&key).is_some() {
            entries.order.retain(|known| *known != key);
        }
    }
}

impl<T> FifoMap<T> {
    /// Forgets the oldest where there is no room for one more; what is in use has another turn.
    fn make_room(&mut self) {
        let mut passed_over = 0;
        while self.order.len() >= self.max_entries
            && let Some(oldest) = self.order.pop_front()
        {
            match self.values.get_mut(&oldest) {
                Some(entry) if entry.is_used && passed_over < MAX_PASSED_OVER => {
                    passed_over += 1;
                    entry.is_used = false;
                    self.order.push_back(oldest);
                }
                _ => {
                    self.values.remove(&oldest);
                }
            }
        }
    }
}

fn hash(key: impl Hash) -> u64 {
    Keyed::default().hash_one(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_is_bounded() {
        let recent = Recent::new(100);
        for key in 0..110_u64 {
            assert!(recent.put(key, key));
        }
        for key in 10..110_u64 {
            assert!(!recent.put(key, key));
        }
        let entries = lock(&recent.0);
        assert_eq!((entries.values.len(), entries.order.len()), (100, 100));
        drop(entries);
        assert_eq!((recent.get(9_u64), recent.get(10_u64)), (None, Some(10)));
        recent.remove(9_u64);
        recent.remove(10_u64);
        let entries = lock(&recent.0);
        assert_eq!((entries.values.len(), entries.order.len()), (99, 99));
    }

    #[test]
    fn what_is_in_use_is_kept() {
        let recent = Recent::new(100);
        for key in 0..1_000_u64 {
            recent.put(key, key);
            assert_eq!(recent.get(0_u64), Some(0));
        }
        assert_eq!((recent.get(1_u64), recent.get(999_u64)), (None, Some(999)));
    }
}
