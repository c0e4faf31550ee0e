//! What the tests share.

use std::time::Duration;

use mcp_usage::testing::MockIngest;
use mcp_usage::{Builder, UsageLogger};

/// An obviously fake key.
pub(crate) const KEY: &str = "test-key-1";

/// Long enough that a slow machine does not fail a test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn ingest() -> MockIngest {
    MockIngest::builder().api_key(KEY).start().unwrap()
}

/// A logger for `ingest` that the real environment does not move.
pub(crate) fn builder(ingest: &MockIngest) -> Builder {
    UsageLogger::builder()
        .env(|_| None)
        .api_key(KEY)
        .endpoint(ingest.endpoint())
        .product_id("reoWebApp")
        .flush_interval(Duration::from_millis(20))
}
