//! What the redactor makes of the corpora, to the byte: a digest of all outputs of each, kept in `digests.txt`.
//!
//! It tells a change that is about speed alone, which changes no line, from one that changes what is sent. A change of
//! the rules or of a corpus writes the lines anew, with `USAGE_BLESS=1`.

#[expect(unreachable_pub, reason = "a library of benches has it")]
#[path = "../../benches/given/instructions.rs"]
mod counted;
#[path = "../../benches/given/redact.rs"]
mod redacted;
#[path = "../../benches/given/log_usage.rs"]
mod timed;

use std::path::Path;

use mcp_usage::{Outcome, ToolCall, redact_value};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::random::Random;
use crate::{containers, context, events, harmless, measure, secrets};

/// As many events are sent before they are looked at.
const AT_ONCE: usize = 400;

/// A corpus: all its cases, or one in so many, so that it takes seconds. A prime number takes turns with what repeats.
fn part(name: &'static str, every: usize, all: Vec<Value>) -> (&'static str, Vec<Value>) {
    (name, all.into_iter().step_by(every).collect())
}

fn corpora() -> Vec<(&'static str, Vec<Value>)> {
    let measured = |cases: Vec<measure::Case>| cases.into_iter().map(|case| case.input).collect();
    // The crate's own source changes with every change.
    let mut lines = measure::lines(false);
    lines.retain(|case| case.set != "own source");
    let mut random = Random::new(20_261_129);
    let around = secrets::all(&mut random, 1)
        .iter()
        .flat_map(|secret| containers::around(&secret.text, &mut random))
        .map(|case| case.input)
        .collect();
    let assigned = secrets::named(&mut random)
        .iter()
        .flat_map(|(name, value)| containers::assigned(name, value, &mut random))
        .map(|case| case.input)
        .collect();
    let particular = context::all().into_iter().map(|case| case.input).collect();
    let harmless = [
        harmless::lines(false),
        harmless::pages(),
        harmless::about(),
        harmless::made_up(&mut random),
    ];
    let harmless = harmless.into_iter().flatten().map(|case| case.input);
    vec![
        part("keys", 1, measured(measure::keys(false))),
        part("calls", 1, measured(measure::calls(false))),
        part("more calls", 2, measured(measure::more_calls())),
        part("fresh calls", 1, measured(measure::fresh_calls())),
        part("sentences", 1, measured(measure::sentences())),
        part("written forms", 1, measured(measure::written_forms())),
        part("lines", 2, measured(lines)),
        part("containers", 17, around),
        part("assigned", 3, assigned),
        part("particular files", 1, particular),
        part("harmless", 5, harmless.collect()),
        part("benches", 1, benches()),
    ]
}

/// What the benches are about: their figures tell of speed alone as long as this is as it was.
fn benches() -> Vec<Value> {
    let hostile = redacted::HOSTILE.map(|(_, shape)| redacted::hostile(shape, 2_000));
    let texts = [
        redacted::clean(1_024),
        redacted::typical(true),
        redacted::typical(false),
    ];
    let texts = texts.into_iter().chain(hostile);
    let parsed = texts.map(|text| serde_json::from_str(&text).expect("JSON"));
    let values = [
        counted::typical(),
        counted::clean(),
        counted::names(),
        counted::secrets(),
        counted::prose(6_000).into(),
        counted::log(4_000),
        counted::answer(4_000),
        counted::deep(),
        counted::rows(1_024),
        timed::arguments(),
        timed::clean_arguments(),
    ];
    values.into_iter().chain(parsed).collect()
}

/// What is sent of values that are given as arguments.
fn sent<T: serde::Serialize + Sync>(arguments: &[T]) -> Vec<Value> {
    let mut all = Vec::new();
    for some in arguments.chunks(AT_ONCE) {
        let events = events::sent(events::wide(), |usage| {
            for given in some {
                let outcome = usage.log_usage(ToolCall::new("search").arguments(given));
                assert_eq!(outcome, Outcome::Queued);
            }
        });
        assert_eq!(events.len(), some.len());
        all.extend(
            events
                .iter()
                .map(|event| event["meta"]["tool_arguments"].clone()),
        );
    }
    all
}

fn digest(outputs: &[Value]) -> u64 {
    let lines: Vec<String> = outputs.iter().map(Value::to_string).collect();
    measure::seed(&lines.join("\n"))
}

/// The line of a corpus: alone, and as an event's arguments, which are parsed or JSON text.
fn line(name: &str, inputs: &[Value]) -> String {
    let alone: Vec<Value> = inputs.iter().map(redact_value).collect();
    let given: Vec<Value> = inputs
        .iter()
        .map(|input| events::arguments("arguments", input))
        .collect();
    let raw: Vec<Box<RawValue>> = given
        .iter()
        .map(|given| to_raw_value(given).expect("JSON"))
        .collect();
    let [alone, parsed, raw] = [alone, sent(&given), sent(&raw)].map(|outputs| digest(&outputs));
    format!(
        "{name}: {} alone {alone:016x} parsed {parsed:016x} raw {raw:016x}",
        inputs.len()
    )
}

#[test]
fn no_output_changes_unseen() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/redaction/digests.txt");
    let found: Vec<String> = corpora()
        .iter()
        .map(|(name, inputs)| line(name, inputs))
        .collect();
    if std::env::var_os("USAGE_BLESS").is_some() {
        return std::fs::write(&path, found.join("\n") + "\n").expect("the file can be written");
    }
    let held = std::fs::read_to_string(&path).expect("digests.txt is read");
    let held: Vec<&str> = held.lines().collect();
    let differ: Vec<&str> = found
        .iter()
        .filter(|line| !held.contains(&line.as_str()))
        .filter_map(|line| line.split(':').next())
        .collect();
    assert!(
        differ.is_empty() && held.len() == found.len(),
        "what is made of {differ:?} is not what it was; {} corpora are held",
        held.len()
    );
}
