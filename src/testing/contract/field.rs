//! A value of a body together with its path, and the checks that more than one wire makes of a value.

use std::collections::HashSet;
use std::fmt;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::violation::Violation;

/// 2020 to 2100 in Unix seconds: wide enough for any recording, narrow enough to tell seconds from milliseconds.
const PLAUSIBLE_SECONDS: RangeInclusive<i64> = 1_577_836_800..=4_102_444_800;

pub(super) type Checked = Result<(), Violation>;

/// One row of a format's table: a key, whether its object has to have it, and the check of its value.
pub(super) type Rule = (&'static str, Presence, fn(&Field<'_>) -> Checked);

/// Whether an object has to have a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Required,
    Optional,
}

/// A value of the body, with the path that every violation of it names.
pub(super) struct Field<'a> {
    path: String,
    pub(super) value: &'a Value,
}

impl<'a> Field<'a> {
    /// The body itself.
    pub(super) fn root(value: &'a Value) -> Self {
        Self {
            path: String::from("body"),
            value,
        }
    }

    pub(super) fn object(&self) -> Result<Object<'a>, Violation> {
        let map = self
            .value
            .as_object()
            .ok_or_else(|| self.is_not("an object"))?;
        let prefix = if self.path == "body" {
            String::new()
        } else {
            format!("{}.", self.path)
        };
        Ok(Object { prefix, map })
    }

    pub(super) fn array(&self) -> Result<Vec<Self>, Violation> {
        let items = self
            .value
            .as_array()
            .ok_or_else(|| self.is_not("an array"))?;
        let item = |(index, value)| Field {
            path: format!("{}[{index}]", self.path),
            value,
        };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// Refuses a number that no double can hold, however deep it stands.
    pub(super) fn numbers_in_range(&self) -> Checked {
        match self.value {
            Value::Number(number) => {
                let finite = number.as_f64().is_some_and(f64::is_finite);
                self.ensure(finite, "is a number out of range")
            }
            Value::Array(_) => self.array()?.iter().try_for_each(Self::numbers_in_range),
            Value::Object(_) => self
                .object()?
                .fields()
                .try_for_each(|field| field.numbers_in_range()),
            _ => Ok(()),
        }
    }

    pub(super) fn text(&self) -> Result<&'a str, Violation> {
        self.value.as_str().ok_or_else(|| self.is_not("a string"))
    }

    pub(super) fn number(&self) -> Result<f64, Violation> {
        self.value.as_f64().ok_or_else(|| self.is_not("a number"))
    }

    pub(super) fn violation(&self, reason: impl fmt::Display) -> Violation {
        Violation::new(self.path.as_str(), reason.to_string())
    }

    fn is_not(&self, wanted: &str) -> Violation {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        self.violation(format_args!("is {found}, not {wanted}"))
    }

    /// Refuses the value for a reason, unless the condition holds.
    pub(super) fn ensure(&self, condition: bool, reason: impl fmt::Display) -> Checked {
        if condition {
            Ok(())
        } else {
            Err(self.violation(reason))
        }
    }

    pub(super) fn at_most(&self, size: usize, max: usize, unit: &str) -> Checked {
        self.ensure(
            size <= max,
            format_args!("has {size} {unit}, more than {max}"),
        )
    }

    pub(super) fn text_up_to(&self, max_chars: usize) -> Checked {
        self.at_most(self.text()?.chars().count(), max_chars, "characters")
    }

    pub(super) fn one_of(&self, known: &[&str]) -> Checked {
        self.ensure(
            known.contains(&self.text()?),
            format_args!("is none of {}", known.join(", ")),
        )
    }

    fn integer_in(&self, range: RangeInclusive<i64>) -> Checked {
        self.number()?;
        let Some(number) = self.value.as_i64() else {
            return Err(self.violation("is not a 64-bit integer"));
        };
        self.ensure(
            range.contains(&number),
            format_args!("is outside {} to {}", range.start(), range.end()),
        )
    }

    /// Checks the events of a batch: at least one, each by itself, and that no two have the same id.
    pub(super) fn batch_of(&self, check_event: fn(&Field<'_>) -> Checked, id_key: &str) -> Checked {
        let events = self.array()?;
        self.ensure(!events.is_empty(), "is empty")?;
        let mut ids = HashSet::with_capacity(events.len());
        for event in &events {
            check_event(event)?;
            let id = event.object()?.required(id_key)?;
            id.ensure(ids.insert(id.value), "is in this batch twice")?;
        }
        Ok(())
    }
}

/// An object of the body.
pub(super) struct Object<'a> {
    /// What the path of each of its fields begins with.
    prefix: String,
    pub(super) map: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    /// Names a key whether it is there or not, for a violation that is not about its value.
    pub(super) fn field(&self, key: &str) -> Field<'a> {
        Field {
            path: format!("{}{key}", self.prefix),
            value: self.map.get(key).unwrap_or(&Value::Null),
        }
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = Field<'a>> {
        self.map.keys().map(|key| self.field(key))
    }

    pub(super) fn optional(&self, key: &str) -> Option<Field<'a>> {
        self.map.contains_key(key).then(|| self.field(key))
    }

    pub(super) fn required(&self, key: &str) -> Result<Field<'a>, Violation> {
        self.optional(key)
            .ok_or_else(|| self.field(key).violation("is missing"))
    }

    /// Refuses keys other than these.
    pub(super) fn only(&self, known: &[&str]) -> Checked {
        match self.map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(self.field(key).violation("is not a key of this object")),
            None => Ok(()),
        }
    }

    /// Checks the fields that have a rule, in the order of the rules.
    pub(super) fn check(&self, rules: &[Rule]) -> Checked {
        for &(key, presence, check) in rules {
            if presence == Presence::Required || self.map.contains_key(key) {
                check(&self.required(key)?)?;
            }
        }
        Ok(())
    }

    /// Checks the fields, and refuses those that have no rule.
    pub(super) fn check_closed(&self, rules: &[Rule]) -> Checked {
        let known: Vec<&str> = rules.iter().map(|(key, ..)| *key).collect();
        self.only(&known)?;
        self.check(rules)
    }
}

pub(super) fn not_null(field: &Field<'_>) -> Checked {
    field.ensure(!field.value.is_null(), "is null, and should be absent")
}

pub(super) fn boolean(field: &Field<'_>) -> Checked {
    let found = field.value.as_bool().map(drop);
    found.ok_or_else(|| field.is_not("a boolean"))
}

pub(super) fn nonempty_text(field: &Field<'_>) -> Checked {
    field.ensure(!field.text()?.is_empty(), "is empty")
}

pub(super) fn any_text(field: &Field<'_>) -> Checked {
    field.text().map(drop)
}

pub(super) fn any_object(field: &Field<'_>) -> Checked {
    field.object().map(drop)
}

/// A number of things that may be none.
pub(super) fn count(field: &Field<'_>) -> Checked {
    field.integer_in(0..=i64::MAX)
}

pub(super) fn positive_integer(field: &Field<'_>) -> Checked {
    field.integer_in(1..=i64::MAX)
}

pub(super) fn unix_seconds(field: &Field<'_>) -> Checked {
    field.integer_in(PLAUSIBLE_SECONDS)
}

pub(super) fn unix_milliseconds(field: &Field<'_>) -> Checked {
    field.integer_in(PLAUSIBLE_SECONDS.start() * 1_000..=PLAUSIBLE_SECONDS.end() * 1_000)
}

/// A text of so many small hexadecimal digits.
pub(super) fn hex_text(field: &Field<'_>, digits: usize) -> Checked {
    let is_hex = is_hex_groups(field.text()?, &[digits]);
    field.ensure(is_hex, format_args!("is not {digits} hexadecimal digits"))
}

/// Whether a text is groups of small hexadecimal digits, of these lengths, with a hyphen between.
pub(super) fn is_hex_groups(text: &str, lengths: &[usize]) -> bool {
    text.split('-').map(str::len).eq(lengths.iter().copied())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'-' | b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Presence::{Optional, Required};
    use super::*;

    fn fault(checked: Checked) -> String {
        checked.unwrap_err().to_string()
    }

    #[test]
    fn a_violation_names_the_way_to_its_value() {
        let body = json!({"a": [{"b": 1}, {"b": {"c": null}}]});
        let root = Field::root(&body);
        let b = |index: usize| {
            let items = root
                .object()
                .unwrap()
                .required("a")
                .unwrap()
                .array()
                .unwrap();
            items[index].object().unwrap().required("b").unwrap()
        };
        assert_eq!(
            root.text().unwrap_err().to_string(),
            "body: is an object, not a string"
        );
        assert_eq!(fault(boolean(&b(0))), "a[0].b: is a number, not a boolean");
        let c = b(1).object().unwrap().required("c").unwrap();
        assert_eq!(
            fault(not_null(&c)),
            "a[1].b.c: is null, and should be absent"
        );
        let missing = b(1).object().unwrap().required("d").err().unwrap();
        assert_eq!(missing.to_string(), "a[1].b.d: is missing");
    }

    #[test]
    fn rows_are_checked_in_their_order_and_keys_without_a_row_first_of_all() {
        const ROWS: &[Rule] = &[("a", Required, nonempty_text), ("b", Optional, boolean)];
        let check = |body: Value, closed: bool| {
            let body = Field::root(&body).object().unwrap();
            let checked = if closed {
                body.check_closed(ROWS)
            } else {
                body.check(ROWS)
            };
            checked.err().map(|fault| fault.to_string())
        };
        for closed in [true, false] {
            assert_eq!(check(json!({"a": "x"}), closed), None);
            assert_eq!(check(json!({"b": 1}), closed).unwrap(), "a: is missing");
            assert_eq!(
                check(json!({"a": "", "b": 1}), closed).unwrap(),
                "a: is empty"
            );
            let null = check(json!({"a": "x", "b": null}), closed);
            assert_eq!(
                null.unwrap(),
                "b: is null, not a boolean",
                "optional is not null"
            );
        }
        assert_eq!(check(json!({"a": "x", "z": 1}), false), None);
        let unknown = check(json!({"a": "", "z": 1}), true);
        assert_eq!(unknown.unwrap(), "z: is not a key of this object");
    }

    #[test]
    fn numbers_are_within_their_range_to_the_last() {
        type Check = fn(&Field<'_>) -> Checked;
        let ranges: [(Check, i64, i64); 4] = [
            (count, 0, i64::MAX),
            (positive_integer, 1, i64::MAX),
            (unix_seconds, 1_577_836_800, 4_102_444_800),
            (unix_milliseconds, 1_577_836_800_000, 4_102_444_800_000),
        ];
        for (check, first, last) in ranges {
            let check = |value: Value| check(&Field::root(&value));
            assert_eq!((check(json!(first)), check(json!(last))), (Ok(()), Ok(())));
            assert!(check(json!(first - 1)).is_err());
            assert!(check(json!(last as u64 + 1)).is_err());
            assert!(check(json!(first as f64 + 0.5)).is_err());
            assert!(check(json!(first.to_string())).is_err());
        }
    }

    #[test]
    fn a_length_is_counted_in_characters() {
        let text = json!("éé😀");
        let text = Field::root(&text);
        assert_eq!(text.text_up_to(3), Ok(()));
        assert_eq!(
            fault(text.text_up_to(2)),
            "body: has 3 characters, more than 2"
        );
    }

    #[test]
    fn hexadecimal_digits_are_small_and_as_many_as_they_must_be() {
        for (text, is_hex) in [
            ("0a9f", true),
            ("0A9f", false),
            ("0a9", false),
            ("0a9f0", false),
            ("0a9g", false),
            ("0a-f", false),
            ("", false),
        ] {
            let value = json!(text);
            assert_eq!(hex_text(&Field::root(&value), 4).is_ok(), is_hex, "{text}");
        }
        assert!(is_hex_groups("00-ab-c", &[2, 2, 1]));
        assert!(!is_hex_groups("00-ab", &[2, 2, 1]));
        assert!(!is_hex_groups("00-ab-c-", &[2, 2, 1]));
    }

    #[test]
    fn an_id_twice_in_a_batch_is_found_where_it_stands_again() {
        fn any(_: &Field<'_>) -> Checked {
            Ok(())
        }
        let batch = json!([{"id": 1}, {"id": "1"}, {"id": 1}]);
        let twice = Field::root(&batch).batch_of(any, "id");
        assert_eq!(fault(twice), "body[2].id: is in this batch twice");
        let empty = json!([]);
        assert_eq!(
            fault(Field::root(&empty).batch_of(any, "id")),
            "body: is empty"
        );
    }
}
