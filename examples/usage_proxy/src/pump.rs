//! Bytes from one end to another.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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

/// How far a pump has come.
#[derive(Debug, Default)]
pub struct Progress {
    /// How often something was read or taken.
    moves: AtomicU64,
    /// Something that was read has not been taken yet.
    is_held: AtomicBool,
}

impl Progress {
    pub fn moves(&self) -> u64 {
        self.moves.load(Ordering::SeqCst)
    }

    pub fn is_held(&self) -> bool {
        self.is_held.load(Ordering::SeqCst)
    }

    fn note(&self, is_held: bool) {
        self.is_held.store(is_held, Ordering::SeqCst);
        self.moves.fetch_add(1, Ordering::SeqCst);
    }
}

/// Passes on what comes until one of the ends is closed. Nothing is read while the other end takes nothing.
pub async fn pump(
    source: &mut (impl AsyncRead + Unpin),
    sink: &mut (impl AsyncWrite + Unpin),
    progress: &Progress,
) -> Closed {
    let mut piece = vec![0; MAX_PIECE_BYTES];
    loop {
        let read = match source.read(&mut piece).await {
            Ok(read) if read > 0 => piece.get(..read).unwrap_or_default(),
            _ => return Closed::Source,
        };
        progress.note(true);
        let is_closed = sink.write_all(read).await.is_err() || sink.flush().await.is_err();
        progress.note(false);
        if is_closed {
            return Closed::Sink;
        }
    }
}
