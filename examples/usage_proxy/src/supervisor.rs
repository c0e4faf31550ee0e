//! Two processes, so that a kill is reported and leaves nothing behind: the supervisor, which a client starts and may kill, and
//! the relay, which passes on and reports, and outlives it. On Linux alone, where a process can ask for a signal at the end of
//! its parent.

/// The option that makes a process the relay of the supervisor with this number.
pub const RELAY_OF: &str = "relay-of";

/// The option that makes a process the server of the relay with this number.
pub const SERVER_OF: &str = "server-of";

#[cfg(target_os = "linux")]
pub use linux::{Supervisor, end_with_relay, server_launcher, start_relay};
#[cfg(not(target_os = "linux"))]
pub use others::{Supervisor, end_with_relay, server_launcher, start_relay};

#[cfg(target_os = "linux")]
mod linux {
    use std::env;
    use std::ffi::OsStr;
    use std::io::{self, IsTerminal};
    use std::os::unix::process::CommandExt;
    use std::process::{self, Child, Command};

    use rustix::process::{Pid, Signal, getpgid, getppid, set_parent_process_death_signal};

    use super::{RELAY_OF, SERVER_OF};
    use crate::ends::{close_client_in, close_client_out};

    /// The supervisor of this relay.
    #[derive(Debug, Clone, Copy)]
    pub struct Supervisor(Pid);

    impl Supervisor {
        /// Asks for `SIGCHLD` at the supervisor's end: a client may have let all others be ignored. `None` where it has ended
        /// already.
        pub fn watch(number: i32) -> Option<Self> {
            Some(Self(watch_parent(number, Signal::CHILD)?))
        }

        /// Whether it has ended.
        pub fn is_gone(self) -> bool {
            getppid() != Some(self.0)
        }

        /// The group of processes that a client has put it into; `None` once it has ended.
        pub fn group(self) -> Option<i32> {
            let group = getpgid(Some(self.0)).ok()?;
            Some(group.as_raw_nonzero().get())
        }
    }

    /// Ends this process with the relay, by `SIGKILL`. Returns whether the relay is still there.
    pub fn end_with_relay(number: i32) -> bool {
        watch_parent(number, Signal::KILL).is_some()
    }

    fn watch_parent(number: i32, signal: Signal) -> Option<Pid> {
        let parent = Pid::from_raw(number)?;
        // Where that is forbidden, a server still reads the end of its input.
        let _ = set_parent_process_death_signal(Some(signal));
        // No signal comes for one that has ended before.
        (getppid() == Some(parent)).then_some(parent)
    }

    /// Starts the relay, which has the client's ends from then on: it is this program again, with the same arguments.
    pub fn start_relay() -> io::Result<Child> {
        let mut relay = itself(RELAY_OF)?;
        relay.args(env::args_os().skip(1));
        // A client may kill the whole group. A terminal's input is for its own group alone.
        if !io::stdin().is_terminal() {
            relay.process_group(0);
        }
        let relay = relay.spawn()?;
        close_client_in();
        close_client_out();
        Ok(relay)
    }

    /// A command that becomes `program`, and ends with this process. Without it, a server that never reads its input would
    /// outlive a relay that is killed.
    pub fn server_launcher(program: &OsStr) -> io::Result<Command> {
        let mut launcher = itself(SERVER_OF)?;
        launcher.arg("--").arg(program);
        Ok(launcher)
    }

    fn itself(option: &str) -> io::Result<Command> {
        let mut command = Command::new(env::current_exe()?);
        command.arg(format!("--{option}={}", process::id()));
        Ok(command)
    }
}

#[cfg(not(target_os = "linux"))]
mod others {
    use std::ffi::OsStr;
    use std::io;
    use std::process::{Child, Command};

    /// There is none: the process that a client starts is the relay.
    #[derive(Debug, Clone, Copy)]
    pub enum Supervisor {}

    impl Supervisor {
        pub fn watch(_: i32) -> Option<Self> {
            None
        }

        pub fn is_gone(self) -> bool {
            match self {}
        }

        pub fn group(self) -> Option<i32> {
            match self {}
        }
    }

    pub fn end_with_relay(_: i32) -> bool {
        false
    }

    pub fn start_relay() -> io::Result<Child> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn server_launcher(_: &OsStr) -> io::Result<Command> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
