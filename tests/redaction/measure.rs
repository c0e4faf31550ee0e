//! The measure: sets made by the scripts of `measure/`, half of each kept aside, and the figures that they may not fall
//! below.
//!
//! A secret counts as caught when no eight characters in a row of its random part are left. With `--nocapture` the
//! table is printed, and what went wrong first in the open halves; `MEASURE_SHOW=50` prints as many of each. What is
//! kept aside is for measuring alone, so none of it is printed.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::path::Path;

use mcp_usage::redact_value;
use serde_json::{Map, Value, json};

use crate::random::Random;
use crate::readable;

/// As many characters of a secret in a row are too many.
const WINDOW: usize = 8;
/// Cases of each row that are printed; none of those kept aside.
const SHOWN: usize = 4;

const KEYS: &str = include_str!("measure/keys.jsonl");
const KEYS_HELD_OUT: &str = include_str!("measure/keys_held_out.jsonl");
const CALLS: &str = include_str!("measure/calls.jsonl");
const CALLS_HELD_OUT: &str = include_str!("measure/calls_held_out.jsonl");
const MORE_CALLS: &str = include_str!("measure/more_calls.jsonl");
const FRESH_CALLS: &str = include_str!("measure/fresh_calls.jsonl");
const SENTENCES: &str = include_str!("measure/sentences.jsonl");
const WRITTEN_FORMS: &str = include_str!("measure/written_forms.jsonl");
const LINES: &str = include_str!("measure/lines.jsonl");
const LINES_HELD_OUT: &str = include_str!("measure/lines_held_out.jsonl");
/// What tells the lines of this crate's source that hold a made-up secret or address.
const MADE_UP: &[&str] = &[
    "@example",
    "@Example",
    ".example\"",
    "@reo",
    "$argon2",
    "for-the-demo",
    "a-guess-of",
    " k-1",
];
/// Of the lines of this crate's own source, one in so many.
const ONE_IN: u64 = 8;

/// What may be wrong in each set, at most: secrets left, harmless cases damaged, neighbours lost, cases that a second
/// pass changes. A number here is lowered when the redactor gets better, and raised only where a set
/// gets further cases.
const HELD: &[(&str, [usize; 4])] = &[
    ("context", [11, 0, 0, 0]),
    ("context, kept aside", [23, 0, 0, 0]),
    ("fresh calls", [15, 2, 0, 0]),
    ("lines", [0, 0, 0, 0]),
    ("lines, kept aside", [0, 0, 0, 0]),
    ("more calls", [55, 1, 77, 0]),
    ("named", [6, 0, 0, 0]),
    ("named, kept aside", [6, 0, 0, 0]),
    ("near misses", [0, 0, 0, 0]),
    ("near misses, kept aside", [0, 4, 0, 0]),
    ("own source", [0, 0, 0, 0]),
    ("own source, kept aside", [0, 0, 0, 0]),
    ("self", [0, 0, 0, 0]),
    ("self, kept aside", [21, 0, 0, 0]),
    ("sentences", [6, 0, 0, 0]),
    ("whole calls", [1, 0, 0, 0]),
    ("whole calls, kept aside", [8, 1, 1, 0]),
    ("written forms", [10, 10, 6, 0]),
];

/// One case of a set, its marks replaced.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) set: String,
    pub(crate) kind: String,
    pub(crate) input: Value,
    pub(crate) secrets: Vec<String>,
    /// The case with a zero byte in the place of each secret.
    rest: String,
}

/// Replaces the marks of a case.
struct Marks {
    random: Random,
    again: BTreeMap<String, String>,
    secrets: Vec<String>,
}

impl Marks {
    /// The same text gets the same secrets, whatever other cases there are.
    fn of(line: &str) -> Self {
        Self {
            random: Random::new(seed(line)),
            again: BTreeMap::new(),
            secrets: Vec::new(),
        }
    }

    fn text(&mut self, text: &str, rest: &mut String) -> String {
        let mut out = String::new();
        let mut left = text;
        let mut with_secret = false;
        while let Some(at) = left.find(['⟦', '⟪', '‹', '›', '¦']) {
            let (before, mark) = left.split_at(at);
            out.push_str(before);
            if !with_secret {
                rest.push_str(before);
            }
            let close = match mark.chars().next() {
                Some('⟦') => '⟧',
                Some('⟪') => '⟫',
                Some(sign) => {
                    // A zero byte makes all that touches it no neighbour.
                    with_secret = match sign {
                        '‹' => true,
                        '›' => false,
                        _ => with_secret,
                    };
                    if sign == '›' {
                        rest.push('\0');
                    }
                    left = &mark[sign.len_utf8()..];
                    continue;
                }
                None => break,
            };
            let end = mark.find(close).expect("a mark is closed");
            let value = self.value(&mark['⟦'.len_utf8()..end]);
            out.push_str(&value);
            if close == '⟧' {
                rest.push('\0');
                if !self.secrets.contains(&value) {
                    self.secrets.push(value);
                }
            } else if !with_secret {
                rest.push_str(&value);
            }
            left = &mark[end + close.len_utf8()..];
        }
        out.push_str(left);
        rest.push_str(left);
        out
    }

    fn value(&mut self, mark: &str) -> String {
        if let Some(text) = mark.strip_prefix('=') {
            return text.replace('¦', "");
        }
        let (mark, label) = mark.split_once('#').unwrap_or((mark, ""));
        if let Some(value) = self.again.get(label) {
            return value.clone();
        }
        let (alphabet, length) = mark
            .split_once(':')
            .expect("a mark has an alphabet and a length");
        let value = self.random_text(alphabet, length.parse().expect("a length"));
        if !label.is_empty() {
            self.again.insert(label.to_owned(), value.clone());
        }
        value
    }

    fn random_text(&mut self, alphabet: &str, length: usize) -> String {
        const CAPITALS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        const SMALL: &str = "abcdefghijklmnopqrstuvwxyz";
        const DIGITS: &str = "0123456789";
        let from = match alphabet {
            "alnum" => [CAPITALS, SMALL, DIGITS].concat(),
            "alpha" => [CAPITALS, SMALL].concat(),
            "lower" => [SMALL, DIGITS].concat(),
            "upper" => [CAPITALS, DIGITS].concat(),
            "b32" => [CAPITALS, "234567"].concat(),
            "b64" => [CAPITALS, SMALL, DIGITS, "+/"].concat(),
            "b64u" => [CAPITALS, SMALL, DIGITS, "-_"].concat(),
            "digits" => return self.random.digits(length),
            "hex" => "0123456789abcdef".to_owned(),
            "HEX" => "0123456789ABCDEF".to_owned(),
            "pass" => [CAPITALS, SMALL, DIGITS, DIGITS, "!*.-_"].concat(),
            "uuid" => return self.uuid(),
            other => panic!("no alphabet is called {other}"),
        };
        // A key ends in a letter or digit: a sign there would belong to the text.
        let body = self.random.from(&from, length - 1);
        let last = [CAPITALS, SMALL, DIGITS]
            .concat()
            .chars()
            .filter(|char| from.contains(*char))
            .collect::<String>();
        body + &self.random.from(&last, 1)
    }

    fn uuid(&mut self) -> String {
        let random = &mut self.random;
        format!(
            "{}-{}-4{}-{}{}-{}",
            random.hex(8),
            random.hex(4),
            random.hex(3),
            random.from("89ab", 1),
            random.hex(3),
            random.hex(12)
        )
    }

    fn json(&mut self, value: &Value, rest: &mut String) -> Value {
        let replaced = match value {
            Value::String(text) => Value::String(self.text(text, rest)),
            Value::Array(items) => items.iter().map(|item| self.json(item, rest)).collect(),
            Value::Object(members) => {
                let mut replaced = Map::new();
                for (name, value) in members {
                    let name = self.text(name, rest);
                    rest.push('\n');
                    replaced.insert(name, self.json(value, rest));
                }
                Value::Object(replaced)
            }
            other => {
                rest.push_str(&other.to_string());
                other.clone()
            }
        };
        rest.push('\n');
        replaced
    }
}

/// The cases of a half of the set of keys.
pub(crate) fn keys(held_out: bool) -> Vec<Case> {
    texts(if held_out { KEYS_HELD_OUT } else { KEYS })
}

/// Texts with their set and kind, one a line.
fn texts(data: &str) -> Vec<Case> {
    data.lines()
        .map(|line| {
            let [set, kind, text]: [String; 3] =
                serde_json::from_str(line).expect("three texts a line");
            let mut marks = Marks::of(line);
            let mut rest = String::new();
            let input = json!(marks.text(&text, &mut rest));
            Case {
                set,
                kind,
                input,
                secrets: marks.secrets,
                rest,
            }
        })
        .collect()
}

/// The whole tool calls of a half: arguments, result, error and intent.
pub(crate) fn calls(held_out: bool) -> Vec<Case> {
    whole_calls("whole calls", if held_out { CALLS_HELD_OUT } else { CALLS })
}

/// None of these is kept aside.
pub(crate) fn more_calls() -> Vec<Case> {
    whole_calls("more calls", MORE_CALLS)
}

/// Calls that somebody wrote who knew nothing of the rules.
pub(crate) fn fresh_calls() -> Vec<Case> {
    whole_calls("fresh calls", FRESH_CALLS)
}

pub(crate) fn sentences() -> Vec<Case> {
    texts(SENTENCES)
}

pub(crate) fn written_forms() -> Vec<Case> {
    texts(WRITTEN_FORMS)
}

/// Whole tool calls, one a line.
fn whole_calls(set: &str, data: &str) -> Vec<Case> {
    data.lines()
        .map(|line| {
            let mut call: Map<String, Value> = serde_json::from_str(line).expect("a call a line");
            let kind = call.remove("kind").unwrap_or_default();
            let language = call.remove("lang").unwrap_or_default();
            let mut marks = Marks::of(line);
            let mut rest = String::new();
            let input = marks.json(&Value::Object(call), &mut rest);
            Case {
                set: set.to_owned(),
                kind: format!(
                    "{} in {}",
                    kind.as_str().unwrap_or_default(),
                    language.as_str().unwrap_or_default()
                ),
                input,
                secrets: marks.secrets,
                rest,
            }
        })
        .collect()
}

/// The lines of a half, and of this crate's own source.
pub(crate) fn lines(held_out: bool) -> Vec<Case> {
    let mut cases: Vec<Case> = if held_out { LINES_HELD_OUT } else { LINES }
        .lines()
        .map(|line| {
            let [set, kind, text]: [String; 3] =
                serde_json::from_str(line).expect("three texts a line");
            let input = json!(Marks::of(line).text(&text, &mut String::new()));
            harmless(&set, kind, input)
        })
        .collect();
    for folder in ["src", "examples"] {
        source(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
            held_out,
            &mut cases,
        );
    }
    cases
}

fn harmless(set: &str, kind: String, input: Value) -> Case {
    Case {
        set: set.to_owned(),
        kind,
        input,
        secrets: Vec::new(),
        rest: String::new(),
    }
}

/// Lines of the files of a folder, chosen by their bytes: a line stays in its half whatever becomes of others. The
/// redactor's own files are about secrets and hold made-up ones.
fn source(folder: &Path, held_out: bool, cases: &mut Vec<Case>) {
    let entries = std::fs::read_dir(folder).expect("the crate's own source");
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("redact") || name == "target" {
            continue;
        }
        if path.is_dir() {
            source(&path, held_out, cases);
        } else if [".rs", ".md", ".toml"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            let text = std::fs::read_to_string(&path).expect("a text");
            for line in text.lines().filter(|line| line.trim().len() > 12) {
                if MADE_UP.iter().any(|sign| line.contains(sign)) {
                    continue;
                }
                let chosen = seed(line) >> 20;
                if chosen.is_multiple_of(ONE_IN) && (chosen / ONE_IN % 2 == 1) == held_out {
                    cases.push(harmless(
                        "own source",
                        name.clone().into_owned(),
                        json!(line),
                    ));
                }
            }
        }
    }
}

/// A number that follows from a text alone (FNV-1a).
pub(crate) fn seed(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

impl Case {
    /// The secrets that are left in a redacted text, or enough of them.
    fn left(&self, seen: &str) -> Vec<&str> {
        self.secrets
            .iter()
            .filter(|secret| {
                let chars: Vec<(usize, char)> = secret.char_indices().collect();
                let width = WINDOW.min(chars.len());
                (0..=chars.len() - width).any(|from| {
                    let start = chars[from].0;
                    let end = chars.get(from + width).map_or(secret.len(), |char| char.0);
                    let part = &secret[start..end];
                    seen.contains(part) && !self.rest.contains(part)
                })
            })
            .map(String::as_str)
            .collect()
    }

    /// Words that do not touch a secret.
    fn neighbours(&self) -> impl Iterator<Item = &str> {
        self.rest
            .split(|char: char| char.is_whitespace() || "\"'<>(),;|\\".contains(char))
            .filter(|token| !token.contains('\0'))
            .flat_map(|token| token.split(|char: char| !char.is_alphanumeric()))
            .filter(|word| word.chars().count() >= 4)
    }
}

/// What became of the cases of one set.
#[derive(Default)]
struct Figures {
    cases: usize,
    secrets: usize,
    left: usize,
    /// Cases without a secret, and how many of them changed.
    harmless: usize,
    damaged: usize,
    neighbours: usize,
    lost: usize,
    unstable: usize,
    crashed: usize,
    /// By kind: how many secrets are left, or harmless cases changed.
    kinds: BTreeMap<String, usize>,
}

/// The figures of all sets, and what went wrong first.
#[derive(Default)]
struct Table {
    rows: BTreeMap<String, Figures>,
    report: String,
    shown: BTreeMap<(String, &'static str), usize>,
}

impl Table {
    fn add(&mut self, case: &Case, held_out: bool) {
        let name = format!("{}{}", case.set, if held_out { ", kept aside" } else { "" });
        let row = self.rows.entry(name.clone()).or_default();
        row.cases += 1;
        let Ok(redacted) = catch_unwind(|| redact_value(&case.input)) else {
            row.crashed += 1;
            return;
        };
        let seen = readable(&redacted);
        let unstable = redact_value(&redacted) != redacted;
        row.unstable += usize::from(unstable);
        let mut wrong = Vec::new();
        let mut what_exactly = Vec::new();
        if unstable {
            wrong.push("UNSTABLE");
        }
        if case.secrets.is_empty() {
            row.harmless += 1;
            if redacted != case.input {
                row.damaged += 1;
                *row.kinds.entry(case.kind.clone()).or_default() += 1;
                wrong.push("DAMAGED");
            }
        } else {
            // A key may have several parts, a call several secrets.
            let most = if case.set.ends_with("calls") {
                case.secrets.len()
            } else {
                1
            };
            let remaining = case.left(&seen);
            let left = remaining.len().min(most);
            row.secrets += most;
            row.left += left;
            if left > 0 {
                for part in case.kind.split(" in ") {
                    *row.kinds.entry(part.to_owned()).or_default() += left;
                }
                wrong.push("LEFT");
                what_exactly.extend(remaining);
            }
            let (mut neighbours, mut lost) = (0, 0);
            for word in case.neighbours() {
                neighbours += 1;
                if !seen.contains(word) {
                    lost += 1;
                    what_exactly.push(word);
                }
            }
            row.neighbours += neighbours;
            row.lost += lost;
            if lost > 0 {
                wrong.push("NEIGHBOUR");
            }
        }
        // Those of the source are in the repository for all to read.
        if held_out && case.set != "own source" {
            return;
        }
        let most = std::env::var("MEASURE_SHOW")
            .ok()
            .and_then(|most| most.parse().ok())
            .unwrap_or(SHOWN);
        for what in wrong {
            let shown = self.shown.entry((name.clone(), what)).or_default();
            *shown += 1;
            if *shown <= most {
                self.report += &format!(
                    "{what} {name} / {}\n   {what_exactly:?}\n   {}\n   {redacted}\n",
                    case.kind, case.input
                );
            }
        }
    }

    fn print(&self) {
        println!("{}", self.report);
        println!(
            "{:<26}{:>8}{:>9}{:>7}{:>9}{:>10}{:>9}{:>9}{:>8}{:>11}{:>7}{:>9}{:>9}",
            "set",
            "cases",
            "secrets",
            "left",
            "caught %",
            "harmless",
            "damaged",
            "%",
            "",
            "neighbours",
            "lost",
            "%",
            "unstable"
        );
        for (name, row) in &self.rows {
            println!(
                "{name:<26}{:>8}{:>9}{:>7}{:>9.2}{:>10}{:>9}{:>9.2}{:>8}{:>11}{:>7}{:>9.2}{:>9}",
                row.cases,
                row.secrets,
                row.left,
                100.0 - percent(row.left, row.secrets),
                row.harmless,
                row.damaged,
                percent(row.damaged, row.harmless),
                "",
                row.neighbours,
                row.lost,
                percent(row.lost, row.neighbours),
                row.unstable
            );
        }
        for (name, row) in &self.rows {
            if name.contains("kept aside") {
                continue;
            }
            let mut kinds: Vec<_> = row.kinds.iter().collect();
            kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let worst: Vec<String> = kinds
                .iter()
                .take(30)
                .map(|(kind, count)| format!("{kind} {count}"))
                .collect();
            println!("{name}: {}", worst.join(" · "));
        }
    }
}

fn percent(part: usize, of: usize) -> f64 {
    100.0 * part as f64 / of.max(1) as f64
}

#[test]
fn no_figure_of_the_measure_gets_worse() {
    let mut table = Table::default();
    for case in [more_calls(), fresh_calls(), sentences(), written_forms()]
        .iter()
        .flatten()
    {
        table.add(case, false);
    }
    for held_out in [false, true] {
        for case in keys(held_out)
            .iter()
            .chain(&calls(held_out))
            .chain(&lines(held_out))
        {
            table.add(case, held_out);
        }
    }
    table.print();
    let mut worse = String::new();
    for (name, held) in HELD {
        let row = table.rows.get(*name).expect("a set has cases");
        let found = [row.left, row.damaged, row.lost, row.unstable];
        let what = ["left", "damaged", "neighbours lost", "unstable"];
        for ((found, held), what) in found.iter().zip(held).zip(what) {
            match found.cmp(held) {
                Ordering::Greater => worse += &format!("{name}: {found} {what}, {held} before\n"),
                Ordering::Less => println!("{name}: {found} {what}, to be held in place of {held}"),
                Ordering::Equal => {}
            }
        }
    }
    assert_eq!(table.rows.len(), HELD.len(), "each set is held");
    assert!(table.rows.values().all(|row| row.crashed == 0), "crashes");
    assert!(worse.is_empty(), "{worse}");
}

#[test]
fn no_key_stands_whole_in_the_data() {
    // Headers of images, of tokens without a secret and of public keys.
    const KNOWN: [&str; 7] = [
        "eyJ2ZXJzaW9u",
        "eyJDb250aW51",
        "FGluY2x1ZGVf",
        "iVBORw0KGgoA",
        "AAAAC3NzaC1l",
        "nb3BlbnNzaC1",
        "hbGciOiJ",
    ];
    for data in [
        KEYS,
        KEYS_HELD_OUT,
        CALLS,
        CALLS_HELD_OUT,
        MORE_CALLS,
        FRESH_CALLS,
        SENTENCES,
        WRITTEN_FORMS,
        LINES,
        LINES_HELD_OUT,
    ] {
        let runs = data.split(|char: char| !char.is_ascii_alphanumeric());
        let whole = runs
            .filter(|run| run.len() >= 20 && run.contains(|char: char| char.is_ascii_digit()))
            .filter(|run| run.contains(|char: char| char.is_ascii_lowercase()))
            .find(|run| !KNOWN.iter().any(|known| run.starts_with(known)));
        assert_eq!(whole, None);
    }
}

#[test]
fn the_sets_are_large_enough_and_half_of_each_is_kept_aside() {
    let halves = [false, true].map(|held_out| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let sets = [keys(held_out), calls(held_out), lines(held_out)];
        for case in sets.iter().flatten() {
            *counts.entry(case.set.clone()).or_default() += 1;
        }
        counts
    });
    for (set, least) in [
        ("self", 900),
        ("named", 900),
        ("context", 500),
        ("whole calls", 600),
        ("lines", 2_500),
        ("near misses", 500),
        ("own source", 2_500),
    ] {
        let [open, aside] = [&halves[0], &halves[1]].map(|half| half[set]);
        assert!(open + aside >= least, "{set}: {open} + {aside}");
        assert!(
            open.min(aside) * 5 >= (open + aside) * 2,
            "{set}: {open} + {aside}"
        );
    }
    let calls = [calls(false), calls(true)].concat();
    let harmless = calls.iter().filter(|call| call.secrets.is_empty()).count();
    assert_eq!(harmless * 2, calls.len());
}
