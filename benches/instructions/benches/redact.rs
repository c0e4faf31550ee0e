//! What redaction costs, in instructions.

use gungraun::prelude::*;
use instructions::{CALLS, clean, rows, typical};
use mcp_usage::Redactor;
use serde_json::Value;
use std::hint::black_box;

/// Ready, and its tables built.
fn redactor(value: Value) -> (Redactor, String) {
    let redactor = Redactor::default();
    let text = value.to_string();
    black_box(redactor.redact_json(&text).len());
    (redactor, text)
}

#[library_benchmark]
#[bench::typical(redactor(typical()))]
#[bench::clean(redactor(clean()))]
#[bench::clean_24_kb(redactor(rows(24 * 1_024)))]
fn redact_json((redactor, text): (Redactor, String)) -> (Redactor, String) {
    for _ in 0..CALLS / 10 {
        black_box(redactor.redact_json(black_box(&text)).len());
    }
    (redactor, text)
}

library_benchmark_group!(name = redact, benchmarks = redact_json);
main!(library_benchmark_groups = redact);
