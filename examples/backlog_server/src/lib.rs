//! A product-feedback backlog offered to coding agents: an authenticated MCP server, whole.
//!
//! [`app`] is the server; `main.rs` only reads its settings and listens.

pub mod access;
pub mod clock;
pub mod config;
mod mcp;
mod oauth;
pub mod password;
pub mod scope;
pub mod secret;
pub mod store;
pub mod tools;
pub mod usage;
mod web;

use std::sync::Arc;

use axum::Router;
use mcp_usage::UsageLogger;

use crate::config::Config;
use crate::store::Store;

/// What all requests share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    pub config: Arc<Config>,
    pub store: Store,
    pub usage: UsageLogger,
}

/// Makes the whole server: OAuth, pages, and the MCP endpoint of each project.
pub fn app(config: Config, store: Store, usage: UsageLogger) -> Router {
    let app = App {
        config: Arc::new(config),
        store,
        usage,
    };
    Router::new()
        .merge(mcp::routes(&app))
        .merge(oauth::routes())
        .merge(web::routes())
        .with_state(app)
}
