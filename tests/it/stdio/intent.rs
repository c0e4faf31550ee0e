//! With intent, lists of the tools get the property and calls lose its argument, and nothing else changes.

use mcp_usage::intent;
use mcp_usage::stdio::UsageStreams;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Pair, over_streams, pair};
use crate::rmcp::ownership_laws::{KINDS, Prompt, Random, case};
use crate::rmcp::server::*;

const LIST: &str = r#"{"jsonrpc":"2.0","id":"l","method":"tools/list"}"#;

/// What a list of these tools becomes for the client, and the text that it was.
async fn listed(pair: &mut Pair, tools: &str) -> (String, String) {
    assert_eq!(pair.ask(LIST).await, LIST);
    let answer = format!(r#"{{"jsonrpc":"2.0","id":"l","result":{{"tools":{tools}}}}}"#);
    (pair.answer(&answer).await, answer)
}

fn call_of(name: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0", "id":7,"method":"tools/call","params":{{"arguments":{arguments},"name":"{name}"}}}}"#
    )
}

#[tokio::test]
async fn what_is_not_ours_stays_byte_for_byte() {
    let kept = Kept::new();
    let mut pair = pair(&UsageStreams::new(&kept.usage).add_intent(true));
    let member = format!("\"prompt\":{}", intent::schema());
    let tools = r#"[ {"name":"p\u0061", "inputSchema" : {"properties":{ "n":{"default":1.0e2} }, "x-a":01e}}, {"name":"b","inputSchema":{}} ]"#;
    // It is no JSON by the letter.
    let (client_sees, sent) = listed(&mut pair, tools).await;
    assert_eq!(client_sees, sent);
    let tools = tools.replace("01e", "10e0");
    let (client_sees, sent) = listed(&mut pair, &tools).await;
    let expected = sent
        .replace("1.0e2} }", &format!("1.0e2}},{member} }}"))
        .replace(
            "\"inputSchema\":{}",
            &format!("\"inputSchema\":{{\"properties\":{{{member}}}}}"),
        );
    assert_eq!(client_sees, expected);

    for (arguments, without) in [
        (r#"{"prompt":"to see"}"#, "{}"),
        (
            r#"{ "n" : 1.50, "prompt":"to \u0073ee" }"#,
            r#"{ "n" : 1.50 }"#,
        ),
        (
            r#"{"prompt":"to see" , "z":[1e9], "a":"\/"}"#,
            r#"{"z":[1e9], "a":"\/"}"#,
        ),
        // Not ours, since it is no text.
        (r#"{"prompt":5}"#, r#"{"prompt":5}"#),
        (r#"{"n":{"prompt":"x"}}"#, r#"{"n":{"prompt":"x"}}"#),
    ] {
        for name in ["pa", "b"] {
            let server_sees = pair.ask(call_of(name, arguments)).await;
            assert_eq!(server_sees, call_of(name, without));
            pair.answer(json!({"jsonrpc": "2.0", "id": 7, "result": {}}))
                .await;
        }
        // A tool that was not listed keeps all.
        let call = call_of("other", arguments);
        assert_eq!(pair.ask(&call).await, call);
        pair.answer(json!({"jsonrpc": "2.0", "id": 7, "result": {}}))
            .await;
    }
    let calls = kept.calls().await;
    for (n, call) in calls.iter().enumerate() {
        let meta = &call["meta"];
        if n < 9 && n % 3 != 2 {
            assert_eq!(meta["prompt"], "to see", "{n}");
            assert_eq!(meta["tool_arguments"].get("prompt"), None, "{n}");
        } else {
            assert_eq!(meta.get("prompt"), None, "{n}");
        }
    }
    assert_eq!(calls[2]["meta"]["tool_arguments"]["prompt"], "to see");
}

#[tokio::test]
async fn a_list_of_another_form_passes_as_it_is_and_its_calls_do_too() {
    let tool = r#"{"name":"a","inputSchema":{}}"#;
    let long = format!(
        r#"{{"name":"long","description":"{}"}}"#,
        "x".repeat(1_100_000)
    );
    for tools in [
        format!("[{tool}],\"tools\":[]"),
        format!("[{tool},{tool}]"),
        r#"[{"name":"a","name":"b","inputSchema":{}}]"#.to_owned(),
        r#"[{"name":"a","inputSchema":{"type":"object","type":"object"}}]"#.to_owned(),
        r#"[{"name":"a","inputSchema":{"properties":{}},"inputSchema":{}}]"#.to_owned(),
        r#"[{"name":"a"},{"inputSchema":{}},{},7]"#.to_owned(),
        format!("[{tool},{long}]"),
    ] {
        let kept = Kept::new();
        let mut pair = pair(&UsageStreams::new(&kept.usage).add_intent(true));
        let (client_sees, sent) = listed(&mut pair, &tools).await;
        assert!(client_sees == sent, "{:.100}", client_sees);
        let call = call_of("a", r#"{"prompt":"why"}"#);
        assert_eq!(pair.ask(&call).await, call);
    }
}

#[tokio::test]
async fn a_list_of_1_mib_gets_the_property_and_one_of_a_byte_more_passes_as_it_is() {
    const MOST: usize = 1024 * 1024;
    let tools = |length| {
        let text = "x".repeat(length);
        format!(r#"[{{"name":"a","description":"{text}","inputSchema":{{}}}}]"#)
    };
    let rest = r#"{"jsonrpc":"2.0","id":"l","result":{"tools":}}"#.len() + tools(0).len();
    for (bytes, is_ours) in [(MOST, true), (MOST + 1, false)] {
        let kept = Kept::new();
        let mut pair = pair(&UsageStreams::new(&kept.usage).add_intent(true));
        let (client_sees, sent) = listed(&mut pair, &tools(bytes - rest)).await;
        assert_eq!(sent.len(), bytes);
        assert_eq!(client_sees != sent, is_ours, "{bytes}");
        let call = call_of("a", r#"{"prompt":"why"}"#);
        assert_eq!(pair.ask(&call).await != call, is_ours, "{bytes}");
    }
}

#[tokio::test]
async fn a_list_that_nobody_asked_for_passes_as_it_is() {
    let kept = Kept::new();
    let mut pair = pair(&UsageStreams::new(&kept.usage).add_intent(true));
    let tools =
        r#"{"jsonrpc":"2.0","id":"other","result":{"tools":[{"name":"a","inputSchema":{}}]}}"#;
    assert_eq!(pair.answer(tools).await, tools);
    pair.ask(LIST).await;
    assert_eq!(pair.answer(tools).await, tools);
}

#[tokio::test]
async fn pages_and_lists_anew_tell_whose_an_argument_is() {
    let kept = Kept::new();
    let mut pair = pair(&UsageStreams::new(&kept.usage).add_intent(true));
    let call = call_of("a", r#"{"prompt":"why"}"#);
    let taken = call_of("a", "{}");
    let (first, sent) = listed(
        &mut pair,
        r#"[{"name":"a","inputSchema":{}}],"nextCursor":"2""#,
    )
    .await;
    assert_ne!(first, sent);
    assert_eq!(pair.ask(&call).await, taken);
    let second = LIST.replace(
        "\"tools/list\"",
        "\"tools/list\",\"params\":{\"cursor\":\"2\"}",
    );
    pair.ask(second).await;
    pair.answer(r#"{"jsonrpc":"2.0","id":"l","result":{"tools":[{"name":"b","inputSchema":{}}]}}"#)
        .await;
    assert_eq!(pair.ask(&call).await, taken);
    assert_eq!(
        pair.ask(call.replace("\"a\"", "\"b\"")).await,
        taken.replace("\"a\"", "\"b\"")
    );
    // The tool has the argument for itself by now.
    listed(
        &mut pair,
        r#"[{"name":"a","inputSchema":{"properties":{"prompt":{}}}}]"#,
    )
    .await;
    assert_eq!(pair.ask(&call).await, call);
}

#[tokio::test]
async fn a_list_that_nobody_could_read_takes_back_what_was_shown() {
    let long = format!("[{{\"description\":\"{}\"}}]", "x".repeat(1_100_000));
    for (pages, is_taken) in [
        (&[&*long][..], false),
        // What stands on an earlier page of the same list was shown.
        (&["[{\"name\":\"a\",\"inputSchema\":{}}]", &long], true),
        (&["[{\"name\":\"b\",\"inputSchema\":{}}]", &long], false),
    ] {
        let kept = Kept::new();
        let mut pair = pair(&UsageStreams::new(&kept.usage).add_intent(true));
        listed(&mut pair, r#"[{"name":"a","inputSchema":{}}]"#).await;
        for (n, tools) in pages.iter().enumerate() {
            let mut list: Value = serde_json::from_str(LIST).unwrap();
            if n > 0 {
                list["params"]["cursor"] = json!(n);
            }
            pair.ask(list.to_string()).await;
            let next = (n + 1 < pages.len()).then_some(n + 1);
            let next = json!(next);
            let page = format!(r#"{{"id":"l","result":{{"tools":{tools},"nextCursor":{next}}}}}"#);
            pair.answer(page).await;
        }
        let call = call_of("a", r#"{"prompt":"why"}"#);
        let expected = if is_taken {
            call_of("a", "{}")
        } else {
            call.clone()
        };
        assert_eq!(pair.ask(&call).await, expected);
    }
}

#[tokio::test]
async fn a_list_that_too_much_is_waited_for_behind_takes_back_what_was_shown() {
    let kept = Kept::new();
    let mut pair = pair(&UsageStreams::new(&kept.usage).add_intent(true));
    listed(&mut pair, r#"[{"name":"a","inputSchema":{}}]"#).await;
    pair.ask(LIST).await;
    for id in 0..4_096 {
        pair.ask(json!({"id": id, "method": "server/discover"}))
            .await;
    }
    let own = r#"{"id":"l","result":{"tools":[{"name":"a","inputSchema":{"properties":{"prompt":{}}}}]}}"#;
    assert_eq!(pair.answer(own).await, own);
    let call = call_of("a", r#"{"prompt":"a cat"}"#);
    assert_eq!(pair.ask(&call).await, call);
}

#[tokio::test]
async fn the_last_line_loses_its_argument_without_an_end() {
    let kept = Kept::new();
    let streams = UsageStreams::new(&kept.usage).add_intent(true);
    let call = call_of("a", r#"{"prompt":"why"}"#);
    // One that does not come whole passes as it is.
    for (last, expected) in [(&*call, &*call_of("a", "{}")), (&call[..90], &call[..90])] {
        let mut pair = pair(&streams);
        listed(&mut pair, r#"[{"name":"a","inputSchema":{}}]"#).await;
        pair.to_server.write_all(last.as_bytes()).await.unwrap();
        pair.to_server.shutdown().await.unwrap();
        let mut seen = String::new();
        pair.requests.read_to_string(&mut seen).await.unwrap();
        assert_eq!(seen, expected);
        let (mut requests, mut answers) = streams.taps();
        let _ = requests.requests(format!("{LIST}\n").as_bytes());
        let tools = r#"{"id":"l","result":{"tools":[{"name":"a","inputSchema":{}}]}}"#;
        let _ = answers.answers(format!("{tools}\n").as_bytes());
        assert!(requests.requests(last.as_bytes()).is_empty());
        assert_eq!(requests.end(), expected.as_bytes());
    }
    let calls = kept.calls().await;
    let prompts: Vec<_> = calls.iter().map(|call| &call["meta"]["prompt"]).collect();
    assert_eq!(prompts, ["why", "why"]);
}

#[tokio::test]
async fn a_name_on_two_pages_of_a_list_gets_the_property_once_and_keeps_the_argument() {
    let kept = Kept::new();
    let mut pair = pair(&UsageStreams::new(&kept.usage).add_intent(true));
    let call = call_of("a", r#"{"prompt":"why"}"#);
    let open = r#"[{"name":"a","inputSchema":{}}]"#;
    let own = r#"[{"name":"a","inputSchema":{"properties":{"prompt":{}}}}]"#;
    for first in [open, own] {
        listed(&mut pair, &format!("{first},\"nextCursor\":\"2\"")).await;
        // Whoever asks for a page again is shown the same.
        for _ in 0..2 {
            let mut list: Value = serde_json::from_str(LIST).unwrap();
            list["params"]["cursor"] = json!("2");
            pair.ask(list).await;
            let second = format!(r#"{{"id":"l","result":{{"tools":{open}}}}}"#);
            assert_eq!(pair.answer(&second).await, second);
            assert_eq!(pair.ask(&call).await, call);
        }
    }
    // In another list it may come on another page.
    listed(&mut pair, open).await;
    assert_eq!(pair.ask(&call).await, call_of("a", "{}"));
}

#[tokio::test]
async fn a_list_of_too_many_messages_passes_as_it_is() {
    let kept = Kept::new();
    let mut pair = pair(&UsageStreams::new(&kept.usage).add_intent(true));
    let call = call_of("a", r#"{"prompt":"why"}"#);
    let pings = "{},".repeat(100);
    let tools = r#"{"id":"l","result":{"tools":[{"name":"a","inputSchema":{}}]}}"#;
    for answers in [
        format!("[{tools},{pings}{{}}]"),
        format!("[{pings}{tools}]"),
    ] {
        pair.ask(LIST).await;
        assert_eq!(pair.answer(&answers).await, answers);
        assert_eq!(pair.ask(&call).await, call);
    }
    listed(&mut pair, r#"[{"name":"a","inputSchema":{}}]"#).await;
    let calls = format!("[{call},{pings}{call}]");
    assert_eq!(pair.ask(&calls).await, calls);
    assert_eq!(pair.ask(&call).await, call_of("a", "{}"));
}

#[tokio::test]
async fn lists_of_messages_are_changed_each() {
    let kept = Kept::new();
    let mut pair = pair(&UsageStreams::new(&kept.usage).add_intent(true));
    pair.ask(format!(
        "[{LIST},{LIST2}]",
        LIST2 = LIST.replace("\"l\"", "2")
    ))
    .await;
    let tools = r#""result":{"tools":[{"name":"a","inputSchema":{}}]}"#;
    let answers = format!(r#"[{{"id":2,{tools}}},{{"id":"l",{tools}}}]"#);
    let client_sees = pair.answer(&answers).await;
    assert_eq!(client_sees.matches(intent::DESCRIPTION).count(), 2);
    let calls = format!(
        "[{}, {}]",
        call_of("a", r#"{"prompt":"x"}"#),
        call_of("b", r#"{"prompt":"x"}"#)
    );
    let server_sees = format!(
        "[{}, {}]",
        call_of("a", "{}"),
        call_of("b", r#"{"prompt":"x"}"#)
    );
    assert_eq!(pair.ask(calls).await, server_sees);
}

#[tokio::test]
async fn taps_give_what_streams_do() {
    let kept = Kept::new();
    let streams = UsageStreams::new(&kept.usage);
    let (mut requests, mut answers) = streams.add_intent(true).missing_capability(true).taps();
    let mut pass = |request: &str, answer: &str| {
        let mut seen = [Vec::new(), Vec::new()];
        for piece in request.as_bytes().chunks(7) {
            seen[0].extend_from_slice(&requests.requests(piece));
        }
        for piece in answer.as_bytes().chunks(7) {
            seen[1].extend_from_slice(&answers.answers(piece));
        }
        seen.map(|seen| String::from_utf8(seen).unwrap())
    };
    let list = format!("{LIST}\n");
    let answer = r#"{"jsonrpc":"2.0","id":"l","result":{"tools":[{"name":"a","inputSchema":{}}]}}"#;
    let [server_sees, client_sees] = pass(&list, &format!("{answer}\nmore"));
    assert_eq!(server_sees, list);
    let member = format!("{{\"properties\":{{\"prompt\":{}}}}}", intent::schema());
    assert_eq!(client_sees, answer.replace("{}", &member) + "\nmore");
    let call = call_of("a", r#"{"prompt":"why"}"#) + "\n";
    let [server_sees, _] = pass(&format!("{call}{{\"held"), "");
    assert_eq!(server_sees, call_of("a", "{}") + "\n");
    answers.client_gone();
    assert!(answers.end().is_empty());
    let calls = kept.calls().await;
    assert_eq!(kept.only(&calls)["outcome"], "cancelled");
    assert_eq!(calls[0]["meta"]["prompt"], "why");
    assert_eq!(requests.end(), b"{\"held");
}

#[tokio::test]
async fn by_the_rule_of_ownership_for_schemas_of_every_kind() {
    const CASES: usize = 50;
    let mut random = Random(0x5eed);
    let cases: Vec<_> = (0..CASES * KINDS.len())
        .map(|n| case(n, &mut random))
        .collect();
    let kept = Kept::new();
    let (mut taken, mut left) = (0, 0);
    for cases in cases.chunks(KINDS.len()) {
        let mut pair = pair(&UsageStreams::new(&kept.usage).add_intent(true));
        let shown: Vec<_> = cases.iter().filter(|case| case.kind != "hidden").collect();
        let tools: Vec<Value> = shown.iter().map(|case| json!(case.tool)).collect();
        let (client_sees, sent) = listed(&mut pair, &json!(tools).to_string()).await;
        let mut expected: Value = serde_json::from_str(&sent).unwrap();
        for (case, tool) in shown
            .iter()
            .zip(expected["result"]["tools"].as_array_mut().unwrap())
        {
            if case.prompt != Prompt::Left {
                tool["inputSchema"]["properties"]["prompt"] = intent::schema();
            }
        }
        assert_eq!(client_sees, expected.to_string());
        for case in cases {
            let name = &*case.tool.name;
            let mut arguments = case.arguments.clone();
            let call = call_of(name, &json!(arguments).to_string());
            let prompt = arguments.get("prompt");
            if prompt.is_some_and(|prompt| case.prompt.is_taken(prompt)) {
                arguments.shift_remove("prompt");
                taken += 1;
            } else {
                left += usize::from(prompt.is_some());
            }
            let server_sees = pair.ask(&call).await;
            assert_eq!(
                server_sees,
                call_of(name, &json!(arguments).to_string()),
                "{}",
                case.kind
            );
            // By hand it is the same rule.
            let schema = if case.kind == "hidden" {
                continue;
            } else {
                &case.tool.input_schema
            };
            let mut by_hand = case.arguments.clone();
            let text = intent::take(&mut by_hand, schema);
            assert_eq!(by_hand, arguments, "{}", case.kind);
            let given = case.arguments.get("prompt").and_then(Value::as_str);
            let was_taken = arguments.len() < case.arguments.len();
            assert_eq!(
                text.as_deref(),
                given.filter(|text| was_taken && !text.is_empty())
            );
        }
    }
    assert!(taken >= 100 && left >= 100, "{taken} {left}");
}

#[tokio::test]
async fn a_client_and_a_server_of_the_sdk_see_no_more_than_the_property() {
    for (era, mode) in eras() {
        let kept = Kept::new();
        let plain = UsageStreams::new(&kept.usage);
        let (without, _serving) = over_streams(&plain, Shop::new(), mode.clone()).await;
        let (with, _serving) = over_streams(&plain.add_intent(true), Shop::new(), mode).await;
        let mut expected = json!(without.list_all_tools().await.unwrap());
        for tool in expected.as_array_mut().unwrap() {
            let name = tool["name"].as_str().unwrap();
            if !["strict", "draw"].contains(&name) {
                tool["inputSchema"]["properties"]["prompt"] = intent::schema();
            }
        }
        assert_eq!(
            json!(with.list_all_tools().await.unwrap()),
            expected,
            "{era}"
        );
        let closed = json!({"text": "a", "prompt": "to see"});
        assert_eq!(call(&with, "closed", closed).await, "a");
        assert_eq!(
            call(&with, "draw", json!({"prompt": "a cat"})).await,
            "a cat"
        );
        let calls = kept.calls().await;
        assert_eq!(calls[0]["meta"]["prompt"], "to see");
        assert_eq!(calls[0]["meta"]["tool_arguments"], json!({"text": "a"}));
        assert_eq!(
            calls[1]["meta"]["tool_arguments"],
            json!({"prompt": "a cat"})
        );
    }
}

#[test]
fn by_hand_a_property_that_the_schema_declares_is_read_and_left() {
    let mut schema = json!({"type": "object", "properties": {}});
    schema["properties"][intent::POSTHOG_NAME] = intent::schema();
    let mut arguments = json!({"context": "to see", "prompt": "a cat"});
    let (schema, arguments) = (
        schema.as_object().unwrap(),
        arguments.as_object_mut().unwrap(),
    );
    assert_eq!(intent::take(arguments, schema).as_deref(), Some("to see"));
    assert_eq!(arguments.len(), 2);
    let text = intent::take_named(arguments, schema, "prompt");
    assert_eq!((text.as_deref(), arguments.len()), (Some("a cat"), 1));
}
