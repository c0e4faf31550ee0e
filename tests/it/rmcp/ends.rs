//! However a call ends, there is one event of it, and it says how.

use rmcp::model::ClientRequest;
use rmcp::service::PeerRequestOptions;
use rmcp::transport::StreamableHttpServerConfig;
use serde_json::Value;

use super::server::*;
use crate::support::PATIENCE;

fn outcomes(calls: &[Value]) -> Vec<&str> {
    calls
        .iter()
        .map(|call| call["meta"]["outcome"].as_str().unwrap())
        .collect()
}

/// Sends a call without waiting for its answer, and returns once the tool runs.
async fn begin(
    client: &Client,
    gate: &Gate,
    tool: &'static str,
) -> rmcp::service::RequestHandle<rmcp::RoleClient> {
    let request = rmcp::model::CallToolRequest::new(request(tool, empty_object()));
    let handle = client
        .send_cancellable_request(
            ClientRequest::CallToolRequest(request),
            PeerRequestOptions::no_options(),
        )
        .await
        .unwrap();
    gate.entered.notified().await;
    handle
}

#[tokio::test]
async fn a_cancelled_call_is_recorded_at_once_though_the_tool_runs_on() {
    let gate = Gate::default();
    let kept = Kept::new();
    let server = kept.usage.instrument(Shop::with(gate.clone()));
    let (client, _serving) = over_stream(server, legacy()).await;
    let handle = begin(&client, &gate, "wait").await;
    handle.cancel(None).await.unwrap();
    until(async || !kept.calls().await.is_empty()).await;
    // The tool ends later, and is not recorded again.
    gate.opened.notify_one();
    call(&client, "boom", empty_object()).await;
    let calls = kept.calls().await;
    assert_eq!(outcomes(&calls), ["cancelled", "tool_error"]);
    assert_eq!(kept.end().await.offered, 2);
}

#[tokio::test]
async fn a_client_of_the_newer_protocol_that_goes_away_has_cancelled() {
    let gate = Gate::default();
    let kept = Kept::new();
    let waiting = gate.clone();
    let factory = kept
        .instrumentation()
        .factory(move || Ok(Shop::with(waiting.clone())));
    let http = over_http(factory, StreamableHttpServerConfig::default()).await;
    let client = connect(&http.url, Some("u1"), modern()).await;
    let handle = begin(&client, &gate, "wait").await;
    drop(handle);
    drop(client);
    until(async || !kept.calls().await.is_empty()).await;
    gate.opened.notify_one();
    let calls = kept.calls().await;
    assert_eq!(outcomes(&calls), ["cancelled"]);
    assert_eq!(calls[0]["user_id"], "u1");
}

#[tokio::test]
async fn a_panic_of_the_tool_is_one_event() {
    let gate = Gate::default();
    let kept = Kept::new();
    let server = kept.usage.instrument(Shop::with(gate.clone()));
    let (client, _serving) = over_stream(server, modern()).await;
    let _handle = begin(&client, &gate, "panic").await;
    until(async || !kept.calls().await.is_empty()).await;
    assert_eq!(outcomes(&kept.calls().await), ["panicked"]);
    assert_eq!(kept.end().await.offered, 1);
}

#[tokio::test]
async fn a_call_under_way_when_the_logger_shuts_down_is_dropped_then() {
    let gate = Gate::default();
    let kept = Kept::new();
    let server = kept.usage.instrument(Shop::with(gate.clone()));
    let (client, _serving) = over_stream(server, legacy()).await;
    let handle = begin(&client, &gate, "wait").await;
    let stats = kept.end().await;
    assert_eq!((stats.offered, stats.delivered), (1, 1));
    assert_eq!(outcomes(&kept.calls().await), ["dropped"]);
    // It ends after all, and the client hears of it; there is no second event.
    gate.opened.notify_one();
    handle.await_response().await.unwrap();
    assert_eq!(kept.usage.stats().offered, 1);
}

#[tokio::test]
async fn a_resource_that_is_read_when_the_logger_shuts_down_is_dropped_then() {
    let kept = Kept::new();
    let server = ByHand::new([]);
    let gate = server.gate.clone();
    let instrumentation = kept.instrumentation().resources(true);
    let (client, _serving) = over_stream(instrumentation.instrument(server), legacy()).await;
    let read = rmcp::model::ReadResourceRequestParams::new("waiting:///notes");
    let reading = tokio::spawn(async move { client.read_resource(read).await });
    gate.entered.notified().await;
    let stats = kept.end().await;
    assert_eq!((stats.offered, stats.delivered), (1, 1));
    let events = kept.events().await;
    assert_eq!(events[0]["activity_type"], "MCP_RESOURCE_READ");
    assert_eq!(outcomes(&events), ["dropped"]);
    gate.opened.notify_one();
    reading.await.unwrap().unwrap();
    assert_eq!(kept.usage.stats().offered, 1);
}

#[test]
fn a_runtime_that_shuts_down_drops_its_calls() {
    let gate = Gate::default();
    let kept = Kept::new();
    let host = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let waits = gate.clone();
    let server = kept.usage.instrument(Shop::with(gate));
    let held = host.block_on(async {
        let (client, serving) = over_stream(server, legacy()).await;
        let handle = begin(&client, &waits, "wait").await;
        (client, serving, handle)
    });
    host.shutdown_timeout(PATIENCE);
    drop(held);
    kept.usage.flush_blocking(PATIENCE).unwrap();
    let calls = crate::support::block_on(kept.calls());
    assert_eq!(outcomes(&calls), ["dropped"]);
}

#[tokio::test]
async fn a_call_that_outlives_its_client_over_a_stream_still_ends() {
    let gate = Gate::default();
    let kept = Kept::new();
    let server = kept.usage.instrument(Shop::with(gate.clone()));
    let (client, serving) = over_stream(server, legacy()).await;
    let handle = begin(&client, &gate, "wait").await;
    drop(handle);
    client.cancel().await.unwrap();
    gate.opened.notify_one();
    tokio::time::timeout(PATIENCE, serving)
        .await
        .unwrap()
        .unwrap();
    until(async || !kept.calls().await.is_empty()).await;
    let calls = kept.calls().await;
    assert_eq!(calls.len(), 1, "{calls:#?}");
    let outcome = outcomes(&calls)[0];
    assert!(matches!(outcome, "ok" | "cancelled"), "{outcome}");
}
