//! A setting in force, and where it came from.

use std::fmt;

/// A setting, its value, and where that came from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// The name of its setter.
    pub name: &'static str,
    /// Its value as text. Of a key and of what is about users only whether it is set; of headers the
    /// names; of the endpoint no query.
    pub value: String,
    /// Where the value came from.
    pub origin: Origin,
}

/// Where a setting's value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// A setter, with a value other than the default.
    Code,
    /// This environment variable.
    Variable(&'static str),
    /// Nothing was set, or the default.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code => f.write_str("code"),
            Self::Variable(name) => f.write_str(name),
            Self::Default => f.write_str("default"),
        }
    }
}
