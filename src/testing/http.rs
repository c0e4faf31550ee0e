//! The server's side of one HTTP/1.1 connection, framed by hand over a socket.
//!
//! An HTTP library would refuse to do what [`Answer`] is for: to leave a body unread, to cut an answer short, to send
//! something that is not HTTP. This file reads and writes alone; what to answer is decided in `check_request`.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answer::{Action, Answer, AnswerBody};
use super::head::{BodyLength, Head, MAX_HEAD_BYTES, MAX_READ_BYTES, ReadError, unreadable};
use super::received::header_values;

/// One read from the socket.
const READ_BYTES: usize = 64 * 1024;
/// How long a connection that is closed early keeps reading, so that the client sees the answer and not a reset.
const LINGER: Duration = Duration::from_secs(1);

/// How much of a body to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Portion {
    Whole,
    /// At least a byte of it, and less than all where it has two or more.
    Half,
}

impl Portion {
    fn of(self, length: usize) -> usize {
        match self {
            Self::Whole => length,
            Self::Half => length.div_ceil(2),
        }
    }
}

/// A connection of a client.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    /// What has been read and not used yet.
    buffer: Vec<u8>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        // An answer is written in one piece, so there is nothing for Nagle's algorithm to gather; it would only add
        // its delay. A socket that refuses is merely slower.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Reads the next request's head; `None` when the client closed the connection instead.
    pub(super) async fn read_head(&mut self) -> Result<Option<Head>, ReadError> {
        loop {
            if let Some((head, length)) = Head::parse(&self.buffer)? {
                self.buffer.drain(..length);
                return Ok(Some(head));
            }
            if self.buffer.len() > MAX_HEAD_BYTES {
                return unreadable(431, "the request's head is too long");
            }
            match self.read_more().await {
                Err(_) if self.buffer.is_empty() => return Ok(None),
                read => read?,
            }
        }
    }

    /// Reads a request's body into `body`, which keeps what arrived also when the rest does not.
    pub(super) async fn read_body(
        &mut self,
        framing: BodyLength,
        portion: Portion,
        body: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        match framing {
            BodyLength::Length(length) => self.read_exactly(portion.of(length), body).await,
            BodyLength::Chunked => self.read_chunks(portion, body).await,
        }
    }

    async fn read_chunks(&mut self, portion: Portion, body: &mut Vec<u8>) -> Result<(), ReadError> {
        loop {
            let line = self.read_line().await?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return unreadable(400, "the chunk size is not a hexadecimal number");
            }
            let size = usize::from_str_radix(digits, 16).unwrap_or(usize::MAX);
            if size > MAX_READ_BYTES.saturating_sub(body.len()) {
                return unreadable(413, "the body is larger than a test needs");
            }
            if size == 0 {
                // Trailers end, as a head does, with an empty line.
                while !self.read_line().await?.is_empty() {}
                return Ok(());
            }
            self.read_exactly(portion.of(size), body).await?;
            if portion == Portion::Half {
                return Ok(());
            }
            if !self.read_line().await?.is_empty() {
                return unreadable(400, "a chunk is longer than its size");
            }
        }
    }

    async fn read_exactly(&mut self, length: usize, body: &mut Vec<u8>) -> Result<(), ReadError> {
        let ahead = self.buffer.len().min(length);
        body.extend(self.buffer.drain(..ahead));
        let missing = length - ahead;
        // Not the whole announced length: a client may announce much and send little.
        body.reserve(missing.min(READ_BYTES * 16));
        let mut rest = (&mut self.stream).take(missing as u64);
        match rest.read_to_end(body).await {
            Ok(read) if read == missing => Ok(()),
            _ => Err(ReadError::Disconnected),
        }
    }

    async fn read_line(&mut self) -> Result<String, ReadError> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer) {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
            }
            if self.buffer.len() > MAX_HEAD_BYTES {
                return unreadable(400, "a line of the chunked body is too long");
            }
            self.read_more().await?;
        }
    }

    async fn read_more(&mut self) -> Result<(), ReadError> {
        self.buffer.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) | Err(_) => Err(ReadError::Disconnected),
            Ok(_) => Ok(()),
        }
    }

    /// Returns when the client closes the connection; what it sends meanwhile is kept for later.
    async fn disconnected(&mut self) {
        while self.buffer.len() <= MAX_HEAD_BYTES {
            if self.read_more().await.is_err() {
                return;
            }
        }
        // A client that sends this much without waiting for answers is not about to close the connection.
        std::future::pending().await
    }

    /// Waits, and returns whether the client is still connected after it.
    pub(super) async fn stays_for(&mut self, time: Duration) -> bool {
        time.is_zero() || timeout(time, self.disconnected()).await.is_err()
    }

    /// Waits for a future, and returns whether the client is still connected when it ends.
    pub(super) async fn stays_until(&mut self, future: impl Future<Output = ()>) -> bool {
        tokio::select! {
            // The client first: when it has gone, an answer that becomes due at the same moment comes too late.
            biased;
            () = self.disconnected() => false,
            () = future => true,
        }
    }

    pub(super) async fn send_continue(&mut self) -> io::Result<()> {
        self.stream
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            .await
    }

    /// Writes an answer, and returns whether the connection can take another request.
    pub(super) async fn send(&mut self, answer: &Answer) -> io::Result<bool> {
        if let Action::SendRaw(bytes) = &answer.action {
            self.stream.write_all(bytes).await?;
            return Ok(false);
        }
        let mut bytes = answer_head(answer);
        match (&answer.action, &answer.body) {
            _ if has_no_body(answer.status) => self.stream.write_all(&bytes).await?,
            (Action::SendTruncated, body) => {
                let half = usize::try_from(body.len() / 2).unwrap_or(0);
                bytes.resize(bytes.len() + half, b' ');
                self.stream.write_all(&bytes).await?;
                return Ok(false);
            }
            (Action::SendSlowly(pause), body) => {
                self.stream.write_all(&bytes).await?;
                return Ok(self.send_slowly(body, *pause).await? && !answer.close);
            }
            (_, AnswerBody::Filler(length)) => {
                self.stream.write_all(&bytes).await?;
                let mut spaces = tokio::io::repeat(b' ').take(*length);
                tokio::io::copy(&mut spaces, &mut self.stream).await?;
            }
            (_, body) => {
                bytes.extend_from_slice(body.bytes());
                self.stream.write_all(&bytes).await?;
            }
        }
        Ok(!answer.close)
    }

    /// Writes a body byte by byte, and returns whether the client was connected to its end.
    async fn send_slowly(&mut self, body: &AnswerBody, pause: Duration) -> io::Result<bool> {
        let mut bytes = body.bytes().iter();
        for _ in 0..body.len() {
            if !self.stays_for(pause).await {
                return Ok(false);
            }
            let byte = bytes.next().unwrap_or(&b' ');
            self.stream.write_all(&[*byte]).await?;
        }
        Ok(true)
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
            while self.read_more().await.is_ok() {
                self.buffer.clear();
            }
        };
        let _ = timeout(LINGER, rest).await;
    }
}

fn answer_head(answer: &Answer) -> Vec<u8> {
    let status = answer.status;
    let is_given = |name| header_values(&answer.headers, name).next().is_some();
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason_phrase(status));
    if !is_given("content-type") {
        head.push_str("Content-Type: application/json\r\n");
    }
    if !is_given("content-length") && !is_given("transfer-encoding") && !has_no_body(status) {
        let mut length = answer.body.len();
        if answer.action == Action::SendTruncated {
            // A truncated answer of no bytes would be complete.
            length = length.max(64);
        }
        head.push_str(&format!("Content-Length: {length}\r\n"));
    }
    if answer.close {
        head.push_str("Connection: close\r\n");
    }
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// Whether HTTP allows no body with this status.
fn has_no_body(status: u16) -> bool {
    matches!(status, 204 | 304)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn head_of(answer: Answer) -> String {
        String::from_utf8(answer_head(&answer)).unwrap()
    }

    #[test]
    fn the_head_of_an_answer_says_how_long_its_body_is_unless_a_header_does() {
        assert_eq!(
            head_of(Answer::ok().body("hello")),
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n"
        );
        let given = Answer::status(299)
            .header("content-type", "text/plain")
            .header("CONTENT-LENGTH", "9")
            .close();
        assert_eq!(
            head_of(given),
            "HTTP/1.1 299 Scripted\r\nConnection: close\r\ncontent-type: text/plain\r\nCONTENT-LENGTH: 9\r\n\r\n"
        );
        let chunked = Answer::huge(7).header("Transfer-Encoding", "chunked");
        assert!(!head_of(chunked).contains("Content-Length"));
        for status in [204, 304] {
            assert!(!head_of(Answer::status(status)).contains("Content-Length"));
        }
    }

    #[test]
    fn a_truncated_answer_announces_more_than_nothing() {
        assert!(head_of(Answer::truncated()).contains("Content-Length: 64\r\n"));
        let long = Answer::truncated().body(" ".repeat(65));
        assert!(head_of(long).contains("Content-Length: 65\r\n"));
    }

    #[test]
    fn half_of_a_body_is_some_of_it_and_not_all() {
        assert_eq!(
            [0, 1, 2, 3].map(|length| Portion::Half.of(length)),
            [0, 1, 1, 2]
        );
        assert_eq!(
            [0, 1, 2, 3].map(|length| Portion::Whole.of(length)),
            [0, 1, 2, 3]
        );
    }
}
