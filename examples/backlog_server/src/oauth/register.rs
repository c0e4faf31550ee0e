//! Registration (RFC 7591): anybody may, so it costs little and gives no more than an id.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::json;

use super::{OAuthError, redirect};
use crate::App;
use crate::source::Source;

/// Most redirect addresses of a client.
const MAX_REDIRECTS: usize = 10;

/// What is read of a registration. Names and logos are not: a page that showed them would let a
/// client call itself whatever its victim trusts.
#[derive(Deserialize)]
pub(super) struct Registration {
    #[serde(default)]
    redirect_uris: Vec<String>,
}

pub(super) async fn register(
    State(app): State<App>,
    source: Source,
    registration: Result<Json<Registration>, JsonRejection>,
) -> Result<impl IntoResponse, OAuthError> {
    let Json(Registration { redirect_uris }) = registration
        .map_err(|error| OAuthError::new("invalid_client_metadata", error.body_text()))?;
    if !(1..=MAX_REDIRECTS).contains(&redirect_uris.len()) {
        let wanted = format!("1 to {MAX_REDIRECTS} redirect_uris");
        return Err(OAuthError::new("invalid_redirect_uri", wanted));
    }
    for uri in &redirect_uris {
        redirect::check(uri)
            .map_err(|error| OAuthError::new("invalid_redirect_uri", format!("{uri:?} {error}")))?;
    }
    app.registrations.count(source).map_err(OAuthError::from)?;
    let client_id = app.store.register_client(&redirect_uris).await?;
    // Whatever it asked for, this is what it gets (RFC 7591, 3.2.1).
    let body = json!({
        "client_id": client_id,
        "client_id_issued_at": app.store.clock().seconds(),
        "redirect_uris": redirect_uris,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    let headers = [(CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, headers, Json(body)))
}
