//! One tool: why does it fail, how slow is it, for whom?

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::hist;
use crate::query::tool::{Call, Error, Figures, Looked, Tool};

use super::chart::{self, Slot};
use super::frame::{Frame, Head, Page};
use super::part::{self, Card, Column, Good, Kpi, Row, Share, Table};
use super::text::{self, Link, number};
use crate::record::Group;

const ERRORS: [Column; 7] = [
    Column::new("Message", "main grow"),
    Column::new("Outcome", ""),
    Column::new("Calls", "num"),
    Column::new("People", "num"),
    Column::new("Releases", ""),
    Column::new("First", "num"),
    Column::new("Last", "num"),
];
const RELEASES: [Column; 5] = [
    Column::new("Release", "main"),
    Column::new("", "sp"),
    Column::new("Calls", "num"),
    Column::new("Failed", "num"),
    Column::new("p95", "num"),
];
const PEOPLE: [Column; 3] = [
    Column::new("Person", "main"),
    Column::new("Calls", "num"),
    Column::new("Failed", "num"),
];
const CALLS: [Column; 6] = [
    Column::new("Time", "tm"),
    Column::new("Person", "main"),
    Column::new("Intent", "grow"),
    Column::new("Outcome", ""),
    Column::new("Duration", "num"),
    Column::new("Client", "hide-m"),
];

/// A part of `None` took too long.
pub fn tool(frame: &Frame, name: &str, data: Option<&Tool>, looked: Option<&Looked>) -> Markup {
    let mut head = Head::about(name, data.map_or_else(|| html! {}, lead));
    head.heading = html! { span.code { (text::text(name)) } };
    let head = head.keeping("name", Some(name));
    let again = frame.link(Page::Tool).with("name", name);
    let slow = || part::too_slow(&again);
    let calls = frame.link(Page::Calls).with("tool", name);
    let body = html! {
        @match data {
            None => (slow()),
            Some(data) => {
                (worse(data, &calls))
                (key_numbers(frame, data, &calls))
            }
        }
        @match (data, looked) {
            (Some(data), Some(looked)) => (errors(frame, data, looked, &calls)),
            _ => (Card::new("Errors, by message").with(&slow())),
        }
        div."g g-2" {
            div {
                @if let Some(data) = data {
                    (durations(data, &calls))
                    (releases(data, &calls))
                }
            }
            div {
                @if let Some(data) = data { (people(frame, data, name)) }
                @if let Some(looked) = looked { (intents(frame, looked, &calls)) }
            }
        }
        @if let Some(looked) = looked { (newest(frame, &looked.newest, &calls)) }
    };
    frame.document(&head, &body)
}

/// For a name that nothing is known of.
pub fn no_tool(frame: &Frame, name: &str) -> Markup {
    let head = Head::about(
        name,
        html! { "No server has listed a tool of this name, and nobody has called one." },
    );
    let tools = frame.link(Page::Tools);
    frame.document(&head, &html! { p.empty { a href=(tools) { "All tools" } } })
}

fn lead(data: &Tool) -> Markup {
    html! {
        @match data.first_ms {
            Some(first) => { "Listed since " (text::clock(first, "%-d %b %Y")) },
            None => "No server lists it",
        }
        @if let Some(changed) = data.changed_ms { ", last changed " (text::clock(changed, "%-d %b, %H:%M")) }
        @if let Some(tokens) = data.tokens { "; about " (text::plural(tokens, "token")) " of every listing" }
        "."
    }
}

fn worse(data: &Tool, calls: &Link) -> Markup {
    let Some(worse) = &data.worse_since else {
        return html! {};
    };
    let finding = html! {
        b { "Fails more since " (text::text(&worse.release)) "." } " "
        (text::percent(worse.share, 1.0, 0)) " of its calls since " (text::clock(worse.since_ms, "%a %-d %b, %H:%M"))
        " failed, most as " (worse.outcome.word().replace('_', " ")) "; before, "
        (text::percent(worse.share_before, 1.0, 0)) " did."
    };
    let link = calls
        .clone()
        .with("release", &worse.release)
        .with("outcome", "failed");
    part::callout(Group::Failed, &finding, Some((&link, "Show the calls")))
}

fn key_numbers(frame: &Frame, data: &Tool, calls: &Link) -> Markup {
    let (now, before) = (&data.now, &data.before);
    let ok = |figures: &Figures| Share::new(figures.calls - figures.failed, figures.calls);
    let percent = |share: Share| text::percent(share.part, share.whole, 1);
    let duration = |us: Option<f64>| us.map_or_else(|| "–".to_owned(), text::us);
    let size = |bytes: Option<f64>| bytes.map_or_else(|| "–".to_owned(), text::bytes);
    let some = |value: Option<f64>| value.unwrap_or_default();
    let people = frame.link(Page::People).with("tool", &data.name);
    let kpi = |label, value, change, was, rows: &Link, counted: Option<f64>| Kpi {
        counted,
        label,
        value,
        change,
        was,
        spark: html! {},
        rows: rows.clone(),
    };
    part::kpis(&[
        kpi(
            "Calls",
            text::weight(now.calls),
            part::delta(now.calls, before.calls, Good::Neither),
            text::weight(before.calls),
            calls,
            Some(now.calls),
        ),
        kpi(
            "People",
            text::count(now.people as i64),
            part::delta(now.people as f64, before.people as f64, Good::Up),
            text::count(before.people as i64),
            &people,
            Some(now.people as f64),
        ),
        kpi(
            "Success",
            percent(ok(now)),
            part::delta_share(ok(now), ok(before), Good::Up),
            percent(ok(before)),
            &calls.clone().with("outcome", "failed"),
            Some(now.failed),
        ),
        kpi(
            "p95 duration",
            duration(now.p95),
            part::delta(some(now.p95), some(before.p95), Good::Down),
            duration(before.p95),
            calls,
            None,
        ),
        kpi(
            "Result, p50",
            size(now.result_p50),
            part::delta(some(now.result_p50), some(before.result_p50), Good::Neither),
            size(before.result_p50),
            calls,
            None,
        ),
    ])
}

fn errors(frame: &Frame, data: &Tool, looked: &Looked, calls: &Link) -> Markup {
    let card = Card::new("Errors, by message").note("numbers and ids in messages count as one");
    if data.errors.is_empty() {
        return card.with(&part::empty(frame, "No call of it failed in this period."));
    }
    let time = |ms: Option<i64>| html! { @if let Some(ms) = ms { (text::when(frame.period.now, ms)) } @else { "–" } };
    let rows = data.errors.iter().map(|error: &Error| {
        let met = looked.met(error);
        let link = calls
            .clone()
            .with("outcome", error.outcome.word())
            .with("error", &error.message);
        Row::from(vec![
            html! {
                @if error.message.is_empty() { i.dim { "no message" } } @else { (text::text(&error.message)) }
            },
            part::outcome(error.outcome),
            number(text::weight(error.calls), &link),
            html! { @if let Some(met) = met { (text::among(text::count(met.people as i64), &link)) } @else { "–" } },
            html! {
                @for (place, release) in met.iter().flat_map(|met| &met.releases).enumerate() {
                    @if place > 0 { ", " }
                    (text::text(release))
                }
            },
            time(met.map(|met| met.first_ms)),
            time(met.map(|met| met.last_ms)),
        ])
    });
    card.with(&Table::new("Errors", "stack", &ERRORS).with(rows))
}

fn durations(data: &Tool, calls: &Link) -> Markup {
    let slots = slots(data, calls);
    if slots.is_empty() {
        return html! {};
    }
    let label = format!(
        "How long calls of {} take, on a logarithmic axis",
        text::visible(&data.name)
    );
    let mut quantiles = Vec::new();
    quantiles.extend(data.now.p50.map(|us| ("p50", us)));
    quantiles.extend(data.now.p95.map(|us| ("p95", us)));
    let body = html! {
        (chart::histogram(&label, &slots, &quantiles, text::us))
        p.legend {
            span.lk { span."k okb" {} "this period" }
            span.lk { span."k wask" {} "the period before, scaled to as many calls" }
        }
    };
    Card::new("How long it takes").class("chart").with(&body)
}

/// Two slots of the histogram in one bar, from the first that has a call to the last.
fn slots(data: &Tool, calls: &Link) -> Vec<Slot> {
    let weight = |slots: &[(u8, f64)]| {
        let mut bars: BTreeMap<u8, f64> = BTreeMap::new();
        for (slot, weight) in slots {
            *bars.entry(slot / 2).or_default() += weight;
        }
        bars
    };
    let (now, before) = (weight(&data.durations), weight(&data.durations_before));
    let total: f64 = now.values().sum();
    let total_before: f64 = before.values().sum();
    let scale = if total_before > 0.0 {
        total / total_before
    } else {
        0.0
    };
    let all = || now.keys().chain(before.keys());
    let (Some(first), Some(last)) = (all().min(), all().max()) else {
        return Vec::new();
    };
    (*first..=*last)
        .map(|bar| {
            let (from, until) = (hist::lower_bound(bar * 2), hist::lower_bound(bar * 2 + 2));
            Slot {
                from,
                until,
                weight: now.get(&bar).copied().unwrap_or_default(),
                before: before.get(&bar).copied().unwrap_or_default() * scale,
                rows: Some(
                    calls
                        .clone()
                        .with("min", from.ceil())
                        .with("max", until.ceil()),
                ),
            }
        })
        .collect()
}

fn releases(data: &Tool, calls: &Link) -> Markup {
    if data.releases.is_empty() {
        return html! {};
    }
    let usual = Share::new(data.now.failed, data.now.calls);
    let rows = data.releases.iter().map(|release| {
        let link = calls.clone().with("release", &release.name);
        Row::from(vec![
            html! {
                (text::text(&release.name)) " "
                span.dim { "since " (text::clock(release.first_ms, "%-d %b, %H:%M")) }
            },
            part::meter(release.failed, release.calls, "mfail"),
            number(text::weight(release.calls), &link),
            part::failed(
                Share::new(release.failed, release.calls),
                usual,
                &link.with("outcome", "failed"),
            ),
            html! { (release.p95.map_or_else(|| "–".to_owned(), text::us)) },
        ])
    });
    let table = Table::new("Releases", "tight", &RELEASES).with(rows);
    Card::new("By release").note("of the server").with(&table)
}

fn people(frame: &Frame, data: &Tool, name: &str) -> Markup {
    let card = Card::new("Who uses it").more(frame.link(Page::People).with("tool", name), "All");
    if data.people.is_empty() {
        return card.with(&html! { p.empty { "Nobody that is known." } });
    }
    let usual = Share::new(data.now.failed, data.now.calls);
    let rows = data.people.iter().map(|person| {
        let calls = frame
            .link(Page::Calls)
            .with("user", &person.id)
            .with("tool", name);
        let share = Share::new(person.failed, person.calls);
        let hot = if share.is_above(usual) { "er hot" } else { "er" };
        Row::from(vec![
            part::who(frame, Some(&person.id)),
            number(text::weight(person.calls), &calls),
            html! {
                span class=(hot) { (number(text::weight(person.failed), &calls.with("outcome", "failed"))) }
            },
        ])
    });
    card.with(&Table::new("People", "tight", &PEOPLE).with(rows))
}

fn intents(frame: &Frame, looked: &Looked, calls: &Link) -> Markup {
    let number = |of_intent: i64, intent: &str| {
        let shown = text::plural(of_intent, "call");
        let rows = calls.clone().with("intent", intent);
        match looked.is_cut {
            true => text::among(shown, &rows),
            false => number(shown, &rows),
        }
    };
    let note = match looked.is_cut {
        true => "of the newest calls",
        false => "",
    };
    let card = Card::new("What for")
        .note(note)
        .more(frame.link(Page::Intents), "Intents");
    if looked.intents.is_empty() {
        return card.with(&html! { p.empty { "No call says what it is for." } });
    }
    card.with(&html! {
        ul.asks {
            @for (intent, of_intent) in &looked.intents {
                li {
                    span.askq { (text::text(intent)) }
                    span.meta { (number(*of_intent, intent)) }
                }
            }
        }
    })
}

fn newest(frame: &Frame, newest: &[Call], calls: &Link) -> Markup {
    let card = Card::new("Newest calls").more(calls.clone(), "All calls");
    if newest.is_empty() {
        return card.with(&part::empty(frame, "No call in this period."));
    }
    let rows = newest.iter().map(|call| {
        let session = call.session.as_deref();
        Row::from(vec![
            html! {
                @match session {
                    Some(session) => a.rowlink href=(frame.plain_link(Page::Session).with("id", session)) {
                        (text::clock(call.time_ms, "%-d %b %H:%M:%S"))
                    },
                    None => (text::clock(call.time_ms, "%-d %b %H:%M:%S")),
                }
            },
            part::who(frame, call.user.as_deref()),
            part::intent(call.intent.as_deref()),
            part::outcome(call.outcome),
            html! { @if let Some(us) = call.duration_us { (text::us(us as f64)) } },
            part::client(frame, &call.client, &call.client_version),
        ])
    });
    card.with(&Table::new("Newest calls", "stack calls", &CALLS).with(rows))
}
