//! A server on rust-mcp-sdk, which opens standard input and output itself: the streams stand between the client's and two pipes
//! in their place.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::stdio::{dup2_stdin, dup2_stdout};
use tokio::io::AsyncWriteExt;

#[path = "../inside.rs"]
mod inside;

/// The server whose sessions are recorded.
#[expect(dead_code, reason = "of its client, nothing is used")]
mod session;

fn stream(end: impl Into<OwnedFd>) -> tokio::fs::File {
    tokio::fs::File::from_std(File::from(end.into()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some((usage, streams)) = inside::streams() else {
        return Ok(session::serve().await?);
    };
    let from_client = stream(rustix::io::dup(io::stdin())?);
    let to_client = stream(rustix::io::dup(io::stdout())?);
    let (server_reads, to_server) = io::pipe()?;
    let (from_server, server_writes) = io::pipe()?;
    dup2_stdin(server_reads)?;
    dup2_stdout(server_writes)?;
    let (mut to_server, mut from_server) = (stream(to_server), stream(from_server));
    let (mut requests, mut answers) = streams.wrap(from_client, to_client);
    tokio::spawn(async move { tokio::io::copy(&mut requests, &mut to_server).await });
    let passing = tokio::spawn(async move {
        tokio::io::copy(&mut from_server, &mut answers).await?;
        answers.shutdown().await
    });
    session::serve().await?;
    // The end of what it says.
    dup2_stdout(File::options().write(true).open("/dev/null")?)?;
    passing.await??;
    usage.shutdown(Duration::from_secs(1)).await;
    Ok(())
}
