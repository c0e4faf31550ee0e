//! Finds the messages in a body that comes in pieces, within a bound.

/// How a body holds its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// It is one message, or a list of them.
    Json,
    /// They are the data of server-sent events.
    Events,
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

/// Reads one body.
#[derive(Debug)]
pub(crate) struct FrameReader {
    framing: Framing,
    max_bytes: usize,
    line: Line,
    /// What is kept of the message under way.
    message: Vec<u8>,
    /// The message under way is larger than what may be kept.
    is_over: bool,
    /// How many messages were.
    too_large: u64,
}

/// The line of an event under way.
#[derive(Debug, Default)]
struct Line {
    kept: Vec<u8>,
    /// It is larger than what may be kept.
    is_over: bool,
    /// It is not the body's first, which a byte-order mark may precede.
    is_later: bool,
    /// The last line ended with a carriage return: a line feed that follows ends the same.
    after_return: bool,
}

impl FrameReader {
    /// Begins to read a body, of whose messages no more than `max_bytes` each are kept.
    pub(crate) fn new(framing: Framing, max_bytes: usize) -> Self {
        Self {
            framing,
            max_bytes,
            line: Line::default(),
            message: Vec::new(),
            is_over: false,
            too_large: 0,
        }
    }

    /// Takes a piece of the body.
    pub(crate) fn read(&mut self, data: &[u8], mut on_message: impl FnMut(&[u8])) {
        if self.framing == Framing::Json {
            self.keep(data);
            return;
        }
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

    /// Ends the body; returns how many messages were too large to be read.
    pub(crate) fn end(mut self, mut on_message: impl FnMut(&[u8])) -> u64 {
        self.end_line(&mut on_message);
        self.end_message(&mut on_message);
        self.too_large
    }

    fn extend_line(&mut self, part: &[u8]) {
        /// A byte-order mark, the name of the field, a colon and a space.
        const BEFORE_DATA: usize = 9;
        let most = self.max_bytes.saturating_add(BEFORE_DATA);
        let room = most.saturating_sub(self.line.kept.len());
        self.line.is_over |= part.len() > room;
        let kept = part.get(..room).unwrap_or(part);
        self.line.kept.extend_from_slice(kept);
    }

    /// Takes a whole line of an event; an empty one ends the event. Fields other than the data, and
    /// comments, are passed over.
    fn end_line(&mut self, on_message: &mut impl FnMut(&[u8])) {
        let kept = std::mem::take(&mut self.line.kept);
        let mut line = kept.as_slice();
        if !std::mem::replace(&mut self.line.is_later, true) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        let is_over = std::mem::take(&mut self.line.is_over);
        if line.is_empty() {
            self.end_message(on_message);
        } else if let Some(data) = line.strip_prefix(b"data:") {
            if !self.message.is_empty() {
                self.keep(b"\n");
            }
            self.keep(data.strip_prefix(b" ").unwrap_or(data));
            self.is_over |= is_over;
        }
        self.line.kept = kept;
        self.line.kept.clear();
    }

    fn keep(&mut self, data: &[u8]) {
        if self.message.len() + data.len() > self.max_bytes {
            self.is_over = true;
            self.message = Vec::new();
        }
        if !self.is_over {
            self.message.extend_from_slice(data);
        }
    }

    fn end_message(&mut self, on_message: &mut impl FnMut(&[u8])) {
        if std::mem::take(&mut self.is_over) {
            self.too_large += 1;
        } else if !self.message.is_empty() {
            on_message(&self.message);
        }
        self.message.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(framing: Framing, body: &[u8], piece: usize) -> (Vec<String>, u64) {
        let mut reader = FrameReader::new(framing, 100);
        let mut read = Vec::new();
        let mut take = |message: &[u8]| read.push(String::from_utf8(message.to_vec()).unwrap());
        for piece in body.chunks(piece) {
            reader.read(piece, &mut take);
        }
        let too_large = reader.end(take);
        (read, too_large)
    }

    #[test]
    fn events_are_read_whatever_the_pieces_and_line_ends() {
        let body = "\u{feff}data:zero\n\n: hello\r\ndata: {\"a\":\r\ndata:1}\r\n\r\nevent: message\nid: 1\ndata: {\"b\":2}\nretry\n\ndata: {\"c\":3}\r\rdata\n\ndata: last";
        for piece in 1..body.len() {
            let (messages, too_large) = read(Framing::Events, body.as_bytes(), piece);
            assert_eq!(
                messages,
                ["zero", "{\"a\":\n1}", "{\"b\":2}", "{\"c\":3}", "last"],
                "{piece}"
            );
            assert_eq!(too_large, 0);
        }
    }

    #[test]
    fn what_is_too_large_is_counted_and_what_follows_is_read() {
        let large = "x".repeat(500);
        let body = format!("data: {large}\n\n: {large}\ndata: ok\n\ndata: 1\ndata: {large}\n\n");
        for piece in [1, 7, 50, 10_000] {
            let read = read(Framing::Events, body.as_bytes(), piece);
            assert_eq!(read, (vec!["ok".to_owned()], 2), "{piece}");
        }
        assert_eq!(read(Framing::Json, body.as_bytes(), 30), (vec![], 1));
        let small = read(Framing::Json, b"{\"a\":1}", 2);
        assert_eq!(small, (vec!["{\"a\":1}".to_owned()], 0));
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
