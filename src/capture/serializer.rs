//! A serde `Serializer` that writes JSON within limits, whatever it is given.
//!
//! serde cannot stop a foreign `Serialize` half-way but by an error. So past a value's limits its
//! entries are passed over unseen, up to a budget; past the budget the pass ends with
//! [`Stop::Budget`] and what is open is closed. Each string is written whole or cut, never left open.

use std::fmt::{self, Display, Write as _};

use serde::ser::{self, Serialize};

use super::map_keys::{MapKey, Verbatim};
use super::writer::{Stop, Writer};
use crate::capture::binary;
use crate::limits;

/// The names under which serde_json smuggles its own types through serde.
const RAW_VALUE: &str = "$serde_json::private::RawValue";
const NUMBER: &str = "$serde_json::private::Number";

/// A container on its way through serde.
#[derive(Debug)]
pub(crate) struct Compound<'w, 'b, 'r> {
    writer: &'w mut Writer<'b, 'r>,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// An open frame; `keep` says whether the member whose name came last is kept.
    Open {
        keep: bool,
    },
    /// Too deep: replaced by a mark, its entries unseen.
    Skipped,
    /// serde_json's number or raw value: its one field holds the text.
    Number,
    Raw,
}

impl<'w, 'b, 'r> Compound<'w, 'b, 'r> {
    fn new(writer: &'w mut Writer<'b, 'r>, is_object: bool, wrap: Option<&str>) -> Self {
        let state = if writer.open(is_object, wrap) {
            State::Open { keep: true }
        } else {
            State::Skipped
        };
        Self { writer, state }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        match self.state {
            State::Open { .. } if self.writer.entry()? => value.serialize(&mut *self.writer),
            State::Open { .. } => Ok(()),
            _ => self.pass(),
        }
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Stop> {
        match self.state {
            State::Open { .. } => {
                if self.writer.entry()? {
                    self.writer.key(name);
                    if !self.writer.keys_only() {
                        value.serialize(&mut *self.writer)?;
                    }
                }
                Ok(())
            }
            State::Skipped => self.pass(),
            State::Number | State::Raw => {
                let raw = self.state == State::Raw;
                value.serialize(Verbatim {
                    writer: &mut *self.writer,
                    raw,
                })
            }
        }
    }

    /// Counts an entry that is not looked at.
    fn pass(&mut self) -> Result<(), Stop> {
        self.writer.skipped += 1;
        if self.writer.skipped > limits::MAX_SKIPPED_NODES {
            return Err(Stop::Budget);
        }
        Ok(())
    }

    fn finish(self) {
        if matches!(self.state, State::Open { .. }) {
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

impl<'w, 'b, 'r> ser::Serializer for &'w mut Writer<'b, 'r> {
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
                state: State::Number,
            }),
            RAW_VALUE => Ok(Compound {
                writer: self,
                state: State::Raw,
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
        // The error is ours alone: it ends a text that is long enough.
        let _ = write!(text, "{value}");
        self.string(&text.text);
        Ok(())
    }
}

/// Collects the beginning of a `Display`.
struct Bounded {
    text: String,
    most: usize,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let mut end = s.len().min(self.most.saturating_sub(self.text.len()));
        while !s.is_char_boundary(end) {
            end -= 1;
        }
        self.text.push_str(s.get(..end).unwrap_or_default());
        if end < s.len() {
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
        if self.state == State::Skipped {
            return self.pass();
        }
        let keep = self.writer.entry()?;
        self.state = State::Open { keep };
        if keep {
            key.serialize(MapKey {
                writer: &mut *self.writer,
            })?;
        }
        Ok(())
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), Stop> {
        if self.state == State::Skipped {
            return self.pass();
        }
        if self.writer.entry()? {
            key.serialize(MapKey {
                writer: &mut *self.writer,
            })?;
            if !self.writer.keys_only() {
                value.serialize(&mut *self.writer)?;
            }
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        if self.state == (State::Open { keep: true }) && !self.writer.keys_only() {
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
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str, most: usize) -> String {
        let redactor = Redactor::off();
        let mut out = JsonBuffer::default();
        Cutter::new(&redactor).write(&mut out, text, most);
        serde_json::from_slice(out.as_bytes()).unwrap()
    }

    #[test]
    fn a_text_is_cut_to_its_limit_with_three_dots() {
        for (text, most, expected) in [
            ("", 16, ""),
            ("0123456789abcdef", 16, "0123456789abcdef"),
            ("0123456789abcdefg", 16, "0123456789abc..."),
            ("éééééééééééééééé", 16, "éééééééééééééééé"),
            ("ééééééééééééééééé", 16, "ééééééééééééé..."),
            (
                "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀x",
                16,
                "😀😀😀😀😀😀😀😀😀😀😀😀😀...",
            ),
        ] {
            assert_eq!(written(text, most), expected, "{text}");
        }
    }

    #[test]
    fn a_secret_at_the_cut_is_replaced_whole() {
        let redactor = Redactor::default();
        let key = format!("{}_{}", "ghp", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
        for before in 0..120 {
            let text = format!("{} {key} {}", "w".repeat(before), "tail ".repeat(100));
            let mut out = JsonBuffer::default();
            let mut cutter = Cutter::new(&redactor);
            cutter.write(&mut out, &text, 100);
            let sent: String = serde_json::from_slice(out.as_bytes()).unwrap();
            assert!(!sent.contains("ghp"), "{before}: {sent}");
            assert!(sent.chars().count() <= 100, "{before}: {sent}");
            assert!(sent.ends_with("..."), "{before}: {sent}");
        }
    }

    #[test]
    fn marks_count_against_the_limit_and_are_never_halved() {
        let redactor = Redactor::default();
        // Fewer are left to the pass over the whole event: they cannot outgrow the limit.
        for count in [5, 20, 100, 1_000] {
            let mut out = JsonBuffer::default();
            let text = "a@b.co ".repeat(count);
            Cutter::new(&redactor).write_fitting(&mut out, &text, 200);
            let sent: String = serde_json::from_slice(out.as_bytes()).unwrap();
            assert!(sent.chars().count() <= 200, "{count}: {sent}");
            assert!(!sent.contains("a@b"), "{count}: {sent}");
            let marks = sent.matches("[REDACTED").count();
            assert_eq!(
                marks,
                sent.matches("[REDACTED_EMAIL]").count(),
                "a mark is never halved"
            );
        }
    }

    proptest! {
        #[test]
        fn a_cut_keeps_the_beginning_and_obeys_the_limit(text in "\\PC{0,300}", most in 16_usize..200) {
            let sent = written(&text, most);
            let (sent_chars, chars) = (sent.chars().count(), text.chars().count());
            if chars <= most {
                prop_assert_eq!(sent, text);
            } else {
                prop_assert_eq!(sent_chars, most);
                let kept = sent.strip_suffix("...").unwrap();
                prop_assert!(text.starts_with(kept));
            }
        }
    }
}
