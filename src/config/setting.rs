//! A setting in force, and where it came from: what the doctor lists.

use std::fmt;

/// What is shown of a value that is secret, or says something about a user.
pub(super) const SET: &str = "set";
pub(super) const NOT_SET: &str = "not set";

/// A setting, its value, and where that came from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// The name of its setter.
    pub name: &'static str,
    /// Its value as text. For a key, a hook and settings about users, only whether it is set; for headers and `meta`,
    /// only the names; for the endpoint, without the query.
    pub value: String,
    /// Where the value came from.
    pub origin: Origin,
}

/// Where a setting's value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// A setter, with a value that is not the default.
    Code,
    /// This environment variable.
    Variable(&'static str),
    /// Nothing was set, or the default.
    Default,
}

impl Setting {
    /// A value that only code can give. One that equals the default counts as the default.
    pub(super) fn compared(
        name: &'static str,
        value: &dyn fmt::Debug,
        default: &dyn fmt::Debug,
    ) -> Self {
        let (value, default) = (format!("{value:?}"), format!("{default:?}"));
        let origin = if value == default {
            Origin::Default
        } else {
            Origin::Code
        };
        Self {
            name,
            value,
            origin,
        }
    }

    /// A text that was found, or else the default.
    pub(super) fn found(
        name: &'static str,
        found: Option<(String, Origin)>,
        default: &str,
    ) -> Self {
        let (value, origin) = found.unwrap_or_else(|| (default.to_owned(), Origin::Default));
        Self {
            name,
            value,
            origin,
        }
    }

    /// A text that only code can give, and that has no default.
    pub(super) fn given(name: &'static str, value: Option<String>) -> Self {
        Self::found(name, value.map(|value| (value, Origin::Code)), NOT_SET)
    }

    /// A value that is not shown, only whether code gave one.
    pub(super) fn concealed(name: &'static str, is_set: bool) -> Self {
        Self::given(name, is_set.then(|| SET.to_owned()))
    }
}

impl Origin {
    /// Returns the name under which an error reports the value: the variable's, or the setter's.
    pub(super) const fn name_or(self, setter: &'static str) -> &'static str {
        match self {
            Self::Variable(name) => name,
            Self::Code | Self::Default => setter,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_shows_its_value_and_where_it_came_from() {
        let row =
            |setting: Setting| format!("{} = {} ({})", setting.name, setting.value, setting.origin);
        for (setting, shown) in [
            (Setting::compared("size", &3, &3), "size = 3 (default)"),
            (Setting::compared("size", &4, &3), "size = 4 (code)"),
            (
                Setting::found(
                    "source",
                    Some(("A".into(), Origin::Variable("SOURCE"))),
                    "B",
                ),
                "source = A (SOURCE)",
            ),
            (Setting::found("source", None, "B"), "source = B (default)"),
            (Setting::given("ip", None), "ip = not set (default)"),
            (Setting::concealed("key", true), "key = set (code)"),
        ] {
            assert_eq!(row(setting), shown);
        }
    }

    #[test]
    fn an_error_names_the_variable_or_else_the_setter() {
        assert_eq!(Origin::Variable("SOURCE").name_or("source"), "SOURCE");
        assert_eq!(Origin::Code.name_or("source"), "source");
    }
}
