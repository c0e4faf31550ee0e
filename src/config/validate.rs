//! The checks of a builder's values, in the order in which their errors are reported.

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::builder::Builder;
use super::setting::{Origin, Setting};
use super::table::{Values, check_age, in_range};
use crate::delivery::MIN_SPOOL_BYTES;
use crate::error::BuildError;
use crate::transport::api_key::ApiKey;
use crate::transport::http;
use crate::wire::DEFAULT_ENDPOINT;

/// What has been checked, in the form in which it is used.
pub(super) struct Checked {
    pub(super) key: Option<ApiKey>,
    pub(super) endpoint: Url,
    pub(super) headers: HeaderMap,
    pub(super) values: Values,
    /// Source, environment and user agent.
    pub(super) texts: [String; 3],
    pub(super) verbose: bool,
}

/// The headers that the transport sets itself.
const RESERVED_HEADERS: [&str; 7] = [
    "x-api-key",
    "x-mcpeye-secret",
    "host",
    "content-type",
    "content-length",
    "content-encoding",
    "transfer-encoding",
];

impl Builder {
    pub(super) fn check(&self) -> Result<Checked, BuildError> {
        if self.gzip && !self.wire.profile().is_batch {
            return Err(BuildError::invalid(
                "gzip",
                "is for the batch wires; Wire::Reo sends one event a request",
            ));
        }
        self.check_sampling()?;
        let key = self.checked_key()?;
        let endpoint = self.checked_endpoint()?;
        let headers = self.checked_headers()?;
        let values = self.values();
        self.check_ranges(&values)?;
        for (setting, value) in [("product_id", &self.product_id), ("ip_addr", &self.ip_addr)] {
            if let Some(value) = value {
                refuse_empty(setting, value)?;
            }
        }
        if let Some(fault) = self.wire.fault() {
            return Err(BuildError::invalid("wire", fault));
        }
        if let Some(identity) = &self.identity
            && (identity.id.is_empty() || identity.id_type.is_empty())
        {
            return Err(BuildError::invalid("identity", "has an empty id or kind"));
        }
        let texts = self.texts();
        for Setting { name, value, .. } in &texts {
            refuse_empty(name, value)?;
        }
        Ok(Checked {
            key,
            endpoint,
            headers,
            values,
            texts: texts.map(|text| text.value),
            verbose: self.env.flag("PACKAGE_TRACKER_VERBOSE")?.unwrap_or(false),
        })
    }

    fn check_sampling(&self) -> Result<(), BuildError> {
        let rates = self.sampling.rates.values().copied();
        for rate in rates.chain([self.sampling.rate]) {
            if !(0.0..=1.0).contains(&rate) {
                let fault = format!("is {rate}, which is not within 0.0 to 1.0");
                return Err(BuildError::invalid("sample", fault));
            }
        }
        Ok(())
    }

    fn checked_key(&self) -> Result<Option<ApiKey>, BuildError> {
        let profile = self.wire.profile();
        let variable = profile.key_variable;
        match self.find(&self.api_key, variable) {
            Some((key, origin)) => ApiKey::parse(origin.name_or("api_key"), &key).map(Some),
            None if profile.requires_key && self.transport.is_none() => {
                Err(BuildError::MissingApiKey { variable })
            }
            None => Ok(None),
        }
    }

    fn checked_endpoint(&self) -> Result<Url, BuildError> {
        let profile = self.wire.profile();
        let variable = profile.endpoint_variable;
        let (text, origin) = match self.find(&self.endpoint, variable) {
            Some(found) => found,
            None => {
                // A transport that sends nothing over HTTP never uses the URL.
                let unused = self.transport.as_ref().map(|_| DEFAULT_ENDPOINT);
                let default = profile.default_endpoint.or(unused);
                let default = default.ok_or(BuildError::MissingEndpoint { variable })?;
                (default.to_owned(), Origin::Default)
            }
        };
        let setting = origin.name_or("endpoint");
        let mut url = parse_endpoint(setting, &text, self.allow_insecure_http)?;
        append_suffix(&mut url, profile.endpoint_suffix);
        Ok(url)
    }

    fn checked_headers(&self) -> Result<HeaderMap, BuildError> {
        let fault = |fault: String| BuildError::invalid("headers", fault);
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            let header = HeaderName::try_from(name.as_str())
                .map_err(|_| fault(format!("has a name that is none: {name:?}")))?;
            if RESERVED_HEADERS.contains(&header.as_str()) {
                return Err(fault(format!("may not set {header}")));
            }
            // The value may be a credential, so the error does not repeat it.
            let mut value = HeaderValue::try_from(value.as_str())
                .map_err(|_| fault(format!("has a value for {header} that no header can hold")))?;
            value.set_sensitive(true);
            map.append(header, value);
        }
        Ok(map)
    }

    fn check_ranges(&self, values: &Values) -> Result<(), BuildError> {
        values.check()?;
        check_age("max_event_age", values.max_event_age, values)?;
        if let Some(spool) = &self.spool {
            if spool.path().as_os_str().is_empty() {
                return Err(BuildError::invalid("spool", "has an empty path"));
            }
            let sizes = MIN_SPOOL_BYTES..=u64::MAX / 4;
            in_range("spool.max_bytes", &spool.bytes(), &sizes)?;
            check_age("spool.max_age", spool.age(), values)?;
        }
        match self.limits.fault() {
            Some((limit, value, range)) => {
                let (least, most) = range.into_inner();
                let fault = format!("has {limit} {value}, which is not within {least} to {most}");
                Err(BuildError::invalid("limits", fault))
            }
            None => Ok(()),
        }
    }
}

fn refuse_empty(setting: &'static str, value: &str) -> Result<(), BuildError> {
    if value.is_empty() {
        return Err(BuildError::invalid(setting, "is empty"));
    }
    Ok(())
}

/// Parses an endpoint. The errors do not repeat it: it may hold a secret.
fn parse_endpoint(
    setting: &'static str,
    text: &str,
    allow_insecure_http: bool,
) -> Result<Url, BuildError> {
    let fault = |fault: &str| BuildError::invalid(setting, fault);
    let mut url =
        Url::parse(text.trim()).map_err(|error| fault(&format!("is not a URL: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault(
            "holds a user name or a password; give the key by api_key",
        ));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(fault("names no host"));
    }
    match url.scheme() {
        "https" => {}
        "http" if allow_insecure_http || http::is_loopback(&url) => {}
        "http" => {
            return Err(fault(
                "uses http, which would send the key in the clear; use https, or allow_insecure_http(true)",
            ));
        }
        other => {
            return Err(fault(&format!(
                "has the scheme {other}; it must be https or http"
            )));
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
    let mut path = url.path().trim_end_matches('/').to_owned();
    if !path.ends_with(suffix) {
        path.push_str(suffix);
    }
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
        let fault = |builder: Builder| builder.check().err().unwrap().to_string();
        assert_eq!(
            fault(bad),
            "api_key is missing: set it in code or in REO_API_KEY"
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
        assert_eq!(fault(keyed().product_id("")), "product_id is empty");
        assert_eq!(fault(keyed()), "source is empty");
    }

    proptest! {
        #[test]
        fn no_endpoint_panics_and_no_error_repeats_it(
            scheme in "(https?|ftp|HTTP|)",
            text in "[a-zA-Z0-9:/@?#.\\[\\] %-]{0,30}",
        ) {
            let marked = format!("{scheme}://{text}canary-7f3a{text}");
            for insecure in [false, true] {
                match parse_endpoint("endpoint", &marked, insecure) {
                    Ok(url) => {
                        prop_assert!(url.username().is_empty() && url.password().is_none());
                        prop_assert!(matches!(url.scheme(), "http" | "https"));
                        prop_assert!(url.scheme() == "https" || insecure || http::is_loopback(&url));
                        prop_assert_eq!(url.fragment(), None);
                    }
                    Err(error) => prop_assert!(!error.to_string().contains("canary-7f3a"), "{}", error),
                }
            }
        }
    }
}
