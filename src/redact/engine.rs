//! One redaction: the buffers it needs and the way from a text to its edits.
//!
//! What few texts come to is marked `cold`, or kept out of its callers, here as in `capture`, `read` and `catalogue`.
//! Without these marks, a typical event takes 340 instructions more (of 21 900), and 6 000 bytes of prose 5 680 (of
//! 157 600).

pub(crate) mod again;
pub(crate) mod edit;
pub(crate) mod element;
pub(crate) mod frame;
pub(crate) mod inside;
pub(crate) mod json;
pub(crate) mod member;
pub(crate) mod memo;
pub(crate) mod patterns;
pub(crate) mod replay;
pub(crate) mod settled;
pub(crate) mod span;
pub(crate) mod tape;
pub(crate) mod text;
pub(crate) mod visit;
pub(crate) mod walk;

use crate::redact::class::{Class, Tag};
use crate::redact::engine::edit::{Edit, With, merge};
use crate::redact::engine::frame::{Frame, Start};
use crate::redact::engine::inside::{Findings, Inside, KEEP_BYTES, MAX_DEPTH, Progress};
use crate::redact::engine::memo::{Known, Quiet, QuietKey};
use crate::redact::engine::tape::Tape;
use crate::redact::engine::text::Layer;
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, at, part};
use crate::redact::read::decode::{self, Decoded};
use crate::redact::read::masks::{MaskMemory, Masks};
use crate::redact::read::scope::Found;
use crate::redact::rule_set::RuleSet;

/// Buffers that are used again and again, one set per thread, so that a redaction allocates nothing once they
/// have grown to the size of the events.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    pub(crate) tape: Tape,
    edits: Vec<Edit>,
    frames: Vec<Frame>,
    masks: MaskMemory,
    pub(crate) known: Known,
    pub(crate) labels: Known,
    pub(crate) quiet: Quiet,
    pool: Vec<(Decoded, MaskMemory)>,
    side: Vec<u8>,
    hidden: Vec<Found>,
}

/// A redaction that is going on.
pub(crate) struct Engine<'r> {
    pub(crate) findings: Findings<'r>,
    quiet: &'r mut Quiet,
}

impl Engine<'_> {
    /// Runs `f` with the buffers of this thread; a call from inside of a call gets fresh ones.
    pub(crate) fn with<R>(
        rules: &RuleSet,
        f: impl FnOnce(&mut Engine<'_>, &mut MaskMemory) -> R,
    ) -> R {
        // While a thread ends its buffers may be gone already; fresh ones do, too.
        let mut buffers = BUFFERS
            .try_with(std::cell::Cell::take)
            .ok()
            .flatten()
            .unwrap_or_default();
        let result = Engine::within(&mut buffers, rules, |engine, masks, _| f(engine, masks));
        let _ = BUFFERS.try_with(|kept| kept.set(Some(buffers)));
        result
    }

    /// Runs `f` with buffers, and what was kept in them of a text when it was written.
    pub(crate) fn within<R>(
        buffers: &mut Buffers,
        rules: &RuleSet,
        f: impl FnOnce(&mut Engine<'_>, &mut MaskMemory, &Tape) -> R,
    ) -> R {
        let Buffers {
            tape,
            edits,
            frames,
            masks,
            known,
            labels,
            quiet,
            pool,
            side,
            hidden,
        } = buffers;
        // At the beginning, since a rule of the user's that has panicked left some of it.
        edits.clear();
        frames.clear();
        side.clear();
        hidden.clear();
        let mut engine = Engine {
            findings: Findings {
                rules,
                edits,
                frames,
                side,
                progress: Progress::default(),
                hidden,
                known,
                labels,
                unsure: false,
                pool,
            },
            quiet,
        };
        let result = f(&mut engine, masks, tape);
        edits.shrink_to(KEEP_BYTES / 64);
        frames.shrink_to(KEEP_BYTES / 256);
        side.shrink_to(KEEP_BYTES);
        masks.trim(KEEP_BYTES);
        result
    }

    /// Whether the string at `from..to` was looked at before and had nothing in it.
    pub(crate) fn knows(&self, text: &[u8], from: usize, to: usize) -> bool {
        QuietKey::of(text, from, to).is_some_and(|key| self.quiet.has(&key, self.findings.rules.id))
    }

    /// A text without escapes, unless it had nothing in it before.
    pub(crate) fn remembered(
        &mut self,
        text: &[u8],
        masks: &Masks<'_>,
        (from, to): (usize, usize),
    ) {
        let rules = self.findings.rules;
        let key = if rules.is_users() {
            None
        } else {
            QuietKey::of(text, from, to)
        };
        if let Some(key) = &key
            && self.quiet.has(key, rules.id)
        {
            return;
        }
        let floor = self.findings.edits.len();
        self.text(text, masks, (from, to), Kind::Plain, 0, false);
        self.escape_quotes(floor);
        // What is known is written as it is, so it must need no escape.
        let is_plain = || !part(text, from, to).iter().any(u8::is_ascii_control);
        if let Some(key) = &key
            && self.findings.edits.len() == floor
            && is_plain()
        {
            self.quiet.put(key, rules.id);
        }
    }

    /// Lets the user's closure have a string, which stands at `from..to`.
    fn custom(&mut self, text: &[u8], (from, to): (usize, usize), json: bool) {
        let (Some(custom), Ok(text)) = (&self.findings.rules.custom, std::str::from_utf8(text))
        else {
            return;
        };
        let made = custom(text);
        if made == text {
            return;
        }
        let at = self.findings.side.len();
        if json {
            // Writing to a Vec cannot fail; were it to, the string is empty and nothing leaks.
            let quoted = serde_json::to_vec(made.as_ref()).unwrap_or_default();
            self.findings
                .side
                .extend_from_slice(part(&quoted, 1, quoted.len().saturating_sub(1)));
        } else {
            self.findings.side.extend_from_slice(made.as_bytes());
        }
        self.findings.edits.push(Edit {
            start: from,
            end: to,
            with: With::Text {
                tag: Tag(0),
                from: at,
                to: self.findings.side.len(),
            },
        });
    }

    /// Quotes of the edits from `floor` on stand inside of a string of JSON.
    fn escape_quotes(&mut self, floor: usize) {
        for edit in self.findings.edits.iter_mut().skip(floor) {
            if let With::Mark {
                quotes: Some(levels),
                ..
            } = &mut edit.with
            {
                *levels += 1;
            }
        }
    }

    /// The edits from `floor` on stand in a text whose quotes nobody knows.
    fn drop_quotes(&mut self, floor: usize) {
        for edit in self.findings.edits.iter_mut().skip(floor) {
            if let With::Mark { quotes, .. } = &mut edit.with {
                *quotes = None;
            }
        }
    }

    /// Maps the edits from `floor` on, which are about `decoded`, to the text it was decoded from.
    fn map_back(&mut self, floor: usize, decoded: &Decoded, from: usize) {
        let mut near = 0;
        for edit in self.findings.edits.iter_mut().skip(floor) {
            (edit.start, edit.end) = decoded.raw_range(edit.start, edit.end, from, &mut near);
        }
    }

    /// Forgets addresses, from `inner` on, whose first part is the end of a password in a URL: `user:a%20b@host`.
    fn drop_addresses(&mut self, floor: usize, inner: usize) {
        let Some((outer, addresses)) = self.findings.edits.split_at_mut_checked(inner) else {
            return;
        };
        let mut passwords = outer.iter().skip(floor).peekable();
        let mut kept = 0;
        for index in 0..addresses.len() {
            let Some(&edit) = addresses.get(index) else {
                break;
            };
            while passwords.next_if(|outer| outer.end <= edit.start).is_some() {}
            let covered = edit.tag() == Some(Class::Email.tag())
                && passwords.peek().is_some_and(|outer| {
                    outer.tag() == Some(Class::Password.tag()) && outer.start <= edit.start
                });
            if !covered {
                if let Some(slot) = addresses.get_mut(kept) {
                    *slot = edit;
                }
                kept += 1;
            }
        }
        self.findings.edits.truncate(inner + kept);
    }

    /// What the rules find in a text without one of its layers.
    fn layer(
        &mut self,
        layer: Layer,
        text: &[u8],
        (from, to): (usize, usize),
        kind: Kind,
        depth: u8,
        is_key: bool,
    ) {
        let mut pair = self.findings.take();
        let changed = match layer {
            Layer::Escapes => pair.0.layers(text, from, to),
            Layer::Colours(gap) => pair.0.colours(text, from, to, gap),
        };
        if changed {
            let masks = pair.1.look(&pair.0.text);
            let floor = self.findings.edits.len();
            let length = pair.0.text.len();
            self.text(&pair.0.text, &masks, (0, length), kind, depth + 1, is_key);
            self.map_back(floor, &pair.0, from);
            if layer == Layer::Escapes {
                self.drop_quotes(floor);
            }
        }
        self.findings.give(pair);
    }

    /// A plain text: JSON where it is JSON, and rules for text on everything else.
    pub(crate) fn text(
        &mut self,
        text: &[u8],
        masks: &Masks<'_>,
        (from, to): (usize, usize),
        kind: Kind,
        depth: u8,
        is_key: bool,
    ) {
        if self.findings.rules.custom.is_some() {
            self.custom(part(text, from, to), (from, to), false);
            return;
        }
        let floor = self.findings.edits.len();
        let mut is_json = false;
        if depth < MAX_DEPTH && !is_key {
            let start = bytes::run_end(text, from, to, |b| b.is_ascii_whitespace());
            if matches!(at(text, start), b'{' | b'[') && start < to {
                is_json = json::walk(self, text, masks, (start, to), Start::Values, depth).is_ok();
            }
        }
        if !is_json {
            let hidden = text::scan(self, text, masks, (from, to), kind, depth);
            for &layer in hidden.layers().iter().filter(|_| depth < MAX_DEPTH) {
                merge(self.findings.edits, floor);
                let inner = self.findings.edits.len();
                self.layer(layer, text, (from, to), kind, depth, is_key);
                self.drop_addresses(floor, inner);
            }
        }
        self.findings
            .rules
            .patterns_on(part(text, from, to), from, self.findings.edits);
        merge(self.findings.edits, floor);
        let found = self.findings.edits.get(floor..).unwrap_or_default();
        self.findings.unsure = self.findings.unsure
            || !is_json && settled::may_be_read_otherwise(text, (from, to), found);
    }
}

impl<'r> Inside<'r> for Engine<'r> {
    #[inline(always)]
    fn findings(&mut self) -> &mut Findings<'r> {
        &mut self.findings
    }

    #[inline]
    fn string(
        &mut self,
        text: &[u8],
        masks: &Masks<'_>,
        (from, to): (usize, usize),
        escaped: bool,
        kind: Kind,
        depth: u8,
        is_key: bool,
    ) {
        if !escaped {
            if self.findings.rules.custom.is_some() {
                self.custom(part(text, from, to), (from, to), true);
                return;
            }
            if kind == Kind::Plain
                && !self.findings.rules.is_users()
                && masks.next_candidate(from, to) == to
            {
                return;
            }
            if kind == Kind::Plain && depth == 0 && !is_key {
                self.remembered(text, masks, (from, to));
            } else {
                let floor = self.findings.edits.len();
                self.text(text, masks, (from, to), kind, depth, is_key);
                self.escape_quotes(floor);
            }
            return;
        }
        let floor = self.findings.edits.len();
        let mut pair = self.findings.take();
        pair.0.json(text, from, to);
        if self.findings.rules.custom.is_some() {
            self.custom(&pair.0.text, (from, to), true);
            self.findings.give(pair);
            return;
        }
        let masks = pair.1.look(&pair.0.text);
        let length = pair.0.text.len();
        self.text(&pair.0.text, &masks, (0, length), kind, depth + 1, is_key);
        self.escape_quotes(floor);
        self.map_back(floor, &pair.0, from);
        self.findings.give(pair);
    }

    fn base64(&mut self, text: &[u8], (from, to): (usize, usize), depth: u8) -> bool {
        if depth >= MAX_DEPTH || !decode::begins_text(part(text, from, to)) {
            return false;
        }
        let floor = self.findings.edits.len();
        let progress = std::mem::take(&mut self.findings.progress);
        let mut pair = self.findings.take();
        if pair.0.base64(part(text, from, to)) {
            let masks = pair.1.look(&pair.0.text);
            let length = pair.0.text.len();
            self.text(
                &pair.0.text,
                &masks,
                (0, length),
                Kind::Plain,
                depth + 1,
                false,
            );
        }
        self.findings.give(pair);
        self.findings.progress = progress;
        let class = self.findings.edits.get(floor).and_then(Edit::tag);
        self.findings.edits.truncate(floor);
        if let Some(tag) = class {
            self.findings.edits.push(Edit::mark(from, to, tag));
        }
        class.is_some()
    }
}

thread_local! {
    static BUFFERS: std::cell::Cell<Option<Box<Buffers>>> = const { std::cell::Cell::new(None) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine<R>(rules: &RuleSet, f: impl FnOnce(&mut Engine<'_>, &mut MaskMemory) -> R) -> R {
        Engine::with(rules, f)
    }

    #[test]
    fn a_redaction_within_a_redaction_has_buffers_of_its_own() {
        let rules = RuleSet::default();
        engine(&rules, |outer, _| {
            outer
                .findings
                .edits
                .push(Edit::mark(0, 1, Class::Key.tag()));
            engine(&rules, |inner, _| assert!(inner.findings.edits.is_empty()));
            assert_eq!(outer.findings.edits.len(), 1);
        });
        engine(&rules, |next, _| assert!(next.findings.edits.is_empty()));
    }

    #[test]
    fn a_string_in_which_nothing_was_found_is_known() {
        let rules = RuleSet::default();
        engine(&rules, |engine, masks| {
            for (text, is_known) in [("a tool of ours", true), ("to a@example.com", false)] {
                let bytes = text.as_bytes();
                let place = (0, text.len());
                let masks = masks.look(bytes);
                assert!(!engine.knows(bytes, 0, text.len()));
                engine.remembered(bytes, &masks, place);
                assert_eq!(engine.knows(bytes, 0, text.len()), is_known, "{text}");
            }
        });
    }

    #[test]
    fn the_end_of_a_password_in_an_address_is_no_address() {
        let rules = RuleSet::default();
        engine(&rules, |engine, _| {
            let mark = |start, end, class: Class| Edit::mark(start, end, class.tag());
            *engine.findings.edits = vec![
                mark(0, 5, Class::Password),
                mark(3, 9, Class::Email),
                mark(12, 20, Class::Email),
                mark(22, 24, Class::Card),
            ];
            engine.drop_addresses(0, 1);
            let kept: Vec<_> = engine
                .findings
                .edits
                .iter()
                .map(|edit| edit.start)
                .collect();
            assert_eq!(kept, [0, 12, 22]);
        });
    }

    #[test]
    fn quotes_of_a_value_are_escaped_once_for_each_string_around_it() {
        let rules = RuleSet::default();
        engine(&rules, |engine, _| {
            let value = Edit::value(4, 6, Class::Field.tag());
            *engine.findings.edits = vec![value, value];
            engine.escape_quotes(1);
            engine.escape_quotes(1);
            let quotes = |index: usize| match engine.findings.edits[index].with {
                With::Mark { quotes, .. } => quotes,
                _ => None,
            };
            assert_eq!((quotes(0), quotes(1)), (Some(0), Some(2)));
            engine.drop_quotes(0);
            assert!(
                engine
                    .findings
                    .edits
                    .iter()
                    .all(|edit| matches!(edit.with, With::Mark { quotes: None, .. }))
            );
        });
    }
}
