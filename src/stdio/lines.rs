//! Holds lines of a stream until they are whole, where they may be changed.

use std::fmt;

use crate::mcp::framing::has_room;
use crate::queue::Reservation;

/// A part of a stream, in its order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'d> {
    /// Passes as it is, as a part of a line or as many of them.
    Passing(&'d [u8]),
    /// A line that was held, with its end.
    Whole(&'d [u8]),
}

/// Parts a stream into lines that are held and what passes.
pub(super) struct HeldLines {
    /// What has come of the line that is held.
    held: Vec<u8>,
    is_holding: bool,
    /// The end of what has passed is within a line.
    is_within_line: bool,
    max_bytes: usize,
    /// What is held is charged to it. A call is the server's, which holds it as long; a listing is held for us.
    charged: Option<Reservation>,
}

impl HeldLines {
    pub(super) const fn new(max_bytes: usize, charged: Option<Reservation>) -> Self {
        Self {
            held: Vec::new(),
            is_holding: false,
            is_within_line: false,
            max_bytes,
            charged,
        }
    }

    pub(super) const fn is_holding(&self) -> bool {
        self.is_holding
    }

    /// Whether what has passed ends within a line.
    pub(super) const fn is_within_line(&self) -> bool {
        self.is_within_line
    }

    /// Takes a part that passes as it is, since nothing is held.
    pub(super) fn pass(&mut self, data: &[u8]) {
        if let Some(last) = data.last() {
            self.is_within_line = *last != b'\n';
        }
    }

    /// Takes the next of the stream. `holds` says at the beginning of a line whether it is held.
    pub(super) fn push(
        &mut self,
        data: &[u8],
        holds: impl Fn() -> bool,
        mut on_part: impl FnMut(Part<'_>),
    ) {
        let mut rest = data;
        while !rest.is_empty() {
            self.is_holding |= !self.is_within_line && holds();
            let end = memchr::memchr(b'\n', rest).map(|at| at + 1);
            let (line, more) = rest.split_at(end.unwrap_or(rest.len()));
            rest = more;
            if !self.is_holding {
                self.pass(line);
                on_part(Part::Passing(line));
            } else if !self.keep(line) {
                self.release(&mut on_part);
                self.pass(line);
                on_part(Part::Passing(line));
            } else if end.is_some() {
                self.is_holding = false;
                on_part(Part::Whole(&self.held));
                self.clear();
            }
        }
    }

    /// Ends the stream, or gives up holding: what is held passes as it is.
    pub(super) fn release(&mut self, mut on_part: impl FnMut(Part<'_>)) {
        self.is_holding = false;
        if !self.held.is_empty() {
            self.is_within_line = true;
            on_part(Part::Passing(&self.held));
            self.clear();
        }
    }

    fn keep(&mut self, part: &[u8]) -> bool {
        let has_room = match &mut self.charged {
            Some(charged) => has_room(&mut self.held, part.len(), self.max_bytes, charged),
            None => self.held.len() + part.len() <= self.max_bytes,
        };
        if has_room {
            self.held.extend_from_slice(part);
        }
        has_room
    }

    fn clear(&mut self) {
        self.held = Vec::new();
        if let Some(charged) = &mut self.charged {
            charged.shrink_to(0);
        }
    }
}

impl fmt::Debug for HeldLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeldLines")
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// What becomes of a stream in pieces: `<…>` is a whole line.
    fn parts(stream: &str, piece: usize, max_bytes: usize, holds: impl Fn() -> bool) -> String {
        let mut lines = HeldLines::new(max_bytes, None);
        let mut all = String::new();
        let mut take = |part: Part<'_>| match part {
            Part::Passing(part) => all.push_str(str::from_utf8(part).unwrap()),
            Part::Whole(line) => {
                let line = str::from_utf8(line).unwrap();
                all.push_str(&format!("<{line}>"));
            }
        };
        for piece in stream.as_bytes().chunks(piece) {
            lines.push(piece, &holds, &mut take);
        }
        lines.release(&mut take);
        all
    }

    #[test]
    fn lines_are_held_until_they_are_whole_within_the_bound() {
        let stream = "one\ntwo two two\n\nthree\r\nlast";
        for piece in 1..stream.len() {
            let all = parts(stream, piece, 100, || true);
            assert_eq!(all, "<one\n><two two two\n><\n><three\r\n>last", "{piece}");
            assert_eq!(parts(stream, piece, 100, || false), stream);
            let some = parts(stream, piece, 8, || true);
            assert_eq!(some, "<one\n>two two two\n<\n><three\r\n>last", "{piece}");
        }
    }

    #[test]
    fn what_has_begun_to_pass_is_not_held() {
        let asked = Cell::new(0);
        let from_second = || {
            asked.set(asked.get() + 1);
            asked.get() > 1
        };
        assert_eq!(parts("one\ntwo\n", 2, 100, from_second), "one\n<two\n>");
    }
}
