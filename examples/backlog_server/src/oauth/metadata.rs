//! Where a client learns the rest: RFC 9728 for the resource, RFC 8414 for the authorization server.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use crate::App;
use crate::config::Config;
use crate::scope::Scope;

/// Returns where the metadata of a project's resource is, for `WWW-Authenticate`.
#[must_use]
pub fn resource_metadata_url(config: &Config, project_id: &str) -> String {
    let origin = config.public_url.as_str();
    format!("{origin}/.well-known/oauth-protected-resource/p/{project_id}/mcp")
}

/// Answers for any id, so that nobody learns from it which projects there are.
pub(super) async fn protected_resource(
    State(app): State<App>,
    Path(project_id): Path<String>,
) -> Json<Value> {
    let public_url = &app.config.public_url;
    Json(json!({
        "resource": public_url.resource_of(&project_id),
        "authorization_servers": [public_url.as_str()],
        "scopes_supported": Scope::ALL.map(Scope::as_str),
        "bearer_methods_supported": ["header"],
    }))
}

pub(super) async fn authorization_server(State(app): State<App>) -> Json<Value> {
    let issuer = app.config.public_url.as_str();
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "registration_endpoint": format!("{issuer}/register"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "scopes_supported": Scope::ALL.map(Scope::as_str),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}
