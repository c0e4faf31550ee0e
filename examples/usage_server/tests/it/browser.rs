//! Browsers of a test, and the pages that they look at.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, StatusCode};
use tokio::net::TcpListener;
use usage_server::app::{App, Config};
use usage_server::record::{Class, Kind, Record, SourceId, User};
use usage_server::store::insert::{Inserted, insert};
use usage_server::store::{Options, Store, projects};
use usage_server::web::session::{Role, new_link};
use usage_server::web::site::Site;
use usage_server::{server, web};

/// 2026-11-27 15:41:07 UTC: the time of a test.
pub(crate) const NOW: i64 = 1_795_794_067_000;
pub(crate) const MINUTE: i64 = 60_000;

/// The pages of a server of a test's own.
pub(crate) struct Pages {
    pub(crate) origin: String,
    pub(crate) app: Arc<App>,
    pub(crate) site: Site,
    pub(crate) project: i64,
    pub(crate) http: reqwest::Client,
    pub(crate) directory: PathBuf,
    taken: AtomicU64,
}

impl Drop for Pages {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

impl Pages {
    pub(crate) async fn start() -> Self {
        Self::start_as(None, false).await
    }

    /// Pages with a project `shop` that has no events.
    pub(crate) async fn start_as(public_url: Option<&str>, trusts_proxy: bool) -> Self {
        Self::start_within(public_url, trusts_proxy, server::Limits::default()).await
    }

    pub(crate) async fn start_within(
        public_url: Option<&str>,
        trusts_proxy: bool,
        limits: server::Limits,
    ) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("usage_pages-{}-{count}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        let options = Options {
            min_free_bytes: 0,
            ..Options::default()
        };
        let store = Store::open(&directory.join("usage.db"), options).unwrap();
        let made = store.write(|tx| projects::create(tx, "shop", NOW));
        let project = made.await.unwrap().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let site = Site::new(address, public_url, trusts_proxy).unwrap();
        let config = Config {
            fixed_now_ms: Some(NOW),
            base_path: site.base().to_owned(),
            ..Config::default()
        };
        let app = Arc::new(App::new(config, store));
        let router = server::router(&app, web::routes(Arc::clone(&app), site.clone()));
        tokio::spawn(server::serve(
            listener,
            Arc::clone(&app),
            router,
            limits,
            std::future::pending(),
        ));
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .build()
            .unwrap();
        Self {
            origin: format!("http://{address}"),
            app,
            site,
            project,
            http,
            directory,
            taken: AtomicU64::new(0),
        }
    }

    pub(crate) async fn take(&self, records: Vec<Record>) {
        self.take_into(self.project, records).await;
    }

    /// Each is an event of its own.
    pub(crate) async fn take_into(&self, project: i64, records: Vec<Record>) {
        let records: Vec<Record> = records
            .into_iter()
            .map(|record| {
                let number = self.taken.fetch_add(1, Ordering::Relaxed);
                let source_id = SourceId(u128::from(number).to_be_bytes());
                Record {
                    source_id,
                    ..record
                }
            })
            .collect();
        let written = records.clone();
        let inserted = self
            .app
            .store
            .write(move |tx| insert(tx, project, NOW, &written));
        let rows = inserted
            .await
            .unwrap()
            .into_iter()
            .filter_map(|one| match one {
                Inserted::New(row) => Some(row),
                _ => None,
            });
        self.app.live.add(project, NOW, rows.zip(records));
    }

    /// The first column of the first row.
    pub(crate) async fn one<T>(&self, sql: &'static str) -> T
    where
        T: rusqlite::types::FromSql + Send + 'static,
    {
        let read = self
            .app
            .store
            .read(move |db| db.query_row(sql, [], |row| row.get(0)));
        read.await.unwrap()
    }

    pub(crate) async fn run(&self, sql: &'static str) {
        let ran = self.app.store.write(move |tx| tx.execute(sql, []));
        ran.await.unwrap();
    }

    /// The address of a link that signs in.
    pub(crate) async fn link(&self, role: Role) -> String {
        let made = self.app.store.write(move |tx| new_link(tx, role, NOW));
        let secret = made.await.unwrap();
        format!("{}/sign-in?link={}", self.origin, secret.as_str())
    }

    pub(crate) async fn admin(&self) -> Browser {
        self.signed_in(Role::Admin).await
    }

    pub(crate) async fn signed_in(&self, role: Role) -> Browser {
        let mut browser = self.stranger();
        let link = self.link(role).await;
        let (_, secret) = link.split_once("link=").unwrap();
        let answer = browser.post("/sign-in", &[("link", secret)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        browser.cookie = Some(answer.cookie());
        browser
    }

    pub(crate) fn stranger(&self) -> Browser {
        Browser {
            origin: self.origin.clone(),
            project: self.project,
            http: self.http.clone(),
            cookie: None,
            headers: Vec::new(),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) origin: String,
    pub(crate) project: i64,
    http: reqwest::Client,
    pub(crate) cookie: Option<String>,
    /// What it says with each request.
    pub(crate) headers: Vec<(&'static str, String)>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    /// The name and value of the cookie that it sets.
    pub(crate) fn cookie(&self) -> String {
        let set = self.header(SET_COOKIE.as_str());
        set.split(';').next().unwrap_or_default().to_owned()
    }
}

impl Browser {
    pub(crate) fn with(&self, name: &'static str, value: &str) -> Self {
        let mut other = self.clone();
        other.headers.push((name, value.to_owned()));
        other
    }

    fn dressed(&self, mut request: RequestBuilder) -> RequestBuilder {
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request
    }

    /// The answer's head; its body is still to come.
    pub(crate) async fn open(&self, path: &str) -> reqwest::Response {
        let request = self.http.get(format!("{}{path}", self.origin));
        self.dressed(request).send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        read(self.open(path).await).await
    }

    /// A page of the project.
    pub(crate) async fn page(&self, page: &str) -> Answer {
        self.get(&format!("/p/{}/{page}", self.project)).await
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        read(self.open_form(path, form).await).await
    }

    /// The head of what a form is answered with; its body is still to come.
    pub(crate) async fn open_form(&self, path: &str, form: &[(&str, &str)]) -> reqwest::Response {
        let request = self.http.post(format!("{}{path}", self.origin)).form(form);
        self.dressed(request).send().await.unwrap()
    }

    /// Sends a form of the project's pages with the token that they have.
    pub(crate) async fn change(&self, action: &str, form: &[(&str, &str)]) -> Answer {
        let token = self.token().await;
        let mut form = form.to_vec();
        form.push(("csrf", &token));
        self.post(&format!("/p/{}/{action}", self.project), &form)
            .await
    }

    /// The token of this session's forms.
    pub(crate) async fn token(&self) -> String {
        let page = self.page("settings").await;
        let (_, rest) = page.text.split_once("name=\"csrf\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}

async fn read(response: reqwest::Response) -> Answer {
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

/// A call of `search` by Maya, so long ago.
pub(crate) fn call(ago: i64) -> Record {
    Record {
        tool: Some("search".to_owned()),
        user: Some(User {
            id: "maya@example.com".to_owned(),
            kind: "EMAIL".to_owned(),
            email: Some("maya@example.com".to_owned()),
        }),
        session: Some("s-1".to_owned()),
        client: Some("claude-code".to_owned()),
        client_version: Some("2.1".to_owned()),
        class: Class::Agent,
        release: Some("1.0".to_owned()),
        protocol: Some("2025-11-25".to_owned()),
        duration_us: Some(40_000),
        result_bytes: Some(1_000),
        intent: Some("find dark mode".to_owned()),
        ..event(Kind::Call, ago)
    }
}

pub(crate) fn event(kind: Kind, ago: i64) -> Record {
    Record::new(SourceId([0; 16]), NOW - ago, kind)
}
