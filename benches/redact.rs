//! How fast redaction is: clean and typical events, hostile inputs, and two things to compare with.
//!
//! Run with `cargo bench --bench redact`. Beside every shape stand the patterns of mcpeye in the way a port would
//! write them (`replace_all`, one after another) and `memchr` for a byte that is not there: the cost of reading the
//! bytes at all. `growth` prints t(2n)/t(n) for each hostile input, which is 2 when time is linear.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench prints, and knows its inputs"
)]

use std::borrow::Cow;
use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher};
use mcp_usage::Redactor;
use regex::Regex;

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

/// A text of at least `length` bytes from repetitions of `part`.
fn repeated(part: &str, length: usize) -> String {
    part.repeat(length / part.len() + 1)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

const WORDS: &str = "the quick report shows that every region improved over last quarter while costs stayed flat because \
                     teams moved work to cheaper storage and removed old jobs from the nightly schedule";

/// Events without a secret, each some 500 bytes of words, as one JSON array.
fn clean(length: usize) -> String {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut state = 7_usize;
    let mut word = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        words[(state >> 33) % words.len()]
    };
    let mut text = String::from("[");
    while text.len() < length {
        let title: Vec<&str> = (0..6).map(|_| word()).collect();
        let body: Vec<&str> = (0..60).map(|_| word()).collect();
        let tags: Vec<&str> = (0..4).map(|_| word()).collect();
        text += &serde_json::json!({"title": title.join(" "), "body": body.join(" "), "score": title.len(), "tags": tags}).to_string();
        text.push(',');
    }
    text.pop();
    text.push(']');
    text
}

/// Arguments of a tool call: some 600 bytes with an e-mail and a key.
fn typical(secrets: bool) -> String {
    let (mail, key) = if secrets {
        (
            "rachel@example.com".to_owned(),
            [
                "sk",
                "-",
                "proj",
                "-",
                "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2Q",
            ]
            .concat(),
        )
    } else {
        ("rachel of example".to_owned(), "none".to_owned())
    };
    serde_json::json!({
        "query": format!("companies in fintech that hired a head of data since March, ask {mail} about the list"),
        "filters": {"region": "north-america-west-2", "employees": {"min": 50, "max": 500}, "stage": ["series_a", "series_b"], "active": true},
        "columns": ["name", "domain", "headcount", "last_funding", "location"],
        "sort": {"by": "headcount", "order": "desc"},
        "limit": 25, "offset": 0, "cursor": null, "mode": "authenticated", "format": "table",
        "note": format!("continue with {key} from the last run"),
        "options": {"include_archived": false, "timeout_ms": 30000, "locale": "en-US", "trace": "4bf92f3577b34da6a3ce929d0e0e4736"},
    })
    .to_string()
}

/// What an attacker would send, `length` bytes of it as one JSON string.
const HOSTILE: [(&str, &str); 29] = [
    ("digits", "7"),
    ("one letter", "a"),
    ("eyJ", "eyJ"),
    ("at signs", "@"),
    ("percent forties", "%40"),
    ("sk-", "sk-"),
    ("sk-sk-a1", "sk-a1b2c3d4e5f6g7 "),
    ("quotes", "\""),
    ("backslashes", "\\"),
    ("brackets", "["),
    ("braces and quotes", "{\"a\":"),
    ("base64", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVph"),
    (
        "base64 of words",
        "dGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIGE ",
    ),
    ("token=", "token="),
    ("password: ", "password: "),
    ("url at signs", "://a:b@@@@"),
    ("urls", "https://u:p@"),
    ("addresses", "a@b.c1"),
    ("groups of digits", "411 "),
    ("numbers", "1-2-3-4-5-6-7-8-9-0-"),
    ("plus signs", "+1"),
    ("elements", "<password>"),
    ("dashes", "--a"),
    ("armour", "-----BEGIN PRIVATE KEY-----"),
    ("dots", "a1.b2."),
    ("inserts", "INSERT INTO t (password) VALUES ('"),
    ("long names", "maximum_password_length_of_all_users=12 "),
    ("lines", "password: hunter2xK9\n"),
    ("options", "mysql -phunter2xK9 --password hunter2xK9 "),
];

const MEGABYTE: usize = 1 << 20;

fn hostile(part: &str, length: usize) -> String {
    quoted(&repeated(part, length))
}

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
        for (name, part) in HOSTILE {
            let (one, two) = (
                time(&hostile(part, MEGABYTE)),
                time(&hostile(part, 2 * MEGABYTE)),
            );
            let speed = MEGABYTE as f64 / one.as_secs_f64() / 1e6;
            println!(
                "{name:<22}{speed:>8.0} MB/s   t(2n)/t(n) {:.2}",
                two.as_secs_f64() / one.as_secs_f64()
            );
        }
        return;
    }
    divan::main();
}
