//! The rules for plain text, each tried only where it can begin.

use std::ops::ControlFlow;

use crate::redact::catalogue::signs::{Begins, begins};
use crate::redact::class::{Class, MARK_WORD};
use crate::redact::engine::edit::Edit;
use crate::redact::engine::inside::{Findings, Inside, MAX_DEPTH, Progress, Sentence};
use crate::redact::find::look::Look;
use crate::redact::find::{
    account, address, assign, code, command, context, email, key, markup, number, one_time, phone,
    place, sentence, shaped_key, sql, table, token, url, word,
};
use crate::redact::judge::id::{UUID, is_uuid};
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{
    at, is_base64, is_domain, is_keyed, is_token, part, run_end, run_start,
};
use crate::redact::read::colour::{ESCAPE, may_cut, sequence};
use crate::redact::read::decode;
use crate::redact::read::masks::{MIN_RUN, Masks, is_run_start};
use crate::redact::read::scope::{Found, Scope, word_start};
use crate::redact::rule_set::RuleSet;

/// A shorter text is no table.
const MIN_TABLE: usize = 16;

/// Shorter base64 holds no name and value worth the look.
const MIN_BASE64: usize = 20;

/// Bytes behind an address in which a sentence may still name a value.
const MAX_SENTENCE: usize = 96;

/// What may hide something in a text from the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Hidden {
    #[default]
    Nothing,
    /// Escapes, to be decoded.
    Escapes,
    /// Terminal colours.
    Colours,
}

/// A way to look at a text without what hides something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    Escapes,
    /// What stands in the place of a colour.
    Colours(&'static [u8]),
}

impl Hidden {
    /// How to look at the text again. Behind a colour a word may go on, and another may begin.
    pub(crate) fn layers(self) -> &'static [Layer] {
        match self {
            Self::Nothing => &[],
            Self::Escapes => &[Layer::Escapes],
            Self::Colours => &[Layer::Colours(b""), Layer::Colours(b" ")],
        }
    }
}

/// What a text has that calls for a closer look at the whole of it.
#[derive(Clone, Copy, Debug, Default)]
struct Signs {
    hidden: Hidden,
    /// What looks like a colour may be text, too.
    cuts: bool,
    /// Where the names of columns begin that values are inserted into.
    inserts: Option<usize>,
    lines: bool,
    /// Double quotes, which are no candidates in JSON, where every string has them.
    quoted: bool,
}

impl Signs {
    fn of(text: &[u8], masks: &Masks<'_>, from: usize, to: usize) -> Self {
        let mut signs = Self::default();
        let mut pos = masks.next_odd(from, to);
        while pos < to {
            match at(text, pos) {
                b'(' if signs.inserts.is_none() => {
                    signs.inserts = table::follows_into(text, from, pos).then_some(pos);
                }
                b'\n' => signs.lines = true,
                _ => signs.see(text, pos, to),
            }
            pos = masks.next_odd(pos + 1, to);
        }
        signs.quoted = masks.next_end(from, to) < to;
        pos = from;
        while signs.quoted && !(signs.hidden == Hidden::Colours && signs.cuts) {
            // Quotes hide nothing, and a hostile text has many.
            let Some(first) = memchr::memchr(b'\\', part(text, pos, to)) else {
                break;
            };
            // Of backslashes in a row the first may begin an escape, and the last a colour.
            signs.see(text, pos + first, to);
            let behind = past_same(text, pos + first, to);
            if behind > pos + first + 1 {
                signs.see(text, behind - 1, to);
            }
            pos = behind;
        }
        signs
    }

    /// What the byte at `pos` hides, if anything.
    fn see(&mut self, text: &[u8], pos: usize, to: usize) {
        let begins = match at(text, pos) {
            b'\\' | ESCAPE => Some(pos),
            0x9B => pos.checked_sub(1),
            _ => None,
        };
        if let Some(begins) = begins
            && let Some(length) = sequence(text, begins, to)
        {
            self.hidden = Hidden::Colours;
            self.cuts |= may_cut(text, begins + length, to);
        } else if self.hidden == Hidden::Nothing && decode::is_layer(text, pos) {
            self.hidden = Hidden::Escapes;
        }
    }
}

/// Whether a run of token bytes ends in a UUID, as most ids do, and stands alone between quotes or spaces.
fn is_id(scope: &Scope<'_>, start: usize, end: usize) -> bool {
    let apart = |byte: u8| {
        byte.is_ascii_whitespace()
            || matches!(byte, 0 | b'"' | b'\'' | b'(' | b')' | b'[' | b']' | b',')
    };
    let last = scope.part(start, end).last_chunk();
    last.is_some_and(is_uuid) && apart(scope.before(start)) && apart(scope.at(end))
}

/// Tries every rule at every candidate in `text[from..to]`. Returns what may hide something from the rules.
pub(crate) fn scan<'r>(
    inside: &mut impl Inside<'r>,
    text: &[u8],
    masks: &Masks<'_>,
    (from, to): (usize, usize),
    kind: Kind,
    depth: u8,
) -> Hidden {
    let findings = inside.findings();
    if !findings.rules.has_builtin() {
        return Hidden::Nothing;
    }
    let signs = Signs::of(text, masks, from, to);
    if signs.hidden == Hidden::Colours && !signs.cuts && depth < MAX_DEPTH {
        return Hidden::Colours;
    }
    findings.progress = Progress {
        asked: from,
        settled: from,
        ..Progress::default()
    };
    let mut scope = Scope {
        text,
        from,
        to,
        origin: from,
    };
    if kind == Kind::Phone
        && let Some(found) = phone::named_phone(&scope)
    {
        findings.add(found);
        return Hidden::Nothing;
    }
    let shaped = signs.inserts.is_some() || signs.lines || place::may_begin(text, from);
    if to - from >= MIN_TABLE && shaped {
        findings.lines(&scope, signs);
    }
    let mut pos = from;
    loop {
        pos = if signs.quoted {
            masks.next_candidate_or_end(pos, to)
        } else {
            masks.next_candidate(pos, to)
        };
        if pos >= to {
            return signs.hidden;
        }
        match candidate(inside, &scope, masks, pos, kind, depth) {
            Some(end) => {
                scope.from = end.max(pos + 1).min(to);
                pos = scope.from;
            }
            None if matches!(at(text, pos), b'\\' | b'"') => pos = past_same(text, pos, to),
            None => pos += 1,
        }
    }
}

/// Where the same bytes in a row end: no rule begins at a backslash, and none at a quote behind another.
#[inline]
fn past_same(text: &[u8], pos: usize, to: usize) -> usize {
    let byte = at(text, pos);
    run_end(text, pos, to, |b| b == byte)
}

/// Tries the rules that may begin at a candidate; returns where what they found ends.
#[inline(always)]
fn candidate<'r>(
    inside: &mut impl Inside<'r>,
    scope: &Scope<'_>,
    masks: &Masks<'_>,
    pos: usize,
    kind: Kind,
    depth: u8,
) -> Option<usize> {
    let findings = inside.findings();
    match begins(at(scope.text, pos)) {
        // The signs of a hostile text stand side by side.
        Begins::Host if !is_domain(scope.at(pos + 1)) => None,
        Begins::Host => {
            let found = email::email(scope, pos, 1);
            match url::database(scope, pos) {
                None => findings.address(scope, found),
                found => findings.one(scope, found),
            }
        }
        Begins::ValueOrAddress if part(scope.text, pos, pos + 3) == b"://" => {
            let found = url::userinfo(scope, pos, &mut findings.progress.bare)
                .or_else(|| url::webhook_at(scope, pos + 3))
                .or_else(|| url::cut(scope, pos))
                .or_else(|| url::link(scope, pos + 3));
            findings.one(scope, found)
        }
        begins @ (Begins::Value | Begins::ValueOrAddress) => {
            let end = findings.several(scope, pos);
            if end.is_some() || begins == Begins::Value || !findings.rules.is_on(Class::Ip) {
                return end;
            }
            findings.one(scope, address::ipv6(scope, pos))
        }
        Begins::Element => {
            let found = markup::element(&findings.look(scope), pos);
            findings.one(scope, found)
        }
        Begins::Single => {
            let found = sql::after_word(scope, pos)
                .or_else(|| code::literal(&findings.look(scope), pos))
                .or_else(|| command::literal(&findings.look(scope), pos));
            findings.one(scope, found)
        }
        Begins::Double => findings.quote(scope, pos),
        Begins::Escape => None,
        Begins::Dash => findings.dashes(scope, pos),
        Begins::Run => run(inside, scope, masks, pos, kind, depth),
    }
}

/// A run of token bytes, or a group of digits in one.
fn run<'r>(
    inside: &mut impl Inside<'r>,
    scope: &Scope<'_>,
    masks: &Masks<'_>,
    pos: usize,
    kind: Kind,
    depth: u8,
) -> Option<usize> {
    if pos < inside.findings().progress.settled {
        return None;
    }
    let begins = is_run_start(scope.text, pos);
    if begins || pos == scope.from {
        let end = masks.token_end(pos, scope.to);
        // No key, id or base64 is shorter, and no mark that the masks stop at.
        let is_short = end - pos < MIN_RUN && !matches!(scope.at(end), b'+' | b'/' | b'=');
        if !is_short && let ControlFlow::Break(end) = tokens(inside, scope, (pos, end), kind, depth)
        {
            return end;
        }
    }
    let findings = inside.findings();
    if begins
        && findings.rules.is_on(Class::Wallet)
        && let Some(found) = address::wallet(scope, pos)
    {
        return findings.one(scope, Some(found));
    }
    if !at(scope.text, pos).is_ascii_digit() {
        return None;
    }
    let found = numeric(findings.rules, scope, pos, kind);
    if found.is_some() {
        return findings.one(scope, found);
    }
    findings.first_digit(scope, pos)
}

/// A run of token bytes: a key, an id, base64 of a text. What it is settles where it ends.
fn tokens<'r>(
    inside: &mut impl Inside<'r>,
    scope: &Scope<'_>,
    (pos, end): (usize, usize),
    kind: Kind,
    depth: u8,
) -> ControlFlow<Option<usize>> {
    let findings = inside.findings();
    // A mark is no key.
    if scope.before(pos) == b'[' && scope.part(pos, end).starts_with(MARK_WORD) {
        return ControlFlow::Break(None);
    }
    // Small letters, `_` and `-` alone, as words are made of and no key is.
    let is_word = !scope.part(pos, end).iter().copied().any(is_keyed);
    if !is_word
        && end - pos >= MIN_RUN
        && let Some(found) = key::key(scope, pos, end)
    {
        return ControlFlow::Break(findings.one(scope, Some(found)));
    }
    if kind == Kind::Plain && end - pos >= UUID && is_id(scope, pos, end) {
        // Only the word before it can make more of an id, and its groups are not asked one by one.
        (findings.progress.settled, findings.progress.asked) = (end, end);
        let look = findings.look(scope);
        let found = word::after_word(&look, pos).or_else(|| context::uuid(&look, pos, end));
        return ControlFlow::Break(findings.one(scope, found));
    }
    // What follows a `/` was looked at together with what stands before it.
    let joined = matches!(scope.before(pos), b'+' | b'/') && is_token(scope.before(pos - 1));
    if !is_word && !joined {
        let end = run_end(scope.text, end, scope.to, is_base64);
        let end = run_end(scope.text, end, scope.to.min(end + 2), |b| b == b'=');
        if end - pos >= MIN_BASE64 && inside.base64(scope.text, (pos, end), depth) {
            return ControlFlow::Break(Some(end));
        }
    }
    ControlFlow::Continue(())
}

/// Whether a number stands between two others, with a space on each side: no word names it.
fn is_in_row(scope: &Scope<'_>, pos: usize) -> bool {
    if scope.before(pos) != b' ' {
        return false;
    }
    let last = scope.back(pos - 1, MIN_RUN, |b| b.is_ascii_digit());
    // One digit alone may say how a value is written that follows it.
    if pos - 1 - last < 2 || scope.before(last) != b' ' {
        return false;
    }
    let end = scope.ahead(pos, MIN_RUN, |b| b.is_ascii_digit());
    scope.at(end) == b' ' && scope.at(end + 1).is_ascii_digit()
}

/// Where the last but two begins of the numbers from `pos` on, with a space between two: none before it is one of a kind
/// that is known here, or a code. Each has two digits or more, as the number before them.
fn row_end(scope: &Scope<'_>, pos: usize) -> usize {
    let mut last = [pos; 3];
    loop {
        let [settled, second, third] = last;
        let end = scope.ahead(third, MIN_RUN, |b| b.is_ascii_digit());
        let is_in_row = scope.at(end) == b' ' && scope.at(end + 1).is_ascii_digit();
        if !(2..MIN_RUN).contains(&(end - third)) || !is_in_row {
            return settled;
        }
        last = [second, third, end + 1];
    }
}

/// What digits make of themselves, and of the few letters around them.
fn numeric(rules: &RuleSet, scope: &Scope<'_>, pos: usize, kind: Kind) -> Option<Found> {
    if rules.is_on(Class::Ip)
        && let Some(found) = address::ipv4(scope, pos)
    {
        return Some(found);
    }
    // Digits one by one, `1-2-3`, are no number of a kind that is known here, unless a word leads to them.
    let digit = |offset: usize| scope.at(pos + offset).is_ascii_digit();
    let led = scope.before(pos) == b' ' && !scope.before(pos - 1).is_ascii_digit();
    let alone = !led && !digit(1) && digit(2) && !digit(3);
    let ahead = if alone {
        1
    } else {
        number::digits_ahead(scope, pos)
    };
    // What stands right before the digits tells most that are neither.
    let left = scope.before(pos);
    let lettered = || {
        (left.is_ascii_alphabetic() || left == b' ')
            .then(|| account::lettered(scope, pos))
            .flatten()
    };
    let crypt = || {
        (left.is_ascii_alphanumeric() || matches!(left, b'$' | b'-'))
            .then(|| token::crypt(scope, pos))
            .flatten()
    };
    match ahead {
        // Two letters may stand before few digits, and `$` before one.
        0..7 => lettered().or_else(crypt),
        _ => phone::any_number(scope, pos, kind)
            .or_else(lettered)
            .or_else(|| phone::introduced(scope, pos))
            .or_else(|| shaped_key::numbered(scope, pos)),
    }
}

impl Findings<'_> {
    /// What stands in the sensitive columns of tables, and behind the keywords of lines.
    fn lines(&mut self, scope: &Scope<'_>, signs: Signs) {
        let mut look = self.look(scope);
        if let Some(open) = signs.inserts {
            table::inserted(&mut look, open);
        }
        if signs.lines {
            table::columns(&mut look);
        }
        place::settings(&mut look);
        self.take_hidden();
    }

    /// The first digit of a word asks for the word before it: every byte is walked back over once.
    #[inline]
    fn first_digit(&mut self, scope: &Scope<'_>, pos: usize) -> Option<usize> {
        let asked = scope.from.max(self.progress.asked);
        let start = word_start(scope.text, pos, asked);
        // A reference or a pointer in code.
        let start = run_end(scope.text, start, pos, |b| matches!(b, b'&' | b'*'));
        self.progress.asked = pos + 1;
        if start <= asked && start != scope.from {
            return None;
        }
        self.word(scope, start, pos)
    }

    /// What the word before one with a digit makes of it, whose first one stands at `pos`.
    fn word(&mut self, scope: &Scope<'_>, start: usize, pos: usize) -> Option<usize> {
        if start == pos && is_in_row(scope, pos) && !self.look(scope).is_near_tool(pos) {
            self.progress.settled = row_end(scope, pos);
            let found = one_time::code(&self.look(scope), pos);
            return self.one(scope, found);
        }
        // A `/` may stand within the first bytes of a key that is base64, and a sign or a space before a key.
        let run = run_start(scope.text, pos, start, is_token);
        let start = if sentence::is_led_by_dots(scope, run) {
            run
        } else {
            start
        };
        let mut begins = [start, run].into_iter().filter(|&at| at < pos);
        if let Some(found) = begins.find_map(|at| key::listed_at(scope, at, None)) {
            return self.one(scope, Some(found));
        }
        let look = self.look(scope);
        let found = url::webhook_at(&look, start)
            .or_else(|| word::after_word(&look, start))
            .or_else(|| context::opaque(&look, run))
            .or_else(|| one_time::code(&look, pos))
            .or_else(|| self.in_sentence(scope, start, pos));
        self.one(scope, found)
    }

    /// What the whole sentence makes of a word behind an address in it: `the code sent to bob@example.com is …`.
    fn in_sentence(&mut self, scope: &Scope<'_>, start: usize, pos: usize) -> Option<Found> {
        let Sentence {
            from,
            word,
            is_long,
        } = self.sentence(scope.from)?;
        if from >= word.start || pos >= word.end + MAX_SENTENCE {
            return None;
        }
        // Marks may be shorter than the addresses, and bring what names a code into the reach of its rule.
        let far = is_long && pos - from > MAX_SENTENCE / 2;
        self.unsure |= far && pos == start && scope.run(pos, |b| b.is_ascii_digit()) >= pos + 4;
        let scope = Scope { from, ..*scope };
        let look = self.look(&scope);
        sentence::value(&look, start).or_else(|| one_time::code(&look, pos))
    }

    /// The sentence whose last word so far ends at `end`.
    fn sentence(&self, end: usize) -> Option<Sentence> {
        self.progress
            .sentence
            .filter(|sentence| sentence.word.end == end)
    }

    /// Keeps what may be a word of a sentence: of the one that goes on, or of another.
    fn keep_word(&mut self, scope: &Scope<'_>, word: Found) {
        if matches!(
            word.class,
            Class::Email | Class::Phone | Class::Key | Class::Ip
        ) {
            let known = self.sentence(scope.from);
            let is_longer = word.end - word.start > word.class.mark().len();
            self.progress.sentence = Some(Sentence {
                from: known.map_or(scope.from, |sentence| sentence.from),
                word,
                is_long: is_longer || known.is_some_and(|sentence| sentence.is_long),
            });
        }
    }

    /// What the rules are given at a place in a text.
    #[inline]
    fn look<'f>(&'f mut self, scope: &Scope<'f>) -> Look<'f> {
        Look::new(*scope, self.rules, &self.progress.tools, self.hidden)
    }

    /// Adds what rules have reported by themselves; returns where the last of it ends.
    fn take_hidden(&mut self) -> Option<usize> {
        let end = self.hidden.iter().map(|found| found.end).max()?;
        for found in self.hidden.drain(..) {
            if self.rules.is_on(found.class) && found.end > found.start {
                self.edits
                    .push(Edit::mark(found.start, found.end, found.class.tag()));
            }
        }
        Some(end)
    }

    fn add(&mut self, found: Found) {
        if self.rules.is_on(found.class) && found.end > found.start {
            self.edits
                .push(Edit::mark(found.start, found.end, found.class.tag()));
        }
    }

    fn one(&mut self, scope: &Scope<'_>, found: Option<Found>) -> Option<usize> {
        let found = found?;
        self.keep_word(scope, found);
        self.add(found);
        Some(found.end)
    }

    /// An address: its mark, or the pseudonym of who has it.
    fn address(&mut self, scope: &Scope<'_>, found: Option<Found>) -> Option<usize> {
        #[cfg(feature = "pseudonyms")]
        if let (Some(found), Some(pseudonyms), true) = (
            found,
            &self.rules.pseudonyms,
            self.rules.is_on(Class::Email),
        ) {
            self.keep_word(scope, found);
            let address = String::from_utf8_lossy(scope.part(found.start, found.end));
            let from = self.side.len();
            self.side
                .extend_from_slice(pseudonyms.email(&address).as_bytes());
            let with = super::edit::With::Text {
                tag: Class::Email.tag(),
                from,
                to: self.side.len(),
            };
            self.edits.push(Edit {
                start: found.start,
                end: found.end,
                with,
            });
            return Some(found.end);
        }
        self.one(scope, found)
    }

    /// An assignment can hide more than one value: a header with several cookies.
    fn several(&mut self, scope: &Scope<'_>, pos: usize) -> Option<usize> {
        // `bob@example.com:hunter2`
        let sentence = self.sentence(pos);
        if sentence.is_some_and(|sentence| sentence.word.class == Class::Email)
            && let Some(found) = sentence::behind_address(scope, pos + 1)
        {
            return self.one(scope, Some(found));
        }
        assign::at_sign(&mut self.look(scope), pos);
        let end = self.take_hidden();
        // Next time, what stands behind a header's value may be a part of it: `Authorization: … response="…"`.
        self.unsure |= end.is_some_and(|end| scope.at(end) == b' ');
        end
    }

    /// A literal in double quotes: an argument of a call or a command, a word that a sentence names.
    fn quote(&mut self, scope: &Scope<'_>, pos: usize) -> Option<usize> {
        // Nothing opens behind another one.
        if scope.before(pos) == b'"' {
            return None;
        }
        let look = self.look(scope);
        let mut found = code::literal(&look, pos);
        if found.is_none() && scope.before(pos) == b' ' {
            found = sentence::quoted(&look, pos)
                .or_else(|| command::literal(&look, pos))
                .or_else(|| sql::after_word(scope, pos));
        }
        self.one(scope, found)
    }

    fn dashes(&mut self, scope: &Scope<'_>, pos: usize) -> Option<usize> {
        if scope.part(pos, pos + 5) == b"-----" || scope.part(pos, pos + 4) == b"----" {
            return self.one(scope, token::armour(scope, pos));
        }
        if is_token(scope.before(pos)) {
            return None;
        }
        let look = self.look(scope);
        let found = match scope.at(pos + 1) {
            b'-' => command::flag(&look, pos),
            _ => None,
        };
        let found = found.or_else(|| command::option(&look, pos));
        self.one(scope, found)
    }
}

#[cfg(test)]
mod tests {
    use crate::redact::tests::{key, leaves, redacts};
    use crate::redact::{Class, Redactor};

    #[test]
    fn a_sentence_goes_on_behind_the_addresses_and_keys_in_it() {
        let key = ["sk_live_", "4eC39HqLyjWD", "arjtT1zdp7dc"].concat();
        for (text, secret) in [
            (
                "The code sent to ann@example.com and bob@example.com is 482913",
                "482913",
            ),
            (
                "your login code for ann@example.com, bob@example.com: 482913",
                "482913",
            ),
            (&*format!("Your login code for {key} is 482913"), "482913"),
            (
                "PIN for bob@shop.example.io regarding registration administration documentation needs is 482913",
                "482913",
            ),
            (
                "Hi\nthe password for bob@shop.example.io is hunter2xK9",
                "hunter2xK9",
            ),
            ("The code sent to +14155552671 is 482913", "482913"),
            ("Your Acme code (482913) is valid for ten minutes", "482913"),
            ("The code sent to [REDACTED_EMAIL] is 482913", "482913"),
            (
                "login code for ann.lee@corp.example.com and bob.ray@corp.example.com is 482913",
                "482913",
            ),
            (
                "Your login code for first.last@corp.example.com, other.last@corp.example.com and a@b.co is 482913",
                "482913",
            ),
        ] {
            for text in [
                text.to_owned(),
                // What was found in another text is no part of this one.
                serde_json::json!({"a": "mail zed@example.com and then", "b": text}).to_string(),
            ] {
                let redacted = Redactor::default().redact_json(&text).into_owned();
                assert!(!redacted.contains(secret), "{redacted}");
                assert_eq!(Redactor::default().redact_json(&redacted), redacted);
            }
        }
        let no_addresses = Redactor::builder().disable(Class::Email).build().unwrap();
        let redacted = no_addresses.redact_json("the password for bob@example.com is hunter2xK9");
        assert_eq!(
            redacted,
            "the password for bob@example.com is [REDACTED_FIELD]"
        );
    }

    #[test]
    fn rules_see_through_terminal_colours_and_leave_them() {
        redacts(&[
            (
                "\x1b[2m2026-01-02\x1b[0m \x1b[32mINFO\x1b[0m \x1b[3mpassword\x1b[0m\x1b[2m=\x1b[0m\"hunter2x\" ok",
                "\x1b[2m2026-01-02\x1b[0m \x1b[32mINFO\x1b[0m \x1b[3mpassword\x1b[0m\x1b[2m=\x1b[0m\"[REDACTED_FIELD]\" ok",
            ),
            (
                "\x1b[1;39m{\n  \x1b[0m\x1b[34;1m\"api_key\"\x1b[0m\x1b[1;39m:\x1b[0m\x1b[0;32m\"hunter2x\"\x1b[0m\n}",
                "\x1b[1;39m{\n  \x1b[0m\x1b[34;1m\"api_key\"\x1b[0m\x1b[1;39m:\x1b[0m\x1b[0;32m\"[REDACTED_FIELD]\"\x1b[0m\n}",
            ),
            (
                "\x1b[36mtoken:\x1b[39m \x1b[32mhunter2x\x1b[39m",
                "\x1b[36mtoken:\x1b[39m \x1b[32m[REDACTED_FIELD]\x1b[39m",
            ),
            (
                "\u{9b}36mtoken\u{9b}39m: \u{9b}32mhunter2x\u{9b}39m",
                "\u{9b}36mtoken\u{9b}39m: \u{9b}32m[REDACTED_FIELD]\u{9b}39m",
            ),
            (
                "echo -e \"\\e[1mpassword\\033[0m=\\x1b[31mhunter2x\\u001b[0m\"",
                "echo -e \"\\e[1mpassword\\033[0m=\\x1b[31m[REDACTED_FIELD]\\u001b[0m\"",
            ),
            (
                "config:pass\x1b[01;31m\x1b[Kword=hunt\x1b[m\x1b[Ker2x",
                "config:pass\x1b[01;31m\x1b[Kword=[REDACTED_FIELD]",
            ),
        ]);
        for before in ["INFO\x1b[0m", "\x1b[", "\x1b[ ", "\\e[", "\u{9b}"] {
            let text = |key: &str| format!("{before}{key}");
            redacts(&[(&text(&key()), &text("[REDACTED_KEY]"))]);
        }
        redacts(&[("\x1b[password=hunter2xK9", "\x1b[password=[REDACTED_FIELD]")]);
    }

    #[test]
    fn what_stands_at_the_end_of_a_row_of_numbers_is_found() {
        for row in ["11 22 33", "11 22 33 44 55 66 77", "411 411 411 411 411"] {
            for (number, mark) in [
                ("415-555-2671", "[REDACTED_PHONE]"),
                ("123-45-6789", "[REDACTED_SSN]"),
            ] {
                redacts(&[(&format!("{row} {number}"), &format!("{row} {mark}"))]);
            }
            let code = format!("{row}. Your login code is");
            redacts(&[(
                &format!("{code} 482913"),
                &format!("{code} [REDACTED_FIELD]"),
            )]);
        }
    }

    #[test]
    fn no_number_of_backslashes_hides_what_stands_behind_a_colour() {
        for count in [1, 4, 62, 64, 200] {
            let text = |value: &str| format!("{}e[0m password={value}", "\\".repeat(count));
            let redacted = crate::redact::redact_str(&text("hunter2xK9")).into_owned();
            assert_eq!(redacted, text("[REDACTED_FIELD]"));
        }
    }

    #[test]
    fn colours_around_harmless_texts_stay() {
        leaves(&[
            "\x1b[1mpassword\x1b[0m: \x1b[31mrequired\x1b[0m",
            "\x1b[32m+ 12 tests passed\x1b[0m \x1b[2m(token count: 512)\x1b[0m",
            "colour = \"\\e[31m\"; reset = '\\033[0m'",
        ]);
    }
}
