//! A walk through a JSON text: which names stand over which values.
//!
//! The walk keeps its own stack, so that no depth can overflow the thread's, and takes cut texts as they are.

use crate::redact::class::{Class, MARK_START};
use crate::redact::engine::edit::{Edit, With, push};
use crate::redact::engine::frame::{Frame, Place, Shape, Start};
use crate::redact::engine::inside::{Findings, Inside};
use crate::redact::engine::memo::Key;
use crate::redact::engine::text;
use crate::redact::find::{assign, command};
use crate::redact::judge::{card, name, placeholder, value};
use crate::redact::kind::{Kind, Role};
use crate::redact::read::bytes::{self, at, part, run_end};
use crate::redact::read::masks::Masks;

/// Parsers refuse less; without a bound, a megabyte of brackets would take a hundred of memory.
const MAX_NESTING: usize = 512;
/// A longer name is none of a list.
const MAX_PLURAL: usize = 64;

/// The text is no JSON; how far it was is of no interest.
#[derive(Debug)]
pub(crate) struct NotJson;

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
    let (text, masks, to) = (walk.text, walk.masks, walk.to);
    let mut pos = from;
    loop {
        if named {
            pos = past_blanks(text, pos, to);
            if pos >= to {
                return Ok(());
            }
            if at(text, pos) != b'"' {
                return Err(NotJson);
            }
            let (end, escaped) = string_end(text, masks, pos + 1, to);
            key(inside, walk, pos + 1, end, escaped);
            pos = past_blanks(text, end + 1, to);
            if pos < to && at(text, pos) != b':' {
                return Err(NotJson);
            }
            pos += 1;
        }
        pos = past_blanks(text, pos, to);
        if pos >= to {
            return Ok(());
        }
        let kind = inside.findings().kind_of_value(walk);
        let start = pos;
        let byte = at(text, pos);
        match byte {
            b'"' => {
                let (end, escaped) = string_end(text, masks, start + 1, to);
                string(inside, walk, (start + 1, end), escaped, kind);
                inside
                    .findings()
                    .done(walk, (start + 1, end), Shape::String);
                pos = end + 1;
            }
            // A mark without quotes, of a text that was no JSON before.
            b'[' if part(text, pos, pos + 10) == MARK_START => return Err(NotJson),
            b'{' | b'[' if inside.findings().hides_whole(walk, pos, kind) => {
                pos = skip(text, masks, pos, to);
                if pos > start + 2 {
                    push(
                        &mut inside.findings().edits,
                        walk.floor,
                        Edit::value(start, pos, Class::Field.tag()),
                    );
                }
                inside.findings().done(walk, (pos, pos), Shape::Word);
            }
            b'{' | b'['
                if inside.findings().frames.len() >= walk.base + MAX_NESTING && !walk.users =>
            {
                pos = skip(text, masks, pos, to);
                deep(inside, walk, (start, pos));
                inside.findings().done(walk, (start, pos), Shape::Nested);
            }
            b'{' | b'[' => {
                inside.findings().open(walk, pos, kind);
                named = byte == b'{';
                pos = past_blanks(text, pos + 1, to);
                if at(text, pos) != if named { b'}' } else { b']' } {
                    continue;
                }
            }
            b'-' | b'0'..=b'9' => {
                pos = run_end(text, pos, to, |b| {
                    b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E')
                });
                inside.findings().number(walk, start, pos, kind);
                inside.findings().done(walk, (start, pos), Shape::Number);
            }
            b't' | b'f' | b'n' => {
                pos = run_end(text, pos, to, |b| b.is_ascii_lowercase());
                if !matches!(part(text, start, pos), b"true" | b"false" | b"null") && pos < to {
                    return Err(NotJson);
                }
                inside.findings().done(walk, (start, pos), Shape::Word);
            }
            _ => return Err(NotJson),
        }
        // Behind a value: what it is in ends, or goes on.
        named = loop {
            if pos >= to {
                return Ok(());
            }
            let values = walk.top.root == Some(Start::Values);
            match at(text, pos) {
                b',' if !values => {
                    pos += 1;
                    break !walk.top.array;
                }
                byte @ (b']' | b'}') => {
                    pos += 1;
                    inside.findings().close(walk, byte == b']', pos)?;
                }
                // One document per line.
                b'{' | b'[' if values && bytes::before(text, pos) == b'\n' => {
                    break false;
                }
                byte if is_blank(byte) => pos += 1,
                _ => return Err(NotJson),
            }
        };
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
    if walk.top.record {
        let about = name::about_record(part(walk.text, from, to));
        walk.top.kind_in_record = about.unwrap_or(Kind::Secret);
    }
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
    let role = role(part(walk.text, from, to));
    if let Some(key) = known.filter(|_| findings.edits.len() == floor) {
        findings.known.put(&key, findings.rules.id, kind, role);
    }
    (kind, role)
}

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
    // What a language model made, and how likely that was.
    if kind == Kind::Secret && name.of(walk.text) == b"token" {
        let next = past_blanks(walk.text, to + 1, walk.to.min(to + 16));
        let next = past_blanks(walk.text, next + 1, walk.to.min(next + 16));
        if bytes::rest(walk.text, next).starts_with(b"\"logprob\"") {
            return;
        }
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

impl Findings<'_> {
    /// What the name over the value that begins now says.
    #[inline]
    fn kind_of_value(&self, walk: &mut Walk<'_>) -> Kind {
        let top = &walk.top;
        if top.array {
            return top.kind;
        }
        if top.record && top.kind == Kind::Plain {
            return top.kind_in_record;
        }
        if top.about && top.kind.hides() || top.tokens && top.kind == Kind::Plain {
            return Kind::Maybe;
        }
        if top.role == Role::Value && top.kind == Kind::Plain {
            self.label(walk)
        } else {
            top.kind
        }
    }

    /// What the label in the innermost object says. It is judged here, since most `name`s label nothing.
    fn label(&self, walk: &mut Walk<'_>) -> Kind {
        let said = std::mem::take(&mut walk.top.said);
        if !said.is_empty() {
            let said = self.rules.judge(said.of(walk.text));
            // `{"type": "password", "name": "x"}`
            if said != Kind::Plain || !walk.top.label.hides() {
                walk.top.label = said;
            }
        }
        walk.top.label
    }

    /// Whether the object or array that begins at `pos` goes as a whole.
    #[inline]
    fn hides_whole(&self, walk: &Walk<'_>, pos: usize, kind: Kind) -> bool {
        kind.hides()
            && !walk.is_cookies(pos, kind)
            && !self.is_record(walk, pos)
            && !walk.describes(pos)
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
    fn open(&mut self, walk: &mut Walk<'_>, pos: usize, kind: Kind) {
        let array = at(walk.text, pos) == b'[';
        let cookies = walk.is_cookies(pos, kind);
        let record = kind.hides() && self.is_record(walk, pos);
        let outer = &walk.top;
        let inner = Frame {
            start: pos,
            array,
            schema: outer.role == Role::Schema,
            about: outer.role == Role::About || outer.about && array,
            tokens: !array && !outer.array && outer.name.of(walk.text) == b"tokens",
            cookies,
            list: array && kind == Kind::Plain && self.names_list(outer.name.of(walk.text)),
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
    fn close(&mut self, walk: &mut Walk<'_>, array: bool, end: usize) -> Result<(), NotJson> {
        if walk.top.array != array || walk.top.root.is_some() {
            return Err(NotJson);
        }
        let start = walk.top.start;
        walk.top = self.frames.pop().ok_or(NotJson)?;
        self.done(walk, (start, end), Shape::Nested);
        Ok(())
    }

    /// What stands around the innermost container, and what stands around that.
    fn outer(&self, walk: &Walk<'_>, back: usize) -> Option<&Frame> {
        let outer = self.frames.get(walk.base..)?;
        outer.get(outer.len().checked_sub(back)?)
    }

    /// What `key` means in an object that stands under `api`.
    fn kind_with_parent(&self, walk: &Walk<'_>) -> Kind {
        let parent = self
            .outer(walk, 1)
            .filter(|parent| !parent.array && !parent.schema && parent.role != Role::Schema);
        let Some(parent) = parent else {
            return Kind::Plain;
        };
        let name = parent.name.of(walk.text);
        if name.is_empty() || name.len() > 32 {
            Kind::Plain
        } else {
            // `{"cache": {"key": …}}`
            let kind = self.rules.judge(&[name, b"_key"].concat());
            if kind == Kind::Opaque {
                Kind::Plain
            } else {
                kind
            }
        }
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

    /// `name=value; Path=/`: the value of a cookie goes, if this is one.
    fn set_cookie(&mut self, walk: &Walk<'_>, (from, to): (usize, usize)) -> bool {
        let text = walk.text;
        let name = run_end(text, from, to, |b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'%')
        });
        if name == from || at(text, name) != b'=' {
            return false;
        }
        let end = run_end(text, name + 1, to, |b| b != b';');
        self.hide(walk, name + 1, end, Shape::String);
        true
    }

    /// Whether an array under this name holds secrets, if they look like some.
    fn names_list(&self, name: &[u8]) -> bool {
        let one = name.strip_suffix(b"s").filter(|_| name.len() <= MAX_PLURAL);
        one.is_some_and(|one| self.rules.judge(one).hides())
    }

    /// An element of such an array: it goes if it looks chosen; in `tokens`, which may be those of a language model, if
    /// it was made at random.
    fn item(&mut self, walk: &Walk<'_>, (from, to): (usize, usize)) -> bool {
        let owner = self
            .outer(walk, 1)
            .map_or(&b""[..], |outer| outer.name.of(walk.text));
        let item = part(walk.text, from, to);
        let hides = assign::is_item(item, owner != b"tokens")
            && !placeholder::has_mark(item)
            && !placeholder::is_placeholder(item);
        if hides {
            let edit = Edit::mark(from, to, Class::Field.tag());
            push(&mut self.edits, walk.floor, edit);
        }
        hides
    }

    /// `DB_PASSWORD=two words`: the value goes to the end of its string.
    fn variable(&mut self, walk: &Walk<'_>, (from, to): (usize, usize)) -> bool {
        let name = run_end(walk.text, from, to, bytes::is_token);
        let value = part(walk.text, name + 1, to);
        let hides = at(walk.text, name) == b'='
            && self.rules.judge(part(walk.text, from, name)).hides()
            && !value.is_empty()
            && !placeholder::has_mark(value)
            && !placeholder::is_placeholder(value);
        if hides {
            let edit = Edit::mark(name + 1, to, Class::Field.tag());
            push(&mut self.edits, walk.floor, edit);
        }
        hides
    }

    /// Hides the private numbers that stand before `end` in a JSON Web Key.
    fn key_parts(&mut self, walk: &Walk<'_>, end: usize) {
        let (text, masks) = (walk.text, walk.masks);
        let mut pos = walk.top.start + 1;
        // A key holds no objects, so every byte is read once for this.
        while pos < end && at(text, pos) != b'{' {
            if at(text, pos) != b'"' {
                pos += 1;
                continue;
            }
            let name = (pos + 1, string_end(text, masks, pos + 1, end).0);
            pos = past_blanks(text, name.1 + 1, end);
            if at(text, pos) != b':' {
                continue;
            }
            pos = past_blanks(text, pos + 1, end);
            if at(text, pos) == b'"' {
                let close = string_end(text, masks, pos + 1, end).0;
                if is_key_part(part(text, name.0, name.1)) {
                    self.hide(walk, pos + 1, close, Shape::String);
                }
                pos = close + 1;
            }
        }
    }

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
    #[inline]
    fn done(&mut self, walk: &mut Walk<'_>, range: (usize, usize), shape: Shape) {
        // Most members mean nothing to their neighbours.
        if walk.top.array {
            self.element(walk, range, shape);
        } else if walk.top.role != Role::Other {
            self.member(walk, range, shape);
        }
    }

    /// An element of an array: a name, the value of the one before it, or a cell of a sensitive column.
    fn element(&mut self, walk: &mut Walk<'_>, (from, to): (usize, usize), shape: Shape) {
        let content = part(walk.text, from, to);
        let (in_array, in_columns, columns) = match self.outer(walk, 1) {
            Some(parent) => (
                parent.array,
                !parent.array && parent.role == Role::Columns,
                self.outer(walk, 2)
                    .filter(|owner| parent.array && !owner.array)
                    .map_or(0, |owner| owner.columns)
                    | if parent.array { parent.columns } else { 0 },
            ),
            None => (false, false, 0),
        };
        let index = walk.top.items;
        walk.top.items += 1;
        if in_array && shape == Shape::String && self.heads(walk, index, (from, to)) {
            if let Some(rows) = self.frames.last_mut() {
                rows.columns |= 1 << index;
            }
            return;
        }
        if in_columns && shape == Shape::String {
            if index < 64
                && self.rules.judge(content).hides()
                && let Some(parent) = self.frames.last_mut()
            {
                parent.columns |= 1 << index;
            }
            return;
        }
        let previous = std::mem::take(&mut walk.top.label);
        let user = std::mem::take(&mut walk.top.user_next);
        if index < 64 && columns >> index & 1 == 1 {
            self.hide(walk, from, to, shape);
            return;
        }
        if shape != Shape::String {
            return;
        }
        // The lines of a key in armour.
        if content.starts_with(b"-----") {
            walk.top.armour = content.len() <= 64
                && content.starts_with(b"-----BEGIN")
                && content.ends_with(b"-----")
                && bytes::find(content, b"PRIVATE KEY").is_some();
        } else if walk.top.armour {
            let line = |b: &u8| bytes::is_token(*b) || matches!(b, b'+' | b'/' | b'=');
            walk.top.armour = content.iter().all(line) || placeholder::is_mark(content);
            if walk.top.armour {
                self.hide(walk, from, to, shape);
                return;
            }
        }
        // `-u user:password`
        if user
            && let Some(colon) = memchr::memchr(b':', content)
                .filter(|_| !content.iter().all(|b| b.is_ascii_digit() || *b == b':'))
        {
            let password = part(content, colon + 1, content.len());
            if !password.is_empty()
                && !placeholder::is_mark(password)
                && !placeholder::is_placeholder(password)
            {
                let edit = Edit::mark(from + colon + 1, to, Class::Field.tag());
                push(&mut self.edits, walk.floor, edit);
                return;
            }
        }
        walk.top.user_next = matches!(content, b"-u" | b"--user" | b"--proxy-user");
        if index == 0 && in_array || is_flag(content) || walk.top.turns && index & 1 == 0 {
            walk.top.label = self.rules.judge(content);
        }
        // `["redis-cli", "-a", "…"]`
        if index > 0
            && matches!(content, [b'-', option] if option.is_ascii_alphabetic())
            && let Some(tool) = walk.first(from, 64)
            && command::takes_secret(tool, content)
        {
            walk.top.label = Kind::Secret;
        }
        if previous.hides()
            && !content.is_empty()
            && !content.starts_with(b"-")
            && !placeholder::is_placeholder(content)
        {
            let edit = Edit::mark(from, to, Class::Field.tag());
            push(&mut self.edits, walk.floor, edit);
        }
    }

    /// Whether the cell of a row at `from..to` names a sensitive column, whose cells stand in the rows below.
    fn heads(&self, walk: &Walk<'_>, index: u32, (from, to): (usize, usize)) -> bool {
        let first = self.outer(walk, 1).is_some_and(|rows| rows.items == 0);
        if !first || !(1..64).contains(&index) || to - from > 24 {
            return false;
        }
        let content = part(walk.text, from, to);
        if content.first().is_none_or(|b| !b.is_ascii_alphabetic())
            || !self.rules.judge(content).hides()
        {
            return false;
        }
        // Of two columns the first has to say that it is one: `["grant_type", "password"]` is a name and its value.
        let Some(leading) = walk.first(from, 32) else {
            return false;
        };
        let next = past_blanks(walk.text, to + 1, walk.to.min(to + 16));
        let of_two = index == 1 && at(walk.text, next) != b',';
        !self.rules.judge(leading).hides()
            && (!of_two
                || [
                    &b"service"[..],
                    b"site",
                    b"user",
                    b"username",
                    b"login",
                    b"account",
                    b"host",
                    b"email",
                    b"system",
                ]
                .iter()
                .any(|known| leading.eq_ignore_ascii_case(known)))
    }

    /// A member of an object that says something about another, or is what another says something about.
    fn member(&mut self, walk: &mut Walk<'_>, (from, to): (usize, usize), shape: Shape) {
        let content = part(walk.text, from, to);
        let top = &mut walk.top;
        match top.role {
            Role::Label if top.cookies => {}
            Role::KeyPart | Role::Label
                if top.jwk && shape == Shape::String && is_key_part(top.name.of(walk.text)) =>
            {
                self.hide(walk, from, to, shape);
            }
            Role::KeyType if matches!(content, b"RSA" | b"EC" | b"OKP" | b"oct") && !top.jwk => {
                top.jwk = true;
                self.key_parts(walk, from);
            }
            Role::Label if shape == Shape::String => {
                top.said = Place::new(from, to);
                self.hide_labelled(walk);
            }
            Role::Kind if content == b"Secret" => {
                top.is_secret = true;
                let (from, to) = top.kubernetes.range();
                self.hide(walk, from, to, Shape::Nested);
            }
            Role::Element | Role::Type | Role::Kind | Role::Path if shape == Shape::String => {
                let names = match top.role {
                    Role::Type => {
                        content.eq_ignore_ascii_case(b"password")
                            || content.eq_ignore_ascii_case(b"secret")
                            || is_of_two(content)
                    }
                    Role::Kind => is_of_two(content),
                    Role::Path => top.patch && at(content, 0) == b'/',
                    _ => true,
                };
                if names && self.label(walk) == Kind::Plain {
                    walk.top.label = self.rules.judge(element(content));
                    self.hide_labelled(walk);
                }
            }
            Role::Operation => top.patch = true,
            Role::Typed if from < to && shape == Shape::String => {
                let word = !content.iter().any(u8::is_ascii_whitespace)
                    && content.iter().any(|b| !b.is_ascii_alphabetic());
                if word && self.label(walk).hides() {
                    self.hide(walk, from, to, shape);
                } else if word && walk.top.value.is_none() {
                    walk.top.value = Some((Place::new(from, to), shape));
                }
            }
            Role::Value if from < to => top.value = Some((Place::new(from, to), shape)),
            Role::Data if shape == Shape::Nested => {
                if top.is_secret {
                    self.hide(walk, from, to, Shape::Nested);
                } else {
                    top.kubernetes = Place::new(from, to);
                }
            }
            _ => {}
        }
    }

    /// Hides the value that stood before its name.
    fn hide_labelled(&mut self, walk: &mut Walk<'_>) {
        if let Some((place, shape)) = walk.top.value
            && self.label(walk).hides()
        {
            let (from, to) = place.range();
            self.hide(walk, from, to, shape);
        }
    }

    fn hide(&mut self, walk: &Walk<'_>, from: usize, to: usize, shape: Shape) {
        let content = part(walk.text, from, to);
        let edit = match shape {
            Shape::String
                if content.is_empty()
                    || placeholder::is_mark(content)
                    || placeholder::is_placeholder(content) =>
            {
                return;
            }
            Shape::Word => return,
            Shape::String => Edit::mark(from, to, Class::Field.tag()),
            Shape::Nested if content.len() <= 2 => return,
            Shape::Number | Shape::Nested => Edit::value(from, to, Class::Field.tag()),
        };
        // Only what was found inside of the value is swallowed.
        let Some(found) = self.edits.get(walk.floor..) else {
            return;
        };
        let first = walk.floor + found.partition_point(|edit| edit.start < from);
        let last = walk.floor + found.partition_point(|edit| edit.start < to);
        self.edits.drain(first..last);
        self.edits.insert(first, edit);
    }
}

impl<'a> Walk<'a> {
    /// The first element of the innermost array, if it is a string; at most so much of it, and nothing from `to` on.
    fn first(&self, to: usize, most: usize) -> Option<&'a [u8]> {
        let open = past_blanks(self.text, self.top.start + 1, to);
        let (close, _) = string_end(self.text, self.masks, open + 1, to.min(open + most));
        (at(self.text, open) == b'"').then(|| part(self.text, open + 1, close))
    }

    /// Whether a list of cookies begins at `pos`, or one of them.
    fn is_cookies(&self, pos: usize, kind: Kind) -> bool {
        let (text, top) = (self.text, &self.top);
        if top.array {
            return top.cookies && at(text, pos) == b'{';
        }
        let next = |from| past_blanks(text, from, self.to.min(pos + 32));
        kind == Kind::Secret
            && at(text, pos) == b'['
            && top.name.of(text).eq_ignore_ascii_case(b"set-cookie")
            || kind == Kind::Secrets
                && at(text, pos) == b'['
                && at(text, next(pos + 1)) == b'{'
                && top.name.of(text).ends_with(b"ookies")
    }

    /// Whether the object at `pos`, which stands under a sensitive name, is the description of a field.
    fn describes(&self, pos: usize) -> bool {
        // A reference to a secret is none.
        let begin = past_blanks(self.text, pos + 1, self.to.min(pos + 32));
        let refers = [
            &br#""$ref""#[..],
            br#""env""#,
            br#""valueFrom""#,
            br#""secretKeyRef""#,
            br#""secretRef""#,
            br#""fromSecret""#,
            br#""from_secret""#,
            br#""$exists""#,
            br#""$ne":null"#,
            br#""$ne": null"#,
        ]
        .iter()
        .any(|word| bytes::rest(self.text, begin).starts_with(word));
        if refers {
            return true;
        }
        // The token of a parser has a kind and a place.
        let name = self.top.name.of(self.text);
        let token = name.eq_ignore_ascii_case(b"token") || name.eq_ignore_ascii_case(b"tokens");
        if token
            && [&br#""kind""#[..], br#""type""#]
                .iter()
                .any(|word| bytes::rest(self.text, begin).starts_with(word))
        {
            let head = part(self.text, pos, (pos + 128).min(self.to));
            if [
                &br#""start""#[..],
                br#""line""#,
                br#""range""#,
                br#""loc""#,
                br#""pos""#,
                br#""span""#,
            ]
            .iter()
            .any(|word| memchr::memmem::find(head, word).is_some())
            {
                return true;
            }
        }
        if !self.top.schema {
            return false;
        }
        // Members that make a description stand near its start; looking further would let a hostile nesting
        // be read once per level.
        let head = part(self.text, pos, (pos + 256).min(self.to));
        [
            &br#""type""#[..],
            br#""$ref""#,
            br#""anyOf""#,
            br#""oneOf""#,
            br#""allOf""#,
            br#""enum""#,
            br#""description""#,
            br#""title""#,
        ]
        .iter()
        .any(|word| memchr::memmem::find(head, word).is_some())
    }
}

/// The private numbers of a JSON Web Key, by their names.
fn is_key_part(name: &[u8]) -> bool {
    matches!(name, b"d" | b"p" | b"q" | b"dp" | b"dq" | b"qi" | b"k")
}

/// Whether a kind of thing is named by two words or more, as secrets are and what parsers read is not: `api_key`.
fn is_of_two(kind: &[u8]) -> bool {
    memchr::memchr3(b'_', b'-', b' ', kind).is_some()
}

/// Whether an array under this name holds variables of an environment.
fn is_environment(name: &[u8]) -> bool {
    matches!(name.first(), Some(b'e' | b'E' | b'b' | b'v'))
        && [
            &b"env"[..],
            b"environment",
            b"envs",
            b"variables",
            b"buildargs",
            b"build_args",
        ]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether an argument is the name of an option, whose value comes next.
fn is_flag(argument: &[u8]) -> bool {
    argument.starts_with(b"-")
        && argument.len() < 64
        && argument.iter().all(|b| bytes::is_token(*b))
}

#[inline(always)]
fn past_blanks(text: &[u8], from: usize, to: usize) -> usize {
    if is_blank(at(text, from)) {
        run_end(text, from, to, is_blank)
    } else {
        from
    }
}

#[inline(always)]
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// Where a walk is.
struct Walk<'a> {
    text: &'a [u8],
    masks: &'a Masks,
    to: usize,
    base: usize,
    floor: usize,
    depth: u8,
    key_numbers: u32,
    /// Rules of the user see every string.
    users: bool,
    /// The innermost container, and around everything that is walked through: a value, or members of an object.
    top: Frame,
}

/// The end of the content of a string that begins at `from`, and whether there are escapes in it.
#[inline]
pub(crate) fn string_end(text: &[u8], masks: &Masks, from: usize, to: usize) -> (usize, bool) {
    let mut escaped = false;
    let mut pos = from;
    loop {
        pos = masks.next_end(pos, to);
        if pos >= to || at(text, pos) == b'"' {
            return (pos, escaped);
        }
        escaped = true;
        pos += 2;
        if pos >= to {
            return (to, true);
        }
    }
}

/// The end of the object or array that begins at `from`.
fn skip(text: &[u8], masks: &Masks, from: usize, to: usize) -> usize {
    let mut depth = 0usize;
    let mut pos = from;
    while pos < to {
        match at(text, pos) {
            b'"' => pos = string_end(text, masks, pos + 1, to).0,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return pos + 1;
                }
            }
            _ => {}
        }
        pos += 1;
    }
    to
}

/// The name in what a person calls an element of a page: `Password field`.
fn element(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    [
        &b" field"[..],
        b" input",
        b" textbox",
        b" text box",
        b" box",
        b" input field",
        b"Field",
        b"Input",
        b"-field",
        b"-input",
        b"_field",
        b"_input",
    ]
    .iter()
    .find_map(|tail| text.strip_suffix(*tail))
    .unwrap_or(text)
}

fn role(name: &[u8]) -> Role {
    let first = at(name, 0) | 0x20;
    if name.len() > 17
        || name.is_empty()
        || !matches!(
            first,
            b'n' | b'k'
                | b'h'
                | b'f'
                | b'v'
                | b'e'
                | b'p'
                | b'o'
                | b's'
                | b'l'
                | b'i'
                | b'a'
                | b'c'
                | b'd'
                | b't'
                | b'r'
                | b'm'
                | b'q'
                | b'$'
        )
    {
        return Role::Other;
    }
    let mut lower = [0u8; 20];
    for (slot, byte) in lower.iter_mut().zip(name) {
        *slot = byte.to_ascii_lowercase();
    }
    match part(&lower, 0, name.len()) {
        b"name" | b"key" | b"header" | b"field" | b"variable" | b"var" | b"env" | b"param"
        | b"parameter" | b"k" | b"parameterkey" | b"parametername" | b"headername"
        | b"fieldname" | b"property" | b"attribute" | b"optionname" | b"setting" | b"envvar"
        | b"keyname" | b"label" | b"id" | b"option" | b"variable_name" | b"variablename"
        | b"secretname" | b"secret_name" | b"env_name" | b"envname" | b"parameter_name"
        | b"header_name" | b"field_name" | b"attributename" => Role::Label,
        b"value" | b"val" | b"v" | b"values" | b"parametervalue" | b"headervalue"
        | b"fieldvalue" | b"content" | b"stringvalue" | b"secretstring" | b"defaultvalue"
        | b"optionvalue" | b"newvalue" | b"oldvalue" | b"variable_value" | b"variablevalue"
        | b"secretvalue" | b"secret_value" | b"env_value" | b"envvalue" | b"parameter_value"
        | b"header_value" | b"field_value" | b"attributevalue" | b"data"
            if name != b"data" =>
        {
            Role::Value
        }
        b"element" | b"selector" | b"locator" | b"placeholder" | b"arialabel" | b"aria-label" => {
            Role::Element
        }
        b"text" => Role::Typed,
        b"type" => Role::Type,
        b"op" => Role::Operation,
        b"path" => Role::Path,
        b"errors" | b"error" | b"validation" | b"validations" | b"messages" | b"labels"
        | b"translations" | b"i18n" | b"projection" | b"orderby" | b"order_by" | b"sort"
        | b"permissions" | b"placeholders" | b"hints" | b"tooltips" | b"rules" | b"constraints"
        | b"securityschemes" => Role::About,
        b"kind" => Role::Kind,
        b"kty" => Role::KeyType,
        b"d" | b"p" | b"q" | b"dp" | b"dq" | b"qi" => Role::KeyPart,
        b"rawheaders" | b"raw_headers" | b"rawtrailers" => Role::Turns,
        b"data" | b"stringdata" => Role::Data,
        b"columns" | b"fields" | b"headers" | b"column_names" | b"columnnames" => Role::Columns,
        b"properties" | b"$defs" | b"definitions" | b"patternproperties" | b"schema"
        | b"schemas" => Role::Schema,
        _ => Role::Other,
    }
}
