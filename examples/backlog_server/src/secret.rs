//! Secrets that are given out once and kept as hashes alone: tokens, codes, sessions.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Makes a secret of 256 random bits, as text for a URL or a header.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn new() -> Result<String, getrandom::Error> {
    random::<32>()
}

/// Makes an id: not a secret, but impossible to guess, and unique.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn new_id() -> Result<String, getrandom::Error> {
    random::<16>()
}

/// Returns what is stored in place of a secret. A plain hash does: 256 random bits cannot be
/// searched, as a password can.
#[must_use]
pub fn hash(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret))
}

/// Compares in a time that does not tell where they differ.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

fn random<const N: usize>() -> Result<String, getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
