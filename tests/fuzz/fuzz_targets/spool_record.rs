//! Arbitrary bytes as a spool's files: no panic, every byte is read once, and records that are written
//! around them come back as they were.
//!
//! Run from the crate's root with `cargo +nightly fuzz run --fuzz-dir tests/fuzz spool_record`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../../src/spool/record.rs"]
#[allow(dead_code, reason = "the crate uses the rest")]
mod record;

use record::{Found, Record, Records, read_ended};

fuzz_target!(|data: &[u8]| {
    let mut end = 0;
    for (found, range) in Records::new(data) {
        assert_eq!(range.start, end);
        assert!(!range.is_empty());
        end = range.end;
        if let Found::Record(record) = found {
            let mut again = Vec::new();
            record.write(&mut again);
            assert_eq!(again, data[range], "a record is written as it was read");
        }
    }
    assert_eq!(end, data.len());
    for range in read_ended(data) {
        assert!(range.start < range.end);
    }

    // A whole record before and after survives whatever stands between them.
    let json = br#"{"n":1}"#;
    let mut file = Vec::new();
    let mut record = Record { tag: 1, ordinal: 0, id: 1, at: 1, json };
    record.write(&mut file);
    file.extend_from_slice(data);
    record.ordinal = u32::MAX;
    record.write(&mut file);
    let end = file.len() - record::HEADER - json.len();
    let found: Vec<_> = Records::new(&file).collect();
    let is = |n: usize, ordinal| matches!(found[n].0, Found::Record(r) if r.ordinal == ordinal);
    assert!(is(0, 0));
    // Unless the bytes between are a record that holds the last one.
    let held = |range: &std::ops::Range<usize>| range.start < end && range.end > end;
    assert!(is(found.len() - 1, u32::MAX) || found.iter().any(|(_, range)| held(range)));
});
