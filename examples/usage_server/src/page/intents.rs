//! What did people want, and did they get it?

use maud::{Markup, html};

use crate::query::intents::{Failed, Group, Id, Intents, Missing, Wording};

use super::frame::{Frame, Head, Page};
use super::part::{self, Card, Column, Good, Row, Share, Table};
use super::text::{self, Link, number};

const GROUPS: [Column; 7] = [
    Column::new("What people wanted", "main grow"),
    Column::new("Got it", "num"),
    Column::new("Change", "num"),
    Column::new("Failed", "num"),
    Column::new("Calls", "num"),
    Column::new("People", "num"),
    Column::new("Tools", "hide-m"),
];
const MISSING: [Column; 5] = [
    Column::new("Wanted, and no tool can do it", "main grow"),
    Column::new("Requests", "num"),
    Column::new("Before", "num"),
    Column::new("People", "num"),
    Column::new("Last", "num"),
];
const WORDINGS: [Column; 3] = [
    Column::new("In these words", "main grow"),
    Column::new("Failed", "num"),
    Column::new("Calls", "num"),
];
/// A share of answered calls below which it is said in colour.
const LOW: f64 = 0.9;

/// `None` for what took too long; `cluster` is the one group that was asked for.
pub fn intents(frame: &Frame, data: Option<&Intents>, cluster: Option<i64>) -> Markup {
    let head = Head::new("Intents", "What did people want, and did they get it?")
        .keeping("cluster", cluster);
    let body = match (data, cluster) {
        (None, _) => part::too_slow(&frame.link(Page::Intents).with_some("cluster", cluster)),
        (Some(data), None) => all(frame, data),
        (Some(data), Some(_)) => one(frame, data),
    };
    frame.document(&head, &body)
}

fn all(frame: &Frame, data: &Intents) -> Markup {
    let said = frame.link(Page::Calls).with("with", "intent");
    html! {
        p.lead {
            @if data.calls > 0.0 {
                (number(text::percent(data.with_intent, data.calls, 0), &said))
                " of calls say what they are for. "
            }
            "Groups are made on this server from the words themselves, without a language model"
            @if let Some(built) = data.built_ms { ", the last time " (text::when(frame.period.now, built)) }
            "."
        }
        (groups(frame, data))
        div.g.g-2 {
            (missing(frame, data))
            (failed(frame, data))
        }
        @if frame.may_change {
            form method="post" action=(frame.action("intents")) {
                (frame.csrf_field())
                button.btn { "Group again" }
                " " span.dim { "Done by itself each night, and for new wordings within a quarter of an hour." }
            }
        }
    }
}

/// One group, with its wordings.
fn one(frame: &Frame, data: &Intents) -> Markup {
    html! {
        p.lead { a href=(frame.link(Page::Intents)) { "All groups" } }
        (groups(frame, data))
        div.g.g-2 {
            (wordings(frame, &data.wordings))
            (failed(frame, data))
        }
    }
}

fn groups(frame: &Frame, data: &Intents) -> Markup {
    if data.groups.is_empty() {
        let nothing = part::empty(frame, "No call of this period says what it is for.");
        return Card::new("Intent gap").with(&nothing);
    }
    let rows = data.groups.iter().map(|group| group_row(frame, group));
    let more = data.all_groups.saturating_sub(data.groups.len());
    let table = Table::new("Intents by group", "stack intent", &GROUPS).with(rows);
    let body = html! {
        (table)
        @if more > 0 {
            p.pager { span { (text::count(data.groups.len() as i64)) " of " (text::plural(data.all_groups as i64, "group")) } }
        }
    };
    Card::new("Intent gap")
        .note("most failed first")
        .with(&body)
}

fn group_row(frame: &Frame, group: &Group) -> Row {
    let (now, before) = (group.now, group.before);
    let got = |calls: f64, failed: f64| Share::new(calls - failed, calls);
    let share = got(now.calls, now.failed);
    let is_low = share.value().is_some_and(|share| share < LOW);
    let calls = of_group(frame.link(Page::Calls), &group.id);
    let wordings = of_group(frame.link(Page::Intents), &group.id);
    Row::from(vec![
        html! {
            (label(frame, &group.id, &group.label))
            span.why2 {
                @if let Some(example) = &group.example { "“" (text::text(example)) "”" }
                @if group.example.is_some() && group.wordings > 2 { " and " }
                @match group.wordings - 1 - i64::from(group.example.is_some()) {
                    others @ 1.. => { (number(text::plural(others, "other wording"), &wordings)) },
                    _ => {},
                }
            }
        },
        html! {
            span class=(if is_low { "er hot" } else { "er" }) {
                (part::meter(share.part, share.whole, "mok"))
                (text::percent(share.part, share.whole, 0))
            }
        },
        part::delta_share(share, got(before.calls, before.failed), Good::Up),
        number(
            text::weight(now.failed),
            &calls.clone().with("outcome", "failed"),
        ),
        number(text::weight(now.calls), &calls),
        match group.people {
            Some(count) => people_number(frame, &group.id, count),
            None => html! { span.dim title="Too many calls to count people" { "–" } },
        },
        html! { span.tops { @for tool in &group.tools { (part::tool(frame, tool)) " " } } },
    ])
}

/// What a group is called: a group leads to its wordings, one text to its calls.
fn label(frame: &Frame, id: &Id, label: &str) -> Markup {
    let link = match id {
        Id::Cluster(cluster) => frame.link(Page::Intents).with("cluster", cluster),
        Id::Text(_) => of_group(frame.link(Page::Calls), id),
    };
    html! { a.askq href=(link) title=(text::visible(label)) { (text::text(label)) } }
}

/// The people who called for a group lead to their list.
fn people_number(frame: &Frame, id: &Id, count: i64) -> Markup {
    match id {
        Id::Cluster(cluster) => {
            let people = frame.link(Page::People).with("cluster", cluster);
            number(text::count(count), &people)
        }
        Id::Text(_) => text::among(text::count(count), &of_group(frame.link(Page::Calls), id)),
    }
}

fn of_group(link: Link, id: &Id) -> Link {
    match id {
        Id::Cluster(cluster) => link.with("cluster", cluster),
        Id::Text(text) => link.with("intent", text),
    }
}

fn missing(frame: &Frame, data: &Intents) -> Markup {
    let card = Card::new("Missing capabilities")
        .note("said by agents through the request-capability tool");
    if data.missing.is_empty() {
        return card.with(&part::empty(frame, "Nobody asked for what no tool can do."));
    }
    let rows = data
        .missing
        .iter()
        .map(|missing| missing_row(frame, missing));
    card.with(&Table::new("Missing capabilities", "stack c4", &MISSING).with(rows))
}

fn missing_row(frame: &Frame, missing: &Missing) -> Row {
    let asks = of_group(frame.link(Page::Calls).with("kind", "missing"), &missing.id);
    Row::from(vec![
        html! {
            a.askq href=(asks) title=(text::visible(&missing.label)) { (text::text(&missing.label)) }
            @if let Some(example) = &missing.example { span.why2 { "“" (text::text(example)) "”" } }
        },
        number(text::weight(missing.asks), &asks),
        number(text::weight(missing.before), &frame.rows_before(&asks)),
        text::among(text::count(missing.people), &asks),
        text::when(frame.period.now, missing.last_ms),
    ])
}

fn failed(frame: &Frame, data: &Intents) -> Markup {
    let all = frame
        .link(Page::Calls)
        .with("with", "intent")
        .with("outcome", "failed");
    let card = Card::new("Failed requests")
        .note("newest first")
        .more(all, "All")
        .id("failed");
    if data.failed.is_empty() {
        return card.with(&part::empty(
            frame,
            "Every call that says what it is for was answered.",
        ));
    }
    card.with(&html! { ul.asks { @for ask in &data.failed { (failed_ask(frame, ask)) } } })
}

fn failed_ask(frame: &Frame, ask: &Failed) -> Markup {
    let link = match &ask.session {
        Some(session) => frame.link(Page::Session).with("id", session),
        None => frame.link(Page::Calls).with("intent", &ask.intent),
    };
    html! {
        li {
            a.askq href=(link) { (text::text(&ask.intent)) }
            span.why {
                (part::outcome(ask.outcome)) " " (part::tool(frame, &ask.tool)) " "
                @if ask.error.is_empty() { span.msg { "no message" } } @else { bdi.msg { (text::marked(&ask.error)) } }
            }
            span.meta { (part::who(frame, ask.user.as_deref())) (text::when(frame.period.now, ask.time_ms)) }
        }
    }
}

fn wordings(frame: &Frame, wordings: &[Wording]) -> Markup {
    let rows = wordings.iter().map(|wording| {
        let calls = frame.link(Page::Calls).with("intent", &wording.text);
        let failed = calls.clone().with("outcome", "failed");
        Row::from(vec![
            text::text(&wording.text),
            number(text::weight(wording.figures.failed), &failed),
            number(text::weight(wording.figures.calls), &calls),
        ])
    });
    Card::new("Wordings")
        .note("most calls first")
        .with(&Table::new("Wordings of the group", "stack", &WORDINGS).with(rows))
}
