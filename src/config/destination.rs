//! Where events go: what each of a logger's destinations has of its own.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::ClientBuilder;

use crate::delivery::Spool;
use crate::error::BuildError;
use crate::hooks::ClientHook;
use crate::transport::Transport;
use crate::wire::Wire;

/// The settings of one destination.
#[derive(Default)]
pub(super) struct Target {
    /// `None`: the wire's.
    pub(super) name: Option<String>,
    pub(super) wire: Wire,
    pub(super) api_key: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) allow_insecure_http: Option<bool>,
    pub(super) http_client: Option<ClientHook>,
    pub(super) gzip: Option<bool>,
    pub(super) bundled_roots: bool,
    pub(super) transport: Option<Arc<dyn Transport>>,
    /// The transport is the file of a dry run, which somebody reads.
    pub(super) is_dry_run: bool,
    pub(super) spool: Option<Spool>,
    pub(super) announces_forgotten: bool,
}

/// A destination of events in addition to the builder's own: see [`Builder::also`](super::Builder::also).
///
/// These settings apply only to this destination; all other settings are the builder's and apply to every destination.
/// Each destination has its own ledger, retries, breaker and loss reports, so one that is down does not delay the others.
///
/// The variables of a wire (`REO_API_KEY`, `OTEL_EXPORTER_OTLP_ENDPOINT` and the like) are read only for the first
/// destination of that wire ([`Wire::Reo`] and [`Wire::ReoBatch`] count as one), so a key never reaches another origin. Later
/// destinations of the same wire need their endpoint, and their key if the wire requires one, in code.
/// `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`, which describe the service, are read for each destination on the OTLP
/// wire.
#[must_use = "a destination does nothing until it is given to a builder"]
pub struct Destination {
    pub(super) target: Target,
    pub(super) request_timeout: Option<Duration>,
}

/// Prints of the key only whether it is set.
impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination")
            .field("name", &self.target.name)
            .field("wire", &self.target.wire)
            .field("api_key", &self.target.api_key.as_ref().map(|_| ".."))
            .finish_non_exhaustive()
    }
}

impl Destination {
    /// Creates a destination with this format.
    pub fn new(wire: Wire) -> Self {
        Self {
            target: Target {
                wire,
                ..Target::default()
            },
            request_timeout: None,
        }
    }

    /// Sets its name, which appears in log lines, in the findings of `check` and in
    /// [`UsageLogger::destinations`](crate::UsageLogger::destinations). Default: that of the wire: `reo`, `reo_batch`,
    /// `mcpeye`, `otlp`, `posthog`. Names must differ; the builder's own destination is named after its wire.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.target.name = Some(name.into());
        self
    }

    /// Sets its API key, as [`Builder::api_key`](super::Builder::api_key).
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.target.api_key = Some(key.into());
        self
    }

    /// Sets its endpoint, as [`Builder::endpoint`](super::Builder::endpoint).
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.target.endpoint = Some(url.into());
        self
    }

    /// Adds headers to its requests, as [`Builder::headers`](super::Builder::headers).
    pub fn headers<N: Into<String>, V: Into<String>>(
        mut self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        self.target.headers.extend(headers);
        self
    }

    /// Allows plain `http` to it, as [`Builder::allow_insecure_http`](super::Builder::allow_insecure_http).
    pub const fn allow_insecure_http(mut self, allow: bool) -> Self {
        self.target.allow_insecure_http = Some(allow);
        self
    }

    /// Changes its HTTP client, as [`Builder::http_client`](super::Builder::http_client).
    pub fn http_client(
        mut self,
        change: impl Fn(ClientBuilder) -> ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.target.http_client = Some(Box::new(change));
        self
    }

    /// Sets how long a request to it may take. Default: its wire's.
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = Some(timeout);
        self
    }

    /// Compresses its requests, as [`Builder::gzip`](super::Builder::gzip).
    #[cfg(feature = "gzip")]
    #[cfg_attr(docsrs, doc(cfg(feature = "gzip")))]
    pub const fn gzip(mut self, on: bool) -> Self {
        self.target.gzip = Some(on);
        self
    }

    /// Trusts Mozilla's authorities for it, as [`Builder::bundled_roots`](super::Builder::bundled_roots).
    #[cfg(feature = "bundled-roots")]
    #[cfg_attr(docsrs, doc(cfg(feature = "bundled-roots")))]
    pub const fn bundled_roots(mut self, on: bool) -> Self {
        self.target.bundled_roots = on;
        self
    }

    /// Keeps its unconfirmed events on disk, as [`Builder::spool`](super::Builder::spool). Each destination needs a
    /// directory of its own.
    #[cfg(feature = "spool")]
    pub fn spool(mut self, spool: crate::spool::Spool) -> Self {
        self.target.spool = Some(spool);
        self
    }

    /// Sends it an event for each forgotten user, as
    /// [`Builder::announce_forgotten`](super::Builder::announce_forgotten).
    pub const fn announce_forgotten(mut self, on: bool) -> Self {
        self.target.announces_forgotten = on;
        self
    }

    /// Keeps its requests in memory instead of sending them; a key and an endpoint are not needed then.
    #[cfg(feature = "testing")]
    pub fn memory_transport(
        mut self,
        transport: &crate::transport::memory::MemoryTransport,
    ) -> Self {
        self.target.transport = Some(Arc::new(transport.clone()));
        self
    }
}

/// What sets a destination apart from the others.
pub(super) struct Place {
    pub(super) name: String,
    spool_dir: Option<PathBuf>,
    /// By which wires are told whose variables are the same.
    endpoint_variable: &'static str,
}

impl Place {
    pub(super) fn of(target: &Target) -> Self {
        let name = target.name.clone();
        Self {
            name: name.unwrap_or_else(|| target.wire.name().to_owned()),
            spool_dir: target.spool.as_ref().map(|spool| spool.path().to_owned()),
            endpoint_variable: target.wire.profile().endpoint_variable,
        }
    }

    /// Whether it may read the variables of its wire: none of `known` does.
    pub(super) fn reads_variables(&self, known: &[Self]) -> bool {
        let reads_same = |known: &Self| known.endpoint_variable == self.endpoint_variable;
        !known.iter().any(reads_same)
    }

    /// Checks that it shares neither its name nor its directory with one of `known`.
    pub(super) fn check_is_apart(&self, known: &[Self]) -> Result<(), BuildError> {
        if known.iter().any(|known| known.name == self.name) {
            let fault = "is that of another destination: give it one of its own";
            return Err(BuildError::invalid("name", fault));
        }
        let dir = self.spool_dir.as_deref().map(place);
        let shares = |known: &Self| known.spool_dir.as_deref().map(place) == dir;
        if dir.is_some() && known.iter().any(shares) {
            let fault = "is the directory of another destination: give it one of its own";
            return Err(BuildError::invalid("spool", fault));
        }
        Ok(())
    }
}

/// The canonical path of a directory, as far as the system knows it.
fn place(dir: &Path) -> PathBuf {
    let found = dir.canonicalize().or_else(|_| std::path::absolute(dir));
    found.unwrap_or_else(|_| dir.to_owned())
}

/// What [`log_usage_confirmed`](crate::UsageLogger::log_usage_confirmed) waits for if there are several destinations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Confirm {
    /// The builder's own destination, or the first after it that the event is for.
    #[default]
    First,
    /// All destinations that the event is for. If several drop it, the first to do so gives the reason.
    All,
}
