//! Overview: is it used, does it work, and what changed?

use maud::{Markup, html};

use crate::query::overview::{Change, Figures, Named, Overview, Tool, Weight, Why};
use crate::record::Outcome;

use super::chart::{self, Bar, Mark, Spark};
use super::frame::{Frame, Head, Page};
use super::part::{self, Card, Column, Good, Kpi, Row, Share, Table};
use super::text::{self, Link};

const TOOLS: [Column; 7] = [
    Column::new("Tool", "main"),
    Column::new("Trend", "sp"),
    Column::new("Calls", "num"),
    Column::new("Change", "num"),
    Column::new("People", "num"),
    Column::new("Failed", "num"),
    Column::new("p95", "num"),
];

pub fn overview(frame: &Frame, data: &Overview) -> Markup {
    let head = Head::new("Overview", "Is it used, does it work, and what changed?")
        .with_tools(frame.freshness());
    let body = html! {
        (kpis(frame, data))
        div."g g-75" { (changes(frame, data)) (bars(frame, data)) }
        div."g g-57" { (people(frame, data)) (failed_asks(frame, data)) }
        (tools(frame, data))
    };
    frame.document(&head, &body)
}

/// The page when its query was stopped.
pub fn too_slow(frame: &Frame) -> Markup {
    let head = Head::new("Overview", "Is it used, does it work, and what changed?")
        .with_tools(frame.freshness());
    frame.document(&head, &part::too_slow(&frame.link(Page::Overview)))
}

fn kpis(frame: &Frame, data: &Overview) -> Markup {
    let (now, before) = (&data.now, &data.before);
    let count = |of: fn(&Figures) -> f64| {
        let values =
            |buckets: &[Figures]| buckets.iter().map(|figures| Some(of(figures))).collect();
        spark(values(&data.buckets), values(&data.buckets_before), false)
    };
    let rate = |of: fn(&Figures) -> Option<f64>, is_zoomed| {
        let values = |buckets: &[Figures]| buckets.iter().map(of).collect();
        spark(
            values(&data.buckets),
            values(&data.buckets_before),
            is_zoomed,
        )
    };
    let success = |figures: &Figures| Share::new(figures.calls - figures.failed, figures.calls);
    let percent = |share: Share| match share.value() {
        Some(_) => text::percent(share.part, share.whole, 1),
        None => "–".to_owned(),
    };
    let p95 = |figures: &Figures| figures.p95.map_or_else(|| "–".to_owned(), text::us);
    part::kpis(&[
        Kpi {
            label: "Calls",
            value: text::weight(now.calls),
            change: part::delta(now.calls, before.calls, Good::Neither),
            was: text::weight(before.calls),
            spark: count(|figures| figures.calls),
            rows: frame.link(Page::Calls),
            counted: Some(now.calls),
        },
        Kpi {
            label: "People",
            value: text::count(now.people),
            change: part::delta(now.people as f64, before.people as f64, Good::Up),
            was: text::count(before.people),
            spark: count(|figures| figures.people as f64),
            rows: frame.link(Page::People),
            counted: Some(now.people as f64),
        },
        Kpi {
            label: "Sessions",
            value: text::count(now.sessions),
            change: part::delta(now.sessions as f64, before.sessions as f64, Good::Neither),
            was: text::count(before.sessions),
            spark: count(|figures| figures.sessions as f64),
            rows: frame.link(Page::Sessions),
            counted: Some(now.sessions as f64),
        },
        Kpi {
            label: "Success",
            value: percent(success(now)),
            change: part::delta_share(success(now), success(before), Good::Up),
            was: percent(success(before)),
            spark: rate(Figures::success, true),
            rows: frame.link(Page::Calls).with("outcome", "failed"),
            counted: Some(now.failed),
        },
        Kpi {
            label: "p95 duration",
            value: p95(now),
            change: match (now.p95, before.p95) {
                (Some(now), Some(before)) => part::delta(now, before, Good::Down),
                _ => html! { span.d { "–" } },
            },
            was: p95(before),
            spark: rate(|figures| figures.p95, false),
            rows: frame.link(Page::Tools).with("sort", "p95"),
            counted: None,
        },
    ])
}

fn spark(values: Vec<Option<f64>>, before: Vec<Option<f64>>, is_zoomed: bool) -> Markup {
    Spark {
        before: &before,
        is_zoomed,
        size: (200, 34),
        ..Spark::new(&values)
    }
    .draw()
}

fn bars(frame: &Frame, data: &Overview) -> Markup {
    let bars: Vec<Bar> = data
        .buckets
        .iter()
        .zip(&data.buckets_before)
        .map(|(now, before)| Bar {
            calls: now.calls,
            failed: now.failed,
            before: before.calls,
        })
        .collect();
    let marks: Vec<Mark> = data
        .releases
        .iter()
        .map(|(at_ms, name)| Mark {
            at_ms: *at_ms,
            name: name.clone(),
            rows: frame.link(Page::Calls).with("release", name),
        })
        .collect();
    let title = format!("Calls per {}", chart::bucket_word(&frame.period));
    Card::new(&title)
        .class("chart")
        .with(&chart::bars(frame, &bars, &marks, |link| link))
}

fn changes(frame: &Frame, data: &Overview) -> Markup {
    let note = format!("against the {}, what hurts most first", frame.before());
    let card = Card::new("What changed").note(&note).class("wide");
    if frame.last_event_ms.is_none() {
        return card.with(&part::empty(frame, "Nothing has arrived yet."));
    }
    if data.changes.is_empty() {
        return card.with(&html! { p.empty { "Nothing that stands out." } });
    }
    card.with(&html! { ol.changes { @for change in &data.changes { (said(frame, change)) } } })
}

fn said(frame: &Frame, change: &Change) -> Markup {
    let (sentence, why) = match change {
        Change::Fails { .. } => fails(frame, change),
        Change::Refused { .. } => refused(frame, change),
        Change::Lost { .. } => lost(frame, change),
        Change::Missing { .. } => missing(frame, change),
        change => others(frame, change),
    };
    let shape = match (change.weight(), change) {
        (Weight::Fails, _) => "fail",
        (Weight::Doubtful, _) => "stop",
        (_, Change::Uncalled { .. }) => "down",
        _ => "up",
    };
    chart::change(shape, &sentence, &why)
}

fn fails(frame: &Frame, change: &Change) -> (Markup, Markup) {
    let Change::Fails {
        tool,
        calls,
        failed,
        calls_before,
        failed_before,
        outcome,
        is_all,
        began_ms,
        release,
        people,
    } = change
    else {
        return (html! {}, html! {});
    };
    let rows = frame
        .link(Page::Calls)
        .with("tool", tool)
        .with("outcome", "failed");
    let until = frame.period.until / 1000;
    let rows = match began_ms {
        Some(began) => rows.with("since", began / 1000).with("until", until),
        None => rows,
    };
    let hit = frame
        .link(Page::People)
        .with("tool", tool)
        .with("outcome", "failed");
    let sentence = html! {
        (part::tool(frame, tool)) " "
        b { "fails " (text::share(*failed, &text::percent(*failed, *calls, 0), &rows)) }
        " of the time, was " (text::percent(*failed_before, *calls_before, 0))
    };
    let why = html! {
        (if *is_all { "All" } else { "Most" }) " are " (ends(*outcome)) ". "
        @if let Some(began) = began_ms {
            "Began " (text::clock(*began, "%a %H:%M"))
            @if let Some(release) = release {
                " with server " a href=(frame.link(Page::Calls).with("release", release)) { (text::text(release)) }
            }
            "; hit "
        } @else { "Hit " }
        (text::number(text::people(*people), &hit)) "."
    };
    (sentence, why)
}

/// An outcome in the plural.
const fn ends(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::ToolError => "errors of the tool",
        Outcome::ProtocolError => "protocol errors",
        Outcome::Cancelled => "cancelled by the client",
        Outcome::Timeout => "timeouts",
        Outcome::Panicked => "panics",
        Outcome::Dropped => "calls that never ended",
        _ => "failures",
    }
}

fn refused(frame: &Frame, change: &Change) -> (Markup, Markup) {
    let Change::Refused {
        client,
        version,
        refused,
        before,
        reason,
        is_alone,
    } = change
    else {
        return (html! {}, html! {});
    };
    let rows = frame
        .link(Page::Calls)
        .with("kind", "refused")
        .with("client", client);
    let rows = if version.is_empty() {
        rows
    } else {
        rows.with("version", version)
    };
    let sentence = html! {
        (text::number(text::plural(*refused, "login") + " refused", &rows)) " from "
        b { (text::text(client)) @if !version.is_empty() { " " (text::text(version)) } }
        ", was " (text::number(text::count(*before), &frame.rows_before(&rows)))
    };
    let why = html! {
        @match reason.as_deref() {
            Some("expired") => "Reason: expired. It does not seem to refresh its token",
            Some(reason) => { "Reason: " (text::text(&reason.replace('_', " "))) },
            None => "For several reasons",
        }
        @if *is_alone && !version.is_empty() { "; other versions of it are as before" }
        ". " a href=(frame.link(Page::Logins).with("client", client)) { "All refusals" }
    };
    (sentence, why)
}

fn lost(frame: &Frame, change: &Change) -> (Markup, Markup) {
    let Change::Lost {
        events,
        instance,
        instances,
        reason,
        day_ms,
    } = change
    else {
        return (html! {}, html! {});
    };
    let sentence = html! {
        b { (text::number(text::plural(*events, "event") + " lost", &frame.link(Page::Quality))) }
        @if *instances == 1 { " on " (text::text(instance)) }
        @else { " on " (instances) " instances, most on " (text::text(instance)) }
    };
    let why = html! {
        @match reason.as_str() {
            "queue_full" => "Its queue was full",
            "expired" => "They were too old when they could be sent",
            reason => { "Reason: " (text::text(&reason.replace('_', " "))) },
        }
        ", most of it on " (text::date(*day_ms, "%A")) ", so that day is too low."
    };
    (sentence, why)
}

fn missing(frame: &Frame, change: &Change) -> (Markup, Markup) {
    let Change::Missing {
        label,
        cluster,
        asks,
        before,
        people,
        is_most,
    } = change
    else {
        return (html! {}, html! {});
    };
    let rows = frame.link(Page::Calls).with("kind", "missing");
    let rows = match cluster {
        Some(cluster) => rows.with("cluster", cluster),
        None => rows.with("intent", label),
    };
    let sentence = html! {
        (text::number(text::plural(*asks, "request"), &rows)) ": " b { (text::text(&text::cut(label, 120))) }
        ", was " (text::number(text::count(*before), &frame.rows_before(&rows)))
    };
    let why = html! {
        @if *is_most { "Now the most wanted thing that no tool can do. " } @else { "No tool can do it. " }
        (text::among(text::people(*people), &rows)) " asked for it. "
        a href=(frame.link(Page::Intents)) { "All that is wanted" }
    };
    (sentence, why)
}

fn others(frame: &Frame, change: &Change) -> (Markup, Markup) {
    match change {
        Change::NewPeople {
            domain,
            new,
            people,
        } => {
            let who = frame
                .link(Page::People)
                .with("show", "new")
                .with("domain", domain);
            let all = frame.link(Page::People).with("domain", domain);
            let company = frame.link(Page::Company).with("domain", domain);
            let words = format!(
                "{} new {}",
                text::count(*new),
                if *new == 1 { "person" } else { "people" }
            );
            (
                html! { (text::number(words, &who)) " from " a href=(company) { b { (text::text(domain)) } } },
                html! { "The company now has " (text::number(text::people(*people), &all)) " here." },
            )
        }
        Change::Quiet { domain, people } => {
            let who = frame
                .link(Page::People)
                .with("show", "gone")
                .with("domain", domain);
            let company = frame.link(Page::Company).with("domain", domain);
            (
                html! { "Nobody of " a href=(company) { b { (text::text(domain)) } } " is here any more" },
                html! { (text::number(text::people(*people), &who)) " called in the time before." },
            )
        }
        Change::Slower {
            tool,
            p95,
            before,
            people,
        } => {
            let times = p95 / before.max(1.0);
            (
                html! {
                    (part::tool(frame, tool)) " " b { "takes " (format!("{times:.1}")) " times as long" }
                    ": p95 " (text::us(*p95)) ", was " (text::us(*before))
                },
                html! {
                    (text::number(text::people(*people), &frame.link(Page::People).with("tool", tool)))
                    " called it."
                },
            )
        }
        Change::Uncalled { tool, before } => (
            html! { "Nobody calls " (part::tool(frame, tool)) " any more" },
            html! { (text::plural(before.round() as i64, "call")) " in the time before." },
        ),
        Change::NewClient {
            client,
            version,
            calls,
            share,
        } => {
            let rows = frame.link(Page::Calls).with("client", client);
            let rows = if version.is_empty() {
                rows
            } else {
                rows.with("version", version)
            };
            (
                html! {
                    b { (text::text(client)) @if !version.is_empty() { " " (text::text(version)) } }
                    " is new, and has " (text::percent(*share, 1.0, 0)) " of calls"
                },
                html! { (text::number(text::plural(calls.round() as i64, "call"), &rows)) " in this period." },
            )
        }
        _ => (html! {}, html! {}),
    }
}

fn people(frame: &Frame, data: &Overview) -> Markup {
    let of = |show: &str| frame.link(Page::People).with("show", show);
    let people = &data.people;
    // Back, and returning: the page of people tells them apart.
    let returning = text::count(people.returning as i64);
    Card::new("People").more(frame.link(Page::People), "All people").with(&html! {
        dl.trio {
            div { dt { "new" } dd { (text::number(text::count(people.new as i64), &of("new"))) } }
            div { dt { "returning" } dd { (text::number(returning, &of("known"))) } }
            div { dt { "gone quiet" } dd { (text::number(text::count(people.gone as i64), &of("gone"))) } }
        }
        @if people.named.is_empty() {
            (part::empty(frame, "Nobody is new, failing or gone."))
        } @else {
            ul.plist { @for named in &people.named { (line(frame, named)) } }
        }
    })
}

fn line(frame: &Frame, named: &Named) -> Markup {
    let calls = frame.link(Page::Calls).with("user", &named.id);
    let count = |calls: i64, rows: &Link| text::number(text::plural(calls, "call"), rows);
    html! {
        li {
            (part::who(frame, Some(&named.id)))
            @match named.why {
                Why::New(of_new, since) => {
                    span."tag tag-new" { "new" }
                    span.dim { (count(of_new, &calls)) " since " (text::clock(since, "%a %H:%M")) }
                },
                Why::Failing(failed, all) => {
                    span."tag tag-failing" { "failing" }
                    @let of_failed = calls.clone().with("outcome", "failed");
                    span.dim { (text::number(text::count(failed), &of_failed)) " of " (count(all, &calls)) " failed" }
                },
                Why::Gone(before) => {
                    span.tag { "gone" }
                    span.dim { (count(before, &frame.rows_before(&calls))) " before, none now" }
                },
            }
        }
    }
}

fn failed_asks(frame: &Frame, data: &Overview) -> Markup {
    let all = frame
        .link(Page::Calls)
        .with("with", "intent")
        .with("outcome", "failed");
    let card = Card::new("Latest failed requests").more(all, "All failed requests");
    if data.failed_asks.is_empty() {
        let nothing = "No failed call said what it was for.";
        return card.with(&part::empty(frame, nothing));
    }
    card.with(&html! {
        ul.asks {
            @for ask in &data.failed_asks {
                @let session = frame.plain_link(Page::Session).with_some("id", ask.session.as_ref());
                @let rows = frame.link(Page::Calls).with("intent", &ask.intent);
                li {
                    a.askq href=(if ask.session.is_some() { session.with("event", ask.event) } else { rows }) { (text::short(&ask.intent)) }
                    span.why {
                        (part::outcome(ask.outcome)) (part::tool(frame, &ask.tool))
                        @if ask.error.is_empty() { span.msg { "no message" } }
                        @else { bdi.msg title=(text::visible(&ask.error)) { (text::marked(&ask.error)) } }
                    }
                    span.meta { (part::who(frame, ask.user.as_deref())) (text::when(frame.period.now, ask.time_ms)) }
                }
            }
        }
    })
}

fn tools(frame: &Frame, data: &Overview) -> Markup {
    let words = text::all(data.tools_in_all as i64, "tool", "tools");
    let card = Card::new("Top tools").more(frame.link(Page::Tools), &words);
    if data.tools.is_empty() {
        return card.with(&part::empty(frame, "No tool was called in this period."));
    }
    let all = Share::new(data.now.failed, data.now.calls);
    let rows = data.tools.iter().map(|tool| row(frame, tool, all));
    card.with(&Table::new("Top tools", "stack", &TOOLS).with(rows))
}

fn row(frame: &Frame, tool: &Tool, all: Share) -> Row {
    let calls = frame.link(Page::Calls).with("tool", &tool.name);
    let people = frame.link(Page::People).with("tool", &tool.name);
    let trend: Vec<_> = tool.trend.iter().copied().map(Some).collect();
    vec![
        part::tool(frame, &tool.name),
        Spark::new(&trend).draw(),
        text::number(text::weight(tool.calls), &calls),
        part::delta(tool.calls, tool.before, Good::Neither),
        text::number(text::count(tool.people as i64), &people),
        part::failed(
            Share::new(tool.failed, tool.calls),
            all,
            &calls.clone().with("outcome", "failed"),
        ),
        html! { (tool.p95.map_or_else(|| "–".to_owned(), text::us)) },
    ]
    .into()
}
