//! What the proxy reads for itself: variables, or a file, and never an argument of the server's.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

/// What the names of the proxy's variables begin with. The server does not get them.
const PREFIX: &str = "USAGE_PROXY_";

/// The variable with the path of a file of settings.
const FILE: &str = "USAGE_PROXY_CONFIG";

/// How long what is queued may take to be delivered once the server has ended. Clients wait for two seconds before they end a
/// server that they have closed.
const DEFAULT_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// The settings by their names: in a file `product_id`, as a variable `USAGE_PROXY_PRODUCT_ID`.
pub const NAMES: [&str; 13] = [
    "wire",
    "endpoint",
    "api_key",
    "product_id",
    "user",
    "os_user",
    "arguments",
    "results",
    "intent",
    "missing_capability",
    "spool",
    "verbose",
    "shutdown_timeout",
];

/// What the proxy was set to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub wire: WireName,
    pub endpoint: Option<String>,
    pub api_key: Option<Key>,
    pub product_id: Option<String>,
    pub user: Option<String>,
    pub os_user: bool,
    pub arguments: ArgumentsOf,
    pub results: bool,
    pub intent: bool,
    pub missing_capability: bool,
    pub spool: Option<PathBuf>,
    pub verbose: bool,
    pub shutdown_timeout: Option<Duration>,
    /// Nothing is reported, since a setting is wrong.
    pub is_off: bool,
}

/// The tools whose arguments are captured.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum ArgumentsOf {
    #[default]
    AllTools,
    NoTool,
    /// These, by their names.
    Tools(BTreeSet<String>),
}

/// An API key, which is not shown.
#[derive(PartialEq, Eq)]
pub struct Key(pub String);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum WireName {
    #[default]
    Reo,
    ReoBatch,
    Mcpeye,
    Otlp,
    PostHog,
}

/// A setting that cannot be used. It names the setting, and holds no value of a key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    #[error("{name} is {value:?}: it is one of {expected}")]
    Value {
        name: String,
        value: String,
        expected: &'static str,
    },
    #[error("{name} is not known: the settings are {}", NAMES.join(", "))]
    Unknown { name: String },
    #[error("{FILE} names {path:?}: {fault}")]
    File { path: PathBuf, fault: String },
}

impl Settings {
    /// Reads the variables of this process and the file that one of them names.
    pub fn read() -> Result<Self, SettingError> {
        let text = |name: OsString| name.into_string().ok();
        let variables = env::vars_os()
            .filter_map(|(name, value)| Some((text(name)?, value.to_string_lossy().into_owned())));
        Self::of(variables)
    }

    /// Settings by which nothing is reported.
    pub fn off() -> Self {
        Self {
            is_off: true,
            ..Self::default()
        }
    }

    /// How long what is queued may take to be delivered once the server has ended.
    pub fn shutdown_timeout(&self) -> Duration {
        self.shutdown_timeout.unwrap_or(DEFAULT_SHUTDOWN_TIMEOUT)
    }

    fn of(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingError> {
        let mut ours: BTreeMap<String, String> = variables
            .into_iter()
            .filter(|(name, value)| name.starts_with(PREFIX) && !value.is_empty())
            .collect();
        let mut settings = Self::default();
        if let Some(path) = ours.remove(FILE) {
            for (name, value) in members_of(PathBuf::from(path))? {
                settings.set(&name, &name, &value)?;
            }
        }
        for (variable, value) in ours {
            let name = variable.trim_start_matches(PREFIX).to_ascii_lowercase();
            settings.set(&name, &variable, &value)?;
        }
        Ok(settings)
    }

    /// Sets what is called `name`, and `shown` where it is set.
    fn set(&mut self, name: &str, shown: &str, value: &str) -> Result<(), SettingError> {
        let wrong = |expected| SettingError::Value {
            name: shown.to_owned(),
            value: value.to_owned(),
            expected,
        };
        let switch = || match value {
            "true" | "1" | "yes" => Ok(true),
            "false" | "0" | "no" => Ok(false),
            _ => Err(wrong("true and false")),
        };
        match name {
            "wire" => {
                self.wire = match value {
                    "reo" => WireName::Reo,
                    "reo_batch" => WireName::ReoBatch,
                    "mcpeye" => WireName::Mcpeye,
                    "otlp" => WireName::Otlp,
                    "posthog" => WireName::PostHog,
                    _ => return Err(wrong("reo, reo_batch, mcpeye, otlp and posthog")),
                }
            }
            "endpoint" => self.endpoint = Some(value.to_owned()),
            "api_key" => self.api_key = Some(Key(value.to_owned())),
            "product_id" => self.product_id = Some(value.to_owned()),
            "user" => self.user = Some(value.to_owned()),
            "os_user" => self.os_user = switch()?,
            "arguments" => {
                self.arguments = match switch() {
                    Ok(true) => ArgumentsOf::AllTools,
                    Ok(false) => ArgumentsOf::NoTool,
                    Err(_) => {
                        let names = value.split(',').map(|name| name.trim().to_owned());
                        ArgumentsOf::Tools(names.collect())
                    }
                }
            }
            "results" => self.results = switch()?,
            "intent" => self.intent = switch()?,
            "missing_capability" => self.missing_capability = switch()?,
            "spool" => self.spool = Some(PathBuf::from(value)),
            "verbose" => self.verbose = switch()?,
            "shutdown_timeout" => {
                let seconds: Option<f64> = value.parse().ok();
                let timeout = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                self.shutdown_timeout = Some(timeout.ok_or_else(|| wrong("seconds, such as 1"))?);
            }
            _ => {
                return Err(SettingError::Unknown {
                    name: shown.to_owned(),
                });
            }
        }
        Ok(())
    }
}

/// The names of the variables that are the proxy's own.
pub fn own_variables() -> impl Iterator<Item = OsString> {
    env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| name.to_string_lossy().starts_with(PREFIX))
}

/// The members of a file of settings, as the texts that variables would have.
fn members_of(path: PathBuf) -> Result<Vec<(String, String)>, SettingError> {
    let failed = |fault: String| SettingError::File {
        path: path.clone(),
        fault,
    };
    let text = std::fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
    let json: Value = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
    let Value::Object(members) = json else {
        return Err(failed("the file must hold one JSON object".to_owned()));
    };
    members
        .into_iter()
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name, text)),
            Value::Bool(_) | Value::Number(_) => {
                let text = value.to_string();
                Ok((name, text))
            }
            _ => Err(failed(format!(
                "{name} must be a string, a number, true or false"
            ))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Settings, SettingError> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Settings::of(variables.iter().map(owned))
    }

    #[test]
    fn variables_are_read_and_those_of_others_are_left_alone() {
        let settings = of(&[
            ("USAGE_PROXY_WIRE", "otlp"),
            ("USAGE_PROXY_INTENT", "true"),
            ("USAGE_PROXY_SHUTDOWN_TIMEOUT", "0.5"),
            ("USAGE_PROXY_ARGUMENTS", "no"),
            ("USAGE_PROXY_USER", ""),
            ("PATH", "/bin"),
        ])
        .unwrap();
        assert_eq!(settings.wire, WireName::Otlp);
        assert!(settings.intent);
        assert_eq!(settings.arguments, ArgumentsOf::NoTool);
        assert_eq!(settings.shutdown_timeout(), Duration::from_millis(500));
        assert_eq!(settings.user, None);
        assert_eq!(of(&[]).unwrap(), Settings::default());
    }

    #[test]
    fn a_variable_wins_over_the_file() {
        let path = env::temp_dir().join(format!("usage-proxy-{}.json", std::process::id()));
        let json = r#"{"product_id": "files", "results": true, "shutdown_timeout": 1}"#;
        std::fs::write(&path, json).unwrap();
        let file = path.to_str().unwrap();
        let settings = of(&[(FILE, file), ("USAGE_PROXY_PRODUCT_ID", "variables")]).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(settings.product_id.as_deref(), Some("variables"));
        assert!(settings.results);
        assert_eq!(settings.shutdown_timeout(), Duration::from_secs(1));
    }

    #[test]
    fn a_wrong_setting_is_named_with_what_it_may_be() {
        for (name, value, said) in [
            ("USAGE_PROXY_WIRE", "grpc", "one of reo, reo_batch"),
            ("USAGE_PROXY_INTENT", "maybe", "one of true and false"),
            ("USAGE_PROXY_SHUTDOWN_TIMEOUT", "-1", "seconds"),
            ("USAGE_PROXY_PRODUCT", "x", "product_id"),
            (FILE, "/nowhere/at/all.json", "/nowhere/at/all.json"),
        ] {
            let error = of(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        let key = concat!("not-a", "-real-key");
        let settings = of(&[("USAGE_PROXY_API_KEY", key)]).unwrap();
        assert_eq!(settings.api_key, Some(Key(key.to_owned())));
        assert!(!format!("{settings:?}").contains(key));
    }
}
