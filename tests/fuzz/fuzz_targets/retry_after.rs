//! `Retry-After`, in whatever form: never a panic, and never a wait beyond `max_retry_after`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: (u32, &str)| {
    let (seconds, value) = input;
    mcp_usage::fuzzing::retry_after(seconds, value);
});
