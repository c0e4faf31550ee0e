//! What is made of each name, value and container of JSON, in their order: which names stand over which values.
//!
//! A walk through a text (`json`) and the tokens that were kept while an event was written (`replay`) bring them here.

use crate::redact::catalogue::roles::{self, role};
use crate::redact::catalogue::{headers, names, speech};
use crate::redact::class::{Class, MARK_START};
use crate::redact::engine::edit::{Edit, With, push};
use crate::redact::engine::frame::{Frame, Place, Shape};
use crate::redact::engine::inside::{Findings, Inside};
use crate::redact::engine::memo::Key;
use crate::redact::engine::text;
use crate::redact::engine::walk::{NotJson, Walk, closing_quote, past_blanks};
use crate::redact::judge::{card, name, value};
use crate::redact::kind::{Kind, Role};
use crate::redact::read::bytes::{self, at, part};

/// Parsers refuse less; without a bound, a megabyte of brackets would take a hundred of memory.
const MAX_NESTING: usize = 512;

/// An object or array begins at `start`. Returns where it ends, if it goes as a whole or is too deep to be walked
/// through.
#[inline(always)]
pub(crate) fn container<'r>(
    inside: &mut impl Inside<'r>,
    walk: &mut Walk<'_>,
    start: usize,
    kind: Kind,
    end: impl FnOnce() -> usize,
) -> Option<usize> {
    let findings = inside.findings();
    if findings.hides_whole(walk, start, kind) {
        let end = end();
        if end > start + 2 {
            let edit = Edit::value(start, end, Class::Field.tag());
            push(findings.edits, walk.floor, edit);
        }
        findings.done(walk, (end, end), Shape::Word);
        return Some(end);
    }
    if findings.frames.len() >= walk.base + MAX_NESTING && !walk.users {
        let end = end();
        deep(inside, walk, (start, end));
        inside.findings().done(walk, (start, end), Shape::Nested);
        return Some(end);
    }
    findings.open(walk, start, kind);
    None
}

/// What is nested too deep to be walked through is read as text, and goes whole if there is anything in it.
fn deep<'r>(inside: &mut impl Inside<'r>, walk: &mut Walk<'_>, (from, to): (usize, usize)) {
    let floor = inside.findings().edits.len();
    text::scan(
        inside,
        walk.text,
        &walk.looks.at(walk.text, (from, to)),
        (from, to),
        Kind::Plain,
        walk.depth,
    );
    let findings = inside.findings();
    let found = findings.edits.get(floor).and_then(Edit::tag);
    findings.edits.truncate(floor);
    if let Some(tag) = found {
        push(findings.edits, walk.floor, Edit::value(from, to, tag));
    }
}

/// What a name without escapes says, if that is known.
#[inline(always)]
pub(crate) fn said(
    findings: &Findings<'_>,
    walk: &Walk<'_>,
    (from, to): (usize, usize),
) -> Option<(Kind, Role)> {
    let key = Key::of(walk.text, from, to).filter(|_| !walk.users)?;
    findings.known.get(&key, findings.rules.id)
}

/// The name of a member: what it says of the value that comes, and of the members beside it. `said` is what is known of
/// it.
#[inline(always)]
pub(crate) fn key<'r>(
    inside: &mut impl Inside<'r>,
    walk: &mut Walk<'_>,
    (from, to): (usize, usize),
    escaped: bool,
    said: Option<(Kind, Role)>,
) {
    walk.top.name = Place::new(from, to);
    let (kind, role) = match said {
        Some(said) => said,
        None => judge_key(inside, walk, (from, to), escaped),
    };
    let is_key = || roles::is_key(part(walk.text, from, to));
    walk.top.role = role;
    walk.top.kind = if kind == Kind::Plain && role == Role::Label && is_key() {
        inside.findings().kind_with_parent(walk)
    } else {
        kind
    };
    if kind == Kind::Maybe && is_password_of_user(walk, (from, to)) {
        walk.top.kind = Kind::Secret;
    }
    if walk.top.record {
        let about = name::about_record(part(walk.text, from, to));
        walk.top.kind_in_record = about.unwrap_or(Kind::Secret);
    }
}

/// Whether a short name is that of a password, since a user stands before it: `{"login": "bob", "pass": "…"}`.
#[cold]
fn is_password_of_user(walk: &Walk<'_>, (from, to): (usize, usize)) -> bool {
    let floor = walk.top.start.max(from.saturating_sub(96));
    names::is_pass(part(walk.text, from, to))
        && speech::names_user(part(walk.text, floor, from.saturating_sub(1)))
}

/// What a name says that is not known, and what stands in it.
#[cold]
fn judge_key<'r>(
    inside: &mut impl Inside<'r>,
    walk: &mut Walk<'_>,
    (from, to): (usize, usize),
    escaped: bool,
) -> (Kind, Role) {
    // A name that is known is written as it is, so it must need no escape.
    let is_plain = !escaped && !part(walk.text, from, to).iter().any(u8::is_ascii_control);
    let known = Key::of(walk.text, from, to).filter(|_| is_plain && !walk.users);
    let findings = inside.findings();
    let floor = findings.edits.len();
    let kind = if escaped {
        let mut pair = findings.take();
        pair.0.json(walk.text, from, to);
        let kind = findings.rules.judge(&pair.0.text);
        findings.give(pair);
        kind
    } else {
        findings.rules.judge(part(walk.text, from, to))
    };
    inside.string(
        walk.text,
        &walk.looks.at(walk.text, (from, to)),
        (from, to),
        escaped,
        Kind::Plain,
        walk.depth,
        true,
    );
    let findings = inside.findings();
    if findings.edits.len() > floor {
        findings.number_key(walk, floor);
    }
    let name = part(walk.text, from, to);
    let role = if kind == Kind::Plain && findings.names_list(name) {
        Role::Items
    } else {
        role(name)
    };
    if let Some(key) = known.filter(|_| findings.edits.len() == floor) {
        let interest = roles::interest(name, kind, role);
        findings
            .known
            .put(&key, findings.rules.id, (kind, role), interest);
    }
    (kind, role)
}

/// A string that is a value: it goes whole where its name says so, or is read.
#[inline(always)]
pub(crate) fn string<'r>(
    inside: &mut impl Inside<'r>,
    walk: &mut Walk<'_>,
    (from, to): (usize, usize),
    escaped: bool,
    kind: Kind,
) {
    if walk.top.cookies && walk.top.array && inside.findings().set_cookie(walk, (from, to)) {
        return;
    }
    // Most strings have nothing that a rule could begin with.
    if kind == Kind::Plain && !escaped && !walk.users && walk.is_quiet(from, to) {
        return;
    }
    let content = part(walk.text, from, to);
    let name = walk.top.name;
    if kind == Kind::Secret
        && roles::sets_cookies(name.of(walk.text))
        && inside.findings().set_cookie(walk, (from, to))
    {
        return;
    }
    if walk.top.variables && inside.findings().variable(walk, (from, to)) {
        return;
    }
    if walk.top.list && walk.top.array && inside.findings().item(walk, (from, to)) {
        return;
    }
    if kind == Kind::Secret && roles::is_piece(name.of(walk.text)) && is_of_model(walk, to) {
        return;
    }
    if kind != Kind::Plain && value::goes(content, kind, name.of(walk.text)) {
        // `"Authorization": "Bearer …"`
        let scheme = if headers::is_authorization(name.of(walk.text)) {
            headers::scheme_len(content)
        } else {
            0
        };
        push(
            inside.findings().edits,
            walk.floor,
            Edit::mark(from + scheme, to, Class::Field.tag()),
        );
        return;
    }
    // An id that looks like a card stays, and only digits can.
    let digits = content.len() >= 13 && content.iter().all(|b| b.is_ascii_digit());
    let kind = if kind == Kind::Plain && digits && name::is_id(name.of(walk.text)) {
        Kind::Id
    } else {
        kind
    };
    inside.string(
        walk.text,
        &walk.looks.at(walk.text, (from, to)),
        (from, to),
        escaped,
        kind,
        walk.depth,
        false,
    );
}

/// Whether a list of texts under the plural of secrets begins at `pos`: each is one or is none. Cookies have their values
/// behind their names.
fn is_list(walk: &Walk<'_>, pos: usize, kind: Kind) -> bool {
    kind == Kind::Secrets
        && at(walk.text, pos) == b'['
        && at(
            walk.text,
            past_blanks(walk.text, pos + 1, walk.to.min(pos + 32)),
        ) == b'"'
        && !roles::names_cookies(walk.top.name.of(walk.text))
}

/// Whether what ends at `to` is a piece of what a language model made, beside how likely that was.
fn is_of_model(walk: &Walk<'_>, to: usize) -> bool {
    let next = past_blanks(walk.text, to + 1, walk.to.min(to + 16));
    let next = past_blanks(walk.text, next + 1, walk.to.min(next + 16));
    bytes::rest(walk.text, next).starts_with(roles::HOW_LIKELY)
}

impl Findings<'_> {
    /// Whether the object or array that begins at `pos` goes as a whole.
    #[inline]
    fn hides_whole(&self, walk: &Walk<'_>, pos: usize, kind: Kind) -> bool {
        kind.hides()
            && !walk.is_cookies(pos, kind)
            && !self.is_record(walk, pos)
            && !walk.describes(pos)
            && !is_list(walk, pos, kind)
    }

    /// Whether the record of a secret begins at `pos`, or a list of such; other lists go as a whole. What stands
    /// under the name of a password, or one that the user denied, goes as a whole, too.
    fn is_record(&self, walk: &Walk<'_>, pos: usize) -> bool {
        let mut begin = pos;
        if at(walk.text, pos) == b'[' {
            begin = past_blanks(walk.text, pos + 1, walk.to.min(pos + 32));
        }
        if at(walk.text, begin) != b'{' {
            return false;
        }
        let name = walk.top.name.of(walk.text);
        // `"password": {"minLength": 8}`
        let described = || {
            let first = past_blanks(walk.text, begin + 1, walk.to.min(begin + 32));
            let limit = walk.to.min(first + 64);
            at(walk.text, first) == b'"' && {
                let end = closing_quote(walk.text, first + 1, limit);
                let value = past_blanks(walk.text, end + 2, walk.to.min(end + 32));
                name::about_record(part(walk.text, first + 1, end)).is_some()
                    || matches!(at(walk.text, value), b't' | b'f')
            }
        };
        walk.top.array || (name::may_have_records(name) || described()) && !self.rules.denies(name)
    }

    /// An object or array begins at `pos`.
    #[inline(always)]
    pub(crate) fn open(&mut self, walk: &mut Walk<'_>, pos: usize, kind: Kind) {
        let array = at(walk.text, pos) == b'[';
        // Hardly any container is one of cookies, and these two say so of the others.
        let cookies = (walk.top.cookies || kind.hides()) && walk.is_cookies(pos, kind);
        let record = kind.hides() && self.is_record(walk, pos);
        let outer = &walk.top;
        let inner = Frame {
            start: pos,
            array,
            schema: outer.role == Role::Schema,
            about: outer.role == Role::About || outer.about && array,
            tokens: !array && !outer.array && roles::is_tokens(outer.name.of(walk.text)),
            cookies,
            list: array
                && (kind == Kind::Plain && outer.role == Role::Items || is_list(walk, pos, kind)),
            record: !array && record && !walk.describes(pos),
            turns: array && outer.role == Role::Turns,
            variables: array && roles::is_environment(outer.name.of(walk.text)),
            label: if cookies && !array {
                Kind::Secret
            } else {
                Kind::Plain
            },
            // `"auth": ["user", "…"]`
            kind: if array && !cookies && (matches!(kind, Kind::Maybe | Kind::Handle) || record) {
                kind
            } else {
                Kind::Plain
            },
            ..Frame::default()
        };
        self.frames.push(std::mem::replace(&mut walk.top, inner));
    }

    /// The object or array that ends before `end` is complete.
    #[inline(always)]
    pub(crate) fn close(
        &mut self,
        walk: &mut Walk<'_>,
        array: bool,
        end: usize,
    ) -> Result<(), NotJson> {
        if walk.top.array != array || walk.top.root.is_some() {
            return Err(NotJson);
        }
        let start = walk.top.start;
        walk.top = self.frames.pop().ok_or(NotJson)?;
        self.done(walk, (start, end), Shape::Nested);
        Ok(())
    }

    /// Gives a redacted key a number of its own.
    fn number_key(&mut self, walk: &mut Walk<'_>, index: usize) {
        if walk.key_numbers == 0 {
            // Keys which were redacted before may stand in the same object.
            walk.key_numbers = memchr::memmem::find_iter(walk.text, MARK_START).count() as u32;
        }
        walk.key_numbers += 1;
        let next = walk.key_numbers;
        if let Some(Edit {
            with: With::Mark { number, .. },
            ..
        }) = self.edits.get_mut(index)
        {
            *number = next;
        }
    }

    #[inline(always)]
    pub(crate) fn number(&mut self, walk: &Walk<'_>, from: usize, to: usize, kind: Kind) {
        let digits = part(walk.text, from, to);
        let class = match kind {
            // One digit is a switch: `"password": 0` of a projection.
            Kind::Secret
                if digits.len() > 1
                    && !value::is_token_of_other_kind(digits, walk.top.name.of(walk.text)) =>
            {
                Some(Class::Field)
            }
            Kind::Pin
                if (4..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) =>
            {
                Some(Class::Field)
            }
            Kind::Phone
                if (7..=15).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) =>
            {
                Some(Class::Phone)
            }
            _ if digits.len() >= 13 => {
                let id = name::is_id(walk.top.name.of(walk.text));
                (!id && card::is_card(digits)).then_some(Class::Card)
            }
            _ => None,
        };
        if let Some(class) = class
            && self.rules.is_on(class)
        {
            push(self.edits, walk.floor, Edit::value(from, to, class.tag()));
        }
    }

    /// A value is complete: members of name/value pairs are put together.
    #[inline(always)]
    pub(crate) fn done(&mut self, walk: &mut Walk<'_>, range: (usize, usize), shape: Shape) {
        // Most members mean nothing to their neighbours.
        if walk.top.array {
            self.element(walk, range, shape);
        } else if walk.top.role != Role::Other {
            self.member(walk, range, shape);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::redact::tests::{leaves, redacts};

    #[test]
    fn a_scheme_stays_before_what_it_leads_to() {
        redacts(&[
            (
                r#"{"Authorization":"Bearer kT7vq2mZx9Lw"}"#,
                r#"{"Authorization":"Bearer [REDACTED_FIELD]"}"#,
            ),
            (
                r#"{"authorization":"kT7vq2mZx9Lw"}"#,
                r#"{"authorization":"[REDACTED_FIELD]"}"#,
            ),
            (
                r#"{"password":"basic harbour 12"}"#,
                r#"{"password":"[REDACTED_FIELD]"}"#,
            ),
        ]);
    }

    #[test]
    fn a_number_goes_by_its_name_or_as_a_card() {
        redacts(&[
            (r#"{"pin":4821}"#, r#"{"pin":"[REDACTED_FIELD]"}"#),
            (
                r#"{"paid_with":4111111111111111}"#,
                r#"{"paid_with":"[REDACTED_CARD]"}"#,
            ),
        ]);
        leaves(&[
            r#"{"password":0,"pins":4821}"#,
            r#"{"order_id":4111111111111111}"#,
        ]);
    }

    #[test]
    fn what_is_too_deep_to_be_walked_through_goes_whole_if_anything_is_in_it() {
        let nested = |inner: &str| format!("{}{inner}{}", "[".repeat(600), "]".repeat(600));
        let redacted = crate::redact::redact_str(&nested("\"ann@example.com\"")).into_owned();
        assert!(redacted.contains("[REDACTED_EMAIL]"), "{redacted}");
        let harmless = nested("1");
        leaves(&[&harmless]);
    }
}
