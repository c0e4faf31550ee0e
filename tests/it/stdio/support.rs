//! A pair of streams whose both ends the test holds.

use mcp_usage::stdio::{AnswerWriter, RequestReader, UsageStreams};
use rmcp::{ClientLifecycleMode, ServerHandler};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;

use crate::rmcp::server::{Client, over_wrapped};
use crate::support::PATIENCE;

pub(super) type Requests = RequestReader<DuplexStream, DuplexStream>;
pub(super) type Answers = AnswerWriter<DuplexStream>;

/// A client and a server that say what the test says.
pub(super) struct Pair {
    pub(super) to_server: DuplexStream,
    pub(super) from_server: DuplexStream,
    pub(super) requests: Requests,
    pub(super) answers: Answers,
}

pub(super) fn pair(streams: &UsageStreams) -> Pair {
    pair_of(streams, 4 * 1024 * 1024)
}

/// A pair of streams that take so many bytes until they are read.
pub(super) fn pair_of(streams: &UsageStreams, bytes: usize) -> Pair {
    let (to_server, from_client) = tokio::io::duplex(bytes);
    let (to_client, from_server) = tokio::io::duplex(bytes);
    let (requests, answers) = streams.wrap(from_client, to_client);
    Pair {
        to_server,
        from_server,
        requests,
        answers,
    }
}

impl Pair {
    /// The client sends a line; returns what the server reads.
    pub(super) async fn ask(&mut self, line: impl ToString) -> String {
        let line = line.to_string() + "\n";
        self.to_server.write_all(line.as_bytes()).await.unwrap();
        read_line(&mut self.requests).await
    }

    /// The server sends a line; returns what the client reads.
    pub(super) async fn answer(&mut self, line: impl ToString) -> String {
        let line = line.to_string() + "\n";
        self.answers.write_all(line.as_bytes()).await.unwrap();
        self.answers.flush().await.unwrap();
        read_line(&mut self.from_server).await
    }

    /// A request and its answer.
    pub(super) async fn exchange(&mut self, request: Value, answer: Value) {
        assert_eq!(self.ask(&request).await, request.to_string());
        assert_eq!(self.answer(&answer).await, answer.to_string());
    }
}

/// Reads up to the next end of a line, which is left out.
pub(super) async fn read_line(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut line = Vec::new();
    let read = async {
        loop {
            match stream.read_u8().await.unwrap() {
                b'\n' => break,
                byte => line.push(byte),
            }
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap();
    String::from_utf8(line).unwrap()
}

/// Serves over streams in memory behind `streams`, and connects a client to it.
pub(super) async fn over_streams<H: ServerHandler>(
    streams: &UsageStreams,
    server: H,
    mode: ClientLifecycleMode,
) -> (Client, JoinHandle<()>) {
    over_wrapped(server, mode, |stream| {
        let (from_client, to_client) = tokio::io::split(stream);
        streams.wrap(from_client, to_client)
    })
    .await
}
