//! The data of a server-sent event, and where it stands in the event's text.

use std::ops::Range;

use super::framing::BYTE_ORDER_MARK;
use super::splice::Splices;

/// The data of an event, whose lines a line feed parts.
#[derive(Debug, Default)]
pub(crate) struct EventText {
    pub(crate) data: Vec<u8>,
    /// Where each line stands in the data, and where in the event.
    lines: Vec<(Range<usize>, usize)>,
}

impl EventText {
    /// Reads an event, as it came with all of its fields. In front of the first of a body there may be a byte-order mark.
    pub(crate) fn read(event: &[u8], is_first: bool) -> Self {
        let mut text = Self::default();
        let marked = event.strip_prefix(BYTE_ORDER_MARK).filter(|_| is_first);
        let lines = marked.unwrap_or(event);
        let mut at = event.len() - lines.len();
        for line in lines.split(|byte| matches!(byte, b'\n' | b'\r')) {
            if let Some(value) = line.strip_prefix(b"data:") {
                let value = value.strip_prefix(b" ").unwrap_or(value);
                text.push(value, at + line.len() - value.len());
            } else if line == b"data" {
                text.push(b"", at + line.len());
            }
            at += line.len() + 1;
        }
        text
    }

    fn push(&mut self, line: &[u8], place: usize) {
        if !self.lines.is_empty() {
            self.data.push(b'\n');
        }
        let start = self.data.len();
        self.data.extend_from_slice(line);
        self.lines.push((start..self.data.len(), place));
    }

    /// Turns changes of the data into those of the event. Each line of data stays one.
    pub(crate) fn in_event(&self, splices: &Splices) -> Splices {
        let mut in_event = Splices::default();
        for (place, text) in splices.iter() {
            let mut text = Some(text);
            for (line, at) in &self.lines {
                let start = place.start.max(line.start);
                let end = place.end.min(line.end);
                if start > end {
                    continue;
                }
                let (start, end) = (start - line.start + at, end - line.start + at);
                // What comes in comes into the first line that the place is in.
                if let Some(text) = text.take() {
                    in_event.replace(start..end, text.to_owned());
                } else if start < end {
                    in_event.remove(start..end);
                }
            }
        }
        in_event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_the_data_keep_the_fields_and_the_lines() {
        let event =
            b"id: 7\r\nevent: message\r\ndata: {\"a\":\r\n: note\r\ndata:[1]}\r\ndata\r\n\r\n";
        let text = EventText::read(event, false);
        assert_eq!(text.data, b"{\"a\":\n[1]}\n");
        let apply = |splices: &Splices| String::from_utf8(text.in_event(splices).apply(event));
        let mut inserts = Splices::default();
        inserts.insert(5, "X".to_owned());
        inserts.insert(8, "Y".to_owned());
        assert_eq!(
            apply(&inserts).unwrap(),
            "id: 7\r\nevent: message\r\ndata: {\"a\":X\r\n: note\r\ndata:[1Y]}\r\ndata\r\n\r\n"
        );
        let mut replaces = Splices::default();
        replaces.replace(0..10, "{}".to_owned());
        assert_eq!(
            apply(&replaces).unwrap(),
            "id: 7\r\nevent: message\r\ndata: {}\r\n: note\r\ndata:\r\ndata\r\n\r\n"
        );
    }

    #[test]
    fn a_byte_order_mark_stands_in_front_of_the_first_event_alone() {
        let event = "\u{feff}data: {}\n\n".as_bytes();
        let first = EventText::read(event, true);
        assert_eq!(first.data, b"{}");
        let mut inserts = Splices::default();
        inserts.insert(1, "X".to_owned());
        let changed = first.in_event(&inserts).apply(event);
        assert_eq!(changed, "\u{feff}data: {X}\n\n".as_bytes());
        assert!(EventText::read(event, false).data.is_empty());
    }
}
