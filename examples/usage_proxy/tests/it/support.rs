//! The proxy as a process.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, LazyLock};

use mcp_usage::testing::MockIngest;

/// How a server is run: alone, or by a proxy that does this beside passing on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Alone,
    Off,
    Reporting,
    WithIntent,
}

/// Takes what proxies report whose events no test looks at.
static INGEST: LazyLock<MockIngest> = LazyLock::new(|| MockIngest::start().unwrap());

impl Way {
    /// What runs a server, with pipes.
    pub(crate) fn command<const N: usize>(self, server: [impl AsRef<OsStr>; N]) -> Command {
        if self == Self::Alone {
            let [program, arguments @ ..] = &server[..] else {
                panic!("no program");
            };
            let mut alone = Command::new(program);
            alone.args(arguments);
            return with_pipes(alone);
        }
        let mut proxy = reporting_proxy(server);
        report_to(&mut proxy, &INGEST);
        match self {
            Self::Off => proxy.env("DO_NOT_TRACK", "1"),
            Self::WithIntent => proxy.env("USAGE_PROXY_INTENT", "true"),
            _ => &mut proxy,
        };
        proxy
    }
}

/// What a client and a server see is what they see without the proxy, whatever it does beside.
pub(crate) fn in_all_ways(test: impl Fn(Way)) {
    test(Way::Alone);
    behind_the_proxy(test);
}

/// What is the proxy's own is the same whatever it does beside.
pub(crate) fn behind_the_proxy(test: impl Fn(Way)) {
    for way in [Way::Off, Way::Reporting, Way::WithIntent] {
        test(way);
    }
}

/// The same command, which is started with these signals ignored.
pub(crate) fn ignoring(signals: &str, command: &Command) -> Command {
    let script = format!("trap '' {signals}; exec \"$0\" \"$@\"");
    // Not every `sh` can have `CHLD` ignored.
    let mut ignoring = Command::new("bash");
    ignoring
        .args(["-c", &script])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => ignoring.env(name, value),
            None => ignoring.env_remove(name),
        };
    }
    with_pipes(ignoring)
}

/// Whoever runs the tests in the background may have let them ignore signals, which all that they start would ignore as well.
static DEFAULT_SIGNALS: LazyLock<()> = LazyLock::new(|| {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT};

    for signal in [SIGHUP, SIGINT, SIGQUIT] {
        if usage_proxy::child::is_ignored(signal) {
            signal_hook::flag::register(signal, Arc::default()).unwrap();
        }
    }
});

fn with_pipes(mut command: Command) -> Command {
    LazyLock::force(&DEFAULT_SIGNALS);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The proxy in front of a command, with pipes.
pub(crate) fn reporting_proxy<const N: usize>(command: [impl AsRef<OsStr>; N]) -> Command {
    let mut proxy = with_pipes(Command::new(env!("CARGO_BIN_EXE_usage_proxy")));
    proxy.arg("--").args(command);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("USAGE_PROXY_") {
            proxy.env_remove(name);
        }
    }
    for name in ["DO_NOT_TRACK", "PACKAGE_TRACKER_ANALYTICS", "REO_API_KEY"] {
        proxy.env_remove(name);
    }
    proxy
}

/// A server in a shell, which answers what MCP clients ask. Its tools: `add` answers, `fail` fails, `hang` never answers, `die`
/// kills the server.
pub(crate) const SERVER: &str = r#"
while IFS= read -r line; do
  id=${line#*\"id\":}; id=${id%%,*}
  case $line in
    *'"method":"initialize"'*)
      echo '{"jsonrpc":"2.0","id":'"$id"',"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"shell","version":"1.2.3"}}}' ;;
    *'"method":"tools/list"'*)
      echo '{"jsonrpc":"2.0","id":'"$id"',"result":{"tools":[{"name":"add","inputSchema":{"type":"object","properties":{"a":{"type":"number"}}}}]}}' ;;
    *'"name":"add"'*)
      echo "$line" >&2
      echo '{"jsonrpc":"2.0","id":'"$id"',"result":{"content":[{"type":"text","text":"3"}]}}' ;;
    *'"name":"fail"'*)
      echo '{"jsonrpc":"2.0","id":'"$id"',"result":{"content":[{"type":"text","text":"no such order"}],"isError":true}}' ;;
    *'"name":"absent"'*)
      echo '{"jsonrpc":"2.0","id":'"$id"',"error":{"code":-32602,"message":"Unknown tool: absent"}}' ;;
    *'"name":"die"'*) kill -KILL $$ ;;
  esac
done
"#;

/// What a client says before it calls tools.
pub(crate) const HELLO: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"probe","version":"9"}}}"#;

/// A call, as a line of a client's.
pub(crate) fn call(id: u32, tool: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
    )
}

/// Sends what the proxy reports to a mock ingest.
pub(crate) fn report_to(proxy: &mut Command, ingest: &MockIngest) {
    proxy
        .env("USAGE_PROXY_WIRE", "reo_batch")
        .env("USAGE_PROXY_ENDPOINT", ingest.endpoint())
        .env("USAGE_PROXY_API_KEY", "test-key-1")
        .env("USAGE_PROXY_PRODUCT_ID", "shell")
        .env("USAGE_PROXY_USER", "rachel@example.com");
}

/// A client that sends a line and waits for one.
pub(crate) struct Client {
    pub(crate) process: Child,
    pub(crate) stdin: ChildStdin,
    pub(crate) stdout: BufReader<ChildStdout>,
}

impl Client {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut process = command.spawn().unwrap();
        let stdin = process.stdin.take().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        Self {
            process,
            stdin,
            stdout,
        }
    }

    pub(crate) fn send(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.send(line);
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).unwrap();
        answer
    }

    /// Waits for the end of the answers, which is the server's.
    pub(crate) fn read_to_end(&mut self) -> String {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        rest
    }

    /// Closes the client's end, and returns how the proxy ended and what else it said.
    pub(crate) fn end(self) -> (ExitStatus, String, String) {
        let Self {
            mut process,
            stdin,
            mut stdout,
        } = self;
        drop(stdin);
        let (mut rest, mut said) = (String::new(), String::new());
        stdout.read_to_string(&mut rest).unwrap();
        let mut stderr = process.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        (process.wait().unwrap(), rest, said)
    }
}
