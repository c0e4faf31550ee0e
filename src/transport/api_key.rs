//! The API key, which no `Debug`, log, error or panic shows.

use std::fmt;
use std::sync::{PoisonError, RwLock};

use reqwest::header::HeaderValue;

use crate::error::{BuildError, invalid};

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

/// The key in force; it may be replaced while the logger runs.
#[derive(Debug, Default)]
pub(crate) struct KeyCell(RwLock<Option<ApiKey>>);

impl KeyCell {
    pub(crate) fn new(key: Option<ApiKey>) -> Self {
        Self(RwLock::new(key))
    }

    pub(crate) fn set(&self, key: ApiKey) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }

    /// A text of the ingest's without the key, which it may repeat.
    pub(crate) fn conceal(&self, text: &str) -> String {
        let key = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match key.as_ref() {
            Some(key) => text.replace(key.expose(), "[key]"),
            None => text.to_owned(),
        }
    }

    pub(super) fn header(&self) -> Option<HeaderValue> {
        let key = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut value = HeaderValue::from_str(key.as_ref()?.expose()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

pub(crate) fn parse_key(setting: &'static str, key: &str) -> Result<ApiKey, BuildError> {
    ApiKey::new(key).map_err(|fault| match fault {
        KeyFault::Empty => invalid(setting, "is empty"),
        KeyFault::NotAHeader => invalid(setting, "holds a character that a header cannot carry"),
    })
}
