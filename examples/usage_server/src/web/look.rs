//! Who looks at what: a session, a project, and what the address says.

use std::collections::HashMap;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::{Form, RequestPartsExt};
use rusqlite::{Connection, OptionalExtension, params};

use super::session::{self, Role, Secret, Session};
use super::{Failure, Web};
use crate::page::frame::{self, Frame, Page};
use crate::query::whom::{About, Whom, about};
use crate::query::{Period, Range, connect, quality};
use crate::store::ReadError;
use crate::store::audit::audit;
use crate::store::projects::{self, Project};

/// A browser that is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) secret: Secret,
    pub(crate) session: Session,
}

impl Visitor {
    /// The visitor whose cookie a request has.
    async fn of(web: &Web, headers: &HeaderMap) -> Result<Self, Failure> {
        let secret = secret(web, headers).ok_or(Failure::NoSession)?;
        let (hash, now) = (secret.hash(), web.app.now_ms());
        let session = web
            .app
            .store
            .read(move |db| session::find(db, &hash, now))
            .await?
            .ok_or(Failure::NoSession)?;
        if session.is_to_be_touched(now) {
            let touch = web
                .app
                .store
                .write(move |tx| session::touch(tx, &hash, now));
            // A page is shown, whether or not that could be written down.
            if let Err(error) = touch.await {
                tracing::warn!(%error, "the use of a session was not written down");
            }
        }
        Ok(Self { secret, session })
    }
}

/// What a browser's cookie holds.
pub(super) fn secret(web: &Web, headers: &HeaderMap) -> Option<Secret> {
    let name = web.site.cookie(web.site.is_https(headers));
    let cookies = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let found = cookies
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(key, _)| *key == name);
    found.map(|(_, value)| Secret::given(value))
}

impl FromRequestParts<Web> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Failure> {
        Self::of(web, &parts.headers).await
    }
}

/// Somebody who looks at a project.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub(crate) web: Web,
    pub(crate) visitor: Visitor,
    pub(crate) project: Project,
    pub(crate) projects: Vec<Project>,
    /// What the address says, each key once; `all` has every one.
    pub(crate) query: HashMap<String, String>,
    pub(crate) all: Vec<(String, String)>,
    pub(crate) period: Period,
    /// Whether the script of a page asks for a part of what it shows already, as it says.
    is_step: bool,
}

impl FromRequestParts<Web> for Look {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Failure> {
        let path = parts.extract::<Path<HashMap<String, String>>>().await;
        let Path(path) = path.map_err(|_| Failure::not_found())?;
        let project = path.get("project").ok_or_else(Failure::not_found)?;
        Self::of(web, project, &parts.headers, &parts.uri).await
    }
}

impl Look {
    pub(super) async fn of(
        web: &Web,
        project: &str,
        headers: &HeaderMap,
        uri: &Uri,
    ) -> Result<Self, Failure> {
        // First of all: a stranger is not told which projects there are.
        let visitor = Visitor::of(web, headers).await?;
        let id: i64 = project.parse().map_err(|_| Failure::not_found())?;
        let projects = web.app.store.read(projects::list).await?;
        let project = projects.iter().find(|project| project.id == id).cloned();
        let project = project.ok_or_else(Failure::not_found)?;
        let all = form_pairs(uri.query().unwrap_or_default());
        let query: HashMap<String, String> = all.iter().cloned().collect();
        let range = query.get("range").and_then(|range| Range::of_word(range));
        Ok(Self {
            period: range.unwrap_or_default().until(web.app.now_ms()),
            web: web.clone(),
            visitor,
            project,
            projects,
            query,
            all,
            is_step: headers.contains_key(STEP),
        })
    }

    pub(crate) fn asked(&self, key: &str) -> Option<&str> {
        let value = self.query.get(key).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.visitor.session.role == Role::Admin
    }

    /// The frame of a page. A project without an event leads to the page that connects a server.
    pub(crate) async fn frame(&self, page: Page) -> Result<Frame, Failure> {
        let (project, period) = (self.project.id, self.period);
        let figures = self.part(move |db| figures(db, project, &period)).await?;
        let mut frame = self.frame_without_figures(page);
        // What takes too long is left out, and the page is shown.
        let Some(figures) = figures else {
            frame.last_event_ms = Some(self.period.now);
            return Ok(frame);
        };
        let needs_none = matches!(
            page,
            Page::Connect | Page::Settings | Page::Live | Page::Quality
        );
        if !figures.has_events && !needs_none {
            return Err(Failure::To(frame.plain_link(Page::Connect).to_string()));
        }
        frame.last_event_ms = figures.last_event_ms;
        frame.lost = figures.lost;
        frame.left_out = figures.left_out;
        Ok(frame)
    }

    pub(super) fn frame_without_figures(&self, page: Page) -> Frame {
        let projects = self.projects.iter().map(shown).collect();
        Frame {
            base: self.web.site.base().to_owned(),
            project: shown(&self.project),
            projects,
            page,
            period: self.period,
            may_change: self.is_admin(),
            csrf: self.visitor.secret.form_token(),
            last_event_ms: None,
            lost: 0,
            left_out: 0,
            raw_days: self.project.raw_days.into(),
        }
    }

    /// Reads a part of a page; `None` when its query took too long, so that the rest can stand.
    pub(crate) async fn part<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Option<T>, Failure> {
        match self.web.app.store.read(f).await {
            Ok(part) => Ok(Some(part)),
            Err(ReadError::TooLong) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// As [`Self::audit`], once for a page and the steps that its script fetches.
    pub(crate) async fn audit_steps(&self, action: &str, subject: &str) -> Result<(), Failure> {
        match self.is_step {
            true => self.audit_once(action, subject).await,
            false => self.audit(action, subject).await,
        }
    }

    /// As [`Self::audit`], for what belongs to a page: it writes no line where the page has just written one.
    pub(crate) async fn audit_once(&self, action: &str, subject: &str) -> Result<(), Failure> {
        let (since, project) = (self.web.app.now_ms() - SAME_LOOK_MS, self.project.id);
        let line = (
            project,
            self.visitor.session.who.clone(),
            action.to_owned(),
            subject.to_owned(),
            since,
        );
        let written = self.web.app.store.read(move |db| {
            // The newest lines alone: there is no index for it, and one line more does no harm.
            let sql = "SELECT 1 FROM (SELECT * FROM audit ORDER BY id DESC LIMIT 1000)
                WHERE project = ?1 AND who = ?2 AND action = ?3 AND subject = ?4 AND at_ms > ?5";
            db.prepare_cached(sql)?.exists(line)
        });
        match written.await? {
            true => Ok(()),
            false => self.audit(action, subject).await,
        }
    }

    /// Whom a filter is about, as the audit calls them.
    pub(crate) async fn about(&self, whom: Whom) -> Result<Option<About>, Failure> {
        if whom.is_empty() {
            return Ok(None);
        }
        let project = self.project.id;
        let read = self.web.app.store.read(move |db| about(db, project, &whom));
        Ok(read.await?)
    }

    /// Writes down whom a filter is about, if it is about somebody. `looked`: what was done of one, as in "looked up calls
    /// of"; `searched`: among several.
    pub(crate) async fn audit_filter(
        &self,
        looked: &str,
        searched: &str,
        whom: Whom,
    ) -> Result<(), Failure> {
        match self.about(whom).await? {
            Some(About::One(who)) => self.audit(looked, who).await,
            Some(About::Several) => self.audit(searched, "").await,
            None => Ok(()),
        }
    }

    /// Writes a line of the audit. `subject` is the id of a person as it is kept and nothing else, where it is about one:
    /// a keyed hash takes its place once the person is forgotten.
    pub(crate) async fn audit(
        &self,
        action: impl Into<String>,
        subject: impl Into<String>,
    ) -> Result<(), Failure> {
        let (now, project) = (self.web.app.now_ms(), self.project.id);
        let who = self.visitor.session.who.clone();
        let (action, subject) = (action.into(), subject.into());
        let line = self
            .web
            .app
            .store
            .write(move |tx| audit(tx, now, project, &who, &action, &subject));
        Ok(line.await?)
    }
}

/// Says that a script fetches another step of the session that its page shows.
const STEP: &str = "x-usage-step";

/// For how long a step belongs to a page that was loaded.
const SAME_LOOK_MS: i64 = 3_600_000;

fn shown(project: &Project) -> frame::Project {
    frame::Project {
        segment: project.id.to_string(),
        name: project.name.clone(),
    }
}

struct Figures {
    has_events: bool,
    last_event_ms: Option<i64>,
    lost: i64,
    left_out: i64,
}

fn figures(db: &Connection, project: i64, period: &Period) -> rusqlite::Result<Figures> {
    const DAY_MS: i64 = 86_400_000;
    let last = "SELECT max(time_ms) FROM event WHERE project = ?1";
    let last_event_ms: Option<i64> = db
        .prepare_cached(last)?
        .query_row([project], |row| row.get(0))?;
    let mut lost = db.prepare_cached(
        "SELECT reason, sum(events) FROM lost_day WHERE project = ?1 AND bucket >= ?2 AND bucket < ?3 GROUP BY reason",
    )?;
    let days = (
        period.from.div_euclid(DAY_MS),
        (period.until + DAY_MS - 1).div_euclid(DAY_MS),
    );
    let mut rows = lost.query(params![project, days.0, days.1])?;
    let mut lost = 0;
    while let Some(row) = rows.next()? {
        if !quality::is_chosen(&row.get::<_, String>(0)?) {
            lost += row.get::<_, i64>(1)?;
        }
    }
    let left_out = "SELECT count(*) FROM event
        WHERE project = ?1 AND class >= 2 AND kind = 1 AND time_ms >= ?2 AND time_ms < ?3";
    let left_out = db
        .prepare_cached(left_out)?
        .query_row(params![project, period.from, period.until], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(Figures {
        has_events: last_event_ms.is_some() || connect::has_events(db, project)?,
        last_event_ms,
        lost,
        left_out: left_out.unwrap_or_default(),
    })
}

/// What a form of one of this session's pages says.
#[derive(Debug)]
pub(crate) struct Submitted {
    pub(crate) visitor: Visitor,
    pub(crate) form: HashMap<String, String>,
}

impl FromRequest<Web> for Submitted {
    type Rejection = Failure;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Failure> {
        let headers = request.headers().clone();
        let visitor = Visitor::of(web, &headers).await?;
        let foreign = Failure::because(
            StatusCode::FORBIDDEN,
            "The form was not sent by a page of this session. Load the page again.",
        );
        if web.site.check_origin(&headers).is_err() {
            return Err(foreign);
        }
        let form = form(request, web).await?;
        let token = form.get("csrf").map_or("", String::as_str);
        match visitor.secret.is_form_token(token) {
            true => Ok(Self { visitor, form }),
            false => Err(foreign),
        }
    }
}

pub(super) async fn form(request: Request, web: &Web) -> Result<HashMap<String, String>, Failure> {
    // As long as a body of a sender's, which is far larger.
    let limit = web.app.config.limits.body_timeout;
    let read = Form::<HashMap<String, String>>::from_request(request, web);
    match tokio::time::timeout(limit, read).await {
        Ok(Ok(Form(form))) => Ok(form),
        Ok(Err(rejection)) => Err(Failure::new(rejection.into_response().status())),
        Err(_) => Err(Failure::new(StatusCode::REQUEST_TIMEOUT)),
    }
}

/// What an administrator wants to change in a project.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) look: Look,
    pub(crate) form: HashMap<String, String>,
}

impl FromRequest<Web> for Change {
    type Rejection = Failure;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let look = Look::from_request_parts(&mut parts, web).await?;
        let request = Request::from_parts(parts, body);
        let Submitted { form, .. } = Submitted::from_request(request, web).await?;
        match look.is_admin() {
            true => Ok(Self { look, form }),
            false => Err(Failure::because(
                StatusCode::FORBIDDEN,
                "An administrator can. You may look.",
            )),
        }
    }
}

impl Change {
    pub(crate) fn said(&self, key: &str) -> &str {
        self.form.get(key).map_or("", |text| text.trim())
    }
}

/// The pairs of a query, each of at most a sensible length.
fn form_pairs(query: &str) -> Vec<(String, String)> {
    const MOST: usize = 100;
    /// SQLite refuses a pattern of more than 50 000 bytes.
    const VALUE_CHARS: usize = 1_000;
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text)
            .decode_utf8_lossy()
            .chars()
            .take(VALUE_CHARS)
            .collect::<String>()
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .take(MOST)
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}
