//! What a client of the older protocol calls itself in `initialize` is on all its events, though there are no sessions.

use backlog_server::scope::Scope;
use serde_json::json;

use crate::agent::{Agent, Era};
use crate::support::Server;

async fn say_hello(agent: &Agent<'_>, name: &str, version: &str) {
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": name, "version": version},
    });
    let answer = agent.send("initialize", hello).await;
    assert_eq!(answer.body["result"]["protocolVersion"], "2025-11-25");
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
