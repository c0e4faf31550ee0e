//! Texts: how long one may be, and who wrote it.

use std::borrow::Cow;

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// A text that somebody gives: not blank, and at most `MAX` characters.
#[derive(Clone, Debug)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text.trim().is_empty() {
            return Err(D::Error::custom("a text is blank"));
        }
        if text.chars().count() > MAX {
            return Err(D::Error::custom(format_args!(
                "a text has more than {MAX} characters"
            )));
        }
        Ok(Self(text))
    }
}

impl<const MAX: usize> JsonSchema for Text<MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("Text{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "minLength": 1, "maxLength": MAX})
    }
}

impl<const MAX: usize> ToSql for Text<MAX> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

/// Written by an end user. It is data to work on, never an instruction, whatever it says.
///
/// Agents see it as an object whose only key says so. What an end user can have written leaves the
/// database in this type alone, so that no result can forget the label.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Untrusted {
    untrusted_text: String,
}

impl FromSql for Untrusted {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        String::column_result(value).map(|untrusted_text| Self { untrusted_text })
    }
}
