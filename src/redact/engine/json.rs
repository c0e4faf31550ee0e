//! A walk through a JSON text: which names stand over which values.
//!
//! The walk keeps its own stack, so that no depth can overflow the thread's, and takes cut texts as they are.

use crate::redact::catalogue::roles::role;
use crate::redact::catalogue::{names, speech};
use crate::redact::class::{Class, MARK_START};
use crate::redact::engine::edit::{Edit, With, push};
use crate::redact::engine::element::is_environment;
use crate::redact::engine::frame::{Frame, Place, Shape, Start};
use crate::redact::engine::inside::{Findings, Inside};
use crate::redact::engine::memo::Key;
use crate::redact::engine::text;
use crate::redact::engine::walk::{NotJson, Walk, is_blank, past_blanks, skip, string_end};
use crate::redact::judge::{card, name, value};
use crate::redact::kind::{Kind, Role};
use crate::redact::read::bytes::{self, at, part, run_end};
use crate::redact::read::masks::Masks;

/// Parsers refuse less; without a bound, a megabyte of brackets would take a hundred of memory.
const MAX_NESTING: usize = 512;

/// Walks through `text[from..to]` and adds what it finds to the edits.
pub(crate) fn walk<'r>(
    inside: &mut impl Inside<'r>,
    text: &[u8],
    masks: &Masks,
    (from, to): (usize, usize),
    start: Start,
    depth: u8,
) -> Result<(), NotJson> {
    if u32::try_from(text.len()).is_err() {
        return Err(NotJson);
    }
    let findings = inside.findings();
    let mut walk = Walk {
        text,
        masks,
        to,
        base: findings.frames.len(),
        floor: findings.edits.len(),
        depth,
        key_numbers: 0,
        users: findings.rules.is_users(),
        top: Frame {
            root: Some(start),
            ..Frame::default()
        },
    };
    let outcome = steps(inside, &mut walk, from, start == Start::Members);
    inside.findings().frames.truncate(walk.base);
    outcome
}

/// From member to member and value to value; `named`: the next is a member, with its name.
fn steps<'r>(
    inside: &mut impl Inside<'r>,
    walk: &mut Walk<'_>,
    from: usize,
    mut named: bool,
) -> Result<(), NotJson> {
    let mut pos = from;
    loop {
        if named {
            pos = member(inside, walk, pos)?;
        }
        pos = past_blanks(walk.text, pos, walk.to);
        if pos >= walk.to {
            return Ok(());
        }
        let (end, begun) = any(inside, walk, pos)?;
        pos = end;
        named = match begun {
            Some(is_object) => is_object,
            None => match behind(inside, walk, &mut pos)? {
                Some(is_member) => is_member,
                None => return Ok(()),
            },
        };
    }
}

/// The name of a member; returns where its value may begin.
#[inline(always)]
fn member<'r>(
    inside: &mut impl Inside<'r>,
    walk: &mut Walk<'_>,
    from: usize,
) -> Result<usize, NotJson> {
    let (text, masks, to) = (walk.text, walk.masks, walk.to);
    let open = past_blanks(text, from, to);
    if open >= to {
        return Ok(to);
    }
    if at(text, open) != b'"' {
        return Err(NotJson);
    }
    let (end, escaped) = string_end(text, masks, open + 1, to);
    key(inside, walk, open + 1, end, escaped);
    let colon = past_blanks(text, end + 1, to);
    if colon < to && at(text, colon) != b':' {
        return Err(NotJson);
    }
    Ok(colon + 1)
}

/// Any value; returns where it ends, or where the first in it begins and whether that is a member, with its name.
#[inline(always)]
fn any<'r>(
    inside: &mut impl Inside<'r>,
    walk: &mut Walk<'_>,
    start: usize,
) -> Result<(usize, Option<bool>), NotJson> {
    let (text, masks, to) = (walk.text, walk.masks, walk.to);
    let kind = inside.findings().kind_of_value(walk);
    match at(text, start) {
        b'"' => {
            let (end, escaped) = string_end(text, masks, start + 1, to);
            string(inside, walk, (start + 1, end), escaped, kind);
            inside
                .findings()
                .done(walk, (start + 1, end), Shape::String);
            Ok((end + 1, None))
        }
        // A mark without quotes, of a text that was no JSON before.
        b'[' if part(text, start, start + 10) == MARK_START => Err(NotJson),
        b'{' | b'[' => Ok(container(inside, walk, start, kind)),
        b'-' | b'0'..=b'9' => {
            let end = run_end(text, start, to, |b| {
                b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E')
            });
            inside.findings().number(walk, start, end, kind);
            inside.findings().done(walk, (start, end), Shape::Number);
            Ok((end, None))
        }
        b't' | b'f' | b'n' => {
            let end = run_end(text, start, to, |b| b.is_ascii_lowercase());
            if !matches!(part(text, start, end), b"true" | b"false" | b"null") && end < to {
                return Err(NotJson);
            }
            inside.findings().done(walk, (start, end), Shape::Word);
            Ok((end, None))
        }
        _ => Err(NotJson),
    }
}

/// An object or array: it goes as a whole, is too deep to be walked through, or begins.
#[inline(always)]
fn container<'r>(
    inside: &mut impl Inside<'r>,
    walk: &mut Walk<'_>,
    start: usize,
    kind: Kind,
) -> (usize, Option<bool>) {
    let findings = inside.findings();
    if findings.hides_whole(walk, start, kind) {
        let end = skip(walk.text, walk.masks, start, walk.to);
        if end > start + 2 {
            let edit = Edit::value(start, end, Class::Field.tag());
            push(&mut findings.edits, walk.floor, edit);
        }
        findings.done(walk, (end, end), Shape::Word);
        return (end, None);
    }
    if findings.frames.len() >= walk.base + MAX_NESTING && !walk.users {
        let end = skip(walk.text, walk.masks, start, walk.to);
        deep(inside, walk, (start, end));
        inside.findings().done(walk, (start, end), Shape::Nested);
        return (end, None);
    }
    findings.open(walk, start, kind);
    let is_object = at(walk.text, start) == b'{';
    let first = past_blanks(walk.text, start + 1, walk.to);
    let is_empty = at(walk.text, first) == if is_object { b'}' } else { b']' };
    (first, (!is_empty).then_some(is_object))
}

/// Behind a value: what it is in ends, or goes on with what `pos` is moved to, and that is a member or not. Nothing
/// where the text ends.
#[inline(always)]
fn behind<'r>(
    inside: &mut impl Inside<'r>,
    walk: &mut Walk<'_>,
    pos: &mut usize,
) -> Result<Option<bool>, NotJson> {
    let (text, to) = (walk.text, walk.to);
    loop {
        if *pos >= to {
            return Ok(None);
        }
        let values = walk.top.root == Some(Start::Values);
        match at(text, *pos) {
            b',' if !values => {
                *pos += 1;
                return Ok(Some(!walk.top.array));
            }
            byte @ (b']' | b'}') => {
                *pos += 1;
                inside.findings().close(walk, byte == b']', *pos)?;
            }
            // One document per line.
            b'{' | b'[' if values && bytes::before(text, *pos) == b'\n' => {
                return Ok(Some(false));
            }
            byte if is_blank(byte) => *pos += 1,
            _ => return Err(NotJson),
        }
    }
}

/// What is nested too deep to be walked through is read as text, and goes whole if there is anything in it.
fn deep<'r>(inside: &mut impl Inside<'r>, walk: &Walk<'_>, (from, to): (usize, usize)) {
    let floor = inside.findings().edits.len();
    text::scan(
        inside,
        walk.text,
        walk.masks,
        (from, to),
        Kind::Plain,
        walk.depth,
    );
    let edits = &mut inside.findings().edits;
    let found = edits.get(floor).and_then(Edit::tag);
    edits.truncate(floor);
    if let Some(tag) = found {
        push(edits, walk.floor, Edit::value(from, to, tag));
    }
}

/// The name of a member: what it says of the value that comes, and of the members beside it.
fn key<'r>(
    inside: &mut impl Inside<'r>,
    walk: &mut Walk<'_>,
    from: usize,
    to: usize,
    escaped: bool,
) {
    let known = if escaped || walk.users {
        None
    } else {
        Key::of(walk.text, from, to)
    };
    walk.top.name = Place::new(from, to);
    let findings = inside.findings();
    let said = known.and_then(|key| findings.known.get(&key, findings.rules.id));
    let (kind, role) = match said {
        Some(said) => said,
        None => judge_key(inside, walk, (from, to), escaped, known),
    };
    let is_key = || part(walk.text, from, to) == b"key";
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
    known: Option<Key>,
) -> (Kind, Role) {
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
        walk.masks,
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
        findings.known.put(&key, findings.rules.id, kind, role);
    }
    (kind, role)
}

/// A string that is a value: it goes whole where its name says so, or is read.
fn string<'r>(
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
    if kind == Kind::Plain && !escaped && !walk.users && walk.masks.next_candidate(from, to) == to {
        return;
    }
    let content = part(walk.text, from, to);
    let name = walk.top.name;
    if kind == Kind::Secret
        && name.of(walk.text).eq_ignore_ascii_case(b"set-cookie")
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
    if kind == Kind::Secret && name.of(walk.text) == b"token" && is_of_model(walk, to) {
        return;
    }
    if kind != Kind::Plain && value::goes(content, kind, name.of(walk.text)) {
        push(
            &mut inside.findings().edits,
            walk.floor,
            Edit::mark(from, to, Class::Field.tag()),
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
        walk.masks,
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
        && !walk.top.name.of(walk.text).ends_with(b"ookies")
}

/// Whether what ends at `to` is a piece of what a language model made, beside how likely that was.
fn is_of_model(walk: &Walk<'_>, to: usize) -> bool {
    let next = past_blanks(walk.text, to + 1, walk.to.min(to + 16));
    let next = past_blanks(walk.text, next + 1, walk.to.min(next + 16));
    bytes::rest(walk.text, next).starts_with(b"\"logprob\"")
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
                let (end, _) = string_end(walk.text, walk.masks, first + 1, limit);
                let value = past_blanks(walk.text, end + 2, walk.to.min(end + 32));
                name::about_record(part(walk.text, first + 1, end)).is_some()
                    || matches!(at(walk.text, value), b't' | b'f')
            }
        };
        walk.top.array || (name::may_have_records(name) || described()) && !self.rules.denies(name)
    }

    /// An object or array begins at `pos`.
    #[inline(always)]
    fn open(&mut self, walk: &mut Walk<'_>, pos: usize, kind: Kind) {
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
            tokens: !array && !outer.array && outer.name.of(walk.text) == b"tokens",
            cookies,
            list: array
                && (kind == Kind::Plain && outer.role == Role::Items || is_list(walk, pos, kind)),
            record: !array && record && !walk.describes(pos),
            turns: array && outer.role == Role::Turns,
            variables: array && is_environment(outer.name.of(walk.text)),
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
    fn close(&mut self, walk: &mut Walk<'_>, array: bool, end: usize) -> Result<(), NotJson> {
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
    fn number(&mut self, walk: &Walk<'_>, from: usize, to: usize, kind: Kind) {
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
            push(
                &mut self.edits,
                walk.floor,
                Edit::value(from, to, class.tag()),
            );
        }
    }

    /// A value is complete: members of name/value pairs are put together.
    #[inline(always)]
    fn done(&mut self, walk: &mut Walk<'_>, range: (usize, usize), shape: Shape) {
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
    use super::*;
    use crate::redact::engine::Engine;
    use crate::redact::rule_set::RuleSet;

    /// Where the walk hides something, or nothing if the text is no JSON.
    fn walked(text: &str, start: Start) -> Option<Vec<&str>> {
        let rules = RuleSet::default();
        Engine::with(&rules, |engine, masks| {
            masks.fill(text.as_bytes());
            let all = (0, text.len());
            walk(engine, text.as_bytes(), masks, all, start, 0).ok()?;
            assert!(engine.findings.frames.is_empty(), "{text}");
            let edits = engine.findings.edits.iter();
            Some(
                edits
                    .map(|edit| text.get(edit.start..edit.end).unwrap())
                    .collect(),
            )
        })
    }

    #[test]
    fn json_is_told_from_other_texts() {
        for text in [
            "",
            " {} ",
            "[1, -2.5e+3, true, null, \"x\", {\"a\": []}]",
            "{\"a\":1}\n{\"a\":2}\n",
            // Cut anywhere.
            "{\"a\":[1,{\"b\":\"c",
            "{\"a",
            "{\"a\":",
            "[tr",
        ] {
            assert_eq!(walked(text, Start::Values), Some(vec![]), "{text}");
        }
        for text in [
            "{a:1}",
            "{\"a\" 1}",
            "[1}",
            "[1]]",
            "{\"a\":1} {\"a\":2}",
            "[truth]",
            "[1 2]",
            "[[REDACTED_FIELD]]",
        ] {
            assert_eq!(walked(text, Start::Values), None, "{text}");
        }
    }

    #[test]
    fn members_need_no_object_around_them() {
        let members = "\"a\":1,\"pin\":\"x\",\"password\":\"hunter2\"";
        assert_eq!(walked(members, Start::Members), Some(vec!["hunter2"]));
        assert_eq!(walked("1", Start::Members), None);
        assert_eq!(walked("\"a\":1}", Start::Members), None);
    }

    #[test]
    fn what_stands_under_a_sensitive_name_goes_as_it_is_written() {
        for (text, hidden) in [
            (r#"{"password":"a\"b"}"#, vec![r#"a\"b"#]),
            (r#"{"password":12345}"#, vec!["12345"]),
            (r#"{"password":["a","b"],"n":1}"#, vec![r#"["a","b"]"#]),
            (r#"{"password":{"value":[{}]}}"#, vec![r#"{"value":[{}]}"#]),
            (r#"{"passwords":["hunter2!x","no"]}"#, vec!["hunter2!x"]),
            (r#"{"p\u0061ssword":"x1","password":null}"#, vec!["x1"]),
            (r#"{"password":true,"note":"x"}"#, vec![]),
        ] {
            assert_eq!(walked(text, Start::Values), Some(hidden), "{text}");
        }
    }

    #[test]
    fn a_name_says_the_same_the_second_time() {
        let text =
            r#"[{"api_keys":["zX9kQ2mW7vB4"]},{"api_keys":["zX9kQ2mW7vB4"]},{"day_keys":["x"]}]"#;
        let hidden = walked(text, Start::Values).unwrap();
        assert_eq!(hidden.len(), 2, "{hidden:?}");
        assert_eq!(hidden[0], hidden[1]);
    }
}
