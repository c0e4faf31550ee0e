//! What both integrations read of clients, servers, results and definitions beside the call itself.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::{self, StatusCode};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use mcp_usage::tower::UsageLayer;
use mcp_usage::{Caller, Identity, Wire};
use rmcp::model::ServerConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ClientLifecycleMode, ServerHandler};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

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

/// Sends a request with these headers over a connection of its own, whose own port is returned.
async fn post_from_a_port(url: &str, headers: &str, body: &Value) -> u16 {
    let address = url.trim_start_matches("http://").trim_end_matches("/mcp");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (body, length) = (body.to_string(), body.to_string().len());
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\nConnection: close\r\n\
         Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n\
         MCP-Protocol-Version: 2025-11-25\r\n{headers}\r\n"
    );
    let request = [head, body].concat();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    stream.local_addr().unwrap().port()
}

fn peer_of(request: &http::request::Parts) -> Option<SocketAddr> {
    let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map(|peer| peer.0)
}

/// The shop over HTTP, where the header `x-user` stands for an authenticated user; asked for where requests come from.
async fn shop_at_an_address(
    kept: &Kept,
    by: By,
    of: impl Fn(&http::request::Parts) -> Option<SocketAddr> + Send + Sync + 'static,
) -> String {
    let (sessions, config) = (Arc::<LocalSessionManager>::default(), stateless());
    let app = match by {
        By::Layer => {
            let service = StreamableHttpService::new(|| Ok(Shop::new()), sessions, config);
            let layer = UsageLayer::new(&kept.usage).auth_rejections(true);
            let guard = async |request: Request, next: Next| {
                let is_refused = request.headers().contains_key("x-refused");
                match is_refused {
                    true => StatusCode::UNAUTHORIZED.into_response(),
                    false => next.run(request).await,
                }
            };
            Router::new()
                .nest_service("/mcp", service)
                .layer(middleware::from_fn(guard))
                .layer(layer.client_address(of))
        }
        By::Wrapper => {
            let by = kept.instrumentation().client_address(of);
            let factory = by.factory(|| Ok(Shop::new()));
            let service = StreamableHttpService::new(factory, sessions, config);
            Router::new().nest_service("/mcp", service)
        }
    };
    let app = app.layer(middleware::from_fn(authenticate));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

fn rpc(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

#[tokio::test]
async fn every_event_of_a_request_says_where_that_came_from() {
    let call = || {
        rpc(
            "tools/call",
            json!({"name": "search", "arguments": {"query": "rails"}}),
        )
    };
    for by in BOTH {
        let kept = Kept::on(otlp());
        let url = shop_at_an_address(&kept, by, peer_of).await;
        let mut ports = Vec::new();
        let listing = rpc("tools/list", json!({}));
        ports.push(post_from_a_port(&url, "", &listing).await);
        ports.push(post_from_a_port(&url, "x-user: u1\r\n", &call()).await);
        if let By::Layer = by {
            ports.push(post_from_a_port(&url, "x-refused: 1\r\n", &call()).await);
        }
        let found: Vec<_> = kept
            .spans()
            .await
            .into_iter()
            .map(|span| {
                let of = |name: &str| span["attributes"][name].clone();
                (
                    span["name"].clone(),
                    of("client.address"),
                    of("client.port"),
                )
            })
            .collect();
        let of = |name: &str, port: u16| (json!(name), json!("127.0.0.1"), json!(port));
        let mut expected = vec![
            of("mcp_usage.init", ports[0]),
            of("mcp_usage.login", ports[1]),
            of("tools/call search", ports[1]),
        ];
        if let By::Layer = by {
            expected.push(of("mcp_usage.auth_rejected", ports[2]));
        }
        for event in expected {
            assert!(found.contains(&event), "{by:?}: {event:?} in {found:#?}");
        }

        let kept = Kept::on(posthog());
        let url = shop_at_an_address(&kept, by, peer_of).await;
        post_from_a_port(&url, "", &call()).await;
        let events = kept.events().await;
        assert_eq!(events[0]["properties"]["$ip"], "127.0.0.1", "{by:?}");
    }
}

#[tokio::test]
async fn a_request_without_an_address_or_whose_closure_fails_is_recorded_without() {
    fn nothing(_: &http::request::Parts) -> Option<SocketAddr> {
        None
    }
    fn panics(_: &http::request::Parts) -> Option<SocketAddr> {
        panic!("a closure of the test's")
    }
    let call = rpc(
        "tools/call",
        json!({"name": "search", "arguments": {"query": "rails"}}),
    );
    for by in BOTH {
        for of in [nothing, panics] {
            let kept = Kept::new();
            let url = shop_at_an_address(&kept, by, of).await;
            post_from_a_port(&url, "", &call).await;
            let calls = kept.calls().await;
            assert_eq!(kept.only(&calls)["outcome"], "ok", "{by:?}");
            assert_eq!(calls[0].get("ip_addr"), None, "{by:?}");
        }
    }
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
