//! The steps before a body is read, and the answers that HTTP has for a refusal.

use std::sync::{Arc, OnceLock};

use axum::extract::{Path, Request, State};
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use mcp_usage::{AuthRejection, Caller};

use crate::App;
use crate::access::bearer::{self, NoToken};
use crate::access::token::{self, Dead};
use crate::access::{audience, scope};
use crate::mcp::MAX_BODY_BYTES;
use crate::oauth::resource_metadata_url;
use crate::scope::{self as scopes, Scope};
use crate::store::StoreError;
use crate::store::grants::{ClientName, Grant, TokenRefused};
use crate::usage;

/// Why a request is not let in.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error(transparent)]
    Bearer(#[from] NoToken),
    #[error(transparent)]
    Token(#[from] Dead),
    #[error("{0}")]
    Audience(audience::WrongAudience, Box<Grant>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where the server within says that a scope is missing, for the door to answer with a challenge.
#[derive(Clone, Debug, Default)]
pub(crate) struct Challenge(Arc<OnceLock<Scope>>);

impl Challenge {
    pub(crate) fn set(&self, missing: scope::NotGranted) {
        let _ = self.0.set(missing.0);
    }
}

/// Lets in who has a token for this project, with what it stands for in the request's extensions:
/// the [`Grant`] for the tools, the [`Caller`] for the usage events.
pub(crate) async fn guard(
    State(app): State<App>,
    Path(project_id): Path<String>,
    mut request: Request,
    next: Next,
) -> Response {
    let resource = app.config.public_url.resource_of(&project_id);
    if app.config.public_url.project_of(&resource) != Some(&project_id) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let (grant, caller) = match open(&app, &project_id, request.headers()).await {
        Ok(opened) => opened,
        Err(closed) => {
            let response = refuse(&app, &project_id, request.headers(), closed).await;
            drain(request).await;
            return response;
        }
    };
    let is_modern = is_modern(request.headers());
    let used = grant.clone();
    let challenge = Challenge::default();
    let extensions = request.extensions_mut();
    extensions.insert(grant);
    extensions.insert(caller.clone());
    extensions.insert(challenge.clone());
    let mut response = next.run(request).await;

    if response.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let by = Some((&caller, &used));
        usage::refused(&app.usage, by, "request:body_too_large");
    }
    if let Some(&missing) = challenge.0.get() {
        *response.status_mut() = StatusCode::FORBIDDEN;
        // From 2026-07-28 on a client adds what is asked for to what it has; before, it asked for
        // what it was told and nothing else, and would have lost the rest.
        let mut asked = if is_modern {
            Default::default()
        } else {
            used.scopes
        };
        asked.insert(missing);
        let error = format!(
            "error=\"insufficient_scope\", scope=\"{}\"",
            scopes::join(&asked)
        );
        challenge_with(&app, &project_id, &error, response.headers_mut());
    }
    response
}

/// Reads what is left of a refused request, within the bound of one that is let in. A connection is
/// closed with a body unread, and a client that then sends its next request over it sees a broken
/// connection in place of an answer.
pub(crate) async fn drain(request: Request) {
    let _ = axum::body::to_bytes(request.into_body(), MAX_BODY_BYTES).await;
}

/// The first steps, in their order.
async fn open(app: &App, project_id: &str, headers: &HeaderMap) -> Result<(Grant, Caller), Closed> {
    let token = bearer::check(headers)?;
    let grant = token::check(&app.store, token).await??;
    if let Err(wrong) = audience::check(&grant, &app.config.public_url, project_id) {
        return Err(Closed::Audience(wrong, Box::new(grant)));
    }
    let caller = usage::caller(&app.store, &grant).await?;
    Ok((grant, caller))
}

/// Answers who is not let in, and reports it.
async fn refuse(app: &App, project_id: &str, headers: &HeaderMap, closed: Closed) -> Response {
    let (reason, step, grant) = match &closed {
        Closed::Store(error) => return broken(error),
        Closed::Bearer(NoToken::Missing) => (AuthRejection::Missing, "access:missing", None),
        Closed::Bearer(NoToken::Malformed) => (AuthRejection::Malformed, "access:malformed", None),
        Closed::Token(Dead(TokenRefused::Unknown)) => {
            (AuthRejection::Invalid, "access:unknown", None)
        }
        Closed::Token(Dead(TokenRefused::Expired)) => {
            (AuthRejection::Expired, "access:expired", None)
        }
        Closed::Token(Dead(TokenRefused::Revoked)) => {
            (AuthRejection::Revoked, "access:revoked", None)
        }
        Closed::Audience(_, grant) => (
            AuthRejection::WrongAudience,
            "access:wrong_audience",
            Some(grant),
        ),
    };
    // A token for elsewhere still says whose it is.
    let caller = match grant {
        Some(grant) => usage::caller(&app.store, grant).await.ok(),
        None => None,
    };
    let client = client_of(app, headers, grant.map(|grant| &**grant)).await;
    usage::Login::refused(reason, step)
        .project(project_id)
        .by(caller.as_ref().map(Caller::identity))
        .client(client.as_ref())
        .report(&app.usage, headers);

    let mut response = (StatusCode::UNAUTHORIZED, closed.to_string()).into_response();
    // A request without credentials is told where to get them, and of no error (RFC 6750, 3.1).
    let error = match closed {
        Closed::Bearer(NoToken::Missing) => String::new(),
        other => format!("error=\"invalid_token\", error_description=\"{other}\""),
    };
    challenge_with(app, project_id, &error, response.headers_mut());
    response
}

/// Returns what the program calls itself whose token works no more, or not here.
async fn client_of(app: &App, headers: &HeaderMap, grant: Option<&Grant>) -> Option<ClientName> {
    match grant {
        Some(grant) => grant.client.clone(),
        None => {
            let token = bearer::check(headers).ok()?;
            app.store.client_of(token).await.ok()?
        }
    }
}

/// Leads a client to where it can ask for a token (RFC 9728, 5.1).
fn challenge_with(app: &App, project_id: &str, error: &str, headers: &mut HeaderMap) {
    let metadata = resource_metadata_url(&app.config, project_id);
    let mut challenge = format!("Bearer resource_metadata=\"{metadata}\"");
    if !error.is_empty() {
        challenge.push_str(", ");
        challenge.push_str(error);
    }
    if let Ok(challenge) = HeaderValue::try_from(challenge) {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
}

/// Whether the request is of the protocol of 2026-07-28 or later; versions sort as text.
fn is_modern(headers: &HeaderMap) -> bool {
    let version = headers.get("mcp-protocol-version");
    version.is_some_and(|version| version.as_bytes() >= &b"2026-07-28"[..])
}

fn broken(error: &StoreError) -> Response {
    tracing::error!(%error, "a request was not served");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
