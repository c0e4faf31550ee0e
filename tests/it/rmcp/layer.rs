//! The `tower` layer around servers that know nothing of it, and the helper for plain functions.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::post;
use mcp_usage::ToolCall;
use mcp_usage::tower::UsageLayer;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};

use super::server::*;
use crate::support::{PATIENCE, otlp};

/// A plain rmcp server behind the layer.
async fn layered(layer: UsageLayer, config: StreamableHttpServerConfig) -> Http {
    let service = StreamableHttpService::new(
        || Ok(Shop::new()),
        Arc::<LocalSessionManager>::default(),
        config,
    );
    serve(Router::new().nest_service("/mcp", service).layer(layer)).await
}

pub(super) async fn serve(app: Router) -> Http {
    serve_app(app.layer(middleware::from_fn(authenticate))).await
}

#[tokio::test]
async fn a_server_behind_the_layer_gives_the_events_of_an_instrumented_one() {
    for (era, mode) in eras() {
        for json_answers in [false, true] {
            let config = || StreamableHttpServerConfig::default().with_json_response(json_answers);
            let mut sessions = Vec::new();
            for is_layer in [true, false] {
                let kept = Kept::new();
                let http = if is_layer {
                    layered(UsageLayer::new(&kept.usage), config()).await
                } else {
                    let instrumentation = kept.instrumentation().intent(false);
                    over_http(instrumentation.factory(|| Ok(Shop::new())), config()).await
                };
                let client = connect(&http.url, Some("u1"), mode.clone()).await;
                client.list_all_tools().await.unwrap();
                call(
                    &client,
                    "search",
                    json!({"query": "rails", "password": "x"}),
                )
                .await;
                call(&client, "boom", empty_object()).await;
                call(&client, "serach", empty_object()).await;
                client.cancel().await.unwrap();
                let mut events: Vec<_> = kept.events().await.into_iter().map(steady).collect();
                assert_eq!(
                    events.len(),
                    5,
                    "{era} {json_answers} {is_layer}: {events:#?}"
                );
                // Who logs in is seen with the first listing there, with the first call here.
                events.sort_by_key(|event| {
                    let kind = event["activity_type"].as_str().unwrap().to_owned();
                    (
                        kind,
                        event["meta"]["tool"]
                            .as_str()
                            .unwrap_or_default()
                            .to_owned(),
                    )
                });
                sessions.push(events);
            }
            for (layer, server) in sessions[0].iter().zip(&sessions[1]) {
                assert_eq!(layer, server, "{era} {json_answers}");
            }
        }
    }
}

#[tokio::test]
async fn answers_in_pieces_lists_of_messages_and_large_ones_are_read() {
    let kept = Kept::new();
    let layer = UsageLayer::new(&kept.usage)
        .intent("why")
        .results(true)
        .max_message_bytes(2_000);
    let answer = async |body: String| {
        let big = "x".repeat(5_000);
        let pieces: Vec<Result<String, std::io::Error>> = if body.contains("large") {
            vec![Ok(format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{{\"text\":\"{big}\"}}}}"
            ))]
        } else {
            let answers = json!([
                {"jsonrpc": "2.0", "id": 1, "result": {"content": []}},
                {"jsonrpc": "2.0", "id": "b", "error": {"code": -32603, "message": "broken"}},
            ]);
            let answers = answers.to_string();
            answers
                .as_bytes()
                .chunks(7)
                .map(|piece| Ok(String::from_utf8(piece.to_vec()).unwrap()))
                .collect()
        };
        let body = Body::from_stream(futures_of(pieces));
        ([("content-type", "application/json")], body).into_response()
    };
    let http = serve(Router::new().route("/mcp", post(answer)).layer(layer)).await;
    let post = async |body: String| {
        let answer = plain_http()
            .post(&http.url)
            .body(body)
            .send()
            .await
            .unwrap();
        answer.text().await.unwrap()
    };
    let list = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
         "params": {"name": "one", "arguments": {"a": 1, "why": "to see"}}},
        {"jsonrpc": "2.0", "id": "b", "method": "tools/call", "params": {"name": "two"}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
    ]);
    assert!(post(list.to_string()).await.ends_with("\"broken\"}}]"));
    let large =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "large"}});
    assert_eq!(post(large.to_string()).await.len(), 5_000 + 45);
    let huge = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "huge", "arguments": {"text": "y".repeat(3_000)}}});
    post(huge.to_string()).await;

    let calls = kept.calls().await;
    let seen: Vec<_> = calls
        .iter()
        .map(|call| {
            let meta = &call["meta"];
            (
                meta["tool"].as_str().unwrap(),
                meta["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("one", "ok"),
            ("two", "protocol_error"),
            ("large", "ok"),
            ("huge", "ok")
        ]
    );
    // What is larger than the bound is recorded without its content, and counted.
    assert_eq!(calls[2]["meta"].get("result"), None);
    assert_eq!(calls[3]["meta"].get("tool_arguments"), None);
    assert_eq!(kept.usage.stats().calls_without_content, 2);
    assert_eq!(kept.usage.stats().unread_messages, 0);
    assert_eq!(calls[0]["meta"]["prompt"], "to see");
    assert_eq!(calls[0]["meta"]["tool_arguments"], json!({"a": 1}));
    assert_eq!(calls[0]["meta"]["request_id"], "1");
    assert_eq!(calls[1]["meta"]["request_id"], "b");
    assert_eq!(calls[1]["meta"]["error"], "broken");
}

/// A server on no SDK: it lists tools, answers each call as the test says, and hears what the tool gets.
async fn by_hand(layer: UsageLayer) -> (Http, tokio::sync::mpsc::UnboundedReceiver<Value>) {
    let (heard, hears) = tokio::sync::mpsc::unbounded_channel();
    let answer = async move |body: String| {
        let request: Value = serde_json::from_str(&body).unwrap();
        let params = &request["params"];
        heard.send(params["arguments"].clone()).unwrap();
        let text = |text: &str| json!({"type": "string", "description": text});
        let schema = |name: &str, property: Value| json!({"type": "object", "properties": {name: property, "q": {"type": "string"}}});
        let tool = |name: &str, schema: Value| json!({"name": name, "inputSchema": schema});
        let mut answer = json!({"jsonrpc": "2.0", "id": request["id"]});
        match (&request["method"], &params["name"]) {
            (method, _) if method == "tools/list" && params["cursor"].is_null() => {
                let ours = mcp_usage::intent::schema();
                answer["result"] = json!({"nextCursor": "2", "tools": [
                    tool("published", schema("prompt", ours)),
                    tool("own", schema("prompt", text("What to draw."))),
                ]});
            }
            (method, _) if method == "tools/list" => {
                let why = text("Why you call this, for product analytics.");
                answer["result"] = json!({"tools": [tool("native", schema("intent", why))]});
            }
            (_, name) if name == "absent" => {
                answer["error"] = json!({"code": -32602, "message": "Unknown tool: absent"});
            }
            (_, name) if name == "own" => {
                answer["error"] = json!({"code": -32602, "message": "the order was not found"});
            }
            (_, name) if name == "asks" && params["requestState"] != "b" => {
                let state = if params["requestState"] == "a" {
                    "b"
                } else {
                    "a"
                };
                answer["result"] = json!({"resultType": "input_required", "requestState": state});
                if state == "a" {
                    answer["result"]["inputRequests"] = asks();
                }
            }
            _ => answer["result"] = json!({"content": []}),
        }
        ([("content-type", "application/json")], answer.to_string()).into_response()
    };
    let http = serve(Router::new().route("/mcp", post(answer)).layer(layer)).await;
    (http, hears)
}

async fn send(http: &Http, method: &str, params: Value) {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let answer = plain_http().post(&http.url).body(body.to_string()).send();
    answer.await.unwrap().text().await.unwrap();
}

#[tokio::test]
async fn what_a_listing_shows_tells_the_intent_from_an_argument_and_a_tool_from_none() {
    let kept = Kept::new();
    let (http, mut heard) = by_hand(UsageLayer::new(&kept.usage)).await;
    let calls = [
        ("published", json!({"prompt": "to see", "q": "1"})),
        ("own", json!({"prompt": "a cat", "q": "2"})),
        ("native", json!({"intent": "to learn", "q": "3"})),
        ("absent", json!({"q": "4"})),
    ];
    // Before a listing nothing is known, so an argument is an argument.
    send(
        &http,
        "tools/call",
        json!({"name": "published", "arguments": calls[0].1}),
    )
    .await;
    send(&http, "tools/list", json!({})).await;
    send(&http, "tools/list", json!({"cursor": "2"})).await;
    for (name, arguments) in &calls {
        send(
            &http,
            "tools/call",
            json!({"name": name, "arguments": arguments}),
        )
        .await;
    }
    // The server gets what the client sent.
    let mut passed = Vec::new();
    while let Ok(arguments) = heard.try_recv() {
        passed.extend(arguments.is_object().then_some(arguments));
    }
    assert_eq!(
        passed.iter().skip(1).collect::<Vec<_>>(),
        calls.iter().map(|(_, a)| a).collect::<Vec<_>>()
    );

    let seen: Vec<_> = kept
        .calls()
        .await
        .iter()
        .map(|call| {
            let meta = &call["meta"];
            let pick = |key: &str| meta[key].clone();
            json!([
                pick("prompt"),
                pick("intent_source"),
                pick("tool_arguments"),
                pick("unknown_tool")
            ])
        })
        .collect();
    assert_eq!(
        seen,
        [
            json!([null, null, {"prompt": "to see", "q": "1"}, null]),
            json!(["to see", "mcpeye", {"q": "1"}, null]),
            json!([null, null, {"prompt": "a cat", "q": "2"}, null]),
            json!(["to learn", "native", {"q": "3"}, null]),
            json!([null, null, {"q": "4"}, true]),
        ]
    );
}

/// Two tenants whose tool `draw` is not the same: one publishes our property, one has a prompt of its own. Each calls
/// its tool after both have listed theirs; a third has listed none.
async fn two_tenants(marks: [&[(&'static str, &'static str)]; 3], paths: [&str; 3]) -> Vec<Value> {
    two_tenants_behind(|layer| layer, marks, paths).await
}

async fn two_tenants_behind(
    set: impl FnOnce(UsageLayer) -> UsageLayer,
    marks: [&[(&'static str, &'static str)]; 3],
    paths: [&str; 3],
) -> Vec<Value> {
    let kept = Kept::new();
    let answer = async |request: Request<Body>| {
        let is_published = request.headers()["x-of-the-test"] == "0";
        let body = axum::body::to_bytes(request.into_body(), 10_000).await;
        let request: Value = serde_json::from_slice(&body.unwrap()).unwrap();
        let prompt = if is_published {
            mcp_usage::intent::schema()
        } else {
            json!({"type": "string", "description": "What to draw."})
        };
        let schema = json!({"type": "object", "properties": {"prompt": prompt}});
        let result = if request["method"] == "tools/list" {
            json!({"tools": [{"name": "draw", "inputSchema": schema}]})
        } else {
            json!({"content": []})
        };
        let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": result});
        ([("content-type", "application/json")], answer.to_string()).into_response()
    };
    let layer = set(UsageLayer::new(&kept.usage));
    let http = serve(Router::new().fallback(post(answer)).layer(layer)).await;
    let send = async |tenant: usize, method: &str, params: Value| {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let url = format!("{}{}", http.url, paths[tenant]);
        let mut request = plain_http()
            .post(url)
            .header("x-of-the-test", tenant.to_string());
        for (name, value) in marks[tenant] {
            request = request.header(*name, *value);
        }
        let answer = request.body(body.to_string()).send().await.unwrap();
        answer.text().await.unwrap();
    };
    for tenant in [0, 1] {
        send(tenant, "tools/list", json!({})).await;
    }
    for tenant in [0, 1, 2] {
        let params = json!({"name": "draw", "arguments": {"prompt": "a cat"}});
        send(tenant, "tools/call", params).await;
    }
    let calls = kept.calls().await;
    let seen = calls.iter().map(|call| {
        let meta = &call["meta"];
        json!([meta["prompt"], meta["tool_arguments"]])
    });
    seen.collect()
}

#[tokio::test]
async fn tenants_of_one_logger_whose_tools_share_a_name_do_not_mix() {
    let users = [&[("x-user", "u0")][..], &[("x-user", "u1")], &[]];
    let tokens = [
        &[("authorization", "Bearer t0")][..],
        &[("authorization", "Bearer t1")],
        &[],
    ];
    let hosts = [
        &[("host", "t0.test")][..],
        &[("host", "t1.test")],
        &[("host", "t2.test")],
    ];
    let cookies = [
        &[("cookie", "session=t0")][..],
        &[("cookie", "session=t1")],
        &[],
    ];
    let keys = [&[("x-api-key", "t0")][..], &[("x-api-key", "t1")], &[]];
    let headers = [
        &[("x-user", "u0"), ("x-tenant-id", "t0")][..],
        &[("x-user", "u0"), ("x-tenant-id", "t1")],
        &[("x-user", "u0")],
    ];
    let none: [&[_]; 3] = [&[], &[], &[]];
    for (by, marks, paths) in [
        ("user", users, ["", "", ""]),
        ("credential", tokens, ["", "", ""]),
        ("cookie", cookies, ["", "", ""]),
        ("key", keys, ["", "", ""]),
        ("header", headers, ["", "", ""]),
        ("host", hosts, ["", "", ""]),
        ("path", none, ["/t0", "/t1", "/t2"]),
        ("query", none, ["?tenant=t0", "?tenant=t1", ""]),
    ] {
        assert_eq!(
            two_tenants(marks, paths).await,
            [
                json!(["a cat", {}]),
                json!([null, {"prompt": "a cat"}]),
                json!([null, {"prompt": "a cat"}]),
            ],
            "told apart by {by}"
        );
    }
}

#[tokio::test]
async fn tenants_that_a_header_of_any_name_tells_apart_do_not_mix_where_the_layer_knows_it() {
    let marks = [&[("x-user", "u0")][..]; 3];
    let set = |layer: UsageLayer| layer.tenant_header("X-Of-The-Test");
    assert_eq!(
        two_tenants_behind(set, marks, [""; 3]).await,
        [
            json!(["a cat", {}]),
            json!([null, {"prompt": "a cat"}]),
            json!([null, {"prompt": "a cat"}]),
        ]
    );
}

/// As a server does that keeps its sessions in cookies.
#[tokio::test]
async fn a_cookie_that_the_answer_to_initialize_sets_costs_no_clients_name() {
    let kept = Kept::new();
    let answer = async |body: String| {
        let request: Value = serde_json::from_str(&body).unwrap();
        let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": {"content": []}});
        let head = [
            ("content-type", "application/json"),
            ("mcp-session-id", "s1"),
            ("set-cookie", "route=a"),
        ];
        (head, answer.to_string()).into_response()
    };
    let layer = UsageLayer::new(&kept.usage);
    let http = serve(Router::new().route("/mcp", post(answer)).layer(layer)).await;
    let send = async |headers: &[(&'static str, &'static str)], method: &str, params: Value| {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut request = plain_http().post(&http.url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.body(body.to_string()).send().await.unwrap();
        answer.text().await.unwrap();
    };
    let client = json!({"clientInfo": {"name": "first", "version": "1"}});
    send(&[], "initialize", client).await;
    let session = [("mcp-session-id", "s1"), ("cookie", "route=a")];
    send(&session, "tools/call", json!({"name": "t"})).await;
    let calls = kept.calls().await;
    assert_eq!(kept.only(&calls)["client_name"], "first");
}

#[tokio::test]
async fn a_users_tools_stay_known_when_the_token_is_renewed() {
    let renewed = [
        &[("x-user", "u0"), ("authorization", "Bearer t0")][..],
        &[("x-user", "u1"), ("authorization", "Bearer t1")],
        &[("x-user", "u0"), ("authorization", "Bearer t2")],
    ];
    let seen = two_tenants(renewed, ["", "", ""]).await;
    assert_eq!(seen[2], json!(["a cat", {}]));
}

#[tokio::test]
async fn a_failed_call_is_one_of_an_unknown_tool_only_where_its_error_says_so() {
    let kept = Kept::new();
    let answer = async |body: String| {
        let request: Value = serde_json::from_str(&body).unwrap();
        let mut answer = json!({"jsonrpc": "2.0", "id": request["id"]});
        if request["method"] == "tools/list" {
            answer["result"] = json!({"tools": [{"name": "gone"}, {"name": "listed"}]});
        } else {
            let message = match request["params"]["name"].as_str().unwrap() {
                name @ ("gone" | "absent") => format!("Unknown tool: {name}"),
                "serach" => "Tool serach not found".to_owned(),
                name => format!("{name} 17 not found"),
            };
            answer["error"] = json!({"code": -32602, "message": message});
        }
        ([("content-type", "application/json")], answer.to_string()).into_response()
    };
    let layer = UsageLayer::new(&kept.usage);
    let http = serve(Router::new().route("/mcp", post(answer)).layer(layer)).await;
    // `gone` is listed and then taken out of the server, `unlisted` is a tool that no listing has shown here.
    send(&http, "tools/list", json!({})).await;
    let tools = ["gone", "absent", "serach", "listed", "unlisted"];
    for name in tools {
        send(&http, "tools/call", json!({"name": name})).await;
    }
    let calls = kept.calls().await;
    let unknown: Vec<_> = calls
        .iter()
        .map(|call| {
            assert_eq!(call["meta"]["outcome"], "protocol_error");
            call["meta"]["unknown_tool"] == true
        })
        .collect();
    assert_eq!(unknown, [true, true, true, false, false]);
}

#[tokio::test]
async fn a_span_has_the_context_of_its_message_else_that_of_its_http_request() {
    const OWN: &str = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
    const OUTER: &str = "00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-00";
    let kept = Kept::on(otlp());
    let answer = async |_: String| {
        let answer = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": "no"}});
        ([("content-type", "application/json")], answer.to_string()).into_response()
    };
    let layer = UsageLayer::new(&kept.usage);
    let http = serve(Router::new().route("/mcp", post(answer)).layer(layer)).await;
    let meta = json!({"traceparent": OWN, "tracestate": "own=1"});
    for params in [json!({"name": "t"}), json!({"name": "t", "_meta": meta})] {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let request = plain_http()
            .post(&http.url)
            .header("traceparent", OUTER)
            .header("tracestate", "outer=1")
            .body(body.to_string());
        request.send().await.unwrap().text().await.unwrap();
    }
    let spans = kept.spans().await;
    let calls: Vec<_> = spans.iter().filter(|span| span["kind"] == 2).collect();
    assert_eq!(calls.len(), 2, "{spans:#?}");
    let said = |span: &Value| {
        ["traceId", "parentSpanId", "traceState"]
            .map(|name| span[name].as_str().unwrap().to_owned())
    };
    assert_eq!(said(calls[0]), [&OUTER[3..35], &OUTER[36..52], "outer=1"]);
    assert_eq!(calls[0].get("links"), None);
    assert_eq!(said(calls[1]), [&OWN[3..35], &OWN[36..52], "own=1"]);
    assert_eq!(calls[1]["links"][0]["spanId"], OUTER[36..52]);
    for call in calls {
        assert_eq!(call["attributes"]["rpc.response.status_code"], "-32603");
        assert_eq!(call["status"]["message"], "no");
    }
}

#[tokio::test]
async fn the_layer_counts_the_rounds_of_a_call() {
    let kept = Kept::new();
    let (http, _heard) = by_hand(UsageLayer::new(&kept.usage)).await;
    for state in [
        json!(null),
        json!("a"),
        json!("b"),
        json!("of another process"),
    ] {
        let mut params = json!({"name": "asks", "arguments": {}});
        if !state.is_null() {
            params["requestState"] = state;
            params["inputResponses"] = json!({});
        }
        send(&http, "tools/call", params).await;
    }
    let calls = kept.calls().await;
    let rounds: Vec<_> = calls
        .iter()
        .map(|call| {
            (
                call["meta"]["round"].as_u64(),
                call["meta"]["outcome"].as_str().unwrap(),
                call["meta"].get("input_request_methods"),
            )
        })
        .collect();
    let methods = json!(["elicitation/create", "roots/list"]);
    assert_eq!(
        rounds,
        [
            (None, "input_required", Some(&methods)),
            (Some(1), "input_required", None),
            (Some(2), "ok", None),
            (Some(1), "input_required", Some(&methods)),
        ]
    );
}

#[tokio::test]
async fn two_callers_with_one_state_or_one_sessions_id_do_not_share_rounds_or_a_client() {
    let kept = Kept::new();
    let answer = async |body: String| {
        let request: Value = serde_json::from_str(&body).unwrap();
        let result = json!({"resultType": "input_required", "requestState": "a"});
        let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": result});
        let head = [
            ("content-type", "application/json"),
            ("mcp-session-id", "s1"),
        ];
        (head, answer.to_string()).into_response()
    };
    let layer = UsageLayer::new(&kept.usage);
    let http = serve(Router::new().route("/mcp", post(answer)).layer(layer)).await;
    let send = async |key: &str, method: &str, params: Value| {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let request = plain_http().post(&http.url).header("x-api-key", key);
        let request = request.header("mcp-session-id", "s1");
        let answer = request.body(body.to_string()).send().await.unwrap();
        answer.text().await.unwrap();
    };
    let client = json!({"clientInfo": {"name": "first", "version": "1"}});
    send("k1", "initialize", client).await;
    let first = json!({"name": "t"});
    let second = json!({"name": "t", "requestState": "a"});
    for (key, params) in [
        ("k1", &first),
        ("k1", &second),
        ("k2", &second),
        ("k1", &second),
    ] {
        send(key, "tools/call", params.clone()).await;
    }
    let calls = kept.calls().await;
    let seen: Vec<_> = calls
        .iter()
        .map(|call| json!([call["meta"]["round"], call["meta"]["client_name"]]))
        .collect();
    assert_eq!(
        seen,
        [
            json!([null, "first"]),
            json!([1, "first"]),
            json!([1, null]),
            json!([2, "first"]),
        ]
    );
}

#[tokio::test]
async fn a_client_that_goes_away_has_cancelled() {
    let kept = Kept::new();
    let gate = Gate::default();
    let entered = gate.entered.clone();
    let never = move |_: String| {
        let entered = entered.clone();
        async move {
            entered.notify_one();
            std::future::pending::<()>().await;
        }
    };
    let layer = UsageLayer::new(&kept.usage);
    let http = serve(Router::new().route("/mcp", post(never)).layer(layer)).await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"slow"}}"#;
    let request = tokio::spawn(plain_http().post(&http.url).body(body).send());
    gate.entered.notified().await;
    request.abort();
    until(async || !kept.calls().await.is_empty()).await;
    let calls = kept.calls().await;
    assert_eq!(kept.only(&calls)["outcome"], "cancelled");
}

#[tokio::test]
async fn a_call_has_one_event_for_each_logger_whatever_records_it() {
    for (era, mode) in eras() {
        let (kept, other) = (Kept::new(), Kept::new());
        let instrumentation = kept.instrumentation().intent(false);
        let service = StreamableHttpService::new(
            instrumentation.factory(|| Ok(Shop::new())),
            Arc::<LocalSessionManager>::default(),
            StreamableHttpServerConfig::default(),
        );
        let app = Router::new()
            .nest_service("/mcp", service)
            .layer(UsageLayer::new(&kept.usage))
            .layer(UsageLayer::new(&other.usage))
            .layer(UsageLayer::new(&kept.usage.clone()).auth_rejections(true));
        let http = serve(app).await;
        let client = connect(&http.url, Some("u1"), mode).await;
        client.list_all_tools().await.unwrap();
        call(&client, "search", json!({"query": "rails"})).await;
        call(&client, "serach", empty_object()).await;
        client.cancel().await.unwrap();
        for kept in [&kept, &other] {
            let events = kept.events().await;
            let mut kinds: Vec<_> = events
                .iter()
                .map(|event| event["activity_type"].as_str().unwrap())
                .collect();
            kinds.sort_unstable();
            let once = [
                "MCP_IDENTITY_CAPTURE",
                "MCP_INIT",
                "MCP_TOOL_CALL",
                "MCP_TOOL_CALL",
            ];
            assert_eq!(kinds, once, "{era}: {events:#?}");
            kept.end().await;
        }
    }
}

#[tokio::test]
async fn refused_logins_are_reported_by_their_class() {
    let kept = Kept::new();
    let layer = UsageLayer::new(&kept.usage).auth_rejections(true);
    let refuse = async |request: Request<Body>| match request.headers().get("x-status") {
        Some(status) => StatusCode::from_bytes(status.as_bytes()).unwrap(),
        None => StatusCode::UNAUTHORIZED,
    };
    let http = serve(Router::new().route("/mcp", post(refuse)).layer(layer)).await;
    let token = ["Bearer", "opaque-token-of-a-test"].join(" ");
    for (status, token) in [
        ("401", None),
        ("401", Some(&token)),
        ("403", Some(&token)),
        ("429", None),
        ("200", None),
    ] {
        let mut request = plain_http().post(&http.url).header("x-status", status);
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        request.send().await.unwrap();
    }
    let events = kept.events().await;
    let reasons: Vec<_> = events
        .iter()
        .map(|event| {
            assert_eq!(event["activity_type"], "MCP_AUTH_REJECTED");
            assert_eq!(event["user_id_type"], "ANONYMOUS");
            event["meta"]["reason"].as_str().unwrap()
        })
        .collect();
    assert_eq!(reasons, ["missing", "invalid", "forbidden", "rate_limited"]);
    assert!(!format!("{events:?}").contains("opaque"));
}

#[tokio::test]
async fn an_async_function_is_recorded_however_it_ends() {
    let kept = Kept::new();
    let usage = &kept.usage;
    let arguments = json!({"query": "rails"});
    let call = |tool| ToolCall::new(tool).arguments(&arguments);
    let fine = usage
        .record(call("fine"), async { Ok::<_, std::io::Error>(5) })
        .await;
    assert_eq!(fine.unwrap(), 5);
    let fails = usage
        .record(call("fails"), async { Err::<(), _>("no luck") })
        .await;
    assert_eq!(fails.unwrap_err(), "no luck");
    let never = usage.record(
        call("dropped"),
        std::future::pending::<Result<(), String>>(),
    );
    drop(never);
    let panics = usage.clone().record(call("panics"), async {
        panic!("a function of the test's");
        #[expect(unreachable_code, reason = "names the type")]
        Ok::<(), String>(())
    });
    tokio::time::timeout(PATIENCE, tokio::spawn(panics))
        .await
        .unwrap()
        .unwrap_err();
    let calls = kept.calls().await;
    let ends: Vec<_> = calls
        .iter()
        .map(|call| call["meta"]["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(ends, ["ok", "tool_error", "dropped", "panicked"]);
    assert_eq!(calls[1]["meta"]["error"], "no luck");
    assert_eq!(calls[0]["meta"]["tool_arguments"], arguments);
}

/// A stream of what is there already.
pub(super) fn futures_of<T: Send + 'static>(
    items: Vec<T>,
) -> impl futures_core::Stream<Item = T> + Send + 'static {
    Pieces(items.into_iter())
}

struct Pieces<T>(std::vec::IntoIter<T>);

impl<T> Unpin for Pieces<T> {}

impl<T> futures_core::Stream for Pieces<T> {
    type Item = T;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<T>> {
        std::task::Poll::Ready(self.0.next())
    }
}
