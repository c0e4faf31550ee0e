//! Decides whether an argument is ours or the tool's, by the tool's input schema alone.
//!
//! Listings that get our property and calls that lose our argument use this one function. Neither depends on
//! what was listed before, to whom, or by which replica.

use serde_json::{Map, Value};

/// Who owns the argument of a given name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntentProperty {
    /// The schema is closed and has no such property: nobody else can have sent the argument.
    Ours,
    /// The schema has no such property and does not say whether others may be sent. A tool may read one all the
    /// same, so only a text is ours, which is what our property asks for.
    OursIfText,
    /// The tool publishes our property itself: it is read and left to the tool.
    Published,
    /// The tool has it for purposes of its own.
    Theirs,
    /// The schema has none, and adding one could change what the tool gets.
    NoPlace,
}

/// The keywords of a root whose `properties` are all that is said of the arguments. Any other may compose the schema
/// of several, count the arguments or match their names, and is taken to.
const PLAIN_KEYWORDS: &[&str] = &[
    "$anchor",
    "$comment",
    "$defs",
    "$id",
    "$schema",
    "additionalProperties",
    "default",
    "definitions",
    "deprecated",
    "description",
    "examples",
    "properties",
    "readOnly",
    "required",
    "title",
    "type",
    "writeOnly",
];

/// The beginning of the keywords that vendors add, which validate nothing.
const VENDOR_KEYWORD: &str = "x-";

/// Most objects and lists of a schema that are looked at; a larger one gets no property.
const MAX_PARTS: usize = 10_000;

impl IntentProperty {
    /// Returns who owns the argument `name` of a tool with this input schema. `description` is that of our property.
    pub(crate) fn of(schema: &Map<String, Value>, name: &str, description: &str) -> Self {
        let own = schema
            .get("properties")
            .and_then(|properties| properties.get(name));
        if let Some(own) = own {
            let is_ours = own.get("description").is_some_and(|own| own == description);
            return if is_ours {
                Self::Published
            } else {
                Self::Theirs
            };
        }
        if names_argument(schema, name) {
            return Self::Theirs;
        }
        let place = match schema.get("additionalProperties") {
            None => Self::OursIfText,
            Some(Value::Bool(false)) if !is_strict(schema) => Self::Ours,
            Some(_) => Self::NoPlace,
        };
        if place == Self::NoPlace || !is_plain(schema) || may_refer_to_root(schema) {
            return Self::NoPlace;
        }
        place
    }

    /// Whether a listing adds the property.
    pub(crate) const fn is_added(self) -> bool {
        matches!(self, Self::Ours | Self::OursIfText)
    }

    /// Whether this value of the argument is ours to take out.
    pub(crate) fn claims(self, argument: &Value) -> bool {
        match self {
            Self::Ours => true,
            Self::OursIfText => argument.is_string(),
            Self::Published | Self::Theirs | Self::NoPlace => false,
        }
    }
}

/// Takes an argument out; the others keep their order.
pub(crate) fn take_argument(arguments: &mut Map<String, Value>, name: &str) -> Option<Value> {
    if !arguments.contains_key(name) {
        return None;
    }
    // With `serde_json`'s `preserve_order`, `remove` would move the last argument to its place.
    let mut taken = None;
    let kept = std::mem::take(arguments)
        .into_iter()
        .filter_map(|(key, value)| {
            if key == name {
                taken = Some(value);
                return None;
            }
            Some((key, value))
        });
    *arguments = kept.collect();
    taken
}

/// Whether a schema names an argument outside of its properties: it is required, or an example has it.
fn names_argument(schema: &Map<String, Value>, name: &str) -> bool {
    let lists = |keyword| schema.get(keyword).and_then(Value::as_array);
    let mut required = lists("required").into_iter().flatten();
    let examples = lists("examples").into_iter().flatten();
    required.any(|required| required == name)
        || examples
            .chain(schema.get("default"))
            .any(|example| example.get(name).is_some())
}

/// Whether a closed schema has the form that strict modes of model vendors ask for: one or more properties, all
/// required. An optional one would take that form from it.
fn is_strict(schema: &Map<String, Value>) -> bool {
    let Some(Value::Object(properties)) = schema.get("properties") else {
        return false;
    };
    let Some(Value::Array(required)) = schema.get("required") else {
        return false;
    };
    let is_required = |name: &String| required.iter().any(|required| required == name);
    !properties.is_empty() && properties.keys().all(is_required)
}

/// Whether the properties of a schema are all that it says of the arguments.
fn is_plain(schema: &Map<String, Value>) -> bool {
    schema.get("type").is_none_or(|of| of == "object")
        && schema.get("properties").is_none_or(Value::is_object)
        && schema.get("required").is_none_or(Value::is_array)
        && schema.keys().all(|keyword| {
            PLAIN_KEYWORDS.contains(&keyword.as_str()) || keyword.starts_with(VENDOR_KEYWORD)
        })
}

/// Whether a part of a schema may refer to the whole, as a recursive type's does: our property would be asked for
/// within an argument too, where it is not taken out.
fn may_refer_to_root(schema: &Map<String, Value>) -> bool {
    let mut open: Vec<&Value> = schema.values().collect();
    let mut left = MAX_PARTS;
    while let Some(part) = open.pop() {
        match part {
            Value::Object(members) => {
                let mut references = ["$ref", "$dynamicRef", "$recursiveRef"]
                    .into_iter()
                    .filter_map(|keyword| members.get(keyword)?.as_str());
                // What begins so is the path of a part.
                if references.any(|to| !to.starts_with("#/")) {
                    return true;
                }
                open.extend(members.values().filter(|value| is_container(value)));
            }
            Value::Array(items) => open.extend(items.iter().filter(|value| is_container(value))),
            _ => continue,
        }
        left -= 1;
        if left == 0 {
            return true;
        }
    }
    false
}

const fn is_container(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::Array(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(schema: &Value) -> IntentProperty {
        IntentProperty::of(schema.as_object().unwrap(), "prompt", "why")
    }

    #[test]
    fn the_form_of_the_root_says_whose_an_argument_is() {
        use IntentProperty::{NoPlace, Ours, OursIfText};
        let a = json!({"a": {"type": "string"}});
        for (schema, expected) in [
            (json!({}), OursIfText),
            (json!({"type": "object"}), OursIfText),
            (
                json!({"type": "object", "properties": a, "required": ["a"]}),
                OursIfText,
            ),
            (
                json!({"properties": a, "$defs": {}, "x-vendor": 1, "title": "T"}),
                OursIfText,
            ),
            (
                json!({"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {}}}),
                OursIfText,
            ),
            (json!({"additionalProperties": false}), Ours),
            (
                json!({"properties": {}, "additionalProperties": false}),
                Ours,
            ),
            (
                json!({"properties": a, "additionalProperties": false}),
                Ours,
            ),
            (
                json!({"properties": a, "required": ["a"], "additionalProperties": false}),
                NoPlace,
            ),
            (
                json!({"properties": a, "additionalProperties": true}),
                NoPlace,
            ),
            (json!({"additionalProperties": {}}), NoPlace),
            (json!({"additionalProperties": null}), NoPlace),
            (json!({"type": "array"}), NoPlace),
            (json!({"type": ["object", "null"]}), NoPlace),
            (json!({"type": "object", "properties": true}), NoPlace),
            (
                json!({"properties": {"a": {"items": [{"$ref": "#"}]}}}),
                NoPlace,
            ),
            (
                json!({"$defs": {"A": {"$dynamicRef": "#node"}}, "additionalProperties": false}),
                NoPlace,
            ),
            (json!({"$defs": {"A": {"$ref": "whole.json"}}}), NoPlace),
        ] {
            assert_eq!(of(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn a_keyword_that_may_say_more_of_the_arguments_leaves_no_place() {
        for keyword in [
            "$ref",
            "$dynamicRef",
            "$recursiveRef",
            "allOf",
            "anyOf",
            "oneOf",
            "not",
            "if",
            "then",
            "else",
            "const",
            "enum",
            "dependencies",
            "dependentRequired",
            "dependentSchemas",
            "extends",
            "maxProperties",
            "minProperties",
            "patternProperties",
            "propertyNames",
            "unevaluatedProperties",
            "ofTomorrow",
        ] {
            for closed in [false, true] {
                let mut schema = json!({"type": "object", "properties": {"a": {}}});
                if closed {
                    schema["additionalProperties"] = json!(false);
                }
                assert!(of(&schema).is_added());
                schema[keyword] = json!("#/$defs/A");
                assert_eq!(of(&schema), IntentProperty::NoPlace, "{schema}");
            }
        }
    }

    #[test]
    fn a_tool_owns_what_it_declares_requires_or_shows() {
        for schema in [
            json!({"properties": {"prompt": {"type": "string"}}}),
            json!({"properties": {"prompt": true}, "oneOf": []}),
            json!({"required": ["prompt"]}),
            json!({"required": ["prompt"], "additionalProperties": false}),
            json!({"examples": [{}, {"prompt": "a cat"}]}),
            json!({"default": {"prompt": null}}),
        ] {
            assert_eq!(of(&schema), IntentProperty::Theirs, "{schema}");
        }
        let published = json!({"properties": {"prompt": {"description": "why"}}, "oneOf": []});
        assert_eq!(of(&published), IntentProperty::Published);
    }

    #[test]
    fn a_schema_too_large_to_be_looked_at_gets_no_property() {
        let schema = |parts: usize| json!({"$defs": {"A": {"enum": vec![json!([]); parts]}}});
        assert_eq!(of(&schema(1_000)), IntentProperty::OursIfText);
        assert_eq!(of(&schema(MAX_PARTS)), IntentProperty::NoPlace);
    }

    #[test]
    fn of_a_schema_that_is_silent_only_a_text_is_taken() {
        for (property, takes_text, takes_number) in [
            (IntentProperty::Ours, true, true),
            (IntentProperty::OursIfText, true, false),
            (IntentProperty::Published, false, false),
            (IntentProperty::Theirs, false, false),
            (IntentProperty::NoPlace, false, false),
        ] {
            assert_eq!(property.claims(&json!("")), takes_text);
            assert_eq!(property.claims(&json!(1)), takes_number);
            assert_eq!(property.is_added(), takes_text);
        }
    }

    #[test]
    fn an_argument_is_taken_and_the_others_keep_their_order() {
        let mut arguments = Map::new();
        for name in ["c", "prompt", "a", "b"] {
            arguments.insert(name.to_owned(), json!(name));
        }
        assert_eq!(take_argument(&mut arguments, "absent"), None);
        assert_eq!(
            take_argument(&mut arguments, "prompt"),
            Some(json!("prompt"))
        );
        let names: Vec<_> = arguments.keys().collect();
        assert_eq!(names, ["c", "a", "b"]);
    }
}
