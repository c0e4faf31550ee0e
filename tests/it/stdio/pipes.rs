//! Streams around pipes of the system, which take less at once than a message holds.

use mcp_usage::stdio::UsageStreams;
use rmcp::{ClientServiceExt, ServiceExt};
use serde_json::json;
use tokio::net::unix::pipe;

use crate::rmcp::server::*;

#[tokio::test]
async fn a_client_and_a_server_of_the_sdk_speak_over_pipes() {
    for (era, mode) in eras() {
        let kept = Kept::new();
        let streams = UsageStreams::new(&kept.usage);
        let streams = streams.add_intent(true).missing_capability(true);
        let (to_server, from_client) = pipe::pipe().unwrap();
        let (to_client, from_server) = pipe::pipe().unwrap();
        let wrapped = streams.wrap(from_client, to_client);
        let serving = tokio::spawn(async move {
            if let Ok(running) = Shop::new().serve(wrapped).await {
                let _ = running.waiting().await;
            }
        });
        let client = client_config().serve_with_lifecycle((from_server, to_server), mode);
        let client = client.await.unwrap();
        let tools = client.list_all_tools().await.unwrap();
        assert_eq!(tools.last().unwrap().name, "request_missing_capability");
        let text = "long ".repeat(400_000);
        let arguments = json!({"text": text, "prompt": "to see"});
        assert!(call(&client, "closed", arguments).await == text, "{era}");
        let noted = call(&client, "request_missing_capability", empty_object()).await;
        assert!(noted.contains("is missing"), "{era} {noted}");
        client.cancel().await.unwrap();
        serving.await.unwrap();
        let calls = kept.calls().await;
        let outcomes: Vec<_> = calls.iter().map(|call| &call["meta"]["outcome"]).collect();
        assert_eq!(outcomes, ["ok", "tool_error"], "{era}");
        // The message is larger than what is kept of one.
        assert_eq!(kept.usage.stats().calls_without_content, 1, "{era}");
    }
}
