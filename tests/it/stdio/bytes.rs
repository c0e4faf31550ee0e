//! Every byte passes as it came, and no more is held than is passing.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll, ready};

use mcp_usage::stdio::UsageStreams;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::support::{pair_of, read_line};
use crate::rmcp::server::*;

/// A stream that gives and takes as many bytes at a time as it is told, then one, and waits in between.
struct Uneven {
    to_read: Vec<u8>,
    written: Arc<Mutex<Vec<u8>>>,
    sizes: Vec<usize>,
    waits: bool,
}

impl Uneven {
    fn next(&mut self, cx: &Context<'_>) -> Poll<usize> {
        self.waits = !self.waits;
        if self.waits {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.sizes.pop().unwrap_or(1))
    }
}

impl AsyncRead for Uneven {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = ready!(self.next(cx));
        let most = most.min(buf.remaining()).min(self.to_read.len());
        buf.put_slice(&self.to_read.drain(..most).collect::<Vec<_>>());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Uneven {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let most = ready!(self.next(cx)).min(data.len());
        self.written
            .lock()
            .unwrap()
            .extend_from_slice(&data[..most]);
        Poll::Ready(Ok(most))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Moves bytes both ways through streams; returns what the server reads and what the client does.
fn moved(streams: &UsageStreams, requests: &[u8], answers: &[u8], sizes: &[usize]) -> [Vec<u8>; 2] {
    let uneven = |to_read: &[u8]| Uneven {
        to_read: to_read.to_vec(),
        written: Arc::default(),
        sizes: sizes.to_vec(),
        waits: false,
    };
    let to_client = uneven(b"");
    let written = to_client.written.clone();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let heard = { runtime }.build().unwrap().block_on(async {
        let (mut reader, mut writer) = streams.wrap(uneven(requests), to_client);
        let mut heard = Vec::new();
        reader.read_to_end(&mut heard).await.unwrap();
        for (n, piece) in answers
            .chunks(sizes.first().copied().unwrap_or(1).max(1))
            .enumerate()
        {
            if n % 3 == 0 {
                let mut slices: &mut [_] = &mut [io::IoSlice::new(b""), io::IoSlice::new(piece)];
                while slices.iter().any(|slice| !slice.is_empty()) {
                    let written = writer.write_vectored(slices).await.unwrap();
                    io::IoSlice::advance_slices(&mut slices, written);
                }
            } else {
                writer.write_all(piece).await.unwrap();
            }
        }
        writer.shutdown().await.unwrap();
        heard
    });
    let written = written.lock().unwrap().clone();
    [heard, written]
}

fn call_with_prompt() -> Value {
    let params = json!({"name": "a", "arguments": {"prompt": "why"}});
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
}

/// Messages of all kinds, and what is none.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let message = prop_oneof![
        Just(call_with_prompt()),
        Just(json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})),
        Just(
            json!({"jsonrpc": "2.0", "id": 2, "result": {"tools": [{"name": "a", "inputSchema": {}}]}})
        ),
        Just(json!({"jsonrpc": "2.0", "id": 1, "result": {"content": []}})),
        Just(
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
        ),
        Just(json!([{"id": 1, "method": "tools/call", "params": {}}, 7])),
    ];
    prop_oneof![
        4 => message.prop_map(|message: Value| message.to_string().into_bytes()),
        2 => Just(b"\n".to_vec()),
        1 => Just(b"\r\n".to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => Just(vec![b'x'; 5_000]),
        1 => Just(b"\x00{\"id\":\xff".to_vec()),
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat())
}

/// One logger for all cases.
static KEPT: LazyLock<Kept> = LazyLock::new(Kept::new);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn without_intent_every_byte_passes_as_it_came(
        requests in stream(),
        answers in stream(),
        sizes in proptest::collection::vec(1_usize..200, 0..40),
    ) {
        let streams = UsageStreams::new(&KEPT.usage).max_message_bytes(1_000);
        let passed = moved(&streams, &requests, &answers, &sizes);
        prop_assert!(passed == [requests, answers]);
    }

    #[test]
    fn with_intent_every_byte_passes_where_no_list_is_asked_for(
        requests in stream(),
        answers in stream(),
        sizes in proptest::collection::vec(1_usize..200, 0..40),
    ) {
        let streams = UsageStreams::new(&KEPT.usage).add_intent(true).missing_capability(true);
        let asked = String::from_utf8_lossy(&requests).replace("tools/list", "tools/LIST");
        let asked = asked.as_bytes();
        let passed = moved(&streams, asked, &answers, &sizes);
        prop_assert!(passed == [asked.to_vec(), answers]);
    }

    #[test]
    fn once_a_list_was_shown_calls_of_its_tools_alone_lose_a_byte(
        requests in stream(),
        answers in stream(),
        sizes in proptest::collection::vec(1_usize..200, 0..40),
    ) {
        const LIST: &str = "{\"id\":\"l\",\"method\":\"tools/list\"}\n";
        const TOOLS: &str =
            "{\"id\":\"l\",\"result\":{\"tools\":[{\"name\":\"a\",\"inputSchema\":{}}]}}\n";
        let streams = UsageStreams::new(&KEPT.usage).add_intent(true).max_message_bytes(1_000);
        let (mut from_client, mut from_server) = streams.taps();
        let _ = from_client.requests(LIST.as_bytes());
        let shown = from_server.answers(TOOLS.as_bytes()).into_owned();
        prop_assert!(shown.len() > TOOLS.len());
        let requests = String::from_utf8_lossy(&requests).replace("tools/list", "tools/LIST");
        let (mut server_sees, mut client_sees) = (Vec::new(), Vec::new());
        let mut sizes = sizes.iter().copied().cycle();
        let (mut asked, mut answered) = (requests.as_bytes(), &*answers);
        while !asked.is_empty() || !answered.is_empty() {
            let size = sizes.next().unwrap_or(1);
            let (piece, rest) = asked.split_at(size.min(asked.len()));
            asked = rest;
            server_sees.extend_from_slice(&from_client.requests(piece));
            let (piece, rest) = answered.split_at(size.min(answered.len()));
            answered = rest;
            client_sees.extend_from_slice(&from_server.answers(piece));
        }
        server_sees.append(&mut from_client.end());
        client_sees.append(&mut from_server.end());
        prop_assert!(client_sees == answers);
        let call = call_with_prompt().to_string();
        let without = call.replace("\"prompt\":\"why\"", "");
        let lines = requests.split('\n').map(|line| match line.trim_end_matches('\r') {
            of_a if of_a == call => line.replace(&call, &without),
            _ => line.to_owned(),
        });
        let expected = lines.collect::<Vec<_>>().join("\n");
        prop_assert_eq!(String::from_utf8(server_sees).unwrap(), expected);
    }
}

#[tokio::test]
async fn a_client_that_never_reads_holds_the_server_up_and_nothing_is_held_for_it() {
    let kept = Kept::new();
    for adds_intent in [false, true] {
        let streams = UsageStreams::new(&kept.usage).add_intent(adds_intent);
        let mut pair = pair_of(&streams, 1_024);
        let line = [b'x'; 100_000];
        let mut written = 0;
        while written <= 1_024 {
            // With no time to wait, a write that cannot go on ends.
            let write = pair.answers.write(&line[..1_000]);
            tokio::select! {
                biased;
                more = write => written += more.unwrap(),
                () = std::future::ready(()) => break,
            }
        }
        assert_eq!(written, 1_024);
        drop(pair.from_server);
        assert!(pair.answers.write_all(&line).await.is_err());
    }
}

#[tokio::test]
async fn a_server_that_never_reads_holds_the_client_up() {
    let kept = Kept::new();
    let streams = UsageStreams::new(&kept.usage).add_intent(true);
    let mut pair = pair_of(&streams, 1_024);
    let line = [b"{\"a\":1}\n".repeat(500), b"last\n".to_vec()].concat();
    tokio::select! {
        biased;
        _ = pair.to_server.write_all(&line) => panic!("it was taken"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(read_line(&mut pair.requests).await, "{\"a\":1}");
}
