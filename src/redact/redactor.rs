//! The redactor: the public type, and the redaction of a text or a value that stands alone.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use crate::base::text::cut_at_char;
use crate::redact::class::{Class, Counts};
use crate::redact::engine::Engine;
use crate::redact::engine::again::{again, sought};
use crate::redact::engine::edit::{self, Writer};
use crate::redact::engine::frame::Start;
use crate::redact::engine::json;
use crate::redact::engine::span::Span;
use crate::redact::kind::Kind;
use crate::redact::rule_set::{RuleFailed, RuleSet, guarded};

/// Passes after the first. Each leaves less to find; texts that people write need none.
const MAX_PASSES: usize = 3;
/// A longer text gets one further pass only: what needs more than that was written to cost time.
const LONG_TEXT: usize = 64 * 1024;

/// What takes the place of a string when a rule of the user panics over it.
pub(super) const FAILED: &str = "[REDACTED_UNREADABLE]";

/// Finds secrets and personal data and puts marks in their place.
///
/// Cheap to clone; clones share their rules. [`Redactor::default`] has the built-in rules, [`Redactor::builder`]
/// adds and removes some, [`Redactor::custom`] replaces them all.
///
/// # Examples
///
/// ```
/// use mcp_usage::Redactor;
/// use serde_json::json;
///
/// let redactor = Redactor::default();
/// let arguments = json!({"query": "orders of rachel@example.com", "api_key": "not-for-you", "limit": 10});
/// assert_eq!(
///     redactor.redact_value(&arguments),
///     json!({"query": "orders of [REDACTED_EMAIL]", "api_key": "[REDACTED_FIELD]", "limit": 10}),
/// );
/// ```
#[derive(Clone)]
pub struct Redactor {
    pub(super) mode: Mode,
}

#[derive(Clone)]
pub(crate) enum Mode {
    Off,
    RuleSet(Arc<RuleSet>),
}

impl Default for Redactor {
    fn default() -> Self {
        DEFAULT.clone()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.mode {
            Mode::Off => f.write_str("Redactor(off)"),
            Mode::RuleSet(rules) if rules.custom.is_some() => f.write_str("Redactor(custom)"),
            Mode::RuleSet(rules) => {
                let off: Vec<_> = Class::ALL
                    .iter()
                    .filter(|class| !rules.is_on(**class))
                    .collect();
                f.debug_struct("Redactor")
                    .field("off", &off)
                    .field("denied_names", &rules.deny.len())
                    .field("allowed_names", &rules.allow.len())
                    .field("patterns", &rules.patterns.len())
                    .finish_non_exhaustive()
            }
        }
    }
}

static DEFAULT: LazyLock<Redactor> = LazyLock::new(|| Redactor {
    mode: Mode::RuleSet(Arc::new(RuleSet::default())),
});

/// Redacts a text with the built-in rules; see [`Redactor::redact_str`].
pub fn redact_str(text: &str) -> Cow<'_, str> {
    DEFAULT.redact_str(text)
}

/// Redacts a JSON value with the built-in rules; see [`Redactor::redact_value`].
pub fn redact_value(value: &Value) -> Value {
    DEFAULT.redact_value(value)
}

impl Redactor {
    /// Returns a redactor that changes nothing.
    ///
    /// For servers that know that no data of their users reaches an event, or that redact by themselves.
    pub fn off() -> Self {
        Self { mode: Mode::Off }
    }

    /// Returns a redactor that calls `f` on every string, field names and values, in place of the built-in rules. As with
    /// all rules, `f` does not see the identity of an event and the names of tools that the server has.
    ///
    /// Return [`Cow::Borrowed`] of the argument for a string that may stay. If `f` panics, the whole string is
    /// replaced by a mark; an event is dropped.
    pub fn custom(f: impl Fn(&str) -> Cow<'_, str> + Send + Sync + 'static) -> Self {
        Self {
            mode: Mode::RuleSet(Arc::new(RuleSet::custom(Box::new(f)))),
        }
    }

    /// Redacts a text.
    ///
    /// Also searches JSON, percent-encoded and escaped text inside it. Returns a borrowed text if there was nothing to
    /// redact.
    pub fn redact_str<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.redact(text, Shape::Text, text.len(), &mut Counts::default())
            .unwrap_or(Cow::Borrowed(FAILED))
    }

    /// Redacts a JSON value: its strings, its field names, and the values under sensitive field names.
    pub fn redact_value(&self, value: &Value) -> Value {
        if matches!(self.mode, Mode::Off) {
            return value.clone();
        }
        let text = value.to_string();
        match self.redact(&text, Shape::Json, text.len(), &mut Counts::default()) {
            Ok(Cow::Borrowed(_)) => value.clone(),
            Ok(Cow::Owned(redacted)) => match serde_json::from_str(&redacted) {
                Ok(redacted) => with_numbers_of(value, redacted),
                // Deeper than the parser goes: nothing of it is known to be harmless.
                Err(_) => Value::String(Class::Field.mark().to_owned()),
            },
            Err(RuleFailed) => Value::String(FAILED.to_owned()),
        }
    }

    /// Redacts a whole JSON text; like [`redact_value`](Self::redact_value), without building the value.
    ///
    /// Everything except the findings keeps its bytes, including white space. Text that is not JSON is redacted like any
    /// other text.
    pub fn redact_json<'a>(&self, json: &'a str) -> Cow<'a, str> {
        self.redact(json, Shape::Json, json.len(), &mut Counts::default())
            .unwrap_or(Cow::Borrowed("\"[REDACTED_UNREADABLE]\""))
    }

    /// Whether this is the name of a field whose value is to be hidden.
    #[cfg(any(test, feature = "rmcp", feature = "stdio", feature = "tower"))]
    pub(crate) fn denies_name(&self, name: &str) -> bool {
        match &self.mode {
            Mode::RuleSet(rules) => rules.judge(name.as_bytes()).hides(),
            Mode::Off => false,
        }
    }

    /// Returns a redactor that leaves personal data as it is, and hides what this one hides otherwise.
    pub(crate) fn of_secrets(&self) -> Self {
        Self {
            mode: match &self.mode {
                Mode::Off => Mode::Off,
                Mode::RuleSet(rules) => Mode::RuleSet(rules.of_secrets()),
            },
        }
    }

    /// Redacts `text` and cuts it at byte `cut`.
    ///
    /// A finding that touches the cut is replaced whole by its mark, so that no part of a secret remains and no
    /// rule misses what the cut made too short. `text` goes on behind the cut as far as the caller cares to look.
    /// What was found is added to `counts`.
    pub(crate) fn redact_cut<'a>(
        &self,
        text: &'a str,
        cut: usize,
        counts: &mut Counts,
    ) -> Result<Cow<'a, str>, RuleFailed> {
        self.redact(text, Shape::Cut, cut, counts)
    }

    fn redact<'a>(
        &self,
        text: &'a str,
        shape: Shape,
        cut: usize,
        counts: &mut Counts,
    ) -> Result<Cow<'a, str>, RuleFailed> {
        match &self.mode {
            Mode::Off => Ok(Cow::Borrowed(cut_at_char(text, cut))),
            Mode::RuleSet(rules) => guarded(rules, || {
                let (mut redacted, mut unsure) = redact(rules, text, shape, cut, counts);
                // What a mark replaced may have been all that told a rule to leave its neighbour alone.
                let passes = most_passes(text.len());
                for _ in 0..passes {
                    if !unsure {
                        break;
                    }
                    let (next, again) = redact(rules, &redacted, shape, redacted.len(), counts);
                    unsure = again;
                    match next {
                        Cow::Owned(next) => redacted = Cow::Owned(next),
                        Cow::Borrowed(_) => break,
                    }
                }
                redacted
            }),
        }
    }
}

/// So many times at most a text of so many bytes is read again where what a mark replaced may have told a rule something.
pub(crate) const fn most_passes(bytes: usize) -> usize {
    if bytes > LONG_TEXT { 1 } else { MAX_PASSES }
}

/// What a text is read as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Json,
    /// A text of which the event holds a part: what is named in it may stand elsewhere.
    Cut,
}

/// The redacted text, and whether a second pass might find more.
fn redact<'a>(
    rules: &RuleSet,
    text: &'a str,
    shape: Shape,
    cut: usize,
    counts: &mut Counts,
) -> (Cow<'a, str>, bool) {
    let cut = cut_at_char(text, cut).len();
    let bytes = text.as_bytes();
    Engine::with(rules, |engine, masks| {
        let whole = (0, bytes.len());
        let masks = masks.look(bytes);
        if shape != Shape::Json
            || json::walk(engine, bytes, &masks, whole, Start::Values, 0).is_err()
        {
            engine.text(bytes, &masks, whole, Kind::Plain, 0, false);
            // What the walk found before it ended was found again.
            edit::merge(engine.findings.edits, 0);
        }
        engine.findings.unsure |= again(
            bytes,
            &[Span::from(0..bytes.len())],
            engine.findings.edits,
            &[],
        );
        if shape == Shape::Cut {
            for secret in sought(bytes, engine.findings.edits) {
                counts.remember(secret);
            }
        }
        // A finding that touches the cut goes whole; what begins behind the cut is cut off.
        let mut end = cut;
        engine.findings.edits.retain(|edit| edit.start < cut);
        if let Some(last) = engine.findings.edits.last() {
            end = end.max(last.end);
        }
        let kept = text.get(..end).unwrap_or(text);
        if engine.findings.edits.is_empty() {
            return (Cow::Borrowed(kept), false);
        }
        for edit in engine.findings.edits.iter() {
            counts.add(edit.tag());
        }
        let mut out = Vec::with_capacity(kept.len() + 64);
        let none = Counts::default();
        let writer = Writer {
            labels: &rules.labels,
            side: engine.findings.side,
            counts: &none,
        };
        writer.write(kept.as_bytes(), engine.findings.edits, &mut out);
        // Findings begin and end at characters; should one not, nothing of the text is let through.
        (
            Cow::Owned(String::from_utf8(out).unwrap_or_else(|_| FAILED.to_owned())),
            engine.findings.unsure && rules.custom.is_none(),
        )
    })
}

/// Takes numbers from the original: writing and parsing a float again may change its last digit.
fn with_numbers_of(original: &Value, redacted: Value) -> Value {
    match (original, redacted) {
        (Value::Number(number), Value::Number(_)) => Value::Number(number.clone()),
        (Value::Array(from), Value::Array(to)) if from.len() == to.len() => Value::Array(
            from.iter()
                .zip(to)
                .map(|(from, to)| with_numbers_of(from, to))
                .collect(),
        ),
        (Value::Object(from), Value::Object(to)) => to
            .into_iter()
            .map(|(name, to)| {
                let to = match from.get(&name) {
                    Some(from) => with_numbers_of(from, to),
                    None => to,
                };
                (name, to)
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        (_, redacted) => redacted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cut(text: &str, at: usize) -> (String, bool) {
        let mut counts = Counts::default();
        let cut = Redactor::default().redact_cut(text, at, &mut counts);
        (cut.unwrap().into_owned(), counts.any())
    }

    #[test]
    fn a_finding_at_the_cut_goes_whole_and_one_behind_it_is_cut_off() {
        let text = "ask ada@example.com now";
        assert_eq!(cut(text, 4), ("ask ".to_owned(), false));
        for at in [5, 12, 19] {
            assert_eq!(cut(text, at), ("ask [REDACTED_EMAIL]".to_owned(), true));
        }
        assert_eq!(cut(text, 20), ("ask [REDACTED_EMAIL] ".to_owned(), true));
        assert_eq!(
            cut("a\u{e9}b", 2),
            ("a".to_owned(), false),
            "no half of a character"
        );
    }

    #[test]
    fn what_only_a_mark_completes_is_found_in_the_same_call() {
        for text in [
            // The number went on in what was the key.
            "al-customerio apikey_ \\ (030) 901820 55 -6b4e-4d3f-9e21-0a1b2c3d4e5f dev",
            // The stroke before the command was one of the address.
            "x pass|password''a@b.io'able$ op read op://prod/db/password\nzX9kQ2mW7vB4tR",
            // The fields of the line began with the key.
            "ACCAAB123456Eseu_sm_pat_sessiontoken)=aZ>1_]12:5432:shop:ops:hunter2xK9",
        ] {
            let once = redact_str(text).into_owned();
            assert_eq!(redact_str(&once), once);
        }
    }

    #[test]
    fn a_number_is_written_as_it_was() {
        let numbers: Vec<f64> = (1..500).map(|n| 1e-7 / f64::from(n)).collect();
        let numbers = json!([7, -0.0, 1.0, numbers]);
        let value = json!({ "list": numbers, "password": "hunter2" });
        let redacted = redact_value(&value);
        assert_eq!(redacted["list"].to_string(), numbers.to_string());
        assert_eq!(redacted["password"], "[REDACTED_FIELD]");
    }

    #[test]
    fn a_rule_that_panics_leaves_nothing_of_the_text() {
        let redactor = Redactor::custom(|_| panic!("a rule"));
        assert_eq!(redactor.redact_str("a secret"), FAILED);
        assert!(
            redactor
                .redact_cut("a secret", 3, &mut Counts::default())
                .is_err()
        );
    }

    #[test]
    fn each_kind_of_redactor_says_what_it_is() {
        assert_eq!(format!("{:?}", Redactor::off()), "Redactor(off)");
        let custom = Redactor::custom(|text| Cow::Borrowed(text));
        assert_eq!(format!("{custom:?}"), "Redactor(custom)");
        let debug = format!("{:?}", Redactor::default());
        assert!(
            debug.contains("off: [Ip, Wallet]") && debug.contains("patterns: 0"),
            "{debug}"
        );
        assert!(!Redactor::off().denies_name("password"));
        assert!(Redactor::default().denies_name("password"));
    }

    #[test]
    fn secrets_alone_are_hidden_where_personal_data_may_stay() {
        let text = "ada@example.com has password=hunter2xK9";
        assert_eq!(
            Redactor::default().of_secrets().redact_str(text),
            "ada@example.com has password=[REDACTED_FIELD]"
        );
        assert_eq!(Redactor::off().of_secrets().redact_str(text), text);
    }
}
