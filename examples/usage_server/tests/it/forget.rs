//! A person who is forgotten: gone wherever they were named, and nothing that was counted is wrong.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use usage_server::record::AHEAD_MS;
use usage_server::store::forget::Forgotten;

use crate::support::{NOW, Server, call};

/// The totals that hold whoever is forgotten.
const TOTALS: [&str; 6] = [
    "SELECT count(*) FROM event",
    "SELECT sum(calls), sum(weight) FROM roll_day",
    "SELECT sum(calls), sum(weight) FROM roll_hour",
    "SELECT sum(weight) FROM hist_day",
    "SELECT sum(calls) FROM error_day",
    "SELECT sum(events) FROM login_day",
];

fn of(id: i64, user: &str, session: &str) -> Value {
    let mut event = call(id);
    event["user_id"] = json!(user);
    event["meta"]["session_id"] = json!(session);
    event["meta"]["prompt"] = json!(format!("what {} wants", user.split('@').next().unwrap()));
    event["meta"]["tool_arguments"] = json!({ "of": format!("secret-of-{user}") });
    if id % 2 == 0 {
        event["meta"]["outcome"] = json!("tool_error");
        event["meta"]["error"] = json!("no such index");
    }
    event
}

fn login(id: i64, user: &str, session: &str) -> Value {
    let mut event = of(id, user, session);
    event["activity_type"] = json!("MCP_IDENTITY_CAPTURE");
    event
}

/// An event of one logger, by its number there.
fn numbered(mut event: Value, sequence: u64) -> Value {
    event["meta"]["instance"] = json!("00000000000000a1");
    event["meta"]["sequence"] = json!(sequence);
    event
}

async fn forget(server: &Server, who: &str) -> Forgotten {
    let forgotten = server.app.forget(server.project, who, "an admin");
    forgotten.await.unwrap()
}

async fn totals(server: &Server) -> Vec<String> {
    let mut totals = Vec::new();
    for total in TOTALS {
        totals.push(server.row(total).await);
    }
    totals
}

#[tokio::test]
async fn a_person_is_gone_and_every_total_stays() {
    let server = Server::start().await;
    // No rule finds what is looked for below.
    let mut anonymous = of(1, "anonymous-1", "s1");
    anonymous["user_id_type"] = json!("ANONYMOUS");
    let mut events = vec![
        anonymous,
        login(2, "Rachel@Example.com", "s1"),
        login(3, "sam@example.com", "s2"),
    ];
    events.extend((4..10).map(|id| of(id, "Rachel@Example.com", "s1")));
    events.extend((10..15).map(|id| of(id, "sam@example.com", "s2")));
    // They share a session, as on a machine of two people.
    events.extend([
        of(15, "Rachel@Example.com", "s3"),
        of(16, "sam@example.com", "s3"),
    ]);
    assert_eq!(server.send(events).await.0, StatusCode::OK);
    let before = totals(&server).await;
    assert_eq!(server.app.live.since(server.project, 0).len(), 16);

    let forgotten = forget(&server, "rachel@example.com").await;
    assert_eq!((forgotten.rows.len(), forgotten.sessions), (9, 1));
    assert_eq!(totals(&server).await, before);
    assert_eq!(
        server.rows("SELECT text FROM user").await,
        ["sam@example.com"]
    );
    let sessions = server
        .rows("SELECT text, calls, failed, length(outcomes) FROM session ORDER BY 1")
        .await;
    assert_eq!(sessions, ["s2 5 3 5", "s3 1 1 1"]);
    assert_eq!(
        server.rows("SELECT text FROM intent").await,
        ["what sam wants"]
    );
    // What is about people alone is about those who remain.
    for (sql, expected) in [
        ("SELECT sum(calls), sum(logins) FROM user_day", "6 1"),
        ("SELECT sum(calls) FROM user_hour", "6"),
        ("SELECT sum(calls) FROM user_tool_day", "6"),
        ("SELECT count(DISTINCT user) FROM tool_user", "1"),
        ("SELECT count(DISTINCT user) FROM client_user_day", "1"),
        ("SELECT count(DISTINCT session) FROM session_hour", "2"),
        ("SELECT sum(weight) FROM intent_day", "6"),
        ("SELECT count(*) FROM event_body", "7"),
        (
            "SELECT count(*) FROM event WHERE user = 0 AND session = 0 AND intent = 0",
            "9",
        ),
    ] {
        assert_eq!(server.row(sql).await, expected, "{sql}");
    }
    assert_eq!(server.app.live.since(server.project, 0).len(), 7);
    let audit = server
        .row("SELECT who, action, length(subject) FROM audit")
        .await;
    assert_eq!(audit, "an admin forgot 64");
}

#[tokio::test]
async fn an_id_leads_to_all_ids_of_its_address_and_to_all_sessions_of_who_they_were_before() {
    let server = Server::start().await;
    let addressed = |id, user, session| {
        let mut event = of(id, user, session);
        event["email"] = json!("Rachel@example.com");
        event
    };
    let anonymous = |id, session| {
        let mut event = of(id, "anonymous-1", session);
        event["user_id_type"] = json!("ANONYMOUS");
        event
    };
    let events = vec![
        addressed(1, "rachel-1", "s1"),
        addressed(2, "rachel-2", "s2"),
        anonymous(3, "s2"),
        anonymous(4, "s3"),
        of(5, "anonymous", "s3"),
        of(6, "sam@example.com", "s4"),
    ];
    assert_eq!(server.send(events).await.1["accepted"], 6);
    let looked_up = server.app.store.write(|tx| {
        usage_server::store::audit::audit(tx, NOW, 1, "an admin", "looked up", "RACHEL@example.com")
    });
    looked_up.await.unwrap();
    let app = &server.app;
    let forgotten = forget(&server, "rachel-1").await;
    assert_eq!((forgotten.rows.len(), forgotten.sessions), (5, 3));
    assert_eq!(app.live.since(server.project, 0).len(), 1);
    for (sql, expected) in [
        ("SELECT text FROM user", "sam@example.com"),
        ("SELECT text FROM session", "s4"),
        ("SELECT text FROM intent", "what sam wants"),
        (
            "SELECT count(*) FROM audit WHERE lower(subject) LIKE '%rachel%'",
            "0",
        ),
    ] {
        assert_eq!(server.rows(sql).await, [expected], "{sql}");
    }
    let late = vec![of(7, "rachel-2", "s1"), anonymous(8, "s3")];
    assert_eq!(server.send(late).await.1["accepted"], 0);
    // An id is told apart by its case, and is another person's.
    let another = vec![of(9, "Rachel-1", "s5")];
    assert_eq!(server.send(another).await.1["accepted"], 1);
    let numbers = "SELECT count(*) FROM user WHERE id <= 4 AND text = 'Rachel-1'";
    assert_eq!(server.row(numbers).await, "0");
}

#[tokio::test]
async fn a_resource_that_nobody_else_read_is_no_longer_named() {
    let server = Server::start().await;
    let read = |id, user, resource: &str| {
        let mut event = of(id, user, "");
        event["activity_type"] = json!("MCP_RESOURCE_READ");
        event["meta"]["resource_uri"] = json!(resource);
        event
    };
    let events = vec![
        read(1, "rachel", "file:///home/rachel/plan"),
        read(2, "rachel", "file:///plan"),
        read(3, "sam", "file:///plan"),
    ];
    assert_eq!(server.send(events).await.1["accepted"], 3);
    forget(&server, "rachel").await;
    let names = "SELECT text FROM name WHERE text LIKE 'file:%'";
    assert_eq!(server.rows(names).await, ["file:///plan"]);
    let named = "SELECT count(*) FROM event WHERE tool > 0";
    assert_eq!(server.row(named).await, "2");
}

#[tokio::test]
async fn who_watches_sees_nobody_whom_another_process_forgot() {
    let server = Server::start().await;
    let mut nobody = of(1, "anonymous", "");
    nobody["meta"].as_object_mut().unwrap().remove("session_id");
    let events = vec![
        nobody,
        of(2, "rachel@example.com", "s1"),
        of(3, "sam@example.com", "s2"),
    ];
    assert_eq!(server.send(events).await.1["accepted"], 3);
    let path = server.directory.database();
    let other = usage_server::store::Store::open(&path, Default::default()).unwrap();
    let forgotten = other.write(|tx| {
        usage_server::store::forget::forget(tx, 1, "rachel@example.com", NOW, "another")
    });
    assert_eq!(forgotten.await.unwrap().rows.len(), 1);
    other.close().await;
    let app = &server.app;
    let newest = app.newest(server.project, 0).await.unwrap();
    assert_eq!(newest.len(), 2);
    assert_eq!(app.live.since(server.project, 0), newest);
}

#[tokio::test]
async fn nothing_of_a_person_is_left_in_any_file() {
    let mut server = Server::start().await;
    let events = (1..200).map(|id| of(id, "rachel-the-first", "s1"));
    assert_eq!(server.send(events.collect()).await.0, StatusCode::OK);
    let named = |path: &Path| {
        let files = std::fs::read_dir(path).unwrap();
        let texts = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        texts
            .map(|bytes| {
                bytes
                    .windows(16)
                    .filter(|part| part == b"rachel-the-first")
                    .count()
            })
            .sum::<usize>()
    };
    let directory = server.directory.database().parent().unwrap().to_owned();
    assert!(named(&directory) > 200);
    forget(&server, "rachel-the-first").await;
    assert_eq!(named(&directory), 0);
    server.end().await;
    assert_eq!(named(&directory), 0);
}

#[tokio::test]
async fn late_events_of_a_forgotten_person_are_refused_and_later_ones_are_not() {
    let server = Server::start().await;
    server.send(vec![of(1, "rachel@example.com", "s1")]).await;
    // The sender's clock may have been ahead: up to the time of these events, which is a minute ago.
    let then = NOW - 60_000 - AHEAD_MS;
    let forgotten = server.app.store.write(move |tx| {
        usage_server::store::forget::forget(tx, 1, "rachel@example.com", then, "an admin")
    });
    forgotten.await.unwrap();
    let late = of(2, "RACHEL@example.com", "s1");
    let (status, answer) = server
        .send(vec![late.clone(), of(3, "sam@example.com", "s2")])
        .await;
    assert_eq!((status, &answer["accepted"]), (StatusCode::OK, &json!(1)));
    let refused = &answer["rejected"][0];
    assert_eq!(
        (&refused["event_id"], &refused["retry"]),
        (&json!(2), &json!(false))
    );
    assert!(refused["reason"].as_str().unwrap().starts_with("forgotten"));
    assert_eq!(
        server.row("SELECT reason, events FROM refused_day").await,
        "forgotten 1"
    );
    let (status, _) = server
        .post_json("/api/product/usage", &json!({ "payload": late }))
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let afterwards = ago(of(4, "rachel@example.com", "s4"), 59);
    assert_eq!(server.send(vec![afterwards]).await.1["accepted"], 1);
    // Another project knows nothing of it: of the id, the address, and the event that was refused.
    let projects = "SELECT count(DISTINCT project), count(*) FROM forgotten";
    assert_eq!(server.row(projects).await, "1 3");
}

#[tokio::test]
async fn a_clock_that_is_ahead_leaves_nothing_of_who_is_forgotten() {
    let server = Server::start().await;
    let rachel = |id, ahead: i64| ago(of(id, "rachel@example.com", "s1"), -ahead);
    let asked = asks(2, "rachel@example.com", "EMAIL", -100);
    let sent = server.send(vec![rachel(1, 90), asked]).await;
    assert_eq!(sent.1["accepted"], 2);
    let left = "SELECT (SELECT count(*) FROM user), (SELECT count(*) FROM session),
        (SELECT count(*) FROM intent), (SELECT count(*) FROM event_body)";
    assert_eq!(server.row(left).await, "0 0 0 0");
    // By the same clock, before and since.
    let late = server.send(vec![rachel(3, 95), rachel(4, 101)]).await;
    assert_eq!(late.1["accepted"], 1);
    forget(&server, "rachel@example.com").await;
    assert_eq!(server.row(left).await, "0 0 0 0");
    // An administrator has no such clock.
    let late = server.send(vec![rachel(5, 90), rachel(6, 300)]).await;
    assert_eq!(late.1["accepted"], 0);
}

#[tokio::test]
async fn a_sender_of_batches_may_have_a_person_forgotten() {
    let server = Server::start().await;
    server.send(vec![of(1, "rachel@example.com", "s1")]).await;
    let forget = json!({
        "activity_type": "MCP_FORGET_USER", "user_id": "rachel@example.com", "user_id_type": "EMAIL",
        "event_id": 9, "event_at": NOW / 1_000,
    });
    // By the wire of single events nobody is: any sender of one may say what it likes.
    server
        .post_json("/api/product/usage", &json!({ "payload": forget }))
        .await;
    assert_eq!(server.row("SELECT count(*) FROM user").await, "1");
    let (status, answer) = server
        .send(vec![
            of(2, "rachel@example.com", "s1"),
            forget,
            of(3, "sam@example.com", "s2"),
        ])
        .await;
    assert_eq!((status, &answer["accepted"]), (StatusCode::OK, &json!(3)));
    assert_eq!(
        server.rows("SELECT text FROM user").await,
        ["sam@example.com"]
    );
    assert_eq!(server.row("SELECT sum(calls) FROM roll_day").await, "3");
    let live = server.app.live.since(server.project, 0);
    assert_eq!(live.len(), 1);
}

#[tokio::test]
async fn a_request_to_forget_has_come_and_a_copy_of_it_does_nothing() {
    let server = Server::start().await;
    let forget = json!({
        "activity_type": "MCP_FORGET_USER", "user_id": "rachel@example.com", "user_id_type": "EMAIL",
        "event_id": 9, "event_at": NOW / 1_000, "meta": {},
    });
    let forget = numbered(forget, 2);
    let rachel = |id| of(id, "rachel@example.com", "s1");
    let sent = server.send(vec![numbered(rachel(1), 1), forget.clone()]);
    assert_eq!(sent.await.1["accepted"], 2);
    assert_eq!(server.row("SELECT count(*) FROM user").await, "0");
    let mut since = numbered(rachel(3), 3);
    since["event_at"] = json!(NOW / 1_000 + 60);
    assert_eq!(server.send(vec![since]).await.1["accepted"], 1);
    assert_eq!(server.send(vec![forget]).await.1["accepted"], 1);
    assert_eq!(server.row("SELECT count(*) FROM user").await, "1");
    assert_eq!(
        server
            .row("SELECT received, max_sequence, repeated FROM instance")
            .await,
        "3 3 1"
    );
}

#[tokio::test]
async fn who_is_not_there_is_forgotten_for_what_may_come() {
    let server = Server::start().await;
    assert_eq!(forget(&server, "rachel@example.com").await.rows.len(), 0);
    let (_, answer) = server.send(vec![of(1, "rachel@example.com", "s1")]).await;
    assert_eq!(answer["accepted"], 0);
}

/// An event so many seconds before the server's time.
fn ago(mut event: Value, seconds: i64) -> Value {
    event["event_at"] = json!(NOW / 1_000 - seconds);
    event
}

fn of_kind(mut event: Value, kind: &str) -> Value {
    event["user_id_type"] = json!(kind);
    event
}

fn asks(id: i64, user: &str, kind: &str, seconds_ago: i64) -> Value {
    let event = json!({
        "activity_type": "MCP_FORGET_USER", "user_id": user, "user_id_type": kind, "event_id": id, "meta": {},
    });
    ago(event, seconds_ago)
}

/// How many hundreds of steps the database takes to forget Rachel, and what of her.
fn steps_of_forgetting(server: &Server) -> (u64, Forgotten) {
    let steps = Arc::new(AtomicU64::new(0));
    let mut db = rusqlite::Connection::open(server.directory.database()).unwrap();
    let counted = Arc::clone(&steps);
    let count = move || counted.fetch_add(1, Ordering::Relaxed) == u64::MAX;
    db.progress_handler(100, Some(count)).unwrap();
    let tx = db.transaction().unwrap();
    let who = "rachel@example.com";
    let forgotten = usage_server::store::forget::forget(&tx, server.project, who, NOW, "an admin");
    (steps.load(Ordering::Relaxed), forgotten.unwrap())
}

#[tokio::test]
async fn forgetting_somebody_costs_what_their_own_events_do() {
    let mut steps = Vec::new();
    for others in [100, 4_000] {
        let server = Server::start().await;
        let mine = (0..40).map(|id| of(id, "rachel@example.com", &format!("r{}", id % 10)));
        let theirs = (0..others).map(|id| {
            let (who, session) = (
                format!("u{}@example.com", id % 50),
                format!("s{}", id % 300),
            );
            of(100 + id, &who, &session)
        });
        let events: Vec<_> = mine.chain(theirs).collect();
        for events in events.chunks(1_000) {
            assert_eq!(server.send(events.to_vec()).await.0, StatusCode::OK);
        }
        let (taken, forgotten) = steps_of_forgetting(&server);
        assert_eq!(forgotten.rows.len(), 40);
        steps.push(taken);
    }
    assert!(steps[1] < steps[0] * 3 / 2, "{steps:?}");
}

#[tokio::test]
async fn an_anonymous_id_is_that_of_many_however_many_sessions_it_has() {
    let mut steps = Vec::new();
    for sessions in [1_500, 6_000] {
        let server = Server::start().await;
        let anonymous = |id, session: &str| of_kind(of(id, "anonymous-1", session), "ANONYMOUS");
        let mine = [anonymous(1, "r1"), of(2, "rachel@example.com", "r1")];
        let others = (0..sessions).map(|id| anonymous(100 + id, &format!("s{id}")));
        let events: Vec<_> = mine.into_iter().chain(others).collect();
        for events in events.chunks(1_000) {
            assert_eq!(server.send(events.to_vec()).await.0, StatusCode::OK);
        }
        let (taken, forgotten) = steps_of_forgetting(&server);
        assert_eq!((forgotten.rows.len(), forgotten.sessions), (2, 1));
        steps.push(taken);
    }
    assert!(steps[1] < steps[0] * 3 / 2, "{steps:?}");
}

#[tokio::test]
async fn one_id_of_two_kinds_is_two_people_and_one_of_them_is_forgotten() {
    for by_page in [false, true] {
        let server = Server::start().await;
        let internal = |id, session| of_kind(of(id, "42", session), "INTERNAL");
        let events = vec![internal(1, "s1"), of_kind(of(2, "42", "s2"), "GITHUB")];
        assert_eq!(server.send(events).await.1["accepted"], 2);
        if by_page {
            assert_eq!(forget(&server, "42 (GITHUB)").await.rows.len(), 1);
        } else {
            server.send(vec![asks(3, "42", "GITHUB", 0)]).await;
        }
        assert_eq!(
            server.rows("SELECT text, kind FROM user").await,
            ["42 INTERNAL"]
        );
        let late = vec![internal(4, "s1"), of_kind(of(5, "42", "s2"), "GITHUB")];
        let answer = server.send(late).await.1;
        assert_eq!(
            (&answer["accepted"], &answer["rejected"][0]["event_id"]),
            (&json!(1), &json!(5))
        );
    }
}

#[tokio::test]
async fn a_request_to_forget_that_comes_late_leaves_what_was_done_since() {
    let server = Server::start().await;
    let rachel = |id, session: &str, seconds| ago(of(id, "rachel@example.com", session), seconds);
    let day = 86_400;
    let events = vec![
        rachel(1, "s1", 3 * day),
        rachel(2, "s2", 600),
        rachel(3, "s2", 500),
        rachel(5, "s2", 400),
        rachel(7, "s3", 300),
        ago(of(9, "sam@example.com", "s4"), 700),
    ];
    assert_eq!(server.send(events).await.1["accepted"], 6);
    let before = totals(&server).await;
    server
        .send(vec![asks(20, "rachel@example.com", "EMAIL", 500)])
        .await;
    let [custom, same] = [totals(&server).await, before];
    // The request is an event itself.
    assert_eq!(custom[1..], same[1..]);
    for (sql, expected) in [
        (
            "SELECT text, first_ms FROM user WHERE text LIKE 'rachel%'",
            format!("rachel@example.com {}", NOW / 1_000 * 1_000 - 400_000),
        ),
        (
            "SELECT sum(calls) FROM user_day WHERE user = 1",
            "2".to_owned(),
        ),
        (
            "SELECT sum(calls) FROM user_hour WHERE user = 1",
            "2".to_owned(),
        ),
        (
            "SELECT sum(calls) FROM user_tool_day WHERE user = 1",
            "2".to_owned(),
        ),
        (
            "SELECT count(*) FROM client_user_day WHERE user = 1",
            "1".to_owned(),
        ),
        (
            "SELECT count(*) FROM tool_user WHERE user = 1",
            "1".to_owned(),
        ),
        ("SELECT count(*) FROM event WHERE user = 1", "2".to_owned()),
        (
            "SELECT group_concat(text || calls) FROM (SELECT * FROM session ORDER BY text)",
            "s21,s31,s41".to_owned(),
        ),
    ] {
        assert_eq!(server.row(sql).await, expected, "{sql}");
    }
    let late = vec![rachel(11, "s1", 501), rachel(13, "s3", 450)];
    assert_eq!(server.send(late).await.1["accepted"], 1);
}

#[tokio::test]
async fn what_was_said_in_a_session_before_its_person_had_a_name_is_refused_when_it_comes_late() {
    let server = Server::start().await;
    server.send(vec![of(1, "rachel@example.com", "s1")]).await;
    forget(&server, "rachel@example.com").await;
    let late = vec![
        of(2, "anonymous", "s1"),
        of_kind(of(3, "somebody", "s1"), "ANONYMOUS"),
        of(4, "anonymous", "s2"),
        of(5, "sam@example.com", "s1"),
    ];
    assert_eq!(server.send(late).await.1["accepted"], 2);
    assert_eq!(server.row("SELECT count(*) FROM user").await, "1");
}

#[tokio::test]
async fn somebody_is_found_by_an_address_that_they_had_before() {
    let server = Server::start().await;
    let addressed = |id, address: &str| {
        let mut event = of_kind(of(id, "r-1", "s1"), "INTERNAL");
        event["email"] = json!(address);
        event
    };
    server.send(vec![addressed(1, "old@example.com")]).await;
    server.send(vec![addressed(2, "new@example.com")]).await;
    assert_eq!(forget(&server, "Old@example.com").await.rows.len(), 2);
    let late = ["old@example.com", "new@example.com", "other@example.com"];
    let late = late
        .iter()
        .zip(3..)
        .map(|(address, id)| of(id, address, "s3"));
    assert_eq!(server.send(late.collect()).await.1["accepted"], 1);
    assert_eq!(server.row("SELECT count(*) FROM user_address").await, "1");
}

#[tokio::test]
async fn an_anonymous_id_that_many_have_is_nobody_s() {
    let server = Server::start().await;
    let anonymous = |id, session: &str| of_kind(of(id, "anon", session), "ANONYMOUS");
    let events = vec![
        anonymous(1, "s1"),
        of(2, "rachel@example.com", "s1"),
        anonymous(3, "s2"),
        of(4, "sam@example.com", "s2"),
        anonymous(5, "s3"),
    ];
    assert_eq!(server.send(events).await.1["accepted"], 5);
    // With what was said in that session before.
    assert_eq!(forget(&server, "rachel@example.com").await.rows.len(), 2);
    let people = server.rows("SELECT text FROM user ORDER BY text").await;
    assert_eq!(people, ["anon", "sam@example.com"]);
}

#[tokio::test]
async fn a_session_of_two_is_that_of_who_remains() {
    let server = Server::start().await;
    let at = |event, hours: i64| ago(event, hours * 3_600);
    let mut others_client = at(of(2, "sam@example.com", "s1"), 5);
    others_client["meta"]["client_name"] = json!("zed");
    let events = vec![
        at(of(1, "rachel@example.com", "s1"), 8),
        others_client,
        at(of_kind(of(3, "anonymous-1", "s1"), "ANONYMOUS"), 4),
        at(of(4, "rachel@example.com", "s1"), 2),
    ];
    assert_eq!(server.send(events).await.1["accepted"], 4);
    assert_eq!(forget(&server, "rachel@example.com").await.rows.len(), 2);
    let session =
        "SELECT user.text, name.text, session.calls, (session.last_ms - session.first_ms) / 3600000
        FROM session JOIN user ON user.id = session.user JOIN name ON name.id = client";
    assert_eq!(server.row(session).await, "sam@example.com zed 2 1");
    assert_eq!(server.row("SELECT count(*) FROM session_hour").await, "2");
    assert_eq!(
        server
            .row("SELECT sum(sessions) FROM session_gap WHERE prior < 0")
            .await,
        "1"
    );
}

#[tokio::test]
async fn forgetting_goes_on_when_nobody_waits_for_it_any_more() {
    let server = Server::start().await;
    server.send(vec![of(1, "rachel@example.com", "s1")]).await;
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let store = server.app.store.clone();
    let busy =
        tokio::spawn(async move { store.write(move |_| Ok(may_go_on.recv().is_ok())).await });
    let app = std::sync::Arc::clone(&server.app);
    {
        let mut forgotten =
            std::pin::pin!(app.forget(server.project, "rachel@example.com", "an admin"));
        // It begins, and is given up.
        let begun = std::future::poll_fn(|context| {
            assert!(forgotten.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        });
        begun.await;
    }
    tokio::task::yield_now().await;
    go_on.send(()).unwrap();
    busy.await.unwrap().unwrap();
    let gone = async {
        while !server.app.live.since(server.project, 0).is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), gone)
        .await
        .unwrap();
    assert_eq!(server.row("SELECT count(*) FROM user").await, "0");
}

#[tokio::test]
async fn many_requests_to_forget_are_done_together_and_each_once() {
    let server = Server::start().await;
    let rachel = |n: i64| format!("rachel-{n}");
    let events = (0..500).map(|n| of(n, &rachel(n), &format!("s{n}")));
    assert_eq!(server.send(events.collect()).await.1["accepted"], 500);
    let ask = || {
        (0..500)
            .map(|n| asks(1_000 + n, &rachel(n), "EMAIL", 0))
            .collect()
    };
    for _ in 0..2 {
        assert_eq!(server.send(ask()).await.1["accepted"], 500);
    }
    assert_eq!(server.row("SELECT count(*) FROM user").await, "0");
    assert_eq!(
        server
            .row("SELECT count(*) FROM audit WHERE action = 'forgot'")
            .await,
        "500"
    );
    let mut late = of(2_000, &rachel(7), "s1");
    late["event_at"] = json!(NOW / 1_000 - 1);
    assert_eq!(server.send(vec![late]).await.1["accepted"], 0);
}

#[tokio::test]
async fn an_event_that_is_refused_is_not_missing_as_well_and_one_that_was_counted_is_not_refused() {
    let server = Server::start().await;
    let rachel = |sequence| numbered(of(1, "rachel@example.com", "s1"), sequence);
    server.send(vec![rachel(1)]).await;
    forget(&server, "rachel@example.com").await;
    let again = server.send(vec![rachel(1), rachel(2), numbered(of(3, "sam", "s2"), 3)]);
    assert_eq!(again.await.1["accepted"], 2);
    let instance = "SELECT received, max_sequence, repeated FROM instance";
    assert_eq!(server.row(instance).await, "3 3 1");
    let refused = "SELECT reason, events FROM refused_day";
    assert_eq!(server.row(refused).await, "forgotten 1");
    // However often it is sent: else it would hide that others are missing.
    for repeated in 2..4 {
        let again = server.send(vec![rachel(2)]).await;
        assert_eq!(again.1["rejected"][0]["retry"], false);
        assert_eq!(server.row(instance).await, format!("3 3 {repeated}"));
        assert_eq!(server.row(refused).await, "forgotten 1");
        let days = "SELECT sum(received), sum(repeated) FROM instance_day";
        assert_eq!(server.row(days).await, format!("3 {repeated}"));
    }
}

/// What tells an event from others that its sender has not numbered.
fn id_of(wire: &str, parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new_with_prefix(wire);
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let hex = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    hex[..32].to_owned()
}

#[tokio::test]
async fn no_row_says_by_a_hash_that_anybody_can_make_who_was_forgotten() {
    let server = Server::start().await;
    let rachel = || of(1, "rachel@example.com", "s1");
    let of_event = id_of("reo", &[b"1", b"rachel@example.com"]);
    let ids = "SELECT source_id FROM event ORDER BY id";
    assert_eq!(server.send(vec![rachel()]).await.1["accepted"], 1);
    assert_eq!(server.row(ids).await, of_event);
    let asked = || asks(9, "rachel@example.com", "EMAIL", 0);
    assert_eq!(server.send(vec![asked()]).await.1["accepted"], 1);
    let of_request = id_of("reo", &[b"9", b"rachel@example.com"]);
    let bytes: Vec<u8> = (0..32)
        .step_by(2)
        .map(|at| u8::from_str_radix(&of_request[at..at + 2], 16).unwrap())
        .collect();
    let kept = server.rows(ids).await;
    assert_eq!(kept.len(), 2);
    let mut plain = vec![of_event, of_request, id_of("forget", &[&bytes])];
    plain.retain(|hash| kept.contains(hash));
    assert_eq!(plain, Vec::<String>::new());
    // Both are known still.
    let again = server.send(vec![rachel(), asked()]).await;
    assert_eq!(again.1["accepted"], 2);
    assert_eq!(server.rows(ids).await, kept);
    assert_eq!(server.app.store.figures().repeated, 1);
}
