//! The program itself, started as anybody starts it: for tests of the whole program, and for what measures it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use reqwest::redirect::Policy;

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

    /// A browser that is signed in.
    pub(crate) async fn browser(&self) -> reqwest::Client {
        let browser = reqwest::Client::builder()
            .cookie_store(true)
            .redirect(Policy::none())
            .build()
            .unwrap();
        let secret = self.said.split("/sign-in?link=").nth(1).unwrap();
        let form = [("link", secret.split_whitespace().next().unwrap())];
        let request = browser.post(format!("{}/sign-in", self.origin)).form(&form);
        let answer = request.header("origin", &self.origin).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 303);
        browser
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
