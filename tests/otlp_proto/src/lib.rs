//! Reads bodies of OTLP's traces with the message types that OpenTelemetry generates from its definitions.

use std::fmt::Write;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use serde_json::{Map, Value};

/// Decodes a body.
///
/// # Panics
/// Where it is none, or where the same messages are encoded as other bytes.
#[must_use]
pub fn decode(body: &[u8]) -> ExportTraceServiceRequest {
    let request = ExportTraceServiceRequest::decode(body).expect("a body of the format");
    assert_eq!(request.encode_to_vec(), body, "{request:#?}");
    request
}

/// All spans of a body.
pub fn spans(request: &ExportTraceServiceRequest) -> impl Iterator<Item = &Span> {
    let scopes = request
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans);
    scopes.flat_map(|scope| &scope.spans)
}

/// What a body says, as the mock ingest writes it: what has the default value is absent, ids are hexadecimal digits, and
/// attributes are one object.
#[must_use]
pub fn said(request: &ExportTraceServiceRequest) -> Value {
    object([("resourceSpans", list(&request.resource_spans, resource))])
}

/// The value of an attribute.
#[must_use]
pub fn attribute(attributes: &[KeyValue], name: &str) -> Option<Value> {
    let attribute = attributes.iter().find(|attribute| attribute.key == name);
    attribute.map(|attribute| any(attribute.value.as_ref()))
}

type Member = Option<Value>;

fn object<const N: usize>(members: [(&str, Member); N]) -> Value {
    let members = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(members.collect())
}

fn list<T>(items: &[T], read: fn(&T) -> Value) -> Member {
    (!items.is_empty()).then(|| items.iter().map(read).collect())
}

fn text(text: &str) -> Member {
    (!text.is_empty()).then(|| Value::from(text))
}

fn number(number: u64) -> Member {
    (number != 0).then(|| Value::from(number))
}

fn id(bytes: &[u8]) -> Member {
    let mut digits = String::new();
    for byte in bytes {
        write!(digits, "{byte:02x}").expect("a string takes all");
    }
    text(&digits)
}

/// As numbers of counts, which this wire never sends: they would stand out in the comparison.
fn count(count: u32) -> Member {
    number(u64::from(count))
}

fn resource(resource: &ResourceSpans) -> Value {
    object([
        (
            "resource",
            resource.resource.as_ref().map(|resource| {
                object([
                    ("attributes", attributes(&resource.attributes)),
                    (
                        "droppedAttributesCount",
                        count(resource.dropped_attributes_count),
                    ),
                    ("entityRefs", number(resource.entity_refs.len() as u64)),
                ])
            }),
        ),
        ("scopeSpans", list(&resource.scope_spans, scope)),
        ("schemaUrl", text(&resource.schema_url)),
    ])
}

fn scope(scope: &ScopeSpans) -> Value {
    object([
        (
            "scope",
            scope.scope.as_ref().map(|scope| {
                object([
                    ("name", text(&scope.name)),
                    ("version", text(&scope.version)),
                    ("attributes", attributes(&scope.attributes)),
                    (
                        "droppedAttributesCount",
                        count(scope.dropped_attributes_count),
                    ),
                ])
            }),
        ),
        ("spans", list(&scope.spans, span)),
        ("schemaUrl", text(&scope.schema_url)),
    ])
}

fn span(span: &Span) -> Value {
    object([
        ("traceId", id(&span.trace_id)),
        ("spanId", id(&span.span_id)),
        ("traceState", text(&span.trace_state)),
        ("parentSpanId", id(&span.parent_span_id)),
        ("name", text(&span.name)),
        ("kind", number(span.kind as u64)),
        ("startTimeUnixNano", number(span.start_time_unix_nano)),
        ("endTimeUnixNano", number(span.end_time_unix_nano)),
        ("attributes", attributes(&span.attributes)),
        (
            "droppedAttributesCount",
            count(span.dropped_attributes_count),
        ),
        ("events", list(&span.events, event)),
        ("droppedEventsCount", count(span.dropped_events_count)),
        ("links", list(&span.links, link)),
        ("droppedLinksCount", count(span.dropped_links_count)),
        ("status", span.status.as_ref().map(status)),
        ("flags", count(span.flags)),
    ])
}

fn event(event: &Event) -> Value {
    object([
        ("timeUnixNano", number(event.time_unix_nano)),
        ("name", text(&event.name)),
        ("attributes", attributes(&event.attributes)),
        (
            "droppedAttributesCount",
            count(event.dropped_attributes_count),
        ),
    ])
}

fn link(link: &Link) -> Value {
    object([
        ("traceId", id(&link.trace_id)),
        ("spanId", id(&link.span_id)),
        ("traceState", text(&link.trace_state)),
        ("attributes", attributes(&link.attributes)),
        (
            "droppedAttributesCount",
            count(link.dropped_attributes_count),
        ),
        ("flags", count(link.flags)),
    ])
}

fn status(status: &Status) -> Value {
    object([
        ("message", text(&status.message)),
        ("code", number(status.code as u64)),
    ])
}

/// # Panics
/// Where two have one name.
fn attributes(attributes: &[KeyValue]) -> Member {
    let mut members = Map::new();
    for attribute in attributes {
        let value = any(attribute.value.as_ref());
        let former = members.insert(attribute.key.clone(), value);
        assert!(former.is_none(), "{} twice", attribute.key);
    }
    (!members.is_empty()).then_some(Value::Object(members))
}

fn any(value: Option<&AnyValue>) -> Value {
    let value = value.and_then(|value| value.value.as_ref());
    match value.expect("an attribute's value") {
        Any::StringValue(text) => Value::from(&**text),
        Any::BoolValue(flag) => Value::from(*flag),
        Any::IntValue(integer) => Value::from(*integer),
        Any::DoubleValue(number) => Value::from(*number),
        Any::ArrayValue(list) => list.values.iter().map(|item| any(Some(item))).collect(),
        other => panic!("this wire sends no {other:?}"),
    }
}
