//! The ingest of every contender: a process of its own, one thread, and as little work as counting takes, since it
//! shares the machine with what is measured.
//!
//! Events are known by their marker (see `event::marker`), in bodies that were answered with 200.

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the sink does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Counts, and answers 200.
    Ok,
    /// The same, 200 ms later.
    Slow,
    /// Answers 503.
    Unavailable,
    /// Never answers.
    Hang,
    /// Nobody listens.
    Refused,
    /// Answers 200 and does not look at the body.
    Discard,
}

impl Mode {
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Slow => "slow",
            Self::Unavailable => "503",
            Self::Hang => "hang",
            Self::Refused => "refused",
            Self::Discard => "discard",
        }
    }
}

const SLOW: Duration = Duration::from_millis(200);

/// What it has seen.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
pub struct Seen {
    pub requests: u64,
    /// Markers, each time one was read.
    pub events: u64,
    /// Different markers.
    pub unique: u64,
    pub bytes: u64,
    pub connections: u64,
}

/// A sink in a process of its own. Dropping it ends the process.
#[derive(Debug)]
pub struct Sink {
    child: Option<Child>,
    address: SocketAddr,
}

impl Sink {
    pub fn start(mode: Mode) -> std::io::Result<Self> {
        if mode == Mode::Refused {
            // Bound and closed again: nobody listens there.
            let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            return Ok(Self {
                child: None,
                address: listener.local_addr()?,
            });
        }
        let mode = serde_json::to_string(&mode)?;
        let mut child = Command::new(std::env::current_exe()?)
            .args(["sink", &mode])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut address = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut address)?;
        }
        let address = address.trim().parse().map_err(std::io::Error::other)?;
        Ok(Self {
            child: Some(child),
            address,
        })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn seen(&self) -> Option<Seen> {
        seen(&self.url())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Asks a sink what it has seen.
pub fn seen(url: &str) -> Option<Seen> {
    let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream
        .write_all(b"GET /seen HTTP/1.1\r\nhost: sink\r\nconnection: close\r\n\r\n")
        .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split("\r\n\r\n").nth(1)?).ok()
}

struct Counts {
    mode: Mode,
    seen: Seen,
    known: Vec<u64>,
    finder: Finder<'static>,
}

impl Counts {
    fn count(&mut self, body: &[u8]) {
        self.seen.bytes += body.len() as u64;
        for at in self.finder.find_iter(body) {
            // `~n` and ten digits and `~`.
            let Some(number) = body.get(at + 2..at + 13).and_then(number) else {
                continue;
            };
            self.seen.events += 1;
            let (word, bit) = (number / 64, 1_u64 << (number % 64));
            if self.known.len() <= word {
                self.known.resize(word + 1, 0);
            }
            if self.known[word] & bit == 0 {
                self.known[word] |= bit;
                self.seen.unique += 1;
            }
        }
    }
}

fn number(digits: &[u8]) -> Option<usize> {
    let (end, digits) = digits.split_last()?;
    let digits = std::str::from_utf8(digits).ok()?;
    let number = digits.parse().ok().filter(|number| *number < 100_000_000)?;
    (*end == b'~').then_some(number)
}

/// The process: serves until it is killed.
pub fn serve(mode: Mode) -> std::io::Result<()> {
    // A task and a socket per event is what one contender does.
    let limit = nix::sys::resource::Resource::RLIMIT_NOFILE;
    if let Ok((_, hard)) = nix::sys::resource::getrlimit(limit) {
        let _ = nix::sys::resource::setrlimit(limit, hard, hard);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let counts = Rc::new(RefCell::new(Counts {
        mode,
        seen: Seen::default(),
        known: Vec::new(),
        finder: Finder::new("~n"),
    }));
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async move {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?);
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // Out of descriptors, for a moment.
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            };
            tokio::task::spawn_local(connection(stream, counts.clone()));
        }
    })
}

async fn connection(mut stream: TcpStream, counts: Rc<RefCell<Counts>>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    counts.borrow_mut().seen.connections += 1;
    let mut read = Vec::with_capacity(1 << 16);
    while let Some(head) = head(&mut stream, &mut read).await? {
        while read.len() < head.bytes + head.body {
            read.reserve(head.bytes + head.body - read.len());
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        }
        if head.asks {
            let body = serde_json::to_string(&counts.borrow().seen)?;
            return stream
                .write_all(
                    format!(
                        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
                        body.len()
                    )
                    .as_bytes(),
                )
                .await;
        }
        counts.borrow_mut().seen.requests += 1;
        let mode = counts.borrow().mode;
        let answer: &[u8] = match mode {
            Mode::Hang => return std::future::pending().await,
            Mode::Unavailable => b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}",
            Mode::Ok | Mode::Slow | Mode::Discard | Mode::Refused => {
                if mode == Mode::Slow {
                    tokio::time::sleep(SLOW).await;
                }
                if mode != Mode::Discard {
                    counts
                        .borrow_mut()
                        .count(&read[head.bytes..head.bytes + head.body]);
                }
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
            }
        };
        stream.write_all(answer).await?;
        read.drain(..head.bytes + head.body);
    }
    Ok(())
}

struct Head {
    bytes: usize,
    body: usize,
    /// A question to the sink itself.
    asks: bool,
}

/// Reads on until the head is whole. `None`: the other side has closed.
async fn head(stream: &mut TcpStream, read: &mut Vec<u8>) -> std::io::Result<Option<Head>> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(read) {
            Ok(httparse::Status::Complete(bytes)) => {
                let length = request
                    .headers
                    .iter()
                    .find(|header| header.name.eq_ignore_ascii_case("content-length"));
                let length = length
                    .and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse().ok());
                let asks = request.method == Some("GET");
                return match length {
                    Some(body) => Ok(Some(Head { bytes, body, asks })),
                    None if asks => Ok(Some(Head {
                        bytes,
                        body: 0,
                        asks,
                    })),
                    // No contender sends chunks; one that did would be counted wrongly.
                    None => Err(std::io::Error::other("a request without a length")),
                };
            }
            Ok(httparse::Status::Partial) => {}
            Err(error) => return Err(std::io::Error::other(error)),
        }
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Marker;

    #[test]
    fn losses_and_duplicates_show() {
        let mut counts = Counts {
            mode: Mode::Ok,
            seen: Seen::default(),
            known: Vec::new(),
            finder: Finder::new("~n"),
        };
        let mut body = String::from("~n12~ ~nonsense ~n00000000012 ");
        for number in [7, 70_007, 7] {
            body += Marker::new().of(number);
        }
        counts.count(body.as_bytes());
        assert_eq!((counts.seen.events, counts.seen.unique), (3, 2));
        assert_eq!(counts.seen.bytes, body.len() as u64);
    }

    #[test]
    fn a_number_is_ten_digits_and_an_end() {
        assert_eq!(number(b"0000000042~"), Some(42));
        assert_eq!(number(b"0000000042 "), None);
        assert_eq!(number(b"00000000x2~"), None);
    }
}
