//! The checks of a builder's values, in the order in which their errors are reported.

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::builder::Builder;
use super::setting::Origin;
use super::table::{REQUEST_TIMEOUTS, Values, check_age, in_range};
use crate::delivery::MIN_SPOOL_BYTES;
use crate::error::BuildError;
use crate::transport::api_key::ApiKey;
use crate::transport::http;
use crate::wire::session_ids::MIN_SESSION_KEY_BYTES;
use crate::wire::{DEFAULT_ENDPOINT, Wire};

/// The headers of keys, on the wires that have a key of their own.
const KEY_HEADERS: [&str; 2] = ["x-api-key", "x-mcpeye-secret"];

/// The headers that the transport sets itself.
const RESERVED_HEADERS: [&str; 5] = [
    "host",
    "content-type",
    "content-length",
    "content-encoding",
    "transfer-encoding",
];

impl Builder {
    /// Returns whether requests are compressed.
    pub(super) fn checked_gzip(&self) -> Result<bool, BuildError> {
        let on = self.found_gzip()?.is_some_and(|(on, _)| on);
        if on && !self.target.wire.profile().is_batch {
            let fault = "is for the batch wires, and Wire::Reo sends one event a request: use \
                Wire::ReoBatch, or leave it out";
            return refuse("gzip", fault);
        }
        Ok(on)
    }

    pub(super) fn check_announcement(&self) -> Result<(), BuildError> {
        if self.target.announces_forgotten && self.target.wire != Wire::ReoBatch {
            let fault = "is for Wire::ReoBatch alone: set it on a destination of that wire, or leave it out";
            return refuse("announce_forgotten", fault);
        }
        Ok(())
    }

    pub(super) fn check_sampling(&self) -> Result<(), BuildError> {
        first_of(self.sampling_faults())
    }

    pub(super) fn sampling_faults(&self) -> Vec<BuildError> {
        let rates = self.sampling.rates.values().copied();
        let rates = rates.chain([self.sampling.rate]);
        let bad = rates.filter(|rate| !(0.0..=1.0).contains(rate));
        bad.map(|rate| {
            let fault = format!("is {rate}, which is not within 0.0 to 1.0");
            BuildError::invalid("sample", fault)
        })
        .collect()
    }

    pub(super) fn checked_key(&self) -> Result<Option<ApiKey>, BuildError> {
        let profile = self.target.wire.profile();
        match (self.found_key(), profile.key_variable) {
            (Some((key, origin)), _) => ApiKey::parse(origin.name_or("api_key"), &key).map(Some),
            (None, Some(variable)) if profile.requires_key && self.target.transport.is_none() => {
                Err(BuildError::MissingApiKey { variable })
            }
            (None, _) => Ok(None),
        }
    }

    /// Returns why the key may not be replaced later, if so.
    pub(super) fn key_fault(
        &self,
        endpoint: &Url,
        headers: &HeaderMap,
    ) -> Result<Option<&'static str>, BuildError> {
        let allows_http = self.insecure_http()?.is_some_and(|(allow, _)| allow);
        let is_clear = endpoint.scheme() == "http" && !http::is_loopback(endpoint) && !allows_http;
        let header = self.target.wire.profile().key_place.header();
        Ok(if header.is_some_and(|name| headers.contains_key(name)) {
            Some("would conflict with the header of the same name: leave that out of `headers`")
        } else if is_clear {
            Some("would be sent in the clear: use https, or allow it by allow_insecure_http(true)")
        } else {
            None
        })
    }

    pub(super) fn checked_endpoint(&self) -> Result<Url, BuildError> {
        let profile = self.target.wire.profile();
        let variable = profile.endpoint_variable;
        let (text, origin, is_whole) = match self.found_endpoint() {
            Some(found) => found,
            None => {
                // A transport that sends nothing over HTTP never uses the URL.
                let unused = self.target.transport.as_ref().map(|_| DEFAULT_ENDPOINT);
                let default = profile.default_endpoint.or(unused);
                let default = default.ok_or(BuildError::MissingEndpoint { variable })?;
                (default.to_owned(), Origin::Default, false)
            }
        };
        let setting = origin.name_or("endpoint");
        let plain_http = if self.insecure_http()?.is_some_and(|(allow, _)| allow) {
            PlainHttp::Anywhere
        } else if !profile.takes_http_nearby {
            PlainHttp::ThisMachine
        } else if self.found_key().is_none() && self.all_headers().is_ok_and(|all| all.is_empty()) {
            PlainHttp::Nearby
        } else {
            PlainHttp::NotWithSecrets
        };
        let mut url = parse_endpoint(setting, &text, plain_http)?;
        if !is_whole {
            append_suffix(&mut url, profile.endpoint_suffix);
        }
        Ok(url)
    }

    pub(super) fn checked_headers(&self) -> Result<HeaderMap, BuildError> {
        let (headers, faults) = self.read_headers();
        first_of(faults).map(|()| headers)
    }

    /// Reads the headers; returns what is wrong with the others of them, too.
    pub(super) fn read_headers(&self) -> (HeaderMap, Vec<BuildError>) {
        let (mut map, mut faults) = (HeaderMap::new(), Vec::new());
        let all = self.all_headers().unwrap_or_else(|fault| {
            faults.push(fault);
            Vec::new()
        });
        for (name, value, setting) in &all {
            match self.header(name, value) {
                Ok((name, value)) => {
                    map.append(name, value);
                }
                Err(fault) => faults.push(BuildError::invalid(setting, fault)),
            }
        }
        (map, faults)
    }

    fn header(&self, name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
        let profile = self.target.wire.profile();
        let own_key = self.found_key().and(profile.key_place.header());
        let header =
            HeaderName::try_from(name).map_err(|_| format!("has an invalid name: {name:?}"))?;
        // Some receivers of OTLP take their keys in one of these.
        let is_key = KEY_HEADERS.contains(&header.as_str()) && profile.otel.is_none();
        if is_key || RESERVED_HEADERS.contains(&header.as_str()) || own_key == Some(header.as_str())
        {
            return Err(format!("may not set {header}"));
        }
        // The value may be a credential, so the error does not repeat it.
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| format!("has an invalid value for {header}"))?;
        value.set_sensitive(true);
        Ok((header, value))
    }

    pub(super) fn checked_values(&self) -> Result<Values, BuildError> {
        let common = self.common_value_faults().into_iter();
        first_of(common.chain(self.target_value_faults()))?;
        Ok(self.values())
    }

    /// What is wrong with the values that all destinations have in common.
    pub(super) fn common_value_faults(&self) -> Vec<BuildError> {
        let events = self.max_queue_events.as_ref();
        let events = events.map(|events| in_range("max_queue_events", events, &(1..=100_000_000)));
        let values = self.values();
        let age = check_age("max_event_age", values.max_event_age, &values);
        let limits = self
            .limits
            .faults()
            .into_iter()
            .map(|(limit, value, range)| {
                let (least, most) = range.into_inner();
                let fault = format!("has {limit} {value}, which is not within {least} to {most}");
                BuildError::invalid("limits", fault)
            });
        let mut faults: Vec<_> = events.and_then(Result::err).into_iter().collect();
        faults.extend(values.faults());
        faults.extend(age.err());
        faults.extend(limits);
        faults
    }

    /// What is wrong with the values that the current target has of its own.
    pub(super) fn target_value_faults(&self) -> Vec<BuildError> {
        let values = self.values();
        let timeout = match (self.given.request_timeout, self.found_timeout()) {
            (None, Ok(Some((timeout, variable)))) => {
                in_range(variable, &timeout, &REQUEST_TIMEOUTS)
            }
            (None, Err(fault)) => Err(fault),
            _ => in_range(
                "request_timeout",
                &values.request_timeout,
                &REQUEST_TIMEOUTS,
            ),
        };
        let mut faults: Vec<_> = timeout.err().into_iter().collect();
        if let Some(spool) = &self.target.spool {
            if spool.path().as_os_str().is_empty() {
                let fault = "has an empty path: name a directory";
                faults.push(BuildError::invalid("spool", fault));
            }
            let sizes = MIN_SPOOL_BYTES..=u64::MAX / 4;
            faults.extend(in_range("spool.max_bytes", &spool.bytes(), &sizes).err());
            faults.extend(check_age("spool.max_age", spool.age(), &values).err());
        }
        faults
    }

    /// Checks all that is a text. Returns source, environment and user agent.
    pub(super) fn checked_texts(&self) -> Result<[String; 3], BuildError> {
        let texts = self.text_faults().into_iter();
        first_of(texts.chain(self.wire_faults()))?;
        Ok(self.texts().map(|text| text.value))
    }

    /// What is wrong with the texts that all destinations have in common.
    pub(super) fn text_faults(&self) -> Vec<BuildError> {
        const EMPTY: &str = "is empty: give a text, or leave it out";
        let mut faults = Vec::new();
        for (setting, text) in [("product_id", &self.product_id), ("ip_addr", &self.ip_addr)] {
            if text.as_deref() == Some("") {
                faults.push(BuildError::invalid(setting, EMPTY));
            }
        }
        if let Some(key) = &self.session_key
            && key.len() < MIN_SESSION_KEY_BYTES
        {
            let fault = format!(
                "has {} bytes, fewer than {MIN_SESSION_KEY_BYTES}",
                key.len()
            );
            faults.push(BuildError::invalid("session_key", fault));
        }
        if let Some(identity) = &self.identity
            && (identity.id.is_empty() || identity.id_type.is_empty())
        {
            let fault = "has an empty id or kind: give both, or leave it out";
            faults.push(BuildError::invalid("identity", fault));
        }
        let texts = self.texts();
        let empty = texts.iter().filter(|text| text.value.is_empty());
        faults.extend(empty.map(|text| BuildError::invalid(text.name, EMPTY)));
        faults
    }

    /// What is wrong with the current target's wire, and with what the environment gives it.
    pub(super) fn wire_faults(&self) -> Vec<BuildError> {
        let wire = self.target.wire.fault();
        let wire = wire.map(|fault| BuildError::invalid("wire", fault));
        let attributes = self.resource_attributes().err();
        attributes.into_iter().chain(wire).collect()
    }
}

fn refuse<T>(setting: &'static str, fault: impl Into<String>) -> Result<T, BuildError> {
    Err(BuildError::invalid(setting, fault))
}

pub(super) fn first_of(faults: impl IntoIterator<Item = BuildError>) -> Result<(), BuildError> {
    faults.into_iter().next().map_or(Ok(()), Err)
}

/// Where plain `http` may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlainHttp {
    ThisMachine,
    /// To hosts of the same network.
    Nearby,
    /// Only to this machine, because a secret is sent with the events.
    NotWithSecrets,
    Anywhere,
}

impl PlainHttp {
    fn allows(self, url: &Url) -> bool {
        http::is_loopback(url)
            || self == Self::Anywhere
            || (self == Self::Nearby && http::is_nearby(url))
    }
}

/// Parses an endpoint. The errors do not repeat it: it may hold a secret.
fn parse_endpoint(
    setting: &'static str,
    text: &str,
    plain_http: PlainHttp,
) -> Result<Url, BuildError> {
    const WRITE: &str = "write it as https://host/path";
    let text = text.trim();
    if text.is_empty() {
        return refuse(setting, format!("is empty: {WRITE}"));
    }
    if !text.contains("://") {
        return refuse(setting, format!("has no scheme: {WRITE}"));
    }
    let mut url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return refuse(setting, format!("is not a URL ({error}): {WRITE}")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        let fault = "holds a user name or a password; give the key by api_key";
        return refuse(setting, fault);
    }
    if url.host_str().is_none_or(str::is_empty) {
        return refuse(setting, format!("names no host: {WRITE}"));
    }
    match url.scheme() {
        "https" => {}
        "http" if plain_http.allows(&url) => {}
        "http" => {
            let what = match plain_http {
                PlainHttp::Nearby => "personal data",
                PlainHttp::NotWithSecrets => "the headers",
                PlainHttp::ThisMachine | PlainHttp::Anywhere => "the key",
            };
            let fault = format!(
                "uses http, which would send {what} in the clear: use https, or allow it by \
                allow_insecure_http(true) or MCP_USAGE_ALLOW_INSECURE_HTTP=true"
            );
            return refuse(setting, fault);
        }
        other => {
            let fault = format!("has the scheme {other}: {WRITE}");
            return refuse(setting, fault);
        }
    }
    url.set_fragment(None);
    Ok(url)
}

/// Makes the URL's path end in `suffix`, which is empty where any path will do.
fn append_suffix(url: &mut Url, suffix: &str) {
    if suffix.is_empty() {
        return;
    }
    let path = url.path().trim_end_matches('/');
    let without = path.strip_suffix(suffix.trim_end_matches('/'));
    let path = format!("{}{suffix}", without.unwrap_or(path));
    url.set_path(&path);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with_suffix(url: &str, suffix: &str) -> String {
        let mut url = Url::parse(url).unwrap();
        append_suffix(&mut url, suffix);
        url.into()
    }

    #[test]
    fn a_suffix_is_appended_once_and_the_query_stays() {
        for (given, expected) in [
            ("https://x", "https://x/ingest"),
            ("https://x/ingest", "https://x/ingest"),
            ("https://x/v1/ingest/", "https://x/v1/ingest"),
            ("https://x/reingest", "https://x/reingest/ingest"),
            ("https://x/v1?a=1", "https://x/v1/ingest?a=1"),
        ] {
            assert_eq!(with_suffix(given, "/ingest"), expected, "{given}");
        }
        for given in [
            "https://x",
            "https://x/",
            "https://x/batch",
            "https://x/batch/",
        ] {
            assert_eq!(with_suffix(given, "/batch/"), "https://x/batch/", "{given}");
        }
        assert_eq!(with_suffix("https://x/v1/", ""), "https://x/v1/");
    }

    #[test]
    fn the_first_of_several_faults_is_named() {
        let bad = Builder::default()
            .env(|_| None)
            .headers([("host", "x")])
            .max_in_flight(0)
            .product_id("")
            .source("");
        let fault = |builder: Builder| builder.resolve().err().unwrap().to_string();
        assert_eq!(
            fault(bad),
            "api_key is missing: set it in code or in the environment variable REO_API_KEY"
        );
        let keyed = || Builder::default().env(|_| None).api_key("k").source("");
        assert_eq!(
            fault(keyed().headers([("host", "x")]).max_in_flight(0)),
            "headers may not set host"
        );
        assert_eq!(
            fault(keyed().max_in_flight(0).product_id("")),
            "max_in_flight is 0, which is not within 1 to 256"
        );
        assert_eq!(
            fault(keyed().product_id("")),
            "product_id is empty: give a text, or leave it out"
        );
        assert_eq!(
            fault(keyed()),
            "source is empty: give a text, or leave it out"
        );
    }

    proptest! {
        #[test]
        fn no_endpoint_panics_and_no_error_repeats_it(
            scheme in "(https?|ftp|HTTP|)",
            text in "[a-zA-Z0-9:/@?#.\\[\\] %-]{0,30}",
        ) {
            let marked = format!("{scheme}://{text}canary-7f3a{text}");
            for plain_http in [PlainHttp::ThisMachine, PlainHttp::Nearby, PlainHttp::Anywhere] {
                match parse_endpoint("endpoint", &marked, plain_http) {
                    Ok(url) => {
                        prop_assert!(url.username().is_empty() && url.password().is_none());
                        prop_assert!(matches!(url.scheme(), "http" | "https"));
                        prop_assert!(url.scheme() == "https" || plain_http.allows(&url));
                        prop_assert_eq!(url.fragment(), None);
                    }
                    Err(error) => prop_assert!(!error.to_string().contains("canary-7f3a"), "{}", error),
                }
            }
        }
    }
}
