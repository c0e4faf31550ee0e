//! A bounded map of the latest values.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::sync::Mutex;

use super::lock::lock;
use super::random::Keyed;

/// The latest values, each under a hash of its key; the oldest is forgotten first.
///
/// The hash stands for the key, which is not kept: it may be a credential, as a session's id is.
#[derive(Debug)]
pub(crate) struct Recent<T>(Mutex<FifoMap<T>>);

#[derive(Debug)]
struct FifoMap<T> {
    values: HashMap<u64, T, Keyed>,
    order: VecDeque<u64>,
    max_entries: usize,
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
        lock(&self.0).values.get(&hash(key)).cloned()
    }

    /// Sets the value of a key; returns whether there was none.
    pub(crate) fn put(&self, key: impl Hash, value: T) -> bool {
        let key = hash(key);
        let mut entries = lock(&self.0);
        let is_new = entries.values.insert(key, value).is_none();
        if is_new {
            entries.order.push_back(key);
            if entries.order.len() > entries.max_entries
                && let Some(oldest) = entries.order.pop_front()
            {
                entries.values.remove(&oldest);
            }
        }
        is_new
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
}
