//! The format of the OTLP wire: spans of a resource, by OpenTelemetry's conventions for MCP.

use std::collections::HashSet;

use serde_json::Value;

use super::field::Presence::{Optional, Required};
use super::field::{Checked, Field, Object, Rule};
use super::field::{any_object, any_text, count, hex_text, nonempty_text, positive_integer};

/// The largest body on the OTLP wire, in bytes before compression: 20 MiB, what receivers take.
pub const MAX_OTLP_BODY_BYTES: usize = 20 * 1024 * 1024;

/// 2020 to 2100 in Unix nanoseconds, the last millisecond included: the other wires know no smaller part.
const PLAUSIBLE_NANOS: std::ops::RangeInclusive<u64> =
    1_577_836_800_000_000_000..=4_102_444_800_000_999_999;

/// The kinds of a span, and the code of a failed one.
const INTERNAL: u64 = 1;
const SERVER: u64 = 2;
const ERROR: u64 = 2;

const RESOURCE: &[Rule] = &[
    ("service.name", Required, nonempty_text),
    ("service.instance.id", Required, |id| hex_text(id, 16)),
    ("deployment.environment.name", Required, nonempty_text),
    ("telemetry.sdk.name", Required, |name| {
        name.one_of(&["mcp-usage"])
    }),
    ("telemetry.sdk.language", Required, |name| {
        name.one_of(&["rust"])
    }),
    ("telemetry.sdk.version", Required, nonempty_text),
];

const SCOPE: &[Rule] = &[
    ("name", Required, |name| name.one_of(&["mcp-usage"])),
    ("version", Required, nonempty_text),
];

const SPAN: &[Rule] = &[
    ("traceId", Required, |id| check_id(id, 32)),
    ("spanId", Required, |id| check_id(id, 16)),
    ("traceState", Optional, nonempty_text),
    ("parentSpanId", Optional, |id| check_id(id, 16)),
    ("name", Required, check_name),
    ("kind", Required, count),
    ("startTimeUnixNano", Required, check_time),
    ("endTimeUnixNano", Required, check_time),
    ("attributes", Required, check_attributes),
    ("events", Optional, |events| {
        nonempty_items(events, |event| event.object()?.check_closed(EVENT))
    }),
    ("links", Optional, |links| {
        nonempty_items(links, |link| link.object()?.check_closed(LINK))
    }),
    ("status", Optional, |status| {
        status.object()?.check_closed(STATUS)
    }),
    ("flags", Required, count),
];

const EVENT: &[Rule] = &[
    ("timeUnixNano", Required, check_time),
    ("name", Required, |name| name.one_of(&["exception"])),
    ("attributes", Required, |attributes| {
        attributes.object()?.check_closed(&[
            ("exception.type", Required, nonempty_text),
            ("exception.message", Required, nonempty_text),
        ])
    }),
];

const LINK: &[Rule] = &[
    ("traceId", Required, |id| check_id(id, 32)),
    ("spanId", Required, |id| check_id(id, 16)),
    ("flags", Required, count),
];

const STATUS: &[Rule] = &[
    ("message", Optional, nonempty_text),
    ("code", Required, |code| {
        code.ensure(code.value == ERROR, "is another than that of an error")
    }),
];

const ATTRIBUTES: &[Rule] = &[
    // They stand in `meta`, which `before_send` may take out.
    ("mcp_usage.instance", Optional, |id| hex_text(id, 16)),
    ("mcp_usage.sequence", Optional, positive_integer),
    ("mcp_usage.event_id", Required, positive_integer),
    ("mcp.method.name", Optional, |method| {
        method.one_of(&["tools/call", "prompts/get", "resources/read"])
    }),
    ("error.type", Optional, nonempty_text),
    ("rpc.response.status_code", Optional, check_code),
    ("jsonrpc.request.id", Optional, nonempty_text),
    ("gen_ai.operation.name", Optional, |name| {
        name.one_of(&["execute_tool"])
    }),
    ("gen_ai.tool.call.arguments", Optional, check_json),
    ("gen_ai.tool.call.result", Optional, check_json),
    ("mcp.session.id", Optional, nonempty_text),
    ("session.id", Optional, nonempty_text),
    ("network.transport", Optional, |transport| {
        transport.one_of(&["tcp", "quic", "pipe"])
    }),
    ("network.protocol.version", Optional, nonempty_text),
    ("client.port", Optional, positive_integer),
    ("user.id", Optional, nonempty_text),
    ("user.email", Optional, nonempty_text),
    ("mcp_usage.sample_rate", Optional, |rate| {
        rate.number().map(drop)
    }),
    ("mcp_usage.vendor_client", Optional, nonempty_text),
    ("mcp_usage.oauth_client_id", Optional, nonempty_text),
    ("mcp_usage.server_name", Optional, nonempty_text),
    ("mcp_usage.server_version", Optional, nonempty_text),
];

/// The attributes of calls alone: elsewhere a name is whatever the host puts there.
const CALL: &[Rule] = &[
    ("mcp_usage.result_bytes", Optional, count),
    ("mcp_usage.refused_arguments", Optional, |names| {
        nonempty_items(names, any_text)
    }),
];

/// Those of listings alone.
const LISTING: &[Rule] = &[("mcp_usage.tool_definitions", Optional, check_json)];

/// What a span of a method has to have beside.
const OF_METHODS: [(&str, &[&str]); 3] = [
    ("tools/call", &["gen_ai.tool.name", "gen_ai.operation.name"]),
    ("prompts/get", &["gen_ai.prompt.name"]),
    ("resources/read", &["mcp.resource.uri"]),
];

pub(super) fn check_body(body: &Object<'_>) -> Checked {
    body.check_closed(&[("resourceSpans", Required, |resources| {
        nonempty_items(resources, check_resource_spans)
    })])?;
    let mut ids = HashSet::new();
    for span in spans(body.map.get("resourceSpans")) {
        let id = span.get("spanId");
        if !ids.insert(id) {
            let field = body.field("resourceSpans");
            return Err(field.violation("has two spans of one id"));
        }
    }
    Ok(())
}

/// The spans of a body.
pub(in crate::testing) fn spans(resource_spans: Option<&Value>) -> impl Iterator<Item = &Value> {
    fn items(of: Option<&Value>) -> impl Iterator<Item = &Value> {
        of.and_then(Value::as_array).into_iter().flatten()
    }
    let scopes = items(resource_spans).flat_map(|resource| items(resource.get("scopeSpans")));
    scopes.flat_map(|scope| items(scope.get("spans")))
}

fn nonempty_items(list: &Field<'_>, check: fn(&Field<'_>) -> Checked) -> Checked {
    let items = list.array()?;
    list.ensure(!items.is_empty(), "is empty")?;
    items.iter().try_for_each(check)
}

fn check_resource_spans(of_resource: &Field<'_>) -> Checked {
    of_resource.object()?.check_closed(&[
        ("resource", Required, |resource| {
            let attributes = resource.object()?.required("attributes")?;
            attributes.object()?.check(RESOURCE)
        }),
        ("scopeSpans", Required, |scopes| {
            nonempty_items(scopes, |scope| {
                scope.object()?.check_closed(&[
                    ("scope", Required, |scope| {
                        scope.object()?.check_closed(SCOPE)
                    }),
                    ("spans", Required, |spans| nonempty_items(spans, check_span)),
                ])
            })
        }),
    ])
}

fn check_span(span: &Field<'_>) -> Checked {
    let span = span.object()?;
    span.check_closed(SPAN)?;
    let (start, end) = (
        span.field("startTimeUnixNano"),
        span.field("endTimeUnixNano"),
    );
    let [from, to] = [&start, &end].map(|time| time.value.as_u64());
    end.ensure(from <= to, "is before the start")?;
    let (name, kind) = (span.field("name"), span.field("kind"));
    let attributes = span.required("attributes")?.object()?;
    let method = attributes.optional("mcp.method.name");
    let Some(method) = method else {
        let activity = attributes.optional("mcp_usage.activity_type");
        if activity.is_some_and(|activity| activity.value == "MCP_INIT") {
            attributes.check(LISTING)?;
        }
        kind.ensure(kind.value == INTERNAL, "is not that of what is no request")?;
        end.ensure(from == to, "is not the start of what has no duration")?;
        return name.ensure(name.text()?.starts_with("mcp_usage."), "is not one of ours");
    };
    kind.ensure(kind.value == SERVER, "is not that of a request")?;
    let method = method.text()?;
    if method == "tools/call" {
        attributes.check(CALL)?;
    }
    name.ensure(
        name.text()?.starts_with(method),
        "does not begin with the method",
    )?;
    let of_method = OF_METHODS.iter().find(|(name, _)| *name == method);
    for name in of_method.into_iter().flat_map(|(_, names)| *names) {
        attributes.required(name)?;
    }
    if span.optional("status").is_some() {
        attributes.required("error.type")?;
    }
    Ok(())
}

/// A few names for all spans there are: no URI, which names one thing of many.
fn check_name(name: &Field<'_>) -> Checked {
    nonempty_text(name)?;
    name.ensure(!name.text()?.contains("://"), "holds a URI")
}

fn check_id(id: &Field<'_>, digits: usize) -> Checked {
    hex_text(id, digits)?;
    id.ensure(id.text()?.bytes().any(|digit| digit != b'0'), "is zero")
}

fn check_time(time: &Field<'_>) -> Checked {
    let is_plausible = |nanos| PLAUSIBLE_NANOS.contains(&nanos);
    let reason = "is outside of 2020 to 2100 in nanoseconds";
    time.ensure(time.value.as_u64().is_some_and(is_plausible), reason)
}

fn check_attributes(attributes: &Field<'_>) -> Checked {
    any_object(attributes)?;
    let attributes = attributes.object()?;
    attributes.check(ATTRIBUTES)?;
    attributes.field("").ensure(
        !attributes.map.contains_key(""),
        "is the name of an attribute",
    )
}

fn check_code(code: &Field<'_>) -> Checked {
    let is_code = code.text()?.parse::<i64>().is_ok();
    code.ensure(is_code, "is no code of JSON-RPC")
}

fn check_json(json: &Field<'_>) -> Checked {
    any_text(json)?;
    let parsed = serde_json::from_str::<Value>(json.text()?);
    json.ensure(parsed.is_ok(), "is not JSON")
}
