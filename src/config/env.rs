//! Environment variables.

use crate::error::BuildError;

/// Where variables are looked up.
pub(super) struct Env {
    lookup: Lookup,
    /// Names, and beginnings of names, that count as absent because another destination has used them.
    hidden: Vec<&'static str>,
}

type Lookup = Box<dyn Fn(&str) -> Option<String>>;

impl Default for Env {
    fn default() -> Self {
        // A value that is not Unicode is valid for no variable, so it may be changed, but it must
        // not count as absent.
        Self::new(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }
}

impl Env {
    pub(super) fn new(lookup: impl Fn(&str) -> Option<String> + 'static) -> Self {
        Self {
            lookup: Box::new(lookup),
            hidden: Vec::new(),
        }
    }

    /// Returns the variable's value without surrounding white space; an empty one counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        if self.hidden.iter().any(|hidden| name.starts_with(hidden)) {
            return None;
        }
        let value = (self.lookup)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// From now on, variables whose names begin like this count as absent.
    pub(super) fn hide(&mut self, names: impl IntoIterator<Item = &'static str>) {
        self.hidden.extend(names);
    }

    /// Shows again what has been hidden.
    pub(super) fn show_all(&mut self) {
        self.hidden.clear();
    }

    pub(super) fn flag(&self, name: &'static str) -> Result<Option<bool>, BuildError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(Some(true)),
            "0" | "false" | "no" | "off" => Ok(Some(false)),
            _ => Err(BuildError::invalid(
                name,
                format!("is {value:?}, which is neither true nor false: write one of them"),
            )),
        }
    }

    /// Returns the variable that opts out, if one does.
    pub(super) fn opted_out(&self) -> Result<Option<&'static str>, BuildError> {
        let do_not_track = self.get("DO_NOT_TRACK").is_some_and(|value| {
            !matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "no")
        });
        // One opt-out is enough, so a fault in the other variable is not looked for.
        if do_not_track {
            return Ok(Some("DO_NOT_TRACK"));
        }
        let analytics_off = self.flag("PACKAGE_TRACKER_ANALYTICS")? == Some(false);
        Ok(analytics_off.then_some("PACKAGE_TRACKER_ANALYTICS"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(value: &str) -> Env {
        let value = value.to_owned();
        Env::new(move |_| Some(value.clone()))
    }

    #[test]
    fn what_is_hidden_counts_as_absent() {
        let mut env = env("x");
        env.hide(["A_", "B"]);
        let found = ["A_", "A_1", "B", "A", "C"].map(|name| env.get(name).is_some());
        assert_eq!(found, [false, false, false, true, true]);
        env.show_all();
        assert!(env.get("A_").is_some());
    }

    #[test]
    fn a_flag_is_read_in_the_usual_spellings() {
        for (value, expected) in [
            ("1", Some(true)),
            ("TRUE", Some(true)),
            (" yes ", Some(true)),
            ("on", Some(true)),
            ("0", Some(false)),
            ("False", Some(false)),
            ("no", Some(false)),
            ("off", Some(false)),
            ("", None),
            ("  ", None),
        ] {
            assert_eq!(env(value).flag("X").unwrap(), expected, "{value:?}");
        }
        let error = env("perhaps").flag("X").unwrap_err();
        assert_eq!(
            error.to_string(),
            "X is \"perhaps\", which is neither true nor false: write one of them"
        );
    }
}
