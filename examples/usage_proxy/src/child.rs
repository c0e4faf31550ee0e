//! The server: a process whose signals and end are the proxy's own.

use std::ffi::OsString;
use std::io;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
#[cfg(unix)]
use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering};

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
    process: Child,
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
    /// Starts the server. It has the proxy's environment without `hidden`, and its standard error.
    pub fn start(self, hidden: impl IntoIterator<Item = OsString>) -> Result<Server, StartError> {
        let mut command = Command::new(&self.program);
        command
            .args(self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        for name in hidden {
            command.env_remove(name);
        }
        let program = self.program;
        let failed = |error| StartError { program, error };
        let mut process = match command.spawn() {
            Ok(process) => process,
            Err(error) => return Err(failed(error)),
        };
        match (process.stdin.take(), process.stdout.take()) {
            (Some(stdin), Some(stdout)) => Ok(Server {
                process,
                stdin,
                stdout,
            }),
            _ => Err(failed(io::Error::other("it has no pipes"))),
        }
    }
}

impl Server {
    /// Takes the process from its pipes.
    pub fn into_parts(self) -> (ServerProcess, ChildStdin, ChildStdout) {
        (ServerProcess(self.process), self.stdin, self.stdout)
    }
}

/// The process of a server.
#[derive(Debug)]
pub struct ServerProcess(Child);

impl ServerProcess {
    /// Waits until the server has ended, and passes on each signal that the proxy gets meanwhile. One that comes later ends
    /// the proxy.
    #[cfg(unix)]
    pub fn wait(mut self) -> io::Result<ExitStatus> {
        let has_ended = Arc::new(AtomicBool::new(false));
        if let Err(error) = unix::pass_on(self.0.id(), Arc::clone(&has_ended)) {
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
    pub fn wait(mut self) -> io::Result<ExitStatus> {
        self.0.wait()
    }
}

/// Ends the proxy as the server ended: with its exit code, or by the signal that ended it.
pub fn end_like(status: ExitStatus) -> ! {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
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

    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
    use signal_hook::consts::{
        SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2, SIGWINCH,
    };
    use signal_hook::iterator::SignalsInfo;
    use signal_hook::iterator::exfiltrator::WithOrigin;
    use signal_hook::low_level::siginfo::{Cause, Origin};

    /// What a client or a person sends to end a server, or to tell it something.
    const PASSED_ON: [i32; 8] = [
        SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH,
    ];

    pub(super) fn pass_on(server: u32, has_ended: Arc<AtomicBool>) -> io::Result<()> {
        let mut signals = SignalsInfo::<WithOrigin>::new(PASSED_ON)?;
        let pass = move || {
            for origin in signals.forever() {
                if has_ended.load(Ordering::SeqCst) {
                    let _ = signal_hook::low_level::emulate_default_handler(origin.signal);
                } else if !is_of_terminal(&origin)
                    && let Some(pid) = pid(server)
                    && let Some(signal) = Signal::from_named_raw(origin.signal)
                {
                    // It fails where the server has ended, which says the same.
                    let _ = kill_process(pid, signal);
                }
            }
        };
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(pass)?;
        Ok(())
    }

    /// Whether a signal comes from a key of the terminal, which sends it to the server as well.
    fn is_of_terminal(origin: &Origin) -> bool {
        matches!(
            origin.signal,
            SIGINT | SIGQUIT | SIGTSTP | SIGCONT | SIGWINCH
        ) && matches!(origin.cause, Cause::Kernel)
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
