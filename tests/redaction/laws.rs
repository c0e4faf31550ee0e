//! What holds for every text: a second pass changes nothing, no planted secret survives, clean texts keep their bytes.

use mcp_usage::{Outcome, Redactor, ToolCall, redact_str, redact_value};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::random::Random;
use crate::{context, events, harmless, secrets};

/// Pieces that rules look for, so that texts are hostile more often than chance would have it.
fn piece() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "password",
        "token",
        "=",
        ": ",
        ":",
        "\"",
        "'",
        "\\",
        "\\n",
        "\\\"",
        "\n",
        "\r\n",
        " ",
        "@",
        "%40",
        "&quot;",
        "a@b.example.com",
        "Bearer ",
        "Basic ",
        "sk-",
        "eyJhbGciOi",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "://",
        "https://u:",
        "@host",
        "{",
        "}",
        "[",
        "]",
        ",",
        "--password ",
        "4111 1111 1111 1111",
        "411",
        "+1 415 555 2671",
        "123-45-6789",
        "DE89370400440532013000",
        "[REDACTED_KEY]",
        "[REDACTED_EMAIL]",
        "[REDACTED_",
        "]",
        "<password>",
        "</password>",
        "name=\"secret\" value=",
        "data:\n",
        "kind: Secret",
        "Cookie: a=",
        "; b=",
        "é",
        "\u{1f600}",
        "\\u0040",
        "\\ud83d",
        "YWJjZGVmZ2hpamtsbW5vcA==",
        "INSERT INTO t (password) VALUES ('",
        "Authorization: ",
        "Digest response=\"",
        "is ",
        "api key",
        "${X}",
        "***",
    ]);
    prop_oneof![
        6 => known.prop_map(str::to_owned),
        2 => "[a-zA-Z0-9_-]{0,24}",
        1 => "\\PC{0,6}",
        1 => any::<char>().prop_map(String::from),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(
                (
                    prop_oneof![
                        text(),
                        "name|value|key|password|data|kind|auth".prop_map(String::from)
                    ],
                    inner
                ),
                0..5
            )
            .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The same texts each time, so that the gate fails for a change and not by chance; `PROPTEST_CASES=1000000
/// PROPTEST_RNG_SEED=7` tries others.
fn config() -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig {
        cases: match std::env::var_os("PROPTEST_CASES") {
            Some(_) => asked.cases,
            None => 3_000,
        },
        rng_seed: match asked.rng_seed {
            RngSeed::Random => RngSeed::Fixed(1),
            fixed => fixed,
        },
        failure_persistence: None,
        ..asked
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_second_pass_over_text_changes_nothing(text in text()) {
        let once = redact_str(&text).into_owned();
        prop_assert_eq!(redact_str(&once).into_owned(), once);
    }

    #[test]
    fn json_stays_json_and_a_second_pass_changes_nothing(value in value()) {
        let json = value.to_string();
        let once = Redactor::default().redact_json(&json).into_owned();
        let read: Result<Value, _> = serde_json::from_str(&once);
        prop_assert!(read.is_ok(), "{}", once);
        prop_assert_eq!(Redactor::default().redact_json(&once).into_owned(), once);
    }

    #[test]
    fn a_planted_key_survives_in_no_text(before in text(), after in text(), seed in any::<u64>()) {
        let key = ["gh", "p_", &Random::new(seed).alnum(36)].concat();
        // Right behind a letter it would be a part of a word.
        let redacted = redact_str(&format!("{before} {key} {after}")).into_owned();
        prop_assert!(!redacted.contains(&key), "{}", redacted);
    }
}

/// A value without the numbers that tell redacted names apart, which count over all of a text or an event.
fn without_numbers(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(without_numbers).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let name = |name: &str| {
                let mut parts = name.split('_');
                let first = parts.next().unwrap_or_default().to_owned();
                parts.fold(first, |name, part| {
                    match part.trim_start_matches(|c: char| c.is_ascii_digit()) {
                        end if end.starts_with(']') => name + end,
                        _ => name + "_" + part,
                    }
                })
            };
            let mut members: Vec<_> = members
                .iter()
                .map(|(of, value)| format!("{:?}:{}", name(of), without_numbers(value)))
                .collect();
            members.sort_unstable();
            format!("{{{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}

/// As many events are sent at once.
const EVENTS: usize = 50;

proptest! {
    #![proptest_config(ProptestConfig { cases: config().cases / EVENTS as u32, ..config() })]

    /// Each is sent twice: what was read of the first is remembered for the second.
    #[test]
    fn an_event_sends_what_is_made_of_its_values_alone(
        given in prop::collection::vec((value(), text()), 1..EVENTS)
    ) {
        let given: Vec<_> = given
            .into_iter()
            .map(|(value, text)| (json!({"note": value, "text": text}), text))
            .collect();
        let given = || given.iter().chain(&given).enumerate();
        // What is found at one place of an event goes at the others, too: each has an event of its own.
        let call = || ToolCall::new("search");
        let events = events::sent(events::wide(), |usage| {
            for (index, (value, text)) in given() {
                let raw: Box<RawValue> = to_raw_value(value).expect("JSON");
                let first = match index % 3 {
                    0 => call().arguments(value),
                    1 => call().arguments(&raw),
                    _ => call().meta("all", value),
                };
                assert_eq!(usage.log_usage(first), Outcome::Queued);
                assert_eq!(usage.log_usage(call().error(text)), Outcome::Queued);
            }
        });
        for ((index, (value, _)), sent) in given().zip(events.chunks(2)) {
            let (sent, alone) = match index % 3 {
                2 => (json!({"all": sent[0]["meta"]["all"]}), redact_value(&json!({"all": value}))),
                _ => (sent[0]["meta"]["tool_arguments"].clone(), redact_value(value)),
            };
            prop_assert_eq!(without_numbers(&sent), without_numbers(&alone), "{}", value);
        }
        for ((_, (_, text)), sent) in given().zip(events.chunks(2)) {
            let error = sent[1]["meta"]["error"].as_str().unwrap_or_default();
            prop_assert_eq!(error, redact_str(text), "{}", text);
        }
    }
}

#[test]
fn texts_without_a_finding_are_borrowed() {
    for case in harmless::lines(false).into_iter().take(500) {
        if let Value::String(text) = &case.input["text"] {
            let redacted = redact_str(text);
            assert!(
                redacted != text.as_str() || matches!(redacted, std::borrow::Cow::Borrowed(_)),
                "{text}"
            );
        }
    }
}

#[test]
fn cut_and_mangled_texts_crash_nothing_and_stay_redacted() {
    let mut random = Random::new(99);
    let mut texts: Vec<String> = context::all()
        .iter()
        .map(|case| case.input.to_string())
        .collect();
    texts.extend(
        secrets::all(&mut random, 1)
            .into_iter()
            .map(|secret| secret.text),
    );
    let mut changed = 0;
    for _ in 0..8_000 {
        let mut bytes = random.pick(&texts).clone().into_bytes();
        for _ in 0..random.below(4) {
            let at = random.below(bytes.len().max(1));
            match random.below(4) {
                0 => bytes.truncate(at),
                1 if at < bytes.len() => bytes[at] = *random.pick(b"\"\\'@:=%&<>[]{} \n,;-_.0aZ"),
                2 => bytes.insert(
                    at.min(bytes.len()),
                    *random.pick(b"\"\\'@:=%&<>[]{} \n,;-_.0aZ"),
                ),
                _ => bytes.extend_from_slice(random.pick(&texts).as_bytes()),
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let once = redact_str(&text).into_owned();
        changed += usize::from(once != text);
        assert_eq!(redact_str(&once), once, "from {text}");
        let json = serde_json::json!({ "a": text }).to_string();
        let once = Redactor::default().redact_json(&json).into_owned();
        assert!(serde_json::from_str::<Value>(&once).is_ok(), "{once}");
    }
    assert!(changed > 4_000, "{changed} of the texts had a finding");
}

#[test]
fn hostile_shapes_end() {
    let deep = "[".repeat(100_000);
    let wide = format!(
        "{{{}}}",
        (0..100_000)
            .map(|i| format!("\"k{i}\":\"v\""))
            .collect::<Vec<_>>()
            .join(",")
    );
    let long = format!("[{},\"\\ud800\",\"\\u0000\"]", "9".repeat(5_000));
    for text in [
        &deep,
        &wide,
        &long,
        &deep.replace('[', "{\"a\":"),
        &"\u{0}".repeat(1_000),
    ] {
        assert_eq!(Redactor::default().redact_json(text), text.as_str());
        assert_eq!(redact_str(text), text.as_str());
    }
}
