//! The mock ingest over real sockets: every answer, every check, and what is reported of them.

mod contract;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use mcp_usage::testing::{Answer, MockIngest, ReceivedWire};
use serde_json::{Value, json};

use crate::support::reserved_port;

/// More than any machine needs; a test that waits for it has failed.
const SOON: Duration = Duration::from_secs(20);
const REO_PATH: &str = "/api/product/usage";
const JSON: &str = "Content-Type: application/json\r\n";

// ---- a client that hides nothing ----

/// A connection on which requests and answers can be looked at byte by byte.
struct Client {
    stream: TcpStream,
    ahead: Vec<u8>,
}

#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn error(&self) -> String {
        self.json()["error"].as_str().unwrap().to_owned()
    }
}

impl Client {
    fn new(ingest: &MockIngest) -> Self {
        let stream = TcpStream::connect(ingest.address()).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        Self {
            stream,
            ahead: Vec::new(),
        }
    }

    fn send(&mut self, text: impl AsRef<[u8]>) {
        self.stream.write_all(text.as_ref()).unwrap();
    }

    fn post(&mut self, path: &str, headers: &str, body: &str) {
        let length = body.len();
        self.send(format!("POST {path} HTTP/1.1\r\nHost: ingest\r\n{headers}Content-Length: {length}\r\n\r\n{body}"));
    }

    fn ask(&mut self, path: &str, headers: &str, body: &str) -> Reply {
        self.post(path, headers, body);
        self.reply().unwrap()
    }

    fn reo(&mut self, body: &Value) -> Reply {
        self.ask(REO_PATH, JSON, &body.to_string())
    }

    /// Reads what arrives next; 0 at an orderly end.
    fn more(&mut self) -> std::io::Result<usize> {
        let mut piece = [0; 4096];
        let read = self.stream.read(&mut piece)?;
        self.ahead.extend_from_slice(&piece[..read]);
        Ok(read)
    }

    fn head(&mut self) -> std::io::Result<String> {
        loop {
            if let Some(end) = self.ahead.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.ahead.drain(..end + 4).collect();
                return Ok(String::from_utf8(head).unwrap());
            }
            if self.more()? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn reply(&mut self) -> std::io::Result<Reply> {
        let head = self.head()?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut reply = Reply {
            status,
            head,
            body: Vec::new(),
        };
        let length: usize = reply
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        while self.ahead.len() < length {
            if self.more()? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        reply.body = self.ahead.drain(..length).collect();
        Ok(reply)
    }

    /// Waits for the connection's end and says which kind it was.
    fn end(&mut self) -> Result<(), ErrorKind> {
        loop {
            match self.more() {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(error.kind()),
            }
        }
    }
}

fn event(id: i64) -> Value {
    json!({
        "activity_type": "MCP_TOOL_CALL", "user_id": "rachel@reo.dev", "user_id_type": "EMAIL",
        "product_id": "reoWebApp", "event_id": id, "event_at": 1_731_000_000, "source": "PRODUCT_CLOUD",
        "environment": "PRODUCTION", "user_agent": "test/1.0",
        "meta": {"tool": "search", "duration_ms": 5.25, "mode": "demo", "tool_arguments": {"q": "rails"}},
    })
}

fn single(id: i64) -> Value {
    json!({ "payload": event(id) })
}

fn batch(ids: &[i64]) -> Value {
    let events: Vec<Value> = ids.iter().map(|&id| event(id)).collect();
    json!({"payload": events, "sdk": {"name": "mcp-usage", "version": "0.1.0", "instance": "a", "sequence": 0}})
}

fn mcpeye(identity: Value, extra: Value) -> Value {
    let mut call = json!({
        "callId": "f9e078a0-519b-4af2-b6c2-1896a6d21d1b", "toolName": "search", "arguments": {"q": 1},
        "isError": false, "timestamp": 1_795_246_992_700_i64, "durationMs": 3,
    });
    call.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    json!({"projectId": "proj_123", "identity": identity, "events": [call]})
}

fn accepted_ids(ingest: &MockIngest) -> Vec<String> {
    ingest
        .delivered()
        .into_iter()
        .map(|event| event.id)
        .collect()
}

// ---- what is taken, and what is kept of it ----

#[test]
fn all_wires_are_taken_and_told_apart() {
    let ingest = MockIngest::start().unwrap();
    let mut client = Client::new(&ingest);
    assert_eq!(client.reo(&single(1)).json(), json!({}));
    assert_eq!(
        client.reo(&batch(&[2, 3])).json(),
        json!({"accepted": 2, "rejected": []})
    );
    let body = mcpeye(json!({"client": "claude"}), json!({"userId": "u1"})).to_string();
    assert_eq!(
        client.ask("/ingest", JSON, &body).json(),
        json!({"accepted": 1})
    );

    let wires: Vec<_> = ingest
        .requests()
        .iter()
        .map(|request| request.wire.unwrap())
        .collect();
    assert_eq!(
        wires,
        [
            ReceivedWire::Reo,
            ReceivedWire::ReoBatch,
            ReceivedWire::Mcpeye
        ]
    );
    assert_eq!(
        accepted_ids(&ingest),
        ["1", "2", "3", "f9e078a0-519b-4af2-b6c2-1896a6d21d1b"]
    );
    assert!(ingest.violations().is_empty());
    let counts = ingest.counts();
    assert_eq!(
        (
            counts.requests,
            counts.events,
            counts.accepted,
            counts.connections
        ),
        (3, 4, 4, 1)
    );
    let sent = [single(1).to_string(), batch(&[2, 3]).to_string(), body];
    assert_eq!(
        counts.bytes,
        sent.iter().map(|body| body.len() as u64).sum::<u64>()
    );
}

#[test]
fn a_kept_request_is_what_was_sent() {
    let ingest = MockIngest::start().unwrap();
    let body = single(1).to_string();
    Client::new(&ingest).ask(
        "/usage?x=1",
        "Content-Type: application/json; charset=utf-8\r\nX-Api-Key: test-key-1\r\n",
        &body,
    );
    let request = ingest.requests().remove(0);
    assert_eq!(
        (
            request.method.as_str(),
            request.path.as_str(),
            request.status
        ),
        ("POST", "/usage?x=1", Some(200))
    );
    assert_eq!(request.header("x-API-key"), Some("test-key-1"));
    assert_eq!(request.body, body.as_bytes());
    assert_eq!(request.json(), Some(single(1)));
    assert!(request.body_complete);
    assert!(
        !format!("{request:?} {ingest:?}").contains("test-key-1"),
        "a printed request shows no key"
    );
}

#[test]
fn events_answer_the_usual_questions_on_every_wire() {
    let ingest = MockIngest::start().unwrap();
    let mut client = Client::new(&ingest);
    client.reo(&single(1));
    let failed = json!({"isError": true, "errorMessage": "no such thing"});
    for (identity, extra) in [
        (json!({"userId": "batch"}), failed.clone()),
        (json!({"userId": "batch"}), json!({"userEmail": "a@b.co"})),
        (json!({}), json!({})),
    ] {
        assert_eq!(
            client
                .ask("/ingest", JSON, &mcpeye(identity, extra).to_string())
                .status,
            200
        );
    }
    let events = ingest.events();
    let reo = &events[0];
    assert_eq!(
        (reo.activity(), reo.user_id(), reo.user_id_type()),
        ("MCP_TOOL_CALL", Some("rachel@reo.dev"), Some("EMAIL"))
    );
    assert_eq!(
        (reo.tool(), reo.duration_ms(), reo.error()),
        (Some("search"), Some(5.25), None)
    );
    assert_eq!(reo.meta("mode"), Some(&json!("demo")));
    assert_eq!(reo.arguments(), Some(&json!({"q": "rails"})));
    let call = &events[1];
    assert_eq!(
        (call.activity(), call.tool(), call.duration_ms()),
        ("MCP_TOOL_CALL", Some("search"), Some(3.0))
    );
    assert_eq!(
        (call.error(), call.meta("isError")),
        (Some("no such thing"), Some(&json!(true)))
    );
    assert_eq!(call.arguments(), Some(&json!({"q": 1})));
    let users: Vec<_> = events.iter().map(|event| event.user_id()).collect();
    assert_eq!(
        users,
        [Some("rachel@reo.dev"), Some("batch"), Some("a@b.co"), None]
    );
}

#[test]
fn connections_are_kept_alive_until_one_side_says_otherwise() {
    let ingest = MockIngest::start().unwrap();
    let mut client = Client::new(&ingest);
    client.reo(&single(1));
    client.reo(&single(2));
    let last = client.ask(
        REO_PATH,
        &format!("{JSON}Connection: close\r\n"),
        &single(3).to_string(),
    );
    assert_eq!(last.header("connection"), Some("close"));
    assert_eq!(client.end(), Ok(()));
    ingest.script([Answer::ok().close()]);
    let mut client = Client::new(&ingest);
    assert_eq!(client.reo(&single(4)).header("connection"), Some("close"));
    assert_eq!(client.end(), Ok(()));
    let connections: Vec<_> = ingest
        .requests()
        .iter()
        .map(|request| request.connection)
        .collect();
    assert_eq!(connections, [1, 1, 1, 2]);
}

#[test]
fn many_connections_are_served_at_once() {
    let ingest = MockIngest::start().unwrap();
    ingest.answer_always(Answer::hang());
    let mut clients: Vec<_> = (0..50).map(|_| Client::new(&ingest)).collect();
    for (client, id) in clients.iter_mut().zip(1..) {
        client.post(REO_PATH, JSON, &single(id).to_string());
    }
    ingest.wait_for_requests(50, SOON).unwrap();
    assert!(ingest.delivered().is_empty());
    ingest.release();
    assert!(
        clients
            .iter_mut()
            .all(|client| client.reply().unwrap().status == 200)
    );
    assert_eq!(ingest.delivered().len(), 50);
}

// ---- how a request may be framed ----

#[test]
fn a_body_may_be_chunked() {
    let ingest = MockIngest::start().unwrap();
    let body = single(1).to_string();
    let (first, second) = body.split_at(10);
    let mut client = Client::new(&ingest);
    for _ in 0..2 {
        client.send(format!("POST {REO_PATH} HTTP/1.1\r\n{JSON}Transfer-Encoding: chunked\r\n\r\na;name=value\r\n{first}\r\n"));
        client.send(format!(
            "{:X}\r\n{second}\r\n0\r\nTrailer: x\r\n\r\n",
            second.len()
        ));
        assert_eq!(client.reply().unwrap().status, 200);
    }
    assert_eq!(ingest.requests()[1].body, body.as_bytes());
}

#[test]
fn a_client_that_asks_is_told_to_continue_or_refused_unread() {
    let ingest = MockIngest::builder().max_body_bytes(1_000).start().unwrap();
    let expect = format!("POST {REO_PATH} HTTP/1.1\r\n{JSON}Expect: 100-continue\r\n");
    let body = single(1).to_string();
    let mut client = Client::new(&ingest);
    client.send(format!("{expect}Content-Length: {}\r\n\r\n", body.len()));
    assert_eq!(client.head().unwrap(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send(&body);
    assert_eq!(client.reply().unwrap().status, 200);
    client.send(format!("{expect}Content-Length: 1001\r\n\r\n"));
    assert_eq!(client.reply().unwrap().status, 413);
    assert_eq!(client.end(), Ok(()));
    let requests = ingest.requests();
    assert_eq!(
        (requests[1].status, requests[1].body_complete),
        (Some(413), false)
    );
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let ingest = MockIngest::start().unwrap();
    ingest.script([Answer::status(503).held(), Answer::status(429)]);
    let mut client = Client::new(&ingest);
    client.post(REO_PATH, JSON, &single(1).to_string());
    client.post(REO_PATH, JSON, &single(2).to_string());
    ingest.wait_for_requests(1, SOON).unwrap();
    ingest.release();
    assert_eq!(client.reply().unwrap().status, 503);
    assert_eq!(client.reply().unwrap().status, 429);
}

#[test]
fn what_is_not_http_is_refused_without_an_answer_of_the_script() {
    let ingest = MockIngest::start().unwrap();
    ingest.script([Answer::status(299)]);
    let long = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(200));
    for (request, status) in [
        ("\x16\x03\x01 a TLS hello\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            400,
        ),
        (
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: br\r\n\r\n", 501),
        (
            "POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
            413,
        ),
        (&long, 431),
        (&many, 431),
    ] {
        let mut client = Client::new(&ingest);
        client.send(request);
        assert_eq!(client.reply().unwrap().status, status, "{request:.60}");
        assert_eq!(client.end(), Ok(()), "{request:.60}");
    }
    assert_eq!(ingest.violations().len(), 8);
    assert_eq!(ingest.script_left(), 1);
    for chunks in ["x\r\n", "\r\n", "1\r\nab\r\n", "fffffffffffffffff\r\n"] {
        let mut client = Client::new(&ingest);
        client.send(format!(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
        ));
        assert!(
            matches!(client.reply().unwrap().status, 400 | 413),
            "{chunks}"
        );
    }
}

#[test]
fn a_client_that_leaves_in_its_body_leaves_a_partial_request() {
    let ingest = MockIngest::start().unwrap();
    let mut client = Client::new(&ingest);
    client.send(format!(
        "POST {REO_PATH} HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf"
    ));
    drop(client);
    let request = ingest.wait_for_requests(1, SOON).unwrap().remove(0);
    assert_eq!(
        (
            request.body.as_slice(),
            request.body_complete,
            request.status
        ),
        (&b"half"[..], false, None)
    );
}

// ---- checks ----

#[test]
fn each_wire_carries_its_key_in_its_own_header() {
    let ingest = MockIngest::builder().api_key("test-key-1").start().unwrap();
    let mut client = Client::new(&ingest);
    let (reo, eye) = (
        single(1).to_string(),
        mcpeye(json!({}), json!({})).to_string(),
    );
    for (path, header, body, status) in [
        (REO_PATH, "X-API-KEY: test-key-1\r\n", &reo, 200),
        (REO_PATH, "X-API-KEY: test-key-2\r\n", &reo, 401),
        (REO_PATH, "", &reo, 401),
        (REO_PATH, "x-mcpeye-secret: test-key-1\r\n", &reo, 401),
        ("/ingest", "x-mcpeye-secret: test-key-1\r\n", &eye, 200),
        ("/ingest", "x-mcpeye-secret: test-key-2\r\n", &eye, 401),
        ("/ingest", "X-API-KEY: test-key-1\r\n", &eye, 401),
    ] {
        let reply = client.ask(path, &format!("{JSON}{header}"), body);
        assert_eq!(reply.status, status, "{path} {header}");
        assert!(!String::from_utf8_lossy(&reply.body).contains("test-key"));
    }
    assert_eq!(ingest.counts().accepted, 2);
    assert!(!format!("{:?}", MockIngest::builder().api_key("test-key-1")).contains("test-key-1"));
}

#[test]
fn a_violation_is_answered_with_400_and_the_reason() {
    let ingest = MockIngest::start().unwrap();
    let mut client = Client::new(&ingest);
    let mut body = batch(&[1, 2]);
    body["payload"][1]["event_id"] = json!(-2);
    let reply = client.reo(&body);
    assert_eq!(
        (reply.status, reply.error().as_str()),
        (
            400,
            "payload[1].event_id: is outside 1 to 9223372036854775807"
        )
    );
    assert_eq!(
        ingest.violations(),
        [format!("request 1: {}", reply.error())]
    );
    let waited = ingest.wait_for_delivered(1, Duration::ZERO).unwrap_err();
    assert_eq!(waited.violation, ingest.violations().first().cloned());
    assert!(waited.to_string().ends_with(&ingest.violations()[0]));
    let events = ingest.events();
    assert_eq!(
        (events.len(), events[0].accepted),
        (2, false),
        "events are kept, and not accepted"
    );

    let eye = mcpeye(json!({}), json!({})).to_string();
    let reo = single(1).to_string();
    for (path, headers, body, error) in [
        (
            REO_PATH,
            JSON,
            "{not json",
            "body: is not JSON: key must be a string at line 1 column 2",
        ),
        (
            REO_PATH,
            JSON,
            "{}",
            "body: is of no known wire: it has neither payload nor projectId",
        ),
        (
            REO_PATH,
            "",
            reo.as_str(),
            "content-type: is not application/json",
        ),
        (
            REO_PATH,
            "Content-Type: text/plain\r\n",
            &reo,
            "content-type: is not application/json",
        ),
        (
            "/collect",
            JSON,
            &eye,
            "path: does not end in /ingest, as the mcpeye wire's does",
        ),
        (
            "/ingest",
            "Content-Type: application/json\r\nX-API-KEY: k\r\n",
            &eye,
            "x-api-key: is the key of another wire",
        ),
        (
            REO_PATH,
            "Content-Type: application/json\r\nx-mcpeye-secret: k\r\n",
            &reo,
            "x-mcpeye-secret: is the key of another wire",
        ),
    ] {
        let reply = client.ask(path, headers, body);
        assert_eq!((reply.status, reply.error().as_str()), (400, error));
    }
    assert_eq!(ingest.violations().len(), 8);
    assert!(ingest.delivered().is_empty());
}

#[test]
fn limits_methods_and_codings_have_their_statuses() {
    let ingest = MockIngest::builder()
        .max_body_bytes(2_000)
        .max_body_events(2)
        .start()
        .unwrap();
    let mut client = Client::new(&ingest);
    assert_eq!(client.reo(&batch(&[1, 2])).status, 200);
    let reply = client.reo(&batch(&[1, 2, 3]));
    assert_eq!(
        (reply.status, reply.error().as_str()),
        (413, "body: has 3 events, more than 2")
    );
    assert_eq!(client.ask(REO_PATH, JSON, &" ".repeat(2_001)).status, 413);
    client.send("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(client.reply().unwrap().status, 405);
    assert_eq!(
        client.ask(REO_PATH, "Content-Encoding: br\r\n", "x").status,
        415
    );
    assert_eq!(
        client
            .ask(
                REO_PATH,
                &format!("{JSON}Content-Encoding: identity\r\n"),
                &single(3).to_string()
            )
            .status,
        200
    );
}

#[test]
fn the_order_of_decisions_is_as_documented() {
    let ingest = MockIngest::builder()
        .api_key("test-key-1")
        .max_body_bytes(1_000)
        .start()
        .unwrap();
    let mut client = Client::new(&ingest);
    let keyed = format!("{JSON}X-API-KEY: test-key-1\r\n");
    let mut wrong = single(1);
    wrong["payload"]["user_id"] = json!("");
    let mut large = wrong.clone();
    large["payload"]["meta"]["x"] = json!("y".repeat(1_000));

    ingest.script([
        Answer::status(503),
        Answer::ok(),
        Answer::ok(),
        Answer::ok(),
        Answer::status(202),
    ]);
    let statuses = [
        client.reo(&large).status,
        client.reo(&large).status,
        client.ask(REO_PATH, &keyed, &large.to_string()).status,
        client.ask(REO_PATH, &keyed, &wrong.to_string()).status,
        client.ask(REO_PATH, &keyed, &single(1).to_string()).status,
    ];
    assert_eq!(statuses, [503, 401, 413, 400, 202]);
    assert_eq!(
        ingest.violations().len(),
        4,
        "a violation is noted whatever is answered"
    );
    assert_eq!(accepted_ids(&ingest), ["1"]);
}

// ---- scripts ----

#[test]
fn a_script_is_played_and_then_the_default_answer() {
    let ingest = MockIngest::start().unwrap();
    ingest.script([Answer::status(503), Answer::status(429).retry_after("2")]);
    ingest.script([Answer::status(200)
        .header("Content-Type", "text/plain")
        .header("X-Trace", "7")
        .body("hello")]);
    let mut client = Client::new(&ingest);
    let first = client.reo(&single(1));
    assert_eq!((first.status, first.header("retry-after")), (503, None));
    let second = client.reo(&single(1));
    assert_eq!(
        (second.status, second.header("retry-after")),
        (429, Some("2"))
    );
    let third = client.reo(&single(1));
    assert_eq!(
        (third.header("content-type"), third.header("x-trace")),
        (Some("text/plain"), Some("7"))
    );
    assert_eq!(third.body, b"hello");
    assert_eq!(client.reo(&single(2)).body, b"{}");
    ingest.answer_always(Answer::status(500));
    assert_eq!(client.reo(&single(3)).status, 500);
    let accepted: Vec<_> = ingest.events().iter().map(|event| event.accepted).collect();
    assert_eq!(accepted, [false, false, true, true, false]);
    let statuses: Vec<_> = ingest
        .requests()
        .iter()
        .map(|request| request.status.unwrap())
        .collect();
    assert_eq!(statuses, [503, 429, 200, 200, 500]);
}

#[test]
fn a_strict_ingest_reports_what_the_script_does_not_foresee() {
    let ingest = MockIngest::builder().strict().start().unwrap();
    ingest.script([Answer::ok()]);
    let mut client = Client::new(&ingest);
    assert_eq!(client.reo(&single(1)).status, 200);
    assert!(ingest.unexpected().is_empty());
    assert_eq!(client.reo(&single(2)).status, 500);
    let unexpected = ingest.unexpected();
    assert_eq!(
        (unexpected.len(), unexpected[0].json()),
        (1, Some(single(2)))
    );
    assert_eq!(accepted_ids(&ingest), ["1"]);
}

#[test]
fn an_event_taken_twice_is_a_duplicate_and_a_retried_one_is_not() {
    let ingest = MockIngest::start().unwrap();
    ingest.script([Answer::status(503)]);
    let mut client = Client::new(&ingest);
    client.reo(&single(1));
    client.reo(&single(1));
    assert!(ingest.duplicates().is_empty());
    for _ in 0..2 {
        client.reo(&batch(&[2, 1]));
    }
    assert_eq!(ingest.duplicates(), ["1", "2"]);
}

#[test]
fn part_of_a_batch_can_be_rejected() {
    let ingest = MockIngest::start().unwrap();
    ingest.script([
        Answer::reject([2, 99], true),
        Answer::reject_first(2, false),
        Answer::reject([1], false),
        Answer::reject([5], false),
    ]);
    let mut client = Client::new(&ingest);
    let reply = client.reo(&batch(&[1, 2, 3])).json();
    assert_eq!(
        reply,
        json!({"accepted": 2, "rejected": [{"event_id": 2, "reason": "scripted", "retry": true}]})
    );
    assert_eq!(accepted_ids(&ingest), ["1", "3"]);
    let reply = client.reo(&batch(&[4, 5, 6])).json();
    assert_eq!(
        (
            &reply["accepted"],
            reply["rejected"][1]["event_id"].as_i64()
        ),
        (&json!(1), Some(5))
    );
    assert_eq!(
        client.reo(&single(1)).json(),
        json!({}),
        "the single wire has no such thing"
    );
    let mut wrong = batch(&[5, 6]);
    wrong["sdk"]["sequence"] = json!(-1);
    assert_eq!(client.reo(&wrong).status, 400, "the contract comes first");
    assert_eq!(accepted_ids(&ingest), ["1", "3", "6", "1"]);
    assert_eq!(ingest.counts().accepted, 4);
}

#[test]
fn a_redirect_names_its_location() {
    let ingest = MockIngest::start().unwrap();
    ingest.script([Answer::redirect(307, "http://127.0.0.1:9/elsewhere")]);
    let reply = Client::new(&ingest).reo(&single(1));
    assert_eq!(
        (reply.status, reply.header("location")),
        (307, Some("http://127.0.0.1:9/elsewhere"))
    );
    assert!(ingest.delivered().is_empty());
}

#[test]
fn resets_are_resets_wherever_they_happen() {
    let ingest = MockIngest::start().unwrap();
    ingest.script([
        Answer::reset_before_body(),
        Answer::reset_in_body(),
        Answer::reset_after_body(),
    ]);
    let body = single(1).to_string();
    for _ in 0..3 {
        let mut client = Client::new(&ingest);
        client.post(REO_PATH, JSON, &body);
        assert_eq!(client.end(), Err(ErrorKind::ConnectionReset));
    }
    let requests = ingest.wait_for_requests(3, SOON).unwrap();
    let seen: Vec<_> = requests
        .iter()
        .map(|request| (request.body.len(), request.body_complete, request.status))
        .collect();
    assert_eq!(
        seen,
        [
            (0, false, None),
            (body.len().div_ceil(2), false, None),
            (body.len(), true, None)
        ]
    );
    let events = ingest.events();
    assert_eq!(
        (events.len(), events[0].accepted),
        (1, false),
        "only the last came to be an event"
    );
}

#[test]
fn a_chunked_body_is_reset_within_a_chunk() {
    let ingest = MockIngest::start().unwrap();
    ingest.script([Answer::reset_in_body()]);
    let mut client = Client::new(&ingest);
    client.send(format!(
        "POST {REO_PATH} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n"
    ));
    assert_eq!(client.end(), Err(ErrorKind::ConnectionReset));
    assert_eq!(ingest.requests()[0].body, b"ab");
}

#[test]
fn answers_can_be_no_http_or_end_early() {
    let ingest = MockIngest::start().unwrap();
    ingest.script([
        Answer::malformed(),
        Answer::raw("abc"),
        Answer::truncated(),
        Answer::ok().body("{not json"),
    ]);
    let mut client = Client::new(&ingest);
    client.post(REO_PATH, JSON, &single(1).to_string());
    assert_eq!(client.end(), Ok(()));
    assert!(client.ahead.starts_with(b"HTTP/9 "));
    let mut client = Client::new(&ingest);
    client.post(REO_PATH, JSON, &single(2).to_string());
    assert_eq!(
        (client.end(), client.ahead.as_slice()),
        (Ok(()), &b"abc"[..])
    );
    let mut client = Client::new(&ingest);
    client.post(REO_PATH, JSON, &single(3).to_string());
    let head = client.head().unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(client.end(), Ok(()));
    let announced: usize = Reply {
        status: 200,
        head,
        body: Vec::new(),
    }
    .header("content-length")
    .unwrap()
    .parse()
    .unwrap();
    assert!(!client.ahead.is_empty() && client.ahead.len() < announced);
    assert_eq!(Client::new(&ingest).reo(&single(4)).body, b"{not json");
    assert_eq!(accepted_ids(&ingest), ["3", "4"]);
}

#[test]
fn a_huge_answer_arrives_and_may_be_left_unread() {
    let ingest = MockIngest::start().unwrap();
    let size = 50_000_000;
    ingest.script([
        Answer::huge(1_000_000),
        Answer::huge(size),
        Answer::status(204),
    ]);
    let mut client = Client::new(&ingest);
    assert_eq!(client.reo(&single(1)).body.len(), 1_000_000);
    client.post(REO_PATH, JSON, &single(2).to_string());
    assert!(
        client
            .head()
            .unwrap()
            .contains(&format!("Content-Length: {size}\r\n"))
    );
    drop(client);
    let reply = Client::new(&ingest).reo(&single(3));
    assert_eq!((reply.status, reply.header("content-length")), (204, None));
    assert_eq!(accepted_ids(&ingest), ["1", "2", "3"]);
}

#[test]
fn a_trickle_comes_byte_by_byte() {
    let ingest = MockIngest::start().unwrap();
    ingest.script([
        Answer::trickle(3, Duration::from_millis(20)),
        Answer::trickle(1_000, SOON),
    ]);
    let mut client = Client::new(&ingest);
    let start = Instant::now();
    assert_eq!(client.reo(&single(1)).body, b"   ");
    assert!(start.elapsed() >= Duration::from_millis(60));
    client.post(REO_PATH, JSON, &single(2).to_string());
    assert!(
        client.head().unwrap().starts_with("HTTP/1.1 200 "),
        "the head does not wait for the body"
    );
    assert_eq!(accepted_ids(&ingest), ["1", "2"]);
}

// ---- time ----

#[test]
fn a_delayed_answer_settles_when_it_is_sent() {
    let ingest = MockIngest::start().unwrap();
    let delay = Duration::from_millis(150);
    ingest.script([Answer::ok().delay(delay)]);
    let mut client = Client::new(&ingest);
    let start = Instant::now();
    client.post(REO_PATH, JSON, &single(1).to_string());
    let arrived = ingest.wait_for_events(1, SOON).unwrap();
    if start.elapsed() < delay {
        assert!(
            !arrived[0].accepted,
            "it has arrived, and is not answered yet"
        );
    }
    assert_eq!(client.reply().unwrap().status, 200);
    assert!(start.elapsed() >= delay);
    assert_eq!(ingest.wait_for_delivered(1, SOON).unwrap()[0].id, "1");
    assert_eq!(ingest.requests()[0].status, Some(200));
}

#[test]
fn a_hanging_request_is_seen_and_goes_on_when_released() {
    let ingest = MockIngest::start().unwrap();
    ingest.script([Answer::hang(), Answer::status(503).held(), Answer::hang()]);
    let mut client = Client::new(&ingest);
    for status in [200, 503] {
        client.post(REO_PATH, JSON, &single(1).to_string());
        let requests = ingest.wait_for_requests(1, SOON).unwrap();
        assert_eq!(requests[0].status, None);
        ingest.release();
        assert_eq!(client.reply().unwrap().status, status);
        assert_eq!(ingest.requests()[0].status, Some(status));
        ingest.clear();
    }
    // A release is for those that wait, not for those to come.
    client.post(REO_PATH, JSON, &single(2).to_string());
    ingest.wait_for_requests(1, SOON).unwrap();
    client
        .stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    assert!(client.reply().is_err());
}

#[test]
fn a_client_that_does_not_wait_for_its_answer_has_delivered_nothing() {
    let ingest = MockIngest::start().unwrap();
    ingest.script([Answer::hang(), Answer::ok().delay(SOON)]);
    for id in [1, 2] {
        let mut client = Client::new(&ingest);
        client.post(REO_PATH, JSON, &single(id).to_string());
        ingest.wait_for_requests(id as usize, SOON).unwrap();
    }
    ingest.release();
    assert_eq!(Client::new(&ingest).reo(&single(3)).status, 200);
    assert_eq!(accepted_ids(&ingest), ["3"]);
    assert_eq!(ingest.requests()[0].status, None);
}

#[test]
fn waits_end_when_it_happens_or_say_how_far_it_got() {
    let ingest = MockIngest::start().unwrap();
    Client::new(&ingest).reo(&batch(&[1, 2]));
    let error = ingest
        .wait_for_events(3, Duration::from_millis(10))
        .unwrap_err();
    assert_eq!(
        (error.wanted, error.seen, error.to_string().as_str()),
        (3, 2, "waited 10ms for 3 events, and 2 came")
    );
    thread::scope(|scope| {
        let waiting = scope.spawn(|| ingest.wait_for_events(3, SOON).unwrap().len());
        Client::new(&ingest).reo(&single(3));
        assert_eq!(waiting.join().unwrap(), 3);
    });
}

#[tokio::test(start_paused = true)]
async fn async_waits_keep_real_time_on_a_runtime_that_does_not() {
    let ingest = MockIngest::start().unwrap();
    ingest.script([Answer::hang()]);
    let mut client = Client::new(&ingest);
    client.post(REO_PATH, JSON, &single(1).to_string());
    assert_eq!(
        ingest.requests_arrived(1, SOON).await.unwrap()[0].status,
        None
    );
    assert_eq!(ingest.events_arrived(1, SOON).await.unwrap()[0].id, "1");
    let error = ingest
        .events_delivered(1, Duration::from_millis(10))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "waited 10ms for 1 accepted events, and 0 came"
    );
    ingest.release();
    assert!(ingest.events_delivered(1, SOON).await.unwrap()[0].accepted);
    assert_eq!(client.reply().unwrap().status, 200);
}

// ---- the rest of the handle ----

#[test]
fn taking_out_begins_anew_and_late_answers_do_not_count() {
    let ingest = MockIngest::start().unwrap();
    ingest.script([Answer::ok(), Answer::hang()]);
    let mut client = Client::new(&ingest);
    client.reo(&single(1));
    client.post(REO_PATH, JSON, &json!({"payload": []}).to_string());
    ingest.wait_for_requests(2, SOON).unwrap();
    let taken = ingest.take();
    assert_eq!(
        (
            taken.requests.len(),
            taken.events.len(),
            taken.violations.len(),
            taken.counts.requests
        ),
        (2, 1, 1, 2)
    );
    ingest.release();
    assert_eq!(client.reply().unwrap().status, 400);
    assert_eq!(client.reo(&single(2)).status, 200);
    assert_eq!(ingest.requests().len(), 1);
    assert_eq!(
        (accepted_ids(&ingest), ingest.counts().accepted),
        (vec![String::from("2")], 1)
    );
}

#[test]
fn an_unchecked_ingest_counts_and_keeps_nothing() {
    let ingest = MockIngest::builder()
        .unchecked()
        .api_key("test-key-1")
        .max_body_events(3)
        .start()
        .unwrap();
    ingest.script([Answer::status(503)]);
    let mut client = Client::new(&ingest);
    let keyed = "X-API-KEY: test-key-1\r\n";
    let wide = batch(&[1, 2, 3]).to_string();
    assert_eq!(client.ask(REO_PATH, keyed, &wide).status, 503);
    assert_eq!(
        client.ask(REO_PATH, keyed, &wide).json(),
        json!({"accepted": 3, "rejected": []})
    );
    assert_eq!(client.ask(REO_PATH, "", &wide).status, 401);
    assert_eq!(
        client
            .ask(REO_PATH, keyed, &batch(&[1, 2, 3, 4]).to_string())
            .status,
        413
    );
    assert_eq!(client.ask(REO_PATH, keyed, r#"{"payload":{"#).status, 200);
    let eye = mcpeye(json!({}), json!({})).to_string();
    assert_eq!(
        client
            .ask("/ingest", "x-mcpeye-secret: test-key-1\r\n", &eye)
            .json(),
        json!({"accepted": 1})
    );
    let counts = ingest.counts();
    assert_eq!(
        (counts.requests, counts.events, counts.accepted),
        (6, 15, 5)
    );
    ingest.wait_for_delivered(5, SOON).unwrap();
    assert!(
        ingest.requests().is_empty()
            && ingest.events().is_empty()
            && ingest.violations().is_empty()
    );
}

#[test]
fn a_dropped_ingest_closes_its_port_and_can_come_back() {
    let port = reserved_port();
    let ingest = MockIngest::builder().port(port).start().unwrap();
    ingest.script([Answer::hang()]);
    let address = ingest.address();
    let mut client = Client::new(&ingest);
    client.post(REO_PATH, JSON, &single(1).to_string());
    ingest.wait_for_requests(1, SOON).unwrap();
    let start = Instant::now();
    drop(ingest);
    assert!(
        start.elapsed() < SOON / 2,
        "it does not wait for what hangs"
    );
    assert!(client.reply().is_err());
    assert_eq!(
        TcpStream::connect(address).unwrap_err().kind(),
        ErrorKind::ConnectionRefused
    );

    let ingest = MockIngest::builder().port(port).start().unwrap();
    assert_eq!(ingest.origin(), format!("http://127.0.0.1:{port}"));
    assert_eq!(
        ingest.endpoint(),
        format!("http://127.0.0.1:{port}/api/product/usage")
    );
    assert_eq!(ingest.mcpeye_url(), ingest.origin());
    assert_eq!(Client::new(&ingest).reo(&single(1)).status, 200);
    let taken = MockIngest::builder().port(port).start().unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AddrInUse);
}

#[test]
fn a_handle_can_be_shared_among_threads_and_tasks() {
    fn shared<T: Send + Sync + 'static>(value: T) -> T {
        value
    }
    let ingest = shared(std::sync::Arc::new(MockIngest::start().unwrap()));
    let (sender, receiver) = mpsc::channel();
    let other = std::sync::Arc::clone(&ingest);
    thread::spawn(move || {
        sender
            .send(other.wait_for_events(1, SOON).map(|events| events.len()))
            .unwrap()
    });
    Client::new(&ingest).reo(&single(1));
    assert_eq!(receiver.recv_timeout(SOON).unwrap().unwrap(), 1);
}
