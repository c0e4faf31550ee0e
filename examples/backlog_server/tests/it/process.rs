//! The program itself, from its start to its end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{self, Command, Stdio};
use std::time::{Duration, Instant};

use backlog_server::clock::Clock;
use backlog_server::store::Store;

use crate::agent::PATIENCE;
use crate::support::REDIRECT;

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// A directory of the test's own, which goes with it.
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The program, which ends with its standard input.
fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_backlog_server"));
    program
        .args(["--listen", "127.0.0.1:0", "--exit-with-stdin"])
        .env_remove("MCP_PUBLIC_URL")
        .env_remove("MCP_PROXIES")
        .env("DO_NOT_TRACK", "1")
        .stdin(Stdio::piped());
    program
}

#[tokio::test]
async fn the_running_server_removes_registrations_that_nobody_has_approved() {
    let directory = std::env::temp_dir().join(format!("backlog-server-{}", process::id()));
    std::fs::create_dir(&directory).unwrap();
    let directory = Directory(directory);
    let database = directory.0.join("backlog.db");
    let store = Store::open(&database, Clock::default()).unwrap();
    let redirects = [REDIRECT.to_owned()];
    let [old, new] = [
        store.register_client(&redirects).await.unwrap(),
        store.register_client(&redirects).await.unwrap(),
    ];
    let connection = rusqlite::Connection::open(&database).unwrap();
    let of_1970 = "UPDATE clients SET created_at = 0 WHERE id = ?1";
    assert_eq!(connection.execute(of_1970, [&old]).unwrap(), 1);
    let mut server = program()
        .arg("--database")
        .arg(&database)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while store.redirect_uris(&old).await.unwrap().is_some() {
        assert!(start.elapsed() < PATIENCE, "it is still there");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    assert!(store.redirect_uris(&new).await.unwrap().is_some());
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
}

#[test]
fn an_open_request_does_not_hold_the_end_up_and_costs_no_event() {
    let mut server = program().stdout(Stdio::piped()).spawn().unwrap();
    let mut printed = BufReader::new(server.stdout.take().unwrap());
    let mut first = String::new();
    printed.read_line(&mut first).unwrap();
    let (_, address) = first.trim().split_once("http://").unwrap();
    let address = address.strip_suffix("/apps").unwrap();

    let request = |path: &str, length: usize| {
        let mut connection = TcpStream::connect(address).unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\n");
        let kind = "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n";
        let rest = format!("{kind}Content-Length: {length}\r\n\r\n");
        connection.write_all((head + &rest).as_bytes()).unwrap();
        connection
    };
    let open = request("/token", 100);
    let mut answer = String::new();
    request("/p/demo/mcp", 0)
        .read_to_string(&mut answer)
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    drop(server.stdin.take());
    let mut rest = String::new();
    printed.read_to_string(&mut rest).unwrap();
    assert!(server.wait().unwrap().success());
    assert!(rest.contains("access:missing"), "{rest}");
    assert!(
        rest.contains("offered 1 = delivered 1 + dropped 0 + pending 0"),
        "{rest}"
    );
    drop(open);
}
