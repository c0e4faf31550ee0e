//! The tool for missing capabilities, which lists get and calls of which the server never sees.

use mcp_usage::stdio::UsageStreams;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Pair, over_streams, pair, pair_of, read_line};
use crate::rmcp::server::*;
use crate::support::PATIENCE;

const NAME: &str = "request_missing_capability";

fn list(cursor: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"cursor": cursor}})
}

fn page(names: &[&str], next: Value) -> Value {
    let tools: Vec<_> = names
        .iter()
        .map(|name| json!({"name": name, "inputSchema": {}}))
        .collect();
    json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools, "nextCursor": next}})
}

fn call_of(id: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": {"name": NAME, "arguments": {"capability": "to fly"}}})
}

async fn names(pair: &mut Pair, cursor: Value, shown: Value) -> Vec<String> {
    pair.ask(list(cursor)).await;
    let page: Value = serde_json::from_str(&pair.answer(shown).await).unwrap();
    let tools = page["result"]["tools"].as_array().unwrap();
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn it_stands_on_the_last_page_where_no_page_has_its_name() {
    let kept = Kept::new();
    let streams = UsageStreams::new(&kept.usage).missing_capability(true);
    let mut pair = pair(&streams);
    let (more, none) = (json!("2"), Value::Null);
    assert_eq!(
        names(&mut pair, none.clone(), page(&["a"], none.clone())).await,
        ["a", NAME]
    );
    assert_eq!(
        names(&mut pair, none.clone(), page(&[], more.clone())).await,
        [""; 0]
    );
    assert_eq!(
        names(&mut pair, more.clone(), page(&["b"], none.clone())).await,
        ["b", NAME]
    );
    // A page has it; then it is the server's, and so is its call.
    assert_eq!(
        names(&mut pair, none.clone(), page(&[NAME], more.clone())).await,
        [NAME]
    );
    assert_eq!(names(&mut pair, more, page(&["b"], none)).await, ["b"]);
    let call = call_of(json!(5)).to_string();
    assert_eq!(pair.ask(&call).await, call);
}

#[tokio::test]
async fn between_the_pages_of_a_list_anew_it_can_still_be_called() {
    let kept = Kept::new();
    let streams = UsageStreams::new(&kept.usage).missing_capability(true);
    let mut pair = pair(&streams);
    let (more, none) = (json!("2"), Value::Null);
    names(&mut pair, none.clone(), page(&["a"], none.clone())).await;
    names(&mut pair, none.clone(), page(&["a"], more)).await;
    let call = call_of(json!(5)).to_string();
    let ping = json!({"jsonrpc": "2.0", "id": 6, "method": "ping"}).to_string();
    let sent = format!("{call}\n");
    pair.to_server.write_all(sent.as_bytes()).await.unwrap();
    assert_eq!(pair.ask(&ping).await, ping, "the server gets no call");
    let answer = read_line(&mut pair.from_server).await;
    assert!(answer.contains("Noted"), "{answer}");
}

#[tokio::test]
async fn the_client_gets_the_answer_between_two_lines_and_the_server_nothing() {
    let kept = Kept::new();
    let streams = UsageStreams::new(&kept.usage).missing_capability(true);
    let mut pair = pair(&streams);
    names(&mut pair, Value::Null, page(&["a"], Value::Null)).await;
    // The server is within a line.
    pair.answers.write_all(b"{\"jsonrpc\":").await.unwrap();
    let call = call_of(json!("x"))
        .to_string()
        .replace("\"x\"", "\"\\u0078\"");
    let next = json!({"jsonrpc": "2.0", "id": 6, "method": "ping"});
    let sent = format!("{call}\n{next}\n");
    pair.to_server.write_all(sent.as_bytes()).await.unwrap();
    let mut server_sees = vec![0; 4_096];
    let reads = pair.requests.read(&mut server_sees);
    let writes = async {
        // It is read while the server is within a line, and answered at its end.
        tokio::task::yield_now().await;
        pair.answers.write_all(b"\"2.0\"}\n").await.unwrap();
        pair.answers.flush().await.unwrap();
    };
    let (read, ()) = tokio::join!(reads, writes);
    assert_eq!(
        server_sees[..read.unwrap()],
        *format!("{next}\n").as_bytes()
    );
    assert_eq!(
        read_line(&mut pair.from_server).await,
        "{\"jsonrpc\":\"2.0\"}"
    );
    let answer = read_line(&mut pair.from_server).await;
    assert!(
        answer.starts_with(r#"{"jsonrpc":"2.0","id":"\u0078","result":{"#),
        "{answer}"
    );
    let calls = kept.calls().await;
    let meta = kept.only(&calls);
    assert_eq!(
        (&meta["tool"], &meta["outcome"]),
        (&json!(NAME), &json!("ok"))
    );
    assert_eq!(meta["tool_arguments"], json!({"capability": "to fly"}));
}

#[tokio::test]
async fn the_server_sees_a_call_within_a_batch_and_the_client_gets_our_answer() {
    let kept = Kept::new();
    let streams = UsageStreams::new(&kept.usage).missing_capability(true);
    let mut pair = pair(&streams);
    names(&mut pair, Value::Null, page(&["a"], Value::Null)).await;
    let ping = json!({"jsonrpc": "2.0", "id": 6, "method": "ping"});
    let batch = json!([ping, call_of(json!(5))]).to_string();
    assert_eq!(pair.ask(&batch).await, batch);
    let error = json!({"code": -32602, "message": "unknown tool"});
    let answers = json!([{"id": 6, "result": {}}, {"id": 5, "error": error}]);
    let answered: Value = serde_json::from_str(&pair.answer(answers).await).unwrap();
    assert_eq!(answered[0], json!({"id": 6, "result": {}}));
    let noted = answered[1]["result"]["content"][0]["text"].as_str();
    assert!(noted.unwrap().starts_with("Noted"), "{answered}");
    let calls = kept.calls().await;
    let meta = kept.only(&calls);
    assert_eq!(
        (&meta["tool"], &meta["outcome"]),
        (&json!(NAME), &json!("ok"))
    );
}

#[tokio::test]
async fn the_last_line_is_answered_without_an_end() {
    let kept = Kept::new();
    let streams = UsageStreams::new(&kept.usage).missing_capability(true);
    let mut pair = pair(&streams);
    names(&mut pair, Value::Null, page(&["a"], Value::Null)).await;
    let call = call_of(json!(1)).to_string();
    pair.to_server.write_all(call.as_bytes()).await.unwrap();
    pair.to_server.shutdown().await.unwrap();
    assert_eq!(pair.requests.read(&mut [0]).await.unwrap(), 0);
    let answer = read_line(&mut pair.from_server).await;
    assert!(answer.contains("Noted"), "{answer}");
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_not_read_either() {
    let kept = Kept::new();
    let streams = UsageStreams::new(&kept.usage).missing_capability(true);
    let mut pair = pair_of(&streams, 4_096);
    names(&mut pair, Value::Null, page(&["a"], Value::Null)).await;
    let call = call_of(json!(1)).to_string() + "\n";
    let calls = call.repeat(1_000);
    let mut heard = Vec::new();
    // Without anybody who reads the answers, neither ends.
    tokio::select! {
        biased;
        _ = async { tokio::join!(pair.to_server.write_all(calls.as_bytes()), pair.requests.read_to_end(&mut heard)) } => panic!("all was read"),
        () = async { for _ in 0..1_000 { tokio::task::yield_now().await } } => {}
    }
    let recorded = kept.calls().await.len();
    assert!((1..200).contains(&recorded), "{recorded}");
    assert!(heard.is_empty());
}

#[tokio::test]
async fn a_server_that_waits_to_write_goes_on_when_both_can() {
    let kept = Kept::new();
    let streams = UsageStreams::new(&kept.usage).missing_capability(true);
    let mut pair = pair_of(&streams, 4_096);
    names(&mut pair, Value::Null, page(&["a"], Value::Null)).await;
    let Pair {
        mut to_server,
        mut from_server,
        mut requests,
        mut answers,
    } = pair;
    // The client's stream is full at the end of a line.
    let line = [vec![b'x'; 4_095], b"\n".to_vec()].concat();
    let sent = line.repeat(3);
    let writes = tokio::spawn(async move { answers.write_all(&sent).await });
    tokio::task::yield_now().await;
    // A call that is answered here, whose reader waits for the same stream.
    let call = call_of(json!(1)).to_string() + "\n";
    to_server.write_all(call.as_bytes()).await.unwrap();
    to_server.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let reads = tokio::spawn(async move { requests.read_to_end(&mut rest).await.map(|_| rest) });
    tokio::task::yield_now().await;
    let mut seen = Vec::new();
    let all = from_server.read_to_end(&mut seen);
    tokio::time::timeout(PATIENCE, all).await.unwrap().unwrap();
    writes.await.unwrap().unwrap();
    assert!(reads.await.unwrap().unwrap().is_empty());
    let answer = seen.len() - 3 * line.len();
    assert!(seen.starts_with(&line));
    assert!(seen[line.len()..].starts_with(b"{\"jsonrpc\":"));
    assert!(seen[line.len() + answer..] == line.repeat(2));
}

#[tokio::test]
async fn a_client_of_the_sdk_calls_it() {
    for (era, mode) in eras() {
        let kept = Kept::new();
        let streams = UsageStreams::new(&kept.usage)
            .missing_capability(true)
            .add_intent(true);
        let (client, _serving) = over_streams(&streams, Shop::new(), mode).await;
        let tools = client.list_all_tools().await.unwrap();
        assert_eq!(tools.last().unwrap().name, NAME, "{era}");
        let noted = call(&client, NAME, json!({"capability": "to fly"})).await;
        assert!(noted.starts_with("Noted"), "{era} {noted}");
        let missing = call(&client, NAME, empty_object()).await;
        assert!(missing.contains("is missing"), "{era} {missing}");
        assert_eq!(
            call(&client, "search", json!({"query": "a", "prompt": "b"})).await,
            "hit:a"
        );
        let calls = kept.calls().await;
        let outcomes: Vec<_> = calls.iter().map(|call| &call["meta"]["outcome"]).collect();
        assert_eq!(outcomes, ["ok", "tool_error", "ok"], "{era}");
    }
}
