//! OAuth 2.1, as the MCP authorization specification profiles it: what clients talk to. What a
//! browser sees of it is in `web`.
//!
//! No crate offers this part: `oxide-auth` knows neither resource indicators, registration nor
//! refresh tokens with reuse detection, and `oauth2` is for clients.

mod metadata;
pub mod redirect;
mod register;
mod registrations;
mod token;

use axum::extract::DefaultBodyLimit;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

pub use metadata::resource_metadata_url;
pub(crate) use registrations::Registrations;
use registrations::TooMany;

use crate::App;
use crate::store::StoreError;

/// Most bytes of a request to these endpoints.
const MAX_BODY: usize = 16 * 1024;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/.well-known/oauth-protected-resource/p/{project_id}/mcp",
            get(metadata::protected_resource),
        )
        .route(
            "/.well-known/oauth-authorization-server",
            get(metadata::authorization_server),
        )
        .route("/register", post(register::register))
        .route("/token", post(token::token))
        .route("/revoke", post(token::revoke))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

/// An answer that OAuth has a word for.
#[derive(Debug)]
pub(crate) struct OAuthError {
    status: StatusCode,
    error: &'static str,
    description: String,
    /// In seconds.
    retry_after: Option<u64>,
}

impl OAuthError {
    fn new(error: &'static str, description: impl ToString) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error,
            description: description.to_string(),
            retry_after: None,
        }
    }
}

impl From<TooMany> for OAuthError {
    fn from(TooMany { wait }: TooMany) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            // Rounded up: who comes back then is not too early.
            retry_after: Some(wait.as_secs() + 1),
            ..Self::new("temporarily_unavailable", "too many registrations")
        }
    }
}

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a request failed");
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            ..Self::new("server_error", "something went wrong here")
        }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = json!({"error": self.error, "error_description": self.description});
        let mut response = (self.status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
