//! A walk through a JSON text: which names stand over which values.
//!
//! The walk keeps its own stack, so that no depth can overflow the thread's, and takes cut texts as they are.

use super::bytes::{at, part, run_end};
use super::class::{Class, MARK_START};
use super::edit::{Edit, With, push};
use super::engine::Engine;
use super::known::Key;
use super::names::{self, Kind};
use super::scan::Masks;
use super::values;

/// The text is no JSON; how far it was is of no interest.
#[derive(Debug)]
pub(super) struct NotJson;

/// An object or array that is not closed yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frame {
    start: usize,
    array: bool,
    /// What stands around everything that is walked through: a value, or members of an object.
    root: Option<Start>,
    /// The object describes fields: its members are named like secrets and hold none.
    schema: bool,
    /// Elements so far, of an array.
    items: u32,
    /// What the name of the current member says.
    kind: Kind,
    /// Where the name of the current member stands.
    name: (usize, usize),
    role: Role,
    /// Name/value pairs: what the `name` member says, and where the `value` member is.
    label: Kind,
    value: Option<(usize, usize, Shape)>,
    /// The last element was an option that a user and a password follow.
    user_next: bool,
    /// Which of the columns, named before their rows, are sensitive.
    columns: u64,
    kubernetes: Option<(usize, usize)>,
    is_secret: bool,
    /// The members say something about fields.
    about: bool,
    patch: bool,
    /// The members are named by what their tokens are for.
    tokens: bool,
    /// Cookies, one object each: the values go, names and attributes stay.
    cookies: bool,
}

/// What a member is for in an object like `{"name": …, "value": …}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Role {
    #[default]
    Other,
    Label,
    Value,
    /// Where something was typed: `"element": "Password field"`, `"selector": "#password"`.
    Element,
    /// What was typed there: a value if it is one word.
    Typed,
    /// `type`, which only `password` makes a label of.
    Type,
    /// `op` and `path` of a JSON Patch.
    Operation,
    Path,
    /// An object of texts about fields, named like them: `errors`, `labels`.
    About,
    /// `kind` of a Kubernetes object.
    Kind,
    /// `data` of a Kubernetes secret.
    Data,
    Schema,
    /// The names of columns, whose rows follow.
    Columns,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    String,
    Number,
    Word,
    Nested,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    After,
}

/// Where a walk begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// At a value; further values may follow after white space.
    Values,
    /// At a member of an object.
    Members,
}

impl Engine<'_> {
    /// Walks through `text[from..to]` and adds what it finds to the edits.
    pub(super) fn walk(
        &mut self,
        text: &[u8],
        masks: &Masks,
        (from, to): (usize, usize),
        start: Start,
        depth: u8,
    ) -> Result<(), NotJson> {
        let base = self.frames.len();
        let floor = self.edits.len();
        let mut walk = Walk {
            text,
            masks,
            to,
            base,
            floor,
            depth,
            key_numbers: 0,
            users: self.rules.is_users(),
        };
        let state = match start {
            Start::Values => State::Value,
            Start::Members => State::Key,
        };
        self.frames.push(Frame {
            root: Some(start),
            ..Frame::default()
        });
        let outcome = self.steps(&mut walk, from, state);
        self.frames.truncate(base);
        outcome
    }

    fn steps(&mut self, walk: &mut Walk<'_>, from: usize, mut state: State) -> Result<(), NotJson> {
        let (text, masks, to) = (walk.text, walk.masks, walk.to);
        let mut pos = from;
        while pos < to {
            let byte = at(text, pos);
            match state {
                State::Key | State::KeyOrEnd => match byte {
                    b'"' => {
                        let (end, escaped) = string_end(text, masks, pos + 1, to);
                        self.key(walk, pos + 1, end, escaped);
                        pos = end + 1;
                        if at(text, pos) != b':' {
                            pos = run_end(text, pos, to, is_blank);
                        }
                        if pos < to && at(text, pos) != b':' {
                            return Err(NotJson);
                        }
                        pos += 1;
                        state = State::Value;
                    }
                    b'}' if state == State::KeyOrEnd => {
                        pos += 1;
                        self.close(walk, false, pos)?;
                        state = State::After;
                    }
                    _ if is_blank(byte) => pos += 1,
                    _ => return Err(NotJson),
                },
                State::Value | State::ValueOrEnd => {
                    let kind = self.kind_of_value();
                    match byte {
                        b'"' => {
                            let start = pos + 1;
                            let (end, escaped) = string_end(text, masks, start, to);
                            self.string(walk, (start, end), escaped, kind);
                            self.done(walk, (start, end), Shape::String);
                            pos = end + 1;
                            state = State::After;
                        }
                        // A mark without quotes, of a text that was no JSON before.
                        b'[' if part(text, pos, pos + 10) == MARK_START => return Err(NotJson),
                        b'{' | b'[' => {
                            let cookies = self.is_cookies(walk, pos, kind);
                            if kind.hides() && !cookies && !self.describes(walk, pos) {
                                let end = skip(text, masks, pos, to);
                                if end > pos + 2 {
                                    push(
                                        &mut self.edits,
                                        walk.floor,
                                        Edit::value(pos, end, Class::Field.tag()),
                                    );
                                }
                                pos = end;
                                state = State::After;
                                self.done(walk, (pos, pos), Shape::Word);
                                continue;
                            }
                            let schema = self.top().is_some_and(|frame| frame.role == Role::Schema);
                            let about = self.top().is_some_and(|frame| {
                                frame.role == Role::About || frame.about && byte == b'['
                            });
                            let tokens = byte == b'{'
                                && self.top().is_some_and(|frame| {
                                    !frame.array
                                        && part(text, frame.name.0, frame.name.1) == b"tokens"
                                });
                            let array = byte == b'[';
                            // `"auth": ["user", "…"]`
                            let kind = if array && kind == Kind::Maybe {
                                kind
                            } else {
                                Kind::Plain
                            };
                            self.frames.push(Frame {
                                start: pos,
                                array,
                                schema,
                                about,
                                tokens,
                                cookies,
                                label: if cookies && !array {
                                    Kind::Secret
                                } else {
                                    Kind::Plain
                                },
                                kind,
                                ..Frame::default()
                            });
                            pos += 1;
                            state = if byte == b'[' {
                                State::ValueOrEnd
                            } else {
                                State::KeyOrEnd
                            };
                        }
                        b']' if state == State::ValueOrEnd => {
                            pos += 1;
                            self.close(walk, true, pos)?;
                            state = State::After;
                        }
                        b'-' | b'0'..=b'9' => {
                            let end = run_end(text, pos, to, |b| {
                                b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E')
                            });
                            self.number(walk, pos, end, kind);
                            self.done(walk, (pos, end), Shape::Number);
                            pos = end;
                            state = State::After;
                        }
                        b't' | b'f' | b'n' => {
                            let end = run_end(text, pos, to, |b| b.is_ascii_lowercase());
                            if !matches!(part(text, pos, end), b"true" | b"false" | b"null")
                                && end < to
                            {
                                return Err(NotJson);
                            }
                            self.done(walk, (pos, end), Shape::Word);
                            pos = end;
                            state = State::After;
                        }
                        _ if is_blank(byte) => pos += 1,
                        _ => return Err(NotJson),
                    }
                }
                State::After => {
                    let Some(frame) = self.frames.last() else {
                        return Err(NotJson);
                    };
                    let values = frame.root == Some(Start::Values);
                    match (byte, frame.array) {
                        (b',', true) => {
                            pos += 1;
                            state = State::Value;
                        }
                        (b',', false) if !values => {
                            pos += 1;
                            state = State::Key;
                        }
                        (b']', true) | (b'}', false) => {
                            pos += 1;
                            self.close(walk, byte == b']', pos)?;
                        }
                        // One document per line.
                        (b'{' | b'[', _) if values && super::bytes::before(text, pos) == b'\n' => {
                            state = State::Value
                        }
                        _ if is_blank(byte) => pos += 1,
                        _ => return Err(NotJson),
                    }
                }
            }
        }
        Ok(())
    }

    /// The innermost container: the root of this walk, if nothing else is open.
    fn top(&mut self) -> Option<&mut Frame> {
        self.frames.last_mut()
    }

    /// What the name over the value that begins now says.
    fn kind_of_value(&mut self) -> Kind {
        let Some(frame) = self.top() else {
            return Kind::Plain;
        };
        if frame.array {
            return frame.kind;
        }
        if frame.about && frame.kind.hides() || frame.tokens && frame.kind == Kind::Plain {
            return Kind::Maybe;
        }
        if frame.role == Role::Value && frame.kind == Kind::Plain {
            frame.label
        } else {
            frame.kind
        }
    }

    fn key(&mut self, walk: &mut Walk<'_>, from: usize, to: usize, escaped: bool) {
        let name = part(walk.text, from, to);
        let known = if escaped || walk.users {
            None
        } else {
            Key::of(walk.text, from, to)
        };
        if let Some((kind, role)) = known.and_then(|key| self.known.get(&key, self.rules.id)) {
            let kind = if kind == Kind::Plain && role == Role::Label && name == b"key" {
                self.kind_with_parent(walk)
            } else {
                kind
            };
            if let Some(frame) = self.top() {
                (frame.kind, frame.name, frame.role) = (kind, (from, to), role);
            }
            return;
        }
        let floor = self.edits.len();
        let kind = if escaped {
            let mut pair = self.take();
            pair.0.json(walk.text, from, to);
            let kind = self.rules.judge(&pair.0.text);
            self.give(pair);
            kind
        } else {
            self.rules.judge(part(walk.text, from, to))
        };
        self.leaf(
            walk.text,
            walk.masks,
            (from, to),
            escaped,
            Kind::Plain,
            walk.depth,
            true,
        );
        if self.edits.len() > floor {
            self.number_key(walk, floor);
        }
        let role = role(part(walk.text, from, to));
        if let Some(key) = known.filter(|_| self.edits.len() == floor) {
            self.known.put(&key, self.rules.id, kind, role);
        }
        let kind = if kind == Kind::Plain && part(walk.text, from, to) == b"key" {
            self.kind_with_parent(walk)
        } else {
            kind
        };
        if let Some(frame) = self.top() {
            frame.kind = kind;
            frame.name = (from, to);
            frame.role = role;
        }
    }

    /// What `key` means in an object that stands under `api`.
    fn kind_with_parent(&self, walk: &Walk<'_>) -> Kind {
        let parent = self
            .frames
            .len()
            .checked_sub(2)
            .filter(|parent| *parent >= walk.base)
            .and_then(|parent| self.frames.get(parent));
        let Some(parent) =
            parent.filter(|parent| !parent.array && !parent.schema && parent.role != Role::Schema)
        else {
            return Kind::Plain;
        };
        let name = part(walk.text, parent.name.0, parent.name.1);
        if name.is_empty() || name.len() > 32 {
            Kind::Plain
        } else {
            self.rules.judge(&[name, b"_key"].concat())
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

    fn string(
        &mut self,
        walk: &mut Walk<'_>,
        (from, to): (usize, usize),
        escaped: bool,
        kind: Kind,
    ) {
        // Most strings have nothing that a rule could begin with.
        if kind == Kind::Plain
            && !escaped
            && !walk.users
            && walk.masks.next_candidate(from, to) == to
        {
            return;
        }
        let content = part(walk.text, from, to);
        let name = match self.top() {
            Some(frame) => frame.name,
            None => (0, 0),
        };
        if kind != Kind::Plain && values::goes(content, kind, part(walk.text, name.0, name.1)) {
            push(
                &mut self.edits,
                walk.floor,
                Edit::mark(from, to, Class::Field.tag()),
            );
            return;
        }
        // An id that looks like a card stays, and only digits can.
        let digits = content.len() >= 13 && content.iter().all(|b| b.is_ascii_digit());
        let kind = if kind == Kind::Plain && digits && names::is_id(part(walk.text, name.0, name.1))
        {
            Kind::Id
        } else {
            kind
        };
        self.leaf(
            walk.text,
            walk.masks,
            (from, to),
            escaped,
            kind,
            walk.depth,
            false,
        );
    }

    fn number(&mut self, walk: &Walk<'_>, from: usize, to: usize, kind: Kind) {
        let digits = part(walk.text, from, to);
        let class = match kind {
            // One digit is a switch: `"password": 0` of a projection.
            Kind::Secret if digits.len() > 1 => Some(Class::Field),
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
                let id = self
                    .frames
                    .last()
                    .is_some_and(|frame| names::is_id(part(walk.text, frame.name.0, frame.name.1)));
                (!id && super::pii::is_card(digits)).then_some(Class::Card)
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
    fn done(&mut self, walk: &Walk<'_>, range: (usize, usize), shape: Shape) {
        // Most members mean nothing to their neighbours.
        if let Some(frame) = self.frames.last()
            && (frame.array || frame.role != Role::Other)
        {
            self.put_together(walk, range, shape);
        }
    }

    fn put_together(&mut self, walk: &Walk<'_>, (from, to): (usize, usize), shape: Shape) {
        let text = walk.text;
        let count = self.frames.len();
        let parent_is_array = count >= 2
            && count - 2 >= walk.base
            && self.frames.get(count - 2).is_some_and(|frame| frame.array);
        let rules = self.rules;
        let outer = |back: usize| {
            let frame = count
                .checked_sub(back)
                .filter(|index| *index >= walk.base)
                .and_then(|index| self.frames.get(index));
            frame.map(|frame| (frame.array, frame.role, frame.columns))
        };
        let (parent, owner) = (outer(2), outer(3));
        let Some(frame) = self.top() else { return };
        if frame.array {
            frame.items += 1;
            let index = frame.items - 1;
            if shape != Shape::String {
                frame.label = Kind::Plain;
                frame.user_next = false;
            } else if parent.is_some_and(|(array, role, _)| !array && role == Role::Columns) {
                if index < 64
                    && rules.judge(part(text, from, to)).hides()
                    && let Some(parent) = self.frames.get_mut(count - 2)
                {
                    parent.columns |= 1 << index;
                }
                return;
            }
            if index < 64
                && matches!(parent, Some((true, ..)))
                && owner.is_some_and(|(array, _, columns)| !array && columns >> index & 1 == 1)
            {
                self.hide(walk, from, to, shape);
                return;
            }
            let Some(frame) = self.top() else { return };
            let previous = frame.label;
            frame.label = Kind::Plain;
            if shape == Shape::String {
                let content = part(text, from, to);
                if std::mem::take(&mut frame.user_next) {
                    // `-u user:password`
                    if let Some(colon) = memchr::memchr(b':', content)
                        .filter(|_| !content.iter().all(|b| b.is_ascii_digit() || *b == b':'))
                    {
                        let from = from + colon + 1;
                        if from < to
                            && !values::is_mark(part(text, from, to))
                            && !values::is_placeholder(part(text, from, to))
                        {
                            push(
                                &mut self.edits,
                                walk.floor,
                                Edit::mark(from, to, Class::Field.tag()),
                            );
                            return;
                        }
                    }
                }
                frame.user_next = matches!(content, b"-u" | b"--user" | b"--proxy-user");
                if frame.items == 1 && parent_is_array || is_flag(content) {
                    frame.label = rules.judge(content);
                }
                if previous.hides()
                    && !content.is_empty()
                    && !content.starts_with(b"-")
                    && !values::is_placeholder(content)
                {
                    push(
                        &mut self.edits,
                        walk.floor,
                        Edit::mark(from, to, Class::Field.tag()),
                    );
                }
            }
            return;
        }
        match frame.role {
            Role::Label if frame.cookies => {}
            Role::Label if shape == Shape::String => {
                frame.label = rules.judge(part(text, from, to));
                if let Some((from, to, shape)) = frame.value
                    && frame.label.hides()
                {
                    self.hide(walk, from, to, shape);
                }
            }
            Role::Element | Role::Type | Role::Path if shape == Shape::String => {
                let text = part(text, from, to);
                let names = match frame.role {
                    Role::Type => text.eq_ignore_ascii_case(b"password"),
                    Role::Path => frame.patch && at(text, 0) == b'/',
                    _ => true,
                };
                if names && frame.label == Kind::Plain {
                    frame.label = rules.judge(element(text));
                    if let Some((from, to, shape)) = frame.value
                        && frame.label.hides()
                    {
                        self.hide(walk, from, to, shape);
                    }
                }
            }
            Role::Operation => frame.patch = true,
            Role::Typed if from < to && shape == Shape::String => {
                let text = part(text, from, to);
                let word = !text.iter().any(u8::is_ascii_whitespace)
                    && text.iter().any(|b| !b.is_ascii_alphabetic());
                if word && frame.label.hides() {
                    self.hide(walk, from, to, shape);
                } else if word && frame.value.is_none() {
                    frame.value = Some((from, to, shape));
                }
            }
            Role::Value if from < to => frame.value = Some((from, to, shape)),
            Role::Kind if part(text, from, to) == b"Secret" => {
                frame.is_secret = true;
                if let Some((from, to)) = frame.kubernetes {
                    self.hide(walk, from, to, Shape::Nested);
                }
            }
            Role::Data if shape == Shape::Nested => {
                if frame.is_secret {
                    self.hide(walk, from, to, Shape::Nested);
                } else {
                    frame.kubernetes = Some((from, to));
                }
            }
            _ => {}
        }
    }

    fn hide(&mut self, walk: &Walk<'_>, from: usize, to: usize, shape: Shape) {
        let content = part(walk.text, from, to);
        let edit = match shape {
            Shape::String
                if content.is_empty()
                    || values::is_mark(content)
                    || values::is_placeholder(content) =>
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

    fn close(&mut self, walk: &Walk<'_>, array: bool, end: usize) -> Result<(), NotJson> {
        let frame = self
            .top()
            .filter(|frame| frame.array == array && frame.root.is_none());
        let Some(frame) = frame else {
            return Err(NotJson);
        };
        let start = frame.start;
        self.frames.truncate(self.frames.len() - 1);
        self.done(walk, (start, end), Shape::Nested);
        Ok(())
    }

    /// Whether a list of cookies begins at `pos`, or one of them.
    fn is_cookies(&mut self, walk: &Walk<'_>, pos: usize, kind: Kind) -> bool {
        let text = walk.text;
        let Some(frame) = self.top() else {
            return false;
        };
        if frame.array {
            return frame.cookies && at(text, pos) == b'{';
        }
        let next = run_end(text, pos + 1, walk.to.min(pos + 32), |b| {
            b.is_ascii_whitespace()
        });
        kind == Kind::Secrets
            && at(text, pos) == b'['
            && at(text, next) == b'{'
            && part(text, frame.name.0, frame.name.1).ends_with(b"ookies")
    }

    /// Whether the object at `pos`, which stands under a sensitive name, is the description of a field.
    fn describes(&mut self, walk: &Walk<'_>, pos: usize) -> bool {
        let Some(frame) = self.top() else {
            return false;
        };
        let schema = frame.schema;
        // A reference to a secret is none.
        let begin = run_end(walk.text, pos + 1, walk.to.min(pos + 32), |b| {
            b.is_ascii_whitespace()
        });
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
        .any(|word| super::bytes::rest(walk.text, begin).starts_with(word));
        if refers || !schema {
            return refers;
        }
        // Members that make a description stand near its start; looking further would let a hostile nesting
        // be read once per level.
        let head = part(walk.text, pos, (pos + 256).min(walk.to));
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

/// Whether an argument is the name of an option, whose value comes next.
fn is_flag(argument: &[u8]) -> bool {
    argument.starts_with(b"-")
        && argument.len() < 64
        && argument.iter().all(|b| super::bytes::is_token(*b))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// What stays the same during one walk.
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
}

/// The end of the content of a string that begins at `from`, and whether there are escapes in it.
#[inline]
pub(super) fn string_end(text: &[u8], masks: &Masks, from: usize, to: usize) -> (usize, bool) {
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
        | b"header_name" | b"field_name" => Role::Label,
        b"value" | b"val" | b"v" | b"values" | b"parametervalue" | b"headervalue"
        | b"fieldvalue" | b"content" | b"stringvalue" | b"secretstring" | b"defaultvalue"
        | b"optionvalue" | b"newvalue" | b"oldvalue" | b"variable_value" | b"variablevalue"
        | b"secretvalue" | b"secret_value" | b"env_value" | b"envvalue" | b"parameter_value"
        | b"header_value" | b"field_value" | b"data"
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
        b"data" | b"stringdata" => Role::Data,
        b"columns" | b"fields" | b"headers" | b"column_names" | b"columnnames" => Role::Columns,
        b"properties" | b"$defs" | b"definitions" | b"patternproperties" | b"schema"
        | b"schemas" => Role::Schema,
        _ => Role::Other,
    }
}
