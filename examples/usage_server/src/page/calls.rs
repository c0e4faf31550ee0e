//! Calls: the rows behind every number.

use maud::{Markup, html};

use crate::query::calls::{Call, Calls, Filter, Key, Wanted, kind_word};
use crate::record::{Kind, Outcome};

use super::frame::{Frame, Head, Page};
use super::part::{self, Column, Row, Table};
use super::text::{self, Link};

/// The columns of every table of calls.
pub const COLUMNS: [Column; 7] = [
    Column::new("Time", "tm"),
    Column::new("Person", "main"),
    Column::new("Tool", ""),
    Column::new("Intent", "grow"),
    Column::new("Outcome", ""),
    Column::new("Duration", "num"),
    Column::new("Client", "hide-m"),
];

/// The head of the file that an export is.
pub const FIELDS: [&str; 15] = [
    "time",
    "kind",
    "person",
    "tool",
    "intent",
    "outcome",
    "error",
    "duration_us",
    "result_bytes",
    "client",
    "client_version",
    "release",
    "session",
    "weight",
    "id",
];

pub fn calls(frame: &Frame, filter: &Filter, after: Option<Key>, data: &Calls) -> Markup {
    let kept = filter.pairs();
    let mut head = Head::new(
        "Calls",
        "The rows behind every number. The address holds the filter: share it.",
    );
    for (key, value) in &kept {
        head = head.keeping(key, Some(value));
    }
    let page = address(frame.link(Page::Calls), filter);
    let body = html! {
        (form(frame, filter, data))
        (part::chips(&chips(frame, filter)))
        @if data.rows.is_empty() {
            @if frame.last_event_ms.is_none() || after.is_none() && kept.is_empty() {
                (part::empty(frame, "No calls in this period."))
            } @else if data.older.is_none() {
                p.empty {
                    "No call matches. "
                    a href=(frame.link(Page::Calls)) { "Take all filters off" }
                }
            }
        } @else {
            (Table::new("Calls, newest first", "stack calls sticky", &COLUMNS).with(data.rows.iter().map(|call| row(frame, call))))
        }
        (pager(frame, &page, after, data))
    };
    frame.document(&head, &body)
}

/// The address of a page with a filter.
pub fn address(page: Link, filter: &Filter) -> Link {
    let pairs = filter.pairs();
    pairs
        .iter()
        .fold(page, |link, (key, value)| link.with(key, value))
}

fn form(frame: &Frame, filter: &Filter, data: &Calls) -> Markup {
    let option = |value: &str, shown: &str| (value.to_owned(), shown.to_owned());
    let mut outcomes = vec![
        option("", "any"),
        option("failed", "failed or given up"),
        option("waiting", "waiting"),
    ];
    outcomes.extend(
        Outcome::ALL.map(|outcome| option(outcome.word(), &outcome.word().replace('_', " "))),
    );
    let mut tools = vec![option("", "any")];
    tools.extend(data.tools.iter().map(|tool| option(tool, tool)));
    // One that is not among those that a list can hold stays chosen.
    if let Some(tool) = filter
        .tool
        .as_deref()
        .filter(|tool| !data.tools.iter().any(|known| known == tool))
    {
        tools.push(option(tool, tool));
    }
    let outcome = filter.outcome.map(Wanted::word).unwrap_or_default();
    let others = filter
        .pairs()
        .into_iter()
        .filter(|(key, _)| !matches!(*key, "outcome" | "tool" | "q"));
    html! {
        form.filters action=(frame.plain_link(Page::Calls)) role="search" aria-label="Filter calls" {
            (frame.range_field())
            @for (key, value) in others { input type="hidden" name=(key) value=(value); }
            (part::select("outcome", "outcome", "Outcome", &outcomes, outcome))
            (part::select("tool", "tool", "Tool", &tools, filter.tool.as_deref().unwrap_or_default()))
            (part::search("q", "Person, tool, intent or client", filter.words.as_deref().unwrap_or_default()))
            button.btn { "Show" }
            (count(filter, data))
        }
    }
}

fn count(filter: &Filter, data: &Calls) -> Markup {
    let Some(total) = data.total else {
        return html! { span.count role="status" { "Newest matches" } };
    };
    let what = match filter.kind {
        None | Some(Kind::Call) => "call",
        Some(_) => "event",
    };
    let is_sampled = |rows: &i64| *rows as f64 != total.weight.round();
    let recorded = match total.rows.filter(is_sampled) {
        None => String::new(),
        Some(rows) => format!(", {} of them recorded", text::count(rows)),
    };
    let shown = text::plural(total.weight.round() as i64, what);
    part::total(total.weight, total.rows, &format!("{shown}{recorded}"))
}

/// What is filtered by, with the address without it.
fn chips(frame: &Frame, filter: &Filter) -> Vec<(&'static str, String, Link)> {
    let pairs = filter.pairs();
    let without = |taken: &str| {
        let left = pairs
            .iter()
            .filter(|(key, _)| *key != taken && (taken != "since" || *key != "until"));
        frame.link(Page::Calls).with_all(left)
    };
    let shown = |key: &str, value: &str| {
        let number = value.parse::<i64>().ok();
        match (key, number) {
            ("since" | "until", Some(seconds)) => {
                text::date(seconds.saturating_mul(1000), "%-d %b %Y, %H:%M")
            }
            ("min" | "max", Some(us)) => text::us(us as f64),
            _ => value.to_owned(),
        }
    };
    pairs
        .iter()
        .filter(|(key, _)| {
            !matches!(*key, "outcome" | "tool" | "q") && (*key != "until" || filter.since.is_none())
        })
        .map(|(key, value)| match (*key, filter.until) {
            ("since", Some(until)) => {
                let range = format!(
                    "{} – {}",
                    shown("since", value),
                    shown("until", &until.to_string())
                );
                ("time", range, without("since"))
            }
            (key, _) => (key, shown(key, value), without(key)),
        })
        .collect()
}

fn pager(frame: &Frame, page: &Link, after: Option<Key>, data: &Calls) -> Markup {
    let older = data.older.map(|key| page.clone().with("before", key));
    let export = page.clone().with("format", "csv");
    html! {
        @if older.is_some() || after.is_some() || !data.rows.is_empty() {
            nav.pager aria-label="Pages" {
                span { (text::plural(data.rows.len() as i64, "row")) }
                @if after.is_some() { a.btn href=(page) { "Newest" } }
                @if let Some(older) = &older { a.btn href=(older) rel="next" { "Older" } }
                @if frame.may_change { a.btn href=(export) download { "Export CSV" } }
            }
        }
    }
}

/// A row of a table of calls, whose time leads to its place in its session.
pub fn row(frame: &Frame, call: &Call) -> Row {
    let time = text::clock(call.time_ms, "%-d %b %H:%M:%S");
    let session = call.session.as_deref();
    let step = frame
        .plain_link(Page::Session)
        .with_some("id", session)
        .with("event", call.id);
    let cells = vec![
        html! { @if session.is_some() { a.rowlink href=(step) { (time) } } @else { (time) } },
        part::who(frame, call.user.as_deref()),
        what(frame, call),
        html! {
            @if call.kind == Kind::Refused { i.ask { "refused: " (text::text(&call.error.replace('_', " "))) } }
            @else { (part::intent(call.intent.as_deref())) }
        },
        html! {
            @match call.kind {
                Kind::Refused => (part::state(crate::record::Group::Failed, "refused")),
                Kind::Call | Kind::PromptGet | Kind::ResourceRead => (part::outcome(call.outcome)),
                _ => {},
            }
        },
        html! { @if let Some(us) = call.duration_us { (text::us(us as f64)) } },
        part::client(frame, &call.client, &call.client_version),
    ];
    cells.into()
}

fn what(frame: &Frame, call: &Call) -> Markup {
    html! {
        @match call.kind {
            Kind::Call => (part::tool(frame, &call.tool)),
            kind => {
                span.kind { (kind_name(kind)) }
                @if !call.tool.is_empty() { " " span.code title=(text::visible(&call.tool)) { (text::text(&call.tool)) } }
            },
        }
    }
}

/// What an event is called.
pub const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Call => "call",
        Kind::Login | Kind::Identity | Kind::Refused => "login",
        Kind::Listing => "tools listed",
        Kind::SessionStart => "session began",
        Kind::PromptGet => "prompt",
        Kind::ResourceRead => "resource",
        Kind::Missing => "missing capability",
        Kind::Custom => "custom",
    }
}

/// A row of an export, in the order of `FIELDS`.
pub fn fields(call: &Call) -> [String; 15] {
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        text::date(call.time_ms, "%Y-%m-%dT%H:%M:%S%.3fZ"),
        kind_word(call.kind).to_owned(),
        text(&call.user),
        call.tool.clone(),
        text(&call.intent),
        call.outcome.word().to_owned(),
        call.error.clone(),
        number(call.duration_us),
        number(call.result_bytes),
        call.client.clone(),
        call.client_version.clone(),
        call.release.clone(),
        text(&call.session),
        call.weight.to_string(),
        call.id.to_string(),
    ]
}
