//! The question whether a client may: the authorization endpoint.

use std::collections::BTreeSet;

use askama::Template;
use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use mcp_usage::{AuthRejection, Identity};
use serde::Deserialize;
use serde::de::{self, value::MapDeserializer};

use super::session::Visitor;
use super::{Account, PageError, page, policy, sign_in};
use crate::App;
use crate::grant_name::{self, GrantName};
use crate::oauth::redirect;
use crate::scope::{self, Scope, UnknownScope};
use crate::store::consents::{Approval, NotApproved};
use crate::store::users::{Role, User};
use crate::usage::Login;

/// What a client asks for, as its user's browser brings it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Asked {
    response_type: Option<String>,
    client_id: Option<String>,
    redirect_uri: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    state: Option<String>,
    scope: Option<String>,
    resource: Option<String>,
}

/// The same, found to be in order.
struct Request {
    client_id: String,
    redirect_uri: String,
    state: Option<String>,
    challenge: String,
    scopes: BTreeSet<Scope>,
    project_id: String,
    resource: String,
    /// Its address here, to come back to.
    here: String,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct Consent<'a> {
    account: Account,
    project: &'a str,
    role: Role,
    plan: String,
    client_id: &'a str,
    redirect_host: String,
    on_this_computer: bool,
    /// What can be granted, and whether it is ticked.
    offered: Vec<(Scope, bool)>,
    /// Whether the user's role allows less than that.
    only_reads: bool,
    refused: Vec<Scope>,
    name: &'a str,
    error: Option<&'a str>,
    /// The request, to be sent along with the decision.
    request: Vec<(&'static str, &'a str)>,
}

/// What is ticked and typed on the page when it is shown.
struct Choice<'a> {
    scopes: &'a BTreeSet<Scope>,
    name: &'a str,
    /// Why the page is shown again.
    error: Option<&'a str>,
}

/// A look at the authorization endpoint: by whose browser, and for what.
struct Look<'a> {
    app: &'a App,
    headers: &'a HeaderMap,
    visitor: &'a Visitor,
    user: &'a User,
    asked: &'a Asked,
    request: &'a Request,
}

pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, PageError> {
    let Query(asked) = asked.map_err(|error| unreadable(&error.body_text()))?;
    let request = check(&app, &headers, &asked).await?;
    let Some(user) = visitor.user() else {
        return Ok(Redirect::to(&sign_in::path_to(&request.here)).into_response());
    };
    let look = Look {
        app: &app,
        headers: &headers,
        visitor: &visitor,
        user,
        asked: &asked,
        request: &request,
    };
    let all = Choice {
        scopes: &request.scopes,
        name: "",
        error: None,
    };
    look.page(&all).await
}

pub(super) async fn decide(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Response, PageError> {
    let Form(fields) = form.map_err(|error| unreadable(&error.body_text()))?;
    let (ticked, decision) = Decision::read(fields)?;
    visitor.check_form(&app, &headers, &decision.form_token)?;
    // The form is no more to be trusted than the address was.
    let asked = decision.asked;
    let request = check(&app, &headers, &asked).await?;
    let Some(user) = visitor.user() else {
        return Ok(Redirect::to(&sign_in::path_to(&request.here)).into_response());
    };
    if decision.decision != "approve" {
        return request.answer(&app, &[("error", "access_denied")]);
    }
    let look = Look {
        app: &app,
        headers: &headers,
        visitor: &visitor,
        user,
        asked: &asked,
        request: &request,
    };
    let scopes: BTreeSet<Scope> = ticked.intersection(&request.scopes).copied().collect();
    let again = async |status, error: &str| {
        let choice = Choice {
            scopes: &scopes,
            name: &decision.name,
            error: Some(error),
        };
        Ok((status, look.page(&choice).await?).into_response())
    };
    let name = match GrantName::parse(&decision.name) {
        Ok(name) => name,
        Err(bad) => return again(StatusCode::UNPROCESSABLE_ENTITY, &bad.to_string()).await,
    };
    if scopes.is_empty() {
        let error = "Tick at least one box, or refuse.";
        return again(StatusCode::UNPROCESSABLE_ENTITY, error).await;
    }
    let approval = Approval {
        user_id: user.id.clone(),
        client_id: request.client_id.clone(),
        project_id: request.project_id.clone(),
        resource: request.resource.clone(),
        scopes: scopes.clone(),
        redirect_uri: request.redirect_uri.clone(),
        challenge: request.challenge.clone(),
        name,
    };
    let approved = app.store.approve(approval, app.config.code_lifetime);
    match approved.await? {
        Ok(code) => request.answer(&app, &[("code", &code)]),
        Err(NotApproved::NotAMember) => Err(look.not_a_member()),
        Err(NotApproved::NotOnPlan) => {
            let error = "The plan of this project\u{2019}s owner does not allow changes. Nothing was \
                         approved; check what the program may do, and decide again.";
            again(StatusCode::CONFLICT, error).await
        }
    }
}

/// What a person has decided; the boxes that they ticked come beside it.
#[derive(Deserialize)]
struct Decision {
    form_token: String,
    decision: String,
    #[serde(default)]
    name: String,
    #[serde(flatten)]
    asked: Asked,
}

impl Decision {
    /// Reads a form, in which a box that is ticked is an `allow`, and all else comes once.
    fn read(fields: Vec<(String, String)>) -> Result<(BTreeSet<Scope>, Self), PageError> {
        let (boxes, rest): (Vec<_>, Vec<_>) =
            fields.into_iter().partition(|(name, _)| name == "allow");
        let ticked = boxes.iter().map(|(_, scope)| scope.parse());
        let ticked: Result<_, UnknownScope> = ticked.collect();
        let decision = Self::deserialize(MapDeserializer::new(rest.into_iter()));
        let decision =
            decision.map_err(|error: de::value::Error| unreadable(&error.to_string()))?;
        let ticked = ticked.map_err(|error| unreadable(&error.to_string()))?;
        Ok((ticked, decision))
    }
}

impl Look<'_> {
    /// Renders the question.
    async fn page(&self, choice: &Choice<'_>) -> Result<Response, PageError> {
        let Self { request, user, .. } = self;
        let found = self.app.store.membership(&user.id, &request.project_id);
        let membership = found.await?.ok_or_else(|| self.not_a_member())?;
        let (offered, refused): (Vec<Scope>, Vec<Scope>) = request
            .scopes
            .iter()
            .partition(|scope| membership.plan.allows_writes() || !scope.writes());
        let consent = Consent {
            account: self.visitor.account(user, &request.here),
            project: &membership.project_name,
            role: membership.role,
            plan: membership.plan.to_string(),
            client_id: &request.client_id,
            redirect_host: redirect::host_of(&request.redirect_uri),
            on_this_computer: redirect::is_on_this_computer(&request.redirect_uri),
            only_reads: membership.role == Role::Viewer
                && offered.iter().any(|scope| scope.writes()),
            offered: offered
                .into_iter()
                .map(|scope| (scope, choice.scopes.contains(&scope)))
                .collect(),
            refused,
            name: choice.name,
            error: choice.error,
            request: self.asked.fields(),
        };
        // A browser holds a form to its policy across the redirect that answers it.
        let forms = format!("'self' {}", redirect::csp_source(&request.redirect_uri));
        let headers = [(CONTENT_SECURITY_POLICY, policy(&forms, "'none'"))];
        Ok((headers, page(&consent)).into_response())
    }

    /// Answers those who are nothing in the project; they are told no more than that.
    fn not_a_member(&self) -> PageError {
        let Self { request, user, .. } = self;
        Login::refused(AuthRejection::Forbidden, "authorize:not_a_member")
            .project(&request.project_id)
            .by(Some(&Identity::email(user.email.clone())))
            .report(&self.app.usage, self.headers);
        let text = format!(
            "You are signed in as {}, who is not a member of a project with the id {}.",
            user.email, request.project_id
        );
        PageError::new(StatusCode::FORBIDDEN, "Not your project", text)
            .with_account(self.visitor.account(user, &request.here))
    }
}

/// Checks what a client asks for.
///
/// Nobody is redirected for a mistake of the client's: whoever registers a client could otherwise
/// have this server send people anywhere, before they have seen a page of it. They get a page that
/// says where its link leads.
async fn check(app: &App, headers: &HeaderMap, asked: &Asked) -> Result<Request, PageError> {
    let unknown = |step| {
        Login::refused(AuthRejection::Invalid, step).report(&app.usage, headers);
        let text = "The program that sent you here is not registered with this server, or wants \
                    the answer at an address that it has not registered. Connect it again.";
        PageError::new(StatusCode::BAD_REQUEST, "Unknown program", text)
    };
    let (Some(client_id), Some(redirect_uri)) = (&asked.client_id, &asked.redirect_uri) else {
        return Err(unknown("authorize:unknown_client"));
    };
    let Some(registered) = app.store.redirect_uris(client_id).await? else {
        return Err(unknown("authorize:unknown_client"));
    };
    if !registered
        .iter()
        .any(|uri| redirect::matches(uri, redirect_uri))
    {
        return Err(unknown("authorize:wrong_redirect"));
    }
    let wrong = |error, what: String| {
        let host = redirect::host_of(redirect_uri);
        let text = format!("The program at {host} sent a request that is not valid: {what}.");
        let page = PageError::new(StatusCode::BAD_REQUEST, "This did not work", text);
        let mut answer = vec![("error", error), ("error_description", &*what)];
        answer.extend(asked.state.as_deref().map(|state| ("state", state)));
        answer.push(("iss", app.config.public_url.as_str()));
        match redirect::with_answer(redirect_uri, &answer) {
            Ok(to) => page.with_link(to, format!("Go back to {host} with this error")),
            Err(_) => page,
        }
    };
    if asked.response_type.as_deref() != Some("code") {
        let what = "response_type must be code".to_owned();
        return Err(wrong("unsupported_response_type", what));
    }
    let challenge = asked.code_challenge.as_deref().unwrap_or_default();
    let method = asked.code_challenge_method.as_deref();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if method != Some("S256") || challenge.len() != 43 || !challenge.bytes().all(plain) {
        let what = "a code_challenge with the method S256 is required".to_owned();
        return Err(wrong("invalid_request", what));
    }
    let resource = asked.resource.as_deref().unwrap_or_default();
    let Some(project_id) = app.config.public_url.project_of(resource) else {
        let what = "resource must be the address of a project's MCP endpoint".to_owned();
        return Err(wrong("invalid_target", what));
    };
    let mut scopes = scope::parse(asked.scope.as_deref().unwrap_or_default())
        .map_err(|error| wrong("invalid_scope", error.to_string()))?;
    if scopes.is_empty() {
        // Who asks for nothing in particular may look, and change nothing.
        scopes.extend(Scope::ALL.into_iter().filter(|scope| !scope.writes()));
    }
    Ok(Request {
        client_id: client_id.clone(),
        redirect_uri: redirect_uri.clone(),
        state: asked.state.clone(),
        challenge: challenge.to_owned(),
        scopes,
        project_id: project_id.to_owned(),
        resource: resource.to_owned(),
        here: path_of(asked),
    })
}

impl Request {
    /// Sends the browser back to the client, which can tell from `iss` who answers (RFC 9207).
    fn answer(&self, app: &App, answer: &[(&str, &str)]) -> Result<Response, PageError> {
        let mut answer = answer.to_vec();
        answer.extend(self.state.as_deref().map(|state| ("state", state)));
        answer.push(("iss", app.config.public_url.as_str()));
        let to = redirect::with_answer(&self.redirect_uri, &answer)
            .map_err(|error| unreadable(&error.to_string()))?;
        Ok(Redirect::to(&to).into_response())
    }
}

impl Asked {
    /// Returns its parts by their names, for the form to carry.
    fn fields(&self) -> Vec<(&'static str, &str)> {
        [
            ("response_type", &self.response_type),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("code_challenge", &self.code_challenge),
            ("code_challenge_method", &self.code_challenge_method),
            ("state", &self.state),
            ("scope", &self.scope),
            ("resource", &self.resource),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
        .collect()
    }
}

fn path_of(asked: &Asked) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(asked.fields())
        .finish();
    format!("/authorize?{query}")
}

fn unreadable(what: &str) -> PageError {
    PageError::new(StatusCode::BAD_REQUEST, "This did not work", what)
}
