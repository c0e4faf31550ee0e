//! A server of a test's own, a browser, and a client that goes all the way to its tokens.

use std::sync::LazyLock;

use backlog_server::clock::Clock;
use backlog_server::config::{Config, PublicUrl};
use backlog_server::store::{Store, seed};
use backlog_server::{password, secret};
use mcp_usage::testing::MockIngest;
use mcp_usage::{UsageLogger, Wire};
use reqwest::StatusCode;
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const PASSWORD: &str = "horse-battery-4711";
/// An obviously fake key.
const KEY: &str = "test-key-1";
/// Where clients of the tests want their answers.
pub(crate) const REDIRECT: &str = "http://127.0.0.1/callback";

/// Hashed once: it is made to take its time.
static HASH: LazyLock<String> = LazyLock::new(|| password::hash(PASSWORD).unwrap());

pub(crate) struct Server {
    pub(crate) origin: String,
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) usage: UsageLogger,
    pub(crate) ingest: MockIngest,
    pub(crate) http: reqwest::Client,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_as(None).await
    }

    /// Starts a server whose projects have nothing to work on.
    pub(crate) async fn start_empty() -> Self {
        let server = Self::start().await;
        let empty = "DELETE FROM features; DELETE FROM conversations; DELETE FROM announcements;";
        server.sql(empty).await;
        server
    }

    /// Starts a server and asks it for a page as a proxy with TLS would.
    pub(crate) async fn page_behind_https(path: &str) -> Page {
        let server = Self::start_as(Some("https://backlog.example.com")).await;
        Browser::new(&server).get(path).await
    }

    async fn start_as(public_url: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let clock = Clock::default();
        let store = Store::in_memory(clock.clone()).unwrap();
        store
            .run(|db| seed::seed(db, |_| Ok(HASH.clone())))
            .await
            .unwrap();
        let config = Config::new(PublicUrl::parse(public_url.unwrap_or(&origin)).unwrap());
        let ingest = MockIngest::builder().api_key(KEY).start().unwrap();
        let usage = backlog_server::usage::settings()
            .env(|_| None)
            .api_key(KEY)
            .endpoint(ingest.endpoint())
            .wire(Wire::ReoBatch)
            .build()
            .unwrap();
        let app = backlog_server::app(config.clone(), store.clone(), usage.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .build()
            .unwrap();
        Self {
            origin,
            config,
            store,
            clock,
            usage,
            ingest,
            http,
        }
    }

    pub(crate) fn resource(&self, project: &str) -> String {
        format!("{}/p/{project}/mcp", self.origin)
    }

    /// Registers a client and returns its id.
    pub(crate) async fn register(&self, redirect_uris: &[&str]) -> String {
        let url = format!("{}/register", self.origin);
        let body = json!({"redirect_uris": redirect_uris, "client_name": "Totally Trustworthy"});
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        let body: Value = answer.json().await.unwrap();
        body["client_id"].as_str().unwrap().to_owned()
    }

    /// Posts a form, and returns the status and the JSON of the answer.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
        let url = format!("{}{path}", self.origin);
        let answer = self.http.post(url).form(form).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Redeems a code as a well-behaved client does.
    pub(crate) async fn redeem(&self, code: &Code) -> (StatusCode, Value) {
        self.post("/token", &code.form()).await
    }

    pub(crate) async fn refresh(&self, client_id: &str, token: &str) -> (StatusCode, Value) {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", client_id),
            ("refresh_token", token),
        ];
        self.post("/token", &form).await
    }

    /// Goes the whole way as a user and their client.
    pub(crate) async fn connect(&self, email: &str, project: &str, scope: &str) -> Connected {
        let client_id = self.register(&[REDIRECT]).await;
        let browser = Browser::new(self);
        browser.sign_in(email).await;
        let ask = Ask::new(self, &client_id, project, scope);
        let code = ask.approved(&browser).await;
        let (status, tokens) = self.redeem(&code).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        Connected {
            client_id,
            access: text("access_token"),
            refresh: text("refresh_token"),
            scope: text("scope"),
            code,
        }
    }
}

/// What a client has once its user has approved.
pub(crate) struct Connected {
    pub(crate) client_id: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) scope: String,
    pub(crate) code: Code,
}

/// A request for authorization.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) query: Vec<(&'static str, String)>,
    verifier: String,
}

impl Ask {
    pub(crate) fn new(server: &Server, client_id: &str, project: &str, scope: &str) -> Self {
        let verifier = secret::new().unwrap();
        let query = vec![
            ("response_type", "code".to_owned()),
            ("client_id", client_id.to_owned()),
            ("redirect_uri", REDIRECT.to_owned()),
            ("code_challenge", secret::hash(&verifier)),
            ("code_challenge_method", "S256".to_owned()),
            ("state", "the state".to_owned()),
            ("scope", scope.to_owned()),
            ("resource", server.resource(project)),
        ];
        Self { query, verifier }
    }

    /// Changes a parameter, or takes it out.
    pub(crate) fn with(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            let asked = self.query.iter_mut().find(|(known, _)| *known == name);
            value.clone_into(&mut asked.unwrap().1);
        } else {
            self.query.retain(|(known, _)| *known != name);
        }
        self
    }

    /// Has a signed-in user decide, and returns where the browser is sent.
    pub(crate) async fn decided(&self, browser: &Browser<'_>, decision: &str) -> url::Url {
        let page = browser.get_with("/authorize", &self.query).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        let answer = browser
            .submit(&page, "/authorize", &[("decision", decision)])
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
        answer.location.unwrap().parse().unwrap()
    }

    pub(crate) async fn approved(&self, browser: &Browser<'_>) -> Code {
        let there = self.decided(browser, "approve").await;
        let asked = |name: &str| {
            self.query
                .iter()
                .find(|(known, _)| *known == name)
                .unwrap()
                .1
                .clone()
        };
        Code {
            client_id: asked("client_id"),
            code: parameter(&there, "code").unwrap(),
            verifier: self.verifier.clone(),
            redirect_uri: asked("redirect_uri"),
            resource: asked("resource"),
        }
    }
}

/// A code, and what its owner needs for it.
#[derive(Clone)]
pub(crate) struct Code {
    pub(crate) client_id: String,
    pub(crate) code: String,
    pub(crate) verifier: String,
    pub(crate) redirect_uri: String,
    pub(crate) resource: String,
}

impl Code {
    pub(crate) fn form(&self) -> [(&str, &str); 6] {
        [
            ("grant_type", "authorization_code"),
            ("client_id", &self.client_id),
            ("code", &self.code),
            ("code_verifier", &self.verifier),
            ("redirect_uri", &self.redirect_uri),
            ("resource", &self.resource),
        ]
    }
}

/// A browser: it keeps cookies, sends `Origin` with forms, and follows nothing by itself.
pub(crate) struct Browser<'a> {
    server: &'a Server,
    http: reqwest::Client,
}

pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) location: Option<String>,
    pub(crate) html: String,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(server: &'a Server) -> Self {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .cookie_store(true)
            .build()
            .unwrap();
        Self { server, http }
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, query: &[(&str, String)]) -> Page {
        let url = format!("{}{path}", self.server.origin);
        Page::of(self.http.get(url).query(query).send().await.unwrap()).await
    }

    /// Sends the form of a page that leads to `action`, with what a person adds to it.
    pub(crate) async fn submit(&self, page: &Page, action: &str, more: &[(&str, &str)]) -> Page {
        let mut fields = page.hidden(action);
        fields.extend(
            more.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        self.post(action, &fields, &self.server.origin).await
    }

    pub(crate) async fn post(
        &self,
        action: &str,
        fields: &[(String, String)],
        origin: &str,
    ) -> Page {
        let url = format!("{}{action}", self.server.origin);
        let request = self.http.post(url).header("origin", origin).form(fields);
        Page::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn sign_in(&self, email: &str) {
        let page = self.get("/sign-in").await;
        let with = [("email", email), ("password", PASSWORD)];
        let answer = self.submit(&page, "/sign-in", &with).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
    }
}

impl Page {
    async fn of(answer: reqwest::Response) -> Self {
        let location = answer.headers().get(LOCATION);
        Self {
            status: answer.status(),
            location: location.map(|to| to.to_str().unwrap().to_owned()),
            headers: answer.headers().clone(),
            html: answer.text().await.unwrap(),
        }
    }

    /// Returns the hidden fields of the first form that leads to `action`.
    pub(crate) fn hidden(&self, action: &str) -> Vec<(String, String)> {
        let start = self.html.find(&format!("action=\"{action}\""));
        let start = start.unwrap_or_else(|| panic!("no form for {action} in {}", self.html));
        let form = self.html[start..].split("</form>").next().unwrap();
        let attribute = |tag: &str, name: &str| {
            let (_, rest) = tag.split_once(&format!(" {name}=\"")).unwrap();
            unescape(rest.split('"').next().unwrap())
        };
        form.split("<input type=\"hidden\"")
            .skip(1)
            .map(|tag| (attribute(tag, "name"), attribute(tag, "value")))
            .collect()
    }
}

fn unescape(text: &str) -> String {
    [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Returns a parameter of an address.
pub(crate) fn parameter(url: &url::Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    pairs
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}
