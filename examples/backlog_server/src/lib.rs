//! A product-feedback backlog offered to coding agents: an authenticated MCP server, whole.
//!
//! [`app`] is the server; `main.rs` only reads its settings and listens.

pub mod access;
pub mod clock;
pub mod config;
mod mcp;
pub mod oauth;
pub mod password;
pub mod scope;
pub mod secret;
pub mod store;
pub mod tools;
pub mod usage;
mod web;

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::Router;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use mcp_usage::UsageLogger;

use crate::config::Config;
use crate::password::Passwords;
use crate::store::Store;

/// What all requests share. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub config: Arc<Config>,
    pub store: Store,
    pub usage: UsageLogger,
    passwords: Arc<Passwords>,
    registrations: Arc<DefaultDirectRateLimiter>,
}

/// Registrations of clients: so many a minute, whoever sends them.
const REGISTRATIONS: NonZeroU32 = NonZeroU32::new(120).unwrap();

/// Makes the whole server: OAuth, pages, and the MCP endpoint of each project.
pub fn app(config: Config, store: Store, usage: UsageLogger) -> Router {
    let app = App {
        config: Arc::new(config),
        store,
        usage,
        passwords: Arc::default(),
        registrations: Arc::new(RateLimiter::direct(Quota::per_minute(REGISTRATIONS))),
    };
    Router::new()
        .merge(mcp::routes(&app))
        .merge(oauth::routes())
        .merge(web::routes(&app))
        .with_state(app)
}
