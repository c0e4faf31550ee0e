//! Whose an argument is: a tool gets what it would get without instrumentation, but for what is ours by its schema.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use mcp_usage::UsageLogger;
use mcp_usage::tower::UsageLayer;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, JsonObject,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler, schemars, tool, tool_handler, tool_router};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::server::*;

pub(super) fn made(name: impl Into<std::borrow::Cow<'static, str>>, schema: &Value) -> Tool {
    let schema: JsonObject = serde_json::from_value(schema.clone()).unwrap();
    Tool::new_with_raw(name, None, schema)
}

/// Returns the tools that it shows to a user.
type Shown = Arc<dyn Fn(Option<&str>) -> Vec<Tool> + Send + Sync>;

/// Answers with the arguments it gets; shows other tools to other users.
#[derive(Clone)]
pub(super) struct Echo {
    shown: Shown,
    looks_up: bool,
    page: usize,
    /// Answers calls of tools that it does not show.
    answers_all: bool,
    /// How often it was asked for a page of its tools.
    asked: Arc<Mutex<usize>>,
    /// So many pages are answered.
    answers: usize,
}

impl Echo {
    pub(super) fn new(shown: impl Fn(Option<&str>) -> Vec<Tool> + Send + Sync + 'static) -> Self {
        Self {
            shown: Arc::new(shown),
            looks_up: false,
            page: usize::MAX,
            answers_all: false,
            asked: Arc::default(),
            answers: usize::MAX,
        }
    }

    fn hanging_after(mut self, answers: usize) -> Self {
        self.answers = answers;
        self
    }

    pub(super) fn of(tools: Vec<Tool>) -> Self {
        Self::new(move |_| tools.clone())
    }

    /// Looks tools up by their names.
    pub(super) fn looking_up(self, looks_up: bool) -> Self {
        Self { looks_up, ..self }
    }

    pub(super) fn answering_all(self) -> Self {
        Self {
            answers_all: true,
            ..self
        }
    }

    /// Shows so many tools on a page.
    fn paged(self, page: usize) -> Self {
        Self { page, ..self }
    }

    fn shown_in(&self, context: &RequestContext<RoleServer>) -> Vec<Tool> {
        let http = context.extensions.get::<http::request::Parts>();
        let user = http.and_then(|http| http.headers.get("x-user")?.to_str().ok());
        (self.shown)(user)
    }
}

impl ServerHandler for Echo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let mut tools = self.looks_up.then(|| (self.shown)(None))?.into_iter();
        tools.find(|tool| tool.name == name)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let asked = {
            let mut asked = self.asked.lock().unwrap();
            *asked += 1;
            *asked
        };
        if asked > self.answers {
            std::future::pending::<()>().await;
        }
        let tools = self.shown_in(&context);
        let start = request.and_then(|request| request.cursor);
        let start: usize = start.map_or(0, |start| start.parse().unwrap());
        let end = start.saturating_add(self.page).min(tools.len());
        let mut result = ListToolsResult::with_all_items(tools[start..end].to_vec());
        result.next_cursor = (end < tools.len()).then(|| end.to_string());
        Ok(result)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tools = self.shown_in(&context);
        let is_known = tools.iter().any(|tool| tool.name == request.name);
        if !is_known && !self.answers_all {
            return Err(ErrorData::invalid_params("unknown tool", None));
        }
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        Ok(CallToolResult::success(vec![ContentBlock::text(arguments.to_string())]).into())
    }
}

fn silent() -> Value {
    json!({"type": "object", "properties": {"a": {"type": "integer"}}})
}

fn with(schema: &Value, keyword: &str, value: &Value) -> Value {
    let mut schema = schema.clone();
    schema[keyword] = value.clone();
    schema
}

fn closed() -> Value {
    with(&silent(), "additionalProperties", &json!(false))
}

fn strict() -> Value {
    with(&closed(), "required", &json!(["a"]))
}

/// Has a `prompt` of its own.
fn owning() -> Value {
    json!({"type": "object", "properties": {"prompt": {"type": "string"}}})
}

/// What reaches a tool of an instrumented server: looked up, and listed.
async fn reaching(schema: &Value, arguments: &Value) -> String {
    let mut seen = Vec::new();
    for looks_up in [true, false] {
        let kept = Kept::new();
        let server = Echo::of(vec![made("t", schema)]).looking_up(looks_up);
        let (client, _serving) = over_stream(kept.usage.instrument(server), legacy()).await;
        seen.push(call(&client, "t", arguments.clone()).await);
    }
    assert_eq!(seen[0], seen[1], "{schema}");
    seen.swap_remove(0)
}

async fn is_left(schema: Value, arguments: Value) {
    let seen = reaching(&schema, &arguments).await;
    assert_eq!(seen, arguments.to_string(), "{schema}");
    let tool = made("t", &schema);
    let kept = Kept::new();
    let server = kept.usage.instrument(Echo::of(vec![tool.clone()]));
    let (client, _serving) = over_stream(server, modern()).await;
    assert_eq!(client.list_all_tools().await.unwrap(), [tool], "{schema}");
}

#[tokio::test]
async fn a_tool_that_takes_any_argument_gets_its_prompt() {
    for open in [json!(true), json!({"type": "string"})] {
        let schema = with(&silent(), "additionalProperties", &open);
        is_left(schema, json!({"prompt": "mine", "a": 1})).await;
    }
}

#[tokio::test]
async fn a_tool_whose_schema_is_composed_gets_its_prompt() {
    let owning = owning();
    for (keyword, value) in [
        ("oneOf", json!([owning])),
        ("anyOf", json!([owning])),
        ("allOf", json!([owning])),
        ("$ref", json!("#/$defs/Own")),
        ("if", owning.clone()),
        ("patternProperties", json!({"^p": {}})),
        ("propertyNames", json!({"pattern": "^p"})),
        ("dependentSchemas", json!({"a": owning})),
        ("unevaluatedProperties", json!(true)),
    ] {
        let schema = with(&silent(), keyword, &value);
        is_left(schema, json!({"prompt": "mine", "a": 1})).await;
    }
}

#[tokio::test]
async fn a_strict_tool_is_given_no_property_and_loses_nothing() {
    for prompt in [json!("why"), json!(7), json!(null)] {
        is_left(strict(), json!({"a": 1, "prompt": prompt})).await;
    }
}

#[tokio::test]
async fn a_prompt_that_is_no_text_is_left_unless_the_schema_is_closed() {
    for prompt in [json!(7), json!(null), json!(["why"]), json!({"why": 1})] {
        let arguments = json!({"prompt": prompt, "a": 1});
        let seen = reaching(&silent(), &arguments).await;
        assert_eq!(seen, arguments.to_string());
        assert_eq!(reaching(&closed(), &arguments).await, r#"{"a":1}"#);
    }
    let text = json!({"prompt": "", "a": 1});
    for schema in [silent(), closed()] {
        assert_eq!(reaching(&schema, &text).await, r#"{"a":1}"#);
    }
}

#[tokio::test]
async fn what_a_recursive_schema_would_ask_for_within_an_argument_is_not_asked_for() {
    let tree = json!({"type": "array", "items": {"$ref": "#"}});
    let mut schema = silent();
    schema["properties"]["children"] = tree;
    is_left(schema, json!({"children": [{"a": 1}], "prompt": "mine"})).await;
}

const BOTH: fn() -> Value = || json!({"prompt": "a cat", "a": 1});

#[tokio::test]
async fn two_servers_of_one_type_with_one_logger_never_mix() {
    for looks_up in [true, false] {
        let kept = Kept::new();
        let serve = |schema: &Value| {
            let server = Echo::of(vec![made("t", schema)]).looking_up(looks_up);
            over_stream(kept.usage.instrument(server), legacy())
        };
        let (plain, _serving) = serve(&closed()).await;
        let (own, _serving) = serve(&owning()).await;
        let (strict, _serving) = serve(&strict()).await;
        plain.list_all_tools().await.unwrap();
        for _ in 0..2 {
            assert_eq!(call(&plain, "t", BOTH()).await, r#"{"a":1}"#);
            assert_eq!(call(&own, "t", BOTH()).await, BOTH().to_string());
            assert_eq!(call(&strict, "t", BOTH()).await, BOTH().to_string());
        }
        let shown = strict.list_all_tools().await.unwrap();
        assert!(shown[0].input_schema["properties"]["prompt"].is_null());
    }
}

/// Shows a closed tool to Ann, one with a prompt of its own to Bob, and to others one of another name.
fn tenants() -> Echo {
    Echo::new(|user| {
        vec![match user {
            Some("ann") => made("t", &closed()),
            Some("bob") => made("t", &owning()),
            _ => made("other", &closed()),
        }]
    })
}

#[tokio::test]
async fn tenants_of_one_server_never_mix() {
    for (era, mode) in eras() {
        let kept = Kept::new();
        let usage = kept.usage.clone();
        let factory = move || Ok(usage.instrument(tenants()));
        let http = over_http(factory, StreamableHttpServerConfig::default()).await;
        let ann = connect(&http.url, Some("ann"), mode.clone()).await;
        let bob = connect(&http.url, Some("bob"), mode.clone()).await;
        let eve = connect(&http.url, Some("eve"), mode).await;
        for client in [&ann, &bob, &eve, &bob, &ann] {
            client.list_all_tools().await.unwrap();
            assert_eq!(call(&ann, "t", BOTH()).await, r#"{"a":1}"#, "{era}");
            assert_eq!(call(&bob, "t", BOTH()).await, BOTH().to_string(), "{era}");
            let denied = call(&eve, "t", BOTH()).await;
            assert!(denied.contains("unknown tool"), "{era}: {denied}");
        }
        let calls = kept.calls().await;
        for call in &calls {
            let is_eve = call["user_id"] == "eve";
            let unknown = call["meta"].get("unknown_tool");
            assert_eq!(unknown.is_some(), is_eve, "{era}: {call}");
        }
        // Each list of tools and definitions is reported once, whoever was shown it.
        let events = kept.events().await;
        let lists: Vec<_> = events
            .iter()
            .filter(|event| event["activity_type"] == "MCP_INIT")
            .map(|event| &event["meta"]["tools"])
            .collect();
        let (t, other) = (json!(["t"]), json!(["other"]));
        assert_eq!(lists, [&t, &t, &other], "{era}");
    }
}

#[tokio::test]
async fn the_layer_reports_the_list_of_each_tenant() {
    let kept = Kept::new();
    let service = StreamableHttpService::new(
        || Ok(tenants()),
        Arc::<LocalSessionManager>::default(),
        StreamableHttpServerConfig::default(),
    );
    let app = Router::new().nest_service("/mcp", service);
    let http = serve_app(app.layer(UsageLayer::new(&kept.usage))).await;
    for user in ["ann", "eve", "bob"] {
        let client = connect(&http.url, Some(user), modern()).await;
        client.list_all_tools().await.unwrap();
    }
    let events = kept.events().await;
    let lists: Vec<_> = events.iter().map(|event| &event["meta"]["tools"]).collect();
    let (t, other) = (json!(["t"]), json!(["other"]));
    assert_eq!(lists, [&t, &other, &t]);
}

#[tokio::test]
async fn a_tool_may_change_its_schema_while_the_server_runs() {
    for looks_up in [true, false] {
        let schema = Arc::new(Mutex::new(closed()));
        let now = Arc::clone(&schema);
        let server = Echo::new(move |_| vec![made("t", &now.lock().unwrap())]);
        let kept = Kept::new();
        let server = kept.usage.instrument(server.looking_up(looks_up));
        let (client, _serving) = over_stream(server, legacy()).await;
        client.list_all_tools().await.unwrap();
        for (next, seen) in [
            (closed(), r#"{"a":1}"#),
            (owning(), r#"{"prompt":"a cat","a":1}"#),
            (silent(), r#"{"a":1}"#),
            (strict(), r#"{"prompt":"a cat","a":1}"#),
        ] {
            *schema.lock().unwrap() = next;
            assert_eq!(call(&client, "t", BOTH()).await, seen);
        }
    }
}

#[tokio::test]
async fn a_tool_that_appears_after_a_typo_loses_our_argument_at_once() {
    let tools = Arc::new(Mutex::new(vec![made("old", &closed())]));
    let now = Arc::clone(&tools);
    let kept = Kept::new();
    let server = kept
        .usage
        .instrument(Echo::new(move |_| now.lock().unwrap().clone()));
    let (client, _serving) = over_stream(server, legacy()).await;
    call(&client, "odl", BOTH()).await;
    tools.lock().unwrap().push(made("new", &closed()));
    assert_eq!(call(&client, "new", BOTH()).await, r#"{"a":1}"#);
}

#[tokio::test]
async fn a_replica_that_has_listed_nothing_takes_our_argument_out() {
    for looks_up in [true, false] {
        let listing = Kept::new();
        let server = move || Echo::of(vec![made("t", &closed())]).looking_up(looks_up);
        let usage = listing.usage.clone();
        let replica = over_http(
            move || Ok(usage.instrument(server())),
            StreamableHttpServerConfig::default(),
        );
        let replica = replica.await;
        let client = connect(&replica.url, None, modern()).await;
        let tools = client.list_all_tools().await.unwrap();
        assert!(tools[0].input_schema["properties"]["prompt"].is_object());

        let called = Kept::new();
        let usage = called.usage.clone();
        let replica = over_http(
            move || Ok(usage.instrument(server())),
            StreamableHttpServerConfig::default(),
        );
        let replica = replica.await;
        let client = connect(&replica.url, None, modern()).await;
        assert_eq!(call(&client, "t", BOTH()).await, r#"{"a":1}"#);
        assert_eq!(called.only(&called.calls().await)["prompt"], "a cat");
    }
}

#[tokio::test]
async fn a_server_is_asked_for_its_tools_only_as_far_as_a_call_needs_them() {
    let server = Echo::of(vec![
        made("first", &closed()),
        made("second", &closed()),
        made("third", &closed()),
    ]);
    let server = server.paged(1);
    let asked = Arc::clone(&server.asked);
    let kept = Kept::new();
    let (client, _serving) = over_stream(kept.usage.instrument(server), legacy()).await;
    for (tool, arguments, pages) in [
        ("second", json!({"a": 1}), 0),
        ("first", BOTH(), 1),
        ("second", BOTH(), 2),
        ("none", BOTH(), 3),
    ] {
        *asked.lock().unwrap() = 0;
        call(&client, tool, arguments).await;
        assert_eq!(*asked.lock().unwrap(), pages, "{tool}");
    }
    // What we ask for ourselves is nobody's listing.
    let events = kept.events().await;
    assert!(events.iter().all(is_call), "{events:#?}");
}

/// What is asked for to report it may never come.
#[tokio::test]
async fn a_listing_does_not_wait_for_pages_that_are_asked_for_again() {
    let tools: Vec<_> = (0..3).map(|n| made(format!("t{n}"), &closed())).collect();
    let kept = Kept::new();
    let server = Echo::of(tools).paged(1).hanging_after(3);
    let (client, _serving) = over_stream(kept.usage.instrument(server), legacy()).await;
    let listed = client.list_all_tools();
    let listed = tokio::time::timeout(Duration::from_secs(20), listed).await;
    assert_eq!(listed.unwrap().unwrap().len(), 3);
}

/// However far behind the first page a tool is listed.
#[tokio::test]
async fn a_tool_of_any_page_loses_our_argument() {
    let tools: Vec<_> = (0..100).map(|n| made(format!("t{n}"), &closed())).collect();
    let kept = Kept::new();
    let server = Echo::of(tools).paged(1);
    let (client, _serving) = over_stream(kept.usage.instrument(server), legacy()).await;
    let listed = client.list_all_tools().await.unwrap();
    for (n, name) in [(0, "t0"), (31, "t31"), (32, "t32"), (99, "t99")] {
        assert!(listed[n].input_schema["properties"]["prompt"].is_object());
        assert_eq!(call(&client, name, BOTH()).await, r#"{"a":1}"#, "{n}");
    }
}

/// Calls ask `get_tool`, which knows no callers, and so may know another schema than is listed.
#[tokio::test]
async fn a_property_that_is_listed_is_taken_out_whatever_schema_is_looked_up() {
    let open = || with(&silent(), "additionalProperties", &json!(true));
    let schemas = || [silent(), closed(), strict(), owning(), open()];
    for listed in schemas() {
        for looked_up in schemas() {
            let at = format!("{listed}, {looked_up}");
            let kept = Kept::new();
            let shown = listed.clone();
            let server = Echo::new(move |user| {
                let schema = if user.is_some() { &shown } else { &looked_up };
                vec![made("t", schema)]
            });
            let server = server.looking_up(true);
            let usage = kept.usage.clone();
            let factory = move || Ok(usage.instrument(server.clone()));
            let http = over_http(factory, StreamableHttpServerConfig::default()).await;
            let client = connect(&http.url, Some("ann"), modern()).await;
            let tools = client.list_all_tools().await.unwrap();
            let schema = Value::Object((*tools[0].input_schema).clone());
            if schema != listed {
                assert_eq!(call(&client, "t", BOTH()).await, r#"{"a":1}"#, "{at}");
            }
        }
    }
}

#[tokio::test]
async fn a_listing_of_many_pages_is_reported_as_its_caller_sees_it_whoever_lists_in_between() {
    let server = Echo::new(|user| {
        let name = |part: &str| format!("{}-{part}", user.unwrap());
        vec![
            made(name("first"), &closed()),
            made(name("second"), &closed()),
        ]
    });
    let server = server.paged(1);
    let kept = Kept::new();
    let usage = kept.usage.clone();
    let factory = move || Ok(usage.instrument(server.clone()));
    let http = over_http(factory, StreamableHttpServerConfig::default()).await;
    let ann = connect(&http.url, Some("ann"), modern()).await;
    let bob = connect(&http.url, Some("bob"), modern()).await;
    let second = || Some(PaginatedRequestParams::default().with_cursor(Some("1".to_owned())));
    for (client, page) in [
        (&ann, None),
        (&bob, None),
        (&ann, second()),
        (&bob, second()),
    ] {
        client.list_tools(page).await.unwrap();
    }
    let events = kept.events().await;
    let lists: Vec<_> = events
        .iter()
        .filter(|event| event["activity_type"] == "MCP_INIT")
        .map(|event| (&event["user_id"], &event["meta"]["tools"]))
        .collect();
    assert_eq!(
        lists,
        [
            (&json!("ann"), &json!(["ann-first", "ann-second"])),
            (&json!("bob"), &json!(["bob-first", "bob-second"])),
        ]
    );
}

/// How a server fails to say what tools it has.
#[derive(Clone, Copy)]
enum Fails {
    PanicsAtOnce,
    Panics,
    Refuses,
    GoesInCircles,
    NeverEnds,
}

struct Unlisted {
    fails: Fails,
    /// How many pages it was asked for.
    asked: Arc<Mutex<usize>>,
}

impl ServerHandler for Unlisted {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    fn get_tool(&self, _: &str) -> Option<Tool> {
        panic!("a lookup of the test's");
    }

    fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> impl Future<Output = Result<ListToolsResult, ErrorData>> + Send + '_ {
        if matches!(self.fails, Fails::PanicsAtOnce) {
            panic!("a listing of the test's");
        }
        async {
            let mut result = ListToolsResult::default();
            let page = {
                let mut asked = self.asked.lock().unwrap();
                *asked += 1;
                *asked
            };
            match self.fails {
                Fails::Refuses => return Err(ErrorData::internal_error("not now", None)),
                Fails::GoesInCircles => result.next_cursor = Some((page % 3).to_string()),
                Fails::NeverEnds => result.next_cursor = Some(page.to_string()),
                _ => panic!("a listing of the test's"),
            }
            Ok(result)
        }
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        Ok(CallToolResult::success(vec![ContentBlock::text(arguments.to_string())]).into())
    }
}

#[tokio::test]
async fn a_server_that_fails_to_list_its_tools_is_called_as_it_is() {
    for (fails, pages) in [
        (Fails::PanicsAtOnce, 0),
        (Fails::Panics, 1),
        (Fails::Refuses, 1),
        (Fails::GoesInCircles, 9),
        (Fails::NeverEnds, 10_000),
    ] {
        let kept = Kept::new();
        let asked: Arc<Mutex<usize>> = Arc::default();
        let server = Unlisted {
            fails,
            asked: Arc::clone(&asked),
        };
        let server = kept.usage.instrument(server);
        let (client, _serving) = over_stream(server, legacy()).await;
        assert_eq!(call(&client, "t", BOTH()).await, BOTH().to_string());
        assert!(*asked.lock().unwrap() <= pages);
        let calls = kept.calls().await;
        assert_eq!(kept.only(&calls)["outcome"], "ok");
    }
}

/// Told apart by a tag, as the macros make it: `oneOf` at the root.
#[derive(Deserialize, Serialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[schemars(extend("type" = "object"))]
enum Drawing {
    Picture { prompt: String },
    Blank,
}

#[derive(Deserialize, Serialize, schemars::JsonSchema)]
struct Labels {
    id: u32,
    #[serde(flatten)]
    labels: Map<String, Value>,
}

#[derive(Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Optional {
    a: Option<u32>,
}

#[derive(Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tree {
    #[serde(default)]
    children: Vec<Self>,
}

/// Made by the macros; answers with what it has read.
#[derive(Clone)]
struct Macros {
    tools: ToolRouter<Self>,
}

fn read<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

#[tool_router]
impl Macros {
    #[tool]
    async fn draw(&self, Parameters(drawing): Parameters<Drawing>) -> String {
        read(&drawing)
    }

    #[tool]
    async fn label(&self, Parameters(labels): Parameters<Labels>) -> String {
        read(&labels)
    }

    #[tool]
    async fn optional(&self, Parameters(optional): Parameters<Optional>) -> String {
        read(&optional)
    }

    #[tool]
    async fn tree(&self, Parameters(tree): Parameters<Tree>) -> String {
        read(&tree)
    }

    #[tool]
    async fn raw(&self, Parameters(arguments): Parameters<JsonObject>) -> String {
        read(&arguments)
    }
}

#[tool_handler(router = self.tools)]
impl ServerHandler for Macros {}

#[tokio::test]
async fn tools_made_by_the_macros_read_what_they_would_without_us() {
    let server = || Macros {
        tools: Macros::tool_router(),
    };
    let kept = Kept::new();
    let (plain, _serving) = over_stream(server(), legacy()).await;
    let (client, _serving) = over_stream(kept.usage.instrument(server()), legacy()).await;
    for (tool, arguments) in [
        ("draw", json!({"kind": "picture", "prompt": "a cat"})),
        ("draw", json!({"kind": "blank"})),
        ("label", json!({"id": 1, "prompt": "mine", "b": 2})),
        ("label", json!({"id": 1, "prompt": 7})),
        ("tree", json!({"children": [{"children": []}]})),
        ("raw", json!({"prompt": "mine"})),
        ("raw", json!({"prompt": ["mine"]})),
        ("optional", json!({"a": 1})),
    ] {
        let seen = call(&client, tool, arguments.clone()).await;
        assert_eq!(seen, call(&plain, tool, arguments.clone()).await);
        assert!(!seen.contains("failed"), "{tool} {arguments}: {seen}");
    }
    for (tool, arguments) in [
        ("optional", json!({"a": 1})),
        ("tree", json!({"children": [{"children": []}]})),
    ] {
        let mut asked = arguments.clone();
        asked["prompt"] = json!("why");
        assert_eq!(call(&client, tool, asked).await, arguments.to_string());
    }
    let names: Vec<_> = client
        .list_all_tools()
        .await
        .unwrap()
        .into_iter()
        .filter(|tool| {
            json!(*tool.input_schema)
                .pointer("/properties/prompt")
                .is_some()
        })
        .map(|tool| tool.name)
        .collect();
    assert_eq!(names, ["optional", "tree"]);
}

#[tokio::test]
async fn a_server_instrumented_twice_records_a_request_once() {
    for (era, mode) in eras() {
        let kept = Kept::new();
        let usage = kept.usage.clone();
        let by = usage
            .instrumentation()
            .sessions(true)
            .prompts(true)
            .resources(true);
        let inner = by.factory(|| Ok(ByHand::new([("t", closed())])));
        let outer = by.factory(move || inner().map(|server| usage.instrument(server)));
        let http = over_http(outer, StreamableHttpServerConfig::default()).await;
        let client = connect(&http.url, Some("ann"), mode).await;
        client.list_all_tools().await.unwrap();
        assert_eq!(call(&client, "t", BOTH()).await, r#"{"a":1}"#);
        let prompt = rmcp::model::GetPromptRequestParams::new("p");
        client.get_prompt(prompt).await.unwrap();
        let resource = rmcp::model::ReadResourceRequestParams::new("file:///notes");
        client.read_resource(resource).await.unwrap();

        let events = kept.events().await;
        let mut kinds: Vec<_> = events
            .iter()
            .map(|event| event["activity_type"].as_str().unwrap())
            .collect();
        kinds.sort_unstable();
        let mut expected = vec![
            "MCP_IDENTITY_CAPTURE",
            "MCP_INIT",
            "MCP_PROMPT_GET",
            "MCP_RESOURCE_READ",
            "MCP_TOOL_CALL",
        ];
        expected.extend((era == "legacy").then_some("MCP_SESSION_START"));
        expected.sort_unstable();
        assert_eq!(kinds, expected, "{era}");
        let calls = kept.calls().await;
        let meta = kept.only(&calls);
        assert_eq!(meta["prompt"], "a cat");
        assert_eq!(meta["tool_arguments"], json!({"a": 1}));
    }
}

/// Hands each call on to the tool `t` of a server within.
struct Gateway<S> {
    within: S,
    shares_context: bool,
}

impl<S: ServerHandler> ServerHandler for Gateway<S> {
    fn get_info(&self) -> ServerConfig {
        self.within.get_info()
    }

    async fn call_tool(
        &self,
        mut request: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        request.name = "t".into();
        if !self.shares_context {
            context.extensions = rmcp::model::Extensions::new();
        }
        self.within.call_tool(request, context).await
    }
}

#[tokio::test]
async fn a_call_that_a_gateway_hands_on_is_one_event_unless_its_context_is_another() {
    for (shares_context, expected) in [(true, &["shop_t"][..]), (false, &["shop_t", "t"])] {
        let kept = Kept::new();
        let usage = kept.usage.clone();
        let gateway = move || {
            let within = usage.instrument(ByHand::new([("t", closed())]));
            Ok(usage.instrument(Gateway {
                within,
                shares_context,
            }))
        };
        let http = over_http(gateway, StreamableHttpServerConfig::default()).await;
        let (_, mode) = eras().into_iter().next().unwrap();
        let client = connect(&http.url, Some("ann"), mode).await;
        assert_eq!(call(&client, "shop_t", json!({"a": 1})).await, r#"{"a":1}"#);
        let calls = kept.calls().await;
        let mut tools: Vec<_> = calls.iter().map(|call| &call["meta"]["tool"]).collect();
        tools.sort_unstable_by_key(|tool| tool.as_str());
        assert_eq!(tools, expected);
    }
}

#[tokio::test]
async fn two_loggers_around_one_server_record_a_call_each() {
    let (outer, inner) = (Kept::new(), Kept::new());
    let server = inner.usage.instrument(Echo::of(vec![made("t", &closed())]));
    let (client, _serving) = over_stream(outer.usage.instrument(server), legacy()).await;
    client.list_all_tools().await.unwrap();
    assert_eq!(call(&client, "t", BOTH()).await, r#"{"a":1}"#);
    for kept in [outer, inner] {
        let events = kept.events().await;
        assert_eq!(events.len(), 2, "{events:#?}");
        let calls = kept.calls().await;
        let meta = kept.only(&calls);
        assert_eq!(meta["prompt"], "a cat");
        assert_eq!(meta["tool_arguments"], json!({"a": 1}));
    }
}

#[tokio::test]
async fn the_names_of_tools_stay_as_they_are_and_two_stay_two() {
    let names = ["ann@example.com", "bob@example.com", "4111111111111111"];
    let kept = Kept::new();
    let tools: Vec<_> = names.iter().map(|name| made(*name, &silent())).collect();
    let server = kept.usage.instrument(Echo::of(tools).looking_up(true));
    let (client, _serving) = over_stream(server, legacy()).await;
    client.list_all_tools().await.unwrap();
    for name in names {
        call(&client, name, json!({"a": 1})).await;
    }
    let events = kept.events().await;
    assert_eq!(events[0]["meta"]["tools"], json!(names));
    let calls = kept.calls().await;
    let told: Vec<_> = calls.iter().map(|call| &call["meta"]["tool"]).collect();
    assert_eq!(
        told,
        names.map(|name| json!(name)).iter().collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn of_a_name_that_no_tool_has_only_keys_and_tokens_are_hidden() {
    let kept = Kept::new();
    let (client, _serving) = over_stream(kept.usage.instrument(Echo::of(vec![])), legacy()).await;
    let key: &'static str = crate::support::secret::github().leak();
    for name in [key, "ann@example.com", "bob@example.com"] {
        call(&client, name, json!({"a": 1})).await;
    }
    let calls = kept.calls().await;
    let told: Vec<_> = calls.iter().map(|call| &call["meta"]["tool"]).collect();
    assert_eq!(
        told,
        ["[REDACTED_KEY]", "ann@example.com", "bob@example.com"]
    );
    assert!(
        calls
            .iter()
            .all(|call| call["meta"]["unknown_tool"] == true)
    );
    assert!(!format!("{calls:?}").contains(key));
}

#[tokio::test]
async fn a_logger_that_is_off_takes_nothing() {
    let usage = UsageLogger::disabled();
    let server = usage.instrument(usage.instrument(Echo::of(vec![made("t", &closed())])));
    let (client, _serving) = over_stream(server, legacy()).await;
    assert_eq!(call(&client, "t", BOTH()).await, BOTH().to_string());
}
