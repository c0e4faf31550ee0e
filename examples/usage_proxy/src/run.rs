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

use crate::child::{Server, Signals};
use crate::ends::{client_in, client_out, close_client_in, close_client_out};
use crate::pump::{Closed, Progress, pump};

/// How long the next output is waited for once the server has ended: a process of its own may hold it open for good.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// How many of those waits a client may take nothing for. One that is slow gets all of what has come, and one that waits for the
/// end before it reads is not waited for.
const MAX_STALLED: u32 = 5;

/// Passes on what the client and the server say until the server has ended. Returns how it did.
pub fn run(server: Server, streams: UsageStreams, signals: Signals) -> io::Result<ExitStatus> {
    let (process, server_in, server_out) = server.into_parts();
    let (ends, is_over) = mpsc::channel();
    let drained = ends.clone();
    let progress = Arc::new(Progress::default());
    let seen = Arc::clone(&progress);
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
    let status = process.wait(signals, ends)?;
    drain(&is_over, &progress);
    Ok(status)
}

/// Waits until what the server has said is with the client.
fn drain(is_over: &Receiver<()>, progress: &Progress) {
    let (mut moves, mut stalled) = (progress.moves(), 0);
    while let Err(RecvTimeoutError::Timeout) = is_over.recv_timeout(DRAIN_TIMEOUT) {
        let before = std::mem::replace(&mut moves, progress.moves());
        if moves != before {
            stalled = 0;
            continue;
        }
        stalled += 1;
        if !progress.is_held() || stalled >= MAX_STALLED {
            break;
        }
    }
}

/// Passes on both directions; says when the server's has come to its end.
async fn pass_both(
    mut server_in: ChildStdin,
    mut server_out: ChildStdout,
    streams: &UsageStreams,
    drained: Sender<()>,
    progress: &Progress,
) {
    let (mut from_client, mut to_client) = streams.wrap(client_in(), client_out());
    let requests = async move {
        let unwatched = Progress::default();
        // Nobody reads what comes after: whoever writes must see it, as without the proxy.
        if pump(&mut from_client, &mut server_in, &unwatched).await == Closed::Sink {
            close_client_in();
        }
    };
    let answers = async move {
        pump(&mut server_out, &mut to_client, progress).await;
        drop(server_out);
        let _ = to_client.shutdown().await;
        drop(to_client);
        close_client_out();
        let _ = drained.send(());
    };
    tokio::join!(requests, answers);
}
