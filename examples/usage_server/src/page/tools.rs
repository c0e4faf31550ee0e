//! Which tools are used, which fail, which are slow, and which does nobody call?

use maud::{Markup, html};

use crate::query::tools::{NEVER_DAYS, NeverCalled, Tool, Tools};

use super::chart::Spark;
use super::frame::{Frame, Head, Page};
use super::part::{self, Card, Column, Good, Row, Share, Sort, Table};
use super::text::{self, number};

const CALLED: [Column; 11] = [
    Column::sorted("Tool", "main", "tool"),
    Column::new("Trend", "sp"),
    Column::sorted("Calls", "num", "calls"),
    Column::sorted("Change", "num", "change"),
    Column::sorted("People", "num", "people"),
    Column::sorted("Failed", "num", "failed"),
    Column::sorted("p50", "num", "p50"),
    Column::sorted("p95", "num", "p95"),
    Column::sorted("p99", "num hide-m", "p99"),
    Column::sorted("Result, p50", "num hide-m", "result"),
    Column::sorted("Last call", "num hide-m", "last"),
];
const ABSENT: [Column; 4] = [
    Column::new("Name", "main"),
    Column::new("Calls", "num"),
    Column::new("People", "num"),
    Column::new("Last", "num"),
];
/// A p95 from which it is printed bold: people wait.
const SLOW_US: f64 = 5e6;

/// A part of `None` took too long.
pub fn tools(
    frame: &Frame,
    data: Option<&Tools>,
    never: Option<&(usize, Vec<NeverCalled>)>,
    sort: Option<&str>,
) -> Markup {
    let head = Head::new(
        "Tools",
        "Which tools are used, which fail, which are slow, and which does nobody call?",
    )
    .keeping("sort", sort);
    let again = frame.link(Page::Tools);
    let body = html! {
        @match data {
            None => (Card::new("Called").with(&part::too_slow(&again))),
            Some(data) => (called(frame, data, never, sort)),
        }
        div."g g-2" {
            @match never {
                None => (Card::new("Never called").with(&part::too_slow(&again))),
                Some((_, never)) => (never_called(frame, never)),
            }
            @if let Some(data) = data { (absent(frame, data)) }
        }
    };
    frame.document(&head, &body)
}

fn called(
    frame: &Frame,
    data: &Tools,
    never: Option<&(usize, Vec<NeverCalled>)>,
    sort: Option<&str>,
) -> Markup {
    let listed = never.map_or(0, |(listed, _)| *listed);
    let note = match listed > 0 {
        true => format!(
            "{} of {} tools",
            data.called.len(),
            listed.max(data.called.len())
        ),
        false => String::new(),
    };
    let card = Card::new("Called")
        .note(&note)
        .more(frame.link(Page::Tools).with("format", "csv"), "Export CSV");
    if data.called.is_empty() {
        return card.with(&part::empty(frame, "No call in this period."));
    }
    let sort = match sort {
        Some(asked) => Sort::of(Some(asked), &CALLED),
        None => Sort {
            by: "calls",
            descending: true,
        },
    };
    let link = frame.link(Page::Tools);
    let failed: f64 = data.called.iter().map(|tool| tool.failed).sum();
    let calls: f64 = data.called.iter().map(|tool| tool.calls).sum();
    let usual = Share::new(failed, calls);
    let rows = sorted(&data.called, &sort)
        .into_iter()
        .map(|tool| row(frame, tool, usual));
    card.with(
        &Table::new("Tools", "stack sticky", &CALLED)
            .sorted(&sort, &link)
            .with(rows),
    )
}

fn sorted<'t>(tools: &'t [Tool], sort: &Sort) -> Vec<&'t Tool> {
    let value = |tool: &Tool| match sort.by {
        "change" => (tool.calls - tool.before) / tool.before.max(1.0),
        "people" => tool.people as f64,
        "failed" => tool.failed / tool.calls.max(1.0),
        "p50" => tool.p50.unwrap_or(-1.0),
        "p95" => tool.p95.unwrap_or(-1.0),
        "p99" => tool.p99.unwrap_or(-1.0),
        "result" => tool.result_p50.unwrap_or(-1.0),
        "last" => tool.last_ms.unwrap_or_default() as f64,
        _ => tool.calls,
    };
    let mut order: Vec<&Tool> = tools.iter().collect();
    if sort.by == "tool" {
        // A name's first is A.
        order.sort_by(|a, b| a.name.cmp(&b.name));
        if !sort.descending {
            order.reverse();
        }
        return order;
    }
    order.sort_by(|a, b| value(b).total_cmp(&value(a)));
    if !sort.descending {
        order.reverse();
    }
    order
}

fn row(frame: &Frame, tool: &Tool, usual: Share) -> Row {
    let calls = frame.link(Page::Calls).with("tool", &tool.name);
    let people = frame.link(Page::People).with("tool", &tool.name);
    let trend: Vec<Option<f64>> = tool.trend.iter().copied().map(Some).collect();
    let duration = |us: Option<f64>| us.map_or_else(|| "–".to_owned(), text::us);
    Row::from(vec![
        html! {
            (part::tool(frame, &tool.name))
            @if let Some(changed) = tool.changed_ms {
                span.tag title={ "its definition changed " (text::exact(changed)) } { "changed" }
            }
        },
        Spark::new(&trend).draw(),
        number(text::weight(tool.calls), &calls),
        part::delta(tool.calls, tool.before, Good::Neither),
        number(text::count(tool.people as i64), &people),
        html! {
            span.er {
                (part::meter(tool.failed, tool.calls, "mfail"))
                (part::failed(Share::new(tool.failed, tool.calls), usual, &calls.with("outcome", "failed")))
            }
        },
        html! { (duration(tool.p50)) },
        html! {
            @if tool.p95.is_some_and(|us| us >= SLOW_US) { b { (duration(tool.p95)) } } @else { (duration(tool.p95)) }
        },
        html! { (duration(tool.p99)) },
        html! { (tool.result_p50.map_or_else(|| "–".to_owned(), text::bytes)) },
        html! { @if let Some(last) = tool.last_ms { (text::when(frame.period.now, last)) } @else { "–" } },
    ])
}

fn never_called(frame: &Frame, never: &[NeverCalled]) -> Markup {
    let note = format!("in the last {NEVER_DAYS} days, by what they cost");
    let body = html! {
        @if never.is_empty() {
            p.empty { "Every tool that servers list has been called." }
        } @else {
            ul.plain2 {
                @for tool in never {
                    li {
                        (part::tool(frame, &tool.name))
                        span.dim {
                            "last listed " (text::when(frame.period.now, tool.last_ms))
                            @if let Some(tokens) = tool.tokens {
                                ", costs about " (text::plural(tokens, "token")) " of every listing"
                            }
                        }
                    }
                }
            }
        }
    };
    Card::new("Never called").note(&note).with(&body)
}

fn absent(frame: &Frame, data: &Tools) -> Markup {
    let card = Card::new("Asked for, but not there").note("calls of a tool that no server has");
    if data.absent.is_empty() {
        return card.with(&html! { p.empty { "Nothing was called that is not there." } });
    }
    let rows = data.absent.iter().map(|tool| {
        let calls = frame.link(Page::Calls).with("tool", &tool.name);
        let people = frame.link(Page::People).with("tool", &tool.name);
        Row::from(vec![
            html! { span.code title=(text::visible(&tool.name)) { (text::text(&tool.name)) } },
            number(text::weight(tool.calls), &calls),
            number(text::count(tool.people as i64), &people),
            html! { @if let Some(last) = tool.last_ms { (text::when(frame.period.now, last)) } },
        ])
    });
    card.with(&Table::new("Unknown tools", "tight", &ABSENT).with(rows))
}
