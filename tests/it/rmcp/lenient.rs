//! The `tower` layer and messages that are spelled unusually, or not to be read at all.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use mcp_usage::Wire;
use mcp_usage::tower::{RequestBody, UsageLayer};
use serde_json::{Value, json};
use tower_layer::Layer;
use tower_service::Service;

use super::layer::{futures_of, serve};
use super::server::*;
use crate::support::posthog;

const JSON: &str = "application/json";
const CALL: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"a":1}}}"#;
const OK: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;
const FAILED: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError":true}}"#;

type Headers = &'static [(&'static str, &'static str)];
type Respond = fn() -> Response;

/// Sends a request with these headers to a server that answers so, behind the layer.
async fn exchange<A: IntoResponse>(
    kept: &Kept,
    headers: Headers,
    request: impl Into<Bytes>,
    answer: impl Fn() -> A + Clone + Send + Sync + 'static,
) -> reqwest::Result<Bytes> {
    let layer = UsageLayer::new(&kept.usage);
    let answer = async move |_: Bytes| answer().into_response();
    let http = serve(Router::new().route("/mcp", post(answer)).layer(layer)).await;
    let mut sending = plain_http().post(&http.url).body(request.into());
    for (name, value) in headers {
        sending = sending.header(*name, *value);
    }
    sending.send().await?.bytes().await
}

fn answer(content_type: &'static str, body: impl Into<Body>) -> Response {
    ([("content-type", content_type)], body.into()).into_response()
}

/// The outcome of the one call, and its tool and request id.
fn ended(kept: &Kept, calls: &[Value]) -> [String; 3] {
    let meta = kept.only(calls);
    ["outcome", "tool", "request_id"].map(|key| meta[key].as_str().unwrap_or("-").to_owned())
}

#[tokio::test]
async fn an_answer_is_read_however_it_is_spelled() {
    let deep = format!(
        r#"{{"id":1,"result":{{"structuredContent":{}1{},"isError":true}}}}"#,
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    let rows: &[(&'static str, String)] = &[
        (JSON, FAILED.replace(r#""id":1"#, r#""id":1.0"#)),
        (JSON, FAILED.replace(r#""id":1"#, r#""id":10e-1"#)),
        (JSON, format!("\u{feff}{FAILED}")),
        (JSON, format!("[{FAILED}]")),
        ("Application/JSON; charset=UTF-8", FAILED.to_owned()),
        ("text/plain", FAILED.to_owned()),
        (JSON, r#"{"result":{"isError":false,"content":[{"type":"text","text":"\ud800"}],"isError":true},"id":1}"#.to_owned()),
        (JSON, r#"{"id":1,"result":{"structuredContent":{"x":NaN},"isError":true}}"#.to_owned()),
        (JSON, deep),
        ("Text/Event-Stream; charset=utf-8", format!("\u{feff}data:{FAILED}\r\r")),
        ("text/event-stream", format!("data: {FAILED}")),
        ("text/event-stream", ": hi\r\nevent: message\r\ndata: {\"id\":1,\r\ndata:\"result\":{\"isError\":true}}\r\n\r\n".to_owned()),
    ];
    for (content_type, body) in rows {
        let kept = Kept::new();
        let (content_type, body) = (*content_type, body.clone());
        let given = body.clone();
        let passed = exchange(&kept, &[], CALL, move || {
            answer(content_type, given.clone())
        })
        .await;
        assert_eq!(passed.unwrap(), body.as_bytes(), "nothing is changed");
        let ended = ended(&kept, &kept.calls().await);
        assert_eq!(
            ended,
            ["tool_error", "t", "1"],
            "{content_type} {body:.200}"
        );
    }
}

#[tokio::test]
async fn what_is_not_understood_is_unknown_and_not_cancelled() {
    let rows: [(&str, Respond, &str); 9] = [
        // As a layer below that compresses does it.
        (
            "gzip",
            || {
                (
                    [("content-type", JSON), ("content-encoding", "gzip")],
                    "\x1f\u{8b}",
                )
                    .into_response()
            },
            "unknown",
        ),
        (
            "gzip in pieces",
            || {
                let pieces = futures_of(vec![Ok::<_, std::io::Error>("\x1f"), Ok("\u{8b}")]);
                let head = [("content-type", JSON), ("content-encoding", "gzip")];
                (head, Body::from_stream(pieces)).into_response()
            },
            "unknown",
        ),
        (
            "identity",
            || {
                (
                    [("content-type", JSON), ("content-encoding", "Identity")],
                    OK,
                )
                    .into_response()
            },
            "ok",
        ),
        ("page", || answer("text/html", "<html>"), "unknown"),
        ("half", || answer(JSON, &OK[..20]), "unknown"),
        (
            "id of another",
            || answer(JSON, OK.replace("1,", "2,")),
            "unknown",
        ),
        (
            "accepted",
            || StatusCode::ACCEPTED.into_response(),
            "unknown",
        ),
        (
            "no content",
            || StatusCode::NO_CONTENT.into_response(),
            "unknown",
        ),
        (
            "stream to be resumed",
            || answer("text/event-stream", "id: 1\ndata:\n\n"),
            "unknown",
        ),
    ];
    for (name, respond, outcome) in rows {
        let kept = Kept::new();
        exchange(&kept, &[], CALL, respond).await.unwrap();
        let ended = ended(&kept, &kept.calls().await);
        assert_eq!(ended, [outcome, "t", "1"], "{name}");
    }
    // A body that fails on its way.
    let kept = Kept::new();
    let broken = || {
        let pieces = vec![Ok("{"), Err(std::io::Error::other("the test's"))];
        answer(JSON, Body::from_stream(futures_of(pieces)))
    };
    exchange(&kept, &[], CALL, broken).await.unwrap_err();
    until(async || !kept.calls().await.is_empty()).await;
    assert_eq!(ended(&kept, &kept.calls().await)[0], "unknown");
}

#[tokio::test]
async fn an_answer_that_refuses_is_an_error_whatever_its_body() {
    let rows: [(Respond, &str, &str); 7] = [
        (
            || (StatusCode::BAD_GATEWAY, "no").into_response(),
            "HTTP 502",
            "api_5xx",
        ),
        (
            || (StatusCode::TOO_MANY_REQUESTS, "no").into_response(),
            "HTTP 429",
            "rate_limited",
        ),
        (
            || (StatusCode::GATEWAY_TIMEOUT, "no").into_response(),
            "HTTP 504",
            "timeout",
        ),
        (
            || {
                (
                    StatusCode::UNAUTHORIZED,
                    answer(JSON, r#"{"error_description":"expired"}"#),
                )
                    .into_response()
            },
            "HTTP 401",
            "permission",
        ),
        (
            || (StatusCode::NOT_FOUND, ()).into_response(),
            "HTTP 404",
            "api_4xx",
        ),
        (
            || {
                (
                    StatusCode::BAD_REQUEST,
                    answer(
                        JSON,
                        r#"{"id":null,"error":{"code":-32700,"message":"what?"}}"#,
                    ),
                )
                    .into_response()
            },
            "what?",
            "validation",
        ),
        (
            || answer(JSON, r#"{"result":null,"error":"down","id":1}"#),
            "down",
            "internal",
        ),
    ];
    for (respond, error, of_posthog) in rows {
        let kept = Kept::new();
        exchange(&kept, &[], CALL, respond).await.unwrap();
        let calls = kept.calls().await;
        assert_eq!(ended(&kept, &calls)[0], "protocol_error", "{error}");
        assert_eq!(kept.only(&calls)["error"], error);

        let kept = Kept::on(posthog());
        exchange(&kept, &[], CALL, respond).await.unwrap();
        let events = kept.events().await;
        let properties = &events[0]["properties"];
        assert_eq!(properties["$mcp_error_message"], error);
        assert_eq!(properties["$mcp_error_type"], of_posthog, "{error}");
    }
}

#[tokio::test]
async fn every_wire_takes_a_call_whose_end_is_unknown() {
    for (name, wire) in crate::support::wires() {
        let ingest = crate::support::ingest();
        let usage = crate::support::builder_for(&ingest, &wire).build().unwrap();
        let call = usage.start_tool_call(mcp_usage::ToolCall::new("t"));
        call.finish(mcp_usage::CallOutcome::Unknown);
        let stats = crate::support::end(&usage, &ingest);
        assert_eq!(stats.delivered, 1, "{name}");
        if matches!(wire, Wire::Mcpeye(_)) {
            continue;
        }
        let outcome = ingest.delivered()[0].meta("outcome").cloned();
        assert_eq!(outcome, Some(json!("unknown")), "{name}");
    }
}

#[tokio::test]
async fn an_odd_request_leaves_a_record_all_the_same() {
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    for request in [
        CALL.replace(r#""id":1"#, r#""id":1.0"#),
        CALL.replace(r#"{"a":1}"#, &deep),
        CALL.replace(r#"{"a":1}"#, r#"{"a":"\ud800"}"#),
        CALL.replace(r#"{"a":1}"#, r#"{"a":1,"a":NaN}"#),
        format!("\u{feff}[{CALL}]"),
    ] {
        let kept = Kept::new();
        let headers = &[("content-type", "APPLICATION/JSON")];
        let respond = || answer(JSON, FAILED);
        exchange(&kept, headers, request.clone(), respond)
            .await
            .unwrap();
        let ended = ended(&kept, &kept.calls().await);
        assert_eq!(ended, ["tool_error", "t", "1"], "{request:.200}");
    }
    // A server may run what has no id, too.
    let kept = Kept::new();
    let request = CALL.replace(r#""id":1,"#, "");
    exchange(&kept, &[], request, || StatusCode::ACCEPTED)
        .await
        .unwrap();
    assert_eq!(ended(&kept, &kept.calls().await), ["unknown", "t", "-"]);
    // Two of one id, against the rules: each is a call.
    let kept = Kept::new();
    let (request, both) = (format!("[{CALL},{CALL}]"), format!("[{OK},{FAILED}]"));
    exchange(&kept, &[], request, move || answer(JSON, both.clone()))
        .await
        .unwrap();
    let calls = kept.calls().await;
    let outcomes: Vec<_> = calls.iter().map(|call| &call["meta"]["outcome"]).collect();
    assert_eq!(outcomes, ["ok", "tool_error"]);
}

/// An object of more than 1 MiB, and less than axum takes.
fn many_members() -> String {
    let members: Vec<_> = (0..100_000).map(|n| format!("\"{n}\":[1]")).collect();
    format!("{{{}}}", members.join(","))
}

#[tokio::test]
async fn the_end_of_a_call_is_read_of_an_answer_of_any_size_or_is_unknown() {
    let content = |text: &str| FAILED.replace("[]", &format!("[{text:?}]"));
    let rows = [
        (JSON, content(&"x".repeat(2_000_000)), "tool_error"),
        (
            "text/event-stream",
            format!("data: {}\n\n", content(&"x".repeat(2_000_000))),
            "tool_error",
        ),
        (JSON, OK.replace("[]", &many_members()), "ok"),
        (
            JSON,
            FAILED
                .replace("\"id\":1", &many_members().replace(['{', '}'], ""))
                .replace("}}", "},\"id\":1}"),
            "unknown",
        ),
    ];
    for (content_type, body, outcome) in rows {
        let kept = Kept::new();
        exchange(&kept, &[], CALL, move || answer(content_type, body.clone()))
            .await
            .unwrap();
        let calls = kept.calls().await;
        assert_eq!(ended(&kept, &calls), [outcome, "t", "1"]);
        let stats = kept.usage.stats();
        let lacks = u64::from(outcome == "tool_error");
        assert_eq!(stats.calls_without_content, lacks, "{outcome}");
        assert_eq!(stats.queue_bytes, 0);
    }
}

#[tokio::test]
async fn what_is_not_read_is_counted() {
    let list = |calls: usize| format!("[{}]", vec![CALL; calls].join(","));
    let rows: [(&str, Headers, String, usize, u64); 9] = [
        ("the 101st of a list", &[], list(103), 100, 3),
        (
            "too large, but for its outline",
            &[],
            CALL.replace(r#"{"a":1}"#, &many_members()),
            1,
            0,
        ),
        ("too large", &[], many_members(), 0, 1),
        (
            "compressed",
            &[("content-encoding", "gzip")],
            CALL.to_owned(),
            0,
            1,
        ),
        (
            "half",
            &[("content-type", JSON)],
            CALL[..30].to_owned(),
            0,
            1,
        ),
        (
            "of a file",
            &[("content-type", "image/png")],
            "\u{fffd}PNG".to_owned(),
            0,
            0,
        ),
        (
            "of a form",
            &[("content-type", "application/x-www-form-urlencoded")],
            "a=b".to_owned(),
            0,
            0,
        ),
        (
            "of another protocol",
            &[("content-type", JSON)],
            r#"{"order":7}"#.to_owned(),
            0,
            0,
        ),
        ("nothing", &[], String::new(), 0, 0),
    ];
    for (name, headers, request, recorded, unread) in rows {
        let kept = Kept::new();
        exchange(&kept, headers, request, || answer(JSON, OK))
            .await
            .unwrap();
        assert_eq!(kept.calls().await.len(), recorded, "{name}");
        assert_eq!(kept.usage.stats().unread_messages, unread, "{name}");
    }
}

/// Fails without an answer, as a service does that gives up in time.
#[derive(Clone)]
struct Failing;

impl<B: axum::body::HttpBody + Unpin> Service<Request<B>> for Failing {
    type Response = Response;
    type Error = &'static str;
    type Future = std::future::Ready<Result<Response, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let mut context = Context::from_waker(Waker::noop());
        while Pin::new(request.body_mut())
            .poll_frame(&mut context)
            .map(|frame| frame.is_some())
            == Poll::Ready(true)
        {}
        std::future::ready(Err("too slow"))
    }
}

#[tokio::test]
async fn a_service_that_fails_has_failed_the_call_and_nobody_cancelled_it() {
    let kept = Kept::new();
    let mut service = UsageLayer::new(&kept.usage).layer(Failing);
    let request = Request::post("/mcp").body(Body::from(CALL)).unwrap();
    assert_eq!(service.call(request).await.unwrap_err(), "too slow");
    assert_eq!(ended(&kept, &kept.calls().await)[0], "protocol_error");
}

type Answers = tokio::sync::oneshot::Sender<Response>;

/// Hands each request to the test, body and all, and answers as the test says.
#[derive(Clone)]
struct Held(tokio::sync::mpsc::UnboundedSender<(Request<RequestBody<Body>>, Answers)>);

impl Service<Request<RequestBody<Body>>> for Held {
    type Response = Response;
    type Error = tokio::sync::oneshot::error::RecvError;
    type Future = tokio::sync::oneshot::Receiver<Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody<Body>>) -> Self::Future {
        let (answers, answer) = tokio::sync::oneshot::channel();
        self.0.send((request, answers)).unwrap();
        answer
    }
}

fn pieces(text: &str) -> Body {
    let pieces = text.as_bytes().chunks(50_000).map(Bytes::copy_from_slice);
    let pieces = pieces.map(Ok::<_, std::io::Error>).collect();
    Body::from_stream(futures_of(pieces))
}

/// Takes pieces of all bodies in turn, each time after `look`, until all have ended.
fn pass<B: axum::body::HttpBody + Unpin>(bodies: &mut [B], mut look: impl FnMut()) {
    let mut context = Context::from_waker(Waker::noop());
    let mut under_way = true;
    while under_way {
        look();
        under_way = false;
        for body in &mut *bodies {
            let frame = Pin::new(body).poll_frame(&mut context);
            under_way |= frame.map(|frame| frame.is_some()) == Poll::Ready(true);
        }
    }
}

#[tokio::test]
async fn bodies_under_way_hold_a_share_of_the_queue_and_each_call_has_one_record() {
    const QUEUE: usize = 16 << 20;
    const CALLS: usize = 60;
    let ingest = crate::support::ingest();
    let builder = crate::support::builder(&ingest).max_queue_bytes(QUEUE);
    let usage = builder.build().unwrap();
    let most = std::cell::Cell::new(0);
    let look = || {
        let held = usage.stats().queue_bytes;
        most.set(held.max(most.get()));
        // A segment of events stands beside what is open.
        assert!(held <= (QUEUE / 4 + QUEUE / 16) as u64, "{held}");
    };
    let (sender, mut requests) = tokio::sync::mpsc::unbounded_channel();
    let mut service = UsageLayer::new(&usage).layer(Held(sender));
    let large = "x".repeat(1_000_000);
    let request = CALL.replace(r#"{"a":1}"#, &format!("[{large:?}]"));
    let answers: Vec<_> = (0..CALLS)
        .map(|_| service.call(Request::post("/").body(pieces(&request)).unwrap()))
        .collect();
    let (mut bodies, mut waiting) = (Vec::new(), Vec::new());
    while let Ok((request, answers)) = requests.try_recv() {
        bodies.push(request.into_body());
        waiting.push(answers);
    }
    pass(&mut bodies, look);
    drop(bodies);
    assert!(usage.stats().calls_without_content > 40);
    assert!(most.get() > (QUEUE / 8) as u64, "{}", most.get());

    let failed = FAILED.replace("[]", &format!("[{large:?}]"));
    for answers in waiting {
        answers.send(answer(JSON, pieces(&failed))).unwrap();
    }
    let mut bodies = Vec::new();
    for answer in answers {
        bodies.push(answer.await.unwrap().into_body());
    }
    pass(&mut bodies, look);
    drop(bodies);
    let stats = crate::support::end(&usage, &ingest);
    assert_eq!((stats.offered, stats.queue_bytes), (CALLS as u64, 0));
    for event in ingest.delivered() {
        assert_eq!(event.meta("outcome"), Some(&json!("tool_error")));
    }
}
