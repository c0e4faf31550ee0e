//! How many connections there are, of all and of one peer.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Descriptors that are no connections: the database's files, the listener, the runtime's own.
#[cfg(unix)]
const OTHER_FILES: u64 = 64;

/// So many connections as the process may have files for.
#[cfg(unix)]
pub(super) fn within_files(wanted: usize) -> usize {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let Some(files) = files.current else {
        return wanted;
    };
    let most = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
    if most < wanted {
        tracing::warn!(
            "`ulimit -n` is {files}: {most} connections are open at a time, not {wanted}"
        );
    }
    wanted.min(most.max(1))
}

#[cfg(not(unix))]
pub(super) const fn within_files(wanted: usize) -> usize {
    wanted
}

/// The connections of each peer.
#[derive(Debug, Clone, Default)]
pub(super) struct Peers(Arc<Mutex<HashMap<IpAddr, usize>>>);

impl Peers {
    /// A place for one connection more, unless the peer has as many as it may.
    pub(super) fn enter(&self, peer: IpAddr, most: usize) -> Option<Place> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(peer).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Place {
            peers: self.clone(),
            peer,
        })
    }
}

/// Given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    peers: Peers,
    peer: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.peers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_so_many_places_and_others_have_theirs() {
        let peers = Peers::default();
        let [one, other] = ["192.0.2.1", "2001:db8::1"].map(|ip| ip.parse().unwrap());
        let (first, second) = (peers.enter(one, 2), peers.enter(one, 2));
        assert!(first.is_some() && second.is_some());
        assert!(peers.enter(one, 2).is_none());
        let theirs = peers.enter(other, 2);
        assert!(theirs.is_some());
        drop(first);
        assert!(peers.enter(one, 2).is_some());
        drop((second, theirs));
        assert!(peers.0.lock().unwrap().is_empty());
    }
}
