//! Reads the settings, listens, and says where the page is.
//!
//! ```text
//! cargo run -p usage_server -- --demo
//! ```
//!
//! shows a made-up month; without `--demo` it waits for servers that report to it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program's place to talk to a person"
)]

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal;
use tokio::sync::oneshot;
use tokio::time::interval;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;
use usage_server::app::{App, Config};
use usage_server::demo::{Demo, Directory};
use usage_server::intents;
use usage_server::options::{Command, Options, USAGE};
use usage_server::server;
use usage_server::store::audit::{COMMAND_LINE, audit};
use usage_server::store::backup::backup;
use usage_server::store::projects::{self, NewKey, Project};
use usage_server::store::{Store, administration, retention};
use usage_server::web::session;
use usage_server::web::site::Site;

type Failed = Box<dyn Error + Send + Sync>;

/// Where the database is, unless it is said.
const DATA: &str = "usage.db";

/// How often what is too old is removed.
const REMOVE_OLD_EVERY: Duration = Duration::from_secs(3_600);

fn main() -> ExitCode {
    // The agents of `--demo` are refused now and then, as they are meant to be: rmcp's client calls that an error.
    let shown = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("rmcp", LevelFilter::OFF);
    let written = tracing_subscriber::fmt().with_writer(io::stderr);
    written.finish().with(shown).init();
    let ran = Options::read(lexopt::Parser::from_env())
        .map_err(Failed::from)
        .and_then(run);
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("usage_server: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(options: Options) -> Result<(), Failed> {
    match &options.command {
        Command::Serve => serve(&options).await,
        Command::Help => {
            println!("{USAGE}");
            Ok(())
        }
        Command::Version => {
            println!("usage_server {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        Command::Backup(to) => Ok(backup(&existing(&options)?, to, now_ms(&options))?),
        Command::Link => link(&options).await,
        Command::Forget(who) => forget(&options, who).await,
        Command::KeyList | Command::KeyAdd | Command::KeyRevoke(_) => keys(&options).await,
    }
}

async fn serve(options: &Options) -> Result<(), Failed> {
    let listener = TcpListener::bind(&options.listen)
        .await
        .map_err(|error| format!("--listen {}: {error}", options.listen))?;
    let listen = listener.local_addr()?;
    let site = site(options, listen)?;
    let of_demo = match &options.data {
        None if options.demo => Some(Directory::make()?),
        _ => None,
    };
    let data = match &of_demo {
        Some(directory) => directory.path().join(DATA),
        None => options.data.clone().unwrap_or_else(|| DATA.into()),
    };
    let store = Store::open(&data, options.store())?;
    warn_of_readers(&data);
    let config = Config {
        base_path: site.base().to_owned(),
        public_url: options.public_url.clone().unwrap_or_default(),
        fixed_now_ms: options.now_ms,
        is_demo: options.demo,
        ..Config::default()
    };
    let url = site.url();
    let app = Arc::new(App::new(config, store));
    // A kill may have come between the removal of somebody and this.
    app.store.empty_log().await;
    let pages = usage_server::web::routes(Arc::clone(&app), site.clone());
    let router = server::router(&app, pages);

    let (end, ended) = oneshot::channel::<()>();
    let served = tokio::spawn(server::serve(
        listener,
        Arc::clone(&app),
        router,
        server::Limits::default(),
        async {
            let _ = ended.await;
        },
    ));
    let mut first_key = None;
    if options.demo {
        let demo = Demo::prepare(&app).await?;
        let here = format!("http://{listen}{}/api/product/usage", site.base());
        let is_still = options.still;
        // What scripts wait for, and hold the pages against.
        let filled = move |known: &_| {
            if is_still {
                println!("{known}");
            }
        };
        tokio::spawn(demo.run(Arc::clone(&app), here, !is_still, filled));
    } else {
        first_key = print_first_start(&app, options, &url).await?;
    }
    print_link(&app, options, &site, first_key).await?;
    if options.now_ms.is_none() {
        tokio::spawn(remove_old(Arc::clone(&app)));
        tokio::spawn(intents::keep_grouped(Arc::clone(&app)));
    }
    until_ended(options.exits_with_stdin).await;
    drop(end);
    served.await?;
    drop(of_demo);
    Ok(())
}

/// The first start makes a project and a key, and says what to paste into a server. Returns a key that is to be said in
/// the file of the link, and nowhere else: what is printed may be a log that others read.
async fn print_first_start(
    app: &App,
    options: &Options,
    url: &str,
) -> Result<Option<String>, Failed> {
    let (name, now) = (options.project.clone(), app.now_ms());
    let made = app.store.write(move |tx| {
        if !projects::list(tx)?.is_empty() {
            return Ok(None);
        }
        match administration::make_project(tx, &name, now, COMMAND_LINE)? {
            Some(project) => administration::make_key(tx, project, now, COMMAND_LINE),
            None => Ok(None),
        }
    });
    let Some(NewKey { key, .. }) = made.await? else {
        println!(
            "\nservers report to {url}/api/product/usage (`usage_server key add` makes a key)"
        );
        return Ok(None);
    };
    let (shown, note, in_file) = match &options.link_file {
        None => (key, "shown this once".to_owned(), None),
        Some(file) => {
            let note = format!("in {}, until that file is rewritten", file.display());
            ("KEY".to_owned(), note, Some(key))
        }
    };
    println!(
        "\nA server that uses mcp-usage reports here with these in its environment (the key is {note}):\n
    REO_CENSUS_MCP_ENDPOINT={url}/api/product/usage
    REO_API_KEY={shown}

OpenTelemetry's exporters with these:\n
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT={url}/v1/traces
    OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
    OTEL_EXPORTER_OTLP_HEADERS=x-api-key={shown}

and mcpeye's SDK with {url}/ingest and the key as its secret."
    );
    Ok(in_file)
}

/// Makes a link that signs in once, and says it, or where it is. `key`: stands below it in a file.
async fn print_link(
    app: &App,
    options: &Options,
    site: &Site,
    key: Option<String>,
) -> Result<(), Failed> {
    let link = new_link(&app.store, options, site, app.now_ms()).await?;
    match &options.link_file {
        None => println!("\nlook at it here (the link works once):\n\n    {link}\n"),
        Some(file) => {
            let key = key.map(|key| format!("\nREO_API_KEY={key}"));
            write_private(file, &format!("{link}{}", key.unwrap_or_default()))?;
            println!(
                "\nlook at it at {} (the link that signs in once is in {})\n",
                site.url(),
                file.display()
            );
        }
    }
    io::stdout().flush()?;
    Ok(())
}

async fn new_link(
    store: &Store,
    options: &Options,
    site: &Site,
    now_ms: i64,
) -> Result<String, Failed> {
    let role = options.role;
    let secret = store.write(move |tx| {
        let action = format!("made a link to sign in as {}", role.word());
        audit(tx, now_ms, 0, COMMAND_LINE, &action, "")?;
        session::new_link(tx, role, now_ms)
    });
    Ok(site.link(secret.await?.as_str()))
}

async fn link(options: &Options) -> Result<(), Failed> {
    let store = Store::open(&existing(options)?, options.store())?;
    let listen = tokio::net::lookup_host(&options.listen).await?.next();
    let listen = listen.ok_or_else(|| format!("--listen {}: no address", options.listen))?;
    let link = new_link(&store, options, &site(options, listen)?, now_ms(options)).await?;
    match &options.link_file {
        None => println!("{link}"),
        Some(file) => write_private(file, &link)?,
    }
    store.close().await;
    Ok(())
}

async fn forget(options: &Options, who: &str) -> Result<(), Failed> {
    let store = Store::open(&existing(options)?, options.store())?;
    let project = project(&store, options).await?;
    let config = Config {
        fixed_now_ms: options.now_ms,
        ..Config::default()
    };
    let app = Arc::new(App::new(config, store));
    let forgotten = app.forget(project.id, who, COMMAND_LINE).await?;
    println!(
        "{}: {} events no longer name the person, {} sessions are removed",
        project.name,
        forgotten.rows.len(),
        forgotten.sessions
    );
    app.store.close().await;
    Ok(())
}

async fn keys(options: &Options) -> Result<(), Failed> {
    let store = Store::open(&existing(options)?, options.store())?;
    let project = project(&store, options).await?;
    let (id, now) = (project.id, now_ms(options));
    match options.command {
        Command::KeyAdd => {
            let made = store.write(move |tx| administration::make_key(tx, id, now, COMMAND_LINE));
            let made = made.await?.ok_or_else(|| {
                format!(
                    "{}: {} keys are valid already; revoke one first",
                    project.name,
                    projects::MAX_VALID_KEYS
                )
            })?;
            println!("{} (key {}, shown this once)", made.key, made.id);
        }
        Command::KeyRevoke(key) => {
            let revoked =
                store.write(move |tx| administration::revoke_key(tx, id, key, now, COMMAND_LINE));
            if !revoked.await? {
                return Err(format!("{}: no valid key {key}", project.name).into());
            }
        }
        _ => {
            for key in store.read(move |db| projects::keys(db, id)).await? {
                let state = match key.revoked_ms {
                    Some(_) => "revoked",
                    None => "valid",
                };
                println!("{:>4}  …{}  {state}", key.id, key.hint);
            }
        }
    }
    store.close().await;
    Ok(())
}

/// The project that a command is about.
async fn project(store: &Store, options: &Options) -> Result<Project, Failed> {
    let projects = store.read(projects::list).await?;
    let mut named = projects.into_iter();
    let named = named.find(|project| project.name == options.project);
    named.ok_or_else(|| format!("--project {}: there is no such project", options.project).into())
}

fn site(options: &Options, listen: SocketAddr) -> Result<Site, Failed> {
    let url = options.whole_public_url(listen);
    Ok(Site::new(listen, url.as_deref(), options.trusts_proxy)?)
}

/// The database of a command, which makes none.
fn existing(options: &Options) -> Result<PathBuf, Failed> {
    let path = options.data.clone().unwrap_or_else(|| DATA.into());
    match path.is_file() {
        true => Ok(path),
        false => Err(format!("--data {}: there is no such file", path.display()).into()),
    }
}

fn now_ms(options: &Options) -> i64 {
    options
        .now_ms
        .unwrap_or_else(usage_server::app::system_now_ms)
}

/// Writes a file that its owner alone reads: a new one, which takes the place of what is there, whoever may read that
/// and wherever it leads.
fn write_private(path: &Path, text: &str) -> Result<(), Failed> {
    let write = || {
        let mut new = path.as_os_str().to_owned();
        new.push(format!(".{}", random()?));
        let new = PathBuf::from(new);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new)?;
        let written = writeln!(file, "{text}").and_then(|()| std::fs::rename(&new, path));
        if written.is_err() {
            let _ = std::fs::remove_file(&new);
        }
        written
    };
    write().map_err(|error| format!("--link-file {}: {error}", path.display()).into())
}

/// A part of a name that no other file has, and that nobody can foresee.
fn random() -> io::Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(format!("{:016x}", u64::from_ne_bytes(bytes)))
}

/// Says so where others on this machine can read the database: it is made for its owner alone.
#[cfg(unix)]
fn warn_of_readers(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).map(|file| file.permissions().mode() & 0o777);
    if let Ok(mode) = mode
        && mode & 0o077 != 0
    {
        let path = path.display();
        tracing::warn!("--data {path}: others can read it, its mode is {mode:o}; `chmod 600` it");
    }
}

#[cfg(not(unix))]
fn warn_of_readers(_: &Path) {}

/// Removes what is too old, now and then.
async fn remove_old(app: Arc<App>) {
    let mut ticks = interval(REMOVE_OLD_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = retention::remove_old(&app.store, app.now_ms()).await {
            tracing::error!(%error, "what is too old stays for now");
        }
    }
}

/// Waits for Ctrl-C, for the signal with which a supervisor ends a service, or for the end of input.
async fn until_ended(with_stdin: bool) {
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
