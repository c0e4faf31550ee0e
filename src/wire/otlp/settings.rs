//! What the user says of the OTLP wire, in code and in OpenTelemetry's environment variables.

use std::fmt;
use std::time::Duration;

use super::resource::Resource;

/// What the OTLP wire sends, and how.
///
/// Made by [`Otlp::spans`]. Where it sends to, and with which headers, are the builder's settings, or OpenTelemetry's
/// own environment variables.
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct Otlp {
    pub(super) service_version: Option<String>,
    pub(super) enduser_id: bool,
    pub(crate) resource: Resource,
    /// Frames hold the events as JSON in place of spans: for a file that somebody reads.
    pub(super) is_legible: bool,
}

impl Otlp {
    /// Sends each event as a span, by OpenTelemetry's conventions for MCP: a request with its start and its end, and
    /// what takes no time, such as a login, as a span of no duration.
    pub const fn spans() -> Self {
        Self {
            service_version: None,
            enduser_id: false,
            resource: Resource::EMPTY,
            is_legible: false,
        }
    }

    /// Sets the version of the server, the attribute `service.version`. Default: that of `OTEL_RESOURCE_ATTRIBUTES`,
    /// else none.
    pub fn service_version(mut self, version: impl Into<String>) -> Self {
        self.service_version = Some(version.into());
        self
    }

    /// Sends the user's id as `enduser.id` as well, where dashboards expect it. Default: no, only as `user.id`.
    pub const fn enduser_id(mut self, on: bool) -> Self {
        self.enduser_id = on;
        self
    }

    pub(crate) const fn is_legible(&self) -> bool {
        self.is_legible
    }

    pub(crate) fn resolve(&mut self, resource: Resource, is_legible: bool) {
        self.resource = resource;
        self.is_legible = is_legible;
    }
}

/// Prints what code has set.
impl fmt::Debug for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Otlp")
            .field("service_version", &self.service_version)
            .field("enduser_id", &self.enduser_id)
            .finish()
    }
}

/// A variable for traces alone, and the one for all signals, which counts where that is not set.
pub(crate) type SignalVariable = [&'static str; 2];

/// The environment variables of a wire that reads OpenTelemetry's.
#[derive(Debug)]
pub(crate) struct OtelVariables {
    /// That for traces is the whole endpoint, and the other its base.
    pub(crate) endpoint: SignalVariable,
    pub(crate) headers: SignalVariable,
    pub(crate) timeout: SignalVariable,
    pub(crate) protocol: SignalVariable,
    pub(crate) compression: SignalVariable,
    pub(crate) certificate: SignalVariable,
    /// How the names begin of all that say where and how spans are sent.
    pub(crate) exporter_prefix: &'static str,
    /// Switches the wire off.
    pub(crate) disabled: &'static str,
    pub(crate) service_name: &'static str,
    pub(crate) resource_attributes: &'static str,
}

macro_rules! signal {
    ($name:literal) => {
        [
            concat!("OTEL_EXPORTER_OTLP_TRACES_", $name),
            concat!("OTEL_EXPORTER_OTLP_", $name),
        ]
    };
}

pub(crate) const VARIABLES: OtelVariables = OtelVariables {
    endpoint: signal!("ENDPOINT"),
    headers: signal!("HEADERS"),
    timeout: signal!("TIMEOUT"),
    protocol: signal!("PROTOCOL"),
    compression: signal!("COMPRESSION"),
    certificate: signal!("CERTIFICATE"),
    exporter_prefix: "OTEL_EXPORTER_OTLP_",
    disabled: "OTEL_SDK_DISABLED",
    service_name: "OTEL_SERVICE_NAME",
    resource_attributes: "OTEL_RESOURCE_ATTRIBUTES",
};

/// Reads `name=value` pairs with commas between, percent-encoded. The error repeats no value: one may be a key.
pub(crate) fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    for (n, pair) in text.split(',').enumerate() {
        let pair = pair.trim();
        if pair.is_empty() {
            continue;
        }
        let fault = |fault| format!("has a fault in pair {}: {fault}", n + 1);
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| fault("it has no `=`; write name=value,name=value"))?;
        let decoded = |text: &str| {
            percent_decoded(text.trim())
                .ok_or_else(|| fault("a `%` must stand before two hexadecimal digits of UTF-8"))
        };
        let name = decoded(name)?;
        if name.is_empty() {
            return Err(fault("its name is empty"));
        }
        pairs.push((name, decoded(value)?));
    }
    Ok(pairs)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2)?;
        // `from_str_radix` takes a sign as well.
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        decoded.push(u8::from_str_radix(digits, 16).ok()?);
        decoded.extend_from_slice(part.get(2..)?.as_bytes());
    }
    String::from_utf8(decoded).ok()
}

/// Reads a protocol's name; the error says what is wrong with it.
pub(crate) fn check_protocol(name: &str) -> Result<(), String> {
    match name {
        "http/protobuf" => Ok(()),
        other => Err(format!(
            "is {other:?}, which this wire does not speak: write http/protobuf, and give the receiver's endpoint for \
             it, which is often port 4318"
        )),
    }
}

/// Reads whether requests are compressed; the error says what is wrong with it.
pub(crate) fn compression(name: &str) -> Result<bool, String> {
    compression_where(name, cfg!(feature = "gzip"))
}

fn compression_where(name: &str, has_gzip: bool) -> Result<bool, String> {
    match name {
        "none" => Ok(false),
        "gzip" if has_gzip => Ok(true),
        "gzip" => Err("is gzip, for which this crate needs its feature gzip".to_owned()),
        other => Err(format!("is {other:?}: write gzip or none")),
    }
}

/// Reads a timeout in milliseconds; the error says what is wrong with it.
pub(crate) fn timeout(text: &str) -> Result<Duration, String> {
    let millis = text.parse().map(Duration::from_millis);
    millis.map_err(|_| format!("is {text:?}: write milliseconds as a whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded() {
        let found = pairs(" a=1 ,b%2Cc = x%20y%3D=z ,, d=").unwrap();
        let expected = [("a", "1"), ("b,c", "x y==z"), ("d", "")];
        assert!(found.iter().map(|(n, v)| (&**n, &**v)).eq(expected));
        assert_eq!(pairs(""), Ok(Vec::new()));
    }

    #[test]
    fn a_fault_in_a_pair_is_told_by_its_place_and_not_by_its_value() {
        for text in [
            "a=1,secret",
            "a=1,=secret",
            "a=1,b=secret%",
            "a=1,b=secret%+1",
            "a=1,b=secret%ff",
        ] {
            let fault = pairs(text).unwrap_err();
            assert!(fault.starts_with("has a fault in pair 2: "), "{fault}");
            assert!(!fault.contains("secret"), "{fault}");
        }
    }

    #[test]
    fn names_of_protocols_and_codings_are_told_from_others() {
        assert_eq!(check_protocol("http/protobuf"), Ok(()));
        for other in ["grpc", "http/json", "HTTP/PROTOBUF"] {
            assert!(
                check_protocol(other)
                    .unwrap_err()
                    .contains("write http/protobuf")
            );
        }
        assert_eq!(compression("none"), Ok(false));
        assert_eq!(compression("gzip").is_ok(), cfg!(feature = "gzip"));
        assert_eq!(compression_where("gzip", true), Ok(true));
        let fault = compression_where("gzip", false).unwrap_err();
        assert_eq!(
            fault,
            "is gzip, for which this crate needs its feature gzip"
        );
        assert!(compression("zstd").is_err());
        assert_eq!(timeout("1500"), Ok(Duration::from_millis(1_500)));
        assert!(timeout("1.5").is_err() && timeout("-1").is_err());
    }

    #[test]
    fn debug_shows_what_code_has_set_alone() {
        let mut otlp = Otlp::spans().service_version("1.2").enduser_id(true);
        otlp.resource
            .others
            .push(("a".to_owned(), "secret".to_owned()));
        assert_eq!(
            format!("{otlp:?}"),
            r#"Otlp { service_version: Some("1.2"), enduser_id: true }"#
        );
    }
}
