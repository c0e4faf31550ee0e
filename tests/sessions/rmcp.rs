//! A server and a client on the official Rust SDK, over stdio, for sessions that are recorded: `mcp_session`, and
//! `mcp_session COMMAND...` for the server that it runs.

use std::error::Error;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientCapabilities, ClientConfig, ClientRequest,
    Implementation,
};
use rmcp::service::PeerRequestOptions;
use rmcp::transport::stdio;
use rmcp::{ServerHandler, ServiceExt, schemars, tool, tool_handler, tool_router};
use serde_json::{Value, json};
use tokio::net::unix::pipe;

struct Orders {
    tools: ToolRouter<Self>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Numbers {
    a: i64,
    b: i64,
}

#[tool_router]
impl Orders {
    /// Adds two numbers.
    #[tool]
    async fn add(&self, Parameters(numbers): Parameters<Numbers>) -> String {
        numbers.a.saturating_add(numbers.b).to_string()
    }

    /// Fails.
    #[tool]
    async fn fail(&self) -> Result<String, String> {
        Err("no such order: 42 – ¡ay!".to_owned())
    }

    /// Waits for longer than anybody does.
    #[tool]
    async fn wait(&self) -> String {
        tokio::time::sleep(Duration::from_secs(60)).await;
        "waited".to_owned()
    }
}

#[tool_handler(router = self.tools, name = "orders", version = "1.0.0")]
impl ServerHandler for Orders {}

fn request(tool: &'static str, arguments: &Value) -> CallToolRequestParams {
    let request = CallToolRequestParams::new(tool);
    request.with_arguments(arguments.as_object().cloned().unwrap_or_default())
}

async fn look(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut server = pipes.spawn()?;
    let (to, from) = (server.stdin.take(), server.stdout.take());
    let (to, from) = to.zip(from).ok_or("there are no pipes")?;
    let to = pipe::Sender::from_owned_fd(OwnedFd::from(to))?;
    let from = pipe::Receiver::from_owned_fd(OwnedFd::from(from))?;
    let probe = Implementation::new("probe", "9.0.0");
    let client = ClientConfig::new(ClientCapabilities::default(), probe);
    let client = client.serve((from, to)).await?;
    client.list_all_tools().await?;
    let add = |a| client.call_tool(request("add", &json!({"a": a, "b": 1})));
    let (_, _, _) = tokio::join!(add(0), add(1), add(2));
    for (tool, arguments) in [
        ("add", json!({"a": 1, "b": 2, "prompt": "To know the sum"})),
        ("add", json!({"a": "one", "b": 2})),
        ("fail", json!({})),
        ("absent", json!({"prompt": "To see what happens"})),
    ] {
        // How it ends is what is recorded.
        let _ = client.call_tool(request(tool, &arguments)).await;
    }
    let wait = CallToolRequest::new(request("wait", &Value::Null));
    let wait = ClientRequest::CallToolRequest(wait);
    let options = PeerRequestOptions::no_options();
    let under_way = client.send_cancellable_request(wait, options).await?;
    under_way.cancel(None).await?;
    client.cancel().await?;
    server.wait()?;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    if let Some(program) = arguments.next() {
        return look(Command::new(program).args(arguments)).await;
    }
    let orders = Orders {
        tools: Orders::tool_router(),
    };
    orders.serve(stdio()).await?.waiting().await?;
    Ok(())
}
