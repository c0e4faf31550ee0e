//! What passes through the layer is what passes without it, byte for byte, heads as well as bodies.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing;
use mcp_usage::tower::UsageLayer;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::layer::{futures_of, serve};
use super::server::*;

/// An answer of the server's.
#[derive(Debug, Clone)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    pieces: Vec<Vec<u8>>,
    /// Its length stands in its head.
    is_whole: bool,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let body = if self.is_whole {
            Body::from(self.pieces.concat())
        } else {
            let pieces: Vec<Result<_, std::io::Error>> = self.pieces.into_iter().map(Ok).collect();
            Body::from_stream(futures_of(pieces))
        };
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(body).unwrap()
    }
}

/// A server that answers as it is told, and says what it was sent.
struct Server {
    http: Http,
    next: Arc<Mutex<Option<Answer>>>,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Server {
    async fn start(layer: Option<UsageLayer>) -> Self {
        let next: Arc<Mutex<Option<Answer>>> = Arc::default();
        let sent: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (tells, says) = (Arc::clone(&sent), Arc::clone(&next));
        let answer = async move |request: Request| {
            let (head, body) = request.into_parts();
            let head = format!("{} {} {:?}\n", head.method, head.uri, head.headers);
            let body = to_bytes(body, usize::MAX).await.unwrap();
            *tells.lock().unwrap() = [head.as_bytes(), &body].concat();
            says.lock().unwrap().take().unwrap()
        };
        let mut app = Router::new().route("/mcp", routing::any(answer));
        if let Some(layer) = layer {
            app = app.layer(layer);
        }
        let http = serve(app).await;
        Self { http, next, sent }
    }

    /// Returns what the server was sent, and what the client was.
    async fn exchange(&self, request: &[u8], answer: Answer) -> [String; 2] {
        *self.next.lock().unwrap() = Some(answer);
        let address = self.http.url.strip_prefix("http://").unwrap();
        let address: SocketAddr = address.strip_suffix("/mcp").unwrap().parse().unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answered = Vec::new();
        stream.read_to_end(&mut answered).await.unwrap();
        let sent = std::mem::take(&mut *self.sent.lock().unwrap());
        [sent, answered].map(|bytes| without_date(&bytes))
    }
}

/// Bytes with what differs from second to second taken out.
fn without_date(bytes: &[u8]) -> String {
    let text = bytes.escape_ascii().to_string();
    match text.split_once("\\r\\ndate: ") {
        Some((before, after)) => {
            before.to_owned() + &after["Mon, 30 Nov 2026 00:00:00 GMT".len()..]
        }
        None => text,
    }
}

/// A request's body, in so many chunks or with its length in its head.
fn request_of(method: &str, headers: &str, body: &[u8], chunk: Option<usize>) -> Vec<u8> {
    let head = format!(
        "{method} /mcp?a=b HTTP/1.1\r\nhost: example.com\r\nconnection: close\r\n{headers}"
    );
    let Some(chunk) = chunk else {
        let length = format!("content-length: {}\r\n\r\n", body.len());
        return [head.as_bytes(), length.as_bytes(), body].concat();
    };
    let mut request = format!("{head}transfer-encoding: chunked\r\n\r\n").into_bytes();
    for piece in body.chunks(chunk) {
        request.extend(format!("{:x}\r\n", piece.len()).bytes());
        request.extend_from_slice(piece);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const TOOLS: &str =
    r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[ {"name":"a","inputSchema":{}} ]}}"#;
const CALL: &str =
    r#"{"id":2,"method":"tools/call","params":{"name":"a","arguments":{"prompt":"why"}}}"#;
const RESULT: &str = r#"{"id":2, "result":{"content":[] }}"#;

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop_oneof![Just(LIST), Just(TOOLS), Just(CALL), Just(RESULT)].prop_map(|text| text.into()),
        1 => Just(format!("[{LIST},7,{CALL}]").into_bytes()),
        1 => Just(format!("[{TOOLS} , {RESULT}]").into_bytes()),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => Just(b"{\"id\":\xff".to_vec()),
        1 => Just(vec![b'x'; 5_000]),
    ]
}

/// A request: method, headers, body, and how much of it is in a chunk.
type Asked = (&'static str, &'static str, Vec<u8>, Option<usize>);

fn request() -> impl Strategy<Value = Asked> {
    let headers = prop_oneof![
        3 => Just("Content-Type: application/json\r\naccept: application/json, text/event-stream\r\n"),
        1 => Just("content-type: application/json\r\nmcp-session-id: s1\r\nx-user: rachel\r\n"),
        1 => Just("content-type: application/json\r\ncontent-encoding: br\r\n"),
        1 => Just("content-type: text/plain\r\nX-Two: 1\r\nx-two: 2\r\n"),
        1 => Just(""),
    ];
    let method = prop_oneof![6 => Just("POST"), 1 => Just("PUT"), 1 => Just("DELETE")];
    let chunk = proptest::option::of(1_usize..60);
    (method, headers, bytes(), chunk)
}

/// A body of JSON, or of events, or of another kind.
fn answer() -> impl Strategy<Value = Answer> {
    let headers = prop_oneof![
        Just(vec![("content-type", "application/json")]),
        Just(vec![
            ("content-type", "application/json; charset=utf-8"),
            ("etag", "\"1\"")
        ]),
        Just(vec![
            ("content-type", "application/json"),
            ("content-encoding", "br")
        ]),
        Just(vec![
            ("content-type", "text/event-stream"),
            ("mcp-session-id", "s1")
        ]),
        Just(vec![
            ("content-type", "text/html"),
            ("x-two", "1"),
            ("x-two", "2")
        ]),
        Just(vec![]),
    ];
    let status = prop_oneof![6 => Just(200_u16), 1 => Just(202), 1 => Just(401), 1 => Just(500)];
    let end = prop_oneof![Just(""), Just("\n\n"), Just("\r\n\r\n")];
    let event = (bytes(), end).prop_map(|(data, end)| [b"data: ", &*data, end.as_bytes()].concat());
    let events = proptest::collection::vec(event, 0..5).prop_map(|events| events.concat());
    let body = prop_oneof![bytes(), events];
    (status, headers, body, any::<bool>(), 1_usize..80).prop_map(
        |(status, headers, body, is_whole, size)| Answer {
            status,
            headers,
            pieces: body.chunks(size).map(<[u8]>::to_vec).collect(),
            is_whole,
        },
    )
}

/// A server alone, and one behind a layer, for all cases of a test.
struct Servers {
    runtime: Runtime,
    alone: Server,
    behind: Server,
}

impl Servers {
    fn start(change: impl FnOnce(UsageLayer) -> UsageLayer) -> Self {
        let kept = Box::leak(Box::new(Kept::new()));
        let layer = UsageLayer::new(&kept.usage).max_message_bytes(1_000);
        let runtime = Runtime::new().unwrap();
        let alone = runtime.block_on(Server::start(None));
        let behind = runtime.block_on(Server::start(Some(change(layer))));
        Self {
            runtime,
            alone,
            behind,
        }
    }

    /// Returns what both sides see of an exchange without the layer, and with it.
    fn exchange(&self, request: &[u8], answer: Answer) -> [[String; 2]; 2] {
        self.runtime.block_on(async {
            [
                self.alone.exchange(request, answer.clone()).await,
                self.behind.exchange(request, answer).await,
            ]
        })
    }
}

static PLAIN: LazyLock<Servers> = LazyLock::new(|| Servers::start(|layer| layer));

static WITH_INTENT: LazyLock<Servers> =
    LazyLock::new(|| Servers::start(|layer| layer.add_intent(true).missing_capability(true)));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn without_intent_every_byte_passes_as_it_came(request in request(), answer in answer()) {
        let (method, headers, body, chunk) = request;
        let request = request_of(method, headers, &body, chunk);
        let [expected, passed] = PLAIN.exchange(&request, answer);
        prop_assert_eq!(passed, expected);
    }

    #[test]
    fn with_intent_every_byte_passes_where_no_list_is_asked_for(
        request in request(),
        answer in answer(),
    ) {
        let (method, headers, body, chunk) = request;
        let body = String::from_utf8_lossy(&body).replace("tools/list", "tools/LIST");
        let request = request_of(method, headers, body.as_bytes(), chunk);
        let [expected, passed] = WITH_INTENT.exchange(&request, answer);
        prop_assert_eq!(passed, expected);
    }
}

#[tokio::test]
async fn a_list_that_is_asked_for_and_the_calls_of_its_tools_pass_as_they_came_without_intent() {
    let kept = Kept::new();
    let alone = Server::start(None).await;
    let behind = Server::start(Some(UsageLayer::new(&kept.usage))).await;
    let events = format!(": hello\r\n\r\nid: 7\r\ndata: {TOOLS}\r\n\r\nretry: 5\n\n");
    for (kind, body) in [("application/json", TOOLS), ("text/event-stream", &*events)] {
        for (is_whole, chunk) in [(true, None), (false, Some(7))] {
            for asked in [LIST, CALL] {
                let headers = "content-type: application/json\r\n";
                let request = request_of("POST", headers, asked.as_bytes(), chunk);
                let answer = Answer {
                    status: 200,
                    headers: vec![("content-type", kind)],
                    pieces: body.as_bytes().chunks(11).map(<[u8]>::to_vec).collect(),
                    is_whole,
                };
                let expected = alone.exchange(&request, answer.clone()).await;
                assert!(expected[0].contains(&*asked.as_bytes().escape_ascii().to_string()));
                let passed = behind.exchange(&request, answer).await;
                assert_eq!(passed, expected, "{kind} {is_whole} {asked}");
            }
        }
    }
    // It was looked at.
    assert_eq!(kept.calls().await.len(), 4);
}
