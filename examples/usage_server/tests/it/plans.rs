//! How the database reads what the pages and the ingest ask it, before `PRAGMA optimize` has counted anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Barrier, Mutex, PoisonError};

use reqwest::StatusCode;
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use serde_json::{Value, json};
use usage_server::intents::rebuild;
use usage_server::store::{PAGES_READERS, Store, projects, retention};

use crate::browser::{Browser, NOW, Pages};
use crate::security::PAGES;
use crate::support::call;

/// What the traced connections have run. A trace has no other place to keep it.
static RUN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn record(event: TraceEvent<'_>) {
    // A trigger's own statements come as comments.
    if let TraceEvent::Stmt(_, sql) = event
        && !sql.starts_with("--")
    {
        let mut run = RUN.lock().unwrap_or_else(PoisonError::into_inner);
        run.insert(sql.split_whitespace().collect::<Vec<_>>().join(" "));
    }
}

fn trace(db: &Connection) -> rusqlite::Result<()> {
    db.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(record));
    Ok(())
}

async fn trace_all(store: &Store) {
    // Each waits until all are taken, so that no connection is traced twice.
    let all = Arc::new(Barrier::new(PAGES_READERS));
    let readers = [(); PAGES_READERS].map(|()| {
        let (store, all) = (store.clone(), Arc::clone(&all));
        tokio::spawn(async move {
            let traced = store.read(move |db| {
                all.wait();
                trace(db)
            });
            traced.await.unwrap();
        })
    });
    for reader in readers {
        reader.await.unwrap();
    }
    store.read_for_ingest(trace).await.unwrap();
    store.write(|tx| trace(tx)).await.unwrap();
}

/// Events of all kinds, of several people.
fn events() -> Vec<Value> {
    let activities = [
        "MCP_TOOL_CALL",
        "MCP_INIT",
        "MCP_IDENTITY_CAPTURE",
        "MCP_AUTH_REJECTED",
        "MCP_PROMPT_GET",
        "MCP_RESOURCE_READ",
        "LOGIN_ACTIVITY",
        "NOTE",
    ];
    let event = |id: usize| {
        let mut event = call(id as i64);
        event["activity_type"] = json!(activities[id % activities.len()]);
        event["event_at"] = json!(NOW / 1_000 - 60 * id as i64);
        event["user_id"] = json!(["maya@example.com", "noor@oak.example"][id / 8 % 2]);
        let meta = event["meta"].as_object_mut().unwrap();
        meta.insert("prompt".to_owned(), json!("find dark mode"));
        meta.insert("session_id".to_owned(), json!(format!("s-{}", id / 4)));
        meta.insert("instance".to_owned(), json!("00000000000000a1"));
        meta.insert("sequence".to_owned(), json!(id));
        meta.insert("release".to_owned(), json!("1.0"));
        meta.insert("tools".to_owned(), json!(["search", "boom"]));
        meta.insert("prompt_name".to_owned(), json!("review"));
        meta.insert("resource_uri".to_owned(), json!("file:///notes"));
        meta.insert("reason".to_owned(), json!("expired"));
        if id % 16 == 8 {
            meta.insert("outcome".to_owned(), json!("tool_error"));
            meta.insert("error".to_owned(), json!("no such index"));
        }
        event
    };
    (0..64).map(event).collect()
}

async fn send(pages: &Pages, key: &str, events: Vec<Value>) {
    let sdk = json!({"instance": "00000000000000a1", "name": "mcp-usage", "version": "0.1.0", "dropped": {"queue_full": 3}});
    let request = pages
        .http
        .post(format!("{}/api/product/usage", pages.origin));
    let request = request.header("x-api-key", key);
    let answer = request
        .json(&json!({ "payload": events, "sdk": sdk }))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

/// How many addresses are looked at that have the same page and the same names.
const OF_A_SHAPE: usize = 3;

/// Looks at the pages, and at what their links lead to.
async fn look_at_all(browser: &Browser) -> usize {
    let first = PAGES
        .iter()
        .map(|page| format!("/p/{}/{page}", browser.project));
    let mut found: Vec<String> = first.collect();
    let mut shapes = BTreeMap::<String, usize>::new();
    let mut known = BTreeSet::new();
    let mut looked_at = 0;
    while let Some(address) = found.pop() {
        let shape: String = address
            .split_inclusive(['?', '&'])
            .map(|part| part.split('=').next().unwrap_or_default())
            .collect();
        let seen = shapes.entry(shape).or_default();
        if *seen == OF_A_SHAPE || !known.insert(address.clone()) {
            continue;
        }
        *seen += 1;
        looked_at += 1;
        let page = browser.get(&address).await;
        assert_eq!(page.status, StatusCode::OK, "{address}");
        for link in page.text.split(" href=\"").skip(1) {
            let link = link
                .split(['"', '#'])
                .next()
                .unwrap_or_default()
                .replace("&amp;", "&");
            if link.starts_with(&format!("/p/{}/", browser.project)) {
                found.push(link);
            }
        }
    }
    looked_at
}

/// The steps of a statement's plan.
fn plan(db: &Connection, sql: &str) -> Vec<String> {
    let mut explained = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let mut rows = explained.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get("detail").unwrap());
    }
    steps
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_of_the_pages_or_the_ingest_reads_a_table_whole() {
    let pages = Pages::start().await;
    trace_all(&pages.app.store).await;
    let keys = pages.app.store.write(|tx| {
        let other = projects::create(tx, "other", NOW)?.unwrap();
        let [first, other] = [1, other].map(|project| projects::add_key(tx, project, NOW));
        Ok([first?.unwrap().key, other?.unwrap().key])
    });
    let keys = keys.await.unwrap();
    for key in &keys {
        send(&pages, key, events()).await;
        send(&pages, key, events()).await;
    }
    let admin = pages.admin().await;
    let looked_at = look_at_all(&admin).await;
    rebuild(&pages.app.store, 1, NOW).await.unwrap();
    retention::remove_old(&pages.app.store, NOW).await.unwrap();
    let run = std::mem::take(&mut *RUN.lock().unwrap());
    assert!(
        looked_at > 100 && run.len() > 200,
        "{looked_at} pages, {} statements",
        run.len()
    );
    let db = Connection::open(pages.directory.join("usage.db")).unwrap();
    let mut faults = Vec::new();
    for sql in run {
        if ["BEGIN", "COMMIT", "PRAGMA"]
            .iter()
            .any(|word| sql.starts_with(word))
        {
            continue;
        }
        let is_of_all = OF_ALL.iter().any(|(begins, _)| sql.starts_with(begins));
        for step in plan(&db, &sql) {
            if is_whole(&step, &sql) && !is_of_all {
                faults.push(format!("{step}\n    {sql}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Whether a step reads a table from end to end, or all that a project has in it.
fn is_whole(step: &str, sql: &str) -> bool {
    let table = step.split(' ').nth(1).unwrap_or_default();
    // Some statements have a subquery of the name that others give to sessions.
    if table == "s" && sql.contains(") s ") && !sql.contains("session s") {
        return false;
    }
    let is_whole = step.starts_with("SCAN ") || step.ends_with(" (project=?)");
    is_whole && !table.starts_with('(') && table != "CONSTANT" && !SMALL.contains(&table)
}

/// Tables that the days of a project do not make longer, or whose rows are bounded.
const SMALL: [&str; 12] = [
    "audit",
    "browser_session",
    "forgotten",
    "instance",
    "intent_cluster",
    "name",
    "pragma_table_info",
    "project",
    "sign_in_link",
    "tool_def",
    "tool_listed",
    "write_key",
];

/// Statements that read as much by intent, and why.
const OF_ALL: [(&str, &str); 5] = [
    (
        "SELECT max(time_ms) FROM event ",
        "the last entry of the index",
    ),
    ("SELECT tool, outcome FROM roll_day ", "the first row"),
    (
        "SELECT tool, count(*) FROM tool_user ",
        "everybody who has used a tool is counted",
    ),
    ("DELETE FROM tool_user ", "once a day, and a part at a time"),
    (
        "SELECT id FROM user WHERE project = ?1 AND last_ms < ?2 ",
        "once a day, and a part at a time",
    ),
];
