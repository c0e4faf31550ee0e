//! Agents that keep the made-up shop busy: rmcp's own client, one session after the other.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use mcp_usage::{Identity, intent};
use rmcp::model::{
    CallToolRequestParams, ClientCapabilities, ClientConfig, Implementation, JsonObject,
    ProtocolVersion,
};
use rmcp::service::RunningService;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::asks::{ASKS, MISSING};
use super::cast::{self, Client, KNOWN, STALE};
use super::month::fill;
use super::random::Random;
use super::tools::{ABANDONED, BROKEN, Tool};

/// How many sessions there are at a time. Each calls every second or so.
const AGENTS: u64 = 5;
/// Between two calls of a session.
const PAUSE_MS: (i64, i64) = (600, 2_400);
/// Calls of a session at most.
const CALLS: i64 = 9;
const EXPIRED: &str = "a-token-that-has-run-out";

/// Who calls: some of the month's people, who have been there for long.
pub(super) struct Traffic {
    people: Vec<Caller>,
    http: reqwest::Client,
}

#[derive(Clone)]
struct Caller {
    email: String,
    client: &'static Client,
    version: &'static str,
}

impl Traffic {
    pub(super) fn new(seed: u64, now: i64) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let people = cast::people(&mut Random::new(seed), now);
        let people = people
            .into_iter()
            .filter(|person| person.is_there(now) && person.user.id != KNOWN);
        let people = people.filter_map(|person| {
            let email = person.user.email.filter(|email| !email.starts_with('<'))?;
            Some(Caller {
                email,
                client: person.client,
                version: person.version,
            })
        });
        Ok(Self {
            people: people.step_by(9).collect(),
            // The shop is on this machine, so no proxy can reach it.
            http: reqwest::Client::builder().no_proxy().build()?,
        })
    }

    /// Whom the shop lets in, by their tokens.
    pub(super) fn people(&self) -> HashMap<String, Identity<'static>> {
        let people = self.people.iter();
        people
            .map(|person| (token(person), Identity::email(person.email.clone())))
            .collect()
    }

    pub(super) fn expired(&self) -> HashSet<String> {
        HashSet::from([EXPIRED.to_owned()])
    }

    /// Calls until the task ends.
    pub(super) async fn run(self, url: String, seed: u64) {
        let traffic = Arc::new(self);
        let mut agents = JoinSet::new();
        for agent in 1..=AGENTS {
            agents.spawn(agent_of(
                traffic.clone(),
                url.clone(),
                Random::new(seed ^ agent),
            ));
        }
        while agents.join_next().await.is_some() {}
    }
}

fn token(person: &Caller) -> String {
    format!("demo-token-of-{}", person.email)
}

async fn agent_of(traffic: Arc<Traffic>, url: String, mut random: Random) {
    loop {
        if let Some(person) = random.pick(&traffic.people).cloned() {
            // Whatever goes wrong is the shop's to report, and the next session tries again.
            let _ = session(&traffic, &url, &person, &mut random).await;
        }
        sleep(pause(&mut random)).await;
    }
}

fn pause(random: &mut Random) -> Duration {
    Duration::from_millis(random.between(PAUSE_MS.0, PAUSE_MS.1).unsigned_abs())
}

async fn session(
    traffic: &Traffic,
    url: &str,
    person: &Caller,
    random: &mut Random,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    if (person.client.name, person.version) == STALE || random.chance(0.04) {
        let _ = connect(traffic, url, person, EXPIRED).await;
        return Ok(());
    }
    let client = connect(traffic, url, person, &token(person)).await?;
    client.list_all_tools().await?;
    let mut left = random.between(1, CALLS);
    while left > 0 {
        let Some(ask) = random.weighted(&ASKS, |ask| ask.weight) else {
            break;
        };
        let wording = random.pick(ask.wordings).copied().unwrap_or_default();
        let intent = fill(random, wording);
        for tool in ask
            .tools
            .iter()
            .filter(|tool| ![BROKEN, ABANDONED].contains(tool))
        {
            let Some(tool) = Tool::named(tool) else {
                continue;
            };
            call(&client, tool.name, arguments(random, tool, &intent)).await?;
            sleep(pause(random)).await;
            left -= 1;
        }
    }
    if random.chance(0.03)
        && let Some(missing) = random.weighted(&MISSING, |missing| missing.a_day)
    {
        let wording = random.pick(missing.wordings).copied().unwrap_or_default();
        let asked = json!({"capability": fill(random, wording)});
        call(&client, "request_missing_capability", asked).await?;
    }
    client.cancel().await?;
    Ok(())
}

fn arguments(random: &mut Random, tool: &Tool, intent: &str) -> Value {
    let given = tool
        .arguments
        .iter()
        .map(|argument| match argument.strip_suffix('*') {
            Some(number) => (number.to_owned(), json!(random.between(1, 980))),
            None => ((*argument).to_owned(), json!(fill(random, "{p}"))),
        });
    let mut given: JsonObject = given.collect();
    if random.chance(0.85) {
        // No tool has an argument of that name: the instrumentation asks for it, and takes it out.
        given.insert(intent::REO_NAME.to_owned(), json!(intent));
    }
    Value::Object(given)
}

type Connected = RunningService<RoleClient, ClientConfig>;

async fn connect(
    traffic: &Traffic,
    url: &str,
    person: &Caller,
    token: &str,
) -> Result<Connected, Box<dyn Error + Send + Sync>> {
    let mode = match person.client.protocol {
        "2026-07-28" => ClientLifecycleMode::Discover {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        },
        _ => ClientLifecycleMode::Initialize,
    };
    let config = StreamableHttpClientTransportConfig::with_uri(url).auth_header(token);
    let transport = StreamableHttpClientTransport::with_client(traffic.http.clone(), config);
    let name = Implementation::new(person.client.name, person.version);
    let client = ClientConfig::new(ClientCapabilities::default(), name);
    Ok(client.serve_with_lifecycle(transport, mode).await?)
}

async fn call(
    client: &Connected,
    tool: &'static str,
    arguments: Value,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: JsonObject = serde_json::from_value(arguments)?;
    let request = CallToolRequestParams::new(tool).with_arguments(arguments);
    // That it may fail is for the shop to report.
    let _ = client.call_tool(request).await;
    Ok(())
}
