//! The API key, from its parsing to the value of its header. No `Debug`, log, error or panic shows it.

use std::fmt;
use std::sync::Mutex;

use reqwest::header::HeaderValue;

use crate::base::lock::lock;
use crate::error::BuildError;

/// A key that goes into a header and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ApiKey(String);

impl ApiKey {
    /// Parses a key. Surrounding white space, as from a file, is not part of it. The error names
    /// `setting` and does not repeat the key.
    pub(crate) fn parse(setting: &'static str, key: &str) -> Result<Self, BuildError> {
        let key = key.trim();
        let fault = if key.is_empty() {
            "is empty: write the key, or leave it out"
        } else if key.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return Ok(Self(key.to_owned()));
        } else {
            "holds a character that a header cannot carry"
        };
        Err(BuildError::invalid(setting, fault))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

/// The key in force; it may be replaced while the logger runs.
#[derive(Debug, Default)]
pub(crate) struct KeyCell(Mutex<Option<ApiKey>>);

impl KeyCell {
    pub(crate) fn new(key: Option<ApiKey>) -> Self {
        Self(Mutex::new(key))
    }

    pub(crate) fn set(&self, key: ApiKey) {
        *lock(&self.0) = Some(key);
    }

    /// Replaces the key in a text of the ingest's, which may repeat it.
    pub(crate) fn conceal(&self, text: &str) -> String {
        match lock(&self.0).as_ref() {
            Some(key) => text.replace(&key.0, "[key]"),
            None => text.to_owned(),
        }
    }

    /// Returns the value of the key's header, which the HTTP client's own logs leave out.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&lock(&self.0).as_ref()?.0).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_concealed_wherever_a_text_repeats_it() {
        let cell = KeyCell::default();
        assert_eq!(cell.conceal("k-1 and k-1"), "k-1 and k-1");
        assert_eq!(cell.header(), None);
        cell.set(ApiKey::parse("api_key", " k-1\n").unwrap());
        assert_eq!(cell.conceal("k-1 and k-1"), "[key] and [key]");
        assert_eq!(
            format!("{:?} {cell:?}", cell.header().unwrap()),
            "Sensitive KeyCell(Mutex { data: Some(ApiKey(..)), poisoned: false, .. })"
        );
    }

    proptest! {
        #[test]
        fn a_key_is_refused_or_fits_into_a_header(key in "\\PC{0,20}[\\x00-\\x7f]{0,5}") {
            match ApiKey::parse("api_key", &key) {
                Ok(parsed) => {
                    prop_assert_eq!(&parsed.0, key.trim());
                    prop_assert!(HeaderValue::from_str(&parsed.0).is_ok());
                }
                Err(error) => prop_assert!(key.trim().len() < 3 || !error.to_string().contains(key.trim())),
            }
        }
    }
}
