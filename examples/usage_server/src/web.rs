//! What browsers get: the pages, and what guards them.
//!
//! Every answer passes `guard`, which checks the host that was asked for and sets the headers that keep others out.
//! A page is shown to a `Look`, which only somebody who is signed in has; what changes something takes a
//! `Change`, which only a form of the session's own pages makes, sent by an administrator.

mod assets;
mod change;
pub mod csv;
mod export;
mod guard;
mod look;
mod operators;
mod pages;
pub mod session;
mod sign_in;
pub mod site;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::{Semaphore, broadcast};

use crate::app::App;
use crate::store::{ReadError, WriteError};
use look::{Change, Look};
use session::Hash;
use site::Site;

/// Most bytes of a form.
const MAX_FORM: usize = 64 * 1024;
/// How many streams of events are open at a time.
const MAX_STREAMS: usize = 128;
/// How many exports are under way at a time.
const MAX_EXPORTS: usize = 4;
/// How many ends of sessions a stream can be behind before it looks itself.
const ENDED: usize = 64;

/// What the pages share.
#[derive(Debug, Clone)]
pub struct Web {
    app: Arc<App>,
    site: Arc<Site>,
    streams: Arc<Semaphore>,
    exports: Arc<Semaphore>,
    /// Tells streams that a session was signed out.
    ended: broadcast::Sender<Hash>,
}

/// The pages, under the public URL's path and, for a proxy that takes it off, without it.
pub fn routes(app: Arc<App>, site: Site) -> Router {
    let base = site.base().to_owned();
    let web = Web {
        app,
        site: Arc::new(site),
        streams: Arc::new(Semaphore::new(MAX_STREAMS)),
        exports: Arc::new(Semaphore::new(MAX_EXPORTS)),
        ended: broadcast::Sender::new(ENDED),
    };
    let all = Router::new()
        .merge(assets::routes())
        .merge(sign_in::routes())
        .merge(pages::routes())
        .merge(stream::routes())
        .merge(change::routes())
        .merge(export::routes())
        .merge(operators::routes());
    let both = match base.as_str() {
        "" => all,
        // What is nested does not have the folder itself.
        base => Router::new()
            .nest(base, all.clone())
            .route(&format!("{base}/"), get(sign_in::home))
            .merge(all),
    };
    both.fallback(|| async { Failure::not_found() })
        .method_not_allowed_fallback(|| async { Failure::new(StatusCode::METHOD_NOT_ALLOWED) })
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .layer(from_fn_with_state(web.clone(), guard::guard))
        .with_state(web)
}

/// Why there is no page. `guard` puts it into the frame of the project that was asked for, where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    Status(StatusCode, Option<&'static str>),
    /// The page is somewhere else.
    To(String),
    /// Nobody is signed in.
    NoSession,
}

impl Failure {
    const fn new(status: StatusCode) -> Self {
        Self::Status(status, None)
    }

    const fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND)
    }

    const fn because(status: StatusCode, why: &'static str) -> Self {
        Self::Status(status, Some(why))
    }

    /// What happened, for the title of a page.
    const fn title(status: StatusCode) -> &'static str {
        match status {
            StatusCode::NOT_FOUND => "There is no such page",
            StatusCode::METHOD_NOT_ALLOWED => "This address cannot be used that way",
            StatusCode::FORBIDDEN => "You may not do that",
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => "This was not understood",
            StatusCode::PAYLOAD_TOO_LARGE => "That was too much",
            StatusCode::REQUEST_TIMEOUT => "That took too long",
            StatusCode::SERVICE_UNAVAILABLE => "Not now",
            _ => "Something went wrong",
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        tracing::error!(%error, "a page could not be read");
        match error {
            ReadError::TooLong => {
                Self::because(StatusCode::SERVICE_UNAVAILABLE, "The query took too long.")
            }
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        tracing::error!(%error, "a change could not be written");
        match error {
            WriteError::DiskFull => {
                Self::because(StatusCode::SERVICE_UNAVAILABLE, "The disk is full.")
            }
            WriteError::Ending => Self::because(
                StatusCode::SERVICE_UNAVAILABLE,
                "The server is about to end.",
            ),
            WriteError::Sqlite(_) | WriteError::BrokeOff => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Status(status, _) => *status,
            Self::To(_) => StatusCode::SEE_OTHER,
            Self::NoSession => StatusCode::UNAUTHORIZED,
        };
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
