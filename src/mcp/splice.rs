//! Changes of a JSON text that leave all of its other bytes as they are.

use std::ops::Range;

use serde::de::IgnoredAny;

use super::json::JsonReader;

/// Changes of a text, in the order of their places.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Splices(Vec<(Range<usize>, String)>);

impl Splices {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts a text in at a place behind those of the changes before.
    pub(crate) fn insert(&mut self, at: usize, text: String) {
        self.replace(at..at, text);
    }

    /// Takes out what stands behind the places of the changes before.
    pub(crate) fn remove(&mut self, place: Range<usize>) {
        self.replace(place, String::new());
    }

    /// Puts a text in the place of what stands behind the places of the changes before.
    pub(crate) fn replace(&mut self, place: Range<usize>, text: String) {
        self.0.push((place, text));
    }

    /// The places, each with what comes into it.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Range<usize>, &str)> {
        self.0
            .iter()
            .map(|(place, text)| (place.clone(), text.as_str()))
    }

    /// Returns the text with the changes.
    pub(crate) fn apply(&self, text: &[u8]) -> Vec<u8> {
        let more = self.0.iter().map(|(_, text)| text.len()).sum::<usize>();
        let mut changed = Vec::with_capacity(text.len() + more);
        let mut from = 0;
        for (place, put) in self.iter() {
            changed.extend_from_slice(text.get(from..place.start).unwrap_or_default());
            changed.extend_from_slice(put.as_bytes());
            from = place.end;
        }
        changed.extend_from_slice(text.get(from..).unwrap_or_default());
        changed
    }
}

/// A member of an object, and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// Where its name begins, with the quote.
    pub(crate) start: usize,
    pub(crate) value: Range<usize>,
}

/// Returns where each message of a text stands: one, or those of a list. `None` for a text that is not JSON by the
/// letter, which may be read in more than one way.
pub(crate) fn messages(json: &[u8]) -> Option<Vec<Range<usize>>> {
    str::from_utf8(json).ok()?;
    serde_json::from_slice::<IgnoredAny>(json).ok()?;
    let mut reader = JsonReader::at(json, 0);
    match reader.peek()? {
        b'[' => items(json, &(0..json.len())),
        b'{' => {
            let start = reader.place();
            reader.skip()?;
            Some(std::iter::once(start..reader.place()).collect())
        }
        _ => Some(Vec::new()),
    }
}

/// Returns the members of the object that begins at a place.
pub(crate) fn members(json: &[u8], object: &Range<usize>) -> Option<Vec<Member>> {
    let mut reader = JsonReader::at(json, object.start);
    let mut members = Vec::new();
    if !reader.take(b'{') {
        return None;
    }
    while !reader.take(b'}') {
        if reader.peek()? != b'"' {
            return None;
        }
        let start = reader.place();
        let name = reader.string()?;
        if !reader.take(b':') {
            return None;
        }
        let value = skipped(&mut reader)?;
        members.push(Member { name, start, value });
        reader.take(b',');
    }
    Some(members)
}

/// Returns the items of the list that begins at a place.
pub(crate) fn items(json: &[u8], list: &Range<usize>) -> Option<Vec<Range<usize>>> {
    let mut reader = JsonReader::at(json, list.start);
    let mut items = Vec::new();
    if !reader.take(b'[') {
        return None;
    }
    while !reader.take(b']') {
        items.push(skipped(&mut reader)?);
        reader.take(b',');
    }
    Some(items)
}

fn skipped(reader: &mut JsonReader<'_>) -> Option<Range<usize>> {
    reader.peek()?;
    let start = reader.place();
    reader.skip()?;
    Some(start..reader.place())
}

/// Returns the value of a name that an object has once: of one that it has twice, readers take either.
pub(crate) fn only(members: &[Member], name: &str) -> Option<Range<usize>> {
    let mut named = members.iter().filter(|member| member.name == name);
    let value = named.next()?.value.clone();
    named.next().is_none().then_some(value)
}

/// Follows names from object to object; each has to be there once.
pub(crate) fn within<const N: usize>(
    json: &[u8],
    object: &Range<usize>,
    names: [&str; N],
) -> Option<Range<usize>> {
    names.iter().try_fold(object.clone(), |object, name| {
        only(&members(json, &object)?, name)
    })
}

/// Puts a member into an object behind its others, given as JSON.
pub(crate) fn push_member(
    json: &[u8],
    object: &Range<usize>,
    member: &str,
    splices: &mut Splices,
) -> Option<()> {
    let members = members(json, object)?;
    let values = members.iter().map(|member| &member.value);
    push_part(object, values, member, splices);
    Some(())
}

/// Puts an item into a list behind its others, given as JSON.
pub(crate) fn push_item(
    json: &[u8],
    list: &Range<usize>,
    item: &str,
    splices: &mut Splices,
) -> Option<()> {
    let items = items(json, list)?;
    push_part(list, items.iter(), item, splices);
    Some(())
}

fn push_part<'p>(
    of: &Range<usize>,
    parts: impl Iterator<Item = &'p Range<usize>>,
    part: &str,
    splices: &mut Splices,
) {
    match parts.last() {
        Some(last) => splices.insert(last.end, format!(",{part}")),
        None => splices.insert(of.start + 1, part.to_owned()),
    }
}

/// Takes the members of a name out of an object, each with its comma.
pub(crate) fn remove_members(members: &[Member], name: &str, splices: &mut Splices) {
    // The members that are taken out between two that stay.
    let mut run: Option<Range<usize>> = None;
    let mut last_kept: Option<&Member> = None;
    for member in members {
        if member.name == name {
            let start = last_kept.map_or(member.start, |kept| kept.value.end);
            let start = run.map_or(start, |run| run.start);
            run = Some(start..member.value.end);
            continue;
        }
        if let Some(run) = run.take() {
            // In front of the first that stays there is no comma to take; the one behind goes.
            let end = if last_kept.is_some() {
                run.end
            } else {
                member.start
            };
            splices.remove(run.start..end);
        }
        last_kept = Some(member);
    }
    if let Some(run) = run {
        splices.remove(run);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn text(changed: Vec<u8>) -> String {
        String::from_utf8(changed).unwrap()
    }

    fn whole(json: &str) -> Range<usize> {
        messages(json.as_bytes()).unwrap()[0].clone()
    }

    #[test]
    fn messages_are_found_in_a_text_that_is_json_by_the_letter() {
        let places = |json: &str| messages(json.as_bytes());
        assert_eq!(places(" {\"a\":[{}]} \r\n").map(|it| it.len()), Some(1));
        assert_eq!(places("[{}, 1,\t{}]"), Some(vec![1..3, 5..6, 8..10]));
        assert_eq!(places("7"), Some(vec![]));
        for loose in [
            "",
            "{\"a\":1,}",
            "{} {}",
            "\u{feff}{}",
            "{\"a\":01}",
            "[{}",
            "{'a':1}",
        ] {
            assert_eq!(places(loose), None, "{loose}");
        }
        assert_eq!(messages(b"{\"a\":\"\xff\"}"), None);
    }

    #[test]
    fn a_name_that_comes_twice_leads_nowhere() {
        let json = r#"{"a": {"b": 1}, "c": {"d": 1, "\u0064": 2}}"#;
        let value = |place: Option<Range<usize>>| place.map(|place| &json[place]);
        let whole = whole(json);
        assert_eq!(
            value(within(json.as_bytes(), &whole, ["a", "b"])),
            Some("1")
        );
        assert_eq!(value(within(json.as_bytes(), &whole, ["c", "d"])), None);
        assert_eq!(
            value(within(json.as_bytes(), &whole, ["a", "b", "c"])),
            None
        );
    }

    #[test]
    fn members_are_put_in_and_taken_out_and_the_rest_stays_byte_for_byte() {
        for (json, with) in [
            ("{}", r#"{"n":0}"#),
            ("{ }", r#"{"n":0 }"#),
            (r#"{ "a" : 1.0 }"#, r#"{ "a" : 1.0,"n":0 }"#),
        ] {
            let mut splices = Splices::default();
            push_member(json.as_bytes(), &whole(json), "\"n\":0", &mut splices).unwrap();
            assert_eq!(text(splices.apply(json.as_bytes())), with);
        }
        for (json, without) in [
            (r#"{"n":0}"#, "{}"),
            (r#"{ "n" : [1,{}] }"#, "{  }"),
            (r#"{"n":0, "a" : 1e0}"#, r#"{"a" : 1e0}"#),
            (r#"{"a":1 , "n":0 }"#, r#"{"a":1 }"#),
            (
                r#"{"a":1, "n":0, "b":"\u006e"}"#,
                r#"{"a":1, "b":"\u006e"}"#,
            ),
            (
                r#"{"n":0,"n":1, "a":1,"\u006e":2,"n":3,"b":2,"n":4}"#,
                r#"{"a":1,"b":2}"#,
            ),
            (r#"{"a":{"n":0}}"#, r#"{"a":{"n":0}}"#),
        ] {
            let mut splices = Splices::default();
            let members = members(json.as_bytes(), &whole(json)).unwrap();
            remove_members(&members, "n", &mut splices);
            assert_eq!(text(splices.apply(json.as_bytes())), without);
        }
    }

    proptest! {
        #[test]
        fn a_text_without_a_member_is_that_of_the_others(
            keys in proptest::collection::vec("[an]", 0..6),
            blank in "[ \t\r\n]{0,2}",
        ) {
            let pairs: Vec<_> = keys.iter().enumerate().map(|(n, key)| {
                format!("{blank}\"{key}\"{blank}:{blank}[{n}]{blank}")
            }).collect();
            let json = format!("{{{}}}", pairs.join(","));
            let mut splices = Splices::default();
            let found = members(json.as_bytes(), &whole(&json)).unwrap();
            remove_members(&found, "n", &mut splices);
            let without = splices.apply(json.as_bytes());
            let value: Value = serde_json::from_slice(&without).unwrap();
            let last = keys.iter().rposition(|key| key == "a");
            prop_assert_eq!(value, last.map_or(json!({}), |n| json!({"a": [n]})));
            let left = members(&without, &(0..without.len())).unwrap();
            prop_assert_eq!(left.len(), keys.iter().filter(|key| *key == "a").count());
        }
    }
}
