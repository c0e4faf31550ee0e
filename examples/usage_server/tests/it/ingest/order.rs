//! Events that come late, out of order, or more than once.

use prost::Message;
use reqwest::StatusCode;
use serde_json::{Value, json};
use usage_server::query::person::{Entry, Shown};
use usage_server::query::{self, Range};

use crate::otlp::export;
use crate::support::{NOW, Server, Setup, call};

/// An event of one logger, by its number there.
fn numbered(sequence: u64, seconds: i64, outcome: &str) -> Value {
    let mut event = call(1_000 + i64::try_from(sequence).unwrap());
    event["event_at"] = json!(NOW / 1_000 - 3_600 + seconds);
    event["meta"]["instance"] = json!("00000000000000a1");
    event["meta"]["sequence"] = json!(sequence);
    event["meta"]["outcome"] = json!(outcome);
    event["meta"]["prompt"] = json!(format!(
        "ask number {}",
        ["one", "two", "three", "four"][sequence as usize % 4]
    ));
    event
}

#[tokio::test]
async fn an_event_that_is_sent_again_counts_once_and_is_answered_as_taken() {
    let server = Server::start().await;
    let body = json!({ "payload": [call(1), numbered(1, 0, "ok")] });
    for _ in 0..3 {
        let (status, answer) = server.post_json("/api/product/usage", &body).await;
        assert_eq!((status, &answer["accepted"]), (StatusCode::OK, &json!(2)));
    }
    // The same event on the wire of single ones, too.
    let single = json!({ "payload": call(1) });
    server.post_json("/api/product/usage", &single).await;
    assert_eq!(server.row("SELECT count(*) FROM event").await, "2");
    assert_eq!(server.row("SELECT sum(calls) FROM roll_day").await, "2");
    assert_eq!(
        server.row("SELECT sum(repeated) FROM instance_day").await,
        "5"
    );
    // Another user's event with the same id is another event.
    let mut other = call(1);
    other["user_id"] = json!("sam@example.com");
    server.send(vec![other]).await;
    assert_eq!(server.row("SELECT count(*) FROM event").await, "3");
}

#[tokio::test]
async fn one_event_sent_by_many_at_once_counts_once() {
    let server = std::sync::Arc::new(Server::start().await);
    let senders: Vec<_> = (0..16)
        .map(|_| {
            let server = std::sync::Arc::clone(&server);
            tokio::spawn(async move { server.send((1..=20).map(call).collect()).await.0 })
        })
        .collect();
    for sender in senders {
        assert_eq!(sender.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(server.row("SELECT count(*) FROM event").await, "20");
    assert_eq!(server.row("SELECT calls FROM session").await, "20");
    assert_eq!(server.app.store.figures().repeated, 300);
}

#[tokio::test]
async fn a_timeline_is_in_order_however_its_events_came() {
    let outcomes = ["ok", "tool_error", "timeout", "ok", "cancelled", "ok"];
    // Three to a second, which is all that the wire says of the time.
    let events: Vec<_> = (1..)
        .zip(outcomes)
        .map(|(n, outcome)| numbered(n, i64::try_from(n).unwrap() / 3, outcome))
        .collect();
    let orders: [&[&[usize]]; 3] = [
        &[&[0, 1, 2, 3, 4, 5]],
        &[&[5, 1], &[3], &[0, 4], &[2]],
        &[&[5], &[4], &[3], &[2], &[1], &[0]],
    ];
    for order in orders {
        let server = Server::start().await;
        for batch in order {
            let batch = batch.iter().map(|n| events[*n].clone());
            assert_eq!(server.send(batch.collect()).await.0, StatusCode::OK);
        }
        let timeline = "SELECT sequence FROM event ORDER BY user, time_ms, sequence";
        assert_eq!(
            server.rows(timeline).await,
            ["1", "2", "3", "4", "5", "6"],
            "{order:?}"
        );
        let session = "SELECT calls, failed, intent.text, last_outcome, outcomes
            FROM session JOIN intent ON intent.id = first_intent";
        assert_eq!(
            server.row(session).await,
            "6 3 ask number two 0 000106000500",
            "{order:?}"
        );
        let instance = "SELECT received, max_sequence FROM instance";
        assert_eq!(server.row(instance).await, "6 6", "{order:?}");
    }
}

/// What the page of a person shows, oldest first.
async fn page_of(server: &Server, id: &'static str) -> Vec<String> {
    let project = server.project;
    let read = server.app.store.read(move |db| {
        let period = Range::Week.until(NOW);
        let person = query::person::person(db, project, &period, id, None)?.unwrap();
        let mut shown = Vec::new();
        for entry in person.timeline.entries.into_iter().rev() {
            match entry {
                Entry::Event(event) => shown.extend(event.intent),
                Entry::Session(session) => {
                    shown.push(session.id);
                    shown.extend(session.shown.into_iter().filter_map(|shown| match shown {
                        Shown::Call(call) => call.intent,
                        Shown::More(..) => None,
                    }));
                }
            }
        }
        Ok(shown)
    });
    read.await.unwrap()
}

#[tokio::test]
async fn the_page_of_a_person_has_events_of_one_second_in_the_order_of_their_loggers() {
    let of = |logger: u64, sequence: u64, session: Option<&str>| {
        let mut event = numbered(sequence, 0, "ok");
        event["meta"]["instance"] = json!(format!("00000000000000a{logger}"));
        event["meta"]["session_id"] = json!(session);
        event["meta"]["prompt"] = json!(format!("ask {logger} {sequence}"));
        event
    };
    let events = [
        of(1, 1, None),
        of(1, 2, None),
        of(1, 3, Some("s1")),
        of(1, 4, Some("s1")),
        of(1, 5, Some("s1")),
        of(1, 6, None),
        of(2, 1, None),
        of(2, 2, None),
        of(2, 3, Some("s2")),
    ];
    let expected = [
        "ask 1 1", "ask 1 2", "s1", "ask 1 3", "ask 1 4", "ask 1 5", "ask 1 6", "ask 2 1",
        "ask 2 2", "s2", "ask 2 3",
    ];
    for order in [
        [0, 1, 2, 3, 4, 5, 6, 7, 8],
        [2, 0, 1, 5, 4, 8, 3, 7, 6],
        [5, 4, 3, 2, 1, 0, 8, 7, 6],
    ] {
        for at_once in [1, 9] {
            let server = Server::start().await;
            for batch in order.chunks(at_once) {
                let batch = batch.iter().map(|n| events[*n].clone());
                assert_eq!(server.send(batch.collect()).await.0, StatusCode::OK);
            }
            let shown = page_of(&server, "rachel@example.com").await;
            assert_eq!(shown, expected, "{order:?} {at_once}");
        }
    }
}

#[tokio::test]
async fn an_event_that_is_dated_ahead_has_the_time_at_which_it_came() {
    let server = Server::start().await;
    let of = |id, ahead_s: i64| {
        let mut event = call(id);
        event["event_at"] = json!(NOW / 1_000 + ahead_s);
        event["meta"]["instance"] = json!("00000000000000a1");
        event["meta"]["sequence"] = json!(id);
        event
    };
    let events = vec![of(1, 300), of(2, 301), of(3, 86_400 * 9)];
    assert_eq!(server.send(events).await.1["accepted"], 3);
    let times = server
        .rows(&format!(
            "SELECT time_ms - {NOW} FROM event ORDER BY sequence"
        ))
        .await;
    assert_eq!(times, ["300000", "0", "0"]);
    // The page of data quality shows how wrong the clock is.
    let skew = server.row("SELECT skew_ms FROM instance").await;
    assert_eq!(skew, (-86_400_000_i64 * 9).to_string());
}

#[tokio::test]
async fn no_event_is_of_an_hour_that_has_not_begun() {
    let mut setup = Setup::default();
    let hour = (NOW / 3_600_000 + 1) * 3_600_000;
    setup.config.fixed_now_ms = Some(hour - 120_000);
    let server = Server::start_as(setup).await;
    let at = |id, seconds: i64| {
        let mut event = call(id);
        event["event_at"] = json!(hour / 1_000 + seconds);
        event
    };
    let events = vec![at(1, -1), at(2, 60), at(3, 180), at(4, 181)];
    assert_eq!(server.send(events).await.1["accepted"], 4);
    // In their order, but for the one that is dated too far ahead.
    let times = format!("SELECT time_ms - {hour} FROM event ORDER BY id");
    assert_eq!(server.rows(&times).await, ["-1000", "-1", "-1", "-120000"]);
    let hours = format!("SELECT bucket - {hour} / 3600000, calls FROM roll_hour");
    assert_eq!(server.rows(&hours).await, ["-1 4"]);
}

#[tokio::test]
async fn a_late_event_counts_in_the_hour_in_which_it_happened() {
    let server = Server::start().await;
    let mut late = call(1);
    let at = NOW / 1_000 - 40 * 86_400;
    late["event_at"] = json!(at);
    server.send(vec![late, call(2)]).await;
    let hours = server
        .rows("SELECT bucket, calls FROM roll_hour ORDER BY 1")
        .await;
    let expected = [at / 3_600, (NOW / 1_000 - 60) / 3_600].map(|hour| format!("{hour} 1"));
    assert_eq!(hours, expected);
    let user = format!("{} {}", at * 1_000, NOW / 1_000 * 1_000 - 60_000);
    assert_eq!(server.row("SELECT first_ms, last_ms FROM user").await, user);
}

const WIRES: [&str; 4] = ["reo-batch", "reo", "mcpeye", "otlp"];
const PEOPLE: [&str; 2] = ["rachel@example.com", "sam@example.com"];
const WISHES: [&str; 8] = [
    "find a tent",
    "compare two tents",
    "read what others say",
    "ask for the price",
    "put it into the cart",
    "choose how to pay",
    "pay for it",
    "ask when it comes",
];

/// One of the calls that both people make, one after the other: its number there, and whose it is.
#[derive(Clone, Copy)]
struct Asked {
    wish: usize,
    person: usize,
}

impl Asked {
    /// The first is of three days before; the others come twice a second.
    fn at_ms(self) -> i64 {
        let ago = match self.wish {
            0 => 3 * 86_400_000,
            wish => 60_000 - i64::try_from(wish).unwrap() * 500,
        };
        // What one asks lies between what the other does.
        NOW - ago + i64::try_from(self.person).unwrap() * 7
    }

    fn has_failed(self) -> bool {
        self.wish % 3 == 2
    }

    fn session(self) -> String {
        format!("session of {}", PEOPLE[self.person])
    }

    fn reo(self) -> Value {
        let mut event = numbered(self.wish as u64 + 1, 0, "ok");
        event["event_at"] = json!(self.at_ms() / 1_000);
        event["user_id"] = json!(PEOPLE[self.person]);
        event["meta"]["instance"] = json!(format!("00000000000000a{}", self.person));
        event["meta"]["session_id"] = json!(self.session());
        event["meta"]["prompt"] = json!(WISHES[self.wish]);
        if self.has_failed() {
            event["meta"]["outcome"] = json!("tool_error");
        }
        event
    }

    fn mcpeye(self) -> Value {
        json!({
            "callId": format!("call {} of {}", self.wish, self.person),
            "toolName": "search",
            "timestamp": self.at_ms(),
            "durationMs": 4,
            "isError": self.has_failed(),
            "errorMessage": if self.has_failed() { "no such index" } else { "" },
            "intent": WISHES[self.wish],
            "userId": PEOPLE[self.person],
        })
    }

    /// As an exporter of others has it, which numbers nothing.
    fn span(self) -> Value {
        let number = self.person * WISHES.len() + self.wish + 1;
        json!({
            "traceId": format!("{number:032x}"),
            "spanId": format!("{number:016x}"),
            "name": "tools/call search",
            "kind": 2,
            "startTimeUnixNano": self.at_ms() * 1_000_000,
            "endTimeUnixNano": self.at_ms() * 1_000_000 + 4_000_000,
            "attributes": {
                "mcp.method.name": "tools/call",
                "gen_ai.tool.name": "search",
                "enduser.id": PEOPLE[self.person],
                "mcp.session.id": self.session(),
                "mcp_usage.intent": WISHES[self.wish],
            },
            "status": { "code": if self.has_failed() { 2 } else { 0 }, "message": "" },
        })
    }
}

/// Sends calls as one batch, where the wire has batches.
async fn report(server: &Server, wire: &str, calls: &[Asked]) {
    let all = |event: fn(Asked) -> Value| calls.iter().map(|call| event(*call)).collect::<Vec<_>>();
    let status = match wire {
        "reo-batch" => server.send(all(Asked::reo)).await.0,
        "mcpeye" => {
            let body = json!({ "projectId": "shop", "events": all(Asked::mcpeye) });
            server.post_json("/ingest", &body).await.0
        }
        "otlp" => {
            let spans = all(Asked::span);
            let body = json!({"resourceSpans": [{"scopeSpans": [{ "spans": spans }]}]});
            let request = server.post("/v1/traces");
            let request = request.header("content-type", "application/x-protobuf");
            let answer = request.body(export(&body).encode_to_vec()).send().await;
            answer.unwrap().status()
        }
        _ => {
            for event in all(Asked::reo) {
                let body = json!({ "payload": event });
                let (status, _) = server.post_json("/api/product/usage", &body).await;
                assert_eq!(status, StatusCode::OK);
            }
            StatusCode::OK
        }
    };
    assert_eq!(status, StatusCode::OK, "{wire}");
}

#[tokio::test]
async fn each_persons_timeline_is_complete_and_in_order_on_every_wire_however_its_events_came() {
    let calls: Vec<_> = (0..WISHES.len())
        .flat_map(|wish| (0..PEOPLE.len()).map(move |person| Asked { wish, person }))
        .collect();
    let backwards: Vec<_> = calls.iter().rev().copied().collect();
    // Far from each other: no two neighbours come together.
    let mixed: Vec<_> = (0..calls.len())
        .map(|n| calls[n * 7 % calls.len()])
        .collect();
    for wire in WIRES {
        for (calls, at_once) in [
            (&calls, 16),
            (&backwards, 1),
            (&backwards, 16),
            (&mixed, 3),
            (&mixed, 16),
        ] {
            let server = Server::start().await;
            for batch in calls.chunks(at_once) {
                report(&server, wire, batch).await;
            }
            // A sender that got no answer sends again.
            report(&server, wire, &calls[..5]).await;
            for (person, id) in PEOPLE.into_iter().enumerate() {
                let timeline = format!(
                    "SELECT intent.text, outcome FROM event JOIN user ON user.id = event.user
                    JOIN intent ON intent.id = event.intent
                    WHERE user.text = '{id}' ORDER BY time_ms, sequence, event.id"
                );
                let asked = (0..WISHES.len()).map(|wish| Asked { wish, person });
                let expected: Vec<_> = asked
                    .map(|call| format!("{} {}", WISHES[call.wish], i32::from(call.has_failed())))
                    .collect();
                assert_eq!(server.rows(&timeline).await, expected, "{wire} {at_once}");
                let days = format!(
                    "SELECT count(*), sum(calls), sum(failed) FROM user_day
                    JOIN user ON user.id = user_day.user WHERE user.text = '{id}'"
                );
                assert_eq!(server.row(&days).await, "2 8 2", "{wire} {at_once}");
                if wire == "mcpeye" {
                    // Its format has no sessions.
                    continue;
                }
                let session = format!(
                    "SELECT calls, failed, intent.text, last_outcome, outcomes, (last_ms - first_ms) / 10000
                    FROM session JOIN intent ON intent.id = first_intent
                    WHERE session.text = 'session of {id}'"
                );
                assert_eq!(
                    server.row(&session).await,
                    format!("8 2 {} 0 0000010000010000 25914", WISHES[0]),
                    "{wire} {at_once}"
                );
            }
        }
    }
}
