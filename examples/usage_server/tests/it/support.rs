//! A server of a test's own: the real one, on a port and in a directory of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use usage_server::app::{App, Config};
use usage_server::store::{Options, Store, projects};
use usage_server::web::site::Site;
use usage_server::{ingest, server, web};

/// 2026-11-27 15:41:07 UTC: what the clock of a server in a test says, unless it is set otherwise.
pub(crate) const NOW: i64 = 1_795_794_067_000;

/// A directory that is removed at the end.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("usage_server-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("usage.db")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How a test's server differs from others.
pub(crate) struct Setup {
    pub(crate) config: Config,
    pub(crate) options: Options,
    pub(crate) limits: server::Limits,
}

impl Default for Setup {
    fn default() -> Self {
        let config = Config {
            fixed_now_ms: Some(NOW),
            ..Config::default()
        };
        // The machine that runs a test may have little room.
        let options = Options {
            min_free_bytes: 0,
            ..Options::default()
        };
        Self {
            config,
            options,
            limits: server::Limits::default(),
        }
    }
}

pub(crate) struct Server {
    pub(crate) origin: String,
    pub(crate) app: Arc<App>,
    pub(crate) project: i64,
    pub(crate) key: String,
    pub(crate) http: reqwest::Client,
    pub(crate) directory: Directory,
    end: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_as(Setup::default()).await
    }

    /// Starts a server with a project `shop` and a key of its.
    pub(crate) async fn start_as(setup: Setup) -> Self {
        let directory = Directory::new();
        let store = Store::open(&directory.database(), setup.options.clone()).unwrap();
        let made = store.write(|tx| {
            let project = projects::create(tx, "shop", NOW)?.unwrap();
            Ok((project, projects::add_key(tx, project, NOW)?.unwrap().key))
        });
        let (project, key) = made.await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let origin = format!("http://{address}");
        let public = match setup.config.public_url.as_str() {
            "" => format!("{origin}{}", setup.config.base_path),
            url => format!("{url}{}", setup.config.base_path),
        };
        let app = Arc::new(App::new(setup.config, store));
        let site = Site::new(address, Some(&public), false).unwrap();
        let router = server::router(&app, web::routes(Arc::clone(&app), site));
        let (end, ended) = oneshot::channel();
        let served = tokio::spawn(server::serve(
            listener,
            Arc::clone(&app),
            router,
            setup.limits,
            async {
                let _ = ended.await;
            },
        ));
        Self {
            origin,
            app,
            project,
            key,
            http: reqwest::Client::new(),
            directory,
            end: Some(end),
            served: Some(served),
        }
    }

    /// Ends the server as SIGTERM does; resolves once it has ended.
    pub(crate) async fn end(&mut self) {
        drop(self.end.take());
        if let Some(served) = self.served.take() {
            served.await.unwrap();
        }
    }

    /// A request with the key.
    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.origin);
        self.http.post(url).header("x-api-key", &self.key)
    }

    /// Sends JSON with the key.
    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        read(self.post(path).json(body).send().await.unwrap()).await
    }

    /// Sends events as a batch of the Reo wire.
    pub(crate) async fn send(&self, events: Vec<Value>) -> (StatusCode, Value) {
        self.post_json("/api/product/usage", &json!({ "payload": events }))
            .await
    }

    /// All rows of a query, each as text with a space between its columns.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        let sql = sql.to_owned();
        let rows = self.app.store.read(move |db| {
            let mut statement = db.prepare(&sql)?;
            let columns = statement.column_count();
            let rows = statement.query_map([], |row| {
                let texts: Vec<_> = (0..columns)
                    .map(|n| text(row.get_ref(n).unwrap()))
                    .collect();
                Ok(texts.join(" "))
            })?;
            rows.collect()
        });
        rows.await.unwrap()
    }

    pub(crate) async fn row(&self, sql: &str) -> String {
        let rows = self.rows(sql).await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows.into_iter().next().unwrap()
    }

    /// The bodies of all events in their order of time.
    pub(crate) async fn bodies(&self) -> Vec<Value> {
        let sql = "SELECT CAST(body AS TEXT) FROM event_body JOIN event USING (id) ORDER BY time_ms, sequence, id";
        let bodies = self.rows(sql).await;
        let read = |body: &String| serde_json::from_str(body).unwrap();
        bodies.iter().map(read).collect()
    }
}

fn text(value: rusqlite::types::ValueRef<'_>) -> String {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => "-".to_owned(),
        ValueRef::Integer(n) => n.to_string(),
        ValueRef::Real(n) => n.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// An answer's status and JSON.
pub(crate) async fn read(answer: Response) -> (StatusCode, Value) {
    let status = answer.status();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// A tool call as the Reo wires have it, of somebody in a session.
pub(crate) fn call(id: i64) -> Value {
    json!({
        "activity_type": "MCP_TOOL_CALL",
        "source": "PRODUCT_CLOUD",
        "environment": "PRODUCTION",
        "user_id": "rachel@example.com",
        "user_id_type": "EMAIL",
        "product_id": "shop",
        "meta": {
            "tool": "search",
            "duration_ms": 12.5,
            "outcome": "ok",
            "session_id": "s1",
            "client_name": "claude-code",
            "client_version": "2.1",
        },
        "event_id": id,
        "event_at": NOW / 1_000 - 60,
        "user_agent": "mcp-usage/0.1.0",
    })
}

/// The limits of senders, changed.
pub(crate) fn limits(change: impl FnOnce(&mut ingest::Limits)) -> Setup {
    let mut setup = Setup::default();
    change(&mut setup.config.limits);
    setup
}
