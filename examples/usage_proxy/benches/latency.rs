//! What the proxy adds to a call: the time from a client's request to the answer, without the proxy and behind it.
//!
//! ```text
//! cargo bench -p usage_proxy         # or with fewer turns: cargo bench -p usage_proxy -- 2
//! ```
//!
//! The server is a shell that answers at once. All are measured in turns, a hundred calls at a time, so that whatever else the
//! machine does meets all. The ingest is a mock on this machine, which is to get each call, and its intent where the
//! proxy asks for one: else nothing that costs time was measured. On a quiet machine the proxy is to add a millisecond to the
//! median at most, and five to the 99th percentile: with more the bench fails.

#![expect(clippy::print_stdout, reason = "a bench that prints")]
#![expect(clippy::unwrap_used, reason = "a bench that fails ends")]
#![expect(clippy::indexing_slicing, reason = "of a list that is not empty")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use mcp_usage::testing::MockIngest;

const TURNS: usize = 50;
const CALLS_A_TURN: usize = 100;

/// What the proxy may add to the median and to the 99th percentile, in microseconds.
const MAX_ADDED: (f64, f64) = (1_000.0, 5_000.0);

const SERVER: &str = r#"
while IFS= read -r line; do
  id=${line#*\"id\":}; id=${id%%,*}
  case $line in
    *tools/list*) result='{"tools":[{"name":"search","inputSchema":{"type":"object"}}]}' ;;
    *'"prompt"'*) result='{"content":[],"isError":true}' ;;
    *) result='{"content":[{"type":"text","text":"three orders"}]}' ;;
  esac
  echo '{"jsonrpc":"2.0","id":'"$id"',"result":'"$result"'}'
done
"#;

/// What an agent says where it is asked for its intent.
const INTENT: &str = r#","prompt":"boots for a walk in the Alps""#;

struct Client {
    server: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    times: Vec<Duration>,
    /// What it was asked for beside the tool's own arguments.
    intent: &'static str,
}

impl Client {
    /// Starts a server, and lists its tools.
    fn start(command: &mut Command, asks_for_intent: bool) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = command.spawn().unwrap();
        let mut client = Self {
            stdin: server.stdin.take().unwrap(),
            stdout: BufReader::new(server.stdout.take().unwrap()),
            server,
            times: Vec::new(),
            intent: if asks_for_intent { INTENT } else { "" },
        };
        let (list, _) = client.ask(0, r#""method":"tools/list""#);
        assert_eq!(list.contains(r#""prompt":"#), asks_for_intent, "{list}");
        client
    }

    /// Sends a request, and returns the answer and the time until it came.
    fn ask(&mut self, id: usize, request: &str) -> (String, Duration) {
        let request = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{request}}}\n");
        let mut answer = String::new();
        let began = Instant::now();
        self.stdin.write_all(request.as_bytes()).unwrap();
        self.stdout.read_line(&mut answer).unwrap();
        let took = began.elapsed();
        assert!(answer.contains(&format!("\"id\":{id},")), "{answer}");
        (answer, took)
    }

    fn turn(&mut self) {
        let call = format!(
            r#""method":"tools/call","params":{{"name":"search","arguments":{{"query":"hiking boots","user":"rachel@example.com"{}}}}}"#,
            self.intent
        );
        for id in 0..CALLS_A_TURN {
            let (answer, took) = self.ask(id, &call);
            // The server is sent nothing of ours.
            assert!(answer.contains("three orders"), "{answer}");
            self.times.push(took);
        }
    }

    /// Returns the median and the 99th percentile in microseconds.
    fn end(self) -> (f64, f64) {
        let Self {
            mut server,
            stdin,
            mut times,
            ..
        } = self;
        drop(stdin);
        server.wait().unwrap();
        times.sort_unstable();
        let at = |share: f64| times[(times.len() as f64 * share) as usize].as_secs_f64() * 1e6;
        (at(0.5), at(0.99))
    }
}

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let turns = numbers.next().unwrap_or(TURNS);
    let ingest = MockIngest::start().unwrap();
    let mut alone = Client::start(Command::new("sh").args(["-c", SERVER]), false);
    let mut behind = [false, true].map(|intent| {
        let mut proxy = Command::new(env!("CARGO_BIN_EXE_usage_proxy"));
        proxy
            .args(["--", "sh", "-c", SERVER])
            .env_remove("DO_NOT_TRACK")
            .env_remove("PACKAGE_TRACKER_ANALYTICS")
            .env("USAGE_PROXY_WIRE", "reo_batch")
            .env("USAGE_PROXY_ENDPOINT", ingest.endpoint())
            .env("USAGE_PROXY_API_KEY", "test-key-1")
            .env("USAGE_PROXY_SHUTDOWN_TIMEOUT", "60")
            .env("USAGE_PROXY_INTENT", intent.to_string());
        Client::start(&mut proxy, intent)
    });
    for _ in 0..turns {
        alone.turn();
        behind.iter_mut().for_each(Client::turn);
    }
    let (alone, behind) = (alone.end(), behind.map(Client::end));
    let calls = turns * CALLS_A_TURN;
    println!("{calls} calls each, microseconds");
    println!("                     median     p99");
    println!("alone              {:8.1} {:8.1}", alone.0, alone.1);
    let mut is_too_slow = false;
    for (name, times) in ["behind", "behind, intent"].into_iter().zip(behind) {
        let added = (times.0 - alone.0, times.1 - alone.1);
        println!("{name:18} {:8.1} {:8.1}", times.0, times.1);
        println!("  added            {:8.1} {:8.1}", added.0, added.1);
        is_too_slow |= added.0 > MAX_ADDED.0 || added.1 > MAX_ADDED.1;
    }
    let events = ingest.delivered();
    let called: Vec<_> = events
        .iter()
        .filter(|event| event.tool() == Some("search"))
        .collect();
    let with_intent = called
        .iter()
        .filter(|event| event.meta("prompt").is_some())
        .count();
    println!(
        "{} calls arrived, {with_intent} of them with an intent",
        called.len()
    );
    assert_eq!((called.len(), with_intent), (2 * calls, calls));
    assert!(!is_too_slow, "the proxy adds too much");
}
