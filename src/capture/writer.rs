//! Writes JSON within the limits: open containers, budgets, and what replaces what is left out.

use std::fmt::{self, Display};

use serde::ser::{self, Serialize};

use super::binary;
use super::buffer::JsonBuffer;
use super::cutter::Cutter;
use super::names::{Names, Own};
use crate::base::random::mix;
use crate::base::text::sixteen_of;
use crate::limits::{self, Limits};
use crate::redact::{Recorder, Seen};

/// Why a pass ended early.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The value's room is used up.
    Room,
    /// Too much was passed over; what was written so far stands.
    Budget,
    /// The caller's `Serialize` failed, or wrote what JSON cannot hold.
    Foreign,
}

impl Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("serialization stopped")
    }
}

impl std::error::Error for Stop {}

impl ser::Error for Stop {
    fn custom<T: Display>(_: T) -> Self {
        Self::Foreign
    }
}

/// What stands in place of a value whose `Serialize` failed or panicked.
pub(crate) const UNSERIALIZABLE: &str = "\"[unserializable]\"";

/// What is taken from a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capture {
    /// The value. In `arguments` a string called `query` has a limit of its own.
    Value { arguments: bool },
    /// The names of an object's members, as a list.
    NamesOnly,
}

/// Writes one value behind what `out` holds.
#[derive(Debug)]
pub(crate) struct ValueWriter<'b, 'r> {
    pub(super) out: &'b mut JsonBuffer,
    pub(super) limits: &'b Limits,
    cutter: &'b mut Cutter<'r>,
    /// Keeps what is written for the redactor, if it is a value.
    pub(super) recorder: Option<Recorder<'b>>,
    capture: Capture,
    /// No entry begins once `out` has this length.
    pub(super) end: usize,
    containers: Containers,
    /// Entries passed over unseen, up to [`limits::MAX_SKIPPED_NODES`].
    skipped: usize,
    next: NextString,
    /// Members of the outermost object, kept or not.
    members: usize,
    /// Not all of the names had room; they are still counted in `members`.
    overflowed: bool,
}

/// What holds for the next string.
#[derive(Debug, Clone, Copy)]
pub(super) struct NextString {
    /// Its limit.
    pub(super) max_chars: usize,
    /// Whether it stands where MCP puts binary content.
    pub(super) binary_place: bool,
}

/// The open containers.
#[derive(Debug, Default)]
struct Containers {
    /// While none is open, a default one whose counts mean nothing.
    innermost: Container,
    /// The containers around the innermost one.
    outer: smallvec::SmallVec<[Container; 8]>,
    /// How many are open.
    depth: usize,
    names: Names,
}

/// An open container.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Container {
    is_object: bool,
    /// The container is the value of an enum's variant: an object of one member stands around it.
    wrapped: bool,
    /// The caller's object has a member called [`OMITTED`], so no count is added under that name.
    owns_mark: bool,
    /// Entries begun so far.
    entries: u32,
    /// Entries left out.
    omitted: u32,
    /// The limit of `entries`.
    most: u32,
    names: Own,
}

/// The name of the member that says how many others were left out of an object.
const OMITTED: &str = "_truncated_keys";

impl<'b, 'r> ValueWriter<'b, 'r> {
    pub(crate) fn new(
        out: &'b mut JsonBuffer,
        limits: &'b Limits,
        cutter: &'b mut Cutter<'r>,
        capture: Capture,
        end: usize,
    ) -> Self {
        Self {
            out,
            next: NextString {
                max_chars: limits.string_chars,
                binary_place: false,
            },
            limits,
            cutter,
            recorder: None,
            capture,
            end,
            containers: Containers::default(),
            skipped: 0,
            members: 0,
            overflowed: false,
        }
    }

    /// Closes what an early end left open.
    pub(crate) fn close_all(&mut self) {
        while self.containers.depth > 0 {
            self.close();
        }
    }

    pub(crate) fn members(&self) -> usize {
        self.members
    }

    pub(crate) fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Opens a container, under the name `wrap` of an enum's variant if there is one. Returns
    /// `false` when the container is too deep and was replaced by a mark.
    pub(super) fn open(&mut self, is_object: bool, wrap: Option<&str>) -> bool {
        let Some(most) = self.most_entries(0, is_object) else {
            self.short_string("[max depth]");
            return false;
        };
        if let Some(variant) = wrap {
            self.open_variant(variant);
        }
        let keys_only =
            is_object && self.containers.depth == 0 && self.capture == Capture::NamesOnly;
        let is_object = is_object && !keys_only;
        self.record_open(!is_object);
        self.out.push(if is_object { b'{' } else { b'[' });
        if self.containers.depth > 0 {
            self.containers.outer.push(self.containers.innermost);
        }
        self.containers.depth += 1;
        self.containers.innermost = Container {
            is_object,
            wrapped: wrap.is_some(),
            most: if keys_only {
                limits::MAX_ARGUMENT_KEYS
            } else {
                most
            } as u32,
            names: self.containers.names.open(),
            ..Container::default()
        };
        true
    }

    /// Opens the object of one member around the value of an enum's variant.
    #[cold]
    #[inline(never)]
    fn open_variant(&mut self, variant: &str) {
        self.record_open(false);
        self.out.push(b'{');
        let start = self.out.len();
        self.name(variant);
        self.record_name(start, variant);
    }

    #[inline(always)]
    fn record_open(&mut self, array: bool) {
        if let Some(recorder) = &mut self.recorder {
            recorder.tape.open(self.out.len(), array);
        }
    }

    #[inline(always)]
    fn record_close(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.tape.close(self.out.len());
        }
    }

    /// A name was written from `start` on, a colon behind it. Returns its place among those that the redactor knows.
    #[inline(always)]
    fn record_name(&mut self, start: usize, name: &str) -> Option<usize> {
        let recorder = self.recorder.as_mut()?;
        let place = (start + 1, self.out.len() - b"\":".len());
        let text = self.out.padded();
        // What has its own length has no escape.
        let written = || text.get(place.0..place.1).unwrap_or_default();
        let escaped = place.1 - place.0 != name.len() && written().contains(&b'\\');
        recorder.name(text, place.0, place, escaped)
    }

    /// As [`whole_string`](Self::whole_string), for what few values are replaced by.
    #[cold]
    #[inline(never)]
    fn short_string(&mut self, text: &str) {
        self.whole_string(text);
    }

    /// Writes a string that is short enough.
    #[inline(always)]
    fn whole_string(&mut self, text: &str) {
        let Some(recorder) = &mut self.recorder else {
            return self.out.string(text);
        };
        let start = self.out.len();
        let mut seen = Seen::Quiet;
        if !self.out.prose(text) {
            seen = recorder.tape.masks.see(text.as_bytes());
            if seen == Seen::Escaped {
                self.out.string(text);
            } else {
                self.out.plain_string(text);
            }
        }
        let place = (start + 1, self.out.len() - 1);
        recorder.string(self.out.padded(), place.0, place, seen);
    }

    /// Begins an entry of the innermost container. Returns `false` when the entry is beyond the
    /// limits: the caller passes over it.
    #[inline]
    pub(super) fn entry(&mut self) -> Result<bool, Stop> {
        if self.containers.innermost.entries >= self.containers.innermost.most
            || self.out.len() >= self.end
        {
            return self.entry_beyond();
        }
        if self.containers.innermost.entries > 0 {
            self.out.push(b',');
        }
        self.containers.innermost.entries += 1;
        Ok(true)
    }

    /// Decides about an entry beyond a limit.
    #[cold]
    fn entry_beyond(&mut self) -> Result<bool, Stop> {
        if self.containers.depth == 0 {
            return Ok(true);
        }
        // Names that do not fit are still counted.
        let overflows = self.keys_only() && self.out.len() >= self.end;
        self.overflowed |= overflows;
        if self.containers.innermost.entries < self.containers.innermost.most && !overflows {
            return Err(Stop::Room);
        }
        self.containers.innermost.omitted += 1;
        self.skip()?;
        Ok(false)
    }

    /// Counts an entry that is passed over unseen.
    #[inline]
    pub(super) fn skip(&mut self) -> Result<(), Stop> {
        self.skipped += 1;
        if self.skipped > limits::MAX_SKIPPED_NODES {
            return Err(Stop::Budget);
        }
        Ok(())
    }

    /// Closes the innermost container, if there is one.
    pub(super) fn close(&mut self) {
        if self.containers.depth == 0 {
            return;
        }
        let container = self.containers.innermost;
        if self.containers.depth == 1 {
            self.members = (container.entries + container.omitted) as usize;
        }
        self.containers.depth -= 1;
        self.containers.names.close(container.names);
        self.containers.innermost = self.containers.outer.pop().unwrap_or_default();
        // After an early end an entry may have begun without a value behind its comma or colon.
        if let Some(sign @ (b',' | b':')) = self.out.last() {
            self.end_entry(sign);
        }
        if container.omitted > 0 && container.is_object && !container.owns_mark {
            self.count_omitted(container.omitted);
        }
        self.out.push(if container.is_object { b'}' } else { b']' });
        self.record_close();
        if container.wrapped {
            self.close_variant();
        }
    }

    /// Ends an entry that has a comma or a colon and no value.
    #[cold]
    #[inline(never)]
    fn end_entry(&mut self, sign: u8) {
        if sign == b',' {
            self.out.truncate(self.out.len() - 1);
        } else {
            self.literal("null");
        }
    }

    /// Writes how many members were left out of an object.
    #[cold]
    #[inline(never)]
    fn count_omitted(&mut self, omitted: u32) {
        self.out.push(b',');
        let start = self.out.len();
        self.out.name(OMITTED);
        self.record_name(start, OMITTED);
        self.integer(omitted);
    }

    #[cold]
    #[inline(never)]
    fn close_variant(&mut self) {
        self.out.push(b'}');
        self.record_close();
    }

    /// Whether only the names of the members of the innermost object are wanted.
    #[inline]
    pub(super) fn keys_only(&self) -> bool {
        self.capture == Capture::NamesOnly && self.containers.depth == 1
    }

    /// The most entries of a container that stands within `deeper` more than are open; `None` when
    /// that is too deep.
    #[inline]
    pub(super) fn most_entries(&self, deeper: usize, is_object: bool) -> Option<usize> {
        let depth = self.containers.depth + deeper;
        if depth > self.limits.depth {
            return None;
        }
        Some(match (is_object, depth) {
            (false, _) => self.limits.list_items,
            (true, 0) => self.limits.top_keys,
            (true, _) => self.limits.nested_keys,
        })
    }

    pub(super) const fn next_string(&self) -> NextString {
        self.next
    }

    #[inline]
    pub(super) fn takes_value(&self) -> bool {
        self.capture != Capture::NamesOnly
    }

    /// The most characters of a string under this name.
    #[inline]
    pub(super) fn chars_under(&self, name: &[u8]) -> usize {
        if name == b"query" && self.capture == (Capture::Value { arguments: true }) {
            self.limits.query_chars
        } else {
            self.limits.string_chars
        }
    }

    /// Writes a member's name; unless names are all that is wanted, a colon follows. A name that its
    /// object has already gets a number.
    #[inline]
    pub(super) fn key(&mut self, name: &str) {
        let start = self.out.len();
        let is_new = match self.known_name(name) {
            Some(place) => self.containers.innermost.names.add_known(place),
            None => {
                self.name(name);
                self.keys_only() || self.is_new(start, name)
            }
        };
        if !is_new {
            self.number_name(start, name);
        }
    }

    /// Writes a name that the redactor knows, as most are; returns its place there. It is not asked for what needs an
    /// escape, and its key is made of the bytes that are stored: 1 680 instructions less of an event with 17 names.
    #[inline(always)]
    fn known_name(&mut self, name: &str) -> Option<usize> {
        let (from, len) = (self.out.len() + 1, name.len());
        let recorder = self.recorder.as_mut().filter(|_| len < 16)?;
        let sixteen = sixteen_of(name.as_bytes());
        let place = recorder.short_name(sixteen, (from, from + len))?;
        self.out.short_string(sixteen, len, b"\":");
        self.expect_under(name);
        Some(place)
    }

    /// Whether the innermost object has no other name like that written from `start` on, which is noted and recorded.
    #[inline]
    fn is_new(&mut self, start: usize, name: &str) -> bool {
        let known = self.record_name(start, name);
        let Containers {
            names, innermost, ..
        } = &mut self.containers;
        match known {
            Some(place) => innermost.names.add_known(place),
            None => names.add(&mut innermost.names, self.out.as_bytes(), start),
        }
    }

    /// Adds to the name written from `start` on which member of its object it is. Where another has that
    /// name, other numbers follow, far apart, so that no text can make the search long.
    #[cold]
    fn number_name(&mut self, start: usize, name: &str) {
        let end = self.out.len() - b"\":".len();
        let mut number = u64::from(self.containers.innermost.entries);
        loop {
            self.out.truncate(end);
            self.out.push(b' ');
            self.out.raw(itoa::Buffer::new().format(number).as_bytes());
            self.out.raw(b"\":");
            if self.is_new(start, name) {
                return;
            }
            number = mix(number);
        }
    }

    #[inline]
    fn name(&mut self, name: &str) {
        self.expect_under(name);
        if name.len() <= limits::MAX_NAME_CHARS && self.capture != Capture::NamesOnly {
            self.out.name(name);
            return;
        }
        self.cutter.write(self.out, name, limits::MAX_NAME_CHARS);
        if !self.keys_only() {
            self.out.push(b':');
        }
    }

    /// Notes what a member's name says of the value that comes.
    #[inline(always)]
    fn expect_under(&mut self, name: &str) {
        self.next.max_chars = self.chars_under(name.as_bytes());
        self.next.binary_place = binary::is_place(name.as_bytes());
        if name == OMITTED && self.containers.depth > 0 {
            self.containers.innermost.owns_mark = true;
        }
    }

    /// Writes a string: cut to its limit, or a marker for binary content.
    pub(super) fn string(&mut self, text: &str) {
        let most = std::mem::replace(&mut self.next.max_chars, self.limits.string_chars);
        let binary_place = std::mem::take(&mut self.next.binary_place);
        if let Some(marker) = binary::marker(text, binary_place) {
            self.short_string(&marker);
        } else if text.len() <= most {
            // A character has one byte or more.
            self.whole_string(text);
        } else {
            let start = self.out.len();
            self.cutter.write_long(self.out, text, most);
            self.record_unseen(start);
        }
    }

    /// The most bytes of a string that is surely written as it is: within its limit, since a
    /// character has one byte or more, and too short for a marker.
    pub(super) fn surely_kept(&self) -> usize {
        self.next.max_chars.min(binary::MIN_BYTES - 1)
    }

    /// The most bytes of the next string that are looked at: a character has at most four.
    pub(super) fn window_bytes(&self) -> usize {
        4 * self.next.max_chars + limits::CUT_MARGIN_BYTES
    }

    /// The same in JSON text, where a character takes at most twelve bytes: a pair of escapes.
    pub(super) const fn raw_window_bytes(&self) -> usize {
        12 * self.next.max_chars + limits::CUT_MARGIN_BYTES
    }

    /// Writes `true`, `false` or `null`.
    #[inline]
    pub(super) fn literal(&mut self, text: &str) {
        let start = self.out.len();
        self.as_it_is(text);
        if let Some(recorder) = &mut self.recorder {
            recorder.tape.word((start, self.out.len()));
        }
    }

    /// Writes a number that JSON can hold.
    #[inline]
    pub(super) fn number_text(&mut self, text: &str) {
        let start = self.out.len();
        self.as_it_is(text);
        if let Some(recorder) = &mut self.recorder {
            recorder.tape.number((start, self.out.len()));
        }
    }

    /// Writes the JSON text of a string.
    pub(super) fn string_text(&mut self, text: &str) {
        let start = self.out.len();
        self.as_it_is(text);
        self.record_unseen(start);
    }

    /// A string was written from `start` on, nobody knows of what bytes.
    #[cold]
    fn record_unseen(&mut self, start: usize) {
        let written = self.out.as_bytes().get(start..).unwrap_or_default();
        let escaped = written.contains(&b'\\');
        let seen = if escaped { Seen::Escaped } else { Seen::Unseen };
        if let Some(recorder) = &mut self.recorder {
            recorder.tape.string((start + 1, self.out.len() - 1), seen);
        }
    }

    #[inline]
    fn as_it_is(&mut self, text: &str) {
        self.next.max_chars = self.limits.string_chars;
        self.out.short(text.as_bytes());
    }

    pub(super) fn integer(&mut self, integer: impl itoa::Integer) {
        self.number_text(itoa::Buffer::new().format(integer));
    }

    /// Writes a number as serde_json spells it; what is not finite becomes `null`.
    pub(super) fn number(&mut self, number: impl Serialize) -> Result<(), Stop> {
        self.next.max_chars = self.limits.string_chars;
        let start = self.out.len();
        serde_json::to_writer(&mut *self.out, &number).map_err(|_| Stop::Foreign)?;
        if let Some(recorder) = &mut self.recorder {
            let place = (start, self.out.len());
            if self.out.as_bytes().get(start) == Some(&b'n') {
                recorder.tape.word(place);
            } else {
                recorder.tape.number(place);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;
    use crate::redact::Redactor;

    struct Written {
        result: Result<(), Stop>,
        json: Value,
        members: usize,
        overflowed: bool,
    }

    /// Writes as much of a value as fits into so many bytes.
    fn write(value: &impl Serialize, capture: Capture, limits: &Limits, end: usize) -> Written {
        let (mut out, redactor) = (JsonBuffer::new(), Redactor::off());
        let mut cutter = Cutter::new(&redactor);
        let mut writer = ValueWriter::new(&mut out, limits, &mut cutter, capture, end);
        let result = value.serialize(&mut writer);
        writer.close_all();
        let (members, overflowed) = (writer.members(), writer.overflowed());
        Written {
            result,
            json: serde_json::from_slice(out.as_bytes()).unwrap(),
            members,
            overflowed,
        }
    }

    const VALUE: Capture = Capture::Value { arguments: false };

    #[test]
    fn wherever_the_room_ends_json_is_left() {
        let value = json!({"a": [1, {"b": "text", "c": [[], {}]}], "d": {"e": null}, "f": [true]});
        let whole = value.to_string().len();
        let mut stopped = 0;
        for end in 0..=whole {
            let written = write(&value, VALUE, &Limits::default(), end);
            match written.result {
                Ok(()) => assert_eq!(written.json, value, "{end}"),
                Err(Stop::Room) => stopped += 1,
                Err(other) => panic!("{end}: {other:?}"),
            }
        }
        assert!(stopped > whole / 2, "{stopped} of {whole}");
    }

    struct Fails;

    impl Serialize for Fails {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(ser::Error::custom("a fault of the caller's"))
        }
    }

    #[test]
    fn what_a_value_that_fails_leaves_half_written_is_completed() {
        let limits = Limits::default();
        let list = write(&[(1, Fails)], VALUE, &limits, usize::MAX);
        assert_eq!(list.result, Err(Stop::Foreign));
        assert_eq!(list.json, json!([[1]]));
        let member = BTreeMap::from([("a", Fails)]);
        let object = write(&(0, member), VALUE, &limits, usize::MAX);
        assert_eq!(object.result, Err(Stop::Foreign));
        assert_eq!(object.json, json!([0, {"a": null}]));
    }

    #[test]
    fn what_is_passed_over_has_a_budget() {
        let items = |count: usize| vec![0; limits::MAX_LIST_ITEMS + count];
        let write = |items: Vec<i32>| write(&items, VALUE, &Limits::default(), usize::MAX).result;
        assert!(write(items(limits::MAX_SKIPPED_NODES)).is_ok());
        let beyond = write(items(limits::MAX_SKIPPED_NODES + 1));
        assert!(matches!(beyond, Err(Stop::Budget)), "{beyond:?}");
    }

    #[test]
    fn a_member_of_the_callers_keeps_the_name_of_the_count() {
        let limits = Limits::default().max_top_keys(2);
        let write = |value| write(&value, VALUE, &limits, usize::MAX).json;
        let cut = write(json!({"a": 1, "b": 2, "c": 3}));
        assert_eq!(cut, json!({"a": 1, "b": 2, (OMITTED): 1}));
        let own = write(json!({OMITTED: "mine", "b": 2, "c": 3}));
        assert_eq!(own, json!({(OMITTED): "mine", "b": 2}));
    }

    #[test]
    fn names_without_values_are_a_list_and_all_are_counted() {
        let names = |count: usize| {
            let member = |n| (format!("name {n:03}"), json!({"x": [n]}));
            Value::Object((0..count).map(member).collect())
        };
        let write = |count, end| write(&names(count), Capture::NamesOnly, &Limits::default(), end);
        let all = write(3, usize::MAX);
        assert_eq!(all.json, json!(["name 000", "name 001", "name 002"]));
        assert_eq!((all.members, all.overflowed), (3, false));
        let many = write(limits::MAX_ARGUMENT_KEYS + 7, usize::MAX);
        assert_eq!(
            many.json.as_array().unwrap().len(),
            limits::MAX_ARGUMENT_KEYS
        );
        assert_eq!(many.members, limits::MAX_ARGUMENT_KEYS + 7);
        let cramped = write(100, 50);
        assert!(cramped.result.is_ok() && cramped.overflowed);
        assert!(cramped.json.as_array().unwrap().len() < 10);
        assert_eq!(cramped.members, 100);
    }

    #[test]
    fn the_limit_of_a_query_is_that_of_arguments_alone() {
        let limits = Limits::default().max_query_chars(20).max_string_chars(40);
        let text = "a word ".repeat(20);
        let value = json!({"query": text, "other": text, "list": {"query": [text]}});
        for (arguments, query, listed) in [(true, 20, 20), (false, 40, 40)] {
            let json = write(&value, Capture::Value { arguments }, &limits, usize::MAX).json;
            let chars = |text: &Value| text.as_str().unwrap().chars().count();
            assert_eq!(chars(&json["query"]), query);
            assert_eq!(chars(&json["other"]), 40);
            assert_eq!(chars(&json["list"]["query"][0]), listed);
        }
    }
}
