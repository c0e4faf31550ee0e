//! The head of an HTTP/1.1 request, and what it says of the body and of the connection. Pure: bytes in, a head out.

use super::received::{ReceivedRequest, header_values};

/// The largest request head, and the longest line of a chunked body, that is read.
pub(super) const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How many header lines a request may have.
const MAX_HEADERS: usize = 100;
/// The largest body that is read at all: a guard for the test's memory, not a limit of any wire.
pub(super) const MAX_READ_BYTES: usize = 64 * 1024 * 1024;

/// Why a request could not be read to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReadError {
    /// The client closed the connection, or the socket failed.
    Disconnected,
    /// The request is not HTTP/1.1 as this server reads it: the status of the refusal, and the reason.
    Unreadable(u16, &'static str),
}

/// The head of a request.
#[derive(Debug)]
pub(super) struct Head {
    /// The request so far.
    pub(super) request: ReceivedRequest,
    pub(super) framing: BodyLength,
    http_1_0: bool,
}

/// How a request says where its body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyLength {
    Length(usize),
    Chunked,
}

impl Head {
    /// Parses the head at the start of `bytes`; with it comes its length. `None` where its end is not there yet.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, ReadError> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let length = match parsed.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => {
                return unreadable(431, "too many headers");
            }
            Err(_) => return unreadable(400, "not an HTTP/1.1 request"),
        };
        let owned = |header: &httparse::Header<'_>| {
            (
                header.name.to_owned(),
                String::from_utf8_lossy(header.value).into_owned(),
            )
        };
        let request = ReceivedRequest::new(
            parsed.method.unwrap_or_default(),
            parsed.path.unwrap_or_default(),
            parsed.headers.iter().map(owned).collect(),
        );
        let head = Self {
            framing: framing(&request)?,
            request,
            http_1_0: parsed.version == Some(0),
        };
        Ok(Some((head, length)))
    }

    pub(super) fn expects_continue(&self) -> bool {
        let expected = self.request.header("expect").unwrap_or_default();
        !self.http_1_0 && expected.eq_ignore_ascii_case("100-continue")
    }

    pub(super) fn keeps_alive(&self) -> bool {
        let options = self.request.header("connection").unwrap_or_default();
        let has = |option: &str| {
            options
                .split(',')
                .any(|given| given.trim().eq_ignore_ascii_case(option))
        };
        if self.http_1_0 {
            has("keep-alive")
        } else {
            !has("close")
        }
    }
}

fn framing(request: &ReceivedRequest) -> Result<BodyLength, ReadError> {
    let mut lengths = header_values(&request.headers, "content-length");
    let length = lengths.next();
    match (request.header("transfer-encoding"), length) {
        _ if lengths.next().is_some() => unreadable(400, "more than one content-length"),
        // Both together are how requests are smuggled past proxies.
        (Some(_), Some(_)) => unreadable(400, "content-length beside transfer-encoding"),
        (Some(coding), None) if coding.trim().eq_ignore_ascii_case("chunked") => {
            Ok(BodyLength::Chunked)
        }
        (Some(_), None) => unreadable(501, "transfer-encoding other than chunked"),
        (None, Some(length)) => body_length(length.trim()).map(BodyLength::Length),
        (None, None) => Ok(BodyLength::Length(0)),
    }
}

fn body_length(text: &str) -> Result<usize, ReadError> {
    // `parse` takes a sign, which HTTP does not allow.
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(length) if is_digits && length <= MAX_READ_BYTES => Ok(length),
        Ok(_) if is_digits => unreadable(413, "content-length is larger than a test may send"),
        _ => unreadable(400, "content-length is not a number"),
    }
}

pub(super) fn unreadable<T>(status: u16, reason: &'static str) -> Result<T, ReadError> {
    Err(ReadError::Unreadable(status, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head of a request with these header lines.
    fn head(version: &str, lines: &str) -> Result<Head, ReadError> {
        let text = format!("POST /usage?x=1 HTTP/{version}\r\n{lines}\r\n");
        let (head, length) = Head::parse(text.as_bytes())?.unwrap();
        assert_eq!(length, text.len());
        Ok(head)
    }

    #[test]
    fn a_head_ends_with_an_empty_line_and_what_follows_is_not_a_part_of_it() {
        let text = b"POST /usage?x=1 HTTP/1.1\r\nHost: ingest\r\n\r\n{\"payload\":{}}";
        let length = text.len() - 14;
        for end in 0..length {
            assert_eq!(Head::parse(&text[..end]).unwrap().map(|it| it.1), None);
        }
        let (head, parsed) = Head::parse(text).unwrap().unwrap();
        assert_eq!(parsed, length);
        let request = head.request;
        assert_eq!(
            (request.method, request.path),
            ("POST".into(), "/usage?x=1".into())
        );
        assert_eq!(request.headers, [("Host".into(), "ingest".into())]);
    }

    #[test]
    fn a_head_says_where_the_body_ends_or_is_refused() {
        for (lines, framing) in [
            ("", Ok(BodyLength::Length(0))),
            ("Content-Length:  12 \r\n", Ok(BodyLength::Length(12))),
            (
                "content-length: 67108864\r\n",
                Ok(BodyLength::Length(MAX_READ_BYTES)),
            ),
            ("Content-Length: 67108865\r\n", Err(413)),
            ("Content-Length: 99999999999999999999999\r\n", Err(400)),
            ("Content-Length: +1\r\n", Err(400)),
            ("Content-Length: -1\r\n", Err(400)),
            ("Content-Length: \r\n", Err(400)),
            ("Content-Length: 1\r\nContent-Length: 1\r\n", Err(400)),
            (
                "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                Err(400),
            ),
            ("Transfer-Encoding: Chunked\r\n", Ok(BodyLength::Chunked)),
            ("Transfer-Encoding: gzip, chunked\r\n", Err(501)),
        ] {
            let found = match head("1.1", lines) {
                Ok(head) => Ok(head.framing),
                Err(ReadError::Unreadable(status, _)) => Err(status),
                Err(ReadError::Disconnected) => panic!("{lines}"),
            };
            assert_eq!(found, framing, "{lines}");
        }
    }

    #[test]
    fn a_connection_stays_open_by_default_from_http_1_1_on() {
        for (version, lines, stays) in [
            ("1.1", "", true),
            ("1.1", "Connection: upgrade, Close\r\n", false),
            ("1.1", "Connection: closed\r\n", true),
            ("1.0", "", false),
            ("1.0", "Connection: Keep-Alive\r\n", true),
        ] {
            let head = head(version, lines).unwrap();
            assert_eq!(head.keeps_alive(), stays, "{version} {lines}");
        }
    }

    #[test]
    fn only_an_http_1_1_client_waits_to_be_told_to_continue() {
        let lines = "Expect: 100-Continue\r\n";
        assert!(head("1.1", lines).unwrap().expects_continue());
        assert!(!head("1.0", lines).unwrap().expects_continue());
        assert!(!head("1.1", "").unwrap().expects_continue());
    }
}
