//! What the proxy adds to a call: the time from a client's request to the answer, without the proxy and behind it.
//!
//! ```text
//! cargo bench -p usage_proxy
//! ```
//!
//! The server is a shell that answers at once. All are measured in turns, a hundred calls at a time, so that whatever else the
//! machine does meets all. The ingest is a mock on this machine. On a quiet machine the proxy is to add a millisecond to the
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
  echo '{"jsonrpc":"2.0","id":'"$id"',"result":{"content":[{"type":"text","text":"three orders"}]}}'
done
"#;

struct Client {
    server: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    times: Vec<Duration>,
}

impl Client {
    fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = command.spawn().unwrap();
        Self {
            stdin: server.stdin.take().unwrap(),
            stdout: BufReader::new(server.stdout.take().unwrap()),
            server,
            times: Vec::new(),
        }
    }

    fn call(&mut self, id: usize) -> Duration {
        let request = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"search","arguments":{{"query":"hiking boots","user":"rachel@example.com"}}}}}}"#
        );
        let mut answer = String::new();
        let began = Instant::now();
        self.stdin
            .write_all(format!("{request}\n").as_bytes())
            .unwrap();
        self.stdout.read_line(&mut answer).unwrap();
        let took = began.elapsed();
        assert!(answer.contains(&format!("\"id\":{id},")), "{answer}");
        took
    }

    fn turn(&mut self) {
        for id in 0..CALLS_A_TURN {
            let took = self.call(id);
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
    let ingest = MockIngest::start().unwrap();
    let mut alone = Client::start(Command::new("sh").args(["-c", SERVER]));
    let mut behind = [false, true].map(|intent| {
        Client::start(
            Command::new(env!("CARGO_BIN_EXE_usage_proxy"))
                .args(["--", "sh", "-c", SERVER])
                .env_remove("DO_NOT_TRACK")
                .env("USAGE_PROXY_WIRE", "reo_batch")
                .env("USAGE_PROXY_ENDPOINT", ingest.endpoint())
                .env("USAGE_PROXY_API_KEY", "test-key-1")
                .env("USAGE_PROXY_INTENT", intent.to_string()),
        )
    });
    for _ in 0..TURNS {
        alone.turn();
        behind.iter_mut().for_each(Client::turn);
    }
    let (alone, behind) = (alone.end(), behind.map(Client::end));
    println!("{} calls each, microseconds", TURNS * CALLS_A_TURN);
    println!("                     median     p99");
    println!("alone              {:8.1} {:8.1}", alone.0, alone.1);
    let mut is_too_slow = false;
    for (name, times) in ["behind", "behind, intent"].into_iter().zip(behind) {
        let added = (times.0 - alone.0, times.1 - alone.1);
        println!("{name:18} {:8.1} {:8.1}", times.0, times.1);
        println!("  added            {:8.1} {:8.1}", added.0, added.1);
        is_too_slow |= added.0 > MAX_ADDED.0 || added.1 > MAX_ADDED.1;
    }
    println!("{} events arrived", ingest.delivered().len());
    assert!(!is_too_slow, "the proxy adds too much");
}
