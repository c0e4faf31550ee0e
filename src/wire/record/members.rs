//! Reads finished events: the members of an object, no deeper than is asked, and nothing copied but what has escapes.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object, each with its value's JSON.
#[derive(Debug, Default)]
pub(crate) struct Members<'j>(Vec<(Cow<'j, str>, &'j str)>);

impl<'j> Members<'j> {
    /// Reads an object; there are no members in anything else.
    pub(crate) fn read(json: &'j str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'j str)> {
        self.0.iter().map(|(name, value)| (&**name, *value))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'j str> {
        let mut members = self.iter();
        members.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// The members of the object under a name.
    pub(crate) fn object(&self, name: &str) -> Self {
        self.get(name).map(Self::read).unwrap_or_default()
    }

    pub(crate) fn text(&self, name: &str) -> Option<Cow<'j, str>> {
        text(self.get(name)?)
    }

    pub(crate) fn integer<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.get(name)?.parse().ok()
    }

    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut read: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(24);
                while let Some((name, value)) = read.next_entry::<&RawValue, &RawValue>()? {
                    members.push((text(name.get()).unwrap_or_default(), value.get()));
                }
                Ok(Members(members))
            }
        }
        json.deserialize_map(Read)
    }
}

/// The text that JSON is, if it is one.
pub(crate) fn text(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(json).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// The items of a list, if JSON is one.
pub(crate) fn items(json: &str) -> Option<Vec<&str>> {
    let items = serde_json::from_str::<Vec<&RawValue>>(json).ok()?;
    Some(items.into_iter().map(RawValue::get).collect())
}

/// The events of a batch's part, in which a comma follows each.
pub(crate) fn events(part: &[u8]) -> impl Iterator<Item = &str> {
    let mut rest = part;
    std::iter::from_fn(move || {
        let mut json = serde_json::Deserializer::from_slice(rest);
        let event = <&RawValue>::deserialize(&mut json).ok()?.get();
        rest = rest
            .get(event.len()..)?
            .strip_prefix(b",")
            .unwrap_or_default();
        Some(event)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_with_their_json() {
        let members = Members::read(r#"{"a":"x","b\n":"y\u0041","c":[1, 2],"d":{"e":7},"f":true}"#);
        assert_eq!(members.text("a").as_deref(), Some("x"));
        assert_eq!(members.text("b\n").as_deref(), Some("yA"));
        assert_eq!(members.get("c"), Some("[1, 2]"));
        assert_eq!(members.text("c"), None);
        assert_eq!(members.object("d").integer("e"), Some(7));
        assert_eq!(members.object("a").iter().count(), 0);
        assert!(members.is_true("f") && !members.is_true("a"));
        assert_eq!(Members::read("7").iter().count(), 0);
    }

    #[test]
    fn the_events_of_a_part_are_told_from_one_another() {
        let part = br#"{"a":"},{"},{"b":[{}]},{"c":1},"#;
        let found: Vec<_> = events(part).collect();
        assert_eq!(found, [r#"{"a":"},{"}"#, r#"{"b":[{}]}"#, r#"{"c":1}"#]);
        assert_eq!(events(b"").count(), 0);
    }
}
