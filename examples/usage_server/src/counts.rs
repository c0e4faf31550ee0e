//! What the server counts for its operator: no names, no ids.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::ingest::Wire;

#[derive(Debug, Default)]
pub struct Counts {
    requests: Mutex<BTreeMap<(Wire, u16), u64>>,
}

impl Counts {
    /// Counts a request to the ingest by the status of its answer.
    pub fn request(&self, wire: Wire, status: u16) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((wire, status)).or_default() += 1;
    }

    pub fn requests(&self) -> BTreeMap<(Wire, u16), u64> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.clone()
    }
}
