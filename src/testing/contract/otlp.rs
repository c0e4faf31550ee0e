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
            ("exception.message", Optional, nonempty_text),
        ])
    }),
];

const LINK: &[Rule] = &[
    ("traceId", Required, |id| check_id(id, 32)),
    ("spanId", Required, |id| check_id(id, 16)),
    ("traceState", Optional, nonempty_text),
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
    ("mcp_usage.input_request_methods", Optional, |methods| {
        nonempty_items(methods, any_text)
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
        kind.ensure(
            kind.value == INTERNAL,
            "must be INTERNAL: the event is not a request",
        )?;
        end.ensure(
            from == to,
            "must equal the start: the event has no duration",
        )?;
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NANOS: u64 = 1_800_000_000_000_000_000;

    fn attributes() -> Value {
        json!({
            "mcp_usage.instance": "0af7651916cd43dd", "mcp_usage.sequence": 1, "mcp_usage.event_id": 7,
            "mcp.method.name": "tools/call", "gen_ai.tool.name": "search",
            "gen_ai.operation.name": "execute_tool", "error.type": "-32603",
            "rpc.response.status_code": "-32603", "jsonrpc.request.id": "7",
            "gen_ai.tool.call.arguments": "{}", "gen_ai.tool.call.result": "[1]",
            "mcp.session.id": "s", "session.id": "s", "network.transport": "tcp",
            "network.protocol.version": "2", "client.port": 9, "user.id": "u", "user.email": "ann@example.com",
            "mcp_usage.sample_rate": 0.5, "mcp_usage.vendor_client": "v", "mcp_usage.oauth_client_id": "o",
            "mcp_usage.server_name": "n", "mcp_usage.server_version": "1",
            "mcp_usage.result_bytes": 3, "mcp_usage.refused_arguments": ["a"], "own": true,
            "mcp_usage.input_request_methods": ["a"],
        })
    }

    fn body() -> Value {
        let resource = json!({
            "service.name": "shop", "service.instance.id": "0af7651916cd43dd",
            "deployment.environment.name": "PRODUCTION", "telemetry.sdk.name": "mcp-usage",
            "telemetry.sdk.language": "rust", "telemetry.sdk.version": "0.1.0", "region": "eu",
        });
        let exception = json!({"exception.type": "-32603", "exception.message": "no"});
        let span = json!({
            "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331",
            "traceState": "a=1", "parentSpanId": "00f067aa0ba902b7", "name": "tools/call search", "kind": 2,
            "startTimeUnixNano": NANOS, "endTimeUnixNano": NANOS + 5, "flags": 1,
            "attributes": attributes(),
            "events": [{"timeUnixNano": NANOS + 5, "name": "exception", "attributes": exception}],
            "links": [{"traceId": "0af7651916cd43dd8448eb211c80319d", "spanId": "00f067aa0ba902b7", "flags": 1}],
            "status": {"message": "no", "code": 2},
        });
        let scope = json!({"scope": {"name": "mcp-usage", "version": "0.1.0"}, "spans": [span]});
        json!({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [scope]}]})
    }

    /// A listing, which has no duration and is no request.
    fn listing() -> Value {
        let mut body = body();
        let span = &mut body["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        for name in ["events", "links", "status"] {
            span.as_object_mut().unwrap().remove(name);
        }
        span["name"] = json!("mcp_usage.init");
        span["kind"] = json!(INTERNAL);
        span["endTimeUnixNano"] = json!(NANOS);
        span["attributes"] = json!({
            "mcp_usage.event_id": 7, "mcp_usage.activity_type": "MCP_INIT", "mcp_usage.tool_definitions": "[]",
        });
        body
    }

    fn fault(body: &Value) -> Option<String> {
        let checked = check_body(&Field::root(body).object().unwrap());
        checked.err().map(|violation| violation.field)
    }

    const RESOURCE: &str = "/resourceSpans/0/resource/attributes/";
    const SCOPE: &str = "/resourceSpans/0/scopeSpans/0/scope/";
    const SPAN: &str = "/resourceSpans/0/scopeSpans/0/spans/0/";

    /// The path of a pointer, as a violation names it.
    fn path_of(pointer: &str) -> String {
        let path = pointer.trim_start_matches('/').replace('/', ".");
        path.replace(".0", "[0]")
    }

    /// A body with another value at a pointer, or with nothing there, is refused for it.
    #[track_caller]
    fn assert_refused(mut body: Value, pointer: &str, value: &Value, named: Option<&str>) {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Value::Null => drop(parent.remove(key).unwrap()),
            value => drop(parent.insert(key.to_owned(), value.clone())),
        }
        let named = named.map_or_else(|| path_of(pointer), str::to_owned);
        assert_eq!(
            fault(&body).as_deref(),
            Some(&*named),
            "{pointer} = {value}"
        );
    }

    #[test]
    fn a_sound_body_passes() {
        assert_eq!([fault(&body()), fault(&listing())], [None, None]);
    }

    #[test]
    fn what_the_frame_lacks_or_has_malformed_is_named() {
        let rows = [
            ("/resourceSpans", Value::Null),
            ("/resourceSpans", json!([])),
            ("/resourceSpans/0/resource", Value::Null),
            ("/resourceSpans/0/resource/attributes", Value::Null),
            ("/resourceSpans/0/scopeSpans", Value::Null),
            ("/resourceSpans/0/scopeSpans", json!([])),
            ("/resourceSpans/0/scopeSpans/0/scope", Value::Null),
            ("/resourceSpans/0/scopeSpans/0/spans", Value::Null),
            ("/resourceSpans/0/scopeSpans/0/spans", json!([])),
        ];
        for (pointer, value) in rows {
            assert_refused(body(), pointer, &value, None);
        }
        for name in super::RESOURCE.iter().map(|(name, ..)| name) {
            let pointer = format!("{RESOURCE}{name}");
            for value in [Value::Null, json!(""), json!(1)] {
                let named = format!("resourceSpans[0].resource.attributes.{name}");
                assert_refused(body(), &pointer, &value, Some(&named));
            }
        }
        for (name, value) in [
            ("service.instance.id", json!("0af7")),
            ("telemetry.sdk.name", json!("opentelemetry")),
            ("telemetry.sdk.language", json!("go")),
        ] {
            let named = format!("resourceSpans[0].resource.attributes.{name}");
            assert_refused(body(), &format!("{RESOURCE}{name}"), &value, Some(&named));
        }
        for (name, value) in [
            ("name", json!("other")),
            ("version", json!("")),
            ("more", json!(1)),
        ] {
            assert_refused(body(), &format!("{SCOPE}{name}"), &value, None);
        }
        for pointer in ["/more", "/resourceSpans/0/more"] {
            assert_refused(body(), pointer, &json!(1), None);
        }
    }

    #[test]
    fn what_a_span_lacks_or_has_malformed_is_named() {
        let zeros = |digits| json!("0".repeat(digits));
        let link = "links/0/";
        for (pointer, value) in [
            ("traceId", Value::Null),
            ("traceId", zeros(32)),
            ("traceId", json!("0af7")),
            ("spanId", Value::Null),
            ("spanId", zeros(16)),
            ("traceState", json!("")),
            ("parentSpanId", zeros(16)),
            ("name", Value::Null),
            ("name", json!("")),
            ("name", json!("tools/call file:///etc")),
            ("name", json!("search")),
            ("kind", json!("SERVER")),
            ("kind", json!(INTERNAL)),
            ("startTimeUnixNano", json!(NANOS / 1_000_000)),
            ("endTimeUnixNano", json!(NANOS - 1)),
            ("endTimeUnixNano", Value::Null),
            ("attributes", Value::Null),
            ("flags", Value::Null),
            ("flags", json!(-1)),
            ("events", json!([])),
            ("links", json!([])),
            ("more", json!(1)),
            ("status/code", json!(1)),
            ("status/code", Value::Null),
            ("status/message", json!("")),
            ("status/more", json!(1)),
            ("events/0/name", json!("log")),
            ("events/0/timeUnixNano", json!(0)),
            ("events/0/more", json!(1)),
            (&format!("{link}traceId"), zeros(32)),
            (&format!("{link}spanId"), Value::Null),
            (&format!("{link}traceState"), json!("")),
            (&format!("{link}flags"), Value::Null),
        ] {
            assert_refused(body(), &format!("{SPAN}{pointer}"), &value, None);
        }
        for (name, value) in [
            ("exception.type", Value::Null),
            ("exception.message", json!("")),
            ("exception.stacktrace", json!("at")),
        ] {
            let pointer = format!("{SPAN}events/0/attributes/{name}");
            assert_refused(body(), &pointer, &value, None);
        }
        let mut twice = body();
        let spans = twice["resourceSpans"][0]["scopeSpans"][0]["spans"]
            .as_array_mut()
            .unwrap();
        spans.push(spans[0].clone());
        assert_eq!(fault(&twice).as_deref(), Some("resourceSpans"));
    }

    #[test]
    fn each_attribute_has_its_form() {
        let rows = [
            ("mcp_usage.instance", json!("0AF7")),
            ("mcp_usage.sequence", json!(0)),
            ("mcp_usage.event_id", Value::Null),
            ("mcp_usage.event_id", json!(-1)),
            ("mcp.method.name", json!("tools/list")),
            ("gen_ai.tool.name", Value::Null),
            ("gen_ai.operation.name", Value::Null),
            ("gen_ai.operation.name", json!("chat")),
            ("error.type", Value::Null),
            ("error.type", json!("")),
            ("rpc.response.status_code", json!("internal")),
            ("rpc.response.status_code", json!(-32_603)),
            ("jsonrpc.request.id", json!(7)),
            ("gen_ai.tool.call.arguments", json!({})),
            ("gen_ai.tool.call.result", json!("{not json")),
            ("network.transport", json!("udp")),
            ("client.port", json!(0)),
            ("mcp_usage.sample_rate", json!("half")),
            ("mcp_usage.result_bytes", json!(-3)),
            ("mcp_usage.refused_arguments", json!([])),
            ("mcp_usage.refused_arguments", json!([1])),
            ("mcp_usage.input_request_methods", json!([])),
            ("mcp_usage.input_request_methods", json!([1])),
        ];
        let texts = [
            "mcp.session.id",
            "session.id",
            "network.protocol.version",
            "user.id",
            "user.email",
            "mcp_usage.vendor_client",
            "mcp_usage.oauth_client_id",
            "mcp_usage.server_name",
            "mcp_usage.server_version",
        ];
        let texts = texts.map(|name| (name, json!("")));
        for (name, value) in rows.into_iter().chain(texts) {
            let item = if value == json!([1]) { "[0]" } else { "" };
            let named = format!("resourceSpans[0].scopeSpans[0].spans[0].attributes.{name}{item}");
            assert_refused(
                body(),
                &format!("{SPAN}attributes/{name}"),
                &value,
                Some(&named),
            );
        }
        let nameless = "resourceSpans[0].scopeSpans[0].spans[0].attributes.";
        assert_refused(
            body(),
            &format!("{SPAN}attributes/"),
            &json!(1),
            Some(nameless),
        );
    }

    #[test]
    fn what_each_method_has_beside_is_required() {
        for (method, missing) in [
            ("prompts/get", "gen_ai.prompt.name"),
            ("resources/read", "mcp.resource.uri"),
        ] {
            let mut body = body();
            let span = &mut body["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
            span["name"] = json!(method);
            span["attributes"]["mcp.method.name"] = json!(method);
            let named = format!("resourceSpans[0].scopeSpans[0].spans[0].attributes.{missing}");
            assert_eq!(fault(&body), Some(named));
        }
        for (pointer, value) in [
            ("name", json!("init")),
            ("kind", json!(SERVER)),
            ("endTimeUnixNano", json!(NANOS + 1)),
        ] {
            assert_refused(listing(), &format!("{SPAN}{pointer}"), &value, None);
        }
        let definitions = "mcp_usage.tool_definitions";
        let named = format!("resourceSpans[0].scopeSpans[0].spans[0].attributes.{definitions}");
        let pointer = format!("{SPAN}attributes/{definitions}");
        assert_refused(listing(), &pointer, &json!("[not json"), Some(&named));
    }
}
