//! Bytes from one end to another, looked at as they pass.

use std::io::{self, Read, Write};

/// What is read at a time: as much as a pipe holds.
const MAX_PIECE_BYTES: usize = 64 * 1024;

/// Which end was closed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Nothing more comes.
    Source,
    /// Nothing more is taken.
    Sink,
}

/// Passes on what comes until one of the ends is closed. `pass` sees each piece before it goes on, and says what goes.
///
/// Nothing is read while the other end takes nothing.
pub fn pump(
    mut source: impl Read,
    mut sink: impl Write,
    mut pass: impl FnMut(&[u8], &mut dyn Write) -> io::Result<()>,
) -> Closed {
    let mut piece = vec![0; MAX_PIECE_BYTES];
    loop {
        let read = match source.read(&mut piece) {
            Ok(0) => return Closed::Source,
            Ok(read) => piece.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return Closed::Source,
        };
        if pass(read, &mut sink).and_then(|()| sink.flush()).is_err() {
            return Closed::Sink;
        }
    }
}
