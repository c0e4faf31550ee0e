//! The client's ends: standard input and output, as they were handed over.

#[cfg(not(unix))]
pub use tokio::io::{
    Stdin as ClientIn, Stdout as ClientOut, stdin as client_in, stdout as client_out,
};

#[cfg(unix)]
pub use unix::{ClientIn, ClientOut, client_in, client_out};

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};

    use rustix::fs::{OFlags, fcntl_getfl};
    use tokio::io::unix::AsyncFd;
    use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Stdin, Stdout, stdin, stdout};

    /// What the client writes to.
    #[derive(Debug)]
    pub enum ClientIn {
        Waiting(Stdin),
        NonBlocking(AsyncFd<OwnedFd>),
    }

    /// What the client reads from.
    #[derive(Debug)]
    pub enum ClientOut {
        Waiting(Stdout),
        NonBlocking(AsyncFd<OwnedFd>),
    }

    /// Returns standard input.
    pub fn client_in() -> ClientIn {
        non_blocking(io::stdin(), Interest::READABLE)
            .map_or_else(|| ClientIn::Waiting(stdin()), ClientIn::NonBlocking)
    }

    /// Returns standard output.
    pub fn client_out() -> ClientOut {
        non_blocking(io::stdout(), Interest::WRITABLE)
            .map_or_else(|| ClientOut::Waiting(stdout()), ClientOut::NonBlocking)
    }

    /// An end that does not wait, as one that is shared with an event loop does not. It stays so, since it would change for all
    /// who have it.
    fn non_blocking(end: impl AsFd, interest: Interest) -> Option<AsyncFd<OwnedFd>> {
        let flags = fcntl_getfl(&end).ok()?;
        if !flags.contains(OFlags::NONBLOCK) {
            return None;
        }
        let end = end.as_fd().try_clone_to_owned().ok()?;
        AsyncFd::with_interest(end, interest).ok()
    }

    impl AsyncRead for ClientIn {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let end = match self.get_mut() {
                Self::Waiting(stdin) => return Pin::new(stdin).poll_read(cx, buf),
                Self::NonBlocking(end) => end,
            };
            loop {
                let mut ready = ready!(end.poll_read_ready(cx))?;
                let room = buf.initialize_unfilled();
                let read = ready.try_io(|end| Ok(rustix::io::read(end, &mut *room)?));
                if let Ok(read) = read {
                    buf.advance(read?);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }

    impl AsyncWrite for ClientOut {
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            data: &[u8],
        ) -> Poll<io::Result<usize>> {
            let end = match self.get_mut() {
                Self::Waiting(stdout) => return Pin::new(stdout).poll_write(cx, data),
                Self::NonBlocking(end) => end,
            };
            loop {
                let mut ready = ready!(end.poll_write_ready(cx))?;
                if let Ok(written) = ready.try_io(|end| Ok(rustix::io::write(end, data)?)) {
                    return Poll::Ready(written);
                }
            }
        }

        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            match self.get_mut() {
                Self::Waiting(stdout) => Pin::new(stdout).poll_flush(cx),
                Self::NonBlocking(_) => Poll::Ready(Ok(())),
            }
        }

        fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.poll_flush(cx)
        }
    }
}
