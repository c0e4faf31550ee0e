//! How a session's id is sent: as a hash that is the same on all replicas, unless the host wants it as it is.

use mcp_usage::testing::MockIngest;
use mcp_usage::{
    Builder, Caller, Identity, Outcome, Session, SessionIds, ToolCall, UsageLogger, Wire,
};
use serde_json::Value;

use crate::support::{arrivals, builder_for, end, ingest, mcpeye, rachel, wires};

/// As guessable and as secret as some servers make them.
const SESSION: &str = "rachel-session-7f3c9a";

fn log(usage: &UsageLogger) {
    let session = Session::new().session_id(SESSION);
    usage.log_usage(ToolCall::new("t").session(&session).identity(rachel()));
    usage.log_usage(ToolCall::new("t").session_id(SESSION));
    let guard = ToolCall::new("t").session(&session);
    drop(usage.start_tool_call(guard.identity(Identity::anonymous())));
    usage.log_login(&Caller::new(rachel()), &session);
}

/// The ids of users and sessions that arrive: of the logger's product, and of another.
fn ids(wire: &Wire, change: impl FnOnce(Builder) -> Builder) -> Vec<(String, Value)> {
    let events = arrivals(wire, change, |usage| {
        usage.log_usage(ToolCall::new("1").session_id(SESSION));
        usage.log_usage(ToolCall::new("2").session_id(SESSION).product_id("other"));
    });
    let mut events: Vec<_> = events.iter().collect();
    events.sort_by_key(|event| event.tool());
    let ids = events.iter().map(|event| {
        let session = event.json["meta"]["session_id"].clone();
        // A span of nobody has no user, and names the session alone.
        let id = match wire {
            Wire::Otlp(_) => event.meta("session_id").and_then(Value::as_str),
            _ => event.user_id(),
        };
        (id.unwrap().to_owned(), session)
    });
    ids.collect()
}

#[test]
fn no_session_id_leaves_in_the_clear() {
    for (name, wire) in wires() {
        let ingest = ingest();
        let usage = builder_for(&ingest, &wire).build().unwrap();
        log(&usage);
        end(&usage, &ingest);
        for request in ingest.requests() {
            let body = String::from_utf8_lossy(&request.body);
            assert!(!body.contains("7f3c9a"), "{name}: {body}");
        }
    }
}

#[test]
fn a_hash_is_the_same_on_all_replicas_and_after_a_rotation_and_differs_by_product() {
    let first = ids(&Wire::Reo, |b| b);
    let [(user, session), (other, _)] = &*first else {
        panic!("{first:?}");
    };
    assert_eq!(session.as_str().map(str::len), Some(32));
    assert_eq!(*user, format!("anonymous-{}", session.as_str().unwrap()));
    assert_ne!(user, other);
    assert_eq!(ids(&Wire::ReoBatch, |b| b), first);
    // Another product is that of the logger or of the event, with the same result.
    let by_logger = ids(&Wire::Reo, |b| b.product_id("other"));
    assert_eq!(by_logger[0], by_logger[1]);
    assert!(first.contains(&by_logger[0]));

    let rotated = MockIngest::builder().api_key("test-key-2").start().unwrap();
    let usage = builder_for(&rotated, &Wire::Reo).build().unwrap();
    usage.set_api_key("test-key-2").unwrap();
    usage.log_usage(ToolCall::new("t").session_id(SESSION));
    end(&usage, &rotated);
    assert_eq!(rotated.delivered()[0].json["meta"]["session_id"], *session);

    // The mcpeye wire has one project for all.
    let project = ids(&mcpeye(), |b| b);
    assert_eq!(project[0].0, project[1].0);
    assert_ne!(project[0].0, *user);
}

#[test]
fn a_key_of_the_hosts_changes_every_hash() {
    for (name, wire) in wires() {
        let plain = ids(&wire, |b| b);
        let keyed = ids(&wire, |b| b.session_key([7; 16]));
        assert_eq!(keyed, ids(&wire, |b| b.session_key([7; 16])));
        assert!(
            plain
                .iter()
                .all(|(id, _)| keyed.iter().all(|(other, _)| id != other)),
            "{name}"
        );
    }
}

#[test]
fn a_raw_session_id_is_sent_as_it_is_and_no_user_id_is_made_from_it() {
    for wire in [Wire::Reo, Wire::ReoBatch] {
        let hashed = ids(&wire, |b| b);
        let raw = ids(&wire, |b| b.session_ids(SessionIds::Raw));
        for ((user, session), (same_user, _)) in raw.iter().zip(&hashed) {
            assert_eq!((user, session), (same_user, &Value::from(SESSION)));
        }
    }
}

#[test]
fn sessions_are_compared_by_their_ids_whatever_is_sent() {
    for ids in [SessionIds::Hashed, SessionIds::Raw] {
        let ingest = ingest();
        let usage = builder_for(&ingest, &Wire::ReoBatch)
            .session_ids(ids)
            .build()
            .unwrap();
        let login = |id: &'static str| {
            usage.log_login(&Caller::new(rachel()), &Session::new().session_id(id))
        };
        assert_eq!(login("s-1"), Some(Outcome::Queued));
        assert_eq!(login("s-1"), None);
        assert_eq!(login("s-2"), Some(Outcome::Queued));
        end(&usage, &ingest);
    }
}
