//! A serde `Serializer` that writes JSON within limits, whatever it is given.
//!
//! serde cannot stop a foreign `Serialize` half-way but by an error. So past a value's limits its
//! entries are passed over unseen, up to a budget; past the budget the pass ends with
//! [`Stop::Budget`] and what is open is closed. Each string is written whole or cut, never left open.

use std::fmt::{self, Display, Write as _};

use serde::ser::{self, Serialize};

use super::binary;
use super::out::Out;
use super::text;
use crate::capture::Captured;
use crate::limits::{self, Limits};
use crate::redact::{Counts, Redactor, RuleFailed};

/// A caller's value, with its type erased: the writer is one concrete type, so this is object-safe.
pub(crate) trait Value {
    fn write(&self, writer: &mut Writer<'_, '_>) -> Result<(), Stop>;

    /// What was captured before, as it is.
    fn captured(&self) -> Option<&Captured> {
        None
    }
}

impl<T: Serialize + ?Sized> Value for T {
    fn write(&self, writer: &mut Writer<'_, '_>) -> Result<(), Stop> {
        self.serialize(writer)
    }
}

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

/// How every mark of the redactor begins.
const MARK_START: &str = "[REDACTED_";

/// The names under which serde_json smuggles its own types through serde.
const RAW_VALUE: &str = "$serde_json::private::RawValue";
const NUMBER: &str = "$serde_json::private::Number";

/// What is taken from a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    /// The value. In `arguments` a string called `query` has a limit of its own.
    Value { arguments: bool },
    /// The names of an object's members, as a list.
    Keys,
}

/// Writes one value behind `out`.
#[derive(Debug)]
pub(crate) struct Writer<'b, 'r> {
    pub(super) out: &'b mut Out,
    pub(super) limits: &'b Limits,
    cutter: &'b mut Cutter<'r>,
    take: Take,
    /// `out` may not start another entry beyond this length.
    pub(super) end: usize,
    /// The innermost container; without one, a frame that nothing is counted in.
    frame: Frame,
    /// Those around it.
    outer: smallvec::SmallVec<[Frame; 8]>,
    /// How many containers are open.
    depth: usize,
    skipped: usize,
    /// The limit of the next string.
    string_chars: usize,
    /// Whether the next string stands where MCP puts binary content.
    binary_place: bool,
    /// Members of the outermost object, kept or not.
    members: usize,
    /// Not all of the names had room.
    overflowed: bool,
}

/// An open container.
#[derive(Debug, Clone, Copy, Default)]
struct Frame {
    is_object: bool,
    /// It is the value of an enum's variant, which is an object around it.
    wrapped: bool,
    /// The caller has a member of the name that we would add.
    owns_mark: bool,
    entries: u32,
    omitted: u32,
    most: u32,
}

/// Says how many members were left out of an object.
const OMITTED: &str = "_truncated_keys";

impl<'b, 'r> Writer<'b, 'r> {
    pub(crate) fn new(
        out: &'b mut Out,
        limits: &'b Limits,
        cutter: &'b mut Cutter<'r>,
        take: Take,
        end: usize,
    ) -> Self {
        Self {
            out,
            string_chars: limits.string_chars,
            binary_place: false,
            limits,
            cutter,
            take,
            end,
            frame: Frame::default(),
            outer: smallvec::SmallVec::new(),
            depth: 0,
            skipped: 0,
            members: 0,
            overflowed: false,
        }
    }

    /// Closes what an early end left open.
    pub(crate) fn close_all(&mut self) {
        while self.depth > 0 {
            self.close();
        }
    }

    pub(crate) fn members(&self) -> usize {
        self.members
    }

    pub(crate) fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Opens a container; `false` when it is too deep and was replaced by a mark.
    pub(super) fn open(&mut self, is_object: bool, wrap: Option<&str>) -> bool {
        let Some(most) = self.most_entries(0, is_object) else {
            self.out.raw(b"\"[max depth]\"");
            return false;
        };
        if let Some(variant) = wrap {
            self.out.push(b'{');
            self.key(variant);
        }
        let keys_only = is_object && self.depth == 0 && self.take == Take::Keys;
        let is_object = is_object && !keys_only;
        self.out.push(if is_object { b'{' } else { b'[' });
        if self.depth > 0 {
            self.outer.push(self.frame);
        }
        self.depth += 1;
        self.frame = Frame {
            is_object,
            wrapped: wrap.is_some(),
            most: if keys_only {
                limits::MAX_ARGUMENT_KEYS
            } else {
                most
            } as u32,
            ..Frame::default()
        };
        true
    }

    /// Begins an entry of the innermost container; `false` when it is beyond the limits.
    #[inline]
    pub(super) fn entry(&mut self) -> Result<bool, Stop> {
        if self.frame.entries >= self.frame.most || self.out.len() >= self.end {
            return self.entry_beyond();
        }
        if self.frame.entries > 0 {
            self.out.push(b',');
        }
        self.frame.entries += 1;
        Ok(true)
    }

    /// An entry beyond a limit.
    #[cold]
    fn entry_beyond(&mut self) -> Result<bool, Stop> {
        if self.depth == 0 {
            return Ok(true);
        }
        // Names that do not fit are still counted.
        let overflows = self.keys_only() && self.out.len() >= self.end;
        self.overflowed |= overflows;
        if self.frame.entries < self.frame.most && !overflows {
            return Err(Stop::Room);
        }
        self.frame.omitted += 1;
        self.skipped += 1;
        if self.skipped > limits::MAX_SKIPPED_NODES {
            Err(Stop::Budget)
        } else {
            Ok(false)
        }
    }

    pub(super) fn close(&mut self) {
        if self.depth == 0 {
            return;
        }
        let frame = self.frame;
        if self.depth == 1 {
            self.members = (frame.entries + frame.omitted) as usize;
        }
        self.depth -= 1;
        self.frame = self.outer.pop().unwrap_or_default();
        // After an early end an entry may have begun and come to nothing.
        match self.out.last() {
            Some(b',') => self.out.truncate(self.out.len() - 1),
            Some(b':') => self.out.raw(b"null"),
            _ => {}
        }
        if frame.omitted > 0 && frame.is_object && !frame.owns_mark {
            self.out.raw(b",\"");
            self.out.raw(OMITTED.as_bytes());
            self.out.raw(b"\":");
            self.out
                .raw(itoa::Buffer::new().format(frame.omitted).as_bytes());
        }
        self.out.push(if frame.is_object { b'}' } else { b']' });
        if frame.wrapped {
            self.out.push(b'}');
        }
    }

    /// Whether only the names of the members of the innermost object are wanted.
    pub(super) fn keys_only(&self) -> bool {
        self.take == Take::Keys && self.depth == 1
    }

    /// The most entries of a container that stands within `deeper` more than are open; `None` when
    /// that is too deep.
    pub(super) fn most_entries(&self, deeper: usize, is_object: bool) -> Option<usize> {
        let depth = self.depth + deeper;
        (depth <= self.limits.depth).then_some(match (is_object, depth) {
            (false, _) => self.limits.list_items,
            (true, 0) => self.limits.top_keys,
            (true, _) => self.limits.nested_keys,
        })
    }

    /// What holds for the next string: its limit, and whether it stands where MCP puts binary
    /// content.
    pub(super) const fn next_string(&self) -> (usize, bool) {
        (self.string_chars, self.binary_place)
    }

    pub(super) fn takes_value(&self) -> bool {
        self.take != Take::Keys
    }

    /// The most characters of a string under this name.
    pub(super) fn chars_under(&self, name: &str) -> usize {
        if name == "query" && self.take == (Take::Value { arguments: true }) {
            self.limits.query_chars
        } else {
            self.limits.string_chars
        }
    }

    /// Writes a member's name; unless names are all that is wanted, a colon follows.
    #[inline]
    pub(super) fn key(&mut self, name: &str) {
        self.string_chars = self.chars_under(name);
        self.binary_place = binary::is_place(name);
        if name == OMITTED && self.depth > 0 {
            self.frame.owns_mark = true;
        }
        if name.len() <= limits::MAX_NAME_CHARS && self.take != Take::Keys {
            self.out.name(name);
            return;
        }
        self.cutter.write(self.out, name, limits::MAX_NAME_CHARS);
        if !self.keys_only() {
            self.out.push(b':');
        }
    }

    pub(super) fn string(&mut self, text: &str) {
        let most = std::mem::replace(&mut self.string_chars, self.limits.string_chars);
        let binary_place = std::mem::take(&mut self.binary_place);
        if let Some(marker) = binary::marker(text, binary_place) {
            self.out.string(&marker);
        } else {
            self.cutter.write(self.out, text, most);
        }
    }

    /// The most bytes of a string that is surely within its limit, since a character has one byte
    /// or more.
    pub(super) fn surely_kept(&self) -> usize {
        self.string_chars.min(binary::MIN_BYTES - 1)
    }

    /// The most bytes of the next string that can matter: a character has at most four.
    pub(super) fn window_bytes(&self) -> usize {
        4 * self.string_chars + limits::CUT_MARGIN_BYTES
    }

    /// The same in JSON text, where a character takes at most twelve bytes: a pair of escapes.
    pub(super) const fn raw_window_bytes(&self) -> usize {
        12 * self.string_chars + limits::CUT_MARGIN_BYTES
    }

    pub(super) fn literal(&mut self, text: &str) {
        self.string_chars = self.limits.string_chars;
        self.out.short(text.as_bytes());
    }

    fn integer(&mut self, integer: impl itoa::Integer) {
        self.literal(itoa::Buffer::new().format(integer));
    }

    /// Writes a number as serde_json spells it; what is not finite becomes `null`.
    fn number(&mut self, number: impl Serialize) -> Result<(), Stop> {
        self.string_chars = self.limits.string_chars;
        serde_json::to_writer(&mut *self.out, &number).map_err(|_| Stop::Foreign)
    }
}

/// Cuts what is too long, and remembers what the redactor found in it.
#[derive(Debug)]
pub(crate) struct Cutter<'r> {
    redactor: &'r Redactor,
    /// `None` until something long was redacted: most events need no room for counts here.
    pub(super) counts: Option<Counts>,
    /// A rule failed, so the event must not be sent.
    pub(super) failed: bool,
}

impl<'r> Cutter<'r> {
    pub(super) fn new(redactor: &'r Redactor) -> Self {
        Self {
            redactor,
            counts: None,
            failed: false,
        }
    }

    /// Writes `text` as a JSON string of at most `most` characters; a cut never halves a secret.
    #[inline]
    pub(super) fn write(&mut self, out: &mut Out, text: &str, most: usize) {
        // A character has one byte or more.
        if text.len() <= most {
            out.string(text);
        } else {
            self.write_long(out, text, most);
        }
    }

    #[cold]
    fn write_long(&mut self, out: &mut Out, text: &str, most: usize) {
        match cut_at(text, most) {
            None => out.string(text),
            Some(cut) => self.write_cut(out, text, cut, most),
        }
    }

    /// As [`write`](Self::write), for a text whose limit the receiver checks: it also holds for
    /// the marks, which may be longer than what they hide. Returns whether the text is redacted.
    pub(super) fn write_fitting(&mut self, out: &mut Out, text: &str, most: usize) -> bool {
        /// The longest mark, of a class with a name of 40 characters, may hide a single one.
        const GROWTH: usize = 56;
        let cut = cut_at(text, most).or((text.len() > most / GROWTH).then_some(text.len()));
        match cut {
            Some(cut) => self.write_cut(out, text, cut, most),
            None => out.string(text),
        }
        cut.is_some()
    }

    /// Writes `text` up to `cut`, redacted with a look at what comes behind.
    fn write_cut(&mut self, out: &mut Out, text: &str, cut: usize, most: usize) {
        let mut end = (cut + limits::CUT_MARGIN_BYTES).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let window = text.get(..end).unwrap_or(text);
        let counts = self.counts.get_or_insert_default();
        match self.redactor.redact_cut(window, cut, counts) {
            Ok(redacted) if cut < text.len() || cut_at(&redacted, most).is_some() => {
                out.string(shortened(&redacted, most));
                out.truncate(out.len() - 1);
                out.raw(b"...\"");
            }
            Ok(redacted) => out.string(&redacted),
            Err(RuleFailed) => {
                self.failed = true;
                out.string("");
            }
        }
    }
}

/// The beginning of `text` that leaves room for three dots; a mark stays whole or goes.
fn shortened(text: &str, most: usize) -> &str {
    let Some((end, _)) = text.char_indices().nth(most.saturating_sub(3)) else {
        return text;
    };
    let kept = text.get(..end).unwrap_or(text);
    match kept.rfind(MARK_START) {
        Some(mark) if !kept.get(mark..).unwrap_or_default().contains(']') => {
            kept.get(..mark).unwrap_or(kept)
        }
        _ => kept,
    }
}

/// Returns where to cut `text` so that three dots make up `most` characters, if it has more.
pub(super) fn cut_at(text: &str, most: usize) -> Option<usize> {
    if text.len() <= most {
        return None;
    }
    let keep = most.saturating_sub(3);
    if text.as_bytes().get(..=most).is_some_and(<[u8]>::is_ascii) {
        return Some(keep);
    }
    let mut starts = text.char_indices().map(|(at, _)| at);
    let cut = starts.nth(keep)?;
    starts.nth(most - keep - 1).map(|_| cut)
}

/// A container on its way through serde.
#[derive(Debug)]
pub(crate) struct Compound<'w, 'b, 'r> {
    writer: &'w mut Writer<'b, 'r>,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// An open frame; `keep` says whether the member whose name came last is kept.
    Open {
        keep: bool,
    },
    /// Too deep: replaced by a mark, its entries unseen.
    Skipped,
    /// serde_json's number or raw value: its one field holds the text.
    Number,
    Raw,
}

impl<'w, 'b, 'r> Compound<'w, 'b, 'r> {
    fn new(writer: &'w mut Writer<'b, 'r>, is_object: bool, wrap: Option<&str>) -> Self {
        let state = if writer.open(is_object, wrap) {
            State::Open { keep: true }
        } else {
            State::Skipped
        };
        Self { writer, state }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        match self.state {
            State::Open { .. } if self.writer.entry()? => value.serialize(&mut *self.writer),
            State::Open { .. } => Ok(()),
            _ => self.pass(),
        }
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Stop> {
        match self.state {
            State::Open { .. } => {
                if self.writer.entry()? {
                    self.writer.key(name);
                    if !self.writer.keys_only() {
                        value.serialize(&mut *self.writer)?;
                    }
                }
                Ok(())
            }
            State::Skipped => self.pass(),
            State::Number | State::Raw => {
                let raw = self.state == State::Raw;
                value.serialize(Verbatim {
                    writer: &mut *self.writer,
                    raw,
                })
            }
        }
    }

    /// Counts an entry that is not looked at.
    fn pass(&mut self) -> Result<(), Stop> {
        self.writer.skipped += 1;
        if self.writer.skipped > limits::MAX_SKIPPED_NODES {
            return Err(Stop::Budget);
        }
        Ok(())
    }

    fn finish(self) {
        if matches!(self.state, State::Open { .. }) {
            self.writer.close();
        }
    }
}

macro_rules! integers {
    ($($method:ident: $type:ty),+) => {$(
        fn $method(self, v: $type) -> Result<(), Stop> {
            self.integer(v);
            Ok(())
        }
    )+};
}

impl<'w, 'b, 'r> ser::Serializer for &'w mut Writer<'b, 'r> {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = Compound<'w, 'b, 'r>;
    type SerializeTuple = Compound<'w, 'b, 'r>;
    type SerializeTupleStruct = Compound<'w, 'b, 'r>;
    type SerializeTupleVariant = Compound<'w, 'b, 'r>;
    type SerializeMap = Compound<'w, 'b, 'r>;
    type SerializeStruct = Compound<'w, 'b, 'r>;
    type SerializeStructVariant = Compound<'w, 'b, 'r>;

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128
    }

    fn serialize_f32(self, v: f32) -> Result<(), Stop> {
        self.number(v)
    }

    fn serialize_f64(self, v: f64) -> Result<(), Stop> {
        self.number(v)
    }

    fn serialize_bool(self, v: bool) -> Result<(), Stop> {
        self.literal(if v { "true" } else { "false" });
        Ok(())
    }

    fn serialize_char(self, v: char) -> Result<(), Stop> {
        self.string(v.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, v: &str) -> Result<(), Stop> {
        self.string(v);
        Ok(())
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<(), Stop> {
        self.string(&binary::bytes_marker(v));
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Stop> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Stop> {
        self.literal("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Stop> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Stop> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        let mut object = Compound::new(self, true, None);
        object.member(variant, value)?;
        object.finish();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'w, 'b, 'r>, Stop> {
        Ok(Compound::new(self, false, None))
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'w, 'b, 'r>, Stop> {
        Ok(Compound::new(self, false, None))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Compound<'w, 'b, 'r>, Stop> {
        Ok(Compound::new(self, false, None))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'w, 'b, 'r>, Stop> {
        Ok(Compound::new(self, false, Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'w, 'b, 'r>, Stop> {
        Ok(Compound::new(self, true, None))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Compound<'w, 'b, 'r>, Stop> {
        match name {
            NUMBER => Ok(Compound {
                writer: self,
                state: State::Number,
            }),
            RAW_VALUE => Ok(Compound {
                writer: self,
                state: State::Raw,
            }),
            _ => Ok(Compound::new(self, true, None)),
        }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'w, 'b, 'r>, Stop> {
        Ok(Compound::new(self, true, Some(variant)))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Stop> {
        let mut text = Bounded {
            text: String::new(),
            most: self.window_bytes(),
        };
        // The error is ours alone: it ends a text that is long enough.
        let _ = write!(text, "{value}");
        self.string(&text.text);
        Ok(())
    }
}

/// Collects the beginning of a `Display`.
struct Bounded {
    text: String,
    most: usize,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let mut end = s.len().min(self.most.saturating_sub(self.text.len()));
        while !s.is_char_boundary(end) {
            end -= 1;
        }
        self.text.push_str(s.get(..end).unwrap_or_default());
        if end < s.len() {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

/// serde has a trait for each shape; lists differ in their names alone, and so do objects.
macro_rules! lists {
    ($($shape:ident $method:ident),+) => {$(
        impl ser::$shape for Compound<'_, '_, '_> {
            type Ok = ();
            type Error = Stop;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
                self.item(value)
            }

            fn end(self) -> Result<(), Stop> {
                self.finish();
                Ok(())
            }
        }
    )+};
}

lists! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
}

macro_rules! objects {
    ($($shape:ident),+) => {$(
        impl ser::$shape for Compound<'_, '_, '_> {
            type Ok = ();
            type Error = Stop;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Stop> {
                self.member(key, value)
            }

            fn end(self) -> Result<(), Stop> {
                self.finish();
                Ok(())
            }
        }
    )+};
}

objects! { SerializeStruct, SerializeStructVariant }

impl ser::SerializeMap for Compound<'_, '_, '_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Stop> {
        if self.state == State::Skipped {
            return self.pass();
        }
        let keep = self.writer.entry()?;
        self.state = State::Open { keep };
        if keep {
            key.serialize(Key {
                writer: &mut *self.writer,
            })?;
        }
        Ok(())
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), Stop> {
        if self.state == State::Skipped {
            return self.pass();
        }
        if self.writer.entry()? {
            key.serialize(Key {
                writer: &mut *self.writer,
            })?;
            if !self.writer.keys_only() {
                value.serialize(&mut *self.writer)?;
            }
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        if self.state == (State::Open { keep: true }) && !self.writer.keys_only() {
            value.serialize(&mut *self.writer)?;
        }
        Ok(())
    }

    fn end(self) -> Result<(), Stop> {
        self.finish();
        Ok(())
    }
}

/// Refuses what the types below have no use for.
macro_rules! refuse {
    () => {
        type Ok = ();
        type Error = Stop;
        type SerializeSeq = ser::Impossible<(), Stop>;
        type SerializeTuple = ser::Impossible<(), Stop>;
        type SerializeTupleStruct = ser::Impossible<(), Stop>;
        type SerializeTupleVariant = ser::Impossible<(), Stop>;
        type SerializeMap = ser::Impossible<(), Stop>;
        type SerializeStruct = ser::Impossible<(), Stop>;
        type SerializeStructVariant = ser::Impossible<(), Stop>;

        fn serialize_bytes(self, _: &[u8]) -> Result<(), Stop> {
            Err(Stop::Foreign)
        }
        fn serialize_none(self) -> Result<(), Stop> {
            Err(Stop::Foreign)
        }
        fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
            value.serialize(self)
        }
        fn serialize_unit(self) -> Result<(), Stop> {
            Err(Stop::Foreign)
        }
        fn serialize_unit_struct(self, _: &'static str) -> Result<(), Stop> {
            Err(Stop::Foreign)
        }
        fn serialize_unit_variant(
            self,
            _: &'static str,
            _: u32,
            variant: &'static str,
        ) -> Result<(), Stop> {
            self.serialize_str(variant)
        }
        fn serialize_newtype_struct<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            value: &T,
        ) -> Result<(), Stop> {
            value.serialize(self)
        }
        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<(), Stop> {
            Err(Stop::Foreign)
        }
        fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Stop> {
            Err(Stop::Foreign)
        }
        fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Stop> {
            Err(Stop::Foreign)
        }
        fn serialize_tuple_struct(
            self,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleStruct, Stop> {
            Err(Stop::Foreign)
        }
        fn serialize_tuple_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleVariant, Stop> {
            Err(Stop::Foreign)
        }
        fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Stop> {
            Err(Stop::Foreign)
        }
        fn serialize_struct(
            self,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStruct, Stop> {
            Err(Stop::Foreign)
        }
        fn serialize_struct_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStructVariant, Stop> {
            Err(Stop::Foreign)
        }
    };
}

/// Writes a map's key: as serde_json does, numbers and booleans become strings.
struct Key<'w, 'b, 'r> {
    writer: &'w mut Writer<'b, 'r>,
}

macro_rules! keys {
    ($($method:ident: $type:ty),+) => {$(
        fn $method(self, v: $type) -> Result<(), Stop> {
            self.writer.key(&v.to_string());
            Ok(())
        }
    )+};
}

impl ser::Serializer for Key<'_, '_, '_> {
    refuse!();

    keys! {
        serialize_bool: bool, serialize_char: char,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
        serialize_f32: f32, serialize_f64: f64
    }

    fn serialize_str(self, v: &str) -> Result<(), Stop> {
        self.writer.key(v);
        Ok(())
    }
}

/// Takes the text inside serde_json's number or raw value.
struct Verbatim<'w, 'b, 'r> {
    writer: &'w mut Writer<'b, 'r>,
    raw: bool,
}

macro_rules! foreign {
    ($($method:ident: $type:ty),+) => {$(
        fn $method(self, _: $type) -> Result<(), Stop> {
            Err(Stop::Foreign)
        }
    )+};
}

impl ser::Serializer for Verbatim<'_, '_, '_> {
    refuse!();

    foreign! {
        serialize_bool: bool, serialize_char: char,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
        serialize_f32: f32, serialize_f64: f64
    }

    fn serialize_str(self, v: &str) -> Result<(), Stop> {
        if self.raw {
            text::write(self.writer, v)
        } else {
            text::write_number(self.writer, v)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str, most: usize) -> String {
        let redactor = Redactor::off();
        let mut out = Out::default();
        Cutter::new(&redactor).write(&mut out, text, most);
        serde_json::from_slice(out.as_bytes()).unwrap()
    }

    #[test]
    fn a_text_is_cut_to_its_limit_with_three_dots() {
        for (text, most, expected) in [
            ("", 16, ""),
            ("0123456789abcdef", 16, "0123456789abcdef"),
            ("0123456789abcdefg", 16, "0123456789abc..."),
            ("éééééééééééééééé", 16, "éééééééééééééééé"),
            ("ééééééééééééééééé", 16, "ééééééééééééé..."),
            (
                "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀x",
                16,
                "😀😀😀😀😀😀😀😀😀😀😀😀😀...",
            ),
        ] {
            assert_eq!(written(text, most), expected, "{text}");
        }
    }

    #[test]
    fn a_secret_at_the_cut_is_replaced_whole() {
        let redactor = Redactor::default();
        let key = format!("{}_{}", "ghp", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
        for before in 0..120 {
            let text = format!("{} {key} {}", "w".repeat(before), "tail ".repeat(100));
            let mut out = Out::default();
            let mut cutter = Cutter::new(&redactor);
            cutter.write(&mut out, &text, 100);
            let sent: String = serde_json::from_slice(out.as_bytes()).unwrap();
            assert!(!sent.contains("ghp"), "{before}: {sent}");
            assert!(sent.chars().count() <= 100, "{before}: {sent}");
            assert!(sent.ends_with("..."), "{before}: {sent}");
        }
    }

    #[test]
    fn marks_count_against_the_limit_and_are_never_halved() {
        let redactor = Redactor::default();
        // Fewer are left to the pass over the whole event: they cannot outgrow the limit.
        for count in [5, 20, 100, 1_000] {
            let mut out = Out::default();
            let text = "a@b.co ".repeat(count);
            Cutter::new(&redactor).write_fitting(&mut out, &text, 200);
            let sent: String = serde_json::from_slice(out.as_bytes()).unwrap();
            assert!(sent.chars().count() <= 200, "{count}: {sent}");
            assert!(!sent.contains("a@b"), "{count}: {sent}");
            let marks = sent.matches("[REDACTED").count();
            assert_eq!(
                marks,
                sent.matches("[REDACTED_EMAIL]").count(),
                "a mark is never halved"
            );
        }
    }

    proptest! {
        #[test]
        fn a_cut_keeps_the_beginning_and_obeys_the_limit(text in "\\PC{0,300}", most in 16_usize..200) {
            let sent = written(&text, most);
            let (sent_chars, chars) = (sent.chars().count(), text.chars().count());
            if chars <= most {
                prop_assert_eq!(sent, text);
            } else {
                prop_assert_eq!(sent_chars, most);
                let kept = sent.strip_suffix("...").unwrap();
                prop_assert!(text.starts_with(kept));
            }
        }
    }
}
