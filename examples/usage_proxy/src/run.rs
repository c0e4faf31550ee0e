//! The server between its client and itself: two pumps, and an end that is the server's.

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use mcp_usage::stdio::UsageStreams;
use tokio::io::{AsyncWriteExt, stdin, stdout};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::runtime;

use crate::child::Server;
use crate::pump::{Closed, pump};

/// How long the next output is waited for once the server has ended: a process of its own may hold it open for good. A client
/// that is slow to read gets all of what has come.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// Passes on what the client and the server say until the server has ended. Returns how it did.
pub fn run(server: Server, streams: UsageStreams) -> io::Result<ExitStatus> {
    let (process, server_in, server_out) = server.into_parts();
    let (drained, is_drained) = mpsc::channel();
    let is_held = Arc::new(AtomicBool::new(false));
    let held = Arc::clone(&is_held);
    let begun = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| {
            let streams = move || {
                runtime.block_on(async {
                    let server_in = ChildStdin::from_std(server_in);
                    let server_out = ChildStdout::from_std(server_out);
                    if let (Ok(server_in), Ok(server_out)) = (server_in, server_out) {
                        pass_both(server_in, server_out, &streams, drained, &held).await;
                    }
                });
            };
            thread::Builder::new()
                .name("streams".to_owned())
                .spawn(streams)
        });
    if let Err(error) = begun {
        process.kill();
        return Err(error);
    }
    let status = process.wait()?;
    while let Err(RecvTimeoutError::Timeout) = is_drained.recv_timeout(DRAIN_TIMEOUT) {
        if !is_held.load(Ordering::Relaxed) {
            break;
        }
    }
    Ok(status)
}

/// Passes on both directions; says when the server's has come to its end.
async fn pass_both(
    mut server_in: ChildStdin,
    mut server_out: ChildStdout,
    streams: &UsageStreams,
    drained: Sender<()>,
    is_held: &AtomicBool,
) {
    let (mut from_client, mut to_client) = streams.wrap(stdin(), stdout());
    let requests = async {
        let unwatched = AtomicBool::new(false);
        // Nobody reads what comes after: whoever writes must see it, as without the proxy.
        if pump(&mut from_client, &mut server_in, &unwatched).await == Closed::Sink {
            close_stdin();
        }
        drop(server_in);
    };
    let answers = async {
        pump(&mut server_out, &mut to_client, is_held).await;
        drop(server_out);
        let _ = to_client.shutdown().await;
        close_stdout();
        let _ = drained.send(());
    };
    tokio::join!(requests, answers);
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
