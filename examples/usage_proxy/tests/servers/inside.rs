//! What puts streams around a server's own where it is asked for: with `--inside`, and with `--intent` behind it.

use mcp_usage::stdio::UsageStreams;
use mcp_usage::{Identity, UsageLogger, Wire};

/// The logger and the streams; `None` where the server is to be as it is. The ingest is in the variable `INGEST`.
pub fn streams() -> Option<(UsageLogger, UsageStreams)> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first()? != "--inside" {
        return None;
    }
    let ingest = std::env::var("INGEST").expect("INGEST is set");
    let builder = UsageLogger::builder().wire(Wire::ReoBatch).endpoint(ingest);
    let builder = builder.api_key("test-key-1").product_id("servers");
    let usage = builder.build().expect("the settings are right");
    let streams = UsageStreams::new(&usage)
        .identify(Identity::email("rachel@example.com"))
        .add_intent(arguments.get(1).is_some_and(|option| option == "--intent"));
    Some((usage, streams))
}
