//! The pipeline: its order, and what each step leaves untouched.

use backlog_server::scope::Scope;
use serde_json::json;

use crate::agent::{Era, all_but, asked_scopes};
use crate::support::Server;

const QUOTA: &str = "SELECT coalesce(sum(calls), 0) FROM quota";

/// A call that everything is wrong with, put right step by step.
#[tokio::test]
async fn the_steps_refuse_in_their_order_and_only_the_last_counts() {
    let server = Server::start_empty().await;
    server
        .sql(
            "INSERT INTO features (id, project_id, title, description, status)
                 VALUES (1, 'demo', 'Ours', '', 'open'), (2, 'other', 'Theirs', '', 'open');
             UPDATE users SET plan = 'free' WHERE id = 'olga';
             DELETE FROM members WHERE user_id = 'max';",
        )
        .await;
    let all = server.agent("max", "demo", &Scope::ALL).await;
    let reads = server
        .agent("max", "demo", &all_but(Scope::BacklogWrite))
        .await;
    let theirs = json!({"feature_id": 2});
    let ours = json!({"feature_id": 1});

    let nobody = server.agent_with("demo", "a-token-that-nobody-gave-out");
    let answer = nobody.call("delete_feature", json!({"feature": 7})).await;
    assert_eq!(answer.status, 401);
    let elsewhere = server.agent_with("other", &reads.token);
    let answer = elsewhere
        .call("delete_feature", json!({"feature": 7}))
        .await;
    assert_eq!(answer.status, 401);

    let wrong = json!({"feature": 7});
    let answer = reads.call("delete_feature", wrong.clone()).await;
    assert_eq!(answer.code(), "FORBIDDEN_SCOPE");
    let answer = all.call("delete_feature", wrong.clone()).await;
    assert_eq!(answer.code(), "FORBIDDEN_MEMBERSHIP");
    server
        .sql("INSERT INTO members VALUES ('demo', 'max', 'viewer')")
        .await;
    let answer = all.call("delete_feature", wrong.clone()).await;
    assert_eq!(answer.code(), "FORBIDDEN_ROLE");
    server
        .sql("UPDATE members SET role = 'member' WHERE user_id = 'max'")
        .await;
    let answer = all.call("delete_feature", wrong.clone()).await;
    assert_eq!(answer.code(), "FORBIDDEN_PLAN");
    server
        .sql("UPDATE users SET plan = 'pro' WHERE id = 'olga'")
        .await;
    let answer = all.call("delete_feature", wrong).await;
    assert_eq!(answer.code(), "INVALID_ARGUMENTS");
    let answer = all.call("delete_feature", theirs).await;
    assert_eq!(answer.code(), "NOT_FOUND");
    let answer = all.call("delete_feature", ours.clone()).await;
    assert_eq!(answer.code(), "CONFIRM_REQUIRED");
    assert_eq!(server.number(QUOTA).await, 0);
    assert_eq!(server.number("SELECT count(*) FROM features").await, 2);

    let today = server.clock.seconds() / 86_400;
    let used_up = format!("INSERT INTO quota VALUES ('olga', {today}, 300)");
    server.sql(&used_up).await;
    let answer = all.call("delete_feature", ours.clone()).await;
    assert_eq!(answer.code(), "CONFIRM_REQUIRED");
    let confirmed = json!({"feature_id": 1, "confirm": true});
    let answer = all.call("delete_feature", confirmed.clone()).await;
    assert_eq!(answer.code(), "QUOTA_EXCEEDED");
    assert_eq!(server.number(QUOTA).await, 300);
    server.sql("UPDATE quota SET calls = 299").await;
    all.ask("delete_feature", confirmed).await;
    assert_eq!(server.number(QUOTA).await, 300);
    assert_eq!(server.number("SELECT count(*) FROM features").await, 1);

    let mut steps: Vec<_> = server.events().await;
    steps.retain(|event| event.activity() == "MCP_TOOL_CALL");
    steps.sort_by_key(|event| {
        event
            .meta("request_id")
            .unwrap()
            .as_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    });
    let steps: Vec<_> = steps
        .iter()
        .map(|event| {
            event
                .meta("refused")
                .map_or("", |step| step.as_str().unwrap())
        })
        .collect();
    let expected = [
        "forbidden:scope",
        "forbidden:membership",
        "forbidden:role",
        "forbidden:plan",
        "invalid_arguments",
        "forbidden:resource",
        "confirm_required",
        "confirm_required",
        "quota_exceeded",
        "",
    ];
    assert_eq!(steps, expected);
}

#[tokio::test]
async fn a_quota_begins_anew_at_midnight_utc() {
    let server = Server::start_empty().await;
    // The token works for an hour, so midnight is half an hour off.
    let to_midnight = 86_400 - server.clock.seconds().rem_euclid(86_400);
    server.clock.advance(to_midnight - 1_800);
    let agent = server.agent("fred", "hobby", &[Scope::BacklogRead]).await;
    let list = async || agent.call("list_features", json!({})).await;
    for _ in 0..25 {
        assert_eq!(list().await.code(), "");
    }
    let answer = list().await;
    assert_eq!(answer.code(), "QUOTA_EXCEEDED");
    assert!(
        answer.text().contains("25 calls of the free plan"),
        "{}",
        answer.text()
    );
    server.clock.advance(1_700);
    assert_eq!(list().await.code(), "QUOTA_EXCEEDED");
    server.clock.advance(101);
    assert_eq!(list().await.code(), "");
}

#[tokio::test]
async fn plans_have_their_quotas() {
    let server = Server::start_empty().await;
    let today = server.clock.seconds() / 86_400;
    for (plan, calls) in [("free", 25), ("pro", 300), ("business", 3_000)] {
        let set = format!(
            "UPDATE users SET plan = '{plan}' WHERE id = 'olga';
             INSERT OR REPLACE INTO quota VALUES ('olga', {today}, {calls} - 1)"
        );
        server.sql(&set).await;
        let agent = server.agent("vera", "demo", &[Scope::TeamRead]).await;
        let project = agent.ask("get_project", json!({})).await;
        assert_eq!(project["plan"], plan);
        assert_eq!(project["calls_today"], calls);
        let more = agent.call("get_project", json!({})).await;
        assert_eq!(more.code(), "QUOTA_EXCEEDED", "{plan}");
    }
}

/// Whoever has more projects has no more calls.
#[tokio::test]
async fn an_owner_has_one_quota_for_all_projects() {
    let server = Server::start_empty().await;
    server
        .sql(
            "INSERT INTO projects (id, name, owner_id) VALUES ('second', 'Second', 'olga');
             INSERT INTO members VALUES ('second', 'olga', 'owner');",
        )
        .await;
    for project in ["demo", "second"] {
        let agent = server.agent("olga", project, &[Scope::BacklogRead]).await;
        agent.ask("list_features", json!({})).await;
    }
    assert_eq!(server.number("SELECT calls FROM quota").await, 2);
}

#[tokio::test]
async fn a_tool_that_breaks_off_leaves_nothing_but_the_count() {
    let server = Server::start_empty().await;
    let agent = server.agent("olga", "demo", &Scope::ALL).await;
    let owner = json!({"user_id": "olga", "confirm": true});
    assert_eq!(agent.call("remove_member", owner).await.code(), "CONFLICT");
    assert_eq!(server.number(QUOTA).await, 1);
    let conflict = server.events().await.pop().unwrap();
    assert_eq!(conflict.meta("outcome"), Some(&json!("tool_error")));
    assert_eq!(conflict.meta("refused"), None);
}

#[tokio::test]
async fn on_free_agents_read_and_change_nothing() {
    let server = Server::start_empty().await;
    let agent = server.agent("fred", "hobby", &Scope::ALL).await;
    agent.ask("list_features", json!({})).await;
    let answer = agent.call("create_feature", json!({"title": "More"})).await;
    assert_eq!(answer.code(), "FORBIDDEN_PLAN");
    assert_eq!(
        server.event_of(&answer).await.meta("refused"),
        Some(&json!("forbidden:plan"))
    );
}

/// A client of the newer protocol adds to what it has; one of the older asks for what it is told.
#[tokio::test]
async fn a_missing_scope_is_asked_for_as_the_era_has_it() {
    let server = Server::start_empty().await;
    for (era, asked) in [
        (Era::Modern, &[Scope::InboxRead][..]),
        (Era::Legacy, &[Scope::BacklogRead, Scope::InboxRead]),
    ] {
        let agent = server.agent("olga", "demo", &[Scope::BacklogRead]).await;
        let agent = agent.in_era(era);
        let answer = agent.call("list_conversations", json!({})).await;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.code(), "FORBIDDEN_SCOPE");
        let challenge = answer.challenge.unwrap();
        assert_eq!(asked_scopes(&challenge), asked);
        assert!(
            challenge.starts_with("Bearer resource_metadata=\""),
            "{challenge}"
        );
        assert!(
            challenge.contains("error=\"insufficient_scope\""),
            "{challenge}"
        );
    }
}

#[tokio::test]
async fn a_request_without_a_token_is_led_to_one() {
    let server = Server::start_empty().await;
    let url = server.resource("demo");
    let answer = server.http.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    let metadata = format!(
        "Bearer resource_metadata=\"{}/.well-known/oauth-protected-resource/p/demo/mcp\"",
        server.origin
    );
    assert_eq!(challenge, metadata);
    let step = "access:missing".to_owned();
    let expected = ("MCP_AUTH_REJECTED".to_owned(), "anonymous".to_owned(), step);
    assert_eq!(server.last_refusal().await, expected);
}

#[tokio::test]
async fn a_tool_that_is_not_there_is_a_protocol_error() {
    let server = Server::start_empty().await;
    let agent = server.agent("olga", "demo", &Scope::ALL).await;
    let answer = agent.call("drop_tables", json!({})).await;
    assert_eq!(answer.body["error"]["code"], -32602);
    let event = server.event_of(&answer).await;
    assert_eq!(event.meta("unknown_tool"), Some(&json!(true)));
    assert_eq!(server.number(QUOTA).await, 0);
}

#[tokio::test]
async fn a_grant_is_one_login_and_its_calls_say_who_where_and_on_which_plan() {
    let server = Server::start_empty().await;
    let agent = server.agent("vera", "demo", &Scope::ALL).await;
    let other = server.agent("vera", "demo", &Scope::ALL).await;
    for agent in [&agent, &other, &agent, &other] {
        agent.send("tools/list", json!({})).await;
        let arguments = json!({"prompt": "plan the next release"});
        agent.ask("list_features", arguments).await;
    }
    let events = server.events().await;
    let count = |kind| {
        events
            .iter()
            .filter(|event| event.activity() == kind)
            .count()
    };
    assert_eq!(count("MCP_IDENTITY_CAPTURE"), 2);
    assert_eq!(count("MCP_INIT"), 1);
    assert_eq!(count("MCP_TOOL_CALL"), 4);
    for event in &events {
        assert_eq!(event.user_id(), Some("vera@example.com"));
        assert_eq!(event.meta("project"), Some(&json!("demo")));
        assert_eq!(event.meta("plan"), Some(&json!("pro")));
        if event.activity() == "MCP_TOOL_CALL" {
            assert_eq!(event.meta("outcome"), Some(&json!("ok")));
            assert_eq!(event.meta("prompt"), Some(&json!("plan the next release")));
        }
    }
}

/// Refused calls are calls, too: a user who looks at the connected apps should see them.
#[tokio::test]
async fn the_last_call_of_a_grant_is_kept() {
    let server = Server::start_empty().await;
    let agent = server.agent("vera", "demo", &[Scope::BacklogRead]).await;
    let apps = async || server.store.connected_apps("vera").await.unwrap();
    assert_eq!(apps().await[0].last_call_at, None);
    agent.ask("list_features", json!({})).await;
    let first = apps().await[0].last_call_at.unwrap();
    assert!((server.clock.seconds() - 60..=server.clock.seconds()).contains(&first));
    server.clock.advance(600);
    let answer = agent.call("list_team", json!({})).await;
    assert_eq!(answer.code(), "FORBIDDEN_SCOPE");
    assert!(apps().await[0].last_call_at.unwrap() >= first + 600);
}
