//! Finds the messages in a body that comes in pieces, within a bound.

/// Reads one body.
#[derive(Debug)]
pub(super) struct Reader {
    /// Whether the messages are the data of server-sent events; else the body is one message, or a
    /// list of them.
    is_events: bool,
    /// The line of an event under way.
    line: Vec<u8>,
    /// Whether the last line ended with a carriage return: a line feed that follows ends the same.
    after_return: bool,
    /// What is kept of the message under way.
    message: Vec<u8>,
    max_bytes: usize,
    /// The message under way is larger than what may be kept.
    is_over: bool,
    /// Some message was.
    was_over: bool,
}

impl Reader {
    pub(super) const fn json(max_bytes: usize) -> Self {
        Self::new(false, max_bytes)
    }

    pub(super) const fn events(max_bytes: usize) -> Self {
        Self::new(true, max_bytes)
    }

    const fn new(is_events: bool, max_bytes: usize) -> Self {
        Self {
            is_events,
            line: Vec::new(),
            after_return: false,
            message: Vec::new(),
            max_bytes,
            is_over: false,
            was_over: false,
        }
    }

    /// Takes a piece of the body.
    pub(super) fn read(&mut self, data: &[u8], mut on_message: impl FnMut(&[u8])) {
        if !self.is_events {
            self.keep(data);
            return;
        }
        let mut rest = data;
        while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
            let (part, more) = rest.split_at(end);
            let is_feed = more.first() == Some(&b'\n');
            rest = more.get(1..).unwrap_or_default();
            let follows_return = std::mem::replace(&mut self.after_return, !is_feed);
            if is_feed && follows_return && part.is_empty() {
                continue;
            }
            self.extend_line(part);
            self.end_line(&mut on_message);
        }
        if !rest.is_empty() {
            self.after_return = false;
        }
        self.extend_line(rest);
    }

    /// Ends the body; returns whether all of it was read.
    pub(super) fn end(mut self, mut on_message: impl FnMut(&[u8])) -> bool {
        if !self.line.is_empty() {
            self.end_line(&mut on_message);
        }
        self.end_message(&mut on_message);
        !self.was_over
    }

    fn extend_line(&mut self, part: &[u8]) {
        // The name of the field, and a space.
        if self.line.len() + part.len() > self.max_bytes + 8 {
            self.is_over = true;
        } else {
            self.line.extend_from_slice(part);
        }
    }

    /// Takes a whole line of an event; an empty one ends the event.
    fn end_line(&mut self, on_message: &mut impl FnMut(&[u8])) {
        let mut line = std::mem::take(&mut self.line);
        if line.is_empty() {
            self.end_message(on_message);
        } else if let Some(data) = line.strip_prefix(b"data:") {
            if !self.message.is_empty() {
                self.keep(b"\n");
            }
            self.keep(data.strip_prefix(b" ").unwrap_or(data));
        }
        line.clear();
        self.line = line;
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
        self.was_over |= self.is_over;
        if !std::mem::take(&mut self.is_over) && !self.message.is_empty() {
            on_message(&self.message);
        }
        self.message.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(mut reader: Reader, body: &[u8], piece: usize) -> (Vec<String>, bool) {
        let mut heard = Vec::new();
        let mut hear = |message: &[u8]| heard.push(String::from_utf8(message.to_vec()).unwrap());
        for piece in body.chunks(piece) {
            reader.read(piece, &mut hear);
        }
        let is_whole = reader.end(hear);
        (heard, is_whole)
    }

    #[test]
    fn events_are_read_whatever_the_pieces_and_line_ends() {
        let body = ": hello\r\ndata: {\"a\":\r\ndata:1}\r\n\r\nevent: message\nid: 1\ndata: {\"b\":2}\n\ndata: {\"c\":3}\r\rdata: last";
        for piece in 1..body.len() {
            let (messages, is_whole) = heard(Reader::events(100), body.as_bytes(), piece);
            assert_eq!(
                messages,
                ["{\"a\":\n1}", "{\"b\":2}", "{\"c\":3}", "last"],
                "{piece}"
            );
            assert!(is_whole);
        }
    }

    #[test]
    fn what_is_too_large_is_passed_over_and_what_follows_is_read() {
        let body = format!("data: {}\n\ndata: ok\n\n", "x".repeat(500));
        for piece in [1, 7, 50, 1_000] {
            let (messages, is_whole) = heard(Reader::events(100), body.as_bytes(), piece);
            assert_eq!(messages, ["ok"], "{piece}");
            assert!(!is_whole);
        }
        let (messages, is_whole) = heard(Reader::json(100), body.as_bytes(), 30);
        assert!(messages.is_empty() && !is_whole);
        let (messages, is_whole) = heard(Reader::json(100), b"{\"a\":1}", 2);
        assert_eq!((messages, is_whole), (vec!["{\"a\":1}".to_owned()], true));
    }
}
