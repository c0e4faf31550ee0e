//! The layer with intent: what is ours goes into answers of JSON and of events, and out of requests.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use mcp_usage::intent;
use mcp_usage::tower::UsageLayer;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};

use super::layer::{futures_of, serve};
use super::server::*;

const CAPABILITY: &str = "request_missing_capability";

#[tokio::test]
async fn a_client_and_a_server_of_the_sdk_see_no_more_than_what_is_ours() {
    for (era, mode) in eras() {
        for json_answers in [false, true] {
            let what = format!("{era} {json_answers}");
            let kept = Kept::new();
            let serve_by = async |layer: UsageLayer| {
                let config = StreamableHttpServerConfig::default().with_json_response(json_answers);
                let sessions = Arc::<LocalSessionManager>::default();
                let service = StreamableHttpService::new(|| Ok(Shop::new()), sessions, config);
                serve(Router::new().nest_service("/mcp", service).layer(layer)).await
            };
            let layer = UsageLayer::new(&kept.usage);
            let plain = serve_by(layer.clone()).await;
            let http = serve_by(layer.add_intent(true).missing_capability(true)).await;
            let without = connect(&plain.url, Some("u1"), mode.clone()).await;
            let with = connect(&http.url, Some("u1"), mode.clone()).await;
            let mut expected = json!(without.list_all_tools().await.unwrap());
            for tool in expected.as_array_mut().unwrap() {
                let name = tool["name"].as_str().unwrap();
                if !["strict", "draw"].contains(&name) {
                    tool["inputSchema"]["properties"]["prompt"] = intent::schema();
                }
            }
            let mut tools = with.list_all_tools().await.unwrap();
            assert_eq!(tools.pop().unwrap().name, CAPABILITY, "{what}");
            assert_eq!(json!(tools), expected, "{what}");
            let closed = json!({"text": "a", "prompt": "to see"});
            assert_eq!(call(&with, "closed", closed.clone()).await, "a", "{what}");
            let noted = call(&with, CAPABILITY, json!({"capability": "to fly"})).await;
            assert!(noted.starts_with("Noted"), "{what} {noted}");
            assert_eq!(
                call(&with, "draw", json!({"prompt": "a cat"})).await,
                "a cat"
            );
            // Somebody who was not shown the tools.
            let other = connect(&http.url, Some("u2"), mode.clone()).await;
            let refused = call(&other, "closed", closed).await;
            assert!(refused.contains("unknown field"), "{what} {refused}");
            let calls = kept.calls().await;
            let meta = |n: usize| &calls[n]["meta"];
            assert_eq!(meta(0)["prompt"], "to see", "{what}");
            assert_eq!(meta(0)["tool_arguments"], json!({"text": "a"}), "{what}");
            assert_eq!(meta(1)["tool"], CAPABILITY, "{what}");
            assert_eq!(meta(1)["outcome"], "ok", "{what}");
            assert_eq!(meta(1).get("unknown_tool"), None, "{what}");
            assert_eq!(calls.len(), 4, "{what}");
        }
    }
}

const TOOLS: &str =
    r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[ {"name":"a", "inputSchema":{}} ]}}"#;

/// A call of the tool with the property.
const CALL: &str =
    r#"{"id":2,"method":"tools/call","params":{"name":"a","arguments":{"prompt":"b"}}}"#;

/// A server by hand, which says what it hears: its answer's headers, and its pieces.
async fn by_hand(
    layer: UsageLayer,
    headers: &'static [(&'static str, &'static str)],
    pieces: Vec<String>,
) -> (
    Http,
    tokio::sync::mpsc::UnboundedReceiver<(HeaderMap, String)>,
) {
    let (heard, hears) = tokio::sync::mpsc::unbounded_channel();
    let answer = async move |request_headers: HeaderMap, body: String| -> Response {
        heard.send((request_headers, body)).unwrap();
        let whole: usize = pieces.iter().map(String::len).sum();
        let pieces: Vec<Result<_, std::io::Error>> = pieces.into_iter().map(Ok).collect();
        let mut answer = Body::from_stream(futures_of(pieces)).into_response();
        for (name, value) in headers {
            let value = value.replace("LENGTH", &whole.to_string());
            answer.headers_mut().insert(*name, value.parse().unwrap());
        }
        answer
    };
    let http = serve(Router::new().route("/mcp", post(answer)).layer(layer)).await;
    (http, hears)
}

async fn send(http: &Http, body: String) -> (HeaderMap, String) {
    let answer = plain_http()
        .post(&http.url)
        .header("content-type", "application/json");
    let answer = answer.body(body).send().await.unwrap();
    (answer.headers().clone(), answer.text().await.unwrap())
}

fn list() -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string()
}

fn with_property(text: &str) -> String {
    let properties = format!("{{\"properties\":{{\"prompt\":{}}}}}", intent::schema());
    text.replacen("{}", &properties, 1)
}

#[tokio::test]
async fn a_body_of_json_is_changed_and_its_length_with_it() {
    let kept = Kept::new();
    let layer = UsageLayer::new(&kept.usage).add_intent(true);
    let headers = &[
        ("content-type", "application/json"),
        ("content-length", "LENGTH"),
    ];
    let pieces = TOOLS.as_bytes().chunks(9);
    let pieces = pieces
        .map(|piece| String::from_utf8(piece.to_vec()).unwrap())
        .collect();
    let (http, mut hears) = by_hand(layer, headers, pieces).await;
    let (head, body) = send(&http, list()).await;
    assert_eq!(body, with_property(TOOLS));
    assert_eq!(head.get("content-length"), None);
    hears.recv().await.unwrap();
    let call = |arguments: &str| {
        format!(
            r#"{{"id":2, "method":"tools/call","params":{{"name":"a","arguments":{arguments}}}}}"#
        )
    };
    send(&http, call(r#"{ "n":1.0, "prompt":"why" }"#)).await;
    let (head, body) = hears.recv().await.unwrap();
    assert_eq!(body, call(r#"{ "n":1.0 }"#));
    assert!(
        head.get("content-length")
            .is_none_or(|length| length == body.len().to_string().as_str())
    );
    // Nothing is asked for: the answer is what it was, and so is its head.
    let (head, body) = send(&http, call("{}")).await;
    assert_eq!(body, TOOLS);
    assert_eq!(head["content-length"], TOOLS.len().to_string().as_str());
}

#[tokio::test]
async fn an_event_keeps_its_fields_and_its_lines_and_those_around_it() {
    let kept = Kept::new();
    let layer = UsageLayer::new(&kept.usage).add_intent(true);
    let (start, end) = TOOLS.split_at(TOOLS.find("\"tools\"").unwrap());
    let event = format!(
        "id: 7\r\nevent: message\r\ndata: {start}\r\n: note\r\ndata:{end}\r\nretry: 5\r\n\r\n"
    );
    let before =
        ": hello\r\n\r\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n";
    let after = "data: {\"id\":1,\"result\":{\"tools\":[{\"inputSchema\":{}}]}}\n\ndata: last";
    let whole = format!("{before}{event}{after}");
    for piece in [1, 13, 10_000] {
        let pieces = whole.as_bytes().chunks(piece);
        let pieces = pieces
            .map(|piece| String::from_utf8(piece.to_vec()).unwrap())
            .collect();
        let headers = &[("content-type", "text/event-stream; charset=utf-8")];
        let (http, _hears) = by_hand(layer.clone(), headers, pieces).await;
        let (_, body) = send(&http, list()).await;
        assert_eq!(
            body,
            format!("{before}{}{after}", with_property(&event)),
            "{piece}"
        );
    }
}

#[tokio::test]
async fn a_body_of_another_kind_passes_as_it_is() {
    let large = format!("{TOOLS}{}", " ".repeat(1_100_000));
    let plain: &[(&str, &str)] = &[("content-type", "application/json")];
    for (headers, body) in [
        (
            &[
                ("content-type", "application/json"),
                ("content-encoding", "br"),
            ][..],
            TOOLS,
        ),
        (
            &[("content-type", "application/json"), ("etag", "\"1\"")],
            TOOLS,
        ),
        (
            &[("content-type", "application/json"), ("digest", "x")],
            TOOLS,
        ),
        (&[("content-type", "text/html")], TOOLS),
        (plain, &large),
        (
            &[
                ("content-type", "application/json"),
                ("content-length", "LENGTH"),
            ],
            &large,
        ),
        (plain, "<html>"),
    ] {
        let kept = Kept::new();
        let layer = UsageLayer::new(&kept.usage).add_intent(true);
        let (http, mut hears) = by_hand(layer, headers, vec![body.to_owned()]).await;
        let (head, seen) = send(&http, list()).await;
        assert!(seen == body, "{headers:?}");
        assert_eq!(hears.recv().await.unwrap().1, list());
        // Nor is anything taken from the calls of its tools.
        send(&http, CALL.to_owned()).await;
        assert_eq!(hears.recv().await.unwrap().1, CALL, "{headers:?}");
        if headers.contains(&("content-length", "LENGTH")) {
            assert_eq!(head["content-length"], body.len().to_string().as_str());
        }
    }
}

#[tokio::test]
async fn a_body_of_1_mib_gets_the_property_and_one_of_a_byte_more_passes_as_it_is() {
    const MOST: usize = 1024 * 1024;
    for (bytes, is_ours) in [(MOST, true), (MOST + 1, false)] {
        for headers in [
            &[("content-type", "application/json")][..],
            &[
                ("content-type", "application/json"),
                ("content-length", "LENGTH"),
            ],
        ] {
            let kept = Kept::new();
            let layer = UsageLayer::new(&kept.usage).add_intent(true);
            let body = format!("{TOOLS}{}", " ".repeat(bytes - TOOLS.len()));
            let (http, mut hears) = by_hand(layer, headers, vec![body.clone()]).await;
            let (_, seen) = send(&http, list()).await;
            assert_eq!(seen != body, is_ours, "{bytes} {headers:?}");
            assert_eq!(hears.recv().await.unwrap().1, list());
            send(&http, CALL.to_owned()).await;
            let heard = hears.recv().await.unwrap().1;
            assert_eq!(heard != CALL, is_ours, "{bytes} {headers:?}");
        }
    }
}

#[tokio::test]
async fn no_argument_is_captured_by_a_layer_that_is_to_capture_none() {
    for on in [true, false] {
        let kept = Kept::new();
        let layer = UsageLayer::new(&kept.usage).arguments(on);
        let (http, _hears) = by_hand(layer, &[], vec!["{}".to_owned()]).await;
        let call = r#"{"id":2,"method":"tools/call","params":{"name":"a","arguments":{"n":1}}}"#;
        send(&http, call.to_owned()).await;
        let calls = kept.calls().await;
        let expected = on.then(|| json!({"n": 1}));
        assert_eq!(kept.only(&calls).get("tool_arguments"), expected.as_ref());
    }
}

#[tokio::test]
async fn the_arguments_that_may_be_are_captured_by_all_integrations() {
    use mcp_usage::Arguments;

    let by = |tool: &str| match tool {
        "none" => Arguments::None,
        "some" => Arguments::names(["b", "c"]),
        _ => Arguments::All,
    };
    let arguments = json!({"a": 1, "b": 2, "c": 3});
    let expected = [
        json!({"a": 1, "b": 2, "c": 3}),
        Value::Null,
        json!({"b": 2}),
    ];

    let kept = Kept::new();
    let layer = UsageLayer::new(&kept.usage)
        .arguments_of("some", ["a", "b"])
        .arguments_by(by);
    let (http, _hears) = by_hand(layer, &[], vec!["{}".to_owned()]).await;
    for tool in ["all", "none", "some"] {
        let call = json!({"id": 2, "method": "tools/call", "params": {"name": tool, "arguments": arguments}});
        send(&http, call.to_string()).await;
    }
    let over_layer = kept.calls().await;

    let kept = Kept::new();
    let by = kept
        .instrumentation()
        .arguments_of("some", ["a", "b"])
        .arguments_by(by);
    let server = ByHand::new(["all", "none", "some"].map(|name| (name, json!({}))));
    let (client, _serving) = over_stream(by.instrument(server), legacy()).await;
    for tool in ["all", "none", "some"] {
        call(&client, tool, arguments.clone()).await;
    }
    for calls in [over_layer, kept.calls().await] {
        let captured: Vec<_> = calls
            .iter()
            .map(|call| call["meta"]["tool_arguments"].clone())
            .collect();
        assert_eq!(captured, expected);
    }
}

/// A server by hand that answers with the tools, compressed as the request says, and says what it hears.
async fn by_hand_encoded(
    layer: UsageLayer,
) -> (Http, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let (heard, hears) = tokio::sync::mpsc::unbounded_channel();
    let answer = async move |request: HeaderMap, body: String| -> Response {
        heard.send(body).unwrap();
        let mut answer = TOOLS.into_response();
        let headers = answer.headers_mut();
        headers.insert("content-type", "application/json".parse().unwrap());
        if let Some(encoding) = request.get("x-encoding") {
            headers.insert("content-encoding", encoding.clone());
        }
        if request.contains_key("x-ends-early") {
            // The answer is to come by a stream that the client opens next.
            headers.insert("content-type", "text/event-stream".parse().unwrap());
            *answer.body_mut() = "id: 1\ndata:\n\n".into();
        }
        answer
    };
    let http = serve(Router::new().route("/mcp", post(answer)).layer(layer)).await;
    (http, hears)
}

async fn send_with(http: &Http, body: &str, name: &'static str, value: &'static str) {
    let request = plain_http()
        .post(&http.url)
        .header("content-type", "application/json")
        .header(name, value);
    let answer = request.body(body.to_owned()).send().await.unwrap();
    answer.bytes().await.unwrap();
}

#[tokio::test]
async fn a_request_with_a_digest_or_a_signature_passes_as_it_is() {
    let kept = Kept::new();
    let layer = UsageLayer::new(&kept.usage).add_intent(true);
    let (http, mut hears) = by_hand_encoded(layer).await;
    send(&http, list()).await;
    hears.recv().await.unwrap();
    send(&http, CALL.to_owned()).await;
    assert_eq!(
        hears.recv().await.unwrap(),
        CALL.replace("\"prompt\":\"b\"", "")
    );
    for name in [
        "content-digest",
        "digest",
        "signature",
        "signature-input",
        "x-amz-content-sha256",
    ] {
        send_with(&http, CALL, name, "sha-256=:x:").await;
        assert_eq!(hears.recv().await.unwrap(), CALL, "{name}");
    }
}

#[tokio::test]
async fn a_list_that_is_not_read_takes_back_what_was_shown() {
    for how in ["x-encoding", "x-ends-early"] {
        let kept = Kept::new();
        let layer = UsageLayer::new(&kept.usage).add_intent(true);
        let (http, mut hears) = by_hand_encoded(layer).await;
        send(&http, list()).await;
        send_with(&http, &list(), how, "br").await;
        send(&http, CALL.to_owned()).await;
        for expected in [&*list(), &*list(), CALL] {
            assert_eq!(hears.recv().await.unwrap(), expected, "{how}");
        }
    }
}
