//! The PostHog format: each event as its MCP analytics know it, made from its [record](super::record) when it is sent.

pub(super) mod answers;
mod event;
mod failure;
mod properties;
mod session;
pub(crate) mod settings;
mod shape;

use super::parts::SenderInfo;
use super::record::Record;
use crate::base::clock::{Rfc3339, unix_nanos};
pub(super) use event::CAPABILITY_TOOL;

use event::{Kept, MAX_EVENT_BYTES};
use settings::PostHog;

/// A request's body, but for the key, which the transport puts in front of the other members.
pub(super) fn frame(posthog: &PostHog, events: &[&[u8]], sender: &SenderInfo) -> Vec<u8> {
    let length = events.iter().map(|part| part.len()).sum::<usize>();
    let sent_at = Rfc3339::new(unix_nanos(sender.sent_at));
    let mut body = Vec::with_capacity(length * 2);
    body.extend_from_slice(br#"{"historical_migration":false,"sent_at":""#);
    body.extend_from_slice(sent_at.as_str().as_bytes());
    body.extend_from_slice(br#"","batch":["#);
    Record::each(events, |record, _| {
        event::write(record, posthog, &mut body);
        body.push(b',');
    });
    // The last event's comma.
    body.pop_if(|byte| *byte == b',');
    body.extend_from_slice(b"]}");
    body
}

/// Whether an event has more bytes than the receiver takes, so that values of it would be left out.
pub(super) fn outgrows(event: &[u8]) -> bool {
    /// What the settings of a wire may add.
    const OF_SETTINGS: usize = 4 * 1024;
    const MOST: usize = MAX_EVENT_BYTES - OF_SETTINGS;
    // An event of fewer bytes fits, whatever it holds.
    let commas = || event.iter().filter(|byte| **byte == b',').count();
    if event.len() < MOST / 32 || bound(event.len(), commas()) <= MOST {
        return false;
    }
    let mut form = Vec::with_capacity(MAX_EVENT_BYTES);
    event::write_as(&Record::read(event), &PostHog::new(), Kept::All, &mut form);
    form.len() > MOST
}

/// Most bytes of the form of a record: what is written as JSON in a text has its quotes escaped, members get longer
/// names, and there are some of our own.
const fn bound(bytes: usize, commas: usize) -> usize {
    const OF_A_NAME: usize = 24;
    const OWN: usize = 2 * 1024;
    2 * bytes + OF_A_NAME * commas + OWN
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form(event: &str) -> String {
        let mut form = Vec::new();
        let record = Record::read(event.as_bytes());
        event::write_as(&record, &PostHog::new(), Kept::All, &mut form);
        String::from_utf8(form).unwrap()
    }

    #[test]
    fn an_event_outgrows_by_what_it_becomes() {
        let event = |members: &str| format!(r#"{{"activity_type":"X","meta":{{{members}}}}}"#);
        let text = |length: usize| event(&format!(r#""a":"{}""#, "x".repeat(length)));
        assert!(!outgrows(text(60_000).as_bytes()));
        assert!(outgrows(text(99_000).as_bytes()));
        let members: Vec<_> = (0..3_000).map(|n| format!("\"{n}\":1")).collect();
        let many = event(&members.join(","));
        assert!(many.len() < 30_000 && !outgrows(many.as_bytes()));
        let members: Vec<_> = (0..4_500).map(|n| format!("\"{n}\":1")).collect();
        assert!(outgrows(event(&members.join(",")).as_bytes()));
    }

    proptest! {
        #[test]
        fn no_form_is_longer_than_its_bound(
            members in proptest::collection::btree_map("[a-z\"\\\\]{1,3}", "[a-z\"\\\\\n]{0,9}", 0..40),
            nested in any::<bool>(),
        ) {
            let members = serde_json::to_string(&members).unwrap();
            let meta = if nested { format!("{{\"n\":{members}}}") } else { members };
            let event = format!("{{\"activity_type\":\"X\",\"meta\":{meta}}}");
            let commas = event.bytes().filter(|byte| *byte == b',').count();
            prop_assert!(form(&event).len() <= bound(event.len(), commas));
        }
    }
}
