//! The server between its client and itself: two pumps, and an end that is the server's.

use std::io::{self, Write};
use std::process::ExitStatus;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::child::Server;
use crate::pump::{Closed, pump};

/// How long output is waited for once the server has ended: a process of its own may hold it open for good.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// What sees the bytes of one direction as they pass, and says which go on.
pub trait Pass: Send + 'static {
    /// Takes bytes that have come; what is written to `sink` goes on.
    fn pass(&mut self, bytes: &[u8], sink: &mut dyn Write) -> io::Result<()>;

    /// Nothing more comes, or nothing more is taken.
    fn end(&mut self, sink: &mut dyn Write) -> io::Result<()>;
}

/// Passes on every byte and looks at none.
#[derive(Debug)]
pub struct Unseen;

impl Pass for Unseen {
    fn pass(&mut self, bytes: &[u8], sink: &mut dyn Write) -> io::Result<()> {
        sink.write_all(bytes)
    }

    fn end(&mut self, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// Passes on what the client and the server say until the server has ended.
pub fn run(
    server: Server,
    mut requests: impl Pass,
    mut answers: impl Pass,
) -> io::Result<ExitStatus> {
    let (process, mut server_in, server_out) = server.into_parts();
    thread::Builder::new()
        .name("requests".to_owned())
        .spawn(move || {
            let closed = pump(io::stdin(), &mut server_in, |bytes, server| {
                requests.pass(bytes, server)
            });
            // Nobody reads what comes after: whoever writes must see it, as without the proxy.
            if closed == Closed::Sink {
                close_stdin();
            }
            let _ = requests.end(&mut server_in);
        })?;
    let (drained, is_drained) = mpsc::channel();
    thread::Builder::new()
        .name("answers".to_owned())
        .spawn(move || {
            pump(server_out, io::stdout(), |bytes, client| {
                answers.pass(bytes, client)
            });
            let _ = answers.end(&mut io::stdout());
            let _ = io::stdout().flush();
            close_stdout();
            let _ = drained.send(());
        })?;
    let status = process.wait()?;
    wait_until_drained(&is_drained);
    Ok(status)
}

/// Waits for what the server has left in its pipe.
fn wait_until_drained(is_drained: &Receiver<()>) {
    let _ = is_drained.recv_timeout(DRAIN_TIMEOUT);
}

#[cfg(unix)]
fn close_stdin() {
    if let Ok(nothing) = std::fs::File::open("/dev/null") {
        let _ = rustix::stdio::dup2_stdin(nothing);
    }
}

#[cfg(unix)]
fn close_stdout() {
    if let Ok(nothing) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(nothing);
    }
}

/// Both close with the process, which ends soon.
#[cfg(not(unix))]
fn close_stdin() {}

#[cfg(not(unix))]
fn close_stdout() {}
