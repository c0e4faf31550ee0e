//! Signing in by a link that works once, and out.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use maud::Markup;

use super::look::{self, Submitted, Visitor};
use super::session::{self, LONGEST_MS, Secret};
use super::{Failure, Web};
use crate::page::sign_in;
use crate::store::audit::audit;
use crate::store::projects;

pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/", get(home))
        .route("/sign-in", get(show).post(redeem))
        .route("/sign-out", post(sign_out))
}

/// Leads to the first project.
pub(super) async fn home(State(web): State<Web>, _: Visitor) -> Failure {
    let base = web.site.base();
    match web.app.store.read(projects::list).await {
        Ok(projects) => match projects.first() {
            Some(project) => Failure::To(format!("{base}/p/{}/", project.id)),
            None => Failure::because(StatusCode::NOT_FOUND, "There is no project yet."),
        },
        Err(error) => error.into(),
    }
}

/// Shows a button. Looking at a link does not use it up: mail programs and chats do that by themselves.
async fn show(
    State(web): State<Web>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Markup, Failure> {
    let (base, url) = (web.site.base(), web.site.url());
    let Some(link) = query.get("link").map(|link| Secret::given(link)) else {
        return Ok(sign_in::no_session(base, &url));
    };
    Ok(match works(&web, &link).await? {
        true => sign_in::link(base, &url, link.as_str()),
        false => sign_in::spent(base, &url),
    })
}

async fn works(web: &Web, link: &Secret) -> Result<bool, Failure> {
    let (now, asked) = (web.app.now_ms(), link.clone());
    let read = web
        .app
        .store
        .read(move |db| session::is_link(db, &asked, now));
    Ok(read.await?)
}

async fn redeem(State(web): State<Web>, request: Request) -> Result<Response, Failure> {
    let headers = request.headers().clone();
    if web.site.check_origin(&headers).is_err() {
        return Err(Failure::because(
            StatusCode::FORBIDDEN,
            "The form was sent by a page of another site.",
        ));
    }
    let form = look::form(request, &web).await?;
    let link = Secret::given(form.get("link").map_or("", |link| link.trim()));
    let (base, url) = (web.site.base(), web.site.url());
    let spent = || Ok((StatusCode::GONE, sign_in::spent(base, &url)).into_response());
    // The writer, which events wait for, is not asked about links that anybody makes up.
    if !works(&web, &link).await? {
        return spent();
    }
    let now = web.app.now_ms();
    // Whoever was signed in in this browser is no longer.
    let before = look::secret(&web, &headers).map(|secret| secret.hash());
    let begun = web.app.store.write(move |tx| {
        let begun = session::redeem(tx, &link, now)?;
        if let Some((_, session)) = &begun {
            if let Some(before) = before {
                session::end(tx, &before)?;
            }
            audit(tx, now, 0, &session.who, "signed in", "")?;
        }
        Ok(begun)
    });
    let Some((secret, _)) = begun.await? else {
        return spent();
    };
    let _ = before.map(|before| web.ended.send(before));
    let cookie = cookie(&web, &headers, secret.as_str(), LONGEST_MS / 1000);
    let to = [(LOCATION, format!("{base}/")), (SET_COOKIE, cookie)];
    Ok((StatusCode::SEE_OTHER, to).into_response())
}

async fn sign_out(
    State(web): State<Web>,
    headers: HeaderMap,
    submitted: Submitted,
) -> Result<Response, Failure> {
    let hash = submitted.visitor.session.hash;
    web.app
        .store
        .write(move |tx| session::end(tx, &hash))
        .await?;
    // Nobody listens when no stream is open.
    let _ = web.ended.send(hash);
    let cookie = cookie(&web, &headers, "", 0);
    let to = format!("{}/sign-in", web.site.base());
    Ok((
        StatusCode::SEE_OTHER,
        [(LOCATION, to), (SET_COOKIE, cookie)],
    )
        .into_response())
}

fn cookie(web: &Web, headers: &HeaderMap, value: &str, seconds: i64) -> String {
    let is_https = web.site.is_https(headers);
    let name = web.site.cookie(is_https);
    // The prefix `__Host-` asks for the whole host.
    let path = match (is_https, web.site.base()) {
        (_, "") => "/",
        (_, base) => base,
    };
    let secure = if is_https { "; Secure" } else { "" };
    format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}
