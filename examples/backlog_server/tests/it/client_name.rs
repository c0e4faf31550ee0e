//! What a client of the older protocol calls itself in `initialize` is on all its events, though there are no sessions.

use backlog_server::scope::Scope;
use mcp_usage::testing::ReceivedEvent;
use serde_json::json;

use crate::agent::{Agent, Era};
use crate::support::{Connected, Server};

async fn say_hello(agent: &Agent<'_>, name: &str, version: &str) {
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": name, "version": version},
    });
    let answer = agent.send("initialize", hello).await;
    assert_eq!(answer.body["result"]["protocolVersion"], "2025-11-25");
}

/// Connects a client that has said its name.
async fn older_agent(server: &Server) -> Connected {
    let connected = server
        .connect("olga@example.com", "demo", "backlog:read")
        .await;
    let agent = server.agent_with("demo", &connected.access);
    say_hello(&agent.in_era(Era::Legacy), "older-agent", "4.2").await;
    connected
}

/// Each refusal that was reported: the check, and the client's name.
async fn refusals(server: &Server) -> Vec<[Option<String>; 2]> {
    let events = server.events().await.into_iter();
    let refused = events.filter(|event| event.activity() == "MCP_AUTH_REJECTED");
    let said = |event: ReceivedEvent| {
        let text = |name| Some(event.meta(name)?.as_str()?.to_owned());
        ["refused", "client_name"].map(text)
    };
    refused.map(said).collect()
}

#[tokio::test]
async fn a_client_of_the_older_protocol_is_named_on_every_event() {
    let server = Server::start_empty().await;
    let agent = server.agent("olga", "demo", &[Scope::BacklogRead]).await;
    let agent = agent.in_era(Era::Legacy);
    say_hello(&agent, "older-agent", "4.2").await;
    agent.send("tools/list", json!({})).await;
    agent.ask("list_features", json!({})).await;
    agent.call("create_feature", json!({"title": "Mine"})).await;
    agent.call("drop_tables", json!({})).await;
    agent
        .call("list_features", json!({"x": "x".repeat(1 << 20)}))
        .await;
    // Elsewhere, and when it is revoked.
    let elsewhere = server.agent_with("other", &agent.token).in_era(Era::Legacy);
    assert_eq!(elsewhere.call("list_features", json!({})).await.status, 401);
    server.sql("UPDATE grants SET revoked_at = 1").await;
    assert_eq!(agent.call("list_features", json!({})).await.status, 401);

    let events = server.events().await;
    let kinds = events.iter().map(|event| event.activity());
    let mut kinds: Vec<_> = kinds.collect();
    kinds.sort_unstable();
    let expected = [
        "MCP_AUTH_REJECTED",
        "MCP_AUTH_REJECTED",
        "MCP_IDENTITY_CAPTURE",
        "MCP_INIT",
        "MCP_REQUEST_REFUSED",
        "MCP_TOOL_CALL",
        "MCP_TOOL_CALL",
        "MCP_TOOL_CALL",
    ];
    assert_eq!(kinds, expected);
    for event in &events {
        let said = [event.meta("client_name"), event.meta("client_version")];
        let expected = [json!("older-agent"), json!("4.2")];
        assert_eq!(said.map(Option::unwrap), expected.each_ref(), "{event:?}");
    }
}

#[tokio::test]
async fn a_code_or_a_refresh_token_that_works_no_more_names_its_client_and_no_other() {
    let server = Server::start_empty().await;
    let connected = older_agent(&server).await;
    let (client_id, refresh) = (&connected.client_id, &connected.refresh);
    let (status, tokens) = server.refresh(client_id, refresh).await;
    assert_eq!(status, 200);
    assert_eq!(server.refresh("other", refresh).await.0, 400);
    assert_eq!(server.refresh(client_id, refresh).await.0, 400);
    assert_eq!(server.redeem(&connected.code).await.0, 400);
    let newer = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(server.refresh(client_id, newer).await.0, 400);
    server.sql("UPDATE grants SET revoked_at = NULL").await;
    server.sql("UPDATE tokens SET expires_at = 1").await;
    assert_eq!(server.refresh(client_id, newer).await.0, 400);
    let named = |step: &str| [Some(step.to_owned()), Some("older-agent".to_owned())];
    let expected = [
        [Some("grant:unknown".to_owned()), None],
        named("grant:reused"),
        named("grant:reused"),
        named("grant:revoked"),
        named("grant:expired"),
    ];
    assert_eq!(refusals(&server).await, expected);
}

#[tokio::test]
async fn a_client_that_comes_back_after_its_token_has_expired_is_named() {
    let server = Server::start_empty().await;
    let connected = older_agent(&server).await;
    let lifetime = server.config.access_lifetime.as_secs();
    server.clock.advance(i64::try_from(lifetime).unwrap() + 1);
    server
        .store
        .prune(server.config.refresh_lifetime)
        .await
        .unwrap();
    let agent = server.agent_with("demo", &connected.access);
    let answer = agent
        .in_era(Era::Legacy)
        .call("list_features", json!({}))
        .await;
    assert_eq!(answer.status, 401);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", &*connected.client_id),
        ("refresh_token", &*connected.refresh),
        ("resource", "https://other.example.com/mcp"),
    ];
    assert_eq!(server.post("/token", &form).await.0, 400);
    let named = |step: &str| [Some(step.to_owned()), Some("older-agent".to_owned())];
    let expected = [named("access:expired"), named("grant:wrong_resource")];
    assert_eq!(refusals(&server).await, expected);
}

#[tokio::test]
async fn a_client_that_asks_for_more_keeps_its_name() {
    let server = Server::start_empty().await;
    let connected = older_agent(&server).await;
    let another_approval = format!(
        "INSERT INTO codes SELECT '{}', user_id, client_id, project_id, resource,
             'backlog:read backlog:write', redirect_uri, challenge, expires_at, NULL, NULL FROM codes",
        backlog_server::secret::hash("another code"),
    );
    server.sql(&another_approval).await;
    let mut code = connected.code.clone();
    code.code = "another code".to_owned();
    let (_, tokens) = server.redeem(&code).await;
    let agent = server.agent_with("demo", tokens["access_token"].as_str().unwrap());
    let answer = agent
        .in_era(Era::Legacy)
        .call("list_features", json!({}))
        .await;
    let event = server.event_of(&answer).await;
    assert_eq!(event.meta("client_name"), Some(&json!("older-agent")));
    assert_eq!(event.meta("client_version"), Some(&json!("4.2")));
}

#[tokio::test]
async fn a_name_is_its_grants_alone_and_the_newest_that_it_said() {
    let server = Server::start_empty().await;
    let first = server.agent("olga", "demo", &[Scope::BacklogRead]).await;
    let first = first.in_era(Era::Legacy);
    let other = server.agent("olga", "demo", &[Scope::BacklogRead]).await;
    let other = other.in_era(Era::Legacy);
    say_hello(&first, &"long ".repeat(1_000), "1").await;
    say_hello(&first, "first", "2").await;
    let name_of = async |agent: &Agent<'_>| {
        let answer = agent.call("list_features", json!({})).await;
        let event = server.event_of(&answer).await;
        event.meta("client_name").cloned()
    };
    assert_eq!(name_of(&first).await, Some(json!("first")));
    assert_eq!(name_of(&other).await, None);
    // A request of the newer protocol says it itself.
    let modern = server.agent_with("demo", &first.token).in_era(Era::Modern);
    assert_eq!(name_of(&modern).await, Some(json!("test-agent")));
    let kept = server
        .number("SELECT max(length(client_name)) FROM grants")
        .await;
    assert_eq!(kept, 5);
    say_hello(&first, &"x".repeat(1_000), "3").await;
    let kept = server
        .number("SELECT max(length(client_name)) FROM grants")
        .await;
    assert_eq!(kept, 200);
}
