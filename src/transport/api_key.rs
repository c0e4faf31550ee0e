//! The API key, from its parsing to the value of its header. No `Debug`, log, error or panic shows it.

use std::fmt;
use std::sync::Mutex;

use reqwest::header::HeaderValue;

use crate::base::lock::lock;
use crate::error::BuildError;

/// The place of the key in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyPlace {
    /// A header, with what stands before the key there.
    Header(&'static str, &'static str),
    /// The first member of the body, a JSON object. It is put there when the request is sent: what is queued, spooled,
    /// logged or written by a dry run has none.
    Member(&'static str),
}

impl KeyPlace {
    /// The name of the key's header.
    pub(crate) const fn header(self) -> Option<&'static str> {
        match self {
            Self::Header(name, _) => Some(name),
            Self::Member(_) => None,
        }
    }
}

/// A key that is used in requests and nowhere else.
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

/// The key in force, which may be replaced while the logger runs, and the headers that may be keys.
#[derive(Debug, Default)]
pub(crate) struct KeyCell {
    key: Mutex<Option<ApiKey>>,
    headers: Vec<ApiKey>,
    /// Why there may be no other key, if so.
    fixed: Option<&'static str>,
}

impl KeyCell {
    /// A header of fewer bytes is no key, and a text holds it by chance.
    const MIN_HEADER_BYTES: usize = 6;

    pub(crate) fn new<'a>(
        key: Option<ApiKey>,
        headers: impl Iterator<Item = &'a str>,
        fixed: Option<&'static str>,
    ) -> Self {
        let headers = headers.filter(|value| value.len() >= Self::MIN_HEADER_BYTES);
        Self {
            key: Mutex::new(key),
            headers: headers.map(|value| ApiKey(value.to_owned())).collect(),
            fixed,
        }
    }

    pub(crate) fn is_set(&self) -> bool {
        lock(&self.key).is_some()
    }

    /// Replaces the key; the error says why it may not be.
    pub(crate) fn set(&self, key: ApiKey) -> Result<(), BuildError> {
        if let Some(fault) = self.fixed {
            return Err(BuildError::invalid("api_key", fault));
        }
        *lock(&self.key) = Some(key);
        Ok(())
    }

    /// Replaces the key, and the values of headers, in a text of the ingest's, which may repeat them as they are or as
    /// JSON spells them.
    pub(crate) fn conceal(&self, text: &str) -> String {
        let key = lock(&self.key).clone();
        let secrets = self.headers.iter().chain(&key);
        secrets.fold(text.to_owned(), |text, secret| {
            let json = as_json(&secret.0);
            let text = text.replace(&secret.0, "[key]");
            text.replace(json.trim_matches('"'), "[key]")
        })
    }

    /// Puts the key in front of the members of a body, under this name.
    pub(super) fn put_into(&self, body: Vec<u8>, name: &str) -> Vec<u8> {
        let Some(key) = lock(&self.key).clone() else {
            return body;
        };
        let Some(members) = body.strip_prefix(b"{") else {
            return body;
        };
        let comma = if members == b"}" { "" } else { "," };
        let member = format!("{{{}:{}{comma}", as_json(name), as_json(&key.0));
        [member.as_bytes(), members].concat()
    }

    /// Returns the value of the key's header, behind `prefix`, which the HTTP client's own logs leave out.
    pub(super) fn header(&self, prefix: &str) -> Option<HeaderValue> {
        let key = lock(&self.key).clone()?;
        let mut value = HeaderValue::try_from([prefix, &key.0].concat()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

fn as_json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_concealed_wherever_a_text_repeats_it() {
        let cell = KeyCell::default();
        assert_eq!(cell.conceal("k-1 and k-1"), "k-1 and k-1");
        assert_eq!(cell.header(""), None);
        let key = ApiKey::parse("api_key", " k-1\n").unwrap();
        cell.set(key.clone()).unwrap();
        assert_eq!(cell.conceal("k-1 and k-1"), "[key] and [key]");
        assert_eq!(
            format!("{:?} {cell:?}", cell.header("").unwrap()),
            "Sensitive KeyCell { key: Mutex { data: Some(ApiKey(..)), poisoned: false, .. }, headers: [], fixed: None }"
        );
        assert_eq!(cell.header("Bearer ").unwrap(), "Bearer k-1");
        let headers = ["Basic s3cret", "1"].into_iter();
        let cell = KeyCell::new(None, headers, Some("is fixed"));
        assert_eq!(cell.conceal("1 Basic s3cret"), "1 [key]");
        assert_eq!(cell.set(key).unwrap_err().to_string(), "api_key is fixed");
        assert_eq!(cell.header(""), None);
    }

    #[test]
    fn a_body_gets_the_key_as_its_first_member() {
        let cell = KeyCell::default();
        let put = |cell: &KeyCell, body: &str| {
            String::from_utf8(cell.put_into(body.into(), "api_key")).unwrap()
        };
        assert_eq!(put(&cell, "{\"a\":1}"), "{\"a\":1}");
        let odd = "k\"\\1";
        cell.set(ApiKey::parse("api_key", odd).unwrap()).unwrap();
        assert_eq!(put(&cell, "{\"a\":1}"), r#"{"api_key":"k\"\\1","a":1}"#);
        assert_eq!(put(&cell, "{}"), r#"{"api_key":"k\"\\1"}"#);
        assert_eq!(put(&cell, "[]"), "[]");
        let echo = put(&cell, "{}") + " k\"\\1";
        assert_eq!(cell.conceal(&echo), r#"{"api_key":"[key]"} [key]"#);
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
