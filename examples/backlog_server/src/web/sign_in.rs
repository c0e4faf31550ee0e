//! Signing in and out.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use mcp_usage::AuthRejection;
use serde::Deserialize;
use url::Url;

use super::session::{self, Visitor};
use super::{PageError, page};
use crate::App;
use crate::config::PublicUrl;
use crate::password::NotChecked;
use crate::source::Source;
use crate::usage::Login;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    form_token: String,
    next: &'a str,
    email: &'a str,
    error: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Query(Next { next }): Query<Next>,
) -> Response {
    if visitor.user().is_some() {
        return Redirect::to(&local(&app.config.public_url, &next)).into_response();
    }
    let form = SignIn {
        form_token: visitor.form_token(),
        next: &next,
        email: "",
        error: None,
    };
    (visitor.cookie(&app), page(&form)).into_response()
}

#[derive(Deserialize)]
pub(super) struct Credentials {
    form_token: String,
    #[serde(default)]
    next: String,
    email: String,
    password: String,
}

pub(super) async fn submit(
    State(app): State<App>,
    visitor: Visitor,
    source: Source,
    headers: HeaderMap,
    Form(credentials): Form<Credentials>,
) -> Result<Response, PageError> {
    visitor.check_form(&app, &headers, &credentials.form_token)?;
    let Credentials {
        next,
        email,
        password,
        ..
    } = credentials;
    let (user, hash) = app.store.user_by_email(&email).await?.unzip();
    let known = app.passwords.check(source, &email, password, hash).await;
    let (status, error, reason, step) = match (known, user) {
        (Ok(true), Some(user)) => {
            let lifetime = app.config.session_lifetime;
            // A new secret: one that somebody else may have planted is worth nothing.
            let secret = app.store.start_session(&user.id, lifetime).await?;
            let jar = CookieJar::new().add(session::cookie(&app, secret));
            let to = local(&app.config.public_url, &next);
            return Ok((jar, Redirect::to(&to)).into_response());
        }
        (Ok(_), _) => (
            StatusCode::UNAUTHORIZED,
            "The e-mail address or the password is wrong.".to_owned(),
            AuthRejection::Invalid,
            "sign_in:wrong_password",
        ),
        (Err(refused @ NotChecked::TooManyTries), _) => (
            StatusCode::TOO_MANY_REQUESTS,
            refused.to_string(),
            AuthRejection::RateLimited,
            "sign_in:too_many_tries",
        ),
        (Err(refused @ NotChecked::Busy), _) => (
            StatusCode::SERVICE_UNAVAILABLE,
            refused.to_string(),
            AuthRejection::Other,
            "sign_in:busy",
        ),
    };
    // Not by whose address: anybody can type it.
    Login::refused(reason, step).report(&app.usage, &headers);
    let form = SignIn {
        form_token: visitor.form_token(),
        next: &next,
        email: &email,
        error: Some(error),
    };
    let retry_after = known
        .err()
        .map(|refused| [(RETRY_AFTER, refused.retry_after().as_secs())]);
    Ok((status, retry_after, page(&form)).into_response())
}

#[derive(Deserialize)]
pub(super) struct SignOut {
    form_token: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn sign_out(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(SignOut { form_token, next }): Form<SignOut>,
) -> Result<Response, PageError> {
    visitor.check_form(&app, &headers, &form_token)?;
    app.store.end_session(visitor.secret()).await?;
    Ok(Redirect::to(&path_to(&local(&app.config.public_url, &next))).into_response())
}

/// Returns the way to the sign-in page, and on to a path of this server.
pub(super) fn path_to(next: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("next", next)
        .finish();
    format!("/sign-in?{query}")
}

/// Returns the path to go on to: whatever was asked for, nothing but a path, and one of ours.
fn local(public_url: &PublicUrl, next: &str) -> String {
    let here = Url::parse(public_url.as_str()).ok();
    here.and_then(|here| {
        let there = here.join(next).ok()?;
        let known = there.path() == "/authorize" || there.path() == "/apps";
        known.then(|| there[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
    })
    .unwrap_or_else(|| "/apps".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        let here = PublicUrl::parse("https://backlog.example.com").expect("it is one");
        assert_eq!(local(&here, "/authorize?a=b%20c"), "/authorize?a=b%20c");
        assert_eq!(local(&here, "/apps"), "/apps");
        for elsewhere in [
            "",
            "https://evil.example.com/apps",
            "//evil.example.com/apps",
            "/\\evil.example.com/apps",
            "\\\\evil.example.com/apps",
            "/\t/evil.example.com/apps",
            "https:evil.example.com",
            "javascript:alert(1)",
            "/style.css",
            "https://backlog.example.com@evil.example.com/apps",
            "//evil.example.com//evil.example.com/apps",
        ] {
            assert_eq!(local(&here, elsewhere), "/apps", "{elsewhere:?}");
        }
    }
}
