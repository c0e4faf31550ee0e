//! The builder, and the settings it validates: code wins over environment, environment over
//! default, and an opt-out over both.

mod env;
mod setting;
mod settings;
mod validate;

pub use setting::{Origin, Setting};

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{ClientBuilder, Url};
use serde_json::Value;

use crate::base::clock::Clock;
use crate::capture::{CapturePolicy, Constant};
use crate::delivery::settings::{Config, Pace};
use crate::error::{BuildError, DeliveryError, invalid};
use crate::event::{Identity, Sampling, Session};
use crate::hooks::{BeforeSend, ClientHook, OnError};
use crate::ledger::Ledger;
use crate::limits::Limits;
use crate::logger::UsageLogger;
use crate::queue::{Bounds, WhenFull};
use crate::redact::Redactor;
use crate::transport::api_key::{ApiKey, KeyCell, parse_key};
use crate::transport::dry_run::DryRun;
use crate::transport::http::Http;
use crate::transport::{Transport, http};
use crate::wire::Wire;
use crate::wire::defaults::Defaults;
use crate::wire::naming::Names;
use crate::{capture, queue};
use env::Env;
use validate::{in_range, parse_endpoint};

/// Where the Reo wire sends to.
pub const DEFAULT_ENDPOINT: &str = "https://ingest.reo.dev/api/product/usage";
/// The `source` of an event that names none.
pub const DEFAULT_SOURCE: &str = "PRODUCT_CLOUD";
/// The `environment` of an event that names none.
pub const DEFAULT_ENVIRONMENT: &str = "PRODUCTION";
/// The `user_agent` of an event that names none.
pub const DEFAULT_USER_AGENT: &str = http::USER_AGENT;
/// Most events pending at a time, those in flight included.
pub const DEFAULT_MAX_QUEUE_EVENTS: usize = 10_000;
/// Most memory of the pending events, in bytes: thousands of ordinary events, and a bound that a
/// small container can spare.
pub const DEFAULT_MAX_QUEUE_BYTES: usize = 32 * 1024 * 1024;
/// Least that `max_queue_bytes` may be: room for two events of the largest size.
pub const MIN_QUEUE_BYTES: usize = queue::MIN_QUEUE_BYTES;
/// Most events of one request on the batch wires.
pub const DEFAULT_MAX_BATCH_EVENTS: usize = 500;
/// Most bytes of the events of one request on the batch wires. An event that is larger goes alone.
pub const DEFAULT_MAX_BATCH_BYTES: usize = 512 * 1024;
/// How long a partly filled batch may wait.
pub const DEFAULT_FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// How long a request may take on the Reo wire, whose requests hold one event.
pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a request may take on the batch wires.
pub const DEFAULT_BATCH_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Most requests under way at a time.
pub const DEFAULT_MAX_IN_FLIGHT: usize = 8;
/// The longest wait after a first failure; it doubles with each that follows.
pub const DEFAULT_INITIAL_BACKOFF: Duration = Duration::from_secs(1);
/// The longest wait after any failure, but for the breaker and `Retry-After`.
pub const DEFAULT_MAX_BACKOFF: Duration = Duration::from_secs(30);
/// The longest `Retry-After` that is honoured.
pub const DEFAULT_MAX_RETRY_AFTER: Duration = Duration::from_secs(5 * 60);
/// How old a pending event may get.
pub const DEFAULT_MAX_EVENT_AGE: Duration = Duration::from_secs(15 * 60);

/// Builds a [`UsageLogger`].
///
/// Each setting has a default; an API key and, on the batch wires, an endpoint are required.
#[must_use = "a builder does nothing until `build`"]
pub struct Builder {
    wire: Wire,
    api_key: Option<String>,
    endpoint: Option<String>,
    identity: Option<Identity<'static>>,
    names: Names,
    product_id: Option<String>,
    source: Option<String>,
    environment: Option<String>,
    user_agent: Option<String>,
    ip_addr: Option<String>,
    session: Session<'static>,
    meta: Vec<(String, Value)>,
    max_queue_events: usize,
    max_queue_bytes: usize,
    when_full: WhenFull,
    max_batch_events: usize,
    max_batch_bytes: usize,
    flush_interval: Duration,
    request_timeout: Option<Duration>,
    max_in_flight: usize,
    initial_backoff: Duration,
    max_backoff: Duration,
    max_retry_after: Duration,
    max_event_age: Duration,
    limits: Limits,
    redactor: Redactor,
    before_send: Option<BeforeSend>,
    on_error: Option<OnError>,
    headers: Vec<(String, String)>,
    allow_insecure_http: bool,
    http_client: Option<ClientHook>,
    gzip: bool,
    bundled_roots: bool,
    dry_run: Option<PathBuf>,
    sampling: Sampling,
    enabled: bool,
    env: Env,
    clock: Clock,
    transport: Option<Arc<dyn Transport>>,
    #[cfg(feature = "spool")]
    spool: Option<crate::spool::Spool>,
}

/// Prints what says nothing about users, and whether a key is set, but not which.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("wire", &self.wire)
            .field("api_key", &self.api_key.as_ref().map(|_| ".."))
            .field("product_id", &self.product_id)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            wire: Wire::Reo,
            api_key: None,
            endpoint: None,
            identity: None,
            names: Names::default(),
            product_id: None,
            source: None,
            environment: None,
            user_agent: None,
            ip_addr: None,
            session: Session::new(),
            meta: Vec::new(),
            max_queue_events: DEFAULT_MAX_QUEUE_EVENTS,
            max_queue_bytes: DEFAULT_MAX_QUEUE_BYTES,
            when_full: WhenFull::default(),
            max_batch_events: DEFAULT_MAX_BATCH_EVENTS,
            max_batch_bytes: DEFAULT_MAX_BATCH_BYTES,
            flush_interval: DEFAULT_FLUSH_INTERVAL,
            request_timeout: None,
            max_in_flight: DEFAULT_MAX_IN_FLIGHT,
            initial_backoff: DEFAULT_INITIAL_BACKOFF,
            max_backoff: DEFAULT_MAX_BACKOFF,
            max_retry_after: DEFAULT_MAX_RETRY_AFTER,
            max_event_age: DEFAULT_MAX_EVENT_AGE,
            limits: Limits::default(),
            redactor: Redactor::default(),
            before_send: None,
            on_error: None,
            headers: Vec::new(),
            allow_insecure_http: false,
            http_client: None,
            gzip: false,
            bundled_roots: false,
            dry_run: None,
            sampling: Sampling::default(),
            enabled: true,
            env: Env::default(),
            clock: Clock::System,
            transport: None,
            #[cfg(feature = "spool")]
            spool: None,
        }
    }
}

impl Builder {
    /// Sets the wire format. Default: [`Wire::Reo`].
    pub fn wire(mut self, wire: Wire) -> Self {
        self.wire = wire;
        self
    }

    /// Sets the API key, sent in the header `X-API-KEY` (`x-mcpeye-secret` on the mcpeye wire).
    ///
    /// Default: `REO_API_KEY`, on the mcpeye wire `MCPEYE_INGEST_SECRET`, where it is optional.
    /// The key goes to the endpoint's origin and nowhere else, and no `Debug`, log or error shows it.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// Sets where events are sent.
    ///
    /// Default: `REO_CENSUS_MCP_ENDPOINT` (`MCPEYE_INGEST_URL` on the mcpeye wire), else
    /// [`DEFAULT_ENDPOINT`] on [`Wire::Reo`]; the other wires have none. The mcpeye wire appends
    /// `/ingest` to the path unless it ends so.
    ///
    /// Plain `http` is refused but to this machine, see
    /// [`allow_insecure_http`](Self::allow_insecure_http).
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// Sets who events are about that do not say. Wire keys `user_id` and `user_id_type`.
    /// Default: none; a tool call without any is anonymous.
    pub fn identity(mut self, identity: Identity<'_>) -> Self {
        self.identity = Some(identity.into_owned());
        self
    }

    /// Sets the product. Wire key `product_id`. Default: none; the Reo wires require one here or
    /// on each event.
    pub fn product_id(mut self, id: impl Into<String>) -> Self {
        self.product_id = Some(id.into());
        self
    }

    /// Sets the source. Wire key `source`. Default: `REO_PRODUCT_USAGE_SOURCE`, else
    /// [`DEFAULT_SOURCE`].
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Sets the environment. Wire key `environment`. Default: `REO_PRODUCT_USAGE_ENVIRONMENT`,
    /// else [`DEFAULT_ENVIRONMENT`].
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = Some(environment.into());
        self
    }

    /// Sets the user agent of events. Wire key `user_agent`. Default:
    /// `REO_PRODUCT_USAGE_USER_AGENT`, else [`DEFAULT_USER_AGENT`].
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Sets the address of all clients. Wire key `ip_addr`. Default: none.
    pub fn ip_addr(mut self, address: impl Into<String>) -> Self {
        self.ip_addr = Some(address.into());
        self
    }

    /// Sets what is known of the session of all events: for a process that is one session, as on
    /// stdio. Default: nothing.
    pub fn session(mut self, session: Session<'_>) -> Self {
        self.session = session.into_owned();
        self
    }

    /// Sets the share of calls that is kept, of the tools without a share of their own: 0.0 to 1.0.
    /// Default: 1.0.
    ///
    /// A call that failed is always kept, and so is every other kind of event. What is left out is
    /// counted as [`Sampled`](crate::DropReason::Sampled); a kept call carries its share, wire key
    /// `sample_rate` in `meta` (the mcpeye wire has no place for it), so that it can be weighed.
    pub const fn sample(mut self, rate: f64) -> Self {
        self.sampling.rate = rate;
        self
    }

    /// Sets the share of a tool's calls that is kept. Default: that of [`sample`](Self::sample).
    pub fn sample_tool(mut self, tool: impl Into<String>, rate: f64) -> Self {
        self.sampling.rates.insert(tool.into(), rate);
        self
    }

    /// Sets how many calls of one tool are kept in a minute, failed ones included, of the tools
    /// without a cap of their own. Default: any number.
    ///
    /// The others are counted as [`RateCapped`](crate::DropReason::RateCapped), and the tool's next
    /// call that is kept says how many they were, wire key `suppressed` in `meta` (the mcpeye wire
    /// has no place for it). Beyond 1 024 different tools the rest share one count.
    pub const fn rate_cap(mut self, calls_per_minute: u32) -> Self {
        self.sampling.cap = Some(calls_per_minute);
        self
    }

    /// Sets how many calls of a tool are kept in a minute. Default: that of
    /// [`rate_cap`](Self::rate_cap).
    pub fn rate_cap_tool(mut self, tool: impl Into<String>, calls_per_minute: u32) -> Self {
        self.sampling.caps.insert(tool.into(), calls_per_minute);
        self
    }

    /// Adds a key to the `meta` of every event; an event's own key of that name wins. The mcpeye
    /// wire has no place for it.
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.meta.push((key.into(), value.into()));
        self
    }

    /// Sets how many events may be pending, those in flight included. Default:
    /// [`DEFAULT_MAX_QUEUE_EVENTS`]; 1 to 100 000 000.
    pub const fn max_queue_events(mut self, events: usize) -> Self {
        self.max_queue_events = events;
        self
    }

    /// Sets how much memory pending events may hold, in bytes, those in flight included. Default:
    /// [`DEFAULT_MAX_QUEUE_BYTES`]; at least [`MIN_QUEUE_BYTES`].
    ///
    /// Requests under way hold a copy beside it: at most `max_in_flight` times `max_batch_bytes`.
    pub const fn max_queue_bytes(mut self, bytes: usize) -> Self {
        self.max_queue_bytes = bytes;
        self
    }

    /// Sets what happens to an event that the queue has no room for. Default:
    /// [`WhenFull::DropNewest`].
    pub const fn when_full(mut self, policy: WhenFull) -> Self {
        self.when_full = policy;
        self
    }

    /// Sets how many events one request holds at most. Default: [`DEFAULT_MAX_BATCH_EVENTS`];
    /// 1 to 100 000. On [`Wire::Reo`] it is always 1.
    pub const fn max_batch_events(mut self, events: usize) -> Self {
        self.max_batch_events = events;
        self
    }

    /// Sets how many bytes of events one request holds at most. Default:
    /// [`DEFAULT_MAX_BATCH_BYTES`]; 1 KiB to 64 MiB.
    pub const fn max_batch_bytes(mut self, bytes: usize) -> Self {
        self.max_batch_bytes = bytes;
        self
    }

    /// Sets how long a partly filled batch may wait before it is sent.
    ///
    /// Default: [`DEFAULT_FLUSH_INTERVAL`]; 10 ms to 1 h. A shorter interval lowers latency and
    /// raises the number of requests; it does not change what is kept or dropped.
    pub const fn flush_interval(mut self, interval: Duration) -> Self {
        self.flush_interval = interval;
        self
    }

    /// Sets how long a request may take, from connecting to the end of the answer. Default:
    /// [`DEFAULT_REQUEST_TIMEOUT`], on the batch wires [`DEFAULT_BATCH_REQUEST_TIMEOUT`]; 10 ms to
    /// 10 min.
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = Some(timeout);
        self
    }

    /// Sets how many requests may be under way at a time. Default: [`DEFAULT_MAX_IN_FLIGHT`];
    /// 1 to 256.
    pub const fn max_in_flight(mut self, requests: usize) -> Self {
        self.max_in_flight = requests;
        self
    }

    /// Sets the longest wait after a first failure; the wait is random below it, and doubles with
    /// each failure that follows. Default: [`DEFAULT_INITIAL_BACKOFF`]; 1 ms to `max_backoff`.
    pub const fn initial_backoff(mut self, wait: Duration) -> Self {
        self.initial_backoff = wait;
        self
    }

    /// Sets the longest wait after any failure. Default: [`DEFAULT_MAX_BACKOFF`]; up to 1 h.
    pub const fn max_backoff(mut self, wait: Duration) -> Self {
        self.max_backoff = wait;
        self
    }

    /// Sets the longest `Retry-After` that is honoured; a longer one counts as this. Default:
    /// [`DEFAULT_MAX_RETRY_AFTER`]; up to 24 h.
    pub const fn max_retry_after(mut self, wait: Duration) -> Self {
        self.max_retry_after = wait;
        self
    }

    /// Sets how old a pending event may get before it is dropped as
    /// [`Expired`](crate::DropReason::Expired), retries included. Default:
    /// [`DEFAULT_MAX_EVENT_AGE`]; 1 s to 30 days, and longer than
    /// `flush_interval`.
    pub const fn max_event_age(mut self, age: Duration) -> Self {
        self.max_event_age = age;
        self
    }

    /// Keeps what is queued on disk until the ingest has confirmed it. Default: no.
    ///
    /// Its age replaces [`max_event_age`](Self::max_event_age). The worker starts with the logger
    /// rather than with the first event, since earlier processes may have left events.
    #[cfg(feature = "spool")]
    pub fn spool(mut self, spool: crate::spool::Spool) -> Self {
        self.spool = Some(spool);
        self
    }

    /// Sets how much of an event is kept. Default: [`limits`].
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the redactor. Default: the built-in rules.
    pub fn redactor(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    /// Sends pseudonyms in the place of user ids and e-mail addresses: on every event, whoever
    /// gives the identity. Default: no, they are sent as they are.
    ///
    /// An id of the kind `EMAIL` becomes what [`Pseudonyms::email`] makes of it, any other what
    /// [`Pseudonyms::user`] does; the kind and anonymous ids stay. Logins are told apart by the
    /// pseudonyms, too, so that an address in two spellings is one. It costs the caller of
    /// `log_usage` a hash, about a microsecond.
    ///
    /// Addresses in texts stay the redactor's: marks, or the same pseudonyms where a redactor has
    /// been given [them](crate::redact::RedactorBuilder::pseudonyms), too.
    ///
    /// ```
    /// # use mcp_usage::{UsageLogger, pseudonym::Pseudonyms};
    /// # fn key_store() -> Vec<u8> { vec![7; 32] }
    /// let builder = UsageLogger::builder().pseudonyms(Pseudonyms::new(&key_store())?);
    /// # Ok::<(), mcp_usage::pseudonym::KeyTooShort>(())
    /// ```
    ///
    /// [`Pseudonyms::email`]: crate::pseudonym::Pseudonyms::email
    /// [`Pseudonyms::user`]: crate::pseudonym::Pseudonyms::user
    #[cfg(feature = "pseudonyms")]
    #[cfg_attr(docsrs, doc(cfg(feature = "pseudonyms")))]
    pub fn pseudonyms(mut self, pseudonyms: crate::pseudonym::Pseudonyms) -> Self {
        self.names.pseudonyms = Some(pseudonyms);
        self
    }

    /// Sets a hook over each finished event, as the JSON of the wire format; `None` drops the
    /// event as [`BeforeSend`](crate::DropReason::BeforeSend), and so does a panic.
    ///
    /// It runs on the worker, so it must not block. What it returns is redacted again. Ids, times
    /// and the identity stay as they were.
    pub fn before_send(
        mut self,
        hook: impl Fn(Value) -> Option<Value> + Send + Sync + 'static,
    ) -> Self {
        self.before_send = Some(Arc::new(hook));
        self
    }

    /// Sets a callback for deliveries that fail. It runs on the worker, so it must not block; a
    /// panic in it is caught and counted.
    pub fn on_error(mut self, callback: impl Fn(&DeliveryError) + Send + Sync + 'static) -> Self {
        self.on_error = Some(Arc::new(callback));
        self
    }

    /// Adds headers to every request. The key's, `Host` and those that frame the body are refused.
    pub fn headers<N: Into<String>, V: Into<String>>(
        mut self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        self.headers.extend(headers);
        self
    }

    /// Allows an endpoint with plain `http` that is not on this machine: the key and the events
    /// then travel in the clear. Default: no.
    pub const fn allow_insecure_http(mut self, allow: bool) -> Self {
        self.allow_insecure_http = allow;
        self
    }

    /// Changes the HTTP client: proxies, roots, client certificates. Redirects stay refused
    /// whatever it does, and this machine is never reached by a proxy.
    ///
    /// Without it, proxies come from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, and
    /// roots from the system.
    ///
    /// [`ClientBuilder`] is reqwest's, so a new major version of reqwest is one of this crate.
    ///
    /// # Examples
    ///
    /// An authority of your own, and a certificate that names this server to the ingest:
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let root = reqwest::Certificate::from_pem(&std::fs::read("authority.pem")?)?;
    /// let identity = reqwest::Identity::from_pem(&std::fs::read("client.pem")?)?;
    /// let usage = mcp_usage::UsageLogger::builder()
    ///     .http_client(move |client| client.tls_certs_merge([root]).identity(identity))
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn http_client(
        mut self,
        change: impl FnOnce(ClientBuilder) -> ClientBuilder + 'static,
    ) -> Self {
        self.http_client = Some(Box::new(change));
        self
    }

    /// Compresses requests where that makes them smaller, with `Content-Encoding: gzip`. Default:
    /// no, since an ingest must know how to take it; one that does not answers 415 or 400, which
    /// drops events as [`Rejected`](crate::DropReason::Rejected).
    ///
    /// For the batch wires: [`build`](Self::build) returns [`BuildError::Invalid`] with
    /// [`Wire::Reo`], whose requests hold one event.
    #[cfg(feature = "gzip")]
    #[cfg_attr(docsrs, doc(cfg(feature = "gzip")))]
    pub const fn gzip(mut self, on: bool) -> Self {
        self.gzip = on;
        self
    }

    /// Trusts the authorities that Mozilla trusts, as known when the crate `webpki-root-certs` was
    /// released, and not those of the system. Default: no, the system's.
    ///
    /// For images that have no roots. [`http_client`](Self::http_client) may add to them.
    #[cfg(feature = "bundled-roots")]
    #[cfg_attr(docsrs, doc(cfg(feature = "bundled-roots")))]
    pub const fn bundled_roots(mut self, on: bool) -> Self {
        self.bundled_roots = on;
        self
    }

    /// Writes what would be sent to a file instead of sending it: each request's body is a line of
    /// JSON, appended. Default: none. Neither key nor endpoint is needed then.
    ///
    /// Events count as delivered when they are written. The file is not rotated. On Unix it is made
    /// so that only its owner may read it.
    ///
    /// [`build`](Self::build) returns [`BuildError::Invalid`] when the file cannot be opened.
    pub fn dry_run(mut self, path: impl Into<PathBuf>) -> Self {
        self.dry_run = Some(path.into());
        self
    }

    /// Switches the logger off. Default: on, unless the environment opts out; an opt-out wins over
    /// `enabled(true)`.
    pub const fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Sets where environment variables are looked up. Default: the process's environment. For
    /// tests that must not depend on it.
    pub fn env(mut self, lookup: impl Fn(&str) -> Option<String> + 'static) -> Self {
        self.env = Env::new(lookup);
        self
    }

    /// Sets a clock that a test moves. Default: the system's.
    #[cfg(feature = "testing")]
    pub fn clock(mut self, clock: &crate::base::manual_clock::ManualClock) -> Self {
        self.clock = Clock::Manual(clock.clone());
        self
    }

    /// Keeps requests in memory instead of sending them; a key and an endpoint are not needed then.
    #[cfg(feature = "testing")]
    pub fn memory_transport(
        mut self,
        transport: &crate::transport::memory::MemoryTransport,
    ) -> Self {
        self.transport = Some(Arc::new(transport.clone()));
        self
    }

    /// Validates the settings and creates the logger. Nothing is started or sent before the first
    /// event.
    ///
    /// When the environment opts out (`DO_NOT_TRACK`, `PACKAGE_TRACKER_ANALYTICS`) or
    /// [`enabled`](Self::enabled) is false, the logger is disabled and nothing is required.
    ///
    /// # Errors
    ///
    /// [`BuildError`] names the setting, or the environment variable, and what is wrong with it.
    pub fn build(self) -> Result<UsageLogger, BuildError> {
        if let Some(variable) = self.env.opted_out()? {
            return Ok(UsageLogger::off(variable));
        }
        if !self.enabled {
            return Ok(UsageLogger::disabled());
        }
        let usage = UsageLogger::new(self.config()?);
        #[cfg(feature = "spool")]
        usage.start_spool();
        Ok(usage)
    }

    /// Builds, or logs the error (target `reo.mcp-gateway`) and returns a disabled logger: for
    /// servers that would rather run without telemetry than not at all.
    #[must_use]
    pub fn build_or_disabled(self) -> UsageLogger {
        self.build().unwrap_or_else(|error| {
            tracing::error!(target: crate::base::log::LOG_TARGET, "usage logging is off: {error}");
            UsageLogger::disabled()
        })
    }

    fn config(mut self) -> Result<Config, BuildError> {
        if let (Some(path), None) = (&self.dry_run, &self.transport) {
            let file = DryRun::open(path)
                .map_err(|error| invalid("dry_run", format!("cannot write the file: {error}")))?;
            self.transport = Some(Arc::new(file));
        }
        if self.gzip && self.wire == Wire::Reo {
            return Err(invalid(
                "gzip",
                "is for the batch wires; Wire::Reo sends one event a request",
            ));
        }
        let settings = self.settings();
        let env = &self.env;
        self.check_sampling()?;
        let key = self.key()?;
        let endpoint = self.endpoint_url()?;
        let headers = self.header_map()?;
        self.check_ranges()?;
        for (setting, value) in [("product_id", &self.product_id), ("ip_addr", &self.ip_addr)] {
            if value.as_deref() == Some("") {
                return Err(invalid(setting, "is empty"));
            }
        }
        if let Wire::Mcpeye(mcpeye) = &self.wire
            && mcpeye.project.trim().is_empty()
        {
            return Err(invalid("wire", "has an empty mcpeye project"));
        }
        if let Some(identity) = &self.identity
            && (identity.id.is_empty() || identity.id_type.is_empty())
        {
            return Err(invalid("identity", "has an empty id or kind"));
        }
        let text = |setting, code: Option<String>, variable, default: &str| match code
            .or_else(|| env.get(variable))
        {
            Some(text) if text.is_empty() => Err(invalid(setting, "is empty")),
            Some(text) => Ok(text),
            None => Ok(default.to_owned()),
        };
        let source = text(
            "source",
            self.source,
            "REO_PRODUCT_USAGE_SOURCE",
            DEFAULT_SOURCE,
        )?;
        let environment = text(
            "environment",
            self.environment,
            "REO_PRODUCT_USAGE_ENVIRONMENT",
            DEFAULT_ENVIRONMENT,
        )?;
        let user_agent = text(
            "user_agent",
            self.user_agent,
            "REO_PRODUCT_USAGE_USER_AGENT",
            DEFAULT_USER_AGENT,
        )?;
        let verbose = env.flag("PACKAGE_TRACKER_VERBOSE")?.unwrap_or(false);

        let rules = CapturePolicy {
            limits: self.limits,
            redactor: self.redactor,
        };
        // A `Value` does not panic, so nothing is counted.
        let ledger = Ledger::default();
        let meta = self.meta.into_iter().map(|(name, value)| {
            let captured = capture::capture_value(&rules, &value, false, &ledger);
            (name, captured)
        });
        let constant = |text| Constant::new(text, &rules.redactor);
        let defaults = Defaults {
            identity: self.identity,
            names: self.names,
            product_id: self.product_id.filter(|id| !id.is_empty()).map(constant),
            source: constant(source),
            environment: constant(environment),
            user_agent: constant(user_agent),
            ip_addr: self.ip_addr.filter(|ip| !ip.is_empty()).map(constant),
            session: self.session,
            meta: meta.collect(),
        };
        let key = Arc::new(KeyCell::new(key));
        let destination = self.transport.is_none().then(|| endpoint.clone());
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(
                Http::new(http::Settings {
                    endpoint,
                    headers,
                    key_header: self.wire.key_header(),
                    key: Arc::clone(&key),
                    max_in_flight: self.max_in_flight,
                    hook: self.http_client,
                    gzip: self.gzip,
                    bundled_roots: self.bundled_roots,
                })
                .map_err(|error| BuildError::HttpClient(Box::new(error.without_url())))?,
            ),
        };
        let max_batch_events = self.wire.max_events().unwrap_or(self.max_batch_events);
        let default_timeout = match self.wire {
            Wire::Reo => DEFAULT_REQUEST_TIMEOUT,
            Wire::ReoBatch | Wire::Mcpeye(_) => DEFAULT_BATCH_REQUEST_TIMEOUT,
        };
        // Last, so that a logger that is not built leaves nothing on disk.
        #[cfg(feature = "spool")]
        let max_event_age = self.spool.as_ref().map_or(self.max_event_age, |s| s.age());
        #[cfg(not(feature = "spool"))]
        let max_event_age = self.max_event_age;
        #[cfg(feature = "spool")]
        let spool = match self.spool {
            Some(spool) => Some(spool.open(self.wire.tag())?),
            None => None,
        };
        Ok(Config {
            #[cfg(feature = "spool")]
            spool_dir: spool.as_ref().map(|s| s.settings.root.clone()),
            #[cfg(feature = "spool")]
            spool: std::sync::Mutex::new(spool),
            bounds: Bounds {
                max_events: self.max_queue_events,
                max_bytes: self.max_queue_bytes,
                when_full: self.when_full,
                batch_events: if self.wire == Wire::Reo {
                    usize::MAX
                } else {
                    max_batch_events
                },
                // One event is a batch there, so any segment is worth sending.
                batch_bytes: match self.wire {
                    Wire::Reo => 1,
                    Wire::ReoBatch | Wire::Mcpeye(_) => self.max_batch_bytes,
                },
            },
            wire: self.wire,
            defaults,
            rules,
            max_batch_events,
            max_batch_bytes: self.max_batch_bytes,
            flush_interval: self.flush_interval,
            request_timeout: self.request_timeout.unwrap_or(default_timeout),
            max_in_flight: self.max_in_flight,
            pace: Pace {
                initial_backoff: self.initial_backoff,
                max_backoff: self.max_backoff,
                max_retry_after: self.max_retry_after,
            },
            max_event_age,
            before_send: self.before_send,
            on_error: self.on_error,
            sampling: self.sampling,
            verbose,
            clock: self.clock,
            transport,
            key,
            endpoint: destination,
            settings,
        })
    }

    fn key(&self) -> Result<Option<ApiKey>, BuildError> {
        let (variable, required) = match self.wire {
            Wire::Reo | Wire::ReoBatch => ("REO_API_KEY", true),
            Wire::Mcpeye(_) => ("MCPEYE_INGEST_SECRET", false),
        };
        let (setting, key) = match &self.api_key {
            Some(key) => ("api_key", key.clone()),
            None => match self.env.get(variable) {
                Some(key) => (variable, key),
                None if required && self.transport.is_none() => {
                    return Err(BuildError::MissingApiKey { variable });
                }
                None => return Ok(None),
            },
        };
        parse_key(setting, &key).map(Some)
    }

    fn endpoint_url(&self) -> Result<Url, BuildError> {
        let variable = match self.wire {
            Wire::Reo | Wire::ReoBatch => "REO_CENSUS_MCP_ENDPOINT",
            Wire::Mcpeye(_) => "MCPEYE_INGEST_URL",
        };
        let (setting, text) = match &self.endpoint {
            Some(url) => ("endpoint", url.clone()),
            None => match self.env.get(variable) {
                Some(url) => (variable, url),
                None if self.wire == Wire::Reo || self.transport.is_some() => {
                    ("endpoint", DEFAULT_ENDPOINT.to_owned())
                }
                None => return Err(BuildError::MissingEndpoint { variable }),
            },
        };
        let mut url = parse_endpoint(setting, &text, self.allow_insecure_http)?;
        if matches!(self.wire, Wire::Mcpeye(_)) {
            let path = url.path().trim_end_matches('/');
            let path = if path.ends_with("/ingest") {
                path.to_owned()
            } else {
                format!("{path}/ingest")
            };
            url.set_path(&path);
        }
        Ok(url)
    }

    fn header_map(&self) -> Result<HeaderMap, BuildError> {
        const RESERVED: [&str; 7] = [
            "x-api-key",
            "x-mcpeye-secret",
            "host",
            "content-type",
            "content-length",
            "content-encoding",
            "transfer-encoding",
        ];
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            let header = HeaderName::try_from(name.as_str())
                .map_err(|_| invalid("headers", format!("has a name that is none: {name:?}")))?;
            if RESERVED.contains(&header.as_str()) {
                return Err(invalid("headers", format!("may not set {header}")));
            }
            // The value may be a credential, so it is not repeated.
            let mut value = HeaderValue::try_from(value.as_str()).map_err(|_| {
                invalid(
                    "headers",
                    format!("has a value for {header} that no header can hold"),
                )
            })?;
            value.set_sensitive(true);
            map.append(header, value);
        }
        Ok(map)
    }

    fn check_sampling(&self) -> Result<(), BuildError> {
        let rates = self.sampling.rates.values().copied();
        for rate in rates.chain([self.sampling.rate]) {
            if !(0.0..=1.0).contains(&rate) {
                return Err(invalid(
                    "sample",
                    format!("is {rate}, which is not within 0.0 to 1.0"),
                ));
            }
        }
        Ok(())
    }

    fn check_ranges(&self) -> Result<(), BuildError> {
        const MILLISECOND: Duration = Duration::from_millis(1);
        const SECOND: Duration = Duration::from_secs(1);
        const HOUR: Duration = Duration::from_secs(60 * 60);
        in_range("max_queue_events", self.max_queue_events, 1, 100_000_000)?;
        in_range(
            "max_queue_bytes",
            self.max_queue_bytes,
            MIN_QUEUE_BYTES,
            usize::MAX / 4,
        )?;
        in_range("max_batch_events", self.max_batch_events, 1, 100_000)?;
        in_range(
            "max_batch_bytes",
            self.max_batch_bytes,
            1024,
            64 * 1024 * 1024,
        )?;
        in_range(
            "flush_interval",
            self.flush_interval,
            10 * MILLISECOND,
            HOUR,
        )?;
        if let Some(timeout) = self.request_timeout {
            in_range("request_timeout", timeout, 10 * MILLISECOND, HOUR / 6)?;
        }
        in_range("max_in_flight", self.max_in_flight, 1, 256)?;
        in_range("max_backoff", self.max_backoff, MILLISECOND, HOUR)?;
        in_range(
            "initial_backoff",
            self.initial_backoff,
            MILLISECOND,
            self.max_backoff,
        )?;
        in_range(
            "max_retry_after",
            self.max_retry_after,
            Duration::ZERO,
            24 * HOUR,
        )?;
        if self.max_event_age <= self.flush_interval {
            let fault = format!(
                "is {:?}, not longer than flush_interval",
                self.max_event_age
            );
            return Err(invalid("max_event_age", fault));
        }
        in_range("max_event_age", self.max_event_age, SECOND, 30 * 24 * HOUR)?;
        #[cfg(feature = "spool")]
        if let Some(spool) = &self.spool {
            if spool.path().as_os_str().is_empty() {
                return Err(invalid("spool", "has an empty path"));
            }
            let least = crate::spool::MIN_MAX_BYTES;
            in_range("spool.max_bytes", spool.bytes(), least, u64::MAX / 4)?;
            if spool.age() <= self.flush_interval {
                let fault = format!("is {:?}, not longer than flush_interval", spool.age());
                return Err(invalid("spool.max_age", fault));
            }
            in_range("spool.max_age", spool.age(), SECOND, 30 * 24 * HOUR)?;
        }
        match self.limits.fault() {
            Some((limit, value, range)) => Err(invalid(
                "limits",
                format!(
                    "has {limit} {value}, which is not within {} to {}",
                    range.start(),
                    range.end()
                ),
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn env(value: &str) -> Env {
        let value = value.to_owned();
        Env::new(move |_| Some(value.clone()))
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
            "X is \"perhaps\", which is neither true nor false"
        );
    }

    #[test]
    fn loopback_is_what_stays_on_this_machine() {
        for (url, expected) in [
            ("http://127.0.0.1/", true),
            ("http://127.255.0.1:80/", true),
            ("http://[::1]:9/", true),
            ("http://localhost/", true),
            ("http://LocalHost:1/", true),
            ("http://127.1/", true),
            ("http://2130706433/", true),
            ("http://128.0.0.1/", false),
            ("http://[::2]/", false),
            ("http://0.0.0.0/", false),
            ("http://localhost.example/", false),
            ("http://127.0.0.1.example/", false),
            ("http://example/127.0.0.1", false),
        ] {
            assert_eq!(
                http::is_loopback(&Url::parse(url).unwrap()),
                expected,
                "{url}"
            );
        }
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

        #[test]
        fn a_key_is_refused_or_fits_into_a_header(key in "\\PC{0,20}[\\x00-\\x7f]{0,5}") {
            match parse_key("api_key", &key) {
                Ok(parsed) => {
                    prop_assert_eq!(parsed.expose(), key.trim());
                    prop_assert!(HeaderValue::from_str(parsed.expose()).is_ok());
                }
                Err(error) => prop_assert!(key.trim().len() < 3 || !error.to_string().contains(key.trim())),
            }
        }
    }
}
