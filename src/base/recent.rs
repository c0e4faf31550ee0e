//! A bounded memory of what came last.

use std::collections::{HashMap, VecDeque};

use super::random::Keyed;

/// The latest of a kind, by hash; the oldest is forgotten first.
#[derive(Debug)]
pub(crate) struct Recent<T> {
    values: HashMap<u64, T, Keyed>,
    order: VecDeque<u64>,
    most: usize,
}

impl<T: Clone> Recent<T> {
    /// Remembers at most so many.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            values: HashMap::default(),
            order: VecDeque::new(),
            most,
        }
    }

    pub(crate) fn get(&self, key: u64) -> Option<T> {
        self.values.get(&key).cloned()
    }

    pub(crate) fn put(&mut self, key: u64, value: T) {
        if self.values.insert(key, value).is_none() {
            self.order.push_back(key);
            if self.order.len() > self.most
                && let Some(oldest) = self.order.pop_front()
            {
                self.values.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut recent = Recent::new(100);
        for key in 0..110_u64 {
            recent.put(key, key);
            recent.put(key, key);
        }
        assert_eq!((recent.values.len(), recent.order.len()), (100, 100));
        assert_eq!((recent.get(9), recent.get(10)), (None, Some(10)));
    }
}
