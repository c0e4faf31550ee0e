//! The builder: its fields and setters.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::ClientBuilder;
use serde_json::Value;

use super::destination::{Confirm, Destination, Target};
use super::env::Env;
use super::table::{Given, table};
use crate::base::clock::Clock;
use crate::error::DeliveryError;
use crate::event::{Consent, Identity, Sampling, Session};
use crate::hooks::{BeforeSend, OnError};
use crate::limits::Limits;
use crate::queue::WhenFull;
use crate::redact::Redactor;
use crate::wire::naming::IdentityPolicy;
use crate::wire::{SessionIds, Wire};

/// Builds a [`UsageLogger`](crate::UsageLogger).
///
/// Required are an API key on the Reo wires and on [`Wire::PostHog`], an endpoint on [`Wire::ReoBatch`] and
/// [`Wire::Mcpeye`], and on the Reo wires a product, here or on each event. Every other setting has a default.
#[must_use = "a builder does nothing until `build`"]
#[derive(Default)]
pub struct Builder {
    /// Where events go; with others behind it in `others`.
    pub(super) target: Target,
    pub(super) others: Vec<Destination>,
    pub(super) confirm: Confirm,
    pub(super) identity: Option<Identity<'static>>,
    pub(super) identity_policy: IdentityPolicy,
    pub(super) product_id: Option<String>,
    pub(super) source: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) ip_addr: Option<String>,
    pub(super) session: Session<'static>,
    pub(super) session_ids: SessionIds,
    pub(super) session_key: Option<Vec<u8>>,
    pub(super) meta: Vec<(String, Value)>,
    pub(super) max_queue_events: Option<usize>,
    /// What was given of the settings in the table.
    pub(super) given: Given,
    pub(super) limits: Limits,
    pub(super) redactor: Redactor,
    pub(super) before_send: Option<BeforeSend>,
    pub(super) on_error: Option<OnError>,
    pub(super) dry_run: Option<PathBuf>,
    pub(super) sampling: Sampling,
    pub(super) consent: Option<Consent>,
    pub(super) disabled: bool,
    pub(super) env: Env,
    pub(super) clock: Clock,
}

/// Prints nothing about users, and of the key only whether it is set.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("wire", &self.target.wire)
            .field("api_key", &self.target.api_key.as_ref().map(|_| ".."))
            .field("product_id", &self.product_id)
            .field("enabled", &!self.disabled)
            .finish_non_exhaustive()
    }
}

macro_rules! setters {
    ($(
        $(#[$doc:meta])+
        $name:ident($param:ident: $type:ty) = $default:expr
        $(, in $range:expr $(, at most $most:ident)?)?;
    )+) => {
        impl Builder {$(
            $(#[$doc])+
            pub const fn $name(mut self, $param: $type) -> Self {
                self.given.$name = Some($param);
                self
            }
        )+}
    };
}

table!(setters);

impl Builder {
    /// Sets the wire format. Default: [`Wire::Reo`].
    pub fn wire(mut self, wire: Wire) -> Self {
        self.target.wire = wire;
        self
    }

    /// Sends every event to one more destination, up to seven beside the builder's own. Default: none.
    ///
    /// An event is captured, redacted and held in memory once, whatever the number of destinations, and
    /// [`max_queue_bytes`](Self::max_queue_bytes) bounds the memory of all. A destination that is down or slow does not
    /// delay the others. If it lags behind another, it holds at most half of that memory, and half of
    /// [`max_queue_events`](Self::max_queue_events) (at least one event). Beyond that it loses its own oldest events, as
    /// [`Evicted`](crate::DropReason::Evicted), whatever [`when_full`](Self::when_full) says. Its requests in flight count
    /// towards the bound; if they would exceed it, batches are smaller and requests fewer.
    ///
    /// If a wire accepts only some kinds of events, those are copied out of a mixed run, within the same bound. If there is
    /// no memory for the copy, the destination that lags loses its oldest events to make room.
    ///
    /// | call | with several destinations |
    /// |---|---|
    /// | `log_usage` | [`Queued`](crate::Outcome::Queued) if any accepts the event; each destination that it is for counts it as offered |
    /// | `log_usage_confirmed` | waits for the first, or for all: [`confirm`](Self::confirm) |
    /// | `flush`, `shutdown`, `flush_to_disk` | all destinations, with one deadline; a flush that times out and the report of a shutdown have the [counts of each](crate::DestinationReport); `flush_to_disk` is done when all spools have the events, and otherwise names the first that has not |
    /// | `before_send` | runs once for each event |
    /// | `forget` | applies to all of them; an event counts for each |
    /// | `stats` | those of the first; [`destinations`](crate::UsageLogger::destinations) has each by name |
    /// | `set_api_key` | the first; [`destination`](crate::UsageLogger::destination) returns the others |
    ///
    /// The names of the integrations' own tools, and of the property that asks for an intent, are those of the first
    /// destination's wire.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use mcp_usage::{Destination, Otlp, UsageLogger, Wire};
    ///
    /// let usage = UsageLogger::builder()
    ///     .product_id("shop")
    ///     .also(Destination::new(Wire::Otlp(Otlp::spans())))
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn also(mut self, destination: Destination) -> Self {
        self.others.push(destination);
        self
    }

    /// Sets what [`log_usage_confirmed`](crate::UsageLogger::log_usage_confirmed) waits for if there are several
    /// destinations. Default: [`Confirm::First`].
    pub const fn confirm(mut self, confirm: Confirm) -> Self {
        self.confirm = confirm;
        self
    }

    /// Sets the API key, sent in the header `X-API-KEY` (`x-mcpeye-secret` on the mcpeye wire).
    ///
    /// Default: `REO_API_KEY`, on the mcpeye wire `MCPEYE_INGEST_SECRET`, where it is optional. On the OTLP wire it
    /// is optional, has no variable, and is sent as `Authorization: Bearer KEY`. On the PostHog wire the variable is
    /// `POSTHOG_API_KEY`, and the key is added to the body when that is sent.
    /// The key is sent only to the endpoint's origin, and never appears in `Debug` output, logs or errors.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.target.api_key = Some(key.into());
        self
    }

    /// Sets where events are sent.
    ///
    /// Default: `REO_CENSUS_MCP_ENDPOINT` (`MCPEYE_INGEST_URL` on the mcpeye wire), else
    /// [`DEFAULT_ENDPOINT`](crate::config::DEFAULT_ENDPOINT) on [`Wire::Reo`]; [`Wire::Otlp`] and
    /// [`Wire::PostHog`] have their own defaults and variables, and the other wires have none. The mcpeye wire appends
    /// `/ingest` to the path unless it ends with it, the OTLP wire `/v1/traces`, and the PostHog wire `/batch/`.
    ///
    /// Plain `http` is refused except to this machine; see
    /// [`allow_insecure_http`](Self::allow_insecure_http).
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.target.endpoint = Some(url.into());
        self
    }

    /// Sets the identity of events that have none of their own. Wire keys `user_id` and `user_id_type`.
    /// Default: none; a tool call without an identity is anonymous.
    pub fn identity(mut self, identity: Identity<'_>) -> Self {
        self.identity = Some(identity.into_owned());
        self
    }

    /// Sets the product. Wire key `product_id`. Default: none; the Reo wires, and PostHog without a
    /// [`server_name`](crate::PostHog::server_name), require one here or on each event.
    pub fn product_id(mut self, id: impl Into<String>) -> Self {
        self.product_id = Some(id.into());
        self
    }

    /// Sets the source. Wire key `source`. Default: `REO_PRODUCT_USAGE_SOURCE`, else
    /// [`DEFAULT_SOURCE`](crate::config::DEFAULT_SOURCE).
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Sets the environment. Wire key `environment`. Default: `REO_PRODUCT_USAGE_ENVIRONMENT`,
    /// else [`DEFAULT_ENVIRONMENT`](crate::config::DEFAULT_ENVIRONMENT).
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = Some(environment.into());
        self
    }

    /// Sets the user agent of events. Wire key `user_agent`. Default:
    /// `REO_PRODUCT_USAGE_USER_AGENT`, else [`DEFAULT_USER_AGENT`](crate::config::DEFAULT_USER_AGENT).
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Sets the address of all clients. Wire key `ip_addr`. Default: none.
    pub fn ip_addr(mut self, address: impl Into<String>) -> Self {
        self.ip_addr = Some(address.into());
        self
    }

    /// Sets what is known about the session of all events, for a process that is one session, as on
    /// stdio. Default: nothing.
    pub fn session(mut self, session: Session<'_>) -> Self {
        self.session = session.into_owned();
        self
    }

    /// Sets how session ids are sent. Default: [`SessionIds::Hashed`].
    pub const fn session_ids(mut self, ids: SessionIds) -> Self {
        self.session_ids = ids;
        self
    }

    /// Sets a key of your own, of at least 16 bytes, with which session ids are hashed. Default: none; the
    /// hashes then depend only on the ids and the product (on the mcpeye wire, the project).
    ///
    /// For servers whose session ids can be guessed, for example user names: without the key nobody can find out by
    /// trial which id a hash stands for. Give the same key to all replicas, and keep it: with another key, every session
    /// has another hash.
    pub fn session_key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.session_key = Some(key.as_ref().to_vec());
        self
    }

    /// Sets the share of calls that is kept, for tools without a share of their own: 0.0 to 1.0.
    /// Default: 1.0.
    ///
    /// Failed calls and all other kinds of events are always kept. The calls that are left out are counted as
    /// [`Sampled`](crate::DropReason::Sampled). A kept call carries its share, wire key `sample_rate` in `meta` (the
    /// mcpeye wire has no place for it), so that it can be weighted.
    pub const fn sample(mut self, rate: f64) -> Self {
        self.sampling.rate = rate;
        self
    }

    /// Sets the share of a tool's calls that is kept. Default: that of [`sample`](Self::sample).
    pub fn sample_tool(mut self, tool: impl Into<String>, rate: f64) -> Self {
        self.sampling.rates.insert(tool.into(), rate);
        self
    }

    /// Sets how many calls of one tool are kept in a minute, failed ones included, for tools without a cap of their own.
    /// Default: any number.
    ///
    /// The others are counted as [`RateCapped`](crate::DropReason::RateCapped), and the next kept call of the tool carries
    /// their number, wire key `suppressed` in `meta` (the mcpeye wire has no place for it). If there are more than 1 024
    /// different tools, the rest share one count.
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

    /// Sets a hook that decides whether an event about a user may be recorded. Default: every event may.
    ///
    /// The hook runs on the thread that logs the event, before sampling, once for each event that has an identity (its own
    /// or the logger's): calls, logins, listings, custom events, and refused logins that name a user. `false`, or a panic,
    /// drops the event as [`NoConsent`](crate::DropReason::NoConsent). The hook is not called for anonymous events, nor for
    /// those that a full queue or a shutdown refuses.
    ///
    /// It receives the identity as it was given, even if pseudonyms are sent, with the address beside it
    /// ([`ToolCall::email`](crate::ToolCall::email)). If an event has only an address, it receives
    /// [`Identity::email`].
    ///
    /// For a [call guard](crate::CallGuard), and for a call that an integration records, the hook runs when the call ends, on
    /// the thread that ends it, with the identity that the call has then. A shutdown ends the open calls. Until then only
    /// the guard holds the content, and after a `false` it is gone.
    ///
    /// The hook must not block, because the request waits for it. Look the answer up in memory, and fetch it elsewhere.
    ///
    /// Events that were logged before a `false` stay queued: [`forget`](crate::UsageLogger::forget) removes them. Events
    /// that a spool has kept from an earlier process are not asked about again.
    ///
    /// ```
    /// # use mcp_usage::UsageLogger;
    /// use std::collections::HashSet;
    /// use std::sync::{Arc, RwLock};
    ///
    /// let opted_out = Arc::new(RwLock::new(HashSet::<String>::new()));
    /// let asked = Arc::clone(&opted_out);
    /// let builder = UsageLogger::builder()
    ///     .consent(move |identity| asked.read().is_ok_and(|out| !out.contains(identity.id())));
    /// ```
    pub fn consent(mut self, asks: impl Fn(&Identity<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.consent = Some(Consent::new(asks));
        self
    }

    /// Adds a key to the `meta` of every event; an event's own key of that name wins. The mcpeye
    /// wire has no place for it.
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.meta.push((key.into(), value.into()));
        self
    }

    /// Also keeps queued events on disk until the ingest has confirmed them. Default: no.
    ///
    /// The spool's `max_age` replaces [`max_event_age`](Self::max_event_age). The worker starts with the logger
    /// rather than with the first event, because earlier processes may have left events.
    #[cfg(feature = "spool")]
    pub fn spool(mut self, spool: crate::spool::Spool) -> Self {
        self.target.spool = Some(spool);
        self
    }

    /// Sets how many events may be pending, those in flight included: 1 to 100 000 000. Default: any
    /// number; [`max_queue_bytes`](Self::max_queue_bytes) alone bounds the queue.
    pub const fn max_queue_events(mut self, events: usize) -> Self {
        self.max_queue_events = Some(events);
        self
    }

    /// Sets how much of an event is kept. Default: [`limits`](crate::limits).
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the redactor. Default: the built-in rules.
    pub fn redactor(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    /// Sends pseudonyms in place of user ids and e-mail addresses, on every event. Default: no, they are
    /// sent unchanged.
    ///
    /// An id of the kind `EMAIL` is replaced by [`Pseudonyms::email`], which ignores case, and any other id by
    /// [`Pseudonyms::user`]. The kind and anonymous ids stay. Logins are counted by pseudonym, too, so an address in two
    /// spellings is one login. Each hash costs the caller of `log_usage` about a microsecond.
    ///
    /// Addresses inside texts are replaced by the redactor: by marks, or by the same pseudonyms if you give
    /// [them](crate::redact::RedactorBuilder::pseudonyms) to it, too.
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
        self.identity_policy.pseudonyms = Some(pseudonyms);
        self
    }

    /// Sends an event `MCP_FORGET_USER` to the destination when a user is [forgotten](crate::UsageLogger::forget), with
    /// their identity (or pseudonym) and the time of the call. Default: no, nothing is sent.
    ///
    /// For an ingest of your own that deletes its data about a user. The event is logged once the logger has forgotten
    /// the user, only for this destination. Neither [`consent`](Self::consent) nor sampling applies to it, and no later
    /// `forget` removes it. If a user is given only by an address, the address is the id. Requests in flight may
    /// arrive after it.
    ///
    /// [`build`](Self::build) returns [`BuildError::Invalid`](crate::BuildError::Invalid) on any other wire than
    /// [`Wire::ReoBatch`].
    pub const fn announce_forgotten(mut self, on: bool) -> Self {
        self.target.announces_forgotten = on;
        self
    }

    /// Sets a hook that can change or drop each finished event. If it returns `None` or panics, the event is dropped as
    /// [`BeforeSend`](crate::DropReason::BeforeSend).
    ///
    /// The hook receives the event as JSON in the wire's format. On the OTLP and PostHog wires, and for several
    /// destinations with different wires, it receives the format of the Reo wires, with an additional member `head` for
    /// the values that these wires have no place for, such as an e-mail address.
    ///
    /// It runs on the worker, so it must not block. What it adds or changes is redacted, and then checked like captured
    /// values: a value that is malformed, or that the wire has no place for, is left out and counted in
    /// [`Stats::fields_left_out`](crate::Stats::fields_left_out). An event that lacks what the wire requires is dropped as
    /// [`MissingField`](crate::DropReason::MissingField); with several destinations, those that require the field drop it as
    /// [`BeforeSend`](crate::DropReason::BeforeSend). Changes of ids, times and the identity have no effect. An eighth of
    /// [`max_queue_bytes`](Self::max_queue_bytes), but room for at least one event, is reserved for events that the hook
    /// enlarges.
    pub fn before_send(
        mut self,
        hook: impl Fn(Value) -> Option<Value> + Send + Sync + 'static,
    ) -> Self {
        self.before_send = Some(Arc::new(hook));
        self
    }

    /// Sets a callback for failed deliveries. It runs on the worker, so it must not block; a
    /// panic in it is caught and counted.
    pub fn on_error(mut self, callback: impl Fn(&DeliveryError) + Send + Sync + 'static) -> Self {
        self.on_error = Some(Arc::new(callback));
        self
    }

    /// Adds headers to every request. The key's header, `Host` and those that frame the body are refused. The values are
    /// treated like keys: they never appear in `Debug` output, logs or errors.
    ///
    /// On the OTLP wire the headers of `OTEL_EXPORTER_OTLP_HEADERS` are sent as well, except those that are set here.
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

    /// Allows an endpoint with plain `http` that is not on this machine: the key and the events
    /// are then sent unencrypted. Default: `MCP_USAGE_ALLOW_INSECURE_HTTP`, else no.
    pub const fn allow_insecure_http(mut self, allow: bool) -> Self {
        self.target.allow_insecure_http = Some(allow);
        self
    }

    /// Sets a hook that changes the HTTP client: proxies, roots, client certificates. Redirects are always
    /// refused, and this machine is never reached through a proxy.
    ///
    /// Without it, proxies come from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, and
    /// roots from the system; none are loaded for an endpoint with plain `http`.
    ///
    /// Called by `build`, and again after the process was suspended (a frozen container, a sleeping laptop), because a
    /// new client replaces the old connections, which may be dead.
    ///
    /// [`ClientBuilder`] is reqwest's, so a new major version of reqwest requires a new major version of this crate.
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
    ///     .http_client(move |client| {
    ///         client.tls_certs_merge([root.clone()]).identity(identity.clone())
    ///     })
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn http_client(
        mut self,
        change: impl Fn(ClientBuilder) -> ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.target.http_client = Some(Box::new(change));
        self
    }

    /// Compresses requests with `Content-Encoding: gzip` if that makes them smaller. Default:
    /// `OTEL_EXPORTER_OTLP_COMPRESSION` on the OTLP wire, otherwise no, because an ingest that cannot read it answers 415
    /// or 400, and the events are dropped as [`Rejected`](crate::DropReason::Rejected).
    ///
    /// Only for the batch wires: [`build`](Self::build) returns [`BuildError::Invalid`](crate::BuildError::Invalid) with
    /// [`Wire::Reo`], whose requests hold one event.
    #[cfg(feature = "gzip")]
    #[cfg_attr(docsrs, doc(cfg(feature = "gzip")))]
    pub const fn gzip(mut self, on: bool) -> Self {
        self.target.gzip = Some(on);
        self
    }

    /// Trusts Mozilla's certificate authorities, as of the release of the crate `webpki-root-certs`, instead of those of
    /// the system. Default: no, the system's.
    ///
    /// For container images that have no roots. [`http_client`](Self::http_client) can add more.
    #[cfg(feature = "bundled-roots")]
    #[cfg_attr(docsrs, doc(cfg(feature = "bundled-roots")))]
    pub const fn bundled_roots(mut self, on: bool) -> Self {
        self.target.bundled_roots = on;
        self
    }

    /// Writes what would be sent to a file instead of sending it, and needs neither a key nor an endpoint. Default: none.
    ///
    /// Each request's body is appended as a line of JSON; on the OTLP wire a line holds the events that the spans are made
    /// from. The setting applies to all destinations except those that keep their requests in memory. Events count as
    /// delivered when they are written. The file is not rotated. On Unix only its owner may read a
    /// file that the logger creates; an existing file keeps its mode.
    ///
    /// [`build`](Self::build) returns [`BuildError::Invalid`](crate::BuildError::Invalid) when the file cannot be opened.
    pub fn dry_run(mut self, path: impl Into<PathBuf>) -> Self {
        self.dry_run = Some(path.into());
        self
    }

    /// Switches the logger on or off. Default: on, unless the environment opts out; an opt-out wins over
    /// `enabled(true)`.
    pub const fn enabled(mut self, enabled: bool) -> Self {
        self.disabled = !enabled;
        self
    }

    /// Sets how environment variables are looked up. Default: in the process's environment. For
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
        self.target.transport = Some(Arc::new(transport.clone()));
        self
    }
}
