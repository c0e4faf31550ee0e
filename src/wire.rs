//! The wires: for each a row of what it needs and takes, and a format, which is an event as JSON and
//! the frame around a batch of them.
//!
//! A new wire is a file for its format and, here, a variant of [`Wire`], a [`Profile`], and an arm in
//! each `match`. Nothing else matches on the wire.

pub(crate) mod answer;
pub(crate) mod defaults;
mod missing;
pub(crate) mod naming;
pub(crate) mod parts;
pub(crate) mod session_ids;
pub(crate) mod subject;

pub(crate) mod mcpeye;
mod mcpeye_rules;
pub(crate) mod otlp;
mod record;
pub(crate) mod reo;
mod reo_rules;
pub(crate) mod rules;

pub use mcpeye::Mcpeye;
pub use otlp::settings::Otlp;
pub use session_ids::SessionIds;

use std::time::{Duration, SystemTime};

use crate::base::id::stable_hash;
use crate::capture::EventWriter;
use crate::event::Event;
use crate::ledger::DropReason;
use answer::{Receipt, Verdict, classify_answer};
use defaults::Defaults;
use otlp::resource::Resource;
use otlp::settings::{OtelVariables, VARIABLES};
use parts::{SenderInfo, Stamp};
use record::HEAD;
use rules::{Changes, Check, Members, leave_out_numbers};

/// Where the Reo wire sends to.
pub const DEFAULT_ENDPOINT: &str = "https://ingest.reo.dev/api/product/usage";
/// How long a request may take on the Reo wire, whose requests hold one event.
pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a request may take on the batch wires.
pub const DEFAULT_BATCH_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The format and the headers in which events are sent. A logger speaks one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wire {
    /// The format of `reo-census-mcp`: one event per request, several requests in flight.
    ///
    /// The only wire with an endpoint of its own: [`DEFAULT_ENDPOINT`].
    /// Its rate is bounded by `max_in_flight` over the round trip.
    #[default]
    Reo,
    /// The same payloads in an array, for an ingest of your own. Needs an endpoint.
    ReoBatch,
    /// The format of `mcpeye`. Needs an endpoint. It has no place for an
    /// [`IdentityCapture`](crate::IdentityCapture), an [`Init`](crate::Init) or a
    /// [`Custom`](crate::Custom), nor for custom `meta` and session facts.
    Mcpeye(Mcpeye),
    /// Spans as OpenTelemetry has them, in Protocol Buffers over HTTP: for a collector, or a backend that takes OTLP.
    ///
    /// It reads OpenTelemetry's variables, `OTEL_EXPORTER_OTLP_*` for where and how it sends, `OTEL_SERVICE_NAME` and
    /// `OTEL_RESOURCE_ATTRIBUTES` for what the service is, and `OTEL_SDK_DISABLED` as an opt-out. The endpoint is a
    /// base, by default `http://localhost:4318`, to which `/v1/traces` is added; that of
    /// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is used as it is. A product is not asked for: without one it is the
    /// service's name. A key is not asked for either; one is sent as `Authorization: Bearer KEY`.
    ///
    /// Plain `http` is allowed to where collectors are: this machine, a name without a dot, one that ends in `.svc`,
    /// `.local` or `.internal`, and private addresses, all but this machine only as long as neither a key nor a header
    /// is set. **Personal data then crosses that network in the clear.**
    ///
    /// A request is sent again after 429, 502, 503, 504 and where no answer came; after 400, 413 and 500 in parts; after
    /// another refusal not at all.
    Otlp(Otlp),
}

/// What a wire needs and takes.
#[derive(Debug)]
pub(crate) struct Profile {
    /// The header that carries the API key.
    pub(crate) key_header: &'static str,
    /// What stands before the key there.
    pub(crate) key_prefix: &'static str,
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
    /// The property of a tool's input schema that asks an agent for its intent.
    pub(crate) intent_property: &'static str,
    /// The tool that takes requests for what no tool offers.
    #[cfg_attr(
        not(feature = "rmcp"),
        expect(dead_code, reason = "only this integration has the tool")
    )]
    pub(crate) capability_tool: &'static str,
    /// The members of an event that `before_send` may not change: ids, times, and the identity that
    /// the caller chose to send.
    pub(crate) fixed_members: &'static [&'static str],
    /// The other members of an event whose names the format gives.
    pub(crate) own_members: &'static [&'static str],
    /// The members of `meta` that it may not change either.
    pub(crate) fixed_meta_members: &'static [&'static str],
    /// The members that hold names of tools and prompts, which stay as they are.
    pub(crate) tool_members: &'static [&'static str],
    /// Returns whether the format gives this name to a member of `meta`.
    pub(crate) is_own_meta_name: fn(&str) -> bool,
    /// Returns whether the redactor made a value larger than the receiver takes it.
    pub(crate) outgrows: fn(&[u8]) -> bool,
    /// Says what an answer means for its batch, by its status, its `Retry-After` and the time.
    pub(crate) classify_answer: fn(u16, Option<&str>, SystemTime) -> Verdict,
    /// Reads the body of a 2xx answer. What cannot be read refuses nothing: the status has said that the
    /// batch was taken.
    pub(crate) receipt: fn(&[u8]) -> Receipt,
}

pub(crate) const REO: Profile = Profile {
    key_header: "x-api-key",
    key_prefix: "",
    key_variable: Some("REO_API_KEY"),
    requires_key: true,
    endpoint_variable: "REO_CENSUS_MCP_ENDPOINT",
    default_endpoint: Some(DEFAULT_ENDPOINT),
    endpoint_suffix: "",
    otel: None,
    takes_http_nearby: false,
    content_type: "application/json",
    is_batch: false,
    max_batch_bytes: usize::MAX,
    request_timeout: DEFAULT_REQUEST_TIMEOUT,
    takes_all_kinds: true,
    intent_property: "prompt",
    capability_tool: "request_missing_capability",
    fixed_members: &[
        "event_id",
        "event_at",
        "user_id",
        "user_id_type",
        "activity_type",
    ],
    own_members: &[
        "source",
        "environment",
        "product_id",
        "ip_addr",
        "user_agent",
    ],
    fixed_meta_members: &["redactions", "instance", "sequence"],
    tool_members: &["tool", "tools", "tool_definitions", "prompt_name"],
    is_own_meta_name: reo::is_own_name,
    outgrows: |_| false,
    classify_answer,
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
    key_header: "x-mcpeye-secret",
    key_variable: Some("MCPEYE_INGEST_SECRET"),
    requires_key: false,
    endpoint_variable: "MCPEYE_INGEST_URL",
    endpoint_suffix: "/ingest",
    takes_all_kinds: false,
    intent_property: "mcpeyeIntent",
    capability_tool: mcpeye::CAPABILITY_TOOL,
    fixed_members: &["callId", "timestamp", "userId", "userEmail"],
    own_members: mcpeye::NAMES,
    fixed_meta_members: &[],
    tool_members: &["toolName"],
    is_own_meta_name: |_| false,
    outgrows: mcpeye::outgrows,
    receipt: mcpeye::receipt,
    ..REO_BATCH
};

const OTLP: Profile = Profile {
    key_header: "authorization",
    key_prefix: "Bearer ",
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
    fixed_members: &[
        "event_id",
        "event_at",
        "user_id",
        "user_id_type",
        "activity_type",
        HEAD,
    ],
    classify_answer: otlp::answers::classify_answer,
    receipt: otlp::answers::receipt,
    ..REO_BATCH
};

impl Wire {
    pub(crate) const fn profile(&self) -> &'static Profile {
        match self {
            Self::Reo => &REO,
            Self::ReoBatch => &REO_BATCH,
            Self::Mcpeye(_) => &MCPEYE,
            Self::Otlp(_) => &OTLP,
        }
    }

    pub(crate) fn write_event(
        &self,
        event: &Event<'_>,
        defaults: &Defaults,
        stamp: &Stamp,
        writer: &mut EventWriter<'_>,
    ) -> Result<(), DropReason> {
        match self {
            Self::Reo | Self::ReoBatch => reo::write_event(event, defaults, stamp, writer),
            Self::Mcpeye(_) => mcpeye::write_event(event, defaults, stamp, writer),
            Self::Otlp(_) => record::write_event(event, defaults, stamp, writer),
        }
    }

    /// Returns what an event lacks that the wire requires, and where to give it.
    pub(crate) fn missing_field(
        &self,
        event: &Event<'_>,
        defaults: &Defaults,
    ) -> Option<&'static str> {
        let requires_product = match self {
            Self::Reo | Self::ReoBatch => true,
            // The one has no place for it, and the other the service's name in its place.
            Self::Mcpeye(_) | Self::Otlp(_) => false,
        };
        missing::missing_field(event, defaults, requires_product)
    }

    /// Checks a finished event by the format's rules, and leaves out or cuts what is not as they have it. The error is
    /// the reason to drop it: something is missing that the wire requires.
    pub(crate) fn check(
        &self,
        event: &mut Members,
        check: &Check<'_>,
    ) -> Result<Changes, DropReason> {
        let mut changes = match self {
            Self::Reo | Self::ReoBatch => reo_rules::check(event, check),
            Self::Mcpeye(_) => mcpeye_rules::check(event, check),
            Self::Otlp(_) => record::check(event, check),
        }?;
        changes += leave_out_numbers(event);
        Ok(changes)
    }

    /// Returns a number by which the receiver tells a finished event from others.
    #[cfg(feature = "spool")]
    pub(crate) fn id_of(&self, event: &Members) -> Option<i64> {
        match self {
            Self::Reo | Self::ReoBatch | Self::Otlp(_) => event.get("event_id")?.as_i64(),
            Self::Mcpeye(_) => Some(stable_hash(event.get("callId")?.as_str()?) as i64),
        }
    }

    /// Frames events, which stand one behind another with a comma after each, as a request's body.
    pub(crate) fn frame(&self, events: &[&[u8]], sender: &SenderInfo) -> Vec<u8> {
        let (before, after) = match self {
            Self::Reo => reo::single(),
            Self::ReoBatch => reo::batch(sender),
            Self::Mcpeye(mcpeye) => mcpeye.frame(),
            Self::Otlp(otlp) if otlp.is_legible() => reo::batch(sender),
            Self::Otlp(otlp) => return otlp::frame(otlp, events, sender),
        };
        let length = events.iter().map(|part| part.len()).sum::<usize>();
        let mut body = Vec::with_capacity(before.len() + length + after.len());
        body.extend_from_slice(before.as_bytes());
        for part in events {
            body.extend_from_slice(part);
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

    /// What is wrong with the wire's own settings.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Mcpeye(mcpeye) if mcpeye.project.trim().is_empty() => {
                Some("has an empty mcpeye project")
            }
            Self::Reo | Self::ReoBatch | Self::Mcpeye(_) | Self::Otlp(_) => None,
        }
    }

    /// Names what the ids of sessions are hashed under: what all replicas of a server have in common.
    pub(crate) fn session_scope<'a>(&'a self, product_id: Option<&'a str>) -> &'a str {
        match self {
            Self::Reo | Self::ReoBatch | Self::Otlp(_) => product_id.unwrap_or_default(),
            Self::Mcpeye(mcpeye) => &mcpeye.project,
        }
    }

    /// Names the format of the events in a spool: two wires with the same tag may deliver each
    /// other's. On the mcpeye wire it names the project, too, which stands in the frame.
    pub(crate) fn spool_tag(&self) -> String {
        match self {
            Self::Reo | Self::ReoBatch => "reo".to_owned(),
            Self::Otlp(_) => "otlp".to_owned(),
            Self::Mcpeye(mcpeye) => {
                let project = stable_hash(&mcpeye.project);
                format!("mcpeye-{project:016x}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wires() -> [Wire; 4] {
        let mcpeye = Wire::Mcpeye(Mcpeye::new("p"));
        [Wire::Reo, Wire::ReoBatch, mcpeye, Wire::Otlp(Otlp::spans())]
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
            )
        });
        assert_eq!(
            rows,
            [
                (Some("REO_API_KEY"), true, false, true),
                (Some("REO_API_KEY"), true, true, true),
                (Some("MCPEYE_INGEST_SECRET"), false, true, false),
                (None, false, true, true),
            ]
        );
        let endpoints = wires().map(|wire| wire.profile().default_endpoint);
        let collector = Some("http://localhost:4318");
        assert_eq!(endpoints, [Some(DEFAULT_ENDPOINT), None, None, collector]);
    }

    #[test]
    fn only_a_batch_can_be_refused_in_part() {
        let answer = br#"{"accepted":3,"rejected":[{"event_id":1}]}"#;
        let [reo, batch, mcpeye, _] = wires().map(|wire| (wire.profile().receipt)(answer));
        assert_eq!((reo, mcpeye), (Receipt::Taken, Receipt::Count(3)));
        assert!(matches!(batch, Receipt::Refused(refused) if refused.len() == 1));
    }

    #[test]
    fn a_project_of_white_space_is_a_fault() {
        assert_eq!(wires().map(|wire| wire.fault()), [None; 4]);
        let blank = Wire::Mcpeye(Mcpeye::new(" \n"));
        assert_eq!(blank.fault(), Some("has an empty mcpeye project"));
    }

    #[test]
    fn the_spools_of_two_projects_stay_apart() {
        let tag = |project: &str| Wire::Mcpeye(Mcpeye::new(project)).spool_tag();
        assert_ne!(tag("a"), tag("b"));
        assert_eq!(tag("a"), tag("a"));
        assert_eq!(Wire::Reo.spool_tag(), Wire::ReoBatch.spool_tag());
    }
}
