//! Users who say no, behind both integrations.

use std::sync::{Arc, Mutex};

use axum::Router;
use mcp_usage::tower::UsageLayer;
use mcp_usage::{Builder, DropReason};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;

use super::layer::serve;
use super::server::*;

/// Has the host say no to Sam, and note whom it was asked about.
fn asking(builder: Builder, asked: &Arc<Mutex<Vec<String>>>) -> Builder {
    let asked = Arc::clone(asked);
    builder.consent(move |identity| {
        asked.lock().unwrap().push(identity.id().to_owned());
        identity.id() != "sam"
    })
}

#[tokio::test]
async fn nothing_of_who_says_no_is_reported_by_an_instrumented_server_or_the_layer() {
    for (era, mode) in eras() {
        for (is_layer, is_instrumented) in [(true, false), (false, true), (true, true)] {
            let name = format!("{era}, layer {is_layer}, instrumented {is_instrumented}");
            let asked = Arc::default();
            let kept = Kept::with(|builder| asking(builder, &asked));
            let config = StreamableHttpServerConfig::default();
            let sessions = Arc::<LocalSessionManager>::default;
            let app = if is_instrumented {
                let make = kept.instrumentation().factory(|| Ok(Shop::new()));
                let service = StreamableHttpService::new(make, sessions(), config);
                Router::new().nest_service("/mcp", service)
            } else {
                let service = StreamableHttpService::new(|| Ok(Shop::new()), sessions(), config);
                Router::new().nest_service("/mcp", service)
            };
            let http = match is_layer {
                true => serve(app.layer(UsageLayer::new(&kept.usage))).await,
                false => serve(app).await,
            };
            for user in ["sam", "rachel"] {
                let client = connect(&http.url, Some(user), mode.clone()).await;
                client.list_all_tools().await.unwrap();
                call(&client, "search", json!({"query": user})).await;
                client.cancel().await.unwrap();
            }
            let events = kept.events().await;
            let of = |kind: &str| {
                let of_kind = events.iter().filter(|event| event["activity_type"] == kind);
                let users = of_kind.map(|event| event["user_id"].as_str().unwrap());
                users.collect::<Vec<_>>()
            };
            // Who lists tools after one who says no is reported to have listed them.
            for kind in ["MCP_TOOL_CALL", "MCP_IDENTITY_CAPTURE", "MCP_INIT"] {
                assert_eq!(of(kind), ["rachel"], "{name}: {kind}");
            }
            let all = serde_json::to_string(&events).unwrap();
            assert!(!all.contains("sam"), "{name}: {all}");
            let stats = kept.end().await;
            let no = stats.dropped.get(DropReason::NoConsent);
            let asked = asked.lock().unwrap();
            let of_sam = asked.iter().filter(|who| *who == "sam").count() as u64;
            assert!(no >= 3, "{name}: {stats:?}");
            assert_eq!((no, asked.len() as u64), (of_sam, stats.offered), "{name}");
        }
    }
}
