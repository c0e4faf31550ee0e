//! Sessions of real clients and servers, as they were recorded: both see the same bytes through streams, and each call has its
//! event. How they were recorded says tests/sessions/README.md.

use mcp_usage::stdio::UsageStreams;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Pair, pair};
use crate::rmcp::server::Kept;
use crate::support::PATIENCE;

#[path = "../../sessions/recorded.rs"]
mod recorded;

use recorded::{SESSIONS, check_with_intent, pieces_of, said};

/// How a session is cut into pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pieces {
    Recorded,
    Bytes,
    /// All that one side says before the other says something.
    Turns,
    /// All that the client says, then all that the server says.
    Sides,
}

/// What is said: whether it is the client who says it, and what.
fn pieces(recorded: &str, cut: Pieces) -> Vec<(bool, Vec<u8>)> {
    let pieces = pieces_of(recorded);
    match cut {
        Pieces::Recorded => pieces,
        Pieces::Bytes => pieces
            .into_iter()
            .flat_map(|(who, piece)| piece.into_iter().map(move |byte| (who, vec![byte])))
            .collect(),
        Pieces::Turns => {
            let mut turns: Vec<(bool, Vec<u8>)> = Vec::new();
            for (who, mut piece) in pieces {
                match turns.last_mut() {
                    Some(turn) if turn.0 == who => turn.1.append(&mut piece),
                    _ => turns.push((who, piece)),
                }
            }
            turns
        }
        Pieces::Sides => {
            let side = |of: bool| {
                let side = pieces.iter().filter(|(who, _)| *who == of);
                (of, side.flat_map(|(_, piece)| piece.clone()).collect())
            };
            vec![side(true), side(false)]
        }
    }
}

/// Plays a session through streams; returns what the server and the client get. With `each`, every piece is to pass before
/// the next is said.
async fn played(streams: &UsageStreams, pieces: &[(bool, Vec<u8>)], each: bool) -> [String; 2] {
    let Pair {
        mut to_server,
        mut from_server,
        mut requests,
        mut answers,
    } = pair(streams);
    let mut seen = [Vec::new(), Vec::new()];
    for (is_client, piece) in pieces {
        let mut got = vec![0; piece.len()];
        if *is_client {
            to_server.write_all(piece).await.unwrap();
            if each {
                requests.read_exact(&mut got).await.unwrap();
                seen[0].append(&mut got);
            } else {
                // What is held passes with the rest of its line.
                read_what_is_there(&mut requests, &mut seen[0]).await;
            }
        } else {
            answers.write_all(piece).await.unwrap();
            answers.flush().await.unwrap();
            if each {
                from_server.read_exact(&mut got).await.unwrap();
                seen[1].append(&mut got);
            }
        }
    }
    to_server.shutdown().await.unwrap();
    let [to_the_server, to_the_client] = &mut seen;
    requests.read_to_end(to_the_server).await.unwrap();
    answers.shutdown().await.unwrap();
    from_server.read_to_end(to_the_client).await.unwrap();
    seen.map(|seen| String::from_utf8(seen).unwrap())
}

/// Reads until nothing more comes without waiting.
async fn read_what_is_there(stream: &mut (impl AsyncReadExt + Unpin), seen: &mut Vec<u8>) {
    let mut got = [0; 4_096];
    loop {
        tokio::select! {
            biased;
            read = tokio::task::unconstrained(stream.read(&mut got)) => match read.unwrap() {
                0 => return,
                read => seen.extend_from_slice(&got[..read]),
            },
            () = std::future::ready(()) => return,
        }
    }
}

fn ended(calls: &[Value]) -> Vec<(&str, &str)> {
    let ended = calls.iter().map(|call| {
        let meta = &call["meta"];
        (meta["tool"].as_str(), meta["outcome"].as_str())
    });
    ended
        .map(|(tool, outcome)| (tool.unwrap(), outcome.unwrap()))
        .collect()
}

#[tokio::test]
async fn both_sides_see_the_same_bytes_and_each_call_has_its_event() {
    for (sdk, recorded, expected) in SESSIONS {
        for cut in [
            Pieces::Recorded,
            Pieces::Bytes,
            Pieces::Turns,
            Pieces::Sides,
        ] {
            let kept = Kept::new();
            let pieces = pieces(recorded, cut);
            let streams = UsageStreams::new(&kept.usage);
            let passed = played(&streams, &pieces, true);
            let passed = tokio::time::timeout(PATIENCE, passed).await.unwrap();
            assert!(passed == said(&pieces), "{sdk} {cut:?}");
            let calls = kept.calls().await;
            let mut ended = ended(&calls);
            let mut expected = expected.to_vec();
            if cut == Pieces::Sides {
                // What is cancelled ends before all answers.
                ended.sort_unstable();
                expected.sort_unstable();
            }
            assert_eq!(ended, expected, "{sdk} {cut:?}");
            for call in &calls {
                let meta = &call["meta"];
                assert!(meta["client_name"].is_string(), "{sdk} {meta}");
                assert!(meta["session_id"].is_string(), "{sdk} {meta}");
                // The server says it when the calls have begun.
                let is_known = cut != Pieces::Sides;
                assert!(
                    !is_known || meta["protocol_version"].is_string(),
                    "{sdk} {meta}"
                );
            }
            let asked = recorded
                .lines()
                .filter(|line| line.starts_with("[\"client\"") && line.contains("tools/call"));
            let asked: usize = asked.map(|line| line.matches("tools/call").count()).sum();
            assert_eq!(asked, calls.len(), "{sdk}");
        }
    }
}

#[tokio::test]
async fn with_intent_lists_and_calls_of_their_tools_alone_differ() {
    for (sdk, recorded, expected) in SESSIONS {
        for cut in [Pieces::Recorded, Pieces::Bytes, Pieces::Turns] {
            let kept = Kept::new();
            let pieces = pieces(recorded, cut);
            let streams = UsageStreams::new(&kept.usage).add_intent(true);
            let passed = played(&streams, &pieces, false);
            let [server_sees, client_sees] = tokio::time::timeout(PATIENCE, passed).await.unwrap();
            let session = format!("{sdk} {cut:?}");
            check_with_intent(&session, &said(&pieces), &[server_sees, client_sees]);
            let calls = kept.calls().await;
            assert_eq!(ended(&calls), expected, "{sdk} {cut:?}");
            let prompts = calls.iter().filter_map(|call| call["meta"].get("prompt"));
            let prompts: Vec<_> = prompts.collect();
            assert_eq!(prompts, [&json!("To know the sum")], "{sdk} {cut:?}");
        }
    }
}
