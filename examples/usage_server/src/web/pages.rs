//! The pages' addresses: each reads what it shows, and shows it.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::Markup;

use super::{Failure, Look, Web, csv, export, stream};
use crate::live::LiveEvent;
use crate::page;
use crate::page::frame::{Frame, Head, Page};
use crate::page::live::{Filter as LiveFilter, Told};
use crate::query;
use crate::query::calls::{Filter as CallFilter, Key};
use crate::query::logins::Filter as LoginFilter;
use crate::query::session::At;

pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/p/{project}", get(overview_of))
        .route("/p/{project}/", get(overview))
        .route("/p/{project}/live", get(live))
        .route("/p/{project}/people", get(people))
        .route("/p/{project}/person", get(person))
        .route("/p/{project}/company", get(company))
        .route("/p/{project}/sessions", get(sessions))
        .route("/p/{project}/session", get(session))
        .route("/p/{project}/intents", get(intents))
        .route("/p/{project}/calls", get(calls))
        .route("/p/{project}/tools", get(tools))
        .route("/p/{project}/tool", get(tool))
        .route("/p/{project}/logins", get(logins))
        .route("/p/{project}/clients", get(clients))
        .route("/p/{project}/quality", get(quality))
        .route("/p/{project}/connect", get(connect))
}

/// The overview is the folder.
async fn overview_of(look: Look) -> Failure {
    let frame = look.frame_without_figures(Page::Overview);
    Failure::To(frame.link(Page::Overview).to_string())
}

async fn overview(look: Look) -> Result<Markup, Failure> {
    let frame = look.frame(Page::Overview).await?;
    let (project, period) = (look.project.id, look.period);
    let data = look
        .part(move |db| query::overview::overview(db, project, &period))
        .await?;
    Ok(match data {
        Some(data) => page::overview::overview(&frame, &data),
        None => page::overview::too_slow(&frame),
    })
}

async fn live(look: Look) -> Result<Markup, Failure> {
    let frame = look.frame(Page::Live).await?;
    let filter = LiveFilter::of(look.asked("outcome"), look.asked("q"));
    let events = look.web.app.newest(look.project.id, 0).await?;
    let last = events.last().map_or(0, |event| event.id);
    let shown: Vec<&LiveEvent> = events
        .iter()
        .rev()
        .map(Arc::as_ref)
        .filter(|event| filter.lets(event))
        .take(200)
        .collect();
    let mut told = Told::default();
    if let Some((action, subject)) = told.news(&filter, &shown) {
        look.audit(action, subject).await?;
    }
    Ok(page::live::live(&frame, shown, &stream::id(last), &filter))
}

async fn calls(look: Look) -> Result<Response, Failure> {
    let filter = CallFilter::of_query(&look.query);
    if look.asked("format") == Some("csv") {
        return export::calls(&look, filter).await;
    }
    let frame = look.frame(Page::Calls).await?;
    look.audit_filter("looked up calls of", "searched calls", filter.whom())
        .await?;
    let after = look.asked("before").and_then(Key::of_text);
    let (project, period, asked) = (look.project.id, look.period, filter.clone());
    let data = look
        .part(move |db| query::calls::calls(db, project, &period, &asked, after))
        .await?;
    let page = match data {
        Some(data) => page::calls::calls(&frame, &filter, after, &data),
        None => too_slow(&look, &frame, "Calls"),
    };
    Ok(page.into_response())
}

/// A page whose one query took too long.
fn too_slow(look: &Look, frame: &Frame, title: &str) -> Markup {
    let pairs = look.all.iter().filter(|(key, _)| key != "range");
    let again = pairs.fold(frame.link(frame.page), |link, (key, value)| {
        link.with(key, value)
    });
    let head = Head::new(title, "").timeless();
    frame.document(&head, &page::part::too_slow(&again))
}

async fn people(look: Look) -> Result<Response, Failure> {
    let filter = query::people::Filter::of_query(&look.query);
    if look.asked("format") == Some("csv") {
        return export::people(&look, filter).await;
    }
    let frame = look.frame(Page::People).await?;
    look.audit_filter("looked up", "searched people", filter.whom())
        .await?;
    let (project, period, asked) = (look.project.id, look.period, filter.clone());
    let data = look
        .part(move |db| query::people::people(db, project, &period, &asked))
        .await?;
    let page = match data {
        Some(data) => page::people::people(&frame, &filter, &data),
        None => too_slow(&look, &frame, "People"),
    };
    Ok(page.into_response())
}

async fn person(look: Look) -> Result<Response, Failure> {
    let frame = look.frame(Page::Person).await?;
    let Some(id) = look.asked("id").map(str::to_owned) else {
        return Err(Failure::To(frame.link(Page::People).to_string()));
    };
    let before = look.asked("before").and_then(Key::of_text);
    let (project, period, asked) = (look.project.id, look.period, id.clone());
    let data = look
        .part(move |db| query::person::person(db, project, &period, &asked, before))
        .await?;
    let kinds = page::person::Kinds::of_query(&look.query);
    Ok(match data {
        None => too_slow(&look, &frame, "Person").into_response(),
        Some(None) => missing(page::person::missing(&frame, &id)),
        Some(Some(data)) => {
            look.audit("looked up", &data.id).await?;
            page::person::person(&frame, &kinds, before, &data).into_response()
        }
    })
}

fn missing(page: Markup) -> Response {
    (StatusCode::NOT_FOUND, page).into_response()
}

async fn company(look: Look) -> Result<Response, Failure> {
    let frame = look.frame(Page::Company).await?;
    let Some(domain) = look.asked("domain").map(str::to_owned) else {
        return Err(Failure::To(frame.link(Page::People).to_string()));
    };
    let before = look.asked("before").and_then(Key::of_text);
    let (project, period, asked) = (look.project.id, look.period, domain.clone());
    let data = look
        .part(move |db| query::person::company(db, project, &period, &asked, before))
        .await?;
    let kinds = page::person::Kinds::of_query(&look.query);
    Ok(match data {
        None => too_slow(&look, &frame, "Company").into_response(),
        Some(None) => missing(page::person::missing(&frame, &domain)),
        Some(Some(data)) => {
            look.audit("looked up", format!("@{}", data.domain)).await?;
            page::person::company(&frame, &kinds, before, &data).into_response()
        }
    })
}

async fn sessions(look: Look) -> Result<Markup, Failure> {
    let frame = look.frame(Page::Sessions).await?;
    let filter = query::sessions::Filter::of_query(&look.query);
    look.audit_filter("looked up sessions of", "searched sessions", filter.whom())
        .await?;
    let (project, period, asked) = (look.project.id, look.period, filter.clone());
    let data = look
        .part(move |db| query::sessions::sessions(db, project, &period, &asked))
        .await?;
    Ok(match data {
        Some(data) => page::sessions::sessions(&frame, &filter, &data),
        None => too_slow(&look, &frame, "Sessions"),
    })
}

async fn session(look: Look) -> Result<Response, Failure> {
    let frame = look.frame(Page::Session).await?;
    let Some(id) = look.asked("id").map(str::to_owned) else {
        return Err(Failure::To(frame.link(Page::Sessions).to_string()));
    };
    let number = |key| look.asked(key).and_then(|text| text.parse::<i64>().ok());
    let at = match (number("step"), number("event")) {
        (Some(step), _) => At::Step(step),
        (None, Some(event)) => At::Event(event),
        (None, None) => At::First,
    };
    let (project, asked) = (look.project.id, id.clone());
    let data = look
        .part(move |db| query::session::session(db, project, &asked, at))
        .await?;
    Ok(match data {
        None => too_slow(&look, &frame, "Session").into_response(),
        Some(None) => missing(page::session::missing(&frame, &id)),
        Some(Some(data)) => {
            // Whose session it is was looked up with it.
            if let Some(user) = &data.session.user {
                look.audit_steps("looked up a session of", user).await?;
            }
            page::session::session(&frame, &data).into_response()
        }
    })
}

async fn intents(look: Look) -> Result<Markup, Failure> {
    let frame = look.frame(Page::Intents).await?;
    let cluster = look.asked("cluster").and_then(|text| text.parse().ok());
    let (project, period) = (look.project.id, look.period);
    let data = look
        .part(move |db| query::intents::intents(db, project, &period, cluster))
        .await?;
    Ok(page::intents::intents(&frame, data.as_ref(), cluster))
}

async fn tools(look: Look) -> Result<Response, Failure> {
    let frame = look.frame(Page::Tools).await?;
    let (project, period) = (look.project.id, look.period);
    let data = look
        .part(move |db| query::tools::tools(db, project, &period))
        .await?;
    if let (Some("csv"), Some(data)) = (look.asked("format"), &data) {
        let action = format!("exported tools of {}", period.range.word());
        look.audit(action, "").await?;
        return Ok(tools_csv(&data.called));
    }
    let never = look
        .part(move |db| query::tools::never_called(db, project, period.now))
        .await?;
    let page = page::tools::tools(&frame, data.as_ref(), never.as_ref(), look.asked("sort"));
    Ok(page.into_response())
}

/// Totals alone: no person is in it.
fn tools_csv(tools: &[query::tools::Tool]) -> Response {
    const COLUMNS: [&str; 10] = [
        "tool",
        "calls",
        "before",
        "failed",
        "people",
        "p50_us",
        "p95_us",
        "p99_us",
        "result_p50_bytes",
        "last_ms",
    ];
    let mut out = String::new();
    csv::row(&mut out, COLUMNS);
    let rounded = |value: Option<f64>| value.map(|value| format!("{value:.0}")).unwrap_or_default();
    for tool in tools {
        let fields = [
            tool.name.clone(),
            tool.calls.to_string(),
            tool.before.to_string(),
            tool.failed.to_string(),
            tool.people.to_string(),
            rounded(tool.p50),
            rounded(tool.p95),
            rounded(tool.p99),
            rounded(tool.result_p50),
            tool.last_ms.map(|ms| ms.to_string()).unwrap_or_default(),
        ];
        csv::row(&mut out, fields.iter().map(String::as_str));
    }
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"tools.csv\""),
    ];
    (headers, out).into_response()
}

async fn tool(look: Look) -> Result<Response, Failure> {
    let frame = look.frame(Page::Tool).await?;
    let Some(name) = look.asked("name").map(str::to_owned) else {
        return Err(Failure::To(frame.link(Page::Tools).to_string()));
    };
    let (project, period) = (look.project.id, look.period);
    let asked = name.clone();
    let data = look
        .part(move |db| query::tool::tool(db, project, &asked, &period))
        .await?;
    let asked = name.clone();
    let data = match data {
        Some(None) => {
            let page = page::tool::no_tool(&frame, &name);
            return Ok(missing(page));
        }
        Some(data) => data,
        None => None,
    };
    let looked = look
        .part(move |db| query::tool::look(db, project, &asked, &period))
        .await?;
    Ok(page::tool::tool(&frame, &name, data.as_ref(), looked.as_ref()).into_response())
}

async fn logins(look: Look) -> Result<Markup, Failure> {
    let frame = look.frame(Page::Logins).await?;
    let (project, period) = (look.project.id, look.period);
    let asked = |key| look.asked(key).map(str::to_owned);
    let filter = LoginFilter {
        reason: asked("reason"),
        client: asked("client"),
        version: asked("version"),
    };
    let data = look
        .part(move |db| query::logins::logins(db, project, &period))
        .await?;
    let of = filter.clone();
    let newest = look
        .part(move |db| query::logins::newest_refusals(db, project, &period, &of))
        .await?;
    Ok(page::logins::logins(
        &frame,
        data.as_ref(),
        newest.as_deref(),
        &filter,
    ))
}

async fn clients(look: Look) -> Result<Markup, Failure> {
    let frame = look.frame(Page::Clients).await?;
    let (project, period) = (look.project.id, look.period);
    let all = look.asked("include") == Some("all");
    let data = look
        .part(move |db| query::clients::clients(db, project, &period, all))
        .await?;
    let left_out = look
        .part(move |db| query::clients::left_out(db, project, &period))
        .await?;
    Ok(page::clients::clients(
        &frame,
        data.as_ref(),
        left_out.as_deref(),
        all,
    ))
}

async fn quality(look: Look) -> Result<Markup, Failure> {
    let frame = look.frame(Page::Quality).await?;
    let (project, period) = (look.project.id, look.period);
    let data = look
        .part(move |db| query::quality::quality(db, project, &period))
        .await?;
    Ok(page::quality::quality(&frame, data.as_ref()))
}

async fn connect(look: Look) -> Result<Markup, Failure> {
    connect_page(&look, None, None).await
}

/// `key`: one that was just made.
pub(super) async fn connect_page(
    look: &Look,
    key: Option<&str>,
    problem: Option<&str>,
) -> Result<Markup, Failure> {
    let frame = look.frame(Page::Connect).await?;
    let project = look.project.id;
    let lights = look
        .part(move |db| query::connect::lights(db, project))
        .await?;
    let url = look.web.site.url();
    let lights = lights.unwrap_or_default();
    Ok(page::connect::connect(&frame, &url, key, problem, &lights))
}
