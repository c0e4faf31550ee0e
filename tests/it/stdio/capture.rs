//! What is captured of the calls that pass.

use mcp_usage::stdio::UsageStreams;
use mcp_usage::{Arguments, Caller, Identity};
use serde_json::{Value, json};

use super::support::{over_streams, pair};
use crate::rmcp::server::*;

#[tokio::test]
async fn a_server_behind_streams_gives_the_events_of_an_instrumented_one() {
    for (era, mode) in eras() {
        let mut both = Vec::new();
        for is_wrapped in [true, false] {
            let kept = Kept::new();
            let rachel = || Identity::email("rachel@example.com");
            let (client, serving) = if is_wrapped {
                let streams = UsageStreams::new(&kept.usage).identify(rachel());
                over_streams(&streams, Shop::new(), mode.clone()).await
            } else {
                let by = kept.instrumentation().intent(false);
                let by = by.identify(move |_| Some(rachel()));
                over_stream(by.instrument(Shop::new()), mode.clone()).await
            };
            client.list_all_tools().await.unwrap();
            call(
                &client,
                "search",
                json!({"query": "rails", "password": "x"}),
            )
            .await;
            call(&client, "native", json!({"q": "a", "intent": "to see"})).await;
            call(&client, "closed", json!({"text": "a", "other": 1})).await;
            call(&client, "boom", empty_object()).await;
            call(&client, "serach", empty_object()).await;
            client.cancel().await.unwrap();
            serving.await.unwrap();
            let mut events: Vec<_> = kept.events().await.into_iter().map(steady).collect();
            assert_eq!(events.len(), 7, "{era} {is_wrapped}: {events:#?}");
            // Who logs in is seen with the first listing there, with the first call here.
            events.sort_by_key(|event| {
                let tool = event["meta"]["tool"].as_str().unwrap_or_default();
                (event["activity_type"].to_string(), tool.to_owned())
            });
            both.push(events);
        }
        for (wrapped, instrumented) in both[0].iter().zip(&both[1]) {
            assert_eq!(wrapped, instrumented, "{era}");
        }
    }
}

fn request(id: Value, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

fn result(id: Value, result: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

#[tokio::test]
async fn a_session_has_its_client_its_server_its_version_and_its_rounds() {
    let kept = Kept::new();
    let caller = Caller::new(Identity::new("u1", "INTERNAL")).meta("plan", "pro");
    let streams = UsageStreams::new(&kept.usage)
        .identify(caller)
        .results(true);
    let mut pair = pair(&streams);
    pair.exchange(
        request(json!(0), "initialize", json!({"protocolVersion": "2024-11-05", "clientInfo": {"name": "claude-code", "version": "2.1"}})),
        result(json!(0), json!({"protocolVersion": "2025-06-18", "serverInfo": {"name": "shop", "version": "1"}})),
    )
    .await;
    pair.exchange(
        request(json!("a"), "tools/call", json!({"name": "ask", "_meta": {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "conversation_id": "talk"}})),
        result(json!("a"), json!({"resultType": "input_required", "requestState": "r1"})),
    )
    .await;
    pair.exchange(
        request(
            json!(2.0),
            "tools/call",
            json!({"name": "ask", "requestState": "r1"}),
        ),
        result(
            json!(2),
            json!({"content": [{"type": "text", "text": "done"}]}),
        ),
    )
    .await;
    let calls = kept.calls().await;
    let (first, second) = (&calls[0]["meta"], &calls[1]["meta"]);
    for (key, value) in [
        ("client_name", "claude-code"),
        ("client_version", "2.1"),
        ("protocol_version", "2025-06-18"),
        ("server_name", "shop"),
        ("transport", "stdio"),
        ("plan", "pro"),
    ] {
        assert_eq!(first[key], value, "{first:#?}");
        assert_eq!(second[key], value, "{second:#?}");
    }
    assert_eq!(first["outcome"], "input_required");
    assert_eq!(first["conversation_id"], "talk");
    assert_eq!(
        (&first["round"], &second["round"]),
        (&Value::Null, &json!(1))
    );
    assert_eq!(second["result"]["content"][0]["text"], "done");
    assert_eq!(second["result_bytes"], 4);
    assert_eq!(first["session_id"], second["session_id"]);
    assert!(first["session_id"].is_string());
    assert_eq!(calls[0]["user_id"], "u1");
}

#[tokio::test]
async fn requests_of_the_servers_and_their_answers_are_no_calls() {
    let kept = Kept::new();
    let mut pair = pair(&UsageStreams::new(&kept.usage));
    let call = |id: Value, name: &str| request(id, "tools/call", json!({"name": name}));
    pair.ask(call(json!(1), "slow")).await;
    // The server asks under the id of the client's call, and gets an error for an answer.
    pair.answer(request(json!(1), "sampling/createMessage", json!({})))
        .await;
    pair.ask(json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "declined"}}))
        .await;
    pair.ask(result(json!(1), json!({"action": "accept"})))
        .await;
    // What it could not read is not the call.
    pair.answer(
        json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "parse error"}}),
    )
    .await;
    // It cancels a request of its own.
    let cancelled =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
    pair.answer(cancelled).await;
    assert!(kept.calls().await.is_empty());
    pair.answer(result(json!(1), json!({"content": [], "isError": true})))
        .await;
    let calls = kept.calls().await;
    assert_eq!(kept.only(&calls)["outcome"], "tool_error");
}

#[tokio::test]
async fn lists_of_messages_large_ones_and_what_is_none_are_read_as_they_come() {
    let kept = Kept::new();
    let streams = UsageStreams::new(&kept.usage).max_message_bytes(2_000);
    let mut pair = pair(&streams);
    let call = |id: u32, name: &str| {
        request(
            json!(id),
            "tools/call",
            json!({"name": name, "arguments": {"text": "a"}}),
        )
    };
    pair.ask(json!([call(1, "one"), call(2, "two")])).await;
    pair.ask("no message\r").await;
    pair.ask("\u{0}{\"jsonrpc\"").await;
    pair.ask("").await;
    let text = "y".repeat(3_000);
    pair.ask(request(
        json!(3),
        "tools/call",
        json!({"name": "huge", "arguments": {"text": text}}),
    ))
    .await;
    pair.answer("Server listening …").await;
    pair.answer(json!([
        result(json!(2), json!({"text": text})),
        result(json!(1), json!({}))
    ]))
    .await;
    pair.answer(result(json!(3), json!({}))).await;
    let calls = kept.calls().await;
    let seen: Vec<_> = calls
        .iter()
        .map(|call| {
            (
                call["meta"]["tool"].as_str().unwrap(),
                call["meta"]["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(seen, [("two", "ok"), ("one", "ok"), ("huge", "ok")]);
    assert_eq!(calls[1]["meta"]["tool_arguments"], json!({"text": "a"}));
    assert_eq!(calls[2]["meta"].get("tool_arguments"), None);
    let stats = kept.usage.stats();
    assert_eq!((stats.unread_messages, stats.calls_without_content), (2, 1));
}

#[tokio::test]
async fn no_argument_is_captured_by_streams_that_are_to_capture_none() {
    for on in [true, false] {
        let kept = Kept::new();
        let mut pair = pair(&UsageStreams::new(&kept.usage).arguments(on));
        let params = json!({"name": "a", "arguments": {"n": 1}});
        let answer = result(json!(1), json!({}));
        pair.exchange(request(json!(1), "tools/call", params), answer)
            .await;
        let calls = kept.calls().await;
        let expected = on.then(|| json!({"n": 1}));
        assert_eq!(kept.only(&calls).get("tool_arguments"), expected.as_ref());
    }
}

#[tokio::test]
async fn only_the_arguments_that_may_be_are_captured() {
    let kept = Kept::new();
    let streams = UsageStreams::new(&kept.usage)
        .arguments_of("listed", ["a", "b"])
        .arguments_by(|tool| match tool {
            "none" => Arguments::None,
            "listed" => Arguments::names(["b", "c"]),
            _ => Arguments::All,
        });
    let mut pair = pair(&streams);
    for (id, name) in ["all", "none", "listed"].into_iter().enumerate() {
        let arguments = json!({"a": 1, "b": 2, "c": 3});
        pair.exchange(
            request(
                json!(id),
                "tools/call",
                json!({"name": name, "arguments": arguments}),
            ),
            result(json!(id), json!({})),
        )
        .await;
    }
    let calls = kept.calls().await;
    let arguments = |n: usize| calls[n]["meta"].get("tool_arguments");
    assert_eq!(arguments(0), Some(&json!({"a": 1, "b": 2, "c": 3})));
    assert_eq!(arguments(1), None);
    assert_eq!(arguments(2), Some(&json!({"b": 2})));
}

#[tokio::test]
async fn a_logger_that_is_off_and_taps_let_all_pass() {
    let off = mcp_usage::UsageLogger::disabled();
    let mut pair = pair(
        &UsageStreams::new(&off)
            .add_intent(true)
            .missing_capability(true),
    );
    pair.exchange(
        request(json!(1), "tools/list", json!({})),
        result(json!(1), json!({"tools": []})),
    )
    .await;

    let kept = Kept::new();
    let (mut requests, mut answers) = UsageStreams::new(&kept.usage).taps();
    let call = request(json!(1), "tools/call", json!({"name": "tapped"})).to_string();
    for piece in call.as_bytes().chunks(7) {
        assert_eq!(&*requests.requests(piece), piece);
    }
    // The end of the stream ends the line.
    assert!(requests.end().is_empty());
    let answer = result(json!(1), json!({})).to_string();
    assert_eq!(&*answers.answers(answer.as_bytes()), answer.as_bytes());
    assert!(answers.end().is_empty());
    let calls = kept.calls().await;
    assert_eq!(kept.only(&calls)["outcome"], "ok");
}
