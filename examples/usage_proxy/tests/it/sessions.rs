//! Sessions of real clients and servers, as they were recorded, and garbage: the server reads what the client sent and the client
//! what the server sent, byte for byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command};
use std::thread;

use mcp_usage::testing::MockIngest;

use crate::calls::calls;
use crate::puppet::Puppet;
use crate::support::{Way, in_all_ways, report_to};

#[path = "../../../../tests/sessions/recorded.rs"]
mod recorded;

use recorded::{Calls, SESSIONS, check_with_intent, pieces_of, said};

/// How much of what was said is read on the other side before the next piece is said.
#[derive(Clone, Copy)]
enum Until {
    /// As many bytes.
    Bytes,
    /// As many ends of lines, since lines change.
    Lines,
}

/// Reads what has come of a piece.
fn read(source: &mut impl BufRead, piece: &[u8], until: Until) -> Vec<u8> {
    let mut seen = Vec::new();
    match until {
        Until::Bytes => {
            seen.resize(piece.len(), 0);
            source.read_exact(&mut seen).unwrap();
        }
        Until::Lines => {
            for _ in piece.iter().filter(|byte| **byte == b'\n') {
                source.read_until(b'\n', &mut seen).unwrap();
            }
        }
    }
    seen
}

/// Plays a session through the proxy; returns what the server and the client see.
fn played(
    mut proxy: Command,
    puppet: &Puppet,
    pieces: &[(bool, Vec<u8>)],
    until: Until,
) -> [String; 2] {
    let mut proxy = proxy.spawn().unwrap();
    let (mut says, reads) = puppet.ends();
    let (mut stdin, stdout) = (proxy.stdin.take().unwrap(), proxy.stdout.take().unwrap());
    let (mut at_server, mut at_client) = (BufReader::new(reads), BufReader::new(stdout));
    let (mut server_sees, mut client_sees) = (Vec::new(), Vec::new());
    for (is_client, piece) in pieces {
        if *is_client {
            stdin.write_all(piece).unwrap();
            server_sees.append(&mut read(&mut at_server, piece, until));
        } else {
            says.write_all(piece).unwrap();
            client_sees.append(&mut read(&mut at_client, piece, until));
        }
    }
    // The server goes first, as where what it is asked to end it does at once.
    drop(says);
    at_client.read_to_end(&mut client_sees).unwrap();
    drop(stdin);
    at_server.read_to_end(&mut server_sees).unwrap();
    assert!(proxy.wait().unwrap().success());
    [server_sees, client_sees].map(|seen| String::from_utf8(seen).unwrap())
}

#[test]
fn both_sides_see_the_same_bytes_and_each_call_has_its_event() {
    for (sdk, recorded, expected) in SESSIONS {
        in_all_ways(|way| {
            let ingest = MockIngest::start().unwrap();
            let puppet = Puppet::new();
            let mut proxy = way.command(puppet.command());
            report_to(&mut proxy, &ingest);
            let pieces = pieces_of(recorded);
            let session = format!("{sdk} {way:?}");
            if let Way::WithIntent = way {
                let seen = played(proxy, &puppet, &pieces, Until::Lines);
                check_with_intent(&session, &said(&pieces), &seen);
            } else {
                let seen = played(proxy, &puppet, &pieces, Until::Bytes);
                assert!(seen == said(&pieces), "{session}");
            }
            let reported = calls(&ingest);
            let reported: Vec<_> = reported
                .iter()
                .map(|(tool, outcome)| (&**tool, &**outcome))
                .collect();
            let expected: Calls = match way {
                Way::Alone | Way::Off => &[],
                Way::Reporting | Way::WithIntent => expected,
            };
            assert_eq!(reported, expected, "{session}");
        });
    }
}

/// Bytes that are no session: parts of messages, lines of all lengths, and what is no text. It asks for no list, so that nothing
/// changes with the intent.
fn garbage(mut seed: u64, bytes: usize) -> Vec<u8> {
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as usize
    };
    let mut garbage = Vec::new();
    while garbage.len() < bytes {
        match next() % 9 {
            0 => garbage.extend_from_slice(br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"prompt":"why"}}}"#),
            1 => garbage.extend_from_slice(br#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a","inputSchema":{}}]}}"#),
            2 => garbage.extend_from_slice(br#"[{"id":1,"method":"tools/call","params":{}},7,{"method":"notifications/cancelled","params":{"requestId":1}}]"#),
            3 | 4 => garbage.push(b'\n'),
            5 => garbage.extend_from_slice(b"\r\n"),
            6 => garbage.extend_from_slice(b"\x00{\"id\":\xff\xfe\"method\":\"tools/call\","),
            7 => garbage.resize(garbage.len() + next() % 100_000, b'x'),
            _ => garbage.extend((0..next() % 300).map(|_| next() as u8)),
        }
    }
    garbage
}

/// Writes in pieces of all sizes, closes the end, and hands the bytes back.
fn write_in_pieces(mut sink: impl Write, bytes: Vec<u8>) -> Vec<u8> {
    let mut rest = &*bytes;
    while !rest.is_empty() {
        let size = 1 + (rest.len() * 7_919) % 9_973;
        let (piece, more) = rest.split_at(size.min(rest.len()));
        sink.write_all(piece).unwrap();
        rest = more;
    }
    drop(sink);
    bytes
}

fn read_all(mut source: impl Read) -> Vec<u8> {
    let mut seen = Vec::new();
    source.read_to_end(&mut seen).unwrap();
    seen
}

#[test]
fn garbage_in_both_directions_at_once_passes_byte_for_byte() {
    in_all_ways(|way| {
        for seed in 1..=5 {
            let puppet = Puppet::new();
            let mut proxy: Child = way.command(puppet.command()).spawn().unwrap();
            let (says, reads) = puppet.ends();
            let (stdin, stdout) = (proxy.stdin.take().unwrap(), proxy.stdout.take().unwrap());
            let server_sees = thread::spawn(move || read_all(reads));
            let client_sees = thread::spawn(move || read_all(stdout));
            let asked = thread::spawn(move || write_in_pieces(stdin, garbage(seed, 2_000_000)));
            let said = write_in_pieces(says, garbage(seed + 1_000, 2_000_000));
            assert!(
                server_sees.join().unwrap() == asked.join().unwrap(),
                "{way:?} {seed}"
            );
            assert!(client_sees.join().unwrap() == said, "{way:?} {seed}");
            assert!(proxy.wait().unwrap().success());
        }
    });
}
