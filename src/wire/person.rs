//! Whose events are forgotten: the forms in which somebody stands in finished events.

use std::fmt;

use super::naming::IdentityPolicy;
use super::record::{HEAD, Json, Scanner};
use crate::capture::{self, CapturePolicy, EventDraft, key};
use crate::event::Identity;
use crate::ledger::Ledger;
use crate::limits;

/// Somebody, as finished events of any form name them: as given, and under a pseudonym.
pub(crate) struct Person {
    ids: Vec<String>,
    /// The kind of the ids, as it is written.
    kind: String,
    /// In lower case, without white space around them.
    addresses: Vec<String>,
}

impl Person {
    /// `None` for somebody anonymous, who has no address either.
    pub(crate) fn new(
        identity: &Identity<'_>,
        naming: &IdentityPolicy,
        policy: &CapturePolicy,
    ) -> Option<Self> {
        let is_named = !identity.is_anonymous() && !identity.id.is_empty();
        let mut ids = Vec::new();
        if is_named {
            ids.push(identity.id.clone().into_owned());
            let sent = naming.identity(Identity::from(identity));
            ids.push(sent.id.into_owned());
        }
        let of_id = (is_named && identity.id_type == EMAIL).then_some(&identity.id);
        let mut addresses = Vec::new();
        for address in identity.email.iter().chain(of_id) {
            let sent = naming.email(address.clone());
            addresses.extend([normalized(address), normalized(&sent)]);
        }
        for forms in [&mut ids, &mut addresses] {
            forms.retain(|form| !form.is_empty());
            forms.dedup();
        }
        (!ids.is_empty() || !addresses.is_empty()).then(|| Self {
            ids,
            kind: written_kind(&identity.id_type, policy),
            addresses,
        })
    }

    /// Whether a finished event is about them: by their id and its kind, or by an address, whatever its case. A value is
    /// compared as a whole, without its escapes.
    pub(crate) fn is_named_by(&self, event: &[u8]) -> bool {
        let named = Named::read(event);
        if named.activity.is(FORGET_USER) {
            return false;
        }
        if let (Some(id), Some(kind)) = (named.id.text(), named.kind.text())
            && (*kind == self.kind && self.ids.iter().any(|own| **own == id)
                || kind == EMAIL && self.has_address(&id))
        {
            return true;
        }
        // Without a kind, and cut to what that format allows.
        let of_mcpeye = named.mcpeye_id.text();
        let is_id = |id: &str| self.ids.iter().any(|own| is_cut(id, own)) || self.has_address(id);
        let addresses = [named.mcpeye_address, named.address];
        let mut addresses = addresses.into_iter().filter_map(Json::text);
        of_mcpeye.is_some_and(|id| is_id(&id)) || addresses.any(|it| self.has_address(&it))
    }

    fn has_address(&self, address: &str) -> bool {
        let address = normalized(address);
        self.addresses.iter().any(|own| is_cut(&address, own))
    }
}

/// What of a finished event says whom it is about.
#[derive(Default)]
struct Named<'e> {
    activity: Json<'e>,
    id: Json<'e>,
    kind: Json<'e>,
    address: Json<'e>,
    mcpeye_id: Json<'e>,
    mcpeye_address: Json<'e>,
}

impl<'e> Named<'e> {
    /// Reads an event of any form. Of a name that comes twice the first value counts.
    fn read(event: &'e [u8]) -> Self {
        let mut named = Self::default();
        let read = Scanner::of(event).members(|scanner, name| {
            let name = scanner.json(name);
            if name.is(HEAD) {
                return scanner.members(|scanner, name| {
                    let is_address = scanner.json(name).is("email");
                    let value = scanner.value()?;
                    named.address = named.address.or(value.only_if(is_address));
                    Some(())
                });
            }
            let value = scanner.value()?;
            for (of, place) in [
                ("activity_type", &mut named.activity),
                ("user_id", &mut named.id),
                ("user_id_type", &mut named.kind),
                ("userId", &mut named.mcpeye_id),
                ("userEmail", &mut named.mcpeye_address),
            ] {
                *place = place.or(value.only_if(name.is(of)));
            }
            Some(())
        });
        read.map(|()| named).unwrap_or_default()
    }
}

/// Prints nothing of whom it is.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person")
    }
}

const EMAIL: &str = "EMAIL";

/// The `activity_type` of the event that tells an ingest whom it is to forget, and is not forgotten itself.
pub(crate) const FORGET_USER: &str = "MCP_FORGET_USER";

/// What does not matter in an address is left out.
fn normalized(address: &str) -> String {
    address.trim().to_lowercase()
}

/// Whether a text is another, or what is sent of it where that is too long.
fn is_cut(text: &str, whole: &str) -> bool {
    let is_full = || text.chars().count() == limits::MAX_NAME_CHARS;
    text == whole || whole.starts_with(text) && is_full()
}

/// The kind of an id as an event has it: cut, and redacted as any name.
fn written_kind(kind: &str, policy: &CapturePolicy) -> String {
    let uncounted = Ledger::default();
    let written = capture::with_scratch(|scratch| {
        let mut draft = EventDraft::begin(scratch, policy, &uncounted);
        let start = draft.writer.len();
        draft.writer.name(key!("kind"), Some(kind));
        draft.writer.close_object(start);
        let json = draft.seal().ok()?;
        let mut kind = Json::ABSENT;
        Scanner::of(json.as_bytes()).members(|scanner, _| {
            kind = scanner.value()?;
            Some(())
        })?;
        Some(kind.text()?.into_owned())
    });
    written.unwrap_or_else(|| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::limits::Limits;
    use crate::redact::Redactor;

    fn person_under(identity: Identity<'_>, naming: &IdentityPolicy) -> Option<Person> {
        let policy = CapturePolicy {
            limits: Limits::default(),
            redactor: Redactor::default(),
        };
        Person::new(&identity, naming, &policy)
    }

    fn person(identity: Identity<'_>) -> Person {
        person_under(identity, &IdentityPolicy::default()).unwrap()
    }

    fn is_named(person: &Person, event: &serde_json::Value) -> bool {
        person.is_named_by(event.to_string().as_bytes())
    }

    #[test]
    fn an_event_is_somebodys_by_id_and_kind_or_by_an_address_in_any_case() {
        let rachel = person(Identity::new("u1", "INTERNAL").with_email("Rachel@Example.com"));
        for (event, expected) in [
            (json!({"user_id": "u1", "user_id_type": "INTERNAL"}), true),
            (json!({"user_id": "u1", "user_id_type": "GITHUB"}), false),
            (json!({"user_id": "U1", "user_id_type": "INTERNAL"}), false),
            (json!({"user_id": "u11", "user_id_type": "INTERNAL"}), false),
            (json!({"user_id": "u1"}), false),
            (
                json!({"user_id": "rachel@example.com", "user_id_type": "EMAIL"}),
                true,
            ),
            (
                json!({"user_id": " RACHEL@example.com", "user_id_type": "EMAIL"}),
                true,
            ),
            (
                json!({"user_id": "rachel@example.com", "user_id_type": "T"}),
                false,
            ),
            (
                json!({"user_id": "x", "user_id_type": "T", "head": {"email": "rachel@EXAMPLE.com"}}),
                true,
            ),
            (
                json!({"user_id": "x", "user_id_type": "T", "head": {"email": "ross@example.com"}}),
                false,
            ),
            (json!({"userId": "u1"}), true),
            (
                json!({"userId": "u2", "userEmail": "Rachel@Example.com"}),
                true,
            ),
            (json!({"userId": "u2", "userEmail": "u1"}), false),
            (
                json!({"meta": {"user_id": "u1", "text": "rachel@example.com"}}),
                false,
            ),
            (
                json!({"user_id": "u1", "user_id_type": "INTERNAL", "activity_type": FORGET_USER}),
                false,
            ),
            (json!({}), false),
        ] {
            assert_eq!(is_named(&rachel, &event), expected, "{event}");
        }
        assert!(!rachel.is_named_by(b"\xff") && !rachel.is_named_by(b"[1]"));
    }

    #[test]
    fn a_value_is_compared_without_its_escapes() {
        let odd = "\"o\\dd\u{e9}\n\u{1f600}\"@example.com";
        let by_id = person(Identity::new(odd, "T"));
        let by_address = person(Identity::email(odd));
        let event = |id: &str, kind| format!(r#"{{"user_id":{id},"user_id_type":"{kind}"}}"#);
        let plain = json!(odd).to_string();
        let escaped = plain
            .replace('\u{e9}', "\\u00e9")
            .replace('\u{1f600}', "\\ud83d\\ude00");
        assert_ne!(plain, escaped);
        for id in [&plain, &escaped] {
            assert!(by_id.is_named_by(event(id, "T").as_bytes()), "{id}");
            assert!(
                by_address.is_named_by(event(id, "EMAIL").as_bytes()),
                "{id}"
            );
        }
        let name = event(&plain, "T").replace("user_id\"", "user\\u005fid\"");
        assert!(by_id.is_named_by(name.as_bytes()), "{name}");
    }

    #[test]
    fn a_long_name_is_known_as_it_is_cut() {
        let long = "n\u{e9}".repeat(300);
        let cut: String = long.chars().take(256).collect();
        let of_kind = person(Identity::new("u", &*long));
        let kind = written_kind(
            &long,
            &CapturePolicy {
                limits: Limits::default(),
                redactor: Redactor::default(),
            },
        );
        assert!(kind.len() < long.len());
        assert!(is_named(
            &of_kind,
            &json!({"user_id": "u", "user_id_type": kind})
        ));
        let of_id = person(Identity::new(&*long, "T"));
        assert!(is_named(&of_id, &json!({"userId": cut})));
        assert!(!is_named(&of_id, &json!({"userId": "n"})));
        assert!(
            !is_named(&of_id, &json!({"user_id": cut, "user_id_type": "T"})),
            "it is not cut there"
        );
    }

    #[test]
    fn nobody_is_no_person_but_by_an_address() {
        let naming = IdentityPolicy::default();
        for nobody in [
            Identity::anonymous(),
            Identity::new("", "T"),
            Identity::email(""),
        ] {
            assert!(person_under(nobody, &naming).is_none());
        }
        let by_address = person(Identity::anonymous().with_email("r@example.com"));
        assert!(is_named(
            &by_address,
            &json!({"userId": "x", "userEmail": "r@example.com"})
        ));
        let anonymous = json!({"user_id": "anonymous", "user_id_type": "ANONYMOUS"});
        assert!(!is_named(&by_address, &anonymous));
    }

    #[cfg(feature = "pseudonyms")]
    #[test]
    fn somebody_is_known_under_a_pseudonym_and_as_given() {
        let pseudonyms = crate::pseudonym::Pseudonyms::new(&[7; 32])
            .unwrap()
            .keep_domain();
        let (user, email) = (pseudonyms.user("u1"), pseudonyms.email("r@example.com"));
        let naming = IdentityPolicy {
            pseudonyms: Some(pseudonyms),
        };
        let rachel = Identity::new("u1", "T").with_email("R@example.com");
        let rachel = person_under(rachel, &naming).unwrap();
        for event in [
            json!({"user_id": user, "user_id_type": "T"}),
            json!({"user_id": "u1", "user_id_type": "T"}),
            json!({"user_id": email, "user_id_type": "EMAIL"}),
            json!({"user_id": "r@example.com", "user_id_type": "EMAIL"}),
            json!({"userId": user}),
            json!({"userId": "x", "userEmail": email}),
        ] {
            assert!(is_named(&rachel, &event), "{event}");
        }
        assert!(!is_named(
            &rachel,
            &json!({"user_id": user, "user_id_type": "EMAIL"})
        ));
    }
}
