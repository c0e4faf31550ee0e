//! Did my event arrive? The newest come in at the top.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::live::LiveEvent;
use crate::record::{Group, Kind, Record};

use super::frame::{Frame, Head, Page};
use super::part::{self, Column, Row, Table};
use super::text;

const COLUMNS: [Column; 7] = [
    Column::new("Time", "tm"),
    Column::new("Person", "main"),
    Column::new("Event", ""),
    Column::new("Intent or reason", "grow"),
    Column::new("Outcome", ""),
    Column::new("Duration", "num"),
    Column::new("Client", "hide-m"),
];
const TABLE: Table<'static> = Table::new("Events as they arrive", "stack calls live", &COLUMNS);

/// What is shown of what comes in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Failed and refused alone.
    pub failed: bool,
    /// A part of a person, a tool, an intent or a client, in lower case.
    pub contains: Option<String>,
}

impl Filter {
    pub fn of(outcome: Option<&str>, contains: Option<&str>) -> Self {
        let contains = contains.map(str::trim).filter(|text| !text.is_empty());
        Self {
            failed: outcome == Some("failed"),
            contains: contains.map(str::to_lowercase),
        }
    }

    pub fn lets(&self, event: &LiveEvent) -> bool {
        let record = &event.record;
        let is_failed = match record.kind {
            Kind::Refused => true,
            Kind::Call => record.outcome.is_bad(),
            _ => false,
        };
        if self.failed && !is_failed {
            return false;
        }
        if self.contains.is_none() || self.names(event) {
            return true;
        }
        let texts = [
            record.tool.as_ref(),
            record.intent.as_ref(),
            record.error.as_ref(),
            record.client.as_ref(),
            record.client_version.as_ref(),
        ];
        self.is_in(texts)
    }

    /// Whether it asks for whoever the event is of.
    fn names(&self, event: &LiveEvent) -> bool {
        let user = event.record.user.as_ref();
        self.is_in([
            user.map(|user| &user.id),
            user.and_then(|user| user.email.as_ref()),
        ])
    }

    fn is_in<const N: usize>(&self, texts: [Option<&String>; N]) -> bool {
        let mut texts = texts.into_iter().flatten();
        self.contains
            .as_ref()
            .is_some_and(|contains| texts.any(|text| text.to_lowercase().contains(contains)))
    }
}

/// Whom the audit knows to have been looked up among what comes in: one person, then several.
#[derive(Debug, Default)]
pub struct Told(BTreeSet<String>);

impl Told {
    /// What the audit has to say of events that are shown, an action and a subject, if it has not said that before.
    pub fn news(
        &mut self,
        filter: &Filter,
        shown: &[&LiveEvent],
    ) -> Option<(&'static str, String)> {
        let before = self.0.len();
        let named = shown.iter().filter(|event| filter.names(event));
        for user in named.filter_map(|event| event.record.user.as_ref()) {
            if self.0.len() < 2 {
                self.0.insert(user.id.clone());
            }
        }
        if self.0.len() == before {
            return None;
        }
        match (self.0.len(), self.0.first()) {
            (1, Some(one)) => Some(("looked up live events of", one.clone())),
            _ => Some(("searched live events", String::new())),
        }
    }
}

/// `events`: newest first. The stream goes on behind `last`, the id of the newest that was looked at.
pub fn live<'e>(
    frame: &Frame,
    events: impl IntoIterator<Item = &'e LiveEvent>,
    last: &str,
    filter: &Filter,
) -> Markup {
    let outcome = filter.failed.then_some("failed");
    let contains = filter.contains.as_deref();
    let tools = html! {
        p.fresh data-conn role="status" { span.dot {} span data-words { "The newest as of when this page was made" } }
    };
    let head = Head::new(
        "Live",
        "Did my event arrive? The newest come in at the top.",
    )
    .timeless()
    .with_tools(tools);
    let stream = text::Link::new(frame.action("live/events").to_string())
        .with("after", last)
        .with_some("outcome", outcome)
        .with_some("q", contains);
    let rows: Vec<Row> = events
        .into_iter()
        .map(|event| cells(frame, event))
        .collect();
    let options = [
        (String::new(), "everything".to_owned()),
        ("failed".to_owned(), "failed or given up".to_owned()),
    ];
    let body = html! {
        form.filters role="search" action=(frame.plain_link(Page::Live)) data-submit {
            button.btn.js type="button" data-pause aria-pressed="false" { span { "Pause" } " " kbd { "p" } }
            (part::select("live-outcome", "outcome", "Show", &options, outcome.unwrap_or_default()))
            label for="live-q" {
                "Contains "
                input #live-q name="q" type="search" value=(contains.unwrap_or_default())
                    placeholder="person, tool, intent, client" autocomplete="off";
            }
            button.btn { "Filter" }
        }
        button.newer type="button" data-newer hidden {}
        @if rows.is_empty() {
            p.empty data-none { "Nothing has come in since the server started. " a href=(frame.link(Page::Calls)) { "Calls before that" } }
        }
        div data-live=(stream) { (TABLE.with(rows)) }
    };
    frame.document(&head, &body)
}

/// One event alone, for the stream.
pub fn row(frame: &Frame, event: &LiveEvent) -> Markup {
    TABLE.row(&cells(frame, event))
}

fn cells(frame: &Frame, event: &LiveEvent) -> Row {
    let record = &event.record;
    let time = text::clock(record.time_ms, "%-d %b %H:%M:%S");
    let user = record.user.as_ref().map(|user| user.id.as_str());
    let client = record.client.as_deref().unwrap_or_default();
    let version = record.client_version.as_deref().unwrap_or_default();
    Row::from(vec![
        html! {
            @match &record.session {
                Some(session) => a.rowlink href=(frame.plain_link(Page::Session).with("id", session)) { (time) },
                None => (time),
            }
        },
        part::who(frame, user),
        kind(frame, record),
        why(record),
        ending(record),
        html! { @if let Some(us) = record.duration_us { (text::us(us as f64)) } },
        part::client(frame, client, version),
    ])
}

fn kind(frame: &Frame, record: &Record) -> Markup {
    let name = record.tool.as_deref();
    let named = |kind: &str| {
        html! {
            span.kind { (kind) }
            @if let Some(name) = name { " " span.code title=(text::visible(name)) { (text::text(name)) } }
        }
    };
    match record.kind {
        Kind::Call => {
            html! { @if let Some(name) = name { (part::tool(frame, name)) } @else { i { "no tool" } } }
        }
        Kind::Login | Kind::Identity | Kind::Refused => html! { span.kind { "login" } },
        Kind::Listing => html! { span.kind { "tools listed" } },
        Kind::SessionStart => html! { span.kind { "session began" } },
        Kind::Missing => html! { span.kind { "missing capability" } },
        Kind::PromptGet => named("prompt"),
        Kind::ResourceRead => named("resource"),
        Kind::Custom => named(""),
    }
}

fn why(record: &Record) -> Markup {
    let words = |words: &str| html! { i.ask { (words) } };
    match record.kind {
        Kind::Login | Kind::Identity => words("logged in"),
        Kind::Refused => {
            let reason = record.error.as_deref().unwrap_or("no reason given");
            html! { i.ask { "refused: " (text::text(&reason.replace('_', " "))) } }
        }
        Kind::Call | Kind::Missing => part::intent(record.intent.as_deref()),
        _ => html! {},
    }
}

fn ending(record: &Record) -> Markup {
    match record.kind {
        Kind::Call => part::outcome(record.outcome),
        Kind::Refused => part::state(Group::Failed, "refused"),
        Kind::Login | Kind::Identity => part::state(Group::Ok, "ok"),
        _ => html! {},
    }
}
