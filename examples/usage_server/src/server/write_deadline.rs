//! A connection whose other end has to read.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// How much of an answer the other end takes within the time, unless it takes all that there is: a slow line is far
/// faster, and one byte now and then does not hold a connection.
const ENOUGH: usize = 16 * 1_024;

/// Fails a write once the other end has taken too little for too long.
#[derive(Debug)]
pub(super) struct WriteDeadline<S> {
    stream: S,
    timeout: Duration,
    /// When the other end must have taken enough; set while something waits to be written.
    deadline: Option<Pin<Box<Sleep>>>,
    taken: usize,
}

impl<S> WriteDeadline<S> {
    pub(super) const fn new(stream: S, timeout: Duration) -> Self {
        Self {
            stream,
            timeout,
            deadline: None,
            taken: 0,
        }
    }

    /// Judges a write of so many bytes by what became of it.
    fn judge(
        &mut self,
        cx: &mut Context<'_>,
        bytes: usize,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(taken)) = written {
            self.taken += taken;
            if taken == bytes {
                self.deadline = None;
            } else if self.taken >= ENOUGH
                && let Some(deadline) = &mut self.deadline
            {
                deadline.as_mut().reset(Instant::now() + self.timeout);
                self.taken = 0;
            }
            return written;
        }
        if written.is_ready() {
            return written;
        }
        let timeout = self.timeout;
        let deadline = self.deadline.get_or_insert_with(|| {
            self.taken = 0;
            Box::pin(sleep(timeout))
        });
        match deadline.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteDeadline<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteDeadline<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.judge(cx, buf.len(), written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        let bytes = bufs.iter().map(|buf| buf.len()).sum();
        self.judge(cx, bytes, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const TIMEOUT: Duration = Duration::from_secs(60);

    /// Writes a megabyte to somebody who reads so much each second; how long that took, and what came of it.
    async fn written(bytes_a_second: usize) -> (Duration, io::Result<()>) {
        let (ours, mut theirs) = duplex(1_024);
        let mut ours = WriteDeadline::new(ours, TIMEOUT);
        tokio::spawn(async move {
            let mut part = vec![0; bytes_a_second];
            while bytes_a_second > 0 && theirs.read_exact(&mut part).await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
            // Whoever reads nothing stays connected.
            sleep(TIMEOUT * 1_000).await;
        });
        let began = Instant::now();
        let written = ours.write_all(&vec![0; 1 << 20]).await;
        (began.elapsed(), written)
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_or_next_to_nothing_is_given_up() {
        for bytes_a_second in [0, 1, 100] {
            let (took, written) = written(bytes_a_second).await;
            let error = written.expect_err("it goes on");
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{bytes_a_second}");
            assert!(took <= TIMEOUT * 2, "{bytes_a_second}: {took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_line_gets_all_of_it() {
        let (took, written) = written(1_024).await;
        assert!(written.is_ok(), "{written:?}");
        assert!(took > TIMEOUT * 10, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_nobody_is_in_no_hurry() {
        let (ours, mut theirs) = duplex(1_024);
        let mut ours = WriteDeadline::new(ours, TIMEOUT);
        let mut part = [0; 5];
        for _ in 0..10 {
            ours.write_all(b"hello").await.unwrap();
            theirs.read_exact(&mut part).await.unwrap();
            sleep(TIMEOUT * 2).await;
        }
    }
}
