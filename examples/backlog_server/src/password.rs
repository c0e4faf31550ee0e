//! Passwords: kept as Argon2id hashes, and guessed at slowly.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use sha2::{Digest, Sha256};

use crate::source::Source;
use crate::turns::{PATIENCE, Turns};

/// Tries for one e-mail address: so many at once, and then one each [`TRY_EVERY`].
pub const TRIES: NonZeroU32 = NonZeroU32::new(10).unwrap();
pub const TRY_EVERY: Duration = Duration::from_secs(30);
/// Checks at a time. Each takes 19 MiB and most of a core for some 20 ms.
const AT_A_TIME: usize = 2;

/// A hash that no password has, checked where there is no such user: the time tells nobody which.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyBpdA$\
                      MRWYVq0w9dBPQ1qpTV0fO6AQ0ZtnVwJ6VCQPbO1bJwY";

/// Why a password was not even looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotChecked {
    #[error(
        "Too many attempts for this e-mail address. Try again in {} seconds.",
        TRY_EVERY.as_secs()
    )]
    TooManyTries,
    #[error("Too many people are signing in right now. Try again in a moment.")]
    Busy,
}

impl NotChecked {
    /// Returns after how long to try again.
    #[must_use]
    pub const fn retry_after(self) -> Duration {
        match self {
            Self::TooManyTries => TRY_EVERY,
            // What waits now has had its turn by then, or has been refused.
            Self::Busy => PATIENCE,
        }
    }
}

/// Checks passwords within a bound of cost and of tries.
#[derive(Debug)]
pub struct Passwords {
    /// By two bytes of the address's hash: bounded however many addresses are made up.
    tries: Arc<DefaultKeyedRateLimiter<[u8; 2]>>,
    turns: Turns,
}

impl Default for Passwords {
    fn default() -> Self {
        let quota = Quota::with_period(TRY_EVERY).unwrap_or(Quota::per_minute(TRIES));
        Self {
            tries: Arc::new(RateLimiter::keyed(quota.allow_burst(TRIES))),
            turns: Turns::new(AT_A_TIME),
        }
    }
}

impl Passwords {
    /// Says whether a password is the one behind a stored hash; without a hash it is not, after
    /// the same time.
    ///
    /// # Errors
    ///
    /// When there were too many tries for the address, or too many at once from this source or for this machine.
    pub async fn check(
        &self,
        source: Source,
        email: &str,
        password: String,
        stored: Option<String>,
    ) -> Result<bool, NotChecked> {
        let [first, second, ..] =
            <[u8; 32]>::from(Sha256::digest(email.trim().to_ascii_lowercase()));
        let tries = Arc::clone(&self.tries);
        let checked = self.turns.run(source, move || {
            // Not before its turn: one host could use up the tries for all addresses, and no password need be checked.
            tries
                .check_key(&[first, second])
                .map_err(|_| NotChecked::TooManyTries)?;
            let known = stored.is_some();
            Ok(verify(&password, stored.as_deref().unwrap_or(NOBODY)) && known)
        });
        checked.await.unwrap_or(Err(NotChecked::Busy))
    }
}

/// Hashes a password with the parameters that OWASP recommends, which are the crate's defaults.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    Ok(Argon2::default()
        .hash_password(password.as_bytes())?
        .to_string())
}

fn verify(password: &str, stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|stored| {
        Argon2::default()
            .verify_password(password.as_bytes(), &stored)
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::net::IpAddr;
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn who_gets_no_turn_uses_up_no_try() {
        let [busy, other] = [1, 2].map(|last| Source::from(IpAddr::from([192, 0, 2, last])));
        let passwords = Passwords::default();
        let (end, may_end) = mpsc::channel::<()>();
        let mut first = Some(may_end);
        let mut line = Vec::new();
        loop {
            let first = first.take();
            let mut work = Box::pin(passwords.turns.run(busy, move || {
                let _ = first.map(|may_end| may_end.recv());
            }));
            tokio::select! {
                biased;
                _ = &mut work => break,
                () = ready(()) => line.push(work),
            }
        }
        let check = |source| passwords.check(source, "maya@example.com", String::new(), None);
        for _ in 0..2 * TRIES.get() {
            assert_eq!(check(busy).await, Err(NotChecked::Busy));
        }
        for _ in 0..TRIES.get() {
            assert_eq!(check(other).await, Ok(false));
        }
        assert_eq!(check(other).await, Err(NotChecked::TooManyTries));
        drop(end);
    }

    #[test]
    fn the_hash_of_nobody_is_one_and_takes_the_same_work() {
        let nobody = PasswordHash::new(NOBODY).expect("it is a hash");
        let real = hash("correct horse").expect("there is randomness");
        let real = PasswordHash::new(&real).expect("it is a hash");
        assert_eq!(nobody.params.to_string(), real.params.to_string());
        assert_eq!(nobody.algorithm, real.algorithm);
        assert!(!verify("", NOBODY));
    }
}
