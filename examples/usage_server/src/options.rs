//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use lexopt::prelude::{Long, Short, Value, ValueExt};

use crate::store;
use crate::web::session::Role;
use crate::web::site::reachable;

pub const USAGE: &str = "\
usage: usage_server [OPTIONS]                 receives events and shows the pages
       usage_server [OPTIONS] link            prints a link that signs in once
       usage_server [OPTIONS] backup FILE     copies the database while the server runs
       usage_server [OPTIONS] forget WHO      forgets the person with this id or e-mail address
       usage_server [OPTIONS] key list | add | revoke ID

  --listen HOST:PORT  where to listen (default 127.0.0.1:8787)
  --data FILE         the database (default usage.db)
  --public-url URL    the address for browsers and servers, behind a proxy with TLS; it may have a path
  --base-path PATH    the path of the public URL, such as /usage
  --trust-proxy       take the host and the scheme from X-Forwarded-Host and X-Forwarded-Proto
  --min-free-mb MIB   refuse events while less than this is free on the disk (default 256; 0: no bound)
  --durable           wait for the disk at each commit, so that a power cut loses nothing that was answered
  --project NAME      the project of a command, and the name of the first project (default: default)
  --role ROLE         of a link: admin (default), or reader, who sees the pages and changes nothing
  --link-file FILE    write the sign-in link and the first key to a private file instead of printing them
  --demo              a month of a made-up shop with live traffic, in a database that is gone at the end
  --still             with --demo: no live traffic
  --now MS            the time in Unix milliseconds, for tests
  --exit-with-stdin   end when standard input closes, for scripts
  --help, --version";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub command: Command,
    pub listen: String,
    pub data: Option<PathBuf>,
    pub public_url: Option<String>,
    pub base_path: Option<String>,
    pub trusts_proxy: bool,
    pub min_free_mb: u64,
    pub durable: bool,
    pub project: String,
    pub role: Role,
    pub link_file: Option<PathBuf>,
    pub demo: bool,
    pub still: bool,
    pub now_ms: Option<i64>,
    pub exits_with_stdin: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Serve,
    Link,
    Backup(PathBuf),
    Forget(String),
    KeyList,
    KeyAdd,
    KeyRevoke(i64),
    Help,
    Version,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            command: Command::Serve,
            listen: "127.0.0.1:8787".to_owned(),
            data: None,
            public_url: None,
            base_path: None,
            trusts_proxy: false,
            min_free_mb: store::Options::default().min_free_bytes >> 20,
            durable: false,
            project: "default".to_owned(),
            role: Role::Admin,
            link_file: None,
            demo: false,
            still: false,
            now_ms: None,
            exits_with_stdin: false,
        }
    }
}

impl Options {
    /// Reads the arguments of the command line.
    ///
    /// # Errors
    ///
    /// With what is wrong with which of them.
    pub fn read(mut arguments: lexopt::Parser) -> Result<Self, String> {
        let mut options = Self::default();
        let words = options
            .take(&mut arguments)
            .map_err(|error| format!("{error}\n\n{USAGE}"))?;
        options.command = match options.command {
            Command::Serve => command(&words)?,
            asked => asked,
        };
        options.check()?;
        Ok(options)
    }

    /// Takes the options; returns the words between them.
    fn take(&mut self, arguments: &mut lexopt::Parser) -> Result<Vec<String>, lexopt::Error> {
        let mut words = Vec::new();
        while let Some(argument) = arguments.next()? {
            match argument {
                Value(word) => words.push(word.string()?),

                Long("listen") => self.listen = arguments.value()?.string()?,
                Long("data") => self.data = Some(arguments.value()?.into()),
                Long("public-url") => self.public_url = Some(arguments.value()?.string()?),
                Long("base-path") => self.base_path = Some(arguments.value()?.string()?),
                Long("trust-proxy") => self.trusts_proxy = true,
                Long("min-free-mb") => {
                    self.min_free_mb = arguments.value()?.parse_with(|word| {
                        let number = word.parse();
                        number.map_err(|_| "--min-free-mb: expected a whole number of MiB")
                    })?;
                }
                Long("durable") => self.durable = true,
                Long("project") => self.project = arguments.value()?.string()?,
                Long("role") => {
                    self.role = arguments
                        .value()?
                        .parse_with(|word| Role::of_word(word).ok_or("expected admin or reader"))?;
                }
                Long("link-file") => self.link_file = Some(arguments.value()?.into()),
                Long("demo") => self.demo = true,
                Long("still") => self.still = true,
                Long("now") => self.now_ms = Some(arguments.value()?.parse()?),
                Long("exit-with-stdin") => self.exits_with_stdin = true,
                Long("help") | Short('h') => self.command = Command::Help,
                Long("version") | Short('V') => self.command = Command::Version,
                other => return Err(other.unexpected()),
            }
        }
        Ok(words)
    }

    fn check(&self) -> Result<(), String> {
        let is_here = || {
            let address = self.listen.parse::<SocketAddr>();
            self.listen.starts_with("localhost:")
                || address.is_ok_and(|address| address.ip().is_loopback())
        };
        if self.demo && !is_here() {
            return Err(format!(
                "--listen {}: with --demo it must be a loopback address",
                self.listen
            ));
        }
        if self.still && !self.demo {
            return Err("--still: only --demo has a shop to close".to_owned());
        }
        if let Some(path) = &self.base_path
            && (!path.starts_with('/') || path.ends_with('/'))
        {
            return Err(format!(
                "--base-path {path}: it begins with a slash and ends without one"
            ));
        }
        Ok(())
    }

    /// How the database is opened.
    pub fn store(&self) -> store::Options {
        store::Options {
            durable: self.durable,
            min_free_bytes: self.min_free_mb.saturating_mul(1 << 20),
            ..store::Options::default()
        }
    }

    /// Where browsers reach the server, if that was said.
    pub fn whole_public_url(&self, listen: SocketAddr) -> Option<String> {
        match (&self.public_url, &self.base_path) {
            (Some(url), Some(path)) => Some(format!("{}{path}", url.trim_end_matches('/'))),
            (Some(url), None) => Some(url.clone()),
            (None, Some(path)) => Some(format!("http://{}{path}", reachable(listen))),
            (None, None) => None,
        }
    }
}

fn command(words: &[String]) -> Result<Command, String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Ok(match words.as_slice() {
        [] => Command::Serve,
        ["link"] => Command::Link,
        ["backup", file] => Command::Backup(PathBuf::from(file)),
        ["forget", who] if !who.trim().is_empty() => Command::Forget((*who).to_owned()),
        ["key", "list"] => Command::KeyList,
        ["key", "add"] => Command::KeyAdd,
        ["key", "revoke", id] => match id.parse() {
            Ok(id) => Command::KeyRevoke(id),
            Err(_) => {
                return Err(format!(
                    "key revoke {id}: expected a number, as `key list` has it"
                ));
            }
        },
        other => return Err(format!("unknown command: {}\n\n{USAGE}", other.join(" "))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Options, String> {
        Options::read(lexopt::Parser::from_args(arguments))
    }

    #[test]
    fn commands_and_options_come_in_any_order() {
        let options = read(&["--data", "a.db", "key", "revoke", "--project=shop", "7"]).unwrap();
        assert_eq!(options.command, Command::KeyRevoke(7));
        assert_eq!(options.data, Some(PathBuf::from("a.db")));
        assert_eq!(options.project, "shop");
        assert_eq!(read(&[]).unwrap(), Options::default());
        let role = read(&["link", "--role", "reader"]).unwrap().role;
        assert_eq!(role, Role::Reader);
        let store = |arguments: &[&str]| read(arguments).unwrap().store();
        assert_eq!(store(&["--min-free-mb", "9"]).min_free_bytes, 9 << 20);
        assert!(store(&["--durable"]).durable && !store(&[]).durable);
        assert!(USAGE.contains(&format!("(default {};", Options::default().min_free_mb)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (arguments, named) in [
            (&["--nope"][..], "--nope"),
            (&["--listen"], "--listen"),
            (&["backup"], "backup"),
            (&["key", "revoke", "x"], "key revoke x"),
            (&["--role", "king"], "admin or reader"),
            (&["--demo", "--listen", "0.0.0.0:80"], "--listen 0.0.0.0:80"),
            (&["--base-path", "usage"], "--base-path usage"),
            (&["--base-path", "/usage/"], "--base-path /usage/"),
            (&["--still"], "--still"),
            (&["--now", "soon"], "soon"),
            (&["--min-free-mb", "1G"], "--min-free-mb"),
        ] {
            let error = read(arguments).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn the_public_url_has_the_base_path() {
        let listen = SocketAddr::from(([127, 0, 0, 1], 8787));
        let url = |arguments: &[&str]| read(arguments).unwrap().whole_public_url(listen);
        assert_eq!(url(&[]), None);
        let here = url(&["--base-path", "/usage"]);
        assert_eq!(here.as_deref(), Some("http://127.0.0.1:8787/usage"));
        let there = url(&[
            "--public-url",
            "https://example.com/",
            "--base-path",
            "/usage",
        ]);
        assert_eq!(there.as_deref(), Some("https://example.com/usage"));
    }
}
