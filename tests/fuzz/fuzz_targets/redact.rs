//! Redaction over arbitrary text and JSON: no panic, JSON stays JSON, and a second pass changes nothing.
//!
//! Run from the crate's root with `cargo +nightly fuzz run --fuzz-dir tests/fuzz redact`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_usage::Redactor;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let redactor = Redactor::default();
    let once = redactor.redact_str(text).into_owned();
    assert_eq!(redactor.redact_str(&once), once, "a second pass over a text");
    let value = serde_json::from_str::<Value>(text).unwrap_or_else(|_| serde_json::json!({ "text": text }));
    let json = value.to_string();
    let redacted = redactor.redact_json(&json).into_owned();
    let read: Value = serde_json::from_str(&redacted).expect("JSON stays JSON");
    assert_eq!(redactor.redact_json(&redacted), redacted, "a second pass over JSON");
    let _ = (redactor.redact_value(&value), redactor.redact_value(&read));
});
