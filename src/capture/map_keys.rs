//! serde's side of names: the keys of maps, and the texts inside serde_json's own types.

use serde::ser::{self, Serialize};

use super::writer::{Stop, Writer};
use crate::capture::raw_json;

/// Refuses what the types below have no use for.
macro_rules! refuse {
    () => {
        type Ok = ();
        type Error = Stop;
        type SerializeSeq = ser::Impossible<(), Stop>;
        type SerializeTuple = ser::Impossible<(), Stop>;
        type SerializeTupleStruct = ser::Impossible<(), Stop>;
        type SerializeTupleVariant = ser::Impossible<(), Stop>;
        type SerializeMap = ser::Impossible<(), Stop>;
        type SerializeStruct = ser::Impossible<(), Stop>;
        type SerializeStructVariant = ser::Impossible<(), Stop>;

        fn serialize_bytes(self, _: &[u8]) -> Result<(), Stop> {
            Err(Stop::Foreign)
        }
        fn serialize_none(self) -> Result<(), Stop> {
            Err(Stop::Foreign)
        }
        fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
            value.serialize(self)
        }
        fn serialize_unit(self) -> Result<(), Stop> {
            Err(Stop::Foreign)
        }
        fn serialize_unit_struct(self, _: &'static str) -> Result<(), Stop> {
            Err(Stop::Foreign)
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
        fn serialize_struct(
            self,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStruct, Stop> {
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
    };
}

/// Writes a map's key: as serde_json does, numbers and booleans become strings.
pub(crate) struct MapKey<'w, 'b, 'r> {
    pub(super) writer: &'w mut Writer<'b, 'r>,
}

macro_rules! keys {
    ($($method:ident: $type:ty),+) => {$(
        fn $method(self, v: $type) -> Result<(), Stop> {
            self.writer.key(&v.to_string());
            Ok(())
        }
    )+};
}

impl ser::Serializer for MapKey<'_, '_, '_> {
    refuse!();

    keys! {
        serialize_bool: bool, serialize_char: char,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
        serialize_f32: f32, serialize_f64: f64
    }

    fn serialize_str(self, v: &str) -> Result<(), Stop> {
        self.writer.key(v);
        Ok(())
    }
}

/// Takes the text inside serde_json's number or raw value.
pub(crate) struct Verbatim<'w, 'b, 'r> {
    pub(super) writer: &'w mut Writer<'b, 'r>,
    pub(super) raw: bool,
}

macro_rules! foreign {
    ($($method:ident: $type:ty),+) => {$(
        fn $method(self, _: $type) -> Result<(), Stop> {
            Err(Stop::Foreign)
        }
    )+};
}

impl ser::Serializer for Verbatim<'_, '_, '_> {
    refuse!();

    foreign! {
        serialize_bool: bool, serialize_char: char,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
        serialize_f32: f32, serialize_f64: f64
    }

    fn serialize_str(self, v: &str) -> Result<(), Stop> {
        if self.raw {
            raw_json::write(self.writer, v)
        } else {
            raw_json::write_number(self.writer, v)
        }
    }
}
