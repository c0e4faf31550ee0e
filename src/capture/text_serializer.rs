//! serde's side of texts with a meaning of their own: the keys of maps, and what serde_json's
//! number and raw value hold.

use serde::ser::{self, Serialize};

use super::raw_json;
use super::writer::{Stop, ValueWriter};

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextRole {
    /// A map's key: as serde_json does, numbers and booleans become strings.
    Key,
    /// The text of serde_json's number.
    Number,
    /// The text of serde_json's raw value.
    RawJson,
}

/// Writes a value that has to be a text; any other is [`Stop::Foreign`].
pub(crate) struct TextSerializer<'w, 'b, 'r> {
    pub(super) writer: &'w mut ValueWriter<'b, 'r>,
    pub(super) role: TextRole,
}

impl TextSerializer<'_, '_, '_> {
    /// Writes what is no text, but becomes one as a map's key.
    fn scalar(self, value: impl ToString) -> Result<(), Stop> {
        match self.role {
            TextRole::Key => {
                self.writer.key(&value.to_string());
                Ok(())
            }
            TextRole::Number | TextRole::RawJson => Err(Stop::Foreign),
        }
    }
}

macro_rules! scalars {
    ($($method:ident: $type:ty),+) => {$(
        fn $method(self, v: $type) -> Result<(), Stop> {
            self.scalar(v)
        }
    )+};
}

impl ser::Serializer for TextSerializer<'_, '_, '_> {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = ser::Impossible<(), Stop>;
    type SerializeTuple = ser::Impossible<(), Stop>;
    type SerializeTupleStruct = ser::Impossible<(), Stop>;
    type SerializeTupleVariant = ser::Impossible<(), Stop>;
    type SerializeMap = ser::Impossible<(), Stop>;
    type SerializeStruct = ser::Impossible<(), Stop>;
    type SerializeStructVariant = ser::Impossible<(), Stop>;

    scalars! {
        serialize_bool: bool, serialize_char: char,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
        serialize_f32: f32, serialize_f64: f64
    }

    #[inline]
    fn serialize_str(self, v: &str) -> Result<(), Stop> {
        match self.role {
            TextRole::Key => {
                self.writer.key(v);
                Ok(())
            }
            TextRole::Number => raw_json::write_number(self.writer, v),
            TextRole::RawJson => raw_json::write(self.writer, v),
        }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
        value.serialize(self)
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

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Stop> {
        Err(Stop::Foreign)
    }

    fn serialize_none(self) -> Result<(), Stop> {
        Err(Stop::Foreign)
    }

    fn serialize_unit(self) -> Result<(), Stop> {
        Err(Stop::Foreign)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Stop> {
        Err(Stop::Foreign)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Stop> {
        Err(Stop::Foreign)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Stop> {
        Err(Stop::Foreign)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Stop> {
        Err(Stop::Foreign)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Stop> {
        Err(Stop::Foreign)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Stop> {
        Err(Stop::Foreign)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Stop> {
        Err(Stop::Foreign)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Stop> {
        Err(Stop::Foreign)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Stop> {
        Err(Stop::Foreign)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serializer;
    use serde_json::{Value, json};

    use super::*;
    use crate::capture::{CapturePolicy, capture_value};
    use crate::ledger::Ledger;
    use crate::limits::Limits;
    use crate::redact::Redactor;

    /// What is written of a value, as JSON.
    fn written(value: &(impl Serialize + Sync)) -> Value {
        let policy = CapturePolicy {
            limits: Limits::default(),
            redactor: Redactor::off(),
        };
        let captured = capture_value(&policy, value, false, &Ledger::default());
        serde_json::from_slice(captured.json.as_bytes()).unwrap()
    }

    fn map<K: Serialize + Ord + Sync>(key: K) -> Value {
        written(&BTreeMap::from([(key, 0)]))
    }

    struct Variant;

    impl Serialize for Variant {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_unit_variant("Enum", 0, "Variant")
        }
    }

    #[test]
    fn scalars_become_strings_as_keys() {
        assert_eq!(map("text"), json!({"text": 0}));
        assert_eq!(map('c'), json!({"c": 0}));
        assert_eq!(map(true), json!({"true": 0}));
        assert_eq!(map(-7_i64), json!({"-7": 0}));
        assert_eq!(map(u128::MAX), json!({u128::MAX.to_string(): 0}));
        assert_eq!(map(Some("text")), json!({"text": 0}));
        let variant = written(&Entries([(&Variant, 0)]));
        assert_eq!(variant, json!({"Variant": 0}));
    }

    #[test]
    fn a_key_that_is_no_text_makes_the_value_unserializable() {
        let unserializable = json!("[unserializable]");
        assert_eq!(map(()), unserializable);
        assert_eq!(map(None::<u8>), unserializable);
        assert_eq!(map([1, 2]), unserializable);
        assert_eq!(map(BTreeMap::from([(1, 2)])), unserializable);
    }

    struct Entries<'a, const N: usize>([(&'a Variant, i32); N]);

    impl<const N: usize> Serialize for Entries<'_, N> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().copied())
        }
    }

    struct Number(Value);

    /// As serde_json's number would be spelled, but with any content.
    impl Serialize for Number {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use ser::SerializeStruct;
            let name = "$serde_json::private::Number";
            let mut number = serializer.serialize_struct(name, 1)?;
            number.serialize_field(name, &self.0)?;
            number.end()
        }
    }

    #[test]
    fn a_number_is_written_only_if_its_text_is_one() {
        assert_eq!(written(&Number(json!("12.5"))), json!(12.5));
        for content in [
            json!("12,5"),
            json!(12.5),
            json!(true),
            json!([1]),
            json!({}),
        ] {
            assert_eq!(written(&Number(content)), json!("[unserializable]"));
        }
    }
}
