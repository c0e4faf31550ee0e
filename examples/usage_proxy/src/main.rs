//! Runs an MCP server that speaks over stdio, in any language, and reports its tool calls.
//!
//! ```text
//! usage_proxy [--intent] -- npx some-server arguments…
//! ```

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{ExitCode, ExitStatus};
use std::sync::mpsc;

use mcp_usage::UsageLogger;
use usage_proxy::child::{ServerCommand, ServerProcess, Signals, end_like};
use usage_proxy::report::{logger, streams};
use usage_proxy::run::run;
use usage_proxy::settings::{Settings, own_variables};
#[cfg(unix)]
use usage_proxy::supervisor::end_with_relay;
use usage_proxy::supervisor::{RELAY_OF, SERVER_OF, Supervisor, start_relay};

const USAGE: &str = "\
usage: usage_proxy [--intent] -- COMMAND [ARGUMENT...]

  --intent  add a property to each tool that asks the agent what the call is for

Everything after -- is the server's command. Settings are environment variables such as USAGE_PROXY_WIRE: see the README.";

/// What `sh` exits with after a wrong command line.
const USAGE_ERROR: u8 = 2;

/// What the command line says.
struct CommandLine {
    role: Role,
    intent: bool,
    command: ServerCommand,
}

/// What this process is, and whose, by its number.
enum Role {
    /// What a client starts.
    Supervisor,
    Relay(i32),
    Server(i32),
}

fn main() -> ExitCode {
    let CommandLine {
        role,
        intent,
        command,
    } = match command_line() {
        Ok(Some(line)) => line,
        Ok(None) => {
            say(USAGE);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            say(&format!("usage_proxy: {error}\n\n{USAGE}"));
            return ExitCode::from(USAGE_ERROR);
        }
    };
    match role {
        Role::Supervisor => supervise(intent, command),
        Role::Relay(number) => relay(number, intent, command),
        Role::Server(number) => serve(number, command),
    }
}

/// Waits for the relay, and ends as it does. Where there is none, this process is it.
fn supervise(intent: bool, command: ServerCommand) -> ExitCode {
    let signals = match Signals::take() {
        Ok(signals) => signals,
        Err(error) => return failure(&error),
    };
    match start_relay() {
        Ok(relay) => {
            let (unwatched, _) = mpsc::channel();
            end(ServerProcess(relay).wait(signals, unwatched))
        }
        Err(_) => relay_with(signals, intent, command, None),
    }
}

/// Becomes the server, which ends with the relay.
#[cfg(unix)]
fn serve(number: i32, command: ServerCommand) -> ExitCode {
    if !end_with_relay(number) {
        return ExitCode::FAILURE;
    }
    let error = command.replace_process();
    say(&format!("usage_proxy: {error}"));
    ExitCode::from(error.exit_code())
}

#[cfg(not(unix))]
fn serve(_: i32, _: ServerCommand) -> ExitCode {
    ExitCode::FAILURE
}

/// Passes on for the supervisor with this number.
fn relay(number: i32, intent: bool, command: ServerCommand) -> ExitCode {
    // First, since the supervisor's end comes as one.
    let signals = match Signals::take() {
        Ok(signals) => signals,
        Err(error) => return failure(&error),
    };
    match Supervisor::watch(number) {
        Some(supervisor) => relay_with(signals, intent, command, Some(supervisor)),
        None => ExitCode::FAILURE,
    }
}

/// Starts the server, passes on what both say, and reports it.
fn relay_with(
    signals: Signals,
    intent: bool,
    command: ServerCommand,
    supervisor: Option<Supervisor>,
) -> ExitCode {
    let mut settings = Settings::read().unwrap_or_else(|error| {
        say(&format!("usage_proxy: {error}; nothing is reported"));
        Settings::off()
    });
    settings.intent |= intent;
    let usage = usage(&settings, &command);
    let streams = streams(&settings, &usage);
    let server = match command.start(own_variables(), supervisor) {
        Ok(server) => server,
        Err(error) => {
            say(&format!("usage_proxy: {error}"));
            return ExitCode::from(error.exit_code());
        }
    };
    let ended = run(server, streams, signals.of(supervisor));
    let report = usage.shutdown_blocking(settings.shutdown_timeout());
    if settings.verbose {
        say(&format!("usage_proxy: {}", report.stats));
    }
    end(ended)
}

/// Ends as what was waited for has ended.
fn end(ended: io::Result<ExitStatus>) -> ExitCode {
    match ended {
        Ok(status) => end_like(status),
        Err(error) => failure(&error),
    }
}

fn failure(error: &io::Error) -> ExitCode {
    say(&format!("usage_proxy: {error}"));
    ExitCode::FAILURE
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

/// Reads the command line; `None` where it asks for help.
fn command_line() -> Result<Option<CommandLine>, lexopt::Error> {
    use lexopt::prelude::*;

    let mut parser = lexopt::Parser::from_env();
    let (mut role, mut intent) = (Role::Supervisor, false);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("intent") => intent = true,
            Long("help") | Short('h') => return Ok(None),
            Long(RELAY_OF) => role = Role::Relay(parser.value()?.parse()?),
            Long(SERVER_OF) => role = Role::Server(parser.value()?.parse()?),
            Value(program) => {
                let arguments: Vec<OsString> = parser.raw_args()?.collect();
                return Ok(Some(CommandLine {
                    role,
                    intent,
                    command: ServerCommand { program, arguments },
                }));
            }
            _ => return Err(argument.unexpected()),
        }
    }
    Err("no command after --".into())
}

/// Says something on standard error, which the server has as well. A client that has closed it loses the line alone.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
