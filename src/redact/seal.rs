//! The redaction of a finished event, and the type that says it was done.

use std::fmt;

use crate::redact::class::Counts;
use crate::redact::engine::again::again;
use crate::redact::engine::edit::{self, Edit, With, Writer};
use crate::redact::engine::frame::Start;
use crate::redact::engine::inside::{Findings, Inside};
use crate::redact::engine::json;
use crate::redact::engine::memo::QuietKey;
use crate::redact::engine::replay::replay;
use crate::redact::engine::span::{Span, SpanSeen};
use crate::redact::engine::tape::{Kept, Recorder, Tape};
use crate::redact::engine::walk::string_end;
use crate::redact::engine::{Buffers, Engine};
use crate::redact::kind::Kind;
use crate::redact::read::bytes;
use crate::redact::read::masks::MaskMemory;
use crate::redact::redactor::{Mode, Redactor, most_passes};
use crate::redact::rule_set::{RuleFailed, RuleSet, guarded};

/// A finished event before its redaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft<'j, 'd> {
    /// The event: one valid JSON text.
    pub(crate) json: &'j [u8],
    /// Where content of the user stands: sorted, disjoint.
    pub(crate) spans: &'d [Span],
    /// Where the counts may be inserted: before the closing brace of an object that has a member.
    pub(crate) counts_at: Option<usize>,
    /// What was found in the user's content before.
    pub(crate) counts: Option<&'d Counts>,
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
    /// Redacts a finished event and seals it.
    ///
    /// What is written anew is written into `out`. Fails when a rule of the user panics: the event must not be sent then.
    pub(crate) fn seal<'a>(
        &self,
        draft: Draft<'a, '_>,
        out: &'a mut Vec<u8>,
    ) -> Result<RedactedJson<'a>, RuleFailed> {
        self.sealed(draft, out, |rules, draft, out| {
            Engine::with(rules, |engine, masks| seal(engine, masks, None, draft, out))
        })
    }

    /// As [`seal`](Self::seal), with what was kept of the event while it was written.
    pub(crate) fn seal_recorded<'a>(
        &self,
        draft: Draft<'a, '_>,
        buffers: &mut Buffers,
        out: &'a mut Vec<u8>,
    ) -> Result<RedactedJson<'a>, RuleFailed> {
        self.sealed(draft, out, |rules, draft, out| {
            Engine::within(buffers, rules, |engine, masks, tape| {
                seal(engine, masks, Some(tape), draft, out)
            })
        })
    }

    /// The one constructor of [`RedactedJson`]. `redact` tells whether it has written the event anew.
    #[inline]
    fn sealed<'a>(
        &self,
        draft: Draft<'a, '_>,
        out: &'a mut Vec<u8>,
        redact: impl FnOnce(&RuleSet, &Draft<'_, '_>, &mut Vec<u8>) -> bool,
    ) -> Result<RedactedJson<'a>, RuleFailed> {
        out.clear();
        let is_new = match &self.mode {
            Mode::Off => false,
            Mode::RuleSet(rules) => guarded(rules, || redact(rules, &draft, out))?,
        };
        let bytes: &[u8] = if is_new { out } else { draft.json };
        Ok(RedactedJson { bytes })
    }

    /// Copies what was seen of the one value that was written, if it takes no more than `most` bytes.
    pub(crate) fn keep(&self, buffers: &Buffers, seen: SpanSeen, kept: &mut Kept, most: usize) {
        let rules = self.rules_id();
        buffers.tape.keep_in(seen, kept, rules, most);
    }

    /// A value that was kept before is written at `at` of an event.
    pub(crate) fn append(&self, buffers: &mut Buffers, kept: &Kept, at: usize) -> SpanSeen {
        buffers.tape.append(kept, self.rules_id(), at)
    }

    /// Whether a text of fewer than sixteen bytes, which are given with zeros behind them, had nothing in it before. It
    /// needs no escape then.
    #[inline(always)]
    pub(crate) fn knows(&self, buffers: &Buffers, sixteen: u128, length: usize) -> bool {
        let key = QuietKey::of_short(sixteen, length);
        key.is_some_and(|key| buffers.quiet.has(&key, self.rules_id()))
    }

    /// Whose rules these are, if what is written is kept for them.
    fn rules_id(&self) -> u32 {
        match &self.mode {
            Mode::RuleSet(rules) if !rules.is_users() => rules.id,
            _ => u32::MAX,
        }
    }

    /// Who keeps what is written of a value that begins now. Rules of the user see each string, so nothing is kept for
    /// them.
    #[inline]
    pub(crate) fn recorder<'b>(&self, buffers: &'b mut Buffers) -> Option<Recorder<'b>> {
        match &self.mode {
            Mode::RuleSet(rules) if !rules.is_users() => {
                buffers.tape.begin();
                Some(Recorder {
                    tape: &mut buffers.tape,
                    known: &buffers.known,
                    labels: &buffers.labels,
                    rules: rules.id,
                })
            }
            _ => None,
        }
    }
}

/// Writes the event into `out` if there is anything to hide in it; returns whether there is.
fn seal(
    engine: &mut Engine<'_>,
    memory: &mut MaskMemory,
    tape: Option<&Tape>,
    draft: &Draft<'_, '_>,
    out: &mut Vec<u8>,
) -> bool {
    read(engine, memory, tape, draft);
    if engine.findings.edits.is_empty() && !draft.counts.is_some_and(Counts::any) {
        return false;
    }
    if engine.findings.unsure && engine.findings.rules.custom.is_none() {
        settle(engine, memory, draft, out);
    } else {
        write(&mut engine.findings, draft, out);
    }
    true
}

/// Finds what is to be hidden in an event.
fn read(
    engine: &mut Engine<'_>,
    memory: &mut MaskMemory,
    tape: Option<&Tape>,
    draft: &Draft<'_, '_>,
) {
    for span in draft
        .spans
        .iter()
        .filter(|span| span.seen != SpanSeen::Quiet)
    {
        judge(engine, memory, tape, draft.json, span);
    }
    engine.findings.unsure |= again(
        draft.json,
        draft.spans,
        engine.findings.edits,
        draft.counts.map(Counts::named).unwrap_or_default(),
    );
}

/// Writes an event whose marks may be read otherwise than what stood there: it is read again, as a text alone is.
#[cold]
fn settle(
    engine: &mut Engine<'_>,
    memory: &mut MaskMemory,
    draft: &Draft<'_, '_>,
    out: &mut Vec<u8>,
) {
    let mut counts = draft.counts.cloned().unwrap_or_default();
    let (mut spans, mut counts_at) = (draft.spans.to_vec(), draft.counts_at);
    let mut json = draft.json.to_vec();
    for pass in 0.. {
        let mut written = Vec::with_capacity(json.len() + 64);
        let places = marked(&mut engine.findings, &json, &mut counts, &mut written);
        let moved = |at: usize| {
            let last = places.partition_point(|place| place.start < at);
            let place = last.checked_sub(1).and_then(|last| places.get(last));
            place.map_or(at, |place| at.saturating_sub(place.end) + place.written)
        };
        for span in &mut spans {
            (span.start, span.end) = (moved(span.start), moved(span.end));
            if span.seen != SpanSeen::Quiet {
                span.seen = SpanSeen::Unseen;
            }
        }
        counts_at = counts_at.map(moved);
        json = written;
        if !engine.findings.unsure || pass == most_passes(draft.json.len()) {
            break;
        }
        engine.findings.unsure = false;
        let settled = Draft {
            json: &json,
            spans: &spans,
            counts_at,
            counts: Some(&counts),
        };
        read(engine, memory, None, &settled);
        if engine.findings.edits.is_empty() {
            break;
        }
    }
    let settled = Draft {
        json: &json,
        spans: &spans,
        counts_at,
        counts: Some(&counts),
    };
    write(&mut engine.findings, &settled, out);
}

/// What was replaced, and where the mark ends in what was written.
struct Place {
    start: usize,
    end: usize,
    written: usize,
}

/// Writes a text with its marks, which are counted, and forgets them.
fn marked(
    findings: &mut Findings<'_>,
    json: &[u8],
    counts: &mut Counts,
    out: &mut Vec<u8>,
) -> Vec<Place> {
    let mut places = Vec::with_capacity(findings.edits.len());
    for edit in findings.edits.iter() {
        counts.add(edit.tag());
    }
    let writer = Writer {
        labels: &findings.rules.labels,
        side: findings.side,
        counts,
    };
    writer.write_and_tell(json, findings.edits, out, |edit, written| {
        places.push(Place {
            start: edit.start,
            end: edit.end,
            written,
        });
    });
    findings.edits.clear();
    findings.side.clear();
    places
}

/// Finds what is to be hidden in a span.
fn judge(
    engine: &mut Engine<'_>,
    memory: &mut MaskMemory,
    tape: Option<&Tape>,
    json: &[u8],
    &Span {
        start: from,
        end: to,
        seen,
    }: &Span,
) {
    let floor = engine.findings.edits.len();
    let is_string = bytes::at(json, from) == b'"';
    if let Some(tape) = tape
        && let Some(tokens) = tape.of(seen)
    {
        if replay(engine, json, memory, (from, to), tape, tokens).is_ok() {
            return;
        }
        engine.findings.edits.truncate(floor);
    }
    // Tools, clients and sessions come again and again.
    if is_string && engine.knows(json, from + 1, to - 1) {
        return;
    }
    let masks = &memory.look_at(json, from, to);
    // Members begin with a name and a colon; anything else is one value.
    let mut start = Start::Values;
    if is_string {
        let (end, escaped) = string_end(json, masks, from + 1, to);
        if end + 1 == to {
            let place = (from + 1, end);
            if escaped || engine.findings.rules.custom.is_some() {
                engine.string(json, masks, place, escaped, Kind::Plain, 0, false);
            } else {
                engine.remembered(json, masks, place);
            }
            return;
        }
        start = Start::Members;
    }
    // A span which is no JSON after all is text; nothing in it goes unread.
    if json::walk(engine, json, masks, (from, to), start, 0).is_err() {
        engine.text(json, masks, (from, to), Kind::Plain, 0, true);
        // What the walk found before it ended was found again.
        edit::merge(engine.findings.edits, floor);
    }
}

/// Writes the event with the edits, and the counts where there is a place for them.
fn write(findings: &mut Findings<'_>, draft: &Draft<'_, '_>, out: &mut Vec<u8>) {
    let mut counts = draft.counts.cloned().unwrap_or_default();
    for edit in findings.edits.iter() {
        counts.add(edit.tag());
    }
    if let Some(place) = draft.counts_at {
        let index = findings.edits.partition_point(|edit| edit.start < place);
        let edit = Edit {
            start: place,
            end: place,
            with: With::Counts,
        };
        findings.edits.insert(index, edit);
    }
    let writer = Writer {
        labels: &findings.rules.labels,
        side: findings.side,
        counts: &counts,
    };
    writer.write(draft.json, findings.edits, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(redactor: &Redactor, draft: Draft<'_, '_>) -> String {
        // What an earlier event left is cleared.
        let mut out = b"left".to_vec();
        let sealed = redactor.seal(draft, &mut out).unwrap();
        String::from_utf8(sealed.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn an_event_in_which_nothing_is_found_keeps_its_bytes() {
        let json = r#"{ "a" : "x\u0041" , "b":1e1}"#;
        let whole = [Span::from(0..json.len())];
        let draft = |json| Draft {
            json,
            spans: &whole,
            counts_at: Some(1),
            counts: None,
        };
        assert_eq!(sealed(&Redactor::default(), draft(json.as_bytes())), json);
        let secret = r#"{ "token" : "zX9kQ2mW7vB4tR12" }"#;
        assert_eq!(sealed(&Redactor::off(), draft(secret.as_bytes())), secret);
    }

    #[test]
    fn what_was_found_before_is_counted_without_a_finding_of_its_own() {
        let json = r#"{"a":1}"#;
        let mut counts = Counts::default();
        counts.add(Some(crate::redact::Class::Email.tag()));
        let draft = Draft {
            json: json.as_bytes(),
            spans: &[],
            counts_at: Some(json.len() - 1),
            counts: Some(&counts),
        };
        assert_eq!(
            sealed(&Redactor::default(), draft),
            r#"{"a":1,"redactions":{"email":1}}"#
        );
    }

    #[test]
    fn what_a_mark_tells_a_rule_is_found_in_an_event_as_in_a_text() {
        let text = r#"{"auth":"4111 1111 1111 1111=0","password":"--password A__-"}"#;
        let json = format!(r#"{{"tool":"\u0061","args":{text},"n":1}}"#);
        let start = json.find(text).unwrap();
        let spans = [
            Span::from(8..16),
            Span::from(start..start + text.len()),
            Span::from(json.len() - 2..json.len() - 1),
        ];
        let draft = Draft {
            json: json.as_bytes(),
            spans: &spans,
            counts_at: Some(json.len() - 1),
            counts: None,
        };
        let alone = Redactor::default().redact_json(text).into_owned();
        assert_eq!(
            alone,
            r#"{"auth":"[REDACTED_FIELD]","password":"[REDACTED_FIELD]"}"#
        );
        let counts = r#""redactions":{"field":3,"card":1}"#;
        assert_eq!(
            sealed(&Redactor::default(), draft),
            format!(r#"{{"tool":"\u0061","args":{alone},"n":1,{counts}}}"#)
        );
    }

    #[test]
    fn spans_between_those_that_are_known_are_read() {
        let known = "a tool that comes again";
        let json = format!(r#"{{"a":"{known}","b":"bob@example.com","c":"{known}"}}"#);
        let span = |text: &str, from: usize| {
            let start = from + json.get(from..).unwrap().find(text).unwrap();
            Span::from(start..start + text.len())
        };
        let quoted = format!("\"{known}\"");
        let spans = [
            span(&quoted, 0),
            span("\"bob@example.com\"", 0),
            span(&quoted, 40),
        ];
        for _ in 0..2 {
            let draft = Draft {
                json: json.as_bytes(),
                spans: &spans,
                counts_at: None,
                counts: None,
            };
            assert_eq!(
                sealed(&Redactor::default(), draft),
                json.replace("bob@example.com", "[REDACTED_EMAIL]")
            );
        }
    }

    #[test]
    fn a_sealed_event_shows_nothing_of_itself() {
        assert_eq!(
            format!("{:?}", RedactedJson { bytes: b"secret" }),
            "RedactedJson { bytes: 6 }"
        );
    }
}
