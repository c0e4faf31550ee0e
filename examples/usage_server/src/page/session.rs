//! A session, step by step: calls in order, what each was for, and how it ended.

use maud::{Markup, html};
use serde_json::Value;

use crate::query::session::{Detail, Replay, Step};
use crate::record::Kind;

use super::calls::kind_name;
use super::chart::{self, Span};
use super::frame::{Frame, Head, Page};
use super::part;
use super::text::{self, Link};

/// Pauses are cut to this in the waterfall, in seconds, and those longer than the second are said.
const LONGEST_PAUSE: f64 = 1.5;
const SAID_PAUSE: f64 = 20.0;
/// What has a place of its own on the page.
const SHOWN: [&str; 4] = ["arguments", "result", "error", "meta"];

pub fn session(frame: &Frame, data: &Replay) -> Markup {
    let of = &data.session;
    let untitled = "Session without an intent";
    let title = of.first_intent.as_deref().unwrap_or(untitled);
    let head = Head::about(title, lead(frame, data))
        .with_tools(neighbours(frame, data))
        .timeless();
    let body = html! {
        @if data.steps.is_empty() {
            p.empty {
                "No call in this session, or its rows are no longer kept. "
                a href=(frame.link(Page::Sessions)) { "All sessions" }
            }
        } @else {
            div.replay {
                (steps(frame, data))
                section."card detail" aria-label="The step" data-detail {
                    @if let Some(detail) = &data.detail { (shown(frame, data, detail)) }
                }
            }
        }
    };
    frame.document(&head, &body)
}

/// A session that is not there.
pub fn missing(frame: &Frame, id: &str) -> Markup {
    let head = Head::about(id, html! { "No session has this id." }).timeless();
    let body = html! {
        p.empty { "It may be older than what is kept. " a href=(frame.link(Page::Sessions)) { "All sessions" } }
    };
    frame.document(&head, &body)
}

fn lead(frame: &Frame, data: &Replay) -> Markup {
    let of = &data.session;
    let until = if of.first_ms / 86_400_000 == of.last_ms / 86_400_000 {
        "%H:%M"
    } else {
        "%a %-d %b, %H:%M"
    };
    let calls = frame.session_calls(&of.id, of.first_ms, of.last_ms);
    let failed = calls.clone().with("outcome", "failed");
    html! {
        (part::who(frame, of.user.as_deref()))
        @if !of.client.is_empty() { " with " (part::client(frame, &of.client, &of.client_version)) }
        ", " (text::clock(of.first_ms, "%A %-d %B, %H:%M")) "–" (text::clock(of.last_ms, until)) ". "
        (text::recorded_as(of.calls, text::plural(of.calls, "call"), &calls))
        @if of.last_ms > of.first_ms { " in " (text::ms((of.last_ms - of.first_ms) as f64)) }
        @if of.failed > 0 { ", " b.ft { (text::recorded(of.failed, &failed)) " failed" } }
        "."
    }
}

fn neighbours(frame: &Frame, data: &Replay) -> Markup {
    let link = |id: &String| frame.plain_link(Page::Session).with("id", id);
    html! {
        @if data.earlier.is_some() || data.later.is_some() {
            nav.pv aria-label="Other sessions of this person" {
                @if let Some(id) = &data.earlier { a.btn href=(link(id)) rel="prev" { "Earlier session" } }
                @if let Some(id) = &data.later { a.btn href=(link(id)) rel="next" { "Later session" } }
            }
        }
    }
}

fn at(frame: &Frame, data: &Replay, step: i64) -> Link {
    let page = frame.plain_link(Page::Session).with("id", &data.session.id);
    page.with("step", step)
}

fn steps(frame: &Frame, data: &Replay) -> Markup {
    let seconds = |step: &Step| {
        let duration = step.duration_us.unwrap_or_default() as f64 / 1e6;
        (step.time_ms as f64 / 1e3, duration)
    };
    let times: Vec<_> = data.steps.iter().map(seconds).collect();
    let spans = chart::waterfall(&times, LONGEST_PAUSE);
    let current = data.detail.as_ref().map(|detail| detail.number);
    let last = data.first + data.steps.len() as i64 - 1;
    html! {
        section."card steps" {
            header {
                h2 { "Calls in order" }
                p { bdi.code { (text::visible(&text::cut(&data.session.id, 40))) } "; pauses are shortened" }
            }
            ol {
                @for (place, (step, span)) in data.steps.iter().zip(&spans).enumerate() {
                    @let number = data.first + place as i64;
                    @let before = place.checked_sub(1).and_then(|before| data.steps.get(before));
                    @let pause = before.map(|before| pause(before, step)).filter(|pause| *pause > SAID_PAUSE);
                    @if let Some(pause) = pause {
                        li.gap { (text::ms(pause * 1e3)) " without a call" }
                    }
                    (step_line(&at(frame, data, number), number, current == Some(number), step, before, *span))
                }
            }
            @if data.first > 1 || last < data.steps_in_all {
                nav.pager aria-label="More steps" {
                    span { "Steps " (data.first) " to " (last) " of " (text::count(data.steps_in_all)) }
                    @if data.first > 1 { a.btn href=(at(frame, data, data.first - 1)) rel="prev" { "Back" } }
                    @if last < data.steps_in_all { a.btn href=(at(frame, data, last + 1)) rel="next" { "More" } }
                }
            }
        }
    }
}

/// Seconds without a call between two steps.
fn pause(before: &Step, step: &Step) -> f64 {
    let ended = before.time_ms as f64 + before.duration_us.unwrap_or_default() as f64 / 1e3;
    (step.time_ms as f64 - ended) / 1e3
}

fn step_line(
    link: &Link,
    number: i64,
    is_current: bool,
    step: &Step,
    before: Option<&Step>,
    span: Span,
) -> Markup {
    let group = if step.kind == Kind::Missing {
        "stop"
    } else {
        part::group(step.outcome.group())
    };
    let is_new = before.is_none_or(|before| before.intent != step.intent);
    html! {
        li {
            a href=(link) class={ "step s-" (group) } data-step aria-current=[is_current.then_some("step")] {
                span.ix { (number) }
                span.nm {
                    (text::text(name(step)))
                    @if let Some(intent) = step.intent.as_deref().filter(|_| is_new) { small { (text::short(intent)) } }
                }
                (part::icon(if step.kind == Kind::Missing { "ask" } else { group }))
                span.vh { (how(step)) }
                (chart::span(span, group))
                span.du { @if let Some(us) = step.duration_us { (text::us(us as f64)) } }
            }
        }
    }
}

fn name(step: &Step) -> &str {
    if step.tool.is_empty() {
        kind_name(step.kind)
    } else {
        &step.tool
    }
}

fn how(step: &Step) -> String {
    match step.kind {
        Kind::Missing => "asked for something no tool can do".to_owned(),
        _ => step.outcome.word().replace('_', " "),
    }
}

fn shown(frame: &Frame, data: &Replay, detail: &Detail) -> Markup {
    let step = &detail.step;
    let group = part::group(step.outcome.group());
    html! {
        article.stepd tabindex="-1" {
            header {
                span.ix { (detail.number) " of " (text::count(data.steps_in_all)) }
                h2 {
                    @match step.kind {
                        Kind::Call => (part::tool(frame, &step.tool)),
                        kind => { (kind_name(kind)) " " span.code { (text::text(&step.tool)) } },
                    }
                }
                @if step.kind == Kind::Missing { (part::state(crate::record::Group::GivenUp, "no tool can do it")) }
                @else { (part::outcome(step.outcome)) }
                @if let Some(us) = step.duration_us { span.dim { (text::us(us as f64)) } }
                (moves(frame, data, detail))
            }
            h3 { @if step.kind == Kind::Missing { "Wanted" } @else { "Intent" } @if step.intent.is_some() { span.dim { " said by the agent" } } }
            p.askq {
                @match &step.intent { Some(intent) => (text::text(intent)), None => i.dim { "none given" } }
            }
            @if let Some(arguments) = detail.body.get("arguments") {
                h3 { "Arguments" }
                (json(arguments))
            } @else if step.kind == Kind::Call {
                h3 { "Arguments" }
                p.dim { "Not sent, or no longer kept." }
            }
            @if let Some(error) = &detail.error {
                h3 { "Error" }
                pre class={ "err e-" (group) } tabindex="0" { bdi { (text::marked(error)) } }
            } @else if step.outcome.is_bad() {
                h3 { "Error" }
                p.dim { "No message." }
            }
            @if let Some(result) = detail.body.get("result") {
                h3 { "Result " @if let Some(bytes) = detail.result_bytes { span.dim { (text::bytes(bytes as f64)) } } }
                (json(result))
            }
            (facts(frame, data, detail))
            @if let Some(meta) = detail.body.get("meta") {
                details.as-table { summary { "What else the sender said" } (json(meta)) }
            }
        }
    }
}

fn moves(frame: &Frame, data: &Replay, detail: &Detail) -> Markup {
    html! {
        span.pn2 {
            @if detail.number > 1 {
                a.btn href=(at(frame, data, detail.number - 1)) data-step="previous" { "Previous " kbd aria-hidden="true" { "k" } }
            }
            @if detail.number < data.steps_in_all {
                a.btn href=(at(frame, data, detail.number + 1)) data-step="next" { "Next " kbd aria-hidden="true" { "j" } }
            }
        }
    }
}

fn facts(frame: &Frame, data: &Replay, detail: &Detail) -> Markup {
    let into = (detail.step.time_ms - data.session.first_ms) as f64;
    let texts = [
        ("Release", Some(detail.release.clone())),
        ("Instance", detail.instance.clone()),
        ("Protocol", Some(detail.protocol.clone())),
        (
            "Stands for",
            (detail.weight != 1.0).then(|| format!("{} calls", detail.weight)),
        ),
    ];
    let more = detail
        .body
        .iter()
        .filter(|(name, _)| !SHOWN.contains(&name.as_str()));
    html! {
        dl."facts row" {
            div {
                dt { "Began" }
                dd { (text::clock(detail.step.time_ms, "%H:%M:%S")) @if into >= 1000.0 { ", " (text::ms(into)) " in" } }
            }
            @for (name, value) in texts {
                @if let Some(value) = value.filter(|value| !value.is_empty()) {
                    div { dt { (name) } dd { (text::text(&value)) } }
                }
            }
            @if detail.body.get("result").is_none() {
                @if let Some(bytes) = detail.result_bytes {
                    div { dt { "Result" } dd { (text::bytes(bytes as f64)) } }
                }
            }
            @for (name, value) in more {
                div { dt { (text::text(&name.replace('_', " "))) } dd { bdi { (text::marked(&plain(value))) } } }
            }
        }
        @if detail.step.kind == Kind::Call {
            p.why { a href=(frame.link(Page::Calls).with("tool", &detail.step.tool)) { "All calls of this tool" } }
        }
    }
}

/// A text as it is, all else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

fn json(value: &Value) -> Markup {
    let shown = match value {
        // A result that is JSON within a text is easier to read as such.
        Value::String(text) => serde_json::from_str::<Value>(text)
            .ok()
            .filter(|inner| inner.is_object() || inner.is_array())
            .map_or_else(|| text.clone(), |inner| pretty(&inner)),
        value => pretty(value),
    };
    html! { pre tabindex="0" { bdi { (text::marked(&shown)) } } }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
