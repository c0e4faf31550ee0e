//! What both integrations read of clients, servers, results and definitions beside the call itself.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use mcp_usage::tower::UsageLayer;
use mcp_usage::{Caller, Identity, Wire};
use rmcp::model::ServerConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ClientLifecycleMode, ServerHandler};
use serde_json::{Value, json};

use super::server::*;
use crate::support::{otlp, posthog};

/// How the use of a server is recorded.
#[derive(Debug, Clone, Copy)]
enum By {
    Layer,
    Wrapper,
}

const BOTH: [By; 2] = [By::Layer, By::Wrapper];

/// The shop over HTTP, behind an authentication that names the OAuth client.
async fn shop(kept: &Kept, by: By, config: StreamableHttpServerConfig) -> Http {
    let sessions = Arc::<LocalSessionManager>::default();
    let app = match by {
        By::Layer => {
            let service = StreamableHttpService::new(|| Ok(Shop::new()), sessions, config);
            let layer = UsageLayer::new(&kept.usage);
            Router::new().nest_service("/mcp", service).layer(layer)
        }
        By::Wrapper => {
            let factory = kept.instrumentation().factory(|| Ok(Shop::new()));
            let service = StreamableHttpService::new(factory, sessions, config);
            Router::new().nest_service("/mcp", service)
        }
    };
    let authenticate = async |mut request: Request, next: Next| {
        let caller = Caller::new(Identity::new("u1", "INTERNAL")).oauth_client_id("client-7");
        request.extensions_mut().insert(caller);
        next.run(request).await
    };
    serve_app(app.layer(middleware::from_fn(authenticate))).await
}

/// Calls a tool of a server without sessions.
async fn post(http: &Http, tool: &str, arguments: Value) {
    let params = json!({"name": tool, "arguments": arguments});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let request = plain_http()
        .post(&http.url)
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .header("mcp-protocol-version", "2025-11-25")
        .header("x-anthropic-client", "ClaudeCode")
        .header("user-agent", "Claude-User")
        .body(body.to_string());
    request.send().await.unwrap().text().await.unwrap();
}

fn stateless() -> StreamableHttpServerConfig {
    StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
}

#[tokio::test]
async fn a_call_says_which_product_and_which_oauth_client_it_came_from_and_how() {
    for by in BOTH {
        let kept = Kept::on(Wire::ReoBatch);
        let http = shop(&kept, by, stateless()).await;
        post(&http, "search", json!({"query": "rails"})).await;
        let calls = kept.calls().await;
        let meta = kept.only(&calls);
        assert_eq!(meta["vendor_client"], "ClaudeCode", "{by:?}");
        assert_eq!(meta["oauth_client_id"], "client-7", "{by:?}");
        assert_eq!(calls[0]["user_agent"], "Claude-User", "{by:?}");
        assert_eq!(meta["result_bytes"], "hit:rails".len(), "{by:?}");
        assert_eq!(meta.get("result"), None, "{by:?}");
        assert_eq!(meta.get("refused_arguments"), None, "{by:?}");

        let kept = Kept::on(otlp());
        let http = shop(&kept, by, stateless()).await;
        post(&http, "search", json!({"query": "rails"})).await;
        let spans = kept.spans().await;
        let call = spans.iter().find(|span| span["kind"] == 2).unwrap();
        for (name, value) in [
            ("network.protocol.version", json!("1.1")),
            ("user_agent.original", json!("Claude-User")),
            ("mcp_usage.vendor_client", json!("ClaudeCode")),
            ("mcp_usage.oauth_client_id", json!("client-7")),
            ("mcp_usage.result_bytes", json!(9)),
        ] {
            assert_eq!(call["attributes"][name], value, "{by:?} {name}");
        }
    }
}

#[tokio::test]
async fn a_call_that_failed_on_its_arguments_names_them_and_no_other_does() {
    let mail = "bob@example.com";
    for by in BOTH {
        let kept = Kept::new();
        let http = shop(&kept, by, stateless()).await;
        for (tool, arguments, refused) in [
            (
                "closed",
                json!({"text": "x", "colour": 1}),
                Some(json!(["colour"])),
            ),
            ("closed", json!({}), Some(json!(["text"]))),
            (
                "closed",
                json!({"text": "x", mail: 1}),
                Some(json!(["[REDACTED_EMAIL]"])),
            ),
            ("closed", json!({"text": "x"}), None),
            ("boom", json!({}), None),
            ("absent", json!({"colour": 1}), None),
        ] {
            post(&http, tool, arguments).await;
            let calls = kept.calls().await;
            let meta = &calls.last().unwrap()["meta"];
            assert_eq!(
                meta.get("refused_arguments"),
                refused.as_ref(),
                "{by:?} {meta}"
            );
        }
    }
}

/// The events of a client that lists the tools and calls one.
async fn session(by: By, mode: ClientLifecycleMode) -> Vec<Value> {
    let kept = Kept::new();
    let http = shop(&kept, by, StreamableHttpServerConfig::default()).await;
    let client = connect(&http.url, None, mode).await;
    client.list_all_tools().await.unwrap();
    call(&client, "search", json!({"query": "rails"})).await;
    client.cancel().await.unwrap();
    kept.events().await
}

#[tokio::test]
async fn a_listing_and_a_call_name_the_server() {
    for by in BOTH {
        for (era, mode) in eras() {
            let events = session(by, mode).await;
            for kind in ["MCP_INIT", "MCP_TOOL_CALL"] {
                let event = events.iter().find(|event| event["activity_type"] == kind);
                let meta = &event.unwrap()["meta"];
                let server = [&meta["server_name"], &meta["server_version"]];
                assert_eq!(server, ["shop", "1.0.0"], "{by:?} {era} {kind}");
            }
        }
    }
}

struct Nameless;
impl ServerHandler for Nameless {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::default()
    }
}

#[tokio::test]
async fn a_server_that_does_not_name_itself_is_not_called_as_its_sdk() {
    let kept = Kept::new();
    let (client, _serving) = over_stream(kept.usage.instrument(Nameless), legacy()).await;
    call(&client, "search", empty_object()).await;
    let calls = kept.calls().await;
    assert_eq!(kept.only(&calls).get("server_name"), None);
}

#[tokio::test]
async fn a_listing_says_how_large_definitions_are_and_is_reported_again_when_one_changes() {
    for by in BOTH {
        let events = session(by, legacy()).await;
        let init = events
            .iter()
            .find(|event| event["activity_type"] == "MCP_INIT");
        let meta = &init.unwrap()["meta"];
        let definitions = meta["tool_definitions"].as_array().unwrap();
        let names: Vec<_> = definitions.iter().map(|one| &one["tool"]).collect();
        let tools: Vec<_> = meta["tools"].as_array().unwrap().iter().collect();
        assert_eq!(names, tools, "{by:?}");
        for one in definitions {
            assert!(one["bytes"].as_u64().unwrap() > 50, "{one}");
        }
    }
    let kept = Kept::new();
    let schemas = [
        json!({"type": "object"}),
        json!({"type": "object", "title": "T"}),
    ];
    for schema in [&schemas[0], &schemas[0], &schemas[1]] {
        let server = ByHand::new([("echo", schema.clone())]);
        let (client, _serving) = over_stream(kept.usage.instrument(server), legacy()).await;
        client.list_all_tools().await.unwrap();
    }
    let events = kept.events().await;
    let hashes: Vec<_> = events
        .iter()
        .map(|event| event["meta"]["tool_definitions"][0]["hash"].clone())
        .collect();
    assert_eq!(hashes.len(), 2, "{events:#?}");
    assert_ne!(hashes[0], hashes[1]);
}
#[tokio::test]
async fn posthog_gets_what_an_instrumented_servers_tool_is_said_to_do() {
    for (by, said) in [(By::Wrapper, Some("Searches.")), (By::Layer, None)] {
        let kept = Kept::on(posthog());
        let http = shop(&kept, by, stateless()).await;
        post(&http, "search", json!({"query": "rails"})).await;
        post(&http, "absent", json!({})).await;
        let events = kept.events().await;
        let of = |name: &str| {
            let event = events.iter().find(|event| event["event"] == name);
            event.unwrap()["properties"].get("$mcp_tool_description")
        };
        assert_eq!(of("$mcp_tool_call"), said.map(|said| json!(said)).as_ref());
        assert_eq!(of("$mcp_unknown_tool"), None, "{by:?}");
    }
}

