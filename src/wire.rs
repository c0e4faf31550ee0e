//! The wires: for each a row of what it needs and takes, and a format, which is an event as JSON and
//! the frame around a batch of them.
//!
//! A new wire is a file for its format and, here, a variant of [`Wire`], a [`Profile`], and an arm in
//! each `match`. Nothing else matches on the wire.

pub(crate) mod answer;
pub(crate) mod defaults;
mod event_form;
mod missing;
pub(crate) mod naming;
pub(crate) mod parts;
pub(crate) mod person;
pub(crate) mod session_ids;
pub(crate) mod subject;

pub(crate) mod mcpeye;
mod mcpeye_rules;
pub(crate) mod otlp;
pub(crate) mod posthog;
mod record;
pub(crate) mod reo;
mod reo_rules;
pub(crate) mod rules;

pub(crate) use event_form::{EventForm, Layout};
pub use mcpeye::Mcpeye;
pub use otlp::settings::Otlp;
pub use posthog::settings::PostHog;
pub use session_ids::SessionIds;

use std::time::{Duration, SystemTime};

use crate::base::id::stable_hash;
use crate::event::{Event, EventKind};
use crate::ledger::DropReason;
use crate::transport::api_key::KeyPlace;
use answer::{Receipt, Verdict, classify_answer};
use defaults::Defaults;
use otlp::resource::Resource;
use otlp::settings::{OtelVariables, VARIABLES};
use parts::SenderInfo;
#[cfg(feature = "spool")]
use record::Record;
use subject::present;

/// Where the Reo wire sends to.
pub const DEFAULT_ENDPOINT: &str = "https://ingest.reo.dev/api/product/usage";
/// How long a request may take on the Reo wire, whose requests hold one event.
pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a request may take on the batch wires.
pub const DEFAULT_BATCH_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The format and the headers in which events are sent to one destination.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wire {
    /// The format of `reo-census-mcp`: one event per request, several requests in flight.
    ///
    /// The default endpoint is [`DEFAULT_ENDPOINT`]. The rate is bounded by `max_in_flight` divided by the round-trip time.
    #[default]
    Reo,
    /// The same payloads in an array, for an ingest of your own. Needs an endpoint.
    ReoBatch,
    /// The format of `mcpeye`. Needs an endpoint. It has no place for an
    /// [`IdentityCapture`](crate::IdentityCapture), an [`Init`](crate::Init) or a
    /// [`Custom`](crate::Custom), nor for custom `meta` and session facts.
    Mcpeye(Mcpeye),
    /// OpenTelemetry spans, in Protocol Buffers over HTTP: for a collector, or a backend that accepts OTLP.
    ///
    /// The wire reads OpenTelemetry's variables: `OTEL_EXPORTER_OTLP_*` for where and how to send, `OTEL_SERVICE_NAME` and
    /// `OTEL_RESOURCE_ATTRIBUTES` to describe the service, and `OTEL_SDK_DISABLED=true` as an opt-out. The endpoint is a base,
    /// by default `http://localhost:4318`, to which `/v1/traces` is added; `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is used
    /// unchanged. No product is required: by default it is the service's name. No key is required either; if there is one,
    /// it is sent as `Authorization: Bearer KEY`.
    ///
    /// Plain `http` is allowed to the places where collectors usually run: this machine, a name without a dot or with the
    /// ending `.svc`, `.local` or `.internal`, and private addresses. Except for this machine, it is allowed only if neither a
    /// key nor a header is set. **Personal data then crosses that network unencrypted.**
    ///
    /// A request is sent again unchanged after 429, 502, 503, 504 and a broken connection; in parts after 400, 413 and 500;
    /// and not at all after other refusals. OTLP's specification does not cover timeouts: after one, the logger closes the
    /// connection, which counts as a broken connection. A 2xx with a web page, as from a proxy or a portal, is also a 2xx,
    /// so its events are dropped as [`Rejected`](crate::DropReason::Rejected).
    Otlp(Otlp),
    /// The format of PostHog's MCP analytics: `$mcp_tool_call` and related events, in batches to `{endpoint}/batch/`.
    ///
    /// The endpoint is the host, by default that of `POSTHOG_HOST`, otherwise `https://us.i.posthog.com`. The key is the
    /// project's token, which begins with `phc_`, by default from `POSTHOG_API_KEY`. It is added to the body only when the
    /// body is sent.
    ///
    /// A user becomes a person. An anonymous event has no person, and is assigned to its session. An event without a session
    /// gets a session of its own; with the transport `stdio` it gets that of the process. [Raw](SessionIds::Raw) session ids
    /// are converted as PostHog's own SDKs do it.
    ///
    /// A call of the tool that an integration offers for missing capabilities is `$mcp_missing_capability`. A tool of the
    /// server's own is not, whatever its name.
    ///
    /// Only final outcomes are calls: an unknown tool is `$mcp_unknown_tool`, a round that asks for input is
    /// `$mcp_input_required`, and a task is `mcp_usage_task`. [`Init`](crate::Init) is `$mcp_tools_list`, and a custom event
    /// `MCP_SESSION_START` is `$mcp_initialize`. Other custom events keep their name, except that names that begin with
    /// `MCP_` or `$` become `mcp_usage_…`. Keys of `meta` are properties `mcp_usage_meta_…`. Answers are handled as on the
    /// Reo wires; an answer that names a quota is logged as a warning.
    ///
    /// An event has at most 102 400 bytes. A larger one is written again with shorter arguments and a shorter result, or
    /// without both if a hook has enlarged it.
    PostHog(PostHog),
}

/// What a wire needs and takes.
#[derive(Debug)]
pub(crate) struct Profile {
    /// Where a request carries the API key.
    pub(crate) key_place: KeyPlace,
    /// The environment variable of the API key, if it has one.
    pub(crate) key_variable: Option<&'static str>,
    pub(crate) requires_key: bool,
    /// The environment variable of the endpoint.
    pub(crate) endpoint_variable: &'static str,
    /// `None` where the user has to give one.
    pub(crate) default_endpoint: Option<&'static str>,
    /// OpenTelemetry's variables, where the wire reads them.
    pub(crate) otel: Option<&'static OtelVariables>,
    /// Whether plain `http` may lead to a host of the same network, where no secret is sent there.
    pub(crate) takes_http_nearby: bool,
    /// The type of a request's body.
    pub(crate) content_type: &'static str,
    /// What the query says of a compressed body, where a receiver needs more than the header.
    pub(crate) gzip_query: Option<&'static str>,
    /// How the endpoint's path has to end; appended where it does not.
    pub(crate) endpoint_suffix: &'static str,
    /// Whether a request holds several events. Without, the sizes of a batch do not matter.
    pub(crate) is_batch: bool,
    /// The most bytes of events of one request, whatever the user says.
    pub(crate) max_batch_bytes: usize,
    /// How long a request may take unless the user says.
    pub(crate) request_timeout: Duration,
    /// Whether there is a place for other events than tool calls.
    pub(crate) takes_all_kinds: bool,
    /// Whether there is a place for what a tool's definition says of it.
    pub(crate) takes_descriptions: bool,
    /// The property of a tool's input schema that asks an agent for its intent.
    pub(crate) intent_property: &'static str,
    /// The tool that takes requests for what no tool offers.
    pub(crate) capability_tool: &'static str,
    /// Returns whether an event of its own form has values larger than the receiver takes them, given by how many bytes
    /// the redactor has made it longer.
    pub(crate) outgrows: fn(&[u8], usize) -> bool,
    /// Says what an answer means for its batch, by its status, its `Retry-After` and the time.
    pub(crate) classify_answer: fn(u16, Option<&str>, SystemTime) -> Verdict,
    /// What a 2xx with a web page means: not the ingest has answered, but a proxy or a portal.
    pub(crate) page: Verdict,
    /// Reads the body of a 2xx answer. What cannot be read refuses nothing: the status has said that the
    /// batch was taken.
    pub(crate) receipt: fn(&[u8]) -> Receipt,
}

pub(crate) const REO: Profile = Profile {
    key_place: KeyPlace::Header("x-api-key", ""),
    key_variable: Some("REO_API_KEY"),
    requires_key: true,
    endpoint_variable: "REO_CENSUS_MCP_ENDPOINT",
    default_endpoint: Some(DEFAULT_ENDPOINT),
    endpoint_suffix: "",
    otel: None,
    takes_http_nearby: false,
    content_type: "application/json",
    gzip_query: None,
    is_batch: false,
    max_batch_bytes: usize::MAX,
    request_timeout: DEFAULT_REQUEST_TIMEOUT,
    takes_all_kinds: true,
    takes_descriptions: false,
    intent_property: "prompt",
    capability_tool: reo::CAPABILITY_TOOL,
    outgrows: |_, _| false,
    classify_answer,
    page: Verdict::Retry { after: None },
    receipt: |_| Receipt::Taken,
};

const REO_BATCH: Profile = Profile {
    default_endpoint: None,
    is_batch: true,
    request_timeout: DEFAULT_BATCH_REQUEST_TIMEOUT,
    receipt: reo::receipt,
    ..REO
};

pub(crate) const MCPEYE: Profile = Profile {
    key_place: KeyPlace::Header("x-mcpeye-secret", ""),
    key_variable: Some("MCPEYE_INGEST_SECRET"),
    requires_key: false,
    endpoint_variable: "MCPEYE_INGEST_URL",
    endpoint_suffix: "/ingest",
    takes_all_kinds: false,
    intent_property: "mcpeyeIntent",
    capability_tool: mcpeye::CAPABILITY_TOOL,
    outgrows: mcpeye::outgrows,
    receipt: mcpeye::receipt,
    ..REO_BATCH
};

const OTLP: Profile = Profile {
    key_place: KeyPlace::Header("authorization", "Bearer "),
    key_variable: None,
    requires_key: false,
    endpoint_variable: VARIABLES.endpoint[1],
    default_endpoint: Some("http://localhost:4318"),
    endpoint_suffix: "/v1/traces",
    otel: Some(&VARIABLES),
    takes_http_nearby: true,
    content_type: "application/x-protobuf",
    // A span may have four times the bytes of the JSON it is made from, and receivers take 20 MiB.
    max_batch_bytes: 4 * 1024 * 1024,
    classify_answer: otlp::answers::classify_answer,
    // A 2xx is success there, and a request that had one is never sent again.
    page: Verdict::Drop(DropReason::Rejected),
    receipt: otlp::answers::receipt,
    ..REO_BATCH
};

pub(crate) const POSTHOG: Profile = Profile {
    key_place: KeyPlace::Member("api_key"),
    key_variable: Some("POSTHOG_API_KEY"),
    endpoint_variable: "POSTHOG_HOST",
    default_endpoint: Some("https://us.i.posthog.com"),
    gzip_query: Some("compression=gzip"),
    endpoint_suffix: "/batch/",
    // An event may have some times the bytes of its record, and the receiver takes 20 MiB.
    max_batch_bytes: 4 * 1024 * 1024,
    takes_descriptions: true,
    intent_property: "context",
    capability_tool: posthog::CAPABILITY_TOOL,
    outgrows: |event, _| posthog::outgrows(event),
    receipt: posthog::answers::receipt,
    ..REO_BATCH
};

impl Wire {
    pub(crate) const fn profile(&self) -> &'static Profile {
        match self {
            Self::Reo => &REO,
            Self::ReoBatch => &REO_BATCH,
            Self::Mcpeye(_) => &MCPEYE,
            Self::Otlp(_) => &OTLP,
            Self::PostHog(_) => &POSTHOG,
        }
    }

    /// What is queued for it where it is the only destination.
    pub(crate) const fn form(&self) -> EventForm {
        match self {
            Self::Reo | Self::ReoBatch => EventForm::Reo,
            Self::Mcpeye(_) => EventForm::Mcpeye,
            Self::Otlp(_) | Self::PostHog(_) => EventForm::Record,
        }
    }

    /// What a destination of this wire is called unless the user says.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Reo => "reo",
            Self::ReoBatch => "reo_batch",
            Self::Mcpeye(_) => "mcpeye",
            Self::Otlp(_) => "otlp",
            Self::PostHog(_) => "posthog",
        }
    }

    /// Why the wire does not take an event that others may take, if it does not.
    pub(crate) fn refusal(&self, event: &Event<'_>, defaults: &Defaults) -> Option<DropReason> {
        if !self.profile().takes_all_kinds && !matches!(event.kind, EventKind::ToolCall(_)) {
            return Some(DropReason::UnsupportedByWire);
        }
        let has_no_product = || {
            let own = event.facts.product_id.as_deref().and_then(present);
            own.is_none() && defaults.product_id.is_none()
        };
        (self.requires_product() && has_no_product()).then_some(DropReason::MissingField)
    }

    /// Whether the wire takes what a hook has made of a record.
    pub(crate) fn takes_record(&self, record: &[u8]) -> bool {
        match self {
            Self::Mcpeye(_) => record::has_tool(record),
            _ => !self.requires_product() || record::has_product(record),
        }
    }

    const fn requires_product(&self) -> bool {
        match self {
            Self::Reo | Self::ReoBatch => true,
            Self::PostHog(posthog) => posthog.server_name.is_none(),
            // The one has no place for it, and the other the service's name in its place.
            Self::Mcpeye(_) | Self::Otlp(_) => false,
        }
    }

    /// Returns what an event lacks that the wire requires, and where to give it.
    pub(crate) fn missing_field(
        &self,
        event: &Event<'_>,
        defaults: &Defaults,
    ) -> Option<&'static str> {
        missing::missing_field(event, defaults, self.requires_product())
    }

    /// Frames events of a form, which stand one behind another with a comma after each, as a request's body.
    pub(crate) fn frame(&self, form: EventForm, events: &[&[u8]], sender: &SenderInfo) -> Vec<u8> {
        let is_record = form == EventForm::Record;
        let (before, after) = match self {
            Self::Reo => reo::single(),
            Self::ReoBatch => reo::batch(sender),
            Self::Mcpeye(mcpeye) => mcpeye.frame(),
            Self::Otlp(otlp) if otlp.is_legible() => reo::batch(sender),
            Self::Otlp(otlp) => return otlp::frame(otlp, events, sender),
            Self::PostHog(posthog) => return posthog::frame(posthog, events, sender),
        };
        let length = events.iter().map(|part| part.len()).sum::<usize>();
        let mut body = Vec::with_capacity(before.len() + length + after.len());
        body.extend_from_slice(before.as_bytes());
        for part in events {
            match self {
                Self::Reo | Self::ReoBatch if is_record => record::write_payloads(part, &mut body),
                Self::Mcpeye(_) if is_record => mcpeye::write_events(part, &mut body),
                _ => body.extend_from_slice(part),
            }
        }
        // The last event's comma.
        body.pop();
        body.extend_from_slice(after.as_bytes());
        body
    }

    /// Gives the wire what is known of the service, where it has a place for it. `is_legible`: what is sent goes into a
    /// file that somebody reads.
    pub(crate) fn set_resource(&mut self, resource: Resource, is_legible: bool) {
        if let Self::Otlp(otlp) = self {
            otlp.resolve(resource, is_legible);
        }
    }

    /// The product of events for which nobody names one.
    pub(crate) fn product(&self) -> Option<&str> {
        match self {
            Self::PostHog(posthog) => posthog.server_name.as_deref(),
            Self::Reo | Self::ReoBatch | Self::Mcpeye(_) | Self::Otlp(_) => None,
        }
    }

    /// What is wrong with the wire's own settings.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Mcpeye(mcpeye) if mcpeye.project.trim().is_empty() => {
                Some("has an empty mcpeye project")
            }
            Self::PostHog(posthog) if posthog.server_name.as_deref() == Some("") => {
                Some("has an empty name of the server")
            }
            Self::Reo | Self::ReoBatch | Self::Mcpeye(_) | Self::Otlp(_) | Self::PostHog(_) => None,
        }
    }

    /// Names what the ids of sessions are hashed under: what all replicas of a server have in common.
    pub(crate) fn session_scope<'a>(&'a self, product_id: Option<&'a str>) -> &'a str {
        match self {
            Self::Reo | Self::ReoBatch | Self::Otlp(_) | Self::PostHog(_) => {
                product_id.unwrap_or_default()
            }
            Self::Mcpeye(mcpeye) => &mcpeye.project,
        }
    }

    /// Names what is in a spool: two wires with the same tag may deliver each other's events, and a lone destination those
    /// of one of several, whose form differs. On the mcpeye wire it names the project, too, which stands in the frame. A Reo
    /// wire reads records as well: the head is left out.
    pub(crate) fn spool_tag(&self) -> String {
        match self {
            Self::Reo | Self::ReoBatch => "reo".to_owned(),
            Self::Otlp(_) => "otlp".to_owned(),
            Self::PostHog(_) => "posthog".to_owned(),
            Self::Mcpeye(mcpeye) => format!("mcpeye-{:016x}", stable_hash(&mcpeye.project)),
        }
    }

    /// The form that a spool has kept an event in, where this wire's events are queued in the form `queued`.
    #[cfg(feature = "spool")]
    pub(crate) fn kept_form(&self, queued: EventForm, event: &[u8]) -> EventForm {
        match self {
            Self::Mcpeye(_) if mcpeye::is_record(&Record::read(event)) => EventForm::Record,
            Self::Mcpeye(_) => EventForm::Mcpeye,
            Self::Reo | Self::ReoBatch | Self::Otlp(_) | Self::PostHog(_) => queued,
        }
    }

    /// Appends an event that a spool has kept in the form `kept` to `out`, as a frame takes it where events are queued in
    /// the form `queued`.
    #[cfg(feature = "spool")]
    pub(crate) fn write_kept(kept: EventForm, queued: EventForm, event: &[u8], out: &mut Vec<u8>) {
        match (kept, queued) {
            (EventForm::Record, EventForm::Mcpeye) => mcpeye::write_call(&Record::read(event), out),
            _ => out.extend_from_slice(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wires() -> [Wire; 5] {
        let mcpeye = Wire::Mcpeye(Mcpeye::new("p"));
        let otlp = Wire::Otlp(Otlp::spans());
        let posthog = Wire::PostHog(PostHog::new());
        [Wire::Reo, Wire::ReoBatch, mcpeye, otlp, posthog]
    }

    #[test]
    fn each_wire_has_its_own_row() {
        let rows = wires().map(|wire| {
            let row = wire.profile();
            (
                row.key_variable,
                row.requires_key,
                row.is_batch,
                row.takes_all_kinds,
                row.takes_descriptions,
            )
        });
        assert_eq!(
            rows,
            [
                (Some("REO_API_KEY"), true, false, true, false),
                (Some("REO_API_KEY"), true, true, true, false),
                (Some("MCPEYE_INGEST_SECRET"), false, true, false, false),
                (None, false, true, true, false),
                (Some("POSTHOG_API_KEY"), true, true, true, true),
            ]
        );
        let endpoints = wires().map(|wire| wire.profile().default_endpoint);
        let collector = Some("http://localhost:4318");
        let posthog = Some("https://us.i.posthog.com");
        let expected = [Some(DEFAULT_ENDPOINT), None, None, collector, posthog];
        assert_eq!(endpoints, expected);
    }

    #[test]
    fn only_a_batch_can_be_refused_in_part() {
        let answer = br#"{"accepted":3,"rejected":[{"event_id":1}]}"#;
        let [reo, batch, mcpeye, ..] = wires().map(|wire| (wire.profile().receipt)(answer));
        assert_eq!((reo, mcpeye), (Receipt::Taken, Receipt::Count(3)));
        assert!(matches!(batch, Receipt::Refused(refused) if refused.len() == 1));
    }

    #[test]
    fn a_project_of_white_space_is_a_fault() {
        assert_eq!(wires().map(|wire| wire.fault()), [None; 5]);
        let blank = Wire::Mcpeye(Mcpeye::new(" \n"));
        assert_eq!(blank.fault(), Some("has an empty mcpeye project"));
        let nameless = Wire::PostHog(PostHog::new().server_name(""));
        assert_eq!(nameless.fault(), Some("has an empty name of the server"));
    }

    /// An event that was changed, and read and written as a tree, may have its members in any order.
    #[cfg(feature = "spool")]
    #[test]
    fn the_form_that_a_spool_has_kept_is_told_whatever_stands_first() {
        let wire = Wire::Mcpeye(Mcpeye::new("a"));
        let call = r#"{"arguments":{"head":{"start":1}},"callId":"7","toolName":"x"}"#;
        let record = r#"{"activity_type":"MCP_TOOL_CALL","callId":"of a hook","head":{"start":7000000},"meta":{"tool":"x"}}"#;
        for queued in [EventForm::Mcpeye, EventForm::Record] {
            let form = |event: &str| wire.kept_form(queued, event.as_bytes());
            assert_eq!(form(call), EventForm::Mcpeye);
            assert_eq!(form(record), EventForm::Record);
        }
        let events = |kept: &str| {
            let mut out = Vec::new();
            mcpeye::write_events(format!("{kept},").as_bytes(), &mut out);
            String::from_utf8(out).unwrap()
        };
        let written = events(record);
        assert!(
            written.starts_with("{\"callId\":\"") && written.contains("\"timestamp\":7,"),
            "{written}"
        );
        assert_eq!(
            events(&format!("{call},{record}")),
            format!("{call},{written}")
        );
        let mut alone = Vec::new();
        let (kept, queued) = (EventForm::Record, EventForm::Mcpeye);
        Wire::write_kept(kept, queued, record.as_bytes(), &mut alone);
        assert_eq!(format!("{},", String::from_utf8(alone).unwrap()), written);
    }

    #[test]
    fn the_spools_of_two_projects_stay_apart() {
        let tag = |project: &str| Wire::Mcpeye(Mcpeye::new(project)).spool_tag();
        assert_ne!(tag("a"), tag("b"));
        assert_eq!(tag("a"), tag("a"));
        assert_eq!(Wire::Reo.spool_tag(), Wire::ReoBatch.spool_tag());
    }
}
