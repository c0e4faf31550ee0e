//! Any bytes over streams, in any pieces: without intent every one passes as it came, and with it what a line may lose or get
//! is the property for the intent alone.
//!
//! Run from the crate's root with `cargo +nightly fuzz run --fuzz-dir tests/fuzz streams`.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mcp_usage::UsageLogger;
use mcp_usage::stdio::UsageStreams;
use serde_json::Value;

/// One logger for all inputs. Nobody takes its events, which are dropped.
static USAGE: LazyLock<UsageLogger> = LazyLock::new(|| {
    let builder = UsageLogger::builder().env(|_| None).product_id("fuzz");
    let builder = builder.api_key("test-key-1").endpoint("http://127.0.0.1:9/");
    builder.build().expect("the settings are right")
});

const LIST: &[u8] = b"{\"id\":\"l\",\"method\":\"tools/list\"}\n";
const TOOLS: &[u8] = b"{\"id\":\"l\",\"result\":{\"tools\":[{\"name\":\"a\",\"inputSchema\":{}}]}}\n";

/// Takes out whatever has the property's name, and places that may have been made for it.
fn without_property(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("prompt");
            members.values_mut().for_each(without_property);
            members.retain(|name, value| name != "properties" || *value != serde_json::json!({}));
        }
        Value::Array(items) => items.iter_mut().for_each(without_property),
        _ => {}
    }
}

fn is_same(sent: &[u8], seen: &[u8]) -> bool {
    if sent == seen {
        return true;
    }
    let read = |line: &[u8]| serde_json::from_slice::<Value>(line).ok();
    let (Some(mut sent), Some(mut seen)) = (read(sent), read(seen)) else {
        return false;
    };
    without_property(&mut sent);
    without_property(&mut seen);
    sent == seen
}

fn check(sent: &[u8], seen: &[u8], adds_intent: bool) {
    if !adds_intent {
        assert!(sent == seen, "not one byte changes");
        return;
    }
    let lines = |text: &[u8]| text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (sent, seen) = (lines(sent), lines(seen));
    assert_eq!(sent.len(), seen.len());
    for (sent, seen) in sent.iter().zip(&seen) {
        assert!(is_same(sent, seen), "{}\n{}", sent.escape_ascii(), seen.escape_ascii());
    }
}

// A piece is its length, of which the lowest bit says who speaks, and its bytes.
fuzz_target!(|input: (bool, bool, u16, &[u8])| {
    let (adds_intent, lists, max_message_bytes, mut rest) = input;
    let streams = UsageStreams::new(&USAGE).add_intent(adds_intent);
    let streams = streams.max_message_bytes(max_message_bytes.into());
    let (mut requests, mut answers) = streams.taps();
    let (mut sent, mut seen) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    let mut pass = |is_client: bool, piece: &[u8]| {
        let side = usize::from(is_client);
        sent[side].extend_from_slice(piece);
        let passed = if is_client { requests.requests(piece) } else { answers.answers(piece) };
        seen[side].extend_from_slice(&passed);
    };
    if lists {
        pass(true, LIST);
        pass(false, TOOLS);
    }
    while let Some((head, more)) = rest.split_first() {
        let (piece, more) = more.split_at(more.len().min(usize::from(*head >> 1)));
        pass(head & 1 == 1, piece);
        rest = more;
    }
    seen[1].append(&mut requests.end());
    seen[0].append(&mut answers.end());
    for (sent, seen) in sent.iter().zip(&seen) {
        check(sent, seen, adds_intent);
    }
});
