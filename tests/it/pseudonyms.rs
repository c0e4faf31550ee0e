//! A logger that sends pseudonyms: on every event of every wire, and for a login in two spellings the same.

use mcp_usage::pseudonym::Pseudonyms;
use mcp_usage::{
    Caller, Custom, Identity, IdentityCapture, Init, Outcome, Session, ToolCall, UsageLogger, Wire,
};

use crate::support::{arrivals, builder_for, end, ingest, mcpeye, wires};

const KEY: &[u8] = b"0123456789abcdef";

fn pseudonyms() -> Pseudonyms {
    Pseudonyms::new(KEY).unwrap()
}

fn log_all(usage: &UsageLogger) {
    let rachel = Identity::email("rachel@example.com");
    let opaque = Identity::new("u_8812", "INTERNAL").with_email("rachel@example.com");
    usage.log_usage(ToolCall::new("search").identity(&rachel));
    usage.log_usage(ToolCall::new("search").identity(&opaque));
    usage.log_usage(ToolCall::new("search").email("rachel@example.com"));
    // The logger's own identity, and nobody's.
    usage.log_usage(ToolCall::new("search"));
    usage.log_usage(ToolCall::new("search").identity(Identity::anonymous()));
    drop(usage.start_tool_call(ToolCall::new("search").identity(&opaque)));
    usage.log_usage(IdentityCapture::new(&opaque));
    usage.log_usage(Init::new(["search"]).identity(&rachel));
    usage.log_usage(Custom::new("LOGIN_ACTIVITY").identity(&rachel));
    usage.log_login(&Caller::new(rachel), &Session::new());
}

#[test]
fn no_id_and_no_address_leaves_in_the_clear() {
    for (name, wire) in wires() {
        let ingest = ingest();
        let usage = builder_for(&ingest, &wire)
            .identity(Identity::github("octocat"))
            .pseudonyms(pseudonyms())
            .build()
            .unwrap();
        log_all(&usage);
        end(&usage, &ingest);
        for request in ingest.requests() {
            let body = String::from_utf8_lossy(&request.body);
            for clear in ["rachel", "example.com", "u_8812", "octocat"] {
                assert!(!body.contains(clear), "{name}: {clear} in {body}");
            }
        }
        let events = ingest.delivered();
        let ids: Vec<_> = events.iter().filter_map(|event| event.user_id()).collect();
        for expected in [
            pseudonyms().email("rachel@example.com"),
            pseudonyms().user("u_8812"),
            pseudonyms().user("octocat"),
        ] {
            assert!(ids.contains(&&*expected), "{name}: {expected} in {ids:?}");
        }
        if matches!(wire, Wire::Reo | Wire::ReoBatch) {
            let kinds: Vec<_> = events.iter().filter_map(|e| e.user_id_type()).collect();
            assert!(ids.contains(&"anonymous"), "{ids:?}");
            for kind in ["EMAIL", "INTERNAL", "GITHUB", "ANONYMOUS"] {
                assert!(kinds.contains(&kind), "{kinds:?}");
            }
        }
    }
}

#[test]
fn the_address_of_a_mcpeye_event_is_a_pseudonym_with_its_domain_if_that_is_kept() {
    let ingest = ingest();
    let usage = builder_for(&ingest, &mcpeye())
        .pseudonyms(pseudonyms().keep_domain())
        .build()
        .unwrap();
    usage.log_usage(ToolCall::new("search").email("rachel@example.com"));
    usage.log_usage(ToolCall::new("search").identity(Identity::email("rachel@example.com")));
    end(&usage, &ingest);
    let expected = pseudonyms().keep_domain().email("rachel@example.com");
    assert!(expected.ends_with(" at example.com"));
    let events = ingest.delivered();
    assert_eq!(events.len(), 2);
    for event in events {
        assert_eq!(event.json["userEmail"], *expected);
    }
}

#[test]
fn a_login_in_two_spellings_is_one() {
    let ingest = ingest();
    let usage = builder_for(&ingest, &Wire::ReoBatch)
        .pseudonyms(pseudonyms())
        .build()
        .unwrap();
    let login = |address: &'static str| {
        let caller = Caller::new(Identity::email(address)).credential("one");
        usage.log_login(&caller, &Session::new())
    };
    assert_eq!(login("rachel@example.com"), Some(Outcome::Queued));
    assert_eq!(login("Rachel@example.com"), None);
    assert_eq!(login("sam@example.com"), Some(Outcome::Queued));
    assert_eq!(end(&usage, &ingest).delivered, 2);
}

#[test]
fn ids_that_differ_in_case_alone_are_two_people_and_addresses_are_one() {
    for (name, wire) in wires() {
        let ids = |log: &dyn Fn(&UsageLogger)| {
            let change = |builder: mcp_usage::Builder| builder.pseudonyms(pseudonyms());
            let events = arrivals(&wire, change, |usage| log(usage));
            let ids = events
                .iter()
                .map(|event| event.user_id().unwrap().to_owned());
            ids.collect::<std::collections::BTreeSet<_>>().len()
        };
        let log = |usage: &UsageLogger, identities: [Identity<'static>; 2]| {
            for identity in identities {
                usage.log_usage(ToolCall::new("search").identity(identity));
            }
        };
        for (first, second, expected) in [
            (
                Identity::new("aB3x", "USER_ID"),
                Identity::new("ab3X", "USER_ID"),
                2,
            ),
            (
                Identity::new("Team@7", "USER_ID"),
                Identity::new("team@7", "USER_ID"),
                2,
            ),
            (
                Identity::email("Ross@Example.com"),
                Identity::email("ross@example.com "),
                1,
            ),
        ] {
            let log = |usage: &UsageLogger| log(usage, [first.clone(), second.clone()]);
            assert_eq!(ids(&log), expected, "{name}: {first:?} {}", first.id());
        }
    }
}

#[test]
fn a_domain_is_kept_only_where_it_is_one() {
    for (address, kept) in [
        ("rachel@Example.com", Some("example.com")),
        ("rachel@b\u{fc}ro.example", Some("b\u{fc}ro.example")),
        ("rachel@x@mail.example.com", Some("mail.example.com")),
        ("rachel@localhost", None),
        ("rachel@203.0.113.9", None),
        ("rachel@[203.0.113.9]", None),
        ("rachel@hunter2 .example", None),
        ("rachel@-x.example", None),
        ("rachel@x..example", None),
        ("rachel@example.com.", None),
        ("rachel@my password is in here", None),
        ("rachel@", None),
        ("rachel", None),
    ] {
        let pseudonym = pseudonyms().keep_domain().email(address);
        let domain = pseudonym.split_once(" at ").map(|(_, domain)| domain);
        assert_eq!(domain, kept, "{address}: {pseudonym}");
    }
}
