//! Refuses JSON in which one object has a key twice.
//!
//! Such JSON parses, with the last value winning in one reader and the first in another; a sender that writes its JSON
//! piece by piece produces it easily.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::violation::Violation;

/// Refuses the first key that its object has already had. Expects JSON that parses.
pub(super) fn check(json: &[u8]) -> Result<(), Violation> {
    let mut path = String::new();
    UniqueKeys { path: &mut path }
        .deserialize(&mut serde_json::Deserializer::from_slice(json))
        .map_err(|_| Violation::new(path, "is given twice"))
}

/// Reads a value, and keeps nothing of it but the keys of the objects that are open.
struct UniqueKeys<'p> {
    /// The path of what is being read. Stays at a key that is refused, so it says where the error is.
    path: &'p mut String,
}

impl<'de> DeserializeSeed<'de> for UniqueKeys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueKeys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let end = self.path.len();
        for index in 0.. {
            self.path.push_str(&format!("[{index}]"));
            let item = items.next_element_seed(UniqueKeys { path: self.path })?;
            self.path.truncate(end);
            if item.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let end = self.path.len();
        let mut keys = HashSet::new();
        while let Some(key) = members.next_key::<String>()? {
            if end > 0 {
                self.path.push('.');
            }
            self.path.push_str(&key);
            if !keys.insert(key) {
                return Err(A::Error::custom("a key is given twice"));
            }
            members.next_value_seed(UniqueKeys { path: self.path })?;
            self.path.truncate(end);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_given_twice_is_found_at_any_depth() {
        for (body, field) in [
            (r#"{"payload":{},"payload":{}}"#, "payload"),
            (
                r#"{"payload":{"meta":{"tool":"a","x":{"tool":"ok"},"tool":"b"}}}"#,
                "payload.meta.tool",
            ),
            (
                r#"{"payload":[{"a":1},[0,{"b":"a\"b,","\u0062":2}]]}"#,
                "payload[1][1].b",
            ),
            (r#"{"a\\":1,"a\\":2}"#, "a\\"),
        ] {
            let violation = check(body.as_bytes()).unwrap_err();
            assert_eq!(
                (violation.field.as_str(), violation.reason.as_str()),
                (field, "is given twice"),
                "{body}"
            );
        }
        assert!(check(br#"{"a":{"a":["a","a",{"a":"a:a"}]},"b":"\"a\":1,\"a\":2"}"#).is_ok());
    }

    #[test]
    fn values_of_every_type_are_passed_over() {
        let json = br#"[null,true,-1,18446744073709551615,1.5e300,"text",[],{},{"":{"":0}}]"#;
        assert_eq!(check(json), Ok(()));
    }
}
