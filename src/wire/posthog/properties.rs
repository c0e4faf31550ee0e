//! The members of an event and its properties, as JSON.

use serde::Serialize;

use super::shape::cut;
use crate::wire::record::{Json, JsonKind, is_plain};

/// Most characters of a name, a version or a header's value.
pub(super) const MAX_NAME_CHARS: usize = 256;

/// Members of an object that is being written, each behind a comma.
pub(super) struct Properties<'b> {
    json: &'b mut Vec<u8>,
}

/// Writes an object.
pub(super) fn write_object(json: &mut Vec<u8>, write: impl FnOnce(&mut Properties<'_>)) {
    let start = json.len();
    write(&mut Properties { json });
    // The opening brace takes the place of the first comma.
    match json.get_mut(start) {
        Some(comma) => *comma = b'{',
        None => json.push(b'{'),
    }
    json.push(b'}');
}

impl Properties<'_> {
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
    pub(super) fn some(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.text(name, text, MAX_NAME_CHARS);
        }
    }

    /// As [`some`](Self::some), for what JSON says.
    pub(super) fn known(&mut self, name: &str, json: Json<'_>) {
        if let Some(text) = json.present() {
            self.name(name);
            self.write_text(json, &text, MAX_NAME_CHARS);
        }
    }

    /// Adds what JSON says, unless that is `null`: a text up to so many characters, a list of texts as it is, and other
    /// lists and objects as the JSON they are, since only arguments and results may be nested. The name is that of two
    /// parts.
    pub(super) fn value(&mut self, name: [&str; 2], json: Json<'_>, most_chars: usize) {
        if matches!(json.kind, JsonKind::Absent | JsonKind::Null) {
            return;
        }
        self.name_of(name);
        match json.kind {
            JsonKind::Object => self.write(json.as_str()),
            JsonKind::List if !json.items().all(Json::is_text) => self.write(json.as_str()),
            _ => match json.text() {
                Some(text) => self.write_text(json, &text, most_chars),
                None => self.json.extend_from_slice(json.as_str().as_bytes()),
            },
        }
    }

    /// Adds what JSON says as the JSON it is, under a name of two parts.
    pub(super) fn raw(&mut self, name: [&str; 2], json: Json<'_>) {
        self.name_of(name);
        self.json.extend_from_slice(json.as_str().as_bytes());
    }

    pub(super) fn object(&mut self, name: &str, write: impl FnOnce(&mut Properties<'_>)) {
        self.name(name);
        write_object(self.json, write);
    }

    /// Begins a member whose name is one of ours, and has nothing to escape.
    #[inline]
    fn name(&mut self, name: &str) {
        self.json.extend_from_slice(b",\"");
        self.json.extend_from_slice(name.as_bytes());
        self.json.extend_from_slice(b"\":");
    }

    fn name_of(&mut self, [prefix, name]: [&str; 2]) {
        if is_plain(name) {
            self.json.extend_from_slice(b",\"");
            self.json.extend_from_slice(prefix.as_bytes());
            self.json.extend_from_slice(name.as_bytes());
            self.json.extend_from_slice(b"\":");
        } else {
            self.json.push(b',');
            self.escaped(&[prefix, name].concat());
            self.json.push(b':');
        }
    }

    /// Writes the text that JSON says, as much of it as there is room for.
    fn write_text(&mut self, json: Json<'_>, text: &str, most_chars: usize) {
        let kept = cut(text, most_chars);
        if json.kind != JsonKind::Text {
            self.write(kept);
        } else if kept.len() < text.len() {
            self.quoted(kept);
        } else {
            self.json.extend_from_slice(json.as_str().as_bytes());
        }
    }

    fn write(&mut self, text: &str) {
        match is_plain(text) {
            true => self.quoted(text),
            false => self.escaped(text),
        }
    }

    /// Writes a text that has nothing to escape.
    fn quoted(&mut self, text: &str) {
        self.json.push(b'"');
        self.json.extend_from_slice(text.as_bytes());
        self.json.push(b'"');
    }

    fn escaped(&mut self, text: &str) {
        let mut json = serde_json::Serializer::new(&mut *self.json);
        // Writing a text into memory cannot fail.
        let _ = text.serialize(&mut json);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_say_what_they_are_given() {
        let mut json = Vec::new();
        write_object(&mut json, |members| {
            members.flag("a", true);
            members.text("b", "éé\n", 2);
            members.some("c", Some(""));
            members.known("c", Json::read("\"\""));
            members.known("c", Json::read("7"));
            members.known("c", Json::read(r#""\ud83d""#));
            members.value(["d", ""], Json::read("null"), 9);
            members.value(["p_", "n\""], Json::read(r#""\ud83d""#), 2);
            for value in [
                "-1.5",
                "false",
                "\"x\\ny\"",
                "\"xyz\"",
                "[\"t\"]",
                "[1]",
                "{\"n\": {}}",
            ] {
                members.value(["", "e"], Json::read(value), 2);
            }
            members.object("f", |inner| inner.json("g", "{}"));
            members.object("h", |_| {});
        });
        let expected = r#"{"a":true,"b":"éé","p_n\"":"\ud83d","e":-1.5,"e":false,"e":"x\n","e":"xy","e":["t"],"e":"[1]","e":"{\"n\": {}}","f":{"g":{}},"h":{}}"#;
        assert_eq!(String::from_utf8(json).unwrap(), expected);
    }
}
