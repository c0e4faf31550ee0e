//! The program itself, started as anybody starts it: for tests of the whole program, and for what measures it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_usage_server");

/// A running program, which does not outlive whoever started it.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) origin: String,
    /// What it printed until it was ready.
    pub(crate) said: String,
}

impl Program {
    /// Starts it through a shell that runs `before` first.
    pub(crate) fn start(data: &Path, before: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new("/bin/sh")
            .args(["-c", &format!("{before} exec \"$0\" \"$@\""), PROGRAM])
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        // The last thing it says is where to look at it.
        while !said.contains("/sign-in?") {
            assert!(lines.read_line(&mut said).unwrap() > 0, "{said}");
        }
        let link = said
            .lines()
            .find(|line| line.contains("/sign-in?"))
            .unwrap();
        let (origin, _) = link.trim().split_once("/sign-in?link=").unwrap();
        Self {
            child,
            origin: origin.to_owned(),
            said,
        }
    }

    /// The key that the first start says.
    pub(crate) fn key(&self) -> Option<String> {
        let key = self.said.split("REO_API_KEY=").nth(1)?;
        Some(key.split_whitespace().next().unwrap().to_owned())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
