//! The redaction of a finished event, and the type that says it was done.

use std::fmt;
use std::ops::Range;

use crate::redact::class::Counts;
use crate::redact::engine::Engine;
use crate::redact::engine::again::again;
use crate::redact::engine::edit::{self, Edit, With, Writer};
use crate::redact::engine::frame::Start;
use crate::redact::engine::inside::Inside;
use crate::redact::engine::json;
use crate::redact::kind::Kind;
use crate::redact::read::bytes;
use crate::redact::redactor::{Mode, Redactor};
use crate::redact::rule_set::{RuleFailed, RuleSet, guarded};

/// A finished event before its redaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft<'a> {
    /// The event: one valid JSON text.
    pub(crate) json: &'a [u8],
    /// Where content of the user stands: sorted, disjoint; each is one value, or members of an object.
    pub(crate) spans: &'a [Range<usize>],
    /// Where the counts may be inserted: before the closing brace of an object that has a member.
    pub(crate) counts_at: Option<usize>,
    /// What was found in the user's content before.
    pub(crate) counts: &'a Counts,
}

/// An event that passed the redactor: the only thing the queue takes.
pub(crate) struct RedactedJson<'a> {
    bytes: &'a [u8],
}

impl RedactedJson<'_> {
    /// Returns the event as JSON.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes
    }
}

impl fmt::Debug for RedactedJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedactedJson")
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

impl Redactor {
    /// Redacts a finished event and seals it. The one constructor of [`RedactedJson`].
    ///
    /// `out` is cleared first. Fails when a rule of the user panics: the event must not be sent then.
    pub(crate) fn seal<'a>(
        &self,
        draft: Draft<'_>,
        out: &'a mut Vec<u8>,
    ) -> Result<RedactedJson<'a>, RuleFailed> {
        out.clear();
        match &self.mode {
            Mode::Off => out.extend_from_slice(draft.json),
            Mode::RuleSet(rules) => guarded(rules, || seal(rules, &draft, out))?,
        }
        Ok(RedactedJson { bytes: out })
    }
}

fn seal(rules: &RuleSet, draft: &Draft<'_>, out: &mut Vec<u8>) {
    Engine::with(rules, |engine, masks| {
        // Tools, clients and sessions come again and again; what is left is mostly the arguments.
        let is_new = |span: &&Range<usize>| {
            bytes::at(draft.json, span.start) != b'"'
                || !engine.knows(draft.json, span.start + 1, span.end - 1)
        };
        let first = draft.spans.iter().position(|span| is_new(&span));
        let last = draft.spans.iter().rposition(|span| is_new(&span));
        let spans = match (first, last) {
            (Some(first), Some(last)) => draft.spans.get(first..=last).unwrap_or(draft.spans),
            _ => &[],
        };
        let base = spans.first().map_or(0, |span| span.start);
        let region = bytes::part(draft.json, base, spans.last().map_or(0, |span| span.end));
        masks.fill(region);
        for span in spans {
            let (from, to) = (span.start - base, span.end - base);
            // Members of an object begin with a name and a colon; anything else is one value.
            let mut start = Start::Values;
            if bytes::at(region, from) == b'"' {
                let (end, escaped) = json::string_end(region, masks, from + 1, to);
                if end + 1 == to {
                    let place = (from + 1, end);
                    if escaped || rules.custom.is_some() {
                        engine.string(region, masks, place, escaped, Kind::Plain, 0, false);
                    } else {
                        engine.remembered(region, masks, place);
                    }
                    continue;
                }
                start = Start::Members;
            }
            // A span which is no JSON after all is text; nothing in it goes unread.
            let floor = engine.findings.edits.len();
            if json::walk(engine, region, masks, (from, to), start, 0).is_err() {
                engine.text(region, masks, (from, to), Kind::Plain, 0, true);
                // What the walk found before it ended was found again.
                edit::merge(&mut engine.findings.edits, floor);
            }
        }
        if engine.findings.edits.is_empty() && !draft.counts.any() {
            out.extend_from_slice(draft.json);
            return;
        }
        for edit in &mut engine.findings.edits {
            edit.start += base;
            edit.end += base;
        }
        again(draft.json, draft.spans, &mut engine.findings.edits);
        let mut counts = draft.counts.clone();
        for edit in &engine.findings.edits {
            counts.add(edit.tag());
        }
        if let Some(place) = draft.counts_at {
            let index = engine
                .findings
                .edits
                .partition_point(|edit| edit.start < place);
            engine.findings.edits.insert(
                index,
                Edit {
                    start: place,
                    end: place,
                    with: With::Counts,
                },
            );
        }
        let writer = Writer {
            labels: &rules.labels,
            side: &engine.findings.side,
            counts: &counts,
        };
        writer.write(draft.json, &engine.findings.edits, out);
    });
}
