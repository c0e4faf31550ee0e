//! The API key, which no `Debug`, log, error or panic shows.

use std::fmt;

/// A key that goes into a header and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ApiKey(String);

/// What is wrong with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyFault {
    Empty,
    NotAHeader,
}

impl ApiKey {
    /// Surrounding white space, as from a file, is not part of a key.
    pub(crate) fn new(key: &str) -> Result<Self, KeyFault> {
        let key = key.trim();
        if key.is_empty() {
            Err(KeyFault::Empty)
        } else if key.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            Ok(Self(key.to_owned()))
        } else {
            Err(KeyFault::NotAHeader)
        }
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}
