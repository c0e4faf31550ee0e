//! Bytes from one end to another.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

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

/// Passes on what comes until one of the ends is closed. Nothing is read while the other end takes nothing; `is_held` says
/// whether something that was read has not been taken yet.
pub async fn pump(
    source: &mut (impl AsyncRead + Unpin),
    sink: &mut (impl AsyncWrite + Unpin),
    is_held: &AtomicBool,
) -> Closed {
    let mut piece = vec![0; MAX_PIECE_BYTES];
    loop {
        let read = match source.read(&mut piece).await {
            Ok(read) if read > 0 => piece.get(..read).unwrap_or_default(),
            _ => return Closed::Source,
        };
        is_held.store(true, Ordering::Relaxed);
        let is_closed = sink.write_all(read).await.is_err() || sink.flush().await.is_err();
        is_held.store(false, Ordering::Relaxed);
        if is_closed {
            return Closed::Sink;
        }
    }
}
