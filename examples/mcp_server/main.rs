//! An MCP server that reports by hand who uses it, over stdio or HTTP: to copy, and to try with your own client.
//!
//! What it shows: such a server from its arguments to a shutdown that delivers what is still queued. The tools and the
//! logging are in `server.rs`.
//!
//! How to run: the `mock_ingest` example in one terminal, this in another.
//!
//! ```text
//! cargo run --example mock_ingest
//! cargo run --example mcp_server -- --http 127.0.0.1:8931 --ingest http://127.0.0.1:8787/api/product/usage --key demo
//! ```
//!
//! Then connect a client to `http://127.0.0.1:8931/mcp` with the header `Authorization: Bearer rachel-demo-token`.
//! Without `--http` it speaks MCP on stdin and stdout, for a client that starts it:
//!
//! ```text
//! mcp_server --ingest http://127.0.0.1:8787/api/product/usage --key demo --user rachel@example.com
//! ```
//!
//! What you should see: each call in the ingest's terminal; here, on stderr, errors, and at the end (stdin
//! closed, Ctrl-C) the ledger. Only MCP is written to stdout.

#![expect(
    clippy::print_stderr,
    reason = "a server's place to talk to a person; stdout is the protocol's"
)]

mod server;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use mcp_usage::{Identity, IdentityCapture, UsageLogger};
use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use rmcp::transport::stdio;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal;
use tracing::Level;

use server::Shop;

const USAGE: &str = "\
usage: mcp_server --ingest URL [--key KEY] [--user EMAIL]       MCP on stdin and stdout, for one user
       mcp_server --ingest URL [--key KEY] --http HOST:PORT     MCP at http://HOST:PORT/mcp, for users with a token

The key is taken from REO_API_KEY when --key is not given.";

/// How long the server may take to deliver what is queued when it ends.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// The users of the server over HTTP.
const TOKENS: [(&str, &str); 2] = [
    ("rachel-demo-token", "rachel@example.com"),
    ("sam-demo-token", "sam@example.com"),
];

#[derive(Default)]
struct Options {
    ingest: String,
    key: Option<String>,
    user: Option<String>,
    http: Option<String>,
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            eprintln!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(fault) => {
            eprintln!("{fault}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    // Delivery failures are logged through `tracing`, under the target `reo.mcp-gateway`.
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(Level::WARN)
        .init();
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mcp_server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let mut builder = UsageLogger::builder()
        .endpoint(&options.ingest)
        .product_id("shop")
        // An example must also work on a machine that has opted out. Leave this line out in your server.
        .env(|name| std::env::var(name).ok().filter(|_| name == "REO_API_KEY"));
    if let Some(key) = &options.key {
        builder = builder.api_key(key);
    }
    let usage = builder.build()?;

    let runtime = Runtime::new()?;
    let served = runtime.block_on(async {
        let served = match options.http {
            Some(address) => serve_http(&usage, &address).await,
            None => serve_stdio(&usage, options.user).await,
        };
        let report = usage.shutdown(SHUTDOWN_TIMEOUT).await;
        eprintln!(
            "mcp_server: ended; {} events delivered, {} dropped, {} given up",
            report.stats.delivered,
            report.stats.dropped.total(),
            report.pending,
        );
        served
    });
    // Does not wait for the thread that reads stdin, which nothing can interrupt.
    runtime.shutdown_background();
    served
}

async fn serve_stdio(usage: &UsageLogger, user: Option<String>) -> Result<(), Box<dyn Error>> {
    let user = user.map(Identity::email);
    let shop = Shop::new(usage.clone(), user.clone());
    let serve = async {
        let service = match shop.serve(stdio()).await {
            // The client disconnected before it sent anything.
            Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
            service => service?,
        };
        if let Some(user) = user {
            usage.log_usage(IdentityCapture::new(user).transport("stdio"));
        }
        service.waiting().await?;
        Ok(())
    };
    tokio::select! {
        served = serve => served,
        () = interrupted() => Ok(()),
    }
}

async fn serve_http(usage: &UsageLogger, address: &str) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("--http {address}: {error}"))?;
    eprintln!("mcp_server: http://{}/mcp, for", listener.local_addr()?);
    for (token, user) in TOKENS {
        eprintln!("    Authorization: Bearer {token}    {user}");
    }
    let users = TOKENS.map(|(token, user)| (token, Identity::email(user)));
    Ok(server::serve_http(usage, users, listener, interrupted()).await?)
}

/// Waits for Ctrl-C, or for the signal with which a supervisor ends a service.
async fn interrupted() {
    #[cfg(unix)]
    if let Ok(mut terminate) = signal::unix::signal(signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    let _ = signal::ctrl_c().await;
}

/// Reads the arguments; `None` when help was asked for.
fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options::default();
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
        match name.as_str() {
            "--help" => return Ok(None),
            "--ingest" => options.ingest = value()?,
            "--key" => options.key = Some(value()?),
            "--user" => options.user = Some(value()?),
            "--http" => options.http = Some(value()?),
            _ => return Err(format!("{name} is not an option")),
        }
    }
    if options.ingest.is_empty() {
        return Err("--ingest is missing".to_owned());
    }
    if options.http.is_some() && options.user.is_some() {
        return Err("--user is for stdio; over HTTP the token says who it is".to_owned());
    }
    Ok(Some(options))
}
