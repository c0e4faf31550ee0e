//! Who called: asked for each request.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use mcp_usage::rmcp::CallMeta;
use mcp_usage::{Caller, Identity, UsageLogger};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler};
use serde_json::json;

use super::server::*;

/// Posts a call with a session of somebody, as somebody.
async fn post_call(
    http: &reqwest::Client,
    url: &str,
    session: Option<&str>,
    id: usize,
    user: &str,
) -> reqwest::Response {
    let mut body = json!({
        "jsonrpc": "2.0", "id": id + 1, "method": "tools/call",
        "params": {"name": "search", "arguments": {"query": user}},
    });
    let mut post = http
        .post(url)
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .header("x-user", user);
    post = match session {
        Some(session) => post
            .header("mcp-session-id", session)
            .header("mcp-protocol-version", "2025-11-25"),
        None => {
            body["params"]["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": {"name": "crowd", "version": "1"},
            });
            post.header("mcp-protocol-version", "2026-07-28")
                .header("mcp-method", "tools/call")
                .header("mcp-name", "search")
        }
    };
    post.body(body.to_string()).send().await.unwrap()
}

/// Opens a session of the older protocol.
async fn open_session(http: &reqwest::Client, url: &str) -> String {
    let post = || {
        http.post(url)
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .header("x-user", "opener")
    };
    let hello = json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "crowd", "version": "1"},
        },
    });
    let answer = post().body(hello.to_string()).send().await.unwrap();
    let session = answer.headers()["mcp-session-id"]
        .to_str()
        .unwrap()
        .to_owned();
    answer.text().await.unwrap();
    let done = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let answer = post()
        .header("mcp-session-id", &session)
        .body(done.to_string())
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success());
    session
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_users_over_shared_sessions_are_never_mixed_up() {
    are_never_mixed_up(|_| true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_users_of_the_newer_protocol_are_never_mixed_up() {
    are_never_mixed_up(|_| false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_users_of_both_protocols_at_once_are_never_mixed_up() {
    are_never_mixed_up(|n| n % 3 > 0).await;
}

/// Lets a thousand users call at once, those with a session over one they share with many others.
async fn are_never_mixed_up(has_session: fn(usize) -> bool) {
    const USERS: usize = 1_000;
    const AT_A_TIME: usize = 20;
    let kept = Kept::new();
    let usage = kept.usage.clone();
    let factory = move || Ok(usage.instrument(Shop::new()));
    let http = over_http(factory, StreamableHttpServerConfig::default()).await;
    let client = plain_http();
    let mut sessions = Vec::new();
    for _ in 0..5 {
        sessions.push(open_session(&client, &http.url).await);
    }
    let sessions = Arc::new(sessions);
    let tasks: Vec<_> = (0..AT_A_TIME)
        .map(|task| {
            let (client, url, sessions) = (client.clone(), http.url.clone(), sessions.clone());
            tokio::spawn(async move {
                for n in (task..USERS).step_by(AT_A_TIME) {
                    let user = format!("user-{n}");
                    let session = has_session(n).then(|| sessions[n % sessions.len()].as_str());
                    let answer = post_call(&client, &url, session, n, &user).await;
                    let text = answer.text().await.unwrap();
                    assert!(text.contains(&format!("hit:{user}")), "{text}");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }

    let calls = kept.calls().await;
    assert_eq!(calls.len(), USERS);
    for call in &calls {
        // What the call says, who it was and by whom it was made are one.
        assert_eq!(
            call["meta"]["tool_arguments"]["query"], call["user_id"],
            "{call}"
        );
        assert_eq!(call["meta"]["client_name"], "crowd");
        let n = call["user_id"]
            .as_str()
            .and_then(|user| user.strip_prefix("user-"));
        let has_session = has_session(n.unwrap().parse().unwrap());
        let era = if has_session { "legacy" } else { "modern" };
        assert_eq!(call["meta"]["era"], era, "{call}");
        assert_eq!(
            call["meta"]["session_id"].is_string(),
            has_session,
            "{call}"
        );
    }
    let mut logins = HashMap::new();
    for event in kept.events().await {
        if event["activity_type"] == "MCP_IDENTITY_CAPTURE" {
            *logins
                .entry(event["user_id"].as_str().unwrap().to_owned())
                .or_insert(0) += 1;
        }
    }
    assert_eq!(logins.len(), USERS);
    assert!(logins.values().all(|&times| times == 1));
    assert_eq!(kept.end().await.dropped.total(), 0);
}

#[tokio::test]
async fn a_thousand_calls_of_one_user_are_one_login() {
    const CALLS: usize = 1_000;
    for (era, mode) in eras() {
        let kept = Kept::new();
        let factory = kept.instrumentation().factory(|| Ok(Shop::new()));
        let http = over_http(factory, StreamableHttpServerConfig::default()).await;
        let client = connect(&http.url, Some("u1"), mode).await;
        for _ in 0..CALLS {
            call(&client, "search", json!({"query": "x"})).await;
        }
        let events = kept.events().await;
        let calls = events.iter().filter(|event| is_call(event)).count();
        let logins = events
            .iter()
            .filter(|event| event["activity_type"] == "MCP_IDENTITY_CAPTURE");
        assert_eq!(
            (calls, logins.count(), events.len()),
            (CALLS, 1, CALLS + 1),
            "{era}"
        );
    }
}

#[tokio::test]
async fn a_closure_says_who_it_is_and_its_failure_is_nobody() {
    let kept = Kept::with(|builder| builder.identity(Identity::email("owner@example.com")));
    let server = kept.usage.instrument(Shop::new()).identify(|context| {
        let who = context.meta.0.0.get("who").and_then(|who| who.as_str());
        match who {
            Some("panics") => panic!("an identity hook of the test's"),
            Some("fails") => Err("the directory is away"),
            Some(who) => Ok(Some(
                Caller::new(Identity::new(who.to_owned(), "INTERNAL")).credential("t1"),
            )),
            None => Ok(None),
        }
    });
    let (client, _serving) = over_stream(server, legacy()).await;
    for who in ["sam", "panics", "fails", ""] {
        let mut request = request("search", json!({"query": "x"}));
        if !who.is_empty() {
            let mut meta = rmcp::model::RequestMetaObject::new();
            meta.0.0.insert("who".to_owned(), who.into());
            request.meta = Some(meta);
        }
        client.call_tool(request).await.unwrap();
    }
    let calls = kept.calls().await;
    let users: Vec<_> = calls
        .iter()
        .map(|call| call["user_id"].as_str().unwrap())
        .collect();
    assert_eq!((users[0], users[3]), ("sam", "owner@example.com"));
    assert!(users[1].starts_with("anonymous") && users[2].starts_with("anonymous"));
    assert_eq!(kept.end().await.identity_failures, 2);
}

#[tokio::test]
async fn a_credential_of_its_own_is_a_login_of_its_own() {
    let kept = Kept::new();
    let server = kept.usage.instrument(Shop::new()).identify(|context| {
        let token = context.meta.0.0.get("token")?.as_str()?.to_owned();
        Some(Caller::new(Identity::email("rachel@example.com")).credential(token))
    });
    let (client, _serving) = over_stream(server, legacy()).await;
    for token in [
        "one-opaque-token",
        "one-opaque-token",
        "another-opaque-token",
    ] {
        let mut request = request("search", json!({"query": "x"}));
        let mut meta = rmcp::model::RequestMetaObject::new();
        meta.0.0.insert("token".to_owned(), token.into());
        request.meta = Some(meta);
        client.call_tool(request).await.unwrap();
    }
    let events = kept.events().await;
    let logins = events.iter().filter(|event| !is_call(event)).count();
    assert_eq!(logins, 2, "{events:#?}");
    assert!(!format!("{events:?}").contains("opaque"));
}

/// Says why it refuses, where somebody listens.
#[derive(Clone)]
struct Guarded;

impl ServerHandler for Guarded {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::default())
    }

    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(meta) = context.extensions.get::<CallMeta>() else {
            panic!("an instrumented server finds one in each call");
        };
        meta.set("refused", &"forbidden:role");
        meta.set("refused", &"forbidden:scope");
        meta.set("plan", &"free");
        // Not ours to replace.
        meta.set("outcome", &"ok");
        Ok(CallToolResult::error(vec![ContentBlock::text("FORBIDDEN_SCOPE")]).into())
    }
}

/// Lets everybody in as Rachel, of a project.
async fn as_rachel(mut request: Request, next: Next) -> Response {
    let rachel = Caller::new(Identity::email("rachel@example.com"))
        .credential("a grant")
        .meta("project", "demo")
        .meta("plan", "pro");
    request.extensions_mut().insert(rachel);
    next.run(request).await
}

#[tokio::test]
async fn callers_and_tools_add_to_the_meta_of_their_events() {
    for (era, mode) in eras() {
        let kept = Kept::with(|builder| builder.meta("project", "of the logger"));
        let factory = kept
            .instrumentation()
            .sessions(true)
            .factory(|| Ok(Guarded));
        let service = StreamableHttpService::new(
            factory,
            Arc::<LocalSessionManager>::default(),
            StreamableHttpServerConfig::default(),
        );
        let app = Router::new()
            .nest_service("/mcp", service)
            .layer(middleware::from_fn(as_rachel));
        let http = serve_app(app).await;
        let client = connect(&http.url, None, mode).await;
        client.list_tools(None).await.unwrap();
        call(&client, "anything", json!({})).await;

        let events = kept.events().await;
        let kinds: HashSet<_> = events
            .iter()
            .map(|event| event["activity_type"].as_str().unwrap())
            .collect();
        let mut expected = HashSet::from(["MCP_IDENTITY_CAPTURE", "MCP_INIT", "MCP_TOOL_CALL"]);
        expected.extend((era == "legacy").then_some("MCP_SESSION_START"));
        assert_eq!(kinds, expected);
        for event in &events {
            assert_eq!(event["meta"]["project"], "demo", "{event}");
            let is_call = is_call(event);
            let plan = if is_call { "free" } else { "pro" };
            assert_eq!(event["meta"]["plan"], plan, "{event}");
            if is_call {
                assert_eq!(event["meta"]["refused"], "forbidden:scope");
                assert_eq!(event["meta"]["outcome"], "tool_error");
            }
        }
        drop(client);
        assert_eq!(kept.end().await.dropped.total(), 0);
    }
}

#[tokio::test]
async fn a_tool_may_add_to_its_event_where_nobody_listens() {
    let usage = UsageLogger::disabled();
    let (client, _serving) = over_stream(usage.instrument(Guarded), modern()).await;
    assert_eq!(call(&client, "any", json!({})).await, "FORBIDDEN_SCOPE");
}

#[tokio::test]
async fn whoever_says_hello_and_no_more_has_logged_in() {
    for (era, mode) in eras() {
        let kept = Kept::new();
        let factory = kept.instrumentation().factory(|| Ok(Guarded));
        let service = StreamableHttpService::new(
            factory,
            Arc::<LocalSessionManager>::default(),
            StreamableHttpServerConfig::default(),
        );
        let app = Router::new()
            .nest_service("/mcp", service)
            .layer(middleware::from_fn(as_rachel));
        let http = serve_app(app).await;
        let client = connect(&http.url, None, mode).await;
        let events = kept.events().await;
        assert_eq!(events.len(), 1, "{era}: {events:#?}");
        assert_eq!(events[0]["activity_type"], "MCP_IDENTITY_CAPTURE");
        assert_eq!(events[0]["user_id"], "rachel@example.com");
        assert_eq!(events[0]["meta"]["client_name"], "test-client", "{era}");
        call(&client, "anything", json!({})).await;
        assert_eq!(kept.events().await.len(), 2, "{era}");
    }
}

/// Without a credential a session is a login; it is not known before it is opened.
#[tokio::test]
async fn a_session_is_one_login_though_it_is_not_known_at_its_start() {
    for (era, mode) in eras() {
        let kept = Kept::new();
        let factory = kept
            .instrumentation()
            .sessions(true)
            .factory(|| Ok(Guarded));
        let http = over_http(factory, StreamableHttpServerConfig::default()).await;
        let client = connect(&http.url, Some("rachel"), mode).await;
        call(&client, "anything", json!({})).await;
        let events = kept.events().await;
        let logins = events
            .iter()
            .filter(|event| event["activity_type"] == "MCP_IDENTITY_CAPTURE");
        assert_eq!(logins.count(), 1, "{era}: {events:#?}");
    }
}
