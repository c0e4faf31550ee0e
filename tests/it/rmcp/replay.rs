//! The recorded sessions of the Python SDKs, played again on an instrumented rmcp server: the same events, but for
//! the differences listed here.

use mcp_usage::{Caller, Identity};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    ListToolsResult, PaginatedRequestParams, RequestMetaObject, ServerCapabilities, ServerConfig,
    Tool,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde_json::{Map, Value, json};

use super::server::*;
use crate::support::mcpeye;
use crate::support::secret::openai;

const REO: &str = include_str!("../golden/reo-census-mcp-0.5.0.json");
const MCPEYE: &str = include_str!("../golden/mcpeye-0.1.5.json");

/// Where an event of a session differs, and why.
type Listed = &'static [(usize, &'static str, &'static str)];

/// What differs in every event.
const EVERYWHERE: &[&str] = &[
    // Ours to choose.
    "/event_id",
    "/event_at",
    "/callId",
    "/timestamp",
    "/user_agent",
    // Measured.
    "/meta/duration_ms",
    "/durationMs",
    // Facts of the session and of the call's end, which those SDKs do not send.
    "/meta/outcome",
    "/meta/session_id",
    "/meta/client_name",
    "/meta/client_version",
    "/meta/client_class",
    "/meta/protocol_version",
    "/meta/era",
    "/meta/transport",
    "/meta/request_id",
    "/meta/redactions",
    // Who captured it, and as its which.
    "/meta/instance",
    "/meta/sequence",
];

/// The server of the recordings: its tools answer as they did there.
struct Recorded(Vec<Tool>);

impl ServerHandler for Recorded {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.0.clone()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let text = |name: &str| arguments[name].as_str().unwrap_or_default().to_owned();
        let answer = match &*request.name {
            "search" => format!("hit:{}", text("query")),
            "native" => text("q"),
            "owns" => text("mcpeyeIntent"),
            "boom" => {
                let text = "Error executing tool boom: no such thing for bob@example.com";
                return Ok(CallToolResult::error(vec![ContentBlock::text(text)]).into());
            }
            _ => arguments["rows"].to_string(),
        };
        let mut result = CallToolResult::success(vec![ContentBlock::text(&*answer)]);
        result.structured_content = Some(json!({"result": answer}));
        Ok(result.into())
    }
}

/// The recorded tools without what the SDK has added to them.
fn tools(recorded: &Value, added: &str) -> Vec<Tool> {
    recorded
        .as_array()
        .unwrap()
        .iter()
        .filter(|tool| tool["name"] != "mcpeye_request_capability")
        .map(|tool| {
            let mut schema = tool["inputSchema"].as_object().unwrap().clone();
            if tool["name"] != "owns" {
                let properties = schema["properties"].as_object_mut().unwrap();
                properties.shift_remove(added).unwrap();
            }
            if tool["name"] == "native" {
                schema["properties"]["intent"]["description"] =
                    json!("Why you call this tool, for product analytics.");
            }
            Tool::new_with_raw(tool["name"].as_str().unwrap().to_owned(), None, schema)
        })
        .collect()
}

/// The paths at which two values differ.
fn differences(at: &str, ours: Option<&Value>, theirs: Option<&Value>, found: &mut Vec<String>) {
    if let (Some(Value::Object(ours)), Some(Value::Object(theirs))) = (ours, theirs) {
        let more = theirs.keys().filter(|key| !ours.contains_key(*key));
        for key in ours.keys().chain(more) {
            let at = format!("{at}/{key}");
            differences(&at, ours.get(key), theirs.get(key), found);
        }
    } else if ours != theirs {
        found.push(at.to_owned());
    }
}

/// Fails on a difference that is not listed, and on a listed one that does not occur.
#[track_caller]
fn compare(ours: &[Value], theirs: &[Value], listed: Listed) {
    assert_eq!(ours.len(), theirs.len(), "{ours:#?}");
    let mut found = Vec::new();
    for (n, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let mut paths = Vec::new();
        differences("", Some(ours), Some(theirs), &mut paths);
        paths.retain(|path| !EVERYWHERE.contains(&&**path));
        found.extend(paths.into_iter().map(|path| (n, path)));
    }
    let expected: Vec<_> = listed
        .iter()
        .map(|(n, path, _)| (*n, (*path).to_owned()))
        .collect();
    assert_eq!(found, expected, "{ours:#?}");
}

async fn play(client: &Client, who: Option<&str>, tool: &'static str, arguments: Value) {
    let mut request = request(tool, arguments);
    if let Some(who) = who {
        let mut meta = RequestMetaObject::new();
        meta.0.0.insert("who".to_owned(), who.into());
        request.meta = Some(meta);
    }
    client.call_tool(request).await.unwrap();
}

fn nested(depth: usize) -> Value {
    (0..depth).rev().fold(json!("deep"), |inner, level| {
        let name = char::from(b'a' + level as u8).to_string();
        Value::Object(Map::from_iter([(name, inner)]))
    })
}

#[tokio::test]
async fn the_session_of_reo_census_mcp_gives_the_same_events() {
    let scenarios: Value = serde_json::from_str(REO).unwrap();
    let scenario = |name: &str| {
        let scenarios = scenarios.as_array().unwrap();
        scenarios.iter().find(|s| s["name"] == name).unwrap()
    };
    let kept = Kept::with(|builder| {
        builder
            .identity(Identity::email("rachel@reo.dev"))
            .product_id("reoWebApp")
            .meta("mode", "authenticated")
    });
    let tools = tools(&scenario("tools_list_as_client_sees_it")["tools"], "prompt");
    let server = kept.usage.instrument(Recorded(tools)).logins(false);
    let (client, _serving) = over_stream(server, legacy()).await;
    client.list_all_tools().await.unwrap();
    client.list_all_tools().await.unwrap();
    let first = json!({
        "query": "ruby on rails", "limit": 5, "password": "hunter2", "prompt": "who uses rails?",
    });
    play(&client, None, "search", first).await;
    let long = json!({"query": "q".repeat(2_000), "limit": 5, "note": "n".repeat(9_000)});
    play(&client, None, "search", long).await;
    play(&client, None, "boom", json!({"x": 1})).await;
    let mut many = json!({"rows": (0..200).collect::<Vec<_>>(), "deep": nested(5)});
    for n in 0..100 {
        many[format!("k{n}")] = json!(n);
    }
    play(&client, None, "big", many).await;
    let wide = vec!["r".repeat(3_000); 40];
    play(&client, None, "big", json!({"rows": wide})).await;

    let ours = kept.events().await;
    let requests = scenario("instrumented_session")["requests"]
        .as_array()
        .unwrap();
    let mut theirs: Vec<Value> = requests
        .iter()
        .map(|request| request["body"]["payload"].clone())
        .collect();
    // The recording shortens the two long strings and says how long they were.
    let long = &mut theirs[2]["meta"]["tool_arguments"];
    assert!(long["query"].as_str().unwrap().contains("(1200 chars)"));
    assert!(long["note"].as_str().unwrap().contains("(4000 chars)"));
    long["query"] = json!(format!("{}...", "q".repeat(1_197)));
    long["note"] = json!(format!("{}...", "n".repeat(3_997)));
    compare(
        &ours,
        &theirs,
        &[
            (0, "/meta/tool_definitions", "an extra key of ours"),
            (1, "/meta/intent_source", "an extra key of ours"),
            (1, "/meta/result_bytes", "an extra key of ours"),
            (1, "/meta/tool_arguments/password", "one set of marks"),
            (
                1,
                "/meta/tool_arguments/prompt",
                "taken out; it reaches the handler there",
            ),
            (2, "/meta/result_bytes", "an extra key of ours"),
            (3, "/meta/error", "lost there by mistake"),
            (3, "/meta/result_bytes", "an extra key of ours"),
            (4, "/meta/result_bytes", "an extra key of ours"),
            (
                4,
                "/meta/tool_arguments/deep/a/b/c/d",
                "real arguments nest deeper",
            ),
            (5, "/meta/result_bytes", "an extra key of ours"),
        ],
    );
}

#[tokio::test]
async fn the_session_of_mcpeye_gives_the_same_events() {
    let recording: Value = serde_json::from_str(MCPEYE).unwrap();
    let kept = Kept::on(mcpeye());
    let tools = tools(&recording["tools"], "mcpeyeIntent");
    let server = kept
        .usage
        .instrument(Recorded(tools))
        .results(true)
        .missing_capability(true)
        .identify(|context| match context.meta.0.0.get("who")?.as_str()? {
            "u1" => Some(Caller::new(
                Identity::new("u1", "INTERNAL").with_email("a@b.co"),
            )),
            who => Some(Caller::new(Identity::new(who.to_owned(), "INTERNAL"))),
        });
    let (client, _serving) = over_stream(server, legacy()).await;
    let listed = serde_json::to_value(client.list_all_tools().await.unwrap()).unwrap();
    let names = |tools: &Value| -> Vec<(Value, Vec<String>)> {
        let tools = tools.as_array().unwrap();
        tools
            .iter()
            .map(|tool| {
                let properties = tool["inputSchema"]["properties"].as_object().unwrap();
                (tool["name"].clone(), properties.keys().cloned().collect())
            })
            .collect()
    };
    assert_eq!(names(&listed), names(&recording["tools"]));

    let phone = ["+1 (555)", "010-9999"].join(" ");
    let search = json!({
        "query": format!("mail bob@example.com key {}", openai()),
        "limit": 5, "password": "hunter2", "ssn": "078-05-1120",
        "mcpeyeIntent": format!("user wants rails companies; contact {phone}"),
    });
    play(&client, Some("u1"), "search", search).await;
    let plain = json!({"query": "plain", "limit": 5});
    play(&client, Some("u2"), "search", plain).await;
    play(&client, None, "boom", json!({"x": 1})).await;
    play(
        &client,
        None,
        "big",
        json!({"rows": vec!["r".repeat(400); 100]}),
    )
    .await;
    let native = json!({"intent": "wanted csv export", "q": "x"});
    play(&client, None, "native", native).await;
    play(&client, None, "owns", json!({"mcpeyeIntent": "mine"})).await;
    let asks = json!({"capability": "export as PDF", "context": "monthly report"});
    play(&client, None, "mcpeye_request_capability", asks).await;

    let ours = kept.events().await;
    let theirs = recording["requests"][0]["body"]["events"]
        .as_array()
        .unwrap();
    let ours: Vec<_> = ours.into_iter().map(without_session).collect();
    let theirs: Vec<_> = theirs.iter().cloned().map(without_nulls).collect();
    compare(
        &ours,
        &theirs,
        &[
            (0, "/intent", "phone numbers are marked whole"),
            (3, "/arguments/rows", "cut by the limits, not replaced"),
            (
                3,
                "/arguments/[truncated]",
                "cut by the limits, not replaced",
            ),
            (3, "/arguments/bytes", "cut by the limits, not replaced"),
            (3, "/result", "cut by the limits, not replaced"),
            (6, "/result/content", "its words are ours"),
            (6, "/result/isError", "it is sent with every result"),
        ],
    );
}

/// A stranger's session stands for them; the recording has none.
fn without_session(mut event: Value) -> Value {
    let is_stranger = event["userId"]
        .as_str()
        .is_some_and(|user| user.starts_with("anonymous-"));
    if is_stranger {
        event.as_object_mut().unwrap().shift_remove("userId");
    }
    event
}

/// What is absent is spelled `null` in results there.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}
