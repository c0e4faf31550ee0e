//! However a call ends, there is one event of it, and it says how.

use mcp_usage::stdio::UsageStreams;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use super::support::{Answers, Pair, Requests, over_streams, pair, pair_of};
use crate::rmcp::server::*;
use crate::support::PATIENCE;

fn call_of(id: u64) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": format!("t{id}")}})
}

fn answer_of(id: u64) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": {"content": []}})
}

fn cancel_of(id: u64) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}})
}

fn outcomes(calls: &[Value]) -> Vec<&str> {
    let outcomes = calls.iter().map(|call| call["meta"]["outcome"].as_str());
    outcomes.map(Option::unwrap).collect()
}

async fn opened(kept: &Kept) -> Pair {
    let mut pair = pair(&UsageStreams::new(&kept.usage));
    pair.ask(call_of(1)).await;
    pair
}

#[tokio::test]
async fn a_call_that_the_client_cancels_ends_at_once_and_its_answer_tells_nothing() {
    let kept = Kept::new();
    let mut pair = opened(&kept).await;
    pair.ask(cancel_of(2)).await;
    assert!(kept.calls().await.is_empty(), "it cancels another");
    pair.ask(cancel_of(1)).await;
    assert_eq!(outcomes(&kept.calls().await), ["cancelled"]);
    pair.answer(answer_of(1)).await;
    pair.ask(cancel_of(1)).await;
    drop(pair);
    assert_eq!(kept.end().await.offered, 1);
}

#[tokio::test]
async fn a_client_that_closes_its_stream_may_still_be_answered() {
    let kept = Kept::new();
    let mut pair = opened(&kept).await;
    pair.ask(call_of(2)).await;
    pair.to_server.shutdown().await.unwrap();
    assert_eq!(pair.requests.read(&mut [0; 8]).await.unwrap(), 0);
    pair.answer(answer_of(2)).await;
    assert_eq!(outcomes(&kept.calls().await), ["ok"]);
    drop(pair.answers);
    assert_eq!(outcomes(&kept.calls().await), ["ok", "cancelled"]);
}

#[tokio::test]
async fn a_server_that_goes_away_has_dropped_the_call() {
    let kept = Kept::new();
    let pair = opened(&kept).await;
    drop(pair.answers);
    assert_eq!(outcomes(&kept.calls().await), ["dropped"]);

    let kept = Kept::new();
    let mut pair = opened(&kept).await;
    pair.answers.shutdown().await.unwrap();
    assert_eq!(outcomes(&kept.calls().await), ["dropped"]);
    let mut rest = Vec::new();
    pair.from_server.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
}

#[tokio::test]
async fn a_server_whose_thread_panics_has_panicked() {
    let kept = Kept::new();
    let pair = opened(&kept).await;
    let serving = std::thread::spawn(move || {
        let _held = (pair.requests, pair.answers);
        panic!("a server of the test's");
    });
    serving.join().unwrap_err();
    assert_eq!(outcomes(&kept.calls().await), ["panicked"]);
}

#[tokio::test]
async fn of_more_calls_than_are_waited_for_the_oldest_is_unknown() {
    const MOST: u64 = 4_096;
    let kept = Kept::new();
    let mut pair = pair(&UsageStreams::new(&kept.usage));
    for id in 0..MOST {
        pair.ask(call_of(id)).await;
    }
    assert!(kept.calls().await.is_empty());
    pair.ask(call_of(MOST)).await;
    // Its answer tells nothing more.
    pair.answer(answer_of(0)).await;
    pair.answer(answer_of(1)).await;
    let calls = kept.calls().await;
    assert_eq!(outcomes(&calls), ["unknown", "ok"]);
    assert_eq!(calls[0]["meta"]["tool"], "t0");
}

#[tokio::test]
async fn the_client_sees_the_end_when_the_server_drops_its_stream_alone() {
    let kept = Kept::new();
    let mut pair = opened(&kept).await;
    pair.answer("last").await;
    drop(pair.answers);
    // The reader of the requests lives on.
    pair.to_server.write_all(b"more\n").await.unwrap();
    assert_eq!(pair.requests.read(&mut [0; 8]).await.unwrap(), 5);
    let mut rest = Vec::new();
    let end = pair.from_server.read_to_end(&mut rest);
    tokio::time::timeout(PATIENCE, end).await.unwrap().unwrap();
    assert!(rest.is_empty());
}

#[tokio::test]
async fn a_client_that_reads_no_more_has_cancelled() {
    let kept = Kept::new();
    let mut pair = opened(&kept).await;
    drop(pair.from_server);
    assert!(pair.answers.write_all(b"{}\n").await.is_err());
    drop(pair.answers);
    assert_eq!(outcomes(&kept.calls().await), ["cancelled"]);
}

/// What a client sends: calls, of which every other one is cancelled some calls later.
fn calls_and_cancels(calls: u64) -> String {
    const LATER: u64 = 10;
    let mut sent = String::new();
    for id in 0..calls + LATER {
        if id < calls {
            sent += &format!("{}\n", call_of(id));
        }
        if id >= LATER && id.is_multiple_of(2) {
            sent += &format!("{}\n", cancel_of(id - LATER));
        }
    }
    sent
}

/// Writes a text in pieces of all sizes, each some turns of the runtime behind the one before.
async fn write_in_pieces(mut stream: impl AsyncWrite + Unpin, text: &str) {
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let size = 1 + (rest.len() * 7_919) % 331;
        let (piece, more) = rest.split_at(size.min(rest.len()));
        stream.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
        rest = more;
    }
    stream.shutdown().await.unwrap();
}

/// A server that answers the cancelled as well, once it is told, and the others out of their order. Returns what it has read
/// and what it has written.
async fn answer_all(requests: Requests, mut answers: Answers) -> [String; 2] {
    let (mut heard, mut said) = (String::new(), String::new());
    let mut waiting = Vec::new();
    let mut lines = BufReader::new(requests).lines();
    loop {
        let line = lines.next_line().await.unwrap();
        if let Some(line) = &line {
            heard += &format!("{line}\n");
            let message: Value = serde_json::from_str(line).unwrap();
            match (
                message["id"].as_u64(),
                message["params"]["requestId"].as_u64(),
            ) {
                (_, Some(cancelled)) => waiting.push(cancelled),
                (Some(id), _) if !id.is_multiple_of(2) => waiting.push(id),
                _ => {}
            }
        }
        while waiting.len() > 7 || (line.is_none() && !waiting.is_empty()) {
            let id = waiting.swap_remove(waiting.len() / 2);
            let answer = format!("{}\n", answer_of(id));
            answers.write_all(answer.as_bytes()).await.unwrap();
            answers.flush().await.unwrap();
            said += &answer;
        }
        if line.is_none() {
            answers.shutdown().await.unwrap();
            return [heard, said];
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_cancelled_calls_among_others_are_one_event_each() {
    const CALLS: u64 = 2_000;
    for adds_intent in [false, true] {
        let kept = Kept::new();
        let streams = UsageStreams::new(&kept.usage).add_intent(adds_intent);
        let Pair {
            to_server,
            mut from_server,
            requests,
            answers,
        } = pair_of(&streams, 4_096);
        let sent = calls_and_cancels(CALLS);
        let writes = tokio::spawn({
            let sent = sent.clone();
            async move { write_in_pieces(to_server, &sent).await }
        });
        let serving = tokio::spawn(answer_all(requests, answers));
        let mut seen = String::new();
        let all = from_server.read_to_string(&mut seen);
        tokio::time::timeout(PATIENCE, all).await.unwrap().unwrap();
        writes.await.unwrap();
        let [heard, said] = serving.await.unwrap();
        assert!(heard == sent && said == seen);
        let calls = kept.calls().await;
        let mut events = vec![0; CALLS as usize];
        for call in &calls {
            let id = call["meta"]["request_id"].as_str().unwrap();
            let id: usize = id.parse().unwrap();
            events[id] += 1;
            let is_cancelled = id.is_multiple_of(2);
            let expected = if is_cancelled { "cancelled" } else { "ok" };
            assert_eq!(call["meta"]["outcome"], expected, "{id}");
        }
        assert!(events.iter().all(|events| *events == 1));
    }
}

#[tokio::test]
async fn what_has_no_id_is_not_waited_for() {
    let kept = Kept::new();
    let mut pair = pair(&UsageStreams::new(&kept.usage));
    for id in [json!({}), json!({"id": null})] {
        let mut message = call_of(1);
        message.as_object_mut().unwrap().shift_remove("id");
        message
            .as_object_mut()
            .unwrap()
            .extend(id.as_object().unwrap().clone());
        pair.ask(message).await;
    }
    // An error that is to none of them.
    let error = json!({"code": -32700, "message": "parse error"});
    pair.answer(json!({"jsonrpc": "2.0", "id": null, "error": error}))
        .await;
    assert_eq!(outcomes(&kept.calls().await), ["unknown", "unknown"]);
    drop(pair);
    assert_eq!(kept.end().await.offered, 2);
}

#[tokio::test]
async fn a_client_of_the_sdk_cancels_and_goes_away() {
    for (era, mode) in eras() {
        let (gate, kept) = (Gate::default(), Kept::new());
        let streams = UsageStreams::new(&kept.usage);
        let server = Shop::with(gate.clone());
        let (client, serving) = over_streams(&streams, server, mode).await;
        let begin = async || {
            let waits = rmcp::model::CallToolRequest::new(request("wait", empty_object()));
            let sent = client.send_cancellable_request(
                rmcp::model::ClientRequest::CallToolRequest(waits),
                rmcp::service::PeerRequestOptions::no_options(),
            );
            let handle = sent.await.unwrap();
            gate.entered.notified().await;
            handle
        };
        begin().await.cancel(None).await.unwrap();
        until(async || !kept.calls().await.is_empty()).await;
        let _under_way = begin().await;
        client.cancel().await.unwrap();
        gate.opened.notify_waiters();
        serving.await.unwrap();
        let calls = kept.calls().await;
        assert_eq!(outcomes(&calls)[0], "cancelled", "{era}");
        assert_eq!(calls.len(), 2, "{era}");
    }
}
