//! The event that everything here reports: a tool call, about 1 KB as JSON.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Different calls in turn, so that nothing is measured on one text that is always in the cache.
const CALLS: usize = 256;

const WORDS: [&str; 32] = [
    "the",
    "report",
    "shows",
    "every",
    "region",
    "where",
    "revenue",
    "grew",
    "last",
    "quarter",
    "list",
    "open",
    "tickets",
    "of",
    "a",
    "customer",
    "with",
    "their",
    "history",
    "and",
    "find",
    "documents",
    "about",
    "billing",
    "which",
    "were",
    "changed",
    "since",
    "monday",
    "by",
    "our",
    "team",
];

/// How the arguments are, and what is in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Parsed, with an e-mail address and a key in them.
    Typical,
    /// Parsed, with nothing to redact.
    Clean,
    /// As `Typical`, but still JSON text, as they came.
    Text,
}

/// Arguments as a server holds them.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Arguments {
    Parsed(Map<String, Value>),
    Text(Box<RawValue>),
}

impl Arguments {
    /// JSON text, as a library needs it that has no place for a tree: written from a tree, copied
    /// from a text.
    pub fn to_text(&self) -> String {
        match self {
            Self::Parsed(tree) => serde_json::to_string(tree).expect("a tree can be written"),
            Self::Text(text) => text.get().to_owned(),
        }
    }

    /// A tree, as a library needs it that takes nothing else.
    pub fn to_tree(&self) -> Map<String, Value> {
        match self {
            Self::Parsed(tree) => tree.clone(),
            Self::Text(text) => serde_json::from_str(text.get()).expect("it was written by us"),
        }
    }
}

/// What a tool's handler has at hand when the call ends.
#[derive(Debug)]
pub struct Call {
    pub user: String,
    pub session: String,
    pub tool: String,
    pub client: &'static str,
    pub client_version: String,
    pub arguments: Arguments,
    pub duration: Duration,
    pub ok: bool,
}

pub const SERVER: &str = "billing-mcp";
pub const PROTOCOL: &str = "2026-07-28";
pub const SDK: &str = "bench/1";

/// The calls of one run: the same in every process.
#[derive(Debug)]
pub struct Workload {
    pub calls: Vec<Call>,
}

impl Workload {
    /// `bytes`: the size of the arguments, 0 for the usual 600. `tools`: how many different ones.
    pub fn new(kind: Kind, bytes: usize, tools: usize) -> Self {
        let mut random = Random(7);
        let calls = if bytes > 100_000 { 4 } else { CALLS.max(tools) };
        let calls = (0..calls).map(|n| {
            let arguments = match bytes {
                0 => arguments(kind, &mut random),
                _ => rows(bytes, &mut random),
            };
            Call {
                user: format!("user_{}", random.uuid()),
                session: format!("ses_{}", random.uuid()),
                tool: format!("search_documents_{}", n % tools),
                client: "claude-desktop",
                client_version: format!("0.14.{}", random.below(20)),
                arguments: match kind {
                    Kind::Text => Arguments::Text(
                        RawValue::from_string(Value::Object(arguments).to_string())
                            .expect("it is JSON"),
                    ),
                    Kind::Typical | Kind::Clean => Arguments::Parsed(arguments),
                },
                duration: Duration::from_micros(random.below(900_000) as u64),
                ok: random.below(20) > 0,
            }
        });
        Self {
            calls: calls.collect(),
        }
    }

    /// The bytes of one event as compact JSON, on average.
    pub fn mean_bytes(&self) -> usize {
        let bytes = self.calls.iter().map(|call| {
            let event = json!({"event": "mcp_tool_call", "call_id": Marker::new().of(0), "timestamp_ms": 1_790_000_000_000_u64, "user_id": call.user,
                "session_id": call.session, "tool": call.tool, "client": call.client, "client_version": call.client_version,
                "server": SERVER, "protocol": PROTOCOL, "sdk": SDK, "duration_us": call.duration.as_micros() as u64, "ok": call.ok,
                "arguments": call.arguments});
            event.to_string().len()
        });
        bytes.sum::<usize>() / self.calls.len()
    }
}

/// Some 600 bytes. The secrets are put together here: none stands in the source.
fn arguments(kind: Kind, random: &mut Random) -> Map<String, Value> {
    let secret = kind != Kind::Clean;
    let email = if secret {
        format!("ada.{}@mail.example.com", random.hex(5))
    } else {
        format!("ada {} of mail example", random.hex(5))
    };
    let key = if secret {
        ["sk", "-", "proj", "-", &random.hex(40)].concat()
    } else {
        random.words(7)
    };
    let mut arguments = json!({
        "query": random.words(20),
        "customer": {"name": format!("Ada {}", random.words(1)), "contact": email, "tier": "pro"},
        "continue_with": key,
        "filters": [
            {"field": "status", "op": "in", "values": ["open", "pending"]},
            {"field": "amount", "op": ">", "value": random.below(1_000_000)},
        ],
        "limit": random.below(100),
        "offset": random.below(1_000),
        "dry_run": random.below(2) == 0,
        "note": random.words(12),
    });
    while arguments.to_string().len() < 596 {
        let note = format!(
            "{} {}",
            arguments["note"].as_str().unwrap_or(""),
            random.words(1)
        );
        arguments["note"] = note.into();
    }
    object(arguments)
}

/// About as many bytes as asked for: one text for the small, rows of a table for the others.
fn rows(bytes: usize, random: &mut Random) -> Map<String, Value> {
    if bytes < 400 {
        let mut text = random.words(bytes / 4);
        text.truncate(bytes.saturating_sub(r#"{"query":""}"#.len()));
        return object(json!({"query": text}));
    }
    let row = |random: &mut Random| json!({"company": random.words(2), "domain": "example.com", "employees": random.below(5_000), "note": random.words(6)});
    let mut length = 50;
    let mut rows = Vec::new();
    while length < bytes {
        let row = row(random);
        length += row.to_string().len() + 1;
        rows.push(row);
    }
    object(json!({"query": random.words(6), "rows": rows}))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// What the sink knows an event by: `~n` and ten digits and `~`. No digit stands at a word's start, or a redactor would
/// take the number for a telephone's.
pub struct Marker([u8; 13]);

impl Marker {
    pub const fn new() -> Self {
        Self(*b"~n0000000000~")
    }

    pub fn of(&mut self, mut number: u64) -> &str {
        for digit in self.0[2..12].iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
        std::str::from_utf8(&self.0).expect("it is ASCII")
    }
}

/// Repeatable, and no crate's choice to change.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn words(&mut self, count: usize) -> String {
        let words: Vec<&str> = (0..count).map(|_| WORDS[self.below(WORDS.len())]).collect();
        words.join(" ")
    }

    fn hex(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from(b"0123456789abcdef"[self.below(16)]))
            .collect()
    }

    fn uuid(&mut self) -> String {
        [8, 4, 4, 4, 12].map(|length| self.hex(length)).join("-")
    }
}
