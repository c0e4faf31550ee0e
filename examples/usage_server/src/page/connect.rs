//! Nothing is here yet: what to paste where, and four lights that come on by themselves.

use maud::{Markup, html};

use crate::query::connect::Lights;

use super::frame::{Frame, Head, Page};
use super::part::{copyable, icon};
use super::text;

/// What stands in the lines to paste while no key is shown.
const NO_KEY: &str = "WRITE-KEY";

/// `url`: where senders reach this server. `key`: a key that was just made, shown this once.
pub fn connect(
    frame: &Frame,
    url: &str,
    key: Option<&str>,
    problem: Option<&str>,
    lights: &Lights,
) -> Markup {
    let lead = match frame.last_event_ms {
        None => "No event has arrived yet. Three steps, and this page lights up by itself.",
        Some(_) => "Events arrive. The same steps connect the next server.",
    };
    let mut head = Head::new("Connect a server", lead).timeless();
    if lights.are_all_on() {
        head.lead = html! { "All four kinds of events have arrived." };
    }
    let body = html! {
        div."g g-main" {
            div.stepsx {
                (step(1, "Make a write key", "servers send with it", &write_key(frame, key, problem)))
                (step(2, "Say where to send", "", &settings(url, key)))
                (step(3, "Put the line around your server", "", &code(frame, url, key)))
            }
            div.rail {
                (waiting(frame, url, lights))
                (help(frame))
            }
        }
    };
    frame.document(&head, &body)
}

fn step(number: usize, title: &str, note: &str, body: &Markup) -> Markup {
    html! {
        section.card {
            header { h2 { span.ix { (number) } (title) } @if !note.is_empty() { p { (note) } } }
            (body)
        }
    }
}

fn write_key(frame: &Frame, key: Option<&str>, problem: Option<&str>) -> Markup {
    html! {
        @if let Some(problem) = problem { p.callout.c-stop role="alert" { (icon("stop")) span { (problem) } } }
        @match key {
            Some(key) => {
                (copyable("key", key))
                p.dim.pad { "Copy it now: it is shown this once, and kept as a hash. It is in the lines below, too." }
            },
            None => @if frame.may_change {
                form.pad method="post" action=(frame.action("keys/new")) {
                    (frame.csrf_field())
                    input type="hidden" name="then" value="connect";
                    button.btn.primary { "Make a write key" }
                    span.dim { " Two are valid at a time: " a href=(frame.plain_link(Page::Settings)) { "Settings" } " lists them." }
                }
            } @else {
                p.dim.pad { "An administrator makes keys." }
            },
        }
    }
}

fn settings(url: &str, key: Option<&str>) -> Markup {
    let key = key.unwrap_or(NO_KEY);
    let lines =
        format!("export REO_API_KEY={key}\nexport REO_CENSUS_MCP_ENDPOINT={url}/api/product/usage");
    copyable("env", &lines)
}

/// The lines of each kind of sender: `(name, lines)`.
fn code(frame: &Frame, url: &str, key: Option<&str>) -> Markup {
    let key = key.unwrap_or(NO_KEY);
    let product = product(&frame.project.name);
    let insecure = if url.starts_with("http://") && !is_this_machine(url) {
        "\n    .allow_insecure_http(true)"
    } else {
        ""
    };
    let rust = format!(
        "# Cargo.toml\n[dependencies]\nmcp-usage = {{ version = \"0.1\", features = [\"rmcp\"] }}\n\n\
         // where your server starts\nuse mcp_usage::{{UsageLogger, Wire}};\n\n\
         let usage = UsageLogger::builder()\n    .product_id(\"{product}\")\n    .wire(Wire::ReoBatch){insecure}\n    .build_or_disabled();\n\n\
         // over HTTP, in the factory of your StreamableHttpService:\nmove || Ok(usage.instrument(MyServer::new()))\n\n\
         // over stdio:\nlet server = usage.instrument(MyServer::new()).serve(stdio()).await?;\nserver.waiting().await?;\n\
         usage.shutdown(std::time::Duration::from_secs(5)).await; // sends what is left"
    );
    let wires = format!(
        "// one event per request, as reo-census-mcp sends\n.wire(Wire::Reo)\n\n\
         // mcpeye's format: MCPEYE_INGEST_URL={url} MCPEYE_INGEST_SECRET={key}\n.wire(Wire::Mcpeye(Mcpeye::new(\"{product}\")))\n\n\
         // spans: the endpoint gets /v1/traces\n.wire(Wire::Otlp(Otlp::spans()))\n.endpoint(\"{url}\")\n.api_key(\"{key}\")"
    );
    let reo = format!(
        "pip install reo-census-mcp\n\nexport REO_API_KEY={key}\nexport REO_CENSUS_MCP_ENDPOINT={url}/api/product/usage"
    );
    let mcpeye = format!(
        "pip install mcpeye\n\nexport MCPEYE_INGEST_URL={url}\nexport MCPEYE_INGEST_SECRET={key}"
    );
    let otlp = format!(
        "# an SDK\nexport OTEL_EXPORTER_OTLP_TRACES_ENDPOINT={url}/v1/traces\n\
         export OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf\n\
         export OTEL_EXPORTER_OTLP_TRACES_HEADERS=\"Authorization=Bearer%20{key}\"\n\n\
         # a collector\nexporters:\n  otlphttp:\n    traces_endpoint: {url}/v1/traces\n    headers:\n      Authorization: \"Bearer {key}\""
    );
    let curl = format!(
        "curl -sS {url}/api/product/usage \\\n  -H 'X-API-KEY: {key}' -H 'Content-Type: application/json' \\\n  \
         -d '{{\"payload\":{{\"activity_type\":\"MCP_TOOL_CALL\",\"user_id\":\"maya@example.com\",\n       \
         \"user_id_type\":\"EMAIL\",\"product_id\":\"{product}\",\"event_id\":1,\n       \
         \"event_at\":{now},\"meta\":{{\"tool\":\"hello\",\"duration_ms\":1.5}}}}}}'",
        now = frame.period.now / 1000
    );
    let all = [
        ("This crate", rust),
        ("Its other wires", wires),
        ("reo-census-mcp", reo),
        ("mcpeye", mcpeye),
        ("OpenTelemetry", otlp),
        ("Without code: curl", curl),
    ];
    html! {
        div.tabsx role="tablist" aria-label="Sender" {
            @for (place, (name, _)) in all.iter().enumerate() {
                button.tabb.js role="tab" type="button" id={ "tab-" (place) } aria-controls={ "panel-" (place) }
                    aria-selected=(if place == 0 { "true" } else { "false" }) { (name) }
            }
        }
        @for (place, (name, lines)) in all.iter().enumerate() {
            div role="tabpanel" id={ "panel-" (place) } aria-labelledby={ "tab-" (place) } {
                h3.no-js { (name) }
                (copyable(&format!("code-{place}"), lines))
            }
        }
    }
}

/// A product's name that fits into a line of code.
fn product(name: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "_.".contains(char);
    let words = name
        .split(|char| !is_plain(char))
        .filter(|word| !word.is_empty());
    match words.collect::<Vec<_>>().join("-") {
        kept if kept.is_empty() => "my-server".to_owned(),
        kept => kept.chars().take(60).collect(),
    }
}

fn is_this_machine(url: &str) -> bool {
    ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        .iter()
        .any(|local| url.starts_with(local))
}

fn waiting(frame: &Frame, url: &str, lights: &Lights) -> Markup {
    let title = match lights.are_all_on() {
        true => "It works",
        false => "Waiting for events",
    };
    let said = said(lights);
    let next = said.iter().position(|(_, _, said)| said.is_none());
    html! {
        section."card wait" aria-live="polite" {
            header { h2 { (title) } }
            ol.lights data-lights=(frame.action("connect/events")) {
                @for (place, (light, title, said)) in said.iter().enumerate() {
                    @let class = if said.is_some() { "on" } else if next == Some(place) { "next" } else { "" };
                    li data-light=(light) class=(class) {
                        (icon("ok"))
                        span.ring {}
                        div {
                            b { (title) }
                            span { @match said { Some(said) => (said), None => (hint(light)) } }
                        }
                    }
                }
            }
            p.dim.pad { "Listening at " (url) " for project " b { (text::text(&frame.project.name)) } "." }
            p.pad hidden[!lights.are_all_on()] data-done {
                "All four have arrived. " a href=(frame.plain_link(Page::Overview)) { "Open the overview" }
            }
        }
    }
}

/// The lights in order: its word, its title, and what was seen where it is on.
pub fn said(lights: &Lights) -> [(&'static str, &'static str, Option<String>); 4] {
    let join = |parts: &[&str]| {
        let parts: Vec<String> = parts
            .iter()
            .filter(|part| !part.is_empty())
            .map(|part| text::visible(&text::cut(part, 80)))
            .collect();
        parts.join(", ")
    };
    let server = lights.server.as_ref();
    let listing = lights.listing.as_ref();
    let login = lights.login.as_ref();
    let call = lights.call.as_ref();
    [
        (
            "server",
            "A server reports",
            server.map(|server| join(&[&server.instance, &server.sdk])),
        ),
        (
            "listing",
            "A client lists the tools",
            listing.map(|listing| {
                let client = format!("{} {}", listing.client, listing.version);
                join(&[client.trim(), &text::plural(listing.tools, "tool")])
            }),
        ),
        (
            "login",
            "A person logs in",
            login.map(|login| join(&[&login.user, &login.kind])),
        ),
        (
            "call",
            "A tool is called",
            call.map(|call| {
                let took = call.duration_us.map(|us| text::us(us as f64));
                let outcome = call.outcome.word().replace('_', " ");
                join(&[&call.tool, &outcome, took.as_deref().unwrap_or_default()])
            }),
        ),
    ]
}

fn hint(light: &str) -> &'static str {
    match light {
        "server" => "its instance, and the version of its library",
        "listing" => "client, number of tools",
        "login" => "user id and its kind",
        _ => "tool, outcome, duration",
    }
}

fn help(frame: &Frame) -> Markup {
    html! {
        section.card {
            header { h2 { "Nothing arrives?" } }
            ul.help {
                li {
                    span.code { "DO_NOT_TRACK" } " or " span.code { "PACKAGE_TRACKER_ANALYTICS" }
                    " is set where the server runs: the logger is off."
                }
                li { "A stdio server ended without " span.code { "shutdown" } ": its last second is lost." }
                li { "Plain http to another host needs " span.code { "allow_insecure_http(true)" } "." }
                li { span.code { "cargo run --example doctor" } " checks settings, name, TLS and clock." }
                li {
                    "Something came and was not taken? "
                    a href=(frame.plain_link(Page::Quality)) { "Data quality" } " says why."
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_fits_into_a_line_of_code() {
        assert_eq!(product("backlog-mcp"), "backlog-mcp");
        assert_eq!(product("My \"shop\" (demo)\n"), "My-shop-demo");
        assert_eq!(product("日本"), "my-server");
    }
}
