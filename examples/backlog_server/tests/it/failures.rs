//! Errors as programs read them.

use backlog_server::scope::Scope;
use backlog_server::tools::TOOLS;
use serde_json::{Value, json};

use crate::agent::all_but;
use crate::support::Server;

/// All codes: each is in the README's table, and the tests of each check that it comes.
const CODES: [&str; 11] = [
    "FORBIDDEN_SCOPE",
    "FORBIDDEN_MEMBERSHIP",
    "FORBIDDEN_ROLE",
    "FORBIDDEN_PLAN",
    "INVALID_ARGUMENTS",
    "NOT_FOUND",
    "CONFIRM_REQUIRED",
    "QUOTA_EXCEEDED",
    "CONFLICT",
    "UNKNOWN_TOOL",
    "INTERNAL",
];

#[test]
fn the_readme_has_each_code() {
    let readme = include_str!("../../README.md");
    for code in CODES {
        assert!(readme.contains(&format!("| `{code}` |")), "{code}");
    }
}

#[tokio::test]
async fn a_used_up_quota_says_when_there_is_more() {
    let server = Server::start_empty().await;
    let today = server.clock.seconds() / 86_400;
    let used_up = format!("INSERT INTO quota VALUES ('olga', {today}, 300)");
    server.sql(&used_up).await;
    let agent = server.agent("olga", "demo", &Scope::ALL).await;
    let answer = agent.call("list_features", json!({})).await;
    assert_eq!(answer.code(), "QUOTA_EXCEEDED");
    let error = &answer.output()["error"];
    assert_eq!(error["calls_per_day"], 300);
    let resets_at = error["resets_at"].as_str().unwrap();
    assert!(resets_at.ends_with("T00:00:00Z"), "{resets_at}");
    let resets_at: jiff::Timestamp = resets_at.parse().unwrap();
    assert_eq!(resets_at.as_second(), (today + 1) * 86_400);
    let message = error["message"].as_str().unwrap();
    assert_eq!(answer.text(), format!("QUOTA_EXCEEDED: {message}"));
}

#[tokio::test]
async fn a_refusal_says_what_would_be_needed() {
    let server = Server::start_empty().await;
    let agent = server
        .agent("olga", "demo", &all_but(Scope::InboxRead))
        .await;
    let answer = agent.call("list_conversations", json!({})).await;
    assert_eq!(answer.code(), "FORBIDDEN_SCOPE");
    assert_eq!(answer.output()["error"]["scope"], "inbox:read");
    let agent = server.agent("vera", "demo", &Scope::ALL).await;
    let answer = agent
        .call("update_widget", json!({"colour": "green"}))
        .await;
    assert_eq!(answer.code(), "FORBIDDEN_ROLE");
    assert_eq!(answer.output()["error"]["role"], "owner");
    assert_eq!(answer.output()["error"].get("scope"), None);
}

#[tokio::test]
async fn an_error_of_the_protocol_has_its_code_in_its_data() {
    let server = Server::start_empty().await;
    let agent = server.agent("olga", "demo", &Scope::ALL).await;
    let answer = agent.call("drop_tables", json!({})).await;
    assert_eq!(answer.body["error"]["data"]["code"], "UNKNOWN_TOOL");
    server.sql("ALTER TABLE features RENAME TO gone").await;
    let answer = agent.call("list_features", json!({})).await;
    assert_eq!(answer.body["error"]["data"]["code"], "INTERNAL");
    assert!(!answer.body.to_string().contains("gone"));
}

/// A client on the TypeScript SDK holds an error to the schema, too.
#[test]
fn a_schema_allows_what_the_tool_answers_or_an_error() {
    for tool in TOOLS.iter() {
        let schema = Value::Object((**tool.listed.output_schema.as_ref().unwrap()).clone());
        let name = &tool.listed.name;
        assert_eq!(schema["type"], "object", "{name}");
        assert_eq!(schema.get("required"), None, "{name}");
        let either = schema["anyOf"].as_array().unwrap();
        assert!(
            either[0]["required"]
                .as_array()
                .is_some_and(|all| !all.is_empty())
        );
        assert_eq!(either[1], json!({"required": ["error"]}), "{name}");
        let error = &schema["properties"]["error"];
        assert_eq!(error["required"], json!(["code", "message"]), "{name}");
    }
}
