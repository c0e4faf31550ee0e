//! Where a walk through JSON is, what stands ahead of it and around it.

use crate::redact::catalogue::roles::{self, DESCRIPTIONS, PLACES, REFERENCES, TOKEN_BEGINNINGS};
use crate::redact::class::Class;
use crate::redact::engine::edit::Edit;
use crate::redact::engine::frame::{Frame, Shape};
use crate::redact::engine::inside::Findings;
use crate::redact::judge::placeholder;
use crate::redact::kind::Kind;
use crate::redact::read::bytes::{self, at, part, run_end, run_start};
use crate::redact::read::masks::{MaskMemory, Masks, Seen, SeenAt};

/// The text is no JSON; how far it was is of no interest.
#[derive(Debug)]
pub(crate) struct NotJson;

/// Where the masks of a string come from.
pub(crate) enum Looks<'a> {
    /// The whole text was looked at.
    Whole(&'a Masks<'a>),
    /// A string is looked at when it is asked for, unless it was when it was written.
    Each {
        memory: &'a mut MaskMemory,
        /// Which was looked at last.
        last: Option<(usize, usize)>,
        seen: &'a MaskMemory,
        /// Where the string begins that was seen, and its masks.
        masks: Option<(usize, SeenAt)>,
    },
}

impl Looks<'_> {
    /// The masks of a part of the text.
    pub(crate) fn at(&mut self, text: &[u8], (from, to): (usize, usize)) -> Masks<'_> {
        match self {
            Self::Whole(masks) => **masks,
            Self::Each {
                seen,
                masks: Some((start, first)),
                ..
            } if *start == from => seen.masks_of(*first, from),
            Self::Each { memory, last, .. } => {
                if last.replace((from, to)) != Some((from, to)) {
                    memory.look_at(text, from, to);
                }
                memory.masks(from)
            }
        }
    }

    /// What was seen of the string that begins at `from`.
    pub(crate) fn seen(&mut self, from: usize, what: Seen) {
        if let Self::Each { masks, .. } = self {
            *masks = match what {
                Seen::Masks(first) => Some((from, first)),
                _ => None,
            };
        }
    }
}

/// Where a walk is.
pub(crate) struct Walk<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) looks: Looks<'a>,
    pub(crate) to: usize,
    pub(crate) base: usize,
    pub(crate) floor: usize,
    pub(crate) depth: u8,
    pub(crate) key_numbers: u32,
    /// Rules of the user see every string.
    pub(crate) users: bool,
    /// The innermost container, and around everything that is walked through: a value, or members of an object.
    pub(crate) top: Frame,
}

impl<'a> Walk<'a> {
    /// Whether a string has nothing that a rule could begin with.
    #[inline(always)]
    pub(crate) fn is_quiet(&mut self, from: usize, to: usize) -> bool {
        match &self.looks {
            Looks::Whole(masks) => masks.next_candidate(from, to) == to,
            // Masks are kept of strings with candidates alone.
            Looks::Each {
                masks: Some((start, _)),
                ..
            } if *start == from => false,
            Looks::Each { .. } => {
                self.looks
                    .at(self.text, (from, to))
                    .next_candidate(from, to)
                    == to
            }
        }
    }

    /// The first element of the innermost array, if it is a string; at most so much of it, and nothing from `to` on.
    pub(crate) fn first(&self, to: usize, most: usize) -> Option<&'a [u8]> {
        let begin = self.top.start + 1;
        let open = past_blanks(self.text, begin, to.min(begin + most));
        let close = closing_quote(self.text, open + 1, to.min(open + most));
        (at(self.text, open) == b'"').then(|| part(self.text, open + 1, close))
    }

    /// Whether a list of cookies begins at `pos`, or one of them.
    pub(crate) fn is_cookies(&self, pos: usize, kind: Kind) -> bool {
        let (text, top) = (self.text, &self.top);
        if top.array {
            return top.cookies && at(text, pos) == b'{';
        }
        let next = |from| past_blanks(text, from, self.to.min(pos + 32));
        kind == Kind::Secret && at(text, pos) == b'[' && roles::sets_cookies(top.name.of(text))
            || kind == Kind::Secrets
                && at(text, pos) == b'['
                && at(text, next(pos + 1)) == b'{'
                && roles::names_cookies(top.name.of(text))
    }

    /// Whether the object at `pos`, which stands under a sensitive name, is the description of a field.
    pub(crate) fn describes(&self, pos: usize) -> bool {
        // A reference to a secret is none.
        let begin = past_blanks(self.text, pos + 1, self.to.min(pos + 32));
        let begins = |word: &&str| bytes::rest(self.text, begin).starts_with(word.as_bytes());
        let has = |words: &[&str], most: usize| {
            let head = part(self.text, pos, (pos + most).min(self.to));
            words
                .iter()
                .any(|word| memchr::memmem::find(head, word.as_bytes()).is_some())
        };
        if REFERENCES.iter().any(begins) {
            return true;
        }
        // The token of a parser has a kind and a place.
        if roles::names_tokens(self.top.name.of(self.text))
            && TOKEN_BEGINNINGS.iter().any(begins)
            && has(PLACES, 128)
        {
            return true;
        }
        // Members that make a description stand near its start; looking further would let a hostile nesting
        // be read once per level.
        self.top.schema && has(DESCRIPTIONS, 256)
    }
}

impl Findings<'_> {
    /// What stands around the innermost container, and what stands around that.
    pub(crate) fn outer(&self, walk: &Walk<'_>, back: usize) -> Option<&Frame> {
        let outer = self.frames.get(walk.base..)?;
        outer.get(outer.len().checked_sub(back)?)
    }

    pub(crate) fn hide(&mut self, walk: &Walk<'_>, from: usize, to: usize, shape: Shape) {
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

#[inline(always)]
pub(crate) fn past_blanks(text: &[u8], from: usize, to: usize) -> usize {
    if is_blank(at(text, from)) {
        run_end(text, from, to, is_blank)
    } else {
        from
    }
}

#[inline(always)]
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// The end of the content of a string that begins at `from`, and whether there are escapes in it.
#[inline]
pub(crate) fn string_end(text: &[u8], masks: &Masks<'_>, from: usize, to: usize) -> (usize, bool) {
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

/// The same of a string that few ask for, without masks, and the end alone.
pub(crate) fn closing_quote(text: &[u8], from: usize, to: usize) -> usize {
    let mut pos = from;
    while let Some(found) = memchr::memchr2(b'"', b'\\', part(text, pos, to)) {
        pos += found;
        if at(text, pos) == b'"' {
            return pos;
        }
        pos += 2;
    }
    to
}

/// The quote, not before `floor`, that opens the string whose closing one stands at `close`.
pub(crate) fn opening_quote(text: &[u8], close: usize, floor: usize) -> usize {
    let mut pos = close;
    while let Some(found) = memchr::memrchr(b'"', part(text, floor, pos)) {
        pos = floor + found;
        if (pos - run_start(text, pos, floor, |b| b == b'\\')).is_multiple_of(2) {
            return pos;
        }
    }
    floor
}

/// The members of an object by their text, for few objects: the name of each, and where its value begins.
pub(crate) struct Members<'a> {
    text: &'a [u8],
    pos: usize,
    to: usize,
    /// How many containers are open, and how many of them are objects.
    depth: usize,
    objects: usize,
    /// Where more objects are open, nothing more is read.
    most: usize,
    /// The object has no more of them.
    pub(crate) is_closed: bool,
}

/// Each of the objects in each other may ask for its own members, and reads those within once more. Arrays ask for nothing.
const MAX_WITHIN: usize = 8;

impl<'a> Members<'a> {
    /// Those from `from` on, where one may begin, and before `to`: not many bytes, since all are read.
    pub(crate) fn new(text: &'a [u8], from: usize, to: usize) -> Self {
        Self {
            text,
            pos: from,
            to,
            depth: 0,
            objects: 0,
            most: usize::MAX,
            is_closed: false,
        }
    }

    /// The same of any number of bytes, up to a value with too many objects in each other.
    pub(crate) fn shallow(text: &'a [u8], from: usize, to: usize) -> Self {
        Self {
            most: MAX_WITHIN,
            ..Self::new(text, from, to)
        }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], usize);

    fn next(&mut self) -> Option<Self::Item> {
        while self.pos < self.to && self.objects <= self.most && !self.is_closed {
            let begin = self.pos;
            self.pos += 1;
            match at(self.text, begin) {
                b'"' => {
                    let close = closing_quote(self.text, self.pos, self.to);
                    let colon = past_blanks(self.text, close + 1, self.to);
                    self.pos = close + 1;
                    if self.depth == 0 && colon < self.to && at(self.text, colon) == b':' {
                        self.pos = past_blanks(self.text, colon + 1, self.to);
                        return Some((part(self.text, begin + 1, close), self.pos));
                    }
                }
                open @ (b'{' | b'[') => {
                    self.depth += 1;
                    self.objects += usize::from(open == b'{');
                }
                b'}' | b']' if self.depth == 0 => self.is_closed = true,
                close @ (b'}' | b']') => {
                    self.depth -= 1;
                    self.objects = self.objects.saturating_sub(usize::from(close == b'}'));
                }
                _ => {}
            }
        }
        None
    }
}

/// The end of the object or array that begins at `from`.
pub(crate) fn skip(text: &[u8], masks: &Masks<'_>, from: usize, to: usize) -> usize {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_ends_with_the_quote_that_no_backslash_stands_before() {
        for (text, end, escaped) in [
            (r#"ab"c""#, 2, false),
            (r#"a\"b"c"#, 4, true),
            (r#"a\\"c"#, 3, true),
            (r"cut", 3, false),
            (r"cut\", 4, true),
        ] {
            let mut memory = MaskMemory::default();
            let masks = memory.look(text.as_bytes());
            let found = string_end(text.as_bytes(), &masks, 0, text.len());
            assert_eq!(found, (end, escaped), "{text}");
            assert_eq!(closing_quote(text.as_bytes(), 0, text.len()), end, "{text}");
        }
    }

    #[test]
    fn an_object_has_the_members_that_stand_in_no_other() {
        for (text, names, is_closed) in [
            (
                r#""a":1,"b" : "\"c\":","d":{"e":[1]},"f":["g"]},"h":1"#,
                "abdf",
                true,
            ),
            (r#""a":{"b":1}}"#, "a", true),
            (r#""a":1,"b":[[[[[[[[[1]]]]]]]]],"c":1}"#, "abc", true),
            (r#""a":"cut"#, "a", false),
            (r#""a":1,"cut"#, "a", false),
        ] {
            let mut members = Members::new(text.as_bytes(), 0, text.len());
            let found: Vec<_> = members.by_ref().map(|(name, _)| name).collect();
            assert_eq!(found.concat(), names.as_bytes(), "{text}");
            assert_eq!(members.is_closed, is_closed, "{text}");
        }
    }

    #[test]
    fn members_end_before_too_many_objects_in_each_other_where_any_number_of_bytes_is_read() {
        let objects = "{\"c\":".repeat(MAX_WITHIN + 1) + &"}".repeat(MAX_WITHIN + 1);
        let text = format!(r#""a":1,"b":{objects},"d":1}}"#);
        let text = text.as_bytes();
        for (members, count) in [
            (Members::new(text, 0, text.len()), 3),
            (Members::shallow(text, 0, text.len()), 2),
        ] {
            assert_eq!(members.count(), count);
        }
    }

    #[test]
    fn a_string_begins_with_the_quote_that_no_backslash_stands_before() {
        for (text, start) in [
            (r#"x"ab""#, 1),
            (r#"x"a\"b""#, 1),
            (r#"x"a\\"b""#, 5),
            ("cut\"", 0),
        ] {
            assert_eq!(
                opening_quote(text.as_bytes(), text.len() - 1, 0),
                start,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_skipped_ends_with_the_bracket_that_closes_it() {
        for (text, end) in [
            (r#"{"a":[1,{}],"b":"}\"]"} x"#, 23),
            ("[[1],2]]", 7),
            ("[{\"cut\":", 8),
        ] {
            let mut memory = MaskMemory::default();
            let masks = memory.look(text.as_bytes());
            assert_eq!(skip(text.as_bytes(), &masks, 0, text.len()), end, "{text}");
        }
    }
}
