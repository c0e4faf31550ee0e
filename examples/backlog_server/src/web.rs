//! What a person sees in a browser: sign-in, consent, connected apps. It needs no script; one page has one, for the
//! buttons that copy a text, and shows them with it alone.

mod agents;
mod apps;
mod consent;
mod session;
mod sign_in;

use askama::Template;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Router, extract};

use crate::App;
use crate::store::StoreError;

/// Most bytes of a form.
const MAX_FORM: usize = 16 * 1024;

pub(crate) fn routes(app: &App) -> Router<App> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/apps") }))
        .route("/sign-in", get(sign_in::show).post(sign_in::submit))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/authorize", get(consent::show).post(consent::decide))
        .route("/apps", get(apps::show))
        .route("/apps/revoke", get(apps::ask_back).post(apps::revoke))
        .route("/apps/name", post(apps::rename))
        .route("/style.css", get(style))
        .route("/icon.svg", get(icon))
        .route("/copy.js", get(script))
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .layer(from_fn_with_state(app.clone(), protect))
}

async fn style() -> impl IntoResponse {
    const CSS: &str = include_str!("../assets/style.css");
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], CSS)
}

async fn icon() -> impl IntoResponse {
    const SVG: &str = include_str!("../assets/icon.svg");
    ([(CONTENT_TYPE, "image/svg+xml")], SVG)
}

async fn script() -> impl IntoResponse {
    const JS: &str = include_str!("../assets/copy.js");
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], JS)
}

/// Sends every page with the headers that keep others out of it; a page may have set a policy of
/// its own.
async fn protect(State(app): State<App>, request: extract::Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, policy("'self'", "'none'"));
    }
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Without `Origin: null`, which `no-referrer` would make of it.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if app.config.public_url.is_https() {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

/// Returns the policy of a page whose forms lead to these addresses, redirects included, and whose scripts come from
/// there. None is ever part of the page itself.
fn policy(forms: &str, scripts: &str) -> HeaderValue {
    let text = format!(
        "default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self'; base-uri 'none'; \
         frame-ancestors 'none'; form-action {forms}"
    );
    let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    HeaderValue::try_from(text).unwrap_or(nothing)
}

/// A page that ends a way: what happened, and where a person can go from it.
#[derive(Template, Debug)]
#[template(path = "message.html")]
pub(crate) struct Message {
    title: &'static str,
    text: String,
    /// Where to, and what the link says.
    back: Option<(String, String)>,
    account: Option<Account>,
}

/// Who is signed in, and the form that signs them out.
#[derive(Debug)]
struct Account {
    email: String,
    form_token: String,
    /// Where to go on after signing in again.
    next: String,
}

/// Why a page cannot be shown.
#[derive(Debug)]
pub(crate) struct PageError {
    status: StatusCode,
    message: Box<Message>,
}

impl PageError {
    fn new(status: StatusCode, title: &'static str, text: impl Into<String>) -> Self {
        let message = Message {
            title,
            text: text.into(),
            back: None,
            account: None,
        };
        let message = Box::new(message);
        Self { status, message }
    }

    fn with_link(mut self, to: impl Into<String>, says: impl Into<String>) -> Self {
        self.message.back = Some((to.into(), says.into()));
        self
    }

    fn with_account(mut self, account: Account) -> Self {
        self.message.account = Some(account);
        self
    }

    fn form_of_another() -> Self {
        let text = "This form is out of date, or was not sent from this site. Nothing was changed. \
                    Go back, reload the page, and try again.";
        Self::new(StatusCode::FORBIDDEN, "Please try again", text)
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a page failed");
        let text = "Something went wrong on our side. Nothing was changed.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Sorry", text)
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        (self.status, page(&*self.message)).into_response()
    }
}

/// Renders a page. Everything in it is escaped by the template.
fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a template failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Says whether a form was sent from this site, as far as the browser tells.
fn is_ours(app: &App, headers: &HeaderMap) -> bool {
    headers
        .get(axum::http::header::ORIGIN)
        .is_none_or(|origin| origin.as_bytes() == app.config.public_url.as_str().as_bytes())
}
