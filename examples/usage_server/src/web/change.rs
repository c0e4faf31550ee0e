//! What an administrator changes.

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use maud::Markup;

use super::{Change, Failure, Look, Web, pages};
use crate::intents::rebuild;
use crate::page::frame::Page;
use crate::page::settings::{self, Notice};
use crate::page::text::Link;
use crate::query;
use crate::store::audit::audit;
use crate::store::{administration, projects};

const MAX_DAYS: u32 = 3650;

pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/p/{project}/settings", post(rules).get(show))
        .route("/p/{project}/keys/new", post(new_key))
        .route("/p/{project}/keys/revoke", post(revoke_key))
        .route("/p/{project}/projects/new", post(new_project))
        .route("/p/{project}/forget", post(forget))
        .route("/p/{project}/intents", post(group_anew))
}

async fn show(look: Look) -> Result<Markup, Failure> {
    let notice = look.asked("done").and_then(|done| match done {
        "saved" => Some(Notice::Done("Saved.".to_owned())),
        "revoked" => Some(Notice::Done("The key is revoked.".to_owned())),
        "made" => Some(Notice::Done(
            "The project is made. It has no key yet.".to_owned(),
        )),
        "forgotten" => Some(Notice::Done("The person is forgotten.".to_owned())),
        _ => None,
    });
    page(&look, notice).await
}

async fn page(look: &Look, notice: Option<Notice>) -> Result<Markup, Failure> {
    let project = look.project.clone();
    let frame = look.frame(Page::Settings).await?;
    let read = look
        .web
        .app
        .store
        .read(move |db| query::settings::settings(db, &project));
    Ok(settings::settings(&frame, &read.await?, notice.as_ref()))
}

async fn problem(look: &Look, problem: &str) -> Result<Response, Failure> {
    let page = page(look, Some(Notice::Problem(problem.to_owned()))).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

fn done(look: &Look, what: &str) -> Result<Response, Failure> {
    let settings = look
        .frame_without_figures(Page::Settings)
        .plain_link(Page::Settings);
    Err(Failure::To(settings.with("done", what).to_string()))
}

async fn rules(change: Change) -> Result<Response, Failure> {
    let look = &change.look;
    let days = |key| {
        let days = change.said(key).parse::<u32>().ok();
        days.filter(|days| (1..=MAX_DAYS).contains(days))
    };
    let (Some(raw), Some(rolled)) = (days("raw_days"), days("rollup_days")) else {
        return problem(look, "Days are whole numbers from 1 to 3650.").await;
    };
    if rolled < raw {
        return problem(look, "Totals are kept for at least as long as events.").await;
    }
    let redact = change.said("redact") == "yes";
    let name = change.said("name").to_owned();
    let (id, now, who) = line(look);
    let is_same = name == look.project.name;
    let changed = look.web.app.store.write(move |tx| {
        if !is_same && !projects::rename(tx, id, &name)? {
            return Ok(false);
        }
        projects::set_rules(tx, id, raw, rolled, redact)?;
        let subject = format!("events {raw} d, totals {rolled} d, redaction {redact}, name {name}");
        audit(tx, now, id, &who, "changed settings", &subject)?;
        Ok(true)
    });
    let changed = changed.await?;
    look.web.app.door.keys_changed();
    match changed {
        true => done(look, "saved"),
        false => problem(look, NO_NAME).await,
    }
}

const NO_NAME: &str = "That name cannot be had: it is empty, too long, has control characters, or another project has it.";

async fn new_key(change: Change) -> Result<Response, Failure> {
    let look = &change.look;
    let (id, now, who) = line(look);
    let store = &look.web.app.store;
    let made = store.write(move |tx| administration::make_key(tx, id, now, &who));
    let made = made.await?.map(|made| made.key);
    look.web.app.door.keys_changed();
    const TOO_MANY: &str = "Two keys are valid already. Revoke the one that servers no longer use.";
    if change.said("then") == "connect" {
        let problem = made.is_none().then_some(TOO_MANY);
        let page = pages::connect_page(look, made.as_deref(), problem).await?;
        return Ok(page.into_response());
    }
    match made {
        Some(key) => Ok(page(look, Some(Notice::Key(key))).await?.into_response()),
        None => problem(look, TOO_MANY).await,
    }
}

async fn revoke_key(change: Change) -> Result<Response, Failure> {
    let look = &change.look;
    let key: i64 = change
        .said("key")
        .parse()
        .map_err(|_| Failure::new(StatusCode::UNPROCESSABLE_ENTITY))?;
    let (id, now, who) = line(look);
    let store = &look.web.app.store;
    let revoked = store.write(move |tx| administration::revoke_key(tx, id, key, now, &who));
    let revoked = revoked.await?;
    // What it opens is no longer believed from memory.
    look.web.app.door.keys_changed();
    match revoked {
        true => done(look, "revoked"),
        false => problem(look, "This project has no such valid key.").await,
    }
}

async fn new_project(change: Change) -> Result<Response, Failure> {
    let look = &change.look;
    let name = change.said("name").to_owned();
    let (_, now, who) = line(look);
    let store = &look.web.app.store;
    let made = store.write(move |tx| administration::make_project(tx, &name, now, &who));
    match made.await? {
        Some(made) => {
            let base = look.web.site.base();
            let settings = Link::new(format!("{base}/p/{made}/settings")).with("done", "made");
            Err(Failure::To(settings.to_string()))
        }
        None => problem(look, NO_NAME).await,
    }
}

/// Asks once more first.
async fn forget(change: Change) -> Result<Response, Failure> {
    let look = &change.look;
    let (id, named) = (look.project.id, change.said("user").to_owned());
    let person = look
        .web
        .app
        .store
        .read(move |db| query::settings::person(db, id, &named))
        .await?;
    let who = match &person {
        Some(person) => &person.id,
        // Whose events may come still.
        None => change.said("user").trim(),
    };
    if who.is_empty() {
        return problem(look, "Say an id or an e-mail address.").await;
    }
    if change.said("sure") != "yes" {
        // The question says who it is, and how much they did.
        if person.is_some() {
            look.audit("looked up", who).await?;
        }
        let frame = look.frame(Page::Settings).await?;
        return Ok(settings::confirm_forget(&frame, who, person.as_ref()).into_response());
    }
    let by = &look.visitor.session.who;
    look.web.app.forget(id, who, by).await?;
    done(look, "forgotten")
}

async fn group_anew(change: Change) -> Result<Response, Failure> {
    let look = &change.look;
    look.audit("grouped intents anew", "").await?;
    let (id, now, _) = line(look);
    if let Err(error) = rebuild(&look.web.app.store, id, now).await {
        tracing::error!(%error, "intents could not be grouped anew");
        return Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR));
    }
    let frame = look.frame_without_figures(Page::Intents);
    Err(Failure::To(frame.link(Page::Intents).to_string()))
}

/// Of a line of the audit: the project, the time and who.
fn line(look: &Look) -> (i64, i64, String) {
    (
        look.project.id,
        look.web.app.now_ms(),
        look.visitor.session.who.clone(),
    )
}
