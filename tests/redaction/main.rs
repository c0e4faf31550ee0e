//! How much the redactor catches and how much it damages, measured on a corpus and held to a bar.
//!
//! Run with `--nocapture` to see the table.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the scorer prints its table; helpers are no test functions"
)]

mod containers;
mod context;
mod digests;
mod events;
mod harmless;
mod laws;
mod measure;
mod random;
mod secrets;

use std::collections::BTreeMap;
use std::panic::catch_unwind;

use mcp_usage::{Redactor, redact_str, redact_value};
use serde_json::Value;

use crate::random::Random;

/// Of all planted secrets, this part must be gone.
const LEAST_CAUGHT: f64 = 0.98;
/// Of all harmless texts, at most this part may change.
const MOST_DAMAGED: f64 = 0.005;
/// Of all that stands beside secrets, at most this part may be gone.
const MOST_NEIGHBOURS: f64 = 0.005;
/// Misses that are printed, per category.
const SHOWN: usize = 6;

#[derive(Default)]
struct Score {
    cases: usize,
    missed: usize,
    neighbours: usize,
    neighbours_gone: usize,
    unstable: usize,
    crashed: usize,
    shown: usize,
}

#[derive(Default)]
struct Board {
    scores: BTreeMap<String, Score>,
    report: String,
}

/// Everything a reader of the redacted value could read: strings with their escapes resolved.
fn readable(value: &Value) -> String {
    fn walk(value: &Value, out: &mut String) {
        match value {
            Value::String(text) => {
                out.push_str(text);
                out.push('\n');
                if let Ok(inner) = serde_json::from_str::<Value>(text)
                    && (inner.is_object() || inner.is_array())
                {
                    walk(&inner, out);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, out)),
            Value::Object(members) => {
                for (name, value) in members {
                    out.push_str(name);
                    out.push('\n');
                    walk(value, out);
                }
            }
            other => out.push_str(&format!("{other},\n")),
        }
    }
    let mut out = String::new();
    walk(value, &mut out);
    out
}

impl Board {
    fn positive(
        &mut self,
        category: &str,
        what: &str,
        input: &Value,
        secrets: &[&str],
        neighbours: &[&str],
    ) {
        let score = self.scores.entry(category.to_owned()).or_default();
        score.cases += 1;
        let Ok(redacted) = catch_unwind(|| redact_value(input)) else {
            score.crashed += 1;
            return;
        };
        let seen = readable(&redacted);
        let before = readable(input);
        let missed = secrets.iter().any(|secret| seen.contains(secret)) || redacted == *input;
        let gone: Vec<_> = neighbours
            .iter()
            .filter(|n| before.contains(**n) && !seen.contains(**n))
            .collect();
        score.missed += usize::from(missed);
        score.neighbours += neighbours.len();
        score.neighbours_gone += gone.len();
        let unstable = redact_value(&redacted) != redacted;
        score.unstable += usize::from(unstable);
        if (missed || unstable || !gone.is_empty()) && score.shown < SHOWN {
            score.shown += 1;
            let why = if missed {
                "MISSED"
            } else if unstable {
                "UNSTABLE"
            } else {
                "NEIGHBOUR"
            };
            self.report += &format!("{why} {category} / {what}\n   {input}\n   {redacted}\n");
        }
    }

    fn negative(&mut self, category: &str, input: &Value) {
        let score = self.scores.entry(category.to_owned()).or_default();
        score.cases += 1;
        let Ok(redacted) = catch_unwind(|| redact_value(input)) else {
            score.crashed += 1;
            return;
        };
        if redacted != *input {
            score.missed += 1;
            if score.shown < SHOWN * 3 && !category.contains("held out") {
                score.shown += 1;
                self.report += &format!("DAMAGED {category}\n   {input}\n   {redacted}\n");
            }
        }
    }

    fn total(&self, of: impl Fn(&Score) -> usize) -> usize {
        self.scores.values().map(of).sum()
    }

    fn print(&self, title: &str, column: &str) {
        println!(
            "{}\n{title:<34}{:>8}{column:>10}{:>10}",
            self.report, "cases", "%"
        );
        for (name, score) in &self.scores {
            println!(
                "  {name:<32}{:>8}{:>10}{:>10.2}",
                score.cases,
                score.missed,
                100.0 * score.missed as f64 / score.cases as f64
            );
        }
        println!(
            "  {:<32}{:>8}{:>10}{:>10.2}   neighbours gone {} of {}, unstable {}, crashed {}",
            "all",
            self.total(|s| s.cases),
            self.total(|s| s.missed),
            100.0 * self.total(|s| s.missed) as f64 / self.total(|s| s.cases) as f64,
            self.total(|s| s.neighbours_gone),
            self.total(|s| s.neighbours),
            self.total(|s| s.unstable),
            self.total(|s| s.crashed),
        );
    }
}

#[test]
fn planted_secrets_are_caught_and_their_neighbours_stay() {
    let mut random = Random::new(20_261_121);
    let mut board = Board::default();
    for secret in secrets::all(&mut random, 1) {
        for case in containers::around(&secret.text, &mut random) {
            let neighbours: Vec<&str> = case.neighbours.iter().map(String::as_str).collect();
            board.positive(
                secret.category,
                &format!("{} in {}", secret.kind, case.container),
                &case.input,
                &[&secret.core],
                &neighbours,
            );
        }
    }
    for (name, value) in secrets::named(&mut random) {
        for case in containers::assigned(&name, &value, &mut random) {
            let neighbours: Vec<&str> = case.neighbours.iter().map(String::as_str).collect();
            board.positive(
                "assigned",
                &format!("{name} in {}", case.container),
                &case.input,
                &[&value],
                &neighbours,
            );
            board.positive(
                &format!("assigned: {}", case.container),
                &name,
                &case.input,
                &[&value],
                &neighbours,
            );
        }
    }
    for case in context::all() {
        board.positive(
            "particular files",
            "",
            &case.input,
            &case.secrets,
            &case.neighbours,
        );
    }
    board.print("secrets", "missed");
    let particular = board.scores.get("particular files");
    assert_eq!(
        particular.map(|s| (s.missed, s.neighbours_gone)),
        Some((0, 0)),
        "each of the particular files stands for a rule"
    );
    let cases = board.total(|s| s.cases);
    let caught = 1.0 - board.total(|s| s.missed) as f64 / cases as f64;
    let gone = board.total(|s| s.neighbours_gone) as f64 / board.total(|s| s.neighbours) as f64;
    assert_eq!(board.total(|s| s.crashed), 0, "crashes");
    assert_eq!(
        board.total(|s| s.unstable),
        0,
        "a second pass changes something"
    );
    assert!(
        caught >= LEAST_CAUGHT,
        "{:.2} % caught of {cases}",
        100.0 * caught
    );
    assert!(
        gone <= MOST_NEIGHBOURS,
        "{:.2} % of neighbours gone",
        100.0 * gone
    );
}

#[test]
fn harmless_texts_stay_as_they_are() {
    let mut random = Random::new(7);
    let mut board = Board::default();
    let cases = [
        harmless::lines(false),
        harmless::lines(true),
        harmless::pages(),
        harmless::about(),
        harmless::made_up(&mut random),
    ]
    .concat_all();
    for case in &cases {
        board.negative(&case.category, &case.input);
    }
    board.print("harmless", "damaged");
    let about = board.scores.get("about secrets").map(|s| s.missed);
    assert_eq!(about, Some(0), "each of these texts stands for a rule");
    let damaged = board.total(|s| s.missed) as f64 / cases.len() as f64;
    assert!(cases.len() >= 3_000);
    assert_eq!(board.total(|s| s.crashed), 0, "crashes");
    assert!(damaged <= MOST_DAMAGED, "{:.2} % damaged", 100.0 * damaged);
}

trait ConcatAll<T> {
    fn concat_all(self) -> Vec<T>;
}

impl<T, const N: usize> ConcatAll<T> for [Vec<T>; N] {
    fn concat_all(self) -> Vec<T> {
        self.into_iter().flatten().collect()
    }
}

#[test]
fn a_text_is_redacted_alike_however_it_comes() {
    let text = "mail rachel@example.com or call +1 415 555 2671";
    let redacted = "mail [REDACTED_EMAIL] or call [REDACTED_PHONE]";
    assert_eq!(redact_str(text), redacted);
    assert_eq!(redact_value(&Value::from(text)), Value::from(redacted));
    let json = serde_json::json!({ "a": text }).to_string();
    assert_eq!(
        Redactor::default().redact_json(&json),
        serde_json::json!({ "a": redacted }).to_string()
    );
}
