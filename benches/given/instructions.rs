//! What the benches of `instructions` log.

use serde_json::{Value, json};

/// How many objects the values of [`deep`] stand in.
pub const LEVELS: usize = 12;

/// Put together here: none stands in the source.
fn key() -> String {
    ["sk", "-", "proj", "-", "4f2c19a07b3e58d6c1f0a9e2b7d43865"].concat()
}

/// Looks random, and is the same in each run.
fn random(seed: u64, length: usize) -> String {
    const FROM: &[u8; 32] = b"ABCDEFGHJKMNPQRSabcdefghjkmn2345";
    let step = |at: u64| {
        let next = at.wrapping_mul(6_364_136_223_846_793_005);
        Some(next.wrapping_add(1_442_695_040_888_963_407))
    };
    std::iter::successors(step(seed), |at| step(*at))
        .map(|at| char::from(FROM[(at >> 59) as usize]))
        .take(length)
        .collect()
}

/// Some 600 bytes, with an e-mail address and a key in them.
pub fn typical() -> Value {
    json!({
        "query": "open tickets of customers in north america that mention a late invoice, newest first, with their history",
        "customer": {"name": "Ada", "contact": "ada.4f2c1@mail.example.com", "tier": "pro"},
        "continue_with": key(),
        "filters": [{"field": "status", "op": "in", "values": ["open", "pending"]}, {"field": "amount", "op": ">", "value": 125_000}],
        "limit": 25,
        "offset": 0,
        "dry_run": false,
        "note": "the weekly report for the platform team, as agreed in the last review; leave out what is archived and what has no owner",
    })
}

/// The same with nothing to redact.
pub fn clean() -> Value {
    let mut arguments = typical();
    arguments["customer"]["contact"] = "ada of mail example com".into();
    arguments["continue_with"] = "the page that comes after this one".into();
    arguments
}

/// A configuration with six sensitive names.
pub fn names() -> Value {
    json!({
        "service": "reports",
        "region": "eu-central-1",
        "password": random(1, 14),
        "api_key": random(2, 32),
        "token": random(3, 40),
        "retry": {"attempts": 3, "client_secret": random(4, 28), "backoff_ms": 250},
        "db_url": format!("postgres://{}:{}@db.example.com/tickets", "reports", random(5, 16)),
        "webhook_secret": random(6, 24),
        "log_level": "info",
        "features": ["export", "history"],
    })
}

/// Six secrets at several places, none under a name that says so.
pub fn secrets() -> Value {
    let inner = json!({"step": 2, "continue_with": key(), "contact": "ada.4f2c1@mail.example.com"});
    let github = ["ghp", "_", &random(7, 36)].concat();
    json!({
        "task": format!("call the service with {} and tell bob.7b3e5@mail.example.com", key()),
        "steps": ["look up", github, "close"],
        "page": format!("https://api.example.com/v1/tickets?limit=20&access_token={}", random(8, 32)),
        "payload": inner.to_string(),
        "count": 4,
    })
}

/// About as many bytes of a person's sentences as asked for.
pub fn prose(bytes: usize) -> String {
    repeated(
        "Please look at the tickets of last week and tell me which of them were closed late, and why. \
         The team in Lisbon has 14 of them; what they write in the notes is what I would like to quote. ",
        bytes,
    )
}

/// The same of a program's lines.
pub fn log(bytes: usize) -> Value {
    let line = "2026-07-28T09:14:07.512Z INFO worker{id=17}: fetched /v1/tickets/48213 in 182 ms, status=200 rows=25\n";
    json!({"about": "the worker's log", "log": repeated(line, bytes)})
}

/// What a tool answers with a text.
pub fn answer(bytes: usize) -> Value {
    json!({"content": [{"type": "text", "text": prose(bytes)}], "isError": false})
}

fn repeated(text: &str, bytes: usize) -> String {
    text.chars().cycle().take(bytes).collect()
}

/// Small values, at each level one and a list.
pub fn deep() -> Value {
    (0..LEVELS).fold(json!({"id": 7}), |within, level| {
        json!({"kind": "node", "level": level, "tags": ["a", "b"], "child": within})
    })
}

/// Rows of a table: about as many bytes as asked for.
pub fn rows(bytes: usize) -> Value {
    let row = json!({"company": "Example Works", "domain": "example.com", "employees": 1250, "note": "moved to rails"});
    let rows = bytes / (row.to_string().len() + 1);
    json!({"query": "companies that move to rails", "rows": vec![row; rows]})
}
