//! Messages of OTLP, written as JSON.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use serde_json::Value;

/// The message that a body stands for. It has attributes as an object, where the message has a list.
pub(crate) fn export(body: &Value) -> ExportTraceServiceRequest {
    let resource_spans = list(&body["resourceSpans"]).map(|of_resource| ResourceSpans {
        resource: Some(Resource {
            attributes: attributes(&of_resource["resource"]["attributes"]),
            ..Resource::default()
        }),
        scope_spans: list(&of_resource["scopeSpans"])
            .map(|of_scope| ScopeSpans {
                spans: list(&of_scope["spans"]).map(span).collect(),
                ..ScopeSpans::default()
            })
            .collect(),
        ..ResourceSpans::default()
    });
    ExportTraceServiceRequest {
        resource_spans: resource_spans.collect(),
    }
}

fn span(json: &Value) -> Span {
    let text = |name: &str| json[name].as_str().unwrap_or_default();
    let events = list(&json["events"]).map(|event| Event {
        name: event["name"].as_str().unwrap().to_owned(),
        attributes: attributes(&event["attributes"]),
        ..Event::default()
    });
    Span {
        trace_id: hex(text("traceId")),
        span_id: hex(text("spanId")),
        name: text("name").to_owned(),
        kind: i32::try_from(json["kind"].as_i64().unwrap_or(2)).unwrap(),
        start_time_unix_nano: json["startTimeUnixNano"].as_u64().unwrap(),
        end_time_unix_nano: json["endTimeUnixNano"].as_u64().unwrap(),
        attributes: attributes(&json["attributes"]),
        events: events.collect(),
        status: json.get("status").map(|status| Status {
            message: status["message"].as_str().unwrap_or_default().to_owned(),
            code: i32::try_from(status["code"].as_i64().unwrap()).unwrap(),
        }),
        ..Span::default()
    }
}

/// The items of a list; none of another value.
pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn hex(digits: &str) -> Vec<u8> {
    let pairs = (0..digits.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

fn attributes(object: &Value) -> Vec<KeyValue> {
    let members = object.as_object().into_iter().flatten();
    let attribute = |(key, value): (&String, &Value)| KeyValue {
        key: key.clone(),
        value: Some(any(value)),
        ..KeyValue::default()
    };
    members.map(attribute).collect()
}

fn any(value: &Value) -> AnyValue {
    let value = match value {
        Value::String(text) => Any::StringValue(text.clone()),
        Value::Bool(flag) => Any::BoolValue(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Any::IntValue(number),
            None => Any::DoubleValue(number.as_f64().unwrap()),
        },
        Value::Array(items) => Any::ArrayValue(ArrayValue {
            values: items.iter().map(any).collect(),
        }),
        Value::Object(_) => Any::KvlistValue(KeyValueList {
            values: attributes(value),
        }),
        Value::Null => return AnyValue::default(),
    };
    AnyValue { value: Some(value) }
}
