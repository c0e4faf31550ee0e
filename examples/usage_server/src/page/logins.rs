//! Can people get in? Who is turned away, and why?

use maud::{Markup, html};

use crate::query::logins::{Figures, Filter, Logins, Refusal};
use crate::record::Group;

use super::frame::{Frame, Head, Page};
use super::part::{self, Card, Column, Good, Kpi, Row, Share, Table};
use super::text::{self, number_of};

const NEWEST: [Column; 5] = [
    Column::new("Time", "tm"),
    Column::new("Reason", ""),
    Column::new("Client", "main"),
    Column::new("Person", "grow"),
    Column::new("Then", ""),
];

/// What a class of reason means, and what to make of it.
const MEANINGS: [(&str, &str, &str); 9] = [
    (
        "missing",
        "No credential at all.",
        "Normal for a first request: it is how a client learns where to sign in.",
    ),
    (
        "malformed",
        "Could not be read.",
        "A client that sends something else in its place.",
    ),
    (
        "invalid",
        "Known to nobody, or a wrong signature.",
        "A rotated signing key, or somebody guessing.",
    ),
    (
        "expired",
        "The credential’s time is up.",
        "Normal now and then. Many from one client: it does not refresh.",
    ),
    (
        "revoked",
        "Withdrawn.",
        "Somebody used a grant after it was taken back.",
    ),
    (
        "wrong_audience",
        "Meant for another server.",
        "A client with two of your servers and one token.",
    ),
    (
        "forbidden",
        "Does not allow what was asked.",
        "A scope is missing.",
    ),
    ("rate_limited", "Too many attempts.", "Look at the client."),
    (
        "other",
        "Something else.",
        "The server that refused has a reason of its own.",
    ),
];

/// A part of `None` took too long.
pub fn logins(
    frame: &Frame,
    data: Option<&Logins>,
    newest: Option<&[Refusal]>,
    filter: &Filter,
) -> Markup {
    let head = Head::new("Logins", "Can people get in? Who is turned away, and why?")
        .keeping("reason", filter.reason.as_deref())
        .keeping("client", filter.client.as_deref())
        .keeping("version", filter.version.as_deref());
    let again = frame.link(Page::Logins);
    let body = html! {
        @match data {
            None => (part::too_slow(&again)),
            Some(data) => {
                (stands_out(frame, data))
                (key_numbers(frame, data))
                (two_kinds(frame, &data.now))
                (by_reason(frame, data))
            }
        }
        @match newest {
            None => (Card::new("Newest refusals").with(&part::too_slow(&again))),
            Some(newest) => (newest_refusals(frame, newest, filter)),
        }
    };
    frame.document(&head, &body)
}

fn stands_out(frame: &Frame, data: &Logins) -> Markup {
    let Some(one) = &data.stands_out else {
        return html! {};
    };
    let rows = frame.link(Page::Calls).with("kind", "refused");
    let rows = rows
        .with("client", &one.client)
        .with("version", &one.version);
    let finding = html! {
        b {
            (number_of(&one.version, text::plural(one.refused, "refusal"), &rows)) " of " (text::text(&one.client))
            @if !one.version.is_empty() { " " (text::text(&one.version)) }
        }
        @if let Some(first) = one.first_ms { " since " (text::clock(first, "%a %-d %b, %H:%M")) }
        @if let Some(reason) = &one.reason { ", all " (text::text(&reason_words(reason))) }
        @if one.let_in == 0 && one.looked_at > 0 { ", none followed by a login" }
        @else if one.looked_at > 0 { ", " (text::percent(one.let_in as f64, one.looked_at as f64, 0)) " followed by a login" }
        "; " (number_of(&one.version, text::count(one.before), &frame.rows_before(&rows))) " in the period before."
    };
    let link = frame
        .link(Page::Logins)
        .with("client", &one.client)
        .with("version", &one.version)
        .with_some("reason", one.reason.as_ref())
        .at("newest");
    part::callout(Group::Failed, &finding, Some((&link, "Show them")))
}

fn key_numbers(frame: &Frame, data: &Logins) -> Markup {
    let (now, before) = (&data.now, &data.before);
    let let_in = |figures: &Figures| Share::new(figures.let_in as f64, figures.looked_at as f64);
    let percent = |share: Share| text::percent(share.part, share.whole, 0);
    let of_kind = |kind| {
        let link = frame.link(Page::Calls).with("kind", kind);
        link.with("include", "all")
    };
    let (logins, people, refused) = (of_kind("login"), of_kind("login"), of_kind("refused"));
    let kpi = |label, now: i64, before: i64, good, rows, is_counted: bool| Kpi {
        counted: is_counted.then_some(now as f64),
        label,
        value: text::count(now),
        change: part::delta(now as f64, before as f64, good),
        was: text::count(before),
        spark: html! {},
        rows,
    };
    part::kpis(&[
        kpi(
            "Logged in",
            now.logins,
            before.logins,
            Good::Neither,
            logins,
            true,
        ),
        kpi(
            "People who logged in",
            now.people,
            before.people,
            Good::Up,
            people,
            false,
        ),
        kpi(
            "Refused",
            now.refused,
            before.refused,
            Good::Down,
            refused,
            true,
        ),
        Kpi {
            label: "Refused, then let in",
            value: percent(let_in(now)),
            change: part::delta_share(let_in(now), let_in(before), Good::Up),
            was: percent(let_in(before)),
            spark: html! {},
            rows: frame.link(Page::Logins).at("newest"),
            counted: None,
        },
    ])
}

/// Who sends both kinds of events for one login is counted twice.
fn two_kinds(frame: &Frame, figures: &Figures) -> Markup {
    let (logins, captures) = (figures.logins, figures.captures);
    if captures == 0 || captures == logins {
        return html! {};
    }
    let rows = frame.link(Page::Calls).with("kind", "identity");
    html! {
        p.dim {
            (text::number(text::count(captures), &rows)) " of the logins are identity captures, the others login activities. "
            "A server that sends both for one login is counted twice."
        }
    }
}

fn by_reason(frame: &Frame, data: &Logins) -> Markup {
    let card = Card::new("Refused, by reason and client")
        .note("by the class of reason; what was sent is never kept")
        .id("refused");
    if data.reasons.is_empty() {
        return card.with(&part::empty(frame, "Nobody was refused in this period."));
    }
    let usual = Share::new(1.0, data.clients.len().max(2) as f64);
    let refused = |reason: &str| {
        let link = frame.link(Page::Calls).with("kind", "refused");
        link.with("reason", reason).with("include", "all")
    };
    let table = html! {
        div.scroll tabindex="0" role="region" aria-label="Refused, by reason and client" {
            table."t stack lg" role="table" {
                caption.vh { "Refused logins" }
                thead role="rowgroup" {
                    tr role="row" {
                        th."main grow" role="columnheader" scope="col" { "Reason" }
                        th.num role="columnheader" scope="col" { "All" }
                        th.num role="columnheader" scope="col" { "Before" }
                        @for client in &data.clients {
                            th."num mx" role="columnheader" scope="col" { (client_words(client)) }
                        }
                    }
                }
                tbody role="rowgroup" {
                    @for reason in &data.reasons {
                        @let link = frame.link(Page::Logins).with("reason", &reason.reason);
                        tr role="row" {
                            td."main grow" role="cell" {
                                a.code href=(link.at("newest")) { (text::text(&reason.reason)) }
                                @if let Some((_, what, advice)) = MEANINGS.iter().find(|(word, ..)| *word == reason.reason) {
                                    span.why2 { (what) " " (advice) }
                                }
                            }
                            td.num role="cell" data-l="All" {
                                b { (number_of(&reason.reason, text::count(reason.refused), &refused(&reason.reason))) }
                            }
                            td.num role="cell" data-l="Before" {
                                (number_of(&reason.reason, text::count(reason.before), &frame.rows_before(&refused(&reason.reason))))
                            }
                            @for (client, of_client) in data.clients.iter().zip(&reason.by_client) {
                                td."num mx" role="cell" data-l=(label(client)) {
                                    @if *of_client == 0 { span.nil { "·" } } @else {
                                        @let share = Share::new(*of_client as f64, reason.refused as f64);
                                        // A request without a credential is how each client begins.
                                        @let is_most = reason.reason != "missing" && *of_client >= 10 && share.is_above(usual) && share.part * 2.0 > share.whole;
                                        span class=[is_most.then_some("hotc")] {
                                            (number_of(if reason.reason.is_empty() { "" } else { client }, text::count(*of_client), &refused(&reason.reason).with("client", client)))
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    card.with(&table)
}

fn newest_refusals(frame: &Frame, newest: &[Refusal], filter: &Filter) -> Markup {
    let card = Card::new("Newest refusals").id("newest");
    let chips = part::chips(&chips(frame, filter));
    if newest.is_empty() {
        return card.with(&html! { (chips) (part::empty(frame, "No refusal to show.")) });
    }
    let rows = newest.iter().map(|one| {
        Row::from(vec![
            text::clock(one.time_ms, "%-d %b %H:%M:%S"),
            part::state(Group::Failed, &text::visible(&reason_words(&one.reason))),
            part::client(frame, &one.client, &one.client_version),
            part::who(frame, one.user.as_deref()),
            html! {
                span.dim {
                    @match one.let_in_after_ms {
                        Some(after) => { "let in after " (text::ms(after as f64)) },
                        None => "no login since",
                    }
                }
            },
        ])
    });
    card.with(&html! {
        (chips)
        (Table::new("Newest refused logins", "stack", &NEWEST).with(rows))
    })
}

fn chips<'f>(frame: &Frame, filter: &'f Filter) -> Vec<(&'f str, String, text::Link)> {
    let all = [
        ("reason", &filter.reason),
        ("client", &filter.client),
        ("version", &filter.version),
    ];
    let without = |left: &str| {
        let rest = all.iter().filter(|(key, _)| *key != left);
        rest.fold(frame.link(Page::Logins), |link, (key, value)| {
            link.with_some(key, value.as_ref())
        })
    };
    all.iter()
        .filter_map(|(key, value)| Some((*key, (*value).clone()?, without(key))))
        .collect()
}

fn reason_words(reason: &str) -> String {
    match reason {
        "" => "no reason given".to_owned(),
        reason => reason.replace('_', " "),
    }
}

fn label(client: &str) -> String {
    match client {
        "" => "not known".to_owned(),
        client => text::visible(client),
    }
}

fn client_words(client: &str) -> Markup {
    match client {
        "" => html! { i { "not known" } },
        client => text::text(client),
    }
}
