//! Finds the messages in a body that arrives in pieces, within a bound.

use std::fmt;

use super::outline::Outline;
use crate::queue::Reservation;

/// How a body holds its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// It is one message, or a list of them.
    Json,
    /// They are the data of server-sent events.
    Events,
    /// Each is on a line of its own.
    Lines,
}

impl Framing {
    /// Tells from a content type; what is not said to be events may be JSON.
    pub(crate) fn of(content_type: &str) -> Self {
        if essence(content_type).eq_ignore_ascii_case("text/event-stream") {
            Self::Events
        } else {
            Self::Json
        }
    }
}

/// Whether a content type says that a body is JSON. One that says nothing does not say otherwise.
pub(crate) fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type).to_ascii_lowercase();
    essence.is_empty() || essence.ends_with("json") || essence.contains("/json")
}

/// Returns a content type without its parameters.
fn essence(content_type: &str) -> &str {
    let end = content_type.find([';', ',']);
    content_type
        .get(..end.unwrap_or(content_type.len()))
        .unwrap_or_default()
        .trim()
}

/// A message of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame<'f> {
    Whole(&'f [u8]),
    /// The outline of a message that is larger than the bound, or for which there is no memory.
    Outline(&'f [u8]),
    /// Nothing, because the outline is too large as well.
    TooLarge,
}

impl<'f> Frame<'f> {
    pub(crate) const fn json(self) -> Option<&'f [u8]> {
        match self {
            Self::Whole(json) | Self::Outline(json) => Some(json),
            Self::TooLarge => None,
        }
    }
}

/// Reads one body. What it keeps is charged to the queue, as open calls are.
pub(crate) struct FrameReader {
    framing: Framing,
    max_bytes: usize,
    line: Line,
    message: Kept,
    held: Reservation,
}

/// What is kept of the message under way.
enum Kept {
    Whole(Vec<u8>),
    Outline(Outline),
}

impl Default for Kept {
    fn default() -> Self {
        Self::Whole(Vec::new())
    }
}

/// The line of an event under way.
#[derive(Default)]
struct Line {
    field: Field,
    /// How much of a byte-order mark has come, which may precede the body's first line.
    mark: usize,
    is_later: bool,
    /// The last line ended with a carriage return: a line feed that follows ends the same.
    after_return: bool,
}

/// Where in a line its reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    /// In the name, of which so many bytes are those of [`DATA`].
    Name(usize),
    /// Behind [`DATA`], where one blank does not count.
    DataBegins,
    Data,
    /// In a field other than the data, or a comment. They are passed over.
    Other,
}

impl Default for Field {
    fn default() -> Self {
        Self::Name(0)
    }
}

/// The name of the field of data, and its colon.
const DATA: &[u8] = b"data:";

pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl FrameReader {
    /// Begins to read a body, of whose messages no more than `max_bytes` each are kept.
    pub(crate) fn new(framing: Framing, max_bytes: usize, held: Reservation) -> Self {
        Self {
            framing,
            max_bytes,
            line: Line::default(),
            message: Kept::default(),
            held,
        }
    }

    /// Takes a piece of the body.
    pub(crate) fn read(&mut self, data: &[u8], mut on_message: impl FnMut(Frame<'_>)) {
        match self.framing {
            Framing::Json => self.keep(data),
            Framing::Events => self.read_events(data, on_message),
            Framing::Lines => {
                let mut rest = data;
                while let Some(end) = memchr::memchr(b'\n', rest) {
                    let (line, more) = rest.split_at(end);
                    rest = more.get(1..).unwrap_or_default();
                    self.take_line(line, &mut on_message);
                }
                self.keep(rest);
            }
        }
    }

    /// Takes the rest of a line. One that has come in one piece is not copied.
    fn take_line(&mut self, line: &[u8], on_message: &mut impl FnMut(Frame<'_>)) {
        let is_first = matches!(&self.message, Kept::Whole(message) if message.is_empty());
        if is_first && line.len() <= self.max_bytes {
            if !line.is_empty() {
                on_message(Frame::Whole(line));
            }
        } else {
            self.keep(line);
            self.end_message(on_message);
        }
    }

    fn read_events(&mut self, data: &[u8], mut on_message: impl FnMut(Frame<'_>)) {
        let mut rest = data;
        while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
            let (part, more) = rest.split_at(end);
            let is_feed = more.first() == Some(&b'\n');
            rest = more.get(1..).unwrap_or_default();
            let follows_return = std::mem::replace(&mut self.line.after_return, !is_feed);
            if is_feed && follows_return && part.is_empty() {
                continue;
            }
            self.extend_line(part);
            self.end_line(&mut on_message);
        }
        if !rest.is_empty() {
            self.line.after_return = false;
        }
        self.extend_line(rest);
    }

    /// Ends the body.
    pub(crate) fn end(mut self, mut on_message: impl FnMut(Frame<'_>)) {
        if self.framing == Framing::Events {
            self.end_line(&mut on_message);
        }
        self.end_message(&mut on_message);
    }

    fn extend_line(&mut self, part: &[u8]) {
        for (at, &byte) in part.iter().enumerate() {
            if self.line.field == Field::Name(0) && self.line.takes_mark(byte) {
                continue;
            }
            self.line.field = match self.line.field {
                Field::Name(n) if DATA.get(n) != Some(&byte) => Field::Other,
                Field::Name(n) if n + 1 == DATA.len() => Field::DataBegins,
                Field::Name(n) => Field::Name(n + 1),
                Field::DataBegins => {
                    self.begin_data();
                    let rest = part.get(at..).unwrap_or_default();
                    self.keep(rest.strip_prefix(b" ").unwrap_or(rest));
                    self.line.field = Field::Data;
                    return;
                }
                Field::Data => return self.keep(part),
                Field::Other => return,
            };
        }
    }

    /// Takes the end of a line of an event; an empty one ends the event.
    fn end_line(&mut self, on_message: &mut impl FnMut(Frame<'_>)) {
        match std::mem::take(&mut self.line.field) {
            Field::Name(0) => self.end_message(on_message),
            Field::DataBegins => self.begin_data(),
            Field::Name(_) | Field::Data | Field::Other => {}
        }
        self.line.is_later = true;
    }

    /// Begins a line of data, which a line feed parts from those before.
    fn begin_data(&mut self) {
        if !matches!(&self.message, Kept::Whole(message) if message.is_empty()) {
            self.keep(b"\n");
        }
    }

    fn keep(&mut self, data: &[u8]) {
        match &mut self.message {
            Kept::Outline(outline) => outline.push(data),
            Kept::Whole(message) => {
                if has_room(message, data.len(), self.max_bytes, &mut self.held) {
                    message.extend_from_slice(data);
                } else {
                    let mut outline = Outline::default();
                    outline.push(message);
                    outline.push(data);
                    self.message = Kept::Outline(outline);
                    self.held.shrink_to(0);
                }
            }
        }
    }

    fn end_message(&mut self, on_message: &mut impl FnMut(Frame<'_>)) {
        match std::mem::take(&mut self.message) {
            Kept::Whole(message) if message.is_empty() => {}
            Kept::Whole(message) => on_message(Frame::Whole(&message)),
            Kept::Outline(outline) => {
                let outline = outline.end();
                on_message(outline.as_deref().map_or(Frame::TooLarge, Frame::Outline));
            }
        }
        self.held.shrink_to(0);
    }
}

impl fmt::Debug for FrameReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FrameReader")
    }
}

impl Line {
    /// Whether a byte is the next of a byte-order mark in front of the first line.
    fn takes_mark(&mut self, byte: u8) -> bool {
        let is_mark = !self.is_later && BYTE_ORDER_MARK.get(self.mark) == Some(&byte);
        self.mark += usize::from(is_mark);
        is_mark
    }
}

/// Makes room for more of a message, if there may be so much and there is memory: it is charged before it grows.
pub(crate) fn has_room(
    message: &mut Vec<u8>,
    more: usize,
    max: usize,
    held: &mut Reservation,
) -> bool {
    let length = message.len().saturating_add(more);
    let held_now = message.capacity();
    if length > max {
        return false;
    }
    if length > held_now {
        let capacity = length.max(held_now.saturating_mul(2)).min(max);
        if !held.grow(capacity - held_now) {
            return false;
        }
        message.reserve_exact(capacity - message.len());
    }
    true
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::queue::{Bounds, Ledgers, MIN_QUEUE_BYTES, Sender, bounded};

    fn queue() -> Sender {
        let bounds = Bounds::for_tests(MIN_QUEUE_BYTES);
        bounded(bounds, Ledgers::of_one(Arc::default())).0
    }

    /// The messages of a body, and which of them are outlines.
    fn read(framing: Framing, body: &[u8], piece: usize) -> Vec<(String, bool)> {
        let queue = queue();
        let mut reader = FrameReader::new(framing, 100, queue.reserve());
        let mut read = Vec::new();
        let mut take = |frame: Frame<'_>| {
            let json = frame.json().unwrap_or(b"too large");
            let json = String::from_utf8(json.to_vec()).unwrap();
            read.push((json, !matches!(frame, Frame::Whole(_))));
        };
        for piece in body.chunks(piece) {
            reader.read(piece, &mut take);
        }
        reader.end(take);
        assert_eq!(queue.bytes(), 0);
        read
    }

    fn whole(message: &str) -> (String, bool) {
        (message.to_owned(), false)
    }

    #[test]
    fn events_are_read_whatever_the_pieces_and_line_ends() {
        let body = "\u{feff}data:zero\n\n: hello\r\ndata: {\"a\":\r\ndata:1}\r\n\r\nevent: message\nid: 1\ndata: {\"b\":2}\nretry\ndat: no\n\ndata: {\"c\":3}\r\rdata\n\ndata: a\ndata:\ndata:  last";
        for piece in 1..body.len() {
            assert_eq!(
                read(Framing::Events, body.as_bytes(), piece),
                [
                    "zero",
                    "{\"a\":\n1}",
                    "{\"b\":2}",
                    "{\"c\":3}",
                    "a\n\n last"
                ]
                .map(whole),
                "{piece}"
            );
        }
    }

    #[test]
    fn lines_are_read_whatever_the_pieces() {
        let long = "x".repeat(200);
        let body = format!("{{\"a\":1}}\n\r\n\n[2]\r\n\"{long}\"\n3\nlast");
        let cut = (format!("\"{long}\""), true);
        for piece in 1..body.len() {
            assert_eq!(
                read(Framing::Lines, body.as_bytes(), piece),
                [
                    whole("{\"a\":1}"),
                    whole("\r"),
                    whole("[2]\r"),
                    cut.clone(),
                    whole("3"),
                    whole("last")
                ],
                "{piece}"
            );
        }
    }

    #[test]
    fn of_what_is_too_large_there_is_an_outline_and_what_follows_is_read() {
        let large = format!(
            "{{\"id\":1,\"result\":{{\"x\":[\"{}\"]}}}}",
            "x".repeat(500)
        );
        let many = "[1],".repeat(10_000);
        let body = format!(
            "data: {large}\n\n: {large}\ndata: ok\n\ndata: 1\ndata: {large}\n\ndata: {{{many}}}\n\ndata: 2\n\n"
        );
        let small = "{\"id\":1,\"result\":{\"x\":null}}";
        for piece in [1, 7, 50, 100_000] {
            let read = read(Framing::Events, body.as_bytes(), piece);
            let expected = [
                (small.to_owned(), true),
                whole("ok"),
                (format!("1 {small}"), true),
                ("too large".to_owned(), true),
                whole("2"),
            ];
            assert_eq!(read, expected, "{piece}");
        }
        let queue = queue();
        let mut reader = FrameReader::new(Framing::Events, 100, queue.reserve());
        reader.read(b"data: ok\n", |_| {});
        assert!(queue.bytes() > 0);
        reader.read(b"\n", |_| {});
        assert_eq!(
            queue.bytes(),
            0,
            "a message that has been read is given back"
        );
        let outline = read(Framing::Json, large.as_bytes(), 30);
        assert_eq!(outline, [(small.to_owned(), true)]);
        assert_eq!(read(Framing::Json, b"{\"a\":1}", 2), [whole("{\"a\":1}")]);
    }

    #[test]
    fn what_is_kept_is_charged_and_without_memory_it_is_an_outline() {
        const SHARE: usize = MIN_QUEUE_BYTES / 4;
        let queue = queue();
        let mut readers: Vec<_> = (0..10)
            .map(|_| FrameReader::new(Framing::Json, SHARE, queue.reserve()))
            .collect();
        let body = format!("{{\"id\":1,\"params\":[[\"{}\"]]}}", "x".repeat(SHARE / 2));
        for piece in body.as_bytes().chunks(1_000) {
            for reader in &mut readers {
                reader.read(piece, |_| {});
                assert!(queue.bytes() <= SHARE);
            }
        }
        assert!(queue.bytes() > SHARE / 4);
        let mut outlines = 0;
        for reader in readers {
            reader.end(|frame| match frame {
                Frame::Whole(json) => assert_eq!(json, body.as_bytes()),
                Frame::Outline(json) => {
                    assert_eq!(json, b"{\"id\":1,\"params\":[null]}");
                    outlines += 1;
                }
                Frame::TooLarge => panic!("no outline"),
            });
        }
        assert!((1..10).contains(&outlines), "{outlines}");
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn a_content_type_is_told_in_any_case_and_with_any_parameters() {
        for (content_type, framing, json) in [
            ("text/event-stream", Framing::Events, false),
            ("Text/Event-Stream;charset=UTF-8", Framing::Events, false),
            (" TEXT/EVENT-STREAM ; a=b", Framing::Events, false),
            ("text/event-streams", Framing::Json, false),
            ("application/json", Framing::Json, true),
            ("Application/JSON; charset=utf-8", Framing::Json, true),
            ("application/json-rpc", Framing::Json, true),
            ("application/problem+json", Framing::Json, true),
            ("", Framing::Json, true),
            ("text/html", Framing::Json, false),
            ("multipart/form-data; boundary=json", Framing::Json, false),
        ] {
            assert_eq!(Framing::of(content_type), framing, "{content_type}");
            assert_eq!(is_json(content_type), json, "{content_type}");
        }
    }
}
