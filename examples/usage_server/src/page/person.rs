//! A person: what they did. A company: what its people did.

use std::collections::HashMap;

use maud::{Markup, html};
use serde_json::Value;

use crate::query::Range;
use crate::query::calls::Key;
use crate::query::person::{Company, Entry, Event, Figures, Person, Session, Shown, Timeline};
use crate::record::{Group, Kind};

use super::chart::Spark;
use super::frame::{Frame, Head, Page};
use super::part::{self, Card, Column, Row, Share, Table};
use super::text::{self, Link};

const TOOLS: [Column; 3] = [
    Column::new("Tool", "main"),
    Column::new("", "sp"),
    Column::new("Calls", "num"),
];
const PEOPLE: [Column; 3] = [
    Column::new("Person", "main"),
    Column::new("Calls", "num"),
    Column::new("Failed", "num"),
];
const DAY_MS: i64 = 86_400_000;
/// Arguments of a call, and characters of each, that a timeline shows.
const MAX_ARGUMENTS: usize = 6;
const ARGUMENT_CHARS: usize = 54;

/// Which kinds of activity are shown: all of them until the address says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kinds {
    shown: [bool; KINDS.len()],
    is_said: bool,
}

/// What a box switches: its word in the address, its label, and its kinds.
const KINDS: [(&str, &str, &[Kind]); 5] = [
    ("call", "Tool calls", &[Kind::Call]),
    ("login", "Logins", &Kind::LOGINS),
    ("refused", "Refused logins", &[Kind::Refused]),
    ("missing", "Missing capabilities", &[Kind::Missing]),
    (
        "other",
        "Other",
        &[
            Kind::Listing,
            Kind::SessionStart,
            Kind::PromptGet,
            Kind::ResourceRead,
            Kind::Custom,
        ],
    ),
];

impl Kinds {
    pub fn of_query(query: &HashMap<String, String>) -> Self {
        let is_said = query.contains_key("kinds");
        Self {
            shown: KINDS.map(|(word, _, _)| !is_said || query.contains_key(word)),
            is_said,
        }
    }

    fn shows(&self, kind: Kind) -> bool {
        let of_box = KINDS
            .iter()
            .zip(self.shown)
            .find(|((_, _, kinds), _)| kinds.contains(&kind));
        of_box.is_none_or(|(_, shown)| shown)
    }

    /// What the address says of it.
    fn pairs(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let boxes = KINDS.iter().zip(self.shown);
        let shown = boxes
            .filter(|(_, shown)| *shown)
            .map(|((word, _, _), _)| (*word, "1"));
        let all = std::iter::once(("kinds", "1")).chain(shown);
        all.filter(|_| self.is_said)
    }
}

/// The word of the box that a kind belongs to.
fn box_of(kind: Kind) -> &'static str {
    let found = KINDS.iter().find(|(_, _, kinds)| kinds.contains(&kind));
    found.map_or("other", |(word, _, _)| word)
}

pub fn person(frame: &Frame, kinds: &Kinds, before: Option<Key>, data: &Person) -> Markup {
    let page = frame.link(Page::Person).with("id", &data.id);
    let head = Head::about(&data.id, lead(frame, data)).keeping("id", Some(&data.id));
    let calls = frame.link(Page::Calls).with("user", &data.id);
    let body = html! {
        div."g g-main" {
            (activity(frame, kinds, before, &page, ("id", &data.id), Some(&data.kinds), &data.timeline))
            div.rail {
                (who(frame, data))
                (figures(frame, &data.figures, &calls, &frame.link(Page::Sessions).with("user", &data.id)))
                (uses(frame, &data.figures, &calls))
                (privacy(frame, data))
            }
        }
    };
    frame.document(&head, &body)
}

pub fn company(frame: &Frame, kinds: &Kinds, before: Option<Key>, data: &Company) -> Markup {
    let page = frame.link(Page::Company).with("domain", &data.domain);
    let lead = html! {
        "A company of " (text::people(data.people_in_all)) ", first seen " (text::clock(data.first_ms, "%-d %b %Y"))
        ", last seen " (text::when(frame.period.now, data.last_ms)) "."
    };
    let head = Head::about(&data.domain, lead).keeping("domain", Some(&data.domain));
    let calls = frame.link(Page::Calls).with("domain", &data.domain);
    let sessions = frame.link(Page::Sessions).with("domain", &data.domain);
    let body = html! {
        div."g g-main" {
            (activity(frame, kinds, before, &page, ("domain", &data.domain), None, &data.timeline))
            div.rail {
                (people(frame, data))
                (figures(frame, &data.figures, &calls, &sessions))
                (uses(frame, &data.figures, &calls))
            }
        }
    };
    frame.document(&head, &body)
}

/// Somebody, or a company, that is not there.
pub fn missing(frame: &Frame, name: &str) -> Markup {
    let head = Head::about(name, html! { "Nobody is known by this name." }).timeless();
    let search = frame.link(Page::People).with("q", name);
    let body = html! {
        p.empty {
            "They may have been forgotten, or never seen. "
            a href=(search) { "Search for it" } " or " a href=(frame.link(Page::People)) { "see all people" }
        }
    };
    frame.document(&head, &body)
}

fn range_words(range: Range) -> &'static str {
    match range {
        Range::Day => "24 hours",
        Range::Week => "7 days",
        Range::FourWeeks => "4 weeks",
        Range::Quarter => "13 weeks",
    }
}

fn lead(frame: &Frame, data: &Person) -> Markup {
    let Figures { days, clients, .. } = &data.figures;
    html! {
        "First seen " (text::clock(data.first_ms, "%-d %b %Y"))
        @if frame.period.range == Range::Week && *days > 0 { ", active on " (days) " of the last 7 days" }
        @else { ", last seen " (text::when(frame.period.now, data.last_ms)) }
        @if let Some((client, _)) = clients.first() { ", mostly with " (text::text(client)) }
        "."
    }
}

fn activity(
    frame: &Frame,
    kinds: &Kinds,
    before: Option<Key>,
    page: &Link,
    kept: (&str, &str),
    counts: Option<&[(Kind, i64)]>,
    timeline: &Timeline,
) -> Markup {
    let is_of_many = counts.is_none();
    let count = |of: &[Kind]| {
        let of_box = |counts: &[(Kind, i64)]| {
            let counts = counts.iter().filter(|(kind, _)| of.contains(kind));
            counts.map(|(_, count)| count).sum::<i64>()
        };
        counts.map(of_box)
    };
    let with_kinds = |link: Link| {
        kinds
            .pairs()
            .fold(link, |link, (key, value)| link.with(key, value))
    };
    let days = by_day(timeline);
    Card::new("Activity").class("tlcard").with(&html! {
        form.kinds data-kinds action=(frame.plain_link(frame.page)) aria-label="Activity types" {
            input type="hidden" name=(kept.0) value=(kept.1);
            input type="hidden" name="kinds" value="1";
            (frame.range_field())
            @for ((word, label, of), shown) in KINDS.iter().zip(kinds.shown) {
                @let count = count(of);
                @if count != Some(0) || *word != "other" {
                    label {
                        input type="checkbox" name=(word) value="1" data-kind=(word) checked[shown];
                        (label)
                        @if let Some(count) = count { " " b { (text::count(count)) } }
                    }
                }
            }
            button."btn no-js" { "Show" }
        }
        @if days.is_empty() { (part::empty(frame, "Nothing is kept here.")) }
        @for (day, entries) in &days {
            h3.day { (text::date(day * DAY_MS, "%A %-d %B")) }
            ol.tl {
                @for entry in entries {
                    @match entry {
                        Entry::Session(session) => (folded(frame, session, kinds.shows(Kind::Call), is_of_many)),
                        Entry::Event(of) => (event(frame, of, kinds.shows(of.kind), is_of_many)),
                    }
                }
            }
        }
        @if timeline.older.is_some() || before.is_some() {
            @let older = timeline.older.map(|key| with_kinds(page.clone()).with("before", key));
            nav.pager aria-label="Pages" {
                @if before.is_some() { a.btn href=(with_kinds(page.clone())) { "Newest" } }
                @if let Some(older) = &older { a.btn href=(older) rel="next" { "Older" } }
            }
        }
    })
}

fn by_day(timeline: &Timeline) -> Vec<(i64, Vec<&Entry>)> {
    let mut days: Vec<(i64, Vec<&Entry>)> = Vec::new();
    for entry in &timeline.entries {
        let time_ms = match entry {
            Entry::Session(session) => session.last_ms,
            Entry::Event(event) => event.time_ms,
        };
        let day = time_ms.div_euclid(DAY_MS);
        match days.last_mut() {
            Some((of, entries)) if *of == day => entries.push(entry),
            _ => days.push((day, vec![entry])),
        }
    }
    days
}

fn folded(frame: &Frame, session: &Session, is_shown: bool, is_of_many: bool) -> Markup {
    let replay = frame.plain_link(Page::Session).with("id", &session.id);
    let is_open = !session.shown.is_empty();
    html! {
        li.sess data-k="call" hidden[!is_shown] {
            details open[is_open] {
                summary {
                    span.st { (text::clock(session.first_ms, "%H:%M")) "–" (text::clock(session.last_ms, "%H:%M")) }
                    b { "Session" }
                    @if is_of_many { span { (part::who(frame, session.user.as_deref())) } }
                    @if !session.client.is_empty() {
                        span { (part::client(frame, &session.client, &session.client_version)) }
                    }
                    a.dim href=(replay) {
                        (text::plural(session.calls, "call"))
                        @if session.failed > 0 { ", " em.ft { (text::count(session.failed)) " failed" } }
                    }
                    a.go href=(replay) { "Replay" }
                }
                ol {
                    @for shown in &session.shown {
                        @match shown {
                            Shown::Call(call) => (event(frame, call, true, false)),
                            Shown::More(many, first) => {
                                li.moreli {
                                    a href=(replay.clone().with("event", first)) {
                                        (text::plural(*many as i64, "more call")) ", answered"
                                    }
                                }
                            },
                        }
                    }
                    @if !is_open {
                        li.moreli { a href=(replay) { "Show " (text::plural(session.calls, "call")) } }
                    }
                }
            }
        }
    }
}

fn event(frame: &Frame, event: &Event, is_shown: bool, is_of_many: bool) -> Markup {
    let group = match event.kind {
        Kind::Refused => "fail",
        _ => part::group(event.outcome.group()),
    };
    let client = html! {
        @if !event.client.is_empty() { "with " (part::client(frame, &event.client, &event.client_version)) }
    };
    let who = html! { @if is_of_many { (part::who(frame, event.user.as_deref())) } };
    html! {
        li class={ "ev ev-" (group) } data-k=(box_of(event.kind)) hidden[!is_shown] {
            @match event.kind {
                Kind::Call => {},
                Kind::Refused => (part::icon("off")),
                Kind::Login | Kind::Identity => (part::icon("login")),
                Kind::Missing => (part::icon("ask")),
                Kind::Listing => (part::icon("list")),
                _ => (part::icon("doc")),
            }
            (text::clock(event.time_ms, "%H:%M:%S"))
            div {
                @match event.kind {
                    Kind::Call => (call(frame, event, &who)),
                    Kind::Login | Kind::Identity => p { b { "Logged in" } (who) span { (client) } },
                    Kind::Refused => {
                        p {
                            b { "Login refused" } (who)
                            (part::state(Group::Failed, &text::visible(&event.error.as_deref().unwrap_or("no reason").replace('_', " "))))
                            span { (client) }
                        }
                    },
                    Kind::Missing => {
                        p { b { "Asked for something no tool can do" } (who) }
                        @if let Some(intent) = &event.intent { p.askq { (text::short(intent)) } }
                    },
                    Kind::Listing => p { b { "Listed the tools" } (who) span { (client) } },
                    Kind::SessionStart => p { b { "Session began" } (who) span { (client) } },
                    Kind::PromptGet => p { b { "Prompt" } span.code { (text::text(&event.tool)) } (who) },
                    Kind::ResourceRead => p { b { "Resource" } span.code { (text::text(&event.tool)) } (who) },
                    Kind::Custom => p { b { (text::text(&event.tool)) } (who) },
                }
            }
        }
    }
}

fn call(frame: &Frame, call: &Event, who: &Markup) -> Markup {
    html! {
        p {
            (part::tool(frame, &call.tool)) (part::outcome(call.outcome))
            @if let Some(us) = call.duration_us { span.dim { (text::us(us as f64)) } }
            (who)
        }
        @if let Some(intent) = &call.intent { p.askq { (text::short(intent)) } }
        @if !call.arguments.is_empty() {
            p.args {
                @for (name, value) in call.arguments.iter().take(MAX_ARGUMENTS) {
                    span.ar { i { (text::text(name)) } " " bdi { (text::marked(&argument(value))) } }
                }
            }
        }
        @if let Some(error) = &call.error { p.msg { bdi { (text::marked(error)) } } }
    }
}

fn argument(value: &Value) -> String {
    text::cut(&value.to_string(), ARGUMENT_CHARS)
}

fn who(frame: &Frame, data: &Person) -> Markup {
    Card::new("Who").with(&html! {
        dl.facts {
            div { dt { "Id" } dd { (text::text(&data.id)) } }
            @if let Some(email) = data.email.as_deref().filter(|email| *email != data.id.to_lowercase()) {
                div { dt { "E-mail" } dd { (text::text(email)) } }
            }
            div { dt { "Kind" } dd { (text::text(if data.kind.is_empty() { "not said" } else { &data.kind })) } }
            @if !data.domain.is_empty() {
                div {
                    dt { "Company" }
                    dd { a href=(frame.link(Page::Company).with("domain", &data.domain)) { (text::text(&data.domain)) } }
                }
            }
            div { dt { "First seen" } dd { (text::clock(data.first_ms, "%-d %b %Y")) } }
            div { dt { "Last seen" } dd { (text::when(frame.period.now, data.last_ms)) } }
            @if !data.figures.clients.is_empty() {
                div {
                    dt { "Clients" }
                    dd {
                        @for (place, (client, calls)) in data.figures.clients.iter().enumerate() {
                            @if place > 0 { ", " }
                            (text::text(client)) " (" (text::weight(*calls)) ")"
                        }
                    }
                }
            }
        }
    })
}

fn people(frame: &Frame, data: &Company) -> Markup {
    let usual = Share::new(data.figures.all_failed, data.figures.all_calls);
    let all = frame.link(Page::People).with("domain", &data.domain);
    let row = |(id, calls, failed): &(String, f64, f64)| {
        let rows = frame.link(Page::Calls).with("user", id);
        Row::from(vec![
            part::who(frame, Some(id)),
            text::number(text::weight(*calls), &rows),
            part::failed(
                Share::new(*failed, *calls),
                usual,
                &rows.clone().with("outcome", "failed"),
            ),
        ])
    };
    let words = text::all(data.people.len() as i64, "person", "people");
    Card::new("People").more(all, &words).with(&html! {
        @if data.people.is_empty() { p.dim { "Nobody called in this period." } }
        @else { (Table::new("People", "tight", &PEOPLE).with(data.people.iter().take(8).map(row))) }
    })
}

fn figures(frame: &Frame, figures: &Figures, calls: &Link, sessions: &Link) -> Markup {
    let course: Vec<_> = figures.course.iter().copied().map(Some).collect();
    let spark = Spark {
        size: (260, 48),
        ..Spark::new(&course)
    };
    let usual = Share::new(figures.all_failed, figures.all_calls);
    let failed = Share::new(figures.failed, figures.calls);
    Card::new("30 days").with(&html! {
        div.big { (spark.draw()) }
        dl.trio {
            div {
                dt { "calls, " (range_words(frame.period.range)) }
                dd { (text::number(text::weight(figures.calls), calls)) }
            }
            div { dt { "sessions" } dd { (text::number(text::count(figures.sessions), sessions)) } }
            div { dt { "failed" } dd { (part::failed(failed, usual, &calls.clone().with("outcome", "failed"))) } }
        }
    })
}

fn uses(frame: &Frame, figures: &Figures, calls: &Link) -> Markup {
    let most = figures.tools.first().map_or(0.0, |(_, calls)| *calls);
    let row = |(tool, used): &(String, f64)| {
        Row::from(vec![
            part::tool(frame, tool),
            part::meter(*used, most, ""),
            text::number(text::weight(*used), &calls.clone().with("tool", tool)),
        ])
    };
    html! {
        @if !figures.tools.is_empty() {
            (Card::new("Uses").with(&Table::new("Tools used", "tight", &TOOLS).with(figures.tools.iter().map(row))))
        }
    }
}

fn privacy(frame: &Frame, data: &Person) -> Markup {
    html! {
        @if frame.may_change {
            section."card quietc" aria-label="Privacy" {
                form method="post" action=(frame.action("export")) {
                    (frame.csrf_field())
                    input type="hidden" name="user" value=(data.id);
                    input type="hidden" name="format" value="jsonl";
                    button.btn name="range" value="all" { "Export all their rows" } " "
                    button.btn name="range" value=(frame.period.range.word()) {
                        "Export those of " (range_words(frame.period.range))
                    }
                }
                form method="post" action=(frame.action("forget")) {
                    (frame.csrf_field())
                    input type="hidden" name="user" value=(data.id);
                    button."btn danger" { "Forget this person…" }
                }
                p.dim { "Forgetting deletes rows, totals by person and the id itself. It asks once more first." }
            }
        }
    }
}
