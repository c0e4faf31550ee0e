//! What each setting is and where it came from, for the doctor. No key and no header's value is
//! among them.

use std::collections::HashMap;
use std::fmt::Display;
use std::path::Path;

use reqwest::Url;

use super::builder::Builder;
use super::destination::Confirm;
use super::setting::{NOT_SET, Origin, SET, Setting};
use super::table::{DEFAULT_ENVIRONMENT, DEFAULT_SOURCE, DEFAULT_USER_AGENT, Values};
use crate::error::BuildError;
use crate::event::Session;
use crate::limits::Limits;
use crate::redact::Redactor;
use crate::transport::proxy::proxy_of;
use crate::wire::{SessionIds, Wire};

const ALLOW_INSECURE_HTTP: &str = "MCP_USAGE_ALLOW_INSECURE_HTTP";
const SOURCE: &str = "REO_PRODUCT_USAGE_SOURCE";
const ENVIRONMENT: &str = "REO_PRODUCT_USAGE_ENVIRONMENT";
const USER_AGENT: &str = "REO_PRODUCT_USAGE_USER_AGENT";

impl Builder {
    /// Lists the settings.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let profile = self.target.wire.profile();
        let [source, environment, user_agent] = self.texts();
        let key = self.found_key().map(|(_, origin)| (SET.to_owned(), origin));
        let endpoint = self.found_endpoint().map(|(url, origin, _)| (url, origin));
        let default_endpoint = profile
            .default_endpoint
            .map(|url| (url.to_owned(), Origin::Default));
        let endpoint = endpoint
            .or(default_endpoint)
            .map(|(url, origin)| (without_secrets(&url), origin));
        let shown = |path: &Path| path.display().to_string();
        let spool = self.target.spool.as_ref().map(|spool| shown(spool.path()));
        let dry_run = self.dry_run.as_deref().map(shown);

        // An invalid value is reported as an error of its own.
        let gzip = self.found_gzip().ok().flatten();
        let gzip = gzip.map(|(on, origin)| (on.to_string(), origin));
        let insecure = self.insecure_http().ok().flatten();
        let insecure = insecure.map(|(allow, origin)| (allow.to_string(), origin));
        let insecure = Setting::found("allow_insecure_http", insecure, "false");

        let mut all = vec![
            Setting::compared("wire", &self.target.wire, &Wire::default()),
            Setting::found("api_key", key, NOT_SET),
            Setting::found("endpoint", endpoint, NOT_SET),
            Setting::given("product_id", self.product_id.clone()),
            source,
            environment,
            user_agent,
            Setting::concealed("identity", self.identity.is_some()),
            Setting::concealed("ip_addr", self.ip_addr.is_some()),
        ];
        let most_events = self.max_queue_events.map(|events| events.to_string());
        all.push(Setting::found(
            "max_queue_events",
            most_events.map(|events| (events, Origin::Code)),
            "no bound",
        ));
        all.extend(self.value_settings());
        all.extend([
            Setting::compared("session_ids", &self.session_ids, &SessionIds::default()),
            Setting::concealed("session_key", self.session_key.is_some()),
            Setting::concealed("pseudonyms", self.identity_policy.has_pseudonyms()),
            Setting::concealed("consent", self.consent.is_some()),
            self.headers_setting(),
            insecure,
            Setting::found("gzip", gzip, "false"),
            Setting::compared("bundled_roots", &self.target.bundled_roots, &false),
            Setting::compared(
                "announce_forgotten",
                &self.target.announces_forgotten,
                &false,
            ),
            Setting::given("spool", spool),
            Setting::given("dry_run", dry_run),
        ]);
        all.extend(self.settings_if_given());
        all.extend(self.proxy_setting());
        all
    }

    /// The proxy that the environment names for the endpoint.
    fn proxy_setting(&self) -> Option<Setting> {
        if self.target.transport.is_some() {
            return None;
        }
        let named = proxy_of(&self.checked_endpoint().ok()?)?;
        let value = match named.address {
            Ok(address) => format!("proxy {address}"),
            Err(_) => "proxy: not an address".to_owned(),
        };
        let found = Some((value, Origin::Variable(named.variable)));
        Some(Setting::found("http_client", found, NOT_SET))
    }

    /// The settings that are listed only if code gives them. Of hooks, and of what says something about users, only that
    /// it does.
    fn settings_if_given(&self) -> Vec<Setting> {
        let sampling = &self.sampling;
        let meta = self.meta.iter().map(|(name, _)| name.clone()).collect();
        let redactor =
            [&self.redactor, &Redactor::default()].map(|redactor| format!("{redactor:?}"));
        let [redactor, default_redactor] = redactor;
        let hook = |is_set: bool| is_set.then(|| SET.to_owned());
        let all = [
            ("session", hook(self.session != Session::default())),
            ("meta", in_short(meta)),
            (
                "sample",
                (sampling.rate != 1.0).then(|| sampling.rate.to_string()),
            ),
            ("sample_tool", of_tools(&sampling.rates)),
            ("rate_cap", sampling.cap.map(|cap| cap.to_string())),
            ("rate_cap_tool", of_tools(&sampling.caps)),
            (
                "confirm",
                (self.confirm != Confirm::default()).then(|| format!("{:?}", self.confirm)),
            ),
            ("limits", hook(self.limits != Limits::default())),
            (
                "redactor",
                Some(redactor).filter(|given| *given != default_redactor),
            ),
            ("before_send", hook(self.before_send.is_some())),
            ("on_error", hook(self.on_error.is_some())),
            ("http_client", hook(self.target.http_client.is_some())),
        ];
        let given = all.into_iter().filter(|(_, value)| value.is_some());
        given
            .map(|(name, value)| Setting::given(name, value))
            .collect()
    }

    fn headers_setting(&self) -> Setting {
        let given = self.all_headers().unwrap_or_default();
        let names: Vec<&str> = given.iter().map(|(name, ..)| &**name).collect();
        let mut headers = Setting::compared("headers", &names, &Vec::<&str>::new());
        // Those of code come first.
        let first = given.first().map(|(.., setting)| *setting);
        if let Some(variable) = first.filter(|setting| *setting != "headers") {
            headers.origin = Origin::Variable(variable);
        }
        headers
    }

    /// The settings of the table.
    fn value_settings(&self) -> Vec<Setting> {
        let mut values = self.values().settings(&self.default_values());
        let timeout = values.iter_mut().find(|row| row.name == "request_timeout");
        if let (None, Ok(Some((_, variable))), Some(timeout)) =
            (self.given.request_timeout, self.found_timeout(), timeout)
        {
            timeout.origin = Origin::Variable(variable);
        }
        values
    }

    /// Returns the values in force of the settings in the table.
    pub(super) fn values(&self) -> Values {
        self.given.or(self.default_values())
    }

    fn default_values(&self) -> Values {
        let of_variable = self.found_timeout().ok().flatten();
        let of_wire = self.target.wire.profile().request_timeout;
        Values {
            request_timeout: of_variable.map_or(of_wire, |(timeout, _)| timeout),
            ..Values::DEFAULT
        }
    }

    /// Returns the texts that have a variable and a default: source, environment, user agent.
    pub(super) fn texts(&self) -> [Setting; 3] {
        let text = |name, code, variable, default| {
            let attribute = match name {
                "environment" => self.resource_attribute("deployment.environment.name"),
                _ => None,
            };
            Setting::found(name, self.find(code, variable).or(attribute), default)
        };
        [
            text("source", &self.source, SOURCE, DEFAULT_SOURCE),
            text(
                "environment",
                &self.environment,
                ENVIRONMENT,
                DEFAULT_ENVIRONMENT,
            ),
            text(
                "user_agent",
                &self.user_agent,
                USER_AGENT,
                DEFAULT_USER_AGENT,
            ),
        ]
    }

    /// Finds whether plain `http` to another host is allowed or refused, and by whom.
    pub(super) fn insecure_http(&self) -> Result<Option<(bool, Origin)>, BuildError> {
        if let Some(allow) = self.target.allow_insecure_http {
            return Ok(Some((allow, Origin::Code)));
        }
        let flag = self.env.flag(ALLOW_INSECURE_HTTP)?;
        Ok(flag.map(|allow| (allow, Origin::Variable(ALLOW_INSECURE_HTTP))))
    }

    pub(super) fn found_key(&self) -> Option<(String, Origin)> {
        match self.target.wire.profile().key_variable {
            Some(variable) => self.find(&self.target.api_key, variable),
            None => Some((self.target.api_key.clone()?, Origin::Code)),
        }
    }

    /// Finds the endpoint, and whether it is whole: the wire's own path is not added to it then.
    pub(super) fn found_endpoint(&self) -> Option<(String, Origin, bool)> {
        if self.target.endpoint.is_none()
            && let Some((url, variable)) = self.traces_endpoint()
        {
            return Some((url, Origin::Variable(variable), true));
        }
        let (url, origin) = self.find(
            &self.target.endpoint,
            self.target.wire.profile().endpoint_variable,
        )?;
        Some((url, origin, false))
    }

    /// The headers of code, and those of the environment that code does not set, each with the name of its setting.
    pub(super) fn all_headers(&self) -> Result<Vec<(String, String, &'static str)>, BuildError> {
        let code = self.target.headers.iter();
        let mut all: Vec<_> = code
            .map(|(name, value)| (name.clone(), value.clone(), "headers"))
            .collect();
        if let Some((more, variable)) = self.found_headers()? {
            let is_set = |name: &str| {
                let mut code = self.target.headers.iter();
                code.any(|(known, _)| known.eq_ignore_ascii_case(name))
            };
            let more = more.into_iter().filter(|(name, _)| !is_set(name));
            all.extend(more.map(|(name, value)| (name, value, variable)));
        }
        Ok(all)
    }

    /// Finds a text in code, or else in an environment variable.
    pub(super) fn find(
        &self,
        code: &Option<String>,
        variable: &'static str,
    ) -> Option<(String, Origin)> {
        match code {
            Some(text) => Some((text.clone(), Origin::Code)),
            None => Some((self.env.get(variable)?, Origin::Variable(variable))),
        }
    }
}

/// Values for tools, each behind the tool's name.
fn of_tools<V: Display>(values: &HashMap<String, V>) -> Option<String> {
    let each = values.iter().map(|(tool, value)| format!("{tool} {value}"));
    in_short(each.collect())
}

/// Lists some texts, of which there may be too many for a line.
fn in_short(mut texts: Vec<String>) -> Option<String> {
    const MOST: usize = 5;
    texts.sort_unstable();
    let more = texts.len().saturating_sub(MOST);
    texts.truncate(MOST);
    let listed = texts.join(", ");
    match more {
        0 => Some(listed).filter(|listed| !listed.is_empty()),
        more => Some(format!("{listed} and {more} more")),
    }
}

/// Returns an endpoint without what may be a secret: its query, and a user name or password.
fn without_secrets(url: &str) -> String {
    let Ok(mut url) = Url::parse(url.trim()) else {
        return "not a URL".to_owned();
    };
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only for a URL that cannot have one.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Identity;

    #[test]
    fn an_endpoint_is_shown_without_what_may_be_a_secret() {
        for (url, shown) in [
            ("https://example.com/in", "https://example.com/in"),
            (" https://example.com/in?key=1#k ", "https://example.com/in"),
            ("https://user:word@example.com/", "https://example.com/"),
            ("no url", "not a URL"),
        ] {
            assert_eq!(without_secrets(url), shown, "{url}");
        }
    }

    #[test]
    fn the_list_has_its_order_and_shows_no_secret() {
        let settings = Builder::default()
            .env(|_| None)
            .api_key("secret-1")
            .endpoint("https://ingest.example/x?key=secret-2#secret-3")
            .identity(Identity::email("secret-4@example.com"))
            .ip_addr("secret-5")
            .headers([("x-tenant", "secret-6")])
            .max_in_flight(3)
            .settings();
        // A proxy of the machine that runs the test has its own line.
        let names = settings.iter().map(|setting| setting.name);
        let names: Vec<&str> = names.filter(|name| *name != "http_client").collect();
        assert_eq!(
            names.join(" "),
            "wire api_key endpoint product_id source environment user_agent identity ip_addr \
             max_queue_events max_queue_bytes when_full max_batch_events max_batch_bytes \
             flush_interval request_timeout max_in_flight initial_backoff max_backoff \
             max_retry_after max_event_age session_ids session_key pseudonyms consent headers allow_insecure_http gzip \
             bundled_roots announce_forgotten spool dry_run"
        );
        assert!(!format!("{settings:?}").contains("secret"));
        let set: Vec<&str> = settings
            .iter()
            .filter(|setting| setting.origin == Origin::Code)
            .map(|setting| setting.name)
            .collect();
        assert_eq!(
            set,
            [
                "api_key",
                "endpoint",
                "identity",
                "ip_addr",
                "max_in_flight",
                "headers"
            ]
        );
    }

    #[test]
    fn each_setter_has_its_line_if_it_is_called() {
        let builder = Builder::default()
            .env(|_| None)
            .session(Session::new().client_name("secret-1"))
            .meta("region", "secret-2")
            .sample(0.5)
            .sample_tool("search", 0.25)
            .rate_cap(60)
            .rate_cap_tool("search", 5)
            .confirm(Confirm::All)
            .limits(Limits::default().max_prompt_chars(2_000))
            .redactor(Redactor::off())
            .before_send(Some)
            .on_error(|_| {})
            .http_client(|client| client);
        let given = builder.settings();
        assert!(!format!("{given:?}").contains("secret"));
        let value = |name: &str| {
            let mut given = given.iter().filter(|setting| setting.name == name);
            given.next().map(|setting| &*setting.value)
        };
        for (name, expected) in [
            ("meta", "region"),
            ("sample", "0.5"),
            ("sample_tool", "search 0.25"),
            ("rate_cap", "60"),
            ("rate_cap_tool", "search 5"),
            ("confirm", "All"),
            ("redactor", "Redactor(off)"),
            ("before_send", SET),
        ] {
            assert_eq!(value(name), Some(expected), "{name}");
        }
        // Listed in its own way, what switches the logger off, and what is for tests.
        let others = ["also", "enabled", "env", "clock", "memory_transport"];
        let source = include_str!("builder.rs");
        let setters = source.lines().filter_map(|line| {
            let line = line.strip_prefix("    pub ")?;
            let name = line.strip_prefix("const ").unwrap_or(line);
            let (name, _) = name.strip_prefix("fn ")?.split_once(['(', '<'])?;
            Some(name)
        });
        let setters: Vec<_> = setters.collect();
        assert!(setters.len() > 30, "{setters:?}");
        for name in setters {
            assert!(value(name).is_some() || others.contains(&name), "{name}");
        }
    }

    #[test]
    fn a_long_list_is_cut() {
        let texts = |number: u32| (0..number).map(|n| n.to_string()).collect();
        assert_eq!(in_short(texts(0)), None);
        assert_eq!(in_short(texts(5)).as_deref(), Some("0, 1, 2, 3, 4"));
        assert_eq!(
            in_short(texts(7)).as_deref(),
            Some("0, 1, 2, 3, 4 and 2 more")
        );
    }
}
