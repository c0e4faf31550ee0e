//! Hostile texts in every field of every wire, and every page afterwards: all of it is text.

use std::collections::BTreeSet;
use std::ops::Range;

use prost::Message;
use reqwest::StatusCode;
use serde_json::{Value, json};
use usage_server::store::projects;

use crate::browser::{Browser, NOW, Pages};
use crate::otlp::export;
use crate::security::PAGES;

/// Stands in a template where a hostile text goes; [`HEAD`] where its beginning does.
const TEXT: &str = "TEXT";
/// Of what is said of all events of a request, which is bounded together.
const HEAD: &str = "HEAD";
const HEAD_CHARS: usize = 200;
/// So many long texts fit into one event.
const LONG_TEXTS: usize = 20;

/// What no page has outside of the values of its fields.
const HARMFUL: [&str; 9] = [
    "<script>",
    "<img",
    "<svg onload",
    "<h1>Owned",
    "\u{202e}",
    "\u{2066}",
    "\0",
    "\u{7}",
    "href=\"javascript",
];

fn texts() -> Vec<String> {
    let short = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'><svg onload='alert(1)'>",
        "</td></table><h1>Owned</h1>",
        "javascript:alert(1)",
        "\u{202e}gnp.exe\u{2066}\u{200e}",
        "nul\0bell\u{7}",
        "=HYPERLINK(\"http://evil.example\")",
        "+1+1",
        "-1+1",
        "@SUM(1)",
        "\t=1+1",
        "data: x\r\n\r\nevent: message",
    ];
    let long = "<script>alert(1)</script>".repeat(400);
    assert_eq!(long.len(), 10_000);
    short.into_iter().map(str::to_owned).chain([long]).collect()
}

/// What a sender of the Reo wires may say, of each kind of event.
fn reo(id: &mut i64) -> Vec<Value> {
    let kinds = [
        ("MCP_TOOL_CALL", json!({ "outcome": "ok" })),
        ("MCP_TOOL_CALL", json!({ "outcome": "tool_error" })),
        ("MCP_TOOL_CALL", json!({ "outcome": TEXT })),
        (
            "MCP_TOOL_CALL",
            json!({ "unknown_tool": true, "tool": "unknown TEXT", "outcome": "protocol_error" }),
        ),
        (
            "MCP_TOOL_CALL",
            json!({ "tool": "request_missing_capability", "missing_capability": true }),
        ),
        ("MCP_PROMPT_GET", json!({})),
        ("MCP_RESOURCE_READ", json!({})),
        ("MCP_SESSION_START", json!({})),
        ("MCP_IDENTITY_CAPTURE", json!({})),
        ("MCP_AUTH_REJECTED", json!({})),
        ("LOGIN", json!({})),
        (TEXT, json!({})),
        (
            "MCP_INIT",
            json!({
                "tools": [TEXT, "never called TEXT"],
                "tool_definitions": [{ "tool": TEXT, "hash": TEXT, "bytes": 9 }],
            }),
        ),
    ];
    let events = kinds.into_iter().map(|(activity, more)| {
        *id += 1;
        let mut meta = json!({
            "tool": TEXT, "session_id": TEXT, "client_name": TEXT, "client_version": TEXT, "client_class": TEXT,
            "server_version": TEXT, "protocol_version": TEXT, "prompt": TEXT, "error": TEXT, "reason": TEXT,
            "prompt_name": TEXT, "resource_uri": TEXT, "conversation_id": TEXT, "transport": TEXT, "request_id": TEXT,
            "vendor_client": TEXT, "oauth_client_id": TEXT, "server_name": TEXT, "traceparent": TEXT, "era": TEXT,
            "intent_source": TEXT, "refused_arguments": [TEXT], "input_request_methods": [TEXT], "instance": TEXT,
            "tool_arguments": { TEXT: TEXT, "capability": TEXT }, "result": { TEXT: [TEXT] },
            "redactions": { TEXT: 1 }, TEXT: TEXT, "duration_ms": 20,
        });
        for (name, value) in more.as_object().unwrap() {
            meta[name] = value.clone();
        }
        json!({
            "activity_type": activity, "source": TEXT, "environment": TEXT, "product_id": TEXT, "ip_addr": TEXT,
            "user_agent": TEXT, "user_id": TEXT, "user_id_type": TEXT, "email": "TEXT@TEXT",
            "event_id": *id, "event_at": NOW / 1_000 - 60, "meta": meta, TEXT: TEXT,
        })
    });
    events.collect()
}

fn reo_batch(id: &mut i64) -> Vec<Value> {
    let sdk = json!({ "instance": TEXT, "name": TEXT, "version": TEXT, "dropped": { TEXT: 3 } });
    let events = reo(id).into_iter();
    let bodies = events.map(|event| json!({ "payload": [event], "sdk": sdk, TEXT: TEXT }));
    bodies.collect()
}

fn reo_single(id: &mut i64) -> Vec<Value> {
    let events = reo(id).into_iter();
    events.map(|event| json!({ "payload": event })).collect()
}

fn mcpeye(id: &mut i64) -> Vec<Value> {
    let identity = json!({
        "client": HEAD, "serverVersion": HEAD, "userId": HEAD, "userEmail": "HEAD@HEAD", HEAD: HEAD,
    });
    let events = [
        json!({ "isError": false, "toolName": TEXT }),
        json!({ "isError": true, "toolName": TEXT, "userId": TEXT, "userEmail": "TEXT@TEXT" }),
        json!({ "isError": false, "toolName": "mcpeye_request_capability" }),
    ];
    let bodies = events.into_iter().map(|mut event| {
        *id += 1;
        let more = json!({
            "callId": format!("{id} TEXT"), "timestamp": NOW - 60_000, "durationMs": 3,
            "arguments": { TEXT: TEXT, "capability": TEXT }, "result": { TEXT: [TEXT] }, "errorMessage": TEXT,
            "intent": TEXT, "intentSource": TEXT, TEXT: TEXT,
        });
        let more = more.as_object().unwrap().clone();
        event.as_object_mut().unwrap().extend(more);
        json!({ "projectId": TEXT, "identity": identity, "events": [event], TEXT: TEXT })
    });
    bodies.collect()
}

fn otlp(id: &mut i64) -> Vec<Value> {
    let kinds = [
        json!({ "mcp.method.name": "tools/call", "error.type": TEXT }),
        json!({ "mcp.method.name": "tools/call", "mcp_usage.outcome": "ok" }),
        json!({ "mcp.method.name": "prompts/get" }),
        json!({ "mcp.method.name": "resources/read" }),
        json!({ "rpc.system": "mcp", "rpc.method": "tools/list", "mcp_usage.tools": [TEXT, "never called TEXT"] }),
        json!({ "mcp_usage.activity_type": "MCP_AUTH_REJECTED" }),
        json!({ "mcp_usage.activity_type": "MCP_TOOL_CALL", "gen_ai.tool.name": "request_missing_capability",
            "mcp_usage.missing_capability": true, "gen_ai.tool.call.arguments": "{\"capability\":\"a thing\"}" }),
        json!({ "mcp_usage.activity_type": TEXT }),
    ];
    let bodies = kinds.into_iter().map(|kind| {
        *id += 1;
        let mut attributes = json!({
            "gen_ai.tool.name": TEXT, "gen_ai.prompt.name": TEXT, "mcp.resource.uri": TEXT, "mcp.session.id": TEXT,
            "gen_ai.conversation.id": TEXT, "mcp.client.name": TEXT, "mcp.client.version": TEXT,
            "mcp.protocol.version": TEXT, "mcp.server.version": TEXT, "mcp.server.name": TEXT,
            "jsonrpc.request.id": TEXT, "mcp_usage.intent": TEXT, "gen_ai.tool.call.arguments": TEXT,
            "gen_ai.tool.call.result": TEXT, "mcp_usage.tool_definitions": TEXT, "user.id": TEXT,
            "user.email": "TEXT@TEXT", "mcp_usage.user_id_type": TEXT, "mcp_usage.product_id": TEXT,
            "mcp_usage.environment": TEXT, "mcp_usage.source": TEXT, "client.address": TEXT,
            "network.transport": TEXT, "network.protocol.name": TEXT, "mcp.transport": TEXT,
            "user_agent.original": TEXT, "mcp_usage.reason": TEXT, "mcp_usage.client_class": TEXT,
            "mcp_usage.redactions.TEXT": 1, "mcp_usage.meta.TEXT": TEXT, "mcp_usage.vendor_client": TEXT,
            TEXT: [TEXT, { TEXT: TEXT }],
        });
        for (name, value) in kind.as_object().unwrap() {
            attributes[name] = value.clone();
        }
        json!({"resourceSpans": [{
            "resource": { "attributes": {
                "service.name": TEXT, "service.version": TEXT, "service.instance.id": TEXT,
                "deployment.environment.name": TEXT, "telemetry.sdk.name": TEXT, "telemetry.sdk.version": TEXT,
                TEXT: TEXT,
            }},
            "scopeSpans": [{ "spans": [{
                "traceId": format!("{id:032x}"), "spanId": format!("{id:016x}"), "name": "tools/call TEXT", "kind": 2,
                "startTimeUnixNano": (NOW - 60_000) * 1_000_000, "endTimeUnixNano": (NOW - 59_000) * 1_000_000,
                "attributes": attributes,
                "events": [{ "name": "exception", "attributes": { "exception.message": TEXT } }],
                "status": { "code": 2, "message": TEXT },
            }]}],
        }]})
    });
    bodies.collect()
}

/// Puts a text into the places of a template, or a harmless one into those that do not have their turn.
struct Filling<'t> {
    text: &'t str,
    head: String,
    turn: Range<usize>,
    /// Places that were filled.
    places: usize,
}

impl Filling<'_> {
    fn string(&mut self, said: &str) -> String {
        if !said.contains(TEXT) && !said.contains(HEAD) {
            return said.to_owned();
        }
        let (text, head) = match self.turn.contains(&self.places) {
            true => (self.text, self.head.as_str()),
            false => ("plain", "plain"),
        };
        self.places += 1;
        said.replace(TEXT, text).replace(HEAD, head)
    }

    fn value(&mut self, template: &Value) -> Value {
        match template {
            Value::String(said) => self.string(said).into(),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(members) => {
                let members = members
                    .iter()
                    .map(|(name, value)| (self.string(name), self.value(value)));
                Value::Object(members.collect())
            }
            other => other.clone(),
        }
    }
}

struct Wire {
    name: &'static str,
    path: &'static str,
    /// One request of each kind, with a new id for each.
    templates: fn(&mut i64) -> Vec<Value>,
}

const WIRES: [Wire; 4] = [
    Wire {
        name: "reo-batch",
        path: "/api/product/usage",
        templates: reo_batch,
    },
    Wire {
        name: "reo",
        path: "/api/product/usage",
        templates: reo_single,
    },
    Wire {
        name: "mcpeye",
        path: "/ingest",
        templates: mcpeye,
    },
    Wire {
        name: "otlp",
        path: "/v1/traces",
        templates: otlp,
    },
];

impl Wire {
    /// Sends a text in every place of every kind of request; returns how many events that were.
    async fn send(&self, pages: &Pages, key: &str, id: &mut i64, text: &str) -> i64 {
        let at_once = match text.len() > 1_000 {
            true => LONG_TEXTS,
            false => usize::MAX / 2,
        };
        let (mut sent, mut begin, mut places) = (0, 0, 1);
        while begin < places {
            for template in (self.templates)(id) {
                let mut filling = Filling {
                    text,
                    head: text.chars().take(HEAD_CHARS).collect(),
                    turn: begin..begin + at_once,
                    places: 0,
                };
                let body = filling.value(&template);
                places = places.max(filling.places);
                self.send_one(pages, key, &body).await;
                sent += 1;
            }
            begin += at_once;
        }
        sent
    }

    async fn send_one(&self, pages: &Pages, key: &str, body: &Value) {
        let (kind, bytes) = match self.name {
            "otlp" => ("application/x-protobuf", export(body).encode_to_vec()),
            _ => ("application/json", body.to_string().into_bytes()),
        };
        let request = pages.http.post(format!("{}{}", pages.origin, self.path));
        let request = request
            .header("x-api-key", key)
            .header("content-type", kind);
        let answer = request.body(bytes).send().await.unwrap();
        let status = answer.status();
        assert_eq!(
            status,
            StatusCode::OK,
            "{}: {}",
            self.name,
            answer.text().await.unwrap()
        );
    }
}

#[tokio::test]
async fn hostile_texts_of_every_wire_are_texts_on_every_page() {
    for wire in WIRES {
        let pages = Pages::start().await;
        let admin = pages.admin().await;
        let project = pages.project;
        let made = pages
            .app
            .store
            .write(move |tx| projects::add_key(tx, project, NOW));
        let key = made.await.unwrap().unwrap().key;
        let (mut id, mut sent) = (0, 0);
        for text in texts() {
            sent += wire.send(&pages, &key, &mut id, &text).await;
        }
        let taken: i64 = pages.one("SELECT count(*) FROM event").await;
        assert_eq!(taken, sent, "{}", wire.name);
        look_at_all(&admin, wire.name).await;
        look_by_hostile_addresses(&admin).await;
        check_exports(&admin, wire.name).await;
    }
}

/// Every page, and those that they lead to: of each thing that is named, and the first of each list.
async fn look_at_all(admin: &Browser, wire: &str) {
    let mut asked = BTreeSet::new();
    let mut next: Vec<String> = PAGES
        .iter()
        .map(|page| format!("/p/{}/{page}", admin.project))
        .collect();
    let mut all = String::new();
    while let Some(address) = next.pop() {
        let answer = admin.get(&address).await;
        // Some of the pages are about what is not here.
        let is_there = matches!(answer.status, StatusCode::OK | StatusCode::NOT_FOUND);
        assert!(is_there, "{wire} {address}: {}", answer.status);
        check(&format!("{wire} {address}"), &answer.text);
        for found in addresses(&answer.text) {
            let is_page = ["/tool?", "/person?", "/company?", "/session?", "cluster="]
                .iter()
                .any(|kind| found.contains(kind));
            let is_step = found.contains("step=");
            if is_page && !is_step && !found.contains("range=") && asked.insert(found.clone()) {
                next.push(found);
            }
        }
        if !address.contains('?') {
            all.push_str(&answer.text);
        }
    }
    let names = texts().len();
    assert!(asked.len() > 3 * names, "{wire}: {} pages", asked.len());
    for shown in [
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "javascript:alert(1)",
        "‹U+202E›gnp.exe",
        "=HYPERLINK(",
    ] {
        assert!(all.contains(shown), "{wire}: {shown}");
    }
}

/// What an address asks for is text as well.
async fn look_by_hostile_addresses(admin: &Browser) {
    for text in texts() {
        let coded: String = text
            .bytes()
            .take(2_000)
            .map(|byte| format!("%{byte:02x}"))
            .collect();
        for page in PAGES {
            let page = match page.split_once('?') {
                Some((page, query)) => {
                    let key = query.split('=').next().unwrap();
                    format!("{page}?{key}={coded}")
                }
                None => format!("{page}?q={coded}&reason={coded}&client={coded}"),
            };
            let shown = admin.page(&page).await;
            assert!(!shown.status.is_server_error(), "{page}: {}", shown.text);
            check(&page, &shown.text);
        }
    }
}

fn check(address: &str, page: &str) {
    let page = without_values(page);
    for harmful in HARMFUL {
        assert!(!page.contains(harmful), "{address}: {harmful:?}");
    }
}

/// A page without the values of its fields, which go back to the server as they are.
fn without_values(page: &str) -> String {
    let mut parts = page.split(" value=\"");
    let mut rest = parts.next().unwrap().to_owned();
    for part in parts {
        rest.push_str(part.split_once('"').unwrap().1);
    }
    rest
}

/// Where the links of a page lead.
fn addresses(page: &str) -> BTreeSet<String> {
    let links = page.split("href=\"").skip(1);
    links
        .map(|link| link.split('"').next().unwrap())
        .map(|link| link.split('#').next().unwrap().replace("&amp;", "&"))
        .collect()
}

/// No cell of a file is a formula, and each line of JSON is whole.
async fn check_exports(admin: &Browser, wire: &str) {
    let mut files = Vec::new();
    for page in ["calls?format=csv", "people?format=csv", "tools?format=csv"] {
        files.push(admin.page(page).await.text);
    }
    let form = [("format", "csv"), ("range", "7d")];
    files.push(admin.change("export", &form).await.text);
    for file in files {
        let cells = cells(&file);
        assert!(cells.len() > 20, "{wire}: {} cells", cells.len());
        let formula = cells
            .iter()
            .find(|cell| cell.starts_with(['=', '+', '-', '@', '\t', '\r']));
        assert_eq!(formula, None, "{wire}");
    }
    let form = [("format", "jsonl"), ("range", "7d")];
    let lines = admin.change("export", &form).await.text;
    assert!(lines.lines().count() > texts().len(), "{wire}");
    for line in lines.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        assert!(row.is_object(), "{wire}: {line}");
    }
}

/// The cells of a file of CSV, without their quotes.
fn cells(file: &str) -> Vec<String> {
    let (mut cells, mut cell, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut chars = file.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                cell.push('"');
                chars.next();
            }
            '"' => is_quoted = !is_quoted,
            ',' | '\n' if !is_quoted => cells.push(std::mem::take(&mut cell)),
            '\r' if !is_quoted => {}
            char => cell.push(char),
        }
    }
    cells
}
