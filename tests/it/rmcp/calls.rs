//! What a record of a call holds.

use mcp_usage::Identity;
use mcp_usage::config::MIN_QUEUE_BYTES;
use rmcp::model::ReadResourceRequestParams;
use rmcp::model::{CallToolRequestParams, CallToolResponse, GetPromptRequestParams};
use rmcp::transport::StreamableHttpServerConfig;
use serde_json::{Value, json};

use super::server::*;
use crate::support::{mcpeye, otlp, secret};

#[tokio::test]
async fn a_call_over_a_stream_is_recorded_with_all_its_facts() {
    for (era, mode) in eras() {
        let kept = Kept::new();
        let server = kept.usage.instrument(Shop::new());
        let (client, serving) = over_stream(server, mode).await;
        let arguments = json!({"query": "rails", "password": "hunter2", "limit": 5});
        assert_eq!(
            call(&client, "search", arguments).await,
            "hit:rails",
            "{era}"
        );
        client.cancel().await.unwrap();
        serving.await.unwrap();

        let calls = kept.calls().await;
        let meta = kept.only(&calls);
        assert_eq!(calls[0]["user_id_type"], "ANONYMOUS");
        assert!(
            calls[0]["user_id"]
                .as_str()
                .unwrap()
                .starts_with("anonymous-")
        );
        assert_eq!(meta["tool"], "search");
        assert_eq!(meta["outcome"], "ok");
        assert_eq!(meta["era"], era);
        assert_eq!(meta["transport"], "stdio");
        assert_eq!(meta["client_name"], "test-client");
        assert_eq!(meta["client_version"], "7.1");
        assert_eq!(meta["client_class"], "unknown");
        assert!(meta["duration_ms"].is_number() && meta["request_id"].is_string());
        let version = if era == "legacy" {
            "2025-11-25"
        } else {
            "2026-07-28"
        };
        assert_eq!(meta["protocol_version"], version);
        assert_eq!(
            meta["tool_arguments"],
            json!({"query": "rails", "password": "[REDACTED_FIELD]", "limit": 5})
        );
        for absent in ["result", "round", "unknown_tool", "error", "prompt"] {
            assert_eq!(meta.get(absent), None, "{absent}");
        }
    }
}

#[tokio::test]
async fn a_call_over_http_names_session_and_client() {
    for (era, mode) in eras() {
        let kept = Kept::new();
        let factory = kept.instrumentation().factory(|| Ok(Shop::new()));
        let http = over_http(factory, StreamableHttpServerConfig::default()).await;
        let client = connect(&http.url, Some("u1"), mode).await;
        call(&client, "search", json!({"query": "rails"})).await;
        client.cancel().await.unwrap();

        let events = kept.events().await;
        let login = &events[0];
        assert_eq!(login["activity_type"], "MCP_IDENTITY_CAPTURE", "{era}");
        assert_eq!(login["user_id"], "u1");
        let calls = kept.calls().await;
        let meta = kept.only(&calls);
        assert_eq!(calls[0]["user_id"], "u1");
        assert_eq!(calls[0]["user_id_type"], "INTERNAL");
        assert_eq!(calls[0]["user_agent"], "test-agent/1.0");
        assert_eq!(meta["transport"], "http");
        assert_eq!(meta["client_name"], "test-client");
        assert_eq!(meta["era"], era);
        assert_eq!(meta.get("session_id").is_some(), era == "legacy", "{meta}");
    }
}

#[tokio::test]
async fn a_stateless_client_of_the_older_protocol_is_not_taken_for_rmcp() {
    for sessions in [false, true] {
        let kept = Kept::new();
        let usage = kept.usage.clone();
        let factory = move || Ok(usage.instrument(Shop::new()));
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true);
        let http = over_http(factory, config).await;
        let mut post = plain_http()
            .post(&http.url)
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-11-25");
        if sessions {
            post = post.header("mcp-session-id", "made-up");
        }
        let answer = post
            .header("content-type", "application/json")
            .body(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","arguments":{"query":"x"},"_meta":{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01","conversation_id":"c-1"}}}"#)
            .send()
            .await
            .unwrap();
        assert!(answer.text().await.unwrap().contains("hit:x"));

        let calls = kept.calls().await;
        let meta = kept.only(&calls);
        assert_eq!(meta.get("client_name"), None, "{meta}");
        assert_eq!(meta.get("session_id"), None, "{meta}");
        assert_eq!(meta["protocol_version"], "2025-11-25");
        assert_eq!(meta["conversation_id"], "c-1");
        assert_eq!(
            meta["traceparent"],
            "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
        );
    }
}

#[tokio::test]
async fn failures_keep_their_text_and_kind() {
    let kept = Kept::new();
    let (client, _serving) = over_stream(kept.usage.instrument(Shop::new()), modern()).await;
    call(&client, "boom", empty_object()).await;
    call(&client, "serach", json!({"query": "x"})).await;
    call(&client, "strict", json!({"text": "a", "more": 1})).await;

    let calls = kept.calls().await;
    let outcomes: Vec<_> = calls.iter().map(|call| &call["meta"]["outcome"]).collect();
    assert_eq!(outcomes, ["tool_error", "protocol_error", "tool_error"]);
    assert_eq!(
        calls[0]["meta"]["error"],
        "no such thing for [REDACTED_EMAIL]"
    );
    assert_eq!(calls[1]["meta"]["unknown_tool"], true);
    assert_eq!(calls[1]["meta"]["error"], "tool not found");
    assert_eq!(calls[0]["meta"].get("unknown_tool"), None);
    let error = calls[2]["meta"]["error"].as_str().unwrap();
    assert!(error.contains("unknown field"), "{error}");
}

#[tokio::test]
async fn a_failure_is_a_span_with_the_code_of_its_error() {
    let kept = Kept::on(otlp());
    let instrumentation = kept.instrumentation().resources(true);
    let (client, _serving) = over_stream(instrumentation.instrument(Shop::new()), modern()).await;
    call(&client, "boom", empty_object()).await;
    call(&client, "serach", json!({"query": "x"})).await;
    let missing = client.read_resource(ReadResourceRequestParams::new("shop://missing"));
    assert!(missing.await.is_err());

    let spans = kept.spans().await;
    let requests = spans.iter().filter(|span| span["kind"] == 2);
    let said: Vec<_> = requests
        .map(|span| {
            let attribute = |name| span["attributes"].get(name).and_then(Value::as_str);
            (
                span["name"].as_str().unwrap(),
                attribute("error.type"),
                attribute("rpc.response.status_code"),
                span["status"].is_object(),
            )
        })
        .collect();
    let [boom, serach, resource] = said[..] else {
        panic!("{said:?}");
    };
    assert_eq!(boom, ("tools/call boom", Some("tool_error"), None, true));
    let unknown = Some("-32602");
    assert_eq!(serach, ("tools/call", unknown, unknown, false));
    assert_eq!(resource.0, "resources/read");
    assert!(
        resource.1.is_some() && resource.1 == resource.2,
        "{resource:?}"
    );
    let took = |span: &Value| span["endTimeUnixNano"].as_u64() > span["startTimeUnixNano"].as_u64();
    assert!(
        spans.iter().filter(|span| span["kind"] == 2).all(took),
        "{spans:#?}"
    );
}

#[tokio::test]
async fn a_server_written_by_hand_says_which_tool_is_unknown() {
    let kept = Kept::new();
    let server = ByHand::new([("echo", json!({"type": "object"}))]);
    let (client, _serving) = over_stream(kept.usage.instrument(server), legacy()).await;
    call(&client, "none", empty_object()).await;
    let calls = kept.calls().await;
    assert_eq!(kept.only(&calls)["unknown_tool"], true);
}

#[tokio::test]
async fn results_are_captured_where_asked_for_and_redacted() {
    let kept = Kept::new();
    let server = kept.usage.instrument(Shop::new()).results(true);
    let (client, _serving) = over_stream(server, legacy()).await;
    let key = secret::github();
    call(&client, "search", json!({"query": key})).await;
    let calls = kept.calls().await;
    let meta = kept.only(&calls);
    let text = meta["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("hit:[REDACTED"), "{text}");
    assert!(!calls[0].to_string().contains(&key));
}

#[tokio::test]
async fn arguments_are_left_out_or_listed() {
    let kept = Kept::new();
    let instrumentation = kept.instrumentation().arguments_of("search", ["limit"]);
    let (client, _serving) = over_stream(instrumentation.instrument(Shop::new()), legacy()).await;
    let arguments = json!({"query": "private", "limit": 5});
    assert_eq!(call(&client, "search", arguments).await, "hit:private");
    let (client, _serving) = over_stream(
        instrumentation.arguments(false).instrument(Shop::new()),
        legacy(),
    )
    .await;
    call(&client, "search", json!({"query": "private"})).await;
    let calls = kept.calls().await;
    assert_eq!(calls[0]["meta"]["tool_arguments"], json!({"limit": 5}));
    assert_eq!(calls[1]["meta"].get("tool_arguments"), None);
}

#[tokio::test]
async fn the_rounds_of_a_call_are_counted() {
    let kept = Kept::new();
    let server = ByHand::new([("ask", json!({"type": "object"}))]);
    let (client, _serving) = over_stream(kept.usage.instrument(server), modern()).await;
    for state in [None, Some("r1"), Some("r2"), Some("of another process")] {
        let mut request = CallToolRequestParams::new("ask");
        request.request_state = state.map(str::to_owned);
        let answer = client.call_tool_once(request).await.unwrap();
        let asks = matches!(answer, CallToolResponse::InputRequired(_));
        assert_eq!(asks, matches!(state, None | Some("r1")));
    }
    let calls = kept.calls().await;
    let ends: Vec<_> = calls
        .iter()
        .map(|call| {
            (
                call["meta"]["outcome"].as_str().unwrap(),
                call["meta"].get("round"),
                call["meta"].get("input_request_methods"),
            )
        })
        .collect();
    let methods = json!(["elicitation/create", "roots/list"]);
    assert_eq!(
        ends,
        [
            ("input_required", None, Some(&methods)),
            ("input_required", Some(&json!(1)), None),
            ("ok", Some(&json!(2)), None),
            ("ok", Some(&json!(1)), None),
        ]
    );
}

#[tokio::test]
async fn the_first_listing_is_reported_once_with_all_pages() {
    let kept = Kept::with(|builder| builder.identity(Identity::email("rachel@example.com")));
    let mut server = ByHand::new(["a", "b", "c"].map(|name| (name, json!({"type": "object"}))));
    server.first_page = 2;
    for _ in 0..2 {
        let instrumented = kept.usage.instrument(server.clone());
        let (client, _serving) = over_stream(instrumented, modern()).await;
        assert_eq!(client.list_all_tools().await.unwrap().len(), 3);
        client.cancel().await.unwrap();
    }
    let events = kept.events().await;
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(events[0]["activity_type"], "MCP_INIT");
    assert_eq!(events[0]["user_id"], "rachel@example.com");
    assert_eq!(events[0]["meta"]["tools"], json!(["a", "b", "c"]));
    assert_eq!(events[0]["meta"]["tool_count"], 3);
}

#[tokio::test]
async fn sessions_prompts_and_resources_are_reported_where_asked_for() {
    let kept = Kept::new();
    let server = ByHand::new([]);
    let (client, _serving) = over_stream(kept.usage.instrument(server.clone()), legacy()).await;
    let _ = client.get_prompt(GetPromptRequestParams::new("p")).await;
    assert_eq!(kept.events().await, Vec::<Value>::new());

    let instrumentation = kept
        .instrumentation()
        .sessions(true)
        .prompts(true)
        .resources(true);
    let (client, _serving) = over_stream(instrumentation.instrument(server), legacy()).await;
    client
        .get_prompt(GetPromptRequestParams::new("p"))
        .await
        .unwrap();
    let _ = client
        .get_prompt(GetPromptRequestParams::new("absent"))
        .await;
    let read = ReadResourceRequestParams::new("file:///notes?token=abcdefghijklmnop");
    client.read_resource(read).await.unwrap();

    let events = kept.events().await;
    let kinds: Vec<_> = events.iter().map(|event| &event["activity_type"]).collect();
    assert_eq!(
        kinds,
        [
            "MCP_SESSION_START",
            "MCP_PROMPT_GET",
            "MCP_PROMPT_GET",
            "MCP_RESOURCE_READ"
        ]
    );
    let session = &events[0]["meta"];
    assert_eq!(session["client_name"], "test-client");
    assert_eq!(session["protocol_version"], "2025-11-25");
    assert_eq!(events[1]["meta"]["prompt_name"], "p");
    assert_eq!(events[1]["meta"]["outcome"], "ok");
    assert_eq!(events[2]["meta"]["outcome"], "protocol_error");
    assert_eq!(events[2]["meta"]["error"], "no prompt of that name");
    let uri = events[3]["meta"]["resource_uri"].as_str().unwrap();
    assert!(
        uri.starts_with("file:///notes") && !uri.contains("abcdefghijklmnop"),
        "{uri}"
    );
    // All in one session, as the calls would be.
    assert_eq!(session["session_id"], events[3]["meta"]["session_id"]);
}

#[tokio::test]
async fn requests_under_way_are_charged_and_keep_sizes_where_there_is_no_memory() {
    const QUEUE: usize = MIN_QUEUE_BYTES;
    const REQUESTS: u64 = 60;
    let kept = Kept::with(|builder| builder.max_queue_bytes(QUEUE));
    let instrumentation = kept.instrumentation().resources(true);
    let server = ByHand::new([]);
    let gate = server.gate.clone();
    let (client, _serving) = over_stream(instrumentation.instrument(server), legacy()).await;
    for n in 0..REQUESTS {
        let client = client.peer().clone();
        let uri = format!("waiting://{n}/{}", "words/".repeat(600));
        tokio::spawn(async move {
            client
                .read_resource(ReadResourceRequestParams::new(uri))
                .await
        });
    }
    // A fourth of the queue has room for some thirty of them.
    until(async || kept.usage.stats().calls_without_content > REQUESTS / 3).await;
    let held = kept.usage.stats().queue_bytes as usize;
    assert!((QUEUE / 5..=QUEUE / 4).contains(&held), "{held}");
    until(async || {
        gate.opened.notify_waiters();
        kept.usage.stats().offered == REQUESTS
    })
    .await;

    let events = kept.events().await;
    let lacking = kept.usage.stats().calls_without_content as usize;
    let uris = events.iter().map(|event| &event["meta"]["resource_uri"]);
    let sizes = uris.filter(|uri| uri.as_str().unwrap().ends_with(" bytes]"));
    assert_eq!((events.len() as u64, sizes.count()), (REQUESTS, lacking));
    assert_eq!(kept.end().await.queue_bytes, 0);
}

#[tokio::test]
async fn a_prompts_name_is_no_personal_data_and_keys_are_hidden_in_one_that_no_prompt_has() {
    let kept = Kept::new();
    let instrumentation = kept.instrumentation().prompts(true);
    let server = instrumentation.instrument(ByHand::new([]));
    let (client, _serving) = over_stream(server, legacy()).await;
    let key = secret::openai();
    let names = [
        "rachel@example.com".to_owned(),
        format!("of the host {key}"),
        format!("unknown rachel@example.com {key}"),
    ];
    for name in &names {
        let prompt = GetPromptRequestParams::new(name);
        let _ = client.get_prompt(prompt).await;
    }
    let events = kept.events().await;
    let sent: Vec<_> = events
        .iter()
        .map(|event| event["meta"]["prompt_name"].as_str().unwrap())
        .collect();
    assert_eq!(sent[..2], names[..2]);
    assert!(sent[2].starts_with("unknown rachel@example.com "));
    assert!(!sent[2].contains(&*key), "{}", sent[2]);
}

#[tokio::test]
async fn the_mcpeye_wire_gets_calls_alone() {
    let kept = Kept::on(mcpeye());
    let instrumentation = kept.instrumentation().sessions(true).prompts(true);
    let factory = instrumentation.factory(|| Ok(Shop::new()));
    let http = over_http(factory, StreamableHttpServerConfig::default()).await;
    let client = connect(&http.url, Some("u1"), legacy()).await;
    client.list_all_tools().await.unwrap();
    call(
        &client,
        "search",
        json!({"query": "x", "mcpeyeIntent": "to see"}),
    )
    .await;
    let events = kept.events().await;
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(events[0]["toolName"], "search");
    assert_eq!(events[0]["userId"], "u1");
    assert_eq!(events[0]["intent"], "to see");
    assert_eq!(events[0]["intentSource"], "mcpeye");
    assert_eq!(kept.end().await.dropped.total(), 0);
}

#[tokio::test]
async fn a_logger_that_is_off_leaves_the_server_as_it_is() {
    let usage = mcp_usage::UsageLogger::disabled();
    let server = usage.instrument(Shop::new()).missing_capability(true);
    let (client, _serving) = over_stream(server, modern()).await;
    let (plain, _serving) = over_stream(Shop::new(), modern()).await;
    let listed = client.list_all_tools().await.unwrap();
    assert_eq!(listed, plain.list_all_tools().await.unwrap());
    let echoed = call(&client, "search", json!({"query": "x", "prompt": "kept"})).await;
    assert_eq!(echoed, "hit:x");
}
