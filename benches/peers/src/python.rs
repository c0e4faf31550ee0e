//! The Python peers, where there is a Python: in a virtual environment of their own, under the target directory.

use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const PACKAGES: [&str; 2] = ["reo-census-mcp==0.5.0", "mcpeye==0.1.5"];
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/peers.py");

#[derive(Debug)]
pub struct Python(PathBuf);

impl Python {
    /// Makes the environment, unless it is there. The error says what is missing.
    pub fn prepare() -> io::Result<Self> {
        let target = std::env::current_exe()?;
        let directory = target
            .parent()
            .map(|release| release.join("peers-python"))
            .unwrap_or_default();
        let python = directory.join("bin/python");
        if !python.exists() {
            succeed(Command::new("python3").args(["-m", "venv"]).arg(&directory))?;
        }
        let known = succeed(Command::new(&python).args(["-c", "import reo_census_mcp, mcpeye"]));
        if known.is_err() {
            let install = ["-m", "pip", "install", "--quiet"];
            succeed(Command::new(&python).args(install).args(PACKAGES))?;
        }
        Ok(Self(python))
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.0);
        command.arg(SCRIPT);
        command
    }
}

fn succeed(command: &mut Command) -> io::Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(
        String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    ))
}
