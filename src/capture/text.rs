//! JSON text on its way into an event: copied within the limits, without being parsed into a tree.

use super::json::{Stop, Writer};
use crate::limits;

/// A number longer than this is not one that anybody computes with; it is kept as a string.
const MAX_NUMBER_BYTES: usize = 64;

/// Writes one JSON value given as text; anything else is [`Stop::Foreign`].
pub(crate) fn write(writer: &mut Writer<'_, '_>, text: &str) -> Result<(), Stop> {
    let mut source = Source {
        text,
        at: 0,
        passed: 0,
    };
    source.value(writer)?;
    source.space();
    if source.at == text.len() {
        Ok(())
    } else {
        Err(Stop::Foreign)
    }
}

/// Writes a number given as text.
pub(crate) fn write_number(writer: &mut Writer<'_, '_>, text: &str) -> Result<(), Stop> {
    if !is_number(text) {
        return Err(Stop::Foreign);
    }
    if text.len() <= MAX_NUMBER_BYTES {
        writer.literal(text);
    } else {
        writer.string(text);
    }
    Ok(())
}

/// Follows the grammar of RFC 8259.
fn is_number(text: &str) -> bool {
    fn digits(bytes: &[u8]) -> (&[u8], bool) {
        let count = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
        (bytes.get(count..).unwrap_or_default(), count > 0)
    }
    let bytes = text.as_bytes();
    let bytes = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let (mut rest, mut good) = match bytes.strip_prefix(b"0") {
        Some(rest) => (rest, true),
        None => digits(bytes),
    };
    if let Some(fraction) = rest.strip_prefix(b".") {
        let (after, any) = digits(fraction);
        (rest, good) = (after, good && any);
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let unsigned = exponent
            .strip_prefix(b"+")
            .or_else(|| exponent.strip_prefix(b"-"))
            .unwrap_or(exponent);
        let (after, any) = digits(unsigned);
        (rest, good) = (after, good && any);
    }
    good && rest.is_empty()
}

struct Source<'t> {
    text: &'t str,
    at: usize,
    /// Bytes passed over beyond the limits.
    passed: usize,
}

impl<'t> Source<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The length of the run of such bytes, as far as the budget for what is passed over reaches.
    fn run(&self, class: impl Fn(u8) -> bool) -> usize {
        let rest = self.rest().iter().take(limits::MAX_SKIPPED_BYTES);
        rest.take_while(|&&b| class(b)).count()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Stop> {
        self.space();
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(Stop::Foreign)
        }
    }

    /// Recurses no deeper than the limit of depth: a container beyond it is passed over.
    fn value(&mut self, writer: &mut Writer<'_, '_>) -> Result<(), Stop> {
        self.space();
        match self.peek() {
            Some(b'"') => self.string(writer),
            Some(b'{') => self.container(writer, true),
            Some(b'[') => self.container(writer, false),
            Some(b't') => self.word(writer, "true"),
            Some(b'f') => self.word(writer, "false"),
            Some(b'n') => self.word(writer, "null"),
            _ => {
                let length =
                    self.run(|b| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
                let number = self.text.get(self.at..self.at + length).unwrap_or_default();
                self.at += length;
                write_number(writer, number)
            }
        }
    }

    fn word(&mut self, writer: &mut Writer<'_, '_>, word: &'static str) -> Result<(), Stop> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(Stop::Foreign);
        }
        self.at += word.len();
        writer.literal(word);
        Ok(())
    }

    fn container(&mut self, writer: &mut Writer<'_, '_>, is_object: bool) -> Result<(), Stop> {
        let close = if is_object { b'}' } else { b']' };
        let start = self.at;
        if !writer.open(is_object, None) {
            self.at = start;
            return self.pass_value();
        }
        self.at += 1;
        self.space();
        if self.peek() == Some(close) {
            self.at += 1;
            writer.close();
            return Ok(());
        }
        loop {
            let keep = writer.entry()?;
            if is_object {
                self.space();
                let name = self.raw_string(limits::CUT_MARGIN_BYTES)?;
                self.expect(b':')?;
                if keep {
                    match name {
                        Raw::Plain(name) => writer.key(name),
                        Raw::Unended(_) => return Err(Stop::Budget),
                        Raw::Escaped(name) => {
                            writer.key(&unescape(
                                name,
                                limits::MAX_NAME_CHARS + limits::CUT_MARGIN_BYTES,
                            )?);
                        }
                    }
                }
            }
            self.space();
            if keep && !(is_object && writer.keys_only()) {
                self.value(writer)?;
            } else {
                self.pass_value()?;
            }
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b) if b == close => {
                    self.at += 1;
                    writer.close();
                    return Ok(());
                }
                _ => return Err(Stop::Foreign),
            }
        }
    }

    fn string(&mut self, writer: &mut Writer<'_, '_>) -> Result<(), Stop> {
        let most = writer.surely_kept();
        let start = self.at;
        match self.raw_string(writer.raw_window_bytes())? {
            Raw::Plain(text) if text.len() > most => writer.string(text),
            Raw::Escaped(raw) if raw.len() > most => {
                writer.string(&unescape(raw, writer.window_bytes())?);
            }
            Raw::Escaped(raw) => {
                check_escapes(raw)?;
                writer.literal(self.text.get(start..self.at).unwrap_or("\"\""));
            }
            Raw::Plain(_) => writer.literal(self.text.get(start..self.at).unwrap_or("\"\"")),
            Raw::Unended(raw) => {
                writer.string(&unescape(raw, writer.window_bytes())?);
                return Err(Stop::Budget);
            }
        }
        Ok(())
    }

    /// Steps over a string and returns what is between its quotes. Beyond `window` bytes it is
    /// looked at only as far as the budget for what is passed over reaches.
    fn raw_string(&mut self, window: usize) -> Result<Raw<'t>, Stop> {
        if self.peek() != Some(b'"') {
            return Err(Stop::Foreign);
        }
        let start = self.at + 1;
        let budget = window + limits::MAX_SKIPPED_BYTES.saturating_sub(self.passed);
        let mut reach = self.text.len().min(start + budget);
        while !self.text.is_char_boundary(reach) {
            reach -= 1;
        }
        let bytes = self.text.get(..reach).unwrap_or_default().as_bytes();
        let mut at = start;
        let mut escapes = false;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(found) = memchr::memchr2(b'"', b'\\', rest) else {
                return self.unended(start, at, reach);
            };
            let end = at + found;
            if bytes.get(end) == Some(&b'\\') {
                // No escape is longer than two that make up a pair.
                if end + 12 > reach && reach < self.text.len() {
                    return self.unended(start, end, end);
                }
                escapes = true;
                at = end + 2;
                continue;
            }
            self.at = end + 1;
            self.passed += (end - start).saturating_sub(window);
            let raw = self.text.get(start..end).ok_or(Stop::Foreign)?;
            if raw.bytes().any(|b| b < 0x20) {
                return Err(Stop::Foreign);
            }
            return Ok(if escapes {
                Raw::Escaped(raw)
            } else {
                Raw::Plain(raw)
            });
        }
    }

    /// A string whose end was not found: it is longer than what is looked at, or it has none.
    fn unended(&self, start: usize, at: usize, end: usize) -> Result<Raw<'t>, Stop> {
        if end >= self.text.len() || at > end {
            return Err(Stop::Foreign);
        }
        self.text
            .get(start..end)
            .map(Raw::Unended)
            .ok_or(Stop::Foreign)
    }

    /// Steps over one value unseen, without recursion.
    fn pass_value(&mut self) -> Result<(), Stop> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            self.space();
            match self.peek() {
                Some(b'"') => {
                    if let Raw::Unended(_) = self.raw_string(0)? {
                        return Err(Stop::Budget);
                    }
                }
                Some(b'{' | b'[') => {
                    self.at += 1;
                    depth += 1;
                }
                Some(b'}' | b']') if depth > 0 => {
                    self.at += 1;
                    depth -= 1;
                }
                Some(b',' | b':') if depth > 0 => self.at += 1,
                Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'a'..=b'z' | b'E') => {
                    self.at += self.run(
                        |b| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'a'..=b'z' | b'E'),
                    );
                }
                _ => return Err(Stop::Foreign),
            }
            if self.passed + (self.at - start) > limits::MAX_SKIPPED_BYTES {
                return Err(Stop::Budget);
            }
            if depth == 0 {
                self.passed += self.at - start;
                return Ok(());
            }
        }
    }
}

enum Raw<'t> {
    Plain(&'t str),
    Escaped(&'t str),
    /// The beginning of one that is too long to look at.
    Unended(&'t str),
}

/// Reads the escapes of a string up to `most` bytes; half of a surrogate pair becomes U+FFFD.
fn unescape(raw: &str, most: usize) -> Result<String, Stop> {
    let mut text = String::with_capacity(raw.len().min(most));
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        text.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        let (character, length) = escape(rest)?;
        text.push(character);
        rest = rest.get(length..).unwrap_or_default();
        if text.len() >= most {
            return Ok(text);
        }
    }
    text.push_str(rest);
    Ok(text)
}

/// Checks that each escape is one JSON knows.
fn check_escapes(raw: &str) -> Result<(), Stop> {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        rest = rest.get(at + 1..).unwrap_or_default();
        let (_, length) = escape(rest)?;
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(())
}

/// Reads one escape behind its backslash: the character, and how many bytes spell it.
fn escape(rest: &str) -> Result<(char, usize), Stop> {
    fn unit(rest: &str) -> Option<u32> {
        let hex = rest.get(1..5)?;
        hex.bytes().all(|b| b.is_ascii_hexdigit()).then_some(())?;
        u32::from_str_radix(hex, 16).ok()
    }
    let character = match rest.as_bytes().first() {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => {
            let first = unit(rest).ok_or(Stop::Foreign)?;
            if let Some(character) = char::from_u32(first) {
                return Ok((character, 5));
            }
            let second = rest
                .get(5..)
                .and_then(|next| next.strip_prefix('\\'))
                .filter(|next| next.starts_with('u'))
                .and_then(unit);
            return Ok(match second {
                Some(low @ 0xdc00..=0xdfff) if first < 0xdc00 => {
                    let code = 0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00);
                    (char::from_u32(code).unwrap_or('\u{fffd}'), 11)
                }
                _ => ('\u{fffd}', 5),
            });
        }
        _ => return Err(Stop::Foreign),
    };
    Ok((character, 1))
}
