//! Runs the server: reads its settings, listens, and prints the addresses.
//!
//! ```text
//! cargo run -p backlog_server
//! ```
//!
//! needs nothing else: it keeps its database in memory, fills it with a demo, and prints the addresses of the projects
//! and who can sign in. Connect an agent to one of them; a browser opens. What the server reports goes to a mock ingest
//! inside, and is printed as it arrives; `--ingest URL` sends it to one of yours.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program's place to talk to a person; MCP goes over HTTP"
)]

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use backlog_server::clock::Clock;
use backlog_server::config::{Config, PublicUrl};
use backlog_server::serve::serve;
use backlog_server::store::users::Role;
use backlog_server::store::{Store, StoreError, seed};
use backlog_server::{password, usage};
use mcp_usage::UsageLogger;
use mcp_usage::testing::MockIngest;
use tokio::net::TcpListener;
use tokio::signal;
use tokio::sync::oneshot;
use tokio::time::{interval, sleep};
use tracing::Level;

const USAGE: &str = "\
usage: backlog_server [--listen HOST:PORT] [--database FILE] [--ingest URL] [--exit-with-stdin]

  --listen           the address to listen on (default 127.0.0.1:8934)
  --database         an SQLite file (default: in memory, gone at the end)
  --ingest           the URL to which usage events are sent, with the key in REO_API_KEY (default: a mock ingest inside)
  --exit-with-stdin  end when standard input closes, for scripts

MCP_PUBLIC_URL is the address at which clients reach the server, if it differs from where it listens. MCP_PROXIES is the
number of your own proxies in front, each of which adds an address to X-Forwarded-For (default 0).";

/// How long requests that are under way may take when it ends.
const GRACE: Duration = Duration::from_secs(5);
/// How long the server may take to deliver what is queued when it ends.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// How often what has expired is removed.
const PRUNE_EVERY: Duration = Duration::from_secs(60 * 60);
/// How soon an event is printed.
const GLANCE: Duration = Duration::from_millis(200);

struct Options {
    listen: String,
    database: Option<PathBuf>,
    ingest: Option<String>,
    exit_with_stdin: bool,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(Level::WARN)
        .init();
    let ran = options().and_then(|options| match options {
        Some(options) => run(options),
        None => {
            println!("{USAGE}");
            Ok(())
        }
    });
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("backlog_server: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(&options.listen)
        .await
        .map_err(|error| format!("--listen {}: {error}", options.listen))?;
    let public_url = match std::env::var("MCP_PUBLIC_URL") {
        Ok(url) => PublicUrl::parse(&url)?,
        Err(_) => PublicUrl::parse(&format!("http://{}", listener.local_addr()?))?,
    };
    let config = config_of(public_url.clone())?;
    let store = match &options.database {
        Some(file) => Store::open(file, Clock::default())?,
        None => Store::in_memory(Clock::default())?,
    };
    println!(
        "sign in and see what is connected: {}/apps",
        public_url.as_str()
    );
    // Passwords that everybody knows are for this machine.
    if public_url.is_on_this_machine() && seed_demo(&store).await? {
        print_demo(&public_url);
    }
    let timeline = match options.ingest {
        Some(_) => None,
        None => Some(Timeline::start()?),
    };
    let usage = usage_logger(options.ingest.as_deref(), timeline.as_ref())?;

    tokio::spawn(prune(store.clone(), config.refresh_lifetime));
    let head_timeout = config.head_timeout;
    let app = backlog_server::app(config, store, usage.clone());
    let (end, over) = oneshot::channel();
    let served = serve(listener, app, head_timeout, async move {
        ended(options.exit_with_stdin).await;
        let _ = end.send(());
    });
    tokio::select! {
        () = served => {}
        // A client that never ends its request must not cost the events of the others.
        () = async { let _ = over.await; sleep(GRACE).await } => {}
    }
    // What requests had to report is queued by now.
    let report = usage.shutdown(SHUTDOWN_TIMEOUT).await;
    if let Some(timeline) = timeline {
        timeline.finish();
    }
    println!("{}", report.stats);
    if options.ingest.is_none() {
        println!(
            "\nto see the events on a page: `cargo run -p usage_server` prints a key; then, in another terminal, with that key\n\
             REO_API_KEY=KEY cargo run -p backlog_server -- --ingest http://127.0.0.1:8787/api/product/usage"
        );
    }
    Ok(())
}

fn config_of(public_url: PublicUrl) -> Result<Config, Box<dyn Error>> {
    let mut config = Config::new(public_url);
    match std::env::var("MCP_PROXIES") {
        Ok(proxies) => {
            let counted = proxies.parse();
            config.proxies = counted
                .map_err(|_| format!("MCP_PROXIES must be a number of proxies, not {proxies:?}"))?;
        }
        Err(_) if config.public_url.is_https() => tracing::warn!(
            "MCP_PROXIES is not set: behind a proxy, limits count everybody as one address"
        ),
        Err(_) => {}
    }
    Ok(config)
}

fn usage_logger(
    ingest: Option<&str>,
    timeline: Option<&Timeline>,
) -> Result<UsageLogger, Box<dyn Error>> {
    let settings = usage::settings();
    let settings = match (ingest, timeline) {
        (Some(url), _) => settings.endpoint(url),
        // The ingest inside sees events on a machine that opted out, too: they do not leave it.
        (None, Some(timeline)) => settings
            .endpoint(timeline.endpoint.clone())
            .api_key("demo")
            .flush_interval(GLANCE)
            .env(|_| None),
        (None, None) => return Ok(UsageLogger::disabled()),
    };
    Ok(settings.build()?)
}

/// Fills the database with the demo, unless somebody is in it already.
async fn seed_demo(store: &Store) -> Result<bool, StoreError> {
    store
        .run(|db| {
            let empty = "SELECT NOT EXISTS (SELECT 1 FROM users)";
            let empty: bool = db.query_row(empty, [], |row| row.get(0))?;
            if empty {
                let hash = |password: &str| {
                    let hashed = password::hash(password);
                    hashed.map_err(|error| StoreError::Unreadable(error.to_string()))
                };
                seed::seed(db, hash)?;
            }
            Ok(empty)
        })
        .await
}

fn print_demo(public_url: &PublicUrl) {
    for project in &seed::PROJECTS {
        println!("\n{}: {}", project.name, public_url.resource_of(project.id));
        for (id, role) in project.team {
            if let Some(person) = seed::PEOPLE.iter().find(|person| person.id == *id) {
                let plan = match role {
                    Role::Owner => format!(", on the {} plan", person.plan.as_str()),
                    Role::Member | Role::Viewer => String::new(),
                };
                let (email, password) = (person.email, person.password);
                println!("  {email:<18} {password}   {}{plan}", role.as_str());
            }
        }
    }
    println!();
}

/// What arrives at an ingest inside, printed.
struct Timeline {
    endpoint: String,
    /// Dropped to end the printing.
    stop: std::sync::mpsc::Sender<()>,
    printing: std::thread::JoinHandle<()>,
}

impl Timeline {
    fn start() -> io::Result<Self> {
        let ingest = MockIngest::start()?;
        let endpoint = ingest.endpoint();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let printing = std::thread::spawn(move || {
            loop {
                // Looked at first, so that what came before the end is still printed.
                let last = matches!(
                    stopped.recv_timeout(GLANCE),
                    Err(std::sync::mpsc::RecvTimeoutError::Disconnected)
                );
                for event in ingest.take().events.iter().filter(|event| event.accepted) {
                    println!("{}", usage::line(event));
                }
                if last {
                    break;
                }
            }
        });
        Ok(Self {
            endpoint,
            stop,
            printing,
        })
    }

    fn finish(self) {
        drop(self.stop);
        let _ = self.printing.join();
    }
}

async fn prune(store: Store, refresh_lifetime: Duration) {
    let mut ticks = interval(PRUNE_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = store.prune(refresh_lifetime).await {
            tracing::error!(%error, "expired rows could not be removed");
        }
    }
}

/// Waits for Ctrl-C, for the signal with which a supervisor ends a service, or for the end of input.
async fn ended(with_stdin: bool) {
    let input = async {
        if !with_stdin {
            std::future::pending::<()>().await;
        }
        let (closed, input) = oneshot::channel();
        // A thread, which ends with the process: nothing can interrupt a read of it.
        std::thread::spawn(move || {
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            let _ = closed.send(());
        });
        let _ = input.await;
    };
    #[cfg(unix)]
    let terminated = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut terminate) => terminate.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<Option<()>>();
    tokio::select! {
        _ = signal::ctrl_c() => {}
        _ = terminated => {}
        () = input => {}
    }
}

/// Reads the arguments; nothing when help was asked for.
fn options() -> Result<Option<Options>, Box<dyn Error>> {
    use lexopt::prelude::{Long, Short, ValueExt};

    let mut options = Options {
        listen: "127.0.0.1:8934".to_owned(),
        database: None,
        ingest: None,
        exit_with_stdin: false,
    };
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("listen") => options.listen = arguments.value()?.string()?,
            Long("database") => options.database = Some(arguments.value()?.into()),
            Long("ingest") => options.ingest = Some(arguments.value()?.string()?),
            Long("exit-with-stdin") => options.exit_with_stdin = true,
            Long("help") | Short('h') => return Ok(None),
            other => return Err(format!("{}\n\n{USAGE}", other.unexpected()).into()),
        }
    }
    Ok(Some(options))
}
