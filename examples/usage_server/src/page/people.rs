//! People: who uses which tools, who is new, and who went quiet.

use maud::{Markup, html};

use crate::query::people::{
    Company, Filter, MATRIX_COLUMNS, MATRIX_ROWS, Matrix, PAGE, People, Person, Show, Sort,
};

use super::chart::Spark;
use super::frame::{Frame, Head, Page};
use super::part::{self, Card, Column, Row, Segment, Share, Table};
use super::text::{self, Link};

const COLUMNS: [Column; 7] = [
    Column::new("Person", "main"),
    Column::new("Trend", "sp"),
    Column::sorted("Calls", "num", "calls"),
    Column::new("Sessions", "num"),
    Column::sorted("Failed", "num", "failed"),
    Column::new("Uses most", "hide-m"),
    Column::sorted("Last seen", "num", "last"),
];
const COMPANY: [Column; 4] = [
    Column::new("Company", "main"),
    Column::new("", "sp"),
    Column::new("People", "num"),
    Column::new("Calls", "num"),
];
/// From so many calls on a cell of the matrix is of the next step.
const STEPS: [f64; 5] = [1.0, 3.0, 8.0, 16.0, 32.0];

pub fn people(frame: &Frame, filter: &Filter, data: &People) -> Markup {
    let mut head = Head::new(
        "People",
        "Who uses which tools, who is new, and who went quiet?",
    );
    for (key, value) in filter.pairs() {
        head = head.keeping(key, Some(value));
    }
    let body = html! {
        div.bar2 { (segments(frame, filter, data)) (form(frame, filter, data)) }
        (part::chips(&chips(frame, filter)))
        @if data.total == 0 {
            @if filter.pairs().is_empty() {
                (part::empty(frame, "Nobody called a tool in this period."))
            } @else {
                p.empty { "Nobody matches. " a href=(frame.link(Page::People)) { "Show all" } }
            }
        } @else {
            @if !data.matrix.rows.is_empty() { (who_uses_what(frame, filter, data)) }
            (everyone(frame, filter, data))
            // With a filter its numbers would not be those that a link can ask for.
            @if filter.pairs().is_empty() { (companies(frame, data)) }
        }
    };
    frame.document(&head, &body)
}

/// The address of the page with the filter, without order and place.
fn address(frame: &Frame, filter: &Filter) -> Link {
    frame.link(Page::People).with_all(&filter.pairs())
}

fn segments(frame: &Frame, filter: &Filter, data: &People) -> Markup {
    let segment = |show: Show, label, rows: usize| Segment {
        label,
        rows: rows as i64,
        link: address(
            frame,
            &Filter {
                show,
                ..filter.clone()
            },
        ),
        is_current: filter.show == show,
    };
    part::segments(
        "Which people",
        &[
            segment(Show::Active, "Active", data.active),
            segment(Show::New, "New", data.new),
            segment(Show::Returning, "Returning", data.returning),
            segment(Show::Back, "Back", data.back),
            segment(Show::Gone, "Gone quiet", data.gone),
        ],
    )
}

fn form(frame: &Frame, filter: &Filter, data: &People) -> Markup {
    let asked = match (&filter.words, &filter.domain) {
        (Some(words), _) => words.clone(),
        (None, Some(domain)) => format!("@{domain}"),
        _ => String::new(),
    };
    html! {
        form.filters action=(frame.plain_link(Page::People)) role="search" aria-label="Search people" {
            (frame.range_field())
            @for (key, value) in filter.pairs() {
                @if !matches!(key, "q" | "domain") { input type="hidden" name=(key) value=(value); }
            }
            (part::search("people-q", "Search by id, e-mail or @company", &asked))
            (part::total(data.total as f64, Some(data.total as i64), &text::people(data.total as i64)))
        }
    }
}

fn chips(frame: &Frame, filter: &Filter) -> Vec<(&'static str, String, Link)> {
    let pairs = filter.pairs();
    let without = |taken: &str| {
        let left = pairs.iter().filter(|(key, _)| *key != taken);
        frame.link(Page::People).with_all(left)
    };
    let shown = pairs
        .iter()
        .filter(|(key, _)| !matches!(*key, "show" | "q"));
    shown
        .map(|(key, value)| (*key, value.clone(), without(key)))
        .collect()
}

fn who_uses_what(frame: &Frame, filter: &Filter, data: &People) -> Markup {
    let note = "calls in this period; a stronger cell is more; a mark in the corner: more than 1 in 5 failed";
    let Matrix {
        rows,
        tools,
        tools_in_all,
    } = &data.matrix;
    let at = |row: usize, column: usize| {
        let link = address(frame, filter);
        let link = link.with_some("row", (row > 0).then_some(row));
        link.with_some("column", (column > 0).then_some(column))
            .at("matrix")
    };
    // An address can name any number.
    let (row, column) = (filter.row.min(data.total), filter.column.min(*tools_in_all));
    let moves = [
        (
            row > 0,
            "People before",
            at(row.saturating_sub(MATRIX_ROWS), column),
        ),
        (
            row + MATRIX_ROWS < data.total,
            "More people",
            at(row + MATRIX_ROWS, column),
        ),
        (
            column > 0,
            "Tools before",
            at(row, column.saturating_sub(MATRIX_COLUMNS)),
        ),
        (
            column + MATRIX_COLUMNS < *tools_in_all,
            "More tools",
            at(row, column + MATRIX_COLUMNS),
        ),
    ];
    let is_paged = moves.iter().any(|(is, _, _)| *is);
    Card::new("Who uses what").note(note).class("mcard").id("matrix").with(&html! {
        div.scroll tabindex="0" role="region" aria-label="People and tools" {
            table.matrix {
                caption.vh { "Calls per person and tool" }
                thead {
                    tr {
                        th.pn scope="col" { "Person" }
                        th.tot scope="col" { "Calls" }
                        @for tool in tools {
                            th scope="col" {
                                a href=(frame.link(Page::Tool).with("name", tool)) title=(text::visible(tool)) {
                                    span { (text::visible(tool)) }
                                }
                            }
                        }
                    }
                }
                tbody {
                    @for person in rows {
                        @let calls = frame.link(Page::Calls).with("user", &person.id);
                        tr {
                            th.pn scope="row" { (part::who(frame, Some(&person.id))) }
                            td.tot { (text::number(text::weight(person.calls), &rows_of(&calls, filter))) }
                            @for ((calls_of, failed), tool) in person.cells.iter().zip(tools) {
                                (cell(*calls_of, *failed, tool, &calls.clone().with("tool", tool)))
                            }
                        }
                    }
                }
            }
        }
        @if is_paged {
            nav.pager aria-label="More of the matrix" {
                span {
                    "People " (row + 1) " to " (row + rows.len()) " of " (data.total)
                    ", tools " (column + 1) " to " (column + tools.len()) " of " (tools_in_all)
                }
                @for (is, words, link) in &moves { @if *is { a.btn href=(link) { (words) } } }
            }
        }
    })
}

/// The rows that a person's number counts: those of the tool that the page is filtered by.
fn rows_of(calls: &Link, filter: &Filter) -> Link {
    calls.clone().with_some("tool", filter.tool.as_ref())
}

fn cell(calls: f64, failed: f64, tool: &str, rows: &Link) -> Markup {
    let step = STEPS.iter().filter(|from| calls >= **from).count();
    let is_failing = failed >= 2.0 && failed / calls > 0.2;
    let class = format!("m q{step}{}", if is_failing { " mf" } else { "" });
    html! {
        td class=(class) {
            @if calls > 0.0 {
                a href=(rows) data-rows=(calls.round() as i64)
                    title={ (text::weight(calls)) " calls of " (text::visible(tool)) ", " (text::weight(failed)) " failed" } {
                    (text::weight(calls))
                    @if is_failing { span.vh { ", " (text::weight(failed)) " failed" } }
                }
            }
        }
    }
}

fn everyone(frame: &Frame, filter: &Filter, data: &People) -> Markup {
    let usual = Share::new(data.failed, data.calls);
    let page = address(frame, filter);
    let (by, descending) = match filter.sort {
        Sort::Calls => ("calls", true),
        Sort::FewestCalls => ("calls", false),
        Sort::Failed => ("failed", true),
        Sort::FewestFailed => ("failed", false),
        Sort::Newest => ("last", true),
        Sort::Oldest => ("last", false),
    };
    let sort = part::Sort { by, descending };
    let table = Table::new("People", "stack sticky c4", &COLUMNS).sorted(&sort, &page);
    let sorted = page.clone().with_some(
        "sort",
        (filter.sort != Sort::Calls).then(|| {
            if descending {
                by.to_owned()
            } else {
                format!("-{by}")
            }
        }),
    );
    let at = |from: usize| sorted.clone().with_some("from", (from > 0).then_some(from));
    let shown = format!(
        "{} to {} of {}",
        filter.from.saturating_add(1),
        filter.from.saturating_add(data.list.len()),
        text::people(data.total as i64)
    );
    let newer = (filter.from > 0).then(|| at(filter.from.saturating_sub(PAGE)));
    let older = (filter.from.saturating_add(PAGE) < data.total)
        .then(|| at(filter.from.saturating_add(PAGE)));
    let export = page.clone().with("format", "csv");
    let card = Card::new("Everyone");
    let card = if frame.may_change {
        card.more(export, "Export CSV")
    } else {
        card
    };
    card.with(&html! {
        (table.with(data.list.iter().map(|person| row(frame, filter, person, usual))))
        @if newer.is_some() || older.is_some() { (part::pager(&shown, newer.as_ref(), older.as_ref())) }
    })
}

fn row(frame: &Frame, filter: &Filter, person: &Person, usual: Share) -> Row {
    let calls = rows_of(&frame.link(Page::Calls).with("user", &person.id), filter);
    let sessions = frame.link(Page::Sessions).with("user", &person.id);
    let trend: Vec<_> = person.trend.iter().copied().map(Some).collect();
    let is_here = person.calls > 0.0;
    let failed = Share::new(person.failed, person.calls);
    vec![
        html! { (part::who(frame, Some(&person.id))) (tag(person.show)) },
        html! { @if is_here { (Spark::new(&trend).draw()) } },
        html! {
            @if is_here { (text::number(text::weight(person.calls), &calls)) }
            @else { span.dim { (text::number(text::weight(person.calls_before), &frame.rows_before(&calls))) " before" } }
        },
        html! { @if is_here { (text::number(text::count(person.sessions), &sessions)) } @else { span.dim { "–" } } },
        part::failed(failed, usual, &calls.clone().with("outcome", "failed")),
        html! { span.tops { @for tool in &person.tools { (part::tool(frame, tool)) } } },
        text::when(frame.period.now, person.last_ms),
    ]
    .into()
}

/// What stands beside a name; those who are there as always have nothing.
pub fn tag(show: Show) -> Markup {
    html! {
        @match show {
            Show::Active | Show::Returning | Show::Known => {},
            Show::New => span.tag.tag-new { "new" },
            Show::Back => span.tag { "back" },
            Show::Gone => span.tag { "gone quiet" },
        }
    }
}

fn companies(frame: &Frame, data: &People) -> Markup {
    let most = data.companies.first().map_or(0.0, |company| company.calls);
    let row = |company: &Company| {
        let domain = &company.domain;
        let people = frame.link(Page::People).with("domain", domain);
        let calls = frame.link(Page::Calls).with("domain", domain);
        let cells = if domain.is_empty() {
            vec![
                html! { span.dim { "no company known" } },
                part::meter(company.calls, most, ""),
                html! { span.dim { (company.people) } },
                html! { span.dim { (text::weight(company.calls)) } },
            ]
        } else {
            vec![
                html! { a href=(frame.link(Page::Company).with("domain", domain)) { (text::text(domain)) } },
                part::meter(company.calls, most, ""),
                text::number(text::count(company.people as i64), &people),
                text::number(text::weight(company.calls), &calls),
            ]
        };
        Row::from(cells)
    };
    Card::new("By company")
        .note("the domain of the e-mail address")
        .with(&Table::new("Companies", "stack c4", &COMPANY).with(data.companies.iter().map(row)))
}

/// The head of the file that an export is.
pub const FIELDS: [&str; 7] = [
    "person",
    "state",
    "calls",
    "failed",
    "sessions",
    "first_seen",
    "last_seen",
];

/// A row of an export, in the order of `FIELDS`.
pub fn fields(person: &Person) -> [String; 7] {
    let time = |ms| text::date(ms, "%Y-%m-%dT%H:%M:%SZ");
    [
        person.id.clone(),
        person.show.word().to_owned(),
        person.calls.to_string(),
        person.failed.to_string(),
        person.sessions.to_string(),
        time(person.first_ms),
        time(person.last_ms),
    ]
}
