//! JSON text that is within all limits, as most is: read once, and copied in long stretches. Without this way, a
//! typical event whose arguments are text takes 18 260 instructions more (of 21 230).

use smallvec::SmallVec;
use wide::u8x16;

use crate::base::text::sixteen_of;
use crate::capture::buffer::escapes;
use crate::capture::json_grammar::{MAX_NUMBER_BYTES, escapes_are_sound, is_in_range, is_number};
use crate::capture::names::{Names, Own};
use crate::capture::writer::{NextString, ValueWriter};
use crate::capture::{binary, cutter};
use crate::limits;
use crate::redact::{Prose, Seen};

/// Writes `text` if it is one JSON value of which nothing has to be cut or left out. Returns `false`
/// otherwise, and nothing is written.
pub(super) fn write(writer: &mut ValueWriter<'_, '_>, text: &str) -> bool {
    let start = writer.out.len();
    let room = writer.end.saturating_sub(start);
    // Bounds the work that is done twice.
    if text.len() > room.min(limits::MAX_EVENT_BYTES) || !writer.takes_value() {
        return false;
    }
    let mark = writer
        .recorder
        .as_ref()
        .map(|recorder| recorder.tape.mark());
    let written = Copier::new(writer, text).copy().is_some();
    if !written {
        writer.out.truncate(start);
        if let (Some(recorder), Some(mark)) = (&mut writer.recorder, mark) {
            recorder.tape.rewind(mark);
        }
    }
    written
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    /// A value, or the end of an empty list.
    FirstItem,
    Name,
    /// A name, or the end of an empty object.
    FirstName,
    Colon,
    /// A comma, or the end of the innermost container.
    CommaOrEnd,
}

/// An open container.
#[derive(Clone, Copy, Default)]
struct CopiedContainer {
    is_object: bool,
    /// How many entries may still follow.
    left: u32,
    names: Own,
}

struct Copier<'w, 'b, 'r, 't> {
    writer: &'w mut ValueWriter<'b, 'r>,
    text: &'t str,
    at: usize,
    /// Up to here the text has been copied, or was white space.
    copied: usize,
    /// While none is open, one whose counts mean nothing. By itself, since each comma asks for it.
    innermost: CopiedContainer,
    /// The containers around it. No array: it would be cleared for each event.
    outer: SmallVec<[CopiedContainer; 8]>,
    /// How many are open.
    depth: usize,
    names: Names,
    next_string: NextString,
}

impl<'w, 'b, 'r, 't> Copier<'w, 'b, 'r, 't> {
    fn new(writer: &'w mut ValueWriter<'b, 'r>, text: &'t str) -> Self {
        Self {
            next_string: writer.next_string(),
            writer,
            text,
            at: 0,
            copied: 0,
            innermost: CopiedContainer::default(),
            outer: SmallVec::new(),
            depth: 0,
            names: Names::default(),
        }
    }

    fn copy(mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        let mut next = Next::Value;
        while let Some(&byte) = bytes.get(self.at) {
            next = match (byte, next) {
                (b'"', Next::Name | Next::FirstName) => {
                    self.name()?;
                    self.behind_name()
                }
                (b'"', Next::Value | Next::FirstItem) => {
                    self.string()?;
                    self.behind_value()?
                }
                (b':', Next::Colon) => self.step(Next::Value),
                (b',', Next::CommaOrEnd) => self.comma()?,
                (b'{', Next::Value | Next::FirstItem) => {
                    self.open(true)?;
                    self.step(Next::FirstName)
                }
                (b'[', Next::Value | Next::FirstItem) => {
                    self.open(false)?;
                    self.step(Next::FirstItem)
                }
                (b'}', Next::CommaOrEnd | Next::FirstName) if self.innermost()?.is_object => {
                    let own = self.innermost()?.names;
                    self.names.close(own);
                    self.close()?
                }
                (b']', Next::CommaOrEnd | Next::FirstItem) if !self.innermost()?.is_object => {
                    self.close()?
                }
                (b' ' | b'\t' | b'\n' | b'\r', _) => {
                    self.flush();
                    self.copied += 1;
                    self.step(next)
                }
                (_, Next::Value | Next::FirstItem) => {
                    self.literal()?;
                    self.behind_value()?
                }
                _ => return None,
            };
        }
        (self.depth == 0 && next == Next::CommaOrEnd).then(|| self.flush())
    }

    /// Where a byte of the text stands in what is written.
    fn written_at(&self, at: usize) -> usize {
        self.writer.out.len() + at - self.copied
    }

    /// Steps over the end of the innermost container.
    fn close(&mut self) -> Option<Next> {
        self.depth -= 1;
        self.innermost = self.outer.pop().unwrap_or_default();
        self.at += 1;
        let end = self.written_at(self.at);
        if let Some(recorder) = &mut self.writer.recorder {
            recorder.tape.close(end);
        }
        self.behind_value()
    }

    /// What comes behind a name. Colons and commas stand right behind what they follow, as a rule, and are stepped over
    /// with it: half the rounds.
    #[inline(always)]
    fn behind_name(&mut self) -> Next {
        match self.text.as_bytes().get(self.at) {
            Some(b':') => self.step(Next::Value),
            _ => Next::Colon,
        }
    }

    /// What comes behind a value.
    #[inline(always)]
    fn behind_value(&mut self) -> Option<Next> {
        match self.text.as_bytes().get(self.at) {
            Some(b',') => self.comma(),
            _ => Some(Next::CommaOrEnd),
        }
    }

    #[inline(always)]
    fn comma(&mut self) -> Option<Next> {
        let container = self.innermost()?;
        container.left = container.left.checked_sub(1)?;
        let is_object = container.is_object;
        Some(self.step(if is_object { Next::Name } else { Next::Value }))
    }

    /// Steps over one byte.
    fn step(&mut self, next: Next) -> Next {
        self.at += 1;
        next
    }

    /// Copies what was read since the last copy.
    fn flush(&mut self) {
        let stretch = self.text.as_bytes().get(self.copied..self.at);
        self.writer.out.raw(stretch.unwrap_or_default());
        self.copied = self.at;
    }

    fn innermost(&mut self) -> Option<&mut CopiedContainer> {
        (self.depth > 0).then_some(&mut self.innermost)
    }

    fn open(&mut self, is_object: bool) -> Option<()> {
        let most = self.writer.most_entries(self.depth, is_object)?;
        let at = self.written_at(self.at);
        if let Some(recorder) = &mut self.writer.recorder {
            recorder.tape.open(at, !is_object);
        }
        let left = most.checked_sub(1)? as u32;
        if self.depth > 0 {
            self.outer.push(self.innermost);
        }
        self.depth += 1;
        self.innermost = CopiedContainer {
            is_object,
            left,
            names: self.names.open(),
        };
        Some(())
    }

    fn name(&mut self) -> Option<()> {
        if let Some(place) = self.known_name() {
            return self.innermost.names.add_known(place).then_some(());
        }
        let start = self.at;
        let (name, escapes) = self.quoted()?;
        if escapes || name.len() > limits::MAX_NAME_CHARS {
            return None;
        }
        self.expect_under(name);
        let from = self.written_at(start + 1);
        let place = (from, from + name.len());
        let text = self.text.as_bytes();
        let recorder = &mut self.writer.recorder;
        let known = recorder
            .as_mut()
            .and_then(|recorder| recorder.name(text, start + 1, place, false));
        let own = &mut self.innermost.names;
        let is_new = match known {
            Some(place) => own.add_known(place),
            None => self.names.add(own, text.get(..self.at)?, start),
        };
        is_new.then_some(())
    }

    /// Steps over a short name that the redactor knows, as most are; returns its place there. The sixteen bytes in which
    /// its end is looked for are its key: 1 300 instructions less of a text with 17 names.
    #[inline(always)]
    fn known_name(&mut self) -> Option<usize> {
        let (bytes, start) = (self.text.as_bytes(), self.at + 1);
        let sixteen = bytes.get(start..)?.first_chunk()?;
        // What is known has no escape in front of a quote.
        let quotes = u8x16::new(*sixteen).cmp_eq(u8x16::splat(b'"')).move_mask();
        let len = quotes.trailing_zeros() as usize;
        let name = sixteen.get(..len)?;
        let short = u128::from_le_bytes(*sixteen) & !(u128::MAX << (8 * len));
        let from = self.written_at(start);
        let recorder = self.writer.recorder.as_mut()?;
        let place = recorder.short_name(short, (from, from + len))?;
        self.expect_under(name);
        self.at = start + len + 1;
        Some(place)
    }

    /// Notes what a member's name says of the value that comes. Bytes, since to ask whether a text begins at a character
    /// costs as much as to copy it.
    #[inline(always)]
    fn expect_under(&mut self, name: &[u8]) {
        self.next_string.max_chars = self.writer.chars_under(name);
        self.next_string.binary_place = binary::is_place(name);
    }

    fn string(&mut self) -> Option<()> {
        let most = std::mem::replace(
            &mut self.next_string.max_chars,
            self.writer.limits.string_chars,
        );
        let binary_place = std::mem::take(&mut self.next_string.binary_place);
        let start = self.at;
        let prose = self.prose();
        let is_prose = prose.is_some();
        let (bytes, escapes) = match prose {
            Some(bytes) => (bytes, false),
            None => self.quoted()?,
        };
        let from = self.written_at(start + 1);
        if let Some(recorder) = &mut self.writer.recorder {
            let seen = if escapes {
                Seen::Escaped
            } else if is_prose {
                Seen::Quiet
            } else {
                recorder.tape.masks.see(bytes)
            };
            let place = (from, from + bytes.len());
            recorder.string(self.text.as_bytes(), start + 1, place, seen);
        }
        // A character has one byte or more, and an escape more than what it stands for.
        let is_short = bytes.len() <= most && bytes.len() < binary::MIN_BYTES;
        if is_short && !escapes {
            return Some(());
        }
        let text = self.text.get(start + 1..start + 1 + bytes.len())?;
        if escapes && !escapes_are_sound(text).ok()? {
            return None;
        }
        if is_short {
            return Some(());
        }
        let whole = if escapes {
            text.len() <= most && !binary_place && !binary::may_begin(text)
        } else {
            binary::marker(text, binary_place).is_none() && cutter::cut_at(text, most).is_none()
        };
        whole.then_some(())
    }

    /// Steps over a string that is prose, in one pass with the search for its end.
    fn prose(&mut self) -> Option<&'t [u8]> {
        let (bytes, start) = (self.text.as_bytes(), self.at + 1);
        let (mut end, mut prose) = (start, Prose::default());
        loop {
            let rest = bytes.get(end..)?;
            let reach = match rest.first_chunk() {
                Some(sixteen) => prose.reach(sixteen),
                None => prose.reach(&sixteen_of(rest).to_le_bytes()),
            };
            end += reach;
            if reach < 16 {
                break;
            }
        }
        let is_prose = bytes.get(end) == Some(&b'"') && prose.is_quiet();
        let string = bytes.get(start..end).filter(|_| is_prose)?;
        self.at = end + 1;
        Some(string)
    }

    /// Steps over a string; returns what is between its quotes, and whether it has escapes.
    fn quoted(&mut self) -> Option<(&'t [u8], bool)> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut at = start;
        let mut has_escapes = false;
        loop {
            let rest = bytes.get(at..)?;
            let end = match rest.first_chunk() {
                Some(sixteen) => match escapes(sixteen) {
                    0 => {
                        at += 16;
                        continue;
                    }
                    found => at + found.trailing_zeros() as usize,
                },
                None => {
                    at + rest
                        .iter()
                        .position(|&b| b < 0x20 || matches!(b, b'"' | b'\\'))?
                }
            };
            match bytes.get(end)? {
                b'"' => {
                    self.at = end + 1;
                    return Some((bytes.get(start..end)?, has_escapes));
                }
                b'\\' => {
                    has_escapes = true;
                    at = end + 2;
                }
                _ => return None,
            }
        }
    }

    fn literal(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let word = |word: &str| rest.starts_with(word).then_some(word.len());
        let length = match rest.as_bytes().first()? {
            b't' => word("true")?,
            b'f' => word("false")?,
            b'n' => word("null")?,
            _ => {
                let bytes = rest.bytes().take(MAX_NUMBER_BYTES + 1);
                let is_part = |b: &u8| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                let length = bytes.take_while(is_part).count();
                let number = rest.get(..length)?;
                let fits = length <= MAX_NUMBER_BYTES && is_in_range(number);
                (fits && is_number(number)).then_some(length)?
            }
        };
        self.next_string.max_chars = self.writer.limits.string_chars;
        let from = self.written_at(self.at);
        if let Some(recorder) = &mut self.writer.recorder {
            let place = (from, from + length);
            if matches!(rest.as_bytes().first(), Some(b't' | b'f' | b'n')) {
                recorder.tape.word(place);
            } else {
                recorder.tape.number(place);
            }
        }
        self.at += length;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::buffer::JsonBuffer;
    use crate::capture::cutter::Cutter;
    use crate::capture::writer::Capture;
    use crate::limits::Limits;
    use crate::redact::{Buffers, Redactor};

    /// What is written of a text, if it is copied whole.
    fn copied(text: &str, capture: Capture, end: usize) -> Option<String> {
        let (limits, redactor) = (Limits::default(), Redactor::off());
        let mut out = JsonBuffer::default();
        out.raw(b"before");
        let mut cutter = Cutter::new(&redactor);
        let whole = write(
            &mut ValueWriter::new(&mut out, &limits, &mut cutter, capture, end),
            text,
        );
        let written = str::from_utf8(out.as_bytes()).unwrap();
        let written = written.strip_prefix("before").unwrap().to_owned();
        assert!(whole || written.is_empty(), "{written}");
        whole.then_some(written)
    }

    const VALUE: Capture = Capture::Value { arguments: true };

    #[test]
    fn what_is_within_the_limits_is_copied_without_its_white_space() {
        for (text, expected) in [
            ("null", "null"),
            (" [ ] ", "[]"),
            ("{}", "{}"),
            (
                "{\"a\" : [1, -2.5e+3 ,true,\n\tfalse ] , \"b\":{ \"c\": \"d e\\n\\u00e9\\ud83d\\ude00\" }}",
                "{\"a\":[1,-2.5e+3,true,false],\"b\":{\"c\":\"d e\\n\\u00e9\\ud83d\\ude00\"}}",
            ),
        ] {
            assert_eq!(copied(text, VALUE, 1_000).as_deref(), Some(expected));
        }
        let query = format!("{{\"query\":\"{}\"}}", "é".repeat(limits::MAX_QUERY_CHARS));
        assert_eq!(copied(&query, VALUE, 10_000).as_deref(), Some(&*query));
        let line = "a line\\n".repeat(100);
        let text = format!("[\"{line}\",{{\"data\":\"short\"}}]");
        assert_eq!(copied(&text, VALUE, 10_000).as_deref(), Some(&*text));
    }

    #[test]
    fn what_must_be_cut_or_replaced_is_left_to_the_careful_way() {
        let png = format!("iVBORw0KGgo{}", "A".repeat(200));
        let nested = "[".repeat(limits::MAX_DEPTH + 2) + &"]".repeat(limits::MAX_DEPTH + 2);
        let items = format!("[{}0]", "0,".repeat(limits::MAX_LIST_ITEMS));
        let member = |n| format!("\"{n}\":0,");
        let members: String = (0..limits::MAX_TOP_KEYS).map(member).collect();
        for text in [
            format!(
                "{{\"query\":\"{}\"}}",
                "x".repeat(limits::MAX_QUERY_CHARS + 1)
            ),
            format!("\"{}\"", "é".repeat(limits::MAX_STRING_CHARS + 1)),
            format!("{{\"{}\":0}}", "n".repeat(limits::MAX_NAME_CHARS + 1)),
            format!("\"{png}\""),
            format!("\"{}\"", png.replace('K', "\\u004b")),
            format!("\"data:image/png;base64,{}\\n\"", "A".repeat(200)),
            format!("{{\"data\":\"a1B{}\"}}", "A".repeat(200)),
            format!("{{{members}\"last\":0}}"),
            "1".repeat(MAX_NUMBER_BYTES + 1),
            "\"\\ud83d\"".to_owned(),
            "{\"\\u0061\":0}".to_owned(),
            nested,
            items,
        ] {
            assert_eq!(copied(&text, VALUE, 100_000), None, "{text}");
        }
        assert_eq!(copied("{\"a\":0}", Capture::NamesOnly, 1_000), None);
        assert_eq!(copied("{\"a\":0}", VALUE, 10), None, "no room");
    }

    #[test]
    fn a_word_that_is_long_enough_for_a_key_is_looked_at() {
        for (text, is_looked_at) in [
            (r#"["of short words, all of them"]"#, false),
            (r#"["abcdefghijkl"]"#, true),
            (r#"["a few more, abcdefghijklm and others"]"#, true),
        ] {
            let (limits, redactor) = (Limits::default(), Redactor::default());
            let (mut out, mut buffers) = (JsonBuffer::default(), Buffers::default());
            let mut cutter = Cutter::new(&redactor);
            let mut writer = ValueWriter::new(&mut out, &limits, &mut cutter, VALUE, 1_000);
            writer.recorder = redactor.recorder(&mut buffers);
            assert!(write(&mut writer, text));
            let recorder = writer.recorder.unwrap();
            assert_eq!(recorder.tape.masks.len() > 0, is_looked_at, "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_not_copied() {
        for text in [
            "",
            " ",
            "[",
            "]",
            "[}",
            "{]",
            "[,]",
            "[1,]",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{1:2}",
            "[1 2]",
            "1 2",
            "tru",
            "nulls",
            "01",
            "\"",
            "\"\\x\"",
            "\"\u{1}\"",
            "[\"a\"\"b\"]",
            "{\"a\":1}}",
            "\"a\":1",
        ] {
            assert_eq!(copied(text, VALUE, 1_000), None, "{text}");
        }
    }
}
