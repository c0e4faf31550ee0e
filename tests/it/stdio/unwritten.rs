//! What the server has written and the stream within has not taken yet.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use mcp_usage::intent;
use mcp_usage::stdio::UsageStreams;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};

use super::support::{Pair, pair, pair_of, read_line};
use crate::rmcp::server::*;
use crate::support::PATIENCE;

const LIST: &str = r#"{"jsonrpc":"2.0","id":"l","method":"tools/list"}"#;
const TOOLS: &str =
    r#"{"jsonrpc":"2.0","id":"l","result":{"tools":[{"name":"a","inputSchema":{}}]}}"#;

fn call_of_ours() -> String {
    let params =
        json!({"name": "request_missing_capability", "arguments": {"capability": "to fly"}});
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string() + "\n"
}

/// A stream that is interrupted by each other write.
struct Interrupted {
    inner: DuplexStream,
    is_next: bool,
}

impl AsyncWrite for Interrupted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.is_next = !self.is_next;
        if self.is_next {
            return Poll::Ready(Err(io::ErrorKind::Interrupted.into()));
        }
        Pin::new(&mut self.inner).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn a_write_that_is_interrupted_loses_nothing_and_says_nothing_twice() {
    for is_next in [false, true] {
        let kept = Kept::new();
        let streams = UsageStreams::new(&kept.usage)
            .add_intent(true)
            .missing_capability(true);
        let (mut to_server, from_client) = tokio::io::duplex(4_096);
        let (inner, mut from_server) = tokio::io::duplex(4_096);
        let to_client = Interrupted { inner, is_next };
        let (mut requests, mut answers) = streams.wrap(from_client, to_client);
        to_server
            .write_all(format!("{LIST}\n").as_bytes())
            .await
            .unwrap();
        read_line(&mut requests).await;
        let sent = format!("{TOOLS}\n");
        let mut left = sent.as_bytes();
        while !left.is_empty() {
            match answers.write(left).await {
                Ok(taken) => left = &left[taken..],
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::Interrupted),
            }
        }
        while answers.flush().await.is_err() {}
        let shown: Value = serde_json::from_str(&read_line(&mut from_server).await).unwrap();
        assert_eq!(
            shown["result"]["tools"][0]["inputSchema"]["properties"]["prompt"],
            intent::schema()
        );
        to_server
            .write_all(call_of_ours().as_bytes())
            .await
            .unwrap();
        to_server.shutdown().await.unwrap();
        let mut nothing = Vec::new();
        let all = requests.read_to_end(&mut nothing);
        tokio::time::timeout(PATIENCE, all).await.unwrap().unwrap();
        // It is there before anybody writes what is left.
        let answer = read_line(&mut from_server).await;
        assert!(answer.contains("Noted"), "{answer}");
        drop((requests, answers));
        assert_eq!(from_server.read(&mut [0]).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_server_that_ends_within_a_line_does_not_keep_its_reader_waiting() {
    for (shuts_down, is_over_before) in [(false, false), (true, false), (false, true), (true, true)]
    {
        let kept = Kept::new();
        let mut pair = pair(&UsageStreams::new(&kept.usage).missing_capability(true));
        pair.ask(LIST).await;
        pair.answer(TOOLS).await;
        let Pair {
            mut to_server,
            from_server: _from_server,
            mut requests,
            mut answers,
        } = pair;
        answers.write_all(b"{\"jsonrpc\":").await.unwrap();
        to_server
            .write_all(call_of_ours().as_bytes())
            .await
            .unwrap();
        to_server.shutdown().await.unwrap();
        let reads = async move { requests.read_to_end(&mut Vec::new()).await };
        let mut reads = Some(reads);
        let early = (!is_over_before).then(|| tokio::spawn(reads.take().unwrap()));
        // The reader waits for the end of the line.
        tokio::task::yield_now().await;
        let mut rest = Some(answers);
        if shuts_down {
            rest.as_mut().unwrap().shutdown().await.unwrap();
        } else {
            rest = None;
        }
        let reads = early.unwrap_or_else(|| tokio::spawn(reads.take().unwrap()));
        let read = tokio::time::timeout(PATIENCE, reads).await;
        assert_eq!(read.unwrap().unwrap().unwrap(), 0);
        drop(rest);
    }
}

#[tokio::test]
async fn a_server_that_does_not_flush_is_written_out_while_it_reads() {
    let kept = Kept::new();
    let mut pair = pair_of(&UsageStreams::new(&kept.usage).add_intent(true), 64);
    pair.ask(LIST).await;
    let Pair {
        to_server: _to_server,
        mut from_server,
        requests,
        mut answers,
    } = pair;
    let reads = |mut requests: Box<dyn AsyncRead + Send + Unpin>| async move {
        requests.read(&mut [0]).await.map(drop)
    };
    let reading = tokio::spawn(reads(Box::new(requests)));
    tokio::task::yield_now().await;
    let sent = format!("{TOOLS}\n");
    let writes = answers.write_all(sent.as_bytes());
    tokio::time::timeout(PATIENCE, writes)
        .await
        .unwrap()
        .unwrap();
    let seen = read_line(&mut from_server).await;
    assert!(seen.contains(intent::DESCRIPTION), "{seen}");
    reading.abort();
}

#[tokio::test]
async fn what_is_held_of_a_line_is_written_when_the_server_drops_its_stream() {
    let kept = Kept::new();
    let mut pair = pair(&UsageStreams::new(&kept.usage).add_intent(true));
    pair.ask(LIST).await;
    let (held, _) = TOOLS.split_at(40);
    pair.answers.write_all(held.as_bytes()).await.unwrap();
    drop(pair.answers);
    let mut seen = String::new();
    pair.from_server.read_to_string(&mut seen).await.unwrap();
    assert_eq!(seen, held);
}
