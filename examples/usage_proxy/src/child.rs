//! The server: a process whose signals and end are the proxy's own.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
#[cfg(unix)]
use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use crate::supervisor::{Supervisor, server_launcher};

#[cfg(unix)]
pub use unix::{Signals, is_ignored};

/// What runs packages by their names.
const RUNNERS: [&str; 4] = ["bunx", "npx", "pipx", "uvx"];

/// What may stand before a package's name without a value of its own.
const SWITCHES: [&str; 6] = ["--bun", "--quiet", "--yes", "-q", "-y", "run"];

/// What `sh` exits with where a command is not there, or cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_RUNNABLE: u8 = 126;

/// The command that starts the server.
#[derive(Debug)]
pub struct ServerCommand {
    pub program: OsString,
    pub arguments: Vec<OsString>,
}

/// A server that was started, with its ends of the pipes.
#[derive(Debug)]
pub struct Server {
    process: ServerProcess,
    pub stdin: ChildStdin,
    pub stdout: ChildStdout,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot run {program:?}: {error}")]
pub struct StartError {
    program: OsString,
    error: io::Error,
}

impl StartError {
    /// The exit code that a shell has for it.
    pub fn exit_code(&self) -> u8 {
        match self.error.kind() {
            io::ErrorKind::NotFound => NOT_FOUND,
            _ => NOT_RUNNABLE,
        }
    }
}

impl ServerCommand {
    /// What the server is called, where no product is set: the package that is run, where nothing but its name can stand there,
    /// or the program. An argument may be a secret. Another version is no other product.
    pub fn name(&self) -> String {
        let program = Path::new(&self.program).file_stem();
        let program = program.unwrap_or_default().to_string_lossy();
        let mut arguments = self
            .arguments
            .iter()
            .filter_map(|argument| argument.to_str());
        let package = arguments
            .find(|argument| !SWITCHES.contains(argument))
            .filter(|_| RUNNERS.contains(&&*program))
            .and_then(package_of);
        package.unwrap_or(&program).to_owned()
    }

    /// Starts the server. It has the proxy's environment without `hidden`, its standard error, and the supervisor's group of
    /// processes.
    pub fn start(
        self,
        hidden: impl IntoIterator<Item = OsString>,
        supervisor: Option<Supervisor>,
    ) -> Result<Server, StartError> {
        let hidden: Vec<_> = hidden.into_iter().collect();
        let spawn = |mut command: Command| {
            command
                .args(&self.arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped());
            for name in &hidden {
                command.env_remove(name);
            }
            #[cfg(unix)]
            if let Some(group) = supervisor.and_then(Supervisor::group) {
                std::os::unix::process::CommandExt::process_group(&mut command, group);
            }
            #[cfg(not(unix))]
            let _ = supervisor;
            command.spawn()
        };
        let launched = server_launcher(&self.program).and_then(&spawn);
        let started = launched.or_else(|_| spawn(Command::new(&self.program)));
        let program = self.program;
        let failed = |error| StartError { program, error };
        let mut process = match started {
            Ok(process) => process,
            Err(error) => return Err(failed(error)),
        };
        match (process.stdin.take(), process.stdout.take()) {
            (Some(stdin), Some(stdout)) => Ok(Server {
                process: ServerProcess(process),
                stdin,
                stdout,
            }),
            _ => Err(failed(io::Error::other("it has no pipes"))),
        }
    }

    /// Becomes the server. Returns where that fails.
    #[cfg(unix)]
    pub fn replace_process(self) -> StartError {
        let mut command = Command::new(&self.program);
        let error = std::os::unix::process::CommandExt::exec(command.args(self.arguments));
        StartError {
            program: self.program,
            error,
        }
    }
}

/// Returns the package's name of a text such as `name`, `@scope/name@1.2` or `name[extra]==1.2`, without what stands behind it.
/// `None` for addresses and paths.
fn package_of(text: &str) -> Option<&str> {
    let is_of_word = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
    let is_word = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.chars().all(is_of_word)
    };
    let unscoped = match text.strip_prefix('@').map(|scoped| scoped.split_once('/')) {
        Some(scoped) => scoped.filter(|(scope, _)| is_word(scope))?.1,
        None => text,
    };
    let version = unscoped.trim_start_matches(is_of_word);
    let is_version = version.is_empty()
        || version.starts_with(['@', '=', '<', '>', '~', '!', '['])
            && !version.contains(['/', '\\', ':']);
    if !is_version || !is_word(unscoped.strip_suffix(version)?) {
        return None;
    }
    text.strip_suffix(version)
}

impl Server {
    /// Takes the process from its pipes.
    pub fn into_parts(self) -> (ServerProcess, ChildStdin, ChildStdout) {
        (self.process, self.stdin, self.stdout)
    }
}

/// The process of a server, or of the relay in front of it.
#[derive(Debug)]
pub struct ServerProcess(pub Child);

impl ServerProcess {
    /// Waits until the server has ended, and passes on each signal that the proxy gets meanwhile. One that comes later ends what
    /// is waited for behind it, by `ends`: the proxy ends as the server did.
    #[cfg(unix)]
    pub fn wait(mut self, signals: Signals, ends: Sender<()>) -> io::Result<ExitStatus> {
        let has_ended = Arc::new(AtomicBool::new(false));
        if let Err(error) = signals.pass_on(self.0.id(), Arc::clone(&has_ended), ends) {
            self.kill();
            return Err(error);
        }
        // Its number stays its own until it is waited for, so no signal goes to another process.
        unix::wait_for_end(self.0.id())?;
        has_ended.store(true, Ordering::SeqCst);
        self.0.wait()
    }

    /// Ends a server that cannot be passed anything.
    pub fn kill(mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Waits until the server has ended.
    #[cfg(not(unix))]
    pub fn wait(mut self, _: Signals, _: Sender<()>) -> io::Result<ExitStatus> {
        self.0.wait()
    }
}

/// No signal is passed on here.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Takes the signals that are passed on.
    pub fn take() -> io::Result<Self> {
        Ok(Self)
    }

    pub fn of(self, _: Option<Supervisor>) -> Self {
        self
    }
}

/// Ends the proxy as the server ended: with its exit code, or by the signal that ended it.
pub fn end_like(status: ExitStatus) -> ! {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            // The server may have left its own; one of the proxy's would hold keys and messages.
            unix::leave_no_core();
            // Returns for a signal that ends nobody; then the code is what a shell says.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
            std::process::exit(128 + signal);
        }
    }
    std::process::exit(status.code().unwrap_or(1));
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use std::sync::mpsc::Sender;

    use rustix::process::{
        Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process, setrlimit, waitid,
    };
    use signal_hook::consts::{
        SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1,
        SIGUSR2, SIGWINCH,
    };
    use signal_hook::iterator::SignalsInfo;
    use signal_hook::iterator::exfiltrator::WithOrigin;
    use signal_hook::low_level::emulate_default_handler;
    use signal_hook::low_level::siginfo::{Cause, Origin};

    use crate::supervisor::Supervisor;

    /// What a client or a person sends to end a server, to stop it, or to tell it something.
    const PASSED_ON: [i32; 10] = [
        SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2, SIGWINCH,
    ];

    /// What ends whoever does not handle it.
    const ENDING: [i32; 7] = [SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];

    /// The signals that the proxy gets from here on.
    #[derive(Debug)]
    pub struct Signals {
        received: SignalsInfo<WithOrigin>,
        /// Whose end comes as a `SIGCHLD`.
        supervisor: Option<Supervisor>,
    }

    /// Whether whoever started this process has let it ignore a signal. Not known where `/proc` is not there.
    pub fn is_ignored(signal: i32) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
    }

    impl Signals {
        /// Takes the signals that are passed on: before the server starts, so that none ends the proxy alone. One that is
        /// ignored stays so, for the server as well.
        ///
        /// # Errors
        ///
        /// Where the system lets no handler be set.
        pub fn take() -> io::Result<Self> {
            let passed_on = PASSED_ON.into_iter().filter(|signal| !is_ignored(*signal));
            // Of a process that ignores this one the system keeps no child's status.
            let taken = passed_on.chain([SIGCHLD]);
            Ok(Self {
                received: SignalsInfo::new(taken)?,
                supervisor: None,
            })
        }

        /// Ends the server with the supervisor.
        #[must_use]
        pub fn of(self, supervisor: Option<Supervisor>) -> Self {
            Self { supervisor, ..self }
        }

        pub(super) fn pass_on(
            mut self,
            server: u32,
            has_ended: Arc<AtomicBool>,
            ends: Sender<()>,
        ) -> io::Result<()> {
            let pass = move || {
                for origin in self.received.forever() {
                    if !has_ended.load(Ordering::SeqCst) {
                        if self.supervisor.is_some_and(Supervisor::is_gone) {
                            // Who killed it meant the server.
                            send(server, SIGKILL);
                        } else if origin.signal != SIGCHLD && !is_of_terminal(&origin) {
                            send(server, origin.signal);
                        }
                    } else if ENDING.contains(&origin.signal) {
                        let _ = ends.send(());
                    }
                    if origin.signal == SIGTSTP {
                        let _ = emulate_default_handler(SIGTSTP);
                    }
                }
            };
            thread::Builder::new()
                .name("signals".to_owned())
                .spawn(pass)?;
            Ok(())
        }
    }

    fn send(server: u32, signal: i32) {
        if let Some(pid) = pid(server)
            && let Some(signal) = Signal::from_named_raw(signal)
        {
            // It fails where the server has ended, which says the same.
            let _ = kill_process(pid, signal);
        }
    }

    /// Whether a signal comes from a key of the terminal, which sends it to the server as well.
    fn is_of_terminal(origin: &Origin) -> bool {
        matches!(
            origin.signal,
            SIGINT | SIGQUIT | SIGTSTP | SIGCONT | SIGWINCH
        ) && matches!(origin.cause, Cause::Kernel)
    }

    /// Lets the process leave no image of its memory.
    pub(super) fn leave_no_core() {
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let _ = setrlimit(Resource::Core, none);
    }

    /// Waits until the server has ended, and leaves it to be waited for.
    pub(super) fn wait_for_end(server: u32) -> io::Result<()> {
        let Some(pid) = pid(server) else {
            return Ok(());
        };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        loop {
            match waitid(WaitId::Pid(pid), options) {
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(()),
            }
        }
    }

    fn pid(server: u32) -> Option<Pid> {
        Pid::from_raw(i32::try_from(server).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_called_by_its_package_or_its_program_and_by_no_other_argument() {
        for (command, name) in [
            (
                &["npx", "-y", "@scope/server-files@1.2.0", "/srv"][..],
                "@scope/server-files",
            ),
            (&["npx", "-y", "@scope/server-files"], "@scope/server-files"),
            (&["npx", "server-files@latest"], "server-files"),
            (&["npx", "server-files@^1.2"], "server-files"),
            (&["uvx", "mcp-server-time==2025.7.1"], "mcp-server-time"),
            (&["uvx", "mcp-server-time[cli]>=1,<2"], "mcp-server-time"),
            (&["uvx", "mcp-server-time@latest"], "mcp-server-time"),
            (&["npx", "git@example.com:rachel/server"], "npx"),
            (&["npx", "server@https://example.com/server.tgz"], "npx"),
            (&["npx", "@scope/server/more"], "npx"),
            (&["/usr/bin/uvx", "mcp-server-time"], "mcp-server-time"),
            (&["pipx", "run", "mcp-server-time"], "mcp-server-time"),
            (
                &["npx", "--registry", "https://npm.example.com/", "server"],
                "npx",
            ),
            (
                &[
                    "npx",
                    concat!("https://rachel", ":pass@npm.example.com/server.tgz"),
                ],
                "npx",
            ),
            (
                &["uvx", "--from", "git+https://example.com/x", "server"],
                "uvx",
            ),
            (&["npx", "-y", "/home/rachel/server"], "npx"),
            (&["npx", "@scope"], "npx"),
            (&["npx"], "npx"),
            (&["node", "server.js"], "node"),
            (&["python3.12", "-m", "server"], "python3"),
        ] {
            let command = ServerCommand {
                program: command[0].into(),
                arguments: command[1..].iter().map(Into::into).collect(),
            };
            assert_eq!(command.name(), name);
        }
    }
}
