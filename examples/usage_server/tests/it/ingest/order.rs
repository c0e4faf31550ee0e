//! Events that come late, out of order, or more than once.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{NOW, Server, call};

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
