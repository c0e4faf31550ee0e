//! Holds the messages of a body or a stream until they are complete, if they may be changed.

use std::fmt;

use super::framing::{Framing, has_room};
use crate::queue::Reservation;

/// A part of a body or a stream, in its order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<'d> {
    /// Passes unchanged: a part of a message, or several messages.
    Passing(&'d [u8]),
    /// A message that was held, with all that frames it.
    Whole(&'d [u8]),
}

/// Separates the incoming bytes into held messages and bytes that pass.
pub(crate) struct HeldMessages {
    framing: Framing,
    /// The bytes so far of the message that is held.
    held: Vec<u8>,
    is_holding: bool,
    /// The bytes so far end inside a message.
    is_within: bool,
    line: EventLine,
    max_bytes: usize,
    /// What is held is charged to it. A call is not: where memory is short it would reach its tool with what is ours.
    charged: Option<Reservation>,
}

/// How far the line of an event has come.
#[derive(Default)]
struct EventLine {
    has_bytes: bool,
    /// A line feed that follows belongs to the end before it.
    after_return: bool,
}

impl HeldMessages {
    /// Holds messages of at most so many bytes; the end of a line is none of them.
    pub(crate) fn new(framing: Framing, max_bytes: usize, charged: Option<Reservation>) -> Self {
        let line_end = usize::from(framing == Framing::Lines);
        Self {
            framing,
            held: Vec::new(),
            is_holding: false,
            is_within: false,
            line: EventLine::default(),
            max_bytes: max_bytes + line_end,
            charged,
        }
    }

    pub(crate) const fn is_holding(&self) -> bool {
        self.is_holding
    }

    /// Whether what has passed ends within a message.
    pub(crate) const fn has_passed_a_part(&self) -> bool {
        self.is_within && !self.is_holding
    }

    /// Takes a part that passes as it is, since nothing is held.
    pub(crate) fn pass(&mut self, data: &[u8]) {
        if self.framing == Framing::Lines {
            // The end alone says where it is.
            if let Some(last) = data.last() {
                self.is_within = *last != b'\n';
            }
            return;
        }
        let mut rest = data;
        while !rest.is_empty() {
            let end = self.end_in(rest);
            self.is_within = end.is_none();
            rest = rest.get(end.unwrap_or(rest.len())..).unwrap_or_default();
        }
    }

    /// Takes the next part. `holds` says at the beginning of a message whether it is held.
    pub(crate) fn push(
        &mut self,
        data: &[u8],
        holds: impl Fn() -> bool,
        mut on_part: impl FnMut(Part<'_>),
    ) {
        let mut rest = data;
        while !rest.is_empty() {
            if !self.is_within {
                self.is_holding = holds();
            }
            let end = self.end_in(rest);
            let (part, more) = rest.split_at(end.unwrap_or(rest.len()));
            rest = more;
            self.is_within = end.is_none();
            if self.is_holding && !self.keep(part) {
                self.release(&mut on_part);
            }
            if !self.is_holding {
                on_part(Part::Passing(part));
            } else if end.is_some() {
                self.is_holding = false;
                on_part(Part::Whole(&self.held));
                self.clear();
            }
        }
    }

    /// Stops holding: the held bytes pass unchanged.
    pub(crate) fn release(&mut self, mut on_part: impl FnMut(Part<'_>)) {
        self.is_holding = false;
        if !self.held.is_empty() {
            on_part(Part::Passing(&self.held));
            self.clear();
        }
    }

    /// Ends a body or a stream, which may itself be the end of a message: an event alone ends with its empty line.
    pub(crate) fn end(&mut self, mut on_part: impl FnMut(Part<'_>)) {
        if self.framing != Framing::Events && self.is_holding {
            self.is_holding = false;
            on_part(Part::Whole(&self.held));
            self.clear();
        } else {
            self.release(on_part);
        }
    }

    /// Returns where the message under way ends in what has come, if it does.
    fn end_in(&mut self, data: &[u8]) -> Option<usize> {
        match self.framing {
            Framing::Json => None,
            Framing::Lines => memchr::memchr(b'\n', data).map(|at| at + 1),
            Framing::Events => {
                let mut bytes = data.iter();
                bytes
                    .position(|byte| self.line.ends_event(*byte))
                    .map(|at| at + 1)
            }
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

impl EventLine {
    /// Takes a byte; whether it is the end of an empty line, which ends an event.
    fn ends_event(&mut self, byte: u8) -> bool {
        let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
        match byte {
            b'\n' if after_return => false,
            b'\n' | b'\r' => !std::mem::take(&mut self.has_bytes),
            _ => {
                self.has_bytes = true;
                false
            }
        }
    }
}

impl fmt::Debug for HeldMessages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeldMessages")
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// What becomes of a stream in pieces: `<…>` is a whole message.
    fn parts(
        framing: Framing,
        stream: &str,
        piece: usize,
        max_bytes: usize,
        holds: impl Fn() -> bool,
    ) -> String {
        let mut messages = HeldMessages::new(framing, max_bytes, None);
        let mut all = String::new();
        let mut take = |part: Part<'_>| match part {
            Part::Passing(part) => all.push_str(str::from_utf8(part).unwrap()),
            Part::Whole(message) => {
                let message = str::from_utf8(message).unwrap();
                all.push_str(&format!("<{message}>"));
            }
        };
        for piece in stream.as_bytes().chunks(piece) {
            messages.push(piece, &holds, &mut take);
        }
        messages.end(&mut take);
        all
    }

    #[test]
    fn messages_are_held_until_they_are_whole_within_the_bound() {
        let lines = "one\ntwo two two\n\nthree\r\nlast";
        let events = "data: 1\n\ndata: 2\ndata: 222\r\n\r\n: 3\r\r\n\nlast";
        for piece in 1..events.len() {
            let all = parts(Framing::Lines, lines, piece, 100, || true);
            assert_eq!(
                all, "<one\n><two two two\n><\n><three\r\n><last>",
                "{piece}"
            );
            let some = parts(Framing::Lines, lines, piece, 8, || true);
            assert_eq!(some, "<one\n>two two two\n<\n><three\r\n><last>", "{piece}");
            let all = parts(Framing::Events, events, piece, 100, || true);
            assert_eq!(
                all, "<data: 1\n\n><data: 2\ndata: 222\r\n\r><\n: 3\r\r><\n\n>last",
                "{piece}"
            );
            let some = parts(Framing::Events, events, piece, 10, || true);
            assert_eq!(
                some, "<data: 1\n\n>data: 2\ndata: 222\r\n\r<\n: 3\r\r><\n\n>last",
                "{piece}"
            );
            for (framing, stream) in [(Framing::Lines, lines), (Framing::Events, events)] {
                assert_eq!(parts(framing, stream, piece, 100, || false), stream);
            }
            let body = parts(Framing::Json, lines, piece, 100, || true);
            assert_eq!(body, format!("<{lines}>"));
            assert_eq!(parts(Framing::Json, lines, piece, 8, || true), lines);
        }
    }

    #[test]
    fn what_has_begun_to_pass_is_not_held() {
        let asked = Cell::new(0);
        let from_second = || {
            asked.set(asked.get() + 1);
            asked.get() > 1
        };
        let all = parts(Framing::Lines, "one\ntwo\n", 2, 100, from_second);
        assert_eq!(all, "one\n<two\n>");
    }
}
