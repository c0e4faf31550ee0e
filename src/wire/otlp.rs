//! The OTLP format: each event as a span, in Protocol Buffers.
//!
//! What is queued is the event of the Reo wires, with a member `otlp` for what only a span has a place for. It becomes
//! a span when it is sent, so that redaction, `before_send`, the checks and a spool are those of the other wires.

pub(crate) mod answers;
mod attributes;
mod json;
mod protobuf;
pub(crate) mod resource;
pub(crate) mod rules;
pub(crate) mod settings;
mod span;
mod trace;

use super::defaults::Defaults;
use super::parts::{SenderInfo, Stamp};
use super::reo;
use super::subject::email;
use crate::base::clock::unix_nanos;
use crate::capture::{EventWriter, key};
use crate::event::{Event, EventKind, MAX_TRACESTATE_BYTES};
use crate::ledger::DropReason;
use protobuf::Message;
use settings::Otlp;

pub(super) fn write_event(
    event: &Event<'_>,
    defaults: &Defaults,
    stamp: &Stamp,
    w: &mut EventWriter<'_>,
) -> Result<(), DropReason> {
    let start = w.len();
    let identity = reo::write_members(event, defaults, stamp, w)?;
    w.key(key!("otlp"));
    let own = w.len();
    let facts = &event.facts;
    // What is reported with a time has begun then, and what is not has ended now.
    let nanos = unix_nanos(stamp.at);
    match facts.event_at {
        Some(_) => w.integer(key!("start"), nanos),
        None => w.integer(key!("end"), nanos),
    }
    if let EventKind::ToolCall(call) = &event.kind
        && let Some(duration) = call.duration
    {
        // It is no more than a hundred years.
        w.integer(key!("duration"), duration.as_nanos() as u64);
    }
    if let Some(code) = facts.error_code {
        w.integer(key!("code"), code);
    }
    if defaults.identity_policy.has_pseudonyms() {
        w.flag(key!("pseudonym"), true);
    } else if let Some(email) = email(event, defaults, &identity) {
        w.exact(key!("email"), &email);
    }
    if let Some(links) = &facts.links {
        if let Some(state) = &links.tracestate {
            w.text(key!("tracestate"), state, MAX_TRACESTATE_BYTES);
        }
        if let Some(link) = &links.http_traceparent {
            w.exact(key!("link"), link);
        }
    }
    w.close_object(own);
    w.close_object(start);
    Ok(())
}

/// A request's body: all events as spans of one resource.
pub(super) fn frame(otlp: &Otlp, events: &[&[u8]], sender: &SenderInfo) -> Vec<u8> {
    let length = events.iter().map(|part| part.len()).sum::<usize>();
    let mut body = Vec::with_capacity(length + length / 2);
    Message::new(&mut body).message(1, |spans| {
        spans.message(1, |resource| {
            let version = otlp.service_version.as_deref();
            otlp.resource.write(version, sender, resource);
        });
        spans.message(2, |spans| {
            spans.message(1, |scope| {
                scope.bytes(1, b"mcp-usage");
                scope.bytes(2, env!("CARGO_PKG_VERSION").as_bytes());
            });
            for event in events.iter().flat_map(|part| json::events(part)) {
                spans.message(2, |span| span::write(event, otlp, span));
            }
        });
    });
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::Instance;
    use crate::ledger::Dropped;

    #[test]
    fn a_span_has_at_most_four_times_the_bytes_of_its_event() {
        let sender = SenderInfo {
            instance: Instance::random(),
            sequence: 0,
            dropped: Dropped::default(),
        };
        let length = |events: &str| frame(&Otlp::spans(), &[events.as_bytes()], &sender).len();
        let empty = length("");
        // What grows most: small members of short names.
        let names = (b'a'..=b'z').chain(b'A'..=b'Z').map(char::from);
        let members: Vec<_> = names.map(|name| format!("\"{name}\":1")).collect();
        let event = format!(
            "{{\"activity_type\":\"X\",\"meta\":{{{}}}}},",
            members.join(",")
        );
        for times in [1, 1_000] {
            let events = event.repeat(times);
            let grown = length(&events) - empty;
            assert!(grown <= 4 * events.len(), "{grown} of {}", events.len());
        }
    }
}
