//! The tables of settings name the defaults and the environment variables that the builder has.

use std::collections::BTreeSet;
use std::path::Path;

use mcp_usage::doctor::{Origin, Report, Setting};
use mcp_usage::testing::MemoryTransport;
use mcp_usage::{Mcpeye, Otlp, PostHog, UsageLogger, Wire, spool};
use regex::Regex;

use crate::support::files;

const PAGE: &str = include_str!("../../../src/guide/settings.md");
const README: &str = include_str!("../../../README.md");

/// A row of a table of settings.
struct Row {
    /// The settings, more than one if they share a row.
    names: Vec<&'static str>,
    variables: &'static str,
    default: &'static str,
}

/// The rows of the table of settings on a page.
fn rows(page: &'static str) -> Vec<Row> {
    let (_, table) = page.split_once("\n| setting | variable |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let rows = table.lines().skip(2).map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, names, variables, default, _] = cells[..] else {
            panic!("{line}")
        };
        Row {
            names: in_code(names),
            variables,
            default,
        }
    });
    rows.collect()
}

fn in_code(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

impl Row {
    /// The default of one of the row's settings, without what the cell says of it.
    fn default_of(&self, name: &str) -> String {
        let at = self.names.iter().position(|known| *known == name).unwrap();
        let all = self.default.strip_prefix("Reo: ").unwrap_or(self.default);
        let all = [";", ": ", " ("].iter().fold(all, |rest, end| {
            rest.split_once(end).map_or(rest, |(before, _)| before)
        });
        let parts: Vec<_> = all.split(", ").collect();
        let own = match parts[..] {
            [shared] => shared,
            _ => parts[at],
        };
        let own = own.replace('`', "");
        let own = own
            .rsplit_once("::")
            .map(|(_, variant)| variant.to_owned())
            .unwrap_or(own);
        own.replace("<version>", env!("CARGO_PKG_VERSION"))
    }
}

/// A value of the doctor's in the words of the pages.
fn in_words(setting: &Setting) -> String {
    let value = &*setting.value;
    let number = |unit| value.strip_suffix(unit)?.parse::<u64>().ok();
    match (value, number("s")) {
        ("not set" | "[]", _) => "none".to_owned(),
        ("no bound", _) => "unlimited".to_owned(),
        (_, Some(seconds)) => duration(seconds),
        _ if setting.name.ends_with("_bytes") => bytes(value.parse().unwrap()),
        _ => value.to_owned(),
    }
}

fn duration(seconds: u64) -> String {
    const DAY: u64 = 24 * 60 * 60;
    match seconds {
        _ if seconds.is_multiple_of(DAY) => format!("{} days", seconds / DAY),
        _ if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

fn bytes(number: u64) -> String {
    match number {
        _ if number.is_multiple_of(1 << 20) => format!("{} MiB", number >> 20),
        _ => format!("{} KiB", number >> 10),
    }
}

/// The report of a logger that sends nothing, with these variables.
fn report(wire: Wire, variables: &[(&str, &str)]) -> Report {
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let lookup = move |name: &str| {
        let mut known = variables.iter();
        Some(known.find(|(known, _)| known == name)?.1.clone())
    };
    let builder = UsageLogger::builder().wire(wire).env(lookup);
    builder
        .memory_transport(&MemoryTransport::new())
        .check_blocking()
}

fn setting<'a>(report: &'a Report, name: &str) -> &'a Setting {
    let found = report.settings.iter().find(|setting| setting.name == name);
    found.unwrap_or_else(|| panic!("{name}: {report}"))
}

#[test]
fn each_default_on_the_pages_is_that_of_the_builder() {
    let report = report(Wire::Reo, &[]);
    let page = rows(PAGE);
    for setting in &report.settings {
        // The wires that require them are named in place of a default.
        if matches!(setting.name, "api_key" | "product_id") {
            continue;
        }
        assert_eq!(setting.origin, Origin::Default, "{setting:?}");
        let row = page.iter().find(|row| row.names.contains(&setting.name));
        let row = row.unwrap_or_else(|| panic!("no row for {}", setting.name));
        assert_eq!(
            row.default_of(setting.name),
            in_words(setting),
            "{}",
            setting.name
        );
    }
    let shared = [
        "wire",
        "max_queue_bytes",
        "flush_interval",
        "spool",
        "pseudonyms",
    ];
    for name in shared {
        let row = rows(README)
            .into_iter()
            .find(|row| row.names.contains(&name));
        let row = row.unwrap_or_else(|| panic!("no row for {name}"));
        assert_eq!(
            row.default_of(name),
            in_words(setting(&report, name)),
            "{name}"
        );
    }
    let spool = page.iter().find(|row| row.names[0] == "spool").unwrap();
    let limits = format!(
        "`max_bytes` {}, `max_age` {}",
        bytes(spool::DEFAULT_MAX_BYTES),
        duration(spool::DEFAULT_MAX_AGE.as_secs())
    );
    assert!(
        spool.default.contains(&limits),
        "{}: {limits}",
        spool.default
    );
}

#[test]
fn each_default_of_another_wire_on_the_pages_is_that_of_the_builder() {
    let page = rows(PAGE);
    let default = |name| {
        page.iter()
            .find(|row| row.names[0] == name)
            .unwrap()
            .default
    };
    let batch = report(Wire::ReoBatch, &[]);
    let timeout = in_words(setting(&batch, "request_timeout"));
    assert!(default("request_timeout").ends_with(&format!("batch wires {timeout}")));
    for (label, wire) in [
        ("OTLP", Wire::Otlp(Otlp::spans())),
        ("PostHog", Wire::PostHog(PostHog::new())),
    ] {
        let report = report(wire, &[]);
        let endpoint = setting(&report, "endpoint").value.trim_end_matches('/');
        let named = format!("{label}: `{endpoint}`");
        assert!(default("endpoint").contains(&named), "{named}");
    }
}

/// The variables of a cell; one with a part in brackets stands for two.
fn variables(cell: &str) -> impl Iterator<Item = String> {
    in_code(cell)
        .into_iter()
        .flat_map(|name| match name.split_once('[') {
            None => vec![name.to_owned()],
            Some((before, rest)) => {
                let (optional, rest) = rest.split_once(']').unwrap();
                vec![
                    format!("{before}{rest}"),
                    format!("{before}{optional}{rest}"),
                ]
            }
        })
}

#[test]
fn each_variable_on_the_pages_sets_its_setting() {
    let mut tried = BTreeSet::new();
    for row in rows(PAGE).into_iter().chain(rows(README)) {
        for variable in variables(row.variables) {
            let wire = match variable.split('_').next().unwrap() {
                "MCPEYE" => Wire::Mcpeye(Mcpeye::new("project-1")),
                "OTEL" => Wire::Otlp(Otlp::spans()),
                "POSTHOG" => Wire::PostHog(PostHog::new()),
                _ => Wire::Reo,
            };
            let Some(name) = row.names.first() else {
                // Lines on standard error are no setting.
                assert_eq!(variable, "PACKAGE_TRACKER_VERBOSE");
                continue;
            };
            let value = match *name {
                "endpoint" => "http://127.0.0.1:9/",
                "enabled" if variable == "PACKAGE_TRACKER_ANALYTICS" => "false",
                "enabled" | "allow_insecure_http" => "true",
                _ => "test-1",
            };
            let report = report(wire, &[(&variable, value)]);
            match *name {
                "enabled" => {
                    let detail = &report.findings[0].detail;
                    assert!(
                        detail.starts_with(&format!("off by {variable}")),
                        "{detail}"
                    );
                }
                name => {
                    let origin = setting(&report, name).origin;
                    assert_eq!(origin.to_string(), variable, "{name}");
                }
            }
            tried.insert(variable);
        }
    }
    assert!(tried.len() > 12, "{tried:?}");
}

#[test]
fn each_variable_that_is_read_is_on_the_page_of_settings() {
    let variable = Regex::new(
        r#""((?:DO_NOT|MCP_USAGE|MCPEYE|OTEL|PACKAGE_TRACKER|POSTHOG|REO)_[A-Z_]*[A-Z])""#,
    )
    .unwrap();
    let src = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let sources = src
        .iter()
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs"));
    let read: BTreeSet<_> = sources
        .flat_map(|path| {
            let source = std::fs::read_to_string(path).unwrap();
            let found = variable
                .captures_iter(&source)
                .map(|found| found[1].to_owned());
            found.collect::<Vec<_>>()
        })
        .collect();
    assert!(read.len() > 12, "{read:?}");
    let missing: Vec<_> = read
        .iter()
        .filter(|name| !PAGE.contains(&***name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
