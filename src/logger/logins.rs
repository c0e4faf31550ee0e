//! The logins reported lately, each once.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::base::lock::ForkLock;
use crate::base::random;

/// How long a login is remembered; after that the same login is reported again.
pub const LOGIN_MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// The most logins remembered at a time; beyond that the oldest is forgotten, and reported again when it
/// recurs.
pub const MAX_LOGINS: usize = 10_000;

/// The logins reported lately.
#[derive(Default)]
pub(super) struct Logins(ForkLock<Seen>);

#[derive(Default)]
struct Seen {
    at: HashMap<u64, Instant, random::Keyed>,
    /// The same logins, oldest first. A login that was taken back stays here until its turn.
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
        self.forget_oldest(now);
        true
    }

    fn take_back(&mut self, login: u64) {
        self.at.remove(&login);
    }

    fn forget_oldest(&mut self, now: Instant) {
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
    pub(super) fn note(&self, login: u64, now: Instant) -> bool {
        self.0.lock().is_some_and(|mut seen| seen.note(login, now))
    }

    /// Takes a note back: the event of the login was not queued.
    pub(super) fn take_back(&self, login: u64) {
        if let Some(mut seen) = self.0.lock() {
            seen.take_back(login);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_new_once_a_day() {
        let mut seen = Seen::default();
        let start = Instant::now();
        assert!(seen.note(1, start));
        assert!(!seen.note(1, start + LOGIN_MEMORY - Duration::from_secs(1)));
        assert!(seen.note(2, start));
        assert!(seen.note(1, start + LOGIN_MEMORY));
        assert!(!seen.note(1, start + LOGIN_MEMORY));
    }

    #[test]
    fn a_login_that_was_not_queued_is_new_again() {
        let mut seen = Seen::default();
        let now = Instant::now();
        assert!(seen.note(1, now));
        seen.take_back(1);
        assert!(seen.note(1, now));
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut seen = Seen::default();
        let now = Instant::now();
        for login in 0..MAX_LOGINS as u64 + 50 {
            assert!(seen.note(login, now));
        }
        assert_eq!(seen.at.len(), MAX_LOGINS);
        assert_eq!(seen.order.len(), MAX_LOGINS);
    }
}
