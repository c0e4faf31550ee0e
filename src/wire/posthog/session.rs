//! The ids by which PostHog groups events into sessions.

use std::fmt::Write;

use crate::base::siphash::siphash128;
use crate::wire::record::Record;

/// The digits of a session's hash.
const HASH_DIGITS: usize = 32;

/// The session of an event, never empty: that of the client, else of the conversation, else of the process where that
/// has one client, else one for this event alone.
pub(super) fn session_id(record: &Record<'_>, start_nanos: u64) -> String {
    let meta = &record.meta;
    let known = |name| meta.text(name).filter(|id| !id.is_empty());
    if let Some(id) = known("session_id").or_else(|| known("conversation_id")) {
        return if is_hash(&id) {
            format!("ses_{id}")
        } else {
            derived(&id)
        };
    }
    match known("instance") {
        Some(instance) if meta.text("transport").as_deref() == Some("stdio") => derived(&instance),
        instance => {
            let number = meta
                .get("sequence")
                .or_else(|| record.event.get("event_id"));
            of_one_event(
                &instance.unwrap_or_default(),
                number.unwrap_or_default(),
                start_nanos / 1_000_000,
            )
        }
    }
}

/// Whether an id is sent as its hash already.
pub(super) fn is_hash(id: &str) -> bool {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    id.len() == HASH_DIGITS && id.bytes().all(is_digit)
}

/// Derives a session from an id as PostHog's own SDKs do, so that a session which is served by both of us is one: two
/// lanes of 32-bit FNV-1a, over the id and over the salted id.
fn derived(id: &str) -> String {
    fn lanes(text: impl Iterator<Item = u8> + Clone, out: &mut String) {
        for (seed, prime) in [(0x8422_2325_u32, 0x1b3), (0xcbf2_9ce4, 0x193)] {
            let step = |lane: u32, byte| (lane ^ u32::from(byte)).wrapping_mul(prime);
            let lane = text.clone().fold(seed, step);
            // Writing into a text cannot fail.
            let _ = write!(out, "{lane:08x}");
        }
    }
    let mut session = "ses_".to_owned();
    lanes(id.bytes(), &mut session);
    lanes(id.bytes().chain(*b"::salt"), &mut session);
    session
}

/// A UUID of version 7 that follows from the event, so that it is the same however often the event is sent.
fn of_one_event(instance: &str, number: &str, millis: u64) -> String {
    let mut key = [0; 16];
    for (to, from) in key.iter_mut().zip(instance.bytes()) {
        *to = from;
    }
    let hash = u128::from_be_bytes(siphash128(key, number.as_bytes()));
    let (random, more) = (hash & 0xfff, hash >> 12 & ((1 << 62) - 1));
    let millis = u128::from(millis) & ((1 << 48) - 1);
    let bits = millis << 80 | 0x7 << 76 | random << 64 | 0x2 << 62 | more;
    let digits = format!("{bits:032x}");
    let mut session = "ses_".to_owned();
    for (n, digit) in digits.chars().enumerate() {
        if matches!(n, 8 | 12 | 16 | 20) {
            session.push('-');
        }
        session.push(digit);
    }
    session
}

/// Whether an id is a handle of a conversation as PostHog's SDKs hand them out: a UUID of version 7 in small letters.
pub(super) fn is_handle(id: &str) -> bool {
    let is_in_place = |(n, byte)| match n {
        8 | 13 | 18 | 23 => byte == b'-',
        14 => byte == b'7',
        19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    id.len() == 36 && id.bytes().enumerate().all(is_in_place)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANDLE: &str = "0190f0e8-7a6b-7c3d-9e4f-5a6b7c8d9e0f";

    fn of(meta: &str) -> String {
        let event = format!(r#"{{"activity_type":"X","event_id":7,"meta":{{{meta}}}}}"#);
        session_id(&Record::read(&event), 1_700_000_000_123_456_789)
    }

    #[test]
    fn a_session_is_derived_as_by_the_vendors_own_sdks() {
        assert_eq!(derived(HANDLE), "ses_6df45f0102a182bcd5e8dd5dad6c65a0");
    }

    #[test]
    fn the_clients_session_comes_before_the_conversation_and_that_before_the_process() {
        let hash = "0af7651916cd43dd8448eb211c80319c";
        let conversation = format!(r#""conversation_id":"{HANDLE}""#);
        let stdio = r#""transport":"stdio","instance":"00000000000000aa","sequence":1"#;
        assert_eq!(
            of(&format!(r#""session_id":"{hash}",{conversation},{stdio}"#)),
            format!("ses_{hash}")
        );
        assert_eq!(of(r#""session_id":"raw""#), derived("raw"));
        assert_eq!(of(&format!("{conversation},{stdio}")), derived(HANDLE));
        assert_eq!(of(stdio), derived("00000000000000aa"));
        assert_eq!(of(&stdio.replace("\":1", "\":2")), of(stdio));
    }

    #[test]
    fn an_event_without_a_session_has_one_of_its_own_that_stays() {
        let [one, two] = [1, 2].map(|n| format!(r#""instance":"00000000000000aa","sequence":{n}"#));
        assert_eq!(of(&one), of(&one));
        assert_ne!(of(&one), of(&two));
        for session in [of(&one), of(""), of(r#""session_id":"""#)] {
            let handle = session.strip_prefix("ses_").unwrap();
            assert!(is_handle(handle), "{session}");
            assert!(handle.starts_with("018bcfe5-687b-7"), "{session}");
        }
    }

    #[test]
    fn a_handle_is_a_uuid_of_version_7_in_small_letters() {
        assert!(is_handle(HANDLE));
        for other in [
            "",
            "conversation 9",
            &HANDLE.to_uppercase(),
            "0190f0e8-7a6b-4c3d-9e4f-5a6b7c8d9e0f",
            "0190f0e8-7a6b-7c3d-ce4f-5a6b7c8d9e0f",
            "0190f0e87a6b7c3d9e4f5a6b7c8d9e0f0000",
        ] {
            assert!(!is_handle(other), "{other}");
        }
    }
}
