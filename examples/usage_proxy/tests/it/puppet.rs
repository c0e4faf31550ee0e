//! A server that the test plays: it reads what the server is sent, and says what the server says.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Passes what comes from one named pipe to the client, and what the client sends to the other.
const SCRIPT: &str = r#"cat <"$0" & exec cat >"$1""#;

/// The two named pipes of a server.
pub(crate) struct Puppet {
    directory: PathBuf,
}

impl Puppet {
    pub(crate) fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let made = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("usage-proxy-puppet-{}-{made}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir(&directory).unwrap();
        let puppet = Self { directory };
        let made = Command::new("mkfifo").args(puppet.pipes()).status();
        assert!(made.unwrap().success());
        puppet
    }

    /// What the server says, and what it reads.
    fn pipes(&self) -> [String; 2] {
        ["says", "reads"].map(|name| self.directory.join(name).to_str().unwrap().to_owned())
    }

    /// The command that runs the server.
    pub(crate) fn command(&self) -> [String; 5] {
        let [says, reads] = self.pipes();
        let [sh, option, script] = ["sh", "-c", SCRIPT].map(str::to_owned);
        [sh, option, script, says, reads]
    }

    /// The server's ends, once it runs: what it says goes into the first, what it reads comes from the second.
    pub(crate) fn ends(&self) -> (File, File) {
        let [says, reads] = self.pipes();
        let reads = File::open(reads).unwrap();
        (File::options().write(true).open(says).unwrap(), reads)
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
