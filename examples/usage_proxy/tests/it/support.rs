//! The proxy as a process.

use std::process::{Command, Stdio};

/// The proxy in front of a command, with pipes.
pub(crate) fn proxy<const N: usize>(command: [&str; N]) -> Command {
    let mut proxy = Command::new(env!("CARGO_BIN_EXE_usage_proxy"));
    proxy
        .arg("--")
        .args(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("USAGE_PROXY_") {
            proxy.env_remove(name);
        }
    }
    proxy
}
