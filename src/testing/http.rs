//! The server's side of one HTTP/1.1 connection, framed by hand over a socket.
//!
//! An HTTP library would refuse to do what [`Answer`] is for: to leave a body unread, to cut an answer short, to say
//! something that is not HTTP. This file frames and nothing else; what to answer is decided in `ingest`.

use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answer::{Answer, How};

/// The largest request head, and the longest line of a chunked body, that is read.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How many header lines a request may have.
const MAX_HEADERS: usize = 100;
/// The largest body that is read at all: a guard for the test's memory, not a limit of any wire.
const MAX_READ_BYTES: usize = 64 * 1024 * 1024;
/// One read from the socket.
const READ_BYTES: usize = 64 * 1024;
/// How long a connection that is closed early keeps reading, so that the client sees the answer and not a reset.
const LINGER: Duration = Duration::from_secs(1);

/// Why a request could not be read to its end.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The client left, or the socket failed.
    Left,
    /// The client did not speak HTTP/1.1 as we read it; a status to say so with, and a sentence.
    Bad(u16, &'static str),
}

/// The head of a request.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    http_1_0: bool,
}

/// How a request says where its body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(usize),
    Chunked,
}

/// How much of a body to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Portion {
    Whole,
    /// At least a byte of it, and less than all where it has two or more.
    Half,
}

impl Head {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    pub(super) fn framing(&self) -> Result<Framing, ReadError> {
        let mut lengths = self
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = lengths.next().map(|(_, value)| value.trim());
        if lengths.next().is_some() {
            return Err(ReadError::Bad(400, "more than one content-length"));
        }
        match (self.header("transfer-encoding"), length) {
            // Both together are how requests are smuggled past proxies.
            (Some(_), Some(_)) => Err(ReadError::Bad(
                400,
                "content-length beside transfer-encoding",
            )),
            (Some(coding), None) if coding.trim().eq_ignore_ascii_case("chunked") => {
                Ok(Framing::Chunked)
            }
            (Some(_), None) => Err(ReadError::Bad(501, "transfer-encoding other than chunked")),
            (None, None) => Ok(Framing::Length(0)),
            (None, Some(length)) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                match length.parse() {
                    Ok(length) if length <= MAX_READ_BYTES => Ok(Framing::Length(length)),
                    Ok(_) => Err(ReadError::Bad(
                        413,
                        "content-length is beyond what a test needs",
                    )),
                    Err(_) => Err(ReadError::Bad(400, "content-length is no number")),
                }
            }
            (None, Some(_)) => Err(ReadError::Bad(400, "content-length is no number")),
        }
    }

    pub(super) fn expects_continue(&self) -> bool {
        !self.http_1_0
            && self
                .header("expect")
                .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    }

    pub(super) fn keeps_alive(&self) -> bool {
        let says = |word: &str| {
            let list = self.header("connection").unwrap_or_default();
            list.split(',')
                .any(|item| item.trim().eq_ignore_ascii_case(word))
        };
        if self.http_1_0 {
            says("keep-alive")
        } else {
            !says("close")
        }
    }
}

/// The first value of a header, whatever the case of its name.
pub(super) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

/// A connection and what was read from it ahead of need.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// How much of `buffer` is already used.
    used: usize,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        // An answer is written in one piece, so there is nothing for Nagle's algorithm to gather; it would only add
        // its delay. A socket that refuses is merely slower.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            buffer: Vec::new(),
            used: 0,
        }
    }

    /// Reads the next request's head; `None` when the client closed the connection instead.
    pub(super) async fn head(&mut self) -> Result<Option<Head>, ReadError> {
        loop {
            if let Some((head, length)) = parse_head(self.unused())? {
                self.used += length;
                return Ok(Some(head));
            }
            if self.unused().len() > MAX_HEAD_BYTES {
                return Err(ReadError::Bad(431, "the request's head is too long"));
            }
            match self.fill().await {
                Ok(()) => {}
                Err(_) if self.unused().is_empty() => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads a request's body into `body`, which keeps what arrived also when the rest does not.
    pub(super) async fn body(
        &mut self,
        framing: Framing,
        portion: Portion,
        body: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        match (framing, portion) {
            (Framing::Length(length), Portion::Whole) => self.exactly(length, body).await,
            (Framing::Length(length), Portion::Half) => {
                self.exactly(length.div_ceil(2), body).await
            }
            (Framing::Chunked, portion) => self.chunks(portion, body).await,
        }
    }

    async fn chunks(&mut self, portion: Portion, body: &mut Vec<u8>) -> Result<(), ReadError> {
        loop {
            let line = self.line().await?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(ReadError::Bad(400, "a chunk's size is no number"));
            }
            let size = usize::from_str_radix(digits, 16).unwrap_or(usize::MAX);
            if size > MAX_READ_BYTES.saturating_sub(body.len()) {
                return Err(ReadError::Bad(413, "the body is larger than a test needs"));
            }
            if size == 0 {
                // Trailers end, as a head does, with an empty line.
                while !self.line().await?.is_empty() {}
                return Ok(());
            }
            if portion == Portion::Half {
                return self.exactly(size.div_ceil(2), body).await;
            }
            self.exactly(size, body).await?;
            if !self.line().await?.is_empty() {
                return Err(ReadError::Bad(400, "a chunk is longer than its size"));
            }
        }
    }

    async fn exactly(&mut self, length: usize, body: &mut Vec<u8>) -> Result<(), ReadError> {
        let ahead = self.unused().len().min(length);
        body.extend(self.unused().iter().take(ahead));
        self.used += ahead;
        let mut missing = length - ahead;
        // Not the whole announced length: a client may announce much and send little.
        body.reserve(missing.min(READ_BYTES * 16));
        while missing > 0 {
            let read = (&mut self.stream)
                .take(missing as u64)
                .read_buf(body)
                .await
                .unwrap_or(0);
            if read == 0 {
                return Err(ReadError::Left);
            }
            missing -= read;
        }
        Ok(())
    }

    async fn line(&mut self) -> Result<String, ReadError> {
        loop {
            if let Some(length) = memchr::memchr(b'\n', self.unused()) {
                let line: Vec<u8> = self.unused().iter().take(length).copied().collect();
                self.used += length + 1;
                return Ok(String::from_utf8_lossy(&line)
                    .trim_end_matches('\r')
                    .to_owned());
            }
            if self.unused().len() > MAX_HEAD_BYTES {
                return Err(ReadError::Bad(
                    400,
                    "a line of the chunked body is too long",
                ));
            }
            self.fill().await?;
        }
    }

    fn unused(&self) -> &[u8] {
        self.buffer.get(self.used..).unwrap_or_default()
    }

    async fn fill(&mut self) -> Result<(), ReadError> {
        self.buffer.drain(..self.used);
        self.used = 0;
        self.buffer.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) | Err(_) => Err(ReadError::Left),
            Ok(_) => Ok(()),
        }
    }

    /// Ends when the client closes the connection; what it sends meanwhile is kept for later.
    pub(super) async fn client_leaves(&mut self) {
        while self.unused().len() <= MAX_HEAD_BYTES {
            if self.fill().await.is_err() {
                return;
            }
        }
        // A client that sends this much without waiting for answers is not about to leave.
        std::future::pending().await
    }

    /// Waits, and says whether the client is still there after it.
    pub(super) async fn stays_for(&mut self, time: Duration) -> bool {
        time.is_zero() || timeout(time, self.client_leaves()).await.is_err()
    }

    /// Waits for a future, and says whether the client is still there when it ends.
    pub(super) async fn stays_until(&mut self, future: impl Future<Output = ()>) -> bool {
        let mut future = pin!(future);
        let mut leaves = pin!(self.client_leaves());
        // The client first: when it has left, an answer that becomes due at the same moment comes too late.
        std::future::poll_fn(|context| {
            if leaves.as_mut().poll(context).is_ready() {
                Poll::Ready(false)
            } else {
                future.as_mut().poll(context).map(|()| true)
            }
        })
        .await
    }

    pub(super) async fn say_continue(&mut self) -> io::Result<()> {
        self.stream
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            .await
    }

    /// Writes an answer, and says whether the connection can take another request.
    pub(super) async fn send(
        &mut self,
        answer: &Answer,
        body: &Content,
        keep_alive: bool,
    ) -> io::Result<bool> {
        if let How::Raw(bytes) = &answer.how {
            self.stream.write_all(bytes).await?;
            return Ok(false);
        }
        let mut head = head_of(answer, body.len(), keep_alive);
        let bodyless = matches!(answer.status, 204 | 304);
        match (&answer.how, body) {
            _ if bodyless => self.stream.write_all(&head).await?,
            (How::Truncated, body) => {
                head.resize(
                    head.len() + usize::try_from(body.len() / 2).unwrap_or(0),
                    b' ',
                );
                self.stream.write_all(&head).await?;
                return Ok(false);
            }
            (How::Trickle(pause), body) => {
                self.stream.write_all(&head).await?;
                if !self.trickle(body, *pause).await? {
                    return Ok(false);
                }
            }
            (_, Content::Bytes(bytes)) => {
                head.extend_from_slice(bytes);
                self.stream.write_all(&head).await?;
            }
            (_, Content::Filler(length)) => {
                self.stream.write_all(&head).await?;
                self.fill_up(*length).await?;
            }
        }
        Ok(keep_alive)
    }

    async fn trickle(&mut self, body: &Content, pause: Duration) -> io::Result<bool> {
        for index in 0..body.len() {
            if !self.stays_for(pause).await {
                return Ok(false);
            }
            self.stream.write_all(&[body.byte(index)]).await?;
        }
        Ok(true)
    }

    async fn fill_up(&mut self, length: u64) -> io::Result<()> {
        let piece = vec![b' '; READ_BYTES];
        let mut missing = length;
        while missing > 0 {
            let now = usize::try_from(missing)
                .unwrap_or(READ_BYTES)
                .min(READ_BYTES);
            self.stream
                .write_all(piece.get(..now).unwrap_or(&piece))
                .await?;
            missing -= now as u64;
        }
        Ok(())
    }

    /// Closes the connection with a TCP reset in place of an orderly end.
    pub(super) fn reset(self) {
        // Without a linger time the system discards what is unsent and sends RST when the socket is dropped.
        let _ = self.stream.set_zero_linger();
    }

    /// Closes a connection whose client may still be sending.
    ///
    /// Closing at once would make the system answer the rest with a reset, which can overtake our answer.
    pub(super) async fn close_after_answer(mut self) {
        let _ = self.stream.shutdown().await;
        let rest = async {
            while self.fill().await.is_ok() {
                self.used = self.buffer.len();
            }
        };
        let _ = timeout(LINGER, rest).await;
    }
}

/// The body of an answer, ready to be sent.
#[derive(Debug)]
pub(super) enum Content {
    Bytes(Vec<u8>),
    Filler(u64),
}

impl Content {
    fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Filler(length) => *length,
        }
    }

    fn byte(&self, index: u64) -> u8 {
        let byte = match self {
            Self::Bytes(bytes) => usize::try_from(index)
                .ok()
                .and_then(|index| bytes.get(index)),
            Self::Filler(_) => None,
        };
        byte.copied().unwrap_or(b' ')
    }
}

fn parse_head(bytes: &[u8]) -> Result<Option<(Head, usize)>, ReadError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(ReadError::Bad(431, "too many headers"));
        }
        Err(_) => return Err(ReadError::Bad(400, "not an HTTP/1.1 request")),
    };
    let owned = |header: &httparse::Header<'_>| {
        (
            header.name.to_owned(),
            String::from_utf8_lossy(header.value).into_owned(),
        )
    };
    let head = Head {
        method: request.method.unwrap_or_default().to_owned(),
        path: request.path.unwrap_or_default().to_owned(),
        headers: request.headers.iter().map(owned).collect(),
        http_1_0: request.version == Some(0),
    };
    Ok(Some((head, length)))
}

fn head_of(answer: &Answer, length: u64, keep_alive: bool) -> Vec<u8> {
    let given = |name| header(&answer.headers, name).is_some();
    // A truncated answer of no bytes would be complete.
    let length = if answer.how == How::Truncated {
        length.max(64)
    } else {
        length
    };
    let mut head = format!(
        "HTTP/1.1 {} {}\r\n",
        answer.status,
        reason_phrase(answer.status)
    );
    if !given("content-type") {
        head.push_str("Content-Type: application/json\r\n");
    }
    if !given("content-length")
        && !given("transfer-encoding")
        && !matches!(answer.status, 204 | 304)
    {
        head.push_str(&format!("Content-Length: {length}\r\n"));
    }
    if !keep_alive {
        head.push_str("Connection: close\r\n");
    }
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        204 => "No Content",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Scripted",
    }
}
