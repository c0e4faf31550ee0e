//! Prints what the ingest received, and checks it.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{self, IsTerminal};
use std::time::Instant;

use mcp_usage::testing::{MockIngest, ReceivedEvent};
use mcp_usage::{ShutdownReport, UsageLogger};
use serde_json::Value;

use crate::traffic::EVENTS;

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";

/// Prints a line for each event: its time of arrival, the user, the tool, the outcome, the duration and a note.
pub(crate) fn print_timeline(events: &[ReceivedEvent], began: Instant) {
    print_title("What the ingest received");
    print_row(["at", "who", "what", "outcome", "took", ""], DIM);
    for event in events {
        let at = event.at.saturating_duration_since(began).as_millis();
        let outcome = word(event, "outcome");
        let took = event.duration_ms().map(|took| format!("{took:.2} ms"));
        let cells = [
            &format!("+{at} ms"),
            event.user_id().unwrap_or_default(),
            what(event),
            outcome,
            &took.unwrap_or_default(),
            &note(event),
        ];
        let colour = match (event.tool(), outcome) {
            (None, _) => BOLD,
            (Some(_), "ok") => GREEN,
            (Some(_), _) => RED,
        };
        print_row(cells, colour);
    }
}

/// Prints what the calls say about each caller.
pub(crate) fn print_callers(events: &[ReceivedEvent]) {
    let callers: BTreeSet<_> = events
        .iter()
        .filter(|event| event.tool().is_some())
        .map(|event| {
            format!(
                "{:<18}  {:<6}  {} {} of {} ({}), MCP {} over {} with {} {}, token of {}, session {}",
                event.user_id().unwrap_or_default(),
                event.user_id_type().unwrap_or_default(),
                word(event, "client_name"),
                word(event, "client_version"),
                word(event, "vendor_client"),
                agent(event),
                word(event, "protocol_version"),
                word(event, "transport"),
                word(event, "server_name"),
                word(event, "server_version"),
                word(event, "oauth_client_id"),
                match word(event, "session_id") {
                    "" => "none",
                    id => id,
                },
            )
        })
        .collect();
    print_title("Who called");
    for caller in callers {
        println!("  {caller}");
    }
}

/// Prints the sizes of the tools' definitions, which a model reads once, and of their results, which it reads each time.
pub(crate) fn print_costs(events: &[ReceivedEvent]) {
    print_title("What the tools cost a model's context");
    let listed = events
        .iter()
        .find_map(|event| event.meta("tool_definitions")?.as_array());
    for definition in listed.into_iter().flatten() {
        let tool = definition["tool"].as_str().unwrap_or_default();
        let results = events.iter().filter(|event| event.tool() == Some(tool));
        let results: Vec<_> = results
            .filter_map(|event| event.meta("result_bytes")?.as_u64())
            .map(|bytes| bytes.to_string())
            .collect();
        let (bytes, hash) = (
            &definition["bytes"],
            definition["hash"].as_str().unwrap_or_default(),
        );
        let results = results.join(", ");
        println!("  {tool:<17}  definition {bytes} bytes ({hash}), results {results} bytes");
    }
}

/// Prints the arguments of the call with the secrets, as the client sent them and as they arrived.
pub(crate) fn print_both_sides(sent: &Value, events: &[ReceivedEvent]) {
    let arrived = events
        .iter()
        .find(|event| event.meta("redactions").is_some())
        .and_then(ReceivedEvent::arguments);
    print_title("The call with the secrets, before and after redaction");
    for (name, sent) in sent.as_object().into_iter().flatten() {
        let arrived = arrived.and_then(|arguments| arguments.get(name));
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        println!(
            "  {name:<8}  sent     {}",
            text(Some(sent)).unwrap_or_default()
        );
        let arrived = text(arrived).unwrap_or_default();
        println!("  {:<8}  arrived  {}", "", paint(GREEN, &arrived));
    }
}

pub(crate) fn print_ledger(report: &ShutdownReport) {
    let stats = &report.stats;
    print_title("The ledger");
    println!(
        "  offered {} = delivered {} + dropped {} + pending {}, in {} requests",
        stats.offered,
        stats.delivered,
        stats.dropped.total(),
        stats.pending,
        stats.requests,
    );
}

/// Fails if an event is missing or wrong, or a secret arrived.
pub(crate) fn check(
    report: &ShutdownReport,
    ingest: &MockIngest,
    secrets: &[String],
) -> Result<(), Box<dyn Error>> {
    let stats = &report.stats;
    if stats.offered != stats.delivered + stats.dropped.total() + stats.pending {
        return Err("the numbers of the ledger do not add up".into());
    }
    let events = ingest.delivered();
    let counts = [stats.offered, events.len() as u64];
    if counts != [EVENTS; 2] {
        let [offered, arrived] = counts;
        return Err(format!("{offered} of {EVENTS} events were offered, {arrived} arrived").into());
    }
    check_fields(&events)?;
    if let Some(violation) = ingest.violations().first() {
        return Err(format!("the ingest found a violation: {violation}").into());
    }
    for request in ingest.requests() {
        let body = String::from_utf8_lossy(&request.body);
        if let Some(secret) = secrets.iter().find(|secret| body.contains(*secret)) {
            return Err(format!("a secret arrived: {secret}").into());
        }
    }
    println!(
        "  The numbers add up, and none of the {} secrets arrived.",
        secrets.len()
    );
    Ok(())
}

/// Fails if what the pages above show of callers, costs and refused arguments is missing.
fn check_fields(events: &[ReceivedEvent]) -> Result<(), Box<dyn Error>> {
    for call in events.iter().filter(|event| event.tool().is_some()) {
        for key in [
            "client_name",
            "client_version",
            "vendor_client",
            "protocol_version",
            "transport",
            "server_name",
            "server_version",
            "oauth_client_id",
        ] {
            if word(call, key).is_empty() {
                return Err(format!("a call of {} has no {key}", what(call)).into());
            }
        }
        if agent(call) != "quickstart/1.0" {
            return Err(format!("a call of {} has no user agent", what(call)).into());
        }
        // A protocol error has no result.
        let has_size = call.meta("result_bytes").and_then(Value::as_u64) > Some(0);
        if !has_size && word(call, "outcome") != "protocol_error" {
            return Err(format!("a call of {} has no result_bytes", what(call)).into());
        }
    }
    let count = |of: &dyn Fn(&ReceivedEvent) -> bool| events.iter().filter(|one| of(one)).count();
    let definitions = events
        .iter()
        .find_map(|event| event.meta("tool_definitions")?.as_array());
    for (what, found, expected) in [
        (
            "sessions",
            count(&|event| event.tool().is_some() && !word(event, "session_id").is_empty()),
            3,
        ),
        ("definitions of tools", definitions.map_or(0, Vec::len), 4),
        (
            "lists of refused arguments",
            count(&|event| event.meta("refused_arguments").is_some()),
            1,
        ),
        ("intents", count(&|event| event.meta("prompt").is_some()), 1),
        (
            "counts of redactions",
            count(&|event| event.meta("redactions").is_some()),
            1,
        ),
    ] {
        if found != expected {
            return Err(format!("{found} {what}, not {expected}").into());
        }
    }
    Ok(())
}

/// Fails if the other ingest did not get every event.
pub(crate) fn check_elsewhere(usage: &UsageLogger, url: &str) -> Result<(), Box<dyn Error>> {
    for destination in usage.destinations() {
        let (name, stats) = (destination.name(), destination.stats());
        if stats.delivered != stats.offered {
            return Err(format!("{name}: {stats}").into());
        }
    }
    println!("  All events also arrived at {url}.");
    Ok(())
}

/// Prints how to see it on a page.
pub(crate) fn print_what_next() {
    print_title("To see the events on a page");
    println!(
        "  cargo run -p usage_server -- --demo   # a month of a made-up shop
  cargo run -p usage_server             # prints a key; then, in another terminal, with that key:
  cargo run --example quickstart -- --ingest http://127.0.0.1:8787/api/product/usage --key KEY"
    );
}

/// The tool, or the kind of event.
fn what(event: &ReceivedEvent) -> &str {
    match event.tool() {
        Some(tool) => tool,
        None => match event.activity() {
            "MCP_IDENTITY_CAPTURE" => "(login)",
            "MCP_INIT" => "(tools listed)",
            "MCP_AUTH_REJECTED" => "(login refused)",
            other => other,
        },
    }
}

/// The refused arguments, the error, the intent, the number of tools, or what was redacted.
fn note(event: &ReceivedEvent) -> String {
    if let Some(names) = event.meta("refused_arguments").and_then(Value::as_array) {
        let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
        return format!("refused: {}", names.join(", "));
    }
    if let Some(error) = event.error() {
        return error.to_owned();
    }
    if let Some(intent) = event.meta("prompt").and_then(Value::as_str) {
        return format!("why: {intent}");
    }
    if let Some(reason) = event.meta("reason").and_then(Value::as_str) {
        return format!("token: {reason}");
    }
    if let Some(tools) = event.meta("tools").and_then(Value::as_array) {
        return format!("{} tools", tools.len());
    }
    let Some(classes) = event.meta("redactions").and_then(Value::as_object) else {
        return String::new();
    };
    let counts = classes
        .iter()
        .map(|(class, count)| format!("{count} {class}"));
    format!("redacted: {}", counts.collect::<Vec<_>>().join(", "))
}

fn word<'a>(event: &'a ReceivedEvent, key: &str) -> &'a str {
    event.meta(key).and_then(Value::as_str).unwrap_or_default()
}

/// The user agent, which is outside `meta`.
fn agent(event: &ReceivedEvent) -> &str {
    let agent = event.json.get("user_agent").and_then(Value::as_str);
    agent.unwrap_or_default()
}

fn print_title(title: &str) {
    println!("\n{}\n", paint(BOLD, title));
}

/// Prints aligned cells, the third and later ones in colour.
fn print_row([at, who, what, outcome, took, note]: [&str; 6], colour: &str) {
    let rest = format!("{what:<17}  {outcome:<14}  {took:>9}  {note}");
    println!("  {at:>7}  {who:<18}  {}", paint(colour, rest.trim_end()));
}

/// Colours a text if stdout is a terminal.
fn paint(code: &str, text: &str) -> String {
    if io::stdout().is_terminal() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}
