//! Finds the messages in a body that comes in pieces, within a bound.

/// Reads one body.
#[derive(Debug)]
pub(super) struct Reader {
    kind: Kind,
    /// What is kept of the message under way.
    kept: Vec<u8>,
    most: usize,
    /// The message under way is larger than what may be kept.
    is_over: bool,
    /// Some message was.
    was_over: bool,
}

#[derive(Debug)]
enum Kind {
    /// The body is one message, or a list of them.
    Json,
    /// The messages are the data of events. The line under way is kept apart.
    Events { line: Vec<u8>, after_return: bool },
}

impl Reader {
    pub(super) const fn json(most: usize) -> Self {
        Self::new(Kind::Json, most)
    }

    pub(super) const fn events(most: usize) -> Self {
        let kind = Kind::Events {
            line: Vec::new(),
            after_return: false,
        };
        Self::new(kind, most)
    }

    const fn new(kind: Kind, most: usize) -> Self {
        Self {
            kind,
            kept: Vec::new(),
            most,
            is_over: false,
            was_over: false,
        }
    }

    /// Takes a piece of the body.
    pub(super) fn read(&mut self, data: &[u8], mut hear: impl FnMut(&[u8])) {
        let Kind::Events { line, after_return } = &mut self.kind else {
            self.keep(data);
            return;
        };
        let mut line = std::mem::take(line);
        let mut follows_return = *after_return;
        let mut rest = data;
        while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
            let (part, more) = rest.split_at(end);
            let is_feed = more.first() == Some(&b'\n');
            rest = more.get(1..).unwrap_or_default();
            // A line feed after a carriage return ends the same line.
            if is_feed && follows_return && part.is_empty() {
                follows_return = false;
                continue;
            }
            follows_return = !is_feed;
            self.extend_line(&mut line, part);
            self.line(&line, &mut hear);
            line.clear();
        }
        if !rest.is_empty() {
            follows_return = false;
        }
        self.extend_line(&mut line, rest);
        self.kind = Kind::Events {
            line,
            after_return: follows_return,
        };
    }

    /// Ends the body; returns whether all of it was read.
    pub(super) fn end(mut self, mut hear: impl FnMut(&[u8])) -> bool {
        if let Kind::Events { line, .. } = &mut self.kind {
            let line = std::mem::take(line);
            if !line.is_empty() {
                self.line(&line, &mut hear);
            }
        }
        self.dispatch(&mut hear);
        !self.was_over
    }

    fn extend_line(&mut self, line: &mut Vec<u8>, part: &[u8]) {
        // The name of the field, and a space.
        if line.len() + part.len() > self.most + 8 {
            self.is_over = true;
        } else {
            line.extend_from_slice(part);
        }
    }

    /// Takes a whole line of an event.
    fn line(&mut self, line: &[u8], hear: &mut impl FnMut(&[u8])) {
        if line.is_empty() {
            self.dispatch(hear);
        } else if let Some(data) = line.strip_prefix(b"data:") {
            let data = data.strip_prefix(b" ").unwrap_or(data);
            if !self.kept.is_empty() {
                self.keep(b"\n");
            }
            self.keep(data);
        }
    }

    fn keep(&mut self, data: &[u8]) {
        if self.kept.len() + data.len() > self.most {
            self.is_over = true;
            self.kept = Vec::new();
        }
        if !self.is_over {
            self.kept.extend_from_slice(data);
        }
    }

    fn dispatch(&mut self, hear: &mut impl FnMut(&[u8])) {
        self.was_over |= self.is_over;
        if !std::mem::take(&mut self.is_over) && !self.kept.is_empty() {
            hear(&self.kept);
        }
        self.kept.clear();
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
