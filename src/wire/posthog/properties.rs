//! The members of an event and its properties, as JSON.

use serde::Serialize;

use super::shape::cut;
use crate::wire::record;

/// Most characters of a name, a version or a header's value.
pub(super) const MAX_NAME_CHARS: usize = 256;

/// Members of an object that is being written.
pub(super) struct Properties<'b> {
    json: &'b mut Vec<u8>,
    is_empty: bool,
}

impl<'b> Properties<'b> {
    pub(super) const fn new(json: &'b mut Vec<u8>) -> Self {
        Self {
            json,
            is_empty: true,
        }
    }

    /// Adds a member whose value is JSON.
    pub(super) fn json(&mut self, name: &str, json: &str) {
        self.name(name);
        self.json.extend_from_slice(json.as_bytes());
    }

    pub(super) fn flag(&mut self, name: &str, flag: bool) {
        self.json(name, if flag { "true" } else { "false" });
    }

    /// Adds a text, as much of it as there is room for.
    pub(super) fn text(&mut self, name: &str, text: &str, most_chars: usize) {
        self.name(name);
        self.write(cut(text, most_chars));
    }

    /// Adds a name, a version or the like, if there is one.
    pub(super) fn known(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.text(name, text, MAX_NAME_CHARS);
        }
    }

    /// Adds what JSON says, unless that is `null`: a text up to so many characters, a list of texts as it is, and other
    /// lists and objects as the JSON they are, since only arguments and results may be nested.
    pub(super) fn scalar(&mut self, name: &str, json: &str, most_chars: usize) {
        if let Some(text) = record::text(json) {
            return self.text(name, &text, most_chars);
        }
        match json.as_bytes().first() {
            Some(b'{') => self.text(name, json, usize::MAX),
            Some(b'[') if !is_list_of_texts(json) => self.text(name, json, usize::MAX),
            _ if json == "null" => {}
            _ => self.json(name, json),
        }
    }

    pub(super) fn object(&mut self, name: &str, write: impl FnOnce(&mut Properties<'_>)) {
        self.name(name);
        self.json.push(b'{');
        write(&mut Properties::new(self.json));
        self.json.push(b'}');
    }

    fn name(&mut self, name: &str) {
        if !self.is_empty {
            self.json.push(b',');
        }
        self.is_empty = false;
        self.write(name);
        self.json.push(b':');
    }

    fn write(&mut self, text: &str) {
        let mut json = serde_json::Serializer::new(&mut *self.json);
        // Writing a text into memory cannot fail.
        let _ = text.serialize(&mut json);
    }
}

fn is_list_of_texts(json: &str) -> bool {
    let items = record::items(json);
    items.is_some_and(|items| items.iter().all(|item| item.starts_with('"')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_say_what_they_are_given() {
        let mut json = Vec::new();
        let mut members = Properties::new(&mut json);
        members.flag("a\"", true);
        members.text("b", "éé\n", 2);
        members.known("c", Some(""));
        members.scalar("d", "null", 9);
        for value in [
            "-1.5",
            "false",
            "\"x\\ny\"",
            "[\"t\"]",
            "[1]",
            "{\"n\": {}}",
        ] {
            members.scalar("e", value, 2);
        }
        members.object("f", |inner| inner.json("g", "{}"));
        let expected = r#""a\"":true,"b":"éé","e":-1.5,"e":false,"e":"x\n","e":["t"],"e":"[1]","e":"{\"n\": {}}","f":{"g":{}}"#;
        assert_eq!(String::from_utf8(json).unwrap(), expected);
    }
}
