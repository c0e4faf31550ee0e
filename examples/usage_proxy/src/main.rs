//! Runs an MCP server that speaks over stdio, in any language, and reports its tool calls.
//!
//! ```text
//! usage_proxy [--intent] -- npx some-server arguments…
//! ```

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use mcp_usage::UsageLogger;
use usage_proxy::child::{ServerCommand, Signals, end_like};
use usage_proxy::report::{logger, streams};
use usage_proxy::run::run;
use usage_proxy::settings::{Settings, own_variables};

const USAGE: &str = "\
usage: usage_proxy [--intent] -- COMMAND [ARGUMENT...]

  --intent  add a property to each tool that asks the agent what the call is for

Everything after -- is the server's command. Settings are environment variables such as USAGE_PROXY_WIRE: see the README.";

/// What `sh` exits with after a wrong command line.
const USAGE_ERROR: u8 = 2;

fn main() -> ExitCode {
    let (intent, command) = match arguments() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            say(USAGE);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            say(&format!("usage_proxy: {error}\n\n{USAGE}"));
            return ExitCode::from(USAGE_ERROR);
        }
    };
    let mut settings = Settings::read().unwrap_or_else(|error| {
        say(&format!("usage_proxy: {error}; nothing is reported"));
        Settings::off()
    });
    settings.intent |= intent;
    let usage = usage(&settings, &command);
    let streams = streams(&settings, &usage);
    let signals = match Signals::take() {
        Ok(signals) => signals,
        Err(error) => {
            say(&format!("usage_proxy: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let server = match command.start(own_variables()) {
        Ok(server) => server,
        Err(error) => {
            say(&format!("usage_proxy: {error}"));
            return ExitCode::from(error.exit_code());
        }
    };
    let ended = run(server, streams, signals);
    let report = usage.shutdown_blocking(settings.shutdown_timeout());
    if settings.verbose {
        say(&format!("usage_proxy: {}", report.stats));
    }
    match ended {
        Ok(status) => end_like(status),
        Err(error) => {
            say(&format!("usage_proxy: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// The logger; a disabled one where a setting is wrong, since the server comes first.
fn usage(settings: &Settings, command: &ServerCommand) -> UsageLogger {
    if settings.is_off {
        return UsageLogger::disabled();
    }
    logger(settings, &command.name()).unwrap_or_else(|error| {
        say(&format!("usage_proxy: {error}; nothing is reported"));
        UsageLogger::disabled()
    })
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

/// Says something on standard error, which the server has as well. A client that has closed it loses the line alone.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
