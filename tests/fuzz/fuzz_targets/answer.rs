//! An answer, with any status and any body: never a panic, and only what a 2xx refuses is refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: (u16, &[u8])| {
    let (status, body) = input;
    mcp_usage::fuzzing::answer(status, body);
});
