//! Tokens for a code or a refresh token, and their revocation (RFC 7009).

use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::{Form, Json};
use serde::Deserialize;
use serde_json::json;

use super::OAuthError;
use crate::App;
use crate::store::grants::{GrantRefused, Redemption, Refresh, Tokens};
use crate::usage::Login;
use crate::{scope, secret};

#[derive(Deserialize)]
pub(super) struct TokenRequest {
    grant_type: Option<String>,
    client_id: Option<String>,
    code: Option<String>,
    code_verifier: Option<String>,
    redirect_uri: Option<String>,
    refresh_token: Option<String>,
    scope: Option<String>,
    resource: Option<String>,
}

pub(super) async fn token(
    State(app): State<App>,
    headers: HeaderMap,
    request: Result<Form<TokenRequest>, FormRejection>,
) -> Result<impl IntoResponse, OAuthError> {
    let Form(request) = request.map_err(unreadable)?;
    let grant_type = wanted(request.grant_type, "grant_type")?;
    let client_id = wanted(request.client_id, "client_id")?;
    let (credential, given) = match grant_type.as_str() {
        "authorization_code" => {
            let verifier = wanted(request.code_verifier, "code_verifier")?;
            let code = wanted(request.code, "code")?;
            let redemption = Redemption {
                code: code.clone(),
                client_id,
                redirect_uri: request.redirect_uri,
                challenge: challenge_of(&verifier)?,
                resource: request.resource,
            };
            (code, app.store.redeem(redemption, &app.config).await?)
        }
        "refresh_token" => {
            let scopes = request.scope.as_deref().map(scope::parse).transpose();
            let token = wanted(request.refresh_token, "refresh_token")?;
            let refresh = Refresh {
                token: token.clone(),
                client_id,
                scopes: scopes.map_err(|error| OAuthError::new("invalid_scope", error))?,
                resource: request.resource,
            };
            (token, app.store.refresh(refresh, &app.config).await?)
        }
        _ => {
            let known = "authorization_code or refresh_token";
            return Err(OAuthError::new("unsupported_grant_type", known));
        }
    };
    let Tokens {
        access,
        refresh,
        scopes,
        expires_in,
    } = match given {
        Ok(tokens) => tokens,
        Err(refused) => return Err(reported(&app, &headers, &credential, refused).await),
    };
    let body = json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": expires_in.as_secs(),
        "refresh_token": refresh,
        "scope": scope::join(&scopes),
    });
    Ok(([(CACHE_CONTROL, "no-store")], Json(body)))
}

#[derive(Deserialize)]
pub(super) struct RevocationRequest {
    token: Option<String>,
    client_id: Option<String>,
}

/// Either token ends the whole grant: a client that gives one back is done.
pub(super) async fn revoke(
    State(app): State<App>,
    headers: HeaderMap,
    request: Result<Form<RevocationRequest>, FormRejection>,
) -> Result<StatusCode, OAuthError> {
    let Form(request) = request.map_err(unreadable)?;
    let token = wanted(request.token, "token")?;
    let client_id = wanted(request.client_id, "client_id")?;
    match app.store.revoke_token(&token, &client_id).await? {
        Ok(()) => Ok(StatusCode::OK),
        Err(refused) => Err(reported(&app, &headers, &token, refused).await),
    }
}

/// Hashes a verifier as PKCE's S256 does.
fn challenge_of(verifier: &str) -> Result<String, OAuthError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(plain) {
        let wanted = "the code_verifier must be 43 to 128 unreserved characters";
        return Err(OAuthError::new("invalid_request", wanted));
    }
    Ok(secret::hash(verifier))
}

fn wanted(parameter: Option<String>, name: &str) -> Result<String, OAuthError> {
    parameter.ok_or_else(|| OAuthError::new("invalid_request", format!("{name} is missing")))
}

fn unreadable(error: FormRejection) -> OAuthError {
    OAuthError::new("invalid_request", error.body_text())
}

/// Reports a client that is not let in, and makes its answer.
async fn reported(
    app: &App,
    headers: &HeaderMap,
    credential: &str,
    refused: GrantRefused,
) -> OAuthError {
    let (reason, step) = refused.reason();
    // Of the others it is not known that they are the program that the credential was given to.
    let client = match refused {
        GrantRefused::Expired
        | GrantRefused::Reused
        | GrantRefused::Revoked
        | GrantRefused::WrongResource
        | GrantRefused::WiderScope => app.store.client_of(credential).await.ok().flatten(),
        _ => None,
    };
    Login::refused(reason, step)
        .client(client.as_ref())
        .report(&app.usage, headers);
    let error = match refused {
        GrantRefused::WrongResource => "invalid_target",
        GrantRefused::WiderScope => "invalid_scope",
        GrantRefused::Unknown
        | GrantRefused::Expired
        | GrantRefused::Reused
        | GrantRefused::Revoked
        | GrantRefused::WrongRedirect
        | GrantRefused::WrongVerifier => "invalid_grant",
    };
    OAuthError::new(error, refused)
}
