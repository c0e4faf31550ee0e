//! What a user has connected, and the end of it.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::session::Visitor;
use super::{Account, PageError, page, sign_in};
use crate::App;
use crate::store::grants::ConnectedApp;

#[derive(Template)]
#[template(path = "apps.html")]
struct Apps {
    account: Account,
    apps: Vec<ConnectedApp>,
}

pub(super) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, PageError> {
    let Some(user) = visitor.user() else {
        return Ok(Redirect::to(&sign_in::path_to("/apps")).into_response());
    };
    let apps = Apps {
        account: visitor.account(user, "/apps"),
        apps: app.store.connected_apps(&user.id).await?,
    };
    Ok(page(&apps))
}

#[derive(Deserialize)]
pub(super) struct Revoke {
    form_token: String,
    grant_id: String,
}

pub(super) async fn revoke(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(Revoke {
        form_token,
        grant_id,
    }): Form<Revoke>,
) -> Result<Response, PageError> {
    visitor.check_form(&app, &headers, &form_token)?;
    if let Some(user) = visitor.user() {
        app.store.revoke_grant(&grant_id, &user.id).await?;
    }
    Ok(Redirect::to("/apps").into_response())
}

/// Writes a time for a person, in UTC.
fn when(seconds: &i64) -> String {
    Timestamp::from_second(*seconds).map_or_else(
        |_| String::new(),
        |time| time.strftime("%-d %b %Y, %H:%M UTC").to_string(),
    )
}
