//! The server between its client and itself: two pumps, and an end that is the server's.

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use mcp_usage::stdio::UsageStreams;
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::runtime;
use tokio::sync::Notify;

use crate::child::{Server, Signals};
use crate::ends::{client_in, client_out, close_client_in, close_client_out};
use crate::pump::{Closed, MAX_PIECE_BYTES, Progress, pump};

/// How long more output is waited for once the server has ended: a process of its own may hold it open for good.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// How many of those waits a client may take nothing for. One that is slow gets all of what has come, and one that waits for the
/// end before it reads is not waited for.
const MAX_STALLED: u32 = 5;

/// The most that a server can have said and a client not have taken: what is read at a time, and what a pipe holds for a process
/// without privileges.
const MAX_LAST_BYTES: u64 = 1024 * 1024 + MAX_PIECE_BYTES as u64;

/// The direction from the server to the client.
#[derive(Default)]
struct Answers {
    progress: Progress,
    /// No more is waited for. What is held of a line is passed on.
    end: Notify,
}

/// Passes on what the client and the server say until the server has ended. Returns how it did.
pub fn run(server: Server, streams: UsageStreams, signals: Signals) -> io::Result<ExitStatus> {
    let (process, server_in, server_out) = server.into_parts();
    let (ends, is_over) = mpsc::channel();
    let drained = ends.clone();
    let answers = Arc::new(Answers::default());
    let seen = Arc::clone(&answers);
    let begun = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| {
            let streams = move || {
                runtime.block_on(async {
                    let server_in = ChildStdin::from_std(server_in);
                    let server_out = ChildStdout::from_std(server_out);
                    if let (Ok(server_in), Ok(server_out)) = (server_in, server_out) {
                        pass_both(server_in, server_out, &streams, drained, &seen).await;
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
    let status = process.wait(signals, ends);
    if !drain(&is_over, &answers.progress) {
        answers.end.notify_one();
        let _ = is_over.recv_timeout(DRAIN_TIMEOUT);
    }
    status
}

/// Waits until what the server has said is with the client: a second, or longer where the client is slow. Returns whether nothing
/// is left to be waited for.
fn drain(is_over: &Receiver<()>, progress: &Progress) -> bool {
    let moves = || (progress.read(), progress.taken());
    let at_the_end = progress.taken();
    let (mut before, mut stalled) = (moves(), 0);
    while let Err(RecvTimeoutError::Timeout) = is_over.recv_timeout(DRAIN_TIMEOUT) {
        // What comes from here on is a descendant's, which may say something for good.
        if progress.is_waiting() || progress.taken() - at_the_end > MAX_LAST_BYTES {
            return false;
        }
        let now = moves();
        stalled = if now == before { stalled + 1 } else { 0 };
        if stalled >= MAX_STALLED {
            return true;
        }
        before = now;
    }
    true
}

/// Passes on both directions; says when the server's has come to its end.
async fn pass_both(
    mut server_in: ChildStdin,
    mut server_out: ChildStdout,
    streams: &UsageStreams,
    drained: Sender<()>,
    answers: &Answers,
) {
    let (mut from_client, mut to_client) = streams.wrap(client_in(), client_out());
    let requests = async move {
        let unwatched = Progress::default();
        // Nobody reads what comes after: whoever writes must see it, as without the proxy.
        if pump(&mut from_client, &mut server_in, &unwatched).await == Closed::Sink {
            close_client_in();
        }
    };
    let Answers { progress, end } = answers;
    let answers = async move {
        tokio::select! {
            _ = pump(&mut server_out, &mut to_client, progress) => {}
            () = end.notified() => {}
        }
        drop(server_out);
        let _ = to_client.shutdown().await;
        drop(to_client);
        close_client_out();
        let _ = drained.send(());
    };
    tokio::join!(requests, answers);
}
