//! A product-feedback backlog for coding agents: a complete MCP server with authentication.
//!
//! [`app`] is the server; `main.rs` only reads its settings and listens.

pub mod access;
pub mod clock;
pub mod config;
pub mod grant_name;
mod mcp;
pub mod oauth;
pub mod password;
pub mod scope;
pub mod secret;
pub mod serve;
pub mod source;
pub mod store;
pub mod tools;
pub mod turns;
pub mod usage;
mod web;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use mcp_usage::UsageLogger;

use crate::access::{body_time, host};
use crate::config::Config;
use crate::oauth::Registrations;
use crate::password::Passwords;
use crate::store::Store;

/// The state that all requests share. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub config: Arc<Config>,
    pub store: Store,
    pub usage: UsageLogger,
    passwords: Arc<Passwords>,
    registrations: Arc<Registrations>,
}

/// Creates the server: OAuth, pages, and the MCP endpoint of each project.
pub fn app(config: Config, store: Store, usage: UsageLogger) -> Router {
    let registrations = Registrations::new(config.registrations_per_address);
    let app = App {
        config: Arc::new(config),
        store,
        usage,
        passwords: Arc::default(),
        registrations: Arc::new(registrations),
    };
    Router::new()
        .merge(mcp::routes(&app))
        .merge(oauth::routes())
        .merge(web::routes(&app))
        // Around all routes, including those that do not exist.
        .layer(from_fn_with_state(app.clone(), host::guard))
        .layer(from_fn_with_state(app.clone(), body_time::guard))
        .with_state(app)
}

/// The README's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
