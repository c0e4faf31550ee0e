//! What the members of a finished event may be, whatever made them: a hook of the user's, or a file.
//!
//! The same forms hold for what is captured. There the types of the API and the formats keep most of them; here each
//! is looked at.

use serde_json::{Map, Number, Value};

use crate::event::{MAX_DESCRIPTION_CHARS, MAX_DURATION, PLAUSIBLE_MILLIS};
use crate::ledger::DropReason;
use crate::limits::Limits;

/// An event, or its `meta`.
pub(crate) type Members = Map<String, Value>;

/// With what an event is checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Check<'a> {
    pub(crate) limits: &'a Limits,
    /// Most characters of a name.
    pub(crate) name_chars: usize,
    /// The event as it was captured, if it is to be had: what is the same in it was checked then.
    pub(crate) captured: Option<&'a Members>,
    /// Stands in the place of a time that is none, in Unix milliseconds.
    pub(crate) otherwise_at: u64,
}

/// What a check has changed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Values that were left out, or have got their default.
    pub(crate) left_out: u64,
    /// Texts that were cut.
    pub(crate) cut: u64,
}

impl Changes {
    pub(crate) const fn any(self) -> bool {
        self.left_out + self.cut > 0
    }

    pub(crate) const fn left_out(values: u64) -> Self {
        Self {
            left_out: values,
            cut: 0,
        }
    }
}

impl std::ops::AddAssign for Changes {
    fn add_assign(&mut self, more: Self) {
        self.left_out += more.left_out;
        self.cut += more.cut;
    }
}

/// What is made of a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// It is as the format has it.
    Sound,
    /// It was longer, or had more digits.
    Cut,
    /// So many values within it were left out.
    Without(u64),
    /// It is not of its form.
    Malformed,
}

/// What stands in the place of a member that is absent or malformed.
pub(super) enum Otherwise {
    /// Nothing: the member is optional.
    Absent,
    /// The event cannot be sent.
    Missing,
    /// A value that says nothing.
    Default(fn(&Check<'_>) -> Value),
}

/// A row of a format's table.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) otherwise: Otherwise,
    pub(super) form: fn(&mut Value, &Check<'_>) -> Form,
}

pub(super) const fn optional(name: &'static str, form: fn(&mut Value, &Check<'_>) -> Form) -> Rule {
    Rule {
        name,
        otherwise: Otherwise::Absent,
        form,
    }
}

pub(super) const fn required(name: &'static str, form: fn(&mut Value, &Check<'_>) -> Form) -> Rule {
    Rule {
        name,
        otherwise: Otherwise::Missing,
        form,
    }
}

/// Checks the members that have a row. `captured` are those of the same object.
pub(super) fn check_members(
    members: &mut Members,
    captured: Option<&Members>,
    rules: &[Rule],
    check: &Check<'_>,
) -> Result<Changes, DropReason> {
    let mut changes = Changes::default();
    for rule in rules {
        let is_malformed = match members.get_mut(rule.name) {
            None => false,
            Some(value) if captured.and_then(|before| before.get(rule.name)) == Some(value) => {
                continue;
            }
            Some(value) => match (rule.form)(value, check) {
                Form::Sound => continue,
                Form::Cut => {
                    changes.cut += 1;
                    continue;
                }
                Form::Without(values) => {
                    changes.left_out += values;
                    continue;
                }
                Form::Malformed => true,
            },
        };
        let value = match rule.otherwise {
            Otherwise::Absent if !is_malformed => continue,
            Otherwise::Absent => None,
            Otherwise::Missing => return Err(DropReason::MissingField),
            Otherwise::Default(value) => Some(value(check)),
        };
        changes.left_out += 1;
        set(members, rule.name, value);
    }
    Ok(changes)
}

/// Leaves out the members that have no row.
pub(super) fn close(members: &mut Members, rules: &[Rule]) -> Changes {
    let given = members.len();
    members.retain(|name, _| rules.iter().any(|rule| rule.name == name));
    Changes::left_out((given - members.len()) as u64)
}

/// Leaves out the numbers that no double holds, which there are where the host has switched `serde_json`'s
/// `arbitrary_precision` on: as a member of the event or of its `meta` it goes, and further within null stands in its
/// place.
pub(super) fn leave_out_numbers(members: &mut Members) -> Changes {
    fn take_out(members: &mut Members) -> u64 {
        let given = members.len();
        members.retain(|_, value| !value.as_number().is_some_and(is_no_double));
        (given - members.len()) as u64
    }
    let mut left_out = take_out(members);
    if let Some(Value::Object(meta)) = members.get_mut("meta") {
        left_out += take_out(meta);
    }
    let mut open: Vec<&mut Value> = members.values_mut().collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Number(number) if is_no_double(number) => {
                *value = Value::Null;
                left_out += 1;
            }
            Value::Array(items) => open.extend(items),
            Value::Object(members) => open.extend(members.values_mut()),
            _ => {}
        }
    }
    Changes::left_out(left_out)
}

fn is_no_double(number: &Number) -> bool {
    !number.as_f64().is_some_and(f64::is_finite)
}

/// Sets or takes out a member.
fn set(members: &mut Members, name: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(members.insert(name.to_owned(), value)),
        None => members.retain(|other, _| other != name),
    }
}

fn sound_if(is_sound: bool) -> Form {
    if is_sound {
        Form::Sound
    } else {
        Form::Malformed
    }
}

/// A text of at most so many characters; a longer one is cut.
fn text_up_to(value: &mut Value, most: usize) -> Form {
    /// Says that a text was cut.
    const CUT: &str = "...";
    let Value::String(text) = value else {
        return Form::Malformed;
    };
    if text.len() <= most || text.chars().count() <= most {
        return Form::Sound;
    }
    let kept = most.saturating_sub(CUT.len());
    let end = text.char_indices().nth(kept).map_or(text.len(), |at| at.0);
    text.truncate(end);
    text.push_str(CUT);
    Form::Cut
}

/// A text that is not empty and stays as it is: an id.
pub(super) fn exact(value: &mut Value, _: &Check<'_>) -> Form {
    sound_if(value.as_str().is_some_and(|text| !text.is_empty()))
}

pub(super) fn name(value: &mut Value, check: &Check<'_>) -> Form {
    match exact(value, check) {
        Form::Sound => text_up_to(value, check.name_chars),
        other => other,
    }
}

pub(super) fn error(value: &mut Value, check: &Check<'_>) -> Form {
    text_up_to(value, check.limits.error_chars)
}

pub(super) fn prompt(value: &mut Value, check: &Check<'_>) -> Form {
    text_up_to(value, check.limits.prompt_chars)
}

pub(super) fn description(value: &mut Value, _: &Check<'_>) -> Form {
    text_up_to(value, MAX_DESCRIPTION_CHARS)
}

pub(super) fn one_of(value: &Value, words: impl IntoIterator<Item = &'static str>) -> Form {
    sound_if(words.into_iter().any(|word| value == word))
}

pub(super) fn positive(value: &mut Value, _: &Check<'_>) -> Form {
    sound_if(value.as_i64().is_some_and(|number| number >= 1))
}

pub(super) fn count(value: &mut Value, _: &Check<'_>) -> Form {
    sound_if(value.as_i64().is_some_and(|number| number >= 0))
}

pub(super) fn flag(value: &mut Value, _: &Check<'_>) -> Form {
    sound_if(value.is_boolean())
}

pub(super) fn object(value: &mut Value, _: &Check<'_>) -> Form {
    sound_if(value.is_object())
}

pub(super) fn not_null(value: &mut Value, _: &Check<'_>) -> Form {
    sound_if(!value.is_null())
}

/// Names in a list; what is none is taken out.
pub(super) fn names(value: &mut Value, check: &Check<'_>) -> Form {
    let Value::Array(items) = value else {
        return Form::Malformed;
    };
    let (given, mut cut) = (items.len(), false);
    items.retain_mut(|item| match name(item, check) {
        Form::Malformed => false,
        form => {
            cut |= form == Form::Cut;
            true
        }
    });
    match (given - items.len()) as u64 {
        0 if cut => Form::Cut,
        0 => Form::Sound,
        left_out => Form::Without(left_out),
    }
}

/// Whole milliseconds of a call.
pub(super) fn whole_millis(value: &mut Value, _: &Check<'_>) -> Form {
    let millis = value.as_u64();
    sound_if(millis.is_some_and(|millis| u128::from(millis) <= MAX_DURATION.as_millis()))
}

/// Milliseconds of a call, with at most two decimals.
pub(super) fn millis(value: &mut Value, _: &Check<'_>) -> Form {
    let most = MAX_DURATION.as_millis() as f64;
    let Some(millis) = value
        .as_f64()
        .filter(|millis| (0.0..=most).contains(millis))
    else {
        return Form::Malformed;
    };
    let rounded = (millis * 100.0).round() / 100.0;
    if rounded == millis {
        return Form::Sound;
    }
    *value = Value::from(rounded);
    Form::Cut
}

/// Unix seconds, as far as the machine's own clock could tell: one that was never set is not judged.
pub(super) fn seconds(value: &mut Value, check: &Check<'_>) -> Form {
    time(value, check, 1_000)
}

/// Unix nanoseconds.
pub(super) fn nanos(value: &mut Value, check: &Check<'_>) -> Form {
    let at = value.as_u64().map(|nanos| Value::from(nanos / 1_000_000));
    at.map_or(Form::Malformed, |at| time(&at, check, 1))
}

/// Nanoseconds of a call.
pub(super) fn nanos_of_a_call(value: &mut Value, _: &Check<'_>) -> Form {
    let nanos = value.as_u64();
    sound_if(nanos.is_some_and(|nanos| u128::from(nanos) <= MAX_DURATION.as_nanos()))
}

pub(super) fn milliseconds(value: &mut Value, check: &Check<'_>) -> Form {
    time(value, check, 1)
}

fn time(value: &Value, check: &Check<'_>, millis: u128) -> Form {
    let is_plausible = |at: u64| PLAUSIBLE_MILLIS.contains(&(u128::from(at) * millis));
    let clock_is_set = PLAUSIBLE_MILLIS.contains(&u128::from(check.otherwise_at));
    let at = value.as_u64();
    sound_if(at.is_some_and(|at| is_plausible(at) || !clock_is_set))
}

/// Whether no name stands twice in one object, at any depth: parsing hides it, and a receiver may not.
pub(crate) fn has_unique_names(json: &[u8]) -> bool {
    let mut json = serde_json::Deserializer::from_slice(json);
    unique::Unique::check(&mut json)
}

mod unique {
    use std::collections::HashSet;
    use std::fmt;

    use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

    /// A value of any kind without a name that stands twice in one object.
    pub(super) struct Unique;

    impl Unique {
        pub(super) fn check<'de>(json: impl Deserializer<'de>) -> bool {
            Self::deserialize(json).is_ok()
        }
    }

    impl<'de> Deserialize<'de> for Unique {
        fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
            json.deserialize_any(Self)
        }
    }

    impl<'de> Visitor<'de> for Unique {
        type Value = Self;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("JSON")
        }

        fn visit_unit<E>(self) -> Result<Self, E> {
            Ok(self)
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
            Ok(self)
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
            Ok(self)
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
            Ok(self)
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
            Ok(self)
        }

        fn visit_str<E>(self, _: &str) -> Result<Self, E> {
            Ok(self)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
            while items.next_element::<Self>()?.is_some() {}
            Ok(self)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
            let mut names = HashSet::new();
            while let Some(name) = members.next_key::<String>()? {
                if !names.insert(name) {
                    return Err(A::Error::custom("a name stands twice"));
                }
                members.next_value::<Self>()?;
            }
            Ok(self)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::limits::MAX_NAME_CHARS;
    use crate::wire::{Mcpeye, Otlp, Wire};

    const QUEUED_AT: u64 = 1_800_000_000_123;

    fn check(wire: &Wire, event: &Value) -> Result<(Value, Changes), DropReason> {
        let mut event = event.as_object().unwrap().clone();
        let check = Check {
            limits: &Limits::default(),
            name_chars: MAX_NAME_CHARS,
            captured: None,
            otherwise_at: QUEUED_AT,
        };
        let changes = wire.form().check(&mut event, &check)?;
        Ok((event.into(), changes))
    }

    fn reo() -> Value {
        json!({
            "activity_type": "MCP_TOOL_CALL", "source": "s", "environment": "e", "user_id": "u",
            "user_id_type": "EMAIL", "product_id": "p", "event_id": 7, "event_at": 1_800_000_000,
            "user_agent": "a", "meta": {"tool": "t", "duration_ms": 1.25, "own": [1, null]},
        })
    }

    fn mcpeye() -> Value {
        json!({
            "callId": "00000000-0000-4000-8000-00000000002a", "toolName": "t", "isError": false,
            "timestamp": QUEUED_AT, "durationMs": 7, "arguments": {}, "result": 1,
        })
    }

    fn record() -> Value {
        let mut event = reo();
        event["head"] = json!({
            "start": QUEUED_AT * 1_000_000, "duration": 7, "code": -32_602, "email": "r@example.com",
            "tracestate": "a=1", "link": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        });
        event
    }

    #[test]
    fn a_malformed_member_of_a_span_alone_is_left_out_alone() {
        let wire = Wire::Otlp(Otlp::spans());
        for (name, value) in [
            ("start", json!(QUEUED_AT)),
            ("end", json!("x")),
            ("duration", json!(u64::MAX)),
            ("code", json!(1.5)),
            ("email", json!("")),
            ("pseudonym", json!(1)),
            ("tracestate", json!("\n")),
            ("link", json!("x")),
            ("link_state", json!("\n")),
            ("more", json!(1)),
        ] {
            let mut event = record();
            event["head"][name] = value;
            let mut without = event.clone();
            without["head"].as_object_mut().unwrap().remove(name);
            let checked = check(&wire, &event);
            assert_eq!(checked, Ok((without, Changes::left_out(1))), "{name}");
        }
        let mut event = record();
        event["head"] = json!(7);
        assert_eq!(check(&wire, &event), Ok((reo(), Changes::left_out(1))));
        // The head is none of the event's values, and goes without being counted as one.
        let cut = Changes {
            left_out: 0,
            cut: 1,
        };
        assert_eq!(check(&Wire::Reo, &record()), Ok((reo(), cut)));
    }

    #[test]
    fn a_sound_event_stays_as_it_is() {
        for (wire, event) in [
            (Wire::Otlp(Otlp::spans()), record()),
            (Wire::Reo, reo()),
            (Wire::ReoBatch, reo()),
            (Wire::Mcpeye(Mcpeye::new("p")), mcpeye()),
        ] {
            assert_eq!(check(&wire, &event), Ok((event, Changes::default())));
        }
    }

    #[test]
    fn what_a_wire_requires_is_missed_or_has_a_default() {
        for (wire, event, defaults) in [
            (Wire::Reo, reo(), &["event_at", "meta"][..]),
            (
                Wire::Mcpeye(Mcpeye::new("p")),
                mcpeye(),
                &["timestamp", "durationMs", "arguments", "result"],
            ),
        ] {
            for name in event.as_object().unwrap().keys() {
                let mut without = event.clone();
                without.as_object_mut().unwrap().remove(name);
                let is_missed = check(&wire, &without) == Err(DropReason::MissingField);
                assert_eq!(is_missed, !defaults.contains(&name.as_str()), "{name}");
            }
        }
    }

    #[test]
    fn a_time_that_is_none_becomes_that_of_the_queue_unless_no_clock_was_set() {
        let mut event = reo();
        for at in [
            json!(7),
            json!("x"),
            json!(1.5),
            json!(-1),
            json!(QUEUED_AT),
        ] {
            event["event_at"] = at;
            let (checked, changes) = check(&Wire::Reo, &event).unwrap();
            assert_eq!(checked["event_at"], QUEUED_AT / 1_000);
            assert_eq!(changes, Changes::left_out(1));
        }
        let mut at = json!(7);
        let check = Check {
            limits: &Limits::default(),
            name_chars: 1,
            captured: None,
            otherwise_at: 7_000,
        };
        assert_eq!(seconds(&mut at, &check), Form::Sound);
    }

    #[test]
    fn an_init_without_its_tools_is_not_sent() {
        let mut init = reo();
        init["activity_type"] = json!("MCP_INIT");
        init["meta"] = json!({"tools": ["a", "", 7], "tool_count": 3});
        let (checked, changes) = check(&Wire::Reo, &init).unwrap();
        assert_eq!(checked["meta"]["tools"], json!(["a"]));
        assert_eq!(changes, Changes::left_out(2));
        init["meta"] = json!(7);
        assert_eq!(check(&Wire::Reo, &init), Err(DropReason::MissingField));
        init["meta"] = json!({"tools": []});
        assert_eq!(check(&Wire::Reo, &init), Err(DropReason::MissingField));
    }

    #[test]
    fn a_number_that_no_double_holds_is_no_member_and_null_further_within() {
        let mut event = reo();
        let huge = || serde_json::from_str::<Value>("1e999").unwrap();
        event["meta"]["result"] = huge();
        event["meta"]["tool_arguments"] = json!({"a": [huge()]});
        let (checked, changes) = check(&Wire::Reo, &event).unwrap();
        assert_eq!(checked["meta"].get("result"), None);
        assert_eq!(checked["meta"]["tool_arguments"], json!({"a": [null]}));
        assert_eq!(changes, Changes::left_out(2));
    }

    #[test]
    fn a_name_that_stands_twice_is_found_at_any_depth() {
        for (json, is_unique) in [
            (
                r#"{"a":1,"b":[{"a":2},{"a":null}],"c":{"a":1.5,"b":true}}"#,
                true,
            ),
            (r#"{"a":1,"a":1}"#, false),
            (r#"{"a":1,"\u0061":1}"#, false),
            (r#"{"a":[[{"b":{"c":-1,"c":""}}]]}"#, false),
            ("{", false),
        ] {
            assert_eq!(has_unique_names(json.as_bytes()), is_unique, "{json}");
        }
    }
}
