//! This crate as the sender, on each of its wires, over sockets.

use std::time::{Duration, SystemTime};

use mcp_usage::{
    AuthRejected, AuthRejection, Identity, IdentityCapture, Init, Mcpeye, Otlp, Session, ToolCall,
    UsageLogger, Wire,
};

use crate::support::{Server, Setup};

/// How long a delivery may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

async fn server() -> Server {
    let mut setup = Setup::default();
    setup.config.fixed_now_ms = None;
    Server::start_as(setup).await
}

fn logger(server: &Server, wire: Wire, path: &str) -> UsageLogger {
    UsageLogger::builder()
        .env(|_| None)
        .wire(wire)
        .endpoint(format!("{}{path}", server.origin))
        .api_key(server.key.as_str())
        .product_id("shop")
        .flush_interval(Duration::from_millis(20))
        .build()
        .unwrap()
}

/// What two people do: each logs in, lists the tools, and calls some.
fn use_it(usage: &UsageLogger) {
    let begin = SystemTime::now() - Duration::from_secs(600);
    for (n, person) in ["rachel@example.com", "sam@example.com"]
        .into_iter()
        .enumerate()
    {
        let session = Session::new()
            .session_id(format!("session {n}"))
            .client_name("claude-code")
            .client_version("2.1");
        let identity = || Identity::email(person);
        let at = |seconds: u64| begin + Duration::from_secs(seconds);
        usage.log_usage(
            IdentityCapture::new(identity())
                .session(&session)
                .event_at(at(0)),
        );
        let listing = Init::new(["search", "order"]).definition("search", &"a definition");
        usage.log_usage(
            listing
                .identity(identity())
                .session(&session)
                .event_at(at(1)),
        );
        for call in 0..20 {
            let event = ToolCall::new(if call % 2 == 0 { "search" } else { "order" })
                .identity(identity())
                .session(&session)
                .arguments(&["a", "b"])
                .prompt(format!("find number {call}"))
                .duration(Duration::from_millis(25))
                .event_at(at(2 + call));
            usage.log_usage(match call % 5 {
                4 => event.error("no such thing"),
                _ => event,
            });
        }
    }
    usage.log_usage(AuthRejected::new(AuthRejection::Expired).user_agent("claude-code/2.1"));
}

#[tokio::test]
async fn each_wire_brings_each_persons_timeline_complete_and_in_order() {
    for (wire, path, brings_logins) in [
        (Wire::ReoBatch, "/api/product/usage", true),
        (Wire::Reo, "/api/product/usage", true),
        (Wire::Otlp(Otlp::spans()), "/v1/traces", true),
        (
            Wire::Mcpeye(Mcpeye::new("shop").client("claude-code")),
            "/ingest",
            false,
        ),
    ] {
        let server = server().await;
        let is_single = wire == Wire::Reo;
        let usage = logger(&server, wire, path);
        use_it(&usage);
        let report = usage.shutdown(PATIENCE).await;
        assert_eq!(report.stats.pending, 0, "{path} {}", report.stats);
        let expected = if brings_logins { 45 } else { 40 };
        assert_eq!(
            server.row("SELECT count(*) FROM event").await,
            expected.to_string(),
            "{path}"
        );
        for person in ["rachel@example.com", "sam@example.com"] {
            let timeline = server
                .rows(&format!(
                    "SELECT event.kind, coalesce(name.text, ''), coalesce(intent.text, '') FROM event
                    JOIN user ON user.id = event.user LEFT JOIN name ON name.id = tool
                    LEFT JOIN intent ON intent.id = event.intent
                    WHERE user.text = '{person}' ORDER BY time_ms, sequence, event.id"
                ))
                .await;
            let calls = (0..20).map(|call| {
                let tool = if call % 2 == 0 { "search" } else { "order" };
                format!("1 {tool} find number {call}")
            });
            let before = ["3  ".to_owned(), "5  ".to_owned()].into_iter();
            let expected: Vec<_> = before
                .take(if brings_logins { 2 } else { 0 })
                .chain(calls)
                .collect();
            assert_eq!(timeline, expected, "{path}");
        }
        let failed = "SELECT count(*) FROM event WHERE outcome = 1 AND error > 0";
        assert_eq!(server.row(failed).await, "8", "{path}");
        if brings_logins {
            let sessions = server
                .rows("SELECT calls, failed FROM session ORDER BY id")
                .await;
            assert_eq!(sessions, ["20 4", "20 4"], "{path}");
            let refused = "SELECT text, events FROM login_day JOIN name ON name.id = reason";
            assert_eq!(server.row(refused).await, "expired 1", "{path}");
            let definition = "SELECT count(*) FROM tool_def";
            assert_eq!(server.row(definition).await, "1", "{path}");
            let instance = server
                .row("SELECT received, max_sequence, sdk FROM instance")
                .await;
            // The wire of single events has no place for what the sender is.
            let sdk = match path {
                "/api/product/usage" if is_single => "",
                _ => concat!("mcp-usage ", env!("CARGO_PKG_VERSION")),
            };
            assert_eq!(instance, format!("45 45 {sdk}"), "{path}");
        }
    }
}
