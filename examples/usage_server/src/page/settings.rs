//! Projects, keys, how long what is kept, who is forgotten, and who looked at what.

use maud::{Markup, html};

use crate::query::settings::{Person, Settings};
use crate::store::projects::MAX_VALID_KEYS;

use super::frame::{Frame, Head, Page};
use super::part::{self, Card, Column, Row, Table, copyable, icon};
use super::text;

const KEYS: [Column; 5] = [
    Column::new("Key", "main"),
    Column::new("Made", "num"),
    Column::new("Last used", "num"),
    Column::new("State", ""),
    Column::new("", "num"),
];
const AUDIT: [Column; 4] = [
    Column::new("Time", "tm"),
    Column::new("Who", ""),
    Column::new("Did", "main"),
    Column::new("About", "grow"),
];

/// What just happened, said at the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    Done(String),
    Problem(String),
    /// A key that is shown this once.
    Key(String),
}

pub fn settings(frame: &Frame, data: &Settings, notice: Option<&Notice>) -> Markup {
    let head = Head::new(
        "Settings",
        "What is kept, for how long, and who may send and see it.",
    )
    .timeless();
    let body = html! {
        @if let Some(notice) = notice { (said(notice)) }
        @if !frame.may_change {
            p.note { "You may look. An administrator changes settings, makes keys, exports and forgets." }
        }
        (keys(frame, data))
        div."g g-2" {
            div { (rules(frame, data)) (projects(frame)) }
            div { @if frame.may_change { (export(frame)) (forget(frame)) } }
        }
        (audit(data))
    };
    frame.document(&head, &body)
}

/// Asks once more before somebody is forgotten, who may not be here.
pub fn confirm_forget(frame: &Frame, user: &str, person: Option<&Person>) -> Markup {
    let other_ids = person.map_or(&[][..], |person| &person.other_ids);
    let back = match person {
        Some(_) => frame.plain_link(Page::Person).with("id", user),
        None => frame.plain_link(Page::Settings),
    };
    let head = Head::new("Forget this person?", "It cannot be taken back.").timeless();
    let body = html! {
        section.card {
            header { h2 { (text::text(user)) } }
            @if !other_ids.is_empty() {
                p.pad { "The same address leads to more ids, which are forgotten too:" }
                ul.pad { @for id in other_ids { li { (text::text(id)) } } }
            }
            p.pad {
                @match person {
                    Some(person) => {
                        "Their " (text::plural(person.events, "event")) " and their id go from this server. "
                        "Totals of calls stay as they are. "
                    }
                    None => "Nobody here has that id or e-mail address. ",
                }
                "For 90 days a keyed hash of the id stays, so that late events of this person are refused."
            }
            form.pad method="post" action=(frame.action("forget")) {
                (frame.csrf_field())
                input type="hidden" name="user" value=(user);
                input type="hidden" name="sure" value="yes";
                button."btn danger" { "Forget this person" } " "
                a.btn href=(back) { "Keep them" }
            }
        }
    };
    frame.document(&head, &body)
}

fn said(notice: &Notice) -> Markup {
    match notice {
        Notice::Done(text) => {
            html! { p.callout.c-ok role="status" { (icon("ok")) span { (text) } } }
        }
        Notice::Problem(text) => {
            html! { p.callout.c-fail role="alert" { (icon("fail")) span { (text) } } }
        }
        Notice::Key(key) => html! {
            section.card {
                header { h2 { "The new write key" } p { "shown this once" } }
                (copyable("key", key))
                p.dim.pad { "Copy it now: only its hash is stored." }
            }
        },
    }
}

fn keys(frame: &Frame, data: &Settings) -> Markup {
    let now = frame.period.now;
    let valid = data
        .keys
        .iter()
        .filter(|key| key.revoked_ms.is_none())
        .count();
    let rows = data.keys.iter().map(|key| {
        Row::from(vec![
            html! { span.code { "…" (text::text(&key.hint)) } },
            text::when(now, key.created_ms),
            html! { @if let Some(used) = key.last_used_ms { (text::when(now, used)) } @else { "never" } },
            html! {
                @match key.revoked_ms {
                    Some(revoked) => { span.dim { "revoked " (text::when(now, revoked)) } },
                    None => "valid",
                }
            },
            html! {
                @if key.revoked_ms.is_none() && frame.may_change {
                    form method="post" action=(frame.action("keys/revoke")) {
                        (frame.csrf_field())
                        input type="hidden" name="key" value=(key.id);
                        button.btn.danger aria-label={ "Revoke the key that ends with " (text::visible(&key.hint)) } { "Revoke" }
                    }
                }
            },
        ])
    });
    let body = html! {
        @if data.keys.is_empty() {
            p.empty { "No key yet: no server can send." }
        } @else {
            (Table::new("Write keys", "stack", &KEYS).with(rows))
        }
        @if frame.may_change {
            form.pad method="post" action=(frame.action("keys/new")) {
                (frame.csrf_field())
                button.btn disabled[valid >= MAX_VALID_KEYS] { "Make a write key" }
                @if valid >= MAX_VALID_KEYS {
                    span.dim { " Two are valid at a time. Revoke the one that servers no longer use." }
                }
            }
        }
    };
    Card::new("Write keys")
        .note("what servers send with; two are valid at a time")
        .with(&body)
}

fn rules(frame: &Frame, data: &Settings) -> Markup {
    let project = &data.project;
    let locked = !frame.may_change;
    let body = html! {
        form."form pad" method="post" action=(frame.action("settings")) {
            (frame.csrf_field())
            label for="name" {
                "Name"
                input #name name="name" value=(project.name) maxlength="64" required disabled[locked];
            }
            label for="raw" {
                "Events are kept for, in days"
                input #raw name="raw_days" type="number" min="1" max="3650" value=(project.raw_days) required disabled[locked];
            }
            label for="rolled" {
                "Totals are kept for, in days"
                input #rolled name="rollup_days" type="number" min="1" max="3650" value=(project.rollup_days) required disabled[locked];
            }
            label.chk {
                input name="redact" type="checkbox" value="yes" checked[project.redact] disabled[locked];
                " Redact texts once more on their way in"
            }
            @if !locked { button.btn.primary { "Save" } }
        }
    };
    Card::new("This project").with(&body)
}

fn projects(frame: &Frame) -> Markup {
    let body = html! {
        ul.plain2 {
            @for project in &frame.projects {
                li {
                    a href=(frame.own(&format!("p/{}/", project.segment))) { (text::text(&project.name)) }
                    @if *project == frame.project { span.dim { "this one" } }
                }
            }
        }
        @if frame.may_change {
            form."form pad" method="post" action=(frame.action("projects/new")) {
                (frame.csrf_field())
                label for="project" { "Another project" input #project name="name" maxlength="64" required; }
                button.btn { "Make it" }
            }
        }
    };
    Card::new("Projects")
        .note("each with keys and pages of its own")
        .with(&body)
}

fn export(frame: &Frame) -> Markup {
    let body = html! {
        form."form pad" method="post" action=(frame.action("export")) {
            (frame.csrf_field())
            (part::select("range", "range", "Events of", &[
                ("24h".to_owned(), "the last 24 hours".to_owned()),
                ("7d".to_owned(), "the last 7 days".to_owned()),
                ("28d".to_owned(), "the last 4 weeks".to_owned()),
                ("91d".to_owned(), "the last 13 weeks".to_owned()),
                ("all".to_owned(), "all the time that events are kept".to_owned()),
            ], "28d"))
            (part::select("format", "format", "As", &[
                ("jsonl".to_owned(), "JSON lines, with arguments and results".to_owned()),
                ("csv".to_owned(), "CSV".to_owned()),
            ], "jsonl"))
            label for="export-user" { "Of one person (id), or of everyone" input #export-user name="user" autocomplete="off"; }
            button.btn { "Export" }
        }
    };
    Card::new("Export")
        .note("a line of the audit says who did")
        .with(&body)
}

fn forget(frame: &Frame) -> Markup {
    let body = html! {
        form."form pad" method="post" action=(frame.action("forget")) {
            (frame.csrf_field())
            label for="forget-user" { "Id or e-mail address" input #forget-user name="user" required autocomplete="off"; }
            button."btn danger" { "Forget this person…" }
            p.dim { "It asks once more, and says how many events go." }
        }
    };
    Card::new("Forget a person").with(&body)
}

fn audit(data: &Settings) -> Markup {
    let card =
        Card::new("Audit").note("who looked a person up, exported, forgot or changed something");
    if data.audit.is_empty() {
        return card.with(&html! { p.empty { "Nothing yet." } });
    }
    let rows = data.audit.iter().map(|line| {
        Row::from(vec![
            text::clock(line.at_ms, "%-d %b %H:%M:%S"),
            html! { (text::text(&line.who)) },
            html! { (text::text(&line.action)) },
            html! { (text::text(&text::cut(&line.subject, 200))) },
        ])
    });
    card.with(&Table::new("Audit", "stack", &AUDIT).with(rows))
}
