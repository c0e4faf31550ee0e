//! Agents: MCP clients of both eras that send what a test wants sent.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use backlog_server::scope::Scope;
use backlog_server::store::consents::{self, Approval};
use backlog_server::{scope, secret, store};
use mcp_usage::testing::ReceivedEvent;
use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::support::{REDIRECT, Server};

/// Long enough that a slow machine does not fail a test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    Legacy,
    Modern,
}

/// An agent with an access token.
pub(crate) struct Agent<'a> {
    pub(crate) server: &'a Server,
    pub(crate) project: String,
    pub(crate) token: String,
    era: Era,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) challenge: Option<String>,
    pub(crate) body: Value,
    /// The id of the request, unique in this process.
    pub(crate) id: u64,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Server {
    /// Gives an agent of a user's what a consent would give it.
    pub(crate) async fn agent(&self, user: &str, project: &str, scopes: &[Scope]) -> Agent<'_> {
        let verifier = secret::new().unwrap();
        let client_id = self.store.register_client(&[REDIRECT.to_owned()]).await;
        let approval = Approval {
            user_id: user.to_owned(),
            client_id: client_id.unwrap(),
            project_id: project.to_owned(),
            resource: self.resource(project),
            scopes: scopes.iter().copied().collect(),
            redirect_uri: REDIRECT.to_owned(),
            challenge: secret::hash(&verifier),
            name: None,
        };
        let expires_at = self.clock.seconds_after(PATIENCE);
        let given = approval.clone();
        let code = self
            .store
            .run(move |db| consents::insert(db, &given, expires_at))
            .await;
        let redemption = store::grants::Redemption {
            code: code.unwrap(),
            client_id: approval.client_id,
            redirect_uri: None,
            challenge: approval.challenge,
            resource: None,
        };
        let tokens = self.store.redeem(redemption, &self.config).await;
        self.agent_with(project, &tokens.unwrap().unwrap().access)
    }

    /// An agent that has come by a token somehow.
    pub(crate) fn agent_with(&self, project: &str, token: &str) -> Agent<'_> {
        Agent {
            server: self,
            project: project.to_owned(),
            token: token.to_owned(),
            era: Era::Modern,
        }
    }

    /// Runs SQL, as the rest of the product would.
    pub(crate) async fn sql(&self, sql: &str) {
        let sql = sql.to_owned();
        let done = self.store.run(move |db| Ok(db.execute_batch(&sql)?));
        done.await.unwrap();
    }

    /// Reads one number.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let sql = sql.to_owned();
        let read = self
            .store
            .run(move |db| Ok(db.query_row(&sql, [], |row| row.get(0))?));
        read.await.unwrap()
    }

    /// Returns all events so far, once they have been delivered.
    pub(crate) async fn events(&self) -> Vec<ReceivedEvent> {
        self.usage.flush(PATIENCE).await.unwrap();
        assert_eq!(self.ingest.violations(), Vec::<String>::new());
        self.ingest.delivered()
    }

    /// Returns the event of a call.
    pub(crate) async fn event_of(&self, answer: &Answer) -> ReceivedEvent {
        let mut events = self.events().await;
        let id = json!(answer.id.to_string());
        let is_its = |event: &ReceivedEvent| {
            event.activity() == "MCP_TOOL_CALL" && event.meta("request_id") == Some(&id)
        };
        events.retain(is_its);
        assert_eq!(events.len(), 1, "{events:#?}");
        events.remove(0)
    }

    /// Returns what the ingest was told of the step that refused last, and about whom.
    pub(crate) async fn last_refusal(&self) -> (String, String, String) {
        let events = self.events().await;
        let refused = events
            .iter()
            .rev()
            .find(|event| event.meta("refused").is_some());
        let event = refused.unwrap();
        let step = event.meta("refused").unwrap().as_str().unwrap();
        let who = event.user_id().unwrap();
        (event.activity().to_owned(), who.to_owned(), step.to_owned())
    }
}

impl Agent<'_> {
    pub(crate) fn in_era(mut self, era: Era) -> Self {
        self.era = era;
        self
    }

    /// Begins a request as a well-behaved client does.
    pub(crate) fn post(&self, message: &Value) -> RequestBuilder {
        let url = self.server.resource(&self.project);
        let post = self
            .server
            .http
            .post(url)
            .bearer_auth(&self.token)
            .header("accept", "application/json, text/event-stream");
        let post = match self.era {
            Era::Legacy => post.header("mcp-protocol-version", "2025-11-25"),
            Era::Modern => {
                let method = message["method"].as_str().unwrap_or_default();
                let post = post
                    .header("mcp-protocol-version", "2026-07-28")
                    .header("mcp-method", method);
                match message["params"]["name"].as_str() {
                    Some(name) => post.header("mcp-name", name),
                    None => post,
                }
            }
        };
        post.json(message)
    }

    /// Makes a message of this agent's era.
    pub(crate) fn message(&self, id: u64, method: &str, mut params: Value) -> Value {
        if self.era == Era::Modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": {"name": "test-agent", "version": "1.0"},
            });
        }
        json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
    }

    pub(crate) async fn send(&self, method: &str, params: Value) -> Answer {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let message = self.message(id, method, params);
        Answer::of(self.post(&message), id).await
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Answer {
        let params = json!({"name": tool, "arguments": arguments});
        self.send("tools/call", params).await
    }

    /// Calls a tool that is expected to answer, and returns what.
    #[track_caller]
    pub(crate) fn ask(&self, tool: &str, arguments: Value) -> impl Future<Output = Value> {
        let at = std::panic::Location::caller();
        async move {
            let answer = self.call(tool, arguments).await;
            let output = &answer.body["result"]["structuredContent"];
            assert!(!answer.is_error() && output.is_object(), "{at}: {answer:?}");
            output.clone()
        }
    }
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder, id: u64) -> Self {
        let answer = request.send().await.unwrap();
        let challenge = answer.headers().get(WWW_AUTHENTICATE);
        Self {
            id,
            status: answer.status(),
            challenge: challenge.map(|text| text.to_str().unwrap().to_owned()),
            body: serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default(),
        }
    }

    pub(crate) fn is_error(&self) -> bool {
        self.body["result"]["isError"] != false
    }

    /// The text that an agent reads.
    pub(crate) fn text(&self) -> &str {
        let text = &self.body["result"]["content"][0]["text"];
        text.as_str().unwrap_or_default()
    }

    /// The code of a refusal, which its text begins with; empty when the tool has answered.
    pub(crate) fn code(&self) -> &str {
        if !self.is_error() {
            return "";
        }
        let code = self.output()["error"]["code"].as_str();
        let code = code.unwrap_or_else(|| panic!("no code in {}", self.body));
        let text = self.text().strip_prefix(code);
        assert!(
            text.is_some_and(|text| text.starts_with(": ")),
            "{}",
            self.body
        );
        code
    }

    /// What the tool has answered, or the error.
    pub(crate) fn output(&self) -> &Value {
        &self.body["result"]["structuredContent"]
    }
}

/// All scopes but one.
pub(crate) fn all_but(scope: Scope) -> Vec<Scope> {
    let mut scopes = Scope::ALL.to_vec();
    scopes.retain(|known| *known != scope);
    scopes
}

/// The scopes that a challenge asks for.
pub(crate) fn asked_scopes(challenge: &str) -> Vec<Scope> {
    let (_, rest) = challenge.split_once("scope=\"").unwrap();
    let scopes = scope::parse(rest.split('"').next().unwrap()).unwrap();
    scopes.into_iter().collect()
}

/// Polls all futures at once and returns what became of them, in their order.
pub(crate) async fn at_once<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|run| Err(Box::pin(run))).collect();
    poll_fn(|cx| {
        for slot in &mut running {
            if let Err(run) = slot
                && let Poll::Ready(output) = run.as_mut().poll(cx)
            {
                *slot = Ok(output);
            }
        }
        let is_over = running.iter().all(Result::is_ok);
        if is_over {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    running.into_iter().filter_map(Result::ok).collect()
}
