//! The OTLP format: each event as a span, in Protocol Buffers, made from its [record](super::record) when it is sent.

pub(crate) mod answers;
mod attributes;
mod protobuf;
pub(crate) mod resource;
pub(crate) mod settings;
mod span;
mod trace;

use super::parts::SenderInfo;
use super::record::Record;
use protobuf::{Message, Size};
use settings::Otlp;

/// A request's body: all events as spans of one resource.
pub(super) fn frame(otlp: &Otlp, events: &[&[u8]], sender: &SenderInfo) -> Vec<u8> {
    let length = events.iter().map(|part| part.len()).sum::<usize>();
    let mut body = Vec::with_capacity(length + length / 2);
    Message::new(&mut body).message(1, Size::Large, |spans| {
        spans.message(1, Size::Medium, |resource| {
            let version = otlp.service_version.as_deref();
            otlp.resource.write(version, sender, resource);
        });
        spans.message(2, Size::Large, |spans| {
            spans.message(1, Size::Small, |scope| {
                scope.bytes(1, b"mcp-usage");
                scope.bytes(2, env!("CARGO_PKG_VERSION").as_bytes());
            });
            Record::each(events, |record, _| {
                spans.message(2, Size::Medium, |span| span::write(record, otlp, span));
            });
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
            sent_at: std::time::SystemTime::UNIX_EPOCH,
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
