//! Which agents and editors connect, in which versions?

use maud::{Markup, html};

use crate::query::clients::{Client, Clients, LeftOut};
use crate::record::Class;

use super::frame::{Frame, Head, Page};
use super::part::{self, Card, Column, Good, Row, Share, Table};
use super::text::{self, number_of};

const CLIENTS: [Column; 9] = [
    Column::new("Client", "main"),
    Column::new("", "sp"),
    Column::new("Share", "num"),
    Column::new("Calls", "num"),
    Column::new("Change", "num"),
    Column::new("People", "num"),
    Column::new("Failed", "num"),
    Column::new("Versions", "vers"),
    Column::new("Protocol", "hide-m"),
];
const PROTOCOLS: [Column; 5] = [
    Column::new("Protocol version", "main"),
    Column::new("", "sp"),
    Column::new("Era", ""),
    Column::new("Calls", "num"),
    Column::new("Clients", ""),
];
const LEFT_OUT: [Column; 5] = [
    Column::new("Client", "main grow"),
    Column::new("Class", ""),
    Column::new("Events", "num"),
    Column::new("Calls", "num"),
    Column::new("Why it is left out", ""),
];

/// A part of `None` took too long. `all`: crawlers and probes are among the clients.
pub fn clients(
    frame: &Frame,
    data: Option<&Clients>,
    left_out: Option<&[LeftOut]>,
    all: bool,
) -> Markup {
    let head = Head::new(
        "Clients",
        "Which agents and editors connect, in which versions?",
    )
    .keeping("include", all.then_some("all"));
    let again = frame.link(Page::Clients);
    let body = html! {
        @match data {
            None => (part::too_slow(&again)),
            Some(data) => (agents(frame, data, all)),
        }
        div."g g-2" {
            @if let Some(data) = data { (protocols(frame, data)) }
            @match left_out {
                None => (Card::new("Crawlers and probes").with(&part::too_slow(&again))),
                Some(left_out) => (crawlers(frame, left_out, all)),
            }
        }
    };
    frame.document(&head, &body)
}

fn agents(frame: &Frame, data: &Clients, all: bool) -> Markup {
    let note = match all {
        true => "by the name a client gives itself, with crawlers and probes",
        false => "by the name a client gives itself",
    };
    let card = Card::new("Agents and editors").note(note);
    if data.clients.is_empty() {
        return card.with(&part::empty(frame, "No call in this period."));
    }
    let failed: f64 = data.clients.iter().map(|client| client.failed).sum();
    let usual = Share::new(failed, data.calls);
    let rows = data
        .clients
        .iter()
        .map(|client| row(frame, client, data.calls, usual, all));
    card.with(&Table::new("Clients", "stack", &CLIENTS).with(rows))
}

fn row(frame: &Frame, client: &Client, all_calls: f64, usual: Share, all: bool) -> Row {
    let calls = frame
        .link(Page::Calls)
        .with("client", &client.name)
        .with_some("include", all.then_some("all"));
    let people = frame.link(Page::People).with("client", &client.name);
    Row::from(vec![
        html! {
            b { (name(&client.name)) }
            @if client.is_unknown { span.tag { "class unknown" } }
        },
        part::meter(client.calls, all_calls, ""),
        html! { (text::percent(client.calls, all_calls, 0)) },
        number_of(&client.name, text::weight(client.calls), &calls),
        part::delta(client.calls, client.before, Good::Neither),
        number_of(&client.name, text::count(client.people as i64), &people),
        {
            let share = Share::new(client.failed, client.calls);
            match client.name.as_str() {
                "" => html! { (text::percent(share.part, share.whole, 1)) },
                _ => part::failed(share, usual, &calls.clone().with("outcome", "failed")),
            }
        },
        html! {
            @for (version, of_it) in &client.versions {
                @let share = text::percent(*of_it, client.calls, 0);
                @if version.is_empty() || client.name.is_empty() {
                    span.ver { i { @if version.is_empty() { "no version" } @else { (text::text(version)) } } " " b { (share) } }
                } @else {
                    a.ver href=(calls.clone().with("version", version)) { (text::text(version)) " " b { (share) } }
                }
            }
        },
        html! {
            @for (place, protocol) in client.protocols.iter().enumerate() {
                @if place > 0 { ", " }
                (name(protocol))
            }
        },
    ])
}

fn protocols(frame: &Frame, data: &Clients) -> Markup {
    let card = Card::new("Protocol versions");
    if data.protocols.is_empty() {
        return card.with(&part::empty(frame, "No call in this period."));
    }
    let rows = data.protocols.iter().map(|protocol| {
        let calls = frame.link(Page::Calls).with("protocol", &protocol.version);
        let era = match (protocol.version.is_empty(), protocol.has_no_handshake()) {
            (true, _) => "",
            (_, true) => "no handshake",
            (_, false) => "with initialize",
        };
        Row::from(vec![
            name(&protocol.version),
            part::meter(protocol.calls, data.calls, ""),
            html! { (era) },
            number_of(&protocol.version, text::weight(protocol.calls), &calls),
            html! {
                @for (place, client) in protocol.clients.iter().enumerate() {
                    @if place > 0 { ", " }
                    (name(client))
                }
            },
        ])
    });
    card.with(&Table::new("Protocol versions", "stack", &PROTOCOLS).with(rows))
}

fn crawlers(frame: &Frame, left_out: &[LeftOut], all: bool) -> Markup {
    let toggle = match all {
        true => (frame.link(Page::Clients), "Leave them out"),
        false => (
            frame.link(Page::Clients).with("include", "all"),
            "Count them too",
        ),
    };
    let card = Card::new("Crawlers and probes")
        .note("left out of all other numbers")
        .id("left-out")
        .more(toggle.0, toggle.1);
    if left_out.is_empty() {
        return card.with(&html! { p.empty { "None came in this period." } });
    }
    let rows = left_out.iter().map(|one| {
        let calls = frame
            .link(Page::Calls)
            .with("client", &one.name)
            .with("version", &one.version)
            .with("include", "all");
        let (class, why) = match one.class {
            Class::HealthProbe => ("health probe", "asks whether the server is up"),
            _ => ("crawler", "lists tools for a directory"),
        };
        Row::from(vec![
            html! { (name(&one.name)) " " span.dim { (text::text(&one.version)) } },
            html! { (class) },
            html! { span.dim { (text::count(one.events)) } },
            html! { @if one.calls == 0 { "–" } @else if one.name.is_empty() || one.version.is_empty() { (text::count(one.calls)) } @else { (text::recorded(one.calls, &calls)) } },
            html! { (why) },
        ])
    });
    card.with(&Table::new("Left out", "stack", &LEFT_OUT).with(rows))
}

fn name(name: &str) -> Markup {
    match name {
        "" => html! { i.dim { "not known" } },
        name => text::text(name),
    }
}
