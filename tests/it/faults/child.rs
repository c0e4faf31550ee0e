//! A process of its own: this binary again, with one test that plays a role.

use std::io::Read;
use std::process::{Child, Command, Stdio};

use mcp_usage::Wire;

use crate::support::wire_named;

const ROLE: &str = "USAGE_FAULT_ROLE";
/// The name of the wire that a role is played on.
pub(super) const WIRE: &str = "USAGE_FAULT_WIRE";

/// The role that this process was started for.
pub(super) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// The wire that this process was started for.
pub(super) fn wire() -> Wire {
    let wanted = std::env::var(WIRE).unwrap();
    wire_named(&wanted)
}

/// Starts `test`, which plays `role`, in an environment without proxies.
pub(super) fn command(test: &str, role: &str) -> Command {
    in_environment(Command::new(std::env::current_exe().unwrap()), test, role)
}

/// As [`command`], after the shell has run `before`, such as a limit.
pub(super) fn command_after(before: &str, test: &str, role: &str) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("{before} || exit 9; exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap());
    in_environment(shell, test, role)
}

fn in_environment(mut command: Command, test: &str, role: &str) -> Command {
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .env(ROLE, role);
    for name in [
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "REQUEST_METHOD",
    ] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
}

#[track_caller]
pub(super) fn assert_ends_well(mut child: Child) {
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut said).unwrap();
        eprint!("{said}");
    }
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}: {said}");
}
