//! Bytes from one end to another.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

/// What is read at a time: as much as a pipe holds.
pub const MAX_PIECE_BYTES: usize = 64 * 1024;

/// What is written at a time: little, since a part that is taken says that somebody reads, and one that is half taken does not.
const MAX_PART_BYTES: usize = 8 * 1024;

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
    /// How many bytes were read.
    read: AtomicU64,
    /// How many of them the other end has taken.
    taken: AtomicU64,
    /// Nothing is there to be read, and all that was read is taken.
    is_waiting: AtomicBool,
}

impl Progress {
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::SeqCst)
    }

    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::SeqCst)
    }

    pub fn is_waiting(&self) -> bool {
        self.is_waiting.load(Ordering::SeqCst)
    }
}

/// Passes on what comes until one of the ends is closed. Nothing is read while the other end takes nothing.
pub async fn pump(
    source: &mut (impl AsyncRead + Unpin),
    sink: &mut (impl AsyncWrite + Unpin),
    progress: &Progress,
) -> Closed {
    let mut piece = vec![0; MAX_PIECE_BYTES];
    let mut piece = ReadBuf::new(&mut piece);
    loop {
        piece.clear();
        let is_read = read(source, &mut piece, progress).await.is_ok();
        let read = piece.filled();
        if !is_read || read.is_empty() {
            return Closed::Source;
        }
        progress.read.fetch_add(read.len() as u64, Ordering::SeqCst);
        for part in read.chunks(MAX_PART_BYTES) {
            if sink.write_all(part).await.is_err() || sink.flush().await.is_err() {
                return Closed::Sink;
            }
            progress
                .taken
                .fetch_add(part.len() as u64, Ordering::SeqCst);
        }
    }
}

/// Reads the next piece, and notes whether it has to be waited for.
async fn read(
    source: &mut (impl AsyncRead + Unpin),
    piece: &mut ReadBuf<'_>,
    progress: &Progress,
) -> io::Result<()> {
    poll_fn(|cx| {
        let poll = Pin::new(&mut *source).poll_read(cx, piece);
        progress
            .is_waiting
            .store(poll.is_pending(), Ordering::SeqCst);
        poll
    })
    .await
}
