//! What a user has connected, and the end of it; and how to connect more.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::agents::{self, AgentConfig};
use super::session::Visitor;
use super::{Account, PageError, page, policy, sign_in};
use crate::App;
use crate::access::quota;
use crate::grant_name::{self, GrantName};
use crate::store::StoreError;
use crate::store::connected::ConnectedApp;
use crate::store::users::{self, Membership, User};

#[derive(Template)]
#[template(path = "apps.html")]
struct Apps {
    account: Account,
    apps: Vec<ConnectedApp>,
    projects: Vec<Project>,
    /// When new calls come, for all projects alike.
    resets_at: i64,
    /// The grant that was just revoked.
    revoked: Option<ConnectedApp>,
}

/// A project of the user's.
struct Project {
    membership: Membership,
    /// Whether the plan, and what is used of it, are the user's own.
    is_owner: bool,
    address: String,
    calls_today: i64,
    calls_per_day: i64,
    agents: Vec<AgentConfig>,
}

#[derive(Deserialize)]
pub(super) struct Shown {
    /// The id of a grant. What is said of it is read from the database: a link alone cannot have the page say anything.
    revoked: Option<String>,
}

pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Query(Shown { revoked }): Query<Shown>,
) -> Result<Response, PageError> {
    let Some(user) = visitor.user() else {
        return Ok(Redirect::to(&sign_in::path_to("/apps")).into_response());
    };
    let revoked = match revoked {
        Some(id) => app.store.connected_app(&id, &user.id).await?,
        None => None,
    };
    let apps = Apps {
        account: visitor.account(user, "/apps"),
        apps: app.store.connected_apps(&user.id).await?,
        projects: projects(&app, user).await?,
        resets_at: quota::resets_at(app.store.clock().seconds()),
        revoked: revoked.filter(|grant| grant.revoked_at.is_some()),
    };
    // Its one script copies texts.
    let headers = [(CONTENT_SECURITY_POLICY, policy("'self'", "'self'"))];
    Ok((headers, page(&apps)).into_response())
}

async fn projects(app: &App, user: &User) -> Result<Vec<Project>, StoreError> {
    let user_id = user.id.clone();
    let now = app.store.clock().seconds();
    let public_url = app.config.public_url.clone();
    let read = app.store.run(move |db| {
        let project = |membership: Membership| {
            let address = public_url.resource_of(&membership.project_id);
            Ok(Project {
                is_owner: membership.owner_id == user_id,
                calls_today: quota::used(db, &membership.owner_id, now)?,
                calls_per_day: quota::calls_per_day(membership.plan),
                agents: agents::configs(&membership.project_id, &address),
                address,
                membership,
            })
        };
        let memberships = users::memberships(db, &user_id)?;
        memberships.into_iter().map(project).collect()
    });
    read.await
}

#[derive(Deserialize)]
pub(super) struct Which {
    grant_id: String,
}

#[derive(Template)]
#[template(path = "revoke.html")]
struct AskBack {
    account: Account,
    app: ConnectedApp,
}

/// Asks whether a grant is really to be revoked.
pub(super) async fn ask_back(
    State(app): State<App>,
    visitor: Visitor,
    Query(Which { grant_id }): Query<Which>,
) -> Result<Response, PageError> {
    let Some(user) = visitor.user() else {
        return Ok(Redirect::to(&sign_in::path_to("/apps")).into_response());
    };
    let Some(found) = app.store.connected_app(&grant_id, &user.id).await? else {
        return Err(not_there().with_account(visitor.account(user, "/apps")));
    };
    if found.revoked_at.is_some() {
        return Ok(revoked(&found.grant_id));
    }
    let ask = AskBack {
        account: visitor.account(user, "/apps"),
        app: found,
    };
    Ok(page(&ask))
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
    Ok(revoked(&grant_id))
}

/// Leads to the page that says what revoking has done.
fn revoked(grant_id: &str) -> Response {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("revoked", grant_id)
        .finish();
    Redirect::to(&format!("/apps?{query}")).into_response()
}

#[derive(Deserialize)]
pub(super) struct Rename {
    form_token: String,
    grant_id: String,
    name: String,
}

pub(super) async fn rename(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(Rename {
        form_token,
        grant_id,
        name,
    }): Form<Rename>,
) -> Result<Response, PageError> {
    visitor.check_form(&app, &headers, &form_token)?;
    let name = GrantName::parse(&name).map_err(|bad| {
        let text = format!("{bad} Nothing was changed.");
        let page = PageError::new(StatusCode::UNPROCESSABLE_ENTITY, "Not a valid name", text);
        page.with_link("/apps", "Back to your connected apps")
    })?;
    if let Some(user) = visitor.user() {
        app.store.name_grant(&grant_id, &user.id, name).await?;
    }
    Ok(Redirect::to("/apps").into_response())
}

fn not_there() -> PageError {
    let text =
        "This link does not belong to any of your connected apps. The app may be gone already.";
    PageError::new(StatusCode::NOT_FOUND, "Not there", text)
        .with_link("/apps", "Back to your connected apps")
}

impl ConnectedApp {
    /// Returns what a heading calls it: the user's own word, or else where its answers went.
    fn title(&self) -> &str {
        let name = self.name.as_ref();
        name.map_or(&self.redirect_host, GrantName::as_str)
    }
}

/// Writes a time for a person, in UTC.
fn when(seconds: &i64) -> String {
    Timestamp::from_second(*seconds).map_or_else(
        |_| String::new(),
        |time| time.strftime("%-d %b %Y, %H:%M UTC").to_string(),
    )
}
