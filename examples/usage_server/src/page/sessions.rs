//! Sessions: what people tried, step by step, and where they stopped.

use maud::{Markup, html};

use crate::query::sessions::{Filter, PAGE, Session, Sessions, Show};
use crate::record::Group;

use super::frame::{Frame, Head, Page};
use super::part::{self, Column, Row, Segment, Table};
use super::text::{self, Link};

const COLUMNS: [Column; 8] = [
    Column::new("First request", "main grow"),
    Column::new("Person", ""),
    Column::new("Calls in order", "st2"),
    Column::new("How it went", ""),
    Column::new("Calls", "num"),
    Column::new("Length", "num"),
    Column::new("Client", "hide-m"),
    Column::new("Began", "num"),
];

pub fn sessions(frame: &Frame, filter: &Filter, data: &Sessions) -> Markup {
    let mut head = Head::new(
        "Sessions",
        "What did people try, step by step, and where did they stop?",
    );
    for (key, value) in filter.pairs() {
        head = head.keeping(key, Some(value));
    }
    let total = data.total(filter.show);
    let body = html! {
        div.bar2 { (segments(frame, filter, data)) (form(frame, filter, total)) }
        (part::chips(&chips(frame, filter)))
        @if data.list.is_empty() {
            @if filter.pairs().is_empty() {
                (part::empty(frame, "No session in this period."))
            } @else {
                p.empty { "No session matches. " a href=(frame.link(Page::Sessions)) { "Show all" } }
            }
        } @else {
            (Table::new("Sessions, ended on a failure first", "stack sticky sesst", &COLUMNS)
                .with(data.list.iter().map(|session| row(frame, session))))
            (pager(frame, filter, data, total))
        }
    };
    frame.document(&head, &body)
}

fn address(frame: &Frame, filter: &Filter) -> Link {
    frame.link(Page::Sessions).with_all(&filter.pairs())
}

fn segments(frame: &Frame, filter: &Filter, data: &Sessions) -> Markup {
    let all = [
        (Show::All, "All"),
        (Show::Ended, "Ended on a failure"),
        (Show::Failed, "With a failure"),
        (Show::Answered, "All answered"),
        (Show::Idle, "Without a call"),
    ];
    let shown: Vec<_> = all
        .into_iter()
        .filter(|(show, _)| *show != Show::Idle || data.idle > 0)
        .map(|(show, label)| Segment {
            label,
            rows: data.total(show),
            link: address(
                frame,
                &Filter {
                    show,
                    ..filter.clone()
                },
            ),
            is_current: filter.show == show,
        })
        .collect();
    part::segments("Which sessions", &shown)
}

fn form(frame: &Frame, filter: &Filter, total: i64) -> Markup {
    let asked = match (&filter.words, &filter.domain) {
        (Some(words), _) => words.clone(),
        (None, Some(domain)) => format!("@{domain}"),
        _ => String::new(),
    };
    html! {
        form.filters action=(frame.plain_link(Page::Sessions)) role="search" aria-label="Search sessions" {
            (frame.range_field())
            @for (key, value) in filter.pairs() {
                @if !matches!(key, "q" | "domain") { input type="hidden" name=(key) value=(value); }
            }
            (part::search("sessions-q", "Person, @company, first request or client", &asked))
            (part::total(total as f64, Some(total), &text::plural(total, "session")))
        }
    }
}

fn chips(frame: &Frame, filter: &Filter) -> Vec<(&'static str, String, Link)> {
    let pairs = filter.pairs();
    let without = |taken: &str| {
        let left = pairs.iter().filter(|(key, _)| *key != taken);
        frame.link(Page::Sessions).with_all(left)
    };
    let shown = pairs
        .iter()
        .filter(|(key, _)| !matches!(*key, "show" | "q"));
    shown
        .map(|(key, value)| (*key, value.clone(), without(key)))
        .collect()
}

fn row(frame: &Frame, session: &Session) -> Row {
    let replay = frame.plain_link(Page::Session).with("id", &session.id);
    let calls = frame.session_calls(&session.id, session.first_ms, session.last_ms);
    vec![
        html! {
            a."rowlink askq" href=(replay) {
                @match &session.first_intent {
                    Some(intent) => (text::short(intent)),
                    None => i.dim { "no intent given" },
                }
            }
        },
        part::who(frame, session.user.as_deref()),
        html! { @if session.calls > 0 { (part::strip(&session.outcomes, session.calls, session.failed)) } },
        how(session, &calls),
        text::recorded(session.calls, &calls),
        html! { (length(session.last_ms - session.first_ms)) },
        part::client(frame, &session.client, &session.client_version),
        text::when(frame.period.now, session.first_ms),
    ]
    .into()
}

fn how(session: &Session, calls: &Link) -> Markup {
    if session.calls == 0 {
        html! { span.dim { "no call" } }
    } else if session.last_outcome.is_bad() {
        part::state(Group::Failed, "ended on a failure")
    } else if session.failed > 0 {
        let words = format!("{} failed", text::count(session.failed));
        let failed = calls.clone().with("outcome", "failed");
        html! { span."o o-some" { (part::icon("fail")) (text::recorded_as(session.failed, words, &failed)) } }
    } else {
        part::state(Group::Ok, "all answered")
    }
}

/// How long a session took, from its first event to its last.
pub fn length(ms: i64) -> String {
    if ms < 1000 {
        "–".to_owned()
    } else {
        text::ms(ms as f64)
    }
}

fn pager(frame: &Frame, filter: &Filter, data: &Sessions, total: i64) -> Markup {
    let at = |from: usize| address(frame, filter).with_some("from", (from > 0).then_some(from));
    let last = filter.from.saturating_add(data.list.len());
    let newer = (filter.from > 0).then(|| at(filter.from.saturating_sub(PAGE)));
    let older = ((last as i64) < total).then(|| at(last));
    let shown = format!(
        "{} to {last} of {}",
        filter.from.saturating_add(1),
        text::plural(total, "session")
    );
    part::pager(&shown, newer.as_ref(), older.as_ref())
}
