//! A server of a test's own, a browser, and a client that goes all the way to its tokens.

use std::future::pending;
use std::net::IpAddr;
use std::sync::LazyLock;

use backlog_server::clock::Clock;
use backlog_server::config::{Config, PublicUrl};
use backlog_server::serve::serve;
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
        Self::start_as(None, |_| ()).await
    }

    /// Starts a server with settings of a test's own.
    pub(crate) async fn start_with(set: impl FnOnce(&mut Config)) -> Self {
        Self::start_as(None, set).await
    }

    /// Starts a server whose projects have nothing to work on.
    pub(crate) async fn start_empty() -> Self {
        Self::start().await.emptied().await
    }

    pub(crate) async fn emptied(self) -> Self {
        let empty = "DELETE FROM features; DELETE FROM conversations; DELETE FROM announcements;";
        self.sql(empty).await;
        self
    }

    /// Starts a server and asks it for a page as a proxy with TLS would.
    pub(crate) async fn page_behind_https(path: &str) -> Page {
        let server = Self::start_as(Some("https://backlog.example.com"), |_| ()).await;
        let url = format!("{}{path}", server.origin);
        let request = server.http.get(url).header("host", "backlog.example.com");
        Page::of(request.send().await.unwrap()).await
    }

    async fn start_as(public_url: Option<&str>, set: impl FnOnce(&mut Config)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let clock = Clock::default();
        let store = Store::in_memory(clock.clone()).unwrap();
        store
            .run(|db| seed::seed(db, |_| Ok(HASH.clone())))
            .await
            .unwrap();
        let mut config = Config::new(PublicUrl::parse(public_url.unwrap_or(&origin)).unwrap());
        set(&mut config);
        let ingest = MockIngest::builder().api_key(KEY).start().unwrap();
        let usage = backlog_server::usage::settings()
            .env(|_| None)
            .api_key(KEY)
            .endpoint(ingest.endpoint())
            .wire(Wire::ReoBatch)
            .build()
            .unwrap();
        let app = backlog_server::app(config.clone(), store.clone(), usage.clone());
        let head_timeout = config.head_timeout;
        tokio::spawn(serve(listener, app, head_timeout, pending()));
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
        self.code_of(&self.decided(browser, "approve").await)
    }

    /// Takes the code out of where the browser was sent.
    pub(crate) fn code_of(&self, there: &url::Url) -> Code {
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
            code: parameter(there, "code").unwrap(),
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
        Self::at(server, IpAddr::from([127, 0, 0, 1]))
    }

    /// A browser on another host: each address of 127.0.0.0/8 is one.
    pub(crate) fn at(server: &'a Server, address: IpAddr) -> Self {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .cookie_store(true)
            .local_address(address)
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
        let mut fields = page.fields(action);
        // What a person types stands in place of what was there.
        fields.retain(|(known, _)| more.iter().all(|(name, _)| name != known));
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

    /// Returns what the first form that leads to `action` sends as it stands: its hidden fields, ticked boxes and
    /// texts.
    pub(crate) fn fields(&self, action: &str) -> Vec<(String, String)> {
        let start = self.html.find(&format!("action=\"{action}\""));
        let start = start.unwrap_or_else(|| panic!("no form for {action} in {}", self.html));
        let form = self.html[start..].split("</form>").next().unwrap();
        let inputs = form.split("<input ").skip(1);
        inputs
            .filter_map(|input| {
                let tag = input.split_once('>').unwrap().0;
                let is_left_out = tag.contains("type=\"checkbox\"") && !tag.contains(" checked");
                let name = attribute(tag, "name")?;
                let value = attribute(tag, "value").unwrap_or_default();
                (!is_left_out).then_some((name, value))
            })
            .collect()
    }

    /// Returns the text of an element, as a person reads it.
    pub(crate) fn text_of(&self, id: &str) -> String {
        let (_, rest) = self.html.split_once(&format!("id=\"{id}\"")).unwrap();
        let inner = rest.split_once('>').unwrap().1;
        unescape(inner.split('<').next().unwrap())
    }
}

/// Returns an attribute of a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = format!(" {tag}")
        .split_once(&format!(" {name}=\""))
        .map(|(before, rest)| (before.to_owned(), rest.to_owned()))?;
    Some(unescape(rest.split('"').next()?))
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
