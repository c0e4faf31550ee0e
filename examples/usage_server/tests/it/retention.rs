//! What is older than a project keeps.

use reqwest::StatusCode;
use serde_json::json;
use usage_server::store::{projects, retention};

use crate::support::{NOW, Server, call};

const DAY_MS: i64 = 86_400_000;

#[tokio::test]
async fn events_go_before_rollups_and_each_project_has_its_days() {
    let server = Server::start().await;
    let at = |id: i64, days: i64| {
        let mut event = call(id);
        event["event_at"] = json!((NOW - days * DAY_MS) / 1_000);
        event["meta"]["session_id"] = json!(format!("s{id}"));
        event["meta"]["prompt"] = json!(format!("ask {}", ["a", "b", "c", "d"][id as usize % 4]));
        event
    };
    let events = vec![at(1, 0), at(2, 20), at(3, 50), at(4, 80)];
    assert_eq!(server.send(events).await.0, StatusCode::OK);
    let project = server.project;
    let rules = server
        .app
        .store
        .write(move |tx| projects::set_rules(tx, project, 30, 60, true));
    assert!(rules.await.unwrap());
    assert!(retention::remove_old(&server.app.store, NOW).await.unwrap() > 0);
    for (sql, expected) in [
        ("SELECT count(*) FROM event", "2"),
        ("SELECT count(*) FROM event_body", "2"),
        ("SELECT count(*) FROM session", "2"),
        ("SELECT count(*) FROM intent", "2"),
        ("SELECT sum(calls) FROM roll_day", "3"),
        ("SELECT sum(calls) FROM roll_hour", "3"),
        ("SELECT sum(calls) FROM user_day", "3"),
        ("SELECT count(*) FROM session_hour", "3"),
        ("SELECT count(*) FROM user", "1"),
    ] {
        assert_eq!(server.row(sql).await, expected, "{sql}");
    }
    // Sent again, the removed one is not new: it is too old by now.
    server.app.door.keys_changed();
    let (_, answer) = server.send(vec![at(3, 50)]).await;
    assert_eq!(answer["accepted"], 0);
    retention::remove_old(&server.app.store, NOW + 100 * DAY_MS)
        .await
        .unwrap();
    for table in [
        "event",
        "event_body",
        "session",
        "intent",
        "roll_day",
        "roll_hour",
        "user_day",
        "user",
        "name",
    ] {
        let count = server.row(&format!("SELECT count(*) FROM {table}")).await;
        assert_eq!(count == "0", table != "name", "{table} {count}");
    }
}

#[tokio::test]
async fn more_than_a_chunk_is_removed_while_events_come_in() {
    let server = Server::start().await;
    for batch in 0..5 {
        let events = (0..1_000).map(|n| call(batch * 1_000 + n));
        assert_eq!(server.send(events.collect()).await.0, StatusCode::OK);
    }
    let store = server.app.store.clone();
    let removing =
        tokio::spawn(async move { retention::remove_old(&store, NOW + 91 * DAY_MS).await });
    assert_eq!(server.send(vec![call(9_999)]).await.0, StatusCode::OK);
    removing.await.unwrap().unwrap();
    let left: usize = server
        .row("SELECT count(*) FROM event")
        .await
        .parse()
        .unwrap();
    assert!(left <= 1, "{left}");
}
