//! The logins reported lately, each once.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Mutex;
use std::time::Instant;

use super::login::{LOGIN_MEMORY, MAX_LOGINS};
use super::pipeline::Core;
use crate::base::random;

/// The logins reported lately.
#[derive(Default)]
pub(crate) struct Logins(Mutex<Seen>);

#[derive(Default)]
pub(crate) struct Seen {
    at: HashMap<u64, Instant, random::Keyed>,
    /// The same in their order, oldest first.
    order: VecDeque<(u64, Instant)>,
}

impl Seen {
    fn note(&mut self, login: u64, now: Instant) -> bool {
        if let Some(&at) = self.at.get(&login)
            && now.saturating_duration_since(at) < LOGIN_MEMORY
        {
            return false;
        }
        self.at.insert(login, now);
        self.order.push_back((login, now));
        self.forget(now);
        true
    }

    fn take_back(&mut self, login: u64) {
        self.at.remove(&login);
    }

    fn forget(&mut self, now: Instant) {
        while let Some(&(login, at)) = self.order.front() {
            if self.order.len() <= MAX_LOGINS && now.saturating_duration_since(at) < LOGIN_MEMORY {
                break;
            }
            self.order.pop_front();
            if self.at.get(&login) == Some(&at) {
                self.at.remove(&login);
            }
        }
    }
}

impl Logins {
    /// Notes a login unless it is known; `true` when it is new.
    pub(super) fn note(&self, core: &Core, login: u64, now: Instant) -> bool {
        core.lock(&self.0)
            .is_some_and(|mut seen| seen.note(login, now))
    }

    /// Takes a note back: what it stood for was not queued.
    pub(super) fn forget(&self, core: &Core, login: u64) {
        if let Some(mut seen) = core.lock(&self.0) {
            seen.take_back(login);
        }
    }
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Logins")
    }
}
