//! The ids by which PostHog groups events into sessions.

use crate::base::id::{spell, spell_uuid};
use crate::base::siphash::siphash128;
use crate::wire::record::{MetaName, PayloadName, Record};
use crate::wire::session_ids::{HASH_DIGITS, is_hash};

/// The id of a session, as text that needs no memory.
pub(super) struct SessionId {
    text: [u8; Self::MAX_BYTES],
    bytes: usize,
}

impl SessionId {
    const PREFIX: &'static [u8; 4] = b"ses_";
    /// A UUID is the longest.
    const MAX_BYTES: usize = Self::PREFIX.len() + 36;

    fn new<const BYTES: usize>(id: &[u8; BYTES]) -> Self {
        let mut text = [0; Self::MAX_BYTES];
        let parts = Self::PREFIX.iter().chain(id);
        for (to, from) in text.iter_mut().zip(parts) {
            *to = *from;
        }
        let bytes = Self::PREFIX.len() + BYTES;
        Self { text, bytes }
    }

    pub(super) fn as_str(&self) -> &str {
        let text = self.text.get(..self.bytes);
        str::from_utf8(text.unwrap_or_default()).unwrap_or_default()
    }
}

/// The session of an event, never empty: that of the client, else of the conversation, else of the process where that
/// has one client, else one for this event alone.
pub(super) fn session_id(record: &Record<'_>, start_nanos: u64) -> SessionId {
    let known = |name| record.meta(name).present();
    let id = known(MetaName::SessionId).or_else(|| known(MetaName::ConversationId));
    if let Some(id) = id {
        return match id.as_bytes().first_chunk::<HASH_DIGITS>() {
            Some(hash) if is_hash(&id) => SessionId::new(hash),
            _ => derived(&id),
        };
    }
    match known(MetaName::Instance) {
        Some(instance) if record.meta(MetaName::Transport).is("stdio") => derived(&instance),
        instance => {
            let number = record.meta(MetaName::Sequence);
            let number = number.or(record.event(PayloadName::EventId));
            of_one_event(
                &instance.unwrap_or_default(),
                number.as_str(),
                start_nanos / 1_000_000,
            )
        }
    }
}

/// Derives a session from an id as PostHog's own SDKs do, so that a session which is served by both of us is one: two
/// lanes of 32-bit FNV-1a, over the id and over the salted id.
fn derived(id: &str) -> SessionId {
    let lane = |text: &mut dyn Iterator<Item = u8>, (seed, prime): (u32, u32)| {
        text.fold(seed, |lane, byte| {
            (lane ^ u32::from(byte)).wrapping_mul(prime)
        })
    };
    const LANES: [(u32, u32); 2] = [(0x8422_2325, 0x1b3), (0xcbf2_9ce4, 0x193)];
    let [a, b] = LANES.map(|of| lane(&mut id.bytes(), of));
    let [c, d] = LANES.map(|of| lane(&mut id.bytes().chain(*b"::salt"), of));
    let lanes = [a, b, c, d].into_iter();
    let hash = lanes.fold(0, |hash, lane| hash << 32 | u128::from(lane));
    let mut digits = [0; HASH_DIGITS];
    spell(&hash.to_be_bytes(), &mut digits);
    SessionId::new(&digits)
}

/// A UUID of version 7 that follows from the event, so that it is the same however often the event is sent.
fn of_one_event(instance: &str, number: &str, millis: u64) -> SessionId {
    let mut key = [0; 16];
    for (to, from) in key.iter_mut().zip(instance.bytes()) {
        *to = from;
    }
    let hash = u128::from_be_bytes(siphash128(key, number.as_bytes()));
    let (random, more) = (hash & 0xfff, hash >> 12 & ((1 << 62) - 1));
    let millis = u128::from(millis) & ((1 << 48) - 1);
    let bits = millis << 80 | 0x7 << 76 | random << 64 | 0x2 << 62 | more;
    SessionId::new(&spell_uuid(bits))
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
        let session = session_id(&Record::read(event.as_bytes()), 1_700_000_000_123_456_789);
        session.as_str().to_owned()
    }

    #[test]
    fn a_session_is_derived_as_by_the_vendors_own_sdks() {
        assert_eq!(
            derived(HANDLE).as_str(),
            "ses_6df45f0102a182bcd5e8dd5dad6c65a0"
        );
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
        assert_eq!(of(r#""session_id":"raw""#), derived("raw").as_str());
        assert_eq!(
            of(&format!("{conversation},{stdio}")),
            derived(HANDLE).as_str()
        );
        assert_eq!(of(stdio), derived("00000000000000aa").as_str());
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
