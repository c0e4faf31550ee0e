//! Sends the spans of a short story to the receiver that OpenTelemetry's variables name:
//!
//!     OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 cargo run --example send
//!
//! Fails where one of them was not taken.

use std::time::Duration;

use mcp_usage::{
    AuthRejected, AuthRejection, CallOutcome, Identity, IdentityCapture, Init, Otlp, ToolCall,
    UsageLogger, Wire,
};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let usage = UsageLogger::builder()
        .wire(Wire::Otlp(Otlp::spans().service_version("1.2.3")))
        .product_id("shop")
        .build()?;
    let rachel = Identity::new("u-1", "INTERNAL").with_email("rachel@example.com");
    let call = |tool: &'static str| {
        ToolCall::new(tool)
            .identity(&rachel)
            .session_id("s-1")
            .client_name("claude")
            .client_version("4.2")
            .protocol_version("2025-11-25")
            .transport("http")
    };
    usage.log_usage(Init::new(["search", "checkout"]));
    usage.log_usage(IdentityCapture::new(&rachel));
    usage.log_usage(
        call("search")
            .request_id("1")
            .prompt("find a framework")
            .arguments(&json!({"query": "ruby on rails"}))
            .result(&json!({"hits": 2}))
            .duration(Duration::from_millis(12))
            .outcome(CallOutcome::Ok)
            .traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    );
    usage.log_usage(
        call("checkout")
            .request_id("2")
            .duration(Duration::from_millis(40))
            .outcome(CallOutcome::ToolError)
            .error("the basket is empty"),
    );
    usage.log_usage(AuthRejected::new(AuthRejection::Expired));
    let report = usage.shutdown_blocking(Duration::from_secs(20));
    match report.stats.delivered {
        5 => Ok(()),
        _ => Err(format!("not all was taken: {:?}", report.stats).into()),
    }
}
