//! However a call ends, there is one event of it, and it says how.

use mcp_usage::stdio::UsageStreams;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Pair, over_streams, pair};
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

#[tokio::test]
async fn a_thousand_cancelled_calls_among_others_are_one_event_each() {
    const CALLS: u64 = 2_000;
    let kept = Kept::new();
    let mut pair = pair(&UsageStreams::new(&kept.usage));
    let mut sent = String::new();
    for id in 0..CALLS {
        sent += &format!("{}\n", call_of(id));
        // Every other one is cancelled, some calls later.
        if id >= 10 && id.is_multiple_of(2) {
            sent += &format!("{}\n", cancel_of(id - 10));
        }
    }
    for id in (CALLS - 10)..CALLS {
        if id.is_multiple_of(2) {
            sent += &format!("{}\n", cancel_of(id));
        }
    }
    let writes = async {
        pair.to_server.write_all(sent.as_bytes()).await.unwrap();
        pair.to_server.shutdown().await.unwrap();
    };
    let mut heard = String::new();
    let reads = pair.requests.read_to_string(&mut heard);
    let (_, read) = tokio::join!(writes, reads);
    read.unwrap();
    assert!(heard == sent);
    // All are answered, in another order, the cancelled as well.
    for id in (0..CALLS).rev() {
        pair.answer(answer_of(id)).await;
    }
    drop(pair.answers);
    let calls = kept.calls().await;
    let mut seen = vec![0; CALLS as usize];
    for call in &calls {
        let id: usize = call["meta"]["request_id"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        seen[id] += 1;
        let expected = if id.is_multiple_of(2) {
            "cancelled"
        } else {
            "ok"
        };
        assert_eq!(call["meta"]["outcome"], expected, "{id}");
    }
    assert!(seen.iter().all(|events| *events == 1));
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
