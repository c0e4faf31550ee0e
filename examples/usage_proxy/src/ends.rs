//! The client's ends: standard input and output, as they were handed over.

#[cfg(not(unix))]
pub use tokio::io::{
    Stdin as ClientIn, Stdout as ClientOut, stdin as client_in, stdout as client_out,
};

#[cfg(unix)]
pub use unix::{ClientIn, ClientOut, client_in, client_out, close_client_in, close_client_out};

/// Both close with the process, which ends soon.
#[cfg(not(unix))]
pub fn close_client_in() {}

#[cfg(not(unix))]
pub fn close_client_out() {}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use rustix::fs::{OFlags, fcntl_getfl};
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, Stdin, Stdout, stdin, stdout};
    use tokio::net::unix::pipe::{Receiver, Sender};

    /// What the client writes to.
    #[derive(Debug)]
    pub enum ClientIn {
        Waiting(Stdin),
        NonBlocking(Receiver),
    }

    /// What the client reads from.
    #[derive(Debug)]
    pub enum ClientOut {
        Waiting(Stdout),
        NonBlocking(Sender),
    }

    /// Returns standard input.
    pub fn client_in() -> ClientIn {
        let end = non_blocking(io::stdin());
        end.and_then(|end| Receiver::from_owned_fd_unchecked(end).ok())
            .map_or_else(|| ClientIn::Waiting(stdin()), ClientIn::NonBlocking)
    }

    /// Returns standard output.
    pub fn client_out() -> ClientOut {
        let end = non_blocking(io::stdout());
        end.and_then(|end| Sender::from_owned_fd_unchecked(end).ok())
            .map_or_else(|| ClientOut::Waiting(stdout()), ClientOut::NonBlocking)
    }

    /// An end that does not wait, as one that is shared with an event loop does not: a pipe, a socket or a terminal. It stays
    /// so, since it would change for all who have it.
    fn non_blocking(end: impl AsFd) -> Option<OwnedFd> {
        let flags = fcntl_getfl(&end).ok()?;
        let is_non_blocking = flags.contains(OFlags::NONBLOCK);
        is_non_blocking.then(|| end.as_fd().try_clone_to_owned().ok())?
    }

    /// Gives up standard input: whoever writes to it sees that nobody reads it.
    pub fn close_client_in() {
        if let Ok(nothing) = File::open("/dev/null") {
            let _ = rustix::stdio::dup2_stdin(nothing);
        }
    }

    /// Gives up standard output: whoever reads it sees its end.
    pub fn close_client_out() {
        if let Ok(nothing) = File::options().write(true).open("/dev/null") {
            let _ = rustix::stdio::dup2_stdout(nothing);
        }
    }

    impl AsyncRead for ClientIn {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            match self.get_mut() {
                Self::Waiting(end) => Pin::new(end).poll_read(cx, buf),
                Self::NonBlocking(end) => Pin::new(end).poll_read(cx, buf),
            }
        }
    }

    impl AsyncWrite for ClientOut {
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            data: &[u8],
        ) -> Poll<io::Result<usize>> {
            match self.get_mut() {
                Self::Waiting(end) => Pin::new(end).poll_write(cx, data),
                Self::NonBlocking(end) => Pin::new(end).poll_write(cx, data),
            }
        }

        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            match self.get_mut() {
                Self::Waiting(end) => Pin::new(end).poll_flush(cx),
                Self::NonBlocking(end) => Pin::new(end).poll_flush(cx),
            }
        }

        fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.poll_flush(cx)
        }
    }
}
