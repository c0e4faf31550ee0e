//! How fast redaction is: clean and typical events, hostile inputs, and two things to compare with.
//!
//! Run with `cargo bench --bench redact`. Beside every shape stand the patterns of mcpeye in the way a port would
//! write them (`replace_all`, one after another) and `memchr` for a byte that is not there: the cost of reading the
//! bytes at all. `growth` prints t(2n)/t(n) for each hostile input, which is 2 when time is linear, and fails where a
//! shape is beyond a bound three times in a row.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench prints, and knows its inputs"
)]

#[path = "given/redact.rs"]
mod given;

use std::borrow::Cow;
use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher};
use mcp_usage::Redactor;
use regex::Regex;

use crate::given::{HOSTILE, clean, hostile, typical};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

/// The patterns of mcpeye 0.1.5, in the order in which it applies them.
const MCPEYE: [(&str, &str); 9] = [
    (
        r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
        "[REDACTED_EMAIL]",
    ),
    (r"\bsk-ant-[A-Za-z0-9_-]{16,}\b", "[REDACTED_KEY]"),
    (r"\bsk-[A-Za-z0-9_-]{16,}\b", "[REDACTED_KEY]"),
    (r"\bgh[pousr]_[A-Za-z0-9]{20,}\b", "[REDACTED_KEY]"),
    (r"\bAKIA[0-9A-Z]{16}\b", "[REDACTED_KEY]"),
    (
        r"(?i)\bBearer\s+[A-Za-z0-9._-]{12,}\b",
        "Bearer [REDACTED_KEY]",
    ),
    (
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\b",
        "[REDACTED_JWT]",
    ),
    (r"\b(?:\d[ -]?){13,16}\b", "[REDACTED_CARD]"),
    (
        r"\b\+?\d{1,3}[\s.-]?\(?\d{2,4}\)?[\s.-]?\d{3,4}[\s.-]?\d{3,4}\b",
        "[REDACTED_PHONE]",
    ),
];

static NAIVE: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    MCPEYE
        .iter()
        .map(|(pattern, mark)| (Regex::new(pattern).expect("a pattern"), *mark))
        .collect()
});

fn naive(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for (pattern, mark) in NAIVE.iter() {
        if let Cow::Owned(redacted) = pattern.replace_all(&text, *mark) {
            text = Cow::Owned(redacted);
        }
    }
    text
}

const MEGABYTE: usize = 1 << 20;

fn bench(bencher: Bencher<'_, '_>, text: &str, f: impl Fn(&str) -> usize + Sync) {
    bencher
        .counter(BytesCount::of_str(text))
        .bench(|| f(black_box(text)));
}

#[divan::bench_group(sample_count = 30, min_time = 0.2)]
mod shapes {
    use super::*;

    fn ours(bencher: Bencher<'_, '_>, text: &str) {
        let redactor = Redactor::default();
        bench(bencher, text, |text| redactor.redact_json(text).len());
    }

    #[divan::bench]
    fn clean_1mb(bencher: Bencher<'_, '_>) {
        ours(bencher, &clean(MEGABYTE));
    }

    #[divan::bench]
    fn clean_1kb(bencher: Bencher<'_, '_>) {
        ours(bencher, &clean(1024));
    }

    #[divan::bench]
    fn typical_with_secrets(bencher: Bencher<'_, '_>) {
        ours(bencher, &typical(true));
    }

    #[divan::bench]
    fn typical_without_secrets(bencher: Bencher<'_, '_>) {
        ours(bencher, &typical(false));
    }

    #[divan::bench]
    fn short_string(bencher: Bencher<'_, '_>) {
        let redactor = Redactor::default();
        bench(bencher, "north-america", |text| {
            redactor.redact_str(text).len()
        });
    }

    #[divan::bench(args = HOSTILE.map(|(name, _)| name))]
    fn hostile_1mb(bencher: Bencher<'_, '_>, name: &str) {
        let part = HOSTILE
            .iter()
            .find(|(known, _)| *known == name)
            .map_or("", |(_, part)| part);
        ours(bencher, &hostile(part, MEGABYTE));
    }
}

#[divan::bench_group(sample_count = 10, min_time = 0.1)]
mod comparisons {
    use super::*;

    #[divan::bench(args = ["clean 1 MB", "typical", "digits 1 MB"])]
    fn mcpeye_patterns(bencher: Bencher<'_, '_>, shape: &str) {
        bench(bencher, &input(shape), |text| naive(text).len());
    }

    #[divan::bench(args = ["clean 1 MB", "typical", "digits 1 MB"])]
    fn memchr_of_an_absent_byte(bencher: Bencher<'_, '_>, shape: &str) {
        bench(bencher, &input(shape), |text| {
            usize::from(memchr::memchr(0, text.as_bytes()).is_some())
        });
    }

    fn input(shape: &str) -> String {
        match shape {
            "typical" => typical(true),
            "digits 1 MB" => hostile("7", MEGABYTE),
            _ => clean(MEGABYTE),
        }
    }
}

/// The shortest time of one pass: other programs of the machine only ever add to it.
fn time(text: &str) -> Duration {
    let redactor = Redactor::default();
    (0..15)
        .map(|_| {
            let start = Instant::now();
            black_box(redactor.redact_json(black_box(text)).len());
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}

/// The least speed of a hostile shape, in MB/s, and the most that twice the input may take.
const BOUNDS: (f64, f64) = (40.0, 2.1);

/// Prints how a shape is redacted, and returns whether it holds the bounds; other programs are given three tries.
fn holds((name, part): &(&str, &str)) -> bool {
    (0..3).any(|_| {
        let (one, two) = (
            time(&hostile(part, MEGABYTE)),
            time(&hostile(part, 2 * MEGABYTE)),
        );
        let speed = MEGABYTE as f64 / one.as_secs_f64() / 1e6;
        let growth = two.as_secs_f64() / one.as_secs_f64();
        println!("{name:<22}{speed:>8.0} MB/s   t(2n)/t(n) {growth:.2}");
        speed >= BOUNDS.0 && growth <= BOUNDS.1
    })
}

fn main() {
    let start = Instant::now();
    black_box(Redactor::default().redact_json("{}").len());
    println!("ready within {:?} of first use", start.elapsed());
    println!("typical event: {} bytes", typical(true).len());
    if let Some(shape) = std::env::args()
        .skip_while(|argument| argument != "loop")
        .nth(1)
    {
        // For a profiler: one shape for two seconds.
        let text = match shape.as_str() {
            "clean" => clean(MEGABYTE),
            "typical" => typical(true),
            "quiet" => typical(false),
            name => HOSTILE
                .iter()
                .find(|(known, _)| *known == name)
                .map_or(String::new(), |(_, part)| hostile(part, MEGABYTE)),
        };
        let redactor = Redactor::default();
        let (start, mut passes) = (Instant::now(), 0_u32);
        while start.elapsed() < Duration::from_secs(2) {
            black_box(redactor.redact_json(black_box(&text)).len());
            passes += 1;
        }
        println!(
            "{:.0} MB/s",
            text.len() as f64 * f64::from(passes) / start.elapsed().as_secs_f64() / 1e6
        );
        return;
    }
    if std::env::args().any(|argument| argument == "growth") {
        let beyond = HOSTILE.iter().filter(|shape| !holds(shape)).count();
        assert_eq!(beyond, 0, "shapes beyond a bound");
        return;
    }
    divan::main();
}
