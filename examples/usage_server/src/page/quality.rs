//! Can I trust the other pages?

use maud::{Markup, html};

use crate::query::quality::{self, Instance, Quality};
use crate::record::Group;

use super::frame::{Frame, Head, Page};
use super::part::{self, Card, Column, Row, Table};
use super::text;

const INSTANCES: [Column; 8] = [
    Column::new("Instance", "main grow"),
    Column::new("State", ""),
    Column::new("Delivered", "num"),
    Column::new("Dropped", "num"),
    Column::new("Missing", "num"),
    Column::new("Clock", "num"),
    Column::new("Lag", "num hide-m"),
    Column::new("Last batch", "num"),
];
const DROPPED: [Column; 3] = [
    Column::new("Dropped because", "main grow"),
    Column::new("Events", "num"),
    Column::new("Instances", "num"),
];
const REFUSED: [Column; 3] = [
    Column::new("Not taken because", "main grow"),
    Column::new("Events", "num"),
    Column::new("Last", "num"),
];
const REDACTED: [Column; 5] = [
    Column::new("Class", "main"),
    Column::new("", "sp"),
    Column::new("By senders", "num"),
    Column::new("Here", "num"),
    Column::new("Most in", ""),
];
/// A clock that is further off puts events into the wrong minute.
const SKEW_MS: i64 = 2_000;
const SILENT_MS: i64 = 24 * 3_600_000;

/// What a sender's reason to drop means, and what to do.
const REASONS: [(&str, &str); 19] = [
    (
        "queue_full",
        "The server made events faster than they could be sent. Raise max_queue_events, or turn the spool on.",
    ),
    (
        "evicted",
        "The queue was full and made room for newer events, or this destination lagged behind another.",
    ),
    (
        "too_large",
        "One event exceeded the size of an event. Lower the limits of captured values.",
    ),
    (
        "missing_field",
        "A required field was not set: product_id, or the identity of an event.",
    ),
    (
        "unsupported_by_wire",
        "The wire has no place for this kind of event. Use Wire::ReoBatch.",
    ),
    (
        "redaction_failed",
        "A redaction rule of your own panicked; the event was not sent unredacted.",
    ),
    (
        "before_send",
        "The before_send hook discarded it, or failed.",
    ),
    (
        "sampled",
        "Left out by the sample rate; the calls that were kept stand for it.",
    ),
    (
        "rate_capped",
        "The tool was called more often than its rate cap allows.",
    ),
    (
        "no_consent",
        "Somebody wants nothing recorded. This is their choice, and no loss.",
    ),
    (
        "forgotten",
        "About somebody who was forgotten before it was sent.",
    ),
    (
        "unauthorized",
        "The write key was refused. Compare it with Settings.",
    ),
    (
        "rejected",
        "The ingest refused the event. See what was not taken, on this page.",
    ),
    (
        "refused",
        "The ingest failed on this event again and again.",
    ),
    (
        "expired",
        "Not delivered within max_event_age. The ingest was away for longer than that.",
    ),
    (
        "spool_full",
        "The spool was full, or its file was damaged or removed.",
    ),
    (
        "shutdown_timeout",
        "The process ended before all was sent. Give shutdown more time.",
    ),
    (
        "closed",
        "Offered after the shutdown, or there was no thread for the worker.",
    ),
    ("forked", "Offered in a forked child, which has no worker."),
];

/// `None`: it took too long.
pub fn quality(frame: &Frame, data: Option<&Quality>) -> Markup {
    let head = Head::new("Data quality", "Can I trust the other pages?");
    let body = match data {
        None => part::too_slow(&frame.link(Page::Quality)),
        Some(data) => html! {
            (sum(data))
            (instances(frame, data))
            div."g g-2" {
                div { (dropped(frame, data)) (refused(frame, data)) }
                (redactions(frame, data))
            }
        },
    };
    frame.document(&head, &body)
}

fn sum(data: &Quality) -> Markup {
    let term = |name: &str, events: i64, hot: bool| {
        html! { div class=[hot.then_some("hotd")] { dt { (name) } dd { (text::count(events)) } } }
    };
    let body = html! {
        @if data.offered() == 0 {
            p.verdict { "Nothing arrived in this period, and nobody says that anything was lost." }
        } @else {
            p.verdict {
                b { (text::percent(data.delivered as f64, data.offered() as f64, 2)) }
                " of what servers say that they recorded has arrived."
            }
        }
        @if data.missing > 0 {
            p.verdict {
                (text::plural(data.missing, "event")) (if data.missing == 1 { " is" } else { " are" })
                " missing or still queued: a gap in the sequence numbers since an instance started."
            }
        }
        dl.eq {
            (term("offered", data.offered(), false)) i { "=" }
            (term("delivered", data.delivered, false)) i { "+" }
            (term("dropped", data.dropped, data.dropped > 0))
        }
        p.dim {
            "Dropped is what the servers themselves report with their batches. "
            @if data.chosen > 0 {
                (text::plural(data.chosen, "more event")) " were left out by choice, and those that were kept stand for them. "
            }
            @if data.repeated > 0 {
                (text::plural(data.repeated, "event")) " came more than once and were counted once."
            }
        }
    };
    Card::new("The sum")
        .note("of whole days")
        .class("sum")
        .with(&body)
}

fn instances(frame: &Frame, data: &Quality) -> Markup {
    let card = Card::new("Instances").note("each process that sends");
    if data.instances.is_empty() {
        return card.with(&part::empty(
            frame,
            "No instance sent anything in this period.",
        ));
    }
    let now = frame.period.now;
    let dash = |events: i64| match events {
        0 => "–".to_owned(),
        events => text::count(events),
    };
    let rows = data.instances.iter().map(|instance| {
        let is_off = instance.skew_ms.abs() > SKEW_MS;
        Row::from(vec![
            html! {
                b { (text::text(&instance.name)) }
                @if !instance.sdk.is_empty() { " " span.dim { (text::text(&instance.sdk)) } }
            },
            state(instance, now),
            html! { (text::count(instance.delivered)) },
            html! {
                span class=(if instance.dropped > 0 { "er hot" } else { "er" }) { (dash(instance.dropped)) }
            },
            html! { (dash(instance.missing)) },
            html! { span class=(if is_off { "er hot" } else { "er" }) { (seconds(instance.skew_ms)) } },
            html! { (text::ms(instance.lag_ms.max(0) as f64)) },
            text::when(now, instance.last_ms),
        ])
    });
    card.with(&Table::new("Instances", "stack", &INSTANCES).with(rows))
}

fn state(instance: &Instance, now: i64) -> Markup {
    let silent = now - instance.last_ms;
    if instance.dropped > 0 {
        part::state(
            Group::Failed,
            &format!("{} lost", text::plural(instance.dropped, "event")),
        )
    } else if instance.skew_ms.abs() > SKEW_MS {
        part::state(Group::GivenUp, "clock is off")
    } else if instance.missing > 0 {
        part::state(
            Group::GivenUp,
            &format!("{} missing", text::count(instance.missing)),
        )
    } else if silent > SILENT_MS {
        part::state(
            Group::Waiting,
            &format!("silent for {} h", silent / 3_600_000),
        )
    } else {
        part::state(Group::Ok, "complete")
    }
}

/// How far the sender's clock is ahead.
fn seconds(skew_ms: i64) -> String {
    let sign = if skew_ms > 0 { "−" } else { "+" };
    format!("{sign}{:.2}\u{202f}s", skew_ms.abs() as f64 / 1e3)
}

fn dropped(frame: &Frame, data: &Quality) -> Markup {
    let card = Card::new("Dropped, by reason");
    if data.reasons.is_empty() {
        return card.with(&part::empty(frame, "No server reports a loss."));
    }
    let rows = data.reasons.iter().map(|one| {
        let meaning = REASONS.iter().find(|(reason, _)| *reason == one.reason);
        Row::from(vec![
            html! {
                span.code { (text::text(&one.reason)) }
                @if quality::is_chosen(&one.reason) { span.tag { "by choice" } }
                @if let Some((_, meaning)) = meaning { span.why2 { (meaning) } }
            },
            html! { (text::count(one.events)) },
            html! { (text::count(one.instances)) },
        ])
    });
    card.with(&Table::new("Dropped", "stack", &DROPPED).with(rows))
}

fn refused(frame: &Frame, data: &Quality) -> Markup {
    let card = Card::new("Not taken").note("by this server");
    if data.refused.is_empty() && data.repeated == 0 {
        return card.with(&part::empty(frame, "All that came was taken."));
    }
    let rows = data.refused.iter().map(|one| {
        Row::from(vec![
            html! { (text::text(&one.reason.replace('_', " "))) },
            html! { (text::count(one.events)) },
            text::clock(one.last_ms, "%-d %b"),
        ])
    });
    let repeated = (data.repeated > 0).then(|| {
        Row::from(vec![
            html! { "came once more after an answer was lost, counted once" },
            html! { (text::count(data.repeated)) },
            html! { "–" },
        ])
    });
    card.with(&Table::new("Refused", "tight", &REFUSED).with(rows.chain(repeated)))
}

fn redactions(frame: &Frame, data: &Quality) -> Markup {
    let card = Card::new("Redacted").note("how often, by class; what it was is not kept");
    if data.redactions.is_empty() {
        return card.with(&part::empty(frame, "Nothing was redacted."));
    }
    let most = data.redactions.iter().map(|one| one.marks + one.here).max();
    let rows = data.redactions.iter().map(|one| {
        Row::from(vec![
            html! { span.code { (text::text(&one.class)) } },
            part::meter((one.marks + one.here) as f64, most.unwrap_or(1) as f64, ""),
            html! { (text::count(one.marks)) },
            html! { (text::count(one.here)) },
            html! { @if !one.tool.is_empty() { (part::tool(frame, &one.tool)) } },
        ])
    });
    card.with(&Table::new("Redactions", "tight", &REDACTED).with(rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_to_drop_has_advice() {
        let known: Vec<&str> = REASONS.iter().map(|(reason, _)| *reason).collect();
        let all: Vec<&str> = mcp_usage::DropReason::ALL
            .iter()
            .map(|reason| reason.as_str())
            .collect();
        assert_eq!(known, all);
    }
}
