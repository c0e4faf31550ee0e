//! Runs an MCP server that speaks over stdio, in any language, and reports its tool calls.
//!
//! ```text
//! usage_proxy [--intent] -- npx some-server arguments…
//! ```

#![expect(
    clippy::print_stderr,
    reason = "a program's place to talk to a person; MCP has standard output"
)]

use std::ffi::OsString;
use std::process::ExitCode;

use usage_proxy::child::{ServerCommand, end_like};
use usage_proxy::run::{Unseen, run};
use usage_proxy::settings::own_variables;

const USAGE: &str = "\
usage: usage_proxy [--intent] -- COMMAND [ARGUMENT...]

  --intent  ask agents what each call is for, by a property that tools get

Everything behind -- is the server's. The proxy's settings are variables, USAGE_PROXY_WIRE and others: see its README.";

/// What `sh` exits with after a wrong command line.
const USAGE_ERROR: u8 = 2;

fn main() -> ExitCode {
    let (_intent, command) = match arguments() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            eprintln!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("usage_proxy: {error}\n\n{USAGE}");
            return ExitCode::from(USAGE_ERROR);
        }
    };
    let server = match command.start(own_variables()) {
        Ok(server) => server,
        Err(error) => {
            eprintln!("usage_proxy: {error}");
            return ExitCode::from(error.exit_code());
        }
    };
    match run(server, Unseen, Unseen) {
        Ok(status) => end_like(status),
        Err(error) => {
            eprintln!("usage_proxy: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line says; `None` where it asks for help.
fn arguments() -> Result<Option<(bool, ServerCommand)>, lexopt::Error> {
    use lexopt::prelude::*;

    let mut parser = lexopt::Parser::from_env();
    let mut intent = false;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("intent") => intent = true,
            Long("help") | Short('h') => return Ok(None),
            Value(program) => {
                let arguments: Vec<OsString> = parser.raw_args()?.collect();
                let command = ServerCommand { program, arguments };
                return Ok(Some((intent, command)));
            }
            _ => return Err(argument.unexpected()),
        }
    }
    Err("there is no command behind --".into())
}
