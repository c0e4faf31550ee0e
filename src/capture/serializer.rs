//! A serde `Serializer` that writes JSON within limits, whatever it is given.
//!
//! serde cannot stop a foreign `Serialize` half-way but by an error. So past a value's limits its
//! entries are passed over unseen, up to a budget; past the budget the pass ends with
//! [`Stop::Budget`] and what is open is closed. Each string is written whole or cut, never left open.

use std::fmt::{self, Display, Write as _};

use serde::ser::{self, Serialize};

use super::binary;
use super::text_serializer::{TextRole, TextSerializer};
use super::writer::{Stop, ValueWriter};
use crate::base::text::cut_at_char;

/// The names under which serde_json smuggles its own types through serde.
const RAW_VALUE: &str = "$serde_json::private::RawValue";
const NUMBER: &str = "$serde_json::private::Number";

/// A container on its way through serde.
#[derive(Debug)]
pub(crate) struct Compound<'w, 'b, 'r> {
    writer: &'w mut ValueWriter<'b, 'r>,
    entries: Entries,
}

/// What becomes of a container's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entries {
    /// They are written; `keep` says whether the member whose name came last is.
    Written { keep: bool },
    /// The container is too deep and was replaced by a mark.
    Skipped,
    /// The container is a type of serde_json's: its one field holds the text.
    Text(TextRole),
}

impl<'w, 'b, 'r> Compound<'w, 'b, 'r> {
    fn new(writer: &'w mut ValueWriter<'b, 'r>, is_object: bool, wrap: Option<&str>) -> Self {
        let entries = if writer.open(is_object, wrap) {
            Entries::Written { keep: true }
        } else {
            Entries::Skipped
        };
        Self { writer, entries }
    }

    #[inline]
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        match self.entries {
            Entries::Written { .. } if self.writer.entry()? => value.serialize(&mut *self.writer),
            Entries::Written { .. } => Ok(()),
            _ => self.writer.skip(),
        }
    }

    #[inline]
    fn member<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Stop> {
        match self.entries {
            Entries::Written { .. } => {
                if self.writer.entry()? {
                    self.writer.key(name);
                    if !self.writer.keys_only() {
                        value.serialize(&mut *self.writer)?;
                    }
                }
                Ok(())
            }
            Entries::Skipped => self.writer.skip(),
            Entries::Text(role) => value.serialize(self.text(role)),
        }
    }

    fn text(&mut self, role: TextRole) -> TextSerializer<'_, 'b, 'r> {
        TextSerializer {
            writer: &mut *self.writer,
            role,
        }
    }

    fn finish(self) {
        if matches!(self.entries, Entries::Written { .. }) {
            self.writer.close();
        }
    }
}

macro_rules! integers {
    ($($method:ident: $type:ty),+) => {$(
        fn $method(self, v: $type) -> Result<(), Stop> {
            self.integer(v);
            Ok(())
        }
    )+};
}

impl<'w, 'b, 'r> ser::Serializer for &'w mut ValueWriter<'b, 'r> {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = Compound<'w, 'b, 'r>;
    type SerializeTuple = Compound<'w, 'b, 'r>;
    type SerializeTupleStruct = Compound<'w, 'b, 'r>;
    type SerializeTupleVariant = Compound<'w, 'b, 'r>;
    type SerializeMap = Compound<'w, 'b, 'r>;
    type SerializeStruct = Compound<'w, 'b, 'r>;
    type SerializeStructVariant = Compound<'w, 'b, 'r>;

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128
    }

    fn serialize_f32(self, v: f32) -> Result<(), Stop> {
        self.number(v)
    }

    fn serialize_f64(self, v: f64) -> Result<(), Stop> {
        self.number(v)
    }

    fn serialize_bool(self, v: bool) -> Result<(), Stop> {
        self.literal(if v { "true" } else { "false" });
        Ok(())
    }

    fn serialize_char(self, v: char) -> Result<(), Stop> {
        self.string(v.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, v: &str) -> Result<(), Stop> {
        self.string(v);
        Ok(())
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<(), Stop> {
        self.string(&binary::bytes_marker(v));
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Stop> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Stop> {
        self.literal("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Stop> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Stop> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        let mut object = Compound::new(self, true, None);
        object.member(variant, value)?;
        object.finish();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'w, 'b, 'r>, Stop> {
        Ok(Compound::new(self, false, None))
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'w, 'b, 'r>, Stop> {
        Ok(Compound::new(self, false, None))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Compound<'w, 'b, 'r>, Stop> {
        Ok(Compound::new(self, false, None))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'w, 'b, 'r>, Stop> {
        Ok(Compound::new(self, false, Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'w, 'b, 'r>, Stop> {
        Ok(Compound::new(self, true, None))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Compound<'w, 'b, 'r>, Stop> {
        match name {
            NUMBER => Ok(Compound {
                writer: self,
                entries: Entries::Text(TextRole::Number),
            }),
            RAW_VALUE => Ok(Compound {
                writer: self,
                entries: Entries::Text(TextRole::RawJson),
            }),
            _ => Ok(Compound::new(self, true, None)),
        }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'w, 'b, 'r>, Stop> {
        Ok(Compound::new(self, true, Some(variant)))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Stop> {
        let mut text = Bounded {
            text: String::new(),
            most: self.window_bytes(),
        };
        // `Bounded` fails once it is full, which ends the `Display`.
        let _ = write!(text, "{value}");
        self.string(&text.text);
        Ok(())
    }
}

/// Collects the beginning of a `Display`, up to `most` bytes.
struct Bounded {
    text: String,
    most: usize,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let kept = cut_at_char(s, self.most.saturating_sub(self.text.len()));
        self.text.push_str(kept);
        if kept.len() < s.len() {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

/// serde has a trait for each shape; lists differ in their names alone, and so do objects.
macro_rules! lists {
    ($($shape:ident $method:ident),+) => {$(
        impl ser::$shape for Compound<'_, '_, '_> {
            type Ok = ();
            type Error = Stop;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
                self.item(value)
            }

            fn end(self) -> Result<(), Stop> {
                self.finish();
                Ok(())
            }
        }
    )+};
}

lists! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
}

macro_rules! objects {
    ($($shape:ident),+) => {$(
        impl ser::$shape for Compound<'_, '_, '_> {
            type Ok = ();
            type Error = Stop;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Stop> {
                self.member(key, value)
            }

            fn end(self) -> Result<(), Stop> {
                self.finish();
                Ok(())
            }
        }
    )+};
}

objects! { SerializeStruct, SerializeStructVariant }

impl ser::SerializeMap for Compound<'_, '_, '_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Stop> {
        if self.entries == Entries::Skipped {
            return self.writer.skip();
        }
        let keep = self.writer.entry()?;
        self.entries = Entries::Written { keep };
        if keep {
            key.serialize(self.text(TextRole::Key))?;
        }
        Ok(())
    }

    #[inline]
    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), Stop> {
        if self.entries == Entries::Skipped {
            return self.writer.skip();
        }
        if self.writer.entry()? {
            key.serialize(self.text(TextRole::Key))?;
            if !self.writer.keys_only() {
                value.serialize(&mut *self.writer)?;
            }
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        if self.entries == (Entries::Written { keep: true }) && !self.writer.keys_only() {
            value.serialize(&mut *self.writer)?;
        }
        Ok(())
    }

    fn end(self) -> Result<(), Stop> {
        self.finish();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Serialize, Serializer};
    use serde_json::{Value, json};

    use super::*;
    use crate::capture::{CapturePolicy, capture_value};
    use crate::ledger::Ledger;
    use crate::limits::Limits;
    use crate::redact::Redactor;

    fn written(value: &(impl Serialize + Sync), limits: Limits) -> Value {
        let policy = CapturePolicy {
            limits,
            redactor: Redactor::off(),
        };
        let captured = capture_value(&policy, value, false, &Ledger::default());
        serde_json::from_slice(captured.json.as_bytes()).unwrap()
    }

    #[derive(Serialize)]
    struct Unit;

    #[derive(Serialize)]
    struct Wrapper(u8);

    #[derive(Serialize)]
    struct Pair(u8, &'static str);

    #[derive(Serialize)]
    enum Shape {
        Unit,
        Newtype(Wrapper),
        Tuple(u8, [i8; 2]),
        Struct {
            inner: Option<Pair>,
            absent: Option<u8>,
        },
    }

    #[test]
    fn every_shape_of_serde_is_written_as_serde_json_writes_it() {
        let shapes = (
            [
                Shape::Unit,
                Shape::Newtype(Wrapper(1)),
                Shape::Tuple(2, [-3, 4]),
            ],
            Shape::Struct {
                inner: Some(Pair(5, "text")),
                absent: None,
            },
            (Unit, (), true, 'c', u64::MAX, i64::MIN),
            (0.1_f32, -2.5e300_f64, f64::NAN, f64::INFINITY),
            BTreeMap::from([(1, Unit), (2, Unit)]),
        );
        let expected = serde_json::to_value(&shapes).unwrap();
        assert_eq!(written(&shapes, Limits::default()), expected);
    }

    #[test]
    fn what_is_too_deep_becomes_a_mark_in_every_shape() {
        let limits = Limits::default().max_depth(1);
        let mark = json!("[max depth]");
        for (value, expected) in [
            (written(&[[0]], limits), json!([[0]])),
            (written(&[[[0]]], limits), json!([[mark]])),
            (written(&[[(0, 1)]], limits), json!([[mark]])),
            (written(&[[Pair(0, "a")]], limits), json!([[mark]])),
            (
                written(&[[BTreeMap::from([(1, [2])])]], limits),
                json!([[mark]]),
            ),
            (
                written(&[[Shape::Tuple(0, [1, 2])]], limits),
                json!([[mark]]),
            ),
            (
                written(
                    &[[Shape::Struct {
                        inner: None,
                        absent: None,
                    }]],
                    limits,
                ),
                json!([[mark]]),
            ),
        ] {
            assert_eq!(value, expected);
        }
    }

    /// Gives the name and the value of a member in two calls, as serde's derive does for `flatten`.
    struct Apart(usize);

    impl Serialize for Apart {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeMap;
            let mut map = serializer.serialize_map(None)?;
            for n in 0..self.0 {
                map.serialize_key(&n)?;
                map.serialize_value(&[n])?;
            }
            map.end()
        }
    }

    #[test]
    fn a_name_and_its_value_may_come_apart() {
        let limits = Limits::default().max_top_keys(3).max_nested_keys(3);
        let whole = BTreeMap::from_iter((0..5).map(|n| (n, [n])));
        let expected = json!({"0": [0], "1": [1], "2": [2], "_truncated_keys": 2});
        assert_eq!(written(&whole, limits), expected);
        assert_eq!(written(&Apart(5), limits), expected);
        let shallow = limits.max_depth(0);
        assert_eq!(written(&[Apart(5)], shallow), json!(["[max depth]"]));
    }

    struct Endless;

    impl Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("é")?;
            }
        }
    }

    impl Serialize for Endless {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    #[test]
    fn a_text_that_never_ends_is_read_up_to_its_limit() {
        let limits = Limits::default().max_string_chars(100);
        let text = written(&Endless, limits);
        let text = text.as_str().unwrap();
        assert_eq!(text.chars().count(), 100);
        assert_eq!(text.trim_start_matches('é'), "...");
    }
}
