//! Which arguments of a call are captured.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::base::panics;

/// Which arguments of a tool are captured, as a closure of `arguments_by` returns it.
///
/// ```
/// use mcp_usage::Arguments;
///
/// let by = |tool: &str| match tool {
///     "run_query" => Arguments::names(["database", "timeout"]),
///     "upload" => Arguments::None,
///     _ => Arguments::All,
/// };
/// # assert_eq!(by("upload"), Arguments::None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Arguments {
    /// All of them, redacted and within the limits.
    All,
    /// None of them.
    None,
    /// Only those of these names.
    Names(Vec<String>),
}

impl Arguments {
    /// Only those of these names.
    pub fn names<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::Names(names.into_iter().map(Into::into).collect())
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Names(names) => names.iter().any(|allowed| allowed == name),
        }
    }
}

/// The setters of what is captured of calls, which all integrations have alike. `change` hands over settings with
/// `arguments` and `results`.
#[cfg(any(feature = "rmcp", feature = "stdio", feature = "tower"))]
macro_rules! capture_setters {
    () => {
        /// Sets whether arguments are captured. Default: yes, redacted and within the limits.
        pub fn arguments(self, on: bool) -> Self {
            self.change(|settings| settings.arguments.is_on = on)
        }

        /// Lists the arguments of a tool that are captured; its others are not. Default: all.
        pub fn arguments_of<N: Into<String>>(
            self,
            tool: impl Into<String>,
            names: impl IntoIterator<Item = N>,
        ) -> Self {
            let names = $crate::mcp::arguments::Arguments::names(names);
            self.change(|settings| {
                settings.arguments.listed.insert(tool.into(), names);
            })
        }

        /// Sets a closure that chooses, for each tool, which arguments are captured. Default: all are.
        ///
        /// It is called for each call, with the name that the client calls. An argument is captured if
        /// [`arguments`](Self::arguments), [`arguments_of`](Self::arguments_of) and this closure all allow it; none is if
        /// the closure panics. Error texts are captured in any case, redacted; a server may quote in them an argument
        /// that it refuses.
        pub fn arguments_by(
            self,
            by: impl Fn(&str) -> $crate::mcp::arguments::Arguments + Send + Sync + 'static,
        ) -> Self {
            self.change(|settings| settings.arguments.set_by(by))
        }

        /// Sets whether results are captured: content and structured content. Default: no.
        pub fn results(self, on: bool) -> Self {
            self.change(|settings| settings.results = on)
        }
    };
}

#[cfg(any(feature = "rmcp", feature = "stdio", feature = "tower"))]
pub(crate) use capture_setters;

/// The settings of what is captured of the arguments. An argument is captured where each of them lets it through.
#[derive(Clone)]
pub(crate) struct ArgumentSettings {
    pub(crate) is_on: bool,
    /// The arguments that are captured, of the tools of which not all are.
    pub(crate) listed: HashMap<String, Arguments>,
    by: Option<ArgumentsBy>,
}

type ArgumentsBy = Arc<dyn Fn(&str) -> Arguments + Send + Sync>;

impl Default for ArgumentSettings {
    fn default() -> Self {
        Self {
            is_on: true,
            listed: HashMap::new(),
            by: None,
        }
    }
}

impl fmt::Debug for ArgumentSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArgumentSettings")
            .field("is_on", &self.is_on)
            .field("listed", &self.listed)
            .finish_non_exhaustive()
    }
}

impl ArgumentSettings {
    pub(crate) fn set_by(&mut self, by: impl Fn(&str) -> Arguments + Send + Sync + 'static) {
        self.by = Some(Arc::new(by));
    }

    /// Returns what is captured of the arguments of a tool; `None` where none is.
    pub(crate) fn of(&self, tool: &str) -> Option<AllowedArguments<'_>> {
        let chosen = match &self.by {
            // Where the host's code fails to say what may be captured, nothing is.
            Some(by) => panics::catch(|| by(tool)).unwrap_or(Arguments::None),
            None => Arguments::All,
        };
        (self.is_on && chosen != Arguments::None).then(|| AllowedArguments {
            listed: self.listed.get(tool),
            chosen,
        })
    }
}

/// The arguments of one tool that are captured.
pub(crate) struct AllowedArguments<'s> {
    listed: Option<&'s Arguments>,
    chosen: Arguments,
}

impl AllowedArguments<'_> {
    fn is_all(&self) -> bool {
        self.listed.is_none() && self.chosen == Arguments::All
    }

    fn has(&self, name: &str) -> bool {
        self.listed.is_none_or(|listed| listed.has(name)) && self.chosen.has(name)
    }
}

/// The arguments of a call that are captured.
pub(crate) struct CapturedArguments<'a> {
    pub(crate) arguments: &'a Map<String, Value>,
    /// The argument that is ours, and the one that is the intent, which is reported once and not as an argument too.
    pub(crate) hidden: [Option<&'a str>; 2],
    pub(crate) allowed: &'a AllowedArguments<'a>,
}

impl Serialize for CapturedArguments<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.hidden == [None; 2] && self.allowed.is_all() {
            return self.arguments.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.arguments {
            if self.allowed.has(name) && !self.hidden.contains(&Some(name)) {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is captured of the arguments `a`, `b` and `c` of a tool, of which `hidden` is the intent.
    fn captured(settings: &ArgumentSettings, tool: &str, hidden: Option<&str>) -> Option<Value> {
        let arguments = json!({"a": 1, "b": 2, "c": 3});
        let allowed = settings.of(tool)?;
        let captured = CapturedArguments {
            arguments: arguments.as_object().unwrap(),
            hidden: [None, hidden],
            allowed: &allowed,
        };
        Some(serde_json::to_value(captured).unwrap())
    }

    #[test]
    fn an_argument_is_captured_where_every_setting_lets_it_through() {
        let all = Some(json!({"a": 1, "b": 2, "c": 3}));
        let mut settings = ArgumentSettings::default();
        assert_eq!(captured(&settings, "t", None), all);
        assert_eq!(
            captured(&settings, "t", Some("b")),
            Some(json!({"a": 1, "c": 3}))
        );
        let listed = Arguments::names(["a", "b"]);
        settings.listed.insert("t".to_owned(), listed);
        assert_eq!(
            captured(&settings, "t", None),
            Some(json!({"a": 1, "b": 2}))
        );
        assert_eq!(captured(&settings, "other", None), all);
        settings.set_by(|tool| match tool {
            "t" => Arguments::names(["b", "c"]),
            "none" => Arguments::None,
            "panics" => panic!("in the host's code"),
            _ => Arguments::All,
        });
        assert_eq!(captured(&settings, "t", None), Some(json!({"b": 2})));
        assert_eq!(captured(&settings, "t", Some("b")), Some(json!({})));
        assert_eq!(captured(&settings, "none", None), None);
        assert_eq!(captured(&settings, "panics", None), None);
        assert_eq!(captured(&settings, "other", None), all);
        settings.is_on = false;
        assert_eq!(captured(&settings, "other", None), None);
    }
}
