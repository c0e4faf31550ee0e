//! What a library adds to a program: crates, bytes of the release binary, seconds of a clean build. Slow, so that it
//! runs only when it is named.

use crate::number::number;
use crate::report::{Report, Table, Target};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

pub const NAME: &str = "footprint";
pub const QUESTION: &str = "What does it add to a program? (minutes; only when named)";

/// The smallest program that uses a library as the benches do.
struct Program {
    name: &'static str,
    dependencies: &'static str,
    main: &'static str,
}

const EMPTY: &str = "empty, with tokio";
const OURS: &str = "mcp-usage";
const TOKIO: &str = r#"tokio = { version = "1.50", features = ["macros", "net", "rt-multi-thread", "sync", "time"] }"#;

const PROGRAMS: [Program; 6] = [
    Program {
        name: EMPTY,
        dependencies: "",
        main: "",
    },
    Program {
        name: OURS,
        dependencies: concat!(
            "mcp-usage = { path = '",
            env!("CARGO_MANIFEST_DIR"),
            "/../..' }"
        ),
        main: r#"
            let usage = mcp_usage::UsageLogger::builder().api_key("test-key-1").product_id("x").build().unwrap();
            usage.log_usage(mcp_usage::ToolCall::new("x"));
            usage.shutdown(std::time::Duration::from_secs(1)).await;"#,
    },
    Program {
        name: "opentelemetry-otlp",
        dependencies: r#"
            opentelemetry = { version = "0.33", default-features = false, features = ["logs"] }
            opentelemetry_sdk = { version = "0.33.1", default-features = false, features = ["logs"] }
            opentelemetry-otlp = { version = "0.33", default-features = false, features = ["http-proto", "logs", "reqwest-blocking-client", "reqwest-rustls"] }"#,
        main: r#"
            use opentelemetry::logs::{LogRecord, Logger, LoggerProvider};
            let exporter = std::thread::spawn(|| opentelemetry_otlp::LogExporter::builder().with_http().build().unwrap());
            let provider = opentelemetry_sdk::logs::SdkLoggerProvider::builder().with_batch_exporter(exporter.join().unwrap()).build();
            let logger = provider.logger("x");
            let mut record = logger.create_log_record();
            record.add_attribute("x", "x");
            logger.emit(record);
            let _ = provider.shutdown();"#,
    },
    Program {
        name: "posthog-rs",
        dependencies: r#"posthog-rs = "=0.30.0""#,
        main: r#"
            let client = posthog_rs::client("x").await;
            client.capture(posthog_rs::Event::new("x", "x"));
            client.shutdown().await;"#,
    },
    Program {
        name: "posthog-rs `mcp`",
        dependencies: r#"posthog-rs = { version = "=0.30.0", features = ["mcp"] }"#,
        main: r#"
            let client = std::sync::Arc::new(posthog_rs::client("x").await);
            let mcp = posthog_rs::mcp::McpAnalytics::new(client.clone(), Default::default());
            let _ = mcp.start_tool_call(posthog_rs::mcp::ToolCallRequest::new("x", None));
            client.shutdown().await;"#,
    },
    Program {
        name: "sentry logs",
        dependencies: r#"sentry = { version = "0.49", default-features = false, features = ["logs", "reqwest", "rustls"] }"#,
        main: r#"
            let _guard = sentry::init("https://key@example.com/1");
            sentry::capture_message("x", sentry::Level::Info);"#,
    },
];

#[derive(Debug)]
struct Footprint {
    name: &'static str,
    crates: usize,
    bytes: u64,
    seconds: f64,
}

/// Builds each program once, in `directory`.
pub fn run(directory: &Path) -> io::Result<Report> {
    let mut footprints = Vec::new();
    for program in &PROGRAMS {
        eprintln!("building: {}", program.name);
        footprints.push(program.build(directory)?);
    }
    let empty = footprints
        .iter()
        .find(|one| one.name == EMPTY)
        .map_or(0, |one| one.bytes);
    let mut table = Table::new([
        "footprint",
        "crates",
        "MB more of a release binary",
        "s of a clean release build",
    ]);
    for one in &footprints {
        let megabytes = one.bytes.saturating_sub(empty) as f64 / 1e6;
        table.row([
            one.name.to_owned(),
            one.crates.to_string(),
            number(megabytes),
            number(one.seconds),
        ]);
    }
    let ours = footprints
        .iter()
        .find(|one| one.name == OURS)
        .map(|one| one.crates as f64);
    Ok(Report {
        text: table.markdown(),
        targets: vec![Target::at_most(
            "crates of the default tree",
            "",
            99.0,
            ours,
        )],
        plots: Vec::new(),
    })
}

impl Program {
    fn build(&self, directory: &Path) -> io::Result<Footprint> {
        let project = directory.join(self.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
        if project.exists() {
            std::fs::remove_dir_all(&project)?;
        }
        std::fs::create_dir_all(project.join("src"))?;
        let manifest = format!(
            "[package]\nname = \"footprint\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[profile.release]\nstrip = true\n[dependencies]\n{TOKIO}\n{}\n",
            self.dependencies
        );
        std::fs::write(project.join("Cargo.toml"), manifest)?;
        let main = format!("#[tokio::main]\nasync fn main() {{{}\n}}\n", self.main);
        std::fs::write(project.join("src/main.rs"), main)?;
        // What is measured is the compiler, and not the network.
        output(&project, &["fetch", "--quiet"])?;
        let start = Instant::now();
        output(&project, &["build", "--release", "--offline", "--quiet"])?;
        let seconds = start.elapsed().as_secs_f64();
        let tree = output(
            &project,
            &["tree", "--offline", "--edges", "normal", "--prefix", "none"],
        )?;
        let mut crates: Vec<&str> = tree
            .lines()
            .map(|line| line.split(" (").next().unwrap_or(line))
            .collect();
        crates.sort_unstable();
        crates.dedup();
        let footprint = Footprint {
            name: self.name,
            // Less the program itself.
            crates: crates.len() - 1,
            bytes: binary(&project).metadata()?.len(),
            seconds,
        };
        std::fs::remove_dir_all(&project)?;
        Ok(footprint)
    }
}

fn binary(project: &Path) -> PathBuf {
    project
        .join("target/release")
        .join(format!("footprint{}", std::env::consts::EXE_SUFFIX))
}

fn output(project: &Path, arguments: &[&str]) -> io::Result<String> {
    let output = Command::new("cargo")
        .args(arguments)
        .current_dir(project)
        .env("CARGO_TARGET_DIR", project.join("target"))
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(io::Error::other(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ))
    }
}
