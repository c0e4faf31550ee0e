//! What is older than a project keeps.

use reqwest::StatusCode;
use serde_json::json;
use usage_server::query::Range;
use usage_server::record::AHEAD_MS;
use usage_server::store::{projects, retention};

use crate::support::{NOW, Server, call};

const DAY_MS: i64 = 86_400_000;

/// Sets for how many days the project keeps events, and rollups.
async fn keep(server: &Server, raw_days: u32, rollup_days: u32) {
    let project = server.project;
    let rules = server
        .app
        .store
        .write(move |tx| projects::set_rules(tx, project, raw_days, rollup_days, true));
    assert!(rules.await.unwrap());
}

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
    keep(&server, 30, 60).await;
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
    // Nor is it when more is kept from now on; what lies after all that was removed is.
    keep(&server, 60, 60).await;
    server.app.door.keys_changed();
    let (_, answer) = server.send(vec![at(3, 50), at(5, 45)]).await;
    assert_eq!(answer["accepted"], 1);
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
        "user_address",
    ] {
        let count = server.row(&format!("SELECT count(*) FROM {table}")).await;
        assert_eq!(count, "0", "{table}");
    }
}

#[tokio::test]
async fn the_first_day_of_what_is_kept_is_whole() {
    let server = Server::start().await;
    let first = Range::Quarter.until(NOW).from;
    let at = |id: i64, seconds: i64| {
        let mut event = call(id);
        event["event_at"] = json!(first / 1_000 + seconds);
        event
    };
    let events = || vec![at(1, 0), at(2, 40_000), at(3, 80_000), at(4, -1)];
    assert_eq!(server.send(events()).await.1["accepted"], 3);
    retention::remove_old(&server.app.store, NOW).await.unwrap();
    for count in ["count(*) FROM event", "sum(calls) FROM roll_day"] {
        assert_eq!(server.row(&format!("SELECT {count}")).await, "3", "{count}");
    }
    // Sent again, they count once still.
    assert_eq!(server.send(events()).await.1["accepted"], 3);
    let calls = "SELECT sum(calls) FROM roll_day";
    assert_eq!(server.row(calls).await, "3");
}

#[tokio::test]
async fn a_name_goes_with_the_last_that_refers_to_it() {
    let server = Server::start().await;
    let named = |id: i64, days: i64, tool: &str, client: &str| {
        let mut event = call(id);
        event["event_at"] = json!((NOW - days * DAY_MS) / 1_000);
        event["meta"]["tool"] = json!(tool);
        event["meta"]["client_name"] = json!(client);
        event
    };
    keep(&server, 30, 60).await;
    let mut read = named(3, 25, "", "reads");
    read["activity_type"] = json!("MCP_RESOURCE_READ");
    read["meta"]["resource_uri"] = json!("file:///plan");
    let mut listing = named(4, 1, "", "new-client");
    listing["activity_type"] = json!("MCP_INIT");
    listing["meta"]["tools"] = json!(["listed"]);
    let events = vec![
        named(1, 29, "old", "old-client"),
        named(2, 1, "new", "new-client"),
        read,
        listing,
    ];
    assert_eq!(server.send(events).await.1["accepted"], 4);
    let names =
        "SELECT group_concat(text) FROM (SELECT text FROM name WHERE kind IN (1, 2) ORDER BY text)";
    let remove = |days: i64| retention::remove_old(&server.app.store, NOW + days * DAY_MS);
    let all = "file:///plan,listed,new,new-client,old,old-client,reads";
    // While rollups are kept names are.
    for (days, left) in [(0, all), (4, all), (40, "listed,new,new-client"), (61, "-")] {
        remove(days).await.unwrap();
        assert_eq!(server.row(names).await, left, "{days}");
    }
}

#[tokio::test]
async fn lines_of_the_audit_revoked_keys_and_definitions_go_as_rollups_do() {
    let server = Server::start().await;
    let (project, old, new) = (server.project, NOW - 61 * DAY_MS, NOW - 59 * DAY_MS);
    keep(&server, 30, 60).await;
    let made = server.app.store.write(move |tx| {
        for at in [old, new] {
            let key = projects::add_key(tx, project, at)?.unwrap();
            projects::revoke_key(tx, project, key.id, at)?;
            usage_server::store::audit::audit(tx, at, project, "an admin", "exported", "")?;
            tx.execute(
                "INSERT INTO tool_def VALUES (?1, 1, ?2, 10, ?2, ?2)",
                [project, at],
            )?;
        }
        Ok(())
    });
    made.await.unwrap();
    retention::remove_old(&server.app.store, NOW).await.unwrap();
    for (sql, left) in [
        ("SELECT count(*) FROM write_key", "2"),
        ("SELECT count(*) FROM audit", "1"),
        ("SELECT count(*) FROM tool_def", "1"),
    ] {
        assert_eq!(server.row(sql).await, left, "{sql}");
    }
}

#[tokio::test]
async fn events_of_a_forgotten_person_are_refused_for_90_days_or_as_long_as_events_are_kept() {
    for (raw_days, refused_days) in [(30, 90), (90, 90), (120, 120)] {
        let server = Server::start().await;
        keep(&server, raw_days, 730).await;
        let person = "rachel@example.com";
        let forgotten = server.app.forget(server.project, person, "an admin");
        forgotten.await.unwrap();
        // With the rest of that day, as events are kept.
        let end = ((NOW + AHEAD_MS) / DAY_MS + 1 + refused_days) * DAY_MS - 1;
        for (now, accepted) in [(end, 0), (end + 1, 1)] {
            retention::remove_old(&server.app.store, now).await.unwrap();
            let (_, answer) = server.send(vec![call(1)]).await;
            assert_eq!(answer["accepted"], accepted, "{raw_days} {}", now - NOW);
        }
        let left = server.row("SELECT count(*) FROM forgotten").await;
        assert_eq!(left, "0", "{raw_days}");
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
