//! A server on whichever version of the official SDK its manifest names, with streams around its own or without.

use std::time::Duration;

use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::{
    ServerHandler, ServiceExt, schemars, tool, tool_handler, tool_router, transport::stdio,
};

struct Shop {
    tool_router: ToolRouter<Self>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Order {
    number: u32,
}

#[tool_router]
impl Shop {
    #[tool(description = "Finds an order")]
    async fn find_order(&self, Parameters(order): Parameters<Order>) -> Result<String, String> {
        match order.number {
            1042 => Ok("boots".to_owned()),
            number => Err(format!("there is no order {number}")),
        }
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Shop {}

#[path = "../inside.rs"]
mod inside;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shop = Shop {
        tool_router: Shop::tool_router(),
    };
    let Some((usage, streams)) = inside::streams() else {
        shop.serve(stdio()).await?.waiting().await?;
        return Ok(());
    };
    let (stdin, stdout) = stdio();
    shop.serve(streams.wrap(stdin, stdout)).await?.waiting().await?;
    usage.shutdown(Duration::from_secs(1)).await;
    Ok(())
}
