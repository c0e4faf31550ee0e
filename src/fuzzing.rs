//! Entry points for the fuzz targets of `tests/fuzz`, compiled with `--cfg fuzzing`. Not part of the API.

use std::time::{Duration, Instant, SystemTime};

use crate::delivery::gate::{Gate, Load};
use crate::delivery::settings::Pace;
use crate::wire::Wire;
use crate::wire::answer::{Receipt, Verdict, classify_answer, parse_retry_after};

/// Reads a `Retry-After` at a time, and waits as it says.
pub fn retry_after(seconds: u32, value: &str) {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into());
    let Some(asked) = parse_retry_after(value, wall) else {
        return;
    };
    let pace = Pace {
        initial_backoff: Duration::from_secs(1),
        max_backoff: Duration::from_secs(30),
        max_retry_after: Duration::from_secs(300),
    };
    let now = Instant::now();
    let mut gate = Gate::new(pace, 1, now);
    let load = Load {
        under_way: 0,
        is_paced: true,
    };
    assert!(gate.pass(now, load), "it starts open");
    gate.failed(now, now, Some(asked));
    let until = gate.reopens_at(load).unwrap_or(now);
    assert!(until <= now + pace.max_retry_after * 6 / 5, "{value}");
}

/// Classifies an answer.
pub fn answer(status: u16, body: &[u8]) {
    let verdict = classify_answer(status, None, SystemTime::UNIX_EPOCH);
    let is_2xx = (200..300).contains(&status);
    assert_eq!(verdict == Verdict::Delivered, is_2xx, "{status}");
    assert_eq!((Wire::Reo.profile().receipt)(body), Receipt::Taken);
    if let Receipt::Refused(refused) = (Wire::ReoBatch.profile().receipt)(body) {
        assert!(refused.len() <= body.len(), "more refusals than bytes");
    }
}
