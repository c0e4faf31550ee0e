//! What a person calls a program that they have connected.

use std::fmt;

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

/// Most characters of a name.
pub const MAX_LENGTH: usize = 60;

/// A name: one line, not blank, without space around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantName(String);

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    #[error("The name is longer than {MAX_LENGTH} characters.")]
    TooLong,
    #[error("The name contains an invisible character.")]
    Invisible,
}

impl GrantName {
    /// Reads what a form says. A blank field gives no name.
    ///
    /// # Errors
    ///
    /// When it is more than a short line.
    pub fn parse(text: &str) -> Result<Option<Self>, BadName> {
        let text = text.trim();
        if text.chars().count() > MAX_LENGTH {
            return Err(BadName::TooLong);
        }
        if text.chars().any(is_invisible) {
            return Err(BadName::Invisible);
        }
        Ok((!text.is_empty()).then(|| Self(text.to_owned())))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a character shows nothing, or turns the text around it. A name of nothing else would be a blank one.
fn is_invisible(c: char) -> bool {
    let is_format = matches!(
        c,
        '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    );
    is_format || c.is_control()
}

impl fmt::Display for GrantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ToSql for GrantName {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl FromSql for GrantName {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        String::column_result(value).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_short_line_or_none() {
        let name = |text: &str| Ok(Some(GrantName(text.to_owned())));
        assert_eq!(GrantName::parse(" My laptop "), name("My laptop"));
        assert_eq!(GrantName::parse(" \t"), Ok(None));
        let longest = "ä".repeat(MAX_LENGTH);
        assert_eq!(GrantName::parse(&longest), name(&longest));
        let longer = format!("{longest}ä");
        assert_eq!(GrantName::parse(&longer), Err(BadName::TooLong));
        for text in ["a\nb", "a\u{1b}[2Jb", "\u{200b}", "a\u{202e}b"] {
            assert_eq!(GrantName::parse(text), Err(BadName::Invisible), "{text:?}");
        }
    }
}
