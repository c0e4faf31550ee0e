//! The server that the real clients and the conformance suite look at: plain, instrumented, or behind the layer with the intent.
//!
//! `mcp_fixture [--plain | --no-intent | --layer] [--ingest URL] [--http HOST:PORT]`; without `--http`, on stdin and stdout.
//! Its tools, prompts and resources are those the suite's scenarios ask for by name.

#![expect(
    clippy::print_stderr,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a program for tests alone; stdout is the protocol's"
)]

use std::collections::hash_map::DefaultHasher;
use std::error::Error;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use mcp_usage::UsageLogger;
use mcp_usage::tower::UsageLayer;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult,
    ErrorData, GetPromptRequestParams, GetPromptResponse, GetPromptResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ProgressNotificationParam, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult,
    ServerConfig, SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, SubscriptionContext, SubscriptionSink};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService, stdio};
use rmcp::{RoleServer, ServerHandler, ServiceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// One red pixel, and a moment of silence.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const WAV: &str = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

/// How long a tool of the suite's waits between its notifications.
const STEP: Duration = Duration::from_millis(50);

/// All instances share who listens for changes.
#[derive(Clone, Default)]
struct Fixture {
    listeners: Arc<Mutex<Vec<SubscriptionSink>>>,
}

/// Spells a value of the protocol as JSON.
fn made<T: DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).expect("the fixture knows the protocol")
}

/// Spells a result, which says in the newer era that it is complete.
fn result<T: DeserializeOwned>(mut json: Value) -> T {
    json["resultType"] = json!("complete");
    made(json)
}

fn tools() -> Vec<Tool> {
    let none = json!({"type": "object"});
    let text = json!({
        "type": "object", "properties": {"text": {"type": "string"}, "more": {"type": "string"}},
        "required": ["text"], "additionalProperties": false,
    });
    let own = json!({"type": "object", "properties": {"prompt": {"type": "string"}}});
    let dialect = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
        "$defs": {"address": {"$anchor": "addressDef", "type": "object", "properties": {
            "street": {"type": "string"}, "city": {"type": "string"},
        }}},
        "properties": {
            "name": {"type": "string"}, "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"}, "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]}, "else": {"required": ["email"]},
        "additionalProperties": false,
    });
    let of = |name: &str| {
        let property = json!({"type": "string", "description": "An argument."});
        json!({"type": "object", "properties": {name: property}, "required": [name]})
    };
    let header = json!({"type": "object", "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
    }});
    let asking = ASKING.iter().map(|name| (*name, none.clone()));
    [
        ("test_simple_text", none.clone()),
        ("test_image_content", none.clone()),
        ("test_audio_content", none.clone()),
        ("test_embedded_resource", none.clone()),
        ("test_multiple_content_types", none.clone()),
        ("test_error_handling", none.clone()),
        ("test_tool_with_progress", none.clone()),
        ("test_tool_with_logging", none.clone()),
        ("test_logging_tool", none.clone()),
        ("test_sampling", of("prompt")),
        ("test_elicitation", of("message")),
        ("test_elicitation_sep1034_defaults", none.clone()),
        ("test_elicitation_sep1330_enums", none.clone()),
        ("test_missing_capability", none.clone()),
        ("test_trigger_tool_change", none.clone()),
        ("test_trigger_prompt_change", none.clone()),
        ("test_reconnection", none.clone()),
        ("test_custom_header", header),
        ("closed_text", text),
        ("own_prompt", own),
        ("json_schema_2020_12_tool", dialect),
    ]
    .into_iter()
    .chain(asking)
    .map(|(name, schema)| {
        made(json!({"name": name, "description": "A tool of the fixture.", "inputSchema": schema}))
    })
    .collect()
}

fn embedded() -> Value {
    json!({"type": "resource", "resource": {
        "uri": "test://embedded-resource", "mimeType": "text/plain",
        "text": "This is an embedded resource content.",
    }})
}

/// The tools that ask for input, in the newer era.
const ASKING: [&str; 9] = [
    "test_input_required_result_elicitation",
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_request_state",
    "test_input_required_result_tampered_state",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_multi_round",
    "test_input_required_result_capabilities",
    "test_streaming_elicitation",
];

/// A question to the user, of one answer.
fn question(message: &str, name: &str, kind: &str) -> Value {
    json!({"method": "elicitation/create", "params": {
        "mode": "form", "message": message,
        "requestedSchema": {"type": "object", "properties": {name: {"type": kind}}, "required": [name]},
    }})
}

/// A question to the client's model.
fn sample(prompt: &str) -> Value {
    let said = json!({"type": "text", "text": prompt});
    json!({"method": "sampling/createMessage", "params": {
        "messages": [{"role": "user", "content": said}], "maxTokens": 100,
    }})
}

/// What a tool asks for in a round, by key; and whether it hands out a state.
fn asks(tool: &str, round: u32, capabilities: &Value) -> (Value, bool) {
    let name = || question("What is your name?", "name", "string");
    let roots = || json!({"method": "roots/list", "params": {}});
    match (
        tool.trim_start_matches("test_input_required_result_"),
        round,
    ) {
        ("sampling", 1) => (
            json!({"capital_question": sample("What is the capital of France?")}),
            false,
        ),
        ("list_roots", 1) => (json!({"client_roots": roots()}), false),
        ("request_state" | "tampered_state", 1) => (
            json!({"confirm": question("Please confirm", "ok", "boolean")}),
            true,
        ),
        ("multiple_inputs", 1) => {
            let greeting = sample("Generate a greeting");
            (
                json!({"user_name": name(), "greeting": greeting, "client_roots": roots()}),
                true,
            )
        }
        ("multi_round", 1) => (json!({"step1": name()}), true),
        ("multi_round", 2) => {
            let colour = question("What is your favorite color?", "color", "string");
            (json!({"step2": colour}), true)
        }
        ("capabilities", 1) => {
            let mut asked = json!({});
            if capabilities.get("sampling").is_some() {
                asked["capital_question"] = sample("What is the capital of France?");
            }
            if capabilities.get("elicitation").is_some() {
                asked["user_name"] = name();
            }
            (asked, false)
        }
        (_, 1) => (json!({"user_name": name()}), false),
        _ => (json!({}), false),
    }
}

/// Spells a state that the fixture knows again, and no other.
fn sealed(tool: &str, round: u32) -> String {
    let mut hasher = DefaultHasher::new();
    (tool, round, "of the fixture").hash(&mut hasher);
    format!("{round}.{:016x}", hasher.finish())
}

/// Runs a tool that asks for input, until it has all that it asked for.
fn run_asking(
    tool: &str,
    responses: &Value,
    state: Option<&str>,
    capabilities: &Value,
) -> Result<CallToolResponse, ErrorData> {
    let round = match state {
        None => 1,
        Some(state) => (1..3)
            .find(|round| sealed(tool, *round) == state)
            .ok_or_else(|| ErrorData::invalid_params("the state is not one of ours", None))?,
    };
    let (asked, _) = asks(tool, round, capabilities);
    let is_answered = asked.as_object().is_some_and(|asked| {
        asked
            .keys()
            .all(|key| responses.get(key).is_some_and(Value::is_object))
    });
    let next = if is_answered { round + 1 } else { round };
    let (asked, has_state) = asks(tool, next, capabilities);
    if is_answered && asked == json!({}) {
        let text = format!("state-ok, hello: {responses}");
        let content = json!([{"type": "text", "text": text}]);
        return Ok(result::<CallToolResult>(json!({"content": content})).into());
    }
    let mut required = json!({"resultType": "input_required", "inputRequests": asked});
    if has_state {
        required["requestState"] = json!(sealed(tool, next));
    }
    Ok(CallToolResponse::InputRequired(made(required)))
}

/// What the client's user is asked to fill in.
fn forms(tool: &str, message: &str) -> Value {
    let string = |text: &str| json!({"type": "string", "description": text});
    let titled = |values: [(&str, &str); 3]| {
        let one = |(value, title)| json!({"const": value, "title": title});
        Value::from_iter(values.map(one))
    };
    let (message, properties) = match tool {
        "test_elicitation_sep1034_defaults" => (
            "All have defaults.",
            json!({
                "name": {"type": "string", "default": "John Doe"},
                "age": {"type": "integer", "default": 30},
                "score": {"type": "number", "default": 95.5},
                "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
                "verified": {"type": "boolean", "default": true},
            }),
        ),
        "test_elicitation_sep1330_enums" => (
            "Choose.",
            json!({
                "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
                "titledSingle": {"type": "string", "oneOf": titled([
                    ("value1", "First Option"), ("value2", "Second Option"), ("value3", "Third Option"),
                ])},
                "legacyEnum": {
                    "type": "string", "enum": ["opt1", "opt2", "opt3"],
                    "enumNames": ["Option One", "Option Two", "Option Three"],
                },
                "untitledMulti": {
                    "type": "array",
                    "items": {"type": "string", "enum": ["option1", "option2", "option3"]},
                },
                "titledMulti": {"type": "array", "items": {"anyOf": titled([
                    ("value1", "First Choice"), ("value2", "Second Choice"), ("value3", "Third Choice"),
                ])}},
            }),
        ),
        _ => (
            message,
            json!({
                "username": string("User's response"), "email": string("User's email address"),
            }),
        ),
    };
    let mut schema = json!({"type": "object", "properties": properties});
    if tool == "test_elicitation" {
        schema["required"] = json!(["username", "email"]);
    }
    json!({"mode": "form", "message": message, "requestedSchema": schema})
}

/// Asks the client, in the older era.
async fn ask(
    context: &RequestContext<RoleServer>,
    method: &str,
    params: Value,
) -> Result<Value, ErrorData> {
    let request = made(json!({"method": method, "params": params}));
    let answer = context.peer.send_request(request).await;
    answer
        .map(|answer| json!(answer))
        .map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// Tells the client something, where it wants to hear it.
async fn tell(context: &RequestContext<RoleServer>, text: &str) {
    let meta = &context.meta.0.0;
    let is_modern = meta.contains_key("io.modelcontextprotocol/protocolVersion");
    if !is_modern || meta.contains_key("io.modelcontextprotocol/logLevel") {
        let message = json!({"method": "notifications/message", "params": {
            "level": "info", "logger": "fixture", "data": text,
        }});
        let _ = context.peer.send_notification(made(message)).await;
    }
}

#[expect(deprecated, reason = "the older era still has it")]
impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        made(json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {
                "tools": {"listChanged": true}, "prompts": {"listChanged": true},
                "resources": {"subscribe": true}, "completions": {}, "logging": {},
            },
            "serverInfo": {"name": "fixture", "version": "1.0.0"},
        }))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools().into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let text = |text: &str| json!({"type": "text", "text": text});
        let image = json!({"type": "image", "data": PNG, "mimeType": "image/png"});
        let capabilities = json!(context.client_capabilities());
        let argument = |name: &str| {
            let arguments = request.arguments.as_ref();
            let value = arguments.and_then(|arguments| arguments.get(name)?.as_str());
            value.unwrap_or_default().to_owned()
        };
        if ASKING.contains(&&*request.name) {
            let responses = json!(request.input_responses);
            let state = request.request_state.as_deref();
            return run_asking(&request.name, &responses, state, &capabilities);
        }
        let content = match &*request.name {
            "test_simple_text" => json!([text("This is a simple text response for testing.")]),
            "test_image_content" => json!([image]),
            "test_audio_content" => {
                json!([{"type": "audio", "data": WAV, "mimeType": "audio/wav"}])
            }
            "test_embedded_resource" => json!([embedded()]),
            "test_multiple_content_types" => {
                let mixed = json!({"type": "resource", "resource": {
                    "uri": "test://mixed-content-resource", "mimeType": "application/json",
                    "text": json!({"test": "data", "value": 123}).to_string(),
                }});
                json!([text("Multiple content types test:"), image, mixed])
            }
            "test_tool_with_progress" => {
                if let Some(token) = context.meta.get_progress_token() {
                    for progress in [0.0, 50.0, 100.0] {
                        let told = ProgressNotificationParam::new(token.clone(), progress)
                            .with_total(100.0);
                        let _ = context.peer.notify_progress(told).await;
                        tokio::time::sleep(STEP).await;
                    }
                }
                json!([text("done")])
            }
            "test_tool_with_logging" | "test_logging_tool" => {
                for step in [
                    "Tool execution started",
                    "Tool processing data",
                    "Tool execution completed",
                ] {
                    tell(&context, step).await;
                    tokio::time::sleep(STEP).await;
                }
                json!([text("done")])
            }
            "test_sampling" => {
                let asked = sample(&argument("prompt"));
                let answer =
                    ask(&context, "sampling/createMessage", asked["params"].clone()).await?;
                let said = answer["content"]["text"].as_str().unwrap_or_default();
                json!([text(&format!("LLM response: {said}"))])
            }
            tool if tool.starts_with("test_elicitation") => {
                let form = forms(tool, &argument("message"));
                let answer = ask(&context, "elicitation/create", form).await?;
                let (action, content) = (&answer["action"], &answer["content"]);
                let action = action.as_str().unwrap_or_default();
                json!([text(&format!(
                    "User response: action={action}, content={content}"
                ))])
            }
            "test_missing_capability" => {
                if capabilities.get("sampling").is_none() {
                    let required = made(json!({"sampling": {}}));
                    return Err(ErrorData::missing_required_client_capability(required));
                }
                json!([text("done")])
            }
            "test_trigger_tool_change" | "test_trigger_prompt_change" => {
                let listeners = self
                    .listeners
                    .lock()
                    .expect("nobody panics with it")
                    .clone();
                for listener in listeners {
                    // It sends only what was asked for.
                    let _ = if request.name.contains("prompt") {
                        listener.notify_prompt_list_changed().await
                    } else {
                        listener.notify_tool_list_changed().await
                    };
                }
                json!([text("done")])
            }
            "test_reconnection" => {
                tokio::time::sleep(2 * STEP).await;
                json!([text("Reconnection test completed successfully")])
            }
            "test_error_handling" => {
                let content = json!([text("This tool intentionally returns an error for testing")]);
                return Ok(
                    result::<CallToolResult>(json!({"content": content, "isError": true})).into(),
                );
            }
            "closed_text" | "own_prompt" | "json_schema_2020_12_tool" | "test_custom_header" => {
                let arguments = Value::Object(request.arguments.unwrap_or_default());
                json!([text(&arguments.to_string())])
            }
            _ => return Err(ErrorData::invalid_params("tool not found", None)),
        };
        Ok(result::<CallToolResult>(json!({"content": content})).into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let argument =
            |name| json!({"name": name, "description": "An argument.", "required": true});
        Ok(result(json!({"prompts": [
            {"name": "test_simple_prompt", "description": "A prompt."},
            {"name": "test_prompt_with_arguments", "description": "A prompt.",
             "arguments": [argument("arg1"), argument("arg2")]},
            {"name": "test_prompt_with_embedded_resource", "description": "A prompt.",
             "arguments": [argument("resourceUri")]},
            {"name": "test_prompt_with_image", "description": "A prompt."},
            {"name": "test_input_required_result_prompt", "description": "A prompt."},
        ]})))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let arguments = json!(request.arguments);
        if request.name == "test_input_required_result_prompt" && request.input_responses.is_none()
        {
            let asked = question("What context should the prompt use?", "context", "string");
            let required =
                json!({"resultType": "input_required", "inputRequests": {"user_context": asked}});
            return Ok(GetPromptResponse::InputRequired(made(required)));
        }
        let user = |content: Value| json!({"role": "user", "content": content});
        let text = |text: String| json!({"type": "text", "text": text});
        let messages = match &*request.name {
            "test_simple_prompt" => {
                json!([user(text("This is a simple prompt for testing.".into()))])
            }
            "test_prompt_with_arguments" => json!([user(text(format!(
                "Prompt with arguments: arg1='{}', arg2='{}'",
                arguments["arg1"].as_str().unwrap_or_default(),
                arguments["arg2"].as_str().unwrap_or_default()
            )))]),
            "test_prompt_with_embedded_resource" => {
                let mut resource = embedded();
                resource["resource"]["uri"] = arguments["resourceUri"].clone();
                json!([
                    user(resource),
                    user(text("Please process the embedded resource above.".into()))
                ])
            }
            "test_prompt_with_image" => json!([
                user(json!({"type": "image", "data": PNG, "mimeType": "image/png"})),
                user(text("Please analyze the image above.".into())),
            ]),
            "test_input_required_result_prompt" => {
                json!([user(text(format!(
                    "Use this: {}",
                    json!(request.input_responses)
                )))])
            }
            _ => return Err(ErrorData::invalid_params("prompt not found", None)),
        };
        Ok(result::<GetPromptResult>(json!({"messages": messages})).into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(result(json!({"resources": [
            {"uri": "test://static-text", "name": "text", "description": "A text.", "mimeType": "text/plain"},
            {"uri": "test://static-binary", "name": "binary", "description": "A picture.", "mimeType": "image/png"},
        ]})))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(result(json!({"resourceTemplates": [
            {"uriTemplate": "test://template/{id}/data", "name": "template", "mimeType": "application/json"},
        ]})))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri;
        let id = uri
            .strip_prefix("test://template/")
            .and_then(|rest| rest.strip_suffix("/data"));
        let content = match (&*uri, id) {
            ("test://static-text", _) => json!({
                "uri": uri, "mimeType": "text/plain",
                "text": "This is the content of the static text resource.",
            }),
            ("test://static-binary", _) => {
                json!({"uri": uri, "mimeType": "image/png", "blob": PNG})
            }
            (_, Some(id)) => json!({
                "uri": uri, "mimeType": "application/json",
                "text": json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")}).to_string(),
            }),
            _ => {
                let data = json!({"uri": uri});
                return Err(ErrorData::invalid_params("resource not found", Some(data)));
            }
        };
        Ok(result::<ReadResourceResult>(json!({"contents": [content]})).into())
    }

    async fn set_level(
        &self,
        _: rmcp::model::SetLevelRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn subscribe(
        &self,
        _: SubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(
        &self,
        _: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let sink = context.sink().clone();
        let listeners = || self.listeners.lock().expect("nobody panics with it");
        listeners().push(sink.clone());
        context.cancelled().await;
        listeners().retain(|other| other.id() != sink.id());
        Ok(())
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        Ok(result(
            json!({"completion": {"values": ["one"], "total": 1, "hasMore": false}}),
        ))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let value = |name: &str| {
        let mut rest = arguments.iter().skip_while(|argument| *argument != name);
        rest.nth(1).cloned()
    };
    // Instrumented also where nobody takes the events: they are dropped, and the client must not notice.
    let ingest = value("--ingest").unwrap_or_else(|| "http://127.0.0.1:9/".to_owned());
    let usage = UsageLogger::builder()
        .env(|_| None)
        .api_key("test-key-1")
        .endpoint(ingest)
        .product_id("fixture")
        .flush_interval(Duration::from_millis(20))
        .build()?;
    let fixture = Fixture::default();
    let instrumentation = usage.instrumentation().intent(!has("--no-intent"));
    match (value("--http"), has("--plain")) {
        (None, true) => drop(fixture.serve(stdio()).await?.waiting().await?),
        (None, false) => {
            let server = instrumentation.instrument(fixture);
            server.serve(stdio()).await?.waiting().await?;
        }
        (Some(address), _) if has("--layer") => {
            let layer = UsageLayer::new(&usage).add_intent(true);
            serve_http(&address, move || Ok(fixture.clone()), Some(layer)).await?;
        }
        (Some(address), true) => serve_http(&address, move || Ok(fixture.clone()), None).await?,
        (Some(address), false) => {
            let factory = instrumentation.factory(move || Ok(fixture.clone()));
            serve_http(&address, factory, None).await?;
        }
    }
    let report = usage.shutdown(Duration::from_secs(2)).await;
    eprintln!("{}", report.stats);
    Ok(())
}

async fn serve_http<H: ServerHandler>(
    address: &str,
    make: impl Fn() -> std::io::Result<H> + Send + Sync + 'static,
    layer: Option<UsageLayer>,
) -> std::io::Result<()> {
    let config = StreamableHttpServerConfig::default();
    let sessions = config.cancellation_token.clone();
    let service = StreamableHttpService::new(make, Arc::<LocalSessionManager>::default(), config);
    let mut app = Router::new().nest_service("/mcp", service);
    if let Some(layer) = layer {
        app = app.layer(layer);
    }
    let listener = TcpListener::bind(address).await?;
    eprintln!("MCP at http://{}/mcp", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            let _ = tokio::signal::ctrl_c().await;
            sessions.cancel();
        })
        .await
}
